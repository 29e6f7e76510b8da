"""Parameters, FLOP and cache bytes of a transformer, from its dimensions alone.

A multiply and an add are two FLOP. Only matrix products and attention are counted; softmax,
activations and normalisations are left out, as is usual when utilisation is stated.

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
    "total_parameters",
    "training_flop_per_token",
]


def total_parameters(arch: Architecture) -> int:
    r"""Return how many parameters the model has, biases and normalisations included.

    .. math:: P = V h (2 - \mathrm{tied}) + S h + L\,(A + N) + L_d F_d + L_m (R + (E + E_s) F_e)

    with attention :math:`A`, normalisations :math:`N`, dense blocks :math:`F_d`, routers :math:`R`
    and experts :math:`F_e`. Multi-token-prediction modules are not counted, as model cards do not
    count them [4]_; nor are attention sinks (one number a head).

    Examples
    --------
    >>> from gigawatt.catalog.architecture import architecture
    >>> total_parameters(architecture("llama-3.1-8b"))
    8030261248
    """
    experts = arch.experts + arch.shared_experts
    return _outside_layers(arch) + _all_layers(arch, experts_per_layer=experts)


def active_parameters(arch: Architecture) -> int:
    """Return how many parameters one token meets, the whole embedding table included.

    As `total_parameters`, with the routed experts that a token visits in place of all of them.

    Examples
    --------
    >>> from gigawatt.catalog.architecture import architecture
    >>> round(active_parameters(architecture("mixtral-8x7b")) / 1e9, 1)
    12.9
    """
    visited = arch.active_experts + arch.shared_experts
    return _outside_layers(arch) + _all_layers(arch, experts_per_layer=visited)


def matmul_parameters_per_token(arch: Architecture) -> int:
    r"""Return how many parameters multiply each token.

    Active matrices and the output head, which multiplies even where it is the tied embedding table;
    without the embedding (a look-up), positions, biases and normalisations [1]_.

    .. math:: P_\times = V h + L A_\times + L_d F_d + L_m (E h + (k + E_s) F_e)
    """
    visited = arch.active_experts + arch.shared_experts
    blocks = arch.dense_layers * _ffn_matrices(arch, arch.ffn)
    experts = arch.moe_layers * (
        arch.experts * arch.hidden + visited * _ffn_matrices(arch, arch.expert_ffn)
    )
    return arch.vocab * arch.hidden + arch.layers * _attention_matrices(arch) + blocks + experts


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

    .. math:: f = 2 P_\times + 2 H (d_{qk} + d_v) \sum_l a_l

    with :math:`P_\times` of `matmul_parameters_per_token`, :math:`H` heads of score width
    :math:`d_{qk}` and value width :math:`d_v`, and :math:`a_l` the tokens that layer :math:`l`
    attends to in the mean over a causal sequence of `context_tokens` [2]_.

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
    return 2.0 * matmul_parameters_per_token(arch) + _flop_per_attended(arch) * attended


def decode_flop_per_token(arch: Architecture, context_tokens: float) -> float:
    r"""Return the FLOP that generate one token after `context_tokens` earlier ones.

    As `forward_flop_per_token`, with the whole context attended to. MLA scores compressed keys
    when decoding: its up-projections are absorbed into the query and the output, so that a head
    works on widths :math:`r_{kv} + d_{rope}` and :math:`r_{kv}` [3]_.
    """
    attended = arch.global_layers * context_tokens
    if arch.windowed_layers:
        # A chunk holds half its width in the mean over where in it the token stands.
        seen = arch.window if arch.window_kind == "sliding" else (arch.window + 1) / 2
        attended += arch.windowed_layers * min(context_tokens, seen)
    width = 2 * arch.kv_lora + arch.rope_dim if arch.is_mla else 2 * arch.head_dim
    return 2.0 * matmul_parameters_per_token(arch) + 2.0 * arch.heads * width * attended


def training_flop_per_token(arch: Architecture, seq_len: float) -> float:
    """Return the FLOP of training on one token: three forward passes [1]_, [2]_.

    The backward pass takes two matrix products for each of the forward pass. Recomputation and
    multi-token prediction (`mtp_flop_per_token`) come on top and are not model FLOP.
    """
    return 3.0 * forward_flop_per_token(arch, seq_len)


def mtp_flop_per_token(arch: Architecture, context_tokens: float) -> float:
    """Return the FLOP of one forward pass through the multi-token-prediction modules [4]_.

    Each module joins two hidden states (a matrix of twice the hidden width), passes one layer of
    the model's last kind, and ends in the shared output head.
    """
    visited = arch.active_experts + arch.shared_experts
    block = (
        arch.experts * arch.hidden + visited * _ffn_matrices(arch, arch.expert_ffn)
        if arch.experts
        else _ffn_matrices(arch, arch.ffn)
    )
    matrices = 2 * arch.hidden**2 + _attention_matrices(arch) + block + arch.vocab * arch.hidden
    attention = _flop_per_attended(arch) * mean_attended(context_tokens)
    return arch.mtp_layers * (2.0 * matrices + attention)


def kv_bytes_per_token(arch: Architecture, bytes_per_value: float) -> float:
    r"""Return the bytes of key-value cache that one token of context takes.

    .. math:: b\,L\,2\,H_{kv}\,d \qquad\text{or, with MLA [3]_,}\qquad b\,L\,(r_{kv} + d_{rope})

    Windowed layers are counted in full, as within their window; see `kv_bytes_per_sequence`.

    Examples
    --------
    >>> from gigawatt.catalog.architecture import architecture
    >>> kv_bytes_per_token(architecture("deepseek-v3"), 2)
    70272.0
    """
    return float(arch.layers * _kv_values(arch) * bytes_per_value)


def kv_bytes_per_sequence(
    arch: Architecture, context_tokens: float, bytes_per_value: float
) -> float:
    """Return the bytes of key-value cache of one sequence; windowed layers keep their window."""
    kept = arch.global_layers * context_tokens
    if arch.windowed_layers:
        kept += arch.windowed_layers * min(context_tokens, arch.window)
    return kept * _kv_values(arch) * bytes_per_value


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


def _all_layers(arch: Architecture, experts_per_layer: int) -> int:
    every = (
        _attention_matrices(arch)
        + _attention_small(arch)
        + arch.norms_per_layer * _norm(arch, arch.hidden)
    )
    dense = _ffn_matrices(arch, arch.ffn) + _ffn_biases(arch, arch.ffn)
    expert = _ffn_matrices(arch, arch.expert_ffn) + _ffn_biases(arch, arch.expert_ffn)
    router = arch.experts * (arch.hidden + arch.router_bias)
    return (
        arch.layers * every
        + arch.dense_layers * dense
        + arch.moe_layers * (router + experts_per_layer * expert)
    )


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
