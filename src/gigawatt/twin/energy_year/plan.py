"""The least-cost supply of a campus over the years of its horizon, and of a gigawatt more."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.energy.dispatch.run import at_capacities
from gigawatt.energy.expansion.dates import earliest_service
from gigawatt.energy.expansion.extra import LEAST_COST, ExtraCost, Option, extra_load_cost
from gigawatt.energy.expansion.reliable import ReliablePlan, meet_reliability
from gigawatt.energy.expansion.years import Build, SupplyOverYears, plan_supply_over_years
from gigawatt.energy.system import Source, Storage
from gigawatt.energy.technologies import source_of, technology
from gigawatt.errors import InputError, NotModelledError
from gigawatt.twin.clock import Clock
from gigawatt.twin.energy_year.firmness import fleet_of
from gigawatt.twin.energy_year.grid import discount_rate, facility_life_years
from gigawatt.twin.energy_year.parts import battery, fuel_price, profile

if TYPE_CHECKING:
    from gigawatt.energy.expansion.firmness import Fleet
    from gigawatt.energy.system import System
    from gigawatt.spec import Campus
    from gigawatt.twin.energy_year.simulate import EnergyYear

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["CANDIDATES", "EXTRA_MW", "EnergyPlan", "plan_years"]

EXTRA_MW: Final = 1000.0
_DRAWS: Final = 40
CANDIDATES: Final = (
    "combined-cycle", "aeroderivative", "reciprocating", "fuel-cell", "smr", "solar", "battery",
)  # fmt: skip
"""What may be built. Wind is not among them: no hourly wind of the place is published here."""


@dataclass(frozen=True, eq=False)
class EnergyPlan:
    """What to build when.

    Parameters
    ----------
    ordered : str
        Day on which everything is ordered.
    earliest : dict of str to str
        First possible day of service of each candidate; those beyond the horizon are left out.
    over_years : SupplyOverYears
        The plan.
    extra : tuple of ExtraCost
        What a gigawatt more would cost, by year.
    reliable : ReliablePlan or None
        The last year's supply that keeps a loss-of-load target; None where none is stated.
    facts : tuple of str
        Keys of the facts behind it.
    """

    ordered: str
    earliest: dict[str, str]
    over_years: SupplyOverYears
    extra: tuple[ExtraCost, ...]
    reliable: ReliablePlan | None
    facts: tuple[str, ...]


def plan_years(energy: EnergyYear) -> EnergyPlan:
    """Return the least-cost supply over the whole years of the horizon.

    What is dated stands from its day on; everything else may be built, and serves no sooner than
    its published lead time after the first day of the horizon.
    """
    campus = energy.campus
    clock = Clock.of(campus.horizon)
    years = [
        y for y in range(clock.start.year, clock.end.year + 1)
        if dt.date(y, 1, 1) >= clock.start and dt.date(y + 1, 1, 1) <= clock.end
    ]  # fmt: skip
    if not years:
        message = "a plan over years needs a whole calendar year in the horizon"
        raise InputError(message)
    ordered = clock.start.isoformat()
    earliest, facts = _candidates(ordered, years[-1])
    systems = {year: _system(energy, year, tuple(earliest)) for year in years}
    builds = {_new(name): Build(earliest=day) for name, day in earliest.items()}
    rate = discount_rate(campus)
    found = plan_supply_over_years(systems, builds, discount_rate=rate)
    extra = _extra(found, campus, earliest)
    target = energy.ask["loss_of_load_h"]
    reliable = None if target is None else _reliable(energy, systems[years[-1]], target)
    return EnergyPlan(ordered, earliest, found, extra, reliable, facts)


def _reliable(energy: EnergyYear, system: System, target_h: float) -> ReliablePlan:
    """Return the last year's least-cost supply that keeps a loss-of-load target.

    The grid never fails in it. Load that gives way counts as served, unserved load does not.
    """
    fleets: dict[str, Fleet] = {}
    for part in energy.parts:
        if isinstance(part.part, Source) and not part.spec.islanded and part.tech.fuel != "sun":
            fleets[part.name] = fleet_of(part.tech, part.spec.units)[0]
    kept = []
    for source in system.sources:
        if source.capacity_mw is None and source.fuel != "sun":
            try:
                fleets[source.name] = fleet_of(technology(source.name.removeprefix("new ")))[0]
            except NotModelledError:
                continue  # how it fails is not published: it can be part of no reliable plan
        kept.append(source)
    firm = tuple(
        replace(s, firm_share=0.0 if s.fuel == "sun" else 1.0 - fleets[s.name].forced_outage_rate)
        if s.fuel == "sun" or s.name in fleets else s
        for s in kept
    )  # fmt: skip
    return meet_reliability(
        replace(system, sources=firm), fleets, most_lolh_h=target_h, draws=_DRAWS, seed=energy.seed
    )


def _new(name: str) -> str:
    return f"new {name}"


def _candidates(ordered: str, last: int) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the first day of service of what can be in service within the horizon."""
    found, facts = {}, list[str]()
    for name in CANDIDATES:
        entry = catalog.load().get("technology", name)
        try:
            day = earliest_service(technology(name), ordered)
        except NotModelledError:
            continue
        if dt.date.fromisoformat(day).year <= last:
            found[name] = day
            facts += [fact.key for fact in entry]
    return found, tuple(facts)


