"""The memory of one accelerator while it trains.

Kept activations follow Korthikanti et al. [1]_, whose layer takes ``s b h (34 + 5 a s / h)`` bytes,
generalised to what their GPT lacks: grouped and latent attention, gated blocks, experts, flash
attention, context parallelism, inputs kept in fewer bytes. Each rank's share of the model follows
Megatron-LM, and PyTorch's FSDP2 where `Sharding.FULL` is asked for.

References
----------
.. [1] V. Korthikanti et al. (2022), *Reducing Activation Recomputation in Large Transformer
       Models*, arXiv:2205.05198: section 4.1 (a layer), 4.2 (tensor, sequence and pipeline
       parallelism, interleaving), 5 (selective recomputation).
.. [2] P. Qi et al. (2023), *Zero Bubble Pipeline Parallelism*, arXiv:2401.10241, section 2: ZB-H1
       peaks where 1F1B does.
.. [3] A. Grattafiori et al. (2024), *The Llama 3 Herd of Models*, arXiv:2407.21783, section 3.3.2:
       one layer less on the first and on the last stage.
.. [4] W. Liang et al. (2024), *TorchTitan*, arXiv:2410.06511: FSDP2 with a pipeline keeps
       parameters gathered between micro-batches.
.. [5] C. Guo et al. (2024), *GMLake*, arXiv:2401.08156, abstract.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gigawatt.compute.memory import RESERVE_GB, block_bytes, block_counts, block_parameters
from gigawatt.compute.training.layout import Recompute, Schedule, Sharding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.memory import BlockBytes, Split, StateRecipe
    from gigawatt.compute.training.layout import Ints, Layout

    Numbers = float | NDArray[Any]

__all__ = ["TrainingMemory", "fits", "training_memory", "used_gb"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingMemory:
    """Memory of the fullest pipeline stage, in GB (1e9 bytes) on each accelerator.

    Parameters
    ----------
    parameters_gb, gradients_gb, optimizer_gb : float or ndarray
        What is stored of the parameters, their gradients and the optimizer's state.
    activations_gb : float or ndarray
        What the layers keep for the backward pass, over all micro-batches in flight.
    logits_gb : float or ndarray
        Input of the head, logits and their gradients; 0 unless the last stage is the fullest.
    buffers_gb : float or ndarray
        What the backward pass of one layer needs for itself: what it computes again, gradients of
        its activations, gathered sequences; less what fits where the logits were.
    gathered_gb : float or ndarray
        Parameters and gradients that `Sharding.FULL` holds whole for a while.
    """

    parameters_gb: Numbers
    gradients_gb: Numbers
    optimizer_gb: Numbers
    activations_gb: Numbers
    logits_gb: Numbers
    buffers_gb: Numbers
    gathered_gb: Numbers

    @property
    def total_gb(self) -> Numbers:
        """Sum of all parts."""
        state = self.parameters_gb + self.gradients_gb + self.optimizer_gb
        return state + self.activations_gb + self.logits_gb + self.buffers_gb + self.gathered_gb


def used_gb(
    memory: TrainingMemory, reserve_gb: Numbers = RESERVE_GB, fragmentation: Numbers = 0.0
) -> Numbers:
    """Return what a monitor of the accelerator shows at the peak [GB].

    Parameters
    ----------
    memory : TrainingMemory
        What the model needs.
    reserve_gb : float or ndarray
        What driver, kernels and communicators take [GB].
    fragmentation : float or ndarray
        Share of the allocator's memory that it cannot hand out. Of what PyTorch's allocator held
        without expandable segments 15 % was lost in the mean of eight models, 33 % at worst [5]_.
    """
    return memory.total_gb / (1.0 - fragmentation) + reserve_gb


def fits(
    memory: TrainingMemory,
    hbm_gb: Numbers,
    reserve_gb: Numbers = RESERVE_GB,
    fragmentation: Numbers = 0.0,
) -> NDArray[np.bool_]:
    """Return whether `used_gb` is at most `hbm_gb`, the memory of one accelerator [GB]."""
    return np.asarray(used_gb(memory, reserve_gb, fragmentation) <= hbm_gb)


class _Ranks(NamedTuple):
    """Degrees of a layout as floats, and shares as factors."""

    pp: Numbers
    vpp: Numbers
    width: Numbers  # what a rank holds of the width of a matrix
    rows: Numbers  # what it holds of the tokens outside the matrices
    experts: Numbers  # what it holds of the routed experts
    etp: Numbers
    tokens: Numbers  # of a micro-batch, in 1e9, so that bytes come out as GB
    micro_batches: Numbers
    full: NDArray[np.bool_]
    scattered: NDArray[np.bool_]  # whether gradients are
    shard: Numbers
    expert_shard: Numbers
    gradients: Numbers
    expert_gradients: Numbers
    optimizer: Numbers
    expert_optimizer: Numbers


class _Blocks(NamedTuple):
    """All blocks of one kind: one micro-batch in one of them on one rank [GB]."""

    share: Numbers  # blocks in a layer
    kept: Numbers
    extra: Numbers  # what the backward pass of one block needs besides


class _Weights(NamedTuple):
    """Parameters of a layer on one rank, in 1e9."""

    own: Numbers  # of the mean layer, without routed experts
    routed: Numbers  # routed experts of the mean layer
    largest: Numbers  # of the largest layer
    table: Numbers  # the embedding


class _Stage(NamedTuple):
    """One pipeline stage; flags are 0 or 1."""

    layers: Numbers
    in_flight: Numbers
    embedding: Numbers
    head: Numbers
    tables: Numbers  # embedding tables it stores
    mtp: Numbers


class _Case(NamedTuple):
    """What all stages of a layout share."""

    dims: Dims
    ranks: _Ranks
    recipe: StateRecipe
    halves: list[list[_Blocks]]  # mixers, feed-forward blocks
    weights: _Weights


def training_memory(
    dims: Dims, layout: Layout, seq_len: Numbers, global_batch: Ints, recipe: StateRecipe
) -> TrainingMemory:
    r"""Return the memory of an accelerator on the fullest pipeline stage.

    .. math:: M = P\,(w + g + o / d) + m\,n\,K
       + \max(\text{logits},\ A - K + \text{gradients of a layer})

    with :math:`P` parameters of the stage on one rank, :math:`n` layers that keep :math:`K` of
    their :math:`A` bytes of activations, :math:`m` micro-batches in flight and :math:`d` ranks that
    share the optimizer [1]_.

    Parameters
    ----------
    dims : Dims
        Dimensions of one model, or of one for each layout.
    layout : Layout
        One layout, or arrays of them.
    seq_len : float or ndarray
        Tokens in a sequence.
    global_batch : int or ndarray
        Sequences in a step; a pipeline cannot hold more micro-batches than it runs.
    recipe : StateRecipe
        Bytes of each parameter and activation.

    Returns
    -------
    TrainingMemory
        In GB; arrays broadcast over dimensions, layouts, sequence and batch.

    Notes
    -----
    Layers of a stage are ``ceil(layers / pp)``; where `pp` divides not `layers` but ``layers + 2``,
    the first and the last stage hold one less [3]_. Kinds of blocks spread evenly over stages,
    routed tokens over experts. Stage `i` of 1F1B has ``pp - i`` micro-batches in flight;
    interleaved ``(2 (pp - i - 1) + (v - 1) pp + 1) / v``, on the first stage as section 4.2.3 of
    [1]_; with zero bubble `pp`, an upper bound [2]_; never more than there are. A rank holds at
    least one key-value head. A tied embedding is on the first and on the last stage.

    Examples
    --------
    The 175B model of [1]_ with selective recomputation and sequence parallelism, whose figure 1
    shows 12.35 GiB of activations:

    >>> from gigawatt.catalog.architecture import architecture
    >>> from gigawatt.compute.dims import dims_of
    >>> from gigawatt.compute.memory import StateRecipe
    >>> from gigawatt.compute.training.layout import Layout
    >>> dims, layout = dims_of(architecture("gpt-3-175b")), Layout(tp=8, pp=8, vpp=3, recompute=1)
    >>> memory = training_memory(dims, layout, 2048, 64, StateRecipe(flash=False, dropout=True))
    >>> round(float(memory.activations_gb) / 1.024**3, 2)
    12.35
    """
    ranks = _ranks(layout, seq_len, global_batch)
    kinds = list(zip(block_counts(dims), block_bytes(dims, recipe, seq_len), strict=True))
    halves = [
        [_blocks(count, block, dims, layout, ranks) for count, block in half if np.any(count)]
        for half in (kinds[:2], kinds[2:])
    ]
    case = _Case(dims, ranks, recipe, halves, _weights(dims, ranks))
    return reduce(_fuller, (_stage_memory(stage, case) for stage in _stages(dims, layout, ranks)))


def _ranks(layout: Layout, seq_len: Numbers, global_batch: Ints) -> _Ranks:
    tp, cp, dp = (np.asarray(n, dtype=float) for n in (layout.tp, layout.cp, layout.dp))
    ep, etp = (np.asarray(n, dtype=float) for n in (layout.ep, layout.etp))
    experts = 1.0 / (ep * etp)
    width = 1.0 / tp
    replicas = dp * cp
    full = (np.asarray(layout.sharding) == Sharding.FULL) & (np.asarray(layout.shard) > 1)
    scattered = np.asarray(layout.sharding) == Sharding.GRADIENTS
    split = scattered | (np.asarray(layout.sharding) == Sharding.OPTIMIZER)
    shard = np.where(full, layout.shard, 1.0)
    # Experts are cut inside tp * cp * dp; what that leaves of the copies is cut further.
    expert_shard = np.where(full, np.maximum(shard * tp * experts, 1.0), 1.0)
    expert_copies = np.maximum(replicas * tp * experts, 1.0)
    return _Ranks(
        pp=np.asarray(layout.pp, dtype=float),
        vpp=np.asarray(layout.vpp, dtype=float),
        width=width,
        rows=np.where(layout.sequence_parallel, width, 1.0),
        experts=experts,
        etp=etp,
        tokens=np.asarray(layout.micro_batch) * 1e-9 * seq_len / cp,
        micro_batches=np.maximum(layout.micro_batches(global_batch), 1),
        full=full,
        shard=shard,
        expert_shard=expert_shard,
        scattered=scattered,
        gradients=np.where(scattered, replicas, shard),
        expert_gradients=np.where(scattered, expert_copies, expert_shard),
        optimizer=np.where(split, replicas, shard),
        expert_optimizer=np.where(split, expert_copies, expert_shard),
    )


def _blocks(
    count: Numbers, block: BlockBytes, dims: Dims, layout: Layout, ranks: _Ranks
) -> _Blocks:
    everything = _per_rank(block.everything, dims, ranks)
    kept = everything
    ways = ((Recompute.SELECTIVE, block.selective), (Recompute.OPERATORS, block.operators))
    for way, part in ways:
        if part is not block.everything and np.any(chosen := np.equal(layout.recompute, way)):
            kept = np.where(chosen, _per_rank(part, dims, ranks), kept)
    # The input of a whole layer is shared out among its blocks.
    boundary = (
        ranks.tokens * ranks.rows * (2.0 * dims.hidden * dims.layers / sum(block_counts(dims)))
    )
    kept = np.where(np.equal(layout.recompute, Recompute.FULL), boundary, kept)
    extra = everything - kept + _per_rank(block.backward, dims, ranks)
    return _Blocks(count / dims.layers, kept, extra)


def _per_rank(token: Split, dims: Dims, ranks: _Ranks) -> Numbers:
    wide = ranks.width * (token.wide + token.routed * ranks.etp)
    # Fewer heads than ranks: each rank has a copy of one.
    heads = token.head * np.maximum(dims.kv_heads * ranks.width, 1.0)
    return ranks.tokens * (token.rows * ranks.rows + wide + heads)


def _weights(dims: Dims, ranks: _Ranks) -> _Weights:
    blocks = block_parameters(dims)
    shares = [count * 1e-9 / dims.layers for count in block_counts(dims)]
    rows, wide, head, routed = (
        sum(share * split[part] for share, split in zip(shares, blocks, strict=True))
        for part in range(4)
    )
    held = np.maximum(dims.kv_heads * ranks.width, 1.0)
    mixer, ssm, dense, moe = (
        (block.rows + block.wide * ranks.width + block.head * held) * 1e-9 for block in blocks
    )
    return _Weights(
        own=rows + wide * ranks.width + head * held,
        routed=routed * ranks.experts,
        largest=np.maximum(mixer, ssm)
        + np.maximum(dense, moe + blocks[-1].routed * 1e-9 * ranks.experts),
        table=dims.vocab * dims.hidden * 1e-9 * ranks.width,
    )


def _stages(dims: Dims, layout: Layout, ranks: _Ranks) -> list[_Stage]:
    """Return the stages that can be the fullest: last, first, and second where that has more."""
    pp = ranks.pp
    fullest = np.ceil(dims.layers / pp)
    uneven = (fullest * pp > dims.layers) & (np.mod(dims.layers + 2.0, pp) == 0)
    end = np.where(uneven, fullest - 1.0, fullest)
    zero_bubble = np.equal(layout.schedule, Schedule.ZERO_BUBBLE)

    def in_flight(remaining: Numbers) -> Numbers:
        warm = (2.0 * remaining - 1.0 + (ranks.vpp - 1.0) * pp) / ranks.vpp
        held = np.where(ranks.vpp > 1, warm, np.where(zero_bubble, pp, remaining))
        return np.minimum(held, ranks.micro_batches)

    alone = np.where(pp == 1, 1.0, 0.0)
    tables = 1.0 + alone * (1.0 - dims.tied)
    last = end + dims.mtp_layers
    stages = [
        _Stage(last, in_flight(1.0), alone, 1.0, tables, dims.mtp_layers),
        _Stage(end, in_flight(pp), 1.0, 0.0, 1.0, 0.0),
    ]
    if np.any(uneven):
        stages.append(_Stage(fullest, in_flight(pp - 1.0), 0.0, 0.0, 0.0, 0.0))
    return stages


def _stage_memory(stage: _Stage, case: _Case) -> TrainingMemory:
    dims, ranks, recipe, _, weights = case
    ends = weights.table * stage.tables + stage.mtp * (2e-9 * dims.hidden**2) * ranks.width
    layers, routed = stage.layers * weights.own, stage.layers * weights.routed
    own = layers + ends
    stored = recipe.weight_bytes + recipe.copy_bytes
    activations, logits, buffers = _stage_activations(stage, case)
    return TrainingMemory(
        parameters_gb=(layers * stored + ends * recipe.weight_bytes) / ranks.shard
        + routed / ranks.expert_shard * stored,
        gradients_gb=(own / ranks.gradients + routed / ranks.expert_gradients)
        * recipe.gradient_bytes,
        optimizer_gb=(own / ranks.optimizer + routed / ranks.expert_optimizer)
        * recipe.optimizer_bytes,
        activations_gb=activations,
        logits_gb=logits,
        buffers_gb=buffers,
        gathered_gb=_gathered(stage, case, own + routed),
    )


def _stage_activations(stage: _Stage, case: _Case) -> tuple[Numbers, Numbers, Numbers]:
    dims, ranks, recipe, halves, _ = case
    kept: Numbers = 0.0
    worst: list[Numbers] = []
    for blocks in halves:
        extra: Numbers = 0.0
        for kind in blocks:
            count = stage.layers * kind.share
            kept = kept + count * kind.kept
            # A stage with less than one such block in the mean needs less than one's.
            extra = np.maximum(extra, np.minimum(count, 1.0) * kind.extra)
        worst.append(extra)
    # A layer is computed again as a whole: its mixer and its feed-forward block, or its one block.
    both = sum(block_counts(dims)) > dims.layers
    extra = np.where(both, worst[0] + worst[1], np.maximum(worst[0], worst[1]))
    # Input of a block and its gradient, whole on each rank: sequence parallelism gathers the one
    # and has yet to scatter the other.
    extra = extra + np.minimum(stage.layers, 1.0) * ranks.tokens * (4.0 * dims.hidden)
    boundary = ranks.tokens * ranks.rows * (2.0 * dims.hidden)
    if recipe.keep_outputs:
        kept = kept + (1.0 - stage.head) * boundary
    logits: Numbers = 0.0
    if np.any(stage.head):
        whole = 4.0 * dims.hidden * (ranks.rows + 1.0)  # kept; gathered and its gradient
        tables = (1.0 + stage.mtp) * recipe.logit_bytes * dims.vocab
        logits = ranks.tokens * (whole + tables * ranks.width)
    buffers = np.maximum(extra - logits, 0.0)
    if recipe.dropout:  # a mask of one byte over the embedding
        buffers = buffers + 0.5 * stage.embedding * stage.in_flight * boundary
    return stage.in_flight * kept, logits, buffers


def _gathered(stage: _Stage, case: _Case, stored: Numbers) -> Numbers:
    """Return what `Sharding.FULL` gathers at the peak [GB].

    Without a pipeline: the layer at work and the next, the gradient of the one, and the head. In a
    pipeline parameters stay gathered, and gradients whole, until the last micro-batch [4]_.
    """
    _, ranks, recipe, _, weights = case
    if not np.any(ranks.full | ranks.scattered):
        return 0.0
    streamed = weights.largest * (3.0 * recipe.gathered_bytes + recipe.gradient_bytes)
    streamed = streamed + stage.head * weights.table * recipe.gathered_bytes
    whole = stored * (recipe.gathered_bytes + recipe.gradient_bytes)
    # Scattered gradients are whole for one virtual stage at a time.
    one = np.where(ranks.scattered, stored / ranks.vpp * recipe.gradient_bytes, 0.0)
    return np.where(ranks.full, np.where(ranks.pp > 1, whole, streamed), one)


def _fuller(one: TrainingMemory, other: TrainingMemory) -> TrainingMemory:
    fuller = np.greater(other.total_gb, one.total_gb)
    parts = {}
    for field in fields(TrainingMemory):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        parts[field.name] = mine if mine is theirs else np.where(fuller, theirs, mine)
    return TrainingMemory(**parts)
