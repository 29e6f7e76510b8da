"""Find nodes in the plan of conservative backfill."""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    C_DOMAIN_NODES,
    C_HALL_NODES,
    C_NODE_SIZE,
    C_NODES,
    C_PLAN_AT,
    C_POD_NODES,
    DOMAIN,
    HALL,
    LEAST_FREE,
    PICKED,
    PICKED_NODE,
    POD,
    ROWS,
)
from gigawatt.cluster.kernel.jit import part

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["fits_until"]


@part
def fits_until(c: Setup, s: State, row: int, end: int, size: int, span: int) -> bool:
    """Pick nodes that are free from `row` on until `end`; False if there are not enough."""
    for n in range(s.plan.shape[1]):
        s.node[n, LEAST_FREE] = s.plan[row, n]
    if not _pick_least(c, s, size, span):
        return False
    row += 1
    while row < s.now[ROWS] and s.table[c[C_PLAN_AT] + row, 0] < end:
        for n in range(s.plan.shape[1]):
            s.node[n, LEAST_FREE] = min(s.node[n, LEAST_FREE], s.plan[row, n])
        if not _pick_least(c, s, size, span):
            return False
        row += 1
    return True


@part
def _pick_least(c: Setup, s: State, size: int, span: int) -> bool:
    """Pick nodes by what `least` says is free: the tightest group of the smallest kind."""
    if size <= c[C_NODE_SIZE]:
        best = -1
        for n in range(s.plan.shape[1]):
            if s.node[n, LEAST_FREE] >= size and (
                best < 0 or s.node[n, LEAST_FREE] < s.node[best, LEAST_FREE]
            ):
                best = n
        s.node[0, PICKED_NODE] = max(best, 0)
        s.now[PICKED] = 1
        return best >= 0
    need = (size + c[C_NODE_SIZE] - 1) // c[C_NODE_SIZE]
    if _pick_group(c, s, need, c[C_DOMAIN_NODES]) or span == DOMAIN:
        return s.now[PICKED] == need
    if _pick_group(c, s, need, c[C_POD_NODES]) or span == POD:
        return s.now[PICKED] == need
    if _pick_group(c, s, need, c[C_HALL_NODES]) or span == HALL:
        return s.now[PICKED] == need
    return _pick_group(c, s, need, c[C_NODES])


@part
def _pick_group(c: Setup, s: State, need: int, width: int) -> bool:
    """Pick whole nodes of the group of `width` nodes that has the fewest which are enough."""
    s.now[PICKED] = 0
    best, best_whole = -1, 0
    for first in range(0, c[C_NODES], width):
        whole = 0
        for n in range(first, first + width):
            if s.node[n, LEAST_FREE] == c[C_NODE_SIZE]:
                whole += 1
        if whole >= need and (best < 0 or whole < best_whole):
            best, best_whole = first, whole
    if best < 0:
        return False
    n = best
    while s.now[PICKED] < need:
        if s.node[n, LEAST_FREE] == c[C_NODE_SIZE]:
            s.node[s.now[PICKED], PICKED_NODE] = n
            s.now[PICKED] += 1
        n += 1
    return True
