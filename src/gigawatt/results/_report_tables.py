"""Tables of the report: captions, columns and cells, ready to be set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gigawatt.results._style import name_of
from gigawatt.results.layout import TIED
from gigawatt.results.numbers import band, date_text, human, scaled, share_text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Sheet",
    "Source",
    "ledgers",
    "phases",
    "services",
    "source_link",
    "supply",
    "training",
    "yearly",
]

Summary = dict[str, Any]
_GITHUB: Final = re.compile(r"^([\w.-]+/[\w.-]+)(?:@([\w.-]+))?:([^/\s]\S*)")


_WEB: Final = re.compile(r"^https?://[\w-]+\.")


@dataclass(frozen=True)
class Sheet:
    """A table as it is set.

    Parameters
    ----------
    caption : str
        What it shows.
    head : tuple of str
        Titles of the columns.
    rows : sequence of tuple of str
        Cells; the first of a row is its heading.
    text : tuple of int
        Columns that hold text; all others hold numbers and stand flush right.
    foot : sequence of tuple of str
        Rows of totals.
    note : str
        A sentence under the table.
    """

    caption: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    text: tuple[int, ...] = (0,)
    foot: Sequence[tuple[str, ...]] = ()
    note: str = ""


@dataclass(frozen=True)
class Source:
    """Where a fact was read: what is shown, and the address to open, if it has one."""

    title: str
    publisher: str
    where: str
    link: str


def source_link(source: dict[str, str]) -> Source:
    """Return a source with the address it can be opened at; only web addresses become links."""
    where = source["where"]
    match = _GITHUB.match(where)
    if match:
        link = f"https://github.com/{match[1]}/blob/{match[2] or 'HEAD'}/{match[3]}"
    else:  # words after an address are for readers
        link = where.split()[0].rstrip(":,;") if _WEB.match(where) else ""
    return Source(source["title"], source["publisher"], where, link)


def phases(summary: Summary) -> Sheet:
    """Return what was added when, with running totals."""
    found = summary["phases"]
    columns = [
        ("Phase", [row["name"] for row in found]),
        ("Date", [date_text(row["date"]) for row in found]),
        ("Accelerator", [row["chip"] for row in found]),
        ("Added", [f"{row['chips']:,}" for row in found]),
        _scaled("IT added", found, "it_mw", "MW"),
        _scaled("Facility added", found, "facility_mw", "MW"),
        ("Accelerators", [f"{row['cumulative_chips']:,}" for row in found]),
        _scaled("IT power", found, "cumulative_it_mw", "MW"),
        _scaled("Facility power", found, "cumulative_facility_mw", "MW"),
    ]
    return _sheet("Phases, with running totals", columns, text=(0, 1, 2))


def training(summary: Summary) -> Sheet:
    """Return the training runs."""
    found = summary["training_runs"]
    columns = [
        ("Run", [_run(row) for row in found]),
        ("On", [f"{row['chip']}\n{row['precision']}" for row in found]),
        ("Start", [_day(row["start"]) for row in found]),
        ("End", [_end(row) for row in found]),
        ("Tokens", [_tokens(row) for row in found]),
        ("Accelerator-hours", [human(row["accelerator_hours"], "1") for row in found]),
        ("Tokens/s each", [_spanned(row, "tokens_per_s_per_chip") for row in found]),
        _scaled("Cost", found, "cost_usd", "USD"),
        ("Speed learnt from", [row.get("basis", "") for row in found]),
    ]
    return _sheet("Training runs", columns, text=(0, 1, 2, 3, 8))


def services(summary: Summary) -> Sheet:
    """Return the services."""
    found = summary["services"]
    columns = [
        ("Service", [_run(row) for row in found]),
        ("On", [f"{row['chip']}\n{row['precision']}" for row in found]),
        ("Served", [human(row["tokens_served"], "tokens") for row in found]),
        ("Not served", [human(row["tokens_unserved"], "tokens") for row in found]),
        ("Most accelerators", [f"{row['peak_chips'] or 0.0:,.0f}" for row in found]),
        ("Tokens/s each", [_spanned(row, "tokens_per_s_per_chip") for row in found]),
        ("USD/M tokens", [_spanned(row, "usd_per_million_tokens") for row in found]),
        _scaled("Cost", found, "cost_usd", "USD"),
        ("Speed learnt from", [row.get("basis", "") for row in found]),
    ]
    return _sheet("Services", columns, text=(0, 1, 8))


def supply(summary: Summary) -> Sheet:
    """Return the sources of power."""
    found = summary["supply"]
    total = sum(row["energy_mwh"] for row in found)
    columns = [
        ("Source", [name_of(r["name"]) if r["name"] == "grid" else r["name"] for r in found]),
        ("Technology", [row["technology"] for row in found]),
        ("Connection", [row["connection"] for row in found]),
        _scaled("Capacity", found, "capacity_mw", "MW"),
        _scaled("Energy", found, "energy_mwh", "MWh"),
        ("Share", [share_text(row["energy_mwh"], total) for row in found]),
        _scaled("CO₂", found, "co2_t", "t"),
        _scaled("Cost", found, "cost_usd", "USD"),
    ]
    return _sheet("Supply over the horizon", columns, text=(0, 1, 2))


def yearly(summary: Summary) -> Sheet:
    """Return the years."""
    names: dict[str, tuple[str, str]] = {
        "Energy": ("facility_energy_mwh", "MWh"),
        "Water": ("water_m3", "m3"),
        "CO₂": ("co2_t", "t"),
        "Tokens trained": ("tokens_trained", "tokens"),
        "Tokens served": ("tokens_served", "tokens"),
        "Electricity": ("electricity_usd", "USD"),
        "Operations": ("operations_usd", "USD"),
        "Cost, with capital charge": ("total_cost_usd", "USD"),
        "Capital spent": ("capital_usd", "USD"),
    }
    found = summary["yearly"]
    columns = [("Year", [str(row["year"]) for row in found])]
    for title, (name, unit) in names.items():
        if all(name in row for row in found):
            columns.append(_scaled(title, found, name, unit))
    return _sheet("Year by year", columns)


def _sheet(
    caption: str, columns: Sequence[tuple[str, Sequence[str]]], text: tuple[int, ...] = (0,)
) -> Sheet:
    head = tuple(title for title, _ in columns)
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    return Sheet(caption, head, rows, text=text)


def _scaled(
    title: str, rows: Sequence[dict[str, Any]], name: str, unit: str
) -> tuple[str, list[str]]:
    """Return a column in one unit, which its title names, so that the cells are short."""
    shown, cells = scaled([row[name] or 0.0 for row in rows], unit)
    return f"{title} [{shown}]", cells


def _run(row: dict[str, Any]) -> str:
    """Return a run's or service's name, with its model under it where that says more."""
    same = row["name"].casefold().replace(" ", "-") == row["model"]
    return row["name"] if same else f"{row['name']}\n{row['model']}"


def _tokens(row: dict[str, Any]) -> str:
    done, planned = (human(row[f"tokens_{what}"], "tokens") for what in ("trained", "planned"))
    return done if done == planned else f"{done}\nof {planned}"


def ledgers(summary: Summary) -> list[Sheet]:
    """Return the three ledgers, each with its totals and how far they are from closing."""
    return [_energy(summary), _hours(summary), _money(summary)]


def _energy(summary: Summary) -> Sheet:
    ledger = summary["ledgers"]["energy"]
    total = ledger["use_total"]
    rows = [
        (
            side.capitalize(),
            name_of(account) if side == "use" or account == "grid" else account,
            f"{mwh:,.0f}",
            share_text(mwh, total),
        )
        for side in ("supply", "use")
        for account, mwh in ledger[side].items()
    ]
    foot = [
        ("Total", "Supply", f"{ledger['supply_total']:,.0f}", ""),
        ("Total", "Use", f"{total:,.0f}", ""),
    ]
    note = _closing("Use and supply", total, ledger["supply_total"], "MWh")
    head = ("Side", "Account", "MWh", "Share")
    return Sheet("Energy over the horizon", head, rows, text=(0, 1), foot=foot, note=note)


def _hours(summary: Summary) -> Sheet:
    ledger = summary["ledgers"]["accelerator_hours"]
    head, rows, foot = _cross(ledger["accounts"], ledger["total"], "Activity")
    note = _closing(
        "Hours by activity and hours installed", ledger["total"], ledger["installed_total"], "h"
    )
    return Sheet("Accelerator-hours over the horizon", head, rows, foot=foot, note=note)


def _money(summary: Summary) -> Sheet:
    ledger = summary["ledgers"]["money"]
    millions = {
        account: {name_of(activity): usd / 1e6 for activity, usd in by.items()}
        for account, by in ledger["accounts"].items()
    }
    head, rows, foot = _cross(millions, ledger["total"] / 1e6, "For")
    note = _closing(
        "Cost by activity and cost by year", ledger["total"], ledger["yearly_total"], "USD"
    )
    return Sheet("Money over the horizon, in million USD", head, rows, foot=foot, note=note)


def _cross(
    accounts: dict[str, dict[str, float]], total: float, corner: str
) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return an account-by-thing table with sums on both sides."""
    across = list(dict.fromkeys(inner for by in accounts.values() for inner in by))
    rows = []
    for account, by in accounts.items():
        cells = [f"{by.get(name, 0.0):,.0f}" for name in across]
        own = sum(by.values())
        rows.append((name_of(account), *cells, f"{own:,.0f}", share_text(own, total)))
    sums = [f"{sum(by.get(name, 0.0) for by in accounts.values()):,.0f}" for name in across]
    foot = [("Total", *sums, f"{total:,.0f}", share_text(total, total))]
    return (corner, *across, "Total", "Share"), rows, foot


def _closing(what: str, one: float, other: float, unit: str) -> str:
    """Say how far two totals are apart, as a share of the larger."""
    apart, size = abs(one - other), max(abs(one), abs(other))
    if apart <= 1e-9 * size:
        return f"{what} agree to rounding."
    return f"{what} differ by {apart:,.3g} {unit}."


def _spanned(row: dict[str, Any], name: str) -> str:
    """Return a number with its band under it."""
    value = row[name]
    if value is None:
        return "–"
    span = band(row[f"{name}_low"], row[f"{name}_high"], "1")
    return f"{human(value, '1')}\n{span}" if span else human(value, "1")


def _day(text: str | None) -> str:
    """Return a day on one line."""
    return date_text(text[:10]).replace(" ", TIED) if text else "–"


def _end(run: dict[str, Any]) -> str:
    """Return the day a run ends, with its band under it where that is wider than the day."""
    if not run["finished"]:
        return "not finished"
    end, low, high = (_day(run[name]) for name in ("end", "end_low", "end_high"))
    known = run["end_low"] and run["end_high"] and low != high
    return f"{end}\n{low} to {high}" if known else end
