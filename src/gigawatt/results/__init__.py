"""Runs: what a simulated campus came to, in memory, on disk, as text and as a report.

>>> import gigawatt as gw
>>> run = gw.open_run("runs/hyperion-0123456789")  # doctest: +SKIP
>>> run.headlines["peak_facility_mw"].value  # doctest: +SKIP

Names are imported when first used, so that importing this package stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt._lazy import lazy

if TYPE_CHECKING:
    from gigawatt.results._comparison_text import comparison_text
    from gigawatt.results.comparison import compare
    from gigawatt.results.figures import FIGURES
    from gigawatt.results.run import Run, open_run, simulate
    from gigawatt.results.text import summary_text

__all__ = [
    "FIGURES",
    "Run",
    "compare",
    "comparison_text",
    "open_run",
    "simulate",
    "summary_text",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_comparison_text": ("comparison_text",),
        "comparison": ("compare",),
        "figures": ("FIGURES",),
        "run": ("Run", "open_run", "simulate"),
        "text": ("summary_text",),
    },
)
