"""Announced dates as one vintage had them, forecast to a later one, and how far that was off."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.programme.buildout.earlier import threshold_days
from gigawatt.programme.buildout.vintages import moves_between, pairs_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from gigawatt.programme.buildout.slip import Slip
    from gigawatt.programme.buildout.vintages import Vintage

__all__ = ["Forecast", "Skill", "forecast_target", "skill_of", "training_moves"]

_SAMPLES: Final = 4000
_QUANTILES: Final = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Forecast:
    """One date of the target vintage, forecast from an earlier one.

    Days are counted from the earlier vintage.

    Parameters
    ----------
    campus : str
        The campus.
    threshold_mw : int
        Facility power reached, in MW.
    since, until : date
        Days of the two vintages.
    announced_days : int
        The date as announced.
    stated_days : int or None
        The date as the target vintage states it; None where it no longer plans so much power.
    p10_days, p50_days, p90_days : float
        The forecast.
    crps_days : float or None
        Continuous ranked probability score of the forecast; that of "as announced" is its absolute
        error.
    """

    campus: str
    threshold_mw: int
    since: dt.date
    until: dt.date
    announced_days: int
    stated_days: int | None
    p10_days: float
    p50_days: float
    p90_days: float
    crps_days: float | None


@dataclass(frozen=True, slots=True)
class Skill:
    """How good forecasts are beside taking the dates as announced.

    Parameters
    ----------
    forecasts : int
        Dates compared.
    dropped : int
        Dates that the target vintage no longer states.
    coverage : float
        Share of the dates in P10–P90.
    error_days, announced_error_days : float
        Mean absolute error of the median and of the date as announced.
    crps_days : float
        Mean ranked probability score, to be held against `announced_error_days`.
    """

    forecasts: int
    dropped: int
    coverage: float
    error_days: float
    announced_error_days: float
    crps_days: float


def training_moves(vintages: Sequence[Vintage], before: dt.date) -> list[Any]:
    """Return the moves seen in vintages before a day."""
    seen = [one for one in vintages if one.day < before]
    return [move for first, second in pairs_of(seen) for move in moves_between(first, second)]


def forecast_target(slip: Slip, vintages: Sequence[Vintage], target: dt.date) -> list[Forecast]:
    """Forecast every date of the target vintage from each earlier vintage in which it lay ahead.

    Parameters
    ----------
    slip : Slip
        Parameters from a fit that has not seen the target.
    vintages : sequence of Vintage
        All vintages.
    target : date
        Day of the vintage to forecast.
    """
    aims = {one.campus: one for one in vintages if one.day == target}
    return [
        forecast
        for vintage in sorted(vintages, key=lambda one: (one.day, one.campus))
        if vintage.day < target and vintage.campus in aims and vintage.ahead()
        for forecast in _forecasts(slip, vintage, aims[vintage.campus])
    ]


def _forecasts(slip: Slip, vintage: Vintage, aim: Vintage) -> list[Forecast]:
    random = np.random.default_rng([vintage.day.toordinal(), zlib.crc32(vintage.campus.encode())])
    horizon = float((aim.day - vintage.day).days)
    drawn = threshold_days(slip, vintage, _SAMPLES, random, known_after_days=horizon)
    rows = []
    for mw, days in drawn.items():
        announced = (vintage.reach[mw] - vintage.day).days
        stated = aim.reach.get(mw)
        y = None if stated is None else (stated - vintage.day).days
        low, mid, high = np.quantile(np.round(days), _QUANTILES)
        score = None if y is None else _crps(days, y)
        rows.append(
            Forecast(
                vintage.campus, mw, vintage.day, aim.day, announced, y,
                float(low), float(mid), float(high), score,
            )
        )  # fmt: skip
    return rows


def _crps(draws: np.ndarray[Any, np.dtype[np.float64]], y: float) -> float:
    """Return the ranked probability score of draws: mean of |X - y| less half that of |X - X'|."""
    n = draws.size
    rank = 2.0 * np.arange(1, n + 1) - n - 1.0
    return float(np.abs(draws - y).mean() - (rank * np.sort(draws)).sum() / n**2)


def skill_of(forecasts: Sequence[Forecast]) -> Skill:
    """Return coverage and errors over forecasts; dates that are no longer stated only count."""
    held = [one for one in forecasts if one.stated_days is not None]
    y = np.array([one.stated_days for one in held], dtype=float)
    low, mid, high, announced, crps = (
        np.array([getattr(one, name) for one in held], dtype=float)
        for name in ("p10_days", "p50_days", "p90_days", "announced_days", "crps_days")
    )
    return Skill(
        len(held),
        len(forecasts) - len(held),
        float(((low <= y) & (y <= high)).mean()),
        float(np.abs(mid - y).mean()),
        float(np.abs(announced - y).mean()),
        float(crps.mean()),
    )
