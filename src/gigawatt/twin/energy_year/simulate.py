"""A year of a campus's supply: dispatch, bill, emissions, firmness and what it equals in homes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.system import Source, Storage, System, Throttle
from gigawatt.errors import InputError
from gigawatt.twin.energy_year.grid import GridPower, read_grid
from gigawatt.twin.energy_year.parts import Part, parts_of, proposed
from gigawatt.twin.lineage import Lineage
from gigawatt.twin.money import read_rates
from gigawatt.twin.site_year.simulate import SiteYear, simulate_site

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gigawatt import spec
    from gigawatt.energy.dispatch.result import Dispatch
    from gigawatt.energy.tariffs import Bill
    from gigawatt.spec import Campus
    from gigawatt.twin.energy_year.carbon import Carbon
    from gigawatt.twin.energy_year.firmness import Firmness
    from gigawatt.twin.energy_year.plan import EnergyPlan
    from gigawatt.twin.outcome import Headline, Table

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["GRID", "EnergyYear", "simulate_energy"]

GRID: Final = "grid"
"""Name of the grid among the sources."""
_BATCH: Final = ("training", "research", "data_processing")
"""What can wait: nobody is waiting for an answer."""


@dataclass(frozen=True, eq=False)
class EnergyYear:
    """A campus's supply over a year, hour by hour.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    site : SiteYear
        Its power at the meter.
    announced : bool
        Whether load and sources are those announced, not those of the dated phases.
    load_mw, island_load_mw : ndarray (hours,)
        Load, and the part of it that has no grid.
    grid : GridPower
        The grid's price, carbon and terms.
    import_mw, contracted_mw : float
        Most that the grid may give, and the power that least charges refer to.
    parts : tuple of Part
        Sources beside the grid.
    batch_usd_per_mwh : float
        What a MWh that batch work does not draw costs: the capital of its idle computers.
    dispatch : Dispatch
        Who gives how much.
    seed : int
        Of weather and prices.
    ask : dict
        What the plan and the bands need of the question: see `simulate_energy`.
    """

    campus: Campus
    site: SiteYear
    announced: bool
    load_mw: Hours
    island_load_mw: Hours
    grid: GridPower
    import_mw: float
    contracted_mw: float
    parts: tuple[Part, ...]
    batch_usd_per_mwh: float
    dispatch: Dispatch
    seed: int
    ask: dict[str, Any]

    @property
    def system(self) -> System:
        """What was dispatched."""
        return self.dispatch.system

    @property
    def times(self) -> Times:
        """Start of each hour, UTC."""
        return self.site.times

    @property
    def grid_mw(self) -> Hours:
        """Power bought from the grid itself."""
        return self.dispatch.output_mw[GRID]

    @cached_property
    def delivered_mw(self) -> Hours:
        """Power that comes over the grid: bought from it, and made elsewhere under contract."""
        found = self.grid_mw.copy()
        for part in self.parts:
            if part.contracted and isinstance(part.part, Source):
                found = found + self.dispatch.output_mw[part.name]
        return found

    @cached_property
    def utility_bill(self) -> Bill:
        """The utility's bill, by component."""
        from gigawatt.twin.energy_year.money import utility_bill  # noqa: PLC0415  it needs this class

        return utility_bill(self)

    @cached_property
    def cost_usd(self) -> dict[str, float]:
        """What the year costs, by component: the utility's bill and each source."""
        from gigawatt.twin.energy_year.money import cost_by_part  # noqa: PLC0415

        return cost_by_part(self)

    @property
    def total_usd(self) -> float:
        """Cost of the year."""
        return float(sum(self.cost_usd.values()))

    @cached_property
    def carbon(self) -> Carbon:
        """Emissions, counted in each of the ways that are asked for."""
        from gigawatt.twin.energy_year.carbon import carbon_of  # noqa: PLC0415

        return carbon_of(self)

    @cached_property
    def firmness(self) -> Firmness:
        """Whether supply holds when units fail."""
        from gigawatt.twin.energy_year.firmness import firmness_of  # noqa: PLC0415

        return firmness_of(self)

    @cached_property
    def plan(self) -> EnergyPlan | None:
        """The least-cost supply over the years of the horizon; None where it is not asked for."""
        from gigawatt.twin.energy_year.plan import plan_years  # noqa: PLC0415

        return plan_years(self) if self.ask["plan"] else None

    @cached_property
    def answers(self) -> tuple[Headline, ...]:
        """The questions that a supply is asked, answered."""
        from gigawatt.twin.energy_year.answers import answers  # noqa: PLC0415

        return answers(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What in the answer deserves a second look."""
        from gigawatt.twin.energy_year.notes import warnings  # noqa: PLC0415

        return warnings(self)

    def as_dict(self) -> dict[str, Any]:
        """Return the year as plain numbers and text, for programs."""
        from gigawatt.twin.energy_year.record import energy_record  # noqa: PLC0415

        return energy_record(self)

    def table(self) -> Table:
        """Return a row for each hour."""
        from gigawatt.twin.energy_year.record import hourly_table  # noqa: PLC0415

        return hourly_table(self)


def simulate_energy(  # noqa: PLR0913  each is a question of its own
    campus: Campus,
    *,
    year: int | None = None,
    price: str | Path | None = None,
    weather: str | Path | None = None,
    announced: bool = False,
    co2_usd_per_t: float = 0.0,
    clean_share: float = 0.0,
    commitment: bool = False,
    plan: bool = False,
    loss_of_load_h: float | None = None,
    seed: int = 0,
) -> EnergyYear:
    """Feed a campus for a year at least cost: who gives, what is billed, what is emitted.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    year : int, optional
        A calendar year of its horizon; what stands at its end is taken to stand all year long. By
        default the last whole year.
    price : str or path, optional
        A CSV file of hourly prices [USD/MWh]; by default what the campus states, or else a seeded
        year with the published statistics of its grid.
    weather : str or path, optional
        As of `simulate_site`.
    announced : bool
        Whether to feed the power announced in place of that of the dated phases, with the plants
        that are proposed.
    co2_usd_per_t : float
        Price of emissions, in dispatch and plan.
    clean_share : float
        Part of the energy that must come from sources without emissions, hour by hour.
    commitment : bool
        Whether plants are switched on and off as whole units, with starts, least loads and heat at
        part load; this takes minutes.
    plan : bool
        Whether the least-cost supply over the years of the horizon is planned as well.
    loss_of_load_h : float, optional
        Hours in a year in which load may go unserved when units fail; a target of the plan.
    seed : int
        Of weather, prices and outages.

    Returns
    -------
    EnergyYear
        Hours, answers and, where asked for, the plan.

    Raises
    ------
    InputError
        If the year, a file or the campus cannot be used, or a rule cannot be kept.
    NotModelledError
        If a figure that is needed is not published.

    Examples
    --------
    >>> from gigawatt.spec import load
    >>> found = simulate_energy(load("prometheus"))
    >>> bool(found.dispatch.gap < 1e-6)
    True
    """
    site = simulate_site(campus, year=year, weather=weather, job=None, seed=seed)
    load, limit = _load(site, announced=announced)
    sources = (*campus.power.sources, *(proposed(campus) if announced else ()))
    islands = _islands(sources, site)
    island = load * np.minimum(islands / limit, 1.0)
    stated = campus.power.tariff
    repaid = stated is not None and "plants_usd" in catalog.load().get("tariff", stated)
    billed = {s.name for s in campus.power.sources} if repaid else set[str]()
    parts = parts_of(
        campus, sources, site, island_load_mw=island, billed=billed, commitment=commitment
    )
    plants = sum(
        p.part.capacity_mw or 0.0
        for p in parts
        if p.contracted and p.tech.fuel == "natural gas" and p.name in billed
    )
    grid = read_grid(campus, site.times, price=price, plants_mw=plants, seed=seed)
    most = np.full(load.size, campus.power.grid_import_mw or np.inf)
    most = np.minimum(most, limit - np.minimum(islands, limit))
    contracted = campus.power.contracted_mw or float(most[-1])
    idle = _idle_usd_per_mwh(campus, site)
    system = _system(
        site, load, island, grid, parts, most, contracted_mw=contracted, idle_usd=idle,
        co2_usd_per_t=co2_usd_per_t, clean_share=clean_share,
    )  # fmt: skip
    ask = {
        "plan": plan, "loss_of_load_h": loss_of_load_h, "price": price, "weather": weather,
        "co2_usd_per_t": co2_usd_per_t, "clean_share": clean_share, "commitment": commitment,
    }  # fmt: skip
    return EnergyYear(
        campus, site, announced, load, island, grid, float(most[-1]), contracted, parts, idle,
        dispatch(system, commitment=commitment), seed, ask,
    )  # fmt: skip


def _islands(sources: Sequence[spec.Source], site: SiteYear) -> Hours:
    """Return the capacity of the islanded sources that stand in each hour."""
    there = np.zeros(site.times.size)
    for source in sources:
        if source.islanded:
            there += source.capacity_mw * (site.times >= np.datetime64(source.date.isoformat()))
    return there


def _load(site: SiteYear, *, announced: bool) -> tuple[Hours, float]:
    """Return the load and the facility power that supply is built for."""
    limit = site.installed.limit_mw
    if not announced:
        return site.facility_mw, limit
    most = site.campus.announced_maximum_mw
    if most is None:
        message = f"{site.campus.name} announces no more power than that of its phases"
        raise InputError(message)
    return site.facility_mw * (most / limit), most


def _idle_usd_per_mwh(campus: Campus, site: SiteYear) -> float:
    """Return the capital of computers and halls for each MWh that they draw in the year."""
    rates = read_rates(campus, Lineage())
    installed = site.installed
    yearly = (
        installed.rated_mw * rates.compute_usd_per_it_mw * rates.compute_charge
        + installed.it_capacity_mw * rates.facility_usd_per_it_mw * rates.facility_charge
    )
    return yearly / float(site.facility_mw.sum())


def _system(
    site: SiteYear,
    load: Hours,
    island: Hours,
    grid: GridPower,
    parts: tuple[Part, ...],
    most_mw: Hours,
    **limits: float,
) -> System:
    """Return the system that feeds the load: the grid, the parts, and batch work that gives way."""
    contracted_mw, highest = limits["contracted_mw"], float(most_mw.max())
    terms = grid.terms
    demand = terms.demand_usd_per_mw_month + terms.capacity_usd_per_mw_month
    bought = Source(
        name=GRID,
        marginal_usd_per_mwh=grid.price_usd_per_mwh,
        capacity_mw=highest,
        availability=most_mw / highest if highest else 1.0,
        co2_t_per_mwh=grid.co2_t_per_mwh,
        upstream_co2_t_per_mwh=grid.upstream_co2_t_per_mwh,
        fuel="grid",
        demand_usd_per_mw=demand,
        least_demand_mw=min(terms.least_demand_share * contracted_mw, highest) if demand else 0.0,
    )
    shares = site.installed.shares
    batch = sum((shares[a] for a in _BATCH), np.zeros(load.size))
    months = site.times.astype("datetime64[M]").astype(np.int64)
    lost = catalog.load().get("grid_price", "miso")["lost_load_usd_per_mwh"].number
    return System(
        load_mw=load,
        sources=(bought, *(p.part for p in parts if isinstance(p.part, Source))),
        storages=tuple(p.part for p in parts if isinstance(p.part, Storage)),
        # Load on an island has no other supply: only what is on the grid can give way to it.
        throttles=(
            Throttle(
                name="batch work", most_mw=batch * (load - island), usd_per_mwh=limits["idle_usd"]
            ),
        ),
        unserved_usd_per_mwh=max(lost, 2.0 * limits["idle_usd"]),
        co2_usd_per_t=limits["co2_usd_per_t"],
        clean_share=limits["clean_share"],
        billing_period=months - months[0],
    )
