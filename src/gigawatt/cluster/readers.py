"""Read traces of jobs from files.

The Standard Workload Format of the Parallel Workloads Archive, and CSV files of Philly, Helios and
Alibaba's openb, told apart by their header; any other CSV with its columns named. A file may be
compressed with gzip. What a row cannot be used for is an error with its line, or is skipped and
counted, by choice.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from gigawatt.cluster.jobs import Jobs, OnBad
from gigawatt.errors import InputError, Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HELIOS", "OPENB", "PHILLY", "TraceColumns", "read_csv", "read_swf"]

_SHOWN: Final = 20  # mistakes listed before the rest are counted

# Fields of a line of the Standard Workload Format, counted from 0 (Chapin et al., "Benchmarks and
# standards for the evaluation of parallel job schedulers", 1999).
_SWF_FIELDS: Final = 18
_SWF_JOB, _SWF_SUBMIT, _SWF_RUN, _SWF_USED, _SWF_ASKED = 0, 1, 3, 4, 7
_SWF_LIMIT, _SWF_USER = 8, 11


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceColumns:
    """Names of the columns of a CSV file.

    Parameters
    ----------
    job, submit, accelerators : str
        Name of the job, when it came, accelerators it asked for.
    run : str
        Run time [s]; where it is empty, the end less the start.
    start, end : str
        When it ran, if `run` is empty.
    tenant : str
        User, virtual cluster or group; empty if there is none.
    milli : str
        Thousandths of an accelerator that each is used by; a job that shares one gets a whole one.
    """

    job: str = "job"
    submit: str = "submit_s"
    accelerators: str = "accelerators"
    run: str = "run_s"
    start: str = ""
    end: str = ""
    tenant: str = ""
    milli: str = ""

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns that a file must have."""
        spans = (self.run,) if self.run else (self.start, self.end)
        extra = tuple(name for name in (self.tenant, self.milli) if name)
        return (self.job, self.submit, self.accelerators, *spans, *extra)


PHILLY: Final = TraceColumns(submit="submit", accelerators="num_gpus", run="run", tenant="cluster")
"""Philly's jobs, flattened from its JSON log: ``job,submit,run,num_gpus,cluster``."""

HELIOS: Final = TraceColumns(
    job="job_id",
    submit="submit_time",
    accelerators="gpu_num",
    run="duration",
    tenant="vc",
)
"""Helios and Acme: ``job_id,...,gpu_num,...,submit_time,...,duration``."""

OPENB: Final = TraceColumns(
    job="name",
    submit="creation_time",
    accelerators="num_gpu",
    run="",
    start="scheduled_time",
    end="deletion_time",
    tenant="qos",
    milli="gpu_milli",
)
"""Alibaba's openb pods."""


def read_csv(
    path: str | Path, columns: TraceColumns | None = None, *, on_bad: OnBad = "error"
) -> Jobs:
    """Return the jobs of a CSV file.

    Rows that ask for no accelerators are no jobs here; they are counted in `Jobs.skipped` whatever
    `on_bad`. Times count from the first arrival.

    Parameters
    ----------
    path : str or Path
        The file, compressed if it ends in ``.gz``.
    columns : TraceColumns, optional
        Names of its columns; told from the header, where not given.
    on_bad : str
        What to do with a row that cannot be read: ``"error"``, or ``"skip"`` and count it.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    SpecError
        If rows are bad and not to be skipped: all of them, each with its line.
    """
    path = Path(path)
    with _opened(path) as file:
        reader = csv.DictReader(file)
        header = reader.fieldnames or ()
        chosen = _known(path, header) if columns is None else columns
        missing = [name for name in chosen.needed if name not in header]
        if missing:
            message = f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(header)}"
            raise InputError(message)
        rows = ((reader.line_num, _csv_row(chosen, row)) for row in reader)
        return _jobs(path, rows, on_bad)


def read_swf(path: str | Path, *, on_bad: OnBad = "error") -> Jobs:
    """Return the jobs of a file in the Standard Workload Format.

    Processors are taken for accelerators: those asked for, or used where nothing is said. The time
    asked for is what the scheduler knows.

    Parameters
    ----------
    path : str or Path
        The file, compressed if it ends in ``.gz``.
    on_bad : str
        What to do with a line that cannot be read: ``"error"``, or ``"skip"`` and count it.

    Raises
    ------
    InputError
        If the file cannot be read.
    SpecError
        If lines are bad and not to be skipped: all of them, each with its line.
    """
    path = Path(path)
    with _opened(path) as file:
        lines = enumerate(file, start=1)
        rows = (
            (number, _swf_row(line.split()))
            for number, line in lines
            if line.strip() and not line.startswith(";")
        )
        return _jobs(path, rows, on_bad)


def _opened(path: Path) -> IO[str]:
    try:
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8", newline="")
        return path.open(encoding="utf-8", newline="")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise InputError(message) from error


