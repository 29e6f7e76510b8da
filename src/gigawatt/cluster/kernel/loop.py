"""The loop over events.

At each second in which anything happens, in this order: jobs end, hang no longer, or have saved
their state, by number; nodes come back from repair; failures strike; power caps change; jobs
arrive; and then, once, jobs are started. So an end makes room for an arrival of the same second,
and a job that ends is not struck by a failure of that second. The kernel holds everything in its
arrays, so it can stop whenever it needs more failures or more room to write, and go on.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.capping import apply_cap
from gigawatt.cluster.kernel.columns import (
    ARRIVED,
    BROKEN_ALL,
    BY_FAILURE,
    BY_HORIZON,
    BY_PREEMPTION,
    C_CAP_AT,
    C_CAPS,
    C_FAULTS_UNTIL_S,
    C_HORIZON_S,
    C_JOBS,
    C_LAST_FAULTS,
    C_LIMIT_S,
    C_LOGGING,
    C_PLANNED,
    C_SHARED,
    CAP_NEXT,
    CAPPED_ALL,
    CLOCK,
    DEMAND,
    DONE_ALL,
    DRAINED_ALL,
    END_HEAP,
    ENDS,
    FAULT_AT,
    FAULT_NEXT,
    FINISHED,
    FOREVER,
    FREE_ALL,
    HANGS,
    HELD,
    HOLDER,
    HOLDERS,
    HOLDS,
    LED_CAPPED,
    LED_DRAINED,
    LED_FAILED,
    LED_IDLE,
    LED_WAITING,
    LOG_ROWS,
    MASK,
    MORE_FAULTS,
    MORE_LOG,
    NEXT_START,
    PLANNED,
    PROMISES,
    QUEUED,
    REPACE,
    REPAIR_HEAP,
    REPAIRS,
    REPLAN,
    RUNNING,
    RUNS,
    SAVES,
    SPARE_ALL,
    STATUS,
    STUCK,
    SUBMIT,
    TOO_LATE,
    WAITED_S,
    WAITS,
)
from gigawatt.cluster.kernel.failing import apply_fault, repair
from gigawatt.cluster.kernel.heap import top_time
from gigawatt.cluster.kernel.jit import jit, kernel, part
from gigawatt.cluster.kernel.memory import setup_at, state_at
from gigawatt.cluster.kernel.mending import recover
from gigawatt.cluster.kernel.pacing import repace
from gigawatt.cluster.kernel.running import (
    accrue,
    finish,
    join_queue,
    leave_queue,
    log_segment,
    requeue,
    settle,
)
from gigawatt.cluster.kernel.scheduling import schedule

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["enter", "run"]


@kernel
def enter(setup: int, places: int) -> int:
    """Run with the arrays that lie at these addresses, see `entry`."""
    return run(setup_at(setup), state_at(places))


@part
def run(c: Setup, s: State) -> int:
    """Run until all jobs are done or the horizon is reached; can be called again."""
    while True:
        if c[C_LOGGING] > 0 and not _log_has_room(c, s):
            return MORE_LOG
        t = _next_time(c, s)
        unfinished = s.now[FINISHED] < c[C_JOBS] or c[C_HORIZON_S] < FOREVER
        if t > c[C_FAULTS_UNTIL_S] and c[C_LAST_FAULTS] == 0 and unfinished:
            return MORE_FAULTS
        if s.now[FINISHED] == c[C_JOBS] and c[C_HORIZON_S] >= FOREVER:
            return DONE_ALL
        if t > c[C_HORIZON_S] or (t >= FOREVER and c[C_HORIZON_S] < FOREVER):
            _pass_time(s, c[C_HORIZON_S])
            _stop(c, s, c[C_HORIZON_S])
            return DONE_ALL
        if t >= FOREVER:
            return STUCK
        if t > c[C_LIMIT_S]:
            return TOO_LATE
        _pass_time(s, t)
        _happen(c, s, t)
        schedule(c, s, t)
        if c[C_SHARED] > 0:
            repace(c, s, t)


@jit
def _log_has_room(c: Setup, s: State) -> bool:
    most = 2 * c[C_PLANNED] + 4
    rows = s.log.shape[0] - s.now[LOG_ROWS]
    return rows > s.now[RUNNING] and s.promise.shape[0] - s.now[PROMISES] > most


@jit
def _next_time(c: Setup, s: State) -> int:
    """Return when something happens next, FOREVER if nothing does."""
    t = min(top_time(s, END_HEAP, s.now[ENDS]), top_time(s, REPAIR_HEAP, s.now[REPAIRS]))
    if s.now[FAULT_NEXT] < s.fault.shape[0]:
        t = min(t, s.fault[s.now[FAULT_NEXT], FAULT_AT])
    if s.now[CAP_NEXT] < c[C_CAPS]:
        t = min(t, s.table[c[C_CAP_AT] + s.now[CAP_NEXT], 0])
    if s.now[ARRIVED] < c[C_JOBS]:
        t = min(t, s.job[s.now[ARRIVED], SUBMIT])
    if s.now[PLANNED] > 0:
        t = min(t, max(s.now[NEXT_START], s.now[CLOCK]))
    return t


@jit
def _pass_time(s: State, t: int) -> None:
    """Account for the accelerators that no job holds, up to `t`."""
    spent = t - s.now[CLOCK]
    if spent == 0:
        return
    wanted = min(s.now[FREE_ALL], s.now[DEMAND])
    s.now[LED_WAITING] += spent * wanted
    s.now[LED_IDLE] += spent * (s.now[FREE_ALL] - wanted + s.now[SPARE_ALL])
    s.now[LED_FAILED] += spent * s.now[BROKEN_ALL]
    s.now[LED_DRAINED] += spent * s.now[DRAINED_ALL]
    s.now[LED_CAPPED] += spent * s.now[CAPPED_ALL]
    s.now[CLOCK] = t


@jit
def _happen(c: Setup, s: State, t: int) -> None:
    """Let everything happen that happens at `t`."""
    while top_time(s, END_HEAP, s.now[ENDS]) == t:
        _job_event(c, s, int(s.heap[END_HEAP, 0] & MASK), t)
    while top_time(s, REPAIR_HEAP, s.now[REPAIRS]) == t:
        s.now[REPLAN] = 1
        repair(c, s, t)
    while s.now[FAULT_NEXT] < s.fault.shape[0] and s.fault[s.now[FAULT_NEXT], FAULT_AT] == t:
        s.now[REPLAN] = 1
        apply_fault(c, s, int(s.now[FAULT_NEXT]), t)
        s.now[FAULT_NEXT] += 1
    while s.now[CAP_NEXT] < c[C_CAPS] and s.table[c[C_CAP_AT] + s.now[CAP_NEXT], 0] == t:
        s.now[REPLAN] = 1
        apply_cap(c, s, int(s.now[CAP_NEXT]))
        s.now[CAP_NEXT] += 1
    if s.now[REPACE] > 0:
        repace(c, s, t)
    while s.now[ARRIVED] < c[C_JOBS] and s.job[s.now[ARRIVED], SUBMIT] == t:
        j = int(s.now[ARRIVED])
        s.now[ARRIVED] += 1
        join_queue(c, s, j, t)


@part
def _job_event(c: Setup, s: State, j: int, t: int) -> None:
    status = s.job[j, STATUS]
    if status == RUNS:
        finish(c, s, j, t)
    elif status == HANGS:
        recover(c, s, j, t)
    elif status == SAVES:
        accrue(s, j, t)
        requeue(c, s, j, t, BY_PREEMPTION)
    elif status == HOLDS:
        accrue(s, j, t)
        _give_up(s, j)
        requeue(c, s, j, t, BY_FAILURE)
    else:  # a service whose time is over before it could start
        leave_queue(c, s, j, t)


@jit
def _give_up(s: State, j: int) -> None:
    """Take job `j` from those that wait for a node."""
    kept = 0
    for i in range(s.now[HOLDERS]):
        if s.node[i, HOLDER] != j:
            s.node[kept, HOLDER] = s.node[i, HOLDER]
            kept += 1
    s.now[HOLDERS] = kept


@part
def _stop(c: Setup, s: State, t: int) -> None:
    """Account for the jobs that are there at the horizon."""
    for j in range(s.now[ARRIVED]):
        status = s.job[j, STATUS]
        if status == RUNS:
            settle(c, s, j, t, True)
        elif status == WAITS:
            s.job[j, WAITED_S] += t - s.job[j, QUEUED]
        elif s.job[j, HELD] > 0:
            accrue(s, j, t)
        if s.job[j, HELD] > 0:
            log_segment(c, s, j, t, BY_HORIZON)
