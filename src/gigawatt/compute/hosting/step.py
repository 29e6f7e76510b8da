r"""Time of one step of a serving engine: prefill, decode, or both in one.

A step takes some tokens of prompts (`Work.prompt_tokens`) and one token of each sequence that is
being answered (`Work.sequences`). One model answers for all three: matrix products over all tokens
of the step, attention over what each has before it, the head for those that speak, the network, and
what the engine adds on the host.

Never faster than the hardware: products and attention are bounded by peak arithmetic and by the
bytes of weights and cache that must be read.

References
----------
.. [1] R. Pope et al., "Efficiently scaling transformer inference", arXiv:2211.05102.
.. [2] DeepSeek-AI, "DeepSeek-V2", arXiv:2405.04434, section 2.1: MLA absorbs its up-projections
       when decoding, so that all heads read one compressed vector a token.
.. [3] A. Agrawal et al., "Sarathi-Serve", OSDI 2024, arXiv:2403.02310: mixed steps.
.. [4] DeepSeek-AI, "DeepSeek-V3", arXiv:2412.19437, sections 2.2 and 5.4.3: a module of one layer
       drafts tokens, which the next step verifies.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute import collectives
from gigawatt.compute.hosting.memory import state_bytes_per_sequence
from gigawatt.compute.hosting.step_types import Engine, Split, StepParts, Work
from gigawatt.compute.kernels import mean_attended_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.network import Fabric

    Numbers = float | NDArray[Any]

__all__ = ["Engine", "Split", "StepParts", "Work", "step_parts"]

_EXPERT_PASSES: Final = 3.0
"""How often a routed token passes through memory in two bytes a number: written and read in one
byte where it is gathered, written by the second product, read where its parts are added up."""
_POST_S: Final = 0.15e-6
"""Time to post a message to one more rank of experts from the accelerator itself [s]: DeepEP's
table has 192 us to send 128 tokens to 8 experts each over 128 ranks, of which the wires at 50 GB/s
take 150 us and the first message some 20 us (DeepSeek-AI, DeepEP, README, 2025)."""
_LATENT_HEADS: Final = 64.0
"""Heads that kernels of MLA compute at once: with fewer on a rank the rest of the tile is idle
(DeepSeek-AI, FlashMLA, 2025, whose tiles have 64 rows)."""
_INNER_PASSES: Final = 4.0
"""The same of its inner numbers: written by the first product, read and written by the activation,
read by the second product."""


def step_parts(dims: Dims, split: Split, work: Work, engine: Engine, fabric: Fabric) -> StepParts:
    """Return the time of one step of an instance.

    Parameters
    ----------
    dims : Dims
        The model.
    split : Split
        How it is spread.
    work : Work
        What the step does in each attention group.
    engine : Engine
        Accelerator and software.
    fabric : Fabric
        Network.

    Returns
    -------
    StepParts
        A step through all pipeline stages.
    """
    tokens = work.tokens
    attention = dims.attention_layers * _attention(dims, split, work, engine)
    attention = attention + _recurrence(dims, split, work, engine)
    products = _products(dims, split, tokens, engine)
    experts = _experts(dims, split, tokens, engine)
    moved = 2.0 * tokens * dims.hidden * 10.0 * dims.layers
    spoken = np.maximum(work.speaking, work.sequences) + work.sequences * work.drafted
    head = _gemm(
        engine.plain_gemm_flops,
        (spoken, np.ceil(dims.vocab / split.tp), dims.hidden),
        engine,
        2.0,
    )
    elementwise = moved / engine.stream_bytes_per_s
    network = _network(dims, split, work, engine, fabric)
    busy = products + experts + attention + elementwise + network + head
    each = engine.layer_s + np.where(dims.mla > 0, engine.latent_layer_s, 0.0)
    recorded = dims.layers * each + dims.moe_layers * engine.expert_layer_s
    # Launches of a step without a recorded graph run ahead of the accelerator, if they can.
    latent = np.where(dims.mla > 0, engine.eager_latent_s, 0.0)
    eager = dims.layers * (engine.eager_layer_s + latent) - busy
    return StepParts(
        products_s=products,
        experts_s=experts,
        attention_s=attention,
        elementwise_s=elementwise,
        network_s=network,
        head_s=head,
        launch_s=np.maximum(recorded, np.where(np.greater(work.prompt_tokens, 0.0), eager, 0.0)),
        engine_s=engine.step_s + engine.sequence_s * work.sequences,
        drafts_s=_drafts(dims, split, work, engine, fabric),
    )


def _drafts(dims: Dims, split: Split, work: Work, engine: Engine, fabric: Fabric) -> Numbers:
    """Return the time to draft tokens: each passes one more layer, and the head [4]_."""
    if not np.any(np.greater(work.drafted, 0.0)):
        return 0.0
    once = Work(sequences=work.sequences, context=work.context, speaking=work.sequences)
    found = step_parts(dims, split, once, engine, fabric)
    layers = found.total_s - found.head_s - found.engine_s
    return work.drafted * (layers / dims.layers + found.head_s)


def _gemm(
    rate: Numbers, shape: tuple[Numbers, Numbers, Numbers], engine: Engine, size: Numbers
) -> Numbers:
    """Return the time of a product of m x k with k x n whose weights are read once."""
    m, n, k = shape
    # Few rows fill a tile of the multiplier only in part, but a tile is read and computed whole.
    rows = np.maximum(m, 16.0)
    return np.maximum(2.0 * rows * n * k / rate, size * n * k / engine.weight_bytes_per_s)


def _products(dims: Dims, split: Split, tokens: Numbers, engine: Engine) -> Numbers:
    """Return the products of attention and dense blocks of all layers."""
    heads = dims.heads / split.tp
    kv_heads = np.maximum(dims.kv_heads / split.tp, 1.0)
    width = (heads + kv_heads) * dims.score_dim + kv_heads * dims.value_dim
    plain = dims.hidden * (width + heads * dims.value_dim)
    latent = (
        dims.hidden * (dims.q_lora + dims.kv_lora + dims.rope_dim)
        + dims.q_lora * heads * dims.score_dim
        + dims.kv_lora * heads * (dims.nope_dim + dims.value_dim)
        + heads * dims.value_dim * dims.hidden
    )
    attention = np.where(dims.mla > 0, latent, plain) * dims.attention_layers
    inner = dims.ssm_heads * dims.ssm_head_dim / split.tp
    scan = dims.hidden * 3.0 * inner * dims.ssm_layers
    block = dims.ffn_matrices * dims.hidden / split.tp
    dense = dims.dense_layers * block * dims.ffn
    shared = dims.moe_layers * block * dims.shared_experts * dims.expert_ffn
    router = dims.moe_layers * dims.experts * dims.hidden
    weights = attention + scan + dense + shared
    size = (tokens, 1.0, weights)
    return _gemm(engine.gemm_flops, size, engine, engine.weight_bytes) + _gemm(
        engine.plain_gemm_flops, (tokens, 1.0, router), engine, 2.0
    )


def _experts(dims: Dims, split: Split, tokens: Numbers, engine: Engine) -> Numbers:
    """Return the products of routed experts of all layers on the fullest rank."""
    if not np.any(dims.moe_layers > 0):
        return 0.0
    everyone = tokens * split.attn_dp
    chosen = np.maximum(dims.active_experts, 1.0)
    count = np.maximum(dims.experts, 1.0)
    held = count / split.ep
    # With few tokens only some experts are met, and only their weights are read.
    met = held * (1.0 - (1.0 - chosen / count) ** np.maximum(everyone, 1.0))
    hidden = np.where(dims.latent > 0, dims.latent, dims.hidden)
    each = dims.ffn_matrices * hidden * dims.expert_ffn * split.ep / split.ranks
    # The fullest rank has more than its share, and the more so the fewer experts it holds.
    uneven = 1.0 + (engine.imbalance - 1.0) * (1.0 - 1.0 / split.ep)
    rows = everyone * chosen / split.ep * uneven
    # Each expert's last tile of rows is filled in part only, whatever their number.
    filled = rows + engine.expert_tile * np.minimum(met, rows)
    inner = dims.expert_ffn * split.ep / split.ranks
    # A narrow slice of an expert leaves the multiplier idle while it starts and ends.
    narrow = 1.0 + engine.expert_width / np.maximum(inner, 1.0)
    arithmetic = 2.0 * filled * each * narrow / engine.expert_flops
    read = met * each * engine.expert_bytes / engine.weight_bytes_per_s
    # Rows are gathered, narrowed, read and written by two products, and added up again.
    passed = 2.0 * rows * (_EXPERT_PASSES * hidden + _INNER_PASSES * inner)
    moved = passed / engine.stream_bytes_per_s
    return dims.moe_layers * (np.maximum(arithmetic, read) + moved)


def _attention(dims: Dims, split: Split, work: Work, engine: Engine) -> Numbers:
    """Return attention of a mean layer: decoding sequences and prompts."""
    heads = np.maximum(dims.heads / split.tp, 1.0)
    kv_heads = np.maximum(dims.kv_heads / split.tp, 1.0)
    wide = dims.global_layers / np.maximum(dims.attention_layers, 1.0)
    seen = wide * work.context + (1.0 - wide) * np.minimum(
        work.context, np.where(dims.window > 0, dims.window, work.context)
    )
    plain_bytes = kv_heads * (dims.score_dim + dims.value_dim)
    latent_width = dims.kv_lora + dims.rope_dim
    numbers = np.where(dims.mla > 0, latent_width, plain_bytes)
    read = work.sequences * seen * numbers * engine.cache_bytes / engine.cache_bytes_per_s
    width = np.where(
        dims.mla > 0, 2.0 * dims.kv_lora + dims.rope_dim, dims.score_dim + dims.value_dim
    )
    # All heads share the compressed vector, so they are the rows of its product, in tiles.
    tiled = np.where(dims.mla > 0, np.maximum(heads, _LATENT_HEADS), heads)
    asked = work.sequences * (1.0 + work.drafted)
    arithmetic = 2.0 * asked * seen * tiled * width / engine.decode_flops
    decode = np.maximum(read, arithmetic)
    attended = wide * work.prompt_context + (1.0 - wide) * np.where(
        dims.window > 0, np.minimum(work.prompt_context, dims.window), work.prompt_context
    )
    flop = 2.0 * work.prompt_tokens * heads * (dims.score_dim + dims.value_dim) * attended
    return decode + flop / engine.prefill_flops


def _recurrence(dims: Dims, split: Split, work: Work, engine: Engine) -> Numbers:
    """Return the time to read and write the recurrent state of each sequence, in all layers."""
    state = split.pp * state_bytes_per_sequence(dims, split)
    return 2.0 * work.sequences * state / engine.cache_bytes_per_s


def _network(dims: Dims, split: Split, work: Work, engine: Engine, fabric: Fabric) -> Numbers:
    """Return the exposed communication of all layers, and between pipeline stages."""
    tokens = work.tokens
    hidden = 2.0 * tokens * dims.hidden
    many = split.tp > 1
    reduce = collectives.all_reduce_s(fabric, hidden, split.tp, 1.0) + engine.network_s * many
    blocks = dims.attention_layers + dims.ssm_layers + dims.dense_layers
    inside = blocks * reduce
    if np.any(dims.moe_layers > 0):
        spread = split.attn_dp > 1
        # Experts shared by attention groups: tokens go there and back; else one more reduction.
        sent = tokens * _copies(dims, split, work, fabric) * dims.hidden
        posted = replace(fabric, message_s=_POST_S)
        there = collectives.all_to_all_s(posted, engine.dispatch_bytes * sent, split.ranks, 1.0)
        back = collectives.all_to_all_s(posted, 2.0 * sent, split.ranks, 1.0)
        routed = np.where(spread, there + back + 2.0 * engine.network_s, reduce)
        inside = inside + dims.moe_layers * routed
    # An instance that a scale-up domain holds stands in one, and no hop between stages leaves it.
    whole = replace(fabric, scale_up_chips=np.inf)
    hop = np.where(
        split.accelerators <= fabric.scale_up_chips,
        collectives.send_s(whole, hidden / split.tp, split.ranks),
        collectives.send_s(fabric, hidden / split.tp, split.ranks),
    )
    between = np.where(split.pp > 1, (split.pp - 1.0) * (hop + engine.network_s), 0.0)
    return engine.network_share * inside + between


def _copies(dims: Dims, split: Split, work: Work, fabric: Fabric) -> Numbers:
    """Return how often a token is sent: to each of its experts, or once to each of their domains.

    Kernels for prompts send a token to a domain once and spread it there, those for decoding send
    it to every expert at once (DeepSeek-AI, DeepEP, 2025: "normal" and "low-latency" kernels).
    """
    chosen = np.maximum(dims.active_experts, 1.0)
    domains = np.maximum(np.ceil(split.ranks / fabric.scale_up_chips), 1.0)
    met = domains * (1.0 - (1.0 - 1.0 / domains) ** chosen)
    return np.where((domains > 1.0) & np.greater(work.prompt_tokens, 0.0), met, chosen)


def prompt_context(tokens: Numbers, before: Numbers) -> Numbers:
    """Return what each token of a chunk attends to in the mean, after `before` earlier tokens."""
    return before + mean_attended_tokens(np.maximum(tokens, 1.0), 0.0, 0.0)
