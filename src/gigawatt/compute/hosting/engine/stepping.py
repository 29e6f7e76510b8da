"""Run a batch: what it is made of, how long it takes, what it yields.

Batches pass the stages of a pipeline in order, so the time of every stage is known when a batch
starts: a stage begins when the batch has left the stage before and the batch ahead has left this
one. As many batches are in flight as there are stages.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt.compute.hosting.engine.batching import form
from gigawatt.compute.hosting.engine.blocks import register, release
from gigawatt.compute.hosting.engine.columns import (
    BAD_LATENCY,
    BUCKET_BUSY,
    BUCKET_OUTPUT,
    BUCKET_PREFILL,
    BUSY_S,
    CREDIT,
    DONE,
    FAULT,
    FED,
    FINISH_S,
    FINISHED,
    FIRST_S,
    FLYING,
    LINK_S,
    MILLION,
    NEXT,
    OLDEST,
    OUTPUT_TOKENS,
    PREEMPTIONS,
    PREFILL_TOKENS,
    READY,
    READY_S,
    ROUTED,
    ROUTED_TOKENS,
    RUNNING,
    SENDING,
    SENDING_LAST,
    SENT_S,
    STEPS,
    TARGET,
    TOTAL,
    WHO,
    Setup,
    State,
)
from gigawatt.compute.hosting.engine.jit import jit
from gigawatt.compute.hosting.engine.latency import (
    DECODE_CONTEXT,
    DECODE_TOKENS,
    DECODES,
    PREFILL_CONTEXT,
    PREFILL_CONTEXT_ROUNDED,
    PREFILL_PAIRS,
    PREFILL_SQUARE,
    PREFILLS,
    SAMPLES,
    TOKENS,
)
from gigawatt.compute.hosting.engine.latency import (
    PREFILL_TOKENS as PREFILL_FED,
)
from gigawatt.compute.hosting.engine.latency import (
    REPLICA as REPLICA_NUMBER,
)
from gigawatt.compute.hosting.engine.record import log_batch, occupy, spend
from gigawatt.compute.hosting.engine.skipping import skip_ahead

if TYPE_CHECKING:
    from gigawatt.compute.hosting.engine.columns import Model

__all__ = ["end_batch", "start_batches"]


@jit
def start_batches(c: Setup, s: State, latency: Model, r: int, t: float, until: float) -> None:
    """Start as many batches of replica `r` as its pipeline takes and its requests fill."""
    occupy(s, r, t, c.prefill_replicas)
    if t < s.clock[r, READY_S]:
        return
    while s.rep[r, FLYING] < c.stages:
        b = (s.rep[r, OLDEST] + s.rep[r, FLYING]) % c.stages
        preempted = s.rep[r, PREEMPTIONS]
        n = form(c, s, r, b, t)
        if n == 0:
            return
        s.batch_size[r, b] = n
        s.rep[r, FLYING] += 1
        s.rep[r, STEPS] += 1
        describe(c, s, r, b)
        if not run(c, s, latency, r, b, t):
            return
        # After a preemption the next step may admit, so it has to be looked at.
        calm = preempted == s.rep[r, PREEMPTIONS] and s.rep[r, READY] == 0
        if c.skip_ahead and calm and s.features[PREFILLS] == 0:
            skip_ahead(c, s, latency, r, until)


@jit
def describe(c: Setup, s: State, r: int, b: int) -> None:
    """Write the features of the batch in place `b` of the ring."""
    x = s.features
    x[:] = 0.0
    context, decodes, fed, samples, square, before_sum, rounded = 0, 0, 0, 0, 0, 0, 0
    pairs = 0.0
    size = s.batch_size[r, b]
    for k in range(size):
        i, tokens = s.batch[r, b, k, WHO], int(s.batch[r, b, k, FED])
        before = int(s.req[i, DONE])
        if before > s.req[i, TARGET]:
            context += before
            decodes += 1
            continue
        fed += tokens
        square += tokens * tokens
        before_sum += before
        rounded += (before + c.granularity - 1) // c.granularity * c.granularity
        pairs += tokens * (before + 0.5 * (tokens + 1))
        samples += before + tokens == s.req[i, TARGET]
    x[TOKENS] = fed + decodes * c.width
    x[DECODES] = decodes
    x[DECODE_TOKENS] = decodes * c.width
    x[DECODE_CONTEXT] = context
    x[PREFILLS] = size - decodes
    x[PREFILL_FED] = fed
    x[PREFILL_CONTEXT] = before_sum
    x[PREFILL_CONTEXT_ROUNDED] = rounded
    x[PREFILL_SQUARE] = square
    x[PREFILL_PAIRS] = pairs
    x[SAMPLES] = samples + decodes
    x[REPLICA_NUMBER] = r


@jit
def run(c: Setup, s: State, latency: Model, r: int, b: int, t: float) -> bool:
    """Send the batch described in `features` through the stages; False if its time is no time."""
    latency(s.params, s.features, s.stage_s)
    begin, at = max(t, s.stage_free_s[r, 0]), t
    for k in range(c.stages):
        seconds = s.stage_s[k]
        if not 0 <= seconds < np.inf:
            s.now_i[FAULT] = BAD_LATENCY
            return False
        start = max(at, s.stage_free_s[r, k])
        at = start + seconds
        s.stage_free_s[r, k] = at
        s.clock[r, BUSY_S] += seconds
        spend(s, r, start, at, BUCKET_BUSY, 1.0 / c.stages, c.prefill_replicas)
    s.batch_end_s[r, b] = at
    if c.logging:
        log_batch(s, r, b, begin, at)
    return True


@jit
def _yielded(c: Setup, s: State, i: int) -> int:
    """Return the tokens that a decode of request `i` yields in one step."""
    if c.width == 1:
        return 1
    if c.emit_millionths > 0:
        credit = s.req[i, CREDIT] + c.emit_millionths
        s.req[i, CREDIT] = credit % MILLION
        return credit // MILLION
    # Drafts are accepted one after another until the first that is not. The draw depends only on
    # the request and how far it is, so other requests cannot change it.
    x = np.uint64(c.seed) + np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)
    x += np.uint64(s.req[i, DONE]) * np.uint64(0xD1B54A32D192ED03)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # splitmix64 (Steele 2014)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    u = (np.float64((x ^ (x >> np.uint64(31))) >> np.uint64(11)) + 1.0) / 9007199254740993.0
    tokens = 1
    chance = c.acceptance
    while tokens < c.width and u < chance:
        tokens += 1
        chance *= c.acceptance
    return tokens


@jit
def end_batch(c: Setup, s: State, r: int, t: float) -> None:
    """End the oldest batch in flight: its requests go on, finish, or leave for a decode replica."""
    occupy(s, r, t, c.prefill_replicas)
    b = s.rep[r, OLDEST]
    s.rep[r, OLDEST] = (b + 1) % c.stages
    s.rep[r, FLYING] -= 1
    fed, made, ready = 0, 0, s.rep[r, READY]
    for k in range(s.batch_size[r, b]):
        i = s.batch[r, b, k, WHO]
        if s.req[i, DONE] > s.req[i, TARGET]:
            tokens = min(_yielded(c, s, i), s.req[i, TOTAL] - s.req[i, DONE])
            s.req[i, DONE] += tokens
            made += tokens
        else:
            fed += s.batch[r, b, k, FED]
            made += _prefilled(c, s, r, i, s.batch[r, b, k, FED], t)
        if s.req[i, DONE] >= s.req[i, TOTAL]:
            _finish(c, s, r, i, t)
        elif c.disaggregated and r < c.prefill_replicas and s.req[i, DONE] > s.req[i, TARGET]:
            _send(c, s, r, i, t)
        else:
            s.ready[r, ready] = i
            ready += 1
    s.rep[r, READY] = ready
    s.rep[r, PREFILL_TOKENS] += fed
    s.rep[r, OUTPUT_TOKENS] += made
    spend(s, r, t, t, BUCKET_PREFILL, np.float64(fed), c.prefill_replicas)
    spend(s, r, t, t, BUCKET_OUTPUT, np.float64(made), c.prefill_replicas)


@jit
def _prefilled(c: Setup, s: State, r: int, i: int, tokens: int, t: float) -> int:
    """Count a chunk of a prompt; return 1 if it was the last, which yields a token."""
    s.req[i, DONE] += tokens
    done = s.req[i, DONE] == s.req[i, TARGET]
    register(c, s, r, i)
    if not done:
        return 0
    s.req[i, DONE] += 1
    if not s.times[i, FIRST_S] >= 0:
        s.times[i, FIRST_S] = t
    return 1


@jit
def _finish(c: Setup, s: State, r: int, i: int, t: float) -> None:
    release(c, s, r, i)
    s.times[i, FINISH_S] = t
    s.rep[r, RUNNING] -= 1
    s.rep[r, ROUTED] -= 1
    s.rep[r, ROUTED_TOKENS] -= s.req[i, TOTAL]
    s.now_i[FINISHED] += 1


@jit
def _send(c: Setup, s: State, r: int, i: int, t: float) -> None:
    """Send the KV of a prefilled request; transfers of a replica go one after another."""
    begin = max(t, s.clock[r, LINK_S])
    end = begin + c.transfer_s + c.transfer_s_per_token * s.req[i, TARGET]
    s.clock[r, LINK_S] = end
    s.times[i, SENT_S] = end
    s.req[i, NEXT] = -1
    if s.rep[r, SENDING] < 0:
        s.rep[r, SENDING] = i
    else:
        s.req[s.rep[r, SENDING_LAST], NEXT] = i
    s.rep[r, SENDING_LAST] = i
    s.rep[r, RUNNING] -= 1
