"""The plan of conservative backfill: every waiting job is promised its start, and where.

The plan holds, from each time on at which something changes, the free accelerators of every node
(of the whole pool, where there are no nodes). A job that comes is planned at the earliest time from
which it fits until its end. Nothing planned is ever moved to a later time, unless a failure or a
power cap takes its nodes. Where jobs end before they were thought to, or nodes come back, planned
jobs are moved to earlier times, one after another in the order they were planned.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.bits import next_place
from gigawatt.cluster.kernel.columns import (
    BACK_AT,
    BROKEN_AT,
    BROKEN_PROMISES,
    BY_RANK,
    C_FAIR,
    C_LANES,
    C_NODE_SIZE,
    C_NODES,
    C_PLAN_AT,
    C_PLAN_ROWS,
    C_PLANNED,
    C_PLANNED_AT,
    C_POOL,
    FIRST,
    FOREVER,
    FREE,
    FREE_ALL,
    HELD,
    KNOWN,
    KNOWN_HEAP,
    LANE_FROM,
    LANE_TO,
    MASK,
    NEXT_START,
    ORDER,
    PICKED,
    PICKED_NODE,
    PLAN_ROW,
    PLANNED,
    PROMISED,
    REPAIR_HEAP,
    REPAIRS,
    REPLAN,
    RESERVED,
    RESERVED_AT,
    ROOM,
    ROWS,
    SCRATCH_HEAP,
    SHIFT,
    SIZE,
    SLOT_COUNT,
    SLOT_NEXT,
    SPAN,
    STATUS,
    TENANT,
    WAITS,
    WALK_HEAP,
)
from gigawatt.cluster.kernel.heap import pop_least, push_least
from gigawatt.cluster.kernel.jit import jit, part
from gigawatt.cluster.kernel.nodes import set_free
from gigawatt.cluster.kernel.plan_fitting import fits_until
from gigawatt.cluster.kernel.reserving import promise
from gigawatt.cluster.kernel.sharing import sort_lanes, within_quota
from gigawatt.cluster.kernel.starting import expected_end, start

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State


__all__ = ["run_plan"]

# Columns of `State.plan_job`.
_JOB, _START, _END, _GOOD = 0, 1, 2, 3


@part
def run_plan(c: Setup, s: State, t: int) -> None:
    """Bring the plan up to `t`, plan the jobs that are new, and start those whose time has come."""
    _forget_gone(c, s)
    _lay_out(c, s, t)
    broken = False
    for k in range(s.now[PLANNED]):
        good = _holds(c, s, k, t)
        s.table[c[C_PLANNED_AT] + k, _GOOD] = 1 if good else 0
        if good:
            _shift(c, s, k, -1)
        else:
            broken = True
    if broken or s.now[REPLAN] > 0:
        _move_earlier(c, s, t)
    s.now[REPLAN] = 0
    if c[C_FAIR] > 0:
        sort_lanes(c, s, t)
    _plan_new(c, s, t)
    _start_due(c, s, t)


@part
def _forget_gone(c: Setup, s: State) -> None:
    """Take the services out of the plan whose time was over before they could start."""
    kept = 0
    for k in range(s.now[PLANNED]):
        j = int(s.table[c[C_PLANNED_AT] + k, _JOB])
        if s.job[j, STATUS] == WAITS:
            if kept < k:
                _copy_planned(c, s, k, kept)
            kept += 1
        else:
            s.tenant[s.job[j, TENANT], PROMISED] -= s.job[j, SIZE]
    s.now[PLANNED] = kept


@part
def _copy_planned(c: Setup, s: State, source: int, target: int) -> None:
    for column in range(4):
        found = s.table[c[C_PLANNED_AT] + source, column]
        s.table[c[C_PLANNED_AT] + target, column] = found
    _copy_row(s, c[C_PLAN_ROWS] + source, c[C_PLAN_ROWS] + target)


@part
def _first_row(c: Setup, s: State, t: int) -> tuple[int, int]:
    """Write what is free at `t`; copy the heaps of ends and repairs and return their entries."""
    entries = 0
    for i in range(s.now[KNOWN]):
        entries = push_least(s, WALK_HEAP, entries, s.heap[KNOWN_HEAP, i])
    for i in range(s.now[REPAIRS]):
        s.heap[SCRATCH_HEAP, i] = s.heap[REPAIR_HEAP, i]
    s.table[c[C_PLAN_AT], 0] = t
    if c[C_POOL] > 0:
        s.plan[0, 0] = s.now[FREE_ALL]
    else:
        for n in range(c[C_NODES]):
            s.plan[0, n] = s.node[n, FREE]
    return entries, s.now[REPAIRS]


@part
def _lay_out(c: Setup, s: State, t: int) -> None:
    """Write the plan of what runs and is under repair: one row for each time of a change."""
    entries, repairs = _first_row(c, s, t)
    row = 0
    while True:
        end = s.heap[WALK_HEAP, 0] >> SHIFT if entries > 0 else FOREVER
        back = s.heap[SCRATCH_HEAP, 0] >> SHIFT if repairs > 0 else FOREVER
        now = min(end, back)
        if now >= FOREVER:
            break
        if now > s.table[c[C_PLAN_AT] + row, 0]:
            row += 1
            s.table[c[C_PLAN_AT] + row, 0] = now
            _copy_row(s, row - 1, row)
        if end <= back:
            _return(c, s, row, int(s.heap[WALK_HEAP, 0] & MASK))
            entries = pop_least(s, WALK_HEAP, entries)
        else:
            n = int(s.heap[SCRATCH_HEAP, 0] & MASK)
            repairs = pop_least(s, SCRATCH_HEAP, repairs)
            if s.heap[BACK_AT, n] > now:
                repairs = push_least(s, SCRATCH_HEAP, repairs, (s.heap[BACK_AT, n] << SHIFT) | n)
            else:
                s.plan[row, n] += c[C_NODE_SIZE]
    s.now[ROWS] = row + 1
    for k in range(s.now[PLANNED]):
        _split(c, s, int(s.table[c[C_PLANNED_AT] + k, _START]))
        _split(c, s, int(s.table[c[C_PLANNED_AT] + k, _END]))


@jit
def _return(c: Setup, s: State, row: int, j: int) -> None:
    """Make free, from a row on, what job `j` has."""
    if c[C_POOL] > 0:
        s.plan[row, 0] += s.job[j, HELD]
        return
    k = s.job[j, FIRST]
    while k >= 0:
        s.plan[row, k // c[C_NODE_SIZE]] += s.slot[k, SLOT_COUNT]
        k = s.slot[k, SLOT_NEXT]


@jit
def _copy_row(s: State, source: int, target: int) -> None:
    for n in range(s.plan.shape[1]):
        s.plan[target, n] = s.plan[source, n]


@part
def _split(c: Setup, s: State, t: int) -> None:
    """Let a row begin at `t`, if that is not in the past."""
    row = s.now[ROWS]
    if t < s.table[c[C_PLAN_AT] + 0, 0] or t >= FOREVER:
        return
    while s.table[c[C_PLAN_AT] + row - 1, 0] > t:
        row -= 1
    if s.table[c[C_PLAN_AT] + row - 1, 0] == t:
        return
    for k in range(s.now[ROWS], row, -1):
        s.table[c[C_PLAN_AT] + k, 0] = s.table[c[C_PLAN_AT] + k - 1, 0]
        _copy_row(s, k - 1, k)
    s.table[c[C_PLAN_AT] + row, 0] = t
    _copy_row(s, row - 1, row)
    s.now[ROWS] += 1


@part
def _holds(c: Setup, s: State, k: int, t: int) -> bool:
    """Return whether what planned job `k` was promised is still there."""
    if s.table[c[C_PLANNED_AT] + k, _START] < t or s.table[c[C_PLANNED_AT] + k, _START] >= FOREVER:
        return False
    row = 0
    while row < s.now[ROWS] and s.table[c[C_PLAN_AT] + row, 0] < s.table[c[C_PLANNED_AT] + k, _END]:
        if s.table[c[C_PLAN_AT] + row, 0] >= s.table[c[C_PLANNED_AT] + k, _START]:
            for n in range(s.plan.shape[1]):
                if s.plan[row, n] < s.plan[c[C_PLAN_ROWS] + k, n]:
                    return False
        row += 1
    return True


@part
def _shift(c: Setup, s: State, k: int, sign: int) -> None:
    """Take what planned job `k` was promised out of the plan (-1), or put it back (1)."""
    row = 0
    while row < s.now[ROWS] and s.table[c[C_PLAN_AT] + row, 0] < s.table[c[C_PLANNED_AT] + k, _END]:
        if s.table[c[C_PLAN_AT] + row, 0] >= s.table[c[C_PLANNED_AT] + k, _START]:
            for n in range(s.plan.shape[1]):
                s.plan[row, n] += sign * s.plan[c[C_PLAN_ROWS] + k, n]
        row += 1


@part
def _move_earlier(c: Setup, s: State, t: int) -> None:
    """Plan again: first those whose promise holds, each with all others in place, then the rest."""
    for wanted in (1, 0):
        for k in range(s.now[PLANNED]):
            if s.table[c[C_PLANNED_AT] + k, _GOOD] != wanted:
                continue
            before = s.table[c[C_PLANNED_AT] + k, _START]
            if wanted == 1:
                _shift(c, s, k, 1)
            j = int(s.table[c[C_PLANNED_AT] + k, _JOB])
            _plan_job(c, s, k, j)
            after = s.table[c[C_PLANNED_AT] + k, _START]
            if after != before:
                promise(s, j, t, after, 1 if after < before else 2)
            if after > before and s.job[j, BROKEN_AT] < 0:
                s.job[j, BROKEN_AT] = t
                s.now[BROKEN_PROMISES] += 1
            if s.job[j, RESERVED_AT] < 0 and after < FOREVER:
                s.job[j, RESERVED_AT] = after


@part
def _plan_new(c: Setup, s: State, t: int) -> None:
    """Plan the waiting jobs that are not in the plan, in order."""
    most = c[C_PLANNED]
    for position in range(c[C_LANES]):
        lane = int(s.tenant[position, ORDER])
        end = s.tenant[lane, LANE_TO]
        place = next_place(c, s, s.tenant[lane, LANE_FROM], end)
        while place < end and s.now[PLANNED] < most:
            j = int(s.job[place, BY_RANK])
            if s.job[j, PLAN_ROW] == 0 and within_quota(c, s, j):
                k = s.now[PLANNED]
                s.now[PLANNED] = k + 1
                s.job[j, PLAN_ROW] = 1
                s.tenant[s.job[j, TENANT], PROMISED] += s.job[j, SIZE]
                _plan_job(c, s, k, j)
                start_s = s.table[c[C_PLANNED_AT] + k, _START]
                if s.job[j, RESERVED_AT] < 0 and start_s < FOREVER:
                    s.job[j, RESERVED_AT] = start_s
                promise(s, j, t, start_s, 0)
            place = next_place(c, s, place + 1, end)


@part
def _plan_job(c: Setup, s: State, k: int, j: int) -> None:
    """Give job `j` the earliest place in the plan, as its entry `k`."""
    size, span = int(s.job[j, SIZE]), int(s.job[j, SPAN])
    s.table[c[C_PLANNED_AT] + k, _JOB] = j
    s.table[c[C_PLANNED_AT] + k, _START] = FOREVER
    s.table[c[C_PLANNED_AT] + k, _END] = FOREVER
    for n in range(s.plan.shape[1]):
        s.plan[c[C_PLAN_ROWS] + k, n] = 0
    each = min(size, c[C_NODE_SIZE])
    for row in range(s.now[ROWS]):
        begin = int(s.table[c[C_PLAN_AT] + row, 0])
        end = int(expected_end(c, s, j, begin))
        if not fits_until(c, s, row, end, size, span):
            continue
        s.table[c[C_PLANNED_AT] + k, _START] = begin
        s.table[c[C_PLANNED_AT] + k, _END] = max(end, begin + 1)
        for i in range(s.now[PICKED]):
            s.plan[c[C_PLAN_ROWS] + k, s.node[i, PICKED_NODE]] = each
        _split(c, s, int(s.table[c[C_PLANNED_AT] + k, _END]))
        _shift(c, s, k, -1)
        return


@part
def _start_due(c: Setup, s: State, t: int) -> None:
    """Start the planned jobs whose time has come, and note when the next one's comes."""
    kept, soonest = 0, FOREVER
    for k in range(s.now[PLANNED]):
        j = int(s.table[c[C_PLANNED_AT] + k, _JOB])
        if s.table[c[C_PLANNED_AT] + k, _START] == t:
            s.now[PICKED] = 0
            for n in range(s.plan.shape[1]):
                if s.plan[c[C_PLAN_ROWS] + k, n] > 0:
                    s.node[s.now[PICKED], PICKED_NODE] = n
                    s.now[PICKED] += 1
            s.job[j, PLAN_ROW] = 0
            s.tenant[s.job[j, TENANT], PROMISED] -= s.job[j, SIZE]
            start(c, s, j, t, int(expected_end(c, s, j, t)))
            continue
        soonest = min(soonest, s.table[c[C_PLANNED_AT] + k, _START])
        if kept < k:
            _copy_planned(c, s, k, kept)
        kept += 1
    s.now[PLANNED] = kept
    s.now[NEXT_START] = soonest
    if c[C_POOL] == 0:
        _keep_off(c, s)


@part
def _keep_off(c: Setup, s: State) -> None:
    """Show nothing free in the second view on nodes that are promised to anyone, at any time.

    A running job that lost a node takes another by this view.
    """
    for n in range(c[C_NODES]):
        promised = 0
        for k in range(s.now[PLANNED]):
            promised = max(promised, s.plan[c[C_PLAN_ROWS] + k, n])
        s.node[n, RESERVED] = promised
        s.node[n, ROOM] = 0
        set_free(c, s, n, int(s.node[n, FREE]))
