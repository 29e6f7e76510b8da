"""Tables to Parquet and back, column types kept, the same bytes for the same table.

DuckDB does the work, in one thread so that row groups always fall alike, without ever importing
pandas. Columns are numbers, truth values, text or times to the second; a gap is NaN, None or NaT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gigawatt.twin.outcome import Table

__all__ = ["canonical", "read_table", "write_tables"]

_SQL_TYPES = {"M": "TIMESTAMP_S", "b": "BOOLEAN", "i": "BIGINT", "f": "DOUBLE", "O": "VARCHAR"}


def canonical(table: Table) -> Table:
    """Return the table with each column as one of the five types that are stored.

    Raises
    ------
    ValueError
        If columns differ in length.
    """
    columns = {name: _column(np.asarray(values)) for name, values in table.items()}
    if len({len(values) for values in columns.values()}) > 1:
        message = f"columns differ in length: { {n: len(v) for n, v in columns.items()} }"
        raise ValueError(message)
    return columns


def write_tables(tables: Mapping[str, Table], folder: Path) -> None:
    """Write each table as a Parquet file of its name."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        for name, table in tables.items():
            _write(connection, canonical(table), folder / f"{name}.parquet")


def _write(connection: duckdb.DuckDBPyConnection, columns: Table, path: Path) -> None:
    casts = ", ".join(
        f'CAST("{name}" AS {_SQL_TYPES[values.dtype.kind]}) AS "{name}"'
        for name, values in columns.items()
    )
    target = str(path).replace("'", "''")
    connection.register("columns_of_table", columns)
    connection.execute(
        f"COPY (SELECT {casts} FROM columns_of_table) TO '{target}' "  # noqa: S608  own names
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    connection.unregister("columns_of_table")


def read_table(path: Path) -> Table:
    """Return the table in a Parquet file."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        columns: dict[str, Any] = connection.execute(
            "SELECT * FROM read_parquet(?)", [str(path)]
        ).fetchnumpy()
    return canonical({name: _filled(values) for name, values in columns.items()})


def _filled(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Put NaN, NaT or None where DuckDB found no value."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    plain = values.data.copy()
    mask = np.ma.getmaskarray(values)
    if plain.dtype.kind == "f":
        plain[mask] = np.nan
    elif plain.dtype.kind == "M":
        plain[mask] = np.datetime64("NaT")
    elif plain.dtype.kind == "O":
        plain[mask] = None
    return plain


def _column(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    kind = values.dtype.kind
    if kind == "M":
        return values.astype("datetime64[s]")
    if kind in "iu":
        return values.astype(np.int64)
    if kind == "f":
        return values.astype(np.float64)
    if kind == "b":
        return values
    if kind in "UO":
        return values.astype(object)
    message = f"a column of {values.dtype} cannot be stored"
    raise TypeError(message)
