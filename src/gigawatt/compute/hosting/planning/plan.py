"""The best way to serve a model on an accelerator within limits on latency, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.bands import Estimate
from gigawatt.compute.hosting.estimate import serving_bands
from gigawatt.compute.hosting.planning.answer import HostingPlan, SeparatePlan
from gigawatt.compute.hosting.planning.capacity import MARGIN, search
from gigawatt.compute.hosting.planning.disaggregated_search import search_separate
from gigawatt.compute.hosting.planning.percentile_search import simulate_best
from gigawatt.compute.hosting.planning.percentiles import PERCENTILES, Arrivals
from gigawatt.compute.hosting.planning.question import CHUNKS, Question
from gigawatt.compute.hosting.planning.upkeep import fleet_of, upkeep_of
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.steady import CHUNK_TOKENS, Mix
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.catalog import Entry
    from gigawatt.compute.hosting.estimate import ServingEstimate
    from gigawatt.compute.hosting.planning.capacity import Found
    from gigawatt.compute.hosting.planning.disaggregated_search import Separate
    from gigawatt.compute.hosting.planning.percentiles import Tail

__all__ = ["HostingPlan", "plan_hosting"]

_MOST_CHIPS: Final = 72
"""Largest instance that is looked for unasked: the scale-up domain of an NVL72."""

_MEANS: Final = (
    "latencies are means at a constant number of requests; arrivals by chance need room beside "
    "them: a percentile asks for it"
)
_SIMULATED: Final = (
    "rate and latencies are those of requests that arrive by chance, simulated one by one with the "
    "step times of the model; bands are those of its errors on mean latencies"
)
_SEPARATE: Final = (
    "disaggregated: means under requests that arrive by chance, in the bands of instances that do "
    "both, as no measurement of separate ones is in the fit; the cache is sent after reading"
)


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
    chunk_tokens: int | None = int(CHUNK_TOKENS),
    max_sequences: int | None = None,
    percentile: int | None = None,
    burstiness: float = 1.0,
    length_variation: float = 0.0,
    seed: int = 0,
    disaggregated: bool = False,
    kernels: str = "model",
) -> HostingPlan:
    """Find what serves a model best within limits on latency, what it draws and what it costs.

    Every split over up to `max_chips` accelerators is looked at: tensor, attention-data, pipeline
    and expert parallelism, each at the highest concurrency within the limits. The latencies are
    those of a model calibrated on published measurements; their bands are those of its errors on
    rows and models that it had not seen. The best makes the most output tokens for each
    accelerator; of those within 1 % of it, the one with the fewest accelerators is best.

    Parameters
    ----------
    model : str
        A model of the catalogue, or the path of a Hugging Face ``config.json``.
    chip : str
        An accelerator of the catalogue.
    ttft_ms, tpot_ms : float, optional
        Limits on the time to the first token and per further token, in the mean or at
        `percentile`; None for no limit.
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
    chunk_tokens : int, optional
        Tokens of prompts that a step takes at most; by default that of engines. None to search
        among powers of two from 512 to 16,384.
    max_sequences : int, optional
        Cap of the engine on the sequences of each attention group; by default what memory and
        limits allow, and with a percentile the best of several.
    percentile : int, optional
        50, 90, 95 or 99: the limits are on this percentile over requests that arrive by chance,
        found by simulating them; None for means at a constant number of requests.
    burstiness : float
        With `percentile`: coefficient of variation of the gaps between arrivals; 1 is Poisson.
    length_variation : float
        With `percentile`: that of the lengths of prompts and answers, lognormal; 0 for all alike.
    seed : int
        With `percentile`: of the draws.
    disaggregated : bool
        Look for separate instances for reading and answering too, in their best ratio.
    kernels : str
        ``model``, or ``measured`` for products, attention and experts from tables of measured
        kernels: needs the extra ``kernels``.

    Returns
    -------
    HostingPlan

    Raises
    ------
    InputError
        If an argument is wrong, the model does not fit, or nothing keeps the limits.
    NotModelledError
        If a figure is needed that nobody published, or a kernel that was not measured.

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
    _check_search(asked | {"chunk_tokens": chunk_tokens, "max_sequences": max_sequences,
                           "percentile": percentile}, split, disaggregated)  # fmt: skip
    if kernels != "model" and (disaggregated or percentile is not None):
        message = "measured kernels answer for means: leave percentile and disaggregated out"
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
    chunks = CHUNKS if chunk_tokens is None else (float(chunk_tokens),)
    question = Question(
        arch, setting, mix, (ttft_ms, tpot_ms), sure, chips, chunks, max_sequences, kernels
    )
    arrivals = None
    if percentile is not None:
        arrivals = Arrivals(float(burstiness), float(length_variation), seed)
    chosen = _chosen(question, percentile, arrivals, split, concurrency, top)
    best, many = chosen.instances[0], int(chosen.instances[0].split.accelerators)
    rate, found = best.output_tokens_per_s, chosen.found
    one = upkeep_of(
        entry, many, rate, (input_tokens + output_tokens) / output_tokens,
        usd_per_chip_hour=usd_per_chip_hour, pue=pue,
    )  # fmt: skip
    load = requests_per_s if tokens_per_s is None else tokens_per_s / float(output_tokens)
    fleet = None if load is None else fleet_of(load, output_tokens, spares, rate, one, many)
    separate = _separate(question, best, top) if disaggregated else None
    last = (_MEANS if arrivals is None else _SIMULATED, *([_SEPARATE] if disaggregated else []))
    return HostingPlan(
        arch.name, entry.id, setting.weights, setting.cache, setting.software, mix,
        ttft_ms, tpot_ms, sure, chips, chosen.instances, chosen.within,
        () if found is None else question.front(found.front),
        *((1, 1, {}) if found is None else (found.enumerated, found.timed, found.rejected)),
        one, fleet, tuple(dict.fromkeys((*notes, *best.notes, *one.notes, *last))),
        chosen.chunks, max_sequences, percentile, arrivals, chosen.tails, separate,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Instances within the limits, and what they rest on."""

    instances: tuple[ServingEstimate, ...]
    within: tuple[bool, ...]
    chunks: tuple[int, ...]
    found: Found | None
    tails: tuple[Tail, ...]


def _chosen(
    question: Question,
    percentile: int | None,
    arrivals: Arrivals | None,
    split: Mapping[str, int] | None,
    concurrency: int | None,
    top: int,
) -> _Chosen:
    """Return the best instances, or the stated one."""
    if split is None:
        found, stated = question.search(), None
        points = found.best.take(np.arange(min(top, len(found.best))))
    else:
        found, stated = None, question.stated(split, concurrency)
        points = stated
    if percentile is not None and arrivals is not None:
        tails = simulate_best(question, percentile, arrivals, stated).tails[:top]
        instances = tuple(_simulated(question, tail) for tail in tails)
        chunks = tuple(int(tail.case.chunk_tokens) for tail in tails)
        return _Chosen(instances, (True,) * len(tails), chunks, found, tails)
    instances = question.estimates(points)
    latency = np.array([(one.ttft_s.value, one.tpot_s.value) for one in instances]).T
    within = question.kept(latency[0], latency[1])
    return _Chosen(instances, within, tuple(int(n) for n in points.chunk_tokens), found, ())


def _simulated(question: Question, tail: Tail) -> ServingEstimate:
    """Return a simulated instance with its means in the bands of the model's errors."""
    case = tail.case
    groups = float(case.instance.split.attn_dp)
    told = {
        "ttft_s": tail.ttft_s["mean"],
        "tpot_s": tail.tpot_s["mean"],
        "output_tokens_per_s": tail.requests_per_s * float(question.mix.output_tokens),
    }
    one = question.banded(case.instance.split, max(round(tail.concurrency), 1), told)
    most = min(case.places, case.most_sequences) * groups
    return replace(one, held=min(one.concurrency, most), places=most)


def _separate(question: Question, best: ServingEstimate, top: int) -> SeparatePlan:
    """Return separate instances, beside those that do both under the same arrivals."""
    server, _, missing = question.machine
    asked = (question.dims, server, question.mix, question.limits, question.room)
    found = search_separate(*asked, question.chunks[0], top)
    for chunk in question.chunks[1:]:
        other = search_separate(*asked, chunk, top)
        if _most(other) > _most(found) * (1.0 + MARGIN):
            found = other
    # Users do not arrive together as the clients of a benchmark do.
    alike = search(
        question.dims, replace(server, waves=0.0), *asked[2:], chunks=question.chunks
    ).best
    together = float(alike.per_accelerator[0]) if len(alike) else 0.0
    if not found.best:
        return SeparatePlan(found, together, None, None, None)
    bands, _ = serving_bands(question.arch, question.setting, missing)
    first, facts = found.best[0], best.tpot_s.facts

    def banded(value: float, name: str) -> Estimate:
        low, high, count = bands[name]
        return Estimate(value, value * low, value * high, int(count), facts, _SEPARATE)

    return SeparatePlan(
        found,
        together,
        banded(first.ttft_s, "ttft"),
        banded(first.tpot_s, "tpot"),
        banded(first.output_tokens_per_s, "rate"),
    )


def _most(found: Separate) -> float:
    return found.best[0].per_accelerator if found.best else 0.0


def _check_search(
    asked: Mapping[str, float | None], split: Mapping[str, int] | None, disaggregated: bool
) -> None:
    """Refuse what cannot be searched for."""
    percentile, concurrency = asked["percentile"], asked["concurrency"]
    wrong = []
    if concurrency is not None and split is None:
        wrong.append("a concurrency is estimated for one split: state the split too")
    for name in ("chunk_tokens", "max_sequences"):
        value = asked[name]
        if value is not None and (value < 1 or value != int(value)):
            wrong.append(f"{name} must be a whole number of at least 1; found {value:g}")
    if percentile is not None:
        if percentile not in PERCENTILES:
            known = ", ".join(str(p) for p in PERCENTILES)
            wrong.append(f"percentile must be one of {known}; found {percentile:g}")
        if asked["ttft_ms"] is None and asked["tpot_ms"] is None:
            wrong.append("a percentile needs a limit: state ttft_ms or tpot_ms")
        if concurrency is not None:
            wrong.append("a percentile finds the rate itself: leave concurrency out")
        if disaggregated:
            wrong.append("separate instances are planned on means: leave percentile out")
    if wrong:
        raise InputError("; ".join(wrong))


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
