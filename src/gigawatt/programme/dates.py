"""Days as numbers of years."""

from __future__ import annotations

import datetime as dt

__all__ = ["decimal_year"]


def decimal_year(day: dt.date) -> float:
    """Return a day as a year with its fraction.

    Examples
    --------
    >>> decimal_year(dt.date(2027, 7, 2))
    2027.4986301369863
    """
    first = dt.date(day.year, 1, 1)
    return day.year + (day - first).days / (dt.date(day.year + 1, 1, 1) - first).days
