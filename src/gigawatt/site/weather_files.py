"""Readers of typical-year weather files: NREL's TMY3 and EnergyPlus' EPW.

Both list local standard time with the hour that a row ends; rows become UTC times of the start of
their hour. The months of a typical year come from different years; all are put into one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError, Problem, SpecError
from gigawatt.site.weather import Weather

if TYPE_CHECKING:
    from collections.abc import Sequence

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Station", "read_epw", "read_tmy3", "read_weather"]

_MOST_PROBLEMS: Final = 20
_HOURS: Final = 8760


@dataclass(frozen=True)
class Station:
    """Where a weather file was recorded.

    Parameters
    ----------
    name : str
        Station, as the file spells it.
    latitude_deg, longitude_deg : float
        North and east positive.
    elevation_m, utc_offset_h : float
        Height above the sea; local standard time less UTC.
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    elevation_m: float
    utc_offset_h: float


@dataclass(frozen=True)
class _Column:
    """One quantity of a file.

    Parameters
    ----------
    field : str
        Field of `Weather` that it fills.
    label : str
        What the file calls it.
    index : int
        Place in the row.
    low, high : float
        What can be on Earth; anything outside is an error or, if `optional`, missing.
    factor : float
        To the unit of the field.
    optional : bool
        Whether a missing value becomes NaN instead of an error.
    """

    field: str
    label: str
    index: int
    low: float
    high: float
    factor: float = 1.0
    optional: bool = False


# Bounds: coldest and hottest air measured are -89.2 and 56.7 C, a dew point of 35 C has been seen
# once; the lowest pressure at an inhabited height is about 50 kPa, the highest measured 108.5.
_EPW: Final = (
    _Column("dry_bulb_c", "Dry Bulb Temperature", 6, -90.0, 60.0),
    _Column("dew_point_c", "Dew Point Temperature", 7, -95.0, 40.0),
    _Column("pressure_pa", "Atmospheric Station Pressure", 9, 50000.0, 110000.0),
    _Column("ghi_w_per_m2", "Global Horizontal Radiation", 13, 0.0, 2000.0, optional=True),
    _Column("dni_w_per_m2", "Direct Normal Radiation", 14, 0.0, 2000.0, optional=True),
    _Column("dhi_w_per_m2", "Diffuse Horizontal Radiation", 15, 0.0, 2000.0, optional=True),
    _Column("wind_m_per_s", "Wind Speed", 21, 0.0, 100.0, optional=True),
)
_TMY3: Final = (
    _Column("dry_bulb_c", "Dry-bulb (C)", -1, -90.0, 60.0),
    _Column("dew_point_c", "Dew-point (C)", -1, -95.0, 40.0),
    _Column("pressure_pa", "Pressure (mbar)", -1, 500.0, 1100.0, factor=100.0),
    _Column("ghi_w_per_m2", "GHI (W/m^2)", -1, 0.0, 2000.0, optional=True),
    _Column("dni_w_per_m2", "DNI (W/m^2)", -1, 0.0, 2000.0, optional=True),
    _Column("dhi_w_per_m2", "DHI (W/m^2)", -1, 0.0, 2000.0, optional=True),
    _Column("wind_m_per_s", "Wspd (m/s)", -1, 0.0, 100.0, optional=True),
)


def read_weather(path: Path | str, *, year: int = 2001) -> tuple[Weather, Station]:
    """Read a weather file by its ending: ``.epw``, or ``.tmy3`` and ``.csv`` for TMY3."""
    ending = Path(path).suffix.lower()
    if ending == ".epw":
        return read_epw(path, year=year)
    if ending in {".tmy3", ".csv"}:
        return read_tmy3(path, year=year)
    message = f"{path}: expected a weather file ending in .epw, .tmy3 or .csv (TMY3)"
    raise InputError(message)


def read_tmy3(path: Path | str, *, year: int = 2001) -> tuple[Weather, Station]:
    """Read a TMY3 file of the National Renewable Energy Laboratory.

    Parameters
    ----------
    path : path
        The file.
    year : int
        Year that the typical year is put into; not a leap year.

    Returns
    -------
    Weather, Station
        8,760 hours, and where they were recorded.

    Raises
    ------
    SpecError
        With line and column of every value that is no number, is missing or can't be.
    InputError
        If the file can't be read.

    References
    ----------
    S. Wilcox and W. Marion, "Users manual for TMY3 data sets", NREL/TP-581-43156 (2008).
    """
    file, rows = str(path), _rows(path)
    header = _line(rows, 1, file, "a title line with column names")
    columns = [_placed(column, header, file) for column in _TMY3]
    first = _line(rows, 0, file, "station number, name, state, UTC offset, latitude, ...")
    station = _station(file, first, name=1, numbers=(4, 5, 6, 3))
    return _weather(file, rows[2:], 3, columns, station, year), station


