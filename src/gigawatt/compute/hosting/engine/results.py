"""What came out of a simulation: every request, and summaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.compute.hosting.engine import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from gigawatt.compute.hosting.requests import Trace

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Batches", "Requests", "Timeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Every batch, in the order in which they began, and what it was made of.

    Parameters
    ----------
    begin_s, end_s : array of float, shape (B,)
        When it entered the first stage and left the last [s].
    replica, size : array of int, shape (B,)
        Where it ran, and its requests.
    start : array of int, shape (B + 1,)
        Where the items of each batch begin.
    request, tokens, before, is_prefill : array of int
        Items: request, tokens fed, tokens processed before, 1 if part of a prefill.
    """

    begin_s: Floats
    end_s: Floats
    replica: Ints
    size: Ints
    start: Ints
    request: Ints
    tokens: Ints
    before: Ints
    is_prefill: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Means over buckets of time; the first axis is the pool (all, or prefill and decode).

    Parameters
    ----------
    begin_s : array of float, shape (T,)
        Begin of each bucket [s].
    bucket_s : float
        Width of a bucket [s].
    utilisation : array of float, shape (pools, T)
        Share of the time in which a stage of a replica works.
    kv_share : array of float, shape (pools, T)
        Share of the KV blocks held by requests.
    running, waiting : array of float, shape (pools, T)
        Requests admitted, and queued at a replica.
    prefill_tokens_per_s, output_tokens_per_s : array of float, shape (pools, T)
        Tokens computed and generated.
    """

    begin_s: Floats
    bucket_s: float
    utilisation: Floats
    kv_share: Floats
    running: Floats
    waiting: Floats
    prefill_tokens_per_s: Floats
    output_tokens_per_s: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Every request of a simulation, in the order of the trace.

    Parameters
    ----------
    trace : Trace
        What was asked.
    routed_s, scheduled_s, first_token_s, finish_s : array of float, shape (N,)
        When a request reached the router, first entered a batch, and when the user got its first
        and last token [s].
    sent_s : array of float, shape (N,)
        When its KV had reached the decode replica; NaN if it never left.
    replica, prefill_replica : array of int, shape (N,)
        Where it finished, and where it was first sent.
    preemptions, cached_tokens : array of int, shape (N,)
        How often it was preempted; prompt tokens found in the prefix cache.
    replicas : mapping of str to array
        Counters of each replica: busy seconds, steps, preemptions, evictions, most KV blocks,
        tokens.
    timeline : Timeline
        Utilisation and KV occupancy over time.
    batches : Batches or None
        Every batch, if asked for.
    """

    trace: Trace
    routed_s: Floats
    scheduled_s: Floats
    first_token_s: Floats
    finish_s: Floats
    sent_s: Floats
    replica: Ints
    prefill_replica: Ints
    preemptions: Ints
    cached_tokens: Ints
    replicas: dict[str, Floats]
    timeline: Timeline
    batches: Batches | None = None

    @property
    def ttft_s(self) -> Floats:
        """Time to first token, as the user sees it [s]."""
        return self.first_token_s - self.trace.arrival_s

    @property
    def e2e_s(self) -> Floats:
        """Time to the last token, as the user sees it [s]."""
        return self.finish_s - self.trace.arrival_s

    @property
    def tpot_s(self) -> Floats:
        """Mean time per output token after the first; NaN for answers of one token [s]."""
        steps = (self.trace.output_tokens - 1).astype(float)
        steps[steps == 0] = np.nan
        answer: Floats = (self.finish_s - self.first_token_s) / steps
        return answer

    @property
    def queue_s(self) -> Floats:
        """Time from the router to the first batch [s]."""
        return self.scheduled_s - self.routed_s

    @property
    def end_s(self) -> float:
        """When the last request was finished [s]."""
        return float(self.finish_s.max())

    def summary(self, percentiles: Sequence[float] = (50, 90, 95, 99)) -> dict[str, float]:
        """Return percentiles of TTFT, TPOT and E2E [s], throughput and cache hits.

        Percentiles interpolate linearly. Rates are over the time from the first arrival to the
        last token.
        """
        answer: dict[str, float] = {}
        for name, values in (("ttft", self.ttft_s), ("tpot", self.tpot_s), ("e2e", self.e2e_s)):
            known = values[np.isfinite(values)]
            answer[f"{name}_mean_s"] = float(known.mean()) if known.size else float("nan")
            for q in percentiles:
                value = float(np.percentile(known, q)) if known.size else float("nan")
                answer[f"{name}_p{q:g}_s"] = value
        span = self.end_s - float(self.trace.arrival_s[0])
        prompt, output = int(self.trace.prompt_tokens.sum()), int(self.trace.output_tokens.sum())
        answer["requests_per_s"] = len(self.trace) / span if span else float("nan")
        answer["prompt_tokens_per_s"] = prompt / span if span else float("nan")
        answer["output_tokens_per_s"] = output / span if span else float("nan")
        answer["cached_share"] = float(self.cached_tokens.sum()) / prompt
        answer["preemptions"] = float(self.preemptions.sum())
        return answer

    def table(self) -> pd.DataFrame:
        """Return one row a request."""
        import pandas as pd  # noqa: PLC0415  loads only where it is used

        return pd.DataFrame(
            {
                "arrival_s": self.trace.arrival_s,
                "prompt_tokens": self.trace.prompt_tokens,
                "output_tokens": self.trace.output_tokens,
                "replica": self.replica,
                "scheduled_s": self.scheduled_s,
                "first_token_s": self.first_token_s,
                "finish_s": self.finish_s,
                "ttft_s": self.ttft_s,
                "tpot_s": self.tpot_s,
                "e2e_s": self.e2e_s,
                "cached_tokens": self.cached_tokens,
                "preemptions": self.preemptions,
            }
        )


def timeline(s: columns.State, pools: tuple[int, int], end_s: float) -> Timeline:
    """Return the kernel's sums over buckets as means."""
    width = float(s.now_f[columns.BUCKET_S])
    count = min(int(end_s / width) + 1, s.buckets.shape[1])
    means = s.buckets[:, :count] / width
    replicas = np.array([pools[0], max(pools[1], 1)], float)[: means.shape[0], None]
    blocks = s.rep[:, columns.CAPACITY]
    held = np.array([blocks[: pools[0]].sum(), max(blocks[pools[0] :].sum(), 1)], float)
    return Timeline(
        begin_s=np.arange(count) * width,
        bucket_s=width,
        utilisation=means[:, :, columns.BUCKET_BUSY] / replicas,
        kv_share=means[:, :, columns.BUCKET_KV] / held[: means.shape[0], None],
        running=means[:, :, columns.BUCKET_RUNNING],
        waiting=means[:, :, columns.BUCKET_WAITING],
        prefill_tokens_per_s=means[:, :, columns.BUCKET_PREFILL],
        output_tokens_per_s=means[:, :, columns.BUCKET_OUTPUT],
    )
