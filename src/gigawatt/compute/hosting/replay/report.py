"""What a replay of a trace says: latencies with their bands, throughput, memory, power, cost."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.replay.goals import LATENCIES, Band
from gigawatt.compute.hosting.step import Split

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from gigawatt.compute.bands import Estimate
    from gigawatt.compute.hosting.engine.config import EngineConfig
    from gigawatt.compute.hosting.engine.results import Requests
    from gigawatt.compute.hosting.replay.goals import Goals, Runs
    from gigawatt.compute.hosting.requests import Trace

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = ["PERCENTILES", "Replay", "Spending"]

PERCENTILES: Final = (50.0, 90.0, 95.0, 99.0)
"""Percentiles of latency that are reported, beside the mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the fleet draws and costs over the trace; None where nothing is published.

    Parameters
    ----------
    rated_it_kw : float or None
        All-in rated IT power of the accelerators.
    it_kw, facility_kw : float or None
        Drawn by IT and by the facility in the mean of the replay.
    pue : float
        Facility power over IT power.
    joules_per_output_token : Band or None
        Facility energy over output tokens.
    usd_per_chip_hour : float or None
        Cost of an accelerator-hour.
    usd_per_million_output_tokens, usd_per_million_tokens : Estimate or None
        Cost of all accelerators for as long as the replay lasts, over output tokens, and over
        tokens of prompts and answers.
    notes : tuple of str
        Where the figures come from.
    """

    rated_it_kw: float | None
    it_kw: float | None
    facility_kw: float | None
    pue: float
    joules_per_output_token: Band | None
    usd_per_chip_hour: float | None
    usd_per_million_output_tokens: Estimate | None
    usd_per_million_tokens: Estimate | None
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain numbers."""
        told = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "notes"}
        return {k: _plain(v) for k, v in told.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401  a number, a band or an estimate
    if not hasattr(value, "low"):
        return value
    return Band(value.value, value.low, value.high).as_dict()


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A trace of requests as a fleet of instances would have served it.

    Parameters
    ----------
    model, chip, weights, cache, software : str
        What is served, on what, in which formats and with which engine.
    split : Split
        How an instance spreads the model.
    instances : int
        Copies of the model.
    prefill_instances : int
        Those of them that only read prompts; 0 where all do both.
    engine : EngineConfig
        The engine that was simulated; its replicas are the instances.
    goals : Goals
        Limits on latency.
    runs : Runs
        Every request, on the central, a faster and a slower machine.
    spending : Spending
        Power and cost.
    notes : tuple of str
        What was assumed or is extrapolated.
    """

    model: str
    chip: str
    weights: str
    cache: str
    software: str
    split: Split
    instances: int
    prefill_instances: int
    engine: EngineConfig
    goals: Goals
    runs: Runs
    spending: Spending
    notes: tuple[str, ...]

    @property
    def trace(self) -> Trace:
        """The requests, as they were played."""
        return self.runs.central.trace

    @property
    def requests(self) -> Requests:
        """Every request on the central machine, with the timeline of the fleet."""
        return self.runs.central

    @property
    def accelerators(self) -> int:
        """Accelerators of all instances."""
        return self.instances * int(self.split.accelerators)

    @property
    def duration_s(self) -> Band:
        """Time from the first arrival to the last token [s]."""
        begin = float(self.trace.arrival_s[0])
        each = (self.runs.central, self.runs.fast, self.runs.slow)
        return Band(*(one.end_s - begin for one in each))

    @property
    def requests_per_s(self) -> Band:
        """Requests finished [1/s]."""
        return self._rate(len(self.trace))

    @property
    def output_tokens_per_s(self) -> Band:
        """Output tokens [1/s]."""
        return self._rate(float(self.trace.output_tokens.sum()))

    @property
    def input_tokens_per_s(self) -> Band:
        """Prompt tokens, those found in the prefix cache included [1/s]."""
        return self._rate(float(self.trace.prompt_tokens.sum()))

    def _rate(self, amount: float) -> Band:
        took = self.duration_s
        return Band(amount / took.value, amount / took.high, amount / took.low)

    @cached_property
    def latency(self) -> dict[str, dict[str, Band]]:
        """Mean and percentiles of each latency: ``latency["ttft_s"]["p99"]`` [s]."""
        return {name: _spread(self.runs.latencies[name]) for name in LATENCIES}

    @cached_property
    def kept(self) -> tuple[Flags, Flags, Flags]:
        """Which requests keep the limits, with latencies at their P10, as predicted and at P90."""
        found = self.runs.latencies
        low, central, high = (
            self.goals.kept(found["ttft_s"][i], found["tpot_s"][i]) for i in range(3)
        )
        return low, central, high

    @property
    def share_within_limits(self) -> Band:
        """Share of the requests that keep both limits."""
        fast, central, slow = (float(flags.mean()) for flags in self.kept)
        return Band(central, slow, fast)

    @property
    def goodput_requests_per_s(self) -> Band:
        """Requests within the limits [1/s]."""
        return self._good(np.ones(len(self.trace)))

    @property
    def goodput_tokens_per_s(self) -> Band:
        """Output tokens of requests within the limits [1/s]."""
        return self._good(self.trace.output_tokens.astype(float))

    def _good(self, weight: Floats) -> Band:
        took, (fast, central, slow) = self.duration_s, self.kept
        return Band(
            float(weight[central].sum()) / took.value,
            float(weight[slow].sum()) / took.high,
            float(weight[fast].sum()) / took.low,
        )

    @property
    def kv_peak_share(self) -> float:
        """Most that an instance held of its KV blocks, over all instances."""
        peak = self.requests.replicas["peak_kv_blocks"]
        return float((peak / self.engine.each("kv_blocks")).max())

    @property
    def cached_share(self) -> float:
        """Share of the prompt tokens that was found in the prefix cache."""
        cached = float(self.requests.cached_tokens.sum())
        return cached / float(self.trace.prompt_tokens.sum())

    @property
    def preemptions(self) -> int:
        """How often a request lost its KV and had to be read again."""
        return int(self.requests.preemptions.sum())

    @property
    def utilisation(self) -> float:
        """Share of the time in which an instance works on a batch."""
        busy = float(self.requests.replicas["busy_s"].sum())
        return busy / (self.duration_s.value * self.engine.replicas)

    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Return the columns of the table of requests, without loading pandas."""
        one = self.requests
        return {
            "request": np.arange(len(self.trace)),
            "arrival_s": self.trace.arrival_s,
            "prompt_tokens": self.trace.prompt_tokens,
            "output_tokens": self.trace.output_tokens,
            "cached_tokens": one.cached_tokens,
            "prefill_instance": one.prefill_replica,
            "instance": one.replica,
            "scheduled_s": one.scheduled_s,
            "first_token_s": one.first_token_s,
            "finish_s": one.finish_s,
            "ttft_s": one.ttft_s,
            "tpot_s": one.tpot_s,
            "e2e_s": one.e2e_s,
            "preemptions": one.preemptions,
            "within_limits": self.kept[1],
        }

    def table(self) -> pd.DataFrame:
        """Return one row a request, in the order of the trace; the glossary has its columns."""
        import pandas as pd  # noqa: PLC0415  loads only where it is used

        return pd.DataFrame(self.columns())

    def as_dict(self) -> dict[str, Any]:
        """Return the replay as plain numbers and text, for programs."""
        trace, engine, many = self.trace, self.engine, float(self.accelerators)
        limits = {"ttft_ms": self.goals.ttft_s, "tpot_ms": self.goals.tpot_s}
        goals = {k: 1e3 * v if np.isfinite(v) else None for k, v in limits.items()}
        good = self.goals.stated
        return {
            "model": self.model,
            "chip": self.chip,
            "weights": self.weights,
            "cache": self.cache,
            "software": self.software,
            "trace": {
                "requests": len(trace),
                "input_tokens": int(trace.prompt_tokens.sum()),
                "output_tokens": int(trace.output_tokens.sum()),
                "span_s": trace.duration_s,
            },
            "split": {f.name: int(getattr(self.split, f.name)) for f in fields(Split)},
            "instances": self.instances,
            "prefill_instances": self.prefill_instances,
            "accelerators": self.accelerators,
            "engine": {
                "policy": engine.policy,
                "router": engine.router,
                "chunk_tokens": engine.token_budget,
                "max_sequences": engine.max_sequences,
                "prefix_cache": engine.prefix_cache,
                "kv_tokens": int(engine.each("kv_blocks").min()) * engine.block_tokens,
                "draft_tokens": engine.draft_tokens,
                "seed": engine.seed,
            },
            "limits": {**goals, "percentile": self.goals.percentile, "sure": self.goals.sure},
            "duration_s": self.duration_s.as_dict(),
            "requests_per_s": self.requests_per_s.as_dict(),
            "input_tokens_per_s": self.input_tokens_per_s.as_dict(),
            "output_tokens_per_s": self.output_tokens_per_s.as_dict(),
            "output_tokens_per_s_per_accelerator": self.output_tokens_per_s.scaled(
                1.0 / many
            ).as_dict(),
            **{
                f"{name.removesuffix('_s')}_ms": {
                    at: band.scaled(1e3).as_dict() for at, band in self.latency[name].items()
                }
                for name in LATENCIES
            },
            "share_within_limits": self.share_within_limits.as_dict() if good else None,
            "goodput_requests_per_s": self.goodput_requests_per_s.as_dict() if good else None,
            "goodput_tokens_per_s": self.goodput_tokens_per_s.as_dict() if good else None,
            "kv_peak_share": self.kv_peak_share,
            "cached_share": self.cached_share,
            "preemptions": self.preemptions,
            "utilisation": self.utilisation,
            "spending": self.spending.as_dict(),
            "notes": list(self.notes),
        }


def _spread(bounds: tuple[Floats, Floats, Floats]) -> dict[str, Band]:
    """Return mean and percentiles of values with their bounds; NaN where there are none."""
    low, central, high = (values[np.isfinite(values)] for values in bounds)
    if not central.size:
        nothing = Band(np.nan, np.nan, np.nan)
        return {"mean": nothing, **{f"p{q:g}": nothing for q in PERCENTILES}}
    each = [np.percentile(values, PERCENTILES) for values in (central, low, high)]
    found = {"mean": Band(*(float(v.mean()) for v in (central, low, high)))}
    for i, q in enumerate(PERCENTILES):
        found[f"p{q:g}"] = Band(*(float(one[i]) for one in each))
    return found
