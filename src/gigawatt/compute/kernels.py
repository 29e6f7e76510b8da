r"""How long the operators of a transformer take on one accelerator.

Every operator is bound by arithmetic, by memory traffic or by the gaps between kernels. The rates
at which an accelerator really works are in `Rates`; how they follow from a chip, a number format
and a software release is the business of `gigawatt.compute.training.calibration`.

References
----------
.. [1] S. Williams, A. Waterman, D. Patterson, "Roofline", CACM 52 (2009).
.. [2] NVIDIA, "Matrix multiplication background user's guide" (2023): tiles, waves and their
       quantisation.
.. [3] T. Dao, "FlashAttention-2", arXiv:2307.08691: the backward pass takes five products where the
       forward pass takes two.
.. [4] V. Korthikanti et al., "Reducing activation recomputation in large transformer models",
       arXiv:2205.05198: what attention keeps when its scores are written out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = float | NDArray[Any]

__all__ = [
    "Rates",
    "attention_core_s",
    "gemm_s",
    "mean_attended_tokens",
    "stored_attention_s",
    "traffic_s",
]

TILE = 128.0
"""Rows and columns of the output that one compute unit works on at least [2]_."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one accelerator sustains, with one software release.

    Each field is a number, or an array with one value for each case.

    Parameters
    ----------
    gemm_flops, plain_gemm_flops : float
        Rate of large matrix products in the recipe's format, and in BF16 [FLOP/s].
    attention_forward_flops, attention_backward_flops : float
        Rate of the attention core over long sequences [FLOP/s].
    scan_flops : float
        Rate of the products of a state-space scan [FLOP/s].
    memory_bytes_per_s : float
        Rate of long streams from and to memory.
    units : float
        Compute units that share the tiles of one product; 1 where they act as one.
    inner_half : float
        Inner dimension at which a product reaches half its rate: filling and draining the pipeline.
    tail_waves : float
        Waves lost at the end of a product, while some units have no tile left.
    sequence_half : float
        Keys at which attention reaches half its rate.
    gap_s : float
        Idle time between two kernels.
    input_bytes : float
        Bytes of an operand of the recipe's products.
    cast_bytes : float
        Traffic for bringing one operand into the recipe's format.
    passes : float
        Traffic between products over that of perfectly fused kernels.
    expert_passes : float
        The same for routing tokens to experts and back.
    expert_gemm_slowdown : float
        Time of the products of many experts over that of one product of their size together; at
        least 1.
    """

    gemm_flops: Numbers
    plain_gemm_flops: Numbers
    attention_forward_flops: Numbers
    attention_backward_flops: Numbers
    scan_flops: Numbers
    memory_bytes_per_s: Numbers
    units: Numbers
    inner_half: Numbers
    tail_waves: Numbers
    sequence_half: Numbers
    gap_s: Numbers
    input_bytes: Numbers
    cast_bytes: Numbers
    passes: Numbers
    expert_passes: Numbers
    expert_gemm_slowdown: Numbers


def gemm_s(
    rates: Rates, m: Numbers, n: Numbers, k: Numbers, *, groups: Numbers = 1.0, plain: bool = False
) -> Numbers:
    r"""Return the time of `groups` matrix products of m x k with k x n, in one launch.

    .. math:: t = \max\left(\frac{2 g m n k}{R}\cdot\frac{\lceil m\rceil\lceil n\rceil}{mn}
              \cdot\frac{w + w_0}{w}\cdot\frac{k + k_0}{k},\;\frac{B}{b}\right) + t_{gap}

    Outputs are padded to whole tiles; :math:`w` waves of tiles run over the units and the last
    wave is not full [2]_; the memory traffic :math:`B` bounds thin products [1]_.

    Parameters
    ----------
    rates : Rates
        The accelerator.
    m, n, k : float or ndarray
        Rows, columns and inner dimension of one product.
    groups : float or ndarray
        Products of this shape: experts, heads.
    plain : bool
        Whether the product runs in BF16 whatever the recipe.

    Returns
    -------
    float or ndarray
        Seconds.
    """
    rate = rates.plain_gemm_flops if plain else rates.gemm_flops
    size = 2.0 if plain else rates.input_bytes
    rows, columns = np.ceil(m / TILE), np.ceil(n / TILE)
    tiles = rows * columns * groups
    # A unit takes two tiles at a time; long inner dimensions are split so that more units work.
    waves = tiles * np.maximum(k / 4096.0, 1.0) / (2.0 * rates.units)
    padded = 2.0 * tiles * TILE * TILE * k
    arithmetic = padded / rate * (1.0 + rates.tail_waves / waves) * (1.0 + rates.inner_half / k)
    moved = groups * (size * k * (m + n) + 2.0 * m * n)
    return np.maximum(arithmetic, moved / rates.memory_bytes_per_s) + rates.gap_s


def mean_attended_tokens(seq_len: Numbers, window: Numbers, chunked: Numbers) -> Numbers:
    """Return how many tokens a token attends to in the mean, itself included.

    `window` 0 means all before it; otherwise the last `window` tokens, or, where `chunked` is 1,
    those of the same chunk of that length. Vectorised form of `gigawatt.compute.work.mean_attended`
    for sequences of whole chunks.
    """
    seen = np.where(window > 0, np.minimum(window, seq_len), seq_len)
    sliding = seen * (1.0 - (seen - 1.0) / (2.0 * seq_len))
    return np.where(chunked > 0, (seen + 1.0) / 2.0, sliding)


def attention_core_s(
    rates: Rates,
    tokens: Numbers,
    heads: Numbers,
    widths: tuple[Numbers, Numbers],
    attended: Numbers,
) -> tuple[Numbers, Numbers]:
    r"""Return the forward and backward time of attention in one kernel that keeps no scores.

    .. math:: t_f = \frac{2 T H (d_{qk} + d_v) a}{R_f}\left(1 + \frac{s_0}{a}\right),\quad
              t_b = 2.5\,\frac{R_f}{R_b}\,t_f

    Parameters
    ----------
    rates : Rates
        The accelerator.
    tokens, heads : float or ndarray
        Query tokens and heads on this accelerator.
    widths : tuple
        Widths of a head's score and value.
    attended : float or ndarray
        Tokens that each query attends to in the mean.

    Returns
    -------
    tuple
        Seconds forward and backward [3]_.
    """
    flop = 2.0 * tokens * heads * (widths[0] + widths[1]) * attended
    # Heads narrower than a tile leave part of the multiplier idle.
    narrow = TILE / np.minimum(widths[1], TILE)
    work = flop * (1.0 + rates.sequence_half / attended) * np.sqrt(narrow)
    forward = work / rates.attention_forward_flops + rates.gap_s
    backward = 2.5 * work / rates.attention_backward_flops + rates.gap_s
    return forward, backward


def stored_attention_s(
    rates: Rates, tokens: Numbers, heads: Numbers, widths: tuple[Numbers, Numbers], seq_len: Numbers
) -> tuple[Numbers, Numbers]:
    r"""Return the forward and backward time of attention that writes its scores to memory.

    Two products forward and four backward over the full square of the sequence, masked entries
    too, and the traffic of scores, softmax and dropout: 13 bytes an entry forward and twice that
    backward, for the tensors of [4]_ section 4.1 written once and read once or twice.

    Returns
    -------
    tuple
        Seconds forward and backward.
    """
    entries = heads * tokens * seq_len
    # Heads whose width is no multiple of 8 miss the tensor units [2]_ and run on the vector units,
    # whose peak is a quarter of theirs (A100: 78 of 312 TFLOP/s), at half of it.
    missed = np.where(widths[0] % 8 > 0, 8.0, 1.0)
    flop = 2.0 * entries * (widths[0] + widths[1]) * missed
    stream = 13.0 * entries / rates.memory_bytes_per_s
    forward = flop / rates.attention_forward_flops + stream + 5.0 * rates.gap_s
    backward = 2.0 * flop / rates.attention_backward_flops + 2.0 * stream + 8.0 * rates.gap_s
    return forward, backward


def traffic_s(rates: Rates, moved_bytes: Numbers, kernels: float) -> Numbers:
    """Return the time of `kernels` element-wise kernels that move `moved_bytes` in all."""
    return rates.passes * moved_bytes / rates.memory_bytes_per_s + kernels * rates.gap_s
