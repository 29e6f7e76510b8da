"""Who is right how often, and what is true, from labels that disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]
    Longs = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["Consensus", "dawid_skene", "simulate_labels"]

_MOST_ROUNDS: Final = 200
_STILL: Final = 1e-7


@dataclass(frozen=True)
class Consensus:
    """What labels say together.

    Parameters
    ----------
    posterior : ndarray (items, classes)
        Chance of each class for each item.
    confusion : ndarray (annotators, classes, classes)
        Of each annotator; row: the true class, column: the label.
    prior : ndarray (classes,)
        How often each class is the true one.
    rounds : int
        Rounds until nothing moved.
    """

    posterior: Array
    confusion: Array
    prior: Array
    rounds: int

    @property
    def labels(self) -> Longs:
        """The likeliest class of each item."""
        best: Longs = self.posterior.argmax(axis=1)
        return best

    @property
    def expected_accuracy(self) -> float:
        """Share of the items that are right, if the model of the annotators is."""
        return float(self.posterior.max(axis=1).mean())


def dawid_skene(
    item: Longs, annotator: Longs, label: Longs, classes: int, *, smoothing: float = 0.01
) -> Consensus:
    """Return true classes and the annotators' confusion, by expectation and maximisation.

    Parameters
    ----------
    item, annotator, label : ndarray of int (labels,)
        One row for each label given; each counts from 0.
    classes : int
        Answers to choose from.
    smoothing : float
        Added to each count of a confusion, so that what was never seen is not thought impossible.

    Raises
    ------
    InputError
        If the columns differ in length or a label lies outside the classes.

    Notes
    -----
    A. P. Dawid and A. M. Skene, Maximum likelihood estimation of observer error-rates using the EM
    algorithm (1979). It starts from the shares of the votes.
    """
    if not (len(item) == len(annotator) == len(label)) or len(item) == 0:
        message = "items, annotators and labels must be as many, and some"
        raise InputError(message)
    if label.min() < 0 or label.max() >= classes:
        message = (
            f"labels must lie within 0 and {classes - 1}; found {label.min()} to {label.max()}"
        )
        raise InputError(message)
    items, people = int(item.max()) + 1, int(annotator.max()) + 1
    posterior = np.zeros((items, classes))
    np.add.at(posterior, (item, label), 1.0)
    posterior /= posterior.sum(axis=1, keepdims=True)
    confusion = np.zeros((people, classes, classes))
    prior = np.zeros(classes)
    rounds, moved = 0, 1.0
    while moved >= _STILL and rounds < _MOST_ROUNDS:
        rounds += 1
        prior = posterior.mean(axis=0)
        counts = np.full((people, classes, classes), smoothing)
        np.add.at(counts.transpose(0, 2, 1), (annotator, label), posterior[item])
        confusion = counts / counts.sum(axis=2, keepdims=True)
        logs = np.tile(np.log(prior + 1e-300), (items, 1))
        np.add.at(logs, item, np.log(confusion[annotator, :, label]))
        fresh = np.exp(logs - logs.max(axis=1, keepdims=True))
        fresh /= fresh.sum(axis=1, keepdims=True)
        moved = float(np.abs(fresh - posterior).max())
        posterior = fresh
    return Consensus(posterior, confusion, prior, rounds)


def simulate_labels(
    confusion: Array, items: int, votes: int, *, seed: int = 0
) -> tuple[Longs, Longs, Longs, Longs]:
    """Return labels of annotators whose confusion is known.

    Each item has one true class, all alike likely, and goes to `votes` different annotators.

    Parameters
    ----------
    confusion : ndarray (annotators, classes, classes)
        Row: the true class, column: the label.
    items, votes : int
        Items, and labels for each.
    seed : int
        Of the draws.

    Returns
    -------
    tuple of ndarray
        True class (items,); then item, annotator and label (items x votes,).
    """
    people, classes, _ = confusion.shape
    if votes > people:
        message = f"{votes} labels an item need as many annotators; there are {people}"
        raise InputError(message)
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=items)
    item = np.repeat(np.arange(items), votes)
    annotator = rng.random((items, people)).argsort(axis=1)[:, :votes].ravel()
    edges = confusion[annotator, truth[item]].cumsum(axis=1)
    label = (rng.random((len(item), 1)) > edges).sum(axis=1)
    return truth, item, annotator, np.minimum(label, classes - 1)
