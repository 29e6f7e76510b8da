"""Which requests make the next batch of a replica.

Every policy is a choice of the same few flags (`config.Policy`). Requests that already run go
first, decodes before the prefills that are part done; if a decode needs a block and none is left,
the newest running request that is not in a batch is preempted. Then waiting requests are admitted,
first come first served, while the batch has room for tokens and the KV cache for their blocks. In
an iteration that preempted nothing is admitted. A policy that admits first runs new prompts alone.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from gigawatt.compute.hosting.engine.blocks import (
    available,
    blocks_for,
    fits,
    hits,
    take,
    take_hits,
)
from gigawatt.compute.hosting.engine.columns import (
    BLOCKS,
    BUDGET,
    CACHED,
    DONE,
    FED,
    HEAD,
    MOST_BATCH,
    MOST_RUNNING,
    PREEMPTED,
    READY,
    RESERVE_ALL,
    RESERVE_PROMPT,
    RUNNING,
    SCHEDULED_S,
    TARGET,
    TOTAL,
    WAITING,
    WATERMARK,
    WHO,
    Setup,
    State,
)
from gigawatt.compute.hosting.engine.jit import jit
from gigawatt.compute.hosting.engine.queues import pop, preempt

__all__ = ["form"]


@jit
def form(c: Setup, s: State, r: int, b: int, t: float) -> int:
    """Fill place `b` of the ring of replica `r` with the next batch; return its size, or 0."""
    if c.disaggregated:
        _join(c, s, r)
    n, budget = 0, s.rep[r, BUDGET]
    if c.admit_first:
        n, budget = _admit(c, s, r, b, t, n, budget)
        if n > 0:
            return n
    before = s.rep[r, WAITING]
    n, budget = _continue(c, s, r, b, budget)
    if s.rep[r, WAITING] == before and not c.admit_first:
        n, budget = _admit(c, s, r, b, t, n, budget)
    return n


@jit
def _put(s: State, r: int, b: int, n: int, i: int, tokens: int) -> None:
    s.batch[r, b, n, WHO] = i
    s.batch[r, b, n, FED] = tokens


@jit
def _continue(c: Setup, s: State, r: int, b: int, budget: int) -> tuple[int, int]:
    """Take the running requests that are in no batch; leave over what does not fit."""
    n, taken, parts, end = 0, 0, 0, s.rep[r, READY]
    most = s.rep[r, MOST_BATCH]
    while taken < end and n < most:
        i = s.ready[r, taken]
        taken += 1
        if s.req[i, DONE] < s.req[i, TARGET]:
            s.partial[parts] = i
            parts += 1
            continue
        need = blocks_for(c, s.req[i, DONE] + c.width - 1) - s.req[i, BLOCKS]
        end, kept = _make_room(c, s, r, i, need, taken, end)
        if kept:
            _put(s, r, b, n, i, c.width)
            n += 1
            budget -= c.width
    left = 0
    for p in range(parts):
        i = s.partial[p]
        tokens = min(s.req[i, TARGET] - s.req[i, DONE], budget)
        if tokens <= 0 or n >= most:
            s.partial[left] = i
            left += 1
            continue
        need = blocks_for(c, s.req[i, DONE] + tokens) - s.req[i, BLOCKS]
        end, kept = _make_room(c, s, r, i, need, taken, end)
        if kept:
            _put(s, r, b, n, i, tokens)
            n += 1
            budget -= tokens
    _keep(s, r, left, taken, end)
    return n, budget


@jit
def _make_room(
    c: Setup, s: State, r: int, i: int, need: int, taken: int, end: int
) -> tuple[int, bool]:
    """Give request `i` the blocks it needs; preempt from the end of the ready ones if need be.

    Returns the new end, and whether `i` itself still runs.
    """
    decoding = s.req[i, DONE] >= s.req[i, TARGET]
    floor = max(need, 1) if c.spare_block and decoding else need
    while floor > 0 and available(s, r) < floor:
        if end <= taken:
            preempt(c, s, r, i)
            return end, False
        end -= 1
        preempt(c, s, r, s.ready[r, end])
    if need > 0:
        take(c, s, r, need)
        s.req[i, BLOCKS] += need
    return end, True


@jit
def _keep(s: State, r: int, left: int, taken: int, end: int) -> None:
    """Close the gap of those taken: skipped prefills and the rest, by time of arrival."""
    rest = end - taken
    if left == 0 and (taken == 0 or rest == 0):
        s.rep[r, READY] = rest
        return
    if left <= taken:
        for k in range(rest):
            s.ready[r, left + k] = s.ready[r, taken + k]
    for k in range(left):
        s.ready[r, k] = s.partial[k]
    for k in range(1, left + rest):  # nearly sorted, so insertion is quick
        i, at = s.ready[r, k], k - 1
        while at >= 0 and s.ready[r, at] > i:
            s.ready[r, at + 1] = s.ready[r, at]
            at -= 1
        s.ready[r, at + 1] = i
    s.rep[r, READY] = left + rest


@jit
def _admit(c: Setup, s: State, r: int, b: int, t: float, n: int, budget: int) -> tuple[int, int]:
    """Admit waiting requests to the batch while there is room."""
    most = min(s.rep[r, MOST_BATCH], n + s.rep[r, MOST_RUNNING] - s.rep[r, RUNNING])
    while s.rep[r, WAITING] > 0 and n < most:
        i = s.rep[r, HEAD]
        if s.req[i, DONE] > s.req[i, TARGET]:
            break  # its KV came from a prefill replica; it waits to join
        tokens = _start(c, s, r, i, budget, n == 0)
        if tokens == 0:
            break
        pop(s, r)
        s.rep[r, RUNNING] += 1
        if not s.times[i, SCHEDULED_S] >= 0:
            s.times[i, SCHEDULED_S] = t
        _put(s, r, b, n, i, tokens)
        n += 1
        budget -= tokens
    return n, budget


@jit
def _start(c: Setup, s: State, r: int, i: int, budget: int, first: bool) -> int:
    """Give request `i` its first blocks; return the tokens to feed, 0 if it must wait.

    A prompt that is not cut may exceed the budget if it is alone, as it would wait for ever.
    """
    found, idle = hits(c, s, r, i)
    cached = found * c.hash_blocks * c.block_tokens
    tokens = s.req[i, TARGET] - cached
    if tokens > budget:
        if not c.chunked and not first:
            return 0
        if c.chunked:
            tokens = budget
    if tokens <= 0:
        return 0
    hold = cached + tokens
    if c.reserve == RESERVE_PROMPT:
        hold = s.req[i, TARGET]
    elif c.reserve == RESERVE_ALL:
        hold = max(s.req[i, TOTAL], c.reserve_tokens)
    blocks = blocks_for(c, hold)
    if not fits(c, s, r, blocks, found, idle, s.rep[r, WATERMARK]):
        return 0
    take_hits(c, s, r, i, found)
    take(c, s, r, blocks - s.req[i, BLOCKS])
    s.req[i, BLOCKS] = blocks
    s.req[i, DONE] = cached
    if s.req[i, PREEMPTED] == 0:
        s.req[i, CACHED] = cached
    return tokens


@jit
def _join(c: Setup, s: State, r: int) -> None:
    """Let requests whose KV has come from a prefill replica join those that run.

    Each running request may need a block soon, so one is left for each of them.
    """
    while s.rep[r, WAITING] > 0 and s.rep[r, RUNNING] < s.rep[r, MOST_RUNNING]:
        i = s.rep[r, HEAD]
        if s.req[i, DONE] < s.req[i, TARGET]:
            return
        tokens = s.req[i, DONE] + c.width - 1
        if c.reserve == RESERVE_ALL:
            tokens = max(s.req[i, TOTAL], c.reserve_tokens, tokens)
        blocks = blocks_for(c, tokens)
        if available(s, r) - blocks < s.rep[r, RUNNING]:
            return
        pop(s, r)
        take(c, s, r, blocks)
        s.req[i, BLOCKS] = blocks
        s.rep[r, RUNNING] += 1
        s.ready[r, s.rep[r, READY]] = i
        s.rep[r, READY] += 1
