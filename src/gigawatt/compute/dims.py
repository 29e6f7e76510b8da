"""Dimensions of one or many transformers as numbers that NumPy broadcasts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gigawatt.catalog.architecture import Architecture

    Numbers = float | NDArray[Any]

__all__ = ["Dims", "dims_of", "stack_dims"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dims:
    """What `Architecture` states, each a float or an array with one value for each model.

    Flags are 0 or 1. `ffn_matrices` is 3 for gated feed-forward blocks, else 2. `score_dim` and
    `value_dim` are the widths of one head; `mla` is 1 with multi-head latent attention.

    Layers are counted by what they hold: `global_layers` and `windowed_layers` have attention,
    `ssm_layers` a Mamba-2 state space, `dense_layers` and `moe_layers` a feed-forward block. Their
    sum is the number of blocks with a residual connection: twice `layers` in a plain transformer,
    `layers` itself in Nemotron-H, whose layers hold one block each. Routed experts work on the
    width `latent`, or on `hidden` where it is 0.
    """

    layers: Numbers
    dense_layers: Numbers
    moe_layers: Numbers
    global_layers: Numbers
    windowed_layers: Numbers
    hidden: Numbers
    heads: Numbers
    kv_heads: Numbers
    score_dim: Numbers
    value_dim: Numbers
    ffn: Numbers
    ffn_matrices: Numbers
    vocab: Numbers
    tied: Numbers
    experts: Numbers
    active_experts: Numbers
    shared_experts: Numbers
    expert_ffn: Numbers
    mla: Numbers
    q_lora: Numbers
    kv_lora: Numbers
    nope_dim: Numbers
    rope_dim: Numbers
    window: Numbers
    chunked: Numbers
    mtp_layers: Numbers
    latent: Numbers = 0.0
    ssm_layers: Numbers = 0.0
    ssm_heads: Numbers = 0.0
    ssm_head_dim: Numbers = 0.0
    ssm_state: Numbers = 0.0
    ssm_groups: Numbers = 0.0
    ssm_conv: Numbers = 0.0
    ssm_chunk: Numbers = 0.0

    @property
    def attention_layers(self) -> Numbers:
        """Layers with attention."""
        return self.global_layers + self.windowed_layers

    @property
    def ffn_layers(self) -> Numbers:
        """Layers with a feed-forward block, dense or of experts."""
        return self.dense_layers + self.moe_layers

    def take(self, index: NDArray[np.int64] | int) -> Dims:
        """Return the models at `index`, where fields are arrays."""
        return Dims(
            **{
                f.name: v[index] if isinstance(v := getattr(self, f.name), np.ndarray) else v
                for f in fields(self)
            }
        )


def dims_of(arch: Architecture) -> Dims:
    """Return the dimensions of one architecture, as floats."""
    return Dims(
        layers=float(arch.layers),
        dense_layers=float(arch.dense_layers),
        moe_layers=float(arch.moe_layers),
        global_layers=float(arch.global_layers),
        windowed_layers=float(arch.windowed_layers),
        hidden=float(arch.hidden),
        heads=float(arch.heads),
        kv_heads=float(arch.heads if arch.is_mla else arch.kv_heads),
        score_dim=float(arch.score_dim),
        value_dim=float(arch.value_dim),
        ffn=float(arch.ffn),
        ffn_matrices=3.0 if arch.gated else 2.0,
        vocab=float(arch.vocab),
        tied=float(arch.tied),
        experts=float(arch.experts),
        active_experts=float(arch.active_experts),
        shared_experts=float(arch.shared_experts),
        expert_ffn=float(arch.expert_ffn),
        mla=float(arch.is_mla),
        q_lora=float(arch.q_lora),
        kv_lora=float(arch.kv_lora),
        nope_dim=float(arch.nope_dim),
        rope_dim=float(arch.rope_dim),
        window=float(arch.window),
        chunked=float(arch.window_kind == "chunked"),
        mtp_layers=float(arch.mtp_layers),
        latent=float(arch.latent),
        ssm_layers=float(arch.ssm_layers),
        ssm_heads=float(arch.ssm_heads),
        ssm_head_dim=float(arch.ssm_head_dim),
        ssm_state=float(arch.ssm_state),
        ssm_groups=float(arch.ssm_groups),
        ssm_conv=float(arch.ssm_conv),
        ssm_chunk=float(arch.ssm_chunk),
    )


def stack_dims(models: Sequence[Architecture]) -> Dims:
    """Return the dimensions of several architectures, each field an array over the models."""
    each = [dims_of(arch) for arch in models]
    return Dims(**{f.name: np.array([getattr(d, f.name) for d in each]) for f in fields(Dims)})
