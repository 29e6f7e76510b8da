"""Published scores of models side by side, with what their training took."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gigawatt import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["INDEPENDENT", "VENDOR", "Rival", "Standing", "rivals", "scores_of", "standings"]

INDEPENDENT: Final = (
    "capability_index",
    "gpqa_diamond",
    "math_level_5",
    "otis_aime",
    "frontiermath",
    "frontiermath_tier_4",
    "swe_bench_verified",
)
"""Scores of runs by Epoch AI, and its index."""

VENDOR: Final = (
    "gpqa_diamond_vendor",
    "mmlu_pro_vendor",
    "livecodebench_vendor",
    "mmmu_vendor",
)
"""Scores that makers report of their own models."""


@dataclass(frozen=True)
class Rival:
    """A model with its scores.

    Parameters
    ----------
    id, name, developer : str
        As in the catalogue.
    released : date or None
        Day of its release.
    training_flop : float or None
        Estimated compute of its pre-training; None where nobody published any.
    scores : dict of str to float
        Those of `INDEPENDENT` and `VENDOR` that exist.
    """

    id: str
    name: str
    developer: str
    released: dt.date | None
    training_flop: float | None
    scores: dict[str, float]


def scores_of(model: str) -> Rival:
    """Return the scores of one model.

    Raises
    ------
    UnknownNameError
        If no scores of it are known.
    """
    entry = catalog.load().get("scored_model", model)
    return Rival(
        entry.id,
        entry.text("name"),
        entry.text("developer"),
        entry.date("released") if "released" in entry else None,
        entry.number("training_flop") if "training_flop" in entry else None,
        {s: entry.number(s) for s in (*INDEPENDENT, *VENDOR) if s in entry},
    )


def rivals(by: dt.date, *, count: int = 10, months: int = 18) -> tuple[Rival, ...]:
    """Return the best models that were out on a day, best first, none older than some months.

    After the last release that the catalogue knows, these are the best known today.

    Parameters
    ----------
    by : date
        The day.
    count : int
        How many at the most.
    months : int
        Age of the oldest, in months.
    """
    known = [scores_of(e.id) for e in catalog.load().entries("scored_model")]
    dated = [(r.released, r) for r in known if r.released is not None]
    last = min(by, max(day for day, _ in dated))
    first = last - dt.timedelta(days=round(months * 365.25 / 12.0))
    out = [r for day, r in dated if first <= day <= last]
    out.sort(key=lambda r: (-r.scores["capability_index"], r.id))
    return tuple(out[:count])


@dataclass(frozen=True)
class Standing:
    """Models as they were published, beside the best others of that day.

    Parameters
    ----------
    released : date
        The day.
    models : tuple of Rival
        Those published then, best first.
    others : tuple of Rival
        The best of anybody's of the 18 months before, best first.
    """

    released: dt.date
    models: tuple[Rival, ...]
    others: tuple[Rival, ...]


def standings(models: Iterable[str], *, count: int = 10) -> tuple[Standing, ...]:
    """Return how published models stood on the day of their release, in order of time.

    Parameters
    ----------
    models : iterable of str
        Models of the catalogue; those without published scores are left out.
    count : int
        How many others at the most; 0 for no answer.
    """
    wanted = set(models)
    first: dict[str, Rival] = {}
    for entry in catalog.load().entries("scored_model"):
        model = entry.text("model", "")
        found = scores_of(entry.id)
        if model in wanted and found.released is not None:
            # A model that was trained further later counts as first published.
            known = first.setdefault(model, found)
            if known.released is not None and found.released < known.released:
                first[model] = found
    out = []
    for day in sorted({r.released for r in first.values() if r.released is not None}):
        own = [r for r in first.values() if r.released == day]
        own.sort(key=lambda r: (-r.scores["capability_index"], r.id))
        names = {r.id for r in own}
        best = rivals(day, count=count + len(own))
        others = tuple(r for r in best if r.id not in names)[:count]
        out.append(Standing(day, tuple(own), others))
    return tuple(out) if count else ()
