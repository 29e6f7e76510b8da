"""A few days cut out of an hourly program, with what the rest of the hours is worth to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.energy.program.bounds import least_at_bounds

if TYPE_CHECKING:
    from gigawatt.energy.program.form import HourlyProgram, Point

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["priced_constant", "relaxed_window", "window"]


def window(
    program: HourlyProgram, point: Point, start: int, stop: int, before: Array, capacity: Array
) -> HourlyProgram:
    """Return the hours from `start` to before `stop` as a program that goes on from those before.

    What leads out of the window is priced as the answer to the whole program has it: linking rows,
    and variables of the last hour in rows of the next. What leads in is given: the series of the
    hour before, and the capacities, which only more of costs anything.

    Parameters
    ----------
    program : HourlyProgram
        The whole.
    point : Point
        Its answer.
    start, stop : int
        Hours.
    before : ndarray (V,)
        The series in the hour before the first; of the last hour of all where that is the first.
    capacity : ndarray (K,)
        Capacities that stand already.
    """
    hours = slice(start, stop)
    cost, right = _cost(program, point)[:, hours].copy(), program.right[hours].copy()
    _sell(program, point, cost, start, stop)
    for v, row, to, coefficient in _joints(program, start):
        if to == start and not _whole(program, start, stop):
            right[0, row] -= coefficient * before[v]
    return replace(
        _cut(program, start, stop),
        cost=cost,
        right=right,
        capacity_lower=np.clip(capacity, program.capacity_lower, program.capacity_upper),
    )


def relaxed_window(program: HourlyProgram, point: Point, start: int, stop: int) -> HourlyProgram:
    """Return the hours as a program without ties to the others: they are priced, in and out.

    The least costs of such windows that make up all hours, and `priced_constant`, add up to a cost
    that no answer undercuts, whole numbers or not: Lagrangian relaxation of all that joins them.
    """
    hours = slice(start, stop)
    cost, right = _cost(program, point)[:, hours].copy(), program.right[hours].copy()
    cost += _bound_prices(program, point)[:, hours]
    coefficients = program.entry_coefficient[:, hours].copy()
    if not _whole(program, start, stop):
        _sell(program, point, cost, start, stop)
        for row in {int(row) for _, row, to, _ in _joints(program, start) if to == start}:
            price = point.price[start, row]
            for e in np.flatnonzero((program.entry_row == row) & (program.entry_lag == 0)):
                cost[program.entry_variable[e], 0] -= coefficients[e, 0] * price
                coefficients[e, 0] = 0.0
            right[0, row] = 0.0
    upper = np.where(program.upper_of[:, hours] >= 0, np.inf, program.upper[:, hours])
    none = np.full(cost.shape, -1, dtype=np.int64)
    return replace(
        _cut(program, start, stop),
        cost=cost,
        right=right,
        entry_coefficient=coefficients,
        upper=upper,
        upper_by=np.zeros(cost.shape),
        lower_of=none,
        upper_of=none,
        capital=np.zeros(len(program.capacities)),
    )


def priced_constant(program: HourlyProgram, point: Point) -> float:
    """Return what linking rows and capacities add to the least costs of relaxed windows, USD."""
    extra = _bound_prices(program, point)
    by_capacity = program.capital - program.linking_capacity.T @ point.linking_price
    of = program.upper_of >= 0
    np.subtract.at(by_capacity, program.upper_of[of], (extra * program.upper_by)[of])
    least = least_at_bounds(by_capacity, program.capacity_lower, program.capacity_upper)
    fixed = float(point.linking_price @ program.linking_right - (extra * program.upper)[of].sum())
    return fixed + float(least.sum())


def _whole(program: HourlyProgram, start: int, stop: int) -> bool:
    return start == 0 and stop == program.hours


def _cost(program: HourlyProgram, point: Point) -> Array:
    """Return the cost of the series with the linking rows priced."""
    cost: Array = program.cost - np.tensordot(point.linking_price, program.linking_by, 1)
    return cost


def _bound_prices(program: HourlyProgram, point: Point) -> Array:
    """Return what keeps series below bounds that rest on a capacity: (V, T), USD a unit."""
    worth = program.row_prices(point.price) - _cost(program, point)
    prices: Array = np.where(program.upper_of >= 0, np.maximum(worth, 0.0), 0.0)
    return prices


def _joints(program: HourlyProgram, at: int) -> list[tuple[int, int, int, float]]:
    """Return what of the hour before stands in rows of hour `at`: variable, row, hour, factor."""
    if at == 0:
        parts = (program.wrap_variable, program.wrap_row, program.wrap_to, program.wrap_coefficient)
        return list(zip(*(p.tolist() for p in parts), strict=True))
    lagged = np.flatnonzero(program.entry_lag)
    factors = program.entry_coefficient[lagged, at - 1]
    return [
        (int(program.entry_variable[e]), int(program.entry_row[e]), at, float(f))
        for e, f in zip(lagged, factors, strict=True)
    ]


def _sell(program: HourlyProgram, point: Point, cost: Array, start: int, stop: int) -> None:
    """Price the series of the last hour at what they are worth in the hour after, in place."""
    after = stop % program.hours
    if _whole(program, start, stop):
        return
    for v, row, to, coefficient in _joints(program, after):
        cost[v, -1] -= coefficient * point.price[to, row]


def _cut(program: HourlyProgram, start: int, stop: int) -> HourlyProgram:
    """Return the hours without linking rows; joints between first and last only of all hours."""
    hours = slice(start, stop)
    kept = slice(None) if _whole(program, start, stop) else slice(0, 0)
    series = len(program.variables)
    return replace(
        program,
        linking=(),
        cost=program.cost[:, hours],
        lower=program.lower[:, hours],
        upper=program.upper[:, hours],
        lower_by=program.lower_by[:, hours],
        upper_by=program.upper_by[:, hours],
        lower_of=program.lower_of[:, hours],
        upper_of=program.upper_of[:, hours],
        entry_coefficient=program.entry_coefficient[:, hours],
        wrap_variable=program.wrap_variable[kept],
        wrap_hour=program.wrap_hour[kept],
        wrap_row=program.wrap_row[kept],
        wrap_to=program.wrap_to[kept],
        wrap_coefficient=program.wrap_coefficient[kept],
        right=program.right[hours],
        linking_by=np.zeros((0, series, stop - start)),
        linking_capacity=np.zeros((0, len(program.capacities))),
        linking_right=np.zeros(0),
    )
