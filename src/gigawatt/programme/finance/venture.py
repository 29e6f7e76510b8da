"""A joint venture that builds the facility on bonds and lets it to the one who computes in it.

The owner and an investor pay for the building by their shares. The investor borrows his part and
the interest until rent comes in; the rent is what serves his bonds, over his share. The owner
guarantees what the building is worth for a while, so that the bonds are repaid if he leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.programme.finance.annuity import level_payment
from gigawatt.programme.finance.debt import bond_schedule

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = [
    "Venture",
    "VentureSchedule",
    "building_years",
    "investor_bonds_usd",
    "published_venture",
    "rent_usd_per_year",
    "venture_schedule",
]

_YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Venture:
    """What the partners agreed, in nominal US dollars.

    Parameters
    ----------
    development_usd : float
        Cost of building, borne by shares.
    investor_share : float
        Share of the investor; the owner has the rest.
    bond_usd : float
        What the investor borrows.
    coupon : float
        Yearly, in two payments.
    building_years : float
        From the bonds to the first rent.
    lease_years : int
        Years of one term of the lease.
    longest_lease_years : int
        With every extension; the bonds are repaid over them.
    guarantee_years : int
        Years of rent in which the owner guarantees the value.
    guarantee_usd : float
        Value guaranteed in the first of them; later it falls as the debt does.
    """

    development_usd: float
    investor_share: float
    bond_usd: float
    coupon: float
    building_years: float
    lease_years: int
    longest_lease_years: int
    guarantee_years: int
    guarantee_usd: float

    @property
    def owner_share(self) -> float:
        """Share of the owner, who is the tenant too."""
        return 1.0 - self.investor_share

    @property
    def rent_usd(self) -> float:
        """Rent of a year."""
        return rent_usd_per_year(
            self.bond_usd, self.coupon, self.longest_lease_years, self.investor_share
        )

    def guarantee_payment_usd(self, lease_year: int, value_usd: float) -> float:
        """Return what the owner pays if he leaves after `lease_year` years of rent.

        The difference between the threshold then and what the building is worth, nothing where it
        is worth more or the guarantee has ended.
        """
        if not 0 <= lease_year <= self.guarantee_years:
            return 0.0
        return max(self.threshold_usd(lease_year) - value_usd, 0.0)

    def threshold_usd(self, lease_year: int) -> float:
        """Return the value guaranteed after `lease_year` years of rent.

        Published is where it begins and that it falls. Here it falls as the bonds do, since it is
        there to repay them.
        """
        if lease_year == 0:
            return self.guarantee_usd
        bonds = bond_schedule(self.bond_usd, self.coupon, self.longest_lease_years)
        return self.guarantee_usd * float(bonds.owed_usd[lease_year - 1]) / self.bond_usd


@dataclass(frozen=True)
class VentureSchedule:
    """Who pays what when, by years of rent, in nominal US dollars.

    Parameters
    ----------
    rent_usd : ndarray (years,)
        Paid by the tenant.
    to_owner_usd, to_investor_usd : ndarray (years,)
        Rent by shares.
    interest_usd, principal_usd : ndarray (years,)
        Paid by the investor to the bondholders.
    owed_usd : ndarray (years,)
        Owed to them at the end of each year.
    committed_usd : ndarray (years,)
        Rent of the current term not yet paid at the start of each year: all that the tenant owes
        by contract.
    threshold_usd : ndarray (years,)
        Value guaranteed at the end of each year; 0 once the guarantee has ended.
    building_interest_usd : float
        Interest until the first rent, paid out of the bonds.
    """

    rent_usd: Years
    to_owner_usd: Years
    to_investor_usd: Years
    interest_usd: Years
    principal_usd: Years
    owed_usd: Years
    committed_usd: Years
    threshold_usd: Years
    building_interest_usd: float


def published_venture(name: str) -> Venture:
    """Return a joint venture of the catalogue as its partners published it.

    Raises
    ------
    UnknownNameError
        If the catalogue holds no such deal.
    CatalogError
        If the deal states no bonds, as a stake doesn't.

    Examples
    --------
    >>> published_venture("hyperion").investor_share
    0.8
    """
    deal = catalog.load().get("deal", name)
    return Venture(
        deal.number("development_usd"),
        deal.number("investor_share"),
        deal.number("bond_usd"),
        deal.number("coupon"),
        building_years(deal),
        int(deal.number("lease_years")),
        int(deal.number("longest_lease_years")),
        int(deal.number("guarantee_years")),
        deal.number("guarantee_usd"),
    )


def building_years(deal: Entry) -> float:
    """Return the years from the bonds of a deal to its first rent."""
    return (deal.date("rent_from") - deal.date("date")).days / _YEAR_DAYS


def investor_bonds_usd(
    development_usd: float, investor_share: float, coupon: float, building_years: float
) -> float:
    r"""Return what the investor must borrow to pay his share and the interest until rent comes in.

    .. math:: B = \frac{s \, C}{1 - c \, n}

    Notes
    -----
    All is borrowed on the first day, as Hyperion's bonds were; the part not yet spent earns
    nothing here. Hyperion: 80 % of 27 billion USD at 6.58 % over the 3.2 years until 2029 need
    27.4 billion; 27.3 were sold.

    Examples
    --------
    >>> round(investor_bonds_usd(27.0, 0.8, 0.0658, 3.2), 2)
    27.36
    """
    left = 1.0 - coupon * building_years
    if left <= 0.0:
        message = f"{building_years} years of interest at {coupon} use up all that is borrowed"
        raise ValueError(message)
    return investor_share * development_usd / left


def rent_usd_per_year(bond_usd: float, coupon: float, years: float, investor_share: float) -> float:
    """Return the rent whose part for the investor serves his bonds: level payment / share.

    Examples
    --------
    >>> round(4 * rent_usd_per_year(27.3, 0.0658, 20, 0.8), 2)
    12.37
    """
    return level_payment(bond_usd, coupon, years) / investor_share


def venture_schedule(venture: Venture) -> VentureSchedule:
    """Return who pays what in each year of rent.

    Notes
    -----
    Assumed, since it is not published: the bonds are repaid in level payments over the longest
    lease, and the tenant bears all other cost of the building.
    """
    v, count = venture, venture.longest_lease_years
    bonds = bond_schedule(v.bond_usd, v.coupon, count)
    rent = np.full(count, v.rent_usd)
    into_term = np.arange(count) % v.lease_years
    left = np.minimum(v.lease_years - into_term, count - np.arange(count))
    held = np.array([
        v.threshold_usd(year) if year <= v.guarantee_years else 0.0
        for year in range(1, count + 1)
    ])  # fmt: skip
    return VentureSchedule(
        rent,
        rent * v.owner_share,
        rent * v.investor_share,
        bonds.interest_usd,
        bonds.principal_usd,
        bonds.owed_usd,
        rent * left,
        held,
        v.bond_usd * v.coupon * v.building_years,
    )
