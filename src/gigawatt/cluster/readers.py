"""Read traces of jobs from files.

The Standard Workload Format of the Parallel Workloads Archive, and CSV files of Philly, Helios and
Alibaba's openb, told apart by their header; any other CSV with its columns named. A file may be
compressed with gzip. A row that cannot be simulated is an error with its line, or is skipped and
counted, by choice.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from gigawatt.cluster.jobs import Jobs, OnBad
from gigawatt.errors import InputError, Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["HELIOS", "OPENB", "PHILLY", "TraceColumns", "read_csv", "read_swf"]

_SHOWN: Final = 20  # mistakes listed before the rest are counted
_WAY_OUT: Final = "--on-bad skip, in Python on_bad='skip', leaves such jobs out"
_MOST_S: Final = 1 << 37  # longest time [s], as in `jobs`

# Fields of a line of the Standard Workload Format, counted from 0 (Chapin et al., "Benchmarks and
# standards for the evaluation of parallel job schedulers", 1999).
_SWF_FIELDS: Final = 18
_SWF_JOB, _SWF_USER = 0, 11
_SWF_SUBMIT = "field 2 (submit time)"
_SWF_RUN = "field 4 (run time)"
_SWF_USED = "field 5 (processors used)"
_SWF_ASKED = "field 8 (processors asked for)"
_SWF_LIMIT = "field 9 (time asked for)"
_SWF_PLACES: Final = {
    _SWF_SUBMIT: 1, _SWF_RUN: 3, _SWF_USED: 4, _SWF_ASKED: 7, _SWF_LIMIT: 8,
}  # fmt: skip


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
    path: str | Path,
    columns: TraceColumns | None = None,
    *,
    on_bad: OnBad = "error",
    accelerators: int | None = None,
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
        What to do with a row that cannot be simulated, as it cannot be read, comes before the one
        above it, takes no time or is too large: ``"error"``, or ``"skip"`` and count it.
    accelerators : int, optional
        Most that a job may ask for; any number, where not given.

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
            message = f"{path}:1: header: expected {', '.join(missing)}; found {_listed(header)}"
            raise InputError(message)
        rows = ((reader.line_num, _csv_row(chosen, row)) for row in reader)
        places = _Places(chosen.submit, chosen.accelerators, chosen.run or chosen.end)
        return _jobs(path, rows, places, on_bad, accelerators)


def read_swf(path: str | Path, *, on_bad: OnBad = "error", accelerators: int | None = None) -> Jobs:
    """Return the jobs of a file in the Standard Workload Format.

    Processors are taken for accelerators: those asked for, or used where nothing is said. The time
    asked for is what the scheduler knows.

    Parameters
    ----------
    path : str or Path
        The file, compressed if it ends in ``.gz``.
    on_bad, accelerators
        As for `read_csv`.

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
        places = _Places(_SWF_SUBMIT, _SWF_ASKED, _SWF_RUN)
        return _jobs(path, rows, places, on_bad, accelerators)


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """Open a file for reading; what is wrong with it until it is closed is told with its name."""
    opening = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        # The mark that some spreadsheets put before the first name is no part of it.
        with opening(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        message = f"{path} cannot be read: {why}"
        raise InputError(message) from error


def _known(path: Path, header: Sequence[str]) -> TraceColumns:
    for columns in (PHILLY, HELIOS, OPENB, TraceColumns()):
        if set(columns.needed) <= set(header):
            return columns
    usual = ", ".join(TraceColumns().needed)
    message = (
        f"{path}:1: header: expected {usual}, or the columns of Philly, Helios or openb; found "
        f"{_listed(header)} (name others with --columns, in Python with TraceColumns)"
    )
    raise InputError(message)


def _listed(header: Sequence[str]) -> str:
    return ", ".join(header) or "nothing"


class _Row(NamedTuple):
    """A job as a file has it: times in seconds, the limit -1 where nothing is said."""

    name: str
    submit_s: float
    accelerators: float
    work_s: float
    tenant: str
    limit_s: float


class _Places(NamedTuple):
    """Where a file has when a job came, its accelerators and its run time."""

    submit: str
    accelerators: str
    run: str


def _csv_row(columns: TraceColumns, row: dict[str, str]) -> _Row | Problem:
    """Return a job, or what is wrong with it."""
    try:
        size = _whole(columns.accelerators, row)
        if columns.milli and 0 < _number(columns.milli, row) < 1000:
            size = max(size, 1.0)
        submit = _time(columns.submit, row)
        if columns.run:
            work = _number(columns.run, row)
        else:
            work = _time(columns.end, row) - _time(columns.start, row) if size > 0 else 0.0
    except _BadCellError as bad:
        return Problem(0, bad.column, bad.expected, bad.found)
    tenant = row[columns.tenant] if columns.tenant else ""
    return _Row(row[columns.job], submit, size, work, tenant, -1.0)


class _BadCellError(Exception):
    """A cell that cannot be read."""

    def __init__(self, column: str, expected: str, found: str | None) -> None:
        self.column, self.expected = column, expected
        self.found = repr(found) if found else "nothing"
        super().__init__(column)


def _whole(column: str, row: dict[str, str]) -> float:
    """Return a whole number; a job cannot have a part of an accelerator."""
    value = _number(column, row)
    if not value.is_integer():
        raise _BadCellError(column, "a whole number", row[column])
    return value


def _number(column: str, row: dict[str, str]) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        raise _BadCellError(column, "a number", row[column]) from None
    if not value >= 0 or value == float("inf"):
        raise _BadCellError(column, "a finite number >= 0", row[column])
    if value > _MOST_S:
        raise _BadCellError(column, f"at most {_MOST_S:,}", row[column])
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
    row = {name: fields[place] for name, place in _SWF_PLACES.items()}
    for name in (_SWF_USED, _SWF_ASKED, _SWF_LIMIT):
        row[name] = "0" if row[name] == "-1" else row[name]
    try:
        return _Row(
            fields[_SWF_JOB],
            _number(_SWF_SUBMIT, row),
            _whole(_SWF_ASKED, row) or _whole(_SWF_USED, row),
            _number(_SWF_RUN, row),
            fields[_SWF_USER],
            _number(_SWF_LIMIT, row) or -1.0,
        )
    except _BadCellError as bad:
        return Problem(0, bad.column, bad.expected, bad.found)


def _jobs(
    path: Path,
    rows: Iterator[tuple[int, _Row | Problem]],
    places: _Places,
    on_bad: OnBad,
    most: int | None,
) -> Jobs:
    if on_bad not in ("error", "skip"):
        message = f"on_bad must be 'error' or 'skip'. Got {on_bad!r} instead."
        raise InputError(message)
    problems: list[Problem] = []
    skipped: Counter[str] = Counter()
    found: list[_Row] = []
    latest_s = 0.0
    for line, row in rows:
        if not isinstance(row, Problem) and row.accelerators == 0:
            skipped["it asks for no accelerators"] += 1
            continue
        bad = (
            _unreadable(row) if isinstance(row, Problem) else _unusable(row, places, latest_s, most)
        )
        if bad is not None:
            problem, reason = bad
            problems.append(replace(problem, line=line))
            skipped[reason] += 1
        elif isinstance(row, _Row):
            found.append(row)
            latest_s = row.submit_s
    if problems and on_bad == "error":
        raise SpecError(str(path), _first(problems))
    if not found:
        left = "; ".join(f"{count:,} x {reason}" for reason, count in skipped.items())
        message = f"{path}: expected jobs on accelerators; found {left or 'none'}"
        raise InputError(message)
    return _as_jobs(found, dict(skipped))


def _unreadable(problem: Problem) -> tuple[Problem, str]:
    return problem, f"{problem.path} is not {problem.expected}"


def _unusable(
    row: _Row, places: _Places, latest_s: float, most: int | None
) -> tuple[Problem, str] | None:
    """Return why a job that was read cannot be simulated, and how such are counted."""
    if round(row.work_s) < 1:
        return Problem(0, places.run, "at least a second", f"{row.work_s:g}"), "it takes no time"
    if most is not None and row.accelerators > most:
        expected = f"at most {most:,}, which the cluster has in service"
        return (
            Problem(0, places.accelerators, expected, f"{row.accelerators:,.0f}"),
            "it needs more accelerators than the cluster has",
        )
    if row.submit_s < latest_s:
        found = f"one {latest_s - row.submit_s:,.15g} s before it"
        return (
            Problem(0, places.submit, "a time not before that of the job above", found),
            "it arrives before the job above it",
        )
    return None


def _first(problems: list[Problem]) -> list[Problem]:
    """Return what is shown of many problems: the first ones, how many more, and a way out."""
    *before, last = problems[:_SHOWN]
    rest = len(problems) - _SHOWN
    found = f"{last.found}; and {rest:,} more" if rest > 0 else last.found
    return [*before, replace(last, found=found, hint=_WAY_OUT)]


def _as_jobs(rows: Sequence[_Row], skipped: dict[str, int]) -> Jobs:
    begin = min(row.submit_s for row in rows)
    tenants: dict[str, int] = {}
    jobs = Jobs.of(
        submit_s=[row.submit_s - begin for row in rows],
        accelerators=[row.accelerators for row in rows],
        work_s=[row.work_s for row in rows],
        limit_s=[row.limit_s for row in rows],
        tenant=[tenants.setdefault(row.tenant, len(tenants)) for row in rows],
        names=[row.name for row in rows],
    )
    return Jobs(jobs.rows, jobs.names, skipped)
