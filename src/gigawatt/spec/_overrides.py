"""Put values from the command line into a campus before it is checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gigawatt.errors import Problem
from gigawatt.spec._checks import Loc, dotted
from gigawatt.spec._document import parse
from gigawatt.spec._problems import describe, keys_at, unknown_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.spec._document import Document

__all__ = ["override"]

_PATH: Final = re.compile(r"[A-Za-z_]\w*(\[\d{1,6}\])*(\.[A-Za-z_]\w*(\[\d{1,6}\])*)*")
_STEP: Final = re.compile(r"\w+")


def override(document: Document, values: Mapping[str, str]) -> list[Problem]:
    """Set each path of `values` in the document; return what is wrong with paths and values.

    Parts that are left out of the document are made, entries of lists are not. Whatever is set
    loses its line, since it stands in no file.
    """
    problems = []
    for path, text in values.items():
        problem = _set(document, path.strip(), text)
        if problem is not None:
            problems.append(problem)
    return problems


def _set(document: Document, path: str, text: str) -> Problem | None:
    if not _PATH.fullmatch(path):
        expected = "a path such as site.grid or phases[0].it_mw"
        return Problem(0, path or "--set", expected, describe(path))
    loc = tuple(int(step) if step.isdigit() else step for step in _STEP.findall(path))
    problem = _reachable(document, loc)
    if problem is not None:
        return problem
    value = parse(text)
    if value.problems:
        first = value.problems[0]
        return Problem(0, path, "a value as in the file", describe(text), first.hint)
    _put(document.data, loc, value.data)
    for place in [place for place in document.lines if place[: len(loc)] == loc]:
        del document.lines[place]
    document.lines[loc] = 0
    _forget_facts(document.data, path)
    return None


def _forget_facts(data: Any, path: str) -> None:  # noqa: ANN401  any YAML value
    """Take out the published facts behind inputs at, under or around `path`: they hold no more."""
    facts = data.get("facts")
    if path.startswith("facts") or not isinstance(facts, list):
        return
    data["facts"] = [fact for fact in facts if not _touches(fact, path)]


def _touches(fact: object, path: str) -> bool:
    place = fact.get("input") if isinstance(fact, dict) else None
    if not isinstance(place, str):
        return False
    short, long = sorted((place, path), key=len)
    return long.startswith(short) and long[len(short) : len(short) + 1] in {"", ".", "["}


def _reachable(document: Document, loc: Loc) -> Problem | None:
    """Return why `loc` can't be set, None if it can."""
    value = document.data
    for i, step in enumerate(loc):
        here = loc[: i + 1]
        if isinstance(step, int):
            count = len(value) if isinstance(value, list) else 0
            if step >= count:
                expected = f"an entry of {dotted(here[:-1])}"
                hint = f"it has {count or 'no'} entries" if count != 1 else "it has one entry: [0]"
                return Problem(0, dotted(loc), expected, f"[{step}]", hint)
            value = value[step]
            continue
        if step not in keys_at(here[:-1]):
            return _no_key(here, loc)
        if not isinstance(value, dict | None):
            return Problem(0, dotted(loc), f"a mapping at {dotted(here[:-1])}", describe(value))
        value = (value or {}).get(step)
    return None


def _no_key(here: Loc, loc: Loc) -> Problem:
    if keys_at(here[:-1]):
        problem = unknown_key(here, 0)
        return Problem(0, dotted(loc), problem.expected, problem.found, problem.hint)
    hint = "entries of a list are written [0], [1], ..." if keys_at((*here[:-1], 0)) else ""
    return Problem(0, dotted(loc), f"{dotted(here[:-1])} to hold keys", f"'{here[-1]}'", hint)


def _put(data: Any, loc: Loc, value: object) -> None:  # noqa: ANN401  any YAML value
    for step in loc[:-1]:
        if isinstance(step, str) and data.get(step) is None:
            data[step] = {}
        data = data[step]
    data[loc[-1]] = value
