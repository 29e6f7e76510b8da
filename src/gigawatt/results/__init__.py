"""Runs: what a simulated campus came to, in memory, on disk, as text and as a report.

>>> import gigawatt as gw
>>> run = gw.open_run("runs/hyperion-0123456789")  # doctest: +SKIP
>>> run.headlines["peak_facility_mw"].value  # doctest: +SKIP

Names are imported when first used, so that importing this package stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gigawatt.results._comparison_text import comparison_text
    from gigawatt.results.comparison import compare
    from gigawatt.results.figures import FIGURES
    from gigawatt.results.run import Run, open_run, simulate
    from gigawatt.results.text import summary_text

_HOME = {
    "FIGURES": "figures",
    "Run": "run",
    "compare": "comparison",
    "comparison_text": "_comparison_text",
    "open_run": "run",
    "simulate": "run",
    "summary_text": "text",
}

__all__ = [
    "FIGURES",
    "Run",
    "compare",
    "comparison_text",
    "open_run",
    "simulate",
    "summary_text",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  a module's attributes are of any type
    """Import a public name from its home when it is first asked for."""
    if name not in _HOME:
        message = f"module 'gigawatt.results' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"gigawatt.results.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
