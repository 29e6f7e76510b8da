"""The summary as plain text, as wide as the terminal, for reading and for pasting into a mail."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING, Any, Final

from gigawatt.results._text_tables import details
from gigawatt.results.numbers import band_beside, date_text, quantity

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GROUPS", "summary_text", "text_width"]

GROUPS: Final = {
    "capacity": "Capacity",
    "power": "Power",
    "energy": "Energy, water and carbon",
    "training": "Training",
    "hosting": "Hosting",
    "programme": "Programme",
    "money": "Money",
    "homes": "Homes",
}
"""Parts of the answer in the order a reader wants them, with their headings."""

_NARROWEST: Final = 40
_WIDEST: Final = 120


def summary_text(
    summary: dict[str, Any], width: int | None = None, dim: Callable[[str], str] = str
) -> str:
    """Return the summary of a run as text.

    Parameters
    ----------
    summary : dict
        Summary of the run.
    width : int, optional
        Longest line; that of the terminal by default.
    dim : callable, optional
        Marks a line that is said quietly, as a terminal can; by default it is left as it is.
    """
    width = text_width(width)
    blocks = [_title(summary, width)]
    for group, title in _groups(summary).items():
        rows = {n: h for n, h in summary["headlines"].items() if h["group"] == group}
        blocks.append(f"{title}\n" + "\n".join(_headlines(rows, width)))
        blocks.extend(details(group, summary, width, dim))
    return "\n\n".join(blocks)


def text_width(width: int | None) -> int:
    """Return a sensible length of line: the one asked for, or the terminal's."""
    if width is None:
        width = shutil.get_terminal_size((100, 24)).columns
    return max(_NARROWEST, min(width, _WIDEST))


def _groups(summary: dict[str, Any]) -> dict[str, str]:
    """Return the groups that have a headline, known ones first."""
    used = [h["group"] for h in summary["headlines"].values()]
    order = [*(g for g in GROUPS if g in used), *(g for g in used if g not in GROUPS)]
    return {group: GROUPS.get(group, group.capitalize()) for group in order}


def _title(summary: dict[str, Any], width: int) -> str:
    horizon = summary["horizon"]
    name = ", ".join(p for p in (summary["campus"], summary["owner"], summary["place"]) if p)
    years = "year" if horizon["years"] == 1 else "years"
    span = f"{date_text(horizon['start'])} to {date_text(horizon['end'])}"
    lines = [
        *textwrap.wrap(name, width),
        *textwrap.wrap(f"{span}, {horizon['years']} {years} hour by hour", width),
        *textwrap.wrap(f"run {summary['run']}, seed {summary['seed']}", width),
    ]
    return "\n".join(lines)


def _headlines(rows: dict[str, dict[str, Any]], width: int) -> list[str]:
    shown = {name: quantity(h["value"], h["unit"], name) for name, h in rows.items()}
    spans = {name: band_beside(h, name) for name, h in rows.items()}
    labels = max(len(h["label"]) for h in rows.values())
    values = max(len(value) for value in shown.values())
    aligned = 2 + labels + 2 + values <= width
    lines = []
    for name, h in rows.items():
        if aligned:
            line = f"  {h['label']:<{labels}}  {shown[name]:>{values}}"
        else:
            line = f"  {h['label']}: {shown[name]}"
        lines.extend(_with_span(line, spans[name], width))
        lines.extend(_wrapped(h["note"], width))
    return lines


def _with_span(line: str, span: str, width: int) -> list[str]:
    """Put the band behind the value, or under it where the line is too short."""
    if span and len(line) + 4 + len(span) <= width:
        return [f"{line}  ({span})"]
    whole = [line] if len(line) <= width else textwrap.wrap(line, width, subsequent_indent="    ")
    return [*whole, *_wrapped(f"({span})" if span else "", width)]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="    ")
