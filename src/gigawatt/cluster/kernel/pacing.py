"""Speeds change while jobs run: halls get more or less power, and others write to shared storage.

Jobs are looked at when a hall's speed changes, and when what is written to the shared storage has
changed by a twentieth of what a job sees of it.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    BALANCED,
    C_SHARED,
    END_HEAP,
    ENDS,
    EXPECTED,
    FLOW,
    HALL_SPEED,
    HEAD,
    LEAD_S,
    MASK,
    MILLION,
    OFFSET_S,
    PLAN_S,
    REPACE,
    REPLAN,
    RUNS,
    SCRATCH_HEAP,
    SLACK_S,
    SPEED,
    STALE,
    STATUS,
    UNTIL_S,
    WRITING,
)
from gigawatt.cluster.kernel.jit import part
from gigawatt.cluster.kernel.rates import flow_of, hall_speed_of, join_writers, speed_of
from gigawatt.cluster.kernel.running import expect, wake
from gigawatt.cluster.kernel.segments import CARRIES, account, duration_s, shift

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["repace"]

_ROUNDS = 12  # of balancing at most
_CHANGE = 20  # a change of one part in so many counts
_STILL = MILLION // 1000


@part
def repace(c: Setup, s: State, t: int) -> None:
    """Let all running jobs go on at the speeds that have come about."""
    moved = abs(s.now[WRITING] - s.now[BALANCED]) * _CHANGE > MILLION + s.now[BALANCED]
    if s.now[REPACE] == 0 and not moved:
        return
    count = _list_running(s)
    if c[C_SHARED] > 0:
        _balance(s, count)
    for i in range(count):
        j = int(s.heap[SCRATCH_HEAP, i])
        hall_speed, flow = int(hall_speed_of(c, s, j)), int(flow_of(s, j))
        slow = hall_speed != s.pace[j, HALL_SPEED]
        if slow or abs(flow - s.pace[j, FLOW]) * _CHANGE > s.pace[j, FLOW]:
            _change(c, s, j, t, hall_speed, flow)
    s.now[BALANCED] = s.now[WRITING]
    s.now[REPACE] = 0


@part
def _list_running(s: State) -> int:
    """List the jobs that run; return how many there are."""
    count = 0
    for i in range(s.now[ENDS]):
        j = s.heap[END_HEAP, i] & MASK
        if s.job[j, STATUS] == RUNS:
            s.heap[SCRATCH_HEAP, count] = j
            count += 1
    return count


@part
def _balance(s: State, count: int) -> None:
    """Find what all jobs take of the shared storage, given what the others take."""
    for _ in range(_ROUNDS):
        before = s.now[WRITING]
        for i in range(count):
            j = int(s.heap[SCRATCH_HEAP, i])
            join_writers(s, j, int(s.pace[j, SPEED]))
        if abs(s.now[WRITING] - before) < _STILL:
            return


@part
def _change(c: Setup, s: State, j: int, t: int, hall_speed: int, flow: int) -> None:
    """Let job `j` go on at other speeds."""
    account(s, j, t, CARRIES)
    s.pace[j, HALL_SPEED] = hall_speed
    speed = int(speed_of(s, j, hall_speed))
    if s.job[j, UNTIL_S] >= 0:
        s.pace[j, SPEED] = speed
        return
    shift(s, j, speed, flow)
    lasts_s = duration_s(s, j, int(s.job[j, PLAN_S]), speed, flow) - s.pace[j, OFFSET_S]
    end = int(t + s.job[j, LEAD_S] + lasts_s)
    wake(s, j, end)
    if end + s.job[j, SLACK_S] < s.job[j, EXPECTED]:  # promises can be had earlier
        s.now[REPLAN] = 1
        if s.now[HEAD] >= 0 and s.now[STALE] == 0:
            s.now[STALE] = 1
    expect(c, s, j, end + s.job[j, SLACK_S])