def _known(path: Path, header: Any) -> TraceColumns:  # noqa: ANN401  csv's own type
    for columns in (PHILLY, HELIOS, OPENB, TraceColumns()):
        if set(columns.needed) <= set(header):
            return columns
    message = (
        f"{path} has the columns {', '.join(header)}, which are of no known trace. "
        "Name them with TraceColumns."
    )
    raise InputError(message)


_Row = dict[str, Any]


def _csv_row(columns: TraceColumns, row: dict[str, str]) -> _Row | Problem:
    """Return a job, or what is wrong with it."""
    try:
        size = _number(columns.accelerators, row)
        if columns.milli and 0 < _number(columns.milli, row) < 1000:
            size = max(size, 1.0)
        found: _Row = {
            "name": row[columns.job],
            "submit_s": _time(columns.submit, row),
            "accelerators": size,
            "tenant": row[columns.tenant] if columns.tenant else "",
            "limit_s": -1.0,
        }
        if columns.run:
            found["work_s"] = _number(columns.run, row)
        elif size > 0:
            found["work_s"] = _time(columns.end, row) - _time(columns.start, row)
        else:
            found["work_s"] = 0.0
    except _BadCellError as bad:
        return Problem(0, bad.column, bad.expected, repr(bad.found))
    return found


class _BadCellError(Exception):
    """A cell that cannot be read."""

    def __init__(self, column: str, expected: str, found: object) -> None:
        self.column, self.expected, self.found = column, expected, found
        super().__init__(column)


def _number(column: str, row: dict[str, str]) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        raise _BadCellError(column, "a number", row[column]) from None
    if not value >= 0 or value == float("inf"):
        raise _BadCellError(column, "a finite number >= 0", row[column])
    return value


def _time(column: str, row: dict[str, str]) -> float:
    """Return a time in seconds, or as a date with time of day."""
    try:
        return _number(column, row)
    except _BadCellError as bad:
        try:
            when = datetime.fromisoformat(row[column])
        except (TypeError, ValueError):
            raise bad from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _swf_row(fields: list[str]) -> _Row | Problem:
    if len(fields) < _SWF_FIELDS:
        return Problem(0, "line", f"{_SWF_FIELDS} fields", str(len(fields)))
    row = {str(i): value for i, value in enumerate(fields)}
    try:
        for i in (_SWF_USED, _SWF_ASKED, _SWF_LIMIT):
            row[str(i)] = "0" if row[str(i)] == "-1" else row[str(i)]
        asked = _number(str(_SWF_ASKED), row) or _number(str(_SWF_USED), row)
        return {
            "name": fields[_SWF_JOB],
            "submit_s": _number(str(_SWF_SUBMIT), row),
            "accelerators": asked,
            "work_s": _number(str(_SWF_RUN), row),
            "limit_s": _number(str(_SWF_LIMIT), row) or -1.0,
            "tenant": fields[_SWF_USER],
        }
    except _BadCellError as bad:
        return Problem(0, f"field {int(bad.column) + 1}", bad.expected, repr(bad.found))


def _jobs(path: Path, rows: Iterator[tuple[int, _Row | Problem]], on_bad: OnBad) -> Jobs:
    if on_bad not in ("error", "skip"):
        message = f"on_bad must be 'error' or 'skip'. Got {on_bad!r} instead."
        raise InputError(message)
    problems: list[Problem] = []
    skipped: dict[str, int] = {}
    found: list[_Row] = []
    for line, row in rows:
        if isinstance(row, Problem):
            problems.append(Problem(line, row.path, row.expected, row.found))
            reason = f"{row.path} is not {row.expected}"
            skipped[reason] = skipped.get(reason, 0) + 1
        elif row["accelerators"] == 0:
            skipped["it asks for no accelerators"] = (
                skipped.get("it asks for no accelerators", 0) + 1
            )
        else:
            found.append(row)
    if problems and on_bad == "error":
        shown = problems[:_SHOWN]
        rest = len(problems) - len(shown)
        if rest:
            last = shown[-1]
            shown[-1] = Problem(
                last.line, last.path, last.expected, f"{last.found}; and {rest} more"
            )
        raise SpecError(str(path), shown)
    if not found:
        message = f"{path} has no jobs on accelerators"
        raise InputError(message)
    begin = min(row["submit_s"] for row in found)
    tenants: dict[str, int] = {}
    numbers = [tenants.setdefault(row["tenant"], len(tenants)) for row in found]
    jobs = Jobs.of(
        submit_s=[row["submit_s"] - begin for row in found],
        accelerators=[row["accelerators"] for row in found],
        work_s=[row["work_s"] for row in found],
        limit_s=[row["limit_s"] for row in found],
        tenant=numbers,
        names=[row["name"] for row in found],
    )
    return Jobs(jobs.rows, jobs.names, skipped)
