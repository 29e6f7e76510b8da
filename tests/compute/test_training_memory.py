"""Memory while training: the equations and figures it follows, measurements, and laws."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.catalog.architecture import Architecture, architecture
from gigawatt.compute.dims import dims_of, stack_dims
from gigawatt.compute.memory import (
    RESERVE_GB,
    STATE_RECIPES,
    StateRecipe,
    attention_bytes,
    dense_bytes,
    moe_bytes,
)
from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding
from gigawatt.compute.training.memory import TrainingMemory, fits, training_memory, used_gb
from gigawatt.compute.work import total_parameters

GIB = 2**30 / 1e9
PAPER = StateRecipe(gradient_bytes=4.0, flash=False, dropout=True)
# Korthikanti et al. 2022, table 3.
PAPER_RUNS = {
    "megatron-22B": (6144, 48, 64, {"tp": 8, "micro_batch": 4}, 4),
    "gpt3-175B": (12288, 96, 96, {"tp": 8, "pp": 8, "vpp": 3}, 64),
    "turing-530B": (20480, 105, 128, {"tp": 8, "pp": 35, "vpp": 3}, 280),
    "megatron-1T": (25600, 128, 160, {"tp": 8, "pp": 64}, 512),
}
MODES = {
    "none": (Recompute.NONE, 0),
    "seq": (Recompute.NONE, 1),
    "sel": (Recompute.SELECTIVE, 0),
    "seq+sel": (Recompute.SELECTIVE, 1),
    "seq-parallel+selective": (Recompute.SELECTIVE, 1),
    "full": (Recompute.FULL, 0),
}


def gpt(hidden, layers, heads, vocab=51200) -> Architecture:
    """Return a GPT with tied embeddings."""
    return Architecture(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=heads,
        head_dim=hidden // heads,
        ffn=4 * hidden,
        vocab=vocab,
        gated=False,
        tied=True,
    )


def paper_run(model: str, mode: str) -> TrainingMemory:
    hidden, layers, heads, degrees, batch = PAPER_RUNS[model]
    recompute, sequence_parallel = MODES[mode]
    layout = Layout(
        **degrees,
        recompute=int(recompute),
        sequence_parallel=sequence_parallel,
        sharding=int(Sharding.NONE),
    )
    return training_memory(dims_of(gpt(hidden, layers, heads)), layout, 2048, batch, PAPER)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def gb(memory: TrainingMemory) -> float:
    return float(memory.total_gb)


@pytest.mark.parametrize("model", PAPER_RUNS)
def test_layers_take_what_the_equations_of_the_paper_say(model):
    hidden, layers, heads, degrees, _ = PAPER_RUNS[model]
    s, b, t = 2048, degrees.get("micro_batch", 1), 8
    pp, vpp = degrees.get("pp", 1), degrees.get("vpp", 1)
    sbh, scores = s * b * hidden, 5 * heads * s / hidden
    each = {  # table 2 of the paper: bytes of one layer
        "none": sbh * (10 + 24 / t + scores / t),
        "seq": sbh * (34 / t + scores / t),
        "sel": sbh * (10 + 24 / t),
        "seq+sel": sbh * 34 / t,
        "full": sbh * 2,
    }
    in_flight = 1 + (pp - 1) / (pp * vpp) if vpp > 1 else 1.0
    for mode, one in each.items():
        expected = one * layers * in_flight / 1e9
        assert float(paper_run(model, mode).activations_gb) == pytest.approx(expected), mode


def test_figures_of_the_paper(shared):
    # Figure 1 counts the matrices of the layers, without the embedding: up to 3 % of the model.
    for row in rows_of(shared / "measurements" / "activation_memory.csv"):
        memory, value = paper_run(row["model"], row["mode"]), float(row["value"])
        if row["metric"].startswith("params"):
            state = memory.parameters_gb + memory.gradients_gb + memory.optimizer_gb
            assert value <= state / GIB <= 1.1 * value
        elif row["metric"].startswith("activations"):
            assert memory.activations_gb / GIB == pytest.approx(value, rel=1e-4)
        else:
            whole = paper_run(row["model"], "none").activations_gb
            assert 100 * memory.activations_gb / whole == pytest.approx(value, abs=0.15)


def bloom_case(row) -> tuple[float, float]:
    """Return what was shown and what is predicted for a run of the BLOOM prequel.

    The monitor showed the whole GPU: driver and communicators, DeepSpeed's reduction bucket of
    5e8 halves, and what PyTorch's allocator lost in 2022.
    """
    hidden, heads = int(row["hidden"].split(".")[0]), int(row["heads"].split(".")[0])
    counted = (float(row["params_total_B"]) * 1e9 - 250e3 * hidden) / (12 * hidden**2)
    layers = int(float(row["layers"] or round(counted)))
    layout = Layout(
        **{name: int(float(row[name.upper()])) for name in ("tp", "pp", "dp")},
        micro_batch=int(float(row["micro_batch"])),
        recompute=int(Recompute.FULL),
        sequence_parallel=0,
        sharding=int(Sharding.NONE if "ZeRO stage 0" in row["notes"] else Sharding.OPTIMIZER),
    )
    recipe = STATE_RECIPES["deepspeed-fp16" if row["precision"] == "FP16" else "deepspeed-bf16"]
    dims = dims_of(gpt(hidden, layers, heads, vocab=250_000))
    memory = training_memory(dims, layout, 2048, int(float(row["global_batch"])), recipe)
    shown = used_gb(memory, reserve_gb=RESERVE_GB + 1.0, fragmentation=0.15)
    return float(row["peak_mem_GB"]), float(shown)


def titan_case(row) -> tuple[float, float]:
    """Return what PyTorch's allocator counted and what is predicted for a run of TorchTitan.

    TorchTitan logs GiB. A pipeline there cuts the batch of a rank into as many micro-batches as it
    has stages, two on a rank where interleaved. The loss was eager in 2024.
    """
    size = float(row["params_total_B"])
    name = {8.03: "llama-3.1-8b", 70.6: "llama-3.1-70b", 405.9: "llama-3.1-405b"}[size]
    tp, pp, cp = (int(float(row[key] or 1)) for key in ("TP", "PP", "CP"))
    dp = int(float(row["FSDP"] or row["n_accel"]))
    vpp = 2 if "Interleaved" in row["notes"] else 1
    batch = int(float(row["micro_batch"]))
    micro = max(batch // (pp * vpp), 1) if pp > 1 else batch
    layout = Layout(
        tp=tp,
        pp=pp,
        vpp=vpp,
        cp=cp,
        dp=dp,
        micro_batch=micro,
        recompute=int(Recompute.FULL if "full" in row["recompute"] else Recompute.OPERATORS),
        sharding=int(Sharding.FULL),
        shard=dp * cp,
    )
    eager = "fsdp-eager-parallel-loss" if tp > 1 else "fsdp-eager-loss"
    recipe = STATE_RECIPES[eager if "2024" in row["software"] else "fsdp"]
    dims = dims_of(architecture(name))
    memory = training_memory(dims, layout, int(float(row["seq_len"])), dp * batch, recipe)
    return float(row["peak_mem_GB"]), gb(memory) / GIB


@pytest.mark.parametrize(
    ("group", "case", "count", "median", "p90"),
    [("bloom_prequel", bloom_case, 72, 0.04, 0.12), ("torchtitan", titan_case, 29, 0.06, 0.14)],
)
def test_measured_peaks(shared, group, case, count, median, p90):
    # Rows of AMD's Primus state neither sequence nor batch.
    rows = rows_of(shared / "measurements" / "training_steps.csv")
    cases = [case(r) for r in rows if r["source_group"] == group and r["peak_mem_GB"]]
    errors = sorted(abs(predicted / shown - 1) for shown, predicted in cases)
    assert len(cases) == count
    assert statistics.median(errors) < median
    assert np.quantile(errors, 0.9) < p90


def test_published_torchtitan_runs():
    # pytorch/ao, docs/source/workflows/training.md: Llama 3 8B, BF16, 8 H100, batch 1, sequence
    # 8192, per-operator checkpoint: 47.65 GiB, before the loss was compiled.
    layout = Layout(dp=8, shard=8, sharding=3, recompute=3)
    memory = training_memory(
        dims_of(architecture("llama-3.1-8b")), layout, 8192, 8, STATE_RECIPES["fsdp-eager-loss"]
    )
    assert gb(memory) / GIB == pytest.approx(47.65, rel=0.02)


def test_llama_405b_fits_as_published():
    # Llama 3 herd of models, section 3.3 and table 4: 16,384 H100 of 80 GB, BF16, TP8 PP16, at
    # 8,192 tokens CP1 DP128 and nothing computed again, at 131,072 CP16 DP8. Gradients were
    # sharded there, which no `Sharding` says: without them it fits, with them it would not.
    dims = dims_of(architecture("llama-3.1-405b"))
    for seq_len, batch, degrees in ((8192, 2048, {"dp": 128}), (131072, 128, {"cp": 16, "dp": 8})):
        layout = Layout(tp=8, pp=16, vpp=8, **degrees)
        memory = training_memory(dims, layout, seq_len, batch, STATE_RECIPES["bf16"])
        assert not fits(memory, 80 * GIB)
        assert fits(dataclasses.replace(memory, gradients_gb=0.0), 80 * GIB)


def test_uneven_split_follows_megatron():
    # 126 layers on 16 stages: 7 on the first, 8 on the second (Llama 3 herd, section 3.3.2).
    dims = dims_of(dataclasses.replace(architecture("llama-3.1-405b"), vocab=8))
    one = training_memory(dims, Layout(tp=8, pp=16), 8192, 16, STATE_RECIPES["bf16"])
    layer = (total_parameters(architecture("llama-3.1-405b")) - 2 * 128256 * 16384) / 126
    assert float(one.parameters_gb) == pytest.approx(8 * layer / 8 * 2e-9, rel=1e-3)


@pytest.mark.parametrize(
    "name", ["llama-3.1-8b", "deepseek-v3", "mixtral-8x7b", "llama-4-scout", "nemotron-h-56b"]
)
def test_one_rank_holds_every_parameter(name):
    arch = dataclasses.replace(architecture(name), mtp_layers=0)
    memory = training_memory(dims_of(arch), Layout(), 4096, 1, STATE_RECIPES["bf16"])
    held = float(memory.parameters_gb) / 2
    assert held == pytest.approx(total_parameters(arch) / 1e9, rel=1e-3)


def test_ranks_together_hold_every_expert_once_for_each_copy():
    arch = dataclasses.replace(architecture("deepseek-v3"), mtp_layers=0, layers=58)
    arch = dataclasses.replace(arch, leading_dense=0)
    dims = dims_of(arch)
    layout = Layout(tp=2, cp=2, dp=32, ep=16, etp=2, sharding=int(Sharding.NONE))
    less = dataclasses.replace(dims, experts=dims.experts / 2)
    held = [
        training_memory(d, layout, 4096, 64, STATE_RECIPES["bf16"]).parameters_gb
        for d in (dims, less)
    ]
    half = 58 * 128 * 3 * arch.hidden * arch.expert_ffn * 2e-9
    router = 58 * 128 * arch.hidden * 2e-9
    assert layout.expert_dp == 4
    copies = layout.expert_dp / layout.accelerators
    assert float(held[0] - held[1]) == pytest.approx(half * copies + router)


def test_optimizer_of_experts_is_cut_by_their_own_group():
    dims = dims_of(architecture("mixtral-8x7b"))
    layout = Layout(tp=1, dp=64, ep=8)
    whole = training_memory(
        dims, dataclasses.replace(layout, sharding=0), 4096, 64, STATE_RECIPES["bf16"]
    )
    cut = training_memory(dims, layout, 4096, 64, STATE_RECIPES["bf16"])
    experts = 32 * 8 * 3 * 4096 * 14336 / 8 * 12e-9
    rest = float(whole.optimizer_gb) - experts
    assert float(cut.optimizer_gb) == pytest.approx(rest / 64 + experts / 8)


def test_tied_embedding_lives_on_both_ends():
    tied = gpt(1024, 8, 16)
    untied = dataclasses.replace(tied, tied=False)
    table = 51200 * 1024 * 2e-9
    for pp, difference in ((1, table), (4, 0.0)):
        held = [
            training_memory(dims_of(a), Layout(pp=pp), 512, 8, STATE_RECIPES["bf16"]).parameters_gb
            for a in (untied, tied)
        ]
        assert float(held[0] - held[1]) == pytest.approx(difference, abs=1e-12)


def test_gated_grouped_layer_by_hand():
    # Llama 3 8B, bytes of a token: inputs of the norm and of the first product 2 h each in each
    # block; queries and the attention's output 2 h each, keys and values 2 x 8 x 128 each;
    # log-sum-exp 4 a head; gate, up and product 2 x 14336 each.
    dims = dims_of(architecture("llama-3.1-8b"))
    attention = attention_bytes(dims, STATE_RECIPES["bf16"], 8192).everything
    ffn = dense_bytes(dims, STATE_RECIPES["bf16"]).everything
    assert attention.rows == ffn.rows == 4 * 4096
    assert attention.wide == 4 * 4096 + 4 * 32
    assert attention.head * 8 == 2 * 2 * 8 * 128
    assert ffn.wide == 6 * 14336
    # One byte for the input of each product; queries, keys, values, gate and up stay BF16.
    attention = attention_bytes(dims, STATE_RECIPES["fp8"], 8192).everything
    ffn = dense_bytes(dims, STATE_RECIPES["fp8"]).everything
    assert attention.rows == ffn.rows == 3 * 4096
    assert attention.wide == 5 * 4096 + 4 * 32
    assert ffn.wide == 5 * 14336


def test_mixture_of_experts_by_hand():
    # DeepSeek-V3: 8 of 256 experts of width 2048 and a shared one; latents 1536 and 512, 64
    # rotated.
    dims = dims_of(architecture("deepseek-v3"))
    experts = moe_bytes(dims, STATE_RECIPES["bf16"]).everything
    assert experts.rows == 4 * 7168 + 8 * 256
    assert experts.wide == 6 * 9 * 2048
    assert experts.routed == 2 * 8 * 7168
    attention = attention_bytes(dims, STATE_RECIPES["bf16"], 4096).everything
    assert attention.rows == 4 * 7168 + 4 * (1536 + 512) + 2 * 64
    assert attention.wide + 128 * attention.head == 128 * (4 * 192 + 4 * 128 + 4)


POWERS = st.sampled_from([1, 2, 4, 8])
MODELS = st.sampled_from(
    [
        "llama-3.1-8b",
        "llama-3.1-405b",
        "deepseek-v3",
        "llama-4-maverick",
        "gpt-3-175b",
        "nemotron-h-56b",
    ]
)
RECIPES = st.sampled_from([*STATE_RECIPES.values(), PAPER])


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Draw a layout whose experts fit its ranks."""
    dp, cp, pp = draw(st.sampled_from([8, 16])), draw(POWERS), draw(st.sampled_from([1, 2, 7, 16]))
    sharding = draw(st.sampled_from([int(each) for each in Sharding]))
    return Layout(
        tp=draw(POWERS),
        cp=cp,
        pp=pp,
        vpp=draw(st.sampled_from([1, 2])) if pp > 1 else 1,
        dp=dp,
        ep=draw(POWERS),
        etp=1,
        micro_batch=draw(st.sampled_from([1, 2])),
        recompute=draw(st.sampled_from([int(each) for each in Recompute])),
        sharding=sharding,
        shard=dp * cp if sharding == int(Sharding.FULL) else 1,
        schedule=draw(st.sampled_from([int(each) for each in Schedule])),
        sequence_parallel=draw(st.sampled_from([0, 1])),
    )


