"""How right several labels of one item are together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import comb, factorial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Longs = np.ndarray[Any, np.dtype[np.int64]]

__all__ = [
    "Sequential",
    "accuracy_from_agreement",
    "agreement_from_accuracy",
    "symmetric_confusion",
    "until_sure_by_limit",
    "vote_accuracy",
    "vote_until_sure",
]

_MOST_COUNTS: Final = 200_000


def symmetric_confusion(accuracy: float, classes: int) -> Array:
    """Return the confusion of an annotator that errs into every wrong class alike.

    Parameters
    ----------
    accuracy : float
        Share of labels that are right, in (1 / classes, 1].
    classes : int
        Answers to choose from.

    Returns
    -------
    ndarray (classes, classes)
        Row: the true class; column: the label; rows sum to 1.
    """
    if classes < 2 or not 1.0 / classes < accuracy <= 1.0:
        message = f"accuracy: expected above chance (1/{classes}) and at most 1; found {accuracy:g}"
        raise InputError(message)
    wrong = (1.0 - accuracy) / (classes - 1)
    return np.full((classes, classes), wrong) + np.eye(classes) * (accuracy - wrong)


def agreement_from_accuracy(accuracy: float, classes: int = 2) -> float:
    """Return how often two such annotators give the same label: p^2 + (1 - p)^2 / (K - 1)."""
    return accuracy**2 + (1.0 - accuracy) ** 2 / (classes - 1)


def accuracy_from_agreement(agreement: float, classes: int = 2) -> float:
    """Return how often annotators are right who agree so often, if they err alone and alike.

    The inverse of `agreement_from_accuracy`, the root above chance. Annotators who make the same
    mistakes agree more often than they are right, so this is the most that agreement can mean.

    Raises
    ------
    InputError
        If they agree no more often than by chance.

    Examples
    --------
    >>> round(accuracy_from_agreement(0.726), 3)  # the labellers of InstructGPT
    0.836
    """
    if not 1.0 / classes < agreement <= 1.0:
        message = (
            f"agreement: expected above chance (1/{classes}) and at most 1; found {agreement:g}"
        )
        raise InputError(message)
    k = classes - 1.0
    # K p^2 - 2 p + 1 - (K - 1) agreement = 0, with K classes
    inside = 1.0 - classes * (1.0 - k * agreement)
    return float((1.0 + np.sqrt(inside)) / classes)


@cache
def _counts(votes: int, classes: int) -> Longs:
    """Return every way that votes can fall on classes (ways, classes)."""
    bars = np.array(list(combinations(range(votes + classes - 1), classes - 1)), dtype=np.int64)
    if len(bars) > _MOST_COUNTS:
        message = f"{votes} votes over {classes} classes fall in too many ways to list"
        raise NotModelledError(message)
    edges = np.hstack(
        [np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), votes + classes - 1)]
    )
    found: Longs = np.diff(edges, axis=1) - 1
    return found


def _log_chance(counts: Longs, confusion: Array) -> Array:
    """Return ln P(counts | true class) (ways, classes), with the multinomial coefficient."""
    votes = int(counts[0].sum())
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, votes + 1.0)))])
    ways = log_factorial[votes] - log_factorial[counts].sum(axis=1)
    # A class never given adds nothing, also where its chance is 0.
    logs = np.log(np.where(confusion > 0, confusion, 1e-300))
    chance: Array = ways[:, None] + counts @ logs.T
    return chance


def vote_accuracy(confusion: Array, votes: int, prior: Array | None = None) -> float:
    """Return how often the most voted class is right; ties are broken by chance.

    Exact: a sum over all ways in which the votes can fall; over the votes of the true class where
    errors fall on every wrong class alike and all classes are as likely.

    Parameters
    ----------
    confusion : ndarray (classes, classes)
        Of each annotator; row: the true class, column: the label.
    votes : int
        Labels for each item.
    prior : ndarray (classes,), optional
        How often each class is the true one; all alike where not given.
    """
    classes = len(confusion)
    if prior is None and _is_symmetric(confusion):
        return _plurality(float(confusion[0, 0]), classes, votes)
    weight = np.full(classes, 1.0 / classes) if prior is None else np.asarray(prior)
    counts = _counts(votes, classes)
    most = counts == counts.max(axis=1, keepdims=True)
    share = most / most.sum(axis=1, keepdims=True)
    chance = np.exp(_log_chance(counts, confusion))
    return float(np.sum(chance * share * weight))


def _is_symmetric(confusion: Array) -> bool:
    right = np.eye(len(confusion), dtype=bool)
    return bool(np.ptp(confusion[right]) < 1e-12 and np.ptp(confusion[~right]) < 1e-12)


def _plurality(accuracy: float, classes: int, votes: int) -> float:
    """Return how often the true class wins, errors falling on every wrong class alike.

    With r votes for the true class, the others must have fewer, or t of them as many and the tie
    is broken by chance; the ways are coefficients of powers of 1 + x + ... + x^(r-1) / (r-1)!.
    """
    others = classes - 1
    wrong = (1.0 - accuracy) / others
    total = 0.0
    for right in range(1, votes + 1):
        left = votes - right
        fewer = np.array([1.0 / factorial(j) for j in range(right)])
        powers = [np.ones(1)]
        for _ in range(others):
            powers.append(np.convolve(powers[-1], fewer)[: left + 1])
        ways = 0.0
        for ties in range(min(others, left // right) + 1):
            power, at = powers[others - ties], left - ties * right
            if at < len(power):
                ways += comb(others, ties) * power[at] / factorial(right) ** ties / (ties + 1)
        chance = comb(votes, right) * accuracy**right * wrong**left
        total += float(chance * factorial(left) * ways)
    return min(total, 1.0)


@dataclass(frozen=True)
class Sequential:
    """Labels asked for one by one until the answer is sure enough.

    Parameters
    ----------
    accuracy : float
        Share of items whose final answer is right.
    mean_votes : float
        Labels an item.
    """

    accuracy: float
    mean_votes: float


def vote_until_sure(
    confusion: Array, sure: float, most_votes: int, prior: Array | None = None
) -> Sequential:
    """Return what asking for one more label until the likeliest class is sure enough gives.

    After each label the posterior of the classes follows from the confusion (Bayes); an item is
    done when the likeliest reaches `sure`, or after `most_votes`. Exact, by stepping through all
    ways in which votes can fall that are not yet done.

    Parameters
    ----------
    confusion, prior
        As of `vote_accuracy`.
    sure : float
        Posterior at which an item is done, in (0, 1).
    most_votes : int
        Labels at which an item is done in any case.

    Notes
    -----
    A. Wald, Sequential tests of statistical hypotheses (1945), with several hypotheses.
    """
    if not 0.0 < sure < 1.0 or most_votes < 1:
        message = (
            f"sure must lie in (0, 1) and most_votes be 1 or more; found {sure:g}, {most_votes}"
        )
        raise InputError(message)
    classes = len(confusion)
    if prior is None and _is_symmetric(confusion):
        return until_sure_by_limit(float(confusion[0, 0]), classes, sure, most_votes)[-1]
    weight = np.full(classes, 1.0 / classes) if prior is None else np.asarray(prior)
    open_states: dict[tuple[int, ...], Array] = {(0,) * classes: weight.astype(float)}
    right = votes = 0.0
    for step in range(1, most_votes + 1):
        after: dict[tuple[int, ...], Array] = {}
        for state, joint in open_states.items():
            for label in range(classes):
                new = (*state[:label], state[label] + 1, *state[label + 1 :])
                after[new] = after.get(new, 0.0) + joint * confusion[:, label]
        open_states = {}
        for state, joint in after.items():
            if step == most_votes or joint.max() >= sure * joint.sum():
                right += float(joint.max())
                votes += step * float(joint.sum())
            else:
                open_states[state] = joint
    return Sequential(right, votes)


def until_sure_by_limit(
    accuracy: float, classes: int, sure: float, most_votes: int
) -> tuple[Sequential, ...]:
    """Return what `vote_until_sure` gives with at most 1, 2, ... `most_votes` labels.

    For annotators that err into every wrong class alike, with all classes as likely. What matters
    of the votes is then how many the classes have, not which; so the ways lead through far fewer
    states.

    Parameters
    ----------
    accuracy : float
        Share of labels that are right.
    classes : int
        Answers to choose from.
    sure, most_votes
        As of `vote_until_sure`.
    """
    wrong = (1.0 - accuracy) / (classes - 1)
    states: dict[tuple[int, ...], float] = {(): 1.0}  # votes by class, falling: ways to get there
    right = votes = 0.0
    found = []
    for step in range(1, most_votes + 1):
        open_states: dict[tuple[int, ...], float] = {}
        still_right = still_open = 0.0
        for state, ways in _one_more(states, classes).items():
            joint = [accuracy**n * wrong ** (step - n) for n in state]
            mass = sum(joint) + (classes - len(state)) * wrong**step
            share = ways / classes
            if joint[0] >= sure * mass:
                right += share * joint[0]
                votes += step * share * mass
            else:
                open_states[state] = ways
                still_right += share * joint[0]
                still_open += share * mass
        states = open_states
        found.append(Sequential(right + still_right, votes + step * still_open))
    return tuple(found)


def _one_more(states: dict[tuple[int, ...], float], classes: int) -> dict[tuple[int, ...], float]:
    """Return the states after one more vote, with the ways to each."""
    after: dict[tuple[int, ...], float] = {}
    for state, ways in states.items():
        for count in {*state, 0}:
            alike = state.count(count) if count else classes - len(state)
            if not alike:
                continue
            at = state.index(count) if count else len(state)
            new = (*state[:at], count + 1, *state[at + 1 :])
            after[new] = after.get(new, 0.0) + ways * alike
    return after
