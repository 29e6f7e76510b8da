"""Write a campus as YAML that reads back as the same campus.

The text depends on the campus alone: same campus, same bytes, on any machine.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.spec.campus import Campus

__all__ = ["to_yaml"]

_HEADER: Final = """\
# yaml-language-server: $schema=gigawatt.schema.json
# A campus for Gigawatt. 'gigawatt schema --output gigawatt.schema.json' writes the schema that
# editors use. Units stand in the names; texts such as '1.2 GW' or '22 T' do as well as numbers.
"""

_COMMENTS: Final = {
    "gigawatt": "Version of this file format.",
    "site": "Names of the catalogue give weather (climate) and price and carbon of power (grid).",
    "horizon": "Simulated hour by hour in UTC: calendar years from the first day on.",
    "phases": (
        "What is added on each date, in MW. Chips without a count: as many as the IT power feeds."
    ),
    "network": "Bandwidth in Gbit/s of a chip; oversubscription 1 is a network without blocking.",
    "cooling": "PUE and WUE are yearly means; WUE in L per kWh of IT energy.",
    "power": "Capacities in MW, price in USD/MWh, carbon in kg of CO2 per MWh.",
    "programme": "Shares of the campus's chips, 0 to 1; tokens are counts; times in ms.",
    "finance": "Real US dollars of price_year; lives in years; costs per MW of IT power.",
    "facts": "Published facts behind inputs above. Take out those of an input that you change.",
}

_TOKENS: Final = {"tokens", "tokens_per_day"}
_SCALES: Final = (("T", 1e12), ("B", 1e9))
_PLAIN: Final = re.compile(r"[A-Za-z][\w .,/()[\]+@&'-]*")
_RESERVED: Final = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def to_yaml(campus: Campus) -> str:
    """Return a campus as YAML text, with every value that is set and every default used.

    Parameters
    ----------
    campus : Campus
        The campus.

    Returns
    -------
    str
        YAML for which ``loads(to_yaml(campus)) == campus``.
    """
    blocks = []
    for key in type(campus).model_fields:
        lines = list(_entry(key, getattr(campus, key), keep_empty=key == "phases"))
        if not lines:
            continue
        comment = _COMMENTS.get(key)
        separator = "" if key in {"name", "owner", "announced_maximum_mw"} else "\n"
        blocks.append(separator + (f"# {comment}\n" if comment else "") + "\n".join(lines) + "\n")
    return _HEADER + "".join(blocks)


def _entry(key: str, value: object, *, keep_empty: bool = False) -> Iterator[str]:
    """Yield the lines of ``key: value``; none where nothing is set."""
    if isinstance(value, BaseModel):
        lines = list(_part(value))
        if lines:
            yield f"{key}:"
            yield from (f"  {line}" for line in lines)
    elif isinstance(value, tuple):
        if value:
            yield f"{key}:"
        elif keep_empty:
            yield f"{key}: []"
        for item in value:
            first, *rest = _part(item) if isinstance(item, BaseModel) else [_scalar(item)]
            yield f"  - {first}"
            yield from (f"    {line}" for line in rest)
    elif value is not None and value != "":
        yield f"{key}: {_tokens(value) if key in _TOKENS else _scalar(value)}"


def _part(part: BaseModel) -> Iterator[str]:
    for key, field in type(part).model_fields.items():
        # An empty list says something only where leaving it out would say something else.
        yield from _entry(key, getattr(part, key), keep_empty=field.default is None)


def _scalar(value: Any) -> str:  # noqa: ANN401  any value of a campus
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, int | dt.date):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _decimal(value: float) -> str:
    """Return the shortest decimal that reads back as `value`, without an exponent."""
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def _tokens(value: Any) -> str:  # noqa: ANN401  any value of a campus
    """Return a count of tokens in trillions or billions where that is exact."""
    for unit, scale in _SCALES:
        scaled = value / scale
        if scaled >= 1 and scaled * scale == value:
            return f"{_decimal(scaled)} {unit}"
    return _decimal(float(value))
