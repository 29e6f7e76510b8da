"""``gigawatt host --trace``: options of a replay, and what is done with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gigawatt.cli._files import TABLES, check_file, replace_file, write_table
from gigawatt.cli._options import seed_option
from gigawatt.cli._text import note, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gigawatt.compute.hosting.traces import TraceFormat

__all__ = ["check_use", "plan_only", "replay", "replay_options"]

_COLUMNS: Final = ("arrival", "prompt", "output", "time")
_PLAN_ONLY: Final = (
    "input_tokens", "output_tokens", "cached_share", "requests_per_s", "tokens_per_s", "spares",
    "concurrency", "top", "burstiness", "length_variation", "disaggregated",
    "kernels",
)  # fmt: skip
"""Options that say what a trace says itself, or that ask for a plan."""


def _columns(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> dict[str, str] | None:
    """Return names of a file's columns such as ``arrival=t,prompt=in,output=out,time=ms``."""
    if value is None:
        return None
    found = {}
    for text in value.split(","):
        field, equals, name = text.strip().partition("=")
        if field not in _COLUMNS or not equals or not name:
            message = f"expected FIELD=NAME with a field of {', '.join(_COLUMNS)}; found '{text}'"
            raise click.BadParameter(message, ctx=ctx, param=param)
        found[field] = name
    return found


def _pools(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Return instances that read and instances that answer, such as ``2:4``."""
    if value is None:
        return None
    first, _, second = value.partition(":")
    if not (first.isdecimal() and second.isdecimal() and int(first) and int(second)):
        message = f"expected two numbers of instances such as 2:4; found '{value}'"
        raise click.BadParameter(message, ctx=ctx, param=param)
    return int(first), int(second)


_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_OPTIONS: Final = (
    click.option(
        "--trace",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Replay the requests of a file instead: Azure, Mooncake, Vidur, or any CSV or JSONL.",
    ),
    click.option(
        "--columns",
        callback=_columns,
        metavar="FIELD=NAME,...",
        help="Columns of a file of no known format: arrival, prompt, output, and the unit of time.",
    ),
    click.option(
        "--replicas",
        type=click.IntRange(min=1),
        metavar="N",
        help="Instances that serve the trace; left out: those that keep --ttft and --tpot on the "
        "fewest accelerators.",
    ),
    click.option(
        "--pools",
        callback=_pools,
        metavar="P:D",
        help="P instances that only read prompts and D that only answer, in place of --replicas.",
    ),
    click.option(
        "--policy",
        default="vllm",
        show_default=True,
        metavar="NAME",
        help="How batches are made: vllm, sarathi, orca or prefill-first.",
    ),
    click.option(
        "--router",
        metavar="NAME",
        help="round-robin, least-requests, least-tokens or prefix; left out: prefix with a prefix "
        "cache, else least-requests.",
    ),
    click.option(
        "--prefix-cache/--no-prefix-cache",
        default=None,
        help="Keep the blocks of prompts; left out: where the trace has their hashes.",
    ),
    click.option(
        "--speed",
        type=click.FloatRange(min=0.0, min_open=True),
        default=1.0,
        show_default=True,
        metavar="FACTOR",
        help="How much faster than recorded the requests come.",
    ),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        help="Replay the first N requests only.",
    ),
    seed_option,
    click.option(
        "--requests",
        "requests_file",
        type=_FILE,
        metavar="FILE",
        help="Write a row for each request, as .csv or .parquet.",
    ),
    click.option(
        "--figure",
        "figure_file",
        type=_FILE,
        metavar="FILE",
        help="Write a page with the timeline and the latencies, as .html.",
    ),
)
_NAMES: Final = (
    "columns", "replicas", "pools", "policy", "router", "prefix_cache", "speed", "limit",
)  # fmt: skip
"""Options that only `replay_requests` takes, under the same names."""

_SHARED: Final = (
    "ttft_ms", "tpot_ms", "sure", "accepted", "weights", "cache", "software", "max_chips", "split",
    "max_sequences", "seed", "usd_per_chip_hour", "pue",
)  # fmt: skip
"""Options that both take."""

_DEFAULT_PERCENTILE: Final = 99


def replay_options(command: Callable[..., None]) -> Callable[..., None]:
    """Put the options of a replay on a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_use(ctx: click.Context) -> None:
    """Refuse options that mean nothing with a trace, or nothing without one.

    Raises
    ------
    UsageError
        Naming the option.
    """
    stated = [
        param
        for param in ctx.command.params
        if ctx.get_parameter_source(str(param.name)) is click.core.ParameterSource.COMMANDLINE
    ]
    names = {str(param.name): param.opts[0] for param in stated}
    if ctx.params["trace"] is not None:
        wrong = [option for name, option in names.items() if name in _PLAN_ONLY]
        if wrong:
            message = f"{wrong[0]} is not used with --trace: the trace says what is asked for"
            raise click.UsageError(message, ctx=ctx)
        if ctx.params["chunk_tokens"] is None:
            message = "--chunk-tokens must be a number with --trace: nothing is searched for"
            raise click.UsageError(message, ctx=ctx)
        return
    needing = (*_NAMES, "requests_file", "figure_file")
    if wrong := [option for name, option in names.items() if name in needing]:
        message = f"{wrong[0]} needs --trace"
        raise click.UsageError(message, ctx=ctx)
    for param in ctx.command.params:
        if param.name in ("input_tokens", "output_tokens") and ctx.params[param.name] is None:
            hint = "or give the requests with --trace"
            raise click.MissingParameter(message=hint, ctx=ctx, param=param)


def plan_only(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that `plan_hosting` takes."""
    names = ("chip", "chunk_tokens", "percentile", *_PLAN_ONLY, *_SHARED)
    return {name: asked[name] for name in names}


def replay(model: str, asked: Mapping[str, Any], style: str, *, quiet: bool) -> None:
    """Replay a trace, print what came out and write the files that were asked for."""
    from gigawatt.cli._replay_text import replay_text  # noqa: PLC0415  read only once it runs
    from gigawatt.compute.hosting.replay.run import replay_requests  # noqa: PLC0415

    table, page = asked["requests_file"], asked["figure_file"]
    check_file(table, TABLES, "--requests")
    check_file(page, (".html",), "--figure")
    options = {name: asked[name] for name in (*_NAMES, *_SHARED)}
    options["columns"] = _format(asked["columns"])
    options["chunk_tokens"] = asked["chunk_tokens"]
    options["percentile"] = asked["percentile"] or _DEFAULT_PERCENTILE
    found = replay_requests(
        model,
        asked["chip"],
        asked["trace"],
        **options,
        progress=lambda text: note(text, quiet=quiet),
    )
    if table is not None:
        write_table(found.columns(), table)
        note(f"a row for each request is in {table}", quiet=quiet)
    if page is not None:
        from gigawatt.results.replay_figures import render  # noqa: PLC0415

        replace_file(page, render(found))
        note(f"the figures are in {page}", quiet=quiet)
    if style == "json":
        print_json(found.as_dict())
    else:
        click.echo(replay_text(found))


def _format(columns: Mapping[str, str] | None) -> TraceFormat | None:
    from gigawatt.compute.hosting.traces import TraceFormat  # noqa: PLC0415

    if columns is None:
        return None
    fields: dict[str, Any] = dict(columns)
    return TraceFormat(**fields)
