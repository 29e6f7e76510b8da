"""Start jobs that wait, in order, and others before them where backfill may.

The order is one list of places, or one for each tenant under fair share, the tenant that has used
least of its share first. A job over its tenant's quota is passed over. The head of the queue holds
up all others, except under backfill. A reserved head stays the head until it starts.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.bits import next_place
from gigawatt.cluster.kernel.columns import (
    ARRIVED,
    BROKEN_AT,
    BY_RANK,
    C_BACKFILL,
    C_DEPTH,
    C_FAIR,
    C_LANES,
    C_NODE_SIZE,
    C_POOL,
    C_PREEMPTS,
    CLUSTER,
    CONSERVATIVE,
    EASY,
    FREE,
    FREE_ALL,
    FREE_LATER,
    FREED,
    HEAD,
    HELD,
    HOLDER,
    HOLDERS,
    LANE_FROM,
    LANE_TO,
    LATEST,
    ORDER,
    PLANNED,
    PRIORITY,
    QUEUE,
    ROOM_POOL,
    RUNS,
    SHADOW,
    SHRUNK,
    SHRUNK_JOB,
    SIZE,
    SPAN,
    STALE,
    STATUS,
    STRICT,
    TOO_MUCH,
    WAITS,
    WARM_S,
)
from gigawatt.cluster.kernel.jit import jit, part
from gigawatt.cluster.kernel.mending import can_replace, give, mend
from gigawatt.cluster.kernel.placing import fits, nodes_for, pick
from gigawatt.cluster.kernel.planning import run_plan
from gigawatt.cluster.kernel.preempting import preempt
from gigawatt.cluster.kernel.rates import last_write_s
from gigawatt.cluster.kernel.reserving import cancel, reserve
from gigawatt.cluster.kernel.running import accrue, begin, settle
from gigawatt.cluster.kernel.sharing import sort_lanes, within_quota
from gigawatt.cluster.kernel.starting import expected_end, start

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["schedule"]


@part
def schedule(c: Setup, s: State, t: int) -> None:
    """Do all that can be done at `t`."""
    if s.now[HOLDERS] > 0 and s.now[FREED] > 0:
        _mend_holders(c, s, t)
    if c[C_BACKFILL] == CONSERVATIVE:
        if s.now[QUEUE] > 0 or s.now[PLANNED] > 0:
            run_plan(c, s, t)
    elif s.now[QUEUE] > 0:
        if c[C_FAIR] > 0:
            sort_lanes(c, s, t)
        if c[C_PREEMPTS] > 0:
            _outrank(c, s, t)
        unchanged = s.now[FREED] == 0 and s.now[STALE] == 0 and s.now[HEAD] >= 0
        if not unchanged:
            _from_the_head(c, s, t)
        elif c[C_BACKFILL] == EASY:
            _fresh(c, s, t)
    if s.now[SHRUNK] > 0 and s.now[QUEUE] == 0 and s.now[FREED] > 0:
        _grow(c, s, t)
    s.now[FREED] = 0
    s.now[LATEST] = s.now[ARRIVED]


@part
def _first(c: Setup, s: State) -> int:
    """Return the first job in order that may start, -1 if there is none."""
    for position in range(c[C_LANES]):
        lane = int(s.tenant[position, ORDER])
        end = s.tenant[lane, LANE_TO]
        place = next_place(c, s, s.tenant[lane, LANE_FROM], end)
        while place < end:
            j = int(s.job[place, BY_RANK])
            if within_quota(c, s, j):
                return j
            place = next_place(c, s, place + 1, end)
    return -1


@part
def _outrank(c: Setup, s: State, t: int) -> None:
    """Drop the reservation if a job of higher priority waits: it holds against its equals only."""
    head = s.now[HEAD]
    if head < 0:
        return
    j = _first(c, s)
    if j >= 0 and s.job[j, PRIORITY] > s.job[head, PRIORITY]:
        cancel(c, s)
        if s.job[head, BROKEN_AT] < 0:
            s.job[head, BROKEN_AT] = t


@jit
def _head(c: Setup, s: State) -> int:
    """Return the job that is to start next, -1 if there is none."""
    return s.now[HEAD] if s.now[HEAD] >= 0 else _first(c, s)


@part
def _start_head(c: Setup, s: State, j: int, t: int) -> bool:
    """Start job `j` if it fits into what is free."""
    size, span = int(s.job[j, SIZE]), int(s.job[j, SPAN])
    if size > s.now[FREE_ALL]:
        return False
    if c[C_POOL] == 0 and not fits(c, s, FREE, size, span):
        return False
    if s.now[HEAD] == j:
        cancel(c, s)
    if c[C_POOL] == 0:
        pick(c, s, FREE, size, span)
    start(c, s, j, t, expected_end(c, s, j, t))
    return True


@part
def _from_the_head(c: Setup, s: State, t: int) -> None:
    j = _head(c, s)
    while j >= 0 and _start_head(c, s, j, t):
        j = _head(c, s)
    if j < 0:
        return
    if c[C_PREEMPTS] > 0 and s.now[HEAD] < 0 and preempt(c, s, j, t):
        while j >= 0 and _start_head(c, s, j, t):
            j = _head(c, s)
        if j < 0:
            return
    if c[C_BACKFILL] == STRICT:
        return
    if s.now[HEAD] < 0:
        reserve(c, s, j, t)
    elif s.now[STALE] > 0:
        stale = s.now[STALE]
        cancel(c, s)
        s.now[STALE] = stale
        reserve(c, s, j, t)
    _backfill(c, s, t)


@jit
def _look_for_room(c: Setup, s: State) -> None:
    """Note for each view how many accelerators are too many for any job."""
    if c[C_POOL] > 0:
        s.now[TOO_MUCH] = s.now[FREE_ALL] + 1
        return
    top = int(c[C_NODE_SIZE])
    for view in range(2):
        free = top
        while free > 0 and s.groups[view, 0, free] == 0:
            free -= 1
        most = free if free < top else s.groups[view, 0, top] * top
        s.now[TOO_MUCH + view] = most + 1


@part
def _backfill(c: Setup, s: State, t: int) -> None:
    """Try all jobs behind the head, in order."""
    seen = 0
    _look_for_room(c, s)
    for position in range(c[C_LANES]):
        lane = int(s.tenant[position, ORDER])
        end = s.tenant[lane, LANE_TO]
        place = next_place(c, s, s.tenant[lane, LANE_FROM], end)
        while place < end:
            if s.now[FREE_ALL] == 0 or (c[C_DEPTH] > 0 and seen >= c[C_DEPTH]):
                return
            j = int(s.job[place, BY_RANK])
            if j != s.now[HEAD]:
                seen += 1
                if s.job[j, SIZE] < s.now[TOO_MUCH]:
                    _try_early(c, s, j, t)
            place = next_place(c, s, place + 1, end)


@part
def _fresh(c: Setup, s: State, t: int) -> None:
    """Try the jobs that have come since the last look: nothing else can have changed."""
    j = s.now[LATEST]
    if s.now[ARRIVED] - j > 1 or c[C_DEPTH] > 0:
        _backfill(c, s, t)
    elif s.now[ARRIVED] - j == 1 and s.job[j, STATUS] == WAITS:
        _look_for_room(c, s)
        _try_early(c, s, j, t)


@part
def _try_early(c: Setup, s: State, j: int, t: int) -> None:
    """Start job `j` if that cannot make the head late."""
    size, span = int(s.job[j, SIZE]), int(s.job[j, SPAN])
    if size > s.now[FREE_ALL] or not within_quota(c, s, j):
        return
    end = expected_end(c, s, j, t)
    outlasts = end > s.now[SHADOW]
    if c[C_POOL] > 0:
        if not outlasts or size <= s.now[ROOM_POOL]:
            start(c, s, j, t, end)
        return
    view = FREE_LATER if outlasts else FREE
    if size >= s.now[TOO_MUCH + view]:
        return
    if pick(c, s, view, size, span):
        start(c, s, j, t, end)
    elif span == CLUSTER:
        s.now[TOO_MUCH + view] = size


@part
def _mend_holders(c: Setup, s: State, t: int) -> None:
    """Try to find nodes for the jobs that wait for some while they hold others."""
    kept = 0
    for i in range(s.now[HOLDERS]):
        j = int(s.node[i, HOLDER])
        accrue(s, j, t)
        if not mend(c, s, j, t):
            s.node[kept, HOLDER] = j
            kept += 1
    s.now[HOLDERS] = kept


@part
def _grow(c: Setup, s: State, t: int) -> None:
    """Give jobs that go on with fewer nodes the others back, after a checkpoint and a restart."""
    kept = 0
    for i in range(s.now[SHRUNK]):
        j = int(s.node[i, SHRUNK_JOB])
        need = nodes_for(c, int(s.job[j, SIZE])) - s.job[j, HELD] // c[C_NODE_SIZE]
        if s.job[j, STATUS] != RUNS or need <= 0:
            continue
        if can_replace(c, s, j, t, need):
            write_s = last_write_s(c, s, j)
            settle(c, s, j, t, True)
            give(c, s, j, t, need)
            begin(c, s, j, t, int(write_s + s.job[j, WARM_S]))
        else:
            s.node[kept, SHRUNK_JOB] = j
            kept += 1
    s.now[SHRUNK] = kept
