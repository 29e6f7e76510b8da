"""What a transformer is made of, in the numbers that decide its size and its work.

One flat, frozen record serves dense models, grouped and multi-query attention, multi-head latent
attention (MLA), mixtures of experts (MoE) with shared experts, leading or interleaved dense layers,
layers that see only a window, and hybrids with Mamba-2 state-space layers. What it cannot say
exactly (linear and learned sparse attention, encoder-decoders) is left out rather than
approximated.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from gigawatt.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from gigawatt.catalog._facts import Entry

__all__ = ["Architecture", "architecture", "dimension_facts"]

_KIND: Final = "model"
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "attention_bias": ("none", "qkv", "all"),
    "qk_norm": ("none", "head", "full"),
    "window_kind": ("sliding", "chunked"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Dimensions of one decoder-only transformer.

    Counts are whole numbers; a feature that a model lacks is 0, ``False`` or ``"none"``.

    Parameters
    ----------
    name : str
        What the model is called in messages.
    layers, hidden, heads, vocab : int
        Decoder layers, width of the residual stream, query heads, rows of the embedding table.
    kv_heads, head_dim : int
        Key and value heads (1: multi-query) and the width of one head. With MLA the width comes
        from `nope_dim`, `rope_dim` and `v_dim`, and `head_dim` is not read.
    ffn : int
        Width of a dense feed-forward block.
    gated : bool
        Whether feed-forward blocks have a third matrix, the gate (SwiGLU, GeGLU).
    tied : bool
        Whether the output head is the embedding table itself.
    positions : int
        Rows of a learned position table.
    experts, active_experts, shared_experts : int
        Routed experts in an MoE layer, those each token visits, and those that every token visits.
    expert_ffn : int
        Width of one expert.
    leading_dense, moe_every : int
        Dense layers before the first MoE layer; 1 if all that follow are MoE layers, 2 if every
        second one is, and so on.
    q_lora, kv_lora : int
        Ranks of the MLA compressions; `kv_lora` above 0 means MLA, `q_lora` 0 a plain query matrix.
    nope_dim, rope_dim, v_dim : int
        MLA widths of a head: unrotated, rotated, value.
    window : int
        Tokens that a windowed layer sees; 0 for none.
    window_kind : str
        ``sliding`` (the last `window` tokens) or ``chunked`` (those of the same block).
    global_every : int
        2 if every second layer sees everything although `window` is set, and so on; 0: none does.
    mtp_layers : int
        Multi-token-prediction modules used in training, which are no part of the model's own count.
    attention_bias : str
        ``none``, ``qkv`` (query, key and value have biases) or ``all`` (the output too).
    ffn_bias, router_bias, head_bias : bool
        Whether feed-forward blocks, routers and the output head have biases.
    norm_bias : bool
        Whether normalisations have a bias beside their weight.
    norms_per_layer : int
        Normalisations over the hidden width in one layer.
    qk_norm : str
        ``head``: queries and keys are normalised with one weight a head width; ``full``: with one
        weight over all heads together.
    embedding_norm : bool
        Whether the embedding is normalised.
    latent : int
        Width that tokens are projected to before the routed experts and back from after them
        (LatentMoE); 0: experts work on the hidden width. Router and shared experts always do.
    ssm_layers : int
        Layers whose mixer is a Mamba-2 state space in place of attention.
    ffn_only_layers : int
        Layers that hold a feed-forward block and no mixer, in models whose layers hold one block
        each (Nemotron-H); 0: every layer has a mixer and a feed-forward block.
    ssm_heads, ssm_head_dim, ssm_state, ssm_groups : int
        State-space heads, width of one, numbers of state for each of that width, and groups of
        heads that share what writes to and reads from the state.
    ssm_conv, ssm_chunk : int
        Tokens that the short convolution before the scan sees, and tokens that the scan works on
        at once.
    """

    layers: int
    hidden: int
    heads: int
    vocab: int
    name: str = "model"
    kv_heads: int = 0
    head_dim: int = 0
    ffn: int = 0
    gated: bool = True
    tied: bool = False
    positions: int = 0
    experts: int = 0
    active_experts: int = 0
    shared_experts: int = 0
    expert_ffn: int = 0
    leading_dense: int = 0
    moe_every: int = 1
    q_lora: int = 0
    kv_lora: int = 0
    nope_dim: int = 0
    rope_dim: int = 0
    v_dim: int = 0
    window: int = 0
    window_kind: str = "sliding"
    global_every: int = 0
    mtp_layers: int = 0
    attention_bias: str = "none"
    ffn_bias: bool = False
    router_bias: bool = False
    head_bias: bool = False
    norm_bias: bool = False
    norms_per_layer: int = 2
    qk_norm: str = "none"
    embedding_norm: bool = False
    latent: int = 0
    ssm_layers: int = 0
    ffn_only_layers: int = 0
    ssm_heads: int = 0
    ssm_head_dim: int = 0
    ssm_state: int = 0
    ssm_groups: int = 0
    ssm_conv: int = 0
    ssm_chunk: int = 0

    def __post_init__(self) -> None:
        """Refuse dimensions that describe no model."""
        for problem in _problems(self):
            message = f"{self.name}: {problem}"
            raise InputError(message)

    @classmethod
    def from_entry(cls, entry: Entry) -> Architecture:
        """Return the architecture that a catalogue entry of kind ``model`` states.

        Examples
        --------
        >>> from gigawatt import catalog
        >>> Architecture.from_entry(catalog.load().get("model", "llama-3.1-8b")).layers
        32
        """
        stated: dict[str, Any] = {"name": entry.id}
        for field in fields(cls):
            if field.name != "name" and field.name in entry:
                stated[field.name] = _read(field.type, entry, field.name)
        if "kv_lora" not in stated:
            # Plain multi-head attention is the rule that most model cards leave unsaid.
            stated.setdefault("kv_heads", stated["heads"])
            stated.setdefault("head_dim", stated["hidden"] // stated["heads"])
        return cls(**stated)

    @property
    def kind(self) -> str:
        """``moe`` for a mixture of experts, else ``dense``."""
        return "moe" if self.experts else "dense"

    @property
    def is_mla(self) -> bool:
        """Whether keys and values are compressed (multi-head latent attention)."""
        return self.kv_lora > 0

    @property
    def score_dim(self) -> int:
        """Width of one head's query and key."""
        return self.nope_dim + self.rope_dim if self.is_mla else self.head_dim

    @property
    def value_dim(self) -> int:
        """Width of one head's value."""
        return self.v_dim if self.is_mla else self.head_dim

    @property
    def attention_layers(self) -> int:
        """How many layers have attention."""
        return self.layers - self.ssm_layers - self.ffn_only_layers

    @property
    def ffn_layers(self) -> int:
        """How many layers have a feed-forward block, dense or of experts."""
        return self.ffn_only_layers or self.layers

    @property
    def moe_layers(self) -> int:
        """How many layers are mixtures of experts."""
        if not self.experts:
            return 0
        return self.ffn_layers // self.moe_every - self.leading_dense // self.moe_every

    @property
    def dense_layers(self) -> int:
        """How many layers have a dense feed-forward block."""
        return self.ffn_layers - self.moe_layers

    @property
    def global_layers(self) -> int:
        """How many attention layers see the whole context."""
        if not self.window:
            return self.attention_layers
        return self.attention_layers // self.global_every if self.global_every else 0

    @property
    def windowed_layers(self) -> int:
        """How many attention layers see only a window."""
        return self.attention_layers - self.global_layers


def dimension_facts(entry: Entry) -> tuple[str, ...]:
    """Return the keys of the facts of a model that its architecture is made of."""
    named = {field.name for field in fields(Architecture)} - {"name"}
    return tuple(fact.key for name, fact in entry.facts.items() if name in named)


def architecture(name_or_path: str) -> Architecture:
    """Return the architecture that a catalogue name or a Hugging Face ``config.json`` describes.

    Parameters
    ----------
    name_or_path : str
        A model of the catalogue (its id or an alias), else a path to a ``config.json`` or to the
        folder that holds it.

    Raises
    ------
    UnknownNameError
        If the catalogue does not know the name and no such file exists.
    InputError
        If the file is not a readable configuration.
    NotModelledError
        If the file describes a kind of model that has no exact description here.
    """
    from pathlib import Path  # noqa: PLC0415  most callers never read a file

    from gigawatt.catalog._load import load  # noqa: PLC0415  the loader imports this package

    catalog = load()
    if catalog.has(_KIND, name_or_path):
        return Architecture.from_entry(catalog.get(_KIND, name_or_path))
    path = Path(name_or_path)
    if path.suffix == ".json" or path.exists():
        from gigawatt.catalog.huggingface import read_config  # noqa: PLC0415  it imports this module

        return read_config(path)
    known = [entry.id for entry in catalog.entries(_KIND)]
    raise UnknownNameError(_KIND, name_or_path, known)


def _read(type_: object, entry: Entry, name: str) -> int | bool | str:
    if type_ == "int":
        return int(entry.number(name))
    return entry.text(name) == "yes" if type_ == "bool" else entry.text(name)


def _problems(a: Architecture) -> list[str]:
    found = [
        f"{name} must be at least {least}; found {value}"
        for name, least, value in (
            ("layers", 1, a.layers),
            ("hidden", 1, a.hidden),
            ("heads", 1, a.heads),
            ("vocab", 1, a.vocab),
            ("moe_every", 1, a.moe_every),
        )
        if value < least
    ]
    found += [
        f"{name} must be one of {', '.join(allowed)}; found '{getattr(a, name)}'"
        for name, allowed in _CHOICES.items()
        if getattr(a, name) not in allowed
    ]
    found += [
        f"{field.name} must not be negative; found {getattr(a, field.name)}"
        for field in fields(a)
        if field.type == "int" and getattr(a, field.name) < 0
    ]
    rules = _attention_rules(a) + _expert_rules(a) + _state_space_rules(a)
    found += [text for wrong, text in rules if wrong]
    return found


def _attention_rules(a: Architecture) -> list[tuple[bool, str]]:
    if a.is_mla:
        return [(min(a.rope_dim, a.nope_dim, a.v_dim) < 1, "MLA needs the widths of its heads")]
    return [
        (a.head_dim < 1, f"head_dim must be at least 1; found {a.head_dim}"),
        (
            a.kv_heads < 1 or a.heads % a.kv_heads > 0,
            f"kv_heads must divide the {a.heads} heads; found {a.kv_heads}",
        ),
    ]


def _expert_rules(a: Architecture) -> list[tuple[bool, str]]:
    return [
        (
            a.experts > 0 and not 1 <= a.active_experts <= a.experts,
            f"active_experts must lie between 1 and {a.experts}; found {a.active_experts}",
        ),
        (a.experts > 0 and a.expert_ffn < 1, "experts need expert_ffn, the width of one"),
        (
            not 0 <= a.leading_dense <= a.ffn_layers,
            f"leading_dense must lie between 0 and {a.ffn_layers}; found {a.leading_dense}",
        ),
        (a.dense_layers > 0 and a.ffn < 1, "dense layers need ffn, the width of their block"),
        (a.latent > 0 and not a.experts, "latent is a width of experts, and there are none"),
    ]


def _state_space_rules(a: Architecture) -> list[tuple[bool, str]]:
    widths = (a.ssm_heads, a.ssm_head_dim, a.ssm_state, a.ssm_groups, a.ssm_conv, a.ssm_chunk)
    groups = max(a.ssm_groups, 1)
    return [
        (
            a.attention_layers < 0,
            f"ssm_layers and ffn_only_layers must not exceed the layers, {a.layers} together",
        ),
        (a.ssm_layers > 0 and min(widths) < 1, "state-space layers need every ssm_ width"),
        (
            a.ssm_heads % groups > 0,
            f"ssm_groups must divide the {a.ssm_heads} state-space heads; found {a.ssm_groups}",
        ),
    ]
