"""What is to be done: jobs as one structured array, checked before they are simulated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from gigawatt.cluster.shape import Cluster

    Rows = NDArray[Any]

__all__ = [
    "CLASSES",
    "JOB",
    "SPANS",
    "Jobs",
    "OnBad",
    "as_numbers",
    "checked",
    "hosting_fleet",
]

OnBad = Literal["error", "skip"]

CLASSES: Final = ("training", "research", "rl", "data", "hosting", "other")
"""Classes of jobs, by their number in the column ``kind``."""

SPANS: Final = ("cluster", "hall", "pod", "domain")
"""Widest group that a job may spread over, by its number in the column ``span``."""

JOB: Final = np.dtype(
    [
        ("submit_s", np.int64),  # when it arrives
        ("accelerators", np.int64),
        ("work_s", np.int64),  # productive time on all of them
        ("kind", np.int64),
        ("tenant", np.int64),
        ("priority", np.int64),
        ("limit_s", np.int64),  # time it is thought to take; -1: exactly known
        ("checkpoint_interval_s", np.int64),  # productive time between checkpoints; 0: none
        ("checkpoint_write_s", np.int64),  # for which a checkpoint holds it up
        ("startup_s", np.int64),  # from placement to the first productive second
        ("cold_restart_s", np.int64),  # the same of a later placement
        ("warm_restart_s", np.int64),  # with a node replaced
        ("inprocess_restart_s", np.int64),  # with all nodes still there
        ("span", np.int64),
        ("least_accelerators", np.int64),  # with which it can go on; -1: all
        ("preemptible", np.int64),
        ("keeps_nodes", np.int64),  # over a failure; else it queues anew
        ("grace_s", np.int64),  # in which a preempted job may write a checkpoint
        ("patience_s", np.int64),  # for which it waits for a node, holding the others
        ("until_s", np.int64),  # a service ends then, whenever it began; -1: other jobs
        ("checkpoint_gb", np.int64),  # size of a checkpoint, where `Storage` says how fast it is
        ("shrunk_permille", np.int64),  # work an accelerator does with fewer than asked for
    ]
)
"""Columns of a job."""

_DEFAULTS: Final = {
    "kind": 5,
    "limit_s": -1,
    "least_accelerators": -1,
    "until_s": -1,
    "shrunk_permille": 1000,
}
_BAD: Final = np.iinfo(np.int64).min  # stands for a number that was none
_MOST: Final = 1 << 37  # longest time [s], some 4,000 years


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs, in order of arrival.

    Parameters
    ----------
    rows : ndarray of dtype `JOB`
        One row a job.
    names : sequence of str, optional
        Names of the jobs; their number where not given.
    skipped : mapping of str to int
        Rows of a file that were left out, counted by reason.
    """

    rows: Rows
    names: Sequence[str] | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, *, names: Sequence[str] | None = None, **columns: ArrayLike) -> Jobs:
        """Return jobs from columns, each an array or one value for all; see `JOB`.

        Times are rounded to whole seconds. Numbers that are not finite are kept as bad, to be
        reported or skipped by the simulation. ``kind`` and ``span`` may be names.

        Raises
        ------
        InputError
            If a column is unknown or its length differs from that of others.

        Examples
        --------
        >>> len(Jobs.of(submit_s=[0, 5], accelerators=8, work_s=[100, 20], kind="training"))
        2
        """
        unknown = sorted(set(columns) - set(JOB.names or ()))
        if unknown:
            message = (
                f"jobs have no column {', '.join(unknown)}; they have {', '.join(JOB.names or ())}"
            )
            raise InputError(message)
        for needed in ("submit_s", "accelerators", "work_s"):
            if needed not in columns:
                message = f"jobs need the column {needed}"
                raise InputError(message)
        arrays = {name: _whole(name, value) for name, value in columns.items()}
        try:
            shape = np.broadcast_shapes(*(a.shape for a in arrays.values()), (1,))
        except ValueError:
            lengths = {name: a.shape for name, a in arrays.items()}
            message = f"the columns of jobs must be of one length. Got {lengths} instead."
            raise InputError(message) from None
        rows = np.zeros(shape[0], dtype=JOB)
        for name, value in _DEFAULTS.items():
            rows[name] = value
        for name, array in arrays.items():
            rows[name] = array
        return cls(rows, names)

    def joined(self, *others: Jobs) -> Jobs:
        """Return these jobs and those of `others`, in order of arrival."""
        everything = (self, *others)
        rows = np.concatenate([jobs.rows for jobs in everything])
        order = np.argsort(rows["submit_s"], kind="stable")
        names = None
        if any(jobs.names is not None for jobs in everything):
            listed = [
                name
                for jobs in everything
                for name in (jobs.names or [str(i) for i in range(len(jobs))])
            ]
            names = [listed[int(i)] for i in order]
        skipped: dict[str, int] = {}
        for jobs in everything:
            for reason, count in jobs.skipped.items():
                skipped[reason] = skipped.get(reason, 0) + count
        return Jobs(rows[order], names, skipped)


