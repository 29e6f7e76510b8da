"""Write what came out of a simulation into files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.cluster.jobs import CLASSES
from gigawatt.cluster.kernel import columns as k
from gigawatt.cluster.run import ENDED_BY
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.cluster.run import ClusterRun

__all__ = ["write_chrome_trace", "write_parquet"]


def write_chrome_trace(
    run: ClusterRun, path: str | Path, *, begin_s: int = 0, end_s: int | None = None
) -> int:
    """Write what ran in a window of time as a Chrome trace; return how many bars it has.

    It opens in Perfetto and in ``chrome://tracing``: one process a hall, one thread a pod, one bar
    for each time that a job held accelerators, put where its first node is.

    Parameters
    ----------
    run : ClusterRun
        A simulation with its log.
    path : str or Path
        The file to write.
    begin_s, end_s : int
        The window [s]; all of it, where not given.

    Raises
    ------
    InputError
        If the simulation kept no log or the window is empty.
    """
    end = run.until_s if end_s is None else end_s
    if not end > begin_s:
        message = f"the window must end after it begins. Got {begin_s!r} to {end!r} instead."
        raise InputError(message)
    if not len(run.held) and (run.start_s >= 0).any():
        message = "the simulation kept no log; run it with log=True"
        raise InputError(message)
    inside = (run.held[:, k.LOG_BEGIN] < end) & (run.held[:, k.LOG_END] > begin_s)
    rows = run.held[inside]
    hall, pod = run.cluster.hall_nodes, run.cluster.pod_nodes
    events: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", "pid": int(h), "args": {"name": f"hall {h}"}}
        for h in np.unique(np.maximum(rows[:, k.LOG_NODE], 0) // hall)
    ]
    for row in rows:
        j = int(row[k.LOG_JOB])
        node = max(int(row[k.LOG_NODE]), 0)
        number = int(run.numbers[j])
        name = str(number) if run.jobs.names is None else run.jobs.names[j]
        events.append(
            {
                "ph": "X",
                "name": name,
                "cat": CLASSES[int(run.jobs.rows["kind"][j])],
                "pid": node // hall,
                "tid": node // pod,
                "ts": int(row[k.LOG_BEGIN]) * 1_000_000,  # the format counts microseconds
                "dur": int(row[k.LOG_END] - row[k.LOG_BEGIN]) * 1_000_000,
                "args": {
                    "accelerators": int(row[k.LOG_HELD]),
                    "node": node,
                    "ended_by": ENDED_BY[int(row[k.LOG_WHY])],
                },
            }
        )
    Path(path).write_text(json.dumps({"traceEvents": events}), encoding="utf-8")
    return len(rows)


def write_parquet(run: ClusterRun, folder: str | Path) -> list[Path]:
    """Write the tables of a simulation as Parquet files; return them.

    Parameters
    ----------
    run : ClusterRun
        The simulation.
    folder : str or Path
        Where to; made if it is not there.
    """
    import duckdb  # noqa: PLC0415  only needed here

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "jobs": run.job_table(),
        "queue": run.queue_table(),
        "segments": run.segment_table(),
        "promises": run.promise_table(),
        "occupancy": run.occupancy_table(),
    }
    written = []
    with duckdb.connect() as connection:
        for name, table in tables.items():
            path = folder / f"{name}.parquet"
            connection.register("one", table)
            connection.sql("SELECT * FROM one").write_parquet(str(path))
            connection.unregister("one")
            written.append(path)
    return written
