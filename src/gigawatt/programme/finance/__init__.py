"""Money over years: what is bought, written off, borrowed, taxed and earned.

Functions of numbers and arrays; the twin feeds them with a campus. Names are imported when first
used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt._lazy import lazy

if TYPE_CHECKING:
    from gigawatt.programme.finance.annuity import capital_recovery_factor, level_payment
    from gigawatt.programme.finance.dollars import price_ratio
    from gigawatt.programme.finance.ledger import Entry, Ledger
    from gigawatt.programme.finance.stake import implied_valuation_usd
    from gigawatt.programme.finance.venture import (
        Venture,
        published_venture,
        venture_schedule,
    )
    from gigawatt.programme.finance.worth import internal_rate, payback_years, present_value

__all__ = [
    "Entry",
    "Ledger",
    "Venture",
    "capital_recovery_factor",
    "implied_valuation_usd",
    "internal_rate",
    "level_payment",
    "payback_years",
    "present_value",
    "price_ratio",
    "published_venture",
    "venture_schedule",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "annuity": ("capital_recovery_factor", "level_payment"),
        "dollars": ("price_ratio",),
        "ledger": ("Entry", "Ledger"),
        "stake": ("implied_valuation_usd",),
        "venture": ("Venture", "published_venture", "venture_schedule"),
        "worth": ("internal_rate", "payback_years", "present_value"),
    },
)
