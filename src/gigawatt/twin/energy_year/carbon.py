"""What a year of supply emits, counted in each of the ways that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.energy.emissions import carbon_of_load, footprint, marginal_co2
from gigawatt.energy.system import Source
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.energy.system import System
    from gigawatt.twin.energy_year.simulate import EnergyYear

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Carbon", "carbon_of"]


@dataclass(frozen=True, eq=False)
class Carbon:
    """Emissions and what else the making of the energy takes.

    Parameters
    ----------
    by_source_t : dict of str to float
        Direct CO2 of each source itself: contracts counted.
    location_t : float
        Direct CO2 where all that comes over the grid has the grid's intensity.
    marginal_t_per_mwh : ndarray (hours,) or None
        Direct CO2 of one MWh more in each hour; None where supply cannot carry more.
    lifecycle_t : float
        CO2 equivalent with the making of fuel and plants.
    matched_share : float
        Part of the energy used that is clean in the hour of its use.
    yearly_share : float
        What clean sources could give in the year over its load, at most all of it.
    fuel_mmbtu : dict of str to float
        Fuel burnt by source, by the higher heating value.
    nox_t, water_m3 : float or None
        Nitrogen oxides, and water lost in making the energy; None where nothing is published.
    """

    by_source_t: Mapping[str, float]
    location_t: float
    marginal_t_per_mwh: Hours | None
    lifecycle_t: float
    matched_share: float
    yearly_share: float
    fuel_mmbtu: Mapping[str, float]
    nox_t: float | None
    water_m3: float | None

    @property
    def direct_t(self) -> float:
        """Direct CO2 with contracts counted."""
        return float(sum(self.by_source_t.values()))


def carbon_of(energy: EnergyYear) -> Carbon:
    """Return the emissions of a year of supply."""
    run, system = energy.dispatch, energy.system
    own = sum(
        run.co2_t[p.name] for p in energy.parts if not p.contracted and isinstance(p.part, Source)
    )
    over_grid = float((energy.delivered_mw * energy.grid.co2_t_per_mwh).sum())
    made = footprint(run)
    clean = [s for s in system.sources if not np.any(s.co2_t_per_mwh)]
    could = sum(float(system.series(s.availability).sum()) * (s.capacity_mw or 0.0) for s in clean)
    return Carbon(
        by_source_t=run.co2_t,
        location_t=own + over_grid,
        marginal_t_per_mwh=_marginal(energy),
        lifecycle_t=made.lifecycle_co2_t,
        matched_share=carbon_of_load(run).matched_share,
        yearly_share=min(could / float(system.load_mw.sum()), 1.0),
        fuel_mmbtu=_fuel(energy, made.fuel_mmbtu),
        nox_t=made.total("nox_t") if _stated(system, "nox_kg_per_mwh") else None,
        water_m3=made.total("water_m3") if _stated(system, "water_m3_per_mwh") else None,
    )


def _marginal(energy: EnergyYear) -> Hours | None:
    try:
        return marginal_co2(energy.dispatch)
    except (InputError, NotModelledError):
        return None


def _fuel(energy: EnergyYear, burnt: Mapping[str, Hours]) -> dict[str, float]:
    """Return the gas burnt by source; at the heat rate of full load where no other is stated."""
    found = {}
    for part in energy.parts:
        rate = part.tech.heat_rate_btu_per_kwh
        if rate is None or part.tech.fuel != "natural gas" or not isinstance(part.part, Source):
            continue
        counted = float(burnt[part.name].sum())
        made = float(energy.dispatch.output_mw[part.name].sum()) * rate / 1000.0
        found[part.name] = counted if part.part.heat_mmbtu_per_mwh > 0.0 else made
    return found


def _stated(system: System, field: str) -> bool:
    return any(np.any(getattr(source, field)) for source in system.sources)
