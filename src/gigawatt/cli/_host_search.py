"""Options of ``gigawatt host`` that widen the search: batching, percentiles, separate instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["search_options"]

_PERCENTILES: Final = ("50", "90", "95", "99")


def _chunk(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    """Return a number of tokens, or None for a search."""
    text = value.strip().replace(",", "")
    if text == "search":
        return None
    if not (text.isdecimal() and int(text) > 0):
        message = f"expected a whole number of at least 1 or 'search'; found '{value}'"
        raise click.BadParameter(message, ctx=ctx, param=param)
    return int(text)


def _percentile(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a percentile, as 'P90' or '90'."""
    if value is None:
        return None
    text = value.strip().lower().removeprefix("p")
    if text not in _PERCENTILES:
        message = f"expected one of {', '.join(_PERCENTILES)}; found '{value}'"
        raise click.BadParameter(message, ctx=ctx, param=param)
    return int(text)


_OPTIONS: Final = (
    click.option(
        "--chunk-tokens",
        default="8192",
        show_default=True,
        callback=_chunk,
        metavar="N",
        help="Most tokens of prompts in a step; 'search' for the best power of two.",
    ),
    click.option(
        "--max-sequences",
        type=click.IntRange(min=1),
        metavar="N",
        help="Cap on the sequences of an attention group; left out: what serves most.",
    ),
    click.option(
        "--percentile",
        callback=_percentile,
        metavar="P",
        help="Keep the limits at this percentile (50, 90, 95, 99) of requests that arrive by "
        "chance, by simulation; left out: in the mean, at a constant number of requests.",
    ),
    click.option(
        "--burstiness",
        type=click.FloatRange(min=0.0),
        default=1.0,
        show_default=True,
        metavar="CV",
        help="With --percentile: variation of the gaps between arrivals; 1 is Poisson.",
    ),
    click.option(
        "--length-variation",
        type=click.FloatRange(min=0.0),
        default=0.0,
        show_default=True,
        metavar="CV",
        help="With --percentile: variation of the lengths of prompts and answers.",
    ),
    click.option(
        "--kernels",
        type=click.Choice(["model", "measured"]),
        default="model",
        show_default=True,
        help="Times of products, attention and experts: of the model, or from tables of measured "
        "kernels (extra 'kernels').",
    ),
    click.option(
        "--disaggregated",
        is_flag=True,
        help="Also look for separate instances for reading and answering, and their ratio.",
    ),
)


def search_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
