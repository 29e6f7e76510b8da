"""From dates of phases to power by month and the day on which a power is reached."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["first_days", "power_by_day", "reached_days"]

_ROUNDING_MW: Final = 1e-6


def reached_days(phase_days: Array, mw: Sequence[float], target_mw: float) -> Array:
    """Return when the phases that are there come to a power.

    Parameters
    ----------
    phase_days : ndarray (phases, samples)
        When each phase is there, in days.
    mw : sequence of float (phases,)
        What each adds, in MW.
    target_mw : float
        The power to reach, in MW.

    Returns
    -------
    ndarray (samples,)
        Days; infinite where all phases together stay below.
    """
    order = np.argsort(phase_days, axis=0, kind="stable")
    total = np.cumsum(np.asarray(mw, dtype=float)[order], axis=0)
    enough = total >= target_mw - _ROUNDING_MW
    first = enough.argmax(axis=0)
    each = np.arange(phase_days.shape[1])
    days: Array = phase_days[order[first, each], each]
    return np.where(enough.any(axis=0), days, np.inf)


def power_by_day(phase_days: Array, mw: Sequence[float], days: Array) -> Array:
    """Return the power that is there on each of some days (days, samples), in MW."""
    total = np.zeros((days.size, phase_days.shape[1]))
    for when, power in zip(phase_days, mw, strict=True):
        total += power * (when[None, :] <= days[:, None])
    return total


def first_days(first: dt.date, last: dt.date) -> list[dt.date]:
    """Return the first day of every month from that after `first` to that after `last`."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    months = [first.year * 12 + first.month + i for i in range(count)]
    return [dt.date(month // 12, month % 12 + 1, 1) for month in months]
