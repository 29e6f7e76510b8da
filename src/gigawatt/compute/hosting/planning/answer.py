"""What a hosting plan answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from gigawatt.compute.hosting.estimate import as_dict
from gigawatt.compute.hosting.planning.upkeep import Upkeep

if TYPE_CHECKING:
    from gigawatt.compute.bands import Estimate
    from gigawatt.compute.hosting.estimate import ServingEstimate
    from gigawatt.compute.hosting.planning.disaggregated_search import Pools, Separate
    from gigawatt.compute.hosting.planning.percentiles import Arrivals, Tail
    from gigawatt.compute.hosting.planning.upkeep import Fleet
    from gigawatt.compute.hosting.steady import Mix

__all__ = ["HostingPlan", "SeparatePlan"]


@dataclass(frozen=True, slots=True)
class SeparatePlan:
    """Instances that only read prompts and others that only answer, beside those that do both.

    Parameters
    ----------
    found : Separate
        Deployments within the limits, best first, and their front.
    together : float
        Output tokens per second of each accelerator in the best instances that do both, under
        requests that arrive by chance as they do here; 0 where none keeps the limits.
    ttft_s, tpot_s, output_tokens_per_s : Estimate or None
        Of the best deployment, with P10 and P90; None where none keeps the limits.
    """

    found: Separate
    together: float
    ttft_s: Estimate | None
    tpot_s: Estimate | None
    output_tokens_per_s: Estimate | None

    @property
    def best(self) -> Pools | None:
        """The deployment with the most output tokens per second for each accelerator."""
        return self.found.best[0] if self.found.best else None

    @property
    def gain(self) -> float | None:
        """Output of an accelerator over that of instances that do both, less 1."""
        if self.best is None or not self.together:
            return None
        return self.best.per_accelerator / self.together - 1.0

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain numbers."""
        told: dict[str, Any] = {
            "best": None,
            "alternatives": [_pools(one) for one in self.found.best[1:]],
            "together_output_tokens_per_s_per_accelerator": self.together,
            "gain": self.gain,
            "pareto": list(self.found.front),
        }
        bands = self.ttft_s, self.tpot_s, self.output_tokens_per_s
        if self.best is not None and bands[0] and bands[1] and bands[2]:
            told["best"] = _pools(self.best) | {
                "ttft_ms": _band(bands[0].scaled(1e3)),
                "tpot_ms": _band(bands[1].scaled(1e3)),
                "output_tokens_per_s": _band(bands[2]),
            }
        return told


