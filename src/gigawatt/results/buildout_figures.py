"""Figures of a build-out, and one HTML file that holds them for any browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.programme.buildout.notes import notes_of
from gigawatt.programme.buildout.plan import ANNOUNCED, TASKS, THERE
from gigawatt.programme.buildout.record import announced_mw, levels_of, spread, year_ends
from gigawatt.programme.buildout.worth import month_usd
from gigawatt.results._style import SERIES, layout, shade, text
from gigawatt.results._traces import axis, line, rounded
from gigawatt.results.numbers import date_text, human, share_text
from gigawatt.results.page import render_page

if TYPE_CHECKING:
    import datetime as dt

    from gigawatt.programme.buildout.simulate import BuildOut

__all__ = ["BUILDOUT_FIGURES", "buildout_figures", "render"]

Figure = dict[str, Any]

_BLUE, _ORANGE, _GREEN, _PINK, _RED, _SKY, _GREY = SERIES
_MOST_BARS: Final = 14
_ROW_PX: Final = 30

BUILDOUT_FIGURES: Final = {
    "power": "Facility power by month: as announced, and what is likely",
    "chance": "Probability that a power is reached, by day",
    "phases": "When each phase is likely to be there",
    "gantt": "Tasks in the median; the fuller, the more often critical, orange in half or more",
    "tornado": "What moves the median most: each task at its P10 and at its P90",
    "hurry": "What a day less of each task is worth, and by how much the median comes forward",
}
"""Captions of the figures, in the order of the page; those that say nothing are left out."""


def buildout_figures(build: BuildOut) -> dict[str, Figure]:
    """Return the figures that have something to show, as plain dicts that Plotly reads.

    Parameters
    ----------
    build : BuildOut
        The build-outs.
    """
    found = {"power": _power(build), "chance": _chance(build), "phases": _phases(build)}
    if build.work is not None and build.tasks:
        found |= {"gantt": _gantt(build), "tornado": _tornado(build), "hurry": _hurry(build)}
    return found


def render(build: BuildOut) -> str:
    """Return the page of a build-out."""
    figures = buildout_figures(build)
    there = sum(phase.facility_mw for phase in build.phases if phase.view == THERE)
    return render_page(
        "figures.html.j2",
        figures,
        title=f"Build-out of {build.campus.name}",
        brand="when the power is there",
        heading=build.campus.name,
        where=f"{human(build.total_mw, 'MW')} planned, {there:,.0f} MW there",
        made=f"as known on {_date(build.as_of)} · {build.samples:,} build-outs · seed {build.seed}",
        cards=_cards(build),
        answers=[],
        captions={name: BUILDOUT_FIGURES[name] for name in figures},
        notes=notes_of(build),
    )


def _cards(build: BuildOut) -> list[tuple[str, str, str]]:
    """Return title, value and remark of the answers most asked for."""
    target = human(build.target_mw, "MW")
    low, mid, high = (_day(build, days) for days in spread(build.reached(build.target_mw)))
    announced = build.announced_day(build.target_mw)
    said = f"announced for {_date(announced)}" if announced else "announced without a date"
    remark = f"P10–P90 {low} to {high}; {said}"
    if build.beyond_plan:
        remark = f"{human(build.total_mw, 'MW')} are planned"
    cards = [(f"{target} likely on", mid, remark)]
    middle = build.date(spread(build.reached(build.target_mw))[1])
    for day in year_ends(build):
        if day.year == build.as_of.year or (middle and day.year == middle.year):
            share = share_text(build.probability(build.target_mw, day), 1.0)
            cards.append((f"{target} by the end of {day.year}", share, "probability"))
    late = [phase for phase in build.phases if phase.view != THERE]
    if late:
        usd = sum(month_usd(build.rate, phase)[0] for phase in late)
        cards.append(("A month of what is to come", human(usd, "USD"), "is worth"))
    if build.tasks:
        first = max(build.tasks, key=lambda one: one.usd_per_day)
        worth = f"{human(first.usd_per_day, 'USD')} for a day less"
        cards.append(("To hurry first", first.task, worth))
    return cards


def _power(build: BuildOut) -> Figure:
    """Return the S-curve: a band from P10 to P90, the median and the announcement."""
    months = [month.isoformat() for month in build.months]
    low, mid, high = build.power_mw
    said = [announced_mw(build, month) for month in build.months]
    data = [
        _edge("P10", months, low, None),
        _edge("P10–P90", months, high, shade(_BLUE, 0.22)),
        line("P50", months, mid, _BLUE, "%{y:,.0f} MW", "hv"),
        {**line("As announced", months, said, _ORANGE, "%{y:,.0f} MW", "hv"),
         "line": {"color": _ORANGE, "width": 2, "shape": "hv", "dash": "dash"}},
    ]  # fmt: skip
    shape = layout(
        height=460,
        xaxis=axis("First day of the month", type="date"),
        yaxis=axis("Facility power [MW]", rangemode="tozero"),
    )
    return {"data": data, "layout": shape}


def _edge(name: str, x: list[str], y: Any, fill: str | None) -> Figure:  # noqa: ANN401  numbers
    trace = {
        **line(name, x, y, _BLUE, "%{y:,.0f} MW", "hv"),
        "line": {"color": shade(_BLUE, 0.0), "width": 0, "shape": "hv"},
        "showlegend": fill is not None,
    }
    return trace if fill is None else {**trace, "fill": "tonexty", "fillcolor": fill}


def _chance(build: BuildOut) -> Figure:
    months = build.months
    days = np.array([(month - build.as_of).days for month in months])
    data = []
    for level, colour in zip(levels_of(build), SERIES, strict=False):
        reached = build.reached(level)
        share = 100.0 * (reached[None, :] <= days[:, None]).mean(axis=1)
        name = human(level, "MW")
        data.append(line(name, [m.isoformat() for m in months], share, colour, "%{y:.1f} %"))
    shape = layout(
        xaxis=axis("First day of the month", type="date"),
        yaxis=axis("Probability [%]", range=[0, 101]),
    )
    return {"data": data, "layout": shape}


def _phases(build: BuildOut) -> Figure:
    """Return a bar from P10 to P90 for each phase, its median and what was announced."""
    rows = list(zip(build.phases, build.days, build.reference_days, strict=True))
    data = []
    for view, colour in ((ANNOUNCED, _BLUE), (TASKS, _GREEN)):
        mine = [(phase, days) for phase, days, _ in rows if phase.view == view]
        if mine:
            named = [(phase.name, days) for phase, days in mine]
            data += _ranges(build, f"Likely, by {view}", named, colour, 0.45)
    both = [
        (phase.name, reference)
        for phase, _, reference in rows
        if phase.view == TASKS and phase.announced is not None
    ]
    if both:
        data += _ranges(build, "By the reference class", both, _BLUE, 0.2)
    dated = [phase for phase, _, _ in rows if phase.announced is not None]
    data.append(
        _marks(
            "Announced, or there",
            [(p.name, p.announced.isoformat()) for p in dated if p.announced],
            _ORANGE,
            "diamond",
        )
    )
    names = [text(phase.name) for phase, _, _ in rows][::-1]
    return {"data": data, "layout": _bars(len(names), "Day", names, dates=True)}


def _ranges(
    build: BuildOut, name: str, rows: list[tuple[str, Any]], colour: str, width: float
) -> list[Figure]:
    found = [(label, [build.date(one) for one in spread(days)]) for label, days in rows]
    whole = [(label, days) for label, days in found if all(days)]
    bar = _span(
        name,
        [(label, low, high) for label, (low, _, high) in whole],
        colour,
        width,
        [f"P10 {_date(low)}, P50 {_date(mid)}, P90 {_date(high)}" for _, (low, mid, high) in whole],
    )
    marks = [(label, str(mid)) for label, (_, mid, _) in whole]
    return [bar, {**_marks("P50", marks, colour, "line-ns"), "showlegend": False}]


def _span(
    name: str,
    rows: list[tuple[str, Any, Any]],
    colour: str,
    width: float,
    hover: list[str],
) -> Figure:
    """Return bars from one day to another."""
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": [text(label) for label, _, _ in rows],
        "base": [first.isoformat() for _, first, _ in rows],
        "x": [max((last - first).days, 1) * 86_400_000 for _, first, last in rows],
        "width": width,
        "marker": {"color": shade(colour, 0.45)},
        "customdata": hover,
        "hovertemplate": "%{customdata}",
    }


def _marks(name: str, rows: list[tuple[str, str]], colour: str, symbol: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [day for _, day in rows],
        "y": [text(label) for label, _ in rows],
        "marker": {"color": colour, "size": 11, "symbol": symbol,
                   "line": {"color": colour, "width": 2}},
        "hovertemplate": "%{x|%d %b %Y}",
    }  # fmt: skip


def _bars(count: int, title: str, names: list[str], *, dates: bool) -> Figure:
    more: Figure = {"type": "date"} if dates else {}
    return layout(
        height=150 + _ROW_PX * count,
        hovermode="closest",
        barmode="overlay",
        xaxis=axis(title, **more),
        yaxis={"categoryorder": "array", "categoryarray": names},
    )


def _gantt(build: BuildOut) -> Figure:
    """Return the tasks of the network on a calendar, by how often they are critical."""
    work = build.work
    assert work is not None  # noqa: S101  asked for only where there is work
    critical = {one.task: one.criticality for one in build.tasks}
    rows, colours, hover, ends = [], [], [], []
    for label, begin, end in zip(
        work.network.labels, work.schedule.begin, work.schedule.end, strict=True
    ):
        first = build.date(float(np.median(begin)))
        low, mid, high = (build.date(one) for one in spread(end))
        if first is None or low is None or mid is None or high is None:
            continue
        share = critical.get(label, 0.0)
        rows.append((label, first, mid))
        colours.append(shade(_RED if share >= 0.5 else _BLUE, 0.25 + 0.65 * share))
        hover.append(
            f"{_date(first)} to {_date(mid)}, done P10 {_date(low)}, P90 {_date(high)}; "
            f"critical in {share_text(share, 1.0)}"
        )
        ends.append((label, low, high))
    bar = {**_span("Median begin to end", rows, _BLUE, 0.6, hover), "marker": {"color": colours}}
    gaps = [(x, text(n)) for n, low, high in ends for x in (str(low), str(high), None)]
    done: Figure = {
        "type": "scatter", "mode": "lines", "name": "Done, P10 to P90",
        "x": [x for x, _ in gaps], "y": [y for _, y in gaps],
        "line": {"color": _GREY, "width": 2}, "hoverinfo": "skip",
    }  # fmt: skip
    names = [text(label) for label, _, _ in rows][::-1]
    return {"data": [bar, done], "layout": _bars(len(names), "Day", names, dates=True)}


def _tornado(build: BuildOut) -> Figure:
    work = build.work
    assert work is not None  # noqa: S101  asked for only where there is work
    base = float(np.median(work.target_days(work.phase_days)))
    tasks = sorted(build.tasks, key=lambda one: one.target_days_high - one.target_days_low)
    tasks = tasks[-_MOST_BARS:]
    names = [text(one.task) for one in tasks]
    data = [
        {
            "type": "bar", "orientation": "h", "name": name, "y": names,
            "x": rounded([getattr(one, key) - base for one in tasks]),
            "width": 0.6, "marker": {"color": shade(colour, 0.8)},
            "hovertemplate": "%{x:+,.0f} days",
        }
        for name, key, colour in (
            ("Task at its P10", "target_days_low", _GREEN),
            ("Task at its P90", "target_days_high", _RED),
        )
    ]  # fmt: skip
    title = f"Days from the median, {_day(build, base)}"
    return {"data": data, "layout": _bars(len(names), title, names, dates=False)}


def _hurry(build: BuildOut) -> Figure:
    tasks = sorted(build.tasks, key=lambda one: one.usd_per_day)[-_MOST_BARS:]
    names = [text(one.task) for one in tasks]
    bar = {
        "type": "bar", "orientation": "h", "name": "Worth", "y": names,
        "x": rounded([one.usd_per_day / 1e6 for one in tasks]),
        "width": 0.6, "marker": {"color": shade(_BLUE, 0.8)}, "showlegend": False,
        "text": [f"{one.gained_days_per_day:.2f} days a day" for one in tasks],
        "textposition": "auto",
        "hovertemplate": "%{x:.3g} million USD; %{text}",
    }  # fmt: skip
    shape = _bars(len(names), "Worth of a day less [million USD]", names, dates=False)
    return {"data": [bar], "layout": shape}


def _day(build: BuildOut, days: float) -> str:
    found = build.date(days)
    return _date(found) if found else "never"


def _date(day: dt.date | None) -> str:
    return date_text(day.isoformat()) if day else "never"
