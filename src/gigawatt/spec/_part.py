"""What the parts of a campus file are made of: kinds of value, and the base of every part."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict

from gigawatt.spec._types import Day, Quantity, Text

__all__ = [
    "Carbon",
    "Date",
    "Mean",
    "Ms",
    "Name",
    "Note",
    "Part",
    "PerMw",
    "PerMwYear",
    "PowerMw",
    "Precision",
    "Price",
    "Share",
    "ShareOrNone",
    "Tokens",
    "Users",
    "Years",
    "no_truth",
    "whole_number",
]

Name = Annotated[str, Text("a name")]
Note = Annotated[str, Text("a text", empty=True)]
Date = Annotated[dt.date, Day()]
PowerMw = Annotated[float, Quantity("a power", "MW", "'1.2 GW'", above=0, most=1e6)]
Share = Annotated[float, Quantity("a share", "ratio", "0.25 or '25 %'", above=0, most=1)]
ShareOrNone = Annotated[float, Quantity("a share", "ratio", "0.25 or '25 %'", least=0, most=1)]
Carbon = Annotated[float, Quantity("a carbon intensity", "kg/MWh", "390", least=0, most=5000)]
Price = Annotated[float, Quantity("a price", "USD/MWh", "'6.2 c/kWh'", least=0, most=10000)]
PerMw = Annotated[float, Quantity("a cost", "USD/MW", "'30 MUSD/MW'", least=0, most=1e10)]
PerMwYear = Annotated[float, Quantity("a cost", "USD/MW/yr", "'1 MUSD/MW/yr'", least=0, most=1e9)]
Years = Annotated[float, Quantity("a number", "years", "'5 years'", least=0.5, most=100)]
Tokens = Annotated[float, Quantity("a number of tokens", "1", "'22 T'", above=0, most=1e21)]
Users = Annotated[float, Quantity("a number of users", "1", "'5 million'", above=0, most=1e11)]
Mean = Annotated[float, Quantity("a mean number", "1", "800", above=0, most=1e9)]
Ms = Annotated[float, Quantity("a time", "ms", "'50 ms'", above=0, most=3.6e6)]
Precision = Literal["bf16", "fp8", "fp4"]


def whole_number(noun: str, example: str, most: float = 1e9) -> Quantity:
    """Return a kind of whole number, 1 to `most`."""
    return Quantity(noun, "1", example, least=1, most=most, whole=True)


def no_truth(value: object) -> object:
    """Return `value`, or text in place of a truth value, which Python takes for 0 or 1."""
    return str(value).lower() if isinstance(value, bool) else value


class Part(BaseModel):
    """What every part has in common: no unknown keys, no change afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
