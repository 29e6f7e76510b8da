"""Every layout of a training step, as arrays that broadcast.

A layout is a choice of *degrees* (how many accelerators do what, and the micro-batch) and of *ways*
(virtual stages, schedule, sharding, recomputation). Most of what a step costs depends on one of the
two alone. So a `Block` of layouts is the product of both: an array over ways has axes of its own
before that over degrees, and NumPy broadcasting computes each part of a model once for all layouts
that share it.

What counts as a layout:

- `tp` divides the heads and `cp` the sequence, `dp` times `micro_batch` the global batch;
- `pp` is at most the layers; virtual stages divide the layers of the fullest stage;
- `ep` divides the experts; an expert is cut `tp` ways or not at all;
- interleaved stages need micro-batches that are a multiple of the stages [1]_; zero bubble, never
  interleaved, needs at least as many as stages: with fewer, nothing fills the bubble [2]_;
- parameters are sharded fully only without a pipeline: over all ranks (FSDP), or over as many as
  fit into one scale-up domain or one pod (HSDP).

References
----------
.. [1] D. Narayanan et al., "Efficient large-scale language model training on GPU clusters using
       Megatron-LM", SC21, arXiv:2104.04473, section 2.2.2.
.. [2] P. Qi et al., "Zero bubble pipeline parallelism", arXiv:2401.10241, section 2.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from math import isqrt
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.network import Fabric
    from gigawatt.compute.training.limits import Limits

    Integers = NDArray[np.int64]

__all__ = ["Block", "Space", "divisors"]

# Layouts of one block: enough to make calls of NumPy cheap, few enough for the cache of a core.
_BLOCK_LAYOUTS: Final = 65_536
_FEWEST_DEGREES: Final = 64
_CHOICES: Final = 2**21  # of experts and micro-batches laid out at once

# Fields of a layout that are degrees, and those that number its layers.
_DEGREES: Final = ("tp", "pp", "cp", "dp", "ep", "etp", "micro_batch", "sequence_parallel", "shard")
_CELL: Final = ("tp", "cp", "ep", "cut", "micro_batch", "sequence_parallel")

# Reasons for which a choice is no layout.
NO_PRODUCT: Final = "degrees do not multiply to the accelerators"
BATCH: Final = "batch does not divide"
HEADS: Final = "heads do not divide"
SEQUENCE: Final = "sequence does not divide"
EXPERTS: Final = "experts do not divide"
RANKS: Final = "expert groups do not divide the ranks"
STAGES: Final = "more stages than layers"
VIRTUAL: Final = "virtual stages do not divide the layers of a stage"
MICRO_BATCHES: Final = "micro-batches do not suit the schedule"
PIPELINE_SHARDED: Final = "full sharding with a pipeline"


@dataclass(frozen=True, slots=True)
class Block:
    """Layouts as a product of ways and degrees.

    Parameters
    ----------
    layout : Layout
        Fields are ints or arrays. The last axis is that of degrees; before it come those of
        recompute, of virtual stages with schedule, and of sharding. `recompute` has two axes, `vpp`
        and `schedule` have three, `sharding` and `shard` four.
    valid : ndarray
        Which combinations are layouts; broadcasts over all axes.
    cell : ndarray
        Number of (tp, cp, ep, etp, micro_batch, sequence_parallel) of each choice of degrees, below
        `Space.cells`: those with the same number have the same layers.
    """

    layout: Layout
    valid: NDArray[np.bool_]
    cell: Integers

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Lengths of the axes: sharding, virtual stages, recompute, degrees."""
        ways = (self.layout.sharding, self.layout.vpp, self.layout.recompute)
        sharding, virtual, recompute = (len(np.asarray(way)) for way in ways)
        return sharding, virtual, recompute, len(self.cell)

    def keep(self, degrees: NDArray[np.bool_] | slice) -> Block:
        """Return the block of some of the degrees."""
        some = {name: np.asarray(getattr(self.layout, name))[..., degrees] for name in _DEGREES}
        return Block(replace(self.layout, **some), self.valid[..., degrees], self.cell[degrees])

    def rows(self, flat: Integers) -> Integers:
        """Return the fields of `Layout`, in order, of the layouts at flat indices: one row each."""
        at = np.unravel_index(flat, self.shape)
        columns = []
        for item in fields(Layout):
            value = np.asarray(getattr(self.layout, item.name))
            own = zip(at[4 - value.ndim :], value.shape, strict=True)
            columns.append(value[tuple(axis if size > 1 else 0 * axis for axis, size in own)])
        return np.stack(np.broadcast_arrays(*columns), axis=1)


