"""What jobs held and waited for, and what failed, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt.cluster.jobs import CLASSES
from gigawatt.cluster.kernel import columns as k

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.cluster.run import ClusterRun
    from gigawatt.twin.cluster_run.result import JobsRun

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

__all__ = ["failures_per_step", "held_per_step", "mean_level", "waited_for", "waiting_per_step"]


def mean_level(begin: Longs, end: Longs, height: Longs, edges: Longs) -> Floats:
    """Return the mean sum of `height` in each step over intervals from `begin` to `end`.

    Parameters
    ----------
    begin, end, height : ndarray (n,)
        Intervals [s] and what each adds.
    edges : ndarray (steps + 1,)
        Edges of the steps [s], rising.
    """
    integral = np.zeros(len(edges))
    for times, sign in ((begin, 1.0), (end, -1.0)):
        order = np.argsort(times, kind="stable")
        at, heights = times[order], height[order]
        count = np.searchsorted(at, edges, side="right")
        level = np.concatenate(([0], np.cumsum(heights)))[count]
        moment = np.concatenate(([0], np.cumsum(heights * at)))[count]
        integral += sign * (level * edges - moment)
    return np.asarray(np.diff(integral) / np.diff(edges))


def waited_for(run: ClusterRun) -> tuple[Longs, Longs, Longs]:
    """Return when jobs stood in the queue: job, begin and end of each time [s].

    A job waits from its arrival to its first placement, and from each end that was not its last.
    """
    held = run.held[np.lexsort((run.held[:, k.LOG_BEGIN], run.held[:, k.LOG_JOB]))]
    job, begin, end = (held[:, c] for c in (k.LOG_JOB, k.LOG_BEGIN, k.LOG_END))
    first = np.r_[True, job[1:] != job[:-1]] if len(job) else np.zeros(0, dtype=bool)
    last = np.r_[job[1:] != job[:-1], True] if len(job) else first
    submit = run.jobs.rows["submit_s"]
    came = np.where(first, submit[job], np.r_[0, end[:-1]] if len(end) else end)
    over = (run.fate[:, k.STATUS] == k.DONE) | (run.fate[:, k.STATUS] == k.MISSED)
    ended = run.fate[:, k.END]
    # What is neither done nor at work at the end still waits: from its last end, or its arrival.
    left = last & ~over[job] & (end < run.until_s)
    never = np.flatnonzero((run.fate[:, k.START] < 0) & (submit < run.until_s))
    gone = np.where(over[never] & (ended[never] >= 0), ended[never], run.until_s)
    return (
        np.concatenate([job, job[left], never]),
        np.concatenate([came, end[left], submit[never]]),
        np.concatenate([begin, np.full(int(left.sum()), run.until_s), gone]),
    )


def held_per_step(found: JobsRun, edges: Longs) -> dict[str, Floats]:
    """Return the accelerators that each class held, in the mean of each step."""
    table: dict[str, Floats] = {}
    for part in found.parts:
        held = part.run.held
        kind = part.run.jobs.rows["kind"][held[:, k.LOG_JOB]]
        for number in np.unique(kind):
            rows = held[kind == number]
            begin, end, level = (rows[:, c] for c in (k.LOG_BEGIN, k.LOG_END, k.LOG_HELD))
            name = CLASSES[int(number)]
            mean = mean_level(begin, end, level, edges)
            table[name] = table[name] + mean if name in table else mean
    return {name: table[name] for name in CLASSES if name in table}


def waiting_per_step(found: JobsRun, edges: Longs) -> tuple[Floats, dict[str, Floats]]:
    """Return jobs in the queue, and the accelerators each class waits for, in each step's mean."""
    jobs = np.zeros(len(edges) - 1)
    table: dict[str, Floats] = {}
    for part in found.parts:
        rows = part.run.jobs.rows
        job, begin, end = waited_for(part.run)
        jobs += mean_level(begin, end, np.ones(len(job), dtype=np.int64), edges)
        for number in np.unique(rows["kind"]):
            one = rows["kind"][job] == number
            name = CLASSES[int(number)]
            level = mean_level(begin[one], end[one], rows["accelerators"][job[one]], edges)
            table[name] = table[name] + level if name in table else level
    return jobs, {name: table[name] for name in CLASSES if name in table}


def failures_per_step(found: JobsRun, edges: Longs) -> dict[str, Longs]:
    """Return how often each cause struck in each step, the commonest first."""
    times: dict[str, list[int]] = {}
    for part in found.parts:
        for at, name in part.struck:
            times.setdefault(name, []).append(at)
    return {name: np.histogram(times[name], edges)[0] for name in found.failures}
