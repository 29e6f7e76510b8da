"""What one step of a serving engine is asked, and what its time is made of.

`gigawatt.compute.hosting.step` has the model and its sources.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = float | NDArray[Any]

__all__ = ["Engine", "Split", "StepParts", "Work"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How one instance spreads a model; each field an int, a float or an array.

    Parameters
    ----------
    tp : int
        Ranks that share attention and dense blocks.
    attn_dp : int
        Groups of such ranks, each with sequences of its own; experts are shared by all.
    pp : int
        Pipeline stages.
    ep : int
        Groups of experts over the ``tp * attn_dp`` ranks of a stage; what is left of them cuts each
        expert.
    """

    tp: Numbers = 1
    attn_dp: Numbers = 1
    pp: Numbers = 1
    ep: Numbers = 1

    @property
    def ranks(self) -> Numbers:
        """Ranks of one stage."""
        return self.tp * self.attn_dp

    @property
    def accelerators(self) -> Numbers:
        """Accelerators of the instance."""
        return self.tp * self.attn_dp * self.pp


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one step does, in each attention group.

    Parameters
    ----------
    sequences : float
        Sequences that get one more token.
    context : float
        Tokens that each has before it, in the mean.
    prompt_tokens : float
        Tokens of prompts that are read.
    prompt_context : float
        Tokens that each of those attends to, in the mean.
    speaking : float
        Tokens that pass the head: `sequences` and prompts that end in this step.
    drafted : float
        Tokens of each sequence that were drafted before, and pass with its next one.
    """

    sequences: Numbers
    context: Numbers
    prompt_tokens: Numbers = 0.0
    prompt_context: Numbers = 0.0
    speaking: Numbers = 0.0
    drafted: Numbers = 0.0

    @property
    def tokens(self) -> Numbers:
        """Tokens that pass the layers."""
        found: Numbers = self.sequences * (1.0 + self.drafted) + self.prompt_tokens
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What an accelerator with a serving engine sustains.

    Parameters
    ----------
    gemm_flops, expert_flops, plain_gemm_flops : float
        Rate of large products in the format of the weights: of layers, grouped by experts, and in
        BF16 [FLOP/s].
    prefill_flops, decode_flops : float
        Rate of attention over prompts, and of the products of decoding attention [FLOP/s].
    weight_bytes_per_s, cache_bytes_per_s : float
        Rate at which weights and keys and values are read.
    stream_bytes_per_s : float
        Rate of element-wise work.
    weight_bytes, expert_bytes : float
        Bytes of a weight of dense blocks and attention, and of experts.
    cache_bytes : float
        Bytes of one cached number.
    dispatch_bytes : float
        Bytes of one number of a token on the way to its expert.
    layer_s, expert_layer_s, latent_layer_s : float
        What a layer takes at least, and what one with experts or with MLA adds to that: launches
        and synchronisation. MLA narrows, norms, turns and widens again in small products.
    eager_layer_s, eager_latent_s : float
        What the host takes to launch a layer, and more for one with MLA, in a step that reads
        prompts: its shapes vary, so that no recorded graph of launches fits.
    step_s, sequence_s : float
        What the engine adds to a step, and to a step for each sequence: scheduling, sampling. Each
        attention group has a scheduler of its own.
    network_share : float
        Share of communication that nothing hides.
    network_s : float
        What a collective takes beside the wires: launch and synchronisation of ranks.
    expert_tile : float
        Rows that the product of each expert computes in vain, to fill its tiles.
    expert_width : float
        Inner width at which the product of an expert reaches half of its rate.
    imbalance : float
        Load of the fullest rank of experts over the mean, for many tokens.
    """

    gemm_flops: Numbers
    expert_flops: Numbers
    plain_gemm_flops: Numbers
    prefill_flops: Numbers
    decode_flops: Numbers
    weight_bytes_per_s: Numbers
    cache_bytes_per_s: Numbers
    stream_bytes_per_s: Numbers
    weight_bytes: Numbers
    expert_bytes: Numbers
    cache_bytes: Numbers
    dispatch_bytes: Numbers
    layer_s: Numbers
    expert_layer_s: Numbers
    latent_layer_s: Numbers
    eager_layer_s: Numbers
    eager_latent_s: Numbers
    step_s: Numbers
    sequence_s: Numbers
    network_share: Numbers
    network_s: Numbers
    expert_tile: Numbers
    expert_width: Numbers
    imbalance: Numbers


@dataclass(frozen=True, slots=True)
class StepParts:
    """Seconds of one step by what they are spent on; they add up to `total_s`."""

    products_s: Numbers
    experts_s: Numbers
    attention_s: Numbers
    elementwise_s: Numbers
    network_s: Numbers
    head_s: Numbers
    launch_s: Numbers
    engine_s: Numbers
    drafts_s: Numbers = 0.0

    @property
    def total_s(self) -> Numbers:
        """Seconds of the step."""
        total: Numbers = sum(getattr(self, f.name) for f in fields(self))
        return total
