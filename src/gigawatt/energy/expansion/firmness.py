"""Units that fail: how often and how long, and what that does to capacity."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Fleet", "firm_requirement", "outage_availability"]

_ROUNDING: Final = 1e-9


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The units behind a source, and how they fail.

    Parameters
    ----------
    forced_outage_rate : float
        Part of the time that a unit is out, within [0, 1).
    mean_repair_h : float
        Mean length of an outage, at least an hour.
    units : int
        Equal units; 0 where their number follows from the capacity.
    unit_mw : float
        Size of a unit, in place of `units`: as many equal units as have at most this size.
    """

    forced_outage_rate: float
    mean_repair_h: float
    units: int = 0
    unit_mw: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.forced_outage_rate < 1.0 or not self.mean_repair_h >= 1.0:
            message = (
                "a fleet needs 0 <= forced_outage_rate < 1 and mean_repair_h >= 1; found "
                f"{self.forced_outage_rate:g} and {self.mean_repair_h:g}"
            )
            raise InputError(message)
        if (self.units > 0) == (self.unit_mw > 0.0) or min(self.units, self.unit_mw) < 0:
            message = "a fleet needs either units >= 1 or unit_mw above zero"
            raise InputError(message)
        if self.fails > 1.0:
            message = (
                f"outages of {self.mean_repair_h:g} h cannot be {self.forced_outage_rate:.0%} of "
                "the time"
            )
            raise InputError(message)

    @classmethod
    def of_times(
        cls, mean_up_h: float, mean_repair_h: float, *, units: int = 0, unit_mw: float = 0.0
    ) -> Fleet:
        """Return a fleet of units that run for a mean time to failure and are repaired in another.

        Examples
        --------
        >>> Fleet.of_times(950.0, 50.0, units=2).forced_outage_rate
        0.05
        """
        if mean_up_h <= 0.0 or mean_repair_h <= 0.0:
            message = "the mean times to failure and of repair must be positive"
            raise InputError(message)
        rate = mean_repair_h / (mean_up_h + mean_repair_h)
        return cls(
            forced_outage_rate=rate, mean_repair_h=mean_repair_h, units=units, unit_mw=unit_mw
        )

    @property
    def fails(self) -> float:
        """Chance that a unit in service fails within an hour."""
        q = self.forced_outage_rate
        return q / ((1.0 - q) * self.mean_repair_h)

    def count(self, capacity_mw: float) -> int:
        """Return how many units a capacity is made of."""
        if self.units:
            return self.units
        return max(1, ceil(capacity_mw / self.unit_mw - _ROUNDING))


def firm_requirement(peak_mw: float, units_mw: Sequence[float], spare: int) -> float:
    """Return the capacity that serves the peak with the largest units out: N + `spare`.

    Examples
    --------
    >>> firm_requirement(200.0, [50.0, 40.0, 40.0], 2)
    290.0
    """
    if spare > len(units_mw):
        message = f"{spare} units cannot be spare: there are {len(units_mw)}"
        raise InputError(message)
    return peak_mw + float(sum(sorted(units_mw, reverse=True)[:spare]))


def outage_availability(
    fleet: Fleet, hours: int, seed: int | Sequence[int], *, units: int | None = None
) -> Array:
    r"""Return the part of a fleet that is not out in each hour.

    Each unit is a two-state Markov chain [1]_: an hour of outage ends with probability
    :math:`\mu = 1 / \text{mean repair}`, an hour of service with
    :math:`\lambda = \mu\, q / (1 - q)`, so that a unit is out for the part :math:`q` of the time.
    It starts in its steady state. Lengths of service and outage are drawn, not each hour; they are
    geometric, which is the same chain.

    Parameters
    ----------
    fleet : Fleet
        The fleet.
    hours : int
        Hours to draw.
    seed : int or sequence of int
        Each unit has a stream of its own, so that more units leave the first ones as they were.
    units : int, optional
        How many units; those of the fleet if left out.

    References
    ----------
    .. [1] R. Billinton and R. N. Allan, Reliability Evaluation of Power Systems, Plenum 1996,
       section 2.2.
    """
    count = fleet.units if units is None else units
    if count < 1:
        message = "state how many units there are"
        raise InputError(message)
    fails, mends = fleet.fails, 1.0 / fleet.mean_repair_h
    available = np.zeros(hours)
    key = [seed] if isinstance(seed, int) else list(seed)
    for unit in range(count):
        if fails == 0.0:
            available += 1.0
            continue
        rng = np.random.default_rng([*key, unit])
        out = bool(rng.random() < fleet.forced_outage_rate)
        first, second = (mends, fails) if out else (fails, mends)
        pairs = int(hours * fails * mends / (fails + mends) * 1.5) + 4
        lengths = np.zeros(0, dtype=np.int64)
        while lengths.sum() < hours:
            drawn = np.stack([rng.geometric(first, pairs), rng.geometric(second, pairs)], axis=1)
            lengths = np.append(lengths, drawn.ravel())
        ends = np.minimum(np.cumsum(lengths), hours)
        steps = np.diff(ends, prepend=0)
        up = np.arange(len(steps)) % 2 == (1 if out else 0)
        available += np.repeat(up, steps)
    available /= count
    return available
