"""Announced dates against what a later copy of the tracker stated."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from gigawatt.errors import InputError
from gigawatt.programme.buildout.slip_fit import fit_slip
from gigawatt.programme.buildout.vintages import Vintage, catalogue_vintages, columns_of
from gigawatt.validation.schedule_backtest import forecast_target, training_moves
from gigawatt.validation.score import Prediction
from gigawatt.validation.training import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from gigawatt.validation.schedule_backtest import Forecast

__all__ = ["COLUMNS", "read_vintages", "schedule_table"]

COLUMNS: Final = ("campus", "threshold_facility_mw", "vintage", "date_reached")
_ANNOUNCED: Final = "as announced"


def schedule_table(measurements: Path | None = None) -> list[Prediction]:
    """Forecast the dates of the last vintage from every earlier one in which they lay ahead.

    What is compared is the number of days from the earlier vintage to the date. The model is fitted
    anew to vintages before the last one: those of the file, and of the catalogue. Beside each
    forecast stands the date as it was announced.

    Parameters
    ----------
    measurements : Path, optional
        A CSV file with the columns of `COLUMNS`; left out, the catalogue's vintages are used.

    Raises
    ------
    InputError
        If the file lacks a column, has fewer than two vintages, or a cell cannot be read.
    NotModelledError
        If too few dates moved before the last vintage to fit anything.
    """
    vintages = catalogue_vintages() if measurements is None else read_vintages(measurements)
    days = sorted({one.day for one in vintages})
    if len(days) < 2:
        message = f"{measurements}: expected two vintages or more; found {len(days)}"
        raise InputError(message)
    target = days[-1]
    known = {(one.campus, one.day): one for one in [*catalogue_vintages(), *vintages]}
    before = sorted({day for _, day in known if day < target})
    review_days = (target - before[0]).days / len(before)
    moves = columns_of(training_moves(list(known.values()), target))
    slip = fit_slip(moves, review_days=review_days)
    found = forecast_target(slip, vintages, target)
    return [*map(_prediction, found), *(_beside(one) for one in found if _comparable(one))]


def read_vintages(path: Path) -> list[Vintage]:
    """Return the vintages of a CSV file, one row for a campus, a threshold and a vintage."""
    rows = read_table(path, COLUMNS)
    reach: defaultdict[tuple[str, dt.date], dict[int, dt.date]] = defaultdict(dict)
    for number, row in enumerate(rows, start=2):
        try:
            key = row["campus"], dt.date.fromisoformat(row["vintage"])
            threshold = round(float(row["threshold_facility_mw"]))
            day = dt.date.fromisoformat(row["date_reached"]) if row["date_reached"] else None
        except ValueError as error:
            message = f"{path}, line {number}: expected dates and a power; found {error}"
            raise InputError(message) from error
        stated = reach[key]
        if day is not None:
            stated[threshold] = day
    return [Vintage(campus, day, dates) for (campus, day), dates in reach.items()]


def _comparable(one: Forecast) -> bool:
    return one.stated_days is not None and one.stated_days > 0


def _row(one: Forecast) -> str:
    return f"{one.campus}, {one.threshold_mw} MW, from {one.since}"


def _prediction(one: Forecast) -> Prediction:
    group = f"from {one.since}"
    if one.stated_days is None:
        reason = "no longer planned in the last vintage"
        return Prediction(_row(one), group, None, reason=reason)
    if one.stated_days <= 0:
        reason = "stated in the last vintage for a day before the announcement"
        return Prediction(_row(one), group, None, reason=reason)
    return Prediction(
        _row(one), group, float(one.stated_days), one.p50_days, one.p10_days, one.p90_days
    )


def _beside(one: Forecast) -> Prediction:
    days = float(one.announced_days)
    return Prediction(
        f"{_row(one)}, as announced", _ANNOUNCED, float(one.stated_days or 0), days, days, days,
        beside=True,
    )  # fmt: skip
