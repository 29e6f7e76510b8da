"""How announced dates moved from one copy of a tracker to the next.

A *milestone* is a day on which a campus reaches some facility power, as one *vintage* of the
tracker had it. Thresholds that share a day are one milestone: the same buildings bring them. A
milestone that lay ahead in one vintage and moved in the next has slipped; one that lay in the past
and still moved was re-estimated. The two are kept apart.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "THRESHOLDS_MW",
    "Move",
    "Moves",
    "Vintage",
    "catalogue_vintages",
    "columns_of",
    "moves_between",
    "pairs_of",
]

THRESHOLDS_MW: Final = (100, 250, 500, 750, 1000, 1500, 2000)
"""Facility powers whose days the vintages state, in MW."""
_DAYS_PER_YEAR: Final = 365.25


@dataclass(frozen=True, slots=True)
class Vintage:
    """What the tracker said of one campus on one day.

    Parameters
    ----------
    campus : str
        Name of the campus in the tracker.
    day : date
        Day of the copy.
    reach : mapping of int to date
        Day on which each threshold of `THRESHOLDS_MW` is reached; those that the plan stays below
        are left out.
    """

    campus: str
    day: dt.date
    reach: Mapping[int, dt.date]

    def ahead(self) -> dict[dt.date, int]:
        """Return the milestones that lie ahead: their day, and the most power reached on it."""
        return {day: mw for mw, day in sorted(self.reach.items()) if day > self.day}


@dataclass(frozen=True, slots=True)
class Move:
    """What became of one milestone between two vintages.

    Parameters
    ----------
    campus : str
        Name of the campus.
    size_mw : int
        The most facility power that the milestone reaches, in MW.
    since, until : date
        Days of the two vintages.
    announced, stated : date
        Its day in the first and in the second.
    """

    campus: str
    size_mw: int
    since: dt.date
    until: dt.date
    announced: dt.date
    stated: dt.date

    @property
    def is_projection(self) -> bool:
        """Whether the day lay ahead in the first vintage: a move is then a slip."""
        return self.announced > self.since

    @property
    def shift_days(self) -> int:
        """By how many days the date moved; later is positive."""
        return (self.stated - self.announced).days


@dataclass(frozen=True, slots=True)
class Moves:
    """Slips as columns, for the likelihood.

    Parameters
    ----------
    review : ndarray of int (n,)
        Number of the review that each milestone belongs to, from 0: its campus between two
        vintages. Milestones of a review are looked at together.
    size_mw : ndarray (n,)
        Facility power reached.
    from_years, to_years : ndarray (n,)
        Time from the first and from the second vintage to the announced date, in years; not below
        0: a date that passes without being moved is reached (right-censored).
    shift_days : ndarray (n,)
        Days moved; 0 where the date stood.
    """

    review: np.ndarray[Any, np.dtype[np.int64]]
    size_mw: np.ndarray[Any, np.dtype[np.float64]]
    from_years: np.ndarray[Any, np.dtype[np.float64]]
    to_years: np.ndarray[Any, np.dtype[np.float64]]
    shift_days: np.ndarray[Any, np.dtype[np.float64]]


def catalogue_vintages() -> list[Vintage]:
    """Return the vintages of the catalogue (Epoch AI, CC BY 4.0)."""
    found = []
    for entry in catalog.load().entries("schedule_vintage"):
        keys = {mw: f"reach_{mw}_mw" for mw in THRESHOLDS_MW}
        reach = {mw: entry.date(key) for mw, key in keys.items() if key in entry}
        found.append(Vintage(entry.text("name"), entry.date("vintage"), reach))
    return found


def pairs_of(vintages: Iterable[Vintage]) -> list[tuple[Vintage, Vintage]]:
    """Return each campus's vintages with the next of the same campus."""
    by_campus: defaultdict[str, list[Vintage]] = defaultdict(list)
    for vintage in vintages:
        by_campus[vintage.campus].append(vintage)
    pairs: list[tuple[Vintage, Vintage]] = []
    for several in by_campus.values():
        ordered = sorted(several, key=lambda one: one.day)
        pairs += pairwise(ordered)
    return pairs


def moves_between(first: Vintage, second: Vintage) -> list[Move]:
    """Return what became of the milestones of one vintage.

    A threshold that the second vintage no longer plans is no move but a change of scope: it has no
    date to compare, and is left out.
    """
    tops: dict[tuple[dt.date, dt.date], int] = {}
    for mw in sorted(first.reach.keys() & second.reach.keys()):
        tops[first.reach[mw], second.reach[mw]] = mw
    return [
        Move(first.campus, mw, first.day, second.day, announced, stated)
        for (announced, stated), mw in tops.items()
    ]


def columns_of(moves: Sequence[Move]) -> Moves:
    """Return the slips among `moves` as columns; re-estimates of the past are left out."""
    slips = [move for move in moves if move.is_projection]
    reviews = {key: i for i, key in enumerate(dict.fromkeys((m.campus, m.since) for m in slips))}
    return Moves(
        np.array([reviews[m.campus, m.since] for m in slips], dtype=np.int64),
        np.array([m.size_mw for m in slips], dtype=np.float64),
        np.array([_years(m.since, m.announced) for m in slips], dtype=np.float64),
        np.array([max(_years(m.until, m.announced), 0.0) for m in slips], dtype=np.float64),
        np.array([m.shift_days for m in slips], dtype=np.float64),
    )


def _years(first: dt.date, second: dt.date) -> float:
    return (second - first).days / _DAYS_PER_YEAR
