"""Where every accelerator-second goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["KINDS", "Ledger"]

KINDS: Final = (
    "productive", "checkpoint", "recompute", "restart", "waiting", "idle", "failed", "drained",
    "capped",
)  # fmt: skip
"""Kinds of accelerator-seconds, which sum to all."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Accelerator-seconds by what became of them. They sum exactly to `total`.

    Parameters
    ----------
    productive : int
        Work that counts.
    checkpoint : int
        Jobs held up by writing checkpoints.
    recompute : int
        Work that a failure or a preemption threw away, and must be done again.
    restart : int
        From a failure, or a placement, to the next productive second.
    waiting : int
        Accelerators that stand still while a job waits for some: those that are free, as many as
        waiting jobs ask for, and those of jobs that wait for a lost node.
    idle : int
        Accelerators that nobody asks for, hot spares, those of a job's nodes that it does not need,
        and what a job that goes on with fewer does less on each of them.
    failed : int
        Accelerators that are broken.
    drained : int
        Accelerators that work but are out of service with a broken one beside them, or for planned
        work.
    capped : int
        Accelerators switched off for lack of power, and what jobs do less while they are slowed
        down.

    Examples
    --------
    >>> Ledger(6, 1, 1, 0, 0, 2, 0, 0, 0).goodput
    0.75
    """

    productive: int
    checkpoint: int
    recompute: int
    restart: int
    waiting: int
    idle: int
    failed: int
    drained: int
    capped: int

    @property
    def total(self) -> int:
        """All accelerator-seconds."""
        return sum(getattr(self, kind) for kind in KINDS)

    @property
    def held(self) -> int:
        """Those in which a job ran, restarted or wrote."""
        return self.productive + self.checkpoint + self.recompute + self.restart

    @property
    def goodput(self) -> float:
        """Productive part of the time in which jobs held accelerators."""
        return self.productive / self.held if self.held else 0.0

    @property
    def utilisation(self) -> float:
        """Part of all accelerator-seconds in which a job ran, restarted or wrote."""
        return self.held / self.total if self.total else 0.0

    def shares(self) -> dict[str, float]:
        """Return each kind as a part of the total."""
        total = max(self.total, 1)
        return {kind: getattr(self, kind) / total for kind in KINDS}

    def in_usd(self, usd_per_accelerator_hour: float) -> dict[str, float]:
        """Return what each kind costs at a price of an accelerator-hour [USD]."""
        price = usd_per_accelerator_hour / 3600
        return {kind: getattr(self, kind) * price for kind in KINDS}

    def in_mwh(
        self, busy_kw: float, idle_kw: float, off_kw: float = 0.0, *, slowed: int = 0
    ) -> dict[str, float]:
        """Return the energy of each kind [MWh].

        Parameters
        ----------
        busy_kw : float
            Power of an accelerator with its part of the node while a job holds it [kW].
        idle_kw : float
            The same while it stands still, waiting, idle or drained [kW].
        off_kw : float
            The same while it is broken or switched off [kW].
        slowed : int
            The part of `capped` in which accelerators were on, but slow; see `ClusterRun.slowed`.

        Notes
        -----
        Power is taken to rise in proportion with speed from `idle_kw` to `busy_kw`, so the seconds
        that a job loses to being slowed down count at `idle_kw`.
        """
        busy = ("productive", "checkpoint", "recompute", "restart")
        off = ("failed", "capped")
        result = {}
        for kind in KINDS:
            power = busy_kw if kind in busy else off_kw if kind in off else idle_kw
            result[kind] = getattr(self, kind) / 3600 * power / 1e3
        result["capped"] += slowed / 3600 * (idle_kw - off_kw) / 1e3
        return result
