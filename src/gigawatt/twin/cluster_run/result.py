"""What came out of simulating jobs: the runs of all fleets, and the questions asked most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.cluster.failures import Stream
from gigawatt.cluster.jobs import CLASSES
from gigawatt.cluster.kernel import columns as k
from gigawatt.twin.cluster_run.account import Account, Tariff, account, added

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import pandas as pd

    from gigawatt.cluster.failures import Failures
    from gigawatt.cluster.run import ClusterRun

__all__ = ["Delays", "JobsRun", "Part", "Reached"]

_RAN = [k.PRODUCTIVE, k.CHECKPOINT, k.RECOMPUTE, k.RESTART, k.SLOWED]
"""Columns of the time in which a job ran."""


@dataclass(frozen=True, slots=True)
class Delays:
    """Time that the jobs of a class spent in the queue.

    Parameters
    ----------
    name : str
        Class of the jobs.
    jobs, started, done : int
        Jobs that came, that started at least once, and that were done.
    mean_s, median_s, p90_s : float
        Over those that started; NaN where none did.
    """

    name: str
    jobs: int
    started: int
    done: int
    mean_s: float
    median_s: float
    p90_s: float


@dataclass(frozen=True, slots=True)
class Reached:
    """How a class of jobs got on against failures.

    Parameters
    ----------
    name : str
        Class of the jobs.
    ettr : float
        Productive part of the time from their first starts to their ends, by accelerator-seconds;
        NaN where none started.
    mttf_h : float
        Hours that jobs ran for each failure that struck one; infinite without any.
    failures, preemptions : int
        How often jobs were struck, and stopped for others.
    """

    name: str
    ettr: float
    mttf_h: float
    failures: int
    preemptions: int


@dataclass(frozen=True)
class Part:
    """The simulation of one kind of accelerator.

    Parameters
    ----------
    name : str
        Chip of the catalogue, or what else tells it from others.
    left_out : int
        Accelerators that fill no scale-up domain.
    run : ClusterRun
        The simulation.
    tariff : Tariff
        Power and prices.
    failures : Failures or None
        What failed.
    seed : int
        Of the failures.
    """

    name: str
    left_out: int
    run: ClusterRun
    tariff: Tariff
    failures: Failures | None
    seed: int

    @cached_property
    def account(self) -> Account:
        """What became of every accelerator-second."""
        return account(self.run, self.tariff)

    @cached_property
    def struck(self) -> tuple[tuple[int, str], ...]:
        """When something failed [s], and what, whether a job was there or not."""
        if self.failures is None or self.run.until_s <= 0:
            return ()
        stream = Stream(self.failures, self.run.cluster, self.seed)
        names = [component.name for component in self.failures.components]
        found: list[tuple[int, str]] = []
        for rows in stream.pieces():
            seen = rows[:, k.FAULT_AT] < self.run.until_s
            seen &= rows[:, k.FAULT_KIND] != k.EXPOSES
            found += [(int(r[k.FAULT_AT]), names[int(r[k.FAULT_CAUSE])]) for r in rows[seen]]
            if stream.until_s >= self.run.until_s - 1:
                return tuple(found)
        return tuple(found)


@dataclass(frozen=True)
class JobsRun:
    """Jobs on the accelerators of a campus, or of a trace on a cluster.

    Parameters
    ----------
    title : str
        Whose jobs they are.
    about : str
        Accelerators, policy and failures in a line.
    begin : date or None
        First day; None where time counts from the first arrival only.
    policy : str
        Who goes first.
    reliability : str or None
        Preset of failures.
    parts : tuple of Part
        One for each kind of accelerator.
    skipped : dict of str to int
        Jobs that were left out, by reason.
    notes, facts : tuple of str
        What was taken, and the keys of the published facts behind it.
    """

    title: str
    about: str
    begin: dt.date | None
    policy: str
    reliability: str | None
    parts: tuple[Part, ...]
    skipped: dict[str, int]
    notes: tuple[str, ...]
    facts: tuple[str, ...]

    @cached_property
    def account(self) -> Account:
        """What became of every accelerator-second of all parts."""
        return added([part.account for part in self.parts])

    @property
    def accelerators(self) -> int:
        """Accelerators that were simulated."""
        return sum(part.run.cluster.accelerators for part in self.parts)

    @property
    def until_s(self) -> int:
        """When the last part ended [s]."""
        return max(part.run.until_s for part in self.parts)

    @property
    def utilisation(self) -> float:
        """Part of all accelerator-seconds in which a job ran, restarted or wrote."""
        held = sum(part.run.ledger.held for part in self.parts)
        return held / max(self.account.total_s, 1)

    @property
    def goodput(self) -> float:
        """Productive part of the time in which jobs held accelerators."""
        held = sum(part.run.ledger.held for part in self.parts)
        return self.account.of_state("productive") / held if held else 0.0

    @property
    def fragmentation(self) -> float:
        """Part of the free accelerator-seconds in which waiting jobs could not use them."""
        free = [_free(part.run) for part in self.parts]
        waiting, every = sum(w for w, _ in free), sum(t for _, t in free)
        return waiting / every if every else 0.0

    @property
    def failures(self) -> dict[str, int]:
        """How often each cause struck, whether a job was there or not; the commonest first."""
        found: dict[str, int] = {}
        for part in self.parts:
            for _, name in part.struck:
                found[name] = found.get(name, 0) + 1
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def reached(self) -> tuple[Reached, ...]:
        """How each class of jobs got on; all of them first where there are several."""
        present = self._present()
        every = [("all", None)] if len(present) > 1 else []
        return tuple(self._reached(n, i) for n, i in [*every, *((CLASSES[i], i) for i in present)])

    @property
    def delays(self) -> tuple[Delays, ...]:
        """How long the jobs of each class waited."""
        found = []
        for number in self._present():
            masks = [part.run.jobs.rows["kind"] == number for part in self.parts]
            fates = [p.run.fate[mask] for p, mask in zip(self.parts, masks, strict=True)]
            fate = np.concatenate(fates)
            began = fate[:, k.START] >= 0
            waited = fate[began, k.WAITED_S].astype(float)
            done = int((fate[:, k.STATUS] == k.DONE).sum())
            figures = (
                (float(waited.mean()), *map(float, np.percentile(waited, [50, 90])))
                if waited.size
                else (float("nan"),) * 3
            )
            found.append(Delays(CLASSES[number], len(fate), int(began.sum()), done, *figures))
        return tuple(found)

    def _present(self) -> Sequence[int]:
        kinds = np.concatenate([part.run.jobs.rows["kind"] for part in self.parts])
        return [int(i) for i in np.unique(kinds)]

    def _reached(self, name: str, number: int | None) -> Reached:
        productive = wall = hours = 0.0
        failures = preemptions = 0
        for part in self.parts:
            run, size = part.run, part.run.jobs.rows["accelerators"]
            mask = np.ones(len(size), dtype=bool)
            if number is not None:
                mask = run.jobs.rows["kind"] == number
            fate = run.fate[mask]
            began = fate[:, k.START] >= 0
            end = np.where(fate[:, k.END] >= 0, fate[:, k.END], run.until_s)
            wall += float((np.where(began, end - fate[:, k.START], 0) * size[mask]).sum())
            productive += float(fate[:, k.PRODUCTIVE].sum())
            ran = fate[:, _RAN].sum(axis=1)
            hours += float((ran / np.maximum(size[mask], 1)).sum()) / 3600.0
            failures += int(fate[:, k.FAILURES].sum())
            preemptions += int(fate[:, k.PREEMPTIONS].sum())
        return Reached(
            name,
            productive / wall if wall else float("nan"),
            hours / failures if failures else float("inf"),
            failures,
            preemptions,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain numbers and text, for programs."""
        from gigawatt.twin.cluster_run.record import jobs_record  # noqa: PLC0415  needs this class

        return jobs_record(self)

    def table(self) -> pd.DataFrame:
        """Return one row for each job; the fleet stands first where there are several."""
        import pandas as pd  # noqa: PLC0415  for users who ask for tables

        tables = []
        for part in self.parts:
            rows = part.run.job_table()
            if len(self.parts) > 1:
                rows.insert(0, "chip", part.name)
            tables.append(rows)
        return pd.concat(tables, ignore_index=True)


def _free(run: ClusterRun) -> tuple[int, int]:
    """Return the free accelerator-seconds that waiting jobs could not use, and all free ones."""
    waiting = run.ledger.waiting - int(run.fate[:, k.WAITING].sum())
    idle = run.ledger.idle - int(run.fate[:, k.PADDING].sum())
    return waiting, waiting + idle
