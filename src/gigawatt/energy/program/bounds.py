"""A lower bound that any prices certify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gigawatt.energy.program.form import HourlyProgram

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["bound_parts", "least_at_bounds", "lower_bound"]


def lower_bound(program: HourlyProgram, price: Array, linking_price: Array) -> float:
    r"""Return a cost in USD that no answer to the program can undercut.

    Weak duality: for any prices :math:`y, \mu` the cost is at least

    .. math:: b \cdot y + f \cdot \mu + \min_{k,\,x}
        \big[(c - A^T y - F^T \mu) \cdot x + (d - H^T \mu) \cdot k\big]

    over the bounds alone. The minimum over each series is at one of its bounds, then that over each
    capacity is at one of its limits, so it is computed exactly whatever solver found the prices.
    Minus infinity where a reduced cost is negative and nothing limits its variable.

    Parameters
    ----------
    program : HourlyProgram
        The program.
    price : ndarray (T, M)
        Prices of the rows.
    linking_price : ndarray (J,)
        Prices of the linking rows.
    """
    fixed, by_capacity = bound_parts(program, price, linking_price)
    return fixed + float(
        least_at_bounds(by_capacity, program.capacity_lower, program.capacity_upper).sum()
    )


def bound_parts(program: HourlyProgram, price: Array, linking_price: Array) -> tuple[float, Array]:
    """Return a bound as a number and what each capacity (K,) adds to it: USD, and USD per MW.

    At capacities `k` no answer costs less than `number + by_capacity @ k`.
    """
    reduced = program.cost - program.row_prices(price)
    reduced = reduced - np.tensordot(linking_price, program.linking_by, 1)
    up, down = np.maximum(reduced, 0.0), np.maximum(-reduced, 0.0)
    fixed = float((price * program.right).sum() + linking_price @ program.linking_right)
    fixed += float((up * program.lower).sum() - _product(down, program.upper).sum())
    count = len(program.capacities)
    by_capacity: Array = program.capital - program.linking_capacity.T @ linking_price
    for values, by, of, sign in (
        (up, program.lower_by, program.lower_of, 1.0),
        (down, program.upper_by, program.upper_of, -1.0),
    ):
        place = np.where(of < 0, count, of).ravel()
        by_capacity += sign * np.bincount(place, (values * by).ravel(), count + 1)[:count]
    return fixed, by_capacity


def least_at_bounds(reduced: Array, lower: Array, upper: Array) -> Array:
    """Return what each variable adds to a bound at the better of its limits."""
    least: Array = np.where(reduced >= 0.0, _product(reduced, lower), _product(reduced, upper))
    return least


def _product(values: Array, bounds: Array) -> Array:
    """Return values times bounds, where nothing times infinity is nothing."""
    finite = np.where(values == 0.0, 0.0, bounds)
    product: Array = values * finite
    return product
