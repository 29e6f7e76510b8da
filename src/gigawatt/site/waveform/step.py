r"""What every accelerator of a job does during one training step.

A stage s of a pipeline of p stages (v parts each, m micro-batches) that takes F and B for one
micro-batch forward and backward is idle four times in a step of 1F1B [1]_:

==========================  ==============  ===================================================
when                        how long        why
==========================  ==============  ===================================================
at the start                s F / v         the first micro-batch is still on its way
after the first forwards    (p-1-s) B / v   no gradient has come back yet
before the last backwards   (p-1-s) F / v   no forward pass is left to fill the wait
at the end                  s B / v         earlier stages finish the last micro-batch
==========================  ==============  ===================================================

They sum to the bubble (p - 1)(F + B) / v of every stage, but at different times, so the power of
the cluster rises and falls in p stairs. Then all wait for the sum of the gradients, update, and
prepare the next step.

The slowest accelerator ends the step. Times of N accelerators that vary normally have a largest
one of E(N) standard deviations above the mean, so the wait that the step model knows
(`StepTime.jitter_s`) is E(N) sigma, and a share of them wait longer, some hardly. E(N) is Blom's
approximation [2]_.

References
----------
.. [1] D. Narayanan et al., "Efficient large-scale language model training on GPU clusters using
   Megatron-LM", SC21, arXiv:2104.04473, figures 3 and 4.
.. [2] G. Blom, "Statistical estimates and transformed beta-variables", Wiley 1958, p. 71.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.compute.training.layout import Layout
    from gigawatt.compute.training.step import StepTime

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Levels", "Segments", "StepShape", "joined", "pipeline_segments", "step_shape"]

_GROUPS: Final = 8  # accelerators of a stage by how slow they are; a normal distribution in eighths
_INSIDE: Final = ("tensor_s", "context_s", "expert_s", "pipeline_s")


class Segments(NamedTuple):
    """Power that is on for a while: watts from `begin_s` to `end_s`; all (segments,)."""

    begin_s: Array
    end_s: Array
    watts: Array

    def shifted(self, by_s: float) -> Segments:
        """Return the same, later by `by_s`."""
        return Segments(self.begin_s + by_s, self.end_s + by_s, self.watts)


def joined(parts: list[Segments]) -> Segments:
    """Return several tables as one."""
    return Segments(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Power of one accelerator with its share of host, network and fans, by what it does [W].

    Parameters
    ----------
    forward_w, backward_w : float
        Kernels of the forward and the backward pass.
    communication_w : float
        Waiting for communication that nothing hides.
    bubble_w : float
        Waiting for another stage.
    update_w : float
        Optimizer.
    fixed_w : float
        Between steps, and while the host prepares kernels.
    checkpoint_w : float
        While a checkpoint holds training up.
    idle_w : float
        Nothing to do.
    """

    forward_w: float
    backward_w: float
    communication_w: float
    bubble_w: float
    update_w: float
    fixed_w: float
    checkpoint_w: float
    idle_w: float

    def __post_init__(self) -> None:
        if min(getattr(self, f.name) for f in fields(self)) < 0.0:
            message = f"power must not be negative; got {self}"
            raise InputError(message)

    def raised(self, floor_w: float) -> Levels:
        """Return the levels with a floor that holds while the job runs; idle stays."""
        raised = {
            f.name: max(getattr(self, f.name), floor_w) for f in fields(self) if f.name != "idle_w"
        }
        return replace(self, **raised)

    @property
    def most_w(self) -> float:
        """The greatest of them."""
        return float(max(getattr(self, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShape:
    """Durations of one step.

    Parameters
    ----------
    forward_s, backward_s : float
        One micro-batch on one stage.
    micro_batches, stages : int
        Of a replica; pipeline stages.
    parts : float
        Parts of each stage (virtual stages): the bubble is that many times shorter.
    inside_share, host_share : float
        Shares of forward and backward that are communication, and waiting for the host.
    gradient_s, update_s, fixed_s : float
        After the pipeline, in this order.
    jitter_s : float
        Mean wait for the slowest accelerator.
    """

    forward_s: float
    backward_s: float
    micro_batches: int
    stages: int = 1
    parts: float = 1.0
    inside_share: float = 0.0
    host_share: float = 0.0
    gradient_s: float = 0.0
    update_s: float = 0.0
    fixed_s: float = 0.0
    jitter_s: float = 0.0

    def __post_init__(self) -> None:
        counts = (self.micro_batches, self.stages)
        times = (self.forward_s, self.backward_s, self.gradient_s, self.update_s, self.fixed_s)
        if (
            min(counts) < 1
            or self.parts <= 0.0
            or min(*times, self.jitter_s) < 0.0
            or self.pipeline_s <= 0.0
        ):
            message = f"a step needs whole counts and times that are not negative; got {self}"
            raise InputError(message)

    @property
    def pipeline_s(self) -> float:
        """From the first kernel to the last of the pipeline, without waiting for the slowest."""
        rounds = self.micro_batches + (self.stages - 1) / self.parts
        return rounds * (self.forward_s + self.backward_s)

    @property
    def total_s(self) -> float:
        """The whole step."""
        after = self.gradient_s + self.update_s + self.fixed_s
        return self.pipeline_s + self.jitter_s + after

    def forward_only(self, total_s: float, busy_s: float) -> StepShape:
        """Return passes without gradients that take `total_s`, of which kernels run `busy_s`."""
        seconds = total_s / (self.micro_batches + (self.stages - 1) / self.parts)
        return replace(
            self,
            forward_s=seconds,
            backward_s=0.0,
            host_share=1.0 - busy_s / total_s,
            inside_share=self.inside_share * busy_s / total_s,
            gradient_s=0.0,
            update_s=0.0,
            fixed_s=0.0,
            jitter_s=0.0,
        )


def step_shape(
    parts: StepTime, layout: Layout, global_batch: int, *, step_s: float | None = None
) -> StepShape:
    """Return the durations of a step as the step model gives them.

    Parameters
    ----------
    parts : StepTime
        Seconds by what they are spent on, of one layout.
    layout : Layout
        One layout.
    global_batch : int
        Sequences of a step.
    step_s : float, optional
        A measured step time: all parts are scaled to it.

    Notes
    -----
    The backward pass takes twice the time of the forward pass, three times with full recomputation:
    the ratio of their arithmetic.
    """
    from gigawatt.compute.training.layout import Recompute  # noqa: PLC0415

    scale = 1.0 if step_s is None else step_s / float(parts.total_s)
    seconds = {f.name: scale * float(getattr(parts, f.name)) for f in fields(parts)}
    inside = sum(seconds[name] for name in _INSIDE)
    busy = seconds["compute_s"] + seconds["host_s"] + inside
    stages = int(layout.pp)
    micro = max(round(global_batch / float(layout.dp * layout.micro_batch)), 1)
    ratio = 3.0 if int(layout.recompute) == Recompute.FULL else 2.0
    # The bubble of the step model fixes how many parts the stages seem to have, whatever the
    # schedule: a fraction where it fills a part of the waits with other work.
    both = busy / micro
    seen = (stages - 1) * both / seconds["bubble_s"] if seconds["bubble_s"] > 0.0 else 1.0
    return StepShape(
        forward_s=both / (1.0 + ratio),
        backward_s=both * ratio / (1.0 + ratio),
        micro_batches=micro,
        stages=stages,
        parts=seen,
        inside_share=inside / busy,
        host_share=seconds["host_s"] / busy,
        gradient_s=seconds["gradient_s"],
        update_s=seconds["update_s"],
        fixed_s=seconds["fixed_s"],
        jitter_s=seconds["jitter_s"],
    )


def pipeline_segments(shape: StepShape, levels: Levels, accelerators: int) -> Segments:
    """Return the power of all accelerators during one step, from its start.

    Parameters
    ----------
    shape : StepShape
        Durations.
    levels : Levels
        Power of one accelerator.
    accelerators : int
        Of the job, spread evenly over the stages.

    Returns
    -------
    Segments
        Their watts times their length sum to the energy of the step.
    """
    pipe = shape.pipeline_s + shape.jitter_s
    # A group that is quicker by d ends its pipeline d earlier and waits.
    early = _ahead_s(shape.jitter_s, accelerators)
    each = accelerators / (shape.stages * early.size)
    parts: list[Segments] = []
    for stage in range(shape.stages):
        begin, end, watts = _stage(shape, levels, stage)
        stretch = (pipe - early) / shape.pipeline_s
        parts.append(
            Segments(
                np.outer(stretch, begin).ravel(),
                np.outer(stretch, end).ravel(),
                np.tile(watts * each, early.size),
            )
        )
    waiting = np.full(early.size, levels.communication_w * each * shape.stages)
    parts.append(Segments(pipe - early, np.full(early.size, pipe), waiting))
    edges = np.cumsum([pipe, shape.gradient_s, shape.update_s, shape.fixed_s])
    after = np.array([levels.communication_w, levels.update_w, levels.fixed_w]) * accelerators
    parts.append(Segments(edges[:-1], edges[1:], after))
    return joined(parts)


def _ahead_s(jitter_s: float, accelerators: int) -> Array:
    """Return by how much equal groups are ahead of the slowest; their mean is the jitter."""
    if jitter_s == 0.0 or accelerators == 1:
        return np.zeros(1)
    normal = NormalDist()
    largest = normal.inv_cdf((accelerators - 0.375) / (accelerators + 0.25))
    middles = (np.arange(_GROUPS) + 0.5) / _GROUPS
    place = np.array([normal.inv_cdf(float(q)) for q in middles])
    ahead: Array = np.maximum(jitter_s * (1.0 - place / largest), 0.0)
    ahead *= jitter_s / float(ahead.mean())
    return ahead


def _stage(shape: StepShape, levels: Levels, stage: int) -> tuple[Array, Array, Array]:
    """Return begin, end and watts of one accelerator of a stage until the pipeline ends."""
    ahead = shape.forward_s / shape.parts
    back = shape.backward_s / shape.parts
    after = shape.stages - 1 - stage
    total = shape.pipeline_s
    warm = (stage * ahead, shape.stages * ahead)
    cool = (total - shape.stages * back, total - stage * back)
    steady = (warm[1] + after * back, cool[0] - after * ahead)
    if steady[1] >= steady[0]:
        busy = [warm, steady, cool]
    else:  # too few micro-batches to keep the stages apart: work in one piece after the fill
        work = shape.micro_batches * (shape.forward_s + shape.backward_s)
        busy = [(stage * ahead, stage * ahead + work)]
    if shape.stages == 1:
        pieces = _alternating(shape, levels)
    else:
        pieces = [(*span, _mixed(shape, levels)) for span in busy if span[1] > span[0]]
    waits = _between([(begin, end) for begin, end, _ in pieces], total)
    pieces += [(*span, levels.bubble_w) for span in waits]
    table = np.array(pieces)
    return table[:, 0], table[:, 1], table[:, 2]


def _alternating(shape: StepShape, levels: Levels) -> list[tuple[float, float, float]]:
    """Return forward and backward of each micro-batch in turn: without stages all do the same."""
    both = shape.forward_s + shape.backward_s
    forward = _inside(shape, levels, levels.forward_w)
    backward = _inside(shape, levels, levels.backward_w)
    if forward == backward:
        return [(0.0, shape.micro_batches * both, forward)]
    pieces = []
    for micro in range(shape.micro_batches):
        begin = micro * both
        pieces.append((begin, begin + shape.forward_s, forward))
        pieces.append((begin + shape.forward_s, begin + both, backward))
    return [piece for piece in pieces if piece[1] > piece[0]]


def _mixed(shape: StepShape, levels: Levels) -> float:
    """Return the mean power of a busy stage: stages alternate at different times."""
    both = shape.forward_s + shape.backward_s
    mean = (levels.forward_w * shape.forward_s + levels.backward_w * shape.backward_s) / both
    return _inside(shape, levels, mean)


def _inside(shape: StepShape, levels: Levels, compute_w: float) -> float:
    """Return power with the communication and waits of every layer, which last microseconds."""
    inside, host = shape.inside_share, shape.host_share
    return (
        (1.0 - inside - host) * compute_w + inside * levels.communication_w + host * levels.fixed_w
    )


def _between(busy: list[tuple[float, float]], total: float) -> list[tuple[float, float]]:
    """Return what of (0, total) the spans leave free."""
    free, at = [], 0.0
    for begin, end in [*sorted(busy), (total, total)]:
        if begin > at:
            free.append((at, begin))
        at = max(at, end)
    return free
