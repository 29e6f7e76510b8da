"""The report of a run: one HTML file with its answers, figures, tables and sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gigawatt.results import _report_tables as sheets
from gigawatt.results.figures import FIGURES, figure
from gigawatt.results.numbers import band, band_beside, date_text, quantity
from gigawatt.results.page import render_page
from gigawatt.results.text import GROUPS

if TYPE_CHECKING:
    from gigawatt.results.run import Run

__all__ = ["render"]

# Which question each part of the report answers, and the figures that answer it.
_PARTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "capacity": ("What stands there, and when.", ("power", "chips")),
    "power": ("What it draws from hour to hour.", ("pue_water",)),
    "energy": ("What it uses, and where that comes from.", ("energy",)),
    "training": ("What it can train, and by when.", ("accelerators", "tokens")),
    "hosting": ("What it can serve, and at what price.", ()),
    "programme": ("When the power is likely to be there, and what it trains.", ()),
    "money": ("What it costs to build and to run.", ("cost_by_year", "cost_by_activity")),
    "homes": ("How many homes the same supply would carry, counted two ways.", ("homes",)),
}
_CAPTIONS: Final = {
    "power": "Power: capacity by date, and what the facility draws",
    "chips": "Accelerators installed, by type",
    "pue_water": "PUE and water by month",
    "energy": "Energy over the horizon, from source to use",
    "accelerators": "Accelerator-hours by activity",
    "tokens": "Tokens trained and served, by month",
    "cost_by_year": "Cost by year: capital charge, electricity and operations",
    "cost_by_activity": "Cost over the horizon, by activity",
    "homes": "Homes, by both accountings, with their bands",
}
_TABLES: Final = {
    "capacity": (sheets.phases,),
    "energy": (sheets.supply,),
    "training": (sheets.training,),
    "hosting": (sheets.services,),
    "money": (sheets.yearly,),
}
# The answers most asked for; the first six that a run has become its cards.
_CARDS: Final = (
    ("first_gw_date", "First gigawatt"),
    ("planned_maximum_mw", "Planned maximum"),
    ("facility_energy_mwh_last_year", ""),
    ("training_tokens", "Tokens trained"),
    ("yearly_cost_usd", ""),
    ("homes", "Homes, counted two ways"),
    ("usd_per_million_tokens_served", "A million tokens served"),
    ("peak_facility_mw", "Highest power"),
    ("total_cost_usd", "Cost over the horizon"),
)
_MOST_CARDS: Final = 6


def render(run: Run) -> str:
    """Return the report of a run as one HTML page."""
    summary = run.summary
    return render_page(
        "report.html.j2",
        {name: figure(name, summary, run.columns) for name in FIGURES},
        summary=summary,
        start=date_text(summary["horizon"]["start"]),
        end=date_text(summary["horizon"]["end"]),
        cards=_cards(summary),
        warnings=summary.get("warnings", ()),
        parts=_parts(summary),
        captions=_CAPTIONS,
        ledgers=sheets.ledgers(summary),
        facts=_facts(summary),
        credits=_credits(summary),
        meta=run.meta,
        campus_yaml=run.campus_yaml,
    )


def _cards(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cards: a title, one value or several lines, and what is to be known of it."""
    cards: list[dict[str, Any]] = []
    for name, title in _CARDS:
        if len(cards) == _MOST_CARDS:
            break
        if name == "homes":
            lines = _homes(summary)
            if lines:
                cards.append({"title": title, "lines": lines, "more": ""})
            continue
        h = summary["headlines"].get(name)
        if h is not None:
            span = band_beside(h, name)
            value = quantity(h["value"], h["unit"], name)
            lines = [{"value": value, "what": "", "band": ""}]
            cards.append({"title": title or h["label"], "lines": lines, "more": span or h["note"]})
    return cards


def _homes(summary: dict[str, Any]) -> list[dict[str, str]]:
    """Return a line for each accounting of homes: they are two answers, never one range."""
    lines = []
    for name, what in (("homes_by_energy", "by energy"), ("homes_by_peak", "by peak")):
        h = summary["headlines"].get(name)
        if h is not None and h["value"] is not None:
            span = band(h["low"], h["high"], "1")
            lines.append({"value": quantity(h["value"], "1"), "what": what, "band": span})
    return lines


def _parts(summary: dict[str, Any]) -> list[dict[str, Any]]:
    parts = []
    for group, title in GROUPS.items():
        question, figures = _PARTS[group]
        rows = [
            _answer(n, h, summary) for n, h in summary["headlines"].items() if h["group"] == group
        ]
        tables = [make(summary) for make in _TABLES.get(group, ())]
        parts.append(
            {
                "id": group,
                "title": title,
                "question": question,
                "answers": rows,
                "figures": figures,
                "tables": [table for table in tables if table.rows],
            }
        )
    return parts


def _answer(name: str, h: dict[str, Any], summary: dict[str, Any]) -> dict[str, Any]:
    facts = [
        {"key": key, "shown": _fact_value(summary["facts"][key]), "anchor": _anchor(key)}
        for key in h["facts"]
    ]
    return {
        "name": name,
        "label": h["label"],
        "value": quantity(h["value"], h["unit"], name),
        "band": band_beside(h, name),
        "formula": h["formula"],
        "note": h["note"],
        "facts": facts,
        "inputs": h["inputs"],
    }


def _facts(summary: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the facts by the kind of thing they are about."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for key, fact in summary["facts"].items():
        kinds.setdefault(key.partition("/")[0], []).append(
            {
                "key": key.partition("/")[2],
                "anchor": _anchor(key),
                "shown": _fact_value(fact),
                "band": _fact_band(fact),
                "date": fact["date"],
                "basis": fact["basis"],
                "note": fact["note"],
                "source": sheets.source_link(summary["sources"][fact["source"]]),
            }
        )
    return kinds


def _credits(summary: dict[str, Any]) -> list[str]:
    """Return whom the data must be credited to, under which licence, once each."""
    licensed = [s for s in summary["sources"].values() if s["licence"]]
    pairs = {(s["publisher"] or s["title"], s["licence"]) for s in licensed}
    return sorted(terms if who in terms else f"{who} ({terms})" for who, terms in pairs)


def _fact_value(fact: dict[str, Any]) -> str:
    """Return a fact as it was published: with all its digits, and in its own unit."""
    value = fact["value"]
    if isinstance(value, str):
        return value
    unit = "" if fact["unit"] in {"1", "ratio"} else f" {fact['unit']}"
    return f"{value:,.10g}{unit}"


def _fact_band(fact: dict[str, Any]) -> str:
    low, high = fact["low"], fact["high"]
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"at least {low:,.10g}" if high is None else f"at most {high:,.10g}"
    return f"{low:,.10g} to {high:,.10g}"


def _anchor(key: str) -> str:
    return "fact-" + "".join(c if c.isalnum() or c in ".-_" else "-" for c in key)
