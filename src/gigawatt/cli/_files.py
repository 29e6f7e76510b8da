"""Writing a file whole or not at all, and refusing one before the work is done."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["TABLES", "check_file", "new_file", "replace_file", "write_table"]

TABLES: Final = (".csv", ".parquet")
"""Endings of files that `write_table` writes."""


def check_file(path: Path | None, endings: tuple[str, ...], option: str) -> None:
    """Refuse a file that could not be written, before the work is done.

    Raises
    ------
    InputError
        If it ends otherwise, or its folder does not exist.
    """
    if path is None:
        return
    if path.suffix.lower() not in endings:
        message = f"{option}: expected a file that ends in {' or '.join(endings)}; found '{path}'"
        raise InputError(message)
    if not path.parent.is_dir():
        message = f"{option}: the folder {path.parent} does not exist"
        raise InputError(message)


def write_table(columns: Mapping[str, Any], path: Path) -> None:
    """Write columns of equal length as .csv, to six places, or as .parquet.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    if path.suffix.lower() == ".csv":
        import numpy as np  # noqa: PLC0415  slow to import, as is the next
        import pandas as pd  # noqa: PLC0415

        short = {
            n: v.round(6) if np.asarray(v).dtype.kind == "f" else v for n, v in columns.items()
        }
        replace_file(path, pd.DataFrame(short).to_csv(index=False))
        return
    from gigawatt.results.parquet import write_tables  # noqa: PLC0415

    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            write_tables({"table": dict(columns)}, Path(folder))
            (Path(folder) / "table.parquet").replace(path)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise InputError(message) from error


def new_file(path: Path, text: str) -> None:
    """Write a file that does not exist yet; an existing one is left as it is.

    Raises
    ------
    InputError
        If the file exists already, or cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise InputError(_exists(path))
    with _written(path, text) as ready:
        try:
            # A link, unlike a rename, fails if somebody else made the file in the meantime.
            path.hardlink_to(ready)
        except FileExistsError:
            raise InputError(_exists(path)) from None


def replace_file(path: Path, text: str) -> None:
    """Write a file, in place of an older one if there is one.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with _written(path, text) as ready:
        ready.replace(path)


def _exists(path: Path) -> str:
    return f"{path} exists already and is never overwritten; name another file or move it away"


@contextmanager
def _written(path: Path, text: str) -> Iterator[Path]:
    """Write the text beside its place, and clean up whatever happens."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise InputError(message) from error
    ready = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        ready.chmod(0o644)
        yield ready
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise InputError(message) from error
    finally:
        ready.unlink(missing_ok=True)
