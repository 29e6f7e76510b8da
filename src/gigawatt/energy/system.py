"""What feeds a load, hour by hour: sources, storage, and load that can give way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]
    Series = float | Hours

__all__ = ["HOURS_PER_YEAR", "Source", "Storage", "System", "Throttle", "billing_months"]

HOURS_PER_YEAR: Final = 8760.0
_KG_PER_T: Final = 1000.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """A plant, a contract or a grid connection.

    Parameters
    ----------
    name : str
        Its name.
    marginal_usd_per_mwh : float or ndarray (hours,)
        Cost of a MWh, without the price of CO2. Negative where energy is paid to be taken.
    capacity_mw : float, optional
        Its capacity; None where it is to be planned.
    availability : float or ndarray (hours,)
        Part of the capacity that it can give, within [0, 1].
    least_output : float or ndarray (hours,)
        Part of the capacity that it must give, at most the availability.
    ramp_per_hour : float, optional
        Part of the capacity by which its output may change from one hour to the next.
    co2_t_per_mwh : float or ndarray (hours,)
        Emissions of a MWh.
    fuel : str
        What it runs on; emissions are summed by it.
    capital_usd_per_mw_year : float
        Yearly cost of a MW.
    least_mw, most_mw : float
        Limits of a planned capacity.
    demand_usd_per_mw : float
        Charge on the highest output of each billing period.
    least_demand_mw : float
        Demand that each billing period is charged for at least: the minimum of a contract, such as
        85 % of the contracted power.
    least_energy_mwh : float
        Energy that must be taken over all hours: a minimum take.
    shortfall_usd_per_mwh : float, optional
        What a MWh of it not taken costs; None where it must be taken.
    firm_share : float
        Part of the capacity that counts towards a firm-capacity requirement.
    exit_usd_per_mw : float
        Fee for each MW of the contracted `most_mw` that is given up: an exit fee.
    upstream_co2_t_per_mwh : float
        Emissions of a MWh elsewhere, from making the plant and its fuel: lifecycle less `co2`.
    water_m3_per_mwh, nox_kg_per_mwh : float or ndarray (hours,)
        Water lost and nitrogen oxides emitted for a MWh.
    heat_mmbtu_per_mwh : float
        Fuel burnt for a MWh at full load, by the higher heating value.
    fuel_usd_per_mwh : float or ndarray (hours,)
        Part of `marginal_usd_per_mwh` that pays for fuel at full load; it grows at part load.
    units : int
        Equal units that `dispatch(commitment=True)` switches on and off; 0 for none.
    least_load : float
        Part of its capacity that a running unit gives at least.
    part_load : tuple of (float, float)
        Load of a unit over its capacity, and heat burnt for a MWh over that at full load, by rising
        load up to (1, 1).
    least_up_h, least_down_h : int
        Hours that a unit stays on once started, and off once stopped.
    start_usd_per_mw, start_mmbtu_per_mw, start_co2_t_per_mw : float
        Cost of a start, fuel included, its fuel and emissions, for each MW of the unit.
    """

    name: str
    marginal_usd_per_mwh: Series
    capacity_mw: float | None = None
    availability: Series = 1.0
    least_output: Series = 0.0
    ramp_per_hour: float | None = None
    co2_t_per_mwh: Series = 0.0
    fuel: str = ""
    capital_usd_per_mw_year: float = 0.0
    least_mw: float = 0.0
    most_mw: float = np.inf
    demand_usd_per_mw: float = 0.0
    least_demand_mw: float = 0.0
    least_energy_mwh: float = 0.0
    shortfall_usd_per_mwh: float | None = None
    firm_share: float = 1.0
    exit_usd_per_mw: float = 0.0
    upstream_co2_t_per_mwh: float = 0.0
    water_m3_per_mwh: Series = 0.0
    nox_kg_per_mwh: Series = 0.0
    heat_mmbtu_per_mwh: float = 0.0
    fuel_usd_per_mwh: Series = 0.0
    units: int = 0
    least_load: float = 0.0
    part_load: tuple[tuple[float, float], ...] = ()
    least_up_h: int = 1
    least_down_h: int = 1
    start_usd_per_mw: float = 0.0
    start_mmbtu_per_mw: float = 0.0
    start_co2_t_per_mw: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Storage:
    """A battery; or jobs that can run earlier or later, a store without losses.

    Parameters
    ----------
    name : str
        Its name.
    energy_hours : float
        Energy it holds over its power.
    capacity_mw : float, optional
        Power at which it charges and discharges; None where it is to be planned.
    charge_efficiency, discharge_efficiency : float
        Within (0, 1].
    loss_per_hour : float
        Part of the stored energy lost in an hour.
    discharge_usd_per_mwh : float
        Cost of a MWh given: wear.
    capital_usd_per_mw_year, least_mw, most_mw, firm_share : float
        As of a source.
    """

    name: str
    energy_hours: float
    capacity_mw: float | None = None
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    loss_per_hour: float = 0.0
    discharge_usd_per_mwh: float = 0.0
    capital_usd_per_mw_year: float = 0.0
    least_mw: float = 0.0
    most_mw: float = np.inf
    firm_share: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Throttle:
    """Load that gives way at a price, such as training that is slowed down.

    Parameters
    ----------
    name : str
        Its name.
    most_mw : float or ndarray (hours,)
        How much of the load it can take off.
    usd_per_mwh : float or ndarray (hours,)
        What a MWh not drawn costs: the worth of the tokens lost.
    """

    name: str
    most_mw: Series
    usd_per_mwh: Series


@dataclass(frozen=True, kw_only=True, eq=False)
class System:
    """A load and all that can feed it.

    Parameters
    ----------
    load_mw : ndarray (hours,)
        Power at the meter.
    sources, storages, throttles : tuple
        What feeds it; storage ends with what it began with.
    unserved_usd_per_mwh : float, optional
        What a MWh not served costs; None where all of the load must be served.
    unserved_most_mw : float
        How much may go unserved in an hour.
    unserved_most_mwh : float
        How much energy may go unserved over all hours: a reliability target, over as many weather
        years as the hours hold.
    co2_usd_per_t : float
        Price of emissions, on top of the marginal costs.
    co2_most_t, water_most_m3, nox_most_t : float
        Limits on emissions, water and nitrogen oxides of all hours: caps and permits.
    clean_share : float
        Part of the load's energy that must come from sources without emissions, hour by hour: as
        nothing is sold, this limits what the others give.
    billing_period : ndarray of int (hours,), optional
        Period of each hour for demand charges, from 0; one period where it is not stated.

    Raises
    ------
    InputError
        With every mistake found.
    """

    load_mw: Hours
    sources: tuple[Source, ...]
    storages: tuple[Storage, ...] = ()
    throttles: tuple[Throttle, ...] = ()
    unserved_usd_per_mwh: float | None = None
    unserved_most_mw: float = np.inf
    unserved_most_mwh: float = np.inf
    co2_usd_per_t: float = 0.0
    co2_most_t: float = np.inf
    water_most_m3: float = np.inf
    nox_most_t: float = np.inf
    clean_share: float = 0.0
    billing_period: Any = field(default=None)

    def __post_init__(self) -> None:
        from gigawatt.energy._checks import problems_of  # noqa: PLC0415  it takes these classes

        problems = list(problems_of(self))
        if problems:
            raise InputError("\n".join(problems))

    @property
    def hours(self) -> int:
        """Number of hours."""
        return len(self.load_mw)

    @property
    def periods(self) -> Any:  # noqa: ANN401  an array of indices
        """Billing period of each hour."""
        if self.billing_period is None:
            return np.zeros(self.hours, dtype=np.int64)
        return np.asarray(self.billing_period, dtype=np.int64)

    def series(self, value: Series) -> Hours:
        """Return a number or an hourly series as an hourly series."""
        return np.broadcast_to(np.asarray(value, dtype=float), (self.hours,))

    def cost_of(self, source: Source) -> Hours:
        """Return the cost of a MWh of a source with its emissions, USD/MWh by hour."""
        emitted = self.co2_usd_per_t * self.series(source.co2_t_per_mwh)
        return self.series(source.marginal_usd_per_mwh) + emitted

    @property
    def caps(self) -> tuple[tuple[str, float, dict[str, Hours]], ...]:
        """Limits over all hours: kind, most (t, m3, t), and what a MWh of each source adds."""
        return (
            (
                "co2",
                self.co2_most_t,
                {s.name: self.series(s.co2_t_per_mwh) for s in self.sources},
            ),
            (
                "water",
                self.water_most_m3,
                {s.name: self.series(s.water_m3_per_mwh) for s in self.sources},
            ),
            (
                "nox",
                self.nox_most_t,
                {s.name: self.series(s.nox_kg_per_mwh) / _KG_PER_T for s in self.sources},
            ),
        )

    @property
    def planned(self) -> tuple[Source | Storage, ...]:
        """Sources and storages whose capacity is to be planned."""
        return tuple(a for a in self.parts if a.capacity_mw is None)

    @property
    def parts(self) -> tuple[Source | Storage, ...]:
        """Sources and storages."""
        return (*self.sources, *self.storages)


def billing_months(start: str, hours: int) -> Indices:
    """Return the calendar month of each hour, counted from the first: billing periods.

    Parameters
    ----------
    start : str
        First hour, ISO 8601, in the local time of the bill.
    hours : int
        Number of hours.

    Examples
    --------
    >>> billing_months("2027-01-31T22:00", 4).tolist()
    [0, 0, 1, 1]
    """
    times = np.datetime64(start, "h") + np.arange(hours)
    months = times.astype("datetime64[M]").astype(np.int64)
    counted: Indices = months - months[0]
    return counted
