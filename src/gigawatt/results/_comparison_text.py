"""A comparison as text: a column for each run, in as many blocks as the terminal asks for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

from gigawatt.results.layout import fold
from gigawatt.results.numbers import date_text, quantity
from gigawatt.results.text import GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["comparison_text"]

_SHORTEST_LABEL, _LONGEST_LABEL = 16, 56
_UNFOLDED: Final = 10_000
_NOTED: Final = ("whole_campus_tokens_per_day",)  # a number that means nothing without its note
_GAP: Final = 2


def comparison_text(comparison: dict[str, Any], width: int | None = None) -> str:
    """Return a comparison as text, in as many blocks of columns as the width asks for.

    Parameters
    ----------
    comparison : dict
        From `gigawatt.results.compare`.
    width : int, optional
        Longest line; that of the terminal by default. What goes to a file or a pipe is not folded.
    """
    if width is None:
        width = shutil.get_terminal_size((_UNFOLDED, 24)).columns
    headlines, runs = comparison["headlines"], comparison["runs"]
    cells = {name: _cells(name, h) for name, h in headlines.items()}
    sizes = [
        max(*(len(row[i]) for row in cells.values()), *map(len, _dates(run)), len("campus"))
        for i, run in enumerate(runs)
    ]
    labels = max((len(h["label"]) for h in headlines.values()), default=0)
    labels = min(labels, _LONGEST_LABEL)
    beside = _label_width(labels, sizes, width - _GAP)
    return "\n\n".join(
        "\n".join(_block(comparison, cells, picked, beside, sizes, width))
        for picked in _blocks(sizes, width - _GAP - beside)
    )


def _label_width(longest: int, sizes: Sequence[int], room: int) -> int:
    """Return the width of the labels: narrow if all runs then fit; 0 where not even one does.

    Labels of no width stand above their values.
    """
    beside_all = room - sum(size + _GAP for size in sizes)
    beside_one = room - max(sizes) - _GAP
    left = beside_all if beside_all >= _SHORTEST_LABEL else beside_one
    return min(longest, left) if left >= _SHORTEST_LABEL else 0


def _dates(run: dict[str, Any]) -> tuple[str, str]:
    return f"from {date_text(run['start'])}", f"to {date_text(run['end'])}"


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    cells = []
    for i, (value, unit) in enumerate(zip(row["values"], row["units"], strict=True)):
        cell = "–" if unit is None else quantity(value, unit, name)
        cells.append(cell if i == 0 else cell + _change(row["change_percent"][i]))
    return cells


def _change(percent: float | None) -> str:
    shown = "" if percent is None else f"{percent:+,.0f}"
    return "" if shown in {"", "+0", "-0"} else f" ({shown} %)"


def _blocks(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Share the runs out over blocks that fit; each holds one at least."""
    blocks: list[list[int]] = [[]]
    used = 0
    for i, size in enumerate(sizes):
        if blocks[-1] and used + size + _GAP > room:
            blocks.append([])
            used = 0
        blocks[-1].append(i)
        used += size + _GAP
    return blocks


def _block(
    comparison: dict[str, Any],
    cells: dict[str, list[str]],
    picked: Sequence[int],
    labels: int,
    all_sizes: Sequence[int],
    width: int,
) -> list[str]:
    sizes = [all_sizes[i] for i in picked]
    runs = [comparison["runs"][i] for i in picked]
    lines = _side_by_side([run["campus"] for run in runs], labels, sizes)
    for part in (0, 1):
        lines += _side_by_side([_dates(run)[part] for run in runs], labels, sizes)
    group = None
    for name, h in comparison["headlines"].items():
        if h["group"] != group:
            group = h["group"]
            lines += ["", GROUPS.get(group, group.capitalize())]
        lines += _row(h["label"], [cells[name][i] for i in picked], labels, sizes, width)
        if name in _NOTED:
            lines += _side_by_side([h["notes"][i] or "" for i in picked], labels, sizes)
    return lines


def _row(
    label: str, cells: Sequence[str], labels: int, sizes: Sequence[int], width: int
) -> list[str]:
    """Return a label with its values beside it, or under it where there is no room beside."""
    if not labels:
        above = [f"{' ' * _GAP}{line}" for line in fold(label, width - _GAP)]
        return [*above, *_side_by_side(cells, labels, sizes)]
    first, *more = fold(label, labels)
    values = "  ".join(cell.rjust(size) for cell, size in zip(cells, sizes, strict=True))
    return [f"  {first:<{labels}}  {values}".rstrip(), *(f"    {line}" for line in more)]


def _side_by_side(cells: Sequence[str], labels: int, sizes: Sequence[int]) -> list[str]:
    """Return cells of words over one another in their columns, without a label."""
    folded = [fold(cell, size) for cell, size in zip(cells, sizes, strict=True)]
    deepest = max(len(cell) for cell in folded)
    lines = []
    for i in range(deepest):
        parts = [
            (cell[i] if i < len(cell) else "").rjust(size)
            for cell, size in zip(folded, sizes, strict=True)
        ]
        lines.append(" " * (_GAP + labels + _GAP) + "  ".join(parts))
    return [line.rstrip() for line in lines]
