"""A year of weather from monthly normals: seeded noise on the normals, and heat waves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError
from gigawatt.site.psychrometrics import standard_pressure_pa
from gigawatt.site.weather import (
    Weather,
    local_seconds,
    month_tables,
    months_into_year,
    yearly_curve,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.catalog import Entry

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["heat_wave", "synthetic_year"]

# What the typical years (TMY3) of Columbus and Monroe share. Standard deviation of the temperature
# about the mean of its month and hour: 7.16 K less 0.17 for each degree of the month's mean, within
# 0.8 K over the 24 months. The dew-point depression varies by 3.0 K in winter and summer alike.
# Correlation from hour to hour 0.965 to 0.979, over two hours 0.925 to 0.948, over a day 0.41 to
# 0.48, over two 0.05 to 0.14: noise that remembers 0.98 of itself, without the parts slower than 30
# days, has 0.973, 0.946, 0.46 and 0.15.
_TEMPERATURE_SD: Final = (7.16, 0.17)
_LEAST_SD_K: Final = 1.5
_DEPRESSION_SD_K: Final = 3.0
_TEMPERATURE_HOURLY: Final = 0.98
_DEPRESSION_HOURLY: Final = 0.95
# Dew points end at the temperature of the sea that the moisture comes from: 27.0 is the highest in
# either file. They come up to it within a third of the distance of their mean from it.
_CEILING_C: Final = 27.0
_LEAST_GAP_K: Final = 4.0
_GAP_SHARE: Final = 0.33
_HARMONICS: Final = 13  # of the year, that the noise must not have: constant to twelve a year

# Share of the daily range below the day's highest temperature, from midnight on: ASHRAE
# Fundamentals (2009), chapter 14, table 6.
_DESIGN_DAY: Final = (
    0.82, 0.88, 0.92, 0.95, 0.98, 1.00, 0.98, 0.91, 0.74, 0.55, 0.38, 0.23,
    0.13, 0.05, 0.00, 0.00, 0.06, 0.14, 0.24, 0.39, 0.50, 0.59, 0.68, 0.75,
)  # fmt: skip


def synthetic_year(
    climate: Entry, months: Sequence[Entry], *, year: int = 2001, seed: int = 0
) -> Weather:
    r"""Return a year of hourly weather with the normals' means and the restlessness of real years.

    .. math::

       T = \bar T(u) + \tfrac12 R_m \cos\frac{2 \pi (h - 15)}{24} + \sigma_T(u)\, x, \qquad
       T_d = C - (C - \bar T_d(u)) \exp\left(-z - \tfrac12 v^2\right)

    x is noise with unit variance that remembers 0.98 of itself from hour to hour. Dew points follow
    the temperature, with noise e of their own: z = s (σ_T x + 3 e) / (C - mean), v its standard
    deviation. The form keeps them below the ceiling C and makes moist air common and very moist air
    impossible, as in humid summers.

    Parameters
    ----------
    climate : Entry
        A ``climate`` of the catalogue.
    months : sequence of Entry
        Its twelve ``month`` entries.
    year : int
        Calendar year, by local standard time.
    seed : int
        Starts the noise; the same seed gives the same year.

    Returns
    -------
    Weather
        Dry bulb, dew point and the standard pressure of the height; no wind and no sun.

    Raises
    ------
    ValueError
        If the months are not the twelve of a year.

    Notes
    -----
    What the noise has of monthly means is taken away, so every month keeps its own. The daily
    swing of each month is set so that the mean daily range is the table's: fronts make a part of
    the range, more of it in winter. Where fronts alone make more than all of it, in the winters of
    the north, the range comes out up to 70 % too wide. Means of dew point are kept in the same way.

    Its constants are those that the typical years (TMY3) of Columbus and Monroe share. Mean of
    twelve seeds less the TMY3 of the same station: mean of dry and wet bulb within 0.1 K, 1st and
    99th percentiles of dry and wet bulb within 1.0 K (the 99th too high), correlation over an hour
    within 0.01 and over a day within 0.03. Deserts and mountains have not been checked.
    """
    offset_h = climate.number("utc_offset_h")
    local = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[h]")
    local = local.astype("datetime64[s]")
    table, into = month_tables(months), months_into_year(local)
    mean, _, dew = yearly_curve(table, into)
    rng = np.random.default_rng(seed)
    spread = np.maximum(_TEMPERATURE_SD[0] - _TEMPERATURE_SD[1] * mean, _LEAST_SD_K)
    noise = spread * _noise(rng, local.size, _TEMPERATURE_HOURLY)
    own = _DEPRESSION_SD_K * _noise(rng, local.size, _DEPRESSION_HOURLY)
    month = local.astype("datetime64[M]").astype(np.int64) % 12
    noise -= yearly_curve(_means(noise, month)[:, None], into)[0]
    dry = mean + noise + _swing(mean + noise, table[:, 1], month)
    moist = _dew_points(dew, dry, noise + own, np.hypot(spread, _DEPRESSION_SD_K), month)
    return Weather(
        name=f"synthetic year {seed} of {climate.text('name')}",
        times=local - np.timedelta64(round(offset_h * 3600), "s"),
        dry_bulb_c=dry,
        dew_point_c=moist,
        pressure_pa=np.full(dry.shape, float(standard_pressure_pa(climate.number("elevation_m")))),
    )


def _noise(rng: np.random.Generator, size: int, hourly: float) -> Hours:
    """Return first-order autoregressive noise of unit variance without the year's slow parts.

    The recursion x[t] = hourly x[t-1] + e[t] divides the spectrum of e by 1 - hourly exp(-i w).
    """
    spectrum = np.fft.rfft(rng.standard_normal(size))
    turn = np.exp(-2j * np.pi * np.arange(spectrum.size) / size)
    spectrum /= 1.0 - hourly * turn
    spectrum[:_HARMONICS] = 0.0
    noise = np.fft.irfft(spectrum, size)
    return np.asarray(noise / noise.std())


def _means(values: Hours, month: np.ndarray[Any, Any]) -> Hours:
    """Return the mean of each month."""
    return np.asarray(np.bincount(month, values) / np.bincount(month))


def _swing(rest: Hours, daily_range_k: Hours, month: np.ndarray[Any, Any]) -> Hours:
    """Return the daily cosine that brings the mean daily range of each month to the table's."""
    wave = np.cos(2.0 * np.pi * (np.arange(24) - 15.0) / 24.0)
    days = rest.reshape(-1, 24)
    of_day = month.reshape(-1, 24)[:, 0]
    amplitude = daily_range_k / 2.0
    for _ in range(8):
        found = np.ptp(days + amplitude[of_day, None] * wave, axis=1)
        found = _means(found, of_day)
        amplitude = np.clip(amplitude * daily_range_k / found, 0.0, daily_range_k)
    return np.asarray((amplitude[of_day, None] * wave).ravel())


