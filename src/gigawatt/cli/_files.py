"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["new_file", "replace_file"]


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
