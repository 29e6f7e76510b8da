"""Many decode steps at once.

While nothing but decodes runs, nobody finishes and nobody arrives, every step feeds the same
requests and each context grows by one. Then a step needs no look at the requests: the sum of
contexts grows by their number, and the requests that need a new block in a step are those of one
phase, position modulo block size, counted once. The results are the same to the bit as step by
step.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt.compute.hosting.engine.blocks import available, blocks_for, take
from gigawatt.compute.hosting.engine.columns import (
    BAD_LATENCY,
    BLOCKS,
    BUCKET_BUSY,
    BUCKET_OUTPUT,
    BUSY_S,
    DONE,
    FAULT,
    OLDEST,
    OUTPUT_TOKENS,
    STEPS,
    TOTAL,
    WHO,
    Setup,
    State,
)
from gigawatt.compute.hosting.engine.jit import jit
from gigawatt.compute.hosting.engine.latency import DECODE_CONTEXT
from gigawatt.compute.hosting.engine.record import occupy, spend

if TYPE_CHECKING:
    from gigawatt.compute.hosting.engine.columns import Model

__all__ = ["skip_ahead"]


@jit
def _survey(c: Setup, s: State, r: int, b: int) -> int:
    """Return in how many steps the first request finishes; count the requests by phase."""
    s.phases[:] = 0
    first = 1 << 60
    for k in range(s.batch_size[r, b]):
        i = s.batch[r, b, k, WHO]
        slack = s.req[i, BLOCKS] * c.block_tokens - s.req[i, DONE]
        first = min(first, s.req[i, TOTAL] - s.req[i, DONE])
        if slack < c.block_tokens:
            s.phases[slack] += 1
        else:  # it has more than it needs, so its phase does not say when it needs the next
            first = min(first, slack + 1)
    return first


@jit
def skip_ahead(c: Setup, s: State, latency: Model, r: int, until: float) -> None:
    """Run further steps of the decode batch in flight that end before `until` lets others in.

    The batch must hold every running request of a replica with one stage, and no drafts.
    """
    b = s.rep[r, OLDEST]
    if s.batch_end_s[r, b] >= until:
        return
    n, steps = s.batch_size[r, b], 0
    spare = 1 if c.spare_block else 0
    left = _survey(c, s, r, b)
    end = s.batch_end_s[r, b]
    while end < until and steps < left - 1:
        need = s.phases[steps % c.block_tokens]
        if available(s, r) < need + spare:
            break
        occupy(s, r, end, c.prefill_replicas)
        if need > 0:
            take(c, s, r, need)
        s.features[DECODE_CONTEXT] += n
        latency(s.params, s.features, s.stage_s)
        seconds = s.stage_s[0]
        if not 0 <= seconds < np.inf:
            s.now_i[FAULT] = BAD_LATENCY
            return
        spend(s, r, end, end, BUCKET_OUTPUT, np.float64(n), c.prefill_replicas)
        spend(s, r, end, end + seconds, BUCKET_BUSY, 1.0, c.prefill_replicas)
        s.clock[r, BUSY_S] += seconds
        end += seconds
        steps += 1
    _apply(c, s, r, b, steps, end)


@jit
def _apply(c: Setup, s: State, r: int, b: int, steps: int, end: float) -> None:
    if steps == 0:
        return
    for k in range(s.batch_size[r, b]):
        i = s.batch[r, b, k, WHO]
        s.req[i, DONE] += steps
        s.req[i, BLOCKS] = max(s.req[i, BLOCKS], blocks_for(c, s.req[i, DONE]))
    s.batch_end_s[r, b] = end
    s.stage_free_s[r, 0] = end
    s.rep[r, STEPS] += steps
    s.rep[r, OUTPUT_TOKENS] += steps * s.batch_size[r, b]
