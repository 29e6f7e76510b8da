"""Stop running jobs for one of higher priority.

Those of the lowest priority go first, of these the ones that were placed last. Nothing is stopped
unless the waiting job fits afterwards, and nothing that does not help it.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    BY_PREEMPTION,
    C_NODE_SIZE,
    C_POOL,
    FIRST,
    FREE_ALL,
    FREE_LATER,
    GRACE_S,
    HELD,
    INTERVAL_S,
    KNOWN,
    KNOWN_HEAP,
    LEAD_S,
    MARK,
    MASK,
    PICKED,
    PICKED_NODE,
    PLACED_AT,
    PREEMPTIBLE,
    PREEMPTIONS,
    PRIORITY,
    RUNS,
    SAVES,
    SCRATCH_HEAP,
    SINCE,
    SIZE,
    SLOT_NEXT,
    SPAN,
    STATUS,
    UNTIL_S,
)
from gigawatt.cluster.kernel.jit import jit, part
from gigawatt.cluster.kernel.placing import fits, pick
from gigawatt.cluster.kernel.rates import last_write_s
from gigawatt.cluster.kernel.reserving import lend, restore
from gigawatt.cluster.kernel.running import expect, requeue, settle, wake

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["preempt"]


@part
def preempt(c: Setup, s: State, j: int, t: int) -> bool:
    """Make room for job `j`; True if anything was freed at once."""
    size, span, priority = int(s.job[j, SIZE]), int(s.job[j, SPAN]), s.job[j, PRIORITY]
    free = s.now[FREE_ALL]
    free += _lend_saving(c, s)
    chosen = 0
    enough = _enough(c, s, free, size, span)
    already = enough
    while not enough:
        k = _victim(s, int(priority))
        if k < 0:
            break
        s.job[k, STATUS] = SAVES
        s.heap[SCRATCH_HEAP, chosen] = k
        chosen += 1
        free += s.job[k, HELD]
        if c[C_POOL] == 0:
            lend(c, s, k)
        enough = _enough(c, s, free, size, span)
    if enough and not already and c[C_POOL] == 0:
        pick(c, s, FREE_LATER, size, span)
        _mark_picked(s, 2)
    freed = False
    for i in range(chosen):
        k = int(s.heap[SCRATCH_HEAP, i])
        s.job[k, STATUS] = RUNS
        if enough and (c[C_POOL] > 0 or _gives(c, s, k)):
            freed = _stop(c, s, k, t) or freed
    restore(c, s)
    if enough and not already and c[C_POOL] == 0:
        _mark_picked(s, 0)
    return freed


@part
def _lend_saving(c: Setup, s: State) -> int:
    """Count what preempted jobs give back soon as free; return it."""
    free = 0
    for i in range(s.now[KNOWN]):
        k = int(s.heap[KNOWN_HEAP, i] & MASK)
        if s.job[k, STATUS] == SAVES:
            free += s.job[k, HELD]
            if c[C_POOL] == 0:
                lend(c, s, k)
    return free


@jit
def _mark_picked(s: State, mark: int) -> None:
    for i in range(s.now[PICKED]):
        s.node[s.node[i, PICKED_NODE], MARK] = mark


@jit
def _enough(c: Setup, s: State, free: int, size: int, span: int) -> bool:
    return free >= size if c[C_POOL] > 0 else fits(c, s, FREE_LATER, size, span)


@part
def _victim(s: State, priority: int) -> int:
    """Return the job to stop next, -1 if there is none."""
    best = -1
    for i in range(s.now[KNOWN]):
        k = int(s.heap[KNOWN_HEAP, i] & MASK)
        if s.job[k, STATUS] != RUNS or s.job[k, PREEMPTIBLE] == 0:
            continue
        if s.job[k, PRIORITY] >= priority:
            continue
        if best < 0 or _before(s, k, best):
            best = k
    return best


@jit
def _before(s: State, a: int, b: int) -> bool:
    if s.job[a, PRIORITY] != s.job[b, PRIORITY]:
        return s.job[a, PRIORITY] < s.job[b, PRIORITY]
    if s.job[a, PLACED_AT] != s.job[b, PLACED_AT]:
        return s.job[a, PLACED_AT] > s.job[b, PLACED_AT]
    return a > b


@part
def _gives(c: Setup, s: State, k: int) -> bool:
    """Return whether job `k` has a node that was picked."""
    slot = s.job[k, FIRST]
    while slot >= 0:
        if s.node[slot // c[C_NODE_SIZE], MARK] == 2:
            return True
        slot = s.slot[slot, SLOT_NEXT]
    return False


@part
def _stop(c: Setup, s: State, k: int, t: int) -> bool:
    """Stop job `k`: with a last checkpoint if there is time for one, else at once (True)."""
    s.job[k, PREEMPTIONS] += 1
    write = last_write_s(c, s, k)
    working = t - s.job[k, SINCE] > s.job[k, LEAD_S]
    saves = s.job[k, INTERVAL_S] > 0 and write <= s.job[k, GRACE_S] and working
    if not saves or s.job[k, UNTIL_S] >= 0:
        settle(c, s, k, t, s.job[k, INTERVAL_S] > 0 and write == 0)
        requeue(c, s, k, t, BY_PREEMPTION)
        return True
    settle(c, s, k, t, True)
    s.job[k, STATUS] = SAVES
    wake(s, k, t + write)
    expect(c, s, k, t + write)
    return False
