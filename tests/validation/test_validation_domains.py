"""Predictions of published measurements, each by a model that has not seen the row."""

from __future__ import annotations

import csv

import pytest

from gigawatt.compute.history import published_runs
from gigawatt.compute.serving import serving_points
from gigawatt.errors import InputError
from gigawatt.validation import validate


def test_whole_runs_of_the_catalogue():
    found, rows = validate("training-runs")
    assert found["predicted"] >= 20
    # What the first form claims, and no more: the docs state these errors.
    assert found["ape"]["median"] < 25
    assert 70 <= found["coverage_p10_p90"] <= 95
    assert all(r.low < r.predicted < r.high for r in rows if not r.reason)


def test_serving_points_of_the_catalogue():
    found, _ = validate("serving")
    assert found["predicted"] >= 80
    assert found["ape"]["median"] < 35
    assert 70 <= found["coverage_p10_p90"] <= 92


@pytest.mark.parametrize("domain", ["training-new-chips", "serving-new-chips"])
def test_chips_that_nobody_has_published(domain):
    found, rows = validate(domain)
    assert found["predicted"] > 0.7 * found["rows"]
    assert found["ape"]["median"] < 40
    assert 60 <= found["coverage_p10_p90"] <= 95
    known, _ = validate("training-runs" if "training" in domain else "serving")
    assert found["rows"] == known["rows"] == len(rows)


def test_no_utilisation_exceeds_the_peak():
    shares = [r.utilisation for r in published_runs()] + [p.utilisation for p in serving_points()]
    assert all(0 < share < 1 for share in shares)


def test_measured_runs_elsewhere(shared):
    found, rows = validate("training-runs", shared / "measurements" / "training_runs.csv")
    assert found["rows"] == len(rows) == 33
    assert found["predicted"] >= 22
    assert found["ape"]["median"] < 25
    assert sum(found["skipped"].values()) == found["rows"] - found["predicted"]


def test_a_row_is_predicted_without_itself(tmp_path):
    path = tmp_path / "runs.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "tokens_T", "hardware", "accel_hours", "confidence"])
        writer.writerow(["Llama 3.1 405B", 15.6, "H100 80GB", 1.0, "primary"])
        writer.writerow(["Llama 3.1 405B", 15.6, "H100 80GB", 30.84e6, "primary"])
        writer.writerow(["A model nobody knows", 1, "H100 80GB", 1e6, "primary"])
    _, (wrong, right, unknown) = validate("training-runs", path)
    assert wrong.predicted == right.predicted == pytest.approx(30.84e6, rel=0.3)
    assert "catalogue" in unknown.reason


@pytest.mark.parametrize(
    ("domain", "text"),
    [("weather", None), ("training-runs", "model,tokens_T\n"), ("training-runs", None)],
)
def test_bad_input_is_one_clear_error(tmp_path, domain, text):
    path = tmp_path / "x.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=r"no domain|no rows|cannot be read"):
        validate(domain, path)
