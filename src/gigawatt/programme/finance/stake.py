"""What the price of a stake says of the whole."""

from __future__ import annotations

__all__ = ["implied_valuation_usd"]


def implied_valuation_usd(paid_usd: float, stake_share: float) -> float:
    """Return the value of a company at the price of a stake in it: price / share.

    It is the value with the money in it, where the money goes into the company; control, voting
    rights and preferences are not priced.

    Examples
    --------
    >>> round(implied_valuation_usd(14.3e9, 0.49) / 1e9, 1)
    29.2
    """
    if not 0.0 < stake_share <= 1.0:
        message = f"a stake must be a share in the range (0, 1]; got {stake_share}"
        raise ValueError(message)
    return paid_usd / stake_share
