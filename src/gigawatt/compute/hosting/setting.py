"""On what a model is served: chip, number formats, engine and its date."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

__all__ = ["CACHES", "ENGINES", "WEIGHTS", "ServingSetting"]

WEIGHTS: Final = {
    # format of the weights: bytes of one, and the peaks that may multiply it, best first
    "bf16": (2.0, ("bf16_tflops",)),
    "fp8": (1.0, ("fp8_tflops", "bf16_tflops")),
    "fp4": (0.5 + 1.0 / 16.0, ("fp4_tflops", "fp8_tflops", "bf16_tflops")),
    "mxfp4": (0.5 + 1.0 / 32.0, ("fp4_tflops", "bf16_tflops")),
    "int8": (1.0, ("int8_tflops", "bf16_tflops")),
    "int4": (0.5 + 2.0 / 128.0, ("bf16_tflops",)),
}
"""Formats of weights. FP4 shares a byte of scale among 16 (NVFP4) or 32 (MXFP4) weights, INT4 two
bytes among 128 (AWQ, arXiv:2306.00978); INT4 weights are widened before they are multiplied."""

CACHES: Final = {"bf16": 2.0, "fp8": 1.0}
"""Formats of cached keys and values, with their bytes."""

ENGINES: Final = ("vllm", "sglang", "tensorrt-llm")
"""Serving engines that were measured."""

_PYTORCH_BACKEND_YEAR: Final = 2025.45


@dataclass(frozen=True)
class ServingSetting:
    """On what a model is served.

    Parameters
    ----------
    chip : Entry
        Accelerator of the catalogue.
    weights, cache : str
        Formats of the weights and of keys and values.
    software : str
        One of `ENGINES`.
    year : float
        Date of its release as a decimal year.
    power_share : float
        Power limit over the rated power.
    """

    chip: Entry
    weights: str = "fp8"
    cache: str = "fp8"
    software: str = "vllm"
    year: float = 2026.25
    power_share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what nobody knows."""
        for name, value, known in (
            ("weights", self.weights, WEIGHTS),
            ("cache", self.cache, CACHES),
            ("software", self.software, ENGINES),
        ):
            if value not in known:
                message = f"{name} must be one of {', '.join(known)}; found '{value}'"
                raise InputError(message)

    @cached_property
    def generation(self) -> str:
        """Generation of the chip, or its own name."""
        return self.chip.text("generation", self.chip.id)

    @cached_property
    def _peak(self) -> tuple[str, float]:
        for field in WEIGHTS[self.weights][1]:
            if field in self.chip:
                return field.removesuffix("_tflops"), self.chip.number(field) * 1e12
        message = f"no dense peak for {self.weights} is published for chip '{self.chip.id}'"
        raise NotModelledError(message)

    @property
    def arithmetic(self) -> str:
        """Format in which products are computed: that of the weights, or a wider one."""
        return self._peak[0]

    @property
    def peak_flops(self) -> float:
        """Dense peak in that format [FLOP/s]."""
        return self._peak[1]

    @property
    def compiled(self) -> bool:
        """Whether the engine runs a plan compiled before, as TensorRT-LLM did up to 0.20.

        Its version 1.0 (September 2025) made the PyTorch backend the default.
        """
        return self.software == "tensorrt-llm" and self.year < _PYTORCH_BACKEND_YEAR

    @property
    def weight_bytes(self) -> float:
        """Bytes of a weight."""
        return WEIGHTS[self.weights][0]

    @property
    def cache_bytes(self) -> float:
        """Bytes of a cached number."""
        return CACHES[self.cache]
