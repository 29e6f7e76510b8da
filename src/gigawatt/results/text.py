"""The summary as plain text, as wide as the terminal, for reading and for pasting into a mail."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING, Any, Final

from gigawatt.results.numbers import band, date_text, human, quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    _Detail = tuple[str, Sequence[tuple[str, ...]], tuple[int, ...]]

__all__ = ["GROUPS", "columns", "summary_text", "text_width"]

GROUPS: Final = {
    "capacity": "Capacity",
    "power": "Power",
    "energy": "Energy, water and carbon",
    "training": "Training",
    "hosting": "Hosting",
    "money": "Money",
    "homes": "Homes",
}
"""Parts of the answer in the order a reader wants them, with their headings."""

_NARROWEST: Final = 40
_WIDEST: Final = 120


def summary_text(summary: dict[str, Any], width: int | None = None) -> str:
    """Return the summary of a run as text.

    Parameters
    ----------
    summary : dict
        Summary of the run.
    width : int, optional
        Longest line; that of the terminal by default.
    """
    width = text_width(width)
    blocks = [_title(summary, width)]
    for group, title in _groups(summary).items():
        rows = {n: h for n, h in summary["headlines"].items() if h["group"] == group}
        blocks.append(f"{title}\n" + "\n".join(_headlines(rows, width)))
        blocks.extend(_details(group, summary, width))
    return "\n\n".join(blocks)


def columns(
    rows: Sequence[Sequence[str]], width: int, right: Sequence[int] = (), indent: int = 2
) -> list[str]:
    """Return rows of cells as aligned lines; the last column is cut where the line ends.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells, as many in each row.
    width : int
        Longest line.
    right : sequence of int
        Columns set flush right.
    indent : int
        Spaces before each line.
    """
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(size) if i in right else cell.ljust(size)
            for i, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_cut((" " * indent + "  ".join(cells)).rstrip(), width))
    return lines


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
    spans = {name: band(h["low"], h["high"], h["unit"], name) for name, h in rows.items()}
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


def _details(group: str, summary: dict[str, Any], width: int) -> list[str]:
    """Return the tables that belong under a group's headlines."""
    made = {"capacity": _phases, "training": _training, "hosting": _services, "money": _years}
    if group not in made:
        return []
    title, rows, right = made[group](summary)
    if len(rows) < 2:
        return []
    return ["\n".join([f"  {title}", *columns(rows, width, right, indent=4)])]


def _phases(summary: dict[str, Any]) -> _Detail:
    rows = [("date", "IT", "facility", "accelerators")]
    for power in summary["power"]:
        added = [r for r in summary["chips"] if r["date"] == power["date"]]
        chips = ", ".join(f"{r['count']:,} {r['chip']}" for r in added)
        it, facility = human(power["it_mw"], "MW"), human(power["facility_mw"], "MW")
        rows.append((date_text(power["date"]), it, facility, f"+ {chips}"))
    return "What is there when (running totals)", rows, (0, 1, 2)


def _training(summary: dict[str, Any]) -> _Detail:
    rows = [("run", "model", "start", "end", "tokens", "tokens/s each")]
    for run in summary["training_runs"]:
        start, end = (_day(run[key]) for key in ("start", "end"))
        done = end if run["finished"] else "not finished"
        speed = run["tokens_per_s_per_chip"]
        rows.append(
            (
                run["name"],
                run["model"],
                start,
                done,
                human(run["tokens_trained"], "tokens"),
                "none" if speed is None else human(speed, "1"),
            )
        )
    return "Training runs", rows, (2, 3, 4, 5)


def _services(summary: dict[str, Any]) -> _Detail:
    rows = [("service", "model", "served", "tokens/s each", "USD/M tokens")]
    for service in summary["services"]:
        price = service["usd_per_million_tokens"]
        rows.append(
            (
                service["name"],
                service["model"],
                human(service["tokens_served"], "tokens"),
                human(service["tokens_per_s_per_chip"] or 0.0, "1"),
                "none" if price is None else human(price, "1"),
            )
        )
    return "Services", rows, (2, 3, 4)


def _years(summary: dict[str, Any]) -> _Detail:
    columns = {
        "energy": ("facility_energy_mwh", "MWh"),
        "electricity": ("electricity_usd", "USD"),
        "cost": ("total_cost_usd", "USD"),
        "capital spent": ("capital_usd", "USD"),
    }
    rows = [("year", *columns)]
    for year in summary["yearly"]:
        cells = (human(year[column], unit) for column, unit in columns.values())
        rows.append((str(year["year"]), *cells))
    return "Year by year", rows, (1, 2, 3, 4)


def _day(text: str | None) -> str:
    return date_text(text[:10]) if text else "never"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"
