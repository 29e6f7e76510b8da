"""A cluster over time: jobs, placement, failures, checkpoints, and where each second goes.

`simulate_cluster` replays jobs on a cluster and returns a `ClusterRun`. `shape` says what stands
there, `jobs` what is to be done, `policy` who goes first, `failures` what breaks; `readers` and
`generators` give jobs, `run` and `ledger` hold the answer, `writers` put it into files. The
compiled kernel is in `kernel`; Numba loads with the first simulation only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt._lazy import lazy

if TYPE_CHECKING:
    from gigawatt.cluster.failures import Component, Failures
    from gigawatt.cluster.generators import Workload, generate_jobs, published_workload
    from gigawatt.cluster.jobs import Jobs, hosting_fleet
    from gigawatt.cluster.ledger import Ledger
    from gigawatt.cluster.policy import Policy
    from gigawatt.cluster.readers import read_csv, read_swf
    from gigawatt.cluster.run import ClusterRun
    from gigawatt.cluster.shape import Cluster, PowerCap
    from gigawatt.cluster.simulate import simulate_cluster
    from gigawatt.cluster.storage import NearTier, Storage
    from gigawatt.cluster.writers import write_chrome_trace, write_parquet

__all__ = [
    "Cluster",
    "ClusterRun",
    "Component",
    "Failures",
    "Jobs",
    "Ledger",
    "NearTier",
    "Policy",
    "PowerCap",
    "Storage",
    "Workload",
    "generate_jobs",
    "hosting_fleet",
    "published_workload",
    "read_csv",
    "read_swf",
    "simulate_cluster",
    "write_chrome_trace",
    "write_parquet",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "failures": ("Component", "Failures"),
        "generators": ("Workload", "generate_jobs", "published_workload"),
        "jobs": ("Jobs", "hosting_fleet"),
        "ledger": ("Ledger",),
        "policy": ("Policy",),
        "readers": ("read_csv", "read_swf"),
        "run": ("ClusterRun",),
        "shape": ("Cluster", "PowerCap"),
        "simulate": ("simulate_cluster",),
        "storage": ("NearTier", "Storage"),
        "writers": ("write_chrome_trace", "write_parquet"),
    },
)
