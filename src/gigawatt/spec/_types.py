"""The kinds of value a campus file holds: quantities, days, texts and names from the catalogue.

Each is a marker for ``typing.Annotated`` that tells pydantic how to read a value, what an editor's
JSON Schema should say, and how to explain a wrong value in plain words.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pydantic_core import PydanticCustomError, core_schema

from gigawatt import catalog
from gigawatt.errors import nearest
from gigawatt.units import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = [
    "ACROSS",
    "WRONG",
    "Day",
    "FactName",
    "ModelName",
    "Named",
    "Quantity",
    "Text",
    "did_you_mean",
]

WRONG: Final = "gigawatt_wrong"
"""Pydantic's type of the errors raised here; their context holds `expected` and `hint`."""

ACROSS: Final = "gigawatt_across"
"""Pydantic's type of the error for fields that contradict each other."""

_LONGEST_TEXT: Final = 500


_BETWEEN_WORDS: Final = re.compile(r"[^a-z0-9.]+")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with up to two of `known` that `name` may mean; empty if there are none.

    Those that hold all words of `name` come first: ``mw`` means ``it_mw``, ``llama-4`` means
    ``llama-4-scout``. Otherwise those that look most like it are taken.
    """
    known = tuple(known)
    words = _words(name)
    holding = tuple(one for one in known if words and words <= _words(one))
    near = holding[:2] or nearest(name, known)
    return f"did you mean {' or '.join(near)}?" if near else ""


def _words(name: str) -> set[str]:
    return set(_BETWEEN_WORDS.split(name.casefold())) - {""}


def _refuse(expected: str, hint: str = "") -> NoReturn:
    tail = f" ({hint})" if hint else ""
    raise PydanticCustomError(
        WRONG, "expected {expected}{tail}", {"expected": expected, "hint": hint, "tail": tail}
    )


@dataclass(frozen=True)
class Quantity:
    """A number in a unit, or text such as ``"1.2 GW"`` that comes to one.

    Parameters
    ----------
    noun : str
        What it is, with its article: ``"a power"``.
    unit : str
        Unit of the number; ``"1"`` for counts and ``"ratio"`` for shares.
    example : str
        What a user could write.
    above, least, most : float or None
        Exclusive lower bound, inclusive lower bound, inclusive upper bound.
    whole : bool
        Whether only whole numbers will do.
    """

    noun: str
    unit: str
    example: str
    above: float | None = None
    least: float | None = None
    most: float | None = None
    whole: bool = False

    @property
    def expected(self) -> str:
        """What a right value is, as a noun phrase."""
        unit = "" if self.unit in {"1", "ratio"} else f" in {self.unit}"
        return f"{self.noun}{unit} such as {self.example}"

    def read(self, value: object) -> float:
        """Return `value` as a number in the unit; PydanticCustomError if it is none."""
        number = self._number(value)
        unit = "" if self.unit in {"1", "ratio"} else f" {self.unit}"
        if not math.isfinite(number):
            _refuse(self.expected, "the number must be finite")
        if self.above is not None and number <= self.above:
            _refuse(f"{self.noun} above {self.above:,g}{unit}")
        if self.least is not None and number < self.least:
            _refuse(f"{self.noun} of at least {self.least:,g}{unit}")
        if self.most is not None and number > self.most:
            _refuse(f"{self.noun} of at most {_plain(self.most)}{unit}")
        if not self.whole:
            return number + 0.0  # -0.0 becomes 0.0, which is written alike
        if number != int(number):
            _refuse(self.expected, "it must be a whole number")
        return value if isinstance(value, int) else int(number)

    def _number(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            _refuse(self.expected)
        try:
            return parse_quantity(value, self.unit) if isinstance(value, str) else float(value)
        except ValueError as error:
            _refuse(self.expected, str(error) if "measures" in str(error) else "")
        except OverflowError:
            _refuse(self.expected, "the number must be finite")

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read values with `read`."""
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say that a number or a text with a unit may stand here."""
        del schema, handler
        number: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        bounds = {"exclusiveMinimum": self.above, "minimum": self.least, "maximum": self.most}
        number |= {key: bound for key, bound in bounds.items() if bound is not None}
        text = {"type": "string", "pattern": r"^\s*[+-]?[0-9.]"}
        return {"anyOf": [number, text], "examples": self._examples()}

    def _examples(self) -> list[float | str]:
        parts = self.example.split(" or ")
        return [p.strip("'") if p.startswith("'") else self.read(p) for p in parts]


def _plain(number: float) -> str:
    """Return a bound as a reader writes it: digits to a billion, then a power of ten."""
    return f"{number:,.10g}" if number < 1e9 else f"{number:g}".replace("e+", "e")


@dataclass(frozen=True)
class Day:
    """A calendar day, as YAML writes it or as ISO 8601 text."""

    first: dt.date = dt.date(2000, 1, 1)
    last: dt.date = dt.date(2100, 12, 31)

    def read(self, value: object) -> dt.date:
        """Return `value` as a day; PydanticCustomError if it is none."""
        day = value
        if isinstance(day, str):
            try:
                day = dt.date.fromisoformat(day.strip())
            except ValueError as error:
                hint = "" if "format" in str(error) else str(error)
                _refuse("a date such as 2027-07-01", hint)
        if not isinstance(day, dt.date) or isinstance(day, dt.datetime):
            _refuse("a date such as 2027-07-01")
        if not self.first <= day <= self.last:
            _refuse(f"a date from {self.first} to {self.last}")
        return day

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read values with `read`."""
        del source, handler
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say that a date stands here."""
        del schema, handler
        return {"type": "string", "format": "date", "examples": ["2027-07-01"]}


@dataclass(frozen=True)
class Text:
    """One line of text.

    Parameters
    ----------
    noun : str
        What it is, with its article.
    empty : bool
        Whether it may be empty.
    letters : int or None
        Exact number of letters of a code, which is put in capitals.
    """

    noun: str = "a text"
    empty: bool = False
    letters: int | None = None

    def read(self, value: object) -> str:
        """Return `value` without blanks around it; PydanticCustomError if it is no such text."""
        if not isinstance(value, str):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            _refuse(self.noun, "put it in quotes" if number else "")
        text = value.strip()
        if not text and not self.empty:
            _refuse(f"{self.noun} that is not empty")
        if len(text) > _LONGEST_TEXT:
            _refuse(f"{self.noun} of at most {_LONGEST_TEXT} signs")
        if not all(sign.isprintable() or sign == "\N{NO-BREAK SPACE}" for sign in text):
            _refuse(f"{self.noun} on one line, of printable signs")
        if self.letters is None:
            return text
        if len(text) != self.letters or not (text.isascii() and text.isalpha()):
            _refuse(self.noun)
        return text.upper()

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read values with `read`."""
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say that a text stands here."""
        del schema, handler
        return {"type": "string", "minLength": 0 if self.empty else 1}


@dataclass(frozen=True)
class Named:
    """The name of something in the catalogue; aliases are replaced by the name they stand for.

    Parameters
    ----------
    kind : str
        Kind of entry.
    field : str
        Field that holds the name where it is not the entry's own id, else empty.
    """

    kind: str
    field: str = ""

    def names(self) -> tuple[str, ...]:
        """Return every name that may stand here, in the catalogue's order."""
        entries = catalog.load().entries(self.kind)
        if self.field:
            return tuple(dict.fromkeys(entry.text(self.field) for entry in entries))
        return tuple(entry.id for entry in entries)

    @property
    def expected(self) -> str:
        """What a right value is, as a noun phrase."""
        return f"a {self.what} of the catalogue"

    @property
    def what(self) -> str:
        """What the name stands for, in words."""
        return {"plant": "cooling plant", "grid": "grid region"}.get(self.kind, self.kind)

    def read(self, value: object) -> str:
        """Return the catalogue's name for `value`; PydanticCustomError if it has none."""
        name = Text(self.expected).read(value)
        found = self.find(name)
        if found is None:
            _refuse(self.expected, self.suggestion(name))
        return found

    def find(self, name: str) -> str | None:
        """Return the catalogue's own name for `name`, None where it has none."""
        table = catalog.load()
        if self.field:
            by_fold = {known.casefold(): known for known in self.names()}
            return by_fold.get(name.casefold())
        return table.get(self.kind, name).id if table.has(self.kind, name) else None

    def suggestion(self, name: str) -> str:
        """Return a hint with the nearest names, or where to find them all."""
        near = did_you_mean(name, self.names())
        if not near and not self.field:
            aliases = (
                alias for entry in catalog.load().entries(self.kind) for alias in entry.aliases
            )
            near = did_you_mean(name, aliases)
        return near or f"'gigawatt catalog {self.kind}' lists them"

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read values with `read`."""
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Offer the catalogue's names; aliases may stand here too, so it is no closed list."""
        del schema, handler
        return {"type": "string", "minLength": 1, "examples": list(self.names())}


