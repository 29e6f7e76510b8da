"""Bonds: interest alone for a while, then level payments until nothing is owed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.programme.finance.annuity import capital_recovery_factor

if TYPE_CHECKING:
    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["BondSchedule", "bond_schedule"]


@dataclass(frozen=True)
class BondSchedule:
    """What a bond pays in each year after its issue.

    Parameters
    ----------
    interest_usd, principal_usd : ndarray (years,)
        Paid in the year.
    owed_usd : ndarray (years,)
        Owed at the end of the year.
    """

    interest_usd: Years
    principal_usd: Years
    owed_usd: Years

    @property
    def service_usd(self) -> Years:
        """Interest and principal of each year."""
        return self.interest_usd + self.principal_usd


def bond_schedule(
    principal: float,
    rate: float,
    years: int,
    *,
    interest_only_years: int = 0,
    payments_per_year: int = 2,
) -> BondSchedule:
    """Return the payments of a bond, by years since its issue.

    Parameters
    ----------
    principal : float
        Sum borrowed, in nominal money.
    rate : float
        Yearly coupon.
    years : int
        Whole years of repayment, after those of interest alone.
    interest_only_years : int
        Years in which only interest is paid.
    payments_per_year : int
        Payments a year.

    Notes
    -----
    Each payment is ``principal x CRF(rate / m, years x m)``; what of it is not interest on the sum
    owed repays it.

    Examples
    --------
    >>> bond_schedule(100.0, 0.0, 2).principal_usd.tolist()
    [50.0, 50.0]
    """
    parts = payments_per_year
    each = principal * capital_recovery_factor(rate / parts, years * parts)
    count = interest_only_years + years
    interest, repaid, left = np.zeros(count), np.zeros(count), np.zeros(count)
    owed = principal
    for payment in range(count * parts):
        year = payment // parts
        due = owed * rate / parts
        back = each - due if year >= interest_only_years else 0.0
        owed -= back
        interest[year] += due
        repaid[year] += back
        left[year] = owed
    left[-1] = 0.0 if abs(left[-1]) < 1e-9 * principal else left[-1]
    return BondSchedule(interest, repaid, left)
