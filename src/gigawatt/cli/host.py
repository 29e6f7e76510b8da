"""``gigawatt host``: the best way to serve a model within limits on latency, or a replay."""

from __future__ import annotations

from typing import Any, Final

import click

from gigawatt.cli._host_search import search_options
from gigawatt.cli._options import examples, format_option, quiet_option
from gigawatt.cli._replay import check_use, plan_only, replay, replay_options
from gigawatt.cli._text import print_json
from gigawatt.cli._train_options import quantity

__all__ = ["command"]

_FIELDS: Final = ("tp", "attn_dp", "pp", "ep")
"""Fields of a split, as ``--split`` names them."""


def _split(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, int] | None:
    """Return a split such as ``tp=8,ep=8``."""
    if not value:
        return None
    found = {}
    for text in value.replace(" ", ",").split(","):
        field, _, word = text.partition("=")
        field = field.replace("-", "_")
        if text and field not in _FIELDS:
            message = f"expected FIELD=VALUE with a field of {', '.join(_FIELDS)}; found '{text}'"
            raise click.BadParameter(message, ctx=ctx, param=param)
        if text and not (word.isdecimal() and int(word) > 0):
            message = f"{field} must be a whole number of at least 1; found '{word}'"
            raise click.BadParameter(message, ctx=ctx, param=param)
        if text:
            found[field] = int(word)
    return found


@click.command(
    "host",
    epilog=examples(
        "gigawatt host deepseek-v3 --chip gb200 --ttft 1s --tpot 50ms --input 4000 --output 1000",
        "gigawatt host llama-3.1-70b --chip h100 --ttft 2s --tpot 40ms --input 1000 --output 500 "
        "--requests-per-s 200 --spares 1",
        "gigawatt host deepseek-v3 --chip h200 --input 4000 --output 1000 --cached 50% --tpot 50ms",
        "gigawatt host config.json --chip b200 --input 8000 --output 1000 --ttft 3s --sure",
        "gigawatt host gpt-oss-120b --chip mi300x --input 1000 --output 1000 --split tp=4 "
        "--concurrency 64",
        "gigawatt host llama-3.1-70b --chip h100 --trace requests.csv --ttft 2s --tpot 60ms "
        "--figure replay.html",
    ),
)
@click.argument("model")
@click.option("--chip", required=True, metavar="CHIP", help="Accelerator of the catalogue.")
@click.option(
    "--ttft",
    "ttft_ms",
    callback=quantity("ms", 1e-3),
    metavar="TIME",
    help="Longest mean time to the first token, such as 1s or 800ms; left out: no limit. With "
    "--percentile or --trace: of the requests up to that percentile.",
)
@click.option(
    "--tpot",
    "tpot_ms",
    callback=quantity("ms", 1e-3),
    metavar="TIME",
    help="The same per further token, such as 50ms.",
)
@click.option(
    "--input",
    "input_tokens",
    callback=quantity("1", 1.0),
    metavar="TOKENS",
    help="Tokens of the mean prompt; needed without --trace.",
)
@click.option(
    "--output",
    "output_tokens",
    callback=quantity("1", 1.0),
    metavar="TOKENS",
    help="Tokens of the mean answer; needed without --trace.",
)
@click.option(
    "--cached",
    "cached_share",
    default="0 %",
    show_default=True,
    callback=quantity("ratio", 0.0, 0.999),
    metavar="SHARE",
    help="Share of the prompt found in the prefix cache.",
)
@click.option(
    "--accepted",
    type=click.FloatRange(min=1.0),
    default=1.0,
    show_default=True,
    metavar="N",
    help="Tokens gained in a step: more than 1 with speculative decoding.",
)
@click.option(
    "--weights",
    metavar="FORMAT",
    help="bf16, fp8, fp4, mxfp4, int8 or int4; left out: fp8 where the chip computes in it.",
)
@click.option("--kv-cache", "cache", metavar="FORMAT", help="Keys and values: bf16 or fp8.")
@click.option(
    "--software",
    default="vllm",
    show_default=True,
    metavar="ENGINE",
    help="vllm, sglang or tensorrt-llm.",
)
@click.option(
    "--max-chips",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most accelerators of an instance; left out: a scale-up domain, at most 72.",
)
@click.option("--sure", is_flag=True, help="Keep the limits with the P90 of the latencies too.")
@click.option(
    "--requests-per-s",
    callback=quantity("1", 1e-9),
    metavar="N",
    help="Requests a second for which to size a fleet.",
)
@click.option(
    "--tokens-per-s",
    callback=quantity("1", 1e-9),
    metavar="N",
    help="The same in output tokens a second, such as '2 M'.",
)
@click.option(
    "--spares",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="K",
    help="Instances of the fleet beyond those needed.",
)
@click.option(
    "--split",
    callback=_split,
    metavar="FIELD=VALUE,...",
    help="Look at this split only, such as tp=8,attn_dp=1,pp=1,ep=8.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --split: requests at a time; left out: as many as the limits allow.",
)
@click.option(
    "--usd-per-chip-hour",
    type=click.FloatRange(min=0.0, min_open=True),
    metavar="USD",
    help="Cost of an accelerator-hour; left out: that of the catalogue.",
)
@click.option(
    "--pue",
    type=click.FloatRange(min=1.0),
    metavar="RATIO",
    help="Facility power over IT power; left out: that of a closed loop with dry coolers.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="Splits to list, the best included.",
)
@search_options
@replay_options
@format_option
@quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    style: str,
    *,
    quiet: bool,
    **asked: Any,  # noqa: ANN401  the options that planner and replay take as they are
) -> None:
    """Plan how to serve a model: split, throughput, power, cost.

    MODEL is a model of the catalogue ('gigawatt catalog model' lists them) or the path of a
    Hugging Face config.json. Every way to spread it is looked at, each with as many requests at a
    time as the limits on mean latency allow; the best makes the most tokens for each accelerator.
    Bands (P10-P90) are from the errors on published measurements.

    With --trace the requests of a file are played through the instances one by one, and the answer
    is what each of them would have seen.
    """
    check_use(ctx)
    if asked["trace"] is not None:
        replay(model, asked, style, quiet=quiet)
        return
    from gigawatt.cli._host_text import plan_text  # noqa: PLC0415  read only once a command runs
    from gigawatt.compute.hosting.planning.plan import plan_hosting  # noqa: PLC0415

    plan = plan_hosting(model, **plan_only(asked))
    if style == "json":
        print_json(plan.as_dict())
    else:
        click.echo(plan_text(plan))
