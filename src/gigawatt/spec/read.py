"""Read a campus from a YAML file, a text or the catalogue, and name everything that is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from gigawatt import catalog
from gigawatt.errors import InputError, Problem, SpecError
from gigawatt.spec._document import Document, parse
from gigawatt.spec._overrides import override
from gigawatt.spec._problems import describe, from_checks, from_pydantic
from gigawatt.spec._published import from_catalog, published
from gigawatt.spec._types import did_you_mean
from gigawatt.spec.campus import Campus

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["load", "loads"]

_LARGEST_BYTES: Final = 5_000_000
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def load(name_or_path: str | os.PathLike[str], overrides: Mapping[str, str] = _NONE) -> Campus:
    """Return a campus of the catalogue, or the one that a YAML file describes.

    Parameters
    ----------
    name_or_path : str or path
        Name of a campus in the catalogue, e.g. ``"hyperion"``, or the path of a file. Text that
        ends in ``.yaml`` or ``.yml`` is always a path.
    overrides : mapping of str to str, optional
        Values to set before the campus is checked, e.g. ``{"phases[0].it_mw": "500 MW"}``.

    Returns
    -------
    Campus
        The campus, checked.

    Raises
    ------
    SpecError
        If the file or an override is wrong; it holds every problem found.
    InputError
        If there is neither such a campus nor such a file.

    Examples
    --------
    >>> load("hyperion", {"site.grid": "ercot"}).site.grid
    'ercot'
    """
    name = os.fspath(name_or_path)
    path = Path(name)
    is_path = not isinstance(name_or_path, str) or name.lower().endswith((".yaml", ".yml"))
    if not is_path and catalog.load().has("campus", name):
        if not overrides:
            return from_catalog(name)
        return _checked(Document(published(name), {(): 0}), name, Path(), overrides)
    if is_path or _exists(path):
        return _checked(parse(_text(path, name)), name, path.parent, overrides)
    raise InputError(_neither(name))


def loads(text: str, name: str = "<string>") -> Campus:
    """Return the campus that a YAML text describes.

    Parameters
    ----------
    text : str
        The YAML.
    name : str, optional
        What to call it in errors.

    Returns
    -------
    Campus
        The campus, checked.

    Raises
    ------
    SpecError
        If anything is wrong; it holds every problem found.
    """
    return _checked(parse(text.removeprefix("\ufeff")), name, Path(), _NONE)


def _checked(document: Document, name: str, folder: Path, overrides: Mapping[str, str]) -> Campus:
    if document.problems:
        raise SpecError(name, document.problems)
    if not isinstance(document.data, dict):
        expected = "a mapping that describes a campus"
        empty = document.data is None
        hint = "'gigawatt init' writes a file to start from" if empty else ""
        found = "an empty file" if empty else describe(document.data)
        raise SpecError(name, [Problem(document.line(()), "YAML", expected, found, hint)])
    problems = override(document, overrides)
    try:
        campus = Campus.model_validate(document.data, context={"folder": folder})
    except ValidationError as error:
        problems += from_pydantic(error.errors(include_url=False), document)
        problems += from_checks(document)
    if problems:
        raise SpecError(name, problems)
    return campus


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _text(path: Path, name: str) -> str:
    """Return the text of a file; SpecError if it has none."""
    try:
        with path.open("rb") as handle:
            raw = handle.read(_LARGEST_BYTES + 1)
    except IsADirectoryError:
        raise SpecError(name, [_whole("a campus file", "a folder")]) from None
    except (FileNotFoundError, NotADirectoryError):
        known = did_you_mean(path.stem, _campus_names())
        found = "no file of this name"
        raise SpecError(name, [_whole("a campus file", found, known)]) from None
    except (OSError, ValueError) as error:
        found = f"one that can't be read: {getattr(error, 'strerror', None) or error}"
        raise SpecError(name, [_whole("a campus file", found)]) from None
    if len(raw) > _LARGEST_BYTES:
        expected = f"a file of at most {_LARGEST_BYTES // 1_000_000} MB"
        raise SpecError(name, [_whole(expected, "a larger one")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{raw[error.start]:02X}"
        raise SpecError(name, [_whole("a text file in UTF-8", found, line=line)]) from None


def _whole(expected: str, found: str, hint: str = "", line: int = 0) -> Problem:
    return Problem(line, "file", expected, found, hint)


def _campus_names() -> list[str]:
    entries = catalog.load().entries("campus")
    return [name for entry in entries for name in (entry.id, *entry.aliases)]


def _neither(name: str) -> str:
    near = did_you_mean(name, _campus_names())
    hint = f"; {near}" if near else " ('gigawatt catalog campus' lists the campuses)"
    return f"no campus named {describe(name)} in the catalogue and no file of this name{hint}"
