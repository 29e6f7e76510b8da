"""The closed form of a job whose checkpoints go to several tiers, and whose speeds change.

A segment is `INTERVAL_S` of work and a write to the nearest tier; some segments end with a write to
the second tier as well, and some of these with one to the last. While speeds are constant, a phase
is a known function of time, so where a job stands follows by three divisions. When a speed changes,
the phase goes on as one of the new speeds that began earlier (`OFFSET_S`); what the unfinished
segment took so far is kept apart (`PENDING_S`). The last segment of all may be shorter, and ends
with a write to the last tier: that is the result.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    BEFORE,
    CHECKPOINT,
    EVERY1,
    EVERY2,
    FLOW,
    FULL,
    HALL_SPEED,
    HELD,
    INTERVAL_S,
    LEAD_S,
    MIDDLE,
    OFFSET_S,
    PADDING,
    PART,
    PASSED,
    PENDING_S,
    PENDING_WRITE_S,
    PLAN_S,
    PRODUCTIVE,
    RECOMPUTE,
    RESTART,
    SAVED,
    SEGMENT,
    SHARED,
    SINCE,
    SIZE,
    SLOWED,
    SPEED,
    STAGE,
    TOP,
    UNTIL_S,
    USED,
    WORK_S,
    WORKS,
    WRITE1_S,
    WRITE2_S,
    WRITE_S,
    WRITES0,
    WRITES1,
    WRITES2,
)
from gigawatt.cluster.kernel.jit import jit, part

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import State

__all__ = ["CARRIES", "KEEPS", "LOSES", "account", "at_speed_s", "duration_s", "safe", "shift"]

# What becomes of the unfinished segment.
LOSES = 0
KEEPS = 1
CARRIES = 2


@jit
def at_speed_s(thousandths: int, speed: int) -> int:
    """Return the whole seconds that so many thousandths of a second take at a speed."""
    return (thousandths + speed - 1) // speed


@part
def _write_s(s: State, j: int, tier: int, flow: int) -> int:
    """Return how long job `j` takes to write to a tier."""
    if tier == 0:
        write_s = s.job[j, WRITE_S]
    else:
        write_s = s.pace[j, WRITE1_S] if tier == 1 else s.pace[j, WRITE2_S]
    if s.pace[j, SHARED] == tier:
        return (write_s * FULL + flow // 2) // flow  # rounded, as writes may be short
    return write_s


@part
def _begins_s(s: State, j: int, segment: int, speed: int, flow: int) -> int:
    """Return when a segment begins, counted from the begin of the phase."""
    each_s = at_speed_s(s.job[j, INTERVAL_S] * FULL, speed) + _write_s(s, j, 0, flow)
    seconds = segment * each_s + segment // s.pace[j, EVERY1] * _write_s(s, j, 1, flow)
    return seconds + segment // s.pace[j, EVERY2] * _write_s(s, j, 2, flow)


@part
def duration_s(s: State, j: int, plan_s: int, speed: int, flow: int) -> int:
    """Return how long productive seconds take with the checkpoints among and after them."""
    interval = s.job[j, INTERVAL_S]
    if interval == 0 or plan_s == 0:
        return at_speed_s(plan_s * FULL, speed)
    last = (plan_s - 1) // interval
    seconds = _begins_s(s, j, last, speed, flow)
    seconds += at_speed_s((plan_s - last * interval) * FULL, speed) + _write_s(s, j, 0, flow)
    if (last + 1) % s.pace[j, EVERY1] == 0:
        seconds += _write_s(s, j, 1, flow)
    return seconds + _write_s(s, j, 2, flow)


@part
def _position(s: State, j: int, spent_s: int) -> tuple[int, int, int, int, int]:
    """Return where a phase stands that has a time interval between checkpoints.

    Segment, stage and the time spent in it, and the segments safe in the second and the last tier.
    """
    speed, flow = s.pace[j, SPEED], s.pace[j, FLOW]
    every1, every2 = s.pace[j, EVERY1], s.pace[j, EVERY2]
    interval = s.job[j, INTERVAL_S]
    work_s = at_speed_s(interval * FULL, speed)
    write0_s, write1_s = _write_s(s, j, 0, flow), _write_s(s, j, 1, flow)
    last = max((s.job[j, PLAN_S] - 1) // interval, 0)
    begins_s = _begins_s(s, j, last, speed, flow)
    if spent_s >= begins_s:
        rest = spent_s - begins_s
        segment, safe1, safe2 = last, last // every1 * every1, last // every2 * every2
        work_s = at_speed_s((s.job[j, PLAN_S] - last * interval) * FULL, speed)
        if (last + 1) % every1 > 0:
            write1_s = 0
    else:
        inner_s = every1 * (work_s + write0_s) + write1_s
        outer_s = every2 // every1 * inner_s + _write_s(s, j, 2, flow)
        outer = spent_s // outer_s
        rest = spent_s - outer * outer_s
        inner = min(rest // inner_s, every2 // every1)
        rest -= inner * inner_s
        safe2 = outer * every2
        safe1 = safe2 + inner * every1
        if inner == every2 // every1:
            return safe1 - 1, WRITES2, rest, safe1, safe2
        single = min(rest // (work_s + write0_s), every1)
        rest -= single * (work_s + write0_s)
        segment = safe1 + single
        if single == every1:
            return segment - 1, WRITES1, rest, safe1, safe2
    if rest < work_s:
        return segment, WORKS, rest, safe1, safe2
    rest -= work_s
    if rest < write0_s:
        return segment, WRITES0, rest, safe1, safe2
    rest -= write0_s
    if rest < write1_s:
        return segment, WRITES1, rest, safe1, safe2
    return segment, WRITES2, rest - write1_s, safe1, safe2


@part
def _written_s(s: State, j: int, segment: int, stage: int, into_s: int) -> int:
    """Return the time spent on writing, of a phase up to a position, by its speeds."""
    flow = s.pace[j, FLOW]
    seconds = segment * _write_s(s, j, 0, flow)
    seconds += segment // s.pace[j, EVERY1] * _write_s(s, j, 1, flow)
    seconds += segment // s.pace[j, EVERY2] * _write_s(s, j, 2, flow)
    if stage == WORKS:
        return seconds
    if stage > WRITES0:
        seconds += _write_s(s, j, 0, flow)
    if stage > WRITES1 and (segment + 1) % s.pace[j, EVERY1] == 0:
        seconds += _write_s(s, j, 1, flow)
    return seconds + into_s


@part
def _lose(s: State, j: int, lost: int) -> None:
    """Account for accelerator-seconds in which job `j` did less than it could."""
    speed, hall = s.pace[j, SPEED], s.pace[j, HALL_SPEED]
    slowed = lost
    if s.job[j, USED] < s.job[j, SIZE] and speed < FULL:
        slowed = lost * (FULL - hall) // (FULL - speed)
    s.job[j, SLOWED] += slowed
    s.job[j, PADDING] += lost - slowed


@part
def account(s: State, j: int, t: int, how: int) -> None:
    """Account for the phase of job `j` up to `t`; `how` says what becomes of what is not done."""
    used = s.job[j, USED]
    spent = t - s.job[j, SINCE]
    lead = min(spent, s.job[j, LEAD_S])
    spent -= lead
    s.job[j, PADDING] += (s.job[j, HELD] - used) * (lead + spent)
    s.job[j, RESTART] += lead * used
    s.job[j, SINCE] = t
    s.job[j, LEAD_S] -= lead
    if s.job[j, UNTIL_S] >= 0:
        done = spent * s.pace[j, SPEED] // FULL
        s.job[j, PRODUCTIVE] += done * used
        _lose(s, j, (spent - done) * used)
    elif s.job[j, INTERVAL_S] == 0:
        part_ms = s.pace[j, PART] + spent * s.pace[j, SPEED]
        _end_segment(s, j, how, part_ms, s.pace[j, PENDING_S] + spent, 0)
    else:
        _account_segments(s, j, spent, how)


@part
def _account_segments(s: State, j: int, spent: int, how: int) -> None:
    used, interval = s.job[j, USED], s.job[j, INTERVAL_S]
    offset, passed = s.pace[j, OFFSET_S], s.pace[j, PASSED]
    base = s.job[j, SAVED] - passed * interval * used
    segment0, stage0, into0, _, _ = _position(s, j, offset)
    segment, stage, into, safe1, safe2 = _position(s, j, offset + spent)
    last = segment == max((s.job[j, PLAN_S] - 1) // interval, 0)
    done = segment if last or stage < WRITES1 else segment + 1
    # 1. Time spent on work and on writes since the last segment that was accounted for.
    written = _written_s(s, j, segment, stage, into) - _written_s(s, j, segment0, stage0, into0)
    worked = spent - written + s.pace[j, PENDING_S]
    written += s.pace[j, PENDING_WRITE_S]
    # 2. The part of it that belongs to the unfinished segment.
    open_work, open_write = 0, 0
    if done == segment:
        open_work, open_write = worked, written
        if segment != s.pace[j, SEGMENT]:
            open_write = _written_s(s, j, segment, stage, into) - _written_s(
                s, j, segment, WORKS, 0
            )
            into_work = offset + spent - _begins_s(s, j, segment, s.pace[j, SPEED], s.pace[j, FLOW])
            open_work = into_work - open_write
    # 3. All segments before it are done.
    work = (done - passed) * interval
    s.job[j, PRODUCTIVE] += work * used
    s.job[j, CHECKPOINT] += (written - open_write) * used
    _lose(s, j, (worked - open_work - work) * used)
    most = s.job[j, WORK_S] * s.job[j, SIZE]
    s.job[j, SAVED] = min(s.job[j, SAVED] + work * used, most)
    if safe1 > 0:
        s.pace[j, MIDDLE] = max(s.pace[j, MIDDLE], min(base + safe1 * interval * used, most))
    if safe2 > 0:
        s.pace[j, TOP] = max(s.pace[j, TOP], min(base + safe2 * interval * used, most))
    # 4. The unfinished one.
    part_ms = into * _rate(s, j, stage)
    if segment == s.pace[j, SEGMENT] and stage == s.pace[j, STAGE]:
        part_ms = s.pace[j, PART] + spent * _rate(s, j, stage)
    if how != CARRIES:
        s.job[j, PLAN_S] -= done * interval
        if done > segment:
            part_ms = 0
        elif stage > WORKS:
            part_ms = s.job[j, PLAN_S] * FULL
        _end_segment(s, j, how, part_ms, open_work, open_write)
        return
    passed_before = segment // s.pace[j, EVERY2] * s.pace[j, EVERY2]
    s.job[j, PLAN_S] -= passed_before * interval
    s.pace[j, PASSED] = done - passed_before
    s.pace[j, SEGMENT] = segment - passed_before
    s.pace[j, STAGE] = stage
    s.pace[j, PART] = part_ms
    s.pace[j, PENDING_S] = open_work
    s.pace[j, PENDING_WRITE_S] = open_write


@jit
def _rate(s: State, j: int, stage: int) -> int:
    """Return the speed at which a stage goes on."""
    if stage == WORKS:
        return s.pace[j, SPEED]
    return s.pace[j, FLOW] if stage == s.pace[j, SHARED] + 1 else FULL


@part
def _end_segment(s: State, j: int, how: int, part_ms: int, worked: int, written: int) -> None:
    """Keep, lose or carry on the segment that is not done, after `worked` and `written` seconds."""
    if how == CARRIES:
        s.pace[j, PART] = part_ms
        s.pace[j, PENDING_S] = worked
        return
    used, interval = s.job[j, USED], s.job[j, INTERVAL_S]
    done = min(part_ms // FULL, s.job[j, PLAN_S])
    if interval > 0:
        done = min(done, interval)
    _lose(s, j, (worked - done) * used)
    s.pace[j, PENDING_S] = s.pace[j, PENDING_WRITE_S] = s.pace[j, PART] = 0
    if how == LOSES:
        s.job[j, RECOMPUTE] += (done + written) * used
        return
    s.job[j, BEFORE] = s.pace[j, TOP]
    s.job[j, PRODUCTIVE] += done * used
    s.job[j, CHECKPOINT] += written * used
    s.job[j, PLAN_S] -= done
    s.job[j, SAVED] = min(s.job[j, SAVED] + done * used, s.job[j, WORK_S] * s.job[j, SIZE])
    s.pace[j, MIDDLE] = s.pace[j, TOP] = s.job[j, SAVED]


@part
def shift(s: State, j: int, speed: int, flow: int) -> None:
    """Let the phase of job `j`, accounted for up to now, go on at other speeds."""
    s.pace[j, SPEED], s.pace[j, FLOW] = speed, flow
    part_ms, interval = s.pace[j, PART], s.job[j, INTERVAL_S]
    if interval == 0:
        whole = s.job[j, PLAN_S] * FULL
        s.pace[j, OFFSET_S] = at_speed_s(whole, speed) - at_speed_s(whole - part_ms, speed)
        return
    segment, stage = s.pace[j, SEGMENT], s.pace[j, STAGE]
    work = min(s.job[j, PLAN_S] - segment * interval, interval) * FULL
    ends_s = _begins_s(s, j, segment, speed, flow) + at_speed_s(work, speed)
    left_s = at_speed_s(max(work - part_ms, 0), speed)
    if stage >= WRITES0:
        ends_s += _write_s(s, j, 0, flow)
        left_s = at_speed_s(max(s.job[j, WRITE_S] * FULL - part_ms, 0), _rate(s, j, stage))
    if stage >= WRITES1 and (segment + 1) % s.pace[j, EVERY1] == 0:
        ends_s += _write_s(s, j, 1, flow)
        left_s = at_speed_s(max(s.pace[j, WRITE1_S] * FULL - part_ms, 0), FULL)
    if stage >= WRITES2:
        ends_s += _write_s(s, j, 2, flow)
        left_s = at_speed_s(max(s.pace[j, WRITE2_S] * FULL - part_ms, 0), _rate(s, j, stage))
    s.pace[j, OFFSET_S] = ends_s - left_s


@part
def safe(s: State, j: int, t: int) -> int:
    """Return the work of job `j` that is safe in the last tier at `t`."""
    spent = t - s.job[j, SINCE] - s.job[j, LEAD_S]
    interval = s.job[j, INTERVAL_S]
    if interval == 0 or spent <= 0:
        return s.pace[j, TOP]
    _, _, _, _, safe2 = _position(s, j, s.pace[j, OFFSET_S] + spent)
    if safe2 == 0:
        return s.pace[j, TOP]
    base = s.job[j, SAVED] - s.pace[j, PASSED] * interval * s.job[j, USED]
    return max(s.pace[j, TOP], base + safe2 * interval * s.job[j, USED])
