"""Which source feeds the campus in each hour, in merit order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["MUST_TAKE", "Offer", "dispatch"]

MUST_TAKE: Final = frozenset({"solar", "wind", "nuclear", "smr", "geothermal"})
"""Technologies that run whenever they can: their energy costs nothing more once built."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one source can give.

    Parameters
    ----------
    name, technology : str
        Its name, and what it is.
    available_mw : ndarray (hours,)
        What it can give in each hour.
    """

    name: str
    technology: str
    available_mw: Hours


def dispatch(load_mw: Hours, offers: Sequence[Offer]) -> tuple[dict[str, Hours], Hours]:
    """Return what each source gives and what the grid gives.

    Must-take sources come first, then the others as listed; the grid gives the rest. What a source
    could give beyond the load is not taken.

    Parameters
    ----------
    load_mw : ndarray (hours,)
        Power of the campus.
    offers : sequence of Offer
        Its own and contracted sources.

    Returns
    -------
    given_mw : dict of str to ndarray (hours,)
        By name of source.
    grid_mw : ndarray (hours,)
        Never negative.
    """
    left = load_mw.astype(float, copy=True)
    given: dict[str, Hours] = {}
    for offer in sorted(offers, key=lambda o: o.technology not in MUST_TAKE):
        taken = np.minimum(left, offer.available_mw)
        left = left - taken
        given[offer.name] = taken
    return given, left
