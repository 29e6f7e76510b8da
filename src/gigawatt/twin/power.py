"""IT power, facility power, water, supply and carbon, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.energy.supply import MUST_TAKE, Offer, dispatch
from gigawatt.errors import NotModelledError
from gigawatt.programme.finance import capital_recovery_factor
from gigawatt.site.cooling import hourly_pue, worst_pue
from gigawatt.site.it_power import ACTIVITIES, it_power_mw, throttle
from gigawatt.site.weather import hourly_normals, wet_bulb_c
from gigawatt.twin.clock import HOURS_PER_YEAR

if TYPE_CHECKING:
    from gigawatt.catalog import Entry
    from gigawatt.spec import Campus, Source
    from gigawatt.twin.capacity import Capacity
    from gigawatt.twin.clock import Clock
    from gigawatt.twin.lineage import Lineage

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Draw", "Plant", "Supply", "draw_power", "price_of_power", "read_plant", "supply_power"]


@dataclass(frozen=True)
class Plant:
    """The cooling plant of a campus in its climate, hour by hour.

    Parameters
    ----------
    temperature_c, wet_bulb_c, pue : ndarray (hours,)
        Outside air and overhead.
    pue_band : tuple of float
        Low and high of the yearly mean PUE over its value.
    wue_l_per_kwh : float
        Water per unit of IT energy.
    wue_band : tuple of float
        Low and high of it.
    """

    temperature_c: Hours
    wet_bulb_c: Hours
    pue: Hours
    pue_band: tuple[float, float]
    wue_l_per_kwh: float
    wue_band: tuple[float, float]


@dataclass(frozen=True)
class Draw:
    """What the campus draws.

    Parameters
    ----------
    it_mw : dict of str to ndarray (hours,)
        IT power by activity.
    facility_mw : ndarray (hours,)
        Power at the point of interconnection.
    capped_mw : ndarray (hours,)
        IT power wanted but not allowed.
    throttle : ndarray (hours,)
        Share of full speed that the cap leaves.
    """

    it_mw: dict[str, Hours]
    facility_mw: Hours
    capped_mw: Hours
    throttle: Hours

    @property
    def it_total_mw(self) -> Hours:
        """IT power of all activities."""
        total: Hours = np.sum(list(self.it_mw.values()), axis=0)
        return total


@dataclass(frozen=True)
class Supply:
    """What feeds the campus.

    Parameters
    ----------
    given_mw : dict of str to ndarray (hours,)
        By source, the grid last.
    sources : tuple of Source
        The campus's own and contracted sources.
    cost_usd, co2_t : dict of str to ndarray (hours,)
        Cost and direct emissions, by source.
    """

    given_mw: dict[str, Hours]
    sources: tuple[Source, ...]
    cost_usd: dict[str, Hours]
    co2_t: dict[str, Hours]


def read_plant(campus: Campus, clock: Clock, capacity: Capacity, lineage: Lineage) -> Plant:
    """Return the overhead of every hour from the climate and the plant's published figures."""
    book = catalog.load()
    climate = book.get("climate", campus.site.climate)
    months = sorted(book.where("month", climate=climate.id), key=lambda m: m.number("month"))
    temperature, dew_point = hourly_normals(months, clock.times, climate.number("utc_offset_h"))
    wet_bulb = wet_bulb_c(temperature, dew_point, pressure_pa(climate.number("elevation_m")))
    plant = plant_entry(campus.cooling.plant, climate.text("ashrae_zone"))
    stated = campus.cooling.pue
    mean = plant.number("pue") if stated is None else stated
    low, high = plant["pue"].span
    band = (low / plant.number("pue"), high / plant.number("pue")) if stated is None else (1.0, 1.0)
    best = min(plant.number("pue_best"), mean)
    design = capacity.facility_mw[-1:] / np.maximum(capacity.it_mw[-1:], 1e-9)
    worst = worst_pue(best, mean, float(design[0]) if capacity.it_mw[-1:].any() else mean)
    wue = campus.cooling.wue_l_per_kwh
    evaporative = plant.number("wue_l_per_kwh") > 0
    pue = hourly_pue(wet_bulb if evaporative else temperature, best, mean, worst)
    lineage.record(
        "pue",
        facts=[
            *([] if stated is not None else [plant["pue"].key]),
            plant["pue_best"].key,
            *(m[f].key for m in months for f in ("temperature_c", "daily_range_c", "dew_point_c")),
        ],
        inputs=["cooling", "site.climate"],
        after=["phases"],
    )
    lineage.record(
        "water", facts=[] if wue is not None else [plant["wue_l_per_kwh"].key], inputs=["cooling"]
    )
    fact = plant["wue_l_per_kwh"]
    return Plant(
        temperature,
        wet_bulb,
        pue,
        band,
        fact.number if wue is None else wue,
        fact.span if wue is None else (wue, wue),
    )


def draw_power(
    capacity: Capacity, shares: dict[str, Hours], pue: Hours, drawn: dict[str, float]
) -> Draw:
    """Return IT and facility power; where the point of interconnection binds, IT power falls."""
    wanted = it_power_mw(capacity.rated_mw, shares, drawn)
    demand: Hours = np.sum(list(wanted.values()), axis=0)
    allowed = capacity.interconnection_mw / pue
    factor = np.divide(allowed, demand, out=np.ones_like(demand), where=demand > allowed)
    it_mw = {activity: power * factor for activity, power in wanted.items()}
    actual = demand * factor
    floor = capacity.rated_mw * drawn["idle"]
    # The division above may leave a rounding error beyond the limit; the limit is a promise.
    facility = np.minimum(actual * pue, capacity.interconnection_mw)
    return Draw(it_mw, facility, demand - actual, throttle(demand, floor, allowed))


