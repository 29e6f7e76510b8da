"""How many jobs a second the cluster is simulated at, on one core.

    uv run python benchmarks/cluster.py [--trace FILE] [--quick]

The pool plays the 82,247 jobs of FILE (``../shared/oracles/scheduling/philly_pool.csv.gz`` by
default), else as many made-up ones. Beside it stands a SimPy model of the same pool, if SimPy is
installed. The full model has placement, EASY backfill, failures and checkpoints. Each figure is in
CPU time of a warm process; on a shared machine the best of several runs counts. Timing decides no
test: this is for people.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import deque
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gigawatt.cluster import Cluster, ClusterRun, Jobs

POOL = 768
REPEATS = 5
YEAR_S = 365 * 86_400
PEERS = (("AccaSim, the same trace", 1_350), ("SimPy model, the same trace", 51_000))
START = """
import time
begun = time.process_time()
from gigawatt.cluster import Cluster, Jobs, simulate_cluster
jobs = Jobs.of(submit_s=range(100), accelerators=8, work_s=50)
simulate_cluster(Cluster(domains_per_pod=4), jobs, policy="easy")
print(time.process_time() - begun)
"""


def pool_jobs(trace: Path) -> Jobs:
    """Return the jobs of the trace, or made-up ones of the same distributions."""
    from gigawatt.cluster import Cluster, generate_jobs, published_workload, read_csv

    if trace.is_file():
        return read_csv(trace)
    return generate_jobs(published_workload("philly"), Cluster.of_pool(POOL), 82_247, load=0.9)


def campus_jobs(cluster: Cluster, count: int, seconds: float, size: float) -> Jobs:
    """Return jobs at load 0.9 with checkpoints and restarts: plausible, not calibrated.

    The mean job takes `size` accelerators, the largest 16,384; half of the jobs are done in a third
    of the mean time, which is such that `count` jobs fill the cluster for `seconds`.
    """
    from gigawatt.cluster import Workload, generate_jobs

    mean_s = 0.9 * cluster.accelerators * seconds / count / size
    workload = Workload(
        run_mean_s=mean_s,
        run_median_s=mean_s / 3,
        accelerators_mean=size,
        accelerators_max=16_384,
    )
    return generate_jobs(
        workload,
        cluster,
        count,
        load=0.9,
        checkpoint_interval_s=900,
        checkpoint_write_s=15,
        startup_s=120,
        cold_restart_s=300,
        warm_restart_s=180,
        inprocess_restart_s=60,
        keeps_nodes=1,
        patience_s=600,
    )


def simpy_starts(jobs: Jobs, accelerators: int) -> list[int]:
    """Return the starts under FIFO by a SimPy model, written as one would write it."""
    import simpy

    env: Any = simpy.Environment()
    rows = jobs.rows
    sizes, runs = rows["accelerators"].tolist(), rows["work_s"].tolist()
    starts = [0] * len(rows)
    waiting: deque[int] = deque()
    free = accelerators

    def begin() -> None:
        nonlocal free
        while waiting and sizes[waiting[0]] <= free:
            j = waiting.popleft()
            free -= sizes[j]
            starts[j] = int(env.now)
            env.process(run(j))

    def run(j: int) -> Generator[Any, Any, None]:
        nonlocal free
        yield env.timeout(runs[j])
        free += sizes[j]
        begin()

    def arrive() -> Generator[Any, Any, None]:
        for j, submit in enumerate(rows["submit_s"].tolist()):
            if submit > env.now:
                yield env.timeout(submit - env.now)
            waiting.append(j)
            begin()

    env.process(arrive())
    env.run()
    return starts


def cpu_s(work: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of several runs [s]."""
    best = float("inf")
    for _ in range(repeats):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


def first_s() -> float:
    """Return the CPU seconds of imports and a small simulation in a process of its own."""
    # A machine told not to keep bytecode would compile every module at every start.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", START]
    found = [subprocess.run(command, check=True, capture_output=True, env=kept) for _ in range(3)]
    return min(float(one.stdout) for one in found)


def shown(name: str, jobs: int, seconds: float) -> None:
    """Print a row."""
    print(f"{name:66} {jobs:10,} {seconds:9.3f} {jobs / seconds:12,.0f}", flush=True)


