"""Annotators of different skill: the test that lets them in, against simulated applicants."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.errors import InputError, NotModelledError
from gigawatt.programme.labelling.dawid_skene import dawid_skene, simulate_labels
from gigawatt.programme.labelling.plan import plan_labels
from gigawatt.programme.labelling.team import draw_team, screen, weighed_accuracy
from gigawatt.programme.labelling.votes import symmetric_confusion, vote_accuracy

PLAN = {"usd_per_label": 1.2, "annotators": 40, "labels_per_hour": 12.0, "target_accuracy": 0.97}


def test_the_test_lets_in_whom_simulated_applicants_say():
    team = screen(0.8, 0.1, 30, 0.85)
    rng = np.random.default_rng(11)
    size = 0.8 * 0.2 / 0.1**2 - 1.0  # beta distribution of mean 0.8 and deviation 0.1
    skill = rng.beta(0.8 * size, 0.2 * size, 400_000)
    passed = skill[rng.binomial(30, skill) >= 26]
    assert team.least_right == 26
    assert team.pass_share == pytest.approx(len(passed) / len(skill), abs=0.005)
    assert team.accuracy == pytest.approx(passed.mean(), abs=0.002)
    assert team.spread == pytest.approx(passed.std(), abs=0.002)
    drawn, known = draw_team(team, 100_000, seed=2)
    assert drawn.mean() == pytest.approx(team.accuracy, abs=0.002)
    assert known.mean() == pytest.approx(team.accuracy, abs=0.002)


def test_without_a_test_everybody_is_taken_as_he_is():
    team = screen(0.8, 0.1, 0, 0.0)
    assert team.pass_share == pytest.approx(1.0)
    assert (team.accuracy, team.spread) == pytest.approx((0.8, 0.1))


@pytest.mark.parametrize("share", [0.6, 0.8, 0.9])
def test_a_harder_test_lets_in_fewer_and_better(share):
    easy, hard = screen(0.8, 0.1, 40, share), screen(0.8, 0.1, 40, share + 0.05)
    assert hard.pass_share < easy.pass_share
    assert hard.accuracy > easy.accuracy > 0.8


def test_most_voted_answer_depends_on_the_mean_accuracy_only():
    team = screen(0.75, 0.15, 0, 0.0)
    skill, _ = draw_team(team, 2_000, seed=3)
    confusion = np.stack([symmetric_confusion(p, 2) for p in np.maximum(skill, 0.501)])
    truth, item, _, label = simulate_labels(confusion, 30_000, 5, seed=4)
    ones = np.bincount(item, weights=label)
    found = float(((ones > 2.5) == truth).mean())
    mean = float(np.maximum(skill, 0.501).mean())
    assert found == pytest.approx(vote_accuracy(symmetric_confusion(mean, 2), 5), abs=0.01)


def test_weighing_by_the_test_gains_and_learning_from_labels_gains_as_much():
    team = screen(0.75, 0.15, 60, 0.0)
    weighed = weighed_accuracy(team, 5, 2)
    alike = vote_accuracy(symmetric_confusion(0.75, 2), 5)
    assert weighed > alike + 0.02
    # With no test the weights are alike, and with no spread to speak of nothing is gained.
    same = screen(0.75, 0.001, 10, 0.0)
    assert weighed_accuracy(same, 5, 2) == pytest.approx(alike, abs=0.006)
    skill, _ = draw_team(team, 200, seed=5)
    confusion = np.stack([symmetric_confusion(p, 2) for p in np.clip(skill, 0.501, 0.999)])
    truth, item, annotator, label = simulate_labels(confusion, 20_000, 5, seed=6)
    learnt = float((dawid_skene(item, annotator, label, 2).labels == truth).mean())
    assert learnt == pytest.approx(weighed, abs=0.02)


def test_plan_pays_for_the_test_and_needs_fewer_labels():
    asked = {"annotator_accuracy": 0.8, **PLAN}
    alike = plan_labels(100_000, **asked)
    tested = plan_labels(100_000, **asked, accuracy_spread=0.1, gold_items=40, gold_right_share=0.8)
    assert tested.team is not None
    assert tested.weighed is not None
    assert tested.applicants == pytest.approx(40 / tested.team.pass_share)
    assert tested.same_for_all.labels < alike.same_for_all.labels
    work = 100_000 * tested.same_for_all.votes / 0.95
    assert tested.same_for_all.labels == pytest.approx(work + 40 * tested.applicants)
    assert tested.same_for_all.days == pytest.approx(work / (40 * 96.0) + 40 / 96.0)
    assert tested.weighed.votes <= tested.same_for_all.votes
    assert tested.weighed.accuracy >= 0.97


def test_bad_tests_are_refused_in_words():
    for bad in ((0.8, 0.0, 10, 0.5), (0.8, 0.5, 10, 0.5), (0.8, 0.1, -1, 0.5), (0.8, 0.1, 10, 2.0)):
        with pytest.raises(InputError):
            screen(*bad)
    with pytest.raises(NotModelledError, match="thousand"):
        screen(0.6, 0.01, 40, 0.95)
    with pytest.raises(InputError, match="accuracy_spread"):
        plan_labels(10, annotator_accuracy=0.8, **PLAN, gold_items=10)
