"""Failures, repairs, restarts and what they cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workloads import fixed

from gigawatt import catalog
from gigawatt.cluster import Cluster, Component, Failures, Jobs, PowerCap, simulate_cluster
from gigawatt.cluster.failures import Stream
from gigawatt.cluster.kernel import columns as k
from gigawatt.compute.training.goodput import ettr
from gigawatt.errors import InputError, NotModelledError

DAY_S = 86_400
NODE = Cluster()


def one(per_day, **what):
    """Return failures of one component."""
    return Failures(components=(Component(name="one", per_day=per_day, **what),))


@pytest.mark.parametrize(
    ("interval_s", "write_s", "restart_s"), [(600, 20, 300), (1800, 5, 60), (300, 0, 900)]
)
def test_ettr_is_the_exact_formula(interval_s, write_s, restart_s):
    nodes, per_day, segments = 64, 0.15, 40_000
    cluster = Cluster(domains_per_pod=nodes)
    jobs = Jobs.of(
        submit_s=0,
        accelerators=cluster.accelerators,
        work_s=interval_s * segments,
        checkpoint_interval_s=interval_s,
        checkpoint_write_s=write_s,
        keeps_nodes=1,
        inprocess_restart_s=restart_s,
    )
    run = simulate_cluster(cluster, jobs, failures=one(per_day, effect="interrupts"), seed=1)
    exact = float(ettr(per_day * nodes / DAY_S, interval_s, write_s, restart_s))
    # Each failure costs about as much as another, so the error is that of their number.
    spread = 2 * (1 - exact) / np.sqrt(run.counts["failures"])
    assert run.counts["failures"] > 1000
    assert run.ettr[0] == pytest.approx(exact, abs=3 * spread)
    assert run.ledger.goodput == pytest.approx(run.ettr[0])


@given(seed=st.integers(0, 1000), keeps=st.booleans())
@settings(max_examples=20)
def test_a_rigid_job_does_exactly_its_work(seed, keeps):
    cluster = Cluster(domains_per_pod=6, hot_spare_nodes=1)
    jobs = Jobs.of(
        submit_s=[0, 10],
        accelerators=[32, 4],
        work_s=[20_000, 9_000],
        checkpoint_interval_s=500,
        checkpoint_write_s=7,
        warm_restart_s=30,
        cold_restart_s=90,
        keeps_nodes=int(keeps),
        patience_s=200,
    )
    failing = one(6, detect_s=20, repair_s=2000, repair_cv=1.0, broken=1)
    run = simulate_cluster(cluster, jobs, failures=failing, seed=seed)
    assert run.ledger.productive == 20_000 * 32 + 9_000 * 4
    assert run.ledger.total == run.until_s * cluster.accelerators
    assert run.ledger.failed * 7 == run.ledger.drained  # one of eight breaks


def test_a_failure_costs_the_segment_the_detection_and_the_restart(monkeypatch):
    failing = fixed(monkeypatch, [(1_250, 0, k.INTERRUPTS, 60, 0)])
    jobs = Jobs.of(
        submit_s=0,
        accelerators=8,
        work_s=2_000,
        checkpoint_interval_s=500,
        checkpoint_write_s=100,
        keeps_nodes=1,
        inprocess_restart_s=40,
    )
    run = simulate_cluster(NODE, jobs, failures=failing)
    # Two segments of 600 s are safe at 1,250 s; 50 s are lost; 1,000 s of work are left.
    assert run.end_s[0] == 1_250 + 60 + 40 + 2 * 600
    assert run.ledger.recompute == 50 * 8
    assert run.ledger.restart == 100 * 8
    assert run.ledger.checkpoint == 4 * 100 * 8


def test_a_hot_spare_takes_over_at_once(monkeypatch):
    failing = fixed(monkeypatch, [(100, 1, k.TAKES_DOWN, 10, 5_000)])
    cluster = Cluster(domains_per_pod=3, hot_spare_nodes=1)  # the spare is node 0
    jobs = Jobs.of(
        submit_s=0,
        accelerators=16,
        work_s=1_000,
        checkpoint_interval_s=50,
        keeps_nodes=1,
        warm_restart_s=30,
    )
    run = simulate_cluster(cluster, jobs, failures=failing)
    assert run.end_s[0] == 1_000 + 10 + 30
    assert run.ledger.waiting == 0


def test_without_a_spare_a_job_waits_or_shrinks(monkeypatch):
    failing = fixed(monkeypatch, [(100, 1, k.TAKES_DOWN, 0, 400)])
    cluster = Cluster(domains_per_pod=2)
    columns = {
        "submit_s": 0,
        "accelerators": 16,
        "work_s": 1_000,
        "checkpoint_interval_s": 50,
        "keeps_nodes": 1,
    }
    waits = simulate_cluster(cluster, Jobs.of(**columns, patience_s=10_000), failures=failing)
    assert waits.end_s[0] == 1_000 + 400
    assert waits.ledger.waiting == 400 * 8
    shrinks = simulate_cluster(cluster, Jobs.of(**columns, least_accelerators=8), failures=failing)
    # From 100 to 500 s it works on half; then it has the node back.
    assert shrinks.end_s[0] == 1_000 + 200
    assert shrinks.ledger.productive == 1_000 * 16


def test_crews_work_one_after_another(monkeypatch):
    rows = [(10, n, k.TAKES_DOWN, 0, 100) for n in range(3)]
    failing = fixed(monkeypatch, rows)
    crewed = Failures(components=failing.components, crews=1)
    jobs = Jobs.of(submit_s=20, accelerators=24, work_s=5)
    cluster = Cluster(domains_per_pod=3)
    assert simulate_cluster(cluster, jobs, failures=failing).start_s[0] == 110
    assert simulate_cluster(cluster, jobs, failures=crewed).start_s[0] == 310


def test_spare_parts_run_out(monkeypatch):
    rows = [(10, n, k.TAKES_DOWN, 0, 100) for n in range(2)]
    failing = fixed(monkeypatch, rows)
    original = Stream.draw

    def draw(self):
        found = original(self)
        found[:, k.FAULT_PART] = 1
        return found

    monkeypatch.setattr(Stream, "draw", draw)
    stocked = Failures(components=failing.components, spare_parts=1, part_lead_s=1_000)
    jobs = Jobs.of(submit_s=20, accelerators=16, work_s=5)
    run = simulate_cluster(Cluster(domains_per_pod=2), jobs, failures=stocked)
    assert run.start_s[0] == 10 + 1_000 + 100


def test_a_corruption_throws_away_all_since_then(monkeypatch):
    failing = fixed(monkeypatch, [(260, 0, k.CORRUPTS, 0, 0), (777, 0, k.EXPOSES, 0, 50)])
    jobs = Jobs.of(
        submit_s=0, accelerators=8, work_s=1_000, checkpoint_interval_s=100, cold_restart_s=20
    )
    run = simulate_cluster(NODE, jobs, failures=failing)
    # 200 s were safe when it happened; the node is away until 827 s.
    assert run.end_s[0] == 827 + 20 + 800
    assert run.ledger.recompute == (777 - 200) * 8
    assert run.ledger.productive == 1_000 * 8


def test_a_rack_takes_its_nodes_and_no_others():
    cluster = Cluster(domains_per_pod=8, nodes_per_rack=4)
    failing = one(1.0, level="rack", repair_s=3_600, detect_s=0)
    run = simulate_cluster(
        cluster,
        Jobs.of(submit_s=0, accelerators=1, work_s=1),
        failures=failing,
        horizon_s=2_000 * DAY_S,
        seed=3,
    )
    # Alternating renewal: up for a day in the mean, down for an hour.
    assert run.ledger.shares()["failed"] == pytest.approx(1 / 25, rel=0.05)


def test_lemons_fail_more_often_and_the_rest_less():
    cluster = Cluster(domains_per_pod=100)
    failures = Failures(
        components=(Component(name="n", per_day=1, repair_s=1),), lemon_share=0.05, lemon_factor=20
    )
    stream = Stream(failures, cluster, 0)
    counted = np.bincount(stream.draw()[:, k.FAULT_GROUP], minlength=100)
    top = np.sort(counted)[::-1]
    assert counted.sum() == pytest.approx(100 * stream.step_s / DAY_S, rel=0.03)
    assert top[:5].mean() / top[5:].mean() == pytest.approx(20, rel=0.1)


@given(seed=st.integers(0, 100))
@settings(max_examples=10)
def test_failures_do_not_depend_on_the_schedule(seed):
    failing = one(2, repair_s=500)
    first, second = Stream(failing, NODE, seed), Stream(failing, NODE, seed)
    assert (first.draw() == second.draw()).all()
    assert (first.draw() == second.draw()).all()


def test_a_capped_hall_has_no_more_in_service():
    cluster = Cluster(domains_per_pod=10)
    jobs = Jobs.of(submit_s=np.zeros(40), accelerators=8, work_s=100)
    caps = PowerCap.of_power(0, [0.064, 0.032], accelerator_kw=0.8, step_s=150)
    run = simulate_cluster(cluster, jobs, caps=caps)
    held = run.segment_table()
    for t, most in ((0, 80), (120, 80), (250, 40), (350, 40)):
        there = held[(held["begin_s"] <= t) & (held["end_s"] > t)]
        assert there["accelerators"].sum() == most
    assert run.ledger.capped > 0
    assert run.ledger.total == run.until_s * 80


def test_presets_say_what_was_published():
    llama = Failures.published("llama-3-405b", repair_s=3_600)
    assert len(llama.components) == 18
    cluster = Cluster(domains_per_pod=2_048)
    assert llama.per_node_day(cluster) * 2_048 * 54 == pytest.approx(419, rel=1e-3)
    half = Failures.published("llama-3-405b", repair_s=3_600, accelerators_per_node=4)
    assert half.per_node_day(cluster) == pytest.approx(llama.per_node_day(cluster) / 2)
    counted = sum(
        c.number("failures") for c in catalog.load().where("failure_cause", preset="llama-3-405b")
    )
    assert counted == catalog.load().get("reliability", "llama-3-405b").number("failures")
    with pytest.raises(NotModelledError, match="rate"):
        Failures.published("byterobust", repair_s=1)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="repair_s"):
        Component(name="gpu", per_day=1)
    with pytest.raises(InputError, match="level"):
        Component(name="gpu", per_day=1, level="row", repair_s=1)
    with pytest.raises(InputError, match="crews"):
        Failures(components=(), crews=0)
    jobs = Jobs.of(submit_s=0, accelerators=1, work_s=1)
    with pytest.raises(NotModelledError, match="pool"):
        simulate_cluster(Cluster.of_pool(8), jobs, failures=one(1, repair_s=1))
    with pytest.raises(InputError, match="cap"):
        simulate_cluster(NODE, jobs, caps=[PowerCap(hall=1, at_s=0, accelerators=0)])
