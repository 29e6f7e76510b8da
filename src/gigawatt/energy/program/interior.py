"""An interior-point solver for hourly programs, linear in the hours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gigawatt.energy.program import kernels
from gigawatt.energy.program.form import Point
from gigawatt.energy.program.newton import Moves, Newton, Residuals, State
from gigawatt.errors import GigawattError

if TYPE_CHECKING:
    from gigawatt.energy.program.form import HourlyProgram

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Pair = tuple[Array, Array]

__all__ = ["NotConvergedError", "Structure", "scaled", "solve"]

_DAMPING: Final = 0.9995  # part of the way to the nearest bound that a step may go
_MOST_STEPS: Final = 250
_LOST: Final = 1e6  # how much worse than the best a step may be before the rest is noise
_GOOD_ENOUGH: Final = 1e-5
"""Where rounding stops the solver short of its goal, an answer this near is still one: its bound is
certified afterwards and says how near it is."""


class NotConvergedError(GigawattError):
    """The solver stopped before its goal; a fault of this package or a program without optimum."""


def solve(program: HourlyProgram, tolerance: float = 1e-8) -> Point:
    """Return the optimum of an hourly program with its prices.

    Mehrotra's predictor-corrector method [1]_. Each step solves one linear system, whose matrix is
    a band along time with a border of the capacities, the linking rows and the joints of cyclic
    storage: the band is factored in time linear in the hours, the border by its Schur complement.

    Parameters
    ----------
    program : HourlyProgram
        Every variable with a finite lower bound, and with an optimum.
    tolerance : float
        Relative gap between the primal and the dual objective, and relative residuals.

    Raises
    ------
    NotConvergedError
        If the goal is not met; the message says how near it came.

    References
    ----------
    .. [1] S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM Journal
       on Optimization 2 (1992) 575-601; the border as in S. J. Wright, Primal-Dual Interior-Point
       Methods, SIAM 1997, chapter 11.
    """
    power = max(float(np.abs(program.right).max(initial=0.0)), 1.0)
    used = np.abs(program.cost[program.cost != 0.0])
    money = float(np.median(used)) if used.size else 1.0
    solver = Structure(scaled(program, power, money))
    with np.errstate(all="ignore"):  # a step that overflows is seen by what it leaves
        state, steps = solver.run(tolerance)
    x = np.ascontiguousarray(state.x.T) * power
    return Point(x, state.k * power, state.y * money, state.mu * money, steps)


def scaled(program: HourlyProgram, power: float, money: float) -> HourlyProgram:
    """Return the program in units of `power` and `money`."""
    return replace(
        program,
        cost=program.cost / money,
        lower=program.lower / power,
        upper=program.upper / power,
        right=program.right / power,
        linking_right=program.linking_right / power,
        capital=program.capital / money,
        capacity_lower=program.capacity_lower / power,
        capacity_upper=program.capacity_upper / power,
    )


class _Kept(NamedTuple):
    """The part of a state that is an answer."""

    x: Array
    k: Array
    y: Array
    mu: Array


class Structure:
    """The method's fixed parts: structure, masks and the columns that do not change."""

    def __init__(self, program: HourlyProgram) -> None:
        self.p = program
        self.hours, self.m = program.right.shape
        self.capacities, self.links = len(program.capacities), len(program.linking)
        free, bounded = program.free.T, np.isfinite(program.upper).T
        self.kind = np.ascontiguousarray(np.where(free, np.where(bounded, 2, 1), 0), np.int8)
        two = self.kind == 2
        self.cost = np.ascontiguousarray(program.cost.T)
        self.by = (
            np.ascontiguousarray(program.lower_by.T),
            np.ascontiguousarray(np.where(two, program.upper_by.T, 0.0)),
        )
        self.of = (
            np.ascontiguousarray(np.where(free, program.lower_of.T, -1), np.int16),
            np.ascontiguousarray(np.where(two, program.upper_of.T, -1), np.int16),
        )
        self.linking_by = np.ascontiguousarray(program.linking_by.transpose(0, 2, 1))
        self.k_lower = np.isfinite(program.capacity_lower)
        self.k_upper = np.isfinite(program.capacity_upper)
        self.sizes = [
            1.0 + float(np.abs(a).max(initial=0.0))
            for a in (program.right, program.linking_right, program.cost, program.capital)
        ]
        self.entries, self.wraps = _entries(program), _wraps(program)
        self.joints, self.joint_columns = self._joints()
        # Fresh memory costs more than what is done with it; these are used again in each step.
        self.room = tuple(np.zeros(self.kind.shape) for _ in range(6))
        self.count = float(
            np.count_nonzero(self.kind)
            + np.count_nonzero(two)
            + self.k_lower.sum()
            + self.k_upper.sum()
        )

    def _joints(self) -> tuple[Any, Array]:
        """Return the places (T, V) of the wraps' variables and their columns of `A` (T M, W)."""
        hour, variable = self.p.wrap_hour, self.p.wrap_variable
        at = np.unique(np.stack([hour, variable], axis=1), axis=0)
        at = at[self.kind[at[:, 0], at[:, 1]] > 0]
        columns = np.zeros((self.hours * self.m, len(at)))
        for w, (t, v) in enumerate(at):
            one = np.zeros(self.kind.shape)
            one[t, v] = 1.0
            columns[:, w] = self.multiply(one).ravel()
        return (at[:, 0], at[:, 1]), columns

    def multiply(self, x: Array) -> Array:
        """Return `A x` (T, M)."""
        out = np.zeros((self.hours, self.m))
        kernels.multiply(x, self.entries, self.wraps, out)
        return out

    def linked(self, x: Array) -> Array:
        """Return `F x` (J,)."""
        return np.array([float((row * x).sum()) for row in self.linking_by])

    def start(self, k: Array | None = None) -> State:
        """Return a point well within all bounds; free capacities start at `k`."""
        p = self.p
        if k is None:
            room = np.where(self.k_upper, p.capacity_upper - p.capacity_lower, 2.0)
            k = p.capacity_lower + 0.5 * np.minimum(room, 2.0)
        lower, upper = (np.ascontiguousarray(side.T) for side in p.bounds(k))
        two = self.kind == 2
        half = 0.5 * np.where(two, upper - lower, 2.0)
        half[self.kind == 0] = 1.0
        x = lower + np.where(self.kind > 0, half, 0.0)
        slack = (half, np.where(two, half, 1.0))
        dual = (
            np.where(self.kind > 0, np.maximum(self.cost, 0.0) + 1.0, 0.0),
            np.where(two, np.maximum(-self.cost, 0.0) + 1.0, 0.0),
        )
        k_slack = (
            np.where(self.k_lower, k - p.capacity_lower, 1.0),
            np.where(self.k_upper, p.capacity_upper - k, 1.0),
        )
        k_dual = (
            np.where(self.k_lower, np.maximum(p.capital, 0.0) + 1.0, 0.0),
            np.where(self.k_upper, 1.0, 0.0),
        )
        y, mu = np.zeros((self.hours, self.m)), np.zeros(self.links)
        return State(x, k, y, mu, slack, dual, k_slack, k_dual)

    def moves(self, s: State) -> Moves:
        """Return room for a direction."""
        series = tuple(np.zeros((2, *s.x.shape)) for _ in range(2))
        pairs = ((series[0][0], series[0][1]), (series[1][0], series[1][1]))
        k_series = tuple(np.zeros((2, self.capacities)) for _ in range(2))
        k_pairs = ((k_series[0][0], k_series[0][1]), (k_series[1][0], k_series[1][1]))
        return Moves(np.zeros_like(s.x), pairs, s.k * 0.0, s.y * 0.0, s.mu * 0.0, k_pairs)

    def run(self, tolerance: float) -> tuple[_Kept, int]:
        """Step until the gap and the residuals are within the tolerance."""
        s = self.start()
        moves = self.moves(s)
        p = self.p
        best, kept = np.inf, _Kept(s.x, s.k, s.y, s.mu)
        for steps in range(_MOST_STEPS):
            left, product = self.residuals(s)
            gap = product / (1.0 + abs(float((self.cost * s.x).sum() + p.capital @ s.k)))
            worst = self.worst(left)
            off = max(gap, worst)
            if off <= tolerance:
                return _Kept(s.x, s.k, s.y, s.mu), steps
            if not np.isfinite(gap + worst) or off > _LOST * best:
                break
            if off < best:
                best = off
                if off <= _GOOD_ENOUGH:
                    kept = _Kept(s.x.copy(), s.k.copy(), s.y.copy(), s.mu.copy())
            try:
                self.advance(s, moves, left, product)
            except np.linalg.LinAlgError:
                break
        if best <= _GOOD_ENOUGH:
            return kept, steps
        message = (
            f"the least-cost dispatch was found only to {best:.1e} of its cost after {steps} steps"
        )
        raise NotConvergedError(message)

    def worst(self, left: Residuals) -> float:
        """Return the largest residual, each relative to the size of its equations."""
        parts = (left.rows, left.linking, left.series, left.capacities)
        return max(
            max(float(a.max(initial=0.0)), -float(a.min(initial=0.0))) / size
            for a, size in zip(parts, self.sizes, strict=True)
        )

    def residuals(self, s: State) -> tuple[Residuals, float]:
        """Return what is left of each equation, and the sum of slacks times duals."""
        p = self.p
        series, sums = self.room[5], np.zeros(self.capacities + 1)
        cost = self.cost - np.tensordot(s.mu, self.linking_by, 1) if self.links else self.cost
        product = kernels.residuals(
            cost, self.kind, s.y, s.slack, s.dual, self.by, self.of,
            self.entries, self.wraps, series, sums,
        )  # fmt: skip
        capacities = p.capital - p.linking_capacity.T @ s.mu + sums[:-1] - s.k_dual[0] + s.k_dual[1]
        rows = p.right - self.multiply(s.x)
        linking = p.linking_right - self.linked(s.x) - p.linking_capacity @ s.k
        product += s.k_slack[0] @ s.k_dual[0] + s.k_slack[1] @ s.k_dual[1]
        return Residuals(rows, linking, series, capacities), float(product)

    def advance(self, s: State, moves: Moves, left: Residuals, product: float) -> None:
        """Take one step: predict, correct, and go nearly as far as the bounds allow."""
        system = Newton(self, s)
        mean = product / self.count
        primal, prices = (min(1.0, a) for a in system.direction(moves, left, 0.0, 0.0))
        after = kernels.remaining(s.slack, s.dual, moves.series, primal, prices)
        for side in (0, 1):
            k_slack = s.k_slack[side] + primal * moves.k_series[0][side]
            after += k_slack @ (s.k_dual[side] + prices * moves.k_series[1][side])
        centre = min(max(after, 0.0) / product, 1.0) ** 3 * mean
        primal, prices = (
            min(1.0, _DAMPING * a) for a in system.direction(moves, left, centre, 1.0)
        )
        kernels.step(primal, s.x, moves.x)
        kernels.step(prices, s.y, moves.y)
        s.k += primal * moves.k
        s.mu += prices * moves.mu
        for side in (0, 1):
            kernels.step(primal, s.slack[side], moves.series[0][side])
            kernels.step(prices, s.dual[side], moves.series[1][side])
            s.k_slack[side][:] += primal * moves.k_series[0][side]
            s.k_dual[side][:] += prices * moves.k_series[1][side]


def _entries(program: HourlyProgram) -> tuple[Any, Any, Any, Array]:
    """Return the entries sorted by variable, as the kernels take them."""
    order = np.argsort(program.entry_variable, kind="stable")
    first = np.searchsorted(program.entry_variable[order], np.arange(len(program.variables) + 1))
    coefficient = np.ascontiguousarray(program.entry_coefficient[order].T)
    return first, program.entry_row[order], program.entry_lag[order], coefficient


def _wraps(program: HourlyProgram) -> tuple[Any, Any, Any, Any, Array]:
    return (
        program.wrap_variable, program.wrap_hour, program.wrap_row, program.wrap_to,
        program.wrap_coefficient,
    )  # fmt: skip
