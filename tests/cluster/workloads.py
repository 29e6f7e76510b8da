"""Random workloads for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from gigawatt.cluster import Cluster, Component, Failures, Jobs
from gigawatt.cluster.failures import Stream
from gigawatt.cluster.kernel import columns as k

CLUSTERS = (
    Cluster(domains_per_pod=2, pods_per_hall=2, halls=2),
    Cluster(accelerators_per_node=4, nodes_per_domain=3, domains_per_pod=2, pods_per_hall=2),
    Cluster(domains_per_pod=9),
    Cluster(accelerators_per_node=2, nodes_per_domain=2, domains_per_pod=3, halls=2),
)
CALM = None
ROUGH = Failures(
    components=(
        Component(name="gpu", per_day=15, broken=1, detect_s=4, repair_s=60, repair_cv=0.5),
        Component(name="software", per_day=15, effect="interrupts", detect_s=3),
        Component(name="rack", per_day=4, level="rack", repair_s=40),
        Component(name="pod", per_day=2, level="pod", repair_s=30),
    ),
    crews=2,
    lemon_share=0.3,
    lemon_factor=5,
)

seeds = st.integers(0, 10**6)
clusters = st.sampled_from(CLUSTERS)
failures = st.sampled_from((CALM, ROUGH))


def workload(seed, cluster, count=40, **columns):
    """Return random jobs that keep a cluster busy."""
    rng = np.random.default_rng(seed)
    a = cluster.accelerators_per_node
    sizes = [1, 2, a, 2 * a, 3 * a, cluster.accelerators // 2, cluster.accelerators]
    chance = np.array([6, 4, 6, 4, 3, 2, 1]) / 26
    values = {
        "submit_s": np.sort(rng.integers(0, 1500, count)),
        "accelerators": np.minimum(rng.choice(sizes, count, p=chance), cluster.accelerators),
        "work_s": rng.integers(1, 250, count),
        "kind": rng.integers(0, 3, count),
        "tenant": rng.integers(0, 3, count),
        "priority": rng.integers(0, 3, count),
        "checkpoint_interval_s": rng.choice([0, 20, 50], count),
        "checkpoint_write_s": rng.integers(0, 4, count),
        "startup_s": rng.integers(0, 5, count),
        "cold_restart_s": rng.integers(0, 9, count),
        "warm_restart_s": rng.integers(0, 7, count),
        "inprocess_restart_s": rng.integers(0, 4, count),
        "keeps_nodes": rng.integers(0, 2, count),
        "patience_s": rng.choice([0, 30], count),
        "preemptible": rng.integers(0, 2, count),
        "grace_s": 2,
    }
    return Jobs.of(**(values | columns))


def fixed(monkeypatch, rows):
    """Let the simulation draw these failures: time, node, kind, detection, repair."""
    table = np.zeros((len(rows), k.FAULT_COLUMNS), dtype=np.int64)
    for i, (at, node, kind, detect_s, repair_s) in enumerate(rows):
        table[i, [k.FAULT_AT, k.FAULT_LEVEL, k.FAULT_GROUP, k.FAULT_KIND]] = at, k.NODE, node, kind
        table[i, [k.FAULT_DETECT_S, k.FAULT_REPAIR_S, k.FAULT_BROKEN]] = detect_s, repair_s, 8

    def draw(self):
        found = table if self.until_s < 0 else table[:0]
        self.until_s = k.FOREVER
        return found

    monkeypatch.setattr(Stream, "draw", draw)
    return Failures(components=(Component(name="one", per_day=1, repair_s=1),))
