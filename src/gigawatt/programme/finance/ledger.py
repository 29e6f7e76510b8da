"""Double entry: every dollar goes from one account to another, in a year, for a block.

An account's name begins with its kind: ``asset``, ``liability``, ``equity``, ``income`` or
``expense``. Two laws hold whatever is entered: debits equal credits, and assets equal liabilities,
equity and what was earned. What may be wrong is what is entered, so `Ledger.balances` is held
against cash flows that were computed without the ledger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["KINDS", "Entry", "Ledger"]

KINDS: Final = ("asset", "liability", "equity", "income", "expense")
"""Kinds of account."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A sum that one account receives and another gives.

    Parameters
    ----------
    year : int
        Calendar year.
    debit, credit : str
        Accounts that receive and give: ``asset: cash``.
    block : str
        What the money is for: ``servers``.
    usd : float
        The sum, in real US dollars.
    """

    year: int
    debit: str
    credit: str
    block: str
    usd: float

    def __post_init__(self) -> None:
        """Refuse an account of no kind, or a sum that is no number."""
        for account in (self.debit, self.credit):
            if account.partition(":")[0] not in KINDS:
                message = f"'{account}' is an account of no kind; {', '.join(KINDS)}"
                raise ValueError(message)
        if not math.isfinite(self.usd):
            message = f"{self.debit} from {self.credit} in {self.year}: {self.usd} is no sum"
            raise ValueError(message)


@dataclass(frozen=True)
class Ledger:
    """Entries of double-entry books.

    Parameters
    ----------
    entries : tuple of Entry
        In the order of writing.
    """

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Ledger:
        """Return books with the entries that move something; a negative sum turns round."""
        kept = (
            e if e.usd > 0.0 else Entry(e.year, e.credit, e.debit, e.block, -e.usd)
            for e in entries
            if e.usd
        )
        return cls(tuple(kept))

    def accounts(self) -> tuple[str, ...]:
        """Return every account, by kind and then in the order of first use."""
        used = dict.fromkeys(a for e in self.entries for a in (e.debit, e.credit))
        return tuple(sorted(used, key=lambda a: KINDS.index(a.partition(":")[0])))

    def balances(self, through: int | None = None) -> dict[str, float]:
        """Return debits less credits of each account, up to the end of a year."""
        sums: dict[str, list[float]] = {account: [] for account in self.accounts()}
        for e in self.entries:
            if through is None or e.year <= through:
                sums[e.debit].append(e.usd)
                sums[e.credit].append(-e.usd)
        return {account: math.fsum(parts) for account, parts in sums.items()}

    def trial_balance(self) -> float:
        """Return the sum of all balances, which is zero in books that balance."""
        return math.fsum(self.balances().values())

    def movements(self, account: str, years: Iterable[int], block: str | None = None) -> Years:
        """Return debits less credits of an account in each year, of one block or of all."""
        wanted = list(years)
        moved = dict.fromkeys(wanted, 0.0)
        for e in self.entries:
            if e.year not in moved or (block is not None and e.block != block):
                continue
            moved[e.year] += e.usd * ((e.debit == account) - (e.credit == account))
        return np.array([moved[year] for year in wanted])

    def by_block(self, account: str) -> dict[str, float]:
        """Return debits less credits of an account by block."""
        blocks: dict[str, float] = {}
        for e in self.entries:
            if account in {e.debit, e.credit}:
                sign = (e.debit == account) - (e.credit == account)
                blocks[e.block] = blocks.get(e.block, 0.0) + sign * e.usd
        return blocks

    def table(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the entries as columns."""
        rows = self.entries
        return {
            "year": np.array([e.year for e in rows], dtype=np.int64),
            "debit": np.array([e.debit for e in rows], dtype=object),
            "credit": np.array([e.credit for e in rows], dtype=object),
            "block": np.array([e.block for e in rows], dtype=object),
            "usd": np.array([e.usd for e in rows], dtype=float),
        }
