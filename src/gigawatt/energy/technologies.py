"""Technologies of supply: published figures, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.energy.system import Source
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from gigawatt.energy.system import Series

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = [
    "Technology",
    "ambient_availability",
    "annual_capital",
    "draw_lead_times",
    "fuel_burn",
    "marginal_cost",
    "source_of",
    "technology",
]

_KW_PER_MW: Final = 1000.0
_BTU_PER_KWH_IN_MMBTU_PER_MWH: Final = 1e-3


@dataclass(frozen=True)
class Technology:
    """What is published about a way to make electricity.

    Parameters
    ----------
    id, name, fuel : str
        As in the catalogue.
    co2_t_per_mwh : float
        From the stack.
    heat_rate_btu_per_kwh : float, optional
        At full load, by the higher heating value; None where no fuel is burnt.
    fuel_usd_per_mwh, variable_usd_per_mwh : float, optional
        Fuel cost where it does not follow from the heat rate; running cost without fuel.
    capital_usd_per_kw : float, optional
        Overnight cost.
    lead_time_months : tuple of float, optional
        Least, likeliest and most; None where no range is published.
    part_load : tuple of (float, float)
        Load over capacity and heat rate over that at full load, by rising load. Not in the
        catalogue: state it from the maker's sheet.
    derate : tuple of (float, float), optional
        Dry bulb in C above which output falls, and by what part of the capacity for each K. Not in
        the catalogue: state it from the maker's sheet.
    """

    id: str
    name: str
    fuel: str
    co2_t_per_mwh: float
    heat_rate_btu_per_kwh: float | None = None
    fuel_usd_per_mwh: float | None = None
    variable_usd_per_mwh: float | None = None
    capital_usd_per_kw: float | None = None
    lead_time_months: tuple[float, float, float] | None = None
    part_load: tuple[tuple[float, float], ...] = ()
    derate: tuple[float, float] | None = None


def technology(name: str) -> Technology:
    """Return a technology of the catalogue.

    Raises
    ------
    UnknownNameError
        If the catalogue does not hold it.

    Examples
    --------
    >>> technology("ccgt").heat_rate_btu_per_kwh
    6226.0
    """
    entry = catalog.load().get("technology", name)

    def number(field: str) -> float | None:
        return entry[field].number if field in entry else None

    lead = None
    if "lead_time_months" in entry:
        fact = entry["lead_time_months"]
        if fact.low is not None or fact.high is not None:
            lead = (
                fact.number if fact.low is None else float(fact.low),
                fact.number,
                fact.number if fact.high is None else float(fact.high),
            )
    return Technology(
        id=entry.id,
        name=entry.text("name"),
        fuel=entry.text("fuel"),
        co2_t_per_mwh=entry.number("co2_kg_per_mwh") / 1000.0,
        heat_rate_btu_per_kwh=number("heat_rate_btu_per_kwh"),
        fuel_usd_per_mwh=number("fuel_usd_per_mwh"),
        variable_usd_per_mwh=number("variable_usd_per_mwh"),
        capital_usd_per_kw=number("capital_usd_per_kw"),
        lead_time_months=lead,
    )


def marginal_cost(tech: Technology, fuel_usd_per_mmbtu: float | None = None) -> float:
    """Return the cost of a MWh at full load: fuel and what wears with use, USD/MWh.

    Raises
    ------
    InputError
        If fuel is burnt and its price is not stated.
    NotModelledError
        If no running cost is published.
    """
    if tech.variable_usd_per_mwh is None:
        message = f"no running cost is published for {tech.name}"
        raise NotModelledError(message)
    if tech.fuel_usd_per_mwh is not None:
        return tech.variable_usd_per_mwh + tech.fuel_usd_per_mwh
    if tech.heat_rate_btu_per_kwh is None:
        return tech.variable_usd_per_mwh
    if fuel_usd_per_mmbtu is None:
        message = f"{tech.name} burns {tech.fuel}; state its price in USD/MMBtu"
        raise InputError(message)
    burnt = tech.heat_rate_btu_per_kwh * _BTU_PER_KWH_IN_MMBTU_PER_MWH
    return tech.variable_usd_per_mwh + burnt * fuel_usd_per_mmbtu


def annual_capital(tech: Technology, discount_rate: float, life_years: float) -> float:
    r"""Return the yearly cost of the capital, USD/MW: an annuity.

    .. math:: C \frac{r}{1 - (1 + r)^{-n}}

    Raises
    ------
    NotModelledError
        If no capital cost is published.
    """
    if tech.capital_usd_per_kw is None:
        message = f"no capital cost is published for {tech.name}"
        raise NotModelledError(message)
    if life_years <= 0.0 or discount_rate <= -1.0:
        message = "life_years must be positive and discount_rate above -1"
        raise InputError(message)
    share = 1.0 / life_years
    if discount_rate != 0.0:
        share = discount_rate / (1.0 - (1.0 + discount_rate) ** -life_years)
    return tech.capital_usd_per_kw * _KW_PER_MW * share


def source_of(
    tech: Technology,
    *,
    discount_rate: float,
    life_years: float,
    fuel_usd_per_mmbtu: float | None = None,
    name: str | None = None,
    capacity_mw: float | None = None,
    availability: Series = 1.0,
) -> Source:
    """Return a technology as a source of a system; other terms by `dataclasses.replace`."""
    return Source(
        name=name or tech.id,
        marginal_usd_per_mwh=marginal_cost(tech, fuel_usd_per_mmbtu),
        capacity_mw=capacity_mw,
        availability=availability,
        co2_t_per_mwh=tech.co2_t_per_mwh,
        fuel=tech.fuel,
        capital_usd_per_mw_year=annual_capital(tech, discount_rate, life_years),
    )


def fuel_burn(tech: Technology, output_mw: Array, capacity_mw: float) -> Array:
    """Return the fuel burnt in each hour, MMBtu: output times the heat rate at its load.

    Between the points of `part_load` the heat rate is interpolated; below the first it stays.

    Raises
    ------
    NotModelledError
        If the technology burns nothing that is published, or runs at part load and no part-load
        heat rates are stated.
    """
    if tech.heat_rate_btu_per_kwh is None:
        message = f"no heat rate is published for {tech.name}"
        raise NotModelledError(message)
    load = np.asarray(output_mw, dtype=float) / capacity_mw
    at_part_load = (load > 1e-6) & (load < 1.0 - 1e-6)
    if not tech.part_load and at_part_load.any():
        message = (
            f"{tech.name} runs at part load in {int(at_part_load.sum())} hours, and its heat rate "
            "there is not published in the catalogue; state part_load from the maker's sheet"
        )
        raise NotModelledError(message)
    relative: Array = np.ones_like(load)
    if tech.part_load:
        loads, rates = np.array(tech.part_load, dtype=float).T
        relative = np.interp(load, loads, rates)
    rate = tech.heat_rate_btu_per_kwh * _BTU_PER_KWH_IN_MMBTU_PER_MWH
    burnt: Array = output_mw * relative * rate
    return burnt


def ambient_availability(tech: Technology, dry_bulb_c: Array) -> Array:
    """Return the part of the capacity left in the heat of each hour, within [0, 1].

    Raises
    ------
    NotModelledError
        If the technology's derate is not stated.
    """
    if tech.derate is None:
        message = f"how {tech.name} loses power in heat is not published here; state derate"
        raise NotModelledError(message)
    above_c, per_k = tech.derate
    left: Array = np.clip(1.0 - per_k * np.maximum(dry_bulb_c - above_c, 0.0), 0.0, 1.0)
    return left


def draw_lead_times(tech: Technology, count: int, seed: int) -> Array:
    """Return draws of the time from order to service, months.

    Triangular between the published least and most with its peak at the likeliest: no shape is
    published, and this one has no fitted parameter.

    Raises
    ------
    NotModelledError
        If no range is published.
    """
    if tech.lead_time_months is None:
        message = f"no range of lead times is published for {tech.name}"
        raise NotModelledError(message)
    draws: Array = np.random.default_rng(seed).triangular(*tech.lead_time_months, count)
    return draws
