"""Bonds or a joint venture beside the owner's own money, in real US dollars of each year.

Coupons and repayments are fixed in nominal money, so their real worth falls as prices rise.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.programme.finance.assets import book_depreciation, tax_deductions
from gigawatt.programme.finance.debt import bond_schedule
from gigawatt.programme.finance.depreciation import straight_line_shares
from gigawatt.programme.finance.venture import investor_bonds_usd, rent_usd_per_year

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.programme.finance.assets import Asset, TaxRule
    from gigawatt.twin.cash.inputs import BondTerms, VentureTerms

    Years = np.ndarray[Any, np.dtype[np.float64]]
    Calendar = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["Financed", "borrow", "found_venture", "no_financing"]


@dataclass(frozen=True)
class Financed:
    """What financing brings and takes, in real US dollars unless said otherwise.

    Parameters
    ----------
    proceeds_usd, interest_usd, principal_usd : ndarray (years,)
        Of bonds of the owner.
    owed_usd : ndarray (years,)
        Owed on them at the end of each year, in real money of that year.
    contributed_usd, rent_usd, received_usd : ndarray (years,)
        Paid into the joint venture, paid to it as rent, and received from it.
    investor_usd, investor_owed_usd : ndarray (years,)
        Rent that goes to the investor, and what he owes his bondholders at the end of each year.
    deducted_usd : ndarray (years,)
        What financing takes from taxable income, in nominal money.
    basis_usd : float
        Not yet deducted of the owner's part of the venture at the end, in nominal money.
    end_usd, others_end_usd : float
        Book value at the end of the owner's part of the venture, and of the investor's.
    written_usd : ndarray (years,)
        Depreciation of the owner's part.
    """

    proceeds_usd: Years
    interest_usd: Years
    principal_usd: Years
    owed_usd: Years
    contributed_usd: Years
    rent_usd: Years
    received_usd: Years
    investor_usd: Years
    investor_owed_usd: Years
    deducted_usd: Years
    basis_usd: float
    end_usd: float
    others_end_usd: float
    written_usd: Years

    @property
    def flow_usd(self) -> Years:
        """What it brings the owner, less what it takes."""
        flow: Years = (
            self.proceeds_usd
            - self.interest_usd
            - self.principal_usd
            - self.contributed_usd
            - self.rent_usd
            + self.received_usd
        )
        return flow

    def ending(self, others_end_usd: float) -> Financed:
        """Return the same with another value of the investor's part at the end."""
        return dataclasses.replace(self, others_end_usd=others_end_usd)


def no_financing(count: int) -> Financed:
    """Return no financing beside the owner's money."""
    zero = np.zeros(count)
    return Financed(
        proceeds_usd=zero,
        interest_usd=zero,
        principal_usd=zero,
        owed_usd=zero,
        contributed_usd=zero,
        rent_usd=zero,
        received_usd=zero,
        investor_usd=zero,
        investor_owed_usd=zero,
        deducted_usd=zero,
        basis_usd=0.0,
        end_usd=0.0,
        others_end_usd=0.0,
        written_usd=zero,
    )


def borrow(bought_usd: Years, levels: Years, terms: BondTerms) -> Financed:
    """Return bonds that pay for a part of everything bought, sold in the year of purchase.

    The first payment is a year later. What is owed at the end is repaid in the last year.
    """
    count = len(bought_usd)
    proceeds, interest, principal, owed = (np.zeros(count) for _ in range(4))
    for year in np.flatnonzero(bought_usd).tolist():
        borrowed = float(bought_usd[year] * levels[year] * terms.debt_share)
        if not borrowed:
            continue
        paid = bond_schedule(borrowed, terms.coupon, terms.years)
        held = min(count - year - 1, terms.years)
        proceeds[year] += borrowed
        owed[year] += borrowed
        interest[year + 1 : year + 1 + held] += paid.interest_usd[:held]
        principal[year + 1 : year + 1 + held] += paid.principal_usd[:held]
        owed[year + 1 : year + 1 + held] += paid.owed_usd[:held]
    principal[-1] += owed[-1]
    owed[-1] = 0.0
    return dataclasses.replace(
        no_financing(count),
        proceeds_usd=proceeds / levels,
        interest_usd=interest / levels,
        principal_usd=principal / levels,
        owed_usd=owed / levels,
        deducted_usd=interest,
    )


def found_venture(
    built: Sequence[Asset],
    years: Calendar,
    levels: Years,
    terms: VentureTerms,
    rule: TaxRule,
    end: float = np.inf,
) -> Financed:
    """Return a joint venture that builds the facility and lets it to its owner.

    Rent runs from the day a phase stands to the end of the time looked at, and repays in equal
    nominal payments what the investor borrowed for his share and for interest until then. The owner
    bears every other cost of the facility, and its renewal. The venture pays no tax itself: the
    owner deducts the rent and his share of the write-offs, and is taxed on his share of the rent.
    """
    count, span = len(years), years.astype(float)
    contributed, rent, owed = (np.zeros(count) for _ in range(3))
    owner = 1.0 - terms.investor_share
    for asset in built:
        year = max(asset.year - int(years[0]), 0)
        cost = asset.usd * levels[year]
        contributed[year] += cost * owner
        bonds = investor_bonds_usd(cost, terms.investor_share, terms.coupon, terms.building_years)
        each = rent_usd_per_year(bonds, terms.coupon, terms.years, terms.investor_share)
        begun = max(asset.bought, float(years[0]))
        rent += each * terms.years * straight_line_shares(begun, terms.years, span, end)
        left = bond_schedule(bonds, terms.coupon, terms.years).owed_usd
        held = min(count - year, terms.years)
        owed[year : year + held] += left[:held]
    deducted, basis = tax_deductions(built, span, levels, rule)
    written, book = book_depreciation(built, span, end) if built else (np.zeros(count), 0.0)
    return dataclasses.replace(
        no_financing(count),
        contributed_usd=contributed / levels,
        rent_usd=rent / levels,
        received_usd=rent * owner / levels,
        investor_usd=rent * terms.investor_share / levels,
        investor_owed_usd=owed / levels,
        deducted_usd=rent * terms.investor_share + deducted * owner,
        basis_usd=basis * owner,
        end_usd=book * owner,
        others_end_usd=book * terms.investor_share,
        written_usd=written * owner,
    )
