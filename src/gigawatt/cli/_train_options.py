"""Reading what `gigawatt train` is given: layouts, shares and quantities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from gigawatt.units import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FIELDS", "WORDS", "layout_fields", "quantity"]

FIELDS: Final = (
    "tp", "pp", "vpp", "cp", "ep", "etp", "dp", "micro_batch", "recompute", "sharding", "shard",
    "schedule", "sequence_parallel",
)  # fmt: skip
"""Fields of a layout, as ``--fix`` and ``--layout`` name them."""

WORDS: Final = {
    "recompute": ("none", "selective", "full", "operators"),
    "sharding": ("none", "optimizer", "gradients", "full"),
    "schedule": ("1f1b", "zero-bubble"),
}
"""Fields whose values have names, in the order of their numbers."""


def layout_fields(
    ctx: click.Context, param: click.Parameter, value: str | tuple[str, ...] | None
) -> dict[str, int] | None:
    """Return fields of a layout such as ``tp=8,pp=16,recompute=full``, for an option of click."""
    if not value:
        return None
    found = {}
    for text in (value if isinstance(value, str) else ",".join(value)).replace(" ", ",").split(","):
        field, equals, word = text.partition("=")
        field = field.replace("-", "_")
        if text and (not equals or field not in FIELDS):
            message = f"expected FIELD=VALUE with a field of {', '.join(FIELDS)}; found '{text}'"
            raise click.BadParameter(message, ctx=ctx, param=param)
        if text:
            number = _number(field, word.casefold())
            if number is None:
                message = f"{field} must be {_wanted(field)}; found '{word}'"
                raise click.BadParameter(message, ctx=ctx, param=param)
            found[field] = number
    return found


def _number(field: str, word: str) -> int | None:
    words = WORDS.get(field)
    if words is not None:
        return words.index(word) if word in words else None
    number = int(word) if word.isdecimal() else -1
    switch = field == "sequence_parallel"
    return number if (number in (0, 1) if switch else number >= 1) else None


def _wanted(field: str) -> str:
    if field in WORDS:
        return f"one of {', '.join(WORDS[field])}"
    return "0 or 1" if field == "sequence_parallel" else "a whole number of at least 1"


def quantity(
    unit: str, low: float, high: float | None = None
) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """Return what reads a number with a unit, such as ``15.6 T`` or ``80 %``, for an option."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
        if value is None:
            return None
        try:
            number = parse_quantity(value, unit)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx=ctx, param=param) from error
        if number < low or (high is not None and number > high):
            most = "" if high is None else f" and at most {high:g}"
            message = f"must be at least {low:g}{most}; found '{value}'"
            raise click.BadParameter(message, ctx=ctx, param=param)
        return number

    return read
