"""Kinds of serving point beside the plain one: divided, batches, arrivals, medians, MLPerf."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.steady import Mix
from gigawatt.compute.hosting.step import Split
from gigawatt.validation import validate
from gigawatt.validation.serving import KINDS
from gigawatt.validation.serving_arrivals import ArrivalRow, at_rate, read_arrival_row
from gigawatt.validation.serving_batches import BatchRow, batch_s, read_batch_row
from gigawatt.validation.serving_disaggregated import DividedRow, divided, read_divided_row
from gigawatt.validation.serving_mlperf import as_submission, is_submission
from gigawatt.validation.serving_rows import ServingRow, read_serving_row
from gigawatt.validation.serving_steps import median_step_s

# ROCm's container for vLLM, docs/dev-docker/README.md: Llama 3.1 405B in FP8 on eight MI300X.
BATCH = {
    "model": "Llama 3.1 405B",
    "precision": "FP8",
    "hardware": "MI300X-192GB 750W",
    "num_gpus": "8",
    "tp": "8",
    "engine": "vLLM (ROCm 6.4.1)",
    "engine_version": "v0.10.0",
    "isl": "128",
    "osl": "2048",
    "load": "static batch",
    "batch_size": "1",
    "e2e_latency_s": "48.453",
}
# TensorRT-LLM 0.14, perf-overview.md, online serving: Llama 3.1 70B in BF16 on four H100.
ARRIVALS = {
    "model": "LLaMA 3.1 70B",
    "precision": "BF16",
    "hardware": "H100-SXM-80GB",
    "num_gpus": "4",
    "tp": "4",
    "engine": "TensorRT-LLM + Triton backend",
    "engine_version": "0.14.0",
    "isl": "467",
    "osl": "16",
    "load": "open-loop, 500 requests",
    "request_rate": "8",
    "ttft_ms": "71",
    "tpot_ms": "24",
}
# AIConfigurator's list: DeepSeek-V3 in FP4 on GB200, one reader of 4 and four writers of 8.
DIVIDED = {
    "model": "deepseek-ai/DeepSeek-V3",
    "precision": "fp4",
    "hardware": "GB200 NVL72",
    "num_gpus": "36",
    "tp": "P1/D8",
    "pp": "P1/D1",
    "ep": "P4/D8",
    "attn_dp": "P4/D1",
    "mode": "disaggregated",
    "engine": "trtllm",
    "isl": "1024",
    "osl": "1024",
    "concurrency": "96",
    "batch_size": "P1/D24 x workers P1/D4",
    "ttft_ms": "310",
    "tpot_ms": "10.1",
    "date": "2026-03-23",
}
# ML.ENERGY leaderboard: Llama 3.3 70B on four H100, at most 16 conversations at a time.
MEDIAN = {
    "source": "ml-energy/leaderboard:public/data/tasks/lm-arena-chat.json",
    "model": "meta-llama/Llama-3.3-70B-Instruct",
    "precision": "bfloat16",
    "hardware": "H100",
    "num_gpus": "4",
    "tp": "4",
    "engine": "vLLM",
    "osl": "409.8",
    "load": "closed loop, max_num_seqs cap; steady state",
    "concurrency": "16",
    "batch_size": "15.97",
    "out_tok_s_per_gpu": "218.7",
    "tpot_ms": "17.56",
    "tpot_stat": "median ITL",
    "notes": "task=lm-arena-chat",
}
# NVIDIA, MLPerf Inference v4.1, closed, 8 H100-SXM-80GB (logs; not official results).
FILED = {
    "source_group": "mlperf_inference_v4.1",
    "model": "llama2-70b-99",
    "precision": "fp16",
    "hardware": "NVIDIA H100-SXM-80GB",
    "num_gpus": "8",
    "engine": "TensorRT 10.2.0, CUDA 12.4",
    "osl": "290.3",
    "load": "MLPerf Offline (closed, NVIDIA, DGX-H100_H100-SXM-80GBx8_TRT)",
    "out_tok_s_total": "24524.9",
    "isl": "",
    "ttft_ms": "",
    "tpot_ms": "",
}


def _batch(**changes) -> BatchRow:
    found = read_batch_row({**BATCH, **changes})
    assert isinstance(found, BatchRow), found
    return found


def _arrival(**changes) -> ArrivalRow:
    found = read_arrival_row({**ARRIVALS, **changes})
    assert isinstance(found, ArrivalRow), found
    return found


def _divided(**changes) -> DividedRow:
    found = read_divided_row({**DIVIDED, **changes})
    assert isinstance(found, DividedRow), found
    return found


def test_a_batch_takes_as_long_as_it_took():
    row = _batch()
    assert batch_s(row) == pytest.approx(row.measured_s, rel=0.2)


def test_a_batch_is_reading_and_then_a_step_a_token():
    row = _batch()
    short, long = (batch_s(replace(row, output_tokens=n)) for n in (1.0, 1025.0))
    longer = batch_s(replace(row, output_tokens=2049.0))
    # Each token adds a step, a little longer with every token that stands before it.
    assert longer - long == pytest.approx(long - short, rel=0.05)
    # No step is quicker than the weights can be read: 405 GB over eight MI300X of 5.3 TB/s.
    assert (long - short) / 1024.0 > 405e9 / (8 * 5.3e12)
    # Twice the prompts take twice as long to read, where they fill the steps.
    many = _batch(isl="8192", osl="1", e2e_latency_s="", ttft_ms="1", batch_size="4")
    assert batch_s(replace(many, batch=8.0)) == pytest.approx(2.0 * batch_s(many))


def test_arrivals_are_in_progress_as_littles_law_says():
    row = _arrival()
    found = at_rate(row)
    rate, answer = row.requests_per_s, row.serving.output_tokens
    assert found.output_tokens_per_s == pytest.approx(rate * answer, rel=1e-6)
    stay = found.ttft_s + (answer - 1.0) * found.tpot_s
    assert found.sequences == pytest.approx(rate * stay, rel=0.02)
    assert found.tpot_s == pytest.approx(row.serving.tpot_s, rel=0.25)


def test_arrivals_wait_longer_the_more_there_are_until_no_state_is_left():
    row = _arrival()
    states = [at_rate(replace(row, requests_per_s=rate)) for rate in (0.1, 4.0, 16.0)]
    assert np.all(np.diff([s.ttft_s for s in states]) > 0)
    assert np.all(np.diff([s.tpot_s for s in states]) > 0)
    assert at_rate(replace(row, requests_per_s=1e4)) is None
    # A run of a few requests never holds more than those.
    assert at_rate(replace(row, requests_per_s=16.0, requests=2.0)) is None


def test_a_divided_system_keeps_its_requests():
    row = _divided()
    found = divided(row)
    assert found.tpot_s == pytest.approx(row.tpot_s, rel=0.35)
    assert found.ttft_s == pytest.approx(row.ttft_s, rel=0.5)
    # Little's law: requests a second times the time that each is under way. The wave in which a
    # benchmark begins is the small rest.
    rate = found.output_tokens_per_s / row.output_tokens
    stay = found.ttft_s + (row.output_tokens - 1.0) * found.tpot_s
    assert rate * stay == pytest.approx(row.concurrency, rel=0.1)


def test_readers_set_the_pace_where_they_are_too_few():
    row = _divided(isl="8192", concurrency="4096", batch_size="P1/D1024 x workers P1/D4")
    one, two = divided(row), divided(replace(row, readers=2))
    assert one.busy == pytest.approx(1.0, abs=0.05)
    assert two.output_tokens_per_s == pytest.approx(2.0 * one.output_tokens_per_s, rel=0.1)
    assert two.ttft_s < one.ttft_s
    # What no writer has a place for waits, and the step stays that of full writers.
    full = divided(replace(row, readers=8, batch=24.0))
    assert full.answering <= 24.0
    assert full.ttft_s > divided(replace(row, readers=8)).ttft_s


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"batch_size": "P/D x workers P/D", "concurrency": "97"}, "workers not stated"),
        ({"phase": "decode"}, "one phase"),
        ({"num_gpus": "40"}, "multiply"),
        ({"tp": "P1/D1", "ep": "P4/D1", "num_gpus": "8"}, "weights are larger"),
    ],
)
def test_divided_rows_that_cannot_be_predicted_say_why(change, reason):
    assert reason in read_divided_row({**DIVIDED, **change})


def test_a_median_step_reads_the_median_number_of_prompts():
    case = read_serving_row(MEDIAN)
    assert isinstance(case, ServingRow), case
    assert case.median_step
    # ML.ENERGY hands vLLM as many tensor ranks as it has accelerators.
    assert case.split["tp"] == 4
    assert case.concurrency == pytest.approx(15.97)
    published = catalog.load().get("dataset", "lm-arena-chat")
    assert case.input_tokens == published.number("input_tokens")
    server, _, _ = calibration.server(case.setting)
    dims, split = dims_of(case.arch), Split(**case.split)

    def step(begun: float, prompt: float) -> float:
        mix = Mix(input_tokens=prompt, output_tokens=100.0)
        return float(median_step_s(dims, split, server, mix, 100.0 * begun, 1e6))

    draws = np.random.default_rng(1)
    for begun in (0.2, 0.6, 0.8, 1.5, 3.2, 7.1):
        read = np.median(draws.poisson(begun, 20001))
        # A step that reads no prompt does not notice how long they are beyond its context.
        mix = Mix(input_tokens=200.0, output_tokens=100.0)
        empty = Mix(input_tokens=1e-6, output_tokens=500.0)
        alone = float(median_step_s(dims, split, server, empty, 500.0 * begun / 5.0, 1e6))
        with_prompts = float(median_step_s(dims, split, server, mix, 100.0 * begun, 1e6))
        assert (with_prompts > 1.02 * alone) == (read > 0), begun
    # More of them are read the more begin.
    assert step(3.2, 200.0) > step(1.5, 200.0) > step(0.2, 200.0)


def test_longer_answers_are_in_progress_more_often():
    # Two lengths, half of the answers each: tokens before a random one, counted.
    lengths = np.array([100, 900])
    before = np.concatenate([np.arange(n) for n in lengths]).mean() + 0.5
    spread = lengths.var() / lengths.mean() ** 2
    assert before == pytest.approx(0.5 * lengths.mean() * (1.0 + spread))
    case = read_serving_row(MEDIAN)
    assert 0 < case.output_spread < 1


def test_a_submission_means_the_same_in_both_tables(tmp_path):
    assert is_submission(FILED)
    found = as_submission(FILED)
    assert (found["round"], found["division"], found["submitter"], found["scenario"]) == (
        "v4.1", "closed", "NVIDIA", "Offline",
    )  # fmt: skip
    assert found["system"] == "DGX-H100_H100-SXM-80GBx8_TRT"
    assert float(found["samples_per_s"]) == pytest.approx(84.48, abs=0.01)
    predicted = []
    for row in (FILED, found):
        path = tmp_path / "x.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerow(row)
        scores, rows = validate("serving", path)
        assert (scores["rows"], scores["predicted"]) == (1, 1)
        predicted.append(rows[0])
    assert predicted[0].predicted == predicted[1].predicted
    assert predicted[0].group == "throughput"


def test_layouts_of_experts_over_tensor_ranks():
    # The list states 4 ranks, 4 groups and 16 experts' groups for four accelerators.
    stated = {
        "model": "MiniMaxAI/MiniMax-M2.5", "precision": "fp4", "hardware": "B200-SXM",
        "num_gpus": "4", "tp": "4", "pp": "1", "ep": "16", "attn_dp": "4", "engine": "vllm",
        "isl": "1024", "osl": "1024", "concurrency": "64", "ttft_ms": "130", "tpot_ms": "10",
        "notes": "[FIXED num_gpus: CSV columns imply 16; InferenceX tp4 EP overlays TP]",
    }  # fmt: skip
    assert read_serving_row(stated).split == {"tp": 1, "attn_dp": 4, "pp": 1, "ep": 4}
    alone = read_serving_row({**stated, "tp": "16", "ep": "4", "attn_dp": "1"})
    assert alone.split == {"tp": 4, "attn_dp": 1, "pp": 1, "ep": 4}


def test_every_kind_has_bands_of_its_own():
    path = resources.files("gigawatt.validation") / "serving_bands.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    assert set(known) == set(KINDS)
    for quantities in known.values():
        for count, low, high in quantities.values():
            assert count >= 30
            assert 0 < low < high
