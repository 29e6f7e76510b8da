"""A run's tables: NumPy columns for the figures, pandas for users, read when first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gigawatt.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

    from gigawatt.twin.outcome import Table

__all__ = ["Frames", "MemoryTables", "ParquetTables", "Tables", "UnknownPartError"]


class UnknownPartError(InputError, KeyError):
    """A run has no table or figure of that name.

    Parameters
    ----------
    name, kind : str
        The name asked for, and what it should have been the name of.
    known : iterable of str
        The names that exist.
    """

    def __init__(self, name: str, kind: str, known: Iterable[str]) -> None:
        known = tuple(known)
        close = nearest(name, known)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"
        self._message = f"a run has no {kind} '{name}'; {hint}"
        super().__init__(self._message)

    def __str__(self) -> str:
        return self._message


class Tables(Mapping[str, "Table"]):
    """Tables by name, as columns of NumPy arrays."""

    names: tuple[str, ...]

    def __getitem__(self, name: str) -> Table:
        if name not in self.names:
            raise UnknownPartError(name, "table", self.names)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def _read(self, name: str) -> Table:
        raise NotImplementedError


class MemoryTables(Tables):
    """Tables of a run that was just simulated.

    Parameters
    ----------
    tables : dict of str to Table
        As the twin made them.
    """

    def __init__(self, tables: dict[str, Table]) -> None:
        self.names = tuple(tables)
        self._tables = tables

    def _read(self, name: str) -> Table:
        return self._tables[name]


class ParquetTables(Tables):
    """Tables of a run on disk, each read once.

    Parameters
    ----------
    folder : Path
        The run's folder.
    names : tuple of str
        Tables that are in it.
    """

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self.names = names
        self._folder = folder
        self._tables: dict[str, Table] = {}

    def _read(self, name: str) -> Table:
        if name not in self._tables:
            from gigawatt.results.parquet import read_table  # noqa: PLC0415  loads DuckDB

            self._tables[name] = read_table(self._folder / f"{name}.parquet")
        return self._tables[name]


class Frames(Mapping[str, "pd.DataFrame"]):
    """Tables by name, as pandas frames, each made once.

    Parameters
    ----------
    tables : Tables
        Where the columns come from.
    names : mapping of str to str, optional
        Which tables to offer, and under which names; all under their own by default.
    """

    def __init__(self, tables: Tables, names: Mapping[str, str] | None = None) -> None:
        self._tables = tables
        self._names = dict(names or {name: name for name in tables})
        self._frames: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._frames:
            if name not in self._names:
                raise UnknownPartError(name, "table", self._names)
            self._frames[name] = _frame(self._tables[self._names[name]])
        return self._frames[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __repr__(self) -> str:
        return f"<tables {', '.join(self._names)}>"


def _frame(table: Table) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415  heavy, and many runs never need it

    from gigawatt.results.parquet import canonical  # noqa: PLC0415  loads DuckDB

    columns: dict[str, Any] = dict(canonical(table))
    return pd.DataFrame(columns)
