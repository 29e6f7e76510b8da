"""Samples and minutes to MLPerf's targets, against the logs and the reference runs."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.compute.training.convergence import (
    covers,
    evaluation_stride,
    evaluation_time_s,
    fit_target,
    minutes_to_target,
    samples_to_target,
)

if TYPE_CHECKING:
    from pathlib import Path

# Mean sequences of the reference runs: mlcommons/logging, rcp_checker/training_3.0.0, 4.1.0 (gpt3),
# 5.0.0 (LoRA, 405B) and 5.1.0 (405B, 8B).
REFERENCE = {
    "gpt3": {1536: 585728, 2048: 577536, 3072: 593920, 4096: 618496, 6144: 688128, 8192: 794624},
    "llama31_405b": {1152: 317952, 2304: 376320, 4608: 488448},
    "llama2_70b_lora": {8: 3187.2, 16: 4051.2, 32: 6028.8, 128: 11289.6},
    "llama31_8b": {32: 179404.8, 64: 226713.6, 96: 278640, 128: 345907.2},
}
# Median error of the minutes with measured step and evaluation times: the bound that is promised.
MINUTES = {"gpt3": 0.03, "llama31_405b": 0.065, "llama2_70b_lora": 0.04, "llama31_8b": 0.04}
BENCHMARKS = sorted(REFERENCE)


@pytest.fixture(scope="module")
def logs(shared: Path) -> list[dict[str, str]]:
    with (shared / "measurements/mlperf_training.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(logs, benchmark, *columns):
    """Return the rows of a benchmark that have all the columns, once each, as arrays."""
    rows = [r for r in logs if r["benchmark"] == benchmark and all(r[c] for c in columns)]
    once = {(r["global_batch"], r["olympic_mean_min"], sequences(r)): r for r in rows}
    kept = list(once.values())
    return kept, *(np.array([float(r[c]) for r in kept]) for c in columns)


def sequences(row):
    tokens = float(row["seq_len"]) if row["benchmark"] == "gpt3" else 1.0  # gpt3 logs tokens
    return float(row["samples_or_tokens_at_stop"]) / tokens


def refit(rows, benchmark):
    """Fit as the catalogue says: logs of one batch weigh as the root of their number."""
    batch = np.array([float(r["global_batch"]) for r in rows])
    count = Counter(batch)
    weight = np.array([count[b] ** -0.5 for b in batch])
    reference = REFERENCE[benchmark]
    return fit_target(
        np.append(batch, [float(b) for b in reference]),
        np.append([sequences(r) for r in rows], list(reference.values())),
        catalog.load().get("target", benchmark).number("evaluation_interval"),
        np.append(weight, np.ones(len(reference))),
    )


def predicted(parameters, batch, benchmark):
    interval = catalog.load().get("target", benchmark).number("evaluation_interval")
    return parameters[0] * (1 + batch / parameters[1]) + evaluation_stride(interval, batch) / 2


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_catalogue_holds_what_the_logs_give(logs, benchmark) -> None:
    rows, _ = table(logs, benchmark, "global_batch")
    target = catalog.load().get("target", benchmark)
    fitted = refit(rows, benchmark)
    assert target.number("samples_min") == pytest.approx(fitted[0], rel=2e-3)
    assert target.number("critical_batch") == pytest.approx(fitted[1], rel=5e-3)
    _, batch, step, look = table(logs, benchmark, "global_batch", "step_time_s", "eval_time_s")
    cost = np.median(look / step * batch)
    assert target.number("evaluation_cost") == pytest.approx(cost, rel=0.01)


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_samples_of_a_submitter_that_was_left_out(logs, benchmark) -> None:
    rows, _ = table(logs, benchmark, "global_batch")
    errors = []
    for submitter in {r["submitter"] for r in rows}:
        parameters = refit([r for r in rows if r["submitter"] != submitter], benchmark)
        for row in (r for r in rows if r["submitter"] == submitter):
            batch = np.array(float(row["global_batch"]))
            errors.append(abs(predicted(parameters, batch, benchmark) / sequences(row) - 1))
    assert np.median(errors) < 0.06
    assert np.quantile(errors, 0.9) < 0.10


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_band_holds_most_runs(logs, benchmark) -> None:
    rows, batch = table(logs, benchmark, "global_batch")
    run = np.array([sequences(r) for r in rows])
    _, low, high = samples_to_target(benchmark, batch)
    assert np.mean((run >= low) & (run <= high)) > 0.7
    assert np.all(covers(benchmark, batch))


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_minutes_with_measured_step_times(logs, benchmark) -> None:
    _, minutes, batch, step, look = table(
        logs, benchmark, "olympic_mean_min", "global_batch", "step_time_s", "eval_time_s"
    )
    value = minutes_to_target(benchmark, batch, step, look).value
    assert np.median(np.abs(value / minutes - 1)) < MINUTES[benchmark]
    _, minutes, batch, step = table(
        logs, benchmark, "olympic_mean_min", "global_batch", "step_time_s"
    )
    error = np.abs(minutes_to_target(benchmark, batch, step).value / minutes - 1)
    assert np.median(error) < 0.065
    assert np.quantile(error, 0.9) < 0.13


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_reference_runs(benchmark) -> None:
    reference = REFERENCE[benchmark]
    value = samples_to_target(benchmark, np.array(list(reference), dtype=float)).value
    error = np.abs(value / np.array(list(reference.values())) - 1)
    # The LoRA reference of 32 sequences kept the learning rate of 8 and needs a fifth more.
    assert np.sort(error)[-2 if benchmark == "llama2_70b_lora" else -1] < 0.08


def test_an_evaluation_costs_about_its_forward_pass() -> None:
    for benchmark in ("llama31_405b", "llama31_8b"):
        target = catalog.load().get("target", benchmark)
        expected = target.number("evaluation_sequences") / 3
        assert target.number("evaluation_cost") == pytest.approx(expected, rel=0.15)
    assert evaluation_time_s("llama31_405b", 1152, 10.0) == pytest.approx(18.7, rel=0.01)


def test_a_larger_batch_needs_more_samples_and_fewer_steps() -> None:
    batch = np.array([64.0, 256.0, 1152.0, 4608.0, 1e5])
    value, low, high = samples_to_target("llama31_405b", batch)
    assert np.all(np.diff(value) > 0)
    assert np.all(np.diff(value / batch) < 0)
    assert np.all((low < value) & (value < high))
    assert list(covers("llama31_405b", batch)) == [False, False, True, True, False]


def test_evaluations_come_after_whole_steps() -> None:
    # Logged by NVIDIA in v5.1: 43 steps of 9 sequences for an interval of 384.
    assert evaluation_stride(384, 9) == 387
    assert evaluation_stride(46_080, 1152) == 46_080
    with pytest.raises(ValueError, match="global_batch"):
        samples_to_target("gpt3", 0)


def test_the_fit_finds_what_it_was_given() -> None:
    batch = np.array([8.0, 16.0, 64.0, 128.0])
    samples = 2500 * (1 + batch / 40) + evaluation_stride(384, batch) / 2
    assert fit_target(batch, samples, 384, np.ones(4)) == pytest.approx((2500, 40))
