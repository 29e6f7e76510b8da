"""Weather of a typical year at any hour, and the wet bulb that cooling towers see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.catalog import Entry

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["hourly_normals", "wet_bulb_c"]

_WARMEST_HOUR: Final = 15.0
_ZERO_CELSIUS_K: Final = 273.15
_TRIPLE_POINT_C: Final = 0.01

# Saturation pressure ln p = c0 / T + c1 + c2 T + c3 T^2 + c4 T^3 + c5 T^4 + c6 ln T, p in Pa and T
# in K: equations 5 (over ice) and 6 (over water) of ASHRAE Fundamentals 2017, chapter 1.
_OVER_ICE: Final = (
    -5.6745359e3,
    6.3925247,
    -9.6778430e-3,
    6.2215701e-7,
    2.0747825e-9,
    -9.4840240e-13,
    4.1635019,
)
_OVER_WATER: Final = (
    -5.8002206e3,
    1.3914993,
    -4.8640239e-2,
    4.1764768e-5,
    -1.4452093e-8,
    0.0,
    6.5459673,
)
# Heat balance of the wet wick, equations 33 (water) and 35 (ice) of the same chapter:
# (a - b t*) W*s - 1.006 (t - t*) = (a + 1.86 t - c t*) W, in kJ/kg and Celsius.
_WICK_WATER: Final = (2501.0, 2.326, 4.186)
_WICK_ICE: Final = (2830.0, 0.24, 2.1)


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
    ordered = sorted(months, key=lambda month: month.number("month"))
    if [int(month.number("month")) for month in ordered] != list(range(1, 13)):
        message = f"a climate needs its twelve months, each once; got {len(ordered)}"
        raise ValueError(message)
    table = np.array(
        [[m.number(f) for f in ("temperature_c", "daily_range_c", "dew_point_c")] for m in ordered]
    )
    seconds: Times = times.astype("datetime64[s]")
    local = seconds + np.timedelta64(round(utc_offset_h * 3600.0), "s")
    mean, daily_range, dew_point = _yearly_curve(table, _months_into_year(local))
    hour = (local - local.astype("datetime64[D]")).astype(np.float64) / 3600.0
    swing = np.cos(2.0 * np.pi / 24.0 * (hour - _WARMEST_HOUR))
    temperature: Hours = mean + 0.5 * daily_range * swing
    return temperature, np.minimum(dew_point, temperature)


def _months_into_year(local: Times) -> Hours:
    """Return the place in the year in months, 0 to 12; every month counts 1, however long."""
    month = local.astype("datetime64[M]")
    start = month.astype("datetime64[s]")
    length = (month + np.timedelta64(1, "M")).astype("datetime64[s]") - start
    into: Hours = month.astype(np.int64) % 12 + (local - start) / length
    return into


def _yearly_curve(table: Hours, months: Hours) -> Hours:
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


def wet_bulb_c(
    temperature_c: Hours | float, dew_point_c: Hours | float, pressure_pa: Hours | float
) -> Hours:
    r"""Return the thermodynamic wet bulb from dry bulb, dew point and pressure.

    .. math:: W = \frac{(2501 - 2.326 t^*) W_s(t^*) - 1.006 (t - t^*)}{2501 + 1.86 t - 4.186 t^*}

    is solved for t* by Newton's method; below freezing the equation for ice takes its place.

    Parameters
    ----------
    temperature_c, dew_point_c : ndarray or float
        Dry bulb and dew point [°C], within -60 to 60; a dew point above the dry bulb counts as
        saturation.
    pressure_pa : ndarray or float
        Air pressure [Pa].

    Returns
    -------
    ndarray
        Wet bulb [°C].

    Notes
    -----
    Within 0.001 K of the bisection in psychrolib [2]_ from -20 to 50 °C. Between about -0.7 and
    0.7 °C the two equations overlap and a wet and an icy wick both balance; the wet one is
    returned.

    References
    ----------
    .. [1] ASHRAE Handbook - Fundamentals (2017), chapter 1, equations 5, 6, 20, 33 and 35.
    .. [2] D. Meyer and D. Thevenard, "PsychroLib: a library of psychrometric functions to calculate
       thermodynamic properties of air", Journal of Open Source Software 4(33), 1137 (2019).

    Examples
    --------
    >>> round(float(wet_bulb_c(30.0, 20.0, 101325.0)), 2)
    22.94
    """
    t, dew, pressure = np.broadcast_arrays(
        np.asarray(temperature_c, np.float64), np.asarray(dew_point_c, np.float64), pressure_pa
    )
    shape, t, pressure = t.shape, t.ravel(), np.asarray(pressure, np.float64).ravel()
    dew = np.minimum(dew.ravel(), t)
    vapour = _saturation_pa(dew)[0]
    humidity = _humidity_ratio(vapour, pressure)
    # The wet bulb lies about a third of the way down from the dry bulb to the dew point.
    found = _newton(t - (t - dew) / 3.0, t, humidity, pressure, _OVER_WATER, _WICK_WATER)
    cold = found < 0.0
    if cold.any():
        start = np.minimum(found[cold], 0.0)
        found[cold] = _newton(start, t[cold], humidity[cold], pressure[cold], _OVER_ICE, _WICK_ICE)
    return np.clip(found, dew, t).reshape(shape)


def _newton(
    guess: Hours,
    t: Hours,
    humidity: Hours,
    pressure: Hours,
    phase: tuple[float, ...],
    wick: tuple[float, float, float],
) -> Hours:
    """Return the root of the wick's heat balance; four steps from any start reach 1e-6 K."""
    a, b, c = wick
    for _ in range(4):
        vapour, slope = _saturation_over(guess, phase)
        saturated = _humidity_ratio(vapour, pressure)
        balance = (a - b * guess) * saturated - 1.006 * (t - guess)
        balance -= (a + 1.86 * t - c * guess) * humidity
        # d W_s / d t = W_s x (d ln p / d t) x P / (P - p), from W = 0.621945 p / (P - p).
        change = saturated * slope * pressure / (pressure - vapour)
        guess = guess - balance / ((a - b * guess) * change - b * saturated + 1.006 + c * humidity)
    return guess


def _humidity_ratio(vapour_pa: Hours, pressure_pa: Hours) -> Hours:
    """Return kg of water vapour per kg of dry air (equation 20)."""
    ratio: Hours = 0.621945 * vapour_pa / (pressure_pa - vapour_pa)
    return ratio


def _saturation_pa(t: Hours) -> tuple[Hours, Hours]:
    """Return the saturation pressure over ice below the triple point, else over water."""
    vapour, slope = _saturation_over(t, _OVER_WATER)
    icy = t <= _TRIPLE_POINT_C
    if icy.any():
        vapour[icy], slope[icy] = _saturation_over(t[icy], _OVER_ICE)
    return vapour, slope


def _saturation_over(t: Hours, phase: tuple[float, ...]) -> tuple[Hours, Hours]:
    """Return the saturation pressure [Pa] and d ln p / d t [1/K]."""
    c0, c1, c2, c3, c4, c5, c6 = phase
    k = t + _ZERO_CELSIUS_K
    log_p = c0 / k + c1 + k * (c2 + k * (c3 + k * (c4 + k * c5))) + c6 * np.log(k)
    slope = (c6 - c0 / k) / k + c2 + k * (2.0 * c3 + k * (3.0 * c4 + k * 4.0 * c5))
    return np.exp(log_p), slope
