"""Export of a plan: read back as Megatron-LM and TorchTitan would, it is the same plan."""

from __future__ import annotations

import argparse
import ast
import csv
import dataclasses
import re
import shlex
import tomllib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture, architecture
from gigawatt.compute.training.export import megatron_environment, megatron_flags, torchrun_line
from gigawatt.compute.training.export_torchtitan import toml_text, torchtitan_config
from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from pathlib import Path

LLAMA, DEEPSEEK = architecture("llama-3.1-405b"), architecture("deepseek-v3")
FULL = {"sharding": Sharding.FULL}

# arXiv:2407.21783, table 4: two of the layouts that trained Llama 3 405B on 16,384 H100. Its
# pipeline is interleaved, with one layer less on the first and the last stage.
LLAMA_8K = Layout(tp=8, cp=1, pp=16, vpp=8, dp=128)
LLAMA_131K = Layout(tp=8, cp=16, pp=16, vpp=8, dp=8)

# NVIDIA/Megatron-LM, megatron/training/arguments.py (commit 000c4ac2): flags by what they take.
NUMBERS = """
    num-layers hidden-size ffn-hidden-size vocab-size max-position-embeddings num-attention-heads
    kv-channels num-query-groups kv-lora-rank q-lora-rank qk-head-dim qk-pos-emb-head-dim v-head-dim
    num-experts moe-router-topk moe-ffn-hidden-size moe-shared-expert-intermediate-size
    mtp-num-layers tensor-model-parallel-size pipeline-model-parallel-size context-parallel-size
    num-virtual-stages-per-pipeline-rank decoder-first-pipeline-num-layers
    decoder-last-pipeline-num-layers expert-model-parallel-size expert-tensor-parallel-size
    num-distributed-optimizer-instances micro-batch-size global-batch-size seq-length
    recompute-num-layers window-attn-skip-freq
"""
SWITCHES = """
    sequence-parallel overlap-grad-reduce overlap-param-gather use-distributed-optimizer
    use-megatron-fsdp no-gradient-accumulation-fusion account-for-embedding-in-pipeline-split
    account-for-loss-in-pipeline-split recompute-activations swiglu disable-bias-linear add-qkv-bias
    untie-embeddings-and-output-weights group-query-attention multi-latent-attention qk-layernorm
    moe-grouped-gemm bf16
"""
CHOICES = {
    "position-embedding-type": ["learned_absolute", "rope", "mrope", "relative", "none"],
    "normalization": ["LayerNorm", "RMSNorm"],
    "moe-token-dispatcher-type": ["allgather", "alltoall", "flex"],
    "recompute-granularity": ["full", "selective"],
    "recompute-method": ["uniform", "block"],
    "data-parallel-sharding-strategy": ["no_shard", "optim", "optim_grads", "optim_grads_params"],
    "fp8-format": ["e4m3", "hybrid"],
    "fp8-recipe": ["tensorwise", "delayed", "mxfp8", "blockwise", "custom"],
    "fp4-format": ["e2m1"],
    "fp4-recipe": ["nvfp4", "custom"],
}
TEXTS = ["moe-layer-freq", "window-size", "pipeline-model-parallel-layout", "ckpt-format"]


def parse(flags: list[str]) -> argparse.Namespace:
    """Read flags as Megatron-LM does: no abbreviations, nothing unknown."""
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    for name in NUMBERS.split():
        parser.add_argument(f"--{name}", type=int)
    for name in SWITCHES.split():
        parser.add_argument(f"--{name}", action="store_true")
    for name, allowed in CHOICES.items():
        parser.add_argument(f"--{name}", choices=allowed)
    for name in TEXTS:
        parser.add_argument(f"--{name}")
    for name in ("attention-dropout", "hidden-dropout"):
        parser.add_argument(f"--{name}", type=float, default=0.1)
    return parser.parse_args(flags)


def export(arch: Architecture, layout: Layout, **changes) -> argparse.Namespace:
    setting = {"precision": "bf16", "seq_len": 8192, "global_batch": 16 * int(layout.dp)}
    return parse(megatron_flags(arch, layout, **setting | changes))


def titan(arch: Architecture, layout: Layout, **changes) -> dict:
    setting = {"precision": "bf16", "seq_len": 8192, "global_batch": 16 * int(layout.dp)}
    return tomllib.loads(toml_text(torchtitan_config(arch, layout, **setting | changes)))


