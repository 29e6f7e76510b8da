"""Scores are what a reader would compute by hand."""

from __future__ import annotations

import pytest

from gigawatt.validation import Prediction, score


def test_errors_bias_and_coverage_by_hand():
    rows = [
        Prediction("a", "x", 100.0, 110.0, 90.0, 120.0),
        Prediction("b", "x", 100.0, 70.0, 60.0, 80.0),
        Prediction("c", "y", 200.0, 200.0, 150.0, 250.0),
        Prediction("d", "y", None, reason="no measurement"),
    ]
    found = score("demo", rows)
    assert (found["rows"], found["predicted"]) == (4, 3)
    assert found["skipped"] == {"no measurement": 1}
    assert found["ape"]["mean"] == pytest.approx(40 / 3)
    assert found["ape"]["median"] == pytest.approx(10.0)
    assert found["bias"] == pytest.approx(0.0)
    assert found["coverage_p10_p90"] == pytest.approx(200 / 3)
    assert found["groups"]["x"]["bias"] == pytest.approx(-10.0)
    assert found["groups"]["y"]["predicted"] == 1


def test_nothing_predicted_has_no_errors():
    found = score("demo", [Prediction("a", "x", None, reason="why")])
    assert found["ape"] is None
    assert found["groups"] == {}


def test_a_second_quantity_is_scored_by_group_alone():
    first = Prediction("a", "time", 100.0, 110.0, 90.0, 120.0)
    second = Prediction("a", "time, step", 10.0, 20.0, 15.0, 25.0, beside=True)
    found = score("demo", [first, second])
    assert (found["rows"], found["predicted"]) == (1, 1)
    assert found["ape"]["mean"] == pytest.approx(10.0)
    assert found["groups"]["time, step"]["ape"]["mean"] == pytest.approx(100.0)
