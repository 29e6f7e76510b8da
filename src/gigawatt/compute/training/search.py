"""The best ways to train a model on so many accelerators: an exact search over all layouts.

Every layout of `gigawatt.compute.training.space` is decided on: it does not fit into memory, or its
step is timed. Nothing is pruned or sampled, so the answer is what timing one layout after another
gives. The search is quick because it computes once what many layouts share:

1. layouts come as products of ways and degrees, over which the models' arrays broadcast;
2. memory comes first; degrees that fit in no way are dropped;
3. a layer's time depends neither on pipeline nor on data parallelism: it is computed once for each
   cut of the layer, when the first layout needs it, and looked up afterwards;
4. blocks of layouts are small enough for a core's cache, and only the best are kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.training.layout import Layout
from gigawatt.compute.training.limits import Limits
from gigawatt.compute.training.memory import training_memory, used_gb
from gigawatt.compute.training.space import Space
from gigawatt.compute.training.step import Block as Layer
from gigawatt.compute.training.step import assemble, block_time, step_time
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.memory import StateRecipe
    from gigawatt.compute.training.memory import TrainingMemory
    from gigawatt.compute.training.space import Block
    from gigawatt.compute.training.step import Machine, StepTime

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    _Candidates = tuple[Floats, Integers]
    Power = Callable[[Layout, StepTime], float | Floats]
    Progress = Callable[[int], None]

__all__ = ["MEMORY", "Found", "Front", "search"]

MEMORY: Final = "does not fit in memory"
"""Reason of rejection of layouts that need more memory than an accelerator has."""

_ALL: Final = Limits()
_FIELDS: Final = tuple(item.name for item in fields(Layout))
_PARTS: Final = tuple(item.name for item in fields(Layer))
_HELD: Final = 4096  # candidates collected before they are held against one another
_FINITE: Final = float(np.finfo(float).max)
_SCREENS: Final = 6  # points of the front that are held against every layout


@dataclass(frozen=True, slots=True)
class Front:
    """Layouts that no other beats in one respect without losing in another (Pareto front).

    Of layouts alike in all respects it has the first in the order of `Layout`'s fields. All arrays
    are as long, sorted by time, and compare `step_s`, `used_gb`, `accelerators` and, where a
    function for it was given, `power`.
    """

    layout: Layout
    step_s: Floats
    used_gb: Floats
    accelerators: Integers
    power: Floats | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Parameters
    ----------
    layout : Layout
        The best layouts, quickest first; of equally quick ones the first in the order of
        `Layout`'s fields comes first. Arrays of length 0 where nothing fits.
    step : StepTime
        Their steps.
    memory : TrainingMemory
        Their memory.
    used_gb : ndarray
        Memory that a monitor shows [GB].
    idle : ndarray
        Accelerators that each leaves unused, of those asked for.
    front : Front
        The Pareto front over time, memory, accelerators and power.
    rejected : dict
        How many choices were dropped, by reason.
    timed : int
        Layouts whose step was timed; with `rejected` they add up to `enumerated`.
    """

    layout: Layout
    step: StepTime
    memory: TrainingMemory
    used_gb: Floats
    idle: Integers
    front: Front
    rejected: dict[str, int]
    timed: int

    @property
    def enumerated(self) -> int:
        """All choices that were looked at."""
        return self.timed + sum(self.rejected.values())

    @property
    def decided(self) -> int:
        """Valid layouts: timed, or found too large for the memory."""
        return self.timed + self.rejected.get(MEMORY, 0)


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same all through a search."""

    dims: Dims
    machine: Machine
    seq_len: int
    global_batch: int
    recipe: StateRecipe
    hbm_gb: float
    power: Power | None


def search(  # noqa: PLR0913  each is a question of its own to the user
    dims: Dims,
    machine: Machine,
    *,
    accelerators: int | Sequence[int],
    seq_len: int,
    global_batch: int,
    recipe: StateRecipe,
    hbm_gb: float,
    limits: Limits = _ALL,
    top: int = 10,
    power: Power | None = None,
    progress: Progress | None = None,
) -> Found:
    """Return the quickest layouts of all, and the Pareto front.

    Parameters
    ----------
    dims : Dims
        One model (scalars).
    machine : Machine
        One accelerator with its network and software (scalars).
    accelerators : int or sequence of int
        How many there are; with several counts, each is searched and the front compares them.
        `Limits.idle` lets a layout leave a share of them unused.
    seq_len, global_batch : int
        Tokens of a sequence and sequences of a step.
    recipe : StateRecipe
        Bytes of each parameter and activation.
    hbm_gb : float
        Memory of one accelerator [GB].
    limits : Limits
        What a layout may be.
    top : int
        How many of the quickest to return, at least 1.
    power : callable, optional
        Power of layouts with such steps, any unit, as arrays that broadcast: a further objective.
    progress : callable, optional
        Called after each block with the number of layouts decided on so far.

    Returns
    -------
    Found
        Empty where nothing fits; `Found.rejected` says why.

    Raises
    ------
    InputError
        If a count, `seq_len`, `global_batch` or `top` is not a positive whole number.
    """
    counts = np.unique(accelerators).tolist()
    _check(accelerators=min(counts, default=0), seq_len=seq_len, batch=global_batch, top=top)
    task = _Task(dims, machine, seq_len, global_batch, recipe, hbm_gb, power)
    best = _Best(top=top, objectives=3 + (power is not None))
    rejected: Counter[str] = Counter()
    timed = 0
    for count in counts:
        spread = Space(dims, machine.fabric, count, seq_len, global_batch, limits, rejected)
        layers = _Layers(task, spread)
        for block in spread.blocks():
            valid = int(np.count_nonzero(block.valid)) * block.shape[1] * block.shape[2]
            fitting = _evaluate(task, block, layers, best)
            rejected[MEMORY] += valid - fitting
            timed += fitting
            if progress is not None:
                progress(timed + rejected[MEMORY])
    best.settle()
    return _found(task, best, max(counts), {k: n for k, n in rejected.items() if n}, timed)


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1 or number != int(number):
            message = f"{name} must be a whole number of at least 1; found {number}"
            raise InputError(message)


def _evaluate(task: _Task, block: Block, layers: _Layers, best: _Best) -> int:
    """Time all layouts of a block that fit, offer them to `best`, and return how many there are."""
    memory = training_memory(task.dims, block.layout, task.seq_len, task.global_batch, task.recipe)
    used = np.broadcast_to(used_gb(memory), block.shape)
    fits = (used <= task.hbm_gb) & block.valid
    count = int(np.count_nonzero(fits))
    if count == 0:
        return 0
    some = np.asarray(fits.any(axis=(0, 1, 2)))
    if not some.all():
        block, used, fits = block.keep(some), used[..., some], fits[..., some]
    layout, size = block.layout, (task.seq_len, task.global_batch)
    step = assemble(task.dims, layout, task.machine, size, layers.at(block))
    time_s = np.where(fits, step.total_s, np.inf)
    objectives: list[Any] = [time_s, used, layout.accelerators]
    if task.power is not None:
        objectives.append(task.power(layout, step))
    best.offer(block, [np.broadcast_to(values, block.shape) for values in objectives])
    return count


class _Layers:
    """Times of layers, one for each cut of a layer and way of recomputing, computed when needed.

    `known` says which cuts are there; until then their places in `table`, whose axes are the parts
    of `step.Block`, recompute and the cuts, hold nothing.
    """

    def __init__(self, task: _Task, spread: Space) -> None:
        self._task = task
        self._recompute = spread.recompute[:, None]
        self._known = np.zeros(spread.cells, dtype=bool)
        self._table = np.empty((len(_PARTS), len(self._recompute), spread.cells))

    def at(self, block: Block) -> Layer:
        """Return the layers of all layouts of a block."""
        missing = np.flatnonzero(~self._known[block.cell])
        if len(missing):
            cells, first = np.unique(block.cell[missing], return_index=True)
            self._compute(block, cells, missing[first])
        return Layer(*self._table.take(block.cell, axis=2))

    def _compute(self, block: Block, cells: Integers, at: Integers) -> None:
        task, layout = self._task, block.layout
        cuts = Layout(
            tp=np.asarray(layout.tp)[at],
            cp=np.asarray(layout.cp)[at],
            ep=np.asarray(layout.ep)[at],
            etp=np.asarray(layout.etp)[at],
            micro_batch=np.asarray(layout.micro_batch)[at],
            sequence_parallel=np.asarray(layout.sequence_parallel)[at],
            recompute=self._recompute,
        )
        layer = block_time(task.dims, cuts, task.machine, task.seq_len)
        for part, name in enumerate(_PARTS):
            self._table[part][:, cells] = getattr(layer, name)
        self._known[cells] = True


class _Best:
    """The quickest layouts and the Pareto front of all that were offered.

    A candidate is a row of objectives and a row of layout fields. Candidates that may belong to the
    quickest or to the front are collected, and held against one another once there are many.
    """

    def __init__(self, top: int, objectives: int) -> None:
        self._top = top
        self._waiting: list[_Candidates] = []
        self._count = 0
        self._slowest = np.inf  # of the quickest, once there are `top`
        self._screens: Floats = np.empty((0, objectives))
        self.quickest = self.front = (
            np.empty((0, objectives)),
            np.empty((0, len(_FIELDS)), dtype=np.int64),
        )

    def offer(self, block: Block, objectives: list[Floats]) -> None:
        """Take in a block's layouts, whose time is infinite where they do not fit."""
        time_s = objectives[0]
        if not len(self._screens):
            self._screens = _sample(objectives)
        wanted = time_s < np.inf
        for point in self._screens:
            # Slower and no better in anything else: beaten for certain.
            beaten = time_s > point[0]
            for values, bound in zip(objectives[1:], point[1:], strict=True):
                beaten &= values >= bound
            wanted &= ~beaten
        quick = time_s[time_s <= self._slowest]
        bound = self._slowest
        if len(quick) > self._top:
            bound = np.partition(quick, self._top - 1)[self._top - 1]
        wanted |= time_s <= min(bound, _FINITE)
        flat = np.flatnonzero(wanted)
        at = np.unravel_index(flat, block.shape)
        rows = np.stack([values[at] for values in objectives], axis=1).astype(float)
        self._waiting.append((rows, block.rows(flat)))
        self._count += len(flat)
        if self._count >= _HELD:
            self.settle()

    def settle(self) -> None:
        """Hold all that was collected against one another."""
        self.quickest = _quickest(*_joined([self.quickest, *self._waiting]), self._top)
        self.front = _front(*_joined([self.front, *self._waiting]))
        self._waiting, self._count = [], 0
        if len(self.quickest[0]) == self._top:
            self._slowest = float(self.quickest[0][-1, 0])
        chosen = np.linspace(0, max(len(self.front[0]) - 1, 0), _SCREENS).astype(int)
        self._screens = self.front[0][np.unique(chosen)[: len(self.front[0])]]


