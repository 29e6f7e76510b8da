"""Serving points and MLPerf inference, held against published figures."""

from __future__ import annotations

import csv
import json
from importlib import resources

import pytest

from gigawatt.errors import InputError
from gigawatt.validation import validate
from gigawatt.validation.serving_rows import read_serving_row

# Llama 3.1 70B in FP8 on four H100, as a row of a benchmark would state it.
POINT = {
    "model": "Llama 3.1 70B",
    "precision": "fp8",
    "hardware": "H100-SXM-80GB",
    "num_gpus": "4",
    "tp": "4",
    "engine": "vLLM",
    "isl": "1024",
    "osl": "1024",
    "concurrency": "32",
    "ttft_ms": "300",
    "tpot_ms": "15",
    "date": "2025-09",
}


@pytest.fixture(scope="module")
def points(shared):
    """Return the scores of all published serving points."""
    return validate("serving", shared / "measurements" / "serving.csv")[0]


def _table(path, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_point_counts_once_and_shows_every_quantity(tmp_path):
    found, rows = validate("serving", _table(tmp_path / "x.csv", POINT))
    assert (found["rows"], found["predicted"]) == (1, 1)
    labels = ("", ", aggregated", ", vllm", ", h100-sxm", ", fp8")
    assert set(found["groups"]) == {
        f"{quantity}{label}"
        for quantity in ("time per token", "time to the first token")
        for label in labels
    }
    assert all(row.low < row.predicted < row.high for row in rows)
    assert found["ape"] == found["groups"]["time per token"]["ape"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": "a model nobody knows"}, "architecture"),
        ({"hardware": "an abacus"}, "accelerator"),
        ({"engine": "pencil"}, "engine"),
        ({"isl": ""}, "prompts"),
        ({"isl": "", "notes": "task=sourcegraph-fim"}, "prompts of this task"),
        ({"isl": "", "notes": "task=video-chat"}, "images or videos"),
        ({"concurrency": ""}, "concurrent requests"),
        ({"num_gpus": "6"}, "multiply"),
        ({"num_gpus": "1", "tp": "1", "precision": "bf16"}, "weights are larger"),
        ({"concurrency": "4096", "isl": "30000"}, "prefix cache"),
        # A minute for first tokens, and a quarter of one for all others.
        ({"ttft_ms": "60000"}, "a cap"),
        ({"notes": "spec=mtp"}, "speculative"),
        ({"notes": "MTP3 speculative decoding"}, "speculative"),
        ({"mode": "disaggregated"}, "disaggregated"),
        ({"load": "static batch"}, "one batch"),
        ({"request_rate": "3"}, "rate"),
    ],
)
def test_rows_that_cannot_be_predicted_say_why(change, reason):
    assert reason in read_serving_row({**POINT, **change})


def test_a_table_of_nothing_known_is_one_clear_error(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("model,hardware\nx,y\n")
    with pytest.raises(InputError, match=r"serving points.*MLPerf inference.*found model"):
        validate("serving", path)


def test_the_calibration_holds_for_rows_it_has_not_seen():
    path = resources.files("gigawatt.compute.hosting") / "calibration.json"
    fit = json.loads(path.read_text(encoding="utf-8"))
    assert fit["rows_left_out"]["tpot"]["mean"] <= 15
    assert fit["rows_left_out"]["ttft"]["mean"] <= 30
    assert fit["rows_left_out"]["rate"]["median"] <= 17
    assert fit["models_left_out"]["tpot"]["median"] <= 15


def test_most_points_are_predicted(points):
    assert sum(points["skipped"].values()) == points["rows"] - points["predicted"]
    other = ("architecture not public", "accelerator not in")
    unknown = sum(n for reason, n in points["skipped"].items() if reason.startswith(other))
    assert points["predicted"] / (points["rows"] - unknown) >= 0.85


def test_measured_points_elsewhere(points):
    for name, mean in (("time per token", 15), ("time to the first token", 30)):
        group = points["groups"][name]
        assert group["ape"]["mean"] <= mean
        assert 75 <= group["coverage_p10_p90"] <= 85
    assert points["groups"]["throughput"]["ape"]["median"] <= 15


@pytest.mark.parametrize(
    ("group", "most"),
    [
        ("time of a batch, one batch", 20),
        ("time per token, arrivals", 20),
        ("time per token, disaggregated", 15),
        ("time to the first token, disaggregated", 45),
        ("time per token, median step", 25),
        ("throughput, mlperf", 15),
    ],
)
def test_kinds_of_point_elsewhere(points, group, most):
    assert points["groups"][group]["ape"]["median"] <= most


def test_submissions_elsewhere(shared):
    found, _ = validate("serving", shared / "measurements" / "mlperf_inference.csv")
    assert found["predicted"] >= 660
    assert found["ape"]["median"] <= 25
