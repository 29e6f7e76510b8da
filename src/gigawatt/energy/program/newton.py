"""The linear system of one step of the interior-point method: a band along time with a border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.program import band as band_kernels
from gigawatt.energy.program import kernels

if TYPE_CHECKING:
    from gigawatt.energy.program.interior import Structure

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Pair = tuple[Array, Array]

__all__ = ["PROXIMAL", "Moves", "Newton", "Residuals", "State", "longest_step"]

PROXIMAL: Final = 1e-10
"""Holds prices back where rows leave them open, as the proximal term of M. P. Friedlander and
D. Orban, Mathematical Programming Computation 4 (2012) 71-107; it fades as the steps do."""


@dataclass
class State:
    """Where the solver stands; arrays change in place. Series are (T, V)."""

    x: Array
    k: Array
    y: Array
    mu: Array
    slack: Pair
    dual: Pair
    k_slack: Pair
    k_dual: Pair


@dataclass
class Moves:
    """A direction; `series` and `k_series` hold the moves of the slacks and of the duals."""

    x: Array
    series: tuple[Pair, Pair]
    k: Array
    y: Array
    mu: Array
    k_series: tuple[Pair, Pair]


@dataclass(frozen=True)
class Residuals:
    """What is left of each equation: rows, linking rows, series, capacities."""

    rows: Array
    linking: Array
    series: Array
    capacities: Array


class Newton:
    """The linear system of one step, factored; its border is capacities, linking rows, joints."""

    def __init__(self, solver: Structure, s: State) -> None:
        o, self.o, self.s = solver, solver, s
        n, nk, nj = o.hours * o.m, o.capacities, o.links
        size = nk + nj + o.joint_columns.shape[1]
        self.weight, self.inverse = o.room[0], o.room[1:3]
        band = np.zeros((o.hours, o.m, o.m + 1))
        columns, inner = np.zeros((o.hours, o.m, size)), np.zeros((nk + 1, nk + 1))
        kernels.form(
            o.kind, s.slack, s.dual, o.by, o.of, o.entries, o.wraps,
            self.inverse, self.weight, band, columns, inner,
        )  # fmt: skip
        self.band = band.reshape(n, o.m + 1)
        self.band[:, 0] += PROXIMAL
        self.factored = self.band.copy()
        band_kernels.factor(self.factored)
        self.columns = columns.reshape(n, size)
        self.columns[:, nk + nj :] = o.joint_columns
        self.inner = np.zeros((size, size))
        k_theta = s.k_dual[0] / s.k_slack[0] + s.k_dual[1] / s.k_slack[1]
        self.inner[:nk, :nk] = -inner[:nk, :nk] - np.diag(k_theta)
        joint = np.arange(nk + nj, size)
        self.inner[joint, joint] = -1.0 / self.weight[o.joints]
        self._link()
        self.solved = self.columns.copy()
        band_kernels.solve(self.factored, self.solved)
        self.schur = self.inner.copy()
        band_kernels.schur(self.columns, self.solved, self.schur)

    def _link(self) -> None:
        """Fill the linking rows' columns."""
        o, s, nk = self.o, self.s, self.o.capacities
        for j in range(o.links):
            part = self.weight * o.linking_by[j]
            self.columns[:, nk + j] = o.multiply(part).ravel()
            self.inner[nk + j, nk : nk + o.links] = o.linked(part)
            self.inner[nk + j, nk + j] += PROXIMAL
            shared = np.zeros(nk + 1)
            for side in (0, 1):
                theta = s.dual[side] / s.slack[side] * o.by[side] * part
                shared += np.bincount(o.of[side].ravel() % (nk + 1), theta.ravel(), nk + 1)
            self.inner[nk + j, :nk] = shared[:nk] + o.p.linking_capacity[j]
            self.inner[:nk, nk + j] = self.inner[nk + j, :nk]

    def direction(
        self, moves: Moves, left: Residuals, centre: float, second: float
    ) -> tuple[float, float]:
        """Fill the moves; return the longest steps of the slacks and of the duals."""
        rows, border, aim = self.aimed(moves, left, centre, second)
        moves.y, q = self._solved(rows, border, refine=second > 0.0)
        return self.moved(moves, q, aim, centre, second)

    def aimed(
        self, moves: Moves, left: Residuals, centre: float, second: float
    ) -> tuple[Array, Array, list[Array]]:
        """Return the right-hand sides of rows (T, M) and border, and the capacities' aims."""
        o, s, nk, nj = self.o, self.s, self.o.capacities, self.o.links
        rho, part, sums = o.room[3], o.room[4], np.zeros(nk + 1)
        kernels.aims(
            o.kind, self.weight, self.inverse, s.dual, moves.series, centre, second, o.by, o.of,
            left.series, rho, part, sums,
        )  # fmt: skip
        aim = [
            np.where(
                s.k_dual[i] > 0.0,
                (centre - second * moves.k_series[0][i] * moves.k_series[1][i]) / s.k_slack[i]
                - s.k_dual[i],
                0.0,
            )
            for i in (0, 1)
        ]
        border = np.zeros(len(self.inner))
        border[:nk] = left.capacities - aim[0] + aim[1] - sums[:nk]
        border[nk : nk + nj] = left.linking - o.linked(part)
        return left.rows - o.multiply(part), border, aim

    def moved(
        self, moves: Moves, q: Array, aim: list[Array], centre: float, second: float
    ) -> tuple[float, float]:
        """Fill the moves that follow from those of prices and border; return the longest steps."""
        o, s, nk, nj = self.o, self.s, self.o.capacities, self.o.links
        rho = o.room[3]  # as `aimed` left it
        moves.k, moves.mu = q[:nk], q[nk : nk + nj]
        if nj:
            rho += np.tensordot(moves.mu, o.linking_by, 1)
        longest = kernels.directions(
            o.kind, self.weight, rho, s.slack, self.inverse, s.dual, moves.series, centre, second,
            o.by, o.of,
            moves.y, np.append(moves.k, 0.0), o.entries, o.wraps, moves.x,
        )  # fmt: skip
        return self._capacity_moves(moves, aim, *longest)

    def _capacity_moves(
        self, moves: Moves, aim: list[Array], primal: float, prices: float
    ) -> tuple[float, float]:
        s = self.s
        lower, upper = self.o.k_lower, self.o.k_upper
        for i, change in enumerate((np.where(lower, moves.k, 0.0), np.where(upper, -moves.k, 0.0))):
            moves.k_series[0][i][:] = change
            moves.k_series[1][i][:] = aim[i] - s.k_dual[i] / s.k_slack[i] * change
            primal = min(primal, longest_step(s.k_slack[i], moves.k_series[0][i]))
            prices = min(prices, longest_step(s.k_dual[i], moves.k_series[1][i]))
        return primal, prices

    def _solved(self, rows: Array, border: Array, *, refine: bool) -> tuple[Array, Array]:
        """Solve for prices (T, M) and the border."""
        y, q = self._once(rows.ravel(), border)
        if refine:
            off, rest = np.zeros_like(y), np.zeros_like(q)
            band_kernels.band_product(self.band, y, off)
            off = rows.ravel() - off
            band_kernels.border_take(self.columns, q, off)
            band_kernels.border_dots(self.columns, y, rest)
            more, also = self._once(off, border - rest - self.inner @ q)
            y += more
            q += also
        return y.reshape(rows.shape), q

    def _once(self, rows: Array, border: Array) -> tuple[Array, Array]:
        y, dots = rows.copy(), np.zeros_like(border)
        band_kernels.solve_one(self.factored, y)
        if not border.size:
            return y, border.copy()
        band_kernels.border_dots(self.columns, y, dots)
        q = np.asarray(np.linalg.solve(self.schur, border - dots), dtype=np.float64)
        band_kernels.border_take(self.solved, q, y)
        return y, q


def longest_step(values: Array, changes: Array) -> float:
    """Return how far values may go before one turns negative."""
    falling = changes < 0.0
    return float((-values[falling] / changes[falling]).min(initial=np.inf))
