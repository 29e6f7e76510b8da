"""Where checkpoints go: memory, local disks, storage that all jobs share.

A checkpoint of a job is `checkpoint_gb` in all, written in equal parts by its nodes. Near tiers
belong to the nodes, so each job has their bandwidth to itself. The shared storage has one bandwidth
for all jobs that write or read at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from gigawatt.cluster.kernel import columns as k
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.cluster.shape import Cluster

    Rows = NDArray[Any]
    Longs = NDArray[np.int64]

__all__ = ["NearTier", "Storage", "paces"]

Outlives = Literal["interrupt", "node", "rack", "pod"]

_LEVELS: Final = {"interrupt": k.ONE_JOB, "node": k.NODE, "rack": k.RACK, "pod": k.POD}
_MOST_NEAR: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NearTier:
    """Checkpoints in the nodes of a job.

    Parameters
    ----------
    name : str
        Such as ``"memory"`` or ``"local"``.
    node_gb_s : float
        Bandwidth of writing of one node [GB/s].
    node_read_gb_s : float, optional
        Bandwidth of reading; that of writing, where not given [GB/s].
    survives : str
        The widest failure that they outlive. ``"interrupt"``: only that of a job, whose nodes stay
        up. ``"node"``: that of a node, as where others keep a copy; or of a ``"rack"`` or
        ``"pod"``. They never outlive that the job gives its nodes back.

    Raises
    ------
    InputError
        If a value makes no sense.
    """

    name: str
    node_gb_s: float
    node_read_gb_s: float | None = None
    survives: Outlives = "interrupt"

    def __post_init__(self) -> None:
        _check_bandwidths(self.name, self.node_gb_s, self.node_read_gb_s)
        if self.survives not in get_args(Outlives):
            options = ", ".join(get_args(Outlives))
            message = f"{self.name}: survives must be one of {options}. Got {self.survives!r}."
            raise InputError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Tiers of checkpoints. The shared one outlives everything.

    Jobs without a ``checkpoint_gb`` do not use it; their ``checkpoint_write_s`` stays as given.

    Parameters
    ----------
    shared_gb_s : float
        Bandwidth of writing of the shared storage, for all jobs together [GB/s].
    shared_read_gb_s : float, optional
        Bandwidth of reading; that of writing, where not given [GB/s].
    node_link_gb_s : float
        Most that one node writes to or reads from the shared storage [GB/s].
    near : tuple of NearTier
        At most two tiers before it, the nearest first.
    every : tuple of int
        For each tier but the nearest, the writes to the tier before it from one of its own to the
        next: with ``near=(memory, local)`` and ``every=(4, 10)`` each fourth checkpoint in memory
        is followed by one on local disks, and each tenth of these by one on the shared storage.

    Raises
    ------
    InputError
        If a value makes no sense.

    Examples
    --------
    >>> memory = NearTier(name="memory", node_gb_s=20.0, survives="node")
    >>> Storage(shared_gb_s=500.0, node_link_gb_s=5.0, near=(memory,), every=(12,)).every
    (12,)
    """

    shared_gb_s: float
    node_link_gb_s: float
    shared_read_gb_s: float | None = None
    near: tuple[NearTier, ...] = ()
    every: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check_bandwidths("shared storage", self.shared_gb_s, self.shared_read_gb_s)
        _check_bandwidths("link of a node", self.node_link_gb_s, None)
        if len(self.near) > _MOST_NEAR:
            message = f"there can be at most {_MOST_NEAR} near tiers. Got {len(self.near)} instead."
            raise InputError(message)
        if len(self.every) != len(self.near) or any(
            not (isinstance(n, int) and n >= 1) for n in self.every
        ):
            message = (
                f"every must be {len(self.near)} whole numbers of at least 1, one for each tier "
                f"but the nearest. Got {self.every!r} instead."
            )
            raise InputError(message)

    def write_s(self, rows: Rows, cluster: Cluster) -> Longs:
        """Return the seconds that a write of each job takes to each tier, alone: jobs x tiers."""
        return self._times(rows, cluster, reading=False)

    def read_s(self, rows: Rows, cluster: Cluster) -> Longs:
        """Return the seconds that a read of each job takes from each tier, alone: jobs x tiers."""
        return self._times(rows, cluster, reading=True)

    def _times(self, rows: Rows, cluster: Cluster, *, reading: bool) -> Longs:
        nodes = -(-rows["accelerators"] // cluster.accelerators_per_node)
        bandwidths = []
        for tier in self.near:
            each = tier.node_read_gb_s if reading and tier.node_read_gb_s else tier.node_gb_s
            bandwidths.append(nodes * each)
        shared = self.shared_read_gb_s if reading and self.shared_read_gb_s else self.shared_gb_s
        bandwidths.append(np.minimum(nodes * self.node_link_gb_s, shared))
        times = rows["checkpoint_gb"][:, None] / np.stack(bandwidths, axis=1)
        return np.rint(times).astype(np.int64)


def _check_bandwidths(name: str, write: float, read: float | None) -> None:
    if not (0 < write < np.inf and (read is None or 0 < read < np.inf)):
        message = f"{name}: bandwidths must be above 0. Got {write!r} and {read!r} instead."
        raise InputError(message)


def paces(rows: Rows, cluster: Cluster, storage: Storage | None) -> tuple[Longs, Longs]:
    """Return the kernel's array of tiers, and the time of a write to the nearest of each job."""
    pace = np.zeros((max(len(rows), 1), k.PACE_COLUMNS), dtype=np.int64)
    pace[:, [k.EVERY1, k.EVERY2]] = 1
    pace[:, k.SHARED] = pace[:, k.RESTORE] = -1
    pace[:, [k.HALL_SPEED, k.SPEED, k.FLOW]] = k.FULL
    pace[: len(rows), k.EFFICIENCY] = rows["shrunk_permille"]
    write = rows["checkpoint_write_s"].copy()
    if storage is None:
        return pace, write
    uses = np.flatnonzero((rows["checkpoint_gb"] > 0) & (rows["checkpoint_interval_s"] > 0))
    mine = rows[uses]
    writes, reads = storage.write_s(mine, cluster), storage.read_s(mine, cluster)
    nodes = -(-mine["accelerators"] // cluster.accelerators_per_node)
    share = np.minimum(nodes * storage.node_link_gb_s / storage.shared_gb_s, 1.0)
    pace[uses, k.SHARE] = np.maximum(np.rint(share * k.FULL), 1)
    pace[uses, k.WIDTH] = np.log2(k.FULL / pace[uses, k.SHARE]).astype(np.int64)
    write[uses] = writes[:, 0]
    for column in (k.READ0_S, k.READ1_S, k.READ2_S):
        pace[uses, column] = reads[:, -1]
    pace[uses, k.SHARED] = 0
    if storage.near:
        pace[uses, k.SHARED] = 2
        pace[uses, k.WRITE2_S] = writes[:, -1]
        pace[uses, k.EVERY2] = int(np.prod(storage.every))
        levels = [_LEVELS[tier.survives] for tier in storage.near]
        pace[uses, k.SURVIVES0], pace[uses, k.SURVIVES1] = levels[0], levels[-1]
        pace[uses, k.READ0_S], pace[uses, k.READ1_S] = reads[:, 0], reads[:, len(levels) - 1]
    if len(storage.near) == _MOST_NEAR:
        pace[uses, k.WRITE1_S] = writes[:, 1]
        pace[uses, k.EVERY1] = storage.every[0]
    return pace, write
