"""On what a training step runs: chip, number format, software and the cluster around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry
    from gigawatt.compute.training.stack import Stack

__all__ = ["RECIPES", "Setting", "launch_year", "narrow_format", "peak_flops"]

RECIPES: Final = {
    # recipe: peaks that may carry it out, bytes of an operand
    "bf16": (("bf16_tflops",), 2.0),
    "fp8": (("fp8_tflops",), 1.0),
    "fp8-rowwise": (("fp8_tflops",), 1.0),
    "mxfp8": (("fp8_tflops",), 1.0 + 1.0 / 32.0),
    "nvfp4": (("fp4_tflops",), 0.5 + 1.0 / 16.0),
    "int8": (("int8_tflops",), 1.0),
}
"""Recipes of the matrix products. MXFP8 shares a scale of one byte among 32 numbers, NVFP4 among
16 (OCP Microscaling Formats v1.0, 2023; "Pretraining LLMs with NVFP4", arXiv:2509.25149)."""


@dataclass(frozen=True)
class Setting:
    """On what a step runs.

    Parameters
    ----------
    chip : Entry
        Accelerator of the catalogue.
    precision : str
        A key of `RECIPES`.
    stack : Stack
        Software.
    power_share : float
        Power limit over the rated power.
    scale_out_gbit_per_s : float
        Port of one accelerator, 0 for the chip's usual one.
    trained_share : float
        Share of the parameters that are trained; 0 with adapters.
    pod_chips, oversubscription : float
        Accelerators under switches that carry all their traffic, and how much fewer links leave.
    """

    chip: Entry
    precision: str
    stack: Stack
    power_share: float = 1.0
    scale_out_gbit_per_s: float = 0.0
    trained_share: float = 1.0
    pod_chips: float = float("inf")
    oversubscription: float = 1.0

    def __post_init__(self) -> None:
        """Refuse recipes that nobody or not this chip knows."""
        if self.precision not in RECIPES:
            message = f"precision must be one of {', '.join(RECIPES)}; found '{self.precision}'"
            raise InputError(message)
        peak_flops(self.chip, self.precision)

    @property
    def key(self) -> tuple[object, ...]:
        """What tells one setting from another."""
        return (
            self.chip.id,
            self.precision,
            self.stack,
            self.power_share,
            self.scale_out_gbit_per_s,
            self.trained_share,
            self.pod_chips,
            self.oversubscription,
        )

    @cached_property
    def generation(self) -> str:
        """Generation of the chip, or its own name."""
        return self.chip.text("generation", self.chip.id)

    @cached_property
    def captured(self) -> bool:
        """Whether the software replays captured graphs of kernels in place of single launches.

        Megatron-Bridge captures on rack-scale systems, whose hosts are slower, since the end of
        2025, and on all systems since early 2026.
        """
        year = self.stack.year if self.stack.family.name == "megatron" else 0.0
        rack = self.chip.number("scale_up_chips", 1.0) > 16
        return year >= (2025.6 if rack else 2026.2)


def peak_flops(chip: Entry, precision: str) -> float:
    """Return the dense peak at which `chip` multiplies in a recipe's format [FLOP/s].

    Raises
    ------
    NotModelledError
        If no such peak is published for the chip.
    """
    for field in RECIPES[precision][0]:
        if field in chip:
            return chip.number(field) * 1e12
    message = f"no dense peak for {precision} is published for chip '{chip.id}'"
    raise NotModelledError(message)


def launch_year(generation: str) -> float:
    """Return when the first chip of a generation came out, as a decimal year; NaN if unknown."""
    dates = [
        chip.text("launch_date")
        for chip in catalog.load().entries("chip")
        if chip.text("generation", chip.id) == generation and "launch_date" in chip
    ]
    if not dates:
        return float("nan")
    year, month = min(dates).split("-")[:2]
    return int(year) + (int(month) - 1) / 12.0


def narrow_format(setting: Setting) -> str | None:
    """Return the recipe where it is narrower than BF16, else None: BF16 needs no casts."""
    return None if setting.precision == "bf16" else setting.precision
