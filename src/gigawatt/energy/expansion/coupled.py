"""Several hourly programs that share decisions: years that share what is built."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.expansion.reduced import Reduced
from gigawatt.energy.program import kernels
from gigawatt.energy.program.bounds import bound_parts, least_at_bounds
from gigawatt.energy.program.form import Point
from gigawatt.energy.program.interior import NotConvergedError, Structure, scaled
from gigawatt.energy.program.newton import PROXIMAL, longest_step

if TYPE_CHECKING:
    from gigawatt.energy.program.form import HourlyProgram
    from gigawatt.energy.program.newton import Moves, Residuals, State

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["Coupled", "CoupledPoint", "coupled_bound", "solve_coupled"]

_DAMPING: Final = 0.9995  # these four as in the solver of one program
_MOST_STEPS: Final = 300
_LOST: Final = 1e6
_GOOD_ENOUGH: Final = 1e-5


@dataclass(frozen=True)
class Coupled:
    r"""Hourly programs whose shared capacities follow from decisions.

    .. math::

        \min \sum_y \big(c_y \cdot x_y + d_y \cdot k_y\big) + v \cdot b, \qquad
        k_y^{\text{shared}} = e_y + G_y b, \quad R b = r, \quad
        \underline b \le b \le \overline b

    Parameters
    ----------
    programs : tuple of HourlyProgram
        The blocks. Shared capacities have no limits and no capital of their own.
    shared : tuple of ndarray of int (S,)
        Which capacities of each block are shared.
    base : tuple of ndarray (S,)
        What stands without any decision.
    by : tuple of ndarray (S, B)
        What each decision adds.
    cost, lower, upper : ndarray (B,)
        Of the decisions; lower below upper, the upper finite.
    rows : ndarray (R, B)
        Rows that tie decisions.
    right : ndarray (R,)
        Their right-hand sides.
    """

    programs: tuple[HourlyProgram, ...]
    shared: tuple[Indices, ...]
    base: tuple[Array, ...]
    by: tuple[Array, ...]
    cost: Array
    lower: Array
    upper: Array
    rows: Array
    right: Array

    def capacities(self, block: int, capacity: Array, decision: Array) -> Array:
        """Return a block's capacities with the shared ones set by the decisions."""
        out = capacity.copy()
        out[self.shared[block]] = self.base[block] + self.by[block] @ decision
        return out


@dataclass(frozen=True)
class CoupledPoint:
    """An answer: each block's, the decisions (B,), the prices of their rows (R,), and steps."""

    points: tuple[Point, ...]
    decision: Array
    row_price: Array
    steps: int


@dataclass
class _Decided:
    """The decisions in the solver; pairs are of lower and upper bounds."""

    b: Array
    nu: Array
    slack: tuple[Array, Array]
    dual: tuple[Array, Array]
    slack_move: tuple[Array, Array]
    dual_move: tuple[Array, Array]


def solve_coupled(problem: Coupled, tolerance: float = 1e-8) -> CoupledPoint:
    """Return the optimum of coupled programs with all prices.

    The interior-point method of one program, with one border more: each block is reduced to its
    few shared capacities by its own band and border, and the reduced blocks add up to a small
    system of the decisions. Work and memory are the sum over the blocks.

    Raises
    ------
    NotConvergedError
        If the goal is not met; the message says how near it came.
    """
    power = max(1.0, *(float(np.abs(p.right).max(initial=0.0)) for p in problem.programs))
    used = np.concatenate([np.abs(p.cost[p.cost != 0.0]) for p in problem.programs])
    money = float(np.median(used)) if used.size else 1.0
    with np.errstate(all="ignore"):  # a step that overflows is seen by what it leaves
        states, decided, steps = _Solver(_scaled(problem, power, money)).run(tolerance)
    return CoupledPoint(
        points=tuple(
            Point(np.ascontiguousarray(x.T) * power, k * power, y * money, mu * money, steps)
            for x, k, y, mu in states
        ),
        decision=decided[0] * power,
        row_price=decided[1] * money,
        steps=steps,
    )


