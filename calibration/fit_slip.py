"""Learn how announced dates slip, and how evenly sites are built, and write ``slip.json``.

    uv run python calibration/fit_slip.py

Everything comes from the catalogue: its kinds ``schedule_vintage`` (four copies of Epoch AI's
tracker, CC BY 4.0), ``construction`` and ``task``. The slip model is fitted to all vintages and, for
the backtest, to those before August 2026. Beside the parameters stand the backtest, the forecast of
each campus by a fit that has not seen it, and the re-estimates of the past, which no fit uses.
Takes about a minute.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.programme.buildout.durations import Z90
from gigawatt.programme.buildout.network import standard_tasks
from gigawatt.programme.buildout.slip import milestone_days
from gigawatt.programme.buildout.slip_fit import fit_slip
from gigawatt.programme.buildout.vintages import catalogue_vintages, columns_of
from gigawatt.validation.schedule_backtest import forecast_target, skill_of, training_moves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.programme.buildout.slip import Slip
    from gigawatt.programme.buildout.vintages import Move, Vintage

TARGET = dt.date(2026, 8, 20)
CHAIN = ("Shell", "Fit-out", "Commissioning")
OUTPUT = Path(__file__).parents[1] / "src/gigawatt/programme/buildout/slip.json"


def main() -> None:
    """Fit, print what came out and write it."""
    vintages = catalogue_vintages()
    review_days = _review_days(vintages)
    # The backtest may not know what buildings took until later: nothing is learnt from move to move.
    early = fit_slip(columns_of(training_moves(vintages, TARGET)), review_days=review_days)
    every = training_moves(vintages, dt.date.max)
    slip = _with_learning(fit_slip(columns_of(every), review_days=review_days))
    backtest = forecast_target(early, vintages, TARGET)
    by_origin = {
        str(day): _rounded(asdict(skill_of([one for one in backtest if one.since == day])))
        for day in sorted({one.since for one in backtest})
    }
    written = {
        "fits": {
            "all": _fit(slip, every),
            "before-2026-08": _fit(early, training_moves(vintages, TARGET)),
        },
        "backtest_2026_08": {"all": _rounded(asdict(skill_of(backtest))), **by_origin},
        "left_out_campuses": _left_out(vintages, review_days),
        "re_estimates": _re_estimates(every),
        "pace": _pace(),
    }
    OUTPUT.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print(OUTPUT.read_text("utf-8"))


def _review_days(vintages: Sequence[Vintage]) -> float:
    days = sorted({one.day for one in vintages})
    return (days[-1] - days[0]).days / (len(days) - 1)


def _fit(slip: Slip, moves: Sequence[Move]) -> dict[str, Any]:
    slips = [move for move in moves if move.is_projection]
    return {
        "milestones": len(slips),
        "moved": sum(move.shift_days != 0 for move in slips),
        "campuses": len({move.campus for move in slips}),
        "parameters": {name: float(f"{value:.5g}") for name, value in asdict(slip).items()},
    }


def _with_learning(slip: Slip) -> Slip:
    """Return the fit with the learning at which whole building times spread as published.

    Vintages 249 days apart do not show how often a date is moved in the end. The time from first
    work to first operation does: its P90 over its median is what a site announced for the median
    would have to show.
    """
    sites = _sites()
    measured = np.quantile([days for days, _ in sites], (0.5, 0.9))
    size = float(np.median([mw for _, mw in sites]))
    low, high = 0.05, 1.0
    for _ in range(20):
        middle = 0.5 * (low + high)
        ratio = _spread(replace(slip, learning=middle), float(measured[0]), size)
        low, high = (middle, high) if ratio < measured[1] / measured[0] else (low, middle)
    return replace(slip, learning=0.5 * (low + high))


def _spread(slip: Slip, median_days: float, size_mw: float) -> float:
    """Return P90 over P50 of the whole time of a site whose median is given."""
    announced = median_days
    for _ in range(8):  # a site is announced for less than it takes
        drawn = milestone_days(slip, [announced], [size_mw], 20_000, np.random.default_rng(0))[0]
        announced += median_days - float(np.median(drawn))
    low, high = np.quantile(drawn, (0.5, 0.9))
    return float(high / low)


def _sites() -> list[tuple[int, float]]:
    """Return days from first work to first operation, and the power then."""
    return [
        ((entry.date("operational") - entry.date("begun")).days, entry.number("facility_mw"))
        for entry in catalog.load().entries("construction")
    ]


def _left_out(vintages: Sequence[Vintage], review_days: float) -> dict[str, Any]:
    """Forecast each campus, between all vintages, by a fit to the others."""
    days = sorted({one.day for one in vintages})
    found = []
    for campus in sorted({one.campus for one in vintages}):
        others = [one for one in vintages if one.campus != campus]
        moves = columns_of(training_moves(others, dt.date.max))
        slip = fit_slip(moves, review_days=review_days)
        mine = [one for one in vintages if one.campus == campus]
        found += [one for target in days[1:] for one in forecast_target(slip, mine, target)]
    last = [one for one in found if one.until == TARGET]
    return {
        "all targets": _rounded(asdict(skill_of(found))),
        str(TARGET): _rounded(asdict(skill_of(last))),
    }


def _re_estimates(moves: Sequence[Move]) -> dict[str, Any]:
    """Return how often and by how much dates of the past moved."""
    past = [move for move in moves if not move.is_projection]
    years = sum((move.until - move.since).days for move in past) / 365.25
    shifts = np.array([move.shift_days for move in past if move.shift_days])
    return {
        "milestones": len(past),
        "moved": int(shifts.size),
        "a_year": round(float(shifts.size / years), 2),
        "median_days": float(np.median(shifts)),
        "later": int((shifts > 0).sum()),
    }


def _pace() -> dict[str, Any]:
    """Return the spread of pace that published building times leave to a campus.

    The chain of tasks from first work to first operation has a spread of its own; what the
    building times spread beyond it, between P10 and P90, is the pace.
    """
    measured = np.array([days for days, _ in _sites()], dtype=float)
    random = np.random.default_rng(0)
    plans = standard_tasks()
    chain = np.sum([plans[name].lead.at(random.standard_normal(100_000)) for name in CHAIN], axis=0)
    wide, narrow = (
        float(np.diff(np.quantile(np.log(days), (0.1, 0.9)))[0]) / (2 * Z90)
        for days in (measured, chain)
    )
    return {
        "sites": int(measured.size),
        "measured_days": [float(q) for q in np.quantile(measured, (0.1, 0.5, 0.9))],
        "chain_days": [round(float(q), 1) for q in np.quantile(chain, (0.1, 0.5, 0.9))],
        "spread": round(float(np.sqrt(max(wide**2 - narrow**2, 0.0))), 3),
    }


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in values.items()}


if __name__ == "__main__":
    main()