def _sample(objectives: list[Floats]) -> Floats:
    """Return some layouts of a block that are good in time, in memory, or in a mix of both."""
    time_s, used = objectives[:2]
    mixes = [np.argmin(time_s * used**weight) for weight in (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)]
    return np.array([[values.flat[at] for values in objectives] for at in sorted(set(mixes))])


def _joined(parts: list[_Candidates]) -> _Candidates:
    values, rows = zip(*parts, strict=True)
    return np.concatenate(values), np.concatenate(rows)


def _quickest(values: Floats, rows: Integers, top: int) -> _Candidates:
    """Return the `top` quickest candidates, sorted by time, then by layout."""
    if len(rows) > top:
        near = values[:, 0] <= np.partition(values[:, 0], top - 1)[top - 1]
        values, rows = values[near], rows[near]
    order = np.lexsort((*rows.T[::-1], values[:, 0]))[:top]
    return values[order], rows[order]


def _front(values: Floats, rows: Integers) -> _Candidates:
    """Return the candidates that no other beats; of equal ones the first layout stays."""
    if len(rows) == 0:
        return values, rows
    order = np.lexsort(values.T[::-1])
    values, rows = values[order], rows[order]
    group = np.append(0, np.cumsum(np.any(values[1:] != values[:-1], axis=1)))
    own = np.flatnonzero(np.isin(group, group[_undominated(values)]))
    own = own[np.lexsort((*rows[own].T[::-1], group[own]))]
    own = own[np.append(True, group[own[1:]] != group[own[:-1]])]
    return values[own], rows[own]


