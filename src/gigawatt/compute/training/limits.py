"""What the layouts of a search may be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.compute.training.layout import Layout
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a layout may be; None allows all that `space` lists.

    Parameters
    ----------
    tp, pp, vpp, cp, ep, etp, dp, micro_batch, recompute, sharding, shard, schedule : tuple of int
        Values that may be chosen, as of `Layout`. `shard` limits `Sharding.FULL` alone.
    sequence_parallel : tuple of int
        1 unless stated.
    idle : float
        Share of the accelerators that may stay unused, so that the others divide better.

    Raises
    ------
    InputError
        If a tuple is empty or `idle` is not in [0, 1].
    """

    tp: tuple[int, ...] | None = None
    pp: tuple[int, ...] | None = None
    vpp: tuple[int, ...] | None = None
    cp: tuple[int, ...] | None = None
    ep: tuple[int, ...] | None = None
    etp: tuple[int, ...] | None = None
    dp: tuple[int, ...] | None = None
    micro_batch: tuple[int, ...] | None = None
    recompute: tuple[int, ...] | None = None
    sharding: tuple[int, ...] | None = None
    shard: tuple[int, ...] | None = None
    schedule: tuple[int, ...] | None = None
    sequence_parallel: tuple[int, ...] = (1,)
    idle: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) == ():
                message = f"limits on {item.name} must allow a value; found none"
                raise InputError(message)
        if not 0.0 <= self.idle <= 1.0:
            message = f"idle must be a share in [0, 1]; found {self.idle}"
            raise InputError(message)

    @classmethod
    def fixed(cls, values: Mapping[str, int]) -> Limits:
        """Return limits that pin the fields of `Layout` named in `values`.

        Examples
        --------
        >>> Limits.fixed({"tp": 8, "recompute": 0}).tp
        (8,)
        """
        unknown = sorted(set(values) - {item.name for item in fields(Layout)})
        if unknown:
            message = f"a layout has no field {', '.join(unknown)}"
            raise InputError(message)
        return cls(**{name: (int(value),) for name, value in values.items()})  # type: ignore[arg-type]

    def pick(self, name: str, values: Integers) -> Integers:
        """Return those of `values` that the field `name` may have."""
        return values[self.allows(name, values)]

    def allows(self, name: str, values: Integers) -> NDArray[np.bool_]:
        """Return which of `values` the field `name` may have."""
        allowed = getattr(self, name)
        if allowed is None:
            return np.ones(values.shape, dtype=bool)
        return np.isin(values, allowed)
