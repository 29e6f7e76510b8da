"""Starts of 82,247 jobs on one pool, job by job, against the oracle."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from gigawatt.cluster import Cluster, Jobs, simulate_cluster

ACCELERATORS = 768


def table(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        names = file.readline().strip().split(",")
        values = np.loadtxt(file, delimiter=",", dtype=str)
    return {name: values[:, i] for i, name in enumerate(names)}


@pytest.fixture(scope="module")
def jobs(shared):
    trace = table(shared / "oracles/scheduling/philly_pool.csv.gz")
    return Jobs.of(
        submit_s=trace["submit"].astype(int),
        accelerators=trace["num_gpus"].astype(int),
        work_s=trace["run"].astype(int),
        names=trace["job"].tolist(),
    )


@pytest.mark.parametrize("policy", ["fifo", "sjf", "easy"])
def test_every_start_is_that_of_the_oracle(policy, jobs, shared):
    expected = table(shared / f"oracles/scheduling/expected_{ACCELERATORS}_{policy}.csv.gz")
    right = dict(zip(expected["job"], expected["start"].astype(int), strict=True))
    run = simulate_cluster(Cluster.of_pool(ACCELERATORS), jobs, policy=policy, log=False)
    wrong = [n for n, start in zip(jobs.names, run.start_s, strict=True) if right[n] != start]
    assert len(jobs) == 82_247
    assert wrong == []
    assert (run.end_s - run.start_s == jobs.rows["work_s"]).all()
    assert run.ledger.total == run.until_s * ACCELERATORS
