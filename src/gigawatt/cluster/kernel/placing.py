"""Pick nodes for a job.

A job of at most one node takes accelerators of one node; a larger one takes whole nodes. It is put
into the smallest kind of group that has room: a scale-up domain, a pod, a hall, the cluster, unless
its span forbids. Among groups of a kind, best fit takes the one with the fewest free nodes that are
enough. A job that no single group of a kind can hold fills the emptiest ones first, so as to use
few, and its rest goes by best fit. Ties go to the lowest number; those between nodes, and between
domains, first to the hall, then to the pod with the fewest whole free nodes.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    BEST_FIT,
    C_DOMAIN_NODES,
    C_DOMAIN_ROW,
    C_FIT,
    C_HALL_NODES,
    C_HALLS,
    C_NODE_SIZE,
    C_POD_NODES,
    C_POD_ROW,
    C_PODS,
    C_WHOLE_ROW,
    CLUSTER,
    DOMAIN,
    FOREVER,
    HALL,
    PICKED,
    PICKED_NODE,
    POD,
)
from gigawatt.cluster.kernel.jit import jit, part

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["fits", "nodes_for", "pick", "pick_within"]


@jit
def nodes_for(c: Setup, size: int) -> int:
    """Return the nodes that `size` accelerators take."""
    return (size + c[C_NODE_SIZE] - 1) // c[C_NODE_SIZE]


@part
def fits(c: Setup, s: State, view: int, size: int, span: int) -> bool:
    """Return whether a job can be placed."""
    top = c[C_NODE_SIZE]
    if size <= top:
        return _level(c, s, view, size, top, False, True) >= 0
    need = nodes_for(c, size)
    if s.groups[view, 0, top] < need:
        return False
    if span == CLUSTER:
        return True
    if span == HALL:
        return _emptiest(c, s, view, 1, c[C_HALLS], FOREVER, -1) >= need
    if span == POD:
        return _emptiest(c, s, view, c[C_POD_ROW], c[C_PODS], FOREVER, -1) >= need
    return _level(c, s, view, need, int(c[C_DOMAIN_NODES]), True, True) >= 0


@part
def _emptiest(c: Setup, s: State, view: int, first: int, rows: int, below: int, after: int) -> int:
    """Return the most whole free nodes of a group, of those not used up; see `_fill`."""
    most = -1
    for row in range(first, first + rows):
        whole = s.groups[view, row, c[C_NODE_SIZE]]
        if whole > most and (whole < below or (whole == below and row > after)):
            most = whole
    return most


@part
def _tightest(
    c: Setup, s: State, view: int, first: int, rows: int, need: int, below: int, after: int
) -> int:
    """Return the group to take `need` whole nodes from, of those not used up; -1 if none has."""
    best, best_whole = -1, 0
    for row in range(first, first + rows):
        whole = s.groups[view, row, c[C_NODE_SIZE]]
        if whole < need or whole > below or (whole == below and row <= after):
            continue
        better = whole < best_whole if c[C_FIT] == BEST_FIT else whole > best_whole
        if best < 0 or better:
            best, best_whole = row, whole
    return best


@part
def _row_with(c: Setup, s: State, view: int, first: int, rows: int, whole: int) -> int:
    """Return the first group with exactly `whole` whole free nodes, after the given one."""
    row = first
    top = c[C_NODE_SIZE]
    while row < first + rows and s.groups[view, row, top] != whole:
        row += 1
    return row


@part
def _take(c: Setup, s: State, view: int, first: int, last: int, need: int) -> None:
    """Pick the first `need` whole free nodes from `first` up to `last`."""
    count = s.now[PICKED]
    n = first
    while need > 0 and n < last:
        if s.node[n, view] == c[C_NODE_SIZE]:
            s.node[count, PICKED_NODE] = n
            count += 1
            need -= 1
        n += 1
    s.now[PICKED] = count


@part
def _take_pod(c: Setup, s: State, view: int, pod: int, need: int) -> None:
    begin = pod * c[C_POD_NODES]
    if c[C_DOMAIN_NODES] == 1:
        _take(c, s, view, begin, begin + c[C_POD_NODES], need)
        return
    first = c[C_DOMAIN_ROW] + begin // c[C_DOMAIN_NODES]
    rows = c[C_POD_NODES] // c[C_DOMAIN_NODES]
    below, after = FOREVER, -1
    while need > 0:
        row = _tightest(c, s, view, first, rows, need, below, after)
        take = need
        if row < 0:
            take = _emptiest(c, s, view, first, rows, below, after)
            start = after + 1 if take == below else first
            row = _row_with(c, s, view, start, first + rows - start, take)
            below, after = take, row
        node = (row - c[C_DOMAIN_ROW]) * c[C_DOMAIN_NODES]
        _take(c, s, view, node, node + c[C_DOMAIN_NODES], take)
        need -= take


@part
def _take_hall(c: Setup, s: State, view: int, hall: int, need: int) -> None:
    rows = c[C_HALL_NODES] // c[C_POD_NODES]
    first = c[C_POD_ROW] + hall * rows
    below, after = FOREVER, -1
    while need > 0:
        row = _tightest(c, s, view, first, rows, need, below, after)
        take = need
        if row < 0:
            take = _emptiest(c, s, view, first, rows, below, after)
            start = after + 1 if take == below else first
            row = _row_with(c, s, view, start, first + rows - start, take)
            below, after = take, row
        _take_pod(c, s, view, row - c[C_POD_ROW], take)
        need -= take


@part
def _take_cluster(c: Setup, s: State, view: int, need: int) -> None:
    below, after = FOREVER, -1
    while need > 0:
        row = _tightest(c, s, view, 1, c[C_HALLS], need, below, after)
        take = need
        if row < 0:
            take = _emptiest(c, s, view, 1, c[C_HALLS], below, after)
            start = after + 1 if take == below else 1
            row = _row_with(c, s, view, start, 1 + c[C_HALLS] - start, take)
            below, after = take, row
        _take_hall(c, s, view, row - 1, take)
        need -= take


@part
def _holding(c: Setup, s: State, view: int, first: int, rows: int, free: int, domains: bool) -> int:
    """Return the group to go into that has a node with `free`, or a domain with that many nodes."""
    best, best_whole = -1, 0
    for row in range(first, first + rows):
        have = s.groups[view, c[C_WHOLE_ROW] + row, free] if domains else s.groups[view, row, free]
        if have == 0:
            continue
        whole = s.groups[view, row, c[C_NODE_SIZE]]
        better = whole < best_whole if c[C_FIT] == BEST_FIT else whole > best_whole
        if best < 0 or better:
            best, best_whole = row, whole
    return best


@part
def _level(
    c: Setup, s: State, view: int, low: int, high: int, domains: bool, best_fit: bool
) -> int:
    """Return the number from `low` to `high` that some node or domain has free; -1 if none."""
    found = -1
    for free in range(low, high + 1):
        have = s.groups[view, c[C_WHOLE_ROW], free] if domains else s.groups[view, 0, free]
        if have > 0:
            found = free
            if best_fit:
                break
    return found


@part
def _pick_small(c: Setup, s: State, view: int, size: int) -> bool:
    """Pick the node for a job of at most one node."""
    free = _level(c, s, view, size, c[C_NODE_SIZE], False, c[C_FIT] == BEST_FIT)
    if free < 0:
        return False
    hall = _holding(c, s, view, 1, c[C_HALLS], free, False) - 1
    pods = c[C_HALL_NODES] // c[C_POD_NODES]
    pod = _holding(c, s, view, c[C_POD_ROW] + hall * pods, pods, free, False) - c[C_POD_ROW]
    n = pod * c[C_POD_NODES]
    if c[C_DOMAIN_NODES] > 1:
        domains = c[C_POD_NODES] // c[C_DOMAIN_NODES]
        first = c[C_DOMAIN_ROW] + n // c[C_DOMAIN_NODES]
        row = _holding(c, s, view, first, domains, free, False)
        n = (row - c[C_DOMAIN_ROW]) * c[C_DOMAIN_NODES]
    while s.node[n, view] != free:
        n += 1
    s.node[0, PICKED_NODE] = n
    s.now[PICKED] = 1
    return True


@part
def _pick_domain(c: Setup, s: State, view: int, need: int) -> bool:
    """Pick whole nodes of one scale-up domain."""
    if need > c[C_DOMAIN_NODES]:
        return False
    whole = _level(c, s, view, need, c[C_DOMAIN_NODES], True, c[C_FIT] == BEST_FIT)
    if whole < 0:
        return False
    hall = _holding(c, s, view, 1, c[C_HALLS], whole, True) - 1
    pods = c[C_HALL_NODES] // c[C_POD_NODES]
    pod = _holding(c, s, view, c[C_POD_ROW] + hall * pods, pods, whole, True) - c[C_POD_ROW]
    domains = c[C_POD_NODES] // c[C_DOMAIN_NODES]
    first = c[C_DOMAIN_ROW] + pod * domains
    row = _row_with(c, s, view, first, domains, whole)
    node = (row - c[C_DOMAIN_ROW]) * c[C_DOMAIN_NODES]
    _take(c, s, view, node, node + c[C_DOMAIN_NODES], need)
    return True


@part
def pick(c: Setup, s: State, view: int, size: int, span: int) -> bool:
    """Pick nodes for `size` accelerators; False if they do not fit."""
    s.now[PICKED] = 0
    if size <= c[C_NODE_SIZE]:
        return _pick_small(c, s, view, size)
    return pick_within(c, s, view, nodes_for(c, size), span, -1)


@part
def pick_within(c: Setup, s: State, view: int, need: int, span: int, near: int) -> bool:  # noqa: PLR0911  one for each level
    """Pick `need` whole nodes; if `near` >= 0, of the group of that node at the level of `span`."""
    s.now[PICKED] = 0
    top = c[C_NODE_SIZE]
    if s.groups[view, 0, top] < need:
        return False
    if near >= 0 and span != CLUSTER:
        return _pick_near(c, s, view, need, span, near)
    if c[C_DOMAIN_NODES] > 1 and _pick_domain(c, s, view, need):
        return True
    if span == DOMAIN:
        return False
    row = _tightest(c, s, view, c[C_POD_ROW], c[C_PODS], need, FOREVER, -1)
    if row >= 0:
        _take_pod(c, s, view, row - c[C_POD_ROW], need)
        return True
    if span == POD:
        return False
    row = _tightest(c, s, view, 1, c[C_HALLS], need, FOREVER, -1)
    if row >= 0:
        _take_hall(c, s, view, row - 1, need)
        return True
    if span == HALL:
        return False
    _take_cluster(c, s, view, need)
    return True


@part
def _pick_near(c: Setup, s: State, view: int, need: int, span: int, near: int) -> bool:
    top = c[C_NODE_SIZE]
    if span == HALL:
        hall = near // c[C_HALL_NODES]
        if s.groups[view, 1 + hall, top] < need:
            return False
        _take_hall(c, s, view, hall, need)
    elif span == POD:
        pod = near // c[C_POD_NODES]
        if s.groups[view, c[C_POD_ROW] + pod, top] < need:
            return False
        _take_pod(c, s, view, pod, need)
    else:
        begin = near - near % c[C_DOMAIN_NODES]
        _take(c, s, view, begin, begin + c[C_DOMAIN_NODES], need)
        if s.now[PICKED] < need:
            return False
    return True
