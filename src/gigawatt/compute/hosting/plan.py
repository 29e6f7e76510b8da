"""The best way to serve a model on an accelerator within limits on latency, and what it takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.hosting.estimate import ServingEstimate, as_dict, estimate_serving
from gigawatt.compute.hosting.question import Question, one_split
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.steady import Mix
from gigawatt.compute.hosting.upkeep import Fleet, Upkeep, fleet_of, upkeep_of
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.catalog import Entry
    from gigawatt.compute.bands import Estimate

__all__ = ["HostingPlan", "plan_hosting"]

_MOST_CHIPS: Final = 72
"""Largest instance that is looked for unasked: the scale-up domain of an NVL72."""

_MEANS: Final = (
    "latencies are means at a constant number of requests; arrivals by chance need room beside them"
)


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
        Mean latencies that are kept; None for no limit.
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
            "notes": list(self.notes),
        }

    def _instance(self, place: int) -> dict[str, Any]:
        one = self.instances[place]
        many, rate = float(one.split.accelerators), one.output_tokens_per_s
        told = as_dict(one)
        told["output_tokens_per_s_per_accelerator"] = _band(rate.scaled(1.0 / many))
        told["requests_per_s"] = _band(rate.scaled(1.0 / float(self.mix.output_tokens)))
        told["within_limits"] = self.within[place]
        return told

    def _upkeep(self) -> dict[str, Any]:
        values = {f.name: getattr(self.upkeep, f.name) for f in fields(Upkeep)}
        del values["notes"]
        return {k: _band(v) if hasattr(v, "value") else v for k, v in values.items()}


def plan_hosting(  # noqa: PLR0913  each is a question of its own to the user
    model: str,
    chip: str,
    *,
    ttft_ms: float | None = None,
    tpot_ms: float | None = None,
    input_tokens: float,
    output_tokens: float,
    cached_share: float = 0.0,
    accepted: float = 1.0,
    weights: str | None = None,
    cache: str | None = None,
    software: str = "vllm",
    max_chips: int | None = None,
    sure: bool = False,
    requests_per_s: float | None = None,
    tokens_per_s: float | None = None,
    spares: int = 0,
    split: Mapping[str, int] | None = None,
    concurrency: int | None = None,
    usd_per_chip_hour: float | None = None,
    pue: float | None = None,
    top: int = 5,
) -> HostingPlan:
    """Find what serves a model best within limits on latency, what it draws and what it costs.

    Every split over up to `max_chips` accelerators is looked at: tensor, attention-data, pipeline
    and expert parallelism, each at the highest concurrency within the limits. The latencies are
    those of a model calibrated on published measurements; their bands are those of its errors on
    rows and models that it had not seen.

    Parameters
    ----------
    model : str
        A model of the catalogue, or the path of a Hugging Face ``config.json``.
    chip : str
        An accelerator of the catalogue.
    ttft_ms, tpot_ms : float, optional
        Limits on the mean time to the first token and per further token; None for no limit.
    input_tokens, output_tokens : float
        Tokens of the mean prompt and answer.
    cached_share : float
        Share of the prompt found in the prefix cache.
    accepted : float
        Tokens that a sequence gains in a step: more than 1 with speculative decoding.
    weights, cache : str, optional
        Formats of weights and of keys and values; by default FP8 where the chip has a peak for it,
        else BF16.
    software : str
        ``vllm``, ``sglang`` or ``tensorrt-llm``.
    max_chips : int, optional
        Most accelerators of an instance; by default a scale-up domain, at most 72.
    sure : bool
        Keep the limits with the P90 of the latencies too.
    requests_per_s, tokens_per_s : float, optional
        Load of a fleet, in requests or in output tokens.
    spares : int
        Instances of the fleet beyond those that the load needs.
    split : mapping, optional
        Fields of `Split`: look at this one only.
    concurrency : int, optional
        With `split`: estimate at this concurrency, whether it keeps the limits or not.
    usd_per_chip_hour, pue : float, optional
        Cost of an accelerator-hour, and facility power over IT power, in place of the catalogue's.
    top : int
        Splits to return.

    Returns
    -------
    HostingPlan

    Raises
    ------
    InputError
        If an argument is wrong, the model does not fit, or nothing keeps the limits.
    NotModelledError
        If a figure is needed that nobody published.

    Examples
    --------
    >>> plan = plan_hosting("llama-3.1-70b", "h100", ttft_ms=2000, tpot_ms=50,
    ...                     input_tokens=1000, output_tokens=500)
    >>> plan.best.tpot_s.value <= 0.05
    True
    """
    arch, entry = architecture(model), catalog.load().get("chip", chip)
    asked = {"ttft_ms": ttft_ms, "tpot_ms": tpot_ms, "input_tokens": input_tokens,
             "output_tokens": output_tokens, "requests_per_s": requests_per_s,
             "tokens_per_s": tokens_per_s, "usd_per_chip_hour": usd_per_chip_hour,
             "max_chips": max_chips, "concurrency": concurrency, "top": top}  # fmt: skip
    _check(asked, accepted, cached_share, pue, spares)
    if concurrency is not None and split is None:
        message = "a concurrency is estimated for one split: state the split too"
        raise InputError(message)
    mix = Mix(
        input_tokens=float(input_tokens),
        output_tokens=float(output_tokens),
        cached_share=float(cached_share),
        accepted=float(accepted),
    )
    setting, notes = _setting(entry, weights, cache, software)
    domain = int(entry.number("scale_up_chips", 1.0))
    chips = min(domain, _MOST_CHIPS) if max_chips is None else max_chips
    question = Question(arch, setting, mix, (ttft_ms, tpot_ms), sure, chips)
    if split is None:
        found = question.search()
        chosen = found.best.take(np.arange(min(top, len(found.best))))
    else:
        found, chosen = None, question.stated(split, concurrency)
    instances = tuple(
        estimate_serving(
            arch, setting, one_split(chosen.split, i), mix, float(chosen.concurrency[i])
        )
        for i in range(len(chosen))
    )
    latency = np.array([(one.ttft_s.value, one.tpot_s.value) for one in instances]).T
    within = question.kept(latency[0], latency[1])
    best, many = instances[0], int(instances[0].split.accelerators)
    rate = best.output_tokens_per_s
    one = upkeep_of(
        entry, many, rate, (input_tokens + output_tokens) / output_tokens,
        usd_per_chip_hour=usd_per_chip_hour, pue=pue,
    )  # fmt: skip
    load = requests_per_s if tokens_per_s is None else tokens_per_s / float(output_tokens)
    fleet = None if load is None else fleet_of(load, output_tokens, spares, rate, one, many)
    return HostingPlan(
        arch.name, entry.id, setting.weights, setting.cache, setting.software, mix,
        ttft_ms, tpot_ms, sure, chips, instances, within,
        () if found is None else question.front(found.front),
        *((1, 1, {}) if found is None else (found.enumerated, found.timed, found.rejected)),
        one, fleet, tuple(dict.fromkeys((*notes, *best.notes, *one.notes, _MEANS))),
    )  # fmt: skip


def _check(
    asked: Mapping[str, float | None],
    accepted: float,
    cached_share: float,
    pue: float | None,
    spares: int,
) -> None:
    """Refuse numbers that mean nothing."""
    wrong = [
        f"{name} must be above 0; found {value:g}"
        for name, value in asked.items()
        if value is not None and not 0.0 < value < np.inf
    ]
    least = {"output_tokens": (asked["output_tokens"], 1), "accepted": (accepted, 1),
             "pue": (pue, 1), "spares": (spares, 0)}  # fmt: skip
    wrong += [
        f"{name} must be at least {low}; found {value:g}"
        for name, (value, low) in least.items()
        if value is not None and not value >= low
    ]
    if not 0.0 <= cached_share < 1.0:
        wrong.append(f"cached_share must be at least 0 and below 1; found {cached_share:g}")
    if asked["requests_per_s"] is not None and asked["tokens_per_s"] is not None:
        wrong.append("the load is stated in requests_per_s or in tokens_per_s, not in both")
    if wrong:
        raise InputError("; ".join(wrong))


def _setting(
    chip: Entry, weights: str | None, cache: str | None, software: str
) -> tuple[ServingSetting, list[str]]:
    """Return the setting with formats that were not stated, and what was chosen."""
    notes = []
    narrow = "fp8" if "fp8_tflops" in chip else "bf16"
    if weights is None:
        weights = narrow
        notes.append(f"format of the weights not stated: {weights}")
    if cache is None:
        cache = "bf16" if weights == "bf16" else narrow
        notes.append(f"format of keys and values not stated: {cache}")
    return ServingSetting(chip, weights, cache, software), notes


def _band(found: Estimate) -> dict[str, float]:
    return {"p10": found.low, "p50": found.value, "p90": found.high}
