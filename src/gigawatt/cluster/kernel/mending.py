"""A job goes on after a failure.

It queues anew, or keeps its other nodes and gets a hot spare or a free node for the lost one, or
goes on with fewer, or holds what it has and waits.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    BY_FAILURE,
    BY_RESIZING,
    C_BACKFILL,
    C_DOMAIN_NODES,
    C_HALL_NODES,
    C_NODE_SIZE,
    C_POD_NODES,
    CONSERVATIVE,
    EXPECTED,
    FIRST,
    FOREVER,
    FREE,
    FREE_LATER,
    HALL,
    HEAD,
    HELD,
    HOLDER,
    HOLDERS,
    HOLDS,
    INPROC_S,
    KEEPS_NODES,
    LEAST,
    LOST_NODE,
    PATIENCE_S,
    PICKED,
    PICKED_NODE,
    POD,
    SHADOW,
    SHRUNK,
    SHRUNK_JOB,
    SIZE,
    SLACK_S,
    SPAN,
    SPARE_NODE,
    SPARES,
    STATUS,
    WARM_S,
)
from gigawatt.cluster.kernel.jit import jit, part
from gigawatt.cluster.kernel.nodes import allocate, forget_spare, make_free
from gigawatt.cluster.kernel.placing import nodes_for, pick_within
from gigawatt.cluster.kernel.running import (
    accrue,
    begin,
    expect,
    log_segment,
    needs_s,
    requeue,
    wake,
)

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["can_replace", "give", "mend", "recover"]


@part
def recover(c: Setup, s: State, j: int, t: int) -> None:
    """Go on after a failure of job `j` has been noticed."""
    accrue(s, j, t)
    if s.job[j, KEEPS_NODES] == 0 or s.job[j, HELD] == 0:
        requeue(c, s, j, t, BY_FAILURE)
    elif s.job[j, LOST_NODE] == 0:
        begin(c, s, j, t, int(s.job[j, INPROC_S]))
    elif not mend(c, s, j, t):
        if s.job[j, PATIENCE_S] == 0:
            requeue(c, s, j, t, BY_FAILURE)
            return
        s.job[j, STATUS] = HOLDS
        s.node[s.now[HOLDERS], HOLDER] = j
        s.now[HOLDERS] += 1
        wake(s, j, t + s.job[j, PATIENCE_S])
        expect(c, s, j, FOREVER)


@part
def mend(c: Setup, s: State, j: int, t: int) -> bool:
    """Let job `j` run again on other nodes for those it lost, or on fewer; False if it cannot."""
    need = nodes_for(c, int(s.job[j, SIZE])) - s.job[j, HELD] // c[C_NODE_SIZE]
    if need <= 0 or can_replace(c, s, j, t, need):
        if need > 0:
            give(c, s, j, t, need)
        begin(c, s, j, t, int(s.job[j, WARM_S]))
        return True
    if s.job[j, HELD] >= s.job[j, LEAST]:
        _note_shrunk(s, j)
        begin(c, s, j, t, int(s.job[j, WARM_S]))
        return True
    return False


@jit
def _note_shrunk(s: State, j: int) -> None:
    """Remember that job `j` has fewer nodes than it wants."""
    for i in range(s.now[SHRUNK]):
        if s.node[i, SHRUNK_JOB] == j:
            return
    s.node[s.now[SHRUNK], SHRUNK_JOB] = j
    s.now[SHRUNK] += 1


@part
def can_replace(c: Setup, s: State, j: int, t: int, need: int) -> bool:
    """Pick that many more nodes for job `j`, besides hot spares; False if there are not enough."""
    span = int(s.job[j, SPAN])
    near = int(s.job[j, FIRST]) // c[C_NODE_SIZE]
    spares = min(need, _spares_near(c, s, near, span))
    s.now[PICKED] = 0
    if need == spares:
        return True
    end = t + s.job[j, WARM_S] + s.job[j, SLACK_S] + needs_s(c, s, j)
    outlasts = s.now[HEAD] >= 0 and end > s.now[SHADOW]
    careful = outlasts or c[C_BACKFILL] == CONSERVATIVE
    return pick_within(c, s, FREE_LATER if careful else FREE, need - spares, span, near)


@part
def give(c: Setup, s: State, j: int, t: int, need: int) -> None:
    """Give job `j` the nodes picked, and hot spares for the rest."""
    span = int(s.job[j, SPAN])
    near = int(s.job[j, FIRST]) // c[C_NODE_SIZE]
    log_segment(c, s, j, t, BY_RESIZING)
    end = t + s.job[j, WARM_S] + s.job[j, SLACK_S] + needs_s(c, s, j)
    s.job[j, EXPECTED] = end
    found = s.now[PICKED]
    if found > 0:
        allocate(c, s, j, found * c[C_NODE_SIZE])
    for _ in range(need - found):
        n = _spare_near(c, s, near, span)
        forget_spare(c, s, n)
        make_free(c, s, n)
        s.node[0, PICKED_NODE] = n
        s.now[PICKED] = 1
        allocate(c, s, j, c[C_NODE_SIZE])


@jit
def _group_of(c: Setup, n: int, span: int) -> int:
    if span == HALL:
        return n // c[C_HALL_NODES]
    if span == POD:
        return n // c[C_POD_NODES]
    return n // c[C_DOMAIN_NODES] if span > POD else 0


@jit
def _spares_near(c: Setup, s: State, near: int, span: int) -> int:
    count = 0
    for i in range(s.now[SPARES]):
        if _group_of(c, int(s.node[i, SPARE_NODE]), span) == _group_of(c, near, span):
            count += 1
    return count


@jit
def _spare_near(c: Setup, s: State, near: int, span: int) -> int:
    i = s.now[SPARES] - 1
    while _group_of(c, int(s.node[i, SPARE_NODE]), span) != _group_of(c, near, span):
        i -= 1
    return int(s.node[i, SPARE_NODE])
