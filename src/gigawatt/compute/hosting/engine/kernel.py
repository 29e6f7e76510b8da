"""The loop over events.

Three things happen at an instant, in this order: batches and transfers that end, requests that
reach the router or their replica, and then new batches on the replicas that any of this touched.
So a request that arrives just as a batch ends can be in the next one. The next event of each
replica stands in a tree of minima, as replicas may be many.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt.compute.hosting.engine.blocks import release
from gigawatt.compute.hosting.engine.columns import (
    ARRIVED,
    DELIVERED,
    DONE_ALL,
    FAULT,
    FINISHED,
    FIRST_S,
    FLYING,
    LOG_FULL,
    LOG_ITEMS,
    LOG_ROWS,
    NEXT,
    NOW_S,
    OLDEST,
    PREFILLED_BY,
    READY_S,
    REPLICA,
    ROUND_ROBIN,
    ROUTED,
    ROUTED_S,
    ROUTED_TOKENS,
    SENDING,
    SENT_S,
    STUCK,
    TOTAL,
    TOUCHED,
    TOUCHED_COUNT,
    TURN,
    WAITING,
    Setup,
    State,
)
from gigawatt.compute.hosting.engine.jit import jit, kernel
from gigawatt.compute.hosting.engine.queues import push
from gigawatt.compute.hosting.engine.record import occupy
from gigawatt.compute.hosting.engine.routing import route
from gigawatt.compute.hosting.engine.stepping import end_batch, start_batches

if TYPE_CHECKING:
    from gigawatt.compute.hosting.engine.columns import Model

__all__ = ["advance"]


@kernel
def advance(c: Setup, s: State, latency: Model) -> int:
    """Run until all requests are finished, or until the log is full; can be called again."""
    while s.now_i[FINISHED] < s.req.shape[0]:
        if c.logging and not _log_has_room(s):
            return LOG_FULL
        t = min(s.tree[1], _next_arrival(c, s), _next_delivery(s))
        if t == np.inf:
            return STUCK
        s.now_f[NOW_S] = t
        while s.tree[1] <= t:
            _end(c, s, _earliest(s), t)
        while _next_arrival(c, s) <= t:
            _arrive(c, s, t)
        while _next_delivery(s) <= t:
            i = s.now_i[DELIVERED]
            s.now_i[DELIVERED] += 1
            _enqueue(c, s, int(s.req[i, REPLICA]), i, t)
        _start(c, s, latency, t)
        if s.now_i[FAULT] != 0:
            return s.now_i[FAULT]
    return DONE_ALL


@jit
def _log_has_room(s: State) -> bool:
    replicas, stages, most, _ = s.batch.shape
    rows, items = replicas * stages, replicas * stages * most
    rows_fit = s.now_i[LOG_ROWS] + rows <= s.log_s.shape[0]
    return rows_fit and s.now_i[LOG_ITEMS] + items <= s.log_items.shape[0]


@jit
def _next_arrival(c: Setup, s: State) -> float:
    """Return when the next request is routed; it waits for the first replica to be ready."""
    k = s.now_i[ARRIVED]
    if k >= s.req.shape[0]:
        return np.inf
    soonest = s.clock[0, READY_S]
    if s.times[k, ROUTED_S] >= soonest:
        return s.times[k, ROUTED_S]
    for r in range(1, c.prefill_replicas):
        soonest = min(soonest, s.clock[r, READY_S])
    return max(s.times[k, ROUTED_S], soonest)


@jit
def _next_delivery(s: State) -> float:
    """Return when the next routed request reaches its replica."""
    k = s.now_i[DELIVERED]
    return s.times[k, SENT_S] if k < s.now_i[ARRIVED] else np.inf


@jit
def _earliest(s: State) -> int:
    leaves = s.tree.shape[0] // 2
    at = 1
    while at < leaves:
        at *= 2
        if s.tree[at + 1] < s.tree[at]:
            at += 1
    return at - leaves


@jit
def _set_next(s: State, r: int, t: float) -> None:
    at = s.tree.shape[0] // 2 + r
    s.tree[at] = t
    at //= 2
    while at >= 1:
        s.tree[at] = min(s.tree[2 * at], s.tree[2 * at + 1])
        at //= 2


@jit
def _next_event(s: State, r: int) -> float:
    """Return when replica `r` next ends a batch or a transfer, or starts up to waiting work."""
    t = np.inf
    if s.rep[r, FLYING] > 0:
        t = s.batch_end_s[r, s.rep[r, OLDEST]]
    elif s.rep[r, WAITING] > 0 and s.clock[r, READY_S] > s.now_f[NOW_S]:
        t = s.clock[r, READY_S]
    if s.rep[r, SENDING] >= 0:
        t = min(t, s.times[s.rep[r, SENDING], SENT_S])
    return t


@jit
def _touch(s: State, r: int) -> None:
    if s.rep[r, TOUCHED] == 0:
        s.rep[r, TOUCHED] = 1
        s.touched[s.now_i[TOUCHED_COUNT]] = r
        s.now_i[TOUCHED_COUNT] += 1


@jit
def _enqueue(c: Setup, s: State, r: int, i: int, t: float) -> None:
    occupy(s, r, t, c.prefill_replicas)
    push(s, r, i)
    _touch(s, r)


@jit
def _end(c: Setup, s: State, r: int, t: float) -> None:
    """End what replica `r` ends by `t`."""
    if s.rep[r, FLYING] > 0 and s.batch_end_s[r, s.rep[r, OLDEST]] <= t:
        end_batch(c, s, r, t)
    while s.rep[r, SENDING] >= 0 and s.times[s.rep[r, SENDING], SENT_S] <= t:
        _hand_over(c, s, r, t)
    _touch(s, r)
    _set_next(s, r, _next_event(s, r))


@jit
def _hand_over(c: Setup, s: State, r: int, t: float) -> None:
    """Free the KV of a request that has been sent and queue it at a decode replica."""
    i = s.rep[r, SENDING]
    occupy(s, r, t, c.prefill_replicas)
    s.rep[r, SENDING] = s.req[i, NEXT]
    release(c, s, r, i)
    s.rep[r, ROUTED] -= 1
    s.rep[r, ROUTED_TOKENS] -= s.req[i, TOTAL]
    if c.first_at_decode:
        s.times[i, FIRST_S] = t
    to = route(c, s, i, t, 1)
    _assign(s, to, i)
    _enqueue(c, s, to, i, t)


@jit
def _assign(s: State, r: int, i: int) -> None:
    s.req[i, REPLICA] = r
    s.rep[r, ROUTED] += 1
    s.rep[r, ROUTED_TOKENS] += s.req[i, TOTAL]


@jit
def _arrive(c: Setup, s: State, t: float) -> None:
    i = s.now_i[ARRIVED]
    r = route(c, s, i, t, 0)
    s.req[i, PREFILLED_BY] = r
    _assign(s, r, i)
    s.times[i, SENT_S] = (
        t + c.dispatch_s
    )  # on its way; later the time at which its KV has been sent
    s.now_i[ARRIVED] += 1


@jit
def _start(c: Setup, s: State, latency: Model, t: float) -> None:
    """Start batches on the replicas that were touched in this instant."""
    count = s.now_i[TOUCHED_COUNT]
    for k in range(count):
        r = s.touched[k]
        s.rep[r, TOUCHED] = 0
        start_batches(c, s, latency, r, t, _undisturbed(c, s, r, count))
        if s.now_i[FAULT] != 0:
            return
        _set_next(s, r, _next_event(s, r))
    s.now_i[TOUCHED_COUNT] = 0


@jit
def _undisturbed(c: Setup, s: State, r: int, count: int) -> float:
    """Return until when nothing can reach replica `r` from outside.

    The answer may be too early, never too late. With round robin and all replicas ready, the next
    request for this replica is known; a decode replica may be sent one by any prefill replica.
    """
    if c.disaggregated and r >= c.prefill_replicas:
        if count > 1:
            return 0.0
        own = _next_event(s, r)
        _set_next(s, r, np.inf)
        others = s.tree[1]
        _set_next(s, r, own)
        return min(others, _next_arrival(c, s), _next_delivery(s))
    arrival = _next_arrival(c, s)
    if c.router == ROUND_ROBIN and not c.disaggregated:
        arrival = _next_in_turn(s, r, arrival)
    return min(arrival + c.dispatch_s, _next_delivery(s))


@jit
def _next_in_turn(s: State, r: int, arrival: float) -> float:
    """Return when round robin next comes to replica `r`, if all are ready; else `arrival`."""
    replicas = s.rep.shape[0]
    for k in range(replicas):
        if s.clock[k, READY_S] > s.now_f[NOW_S]:
            return arrival
    k = s.now_i[ARRIVED] + (r - s.now_i[TURN]) % replicas
    return s.times[k, ROUTED_S] if k < s.req.shape[0] else np.inf
