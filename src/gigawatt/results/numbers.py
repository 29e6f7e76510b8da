"""Numbers as people read them: ``1.36 GW``, ``3.90 million homes``, ``1 Apr 2027``.

One place decides how many digits a figure shows, so that the terminal, the report and the figures
agree. Three significant digits are kept: no result of a plan is known better than that.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "band",
    "band_beside",
    "date_text",
    "human",
    "quantity",
    "scaled",
    "share_text",
    "unit_text",
]

Value = float | str | None

_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)

# Units that change their prefix with size: names and factors, the largest first.
_PREFIXED: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "MW": (("TW", 1e6), ("GW", 1e3), ("MW", 1.0), ("kW", 1e-3)),
    "MWh": (("TWh", 1e6), ("GWh", 1e3), ("MWh", 1.0), ("kWh", 1e-3)),
    "Tbit/s": (("Ebit/s", 1e6), ("Pbit/s", 1e3), ("Tbit/s", 1.0), ("Gbit/s", 1e-3)),
    "tokens": (
        ("million T tokens", 1e18),
        ("T tokens", 1e12),
        ("B tokens", 1e9),
        ("M tokens", 1e6),
        ("tokens", 1.0),
    ),
    "tokens/day": (
        ("T tokens a day", 1e12),
        ("B tokens a day", 1e9),
        ("M tokens a day", 1e6),
        ("tokens a day", 1.0),
    ),
}
_WORDS: Final = (("trillion", 1e12), ("billion", 1e9), ("million", 1e6))
_SHOWN: Final = {
    "1": "",
    "m3": "m³",
    "C": "°C",
    "chips": "accelerators",
    "USD/yr": "USD a year",
    "USD/h": "USD an hour",
    "USD/Mtoken": "USD/M tokens",
}
# A bare count reads better with what it counts; the glossary's names say what that is.
_NOUNS: Final = (
    ("homes", "homes"),
    ("chips", "accelerators"),
    ("training_tokens", "tokens"),
    ("served_tokens", "tokens"),
    ("unserved_tokens", "tokens"),
)
# Ratios of one thing to another, rather than shares of a whole.
_PLAIN_RATIOS: Final = ("pue", "_per_", "_to_", "oversubscription")


_BEYOND_WORDS: Final = 1e18
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def quantity(value: Value, unit: str, name: str = "") -> str:
    """Return a headline's value with its unit.

    Parameters
    ----------
    value : float, str or None
        A number in `unit`, an ISO date or time, or None where it never happens.
    unit : str
        Its unit.
    name : str
        Glossary name, which tells what a bare count counts.

    Examples
    --------
    >>> quantity(1360.0, "MW")
    '1.36 GW'
    >>> quantity(3.9e6, "1", "homes_by_energy")
    '3.90 million homes'
    >>> quantity("2027-04-01", "date")
    '1 Apr 2027'
    """
    if value is None:
        return "never" if unit in {"date", "time"} else "none"
    if isinstance(value, str):
        return date_text(value) if unit in {"date", "time"} else value
    if unit in {"1", ""}:
        noun = next((noun for start, noun in _NOUNS if name.startswith(start)), "")
        return human(value, noun or "1")
    if unit == "ratio":  # a PUE is read as a number, a share as per cent
        plain = any(part in name for part in _PLAIN_RATIOS)
        return f"{value:.2f}" if plain else human(value * 100.0, "%")
    return human(value, unit)


def human(value: float, unit: str) -> str:
    """Return a number with its unit, three significant digits, scaled to a readable size."""
    if not math.isfinite(value):
        return "none"
    if unit in _PREFIXED:
        steps = _PREFIXED[unit]
        shown, factor = next(
            (step for step in steps if abs(_rounded(value)) >= step[1]),
            next(step for step in steps if step[1] == 1.0) if value == 0 else steps[-1],
        )
        digits = "0" if value == 0 else _significant(value / factor)
        return f"{digits} {shown}"
    shown = unit_text(unit)
    if abs(_rounded(value)) >= _BEYOND_WORDS:  # as readers of training compute write it
        digits, power = f"{value:.2e}".split("e+")
        return f"{digits} × 10{power.lstrip('0').translate(_RAISED)} {shown}".strip()
    word, factor = next(
        ((word, factor) for word, factor in _WORDS if abs(_rounded(value)) >= factor), ("", 1.0)
    )
    digits = _significant(value / factor) if word else _digits(value)
    if value == 1.0 and unit in {"chips", "homes", "runs", "users"}:
        shown = shown.removesuffix("s")
    return " ".join(part for part in (digits, word, shown) if part)


def scaled(values: Sequence[float], unit: str) -> tuple[str, list[str]]:
    """Return one unit for a column of numbers, and each as it stands under that unit.

    Examples
    --------
    >>> scaled([9_742_629.0, 480_000.0, 0.0], "MWh")
    ('TWh', ['9.74', '0.48', '0'])
    """
    most = max((abs(_rounded(value)) for value in values), default=0.0)
    steps = _PREFIXED.get(unit) or (
        *((f"{word} {unit_text(unit)}", factor) for word, factor in _WORDS),
        (unit_text(unit), 1.0),
    )
    shown, factor = next((step for step in steps if most >= step[1]), steps[-1])
    if most == 0.0:
        shown, factor = next(step for step in steps if step[1] == 1.0)
    places = max(0, 2 - math.floor(math.log10(most / factor))) if most else 0
    return shown.strip(), [_under(value / factor, places) for value in values]


def _under(value: float, places: int) -> str:
    """Return a number with the decimals of its column, or one digit where that would hide it."""
    if value == 0.0:
        return "0"
    shown = f"{_rounded(value):,.{places}f}"
    return shown if float(shown.replace(",", "")) else f"{value:.1g}"


def band(low: Value, high: Value, unit: str, name: str = "") -> str:
    """Return a range as text, or nothing where there is none.

    Examples
    --------
    >>> band(1300.0, 1420.0, "MW")
    '1.30 to 1.42 GW'
    >>> band(None, None, "MW")
    ''
    """
    if low is None and high is None:
        return ""
    if low is None:
        return f"at most {quantity(high, unit, name)}"
    if high is None:
        return f"at least {quantity(low, unit, name)}"
    first, last = quantity(low, unit, name), quantity(high, unit, name)
    if first == last:
        return first
    number, _, words = first.partition(" ")
    same_words = not isinstance(low, str) and words == last.partition(" ")[2]
    return f"{number if same_words else first} to {last}"


def band_beside(headline: dict[str, Any], name: str) -> str:
    """Return the band of a headline, or nothing where it reads as the value itself does."""
    unit = headline["unit"]
    span = band(headline["low"], headline["high"], unit, name)
    return "" if span == quantity(headline["value"], unit, name) else span


def date_text(text: str) -> str:
    """Return an ISO date or time as ``1 Apr 2027`` or ``21 Jul 2028 22:00 UTC``.

    Text that is no date comes back as it is.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    day = f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    return day if "T" not in text and " " not in text else f"{day} {moment:%H:%M} UTC"


def share_text(part: float, whole: float) -> str:
    """Return a part of a whole in per cent.

    Examples
    --------
    >>> share_text(1.0, 8.0)
    '12.5 %'
    >>> share_text(1.0, 1e6)
    '< 0.1 %'
    """
    percent = 100.0 * part / whole if whole else math.nan
    if 0.0 < percent < 0.05:
        return "< 0.1 %"
    return f"{percent:.1f} %" if math.isfinite(percent) else "–"


def unit_text(unit: str) -> str:
    """Return a unit as it is printed beside a number."""
    return _SHOWN.get(unit, unit)


def _rounded(value: float) -> float:
    """Round to three significant digits, so that 999.9 MW becomes 1.00 GW and not 1,000 MW."""
    return float(f"{value:.3g}")


def _significant(value: float) -> str:
    if _rounded(value) == 0.0:
        return "0"
    if abs(value) < 1e-6:
        return "> −0.000001" if value < 0 else "< 0.000001"
    places = max(0, 2 - math.floor(math.log10(abs(_rounded(value)))))
    return f"{_rounded(value):,.{places}f}"


def _digits(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:  # below a million a count is given in full
        return f"{value:,.0f}"
    return _significant(value)
