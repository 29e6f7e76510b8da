r"""Research jobs with the distributions of a published trace, in the steady state.

Jobs come as a Poisson process of the rate that asks for a share of the accelerators,
:math:`\lambda = s A / (\bar n \bar T)`, with mean size :math:`\bar n` and run time :math:`\bar T`.
Those that would be at work when the time begins, had each found room at once, are
:math:`\lambda \bar T` in number; what is left of each is a uniform part of a run time that is drawn
in proportion to its length (L. Takacs, *Introduction to the Theory of Queues*, 1962, chapter 3),
which for a log-normal one is log-normal too, with its median times :math:`e^{\sigma^2}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.cluster.generators import published_workload
from gigawatt.cluster.jobs import Jobs
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.cluster.generators import Workload
    from gigawatt.twin.cluster_run.choices import Choices
    from gigawatt.twin.cluster_run.fleets import Fleet

    Floats = NDArray[np.float64]

__all__ = ["RESEARCHERS", "Research", "research_jobs"]

RESEARCHERS: Final = 0
"""Tenant of research jobs."""

_QUICK: Final = 100_000  # jobs that are quick to simulate
_MOST: Final = 5_000_000
_CHECKPOINT_S: Final = 3600
"""Work between checkpoints, as on Meta's research clusters (arXiv:2410.21680)."""


@dataclass(frozen=True, slots=True)
class Research:
    """Research jobs, what was taken for them, and the facts behind it."""

    jobs: Jobs
    notes: tuple[str, ...]
    facts: tuple[str, ...]


def research_jobs(
    share: float, fleet: Fleet, choices: Choices, horizon_s: int, rng: np.random.Generator
) -> Research:
    """Return research jobs that ask for a share of the accelerators, in the steady state.

    Parameters
    ----------
    share : float
        Share of the accelerators.
    fleet : Fleet
        The accelerators.
    choices : Choices
        Trace, scale and checkpoints.
    horizon_s : int
        How long they come [s].
    rng : Generator
        Of all draws.

    Raises
    ------
    NotModelledError
        If they would be more than 5 million.
    """
    size = fleet.cluster.accelerators
    in_service = size - fleet.cluster.hot_spare_nodes * fleet.cluster.accelerators_per_node
    if not share > 0.0:
        return Research(Jobs.of(submit_s=np.zeros(0), accelerators=1, work_s=1), (), ())
    work = published_workload(choices.research)
    at_work = share * size / work.accelerators_mean
    coming = at_work / work.run_mean_s * horizon_s
    factor = choices.research_scale or _scale(at_work + coming)
    if (at_work + coming) / factor > _MOST:
        message = (
            f"research would be {(at_work + coming) / factor / 1e6:,.1f} million jobs; at most "
            f"{_MOST / 1e6:.0f} million are made. Look at less time, or take larger jobs"
        )
        raise NotModelledError(message)
    old, new = rng.poisson(at_work / factor), rng.poisson(coming / factor)
    submit = np.sort(rng.uniform(0.0, horizon_s, new))
    left = _left(work, rng, old)
    runs = np.concatenate([left, work.run_median_s * np.exp(work.run_sigma * _normal(rng, new))])
    sizes = factor * rng.choice(work.sizes, old + new, p=work.size_chances)
    jobs = Jobs.of(
        submit_s=np.concatenate([np.zeros(old), submit]),
        accelerators=np.minimum(sizes, in_service),
        work_s=np.maximum(np.rint(runs), 1),
        kind="research", tenant=RESEARCHERS, preemptible=1,
        checkpoint_interval_s=choices.checkpoint_interval_s or _CHECKPOINT_S,
        cold_restart_s=choices.restart_s,
    )  # fmt: skip
    entry = catalog.load().get("workload", choices.research)
    names = ("run_mean_s", "run_median_s", "accelerators_mean", "accelerators_max")
    larger = f", {factor} times as large as there" if factor > 1 else ""
    note = (
        f"research on {fleet.chip}: {len(jobs):,} jobs as of {entry.text('name')}{larger}; they "
        f"ask for {100 * share:.0f} % of the accelerators, and {old:,} are at work at the beginning"
    )
    return Research(jobs, (note,), tuple(entry[name].key for name in names))


def _scale(jobs: float) -> int:
    """Return the least power of two that leaves few enough jobs to be simulated quickly."""
    return 1 << max(int(np.ceil(np.log2(jobs / _QUICK))), 0)


def _left(work: Workload, rng: np.random.Generator, count: int) -> Floats:
    """Return what is left of the run times of jobs that are at work [s]."""
    longer = work.run_median_s * np.exp(work.run_sigma**2 + work.run_sigma * _normal(rng, count))
    return np.asarray(rng.uniform(size=count) * longer)


def _normal(rng: np.random.Generator, count: int) -> Floats:
    return rng.standard_normal(count)
