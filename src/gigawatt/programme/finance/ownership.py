"""Cost of owning computing power: a gigawatt for a year, an accelerator for an hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gigawatt.programme.finance.annuity import capital_recovery_factor

__all__ = ["HOURS_PER_YEAR", "Ownership", "owned_usd_per_h", "ownership"]

HOURS_PER_YEAR: Final = 8766.0
"""Mean hours of a year with its leap days."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Yearly cost of a MW of IT power, in US dollars.

    Parameters
    ----------
    compute_usd, facility_usd : float
        Charges on capital.
    operations_usd : float
        Energy and all other running cost.
    """

    compute_usd: float
    facility_usd: float
    operations_usd: float

    @property
    def total_usd(self) -> float:
        """All of it."""
        return self.compute_usd + self.facility_usd + self.operations_usd


def ownership(
    compute_usd_per_it_mw: float,
    facility_usd_per_it_mw: float,
    operations_usd_per_it_mw_year: float,
    *,
    rate: float,
    it_life_years: float,
    facility_life_years: float,
) -> Ownership:
    """Return the yearly cost of a MW of IT power.

    Parameters
    ----------
    compute_usd_per_it_mw, facility_usd_per_it_mw : float
        Capital.
    operations_usd_per_it_mw_year : float
        Energy and all other running cost.
    rate : float
        Yearly cost of capital.
    it_life_years, facility_life_years : float
        Over which capital is charged.

    Examples
    --------
    >>> mid = ownership(26.113e6, 11.769e6, 0.9e6, rate=0.0658, it_life_years=5,
    ...                 facility_life_years=14)
    >>> round(mid.total_usd * 1e3 / 1e9, 1)  # billion USD a GW and year
    8.5
    """
    return Ownership(
        compute_usd_per_it_mw * capital_recovery_factor(rate, it_life_years),
        facility_usd_per_it_mw * capital_recovery_factor(rate, facility_life_years),
        operations_usd_per_it_mw_year,
    )


def owned_usd_per_h(yearly: Ownership, all_in_it_kw: float, in_use: float = 1.0) -> float:
    """Return the cost of one accelerator for an hour in use: its share of the yearly cost of a MW.

    Parameters
    ----------
    yearly : Ownership
        Yearly cost of a MW.
    all_in_it_kw : float
        Rated IT power of the accelerator with its share of host and network.
    in_use : float
        Part of all hours in which it is used.

    Examples
    --------
    >>> round(owned_usd_per_h(Ownership(6e6, 1.5e6, 1e6), 1.45), 2)
    1.41
    """
    return yearly.total_usd * all_in_it_kw / 1000.0 / HOURS_PER_YEAR / in_use
