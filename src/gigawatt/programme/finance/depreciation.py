"""How an asset is written off: evenly over its life in the books, by the law's tables for tax."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["macrs_shares", "real_property_shares", "straight_line_shares", "tax_shares"]

_FAST: float = 2.0  # declining balance of property of 10 years or less, over straight line
_SLOW: float = 1.5  # of 15 and 20 years
_REAL_PROPERTY_YEARS = 27.5  # what is written off over longer is real property


def straight_line_shares(
    bought: float, life_years: float, years: ArrayLike, end: float = math.inf
) -> Years:
    """Return the part of an asset's cost that each calendar year writes off, evenly over its life.

    Parameters
    ----------
    bought : float
        When it is bought, in years: 2027.5 is the middle of 2027.
    life_years : float
        Its life.
    years : array-like (years,)
        Calendar years.
    end : float
        End of the time looked at, in years, where it lies within the last of them.

    Examples
    --------
    >>> straight_line_shares(2027.5, 2.0, [2026, 2027, 2028, 2029]).tolist()
    [0.0, 0.25, 0.5, 0.25]
    """
    first = np.asarray(years, dtype=float)
    begun = np.maximum(first, bought)
    ended = np.minimum(first + 1.0, min(bought + life_years, end))
    shares: Years = np.maximum(ended - begun, 0.0) / life_years
    return shares


def macrs_shares(recovery_years: int) -> Years:
    """Return the part of the cost that each tax year writes off, half a year in the first.

    Declining balance at twice the straight line (1.5 times for property of 15 and 20 years), until
    the straight line over what is left writes off more.

    Parameters
    ----------
    recovery_years : int
        3, 5, 7, 10, 15 or 20.

    Notes
    -----
    26 U.S.C. 168(b) and (d)(1); IRS Publication 946, table A-1, whose percentages are these
    rounded.

    Examples
    --------
    >>> (100 * macrs_shares(5)).round(2).tolist()
    [20.0, 32.0, 19.2, 11.52, 11.52, 5.76]
    """
    if recovery_years not in {3, 5, 7, 10, 15, 20}:
        message = f"there is no property of {recovery_years} years; 3, 5, 7, 10, 15 or 20"
        raise ValueError(message)
    rate = (_FAST if recovery_years <= 10 else _SLOW) / recovery_years
    left, shares = 1.0, []
    for year in range(recovery_years + 1):
        # Years of the recovery period left at the start of this tax year, half a one being gone.
        remaining = recovery_years - (year - 0.5 if year else 0.0)
        part = 0.5 if year == 0 else 1.0
        share = min(left * max(rate, 1.0 / remaining) * part, left)
        shares.append(share)
        left -= share
    shares[-1] += left
    return np.array(shares)


def real_property_shares(month: int, recovery_years: float = 39.0) -> Years:
    """Return what each tax year writes off of a building put into service in a month, 1 to 12.

    Straight line from the middle of that month.

    Notes
    -----
    26 U.S.C. 168(c) and (d)(2); IRS Publication 946, table A-7a.

    Examples
    --------
    >>> (100 * real_property_shares(1)[:2]).round(3).tolist()
    [2.457, 2.564]
    """
    first = (12 - month + 0.5) / 12.0
    years = np.arange(math.ceil(recovery_years) + 1, dtype=float)
    return straight_line_shares(1.0 - first, recovery_years, years)


def tax_shares(
    recovery_years: float, month: int, *, method: str, at_once_share: float, at_once_longest: float
) -> Years:
    """Return what each tax year writes off, from the year in which the asset is bought.

    Parameters
    ----------
    recovery_years : float
        Years of its class; 0 for land, which is never written off.
    month : int
        Month of purchase, for real property.
    method : str
        ``straight-line`` over the class years with half a year first, ``macrs`` by the law's
        tables, or ``bonus``: a share at once, the rest by the tables.
    at_once_share, at_once_longest : float
        That share, and the longest class that it is granted to.
    """
    if not recovery_years:
        return np.zeros(1)
    if recovery_years >= _REAL_PROPERTY_YEARS:
        return real_property_shares(month, recovery_years)
    if method == "straight-line":
        years = np.arange(math.ceil(recovery_years) + 1, dtype=float)
        return straight_line_shares(0.5, recovery_years, years)
    shares = macrs_shares(int(recovery_years))
    if method == "bonus" and recovery_years <= at_once_longest:
        shares = shares * (1.0 - at_once_share)
        shares[0] += at_once_share
    return shares
