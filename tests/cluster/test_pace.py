"""Tiers of checkpoints, slow halls and shared storage, against the same played second by second."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import SlowCluster
from reference_job import SlowTiers
from reference_storage import mean_write_s
from workloads import ROUGH, clusters, failures, fixed, seeds, workload

from gigawatt.cluster import (
    Cluster,
    Component,
    Failures,
    Jobs,
    NearTier,
    Policy,
    PowerCap,
    Storage,
    hosting_fleet,
    simulate_cluster,
)
from gigawatt.cluster.failures import Stream
from gigawatt.cluster.kernel import columns as k
from gigawatt.errors import InputError, NotModelledError

SOFT = Component(name="soft", per_day=60, effect="interrupts", detect_s=3)
HARD = ROUGH.components[0]
WIDE = 10**9  # a bandwidth that is never the limit
MEMORY = NearTier(name="memory", node_gb_s=4.0, node_read_gb_s=8.0)
LOCAL = NearTier(name="local", node_gb_s=2.0)
TIERS = (
    None,
    Storage(shared_gb_s=WIDE, node_link_gb_s=1.0),
    Storage(shared_gb_s=WIDE, node_link_gb_s=0.5, near=(MEMORY,), every=(3,)),
    Storage(shared_gb_s=WIDE, node_link_gb_s=1.0, near=(MEMORY, LOCAL), every=(2, 3)),
    Storage(shared_gb_s=WIDE, node_link_gb_s=1.0, near=(MEMORY, LOCAL), every=(1, 2)),
)


def slow_tiers(jobs, cluster, storage):
    """Return the tiers of each job as the reference wants them."""
    found = []
    for row in jobs.rows:
        if storage is None or not row["checkpoint_gb"] or not row["checkpoint_interval_s"]:
            found.append(SlowTiers(write=(int(row["checkpoint_write_s"]),)))
            continue
        nodes = -(-int(row["accelerators"]) // cluster.accelerators_per_node)
        gb = int(row["checkpoint_gb"])
        write = [t.node_gb_s for t in storage.near] + [storage.node_link_gb_s]
        read = [t.node_read_gb_s or t.node_gb_s for t in storage.near] + [storage.node_link_gb_s]
        every = [int(np.prod(storage.every[:i])) for i in range(len(write))]
        found.append(
            SlowTiers(
                write=tuple(round(gb / (nodes * each)) for each in write),
                read=tuple(round(gb / (nodes * each)) for each in read),
                every=tuple(every),
                survives=(*[k.ONE_JOB] * len(storage.near), k.CLUSTER),
            )
        )
    return found


def slow_caps(seed, cluster, mean_s=120):
    rng = np.random.default_rng(seed)
    at = np.cumsum(rng.integers(1, 2 * mean_s, 12))
    return [
        PowerCap(hall=int(h), at_s=int(t), mode="slow", speed=float(v))
        for t, h, v in zip(
            at, rng.integers(0, cluster.halls, 12), rng.choice([1, 0.9, 0.517], 12), strict=True
        )
    ]


def random_jobs(seed, cluster, storage, **columns):
    jobs = workload(seed, cluster, count=14, **columns)
    if storage is not None:
        jobs.rows["checkpoint_gb"] = np.random.default_rng(seed).integers(0, 12, 14)
    fleet = hosting_fleet([1, 2, 0, 1], 2, step_s=200)
    for name in ("keeps_nodes", "cold_restart_s"):
        fleet.rows[name] = columns.get(name, 1)
    return jobs.joined(fleet)


@settings(max_examples=25)
@given(
    seed=seeds,
    cluster=clusters,
    storage=st.sampled_from(TIERS),
    capped=st.booleans(),
    failing=st.sampled_from([(), (SOFT,), (SOFT, HARD)]),
)
def test_a_paced_cluster_is_that_played_second_by_second(seed, cluster, storage, capped, failing):
    hard = HARD in failing
    jobs = random_jobs(seed, cluster, storage, **({"keeps_nodes": 0} if hard else {}))
    caps = slow_caps(seed, cluster) if capped else []
    breaking, faults = None, np.zeros((0, k.FAULT_COLUMNS), dtype=np.int64)
    if failing:
        breaking = Failures(components=failing)
        stream = Stream(breaking, cluster, seed)
        faults = stream.draw()
        assert stream.until_s > 50_000
    slow = SlowCluster(cluster, jobs.rows, faults, caps, slow_tiers(jobs, cluster, storage))
    starts, ends = slow.play()
    run = simulate_cluster(cluster, jobs, failures=breaking, caps=caps, storage=storage, seed=seed)
    assert run.start_s.tolist() == starts
    assert run.end_s.tolist() == ends
    for kind, seconds in slow.ledger.items():
        assert getattr(run.ledger, kind) == seconds, kind
    assert run.ledger.total == run.until_s * cluster.accelerators


@given(
    seed=seeds,
    cluster=clusters,
    policy=st.sampled_from(["fifo", "easy", "conservative", "priority", "fair-share"]),
    failing=failures,
)
def test_at_full_speed_nothing_changes(seed, cluster, policy, failing):
    """The two closed forms are one, where both hold."""
    jobs = workload(seed, cluster)
    full = [PowerCap(hall=0, at_s=t, mode="slow") for t in (0, 100, 333)]
    runs = [
        simulate_cluster(cluster, jobs, policy=policy, failures=failing, caps=caps, seed=seed)
        for caps in ([], full)
    ]
    same = (runs[0].fate == runs[1].fate).all(axis=0)
    # They part only in what a last write would fall back to where it takes no time at all.
    assert set(np.flatnonzero(~same)) <= {k.BEFORE}
    assert runs[0].ledger == runs[1].ledger


@pytest.mark.parametrize(
    ("shared_gb_s", "link_gb_s"), [(30.0, 1e3), (15.0, 1e3), (100.0, 2.0), (30.0, 2.0)]
)
def test_contention_is_near_that_of_writes_played_one_by_one(shared_gb_s, link_gb_s):
    rng = np.random.default_rng(1)
    count, until_s = 14, 2 * 86_400
    nodes = rng.choice([2, 4, 8, 16], count)
    interval_s = rng.integers(600, 2400, count)
    gb = nodes * rng.integers(60, 400, count)
    begin_s = np.sort(rng.integers(0, 2400, count))
    jobs = Jobs.of(
        submit_s=begin_s,
        accelerators=8 * nodes,
        work_s=10 * until_s,
        checkpoint_interval_s=interval_s,
        checkpoint_gb=gb,
    )
    storage = Storage(shared_gb_s=shared_gb_s, node_link_gb_s=link_gb_s)
    cluster = Cluster(domains_per_pod=int(nodes.sum()))
    run = simulate_cluster(cluster, jobs, storage=storage, horizon_s=until_s)
    mine = run.fate[:, k.CHECKPOINT] * interval_s / run.fate[:, k.PRODUCTIVE]
    played = mean_write_s(interval_s, gb, nodes * link_gb_s, shared_gb_s, begin_s, until_s)
    alone = gb / np.minimum(nodes * link_gb_s, shared_gb_s)
    slower = np.median(played / alone)
    assert mine.sum() == pytest.approx(played.sum(), rel=0.15)
    assert np.median(np.abs(mine / played - 1)) < 0.12
    if slower > 1.2:  # it is much nearer than without contention
        assert np.median(np.abs(mine / played - 1)) < np.median(np.abs(alone / played - 1)) / 3


def test_a_job_alone_does_not_contend():
    jobs = Jobs.of(
        submit_s=0, accelerators=16, work_s=1000, checkpoint_interval_s=100, checkpoint_gb=60
    )
    storage = Storage(shared_gb_s=3.0, node_link_gb_s=5.0)
    run = simulate_cluster(Cluster(domains_per_pod=2), jobs, storage=storage)
    assert run.end_s[0] == 1000 + 10 * 20


COLUMNS = {
    "submit_s": 0,
    "accelerators": 16,
    "work_s": 1_000,
    "checkpoint_interval_s": 50,
    "keeps_nodes": 1,
}


@pytest.mark.parametrize(("survives", "read_s"), [("interrupt", 4), ("node", 2)])
def test_a_lost_node_takes_what_is_in_its_memory(monkeypatch, survives, read_s):
    """Each fourth checkpoint goes to the shared storage."""
    failing = fixed(monkeypatch, [(310, 1, k.TAKES_DOWN, 0, 5_000)])
    cluster = Cluster(domains_per_pod=3, hot_spare_nodes=1)  # the spare is node 0
    memory = NearTier(name="memory", node_gb_s=10.0, survives=survives)
    storage = Storage(shared_gb_s=10.0, node_link_gb_s=9.0, near=(memory,), every=(4,))
    jobs = Jobs.of(**COLUMNS, checkpoint_gb=40, warm_restart_s=30)
    run = simulate_cluster(cluster, jobs, failures=failing, storage=storage)
    # At 310 s: five segments of 50 + 2 s and one write of 4 s are over, and 46 s of the sixth.
    safe = 250 if survives == "node" else 200
    lost = 250 + 46 - safe
    assert run.ledger.recompute == lost * 16
    assert run.ledger.restart == (30 + read_s) * 16
    segments = (1_000 - safe) // 50
    writes = 2 * segments + 4 * -(-segments // 4)
    assert run.end_s[0] == 310 + 30 + read_s + (1_000 - safe) + writes


def test_a_job_that_shrinks_works_as_well_as_it_says_and_grows_back(monkeypatch):
    failing = fixed(monkeypatch, [(100, 1, k.TAKES_DOWN, 0, 400)])
    columns = COLUMNS | {"checkpoint_interval_s": 80}
    jobs = Jobs.of(**columns, least_accelerators=8, shrunk_permille=800)
    run = simulate_cluster(Cluster(domains_per_pod=2), jobs, failures=failing)
    # After 80 s of work are safe, it works for 400 s at 0.4; then it has the node back.
    assert run.end_s[0] == 500 + 1_000 - 80 - 160
    assert run.ledger.productive == 1_000 * 16
    assert run.ledger.idle == 400 * 8 // 5
    assert run.ledger.capped == 0


def test_slow_and_shrunk_seconds_are_told_apart(monkeypatch):
    failing = fixed(monkeypatch, [(100, 1, k.TAKES_DOWN, 0, 400)])
    jobs = Jobs.of(**COLUMNS, least_accelerators=8, shrunk_permille=800)
    slow = [PowerCap(hall=0, at_s=0, mode="slow", speed=0.5)]
    run = simulate_cluster(Cluster(domains_per_pod=2), jobs, failures=failing, caps=slow)
    assert run.ledger.productive == 1_000 * 16
    # For 400 s, half the speed is lost to the cap and a tenth to being shrunk.
    assert run.ledger.idle == 400 * 8 // 10
    assert run.ledger.capped == run.slowed
    assert run.ledger.total == run.until_s * 16


def test_a_slow_hall_takes_energy_in_proportion():
    jobs = Jobs.of(submit_s=0, accelerators=16, work_s=3_600)
    caps = PowerCap.of_power(
        0, [0.012], accelerator_kw=1.2, step_s=60, accelerators=16, idle_kw=0.3
    )
    run = simulate_cluster(Cluster(domains_per_pod=2), jobs, caps=caps)
    assert caps[0].speed == pytest.approx(0.5)
    assert run.end_s[0] == 7_200
    energy = run.ledger.in_mwh(busy_kw=1.2, idle_kw=0.3, slowed=run.slowed)
    assert sum(energy.values()) == pytest.approx(0.012 * 2)
    with pytest.raises(NotModelledError, match="switch some off"):
        PowerCap.of_power(0, [0.004], accelerator_kw=1.2, accelerators=16, idle_kw=0.3)


@given(seed=seeds, cluster=clusters, backfill=st.sampled_from(["easy", "conservative"]))
def test_slow_halls_make_late_only_when_they_become_slower(seed, cluster, backfill):
    jobs = workload(seed, cluster)
    caps = slow_caps(seed, cluster)
    run = simulate_cluster(cluster, jobs, policy=Policy(backfill=backfill), caps=caps)
    table = run.promise_table()
    first = table[table["start_s"] >= 0].drop_duplicates("job").set_index("job")
    broken = table.query("why == 'broken'").groupby("job")["at_s"].min()
    changes = np.array([cap.at_s for cap in caps])
    for j in first.index:
        if run.start_s[j] > first.loc[j, "start_s"]:
            assert ((changes > first.loc[j, "at_s"]) & (changes <= broken[j])).any()
    assert run.ledger.total == run.until_s * cluster.accelerators


@given(seed=seeds, cluster=clusters, policy=st.sampled_from(["easy", "conservative", "priority"]))
def test_with_everything_at_once_the_ledger_is_exact(seed, cluster, policy):
    rng = np.random.default_rng(seed)
    jobs = workload(seed, cluster)
    jobs.rows["checkpoint_gb"] = rng.integers(0, 30, len(jobs))
    jobs.rows["least_accelerators"] = np.maximum(jobs.rows["accelerators"] // 2, 1)
    jobs.rows["shrunk_permille"] = rng.choice([700, 950, 1000], len(jobs))
    memory = NearTier(name="memory", node_gb_s=4.0, survives="node")
    storage = Storage(shared_gb_s=2.0, node_link_gb_s=1.5, near=(memory,), every=(2,))
    caps = slow_caps(seed, cluster)
    runs = [
        simulate_cluster(
            cluster, jobs, policy=policy, failures=ROUGH, caps=caps, storage=storage, seed=seed
        )
        for _ in range(2)
    ]
    assert (runs[0].fate == runs[1].fate).all()
    assert runs[0].ledger.total == runs[0].until_s * cluster.accelerators
    assert min(runs[0].ledger.shares().values()) >= 0
    assert (runs[0].fate[:, k.PRODUCTIVE : k.PADDING + 1] >= 0).all()
    size = jobs.rows["accelerators"]
    assert (runs[0].fate[:, k.PRODUCTIVE] >= jobs.rows["work_s"] * size)[runs[0].done].all()


def test_storage_that_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="survives"):
        NearTier(name="memory", node_gb_s=1.0, survives="hall")
    with pytest.raises(InputError, match="every"):
        Storage(shared_gb_s=1.0, node_link_gb_s=1.0, near=(MEMORY,))
    with pytest.raises(InputError, match="above 0"):
        Storage(shared_gb_s=0.0, node_link_gb_s=1.0)
    with pytest.raises(InputError, match="mode"):
        PowerCap(hall=0, at_s=0, mode="dim")
    with pytest.raises(InputError, match="speed"):
        PowerCap(hall=0, at_s=0, mode="slow", speed=0.0)
