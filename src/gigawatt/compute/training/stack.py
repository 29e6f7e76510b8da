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

from gigawatt.errors import InputError, UnknownNameError

__all__ = ["FAMILIES", "Family", "Stack", "stack"]


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
        How its kernels reach the chip: ``eager`` (one launch after another from Python),
        ``fused`` (hand-fused modules, transformer engine) or ``compiled`` (whole graphs).
    flash_since : float
        Year from which attention runs as one kernel that keeps no scores; infinite: never.
    sharded_optimizer : bool
        Whether the optimizer is cut over the data-parallel ranks unless stated.
    gradient_bytes : float
        Bytes of a gradient when it is summed over ranks.
    """

    name: str
    title: str
    engine: str
    flash_since: float
    sharded_optimizer: bool
    gradient_bytes: float


FAMILIES: Final = {
    f.name: f
    for f in (
        Family("megatron", "Megatron-LM, Megatron Core, NeMo", "fused", 2023.2, True, 4.0),
        Family("deepspeed", "Megatron-DeepSpeed", "eager", float("inf"), True, 2.0),
        Family("fsdp", "PyTorch FSDP run eagerly", "eager", 2023.0, True, 2.0),
        Family("torchtitan", "PyTorch FSDP2 with torch.compile", "compiled", 2023.0, True, 2.0),
        Family("internevo", "InternEvo (ZeRO over PyTorch)", "eager", 2023.0, True, 2.0),
        Family("xla", "JAX and XLA: MaxText, PaxML", "compiled", 2023.0, True, 2.0),
        Family("neuron", "AWS Neuron", "compiled", 2023.0, True, 2.0),
        Family("habana", "Intel Gaudi software", "compiled", 2023.0, True, 2.0),
    )
}
"""Kinds of training software, by name."""


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
    UnknownNameError
        If there is no such family.
    InputError
        If the date is not a year and a month.
    """
    family, _, date = text.partition("@")
    if family not in FAMILIES:
        raise UnknownNameError("training stack", family, list(FAMILIES))
    year, _, month = date.partition("-")
    if not (year.isdigit() and month.isdigit() and 1 <= int(month) <= 12):
        message = f"a training stack is written family@YYYY-MM; found '{text}'"
        raise InputError(message)
    return Stack(FAMILIES[family], int(year) + (int(month) - 1) / 12)
