"""Capacities shared by several systems, planned together: the least cost over all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.dispatch.build import BOX, build
from gigawatt.energy.dispatch.diagnose import (
    DEAR,
    InfeasibleError,
    answer,
    broken_rules,
    least_breach,
)
from gigawatt.energy.dispatch.run import at_capacities, dispatched
from gigawatt.energy.expansion.blocks import Joint
from gigawatt.energy.expansion.coupled import Coupled, coupled_bound, solve_coupled
from gigawatt.energy.expansion.limits import last_unit_costs
from gigawatt.energy.expansion.plan import UnboundedError
from gigawatt.energy.program.bounds import bound_parts, least_at_bounds
from gigawatt.energy.program.form import Point
from gigawatt.energy.program.interior import NotConvergedError
from gigawatt.energy.program.monolithic import solve_monolithic
from gigawatt.errors import GigawattError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.energy.dispatch.build import Built
    from gigawatt.energy.expansion.blocks import Block, Decision, Limit
    from gigawatt.energy.expansion.coupled import CoupledPoint
    from gigawatt.energy.program.form import HourlyProgram
    from gigawatt.energy.system import System

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["plan_jointly"]

_NOTHING: Final = 1e-6
"""A decision below this part of the peak load is the solver's rest of none."""
_WORSE: Final = 1e-7  # of the cost: leaving away more than this had a use


def plan_jointly(
    blocks: Sequence[Block],
    decisions: Sequence[Decision],
    limits: Sequence[Limit] = (),
    *,
    tolerance: float = 1e-8,
) -> Joint:
    """Return the least-cost decisions over all blocks.

    Raises
    ------
    InfeasibleError
        If a block cannot keep its rules whatever is decided; the message names block, rule, amount
        and hours.
    UnboundedError
        If a decision would grow without limit.
    """
    box = BOX * max(1.0, *(float(b.system.load_mw.max()) for b in blocks))
    most = np.array([min(d.most_mw, box) for d in decisions])
    rows, right, low, high = _rows(decisions, limits, box)
    cost = np.concatenate([[d.usd_per_mw for d in decisions], np.zeros(len(low))])
    sized = [_sized(block, i, decisions, limits, most) for i, block in enumerate(blocks)]
    blocks = [block for block, _ in sized]
    for dear in DEAR:
        built = [_built(*one, dear * len(blocks)) for one in sized]
        problem = Coupled(
            *_shared(blocks, built, decisions, len(low)),
            cost=cost,
            lower=np.concatenate([np.zeros(len(most)), low]),
            upper=np.concatenate([most, high]),
            rows=rows,
            right=right,
        )
        point = _solved(problem, sized, tolerance)
        if not _breaches(blocks, built, point):
            _bounded(decisions, point, box)
            return _joint(blocks, built, decisions, problem, point)
        least = tuple(
            _free(least_breach(b), at, 1.0) for b, at in zip(built, problem.shared, strict=True)
        )
        nothing = replace(problem, cost=np.zeros_like(cost), programs=least)
        found = _breaches(blocks, built, _solved(nothing, sized, tolerance))
        if found:
            raise InfeasibleError("\n".join(found))
    message = "breaking a rule came out cheaper than keeping it; please report these systems"
    raise GigawattError(message)


def _solved(
    problem: Coupled, sized: Sequence[tuple[Block, Mapping[str, float]]], tolerance: float
) -> CoupledPoint:
    """Solve; where that fails, say which block cannot keep its rules by itself.

    A block that breaks its rules by far can keep the solver from an answer for the others. By
    itself, with all that could stand in it, it has one, if need be from HiGHS.
    """
    try:
        return solve_coupled(problem, tolerance)
    except NotConvergedError:
        found = [text for block, able in sized for text in _alone(block, able, tolerance)]
        if found:
            raise InfeasibleError("\n".join(found)) from None
        raise


def _alone(block: Block, able: Mapping[str, float], tolerance: float) -> list[str]:
    """Return what is broken in a block with all that could stand in it, in words."""
    system = _with_most(block.system, able)
    try:
        answer(system, firm_mw=block.firm_mw, tolerance=tolerance)
    except InfeasibleError as error:
        return _labelled(block, str(error).splitlines())
    except NotConvergedError:
        built = build(system, firm_mw=block.firm_mw)
        point = solve_monolithic(least_breach(built))
        size = max(float(system.load_mw.max()), 1.0)
        return _labelled(block, broken_rules(system, built, point, size))
    return []


