"""Prices and financing as a user says them in a word: ``rent=2.5``, ``bonds=60 %``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.spec.finance import Financing, Revenue

__all__ = ["read_financing", "read_price"]

Part = TypeVar("Part", bound=BaseModel)

_PRICES: Final = {
    "none": "",
    "rent": "usd_per_accelerator_hour",
    "tokens": "usd_per_million_tokens",
    "transfer": "margin",
}
_FINANCING: Final = {"equity": "", "bonds": "debt_share", "joint-venture": "owner_share"}


def read_price(text: str, said: Revenue) -> Revenue:
    """Return who pays for the computing, from ``none``, ``rent``, ``rent=2.5`` and the like."""
    example = "none, rent, rent=2.5, tokens=0.5 or 'transfer=10 %'"
    return _read(text, said, "market", _PRICES, "price", example)


def read_financing(text: str, said: Financing) -> Financing:
    """Return who pays for what is built, from ``equity``, ``bonds=60 %`` or ``joint-venture``."""
    example = "equity, 'bonds=60 %', joint-venture or 'joint-venture=20 %'"
    return _read(text, said, "kind", _FINANCING, "financing", example)


def _read(
    text: str, said: Part, field: str, values: dict[str, str], option: str, example: str
) -> Part:
    word, equals, value = (part.strip() for part in text.partition("="))
    if word not in values or (equals and not values[word]):
        message = f"{option}: expected {example}; found '{text}'"
        raise InputError(message)
    update: dict[str, Any] = {field: word}
    if equals:
        update[values[word]] = value
    try:
        return type(said).model_validate({**said.model_dump(), **update})
    except ValidationError as error:
        wrong = error.errors()[0]["msg"]
        message = f"{option}: {wrong}; found '{text}'"
        raise InputError(message) from None
