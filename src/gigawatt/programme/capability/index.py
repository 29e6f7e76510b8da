"""What training compute and a date of release buy on one scale of benchmarks.

The Epoch Capabilities Index puts many benchmarks on one scale. Over the models whose training
compute Epoch AI estimates, it rises with the logarithm of compute and with time: at the same
compute, later models are better, by data, algorithms and training after pre-training together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import NotModelledError
from gigawatt.programme.dates import decimal_year

if TYPE_CHECKING:
    import datetime as dt

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["IndexFit", "PredictedIndex", "fit_index", "predict_index"]

_FLOP_AT_ZERO: Final = 1e24
_YEAR_AT_ZERO: Final = 2024.0
_MOST_YEARS_AHEAD: Final = 3.0
_NORMAL_P90: Final = 1.2816
_MOST_TIMES_AHEAD: Final = 10.0


@dataclass(frozen=True)
class IndexFit:
    r"""Index = a + b log10(compute / 1e24) + c (year - 2024).

    Parameters
    ----------
    at_zero, per_decade, per_year : float
        a: the index of 1e24 FLOP at the start of 2024; b: points for ten times the compute;
        c: points a year at the same compute.
    names : tuple of str
        The models of the fit.
    flop, year, index : ndarray (models,)
        Their compute, release and score.
    residual : ndarray (models,)
        Measured less predicted, each by a fit without that model.
    covariance : ndarray (3, 3)
        Of a, b and c.
    """

    at_zero: float
    per_decade: float
    per_year: float
    names: tuple[str, ...]
    flop: Array
    year: Array
    index: Array
    residual: Array
    covariance: Array

    def index_at(self, flop: Array | float, year: Array | float) -> Array:
        """Return the expected index, of any shapes."""
        decades = np.log10(np.asarray(flop, dtype=np.float64) / _FLOP_AT_ZERO)
        years = np.asarray(year, dtype=np.float64) - _YEAR_AT_ZERO
        value: Array = self.at_zero + self.per_decade * decades + self.per_year * years
        return value

    def error_at(self, flop: float, year: float) -> float:
        """Return the standard error of the expected index: it grows beyond the models known."""
        at = np.array([1.0, np.log10(flop / _FLOP_AT_ZERO), year - _YEAR_AT_ZERO])
        return float(np.sqrt(at @ self.covariance @ at))


@cache
def fit_index(before: dt.date | None = None) -> IndexFit:
    """Fit the index to the models whose compute and release are published.

    Least squares with three parameters. Each residual is that of a fit without its model.

    Parameters
    ----------
    before : date, optional
        Only models released before it: what could have been known then.

    Raises
    ------
    NotModelledError
        If fewer than ten models are left.
    """
    rows = [
        (e.text("name"), e.number("training_flop"), e.date("released"), e["capability_index"])
        for e in catalog.load().entries("scored_model")
        if "training_flop" in e and "released" in e
    ]
    kept = [r for r in rows if before is None or r[2] < before]
    if len(kept) < 10:
        message = f"only {len(kept)} models with known compute were released before {before}"
        raise NotModelledError(message)
    flop = np.array([r[1] for r in kept])
    year = np.array([decimal_year(r[2]) for r in kept])
    index = np.array([r[3].number for r in kept])
    columns = np.column_stack(
        [np.ones(len(kept)), np.log10(flop / _FLOP_AT_ZERO), year - _YEAR_AT_ZERO]
    )
    inverse = np.linalg.inv(columns.T @ columns)
    fitted = inverse @ columns.T @ index
    leverage = np.einsum("ij,jk,ik->i", columns, inverse, columns)
    residual = (index - columns @ fitted) / (1.0 - leverage)
    names = tuple(r[0] for r in kept)
    at_zero, per_decade, per_year = (float(v) for v in fitted)
    variance = float(np.sum((index - columns @ fitted) ** 2) / (len(kept) - 3))
    return IndexFit(
        at_zero, per_decade, per_year, names, flop, year, index, residual, variance * inverse
    )


@dataclass(frozen=True)
class PredictedIndex:
    """An index with its band.

    Parameters
    ----------
    index, low, high : float
        Median of the models of the fit, P10 and P90.
    extrapolated : bool
        Whether compute or date lie beyond every model of the fit.
    """

    index: float
    low: float
    high: float
    extrapolated: bool


def predict_index(flop: float, released: dt.date) -> PredictedIndex:
    """Return the index of a general model with so much pre-training, released on a day.

    Parameters
    ----------
    flop : float
        Floating-point operations of the pre-training.
    released : date
        Day of its release.

    Raises
    ------
    NotModelledError
        Beyond ten times the compute of any model of the fit, below the least, or more than three
        years after the last release: a straight line is worth nothing there.
    """
    fit = fit_index()
    year = decimal_year(released)
    if not fit.flop.min() <= flop <= _MOST_TIMES_AHEAD * fit.flop.max():
        message = (
            f"the index is known for models of {fit.flop.min():.2g} to {fit.flop.max():.2g} FLOP, "
            f"and is carried on to ten times the most; found {flop:.2g}"
        )
        raise NotModelledError(message)
    if not fit.year.min() <= year <= fit.year.max() + _MOST_YEARS_AHEAD:
        message = (
            f"the index is known for releases from {fit.year.min():.1f} to {fit.year.max():.1f}, "
            f"and is carried on for three years; found {released}"
        )
        raise NotModelledError(message)
    value = float(fit.index_at(flop, year))
    low, median, high = (float(q) for q in np.quantile(fit.residual, (0.1, 0.5, 0.9)))
    # What the models scatter, and what the line itself may be off, far from them.
    line = _NORMAL_P90 * fit.error_at(flop, year)
    down, up = float(np.hypot(median - low, line)), float(np.hypot(high - median, line))
    middle = value + median
    beyond = flop > fit.flop.max() or year > fit.year.max()
    return PredictedIndex(middle, middle - down, middle + up, bool(beyond))
