"""What an accelerator does each second when it serves, trains or draws pictures.

Rates follow from the work reached (tokens, pictures or steps a second) and the shape of the model:
each decoding step reads the weights it needs once and the keys and values of every sequence; every
token is multiplied with the active weights. Nothing here is fitted but the prompt of tasks whose
length nobody stated and the passes over activations.

References
----------
.. [1] R. Pope et al., "Efficiently scaling transformer inference", arXiv:2211.05102.
.. [2] W. Peebles and S. Xie, "Scalable diffusion models with transformers", arXiv:2212.09748.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.site.power.chip import Work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims

    Numbers = float | NDArray[Any]

__all__ = [
    "TYPICAL_MFU",
    "Denoiser",
    "Peaks",
    "Serving",
    "diffusion_work",
    "serving_work",
    "training_work",
]

TYPICAL_MFU: Final = 0.4
"""Arithmetic over peak of a training step where nothing else is known: between the medians of 27
whole runs of the catalogue (0.31) and of 393 published steps (0.45). Power is near its limit from
half of that on."""

_STATE_BYTES: Final = 4.0
"""Bytes of a number of a state-space layer's state, which engines keep in FP32."""
_ACTIVATION_BYTES: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Published peaks of an accelerator: `flops` in the format that is multiplied [FLOP/s]."""

    flops: Numbers
    memory_bytes_per_s: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What an instance serves; each field a number or an array.

    Parameters
    ----------
    accelerators : float
        In the instance.
    sequences : float
        Answered at a time in the mean.
    tokens_per_s : float
        Output tokens of the whole instance.
    prompt_tokens, answer_tokens : float
        Of the mean request.
    active_parameters : float
        Weights that multiply a token; not the embedding, which is looked up.
    weight_bytes, cache_bytes : float
        Bytes of a weight and of a cached number.
    accepted : float
        Tokens that a sequence gains in a step.
    block_scaled : float
        1 where blocks of weights share a scale that is applied apart (DeepSeek's FP8; 4-bit formats
        on chips that cannot multiply them), 0 where rows share one or the multiplier applies it.
    """

    accelerators: Numbers
    sequences: Numbers
    tokens_per_s: Numbers
    prompt_tokens: Numbers
    answer_tokens: Numbers
    active_parameters: Numbers
    weight_bytes: Numbers
    cache_bytes: Numbers = 2.0
    accepted: Numbers = 1.0
    block_scaled: Numbers = 0.0


def serving_work(dims: Dims, serving: Serving, peaks: Peaks) -> Work:
    """Return what each accelerator of a serving instance does.

    Parameters
    ----------
    dims : Dims
        The model.
    serving : Serving
        What is served, and how fast.
    peaks : Peaks
        Of the accelerator.

    Examples
    --------
    >>> from gigawatt import catalog
    >>> from gigawatt.catalog.architecture import Architecture
    >>> from gigawatt.compute.dims import dims_of
    >>> dims = dims_of(Architecture.from_entry(catalog.load().get("model", "llama-3.1-8b")))
    >>> work = serving_work(
    ...     dims,
    ...     Serving(
    ...         accelerators=1, sequences=8, tokens_per_s=1000, prompt_tokens=300,
    ...         answer_tokens=400, active_parameters=8e9, weight_bytes=2,
    ...     ),
    ...     Peaks(flops=989e12, memory_bytes_per_s=3.35e12),
    ... )
    >>> round(float(work.memory_share), 2)  # 125 steps a second, 16 GB each, of 3.35 TB/s
    0.6
    """
    steps = serving.tokens_per_s / np.maximum(serving.sequences, 1e-9) / serving.accepted
    expert = (
        dims.ffn_matrices
        * np.where(dims.latent > 0, dims.latent, dims.hidden)
        * dims.expert_ffn
        * dims.moe_layers
    )
    count, chosen = np.maximum(dims.experts, 1.0), dims.active_experts
    # With few sequences only some experts are met, and only their weights are read.
    met = count * (1.0 - (1.0 - chosen / count) ** np.maximum(serving.sequences, 1.0))
    dense = serving.active_parameters - expert * chosen
    read = (dense + met * expert) * serving.weight_bytes * steps
    reading = 1.0 + serving.prompt_tokens / np.maximum(serving.answer_tokens, 1.0)
    flops = 2.0 * serving.active_parameters * serving.tokens_per_s * reading
    each = serving.accelerators * peaks.memory_bytes_per_s
    return Work(
        flop_share=flops / (serving.accelerators * peaks.flops),
        memory_share=read / each,
        cache_share=_context_bytes(dims, serving) * serving.tokens_per_s / serving.accepted / each,
        together=np.asarray(serving.accelerators > 1.0, dtype=float),
        unpack=np.asarray(serving.block_scaled * (dims.moe_layers > 0), dtype=float),
    )


