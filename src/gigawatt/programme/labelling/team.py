"""Annotators of different skill: whom a test lets in, and what weighing their votes gives."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, lgamma, sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Team", "draw_team", "screen", "weighed_accuracy"]

_DRAWS: Final = 100_000
_MOST_GOLD: Final = 10_000


@dataclass(frozen=True)
class Team:
    """Applicants, and those of them whom a test on items of known answer lets in.

    Parameters
    ----------
    applicant_accuracy, applicant_spread : float
        Mean and standard deviation of the share of an applicant's labels that are right.
    gold_items, least_right : int
        Items of the test, and how many must be right.
    pass_share : float
        Part of the applicants that pass.
    accuracy, spread : float
        Mean and standard deviation of those who pass.
    """

    applicant_accuracy: float
    applicant_spread: float
    gold_items: int
    least_right: int
    pass_share: float
    accuracy: float
    spread: float

    @property
    def shape(self) -> tuple[float, float]:
        """The two parameters of the beta distribution of the applicants' accuracy."""
        mean = self.applicant_accuracy
        size = mean * (1.0 - mean) / self.applicant_spread**2 - 1.0
        return mean * size, (1.0 - mean) * size

    def right_chances(self) -> Array:
        """Return the chance of 0, 1, ... items right in the test, of an applicant."""
        a, b = self.shape
        n = self.gold_items
        logs = [
            lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + _log_beta(a + k, b + n - k)
            for k in range(n + 1)
        ]
        chances: Array = np.exp(np.array(logs) - _log_beta(a, b))
        return chances


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def screen(accuracy: float, spread: float, gold_items: int, least_right_share: float) -> Team:
    r"""Return whom a test on items of known answer lets in.

    The applicants' accuracy follows a beta distribution, so the items right follow a beta-binomial
    one, and who has k of n right is right in a share

    .. math:: E[p \mid k] = \frac{a + k}{a + b + n}

    Exact: a sum over all results of the test.

    Parameters
    ----------
    accuracy, spread : float
        Mean and standard deviation of the share of an applicant's labels that are right.
    gold_items : int
        Items of the test; 0 for none.
    least_right_share : float
        Part of them that must be right, in [0, 1].

    Raises
    ------
    InputError
        If a value makes no sense.
    NotModelledError
        If fewer than one applicant in a thousand passes.

    Examples
    --------
    >>> team = screen(0.836, 0.08, 20, 0.85)
    >>> round(team.pass_share, 2), round(team.accuracy, 3)
    (0.59, 0.874)
    """
    if not 0.0 < accuracy < 1.0:
        message = f"accuracy of those who differ: expected above 0 and below 1; found {accuracy:g}"
        raise InputError(message)
    widest = sqrt(accuracy * (1.0 - accuracy))
    if not 0.0 < spread < widest:
        message = (
            f"spread of accuracy: expected above 0 and below {widest:.3g}, where all are always "
            f"or never right; found {spread:g}"
        )
        raise InputError(message)
    if not 0 <= gold_items <= _MOST_GOLD or not 0.0 <= least_right_share <= 1.0:
        message = (
            f"gold_items must be 0 to {_MOST_GOLD} and the part that must be right 0 to 1; found "
            f"{gold_items} and {least_right_share:g}"
        )
        raise InputError(message)
    least = ceil(least_right_share * gold_items - 1e-9)
    team = Team(accuracy, spread, gold_items, least, 1.0, accuracy, spread)
    a, b = team.shape
    right = np.arange(least, gold_items + 1)
    chance = team.right_chances()[least:]
    passed = float(chance.sum())
    if passed < 1e-3:
        message = (
            f"fewer than one applicant in a thousand has {least} of {gold_items} items right; "
            "ask for fewer, or look for better ones"
        )
        raise NotModelledError(message)
    size = a + b + gold_items
    mean = float(chance @ (a + right) / size / passed)
    square = float(chance @ ((a + right) * (a + right + 1.0)) / (size * (size + 1.0)) / passed)
    return Team(
        accuracy,
        spread,
        gold_items,
        least,
        min(passed, 1.0),
        mean,
        sqrt(max(square - mean**2, 0.0)),
    )


def draw_team(team: Team, people: int, *, seed: int = 0) -> tuple[Array, Array]:
    """Return annotators who passed: how right each is, and how right the test says he is.

    Parameters
    ----------
    team : Team
        Whom the test lets in.
    people : int
        How many.
    seed : int
        Of the draws.

    Returns
    -------
    tuple of ndarray (people,)
        True accuracy, and the mean of what it can be after the test.
    """
    a, b = team.shape
    rng = np.random.default_rng(seed)
    chance = team.right_chances()[team.least_right :]
    right = rng.choice(
        np.arange(team.least_right, team.gold_items + 1), size=people, p=chance / chance.sum()
    )
    known: Array = (a + right) / (a + b + team.gold_items)
    return rng.beta(a + right, b + team.gold_items - right), known


def weighed_accuracy(team: Team, votes: int, classes: int, *, seed: int = 0) -> float:
    r"""Return how often the answer is right where votes weigh as the test says, by draws.

    A vote of who is right in a share p weighs :math:`\ln \frac{p (K - 1)}{1 - p}` with K classes,
    which is the most likely answer if errors fall on every wrong class alike. Known is p from the
    test alone; `dawid_skene` learns it from the labels as well. 100,000 items are drawn, each with
    annotators of its own: the answer is within about 0.1 points.

    Parameters
    ----------
    team : Team
        Whom the test lets in.
    votes : int
        Labels for each item, each by another annotator.
    classes : int
        Answers to choose from.
    seed : int
        Of the draws.
    """
    items = _DRAWS
    true, known = (v.reshape(items, votes) for v in draw_team(team, items * votes, seed=seed))
    rng = np.random.default_rng(seed + 1)
    wrong = rng.integers(1, classes, size=(items, votes))
    label = np.where(rng.random((items, votes)) < true, 0, wrong)
    weight = np.log(known * (classes - 1.0) / (1.0 - known))
    score = rng.random((items, classes)) * 1e-9  # ties are broken by chance
    np.add.at(score, (np.arange(items)[:, None], label), weight)
    return float((score.argmax(axis=1) == 0).mean())
