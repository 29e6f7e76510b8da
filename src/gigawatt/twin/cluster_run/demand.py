"""Shares of the accelerators that a programme asks for, hour by hour, with what stands on a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError
from gigawatt.site.it_power import ACTIVITIES
from gigawatt.twin.capacity import Capacity, build_capacity
from gigawatt.twin.clock import Clock
from gigawatt.twin.hour import Limits, solve_hours
from gigawatt.twin.lineage import Lineage
from gigawatt.twin.speeds import learn_speeds

if TYPE_CHECKING:
    from gigawatt.spec import Campus, Service, TrainingRun

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Demand", "Standing", "read_demand", "standing_on"]


@dataclass(frozen=True)
class Standing:
    """What stands on a campus on a day, and when that is.

    Parameters
    ----------
    clock : Clock
        Hours of the horizon.
    hour : int
        First hour that is looked at.
    capacity : Capacity
        What stands then, in every hour.
    lineage : Lineage
        What it rests on.
    """

    clock: Clock
    hour: int
    capacity: Capacity
    lineage: Lineage

    @property
    def day(self) -> dt.date:
        """The day it begins."""
        return self.clock.start + dt.timedelta(hours=self.hour)

    @property
    def chips(self) -> dict[str, int]:
        """Accelerators by type."""
        return {name: int(n[0]) for name, n in self.capacity.chips.items() if n[0] > 0}


@dataclass(frozen=True)
class Demand:
    """What the programme asks for in each hour of the time looked at.

    Parameters
    ----------
    lanes : tuple of tuple of TrainingRun
        Queues of training runs: those that share `training_share` one after the other, and each
        run with a share of its own.
    shares : dict of str to ndarray (hours,)
        Share of each training run.
    services : tuple of Service
        Services.
    service_shares : tuple of ndarray (hours,)
        Share of each.
    research_share : ndarray (hours,)
        Share of research, with what it takes of idle accelerators.
    least_research, data_share : float
        Shares that the campus file states.
    takes_idle : bool
        Whether research takes what nothing else uses.
    unfit : tuple of str
        Training runs and services whose share cannot hold their model.
    first_hour : int
        Hour of the horizon in which it begins.
    clock : Clock
        Hours of the horizon.
    """

    lanes: tuple[tuple[TrainingRun, ...], ...]
    shares: dict[str, Hours]
    services: tuple[Service, ...]
    service_shares: tuple[Hours, ...]
    research_share: Hours
    least_research: float
    data_share: float
    takes_idle: bool
    unfit: tuple[str, ...]
    first_hour: int
    clock: Clock

    def lane_share(self, lane: tuple[TrainingRun, ...]) -> Hours:
        """Return the share of the accelerators of a queue of training runs."""
        return self.shares[lane[0].name]

    def begins_s(self, run: TrainingRun) -> int:
        """Return when a run may begin, from the first hour on [s]."""
        first = self.clock.hour_of(run.start) if run.start else 0
        return max(first - self.first_hour, 0) * 3600


def standing_on(campus: Campus, day: dt.date | None, horizon_s: int) -> Standing:
    """Return what stands on a campus on a day.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    day : date, optional
        A day of its horizon; by default the last from which `horizon_s` lies within it.
    horizon_s : int
        How long it is looked at [s].

    Raises
    ------
    InputError
        If the time lies outside the horizon, or nothing stands then.
    """
    clock = Clock.of(campus.horizon)
    hours = -(-horizon_s // 3600)
    last = (clock.hours - hours) // 24 * 24
    hour = last if day is None else (day - clock.start).days * 24
    if not 0 <= hour <= last:
        length = f"{hours / 24:,.4g} days" if hours >= 24 else f"{hours} h"
        message = (
            f"the time must lie within the horizon, {clock.start} to {clock.end}; found {length} "
            f"from {day or clock.start}"
        )
        raise InputError(message)
    lineage = Lineage()
    capacity = build_capacity(campus, clock, lineage)

    def held(values: Hours) -> Hours:
        return np.full(values.shape, values[hour])

    same = replace(
        capacity, chips={name: held(count) for name, count in capacity.chips.items()},
        rated_mw=held(capacity.rated_mw), memory_gb=held(capacity.memory_gb),
        it_mw=held(capacity.it_mw), facility_mw=held(capacity.facility_mw),
        interconnection_mw=held(capacity.interconnection_mw),
    )  # fmt: skip
    found = Standing(clock, hour, same, lineage)
    if not found.chips:
        message = f"{campus.name} has no accelerators on {found.day}"
        raise InputError(message)
    return found


def read_demand(campus: Campus, standing: Standing, horizon_s: int) -> Demand:
    """Return what the programme asks for in each hour of the time looked at.

    Services take what their users need. A queue of training runs is taken to be never empty: after
    its last run the first begins anew. Research takes its share, and what is left if it may.
    """
    clock, capacity = standing.clock, standing.capacity
    speeds = learn_speeds(campus, clock, capacity, standing.lineage)
    part = slice(standing.hour, standing.hour + -(-horizon_s // 3600))
    programme, hours = campus.programme, part.stop - part.start
    own = tuple((run,) for run in programme.training if run.share is not None)
    fits = {run.name: bool(speeds.runs[run.name].fits[part].any()) for run in programme.training}
    queue = tuple(run for run in programme.training if run.share is None and fits[run.name])
    lanes = tuple(lane for lane in (queue, *own) if lane and fits[lane[0].name])
    shares: dict[str, Hours] = {}
    for lane in lanes:
        stated = lane[0].share
        share = (programme.training_share if stated is None else stated) or 0.0
        begin = min(clock.hour_of(run.start) if run.start else 0 for run in lane)
        there = np.arange(part.start, part.stop) >= begin
        shares |= {run.name: np.where(there, share, 0.0) for run in lane}
    rated = capacity.rated_mw
    free = Limits(
        capacity.installed, rated, np.full(rated.shape, np.inf), dict.fromkeys(ACTIVITIES, 0.0)
    )
    asked = {lane[0].name: shares[lane[0].name] for lane in lanes}
    found = solve_hours(campus, part, asked, speeds, free)
    research, data = programme.research, programme.data_processing
    held_gb = float(capacity.memory_gb[standing.hour])
    unfit = [name for name, can in fits.items() if not can] + [
        one.name for one in programme.services
        if held_gb * one.share < speeds.services[one.name].memory_gb
    ]  # fmt: skip
    return Demand(
        lanes, shares, programme.services, tuple(found.service_shares),
        found.shares["research"] if research else np.zeros(hours),
        research.share if research else 0.0, data.share if data else 0.0,
        bool(research and research.takes_idle), tuple(unfit), part.start, clock,
    )  # fmt: skip