@given(MODELS, layouts(), RECIPES, st.sampled_from([128, 4096, 131072]))
def test_more_recompute_never_needs_more(model, layout, recipe, seq_len):
    dims = dims_of(architecture(model))
    order = (Recompute.NONE, Recompute.SELECTIVE, Recompute.OPERATORS, Recompute.FULL)
    needs = []
    for way in order:
        changed = dataclasses.replace(layout, recompute=int(way))
        needs.append(gb(training_memory(dims, changed, seq_len, 64, recipe)))
    assert all(less <= more * (1 + 1e-12) for more, less in itertools.pairwise(needs))


@given(MODELS, layouts(), RECIPES)
def test_laws_of_sharding_and_size(model, layout, recipe):
    dims = dims_of(architecture(model))

    def total(**changes):
        changed = dataclasses.replace(layout, **changes)
        return gb(training_memory(dims, changed, 4096, 64, recipe))

    here = total()
    assert all(
        np.all(np.asarray(getattr(training_memory(dims, layout, 4096, 64, recipe), f.name)) >= 0)
        for f in dataclasses.fields(TrainingMemory)
    )
    # As many micro-batches of twice the size.
    double = dataclasses.replace(layout, micro_batch=2 * layout.micro_batch)
    assert gb(training_memory(dims, double, 4096, 128, recipe)) > here
    assert total(sharding=0, shard=1) >= total(sharding=1, shard=1) * (1 - 1e-12)
    longer = gb(training_memory(dims, layout, 8192, 64, recipe))
    assert longer > here


@given(st.lists(layouts(), min_size=2, max_size=6), RECIPES)
def test_arrays_agree_with_one_at_a_time(many, recipe):
    arrays = Layout(
        **{
            f.name: np.array([getattr(one, f.name) for one in many])
            for f in dataclasses.fields(Layout)
        }
    )
    names = ["llama-3.1-8b", "deepseek-v3"]
    models = stack_dims([architecture(names[i % 2]) for i in range(len(many))])
    together = training_memory(models, arrays, 4096, 64, recipe)
    for i, one in enumerate(many):
        alone = training_memory(dims_of(architecture(names[i % 2])), one, 4096, 64, recipe)
        assert np.asarray(together.total_gb)[i] == pytest.approx(gb(alone))


def test_fits_leaves_room_for_what_is_not_the_model():
    memory = training_memory(
        dims_of(architecture("llama-3.1-8b")), Layout(dp=8), 4096, 8, STATE_RECIPES["bf16"]
    )
    assert fits(memory, gb(memory) + RESERVE_GB + 1e-9)
    assert not fits(memory, gb(memory) + RESERVE_GB - 1e-3)
    assert float(used_gb(memory, 0.0, 0.5)) == pytest.approx(2 * gb(memory))
