"""What the catalogue is made of: sources, facts, fields and entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gigawatt.errors import CatalogError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

__all__ = ["BASES", "Entry", "Fact", "Field", "Source"]

BASES = ("measured", "reported", "vendor", "estimate", "derived", "assumption")
"""How a figure came about, from the firmest to the softest."""

Value = float | str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read.

    Parameters
    ----------
    id : str
        Short key that facts refer to.
    title, publisher, where : str
        What it is, whose it is, and a URL or ``owner/repository@commit:path``.
    date : str
        When it was published or copied: ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``.
    licence : str
        Licence of the source where it must be credited, else empty.
    """

    id: str
    title: str
    publisher: str
    where: str
    date: str
    licence: str


@dataclass(frozen=True, slots=True)
class Field:
    """What a field of a kind of entry means, and which values it may take.

    Parameters
    ----------
    kind, name : str
        The kind of entry and the field's name, which ends in its unit.
    unit : str
        Unit of the value; empty for text, dates and references.
    type : str
        ``number``, ``integer``, ``text``, ``date`` or ``ref:KIND``.
    required : bool
        Whether every entry of the kind must have it.
    minimum, maximum : float
        Inclusive bounds of a number.
    description : str
        One sentence.
    """

    kind: str
    name: str
    unit: str
    type: str
    required: bool
    minimum: float
    maximum: float
    description: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One published value, with its range, date and source.

    Parameters
    ----------
    key : str
        ``kind/entry/field``, unique in the catalogue.
    value : float or str
        The value, a number in `unit` or text.
    unit : str
        Its unit; empty for text.
    low, high : float or None
        Published range, where known.
    date : str
        When it held: ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``.
    source : Source
        Where it was read.
    basis : str
        One of `BASES`.
    note : str
        Anything a user must know; disagreeing sources are named here.
    """

    key: str
    value: Value
    unit: str
    low: float | None
    high: float | None
    date: str
    source: Source
    basis: str
    note: str

    @property
    def number(self) -> float:
        """The value as a number.

        Raises
        ------
        CatalogError
            If the fact is text.
        """
        if isinstance(self.value, str):
            message = f"{self.key} is text, not a number"
            raise CatalogError(message)
        return self.value

    @property
    def span(self) -> tuple[float, float]:
        """The published range, or the value twice where no range is known."""
        value = self.number
        return (
            value if self.low is None else self.low,
            value if self.high is None else self.high,
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing the catalogue describes: a chip, a model, a campus, ...

    Parameters
    ----------
    kind, id : str
        What it is and its name.
    facts : mapping of str to Fact
        Its facts by field name.
    aliases : tuple of str
        Other names it answers to.
    """

    kind: str
    id: str
    facts: Mapping[str, Fact]
    aliases: tuple[str, ...] = ()

    def __getitem__(self, field: str) -> Fact:
        """Return the fact of `field`; CatalogError if the entry does not state it."""
        try:
            return self.facts[field]
        except KeyError:
            message = f"{self.kind} '{self.id}' states no {field}"
            raise CatalogError(message) from None

    def __contains__(self, field: str) -> bool:
        """Return whether the entry states `field`."""
        return field in self.facts

    def __iter__(self) -> Iterator[Fact]:
        """Iterate over the facts in the order of the field table."""
        return iter(self.facts.values())

    def number(self, field: str, default: float | None = None) -> float:
        """Return `field` as a number, or `default` where the entry does not state it."""
        if default is not None and field not in self.facts:
            return default
        return self[field].number

    def text(self, field: str, default: str | None = None) -> str:
        """Return `field` as text, or `default` where the entry does not state it."""
        if default is not None and field not in self.facts:
            return default
        return str(self[field].value)

    def date(self, field: str) -> dt.date:
        """Return `field` as a date."""
        import datetime as dt  # noqa: PLC0415  keeps the package's import light

        return dt.date.fromisoformat(str(self[field].value))
