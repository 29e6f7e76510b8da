"""The summary of a run: everything a reader or a program asks for, as plain JSON types.

It stands on its own: the facts that were used come with it, so that a run opened years later is
read with the figures it was made with.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import gigawatt
from gigawatt import catalog
from gigawatt.results.column_units import units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gigawatt.catalog import Fact
    from gigawatt.twin.outcome import Headline, Outcome, Table

__all__ = ["build", "records"]

Summary = dict[str, Any]

_DIGITS: Final = 12  # hides what is left over from binary fractions, and nothing that is known


def build(outcome: Outcome, run: str, fact: Callable[[str], Fact] | None = None) -> Summary:
    """Return the summary of an outcome.

    Parameters
    ----------
    outcome : Outcome
        What the twin came to.
    run : str
        Name of the run.
    fact : callable, optional
        Finds a fact by its key; the catalogue's own by default.
    """
    campus, tables = outcome.campus, outcome.tables
    found = [(fact or catalog.load().fact)(key) for key in _keys(outcome)]
    summary = {
        "gigawatt": gigawatt.__version__,
        "run": run,
        "campus": campus.name,
        "owner": campus.owner,
        "place": campus.site.place,
        "seed": outcome.seed,
        "price_year": campus.finance.price_year,
        "horizon": _horizon(outcome),
        "warnings": list(outcome.warnings),
        "headlines": {h.name: _headline(h) for h in outcome.headlines},
        "chips": _chips(tables["phases"]),
        "power": _power(tables["phases"]),
        "phases": records(tables["phases"]),
        "training_runs": records(tables["training_runs"]),
        "services": records(tables["services"]),
        "supply": records(tables["supply"]),
        "yearly": records(tables["yearly"]),
        "ledgers": _ledgers(tables),
        "units": units(tables),
        "facts": {f.key: _fact(f) for f in found},
        "sources": {key: _source(found, key) for key in sorted({f.source.id for f in found})},
    }
    tidy: Summary = _tidy(summary)
    return tidy


def records(table: Table) -> list[dict[str, Any]]:
    """Return a table as a list of rows in JSON types.

    Gaps are None, dates ISO text, and times ISO text in UTC with its ``Z``.
    """
    columns = {name: _json_column(values) for name, values in table.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _json_column(values: np.ndarray[Any, Any]) -> list[Any]:
    values = np.asarray(values)
    if values.dtype.kind == "M":
        whole_days = values.dtype == np.dtype("datetime64[D]")
        texts = np.datetime_as_string(values, unit="D" if whole_days else "s").tolist()
        zone = "" if whole_days else "Z"
        return [None if text == "NaT" else f"{text}{zone}" for text in texts]
    return [_plain(value) for value in values.tolist()]


def _plain(value: Any) -> Any:  # noqa: ANN401  a cell of any column
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tidy(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Return a JSON value with every number rounded to twelve digits."""
    if isinstance(value, dict):
        return {key: _tidy(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _keys(outcome: Outcome) -> list[str]:
    """Return the key of every fact that was used, once each, in a fixed order."""
    own = {key for headline in outcome.headlines for key in headline.facts}
    return sorted(own.union(outcome.facts))


def _horizon(outcome: Outcome) -> dict[str, Any]:
    time = outcome.tables["hourly"]["time"].astype("datetime64[h]")
    return {
        "start": outcome.campus.horizon.start.isoformat(),
        "end": str((time[-1] + np.timedelta64(1, "h")).astype("datetime64[D]")),
        "years": outcome.campus.horizon.years,
        "hours": len(time),
    }


def _headline(headline: Headline) -> dict[str, Any]:
    return {
        "label": headline.label,
        "group": headline.group,
        "value": _plain(headline.value),
        "unit": headline.unit,
        "low": _plain(headline.low),
        "high": _plain(headline.high),
        "formula": headline.formula,
        "facts": list(headline.facts),
        "inputs": list(headline.inputs),
        "note": headline.note,
    }


def _chips(phases: Table) -> list[dict[str, Any]]:
    """Return chips added by date and type, with the running count of that type."""
    counts: dict[str, float] = {}
    rows = []
    for row in sorted(records(phases), key=lambda r: r["date"]):
        counts[row["chip"]] = counts.get(row["chip"], 0) + row["chips"]
        rows.append(
            {
                "date": row["date"],
                "chip": row["chip"],
                "count": row["chips"],
                "cumulative": counts[row["chip"]],
            }
        )
    return rows


def _power(phases: Table) -> list[dict[str, Any]]:
    """Return the running IT and facility power by date, one row for each date."""
    by_date: dict[str, dict[str, Any]] = {}
    for row in sorted(records(phases), key=lambda r: r["date"]):
        seen = by_date.get(row["date"], {"it_mw": 0.0, "facility_mw": 0.0})
        by_date[row["date"]] = {
            "date": row["date"],
            "it_mw": max(seen["it_mw"], row["cumulative_it_mw"]),
            "facility_mw": max(seen["facility_mw"], row["cumulative_facility_mw"]),
        }
    return list(by_date.values())


def _ledgers(tables: dict[str, Table]) -> dict[str, Any]:
    energy = records(tables["ledger_energy"])
    hours = records(tables["ledger_accelerator_hours"])
    money = records(tables["ledger_money"])
    sides = {
        side: {row["account"]: row["mwh"] for row in energy if row["side"] == side}
        for side in ("use", "supply")
    }
    return {
        "energy": {
            "unit": "MWh",
            **sides,
            "use_total": math.fsum(sides["use"].values()),
            "supply_total": math.fsum(sides["supply"].values()),
        },
        "accelerator_hours": {
            "unit": "h",
            "accounts": _nested(hours, "account", "chip", "hours"),
            "total": math.fsum(row["hours"] for row in hours),
            "installed_total": math.fsum(tables["hourly"]["chips_installed"].tolist()),
        },
        "money": {
            "unit": "USD",
            "accounts": _nested(money, "account", "activity", "usd"),
            "total": math.fsum(row["usd"] for row in money),
            "yearly_total": math.fsum(tables["yearly"]["total_cost_usd"].tolist()),
        },
    }


def _nested(
    rows: Iterable[dict[str, Any]], outer: str, inner: str, value: str
) -> dict[str, dict[str, float]]:
    nested: dict[str, dict[str, float]] = {}
    for row in rows:
        nested.setdefault(row[outer], {})[row[inner]] = row[value]
    return nested


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "value": fact.value,
        "unit": fact.unit,
        "low": fact.low,
        "high": fact.high,
        "date": fact.date,
        "source": fact.source.id,
        "basis": fact.basis,
        "note": fact.note,
    }


def _source(facts: Iterable[Fact], key: str) -> dict[str, str]:
    source = next(fact.source for fact in facts if fact.source.id == key)
    return {
        "title": source.title,
        "publisher": source.publisher,
        "where": source.where,
        "date": source.date,
        "licence": source.licence,
    }