def power_use(lineage: Lineage) -> dict[str, tuple[float, float, float]]:
    """Return the measured share of the rating that each activity draws, with its band."""
    entry = catalog.load().get("rate", "power_use")
    lineage.record("power_use", facts=[entry[a].key for a in ACTIVITIES])
    return {a: (entry.number(a), *entry[a].span) for a in ACTIVITIES}


def supply_power(campus: Campus, clock: Clock, load_mw: Hours, lineage: Lineage) -> Supply:
    """Return which source feeds the campus, at what cost and with what emissions."""
    price, carbon = price_of_power(campus, lineage), _grid_carbon(campus, lineage)
    sources = campus.power.sources
    given, grid = dispatch(load_mw, [_offer(source, clock) for source in sources])
    cost: dict[str, Hours] = {}
    co2: dict[str, Hours] = {}
    for i, source in enumerate(sources):
        technology = catalog.load().get("technology", source.technology)
        energy = given[source.name]
        variable, fixed = _source_cost(source, technology, campus, price, i, lineage)
        present = np.arange(clock.hours) >= clock.hour_of(source.date)
        cost[source.name] = energy * variable + np.where(present, fixed, 0.0)
        co2[source.name] = energy * technology.number("co2_kg_per_mwh", 0.0) / 1000.0
        if "co2_kg_per_mwh" in technology:
            lineage.record("co2", facts=[technology["co2_kg_per_mwh"].key])
    given["grid"], cost["grid"], co2["grid"] = grid, grid * price, grid * carbon / 1000.0
    return Supply(given, sources, cost, co2)


def price_of_power(campus: Campus, lineage: Lineage) -> float:
    """Return the price of a MWh from the grid: stated, or of the state's industry, or wholesale."""
    stated = campus.power.price_usd_per_mwh
    if stated is not None:
        lineage.record("price", inputs=["power.price_usd_per_mwh"])
        return stated
    book = catalog.load()
    state = campus.site.state
    if state is not None and book.has("state", state):
        fact = book.get("state", state)["industrial_usd_per_mwh"]
    else:
        grid = book.get("grid", campus.site.grid)
        if "price_usd_per_mwh" not in grid:
            message = (
                f"no yearly price is published for grid '{grid.id}'; state site.state "
                "(a US state) or power.price_usd_per_mwh"
            )
            raise NotModelledError(message)
        fact = grid["price_usd_per_mwh"]
    lineage.record("price", facts=[fact.key], inputs=["site"])
    return fact.number


def plant_entry(plant: str, zone: str) -> Entry:
    """Return the plant's figures for a climate zone, or those for any zone."""
    book = catalog.load()
    name = f"{plant}@{zone.lower()}"
    return book.get("plant", name if book.has("plant", name) else f"{plant}@any")


def pressure_pa(elevation_m: float) -> float:
    """Return the pressure of the standard atmosphere (ASHRAE Fundamentals 2017, 1.1, eq. 3)."""
    return float(101325.0 * (1.0 - 2.25577e-5 * elevation_m) ** 5.2559)


def _grid_carbon(campus: Campus, lineage: Lineage) -> float:
    stated = campus.power.co2_kg_per_mwh
    if stated is not None:
        lineage.record("co2", inputs=["power.co2_kg_per_mwh"])
        return stated
    fact = catalog.load().get("grid", campus.site.grid)["co2_direct_kg_per_mwh"]
    lineage.record("co2", facts=[fact.key], inputs=["site.grid"])
    return fact.number


def _offer(source: Source, clock: Clock) -> Offer:
    technology = catalog.load().get("technology", source.technology)
    factor = 1.0
    if technology.id in MUST_TAKE:
        factor = source.capacity_factor or technology.number("capacity_factor")
    elif source.capacity_factor is not None:
        factor = source.capacity_factor
    present = np.arange(clock.hours) >= clock.hour_of(source.date)
    return Offer(source.name, technology.id, np.where(present, source.capacity_mw * factor, 0.0))


def _source_cost(
    source: Source, technology: Entry, campus: Campus, price: float, index: int, lineage: Lineage
) -> tuple[float, float]:
    """Return the cost of a MWh and of an hour. Contracted energy is paid for at the tariff."""
    inputs = [f"power.sources[{index}]"]
    if source.connection == "contracted":
        lineage.record("price", inputs=inputs)
        return price, 0.0
    book = catalog.load()
    finance = book.get("rate", "finance")
    fuel = book.get("rate", "fuel")
    used = [technology["capital_usd_per_kw"], finance["discount_rate"]]
    life = finance["facility_life_years"]
    variable = technology.number("variable_usd_per_mwh", 0.0)
    if "heat_rate_btu_per_kwh" in technology and technology.text("fuel", "") == "natural gas":
        gas = fuel["gas_usd_per_mmbtu"]
        # Btu/kWh is kBtu/MWh; a thousand of them are one MMBtu.
        variable += technology.number("heat_rate_btu_per_kwh") / 1000.0 * gas.number
        used += [gas, technology["heat_rate_btu_per_kwh"]]
    rate = campus.finance.discount_rate
    years = campus.finance.facility_life_years
    charge = capital_recovery_factor(
        finance.number("discount_rate") if rate is None else rate,
        life.number if years is None else years,
    )
    fixed = source.capacity_mw * 1000.0 * technology.number("capital_usd_per_kw") * charge
    lineage.record("price", facts=[f.key for f in (*used, life)], inputs=inputs)
    return variable, fixed / HOURS_PER_YEAR