def pools(trace: Path) -> None:
    """Print the rows on one pool."""
    from gigawatt.cluster import Cluster, simulate_cluster

    jobs, pool = pool_jobs(trace), Cluster.of_pool(POOL)
    for policy in ("fifo", "sjf", "easy"):

        def played(policy: str = policy) -> ClusterRun:
            return simulate_cluster(pool, jobs, policy=policy, log=False)

        played()
        shown(f"pool of {POOL}, {policy}", len(jobs), cpu_s(played, REPEATS))
    if find_spec("simpy") is None:
        print("(SimPy is not installed, so its model was not run beside these)")
        return
    same = simpy_starts(jobs, POOL) == simulate_cluster(pool, jobs, log=False).start_s.tolist()
    name = f"SimPy model of the pool, fifo ({'the same starts' if same else 'OTHER STARTS'})"
    shown(name, len(jobs), cpu_s(lambda: simpy_starts(jobs, POOL), 2))


def full(
    halls: int, count: int, seconds: float, size: float, repeats: int, *, shared: bool = False
) -> None:
    """Print the row on the full model of so many halls of 25,000 accelerators.

    With `shared`, checkpoints of a gigabyte an accelerator go to memory and to storage that all
    jobs share, and each hall slows down for an hour a day.
    """
    from gigawatt.cluster import (
        Cluster,
        Failures,
        NearTier,
        PowerCap,
        Storage,
        simulate_cluster,
    )

    cluster = Cluster(
        domains_per_pod=625, pods_per_hall=5, halls=halls, nodes_per_rack=5,
        hot_spare_nodes=31 * halls,
    )  # fmt: skip
    jobs = campus_jobs(cluster, count, seconds, size)
    failures = Failures.published("llama-3-405b", repair_s=4 * 3600, detect_s=120)
    storage, caps = None, []
    if shared:
        jobs.rows["checkpoint_gb"] = jobs.rows["accelerators"]
        memory = NearTier(name="memory", node_gb_s=10.0, survives="node")
        storage = Storage(shared_gb_s=100.0 * halls, node_link_gb_s=5.0, near=(memory,), every=(4,))
        for begin, speed in ((0, 0.8), (3600, 1.0)):
            caps += [
                PowerCap(hall=hall, at_s=day + begin, mode="slow", speed=speed)
                for day in range(0, round(seconds), 86_400)
                for hall in range(halls)
            ]

    def played() -> ClusterRun:
        return simulate_cluster(
            cluster,
            jobs,
            policy="easy",
            failures=failures,
            caps=caps,
            storage=storage,
            horizon_s=round(seconds),
            log=False,
        )

    begun = time.process_time()
    run = played()
    taken = time.process_time() - begun
    if repeats:
        taken = cpu_s(played, repeats)
    started = int((run.start_s >= 0).sum())
    days = f"{seconds / 86_400:.0f} days"
    extra = ", tiers and slow halls" if shared else ""
    shown(f"full model, {cluster.accelerators:,} accelerators, {days}{extra}", started, taken)
    print(
        f"    {run.counts['failures']:,} failures of jobs, {started - run.done.sum():,} run on, "
        f"utilisation {run.ledger.utilisation:.3f}, goodput {run.ledger.goodput:.3f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    shared = Path(__file__).resolve().parents[2] / "shared"
    default = shared / "oracles/scheduling/philly_pool.csv.gz"
    parser.add_argument("--trace", type=Path, default=default)
    parser.add_argument("--quick", action="store_true", help="leave the year out")
    asked = parser.parse_args()
    print(f"{'':66} {'jobs':>10} {'CPU s':>9} {'jobs/s':>12}")
    for name, rate in PEERS:
        print(f"{name + ' (elsewhere)':66} {'':10} {'':9} {rate:12,}")
    pools(asked.trace)
    full(4, 100_000, YEAR_S / 10, 100.0, 2)
    full(4, 100_000, YEAR_S / 10, 100.0, 1, shared=True)
    if not asked.quick:
        full(40, 1_000_000, YEAR_S, 300.0, 0)
    print(f"{'imports and a small simulation in a fresh process':66} {'':10} {first_s():9.3f}")


if __name__ == "__main__":
    main()
