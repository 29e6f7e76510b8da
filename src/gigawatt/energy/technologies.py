"""Technologies of supply: published figures, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.energy.dispatch.units import relative_heat
from gigawatt.energy.system import Source, Storage
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry
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
    "storage_of",
    "technology",
]

_KW_PER_MW: Final = 1000.0
_KG_PER_T: Final = 1000.0
_MINUTES_PER_H: Final = 60.0
_ISO_C: Final = 15.0  # ISO 2314: the air that gas turbines are rated in
_BTU_PER_KWH_IN_MMBTU_PER_MWH: Final = 1e-3
_AS_PUBLISHED: Final = (
    "heat_rate_btu_per_kwh",
    "fuel_usd_per_mwh",
    "variable_usd_per_mwh",
    "capital_usd_per_kw",
    "least_load",
    "least_up_h",
    "least_down_h",
    "start_usd_per_mw",
    "start_mmbtu_per_mw",
    "forced_outage_rate",
    "mean_repair_h",
    "nox_kg_per_mmbtu",
    "water_m3_per_mwh",
    "round_trip",
)


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
        Load over capacity and heat rate over that at full load, by rising load; empty where no
        curve is published.
    derate : tuple of (float, float), optional
        Dry bulb in C above which output falls, and by what part of the capacity for each K.
    least_load, ramp_per_hour : float, optional
        Least part of its capacity that a running unit gives; part of it by which it may change.
    least_up_h, least_down_h : float, optional
        Hours that a unit stays on once started, and off once stopped.
    start_usd_per_mw, start_mmbtu_per_mw : float, optional
        Wear and fuel of a start for each MW of the unit.
    forced_outage_rate, mean_repair_h : float, optional
        Part of the time that a unit is out against its plan, and for how long at a time.
    nox_kg_per_mmbtu, water_m3_per_mwh, upstream_co2_t_per_mwh : float, optional
        Nitrogen oxides for fuel burnt, water lost, and emissions elsewhere: of fuel and plant.
    round_trip : float, optional
        Energy that a store gives back over what it takes in.
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
    least_load: float | None = None
    ramp_per_hour: float | None = None
    least_up_h: float | None = None
    least_down_h: float | None = None
    start_usd_per_mw: float | None = None
    start_mmbtu_per_mw: float | None = None
    forced_outage_rate: float | None = None
    mean_repair_h: float | None = None
    nox_kg_per_mmbtu: float | None = None
    water_m3_per_mwh: float | None = None
    upstream_co2_t_per_mwh: float | None = None
    round_trip: float | None = None


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
    upstream, ramp = number("upstream_co2_kg_per_mwh"), number("ramp_per_minute")
    derate = number("derate_per_k")
    return Technology(
        id=entry.id,
        name=entry.text("name"),
        fuel=entry.text("fuel"),
        co2_t_per_mwh=entry.number("co2_kg_per_mwh") / _KG_PER_T,
        lead_time_months=lead,
        part_load=_part_load(entry),
        derate=None if derate is None else (_ISO_C, derate),
        ramp_per_hour=None if ramp is None else ramp * _MINUTES_PER_H,
        upstream_co2_t_per_mwh=None if upstream is None else upstream / _KG_PER_T,
        **{field: number(field) for field in _AS_PUBLISHED},
    )


def _part_load(entry: Entry) -> tuple[tuple[float, float], ...]:
    """Return the published points of the heat rate at part load, and that at full load."""
    points = [
        (per_cent / 100.0, entry.number(f"heat_at_{per_cent}_percent"))
        for per_cent in (40, 50, 60, 80)
        if f"heat_at_{per_cent}_percent" in entry
    ]
    return (*points, (1.0, 1.0)) if points else ()


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
    units: int = 0,
) -> Source:
    """Return a technology as a source of a system; other terms by `dataclasses.replace`.

    With `units` it can be dispatched with commitment: least load, heat at part load, starts and
    least times up and down are those published, and nothing where nothing is. Ramps of a whole
    capacity in an hour do not bind, and are left out.

    Raises
    ------
    NotModelledError
        If units are asked for and no least load is published.
    """
    if units and tech.least_load is None:
        message = f"no least load of a unit is published for {tech.name}; state least_load"
        raise NotModelledError(message)
    heat = (tech.heat_rate_btu_per_kwh or 0.0) * _BTU_PER_KWH_IN_MMBTU_PER_MWH
    heat = heat if tech.fuel_usd_per_mwh is None else 0.0  # gas is bought by heat, uranium is not
    fuel_usd = heat * (fuel_usd_per_mmbtu or 0.0)
    start_mmbtu = tech.start_mmbtu_per_mw or 0.0 if heat else 0.0
    ramp = tech.ramp_per_hour
    return Source(
        name=name or tech.id,
        marginal_usd_per_mwh=marginal_cost(tech, fuel_usd_per_mmbtu),
        capacity_mw=capacity_mw,
        availability=availability,
        ramp_per_hour=ramp if ramp is not None and ramp < 1.0 else None,
        co2_t_per_mwh=tech.co2_t_per_mwh,
        fuel=tech.fuel,
        capital_usd_per_mw_year=annual_capital(tech, discount_rate, life_years),
        upstream_co2_t_per_mwh=tech.upstream_co2_t_per_mwh or 0.0,
        water_m3_per_mwh=tech.water_m3_per_mwh or 0.0,
        nox_kg_per_mwh=heat * (tech.nox_kg_per_mmbtu or 0.0),
        heat_mmbtu_per_mwh=heat,
        fuel_usd_per_mwh=fuel_usd,
        units=units,
        least_load=tech.least_load or 0.0 if units else 0.0,
        part_load=tech.part_load,
        least_up_h=max(math.ceil(tech.least_up_h or 1.0), 1),
        least_down_h=max(math.ceil(tech.least_down_h or 1.0), 1),
        start_usd_per_mw=(tech.start_usd_per_mw or 0.0) + start_mmbtu * (fuel_usd_per_mmbtu or 0.0),
        start_mmbtu_per_mw=start_mmbtu,
        start_co2_t_per_mw=start_mmbtu * tech.co2_t_per_mwh / heat if heat else 0.0,
    )


def storage_of(
    tech: Technology,
    *,
    discount_rate: float,
    life_years: float,
    energy_hours: float,
    discharge_usd_per_mwh: float,
    name: str | None = None,
    capacity_mw: float | None = None,
) -> Storage:
    """Return a technology as a store; half of what a round trip loses goes each way.

    Parameters
    ----------
    tech : Technology
        The technology.
    discount_rate, life_years : float
        Of the annuity of its capital.
    energy_hours : float
        Energy over power, of the store whose capital cost is published.
    discharge_usd_per_mwh : float
        Wear of a MWh given, as `gigawatt.energy.wear.wear_price` has it.
    name, capacity_mw : str, float, optional
        As of the store.

    Raises
    ------
    NotModelledError
        If no round trip is published.
    """
    if tech.round_trip is None:
        message = f"no round-trip efficiency is published for {tech.name}"
        raise NotModelledError(message)
    one_way = math.sqrt(tech.round_trip)
    return Storage(
        name=name or tech.id,
        energy_hours=energy_hours,
        capacity_mw=capacity_mw,
        charge_efficiency=one_way,
        discharge_efficiency=one_way,
        discharge_usd_per_mwh=discharge_usd_per_mwh,
        capital_usd_per_mw_year=annual_capital(tech, discount_rate, life_years),
    )


def fuel_burn(tech: Technology, output_mw: Array, capacity_mw: float) -> Array:
    """Return the fuel burnt in each hour, MMBtu, by one unit that runs where it gives power.

    Straight lines join the points of the heat burnt at part load, and the first goes on below.

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
    heat = np.where(load > 0.0, relative_heat(tech.part_load, load), 0.0)
    rate = tech.heat_rate_btu_per_kwh * _BTU_PER_KWH_IN_MMBTU_PER_MWH
    burnt: Array = capacity_mw * heat * rate
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