def read_epw(path: Path | str, *, year: int = 2001) -> tuple[Weather, Station]:
    """Read an EnergyPlus weather file of whole hours.

    Parameters
    ----------
    path : path
        The file.
    year : int
        Year that the typical year is put into; not a leap year.

    Returns
    -------
    Weather, Station
        8,760 hours, and where they were recorded.

    Raises
    ------
    SpecError
        With line and column of every value that is no number, is missing or can't be.
    InputError
        If the file can't be read.

    References
    ----------
    EnergyPlus, "Auxiliary programs: EnergyPlus weather file (EPW) data dictionary".
    """
    file, rows = str(path), _rows(path)
    first = _line(rows, 0, file, "LOCATION, city, state, country, source, WMO, latitude, ...")
    if first[0].strip().upper() != "LOCATION":
        raise SpecError(file, [Problem(1, "header", "the word LOCATION", repr(first[0]))])
    station = _station(file, first, name=1, numbers=(6, 7, 9, 8))
    end = next((n for n, row in enumerate(rows) if row and row[0] == "DATA PERIODS"), None)
    if end is None:
        raise SpecError(file, [Problem(1, "header", "a line DATA PERIODS", "none")])
    per_hour = rows[end][2].strip() if len(rows[end]) > 2 else ""
    if per_hour != "1":
        problem = Problem(end + 1, "DATA PERIODS", "1 record an hour", repr(per_hour))
        raise SpecError(file, [problem])
    return _weather(file, rows[end + 1 :], end + 2, _EPW, station, year), station


def _rows(path: Path | str) -> list[list[str]]:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        message = f"{path}: cannot read the weather file ({error.strerror})"
        raise InputError(message) from error
    return list(csv.reader(text.splitlines()))


def _line(rows: list[list[str]], number: int, file: str, expected: str) -> list[str]:
    if len(rows) <= number or not rows[number]:
        raise SpecError(file, [Problem(number + 1, "header", expected, "no such line")])
    return rows[number]


def _placed(column: _Column, header: Sequence[str], file: str) -> _Column:
    """Return the column with its place in the row, found by its name."""
    if column.label not in header:
        problem = Problem(2, column.label, "this column", f"{len(header)} others")
        raise SpecError(file, [problem])
    return _Column(**{**column.__dict__, "index": header.index(column.label)})


def _station(file: str, row: Sequence[str], name: int, numbers: Sequence[int]) -> Station:
    fields = ("latitude_deg", "longitude_deg", "elevation_m", "utc_offset_h")
    found: dict[str, float] = {}
    problems: list[Problem] = []
    for field, index in zip(fields, numbers, strict=True):
        text = row[index].strip() if index < len(row) else ""
        try:
            found[field] = float(text)
        except ValueError:
            problems.append(Problem(1, field, "a number", repr(text)))
    if problems:
        raise SpecError(file, problems)
    return Station(row[name].strip(), **found)


def _weather(
    file: str,
    rows: list[list[str]],
    first_line: int,
    columns: Sequence[_Column],
    station: Station,
    year: int,
) -> Weather:
    rows = [row for row in rows if row]
    if len(rows) == _HOURS + 24:  # a leap year: its 29 February is left out
        rows = rows[: 59 * 24] + rows[60 * 24 :]
    if len(rows) != _HOURS:
        problem = Problem(first_line, "rows", f"{_HOURS} hours", str(len(rows)))
        raise SpecError(file, [problem])
    problems: list[Problem] = []
    values = {c.field: _column(rows, c, first_line, problems) for c in columns}
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        shown = problems[:_MOST_PROBLEMS]
        if more > 0:
            shown.append(Problem(shown[-1].line, "values", "no further errors", f"{more} more"))
        raise SpecError(file, shown)
    hours = np.arange(_HOURS) * np.timedelta64(3600, "s")
    start = np.datetime64(f"{year}-01-01", "s")
    times = start + hours - np.timedelta64(round(station.utc_offset_h * 3600), "s")
    return Weather(station.name, times, **values)


def _column(
    rows: list[list[str]], column: _Column, first_line: int, problems: list[Problem]
) -> Hours:
    """Return one column; what is wrong with it is added to the problems."""
    values = np.full(len(rows), np.nan)
    for number, row in enumerate(rows):
        text = row[column.index].strip() if column.index < len(row) else ""
        try:
            values[number] = float(text)
        except ValueError:
            problems.append(Problem(first_line + number, column.label, "a number", repr(text)))
    outside = ~((values >= column.low) & (values <= column.high))
    if not column.optional:
        span = f"a number from {column.low:g} to {column.high:g}"
        for bad in np.flatnonzero(outside & np.isfinite(values)).tolist():
            found = rows[bad][column.index].strip()
            problems.append(Problem(first_line + bad, column.label, span, found))
    values[outside] = np.nan
    return values * column.factor
