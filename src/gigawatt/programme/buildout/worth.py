"""What time is worth: a day of a phase, and a day taken off a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.programme.buildout.durations import DAYS_PER_MONTH
from gigawatt.programme.buildout.schedule import critical_tasks, run_schedule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gigawatt.programme.buildout.plan import PlannedPhase
    from gigawatt.programme.buildout.work import Work

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Rate", "TaskWorth", "month_usd", "rate_of", "task_worths"]

HOURS_PER_MONTH: Final = 24.0 * DAYS_PER_MONTH
_COST: Final = "rate/operations/total_usd_per_it_mw_year"
_STEP_DAYS: Final = 30.0
_LEAST_CRITICAL: Final = 0.005  # of the build-outs; a task below it gains nothing that counts


@dataclass(frozen=True, slots=True)
class Rate:
    """What a month of a phase is worth.

    Parameters
    ----------
    usd_per_accelerator_hour : float or None
        Worth of an hour of an accelerator; None: the yearly cost of the IT power counts.
    usd_per_it_mw_year, low, high : float or None
        Yearly cost of ownership of a MW of IT power, and its published range.
    basis : str
        Fact of the catalogue, or what the user said.
    """

    usd_per_accelerator_hour: float | None
    usd_per_it_mw_year: float
    low: float
    high: float
    basis: str


def rate_of(asked: float | None = None, stated: float | None = None) -> Rate:
    """Return the rate: that of an accelerator-hour where one is given, else the yearly cost.

    What a campus costs in a year is the least that its work must be worth to those who build it.

    Parameters
    ----------
    asked, stated : float, optional
        USD for an hour of an accelerator, as asked for and as the campus file states it.
    """
    fact = catalog.load().fact(_COST)
    if asked is not None:
        return Rate(asked, fact.number, *fact.span, "as asked")
    if stated is not None:
        return Rate(stated, fact.number, *fact.span, "finance.revenue of the campus file")
    return Rate(None, fact.number, *fact.span, fact.key)


def month_usd(rate: Rate, phase: PlannedPhase) -> tuple[float, float, float]:
    """Return what a month of a phase is worth, in USD, and the range of the rate."""
    if rate.usd_per_accelerator_hour is not None:
        worth = phase.accelerators * HOURS_PER_MONTH * rate.usd_per_accelerator_hour
        return worth, worth, worth
    low, mid, high = (
        phase.it_mw * usd / 12.0 for usd in (rate.low, rate.usd_per_it_mw_year, rate.high)
    )
    return mid, low, high


@dataclass(frozen=True, slots=True)
class TaskWorth:
    """What a task does to the day on which the target is reached.

    Parameters
    ----------
    task : str
        Its name, with its phase.
    p10_days, p50_days, p90_days : float
        Its lead time, in days; what is left of it where it was begun.
    criticality : float
        Share of the build-outs in which it lies on the path that decides.
    gained_days_per_day : float
        Days by which the median of the target comes forward for each day that the task is shorter.
    usd_per_day : float
        What a day less of it is worth over all phases, in the mean.
    target_days_low, target_days_high : float
        Median of the target with the task at its P10 and at its P90, in days from the day known.
    """

    task: str
    p10_days: float
    p50_days: float
    p90_days: float
    criticality: float
    gained_days_per_day: float
    usd_per_day: float
    target_days_low: float
    target_days_high: float


def task_worths(work: Work, usd_per_day: Sequence[float]) -> list[TaskWorth]:
    """Return what each open task of a network does, the most critical first.

    Each task is shortened by 30 days (or by half of its median, if that is less) and set to its P10
    and P90, with all other draws as they were.

    Parameters
    ----------
    work : Work
        The build-outs of a network.
    usd_per_day : sequence of float
        What a day of each phase of the network is worth, in USD.
    """
    ends = work.target_ends()
    critical = critical_tasks(work.schedule, ends).mean(axis=1)
    base = work.phase_days
    target = float(np.median(work.target_days(base)))
    found = []
    for i, task in enumerate(work.network.tasks):
        if task.done is not None or critical[i] < _LEAST_CRITICAL:
            continue
        days = work.draws.days[i]
        step = min(_STEP_DAYS, 0.5 * float(np.median(days)))
        shorter = _phase_days(work, i, np.maximum(days - step, 0.0))
        gain = float(np.median(work.target_days(shorter)))
        worth = sum(
            usd * float(saved)
            for usd, saved in zip(usd_per_day, (base - shorter).mean(axis=1), strict=True)
        )
        p10, p50, p90 = (float(q) for q in np.quantile(days, (0.1, 0.5, 0.9)))
        low, high = (
            float(np.median(work.target_days(_phase_days(work, i, np.full_like(days, q)))))
            for q in (p10, p90)
        )
        found.append(
            TaskWorth(
                work.network.labels[i], p10, p50, p90, float(critical[i]),
                (target - gain) / step if step else 0.0, worth / step if step else 0.0, low, high,
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: -one.criticality)


def _phase_days(work: Work, place: int, days: Array) -> Array:
    """Return when the phases are there with one task's lead time changed."""
    changed = work.draws.days.copy()
    changed[place] = days
    schedule = run_schedule(work.network, changed, work.start, work.as_of)
    return schedule.phase_days(work.network)
