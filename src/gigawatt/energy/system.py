"""What feeds a load, hour by hour: sources, storage, and load that can give way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]
    Series = float | Hours

__all__ = ["HOURS_PER_YEAR", "Source", "Storage", "System", "Throttle", "billing_months"]

HOURS_PER_YEAR: Final = 8760.0


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
    co2_most_t : float
        Limit on the emissions of all hours.
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
    clean_share: float = 0.0
    billing_period: Any = field(default=None)

    def __post_init__(self) -> None:
        problems = list(_problems(self))
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


def _problems(system: System) -> Iterable[str]:
    """Yield what is wrong with a system, in words."""
    load = np.asarray(system.load_mw)
    if load.ndim != 1 or not load.size or not np.isfinite(load).all() or load.min() < 0.0:
        yield "the load must be a series of finite MW, none negative"
        return
    names = [a.name for a in system.parts] + [t.name for t in system.throttles]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"the name '{name}' is used more than once"
    if np.isfinite(system.unserved_most_mwh) and system.unserved_usd_per_mwh is None:
        yield "unserved_most_mwh limits unserved load: state unserved_usd_per_mwh too"
    if not 0.0 <= system.clean_share <= 1.0:
        yield f"clean_share must be within [0, 1]; found {system.clean_share:g}"
    for source in system.sources:
        yield from _series_problems(system, source)
        yield from _capacity_problems(source)
        yield from _ramp_problems(system, source)
    for storage in system.storages:
        yield from _capacity_problems(storage)
        for name in ("charge_efficiency", "discharge_efficiency"):
            if not 0.0 < getattr(storage, name) <= 1.0:
                yield f"{storage.name}: {name} must be within (0, 1]"
        if storage.energy_hours <= 0.0 or not 0.0 <= storage.loss_per_hour < 1.0:
            yield f"{storage.name}: energy_hours must be positive and loss_per_hour within [0, 1)"


def _series_problems(system: System, source: Source) -> Iterable[str]:
    given = {
        name: np.asarray(getattr(source, name), dtype=float)
        for name in ("marginal_usd_per_mwh", "availability", "least_output", "co2_t_per_mwh")
    }
    for name, value in given.items():
        if value.shape not in ((), (system.hours,)):
            yield f"{source.name}: {name} must have {system.hours} hours; found {value.shape}"
            return
        if not np.isfinite(value).all():
            yield f"{source.name}: {name} must be finite in every hour"
    least, available = given["least_output"], given["availability"]
    if least.min() < 0.0 or available.max() > 1.0 or (least > available).any():
        yield f"{source.name}: 0 <= least_output <= availability <= 1 must hold in every hour"


def _ramp_problems(system: System, source: Source) -> Iterable[str]:
    """Yield where the outputs that a plant must keep lie further apart than it can ramp."""
    ramp = source.ramp_per_hour
    if ramp is None:
        return
    if ramp <= 0.0:
        yield f"{source.name}: ramp_per_hour must be positive; found {ramp:g}"
        return
    bounds = (np.asarray(source.least_output, float), np.asarray(source.availability, float))
    if any(b.shape not in ((), (system.hours,)) for b in bounds) or not bounds[0].any():
        return
    low, high = 0.0, 1.0
    pairs = zip(system.series(bounds[0]), system.series(bounds[1]), strict=True)
    for hour, (least, available) in enumerate(pairs):
        from_low, from_high = (low - ramp, high + ramp) if hour else (0.0, 1.0)
        low, high = max(least, from_low), min(available, from_high)
        if low > high + 1e-12:
            yield (
                f"{source.name}: it cannot follow its own least_output and availability: in hour "
                f"{hour} it would have to change by {low - high:.3g} of its capacity more than "
                f"ramp_per_hour, {ramp:g}"
            )
            return


def _capacity_problems(part: Source | Storage) -> Iterable[str]:
    if part.capacity_mw is not None:
        if not 0.0 <= part.capacity_mw < np.inf:
            yield f"{part.name}: capacity_mw must be finite and not negative"
    elif not 0.0 <= part.least_mw <= part.most_mw:
        yield f"{part.name}: 0 <= least_mw <= most_mw must hold"
    elif part.capital_usd_per_mw_year < 0.0 and part.most_mw == np.inf:
        yield (
            f"{part.name}: each MW is paid {-part.capital_usd_per_mw_year:g} USD a year and "
            "nothing limits it; state most_mw"
        )
