"""The kernel's arrays, made from what a user describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.cluster.jobs import JOB, as_numbers
from gigawatt.cluster.kernel import columns as k
from gigawatt.cluster.storage import paces
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gigawatt.cluster.failures import Failures
    from gigawatt.cluster.jobs import Jobs
    from gigawatt.cluster.policy import Policy
    from gigawatt.cluster.shape import Cluster, PowerCap
    from gigawatt.cluster.storage import Storage

    Longs = NDArray[np.int64]

__all__ = ["grown_log", "setup_of", "state_of"]

_BACKFILL: Final = {"none": k.STRICT, "easy": k.EASY, "conservative": k.CONSERVATIVE}
_FIT: Final = {"best": k.BEST_FIT, "worst": k.WORST_FIT}
_LONGEST_S: Final = 20 * 31_536_000  # after the last arrival, without a horizon
_MOST_CELLS: Final = 200_000_000  # of the plan of conservative backfill
_COLUMNS: Final = {
    "submit_s": k.SUBMIT,
    "accelerators": k.SIZE,
    "work_s": k.WORK_S,
    "checkpoint_interval_s": k.INTERVAL_S,
    "checkpoint_write_s": k.WRITE_S,
    "startup_s": k.STARTUP_S,
    "cold_restart_s": k.COLD_S,
    "warm_restart_s": k.WARM_S,
    "inprocess_restart_s": k.INPROC_S,
    "span": k.SPAN,
    "priority": k.PRIORITY,
    "tenant": k.TENANT,
    "until_s": k.UNTIL_S,
    "preemptible": k.PREEMPTIBLE,
    "keeps_nodes": k.KEEPS_NODES,
    "grace_s": k.GRACE_S,
    "patience_s": k.PATIENCE_S,
}


def setup_of(
    cluster: Cluster,
    jobs: Jobs,
    policy: Policy,
    failures: Failures | None,
    caps: Sequence[PowerCap],
    horizon_s: int | None,
    *,
    storage: Storage | None = None,
    log: bool,
) -> Longs:
    """Return what does not change during a simulation."""
    count = len(jobs)
    if count >= 1 << k.SHIFT:
        message = f"at most {(1 << k.SHIFT) - 1:,} jobs can be simulated. Got {count:,} instead."
        raise InputError(message)
    words = [-(-max(count, 1) // 64**level) for level in (1, 2, 3)]
    pods = cluster.pods_per_hall * cluster.halls
    last = int(jobs.rows["submit_s"][-1]) if count else 0
    horizon = k.FOREVER if horizon_s is None else horizon_s
    domains = cluster.nodes // cluster.nodes_per_domain if cluster.nodes_per_domain > 1 else 0
    lanes = 1
    if policy.order == "fair-share":
        lanes = int(jobs.rows["tenant"].max(initial=0)) + 1
    values = {
        "jobs": count,
        "pool": cluster.pool,
        "accelerators": cluster.accelerators,
        "nodes": cluster.nodes,
        "node_size": cluster.accelerators_per_node,
        "domain_nodes": cluster.nodes_per_domain,
        "rack_nodes": cluster.rack_nodes,
        "pod_nodes": cluster.pod_nodes,
        "hall_nodes": cluster.hall_nodes,
        "halls": cluster.halls,
        "pods": pods,
        "pod_row": 1 + cluster.halls,
        "domain_row": 1 + cluster.halls + pods,
        "whole_row": 1 + cluster.halls + pods + domains,
        "fit": _FIT[policy.fit],
        "backfill": _BACKFILL[policy.backfill],
        "depth": policy.depth,
        "preempts": policy.preempt,
        "fair": policy.order == "fair-share",
        "half_life_s": round(policy.half_life_s),
        "quotas": bool(policy.quotas),
        "two_views": (policy.backfill != "none" or policy.preempt) and not cluster.pool,
        "spare_nodes": cluster.hot_spare_nodes,
        "part_lead_s": 0 if failures is None else failures.part_lead_s,
        "horizon_s": horizon,
        "faults_until_s": -1,
        "last_faults": failures is None,
        "limit_s": horizon if horizon_s is not None else last + _LONGEST_S,
        "logging": log,
        "bits1": words[0],
        "bits2": words[0] + words[1],
        "bits3": words[0] + words[1] + words[2],
        "lanes": lanes,
        "crews": 0 if failures is None else failures.crews or 0,
        "parts": 0 if failures is None else failures.spare_parts or 0,
        "caps": len(caps),
        **_paced(jobs, caps, storage),
        **_plan_size(cluster, policy, count, failing=failures is not None or len(caps) > 0),
    }
    values.update(_sections(values))
    c = np.zeros(k.C_PLACES, dtype=np.int64)
    for name, value in values.items():
        c[getattr(k, f"C_{name.upper()}")] = value
    return c


def _sections(values: Mapping[str, int]) -> dict[str, int]:
    """Return the first row of each section of the table."""
    lengths = {
        "hall_at": values["halls"],
        "cap_at": values["caps"],
        "crew_at": values["crews"],
        "part_at": values["parts"],
        "victim_at": k.VICTIMS,
        "plan_at": values["plan_rows"],
        "planned_at": values["planned"],
    }
    first, rows = {}, 0
    for name, length in lengths.items():
        first[name] = rows
        rows += length
    return first


def _plan_size(cluster: Cluster, policy: Policy, count: int, *, failing: bool) -> dict[str, int]:
    """Return the size of the plan of conservative backfill, nothing without it."""
    if policy.backfill != "conservative":
        return {"planned": 0, "plan_rows": 0}
    nodes = 1 if cluster.pool else cluster.nodes
    planned = min(policy.depth or count, count)
    running = min(count, cluster.accelerators)
    rows = running + (nodes if failing else 0) + 2 * planned + 4
    if (rows + planned) * nodes > _MOST_CELLS:
        message = (
            f"conservative backfill of {planned:,} waiting jobs on {nodes:,} nodes needs a plan "
            f"of {(rows + planned) * nodes:,} cells. Set Policy.depth to plan fewer jobs, or "
            "use easy backfill"
        )
        raise NotModelledError(message)
    return {"planned": planned, "plan_rows": rows}


def _paced(jobs: Jobs, caps: Sequence[PowerCap], storage: Storage | None) -> dict[str, int]:
    """Return whether jobs have other speeds than the full one, or tiers of checkpoints."""
    rows = jobs.rows
    shared = storage is not None and bool((rows["checkpoint_gb"] > 0).any())
    slows = any(cap.mode == "slow" for cap in caps)
    return {
        "paced": shared or slows or bool((rows["shrunk_permille"] < k.FULL).any()),
        "shared": shared,
        "slows": slows,
    }


def state_of(
    cluster: Cluster,
    jobs: Jobs,
    policy: Policy,
    caps: Sequence[PowerCap],
    c: Longs,
    storage: Storage | None = None,
) -> k.State:
    """Return the arrays at the beginning."""
    count, nodes = len(jobs), 1 if cluster.pool else cluster.nodes
    job = _jobs(jobs, policy)
    pace = np.ones((1, k.PACE_COLUMNS), dtype=np.int64)
    if c[k.C_PACED]:
        pace, job[:count, k.WRITE_S] = paces(jobs.rows, cluster, storage)
    if (jobs.rows["limit_s"] >= 0).any():
        job[:count, k.SLACK_S] = _slack_s(jobs.rows, job[:count, k.WRITE_S], pace)
    table = np.zeros((c[k.C_PLANNED_AT] + c[k.C_PLANNED], k.TABLE_COLUMNS), dtype=np.int64)
    cap_at, victim_at = c[k.C_CAP_AT], c[k.C_VICTIM_AT]
    table[cap_at : cap_at + len(caps)] = _caps(caps, cluster)
    table[c[k.C_HALL_AT] : c[k.C_HALL_AT] + c[k.C_HALLS], k.PACE] = k.FULL
    table[victim_at : victim_at + k.VICTIMS, 0] = -1
    tenant, usage = _tenants(jobs, policy, c)
    count_rows = c[k.C_WHOLE_ROW] + (c[k.C_DOMAIN_ROW] if c[k.C_DOMAIN_NODES] > 1 else 0)
    width = max(c[k.C_NODE_SIZE], c[k.C_DOMAIN_NODES]) + 1
    plan_rows = c[k.C_PLAN_ROWS] + c[k.C_PLANNED]
    logged = c[k.C_LOGGING] > 0
    state = k.State(
        job=job,
        pace=pace,
        heap=np.zeros((k.HEAPS, max(count, nodes, 1)), dtype=np.int64),
        node=np.zeros((nodes, k.NODE_COLUMNS), dtype=np.int32),
        slot=np.zeros((1 if cluster.pool else c[k.C_ACCELERATORS], k.SLOT_COLUMNS), np.int32),
        groups=np.zeros((2, 1, 1) if cluster.pool else (2, count_rows, width), dtype=np.int32),
        tenant=tenant,
        usage=usage,
        bits=np.zeros(c[k.C_BITS3] + 1, dtype=np.uint64),
        table=table,
        plan=np.zeros((plan_rows, nodes if plan_rows else 1), dtype=np.int32),
        fault=np.zeros((0, k.FAULT_COLUMNS), dtype=np.int64),
        log=np.zeros((max(1024, 2 * count) if logged else 0, k.LOG_COLUMNS), dtype=np.int64),
        promise=np.zeros((1024 if logged else 0, k.PROMISE_COLUMNS), dtype=np.int64),
        now=np.zeros(k.NOW_PLACES, dtype=np.int64),
    )
    state.now[k.HEAD] = -1
    state.now[k.NEXT_START] = k.FOREVER
    state.now[k.LEAST_SPEED] = k.FULL
    state.now[k.FREE_ALL] = c[k.C_ACCELERATORS]
    if not cluster.pool:
        state.node[:, k.FREE] = state.node[:, k.FREE_LATER] = c[k.C_NODE_SIZE]
        number = np.arange(nodes)
        state.node[:, k.HALL_ROW] = 1 + number // cluster.hall_nodes
        state.node[:, k.POD_ROW] = c[k.C_POD_ROW] + number // cluster.pod_nodes
        _set_spares_aside(c, state)
        _count_nodes(c, state)
    return state


def grown_log(state: k.State) -> k.State:
    """Return the state with twice the room to write."""
    rows = 2 * len(state.log) + len(state.job)
    log = np.zeros((rows, state.log.shape[1]), dtype=np.int64)
    log[: len(state.log)] = state.log
    rows = 2 * len(state.promise) + 4 * len(state.plan) + 16
    promise = np.zeros((rows, state.promise.shape[1]), dtype=np.int64)
    promise[: len(state.promise)] = state.promise
    return state._replace(log=log, promise=promise)


def _jobs(jobs: Jobs, policy: Policy) -> Longs:
    """Return the array of jobs, with their order in the queue."""
    rows = jobs.rows
    blank = np.zeros(k.JOB_COLUMNS, dtype=np.int64)
    unset = (k.FIRST, k.START, k.END, k.SUSPECT, k.RESERVED_AT, k.BROKEN_AT)
    blank[[*unset, k.END_PLACE, k.KNOWN_PLACE]] = -1
    job = np.empty((max(len(rows), 1), k.JOB_COLUMNS), dtype=np.int64)
    job[:] = blank
    if not len(rows):
        return job
    asked = as_numbers(rows)
    places = [(JOB.names or ()).index(name) for name in _COLUMNS]
    job[:, list(_COLUMNS.values())] = asked[:, places]
    least = rows["least_accelerators"]
    job[:, k.LEAST] = np.where(least < 0, k.FOREVER, least)
    order = _order(jobs, policy)
    job[order, k.RANK] = np.arange(len(rows))
    job[:, k.BY_RANK] = order
    return job


def _slack_s(rows: NDArray[Any], write_s: Longs, pace: Longs) -> Longs:
    """Return by how much the scheduler thinks each job longer than it is without failures."""
    interval = rows["checkpoint_interval_s"]
    segments = -(-rows["work_s"] // np.maximum(interval, 1))
    writes = segments * write_s
    if len(pace) == len(rows):
        writes += segments // pace[:, k.EVERY1] * pace[:, k.WRITE1_S]
        writes += ((segments - 1) // pace[:, k.EVERY2] + 1) * pace[:, k.WRITE2_S]
    exact = rows["startup_s"] + rows["work_s"] + writes * (interval > 0)
    return np.where(rows["until_s"] >= 0, 0, np.maximum(rows["limit_s"] - exact, 0))


def _order(jobs: Jobs, policy: Policy) -> NDArray[np.intp]:
    """Return the jobs in the order of the queue; under fair share, tenant by tenant."""
    number = np.arange(len(jobs))
    if policy.order == "fifo":
        return number
    first = {"sjf": jobs.rows["work_s"], "priority": -jobs.rows["priority"]}
    return np.lexsort((number, first.get(policy.order, jobs.rows["tenant"])))


def _tenants(jobs: Jobs, policy: Policy, c: Longs) -> tuple[Longs, NDArray[np.float64]]:
    """Return the arrays of tenants."""
    owner = jobs.rows["tenant"]
    count = int(owner.max(initial=0)) + 1
    tenant = np.zeros((count, k.TENANT_COLUMNS), dtype=np.int64)
    tenant[:, k.ORDER] = np.arange(count)
    tenant[:, k.QUOTA] = k.FOREVER
    usage = np.zeros((count, k.USAGE_COLUMNS))
    usage[:, k.TENANT_SHARE] = 1.0
    tenant[0, k.LANE_TO] = len(jobs)
    if c[k.C_FAIR]:
        edges = np.searchsorted(np.sort(owner), np.arange(count + 1))
        tenant[:, k.LANE_FROM], tenant[:, k.LANE_TO] = edges[:-1], edges[1:]
    for number, value in (policy.quotas or {}).items():
        if 0 <= number < count:
            tenant[number, k.QUOTA] = value
    for number, share in (policy.shares or {}).items():
        if 0 <= number < count:
            usage[number, k.TENANT_SHARE] = share
    return tenant, usage


def _caps(caps: Sequence[PowerCap], cluster: Cluster) -> Longs:
    """Return time, hall, and nodes that must be off (0) or speed (1), in order of time."""
    size, hall = cluster.accelerators_per_node, cluster.hall_nodes
    rows = [
        (cap.at_s, cap.hall, round(cap.speed * k.FULL), 1)
        if cap.mode == "slow"
        else (cap.at_s, cap.hall, max(hall - cap.accelerators // size, 0), 0)
        for cap in caps
    ]
    return np.array(sorted(rows), dtype=np.int64).reshape(len(rows), 4)


def _set_spares_aside(c: Longs, s: k.State) -> None:
    """Keep hot spare nodes out of service, spread evenly over the cluster."""
    spares = int(c[k.C_SPARE_NODES])
    if spares == 0:
        return
    chosen = np.arange(spares) * int(c[k.C_NODES]) // spares
    s.node[:spares, k.SPARE_NODE] = chosen
    s.node[chosen, k.FREE] = s.node[chosen, k.FREE_LATER] = 0
    s.node[chosen, k.CONDITION] = k.SPARE
    s.now[k.SPARES] = spares
    s.now[k.SPARE_ALL] = spares * c[k.C_NODE_SIZE]
    s.now[k.FREE_ALL] -= spares * c[k.C_NODE_SIZE]


def _count_nodes(c: Longs, s: k.State) -> None:
    """Count the nodes of each group by what is free, and the domains by their whole free nodes."""
    nodes, domain = int(c[k.C_NODES]), int(c[k.C_DOMAIN_NODES])
    levels = [(0, nodes), (1, int(c[k.C_HALL_NODES])), (c[k.C_POD_ROW], int(c[k.C_POD_NODES]))]
    if domain > 1:
        levels.append((c[k.C_DOMAIN_ROW], domain))
    for row, width in levels:
        np.add.at(s.groups[0], (row + np.arange(nodes) // width, s.node[:, k.FREE]), 1)
    if domain > 1:
        whole_row = int(c[k.C_WHOLE_ROW])
        whole = s.groups[0, c[k.C_DOMAIN_ROW] : whole_row, c[k.C_NODE_SIZE]].copy()
        for row, width in levels[:3]:
            group = np.arange(len(whole)) * domain // width
            np.add.at(s.groups[0], (whole_row + row + group, whole), 1)
    s.groups[1] = s.groups[0]
