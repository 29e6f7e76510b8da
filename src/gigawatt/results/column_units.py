"""Units of table columns, read from the columns' own names: ``peak_facility_mw`` is in MW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gigawatt.twin.outcome import Table

__all__ = ["unit_of", "units"]

# How a column's name ends, once _low or _high is off; the first that fits counts.
_ENDINGS: Final = (
    ("usd_per_million_tokens", "USD/Mtoken"),
    ("usd_per_million_output_tokens", "USD/Mtoken"),
    ("tokens_per_s_per_chip", "tokens/s"),
    ("usd_per_mwh", "USD/MWh"),
    ("mwh", "MWh"),
    ("mw", "MW"),
    ("usd", "USD"),
    ("m3", "m3"),
    ("gb", "GB"),
    ("t", "t"),
    ("c", "C"),
    ("hours", "h"),
    ("pue", "ratio"),
    ("factor", "ratio"),
    ("utilisation", "ratio"),
    ("share", "ratio"),
    ("year", "year"),
    ("users", "users"),
)
# How a column's name starts, or goes on after an underscore, where no ending fits.
_COUNTED: Final = ("tokens", "chips", "requests")
_NO_UNIT: Final = "1"
_KINDS: Final = {"O": "text", "U": "text", "b": "boolean"}


def units(tables: dict[str, Table]) -> dict[str, dict[str, str]]:
    """Return the unit of every column of every table.

    Text, dates, times and truth values have ``text``, ``date``, ``time`` and ``boolean``.
    """
    return {
        name: {column: _unit(column, values.dtype.str) for column, values in table.items()}
        for name, table in tables.items()
    }


def unit_of(column: str) -> str:
    """Return the unit of a column of numbers.

    Examples
    --------
    >>> unit_of("peak_facility_mw"), unit_of("tokens_served"), unit_of("end_high")
    ('MW', 'tokens', '1')
    """
    name = column.removesuffix("_low").removesuffix("_high")
    for ending, unit in _ENDINGS:
        if name == ending or name.endswith(f"_{ending}"):
            return unit
    return next((word for word in _COUNTED if word in name.split("_")), _NO_UNIT)


def _unit(column: str, dtype: str) -> str:
    kind = dtype.lstrip("<>|=")
    if kind.startswith("M"):
        return "date" if kind.endswith("[D]") else "time"
    return _KINDS.get(kind[0]) or unit_of(column)
