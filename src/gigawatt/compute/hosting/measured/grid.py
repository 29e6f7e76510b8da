r"""Interpolation in a table of measured times.

Between the points of a grid the logarithm of the time is linear in the logarithm of each size, so
that any power of a size, such as one bound by arithmetic or by memory, is met exactly:

.. math:: \log t = \sum_{c} \Big(\prod_d w_{c,d}\Big) \log t_c

over the corners :math:`c` of the cell. On a point of the grid the answer is what was measured. The
first axis counts rows, tokens or sequences.

Outside the grid nothing is guessed. Below its first point a size takes as long as the first, as
kernels compute whole tiles; above its last point, and where a corner was not measured, the answer
is NaN. Two rules widen a table without leaving what was measured: `Grid.in_parts` cuts more rows
than were measured into equal parts, and `Grid.with_more_sequences` lets sequences of a length take
in proportion beyond the most that were measured at that length. `Grid.rising` takes out points that
more rows beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = float | NDArray[Any]

__all__ = ["Grid"]


@dataclass(frozen=True)
class Grid:
    """Times over a grid of sizes.

    Parameters
    ----------
    axes : tuple of ndarray
        Sizes along each axis, ascending.
    logs : ndarray
        Logarithm of the time [s] at each point; NaN where nothing was measured.
    """

    axes: tuple[Floats, ...]
    logs: Floats

    @classmethod
    def of_points(cls, sizes: Sequence[NDArray[Any]], seconds: NDArray[Any]) -> Grid:
        """Return the grid that scattered points span; no two may have the same sizes."""
        found = [np.unique(np.asarray(one, dtype=float), return_inverse=True) for one in sizes]
        logs = np.full([len(axis) for axis, _ in found], np.nan)
        logs[tuple(place for _, place in found)] = np.log(np.asarray(seconds, dtype=float))
        return cls(tuple(axis for axis, _ in found), logs)

    def rising(self) -> Grid:
        """Return the grid in which no rows take longer than more of them do.

        Rows can be filled up with empty ones, as recorded graphs are; what takes longer was
        launched more slowly or not at its best.
        """
        return Grid(self.axes, np.fmin.accumulate(self.logs[::-1], axis=0)[::-1])

    def with_more_sequences(self) -> Grid:
        """Return the grid with its end along the axis of sequences filled in proportion.

        Tables end where the cache of all sequences filled the memory. There attention is bound by
        it, or by arithmetic, and both grow with the number of sequences.
        """
        logs = self.logs.copy()
        for i in range(1, len(logs)):
            more = np.log(self.axes[0][i] / self.axes[0][i - 1])
            logs[i] = np.where(np.isnan(logs[i]), logs[i - 1] + more, logs[i])
        return Grid(self.axes, logs)

    def seconds(self, *sizes: Numbers) -> Floats:
        """Return the time at the sizes, one for each axis, broadcast against each other [s]."""
        wanted = np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in sizes))
        ends = [(axis, _place(axis, one)) for axis, one in zip(self.axes, wanted, strict=True)]
        total = np.zeros(wanted[0].shape)
        for corner in product((0, 1), repeat=len(ends)):
            weight = np.ones(wanted[0].shape)
            index = []
            for up, (axis, (low, share)) in zip(corner, ends, strict=True):
                weight = weight * (share if up else 1.0 - share)
                index.append(np.minimum(low + up, len(axis) - 1))
            # A corner without weight may be one that was not measured.
            total += np.where(weight > 0.0, weight, 0.0) * np.where(
                weight > 0.0, self.logs[tuple(index)], 0.0
            )
        beyond = np.zeros(wanted[0].shape, dtype=bool)
        for axis, one in zip(self.axes, wanted, strict=True):
            beyond |= one > axis[-1] * (1.0 + 1e-9)
        return np.where(beyond, np.nan, np.exp(total))

    def in_parts(self, rows: Numbers, *others: Numbers) -> Floats:
        """Return the time of so many rows, cut into equal parts if more than were measured [s].

        It is never below that of the whole parts of the most rows in them.
        """
        most, rows = self.axes[0][-1], np.asarray(rows, dtype=float)
        parts = np.maximum(np.ceil(rows / most), 1.0)
        total: Floats = parts * self.seconds(rows / parts, *others)
        if np.any(parts > 1.0):
            total = np.maximum(total, np.floor(rows / most) * self.seconds(most, *others))
        return total


def _place(axis: Floats, sizes: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the cell in which each size lies, and how far into it, in logarithms."""
    inside = np.clip(sizes, axis[0], axis[-1])
    low = np.clip(np.searchsorted(axis, inside, side="right") - 1, 0, max(len(axis) - 2, 0))
    high = np.minimum(low + 1, len(axis) - 1)
    width = np.log(axis[high] / axis[low])
    share = np.log(inside / axis[low]) / np.where(width > 0.0, width, 1.0)
    # Points of the grid are met exactly.
    return low, np.where(inside == axis[high], np.where(width > 0.0, 1.0, 0.0), share)
