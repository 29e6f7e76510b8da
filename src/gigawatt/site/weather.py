"""Weather at a site: what the plant sees hour by hour, and the normals of a climate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError
from gigawatt.site import psychrometrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.catalog import Entry

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = [
    "Weather",
    "hourly_normals",
    "local_seconds",
    "month_tables",
    "months_into_year",
    "yearly_curve",
]

_WARMEST_HOUR: Final = 15.0
_YEAR_S: Final = 365 * 86400
_OPTIONAL: Final = ("wind_m_per_s", "ghi_w_per_m2", "dni_w_per_m2", "dhi_w_per_m2")


@dataclass(frozen=True, eq=False)
class Weather:
    """Weather of a place, one value for each step.

    Parameters
    ----------
    name : str
        The place or file that it is from.
    times : ndarray of datetime64 (steps,)
        UTC, rising.
    dry_bulb_c, dew_point_c : ndarray (steps,)
        Air temperature and dew point [°C]; a dew point above the dry bulb counts as saturation.
    pressure_pa : ndarray (steps,)
        Air pressure [Pa].
    wind_m_per_s, ghi_w_per_m2, dni_w_per_m2, dhi_w_per_m2 : ndarray (steps,), optional
        Wind speed; global horizontal, direct normal and diffuse horizontal irradiance. NaN where
        a file leaves a value out.

    Raises
    ------
    InputError
        If lengths differ, times don't rise, or a temperature or pressure is not a number.
    """

    name: str
    times: Times
    dry_bulb_c: Hours
    dew_point_c: Hours
    pressure_pa: Hours
    wind_m_per_s: Hours | None = None
    ghi_w_per_m2: Hours | None = None
    dni_w_per_m2: Hours | None = None
    dhi_w_per_m2: Hours | None = None

    def __post_init__(self) -> None:
        """Refuse weather that cannot be."""
        needed = ("dry_bulb_c", "dew_point_c", "pressure_pa")
        for field in (*needed, *_OPTIONAL):
            values = getattr(self, field)
            if values is not None and values.shape != self.times.shape:
                message = (
                    f"{self.name}: {field} has {values.shape} values, times {self.times.shape}"
                )
                raise InputError(message)
        for field in needed:
            if not np.isfinite(getattr(self, field)).all():
                message = f"{self.name}: {field} must be finite in every step"
                raise InputError(message)
        if (np.diff(self.times) <= np.timedelta64(0)).any():
            message = f"{self.name}: times must rise from step to step"
            raise InputError(message)
        object.__setattr__(self, "dew_point_c", np.minimum(self.dew_point_c, self.dry_bulb_c))

    @cached_property
    def wet_bulb_c(self) -> Hours:
        """Thermodynamic wet bulb [°C]."""
        return psychrometrics.wet_bulb_c(self.dry_bulb_c, self.dew_point_c, self.pressure_pa)

    @cached_property
    def humidity_ratio(self) -> Hours:
        """Mass of vapour for each kg of dry air."""
        return psychrometrics.humidity_ratio_at_dew_point(self.dew_point_c, self.pressure_pa)

    def warmer(self, offset_k: float) -> Weather:
        """Return the same weather `offset_k` warmer at the same relative humidity.

        Air that warms with the climate keeps its relative humidity: the dew point rises too [1]_.

        References
        ----------
        .. [1] I. Held and B. Soden, "Robust responses of the hydrological cycle to global warming",
           Journal of Climate 19, 5686 (2006).
        """
        share = psychrometrics.saturation_pressure_pa(self.dew_point_c)
        share /= psychrometrics.saturation_pressure_pa(self.dry_bulb_c)
        warm = self.dry_bulb_c + offset_k
        humid = psychrometrics.humidity_ratio(warm, share, self.pressure_pa)
        dew = psychrometrics.dew_point_c(humid, self.pressure_pa)
        return replace(self, dry_bulb_c=warm, dew_point_c=dew)

    def at(self, times: Times) -> Weather:
        """Return the weather at other times of any year, by straight lines between the steps.

        A typical year holds for every year: only month, day and time of day count. 29 February
        repeats the day before.

        Raises
        ------
        InputError
            If the steps don't span a year.
        """
        wanted: Times = times.astype("datetime64[s]")
        have = _seconds_into_year(self.times)
        step = np.diff(self.times.astype("datetime64[s]")).max().astype(np.int64)
        if have.size * step < _YEAR_S:
            message = f"{self.name}: {have.size} steps of {step} s don't make up a year"
            raise InputError(message)
        place, order = np.unique(have, return_index=True)  # 29 February gives way to the 28th
        at = _seconds_into_year(wanted)
        columns = {
            field: np.interp(at, place, values[order], period=_YEAR_S)
            for field in ("dry_bulb_c", "dew_point_c", "pressure_pa", *_OPTIONAL)
            if (values := getattr(self, field)) is not None
        }
        return replace(self, times=wanted, **columns)


def _seconds_into_year(times: Times) -> Hours:
    """Return the place in a year of 365 days [s]; 29 February stands at the day before."""
    day = times.astype("datetime64[D]")
    year = times.astype("datetime64[Y]")
    number = (day - year.astype("datetime64[D]")).astype(np.int64)
    leap = (year + 1).astype("datetime64[D]") - year.astype("datetime64[D]") == 366
    number -= leap & (number >= 59)
    in_day = (times.astype("datetime64[s]") - day).astype(np.int64)
    return np.asarray(number * 86400 + in_day, np.float64)


def hourly_normals(
    months: Sequence[Entry], times: Times, utc_offset_h: float
) -> tuple[Hours, Hours]:
    r"""Return the normal dry bulb and dew point at each time.

    .. math:: T(t) = \bar T(u) + \tfrac12 \bar R(u) \cos\frac{2\pi (h - 15)}{24}, \qquad
              T_d(t) = \min(\bar T_d(u), T(t))

    h is the local standard hour and u the place in the year, in months. The curves with a bar are
    drawn through the twelve monthly means of temperature, daily range and dew point so that their
    own means over every month are the monthly means again.

    Parameters
    ----------
    months : sequence of Entry
        The twelve ``month`` entries of one climate, in any order.
    times : ndarray of datetime64 (hours,)
        UTC.
    utc_offset_h : float
        Local standard time less UTC [h].

    Returns
    -------
    temperature_c, dew_point_c : ndarray (hours,)
        Dry bulb and dew point [°C].

    Raises
    ------
    ValueError
        If the months are not the twelve of a year.

    Notes
    -----
    ======================  =======================================================================
    assumption              why
    ======================  =======================================================================
    warmest at 15 h         the hourly means of the TMY3 files peak at 14 to 16 h in every month
    one cosine a day        a cosine swings by exactly the mean daily range, and its mean is zero;
                            real mornings rise faster than evenings fall
    dew point level         its hourly means move by about 1 K a day at humid sites (4 K in deserts)
    no weather, only        every day of a month is alike: cold and heat waves are left out, so the
    climate                 hottest hours are too cool by several kelvin
    ======================  =======================================================================

    Where the night is cooler than the mean dew point the air is taken to be saturated, which lowers
    the mean dew point of such months by a few tenths of a kelvin.
    """
    local = local_seconds(times, utc_offset_h)
    mean, daily_range, dew_point = yearly_curve(month_tables(months), months_into_year(local))
    hour = (local - local.astype("datetime64[D]")).astype(np.float64) / 3600.0
    swing = np.cos(2.0 * np.pi / 24.0 * (hour - _WARMEST_HOUR))
    temperature: Hours = mean + 0.5 * daily_range * swing
    return temperature, np.minimum(dew_point, temperature)


def month_tables(months: Sequence[Entry]) -> Hours:
    """Return temperature, daily range and dew point of the twelve months (12, 3), January first.

    Raises
    ------
    ValueError
        If the months are not the twelve of a year.
    """
    ordered = sorted(months, key=lambda month: month.number("month"))
    if [int(month.number("month")) for month in ordered] != list(range(1, 13)):
        message = f"a climate needs its twelve months, each once; got {len(ordered)}"
        raise ValueError(message)
    fields = ("temperature_c", "daily_range_c", "dew_point_c")
    return np.array([[month.number(field) for field in fields] for month in ordered])


def local_seconds(times: Times, utc_offset_h: float) -> Times:
    """Return local standard time of UTC times, in seconds."""
    seconds: Times = times.astype("datetime64[s]")
    return seconds + np.timedelta64(round(utc_offset_h * 3600.0), "s")


def months_into_year(local: Times) -> Hours:
    """Return the place in the year in months, 0 to 12; every month counts 1, however long."""
    month = local.astype("datetime64[M]")
    start = month.astype("datetime64[s]")
    length = (month + np.timedelta64(1, "M")).astype("datetime64[s]") - start
    into: Hours = month.astype(np.int64) % 12 + (local - start) / length
    return into


def yearly_curve(table: Hours, months: Hours) -> Hours:
    """Return smooth periodic curves with the given monthly means, at each time.

    Steps: the means are written as a sum of harmonics of the year (their discrete Fourier series);
    averaging over a month shrinks harmonic k by sin(pi k / 12) / (pi k / 12); dividing each by its
    factor gives the curve whose monthly means are the table.

    Parameters
    ----------
    table : ndarray (12, n)
        Monthly means of n quantities.
    months : ndarray (hours,)
        Place in the year, in months.

    Returns
    -------
    ndarray (n, hours)
        The curves.
    """
    k = np.arange(7)
    # Harmonics 1 to 5 stand for a pair of conjugates; 0 and 6 stand alone.
    weight = np.where((k == 0) | (k == 6), 1.0, 2.0) / (12.0 * np.sinc(k / 12.0))
    amplitude = weight[:, None] * np.fft.rfft(table, axis=0)
    turn = np.exp(2j * np.pi / 12.0 * (months - 0.5))
    # Horner's rule: one complex multiplication a harmonic instead of a sine and a cosine.
    curves = np.zeros((table.shape[1], months.size), dtype=np.complex128)
    for harmonic in amplitude[::-1]:
        curves *= turn
        curves += harmonic[:, None]
    return curves.real
