"""Tax on income, and what losses are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["income_tax"]


def income_tax(
    income_usd: ArrayLike, rate: float, *, losses: str, offset_share: float = 1.0
) -> tuple[Years, Years]:
    """Return the tax of each year, and the losses left to carry at its end, in nominal money.

    Parameters
    ----------
    income_usd : array-like (years,)
        Taxable income; negative where deductions exceed it.
    rate : float
        Tax over income.
    losses : str
        ``carried`` forward against later income of the campus, or ``offset`` at once against other
        income of its owner, which is worth a negative tax.
    offset_share : float
        Most of a year's income that losses carried forward may cover.

    Notes
    -----
    26 U.S.C. 11(b) and 172(a): 21 per cent; losses carried forward cover 80 per cent at most.

    Examples
    --------
    >>> tax, left = income_tax([-100.0, 50.0, 200.0], 0.2, losses="carried", offset_share=0.8)
    >>> tax.round(6).tolist(), left.tolist()
    ([0.0, 2.0, 28.0], [100.0, 60.0, 0.0])
    """
    income = np.asarray(income_usd, dtype=float)
    if losses == "offset":
        return income * rate, np.zeros_like(income)
    taxed, left = np.zeros_like(income), np.zeros_like(income)
    carried = 0.0
    for i, earned in enumerate(income):
        used = min(carried, offset_share * max(earned, 0.0))
        carried += max(-earned, 0.0) - used
        taxed[i] = max(earned, 0.0) - used
        left[i] = carried
    return taxed * rate, left
