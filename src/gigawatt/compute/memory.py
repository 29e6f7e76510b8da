"""The memory that a model needs at the least, and what training keeps of parameters and tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from gigawatt.compute.work import total_parameters

if TYPE_CHECKING:
    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.dims import Dims, Numbers

__all__ = [
    "RESERVE_GB",
    "STATE_RECIPES",
    "BlockBytes",
    "Split",
    "StateRecipe",
    "attention_bytes",
    "block_bytes",
    "block_counts",
    "block_parameters",
    "dense_bytes",
    "moe_bytes",
    "ssm_bytes",
    "training_state_gb",
    "weights_gb",
]

_STATE_BYTES: Final = 16
_WEIGHT_BYTES: Final = {"bf16": 2.0, "fp8": 1.0, "fp4": 0.5}

# NCCL's documentation states 4 MiB for a buffer (NCCL_BUFFSIZE) and up to 32 channels before 2.25
# (NCCL_MAX_CTAS); with one buffer a channel to send and one to receive, 0.27 GB a communicator.
# Four of them (tensor, pipeline, data, experts or context), and 1.3 GB for the loaded kernels, as
# Hugging Face measured (Transformers documentation, "Model training anatomy").
RESERVE_GB: Final = 1.3 + 4 * 32 * 2 * 4 * 2**20 / 1e9
"""What driver, kernels and communicators take of an accelerator by default [GB]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRecipe:
    """What a training recipe keeps of each parameter and each activation.

    Parameters
    ----------
    weight_bytes : float
        Bytes of a stored parameter.
    copy_bytes : float
        Further bytes of each parameter of a layer: its quantised copies, one for the forward and
        one, transposed, for the backward product. Embedding and head have none.
    gradient_bytes : float
        Bytes of a stored gradient.
    optimizer_bytes : float
        Bytes of master copy and moments of a parameter.
    gathered_bytes : float
        Bytes of a parameter when `Sharding.FULL` has gathered it for use.
    input_bytes : float
        Bytes of each value that is kept as the input of a matrix product. All other activations
        take 2 bytes.
    logit_bytes : float
        Bytes of each logit at the peak of the loss; 0 where the loss is fused with the head.
    flash : bool
        Whether attention keeps no scores, but one FP32 number for each token and head [1]_.
    dropout : bool
        Whether the attention scores and both blocks drop values, and keep masks of 1 byte.
    keep_outputs : bool
        Whether a pipeline stage keeps its output until the gradient arrives. Megatron-LM frees it
        [2]_ (appendix B); DeepSpeed and PyTorch's own pipelines do not.

    References
    ----------
    .. [1] T. Dao et al., "FlashAttention", arXiv:2205.14135 (2022), section 3.1.
    .. [2] V. Korthikanti et al., "Reducing activation recomputation in large transformer models",
       arXiv:2205.05198 (2022).
    """

    weight_bytes: float = 2.0
    copy_bytes: float = 0.0
    gradient_bytes: float = 4.0
    optimizer_bytes: float = 12.0
    gathered_bytes: float = 2.0
    input_bytes: float = 2.0
    logit_bytes: float = 6.0
    flash: bool = True
    dropout: bool = False
    keep_outputs: bool = False


# Megatron-LM's guide to its distributed optimizer states the bytes of a parameter: 6 + 12/d with
# BF16 parameters and FP32 gradients, 4 + 16/d with FP16 of both (the FP32 gradients of the shard
# belong to the optimizer there).
#
# A logit at its peak: Megatron-LM casts BF16 logits to FP32 and works in place, then casts the
# gradient back: 4 + 2. PyTorch's eager loss holds the BF16 logits, their FP32 log-softmax, its
# gradient and the gradient of its input: 2 + 3 * 4; spread over tensor-parallel ranks it works in
# one more temporary: 2 + 4 * 4. Compiled, it holds BF16 logits and their BF16 gradient: 2 + 2.
#
# FP8, MXFP8, NVFP4: Transformer Engine keeps BF16 parameters beside two quantised copies, and of
# each input the one copy that the weight gradient reads. FP8 has one scale for a tensor
# (Micikevicius et al., arXiv:2209.05433), MXFP8 one byte for 32 values (Mishra et al.,
# arXiv:2506.08027), NVFP4 one byte for 16 values (NVIDIA, arXiv:2509.25149, section 2).
_MXFP8: Final = 1 + 1 / 32
_NVFP4: Final = 0.5 + 1 / 16

