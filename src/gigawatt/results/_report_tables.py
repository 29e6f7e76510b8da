"""Tables of the report: captions, columns and cells, ready to be set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gigawatt.results._style import name_of
from gigawatt.results.numbers import band, date_text, human

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
    rows = [
        (
            row["name"],
            date_text(row["date"]),
            row["chip"],
            f"{row['chips']:,}",
            *(_mw(row[key]) for key in ("it_mw", "facility_mw")),
            f"{row['cumulative_chips']:,}",
            *(_mw(row[key]) for key in ("cumulative_it_mw", "cumulative_facility_mw")),
        )
        for row in summary["phases"]
    ]
    head = (
        "Phase", "Date", "Accelerator", "Added", "IT added", "Facility added",
        "Accelerators", "IT power", "Facility power",
    )  # fmt: skip
    return Sheet("Phases, with running totals", head, rows, text=(0, 1, 2))


def training(summary: Summary) -> Sheet:
    """Return the training runs."""
    rows = [
        (
            run["name"],
            run["model"],
            f"{run['chip']}\n{run['precision']}",
            _day(run["start"]),
            _end(run),
            "\nof ".join(human(run[f"tokens_{what}"], "tokens") for what in ("trained", "planned")),
            human(run["accelerator_hours"], "1"),
            _spanned(run, "tokens_per_s_per_chip"),
            human(run["cost_usd"], "USD"),
        )
        for run in summary["training_runs"]
    ]
    head = (
        "Run", "Model", "On", "Start", "End", "Tokens", "Accelerator-hours", "Tokens/s each",
        "Cost",
    )  # fmt: skip
    return Sheet("Training runs", head, rows, text=(0, 1, 2, 3, 4))


def services(summary: Summary) -> Sheet:
    """Return the services."""
    rows = [
        (
            service["name"],
            service["model"],
            f"{service['chip']}\n{service['precision']}",
            human(service["tokens_served"], "tokens"),
            human(service["tokens_unserved"], "tokens"),
            f"{service['peak_chips'] or 0.0:,.0f}",
            _spanned(service, "tokens_per_s_per_chip"),
            _spanned(service, "usd_per_million_tokens"),
            human(service["cost_usd"], "USD"),
        )
        for service in summary["services"]
    ]
    head = (
        "Service", "Model", "On", "Served", "Not served", "Most accelerators", "Tokens/s each",
        "USD/M tokens", "Cost",
    )  # fmt: skip
    return Sheet("Services", head, rows, text=(0, 1, 2))


def supply(summary: Summary) -> Sheet:
    """Return the sources of power."""
    rows = [
        (
            row["name"],
            row["technology"],
            row["connection"],
            _mw(row["capacity_mw"]),
            human(row["energy_mwh"], "MWh"),
            human(row["co2_t"], "t"),
            human(row["cost_usd"], "USD"),
        )
        for row in summary["supply"]
    ]
    head = ("Source", "Technology", "Connection", "Capacity", "Energy", "CO₂", "Cost")
    return Sheet("Supply over the horizon", head, rows, text=(0, 1, 2))


def yearly(summary: Summary) -> Sheet:
    """Return the years."""
    columns: dict[str, tuple[str, str]] = {
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
    there = {t: c for t, c in columns.items() if all(c[0] in row for row in summary["yearly"])}
    rows = [
        (str(row["year"]), *(human(row[name] or 0.0, unit) for name, unit in there.values()))
        for row in summary["yearly"]
    ]
    return Sheet("Year by year", ("Year", *there), rows)


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
            _share(mwh, total),
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
        rows.append((name_of(account), *cells, f"{own:,.0f}", _share(own, total)))
    sums = [f"{sum(by.get(name, 0.0) for by in accounts.values()):,.0f}" for name in across]
    foot = [("Total", *sums, f"{total:,.0f}", _share(total, total))]
    return (corner, *across, "Total", "Share"), rows, foot


def _closing(what: str, one: float, other: float, unit: str) -> str:
    """Say how far two totals are apart, as a share of the larger."""
    apart, size = abs(one - other), max(abs(one), abs(other))
    if apart <= 1e-9 * size:
        return f"{what} agree to rounding."
    return f"{what} differ by {apart:,.3g} {unit}."


def _share(part: float, whole: float) -> str:
    return f"{100.0 * part / whole:.1f} %" if whole else "–"


def _mw(value: float) -> str:
    return human(value, "MW")


def _spanned(row: dict[str, Any], name: str) -> str:
    """Return a number with its band under it."""
    value = row[name]
    if value is None:
        return "–"
    span = band(row[f"{name}_low"], row[f"{name}_high"], "1")
    return f"{human(value, '1')}\n{span}" if span else human(value, "1")


def _day(text: str | None) -> str:
    return date_text(text[:10]) if text else "–"


def _end(run: dict[str, Any]) -> str:
    """Return the day a run ends, with its band under it."""
    if not run["finished"]:
        return "not finished"
    low, high = run["end_low"], run["end_high"]
    return f"{_day(run['end'])}\n{_day(low)} to {_day(high)}" if low and high else _day(run["end"])
