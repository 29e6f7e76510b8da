"""A build-out as plain numbers and text, for programs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.programme.buildout.earlier import earlier_announcements
from gigawatt.programme.buildout.notes import notes_of
from gigawatt.programme.buildout.plan import THERE
from gigawatt.programme.buildout.worth import month_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.programme.buildout.simulate import BuildOut

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["announced_mw", "buildout_record", "facts_of", "levels_of", "spread", "year_ends"]

_QUANTILES: Final = (0.1, 0.5, 0.9)
_LEVELS_MW: Final = (1000.0, 2000.0, 5000.0, 10000.0)


def buildout_record(build: BuildOut, by: Sequence[dt.date] = ()) -> dict[str, Any]:
    """Return what ``gigawatt buildout --format json`` prints; the docs name its keys.

    Parameters
    ----------
    build : BuildOut
        The build-outs.
    by : sequence of date
        Further days for which probabilities are asked.
    """
    days = [*year_ends(build), *by]
    announced = build.announced_day(build.target_mw)
    return {
        "campus": build.campus.name,
        "as_of": build.as_of.isoformat(),
        "as_of_source": build.as_of_source,
        "seed": build.seed,
        "samples": build.samples,
        "total_mw": build.total_mw,
        "target": {
            "facility_mw": build.target_mw,
            "announced": announced.isoformat() if announced else None,
            **_dates(build, build.reached(build.target_mw)),
        },
        "probabilities": {
            f"{level:g}": {str(day): build.probability(level, day) for day in days}
            for level in levels_of(build)
        },
        "phases": _phases(build),
        "months": [
            {
                "day": month.isoformat(), "announced_mw": announced_mw(build, month),
                "p10_mw": low, "p50_mw": mid, "p90_mw": high,
            }
            for month, (low, mid, high) in zip(
                build.months, build.power_mw.T.tolist(), strict=True
            )
        ],
        "tasks": _tasks(build),
        "network": _network(build),
        "earlier_announcements": [
            {
                "vintage": one.vintage.isoformat(), "announced": one.announced.isoformat(),
                "by": by_.isoformat(), "probability": one.probability,
            }
            for by_ in year_ends(build)[:1]
            for one in earlier_announcements(
                build.campus, build.target_mw, by_, build.samples, build.seed
            )
        ],
        "rate": {
            "usd_per_accelerator_hour": build.rate.usd_per_accelerator_hour,
            "usd_per_it_mw_year": None
            if build.rate.usd_per_accelerator_hour is not None
            else build.rate.usd_per_it_mw_year,
            "basis": build.rate.basis,
        },
        "facts": facts_of(build),
        "notes": notes_of(build),
    }  # fmt: skip


def spread(days: Array) -> list[float]:
    """Return P10, P50 and P90 of days, infinite where too few build-outs come to it."""
    found: list[float] = np.quantile(days, _QUANTILES, method="inverted_cdf").tolist()
    return found


def year_ends(build: BuildOut) -> list[dt.date]:
    """Return the last days of the years in which the build-out is under way."""
    last = build.months[-1].year if build.months else build.as_of.year
    return [dt.date(year, 12, 31) for year in range(build.as_of.year, last + 1)]


def levels_of(build: BuildOut) -> list[float]:
    """Return the powers whose probabilities are told: gigawatts, all, and what was asked for."""
    total = round(build.total_mw, 6)
    levels = {mw for mw in _LEVELS_MW if mw < total} | {total, round(build.target_mw, 6)}
    return sorted(level for level in levels if level <= total)


def announced_mw(build: BuildOut, day: dt.date) -> float:
    """Return the facility power on a day as announced, in MW."""
    return float(
        sum(p.facility_mw for p in build.phases if p.announced is not None and p.announced <= day)
    )


def _dates(build: BuildOut, days: Array) -> dict[str, str | None]:
    found = [build.date(one) for one in spread(days)]
    return {
        name: day.isoformat() if day else None
        for name, day in zip(("p10", "p50", "p90"), found, strict=True)
    }


def _phases(build: BuildOut) -> list[dict[str, Any]]:
    rows = []
    for phase, days, reference in zip(build.phases, build.days, build.reference_days, strict=True):
        usd, low, high = month_usd(build.rate, phase)
        dated = phase.announced is not None and phase.view != THERE
        rows.append(
            {
                "name": phase.name,
                "it_mw": phase.it_mw,
                "facility_mw": phase.facility_mw,
                "accelerators": phase.accelerators,
                "view": phase.view,
                "announced": phase.announced.isoformat() if phase.announced else None,
                **_dates(build, days),
                "reference_class": _dates(build, reference) if dated else None,
                "month_usd": usd,
                "month_usd_low": low,
                "month_usd_high": high,
            }
        )
    return rows


def _tasks(build: BuildOut) -> list[dict[str, Any]]:
    return [
        {
            "task": one.task,
            "p10_days": one.p10_days,
            "p50_days": one.p50_days,
            "p90_days": one.p90_days,
            "criticality": one.criticality,
            "gained_days_per_day": one.gained_days_per_day,
            "usd_per_day": one.usd_per_day,
            "target_p50_at_p10": _iso(build, one.target_days_low),
            "target_p50_at_p90": _iso(build, one.target_days_high),
        }
        for one in build.tasks
    ]


def _network(build: BuildOut) -> list[dict[str, Any]]:
    if build.work is None:
        return []
    schedule = build.work.schedule
    return [
        {
            "task": task.name,
            "phase": task.phase or None,
            "begin_p50": _iso(build, float(np.median(begin))),
            "done_p10": _iso(build, low),
            "done_p50": _iso(build, mid),
            "done_p90": _iso(build, high),
            "basis": task.basis or "the campus file",
        }
        for task, begin, end in zip(
            build.work.network.tasks, schedule.begin, schedule.end, strict=True
        )
        for low, mid, high in (spread(end),)
    ]


def _iso(build: BuildOut, days: float) -> str | None:
    day = build.date(days)
    return day.isoformat() if day else None


def facts_of(build: BuildOut) -> list[str]:
    """Return the entries and facts of the catalogue that the answer rests on."""
    facts = {basis.fact for basis in build.campus.facts if basis.input.startswith("phases")}
    if build.rate.basis.startswith("rate/"):
        facts.add(build.rate.basis)
    kinds = []
    if any(phase.announced is not None and phase.view != THERE for phase in build.phases):
        kinds += ["schedule_vintage", "construction"]
    if build.work is not None:
        facts |= {task.basis for task in build.work.network.tasks if task.basis}
        kinds.append("construction")
    book = catalog.load()
    return sorted(facts | {f"{k}/{entry.id}" for k in kinds for entry in book.entries(k)})
