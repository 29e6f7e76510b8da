"""The weather that a site year is played in: synthetic or from a file, warmer, with a heat wave."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.site.synthetic_weather import heat_wave, synthetic_year
from gigawatt.site.weather_files import read_weather

if TYPE_CHECKING:
    from pathlib import Path

    from gigawatt.catalog import Entry
    from gigawatt.site.weather import Weather

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["HEAT_WAVE_DAYS", "RETURN_YEARS", "read_conditions", "return_level", "with_heat_wave"]

HEAT_WAVE_DAYS: Final = 6
"""Least length of a heat wave by the index of Frich et al. (2002): more than five days."""

RETURN_YEARS: Final = 20
"""Years between days as hot as those of the heat wave; what the Uptime Institute's Tier Standard
asks a cooling plant to be designed for."""

_SEEDS: Final = 30  # years of which the hottest hours are looked at


def read_conditions(climate: str, times: Times, source: str | Path | None, seed: int) -> Weather:
    """Return the weather at the hours of a year.

    Parameters
    ----------
    climate : str
        A climate of the catalogue.
    times : ndarray of datetime64 (hours,)
        UTC.
    source : str or path, optional
        ``"synthetic"`` or None for a year from the climate's monthly normals; else a TMY3 or EPW
        file.
    seed : int
        Of the synthetic year.

    Raises
    ------
    InputError
        If the file cannot be read or holds no year.
    """
    if source is None or source == "synthetic":
        return synthetic_year(*_climate(climate), seed=seed).at(times)
    return read_weather(source)[0].at(times)


def with_heat_wave(weather: Weather, climate: str) -> Weather:
    r"""Return the weather with a heat wave in the middle of the climate's hottest month.

    Every day of it is as hot as the hottest day of `RETURN_YEARS` years, with the dew point of such
    hours and the daily range of the month.

    Parameters
    ----------
    weather : Weather
        A year.
    climate : str
        A climate of the catalogue.
    """
    entry, months = _climate(climate)
    peak, dew = return_level(climate)
    hottest = max(months, key=lambda month: month.number("temperature_c"))
    # Weather of a year that begins at midnight UTC: its year is that of a day in its middle.
    year = weather.times[weather.times.size // 2].astype("datetime64[Y]")
    start = year.astype("datetime64[M]") + np.timedelta64(int(hottest.number("month")) - 1, "M")
    first = start.astype("datetime64[D]") + np.timedelta64(15 - HEAT_WAVE_DAYS // 2, "D")
    return heat_wave(
        weather,
        start=first,
        days=HEAT_WAVE_DAYS,
        peak_dry_bulb_c=peak,
        dew_point_c=dew,
        daily_range_k=hottest.number("daily_range_c"),
        utc_offset_h=entry.number("utc_offset_h"),
    )


def return_level(climate: str, years: int = RETURN_YEARS) -> tuple[float, float]:
    r"""Return the dry bulb that is reached once in so many years, and the dew point with it [°C].

    .. math:: T_n = M - \frac{\sqrt 6}{\pi} \left[0.5772 + \ln \ln \frac{n}{n - 1}\right] s

    M and s are mean and standard deviation of the yearly maxima [1]_, here of synthetic years.

    References
    ----------
    .. [1] ASHRAE Handbook - Fundamentals (2009), chapter 14, equations 4 and 5.
    """
    entry, months = _climate(climate)
    drawn = [synthetic_year(entry, months, seed=seed) for seed in range(_SEEDS)]
    at = [int(np.argmax(one.dry_bulb_c)) for one in drawn]
    hottest = np.array([one.dry_bulb_c[i] for one, i in zip(drawn, at, strict=True)])
    dew = np.array([one.dew_point_c[i] for one, i in zip(drawn, at, strict=True)])
    factor = -math.sqrt(6.0) / math.pi * (0.5772 + math.log(math.log(years / (years - 1.0))))
    return float(hottest.mean() + factor * hottest.std(ddof=1)), float(np.median(dew))


def _climate(name: str) -> tuple[Entry, list[Entry]]:
    book = catalog.load()
    entry = book.get("climate", name)
    return entry, list(book.where("month", climate=entry.id))
