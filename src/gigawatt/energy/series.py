"""Hourly prices and carbon intensities of a grid, drawn from published statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = [
    "SeriesStatistics",
    "carbon_statistics",
    "price_entry",
    "price_statistics",
    "synthetic_series",
]

_PROBABILITY: Final = {
    "lowest": 0.0, "p1": 0.01, "p5": 0.05, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75,
    "p90": 0.9, "p95": 0.95, "p99": 0.99, "highest": 1.0,
}  # fmt: skip
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NORMAL: Final = NormalDist()
_NORMAL_P95: Final = _NORMAL.inv_cdf(0.95)
_ROUNDS: Final = 40  # of fitting the months; the error falls by more than a third in each


@dataclass(frozen=True)
class SeriesStatistics:
    """What is published of a year of hourly values.

    Parameters
    ----------
    part : str
        What of the grid they are of.
    mean : float
        Mean of the year.
    probabilities, quantiles : tuple of float
        Values that these parts of the hours stay below, from 0 to 1.
    months : tuple of float
        Mean of each month; empty where none is published.
    winter, summer : tuple of float
        Each hour of the day over the day's geometric mean.
    hour_correlation, day_correlation : float
        Correlation of what the shape of the day leaves, over an hour and over a day.
    facts : tuple of str
        Keys of the facts.
    """

    part: str
    mean: float
    probabilities: tuple[float, ...]
    quantiles: tuple[float, ...]
    months: tuple[float, ...]
    winter: tuple[float, ...]
    summer: tuple[float, ...]
    hour_correlation: float
    day_correlation: float
    facts: tuple[str, ...]


def price_entry(grid: str, state: str | None = None) -> Entry:
    """Return the catalogue's entry of prices for a grid region, of the part that a state lies in.

    Raises
    ------
    NotModelledError
        If no hourly prices are published there.
    """
    entries = catalog.load().where("grid_price", grid=grid)
    for entry in entries:
        if state is not None and state.lower() in entry.text("states", "").split(";"):
            return entry
    whole = [entry for entry in entries if "states" not in entry]
    if not whole:
        message = (
            f"no hourly prices are published for the grid '{grid}'; state power.price_file or "
            "power.price_usd_per_mwh"
        )
        raise NotModelledError(message)
    return whole[0]


def price_statistics(grid: str, state: str | None = None) -> SeriesStatistics:
    """Return the statistics of the day-ahead prices [USD/MWh] of a grid region.

    Raises
    ------
    NotModelledError
        If none are published there.

    Examples
    --------
    >>> price_statistics("pjm").mean
    43.71
    """
    entry = price_entry(grid, state)
    names = [f"{name}_usd_per_mwh" for name in (*_PROBABILITY, *_MONTHS)]
    values = [entry.number(name) for name in names]
    keys = [entry[name].key for name in ("mean_usd_per_mwh", *names)]
    count = len(_PROBABILITY)
    return _statistics(
        entry.text("part"), entry.number("mean_usd_per_mwh"), tuple(_PROBABILITY.values()),
        tuple(values[:count]), tuple(values[count:]), keys,
    )  # fmt: skip


def carbon_statistics(grid: str, mean_kg_per_mwh: float) -> SeriesStatistics | None:
    """Return the statistics of the hourly carbon intensity [kg/MWh] of a grid; None if none are.

    The spread is that of the published hours, scaled to the stated mean. Only the 5th and the 95th
    percentile are published: between them and beyond the values are normal.
    """
    for entry in catalog.load().where("grid_price", grid=grid):
        if "co2_p5_kg_per_mwh" in entry:
            names = ("co2_mean_kg_per_mwh", "co2_p5_kg_per_mwh", "co2_p95_kg_per_mwh")
            mean, low, high = (entry.number(name) for name in names)
            scale = mean_kg_per_mwh / mean
            deviation = scale * (high - low) / (2.0 * _NORMAL_P95)
            parts = [0.0005, *np.linspace(0.01, 0.99, 99).tolist(), 0.9995]
            spread = [mean_kg_per_mwh + deviation * _NORMAL.inv_cdf(p) for p in parts]
            keys = [entry[name].key for name in names]
            return _statistics(
                entry.text("part"), mean_kg_per_mwh, (0.0, *parts[1:-1], 1.0),
                tuple(spread), (), keys,
            )  # fmt: skip
    return None


def _statistics(
    part: str, mean: float, probabilities: tuple[float, ...], quantiles: tuple[float, ...],
    months: tuple[float, ...], keys: list[str],
) -> SeriesStatistics:  # fmt: skip
    book = catalog.load()
    hours = sorted(book.entries("price_hour"), key=lambda e: e.number("hour"))
    noise = book.get("price_noise", "day-ahead")
    return SeriesStatistics(
        part, mean, probabilities, quantiles, months,
        tuple(e.number("winter") for e in hours), tuple(e.number("summer") for e in hours),
        noise.number("hour_correlation"), noise.number("day_correlation"),
        (*keys, *(f.key for e in hours for f in e), *(f.key for f in noise)),
    )  # fmt: skip


def synthetic_series(
    statistics: SeriesStatistics, times: Times, *, utc_offset_h: float = 0.0, seed: int = 0
) -> Hours:
    r"""Return a year of hourly values that has the published statistics.

    A latent series adds the logarithms of the month's level and of the shape of the day to noise,

    .. math:: z_t = \mu_{m(t)} + \log f_{h(t)} + \sigma\,(\sqrt{s}\,a_t + \sqrt{1-s}\,w_t),

    where `a` is an autoregression of the first order and `w` is white. With correlations
    :math:`\rho_1` over an hour and :math:`\rho_{24}` over a day, the autoregression has
    :math:`\varphi = (\rho_{24}/\rho_1)^{1/23}` and the part :math:`s = \rho_1/\varphi`. The noise
    has what variance the quantiles leave after months and days. The ranks of z are then given the
    published quantiles, so that level, spread and spikes are those of the year that was measured,
    whatever the seed; the month's levels are fitted until its means are met.

    Parameters
    ----------
    statistics : SeriesStatistics
        What is published.
    times : ndarray of datetime64 (hours,)
        Start of each hour, UTC.
    utc_offset_h : float
        Local standard time less UTC.
    seed : int
        Of the noise.

    Returns
    -------
    ndarray (hours,)
        In the unit of the statistics.
    """
    local = times + np.timedelta64(round(utc_offset_h * 60), "m")
    month = local.astype("datetime64[M]").astype(np.int64) % 12
    shape = _day_shape(statistics, local)
    level = np.zeros(12)
    if statistics.months:
        level = np.log(np.array(statistics.months) / statistics.mean)
    spread = _log_spread(statistics)
    left = spread**2 - float(np.var(shape)) - float(np.var(level[month]))
    # Where shape and months say more than the quantiles allow, a tenth is left to chance.
    noise = _noise(statistics, times.size, seed) * math.sqrt(max(left, 0.1 * spread**2))
    values = _quantile_function(statistics, (np.arange(times.size) + 0.5) / times.size)
    for _ in range(_ROUNDS if statistics.months else 1):
        ranked = np.empty(times.size)
        ranked[np.argsort(level[month] + shape + noise, kind="stable")] = values
        if not statistics.months:
            break
        for m in np.unique(month):
            reached = float(ranked[month == m].mean())
            level[m] += 0.5 * math.log(max(statistics.months[m], 1.0) / max(reached, 1.0))
    return ranked


def _day_shape(statistics: SeriesStatistics, local: Times) -> Hours:
    """Return the logarithm of the shape of the day, from winter in January to summer in July."""
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    day = (local.astype("datetime64[D]") - local.astype("datetime64[Y]")).astype(np.float64)
    summer = 0.5 - 0.5 * np.cos(2.0 * np.pi * (day - 18.0) / 365.25)  # the weeks of the shapes
    winter_log, summer_log = np.log(statistics.winter), np.log(statistics.summer)
    found: Hours = (1.0 - summer) * winter_log[hour] + summer * summer_log[hour]
    return found


def _log_spread(statistics: SeriesStatistics) -> float:
    low = np.interp(0.05, statistics.probabilities, statistics.quantiles)
    high = np.interp(0.95, statistics.probabilities, statistics.quantiles)
    return float(np.log(high / max(low, 1.0)) / (2.0 * _NORMAL_P95))


def _noise(statistics: SeriesStatistics, hours: int, seed: int) -> Hours:
    phi = (statistics.day_correlation / statistics.hour_correlation) ** (1.0 / 23.0)
    slow = min(statistics.hour_correlation / phi, 1.0)
    rng = np.random.default_rng(seed)
    drawn, white = rng.standard_normal(hours), rng.standard_normal(hours)
    drawn[1:] *= math.sqrt(1.0 - phi**2)
    steady = np.fromiter(accumulate(drawn, lambda last, new: phi * last + new), float, hours)
    found: Hours = math.sqrt(slow) * steady + math.sqrt(1.0 - slow) * white
    return found


def _quantile_function(statistics: SeriesStatistics, parts: Hours) -> Hours:
    """Return the values below which parts of the hours stay.

    Between two published values it is straight, in logarithms where both are positive; above the
    last but one it is a power that makes the mean the published one.
    """
    p, q = np.array(statistics.probabilities), np.array(statistics.quantiles)
    top, last, highest = p[-2], q[-2], q[-1]
    values: Hours = np.interp(parts, p, q)
    positive = q[np.searchsorted(p, parts, side="right").clip(1, p.size - 1) - 1] > 0.0
    logs = np.exp(np.interp(parts, p, np.log(np.maximum(q, 1e-9))))
    values = np.where(positive, logs, values)
    above = parts > top
    missing = statistics.mean * parts.size - float(values[~above].sum())
    count = int(above.sum())
    if not count or highest <= last:
        return values
    need = missing / count - last
    power = min(max((highest - last) / need - 1.0, 0.1), 200.0) if need > 0.0 else 200.0
    values[above] = last + (highest - last) * ((parts[above] - top) / (1.0 - top)) ** power
    return values
