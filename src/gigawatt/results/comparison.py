"""Runs side by side: the same headlines, in the same units, against the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gigawatt.results.run import Run

__all__ = ["compare"]

Summary = dict[str, Any]

# Sums over the whole horizon: a longer or later one holds more, whatever the campus.
_OVER_HORIZON: Final = (
    "capped_mwh",
    "co2_",
    "facility_energy_mwh",
    "served_tokens",
    "total_cost_usd",
    "training_tokens",
    "unserved_tokens",
    "water_m3",
)
_OF_ONE_YEAR: Final = "_last_year"

# Each is counted in tokens of the model that its note names.
_OF_ONE_MODEL: Final = ("whole_campus_tokens_per_day",)

_RUN_NEEDS: Final = ("gigawatt", "run", "campus", "owner", "horizon", "headlines")
_HEADLINE_NEEDS: Final = ("label", "group", "unit", "value", "low", "high", "note")


def compare(runs: Iterable[Run]) -> dict[str, Any]:
    """Return the headlines of runs side by side.

    Parameters
    ----------
    runs : iterable of Run
        At least one; the first is what the others are held against.

    Returns
    -------
    dict
        ``runs`` (name, campus, horizon and version of each) and ``headlines``: for each name its
        label, group and unit, a value and a note for each run, and ``change_percent`` against the
        first. That is None where a value is no number, the first is nought, the units differ, a sum
        over the horizon is of another horizon, or tokens are those of another model.

    Raises
    ------
    InputError
        If there is no run, or one lacks what a comparison needs.
    """
    summaries = [run.summary for run in runs]
    if not summaries:
        message = "nothing to compare: give at least one run"
        raise InputError(message)
    lacking = [f"{_named(s)} lacks {', '.join(gaps)}" for s in summaries if (gaps := _gaps(s))]
    if lacking:
        message = (
            f"cannot be compared: {'; '.join(lacking)}. It was made by another version of Gigawatt;"
            " run its campus.yaml again"
        )
        raise InputError(message)
    names = list(dict.fromkeys(name for s in summaries for name in s["headlines"]))
    return {
        "runs": [_head(summary) for summary in summaries],
        "headlines": {name: _row(name, summaries) for name in names},
    }


def _named(summary: Summary) -> str:
    version = summary.get("gigawatt", "of unknown number")
    return f"run {summary.get('run', 'without a name')} (version {version})"


def _gaps(summary: Summary) -> list[str]:
    """Return what a comparison needs and the summary of a run does not hold."""
    gaps = [name for name in _RUN_NEEDS if name not in summary]
    horizon, headlines = summary.get("horizon"), summary.get("headlines")
    if "horizon" not in gaps and not (isinstance(horizon, dict) and {"start", "end"} <= {*horizon}):
        gaps.append("horizon.start and horizon.end")
    if "headlines" in gaps:
        return gaps
    rows = list(headlines.values()) if isinstance(headlines, dict) else [None]
    stated = [set(h) for h in rows if isinstance(h, dict)]
    if len(stated) < len(rows):
        return [*gaps, "readable headlines"]
    short = [part for part in _HEADLINE_NEEDS if any(part not in h for h in stated)]
    return [*gaps, *(f"the {part} of its headlines" for part in short)]


def _head(summary: Summary) -> dict[str, Any]:
    return {
        "run": summary["run"],
        "campus": summary["campus"],
        "owner": summary["owner"],
        "start": summary["horizon"]["start"],
        "end": summary["horizon"]["end"],
        "gigawatt": summary["gigawatt"],
    }


def _row(name: str, summaries: Sequence[Summary]) -> dict[str, Any]:
    found = [summary["headlines"].get(name) for summary in summaries]
    stated = next(h for h in found if h is not None)
    same = all(h is None or h["unit"] == stated["unit"] for h in found)
    return {
        "label": stated["label"],
        "group": stated["group"],
        "unit": stated["unit"] if same else None,
        "units": [None if h is None else h["unit"] for h in found],
        "values": [None if h is None else h["value"] for h in found],
        "low": [None if h is None else h["low"] for h in found],
        "high": [None if h is None else h["high"] for h in found],
        "notes": [None if h is None else h["note"] for h in found],
        "change_percent": [
            _change(found[0], h) if same and _alike(name, summaries[0], summary) else None
            for h, summary in zip(found, summaries, strict=True)
        ],
    }


def _alike(name: str, first: Summary, other: Summary) -> bool:
    """Return whether two runs count the same thing under a name."""
    if name.startswith(_OVER_HORIZON) and not name.endswith(_OF_ONE_YEAR):
        ends = ("start", "end")
        return all(first["horizon"][end] == other["horizon"][end] for end in ends)
    if name in _OF_ONE_MODEL:
        notes = [s["headlines"].get(name, {}).get("note") for s in (first, other)]
        return bool(notes[0] == notes[1])
    return True


def _change(first: dict[str, Any] | None, other: dict[str, Any] | None) -> float | None:
    before, after = (None if h is None else h["value"] for h in (first, other))
    if not isinstance(before, int | float) or not isinstance(after, int | float) or before == 0:
        return None
    return 100.0 * (after - before) / abs(before)
