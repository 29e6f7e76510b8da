"""The form of a linear program over hours with a few capacities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["HourlyProgram", "Point"]


@dataclass(frozen=True)
class HourlyProgram:
    r"""A linear program whose variables are hourly series and a few capacities.

    .. math::

        \min\; & c \cdot x + d \cdot k \\
        A x &= b, \qquad F x + H k = f, \\
        \ell + L k \le{}& x \le u + U k, \qquad
        \underline{k} \le k \le \overline{k}

    A row of :math:`A` belongs to an hour and holds variables of that hour and of the one before;
    each bound of `x` rests on at most one capacity. That is what makes a solver fast: given the
    capacities and the few rows of `F`, hours are coupled only to their neighbours. Slacks of
    inequalities among the rows of `F` are capacities too.

    Parameters
    ----------
    variables, rows, capacities, linking : tuple of str
        Names: V series, M rows an hour, K capacities, J rows of `F`.
    cost : ndarray (V, T)
        USD per MWh (or per unit of the variable).
    lower, upper : ndarray (V, T)
        Fixed part of the bounds; `upper` may be infinite.
    lower_by, upper_by : ndarray (V, T)
        Coefficients of the capacity in the bounds.
    lower_of, upper_of : ndarray of int (V, T)
        Which capacity it is; -1 for none.
    entry_variable, entry_row, entry_lag : ndarray of int (E,)
        Entry e puts variable `entry_variable` of hour t into row `entry_row` of hour t + lag,
        where the lag is 0 or 1. A lagged entry of the last hour is dropped: see the wraps.
    entry_coefficient : ndarray (E, T)
        Its coefficient, by the hour of the variable.
    wrap_variable, wrap_hour, wrap_row, wrap_to : ndarray of int (W,)
        Entries that join distant hours: the variable at `wrap_hour` in the row at `wrap_to`.
    wrap_coefficient : ndarray (W,)
        Their coefficients.
    right : ndarray (T, M)
        Right-hand side of the rows.
    linking_by : ndarray (J, V, T)
        The rows of `F`.
    linking_capacity : ndarray (J, K)
        The rows of `H`.
    linking_right : ndarray (J,)
        Their right-hand side.
    capital : ndarray (K,)
        USD a year per MW of each capacity.
    capacity_lower, capacity_upper : ndarray (K,)
        Limits of the capacities; the upper may be infinite.
    """

    variables: tuple[str, ...]
    rows: tuple[str, ...]
    capacities: tuple[str, ...]
    linking: tuple[str, ...]
    cost: Array
    lower: Array
    upper: Array
    lower_by: Array
    upper_by: Array
    lower_of: Indices
    upper_of: Indices
    entry_variable: Indices
    entry_row: Indices
    entry_lag: Indices
    entry_coefficient: Array
    wrap_variable: Indices
    wrap_hour: Indices
    wrap_row: Indices
    wrap_to: Indices
    wrap_coefficient: Array
    right: Array
    linking_by: Array
    linking_capacity: Array
    linking_right: Array
    capital: Array
    capacity_lower: Array
    capacity_upper: Array

    @property
    def hours(self) -> int:
        """Number of hours."""
        return int(self.cost.shape[1])

    @property
    def free(self) -> Flags:
        """Which variables can move at all: (V, T)."""
        by_capacity = ((self.upper_of >= 0) & (self.upper_by != 0.0)) | (
            (self.lower_of >= 0) & (self.lower_by != 0.0)
        )
        flags: Flags = by_capacity | (self.upper > self.lower)
        return flags

    def bounds(self, capacity: Array) -> tuple[Array, Array]:
        """Return lower and upper bounds of the series at given capacities: each (V, T)."""
        padded = np.append(capacity, 0.0)  # index -1 finds the zero
        lower = self.lower + self.lower_by * padded[self.lower_of]
        upper = self.upper + self.upper_by * padded[self.upper_of]
        return lower, upper

    def row_values(self, x: Array) -> Array:
        """Return `A x`: (T, M)."""
        out = np.zeros_like(self.right)
        for e, (v, r, lag) in enumerate(
            zip(self.entry_variable, self.entry_row, self.entry_lag, strict=True)
        ):
            part = self.entry_coefficient[e] * x[v]
            if lag:
                out[1:, r] += part[:-1]
            else:
                out[:, r] += part
        np.add.at(
            out,
            (self.wrap_to, self.wrap_row),
            self.wrap_coefficient * x[self.wrap_variable, self.wrap_hour],
        )
        return out

    def row_prices(self, y: Array) -> Array:
        """Return `A' y`: (V, T), what a unit of each variable is worth at prices `y` (T, M)."""
        out = np.zeros_like(self.cost)
        for e, (v, r, lag) in enumerate(
            zip(self.entry_variable, self.entry_row, self.entry_lag, strict=True)
        ):
            if lag:
                out[v, :-1] += self.entry_coefficient[e, :-1] * y[1:, r]
            else:
                out[v] += self.entry_coefficient[e] * y[:, r]
        np.add.at(
            out,
            (self.wrap_variable, self.wrap_hour),
            self.wrap_coefficient * y[self.wrap_to, self.wrap_row],
        )
        return out

    def objective(self, x: Array, capacity: Array) -> float:
        """Return the cost of an answer in USD."""
        return float((self.cost * x).sum() + self.capital @ capacity)


@dataclass(frozen=True)
class Point:
    """An answer to an hourly program with its prices.

    Parameters
    ----------
    x : ndarray (V, T)
        The series.
    capacity : ndarray (K,)
        The capacities.
    price : ndarray (T, M)
        What one more unit of a row's right-hand side costs.
    linking_price : ndarray (J,)
        The same of the rows of `F`.
    iterations : int
        Steps of the solver.
    """

    x: Array
    capacity: Array
    price: Array
    linking_price: Array
    iterations: int
