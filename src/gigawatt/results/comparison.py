"""Runs side by side: the same headlines, in the same units, against the first."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from gigawatt.errors import InputError
from gigawatt.results.numbers import quantity
from gigawatt.results.text import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gigawatt.results.run import Run

__all__ = ["compare", "comparison_text"]

_SHORTEST_LABEL, _LONGEST_LABEL = 8, 56
_UNFOLDED = 10_000


def compare(runs: Iterable[Run]) -> dict[str, Any]:
    """Return the headlines of runs side by side.

    Parameters
    ----------
    runs : iterable of Run
        At least one; the first is what the others are held against.

    Returns
    -------
    dict
        ``runs`` (name, campus, horizon of each) and ``headlines``: for each name its label, group
        and unit, a value for each run, and ``change_percent`` against the first, None where a value
        is no number, the first is nought, or the units differ.

    Raises
    ------
    InputError
        If there is no run.
    """
    summaries = [run.summary for run in runs]
    if not summaries:
        message = "nothing to compare: give at least one run"
        raise InputError(message)
    names = list(dict.fromkeys(name for s in summaries for name in s["headlines"]))
    return {
        "runs": [_head(summary) for summary in summaries],
        "headlines": {name: _row(name, summaries) for name in names},
    }


def comparison_text(comparison: dict[str, Any], width: int | None = None) -> str:
    """Return a comparison as text, in as many blocks of columns as the width asks for.

    Parameters
    ----------
    comparison : dict
        From `compare`.
    width : int, optional
        Longest line; that of the terminal by default. What goes to a file or a pipe is not folded.
    """
    if width is None:
        width = shutil.get_terminal_size((_UNFOLDED, 24)).columns
    headlines, runs = comparison["headlines"], comparison["runs"]
    cells = [_cells(name, h) for name, h in headlines.items()]
    heads = [_heading(run) for run in runs]
    widths = [
        max(len(text) for text in [*(row[i] for row in cells), *heads[i]]) for i in range(len(runs))
    ]
    labels = max((len(h["label"]) for h in headlines.values()), default=0)
    labels = max(_SHORTEST_LABEL, min(labels, _LONGEST_LABEL, width - 4 - max(widths)))
    blocks = [
        _block(comparison, cells, picked, labels, widths, width)
        for picked in _blocks(widths, width - 2 - labels)
    ]
    return "\n\n".join(blocks)


def _heading(run: dict[str, Any]) -> tuple[str, ...]:
    return run["campus"], f"from {run['start']}", f"to {run['end']}"


def _head(summary: dict[str, Any]) -> dict[str, Any]:
    return {
        "run": summary["run"],
        "campus": summary["campus"],
        "owner": summary["owner"],
        "start": summary["horizon"]["start"],
        "end": summary["horizon"]["end"],
    }


def _row(name: str, summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found = [summary["headlines"].get(name) for summary in summaries]
    stated = next(h for h in found if h is not None)
    same = all(h is None or h["unit"] == stated["unit"] for h in found)
    values = [None if h is None else h["value"] for h in found]
    return {
        "label": stated["label"],
        "group": stated["group"],
        "unit": stated["unit"] if same else None,
        "units": [None if h is None else h["unit"] for h in found],
        "values": values,
        "low": [None if h is None else h["low"] for h in found],
        "high": [None if h is None else h["high"] for h in found],
        "change_percent": [_change(values[0], value) if same else None for value in values],
    }


def _change(first: float | str | None, value: float | str | None) -> float | None:
    if not isinstance(first, int | float) or not isinstance(value, int | float) or first == 0:
        return None
    return 100.0 * (value - first) / abs(first)


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    cells = []
    for i, (value, unit) in enumerate(zip(row["values"], row["units"], strict=True)):
        cell = "–" if unit is None else quantity(value, unit, name)
        change = row["change_percent"][i]
        cells.append(cell if i == 0 or change is None else f"{cell} ({change:+,.0f} %)")
    return cells


def _blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Share the runs out over blocks that fit; each holds one at least."""
    blocks: list[list[int]] = [[]]
    used = 0
    for i, size in enumerate(widths):
        if blocks[-1] and used + size + 2 > room:
            blocks.append([])
            used = 0
        blocks[-1].append(i)
        used += size + 2
    return blocks


def _block(
    comparison: dict[str, Any],
    cells: Sequence[Sequence[str]],
    picked: Sequence[int],
    labels: int,
    widths: Sequence[int],
    width: int,
) -> str:
    runs = [comparison["runs"][i] for i in picked]
    heads = zip(*(_heading(run) for run in runs), strict=True)
    sizes = [widths[i] for i in picked]
    lines = [_line("", head, labels, sizes) for head in heads]
    group = None
    for h, row in zip(comparison["headlines"].values(), cells, strict=True):
        if h["group"] != group:
            group = h["group"]
            lines += ["", GROUPS.get(group, group.capitalize())]
        lines.append(_line(h["label"], [row[i] for i in picked], labels, sizes))
    return "\n".join(line[:width].rstrip() for line in lines)


def _line(label: str, cells: Sequence[str], labels: int, sizes: Sequence[int]) -> str:
    label = label if len(label) <= labels else label[: labels - 1] + "…"
    right = "  ".join(cell.rjust(size) for cell, size in zip(cells, sizes, strict=True))
    return f"  {label:<{labels}}  {right}"
