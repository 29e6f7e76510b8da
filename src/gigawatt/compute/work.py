"""Parameters, FLOP and cache bytes of a transformer or hybrid, from its dimensions alone.

A multiply and an add are two FLOP. Only matrix products, attention and state-space scans are
counted; softmax, activations, short convolutions and normalisations are left out, as is usual when
utilisation is stated.

References
----------
.. [1] Kaplan et al. (2020), *Scaling Laws for Neural Language Models*, arXiv:2001.08361, table 1:
       2 FLOP for each parameter and token going forward, twice that going backward.
.. [2] Chowdhery et al. (2022), *PaLM*, arXiv:2204.02311, appendix B: model FLOP utilisation counts
       matrix products and attention, never recomputation.
.. [3] DeepSeek-AI (2024), *DeepSeek-V2*, arXiv:2405.04434, section 2.1: MLA, its cache, and the
       absorption of the up-projections when decoding.
.. [4] DeepSeek-AI (2024), *DeepSeek-V3 Technical Report*, arXiv:2412.19437, section 2.2:
       multi-token prediction.
.. [5] Dao and Gu (2024), *Transformers are SSMs*, arXiv:2405.21060, section 6: the chunked scan of
       Mamba-2 as matrix products; section 7: its block.
.. [6] NVIDIA (2026), *Nemotron 3 Super*, arXiv:2604.12374, section 2: LatentMoE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gigawatt.catalog.architecture import Architecture

__all__ = [
    "active_parameters",
    "decode_flop_per_token",
    "forward_flop_per_token",
    "kv_bytes_per_sequence",
    "kv_bytes_per_token",
    "matmul_parameters_per_token",
    "mean_attended",
    "mtp_flop_per_token",
    "scan_flop_per_token",
    "total_parameters",
    "training_flop_per_token",
]


def total_parameters(arch: Architecture) -> int:
    r"""Return how many parameters the model has, biases and normalisations included.

    .. math:: P = V h (2 - \mathrm{tied}) + S h + L N + L_a A + L_s M + L_d F_d
                  + L_m (R + E F_e + E_s F_s)

    with normalisations :math:`N`, attention :math:`A`, state-space mixers :math:`M` [5]_, dense
    blocks :math:`F_d`, routers :math:`R` (with LatentMoE the projections into the latent width and
    back [6]_), routed experts :math:`F_e` and shared ones :math:`F_s`. Multi-token-prediction
    modules are not counted, as model cards do not count them [4]_; nor are attention sinks (one
    number a head).

    Examples
    --------
    >>> from gigawatt.catalog.architecture import architecture
    >>> total_parameters(architecture("llama-3.1-8b"))
    8030261248
    """
    return _outside_layers(arch) + _all_layers(arch, routed_per_layer=arch.experts)


def active_parameters(arch: Architecture) -> int:
    """Return how many parameters one token meets, the whole embedding table included.

    As `total_parameters`, with the routed experts that a token visits in place of all of them.

    Examples
    --------
    >>> from gigawatt.catalog.architecture import architecture
    >>> round(active_parameters(architecture("mixtral-8x7b")) / 1e9, 1)
    12.9
    """
    return _outside_layers(arch) + _all_layers(arch, routed_per_layer=arch.active_experts)


def matmul_parameters_per_token(arch: Architecture) -> int:
    r"""Return how many parameters multiply each token.

    Active matrices and the output head, which multiplies even where it is the tied embedding table;
    without the embedding (a look-up), positions, biases and normalisations [1]_.

    .. math:: P_\times = V h + L_a A_\times + L_s M_\times + L_d F_d
                         + L_m (E h + 2 h l + k F_e + E_s F_s)
    """
    return (
        arch.vocab * arch.hidden
        + arch.attention_layers * _attention_matrices(arch)
        + arch.ssm_layers * _ssm_matrices(arch)
        + arch.dense_layers * _ffn_matrices(arch, arch.ffn)
        + arch.moe_layers * _moe_matrices(arch, arch.active_experts)
    )


def mean_attended(context_tokens: float, window: int = 0, kind: str = "sliding") -> float:
    r"""Return how many tokens a token of a sequence attends to in the mean, itself included.

    Token :math:`i` of :math:`S` attends to :math:`i` tokens, so :math:`(S + 1) / 2` in the mean. A
    sliding window :math:`W` caps that at :math:`W`; in chunks of :math:`W` the count starts afresh
    with each chunk.

    Examples
    --------
    >>> mean_attended(9)
    5.0
    >>> mean_attended(8, window=4)
    3.25
    >>> mean_attended(8, window=4, kind="chunked")
    2.5
    """
    if not window or context_tokens <= window:
        return (context_tokens + 1) / 2
    full = window * (window + 1) / 2
    if kind == "sliding":
        return (full + (context_tokens - window) * window) / context_tokens
    chunks, rest = divmod(context_tokens, window)
    return (chunks * full + rest * (rest + 1) / 2) / context_tokens


def forward_flop_per_token(arch: Architecture, context_tokens: float) -> float:
    r"""Return the FLOP of one forward pass for each token of a sequence.

    .. math:: f = 2 P_\times + 2 H (d_{qk} + d_v) \sum_l a_l + s

    with :math:`P_\times` of `matmul_parameters_per_token`, :math:`H` heads of score width
    :math:`d_{qk}` and value width :math:`d_v`, and :math:`a_l` the tokens that layer :math:`l`
    attends to in the mean over a causal sequence of `context_tokens` [2]_, and the scans :math:`s`
    of `scan_flop_per_token`.

    Parameters
    ----------
    arch : Architecture
        The model.
    context_tokens : float
        Length of the sequence [tokens].

    Returns
    -------
    float
        FLOP per token.
    """
    attended = arch.global_layers * mean_attended(context_tokens)
    if arch.windowed_layers:
        windowed = mean_attended(context_tokens, arch.window, arch.window_kind)
        attended += arch.windowed_layers * windowed
    matrices = 2.0 * matmul_parameters_per_token(arch)
    scans = scan_flop_per_token(arch, context_tokens)
    return matrices + _flop_per_attended(arch) * attended + scans


def scan_flop_per_token(arch: Architecture, context_tokens: float) -> float:
    r"""Return the FLOP of the state-space scans of all layers for each token of a sequence.

    .. math:: s = 2 L_s \left( G N Q + H P Q + 2 H P N \right)

    for :math:`H` heads of width :math:`P` with a state of :math:`N` numbers for each of it,
    :math:`G` groups and chunks of :math:`Q` tokens: within a chunk the scores of all its pairs and
    what they weigh, whole blocks as the matrix units work on them, then what each chunk writes to
    the state and reads from it [5]_ (section 6). A sequence shorter than a chunk is one chunk. The
    recurrence over whole chunks, :math:`H P N / Q`, is left out.

    Examples
    --------
    >>> from gigawatt.catalog.architecture import architecture
    >>> scan_flop_per_token(architecture("llama-3.1-8b"), 8192)
    0.0
    """
    inner = arch.ssm_heads * arch.ssm_head_dim
    pairs = min(context_tokens, arch.ssm_chunk) * (arch.ssm_groups * arch.ssm_state + inner)
    return 2.0 * arch.ssm_layers * (pairs + 2 * inner * arch.ssm_state)


def decode_flop_per_token(arch: Architecture, context_tokens: float) -> float:
    r"""Return the FLOP that generate one token after `context_tokens` earlier ones.

    As `forward_flop_per_token`, with the whole context attended to. MLA scores compressed keys
    when decoding: its up-projections are absorbed into the query and the output, so that a head
    works on widths :math:`r_{kv} + d_{rope}` and :math:`r_{kv}` [3]_. A state-space layer writes
    to its state and reads from it once, whatever came before.
    """
    attended = arch.global_layers * context_tokens
    if arch.windowed_layers:
        # A chunk holds half its width in the mean over where in it the token stands.
        seen = arch.window if arch.window_kind == "sliding" else (arch.window + 1) / 2
        attended += arch.windowed_layers * min(context_tokens, seen)
    width = 2 * arch.kv_lora + arch.rope_dim if arch.is_mla else 2 * arch.head_dim
    matrices = 2.0 * matmul_parameters_per_token(arch)
    return matrices + 2.0 * arch.heads * width * attended + scan_flop_per_token(arch, 0)


def training_flop_per_token(arch: Architecture, seq_len: float) -> float:
    """Return the FLOP of training on one token: three forward passes [1]_, [2]_.

    The backward pass takes two matrix products for each of the forward pass. Recomputation and
    multi-token prediction (`mtp_flop_per_token`) come on top and are not model FLOP.
    """
    return 3.0 * forward_flop_per_token(arch, seq_len)


def mtp_flop_per_token(arch: Architecture, context_tokens: float) -> float:
    """Return the FLOP of one forward pass through the multi-token-prediction modules [4]_.

    Each module joins two hidden states (a matrix of twice the hidden width), passes one layer of
    attention and of the model's last kind of feed-forward block, and ends in the shared output
    head.
    """
    block = (
        _moe_matrices(arch, arch.active_experts) if arch.experts else _ffn_matrices(arch, arch.ffn)
    )
    matrices = 2 * arch.hidden**2 + _attention_matrices(arch) + block + arch.vocab * arch.hidden
    attention = _flop_per_attended(arch) * mean_attended(context_tokens)
    return arch.mtp_layers * (2.0 * matrices + attention)


def kv_bytes_per_token(arch: Architecture, bytes_per_value: float) -> float:
    r"""Return the bytes of key-value cache that one token of context takes.

    .. math:: b\,L_a\,2\,H_{kv}\,d \qquad\text{or, with MLA [3]_,}\qquad b\,L_a\,(r_{kv} + d_{rope})

    Windowed layers are counted in full, as within their window; see `kv_bytes_per_sequence`.

    Examples
    --------
    >>> from gigawatt.catalog.architecture import architecture
    >>> kv_bytes_per_token(architecture("deepseek-v3"), 2)
    70272.0
    """
    return float(arch.attention_layers * _kv_values(arch) * bytes_per_value)


def kv_bytes_per_sequence(
    arch: Architecture, context_tokens: float, bytes_per_value: float
) -> float:
    """Return the bytes of key-value cache and state of one sequence.

    Windowed layers keep their window. State-space layers keep a state whatever the length, and the
    last tokens that their convolution sees, here in as many bytes a number as the cache.
    """
    kept = arch.global_layers * context_tokens
    if arch.windowed_layers:
        kept += arch.windowed_layers * min(context_tokens, arch.window)
    states = arch.ssm_layers * (
        arch.ssm_heads * arch.ssm_head_dim * arch.ssm_state
        + (arch.ssm_conv - 1) * _ssm_channels(arch)
    )
    return (kept * _kv_values(arch) + states) * bytes_per_value


def _kv_values(arch: Architecture) -> int:
    if arch.is_mla:
        return arch.kv_lora + arch.rope_dim
    return 2 * arch.kv_heads * arch.head_dim


def _flop_per_attended(arch: Architecture) -> float:
    # Scores and weighted values: a multiply and an add for each number of each head.
    return 2.0 * arch.heads * (arch.score_dim + arch.value_dim)


def _outside_layers(arch: Architecture) -> int:
    tables = arch.vocab * arch.hidden * (1 if arch.tied else 2) + arch.positions * arch.hidden
    head_bias = arch.vocab if arch.head_bias else 0
    norms = (2 if arch.embedding_norm else 1) * _norm(arch, arch.hidden)
    return tables + head_bias + norms


def _all_layers(arch: Architecture, routed_per_layer: int) -> int:
    attention = _attention_matrices(arch) + _attention_small(arch)
    dense = _ffn_matrices(arch, arch.ffn) + _ffn_biases(arch, arch.ffn)
    held = routed_per_layer + arch.shared_experts
    moe = _moe_matrices(arch, routed_per_layer) + held * _ffn_biases(arch, arch.expert_ffn)
    return (
        arch.layers * arch.norms_per_layer * _norm(arch, arch.hidden)
        + arch.attention_layers * attention
        + arch.ssm_layers * (_ssm_matrices(arch) + _ssm_small(arch))
        + arch.dense_layers * dense
        + arch.moe_layers * (moe + arch.experts * arch.router_bias)
    )


def _moe_matrices(arch: Architecture, routed: int) -> int:
    """Return the matrices of a router, `routed` experts and the shared ones."""
    expert = _ffn_matrices(arch, arch.expert_ffn)
    # Routed experts work on the latent width where there is one; the shared never do.
    narrow = expert * arch.latent // arch.hidden if arch.latent else expert
    outside = arch.experts * arch.hidden + 2 * arch.hidden * arch.latent
    return outside + routed * narrow + arch.shared_experts * expert


def _ssm_channels(arch: Architecture) -> int:
    # The convolution runs over what enters the scan and over what writes to and reads the state.
    return arch.ssm_heads * arch.ssm_head_dim + 2 * arch.ssm_groups * arch.ssm_state


def _ssm_matrices(arch: Architecture) -> int:
    """Return the projections into a Mamba-2 mixer (gate, channels, one step a head) and out."""
    inner = arch.ssm_heads * arch.ssm_head_dim
    return arch.hidden * (inner + _ssm_channels(arch) + arch.ssm_heads) + inner * arch.hidden


def _ssm_small(arch: Architecture) -> int:
    """Return the biased convolution, three numbers a head and the inner normalisation."""
    convolution = _ssm_channels(arch) * (arch.ssm_conv + 1)
    return convolution + 3 * arch.ssm_heads + arch.ssm_heads * arch.ssm_head_dim


def _attention_matrices(arch: Architecture) -> int:
    output = arch.heads * arch.value_dim * arch.hidden
    if not arch.is_mla:
        return arch.hidden * arch.head_dim * (arch.heads + 2 * arch.kv_heads) + output
    queries = arch.heads * arch.score_dim
    query = arch.q_lora * (arch.hidden + queries) if arch.q_lora else arch.hidden * queries
    down = arch.hidden * (arch.kv_lora + arch.rope_dim)
    up = arch.kv_lora * arch.heads * (arch.nope_dim + arch.v_dim)
    return query + down + up + output


def _attention_small(arch: Architecture) -> int:
    """Return the biases and inner normalisations of one attention block."""
    if arch.is_mla:
        return arch.q_lora + arch.kv_lora  # both compressions are normalised, without a bias
    queries, keys = arch.heads * arch.head_dim, arch.kv_heads * arch.head_dim
    biases = {"none": 0, "qkv": queries + 2 * keys, "all": queries + 2 * keys + arch.hidden}
    norms = {"none": 0, "head": 2 * arch.head_dim, "full": queries + keys}
    return biases[arch.attention_bias] + norms[arch.qk_norm]


def _ffn_matrices(arch: Architecture, width: int) -> int:
    return (3 if arch.gated else 2) * arch.hidden * width


def _ffn_biases(arch: Architecture, width: int) -> int:
    return ((2 if arch.gated else 1) * width + arch.hidden) * arch.ffn_bias


def _norm(arch: Architecture, width: int) -> int:
    return width * (2 if arch.norm_bias else 1)