def expert_layers(text: str, layers: int) -> list[int]:
    """Return 0 or 1 for each layer: the lists, sums and products that Megatron-LM allows."""
    if text.isdigit():
        return [int(i % int(text) == 0) for i in range(layers)]

    def value(node):
        if isinstance(node, ast.BinOp):
            left, right = value(node.left), value(node.right)
            return left + right if isinstance(node.op, ast.Add) else left * right
        return ast.literal_eval(node)

    return value(ast.parse(text, mode="eval").body)


def stages(args: argparse.Namespace) -> list[int]:
    """Return the layers of each chunk in the order of the model, as Megatron-LM cuts them."""
    size = args.pipeline_model_parallel_size
    if text := args.pipeline_model_parallel_layout:
        text = re.sub(r"\(([^)]+)\)\*(\d+)", lambda m: m[1] * int(m[2]), text)
        assert text.startswith("E")
        assert text.endswith("m" * (args.mtp_num_layers or 0) + "L")
        return [chunk.count("t") for chunk in text.split("|")]
    if first := args.decoder_first_pipeline_num_layers:
        last = args.decoder_last_pipeline_num_layers
        between = args.num_layers - first - last
        assert between % max(size - 2, 1) == 0
        return [first, *[between // max(size - 2, 1)] * (size - 2), last]
    chunks = size * (args.num_virtual_stages_per_pipeline_rank or 1)
    ends = args.account_for_embedding_in_pipeline_split
    assert ends == args.account_for_loss_in_pipeline_split
    assert (args.num_layers + 2 * ends) % chunks == 0
    held = [(args.num_layers + 2 * ends) // chunks] * chunks
    return [held[0] - ends, *held[1:-1], held[-1] - ends] if chunks > 1 else held


# Megatron-LM.


@pytest.mark.parametrize(("layout", "seq_len"), [(LLAMA_8K, 8192), (LLAMA_131K, 131_072)])
def test_the_published_layouts_of_llama_3(layout, seq_len) -> None:
    sequences = 16 * int(layout.dp)
    assert sequences * seq_len == 2**24  # 16 million tokens in a step
    args = export(LLAMA, layout, seq_len=seq_len)
    assert args.tensor_model_parallel_size == 8
    assert args.pipeline_model_parallel_size == 16
    assert args.context_parallel_size == seq_len // 8192
    assert args.sequence_parallel
    assert args.global_batch_size == sequences
    assert (args.micro_batch_size, args.seq_length) == (1, seq_len)
    shards = args.tensor_model_parallel_size * args.pipeline_model_parallel_size
    assert 16_384 // (shards * args.context_parallel_size) == layout.dp
    ranks = np.array(stages(args)).reshape(-1, 16).sum(axis=0)
    assert ranks.tolist() == [7, *[8] * 14, 7]
    assert not args.recompute_activations
    assert args.recompute_granularity is None
    dims = (args.num_layers, args.hidden_size, args.ffn_hidden_size, args.vocab_size)
    assert dims == (126, 16_384, 53_248, 128_256)  # table 3
    heads = (args.num_attention_heads, args.num_query_groups, args.kv_channels)
    assert heads == (128, 8, 128)
    assert args.swiglu
    assert args.untie_embeddings_and_output_weights
    assert (args.normalization, args.position_embedding_type) == ("RMSNorm", "rope")


def test_the_published_dimensions_of_deepseek_v3() -> None:
    # arXiv:2412.19437, section 4.2; its own pipeline of 16 stages and experts on 64 ranks.
    args = export(DEEPSEEK, Layout(pp=16, ep=64, dp=128), precision="fp8", seq_len=4096)
    assert args.multi_latent_attention
    assert (args.q_lora_rank, args.kv_lora_rank) == (1536, 512)
    assert (args.qk_head_dim, args.qk_pos_emb_head_dim, args.v_head_dim) == (128, 64, 128)
    assert (args.num_experts, args.moe_router_topk, args.moe_ffn_hidden_size) == (256, 8, 2048)
    assert args.moe_shared_expert_intermediate_size == 2048
    assert expert_layers(args.moe_layer_freq, 61) == [0] * 3 + [1] * 58
    assert (args.mtp_num_layers, args.expert_model_parallel_size) == (1, 64)
    assert sum(stages(args)) == 61
    assert (args.fp8_format, args.fp8_recipe, args.bf16) == ("hybrid", "tensorwise", True)


@st.composite
def layouts(draw: st.DrawFn, experts: bool) -> Layout:
    """Draw any layout that Megatron-LM can run for DeepSeek-V3 or Llama 3 405B."""
    power = st.integers(0, 4).map(lambda n: 2**n)
    tp, cp = draw(st.integers(0, 3).map(lambda n: 2**n)), draw(power)
    dp = draw(power)
    ep = etp = 1
    if experts:
        etp = draw(st.sampled_from([n for n in (1, 2, 4, 8) if tp % n == 0]))
        ep = draw(st.sampled_from([2**n for n in range(9) if tp * cp * dp % (etp * 2**n) == 0]))
    fsdp = draw(st.booleans())
    pp = 1 if fsdp else draw(st.integers(1, 40))
    copies = draw(st.sampled_from([n for n in (1, 2, 4) if dp * cp % n == 0]))
    return Layout(
        tp=tp,
        cp=cp,
        pp=pp,
        vpp=draw(st.integers(1, 4)) if pp > 1 else 1,
        dp=dp,
        ep=ep,
        etp=etp,
        micro_batch=draw(st.integers(1, 3)),
        recompute=draw(st.sampled_from([Recompute.NONE, Recompute.SELECTIVE, Recompute.FULL])),
        sharding=Sharding.FULL if fsdp else draw(st.sampled_from([0, 1])),
        shard=dp * cp // copies if fsdp else 1,
    )


def layout_of(args: argparse.Namespace, world: int) -> Layout:
    """Return the layout that Megatron-LM would make of its arguments on `world` accelerators."""
    tp, pp = args.tensor_model_parallel_size, args.pipeline_model_parallel_size
    cp = args.context_parallel_size
    dp = world // (tp * pp * cp)
    granularity = "selective" if args.recompute_activations else args.recompute_granularity
    assert not args.overlap_param_gather or args.overlap_grad_reduce
    sharding = Sharding.OPTIMIZER if args.use_distributed_optimizer else Sharding.NONE
    if args.use_megatron_fsdp:
        assert args.data_parallel_sharding_strategy == "optim_grads_params"
        assert args.ckpt_format == "fsdp_dtensor"
        sharding = Sharding.FULL
    copies = args.num_distributed_optimizer_instances or 1
    assert args.sequence_parallel == (tp > 1)
    return Layout(
        tp=tp,
        pp=pp,
        cp=cp,
        dp=dp,
        vpp=len(stages(args)) // pp,
        ep=args.expert_model_parallel_size or 1,
        etp=args.expert_tensor_parallel_size or 1,
        micro_batch=args.micro_batch_size,
        recompute={None: 0, "selective": 1, "full": 2}[granularity],
        sharding=int(sharding),
        shard=dp * cp // copies if sharding == Sharding.FULL else 1,
    )


@pytest.mark.parametrize("arch", [LLAMA, DEEPSEEK])
@given(st.data())
def test_flags_read_back_are_the_layout(arch, data) -> None:
    layout = data.draw(layouts(experts=arch.experts > 0))
    batch = layout.dp * layout.micro_batch * layout.pp * 2
    flags = megatron_flags(arch, layout, precision="bf16", seq_len=8192, global_batch=batch)
    names = [flag for flag in flags if flag.startswith("--")]
    assert len(names) == len(set(names))
    args = parse(flags)
    assert layout_of(args, layout.accelerators) == layout
    # The fullest stage is as full as it must be, which is what the models of time and memory take.
    held = np.array(stages(args))
    assert held.sum() == arch.layers
    assert held.max() == -(-arch.layers // (layout.pp * layout.vpp))
    assert held.min() >= 0
    if layout.vpp == 1:
        assert held.min() >= 1


def test_every_model_of_the_catalogue_is_exported_or_refused_with_a_reason() -> None:
    exported, refused = 0, []
    for entry in catalog.load().entries("model"):
        if "layers" not in entry:
            continue
        arch = Architecture.from_entry(entry)
        try:
            args = export(arch, Layout(dp=8), seq_len=1024)
        except NotModelledError as refusal:
            refused.append(str(refusal))
            continue
        exported += 1
        assert (args.num_layers, args.hidden_size) == (arch.layers, arch.hidden)
        groups = args.num_query_groups if args.group_query_attention else args.num_attention_heads
        if not arch.is_mla:
            assert (groups, args.kv_channels) == (arch.kv_heads, arch.head_dim)
        if arch.experts:
            held = expert_layers(args.moe_layer_freq, arch.layers)
            assert (len(held), sum(held)) == (arch.layers, arch.moe_layers)
            assert not any(held[: arch.leading_dense])
    assert exported > 100
    assert all("Megatron-LM cannot express this plan: " in reason for reason in refused)


def test_published_runs_on_megatron_are_expressible(shared: Path) -> None:
    # Layouts logged in MLPerf Training, all run by NeMo on Megatron-Core.
    with (shared / "measurements/training_steps.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["source_group"] == "mlperf_logs"
            and row["model"] == "Llama 3.1 405B"
            and row["VPP"]
        ]
    assert len(rows) > 10
    for row in rows:
        tp, pp, vpp, cp = (int(row[name]) for name in ("TP", "PP", "VPP", "CP"))
        count, batch = int(row["n_accel"]), int(row["global_batch"])
        layout = Layout(tp=tp, pp=pp, vpp=vpp, cp=cp, dp=count // (tp * pp * cp))
        args = export(LLAMA, layout, global_batch=batch, precision="mxfp8")
        assert layout_of(args, count) == layout
        assert args.account_for_loss_in_pipeline_split  # 126 layers and two ends: 128 chunks


def test_windows_and_interleaved_experts() -> None:
    gpt_oss = architecture("gpt-oss-120b")
    args = export(gpt_oss, Layout(ep=8, dp=8))
    assert args.window_size == f"{gpt_oss.window - 1},0"  # a token and the 127 before it
    assert args.window_attn_skip_freq == 2
    assert not args.disable_bias_linear
    every_second = dataclasses.replace(DEEPSEEK, layers=8, leading_dense=0, moe_every=2)
    args = export(every_second, Layout(dp=8))
    assert expert_layers(args.moe_layer_freq, 8) == [0, 1] * 4
    after_three = dataclasses.replace(every_second, leading_dense=3)
    args = export(after_three, Layout(dp=8))
    assert expert_layers(args.moe_layer_freq, 8) == [0, 0, 0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        ("bf16", (None, None, None)),
        ("fp8", ("hybrid", "tensorwise", None)),
        ("mxfp8", ("e4m3", "mxfp8", None)),
        ("nvfp4", (None, None, "e2m1")),
    ],
)
def test_precisions(precision, expected) -> None:
    args = export(LLAMA, LLAMA_8K, precision=precision)
    assert args.bf16
    assert (args.fp8_format, args.fp8_recipe, args.fp4_format) == expected


@pytest.mark.parametrize(
    ("model", "layout", "reason"),
    [
        ("llama-3.1-405b", {"pp": 2, **FULL, "dp": 4, "shard": 4}, "FSDP .* without pipelines"),
        (
            "llama-3.1-405b",
            {"pp": 2, "dp": 4, "shard": 4, "sharding": Sharding.GRADIENTS},
            "FSDP .* without pipelines",
        ),
        ("llama-3.1-405b", {"pp": 2, "schedule": Schedule.ZERO_BUBBLE}, "no zero-bubble"),
        ("llama-3.1-405b", {"recompute": Recompute.OPERATORS}, "every second product"),
        ("llama-3.1-405b", {"pp": 6, "vpp": 3}, "16 micro-batches are no multiple of 6 stages"),
        ("llama-3.1-405b", {"vpp": 2}, "at least two stages"),
        ("llama-3.1-405b", {"cp": 3}, "no multiple of 2 [*] 3"),
        ("llama-3.1-405b", {"tp": 3}, "3 ranks do not divide the 128 heads"),
        ("deepseek-v3", {"tp": 2, "sequence_parallel": 0}, "need sequence parallelism"),
        ("llama-4-maverick", {}, "no chunked attention"),
        ("nemotron-3-super", {}, "order of its layers.*latent"),
        ("olmo-2-7b", {}, "by head only"),
        ("gemma-3-27b", {}, "2 normalisations, not 4"),
        ("gpt2", {}, "no more than 1024 positions"),
    ],
)
def test_what_megatron_cannot_express(model, layout, reason) -> None:
    with pytest.raises(NotModelledError, match=f"Megatron-LM cannot express.*{reason}"):
        export(architecture(model), Layout(**layout))


@pytest.mark.parametrize(
    ("layout", "changes", "reason"),
    [
        ({"dp": 3}, {"global_batch": 16}, "do not divide a batch of 16"),
        ({"pp": 127}, {}, "more than the 126 layers"),
        ({"ep": 2, "dp": 2}, {}, "no experts to spread"),
        ({"dp": 4, "shard": 3, **FULL}, {}, "3 shards do not divide"),
        ({"tp": 0}, {}, "at least 1"),
        ({"dp": np.array([1, 2])}, {"global_batch": 2}, "one layout"),
        ({}, {"precision": "fp6"}, "bf16, fp8, mxfp8, nvfp4. Got 'fp6'"),
    ],
)
def test_what_does_not_fit_together(layout, changes, reason) -> None:
    for call in (megatron_flags, torchtitan_config):
        setting = {"precision": "bf16", "seq_len": 8192, "global_batch": 16} | changes
        expected = "precision must be one of" if "precision" in changes else reason
        with pytest.raises(InputError, match=expected):
            call(LLAMA, Layout(**layout), **setting)


def test_experts_that_do_not_divide() -> None:
    with pytest.raises(InputError, match=r"3 groups .* 256 experts; experts on 3 ranks"):
        export(DEEPSEEK, Layout(ep=3, dp=4))


# The launch line.


def test_torchrun_starts_a_process_for_each_accelerator() -> None:
    flags = megatron_flags(LLAMA, LLAMA_8K, precision="bf16", seq_len=8192, global_batch=2048)
    line = torchrun_line(
        "pretrain_gpt.py",
        flags,
        accelerators=16_384,
        chips_per_host=8,
        environment=megatron_environment(LLAMA_8K),
    )
    parts = shlex.split(line)
    assert parts[:2] == ["CUDA_DEVICE_MAX_CONNECTIONS=1", "torchrun"]
    hosts, ranks = (int(parts[parts.index(f) + 1]) for f in ("--nnodes", "--nproc-per-node"))
    assert hosts * ranks == LLAMA_8K.accelerators == 16_384
    assert parts[parts.index("pretrain_gpt.py") + 1 :] == flags
    assert megatron_environment(Layout(dp=8)) == {}
    assert megatron_environment(Layout(cp=2, shard=2, **FULL)) == {}
    with pytest.raises(InputError, match="12 accelerators do not fill hosts of 8"):
        torchrun_line("train.py", [], accelerators=12, chips_per_host=8)
    assert "--nproc-per-node 4 " in torchrun_line("t.py", [], accelerators=4, chips_per_host=8)


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"))))
def test_a_shell_reads_every_argument_as_it_is(arguments) -> None:
    line = torchrun_line(
        "my script.py",
        arguments,
        accelerators=1,
        chips_per_host=1,
        environment={"NAME": "; rm $HOME"},
    )
    parts = shlex.split(line)
    assert parts[0] == "NAME=; rm $HOME"
    assert parts[parts.index("my script.py") + 1 :] == arguments


def test_patterns_survive_the_shell() -> None:
    flags = megatron_flags(
        DEEPSEEK,
        Layout(pp=16, vpp=2, ep=8, dp=8),
        precision="bf16",
        seq_len=4096,
        global_batch=128,
    )
    assert any(set(flag) & set("()|*[]") for flag in flags)
    line = torchrun_line("pretrain_gpt.py", flags, accelerators=128, chips_per_host=8)
    assert shlex.split(line)[-len(flags) :] == flags


# TorchTitan.

# pytorch/torchtitan 0.2.2, torchtitan/config/job_config.py: every key that may appear.
KEYS = {
    "model": {"name", "flavor", "converters"},
    "training": {"local_batch_size", "global_batch_size", "seq_len"},
    "parallelism": {
        *("data_parallel_replicate_degree", "data_parallel_shard_degree"),
        *("fsdp_reshard_after_forward", "tensor_parallel_degree", "pipeline_parallel_degree"),
        *("pipeline_parallel_schedule", "pipeline_parallel_layers_per_stage"),
        *("pipeline_parallel_microbatch_size", "context_parallel_degree"),
        *("expert_parallel_degree", "expert_tensor_parallel_degree"),
    },
    "activation_checkpoint": {"mode", "selective_ac_option"},
    "compile": {"enable"},
    "quantize": {"linear", "grouped_mm"},
}


@st.composite
def titan_layouts(draw: st.DrawFn, experts: bool) -> Layout:
    power = st.integers(0, 3).map(lambda n: 2**n)
    tp, cp, dp = draw(power), draw(power), draw(power)
    copies = [n for n in (1, 2, 4, 8) if dp % n == 0 and (dp == 1 or dp // n * cp > 1)]
    shard = dp // draw(st.sampled_from(copies)) * cp
    ep, etp = 1, tp if experts else 1
    if experts:
        ep = draw(st.sampled_from([2**n for n in range(8) if shard * tp % 2**n == 0]))
        fits = [n for n in (1, tp) if shard * tp % (ep * n) == 0 and (ep > 1 or n == tp)]
        etp = draw(st.sampled_from(fits))
    pp = draw(st.sampled_from([1, 2, 4, 8]))
    vpp = draw(st.sampled_from([1, 2, 4])) if pp > 1 else 1
    schedule = draw(st.sampled_from([0, 1])) if vpp > 1 else 0
    recompute = draw(st.sampled_from([0, 2, 3]))
    return Layout(
        tp=tp,
        cp=cp,
        dp=dp,
        pp=pp,
        vpp=vpp,
        ep=ep,
        etp=etp,
        schedule=schedule,
        recompute=recompute,
        sharding=Sharding.FULL,
        shard=shard,
        micro_batch=draw(st.integers(1, 2)),
    )


@pytest.mark.parametrize("arch", [LLAMA, dataclasses.replace(DEEPSEEK, layers=62, mtp_layers=0)])
@given(st.data())
def test_a_configuration_read_back_is_the_layout(arch, data) -> None:
    layout = data.draw(titan_layouts(experts=arch.experts > 0))
    batch = layout.dp * layout.micro_batch * layout.pp * 2
    config = titan(arch, layout, global_batch=batch)
    assert all(set(section) <= KEYS[name] for name, section in config.items())
    degrees, training = config["parallelism"], config["training"]
    replicas, shards = (degrees[f"data_parallel_{kind}_degree"] for kind in ("replicate", "shard"))
    tp, cp, pp = (degrees[f"{k}_parallel_degree"] for k in ("tensor", "context", "pipeline"))
    # torchtitan/distributed/parallel_dims.py: the product must be the world size.
    assert replicas * shards * cp * tp * pp == layout.accelerators
    assert (tp, cp, pp, replicas * shards) == (layout.tp, layout.cp, layout.pp, layout.dp)
    assert shards * cp == layout.shard
    assert degrees.get("expert_parallel_degree", 1) == layout.ep
    assert degrees.get("expert_tensor_parallel_degree", 1) == layout.etp
    if pp > 1:
        micro = training["local_batch_size"] // degrees["pipeline_parallel_microbatch_size"]
        accumulated = batch // (training["local_batch_size"] * layout.dp)
        assert (micro, accumulated) == (layout.micro_batches(batch), 1)
        names = {(1, 0): "1F1B", (2, 0): "Interleaved1F1B", (2, 1): "InterleavedZeroBubble"}
        kind = (min(layout.vpp, 2), layout.schedule)
        assert degrees["pipeline_parallel_schedule"] == names[kind]
        each = degrees.get("pipeline_parallel_layers_per_stage")
        assert (each is None) == (layout.vpp <= 2)
        if each:
            assert -(-(arch.layers + 2) // each) == pp * layout.vpp
    else:
        assert training["local_batch_size"] == layout.micro_batch
    modes = {0: ("none", "2"), 2: ("full", "2"), 3: ("selective", "op")}
    found = config["activation_checkpoint"]
    assert (found["mode"], found.get("selective_ac_option", "2")) == modes[int(layout.recompute)]


def test_the_published_torchtitan_layout_of_llama_3() -> None:
    # benchmarks/llama3_h100_202412_torchtitan.md: 512 H100, FSDP 8, TP 8, PP 8, FP8, batch 256.
    layout = Layout(tp=8, pp=8, dp=8, shard=8, recompute=Recompute.FULL, **FULL)
    setting = {"precision": "fp8", "global_batch": 256, "model": "llama3", "flavor": "405B"}
    config = titan(LLAMA, layout, **setting)
    assert config["model"] == {
        "name": "llama3",
        "flavor": "405B",
        "converters": ["quantize.linear.float8"],
    }
    assert config["training"]["local_batch_size"] == 32
    assert config["parallelism"]["data_parallel_shard_degree"] == 8
    assert config["activation_checkpoint"] == {"mode": "full"}
    assert config["quantize"]["linear"]["float8"]["recipe_name"] == "tensorwise"


def test_torchtitan_quantises_experts_too() -> None:
    arch = dataclasses.replace(DEEPSEEK, mtp_layers=0)
    layout = Layout(tp=2, ep=8, dp=8, shard=8, **FULL)
    config = titan(arch, layout, precision="mxfp8")
    assert config["model"]["converters"] == ["quantize.linear.mx", "quantize.grouped_mm.mx"]
    assert config["quantize"]["grouped_mm"]["mx"]["fqns"] == ["experts"]
    assert config["compile"] == {"enable": False}


@pytest.mark.parametrize(
    ("model", "layout", "precision", "reason"),
    [
        ("nemotron-h-56b", {}, "bf16", "no hybrids with Mamba"),
        ("deepseek-v3", {}, "bf16", "no multi-token prediction"),
        ("gpt2", {}, "bf16", "no learned positions"),
        ("gpt-oss-20b", {"pp": 2}, "bf16", "gpt-oss, has no pipeline"),
        ("llama-4-scout", {"cp": 2, "shard": 2, **FULL}, "bf16", "windows goes without context"),
        ("llama-3.1-405b", {}, "nvfp4", "no NVFP4"),
        ("llama-3.1-405b", {"dp": 8}, "bf16", "wherever it shards the optimizer"),
        ("llama-3.1-405b", {"dp": 8, "tp": 8, "sharding": 0}, "bf16", "no other parallelism"),
        ("llama-3.1-405b", {"cp": 2, "sharding": 0}, "bf16", "no other parallelism"),
        ("llama-3.1-405b", {"dp": 2, "cp": 4, "shard": 2, **FULL}, "bf16", "no multiple of the 4"),
        ("llama-3.1-405b", {"dp": 8, "tp": 2, "shard": 1, **FULL}, "bf16", "no other parallelism"),
        ("llama-3.1-405b", {"tp": 8, "sequence_parallel": 0}, "bf16", "always shards the seq"),
        ("llama-3.1-405b", {"pp": 2, "schedule": 1}, "bf16", "two or more virtual stages"),
        ("llama-3.1-405b", {"pp": 5, "vpp": 2}, "bf16", "16 micro-batches are no multiple of"),
        ("llama-3.1-405b", {"pp": 10, "vpp": 5}, "bf16", "126 layers into 50 stages"),
        ("mixtral-8x7b", {"tp": 4, "etp": 2, "ep": 2}, "bf16", "cut 1 or 4 ways"),
        ("mixtral-8x7b", {"tp": 4, "etp": 1}, "bf16", "cut 4 ways"),
        ("mixtral-8x7b", {"dp": 8, "ep": 8, "shard": 4, **FULL}, "bf16", "8 ranks do not divide"),
    ],
)
def test_what_torchtitan_cannot_express(model, layout, precision, reason) -> None:
    arch, one = architecture(model), Layout(**layout)
    with pytest.raises(NotModelledError, match=f"TorchTitan cannot express.*{reason}"):
        titan(arch, one, precision=precision)


def test_replicas_alone_need_no_shards() -> None:
    degrees = titan(LLAMA, Layout(dp=8, sharding=Sharding.NONE))["parallelism"]
    assert degrees["data_parallel_replicate_degree"] == 8
    assert degrees["data_parallel_shard_degree"] == 1


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.one_of(TEXT, st.integers(-(2**40), 2**40), st.booleans(), st.lists(TEXT, max_size=3))
TREES = st.recursive(
    st.dictionaries(TEXT, VALUES, max_size=3),
    lambda inner: st.dictionaries(TEXT, st.one_of(VALUES, inner), max_size=3),
    max_leaves=8,
)


def without_empty(tree: dict) -> dict:
    kept = {k: without_empty(v) if isinstance(v, dict) else v for k, v in tree.items()}
    return {k: v for k, v in kept.items() if v != {}}


@given(TREES)
def test_toml_reads_back(tree) -> None:
    assert tomllib.loads(toml_text(tree)) == without_empty(tree)
