"""A lower bound that any prices certify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gigawatt.energy.program.form import HourlyProgram

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["lower_bound"]


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
    reduced = program.cost - program.row_prices(price)
    reduced = reduced - np.tensordot(linking_price, program.linking_by, 1)
    up, down = np.maximum(reduced, 0.0), np.maximum(-reduced, 0.0)
    fixed = float((price * program.right).sum() + linking_price @ program.linking_right)
    fixed += float((up * program.lower).sum() - _product(down, program.upper).sum())
    count = len(program.capacities)
    by_capacity = program.capital - program.linking_capacity.T @ linking_price
    for values, by, of, sign in (
        (up, program.lower_by, program.lower_of, 1.0),
        (down, program.upper_by, program.upper_of, -1.0),
    ):
        place = np.where(of < 0, count, of).ravel()
        by_capacity += sign * np.bincount(place, (values * by).ravel(), count + 1)[:count]
    least = np.where(
        by_capacity >= 0.0,
        _product(by_capacity, program.capacity_lower),
        _product(by_capacity, program.capacity_upper),
    )
    return fixed + float(least.sum())


def _product(values: Array, bounds: Array) -> Array:
    """Return values times bounds, where nothing times infinity is nothing."""
    finite = np.where(values == 0.0, 0.0, bounds)
    product: Array = values * finite
    return product