class _Ways(NamedTuple):
    """Whether there is a pipeline, and the virtual stages and schedules that go together."""

    piped: bool
    vpp: tuple[int, ...]
    schedule: tuple[int, ...]


@dataclass(frozen=True)
class Space:
    """All layouts of a model on a number of accelerators at one global batch.

    Parameters
    ----------
    dims : Dims
        One model.
    fabric : Fabric
        The network, whose domains and pods bound the groups of HSDP.
    accelerators, seq_len, global_batch : int
        Accelerators, tokens of a sequence, sequences of a step.
    limits : Limits
        What a layout may be.
    rejected : Counter
        Filled by `blocks`: how many choices were no layout, by reason. A choice of degrees that is
        dropped before its ways are laid out counts as one.
    """

    dims: Dims
    fabric: Fabric
    accelerators: int
    seq_len: int
    global_batch: int
    limits: Limits
    rejected: Counter[str] = field(default_factory=Counter)

    @cached_property
    def axes(self) -> dict[str, Integers]:
        """Values of each degree to try, apart from the pipeline's."""
        experts = max(int(self.dims.experts), 1)
        totals = {
            "tp": (int(self.dims.heads), HEADS),
            "cp": (self.seq_len, SEQUENCE),
            "ep": (experts, EXPERTS),
            "dp": (self.global_batch, BATCH),
            "micro_batch": (self.global_batch, BATCH),
        }
        axes = {
            name: self._allowed(name, divisors(total), reason)
            for name, (total, reason) in totals.items()
        }
        for name in ("tp", "cp", "ep", "dp"):
            axes[name] = axes[name][axes[name] <= self.accelerators]
        axes["sequence_parallel"] = np.array(self.limits.sequence_parallel)
        axes["cut"] = np.arange(2 if experts > 1 else 1)  # experts whole, or cut `tp` ways
        return axes

    @property
    def cells(self) -> int:
        """How many different layers there can be."""
        return int(np.prod([len(self.axes[name]) for name in _CELL]))

    @property
    def stages(self) -> Integers:
        """Numbers of pipeline stages to try."""
        if self.limits.idle == 0:
            return self._allowed("pp", divisors(self.accelerators), NO_PRODUCT)
        return self._allowed("pp", np.arange(1, int(self.dims.layers) + 1), STAGES)

    @cached_property
    def recompute(self) -> Integers:
        """Ways of recomputing to try."""
        return self.limits.pick("recompute", np.array(list(Recompute), dtype=np.int64))

    def blocks(self) -> Iterator[Block]:
        """Yield all layouts, block by block, and count what is none in `rejected`.

        Degrees wait until those that go with the same ways fill a block.
        """
        waiting: dict[_Ways, list[dict[str, Integers]]] = {}
        for pp in self.stages.tolist():
            if pp > self.dims.layers:
                self.rejected[STAGES] += 1
                continue
            for ways, degrees in self._stage(pp):
                same = waiting.setdefault(ways, [])
                same.append(degrees)
                if sum(len(some["tp"]) for some in same) >= self._most(ways):
                    yield from self._blocks(ways, waiting.pop(ways))
        for ways, same in waiting.items():
            yield from self._blocks(ways, same)

    def _most(self, ways: _Ways) -> int:
        """Return how many degrees make up a block."""
        shards = 2 if ways.piped else 5
        return max(
            _FEWEST_DEGREES,
            _BLOCK_LAYOUTS // (shards * len(ways.vpp) * max(len(self.recompute), 1)),
        )

    def _blocks(self, ways: _Ways, parts: list[dict[str, Integers]]) -> Iterator[Block]:
        degrees = {name: np.concatenate([some[name] for some in parts]) for name in parts[0]}
        for part in _slices(len(degrees["tp"]), self._most(ways)):
            block = self._block(ways, {name: values[part] for name, values in degrees.items()})
            if block.valid.size:
                yield block

    def _block(self, ways: _Ways, degrees: dict[str, Integers]) -> Block:
        cell = degrees.pop("cell")
        vpp, schedule = np.array(ways.vpp), np.array(ways.schedule)
        sharding, shard, valid = self._shards(degrees, piped=ways.piped)
        if ways.piped and self.limits.allows("sharding", np.array(Sharding.FULL)):
            self.rejected[PIPELINE_SHARDED] += len(vpp) * len(self.recompute) * len(cell)
        layout = Layout(
            vpp=vpp[:, None, None],
            schedule=schedule[:, None, None],
            recompute=self.recompute[:, None],
            sharding=sharding[:, None, None, None],
            shard=shard[:, None, None, :],
            **degrees,
        )
        return Block(layout, valid[:, None, None, :], cell)

    def _stage(self, pp: int) -> Iterator[tuple[_Ways, dict[str, Integers]]]:
        """Yield the degrees with `pp` pipeline stages, and the ways that they go with."""
        products = self._products(pp)
        pipelines = self._pipelines(pp)
        choices = len(self.axes["ep"]) * len(self.axes["cut"]) * len(self.axes["micro_batch"])
        most = max(_FEWEST_DEGREES, _CHOICES // max(choices, 1))
        for part in _slices(len(products["tp"]), most):
            degrees = self._degrees(pp, {name: at[part] for name, at in products.items()})
            micro = self.global_batch // (degrees["dp"] * degrees["micro_batch"])
            whole = micro % pp == 0
            plain = [way for way in pipelines if way == (1, Schedule.ONE_F_ONE_B)]
            single = [way for way in pipelines if way[0] == 1]
            kinds = ((whole, pipelines), (~whole & (micro >= pp), single), (micro < pp, plain))
            for some, ways in kinds:
                count = int(np.count_nonzero(some))
                self.rejected[MICRO_BATCHES] += count * (len(pipelines) - len(ways))
                if count and ways:
                    key = _Ways(pp > 1, *zip(*ways, strict=True))
                    yield key, {name: values[some] for name, values in degrees.items()}

    def _allowed(self, name: str, values: Integers, reason: str) -> Integers:
        """Return the values that limits allow, and count what they ask for in vain."""
        asked = getattr(self.limits, name)
        if asked is not None:
            self.rejected[reason] += len(set(asked) - set(values.tolist()))
        return self.limits.pick(name, values)

    def _pipelines(self, pp: int) -> list[tuple[int, int]]:
        """Return virtual stages and schedules that go together."""
        parts = divisors(int(np.ceil(self.dims.layers / pp))) if pp > 1 else np.array([1])
        vpp = self._allowed("vpp", parts, VIRTUAL).tolist()
        ways = [(virtual, int(Schedule.ONE_F_ONE_B)) for virtual in vpp]
        if pp > 1 and 1 in vpp:
            ways.append((1, int(Schedule.ZERO_BUBBLE)))
        return [way for way in ways if self.limits.allows("schedule", np.array(way[1]))]

    def _products(self, pp: int) -> dict[str, Integers]:
        """Return where tp, cp and dp lie on their axes, for all that make up the accelerators."""
        tp, cp, dp = (self.axes[name] for name in ("tp", "cp", "dp"))
        most = self.accelerators
        least = max(int(np.ceil(most * (1.0 - self.limits.idle) - 1e-9)), 1)
        used = pp * tp[:, None] * cp
        # How many sizes of data parallelism make up an allowed number of accelerators.
        sizes = most // used - (least - 1) // used
        product = used[:, :, None] * dp
        right = (product >= least) & (product <= most)
        if self.limits.dp is None:
            self.rejected[NO_PRODUCT] += int(np.sum(sizes == 0))
            self.rejected[BATCH] += int(np.sum(sizes) - np.sum(right))
        else:
            self.rejected[NO_PRODUCT] += int(np.sum(~right.any(axis=2)))
        return dict(zip(("tp", "cp", "dp"), np.nonzero(right), strict=True))

    def _degrees(self, pp: int, index: dict[str, Integers]) -> dict[str, Integers]:
        """Return all degrees that go with tp, cp and dp at `index` of their axes, and the cells."""
        axes = self.axes
        tp, cp, dp = (axes[name][index[name]] for name in ("tp", "cp", "dp"))
        wide = tp[:, None, None] > 1
        etp = np.where(axes["cut"] > 0, tp[:, None, None], 1)
        # Where there is no tensor parallelism, whole experts and cut ones are the same.
        listed = (wide | (axes["cut"] == 0)) & self.limits.allows("etp", etp)
        fits = listed & ((tp * cp * dp)[:, None, None] % (axes["ep"][:, None] * etp) == 0)
        self.rejected[RANKS] += int(np.sum(listed) * len(axes["ep"]) - np.sum(fits))
        row, ep, cut = np.nonzero(fits)
        whole = (self.global_batch // dp[row])[:, None, None] % axes["micro_batch"][:, None] == 0
        # Nor is there anything that sequence parallelism could cut.
        flags = axes["sequence_parallel"]
        case, micro, flag = np.nonzero(whole & (wide[row] | (np.arange(len(flags)) == 0)))
        found = {name: at[row[case]] for name, at in index.items()}
        own = {"ep": ep[case], "cut": cut[case], "micro_batch": micro, "sequence_parallel": flag}
        found |= own
        cell = np.zeros_like(micro)
        for name in _CELL:
            cell = cell * len(axes[name]) + found[name]
        values = {name: axes[name][at] for name, at in found.items() if name != "cut"}
        etp = np.where(found["cut"] > 0, values["tp"], 1)
        return values | {"etp": etp, "pp": np.full_like(cell, pp), "cell": cell}

    def _shards(
        self, degrees: dict[str, Integers], *, piped: bool
    ) -> tuple[Integers, Integers, NDArray[np.bool_]]:
        """Return kinds of sharding, the ranks each cuts over, and where that makes sense."""
        ranks, tp = degrees["dp"] * degrees["cp"], degrees["tp"]
        several = ranks > 1
        ways = [
            (Sharding.NONE, np.ones_like(ranks), np.ones_like(several)),
            (Sharding.OPTIMIZER, ranks, several),
            (Sharding.GRADIENTS, ranks, several),
        ]
        if not piped:
            domain, pod = (
                _largest_divisors(ranks, np.minimum(chips, self.accelerators) // tp)
                for chips in (self.fabric.scale_up_chips, self.fabric.pod_chips)
            )
            full = [(ranks, several), (domain, (domain > 1) & (domain < ranks))]
            full.append((pod, (pod > domain) & (pod < ranks)))
            ways += [
                (Sharding.FULL, shard, valid & self.limits.allows("shard", shard))
                for shard, valid in full
            ]
        allowed = set(self.limits.pick("sharding", np.array(list(Sharding))).tolist())
        ways = [way for way in ways if way[0] in allowed and np.any(way[2])]
        kinds, shards, valid = zip(*ways, strict=True) if ways else ((), (), ())
        shape = (len(ways), len(ranks))
        return (
            np.array(kinds, dtype=np.int64),
            np.array(shards, dtype=np.int64).reshape(shape),
            np.array(valid, dtype=bool).reshape(shape),
        )


def divisors(number: int) -> Integers:
    """Return the divisors of a positive whole number, rising.

    Examples
    --------
    >>> divisors(12).tolist()
    [1, 2, 3, 4, 6, 12]
    """
    low = np.arange(1, isqrt(number) + 1)
    low = low[number % low == 0]
    return np.unique(np.concatenate((low, number // low)))


def _slices(count: int, step: int) -> list[slice]:
    return [slice(start, start + step) for start in range(0, count, step)]


def _largest_divisors(numbers: Integers, most: NDArray[np.float64]) -> Integers:
    """Return the largest divisor of each number that is at most `most`; 1 if none is."""
    cases, back = np.unique(np.stack((numbers, most), axis=1), axis=0, return_inverse=True)
    found = []
    for number, bound in cases:
        parts = divisors(int(number))
        found.append(parts[max(int(np.searchsorted(parts, bound, side="right")) - 1, 0)])
    return np.array(found, dtype=np.int64)[back.ravel()]
