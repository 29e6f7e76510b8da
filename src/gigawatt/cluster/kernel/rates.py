"""How fast a job works, writes and reads.

It works at the speed of the slowest hall it is in. On storage that jobs share, each writes at the
bandwidth of its own links or at an equal part of the whole, whichever is less. How many others
write at the same moment is taken at its mean, the part of its time in which each writes. One with
narrower links takes what they carry; one with wider links takes as much as the job itself. What all
want together of the storage, where it is more than one, is by what the job is slower. This is the
approximation of Bard and Schweitzer for closed queues with processor sharing (P. Schweitzer,
"Approximate analysis of multiclass closed networks of queues", 1979).
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    C_HALL_AT,
    C_HALL_NODES,
    C_NODE_SIZE,
    C_PACED,
    C_SLOWS,
    EFFICIENCY,
    EVERY1,
    EVERY2,
    FIRST,
    FLOW,
    FULL,
    HALL_SPEED,
    INTERVAL_S,
    LEAST_SPEED,
    MILLION,
    OFFSET_S,
    PACE,
    PART,
    PASSED,
    PENDING_S,
    PENDING_WRITE_S,
    PRESENCE,
    READ0_S,
    RESTORE,
    SAVED,
    SEGMENT,
    SHARE,
    SHARED,
    SIZE,
    SLOT_NEXT,
    SPEED,
    STAGE,
    TAKEN,
    USED,
    WIDTH,
    WIDTHS,
    WRITE1_S,
    WRITE2_S,
    WRITE_S,
    WRITE_TIME,
    WRITERS,
    WRITING,
)
from gigawatt.cluster.kernel.jit import jit, part
from gigawatt.cluster.kernel.segments import at_speed_s, duration_s

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = [
    "flow_of",
    "hall_speed_of",
    "join_writers",
    "last_write_s",
    "lasts_s",
    "leave_writers",
    "pace",
    "speed_of",
]


@part
def hall_speed_of(c: Setup, s: State, j: int) -> int:
    """Return the speed of the slowest hall that job `j` has a node in."""
    speed = FULL
    if c[C_SLOWS] > 0 and s.now[LEAST_SPEED] < FULL:
        k = s.job[j, FIRST]
        while k >= 0:
            hall = k // (c[C_NODE_SIZE] * c[C_HALL_NODES])
            speed = min(speed, s.table[c[C_HALL_AT] + hall, PACE])
            k = s.slot[k, SLOT_NEXT]
    return speed


@jit
def speed_of(s: State, j: int, hall_speed: int) -> int:
    """Return the speed of job `j` on what it uses, in halls of a speed."""
    if s.job[j, USED] < s.job[j, SIZE]:
        return max(hall_speed * s.pace[j, EFFICIENCY] // FULL, 1)
    return hall_speed


@part
def flow_of(s: State, j: int) -> int:
    """Return the speed at which job `j` writes to the shared storage, over that of it alone."""
    if s.pace[j, SHARE] == 0:
        return FULL
    share, width = s.pace[j, SHARE], s.pace[j, WIDTH]
    wanted = share * (MILLION // FULL) - s.pace[j, PRESENCE]
    for k in range(WIDTHS):
        wanted += s.now[TAKEN + k] if k >= width else s.now[WRITERS + k] * share // FULL
    return max(FULL * MILLION // max(wanted, MILLION), 1)


@part
def leave_writers(s: State, j: int) -> None:
    """Count job `j` no longer among those that write."""
    _count(s, j, -1)
    s.pace[j, PRESENCE] = s.pace[j, WRITE_TIME] = 0


@jit
def _count(s: State, j: int, sign: int) -> None:
    width = s.pace[j, WIDTH]
    s.now[WRITERS + width] += sign * s.pace[j, WRITE_TIME]
    s.now[TAKEN + width] += sign * s.pace[j, PRESENCE]
    s.now[WRITING] += sign * s.pace[j, PRESENCE]


@part
def join_writers(s: State, j: int, speed: int) -> None:
    """Count job `j` among those that write, for the mean part of the storage that it takes."""
    leave_writers(s, j)
    interval = s.job[j, INTERVAL_S]
    if s.pace[j, SHARE] == 0 or interval == 0:
        return
    write = s.job[j, WRITE_S] if s.pace[j, SHARED] == 0 else s.pace[j, WRITE2_S]
    write = write * FULL * FULL // flow_of(s, j)
    between = at_speed_s(interval * FULL, speed) * FULL
    if s.pace[j, SHARED] > 0:
        nearer = (between + s.job[j, WRITE_S] * FULL) * s.pace[j, EVERY2]
        between = nearer + s.pace[j, EVERY2] // s.pace[j, EVERY1] * s.pace[j, WRITE1_S] * FULL
    s.pace[j, WRITE_TIME] = MILLION * write // (between + write)
    s.pace[j, PRESENCE] = s.pace[j, WRITE_TIME] * s.pace[j, SHARE] // FULL
    _count(s, j, 1)


@jit
def _reading_s(s: State, j: int) -> int:
    """Return how long job `j` reads a checkpoint before it goes on."""
    tier = s.pace[j, RESTORE]
    if tier < 0 or s.job[j, SAVED] == 0:
        return 0
    read_s = s.pace[j, READ0_S + tier]
    if s.pace[j, SHARE] > 0 and (tier == 2 or s.pace[j, SHARED] == 0):
        return at_speed_s(read_s * FULL, flow_of(s, j))
    return read_s


@part
def pace(c: Setup, s: State, j: int) -> int:
    """Set the speeds of job `j` for a new phase; return how long it reads before."""
    read_s = _reading_s(s, j)
    s.pace[j, RESTORE] = -1
    s.pace[j, OFFSET_S] = s.pace[j, PASSED] = s.pace[j, SEGMENT] = s.pace[j, STAGE] = 0
    s.pace[j, PART] = s.pace[j, PENDING_S] = s.pace[j, PENDING_WRITE_S] = 0
    s.pace[j, HALL_SPEED] = hall_speed_of(c, s, j)
    s.pace[j, SPEED] = speed_of(s, j, int(s.pace[j, HALL_SPEED]))
    join_writers(s, j, int(s.pace[j, SPEED]))
    s.pace[j, FLOW] = flow_of(s, j)
    return read_s


@part
def lasts_s(s: State, j: int, plan_s: int) -> int:
    """Return how long job `j` will read, work and write at most, as things are."""
    speed = int(s.now[LEAST_SPEED])
    return _reading_s(s, j) + duration_s(s, j, plan_s, speed, int(flow_of(s, j)))


@part
def last_write_s(c: Setup, s: State, j: int) -> int:
    """Return how long job `j` takes for a checkpoint that outlives everything."""
    if c[C_PACED] == 0:
        return s.job[j, WRITE_S]
    tier = s.pace[j, SHARED]
    if tier == 0:
        return at_speed_s(s.job[j, WRITE_S] * FULL, flow_of(s, j))
    if tier == 2:
        return at_speed_s(s.pace[j, WRITE2_S] * FULL, flow_of(s, j))
    return s.job[j, WRITE_S]
