"""What came out of a simulation of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.cluster.jobs import CLASSES
from gigawatt.cluster.kernel import columns as k
from gigawatt.cluster.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from gigawatt.cluster.jobs import Jobs
    from gigawatt.cluster.shape import Cluster

    Longs = NDArray[np.int64]

__all__ = ["ENDED_BY", "STATES", "ClusterRun"]

STATES: Final = (
    "coming", "waiting", "running", "failed", "holding", "saving", "done", "missed",
)  # fmt: skip
"""How a job stands at the end, by its number in the kernel."""

ENDED_BY: Final = ("end", "failure", "preemption", "resizing", "horizon")
"""What ended a time in which a job held accelerators."""

_WHY: Final = ("first", "earlier", "broken")
_KINDS: Final = (
    ("productive", k.PRODUCTIVE),
    ("checkpoint", k.CHECKPOINT),
    ("recompute", k.RECOMPUTE),
    ("restart", k.RESTART),
    ("waiting", k.WAITING),
    ("padding", k.PADDING),
    ("slowed", k.SLOWED),
)


@dataclass(frozen=True, slots=True, repr=False)
class ClusterRun:
    """One simulation of a cluster.

    Parameters
    ----------
    cluster : Cluster
        What stood there.
    jobs : Jobs
        What was simulated, with the count of what was skipped.
    numbers : ndarray
        Number of each job in the input.
    ledger : Ledger
        Where every accelerator-second went.
    until_s : int
        End of the simulation [s].
    counts : mapping of str to int
        Failures that struck jobs, promises broken, corruptions never found.
    fate : ndarray
        One row a job, in the kernel's columns.
    held : ndarray
        One row for each time that a job held accelerators.
    promised : ndarray
        One row for each reservation.
    """

    cluster: Cluster
    jobs: Jobs
    numbers: Longs
    ledger: Ledger
    until_s: int
    counts: Mapping[str, int]
    fate: Longs
    held: Longs
    promised: Longs

    @classmethod
    def of(cls, cluster: Cluster, jobs: Jobs, numbers: Longs, state: k.State) -> ClusterRun:
        """Return what the kernel's arrays say."""
        fate, now = state.job[: len(jobs)], state.now
        summed = {name: int(fate[:, column].sum()) for name, column in _KINDS}
        led = [int(v) for v in now]
        ledger = Ledger(
            productive=summed["productive"],
            checkpoint=summed["checkpoint"],
            recompute=summed["recompute"],
            restart=summed["restart"],
            waiting=summed["waiting"] + led[k.LED_WAITING],
            idle=summed["padding"] + led[k.LED_IDLE],
            failed=led[k.LED_FAILED],
            drained=led[k.LED_DRAINED],
            capped=led[k.LED_CAPPED] + summed["slowed"],
        )
        counts = {
            "failures": int(now[k.STRUCK]),
            "broken_promises": int(now[k.BROKEN_PROMISES]),
            "corrupted": int(now[k.CORRUPTED]),
        }
        held, promised = state.log[: now[k.LOG_ROWS]], state.promise[: now[k.PROMISES]]
        return cls(cluster, jobs, numbers, ledger, int(now[k.CLOCK]), counts, fate, held, promised)

    def __repr__(self) -> str:
        return (
            f"ClusterRun({len(self.jobs):,} jobs on {self.cluster.accelerators:,} accelerators, "
            f"{self.until_s:,} s, goodput {self.ledger.goodput:.3f})"
        )

    @property
    def slowed(self) -> int:
        """The part of what is capped in which accelerators were on, but slow [accelerator-s]."""
        return int(self.fate[:, k.SLOWED].sum())

    @property
    def start_s(self) -> Longs:
        """First start of each job; -1 if it never started [s]."""
        return self.fate[:, k.START]

    @property
    def end_s(self) -> Longs:
        """End of each job; -1 if it was not done [s]."""
        return self.fate[:, k.END]

    @property
    def queue_s(self) -> Longs:
        """Time that each job spent in the queue, all told [s]."""
        return self.fate[:, k.WAITED_S]

    @property
    def done(self) -> NDArray[np.bool_]:
        """Whether each job was done."""
        return np.asarray(self.fate[:, k.STATUS] == k.DONE)

    @property
    def ettr(self) -> NDArray[np.float64]:
        """Productive part of each job's time from its first start to its end, or to the horizon.

        Time that it queues again counts. With fewer accelerators than it asked for, its work counts
        as on all of them. NaN for a job that never started.
        """
        begin = self.fate[:, k.START]
        end = np.where(self.fate[:, k.END] >= 0, self.fate[:, k.END], self.until_s)
        size = self.jobs.rows["accelerators"]
        productive = self.fate[:, k.PRODUCTIVE] / np.maximum(size, 1)
        wall = np.where((begin >= 0) & (end > begin), end - begin, np.nan)
        return np.asarray(productive / wall)

    def mttf_h(self, mask: NDArray[np.bool_] | None = None) -> float:
        """Return the hours that jobs ran for each failure that struck one; infinite without any.

        Parameters
        ----------
        mask : ndarray of bool, optional
            The jobs that count; all, where not given.
        """
        chosen = self.fate if mask is None else self.fate[mask]
        size = (
            self.jobs.rows["accelerators"] if mask is None else self.jobs.rows[mask]["accelerators"]
        )
        ran = sum(chosen[:, column] for _, column in _KINDS[:3]) / np.maximum(size, 1)
        ran = ran + chosen[:, k.RESTART] / np.maximum(size, 1)
        failures = int(chosen[:, k.FAILURES].sum())
        return float(ran.sum() / 3600 / failures) if failures else np.inf

    @property
    def fragmentation(self) -> float:
        """Part of the free accelerator-seconds in which waiting jobs could not use them."""
        waiting = self.ledger.waiting - int(self.fate[:, k.WAITING].sum())
        idle = self.ledger.idle - int(self.fate[:, k.PADDING].sum())
        return waiting / (waiting + idle) if waiting + idle else 0.0

    def summary(self) -> dict[str, Any]:
        """Return the answer in a few numbers."""
        done = self.done
        return {
            "jobs": len(self.jobs),
            "done": int(done.sum()),
            "skipped": dict(self.jobs.skipped),
            "until_s": self.until_s,
            "goodput": self.ledger.goodput,
            "utilisation": self.ledger.utilisation,
            "fragmentation": self.fragmentation,
            "mttf_h": self.mttf_h(),
            "shares": self.ledger.shares(),
            **self.counts,
        }

    def queue_table(self) -> pd.DataFrame:
        """Return the delays of each class: jobs, and mean, median, P90 and P99 of the queue [s]."""
        import pandas as pd  # noqa: PLC0415  for users who ask for tables

        rows = []
        for number, name in enumerate(CLASSES):
            mask = (self.jobs.rows["kind"] == number) & (self.fate[:, k.START] >= 0)
            if not mask.any():
                continue
            waited = self.queue_s[mask]
            p50, p90, p99 = np.percentile(waited, [50, 90, 99])
            rows.append((name, int(mask.sum()), float(waited.mean()), p50, p90, p99))
        columns = ["class", "jobs", "mean_s", "p50_s", "p90_s", "p99_s"]
        return pd.DataFrame(rows, columns=columns)

    def job_table(self) -> pd.DataFrame:
        """Return one row a job: what it asked for, when it ran, what became of its time."""
        import pandas as pd  # noqa: PLC0415  for users who ask for tables

        rows, fate = self.jobs.rows, self.fate
        names = self.jobs.names
        table = {
            "job": self.numbers if names is None else np.asarray(names, dtype=object),
            "class": np.array(CLASSES, dtype=object)[rows["kind"]],
            "tenant": rows["tenant"],
            "accelerators": rows["accelerators"],
            "submit_s": rows["submit_s"],
            "start_s": fate[:, k.START],
            "end_s": fate[:, k.END],
            "queue_s": fate[:, k.WAITED_S],
            "state": np.array(STATES, dtype=object)[fate[:, k.STATUS]],
            "failures": fate[:, k.FAILURES],
            "preemptions": fate[:, k.PREEMPTIONS],
            "placements": fate[:, k.PLACEMENTS],
            "promised_start_s": fate[:, k.RESERVED_AT],
            **{f"{name}_accelerator_s": fate[:, column] for name, column in _KINDS},
            "ettr": self.ettr,
        }
        return pd.DataFrame(table)

    def segment_table(self) -> pd.DataFrame:
        """Return one row for each time that a job held accelerators; empty without a log."""
        import pandas as pd  # noqa: PLC0415  for users who ask for tables

        held = self.held
        return pd.DataFrame(
            {
                "job": self.numbers[held[:, k.LOG_JOB]],
                "begin_s": held[:, k.LOG_BEGIN],
                "end_s": held[:, k.LOG_END],
                "accelerators": held[:, k.LOG_HELD],
                "node": held[:, k.LOG_NODE],
                "ended_by": np.array(ENDED_BY, dtype=object)[held[:, k.LOG_WHY]],
            }
        )

    def promise_table(self) -> pd.DataFrame:
        """Return one row for each reservation that backfill made; empty without a log."""
        import pandas as pd  # noqa: PLC0415  for users who ask for tables

        promised = self.promised
        start = promised[:, k.PROMISE_START]
        return pd.DataFrame(
            {
                "job": self.numbers[promised[:, k.PROMISE_JOB]],
                "at_s": promised[:, k.PROMISE_AT],
                "start_s": np.where(start >= k.FOREVER, -1, start),
                "why": np.array(_WHY, dtype=object)[promised[:, k.PROMISE_WHY]],
            }
        )

    def occupancy_table(self, step_s: int = 3600) -> pd.DataFrame:
        """Return the accelerators that each class held, in the mean of each step; needs the log.

        Parameters
        ----------
        step_s : int
            Length of a step [s].
        """
        import pandas as pd  # noqa: PLC0415  for users who ask for tables

        steps = max(-(-self.until_s // step_s), 1)
        table: dict[str, Any] = {"begin_s": np.arange(steps) * step_s}
        kind = self.jobs.rows["kind"][self.held[:, k.LOG_JOB]]
        for number, name in enumerate(CLASSES):
            rows = self.held[kind == number]
            if len(rows) or not len(self.held):
                table[name] = _mean_held(rows, steps, step_s)
        return pd.DataFrame(table)


def _mean_held(rows: Longs, steps: int, step_s: int) -> NDArray[np.float64]:
    """Return the mean accelerators held in each step, from the integral up to each edge."""
    edges = np.arange(steps + 1) * step_s
    integral = np.zeros(steps + 1)
    for column, sign in ((k.LOG_BEGIN, 1), (k.LOG_END, -1)):
        order = np.argsort(rows[:, column], kind="stable")
        times, held = rows[order, column], rows[order, k.LOG_HELD]
        count = np.searchsorted(times, edges, side="right")
        level = np.concatenate(([0], np.cumsum(held)))[count]
        moment = np.concatenate(([0], np.cumsum(held * times)))[count]
        integral += sign * (level * edges - moment)
    return np.asarray(np.diff(integral) / step_s)
