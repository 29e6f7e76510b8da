"""Capital, its yearly charge, and who uses what it buys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.programme.finance import capital_recovery_factor
from gigawatt.twin.clock import HOURS_PER_YEAR

if TYPE_CHECKING:
    from gigawatt.spec import Campus
    from gigawatt.twin.capacity import Capacity
    from gigawatt.twin.clock import Clock
    from gigawatt.twin.lineage import Lineage
    from gigawatt.twin.schedule import Schedule
    from gigawatt.twin.supply import Supply

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["BLOCKS", "Money", "Rates", "account_money", "read_rates"]

BLOCKS = ("compute capital", "facility capital", "electricity", "operations")
"""What the yearly cost is made of."""


@dataclass(frozen=True)
class Rates:
    """What capital and operation cost.

    Parameters
    ----------
    compute_usd_per_it_mw, facility_usd_per_it_mw : float
        Capital.
    compute_charge, facility_charge : float
        Yearly charge per unit of capital.
    other_usd_per_it_mw_year : float
        Operation other than energy.
    capital_band : tuple of float
        Low and high of the all-in capital over its value; 1 and 1 where the user states it.
    """

    compute_usd_per_it_mw: float
    facility_usd_per_it_mw: float
    compute_charge: float
    facility_charge: float
    other_usd_per_it_mw_year: float
    capital_band: tuple[float, float]


@dataclass(frozen=True)
class Money:
    """Cost of every hour by block, and the part of each activity.

    Parameters
    ----------
    blocks : dict of str to ndarray (hours,)
        USD in each hour, by block.
    by_activity : dict of (str, str) to ndarray (hours,)
        USD in each hour, by block and activity; sums to `blocks`.
    capital_usd : dict of str to float
        Capital of each phase, by name.
    """

    blocks: dict[str, Hours]
    by_activity: dict[tuple[str, str], Hours]
    capital_usd: dict[str, float]


def read_rates(campus: Campus, lineage: Lineage) -> Rates:
    """Return the campus's own rates, or the catalogue's where it states none."""
    book = catalog.load()
    tables = {
        "compute_usd_per_it_mw": "capital",
        "facility_usd_per_it_mw": "capital",
        "other_usd_per_it_mw_year": "operations",
        "discount_rate": "finance",
        "it_life_years": "finance",
        "facility_life_years": "finance",
    }
    value: dict[str, float] = {}
    for name, table in tables.items():
        stated = getattr(campus.finance, name)
        fact = book.get("rate", table)[name]
        value[name] = fact.number if stated is None else stated
        lineage.record(
            "capital_rates" if table == "capital" else "charges",
            facts=[fact.key] if stated is None else [],
            inputs=[] if stated is None else [f"finance.{name}"],
        )
    return Rates(
        value["compute_usd_per_it_mw"],
        value["facility_usd_per_it_mw"],
        capital_recovery_factor(value["discount_rate"], value["it_life_years"]),
        capital_recovery_factor(value["discount_rate"], value["facility_life_years"]),
        value["other_usd_per_it_mw_year"],
        _capital_band(campus, lineage),
    )


def _capital_band(campus: Campus, lineage: Lineage) -> tuple[float, float]:
    finance = campus.finance
    if finance.compute_usd_per_it_mw is not None or finance.facility_usd_per_it_mw is not None:
        return 1.0, 1.0
    total = catalog.load().get("rate", "capital")["all_in_usd_per_it_mw"]
    lineage.record("capital_rates", facts=[total.key])
    low, high = total.span
    return low / total.number, high / total.number


def account_money(
    clock: Clock, capacity: Capacity, schedule: Schedule, supply: Supply, rates: Rates
) -> Money:
    """Return what every hour costs, and the part that each activity bears.

    Computers cost by the rated power of the accelerators that are there, the facility by the IT
    power that it was built for. Capital and operation are borne by the share of the accelerators
    that an activity holds, electricity by the share of the IT power that it draws. Every dollar
    stands in one block and one activity.
    """
    hourly = 1.0 / HOURS_PER_YEAR
    compute, facility = rates.compute_usd_per_it_mw, rates.facility_usd_per_it_mw
    electricity: Hours = np.sum(list(supply.cost_usd.values()), axis=0)
    blocks = {
        "compute capital": capacity.rated_mw * (compute * rates.compute_charge * hourly),
        "facility capital": capacity.it_mw * (facility * rates.facility_charge * hourly),
        "electricity": electricity,
        "operations": capacity.it_mw * (rates.other_usd_per_it_mw_year * hourly),
    }
    it_total: Hours = np.sum(list(schedule.it_mw.values()), axis=0)
    # Before the first accelerator is there, what is spent is spent idle.
    powered = {
        a: np.divide(p, it_total, out=_idle_only(a, clock.hours), where=it_total > 0)
        for a, p in schedule.it_mw.items()
    }
    by_activity = {
        (block, activity): usd * (powered if block == "electricity" else schedule.shares)[activity]
        for block, usd in blocks.items()
        for activity in schedule.shares
    }
    capital: dict[str, float] = {}
    for lot in capacity.lots:
        shell = 0.0 if lot.phase.name in capital else lot.phase.it_mw * facility
        capital[lot.phase.name] = capital.get(lot.phase.name, 0.0) + shell + lot.rated_mw * compute
    return Money(blocks, by_activity, capital)


def _idle_only(activity: str, hours: int) -> Hours:
    return np.full(hours, 1.0 if activity == "idle" else 0.0)
