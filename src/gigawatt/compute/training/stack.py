"""Software that trains: what it fuses, overlaps and keeps, and when it was released.

The same model on the same chips gets faster from release to release, and differs between kinds of
software. A `Stack` names the kind and the date; the traits below are what each kind is known to do
[1]_, [2]_, [3]_. How much time a trait costs is learnt from measurements (`calibration`).

References
----------
.. [1] D. Narayanan et al., "Efficient large-scale language model training on GPU clusters using
       Megatron-LM", SC21, arXiv:2104.04473.
.. [2] Y. Zhao et al., "PyTorch FSDP", VLDB 2023, arXiv:2304.11277.
.. [3] W. Liang et al., "TorchTitan", ICLR 2025, arXiv:2410.06511.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gigawatt.errors import InputError, nearest

__all__ = ["FAMILIES", "Family", "Stack", "stack", "stack_for"]


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of training software.

    Parameters
    ----------
    name : str
        Its name.
    title : str
        What it stands for.
    engine : str
        How its kernels reach the chip: ``eager`` (one launch after another from Python), ``fused``
        (the same, with hand-fused modules), ``compiled`` (fused by a compiler of layers) or ``xla``
        (whole graphs).
    flash_since : float
        Year from which attention runs as one kernel that keeps no scores; infinite: never.
    vendor_attention_since : float
        Year from which attention on Hopper and later uses the maker's own kernels.
    """

    name: str
    title: str
    engine: str
    flash_since: float
    vendor_attention_since: float = float("inf")


FAMILIES: Final = {
    f.name: f
    for f in (
        Family("megatron", "Megatron-LM, Megatron Core, NeMo", "fused", 2023.2, 2023.7),
        Family("deepspeed", "Megatron-DeepSpeed", "eager", float("inf")),
        Family("fsdp", "PyTorch FSDP run eagerly", "eager", 2023.0),
        Family("torchtitan", "PyTorch FSDP2 with torch.compile", "compiled", 2023.0),
        Family("internevo", "InternEvo (ZeRO over PyTorch)", "eager", 2023.0),
        Family("xla", "JAX and XLA: MaxText, PaxML", "xla", 2023.0, 2024.5),
        Family("neuron", "AWS Neuron", "xla", 2023.0),
        Family("habana", "Intel Gaudi software", "xla", 2023.0),
    )
}
"""Kinds of training software, by name."""

_NATIVE: Final = {"Google": "xla", "AWS": "neuron", "Intel": "habana"}
"""What a maker's accelerators are mostly trained with; all others with Megatron."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One release of one kind of training software.

    Parameters
    ----------
    family : Family
        The kind.
    year : float
        Date of the release as a decimal year.
    """

    family: Family
    year: float

    @property
    def flash(self) -> bool:
        """Whether attention runs as one kernel that keeps no scores."""
        return self.year >= self.family.flash_since

    @property
    def vendor_attention(self) -> bool:
        """Whether attention on Hopper and later uses the maker's own kernels."""
        return self.year >= self.family.vendor_attention_since

    @property
    def name(self) -> str:
        """``family@year-month``."""
        year, month = int(self.year), int((self.year % 1) * 12 + 1e-6) + 1
        return f"{self.family.name}@{year}-{month:02d}"

    def eager(self) -> Stack:
        """Return the stack with kernels launched one by one."""
        return replace(self, family=replace(self.family, engine="eager"))


def stack(text: str) -> Stack:
    """Return the stack that ``family@YYYY-MM`` names.

    Examples
    --------
    >>> stack("megatron@2025-07").year
    2025.5

    Raises
    ------
    InputError
        If there is no such family, or the date is not a year and a month.
    """
    family, _, date = text.partition("@")
    if family not in FAMILIES:
        close = nearest(family, FAMILIES)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        message = f"software must be one of {', '.join(FAMILIES)}; found '{family}'{hint}"
        raise InputError(message)
    year, _, month = date.partition("-")
    if not (year.isdigit() and month.isdigit() and 1 <= int(month) <= 12):
        message = f"a training stack is written family@YYYY-MM; found '{text}'"
        raise InputError(message)
    return Stack(FAMILIES[family], int(year) + (int(month) - 1) / 12)


def stack_for(vendor: str, year: float) -> Stack:
    """Return the software that accelerators of a maker are mostly trained with."""
    return Stack(FAMILIES[_NATIVE.get(vendor, "megatron")], year)
