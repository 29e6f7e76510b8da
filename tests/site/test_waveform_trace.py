"""The power of 64 nodes with 8 H100 each while they train GPT-3, predicted from the workload.

MLPerf Training v4.0, smc-ac-power and smc-dc-power, 64xSMC-H100-SXM-80GB (figures computed from the
logs are not official results). The step, the evaluations and the pipeline follow from the step
model and the rules of the benchmark; the power of a node, busy and idle, from other benchmarks on
single nodes of the same system. Nothing is taken from the traces.
"""

from __future__ import annotations

import csv
from dataclasses import fields

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.compute.training.estimate import estimate_step
from gigawatt.compute.training.layout import Layout
from gigawatt.site.power.calibration import chip_power, host_power
from gigawatt.site.waveform.job import Job
from gigawatt.site.waveform.levels import training_levels
from gigawatt.site.waveform.measures import metered
from gigawatt.site.waveform.render import training_waveform
from gigawatt.site.waveform.step import Levels, step_shape
from gigawatt.validation import mlperf_rows

RUN = "result_5848-240517221859825376616_2"
NODES, ACCELERATORS, METER_S = 64, 512, 2.0
C4_TOKENS_PER_DOCUMENT = 156e9 / 365e6  # Dodge et al., EMNLP 2021, table 1 (C4.EN)


def rows(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def job(shared):
    """Return, by submitter, the job as the workload says it is."""
    target = catalog.load().get("target", "gpt3")
    found = {}
    for row in rows(shared / "measurements" / "mlperf_training.csv"):
        if row["benchmark"] != "gpt3" or not row["submitter"].endswith("c-power"):
            continue
        step = mlperf_rows.read_submission(row).step
        layout = Layout(**step.layout)
        setting = mlperf_rows.setting_of(step)
        estimate = estimate_step(step.arch, layout, setting, step.seq_len, step.global_batch)
        shape = step_shape(estimate.parts, layout, step.global_batch)
        busy_s = shape.micro_batches * (shape.forward_s + shape.backward_s)
        looks_s = float(
            mlperf_rows.evaluation_time_s("gpt3", step.global_batch, estimate.step_s.value)
        )
        # An evaluation is a forward pass of its documents, a third of their training. What it
        # takes beyond that the host needs: half to switch over, half between batches.
        documents = target.number("evaluation_sequences")
        sequences = documents * C4_TOKENS_PER_DOCUMENT / step.seq_len
        forward_s = sequences / step.global_batch * busy_s / 3.0
        found[row["submitter"]] = Job(
            name="gpt3",
            accelerators=ACCELERATORS,
            shape=shape,
            levels=levels(shared, row["submitter"], estimate.mfu * shape.total_s / busy_s),
            evaluate_every=round(target.number("evaluation_interval") / step.global_batch),
            evaluation_s=looks_s,
            evaluation_gap_s=(looks_s - forward_s) / 2.0,
            evaluation_busy_s=forward_s,
        )
    return found


def levels(shared, submitter, flop_share):
    """Return levels between the idle and the greatest power of single nodes in other benchmarks."""
    runs = [
        row
        for row in rows(shared / "measurements" / "mlperf_training_power.csv")
        if row["submitter"] == submitter and row["system"].startswith("1x")
    ]
    assert runs
    assert not any(row["benchmark"] == "gpt3" for row in runs)
    low, high = (
        float(np.median([float(row[name]) for row in runs])) / 8
        for name in ("min_node_sample_W", "max_node_sample_W")
    )
    model = training_levels(chip_power("h100-sxm"), host_power("dgx-h100"), flop_share=flop_share)
    scale = (high - low) / (model.forward_w - model.idle_w)
    return Levels(
        **{f.name: low + scale * (getattr(model, f.name) - model.idle_w) for f in fields(Levels)}
    )


def dips(power):
    low = power < 0.93 * np.median(power)
    return int((low[1:] & ~low[:-1]).sum())


@pytest.mark.parametrize("current", ["ac", "dc"])
def test_the_trace_of_512_accelerators(shared, job, current):
    name = f"v4.0_smc-{current}-power_64xSMC-H100-SXM-80GB_gpt3_{RUN}_sum64nodes.csv"
    measured = np.loadtxt(shared / "traces" / name, delimiter=",", skiprows=1)[:, 1] / 1e3
    wave = training_waveform([job[f"smc-{current}-power"]], measured.size * METER_S, rate_hz=100.0)
    predicted = metered(wave, METER_S, NODES) * 1e3
    assert np.median(predicted) == pytest.approx(np.median(measured), rel=0.10)
    assert np.percentile(predicted, 95) == pytest.approx(np.percentile(measured, 95), rel=0.10)
    assert predicted.mean() == pytest.approx(measured.mean(), rel=0.10)
    largest = [np.abs(np.diff(power)).max() for power in (predicted, measured)]
    assert largest[0] == pytest.approx(largest[1], rel=0.30)
    assert dips(predicted) == pytest.approx(dips(measured), rel=0.30)


def test_the_largest_steps_of_the_other_runs(shared, job):
    """Behind the supplies all runs lie within 30 %; the meters of the AC input smooth more."""
    runs = [
        row
        for row in rows(shared / "measurements" / "mlperf_training_power_cluster.csv")
        if row["benchmark"] == "gpt3"
    ]
    ratios = {"smc-ac-power": [], "smc-dc-power": []}
    for row in runs:
        wave = training_waveform(
            [job[row["submitter"]]], float(row["common_window_s"]), rate_hz=100.0
        )
        power = metered(wave, METER_S, NODES, seed=1) * 1e3
        assert np.median(power) == pytest.approx(float(row["p50_kw"]), rel=0.10)
        assert np.percentile(power, 95) == pytest.approx(float(row["p95_kw"]), rel=0.10)
        largest = np.abs(np.diff(power)).max()
        ratios[row["submitter"]].append(largest / float(row["max_2s_step_kw"]))
    assert all(0.7 <= ratio <= 1.3 for ratio in ratios["smc-dc-power"])
    assert np.median(ratios["smc-ac-power"]) < 1.6
