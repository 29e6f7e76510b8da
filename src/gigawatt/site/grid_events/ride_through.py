"""Voltage dips: who stays on the grid, who leaves it, and how the load comes back.

A load leaves the grid when a dip lasts longer than its tolerance at that voltage allows. With a UPS
it goes on from the battery, returns after the dip and walks in; without, it stops and restarts.
Protection that counts dips holds the load off after so many within a window until someone switches
it back: it was that count that kept 1,260 MW away from the grid on 10 July 2024 [1]_. Switched-back
groups return one after the other.

References
----------
.. [1] NERC, "Incident review: considering simultaneous voltage-sensitive load reductions",
   8 January 2025.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.site.grid_events.loads import Group, priorities

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Dip", "Reconnection", "RideThrough", "published_dips", "ride_through"]

_MOST_CELLS: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class Dip:
    """One voltage dip at the point of interconnection.

    Parameters
    ----------
    begin_s, duration_s : float
        When and how long [s].
    voltage : float
        What remains, over the nominal.
    """

    begin_s: float
    duration_s: float
    voltage: float

    def __post_init__(self) -> None:
        if self.duration_s <= 0.0 or not 0.0 <= self.voltage <= 1.0:
            message = f"a dip lasts longer than 0 s and leaves 0 to 1 of the voltage; got {self}"
            raise InputError(message)


@dataclass(frozen=True, slots=True)
class Reconnection:
    """How load that is held off the grid comes back.

    Parameters
    ----------
    after_s : float
        From the last dip until someone switches the first group back [s].
    gap_s : float
        From one group to the next, in order of priority [s].
    generator_start_s : float
        From leaving the grid until the group's own generator carries it [s].
    """

    after_s: float
    gap_s: float
    generator_start_s: float = 10.0


@dataclass(frozen=True, slots=True)
class RideThrough:
    """Where the power of every group comes from; each table (times, groups) in MW.

    ``grid + battery + generator + lost == load`` at every instant.

    Parameters
    ----------
    time_s : ndarray (times,)
        Instants [s].
    grid_mw, battery_mw, generator_mw, lost_mw : ndarray (times, groups)
        From the grid, from UPS, from generators of groups held off, and not served.
    left_at_dip : ndarray (groups,)
        Which dip (from 1) made the group leave for good or stop; 0 for none.
    battery_mwh : ndarray (groups,)
        Energy taken from each UPS.
    """

    time_s: Array
    grid_mw: Array
    battery_mw: Array
    generator_mw: Array
    lost_mw: Array
    left_at_dip: np.ndarray[Any, np.dtype[np.int64]]
    battery_mwh: Array

    @property
    def off_grid_mw(self) -> Array:
        """Load that the grid does not see, at every instant (times,)."""
        away: Array = (self.battery_mw + self.generator_mw + self.lost_mw).sum(axis=1)
        return away


def published_dips(event: str) -> list[Dip]:
    """Return the dips of a published event (kind ``grid_event``), evenly over its span."""
    entry = catalog.load().get("grid_event", event)
    count = int(entry.number("dips"))
    begins = np.linspace(0.0, entry.number("span_s"), count)
    return [Dip(float(t), entry.number("dip_s"), entry.number("dip_voltage")) for t in begins]


def ride_through(
    dips: Sequence[Dip],
    groups: Sequence[Group],
    reconnection: Reconnection,
    *,
    duration_s: float,
    step_s: float = 0.1,
) -> RideThrough:
    """Return where the power of every group comes from while the voltage dips.

    Parameters
    ----------
    dips : sequence of Dip
        In order of time, without overlap.
    groups : sequence of Group
        Loads.
    reconnection : Reconnection
        How those that are held off come back.
    duration_s, step_s : float
        Length and resolution of the answer [s]. A dip shorter than a step shows in what it causes.

    Returns
    -------
    RideThrough
        With 0 at the start of the first dip's clock.

    Raises
    ------
    InputError
        If dips overlap, or the tables would not fit into memory.
    """
    ends = [dip.begin_s + dip.duration_s for dip in dips]
    # A nanosecond is left to rounding.
    if any(later.begin_s < end - 1e-9 for end, later in zip(ends, dips[1:], strict=False)):
        message = "dips must be in order of time and not overlap"
        raise InputError(message)
    steps = round(duration_s / step_s)
    if steps < 1 or steps * len(groups) > _MOST_CELLS:
        message = f"{steps:,} instants of {len(groups)} groups: choose another length or step"
        raise InputError(message)
    time = np.arange(steps, dtype=np.float64) * step_s
    tables = np.zeros((4, steps, len(groups)))
    left = np.zeros(len(groups), dtype=np.int64)
    histories = [_history(dips, group) for group in groups]
    held = [i for i in priorities(groups) if histories[i].held_from is not None]
    last = ends[-1] if ends else 0.0
    for i, (group, history) in enumerate(zip(groups, histories, strict=True)):
        on_grid = np.ones(steps)
        for begin, back, ramp in history.absences:
            on_grid = np.minimum(on_grid, _absent(time, begin, back, ramp))
        own = np.zeros(steps)
        if history.held_from is not None:
            back = last + reconnection.after_s + held.index(i) * reconnection.gap_s
            back = max(back, history.held_from)
            on_grid = np.minimum(on_grid, _absent(time, history.held_from, back, group.walk_in_s))
            started = history.held_from + reconnection.generator_start_s
            own = ((time >= started) & (time >= history.held_from)).astype(np.float64)
        left[i] = history.left_at
        away = 1.0 - on_grid
        if group.battery_mwh > 0.0:
            tables[:, :, i] = _backed(group, on_grid, away, own, step_s)
        else:
            tables[0, :, i] = group.load_mw * on_grid
            tables[3, :, i] = group.load_mw * away
    energy = tables[1].sum(axis=0) * step_s / 3600.0
    return RideThrough(time, tables[0], tables[1], tables[2], tables[3], left, energy)


@dataclass(frozen=True, slots=True)
class _History:
    """When a group is away: (begin, back, ramp), and from when it is held off."""

    absences: tuple[tuple[float, float, float], ...]
    held_from: float | None
    left_at: int


def _history(dips: Sequence[Dip], group: Group) -> _History:
    absences: list[tuple[float, float, float]] = []
    counted: list[float] = []
    left_at = 0
    for number, dip in enumerate(dips, 1):
        allowed = group.tolerance.allowed_s(dip.voltage)
        if dip.duration_s <= allowed:
            continue
        end = dip.begin_s + dip.duration_s
        # A UPS leaves at once, for nothing is lost by it; a load without one lasts a while.
        begin = dip.begin_s if group.battery_mwh > 0.0 else dip.begin_s + allowed
        counted = [t for t in counted if dip.begin_s - t <= group.count_window_s] + [dip.begin_s]
        if group.count_limit and len(counted) >= group.count_limit:
            return _History(tuple(absences), begin, number)
        if group.battery_mwh > 0.0:
            absences.append((begin, end + group.return_s, group.walk_in_s))
        else:
            left_at = left_at or number
            absences.append((begin, end + max(group.restart_s, group.return_s), group.walk_in_s))
    return _History(tuple(absences), None, left_at)


def _absent(time: Array, begin: float, back: float, ramp: float) -> Array:
    """Return the share of a load on the grid that leaves at `begin` and walks in from `back`."""
    # A ramp shorter than a microsecond is a step; its reciprocal would only overflow.
    returned = (time - back) / ramp if ramp > 1e-6 else np.where(time >= back, 1.0, 0.0)
    share: Array = np.where(time < begin, 1.0, np.clip(returned, 0.0, 1.0))
    return share


def _backed(group: Group, on_grid: Array, away: Array, own: Array, step_s: float) -> Array:
    """Return grid, battery, generator and lost power of a group with a UPS."""
    generator = away * own
    wanted = away - generator
    # The battery gives until it is empty; nobody recharges it within an event.
    given = np.cumsum(wanted) * step_s
    battery = np.where(given <= group.battery_s * (1.0 + 1e-12), wanted, 0.0)
    lost = wanted - battery
    return group.load_mw * np.stack([on_grid, battery, generator, lost])
