"""What fits into the accelerators of one serving instance: weights, and so many sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.training.traffic import layer_parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.step import Split

    Numbers = float | NDArray[Any]

__all__ = [
    "USED_SHARE",
    "cache_bytes_per_token",
    "sequences_that_fit",
    "state_bytes_per_sequence",
    "weight_gb",
]

STATE_BYTES: Final = 4.0
"""Bytes of one number of a recurrent state: engines keep it in FP32, as NVIDIA's and Qwen's cards
ask for (``mamba_ssm_cache_dtype``)."""

USED_SHARE: Final = 0.95
"""Share of the memory that engines are given for weights, activations and cache. vLLM's default is
0.9 (``gpu_memory_utilization``), TensorRT-LLM takes 0.9 of what the weights leave; where weights
are large, benchmarks raise both."""

_ACTIVATIONS_GB: Final = 3.0
"""Activations, graphs and communicators of an engine."""


def weight_gb(dims: Dims, split: Split, weight_bytes: Numbers) -> Numbers:
    """Return the weights on one accelerator [GB].

    Embedding and head stay in two bytes.
    """
    common, routed = layer_parameters(dims)
    tables = dims.vocab * dims.hidden * (2.0 - dims.tied)
    layers = dims.layers * (common / split.tp + routed / split.ranks) / split.pp
    return (layers * weight_bytes + 2.0 * tables / split.tp) / 1e9


def cache_bytes_per_token(dims: Dims, split: Split, cache_bytes: Numbers) -> Numbers:
    """Return the cache that one token of context takes on each accelerator [bytes].

    Key-value heads are cut over the ranks of attention, down to one each; the compressed vector of
    MLA is whole on every rank. Windowed layers are counted as if they saw everything, as engines
    allot them.
    """
    kv_heads = np.maximum(dims.kv_heads / split.tp, 1.0)
    plain = kv_heads * (dims.score_dim + dims.value_dim)
    numbers = np.where(dims.mla > 0, dims.kv_lora + dims.rope_dim, plain)
    return dims.attention_layers / split.pp * numbers * cache_bytes


def state_bytes_per_sequence(dims: Dims, split: Split) -> Numbers:
    """Return the state of recurrent layers that a sequence keeps on each accelerator [bytes].

    It does not grow with the context. Heads are cut over the ranks of attention.
    """
    numbers = dims.ssm_heads / split.tp * dims.ssm_head_dim * dims.ssm_state
    return dims.ssm_layers / split.pp * numbers * STATE_BYTES


def sequences_that_fit(
    dims: Dims,
    split: Split,
    formats: tuple[Numbers, Numbers],
    capacity_gb: Numbers,
    tokens: Numbers,
) -> Numbers:
    """Return how many sequences of so many tokens each group of attention ranks can hold.

    Parameters
    ----------
    dims, split : Dims, Split
        Model and how it is spread.
    formats : tuple
        Bytes of a weight and of a cached number.
    capacity_gb : float or ndarray
        Memory of one accelerator [GB].
    tokens : float or ndarray
        Context of a sequence in the mean.

    Returns
    -------
    float or ndarray
        0 where not even the weights fit.
    """
    free = USED_SHARE * capacity_gb - weight_gb(dims, split, formats[0]) - _ACTIVATIONS_GB
    each = cache_bytes_per_token(dims, split, formats[1]) * tokens
    each = (each + state_bytes_per_sequence(dims, split)) / 1e9
    return np.maximum(free, 0.0) / np.maximum(each, 1e-12)
