r"""What became of every accelerator-second, by class of job, in hours, energy and money.

.. math:: E_s = \sum_c H_{s,c}\,P_{s,c}, \qquad
          C_s = c_{hour} \sum_c H_{s,c} + c_{energy}\,E_s

with :math:`H` the accelerator-hours that jobs of class c spend in state s. Jobs draw the power of
their activity while they hold accelerators; what stands still draws idle power, as do the seconds
that jobs lose to being slowed down; what is broken or switched off draws none. Each sum is that of
its parts, so nothing is counted twice or lost.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from gigawatt.cluster.jobs import CLASSES
from gigawatt.cluster.kernel import columns as k
from gigawatt.cluster.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.cluster.run import ClusterRun

__all__ = ["ACTIVITY_OF", "NOBODY", "STATES", "Account", "Tariff", "account", "added"]

STATES: Final = tuple(field.name for field in fields(Ledger))
"""What an accelerator-second can be."""

NOBODY: Final = "none"
"""Class of what no job holds."""

ACTIVITY_OF: Final[dict[str, str]] = {
    "training": "training",
    "research": "research",
    "rl": "research",
    "data": "data_processing",
    "hosting": "hosting",
    "other": "training",
}
"""Activity whose power a job of each class draws."""

_BUSY: Final = ("productive", "checkpoint", "recompute", "restart")
_COLUMNS: Final = {
    "productive": k.PRODUCTIVE,
    "checkpoint": k.CHECKPOINT,
    "recompute": k.RECOMPUTE,
    "restart": k.RESTART,
    "waiting": k.WAITING,
    "idle": k.PADDING,
    "capped": k.SLOWED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What an accelerator draws and costs; None where nothing is known.

    Parameters
    ----------
    busy_kw : mapping of str to float, optional
        IT power of one accelerator at work on a job of each class.
    idle_kw : float
        IT power of one that stands still.
    usd_per_hour : float, optional
        Cost of an accelerator-hour, without the energy below.
    usd_per_mwh : float
        Price of IT energy, cooling and losses included; 0 where `usd_per_hour` has it.
    """

    busy_kw: Mapping[str, float] | None = None
    idle_kw: float = 0.0
    usd_per_hour: float | None = None
    usd_per_mwh: float = 0.0


@dataclass(frozen=True, slots=True)
class Account:
    """What became of every accelerator-second.

    Parameters
    ----------
    seconds : dict of str to dict of str to int
        Accelerator-seconds by state and class; the class `NOBODY` is what no job held.
    mwh, usd : dict of str to float, or None
        IT energy and money by state; None where no power or no price is known.
    """

    seconds: dict[str, dict[str, int]]
    mwh: dict[str, float] | None
    usd: dict[str, float] | None

    @property
    def total_s(self) -> int:
        """All accelerator-seconds."""
        return sum(self.of_state(state) for state in STATES)

    def of_state(self, state: str) -> int:
        """Return the accelerator-seconds of a state."""
        return sum(self.seconds[state].values())

    def of_class(self, name: str, *states: str) -> int:
        """Return the accelerator-seconds of a class of jobs in some states; in all by default."""
        return sum(self.seconds[state].get(name, 0) for state in states or STATES)

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes of jobs that held accelerators."""
        return tuple(name for name in CLASSES if self.of_class(name))


def account(run: ClusterRun, tariff: Tariff) -> Account:
    """Return what became of every accelerator-second of a simulation.

    Parameters
    ----------
    run : ClusterRun
        The simulation.
    tariff : Tariff
        Power and prices.
    """
    kind = run.jobs.rows["kind"]
    seconds: dict[str, dict[str, int]] = {}
    for state in STATES:
        by_class = {}
        if state in _COLUMNS:
            column = run.fate[:, _COLUMNS[state]]
            for number, name in enumerate(CLASSES):
                found = int(column[kind == number].sum())
                if found:
                    by_class[name] = found
        rest = getattr(run.ledger, state) - sum(by_class.values())
        if rest:
            by_class[NOBODY] = rest
        seconds[state] = by_class
    mwh = None
    if tariff.busy_kw is not None:
        mwh = {state: _mwh(state, seconds[state], tariff) for state in STATES}
    usd = None
    if tariff.usd_per_hour is not None:
        usd = {
            state: sum(seconds[state].values()) / 3600.0 * tariff.usd_per_hour
            + (0.0 if mwh is None else mwh[state] * tariff.usd_per_mwh)
            for state in STATES
        }
    return Account(seconds, mwh, usd)


def _mwh(state: str, by_class: Mapping[str, int], tariff: Tariff) -> float:
    """Return the IT energy of a state: busy jobs by their class, the rest idle or off.

    Power rises in proportion to speed from idle, so what slowed jobs do less counts as idle.
    """
    hours = {name: seconds / 3600.0 for name, seconds in by_class.items()}
    if state == "failed":
        return 0.0
    if state == "capped":
        hours.pop(NOBODY, None)  # switched off
    if state not in _BUSY or tariff.busy_kw is None:
        return sum(hours.values()) * tariff.idle_kw / 1e3
    return sum(h * tariff.busy_kw[name] for name, h in hours.items()) / 1e3


def added(accounts: list[Account]) -> Account:
    """Return several accounts as one; energy and money only where all have them."""
    seconds: dict[str, dict[str, int]] = {state: {} for state in STATES}
    for one in accounts:
        for state, by_class in one.seconds.items():
            for name, value in by_class.items():
                seconds[state][name] = seconds[state].get(name, 0) + value
    return Account(seconds, _summed([a.mwh for a in accounts]), _summed([a.usd for a in accounts]))


def _summed(tables: list[dict[str, float] | None]) -> dict[str, float] | None:
    known = [table for table in tables if table is not None]
    if len(known) < len(tables):
        return None
    return {state: sum(table[state] for table in known) for state in STATES}
