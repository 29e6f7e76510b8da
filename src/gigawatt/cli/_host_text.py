"""A hosting plan as text: the answer first, then what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gigawatt.cli._host_search_text import batching, separate_text, tail_text
from gigawatt.cli._text import dim, heading, table, wrap
from gigawatt.results.numbers import human

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gigawatt.compute.bands import Estimate
    from gigawatt.compute.hosting.estimate import ServingEstimate
    from gigawatt.compute.hosting.planning.plan import HostingPlan
    from gigawatt.compute.hosting.step import Split

__all__ = ["digits", "plan_text", "split_text"]

_FIELDS: Final = ("tp", "attn_dp", "pp", "ep")
_FRONT_ROWS: Final = 8


def plan_text(plan: HostingPlan) -> str:
    """Return what ``gigawatt host`` prints."""
    return "\n\n".join(block for block in _blocks(plan) if block)


def _blocks(plan: HostingPlan) -> Iterable[str]:
    yield _headline(plan)
    yield _split(plan)
    yield tail_text(plan)
    yield _fleet(plan)
    yield separate_text(plan)
    yield _others(plan)
    yield _front(plan)
    yield _rejected(plan)
    yield "\n".join([heading("Notes"), *(wrap(f"- {note}", "  ") for note in plan.notes)])


def _headline(plan: HostingPlan) -> str:
    best = plan.best
    rate, many = best.output_tokens_per_s, int(best.split.accelerators)
    user, room = 1.0 / best.tpot_s.value, f"room for {best.places:,.0f} requests"
    rows = [
        ("output", f"{_banded(rate, 'tokens', '/s')}"),
        ("per accelerator", f"{human(rate.value / many, 'tokens')}/s"),
        ("requests", f"{_banded(plan.requests_per_s, '1', ' a second')}"),
        ("at a time", f"{best.concurrency:,.0f} requests{_waiting(best)}"),
        ("time to first token", _banded(best.ttft_s, "ms", " ms", 1e3)),
        ("time per token", f"{_banded(best.tpot_s, 'ms', ' ms', 1e3)}, {digits(user)} a second"),
        *([] if plan.within[0] else [("limits", "not kept at this concurrency")]),
        ("memory", f"weights {best.weight_gb:,.1f} of {best.capacity_gb:,.1f} GB, {room}"),
        *_upkeep(plan),
    ]  # fmt: skip
    title = heading(f"{plan.model} on {many:,} {plan.chip}")
    return "\n".join([title, dim(_asked(plan)), table(("", ""), rows, indent=2)])


def _asked(plan: HostingPlan) -> str:
    mix = plan.mix
    cached = f" ({100 * float(mix.cached_share):g} % cached)" if mix.cached_share else ""
    parts = [
        f"{mix.input_tokens:,.0f} tokens in{cached}, {mix.output_tokens:,.0f} out",
        f"{plan.weights} weights, {plan.cache} cache, {plan.software}",
    ]
    limits = zip(("first token", "per token"), (plan.ttft_ms, plan.tpot_ms), strict=True)
    stated = [f"{name} within {ms:,g} ms" for name, ms in limits if ms is not None]
    if stated:
        where = "the mean" if plan.percentile is None else f"the P{plan.percentile}"
        parts.append(f"{' and '.join(stated)} in {where}{', P90 included' if plan.sure else ''}")
    return "; ".join(parts)


def _upkeep(plan: HostingPlan) -> list[tuple[str, str]]:
    one = plan.upkeep
    rows = []
    if one.rated_it_kw is not None and one.it_kw is not None and one.facility_kw is not None:
        rated, drawn, facility = (
            human(kw / 1e3, "MW") for kw in (one.rated_it_kw, one.it_kw, one.facility_kw)
        )
        rows.append(("power", f"IT {drawn} of {rated} rated, facility {facility}"))
    if one.joules_per_output_token is not None:
        rows.append(("energy", f"{_banded(one.joules_per_output_token, '', ' J')} a token out"))
    if one.usd_per_million_output_tokens is None or one.usd_per_million_tokens is None:
        return [*rows, ("cost", "needs --usd-per-chip-hour: none is published for this chip")]
    out, every = one.usd_per_million_output_tokens, one.usd_per_million_tokens
    return [
        *rows,
        ("cost", f"{_banded(out, '', ' USD')} a million tokens out"),
        ("", f"{digits(every.value)} USD a million tokens in and out"),
    ]


def _split(plan: HostingPlan) -> str:
    best = plan.best
    one = _values(best)
    stated = ",".join(f"{name}={value}" for name, value in one.items() if value > 1) or "tp=1"
    # With a percentile the rate is found, and with it how many requests there are at a time.
    many = "" if plan.tails else f" --concurrency {best.concurrency:.0f}"
    line = dim(f"  --split {stated}{many}{batching(plan)}")
    return "\n".join([heading("Split"), wrap(split_text(best.split), "  "), line])


def split_text(split: Split) -> str:
    """Return a split in words."""
    tp, attn_dp, pp, ep = (int(getattr(split, name)) for name in _FIELDS)
    parts = []
    if tp > 1:
        parts.append(f"tensor parallel {tp}")
    if attn_dp > 1:
        parts.append(f"attention in {attn_dp} groups, each with requests of its own")
    if pp > 1:
        parts.append(f"{pp} pipeline stages")
    if ep > 1:
        parts.append(f"experts spread over {ep} groups")
    words = "; ".join(parts) or "the whole model on one accelerator"
    return f"{words}."


def _fleet(plan: HostingPlan) -> str:
    fleet = plan.fleet
    if fleet is None:
        return ""
    spares = f" and {fleet.spares:,} spare" if fleet.spares else ""
    load = f"{human(fleet.requests_per_s, '1')} requests/s"
    span = f"P10–P90 {fleet.fewest:,} to {fleet.most:,}"
    rows = [
        ("load", f"{load}, {human(fleet.output_tokens_per_s, 'tokens')}/s out"),
        ("instances", f"{fleet.instances:,} needed ({span}){spares}"),
        ("accelerators", f"{fleet.accelerators:,}"),
        ("busy", f"{100 * fleet.load:.0f} %, spares left out"),
    ]
    if fleet.rated_it_mw is not None and fleet.facility_mw is not None:
        rated, facility = human(fleet.rated_it_mw, "MW"), human(fleet.facility_mw, "MW")
        rows.append(("power", f"IT {rated} rated, facility {facility} drawn"))
    if fleet.usd_per_hour is not None and fleet.usd_per_million_output_tokens is not None:
        usd = digits(fleet.usd_per_million_output_tokens)
        each = f"{usd} USD a million tokens out"
        rows.append(("cost", f"{human(fleet.usd_per_hour, 'USD/h')}, {each}"))
    return "\n".join([heading("Fleet"), table(("", ""), rows, indent=2)])


def _others(plan: HostingPlan) -> str:
    if len(plan.instances) < 2:
        return ""
    each = [one.output_tokens_per_s.value / int(one.split.accelerators) for one in plan.instances]
    rows = [
        (
            *(f"{value:,}" for value in _values(one).values()),
            f"{int(one.split.accelerators):,}",
            f"{one.concurrency:,.0f}",
            digits(1e3 * one.ttft_s.value),
            digits(1e3 * one.tpot_s.value),
            digits(rate),
            f"{100 * (rate / each[0] - 1):+.1f} %",
        )
        for one, rate in zip(plan.instances, each, strict=True)
    ]
    head = (*_FIELDS, "chips", "at a time", "TTFT ms", "TPOT ms", "tokens/s/chip", "against best")
    return _titled("Best splits", head, rows)


def _front(plan: HostingPlan) -> str:
    last = len(plan.front) - 1
    if last < 1:
        return ""
    shown = sorted({round(i * last / (_FRONT_ROWS - 1)) for i in range(_FRONT_ROWS)})
    rows = [_point(plan.front[i]) for i in shown]
    title = "Speed for a user against output of an accelerator: splits that none beats in both"
    if len(shown) <= last:
        title += f", {len(shown)} of {last + 1}"
    head = (
        *_FIELDS, "chips", "at a time", "TTFT ms", "tokens/s/user", "tokens/s/chip", "in limits",
    )  # fmt: skip
    return _titled(title, head, rows)


def _point(point: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        *(f"{point['split'][name]:,}" for name in _FIELDS),
        f"{point['accelerators']:,}",
        f"{point['concurrency']:,}",
        digits(point["ttft_ms"]),
        digits(point["tokens_per_s_per_user"]),
        digits(point["output_tokens_per_s_per_accelerator"]),
        "yes" if point["within_limits"] else "no",
    )


def _rejected(plan: HostingPlan) -> str:
    if not plan.rejected:
        return ""
    title = f"{plan.enumerated:,} splits looked at, {plan.timed:,} timed; dropped"
    counted = sorted(plan.rejected.items(), key=lambda item: -item[1])
    rows = [(why, f"{n:,}") for why, n in counted]
    return "\n".join([heading(title), table(("", ""), rows, right=(1,), indent=2)])


def _titled(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([heading(title), table(head, rows, right=range(len(head)), indent=2)])


def _values(one: ServingEstimate) -> dict[str, int]:
    return {name: int(getattr(one.split, name)) for name in _FIELDS}


def _waiting(best: ServingEstimate) -> str:
    waiting = best.concurrency - best.held
    return f", {waiting:,.0f} of them waiting for memory" if waiting >= 0.5 else ""


def _banded(found: Estimate, unit: str, after: str, scale: float = 1.0) -> str:
    """Return a value with its band; tokens get a prefix where they are many."""
    values = [scale * v for v in (found.value, found.low, found.high)]
    middle, low, high = (human(v, unit) if unit == "tokens" else digits(v) for v in values)
    return f"{middle}{after} (P10–P90 {low.removesuffix(' tokens')} to {high}{after})"


def digits(value: float) -> str:
    """Return a number with three digits, or as a whole one from a thousand on."""
    return f"{value:,.0f}" if value >= 999.5 else f"{value:#.3g}".rstrip(".")
