"""Photovoltaic power from measured sunshine: position of the sun, tracking, panels, inverter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.site.weather import Weather

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["Panels", "Sunshine", "on_panels", "pv_output", "sun_position", "sunshine_of"]

_SOLAR_CONSTANT: Final = 1366.1  # W/m2: ASTM E490
_J2000: Final = np.datetime64("2000-01-01T12:00:00")
_REFERENCE_C: Final = 25.0  # standard test conditions
_REFERENCE_W_PER_M2: Final = 1000.0


@dataclass(frozen=True)
class Panels:
    """Panels and their inverter; what is stated here is PVWatts's utility plant.

    Parameters
    ----------
    tracking : bool
        Whether they turn about a level axis from north to south, with backtracking.
    tilt_deg, azimuth_deg : float
        Of fixed panels: from the horizontal, and from north by east.
    most_tilt_deg : float
        Of tracking panels.
    ground_cover : float
        Width of tracking panels over the distance of their rows.
    dc_over_ac : float
        Power of the panels over that of the inverter.
    per_k : float
        Change of the panels' power for each kelvin above 25 C: premium modules.
    losses : float
        Soiling, shading, wires, mismatch and stops.
    inverter : float
        Efficiency of the inverter at full power.
    albedo : float
        Part of the light that the ground throws back.
    """

    tracking: bool = True
    tilt_deg: float = 20.0
    azimuth_deg: float = 180.0
    most_tilt_deg: float = 60.0
    ground_cover: float = 0.4
    dc_over_ac: float = 1.3
    per_k: float = -0.0035
    losses: float = 0.14
    inverter: float = 0.96
    albedo: float = 0.2


@dataclass(frozen=True, eq=False)
class Sunshine:
    """Sunshine and air by hour.

    Parameters
    ----------
    times : ndarray of datetime64 (hours,)
        Middle of each hour, UTC.
    global_w_per_m2, direct_w_per_m2, diffuse_w_per_m2 : ndarray (hours,)
        On level ground; of the beam, across it; of the sky, on level ground.
    dry_bulb_c, wind_m_per_s : ndarray (hours,)
        Air.
    """

    times: Times
    global_w_per_m2: Array
    direct_w_per_m2: Array
    diffuse_w_per_m2: Array
    dry_bulb_c: Array
    wind_m_per_s: Array


def sunshine_of(weather: Weather) -> Sunshine:
    """Return the sunshine of a year of weather, such as a weather file's.

    Raises
    ------
    InputError
        If the weather has no light or wind, or leaves an hour out.
    """
    needed = ("ghi_w_per_m2", "dni_w_per_m2", "dhi_w_per_m2", "wind_m_per_s")
    for field in needed:
        values = getattr(weather, field)
        if values is None or not np.isfinite(values).all():
            lack = (
                "none" if values is None else f"{int((~np.isfinite(values)).sum())} hours without"
            )
            message = f"{weather.name}: solar power needs {field} in every hour; found {lack}"
            raise InputError(message)
    light = [np.asarray(getattr(weather, field), dtype=float) for field in needed]
    middle = weather.times + np.timedelta64(30, "m")
    return Sunshine(middle, light[0], light[1], light[2], weather.dry_bulb_c, light[3])


def sun_position(times: Times, latitude_deg: float, longitude_deg: float) -> tuple[Array, Array]:
    """Return height above the horizon and azimuth from north by east, degrees, without refraction.

    The Astronomical Almanac's approximation, within 0.01 degrees from 1950 to 2050 [1]_.

    References
    ----------
    .. [1] J. J. Michalsky, "The Astronomical Almanac's algorithm for approximate solar position",
       Solar Energy 40 (1988) 227-235.
    """
    day = (times.astype("datetime64[s]") - _J2000) / np.timedelta64(1, "D")
    day = np.asarray(day, dtype=float)
    mean = np.radians(357.528 + 0.9856003 * day)
    longitude = np.radians(
        280.460 + 0.9856474 * day + 1.915 * np.sin(mean) + 0.020 * np.sin(2.0 * mean)
    )
    tilt = np.radians(23.439 - 4e-7 * day)
    ascension = np.arctan2(np.cos(tilt) * np.sin(longitude), np.cos(longitude))
    declination = np.arcsin(np.sin(tilt) * np.sin(longitude))
    sidereal = np.radians(15.0 * (18.697374558 + 24.06570982441908 * day) + longitude_deg)
    angle, latitude = sidereal - ascension, np.radians(latitude_deg)
    up = np.sin(latitude) * np.sin(declination)
    up = up + np.cos(latitude) * np.cos(declination) * np.cos(angle)
    east = -np.cos(declination) * np.sin(angle)
    north = np.sin(declination) * np.cos(latitude)
    north = north - np.cos(declination) * np.sin(latitude) * np.cos(angle)
    height: Array = np.degrees(np.arcsin(np.clip(up, -1.0, 1.0)))
    azimuth: Array = np.degrees(np.arctan2(east, north)) % 360.0
    return height, azimuth


def _facing(panels: Panels, height: Array, azimuth: Array) -> tuple[Array, Array]:
    """Return cosines of the light's angle to the panels, and of the panels' tilt."""
    up, level = np.sin(np.radians(height)), np.cos(np.radians(height))
    if not panels.tracking:
        tilt = np.radians(panels.tilt_deg)
        turned = np.cos(np.radians(azimuth - panels.azimuth_deg))
        return np.cos(tilt) * up + np.sin(tilt) * level * turned, np.full(up.shape, np.cos(tilt))
    east = level * np.sin(np.radians(azimuth))
    turn = np.arctan2(east, up)
    # K. Anderson and M. Mikofski, NREL/TP-5K00-76626 (2020), equation 14: rows out of the shade.
    across = np.abs(np.cos(turn)) / panels.ground_cover
    back = np.where(across < 1.0, np.arccos(np.minimum(across, 1.0)), 0.0)
    most = np.radians(panels.most_tilt_deg)
    turn = np.clip(turn - np.sign(turn) * back, -most, most)
    return np.cos(turn) * up + np.sin(turn) * east, np.cos(turn)


def on_panels(panels: Panels, sun: Sunshine, latitude_deg: float, longitude_deg: float) -> Array:
    r"""Return the light that the panels take, W/m2: beam, sky and ground.

    The sky is that of Hay and Davies [1]_, with the part :math:`A` of the beam around the sun, and
    the beam loses what glass throws back at a slant, :math:`1 - 0.05 (1/\cos\theta - 1)` [2]_.

    References
    ----------
    .. [1] J. E. Hay and J. A. Davies, "Calculations of the solar radiation incident on an inclined
       surface", First Canadian Solar Radiation Data Workshop (1980) 59-72.
    .. [2] A. F. Souka and H. H. Safwat, "Determination of the optimum orientations for the double
       exposure flat-plate collector and its reflections", Solar Energy 10 (1966) 170-174: the
       ASHRAE model.
    """
    height, azimuth = sun_position(sun.times, latitude_deg, longitude_deg)
    facing, level = _facing(panels, height, azimuth)
    up = np.sin(np.radians(height))
    days = (sun.times.astype("datetime64[D]") - sun.times.astype("datetime64[Y]")).astype(float)
    extra = _SOLAR_CONSTANT * (1.0 + 0.033 * np.cos(2.0 * np.pi * (days + 1.0) / 365.0))
    beam, around = np.maximum(facing, 0.0), sun.direct_w_per_m2 / extra
    ratio = beam / np.maximum(up, 0.01745)
    sky = sun.diffuse_w_per_m2 * (around * ratio + (1.0 - around) * (1.0 + level) / 2.0)
    ground = sun.global_w_per_m2 * panels.albedo * (1.0 - level) / 2.0
    slant = 1.0 - 0.05 * (1.0 / np.maximum(beam, 1e-6) - 1.0)
    direct = sun.direct_w_per_m2 * beam * np.clip(slant, 0.0, 1.0)
    light: Array = np.where(up > 0.0, direct + sky + ground, 0.0)
    return light


def pv_output(panels: Panels, sun: Sunshine, latitude_deg: float, longitude_deg: float) -> Array:
    r"""Return the output of a solar plant per unit of its inverter's power in each hour.

    PVWatts [1]_: power falls with the panels' warmth above 25 C, which is that of Faiman [2]_,
    :math:`T = T_a + E / (25 + 6.84\, v)`; losses; an inverter with its curve at part load, which
    cuts off at its power.

    Parameters
    ----------
    panels : Panels
        The plant.
    sun : Sunshine
        Hours.
    latitude_deg, longitude_deg : float
        Place; east and north are positive.

    References
    ----------
    .. [1] A. P. Dobos, "PVWatts Version 5 Manual", NREL/TP-6A20-62641 (2014).
    .. [2] D. Faiman, "Assessing the outdoor operating temperature of photovoltaic modules",
       Progress in Photovoltaics 16 (2008) 307-315.
    """
    if panels.dc_over_ac <= 0.0 or not 0.0 <= panels.losses < 1.0:
        message = "dc_over_ac must be positive and losses within [0, 1)"
        raise InputError(message)
    light = on_panels(panels, sun, latitude_deg, longitude_deg)
    warmth = sun.dry_bulb_c + light / (25.0 + 6.84 * sun.wind_m_per_s)
    power = light / _REFERENCE_W_PER_M2 * (1.0 + panels.per_k * (warmth - _REFERENCE_C))
    # The inverter's own input at full power is more than what it gives.
    load = panels.dc_over_ac * np.maximum(power, 0.0) * (1.0 - panels.losses) * panels.inverter
    part = np.maximum(load, 1e-9)
    efficiency = panels.inverter / 0.9637 * (-0.0162 * part - 0.0059 / part + 0.9858)
    output: Array = np.clip(efficiency * load / panels.inverter, 0.0, 1.0)
    return output
