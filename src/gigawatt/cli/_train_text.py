"""A training plan as text: the answer first, then what it rests on."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from gigawatt.cli._text import dim, heading, table, wrap
from gigawatt.cli._train_options import WORDS
from gigawatt.results.numbers import human

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gigawatt.compute.training.estimate import StepEstimate
    from gigawatt.compute.training.plan import TrainingPlan
    from gigawatt.compute.training.published import Comparison, PublishedLayout

__all__ = ["plan_text"]

_FRONT_ROWS: Final = 8
_SLOWEST: Final = 2.0
"""Times the best step time: slower layouts of the front are of no use to anybody."""

_LEAST: Final = 0.0005  # share of a step that a row of its own is worth
_PARTS: Final = {
    "compute_s": "compute, recomputation included",
    "host_s": "waiting for the host to launch kernels",
    "tensor_s": "tensor communication, exposed",
    "context_s": "context communication, exposed",
    "expert_s": "expert communication, exposed",
    "pipeline_s": "pipeline communication, exposed",
    "gradient_s": "gradients and parameters, exposed",
    "bubble_s": "pipeline bubble",
    "update_s": "optimizer",
    "fixed_s": "fixed: data, clipping, logging",
    "jitter_s": "waiting for the slowest accelerator",
}
_MEMORY: Final = {
    "parameters_gb": "parameters",
    "gradients_gb": "gradients",
    "optimizer_gb": "optimizer",
    "activations_gb": "activations",
    "logits_gb": "logits",
    "buffers_gb": "communication buffers",
    "gathered_gb": "gathered parameters and gradients",
}
_SHORT: Final = ("tp", "cp", "pp", "vpp", "dp", "ep", "etp", "micro_batch")
_TITLES: Final = {"micro_batch": "micro"}
_UNSTATED: Final = {"vpp": "virtual stages", "micro_batch": "micro-batch"}


def plan_text(plan: TrainingPlan) -> str:
    """Return a plan as a page of text for people."""
    return "\n\n".join(block for block in _blocks(plan) if block)


def _blocks(plan: TrainingPlan) -> Iterable[str]:
    yield _headline(plan)
    yield _layout(plan)
    yield _seconds(plan.best)
    yield _memory(plan.best)
    yield _next_best(plan)
    yield _front(plan)
    yield _rejected(plan)
    yield _published(plan)
    if plan.notes:
        yield "\n".join([heading("Notes"), *(wrap(f"- {note}", "  ") for note in plan.notes)])


def _headline(plan: TrainingPlan) -> str:
    best = plan.best
    count = int(best.layout.accelerators)
    step, fits = best.step_s, "" if best.fits else ": does not fit"
    each = human(best.tokens_per_s / count, "tokens")
    rows = [
        ("step time", f"{_s(step.value)} s (P10–P90 {_s(step.low)} to {_s(step.high)} s)"),
        ("throughput", f"{human(best.tokens_per_s, 'tokens')}/s, {each}/s an accelerator"),
        ("model FLOP utilisation", f"{100 * best.mfu:.1f} %"),
        ("memory", f"{best.used_gb:.1f} of {best.capacity_gb:.1f} GB{fits}"),
        *_run(plan),
    ]
    model = f"{plan.model} on {count:,} {plan.chip}"
    size = f"{plan.global_batch:,} sequences of {plan.seq_len:,} tokens"
    setting = f"{size}, {plan.precision}, {plan.stack}"
    return "\n".join([heading(model), dim(setting), table(("", ""), rows, indent=2)])


def _run(plan: TrainingPlan) -> list[tuple[str, str]]:
    time = plan.time
    if time is None or plan.tokens is None:
        return [("time to train", "needs --tokens: nobody published this model's")]
    days, ledger = time.days, time.ledger
    hours = days.value * 24.0 * int(plan.best.layout.accelerators)
    return [
        (
            "time to train",
            (
                f"{_s(days.value)} days (P10–P90 {_s(days.low)} to {_s(days.high)}) "
                f"for {human(plan.tokens, 'tokens')}, {time.steps:,.0f} steps"
            ),
        ),
        ("accelerator-hours", human(hours, "1")),
        (
            "goodput",
            (
                f"{100 * time.ettr:.1f} % of the time productive, "
                f"a checkpoint every {human(time.interval_s, 's')}"
            ),
        ),
        ("failures expected", f"{float(ledger.failures):,.0f} (as in {plan.reliability})"),
    ]


def _layout(plan: TrainingPlan) -> str:
    best = plan.best
    lines = [
        wrap(_words(best, plan.global_batch), "  "),
        dim(f"  --layout {_short(_values(best))}"),
    ]
    return "\n".join([heading("Layout"), *lines])


def _words(best: StepEstimate, global_batch: int) -> str:
    one = _values(best)
    parts = []
    if one["tp"] > 1:
        alone = "" if one["sequence_parallel"] else " without sequence parallelism"
        parts.append(f"tensor parallel {one['tp']}{alone}")
    if one["cp"] > 1:
        parts.append(f"context parallel {one['cp']}")
    if one["pp"] > 1:
        virtual = f", each holding {one['vpp']} virtual ones" if one["vpp"] > 1 else ""
        schedule = " without bubbles of weight gradients" if one["schedule"] else ""
        parts.append(f"{one['pp']} pipeline stages{virtual}{schedule}")
    if one["ep"] > 1 or one["etp"] > 1:
        cut = f", each cut {one['etp']} ways" if one["etp"] > 1 else ""
        parts.append(f"experts spread {one['ep']} ways{cut}")
    parts.append(f"data parallel {one['dp']}")
    micro = int(best.layout.micro_batches(global_batch))
    parts.append(f"{_plural(micro, 'micro-batch')} of {_plural(one['micro_batch'], 'sequence')}")
    parts.append(_RECOMPUTED[one["recompute"]])
    parts.append(_CUT[one["sharding"]].format(f"{one['shard']:,}"))
    return "; ".join(parts) + "."


_RECOMPUTED: Final = (
    "nothing recomputed",
    "attention's scores recomputed",
    "whole layers recomputed",
    "all but attention and every second product recomputed",
)
_CUT: Final = (
    "optimizer, gradients and parameters whole on each rank",
    "optimizer cut over {} ranks",
    "optimizer and gradients cut over {} ranks",
    "optimizer, gradients and parameters cut over {} ranks",
)


def _seconds(best: StepEstimate) -> str:
    parts = best.seconds_by_part
    total = sum(parts.values())
    shown = {name: value for name, value in parts.items() if value >= _LEAST * total}
    rows = [(_PARTS.get(name, name), value) for name, value in shown.items()]
    left = total - sum(shown.values())
    digits = 0 if total >= 2.0 else 1 if total >= 0.2 else 2
    if round(1e3 * left, digits) > 0:
        rows.append(("the rest", left))
    rows.append(("step", total))
    cells = [(what, f"{1e3 * t:,.{digits}f}", f"{100 * t / total:.1f} %") for what, t in rows]
    return _titled("Where the time of a step goes", ("part", "ms", "share"), cells, right=(1, 2))


def _memory(best: StepEstimate) -> str:
    held = {name: float(getattr(best.memory, name)) for name in _MEMORY}
    rows = [(_MEMORY[name], f"{value:.1f}") for name, value in held.items() if value > 0]
    rows.append(("driver, kernels and libraries", f"{best.used_gb - sum(held.values()):.1f}"))
    rows.append(("used", f"{best.used_gb:.1f}"))
    rows.append(("capacity", f"{best.capacity_gb:.1f}"))
    return _titled("Memory of the fullest accelerator", ("part", "GB"), rows, right=(1,))


def _next_best(plan: TrainingPlan) -> str:
    if len(plan.layouts) < 2:
        return ""
    first = plan.best.step_s.value
    rows = [
        (
            *_cells(_values(one)),
            _t(one.step_s.value),
            f"{100 * (one.step_s.value / first - 1):+.1f} %",
            f"{one.used_gb:.1f}",
        )
        for one in plan.layouts
    ]
    head = (*_head(), "step s", "slower", "GB")
    return _titled("Best layouts", head, rows, right=range(len(_SHORT)), after=3)


def _front(plan: TrainingPlan) -> str:
    slowest = _SLOWEST * plan.best.step_s.value
    points = [point for point in plan.front if point["step_time_s"] <= slowest]
    if len(points) < 2:
        return ""
    last = len(points) - 1
    shown = sorted({round(i * last / (_FRONT_ROWS - 1)) for i in range(_FRONT_ROWS)})
    rows = [
        (
            *_cells(points[i]["layout"]),
            _t(points[i]["step_time_s"]),
            f"{points[i]['accelerators']:,}",
            f"{points[i]['used_gb']:.1f}",
        )
        for i in shown
    ]
    title = "Time against memory: layouts that none beats in both"
    if len(shown) < len(points):
        title += f", {len(shown)} of {len(points)}"
    head = (*_head(), "step s", "chips", "GB")
    return _titled(title, head, rows, right=range(len(_SHORT)), after=3)


def _rejected(plan: TrainingPlan) -> str:
    if not plan.rejected:
        return ""
    title = f"{plan.enumerated:,} choices looked at, {plan.timed:,} timed; the others"
    counted = sorted(plan.rejected.items(), key=lambda item: -item[1])
    rows = [(why, f"{n:,}") for why, n in counted]
    return _titled(title, ("", ""), rows, right=(1,))


def _published(plan: TrainingPlan) -> str:
    return "\n\n".join(_compared(plan, one) for one in plan.published)


def _compared(plan: TrainingPlan, one: Comparison) -> str:
    published = one.published
    open_ = [_UNSTATED.get(name, name) for name in published.unstated]
    told = f"; not published and chosen here: {', '.join(open_)}" if open_ else ""
    about = f"{published.source}: {_short(_values(one.then))}{told}."
    gain = plan.best.tokens_per_s / one.now.tokens_per_s - 1.0
    size = f"{published.global_batch:,} sequences"
    rows = [
        ("measured", _measured(published)),
        ("predicted as it was run", f"{_s(one.then.step_s.value)} s{_off(one)}, {size}"),
        ("predicted in the plan's setting", f"{_s(one.now.step_s.value)} s"),
        ("the plan", f"{100 * abs(gain):.1f} % {'more' if gain >= 0 else 'fewer'} tokens/s"),
    ]
    lines = [heading(f"Published: {published.name}"), wrap(about, "  ")]
    lines.append(table(("", ""), rows, indent=2))
    if published.step_note:
        lines.append(wrap(f"Measured: {published.step_note}.", "  "))
    return "\n".join(lines)


def _measured(published: PublishedLayout) -> str:
    if published.step_s is None or published.span_s is None:
        return "not published"
    low, high = published.span_s
    span = f" ({_s(low)} to {_s(high)} s)" if low < high else ""
    return f"{_s(published.step_s)} s{span}"


def _off(one: Comparison) -> str:
    if one.error is None:
        return ""
    band = f"P10–P90 {_s(one.then.step_s.low)} to {_s(one.then.step_s.high)} s"
    return f" ({100 * one.error:+.1f} %, {band})"


def _titled(
    title: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Iterable[int],
    after: int = 0,
) -> str:
    """Return a table under a heading; the last `after` columns are numbers too."""
    columns = len(rows[0])
    numbers = {*right, *range(columns - after, columns)}
    return "\n".join([heading(title), table(head, rows, right=numbers, indent=2)])


def _values(estimate: StepEstimate) -> dict[str, int]:
    return {f.name: int(getattr(estimate.layout, f.name)) for f in fields(estimate.layout)}


def _head() -> tuple[str, ...]:
    return (*(_TITLES.get(name, name) for name in _SHORT), "recompute", "sharding")


def _cells(layout: Mapping[str, Any]) -> tuple[str, ...]:
    named = (WORDS[name][layout[name]] for name in ("recompute", "sharding"))
    return (*(f"{layout[name]:,}" for name in _SHORT), *named)


def _short(layout: Mapping[str, int]) -> str:
    """Return a layout as ``--layout`` reads it: what is not as `Layout` has it by itself."""
    usual = {"recompute": 0, "sharding": 1, "schedule": 0, "sequence_parallel": 1}
    whole = layout["dp"] * layout["cp"] if layout["sharding"] else 1
    parts = []
    for name, value in layout.items():
        if value == usual.get(name, 1) or (name == "shard" and value == whole):
            continue
        parts.append(f"{name}={WORDS[name][value] if name in WORDS else value}")
    return ",".join(parts) or "tp=1"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('ch') else 's'}"


def _s(value: float) -> str:
    return f"{value:,.0f}" if value >= 999.5 else f"{value:#.3g}".rstrip(".")


def _t(value: float) -> str:
    """Return a time with a digit more, to tell layouts apart."""
    return f"{value:,.0f}" if value >= 9999.5 else f"{value:#.4g}".rstrip(".")
