"""A replay as text: the answer first, then the latencies, then what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt.cli._host_text import digits, split_text
from gigawatt.cli._text import dim, heading, table, wrap
from gigawatt.results.numbers import human
from gigawatt.results.replay_figures import percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.compute.bands import Estimate
    from gigawatt.compute.hosting.replay.goals import Band
    from gigawatt.compute.hosting.replay.run import Replay

__all__ = ["replay_text"]

_LATENCIES: Final = {
    "ttft_s": ("time to first token", "ms", 1e3),
    "tpot_s": ("time per token", "ms", 1e3),
    "e2e_s": ("whole answer", "s", 1.0),
}
_SPANS: Final = (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0))


def replay_text(found: Replay) -> str:
    """Return what ``gigawatt host --trace`` prints."""
    return "\n\n".join(_blocks(found))


def _blocks(found: Replay) -> Iterable[str]:
    yield _headline(found)
    yield _latencies(found)
    yield _split(found)
    yield "\n".join([heading("Notes"), *(wrap(f"- {note}", "  ") for note in found.notes)])


def _headline(found: Replay) -> str:
    trace, rate = found.trace, found.output_tokens_per_s
    each, asked = rate.value / found.accelerators, digits(found.requests_per_s.value)
    peak, lost = percent(found.kv_peak_share), _many(found.preemptions, "preemption")
    rows = [
        ("requests", f"{len(trace):,} in {_span(found.duration_s.value)}, {asked} a second"),
        ("instances", _instances(found)),
        ("output", f"{human(rate.value, 'tokens')}/s, {human(each, 'tokens')}/s an accelerator"),
        ("input", f"{human(found.input_tokens_per_s.value, 'tokens')}/s{_cached(found)}"),
        *_kept(found),
        ("memory", f"at most {peak} of the KV cache of an instance held, {lost}"),
        ("busy", f"{percent(found.utilisation)} of the time"),
        *_spending(found),
    ]  # fmt: skip
    title = f"{found.model} on {found.accelerators:,} {found.chip}, request by request"
    return "\n".join([heading(title), dim(_asked(found)), table(("", ""), rows, indent=2)])


def _asked(found: Replay) -> str:
    goals = found.goals
    read, made = (float(t.mean()) for t in (found.trace.prompt_tokens, found.trace.output_tokens))
    parts = [
        f"{read:,.0f} tokens in and {made:,.0f} out in the mean",
        f"{found.weights} weights, {found.cache} cache, {found.software}",
    ]
    named = (("first token", goals.ttft_s), ("per token", goals.tpot_s))
    limits = [f"{name} within {1e3 * s:,g} ms" for name, s in named if s < float("inf")]
    if limits:
        sure = ", P90 included" if goals.sure else ""
        parts.append(f"{' and '.join(limits)} in the P{goals.percentile:g}{sure}")
    return "; ".join(parts)


def _instances(found: Replay) -> str:
    each = int(found.split.accelerators)
    text = f"{found.instances:,} of {_many(each, 'accelerator')} each"
    if found.prefill_instances:
        answering = found.instances - found.prefill_instances
        text += f": {found.prefill_instances:,} read prompts, {answering:,} answer"
    return text


def _cached(found: Replay) -> str:
    if not found.engine.prefix_cache:
        return ""
    return f", {percent(found.cached_share)} of it found in the prefix cache"


def _kept(found: Replay) -> list[tuple[str, str]]:
    if not found.goals.stated:
        return []
    share = found.share_within_limits
    band = f"P10–P90 {percent(share.low)} to {percent(share.high)}"
    tokens = human(found.goodput_tokens_per_s.value, "tokens")
    good = f"{digits(found.goodput_requests_per_s.value)} requests a second, {tokens}/s"
    return [
        ("within limits", f"{percent(share.value)} of the requests ({band})"),
        ("goodput", good),
    ]


def _spending(found: Replay) -> list[tuple[str, str]]:
    one, rows = found.spending, []
    if one.it_kw is not None and one.rated_it_kw is not None and one.facility_kw is not None:
        rated, drawn, facility = (
            human(kw / 1e3, "MW") for kw in (one.rated_it_kw, one.it_kw, one.facility_kw)
        )
        rows.append(("power", f"IT {drawn} of {rated} rated in the mean, facility {facility}"))
    if one.joules_per_output_token is not None:
        rows.append(("energy", f"{_banded(one.joules_per_output_token)} J a token out"))
    if one.usd_per_million_output_tokens is None or one.usd_per_million_tokens is None:
        return [*rows, ("cost", "needs --usd-per-chip-hour: none is published for this chip")]
    return [
        *rows,
        ("cost", f"{_banded(one.usd_per_million_output_tokens)} USD a million tokens out"),
        ("", f"{digits(one.usd_per_million_tokens.value)} USD a million tokens in and out"),
    ]


def _latencies(found: Replay) -> str:
    rows = []
    for name, (label, unit, scale) in _LATENCIES.items():
        spread = found.latency[name].values()
        if any(band.value != band.value for band in spread):  # no answer has a second token
            continue
        rows.append((f"{label} [{unit}]", *(digits(scale * band.value) for band in spread)))
        rows.append(("  P10–P90", *(_ends(band.scaled(scale)) for band in spread)))
    columns = [at if at == "mean" else at.upper() for at in found.latency["ttft_s"]]
    body = table(("", *columns), rows, right=range(1, len(columns) + 1), indent=2)
    return "\n".join([heading("Latency, over all requests"), body])


def _split(found: Replay) -> str:
    engine, one = found.engine, found.split
    caching = "with" if engine.prefix_cache else "without"
    room = int(engine.each("kv_blocks").min()) * engine.block_tokens
    words = (
        f"{split_text(one)} Batches by the policy {engine.policy}; an instance takes up to "
        f"{engine.token_budget:,} tokens in one, {engine.max_sequences:,} requests at once and KV "
        f"of {room:,} tokens; {caching} prefix cache; routed by {engine.router}."
    )
    values = {name: int(getattr(one, name)) for name in ("tp", "attn_dp", "pp", "ep")}
    stated = ",".join(f"{name}={n}" for name, n in values.items() if n > 1) or "tp=1"
    reading = found.prefill_instances
    fleet = (
        f"--pools {reading}:{found.instances - reading}"
        if reading
        else f"--replicas {found.instances}"
    )
    return "\n".join(
        [heading("Split and engine"), wrap(words, "  "), dim(f"  --split {stated} {fleet}")]
    )


def _banded(found: Band | Estimate) -> str:
    low, high = digits(found.low), digits(found.high)
    middle = digits(found.value)
    return middle if low == high == middle else f"{middle} (P10–P90 {low} to {high})"


def _ends(band: Band) -> str:
    return f"{digits(band.low)}–{digits(band.high)}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _span(seconds: float) -> str:
    for name, size in _SPANS:
        if seconds >= 2.0 * size:
            return f"{digits(seconds / size)} {name}"
    return f"{digits(seconds)} s"
