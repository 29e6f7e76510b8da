"""How figures look: one palette that colour-blind readers tell apart, and one layout."""

from __future__ import annotations

import html
from typing import Any, Final

__all__ = [
    "ACCOUNT",
    "ACTIVITY",
    "FORM",
    "SERIES",
    "cycle",
    "label",
    "layout",
    "legend_below",
    "name_of",
    "shade",
    "text",
]

# The palette of Okabe and Ito (2008), without its black and its yellow, which vanish on a dark and
# on a white page.
_BLUE: Final = "#0072B2"
_ORANGE: Final = "#E69F00"
_GREEN: Final = "#009E73"
_RED: Final = "#D55E00"
_PINK: Final = "#CC79A7"
_SKY: Final = "#56B4E9"
_GREY: Final = "#8A9099"

SERIES: Final = (_BLUE, _ORANGE, _GREEN, _PINK, _RED, _SKY, _GREY)
"""Colours in the order they are given out."""

ACTIVITY: Final = {
    "training": _BLUE,
    "hosting": _ORANGE,
    "research": _GREEN,
    "data_processing": _PINK,
    "idle": _GREY,
}
"""Colour of each activity, the same in every figure."""

ACCOUNT: Final = {
    "compute capital": _BLUE,
    "facility capital": _SKY,
    "electricity": _ORANGE,
    "operations": _GREEN,
}
"""Colour of each account of money."""

FORM: Final = {"training": _BLUE, "hosting": _ORANGE, "it": _BLUE, "facility": _RED, "water": _SKY}
"""Colour of the other series that stand in several figures."""

_LABELS: Final = {
    "data_processing": "Data processing",
    "grid": "Grid",
    "overhead": "Cooling and losses",
}


def cycle(count: int, skip: int = 0) -> list[str]:
    """Return as many colours as asked for, from the palette and over again."""
    return [SERIES[(i + skip) % len(SERIES)] for i in range(count)]


def label(name: str) -> str:
    """Return an account's name as a figure shows it."""
    return text(name_of(name))


def name_of(account: str) -> str:
    """Return an account's or activity's name as a reader sees it."""
    return _LABELS.get(account, account[:1].upper() + account[1:].replace("_", " "))


def text(value: str) -> str:
    """Return text that Plotly shows as it is written: it reads some HTML in labels."""
    return html.escape(value, quote=False)


def shade(colour: str, alpha: float) -> str:
    """Return a colour with an opacity, as CSS.

    Examples
    --------
    >>> shade("#0072B2", 0.5)
    'rgba(0,114,178,0.5)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def layout(**more: Any) -> dict[str, Any]:  # noqa: ANN401  a Plotly layout
    """Return the layout that all figures share, with `more` on top.

    Backgrounds are clear and no text colour is set, so that the page decides for light or dark.
    """
    axis = {
        "automargin": True,
        "zeroline": False,
        "separatethousands": True,
        "exponentformat": "none",
    }
    shared: dict[str, Any] = {
        "font": {"size": 13},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "height": 380,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "x unified",
        "colorway": list(SERIES),
        "legend": legend_below(),
        "separators": ".,",
    }
    for name, value in more.items():
        shared[name] = {**axis, **value} if name[1:5] == "axis" else value
    return shared


def legend_below() -> dict[str, Any]:
    """Return a legend above the plot, where it takes no width from a narrow screen."""
    return {
        "orientation": "h",
        "traceorder": "normal",
        "x": 0,
        "xanchor": "left",
        "y": 1.02,
        "yanchor": "bottom",
    }