def _undominated(values: Floats) -> Integers:
    """Return which rows no other beats; they are sorted, and of equal ones the first stays."""
    kept = []
    left = np.arange(len(values))
    others = np.ascontiguousarray(values[:, 1:].T)
    while len(left):
        # What comes first is beaten by nothing that comes later; it beats what is nowhere better.
        kept.append(left[0])
        better = np.any(others < others[:, :1], axis=0)
        left, others = left[better], others[:, better]
    return np.array(kept, dtype=np.int64)


def _layouts(rows: Integers) -> Layout:
    return Layout(**dict(zip(_FIELDS, rows.T, strict=True)))


def _found(
    task: _Task, best: _Best, accelerators: int, rejected: dict[str, int], timed: int
) -> Found:
    layout = _layouts(best.quickest[1])
    values, rows = best.front
    size = (task.seq_len, task.global_batch)
    memory = training_memory(task.dims, layout, *size, task.recipe)
    return Found(
        layout=layout,
        step=step_time(task.dims, layout, task.machine, *size),
        memory=memory,
        used_gb=np.asarray(used_gb(memory)),
        idle=accelerators - np.asarray(layout.accelerators),
        front=Front(
            layout=_layouts(rows),
            step_s=values[:, 0],
            used_gb=values[:, 1],
            accelerators=values[:, 2].astype(np.int64),
            power=values[:, 3] if task.power is not None else None,
        ),
        rejected=rejected,
        timed=timed,
    )
