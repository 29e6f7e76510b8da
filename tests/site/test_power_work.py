"""Work of serving and drawing: bytes and operations against counts made by hand."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.work import matmul_parameters_per_token
from gigawatt.site.power.work import (
    Denoiser,
    Peaks,
    Serving,
    diffusion_work,
    serving_work,
    training_work,
)

BOOK = catalog.load()
PEAKS = Peaks(flops=1e15, memory_bytes_per_s=1e12)


def _served(model: str, **change: float):
    arch = Architecture.from_entry(BOOK.get("model", model))
    stated = {
        "accelerators": 1.0,
        "sequences": 8.0,
        "tokens_per_s": 800.0,
        "prompt_tokens": 0.0,
        "answer_tokens": 1000.0,
        "active_parameters": float(matmul_parameters_per_token(arch)),
        "weight_bytes": 2.0,
    }
    return serving_work(dims_of(arch), Serving(**(stated | change)), PEAKS)


def test_a_dense_model_reads_its_weights_once_a_step():
    # Llama 3.1 8B: 8.03 billion weights, of which 0.53 billion are the input embedding.
    work = _served("llama-3.1-8b")
    assert work.memory_share * 1e12 == pytest.approx(100 * 2 * 7.5e9, rel=0.02)
    # 32 layers, 8 heads of 128, keys and values in two bytes, 500 tokens seen in the mean.
    assert work.cache_share * 1e12 == pytest.approx(800 * 32 * 8 * 128 * 2 * 2 * 500)
    assert work.flop_share * 1e15 == pytest.approx(800 * 2 * 7.5e9, rel=0.02)
    assert work.together == 0.0
    assert work.unpack == 0.0


def test_experts_met_by_few_sequences_are_those_drawn_by_chance():
    random = np.random.default_rng(0)
    met = np.mean(
        [
            len(np.unique([random.choice(128, 8, replace=False) for _ in range(16)]))
            for _ in range(500)
        ]
    )
    # Qwen3-30B-A3B: 48 layers of 128 experts of 3 x 2,048 x 768 weights.
    few, many = _served("qwen3-30b-a3b", sequences=16.0), _served("qwen3-30b-a3b", sequences=4096.0)
    expert = 48 * 3 * 2048 * 768
    steps = 800.0 / np.array([16.0, 4096.0])
    read = np.array([few.memory_share, many.memory_share]) * 1e12 / steps / 2.0
    assert read[1] - read[0] == pytest.approx((128 - met) * expert, rel=0.02)


def test_prompts_add_arithmetic_and_context():
    bare, prompted = _served("llama-3.1-8b"), _served("llama-3.1-8b", prompt_tokens=1000.0)
    assert prompted.flop_share == pytest.approx(2.0 * bare.flop_share)
    assert prompted.cache_share == pytest.approx(3.0 * bare.cache_share)
    assert prompted.memory_share == bare.memory_share


def test_a_window_bounds_what_is_read():
    # Gemma 3: five of six layers see 1,024 tokens.
    short = _served("gemma-3-12b", answer_tokens=2000.0)
    long = _served("gemma-3-12b", answer_tokens=20000.0)
    assert 1.0 < long.cache_share / short.cache_share < 4.0


def test_states_are_read_and_written_whatever_the_length():
    work = _served("nemotron-nano-9b-v2", answer_tokens=0.0)
    # 27 Mamba-2 layers of 128 heads of 80 with a state of 128, in FP32, read and written.
    assert work.cache_share * 1e12 == pytest.approx(800 * 27 * 128 * 80 * 128 * 4 * 2, rel=1e-6)


def test_accelerators_share_the_work():
    one, four = _served("llama-3.1-70b"), _served("llama-3.1-70b", accelerators=4.0)
    for name in ("flop_share", "memory_share", "cache_share"):
        assert getattr(four, name) == pytest.approx(getattr(one, name) / 4.0)
    assert four.together == 1.0


@pytest.mark.parametrize("entry", BOOK.entries("diffusion"), ids=lambda e: e.id)
def test_blocks_of_diffusion_models_hold_their_parameters(entry):
    # Blocks with two streams hold weights and modulation for each; the rest is embeddings.
    blocks = entry.number("layers") * entry.number("block_matrices") * entry.number("hidden") ** 2
    share = blocks / (entry.number("parameters_b") * 1e9)
    assert (0.3 if entry.number("text_tokens") else 0.6) < share < 1.05


def test_a_small_picture_takes_two_operations_for_each_weight_and_token():
    entry = BOOK.get("diffusion", "sana-1.5-1.6b")
    model = _denoiser(entry)
    assert model.flop == pytest.approx(2 * 1.6e9 * 1024 * 40, rel=0.02)


def test_a_long_clip_is_mostly_attention():
    entry = BOOK.get("diffusion", "hunyuan-video")
    model = _denoiser(entry)
    sequence = 33 * 45 * 80 + 256
    attention = 4 * 60 * 3072 * sequence**2 * 50
    assert 0.8 < attention / model.flop < 0.9


def test_measured_speeds_of_drawing_stay_below_the_peak(shared):
    with (shared / "measurements" / "power.csv").open(encoding="utf-8") as handle:
        rows = [r for r in csv.DictReader(handle) if r["source_group"] == "ml_energy_v3_diffusion"]
    peaks = {"H100": 989e12, "B200": 2250e12}
    shares = [
        _denoiser(BOOK.get("diffusion", row["workload"].split()[0])).flop
        * float(row["paired_value"])
        / float(row["num_gpus"])
        / peaks[row["hardware"]]
        for row in rows
    ]
    assert len(shares) > 500
    assert max(shares) < 0.5
    assert 0.1 < np.median(shares) < 0.3


def test_batches_share_weights_and_accelerators_share_pictures():
    model = _denoiser(BOOK.get("diffusion", "flux.1-dev"))
    one = diffusion_work(model, PEAKS, 1.0, 1.0, 0.1, 10.0)
    batch = diffusion_work(model, PEAKS, 1.0, 8.0, 0.1, 10.0)
    shared_out = diffusion_work(model, PEAKS, 2.0, 1.0, 0.1, 10.0)
    assert batch.flop_share == one.flop_share
    assert batch.memory_share < one.memory_share
    assert shared_out.flop_share == pytest.approx(one.flop_share / 2.0)


def test_waiting_takes_arithmetic_from_a_step():
    work = training_work(0.5, np.array([0.0, 0.2]), accelerators=8.0)
    np.testing.assert_allclose(work.flop_share, [0.5, 0.4])


def _denoiser(entry) -> Denoiser:
    fields = ("layers", "hidden", "block_matrices", "tokens", "text_tokens", "attention", "passes")
    shape = {field: entry.number(field) for field in fields}
    return Denoiser(**shape, parameters=entry.number("parameters_b") * 1e9)
