"""Whether supply holds when units fail: simulated, and exactly where nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.dispatch.run import at_capacities
from gigawatt.energy.expansion.firmness import outage_availability
from gigawatt.energy.system import System
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.energy.expansion.firmness import Fleet
    from gigawatt.energy.system import Source

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Reliability", "exact_reliability", "simulate_reliability"]

_HOURS_PER_DAY: Final = 24
_UNSERVED: Final = 1e-6  # of the peak load: less is rounding
_DIGITS: Final = 9  # of a MW: nearer states are one


@dataclass(frozen=True, eq=False)
class Reliability:
    """Load that goes unserved, by weather year and draw of outages.

    Parameters
    ----------
    loss_of_load_h, loss_of_load_days, unserved_mwh, throttled_mwh : ndarray (weather, draws)
        Hours and days with unserved load, its energy, and energy of load that gave way, over the
        hours given.
    """

    loss_of_load_h: Array
    loss_of_load_days: Array
    unserved_mwh: Array
    throttled_mwh: Array

    @property
    def lolh_h(self) -> float:
        """Loss-of-load hours: the mean over weather and draws."""
        return float(self.loss_of_load_h.mean())

    @property
    def lole_days(self) -> float:
        """Loss-of-load expectation: mean number of days with unserved load."""
        return float(self.loss_of_load_days.mean())

    @property
    def eue_mwh(self) -> float:
        """Expected unserved energy."""
        return float(self.unserved_mwh.mean())

    @property
    def lolh_error_h(self) -> float:
        """Standard error of `lolh_h` from the draws; not a number for one draw."""
        values = self.loss_of_load_h
        return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else np.nan

    def bands(self) -> dict[str, tuple[float, float, float]]:
        """Return P10, P50 and P90 over weather and draws."""
        return {
            name: tuple(float(q) for q in np.quantile(getattr(self, name), (0.1, 0.5, 0.9)))  # type: ignore[misc]
            for name in ("loss_of_load_h", "loss_of_load_days", "unserved_mwh", "throttled_mwh")
        }


def simulate_reliability(
    systems: System | Sequence[System],
    fleets: Mapping[str, Fleet],
    *,
    draws: int,
    seed: int,
    capacity_mw: Mapping[str, float] | None = None,
) -> Reliability:
    """Return how much load goes unserved when units fail, over weather years and draws.

    Hour by hour without foresight: everything that stands gives what it can. Where that falls
    short, load with a throttle gives way, then stores give, the one that lasts longest first: no
    rule leaves less energy unserved in a shortage, whatever comes after [1]_. A surplus fills the
    store that lasts least. Stores begin full. Ramps, fuel and limits on energy are not looked
    at, so that plants are taken to run when they must.

    Parameters
    ----------
    systems : System or sequence of System
        One for each weather year, with all capacities stated, or stated by `capacity_mw`.
    fleets : mapping of str to Fleet
        Units of the sources that can fail.
    draws : int
        Draws of outages for each weather year.
    seed : int
        The same draws for each weather year, and for each capacity as far as units are the same.
    capacity_mw : mapping of str to float, optional
        Capacities in place of those of the systems.

    Raises
    ------
    InputError
        If a capacity is missing or a name unknown.

    References
    ----------
    .. [1] M. P. Evans, S. H. Tindemans and D. Angeli, "Minimising Unserved Energy Using
       Heterogeneous Storage Units", IEEE Transactions on Power Systems 34, 5 (2019) 3647-3656.
    """
    from gigawatt.energy.expansion.ride import ride  # noqa: PLC0415  it loads Numba

    given = [systems] if isinstance(systems, System) else systems
    fixed = [_fixed(s, fleets, capacity_mw or {}) for s in given]
    if draws < 1 or not fixed:
        message = "state at least one weather year and one draw"
        raise InputError(message)
    steady = [_steady(s, fleets) - s.load_mw for s in fixed]
    throttle, stores = [_throttle(s) for s in fixed], [_stores(s) for s in fixed]
    found = np.zeros((4, len(fixed), draws))
    for draw in range(draws):
        up = _drawn(fixed, fleets, [seed, draw])
        for w, system in enumerate(fixed):
            margin = steady[w].copy()
            for source in system.sources:
                if source.name in up:
                    margin += _given(system, source) * up[source.name][: system.hours]
            unserved, throttled = np.zeros(system.hours), np.zeros(system.hours)
            ride(margin, throttle[w], *stores[w], unserved, throttled)
            lost = unserved > _UNSERVED * max(float(system.load_mw.max()), 1.0)
            days = np.unique(np.flatnonzero(lost) // _HOURS_PER_DAY).size
            found[:, w, draw] = lost.sum(), days, unserved.sum(), throttled.sum()
    return Reliability(*found)


def exact_reliability(
    system: System,
    fleets: Mapping[str, Fleet],
    *,
    capacity_mw: Mapping[str, float] | None = None,
) -> tuple[float, float]:
    """Return loss-of-load hours and expected unserved energy of a system without storage.

    The capacity outage probability table: the states of independent units convolved, and held
    against the load of every hour [1]_. No draw is needed, and none is exacter.

    Returns
    -------
    lolh_h, eue_mwh : float
        Over the hours given.

    Raises
    ------
    NotModelledError
        If something is stored: hours are then no longer apart.

    References
    ----------
    .. [1] R. Billinton and R. N. Allan, Reliability Evaluation of Power Systems, Plenum 1996,
       sections 2.2 and 2.6.
    """
    fixed = _fixed(system, fleets, capacity_mw or {})
    if any(s.capacity_mw for s in fixed.storages):
        message = "a table of outages knows no storage: use simulate_reliability"
        raise NotModelledError(message)
    failing = [s for s in fixed.sources if s.name in fleets]
    flat = [s for s in failing if np.ptp(_given(fixed, s)) == 0.0]
    levels: Any = np.zeros(1)
    chance: Any = np.ones(1)
    for source in flat:
        share, odds = _states(source, fleets[source.name])
        levels = np.add.outer(levels, share * _given(fixed, source)[0]).ravel()
        merged: Any = np.unique(np.round(levels, _DIGITS), return_inverse=True)
        levels = merged[0]
        chance = np.bincount(merged[1].ravel(), np.multiply.outer(chance, odds).ravel())
    need = fixed.load_mw - _throttle(fixed) - _steady(fixed, fleets)
    rest = [(_given(fixed, s), *_states(s, fleets[s.name])) for s in failing if s not in flat]
    hours, energy = _expected(need, rest, levels, chance, max(float(fixed.load_mw.max()), 1.0))
    return hours, energy


def _expected(
    need: Array, rest: list[tuple[Array, Array, Array]], levels: Array, chance: Array, size: float
) -> tuple[float, float]:
    """Return hours and energy short of a need: state by state of `rest`, the others by table."""
    if rest:
        given, share, odds = rest[0]
        parts = [_expected(need - a * given, rest[1:], levels, chance, size) for a in share]
        return (
            float(sum(p * h for p, (h, _) in zip(odds, parts, strict=True))),
            float(sum(p * e for p, (_, e) in zip(odds, parts, strict=True))),
        )
    below: Any = np.searchsorted(levels, need - _UNSERVED * size)  # levels that fall short
    sums = np.append(0.0, np.cumsum(chance)), np.append(0.0, np.cumsum(chance * levels))
    short = need * sums[0][below] - sums[1][below]
    return float(sums[0][below].sum()), float(short.sum())


def _states(source: Source, fleet: Fleet) -> tuple[Array, Array]:
    """Return the parts of a fleet that may be in service, and how likely each is."""
    units, q = fleet.count(source.capacity_mw or 0.0), fleet.forced_outage_rate
    up = np.arange(units + 1.0)
    odds = np.array([comb(units, k) * (1.0 - q) ** k * q ** (units - k) for k in range(units + 1)])
    return up / units, odds


def _fixed(system: System, fleets: Mapping[str, Fleet], capacity_mw: Mapping[str, float]) -> System:
    fixed = at_capacities(system, capacity_mw)
    if fixed.planned:
        names = ", ".join(part.name for part in fixed.planned)
        message = f"no capacity is stated for {names}; state capacity_mw"
        raise InputError(message)
    unknown = set(fleets) - {s.name for s in fixed.sources}
    if unknown:
        message = f"the system has no source named {', '.join(sorted(unknown))}"
        raise InputError(message)
    return fixed


def _given(system: System, source: Source) -> Array:
    """Return what a source can give in each hour, MW."""
    return system.series(source.availability) * float(source.capacity_mw or 0.0)


def _steady(system: System, fleets: Mapping[str, Fleet]) -> Array:
    """Return what sources that do not fail can give in each hour, MW."""
    parts = [_given(system, s) for s in system.sources if s.name not in fleets]
    total: Array = np.sum(parts, axis=0) if parts else np.zeros(system.hours)
    return total


def _throttle(system: System) -> Array:
    """Return how much of the load can give way in each hour, MW."""
    most = sum((system.series(t.most_mw) for t in system.throttles), np.zeros(system.hours))
    return np.minimum(most, system.load_mw)


def _drawn(
    systems: Sequence[System], fleets: Mapping[str, Fleet], seed: list[int]
) -> dict[str, Array]:
    """Return the part of each fleet that is in service; capacities are alike in all systems."""
    hours = max(s.hours for s in systems)
    sized = {s.name: float(s.capacity_mw or 0.0) for s in systems[0].sources}
    return {
        name: outage_availability(fleet, hours, [*seed, i], units=fleet.count(sized[name]))
        for i, (name, fleet) in enumerate(fleets.items())
        if sized[name] > 0.0 or fleet.units
    }


def _stores(system: System) -> tuple[Array, Array, Array, Array, Array]:
    """Return power, energy, what is kept from hour to hour, and both efficiencies (S,)."""
    stores = [s for s in system.storages if s.capacity_mw]
    power = np.array([float(s.capacity_mw or 0.0) for s in stores])
    energy = power * np.array([s.energy_hours for s in stores])
    kept = np.array([1.0 - s.loss_per_hour for s in stores])
    charged = np.array([s.charge_efficiency for s in stores])
    return power, energy, kept, charged, np.array([s.discharge_efficiency for s in stores])
