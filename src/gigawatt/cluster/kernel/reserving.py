"""The reservation of EASY backfill: when the head of the queue starts at the latest, and where.

The jobs that run are thought to end as expected and nodes to be repaired as booked, in that order,
until the head fits. The nodes picked then are promised to it. Others may start before it if they
end by then, or on what it does not need. So the head is never late unless a failure or a power cap
takes its nodes, or delays a job that has them. This is the textbook rule (D. A. Lifka, "The
ANL/IBM SP scheduling system", 1995), held also for single nodes.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    BACK_AT,
    BROKEN_AT,
    BROKEN_PROMISES,
    C_NODE_SIZE,
    C_POOL,
    C_SPARE_NODES,
    FIRST,
    FOREVER,
    FREE,
    FREE_ALL,
    FREE_LATER,
    HEAD,
    HELD,
    KNOWN,
    KNOWN_HEAP,
    KNOWN_PLACE,
    MARK,
    MASK,
    PICKED,
    PICKED_NODE,
    PROMISE_AT,
    PROMISE_JOB,
    PROMISE_START,
    PROMISE_WHY,
    PROMISED,
    PROMISES,
    REPAIR_HEAP,
    REPAIRS,
    RESERVED,
    RESERVED_AT,
    RESERVED_COUNT,
    RESERVED_NODE,
    ROOM,
    ROOM_POOL,
    SCRATCH_HEAP,
    SHADOW,
    SHIFT,
    SIZE,
    SLOT_COUNT,
    SLOT_NEXT,
    SPAN,
    SPARES,
    STALE,
    TENANT,
    TOUCHED,
    TOUCHED_NODE,
    WALK_HEAP,
)
from gigawatt.cluster.kernel.heap import pop_least, push_least, top_time
from gigawatt.cluster.kernel.jit import jit, part
from gigawatt.cluster.kernel.nodes import set_view
from gigawatt.cluster.kernel.placing import fits, pick

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["cancel", "lend", "lend_node", "promise", "reserve", "restore"]


@part
def cancel(c: Setup, s: State) -> None:
    """Drop the reservation."""
    j = s.now[HEAD]
    s.tenant[s.job[j, TENANT], PROMISED] -= s.job[j, SIZE]
    s.now[HEAD] = -1
    s.now[STALE] = 0
    for i in range(s.now[RESERVED_COUNT]):
        n = int(s.node[i, RESERVED_NODE])
        s.node[n, RESERVED] = 0
        set_view(c, s, FREE_LATER, n, int(s.node[n, FREE]))
    s.now[RESERVED_COUNT] = 0


@jit
def lend_node(c: Setup, s: State, n: int, free: int) -> None:
    """Make accelerators of node `n` free in the second view, and remember to undo it."""
    set_view(c, s, FREE_LATER, n, free)
    if s.node[n, MARK] == 0:
        s.node[n, MARK] = 1
        s.node[s.now[TOUCHED], TOUCHED_NODE] = n
        s.now[TOUCHED] += 1


@part
def lend(c: Setup, s: State, j: int) -> None:
    """Free in the second view what job `j` has."""
    k = s.job[j, FIRST]
    while k >= 0:
        n = int(k) // c[C_NODE_SIZE]
        lend_node(c, s, n, int(s.node[n, FREE_LATER] + s.slot[k, SLOT_COUNT]))
        k = s.slot[k, SLOT_NEXT]


@part
def restore(c: Setup, s: State) -> None:
    """Undo what was lent; nodes that are reserved keep what the reservation leaves."""
    for i in range(s.now[TOUCHED]):
        n = int(s.node[i, TOUCHED_NODE])
        s.node[n, MARK] = 0
        s.node[n, FREE_LATER] = s.node[n, FREE]
    s.now[TOUCHED] = 0
    for row in range(s.groups.shape[1]):
        for free in range(s.groups.shape[2]):
            s.groups[FREE_LATER, row, free] = s.groups[FREE, row, free]
    for i in range(s.now[RESERVED_COUNT]):
        n = int(s.node[i, RESERVED_NODE])
        free = min(int(s.node[n, FREE]), int(s.node[n, ROOM]))
        set_view(c, s, FREE_LATER, n, free)


@part
def reserve(c: Setup, s: State, j: int, t: int) -> None:
    """Promise job `j` its start; without a reservation before."""
    before = s.job[j, RESERVED_AT] if s.now[STALE] > 0 else -1
    broken = s.now[STALE] == 2
    why = s.now[STALE]
    s.now[STALE] = 0
    shadow = _reserve_pool(s, j) if c[C_POOL] > 0 else _reserve_nodes(c, s, j, t)
    s.now[HEAD] = j
    s.now[SHADOW] = shadow
    s.tenant[s.job[j, TENANT], PROMISED] += s.job[j, SIZE]
    if broken and shadow > before >= 0 and s.job[j, BROKEN_AT] < 0:
        s.job[j, BROKEN_AT] = t
        s.now[BROKEN_PROMISES] += 1
    if s.job[j, RESERVED_AT] < 0 and shadow < FOREVER:
        s.job[j, RESERVED_AT] = shadow
    promise(s, j, t, shadow, why)


@jit
def promise(s: State, j: int, t: int, start: int, why: int) -> None:
    """Note a reservation."""
    if s.promise.shape[0] == 0:
        return
    row = s.now[PROMISES]
    s.promise[row, PROMISE_JOB] = j
    s.promise[row, PROMISE_AT] = t
    s.promise[row, PROMISE_START] = start
    s.promise[row, PROMISE_WHY] = why
    s.now[PROMISES] = row + 1


@jit
def _open_walk(s: State) -> int:
    """Begin to go through the heap of expected ends in order; return the entries of the walk."""
    if s.now[KNOWN] == 0:
        return 0
    s.heap[WALK_HEAP, 0] = s.heap[KNOWN_HEAP, 0]
    return 1


@jit
def _step(s: State, entries: int) -> int:
    """Go past the first entry of the walk: its two children come in. Return the entries left."""
    i = s.job[s.heap[WALK_HEAP, 0] & MASK, KNOWN_PLACE]
    entries = pop_least(s, WALK_HEAP, entries)
    for child in range(2 * i + 1, min(2 * i + 3, s.now[KNOWN])):
        entries = push_least(s, WALK_HEAP, entries, s.heap[KNOWN_HEAP, child])
    return entries


@part
def _reserve_pool(s: State, j: int) -> int:
    size = s.job[j, SIZE]
    free, shadow = s.now[FREE_ALL], -1
    entries = _open_walk(s)
    while entries > 0:
        end = s.heap[WALK_HEAP, 0] >> SHIFT
        if end >= FOREVER or (free >= size and end > shadow):
            break
        free += s.job[s.heap[WALK_HEAP, 0] & MASK, HELD]
        shadow = end
        entries = _step(s, entries)
    if free < size:
        s.now[ROOM_POOL] = s.now[FREE_ALL]
        return FOREVER
    s.now[ROOM_POOL] = free - size
    return shadow


@part
def _lend_repaired(c: Setup, s: State, now: int, repairs: int, missing: int) -> tuple[int, int]:
    """Free in the second view the nodes that are back at `now`; return what is left to do."""
    while top_time(s, SCRATCH_HEAP, repairs) == now:
        n = int(s.heap[SCRATCH_HEAP, 0] & MASK)
        repairs = pop_least(s, SCRATCH_HEAP, repairs)
        if s.heap[BACK_AT, n] > now:
            repairs = push_least(s, SCRATCH_HEAP, repairs, (s.heap[BACK_AT, n] << SHIFT) | n)
        elif missing > 0:
            missing -= 1
        else:
            lend_node(c, s, n, int(c[C_NODE_SIZE]))
    return repairs, missing


@part
def _reserve_nodes(c: Setup, s: State, j: int, t: int) -> int:
    size, span = int(s.job[j, SIZE]), int(s.job[j, SPAN])
    entries = _open_walk(s)
    repairs = s.now[REPAIRS]
    for i in range(repairs):
        s.heap[SCRATCH_HEAP, i] = s.heap[REPAIR_HEAP, i]
    missing = c[C_SPARE_NODES] - s.now[SPARES]  # the first nodes repaired become spares
    shadow = FOREVER
    while True:
        end = top_time(s, WALK_HEAP, entries)
        back = top_time(s, SCRATCH_HEAP, repairs)
        now = min(end, back)
        if now >= FOREVER:
            break
        while top_time(s, WALK_HEAP, entries) == now:
            lend(c, s, int(s.heap[WALK_HEAP, 0] & MASK))
            entries = _step(s, entries)
        repairs, missing = _lend_repaired(c, s, now, repairs, missing)
        if fits(c, s, FREE_LATER, size, span):
            shadow = max(now, t)
            break
    if shadow < FOREVER:
        pick(c, s, FREE_LATER, size, span)
        each = min(size, c[C_NODE_SIZE])
        for i in range(s.now[PICKED]):
            n = int(s.node[i, PICKED_NODE])
            s.node[n, RESERVED] = each
            s.node[n, ROOM] = s.node[n, FREE_LATER] - each
            s.node[i, RESERVED_NODE] = n
            lend_node(c, s, n, int(s.node[n, FREE_LATER]))
        s.now[RESERVED_COUNT] = s.now[PICKED]
    restore(c, s)
    return shadow
