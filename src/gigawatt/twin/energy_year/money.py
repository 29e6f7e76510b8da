"""What a year of supply costs: the utility's bill and each source, component by component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.energy.system import Source
from gigawatt.energy.tariffs import bill, exit_fee
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.energy.tariffs import Bill
    from gigawatt.twin.energy_year.parts import Part
    from gigawatt.twin.energy_year.simulate import EnergyYear

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["UTILITY", "cost_by_part", "exit_fees", "utility_bill"]

UTILITY = "utility, "
"""What the names of the utility's components begin with."""


def utility_bill(energy: EnergyYear) -> Bill:
    """Return the utility's bill for what is bought from the grid.

    Energy of contracted plants is paid for at what it costs, beside the bill; the charge on demand
    is on all that comes over the grid.
    """
    terms, periods = energy.grid.terms, energy.system.periods
    bought = bill(terms, energy.grid_mw, periods, contracted_mw=energy.contracted_mw)
    if np.array_equal(bought.demand_mw, _peaks(energy.delivered_mw, periods)):
        return bought
    drawn = bill(terms, energy.delivered_mw, periods, contracted_mw=energy.contracted_mw)
    parts = {**drawn.parts_usd, **{k: bought.parts_usd.get(k, 0.0) for k in ("energy",)}}
    return type(drawn)(parts, drawn.demand_mw, drawn.billed_mw, bought.energy_mwh)


def _peaks(power_mw: Hours, periods: Any) -> Hours:  # noqa: ANN401  an array of indices
    peaks = np.zeros(int(periods.max()) + 1)
    np.maximum.at(peaks, periods, power_mw)
    return peaks


def cost_by_part(energy: EnergyYear) -> dict[str, float]:
    """Return what the year costs by component; what costs nothing is left out."""
    costs = {f"{UTILITY}{name}": usd for name, usd in energy.utility_bill.parts_usd.items()}
    year = energy.times.size / 8760.0 if energy.times.size < 8760 else 1.0
    for part in energy.parts:
        run = energy.dispatch.cost_usd
        started = run.get(f"starts {part.name}", 0.0)
        running = run.get(part.name, 0.0) + started - _carbon_usd(energy, part)
        costs[f"{part.name}, fuel and running"] = running
        if part.fixed_usd_per_year:
            costs[f"{part.name}, {part.fixed_told}"] = part.fixed_usd_per_year * year
    emitted = sum(energy.dispatch.co2_t.values()) * energy.system.co2_usd_per_t
    costs["price of CO2"] = emitted
    for throttle in energy.system.throttles:
        costs[f"{throttle.name} put off"] = energy.dispatch.cost_usd.get(throttle.name, 0.0)
    return {name: usd for name, usd in costs.items() if abs(usd) > 0.5}


def _carbon_usd(energy: EnergyYear, part: Part) -> float:
    if not isinstance(part.part, Source):
        return 0.0
    return energy.dispatch.co2_t[part.name] * energy.system.co2_usd_per_t


def exit_fees(energy: EnergyYear) -> tuple[tuple[int, float], ...] | str:
    """Return the fee for leaving the contract after each year of its term, or why there is none."""
    terms = energy.grid.terms
    if terms.term_years is None:
        return "no term of the contract is stated"
    try:
        return tuple(
            (year, exit_fee(terms, energy.contracted_mw, float(year)))
            for year in range(int(terms.term_years) + 1)
        )
    except NotModelledError as error:
        return str(error)
