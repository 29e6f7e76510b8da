"""Power caps: halls switch nodes off and on, or slow the jobs in them down."""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    ARE_OFF,
    C_CAP_AT,
    C_HALL_AT,
    C_HALL_NODES,
    C_HALLS,
    C_NODE_SIZE,
    CAPPED,
    CAPPED_ALL,
    CONDITION,
    FREE,
    FULL,
    LEAST_SPEED,
    MUST_BE_OFF,
    PACE,
    REPACE,
    RESERVED,
    STALE,
    UP,
)
from gigawatt.cluster.kernel.jit import part
from gigawatt.cluster.kernel.nodes import cap_node, return_node

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["apply_cap"]


@part
def apply_cap(c: Setup, s: State, i: int) -> None:
    """Let a hall slow down, or switch nodes off or on.

    Nodes of running jobs are switched off when these end.
    """
    hall = int(s.table[c[C_CAP_AT] + i, 1])
    if s.table[c[C_CAP_AT] + i, 3] > 0:
        _set_pace(c, s, hall, int(s.table[c[C_CAP_AT] + i, 2]))
        return
    s.table[c[C_HALL_AT] + hall, MUST_BE_OFF] = s.table[c[C_CAP_AT] + i, 2]
    first, last = hall * c[C_HALL_NODES], (hall + 1) * c[C_HALL_NODES]
    for promised in range(2):  # free nodes first, then those promised to the head of the queue
        n = last - 1
        while (
            n >= first
            and s.table[c[C_HALL_AT] + hall, ARE_OFF] < s.table[c[C_HALL_AT] + hall, MUST_BE_OFF]
        ):
            if s.node[n, FREE] == c[C_NODE_SIZE] and (s.node[n, RESERVED] > 0) == (promised > 0):
                if promised > 0:
                    s.now[STALE] = 2
                cap_node(c, s, n)
            n -= 1
    n = first
    while (
        n < last
        and s.table[c[C_HALL_AT] + hall, ARE_OFF] > s.table[c[C_HALL_AT] + hall, MUST_BE_OFF]
    ):
        if s.node[n, CONDITION] == CAPPED:
            s.table[c[C_HALL_AT] + hall, ARE_OFF] -= 1
            s.now[CAPPED_ALL] -= c[C_NODE_SIZE]
            s.node[n, CONDITION] = UP
            return_node(c, s, n)
        n += 1


@part
def _set_pace(c: Setup, s: State, hall: int, speed: int) -> None:
    """Set the speed of a hall; the jobs follow once all halls have theirs."""
    s.table[c[C_HALL_AT] + hall, PACE] = speed
    s.now[LEAST_SPEED] = FULL
    for k in range(c[C_HALLS]):
        s.now[LEAST_SPEED] = min(s.now[LEAST_SPEED], s.table[c[C_HALL_AT] + k, PACE])
    s.now[REPACE] = 1
