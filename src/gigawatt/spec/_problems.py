"""Say in plain words what is wrong with a campus file, with the place and what was found there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel

from gigawatt.errors import Problem
from gigawatt.spec import _checks
from gigawatt.spec._checks import Loc, dotted
from gigawatt.spec._types import ACROSS, WRONG, did_you_mean
from gigawatt.spec.campus import Campus

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from gigawatt.spec._document import Document

__all__ = ["describe", "from_checks", "from_pydantic", "keys_at", "unknown_key"]

_LONGEST: Final = 60

_EXPECTED: Final = {
    "bool_type": "true or false",
    "model_type": "a mapping of keys to values",
    "tuple_type": "a list (lines that start with '- ')",
    "too_short": "a list of at least one entry",
}


def describe(value: object) -> str:
    """Return what a user wrote, shortened to fit a line.

    Examples
    --------
    >>> describe("1.2 GWh"), describe(None), describe([1, 2])
    ("'1.2 GWh'", 'nothing', 'a list of 2')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = f"'{value}'"
    elif isinstance(value, Mapping):
        text = f"a mapping with {', '.join(value)}" if value else "an empty mapping"
    elif isinstance(value, Sequence):
        text = f"a list of {len(value)}" if value else "an empty list"
    elif isinstance(value, int) and abs(value) >= 10**_LONGEST:
        text = "a number of over 60 digits"
    else:
        text = str(value)
    text = "".join(sign if sign.isprintable() else _escaped(sign) for sign in text[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def from_pydantic(errors: Sequence[ErrorDetails], document: Document) -> list[Problem]:
    """Return pydantic's errors as problems, save those of `_checks.across`."""
    return [_problem(error, document) for error in errors if not _follows(error)]


def _follows(error: ErrorDetails) -> bool:
    """Return whether an error only follows from others, or `from_checks` reports it."""
    return error["type"] == ACROSS or (error["type"] == "too_short" and bool(error["input"]))


def from_checks(document: Document) -> list[Problem]:
    """Return what the fields of a document contradict each other in."""
    if not isinstance(document.data, Mapping):
        return []
    return [
        Problem(document.line(one.loc), dotted(one.loc), one.expected, one.found, one.hint)
        for one in _checks.across(document.data)
    ]


def _problem(error: ErrorDetails, document: Document) -> Problem:
    loc, kind = error["loc"], error["type"]
    context: Mapping[str, Any] = error.get("ctx", {})
    line = document.line(loc)
    if kind == "missing":
        hint = "add it under " + dotted(loc[:-1]) if len(loc) > 1 else "add it at the top level"
        return Problem(line, dotted(loc), f"the key {loc[-1]}", "nothing", hint)
    if kind == "extra_forbidden":
        return unknown_key(loc, line)
    value = document.get(loc)
    found = describe(value)
    if kind == WRONG:
        hint = context["hint"] or _hint(value)
        return Problem(line, dotted(loc), context["expected"], found, hint)
    if kind == "literal_error":
        allowed = context["expected"]
        names = [name.strip("'") for name in allowed.replace(" or ", ", ").split(", ")]
        hint = did_you_mean(str(value), names)
        version = "1, the version of this file format"
        return Problem(line, dotted(loc), version if allowed == "1" else allowed, found, hint)
    expected = _EXPECTED.get(kind, error["msg"])
    return Problem(line, dotted(loc) or "YAML", expected, found, _hint(value))


def _hint(value: object) -> str:
    return "the key has no value" if value is None else ""


def unknown_key(loc: Loc, line: int) -> Problem:
    """Return the problem of a key that does not exist, with the nearest that does."""
    known = keys_at(loc[:-1])
    key = str(loc[-1])
    hint = did_you_mean(key, known) or f"keys here: {', '.join(known)}"
    around = dotted(loc[:-1])
    return Problem(line, dotted(loc), f"a key of {around or 'a campus'}", describe(key), hint)


def keys_at(loc: Loc) -> tuple[str, ...]:
    """Return the keys that the part at `loc` may have; none where no part can be."""
    part = part_at(loc)
    return tuple(part.model_fields) if part is not None else ()


def part_at(loc: Loc) -> type[BaseModel] | None:
    """Return the model of the part at `loc`, None where a plain value or a list stands."""
    part: type[BaseModel] | None = Campus
    listed: type[BaseModel] | None = None
    for step in loc:
        if isinstance(step, int):
            part, listed = listed, None
            continue
        info = part.model_fields.get(step) if part is not None else None
        if info is None:
            return None
        part, listed = _parts(info.annotation)
    return part


def _parts(annotation: Any) -> tuple[type[BaseModel] | None, type[BaseModel] | None]:  # noqa: ANN401
    """Return the model of an annotation itself, and that of its entries if it is a list."""
    for option in (annotation, *get_args(annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            is_list = getattr(annotation, "__origin__", None) is tuple
            return (None, option) if is_list else (option, None)
    return None, None
