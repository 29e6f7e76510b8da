"""What a wider search of ``gigawatt host`` found, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt.cli._text import heading, table, wrap
from gigawatt.results.numbers import human

if TYPE_CHECKING:
    from gigawatt.compute.bands import Estimate
    from gigawatt.compute.hosting.planning.answer import HostingPlan, SeparatePlan
    from gigawatt.compute.hosting.planning.disaggregated_search import Pools
    from gigawatt.compute.hosting.step import Split

__all__ = ["batching", "separate_text", "tail_text"]

_FIELDS: Final = ("tp", "attn_dp", "pp", "ep")
_USUAL: Final = 8192
_ROWS: Final = 6


def batching(plan: HostingPlan) -> str:
    """Return the options that give the batching of the best instance again."""
    chunk, cap = plan.chunk_tokens[0], plan.max_sequences
    if plan.tails:
        most = plan.tails[0].case.most_sequences
        cap = int(most) if most < float("inf") else None
    stated = "" if chunk == _USUAL else f" --chunk-tokens {chunk}"
    return stated + ("" if cap is None else f" --max-sequences {cap}")


def tail_text(plan: HostingPlan) -> str:
    """Return what the simulation says of the best instance; empty where there was none."""
    if not plan.tails or plan.arrivals is None:
        return ""
    tail, come = plan.tails[0], plan.arrivals
    chance = "Poisson" if come.burstiness == 1.0 else f"variation {come.burstiness:g}"
    alike = "all alike" if not come.length_variation else f"variation {come.length_variation:g}"
    cap = tail.case.most_sequences
    both = ((tail.ttft_s, tail.ttft_error_s), (tail.tpot_s, tail.tpot_error_s))
    rows = [
        (name, *(_exact(told[name], error[name]) for told, error in both)) for name in both[0][0]
    ]
    title = heading(
        f"Simulated: {tail.requests_per_s:,.3g} requests/s with P{plan.percentile} in the limits"
    )
    most = f"at most {cap:,.0f} sequences a group" if cap < float("inf") else "no cap on sequences"
    words = (
        f"Arrivals {chance}, lengths {alike}, {tail.requests:,} requests measured; "
        f"{tail.concurrency:,.0f} in the instance in the mean; steps of up to "
        f"{tail.case.chunk_tokens:,.0f} tokens, {most}. ± is the standard error by chance."
    )
    head = ("", "TTFT ms", "TPOT ms")
    return "\n".join([title, wrap(words, "  "), table(head, rows, right=(1, 2), indent=2)])


def separate_text(plan: HostingPlan) -> str:
    """Return what separate instances serve; empty where nobody asked."""
    found = plan.separate
    if found is None:
        return ""
    best = found.best
    if best is None:
        words = "No deployment of separate instances for reading and answering keeps the limits."
        return "\n".join([heading("Disaggregated"), wrap(words, "  ")])
    many = f"{best.concurrency:,.0f} requests at a time each"
    rows = [
        ("read prompts", f"{best.prefill_instances:,} x {_words(best.prefill)}"),
        ("answer", f"{best.decode_instances:,} x {_words(best.decode)}, {many}"),
        ("accelerators", f"{best.accelerators:,}"),
        *_rates(found, best),
        ("of it", _parts(best)),
        ("load", f"prefill {best.prefill_load:.0%}, decode {best.decode_load:.0%} of the most"),
    ]
    title = heading(f"Disaggregated: {_verdict(found)}")
    return "\n".join([title, table(("", ""), rows, indent=2), *_front(found)])


def _verdict(found: SeparatePlan) -> str:
    gain = found.gain
    if gain is None:
        return "instances that do both do not keep the limits under arrivals by chance"
    if abs(gain) < 0.01:
        return "as good as instances that do both"
    return f"{abs(gain):.0%} {'more' if gain > 0 else 'less'} than instances that do both"


def _rates(found: SeparatePlan, best: Pools) -> list[tuple[str, str]]:
    if not (found.ttft_s and found.tpot_s and found.output_tokens_per_s):
        return []
    both = f"{_digits(found.together)} by instances that do both" if found.together else ""
    return [
        ("output", f"{human(best.output_tokens_per_s, 'tokens')}/s"),
        (
            "per accelerator",
            f"{_digits(best.per_accelerator)} tokens/s{f', {both}' if both else ''}",
        ),
        ("time to first token", _banded(found.ttft_s)),
        ("time per token", _banded(found.tpot_s)),
    ]


def _parts(best: Pools) -> str:
    named = (
        ("waiting", best.queue_s),
        ("reading", best.reading_s),
        ("sending the cache", best.transfer_s),
        ("first step of answering", best.first_step_s),
    )
    return ", ".join(f"{name} {_digits(1e3 * value)} ms" for name, value in named)


def _front(found: SeparatePlan) -> list[str]:
    last = len(found.found.front) - 1
    if last < 1:
        return []
    shown = sorted({round(i * last / (_ROWS - 1)) for i in range(_ROWS)})
    rows = [
        (
            _short(point["prefill"]),
            _short(point["decode"]),
            f"{point['prefill_per_decode']:#.2g}",
            f"{point['concurrency']:,}",
            _digits(point["tokens_per_s_per_user"]),
            _digits(point["output_tokens_per_s_per_accelerator"]),
        )
        for point in (found.found.front[i] for i in shown)
    ]
    head = ("prefill", "decode", "P per D", "at a time", "tokens/s/user", "tokens/s/chip")
    return [table(head, rows, right=range(2, len(head)), indent=2)]


def _words(split: Split) -> str:
    return f"{int(split.accelerators):,} ({_short({n: getattr(split, n) for n in _FIELDS})})"


def _short(split: dict[str, int]) -> str:
    return " ".join(f"{name}={value}" for name, value in split.items() if value > 1) or "tp=1"


def _exact(value_s: float, error_s: float) -> str:
    error = 1e3 * error_s
    told = f"{error:,.0f}" if error >= 9.95 else f"{error:#.2g}"
    return f"{_digits(1e3 * value_s)} ± {told}"


def _banded(found: Estimate) -> str:
    low, middle, high = (_digits(1e3 * v) for v in (found.low, found.value, found.high))
    return f"{middle} ms (P10–P90 {low} to {high} ms)"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 999.5 else f"{value:#.3g}".rstrip(".")
