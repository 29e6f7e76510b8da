"""What the accelerators of a training step send one another, and the update of the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.compute import collectives
from gigawatt.compute.network import members_together
from gigawatt.compute.training.layout import Sharding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.training.layout import Layout
    from gigawatt.compute.training.step import Machine

    Numbers = float | NDArray[Any]

__all__ = ["gradient_times", "inner_traffic", "layer_parameters", "stage_layers"]

_UPDATE_BYTES = 30.0
"""Adam reads a gradient, the master copy and two moments of 4 bytes each, writes the last three
and the new weight of 2 bytes."""


def stage_layers(dims: Dims, pp: Numbers) -> Numbers:
    """Return the layers of the fullest pipeline stage."""
    return np.ceil(dims.layers / pp)


def inner_traffic(
    dims: Dims, layout: Layout, machine: Machine, seq_len: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Return the seconds of communication in one forward pass of a mean layer.

    Returns
    -------
    tuple
        Tensor, context and expert parallelism, before anything hides them.
    """
    fabric, tp = machine.fabric, layout.tp
    tokens = layout.micro_batch * seq_len / layout.cp
    hidden = 2.0 * tokens * dims.hidden
    # Each block gathers its input and scatters its output, but for experts that are not cut.
    shared = dims.moe_layers * (dims.shared_experts > 0)
    blocks = dims.attention_layers + dims.ssm_layers + dims.dense_layers + shared
    gather = collectives.all_gather_s(fabric, hidden, tp, 1)
    tensor = 2.0 * blocks / dims.layers * gather
    kv_heads = np.maximum(dims.kv_heads / tp, 1.0)
    keys = 2.0 * tokens * layout.cp * kv_heads * (dims.score_dim + dims.value_dim)
    context = collectives.all_gather_s(fabric, keys, layout.cp, tp)
    context = context * dims.attention_layers / dims.layers
    if not np.any(dims.moe_layers > 0):
        return tensor, context, 0.0
    return tensor, context, _expert_traffic(dims, layout, machine, tokens)


def _expert_traffic(dims: Dims, layout: Layout, machine: Machine, tokens: Numbers) -> Numbers:
    fabric, over = machine.fabric, machine.overheads
    mine = tokens / np.where(layout.sequence_parallel > 0, layout.tp, 1.0)
    hidden = np.where(dims.latent > 0, dims.latent, dims.hidden)
    # A token with k experts in g domains meets g (1 - (1 - 1/g)^k) of them in the mean.
    local = members_together(layout.ep, layout.etp, fabric.scale_up_chips)
    domains = layout.ep / local
    met = domains * (1.0 - (1.0 - 1.0 / domains) ** dims.active_experts)
    once = np.where((domains > 1.0) & (over.node_dispatch > 0), met, dims.active_experts)
    copies = np.minimum(once, dims.active_experts)
    sent = mine * copies * hidden
    there = collectives.all_to_all_s(fabric, over.dispatch_bytes * sent, layout.ep, layout.etp)
    back = collectives.all_to_all_s(fabric, 2.0 * sent, layout.ep, layout.etp)
    cut = mine * dims.active_experts * hidden * layout.etp
    inner = collectives.all_gather_s(fabric, 2.0 * cut, layout.etp, 1)
    return dims.moe_layers / dims.layers * (there + back + 2.0 * inner)


