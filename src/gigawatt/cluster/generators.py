"""Made-up jobs with the distributions that were published for real clusters.

Run times are log-normal, as the published mean and median say. Sizes are powers of two up to the
largest published; each is a constant factor rarer than the one below, so that the mean is the
published one. Sizes and run times are drawn independently, and jobs arrive as a Poisson process;
neither was published with them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gigawatt import catalog
from gigawatt.cluster.jobs import Jobs
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gigawatt.cluster.shape import Cluster

__all__ = ["Workload", "generate_jobs", "published_workload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Distributions of run time and size.

    Parameters
    ----------
    run_mean_s, run_median_s : float
        Mean and median run time [s].
    accelerators_mean : float
        Mean size of a job.
    accelerators_max : int
        Largest size.

    Raises
    ------
    InputError
        If the mean run time is below the median, or no sizes have the mean.
    """

    run_mean_s: float
    run_median_s: float
    accelerators_mean: float
    accelerators_max: int

    def __post_init__(self) -> None:
        if not 0 < self.run_median_s <= self.run_mean_s < np.inf:
            message = (
                "a log-normal run time has a median above 0 and at most its mean. "
                f"Got {self.run_median_s!r} and {self.run_mean_s!r} instead."
            )
            raise InputError(message)
        if not 1 <= self.accelerators_mean <= self.accelerators_max:
            message = (
                "accelerators_mean must lie between 1 and accelerators_max. Got "
                f"{self.accelerators_mean!r} and {self.accelerators_max!r} instead."
            )
            raise InputError(message)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Sizes that jobs have: powers of two."""
        return 2 ** np.arange(int(math.log2(self.accelerators_max)) + 1)

    @property
    def size_chances(self) -> NDArray[np.float64]:
        r"""Chance of each size: :math:`p_k \propto r^k`, with r such that the mean is right."""
        sizes = self.sizes.astype(np.float64)
        low, high = 0.0, 1e6
        for _ in range(200):  # halves the interval of log(1 + r) until it is a point
            r = math.expm1((math.log1p(low) + math.log1p(high)) / 2)
            if float(_chances(r, len(sizes)) @ sizes) < self.accelerators_mean:
                low = r
            else:
                high = r
        return _chances(high, len(sizes))

    @property
    def run_sigma(self) -> float:
        r"""Standard deviation of the logarithm: :math:`\sqrt{2 \ln(mean / median)}`."""
        return math.sqrt(2 * math.log(self.run_mean_s / self.run_median_s))


def _chances(ratio: float, count: int) -> NDArray[np.float64]:
    weights = np.exp(np.arange(count) * math.log(ratio)) if ratio > 0 else np.eye(1, count)[0]
    return np.asarray(weights / weights.sum())


def published_workload(name: str) -> Workload:
    """Return the distributions of a published trace, an entry of the catalogue's kind ``workload``.

    Raises
    ------
    UnknownNameError
        If there is no such entry.

    Examples
    --------
    >>> published_workload("seren").accelerators_mean
    5.68
    """
    entry = catalog.load().get("workload", name)
    return Workload(
        run_mean_s=entry.number("run_mean_s"),
        run_median_s=entry.number("run_median_s"),
        accelerators_mean=entry.number("accelerators_mean"),
        accelerators_max=int(entry.number("accelerators_max")),
    )


def generate_jobs(
    workload: Workload,
    cluster: Cluster,
    count: int,
    *,
    load: float,
    seed: int = 0,
    **columns: ArrayLike,
) -> Jobs:
    """Return random jobs that ask for a part of a cluster.

    Parameters
    ----------
    workload : Workload
        Distributions of run time and size. Sizes that the cluster does not have are cut to it.
    cluster : Cluster
        What they are to run on.
    count : int
        Number of jobs.
    load : float
        Accelerator-seconds of work over those that the cluster has until the last arrival. Arrivals
        are spread so that it is met exactly, up to whole seconds.
    seed : int
        The same seed gives the same jobs.
    **columns
        Other columns of `jobs.JOB`.

    Raises
    ------
    InputError
        If `load` or `count` is not above 0.

    Examples
    --------
    >>> from gigawatt.cluster.shape import Cluster
    >>> jobs = generate_jobs(published_workload("philly"), Cluster(domains_per_pod=64), 5, load=0.9)
    >>> len(jobs)
    5
    """
    if not (load > 0 and count > 0):
        message = f"load and count must be above 0. Got {load!r} and {count!r} instead."
        raise InputError(message)
    rng = np.random.default_rng(seed)
    size = rng.choice(workload.sizes, count, p=workload.size_chances)
    size = np.minimum(size, cluster.accelerators)
    run = workload.run_median_s * np.exp(workload.run_sigma * rng.standard_normal(count))
    run = np.maximum(np.rint(run), 1)
    gaps = rng.exponential(size=count)
    span = float(size @ run) / (cluster.accelerators * load)
    submit = np.rint(np.cumsum(gaps) / gaps.sum() * span)
    return Jobs.of(submit_s=submit, accelerators=size, work_s=run, names=None, **columns)
