"""What the campus does in each year: what it uses, what it makes, and what is there to sell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.programme.finance.annuity import capital_recovery_factor
from gigawatt.twin.cash.capital import plant_usd
from gigawatt.twin.clock import HOURS_PER_YEAR, Clock

if TYPE_CHECKING:
    from gigawatt.spec import Campus
    from gigawatt.twin.cash.inputs import Inputs
    from gigawatt.twin.outcome import Outcome

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Activity", "read_activity"]


@dataclass(frozen=True)
class Activity:
    """What the campus does in each calendar year of a run.

    Parameters
    ----------
    years : ndarray (years,) of int
        Calendar years; the first and last may be parts.
    hours : ndarray (years,)
        Hours simulated.
    it_mw_years : ndarray (years,)
        IT power built for, times the part of a year that it stood.
    electricity_usd : ndarray (years,)
        Paid for energy; without the charge on the capital of own plants, which is capital here.
    own_charge_usd : ndarray (years,)
        That charge, as the run has it within its cost of electricity.
    water_m3 : ndarray (years,)
        Water used.
    installed_h : dict of str to ndarray (years,)
        Accelerator-hours installed, by chip.
    used_share : ndarray (years,)
        Part of the accelerator-hours in which they did something.
    tokens_served : ndarray (years,)
        Input and output.
    """

    years: np.ndarray[Any, np.dtype[np.int64]]
    hours: Years
    it_mw_years: Years
    electricity_usd: Years
    own_charge_usd: Years
    water_m3: Years
    installed_h: dict[str, Years]
    used_share: Years
    tokens_served: Years

    @property
    def end(self) -> float:
        """End of the time looked at, in years; the last may be a part of one."""
        return float(self.years[-1]) + min(float(self.hours[-1]) / 8760.0, 1.0)

    @property
    def chip_hours(self) -> Years:
        """Accelerator-hours installed, of every type."""
        total: Years = np.sum(list(self.installed_h.values()), axis=0)
        return total + 0.0 * self.hours

    @property
    def used_hours(self) -> Years:
        """Accelerator-hours in which they did something."""
        return self.chip_hours * self.used_share


def read_activity(campus: Campus, run: Outcome, inputs: Inputs) -> Activity:
    """Return what a run does in each year."""
    yearly, hourly, clock = run.tables["yearly"], run.tables["hourly"], Clock.of(campus.horizon)
    where = clock.years - int(yearly["year"][0])

    def summed(values: Years) -> Years:
        totals = np.bincount(where, weights=values, minlength=len(yearly["year"]))
        return totals.astype(float)

    phases, installed = run.tables["phases"], dict[str, "Years"]()
    for i, chip in enumerate(phases["chip"]):
        present = np.arange(clock.hours) >= clock.hour_of(phases["date"][i].item())
        held = summed(present.astype(float) * float(phases["chips"][i]))
        installed[str(chip)] = installed.get(str(chip), 0.0 * held) + held
    whole = summed(hourly["chips_installed"])
    idle = summed(hourly["chips_idle"])
    own = _own_charge(campus, clock, inputs)
    charge = summed(own)
    return Activity(
        yearly["year"],
        yearly["hours"].astype(float),
        summed(hourly["it_capacity_mw"]) / HOURS_PER_YEAR,
        yearly["electricity_usd"] - charge,
        charge,
        yearly["water_m3"],
        installed,
        np.divide(whole - idle, whole, out=np.zeros_like(whole), where=whole > 0),
        yearly["tokens_served"],
    )


def _own_charge(campus: Campus, clock: Clock, inputs: Inputs) -> Years:
    """Return the hourly charge on own plants that the run counts within electricity."""
    each = capital_recovery_factor(inputs["discount_rate"], inputs["facility_life_years"])
    charge = np.zeros(clock.hours)
    for source in campus.power.sources:
        if source.connection != "contracted":
            charge[clock.hour_of(source.date) :] += plant_usd(source) * each / HOURS_PER_YEAR
    return charge
