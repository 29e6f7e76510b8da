"""How batteries age, and what a MWh through them costs in wear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.energy.dispatch.result import Dispatch

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Cell", "Use", "anode_potential", "cell", "fade", "life_years", "use_of", "wear_price"]

_KELVIN: Final = 273.15
_DAYS_PER_YEAR: Final = 365.25
_HOURS_PER_YEAR: Final = 8760.0
_KWH_PER_MWH: Final = 1000.0
_MOST_YEARS: Final = 100.0
_ROUNDS: Final = 80


@dataclass(frozen=True)
class Cell:
    """How a cell ages: parameters of the model of `fade`, as in the catalogue."""

    name: str
    calendar_rate: float
    calendar_temperature_k: float
    calendar_potential_k_per_v: float
    calendar_power: float
    cycle_rate: float
    cycle_depth_rate: float
    cycle_c_rate: float
    cycle_temperature_k: float
    cycle_cold_k: float
    cycle_power: float


@dataclass(frozen=True)
class Use:
    """How a battery is used.

    Parameters
    ----------
    cycles_per_year : float
        Full cycles: energy given over what it holds.
    temperature_c : float
        Of the cells.
    charge : float
        Mean part of the energy held, within [0, 1].
    depth : float
        Part of the energy that a cycle takes, within [0, 1].
    c_rate : float
        Mean rate while it charges or discharges, per hour.
    """

    cycles_per_year: float
    temperature_c: float = 25.0
    charge: float = 0.5
    depth: float = 1.0
    c_rate: float = 0.25


def cell(name: str = "lfp-250ah") -> Cell:
    """Return a cell of the catalogue."""
    entry = catalog.load().get("battery_cell", name)
    fields = [f for f in Cell.__dataclass_fields__ if f != "name"]
    return Cell(name=entry.text("name"), **{field: entry.number(field) for field in fields})


def anode_potential(charge: Array | float) -> Array:
    """Return the potential of a graphite anode against lithium at a state of charge, V.

    A fit of the open-circuit potential [1]_.

    References
    ----------
    .. [1] M. Safari and C. Delacourt, "Modeling of a commercial graphite/LiFePO4 cell", Journal of
       The Electrochemical Society 158 (2011) A562-A571.
    """
    x = 0.0085 + np.asarray(charge, dtype=float) * (0.78 - 0.0085)
    potential: Array = (
        0.6379
        + 0.5416 * np.exp(-305.5309 * x)
        + 0.044 * np.tanh(-(x - 0.1958) / 0.1088)
        - 0.1978 * np.tanh((x - 1.0571) / 0.0854)
        - 0.6875 * np.tanh((x + 0.0117) / 0.0529)
        - 0.0175 * np.tanh((x - 0.5692) / 0.0875)
    )
    return potential


def fade(of: Cell, use: Use, years: Array | float) -> tuple[Array, Array]:
    r"""Return the part of the capacity lost to time and to cycles after so many years.

    .. math::

        q_t &= k_1 e^{k_2 / T} e^{k_3 U / T}\, t^{p} \\
        q_n &= (k_4 + k_5\, D + k_6\, C) (e^{k_7 / T} + e^{-k_8 / T})\, n^{r}

    with the temperature in K, the anode's potential, days, depth of discharge, rate, and full
    cycles; fitted to tests of the cell [1]_. At use that changes, ask with its means.

    Parameters
    ----------
    of : Cell
        The cell.
    use : Use
        How it is used.
    years : float or ndarray
        Time in service.

    References
    ----------
    .. [1] P. Gasper et al., data in Journal of Energy Storage (2023) 109042; model of BLAST-Lite,
       NREL.
    """
    if not 0.0 <= use.charge <= 1.0 or not 0.0 <= use.depth <= 1.0 or use.cycles_per_year < 0.0:
        message = "charge and depth must be within [0, 1], and cycles_per_year not negative"
        raise InputError(message)
    kelvin = use.temperature_c + _KELVIN
    by_time = (
        of.calendar_rate
        * np.exp(of.calendar_temperature_k / kelvin)
        * np.exp(of.calendar_potential_k_per_v * anode_potential(use.charge) / kelvin)
    )
    warmth = np.exp(of.cycle_temperature_k / kelvin) + np.exp(-of.cycle_cold_k / kelvin)
    by_cycle = (
        of.cycle_rate + of.cycle_depth_rate * use.depth + of.cycle_c_rate * use.c_rate
    ) * warmth
    spent = np.asarray(years, dtype=float)
    calendar: Array = by_time * (spent * _DAYS_PER_YEAR) ** of.calendar_power
    cycles: Array = by_cycle * (spent * use.cycles_per_year) ** of.cycle_power
    return calendar, cycles


def life_years(of: Cell, use: Use, end_of_life: float = 0.7) -> float:
    """Return after how many years the capacity is down to a part of what it was."""
    if not 0.0 < end_of_life < 1.0:
        message = f"end_of_life must be within (0, 1); found {end_of_life:g}"
        raise InputError(message)
    low, high = 0.0, _MOST_YEARS
    for _ in range(_ROUNDS):
        middle = (low + high) / 2.0
        lost = sum(float(part) for part in fade(of, use, middle))
        low, high = (middle, high) if lost < 1.0 - end_of_life else (low, middle)
    return high


def wear_price(
    of: Cell, use: Use, battery_usd_per_kwh: float, *, end_of_life: float = 0.7
) -> float:
    r"""Return the wear of a MWh given, USD: what cycling takes of a new battery over its life.

    Of the capacity that a battery may lose, cycling takes the part :math:`q_n` and time the rest.
    The price of a new one, times the first part, over the energy given in its life,

    .. math:: w = \frac{P\, q_n / (q_t + q_n)}{n},

    is what a dispatch should count for a MWh: over the life it pays for just what cycling wore.

    Parameters
    ----------
    of : Cell
        The cell.
    use : Use
        How it is used.
    battery_usd_per_kwh : float
        Price of a new battery.
    end_of_life : float
        Part of its capacity at which it is replaced.
    """
    years = life_years(of, use, end_of_life)
    calendar, cycles = (float(part) for part in fade(of, use, years))
    given_per_kwh = years * use.cycles_per_year
    if given_per_kwh <= 0.0:
        return 0.0
    return battery_usd_per_kwh * _KWH_PER_MWH * cycles / (calendar + cycles) / given_per_kwh


def use_of(found: Dispatch, name: str, *, temperature_c: float = 25.0) -> Use:
    """Return how a dispatch uses a store: its cycles a year, mean charge, depth and rate."""
    storage = next((s for s in found.system.storages if s.name == name), None)
    if storage is None:
        known = [s.name for s in found.system.storages]
        message = f"the system has no storage named '{name}'; it has {known}"
        raise InputError(message)
    power, hours = found.capacity_mw[name], found.system.hours
    holds = max(power * storage.energy_hours, 1e-12)
    give, charge = found.discharge_mw[name], found.charge_mw[name]
    drawn = float(give.sum()) / storage.discharge_efficiency
    moving = (give > 0.0) | (charge > 0.0)
    rate = float((give + charge)[moving].mean()) / holds if moving.any() else 0.0
    stored = found.stored_mwh[name] / holds
    days = stored[: hours // 24 * 24].reshape(-1, 24)
    depth = float(np.ptp(days, axis=1).mean()) if len(days) else float(np.ptp(stored))
    return Use(
        cycles_per_year=drawn / holds * _HOURS_PER_YEAR / hours,
        temperature_c=temperature_c,
        charge=float(np.clip(stored.mean(), 0.0, 1.0)),
        depth=min(depth, 1.0),
        c_rate=rate,
    )
