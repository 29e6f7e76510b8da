"""Wind power from the wind of a weather station."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError

if TYPE_CHECKING:
    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["hub_wind", "power_curve", "wind_output"]

_ROUNDS = 60


def hub_wind(
    wind_m_per_s: Hours,
    hub_height_m: float,
    *,
    measured_at_m: float = 10.0,
    shear_exponent: float = 1.0 / 7.0,
) -> Hours:
    r"""Return the wind at the hub, m/s, by the power law [1]_.

    .. math:: v = v_0 \left(\frac{h}{h_0}\right)^\alpha

    Parameters
    ----------
    wind_m_per_s : ndarray (hours,)
        Wind as measured.
    hub_height_m, measured_at_m : float
        Heights above ground; stations measure at 10 m.
    shear_exponent : float
        One seventh over open, flat land by day; more by night and over rough land.

    References
    ----------
    .. [1] E. W. Peterson and J. P. Hennessey, "On the use of power laws for estimates of wind power
       potential", Journal of Applied Meteorology 17 (1978) 390-394.

    Examples
    --------
    >>> round(float(hub_wind(np.array([5.0]), 100.0)[0]), 2)
    6.95
    """
    if hub_height_m <= 0.0 or measured_at_m <= 0.0:
        message = "heights above ground must be positive"
        raise InputError(message)
    wind: Hours = np.asarray(wind_m_per_s, dtype=float) * (
        (hub_height_m / measured_at_m) ** shear_exponent
    )
    return wind


def power_curve(name: str = "iec-2") -> tuple[Hours, Hours]:
    """Return wind at the hub in m/s and power over rated power of a curve of the catalogue."""
    points = [
        (entry.number("wind_m_per_s"), entry.number("power"))
        for entry in catalog.load().where("power_curve", curve=name)
    ]
    if not points:
        known = {entry.text("curve") for entry in catalog.load().entries("power_curve")}
        message = f"the catalogue has no power curve named '{name}'; it has {', '.join(known)}"
        raise InputError(message)
    wind, power = np.array(sorted(points), dtype=float).T
    return wind, power


def wind_output(
    hub_wind_m_per_s: Hours,
    *,
    losses: float = 0.0,
    curve: str = "iec-2",
    capacity_factor: float | None = None,
) -> Hours:
    """Return the output of a wind farm per unit of capacity in each hour.

    The power curve is a composite of turbines of one class. Below its first wind and above its last
    nothing is given. Winds of an airport say when it blows, not how much it blows at a good site:
    with a `capacity_factor` all winds are scaled by one number so that the mean output is that.

    Parameters
    ----------
    hub_wind_m_per_s : ndarray (hours,)
        Wind at the hub.
    losses : float
        Part of the output lost in wakes, cables and stops, within [0, 1).
    curve : str
        Power curve of the catalogue.
    capacity_factor : float, optional
        Mean output over capacity to scale the winds to.

    Raises
    ------
    InputError
        If no scale of the winds gives so high a capacity factor, or a number is out of range.
    """
    speeds, powers = power_curve(curve)
    if not 0.0 <= losses < 1.0:
        message = f"losses must be within [0, 1); found {losses:g}"
        raise InputError(message)

    def output(scale: float) -> Hours:
        given: Hours = (1.0 - losses) * np.interp(
            scale * np.asarray(hub_wind_m_per_s, dtype=float), speeds, powers, left=0.0, right=0.0
        )
        return given

    if capacity_factor is None:
        return output(1.0)
    # The mean rises with the winds until the curve falls off in storms: look up to its best.
    scales = np.geomspace(0.1, 10.0, 200)
    means = np.array([output(s).mean() for s in scales])
    best = int(means.argmax())
    if not 0.0 <= capacity_factor <= means[best]:
        message = (
            f"a wind capacity factor of {capacity_factor:g} cannot be reached: at most "
            f"{means[best]:.3f} with these winds"
        )
        raise InputError(message)
    low, high = 0.0, float(scales[best])
    for _ in range(_ROUNDS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if output(middle).mean() < capacity_factor else (low, middle)
    return output(high)
