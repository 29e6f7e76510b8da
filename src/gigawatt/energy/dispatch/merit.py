"""The order of merit, hour by hour and for any number of cases at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from gigawatt.energy.system import System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Merit", "fill", "order_of_merit"]


@dataclass(frozen=True)
class Merit:
    """Dispatch in order of merit, for any number of cases.

    Parameters
    ----------
    output_mw : ndarray (N, ..., T)
        By source, throttle and unserved load, in the order of `names`.
    names : tuple of str
        What they are.
    cost_usd : ndarray (...)
        Running cost of each case.
    """

    output_mw: Array
    names: tuple[str, ...]
    cost_usd: Array


def fill(need: Array, room: Array, cost: Array) -> tuple[Array, Array]:
    """Return how a need is met by the cheapest room first, and what is left of it.

    Exact where hours are not coupled.

    Parameters
    ----------
    need : ndarray (..., T)
        What is needed in each hour; what is negative counts as nothing.
    room : ndarray (N, ..., T)
        What each of N sources can give.
    cost : ndarray (N, ..., T)
        What a unit of each costs.

    Returns
    -------
    given : ndarray (N, ..., T)
        What each source gives.
    left : ndarray (..., T)
        The need that no room was found for.

    Examples
    --------
    >>> given, left = fill(np.array([5.0]), np.array([[4.0], [3.0]]), np.array([[2.0], [1.0]]))
    >>> given.ravel().tolist(), left.tolist()
    ([2.0, 3.0], [0.0])
    """
    want = np.maximum(need, 0.0)
    order = np.argsort(cost, axis=0, kind="stable")
    ordered = np.take_along_axis(np.broadcast_to(room, cost.shape), order, axis=0)
    before = np.cumsum(ordered, axis=0) - ordered
    part = np.clip(want - before, 0.0, ordered)
    given = np.empty_like(part)
    np.put_along_axis(given, order, part, axis=0)
    left: Array = np.maximum(want - given.sum(axis=0), 0.0)
    return given, left


def order_of_merit(system: System, load_mw: Array | None = None) -> Merit:
    """Return a quick dispatch without ties between hours, for many loads at once.

    Storage stands still and ramps are not looked at. Without either it is exact; a ramp makes it
    too cheap, storage too dear, most where power is scarce: on the energy oracle its running cost
    is 2.2 % above the exact one, 0.6 % with a tenth less load and 11 % with 6 % more. Hold your own
    system against `dispatch` before you use it in a study.

    Parameters
    ----------
    system : System
        With all capacities stated.
    load_mw : ndarray (..., T), optional
        Loads in place of that of the system: scenarios along the first axes.

    Raises
    ------
    InputError
        If a capacity is missing or unserved load has no price.
    NotModelledError
        If a term couples the hours: a demand charge, a minimum take, a limit on energy.
    """
    if system.planned or system.unserved_usd_per_mwh is None:
        message = "an order of merit needs every capacity and unserved_usd_per_mwh"
        raise InputError(message)
    coupled = [s.name for s in system.sources if s.demand_usd_per_mw or s.least_energy_mwh]
    limits = (*(most for _, most, _ in system.caps), system.unserved_most_mwh)
    if coupled or np.isfinite(limits).any() or system.clean_share:
        message = (
            "demand charges, minimum takes and limits on energy couple the hours: use dispatch"
        )
        raise NotModelledError(message)
    load = system.load_mw if load_mw is None else np.asarray(load_mw, dtype=float)
    sized = [
        (s, system.series(s.availability) * (s.capacity_mw or 0.0), system.series(s.least_output))
        for s in system.sources
    ]
    least = np.stack([share * (s.capacity_mw or 0.0) for s, _, share in sized])
    room = [most - low for (_, most, _), low in zip(sized, least, strict=True)]
    cost = [system.cost_of(s) for s in system.sources]
    for throttle in system.throttles:
        room.append(system.series(throttle.most_mw))
        cost.append(system.series(throttle.usd_per_mwh))
    shape = (len(room) + 1, *load.shape)
    rooms, costs = np.empty(shape), np.empty(shape)
    spread = (slice(None), *(None,) * (load.ndim - 1))
    rooms[:-1], costs[:-1] = np.stack(room)[spread], np.stack(cost)[spread]
    rooms[-1] = np.minimum(load, system.unserved_most_mw)
    costs[-1] = system.unserved_usd_per_mwh
    given, _ = fill(load - least.sum(axis=0), rooms, costs)
    given[: len(sized)] += least[spread]
    names = (*(s.name for s in system.sources), *(t.name for t in system.throttles), "unserved")
    return Merit(given, names, (given * costs).sum(axis=(0, -1)))
