"""Files of hourly values: prices, carbon intensities, outputs of a plant."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError, Problem, SpecError

if TYPE_CHECKING:
    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["read_hourly"]

_MOST_PROBLEMS: Final = 20
_LEAP_DAY: Final = 59  # days before 29 February


def read_hourly(
    path: str | Path, times: Times, *, low: float = -math.inf, high: float = math.inf
) -> Hours:
    """Read a CSV file of hourly values, one row an hour, for the hours of a year.

    The first line names the columns. A column ``time`` may hold the start of each hour, UTC, in
    ISO 8601; the file's year then stands for the year asked for, 29 February taking the values of
    the 28th where the file has none. Without it the rows stand for the hours from the first of
    January on. Exactly one other column holds the values.

    Parameters
    ----------
    path : str or path
        The file.
    times : ndarray of datetime64 (hours,)
        Hours asked for, UTC, within one year.
    low, high : float
        What a value may be.

    Returns
    -------
    ndarray (hours,)

    Raises
    ------
    SpecError
        With file, line and column of each wrong value.
    InputError
        If the file cannot be read.
    """
    name = str(path)
    try:
        rows = list(csv.reader(Path(path).read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        message = f"{name}: cannot be read: {reason}"
        raise InputError(message) from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    columns = [i for i, cell in enumerate(header) if cell.lower() != "time"]
    if len(columns) != 1 or len(header) > 2:
        expected = "a first line with one column of values, and 'time' beside it if you like"
        found = ", ".join(header) or "nothing"
        raise SpecError(name, [Problem(1, "header", expected, found)])
    values, stamps = _cells(name, rows[1:], header, columns[0], (low, high))
    return _at(name, values, stamps, times)


def _cells(
    name: str, rows: list[list[str]], header: list[str], column: int, bounds: tuple[float, float]
) -> tuple[Hours, Times | None]:
    problems: list[Problem] = []
    values: list[float] = []
    stamps: list[str] = []
    timed = len(header) == 2
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        cell = row[column].strip() if column < len(row) else ""
        number = _number(cell)
        if number is None or not bounds[0] <= number <= bounds[1]:
            span = "" if math.isinf(bounds[1]) else f" from {bounds[0]:g} to {bounds[1]:g}"
            problems.append(Problem(line, header[column], f"a number{span}", f"'{cell}'"))
        values.append(math.nan if number is None else number)
        if timed:
            cell = row[1 - column].strip() if len(row) > 1 - column else ""
            stamps.append(cell.removesuffix("Z").replace(" ", "T"))
            if not _is_hour(stamps[-1]):
                problems.append(Problem(line, header[1 - column], "a whole hour", f"'{cell}'"))
        if len(problems) >= _MOST_PROBLEMS:
            break
    if problems:
        raise SpecError(name, problems)
    return np.array(values), np.array(stamps, dtype="datetime64[h]") if timed else None


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _is_hour(text: str) -> bool:
    try:
        time = np.datetime64(text)
    except ValueError:
        return False
    return not np.isnat(time) and bool(time == time.astype("datetime64[h]"))


def _at(name: str, values: Hours, stamps: Times | None, times: Times) -> Hours:
    """Return the values at the hours asked for, whichever year they were written for."""
    if stamps is not None:
        if stamps.size and (np.diff(stamps).astype(np.int64) != 1).any():
            at = int(np.argmax(np.diff(stamps).astype(np.int64) != 1))
            found = f"{stamps[at + 1]} after {stamps[at]}"
            problem = Problem(at + 3, "time", "one hour after another", found)
            raise SpecError(name, [problem])
        place = _hour_of_year(stamps)
    else:
        place = np.arange(values.size)
        if values.size == 8784:  # a leap year's hours stand for themselves
            place = np.where(place >= (_LEAP_DAY + 1) * 24, place - 24, place)
    book = np.full(8760, math.nan)
    inside = place < 8760
    book[place[inside]] = values[inside]
    if values.size == times.size == 8784 and stamps is None:
        return values
    found_values: Hours = book[_hour_of_year(times)]
    missing = int(np.isnan(found_values).sum())
    if missing:
        expected = f"a value for each of {times.size:,} hours"
        problem = Problem(values.size + 1, "rows", expected, f"{missing:,} hours without one")
        raise SpecError(name, [problem])
    return found_values


def _hour_of_year(times: Times) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the hour of a year of 365 days; 29 February is taken as the 28th."""
    hours = times.astype("datetime64[h]")
    year = hours.astype("datetime64[Y]")
    place = (hours - year.astype("datetime64[h]")).astype(np.int64)
    number = year.astype(np.int64) + 1970
    leap = (number % 4 == 0) & ((number % 100 != 0) | (number % 400 == 0))
    after = leap & (place >= _LEAP_DAY * 24)
    found: np.ndarray[Any, np.dtype[np.int64]] = np.where(after, place - 24, place)
    return found
