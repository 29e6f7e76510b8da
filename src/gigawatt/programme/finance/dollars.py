"""Dollars of one year in those of another: what was published when, in the prices of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Fact

__all__ = ["in_dollars_of", "price_ratio"]


def price_ratio(year: int, to_year: int, inflation: float | None = None) -> float:
    """Return the price level of `to_year` over that of `year`.

    Parameters
    ----------
    year, to_year : int
        Calendar years.
    inflation : float, optional
        Yearly rise after the last year whose price level is known; left out, the catalogue's
        outlook.

    Raises
    ------
    NotModelledError
        If a year lies before the first whose price level the catalogue holds.

    Notes
    -----
    Annual averages of the consumer price index CPI-U (U.S. Bureau of Labor Statistics).

    Examples
    --------
    >>> round(price_ratio(2024, 2025), 4)
    1.0263
    """
    return _level(to_year, inflation) / _level(year, inflation)


def in_dollars_of(fact: Fact, to_year: int, inflation: float | None = None) -> float:
    """Return a fact's money in the dollars of another year than the one it was published in."""
    return fact.number * price_ratio(int(fact.date[:4]), to_year, inflation)


def _level(year: int, inflation: float | None) -> float:
    book = catalog.load()
    known = {
        int(entry.id.rpartition("-")[2]): entry.number("index")
        for entry in book.entries("price_index")
        if "index" in entry
    }
    first, last = min(known), max(known)
    if year < first:
        message = f"no price level is held for {year}; the first is of {first}"
        raise NotModelledError(message)
    if year <= last:
        return known[year]
    if inflation is None:
        inflation = book.get("price_index", "us-outlook").number("change_per_year")
    return known[last] * (1.0 + inflation) ** (year - last)