def _whole(name: str, value: ArrayLike) -> NDArray[np.int64]:
    """Return a column as whole numbers, `_BAD` where there is none."""
    array = np.asarray(value)
    if array.dtype.kind in "US":
        known = {"kind": CLASSES, "span": SPANS}.get(name)
        if known is None or not set(array.ravel()) <= set(known):
            options = ", ".join(known or ())
            message = f"{name} must be {'one of ' + options if options else 'a number'}. "
            raise InputError(message + f"Got {array.ravel()[:3].tolist()} instead.")
        return np.array([known.index(v) for v in array.ravel()]).reshape(array.shape)
    if array.dtype.kind in "iub":
        return array.astype(np.int64)
    with np.errstate(invalid="ignore"):
        numbers = np.asarray(array, dtype=np.float64)
        good = np.isfinite(numbers) & (np.abs(numbers) < 2.0**62)
        return np.where(good, np.rint(np.where(good, numbers, 0.0)), _BAD).astype(np.int64)


def checked(jobs: Jobs, cluster: Cluster, on_bad: OnBad) -> tuple[Jobs, NDArray[np.int64]]:
    """Return the jobs that can be simulated, and their numbers in the input.

    Raises
    ------
    InputError
        If a job is bad and `on_bad` is ``"error"``: one message with all reasons and counts.
    """
    if on_bad not in ("error", "skip"):
        message = f"on_bad must be 'error' or 'skip'. Got {on_bad!r} instead."
        raise InputError(message)
    bad = np.zeros(len(jobs), dtype=bool)
    found: dict[str, NDArray[np.bool_]] = {}
    for reason, mask in _reasons(jobs.rows, cluster):
        if mask.any():
            found[reason] = mask & ~bad
            bad |= mask
    found = {reason: mask for reason, mask in found.items() if mask.any()}
    late = _out_of_order(jobs.rows["submit_s"], bad)
    if late.any():
        found["arrives before the job above it"] = late
        bad |= late
    if found and on_bad == "error":
        lines = "; ".join(
            f"{reason}: {int(mask.sum())} (first: {_called(jobs, int(np.argmax(mask)))})"
            for reason, mask in found.items()
        )
        message = f"{int(bad.sum())} of {len(jobs)} jobs cannot be simulated: {lines}. "
        raise InputError(message + "Correct them, or leave them out with on_bad='skip'.")
    if not found:
        return jobs, np.arange(len(jobs))
    kept = np.flatnonzero(~bad)
    skipped = dict(jobs.skipped)
    for reason, mask in found.items():
        skipped[reason] = skipped.get(reason, 0) + int(mask.sum())
    names = None if jobs.names is None else [jobs.names[int(i)] for i in kept]
    return Jobs(jobs.rows[kept], names, skipped), kept


def _called(jobs: Jobs, i: int) -> str:
    return f"job {i}" if jobs.names is None else f"job {i}, {jobs.names[i]}"


