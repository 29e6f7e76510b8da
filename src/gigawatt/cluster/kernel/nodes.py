"""Free accelerators of every group of nodes, and which job has which node.

Two views are kept. The first is what is free now. The second is what is free for a job that is
still there when the reserved head of the queue is to start: on the nodes promised to it, only what
it leaves. Without a reservation both are the same.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    ARE_OFF,
    C_DOMAIN_NODES,
    C_DOMAIN_ROW,
    C_HALL_AT,
    C_HALL_NODES,
    C_NODE_SIZE,
    C_POOL,
    C_SPARE_NODES,
    C_TWO_VIEWS,
    C_WHOLE_ROW,
    CAPPED,
    CAPPED_ALL,
    CONDITION,
    EXPECTED,
    FIRST,
    FREE,
    FREE_ALL,
    FREE_LATER,
    FREED,
    HALL_ROW,
    HEAD,
    HELD,
    MUST_BE_OFF,
    PICKED,
    PICKED_NODE,
    POD_ROW,
    RESERVED,
    ROOM,
    ROOM_POOL,
    SHADOW,
    SLOT_COUNT,
    SLOT_JOB,
    SLOT_NEXT,
    SPARE,
    SPARE_ALL,
    SPARE_NODE,
    SPARES,
    UP,
)
from gigawatt.cluster.kernel.jit import jit, part

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = [
    "allocate",
    "cap_node",
    "forget_spare",
    "make_free",
    "release",
    "return_node",
    "set_free",
    "set_view",
    "unlink",
]


@part
def set_view(c: Setup, s: State, view: int, n: int, free: int) -> None:
    """Make `free` accelerators of node `n` free in a view, and count it in each of its groups."""
    old = int(s.node[n, view])
    if old == free:
        return
    s.node[n, view] = free
    hall, pod = s.node[n, HALL_ROW], s.node[n, POD_ROW]
    _move(s, view, 0, old, free)
    _move(s, view, hall, old, free)
    _move(s, view, pod, old, free)
    if c[C_DOMAIN_NODES] > 1:
        row = c[C_DOMAIN_ROW] + n // c[C_DOMAIN_NODES]
        before = s.groups[view, row, c[C_NODE_SIZE]]
        _move(s, view, row, old, free)
        after = s.groups[view, row, c[C_NODE_SIZE]]
        if after != before:
            _move(s, view, c[C_WHOLE_ROW], before, after)
            _move(s, view, c[C_WHOLE_ROW] + hall, before, after)
            _move(s, view, c[C_WHOLE_ROW] + pod, before, after)


@jit
def _move(s: State, view: int, row: int, before: int, after: int) -> None:
    """Count a node, or a domain, of a group under another number of free accelerators or nodes."""
    s.groups[view, row, before] -= 1
    s.groups[view, row, after] += 1


@part
def set_free(c: Setup, s: State, n: int, free: int) -> None:
    """Make `free` accelerators of node `n` free, and later as many as the reservation leaves."""
    set_view(c, s, FREE, n, free)
    if c[C_TWO_VIEWS] > 0:
        held = s.node[n, RESERVED] > 0
        set_view(c, s, FREE_LATER, n, min(free, int(s.node[n, ROOM])) if held else free)


@part
def _link(c: Setup, s: State, j: int, n: int, count: int) -> None:
    """Give `count` accelerators of node `n` to job `j`."""
    k = n * c[C_NODE_SIZE]
    while s.slot[k, SLOT_COUNT] > 0:
        k += 1
    s.slot[k, SLOT_JOB] = j
    s.slot[k, SLOT_COUNT] = count
    s.slot[k, SLOT_NEXT] = s.job[j, FIRST]
    s.job[j, FIRST] = k


@jit
def allocate(c: Setup, s: State, j: int, accelerators: int) -> None:
    """Give job `j` the nodes just picked, or that many accelerators of a pool.

    `EXPECTED` of the job says whether it outlasts the reservation.
    """
    outlasts = s.now[HEAD] >= 0 and s.job[j, EXPECTED] > s.now[SHADOW]
    s.job[j, HELD] += accelerators
    s.now[FREE_ALL] -= accelerators
    if c[C_POOL] == 0:
        _allocate_nodes(c, s, j, min(accelerators, int(c[C_NODE_SIZE])), outlasts)
    elif outlasts:
        s.now[ROOM_POOL] -= accelerators


@part
def _allocate_nodes(c: Setup, s: State, j: int, each: int, outlasts: bool) -> None:
    """Give job `j` that many accelerators of each node picked."""
    for i in range(s.now[PICKED]):
        n = int(s.node[i, PICKED_NODE])
        if outlasts and s.node[n, RESERVED] > 0:
            s.node[n, ROOM] -= each
        _link(c, s, j, n, each)
        set_free(c, s, n, int(s.node[n, FREE]) - each)


@part
def unlink(s: State, j: int, slot: int) -> None:
    """Take a slot from job `j`; the accelerators do not become free."""
    k = s.job[j, FIRST]
    if k == slot:
        s.job[j, FIRST] = s.slot[k, SLOT_NEXT]
    else:
        while s.slot[k, SLOT_NEXT] != slot:
            k = s.slot[k, SLOT_NEXT]
        s.slot[k, SLOT_NEXT] = s.slot[slot, SLOT_NEXT]
    s.job[j, HELD] -= s.slot[slot, SLOT_COUNT]
    s.slot[slot, SLOT_COUNT] = 0


@jit
def release(c: Setup, s: State, j: int) -> None:
    """Take all accelerators from job `j`."""
    s.now[FREED] = 1
    if c[C_POOL] == 0:
        _release_nodes(c, s, j)
    else:
        s.now[FREE_ALL] += s.job[j, HELD]
    s.job[j, HELD] = 0


@part
def _release_nodes(c: Setup, s: State, j: int) -> None:
    k = s.job[j, FIRST]
    while k >= 0:
        count = int(s.slot[k, SLOT_COUNT])
        s.slot[k, SLOT_COUNT] = 0
        n = k // c[C_NODE_SIZE]
        free = int(s.node[n, FREE]) + count
        s.now[FREE_ALL] += count
        set_free(c, s, n, free)
        if free == c[C_NODE_SIZE] and _owed(c, s, n):
            cap_node(c, s, n)
        k = s.slot[k, SLOT_NEXT]
    s.job[j, FIRST] = -1


@jit
def _owed(c: Setup, s: State, n: int) -> bool:
    """Return whether the hall of node `n` has to switch off a node yet, and it may be this one."""
    hall = n // c[C_HALL_NODES]
    return (
        s.table[c[C_HALL_AT] + hall, ARE_OFF] < s.table[c[C_HALL_AT] + hall, MUST_BE_OFF]
        and s.node[n, RESERVED] == 0
    )


@part
def cap_node(c: Setup, s: State, n: int) -> None:
    """Switch a free node off, as its hall may not draw more power."""
    s.node[n, CONDITION] = CAPPED
    s.table[c[C_HALL_AT] + n // c[C_HALL_NODES], ARE_OFF] += 1
    s.now[FREE_ALL] -= c[C_NODE_SIZE]
    s.now[CAPPED_ALL] += c[C_NODE_SIZE]
    set_free(c, s, n, 0)


@jit
def make_free(c: Setup, s: State, n: int) -> None:
    """Put a node that nobody uses into service."""
    s.node[n, CONDITION] = UP
    s.now[FREE_ALL] += c[C_NODE_SIZE]
    s.now[FREED] = 1
    set_free(c, s, n, c[C_NODE_SIZE])


@part
def return_node(c: Setup, s: State, n: int) -> None:
    """Use a node that comes back: for the reservation, as a spare, for the cap, or for anyone."""
    if s.node[n, RESERVED] == 0:
        if s.now[SPARES] < c[C_SPARE_NODES]:
            s.node[n, CONDITION] = SPARE
            s.node[s.now[SPARES], SPARE_NODE] = n
            s.now[SPARES] += 1
            s.now[SPARE_ALL] += c[C_NODE_SIZE]
            s.now[FREED] = 1
            return
        if _owed(c, s, n):
            s.now[FREE_ALL] += c[C_NODE_SIZE]
            cap_node(c, s, n)
            return
    make_free(c, s, n)


@part
def forget_spare(c: Setup, s: State, n: int) -> None:
    """Take node `n` out of the pool of hot spares."""
    count = s.now[SPARES]
    i = 0
    while s.node[i, SPARE_NODE] != n:
        i += 1
    s.node[i, SPARE_NODE] = s.node[count - 1, SPARE_NODE]
    s.now[SPARES] = count - 1
    s.now[SPARE_ALL] -= c[C_NODE_SIZE]
