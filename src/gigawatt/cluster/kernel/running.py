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
    BEFORE,
    BY_END,
    C_BACKFILL,
    C_LOGGING,
    C_NODE_SIZE,
    C_PACED,
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
    FLOW,
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
    MIDDLE,
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
    RESTORE,
    RUNNING,
    RUNS,
    SAVED,
    SAVES,
    SHADOW,
    SINCE,
    SIZE,
    SLACK_S,
    SPEED,
    STALE,
    START,
    STATUS,
    STRICT,
    SURVIVES0,
    SURVIVES1,
    SUSPECT,
    TENANT,
    TOP,
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
from gigawatt.cluster.kernel.rates import lasts_s, leave_writers, pace
from gigawatt.cluster.kernel.reserving import cancel
from gigawatt.cluster.kernel.segments import KEEPS, LOSES, account, duration_s
from gigawatt.cluster.kernel.sharing import charge

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State


__all__ = [
    "accrue",
    "begin",
    "close",
    "expect",
    "fall_back",
    "finish",
    "hold_s",
    "join_queue",
    "leave_queue",
    "left_s",
    "log_segment",
    "needs_s",
    "requeue",
    "roll_back",
    "settle",
    "stop_clock",
    "wake",
]


@jit
def left_s(s: State, j: int, used: int) -> int:
    """Return the productive seconds that job `j` still needs on `used` accelerators."""
    work = s.job[j, WORK_S] * s.job[j, SIZE] - s.job[j, SAVED]
    return (work + used - 1) // used


@part
def needs_s(c: Setup, s: State, j: int) -> int:
    """Return how long job `j` needs at most on all its accelerators, if nothing fails."""
    plan_s = left_s(s, j, int(s.job[j, SIZE]))
    return lasts_s(s, j, plan_s) if c[C_PACED] > 0 else _with_writes_s(s, j, plan_s)


@jit
def _with_writes_s(s: State, j: int, productive_s: int) -> int:
    """Return productive seconds and the checkpoints among and after them."""
    interval = s.job[j, INTERVAL_S]
    if interval == 0:
        return productive_s
    return productive_s + (productive_s + interval - 1) // interval * s.job[j, WRITE_S]


@jit
def hold_s(c: Setup, s: State, j: int, t: int, lead_s: int) -> int:
    """Return how long job `j` will hold its accelerators, if nothing fails, from `t` on."""
    if s.job[j, UNTIL_S] >= 0:
        return max(s.job[j, UNTIL_S] - t, 0)
    return lead_s + needs_s(c, s, j)


@jit
def expect(c: Setup, s: State, j: int, t: int) -> None:
    """Let the scheduler expect that job `j` gives its accelerators back at `t`.

    A reservation that counts on them earlier is looked at again.
    """
    if s.now[HEAD] >= 0 and s.job[j, EXPECTED] <= s.now[SHADOW] < t:
        s.now[STALE] = 2
    s.job[j, EXPECTED] = t
    if c[C_BACKFILL] != STRICT or c[C_PREEMPTS] > 0:
        s.now[KNOWN] = place_job(s, KNOWN_HEAP, KNOWN_PLACE, s.now[KNOWN], j, t)


@jit
def wake(s: State, j: int, t: int) -> None:
    """Let the next event of job `j` be at `t`."""
    s.now[ENDS] = place_job(s, END_HEAP, END_PLACE, s.now[ENDS], j, t)


@part
def begin(c: Setup, s: State, j: int, t: int, lead_s: int) -> None:
    """Begin a phase: a restart of `lead_s`, then work on the accelerators that job `j` holds."""
    used = min(s.job[j, HELD], s.job[j, SIZE])
    s.job[j, STATUS] = RUNS
    s.job[j, SINCE] = t
    s.job[j, USED] = used
    if c[C_PACED] > 0:
        lead_s += pace(c, s, j)
    if s.job[j, UNTIL_S] >= 0:
        lead_s = min(lead_s, max(s.job[j, UNTIL_S] - t, 0))
        s.job[j, PLAN_S] = max(s.job[j, UNTIL_S] - t - lead_s, 0)
        end = t + lead_s + s.job[j, PLAN_S]
    else:
        s.job[j, PLAN_S] = left_s(s, j, used)
        end = t + lead_s + _phase_s(c, s, j)
    s.job[j, LEAD_S] = lead_s
    wake(s, j, end)
    expect(c, s, j, end + s.job[j, SLACK_S])


@jit
def _phase_s(c: Setup, s: State, j: int) -> int:
    """Return how long job `j` works and writes in the phase that begins."""
    plan_s = int(s.job[j, PLAN_S])
    if c[C_PACED] == 0:
        return _with_writes_s(s, j, plan_s)
    return duration_s(s, j, plan_s, int(s.pace[j, SPEED]), int(s.pace[j, FLOW]))


@part
def settle(c: Setup, s: State, j: int, t: int, keep: bool) -> None:
    """Account for the phase of job `j` that ends at `t`.

    With `keep` all work done counts, also that of the present segment; else it is lost.
    """
    if c[C_PACED] > 0:
        account(s, j, t, KEEPS if keep else LOSES)
        leave_writers(s, j)
    else:
        _settle(s, j, t, keep)


