"""A run's folder on disk: whole, or not there at all.

Files are written to a hidden folder beside the target, forced to disk, and the folder is renamed,
which the file system does in one step. ``meta.json`` lists every file with its size and digest, so
a folder that lost a file is known as such. A folder that is whole is never written again: its name
stands for its bytes.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["META", "is_complete", "read_meta", "save", "write_text"]

META: Final = "meta.json"
_TEMPORARY: Final = re.compile(r"^\..+\.tmp-(\d+)-\d+$")
_counter = itertools.count()
_mine: set[str] = set()  # temporary folders this process is writing just now


def save(parent: Path, run: str, meta: dict[str, Any], write: Callable[[Path], None]) -> Path:
    """Write a run's folder, or leave the one that is there and whole.

    Parameters
    ----------
    parent : Path
        Folder of runs; made if need be.
    run : str
        Name of the run, and of its folder.
    meta : dict
        What ``meta.json`` says, apart from the list of files.
    write : callable
        Writes every other file into the folder it is given.

    Returns
    -------
    Path
        The run's folder.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    target = parent / run
    if is_complete(target):
        return target
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(parent)
        _write_whole(target, meta, write)
    except OSError as error:
        message = f"cannot write the run to {target}: {error.strerror or error}"
        raise InputError(message) from error
    return target


def is_complete(folder: Path) -> bool:
    """Return whether a folder is a whole run: every file it lists is there, in full length."""
    try:
        files = read_meta(folder)["files"]
        return all((folder / name).stat().st_size == f["bytes"] for name, f in files.items())
    except (InputError, OSError, KeyError, TypeError, AttributeError):
        return False


def read_meta(folder: Path) -> dict[str, Any]:
    """Return what ``meta.json`` of a run says.

    Raises
    ------
    InputError
        If the folder is no run.
    """
    path = folder / META
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{folder} is not a run: it has no readable {META}"
        raise InputError(message) from error
    except ValueError as error:
        message = f"{path} is not JSON: {error}"
        raise InputError(message) from error
    if not isinstance(meta, dict) or meta.get("format") != 1 or "files" not in meta:
        message = f"{path} is not of a run this version reads (format 1)"
        raise InputError(message)
    return meta


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, beside its place first.

    Raises
    ------
    InputError
        If it cannot be written, for one because its folder does not exist.
    """
    path = path.resolve()  # a link stays a link
    if not path.parent.is_dir():
        message = f"cannot write {path}: the folder {path.parent} does not exist"
        raise InputError(message)
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}-{next(_counter)}")
    try:
        if path.exists() and not path.is_file():  # a pipe or terminal cannot be replaced
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        try:
            temporary.write_text(text, encoding="utf-8", newline="\n")
            _sync(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror or error}"
        raise InputError(message) from error


def _write_whole(target: Path, meta: dict[str, Any], write: Callable[[Path], None]) -> None:
    temporary = target.with_name(f".{target.name}.tmp-{os.getpid()}-{next(_counter)}")
    _mine.add(temporary.name)
    try:
        temporary.mkdir()
        write(temporary)
        files = {path.name: _describe(path) for path in sorted(temporary.iterdir())}
        text = json.dumps({**meta, "files": files}, indent=2, ensure_ascii=False) + "\n"
        (temporary / META).write_text(text, encoding="utf-8", newline="\n")
        _sync(temporary / META)
        _sync(temporary)
        _put(temporary, target)
        _sync(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _mine.discard(temporary.name)


def _put(temporary: Path, target: Path) -> None:
    """Rename into place; a broken folder there makes way, a whole one stays."""
    try:
        temporary.rename(target)
    except OSError:
        if is_complete(target):  # another process wrote the same run meanwhile
            return
        aside = temporary.with_name(f".{target.name}.tmp-{os.getpid()}-{next(_counter)}")
        target.rename(aside)
        temporary.rename(target)
        shutil.rmtree(aside, ignore_errors=True)


def _describe(path: Path) -> dict[str, Any]:
    _sync(path)
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _sync(path: Path) -> None:
    """Force a file or folder to disk, so that a name never points at bytes that are not there."""
    if path.is_dir() and os.name == "nt":  # Windows has no handles on folders
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_stale(parent: Path) -> None:
    """Remove what killed processes left behind."""
    for path in parent.iterdir():
        match = _TEMPORARY.match(path.name)
        if match and path.name not in _mine and not _is_alive(int(match[1])):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():  # not among our own: an earlier process had our number
        return False
    if os.name == "nt":  # signal 0 is not a question there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
