"""From learnt parameters to the accelerator, network and software of a step.

The parameters were fitted to published measurements by ``calibration/fit_training.py``; their
values, what they rest on and the bands of the residuals stand in ``calibration.json``. A generation
or format without measurements takes those of its forebear, or the expectation before any
measurement, and is *extrapolated*.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from math import isnan
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.kernels import Rates
from gigawatt.compute.learnt import learnt_value, parameter_name
from gigawatt.compute.network import Fabric, fabric_of
from gigawatt.compute.training.parameters import ROLES
from gigawatt.compute.training.setting import RECIPES, launch_year, peak_flops
from gigawatt.compute.training.step import Machine, Overheads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gigawatt.compute.training.setting import Setting

    Numbers = float | NDArray[Any]

__all__ = ["Hardware", "hardware_of", "load", "machine", "machine_from"]

_MEMORY_SHARE: Final = 0.85
"""Share of the memory's peak that long streams reach: 1,700 to 1,750 of 2,039 GB/s on an A100 80GB
and 2,900 of 3,350 GB/s on an H100 with the copy kernel of BabelStream."""

_PLAIN_GEMM_SHARE: Final = 0.75
"""Share of the BF16 peak that the output head reaches, as large products do before any fit."""

_CLOCK_EXPONENT: Final = 1.0 / 3.0
"""Dynamic power grows with the cube of the clock where the voltage follows it."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What is published about the hardware and software of one or many settings.

    Each field is a number or an array with one value for each setting; `fabric` holds such arrays.
    """

    peak_flops: Numbers
    bf16_flops: Numbers
    memory_bytes_per_s: Numbers
    units: Numbers
    input_bytes: Numbers
    gradient_bytes: Numbers
    clock: Numbers
    age_years: Numbers
    year: Numbers
    flash: Numbers
    node_dispatch: Numbers
    trained: Numbers
    fabric: Fabric


def hardware_of(settings: Sequence[Setting]) -> Hardware:
    """Return what is published about `settings`, as arrays over them."""
    rows = [_published(setting) for setting in settings]
    fabrics = [_fabric(setting) for setting in settings]
    joined = {
        field.name: np.array([float(getattr(fabric, field.name)) for fabric in fabrics])
        for field in fields(Fabric)
        if field.init
    }
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Hardware(fabric=Fabric(**joined), **columns)


def _published(setting: Setting) -> dict[str, float]:
    chip, stack = setting.chip, setting.stack
    launched = launch_year(setting.generation)
    modern = stack.family.name != "megatron" or stack.year >= 2023.0
    return {
        "peak_flops": peak_flops(chip, setting.precision),
        "bf16_flops": peak_flops(chip, "bf16"),
        "memory_bytes_per_s": chip.number("hbm_gb_per_s") * 1e9 * _MEMORY_SHARE,
        "units": chip.number("sm_count", 1.0),
        "input_bytes": RECIPES[setting.precision][1],
        # Megatron summed gradients in FP32 until NeMo's recipes turned to BF16 in 2023.
        "gradient_bytes": 2.0 if modern else 4.0,
        "clock": setting.power_share**_CLOCK_EXPONENT,
        # Software for a chip that is not out yet is as young as it can be.
        "age_years": 0.0 if isnan(launched) else max(0.0, stack.year - launched),
        "year": stack.year,
        "flash": float(stack.flash),
        # DeepEP (2025) was the first library to send a token once to each host.
        "node_dispatch": float(stack.year >= 2025.5),
        "trained": setting.trained_share,
    }


def _fabric(setting: Setting) -> Fabric:
    overrides: dict[str, Any] = {
        "pod_chips": setting.pod_chips,
        "oversubscription": setting.oversubscription,
    }
    if setting.scale_out_gbit_per_s:
        overrides["scale_out_bytes_per_s"] = setting.scale_out_gbit_per_s * 1e9 / 8.0
    return fabric_of(setting.chip, **overrides)


def machine_from(hardware: Hardware, value: Mapping[str, Numbers]) -> Machine:
    """Return the machine that published facts and parameter values make.

    Parameters
    ----------
    hardware : Hardware
        Facts.
    value : mapping of str to float or ndarray
        Value of each role of `ROLES`, one number or one for each setting.
    """
    late = np.exp(-hardware.age_years / value["maturing"])
    speed = hardware.clock * value["chip"] / (1.0 + value["young"] * late)
    # Software for experts gains with the years and with the age of the chip.
    young = np.exp(value["expert_rate"] * np.clip(2026.0 - hardware.year, -1.0, 3.0))
    young = young * (1.0 + value["young_experts"] * late)
    forward = np.minimum(
        hardware.bf16_flops * value["attention"] * speed, 0.95 * hardware.bf16_flops
    )
    rates = Rates(
        gemm_flops=np.minimum(hardware.peak_flops * value["gemm"] * speed, hardware.peak_flops),
        plain_gemm_flops=hardware.bf16_flops * np.minimum(_PLAIN_GEMM_SHARE * speed, 1.0),
        attention_forward_flops=forward,
        attention_backward_flops=forward * value["attention_backward"],
        scan_flops=hardware.bf16_flops * np.minimum(value["scan"] * speed, 1.0),
        memory_bytes_per_s=hardware.memory_bytes_per_s,
        units=hardware.units,
        inner_half=value["inner_half"],
        tail_waves=value["tail_waves"],
        sequence_half=value["sequence_half"],
        gap_s=value["gap"],
        input_bytes=hardware.input_bytes,
        cast_bytes=value["cast"],
        passes=value["passes"],
        expert_passes=value["expert_passes"] * young,
        expert_gemm_slowdown=1.0 + value["expert_gemm"] * young,
    )
    overheads = Overheads(
        flash=hardware.flash,
        host_layer_s=value["host_layer"],
        host_moe_s=value["host_moe"] * young,
        host_expert_s=value["host_expert"] * young,
        tensor_exposed=value["tensor_exposed"],
        expert_exposed=value["expert_exposed"],
        context_exposed=value["context_exposed"],
        gradient_exposed=value["gradient_exposed"],
        gradient_bytes=hardware.gradient_bytes,
        dispatch_bytes=2.0,
        node_dispatch=hardware.node_dispatch,
        step_s=value["step"],
        jitter=value["jitter"],
        trained=hardware.trained,
    )
    return Machine(rates, hardware.fabric, overheads)


@cache
def load() -> dict[str, Any]:
    """Return the content of ``calibration.json``."""
    text = files("gigawatt.compute.training").joinpath("calibration.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def machine(setting: Setting) -> tuple[Machine, tuple[str, ...]]:
    """Return the machine of one setting, and which of its parameters were not measured.

    Fields are plain floats, so that one machine serves any number of layouts.

    Parameters
    ----------
    setting : Setting
        Chip, format, software.

    Returns
    -------
    tuple
        The machine, and the names of the parameters that are extrapolated.
    """
    key = setting.key
    if key not in _MACHINES:
        _MACHINES[key] = _build(setting)
    return _MACHINES[key]


_MACHINES: dict[tuple[object, ...], tuple[Machine, tuple[str, ...]]] = {}
"""Machines made so far: a plan asks for the same one again and again."""


def _build(setting: Setting) -> tuple[Machine, tuple[str, ...]]:
    values, missing = {}, []
    known: Mapping[str, float] = load()["values"]
    for role in ROLES.values():
        key = role.key(setting)
        if key is None:
            values[role.name] = 1.0 if role.name == "chip" else 0.0
            continue
        values[role.name], measured = learnt_value(known, role, key)
        if not measured and role.name in ("gemm", "attention"):
            missing.append(parameter_name(role.name, key))
    hardware = hardware_of([setting])
    flat = {
        f.name: float(getattr(hardware, f.name)[0]) for f in fields(Hardware) if f.name != "fabric"
    }
    return machine_from(Hardware(fabric=_fabric(setting), **flat), values), tuple(missing)