def coupled_bound(problem: Coupled, point: CoupledPoint) -> tuple[float, Array]:
    r"""Return a cost that no answer can undercut, and what each decision is short of paying (B,).

    Weak duality, block by block: a block costs at least :math:`\phi_y + s_y \cdot k_y`, so all
    together at least :math:`\sum_y (\phi_y + s_y \cdot e_y) + r \cdot \nu + \min_b\,(v - R^T \nu +
    \sum_y G_y^T s_y) \cdot b` over the bounds. The bracket is what a further MW of a decision costs
    over what it saves.
    """
    total = float(problem.right @ point.row_price)
    reduced = problem.cost - problem.rows.T @ point.row_price
    for program, shared, base, by, one in zip(
        problem.programs, problem.shared, problem.base, problem.by, point.points, strict=True
    ):
        fixed, by_capacity = bound_parts(program, one.price, one.linking_price)
        own = np.ones(len(by_capacity), dtype=bool)
        own[shared] = False
        least = least_at_bounds(
            by_capacity[own], program.capacity_lower[own], program.capacity_upper[own]
        )
        total += fixed + float(least.sum()) + float(by_capacity[shared] @ base)
        reduced = reduced + by.T @ by_capacity[shared]
    return total + float(least_at_bounds(reduced, problem.lower, problem.upper).sum()), reduced


def _scaled(problem: Coupled, power: float, money: float) -> Coupled:
    """Return the problem in units of `power` and `money`."""
    return replace(
        problem,
        programs=tuple(scaled(p, power, money) for p in problem.programs),
        base=tuple(e / power for e in problem.base),
        cost=problem.cost / money,
        lower=problem.lower / power,
        upper=problem.upper / power,
        right=problem.right / power,
    )