# FSDP2 stores FP32 parameters, which are the master copy, and gathers BF16; TorchTitan,
# arXiv:2410.06511. Its FP8 products read BF16 inputs that were kept, so FP8 changes nothing.
_FSDP: Final = StateRecipe(
    weight_bytes=4.0, optimizer_bytes=8.0, logit_bytes=4.0, keep_outputs=True
)
_DEEPSPEED: Final = StateRecipe(flash=False, keep_outputs=True)

STATE_RECIPES: Final = {
    "bf16": StateRecipe(),
    "fp16": StateRecipe(gradient_bytes=2.0, optimizer_bytes=16.0),
    "fp8": StateRecipe(copy_bytes=2.0, input_bytes=1.0),
    # Two quantised copies of 1 byte and nothing else (Megatron-LM's --fp8-param-gather).
    "fp8-parameters": StateRecipe(weight_bytes=2.0, input_bytes=1.0),
    # DeepSeek-V3, arXiv:2412.19437, section 3.3.3: both moments in BF16, master copy in FP32.
    "fp8-deepseek": StateRecipe(copy_bytes=2.0, input_bytes=1.0, optimizer_bytes=8.0),
    "mxfp8": StateRecipe(copy_bytes=2 * _MXFP8, input_bytes=_MXFP8),
    "nvfp4": StateRecipe(copy_bytes=2 * _NVFP4, input_bytes=_NVFP4),
    "fsdp": _FSDP,
    "fsdp-eager-loss": replace(_FSDP, logit_bytes=14.0),
    "fsdp-eager-parallel-loss": replace(_FSDP, logit_bytes=18.0),
    # DeepSpeed, ZeRO-1 and a pipeline, as BLOOM was trained: BF16 gradients and their FP32 sums.
    "deepspeed-fp16": replace(_DEEPSPEED, gradient_bytes=2.0, optimizer_bytes=16.0),
    "deepspeed-bf16": replace(_DEEPSPEED, gradient_bytes=6.0),
}
"""Named recipes; each is explained and sourced in a comment beside it."""


class Split(NamedTuple):
    """Bytes of a token, or parameters, by how tensor parallelism cuts them."""

    rows: Numbers
    """Not in width; sequence parallelism cuts the tokens."""
    wide: Numbers
    """In width."""
    head: Numbers
    """In width, down to one key-value head; this is of one head."""
    routed: Numbers
    """By routed experts."""


class BlockBytes(NamedTuple):
    """What one block of a layer holds of each token."""

    everything: Split
    """All that the backward pass reads."""
    selective: Split
    """What of it is kept with `Recompute.SELECTIVE`."""
    operators: Split
    """What of it is kept with `Recompute.OPERATORS`."""
    backward: Split
    """What the backward pass takes besides: gradients of 2 bytes inside the block."""


def training_state_gb(architecture: Architecture) -> float:
    """Return the memory of parameters, gradients and optimizer while training.

    Sixteen bytes a parameter with Adam in mixed precision: 2 for the parameter, 2 for the gradient,
    and 4 each for the master copy and the two moments [1]_. Sharded over all accelerators of the
    run this is the least they must hold together; activations come on top.

    References
    ----------
    .. [1] S. Rajbhandari et al., "ZeRO: Memory optimizations toward training trillion parameter
       models", SC20 (2020), section 3.1.

    Returns
    -------
    float
        GB (1e9 bytes).
    """
    return total_parameters(architecture) * _STATE_BYTES / 1e9


def weights_gb(architecture: Architecture, precision: str) -> float:
    """Return the memory of a served model's weights; the cache of keys and values comes on top.

    Parameters
    ----------
    architecture : Architecture
        The model.
    precision : str
        Precision of the weights.

    Returns
    -------
    float
        GB (1e9 bytes).
    """
    return total_parameters(architecture) * _WEIGHT_BYTES[precision] / 1e9


