"""Everything a campus comes to, hour by hour, before it is put into tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gigawatt.spec import Campus
    from gigawatt.twin.capacity import Capacity
    from gigawatt.twin.clock import Clock
    from gigawatt.twin.hour import Limits
    from gigawatt.twin.lineage import Lineage
    from gigawatt.twin.money import Money, Rates
    from gigawatt.twin.plant import Plant
    from gigawatt.twin.schedule import Schedule
    from gigawatt.twin.speeds import Speeds
    from gigawatt.twin.supply import Supply

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["State"]


@dataclass(frozen=True)
class State:
    """Everything a campus comes to, hour by hour, before it is put into tables.

    `slow` and `fast` are the schedules at the low and high end of every speed's band.
    """

    campus: Campus
    clock: Clock
    capacity: Capacity
    speeds: Speeds
    plant: Plant
    drawn: dict[str, tuple[float, float, float]]
    limits: Limits
    schedule: Schedule
    slow: Schedule
    fast: Schedule
    facility_mw: Hours
    supply: Supply
    rates: Rates
    money: Money
    lineage: Lineage
    seed: int

    @property
    def it_mw(self) -> Hours:
        """IT power of all activities."""
        total: Hours = np.sum(list(self.schedule.it_mw.values()), axis=0)
        return total