def layer_parameters(dims: Dims) -> tuple[Numbers, Numbers]:
    """Return the matrix parameters of a mean layer: those outside and those of routed experts."""
    per_head = dims.score_dim + dims.value_dim
    plain = dims.hidden * (dims.heads + dims.kv_heads) * per_head
    latent = (
        dims.q_lora * (dims.hidden + dims.heads * dims.score_dim)
        + dims.hidden * (dims.kv_lora + dims.rope_dim)
        + dims.kv_lora * dims.heads * (dims.nope_dim + dims.value_dim)
        + dims.heads * dims.value_dim * dims.hidden
    )
    attention = np.where(dims.mla > 0, latent, plain)
    inner = dims.ssm_heads * dims.ssm_head_dim
    scan = dims.hidden * (3.0 * inner + 2.0 * dims.ssm_groups * dims.ssm_state + dims.ssm_heads)
    block = dims.ffn_matrices * dims.hidden
    narrow = dims.ffn_matrices * np.where(dims.latent > 0, dims.latent, dims.hidden)
    shared = block * dims.expert_ffn * dims.shared_experts + dims.hidden * (
        dims.experts + 2.0 * dims.latent
    )
    common = (
        dims.attention_layers * attention
        + dims.ssm_layers * scan
        + dims.dense_layers * block * dims.ffn
        + dims.moe_layers * shared
    )
    routed = dims.moe_layers * narrow * dims.expert_ffn * dims.experts
    return common / dims.layers, routed / dims.layers


def gradient_times(
    dims: Dims, layout: Layout, machine: Machine, stage_s: Numbers, micro: Numbers
) -> tuple[Numbers, Numbers]:
    """Return the exposed seconds of gradients and parameters, and those of the update.

    Parameters
    ----------
    dims, layout, machine
        As of `step_time`.
    stage_s : float or ndarray
        Time of one micro-batch on a stage, behind which the traffic runs.
    micro : float or ndarray
        Micro-batches of a step.
    """
    fabric, over = machine.fabric, machine.overheads
    common, routed = layer_parameters(dims)
    layers = stage_layers(dims, layout.pp) * over.trained
    tables = dims.vocab * dims.hidden * np.where(layout.pp > 1, 1.0, 2.0 - dims.tied)
    mine = (layers * common + over.trained * tables) / layout.tp
    experts = layers * routed / (layout.ep * layout.etp)
    full = layout.sharding == Sharding.FULL
    rounds = layout.sharding == Sharding.GRADIENTS
    cut = rounds | (layout.sharding == Sharding.OPTIMIZER)
    shard = np.where(layout.sharding == Sharding.NONE, 1, layout.shard)
    ranks, stride = layout.dp * layout.cp, layout.tp
    copies, apart = layout.expert_dp, layout.etp * layout.ep
    inside = np.minimum(shard, copies)
    gathered = collectives.all_gather_s(fabric, 2.0 * mine, shard, stride)
    summed = collectives.all_reduce_s(fabric, over.gradient_bytes * mine, ranks, stride)
    scattered = collectives.all_gather_s(fabric, over.gradient_bytes * mine, ranks, stride)
    has_experts = routed > 0
    if np.any(has_experts):
        grad = over.gradient_bytes * experts
        gathered = gathered + has_experts * collectives.all_gather_s(
            fabric, 2.0 * experts, inside, apart
        )
        summed = summed + has_experts * collectives.all_reduce_s(fabric, grad, copies, apart)
        scattered = scattered + has_experts * collectives.all_gather_s(fabric, grad, copies, apart)
    whole = cut & (shard >= ranks)
    traffic = np.where(whole, scattered, summed) + np.where(cut, gathered, 0.0)
    window = stage_s
    if np.any(rounds):
        # A virtual stage scatters after each run of as many micro-batches as there are stages.
        runs = np.maximum(micro / layout.pp, 1.0)
        traffic = np.where(rounds, runs * scattered + gathered, traffic)
        window = np.where(rounds, micro * stage_s, window)
    if np.any(full):
        # Every micro-batch gathers each layer twice and scatters its gradients in the same bytes;
        # with replicas of the shards (HSDP) these are summed once.
        replicas = collectives.all_reduce_s(
            fabric, over.gradient_bytes * mine / shard, ranks / shard, stride * shard
        )
        always = micro * (2.0 + 0.5 * over.gradient_bytes) * gathered + replicas
        traffic = np.where(full, always, traffic)
        window = np.where(full, micro * stage_s, window)
    hidden = np.minimum((1.0 - over.gradient_exposed) * traffic, window)
    owners = np.where(full | cut, shard, 1)
    held = mine / owners + experts / np.minimum(owners, copies)
    update = _UPDATE_BYTES * held / machine.rates.memory_bytes_per_s
    return traffic - hidden, update
