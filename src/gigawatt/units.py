"""Units: which exist, what they measure, and how a quantity such as ``1.2 GW`` is read.

A unit has a dimension and a factor to the base of that dimension. The table is data, so that the
catalogue's checks, the campus file's parser and the docs use the same one.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["UNITS", "Unit", "convert", "parse_quantity"]


class Unit(NamedTuple):
    """A unit: its dimension and its factor to the base unit of that dimension."""

    dimension: str
    factor: float


def _family(dimension: str, **factors: float) -> dict[str, Unit]:
    return {name: Unit(dimension, factor) for name, factor in factors.items()}


_SCALE: Final = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}


def _prefixed(dimension: str, symbol: str, prefixes: str, base: float = 1.0) -> dict[str, Unit]:
    return {p + symbol: Unit(dimension, _SCALE[p] / base) for p in ("", *prefixes)}


UNITS: Final[dict[str, Unit]] = {
    # Bases are the units used in names: MW, MWh, s, USD, bytes in GB, FLOP, tokens.
    **_prefixed("power", "W", "kMGT", base=1e6),
    **_prefixed("energy", "Wh", "kMGT", base=1e6),
    **_family("energy", MMBtu=0.29307107, Btu=0.29307107e-6, J=1.0 / 3.6e9),
    **_family("time", ms=1e-3, s=1.0, min=60.0, h=3600.0, day=86400.0, days=86400.0),
    **_family("time", week=604800.0, weeks=604800.0, months=2629746.0, month=2629746.0),
    **_family("time", year=31556952.0, years=31556952.0),
    **_family("money", USD=1.0, kUSD=1e3, MUSD=1e6, BUSD=1e9),
    **_prefixed("flop rate", "FLOP/s", "kMGTPE"),
    **_prefixed("flop", "FLOP", "kMGTPE"),
    **_prefixed("bytes", "B", "kMGTPE", base=1e9),
    **_prefixed("byte rate", "B/s", "kMGTP", base=1e9),
    **_prefixed("bit rate", "bit/s", "kMGT", base=1e9),
    **_family("count", **{"1": 1.0, "k": 1e3, "M": 1e6, "million": 1e6}),
    **_family("count", B=1e9, billion=1e9, T=1e12, trillion=1e12),
    **_family("ratio", **{"%": 0.01, "ratio": 1.0}),
    **_family("temperature", C=1.0, degC=1.0),
    **_family("temperature difference", K=1.0),
    **_family("volume", m3=1.0, L=1e-3, gal=3.785411784e-3),
    **_family("volume", Mgal=3785.411784),
    **_family("mass", t=1.0, kg=1e-3, lb=0.45359237e-3),
    **_family("area", m2=1.0, ha=1e4, acre=4046.8564224, acres=4046.8564224),
    # Compound units appear only in the catalogue; each is its own dimension unless listed together.
    **_family("price of energy", **{"USD/MWh": 1.0, "USD/kWh": 1000.0, "c/kWh": 10.0}),
    **_family("price of fuel", **{"USD/MMBtu": 1.0}),
    **_family("price of power", **{"USD/MW": 1.0, "USD/kW": 1e3, "MUSD/MW": 1e6}),
    **_family("price of power a year", **{"USD/MW/yr": 1.0, "USD/kW/yr": 1e3, "MUSD/MW/yr": 1e6}),
    **_family("price of chip time", **{"USD/h": 1.0}),
    **_family("carbon intensity", **{"kg/MWh": 1.0, "g/kWh": 1.0, "t/MWh": 1000.0}),
    **_family("fuel carbon", **{"kg/MMBtu": 1.0}),
    **_family("heat rate", **{"Btu/kWh": 1.0}),
    **_family("water intensity", **{"L/kWh": 1.0, "m3/MWh": 1.0}),
    **_family("token rate", **{"tokens/s": 1.0, "token/s": 1.0}),
    **_family("failure rate", **{"1/node-day": 1.0, "1/1000 node-days": 1e-3}),
    **_family("growth", **{"%/yr": 0.01, "1/yr": 1.0}),
    **_family("energy a year of one home", **{"kWh/yr": 1.0}),
    **_family("power of one home", **{"kW/home": 1.0}),
    **_family("angle", deg=1.0),
    **_family("length", m=1.0, km=1000.0),
    **_family("pressure", Pa=1.0),
    **_family("frequency", Hz=1.0),
    **_family("ramp", **{"MW/s": 1.0}),
    **_family("speed", **{"m/s": 1.0}),
    **_family("fuel for power", **{"MMBtu/MW": 1.0}),
}

# Nouns that may follow a count: "22 T tokens" is the count "22 T".
_COUNTED: Final = re.compile(r"\s*\b(tokens|users|chips|accelerators|requests|halls)$")
_QUANTITY: Final = re.compile(
    r"^\s*([+-]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s].*?)?\s*$"
)


def convert(value: float, unit: str, to: str) -> float:
    """Return `value` in `unit` expressed in the unit `to`.

    Raises
    ------
    ValueError
        If either unit is unknown or they measure different things.

    Examples
    --------
    >>> convert(1.2, "GW", "MW")
    1200.0
    """
    source, target = _unit(unit), _unit(to)
    if source.dimension != target.dimension:
        message = f"'{unit}' measures {source.dimension}, '{to}' measures {target.dimension}"
        raise ValueError(message)
    return value * source.factor / target.factor


def parse_quantity(text: str, unit: str) -> float:
    """Return a quantity such as ``"1.2 GW"`` as a number in `unit`.

    A bare number is taken to be in `unit` already. Thousands may be grouped with ``_`` or ``,``.

    Raises
    ------
    ValueError
        If the text is no quantity, or its unit does not measure what `unit` measures.

    Examples
    --------
    >>> parse_quantity("1.2 GW", "MW")
    1200.0
    >>> parse_quantity("22 T", "1")
    22000000000000.0
    """
    match = _QUANTITY.match(_COUNTED.sub("", text))
    if not match:
        message = f"'{text}' is not a number with a unit"
        raise ValueError(message)
    number = float(match[1].replace("_", "").replace(",", ""))
    return number if match[2] is None else convert(number, match[2], unit)


def _unit(name: str) -> Unit:
    try:
        return UNITS[name]
    except KeyError:
        message = f"'{name}' is not a unit known here"
        raise ValueError(message) from None
