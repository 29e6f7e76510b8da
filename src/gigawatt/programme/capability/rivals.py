"""Published scores of models side by side, with what their training took."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from gigawatt import catalog

__all__ = ["INDEPENDENT", "VENDOR", "Rival", "rivals", "scores_of"]

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
