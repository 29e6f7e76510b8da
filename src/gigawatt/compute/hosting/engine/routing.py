"""Which replica a request goes to."""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from gigawatt.compute.hosting.engine.blocks import hits
from gigawatt.compute.hosting.engine.columns import (
    LEAST_TOKENS,
    PREFIX,
    PROMPT,
    READY_S,
    ROUND_ROBIN,
    ROUTED,
    ROUTED_TOKENS,
    TURN,
    Setup,
    State,
)
from gigawatt.compute.hosting.engine.jit import jit

__all__ = ["route"]


@jit
def route(c: Setup, s: State, i: int, t: float, pool: int) -> int:
    """Return the replica of `pool` for request `i`: of those ready, else the first to be ready."""
    low = c.prefill_replicas if pool == 1 else 0
    high = s.rep.shape[0] if pool == 1 else c.prefill_replicas
    if c.router == ROUND_ROBIN:
        return _in_turn(s, t, pool, low, high)
    if c.router == PREFIX and pool == 0:
        best = _longest_prefix(c, s, i, t, low, high)
        if best >= 0:
            return best
    return _least(c, s, t, low, high)


@jit
def _soonest(s: State, low: int, high: int) -> int:
    best = low
    for r in range(low + 1, high):
        if s.clock[r, READY_S] < s.clock[best, READY_S]:
            best = r
    return best


@jit
def _in_turn(s: State, t: float, pool: int, low: int, high: int) -> int:
    for _ in range(low, high):
        r = low + s.now_i[TURN + pool]
        s.now_i[TURN + pool] = (s.now_i[TURN + pool] + 1) % (high - low)
        if s.clock[r, READY_S] <= t:
            return r
    return _soonest(s, low, high)


@jit
def _least(c: Setup, s: State, t: float, low: int, high: int) -> int:
    column = ROUTED_TOKENS if c.router == LEAST_TOKENS else ROUTED
    best = -1
    for r in range(low, high):
        if s.clock[r, READY_S] <= t and (best < 0 or s.rep[r, column] < s.rep[best, column]):
            best = r
    return best if best >= 0 else _soonest(s, low, high)


@jit
def _longest_prefix(c: Setup, s: State, i: int, t: float, low: int, high: int) -> int:
    """Return the replica that holds most of the prompt; -1 if it is little, or the load uneven.

    Of those that hold as much, the one with fewest requests.
    """
    best, most, heaviest, lightest = -1, -1, 0, -1
    for r in range(low, high):
        if s.clock[r, READY_S] > t:
            continue
        load = s.rep[r, ROUTED]
        heaviest = max(heaviest, load)
        lightest = load if lightest < 0 else min(lightest, load)
        found, _ = hits(c, s, r, i)
        if found > most or (found == most and load < s.rep[best, ROUTED]):
            best, most = r, found
    uneven = heaviest - lightest > c.balance_requests and heaviest > c.balance_ratio * lightest
    tokens = most * c.hash_blocks * c.block_tokens
    little = tokens <= c.prefix_share * s.req[i, PROMPT]
    return -1 if uneven or little else best