def _dew_points(
    mean: Hours, dry_bulb_c: Hours, noise: Hours, spread: Hours, month: np.ndarray[Any, Any]
) -> Hours:
    """Return dew points below the ceiling and the dry bulb, with the mean of each month kept."""
    gap = np.maximum(_CEILING_C - mean, _LEAST_GAP_K)
    share = np.minimum(1.0, _GAP_SHARE * gap / spread) / gap
    shape = 1.0 - np.exp(-share * noise - 0.5 * (share * spread) ** 2)
    goal = _means(mean, month)
    shift = np.zeros(12)
    for _ in range(4):  # what saturation takes away is added to the mean and partly lost again
        found = np.minimum(mean + shift[month] + gap * shape, dry_bulb_c)
        shift += goal - _means(found, month)
    return np.asarray(np.minimum(mean + shift[month] + gap * shape, dry_bulb_c))


def heat_wave(
    weather: Weather,
    *,
    start: np.datetime64 | str,
    days: int,
    peak_dry_bulb_c: float,
    dew_point_c: float,
    daily_range_k: float,
    utc_offset_h: float,
) -> Weather:
    """Return the weather with a run of design days in it.

    Parameters
    ----------
    weather : Weather
        Any weather.
    start : datetime64 or str
        First day, by local standard time.
    days : int
        Number of days, at least 1.
    peak_dry_bulb_c, dew_point_c : float
        Highest dry bulb of each day, and the dew point all day long.
    daily_range_k : float
        Highest less lowest dry bulb of a day.
    utc_offset_h : float
        Local standard time less UTC.

    Raises
    ------
    InputError
        If no step lies within those days, or the dew point lies above the peak.

    References
    ----------
    ASHRAE Handbook - Fundamentals (2009), chapter 14, table 6: the course of a design day, as used
    by EnergyPlus (engineering reference, "design day temperature calculations").
    """
    if days < 1 or daily_range_k < 0.0 or dew_point_c > peak_dry_bulb_c:
        message = (
            f"a heat wave needs at least 1 day, a daily range of at least 0 K and a dew point up "
            f"to its peak; got {days} days, {daily_range_k} K, {dew_point_c} over {peak_dry_bulb_c}"
        )
        raise InputError(message)
    local = local_seconds(weather.times, utc_offset_h)
    day: Any = local.astype("datetime64[D]")
    first = np.array(start, "datetime64[D]")
    inside = (day >= first) & (day < first + days)
    if not inside.any():
        message = f"{weather.name} has no step from {first} for {days} days (local standard time)"
        raise InputError(message)
    hour = (local - day).astype(np.float64) / 3600.0
    below = np.interp(hour[inside], np.arange(24), _DESIGN_DAY, period=24.0)
    dry, dew = weather.dry_bulb_c.copy(), weather.dew_point_c.copy()
    dry[inside] = peak_dry_bulb_c - daily_range_k * below
    dew[inside] = dew_point_c
    name = f"{weather.name} with {days} design days from {start}"
    return replace(weather, name=name, dry_bulb_c=dry, dew_point_c=dew)
