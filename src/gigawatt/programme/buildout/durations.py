r"""Lead times as distributions: a median with a P10 and a P90 that need not lie evenly about it.

Two halves of a lognormal meet at the median:

.. math:: t(z) = t_{50} \exp(\sigma_\pm z), \qquad
          \sigma_- = \frac{\ln(t_{50} / t_{10})}{z_{90}}, \quad
          \sigma_+ = \frac{\ln(t_{90} / t_{50})}{z_{90}}

with :math:`z` standard normal and :math:`z_{90} = 1.2816`. Published ranges are read as P10 to P90.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["DAYS_PER_MONTH", "Z90", "LeadTime"]

DAYS_PER_MONTH: Final = 30.436875
"""A twelfth of the Gregorian year."""

Z90: Final = 1.2815515655446004
"""Ninetieth percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class LeadTime:
    """How long a task takes, in days.

    Parameters
    ----------
    p10_days, p50_days, p90_days : float
        Its tenth, fiftieth and ninetieth percentiles, in rising order; alike where it is certain.

    Raises
    ------
    InputError
        If they are not in rising order, or the median is below 0.
    """

    p10_days: float
    p50_days: float
    p90_days: float

    def __post_init__(self) -> None:
        """Refuse percentiles that contradict each other."""
        if not 0.0 <= self.p10_days <= self.p50_days <= self.p90_days:
            message = (
                "expected lead times with 0 <= low_days <= days <= high_days; found "
                f"{self.p10_days:g}, {self.p50_days:g}, {self.p90_days:g}"
            )
            raise InputError(message)
        if self.p10_days == 0.0 < self.p90_days:
            message = "expected a low_days above 0 where high_days is above 0; found 0"
            raise InputError(message)

    def at(self, z: Array) -> Array:
        """Return the lead time at standard normal `z`, in days."""
        if self.p90_days == 0.0:
            return np.zeros_like(z)
        below = np.log(self.p50_days / self.p10_days) / Z90
        above = np.log(self.p90_days / self.p50_days) / Z90
        found: Array = self.p50_days * np.exp(np.where(z < 0.0, below, above) * z)
        return found

    def beyond(self, z: Array, elapsed_days: Array) -> Array:
        """Return draws of the lead time given that it has not ended after `elapsed_days`.

        Parameters
        ----------
        z : ndarray (samples,)
            Standard normal draws.
        elapsed_days : ndarray (samples,)
            Days since the task was begun.
        """
        from scipy.special import ndtr, ndtri  # type: ignore[import-untyped]  # noqa: PLC0415  slow

        if self.p10_days == self.p90_days:
            return np.maximum(self.at(z), elapsed_days)
        # The upper tail keeps its digits where the lower one would round to 1.
        open_ = ndtr(-self._z_of(elapsed_days))
        return np.maximum(self.at(-ndtri(open_ * ndtr(-z))), elapsed_days)

    def _z_of(self, days: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.log(days / self.p50_days)
            below = log * Z90 / np.log(self.p50_days / self.p10_days)
            above = log * Z90 / np.log(self.p90_days / self.p50_days)
        sides = np.where(log < 0.0, below, above)
        z: Array = np.clip(np.nan_to_num(sides, nan=0.0), -30.0, 30.0)
        return z
