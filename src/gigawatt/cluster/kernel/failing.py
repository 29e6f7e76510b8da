"""Failures and repairs: nodes go and come back, jobs are struck.

A failure that takes a node down strikes every job on it. A job that is struck hangs until somebody
notices.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    ARE_OFF,
    BACK_AT,
    BEFORE,
    BROKEN,
    BROKEN_ALL,
    BY_FAILURE,
    C_CREW_AT,
    C_CREWS,
    C_HALL_AT,
    C_HALL_NODES,
    C_NODE_SIZE,
    C_PACED,
    C_PART_AT,
    C_PART_LEAD_S,
    C_PARTS,
    C_POD_NODES,
    C_POOL,
    C_RACK_NODES,
    C_VICTIM_AT,
    CAPPED,
    CAPPED_ALL,
    CONDITION,
    CORRUPTS,
    DOWN,
    DRAINED_ALL,
    DRAINS,
    EXPECTED,
    EXPOSES,
    FAILURES,
    FAULT_BROKEN,
    FAULT_DETECT_S,
    FAULT_GROUP,
    FAULT_KIND,
    FAULT_LEVEL,
    FAULT_LINK,
    FAULT_PART,
    FAULT_REPAIR_S,
    FAULT_UNIT,
    FIRST,
    FREE,
    FREE_ALL,
    HALL,
    HANGS,
    HEAD,
    INTERRUPTS,
    INTERVAL_S,
    KEEPS_NODES,
    LEAD_S,
    LOST_NODE,
    MASK,
    ONE_JOB,
    PLAN_S,
    POD,
    RACK,
    REPAIR_HEAP,
    REPAIRS,
    RESERVED,
    RESTORE,
    RUNS,
    SAVED,
    SAVES,
    SHADOW,
    SHIFT,
    SINCE,
    SLACK_S,
    SLOT_COUNT,
    SLOT_JOB,
    SLOT_NEXT,
    SPARE,
    STALE,
    STATUS,
    STRUCK,
    SUSPECT,
    SUSPECT_LINK,
    UNTIL_S,
    USED,
    VICTIMS,
    WARM_S,
    WRITE_S,
)
from gigawatt.cluster.kernel.heap import pop_least, push_least
from gigawatt.cluster.kernel.jit import jit, part
from gigawatt.cluster.kernel.nodes import forget_spare, return_node, set_free, unlink
from gigawatt.cluster.kernel.running import (
    accrue,
    expect,
    fall_back,
    log_segment,
    needs_s,
    roll_back,
    settle,
    wake,
)
from gigawatt.cluster.kernel.segments import safe

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["apply_fault", "repair"]


@part
def _touches_reservation(c: Setup, s: State, j: int) -> bool:
    """Return whether the reservation counts on nodes that job `j` has."""
    if s.now[HEAD] < 0:
        return False
    if c[C_POOL] > 0:
        return s.job[j, EXPECTED] <= s.now[SHADOW]
    k = s.job[j, FIRST]
    while k >= 0:
        if s.node[k // c[C_NODE_SIZE], RESERVED] > 0:
            return True
        k = s.slot[k, SLOT_NEXT]
    return False


@part
def _strike(c: Setup, s: State, j: int, t: int, detect_s: int, level: int) -> None:
    """Let job `j` fail, while it still has all its nodes."""
    status = s.job[j, STATUS]
    if _touches_reservation(c, s, j):
        s.now[STALE] = 2
    if status != RUNS:
        accrue(s, j, t)
        if status == SAVES:  # the checkpoint is lost with it
            roll_back(c, s, j, int(s.job[j, BEFORE]))
        elif c[C_PACED] > 0:
            fall_back(c, s, j, level)
        return
    settle(c, s, j, t, False)
    if c[C_PACED] > 0:
        fall_back(c, s, j, level)
    s.job[j, STATUS] = HANGS
    s.job[j, FAILURES] += 1
    s.job[j, LOST_NODE] = 0
    s.now[STRUCK] += 1
    wake(s, j, t + detect_s)
    back = t + max(detect_s, 1)  # at `t` itself, nothing more becomes free before jobs start
    if s.job[j, KEEPS_NODES] > 0:
        back += s.job[j, WARM_S] + needs_s(c, s, j) + s.job[j, SLACK_S]
    expect(c, s, j, back)


@part
def _take_down(c: Setup, s: State, i: int, n: int, t: int, back: int) -> None:
    """Take node `n` out of service until `back`, by failure `i`."""
    broken, detect_s = s.fault[i, FAULT_BROKEN], s.fault[i, FAULT_DETECT_S]
    condition = s.node[n, CONDITION]
    if s.node[n, RESERVED] > 0:
        s.now[STALE] = 2
    if condition == DOWN:  # with its rack, pod or hall
        s.heap[BACK_AT, n] = max(s.heap[BACK_AT, n], back)
        return
    for k in range(n * c[C_NODE_SIZE], (n + 1) * c[C_NODE_SIZE]):
        if s.slot[k, SLOT_COUNT] > 0:
            j = int(s.slot[k, SLOT_JOB])
            log_segment(c, s, j, t, BY_FAILURE)
            _strike(c, s, j, t, detect_s, int(s.fault[i, FAULT_LEVEL]))
            s.job[j, LOST_NODE] = 1
            unlink(s, j, k)
    if condition == SPARE:
        forget_spare(c, s, n)
    elif condition == CAPPED:
        s.now[CAPPED_ALL] -= c[C_NODE_SIZE]
        s.table[c[C_HALL_AT] + n // c[C_HALL_NODES], ARE_OFF] -= 1
    else:
        s.now[FREE_ALL] -= s.node[n, FREE]
    set_free(c, s, n, 0)
    s.node[n, CONDITION] = DOWN
    s.node[n, BROKEN] = broken
    s.now[BROKEN_ALL] += broken
    s.now[DRAINED_ALL] += c[C_NODE_SIZE] - broken
    s.heap[BACK_AT, n] = back
    s.now[REPAIRS] = push_least(s, REPAIR_HEAP, s.now[REPAIRS], (back << SHIFT) | n)


@part
def repair(c: Setup, s: State, t: int) -> None:
    """Bring the node back whose repair ends next, if it ends by now."""
    n = int(s.heap[REPAIR_HEAP, 0] & MASK)
    s.now[REPAIRS] = pop_least(s, REPAIR_HEAP, s.now[REPAIRS])
    if s.heap[BACK_AT, n] > t:  # it failed again while it was down
        s.now[REPAIRS] = push_least(
            s, REPAIR_HEAP, s.now[REPAIRS], (s.heap[BACK_AT, n] << SHIFT) | n
        )
        return
    s.now[BROKEN_ALL] -= s.node[n, BROKEN]
    s.now[DRAINED_ALL] -= c[C_NODE_SIZE] - s.node[n, BROKEN]
    s.node[n, BROKEN] = 0
    return_node(c, s, n)


@part
def _book(c: Setup, s: State, t: int, repair_s: int, part_used: bool) -> int:
    """Return when a repair ends that waits for a crew, and for a part in stock."""
    begin_at, crew, stock = t, -1, -1
    if c[C_CREWS] > 0:
        crew = 0
        for k in range(1, c[C_CREWS]):
            if s.table[c[C_CREW_AT] + k, 0] < s.table[c[C_CREW_AT] + crew, 0]:
                crew = k
        begin_at = max(begin_at, s.table[c[C_CREW_AT] + crew, 0])
    if part_used and c[C_PARTS] > 0:
        stock = 0
        for k in range(1, c[C_PARTS]):
            if s.table[c[C_PART_AT] + k, 0] < s.table[c[C_PART_AT] + stock, 0]:
                stock = k
        begin_at = max(begin_at, s.table[c[C_PART_AT] + stock, 0])
        s.table[c[C_PART_AT] + stock, 0] = begin_at + c[C_PART_LEAD_S]
    if crew >= 0:
        s.table[c[C_CREW_AT] + crew, 0] = begin_at + repair_s
    return begin_at + repair_s


@part
def _occupant(c: Setup, s: State, n: int, unit: int) -> int:
    """Return the job with accelerator `unit` of node `n`, counted through its jobs; -1 if none."""
    for k in range(n * c[C_NODE_SIZE], (n + 1) * c[C_NODE_SIZE]):
        unit -= s.slot[k, SLOT_COUNT]
        if unit < 0:
            return int(s.slot[k, SLOT_JOB])
    return -1


@jit
def _nodes_of(c: Setup, level: int) -> int:
    """Return the nodes of what a failure takes."""
    if level == RACK:
        return c[C_RACK_NODES]
    if level == POD:
        return c[C_POD_NODES]
    return c[C_HALL_NODES] if level == HALL else 1


@part
def apply_fault(c: Setup, s: State, i: int, t: int) -> None:
    """Let failure `i` happen."""
    kind, n = s.fault[i, FAULT_KIND], int(s.fault[i, FAULT_GROUP])
    detect_s = s.fault[i, FAULT_DETECT_S]
    if kind == INTERRUPTS:
        j = _occupant(c, s, n, int(s.fault[i, FAULT_UNIT]))
        if j >= 0 and s.job[j, STATUS] == RUNS:
            _strike(c, s, j, t, detect_s, ONE_JOB)
        return
    if kind == CORRUPTS:
        _corrupt(c, s, i, t)
        return
    if kind == EXPOSES and not _expose(c, s, i, t):
        return
    size = _nodes_of(c, int(s.fault[i, FAULT_LEVEL]))
    if size == 1 and s.node[n, CONDITION] == DOWN:
        return  # it cannot fail again
    repair_s = s.fault[i, FAULT_REPAIR_S]
    if kind == DRAINS:
        back = t + repair_s
    else:
        back = _book(c, s, t + detect_s, repair_s, s.fault[i, FAULT_PART] > 0)
    for k in range(n * size, (n + 1) * size):
        _take_down(c, s, i, k, t, back)


@part
def _corrupt(c: Setup, s: State, i: int, t: int) -> None:
    """Let a job compute wrongly without anybody noticing."""
    link = s.fault[i, FAULT_LINK]
    j = _occupant(c, s, int(s.fault[i, FAULT_GROUP]), int(s.fault[i, FAULT_UNIT]))
    s.table[c[C_VICTIM_AT] + link % VICTIMS, 0] = -1
    if j < 0 or s.job[j, STATUS] != RUNS or s.job[j, UNTIL_S] >= 0 or s.job[j, SUSPECT] >= 0:
        return
    s.job[j, SUSPECT] = _safe_work(c, s, j, t)
    s.job[j, SUSPECT_LINK] = link
    s.table[c[C_VICTIM_AT] + link % VICTIMS, 0] = j


@part
def _safe_work(c: Setup, s: State, j: int, t: int) -> int:
    """Return the work of job `j` that is in a lasting checkpoint at `t`."""
    if c[C_PACED] > 0:
        return safe(s, j, t)
    interval = s.job[j, INTERVAL_S]
    spent = t - s.job[j, SINCE] - s.job[j, LEAD_S]
    saved = s.job[j, SAVED]
    if interval > 0 and spent > 0:
        segments = spent // (interval + s.job[j, WRITE_S])
        saved += min(segments * interval, s.job[j, PLAN_S]) * s.job[j, USED]
    return saved


@part
def _expose(c: Setup, s: State, i: int, t: int) -> bool:
    """Find a corruption: the job goes back to before it. False if it struck no job."""
    link = s.fault[i, FAULT_LINK]
    j = int(s.table[c[C_VICTIM_AT] + link % VICTIMS, 0])
    if j < 0 or s.job[j, SUSPECT] < 0 or s.job[j, SUSPECT_LINK] != link:
        return False
    if s.job[j, STATUS] == RUNS:
        _strike(c, s, j, t, 0, ONE_JOB)
    roll_back(c, s, j, int(s.job[j, SUSPECT]))
    if c[C_PACED] > 0:
        s.pace[j, RESTORE] = 2
    s.job[j, BEFORE] = min(s.job[j, BEFORE], s.job[j, SAVED])
    s.job[j, SUSPECT] = -1
    return True