@dataclass(frozen=True, slots=True)
class HostingPlan:
    """The best splits found, and what they promise.

    Parameters
    ----------
    model, chip, weights, cache, software : str
        What is served, on what, in which formats and with which engine.
    mix : Mix
        The mean request.
    ttft_ms, tpot_ms : float or None
        Latencies that are kept, in the mean or at `percentile`; None for no limit.
    sure : bool
        Whether the P90 of the latencies keeps the limits too.
    max_chips : int
        Most accelerators of an instance.
    instances : tuple of ServingEstimate
        Splits at the highest concurrency within the limits, best first.
    within : tuple of bool
        Whether each keeps the limits; only a stated concurrency may not.
    front : tuple of dict
        Splits that none beats in tokens/s per accelerator and per user at once.
    enumerated, timed : int
        Splits looked at, and those whose latency was computed.
    rejected : dict of str to int
        How many were dropped, by reason.
    upkeep : Upkeep
        What the best instance draws and costs.
    fleet : Fleet or None
        Instances for the load; None where none is stated.
    notes : tuple of str
        What was assumed or is extrapolated.
    chunk_tokens : tuple of int
        Tokens of prompts that a step takes at most, for each of `instances`.
    max_sequences : int or None
        Cap on the sequences of each attention group, where one was stated.
    percentile : int or None
        Percentile of both latencies that keeps the limits; None where their means do.
    arrivals : Arrivals or None
        How requests come, where a percentile keeps them.
    tails : tuple of Tail
        Simulations behind `instances`, where a percentile keeps the limits.
    separate : SeparatePlan or None
        Separate instances for reading and answering, where asked for.
    """

    model: str
    chip: str
    weights: str
    cache: str
    software: str
    mix: Mix
    ttft_ms: float | None
    tpot_ms: float | None
    sure: bool
    max_chips: int
    instances: tuple[ServingEstimate, ...]
    within: tuple[bool, ...]
    front: tuple[dict[str, Any], ...]
    enumerated: int
    timed: int
    rejected: dict[str, int]
    upkeep: Upkeep
    fleet: Fleet | None
    notes: tuple[str, ...]
    chunk_tokens: tuple[int, ...]
    max_sequences: int | None = None
    percentile: int | None = None
    arrivals: Arrivals | None = None
    tails: tuple[Tail, ...] = ()
    separate: SeparatePlan | None = None

    @property
    def best(self) -> ServingEstimate:
        """The split with the most output tokens per second for each accelerator."""
        return self.instances[0]

    @property
    def requests_per_s(self) -> Estimate:
        """Requests that the best instance completes each second."""
        return self.best.output_tokens_per_s.scaled(1.0 / float(self.mix.output_tokens))

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain numbers and text, for programs."""
        one, *others = (self._instance(i) for i in range(len(self.instances)))
        return {
            "model": self.model,
            "chip": self.chip,
            "weights": self.weights,
            "cache": self.cache,
            "software": self.software,
            "request": asdict(self.mix),
            "limits": {"ttft_ms": self.ttft_ms, "tpot_ms": self.tpot_ms, "sure": self.sure},
            "arrivals": self._arrivals(),
            "max_chips": self.max_chips,
            "best": one,
            "alternatives": others,
            "pareto": list(self.front),
            "search": {
                "enumerated": self.enumerated,
                "timed": self.timed,
                "rejected": dict(self.rejected),
            },
            "upkeep": self._upkeep(),
            "fleet": None if self.fleet is None else asdict(self.fleet),
            "disaggregated": None if self.separate is None else self.separate.as_dict(),
            "notes": list(self.notes),
        }

    def _instance(self, place: int) -> dict[str, Any]:
        one = self.instances[place]
        many, rate = float(one.split.accelerators), one.output_tokens_per_s
        told = as_dict(one)
        told["output_tokens_per_s_per_accelerator"] = _band(rate.scaled(1.0 / many))
        told["requests_per_s"] = _band(rate.scaled(1.0 / float(self.mix.output_tokens)))
        told["within_limits"] = self.within[place]
        told["chunk_tokens"] = self.chunk_tokens[place]
        told["max_sequences"] = self.max_sequences
        told["simulated"] = None
        if self.tails:
            told["simulated"] = self.tails[place].as_dict()
            told["max_sequences"] = told["simulated"]["max_sequences"]
        return told

    def _arrivals(self) -> dict[str, Any] | None:
        if self.arrivals is None:
            return None
        return {"percentile": self.percentile, **asdict(self.arrivals)}

    def _upkeep(self) -> dict[str, Any]:
        values = {f.name: getattr(self.upkeep, f.name) for f in fields(Upkeep)}
        del values["notes"]
        return {k: _band(v) if hasattr(v, "value") else v for k, v in values.items()}


def _pools(one: Pools) -> dict[str, Any]:
    """Return a deployment as plain numbers."""
    return {
        "prefill": asdict(one.prefill),
        "decode": asdict(one.decode),
        "prefill_instances": one.prefill_instances,
        "decode_instances": one.decode_instances,
        "accelerators": one.accelerators,
        "chunk_tokens": int(one.chunk_tokens),
        "requests_per_s": one.requests_per_s,
        "output_tokens_per_s_per_accelerator": one.per_accelerator,
        "concurrency_of_decode": one.concurrency,
        "mean_ttft_ms": 1e3 * one.ttft_s,
        "mean_tpot_ms": 1e3 * one.tpot_s,
        "queue_ms": 1e3 * one.queue_s,
        "reading_ms": 1e3 * one.reading_s,
        "transfer_ms": 1e3 * one.transfer_s,
        "first_step_ms": 1e3 * one.first_step_s,
        "prefill_load": one.prefill_load,
        "decode_load": one.decode_load,
    }


def _band(found: Estimate) -> dict[str, float]:
    return {"p10": found.low, "p50": found.value, "p90": found.high}