def _with_most(system: System, able: Mapping[str, float]) -> System:
    """Return a system in which no more is planned than can stand in it."""
    return replace(
        system,
        sources=tuple(
            replace(s, least_mw=0.0, most_mw=able[s.name]) if s.capacity_mw is None else s
            for s in system.sources
        ),
        storages=tuple(
            replace(s, least_mw=0.0, most_mw=able[s.name]) if s.capacity_mw is None else s
            for s in system.storages
        ),
    )


def _labelled(block: Block, texts: Sequence[str]) -> list[str]:
    """Put a block's name before what is broken in it, and its own reason after."""
    found = [f"{block.label}: {text}" if block.label else text for text in texts]
    return [*found, f"{block.label}: {block.why}"] if texts and block.why else found


def _rows(
    decisions: Sequence[Decision], limits: Sequence[Limit], box: float
) -> tuple[Array, Array, Array, Array]:
    """Return rows that hold what stands within limits; what stands is a decision of its own."""
    spread = [one for one in limits if one.least_mw < one.most_mw]
    rows = np.zeros((len(limits), len(decisions) + len(spread)))
    right = np.zeros(len(limits))
    for i, one in enumerate(limits):
        for j, d in enumerate(decisions):
            rows[i, j] = d.stands[one.block] if d.part == one.part else 0.0
        if one.least_mw < one.most_mw:
            rows[i, len(decisions) + spread.index(one)] = -1.0
        else:
            right[i] = one.least_mw
    low = np.array([one.least_mw for one in spread])
    high = np.array([min(one.most_mw, box) for one in spread])
    return rows, right, low, high


def _sized(
    block: Block, number: int, decisions: Sequence[Decision], limits: Sequence[Limit], most: Array
) -> tuple[Block, dict[str, float]]:
    """Return a block without what cannot stand in it, and the most of what can."""
    able = {part.name: 0.0 for part in block.system.planned}
    for d, mw in zip(decisions, most, strict=True):
        if d.stands[number] and d.part in able:
            able[d.part] += float(mw)
    for one in limits:
        if one.block == number and one.part in able:
            able[one.part] = min(able[one.part], one.most_mw)
    none = {name: 0.0 for name, mw in able.items() if mw == 0.0}
    return replace(block, system=at_capacities(block.system, none)), able


def _built(block: Block, able: Mapping[str, float], dear: float) -> Built:
    """Return a block's program; what is planned costs nothing in it: decisions pay for it."""
    built = build(block.system, firm_mw=block.firm_mw, dear=dear)
    program = built.program
    capital, upper = program.capital.copy(), program.capacity_upper.copy()
    lower, upper_by = program.capacity_lower.copy(), program.upper_by.copy()
    for part in block.system.planned:
        k = built.capacities[part.name]
        capital[k], lower[k], upper[k] = 0.0, 0.0, able[part.name]
    for name, mask in block.masks.items():
        for what in ("charge", "discharge", "stored"):
            upper_by[built.series[f"{what} {name}"]] *= mask
        # It ends with what it began with: nothing, where it did not stand yet.
        upper_by[built.series[f"stored {name}"], -1] *= mask[0]
    return replace(
        built,
        program=replace(
            program, capital=capital, capacity_lower=lower, capacity_upper=upper, upper_by=upper_by
        ),
    )


def _free(program: HourlyProgram, shared: Indices, weight: float) -> HourlyProgram:
    """Return a program with its weight, whose shared capacities have no limits of their own."""
    lower, upper = program.capacity_lower.copy(), program.capacity_upper.copy()
    lower[shared], upper[shared] = -np.inf, np.inf
    return replace(
        program,
        cost=weight * program.cost,
        capital=weight * program.capital,
        capacity_lower=lower,
        capacity_upper=upper,
    )


