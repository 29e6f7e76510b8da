"""What a job does with its accelerators, second by second, in closed form.

A phase is a restart, then segments of productive time that each end with a checkpoint. The last
segment may be shorter. An interruption throws away what the present segment has done; everything
before it is safe. So no event is needed for a checkpoint.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.bits import add, remove
from gigawatt.cluster.kernel.columns import (
    BY_END,
    C_BACKFILL,
    C_LOGGING,
    C_NODE_SIZE,
    C_PREEMPTS,
    CHECKPOINT,
    CORRUPTED,
    DEMAND,
    DONE,
    END,
    END_HEAP,
    END_PLACE,
    ENDS,
    EXPECTED,
    FINISHED,
    FIRST,
    FREED,
    HANGS,
    HEAD,
    HELD,
    INTERVAL_S,
    KNOWN,
    KNOWN_HEAP,
    KNOWN_PLACE,
    LEAD_S,
    LOG_BEGIN,
    LOG_END,
    LOG_HELD,
    LOG_JOB,
    LOG_NODE,
    LOG_ROWS,
    LOG_WHY,
    MISSED,
    PADDING,
    PLACED_AT,
    PLAN_S,
    PRODUCTIVE,
    QUEUE,
    QUEUED,
    RANK,
    RECOMPUTE,
    REPLAN,
    RESTART,
    RUNNING,
    RUNS,
    SAVED,
    SAVES,
    SHADOW,
    SINCE,
    SIZE,
    SLACK_S,
    STALE,
    START,
    STATUS,
    STRICT,
    SUSPECT,
    TENANT,
    UNTIL_S,
    USED,
    WAITED_S,
    WAITING,
    WAITS,
    WORK_S,
    WRITE_S,
)
from gigawatt.cluster.kernel.heap import drop, place_job
from gigawatt.cluster.kernel.jit import jit, part
from gigawatt.cluster.kernel.nodes import release
from gigawatt.cluster.kernel.reserving import cancel
from gigawatt.cluster.kernel.sharing import charge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gigawatt.cluster.kernel.columns import Setup, State

    Longs = NDArray[np.int64]

__all__ = [
    "accrue",
    "begin",
    "close",
    "expect",
    "finish",
    "hold_s",
    "join_queue",
    "leave_queue",
    "left_s",
    "log_segment",
    "requeue",
    "settle",
    "stop_clock",
    "wake",
    "with_writes_s",
]


@jit
def left_s(job: Longs, j: int, used: int) -> int:
    """Return the productive seconds that job `j` still needs on `used` accelerators."""
    work = job[j, WORK_S] * job[j, SIZE] - job[j, SAVED]
    return (work + used - 1) // used


@jit
def with_writes_s(job: Longs, j: int, productive_s: int) -> int:
    """Return productive seconds and the checkpoints among and after them."""
    interval = job[j, INTERVAL_S]
    if interval == 0:
        return productive_s
    return productive_s + (productive_s + interval - 1) // interval * job[j, WRITE_S]


@jit
def hold_s(job: Longs, j: int, t: int, lead_s: int, used: int) -> int:
    """Return how long job `j` will hold its accelerators, if nothing fails, from `t` on."""
    if job[j, UNTIL_S] >= 0:
        return max(job[j, UNTIL_S] - t, 0)
    return lead_s + with_writes_s(job, j, left_s(job, j, used))


@jit
def expect(c: Setup, s: State, j: int, t: int) -> None:
    """Let the scheduler expect that job `j` gives its accelerators back at `t`.

    A reservation that counts on them earlier is looked at again.
    """
    if s.now[HEAD] >= 0 and s.job[j, EXPECTED] <= s.now[SHADOW] < t:
        s.now[STALE] = 2
    s.job[j, EXPECTED] = t
    if c[C_BACKFILL] != STRICT or c[C_PREEMPTS] > 0:
        s.now[KNOWN] = place_job(s.heap, KNOWN_HEAP, s.job, KNOWN_PLACE, s.now[KNOWN], j, t)


@jit
def wake(s: State, j: int, t: int) -> None:
    """Let the next event of job `j` be at `t`."""
    s.now[ENDS] = place_job(s.heap, END_HEAP, s.job, END_PLACE, s.now[ENDS], j, t)


@part
def begin(c: Setup, s: State, j: int, t: int, lead_s: int) -> None:
    """Begin a phase: a restart of `lead_s`, then work on the accelerators that job `j` holds."""
    used = min(s.job[j, HELD], s.job[j, SIZE])
    s.job[j, STATUS] = RUNS
    s.job[j, SINCE] = t
    s.job[j, USED] = used
    if s.job[j, UNTIL_S] >= 0:
        lead_s = min(lead_s, max(s.job[j, UNTIL_S] - t, 0))
        s.job[j, PLAN_S] = max(s.job[j, UNTIL_S] - t - lead_s, 0)
        end = t + lead_s + s.job[j, PLAN_S]
    else:
        s.job[j, PLAN_S] = left_s(s.job, j, used)
        end = t + lead_s + with_writes_s(s.job, j, s.job[j, PLAN_S])
    s.job[j, LEAD_S] = lead_s
    wake(s, j, end)
    expect(c, s, j, end + s.job[j, SLACK_S])


@part
def settle(job: Longs, j: int, t: int, keep: bool) -> None:
    """Account for the phase of job `j` that ends at `t`.

    With `keep` all work done counts, also that of the present segment; else it is lost.
    """
    used = job[j, USED]
    spent = t - job[j, SINCE]
    lead = min(spent, job[j, LEAD_S])
    spent -= lead
    job[j, PADDING] += (job[j, HELD] - used) * (lead + spent)
    job[j, RESTART] += lead * used
    job[j, SINCE] = t
    job[j, LEAD_S] -= lead
    if job[j, UNTIL_S] >= 0:
        job[j, PRODUCTIVE] += spent * used
        return
    interval, write, plan = job[j, INTERVAL_S], job[j, WRITE_S], job[j, PLAN_S]
    segments, rest = 0, spent
    if interval > 0:
        segments = spent // (interval + write)
        rest = spent - segments * (interval + write)
    done = segments * interval
    checkpoint = spent - rest - done
    if keep:
        more = min(rest, plan - done, interval if interval > 0 else plan)
        checkpoint += rest - more
        done += more
        rest = 0
    job[j, PRODUCTIVE] += done * used
    job[j, CHECKPOINT] += checkpoint * used
    job[j, RECOMPUTE] += rest * used
    job[j, SAVED] = min(job[j, SAVED] + done * used, job[j, WORK_S] * job[j, SIZE])
    job[j, PLAN_S] -= done


@part
def accrue(job: Longs, j: int, t: int) -> None:
    """Account for the time up to `t` in which job `j` holds accelerators and does not run."""
    held = job[j, HELD] * (t - job[j, SINCE])
    status = job[j, STATUS]
    if status == HANGS:
        job[j, RESTART] += held
    elif status == SAVES:
        job[j, CHECKPOINT] += held
    else:
        job[j, WAITING] += held
    job[j, SINCE] = t


@jit
def log_segment(c: Setup, s: State, j: int, t: int, why: int) -> None:
    """Note that job `j` held what it holds from when it got it to `t`."""
    if c[C_LOGGING] > 0 and t > s.job[j, PLACED_AT]:
        _write_segment(c, s.job, s.log, s.now, j, t, why)
    s.job[j, PLACED_AT] = t


@part
def _write_segment(c: Setup, job: Longs, log: Longs, now: Longs, j: int, t: int, why: int) -> None:
    row = now[LOG_ROWS]
    log[row, LOG_JOB] = j
    log[row, LOG_BEGIN] = job[j, PLACED_AT]
    log[row, LOG_END] = t
    log[row, LOG_HELD] = job[j, HELD]
    log[row, LOG_NODE] = job[j, FIRST] // c[C_NODE_SIZE] if job[j, FIRST] >= 0 else -1
    log[row, LOG_WHY] = why
    now[LOG_ROWS] = row + 1


@jit
def stop_clock(c: Setup, s: State, j: int) -> None:
    """Take job `j` out of both heaps."""
    s.now[ENDS] = drop(s.heap, END_HEAP, s.job, END_PLACE, s.now[ENDS], j)
    if c[C_BACKFILL] != STRICT or c[C_PREEMPTS] > 0:
        s.now[KNOWN] = drop(s.heap, KNOWN_HEAP, s.job, KNOWN_PLACE, s.now[KNOWN], j)


@jit
def close(c: Setup, s: State, j: int, t: int, why: int) -> None:
    """Take everything from job `j`."""
    log_segment(c, s, j, t, why)
    stop_clock(c, s, j)
    s.now[RUNNING] -= 1
    charge(c, s, int(s.job[j, TENANT]), t, -int(s.job[j, SIZE]))
    release(c, s, j)


@jit
def _unexpected(s: State, j: int, t: int) -> None:
    """Let promises be looked at again if job `j` ends earlier than was thought."""
    if s.job[j, EXPECTED] != t:
        s.now[REPLAN] = 1
        if s.now[HEAD] >= 0 and s.now[STALE] == 0:
            s.now[STALE] = 1


@part
def finish(c: Setup, s: State, j: int, t: int) -> None:
    """End job `j`, which has done its work."""
    settle(s.job, j, t, True)
    _unexpected(s, j, t)
    s.job[j, STATUS] = DONE
    s.job[j, END] = t
    s.now[FINISHED] += 1
    if s.job[j, SUSPECT] >= 0:
        s.now[CORRUPTED] += 1
    close(c, s, j, t, BY_END)


@part
def requeue(c: Setup, s: State, j: int, t: int, why: int) -> None:
    """Send job `j` back to its place in the queue."""
    _unexpected(s, j, t)
    close(c, s, j, t, why)
    join_queue(c, s, j, t)


@part
def join_queue(c: Setup, s: State, j: int, t: int) -> None:
    """Put job `j` into the queue."""
    s.job[j, STATUS] = WAITS
    s.job[j, QUEUED] = t
    s.now[DEMAND] += s.job[j, SIZE]
    s.now[QUEUE] += 1
    add(c, s.bits, s.job[j, RANK])
    if s.job[j, UNTIL_S] >= 0:
        wake(s, j, int(max(s.job[j, UNTIL_S], t)))


@part
def leave_queue(c: Setup, s: State, j: int, t: int) -> None:
    """Take a service out of the queue whose time is over."""
    s.job[j, STATUS] = MISSED if s.job[j, START] < 0 else DONE
    s.job[j, END] = t
    s.job[j, WAITED_S] += t - s.job[j, QUEUED]
    s.now[FINISHED] += 1
    s.now[DEMAND] -= s.job[j, SIZE]
    s.now[QUEUE] -= 1
    s.now[REPLAN] = 1
    s.now[FREED] = 1
    if s.now[HEAD] == j:
        cancel(c, s)
    remove(c, s.bits, s.job[j, RANK])
    stop_clock(c, s, j)
