"""A training plan as launch flags of Megatron-LM, and the line that starts it on every host.

What a flag is called and what it means was read in the source of Megatron-LM [1]_, what may go with
what in its checks and in its documents [2]_ [3]_. TorchTitan is in `export_torchtitan`.

A plan says how large the model is and how it is spread. Data, tokenizer, optimizer, learning rate,
the routing function, the base of the rotary embedding and the activation of blocks without a gate
are no part of it: users add their flags. Blocks with a gate are exported as SwiGLU, which has the
shapes of every other gate.

References
----------
.. [1] NVIDIA/Megatron-LM, ``megatron/training/arguments.py``
   (commit 000c4ac24f61159c138b0975def722c65245983c).
.. [2] NVIDIA/Megatron-LM, ``megatron/core/pipeline_parallel/schedules.py``: with virtual stages the
   micro-batches go in groups of the pipeline's size, and no smaller group may be left over.
.. [3] NVIDIA/Megatron-LM, ``docs/source/api-guide/custom_fsdp.md``
   (commit 13f8f526bed803fd9ab8b8d4ce1ca14bc032bbbc): the flags that go with FSDP, and the
   parallelism it is compatible with: tensor, expert and context.
.. [4] A. Grattafiori et al., "The Llama 3 Herd of Models", arXiv:2407.21783, section 3.3.2: one
   layer less on the first and on the last stage.
"""

from __future__ import annotations

import shlex
from dataclasses import fields
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.catalog.architecture import Architecture

__all__ = ["megatron_environment", "megatron_flags", "one_layout", "refuse", "torchrun_line"]

_NORMS: Final = 2  # normalisations of a layer: before attention and before its other block
_PRECISIONS: Final = {
    "bf16": "",
    # Tensors with one scale each, of the step at hand; E5M2 for gradients ("hybrid").
    "fp8": "--fp8-format hybrid --fp8-recipe tensorwise",
    # MXFP8 is E4M3 everywhere, as in Transformer Engine's own recipe (MXFP8BlockScaling).
    "mxfp8": "--fp8-format e4m3 --fp8-recipe mxfp8",
    "nvfp4": "--fp4-format e2m1 --fp4-recipe nvfp4",
}
_RECOMPUTE: Final = {
    int(Recompute.NONE): "",
    int(Recompute.SELECTIVE): "--recompute-activations",
    int(Recompute.FULL): (
        "--recompute-granularity full --recompute-method uniform --recompute-num-layers 1"
    ),
}


def megatron_flags(
    arch: Architecture, layout: Layout, *, precision: str, seq_len: int, global_batch: int
) -> list[str]:
    """Return the arguments of Megatron-LM's ``pretrain_gpt.py`` for a model and its layout.

    Parameters
    ----------
    arch : Architecture
        The model.
    layout : Layout
        One layout: every field a whole number.
    precision : str
        ``bf16``, ``fp8`` (one scale a tensor), ``mxfp8`` or ``nvfp4``.
    seq_len : int
        Tokens of a sequence.
    global_batch : int
        Sequences in a step.

    Returns
    -------
    list of str
        Names and values in turn, each name once, none of them quoted.

    Raises
    ------
    InputError
        If the layout, the batch and the model do not fit together.
    NotModelledError
        If Megatron-LM has no flags that say the same; the message names every reason.

    Notes
    -----
    Where stages cannot hold as many layers each, the embedding and the loss count as a layer if
    that evens them out (as in Llama 3 [4]_); else the first and last stage get fewer
    (``--decoder-first-pipeline-num-layers``); else the split is spelled out
    (``--pipeline-model-parallel-layout``). No stage ever holds more than ``ceil(layers / stages)``.

    Examples
    --------
    >>> from gigawatt.catalog.architecture import architecture
    >>> layout = Layout(tp=8, pp=16, dp=128, micro_batch=1)
    >>> flags = megatron_flags(
    ...     architecture("llama-3.1-405b"), layout,
    ...     precision="bf16", seq_len=8192, global_batch=2048,
    ... )
    >>> flags[flags.index("--pipeline-model-parallel-size") + 1]
    '16'
    """
    one = one_layout(arch, layout, global_batch)
    if precision not in _PRECISIONS:
        message = f"precision must be one of {', '.join(_PRECISIONS)}. Got {precision!r} instead."
        raise InputError(message)
    refuse("Megatron-LM", _missing(arch) | _forbidden(arch, one, seq_len, global_batch))
    batch = f"--micro-batch-size {one.micro_batch} --global-batch-size {global_batch}"
    parts = (
        _parallel(arch, one),
        _pipeline(arch, one),
        _sharding(one),
        _RECOMPUTE[int(one.recompute)],
        f"{batch} --seq-length {seq_len}",
        _model(arch, seq_len),
        _attention(arch),
        _experts(arch),
        f"--bf16 {_PRECISIONS[precision]}",
    )
    return " ".join(parts).split()  # no value holds a space


