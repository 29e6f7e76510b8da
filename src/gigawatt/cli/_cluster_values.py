"""Values of the options of ``gigawatt cluster``, from what was typed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import click

from gigawatt.errors import InputError
from gigawatt.units import parse_quantity

if TYPE_CHECKING:
    from gigawatt.cluster.storage import Storage

__all__ = ["COLUMNS", "columns", "finite", "seconds", "span", "tiers"]

COLUMNS: Final = ("job", "submit", "accelerators", "run", "start", "end", "tenant", "milli")
"""What a column of a trace can be."""

_TIERS: Final = ("shared", "link", "near", "every", "survives")
"""What can be said of the storage of checkpoints."""

_STORAGE: Final = "expected such as shared=2000,link=5 or shared=2000,link=5,near=20,every=4"
_LONGEST_S: Final = 1e11  # some 3,000 years, which the kernel can still count


def seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Return a length of time such as ``4h`` or ``30 min`` [s]; a bare number is in seconds."""
    if value is None:
        return None
    try:
        found = parse_quantity(value, "s")
    except ValueError as error:
        message = f"{error}; expected a time such as '30 min' or '4h'"
        raise click.BadParameter(message, ctx=ctx, param=param) from None
    if not 0.0 <= found <= _LONGEST_S:
        message = f"expected a time from 0 to 3,000 years; found '{value}'"
        raise click.BadParameter(message, ctx=ctx, param=param)
    return found


def span(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Return a length of time of at least a second [s]."""
    found = seconds(ctx, param, value)
    if found is not None and round(found) < 1:
        message = f"expected a time of at least a second; found '{value}'"
        raise click.BadParameter(message, ctx=ctx, param=param)
    return found


def finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Return a number that is neither endless nor none."""
    if value is not None and not math.isfinite(value):
        message = f"expected a finite number; found '{value}'"
        raise click.BadParameter(message, ctx=ctx, param=param)
    return value


def columns(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, str] | None:
    """Return names of a file's columns such as ``submit=t,accelerators=gpus,run=seconds``."""
    return None if value is None else _pairs(ctx, param, value, COLUMNS, "NAME")


def tiers(ctx: click.Context, param: click.Parameter, value: str | None) -> Storage | None:
    """Return the storage of checkpoints from ``shared=2000,link=5,near=20,every=4`` [GB/s]."""
    if value is None:
        return None
    from gigawatt.cluster.storage import NearTier, Storage  # noqa: PLC0415  loads NumPy

    given = _pairs(ctx, param, value, _TIERS, "VALUE")
    lacking = [name for name in ("shared", "link") if name not in given]
    if ("near" in given) != ("every" in given):
        lacking += [name for name in ("near", "every") if name not in given]
    elif "survives" in given and "near" not in given:
        lacking.append("near")
    if lacking:
        message = f"{_STORAGE}; found '{value}' without {' and '.join(lacking)}"
        raise click.BadParameter(message, ctx=ctx, param=param)
    outlives: Any = given.get("survives", "interrupt")
    try:
        near = tuple(
            NearTier(name="near", node_gb_s=float(speed), survives=outlives)
            for name, speed in given.items() if name == "near"
        )  # fmt: skip
        every = tuple(int(number) for name, number in given.items() if name == "every")
        return Storage(
            shared_gb_s=float(given["shared"]), node_link_gb_s=float(given["link"]),
            near=near, every=every,
        )  # fmt: skip
    except (InputError, ValueError) as error:
        message = f"{_STORAGE}; found '{value}': {error}"
        raise click.BadParameter(message, ctx=ctx, param=param) from None


def _pairs(
    ctx: click.Context, param: click.Parameter, value: str, fields: tuple[str, ...], what: str
) -> dict[str, str]:
    """Return what is given to each field, as in ``a=1,b=2``."""
    found: dict[str, str] = {}
    for text in value.split(","):
        field, _, given = (part.strip() for part in text.partition("="))
        if field not in fields or not given or field in found:
            known = ", ".join(fields)
            message = f"expected FIELD={what} with a field of {known}, each once; found '{text}'"
            raise click.BadParameter(message, ctx=ctx, param=param)
        found[field] = given
    return found
