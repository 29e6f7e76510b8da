"""How results look as text and as JSON. Nothing here knows what the results mean."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import TYPE_CHECKING, Any, Final

import click

from gigawatt.results.layout import columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "dim",
    "heading",
    "note",
    "number",
    "print_json",
    "quantity",
    "span",
    "table",
    "warn",
    "width",
    "wrap",
]

_WORDS: Final = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_DIGITS: Final = 10  # hides only what is left over from binary fractions
_PIPED_WIDTH: Final = 120


def width() -> int:
    """Return how many columns of text fit: the terminal's, or a fixed number when piped."""
    return shutil.get_terminal_size((_PIPED_WIDTH, 24)).columns


def number(value: float) -> str:
    """Return a number with every digit that was published, as a reader would say it.

    Examples
    --------
    >>> number(15.6e12)
    '15.6 trillion'
    >>> number(1979.0)
    '1,979'
    """
    for size, word in _WORDS:
        if abs(value) >= size:
            return f"{value / size:,.{_DIGITS}g} {word}"
    return f"{value:,.{_DIGITS}g}"


def quantity(value: float | str, unit: str) -> str:
    """Return a fact's value with its unit.

    Examples
    --------
    >>> quantity(1500.0, "MW")
    '1,500 MW'
    """
    if isinstance(value, str):
        return value
    return f"{number(value)}{_suffix(unit)}"


def _suffix(unit: str) -> str:
    return "" if unit in {"", "1", "ratio"} else f" {unit}"


def span(low: float | None, high: float | None, unit: str) -> str:
    """Return a published range, or nothing where none is known.

    Examples
    --------
    >>> span(1.0, 2.5, "MW")
    '1–2.5 MW'
    >>> span(None, 2.5, "MW")
    'up to 2.5 MW'
    """
    if low is None and high is None:
        return ""
    if low is None or high is None:
        side, end = ("up to", high) if low is None else ("at least", low)
        return f"{side} {number(end or 0.0)}{_suffix(unit)}"
    return f"{number(low)}–{number(high)}{_suffix(unit)}"


def heading(text: str) -> str:
    """Return a heading; bold on a terminal, plain when piped (click drops the colour codes)."""
    return click.style(text, bold=True)


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Iterable[int] = (),
    indent: int = 0,
    folding: Iterable[int] = (),
) -> str:
    """Return rows as columns of text, each as wide as its widest cell.

    Parameters
    ----------
    header : sequence of str
        Column titles; all empty for none.
    rows : iterable of sequence of str
        One cell for each column.
    right : iterable of int
        Columns that are set flush right.
    indent : int
        Spaces before each line.
    folding : iterable of int
        Columns of words that fold where the terminal is narrower; the others never do.
    """
    body = [tuple(row) for row in rows]
    lines = [tuple(header), *body] if any(header) else body
    drawn = columns(lines, width(), set(right), indent, set(folding))
    if any(header):
        drawn[0] = dim(drawn[0])
    return "\n".join(drawn)


def dim(text: str) -> str:
    """Return text that is said quietly; plain when piped."""
    return click.style(text, dim=True)


def warn(warnings: Iterable[str], *, quiet: bool, about: str = "") -> None:
    """Print warnings on stderr, one to a line, unless asked to be quiet."""
    for warning in warnings:
        note(f"warning: {about}{warning}", quiet=quiet)


def wrap(text: str, indent: str) -> str:
    """Return a paragraph folded to the width of the terminal."""
    return textwrap.fill(
        text, max(40, width()), initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def note(text: str, *, quiet: bool) -> None:
    """Say something on stderr, unless asked to be quiet."""
    if not quiet:
        click.echo(text, err=True)


def print_json(value: Any) -> None:  # noqa: ANN401  any JSON value
    """Print a value as JSON: keys in their order, ASCII, no NaN, a newline at the end."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))
