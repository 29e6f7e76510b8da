"""What a supply is asked most, answered from a year of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.homes import count_homes
from gigawatt.errors import InputError
from gigawatt.twin.energy_year.money import exit_fees
from gigawatt.twin.outcome import Headline
from gigawatt.twin.site_year.answers import answers as site_answers
from gigawatt.twin.site_year.facts import facts_by_group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.twin.energy_year.firmness import Holding
    from gigawatt.twin.energy_year.simulate import EnergyYear

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["answers", "load_band"]

_HAPPENS_MW: Final = 1e-6
_FULL_YEAR_H: Final = 8760.0
_NO_CARBON: Final = 1e-6  # t/MWh: a difference of prices knows no less
_MILLIONTH: Final = 1e-6


def answers(energy: EnergyYear) -> tuple[Headline, ...]:
    """Return energy, cost, emissions, firmness, homes and the plan."""
    found = (
        *_energy(energy), *_money(energy), *_carbon(energy), *_firmness(energy), *_homes(energy),
        *_plan(energy),
    )  # fmt: skip
    behind = _facts(energy)
    return tuple(
        replace(head, facts=tuple(dict.fromkeys((*head.facts, *behind.get(head.group, ())))))
        for head in found
    )


def load_band(energy: EnergyYear) -> tuple[float, float]:
    """Return P10 and P90 of the load over its median: those of the power of servers."""
    mean = next(h for h in site_answers(energy.site) if h.name == "mean_facility_mw")
    assert isinstance(mean.value, float)  # noqa: S101  a mean is a number
    return float(mean.low or mean.value) / mean.value, float(mean.high or mean.value) / mean.value


def _energy(energy: EnergyYear) -> Iterator[Headline]:
    run = energy.dispatch
    low, high = load_band(energy)
    total = float(energy.load_mw.sum())
    yield Headline(
        "energy_mwh", "Energy of the year", "energy", total, "MWh", low * total, high * total,
        formula="facility power at the meter, summed over the hours",
    )  # fmt: skip
    peak = float(energy.load_mw.max())
    yield Headline("peak_mw", "Highest power", "energy", peak, "MW", low * peak, high * peak)
    told = ", ".join(
        f"{name} {100.0 * mwh / total:.0f} %" for name, mwh in run.energy_mwh.items() if mwh > 0.0
    )
    yield Headline(
        "grid_energy_mwh", "Energy bought from the grid", "energy", float(energy.grid_mw.sum()),
        "MWh", note=told,
    )  # fmt: skip
    hours = int((run.unserved_mw > _HAPPENS_MW).sum())
    yield Headline(
        "unserved_mwh", "Energy not served", "energy", run.unserved_mwh if hours else 0.0, "MWh",
        note=f"in {hours:,} hours" if hours else "supply carries the load in every hour",
    )  # fmt: skip
    gave_way = [float(mw[mw > _HAPPENS_MW].sum()) for mw in run.throttled_mw.values()]
    put_off = sum(gave_way)
    yield Headline(
        "put_off_mwh", "Batch work that gives way", "energy", put_off, "MWh",
        formula=f"where supply costs more than {energy.batch_usd_per_mwh:,.0f} USD/MWh, the "
        "capital of the computers that stand still",
    )  # fmt: skip


def _money(energy: EnergyYear) -> Iterator[Headline]:
    span = _cost_band(energy)
    total, mwh = energy.total_usd, float(energy.load_mw.sum())
    yield Headline(
        "supply_usd", "Cost of supply", "money", total, "USD", span[0], span[1],
        formula=" + ".join(energy.cost_usd),
    )  # fmt: skip
    yield Headline(
        "supply_usd_per_mwh", "Cost of a MWh", "money", total / mwh, "USD/MWh",
        formula="cost of supply over energy of the year",
    )  # fmt: skip
    bill = energy.utility_bill
    least = float((bill.billed_mw - bill.demand_mw).sum()) / bill.billed_mw.size
    note = f"{energy.grid.terms.name}; {energy.grid.price_told}"
    if least > _HAPPENS_MW:
        note += f"; {least:,.0f} MW are billed beyond what is drawn, mean of the months"
    yield Headline(
        "utility_bill_usd", "Bill of the utility", "money", bill.total_usd, "USD", note=note,
        formula=" + ".join(bill.parts_usd) or "nothing",
    )  # fmt: skip
    fees = exit_fees(energy)
    if isinstance(fees, str):
        yield Headline("exit_fee_usd", "Fee for leaving the contract", "money", None, "USD",
                       note=fees)  # fmt: skip
    else:
        middle = fees[len(fees) // 2]
        yield Headline(
            "exit_fee_usd", "Fee for leaving the contract", "money", middle[1], "USD",
            formula=f"after {middle[0]} years; least charges of the years that are still owed",
        )  # fmt: skip


def _cost_band(energy: EnergyYear) -> tuple[float, float] | tuple[None, None]:
    """Return the cost at P10 and P90 of the load, dispatched anew; its dollars beside stay."""
    ends: list[float] = []
    if energy.ask["commitment"]:
        return None, None  # each end would take as long as the year itself
    for end in load_band(energy):
        load = np.minimum(energy.load_mw * end, _most(energy))
        try:
            ends.append(dispatch(replace(energy.system, load_mw=load)).total_usd)
        except InputError:
            return None, None
    beside = energy.total_usd - energy.dispatch.total_usd
    return ends[0] + beside, ends[1] + beside


def _most(energy: EnergyYear) -> Hours:
    """Return the power at which load stays within the limit of the campus."""
    return np.full(energy.load_mw.size, max(energy.site.installed.limit_mw, energy.load_mw.max()))


def _carbon(energy: EnergyYear) -> Iterator[Headline]:
    carbon = energy.carbon
    yield Headline(
        "co2_t", "Direct CO2, contracts counted", "carbon", carbon.direct_t, "t",
        formula="energy of each source x its own intensity", note=energy.grid.carbon_told,
    )  # fmt: skip
    yield Headline(
        "location_co2_t", "Direct CO2, location-based", "carbon", carbon.location_t, "t",
        formula="energy over the grid x the grid's intensity + own plants",
    )  # fmt: skip
    yield _marginal(energy)
    yield Headline(
        "lifecycle_co2_t", "CO2 over the life cycle", "carbon", carbon.lifecycle_t, "t",
        formula="direct + upstream of what is published of it",
    )  # fmt: skip
    yield Headline(
        "matched_share", "Clean energy in the same hour", "carbon", carbon.matched_share, "ratio",
        formula="what sources without emissions carry, hour by hour, over the load",
        note="the grid's own clean power is not in it",
    )  # fmt: skip
    yield Headline(
        "yearly_clean_share", "Clean energy over the year", "carbon", carbon.yearly_share, "ratio",
        formula="what they could give in the year over the load",
    )  # fmt: skip
    fuel = float(sum(carbon.fuel_mmbtu.values()))
    yield Headline("fuel_mmbtu", "Natural gas burnt", "carbon", fuel, "MMBtu",
                   formula="energy x heat rate, by the higher heating value")  # fmt: skip
    for name, label, value, unit in (
        ("nox_t", "Nitrogen oxides of the plants", carbon.nox_t, "t"),
        ("generation_water_m3", "Water lost in making the energy", carbon.water_m3, "m3"),
    ):
        note = "" if value is not None else "none of the sources has a published figure"
        yield Headline(name, label, "carbon", value, unit, note=note)


def _marginal(energy: EnergyYear) -> Headline:
    found, name = energy.carbon.marginal_t_per_mwh, "marginal_co2_kg_per_mwh"
    if found is None:
        told = "not known: supply is at its limit, or plants are whole units"
        return Headline(name, "CO2 of a further MWh", "carbon", None, "kg/MWh", note=told)
    found = np.where(np.abs(found) < _NO_CARBON, 0.0, found)
    mean = float(np.average(found, weights=energy.load_mw))
    low, high = np.quantile(found, (0.1, 0.9))
    return Headline(
        name, "CO2 of a further MWh", "carbon", 1e3 * mean, "kg/MWh", 1e3 * float(low),
        1e3 * float(high), formula="emissions of one MWh more in an hour, all hours adapting; "
        "mean over the load, band over the hours",
        note="the grid's further MWh is taken to emit what its mean does in the hour",
    )  # fmt: skip


def _firmness(energy: EnergyYear) -> Iterator[Headline]:
    firmness = energy.firmness
    expected = [h.loss_of_load_h for h in firmness.islands]
    if firmness.islands:
        known = [h for h in expected if h is not None]
        told = "; ".join(_held(h) for h in firmness.islands)
        yield Headline(
            "island_loss_of_load_h", "Hours in which an island is short", "firmness",
            sum(known) if len(known) == len(expected) else None, "h",
            formula="table of the states of independent units, against the load of every hour",
            facts=tuple(key for h in firmness.islands for key in h.facts), note=told,
        )  # fmt: skip
    alone = firmness.alone
    if alone is None:
        return
    yield Headline(
        "firm_share", "Firm plants over the peak on the grid", "firmness",
        alone.firm_mw / alone.peak_mw if alone.peak_mw else None, "ratio",
        formula=f"{alone.firm_mw:,.0f} MW with the largest unit out, over {alone.peak_mw:,.0f} MW",
    )  # fmt: skip
    yield Headline(
        "needs_grid_h", "Hours in which the grid is needed", "firmness", alone.loss_of_load_h, "h",
        formula="expected hours in which the other plants, some of them out, do not carry the load",
        facts=alone.facts, note=alone.why or "the grid itself is taken never to fail",
    )  # fmt: skip


def _held(holding: Holding) -> str:
    short = holding.loss_of_load_h
    hours = holding.why
    if short is not None:
        hours = "less than a millionth of an hour" if short < _MILLIONTH else f"{short:.3g} h"
    return (
        f"{holding.name}: {holding.firm_mw:,.0f} MW with a unit out for a load of "
        f"{holding.peak_mw:,.0f} MW, {hours}"
    )


def _homes(energy: EnergyYear) -> Iterator[Headline]:
    state = energy.campus.site.state
    total, peak = float(energy.load_mw.sum()), float(energy.load_mw.max())
    announced = energy.campus.announced_maximum_mw
    counted = [("", "", one) for one in count_homes(total, peak, state)]
    if announced is not None:
        told = f", {announced:,.0f} MW announced"
        most = count_homes(announced * _FULL_YEAR_H, announced, state)
        counted += [("announced_", told, one) for one in most]
    for start, told, one in counted:
        yield Headline(
            start + one.name, f"{one.label}{told}", "homes", one.homes, "homes", one.low, one.high,
            formula=one.formula, facts=one.facts,
        )  # fmt: skip


def _plan(energy: EnergyYear) -> Iterator[Headline]:
    plan = energy.plan
    if plan is None:
        return
    found = plan.over_years
    years = f"{found.years[0]} to {found.years[-1]}"
    built = ", ".join(
        f"{name} {mw.sum():,.0f} MW" for name, mw in found.built_mw.items() if mw.sum() > 0.5
    )
    yield Headline(
        "plan_usd", f"Least cost of supply, {years}", "plan", found.total_usd, "USD",
        found.lower_bound_usd, found.total_usd,
        formula="capital and running cost of the years, discounted to the first",
        note=f"built: {built}" if built else "nothing further is worth building",
    )  # fmt: skip
    able = [row for row in plan.extra if row.possible]
    yield Headline(
        "extra_gigawatt_year", "First year in which a further GW can be served", "plan",
        str(able[0].year) if able else None, "",
        note="beside what stands, by what is ordered at the start of the horizon"
        if not plan.extra[0].possible
        else "room for it stands already",
    )  # fmt: skip
    if able:
        yield Headline(
            "extra_gigawatt_usd_per_mwh", f"What its energy costs in {able[-1].year}", "plan",
            able[-1].usd_per_mwh, "USD/MWh",
            formula="cost of the year with it less without it, over its energy",
        )  # fmt: skip


def _facts(energy: EnergyYear) -> dict[str, tuple[str, ...]]:
    """Return the keys of the facts behind each group of answers, the nearest first."""
    load = facts_by_group(energy.site)["power"]
    parts = tuple(key for part in energy.parts for key in part.facts)
    grid = energy.grid.facts
    money = (*grid["tariff"], *grid["price"], *parts)
    carbon = (*parts, *grid["carbon"])
    plan = energy.plan.facts if energy.plan is not None else ()
    return {
        "energy": (*money, *load),
        "money": (*money, *load),
        "carbon": (*carbon, *load),
        "firmness": (*parts, *load),
        "homes": load,
        "plan": (*plan, *money, *load),
    }
