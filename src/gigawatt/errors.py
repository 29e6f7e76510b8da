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
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        The names that exist; the nearest are suggested.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name = kind, name
        self.suggestions = nearest(name, known)
        hint = f"; did you mean {' or '.join(self.suggestions)}?" if self.suggestions else ""
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
    """Return up to `count` of `known` that look most like `name`, best first."""
    by_fold = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=count, cutoff=0.6)
    return tuple(by_fold[c] for c in close)