def _out_of_order(submit_s: NDArray[np.int64], bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which good jobs come before a good one above them."""
    times = np.where(bad, _BAD, submit_s)
    return ~bad & (times < np.maximum.accumulate(times))


def _reasons(rows: Rows, cluster: Cluster) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return why jobs cannot be simulated, and which."""
    numbers = as_numbers(rows)
    lows, highs = numbers.min(axis=0, initial=0), numbers.max(axis=0, initial=0)
    columns = {name: numbers[:, i] for i, name in enumerate(JOB.names or ())}
    size, until, least = columns["accelerators"], columns["until_s"], columns["least_accelerators"]
    shrunk = columns["shrunk_permille"]
    missing = np.zeros(len(rows), dtype=bool)
    negative, long = missing.copy(), missing.copy()
    for (name, column), low, high in zip(columns.items(), lows, highs, strict=True):
        if low == _BAD:
            missing |= column == _BAD
        if name.endswith("_s"):
            lowest = _DEFAULTS.get(name, 0)
            if low < lowest:
                negative |= column < lowest
            if high > _MOST:
                long |= column > _MOST
    service, shrinks = until >= 0, least >= 0
    return [
        ("a number is missing or not finite", missing),
        ("a time is negative", negative),
        ("a time is too long", long),
        ("it needs no accelerators", size <= 0),
        ("it takes no time", ~service & (columns["work_s"] <= 0)),
        ("it ends before it begins", service & (until <= columns["submit_s"])),
        ("its class or span is unknown", _unknown(columns["kind"], columns["span"])),
        ("it needs more accelerators than its span has", size > _room(columns["span"], cluster)),
        ("its tenant is negative", columns["tenant"] < 0),
        ("it shrinks to nothing or to more than it has", shrinks & ((least < 1) | (least > size))),
        ("its checkpoint has a negative size", columns["checkpoint_gb"] < 0),
        ("its shrunk_permille is not from 1 to 1000", (shrunk < 1) | (shrunk > 1000)),
    ]


def as_numbers(rows: Rows) -> NDArray[np.int64]:
    """Return rows of dtype `JOB` as a plain array, one column for each of theirs."""
    return np.ascontiguousarray(rows).view(np.int64).reshape(len(rows), len(JOB.names or ()))


def _unknown(kind: NDArray[np.int64], span: NDArray[np.int64]) -> NDArray[np.bool_]:
    bad = (kind < 0) | (kind >= len(CLASSES)) | (span < 0) | (span >= len(SPANS))
    return np.asarray(bad)


def _room(span: NDArray[np.int64], cluster: Cluster) -> NDArray[np.int64]:
    """Return the accelerators that a job of each span can have at most."""
    in_service = cluster.nodes - cluster.hot_spare_nodes
    nodes = (cluster.nodes, cluster.hall_nodes, cluster.pod_nodes, cluster.nodes_per_domain)
    most = np.array([min(n, in_service) * cluster.accelerators_per_node for n in nodes])
    return most[np.clip(span, 0, len(SPANS) - 1)]


def hosting_fleet(
    replicas: Sequence[int],
    accelerators: int,
    *,
    step_s: int = 3600,
    begin_s: int = 0,
    **columns: ArrayLike,
) -> Jobs:
    """Return a fleet of serving replicas whose number changes from hour to hour.

    Replica k is there in every run of hours in which more than k are wanted: each such run is one
    job that ends on time whenever it began, and loses no work when it fails.

    Parameters
    ----------
    replicas : sequence of int
        Replicas wanted in each step.
    accelerators : int
        Accelerators of one replica.
    step_s : int
        Length of a step [s].
    begin_s : int
        Begin of the first step [s].
    **columns
        Other columns of `JOB`, one value each.

    Examples
    --------
    >>> hosting_fleet([1, 3, 1], 8).rows[["submit_s", "until_s"]].tolist()
    [(0, 10800), (3600, 7200), (3600, 7200)]
    """
    wanted = np.asarray(replicas, dtype=np.int64)
    if wanted.ndim != 1 or (wanted < 0).any():
        message = f"replicas must be a series of whole numbers >= 0. Got {replicas!r} instead."
        raise InputError(message)
    begins, ends = [], []
    for k in range(int(wanted.max(initial=0))):
        on = np.concatenate(([0], (wanted > k).astype(np.int64), [0]))
        change = np.diff(on)
        begins.append(np.flatnonzero(change > 0))
        ends.append(np.flatnonzero(change < 0))
    if not begins:
        return Jobs(np.zeros(0, dtype=JOB))
    begin = begin_s + step_s * np.concatenate(begins)
    end = begin_s + step_s * np.concatenate(ends)
    order = np.argsort(begin, kind="stable")
    return Jobs.of(
        submit_s=begin[order],
        until_s=end[order],
        work_s=(end - begin)[order],
        accelerators=accelerators,
        kind="hosting",
        names=None,
        **columns,
    )
