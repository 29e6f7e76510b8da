"""Jobs that the programme of a campus gives the accelerators of one type.

Training runs are gang jobs with the step time of the planner, hosting is a fleet of instances whose
number follows the demand of each hour, research draws its jobs from a published trace, and data
processing keeps its share at work. Who comes first: hosting, training, data processing, research.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.cluster.jobs import Jobs, hosting_fleet
from gigawatt.cluster.policy import Policy
from gigawatt.compute.history import sequence_length
from gigawatt.compute.hosting.planning.plan import plan_hosting
from gigawatt.compute.training.goodput import optimal_interval_s
from gigawatt.compute.training.plan import plan_training
from gigawatt.compute.training.reliability import checkpoint_bytes, failures_per_s
from gigawatt.compute.work import total_parameters
from gigawatt.errors import InputError
from gigawatt.twin.cluster_run.research import RESEARCHERS, research_jobs

if TYPE_CHECKING:
    from gigawatt.cluster.shape import Cluster
    from gigawatt.cluster.storage import Storage
    from gigawatt.compute.hosting.estimate import ServingEstimate
    from gigawatt.compute.training.plan import TrainingPlan
    from gigawatt.spec import Service, TrainingRun
    from gigawatt.twin.cluster_run.choices import Choices
    from gigawatt.twin.cluster_run.demand import Demand
    from gigawatt.twin.cluster_run.fleets import Fleet

__all__ = ["Programme", "jobs_of"]

_RANK: Final = {"hosting": 3, "training": 2, "data": 1}
"""Priority of each class: what users wait for comes first; research, with 0, comes last."""

_OTHERS: Final = 1  # tenants: research 0, services and workers, then one for each queue of runs
_RECIPES: Final = {"fp4": "nvfp4"}  # name of the planner for a precision of the campus file
_UNUSED: Final = 0.05  # of a run's share may stay free, so that its batch divides
_MOST_RUNS: Final = 10_000  # of a queue
_MOST_CHIPS: Final = 64  # accelerators of an instance that are looked at
_SPLITS: Final = 64  # of an instance that are looked at, best first
_DEPTH: Final = 100
"""Waiting jobs that backfill looks at: Slurm's ``default_queue_depth``."""


@dataclass(frozen=True, slots=True)
class Programme:
    """Jobs of one fleet, the policy that runs them, and what was taken for them."""

    jobs: Jobs
    policy: Policy
    notes: tuple[str, ...]
    facts: tuple[str, ...]


def jobs_of(
    demand: Demand, fleet: Fleet, number: int, choices: Choices, horizon_s: int, seed: int
) -> Programme:
    """Return the jobs that the programme gives one fleet.

    Parameters
    ----------
    demand : Demand
        Shares of the accelerators that the programme asks for in each hour.
    fleet : Fleet
        The accelerators.
    number : int
        Number of the fleet, from 0: fleets begin the queue at different runs.
    choices : Choices
        What the campus file does not say.
    horizon_s : int
        How long it is looked at [s].
    seed : int
        Of the research jobs.

    Raises
    ------
    InputError
        If research would be too many jobs.
    NotModelledError
        If a run cannot be planned.
    """
    told = _Told()
    parts: list[Jobs] = []
    quotas: dict[int, int] = {}
    for tenant, lane in enumerate(demand.lanes, start=2):
        share = max(demand.lane_share(lane).max(initial=0.0), 0.0)
        host = fleet.cluster.accelerators_per_node
        count = math.floor(share * fleet.cluster.accelerators) // host * host
        if count:
            quotas[tenant] = count
            place = _Place(fleet, tenant, count, number)
            parts.append(_training(lane, demand, place, choices, horizon_s, told))
    for service, shares in zip(demand.services, demand.service_shares, strict=True):
        parts.append(_hosting(service, shares, fleet, choices, told))
    parts.append(_data(demand.data_share, fleet, horizon_s))
    research = research_jobs(
        float(demand.research_share.mean()), fleet, choices, horizon_s, np.random.default_rng(seed)
    )
    parts.append(research.jobs)
    told.notes += research.notes
    told.facts += research.facts
    if not demand.takes_idle:
        quotas[RESEARCHERS] = math.floor(demand.least_research * fleet.cluster.accelerators)
    filled = [part for part in parts if len(part)]
    if not filled:
        message = "the programme gives the accelerators nothing to do; add work under 'programme'"
        raise InputError(message)
    policy = Policy(order="priority", backfill="easy", preempt=True, quotas=quotas, depth=_DEPTH)
    return Programme(filled[0].joined(*filled[1:]), policy, tuple(told.notes), tuple(told.facts))


