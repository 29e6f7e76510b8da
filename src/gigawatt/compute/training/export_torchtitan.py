"""A training plan as a configuration of TorchTitan.

Names and meanings are those of TorchTitan 0.2.2 [1]_, the last release that reads TOML; 0.3.0 takes
Python objects instead, most of whose fields are called the same. TorchTitan knows models by name
and flavour, so that a configuration holds the layout alone: users say which flavour it is for, and
add data, optimizer and learning rate.

References
----------
.. [1] pytorch/torchtitan 0.2.2, ``torchtitan/config/job_config.py``: every key below.
.. [2] The same, ``distributed/parallel_dims.py``: shards times replicas are the data-parallel
   ranks, context-parallel ranks shard too, and experts are cut as the model or not at all.
.. [3] The same, ``distributed/pipeline_parallel.py``: a pipeline cuts one rank's batch into
   micro-batches; layers of a stage count the embedding and the output as one each.
.. [4] The same, ``models/llama3/infra/parallelize.py``: replicas without shards go with
   nothing else; ``models/llama4/model/args.py``: nor do windows with context parallelism.
.. [5] The same, ``components/quantization``: FP8 and MXFP8 converters, and that MXFP8 with tensor
   parallelism is not compiled.
.. [6] PyTorch, ``torch/distributed/pipelining/schedules.py``: an interleaved schedule runs whole
   rounds; one with zero bubble has several stages a rank.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from gigawatt.compute.training.export import one_layout, refuse
from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.catalog.architecture import Architecture

__all__ = ["toml_text", "torchtitan_config"]

_PRECISIONS: Final = ("bf16", "fp8", "fp8-rowwise", "mxfp8")
_ENDS: Final = 2  # the embedding and the output count as a layer each
_SPREAD: Final = 2  # up to so many virtual stages, TorchTitan spreads the layers by itself
_CHECKPOINT: Final = {
    int(Recompute.NONE): {"mode": "none"},
    # Attention is one fused operator there, which keeps no scores: nothing is left to recompute.
    int(Recompute.SELECTIVE): {"mode": "none"},
    int(Recompute.FULL): {"mode": "full"},
    int(Recompute.OPERATORS): {"mode": "selective", "selective_ac_option": "op"},
}


def torchtitan_config(
    arch: Architecture,
    layout: Layout,
    *,
    precision: str,
    seq_len: int,
    global_batch: int,
    model: str = "",
    flavor: str = "",
) -> dict[str, Any]:
    """Return TorchTitan's configuration of a layout: sections, keys and values.

    Parameters
    ----------
    arch : Architecture
        The model, which decides what TorchTitan can do with it.
    layout : Layout
        One layout: every field a whole number.
    precision : str
        ``bf16``, ``fp8`` (one scale a tensor), ``fp8-rowwise`` or ``mxfp8``.
    seq_len : int
        Tokens of a sequence.
    global_batch : int
        Sequences in a step.
    model, flavor : str
        What TorchTitan calls the model, e.g. ``llama3`` and ``405B``; left out where empty.

    Raises
    ------
    InputError
        If the layout, the batch and the model do not fit together, or there is no such precision.
    NotModelledError
        If TorchTitan cannot do the same; the message names every reason.

    Notes
    -----
    With a pipeline, `local_batch_size` holds all micro-batches of a rank; without one it is a
    micro-batch, and `global_batch_size` says how many are accumulated [3]_.

    Examples
    --------
    >>> from gigawatt.catalog.architecture import architecture
    >>> layout = Layout(tp=8, dp=64, sharding=Sharding.FULL, shard=64)
    >>> config = torchtitan_config(
    ...     architecture("llama-3.1-405b"), layout,
    ...     precision="fp8", seq_len=8192, global_batch=128,
    ... )
    >>> config["parallelism"]["data_parallel_shard_degree"]
    64
    """
    one = one_layout(arch, layout, global_batch)
    if precision not in (*_PRECISIONS, "nvfp4"):
        message = f"precision must be one of {', '.join(_PRECISIONS)}. Got {precision!r} instead."
        raise InputError(message)
    unable = {"it has no NVFP4 recipe": precision == "nvfp4"}
    refuse("TorchTitan", unable | _missing(arch, one) | _forbidden(arch, one, seq_len))
    refuse("TorchTitan", _uneven(arch, one, global_batch))
    converters, quantize = _quantisation(arch, precision)
    name = {"name": model, "flavor": flavor}
    config = {
        "model": {k: v for k, v in name.items() if v} | {"converters": converters},
        "training": {
            "local_batch_size": global_batch // one.dp if one.pp > 1 else one.micro_batch,
            "global_batch_size": global_batch,
            "seq_len": seq_len,
        },
        "parallelism": _parallelism(arch, one),
        "activation_checkpoint": dict(_CHECKPOINT[int(one.recompute)]),
        "compile": {"enable": not (precision == "mxfp8" and one.tp > 1)},
    }
    return config | ({"quantize": quantize} if quantize else {})


def toml_text(config: Mapping[str, Any]) -> str:
    """Return `config` as TOML: tables of tables, strings, numbers, truth values and lists.

    Examples
    --------
    >>> print(toml_text({"training": {"seq_len": 8192}}), end="")
    [training]
    seq_len = 8192
    """
    return "\n".join(_tables(config, ()))


def _tables(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Return one text for each table that has values of its own."""
    own = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in own.items()]
    head = f"[{'.'.join(_key(part) for part in path)}]\n" if path else ""
    texts = [head + "".join(lines)] if own else []
    for key, value in table.items():
        if isinstance(value, dict):
            texts += _tables(value, (*path, key))
    return texts


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else _value(key)


