"""A job that was promised a start is never later, unless something took what it was promised."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from workloads import ROUGH, clusters, failures, fixed, seeds, workload

from gigawatt.cluster import Cluster, Jobs, Policy, PowerCap, simulate_cluster
from gigawatt.cluster.failures import Stream
from gigawatt.cluster.kernel import columns as k

LINGERS_S = 40  # detection and patience in these workloads

backfills = st.sampled_from(["easy", "conservative"])


def first_promises(run):
    """Return the first promised start of each job that has one, and when it was made."""
    table = run.promise_table()
    return table[table["start_s"] >= 0].drop_duplicates("job").set_index("job")


def late(run):
    """Return the jobs that started after their first promise."""
    first = first_promises(run)
    return [j for j in first.index if run.start_s[j] > first.loc[j, "start_s"]]


@given(
    seed=seeds,
    cluster=clusters,
    backfill=backfills,
    loose=st.booleans(),
    order=st.sampled_from(["fifo", "sjf"]),
)
def test_without_failures_nobody_is_late(seed, cluster, backfill, loose, order):
    jobs = workload(seed, cluster)
    if loose:  # the scheduler thinks jobs longer than they are
        jobs.rows["limit_s"] = np.random.default_rng(seed).integers(0, 900, len(jobs))
    run = simulate_cluster(cluster, jobs, policy=Policy(order=order, backfill=backfill))
    assert run.done.all()
    assert late(run) == []
    assert run.counts["broken_promises"] == 0
    assert run.ledger.total == run.until_s * cluster.accelerators


@given(seed=seeds, backfill=backfills, count=st.integers(1, 60))
def test_on_a_pool_nobody_is_late(seed, backfill, count):
    pool = Cluster.of_pool(32)
    jobs = workload(seed, Cluster(domains_per_pod=4), count=count)
    run = simulate_cluster(pool, jobs, policy=backfill)
    assert late(run) == []
    assert run.ledger.total == run.until_s * 32


@given(seed=seeds, cluster=clusters, backfill=backfills)
def test_with_failures_only_a_failure_makes_late(seed, cluster, backfill):
    jobs = workload(seed, cluster)
    run = simulate_cluster(cluster, jobs, policy=backfill, failures=ROUGH, seed=seed)
    assert run.done.all()
    stream = Stream(ROUGH, cluster, seed)
    at = stream.draw()[:, k.FAULT_AT]
    assert stream.until_s > run.until_s
    first = first_promises(run)
    broken = run.promise_table().query("why == 'broken'").groupby("job")["at_s"].min()
    for j in late(run):
        made = first.loc[j, "at_s"]
        # The kernel says when a promise was broken: a failure struck since it was made, or a job
        # struck before, by up to detection and patience, did not get a node for the lost one.
        assert made <= broken[j] <= run.start_s[j]
        assert ((at >= made - LINGERS_S) & (at <= broken[j])).any()


def test_a_failure_elsewhere_makes_nobody_late(monkeypatch):
    """Job 0 has nodes 0 to 2, so the head is promised those; node 3 fails meanwhile."""
    jobs = Jobs.of(submit_s=[0, 1], accelerators=24, work_s=[100, 50], keeps_nodes=[1, 0])
    cluster = Cluster(domains_per_pod=4)
    for node, late_by in ((3, 0), (0, 20)):  # then job 0 begins anew, on node 3 for node 0
        failing = fixed(monkeypatch, [(20, node, k.TAKES_DOWN, 0, 580)])
        run = simulate_cluster(cluster, jobs, policy="easy", failures=failing)
        assert run.start_s[1] == 100 + late_by


@given(
    seed=seeds,
    cluster=clusters,
    backfill=st.sampled_from(["none", "easy", "conservative"]),
    failing=failures,
)
def test_every_accelerator_second_is_in_the_ledger(seed, cluster, backfill, failing):
    jobs = workload(seed, cluster)
    caps = [
        PowerCap(
            hall=0, at_s=300, accelerators=cluster.hall_nodes * cluster.accelerators_per_node // 2
        ),
        PowerCap(hall=0, at_s=700, accelerators=10**6),
    ]
    policy = Policy(order="priority", backfill=backfill, preempt=backfill != "conservative")
    for horizon in (None, 800):
        run = simulate_cluster(
            cluster, jobs, policy=policy, failures=failing, caps=caps, seed=seed, horizon_s=horizon
        )
        assert run.ledger.total == run.until_s * cluster.accelerators
        assert min(run.ledger.shares().values()) >= 0
        assert run.until_s == 800 or horizon is None


@given(seed=seeds, cluster=clusters)
def test_easy_starts_nobody_on_more_than_there_is(seed, cluster):
    jobs = workload(seed, cluster)
    run = simulate_cluster(cluster, jobs, policy="easy", failures=ROUGH, seed=seed)
    held = run.segment_table()
    edges = np.unique(held["begin_s"])
    for t in edges:
        there = held[(held["begin_s"] <= t) & (held["end_s"] > t)]
        assert there["accelerators"].sum() <= cluster.accelerators
        assert not there["job"].duplicated().any()
