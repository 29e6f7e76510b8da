"""The kernel against slow, obvious schedulers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import SlowCluster, conservative_starts, pool_starts
from workloads import ROUGH, clusters, seeds, workload

from gigawatt.cluster import Cluster, Component, Failures, Jobs, Policy, simulate_cluster
from gigawatt.cluster.failures import Stream

POOL = 16


def pool_jobs(seed, count):
    rng = np.random.default_rng(seed)
    return Jobs.of(
        submit_s=np.sort(rng.integers(0, 30 * count // 4, count)),
        accelerators=rng.choice([1, 2, 3, 5, 8, 16], count),
        work_s=rng.integers(1, 40, count),
    )


def columns(jobs):
    rows = jobs.rows
    return [rows[name].tolist() for name in ("submit_s", "work_s", "accelerators")]


@given(seed=seeds, count=st.integers(1, 60), policy=st.sampled_from(["fifo", "sjf", "easy"]))
def test_a_pool_is_that_of_the_textbook(seed, count, policy):
    jobs = pool_jobs(seed, count)
    run = simulate_cluster(Cluster.of_pool(POOL), jobs, policy=policy)
    assert run.start_s.tolist() == pool_starts(*columns(jobs), POOL, policy)


@given(seed=seeds, count=st.integers(1, 40))
def test_conservative_backfill_is_that_of_the_textbook(seed, count):
    jobs = pool_jobs(seed, count)
    run = simulate_cluster(Cluster.of_pool(POOL), jobs, policy="conservative")
    assert run.start_s.tolist() == conservative_starts(*columns(jobs), POOL)


SOFT = Failures(components=(Component(name="s", per_day=60, effect="interrupts", detect_s=3),))


@settings(max_examples=60)
@given(seed=seeds, cluster=clusters, failures=st.sampled_from([None, SOFT, ROUGH]))
def test_a_cluster_is_that_played_second_by_second(seed, cluster, failures):
    hard = failures is ROUGH
    if hard:  # only nodes and software, with any number of crews: what the slow one knows
        failures = Failures(components=ROUGH.components[:2])
    changed = {"keeps_nodes": 0} if hard else {}
    jobs = workload(seed, cluster, count=25, **changed)
    slow_faults = np.zeros((0, 11), dtype=np.int64)
    if failures is not None:
        stream = Stream(failures, cluster, seed)
        slow_faults = stream.draw()
        assert stream.until_s > 100_000
    slow = SlowCluster(cluster, jobs.rows, slow_faults)
    starts, ends = slow.play()
    run = simulate_cluster(cluster, jobs, failures=failures, seed=seed)
    assert run.start_s.tolist() == starts
    assert run.end_s.tolist() == ends
    for kind, seconds in slow.ledger.items():
        assert getattr(run.ledger, kind) == seconds, kind


@pytest.mark.parametrize("backfill", ["none", "easy", "conservative"])
def test_a_quota_is_never_exceeded(backfill):
    cluster = Cluster(domains_per_pod=8)
    jobs = workload(3, cluster, count=120)
    small = jobs.rows["accelerators"] <= 24
    jobs = Jobs(jobs.rows[small])
    policy = Policy(backfill=backfill, quotas={0: 24, 1: 32})
    run = simulate_cluster(cluster, jobs, policy=policy)
    for tenant, quota in policy.quotas.items():
        mine = np.flatnonzero(jobs.rows["tenant"] == tenant)
        assert run.done[mine].all()
        for t in run.start_s[mine]:
            runs = mine[(run.start_s[mine] <= t) & (run.end_s[mine] > t)]
            assert jobs.rows["accelerators"][runs].sum() <= quota


def test_fair_share_gives_tenants_what_their_shares_say():
    count = 4000
    jobs = Jobs.of(
        submit_s=np.zeros(count), accelerators=8, work_s=100, tenant=np.arange(count) % 2
    )
    policy = Policy(order="fair-share", shares={0: 3.0, 1: 1.0}, half_life_s=1e7)
    run = simulate_cluster(Cluster(domains_per_pod=10), jobs, policy=policy, horizon_s=10_000)
    used = [run.done[jobs.rows["tenant"] == tenant].sum() for tenant in (0, 1)]
    assert used[0] / used[1] == pytest.approx(3, rel=0.03)


def test_a_job_of_higher_priority_stops_others_and_their_work_is_kept():
    low = {"priority": 0, "preemptible": 1, "checkpoint_interval_s": 1000, "grace_s": 60}
    jobs = Jobs.of(
        submit_s=[0, 500],
        accelerators=[16, 8],
        work_s=[2000, 300],
        checkpoint_write_s=[30, 0],
        cold_restart_s=[100, 0],
        priority=[0, 5],
        preemptible=[1, 0],
        checkpoint_interval_s=[1000, 0],
        grace_s=[60, 0],
    )
    run = simulate_cluster(Cluster(domains_per_pod=2), jobs, policy="priority")
    assert low["grace_s"] >= 30
    assert run.start_s[1] == 530  # the last checkpoint took 30 s
    # 500 s were done and saved; 1500 s are left after 300 s, in segments of 1000 and 500 s.
    assert run.end_s[0] == 830 + 100 + 1500 + 2 * 30
    assert run.ledger.recompute == 0


def test_without_grace_the_work_is_lost():
    jobs = Jobs.of(
        submit_s=[0, 500],
        accelerators=8,
        work_s=[2000, 300],
        priority=[0, 5],
        preemptible=1,
        checkpoint_interval_s=[1000, 0],
        checkpoint_write_s=30,
        grace_s=10,
    )
    run = simulate_cluster(Cluster(), jobs, policy="priority")
    assert run.start_s[1] == 500
    assert run.ledger.recompute == 500 * 8