def _shared(
    blocks: Sequence[Block], built: Sequence[Built], decisions: Sequence[Decision], more: int
) -> tuple[tuple[HourlyProgram, ...], tuple[Indices, ...], tuple[Array, ...], tuple[Array, ...]]:
    """Return programs, shared capacities, what stands without decisions, and what these add."""
    programs, at, base, by = [], [], [], []
    for i, (block, one) in enumerate(zip(blocks, built, strict=True)):
        names = [n for n in one.capacities if n in {d.part for d in decisions}]
        shared = np.array([one.capacities[n] for n in names], dtype=np.int64)
        adds = np.zeros((len(names), len(decisions) + more))
        for j, d in enumerate(decisions):
            if d.part in names:
                adds[names.index(d.part), j] = d.stands[i]
        programs.append(_free(one.program, shared, block.weight))
        at.append(shared)
        base.append(np.zeros(len(names)))
        by.append(adds)
    return tuple(programs), tuple(at), tuple(base), tuple(by)


def _breaches(blocks: Sequence[Block], built: Sequence[Built], point: CoupledPoint) -> list[str]:
    """Return what is broken, in words, block by block."""
    found = []
    for block, one, here in zip(blocks, built, point.points, strict=True):
        size = max(float(block.system.load_mw.max()), 1.0)
        found += _labelled(block, broken_rules(block.system, one, here, size))
    return found


def _bounded(decisions: Sequence[Decision], point: CoupledPoint, box: float) -> None:
    """Raise if a decision without a limit ran into the box."""
    grown = {
        d.part
        for d, mw in zip(decisions, point.decision, strict=False)
        if d.most_mw > box and mw > 0.5 * box
    }
    if grown:
        message = (
            f"{', '.join(sorted(grown))}: each further MW earns more than it costs, and nothing "
            f"limits it (it grew to {BOX:g} times the peak load); state most_mw, or look for a "
            "marginal cost below zero"
        )
        raise UnboundedError(message)


def _joint(
    blocks: Sequence[Block],
    built: Sequence[Built],
    decisions: Sequence[Decision],
    problem: Coupled,
    point: CoupledPoint,
) -> Joint:
    """Return the answer made exact, with its certificate.

    A rest of nearly nothing is left away where that costs nothing.
    """
    size, count = max(1.0, *(float(b.system.load_mw.max()) for b in blocks)), len(decisions)
    bound, short = coupled_bound(problem, point)
    whole = np.clip(point.decision, problem.lower, problem.upper)
    little = (whole < _NOTHING * size) & (problem.lower == 0.0) & (problem.cost > 0.0)
    best: Joint | None = None
    for decided in (np.where(little, 0.0, whole), whole):
        held = _held(blocks, problem, point, decided)
        runs = tuple(
            replace(dispatched(b.system, one, here), lower_bound_usd=_bound_at(one, here, at))
            for b, one, here, at in zip(blocks, built, held, problem.shared, strict=True)
        )
        running = sum(b.weight * run.total_usd for b, run in zip(blocks, runs, strict=True))
        found = Joint(
            decision_mw=decided[:count],
            dispatch=runs,
            total_usd=float(problem.cost @ decided) + running,
            lower_bound_usd=bound,
            short_usd_per_mw=short[:count],
            last_unit=tuple(
                last_unit_costs(b.system, one, here)
                for b, one, here in zip(blocks, built, held, strict=True)
            ),
            steps=point.steps,
        )
        if best is None or found.total_usd < best.total_usd:
            best = found
        if best.total_usd <= bound + _WORSE * max(abs(bound), 1.0):
            break
    assert best is not None  # noqa: S101  the loop runs
    return best


def _held(
    blocks: Sequence[Block], problem: Coupled, point: CoupledPoint, decided: Array
) -> list[Point]:
    """Return each block's answer at the decided capacities, its prices without the weight."""
    return [
        Point(
            one.x,
            problem.capacities(i, one.capacity, decided),
            one.price / block.weight,
            one.linking_price / block.weight,
            one.iterations,
        )
        for i, (block, one) in enumerate(zip(blocks, point.points, strict=True))
    ]


def _bound_at(built: Built, point: Point, shared: Indices) -> float:
    """Return a cost that no dispatch at these shared capacities can undercut."""
    program = built.program
    fixed, by_capacity = bound_parts(program, point.price, point.linking_price)
    own = np.ones(len(by_capacity), dtype=bool)
    own[shared] = False
    least = least_at_bounds(
        by_capacity[own], program.capacity_lower[own], program.capacity_upper[own]
    )
    return fixed + float(least.sum()) + float(by_capacity[shared] @ point.capacity[shared])
