"""Read a Hugging Face ``config.json`` as an `Architecture`.

Each supported ``model_type`` has one small reader that names the keys it needs. A key that is
missing or has the wrong type stops with the file, the key, what was expected and what was found.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gigawatt.catalog._config_json import ConfigJson
from gigawatt.catalog.architecture import Architecture
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SUPPORTED", "from_config", "read_config"]

Dims = dict[str, Any]


def read_config(path: str | Path) -> Architecture:
    """Return the architecture that a ``config.json`` describes.

    Parameters
    ----------
    path : str or Path
        The file, or the folder that holds it. A multi-modal model is read by its ``text_config``.

    Raises
    ------
    InputError
        If the file cannot be read, is no JSON object, or lacks a needed key; the message names the
        file, the key, what was expected and what was found.
    NotModelledError
        If the model is of a kind that has no exact description here.
    """
    path = Path(path)
    file = path / "config.json" if path.is_dir() else path
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{file}: expected a readable config.json; found {error.strerror or error}"
        raise InputError(message) from None
    except ValueError as error:
        message = f"{file}: expected JSON; found {error}"
        raise InputError(message) from None
    return from_config(values, str(file), file.resolve().parent.name)


def from_config(values: object, where: str = "config.json", name: str = "") -> Architecture:
    """Return the architecture of an already parsed configuration.

    Parameters
    ----------
    values : object
        What ``json.load`` returned.
    where : str
        What errors call the configuration.
    name : str
        What the architecture is called; its ``model_type`` where empty.
    """
    if not isinstance(values, dict):
        message = f"{where}: expected a JSON object; found {type(values).__name__}"
        raise InputError(message)
    inner = values.get("text_config")
    if isinstance(inner, dict):
        # The head's tying stands outside the text part in some files.
        outer = {k: values[k] for k in ("tie_word_embeddings",) if k in values}
        return from_config({**outer, **inner}, f"{where}: text_config", name)
    config = ConfigJson(values, where)
    kind = config.text("model_type")
    # An index that picks tokens (DeepSeek-V3.2, GLM-5) is work that no formula here counts.
    if kind not in _READERS or values.get("index_topk") is not None:
        message = (
            f"{where}: model_type: '{kind}' has no exact description here; "
            f"supported are {', '.join(SUPPORTED)}"
        )
        raise NotModelledError(message)
    try:
        return Architecture(name=name or kind, **_READERS[kind](config))
    except InputError as error:
        if str(error).startswith(where):
            raise
        message = f"{where}: {str(error).partition(': ')[2]}"
        raise InputError(message) from None


def _decoder(c: ConfigJson, **more: int | str | bool) -> Dims:
    """Read the keys that nearly every decoder shares."""
    heads = c.count("num_attention_heads")
    return {
        "layers": c.count("num_hidden_layers"),
        "hidden": c.count("hidden_size"),
        "heads": heads,
        "kv_heads": c.count("num_key_value_heads", heads),
        "head_dim": c.head_dim("head_dim", "hidden_size", heads),
        "vocab": c.count("vocab_size"),
        "tied": c.flag("tie_word_embeddings", default=False),
        **more,
    }


def _no_window(c: ConfigJson) -> None:
    if c.flag("use_sliding_window", default=False):
        message = f"{c.where}: use_sliding_window: a window in part of the layers is not modelled"
        raise NotModelledError(message)


def _llama(c: ConfigJson) -> Dims:
    biased = c.flag("attention_bias", default=False)
    return _decoder(
        c,
        ffn=c.count("intermediate_size"),
        attention_bias="all" if biased else "none",
        ffn_bias=c.flag("mlp_bias", default=False),
    )


def _mistral(c: ConfigJson) -> Dims:
    return _decoder(c, ffn=c.count("intermediate_size"), window=c.count("sliding_window", 0))


def _mixtral(c: ConfigJson) -> Dims:
    return _decoder(
        c,
        experts=c.count("num_local_experts"),
        active_experts=c.count("num_experts_per_tok"),
        expert_ffn=c.count("intermediate_size"),
        window=c.count("sliding_window", 0),
    )


def _llama4(c: ConfigJson) -> Dims:
    # Every fourth layer has no rotary positions and sees everything; the others see their chunk.
    return _decoder(
        c,
        ffn=c.count("intermediate_size_mlp"),
        experts=c.count("num_local_experts"),
        active_experts=c.count("num_experts_per_tok"),
        expert_ffn=c.count("intermediate_size"),
        shared_experts=1,
        moe_every=c.count("interleave_moe_layer_step"),
        window=c.count("attention_chunk_size", 0),
        window_kind="chunked",
        global_every=c.global_every(c.count("no_rope_layer_interval", 4)),
    )


def _qwen2(c: ConfigJson) -> Dims:
    _no_window(c)
    return _decoder(c, ffn=c.count("intermediate_size"), attention_bias="qkv")


def _qwen3(c: ConfigJson) -> Dims:
    _no_window(c)
    return _decoder(c, ffn=c.count("intermediate_size"), qk_norm="head")


def _qwen3_moe(c: ConfigJson) -> Dims:
    if c.values.get("mlp_only_layers"):
        message = f"{c.where}: mlp_only_layers: single dense layers among experts are not modelled"
        raise NotModelledError(message)
    return _decoder(
        c,
        ffn=c.count("intermediate_size"),
        experts=c.count("num_experts"),
        active_experts=c.count("num_experts_per_tok"),
        expert_ffn=c.count("moe_intermediate_size"),
        moe_every=c.count("decoder_sparse_step", 1),
        qk_norm="head",
    )


def _deepseek(c: ConfigJson) -> Dims:
    return {
        "layers": c.count("num_hidden_layers"),
        "hidden": c.count("hidden_size"),
        "heads": c.count("num_attention_heads"),
        "vocab": c.count("vocab_size"),
        "tied": c.flag("tie_word_embeddings", default=False),
        "ffn": c.count("intermediate_size"),
        "experts": c.count("n_routed_experts"),
        "active_experts": c.count("num_experts_per_tok"),
        "shared_experts": c.count("n_shared_experts", 0, least=0),
        "expert_ffn": c.count("moe_intermediate_size"),
        "leading_dense": c.count("first_k_dense_replace", 0, least=0),
        "moe_every": c.count("moe_layer_freq", 1),
        "q_lora": c.count("q_lora_rank", 0),
        "kv_lora": c.count("kv_lora_rank"),
        "nope_dim": c.count("qk_nope_head_dim"),
        "rope_dim": c.count("qk_rope_head_dim"),
        "v_dim": c.count("v_head_dim"),
        "mtp_layers": c.count("num_nextn_predict_layers", 0, least=0),
        # Third-generation routers balance their load with one correcting number for each expert.
        "router_bias": c.values.get("topk_method") == "noaux_tc",
    }


def _gpt_oss(c: ConfigJson) -> Dims:
    return _decoder(
        c,
        experts=c.count("num_local_experts"),
        active_experts=c.count("num_experts_per_tok"),
        expert_ffn=c.count("intermediate_size"),
        window=c.count("sliding_window"),
        global_every=c.global_every(2),
        attention_bias="all",
        ffn_bias=True,
        router_bias=True,
    )


def _minimax_m2(c: ConfigJson) -> Dims:
    return _decoder(
        c,
        experts=c.count("num_local_experts"),
        active_experts=c.count("num_experts_per_tok"),
        expert_ffn=c.count("intermediate_size"),
        qk_norm="full",
        router_bias=True,
        mtp_layers=c.count("num_mtp_modules", 0, least=0),
    )


def _glm4_moe(c: ConfigJson) -> Dims:
    return _decoder(
        c,
        ffn=c.count("intermediate_size"),
        experts=c.count("n_routed_experts"),
        active_experts=c.count("num_experts_per_tok"),
        shared_experts=c.count("n_shared_experts", 0, least=0),
        expert_ffn=c.count("moe_intermediate_size"),
        leading_dense=c.count("first_k_dense_replace", 0, least=0),
        attention_bias="qkv" if c.flag("attention_bias", default=False) else "none",
        qk_norm="head" if c.flag("use_qk_norm", default=False) else "none",
        router_bias=True,
        mtp_layers=c.count("num_nextn_predict_layers", 0, least=0),
    )


def _gpt2(c: ConfigJson) -> Dims:
    hidden, heads = c.count("n_embd"), c.count("n_head")
    return {
        "layers": c.count("n_layer"),
        "hidden": hidden,
        "heads": heads,
        "kv_heads": heads,
        "head_dim": c.head_dim("head_dim", "n_embd", heads),
        "vocab": c.count("vocab_size"),
        "positions": c.count("n_positions"),
        "ffn": c.count("n_inner", 4 * hidden),
        "gated": False,
        "tied": c.flag("tie_word_embeddings", default=True),
        "attention_bias": "all",
        "ffn_bias": True,
        "norm_bias": True,
    }


def _gpt_neox(c: ConfigJson) -> Dims:
    return _decoder(
        c,
        ffn=c.count("intermediate_size"),
        gated=False,
        attention_bias="all" if c.flag("attention_bias", default=True) else "none",
        ffn_bias=True,
        norm_bias=True,
    )


def _falcon(c: ConfigJson) -> Dims:
    hidden, heads = c.count("hidden_size"), c.count("num_attention_heads")
    grouped = c.flag("new_decoder_architecture", default=False)
    single = 1 if c.flag("multi_query", default=True) else heads
    parallel = c.flag("parallel_attn", default=True)
    biased = c.flag("bias", default=False)
    return {
        **_decoder(c),
        "kv_heads": c.count("num_kv_heads", heads) if grouped else single,
        "ffn": c.count("ffn_hidden_size", 4 * hidden),
        "gated": False,
        "tied": c.flag("tie_word_embeddings", default=True),
        "attention_bias": "all" if biased else "none",
        "ffn_bias": biased,
        "norm_bias": True,
        "norms_per_layer": 2 if grouped or not parallel else 1,
    }


def _gemma3(c: ConfigJson) -> Dims:
    # Gemma 3 files leave out what equals the library's own defaults: these.
    return {
        "layers": c.count("num_hidden_layers"),
        "hidden": c.count("hidden_size"),
        "heads": c.count("num_attention_heads", 8),
        "kv_heads": c.count("num_key_value_heads", 4),
        "head_dim": c.count("head_dim", 256),
        "vocab": c.count("vocab_size", 262208),
        "ffn": c.count("intermediate_size"),
        "tied": c.flag("tie_word_embeddings", default=True),
        "window": c.count("sliding_window", 4096),
        "global_every": c.global_every(c.count("sliding_window_pattern", 6)),
        "norms_per_layer": 4,
        "qk_norm": "head",
    }


def _gemma2(c: ConfigJson) -> Dims:
    return _decoder(
        c,
        ffn=c.count("intermediate_size"),
        tied=c.flag("tie_word_embeddings", default=True),
        window=c.count("sliding_window", 4096),
        global_every=c.global_every(2),
        norms_per_layer=4,
    )


def _gemma(c: ConfigJson) -> Dims:
    tied = c.flag("tie_word_embeddings", default=True)
    return _decoder(c, ffn=c.count("intermediate_size"), tied=tied)


def _olmo2(c: ConfigJson) -> Dims:
    return _decoder(c, ffn=c.count("intermediate_size"), qk_norm="full")


def _nemotron_h(c: ConfigJson) -> Dims:
    blocks = c.blocks()
    # Layers hold one block each; attention and linear layers have no bias, blocks no gate.
    layout: Dims = {
        "gated": False,
        "norms_per_layer": 1,
        "ssm_layers": blocks.count("mamba"),
        "ffn_only_layers": blocks.count("mlp") + blocks.count("moe"),
        "ssm_heads": c.count("mamba_num_heads"),
        "ssm_head_dim": c.count("mamba_head_dim"),
        "ssm_state": c.count("ssm_state_size"),
        "ssm_groups": c.count("n_groups"),
        "ssm_conv": c.count("conv_kernel", 4),
        "ssm_chunk": c.count("chunk_size", 128),
    }
    if c.values.get("head_dim") is None and c.values.get("attention_head_dim") is not None:
        layout["head_dim"] = c.count("attention_head_dim")
    if "moe" not in blocks:
        return {**_decoder(c), **layout, "ffn": c.count("intermediate_size")}
    width, shared = c.count("moe_intermediate_size"), "moe_shared_expert_intermediate_size"
    if "mlp" in blocks or c.count(shared, 0, least=0) % width:
        message = f"{c.where}: dense layers among experts, or odd shared ones, are not modelled"
        raise NotModelledError(message)
    return (
        _decoder(c)
        | layout
        | {
            "experts": c.count("n_routed_experts"),
            "active_experts": c.count("num_experts_per_tok"),
            # One shared block of twice an expert's width is two shared experts.
            "shared_experts": c.count(shared, 0, least=0) // width,
            "expert_ffn": width,
            "latent": c.count("moe_latent_size", 0),
            "router_bias": True,
            "mtp_layers": c.count("num_nextn_predict_layers", 0, least=0),
        }
    )


_READERS: Final[dict[str, Callable[[ConfigJson], Dims]]] = {
    "deepseek_v2": _deepseek,
    "deepseek_v3": _deepseek,
    "falcon": _falcon,
    "gemma": _gemma,
    "gemma2": _gemma2,
    "gemma3": _gemma3,
    "gemma3_text": _gemma3,
    "glm4_moe": _glm4_moe,
    "gpt2": _gpt2,
    "gpt_neox": _gpt_neox,
    "gpt_oss": _gpt_oss,
    "kimi_k2": _deepseek,
    "llama": _llama,
    "llama4_text": _llama4,
    "minimax_m2": _minimax_m2,
    "mistral": _mistral,
    "mixtral": _mixtral,
    "nemotron_h": _nemotron_h,
    "olmo2": _olmo2,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe,
    "smollm3": _llama,
}

SUPPORTED: Final = tuple(sorted(_READERS))
"""The values of ``model_type`` that can be read."""
