"""Training steps, MLPerf time to train and whole runs, held against published figures."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from importlib import resources

import pytest

from gigawatt import catalog
from gigawatt.compute.bands import Estimate
from gigawatt.compute.history import published_runs
from gigawatt.errors import InputError
from gigawatt.validation import validate
from gigawatt.validation.mlperf_rows import Submission, minutes_of, read_submission
from gigawatt.validation.training import read_table
from gigawatt.validation.whole_runs import Run, effective_share, step_hours

# NVIDIA, MLPerf Training v5.0, closed, 512 GB200: the mean of the runs and the logged step time.
SUBMITTED = {
    "round": "v5.0",
    "submitter": "NVIDIA",
    "accelerator": "NVIDIA Blackwell GPU (GB200)",
    "n_accelerators": "512",
    "benchmark": "llama31_405b",
    "olympic_mean_min": "105.523",
    "score_min": "121.757",
    "global_batch": "896",
    "TP": "4",
    "PP": "8",
    "VPP": "8",
    "CP": "2",
    "micro_batch": "1",
    "precision_from_config": "FP8",
    "step_time_s": "19.4321",
}


def _table(path, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_minutes_and_step_time_of_a_submission(tmp_path):
    found, (minutes, step) = validate("training", _table(tmp_path / "x.csv", SUBMITTED))
    assert (found["rows"], found["predicted"]) == (1, 1)
    assert minutes.measured == 105.523
    assert minutes.predicted == pytest.approx(105.523, rel=0.12)
    assert step.predicted == pytest.approx(19.4321, rel=0.05)
    assert minutes.low < minutes.predicted < minutes.high
    # The step time is shown beside the minutes, and not counted with them.
    assert set(found["groups"]) == {"llama31_405b", "llama31_405b, step time"}
    assert found["ape"] == found["groups"]["llama31_405b"]["ape"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"benchmark": "bert"}, "benchmark"),
        ({"TP": ""}, "layout not stated"),
        ({"accelerator": "an abacus"}, "accelerator"),
        ({"round": "v9.9"}, "round"),
        ({"n_accelerators": ""}, "n_accelerators not stated"),
        ({"n_accelerators": "500"}, "divide"),
        ({"n_accelerators": "many"}, "not a number"),
    ],
)
def test_rows_that_cannot_be_read_say_why(change, reason):
    assert reason in read_submission({**SUBMITTED, **change})


def test_what_a_row_leaves_open_follows_one_rule():
    found = read_submission({**SUBMITTED, "precision_from_config": "", "step_time_s": ""})
    assert isinstance(found, Submission)
    assert found.step.precision == "fp8"
    assert found.step.measured_s != found.step.measured_s
    both = {**SUBMITTED, "precision_from_config": "FP8 or NVFP4 (both configs present)"}
    assert read_submission(both).step.precision == "fp8"
    assert (
        read_submission({**SUBMITTED, "precision_from_config": "NVFP4"}).step.precision == "nvfp4"
    )
    # The benchmark's own vocabulary and length; adapters have no weight gradients.
    assert (found.step.arch.vocab, found.step.seq_len) == (32_000, 8192)
    adapters = {**SUBMITTED, "benchmark": "llama2_70b_lora", "PP": "1", "VPP": "", "CP": "1"}
    assert read_submission({**adapters, "n_accelerators": "8"}).step.trained_share == 0.0
    assert found.step.trained_share == 1.0


def test_bands_of_minutes_combine_independent_spreads():
    sure = Estimate(10.0, 10.0, 10.0, 1, ())
    unsure = replace(sure, low=9.0, high=11.0)
    low, middle, high = minutes_of("gpt3", 2048, sure)
    wide_low, same, wide_high = minutes_of("gpt3", 2048, unsure)
    assert middle == same
    assert wide_low < low < middle < high < wide_high
    assert wide_high < high * 1.1  # squares add, not widths


def test_whole_runs_are_predicted_without_themselves(tmp_path):
    row = {
        "model": "Llama 3.1 405B",
        "tokens_T": 15.6,
        "hardware": "H100 80GB",
        "n_accel": 16384,
        "accel_hours": 30.84e6,
        "confidence": "primary",
    }
    path = _table(
        tmp_path / "runs.csv",
        {**row, "accel_hours": 1.0},
        row,
        {**row, "confidence": "coarse"},
        {**row, "model": "A model nobody knows"},
        {**row, "accel_hours": "much"},
    )
    found, (wrong, right, coarse, unknown, text) = validate("training", path)
    assert wrong.predicted == right.predicted == pytest.approx(30.84e6, rel=0.25)
    assert right.low < right.predicted < right.high
    assert "primary" in coarse.reason
    assert "catalogue" in unknown.reason
    assert "number" in text.reason
    assert found["predicted"] == 2


def test_whole_runs_of_the_catalogue():
    found, rows = validate("training")
    assert found["rows"] == found["predicted"] == len(published_runs())
    assert found["ape"]["median"] < 18
    assert 70 <= found["coverage_p10_p90"] <= 95
    hours = {r.row: (r.measured, r.predicted) for r in rows}
    for name in ("Llama 4 Scout", "Llama 4 Maverick"):
        measured, predicted = hours[name]
        assert predicted == pytest.approx(measured, rel=0.25)


def test_the_effective_share_is_one_and_its_band_excludes_nonsense():
    share = effective_share()
    assert 0.4 < share.low < share.value < 1.0
    # Leaving a model out moves it little: no single run decides.
    for run in published_runs():
        assert effective_share(frozenset([run.model])).value == pytest.approx(share.value, rel=0.05)


def test_hours_of_steps_follow_tokens():
    run = Run("llama-3-70b", "h100-sxm", 15e12, 2048)
    batch = catalog.load().get("model", "llama-3-70b")
    assert batch.number("train_seq_len") == 8192
    # The batch grows slowly with the tokens, and steps become a little more efficient.
    ratio = step_hours(replace(run, tokens=30e12)) / step_hours(run)
    assert 1.8 < ratio <= 2.0


def test_measured_submissions_elsewhere(shared):
    found, rows = validate("training", shared / "measurements" / "mlperf_training.csv")
    assert found["rows"] == 178
    assert found["predicted"] >= 135
    assert found["ape"]["median"] < 12
    for name in ("gpt3", "llama31_405b"):
        assert found["groups"][name]["ape"]["median"] < 8
        assert found["groups"][name]["coverage_p10_p90"] >= 70
    assert sum(found["skipped"].values()) == found["rows"] - found["predicted"]
    assert len(rows) > found["rows"]


def test_measured_runs_elsewhere(shared):
    found, rows = validate("training", shared / "measurements" / "training_runs.csv")
    assert found["rows"] == len(rows) == 33
    assert found["predicted"] >= 22
    assert found["ape"]["median"] < 16
    assert 70 <= found["coverage_p10_p90"] <= 95


def test_measured_steps_elsewhere(shared):
    path = shared / "measurements" / "training_steps.csv"
    found, _ = validate("training", path)
    stated = [
        row
        for row in read_table(path)
        if all(row[c] for c in ("model", "hardware", "n_accel", "global_batch", "seq_len"))
    ]
    assert found["predicted"] > 0.9 * len(stated)
    assert found["ape"]["median"] <= 6
    assert found["ape"]["p90"] <= 20
    assert 75 <= found["coverage_p10_p90"] <= 85
    large = {name: group for name, group in found["groups"].items() if group["predicted"] >= 15}
    assert max(group["ape"]["median"] for group in large.values()) <= 10


def test_the_calibration_holds_for_models_it_has_not_seen():
    path = resources.files("gigawatt.compute.training") / "calibration.json"
    fit = json.loads(path.read_text(encoding="utf-8"))
    assert fit["models_left_out"]["median"] <= 8
    assert fit["rows_left_out"]["median"] <= 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ("model,hardware\n", "no rows"),
        ("model,hardware\nx,y\n", "training steps.*MLPerf.*whole runs.*found model, hardware"),
    ],
)
def test_a_table_of_nothing_known_is_one_clear_error(tmp_path, text, message):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        validate("training", path)


def test_short_rows_and_missing_columns_are_reasons_not_crashes(tmp_path):
    path = tmp_path / "steps.csv"
    path.write_text("model,hardware,seq_len,step_time_s\nLlama 3 8B,H100,8192,1.0\nLlama 3 8B\n")
    found, rows = validate("training", path)
    assert found["predicted"] == 0
    assert all(row.reason for row in rows)
