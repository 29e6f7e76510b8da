"""State of moist air: humidity, dew point, enthalpy, density and wet bulb, on whole arrays.

Every function takes numbers or arrays and broadcasts them. Humidity ratio (kg of vapour for each kg
of dry air) is the currency between them, as it stays the same when air is warmed or cooled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = [
    "density_kg_per_m3",
    "dew_point_c",
    "enthalpy_kj_per_kg",
    "humidity_ratio",
    "humidity_ratio_at_dew_point",
    "humidity_ratio_at_wet_bulb",
    "relative_humidity",
    "saturated_temperature_c",
    "saturation_pressure_pa",
    "standard_pressure_pa",
    "wet_bulb_c",
    "wet_bulb_line_c",
    "wet_bulb_of_humidity_c",
]

_ZERO_CELSIUS_K: Final = 273.15
_TRIPLE_POINT_C: Final = 0.01
_VAPOUR_TO_DRY_AIR: Final = 0.621945  # ratio of the molar masses of water and dry air
_DRY_AIR_J_PER_KG_K: Final = 287.042
# psychrolib's floor: drier air is taken to hold this much, as its dew point would lie below -100 C.
_DRIEST: Final = 1e-7

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


def standard_pressure_pa(elevation_m: Hours | float) -> Hours:
    """Return the pressure of the standard atmosphere [Pa] (equation 3).

    Examples
    --------
    >>> round(float(standard_pressure_pa(1500.0)))
    84556
    """
    return np.asarray(101325.0 * (1.0 - 2.25577e-5 * np.asarray(elevation_m)) ** 5.2559)


def saturation_pressure_pa(temperature_c: Hours | float) -> Hours:
    """Return the pressure of saturated vapour [Pa], over ice up to the triple point, else water.

    Parameters
    ----------
    temperature_c : ndarray or float
        Within -100 to 200 [°C].

    References
    ----------
    ASHRAE Handbook - Fundamentals (2017), chapter 1, equations 5 and 6.

    Examples
    --------
    >>> round(float(saturation_pressure_pa(25.0)), 1)
    3169.2
    """
    t = np.asarray(temperature_c, np.float64)
    vapour, _ = _saturation(t.ravel())
    return vapour.reshape(t.shape)


def humidity_ratio(
    temperature_c: Hours | float, relative_humidity: Hours | float, pressure_pa: Hours | float
) -> Hours:
    """Return kg of vapour for each kg of dry air from a relative humidity of 0 to 1."""
    vapour = saturation_pressure_pa(temperature_c) * relative_humidity
    return _ratio(vapour, np.asarray(pressure_pa, np.float64))


def humidity_ratio_at_dew_point(dew_point_c: Hours | float, pressure_pa: Hours | float) -> Hours:
    """Return kg of vapour for each kg of dry air from the dew point [°C]."""
    return _ratio(saturation_pressure_pa(dew_point_c), np.asarray(pressure_pa, np.float64))


def humidity_ratio_at_wet_bulb(
    temperature_c: Hours | float, wet_bulb_c: Hours | float, pressure_pa: Hours | float
) -> Hours:
    """Return kg of vapour for each kg of dry air from dry and wet bulb [°C].

    At wet bulbs of 0 °C and more the wick is wet (equation 33), below it is icy (equation 35).
    Wet bulbs below what dry air would have give the driest air, 1e-7.
    """
    t, wet = np.broadcast_arrays(np.asarray(temperature_c, np.float64), wet_bulb_c)
    saturated = humidity_ratio_at_dew_point(wet, pressure_pa)
    a, b, c = (
        np.where(wet < 0.0, ice, water) for ice, water in zip(_WICK_ICE, _WICK_WATER, strict=True)
    )
    found = ((a - b * wet) * saturated - 1.006 * (t - wet)) / (a + 1.86 * t - c * wet)
    return np.asarray(np.maximum(found, _DRIEST))


def relative_humidity(
    temperature_c: Hours | float, humidity_ratio: Hours | float, pressure_pa: Hours | float
) -> Hours:
    """Return the relative humidity, 0 to 1 (above 1: more than the air can hold)."""
    vapour = _vapour_pa(np.asarray(humidity_ratio, np.float64), np.asarray(pressure_pa))
    return np.asarray(vapour / saturation_pressure_pa(temperature_c))


def enthalpy_kj_per_kg(temperature_c: Hours | float, humidity_ratio: Hours | float) -> Hours:
    """Return the enthalpy of moist air for each kg of dry air [kJ/kg] (equation 30)."""
    t = np.asarray(temperature_c, np.float64)
    return np.asarray(1.006 * t + humidity_ratio * (2501.0 + 1.86 * t))


def density_kg_per_m3(
    temperature_c: Hours | float, humidity_ratio: Hours | float, pressure_pa: Hours | float
) -> Hours:
    """Return the mass of moist air in a cubic metre [kg/m³] (equations 9b and 26)."""
    w = np.asarray(humidity_ratio, np.float64)
    kelvin = np.asarray(temperature_c, np.float64) + _ZERO_CELSIUS_K
    volume = _DRY_AIR_J_PER_KG_K * kelvin * (1.0 + 1.607858 * w) / pressure_pa
    return np.asarray((1.0 + w) / volume)


def dew_point_c(humidity_ratio: Hours | float, pressure_pa: Hours | float) -> Hours:
    """Return the dew (or frost) point [°C] of a humidity ratio.

    Examples
    --------
    >>> w = humidity_ratio_at_dew_point(12.0, 101325.0)
    >>> round(float(dew_point_c(w, 101325.0)), 6)
    12.0
    """
    w, pressure = np.broadcast_arrays(np.asarray(humidity_ratio, np.float64), pressure_pa)
    goal = np.log(_vapour_pa(np.maximum(w, _DRIEST), np.asarray(pressure, np.float64)).ravel())
    found = _magnus_c(goal)
    for _ in range(3):
        vapour, slope = _saturation(found)
        found = found - (np.log(vapour) - goal) / slope
    return found.reshape(w.shape)


def saturated_temperature_c(enthalpy_kj_per_kg: Hours | float, pressure_pa: Hours | float) -> Hours:
    """Return the temperature [°C] at which saturated air has an enthalpy, from -40 to 80 °C.

    Examples
    --------
    >>> h = enthalpy_kj_per_kg(30.0, humidity_ratio(30.0, 1.0, 101325.0))
    >>> round(float(saturated_temperature_c(h, 101325.0)), 6)
    30.0
    """
    h, pressure = np.broadcast_arrays(np.asarray(enthalpy_kj_per_kg, np.float64), pressure_pa)
    shape, h, pressure = h.shape, h.ravel(), np.asarray(pressure, np.float64).ravel()
    # Air is cooler than if all of its enthalpy were in the vapour, or none. From above, Newton's
    # method on a convex curve comes down without overshooting.
    moist = _magnus_c(np.log(_vapour_pa(np.maximum(h, 0.1) / 2501.0, pressure))) + 1.0
    t = np.where(h > 0.1, np.minimum(moist, h / 1.006), h / 1.006)
    for _ in range(8):
        vapour, slope = _saturation(t)
        w = _ratio(vapour, pressure)
        change = w * slope * pressure / (pressure - vapour)
        heat = 1.006 * t + w * (2501.0 + 1.86 * t) - h
        t = t - heat / (1.006 + 1.86 * w + change * (2501.0 + 1.86 * t))
    return np.asarray(t.reshape(shape))


def wet_bulb_line_c(
    humidity_ratio: Hours | float, wet_bulb_c: Hours | float, pressure_pa: Hours | float
) -> Hours:
    """Return the dry bulb [°C] of air with a humidity ratio on the line of a wet bulb above 0 °C.

    Air that water evaporates into, without other heat, moves along this line (equation 33 solved
    for the dry bulb).

    Examples
    --------
    >>> w = humidity_ratio_at_wet_bulb(35.0, 20.0, 101325.0)
    >>> round(float(wet_bulb_line_c(w, 20.0, 101325.0)), 6)
    35.0
    """
    wet = np.asarray(wet_bulb_c, np.float64)
    a, b, c = _WICK_WATER
    heat = (a - b * wet) * humidity_ratio_at_dew_point(wet, pressure_pa) + 1.006 * wet
    return np.asarray((heat - humidity_ratio * (a - c * wet)) / (1.006 + 1.86 * humidity_ratio))


def wet_bulb_c(
    temperature_c: Hours | float, dew_point_c: Hours | float, pressure_pa: Hours | float
) -> Hours:
    """Return the thermodynamic wet bulb from dry bulb, dew point and pressure.

    Parameters
    ----------
    temperature_c, dew_point_c : ndarray or float
        Dry bulb and dew point [°C]; a dew point above the dry bulb counts as saturation.
    pressure_pa : ndarray or float
        Air pressure [Pa].

    Returns
    -------
    ndarray
        Wet bulb [°C]; see `wet_bulb_of_humidity_c`.

    Examples
    --------
    >>> round(float(wet_bulb_c(30.0, 20.0, 101325.0)), 2)
    22.94
    """
    dew = np.minimum(dew_point_c, temperature_c)
    found = _wet_bulb(temperature_c, humidity_ratio_at_dew_point(dew, pressure_pa), pressure_pa)
    return np.clip(found, dew, temperature_c)


def wet_bulb_of_humidity_c(
    temperature_c: Hours | float, humidity_ratio: Hours | float, pressure_pa: Hours | float
) -> Hours:
    r"""Return the thermodynamic wet bulb from dry bulb, humidity ratio and pressure.

    .. math:: W = \frac{(2501 - 2.326 t^*) W_s(t^*) - 1.006 (t - t^*)}{2501 + 1.86 t - 4.186 t^*}

    is solved for t* by Newton's method; below freezing the equation for ice takes its place.

    Parameters
    ----------
    temperature_c : ndarray or float
        Dry bulb [°C], within -40 to 55.
    humidity_ratio : ndarray or float
        kg of vapour for each kg of dry air; more than saturation counts as saturation.
    pressure_pa : ndarray or float
        Air pressure [Pa], within 60,000 to 105,000.

    Returns
    -------
    ndarray
        Wet bulb [°C].

    Notes
    -----
    Within 0.002 K of the bisection in psychrolib [2]_ over the whole range. In a band of less than
    1 K around freezing a wet and an icy wick both balance. Which of the two psychrolib finds
    follows from where its bisection first looks; the same one is returned here.

    References
    ----------
    .. [1] ASHRAE Handbook - Fundamentals (2017), chapter 1, equations 5, 6, 20, 33 and 35.
    .. [2] D. Meyer and D. Thevenard, "PsychroLib: a library of psychrometric functions to calculate
       thermodynamic properties of air", Journal of Open Source Software 4(33), 1137 (2019).
    """
    saturated = humidity_ratio_at_dew_point(temperature_c, pressure_pa)
    return _wet_bulb(temperature_c, np.minimum(humidity_ratio, saturated), pressure_pa)


def _wet_bulb(
    temperature_c: Hours | float, humidity_ratio: Hours | float, pressure_pa: Hours | float
) -> Hours:
    t, humidity, pressure = np.broadcast_arrays(
        np.asarray(temperature_c, np.float64), np.maximum(humidity_ratio, _DRIEST), pressure_pa
    )
    shape, t, humidity = t.shape, t.ravel(), humidity.ravel()
    pressure = np.asarray(pressure, np.float64).ravel()
    # The wet bulb lies about a third of the way down from the dry bulb to the dew point.
    dew = np.minimum(_magnus_c(np.log(_vapour_pa(humidity, pressure))), t)
    found = _newton(t - (t - dew) / 3.0, t, humidity, pressure, _OVER_WATER, _WICK_WATER)
    cold = np.flatnonzero(found < _OVERLAP_K)
    if cold.size:
        start = np.minimum(found[cold], 0.0)
        icy = _newton(start, t[cold], humidity[cold], pressure[cold], _OVER_ICE, _WICK_ICE)
        both = (found[cold] >= 0.0) & (icy < 0.0)
        found[cold] = np.where(found[cold] < 0.0, icy, found[cold])
        if both.any():
            at = cold[both]
            dew = dew_point_c(humidity[at], pressure[at])
            found[at] = _first_found(dew, t[at], icy[both], found[at])
    return np.asarray(np.minimum(found, t).reshape(shape))


# A wet wick and an icy one can both balance only where the wet root lies below this; at 60 kPa, the
# worst pressure of the range, the two roots part at 0.9 K.
_OVERLAP_K: Final = 1.5


def _first_found(dew: Hours, t: Hours, icy: Hours, wet: Hours) -> Hours:
    """Return that of two roots which a bisection from dew point to dry bulb closes in on.

    Below the icy root and between 0 and the wet one the wick is too cold; elsewhere too warm.
    """
    low, high = dew.copy(), t.copy()
    for _ in range(40):
        middle = (low + high) / 2.0
        warm = np.where(middle < 0.0, middle > icy, middle > wet)
        high = np.where(warm, middle, high)
        low = np.where(warm, low, middle)
    return np.where(low < 0.0, icy, wet)


def _newton(
    guess: Hours,
    t: Hours,
    humidity: Hours,
    pressure: Hours,
    phase: tuple[float, ...],
    wick: tuple[float, float, float],
) -> Hours:
    """Return the root of the wick's heat balance."""
    a, b, c = wick
    for _ in range(_STEPS):
        vapour, slope = _saturation_over(guess, phase)
        saturated = _ratio(vapour, pressure)
        balance = (a - b * guess) * saturated - 1.006 * (t - guess)
        balance -= (a + 1.86 * t - c * guess) * humidity
        # d W_s / d t = W_s x (d ln p / d t) x P / (P - p), from W = 0.621945 p / (P - p).
        change = saturated * slope * pressure / (pressure - vapour)
        guess = guess - balance / ((a - b * guess) * change - b * saturated + 1.006 + c * humidity)
    return guess


_STEPS: Final = 4


def _magnus_c(log_pa: Hours) -> Hours:
    """Return the dew point by Magnus' formula, within a kelvin: a start for Newton's method."""
    scaled = (log_pa - np.log(611.2)) / 17.62
    return np.asarray(243.12 * scaled / (1.0 - scaled))


def _ratio(vapour_pa: Hours, pressure_pa: Hours) -> Hours:
    """Return kg of vapour for each kg of dry air (equation 20)."""
    return np.asarray(_VAPOUR_TO_DRY_AIR * vapour_pa / (pressure_pa - vapour_pa))


def _vapour_pa(humidity: Hours, pressure_pa: Hours) -> Hours:
    """Return the pressure of the vapour [Pa], the inverse of `_ratio`."""
    return np.asarray(pressure_pa * humidity / (_VAPOUR_TO_DRY_AIR + humidity))


def _saturation(t: Hours) -> tuple[Hours, Hours]:
    """Return the saturation pressure and its slope, over ice up to the triple point."""
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
