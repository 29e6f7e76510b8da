"""One headline, with its sources walked from the lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt.twin.outcome import Headline

if TYPE_CHECKING:
    from gigawatt.catalog import Fact
    from gigawatt.twin.state import State

__all__ = ["Band", "Maker", "ratio", "times"]

Band = tuple[float | str | None, float | str | None]


class Maker:
    """Make headlines of one group whose sources come from the lineage."""

    def __init__(self, state: State, group: str) -> None:
        self._lineage, self._group = state.lineage, group

    def __call__(
        self,
        name: str,
        label: str,
        value: float | str | None,
        unit: str,
        formula: str,
        *after: str,
        band: Band = (None, None),
        facts: tuple[Fact, ...] = (),
        note: str = "",
    ) -> Headline:
        """Return the headline; a number that is not finite becomes none, with a note."""
        if isinstance(value, float) and not np.isfinite(value):
            value, note = None, note or "nothing to divide by: the campus does none of it"
        if value is None:
            band = (None, None)
        if isinstance(value, float):
            band = _around(value, band)
        direct = dict.fromkeys(fact.key for fact in facts)
        direct.update(dict.fromkeys(self._lineage.facts(*after)))
        return Headline(
            name, label, self._group, value, unit, band[0], band[1], formula, tuple(direct),
            self._lineage.inputs(*after), note,
        )  # fmt: skip


def _around(value: float, band: Band) -> Band:
    """Return a band that holds its value, whatever binary fractions left of it."""
    low, high = band
    if isinstance(low, float):
        low = min(low, value)
    if isinstance(high, float):
        high = max(high, value)
    return low, high


def ratio(top: float, bottom: float) -> float:
    """Return top / bottom, not a number where there is nothing to divide by."""
    return top / bottom if bottom else float("nan")


def times(value: float, band: tuple[float, float]) -> Band:
    """Return a value at both ends of a band of factors."""
    return value * band[0], value * band[1]
