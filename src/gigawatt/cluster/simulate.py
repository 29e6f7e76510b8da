"""Simulate jobs on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.failures import Failures, Stream
from gigawatt.cluster.jobs import OnBad, checked
from gigawatt.cluster.kernel import columns as k
from gigawatt.cluster.policy import Policy
from gigawatt.cluster.run import ClusterRun
from gigawatt.cluster.state import grown_log, setup_of, state_of
from gigawatt.errors import GigawattError, InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from gigawatt.cluster.jobs import Jobs
    from gigawatt.cluster.shape import Cluster, PowerCap
    from gigawatt.cluster.storage import Storage

    Longs = NDArray[np.int64]

__all__ = ["simulate_cluster"]


def simulate_cluster(  # noqa: PLR0913  what a user may choose
    cluster: Cluster,
    jobs: Jobs,
    *,
    policy: Policy | str = "fifo",
    failures: Failures | None = None,
    caps: Sequence[PowerCap] = (),
    storage: Storage | None = None,
    seed: int = 0,
    horizon_s: int | None = None,
    on_bad: OnBad = "error",
    log: bool = True,
) -> ClusterRun:
    """Run jobs through a cluster, second by second, event by event.

    Parameters
    ----------
    cluster : Cluster
        What stands there.
    jobs : Jobs
        What is to be done, in order of arrival.
    policy : Policy or str
        Who goes first; a name of `policy.NAMED`, or a policy.
    failures : Failures, optional
        What breaks; nothing, where not given.
    caps : sequence of PowerCap
        How much of each hall may be in service, or how fast it is.
    storage : Storage, optional
        Where checkpoints go and how fast. Where not given, each job writes for its
        ``checkpoint_write_s``, whatever the others do.
    seed : int
        Of the failures. The same seed gives the same run.
    horizon_s : int, optional
        When to stop [s]; when all jobs are done, where not given.
    on_bad : str
        What to do with jobs that cannot be simulated: ``"error"``, or ``"skip"`` and count them.
    log : bool
        Keep every time that a job held accelerators, and every reservation. The tables of segments
        and promises and the figures need them.

    Returns
    -------
    ClusterRun
        Times of every job, ledger, tables.

    Raises
    ------
    InputError
        If jobs are bad and are not to be skipped, or a value makes no sense.
    NotModelledError
        If a pool is to fail or be capped, the plan of conservative backfill would need too much
        memory, or jobs would still not be done after 20 years.

    Examples
    --------
    >>> from gigawatt.cluster import Cluster, Jobs
    >>> jobs = Jobs.of(submit_s=[0, 1, 2], accelerators=[6, 8, 2], work_s=[100, 50, 90])
    >>> simulate_cluster(Cluster(), jobs, policy="easy").start_s
    array([  0, 100,   2])
    """
    rules = Policy.named(policy) if isinstance(policy, str) else policy
    _check(cluster, failures, caps, horizon_s)
    good, kept = checked(jobs, cluster, on_bad)
    setup = setup_of(cluster, good, rules, failures, caps, horizon_s, storage=storage, log=log)
    state = state_of(cluster, good, rules, caps, setup, storage)
    return ClusterRun.of(cluster, good, kept, _played(setup, state, cluster, failures, seed))


def _check(
    cluster: Cluster, failures: Failures | None, caps: Sequence[PowerCap], horizon_s: int | None
) -> None:
    if cluster.pool and (failures is not None or caps):
        message = "a pool has no nodes that could fail or be switched off; describe the cluster"
        raise NotModelledError(message)
    if horizon_s is not None and not 0 <= horizon_s < k.FOREVER // 4:
        message = f"horizon_s must be a time of at least 0. Got {horizon_s!r} instead."
        raise InputError(message)
    for cap in caps:
        if not (0 <= cap.hall < cluster.halls and cap.at_s >= 0 and cap.accelerators >= 0):
            message = f"there is no such cap on a cluster of {cluster.halls} halls: {cap}"
            raise InputError(message)


def _played(
    setup: Longs, state: k.State, cluster: Cluster, failures: Failures | None, seed: int
) -> k.State:
    """Run the kernel to its end, giving it failures and room as it asks for them."""
    from gigawatt.cluster.kernel.entry import advance  # noqa: PLC0415  loads LLVM

    stream = None if failures is None else Stream(failures, cluster, seed)
    while True:
        answer = advance(setup, state)
        if answer == k.DONE_ALL:
            return state
        if answer == k.MORE_LOG:
            state = grown_log(state)
        elif answer == k.MORE_FAULTS and stream is not None:
            fault = stream.draw()
            state.now[k.FAULT_NEXT] = 0
            state = state._replace(fault=fault)
            setup[k.C_FAULTS_UNTIL_S] = stream.until_s
        else:
            _complain(answer, state)


def _complain(answer: int, state: k.State) -> None:
    waiting = int(state.now[k.QUEUE])
    if answer == k.TOO_LATE:
        message = (
            f"{waiting} jobs wait and {int(state.now[k.RUNNING])} run 20 years after the last one "
            "came: they fail faster than they get on, or never fit. Set horizon_s to look at them"
        )
        raise NotModelledError(message)
    if answer == k.STUCK:
        message = f"{waiting} jobs wait for ever: quotas or power caps leave them no room"
        raise InputError(message)
    message = f"the simulation of the cluster stopped with {answer}"
    raise GigawattError(message)
