r"""How announced dates slip: reviews that move them, the more often the nearer they are.

From one review of a campus to the next, a milestone whose announced date is :math:`h_0` years away
at the first and :math:`h_1` at the second is moved with probability

.. math:: 1 - e^{-f \Lambda}, \qquad \Lambda = \frac{\lambda_0 (P / 1\,\mathrm{GW})^{\gamma}}
          {1 - \beta} (h_0^{1-\beta} - h_1^{1-\beta}) \varphi^{j}, \qquad
          f \sim \Gamma(k, 1/k)

which is a rate of :math:`\lambda_0 h^{-\beta}` a year for a facility power :math:`P` of 1 GW. The
effect :math:`f` belongs to the review and is shared by all milestones of the campus: they slip
together. A move is lognormal, later with probability :math:`1 - q` and earlier with :math:`q`; each
move leaves less to find out, so that the rate after :math:`j` moves is :math:`\varphi^j` of what it
was. A date that comes without being moved is reached.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.programme.buildout.vintages import Moves

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Slip", "expected_moves", "learnt", "learnt_slip", "log_likelihood", "milestone_days"]

_DAYS_PER_YEAR: Final = 365.25
_REFERENCE_MW: Final = 1000.0
_NODES: Final = 24
_MOST_REVIEWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Slip:
    """Parameters of the model, fitted by ``calibration/fit_slip.py``.

    Parameters
    ----------
    rate_per_year : float
        Moves a year of a milestone of 1 GW with one year left.
    nearness : float
        Exponent of the time left, 0 to 1: how much more often near dates are moved.
    size_exponent : float
        Exponent of the facility power.
    move_days : float
        Median length of a move, in days.
    move_spread : float
        Standard deviation of its logarithm.
    evenness : float
        Shape of the gamma distribution of the effect of a review; its variance is the inverse.
    earlier_share : float
        Probability that a move is to an earlier day.
    learning : float
        Rate of further moves over that of the move before, 0 to 1.
    review_days : float
        Days from one review to the next: the mean distance of the vintages.
    """

    rate_per_year: float
    nearness: float
    size_exponent: float
    move_days: float
    move_spread: float
    evenness: float
    earlier_share: float
    learning: float
    review_days: float


@cache
def learnt() -> dict[str, Any]:
    """Return the content of ``slip.json``: fits, backtest and what they rest on."""
    text = files("gigawatt.programme.buildout").joinpath("slip.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def learnt_slip(which: str = "all") -> Slip:
    """Return the fitted parameters.

    Parameters
    ----------
    which : str
        ``"all"``: fitted to all four vintages; ``"before-2026-08"``: to those before August 2026.
    """
    return Slip(**learnt()["fits"][which]["parameters"])


def expected_moves(slip: Slip, size_mw: Array, from_years: Array, to_years: Array) -> Array:
    r"""Return :math:`\Lambda` without learning: how often a milestone is moved on the way.

    Parameters
    ----------
    slip : Slip
        The parameters.
    size_mw : ndarray
        Facility power reached, in MW.
    from_years, to_years : ndarray
        Time left at the start and at the end, in years.
    """
    power = 1.0 - slip.nearness
    size = (size_mw / _REFERENCE_MW) ** slip.size_exponent
    found: Array = slip.rate_per_year * size / power * (from_years**power - to_years**power)
    return found


def log_likelihood(slip: Slip, moves: Moves) -> float:
    """Return the log-likelihood of observed moves, the effects of the reviews integrated out.

    What moved between two vintages counts as one move: how often it moved in between is not seen.
    A date that came without being moved, or still lies ahead, is right-censored. Generalised
    Gauss–Laguerre quadrature over the gamma distribution of the effects.
    """
    from scipy.special import (  # type: ignore[import-untyped]  # noqa: PLC0415  slow to import
        logsumexp,
        roots_genlaguerre,
    )

    nodes, weights = roots_genlaguerre(_NODES, slip.evenness - 1.0)
    exposure = expected_moves(slip, moves.size_mw, moves.from_years, moves.to_years)[:, None]
    moved = moves.shift_days != 0.0
    days = np.where(moved, np.abs(moves.shift_days), 1.0)
    off = (np.log(days) - math.log(slip.move_days)) / slip.move_spread
    length = -0.5 * off**2 - np.log(slip.move_spread * days) - 0.5 * math.log(2.0 * math.pi)
    side = np.where(moves.shift_days < 0.0, slip.earlier_share, 1.0 - slip.earlier_share)
    effect = nodes / slip.evenness
    hit = np.log(-np.expm1(-exposure * effect)) + (length + np.log(side))[:, None]
    each = np.where(moved[:, None], hit, -exposure * effect)
    by_review = np.zeros((int(moves.review.max(initial=-1)) + 1, _NODES))
    np.add.at(by_review, moves.review, each)
    return float(logsumexp(by_review + np.log(weights / weights.sum()), axis=1).sum())


def milestone_days(
    slip: Slip,
    days_left: Sequence[float],
    size_mw: Sequence[float],
    samples: int,
    random: np.random.Generator,
    *,
    known_after_days: float = math.inf,
) -> Array:
    """Return draws of the days from today until each milestone of a campus is reached.

    Milestones that share a day share their fate. One building may overtake another.

    Parameters
    ----------
    slip : Slip
        The parameters.
    days_left : sequence of float (milestones,)
        Days from today to each announced date; one that has passed is certain.
    size_mw : sequence of float (milestones,)
        Facility power of the whole campus that each reaches, in MW.
    samples : int
        How many draws.
    random : Generator
        Source of chance.
    known_after_days : float
        Return the dates as they are stated so many days from now, reached or not.

    Returns
    -------
    ndarray (milestones, samples)
        Days from today.
    """
    tops = {day: mw for mw, day in sorted(zip(size_mw, days_left, strict=True))}
    when = np.array(list(tops), dtype=float)
    drawn = _moved(slip, when, np.array(list(tops.values())), samples, random, known_after_days)
    place = {day: i for i, day in enumerate(tops)}
    found: Array = drawn[[place[day] for day in days_left]]
    return found


def _moved(
    slip: Slip,
    when: Array,
    size_mw: Array,
    samples: int,
    random: np.random.Generator,
    known_after_days: float,
) -> Array:
    """Return the dates (milestones, samples) after review upon review, in days from today."""
    days = np.repeat(when[:, None], samples, axis=1)
    moves = np.zeros(days.shape)
    size = np.repeat(size_mw[:, None], samples, axis=1)
    now = 0.0
    for _ in range(_MOST_REVIEWS):
        ahead = days > now
        if now >= known_after_days or not ahead.any():
            break
        until = min(now + slip.review_days, known_after_days)
        effect = random.gamma(slip.evenness, 1.0 / slip.evenness, samples)
        left, then = (np.maximum(days - day, 0.0) / _DAYS_PER_YEAR for day in (now, until))
        expected = expected_moves(slip, size, left, then) * slip.learning**moves
        moved = ahead & (random.random(days.shape) < -np.expm1(-effect * expected))
        length = slip.move_days * np.exp(slip.move_spread * random.standard_normal(days.shape))
        later = random.random(days.shape) >= slip.earlier_share
        new = np.where(later, days + length, np.maximum(days - length, now))
        days, moves, now = np.where(moved, new, days), moves + moved, until
    return days
