"""A site year as text: the answer first, then what the worst hour and the losses are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt.cli._host_text import digits
from gigawatt.cli._text import dim, heading, table, wrap
from gigawatt.results.numbers import band, human, quantity, share_text
from gigawatt.twin.site_year.answers import breakdown, measures, series, verdict_text
from gigawatt.twin.site_year.notes import notes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.site.grid_events.ride_through import RideThrough
    from gigawatt.twin.outcome import Headline
    from gigawatt.twin.site_year.event import EventOnSite
    from gigawatt.twin.site_year.job import JobOnGrid
    from gigawatt.twin.site_year.simulate import SiteYear

__all__ = ["site_text"]


def site_text(site: SiteYear, event: EventOnSite | None = None) -> str:
    """Return what ``gigawatt site`` prints."""
    return "\n\n".join(block for block in _blocks(site, event) if block)


def _blocks(site: SiteYear, event: EventOnSite | None) -> Iterable[str]:
    answers = {head.name: head for head in site.answers}
    yield _headline(site, answers)
    yield _worst_hour(site)
    yield _stages(site)
    yield _job(site, answers)
    yield _event(event)
    lines = (wrap(f"- {one}", "  ") for one in notes(site))
    yield "\n".join([heading("Notes"), *lines])


def _headline(site: SiteYear, answers: dict[str, Headline]) -> str:
    worst = answers["worst_hour_facility_mw"]
    built, drawn = site.installed.it_capacity_mw, float(site.it_mw.mean())
    when = quantity(answers["worst_hour_time"].value, "time")
    energy = quantity(answers["facility_energy_mwh"].value, "MWh")
    mean, peak, trim = (_number(answers[name]) for name in ("mean_pue", "worst_pue", "trim_h"))
    pue = f"{mean:.3f} in the mean, {peak:.3f} at most; chillers at work for {trim:,.0f} h"
    rows = [
        ("worst hour", f"{_banded(worst)} on {when}"),
        ("", worst.note),
        ("mean", f"{_banded(answers['mean_facility_mw'])}, {energy} in the year"),
        ("IT power", f"{_mw(drawn)} in the mean of {_mw(built)} built for"),
        ("PUE", pue),
        ("water", _water(answers)),
        ("curtailed", _curtailed(answers)),
        ("margins", _margins(answers, site.installed.limit_mw)),
    ]
    title = heading(f"{site.campus.name} at the grid, {site.installed.period}")
    return "\n".join([title, dim(_asked(site)), table(("", ""), rows, indent=2, folding=(1,))])


def _asked(site: SiteYear) -> str:
    chips = ", ".join(f"{count:,} {chip}" for chip, count in site.installed.chips.items())
    air = site.weather.name
    warmer = f", {site.warming_k:g} K warmer" if site.warming_k else ""
    return f"{chips}; {site.topology}; {site.plant}; {air}{warmer}"


def _water(answers: dict[str, Headline]) -> str:
    used = answers["water_m3"]
    if not used.value:
        return f"none: {used.note}"
    mean, worst = answers["mean_wue_l_per_kwh"], answers["worst_wue_l_per_kwh"]
    return (
        f"{quantity(used.value, 'm3')} in the year, {digits(_number(mean))} L/kWh in the mean, "
        f"{digits(_number(worst))} at most"
    )


def _curtailed(answers: dict[str, Headline]) -> str:
    hours, energy = answers["curtailed_h"], answers["curtailed_mwh"]
    if not hours.value:
        return f"never: {hours.note}"
    return f"{_number(hours):,.0f} h, {quantity(energy.value, 'MWh')} of IT energy: {hours.note}"


def _margins(answers: dict[str, Headline], limit_mw: float) -> str:
    plant = share_text(_number(answers["least_cooling_margin"]), 1.0)
    left = _mw(_number(answers["least_interconnection_margin_mw"]))
    where = f"point of interconnection {left} of {_mw(limit_mw)}"
    return f"cooling plant {plant}, {where}, at their least"


def _worst_hour(site: SiteYear) -> str:
    parts = breakdown(site, site.worst_hour)
    total = sum(parts.values())
    rows = [
        (name, digits(mw), digits(float(np.mean(mean))), share_text(mw, total))
        for (name, mw), mean in zip(parts.items(), series(site), strict=True)
        if mw > 0.0
    ]
    rows.append(("facility", digits(total), digits(float(site.facility_mw.mean())), "100 %"))
    head = ("MW", "worst hour", "mean", "share")
    return _titled("What the worst hour is made of", table(head, rows, right=(1, 2, 3), indent=2))


def _stages(site: SiteYear) -> str:
    stages = site.balance.stages_mw
    total, it = sum(stages.values()), float(site.it_mw.mean())
    rows = [(name, digits(mw), share_text(mw, it)) for name, mw in stages.items()]
    rows.append(("all", digits(total), share_text(total, it)))
    head = ("from IT power to the grid", "MW", "of IT power")
    return _titled("Electrical losses, mean", table(head, rows, right=(1, 2), indent=2))


def _job(site: SiteYear, answers: dict[str, Headline]) -> str:
    if "job_meets_specification" not in answers:
        return ""
    if answers["job_meets_specification"].value is None:
        rows: list[tuple[str, str]] = [("not answered", answers["job_meets_specification"].note)]
        return _titled("A synchronous job on the grid", _pairs(rows))
    job = site.job
    return "" if job is None else _judged(job)


def _judged(job: JobOnGrid) -> str:
    asked, power = job.question, job.unsmoothed.power_mw
    often = f"{asked.checkpoint_s:g} s every {asked.checkpoint_every_s / 60.0:g} min"
    swing = f"{digits(float(power.min()))} and {digits(float(power.max()))} MW"
    what = f"{job.run} on {asked.accelerators:,} {job.chip}, a step of {digits(job.step_s)} s"
    rows = [
        ("job", f"{what}, a checkpoint of {often}"),
        ("campus", f"swings between {swing} with it"),
        ("unsmoothed", f"{_yes(passed=job.verdict.passed)}: {verdict_text(job.verdict)}"),
    ]
    if job.best is None:
        rows.append(("smoothed", f"does not meet it: none of {len(job.plans):,} sets does"))
    else:
        cost = f"{human(job.best.usd_per_year, 'USD')} a year"
        rows += [
            ("smoothed", f"{_yes(passed=True)}: {verdict_text(job.best.verdict)}"),
            ("", f"with {measures(job.best)}, {cost}"),
        ]
    return _titled(f"A synchronous job against {asked.specification}", _pairs(rows))


def _yes(*, passed: bool) -> str:
    return "meets it" if passed else "does not meet it"


def _event(event: EventOnSite | None) -> str:
    if event is None:
        return ""
    rows = [
        ("event", event.title),
        ("counting", f"protection that counts dips: {_ridden(event.counting)}"),
        ("patient", f"protection that returns after each: {_ridden(event.patient)}"),
    ]
    return _titled(f"{event.name} in the worst hour", _pairs(rows))


def _ridden(ride: RideThrough) -> str:
    step_h = float(ride.time_s[1] - ride.time_s[0]) / 3600.0
    away = ride.off_grid_mw
    told = f"{_mw(float(away.max()))} leave the grid"
    if ride.left_at_dip[0]:
        told += f", the halls at dip {ride.left_at_dip[0]} to stay away"
    if away[-1] > 0.0:
        told += f"; {_mw(float(away[-1]))} are still gone {ride.time_s[-1]:,.0f} s later"
    else:
        told += "; all are back at the end"
    lost = float(ride.lost_mw.sum()) * step_h
    return f"{told}; {digits(float(ride.battery_mwh.sum()))} MWh from UPS, {digits(lost)} MWh lost"


def _pairs(rows: list[tuple[str, str]]) -> str:
    return table(("", ""), rows, indent=2, folding=(1,))


def _titled(title: str, body: str) -> str:
    return "\n".join([heading(title), body])


def _banded(head: Headline) -> str:
    span = band(head.low, head.high, head.unit)
    return f"{quantity(head.value, head.unit)} (P10–P90 {span})"


def _number(head: Headline) -> float:
    assert not isinstance(head.value, str | None)  # noqa: S101  a question of numbers
    return float(head.value)


def _mw(value: float) -> str:
    return human(value, "MW")