@dataclass(frozen=True)
class FactName:
    """An entry of the catalogue, ``kind/name``, or one fact of it, ``kind/name/field``."""

    def read(self, value: object) -> str:
        """Return the name; PydanticCustomError if the catalogue holds no such entry or fact."""
        expected = "an entry or fact of the catalogue such as chip/gb200-nvl72/tdp_w"
        name = Text(expected).read(value)
        kind, _, rest = name.partition("/")
        entry_id, _, field = rest.partition("/")
        table = catalog.load()
        if kind not in table.kinds or not table.has(kind, entry_id):
            _refuse(expected, "'gigawatt catalog' lists them")
        entry = table.get(kind, entry_id)
        if field and field not in entry:
            _refuse(expected, did_you_mean(field, entry.facts))
        return f"{kind}/{entry.id}/{field}" if field else f"{kind}/{entry.id}"

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read values with `read`."""
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say that a text stands here."""
        del schema, handler
        return {"type": "string", "examples": ["phase/meta-hyperion@2028-01-01"]}


@dataclass(frozen=True)
class ModelName(Named):
    """A model of the catalogue, or the path of a Hugging Face ``config.json``.

    A relative path is looked for beside the campus file first, then in the working folder.
    """

    kind: str = "model"

    def read_in(self, value: object, info: core_schema.ValidationInfo) -> str:
        """Return the model's name or path; PydanticCustomError if there is neither."""
        text = Text(self.expected).read(value)
        if not text.endswith(".json"):
            return self.read(text)
        folder = Path((info.context or {}).get("folder", ""))
        for path in (folder / text, Path(text)):
            if path.is_file():
                return path.as_posix()
        _refuse("a model of the catalogue or the path of a config.json", "there is no such file")

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read values with `read_in`."""
        del source, handler
        return core_schema.with_info_plain_validator_function(self.read_in)