def megatron_environment(layout: Layout) -> dict[str, str]:
    """Return the environment variables that Megatron-LM insists on for a layout [1]_.

    Before Blackwell, tensor and context parallelism need one connection to the device, so that
    kernels start in order; FSDP must not have it. Blackwell does not mind.
    """
    fsdp = int(layout.sharding) == Sharding.FULL
    ordered = int(layout.tp) > 1 or int(layout.cp) > 1
    return {"CUDA_DEVICE_MAX_CONNECTIONS": "1"} if ordered and not fsdp else {}


def torchrun_line(
    script: str,
    arguments: Sequence[str],
    *,
    accelerators: int,
    chips_per_host: int,
    endpoint: str = "head-node:29500",
    environment: Mapping[str, str] | None = None,
) -> str:
    """Return the shell command that starts `script` on every host, quoted.

    Parameters
    ----------
    script : str
        Path to the training script.
    arguments : sequence of str
        Its arguments, not quoted.
    accelerators, chips_per_host : int
        Accelerators in all and in one host. Each has a process; the hosts are their quotient.
    endpoint : str
        Host and port where the hosts find each other: put the name of one of them in its place.
    environment : mapping of str to str, optional
        Variables to set, such as `megatron_environment`.

    Raises
    ------
    InputError
        If hosts would be left partly empty.

    Examples
    --------
    >>> torchrun_line("train.py", ["--name", "my run"], accelerators=8, chips_per_host=8)
    "torchrun --standalone --nproc-per-node 8 train.py --name 'my run'"
    """
    if min(accelerators, chips_per_host) < 1:
        message = "accelerators and chips_per_host must be at least 1"
        raise InputError(message)
    processes = min(accelerators, chips_per_host)
    hosts, rest = divmod(accelerators, processes)
    if rest:
        message = f"{accelerators} accelerators do not fill hosts of {chips_per_host} chips each"
        raise InputError(message)
    where = ["--nnodes", str(hosts), "--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint]
    ranks = ["--nproc-per-node", str(processes)]
    parts = ["torchrun", *(where if hosts > 1 else ["--standalone"]), *ranks, script, *arguments]
    variables = [f"{name}={shlex.quote(value)}" for name, value in (environment or {}).items()]
    return " ".join([*variables, shlex.join(parts)])


def one_layout(arch: Architecture, layout: Layout, global_batch: int) -> Layout:
    """Return `layout` in plain ints, once it, the model and the batch are known to fit together.

    Raises
    ------
    InputError
        With every reason why they don't.
    """
    values = {f.name: getattr(layout, f.name) for f in fields(Layout)}
    if any(np.ndim(value) for value in values.values()):
        message = "a plan to export is one layout; take one of them with Layout.take first"
        raise InputError(message)
    one = Layout(**{name: int(value) for name, value in values.items()})
    degrees = (one.tp, one.pp, one.vpp, one.cp, one.ep, one.etp, one.dp, one.micro_batch, one.shard)
    if min(degrees) < 1:
        message = "every degree of a layout must be at least 1"
        raise InputError(message)
    ranks, experts = one.tp * one.cp * one.dp, one.ep * one.etp
    unfit = {
        f"{one.pp} stages are more than the {arch.layers} layers": one.pp > arch.layers,
        f"{one.dp} ranks with micro-batches of {one.micro_batch} do not divide a batch of "
        f"{global_batch} sequences": (
            global_batch < 1 or global_batch % (one.dp * one.micro_batch) > 0
        ),
        "a dense model has no experts to spread": experts > 1 and not arch.experts,
        f"{one.ep} groups do not divide the {arch.experts} experts": arch.experts % one.ep > 0,
        f"experts on {experts} ranks do not divide tp * cp * dp = {ranks}": ranks % experts > 0,
        f"{one.shard} shards do not divide dp * cp = {one.dp * one.cp}": (
            one.sharding == Sharding.FULL and one.dp * one.cp % one.shard > 0
        ),
    }
    if any(unfit.values()):
        raise InputError("; ".join(text for text, holds in unfit.items() if holds))
    return one


def refuse(framework: str, reasons: Mapping[str, object]) -> None:
    """Raise `NotModelledError` with every one of `reasons` that holds, if any does."""
    found = [text for text, holds in reasons.items() if holds]
    if found:
        message = f"{framework} cannot express this plan: {'; '.join(found)}"
        raise NotModelledError(message)


def _missing(arch: Architecture) -> dict[str, object]:
    """Return what of a model Megatron-LM has no flags for, and whether `arch` has it."""
    hybrid = arch.ssm_layers + arch.ffn_only_layers > 0
    return {
        "a hybrid needs the order of its layers, which an architecture does not state": hybrid,
        "it has no experts on a latent width": arch.latent > 0,
        "it has no chunked attention": arch.window > 0 and arch.window_kind == "chunked",
        "it normalises queries and keys by head only": arch.qk_norm == "full",
        f"its layers have 2 normalisations, not {arch.norms_per_layer}": (
            arch.norms_per_layer != _NORMS and not hybrid
        ),
        "it does not normalise the embedding": arch.embedding_norm,
        "its output head has no bias": arch.head_bias,
        "either all of its attention and feed-forward blocks have biases or none": (
            (arch.attention_bias == "all") != arch.ffn_bias
        ),
    }


def _forbidden(
    arch: Architecture, one: Layout, seq_len: int, global_batch: int
) -> dict[str, object]:
    """Return what of a layout Megatron-LM refuses, and whether it is so."""
    micro = one.micro_batches(global_batch)
    return {
        "it has no zero-bubble pipeline": one.schedule != Schedule.ONE_F_ONE_B,
        "it does not recompute every second product": one.recompute not in _RECOMPUTE,
        "its FSDP is documented without pipelines": (
            one.sharding in (Sharding.GRADIENTS, Sharding.FULL) and one.pp > 1
        ),
        "virtual stages need at least two stages": one.vpp > 1 and one.pp == 1,
        f"with virtual stages, {micro} micro-batches are no multiple of {one.pp} stages": (
            one.vpp > 1 and micro % one.pp > 0
        ),
        f"{one.tp} ranks do not divide the {arch.heads} heads": arch.heads % one.tp > 0,
        f"for context parallelism, {seq_len} tokens are no multiple of 2 * {one.cp}": (
            one.cp > 1 and seq_len % (2 * one.cp) > 0
        ),
        "experts with tensor parallelism need sequence parallelism": (
            arch.experts > 0 and one.tp > 1 and not one.sequence_parallel
        ),
        f"the model has no more than {arch.positions} positions": 0 < arch.positions < seq_len,
    }


def _parallel(arch: Architecture, one: Layout) -> str:
    flags = f"--tensor-model-parallel-size {one.tp} --context-parallel-size {one.cp}"
    if one.tp > 1 and one.sequence_parallel:
        flags += " --sequence-parallel"
    if arch.experts:
        flags += f" --expert-model-parallel-size {one.ep} --expert-tensor-parallel-size {one.etp}"
    return flags


def _pipeline(arch: Architecture, one: Layout) -> str:
    """Return how the layers are cut into stages; see the notes of `megatron_flags`."""
    size, chunks = f"--pipeline-model-parallel-size {one.pp}", int(one.pp * one.vpp)
    if one.pp == 1:
        return size
    cut = f"{size} --num-virtual-stages-per-pipeline-rank {one.vpp}" if one.vpp > 1 else size
    if arch.layers % chunks == 0:
        return cut
    if (arch.layers + 2) % chunks == 0:
        counted = "--account-for-{}-in-pipeline-split"
        return f"{cut} {counted.format('embedding')} {counted.format('loss')}"
    ends = int(arch.layers - (one.pp - 2) * -(-arch.layers // chunks))
    if one.vpp == 1 and ends > 1:
        first, last = ends - ends // 2, ends // 2
        number = "--decoder-{}-pipeline-num-layers {}"
        return f"{size} {number.format('first', first)} {number.format('last', last)}"
    return f"{size} --pipeline-model-parallel-layout {_spelled_out(arch, chunks)}"


def _spelled_out(arch: Architecture, chunks: int) -> str:
    """Return what each chunk of a pipeline holds: E embedding, t layer, m MTP module, L loss."""
    least, more = divmod(arch.layers, chunks)
    # The ends hold the embedding and the loss, so that the chunks between get the layers left over.
    layers = ["t" * (least + (1 <= i <= more)) for i in range(chunks)]
    between = "".join(f"({part}|)*{len(list(run))}" for part, run in groupby(layers[1:-1]))
    return f"E{layers[0]}|{between}{layers[-1]}{'m' * arch.mtp_layers}L"


def _sharding(one: Layout) -> str:
    if one.sharding == Sharding.NONE:
        return "--overlap-grad-reduce"
    flags = "--overlap-grad-reduce --use-distributed-optimizer --overlap-param-gather"
    if one.sharding == Sharding.OPTIMIZER:
        return flags
    strategy = "optim_grads" if one.sharding == Sharding.GRADIENTS else "optim_grads_params"
    flags += f" --use-megatron-fsdp --data-parallel-sharding-strategy {strategy}"
    flags += " --no-gradient-accumulation-fusion --ckpt-format fsdp_dtensor"
    copies = one.dp * one.cp // one.shard
    return f"{flags} --num-distributed-optimizer-instances {copies}" if copies > 1 else flags


def _model(arch: Architecture, seq_len: int) -> str:
    # Without dense layers their width is not used; Megatron-LM's default would be wrong to read.
    flags = f"--num-layers {arch.layers} --hidden-size {arch.hidden}"
    flags += f" --ffn-hidden-size {arch.ffn or arch.expert_ffn} --vocab-size {arch.vocab}"
    flags += f" --max-position-embeddings {arch.positions or seq_len}"
    flags += f" --position-embedding-type {'learned_absolute' if arch.positions else 'rope'}"
    flags += f" --normalization {'LayerNorm' if arch.norm_bias else 'RMSNorm'}"
    flags += " --attention-dropout 0.0 --hidden-dropout 0.0"
    switches = {
        "--swiglu": arch.gated,
        "--untie-embeddings-and-output-weights": not arch.tied,
        "--disable-bias-linear": not arch.ffn_bias,
        "--add-qkv-bias": arch.attention_bias == "qkv",
        f"--mtp-num-layers {arch.mtp_layers}": arch.mtp_layers > 0,
    }
    return " ".join([flags, *(text for text, on in switches.items() if on)])


def _attention(arch: Architecture) -> str:
    flags = f"--num-attention-heads {arch.heads} --kv-channels {arch.value_dim}"
    if arch.is_mla:
        flags += f" --multi-latent-attention --kv-lora-rank {arch.kv_lora}"
        flags += f" --q-lora-rank {arch.q_lora}" if arch.q_lora else ""
        flags += f" --qk-head-dim {arch.nope_dim} --qk-pos-emb-head-dim {arch.rope_dim}"
        flags += f" --v-head-dim {arch.v_dim}"
    elif arch.kv_heads != arch.heads:
        flags += f" --group-query-attention --num-query-groups {arch.kv_heads}"
    if arch.is_mla or arch.qk_norm == "head":
        flags += " --qk-layernorm"  # with MLA it normalises the compressions
    if arch.window:
        # Keys to the left of a token and to its right: a window counts the token itself.
        flags += f" --window-size {arch.window - 1},0"
        flags += f" --window-attn-skip-freq {arch.global_every}" if arch.global_every else ""
    return flags


def _experts(arch: Architecture) -> str:
    if not arch.experts:
        return ""
    shared = arch.shared_experts * arch.expert_ffn
    flags = f"--num-experts {arch.experts} --moe-router-topk {arch.active_experts}"
    flags += f" --moe-ffn-hidden-size {arch.expert_ffn} --moe-layer-freq {_expert_layers(arch)}"
    flags += f" --moe-shared-expert-intermediate-size {shared}" if shared else ""
    return f"{flags} --moe-token-dispatcher-type alltoall --moe-grouped-gemm"


def _expert_layers(arch: Architecture) -> str:
    """Return which layers have experts, as Megatron-LM reads it: a list of 0 and 1.

    Its plain number N counts from the first layer, while models have experts in each Nth.
    """
    if arch.moe_layers == arch.layers:
        return "1"
    every, dense = arch.moe_every, arch.leading_dense
    if not dense and arch.layers % every == 0:
        return f"([0]*{every - 1}+[1])*{arch.layers // every}"
    held = [int(i >= dense and (i + 1) % every == 0) for i in range(arch.layers)]
    return "(" + "+".join(f"[{has}]*{len(list(run))}" for has, run in groupby(held)) + ")"
