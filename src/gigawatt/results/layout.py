"""Text in columns that fit a terminal: words fold, numbers never do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = ["TIED", "columns", "fit", "fold"]

TIED: Final = "\u00a0"
"""A space that no line breaks at, as between a number and its unit; shown as a plain one."""

_GAP: Final = 2
_WIDEST_MINIMUM: Final = 14  # longer words may be broken, but no number tied to its unit


def columns(
    rows: Iterable[Sequence[str]],
    width: int,
    right: Collection[int] = (),
    indent: int = 2,
    folding: Collection[int] | None = None,
) -> list[str]:
    """Return rows of cells as aligned lines; columns of words fold where the line is short.

    Parameters
    ----------
    rows : iterable of sequence of str
        Cells, as many in each row.
    width : int
        Longest line.
    right : collection of int
        Columns of numbers, set flush right.
    indent : int
        Spaces before each line.
    folding : collection of int, optional
        Columns that may fold; by default all that are not flush right.
    """
    body = [tuple(row) for row in rows]
    if not body:
        return []
    if folding is None:
        folding = [i for i in range(len(body[0])) if i not in right]
    sizes = fit(body, width - indent, folding)
    return [line for row in body for line in _draw(row, sizes, right, indent)]


def fit(
    rows: Sequence[Sequence[str]], room: int, folding: Collection[int] | None = None
) -> list[int]:
    """Return the widths of the columns, with the widest that may fold narrowed to fit.

    Where even that is too wide, the lines come out longer than `room`.
    """
    sizes = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    least = [
        min(size, _narrowest(row[i] for row in rows)) if folding and i in folding else size
        for i, size in enumerate(sizes)
    ]
    over = sum(sizes) + _GAP * (len(sizes) - 1) - room
    while over > 0:
        widest = max(range(len(sizes)), key=lambda i: (sizes[i] > least[i], sizes[i]))
        if sizes[widest] <= least[widest]:
            break
        sizes[widest] -= 1
        over -= 1
    return sizes


def fold(text: str, width: int) -> list[str]:
    """Return a cell as lines of at most `width`; an empty cell is one empty line."""
    return textwrap.wrap(text, max(1, width)) or [""]


def _narrowest(cells: Iterable[str]) -> int:
    """Return the least width of a column: that of its longest word, or part of a very long one."""
    words = {word for cell in cells for word in cell.split(" ")}
    tied = max((len(word) for word in words if TIED in word), default=0)
    loose = max((len(word) for word in words if TIED not in word), default=0)
    return max(tied, min(loose, _WIDEST_MINIMUM))


def _draw(
    row: Sequence[str], sizes: Sequence[int], right: Collection[int], indent: int
) -> list[str]:
    cells = [
        fold(cell, size) if len(cell) > size else [cell]
        for cell, size in zip(row, sizes, strict=True)
    ]
    lines = []
    for i in range(max(len(cell) for cell in cells)):
        parts = [cell[i] if i < len(cell) else "" for cell in cells]
        padded = (
            part.rjust(size) if k in right else part.ljust(size)
            for k, (part, size) in enumerate(zip(parts, sizes, strict=True))
        )
        line = " " * indent + (" " * _GAP).join(padded)
        lines.append(line.replace(TIED, " ").rstrip())
    return lines
