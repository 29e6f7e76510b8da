"""What a dispatch comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.energy.system import System

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Dispatch", "Units"]

_BOTH_MW: Final = 1e-3  # less is rounding


@dataclass(frozen=True, eq=False)
class Units:
    """How the units of a source were switched.

    Parameters
    ----------
    running, started : ndarray (hours,)
        Units that run, and that started in the hour; in the first hour none does.
    heat_mwh : ndarray (hours,)
        Heat taken while running, in MWh that the same heat gives at full load.
    unit_mw : float
        Capacity of one.
    """

    running: Hours
    started: Hours
    heat_mwh: Hours
    unit_mw: float


@dataclass(frozen=True, eq=False)
class Dispatch:
    """What each part gives in each hour, at least cost, and what that comes to.

    In every hour outputs, discharge, throttled and unserved load add up to the load, charging and
    what is spilt.

    Parameters
    ----------
    system : System
        What was asked.
    capacity_mw : dict of str to float
        Capacity of every source and storage.
    output_mw : dict of str to ndarray (hours,)
        By source.
    charge_mw, discharge_mw, stored_mwh : dict of str to ndarray (hours,)
        By storage; stored at the end of the hour.
    throttled_mw : dict of str to ndarray (hours,)
        Load taken off, by throttle.
    unserved_mw, spilt_mw : ndarray (hours,)
        Load not served; power that plants had to give and nobody took.
    price_usd_per_mwh : ndarray (hours,)
        What one more MW of load in the hour would cost.
    cost_usd : dict of str to float
        Running cost by part, in the hours given; demand charges and missed minimum takes are parts
        of their own.
    lower_bound_usd : float
        No dispatch costs less: certified by duality. Counts what `cost_usd` counts.
    demand_mw : dict of str to ndarray (periods,)
        Demand that is charged for, by source.
    units : dict of str to Units
        By source whose units were switched on and off; empty without commitment.
    """

    system: System
    capacity_mw: Mapping[str, float]
    output_mw: Mapping[str, Hours]
    charge_mw: Mapping[str, Hours]
    discharge_mw: Mapping[str, Hours]
    stored_mwh: Mapping[str, Hours]
    throttled_mw: Mapping[str, Hours]
    unserved_mw: Hours
    spilt_mw: Hours
    price_usd_per_mwh: Hours
    cost_usd: Mapping[str, float]
    lower_bound_usd: float
    demand_mw: Mapping[str, Hours] = field(default_factory=dict)
    units: Mapping[str, Units] = field(default_factory=dict)

    @property
    def total_usd(self) -> float:
        """Cost of all parts."""
        return float(sum(self.cost_usd.values()))

    @property
    def gap(self) -> float:
        """Part of the cost by which a better dispatch could undercut this one, at most."""
        return (self.total_usd - self.lower_bound_usd) / max(abs(self.total_usd), 1.0)

    @property
    def storage_loss_mw(self) -> Hours:
        """What storage loses in each hour: charged less discharged less what stays."""
        lost = np.zeros(self.system.hours)
        for name, charge in self.charge_mw.items():
            stored = self.stored_mwh[name]
            lost = lost + charge - self.discharge_mw[name] - (stored - np.roll(stored, 1))
        return lost

    @property
    def wasted_hours(self) -> int:
        """Hours in which a store charges and discharges at once, for energy has no worth then."""
        both = np.zeros(self.system.hours, dtype=bool)
        for name, charge in self.charge_mw.items():
            both |= np.minimum(charge, self.discharge_mw[name]) > _BOTH_MW
        return int(both.sum())

    def heat_mwh(self, name: str) -> Hours:
        """Return the heat that a source takes in each hour, in MWh that it gives at full load.

        Without commitment this is the output: heat rates are those of full load.
        """
        return self.units[name].heat_mwh if name in self.units else self.output_mw[name]

    def co2_t_by_hour(self, name: str) -> Hours:
        """Return the emissions of a source in each hour, starts included."""
        source = next(s for s in self.system.sources if s.name == name)
        emitted = self.heat_mwh(name) * self.system.series(source.co2_t_per_mwh)
        if name in self.units:
            one = self.units[name]
            emitted = emitted + one.started * one.unit_mw * source.start_co2_t_per_mw
        return emitted

    @property
    def co2_t(self) -> dict[str, float]:
        """Emissions by source."""
        return {s.name: float(self.co2_t_by_hour(s.name).sum()) for s in self.system.sources}

    @property
    def co2_t_by_fuel(self) -> dict[str, float]:
        """Emissions by fuel."""
        sums: dict[str, float] = {}
        for source in self.system.sources:
            fuel = source.fuel or source.name
            sums[fuel] = sums.get(fuel, 0.0) + self.co2_t[source.name]
        return sums

    @property
    def energy_mwh(self) -> dict[str, float]:
        """Energy by source."""
        return {name: float(output.sum()) for name, output in self.output_mw.items()}

    @property
    def unserved_mwh(self) -> float:
        """Energy not served."""
        return float(self.unserved_mw.sum())
