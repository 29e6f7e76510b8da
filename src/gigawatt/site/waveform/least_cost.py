"""The least costly set of measures with which jobs keep to a grid's specification."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, product
from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.site.waveform.render import Waveform, training_waveform
from gigawatt.site.waveform.smoothing import (
    Storage,
    floored,
    sized,
    smooth,
    storage,
    yearly_usd,
)
from gigawatt.site.waveform.specification import check_waveform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gigawatt.site.waveform.job import Job
    from gigawatt.site.waveform.specification import Connection, Specification, Verdict

__all__ = ["Levers", "Plan", "Prices", "least_cost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Levers:
    """What may be tried; every combination is looked at.

    Parameters
    ----------
    floors : tuple of float
        Power floors as shares of the most that an accelerator draws.
    rack_follow_s, battery_follow_s : tuple of float
        Lags of storage in the racks and of a battery at the substation; 0 is none.
    start_ramps_s : tuple of float
        Times over which a job's start is spread; 0 keeps that of the jobs.
    """

    floors: tuple[float, ...] = (0.0, 0.5, 0.7, 0.8, 0.9)
    rack_follow_s: tuple[float, ...] = (0.0, 0.5, 2.0, 10.0, 60.0)
    battery_follow_s: tuple[float, ...] = (0.0, 5.0, 20.0, 60.0)
    start_ramps_s: tuple[float, ...] = (0.0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What measures cost beside the capital of storage.

    Parameters
    ----------
    energy_usd_per_mwh : float
        Energy that a floor or storage wastes.
    accelerator_usd_per_h : float
        An hour of an accelerator that a spread start keeps from work.
    starts_per_year : float
        Starts of each job in a year, restarts included.
    discount_rate : float, optional
        By default that of the catalogue (``finance``).
    """

    energy_usd_per_mwh: float
    accelerator_usd_per_h: float = 0.0
    starts_per_year: float = 0.0
    discount_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One set of measures, what it costs, and how it does.

    Parameters
    ----------
    floor : float
        Power floor.
    start_ramp_s : float
        Time over which starts are spread; 0 leaves them.
    storages : tuple of Storage
        Sized to the need, those in the racks first.
    floor_mwh_per_year, lost_mwh_per_year : float
        Energy that the floor adds and that storage loses.
    delay_accelerator_h_per_year : float
        Accelerator-hours that spread starts cost.
    step_time_share : float
        Growth of the mean step time, from the hours of spread starts; a floor and storage slow no
        step.
    usd_per_year : float
        All costs.
    verdict : Verdict
        Against the specification.
    waveform : Waveform
        Power at the grid.
    """

    floor: float
    start_ramp_s: float
    storages: tuple[Storage, ...]
    floor_mwh_per_year: float
    lost_mwh_per_year: float
    delay_accelerator_h_per_year: float
    step_time_share: float
    usd_per_year: float
    verdict: Verdict
    waveform: Waveform


def least_cost(  # noqa: PLR0913  each is a question of its own
    jobs: Sequence[Job],
    wanted: Specification | str,
    connection: Connection,
    prices: Prices,
    *,
    levers: Levers | None = None,
    duration_s: float = 600.0,
    rate_hz: float = 200.0,
    base_mw: float = 0.0,
    synchronous: bool = True,
    seed: int = 0,
) -> list[Plan]:
    """Return the combinations of measures, cheapest first, up to the first that is allowed.

    Parameters
    ----------
    jobs : sequence of Job
        As they would run unsmoothed.
    wanted : Specification or str
        Limits.
    connection : Connection
        The grid.
    prices : Prices
        Costs beside those of the catalogue.
    levers : Levers, optional
        What to try.
    duration_s, rate_hz : float
        Of the waveforms that are judged; 200 Hz is enough for a band up to 20 Hz and for flicker.
    base_mw, synchronous, seed
        As of `training_waveform`.

    Returns
    -------
    list of Plan
        In order of cost. The last one meets the specification, unless none does: then all are
        listed, and the last verdict has not passed.

    Notes
    -----
    The waveform stands for the whole year: energy and losses are scaled to it. Storage is sized to
    what its lag needs on this waveform.
    """
    tried = levers or Levers()
    if not (
        tried.floors and tried.rack_follow_s and tried.battery_follow_s and tried.start_ramps_s
    ):
        message = "each lever needs at least one setting; 0 means none"
        raise InputError(message)

    def load(floor: float, ramp_s: float) -> Waveform:
        ready = [replace(job, start_ramp_s=ramp_s) if ramp_s else job for job in jobs]
        return training_waveform(
            floored(ready, floor),
            duration_s,
            rate_hz=rate_hz,
            base_mw=base_mw,
            synchronous=synchronous,
            seed=seed,
        )

    options = _priced(tried, load, jobs, prices)
    plans: list[Plan] = []
    # Nothing is cheaper than nothing, and to look at it takes no sizing of storage.
    if all(0.0 in lever for lever in _settings(tried)):
        options = chain([_option(load(0.0, 0.0), _NONE, 0.0, jobs, prices)], options)
    for option in options:
        at_grid = option.keywords["waveform"]
        plan = option(verdict=check_waveform(at_grid, wanted, connection))
        if plans and not plan.storages and plan.floor == plan.start_ramp_s == 0.0:
            continue  # looked at already
        plans.append(plan)
        if plan.verdict.passed:
            break
    return plans


_NONE: Final = (0.0, 0.0, 0.0, 0.0)


def _settings(tried: Levers) -> tuple[tuple[float, ...], ...]:
    return tried.floors, tried.rack_follow_s, tried.battery_follow_s, tried.start_ramps_s


def _priced(
    tried: Levers,
    load: Callable[[float, float], Waveform],
    jobs: Sequence[Job],
    prices: Prices,
) -> Iterator[partial[Plan]]:
    """Yield every combination, sized and priced, cheapest first."""
    options: list[partial[Plan]] = []
    for ramp_s in tried.start_ramps_s:
        plain = load(0.0, ramp_s)
        for floor in tried.floors:
            held = plain if floor == 0.0 else load(floor, ramp_s)
            added = (held.energy_mwh - plain.energy_mwh) * _yearly(held)
            for rack_s, battery_s in product(tried.rack_follow_s, tried.battery_follow_s):
                setting = (floor, ramp_s, rack_s, battery_s)
                options.append(_option(held, setting, added, jobs, prices))
    options.sort(key=lambda option: option.keywords["usd_per_year"])
    yield from options


def _yearly(waveform: Waveform) -> float:
    """Return how many times a waveform fits into a year."""
    return 8760.0 * 3600.0 / waveform.duration_s


def _option(
    load: Waveform,
    setting: tuple[float, float, float, float],
    floor_mwh: float,
    jobs: Sequence[Job],
    prices: Prices,
) -> partial[Plan]:
    """Return a combination without its verdict: storage sized to its lag, and what all costs."""
    floor, ramp_s, rack_s, battery_s = setting
    discount_rate = prices.discount_rate
    if discount_rate is None:
        discount_rate = catalog.load().get("rate", "finance").number("discount_rate")
    storages: list[Storage] = []
    seen, lost = load, 0.0
    for name, follow_s in (("rack-storage", rack_s), ("site-battery", battery_s)):
        if follow_s:
            one = sized(seen, storage(name, follow_s=follow_s))
            behind = smooth(seen, [one])
            storages.append(one)
            lost += behind.lost_mwh[0] * _yearly(load)
            seen = behind.waveform
    accelerators = sum(job.accelerators for job in jobs)
    delay_h = accelerators * prices.starts_per_year * ramp_s / 3600.0
    usd = (
        sum(yearly_usd(one, discount_rate) for one in storages)
        + (floor_mwh + lost) * prices.energy_usd_per_mwh
        + delay_h * prices.accelerator_usd_per_h
    )
    share = prices.starts_per_year * ramp_s / 3600.0 / 8760.0
    return partial(
        Plan,
        floor=floor,
        start_ramp_s=ramp_s,
        storages=tuple(storages),
        floor_mwh_per_year=floor_mwh,
        lost_mwh_per_year=lost,
        delay_accelerator_h_per_year=delay_h,
        step_time_share=share,
        usd_per_year=usd,
        waveform=seen,
    )
