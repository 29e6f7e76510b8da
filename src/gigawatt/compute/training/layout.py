"""How one training step is spread over accelerators.

A layout is a handful of whole numbers. Every field of `Layout` is an int or an integer array;
arrays broadcast against one another, so that one object may hold a million layouts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = int | NDArray[np.int64]

__all__ = ["Layout", "Recompute", "Schedule", "Sharding"]


class Recompute(IntEnum):
    """What the backward pass computes again instead of having kept it."""

    NONE = 0
    """Everything is kept."""
    SELECTIVE = 1
    """Scores and softmax of attention (a flash kernel does so by itself) [Korthikanti 2022]."""
    FULL = 2
    """The whole layer, from its input alone."""
    OPERATORS = 3
    """All but attention and every second product (selective checkpointing of PyTorch)."""


class Sharding(IntEnum):
    """What the members of a data-parallel group keep only a part of."""

    NONE = 0
    """Each keeps parameters, gradients and optimizer whole."""
    OPTIMIZER = 1
    """The optimizer's state (ZeRO-1, distributed optimizer)."""
    GRADIENTS = 2
    """The optimizer's state and the gradients (ZeRO-2), scattered as soon as a stage is done."""
    FULL = 3
    """Parameters, gradients and optimizer (ZeRO-3, FSDP), gathered layer by layer."""


class Schedule(IntEnum):
    """Order of micro-batches in a pipeline."""

    ONE_F_ONE_B = 0
    """One forward, one backward; interleaved where a rank holds several virtual stages."""
    ZERO_BUBBLE = 1
    """Weight gradients fill the bubble (ZB-H1 of Qi et al. 2023)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Degrees of parallelism and what goes with them.

    The accelerators number ``tp * cp * pp * dp``. Experts are spread inside ``tp * cp * dp``: each
    expert is cut `etp` ways and `ep` groups hold different experts, so ``tp * cp * dp`` is a
    multiple of ``etp * ep``.

    Parameters
    ----------
    tp : int or ndarray
        Tensor parallel size, always with sequence parallelism unless `sequence_parallel` is 0.
    pp, vpp : int or ndarray
        Pipeline stages, and virtual stages on each rank (1: not interleaved).
    cp : int or ndarray
        Context parallel size.
    ep, etp : int or ndarray
        Expert parallel size and the tensor parallel size inside one expert.
    dp : int or ndarray
        Data parallel size.
    micro_batch : int or ndarray
        Sequences in one micro-batch of one data-parallel rank.
    recompute, sharding, schedule : int or ndarray
        Values of `Recompute`, `Sharding` and `Schedule`.
    shard : int or ndarray
        Ranks over which `Sharding.FULL` cuts the parameters; `dp * cp` for FSDP, less for HSDP,
        1 otherwise.
    sequence_parallel : int or ndarray
        1 where activations outside the matrix products are cut `tp` ways too.
    """

    tp: Ints = 1
    pp: Ints = 1
    vpp: Ints = 1
    cp: Ints = 1
    ep: Ints = 1
    etp: Ints = 1
    dp: Ints = 1
    micro_batch: Ints = 1
    recompute: Ints = int(Recompute.NONE)
    sharding: Ints = int(Sharding.OPTIMIZER)
    shard: Ints = 1
    schedule: Ints = int(Schedule.ONE_F_ONE_B)
    sequence_parallel: Ints = 1

    @property
    def accelerators(self) -> Ints:
        """How many accelerators the layout uses."""
        return self.tp * self.cp * self.pp * self.dp

    @property
    def expert_dp(self) -> Ints:
        """How many copies of each expert there are."""
        return self.tp * self.cp * self.dp // (self.ep * self.etp)

    def micro_batches(self, global_batch: Ints) -> Ints:
        """Return the micro-batches that each pipeline runs in one step."""
        return global_batch // (self.dp * self.micro_batch)

    def take(self, index: NDArray[np.int64] | int) -> Layout:
        """Return the layouts at `index`, where fields are arrays."""
        chosen: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            chosen[field.name] = value[index] if isinstance(value, np.ndarray) else value
        return Layout(**chosen)
