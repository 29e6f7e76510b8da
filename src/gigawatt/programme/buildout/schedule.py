"""Many build-outs of a network at once: when each task is done, and what it waited for.

Tasks are taken in the order of the network. A task begins once all that it waits for is done, its
earliest day has come and, where it uses shared means, these are free. Means serve tasks strictly in
the order of the network, without overtaking, so that more crews are never later: the days on which
crews become free form a Kiefer–Wolfowitz vector, which falls with every crew added (Kiefer and
Wolfowitz, On the theory of queues with many servers, Trans. Amer. Math. Soc. 78 (1955)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError
from gigawatt.programme.buildout.durations import DAYS_PER_MONTH

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from gigawatt.programme.buildout.network import Network, Task
    from gigawatt.spec.buildout import Means

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Places = np.ndarray[Any, np.dtype[np.int32]]

__all__ = ["Draws", "Schedule", "critical_tasks", "draw_durations", "run_schedule"]

_NOTHING: Final = -1


@dataclass(frozen=True, slots=True)
class Draws:
    """How long each task takes in each build-out.

    Parameters
    ----------
    days : ndarray (tasks, samples)
        Lead times, in days.
    pace : ndarray (samples,)
        Pace of the campus's building sites: 2 takes twice as long as usual. Already in `days`.
    """

    days: Array
    pace: Array


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each task begins and is done in each build-out, in days from the day known.

    Parameters
    ----------
    begin, end : ndarray (tasks, samples)
        Days from `as_of`; below 0 is the past.
    waited_for : ndarray of int (tasks, samples)
        Task that decided on the beginning, -1 for none: what it waits for, or what had the means.
    """

    begin: Array
    end: Array
    waited_for: Places

    def phase_days(self, network: Network) -> Array:
        """Return when each phase of the network is there (phases, samples), in days."""
        return np.array([self.end[list(ends)].max(axis=0) for ends in network.last.values()])


def draw_durations(
    network: Network, as_of: dt.date, samples: int, random: np.random.Generator, spread: float
) -> Draws:
    """Return draws of every task's lead time.

    A task that was begun and is not done takes at least as long as it has taken so far.

    Parameters
    ----------
    network : Network
        The tasks.
    as_of : date
        The day known.
    samples : int
        Build-outs.
    random : Generator
        Source of chance.
    spread : float
        Standard deviation of the logarithm of the pace that the building sites of a campus share.
    """
    pace = np.exp(spread * random.standard_normal(samples))
    days = np.empty((len(network.tasks), samples))
    for i, task in enumerate(network.tasks):
        z, factor = random.standard_normal(samples), pace if task.paced else 1.0
        if task.begun is not None and task.done is None:
            elapsed = np.full(samples, max((as_of - task.begun).days, 0), dtype=float)
            days[i] = task.lead.beyond(z, elapsed / factor) * factor
        else:
            days[i] = task.lead.at(z) * factor
    return Draws(days, pace)


def run_schedule(network: Network, days: Array, start: dt.date, as_of: dt.date) -> Schedule:
    """Return when every task of every build-out begins and is done.

    Parameters
    ----------
    network : Network
        The tasks, in an order in which each comes after those it waits for.
    days : ndarray (tasks, samples)
        Lead times, in days.
    start : date
        First day of work.
    as_of : date
        The day known, from which days are counted: nothing begins before it but what was begun.

    Raises
    ------
    InputError
        If a task was done after `as_of`, or begun after it.
    """
    begin, end = np.empty_like(days), np.empty_like(days)
    waited = np.full(days.shape, _NOTHING, dtype=np.int32)
    means = _Shared(network.means, days.shape[1])
    for i, task in enumerate(network.tasks):
        known = _known(task, as_of)
        if known is not None:
            begin[i] = known
            end[i] = (task.done - as_of).days if task.done else np.maximum(known + days[i], 0.0)
            means.serve(i, task, begin[i], days[i], end[i])
            continue
        ready = np.full(days.shape[1], float(_earliest(task, start, as_of)))
        for earlier in task.after:
            later = end[earlier] > ready
            np.copyto(ready, end[earlier], where=later)
            waited[i, later] = earlier
        begin[i], end[i], blocked = means.take(i, task, ready, days[i])
        held = blocked != _NOTHING
        waited[i, held] = blocked[held]
    return Schedule(begin, end, waited)


