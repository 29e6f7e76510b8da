"""One training step in one layout: time with its band, memory, utilisation and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.bands import Estimate
from gigawatt.compute.dims import dims_of
from gigawatt.compute.memory import STATE_RECIPES
from gigawatt.compute.network import check
from gigawatt.compute.training import calibration
from gigawatt.compute.training.memory import training_memory, used_gb
from gigawatt.compute.training.setting import peak_flops
from gigawatt.compute.training.step import StepTime, step_time
from gigawatt.compute.work import active_parameters, training_flop_per_token

if TYPE_CHECKING:
    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.memory import StateRecipe
    from gigawatt.compute.training.layout import Layout
    from gigawatt.compute.training.memory import TrainingMemory
    from gigawatt.compute.training.setting import Setting

__all__ = ["StepEstimate", "capacity_gb", "estimate_step", "state_recipe", "step_band"]

_GIB_PER_GB: Final = 2**30 / 1e9
"""Makers count accelerator memory in units of 2**30 bytes and write GB: an 80 GB H100 holds
81,559 MiB."""

_NEAR: Final = 1.6
"""A model is like a measured one where their active parameters differ by at most this factor."""


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """What one training step takes.

    Parameters
    ----------
    layout : Layout
        How it is spread.
    step_s : Estimate
        Seconds with P10 and P90.
    parts : StepTime
        Central time by what it is spent on.
    memory : TrainingMemory
        Memory of the fullest accelerator, by what holds it.
    used_gb : float
        All of it, what driver and libraries take included [GB].
    capacity_gb : float
        Memory of the accelerator [GB].
    tokens_per_s : float
        Tokens of all accelerators.
    mfu : float
        Model FLOP over the dense peak of the recipe's format.
    notes : tuple of str
        What is extrapolated.
    """

    layout: Layout
    step_s: Estimate
    parts: StepTime
    memory: TrainingMemory
    used_gb: float
    capacity_gb: float
    tokens_per_s: float
    mfu: float
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the memory suffices."""
        return self.used_gb <= self.capacity_gb

    @property
    def seconds_by_part(self) -> dict[str, float]:
        """Central seconds of the step by what they are spent on; they sum to `step_s.value`."""
        return {f.name: float(getattr(self.parts, f.name)) for f in fields(self.parts)}


def capacity_gb(setting: Setting) -> float:
    """Return the memory of a chip in GB of 1e9 bytes."""
    return setting.chip.number("hbm_gb") * _GIB_PER_GB


def state_recipe(setting: Setting) -> StateRecipe:
    """Return what the software keeps of each parameter and activation in a recipe."""
    if setting.stack.family.engine == "compiled":
        return STATE_RECIPES["fsdp"]
    name = "fp8" if setting.precision in ("fp8-rowwise", "int8") else setting.precision
    return STATE_RECIPES[name]


def estimate_step(
    arch: Architecture, layout: Layout, setting: Setting, seq_len: int, global_batch: int
) -> StepEstimate:
    """Return the time, memory and utilisation of one training step.

    Parameters
    ----------
    arch : Architecture
        The model.
    layout : Layout
        One layout (whole numbers).
    setting : Setting
        Chip, recipe and software.
    seq_len, global_batch : int
        Tokens of a sequence and sequences of a step.

    Raises
    ------
    NotModelledError
        If a bandwidth is needed that nobody published.
    """
    machine, missing = calibration.machine(setting)
    dims = dims_of(arch)
    check(machine.fabric, float(layout.accelerators), 1.0)
    parts = step_time(dims, layout, machine, float(seq_len), float(global_batch))
    memory = training_memory(dims, layout, seq_len, global_batch, state_recipe(setting))
    total = float(parts.total_s)
    tokens = global_batch * seq_len
    flop = training_flop_per_token(arch, seq_len) * tokens
    peak = peak_flops(setting.chip, setting.precision) * int(layout.accelerators)
    band, notes = step_band(arch, setting, missing)
    estimate = Estimate(
        total, total * band[0], total * band[1], int(band[2]), _facts(setting), "; ".join(notes)
    )
    return StepEstimate(
        layout,
        estimate,
        parts,
        memory,
        float(np.max(used_gb(memory))),
        capacity_gb(setting),
        tokens / total,
        flop / total / peak,
        notes,
    )


def step_band(
    arch: Architecture, setting: Setting, missing: tuple[str, ...]
) -> tuple[tuple[float, float, float], tuple[str, ...]]:
    """Return P10 and P90 of measured over predicted step time, and what is extrapolated.

    The band is that of rows left out at random where a model like this one was measured on the
    generation in the recipe, and that of whole models left out where none was. Where the generation
    or the recipe itself was not measured, the wider spread of the unmeasured parameters is added.

    Returns
    -------
    tuple
        P10, P90 and the number of residuals; notes.
    """
    known = calibration.load()
    active = active_parameters(arch) / 1e9
    alike = any(
        generation == setting.generation
        and recipe == setting.precision
        and kind == arch.kind
        and 1 / _NEAR <= active / size <= _NEAR
        for generation, recipe, kind, size in known["neighbours"]
    )
    table: dict[str, list[float]] = known["bands"]["near" if alike else "far"]
    keys = (f"{arch.kind}|{setting.generation}", arch.kind, "all")
    count, low, high = next(table[key] for key in keys if key in table)
    notes = []
    if missing:
        notes.append(
            f"extrapolated: no measured training step on {setting.chip.id} in "
            f"{setting.precision}; {', '.join(missing)} taken from its forebear or expected"
        )
        spread = float(np.exp(_UNMEASURED_SPREAD))
        low, high = low / spread, high * spread
    elif not alike:
        notes.append(
            f"extrapolated: no {arch.kind} model of this size was measured on "
            f"{setting.generation} in {setting.precision}"
        )
    return (low, high, count), tuple(notes)


_UNMEASURED_SPREAD: Final = 0.25
"""P90 of the logarithm of speed that a generation without measurements may differ by: 1.28 times
the spread of 0.2 expected of its share of the peak before any measurement."""


def _facts(setting: Setting) -> tuple[str, ...]:
    named = (
        "bf16_tflops", "fp8_tflops", "fp4_tflops", "hbm_gb", "hbm_gb_per_s",
        "scale_up_chips", "scale_up_gb_per_s", "scale_out_gbit_per_s", "sm_count",
    )  # fmt: skip
    return tuple(setting.chip[name].key for name in named if name in setting.chip)


def as_dict(estimate: StepEstimate) -> dict[str, Any]:
    """Return an estimate as plain numbers and text, for programs."""
    layout = {f.name: int(getattr(estimate.layout, f.name)) for f in fields(estimate.layout)}
    memory = {
        f.name: float(np.max(getattr(estimate.memory, f.name))) for f in fields(estimate.memory)
    }
    return {
        "layout": layout,
        "accelerators": int(estimate.layout.accelerators),
        "step_time_s": {
            "p10": estimate.step_s.low,
            "p50": estimate.step_s.value,
            "p90": estimate.step_s.high,
        },
        "seconds_by_part": estimate.seconds_by_part,
        "tokens_per_s": estimate.tokens_per_s,
        "mfu": estimate.mfu,
        "memory_gb": {**memory, "used_gb": estimate.used_gb, "capacity_gb": estimate.capacity_gb},
        "fits": estimate.fits,
        "notes": list(estimate.notes),
    }