@dataclass(slots=True)
class _Told:
    """What was taken, in words, and the facts behind it."""

    notes: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a queue of training runs is: its fleet, its tenant there, its accelerators."""

    fleet: Fleet
    tenant: int
    count: int
    number: int


def _training(
    lane: tuple[TrainingRun, ...],
    demand: Demand,
    place: _Place,
    choices: Choices,
    horizon_s: int,
    told: _Told,
) -> Jobs:
    """Return the runs of one queue, over and over until they fill the time."""
    planned: dict[str, dict[str, Any]] = {}
    rows: list[dict[str, Any]] = []
    filled_s, turn = min(demand.begins_s(run) for run in lane), place.number
    while filled_s < horizon_s and len(rows) < _MOST_RUNS:
        run, turn = lane[turn % len(lane)], turn + 1
        if run.name not in planned:
            planned[run.name] = _planned(run, place, choices, told)
        if planned[run.name]:
            rows.append({"name": run.name, "submit_s": demand.begins_s(run)} | planned[run.name])
            filled_s += rows[-1]["work_s"]
        elif not any(planned.values()) and len(planned) == len(lane):
            break
    if not rows:
        return _no_jobs()
    rows.sort(key=lambda row: row["submit_s"])
    names = [row.pop("name") for row in rows]
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return Jobs.of(
        names=names, kind="training", tenant=place.tenant, priority=_RANK["training"],
        startup_s=choices.restart_s, cold_restart_s=choices.restart_s,
        warm_restart_s=choices.restart_s, inprocess_restart_s=choices.restart_s,
        keeps_nodes=1, patience_s=choices.patience_s, **columns,
    )  # fmt: skip


def _planned(run: TrainingRun, place: _Place, choices: Choices, told: _Told) -> dict[str, Any]:
    """Return size, work and checkpoints of a run in its best layout; nothing if it has none."""
    plan = _plan(run, place, choices)
    if plan is None:
        told.notes.append(
            f"{run.name} is left out: no layout fits {place.count:,} {place.fleet.chip}"
        )
        return {}
    time, step = plan.time, plan.best.step_s
    assert time is not None  # noqa: S101  a run of a campus states its tokens
    seconds, used = time.ledger, int(plan.best.layout.accelerators)
    size_gb = round(float(checkpoint_bytes(total_parameters(architecture(run.model)))) / 1e9)
    write_s = float(seconds.checkpoint_s / seconds.productive_s) * time.interval_s
    interval_s = time.interval_s
    if choices.storage is not None:
        write_s = _mean_write_s(choices.storage, used, size_gb, place.fleet.cluster)
        interval_s = float(optimal_interval_s(failures_per_s(choices.reliability, used), write_s))
    interval_s = choices.checkpoint_interval_s or max(round(interval_s), 1)
    told.facts += time.days.facts
    told.notes.append(
        f"{run.name} on {used:,} {place.fleet.chip}: a step of {step.value:.3g} s (P10–P90 "
        f"{step.low:.3g} to {step.high:.3g}), {seconds.productive_s / 86_400:,.3g} days of work, "
        f"a checkpoint of {size_gb:,} GB every {interval_s:,} s that holds it up {write_s:.2g} s"
    )
    return {
        "accelerators": used,
        "work_s": max(round(float(seconds.productive_s)), 1),
        "checkpoint_interval_s": interval_s,
        "checkpoint_write_s": round(write_s),
        "checkpoint_gb": size_gb,
    }


def _mean_write_s(storage: Storage, accelerators: int, size_gb: int, cluster: Cluster) -> float:
    """Return for how long a checkpoint holds a job up in the mean of all tiers, alone [s]."""
    row = Jobs.of(submit_s=0, accelerators=accelerators, work_s=1, checkpoint_gb=size_gb).rows
    one_in = np.cumprod([1, *storage.every])
    return float((storage.write_s(row, cluster)[0] / one_in).sum())


def _plan(run: TrainingRun, place: _Place, choices: Choices) -> TrainingPlan | None:
    """Return the best plan on about as many accelerators as a queue has; None if none fits."""
    count = place.count
    if run.global_batch is not None:
        least = catalog.load().get("rate", "scaling").number("least_tokens_per_chip_step")
        length = sequence_length(run.model, run.seq_len)
        count = max(min(count, int(run.global_batch * length / least)), 1)
    asked: dict[str, Any] = {
        "chip": place.fleet.chip, "precision": _RECIPES.get(run.precision, run.precision),
        "seq_len": run.seq_len, "global_batch": run.global_batch, "tokens": run.tokens,
        "reliability": choices.reliability, "restart_s": float(choices.restart_s), "top": 1,
    }  # fmt: skip
    # Where no layout fits about so many, the power of two below divides batch and model best.
    for size, idle in ((count, _UNUSED), (1 << (count.bit_length() - 1), 0.0)):
        try:
            return plan_training(run.model, count=size, idle=idle, **asked)
        except InputError:
            continue
    return None


def _hosting(
    service: Service,
    shares: np.ndarray[Any, np.dtype[np.float64]],
    fleet: Fleet,
    choices: Choices,
    told: _Told,
) -> Jobs:
    """Return the instances of a service, hour by hour."""
    if not shares.any():
        return _no_jobs()
    try:
        best = _instance(service, fleet)
    except InputError:
        told.notes.append(f"{service.name} is left out: no instance of it fits {fleet.chip}")
        return _no_jobs()
    each = int(best.split.accelerators)
    replicas = np.ceil(shares * fleet.cluster.accelerators / each - 1e-9).astype(np.int64)
    told.facts += best.output_tokens_per_s.facts
    number = " to ".join(f"{n:,}" for n in sorted({replicas.min(), replicas.max()}))
    told.notes.append(
        f"{service.name} on {fleet.chip}: {number} instances of "
        f"{each} accelerator{'s' if each > 1 else ''}, as its users ask for"
    )
    return hosting_fleet(
        replicas.tolist(), each, priority=_RANK["hosting"], tenant=_OTHERS,
        cold_restart_s=choices.restart_s,
    )  # fmt: skip


def _instance(service: Service, fleet: Fleet) -> ServingEstimate:
    """Return the best instance within the limits of a service and a scale-up domain.

    Of those that leave no part of a host over: three on a host of four would waste every fourth.
    """
    usage = catalog.load().get("rate", "usage")
    cluster = fleet.cluster
    host = cluster.accelerators_per_node
    plan = plan_hosting(
        service.model, fleet.chip, ttft_ms=service.ttft_ms, tpot_ms=service.tpot_ms,
        input_tokens=service.input_tokens or usage.number("input_tokens_per_request"),
        output_tokens=service.output_tokens or usage.number("output_tokens_per_request"),
        weights=service.precision, max_chips=min(host * cluster.nodes_per_domain, _MOST_CHIPS),
        top=_SPLITS,
    )  # fmt: skip
    whole = [
        one for one, good in zip(plan.instances, plan.within, strict=True)
        if good and 0 in (host % one.split.accelerators, one.split.accelerators % host)
    ]  # fmt: skip
    return whole[0] if whole else plan.best


def _no_jobs() -> Jobs:
    return Jobs.of(submit_s=np.zeros(0), accelerators=1, work_s=1)


def _data(share: float, fleet: Fleet, horizon_s: int) -> Jobs:
    """Return data processing: a worker on each of so many hosts, all the time.

    A worker that fails begins where it was: it loses time, no work.
    """
    cluster = fleet.cluster
    each = cluster.accelerators_per_node
    count = math.floor(share * cluster.accelerators / each)
    return Jobs.of(
        submit_s=np.zeros(count), until_s=horizon_s, work_s=horizon_s, accelerators=each,
        kind="data", priority=_RANK["data"], tenant=_OTHERS,
    )  # fmt: skip
