"""Water that a cooling plant takes in: what evaporates, what is bled and what drifts away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["blowdown_m3_per_h", "drift_m3_per_h"]


def blowdown_m3_per_h(
    evaporation_m3_per_h: Hours, cycles: float, drift_m3_per_h: Hours | float = 0.0
) -> Hours:
    r"""Return the water that must be bled so that salts don't build up.

    .. math:: B = \frac{E}{C - 1} - D, \qquad B \ge 0

    Salts come in with all water and leave with bled water and drift, C times as concentrated.

    Parameters
    ----------
    evaporation_m3_per_h : ndarray
        Water that evaporates, leaving its salts behind.
    cycles : float
        Concentration in the basin over that of the water taken in, above 1.
    drift_m3_per_h : ndarray or float
        Droplets lost.

    Raises
    ------
    InputError
        If the cycles are not above 1.

    References
    ----------
    ASHRAE Handbook - HVAC Systems and Equipment (2016), chapter 40.

    Examples
    --------
    >>> float(blowdown_m3_per_h(np.array(8.0), 5.0))
    2.0
    """
    if cycles <= 1.0:
        message = f"cycles of concentration must exceed 1; got {cycles}"
        raise InputError(message)
    return np.maximum(evaporation_m3_per_h / (cycles - 1.0) - drift_m3_per_h, 0.0)


def drift_m3_per_h(tower_heat_mw: Hours, tower_range_k: float, drift_share: float) -> Hours:
    """Return the droplets that towers lose, a share of the water that circulates in them.

    Parameters
    ----------
    tower_heat_mw : ndarray
        Heat given to the towers.
    tower_range_k : float
        Fall of the water's temperature in them.
    drift_share : float
        Droplets over circulating water.

    Examples
    --------
    >>> round(float(drift_m3_per_h(np.array(100.0), 5.0, 5e-5)), 2)
    0.86
    """
    circulating = tower_heat_mw * 1000.0 / (4.186 * tower_range_k) * 3.6
    return np.asarray(circulating * drift_share)
