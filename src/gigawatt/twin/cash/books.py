"""The money of a campus as double-entry books, in real US dollars.

Everything here is entered from the flows; nothing is computed anew. The owner pays in what a year
lacks and is paid out what it leaves, so that the cash of every year ends at nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.programme.finance.ledger import Entry, Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.twin.cash.flows import Flows

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["CASH", "PAID_IN", "PAID_OUT", "keep_books"]

CASH: Final = "asset: cash"
PAID_IN: Final = "equity: paid in by the owner"
PAID_OUT: Final = "equity: paid out to the owner"
_PLANT: Final = "asset: plant at cost"
_WORN: Final = "asset: depreciation so far"
_VENTURE: Final = "asset: share of the joint venture"
_BONDS: Final = "liability: bonds"
_WRITTEN: Final = "expense: depreciation"


def keep_books(flows: Flows) -> Ledger:
    """Return the books of a campus: every dollar by year and block, from account to account."""
    return Ledger.of(
        entry
        for part in (_plant, _running, _venture, _bonds, _end, _owner)
        for entry in part(flows)
    )


def _each(flows: Flows, debit: str, credit: str, block: str, usd: Years) -> Iterator[Entry]:
    for year, value in zip(flows.years, usd, strict=True):
        yield Entry(int(year), debit, credit, block, float(value))


def _plant(flows: Flows) -> Iterator[Entry]:
    for block, usd in flows.capital_usd.items():
        yield from _each(flows, _PLANT, CASH, block, usd)
        yield from _each(flows, _WRITTEN, _WORN, block, flows.written_usd[block])


def _running(flows: Flows) -> Iterator[Entry]:
    yield from _each(flows, CASH, f"income: {flows.income.name}", "income", flows.income.usd)
    for kind, usd in flows.running_usd.items():
        yield from _each(flows, f"expense: {kind}", CASH, kind, usd)
    yield from _each(flows, "expense: tax on income", CASH, "tax", flows.tax_usd)


def _venture(flows: Flows) -> Iterator[Entry]:
    part, block = flows.financed, "joint venture"
    yield from _each(flows, _VENTURE, CASH, block, part.contributed_usd)
    yield from _each(flows, _WRITTEN, _VENTURE, block, part.written_usd)
    yield from _each(flows, "expense: rent of the facility", CASH, block, part.rent_usd)
    yield from _each(flows, CASH, "income: share of the rent", block, part.received_usd)


def _bonds(flows: Flows) -> Iterator[Entry]:
    part, block = flows.financed, "bonds"
    yield from _each(flows, CASH, _BONDS, block, part.proceeds_usd)
    yield from _each(flows, "expense: interest", CASH, block, part.interest_usd)
    yield from _each(flows, _BONDS, CASH, block, part.principal_usd)
    # What is owed is fixed in nominal money: what rising prices take off it is earned.
    before = np.concatenate([[0.0], part.owed_usd[:-1]])
    worn = before + part.proceeds_usd - part.principal_usd - part.owed_usd
    yield from _each(flows, _BONDS, "income: inflation on what is owed", block, worn)


def _end(flows: Flows) -> Iterator[Entry]:
    """Yield what is left at the end: sold at its book value, or written off."""
    last, part = int(flows.years[-1]), flows.financed
    left = {(b, _PLANT): usd for b, usd in flows.left_usd.items()}
    left["joint venture", _VENTURE] = part.contributed_usd.sum() - part.written_usd.sum()
    whole = sum(left.values())
    kept = flows.end_usd / whole if whole else 0.0
    for (block, asset), usd in left.items():
        yield Entry(last, CASH, asset, block, float(usd * kept))
        yield Entry(last, "expense: written off at the end", asset, block, float(usd * (1 - kept)))


def _owner(flows: Flows) -> Iterator[Entry]:
    for year, usd in zip(flows.years, flows.owner_usd, strict=True):
        if usd < 0.0:
            yield Entry(int(year), CASH, PAID_IN, "owner", float(-usd))
        else:
            yield Entry(int(year), PAID_OUT, CASH, "owner", float(usd))
