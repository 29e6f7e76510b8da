"""Every error that Gigawatt raises on purpose.

::

    GigawattError
    ├── InputError           something the user wrote is wrong (exit code 2)
    │   ├── SpecError        a campus file; holds every problem found, each with its line
    │   └── UnknownNameError a name that the catalogue does not hold
    ├── CatalogError         the catalogue itself is broken (a fault of this package)
    └── NotModelledError     a question that no model here can answer honestly
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "CatalogError",
    "GigawattError",
    "InputError",
    "NotModelledError",
    "Problem",
    "SpecError",
    "UnknownNameError",
    "nearest",
]


_SHORTEST_PART: Final = 3  # signs that a name must have to be looked for within others
_MOST_HOLDING: Final = 4  # a family of names is shown whole, if it is small


class GigawattError(Exception):
    """Base of every error raised on purpose."""


class InputError(GigawattError):
    """Something the user wrote is wrong; the command line exits with 2."""


class CatalogError(GigawattError):
    """The catalogue breaks its own rules: a fault of this package, never of the user."""


class NotModelledError(GigawattError):
    """The question lies outside what the models can answer; nothing is invented instead."""


class UnknownNameError(InputError):
    """A name that the catalogue does not hold.

    Parameters
    ----------
    kind : str
        What was looked for, e.g. ``"chip"``.
    name : str
        What the user wrote.
    known : iterable of str
        The names that exist; the nearest are suggested. A mapping tells what each name stands for:
        then that is suggested, once however many names it has.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name = kind, name
        self.suggestions = _suggested(name, known)
        hint = f"; did you mean {_either(self.suggestions)}?" if self.suggestions else ""
        super().__init__(
            f"no {kind} named '{name}' in the catalogue{hint} "
            f"('gigawatt catalog {kind}' lists them)"
        )


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with an input file.

    Parameters
    ----------
    line : int
        1-based line in the file; 0 where there is none (a value given by ``--set``).
    path : str
        Where in the document, e.g. ``phases[0].it_mw``.
    expected : str
        What would have been right, as a noun phrase.
    found : str
        What was there instead, as the user wrote it.
    hint : str
        What to do about it; may be empty.
    """

    line: int
    path: str
    expected: str
    found: str
    hint: str = ""

    def render(self, file: str) -> str:
        """Return the problem as one line of text, in the form editors can jump to."""
        place = f"{file}:{self.line}" if self.line else file
        tail = f" ({self.hint})" if self.hint else ""
        return f"{place}: {self.path}: expected {self.expected}; found {self.found}{tail}"


class SpecError(InputError):
    """A campus file is wrong; carries every problem found, in order of line.

    Parameters
    ----------
    file : str
        Name of the file, as the user gave it.
    problems : sequence of Problem
        At least one.
    """

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(p.render(file) for p in self.problems))


def nearest(name: str, known: Iterable[str], count: int = 2) -> tuple[str, ...]:
    """Return up to `count` of `known` that `name` may mean, best first.

    Those that hold the name as it is come first, the others look like it. Names that differ in
    nothing but case and signs count as one.

    Examples
    --------
    >>> nearest("deepseek", ["deepseek-v3", "DeepSeekV3", "deepseek-r1", "kimi-k2"])
    ('deepseek-v3', 'deepseek-r1')
    >>> nearest("hyperon", ["hyperion", "prometheus"])
    ('hyperion',)
    """
    by_letters: dict[str, str] = {}
    for one in known:
        by_letters.setdefault(_letters(one), one)
    wanted = _letters(name)
    found = _holding(wanted, by_letters)
    found += difflib.get_close_matches(wanted, by_letters, n=count, cutoff=0.6)
    return tuple(by_letters[letters] for letters in dict.fromkeys(found))[:count]


def _holding(wanted: str, known: Iterable[str]) -> list[str]:
    """Return the names that hold `wanted`: first those that begin with it, shortest first."""
    if len(wanted) < _SHORTEST_PART:
        return []
    holding = [one for one in known if wanted in one]
    return sorted(holding, key=lambda one: (not one.startswith(wanted), len(one)))


def _letters(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _suggested(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the names to suggest: four that hold `name`, or the two that look most like it."""
    names = known if isinstance(known, Mapping) else {one: one for one in known}
    by_letters = {_letters(one): one for one in reversed(list(names))}
    holding = [by_letters[letters] for letters in _holding(_letters(name), by_letters)]
    near = holding or nearest(name, names, count=len(names))
    count = _MOST_HOLDING if holding else 2
    return tuple(dict.fromkeys(names[one] for one in near))[:count]


def _either(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