def _value(value: object) -> str:
    # JSON writes all of these as TOML does, but for the DEL sign, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _missing(arch: Architecture, one: Layout) -> dict[str, bool]:
    """Return what of a model TorchTitan has no code for, and whether `arch` has it."""
    return {
        "it has no hybrids with Mamba layers": arch.ssm_layers + arch.ffn_only_layers > 0,
        "it has no experts on a latent width": arch.latent > 0,
        "it has no multi-token prediction": arch.mtp_layers > 0,
        "it has no learned positions": arch.positions > 0,
        "its model with sliding windows, gpt-oss, has no pipeline": (
            arch.window > 0 and arch.window_kind == "sliding" and bool(one.pp > 1)
        ),
        "its attention with windows goes without context parallelism": (
            arch.window > 0 and bool(one.cp > 1)
        ),
    }


def _forbidden(arch: Architecture, one: Layout, seq_len: int) -> dict[str, bool]:
    """Return what of a layout TorchTitan refuses, and whether it is so."""
    ranks, shards = int(one.dp * one.cp), one.sharding == Sharding.FULL and bool(one.shard > 1)
    shard = one.shard if shards else one.cp
    expert_tp = (1, one.tp) if one.ep > 1 else (one.tp,)
    parts = 2 * one.cp * one.tp
    return {
        "it shards parameters and gradients wherever it shards the optimizer": bool(
            ranks > 1 and one.sharding in (Sharding.OPTIMIZER, Sharding.GRADIENTS)
        ),
        "replicas without shards go with no other parallelism": bool(
            ranks > 1 and not shards and one.dp < one.accelerators
        ),
        f"{one.shard} shards are no multiple of the {one.cp} context-parallel ranks": bool(
            shards and one.shard % one.cp > 0
        ),
        "tensor parallelism always shards the sequence": bool(
            one.tp > 1 and not one.sequence_parallel
        ),
        f"experts are cut {' or '.join(str(n) for n in dict.fromkeys(expert_tp))} ways": bool(
            arch.experts and one.etp not in expert_tp
        ),
        f"experts on {one.ep * one.etp} ranks do not divide the {shard * one.tp} of one copy": bool(
            arch.experts and shard * one.tp % (one.ep * one.etp) > 0
        ),
        f"{seq_len} tokens are no multiple of {parts}, 2 * cp * tp": bool(
            one.tp * one.cp > 1 and seq_len % parts > 0
        ),
        "virtual stages need at least two stages": bool(one.vpp > 1 and one.pp == 1),
        "a pipeline with zero bubble needs two or more virtual stages": bool(
            one.pp > 1 and one.schedule == Schedule.ZERO_BUBBLE and one.vpp == 1
        ),
    }


def _uneven(arch: Architecture, one: Layout, global_batch: int) -> dict[str, bool]:
    """Return what keeps the layers and micro-batches from filling the stages of a pipeline."""
    if one.pp == 1:
        return {}
    stages, modules = int(one.pp * one.vpp), arch.layers + _ENDS
    micro = int(one.micro_batches(global_batch))
    rounds = max(1, micro // int(one.pp))
    told = one.vpp > _SPREAD
    return {
        f"{micro} micro-batches are no multiple of their {rounds} rounds": bool(
            one.vpp > 1 and micro % rounds > 0
        ),
        f"no number of layers a stage cuts {arch.layers} layers into {stages} stages": bool(
            stages > modules or (told and -(-modules // _layers_per_stage(arch, one)) != stages)
        ),
    }


def _layers_per_stage(arch: Architecture, one: Layout) -> int:
    return int(-(-(arch.layers + _ENDS) // (one.pp * one.vpp)))


def _parallelism(arch: Architecture, one: Layout) -> dict[str, Any]:
    ranks = int(one.dp * one.cp)
    shard = int(one.shard if one.sharding == Sharding.FULL else one.cp)
    degrees: dict[str, Any] = {
        # Context-parallel ranks shard too, and are not counted here.
        "data_parallel_replicate_degree": ranks // shard,
        "data_parallel_shard_degree": shard // int(one.cp),
        "fsdp_reshard_after_forward": "always",
        "tensor_parallel_degree": int(one.tp),
        "pipeline_parallel_degree": int(one.pp),
        "context_parallel_degree": int(one.cp),
    }
    if arch.experts:
        degrees |= {
            "expert_parallel_degree": int(one.ep),
            # Without expert parallelism experts follow the model, and the key has no effect.
            "expert_tensor_parallel_degree": int(one.etp),
        }
    if one.pp > 1:
        looped = one.schedule == Schedule.ZERO_BUBBLE
        several = "InterleavedZeroBubble" if looped else "Interleaved1F1B"
        degrees |= {
            "pipeline_parallel_schedule": several if one.vpp > 1 else "1F1B",
            "pipeline_parallel_microbatch_size": int(one.micro_batch),
        }
    if one.pp > 1 and one.vpp > _SPREAD:
        degrees["pipeline_parallel_layers_per_stage"] = _layers_per_stage(arch, one)
    return degrees


def _quantisation(arch: Architecture, precision: str) -> tuple[list[str], dict[str, Any]]:
    """Return the converters of a precision and their settings; the output head stays in BF16."""
    if precision == "bf16":
        return [], {}
    kind = "mx" if precision == "mxfp8" else "float8"
    recipes = {"fp8": "tensorwise", "fp8-rowwise": "rowwise", "mxfp8": "mxfp8_cublas"}
    linear = {"recipe_name": recipes[precision], "filter_fqns": ["output"]}
    quantize: dict[str, Any] = {"linear": {kind: linear}}
    if arch.experts:
        quantize["grouped_mm"] = {kind: {"fqns": ["experts"]}}
    return [f"quantize.{part}.{kind}" for part in quantize], quantize
