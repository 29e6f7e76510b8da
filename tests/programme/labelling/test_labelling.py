"""Labels: plans against simulated annotators whose confusion is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.errors import InputError, NotModelledError
from gigawatt.programme.labelling.dawid_skene import dawid_skene, simulate_labels
from gigawatt.programme.labelling.plan import plan_labels
from gigawatt.programme.labelling.votes import (
    accuracy_from_agreement,
    agreement_from_accuracy,
    symmetric_confusion,
    vote_accuracy,
    vote_until_sure,
)

PLAN = {"usd_per_label": 1.2, "annotators": 40, "labels_per_hour": 12.0}


def majority(item, label, items, classes, seed=0):
    """Return the most voted class of each item, ties broken by chance."""
    counts = np.zeros((items, classes))
    np.add.at(counts, (item, label), 1.0)
    return (counts + np.random.default_rng(seed).random(counts.shape) * 1e-6).argmax(axis=1)


@pytest.mark.parametrize(
    ("accuracy", "votes", "classes"), [(0.7, 3, 2), (0.836, 5, 2), (0.6, 4, 4)]
)
def test_vote_is_as_right_as_simulated_annotators(accuracy, votes, classes):
    items = 40_000
    confusion = np.stack([symmetric_confusion(accuracy, classes)] * 20)
    truth, item, _, label = simulate_labels(confusion, items, votes, seed=3)
    found = float((majority(item, label, items, classes) == truth).mean())
    expected = vote_accuracy(confusion[0], votes)
    error = np.sqrt(expected * (1.0 - expected) / items)
    assert found == pytest.approx(expected, abs=4.0 * error)


def test_agreement_of_simulated_annotators_gives_their_accuracy_back():
    confusion = np.stack([symmetric_confusion(0.75, 3)] * 10)
    _, _, _, label = simulate_labels(confusion, 50_000, 2, seed=5)
    agreement = float((label[0::2] == label[1::2]).mean())
    assert accuracy_from_agreement(agreement, 3) == pytest.approx(0.75, abs=0.01)


@given(classes=st.integers(2, 8), above=st.floats(0.05, 1.0))
def test_agreement_and_accuracy_are_inverse(classes, above):
    accuracy = 1.0 / classes + above * (1.0 - 1.0 / classes)
    back = accuracy_from_agreement(agreement_from_accuracy(accuracy, classes), classes)
    assert back == pytest.approx(accuracy)


def test_dawid_skene_finds_the_annotators_and_beats_the_majority():
    skill = np.linspace(0.5, 0.95, 30)
    confusion = np.stack([symmetric_confusion(a, 3) for a in skill])
    truth, item, annotator, label = simulate_labels(confusion, 20_000, 5, seed=1)
    found = dawid_skene(item, annotator, label, 3)
    ours = float((found.labels == truth).mean())
    votes = float((majority(item, label, 20_000, 3) == truth).mean())
    assert ours > votes + 0.02
    assert found.expected_accuracy == pytest.approx(ours, abs=0.01)
    learnt = found.confusion.diagonal(axis1=1, axis2=2).mean(axis=1)
    assert np.abs(learnt - skill).max() < 0.04


def test_dawid_skene_learns_a_habit_of_one_annotator():
    habit = np.array([[0.95, 0.05], [0.6, 0.4]])  # says 0 too often
    confusion = np.stack([habit, *[symmetric_confusion(0.9, 2)] * 4])
    _, item, annotator, label = simulate_labels(confusion, 8_000, 4, seed=2)
    found = dawid_skene(item, annotator, label, 2)
    assert np.abs(found.confusion[0] - habit).max() < 0.03


@pytest.mark.parametrize(
    ("accuracy", "classes", "votes"),
    [(0.7, 2, 3), (0.7, 2, 4), (0.6, 4, 5), (0.4, 5, 6), (1.0, 3, 3)],
)
def test_errors_alike_are_summed_by_count_as_by_class(accuracy, classes, votes):
    # A stated prior takes the general way, through every class by itself.
    confusion, prior = symmetric_confusion(accuracy, classes), np.full(classes, 1.0 / classes)
    assert vote_accuracy(confusion, votes) == pytest.approx(vote_accuracy(confusion, votes, prior))
    short = vote_until_sure(confusion, 0.93, votes)
    long = vote_until_sure(confusion, 0.93, votes, prior)
    assert short.accuracy == pytest.approx(long.accuracy)
    assert short.mean_votes == pytest.approx(long.mean_votes)


def test_twenty_classes_are_planned():
    asked = {"annotator_accuracy": 0.6, "target_accuracy": 0.95, "classes": 20}
    plan = plan_labels(1000, **asked, **PLAN)
    confusion = np.stack([symmetric_confusion(0.6, 20)] * 20)
    truth, item, _, label = simulate_labels(confusion, 40_000, plan.same_for_all.votes, seed=7)
    found = float((majority(item, label, 40_000, 20) == truth).mean())
    assert found == pytest.approx(plan.same_for_all.accuracy, abs=0.005)
    assert plan.until_sure.accuracy >= 0.95
    assert plan.until_sure.labels < plan.same_for_all.labels


@settings(deadline=None)
@given(accuracy=st.floats(0.6, 0.95), sure=st.floats(0.7, 0.99), most=st.integers(1, 9))
def test_asking_until_sure_wastes_nothing(accuracy, sure, most):
    found = vote_until_sure(symmetric_confusion(accuracy, 2), sure, most)
    assert 1.0 - 1e-9 <= found.mean_votes <= most + 1e-9
    assert found.accuracy >= accuracy - 1e-12
    odd = most if most % 2 else max(most - 1, 1)
    assert found.accuracy <= vote_accuracy(symmetric_confusion(accuracy, 2), odd) + 1e-9


def test_asking_until_sure_is_as_right_as_when_it_is_played():
    confusion, sure, most = symmetric_confusion(0.8, 2), 0.94, 7
    rng = np.random.default_rng(4)
    right = rng.random((60_000, most)) < 0.8
    lead = np.cumsum(np.where(right, 1, -1), axis=1)
    # Two classes, equal priors: the posterior follows from the lead alone.
    posterior = 1.0 / (1.0 + (0.2 / 0.8) ** np.abs(lead))
    done = posterior >= sure
    done[:, -1] = True
    at = done.argmax(axis=1)
    last = lead[np.arange(len(at)), at]
    score = np.where(last > 0, 1.0, np.where(last == 0, 0.5, 0.0)).mean()
    found = vote_until_sure(confusion, sure, most)
    assert found.mean_votes == pytest.approx((at + 1).mean(), rel=0.01)
    assert found.accuracy == pytest.approx(score, abs=0.005)


def test_plan_reaches_its_target_with_the_least_labels():
    plan = plan_labels(1000, annotator_accuracy=0.836, target_accuracy=0.95, **PLAN)
    confusion = symmetric_confusion(0.836, 2)
    same = plan.same_for_all
    assert same.accuracy >= 0.95 > vote_accuracy(confusion, same.votes - 2)
    assert plan.until_sure.accuracy >= 0.95
    assert plan.until_sure.labels < same.labels
    assert same.labels == pytest.approx(1000 * same.votes / 0.95)
    assert same.cost_usd == pytest.approx(1.2 * same.labels)
    assert same.days == pytest.approx(same.labels / (40 * 12.0 * 8.0))
    assert plan.known_items_each == pytest.approx(0.05 * same.labels / 40)
    assert plan.weighed is None


@given(items=st.integers(1, 10**7), scale=st.integers(1, 50))
def test_cost_and_time_grow_with_the_items(items, scale):
    asked = {"annotator_accuracy": 0.8, "target_accuracy": 0.9, **PLAN}
    one, many = plan_labels(items, **asked), plan_labels(items * scale, **asked)
    assert many.same_for_all.cost_usd == pytest.approx(scale * one.same_for_all.cost_usd)
    assert many.until_sure.days == pytest.approx(scale * one.until_sure.days)


def test_bad_questions_are_refused_in_words():
    good = {"annotator_accuracy": 0.8, "target_accuracy": 0.9, **PLAN}
    for bad in ({"target_accuracy": 1.0}, {"annotator_accuracy": 0.5}, {"annotators": 0}):
        with pytest.raises(InputError):
            plan_labels(10, **{**good, **bad})
    with pytest.raises(NotModelledError, match="better annotators"):
        plan_labels(10, **{**good, "annotator_accuracy": 0.52, "target_accuracy": 0.99})
    with pytest.raises(InputError, match="annotators"):
        simulate_labels(np.stack([symmetric_confusion(0.8, 2)] * 2), 10, 3)
    with pytest.raises(InputError, match="labels"):
        dawid_skene(np.array([0]), np.array([0]), np.array([5]), 2)
