"""``gigawatt train``: the best way to train a model on so many accelerators."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import click

from gigawatt.cli._options import examples, format_option, quiet_option, seed_option
from gigawatt.cli._text import note, print_json
from gigawatt.cli._train_options import layout_fields, quantity
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.training.layout import Layout
    from gigawatt.compute.training.plan import TrainingPlan

__all__ = ["command"]

_TRIED: Final = 50
"""Layouts that are tried for one that a framework can express."""

_FIRST_S: Final = 1.0
_EVERY_S: Final = 0.2


@click.command(
    "train",
    epilog=examples(
        "gigawatt train llama-3.1-405b --chip h100 --count 16384",
        "gigawatt train llama-3.1-405b --chip h100 --count 16384 --seq 131072 --batch 128",
        "gigawatt train deepseek-v3 --chip gb200 --count 2048 --precision mxfp8 --tokens '14.8 T'",
        "gigawatt train config.json --chip b200 --count 512 --fix tp=8 --fix recompute=full",
        "gigawatt train llama-3.1-8b --chip h100 --count 64 --layout tp=2,pp=2",
        "gigawatt train llama-3.1-70b --chip h200 --count 1024 --batch 1024 --flags megatron",
    ),
)
@click.argument("model")
@click.option("--chip", required=True, metavar="CHIP", help="Accelerator of the catalogue.")
@click.option(
    "--count", required=True, type=click.IntRange(min=1), metavar="N", help="How many of them."
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    metavar="N",
    help="Sequences of a step; left out: that of a published run at this size, else the optimum.",
)
@click.option(
    "--seq",
    type=click.IntRange(min=1),
    metavar="N",
    help="Tokens of a sequence; left out: as the model was trained, else at most 8,192.",
)
@click.option(
    "--precision",
    default="bf16",
    show_default=True,
    metavar="RECIPE",
    help="Format of the matrix products: bf16, fp8, fp8-rowwise, mxfp8, nvfp4 or int8.",
)
@click.option(
    "--tokens",
    callback=quantity("1", 1.0),
    metavar="TOKENS",
    help="Tokens of the run, such as '15 T'; left out: as many as the model was trained on.",
)
@click.option(
    "--software",
    default="today",
    show_default=True,
    metavar="WHEN",
    help="'today' (the newest release that was measured), a year, or family@YYYY-MM.",
)
@click.option(
    "--fix",
    "fixed",
    callback=layout_fields,
    multiple=True,
    metavar="FIELD=VALUE",
    help="Search only layouts with this value, such as tp=8 or recompute=full. May be repeated.",
)
@click.option(
    "--layout",
    callback=layout_fields,
    metavar="FIELD=VALUE,...",
    help="Estimate this layout in place of searching, such as tp=8,pp=16,vpp=4.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="Layouts to list, the best included.",
)
@click.option(
    "--reliability",
    default="llama-3-405b",
    show_default=True,
    metavar="NAME",
    help="Failures of the run, as in this entry of 'gigawatt catalog reliability'.",
)
@click.option(
    "--power-share",
    callback=quantity("ratio", 0.1, 1.0),
    default="100 %",
    show_default=True,
    metavar="SHARE",
    help="Power limit over the rated power of the accelerators.",
)
@click.option(
    "--idle",
    callback=quantity("ratio", 0.0, 0.99),
    default="0 %",
    show_default=True,
    metavar="SHARE",
    help="Share of the accelerators that may stay unused, so that the others divide better.",
)
@click.option(
    "--flags",
    type=click.Choice(["megatron", "torchtitan"]),
    help="Print only how Megatron-LM or TorchTitan is started with the best layout.",
)
@seed_option
@format_option
@quiet_option
def command(
    model: str,
    chip: str,
    count: int,
    flags: str | None,
    style: str,
    *,
    quiet: bool,
    **asked: Any,  # noqa: ANN401  the options that the planner takes as they are
) -> None:
    """Plan the training of a model: layout, step time and days.

    MODEL is a model of the catalogue ('gigawatt catalog model' lists them) or the path of a
    Hugging Face config.json. Every layout is looked at, and the quickest that fits is explained.
    Its step time has a band (P10-P90) from the errors on published measurements.
    """
    _check(chip, asked)
    if flags is not None:
        _narrow(flags, asked, quiet=quiet)
    from gigawatt.cli._train_text import plan_text  # noqa: PLC0415  read only once a command runs
    from gigawatt.compute.training.plan import plan_training  # noqa: PLC0415

    told = _Progress(quiet=quiet)
    try:
        plan = plan_training(
            model,
            chip=chip,
            count=count,
            global_batch=asked.pop("batch"),
            seq_len=asked.pop("seq"),
            progress=told.count,
            **asked,
        )
    finally:
        told.end()
    if flags is not None:
        click.echo(_flags(model, plan, flags, quiet=quiet))
    elif style == "json":
        print_json(plan.as_dict())
    else:
        click.echo(plan_text(plan))


def _check(chip: str, asked: dict[str, Any]) -> None:
    """Refuse what does not go together, and a recipe that the chip does not know."""
    if asked["layout"] is not None and asked["fixed"]:
        message = "--layout states one layout and --fix what a search may choose: leave one out"
        raise InputError(message)
    from gigawatt import catalog  # noqa: PLC0415  read only once a command runs
    from gigawatt.compute.training.setting import RECIPES, peak_flops  # noqa: PLC0415

    book, precision = catalog.load(), asked["precision"]
    entry, _ = book.get("chip", chip), book.get("reliability", asked["reliability"])
    known = [name for name, (peaks, _) in RECIPES.items() if any(p in entry for p in peaks)]
    if precision not in RECIPES:
        message = f"--precision must be one of {', '.join(RECIPES)}; found '{precision}'"
        raise InputError(message)
    try:
        peak_flops(entry, precision)
    except NotModelledError:
        message = (
            f"--precision must be one that {entry.id} computes in, {', '.join(known)}; "
            f"found '{precision}'"
        )
        raise InputError(message) from None


def _narrow(framework: str, asked: dict[str, Any], *, quiet: bool) -> None:
    """Search only what the framework can express, as far as that can be said of a field."""
    if asked["layout"] is not None:
        return
    only = {"torchtitan": {"sharding": 3}, "megatron": {"schedule": 0}}[framework]
    fixed = asked["fixed"] or {}
    asked["fixed"] = only | fixed
    asked["top"] = max(asked["top"], _TRIED)
    if framework == "torchtitan" and "sharding" not in fixed:
        note("only fully sharded layouts are searched, as TorchTitan trains", quiet=quiet)


def _flags(model: str, plan: TrainingPlan, framework: str, *, quiet: bool) -> str:
    """Return what starts the best layout that the framework can express."""
    from gigawatt.catalog.architecture import architecture  # noqa: PLC0415

    arch, first = architecture(model), None
    for place, one in enumerate(plan.layouts, 1):
        try:
            text = _written(arch, one.layout, plan, framework)
        except NotModelledError as error:
            first = first or error
            continue
        if first is not None:
            note(f"{first}; this is number {place} of the best", quiet=quiet)
        return text
    others = f"; nor the {len(plan.layouts) - 1} next best" if len(plan.layouts) > 1 else ""
    message = f"{first}{others}"
    raise NotModelledError(message)


def _written(arch: Architecture, layout: Layout, plan: TrainingPlan, framework: str) -> str:
    """Return a shell command for Megatron-LM, or TorchTitan's configuration."""
    from gigawatt.compute.training import export, export_torchtitan  # noqa: PLC0415

    size: dict[str, Any] = {
        "precision": plan.precision,
        "seq_len": plan.seq_len,
        "global_batch": plan.global_batch,
    }
    if framework == "torchtitan":
        config = export_torchtitan.torchtitan_config(arch, layout, **size)
        return export_torchtitan.toml_text(config).rstrip()
    return export.torchrun_line(
        "pretrain_gpt.py",
        export.megatron_flags(arch, layout, **size),
        accelerators=int(layout.accelerators),
        chips_per_host=_host(plan.chip),
        environment=export.megatron_environment(layout),
    )


def _host(chip: str) -> int:
    """Return how many accelerators share a host."""
    from gigawatt import catalog  # noqa: PLC0415  read only once a command runs

    book = catalog.load()
    entry = book.get("chip", chip)
    system = book.get("system", entry.text("system")) if "system" in entry else None
    if system is None or "chips_per_host" not in system:
        return int(entry.number("scale_up_chips", 1.0))
    return int(system.number("chips_per_host"))


class _Progress:
    """How far a long search is, on a terminal's stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = False
        self._quiet = quiet or not sys.stderr.isatty()
        self._next = monotonic() + _FIRST_S

    @property
    def count(self) -> Callable[[int], None] | None:
        """What the search calls, or None where nobody looks."""
        return None if self._quiet else self._count

    def _count(self, decided: int) -> None:
        now = monotonic()
        if now < self._next:
            return
        self._next, self._shown = now + _EVERY_S, True
        click.echo(f"\r{decided:,} layouts decided on", err=True, nl=False)

    def end(self) -> None:
        """Take the line away again."""
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
