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
    from gigawatt.twin.power import Draw, Supply

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
        Low and high of the all-in capital over its value.
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
    capital_usd : ndarray (phases,)
        Capital of each phase, in the order of the campus file.
    """

    blocks: dict[str, Hours]
    by_activity: dict[tuple[str, str], Hours]
    capital_usd: Hours


def read_rates(campus: Campus, lineage: Lineage) -> Rates:
    """Return the campus's own rates, or the catalogue's where it states none."""
    book = catalog.load()
    homes = {
        "compute_usd_per_it_mw": "capital",
        "facility_usd_per_it_mw": "capital",
        "other_usd_per_it_mw_year": "operations",
        "discount_rate": "finance",
        "it_life_years": "finance",
        "facility_life_years": "finance",
    }
    value: dict[str, float] = {}
    facts, inputs = [], []
    for name, home in homes.items():
        stated = getattr(campus.finance, name)
        if stated is not None:
            value[name] = stated
            inputs.append(f"finance.{name}")
        else:
            fact = book.get("rate", home)[name]
            value[name] = fact.number
            facts.append(fact.key)
    lineage.record("rates", facts=facts, inputs=inputs)
    total = book.get("rate", "capital")["all_in_usd_per_it_mw"]
    low, high = total.span
    return Rates(
        value["compute_usd_per_it_mw"],
        value["facility_usd_per_it_mw"],
        capital_recovery_factor(value["discount_rate"], value["it_life_years"]),
        capital_recovery_factor(value["discount_rate"], value["facility_life_years"]),
        value["other_usd_per_it_mw_year"],
        (low / total.number, high / total.number),
    )


def account_money(
    campus: Campus,
    clock: Clock,
    capacity: Capacity,
    shares: dict[str, Hours],
    draw: Draw,
    supply: Supply,
    rates: Rates,
) -> Money:
    """Return what every hour costs, and the part that each activity bears.

    Capital and operation are borne by the share of the accelerators that an activity holds,
    electricity by the share of the IT power that it draws. Every dollar stands in one block and
    one activity.
    """
    hourly = 1.0 / HOURS_PER_YEAR
    electricity: Hours = np.sum(list(supply.cost_usd.values()), axis=0)
    blocks = {
        "compute capital": capacity.it_mw
        * (rates.compute_usd_per_it_mw * rates.compute_charge * hourly),
        "facility capital": capacity.it_mw
        * (rates.facility_usd_per_it_mw * rates.facility_charge * hourly),
        "electricity": electricity,
        "operations": capacity.it_mw * (rates.other_usd_per_it_mw_year * hourly),
    }
    it_total = draw.it_total_mw
    # Before the first accelerator is there, what is spent is spent idle.
    powered = {
        a: np.divide(p, it_total, out=_idle_only(a, clock.hours), where=it_total > 0)
        for a, p in draw.it_mw.items()
    }
    by_activity = {
        (block, activity): usd * (powered if block == "electricity" else shares)[activity]
        for block, usd in blocks.items()
        for activity in shares
    }
    per_mw = rates.compute_usd_per_it_mw + rates.facility_usd_per_it_mw
    capital = np.array([phase.it_mw * per_mw for phase in campus.phases], dtype=float)
    return Money(blocks, by_activity, capital)


def _idle_only(activity: str, hours: int) -> Hours:
    return np.full(hours, 1.0 if activity == "idle" else 0.0)