def block_counts(dims: Dims) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return how many blocks of attention, state space, dense and experts a model has."""
    return dims.attention_layers, dims.ssm_layers, dims.dense_layers, dims.moe_layers


def block_bytes(
    dims: Dims, recipe: StateRecipe, seq_len: Numbers
) -> tuple[BlockBytes, BlockBytes, BlockBytes, BlockBytes]:
    """Return what blocks keep, in the order of `block_counts`."""
    return (
        attention_bytes(dims, recipe, seq_len),
        ssm_bytes(dims, recipe),
        dense_bytes(dims, recipe),
        moe_bytes(dims, recipe),
    )


def attention_bytes(dims: Dims, recipe: StateRecipe, seq_len: Numbers) -> BlockBytes:
    """Return what a block of attention could keep of each token, and what it does.

    For GPT with dropout and without flash attention `everything` is equation 1 of Korthikanti [1]_,
    ``34 h + 5 a s`` bytes a token with the feed-forward block: here 5 h outside the matrices (input
    of the normalisation and of the first product, 2 each, and a mask of 1), 8 h of query, key,
    value and input of the last product, and 5 a s of scores (softmax 2, its mask 1, what the mask
    leaves 2). Flash attention keeps one FP32 number for each head instead.

    Parameters
    ----------
    dims : Dims
        Dimensions of the model.
    recipe : StateRecipe
        Bytes of a value, and what attention keeps.
    seq_len : float or ndarray
        Tokens that the scores of a token span, where they are kept.

    References
    ----------
    .. [1] V. Korthikanti et al., "Reducing activation recomputation in large transformer models",
       arXiv:2205.05198 (2022), section 4.1.
    """
    inp, masks = recipe.input_bytes, float(recipe.dropout)
    latent, rope = dims.q_lora + dims.kv_lora, 2.0 * dims.rope_dim * dims.mla
    # A product that reads fewer bytes has a copy of its own; attention needs 2 bytes.
    copy = inp if inp < 2 else 0.0
    wide = dims.heads * (2.0 * dims.score_dim + (2.0 + copy) * dims.value_dim)
    flash = wide + 4.0 * dims.heads
    scores = (2.0 + 3.0 * masks) * dims.heads * seq_len
    everything = Split(
        rows=(2.0 + inp + masks) * dims.hidden + (2.0 + inp) * latent + rope,
        wide=flash if recipe.flash else wide + scores,
        head=2.0 * (dims.score_dim + dims.value_dim),
        routed=0.0,
    )
    kept = dims.heads * (2.0 * dims.score_dim + 2.0 * dims.value_dim)
    return BlockBytes(
        everything=everything,
        selective=everything if recipe.flash else everything._replace(wide=wide),
        # Of query, key, value and output every second product, and the output of attention.
        operators=Split(
            rows=2.0 * dims.hidden + 2.0 * latent + rope,
            wide=kept + (4.0 * dims.heads if recipe.flash else 0.0),
            head=2.0 * dims.value_dim,
            routed=0.0,
        ),
        backward=Split(0.0, 0.0, 0.0, 0.0),
    )


def ssm_bytes(dims: Dims, recipe: StateRecipe) -> BlockBytes:
    """Return what a Mamba-2 mixer keeps of each token [1]_.

    Its fused kernel keeps what the first product makes (gate, channels, a step for each head), the
    output of the scan and the input of the last product. Going back it computes the FP32 states
    between chunks again.

    References
    ----------
    .. [1] T. Dao and A. Gu, "Transformers are SSMs", arXiv:2405.21060 (2024), sections 6 and 7.
    """
    inp = recipe.input_bytes
    inner = dims.ssm_heads * dims.ssm_head_dim
    first = 2.0 * inner + 2.0 * dims.ssm_groups * dims.ssm_state + dims.ssm_heads
    everything = Split(
        rows=(2.0 + inp) * dims.hidden,
        wide=2.0 * first + (2.0 + inp) * inner,
        head=0.0,
        routed=0.0,
    )
    chunk = dims.ssm_chunk + (dims.ssm_layers == 0)  # no division by 0 where there is no mixer
    states = 4.0 * inner * dims.ssm_state / chunk
    return BlockBytes(everything, everything, everything, Split(0.0, states, 0.0, 0.0))


def dense_bytes(dims: Dims, recipe: StateRecipe) -> BlockBytes:
    """Return what a dense feed-forward block keeps of each token, as `attention_bytes`.

    Outside the matrices as attention does. Inside, what each first matrix makes, and the input of
    the last: 16 h in GPT; gate, up and product where there is a gate.
    """
    inp = recipe.input_bytes
    everything = Split(
        rows=(2.0 + inp + recipe.dropout) * dims.hidden,
        wide=(2.0 * (dims.ffn_matrices - 1.0) + inp) * dims.ffn,
        head=0.0,
        routed=0.0,
    )
    return BlockBytes(
        everything=everything,
        selective=everything,
        operators=Split(2.0 * dims.hidden, 2.0 * dims.ffn, 0.0, 0.0),
        backward=Split(0.0, 2.0 * dims.ffn_matrices * dims.ffn, 0.0, 0.0),
    )


def moe_bytes(dims: Dims, recipe: StateRecipe) -> BlockBytes:
    """Return what a block of experts keeps of each token, as `dense_bytes`.

    A token visits `active_experts` routed experts, each with a copy of its input. Probabilities are
    applied inside the expert, so that its output is not kept. The router reads 2 bytes and keeps
    logits and probabilities in FP32. Grouped products keep all whatever `Recompute` asks, short of
    the whole layer. Going back takes gradients of what was sent to the experts and came back.
    """
    inp = recipe.input_bytes
    width = dims.latent + (dims.latent == 0) * dims.hidden
    inside = 2.0 * (dims.ffn_matrices - 1.0) + inp
    routed, shared = (n * dims.expert_ffn for n in (dims.active_experts, dims.shared_experts))
    outside = (4.0 + recipe.dropout) * dims.hidden + 8.0 * dims.experts
    everything = Split(
        rows=outside + inp * dims.latent,
        wide=inside * (routed + shared),
        head=0.0,
        routed=inp * dims.active_experts * width,
    )
    gradients = 2.0 * dims.ffn_matrices * (routed + shared)
    return BlockBytes(
        everything=everything,
        selective=everything,
        operators=everything._replace(
            rows=2.0 * dims.hidden + inp * dims.latent, wide=inside * routed + 2.0 * shared
        ),
        backward=Split(0.0, gradients, 0.0, 4.0 * dims.active_experts * width),
    )


def block_parameters(dims: Dims) -> tuple[Split, Split, Split, Split]:
    """Return the parameters of a block of each kind, in the order of `block_counts`.

    Latent projections, routers and normalisations are on every tensor-parallel rank, as in
    Megatron-LM. Biases and convolutions are left out: below 0.1 % of a model.
    """
    h = dims.hidden
    queries, values = dims.heads * dims.score_dim, dims.heads * dims.value_dim
    through = dims.q_lora + (dims.q_lora == 0) * h
    up = through * queries + values * h
    up = up + dims.kv_lora * dims.heads * (dims.nope_dim + dims.value_dim) * dims.mla
    down = dims.q_lora + dims.kv_lora + dims.rope_dim * dims.mla
    head = (1.0 - dims.mla) * (dims.score_dim + dims.value_dim) * h
    inner = dims.ssm_heads * dims.ssm_head_dim
    first = 2.0 * inner + 2.0 * dims.ssm_groups * dims.ssm_state + dims.ssm_heads
    expert = dims.ffn_matrices * dims.expert_ffn
    width = dims.latent + (dims.latent == 0) * h
    return (
        Split((down + 1.0) * h, up, head, 0.0),
        Split(h, (first + inner) * h, 0.0, 0.0),
        Split(h, dims.ffn_matrices * dims.ffn * h, 0.0, 0.0),
        Split(
            rows=(dims.experts + 2.0 * dims.latent + 1.0) * h,
            wide=dims.shared_experts * expert * h,
            head=0.0,
            routed=dims.experts * expert * width,
        ),
    )
