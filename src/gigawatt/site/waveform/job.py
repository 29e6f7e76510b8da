"""A job over time: its start, steps, checkpoints, evaluations, crashes and end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError
from gigawatt.site.waveform.step import Segments, StepShape, joined, pipeline_segments

if TYPE_CHECKING:
    from gigawatt.site.waveform.step import Levels

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Crash", "Job", "job_segments"]

_STAIRS: Final = 64  # groups that a staggered start switches on one after the other
_MOST_SEGMENTS: Final = 50_000_000  # 1.2 GB; more is a slip of the pen


@dataclass(frozen=True, slots=True)
class Crash:
    """A failure that stops all accelerators of a job until it is back.

    Parameters
    ----------
    at_s : float
        When, on the clock of the waveform.
    restart_s : float
        From the failure to the first step after it.
    """

    at_s: float
    restart_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One synchronous training job.

    Parameters
    ----------
    name : str
        What to call it.
    accelerators : int
        How many it holds; they draw idle power while it does not run.
    shape : StepShape
        Durations of a step.
    levels : Levels
        Power of one accelerator.
    start_s, stop_s : float
        When it runs; negative: it has been running.
    start_ramp_s : float
        Time over which groups of accelerators go to full power one after the other before the
        first step, with work that counts for nothing.
    checkpoint_every, evaluate_every : int
        Steps from one to the next; 0 for none.
    checkpoint_s, evaluation_s : float
        How long each holds training up.
    evaluation_gap_s : float
        Part of `evaluation_s` at its beginning in which the host switches over and nothing runs.
    evaluation_busy_s : float, optional
        Part of the rest in which kernels run; the host uses up what is left, a little with every
        batch. All of the rest by default.
    crashes : tuple of Crash
        In order of time.
    step_scatter : float
        Coefficient of variation of the step time from one step to the next.
    """

    name: str
    accelerators: int
    shape: StepShape
    levels: Levels
    start_s: float = 0.0
    stop_s: float = math.inf
    start_ramp_s: float = 0.0
    checkpoint_every: int = 0
    checkpoint_s: float = 0.0
    evaluate_every: int = 0
    evaluation_s: float = 0.0
    evaluation_gap_s: float = 0.0
    evaluation_busy_s: float | None = None
    crashes: tuple[Crash, ...] = ()
    step_scatter: float = 0.0

    def __post_init__(self) -> None:
        times = (
            self.start_ramp_s, self.checkpoint_s, self.evaluation_gap_s, self.step_scatter,
            self.evaluation_s - self.evaluation_gap_s - (self.evaluation_busy_s or 0.0),
        )  # fmt: skip
        last = [crash.at_s for crash in self.crashes]
        if self.accelerators < 1 or min(times) < 0.0 or last != sorted(last):
            message = (
                f"job '{self.name}': accelerators must be 1 or more, times not negative, an "
                "evaluation not shorter than its parts, and crashes in order"
            )
            raise InputError(message)

    @property
    def step_energy_j(self) -> float:
        """Energy of one step [J]."""
        begin, end, watts = pipeline_segments(self.shape, self.levels, self.accelerators)
        return float(((end - begin) * watts).sum())


def job_segments(job: Job, until_s: float, rng: np.random.Generator) -> Segments:
    """Return the power of a job above its idle power from time 0 to `until_s`.

    Parameters
    ----------
    job : Job
        What runs.
    until_s : float
        End of the waveform [s].
    rng : numpy Generator
        Draws step times where they scatter.

    Returns
    -------
    Segments
        Watts above idle; none lies beyond `until_s`.

    Raises
    ------
    InputError
        If the steps are so short that the table would not fit into memory.
    """
    begin, parts = job.start_s, []
    end = min(job.stop_s, until_s)
    for crash in job.crashes:
        parts.append(_run(job, begin, min(crash.at_s, end), rng))
        begin = max(begin, crash.at_s + crash.restart_s)
    parts.append(_run(job, begin, end, rng))
    return joined(parts)


