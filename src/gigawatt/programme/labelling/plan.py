"""How many labels, people, days and dollars a set of labelled items takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gigawatt.errors import InputError, NotModelledError
from gigawatt.programme.labelling.votes import (
    Sequential,
    symmetric_confusion,
    vote_accuracy,
    vote_until_sure,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["LabelPlan", "plan_labels"]

_MOST_VOTES: Final = 25


@dataclass(frozen=True)
class LabelPlan:
    """A plan to label items.

    Parameters
    ----------
    items, classes : int
        What is to be labelled, and the answers to choose from.
    annotator_accuracy, target_accuracy : float
        Share of an annotator's labels, and of the final answers asked for, that are right.
    votes : int
        Labels of every item where all get as many.
    accuracy : float
        Share of the answers that are then right.
    labels : float
        Labels in all, those on test items among them.
    cost_usd : float
        At the price of a label.
    days : float
        Working days.
    until_sure : Sequential
        The same target where one more label is asked for only while the answer is not sure.
    labels_until_sure, cost_until_sure_usd, days_until_sure : float
        Labels, cost and days of that.
    """

    items: int
    classes: int
    annotator_accuracy: float
    target_accuracy: float
    votes: int
    accuracy: float
    labels: float
    cost_usd: float
    days: float
    until_sure: Sequential
    labels_until_sure: float
    cost_until_sure_usd: float
    days_until_sure: float


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
) -> LabelPlan:
    """Return the least labels that reach an accuracy, and what they take.

    All annotators are as good and err on their own; `dawid_skene` finds out whether they do. A
    share of all labels goes to items whose answer is known, to see how good the annotators are.

    Parameters
    ----------
    items : int
        Items to label.
    annotator_accuracy : float
        Share of one annotator's labels that are right; `accuracy_from_agreement` gives it.
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

    Raises
    ------
    InputError
        If a value makes no sense.
    NotModelledError
        If even 25 labels an item do not reach the target.
    """
    _check(items, annotators, labels_per_hour, hours_per_day, usd_per_label, test_share)
    if not 1.0 / classes < target_accuracy < 1.0:
        message = f"target_accuracy: expected above chance and below 1; found {target_accuracy:g}"
        raise InputError(message)
    confusion = symmetric_confusion(annotator_accuracy, classes)
    votes, accuracy = next(
        (v, a) for v, a in _by_votes(confusion, classes) if a >= target_accuracy - 1e-12
    )
    sequential = _least_until_sure(confusion, target_accuracy, votes)
    one_label = 1.0 / (1.0 - test_share)
    per_day = annotators * labels_per_hour * hours_per_day
    fixed, sure = items * votes * one_label, items * sequential.mean_votes * one_label
    return LabelPlan(
        items,
        classes,
        annotator_accuracy,
        target_accuracy,
        votes,
        accuracy,
        fixed,
        fixed * usd_per_label,
        fixed / per_day,
        sequential,
        sure,
        sure * usd_per_label,
        sure / per_day,
    )


def _by_votes(confusion: Array, classes: int) -> Iterator[tuple[int, float]]:
    """Yield odd numbers of votes with their accuracy: an even one adds a tie and no knowledge."""
    step = 2 if classes == 2 else 1
    for votes in range(1, _MOST_VOTES + 1, step):
        yield votes, vote_accuracy(confusion, votes)
    message = f"{_MOST_VOTES} labels an item do not reach the target; better annotators would"
    raise NotModelledError(message)


def _least_until_sure(confusion: Array, target: float, votes: int) -> Sequential:
    """Return the cheapest stopping rule that reaches the target."""
    best = None
    for limit in range(max(votes, 1), 2 * votes + 6):
        for sure in (target, *(target + (1.0 - target) * s for s in (0.25, 0.5, 0.75, 0.9))):
            found = vote_until_sure(confusion, min(sure, 1.0 - 1e-12), limit)
            if found.accuracy >= target - 1e-12 and (
                best is None or found.mean_votes < best.mean_votes
            ):
                best = found
    return best if best is not None else Sequential(vote_accuracy(confusion, votes), votes)


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
