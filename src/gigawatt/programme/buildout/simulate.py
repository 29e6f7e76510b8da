"""Build-outs of a campus: when each phase, each power and each gigawatt is likely to be there.

Two views give dates. A phase whose work is stated (`buildout.start`) follows from its *tasks*. A
phase of which only a date is announced follows from the *reference class*: what became of other
dates that were announced alike. Where both are known, both are shown and the tasks count. Power
that is announced without a date has only tasks, begun on the day known.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError, NotModelledError
from gigawatt.programme.buildout.durations import DAYS_PER_MONTH
from gigawatt.programme.buildout.plan import TASKS, day_known, plan_of
from gigawatt.programme.buildout.reach import first_days, power_by_day, reached_days
from gigawatt.programme.buildout.slip import learnt_slip, milestone_days
from gigawatt.programme.buildout.work import simulate_work
from gigawatt.programme.buildout.worth import month_usd, rate_of, task_worths

if TYPE_CHECKING:
    from gigawatt.programme.buildout.plan import PlannedPhase
    from gigawatt.programme.buildout.work import Work
    from gigawatt.programme.buildout.worth import Rate, TaskWorth
    from gigawatt.spec.campus import Campus

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["BuildOut", "simulate_buildout"]

GIGAWATT_MW: Final = 1000.0
_LAST_SHARE: Final = 0.95
_MOST_YEARS: Final = 25
_LAST_YEAR: Final = 2100
_MOST_SAMPLES: Final = 1_000_000


@dataclass(frozen=True)
class BuildOut:
    """Many build-outs of a campus.

    Parameters
    ----------
    campus : Campus
        The campus.
    as_of : date
        The day known; days below are counted from it.
    as_of_source : str
        Where that day comes from.
    seed, samples : int
        Seed of chance and number of build-outs.
    target_mw : float
        Facility power whose day counts, in MW: a gigawatt, or what was asked for.
    phases : tuple of PlannedPhase
        The phases.
    days : ndarray (phases, samples)
        When each phase is there, by the view that counts for it.
    reference_days : ndarray (phases, samples)
        The same by the reference class; NaN for power without a date.
    work : Work or None
        The tasks of the phases that have them.
    rate : Rate
        What time is worth.
    """

    campus: Campus
    as_of: dt.date
    as_of_source: str
    seed: int
    samples: int
    target_mw: float
    phases: tuple[PlannedPhase, ...]
    days: Array
    reference_days: Array
    work: Work | None
    rate: Rate

    @property
    def facility_mw(self) -> list[float]:
        """Facility power that each phase adds, in MW."""
        return [phase.facility_mw for phase in self.phases]

    @property
    def total_mw(self) -> float:
        """Facility power of all phases, in MW."""
        return float(sum(self.facility_mw))

    @property
    def beyond_plan(self) -> bool:
        """Whether the target is more than all phases bring, so that it is never reached."""
        return self.target_mw > self.total_mw + 1e-6

    def reached(self, target_mw: float) -> Array:
        """Return when a facility power is reached (samples,), in days; infinite where never."""
        return reached_days(self.days, self.facility_mw, target_mw)

    def probability(self, target_mw: float, by: dt.date) -> float:
        """Return the probability that a facility power is reached by the end of a day."""
        return float((self.reached(target_mw) <= (by - self.as_of).days).mean())

    def announced_day(self, target_mw: float) -> dt.date | None:
        """Return when a facility power is reached as announced, or None where it has no date."""
        dated = [phase for phase in self.phases if phase.announced is not None]
        total = 0.0
        for phase in sorted(dated, key=lambda one: one.announced or dt.date.max):
            total += phase.facility_mw
            if total >= target_mw - 1e-6:
                return phase.announced
        return None

    def date(self, days: float) -> dt.date | None:
        """Return a number of days from the day known as a date; None where it never comes."""
        if not np.isfinite(days) or days > 366 * 500:
            return None
        return self.as_of + dt.timedelta(days=round(days))

    def dated(self, quantile: float = 0.5) -> Campus:
        """Return the campus with each phase on a percentile of its date, to be simulated.

        Phases that come later than the last day a campus file can state (2100) are left out, as is
        power that is announced without a date: it has no chips to simulate.

        Parameters
        ----------
        quantile : float
            0 to 1; 0.9 gives each phase the date by which it is there in nine of ten build-outs.
        """
        days = np.quantile(self.days, quantile, axis=1, method="inverted_cdf")
        found = zip(self.campus.phases, map(self.date, days), strict=False)
        phases = [
            phase.model_copy(update={"date": day})
            for phase, day in found
            if day is not None and day.year <= _LAST_YEAR
        ]
        return self.campus.model_copy(update={"phases": tuple(phases)})

    @cached_property
    def months(self) -> list[dt.date]:
        """First days of the months until 19 of 20 build-outs are complete, 25 years at most."""
        last = float(np.quantile(self.days.max(axis=0, initial=0.0), _LAST_SHARE))
        end = self.as_of + dt.timedelta(days=min(max(last, 0.0), _MOST_YEARS * 365.25))
        return first_days(self.as_of, end)

    @cached_property
    def power_mw(self) -> Array:
        """P10, P50 and P90 of the facility power on the first day of each month, in MW."""
        days = np.array([(month - self.as_of).days for month in self.months], dtype=float)
        total = power_by_day(self.days, self.facility_mw, days)
        found: Array = np.quantile(total, (0.1, 0.5, 0.9), axis=1)
        return found

    @cached_property
    def tasks(self) -> list[TaskWorth]:
        """What each task does to the target, the most critical first; empty without tasks."""
        if self.work is None:
            return []
        per_day = [self._usd_per_day(phase) for phase in self.work.phases]
        return task_worths(self.work, per_day)

    def _usd_per_day(self, phase: PlannedPhase) -> float:
        return month_usd(self.rate, phase)[0] / DAYS_PER_MONTH


def simulate_buildout(
    campus: Campus,
    *,
    samples: int = 10_000,
    seed: int = 0,
    as_of: dt.date | None = None,
    target_mw: float | None = None,
    usd_per_accelerator_hour: float | None = None,
) -> BuildOut:
    """Build a campus many times and return when its power is likely to be there.

    Parameters
    ----------
    campus : Campus
        The campus, as `gigawatt.load` returns it.
    samples : int
        Build-outs, 10 to 1,000,000.
    seed : int
        Seed of every draw of chance.
    as_of : date, optional
        The day known; left out, that of the file or of the catalogue's facts.
    target_mw : float, optional
        Facility power whose day counts, in MW; left out, a gigawatt, or all if that is less.
    usd_per_accelerator_hour : float, optional
        What an hour of an accelerator is worth; left out, what the file states as its revenue,
        else the catalogue's yearly cost counts.

    Returns
    -------
    BuildOut
        Dates, power by month, tasks and what time is worth.

    Raises
    ------
    InputError
        If a number is out of range, or the tasks of the file contradict each other.
    NotModelledError
        If the campus has no phase.

    Examples
    --------
    >>> import datetime, gigawatt
    >>> from gigawatt.programme.buildout.simulate import simulate_buildout
    >>> build = simulate_buildout(gigawatt.load("stargate-abilene"), samples=1000)
    >>> build.probability(100.0, datetime.date(2026, 12, 31))
    1.0
    """
    _check(campus, samples, target_mw, usd_per_accelerator_hour)
    known, source = day_known(campus, as_of)
    phases = tuple(plan_of(campus, known))
    total = sum(phase.facility_mw for phase in phases)
    target = min(GIGAWATT_MW, total) if target_mw is None else target_mw
    # Each part has a stream of its own, so that one does not change the draws of another.
    chance = [np.random.default_rng([seed, part]) for part in range(2)]
    reference = _reference(phases, known, samples, chance[0])
    worked = [phase for phase in phases if phase.view == TASKS]
    stated = [name for name in ("tasks", "means") if getattr(campus.buildout, name)]
    if stated and not worked and campus.buildout.start is None:
        message = (
            f"buildout.start: expected a first day of work, as buildout.{stated[0]} are stated; "
            "found nothing"
        )
        raise InputError(message)
    ahead = sum(phase.facility_mw for phase in phases if phase.view != TASKS)
    work = (
        simulate_work(
            campus, worked, known, samples, chance[1], ahead_mw=ahead, target_mw=target
        ) if worked else None
    )  # fmt: skip
    days = reference.copy()
    if work is not None:
        days[[i for i, phase in enumerate(phases) if phase.view == TASKS]] = work.phase_days
    return BuildOut(
        campus, known, source, seed, samples, target, phases, days, reference, work,
        rate_of(usd_per_accelerator_hour, campus.finance.revenue.usd_per_accelerator_hour),
    )  # fmt: skip


def _check(
    campus: Campus, samples: int, target_mw: float | None, usd_per_hour: float | None
) -> None:
    if not campus.phases:
        message = f"{campus.name} has no phase, so there is nothing to build out"
        raise NotModelledError(message)
    if not 10 <= samples <= _MOST_SAMPLES:
        message = f"samples: expected a number from 10 to {_MOST_SAMPLES:,}; found {samples:,}"
        raise InputError(message)
    for name, value in (("target_mw", target_mw), ("usd_per_accelerator_hour", usd_per_hour)):
        if value is not None and not 0.0 < value < np.inf:
            message = f"{name}: expected a finite number above 0; found {value:g}"
            raise InputError(message)


def _steps(phases: tuple[PlannedPhase, ...]) -> list[tuple[int, dt.date, float]]:
    """Return place, date and running total of the dated phases, by date."""
    dated = [(i, phase.announced, phase) for i, phase in enumerate(phases) if phase.announced]
    total, found = 0.0, []
    for i, day, phase in sorted(dated, key=lambda one: one[1]):
        total += phase.facility_mw
        found.append((i, day, total))
    return found


def _reference(
    phases: tuple[PlannedPhase, ...],
    known: dt.date,
    samples: int,
    random: np.random.Generator,
) -> Array:
    """Return dates by the reference class (phases, samples); NaN for power without a date."""
    slip, steps = learnt_slip(), _steps(phases)
    left = [float((day - known).days) for _, day, _ in steps]
    found = np.full((len(phases), samples), np.nan)
    if steps:
        drawn = milestone_days(slip, left, [mw for _, _, mw in steps], samples, random)
        found[[i for i, _, _ in steps]] = drawn
    return found
