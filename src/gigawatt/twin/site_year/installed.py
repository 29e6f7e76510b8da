"""What stands on a campus at the end of a year, what it does, and the IT power of that."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError
from gigawatt.site.electrical import Chain, electrical_losses
from gigawatt.site.it_power import ACTIVITIES
from gigawatt.site.power.activity import activity_power_w
from gigawatt.site.power.calibration import banded, host_power, measured, network_power_w
from gigawatt.twin.capacity import Capacity, build_capacity
from gigawatt.twin.clock import Clock
from gigawatt.twin.hour import Limits, solve_hours
from gigawatt.twin.lineage import Lineage
from gigawatt.twin.speeds import Speeds, learn_speeds

if TYPE_CHECKING:
    from gigawatt.spec import Campus, TrainingRun

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["Installed", "it_power", "read_installed"]


@dataclass(frozen=True)
class Installed:
    """What stands on a campus at the end of a year, held for all of it, and what it does.

    Parameters
    ----------
    period : str
        The year, in words.
    times : ndarray of datetime64 (hours,)
        Start of each hour, UTC.
    chips : dict of str to int
        Accelerators by type.
    rated_mw : float
        Their all-in rated IT power.
    it_capacity_mw : float
        IT power that the halls were built for.
    limit_mw : float
        Most that the facility may draw at the point of interconnection.
    shares : dict of str to ndarray (hours,)
        Share of the accelerators in each activity; they sum to 1.
    """

    period: str
    times: Times
    chips: dict[str, int]
    rated_mw: float
    it_capacity_mw: float
    limit_mw: float
    shares: dict[str, Hours]


def read_installed(campus: Campus, year: int | None = None) -> Installed:
    """Return the accelerators at the end of a year, and the activities of its programme.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    year : int, optional
        A calendar year of the horizon; by default the last whole one, or its last 365 days.

    Returns
    -------
    Installed
        Services take what their demand needs in each hour. Training takes its share all year long:
        its queue is taken to be never empty. Research and the rest follow as in a run.

    Raises
    ------
    InputError
        If the year lies outside the horizon, or no accelerator stands at its end.
    """
    clock, lineage = Clock.of(campus.horizon), Lineage()
    part, period = _part(clock, year)
    capacity = _held(build_capacity(campus, clock, lineage), part.stop - 1)
    chips = {name: int(count[0]) for name, count in capacity.chips.items() if count[0] > 0}
    if not chips:
        message = f"{campus.name} has no accelerators by the end of {period}"
        raise InputError(message)
    speeds = learn_speeds(campus, clock, capacity, lineage)
    nothing = np.full(clock.hours, np.inf)
    limits = Limits(capacity.installed, capacity.rated_mw, nothing, dict.fromkeys(ACTIVITIES, 0.0))
    training = _training(campus, clock, part, speeds, capacity)
    hours = solve_hours(campus, part, training, speeds, limits)
    return Installed(
        period,
        clock.times[part],
        chips,
        float(capacity.rated_mw[0]),
        float(capacity.it_mw[0]),
        float(capacity.interconnection_mw[0]),
        hours.shares,
    )


def it_power(installed: Installed, chain: Chain) -> tuple[Hours, tuple[float, float]]:
    """Return the IT power that the programme wants in each hour, and its band.

    Power of servers is taken behind their power supplies, whose losses are those of the chain's
    stages within IT power; switches and optics draw the same at any load.

    Parameters
    ----------
    installed : Installed
        Accelerators and activities.
    chain : Chain
        Electrical chain.

    Returns
    -------
    it_mw : ndarray (hours,)
        MW.
    band : tuple of float
        P10 and P90 of the power of servers over its median, from residuals on measured servers.
    """
    watts: Hours = np.zeros(installed.times.size)
    rated_w = network_w = low = high = 0.0
    for chip, count in installed.chips.items():
        by_activity = {a: float(activity_power_w(chip, a).dc_w) for a in ACTIVITIES}
        drawn = np.zeros(installed.times.size)
        for activity, w in by_activity.items():
            drawn += count * w * installed.shares[activity]
        one = banded(float(drawn.mean()), "node|steady", near=False, known=measured(chip))
        low, high = low + one.low, high + one.high
        watts = watts + drawn
        rated_w += count * float(host_power(chip).rated_w)
        network_w += count * network_power_w(chip)
    within = Chain(chain.name, tuple(stage for stage in chain.stages if stage.within_it))
    it_mw: Hours = watts / 1e6
    if within.stages:
        it_mw = electrical_losses(within, it_mw[:, None], rated_w / 1e6, at="chip").grid_mw[:, 0]
    mean = float(watts.mean())
    return it_mw + network_w / 1e6, (low / mean, high / mean)


def _part(clock: Clock, year: int | None) -> tuple[slice, str]:
    if year is None:
        return clock.last_year()
    first, after = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
    if first < clock.start or after > clock.end:
        message = (
            f"the year must be a whole one of the horizon, {clock.start} to {clock.end}; "
            f"found {year}"
        )
        raise InputError(message)
    return slice(clock.hour_of(first), clock.hour_of(after)), f"the year {year}"


def _held(capacity: Capacity, hour: int) -> Capacity:
    """Return a capacity that has in every hour what it has in one."""

    def held(values: Hours) -> Hours:
        return np.full(values.shape, values[hour])

    return replace(
        capacity,
        chips={name: held(count) for name, count in capacity.chips.items()},
        rated_mw=held(capacity.rated_mw),
        memory_gb=held(capacity.memory_gb),
        it_mw=held(capacity.it_mw),
        facility_mw=held(capacity.facility_mw),
        interconnection_mw=held(capacity.interconnection_mw),
    )


def _training(
    campus: Campus, clock: Clock, part: slice, speeds: Speeds, capacity: Capacity
) -> dict[str, Hours]:
    """Return the share of each run with a share of its own, and of the first that can be queued."""
    shares: dict[str, Hours] = {}
    queued = False
    for run in campus.programme.training:
        if run.share is None and queued:
            continue
        share = _share(campus, run, clock, speeds, capacity)[part]
        if share.any():
            shares[run.name] = share
            queued |= run.share is None
    return shares


def _share(
    campus: Campus, run: TrainingRun, clock: Clock, speeds: Speeds, capacity: Capacity
) -> Hours:
    job = speeds.runs[run.name]
    most = (campus.programme.training_share if run.share is None else run.share) or 0.0
    if job.most_chips is not None:
        most = min(most, job.most_chips / float(capacity.installed[0]))
    first = clock.hour_of(run.start) if run.start else 0
    there = (np.arange(clock.hours) >= first) & job.fits & (job.rate > 0)
    return np.where(there, most, 0.0)
