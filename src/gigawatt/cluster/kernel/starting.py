"""A waiting job gets its accelerators."""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.bits import remove
from gigawatt.cluster.kernel.columns import (
    C_NODE_SIZE,
    C_POOL,
    COLD_S,
    DEMAND,
    EXPECTED,
    PLACED_AT,
    PLACEMENTS,
    QUEUE,
    QUEUED,
    RANK,
    RUNNING,
    SIZE,
    SLACK_S,
    START,
    STARTUP_S,
    TENANT,
    WAITED_S,
)
from gigawatt.cluster.kernel.jit import jit, part
from gigawatt.cluster.kernel.nodes import allocate
from gigawatt.cluster.kernel.placing import nodes_for
from gigawatt.cluster.kernel.running import begin, hold_s
from gigawatt.cluster.kernel.sharing import charge

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["expected_end", "start"]


@jit
def _lead_s(s: State, j: int) -> int:
    return s.job[j, STARTUP_S] if s.job[j, PLACEMENTS] == 0 else s.job[j, COLD_S]


@jit
def expected_end(c: Setup, s: State, j: int, t: int) -> int:
    """Return when the scheduler thinks job `j` ends, if it starts at `t`."""
    hold = hold_s(c, s, j, t, int(_lead_s(s, j)))
    return t + hold + s.job[j, SLACK_S]


@part
def start(c: Setup, s: State, j: int, t: int, end: int) -> None:
    """Start job `j` on the nodes picked; it is expected to end at `end`."""
    lead = int(_lead_s(s, j))
    size = int(s.job[j, SIZE])
    remove(c, s, s.job[j, RANK])
    s.now[DEMAND] -= size
    s.now[QUEUE] -= 1
    s.now[RUNNING] += 1
    charge(c, s, int(s.job[j, TENANT]), t, size)
    s.job[j, WAITED_S] += t - s.job[j, QUEUED]
    s.job[j, PLACEMENTS] += 1
    s.job[j, PLACED_AT] = t
    if s.job[j, START] < 0:
        s.job[j, START] = t
    s.job[j, EXPECTED] = end
    whole = c[C_POOL] > 0 or size <= c[C_NODE_SIZE]
    allocate(c, s, j, size if whole else nodes_for(c, size) * c[C_NODE_SIZE])
    begin(c, s, j, t, lead)
