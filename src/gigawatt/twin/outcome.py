"""What a simulated campus comes to: headlines and tables, before anything is written or drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from gigawatt.spec import Campus

__all__ = ["Headline", "Outcome", "Table"]

Table = dict[str, "np.ndarray[Any, Any]"]
"""Columns of equal length, by name."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One number that answers a question, with what it rests on.

    Parameters
    ----------
    name, label, group : str
        Glossary name, what a reader sees, and the part of the answer it belongs to.
    value : float, str or None
        A number in `unit`, an ISO date, or None where it never happens (the note says why).
    unit : str
        Unit of the value; ``date`` or ``time`` for dates.
    low, high : float, str or None
        Band of the value, where the facts it rests on have one.
    formula : str
        How it follows, in one line.
    facts : tuple of str
        Keys of the catalogue facts it rests on.
    inputs : tuple of str
        Paths in the campus file it rests on.
    note : str
        What a reader must know to use it rightly.
    """

    name: str
    label: str
    group: str
    value: float | str | None
    unit: str
    low: float | str | None = None
    high: float | str | None = None
    formula: str = ""
    facts: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """The whole answer for one campus.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    seed : int
        Seed of every draw of chance.
    headlines : tuple of Headline
        Answers, in the order a reader wants them.
    tables : dict of str to Table
        Hourly, yearly and ledger tables.
    facts : tuple of str
        Keys of every catalogue fact that was used.
    warnings : tuple of str
        What in the campus deserves a second look.
    timings_s : dict of str to float
        Wall time of each stage; never written to a run.
    """

    campus: Campus
    seed: int
    headlines: tuple[Headline, ...]
    tables: dict[str, Table]
    facts: tuple[str, ...]
    warnings: tuple[str, ...]
    timings_s: dict[str, float]
