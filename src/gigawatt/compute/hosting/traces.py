"""Read traces of requests from files.

Known formats are told apart by their header or keys: the Azure LLM inference traces of 2023 (CSV
``TIMESTAMP,ContextTokens,GeneratedTokens``), Mooncake's (JSON lines with ``hash_ids`` of blocks of
512 tokens), Vidur's (CSV ``arrived_at,num_prefill_tokens,num_decode_tokens``). Any other CSV or
JSON-lines file is read with its columns named. A file may be compressed with gzip. Every mistake is
reported with its line and column.
"""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.requests import Trace
from gigawatt.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["AZURE", "MOONCAKE", "VIDUR", "TraceFormat", "read_trace"]

_UNITS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SHOWN: Final = 20  # mistakes listed before the rest are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFormat:
    """Names of a file's columns, or keys of its JSON lines.

    Parameters
    ----------
    arrival, prompt, output : str
        Time of arrival; tokens of prompt and of output.
    hashes : str
        List of hashes of the prompt's blocks (JSON lines only); empty if there is none.
    hash_tokens : int
        Tokens of such a block.
    time : str
        Unit of the time, *s*, *ms*, *us* or *ns*, or *date* for dates with time of day.
    """

    arrival: str = "arrival_s"
    prompt: str = "prompt_tokens"
    output: str = "output_tokens"
    hashes: str = ""
    hash_tokens: int = 0
    time: str = "s"

    def __post_init__(self) -> None:
        if self.time not in {*_UNITS, "date"}:
            message = f"time must be one of {', '.join(_UNITS)} or date. Got {self.time!r} instead."
            raise InputError(message)
        if bool(self.hashes) != (self.hash_tokens > 0):
            message = "hashes and hash_tokens must be given together."
            raise InputError(message)

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that a file must have."""
        names = (self.arrival, self.prompt, self.output)
        return (*names, self.hashes) if self.hashes else names


AZURE: Final = TraceFormat(
    arrival="TIMESTAMP", prompt="ContextTokens", output="GeneratedTokens", time="date"
)
VIDUR: Final = TraceFormat(
    arrival="arrived_at", prompt="num_prefill_tokens", output="num_decode_tokens"
)
MOONCAKE: Final = TraceFormat(
    arrival="timestamp",
    prompt="input_length",
    output="output_length",
    hashes="hash_ids",
    hash_tokens=512,
    time="ms",
)
_OWN: Final = TraceFormat()
_KNOWN: Final = (AZURE, VIDUR, MOONCAKE, _OWN)


def read_trace(
    path: str | Path,
    layout: TraceFormat | None = None,
    *,
    sort: bool = False,
    empty: str = "error",
) -> Trace:
    """Read a trace.

    Parameters
    ----------
    path : path
        CSV, or JSON lines if the name ends in ``.jsonl``; either may end in ``.gz``.
    layout : TraceFormat, optional
        Names of the columns; if not given, one of the known formats, or the names of `TraceFormat`.
    sort : bool
        Sort requests that are out of order, instead of an error.
    empty : str
        What to do with a prompt or an output of no tokens: *error*, *one* to count it as one token,
        *drop* to leave the request out.

    Returns
    -------
    Trace
        Its first request arrives at 0 s.

    Raises
    ------
    InputError
        Naming file, line, column, what was expected and what was found.
    """
    path = Path(path)
    if empty not in {"error", "one", "drop"}:
        message = f"empty must be one of error, one, drop. Got {empty!r} instead."
        raise InputError(message)
    reader = _Reader(str(path), empty)
    try:
        with _opened(path) as file:
            rows = _json_rows(file, reader) if ".jsonl" in path.suffixes else _csv_rows(file)
            reader.read(rows, layout)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: cannot be read as a trace: {error}"
        raise InputError(message) from error
    return reader.trace(sort=sort)


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _csv_rows(file: IO[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    table = csv.DictReader(file)
    for row in table:
        yield table.line_num, row


def _json_rows(file: IO[str], reader: _Reader) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            reader.wrong(line, f"column {error.colno}", "a JSON object", text.strip()[:40])
            continue
        if isinstance(row, dict):
            yield line, row
        else:
            reader.wrong(line, "line", "a JSON object", text.strip()[:40])


class _Reader:
    """Gathers the values of a file and everything that is wrong with it."""

    def __init__(self, file: str, empty: str) -> None:
        self.file, self.empty = file, empty
        self.problems: list[Problem] = []
        self.lines: list[int] = []
        self.arrival_s: list[float] = []
        self.prompt: list[int] = []
        self.output: list[int] = []
        self.hashes: list[list[int]] = []
        self.layout = _OWN

    def wrong(self, line: int, column: str, expected: str, found: object) -> None:
        self.problems.append(Problem(line, column, expected, repr(found)))

    def read(self, rows: Iterable[tuple[int, dict[str, Any]]], layout: TraceFormat | None) -> None:
        for number, (line, row) in enumerate(rows):
            if number == 0 and not self._choose(line, row, layout):
                return
            self._add(line, row)

    def _choose(self, line: int, row: dict[str, Any], layout: TraceFormat | None) -> bool:
        """Pick the format of the file; False if it lacks columns."""
        if layout is None:
            fitting = [known for known in _KNOWN if set(known.needed) <= row.keys()]
            if not fitting:
                expected = "the columns of a known format: " + "; or ".join(
                    ", ".join(known.needed) for known in _KNOWN
                )
                self.wrong(line, "header", expected, ", ".join(map(str, row)))
                return False
            layout = fitting[0]
        missing = [name for name in layout.needed if name not in row]
        for name in missing:
            self.wrong(line, name, "a column of this name", ", ".join(map(str, row)))
        self.layout = layout
        return not missing

    def _add(self, line: int, row: dict[str, Any]) -> None:
        layout = self.layout
        arrival = self._time(line, row.get(layout.arrival))
        prompt = self._count(line, layout.prompt, row.get(layout.prompt))
        output = self._count(line, layout.output, row.get(layout.output))
        hashes = self._hashes(line, row.get(layout.hashes)) if layout.hashes else []
        if arrival is None or prompt is None or output is None or hashes is None:
            return
        if self.empty == "drop" and min(prompt, output) < 1:
            return
        self.lines.append(line)
        self.arrival_s.append(arrival)
        self.prompt.append(max(prompt, 1))
        self.output.append(max(output, 1))
        self.hashes.append(hashes)

    def _time(self, line: int, found: object) -> float | None:
        if self.layout.time == "date":
            try:
                return _seconds(str(found))
            except ValueError:
                self.wrong(line, self.layout.arrival, "a date with time of day", found)
                return None
        try:
            value = float(str(found)) * _UNITS[self.layout.time]
        except ValueError:
            value = float("nan")
        if not np.isfinite(value):
            self.wrong(line, self.layout.arrival, f"a time in {self.layout.time}", found)
            return None
        return value

    def _count(self, line: int, column: str, found: object) -> int | None:
        try:
            value = float(str(found))
        except ValueError:
            value = float("nan")
        least = 1 if self.empty == "error" else 0
        if not (np.isfinite(value) and value == int(value) and least <= value < 2**31):
            self.wrong(line, column, f"a whole number of tokens >= {least}", found)
            return None
        return int(value)

    def _hashes(self, line: int, found: object) -> list[int] | None:
        whole = isinstance(found, list) and all(
            isinstance(one, int) and not isinstance(one, bool) and abs(one) < 2**63 for one in found
        )
        if not whole:
            self.wrong(line, self.layout.hashes, "a list of whole numbers", found)
            return None
        return list(found)  # type: ignore[call-overload,no-any-return]

    def trace(self, *, sort: bool) -> Trace:
        """Return what was read, or raise everything that was wrong."""
        if not self.lines and not self.problems:
            self.wrong(1, "file", "at least one request", "none")
        arrival_s = np.array(self.arrival_s)
        order = np.argsort(arrival_s, kind="stable")
        if not sort:
            for at in np.flatnonzero(np.diff(arrival_s) < 0) + 1:
                expected = "a time not before the line above (or sort=True)"
                self.wrong(self.lines[at], self.layout.arrival, expected, self.arrival_s[at])
        if self.problems:
            raise InputError(self._message())
        spans = np.array([len(self.hashes[i]) for i in order])
        return replace(
            Trace(
                arrival_s=arrival_s[order] - arrival_s[order[0]],
                prompt_tokens=np.array(self.prompt)[order],
                output_tokens=np.array(self.output)[order],
            ),
            hashes=np.array([h for i in order for h in self.hashes[i]], np.int64),
            hash_start=np.concatenate([[0], np.cumsum(spans)]),
            hash_tokens=self.layout.hash_tokens,
        )

    def _message(self) -> str:
        shown = [problem.render(self.file) for problem in sorted(self.problems)[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            shown.append(f"and {len(self.problems) - _SHOWN} more")
        return "\n".join(shown)


def _seconds(text: str) -> float:
    """Return a date as seconds since 1970, to a quarter of a microsecond, the spacing of floats."""
    head, dot, fraction = text.strip().partition(".")
    digits = fraction.rstrip("Z").partition("+")[0]
    zone = fraction[len(digits) :] if dot else ""
    moment = datetime.fromisoformat(head + zone)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() + (float(f"0.{digits}") if digits else 0.0)
