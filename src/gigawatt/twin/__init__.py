"""The twin: one campus over years, every rung of the ladder coupled.

Names are imported when first used, so that a finished run is read without the models.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gigawatt.twin.advice import advise
    from gigawatt.twin.outcome import Headline, Outcome, Table
    from gigawatt.twin.simulate import simulate_campus

_HOME = {
    "advise": "gigawatt.twin.advice",
    "Headline": "gigawatt.twin.outcome",
    "Outcome": "gigawatt.twin.outcome",
    "Table": "gigawatt.twin.outcome",
    "simulate_campus": "gigawatt.twin.simulate",
}

__all__ = ["Headline", "Outcome", "Table", "advise", "simulate_campus"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  a module's attributes are of any type
    """Import a public name from its home when it is first asked for."""
    if name not in _HOME:
        message = f"module 'gigawatt.twin' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
