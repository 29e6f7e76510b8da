"""How many labels, people, days and dollars a set of labelled items takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final

from gigawatt.errors import InputError, NotModelledError
from gigawatt.programme.labelling.team import screen, weighed_accuracy
from gigawatt.programme.labelling.votes import (
    Sequential,
    symmetric_confusion,
    until_sure_by_limit,
    vote_accuracy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import numpy as np

    from gigawatt.programme.labelling.team import Team

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["LabelPlan", "Way", "plan_labels"]

_MOST_VOTES: Final = 25
_MOST_UNTIL_SURE: Final = 30


@dataclass(frozen=True)
class Way:
    """One way to label the items.

    Parameters
    ----------
    votes : float
        Labels of an item; the mean where they differ.
    accuracy : float
        Share of the answers that are right.
    labels : float
        Labels in all, those on test items among them.
    cost_usd : float
        At the price of a label.
    days : float
        Working days, with the test of applicants.
    """

    votes: float
    accuracy: float
    labels: float
    cost_usd: float
    days: float


@dataclass(frozen=True)
class LabelPlan:
    """A plan to label items.

    Parameters
    ----------
    items, classes : int
        What is to be labelled, and the answers to choose from.
    annotator_accuracy, target_accuracy : float
        Share of an annotator's labels, and of the final answers asked for, that are right.
    same_for_all : Way
        As many labels for every item, the most given one is the answer.
    until_sure : Way
        One more label is asked for only while the answer is not sure.
    weighed : Way or None
        As many for all, each weighed by what the test says of who gave it; None without a test.
    team : Team or None
        Whom the test of applicants lets in; None where all are as good.
    applicants : float
        People who take the test so that enough pass.
    known_items_each : float
        Items of known answer that an annotator meets at work, with the same labels for all.
    accuracy_error : float or None
        Standard error with which these tell an annotator's accuracy; None without them.
    """

    items: int
    classes: int
    annotator_accuracy: float
    target_accuracy: float
    same_for_all: Way
    until_sure: Way
    weighed: Way | None
    team: Team | None
    applicants: float
    known_items_each: float
    accuracy_error: float | None


def plan_labels(  # noqa: PLR0913  what a user may choose
    items: int,
    *,
    annotator_accuracy: float,
    target_accuracy: float,
    usd_per_label: float,
    annotators: int,
    labels_per_hour: float,
    hours_per_day: float = 8.0,
    classes: int = 2,
    test_share: float = 0.05,
    accuracy_spread: float = 0.0,
    gold_items: int = 0,
    gold_right_share: float = 0.0,
    seed: int = 0,
) -> LabelPlan:
    """Return the least labels that reach an accuracy, and what they take.

    Annotators err on their own, into every wrong class alike; `dawid_skene` finds out whether they
    do. Where they differ in skill, each item goes to annotators picked by chance, so that the most
    voted answer depends on their mean accuracy only. A share of all labels goes to items whose
    answer is known, to see how good the annotators are.

    Parameters
    ----------
    items : int
        Items to label.
    annotator_accuracy : float
        Share of an annotator's labels that are right, the mean of all who apply;
        `accuracy_from_agreement` gives it.
    target_accuracy : float
        Share of the final answers that must be right.
    usd_per_label : float
        Price of a label.
    annotators : int
        People at work.
    labels_per_hour, hours_per_day : float
        What one of them does.
    classes : int
        Answers to choose from.
    test_share : float
        Part of all labels that goes to test items, in [0, 1).
    accuracy_spread : float
        Standard deviation of accuracy between those who apply; 0 where all are as good.
    gold_items : int
        Items of known answer that each who applies labels first, paid like the others.
    gold_right_share : float
        Part of these that must be right.
    seed : int
        Of the draws for weighed votes.

    Raises
    ------
    InputError
        If a value makes no sense.
    NotModelledError
        If even 25 labels an item do not reach the target, or next to nobody passes the test.
    """
    _check(items, annotators, labels_per_hour, hours_per_day, usd_per_label, test_share)
    if not 1.0 / classes < target_accuracy < 1.0:
        message = f"target_accuracy: expected above chance and below 1; found {target_accuracy:g}"
        raise InputError(message)
    team = _team(annotator_accuracy, accuracy_spread, gold_items, gold_right_share)
    applicants = annotators / team.pass_share if team else float(annotators)
    right = team.accuracy if team else annotator_accuracy
    confusion = symmetric_confusion(right, classes)
    votes, accuracy = next(
        (v, a) for v, a in _by_votes(confusion, classes) if a >= target_accuracy - 1e-12
    )
    sequential = _least_until_sure(right, classes, target_accuracy, votes, accuracy)

    def way(mean_votes: float, share_right: float) -> Way:
        work = items * mean_votes / (1.0 - test_share)
        labels = work + applicants * gold_items
        hours = work / annotators / labels_per_hour + gold_items / labels_per_hour
        return Way(mean_votes, share_right, labels, labels * usd_per_label, hours / hours_per_day)

    weighed = None
    if team and gold_items:
        tried = ((v, weighed_accuracy(team, v, classes, seed=seed)) for v in range(1, votes + 1))
        best = next(((v, a) for v, a in tried if a >= target_accuracy), None)
        weighed = way(*best) if best else None
    known = items * votes / (1.0 - test_share) * test_share / annotators
    error = sqrt(right * (1.0 - right) / known) if known else None
    return LabelPlan(
        items, classes, right, target_accuracy, way(votes, accuracy),
        way(sequential.mean_votes, sequential.accuracy), weighed, team, applicants, known, error,
    )  # fmt: skip


def _team(accuracy: float, spread: float, gold_items: int, right_share: float) -> Team | None:
    if spread:
        return screen(accuracy, spread, gold_items, right_share)
    if gold_items:
        message = (
            "a test tells annotators of different skill apart; state accuracy_spread above 0, "
            "or no gold_items"
        )
        raise InputError(message)
    return None


def _by_votes(confusion: Array, classes: int) -> Iterator[tuple[int, float]]:
    """Yield odd numbers of votes with their accuracy: an even one adds a tie and no knowledge."""
    step = 2 if classes == 2 else 1
    for votes in range(1, _MOST_VOTES + 1, step):
        yield votes, vote_accuracy(confusion, votes)
    message = f"{_MOST_VOTES} labels an item do not reach the target; better annotators would"
    raise NotModelledError(message)


def _least_until_sure(
    right: float, classes: int, target: float, votes: int, accuracy: float
) -> Sequential:
    """Return the cheapest stopping rule that reaches the target."""
    best = Sequential(accuracy, votes)
    most = max(votes, min(2 * votes + 5, _MOST_UNTIL_SURE))
    for sure in (target, *(target + (1.0 - target) * s for s in (0.25, 0.5, 0.75, 0.9))):
        for found in until_sure_by_limit(right, classes, min(sure, 1.0 - 1e-12), most):
            if found.accuracy >= target - 1e-12 and found.mean_votes < best.mean_votes:
                best = found
    return best


def _check(
    items: int, annotators: int, rate: float, hours: float, price: float, test_share: float
) -> None:
    wanted = {
        "items": (items, items >= 1, "1 or more"),
        "annotators": (annotators, annotators >= 1, "1 or more"),
        "labels_per_hour": (rate, rate > 0, "above 0"),
        "hours_per_day": (hours, 0 < hours <= 24, "above 0, at most 24"),
        "usd_per_label": (price, price >= 0, "0 or more"),
        "test_share": (test_share, 0 <= test_share < 1, "0 or more, below 1"),
    }
    for name, (value, good, expected) in wanted.items():
        if not good:
            message = f"{name}: expected {expected}; found {value:g}"
            raise InputError(message)
