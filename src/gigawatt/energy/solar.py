"""The daily and yearly round of a solar plant, for a stated capacity factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["solar_output"]


def solar_output(
    times: Times, latitude_deg: float, longitude_deg: float, capacity_factor: float
) -> Hours:
    r"""Return the output of a solar plant per unit of capacity in each hour.

    The output follows the sine of the sun's height, scaled and cut at 1 so that its mean is the
    stated capacity factor:

    .. math:: \sin h = \sin\varphi \sin\delta + \cos\varphi \cos\delta \cos\omega

    with the declination of Cooper [1]_ and the hour angle from mean solar time. Clouds have no
    hours of their own: they are in the capacity factor.

    Parameters
    ----------
    times : ndarray of datetime64 (hours,)
        Start of each hour, UTC; whole years.
    latitude_deg, longitude_deg : float
        Place; east and north are positive.
    capacity_factor : float
        Mean output over capacity, within [0, 1).

    Returns
    -------
    ndarray (hours,)
        Within [0, 1].

    Raises
    ------
    ValueError
        If the sun is not up long enough for so high a capacity factor.

    References
    ----------
    .. [1] P. I. Cooper, "The absorption of radiation in solar stills", Solar Energy 12 (1969),
       equation 1; see J. A. Duffie and W. A. Beckman, Solar Engineering of Thermal Processes,
       Wiley 2013, equations 1.6.1a and 1.6.5.
    """
    day = (times.astype("datetime64[D]") - times.astype("datetime64[Y]")).astype(float) + 1.0
    hour = (times - times.astype("datetime64[D]")).astype("timedelta64[m]").astype(float) / 60.0
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284.0 + day) / 365.0)
    # The middle of the hour stands for it.
    angle = np.radians(15.0 * (hour + 0.5 - 12.0) + longitude_deg)
    latitude = np.radians(latitude_deg)
    height = np.maximum(
        np.sin(latitude) * np.sin(declination)
        + np.cos(latitude) * np.cos(declination) * np.cos(angle),
        0.0,
    )
    if capacity_factor >= float((height > 0).mean()):
        message = f"a solar capacity factor of {capacity_factor:g} is more than the hours of day"
        raise ValueError(message)
    low, high = 0.0, 1.0
    while np.minimum(high * height, 1.0).mean() < capacity_factor:
        high *= 2.0
    for _ in range(50):
        scale = (low + high) / 2.0
        below = np.minimum(scale * height, 1.0).mean() < capacity_factor
        low, high = (scale, high) if below else (low, scale)
    output: Hours = np.minimum(high * height, 1.0)
    return output
