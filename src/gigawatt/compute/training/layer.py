"""Time of one transformer layer on one accelerator, forward and backward, without the network.

Shapes follow Megatron's cuts: tensor parallelism divides heads and feed-forward widths, sequence
parallelism divides everything between the products, context parallelism divides the sequence,
expert parallelism spreads experts and keeps the number of routed tokens of each rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.compute.kernels import (
    attention_core_s,
    gemm_s,
    mean_attended_tokens,
    stored_attention_s,
    traffic_s,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.kernels import Rates
    from gigawatt.compute.training.layout import Layout

    Numbers = float | NDArray[Any]

__all__ = ["LayerTimes", "head_times", "layer_times"]


@dataclass(frozen=True, slots=True)
class LayerTimes:
    """Seconds that one mean layer takes on one micro-batch.

    Parameters
    ----------
    forward, input_gradient, weight_gradient : float or ndarray
        The three passes.
    attention_forward : float or ndarray
        Part of `forward` that is the attention core.
    products_forward : float or ndarray
        Part of `forward` that is products with weights.
    """

    forward: Numbers
    input_gradient: Numbers
    weight_gradient: Numbers
    attention_forward: Numbers
    products_forward: Numbers


@dataclass(frozen=True, slots=True)
class _Passes:
    """Forward, input-gradient and weight-gradient seconds of one kind of work."""

    forward: Numbers
    data: Numbers
    weight: Numbers

    def __add__(self, other: _Passes) -> _Passes:
        return _Passes(
            self.forward + other.forward, self.data + other.data, self.weight + other.weight
        )

    def times(self, factor: Numbers) -> _Passes:
        return _Passes(self.forward * factor, self.data * factor, self.weight * factor)


_NOTHING = _Passes(0.0, 0.0, 0.0)


def layer_times(
    dims: Dims, layout: Layout, rates: Rates, seq_len: Numbers, flash: Numbers
) -> LayerTimes:
    """Return the mean time of a layer on one micro-batch.

    Parameters
    ----------
    dims : Dims
        The model.
    layout : Layout
        Its cuts.
    rates : Rates
        The accelerator with its software.
    seq_len : float or ndarray
        Tokens of a sequence.
    flash : float or ndarray
        1 where attention keeps no scores.
    """
    tokens = layout.micro_batch * seq_len / layout.cp
    per_layer = 1.0 / dims.layers
    core = _attention(dims, layout, rates, (tokens, seq_len), flash)
    attends = dims.attention_layers * per_layer
    products = _projections(dims, layout, rates, tokens).times(attends)
    streams = _between(dims, layout, rates, tokens)
    if np.any(dims.dense_layers > 0):
        share = dims.dense_layers * per_layer
        width = np.maximum(dims.ffn / layout.tp, 1.0)
        products += _block(dims, rates, tokens, width).times(share)
        streams += _activation(dims, rates, tokens, width).times(share)
    if np.any(dims.moe_layers > 0):
        share = dims.moe_layers * per_layer
        expert_products, expert_streams = _experts(dims, layout, rates, tokens)
        products += expert_products.times(share)
        streams += expert_streams.times(share)
    if np.any(dims.ssm_layers > 0):
        share = dims.ssm_layers * per_layer
        scan_products, scan_streams = _state_space(dims, layout, rates, tokens)
        products += scan_products.times(share)
        streams += scan_streams.times(share)
    total = products + streams + core
    return LayerTimes(total.forward, total.data, total.weight, core.forward, products.forward)


def head_times(
    dims: Dims, layout: Layout, rates: Rates, seq_len: Numbers
) -> tuple[Numbers, Numbers]:
    """Return the forward and backward time of the output head and the loss on one micro-batch.

    The head is a product over the vocabulary, in BF16 whatever the recipe; the loss reads and
    writes the logits in 16 and 32 bits, about 12 bytes each forward and 8 backward.
    """
    tokens = layout.micro_batch * seq_len / layout.cp
    vocab = np.ceil(dims.vocab / layout.tp)
    product = _product(rates, tokens, vocab, dims.hidden, plain=True)
    heads = 1.0 + dims.mtp_layers
    forward = product.forward + traffic_s(rates, 12.0 * tokens * vocab, 3.0)
    backward = product.data + product.weight + traffic_s(rates, 8.0 * tokens * vocab, 1.0)
    return heads * forward, heads * backward


def _product(
    rates: Rates,
    m: Numbers,
    n: Numbers,
    k: Numbers,
    *,
    groups: Numbers = 1.0,
    plain: bool = False,
) -> _Passes:
    """Return the three passes of Y = X W with X of m x k: Y, dX = dY W', dW = X' dY."""
    work = _Passes(
        gemm_s(rates, m, n, k, groups=groups, plain=plain),
        gemm_s(rates, m, k, n, groups=groups, plain=plain),
        gemm_s(rates, k, n, m, groups=groups, plain=plain),
    )
    if plain:
        return work
    # X is cast before the product, dY before both of the backward pass.
    operand = groups * m * rates.cast_bytes / rates.memory_bytes_per_s
    return work + _Passes(operand * k, operand * n, 0.0)


def _projections(dims: Dims, layout: Layout, rates: Rates, tokens: Numbers) -> _Passes:
    tp, hidden = layout.tp, dims.hidden
    heads = dims.heads / tp
    kv_heads = np.maximum(dims.kv_heads / tp, 1.0)  # fewer heads than ranks are held by several
    output = _product(rates, tokens, hidden, heads * dims.value_dim)
    width = (heads + kv_heads) * dims.score_dim + kv_heads * dims.value_dim
    plain = _product(rates, tokens, width, hidden)
    if not np.any(dims.mla > 0):
        return plain + output
    # MLA compresses first: the two down-projections are whole on every rank, the others are cut.
    rank = _own_tokens(layout, tokens)
    q_lora = np.maximum(dims.q_lora, 1.0)
    kv_lora = np.maximum(dims.kv_lora, 1.0)
    latent = (
        _product(rates, rank, q_lora, hidden)
        + _product(rates, rank, kv_lora + dims.rope_dim, hidden)
        + _product(rates, tokens, heads * dims.score_dim, q_lora)
        + _product(rates, tokens, heads * (dims.nope_dim + dims.value_dim), kv_lora)
    )
    chosen = _Passes(
        np.where(dims.mla > 0, latent.forward, plain.forward),
        np.where(dims.mla > 0, latent.data, plain.data),
        np.where(dims.mla > 0, latent.weight, plain.weight),
    )
    return chosen + output


def _attention(
    dims: Dims, layout: Layout, rates: Rates, length: tuple[Numbers, Numbers], flash: Numbers
) -> _Passes:
    """Return the attention core of a mean layer."""
    tokens, seq_len = length
    heads = np.maximum(dims.heads / layout.tp, 1.0)
    widths = (dims.score_dim, dims.value_dim)
    wide, near = dims.global_layers / dims.layers, dims.windowed_layers / dims.layers
    everything = mean_attended_tokens(seq_len, 0.0, 0.0)
    forward, backward = attention_core_s(rates, tokens, heads, widths, everything)
    forward, backward = wide * forward, wide * backward
    if np.any(dims.windowed_layers > 0):
        seen = mean_attended_tokens(seq_len, dims.window, dims.chunked)
        near_forward, near_backward = attention_core_s(rates, tokens, heads, widths, seen)
        forward = forward + near * near_forward
        backward = backward + near * near_backward
    if np.any(np.less(flash, 1)):
        kept, kept_back = stored_attention_s(rates, tokens, heads, widths, seq_len)
        forward = np.where(flash > 0, forward, (wide + near) * kept)
        backward = np.where(flash > 0, backward, (wide + near) * kept_back)
    return _Passes(forward, backward, 0.0)


def _block(dims: Dims, rates: Rates, tokens: Numbers, width: Numbers) -> _Passes:
    """Return the products of a feed-forward block."""
    up = _product(rates, tokens, (dims.ffn_matrices - 1.0) * width, dims.hidden)
    return up + _product(rates, tokens, dims.hidden, width)


def _activation(dims: Dims, rates: Rates, tokens: Numbers, width: Numbers) -> _Passes:
    """Return the activation: it reads its one or two inputs and writes one; backward it reads
    those and a gradient and writes one or two."""  # noqa: D205, D209
    streams = 2.0 * tokens * width * dims.ffn_matrices
    return _Passes(traffic_s(rates, streams, 1.0), traffic_s(rates, 1.7 * streams, 1.0), 0.0)


def _experts(dims: Dims, layout: Layout, rates: Rates, tokens: Numbers) -> tuple[_Passes, _Passes]:
    """Return products and streams of router, permutation, routed and shared experts."""
    mine = _own_tokens(layout, tokens)
    routed = mine * np.maximum(dims.active_experts, 1.0) * layout.etp
    held = np.maximum(dims.experts / layout.ep, 1.0)
    each = routed / held
    inner = np.maximum(dims.expert_ffn / layout.etp, 1.0)
    hidden = np.where(dims.latent > 0, dims.latent, dims.hidden)
    grouped = _product(
        rates, each, (dims.ffn_matrices - 1.0) * inner, hidden, groups=held
    ) + _product(rates, each, hidden, inner, groups=held)
    router = _product(rates, mine, np.maximum(dims.experts, 1.0), dims.hidden, plain=True)
    products = grouped.times(rates.expert_gemm_slowdown) + router
    streams = _activation(dims, rates, routed, inner)
    # Sorting by expert and back reads and writes each routed token twice either way.
    moved = 2.0 * 4.0 * routed * hidden
    permuted = rates.expert_passes * moved / rates.memory_bytes_per_s + 6.0 * rates.gap_s
    streams += _Passes(permuted, permuted, 0.0)
    if np.any(dims.latent > 0):
        width = np.maximum(dims.latent, 1.0)
        down = _product(rates, mine, width, dims.hidden) + _product(rates, mine, dims.hidden, width)
        products += down.times(dims.latent > 0)
    if np.any(dims.shared_experts > 0):
        has = dims.shared_experts > 0
        width = np.maximum(dims.shared_experts * dims.expert_ffn / layout.tp, 1.0)
        products += _block(dims, rates, tokens, width).times(has)
        streams += _activation(dims, rates, tokens, width).times(has)
    return products, streams


def _state_space(
    dims: Dims, layout: Layout, rates: Rates, tokens: Numbers
) -> tuple[_Passes, _Passes]:
    """Return products and streams of a Mamba-2 mixer; the scan is counted with the streams.

    The chunked scan is the products of Dao and Gu (arXiv:2405.21060, section 6) in BF16: small
    ones between element-wise work. Backward each has two. The convolution and the gate read and
    write the channels once each.
    """
    inner = dims.ssm_heads * dims.ssm_head_dim / layout.tp
    state = dims.ssm_groups * dims.ssm_state / layout.tp
    width = 2.0 * inner + 2.0 * state + dims.ssm_heads / layout.tp
    products = _product(rates, tokens, np.maximum(width, 1.0), dims.hidden) + _product(
        rates, tokens, dims.hidden, np.maximum(inner, 1.0)
    )
    flop = 2.0 * tokens * (dims.ssm_chunk * (state + inner) + 2.0 * inner * dims.ssm_state)
    forward = flop / rates.scan_flops
    backward = 2.0 * forward
    moved = 2.0 * tokens * (6.0 * inner + 6.0 * state)
    streams = _Passes(
        forward + traffic_s(rates, moved, 6.0), backward + traffic_s(rates, 2.0 * moved, 8.0), 0.0
    )
    return products, streams


def _between(dims: Dims, layout: Layout, rates: Rates, tokens: Numbers) -> _Passes:
    """Return norms, residuals and rotary embedding of a mean layer.

    Each block has a norm that reads and writes once and a residual sum that reads two and writes
    one: five streams of the hidden width forward and eight backward. Rotation reads and writes
    queries and keys.
    """
    blocks = (dims.attention_layers + dims.ssm_layers + dims.ffn_layers) / dims.layers
    hidden = 2.0 * blocks * _own_tokens(layout, tokens) * dims.hidden
    attends = dims.attention_layers / dims.layers
    rotated = 4.0 * attends * tokens * (dims.heads + dims.kv_heads) / layout.tp * dims.score_dim
    return _Passes(
        traffic_s(rates, 5.0 * hidden + rotated, 5.0),
        traffic_s(rates, 8.0 * hidden + rotated, 6.0),
        0.0,
    )


def _own_tokens(layout: Layout, tokens: Numbers) -> Numbers:
    """Return the tokens that one rank holds between products."""
    return tokens / np.where(layout.sequence_parallel > 0, layout.tp, 1.0)
