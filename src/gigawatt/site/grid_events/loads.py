"""The loads of a campus as the grid's events see them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Group", "Tolerance", "priorities", "shortfalls", "tolerance"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How long a load stays on the grid at which voltage.

    Parameters
    ----------
    name : str
        Whose curve it is.
    voltage : tuple of float
        Lower ends of ranges of the remaining voltage over the nominal, rising from 0.
    duration_s : tuple of float
        Longest dip of each range that is ridden through, rising [s].
    """

    name: str
    voltage: tuple[float, ...]
    duration_s: tuple[float, ...]

    def __post_init__(self) -> None:
        lows, times = list(self.voltage), list(self.duration_s)
        if (
            len(lows) != len(times)
            or lows[:1] != [0.0]
            or lows != sorted(set(lows))
            or times != sorted(times)
            or times[0] < 0.0
        ):
            message = (
                f"tolerance '{self.name}': voltages must rise from 0, and so must the durations; "
                f"got {lows} and {times}"
            )
            raise InputError(message)

    def allowed_s(self, voltage: float) -> float:
        """Return the longest dip to this voltage that is ridden through [s]."""
        place = int(np.searchsorted(self.voltage, voltage, side="right")) - 1
        return self.duration_s[max(place, 0)]


def tolerance(name: str) -> Tolerance:
    """Return a curve of the catalogue (kind ``ride_through``): ``itic``, ``semi-f47``, ...

    Raises
    ------
    UnknownNameError
        If there is no such curve.
    """
    book = catalog.load()
    points = book.where("ride_through", curve=name)
    if not points:
        known = {entry.text("curve") for entry in book.entries("ride_through")}
        raise UnknownNameError(kind="ride_through", name=name, known=known)
    ordered = sorted(points, key=lambda point: point.number("voltage"))
    return Tolerance(
        name,
        tuple(point.number("voltage") for point in ordered),
        tuple(point.number("duration_s") for point in ordered),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Load that acts as one: a hall, a room of UPS, the cooling plant.

    Parameters
    ----------
    name : str
        What to call it.
    load_mw : float
        Its power [MW].
    tolerance : Tolerance
        How long it stays on the grid in a dip.
    battery_mwh : float
        Energy of its UPS; 0 has none, and then it stops when it leaves the grid.
    return_s : float
        From the end of a dip until it takes power from the grid again.
    walk_in_s : float
        Over which it then returns in full.
    restart_s : float
        What a load without UPS needs to work again after it stopped, `return_s` included.
    count_limit : int
        Dips within `count_window_s` after which its protection stays off the grid until someone
        switches it back; 0 never does.
    count_window_s : float
        Window of the count [s].
    priority : int
        Order of care: 0 is the first to get power back and the last to lose it.
    """

    name: str
    load_mw: float
    tolerance: Tolerance
    battery_mwh: float = 0.0
    return_s: float = 0.0
    walk_in_s: float = 0.0
    restart_s: float = 0.0
    count_limit: int = 0
    count_window_s: float = 60.0
    priority: int = 0

    def __post_init__(self) -> None:
        values = (
            self.load_mw, self.battery_mwh, self.return_s, self.walk_in_s, self.restart_s,
            self.count_window_s, self.count_limit,
        )  # fmt: skip
        if min(values) < 0.0 or not all(math.isfinite(value) for value in values):
            message = f"group '{self.name}': no power, energy, time or count may be negative"
            raise InputError(message)

    @property
    def battery_s(self) -> float:
        """Time for which the UPS carries the whole load [s]."""
        return self.battery_mwh / self.load_mw * 3600.0 if self.load_mw > 0.0 else math.inf


def priorities(groups: Sequence[Group]) -> list[int]:
    """Return the places of groups in order of care, the first to get power first."""
    return sorted(range(len(groups)), key=lambda i: (groups[i].priority, i))


def shortfalls(equipment: Tolerance, required: Tolerance) -> list[tuple[float, float, float]]:
    """Return where equipment leaves the grid before a rule allows it.

    Parameters
    ----------
    equipment, required : Tolerance
        What the load does, and what the grid asks for.

    Returns
    -------
    list of tuple
        Lower end of a range of voltage, seconds that the load stays, seconds that it must stay;
        empty where the rule is kept.

    Examples
    --------
    >>> shortfalls(tolerance("itic"), tolerance("ercot-nogrr-282"))
    [(0.0, 0.02, 0.15), (0.2, 0.02, 0.25), (0.5, 0.02, 0.5)]
    """
    lows = sorted({*equipment.voltage, *required.voltage})
    pairs = [(low, equipment.allowed_s(low), required.allowed_s(low)) for low in lows]
    return [pair for pair in pairs if pair[1] < pair[2]]
