"""What is bought, how long it lasts, when it is bought again and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.programme.finance.depreciation import straight_line_shares, tax_shares

if TYPE_CHECKING:
    from collections.abc import Iterable

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Asset", "TaxRule", "book_depreciation", "purchases", "renewals", "tax_deductions"]


@dataclass(frozen=True, slots=True)
class TaxRule:
    """How purchases are deducted from income.

    Parameters
    ----------
    method : str
        ``straight-line``, ``macrs`` or ``bonus``.
    at_once_share : float
        Part deducted in the first year under ``bonus``.
    at_once_longest_years : float
        Longest class for which it is.
    """

    method: str
    at_once_share: float
    at_once_longest_years: float


@dataclass(frozen=True, slots=True)
class Asset:
    """Something bought once.

    Parameters
    ----------
    block : str
        What it is part of: ``servers``.
    bought : float
        When, in years: 2027.5 is the middle of 2027.
    usd : float
        Its cost, in real US dollars.
    life_years : float
        How long it lasts; infinity for land.
    tax_years : float
        Class by which tax rules write it off; 0 for land.
    renewal : int
        0 for the first, 1 for what replaces it, and so on.
    """

    block: str
    bought: float
    usd: float
    life_years: float
    tax_years: float
    renewal: int = 0

    @property
    def year(self) -> int:
        """Calendar year of purchase."""
        return int(self.bought)

    @property
    def month(self) -> int:
        """Month of purchase, 1 to 12."""
        return min(int((self.bought - self.year) * 12.0) + 1, 12)


def renewals(first: Asset, end: float, price_change: float = 0.0) -> tuple[Asset, ...]:
    """Return an asset and all that replace it before `end`, each as good as the first.

    Parameters
    ----------
    first : Asset
        What is bought first.
    end : float
        End of the time looked at, in years.
    price_change : float
        Yearly change of the price of equal performance: -0.3 is 30 per cent less each year.
    """
    found = [first]
    while (when := found[-1].bought + first.life_years) < end - 1e-9:
        price = first.usd * (1.0 + price_change) ** (when - first.bought)
        found.append(Asset(first.block, when, price, first.life_years, first.tax_years, len(found)))
    return tuple(found)


def purchases(assets: Iterable[Asset], years: Years) -> Years:
    """Return what is paid for assets in each year; what was bought before is paid in the first."""
    paid = np.zeros(len(years))
    for asset in assets:
        paid[max(asset.year - int(years[0]), 0)] += asset.usd
    return paid


def book_depreciation(
    assets: Iterable[Asset], years: Years, end: float = np.inf
) -> tuple[Years, float]:
    """Return what each year writes off evenly, and what is left at the end of the last.

    What an asset lost before the first year is written off in the first, so that the books hold
    every dollar. Where the time looked at ends within the last year, so do the write-offs.
    """
    written, left = np.zeros(len(years)), 0.0
    for asset in assets:
        if np.isinf(asset.life_years):
            left += asset.usd
            continue
        shares = straight_line_shares(asset.bought, asset.life_years, years, end)
        before = min(max(float(years[0]) - asset.bought, 0.0) / asset.life_years, 1.0)
        shares[0] += before
        written += asset.usd * shares
        left += asset.usd * max(1.0 - float(shares.sum()), 0.0)
    return written, left


def tax_deductions(
    assets: Iterable[Asset], years: Years, levels: Years, rule: TaxRule
) -> tuple[Years, float]:
    """Return what each year deducts, in nominal money, and the basis left after the last.

    Tax is on nominal money: an asset is deducted at the price of the year it was bought in. When
    it is replaced, what is left of it is deducted.

    Parameters
    ----------
    assets : iterable of Asset
        What is bought.
    years : ndarray (years,)
        Calendar years.
    levels : ndarray (years,)
        Price level of each year over that of the real dollars.
    rule : TaxRule
        How purchases are deducted.
    """
    deducted, basis = np.zeros(len(years)), 0.0
    for asset in assets:
        first = max(asset.year - int(years[0]), 0)
        cost = asset.usd * levels[first]
        shares = tax_shares(
            asset.tax_years,
            asset.month,
            method=rule.method,
            at_once_share=rule.at_once_share,
            at_once_longest=rule.at_once_longest_years,
        )
        over = asset.bought + asset.life_years  # when it is replaced, or beyond the time looked at
        gone = int(over) - int(years[0]) if over < years[-1] + 1.0 else None
        window = shares[: len(years) - first if gone is None else gone - first + 1]
        deducted[first : first + len(window)] += cost * window
        rest = cost * (1.0 - float(window.sum()))
        if gone is None:
            basis += rest
        else:
            deducted[gone] += rest
    return deducted, basis
