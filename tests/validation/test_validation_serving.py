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


def _table(path, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_point_counts_once_and_shows_every_quantity(tmp_path):
    found, rows = validate("serving", _table(tmp_path / "x.csv", POINT))
    assert (found["rows"], found["predicted"]) == (1, 1)
    assert set(found["groups"]) == {
        "time per token",
        "time per token, vllm, hopper",
        "time to the first token",
        "time to the first token, vllm, hopper",
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
        ({"osl": "1"}, "one output token"),
        ({"concurrency": ""}, "concurrent requests"),
        ({"num_gpus": "6"}, "multiply"),
        ({"num_gpus": "1", "tp": "1", "precision": "bf16"}, "weights are larger"),
        ({"ttft_ms": "200000"}, "not stated"),
        ({"concurrency": "4096", "isl": "30000"}, "prefix cache"),
        ({"notes": "spec=mtp"}, "speculative"),
        ({"mode": "disaggregated"}, "disaggregated"),
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
    assert fit["rows_left_out"]["tpot"]["median"] <= 13
    assert fit["rows_left_out"]["ttft"]["median"] <= 30
    assert fit["rows_left_out"]["rate"]["median"] <= 15
    assert fit["models_left_out"]["tpot"]["median"] <= 18


def test_measured_points_elsewhere(shared):
    found, _ = validate("serving", shared / "measurements" / "serving.csv")
    assert found["predicted"] >= 2450
    assert sum(found["skipped"].values()) == found["rows"] - found["predicted"]
    for name, mean in (("time per token", 15), ("time to the first token", 40)):
        group = found["groups"][name]
        assert group["ape"]["mean"] <= mean
        assert 75 <= group["coverage_p10_p90"] <= 85
    assert found["groups"]["throughput"]["ape"]["median"] <= 15


def test_submissions_elsewhere(shared):
    found, _ = validate("serving", shared / "measurements" / "mlperf_inference.csv")
    assert found["predicted"] >= 660
    assert found["ape"]["median"] <= 25