def _known(task: Task, as_of: dt.date) -> int | None:
    """Return the day on which a task was begun, counted from `as_of`; None if it was not."""
    for day, what in ((task.done, "done"), (task.begun, "begun")):
        if day is not None and day > as_of:
            message = (
                f"buildout.tasks: expected '{task.label}' to be {what} by {as_of}, the day known; "
                f"found {day} (use not_before for a plan)"
            )
            raise InputError(message)
    first = task.begun or task.done
    return None if first is None else (first - as_of).days


def _earliest(task: Task, start: dt.date, as_of: dt.date) -> int:
    first = max(start, task.not_before) if task.not_before else start
    return max((first - as_of).days, 0)


class _Shared:
    """Shared means of one run: when each crew is free, and who had it last."""

    def __init__(self, means: Mapping[str, Means], samples: int) -> None:
        self._means = means
        self._samples = samples
        self._free: dict[str, Array] = {}
        self._owner: dict[str, Places] = {}

    def take(
        self, place: int, task: Task, ready: Array, days: Array
    ) -> tuple[Array, Array, Places]:
        """Return when a task begins and ends, and which task kept it waiting, -1 for none."""
        found = self._slots(task)
        if found is None:
            return ready, ready + days, np.full(self._samples, _NOTHING, dtype=np.int32)
        free, owner, rate_days = found
        each = np.arange(self._samples)
        crew = free.argmin(axis=0)
        at, who = free[crew, each], owner[crew, each]
        if rate_days is None:
            begin = np.maximum(ready, at)
            end = begin + days
            held = at > ready
        else:  # deliveries follow one another, and none comes before its lead time
            begin = ready
            end = np.maximum(ready + days, at + rate_days)
            held = at + rate_days > ready + days
        free[crew, each], owner[crew, each] = end, place
        return begin, end, np.where(held, who, _NOTHING).astype(np.int32)

    def serve(self, place: int, task: Task, begin: Array, days: Array, end: Array) -> None:
        """Note that a task which was begun already holds its means until it ends."""
        del begin, days
        found = self._slots(task)
        if found is not None:
            free, owner, _ = found
            each = np.arange(self._samples)
            crew = free.argmin(axis=0)
            free[crew, each], owner[crew, each] = np.maximum(free[crew, each], end), place

    def _slots(self, task: Task) -> tuple[Array, Places, float | None] | None:
        means = self._means.get(task.uses)
        if means is None:
            return None
        count = means.count or 1
        if task.uses not in self._free:
            self._free[task.uses] = np.full((count, self._samples), -np.inf)
            self._owner[task.uses] = np.full((count, self._samples), _NOTHING, dtype=np.int32)
        rate = means.it_mw_per_month
        rate_days = None if rate is None else task.it_mw / rate * DAYS_PER_MONTH
        return self._free[task.uses], self._owner[task.uses], rate_days


def critical_tasks(
    schedule: Schedule, ends: Sequence[tuple[int, ...]]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which tasks lie on the path that decided on the last of `ends`.

    Parameters
    ----------
    schedule : Schedule
        The build-outs.
    ends : sequence of tuple of int
        For each build-out, the tasks that must be done; the latest of them is where the path ends.

    Returns
    -------
    ndarray of bool (tasks, samples)
        Whether the task is on the path in each build-out.
    """
    tasks, samples = schedule.end.shape
    critical = np.zeros((tasks, samples), dtype=bool)
    for group in set(ends):
        mine = np.array([one == group for one in ends])
        latest = np.array(group)[schedule.end[list(group)].argmax(axis=0)]
        critical[latest[mine], np.flatnonzero(mine)] = True
    for i in range(tasks - 1, -1, -1):
        on = critical[i] & (schedule.waited_for[i] != _NOTHING)
        critical[schedule.waited_for[i, on], np.flatnonzero(on)] = True
    return critical
