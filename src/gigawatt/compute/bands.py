"""A central value with its P10-P90 band, learnt from published points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Estimate", "from_points"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its band, and what it was learnt from.

    Parameters
    ----------
    value, low, high : float
        Median, P10 and P90.
    points : int
        Number of published points behind it.
    facts : tuple of str
        Keys of the facts behind it.
    note : str
        What limits it.
    """

    value: float
    low: float
    high: float
    points: int
    facts: tuple[str, ...]
    note: str = ""

    def scaled(self, factor: float) -> Estimate:
        """Return the estimate times `factor`, with the same provenance."""
        return Estimate(
            self.value * factor,
            self.low * factor,
            self.high * factor,
            self.points,
            self.facts,
            self.note,
        )


def from_points(values: Sequence[float], facts: Sequence[str], note: str = "") -> Estimate:
    """Return the median of `values` and the band in which the next point should lie.

    The band holds 80 % of the predictive distribution of a log-normal sample: with the sample's
    mean m and deviation s of the logarithms, the next point lies within
    m +- t(0.9; n-1) s sqrt(1 + 1/n) with probability 0.8 [1]_. Student's t makes the band wide
    where the points are few; a single point has no spread of its own and is refused.

    Parameters
    ----------
    values : sequence of float
        At least two positive values.
    facts : sequence of str
        Keys of the facts they follow from.
    note : str
        Passed on.

    Raises
    ------
    ValueError
        If there are fewer than two values.

    References
    ----------
    .. [1] G. J. Hahn and W. Q. Meeker, Statistical Intervals, Wiley 1991, section 4.7.
    """
    if len(values) < 2:
        message = "a band needs at least two points"
        raise ValueError(message)
    logs = np.log(np.asarray(values, dtype=float))
    half = _t90(len(logs) - 1) * logs.std(ddof=1) * np.sqrt(1 + 1 / len(logs))
    centre = float(np.median(logs))
    return Estimate(
        float(np.exp(centre)),
        float(np.exp(centre - half)),
        float(np.exp(centre + half)),
        len(logs),
        tuple(dict.fromkeys(facts)),
        note,
    )


def _t90(degrees: int) -> float:
    """Return the 90th percentile of Student's t (Abramowitz and Stegun 1964, 26.7.5)."""
    if degrees == 1:  # the expansion is poor at the two smallest, where closed forms exist
        return float(np.tan(np.pi * 0.4))
    if degrees == 2:
        return float(0.8 * np.sqrt(2 / (1 - 0.8**2)))
    z, n = 1.2815515655446004, degrees
    return float(
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
