"""Where every accelerator-second goes."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["Ledger"]


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
        Accelerators that nobody asks for, hot spares, and those of a job's nodes that it does not
        need.
    failed : int
        Accelerators that are broken.
    drained : int
        Accelerators that work but are out of service with a broken one beside them, or for planned
        work.
    capped : int
        Accelerators switched off for lack of power.

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
        return sum(getattr(self, field.name) for field in fields(self))

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
        return {field.name: getattr(self, field.name) / total for field in fields(self)}

    def in_usd(self, usd_per_accelerator_hour: float) -> dict[str, float]:
        """Return what each kind costs at a price of an accelerator-hour [USD]."""
        price = usd_per_accelerator_hour / 3600
        return {field.name: getattr(self, field.name) * price for field in fields(self)}

    def in_mwh(self, busy_kw: float, idle_kw: float, off_kw: float = 0.0) -> dict[str, float]:
        """Return the energy of each kind [MWh].

        Parameters
        ----------
        busy_kw : float
            Power of an accelerator with its part of the node while a job holds it [kW].
        idle_kw : float
            The same while it stands still, waiting, idle or drained [kW].
        off_kw : float
            The same while it is broken or switched off [kW].
        """
        busy = ("productive", "checkpoint", "recompute", "restart")
        off = ("failed", "capped")
        result = {}
        for field in fields(self):
            power = busy_kw if field.name in busy else off_kw if field.name in off else idle_kw
            result[field.name] = getattr(self, field.name) / 3600 * power / 1e3
        return result
