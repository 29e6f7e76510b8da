"""Tables of the summary as text: what stands under the headlines of each group.

A table that is too wide loses columns that say least, then folds its words, and at last becomes one
block for each row. Numbers are never cut.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gigawatt.results._style import name_of
from gigawatt.results.layout import columns
from gigawatt.results.numbers import date_text, human, share_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["details"]

Summary = dict[str, Any]

_ALL_SHOWN: Final = 100  # columns of a terminal on which no table leaves anything out
_INDENT: Final = 4


@dataclass(frozen=True)
class _Table:
    """A table under the headlines.

    Parameters
    ----------
    title : str
        What it shows.
    head : tuple of str
        Titles of the columns.
    rows : sequence of tuple of str
        Cells.
    right : tuple of int
        Columns of numbers.
    spare : tuple of int
        Columns that a narrow terminal does without, the first to go first.
    notes : tuple of str
        Short lines under it.
    """

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    right: tuple[int, ...] = ()
    spare: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def details(group: str, summary: Summary, width: int, dim: Callable[[str], str]) -> list[str]:
    """Return the tables that belong under a group's headlines, as blocks of text.

    Parameters
    ----------
    group : str
        Group of the headlines.
    summary : dict
        Summary of the run.
    width : int
        Longest line.
    dim : callable
        Marks a line that is said quietly.
    """
    tables = [make(summary) for make in _MADE.get(group, ())]
    return [_block(table, width, dim) for table in tables if table.rows]


def _block(table: _Table, width: int, dim: Callable[[str], str]) -> str:
    lines = [f"  {table.title}", *_fitted(table, width)]
    for note in table.notes:
        lines += [dim(line) for line in _indented(note, width, _INDENT, _INDENT + 2)]
    return "\n".join(lines)


def _fitted(table: _Table, width: int) -> list[str]:
    """Return the rows in the first form that fits."""
    kept = list(range(len(table.head)))
    droppable = list(table.spare) if width < _ALL_SHOWN else []
    while True:
        rows = [tuple(row[i] for i in kept) for row in (table.head, *table.rows)]
        right = [k for k, i in enumerate(kept) if i in table.right]
        whole = columns(rows, width, right, _INDENT, folding=())
        if max(map(len, whole)) <= width:
            return whole
        if not droppable:
            break
        kept.remove(droppable.pop(0))
    folded = columns(rows, width, right, _INDENT)
    return folded if max(map(len, folded)) <= width else _blocks(table, width)


def _blocks(table: _Table, width: int) -> list[str]:
    """Return each row as its first cell with the others under it, one to a line."""
    lines = []
    for name, *cells in table.rows:
        lines += _indented(name, width, _INDENT, _INDENT + 2)
        for title, cell in zip(table.head[1:], cells, strict=True):
            lines += _indented(f"{title}: {cell}", width, _INDENT + 2, _INDENT + 4)
    return lines


def _indented(text: str, width: int, first: int, later: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=" " * first, subsequent_indent=" " * later)


def _phases(summary: Summary) -> _Table:
    rows = []
    for power in summary["power"]:
        added = [r for r in summary["chips"] if r["date"] == power["date"]]
        chips = ", ".join(f"{r['count']:,} {r['chip']}" for r in added)
        it, facility = human(power["it_mw"], "MW"), human(power["facility_mw"], "MW")
        rows.append((date_text(power["date"]), it, facility, f"+ {chips}"))
    head = ("date", "IT", "facility", "accelerators")
    return _Table("What is there when (running totals)", head, rows, right=(0, 1, 2))


def _activities(summary: Summary) -> _Table:
    ledger = summary["ledgers"]["accelerator_hours"]
    total = ledger["total"]
    rows = []
    for account, by_chip in ledger["accounts"].items():
        hours = sum(by_chip.values())
        rows.append((name_of(account), human(hours, "h"), share_text(hours, total)))
    head = ("activity", "accelerator-hours", "share")
    return _Table("What the accelerators do", head, rows if total else [], right=(1, 2))


def _supply(summary: Summary) -> _Table:
    total = sum(row["energy_mwh"] for row in summary["supply"])
    rows = [
        (
            name_of(row["name"]) if row["name"] == "grid" else row["name"],
            row["technology"],
            row["connection"],
            human(row["energy_mwh"], "MWh"),
            share_text(row["energy_mwh"], total),
        )
        for row in summary["supply"]
    ]
    head = ("source", "technology", "connection", "energy", "share")
    return _Table("Where the energy comes from", head, rows if total else [], right=(3, 4))


def _training(summary: Summary) -> _Table:
    rows = [
        (
            run["name"],
            run["model"],
            _day(run["start"]),
            _day(run["end"]) if run["finished"] else "not finished",
            human(run["tokens_trained"], "tokens"),
            _speed(run["tokens_per_s_per_chip"]),
        )
        for run in summary["training_runs"]
    ]
    head = ("run", "model", "start", "end", "tokens", "tokens/s each")
    notes = _bases(summary["training_runs"])
    return _Table("Training runs", head, rows, right=(2, 3, 4, 5), spare=(1,), notes=notes)


def _services(summary: Summary) -> _Table:
    rows = []
    for service in summary["services"]:
        price = service["usd_per_million_tokens"]
        rows.append(
            (
                service["name"],
                service["model"],
                human(service["tokens_served"], "tokens"),
                _speed(service["tokens_per_s_per_chip"]),
                "none" if price is None else human(price, "1"),
            )
        )
    head = ("service", "model", "served", "tokens/s each", "USD/M tokens")
    notes = _bases(summary["services"])
    return _Table("Services", head, rows, right=(2, 3, 4), spare=(1,), notes=notes)


def _years(summary: Summary) -> _Table:
    shown = {
        "energy": ("facility_energy_mwh", "MWh"),
        "electricity": ("electricity_usd", "USD"),
        "cost": ("total_cost_usd", "USD"),
        "capital spent": ("capital_usd", "USD"),
    }
    rows = [
        (str(year["year"]), *(human(year[column], unit) for column, unit in shown.values()))
        for year in summary["yearly"]
    ]
    return _Table("Year by year", ("year", *shown), rows, right=(1, 2, 3, 4), spare=(2,))


_MADE: Final[dict[str, Sequence[Callable[[Summary], _Table]]]] = {
    "capacity": (_phases, _activities),
    "energy": (_supply,),
    "training": (_training,),
    "hosting": (_services,),
    "money": (_years,),
}


def _bases(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return what the speeds rest on, once for all rows that share it."""
    named: dict[str, list[str]] = {}
    for row in rows:
        if row.get("basis"):
            named.setdefault(row["basis"], []).append(row["name"])
    return tuple(f"speed of {', '.join(names)}: {basis}" for basis, names in named.items())


def _speed(value: float | None) -> str:
    return "none" if value is None else human(value, "1")


def _day(text: str | None) -> str:
    return date_text(text[:10]) if text else "never"