@part
def _settle(s: State, j: int, t: int, keep: bool) -> None:
    """Account for a phase at full speed with one tier of checkpoints, as `account` would."""
    used = s.job[j, USED]
    spent = t - s.job[j, SINCE]
    lead = min(spent, s.job[j, LEAD_S])
    spent -= lead
    s.job[j, PADDING] += (s.job[j, HELD] - used) * (lead + spent)
    s.job[j, RESTART] += lead * used
    s.job[j, SINCE] = t
    s.job[j, LEAD_S] -= lead
    if s.job[j, UNTIL_S] >= 0:
        s.job[j, PRODUCTIVE] += spent * used
        return
    interval, write, plan = s.job[j, INTERVAL_S], s.job[j, WRITE_S], s.job[j, PLAN_S]
    segments, rest = 0, spent
    if interval > 0:
        segments = spent // (interval + write)
        rest = spent - segments * (interval + write)
    done = segments * interval
    checkpoint = spent - rest - done
    if keep:
        s.job[j, BEFORE] = min(s.job[j, SAVED] + done * used, s.job[j, WORK_S] * s.job[j, SIZE])
        more = min(rest, plan - done, interval if interval > 0 else plan)
        checkpoint += rest - more
        done += more
        rest = 0
    s.job[j, PRODUCTIVE] += done * used
    s.job[j, CHECKPOINT] += checkpoint * used
    s.job[j, RECOMPUTE] += rest * used
    s.job[j, SAVED] = min(s.job[j, SAVED] + done * used, s.job[j, WORK_S] * s.job[j, SIZE])
    s.job[j, PLAN_S] -= done


@part
def accrue(s: State, j: int, t: int) -> None:
    """Account for the time up to `t` in which job `j` holds accelerators and does not run."""
    held = s.job[j, HELD] * (t - s.job[j, SINCE])
    status = s.job[j, STATUS]
    if status == HANGS:
        s.job[j, RESTART] += held
    elif status == SAVES:
        s.job[j, CHECKPOINT] += held
    else:
        s.job[j, WAITING] += held
    s.job[j, SINCE] = t


@jit
def log_segment(c: Setup, s: State, j: int, t: int, why: int) -> None:
    """Note that job `j` held what it holds from when it got it to `t`."""
    if c[C_LOGGING] > 0 and t > s.job[j, PLACED_AT]:
        _write_segment(c, s, j, t, why)
    s.job[j, PLACED_AT] = t


@part
def _write_segment(c: Setup, s: State, j: int, t: int, why: int) -> None:
    row = s.now[LOG_ROWS]
    s.log[row, LOG_JOB] = j
    s.log[row, LOG_BEGIN] = s.job[j, PLACED_AT]
    s.log[row, LOG_END] = t
    s.log[row, LOG_HELD] = s.job[j, HELD]
    s.log[row, LOG_NODE] = s.job[j, FIRST] // c[C_NODE_SIZE] if s.job[j, FIRST] >= 0 else -1
    s.log[row, LOG_WHY] = why
    s.now[LOG_ROWS] = row + 1


@jit
def stop_clock(c: Setup, s: State, j: int) -> None:
    """Take job `j` out of both heaps."""
    s.now[ENDS] = drop(s, END_HEAP, END_PLACE, s.now[ENDS], j)
    if c[C_BACKFILL] != STRICT or c[C_PREEMPTS] > 0:
        s.now[KNOWN] = drop(s, KNOWN_HEAP, KNOWN_PLACE, s.now[KNOWN], j)


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
    settle(c, s, j, t, True)
    _unexpected(s, j, t)
    s.job[j, STATUS] = DONE
    s.job[j, END] = t
    s.now[FINISHED] += 1
    if s.job[j, SUSPECT] >= 0:
        s.now[CORRUPTED] += 1
    close(c, s, j, t, BY_END)


@part
def roll_back(c: Setup, s: State, j: int, saved: int) -> None:
    """Throw away what job `j` has done beyond `saved`, though it was in a checkpoint."""
    lost = s.job[j, SAVED] - saved
    if lost > 0:
        s.job[j, PRODUCTIVE] -= lost
        s.job[j, RECOMPUTE] += lost
        s.job[j, SAVED] = saved
        if c[C_PACED] > 0:
            s.pace[j, MIDDLE] = min(s.pace[j, MIDDLE], saved)
            s.pace[j, TOP] = min(s.pace[j, TOP], saved)


@part
def fall_back(c: Setup, s: State, j: int, level: int) -> None:
    """Let job `j` go back to the nearest checkpoint that outlives a failure of a level."""
    if level >= s.pace[j, SURVIVES0]:
        tier = 0
    elif level >= s.pace[j, SURVIVES1]:
        tier = 1
        roll_back(c, s, j, int(s.pace[j, MIDDLE]))
    else:
        tier = 2
        roll_back(c, s, j, int(s.pace[j, TOP]))
    s.pace[j, RESTORE] = max(s.pace[j, RESTORE], tier)


@part
def requeue(c: Setup, s: State, j: int, t: int, why: int) -> None:
    """Send job `j` back to its place in the queue, with what is safe without its nodes."""
    if c[C_PACED] > 0:
        roll_back(c, s, j, int(s.pace[j, TOP]))
        s.pace[j, RESTORE] = 2
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
    add(c, s, s.job[j, RANK])
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
    remove(c, s, s.job[j, RANK])
    stop_clock(c, s, j)