def _context_bytes(dims: Dims, serving: Serving) -> Numbers:
    """Return the bytes of keys, values and states that one decoded token reads and writes."""
    context = serving.prompt_tokens + 0.5 * serving.answer_tokens
    near = np.where(dims.window > 0, np.minimum(context, dims.window), context)
    numbers = np.where(
        dims.mla > 0,
        dims.kv_lora + dims.rope_dim,
        dims.kv_heads * (dims.score_dim + dims.value_dim),
    )
    seen = dims.global_layers * context + dims.windowed_layers * near
    state = dims.ssm_layers * dims.ssm_heads * dims.ssm_head_dim * dims.ssm_state
    total: Numbers = numbers * seen * serving.cache_bytes + 2.0 * state * _STATE_BYTES
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoiser:
    """A diffusion transformer and the size of what it draws; fields as in the catalogue."""

    layers: Numbers
    hidden: Numbers
    block_matrices: Numbers
    tokens: Numbers
    text_tokens: Numbers
    attention: Numbers
    passes: Numbers
    parameters: Numbers

    @property
    def flop(self) -> Numbers:
        """Operations for one picture or clip: two for each weight and token, and attention."""
        sequence = self.tokens + self.text_tokens
        products = 2.0 * self.block_matrices * self.hidden**2 * sequence
        attention = 4.0 * self.attention * self.hidden * sequence**2
        total: Numbers = self.layers * (products + attention) * self.passes
        return total


def diffusion_work(
    model: Denoiser,
    peaks: Peaks,
    accelerators: Numbers,
    batch: Numbers,
    items_per_s: Numbers,
    memory_passes: Numbers,
) -> Work:
    """Return what each accelerator does that draws pictures or clips.

    Parameters
    ----------
    model : Denoiser
        The model.
    peaks : Peaks
        Of the accelerator, in BF16.
    accelerators : float
        That share each picture (sequence parallel).
    batch : float
        Pictures drawn at a time.
    items_per_s : float
        Pictures or clips a second of all.
    memory_passes : float
        Passes over the activations of a layer.
    """
    each = items_per_s / accelerators
    sequence = model.tokens + model.text_tokens
    activations = sequence * model.hidden * _ACTIVATION_BYTES * model.layers * model.passes
    # Every accelerator holds and reads all weights, once for each batch and pass.
    weights = model.parameters * _ACTIVATION_BYTES * model.passes * items_per_s / batch
    moved = memory_passes * activations * each + weights
    return Work(
        flop_share=model.flop * each / peaks.flops,
        memory_share=moved / peaks.memory_bytes_per_s,
        together=np.asarray(np.asarray(accelerators) > 1.0, dtype=float),
    )


def training_work(mfu: Numbers, waiting: Numbers = 0.0, *, accelerators: Numbers = 2.0) -> Work:
    """Return what an accelerator does in the mean of a training step.

    Parameters
    ----------
    mfu : float
        Arithmetic over peak while it computes.
    waiting : float
        Share of the step without arithmetic: exposed communication and bubbles.
    accelerators : float
        In the run.
    """
    return Work(
        flop_share=mfu * (1.0 - waiting),
        together=np.asarray(np.asarray(accelerators) > 1.0, dtype=float),
    )
