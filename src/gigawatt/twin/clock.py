"""The hours of the horizon."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gigawatt.spec import Horizon

__all__ = ["HOURS_PER_YEAR", "Clock"]

HOURS_PER_YEAR = 8766.0
"""Mean hours of a year with its leap days: yearly rates become hourly ones with it."""


@dataclass(frozen=True)
class Clock:
    """Every hour from the start of the horizon to its end, in UTC.

    Parameters
    ----------
    start, end : date
        First day, and the day after the last.
    """

    start: dt.date
    end: dt.date

    @classmethod
    def of(cls, horizon: Horizon) -> Clock:
        """Return the clock of a campus's horizon: whole calendar years from its start."""
        start = horizon.start
        year = start.year + horizon.years
        try:
            return cls(start, start.replace(year=year))
        except ValueError:  # 29 February, in a year that has none
            return cls(start, dt.date(year, 3, 1))

    @property
    def hours(self) -> int:
        """Number of hours."""
        return (self.end - self.start).days * 24

    @property
    def times(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Start of each hour, as datetime64[s]."""
        return np.arange(
            self.start.isoformat(), self.end.isoformat(), dtype="datetime64[h]"
        ).astype("datetime64[s]")

    @property
    def years(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Calendar year of each hour."""
        return self.times.astype("datetime64[Y]").astype(np.int64) + 1970

    def last_year(self) -> tuple[slice, str]:
        """Return the hours of the last whole calendar year, or of the last 365 days, and a name."""
        for year in range(self.end.year, self.start.year - 1, -1):
            first, after = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
            if first >= self.start and after <= self.end:
                return slice(self.hour_of(first), self.hour_of(after)), f"the year {year}"
        return slice(self.hours - 8760, self.hours), "the last 365 days"

    def hour_of(self, day: dt.date) -> int:
        """Return the index of the first hour of `day`, held within 0 and the number of hours."""
        return min(max((day - self.start).days * 24, 0), self.hours)

    def years_since(self, day: dt.date) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the years from `day` to each hour; negative before it."""
        first = (self.start - day).days * 24
        return (np.arange(self.hours) + first) / HOURS_PER_YEAR
