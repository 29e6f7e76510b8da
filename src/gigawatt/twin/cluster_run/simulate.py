"""Simulate the jobs of a campus, or replay those of a trace."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import numpy as np

from gigawatt import catalog
from gigawatt.cluster.failures import Failures
from gigawatt.cluster.readers import read_csv, read_swf
from gigawatt.cluster.shape import Mode
from gigawatt.cluster.simulate import simulate_cluster
from gigawatt.errors import InputError
from gigawatt.twin.cluster_run.choices import Choices
from gigawatt.twin.cluster_run.demand import read_demand, standing_on
from gigawatt.twin.cluster_run.fleets import fleet_of
from gigawatt.twin.cluster_run.programme import jobs_of
from gigawatt.twin.cluster_run.result import JobsRun, Part
from gigawatt.twin.cluster_run.tariffs import campus_power, chip_tariff

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from gigawatt.cluster.jobs import Jobs, OnBad
    from gigawatt.cluster.policy import Policy
    from gigawatt.cluster.readers import TraceColumns
    from gigawatt.cluster.shape import Cluster
    from gigawatt.cluster.storage import Storage
    from gigawatt.spec import Campus
    from gigawatt.twin.cluster_run.fleets import Fleet

__all__ = ["DAY_S", "read_trace", "replay_jobs", "simulate_jobs"]

DAY_S: Final = 86_400
_TIME_S: Final = DAY_S
_RESTART: Final = "meta-rsc-1"
"""Preset whose time from a failure to the next productive second stands in for those without."""


def simulate_jobs(  # noqa: PLR0913  each is a question of its own
    campus: Campus,
    *,
    day: dt.date | None = None,
    horizon_s: int = _TIME_S,
    reliability: str | None = None,
    repair_s: float | None = None,
    detect_s: float = 0.0,
    restart_s: float | None = None,
    spares: int = 0,
    crews: int | None = None,
    checkpoint_interval_s: int | None = None,
    storage: Storage | None = None,
    power_cap: Mode = "off",
    research: str = "seren",
    research_scale: int | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> JobsRun:
    """Run the jobs of a campus on what stands there on a day, second by second.

    Each kind of accelerator is a cluster of its own, which no job spans. Training runs are gang
    jobs in their best layout, each queue of them never empty; services are instances whose number
    follows the demand of the hour; research jobs are those of a published trace, as many as fill
    its share. Hosting goes before training, training before data processing, all before research.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    day : date, optional
        First day; by default as late as its horizon allows.
    horizon_s : int
        How long it is looked at [s].
    reliability : str, optional
        Failures: an entry of the catalogue's kind ``reliability``. None fail where not given.
    repair_s : float, optional
        Time that a host is away for repair [s]; needed with `reliability`.
    detect_s : float
        Time until a failure is noticed [s].
    restart_s : float, optional
        From a failure or a placement to the first productive second [s]; by default that of
        `reliability`, else of Meta's research cluster.
    spares : int
        Hosts of each kind of accelerator that are kept idle, to take the place of failed ones.
    crews : int, optional
        Repairs that can go on at once in each; any number where not given.
    checkpoint_interval_s : int, optional
        Work between checkpoints of training runs [s]; the planner's optimum where not given.
    storage : Storage, optional
        Where training runs of each kind of accelerator write checkpoints to; where not given, they
        are held up only while their accelerators copy them to their hosts.
    power_cap : str
        What gives way where power binds: ``"off"`` switches hosts off, ``"slow"`` slows all down.
    research : str
        Entry of the catalogue's kind ``workload`` whose jobs stand for research.
    research_scale : int, optional
        How many times as large as published its jobs are; by default
        as large as there, or the least power of two that keeps them below 100,000.
    seed : int
        Of research jobs and failures.
    progress : callable
        Called with a line of text before each kind of accelerator is simulated.

    Returns
    -------
    JobsRun
        Ledger, delays, failures, and the simulation of each kind of accelerator.

    Raises
    ------
    InputError
        If the time lies outside the horizon, nothing stands there, or the repair time is missing.
    NotModelledError
        If a figure is needed that nobody published.

    Examples
    --------
    >>> import gigawatt as gw
    >>> run = simulate_jobs(gw.load("hyperion"), horizon_s=86_400)  # doctest: +SKIP
    >>> 0 < run.goodput <= 1  # doctest: +SKIP
    True
    """
    _check(1, horizon_s=horizon_s, research_scale=research_scale,
           checkpoint_interval_s=checkpoint_interval_s)  # fmt: skip
    if power_cap not in get_args(Mode):
        message = f"power_cap must be one of {', '.join(get_args(Mode))}. Got {power_cap!r}."
        raise InputError(message)
    catalog.load().get("workload", research)
    standing = standing_on(campus, day, horizon_s)
    demand = read_demand(campus, standing, horizon_s)
    restart = _restart_s(reliability, restart_s)
    choices = Choices(
        research=research, research_scale=research_scale, restart_s=restart,
        checkpoint_interval_s=checkpoint_interval_s,
        reliability=reliability or "llama-3-405b", storage=storage,
    )  # fmt: skip
    fleets = [fleet_of(chip, count, spares) for chip, count in standing.chips.items()]
    power = campus_power(campus, standing, horizon_s)
    caps, facts = power.caps(fleets, power_cap), list(power.facts)
    notes = _campus_notes(fleets, power_cap if any(caps.values()) else None)
    notes += [f"{name} is left out: its share cannot hold the model" for name in demand.unfit]
    parts = []
    for number, fleet in enumerate(fleets):
        failures = _failures(reliability, fleet.cluster, repair_s, detect_s, crews)
        work = jobs_of(demand, fleet, number, choices, horizon_s, seed + number)
        progress(f"{len(work.jobs):,} jobs on {fleet.cluster.accelerators:,} {fleet.chip}")
        run = simulate_cluster(
            fleet.cluster, work.jobs, policy=work.policy, failures=failures,
            caps=caps[fleet.chip], storage=storage, seed=seed + number, horizon_s=horizon_s,
        )  # fmt: skip
        parts.append(
            Part(
                fleet.chip, fleet.left_out, run, power.tariffs[fleet.chip], failures, seed + number
            )
        )
        notes += work.notes
        facts += work.facts
    chips = ", ".join(f"{fleet.count:,} {fleet.chip}" for fleet in fleets)
    return JobsRun(
        campus.name, f"{chips}; {_failing(reliability)}", standing.day,
        "by priority, with preemption and EASY backfill", reliability, tuple(parts), {},
        (*notes, *_usual_notes(reliability)), tuple(dict.fromkeys([*facts, *_behind(reliability)])),
    )  # fmt: skip


def replay_jobs(  # noqa: PLR0913  each is a question of its own
    trace: str | Path | Jobs,
    cluster: Cluster,
    *,
    policy: Policy | str = "fifo",
    columns: TraceColumns | None = None,
    on_bad: OnBad = "error",
    horizon_s: int | None = None,
    reliability: str | None = None,
    repair_s: float | None = None,
    detect_s: float = 0.0,
    restart_s: float | None = None,
    crews: int | None = None,
    checkpoint_interval_s: int = 0,
    checkpoint_write_s: int = 0,
    checkpoint_gb: float = 0.0,
    storage: Storage | None = None,
    chip: str | None = None,
    usd_per_chip_hour: float | None = None,
    seed: int = 0,
) -> JobsRun:
    """Replay the jobs of a trace on a cluster, second by second.

    Parameters
    ----------
    trace : path or Jobs
        A file in the Standard Workload Format (``.swf``) or CSV, compressed if it ends in ``.gz``;
        or jobs.
    cluster : Cluster
        What stands there.
    policy : Policy or str
        Who goes first.
    columns : TraceColumns, optional
        Names of a CSV file's columns; told from its header where not given.
    on_bad : str
        What to do with jobs that cannot be simulated: ``"error"``, or ``"skip"`` and count them.
    horizon_s : int, optional
        When to stop [s]; when all jobs are done, where not given.
    reliability, repair_s, detect_s, restart_s, crews
        Failures, as for `simulate_jobs`.
    checkpoint_interval_s, checkpoint_write_s : int
        Work between checkpoints of every job, 0 for none, and for how long one holds it up [s].
    checkpoint_gb : float
        Size of a checkpoint for each accelerator of its job [GB], written to `storage`.
    storage : Storage, optional
        Where checkpoints go and how fast, in place of `checkpoint_write_s`.
    chip : str, optional
        Chip of the catalogue: gives power and price.
    usd_per_chip_hour : float, optional
        Cost of an accelerator-hour; the catalogue's for the chip where not given.
    seed : int
        Of the failures.

    Returns
    -------
    JobsRun

    Raises
    ------
    InputError
        If the trace or an argument cannot be used.
    """
    _check(0, checkpoint_gb=checkpoint_gb, usd_per_chip_hour=usd_per_chip_hour)
    jobs = read_trace(trace, columns, on_bad, cluster) if isinstance(trace, str | Path) else trace
    name = Path(trace).name if isinstance(trace, str | Path) else "jobs"
    restart = _restart_s(reliability, restart_s) if reliability or restart_s else 0
    rows = jobs.rows.copy()
    for column in ("cold_restart_s", "warm_restart_s", "inprocess_restart_s"):
        rows[column] = restart
    rows["checkpoint_interval_s"], rows["checkpoint_write_s"] = (
        checkpoint_interval_s, checkpoint_write_s
    )  # fmt: skip
    rows["checkpoint_gb"] = np.ceil(checkpoint_gb * rows["accelerators"])
    failures = _failures(reliability, cluster, repair_s, detect_s, crews)
    run = simulate_cluster(
        cluster, type(jobs)(rows, jobs.names, jobs.skipped), policy=policy, failures=failures,
        storage=storage, seed=seed, horizon_s=horizon_s, on_bad=on_bad,
    )  # fmt: skip
    tariff, notes, facts = chip_tariff(chip, usd_per_chip_hour)
    told = policy if isinstance(policy, str) else _told(policy)
    where = "one pool of " if cluster.pool else ""
    kind = f" {chip}" if chip else " accelerators"
    return JobsRun(
        name, f"{where}{cluster.accelerators:,}{kind}; {told}; {_failing(reliability)}", None, told,
        reliability, (Part(chip or "accelerators", 0, run, tariff, failures, seed),),
        dict(run.jobs.skipped), (*notes, *_usual_notes(reliability)),
        (*facts, *_behind(reliability)),
    )  # fmt: skip


def _check(least: int, **values: float | None) -> None:
    """Refuse numbers that are less, or none; None stands for what is not given."""
    for name, value in values.items():
        if value is not None and not least <= value < math.inf:
            message = f"{name} must be a number of at least {least}. Got {value!r} instead."
            raise InputError(message)


def read_trace(
    path: str | Path, columns: TraceColumns | None, on_bad: OnBad, cluster: Cluster
) -> Jobs:
    """Return the jobs of a file, by its ending, that the cluster can hold."""
    plain = str(path).lower().removesuffix(".gz")
    spare = cluster.hot_spare_nodes * cluster.accelerators_per_node
    most = cluster.accelerators - spare
    if plain.endswith(".swf"):
        return read_swf(path, on_bad=on_bad, accelerators=most)
    if plain.endswith(".csv"):
        return read_csv(path, columns, on_bad=on_bad, accelerators=most)
    message = f"{path}: expected a trace that ends in .swf or .csv, or either with .gz"
    raise InputError(message)


def _told(policy: Policy) -> str:
    parts: list[str] = [policy.order]
    if policy.backfill != "none":
        parts.append(f"{policy.backfill} backfill")
    if policy.preempt:
        parts.append("preemption")
    return " with ".join([parts[0], " and ".join(parts[1:])]) if parts[1:] else parts[0]


def _failing(reliability: str | None) -> str:
    return f"failures of {reliability}" if reliability else "nothing fails"


def _restart_s(reliability: str | None, stated: float | None) -> int:
    """Return the time from a failure to the next productive second [s]."""
    if stated is not None:
        return round(stated)
    book = catalog.load()
    usual = book.get("reliability", _RESTART).number("restart_min")
    if reliability is None:
        return round(60.0 * usual)
    return round(60.0 * book.get("reliability", reliability).number("restart_min", usual))


def _failures(
    preset: str | None, cluster: Cluster, repair_s: float | None, detect_s: float, crews: int | None
) -> Failures | None:
    """Return the failures of a preset for the nodes of a cluster.

    Raises
    ------
    InputError
        If the time of a repair is missing, or given for nothing.
    """
    if preset is None:
        if repair_s is not None or crews is not None:
            message = "a repair time and crews need failures: name a preset of 'reliability'"
            raise InputError(message)
        return None
    if repair_s is None:
        message = (
            "how long a host is away for repair is hardly published, so it has no default; state "
            "it with the failures, such as 4 h"
        )
        raise InputError(message)
    found = Failures.published(
        preset, repair_s=repair_s, detect_s=detect_s,
        accelerators_per_node=cluster.accelerators_per_node,
    )  # fmt: skip
    return Failures(components=found.components, crews=crews)


def _campus_notes(fleets: list[Fleet], cap: Mode | None) -> list[str]:
    notes = ["what stands on the first day is taken to stand all the time"]
    left = sum(fleet.left_out for fleet in fleets)
    if left:
        notes.append(f"{left:,} accelerators that fill no scale-up domain are left out")
    if cap is not None:
        way = "so many hosts are switched off" if cap == "off" else "all are slowed down"
        notes.append(
            "power binds: halls or grid do not feed all accelerators at training's power, and "
            + way
        )
    if len(fleets) > 1:
        notes.append("each kind of accelerator is a cluster of its own; no job spans two")
    notes.append(
        "queues of training runs are never empty: after its last run the first begins anew"
    )
    return notes


def _behind(reliability: str | None) -> tuple[str, ...]:
    """Return the facts behind failures: their rate and the time of a restart."""
    book = catalog.load()
    if reliability is None:
        return ()
    entry, usual = book.get("reliability", reliability), book.get("reliability", _RESTART)
    restart = (entry if "restart_min" in entry else usual)["restart_min"]
    return (entry["failures_per_1000_node_days"].key, restart.key)


def _usual_notes(reliability: str | None) -> list[str]:
    if reliability is None:
        return ["nothing fails: name a preset of failures and a repair time to change that"]
    entry = catalog.load().get("reliability", reliability)
    return [f"failures as of {entry.text('name')}: {entry.text('counts')}"]
