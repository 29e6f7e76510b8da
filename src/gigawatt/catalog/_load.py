"""Read the catalogue's tables and hold them against their own rules.

The tables are CSV files beside this module, one fact to a row::

    data/facts/KIND.csv     id,field,value,unit,low,high,date,source,basis,note
    data/fields/KIND.csv    field,unit,type,required,minimum,maximum,description
    data/aliases/KIND.csv   alias,id
    data/sources/TOPIC.csv  source,title,publisher,where,date,licence

A row that breaks a rule stops the load: a catalogue with a silent gap is worth nothing.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from gigawatt.catalog._facts import BASES, Entry, Fact, Field, Source
from gigawatt.errors import CatalogError, UnknownNameError
from gigawatt.units import UNITS

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["Catalog", "load"]

_DATE: Final = re.compile(r"^\d{4}(-\d{2}(-\d{2})?)?$")
_NAME: Final = re.compile(r"^[a-z0-9][a-z0-9.@_-]*$")
_TYPES: Final = re.compile(r"^(number|integer|text|date|ref:[a-z_]+)$")
_FOLD: Final = re.compile(r"[^a-z0-9.]+")


def fold(name: str) -> str:
    """Return `name` as it is compared: lower case, runs of other signs as one ``-``."""
    return _FOLD.sub("-", name.casefold()).strip("-")


class Catalog:
    """The published facts, read kind by kind as they are asked for.

    Parameters
    ----------
    root : Traversable
        Folder with the tables.
    """

    def __init__(self, root: Traversable) -> None:
        self._root = root
        self._fields: dict[str, dict[str, Field]] = {}
        self._entries: dict[str, dict[str, Entry]] = {}
        self._names: dict[str, dict[str, str]] = {}
        self._sources: dict[str, Source] | None = None
        self.kinds: tuple[str, ...] = tuple(
            sorted(f.name.removesuffix(".csv") for f in (root / "facts").iterdir())
        )

    @property
    def sources(self) -> dict[str, Source]:
        """Every source, by its key."""
        if self._sources is None:
            self._sources = _read_sources(self._root / "sources")
        return self._sources

    def fields(self, kind: str) -> dict[str, Field]:
        """Return the fields that entries of `kind` may have, in the order of the table."""
        if kind not in self._fields:
            self._fields[kind] = _read_fields(self._root / "fields" / f"{kind}.csv", kind)
        return self._fields[kind]

    def entries(self, kind: str) -> tuple[Entry, ...]:
        """Return every entry of `kind`, in the order of the table.

        Raises
        ------
        UnknownNameError
            If there is no such kind.
        CatalogError
            If a row breaks a rule of the catalogue.
        """
        return tuple(self._table(kind).values())

    def get(self, kind: str, name: str) -> Entry:
        """Return the entry of `kind` that `name` means, by its id or an alias.

        Raises
        ------
        UnknownNameError
            If nothing answers to the name; the nearest names are suggested.
        """
        table = self._table(kind)
        entry_id = self._names[kind].get(fold(name))
        if entry_id is None:
            names = {one: one for one in table}
            names |= {alias: entry.id for entry in table.values() for alias in entry.aliases}
            raise UnknownNameError(kind, name, names)
        return table[entry_id]

    def has(self, kind: str, name: str) -> bool:
        """Return whether an entry of `kind` answers to `name`."""
        self._table(kind)
        return fold(name) in self._names[kind]

    def where(self, kind: str, **equals: str) -> tuple[Entry, ...]:
        """Return the entries of `kind` whose fields have the given values."""
        return tuple(
            entry
            for entry in self.entries(kind)
            if all(entry.text(field, "") == value for field, value in equals.items())
        )

    def fact(self, key: str) -> Fact:
        """Return the fact with the key ``kind/entry/field``."""
        kind, entry_id, field = key.split("/")
        return self._table(kind)[entry_id][field]

    def check(self) -> int:
        """Read every table and every reference between them; return the number of facts.

        Raises
        ------
        CatalogError
            At the first row that breaks a rule.
        """
        count = 0
        for kind in self.kinds:
            fields = self.fields(kind)
            for entry in self.entries(kind):
                for name, fact in entry.facts.items():
                    count += 1
                    target = fields[name].type.partition(":")[2]
                    if target and str(fact.value) not in self._table(target):
                        message = f"{fact.key}: no {target} '{fact.value}'"
                        raise CatalogError(message)
        return count

    def _table(self, kind: str) -> dict[str, Entry]:
        if kind not in self._entries:
            if kind not in self.kinds:
                raise UnknownNameError(kind="kind", name=kind, known=self.kinds)
            aliases = _read_aliases(self._root / "aliases" / f"{kind}.csv")
            table = _read_entries(self._root / "facts" / f"{kind}.csv", kind, self, aliases)
            self._entries[kind] = table
            self._names[kind] = _names(kind, table, aliases)
        return self._entries[kind]


@cache
def load() -> Catalog:
    """Return the catalogue that ships with this package."""
    return Catalog(files("gigawatt.catalog") / "data")


def _rows(path: Traversable, columns: str) -> list[list[str]]:
    reader = csv.reader(path.read_text(encoding="utf-8").splitlines())
    header = next(reader)
    if header != columns.split(","):
        message = f"{path.name}: columns are {','.join(header)}, expected {columns}"
        raise CatalogError(message)
    rows = [row for row in reader if row]
    for row in rows:
        if len(row) != len(header):
            message = f"{path.name}: {len(row)} cells where {len(header)} belong: {row}"
            raise CatalogError(message)
    return rows


def _read_sources(folder: Traversable) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        for row in _rows(path, "source,title,publisher,where,date,licence"):
            source = Source(*row)
            if source.id in sources or not _NAME.match(source.id):
                message = f"sources/{path.name}: '{source.id}' stands twice or is no name"
                raise CatalogError(message)
            if not (source.title and source.where and _DATE.match(source.date)):
                message = f"sources/{path.name}: '{source.id}' lacks a title, place or date"
                raise CatalogError(message)
            sources[source.id] = source
    return sources


def _read_fields(path: Traversable, kind: str) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for name, unit, type_, required, low, high, description in _rows(
        path, "field,unit,type,required,minimum,maximum,description"
    ):
        if not _TYPES.match(type_) or not description or (unit and unit not in UNITS):
            message = f"fields/{kind}.csv: {name} has a wrong type or unit, or no description"
            raise CatalogError(message)
        fields[name] = Field(
            kind,
            name,
            unit,
            type_,
            required == "yes",
            float(low) if low else -math.inf,
            float(high) if high else math.inf,
            description,
        )
    return fields


def _read_aliases(path: Traversable) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {row[0]: row[1] for row in _rows(path, "alias,id")}


def _read_entries(
    path: Traversable, kind: str, catalog: Catalog, aliases: dict[str, str]
) -> dict[str, Entry]:
    fields = catalog.fields(kind)
    found: dict[str, dict[str, Fact]] = {}
    for row in _rows(path, "id,field,value,unit,low,high,date,source,basis,note"):
        entry_id, field = row[0], row[1]
        if not _NAME.match(entry_id):
            message = f"{kind}: '{entry_id}' is not a name (lower case, digits, '-', '.', '@')"
            raise CatalogError(message)
        if field not in fields or field in found.setdefault(entry_id, {}):
            message = f"{kind}/{entry_id}: {field} is unknown or stands twice"
            raise CatalogError(message)
        found[entry_id][field] = _fact(row, fields[field], catalog.sources)
    table: dict[str, Entry] = {}
    for entry_id, facts in found.items():
        missing = [f.name for f in fields.values() if f.required and f.name not in facts]
        if missing:
            message = f"{kind}/{entry_id}: {', '.join(missing)} must be stated"
            raise CatalogError(message)
        ordered = {name: facts[name] for name in fields if name in facts}
        also = tuple(a for a, target in aliases.items() if target == entry_id)
        table[entry_id] = Entry(kind, entry_id, ordered, also)
    return table


def _names(kind: str, table: dict[str, Entry], aliases: dict[str, str]) -> dict[str, str]:
    names = {fold(entry_id): entry_id for entry_id in table}
    for alias, entry_id in aliases.items():
        if entry_id not in table or names.setdefault(fold(alias), entry_id) != entry_id:
            message = f"aliases/{kind}.csv: '{alias}' names nothing, or two things"
            raise CatalogError(message)
    return names


def _fact(row: list[str], field: Field, sources: dict[str, Source]) -> Fact:
    entry_id, name, text, unit, low, high, date, source, basis, note = row
    key = f"{field.kind}/{entry_id}/{name}"
    if source not in sources:
        message = f"{key}: no source '{source}'"
        raise CatalogError(message)
    if basis not in BASES or not _DATE.match(date) or unit != field.unit:
        message = f"{key}: basis '{basis}', date '{date}' or unit '{unit}' is not right"
        raise CatalogError(message)
    if field.type not in {"number", "integer"}:
        value = _text(key, text, field)
        return Fact(key, value, "", None, None, date, sources[source], basis, note)
    try:
        number = float(text)
        span = (float(low) if low else None, float(high) if high else None)
    except ValueError as error:
        message = f"{key}: {error}"
        raise CatalogError(message) from None
    _check_number(key, number, span, field)
    return Fact(key, number, unit, *span, date, sources[source], basis, note)


def _text(key: str, text: str, field: Field) -> str:
    if field.type == "date":
        try:
            dt.date.fromisoformat(text)
        except ValueError as error:
            message = f"{key}: {error}"
            raise CatalogError(message) from None
    if not text:
        message = f"{key}: empty"
        raise CatalogError(message)
    return text


def _check_number(
    key: str, value: float, span: tuple[float | None, float | None], field: Field
) -> None:
    if not field.minimum <= value <= field.maximum:
        message = f"{key}: {value} lies outside [{field.minimum}, {field.maximum}]"
        raise CatalogError(message)
    low = value if span[0] is None else span[0]
    high = value if span[1] is None else span[1]
    if not low <= value <= high:
        message = f"{key}: {value} lies outside its own range [{low}, {high}]"
        raise CatalogError(message)
    if field.type == "integer" and value != int(value):
        message = f"{key}: {value} is not a whole number"
        raise CatalogError(message)
