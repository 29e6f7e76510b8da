"""The twin: one campus over years, every rung of the ladder coupled.

Names are imported when first used, so that a finished run is read without the models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt._lazy import lazy

if TYPE_CHECKING:
    from gigawatt.twin.advice import advise
    from gigawatt.twin.outcome import Headline, Outcome, Table
    from gigawatt.twin.simulate import simulate_campus

__all__ = ["Headline", "Outcome", "Table", "advise", "simulate_campus"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "advice": ("advise",),
        "outcome": ("Headline", "Outcome", "Table"),
        "simulate": ("simulate_campus",),
    },
)