class _Solver:
    """The method over all blocks."""

    def __init__(self, problem: Coupled) -> None:
        self.p = problem
        self.blocks = [Structure(p) for p in problem.programs]
        self.size = 1.0 + float(np.abs(problem.cost).max(initial=0.0))
        self.count = sum(b.count for b in self.blocks) + 2.0 * len(problem.cost)

    def start(self) -> tuple[list[State], _Decided]:
        """Return a point well within all bounds."""
        p = self.p
        room = np.minimum(p.upper - p.lower, 2.0)
        b = p.lower + 0.5 * room
        states = []
        for i, block in enumerate(self.blocks):
            upper = block.p.capacity_upper - block.p.capacity_lower
            own = np.where(block.k_lower, block.p.capacity_lower, 0.0)
            own = own + 0.5 * np.where(block.k_upper & block.k_lower, np.minimum(upper, 2.0), 2.0)
            states.append(block.start(p.capacities(i, own, b)))
        zero = np.zeros_like(b)
        return states, _Decided(
            b,
            np.zeros(len(p.right)),
            (b - p.lower, p.upper - b),
            (np.maximum(p.cost, 0.0) + 1.0, np.ones_like(b)),
            (zero.copy(), zero.copy()),
            (zero.copy(), zero.copy()),
        )

    def run(self, tolerance: float) -> tuple[list[Any], tuple[Array, Array], int]:
        """Step until the gap and the residuals are within the tolerance."""
        states, d = self.start()
        moves = [b.moves(s) for b, s in zip(self.blocks, states, strict=True)]
        best, kept = np.inf, _kept(states, d)
        for steps in range(_MOST_STEPS):
            left, own, product, off = self.residuals(states, d)
            if off <= tolerance:
                return *_kept(states, d), steps
            if not np.isfinite(off) or off > _LOST * best:
                break
            if off < best:
                best = off
                if off <= _GOOD_ENOUGH:
                    kept = _kept(states, d)
            try:
                self.advance(states, d, moves, left, own, product)
            except np.linalg.LinAlgError:
                break
        if best <= _GOOD_ENOUGH:
            return *kept, steps
        message = (
            f"the least-cost plan was found only to {best:.1e} of its cost after {steps} steps"
        )
        raise NotConvergedError(message)

    def residuals(
        self, states: list[State], d: _Decided
    ) -> tuple[list[Residuals], tuple[Array, Array], float, float]:
        """Return what is left of each equation, slacks times duals, and how far off that is."""
        p = self.p
        value, product, worst = float(p.cost @ d.b), 0.0, 0.0
        mine = p.cost - p.rows.T @ d.nu - d.dual[0] + d.dual[1]
        reduced, all_left = mine, []
        for block, s, shared, by in zip(self.blocks, states, p.shared, p.by, strict=True):
            left, part = block.residuals(s)
            all_left.append(left)
            product += part
            value += float((block.cost * s.x).sum() + block.p.capital @ s.k)
            reduced = reduced + by.T @ left.capacities[shared]
            own = left.capacities.copy()
            own[shared] = 0.0  # it is part of the decisions' equation
            worst = max(worst, block.worst(replace(left, capacities=own)))
        product += float(sum(a @ z for a, z in zip(d.slack, d.dual, strict=True)))
        rows = p.right - p.rows @ d.b
        worst = max(worst, float(np.abs(reduced).max(initial=0.0)) / self.size)
        worst = max(worst, float(np.abs(rows).max(initial=0.0)))
        off = max(product / (1.0 + abs(value)), worst)
        # The blocks' part of `reduced` comes back through their borders.
        return all_left, (mine, rows), product, off

    def advance(
        self,
        states: list[State],
        d: _Decided,
        moves: list[Moves],
        left: list[Residuals],
        own: tuple[Array, Array],
        product: float,
    ) -> None:
        """Take one step: predict, correct, and go nearly as far as the bounds allow."""
        reduced = [
            Reduced(b, s, at) for b, s, at in zip(self.blocks, states, self.p.shared, strict=True)
        ]
        mean = product / self.count
        longest, _, _ = self.direction(reduced, d, moves, left, own, 0.0, 0.0)
        primal, prices = (min(1.0, a) for a in longest)
        after: Any = 0.0
        for s, m in zip(states, moves, strict=True):
            after += kernels.remaining(s.slack, s.dual, m.series, primal, prices)
            for side in (0, 1):
                k_slack = s.k_slack[side] + primal * m.k_series[0][side]
                after += k_slack @ (s.k_dual[side] + prices * m.k_series[1][side])
        for side in (0, 1):
            slack = d.slack[side] + primal * d.slack_move[side]
            after += slack @ (d.dual[side] + prices * d.dual_move[side])
        centre = min(max(after, 0.0) / product, 1.0) ** 3 * mean
        longest, db, dnu = self.direction(reduced, d, moves, left, own, centre, 1.0)
        primal, prices = (min(1.0, _DAMPING * a) for a in longest)
        for s, m in zip(states, moves, strict=True):
            _step(s, m, primal, prices)
        d.b += primal * db
        d.nu += prices * dnu
        for side in (0, 1):
            d.slack[side][:] += primal * d.slack_move[side]
            d.dual[side][:] += prices * d.dual_move[side]

    def direction(
        self,
        reduced: list[Reduced],
        d: _Decided,
        moves: list[Moves],
        left: list[Residuals],
        own: tuple[Array, Array],
        centre: float,
        second: float,
    ) -> tuple[tuple[float, float], Array, Array]:
        """Fill the moves; return the longest steps, and the moves of decisions and their rows."""
        aim = [
            (centre - second * d.slack_move[i] * d.dual_move[i]) / d.slack[i] - d.dual[i]
            for i in (0, 1)
        ]
        rows, borders, aims = [], [], []
        for one, m, rest in zip(reduced, moves, left, strict=True):
            row, border, block_aim = one.newton.aimed(m, rest, centre, second)
            rows.append(row.ravel())
            borders.append(border)
            aims.append(block_aim)
        mine = np.concatenate([own[0] - aim[0] + aim[1], own[1]])
        ys, qs, decided = self._solved(reduced, d, rows, borders, mine, refine=second > 0.0)
        primal = prices = float(np.inf)
        for one, m, y, q, block_aim in zip(reduced, moves, ys, qs, aims, strict=True):
            m.y = y.reshape(m.y.shape)
            longest = one.newton.moved(m, q, block_aim, centre, second)
            primal, prices = min(primal, longest[0]), min(prices, longest[1])
        db, dnu = decided[: len(d.b)], decided[len(d.b) :]
        for i, change in enumerate((db, -db)):
            d.slack_move[i][:] = change
            d.dual_move[i][:] = aim[i] - d.dual[i] / d.slack[i] * change
            primal = min(primal, longest_step(d.slack[i], d.slack_move[i]))
            prices = min(prices, longest_step(d.dual[i], d.dual_move[i]))
        return (primal, prices), db, dnu

    def _solved(
        self,
        reduced: list[Reduced],
        d: _Decided,
        rows: list[Array],
        borders: list[Array],
        mine: Array,
        *,
        refine: bool,
    ) -> tuple[list[Array], list[Array], Array]:
        """Solve for the prices and border of each block, and for decisions and their rows."""
        p, count = self.p, len(d.b)
        own = np.zeros((len(mine), len(mine)))
        own[:count, :count] = -np.diag(sum(z / a for a, z in zip(d.slack, d.dual, strict=True)))
        own[count:, :count], own[:count, count:] = p.rows, p.rows.T
        at = np.arange(count, len(mine))
        own[at, at] = PROXIMAL
        matrix = own.copy()
        for one, by in zip(reduced, p.by, strict=True):
            matrix[:count, :count] += by.T @ one.matrix @ by

        def once(rows: list[Array], borders: list[Array], mine: Array) -> Any:  # noqa: ANN401
            right, done = mine.copy(), []
            for one, by, row, border in zip(reduced, p.by, rows, borders, strict=True):
                y, inner, shared = one.forward(row, border)
                right[:count] += by.T @ shared
                done.append((y, inner))
            decided = np.linalg.solve(matrix, right)
            back = [
                one.back(y, inner, by @ decided[:count])
                for one, by, (y, inner) in zip(reduced, p.by, done, strict=True)
            ]
            return [b[0] for b in back], [b[1] for b in back], decided

        ys, qs, decided = once(rows, borders, mine)
        if refine:
            off = [
                one.off(row, border, y, q)
                for one, row, border, y, q in zip(reduced, rows, borders, ys, qs, strict=True)
            ]
            more = once([o[0] for o in off], [o[1] for o in off], mine - own @ decided)
            ys = [y + a for y, a in zip(ys, more[0], strict=True)]
            qs = [q + a for q, a in zip(qs, more[1], strict=True)]
            decided = decided + more[2]
        return ys, qs, decided


def _step(s: State, m: Moves, primal: float, prices: float) -> None:
    """Move a block's state."""
    kernels.step(primal, s.x, m.x)
    kernels.step(prices, s.y, m.y)
    s.k += primal * m.k
    s.mu += prices * m.mu
    for side in (0, 1):
        kernels.step(primal, s.slack[side], m.series[0][side])
        kernels.step(prices, s.dual[side], m.series[1][side])
        s.k_slack[side][:] += primal * m.k_series[0][side]
        s.k_dual[side][:] += prices * m.k_series[1][side]


def _kept(states: list[State], d: _Decided) -> tuple[list[Any], tuple[Array, Array]]:
    """Return the part of all states that is an answer, copied."""
    blocks = [(s.x.copy(), s.k.copy(), s.y.copy(), s.mu.copy()) for s in states]
    return blocks, (d.b.copy(), d.nu.copy())
