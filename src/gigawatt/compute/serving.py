"""How fast accelerators serve, learnt from published serving points.

A published point states the output tokens an accelerator made each second within a latency limit,
and the lengths of the requests. With the model's FLOP per request that gives the share of the peak
that became served tokens: the *serving utilisation* of its latency class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture, dimension_facts
from gigawatt.compute.bands import Estimate, from_points
from gigawatt.compute.history import unmeasured
from gigawatt.compute.peak import peak
from gigawatt.compute.work import decode_flop_per_token, forward_flop_per_token
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

_NEEDED = ("precision", "input_tokens", "output_tokens")
Limits = tuple[float, float]
"""Time to the first token and time per output token, in ms."""

_ALIKE = 4.0
"""Requests are alike when input over output differs by at most this factor."""

__all__ = [
    "Mix",
    "ServingPoint",
    "request_flop",
    "requests_per_s_per_chip",
    "serving_points",
    "serving_utilisation",
]


@dataclass(frozen=True, slots=True)
class Mix:
    """Mean request of a service: input and output tokens, and the share of input found in cache."""

    input_tokens: float
    output_tokens: float
    cache_hit: float = 0.0


@dataclass(frozen=True, slots=True)
class ServingPoint:
    """One published serving point, with the utilisation that follows."""

    id: str
    model: str
    chip: str
    kind: str
    ttft_ms: float
    tpot_limit_ms: float
    input_per_output: float
    utilisation: float
    facts: tuple[str, ...]


def request_flop(architecture: Architecture, mix: Mix) -> float:
    """Return the FLOP of the mean request.

    The prompt is read once, less what the cache holds; every output token is made at the context
    that stands before it, on average n_in + n_out / 2:
    F = n_in (1 - c) f(n_in (1 + c)) + n_out d(n_in + n_out / 2), with f the FLOP of a token of a
    sequence of that length and d that of one token after that many.

    Parameters
    ----------
    architecture : Architecture
        The model.
    mix : Mix
        The mean request.

    Returns
    -------
    float
        FLOP.
    """
    read = mix.input_tokens * (1.0 - mix.cache_hit)
    # Tokens after a cached share c see on average (1 + c) / 2 of the prompt, as those of a
    # sequence (1 + c) times as long would.
    prefill = read * forward_flop_per_token(architecture, mix.input_tokens * (1.0 + mix.cache_hit))
    decode = mix.output_tokens * decode_flop_per_token(
        architecture, mix.input_tokens + mix.output_tokens / 2.0
    )
    return prefill + decode


@cache
def serving_points() -> tuple[ServingPoint, ...]:
    """Return the catalogue's serving points that state lengths and the precision of the weights.

    Offline points have no latency limit; theirs is infinite here.
    """
    book = catalog.load()
    return tuple(
        _point(entry, book)
        for entry in book.entries("serving")
        if all(field in entry for field in _NEEDED)
    )


def serving_utilisation(
    kind: str, limits: Limits, mix: Mix, without: frozenset[str] = frozenset()
) -> Estimate:
    """Return the serving utilisation to plan a service with, and its band.

    Points of the same kind of model are pooled in latency classes: those whose limit on the time
    per output token is the loosest that still meets the target. Among them count those whose
    requests have a like ratio of input to output, as reading uses the chip far better than
    writing. A service is never planned with a point that was allowed to be slower than it may be.

    Parameters
    ----------
    kind : str
        ``dense`` or ``moe``.
    limits : tuple of float
        Targets of the service: time to the first token and time per output token, in ms.
    mix : Mix
        Mean request of the service.
    without : frozenset of str
        Points left out, for cross-validation.

    Raises
    ------
    NotModelledError
        If no published point is that fast.
    """
    ttft_ms, tpot_ms = limits
    alike = [
        p
        for p in serving_points()
        if p.kind == kind
        and p.tpot_limit_ms <= tpot_ms
        and p.ttft_ms <= ttft_ms
        and p.id not in without
    ]
    if len(alike) < 2:
        message = (
            f"fewer than two published serving points of {kind} models keep the first token within "
            f"{ttft_ms:g} ms and the time per output token within {tpot_ms:g} ms; allow longer"
        )
        raise NotModelledError(message)
    loosest = max(p.tpot_limit_ms for p in alike)
    group = [p for p in alike if p.tpot_limit_ms >= loosest / 2]
    if len(group) < 2:
        group = sorted(alike, key=lambda p: -p.tpot_limit_ms)[:2]
    ratio = mix.input_tokens / mix.output_tokens
    close = [p for p in group if 1 / _ALIKE <= p.input_per_output / ratio <= _ALIKE]
    note = "" if len(close) >= 2 else "; extrapolated: their requests are of another shape"
    group = close if len(close) >= 2 else group
    return from_points(
        [p.utilisation for p in group],
        [f for p in group for f in p.facts],
        f"{len(group)} published points of {kind} models within {loosest:g} ms per output token"
        + note,
    )


def requests_per_s_per_chip(
    architecture: Architecture, chip: Entry, precision: str, limits: Limits, mix: Mix
) -> Estimate:
    """Return the requests one accelerator serves each second within the latency class.

    rate = peak x serving utilisation / FLOP of the mean request.
    """
    rate = peak(chip, precision)
    found = serving_utilisation(architecture.kind, limits, mix)
    estimate = found.scaled(rate.number * 1e12 / request_flop(architecture, mix))
    return replace(
        estimate,
        facts=(rate.key, *estimate.facts),
        note=estimate.note + unmeasured(chip, {p.chip for p in serving_points()}, "point"),
    )


def _point(entry: Entry, book: catalog.Catalog) -> ServingPoint:
    model = book.get("model", entry.text("model"))
    chip = book.get("chip", entry.text("chip"))
    stored = entry.text("precision")
    # FP16 weights run at the BF16 rate on every chip of the catalogue.
    top = peak(chip, "bf16" if stored == "fp16" else stored)
    mix = Mix(
        entry.number("input_tokens"),
        entry.number("output_tokens"),
        entry.number("cache_hit", 0.0),
    )
    requests = entry.number("output_tokens_per_s_per_chip") / mix.output_tokens
    share = requests * request_flop(Architecture.from_entry(model), mix) / (top.number * 1e12)
    used = (
        "output_tokens_per_s_per_chip",
        "input_tokens",
        "output_tokens",
        "ttft_limit_ms",
        "tpot_limit_ms",
    )
    return ServingPoint(
        entry.id,
        model.id,
        chip.id,
        model.text("kind"),
        # What was measured says more than what was allowed.
        entry.number("ttft_ms", entry.number("ttft_limit_ms", float("inf"))),
        entry.number("tpot_limit_ms", float("inf")),
        mix.input_tokens / mix.output_tokens,
        share,
        (
            top.key,
            *(entry[field].key for field in used if field in entry),
            *dimension_facts(model),
        ),
    )
