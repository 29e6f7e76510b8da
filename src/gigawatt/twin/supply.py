"""Who feeds the campus, at what price and with what emissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.energy.solar import solar_output
from gigawatt.energy.supply import MUST_TAKE, Offer, dispatch
from gigawatt.errors import NotModelledError
from gigawatt.programme.finance import capital_recovery_factor
from gigawatt.twin.clock import HOURS_PER_YEAR

if TYPE_CHECKING:
    from gigawatt.catalog import Entry, Fact
    from gigawatt.spec import Campus, Source
    from gigawatt.twin.clock import Clock
    from gigawatt.twin.lineage import Lineage

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Supply", "grid_price_usd_per_mwh", "supply_power"]


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
        Cost and direct emissions of each source itself.
    location_co2_t : ndarray (hours,)
        Emissions where all that comes over the grid, contracted or not, has the grid's intensity.
    own_capital_usd : float
        Capital of the sources behind the meter, whose yearly charge is in their cost.
    """

    given_mw: dict[str, Hours]
    sources: tuple[Source, ...]
    cost_usd: dict[str, Hours]
    co2_t: dict[str, Hours]
    location_co2_t: Hours
    own_capital_usd: float

    def through(self, connection: str) -> Hours:
        """Return the power of the sources of one connection."""
        zero = 0.0 * self.given_mw["grid"]
        return sum(
            (self.given_mw[s.name] for s in self.sources if s.connection == connection), zero
        )


def supply_power(campus: Campus, clock: Clock, load_mw: Hours, lineage: Lineage) -> Supply:
    """Return which source feeds the campus, at what cost and with what emissions.

    Raises
    ------
    NotModelledError
        If a source stores energy, which no dispatch here can do yet.
    """
    price, carbon = grid_price_usd_per_mwh(campus, lineage), _grid_carbon(campus, lineage)
    lineage.record("sources")
    sources = campus.power.sources
    offers = [_offer(source, campus, clock, lineage) for source in sources]
    given, grid = dispatch(load_mw, offers)
    cost, co2 = {}, {}
    over_grid, own_t, own_capital = grid.copy(), 0.0 * grid, 0.0
    for i, source in enumerate(sources):
        technology = catalog.load().get("technology", source.technology)
        energy = given[source.name]
        variable, fixed = _source_cost(source, technology, campus, price, i, lineage)
        present = np.arange(clock.hours) >= clock.hour_of(source.date)
        cost[source.name] = energy * variable + np.where(present, fixed, 0.0)
        co2[source.name] = energy * technology.number("co2_kg_per_mwh", 0.0) / 1000.0
        facts = [technology["co2_kg_per_mwh"].key] if "co2_kg_per_mwh" in technology else []
        lineage.record("co2", facts=facts, inputs=[f"power.sources[{i}]"])
        if source.connection == "contracted":
            over_grid = over_grid + energy
            continue
        own_t = own_t + co2[source.name]
        if source.date < clock.end:
            own_capital += source.capacity_mw * 1000.0 * technology.number("capital_usd_per_kw")
    given["grid"], cost["grid"], co2["grid"] = grid, grid * price, grid * carbon / 1000.0
    located = own_t + over_grid * carbon / 1000.0
    return Supply(given, sources, cost, co2, located, own_capital)


def grid_price_usd_per_mwh(campus: Campus, lineage: Lineage) -> float:
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


def _grid_carbon(campus: Campus, lineage: Lineage) -> float:
    stated = campus.power.co2_kg_per_mwh
    if stated is not None:
        lineage.record("co2", inputs=["power.co2_kg_per_mwh"])
        return stated
    fact = catalog.load().get("grid", campus.site.grid)["co2_direct_kg_per_mwh"]
    lineage.record("co2", facts=[fact.key], inputs=["site.grid"])
    return fact.number


def _offer(source: Source, campus: Campus, clock: Clock, lineage: Lineage) -> Offer:
    """Return what a source can give in each hour; fuel-fired ones give all they have."""
    book = catalog.load()
    technology = book.get("technology", source.technology)
    if technology.id == "battery":
        message = f"source '{source.name}' stores energy; storage is not modelled yet, leave it out"
        raise NotModelledError(message)
    factor = source.capacity_factor
    if factor is None and technology.id in MUST_TAKE:
        factor = technology.number("capacity_factor")
        lineage.record("sources", facts=[technology["capacity_factor"].key])
    output: Hours = np.full(clock.hours, 1.0 if factor is None else factor)
    if technology.id == "solar" and factor:
        climate = book.get("climate", campus.site.climate)
        place = (climate["latitude_deg"], climate["longitude_deg"])
        lineage.record("sources", facts=[f.key for f in place])
        output = solar_output(clock.times, place[0].number, place[1].number, output[0])
    present = np.arange(clock.hours) >= clock.hour_of(source.date)
    return Offer(source.name, technology.id, np.where(present, source.capacity_mw * output, 0.0))


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
    used: list[Fact] = [technology["capital_usd_per_kw"], finance["discount_rate"]]
    if "variable_usd_per_mwh" in technology:
        used.append(technology["variable_usd_per_mwh"])
    life = finance["facility_life_years"]
    variable = technology.number("variable_usd_per_mwh", 0.0)
    if "heat_rate_btu_per_kwh" in technology and technology.text("fuel", "") == "natural gas":
        gas = fuel["gas_usd_per_mmbtu"]
        # Btu/kWh is kBtu/MWh; a thousand of them are one MMBtu.
        variable += technology.number("heat_rate_btu_per_kwh") / 1000.0 * gas.number
        used += [gas, technology["heat_rate_btu_per_kwh"]]
    if "fuel_usd_per_mwh" in technology:
        variable += technology.number("fuel_usd_per_mwh")
        used.append(technology["fuel_usd_per_mwh"])
    rate = campus.finance.discount_rate
    years = campus.finance.facility_life_years
    charge = capital_recovery_factor(
        finance.number("discount_rate") if rate is None else rate,
        life.number if years is None else years,
    )
    fixed = source.capacity_mw * 1000.0 * technology.number("capital_usd_per_kw") * charge
    lineage.record("price", facts=[f.key for f in (*used, life)], inputs=inputs)
    return variable, fixed / HOURS_PER_YEAR
