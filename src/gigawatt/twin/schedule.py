"""Who has the accelerators in each hour, at what speed, and what that draws.

The campus is stepped from one change of the set of running jobs to the next. Between two changes
every hour can be solved by itself, so the hours are solved together; a run that ends within an
hour splits it. Tokens and power therefore always belong to the same shares and the same speed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.site.it_power import ACTIVITIES
from gigawatt.twin.hour import Hour, Limits, solve_hours

if TYPE_CHECKING:
    from gigawatt.spec import Campus, Service, TrainingRun
    from gigawatt.twin.clock import Clock
    from gigawatt.twin.speeds import Speeds

    Hours = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-12
"""Part of a run's tokens that sums of binary fractions may miss."""

__all__ = ["RunResult", "Schedule", "ServiceResult", "run_schedule"]


@dataclass
class RunResult:
    """What became of a training run, hour by hour."""

    run: TrainingRun
    share: Hours
    tokens: Hours
    start_hour: float | None = None
    end_hour: float | None = None


@dataclass
class ServiceResult:
    """What became of a service, hour by hour."""

    service: Service
    share: Hours
    requests: Hours
    unserved: Hours


@dataclass
class Schedule:
    """Shares, power and work of every hour.

    Parameters
    ----------
    shares, it_mw : dict of str to ndarray (hours,)
        Share of the accelerators and IT power, by activity.
    wanted_mw : ndarray (hours,)
        IT power that the programme would draw were it not limited.
    speed : ndarray (hours,)
        Share of full speed that the power limit leaves to training and hosting.
    runs, services : list
        What became of each.
    """

    shares: dict[str, Hours]
    it_mw: dict[str, Hours]
    wanted_mw: Hours
    speed: Hours
    runs: list[RunResult]
    services: list[ServiceResult]


def run_schedule(campus: Campus, clock: Clock, speeds: Speeds, limits: Limits) -> Schedule:
    """Step the campus through its horizon.

    Runs with a share of their own go side by side; the others follow one another in the order of
    the file, each with the whole training share.
    """
    schedule = _empty(campus, clock.hours)
    # A run that can never start must not hold up those behind it in the queue.
    done = {
        run.name
        for run in campus.programme.training
        if not _share_of(campus, run, clock, limits, speeds).any()
    }
    now = 0.0
    while now < clock.hours:
        active = _active(campus, done)
        first = int(now)
        part = slice(first, clock.hours)
        run_shares = {
            run.name: _share_of(campus, run, clock, limits, speeds)[part] for run in active
        }
        hours = solve_hours(campus, part, run_shares, speeds, limits)
        rates = {
            name: share * speeds.runs[name].rate[part] * hours.speed
            for name, share in run_shares.items()
        }
        until, ended = _next_end(schedule, active, rates, now, clock.hours)
        _add(schedule, part, _weights(now, until, clock.hours), hours, run_shares, rates)
        _mark(schedule, active, rates, ended, now, until)
        done |= ended
        now = until
        if not ended:
            break
    return schedule


def _active(campus: Campus, done: set[str]) -> list[TrainingRun]:
    """Return the runs with a share of their own, and the head of the queue."""
    left = [run for run in campus.programme.training if run.name not in done]
    queued = [run for run in left if run.share is None]
    return [run for run in left if run.share is not None] + queued[:1]


def _share_of(
    campus: Campus, run: TrainingRun, clock: Clock, limits: Limits, speeds: Speeds
) -> Hours:
    """Return the share of the accelerators that a run would hold in each hour.

    A batch can be spread over so many accelerators and no more; the rest of the share stays free.
    """
    job = speeds.runs[run.name]
    share = campus.programme.training_share if run.share is None else run.share
    first = clock.hour_of(run.start) if run.start else 0
    there = (np.arange(clock.hours) >= first) & job.fits & (job.rate > 0)
    most = np.full(clock.hours, share or 0.0)
    if job.most_chips is not None:
        most = np.minimum(most, job.most_chips / np.maximum(limits.installed, 1.0))
    return np.where(there, most, 0.0)


def _next_end(
    schedule: Schedule,
    active: list[TrainingRun],
    rates: dict[str, Hours],
    now: float,
    hours: int,
) -> tuple[float, set[str]]:
    """Return when the first of the active runs ends, and which end then."""
    first = int(now)
    ends: dict[str, float] = {}
    for run in active:
        rate = rates[run.name].copy()
        left = run.tokens - float(_result(schedule, run.name).tokens.sum())
        if left <= run.tokens * _ROUNDING:
            ends[run.name] = now
            continue
        rate[0] *= first + 1 - now
        total = np.cumsum(rate)
        where = int(np.searchsorted(total, left * (1 - _ROUNDING)))
        if where < total.size:
            before = float(total[where - 1]) if where else 0.0
            begun = now if where == 0 else float(first + where)
            ends[run.name] = begun + max(left - before, 0.0) / float(rates[run.name][where])
    until = min([*ends.values(), float(hours)])
    return until, {name for name, end in ends.items() if end <= until + 1e-9}


def _weights(now: float, until: float, hours: int) -> Hours:
    """Return the part of each hour, from that of `now` on, that lies between the two times."""
    edges = np.arange(int(now), hours)
    covered: Hours = np.clip(np.minimum(edges + 1, until) - np.maximum(edges, now), 0.0, 1.0)
    return covered


def _add(
    schedule: Schedule,
    part: slice,
    weight: Hours,
    hours: Hour,
    run_shares: dict[str, Hours],
    rates: dict[str, Hours],
) -> None:
    """Add a stretch of time, each hour by the part of it that the stretch covers."""
    for activity in ACTIVITIES:
        schedule.shares[activity][part] += weight * hours.shares[activity]
        schedule.it_mw[activity][part] += weight * hours.it_mw[activity]
    schedule.wanted_mw[part] += weight * hours.wanted_mw
    schedule.speed[part] += weight * hours.speed
    for result in schedule.runs:
        if result.run.name in rates:
            result.share[part] += weight * run_shares[result.run.name]
            result.tokens[part] += weight * rates[result.run.name]
    for service, share, requests, unserved in zip(
        schedule.services, hours.service_shares, hours.requests, hours.unserved, strict=True
    ):
        service.share[part] += weight * share
        service.requests[part] += weight * requests
        service.unserved[part] += weight * unserved


def _mark(
    schedule: Schedule,
    active: list[TrainingRun],
    rates: dict[str, Hours],
    ended: set[str],
    now: float,
    until: float,
) -> None:
    """Note when runs start and end within the stretch."""
    for run in active:
        result = _result(schedule, run.name)
        busy = np.flatnonzero(rates[run.name] > 0)
        if result.start_hour is None and busy.size:
            begun = max(now, float(int(now) + int(busy[0])))
            if begun < until:
                result.start_hour = begun
        if run.name in ended:
            result.end_hour = until


def _result(schedule: Schedule, name: str) -> RunResult:
    return next(result for result in schedule.runs if result.run.name == name)


def _empty(campus: Campus, hours: int) -> Schedule:
    def zero() -> Hours:
        return np.zeros(hours)

    return Schedule(
        {activity: zero() for activity in ACTIVITIES},
        {activity: zero() for activity in ACTIVITIES},
        zero(),
        zero(),
        [RunResult(run, zero(), zero()) for run in campus.programme.training],
        [ServiceResult(s, zero(), zero(), zero()) for s in campus.programme.services],
    )
