"""A build-out as text: the answer first, then phases, years and what to hurry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt.cli._text import dim, heading, table, wrap
from gigawatt.programme.buildout.earlier import earlier_announcements
from gigawatt.programme.buildout.notes import notes_of
from gigawatt.programme.buildout.plan import ANNOUNCED, TASKS, THERE
from gigawatt.programme.buildout.record import announced_mw, levels_of, spread, year_ends
from gigawatt.programme.buildout.worth import month_usd
from gigawatt.results.numbers import date_text, human, share_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from gigawatt.programme.buildout.simulate import BuildOut

__all__ = ["buildout_text"]

_MOST_TASKS: Final = 12
_MOST_YEARS: Final = 12


def buildout_text(build: BuildOut, by: Sequence[dt.date] = ()) -> str:
    """Return what ``gigawatt buildout`` prints."""
    return "\n\n".join(block for block in _blocks(build, by) if block)


def _blocks(build: BuildOut, by: Sequence[dt.date]) -> Iterable[str]:
    yield _headline(build, by)
    yield _phases(build)
    yield _years(build)
    yield _tasks(build)
    yield _earlier(build)
    yield "\n".join([heading("Notes"), *(wrap(f"- {one}", "  ") for one in notes_of(build))])


def _headline(build: BuildOut, by: Sequence[dt.date]) -> str:
    reached = spread(build.reached(build.target_mw))
    low, mid, high = (_day(build, one) for one in reached)
    announced = build.announced_day(build.target_mw)
    target = human(build.target_mw, "MW")
    likely = f"{mid} (P10–P90 {low} to {high})" if reached[-1] > 0.0 else f"there since {mid}"
    if build.beyond_plan:
        likely = f"never: {human(build.total_mw, 'MW')} are planned"
    rows = [
        (f"{target} as announced", _date(announced) if announced else "no date"),
        (f"{target} likely", likely),
    ]
    if build.total_mw > build.target_mw:
        days = build.days.max(axis=0)
        low, mid, high = (_day(build, one) for one in spread(days))
        rows.append((f"all {human(build.total_mw, 'MW')} likely", f"{mid} ({low} to {high})"))
    rows += [
        (f"{target} by {_date(day)}", _share(build.probability(build.target_mw, day)))
        for day in by or _asked_days(build)
    ]  # fmt: skip
    title = heading(f"Build-out of {build.campus.name}, as known on {_date(build.as_of)}")
    said = dim(f"{build.samples:,} build-outs, seed {build.seed}; {_views(build)}")
    return "\n".join([title, said, table(("", ""), rows, indent=2, folding=(1,))])


def _asked_days(build: BuildOut) -> list[dt.date]:
    """Return the end of this year and of that of the median."""
    middle = build.date(spread(build.reached(build.target_mw))[1])
    ends = year_ends(build)
    return [day for day in ends if day == ends[0] or (middle and day.year == middle.year)]


def _views(build: BuildOut) -> str:
    counts = {
        "there": sum(phase.view == THERE for phase in build.phases),
        "by the reference class": sum(phase.view == ANNOUNCED for phase in build.phases),
        "by their tasks": sum(phase.view == TASKS for phase in build.phases),
    }
    return "phases " + ", ".join(f"{n} {what}" for what, n in counts.items() if n)


def _phases(build: BuildOut) -> str:
    rows, both = [], build.work is not None and any(
        phase.view == TASKS and phase.announced is not None for phase in build.phases
    )  # fmt: skip
    for phase, days, reference in zip(build.phases, build.days, build.reference_days, strict=True):
        usd, _, _ = month_usd(build.rate, phase)
        announced = _date(phase.announced) if phase.announced else "none"
        dates = [_day(build, one) for one in spread(days)]
        if phase.view == THERE:
            dates = ["there", "", ""]
        row = [phase.name, f"{phase.facility_mw:,.0f}", announced, *dates]
        if both:
            known = phase.announced is not None and phase.view != THERE
            row.append(_day(build, spread(reference)[1]) if known else "")
        rows.append([*row, "" if phase.view == THERE else human(usd, "USD")])
    head = ["phase", "MW", "announced", "P10", "P50", "P90"]
    head += ["P50 of others"] if both else []
    right = (1, len(head))
    body = table([*head, "a month is worth"], rows, right=right, indent=2, folding=(0,))
    return "\n".join([heading("Phases"), body])


def _years(build: BuildOut) -> str:
    levels = levels_of(build)
    rows = []
    for day in year_ends(build)[:_MOST_YEARS]:
        after = next((i for i, month in enumerate(build.months) if month > day), None)
        if after is None:
            break
        low, mid, high = (f"{mw:,.0f}" for mw in build.power_mw[:, after])
        shares = [_share(build.probability(level, day)) for level in levels]
        rows.append([str(day.year), f"{announced_mw(build, day):,.0f}", low, mid, high, *shares])
    if not rows:
        return ""
    head = ["end of", "as announced", "P10", "P50", "P90", *(human(mw, "MW") for mw in levels)]
    body = table(head, rows, right=range(1, len(head)), indent=2)
    return "\n".join([heading("Facility power [MW], and the probability to have reached"), body])


def _tasks(build: BuildOut) -> str:
    if build.work is None:
        open_ = any(phase.view == ANNOUNCED for phase in build.phases)
        why = "no work is stated; give the campus file a buildout section with a start"
        return "\n".join([heading("What to hurry"), f"  {why}"]) if open_ else ""
    rows = [
        [
            one.task, f"{one.p50_days:,.0f}", f"{one.p10_days:,.0f} to {one.p90_days:,.0f}",
            _share(one.criticality), f"{one.gained_days_per_day:.2f}",
            human(one.usd_per_day, "USD"),
        ]
        for one in build.tasks[:_MOST_TASKS]
    ]  # fmt: skip
    goal = human(build.work.goal_mw, "MW")
    head = ("task", "days", "P10 to P90", "critical", "days gained a day", "a day less is worth")
    title = f"What to hurry: tasks that decide on the {goal} they bring"
    body = table(head, rows, right=(1, 3, 4, 5), indent=2, folding=(0,))
    more = len(build.tasks) - _MOST_TASKS
    return "\n".join(
        [heading(title), body, *([f"  and {more} more (--format json)"] if more > 0 else [])]
    )


def _earlier(build: BuildOut) -> str:
    by = year_ends(build)[0]
    found = earlier_announcements(build.campus, build.target_mw, by, build.samples, build.seed)
    if not found:
        return ""
    rows = [[_date(one.vintage), _date(one.announced), _share(one.probability)] for one in found]
    now = build.announced_day(build.target_mw)
    if now is not None:
        share = _share(build.probability(build.target_mw, by))
        rows.append([_date(build.as_of), _date(now), share])
    head = ("as known on", "announced for", f"probability by {_date(by)}")
    title = f"{human(build.target_mw, 'MW')} as earlier announcements had it"
    return "\n".join([heading(title), table(head, rows, right=(2,), indent=2)])


def _day(build: BuildOut, days: float) -> str:
    found = build.date(days)
    return _date(found) if found else "never"


def _date(day: dt.date) -> str:
    return date_text(day.isoformat())


def _share(part: float) -> str:
    return share_text(part, 1.0)
