"""What a run says about itself."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.cluster import Cluster, Jobs, Ledger, simulate_cluster

LEDGER = Ledger(3600, 1800, 900, 900, 7200, 3600, 1800, 900, 900)


def test_a_ledger_in_money_and_energy():
    assert LEDGER.total == 21_600
    assert LEDGER.held == 7_200
    assert LEDGER.goodput == 0.5
    assert LEDGER.utilisation == pytest.approx(1 / 3)
    assert sum(LEDGER.shares().values()) == pytest.approx(1)
    assert sum(LEDGER.in_usd(3.0).values()) == pytest.approx(6 * 3.0)
    energy = LEDGER.in_mwh(busy_kw=1.4, idle_kw=0.4, off_kw=0.1)
    # 2 h at work, 3.25 h standing still, 0.75 h off.
    assert sum(energy.values()) * 1e3 == pytest.approx(2 * 1.4 + 3.25 * 0.4 + 0.75 * 0.1)


def test_an_empty_ledger_has_no_goodput():
    assert Ledger(0, 0, 0, 0, 0, 0, 0, 0, 0).goodput == 0.0


def test_queue_delays_by_class():
    kinds = ["training", "research", "research"]
    jobs = Jobs.of(submit_s=[0, 10, 20], accelerators=8, work_s=100, kind=np.array(kinds))
    run = simulate_cluster(Cluster(), jobs)
    table = run.queue_table().set_index("class")
    assert table.loc["training", "mean_s"] == 0
    assert table.loc["research", "mean_s"] == (90 + 180) / 2
    assert table["jobs"].sum() == 3


def test_fragmentation_is_what_is_free_and_of_no_use():
    # Three of four on each of two nodes: two are free, and a job of four waits for 50 s.
    cluster = Cluster(accelerators_per_node=4, domains_per_pod=2)
    jobs = Jobs.of(submit_s=[0, 0, 50], accelerators=[3, 3, 4], work_s=[100, 100, 100])
    run = simulate_cluster(cluster, jobs)
    assert run.start_s[2] == 100
    assert run.ledger.waiting == 50 * 2
    assert run.ledger.idle == 50 * 2 + 100 * 4
    assert run.fragmentation == pytest.approx(100 / 600)


def test_a_run_says_what_it_is():
    run = simulate_cluster(Cluster(), Jobs.of(submit_s=0, accelerators=8, work_s=100))
    assert repr(run) == "ClusterRun(1 jobs on 8 accelerators, 100 s, goodput 1.000)"
    assert run.summary()["done"] == 1
    assert run.mttf_h() == np.inf
    assert run.promise_table().empty


def test_without_a_log_the_answer_is_the_same():
    rng = np.random.default_rng(0)
    jobs = Jobs.of(
        submit_s=np.sort(rng.integers(0, 900, 50)), accelerators=rng.integers(1, 9, 50), work_s=60
    )
    with_log = simulate_cluster(Cluster(domains_per_pod=2), jobs, policy="easy")
    without = simulate_cluster(Cluster(domains_per_pod=2), jobs, policy="easy", log=False)
    assert (with_log.fate == without.fate).all()
    assert with_log.ledger == without.ledger
    assert without.segment_table().empty


@pytest.mark.parametrize("policy", ["easy", "conservative", "priority", "fair-share"])
def test_the_same_seed_gives_the_same_run(policy):
    rng = np.random.default_rng(1)
    jobs = Jobs.of(
        submit_s=np.sort(rng.integers(0, 900, 50)),
        accelerators=rng.integers(1, 17, 50),
        work_s=60,
        tenant=rng.integers(0, 3, 50),
        priority=rng.integers(0, 3, 50),
        preemptible=1,
    )
    runs = [simulate_cluster(Cluster(domains_per_pod=3), jobs, policy=policy) for _ in range(2)]
    assert (runs[0].fate == runs[1].fate).all()
    assert runs[0].done.all()