def _run(job: Job, begin: float, end: float, rng: np.random.Generator) -> Segments:
    """Return a stretch of steps without a crash, cut at both ends."""
    if end <= max(begin, 0.0):
        return Segments(np.empty(0), np.empty(0), np.empty(0))
    begin = _near(job, begin)
    one = pipeline_segments(job.shape, job.levels, job.accelerators)
    steps = (end - begin) / job.shape.total_s
    if one.watts.size * steps > _MOST_SEGMENTS:
        message = (
            f"job '{job.name}': {steps:,.0f} steps of {one.watts.size:,} pieces in "
            f"{end - begin:,.0f} s are too many"
        )
        raise InputError(message)
    parts = [_start(job, begin)]
    starts, lengths = _starts(job, begin + job.start_ramp_s, end, rng)
    stretch = lengths / job.shape.total_s
    parts.append(_repeated(one, starts, stretch))
    finished = starts + lengths
    if job.checkpoint_every:
        each = finished[job.checkpoint_every - 1 :: job.checkpoint_every]
        watts = np.full(each.size, job.levels.checkpoint_w * job.accelerators)
        parts.append(Segments(each, each + job.checkpoint_s, watts))
    if job.evaluate_every:
        each = finished[job.evaluate_every - 1 :: job.evaluate_every]
        if job.checkpoint_every:  # a checkpoint of the same step comes first
            which = np.arange(1, each.size + 1) * job.evaluate_every
            each = each + np.where(which % job.checkpoint_every == 0, job.checkpoint_s, 0.0)
        parts.append(_repeated(_evaluation(job), each, np.ones_like(each)))
    return _above_idle(joined(parts), job, begin, end)


def _near(job: Job, begin: float) -> float:
    """Return a start shortly before time 0 at which all goes on as it would from `begin`.

    Steps, checkpoints and evaluations repeat after the least common multiple of their counts.
    """
    often, seldom = max(job.checkpoint_every, 1), max(job.evaluate_every, 1)
    steps = math.lcm(often, seldom)
    round_s = steps * job.shape.total_s
    round_s += (steps // often * job.checkpoint_s) if job.checkpoint_every else 0.0
    round_s += (steps // seldom * job.evaluation_s) if job.evaluate_every else 0.0
    return begin + max(math.floor(-(begin + job.start_ramp_s) / round_s), 0) * round_s


def _starts(job: Job, begin: float, end: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return when each step starts, and how long it takes."""
    total = job.shape.total_s
    count = max(math.ceil((end - begin) / total), 0) + 1
    lengths = np.full(count, total)
    if job.step_scatter:
        # No step takes less than half the mean, however wide the scatter.
        lengths = np.maximum(
            total * (1.0 + job.step_scatter * rng.standard_normal(count)), 0.5 * total
        )
    before = np.arange(count)
    pauses = np.zeros(count)
    if job.checkpoint_every:
        pauses += before // job.checkpoint_every * job.checkpoint_s
    if job.evaluate_every:
        pauses += before // job.evaluate_every * job.evaluation_s
    starts = begin + np.concatenate([[0.0], np.cumsum(lengths)[:-1]]) + pauses
    return starts[starts < end], lengths[starts < end]


def _start(job: Job, begin: float) -> Segments:
    """Return the stairs of a staggered start."""
    if job.start_ramp_s == 0.0:
        return Segments(np.empty(0), np.empty(0), np.empty(0))
    on = begin + job.start_ramp_s * (np.arange(_STAIRS) + 0.5) / _STAIRS
    each = job.accelerators / _STAIRS
    off = np.full(_STAIRS, begin + job.start_ramp_s)
    idle = Segments(np.full(_STAIRS, begin), on, np.full(_STAIRS, job.levels.idle_w * each))
    busy = Segments(on, off, np.full(_STAIRS, job.levels.forward_w * each))
    return joined([idle, busy])


def _evaluation(job: Job) -> Segments:
    """Return an evaluation: the host switches over, then forward passes fill the pipeline."""
    gap = job.evaluation_gap_s
    waiting = Segments(
        np.zeros(1), np.full(1, gap), np.full(1, job.levels.fixed_w * job.accelerators)
    )
    if job.evaluation_s == gap:
        return waiting
    rest = job.evaluation_s - gap
    busy = rest if job.evaluation_busy_s is None else job.evaluation_busy_s
    shape = job.shape.forward_only(rest, busy)
    return joined([waiting, pipeline_segments(shape, job.levels, job.accelerators).shifted(gap)])


def _repeated(one: Segments, starts: Array, stretch: Array) -> Segments:
    return Segments(
        (starts[:, None] + stretch[:, None] * one.begin_s).ravel(),
        (starts[:, None] + stretch[:, None] * one.end_s).ravel(),
        np.tile(one.watts, starts.size),
    )


def _above_idle(segments: Segments, job: Job, begin: float, end: float) -> Segments:
    """Return the segments cut to the run, with idle power taken off while it lasts."""
    first = np.clip(segments.begin_s, begin, end)
    last = np.clip(segments.end_s, begin, end)
    kept = last > first
    idle = Segments(
        np.array([begin]), np.array([end]), np.array([-job.levels.idle_w * job.accelerators])
    )
    return joined([Segments(first[kept], last[kept], segments.watts[kept]), idle])