def _system(energy: EnergyYear, year: int, names: tuple[str, ...]) -> System:
    """Return the system of a year with what may be built in it."""
    from gigawatt.twin.energy_year.simulate import simulate_energy  # noqa: PLC0415  it needs this

    ask = {key: energy.ask[key] for key in ("price", "weather", "co2_usd_per_t", "clean_share")}
    same = year == energy.times[energy.times.size // 2].astype("datetime64[Y]").item().year
    if same and not energy.ask["commitment"]:
        of_year = energy
    else:
        of_year = simulate_energy(
            energy.campus, year=year, announced=energy.announced, seed=energy.seed, **ask
        )
    new = [_candidate(name, energy.campus, of_year.times) for name in names]
    return replace(
        of_year.system,
        sources=(*of_year.system.sources, *(n for n in new if isinstance(n, Source))),
        storages=(*of_year.system.storages, *(n for n in new if isinstance(n, Storage))),
    )


def _candidate(name: str, campus: Campus, times: Times) -> Source | Storage:
    tech = technology(name)
    rate, life = discount_rate(campus), facility_life_years(campus)
    if name == "battery":
        return battery(tech, rate, life, name=_new(name))
    gas = fuel_price()[0] if tech.fuel == "natural gas" else None
    return source_of(
        tech, discount_rate=rate, life_years=life, fuel_usd_per_mmbtu=gas, name=_new(name),
        availability=profile(name, campus, times, None)[0],
    )  # fmt: skip


def _extra(
    found: SupplyOverYears, campus: Campus, earliest: dict[str, str]
) -> tuple[ExtraCost, ...]:
    """Return what a gigawatt more costs in each year, beside what the plan has then."""
    years = {
        year: at_capacities(run.system, run.capacity_mw)
        for year, run in zip(found.years, found.dispatch, strict=True)
    }
    options = []
    for name, day in earliest.items():
        tech = technology(name)
        times = np.arange(years[found.years[-1]].hours) + np.datetime64(str(found.years[-1]), "h")
        part = _candidate(name, campus, times)
        overnight = None if tech.capital_usd_per_kw is None else 1e3 * tech.capital_usd_per_kw
        options.append(Option(part=part, earliest=day, usd_per_mw=overnight))
    mixes = {LEAST_COST: [o.part.name for o in options]}
    rows: list[ExtraCost] = []
    for year, system in years.items():
        fitting = [_cut(o, system.hours) for o in options]
        rows += extra_load_cost({year: system}, fitting, extra_mw=EXTRA_MW, mixes=mixes)
    return tuple(rows)


def _cut(option: Option, hours: int) -> Option:
    """Return an option for a year of so many hours: the last day of a leap year repeats."""
    part = option.part
    if not isinstance(part, Source) or np.ndim(part.availability) == 0:
        return option
    output = np.asarray(part.availability)
    if output.size < hours:
        output = np.concatenate([output, output[-(hours - output.size) :]])
    return replace(option, part=replace(part, availability=output[:hours]))
