"""A block's linear system, reduced to the capacities that it shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.energy.program import band as band_kernels
from gigawatt.energy.program.newton import Newton

if TYPE_CHECKING:
    from gigawatt.energy.program.interior import Structure
    from gigawatt.energy.program.newton import State

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["Reduced"]


class Reduced:
    """A block's linear system, reduced to its shared capacities."""

    def __init__(self, block: Structure, state: State, shared: Indices) -> None:
        self.newton = Newton(block, state)
        size = len(self.newton.inner)
        self.shared = shared
        self.own = np.setdiff1d(np.arange(size), shared)
        schur = self.newton.schur
        self.cross = schur[np.ix_(shared, self.own)]
        self.inner = schur[np.ix_(self.own, self.own)]
        self.follow = np.linalg.solve(self.inner, schur[np.ix_(self.own, shared)])
        self.matrix = schur[np.ix_(shared, shared)] - self.cross @ self.follow

    def forward(self, rows: Array, border: Array) -> tuple[Array, Array, Array]:
        """Return prices before the border moves, its own part solved, and the shared rest."""
        y, dots = rows.copy(), np.zeros_like(border)
        band_kernels.solve_one(self.newton.factored, y)
        band_kernels.border_dots(self.newton.columns, y, dots)
        left = border - dots
        own: Array = np.asarray(np.linalg.solve(self.inner, left[self.own]), dtype=np.float64)
        return y, own, left[self.shared] - self.cross @ own

    def back(self, y: Array, own: Array, moved: Array) -> tuple[Array, Array]:
        """Return prices and border once the shared capacities have moved."""
        q = np.empty(len(self.own) + len(self.shared))
        q[self.shared], q[self.own] = moved, own - self.follow @ moved
        band_kernels.border_take(self.newton.solved, q, y)
        return y, q

    def off(self, rows: Array, border: Array, y: Array, q: Array) -> tuple[Array, Array]:
        """Return what an answer leaves of the right-hand sides."""
        newton, rest, dots = self.newton, np.zeros_like(y), np.zeros_like(q)
        band_kernels.band_product(newton.band, y, rest)
        rest = rows - rest
        band_kernels.border_take(newton.columns, q, rest)
        band_kernels.border_dots(newton.columns, y, dots)
        return rest, border - dots - newton.inner @ q
