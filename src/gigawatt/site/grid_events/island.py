"""The grid is gone: UPS carry the load until generators do, and what they cannot is shed.

Generators start one after the other; each that runs takes on groups in order of priority. A group
waits on its UPS; if that empties before there is capacity for the group, it stops until there is.
Groups that no capacity will ever carry are shed at once, last priority first, so that their
batteries are saved for an orderly stop rather than drained in vain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError
from gigawatt.site.grid_events.loads import Group, priorities

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Generators", "Island", "island"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generators:
    """Generators of one kind on one bus.

    Parameters
    ----------
    units : int
        How many start.
    unit_mw : float
        Power of one [MW].
    start_s : float
        From the loss of the grid until the first can be loaded [s].
    stagger_s : float
        From one to the next [s].
    load_step : float
        Largest share of a unit's power that it takes at once.
    load_gap_s : float
        Time it needs before the next step [s].
    """

    units: int
    unit_mw: float
    start_s: float
    stagger_s: float = 0.0
    load_step: float = 1.0
    load_gap_s: float = 0.0

    def __post_init__(self) -> None:
        times = (self.start_s, self.stagger_s, self.load_gap_s, self.unit_mw)
        if self.units < 0 or min(times) < 0.0 or not 0.0 < self.load_step <= 1.0:
            message = f"generators need counts and times from 0 and a step in (0, 1]; got {self}"
            raise InputError(message)

    def capacity_mw(self, time_s: Array) -> Array:
        """Return the power that may be taken from them at each time."""
        since = time_s[:, None] - self.start_s - self.stagger_s * np.arange(self.units)
        if self.load_gap_s > 0.0:
            steps = np.floor(since / self.load_gap_s) + 1.0
        else:
            steps = np.full_like(since, np.inf)
        share = np.where(since >= 0.0, np.minimum(steps * self.load_step, 1.0), 0.0)
        capacity: Array = self.unit_mw * share.sum(axis=1)
        return capacity

    @property
    def full_mw(self) -> float:
        """Power of all."""
        return self.units * self.unit_mw


@dataclass(frozen=True, slots=True)
class Island:
    """Power by source while the grid is gone; tables (times, groups) in MW.

    ``battery + generator + unserved == load`` at every instant.

    Parameters
    ----------
    time_s : ndarray (times,)
        From the loss of the grid [s].
    battery_mw, generator_mw, unserved_mw : ndarray (times, groups)
        From UPS, from generators, and not served.
    battery_mwh : ndarray (groups,)
        Energy taken from each UPS.
    on_generator_s : ndarray (groups,)
        When each group came onto generators; infinite if never.
    lost_s : ndarray (groups,)
        When each stopped, until generators carry it or for good; infinite if never.
    """

    time_s: Array
    battery_mw: Array
    generator_mw: Array
    unserved_mw: Array
    battery_mwh: Array
    on_generator_s: Array
    lost_s: Array

    @property
    def unserved_mwh(self) -> float:
        """Energy that was not served [MWh]."""
        step = float(self.time_s[1] - self.time_s[0]) if self.time_s.size > 1 else 0.0
        return float(self.unserved_mw.sum()) * step / 3600.0


def island(
    groups: Sequence[Group], generators: Generators, *, duration_s: float, step_s: float = 0.1
) -> Island:
    """Return how UPS and generators carry a campus without the grid.

    Parameters
    ----------
    groups : sequence of Group
        Loads with their UPS; one without stops until generators carry it.
    generators : Generators
        What starts.
    duration_s, step_s : float
        How long the grid is gone, and the resolution [s].

    Returns
    -------
    Island
        Tables and the energy of each UPS.

    Raises
    ------
    InputError
        If duration or step are not positive.
    """
    steps = round(duration_s / step_s) if step_s > 0.0 else 0
    if steps < 1:
        message = f"an outage lasts longer than a step; got {duration_s} s in steps of {step_s} s"
        raise InputError(message)
    time = np.arange(steps, dtype=np.float64) * step_s
    load = np.array([group.load_mw for group in groups])
    free = generators.capacity_mw(time)
    battery, generator = np.zeros((steps, load.size)), np.zeros((steps, load.size))
    came, lost = np.full(load.size, np.inf), np.full(load.size, np.inf)
    rest = generators.full_mw
    for i in priorities(groups):
        served = rest >= load[i] * (1.0 - 1e-12)
        if served:
            rest -= load[i]
            # Free now is not enough: those before it in order may still be waiting for it.
            lasting = np.minimum.accumulate(free[::-1])[::-1]
            enough = np.flatnonzero(lasting >= load[i] * (1.0 - 1e-12))
            came[i] = time[enough[0]] if enough.size else np.inf
        # Carried from when there is capacity; the UPS until then, or until it is empty.
        on_generator = time >= came[i]
        generator[:, i] = load[i] * on_generator
        free = free - generator[:, i]
        wait = 0.0 if not served else min(came[i], duration_s)
        held = min(wait, groups[i].battery_s)
        battery[:, i] = load[i] * np.clip((held - time) / step_s, 0.0, 1.0)
        if held < wait or not served:
            lost[i] = held
    # A sample in which the battery empties as generators come is not served twice.
    battery = np.minimum(battery, load - generator)
    return Island(
        time,
        battery,
        generator,
        load - battery - generator,
        battery.sum(axis=0) * step_s / 3600.0,
        came,
        lost,
    )
