"""Which tables a model needs: the formats of its products, cache and experts, and what is missing.

A setting says FP8; tables distinguish one scale for each tensor from one for each block of 128 x
128 weights. Both read and multiply as many bytes, so the faster of the two counts: some tables of
one of them hold the time of the host that launched each kernel, which engines hide by graphs.

References
----------
.. [1] DeepSeek-AI, "DeepSeek-V3 Technical Report", arXiv:2412.19437.
.. [2] OpenAI, "gpt-oss-120b & gpt-oss-20b Model Card", arXiv:2508.10925.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.hosting.measured.tables import measured_values
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.measured.tables import Filter, KernelTables
    from gigawatt.compute.hosting.setting import ServingSetting

__all__ = ["LATENT_KERNELS", "LATENT_MODULES", "Formats", "expert_filter", "formats_of"]

LATENT_KERNELS: Final = ("generation_mla_perf", "context_mla_perf")
LATENT_MODULES: Final = ("mla_generation_module_perf", "mla_context_module_perf")
"""Files of latent attention over answers and over prompts: the kernel alone, or with products."""

_FP8: Final = ("fp8", "fp8_block")
_MXFP4: Final = ("w4a16_mxfp4", "w4a8_mxfp4_mxfp8")
_PLAIN: Final = ("bfloat16",)

_PRODUCTS: Final = {
    "bf16": _PLAIN,
    "fp8": _FP8,
    "fp4": ("nvfp4",),
    # Only experts are narrow: gpt-oss ([2]_, section 2.1) and Kimi K2 Thinking (its card).
    "mxfp4": _PLAIN,
    "int4": _PLAIN,
}
_EXPERTS: Final = {
    "bf16": (_PLAIN,),
    "fp8": (_FP8,),
    "fp4": (("nvfp4",), _MXFP4),
    "mxfp4": (_MXFP4,),
    "int4": (("int4_wo",),),
}
_MODULES: Final = _PRODUCTS | {"fp4": ("nvfp4", "fp8_block")}
"""Format of the setting: names in the tables that stand for it. Of experts, the first that was
measured counts: where FP4 means MXFP4, no others were."""
_CACHES: Final = {"bf16": "bfloat16", "fp8": "fp8"}

_LATENT: Final = {"kv_lora": 512.0, "rope_dim": 64.0, "nope_dim": 128.0, "value_dim": 128.0}
_LATENT_MODULE: Final = _LATENT | {"q_lora": 1536.0, "hidden": 7168.0}
"""Widths of the latent attention that was measured: DeepSeek-V3's [1]_, section 4.2."""


@dataclass(frozen=True, slots=True)
class Formats:
    """Formats as the tables name them.

    Parameters
    ----------
    products, experts : tuple of str
        Of products and of routed experts; of several the fastest counts.
    cache : str
        Of keys and values.
    modules : tuple of str
        Of the products within latent attention measured as a whole; empty where it was not.
    """

    products: tuple[str, ...]
    cache: str
    experts: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


def formats_of(dims: Dims, setting: ServingSetting, tables: KernelTables, routing: str) -> Formats:
    """Return the formats in which a model was measured.

    Parameters
    ----------
    dims : Dims
        One model.
    setting : ServingSetting
        Formats of weights and cache.
    tables : KernelTables
        Of the setting's chip and engine.
    routing : str
        How tokens were routed to experts.

    Raises
    ------
    NotModelledError
        If a kernel that the model needs was not measured in any split.
    """
    if np.any(np.asarray(dims.ssm_layers) > 0):
        message = "recurrent layers are not among the measured kernels"
        raise NotModelledError(message)
    cache, weights = _CACHES[setting.cache], setting.weights
    experts = _experts(dims, weights, tables, routing) if dims.moe_layers > 0 else ()
    modules: tuple[str, ...] = ()
    if dims.mla > 0:
        modules = _latent(dims, weights, cache, tables)
    else:
        _check_heads(dims, cache, tables)
    known = measured_values(tables.needed("gemm", "gemm_perf"), "gemm_dtype")
    _held(known, _PLAIN, "products in bf16, in which routers are computed")
    wanted = _PLAIN if set(experts) & set(_MXFP4) else _PRODUCTS.get(weights, ())
    products = _held(known, wanted, f"products in {weights}")
    return Formats(products, cache, experts, modules)


def expert_filter(dims: Dims, forms: tuple[str, ...], routing: str) -> Filter:
    """Return what rows of a model's experts have in common."""
    hidden = dims.latent if dims.latent > 0 else dims.hidden
    return (
        ("moe_dtype", forms), ("hidden_size", float(hidden)),
        ("topk", float(dims.active_experts)), ("num_experts", float(dims.experts)),
        ("distribution", routing),
    )  # fmt: skip


def _experts(dims: Dims, weights: str, tables: KernelTables, routing: str) -> tuple[str, ...]:
    path = tables.needed("moe", "moe_perf")
    shape = (*expert_filter(dims, (), routing)[1:], ("inter_size", float(dims.expert_ffn)))
    known = measured_values(path, "moe_dtype", shape)
    told = ", ".join(f"{name} {value}" for name, value in shape)
    wanted = _EXPERTS.get(weights, ())
    best = next((forms for forms in wanted if set(forms) & set(known)), ())
    return _held(known, best, f"experts in {weights} with {told}")


def _latent(dims: Dims, weights: str, cache: str, tables: KernelTables) -> tuple[str, ...]:
    """Return the formats of whole modules, if kernels alone were not measured."""
    whole = tables.file("mla", LATENT_KERNELS[0]) is None
    wrong = [
        f"{name} {getattr(dims, name):g}, not {value:g}"
        for name, value in (_LATENT_MODULE if whole else _LATENT).items()
        if getattr(dims, name) != value
    ]
    if wrong:
        message = f"latent attention was measured for DeepSeek-V3; this has {', '.join(wrong)}"
        raise NotModelledError(message)
    path = tables.needed("mla", (LATENT_MODULES if whole else LATENT_KERNELS)[0])
    _held(measured_values(path, "kv_cache_dtype"), (cache,), f"latent cache in {cache}")
    if not whole:
        return ()
    known = measured_values(path, "gemm_type", (("kv_cache_dtype", cache),))
    return _held(known, _MODULES.get(weights, ()), f"latent attention in {weights}")


def _check_heads(dims: Dims, cache: str, tables: KernelTables) -> None:
    """Refuse heads or a cache that were not measured."""
    for name in ("generation_attention_perf", "context_attention_perf"):
        path = tables.needed("attention", name)
        known = measured_values(path, "head_dim", (("kv_cache_dtype", cache),))
        if dims.score_dim not in known:
            message = (
                f"attention with heads of {dims.score_dim:g} and the cache in {cache} was not "
                f"measured; heads of {', '.join(f'{d:g}' for d in known) or 'none'} were"
            )
            raise NotModelledError(message)


def _held(known: tuple[str, ...], wanted: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Return those of the wanted formats that were measured, at least one."""
    found = tuple(one for one in wanted if one in known)
    if not found:
        message = f"{what}: not measured; found {', '.join(known) or 'none'}"
        raise NotModelledError(message)
    return found
