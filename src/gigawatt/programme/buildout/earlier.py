"""What earlier announcements of a campus would have led to expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gigawatt import catalog
from gigawatt.programme.buildout.reach import reached_days
from gigawatt.programme.buildout.slip import learnt_slip, milestone_days
from gigawatt.programme.buildout.vintages import catalogue_vintages

if TYPE_CHECKING:
    import datetime as dt
    from typing import Any

    from gigawatt.programme.buildout.slip import Slip
    from gigawatt.programme.buildout.vintages import Vintage
    from gigawatt.spec.campus import Campus

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Earlier", "earlier_announcements", "threshold_days"]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What one vintage led to expect of a power.

    Parameters
    ----------
    vintage : date
        Day of the copy of the tracker.
    announced : date
        When the power was to be reached, as announced then.
    probability : float
        Probability that it is reached by the day asked for.
    """

    vintage: dt.date
    announced: dt.date
    probability: float


def threshold_days(
    slip: Slip,
    vintage: Vintage,
    samples: int,
    random: np.random.Generator,
    *,
    known_after_days: float = float("inf"),
) -> dict[int, Array]:
    """Return draws of the days until each threshold that lay ahead of a vintage is reached.

    Buildings are what slips; a threshold is reached when those that are there come to it.

    Parameters
    ----------
    slip : Slip
        The parameters.
    vintage : Vintage
        What was announced.
    samples : int
        How many draws.
    random : Generator
        Source of chance.
    known_after_days : float
        Take the dates as they are stated so many days from the vintage, reached or not.

    Returns
    -------
    dict of int to ndarray (samples,)
        Days from the vintage, by threshold in MW.
    """
    ahead = {mw: day for mw, day in sorted(vintage.reach.items()) if day > vintage.day}
    there = max((mw for mw, day in vintage.reach.items() if day <= vintage.day), default=0)
    left = [float((day - vintage.day).days) for day in ahead.values()]
    sizes = [float(mw) for mw in ahead]
    drawn = milestone_days(slip, left, sizes, samples, random, known_after_days=known_after_days)
    added = np.diff([there, *ahead]).tolist()
    return {mw: reached_days(drawn, added, float(mw - there)) for mw in ahead}


def earlier_announcements(
    campus: Campus, target_mw: float, by: dt.date, samples: int, seed: int
) -> list[Earlier]:
    """Return what the vintages of the tracker led to expect of a campus of the catalogue.

    Parameters
    ----------
    campus : Campus
        The campus.
    target_mw : float
        Facility power, in MW; only that of a threshold of the vintages has an answer.
    by : date
        The last day that counts.
    samples, seed : int
        Draws, and their seed.

    Returns
    -------
    list of Earlier
        By vintage; empty for a campus or a power that the vintages do not state.
    """
    name = _name(campus)
    found = []
    for vintage in catalogue_vintages():
        announced = vintage.reach.get(round(target_mw))
        if vintage.campus != name or announced is None or announced <= vintage.day:
            continue
        random = np.random.default_rng([seed, vintage.day.toordinal()])
        days = threshold_days(learnt_slip(), vintage, samples, random)[round(target_mw)]
        share = float((days <= (by - vintage.day).days).mean())
        found.append(Earlier(vintage.day, announced, share))
    return found


def _name(campus: Campus) -> str | None:
    """Return the name of a campus in the tracker, or None where its vintages do not hold it."""
    book = catalog.load()
    keys = {basis.fact.split("/")[1] for basis in campus.facts if basis.fact.startswith("phase/")}
    ids = {book.get("phase", key).text("campus") for key in keys}
    for entry in book.entries("schedule_vintage"):
        if entry.text("campus", "") in ids:
            return entry.text("name")
    return None
