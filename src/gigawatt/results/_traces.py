"""Pieces of figures that every set of figures draws with."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["axis", "line", "rounded"]

Figure = dict[str, Any]


def line(
    name: str,
    x: Any,  # noqa: ANN401  numbers or times
    y: Any,  # noqa: ANN401  numbers
    colour: str,
    hover: str,
    shape: str = "linear",
) -> Figure:
    """Return a line; `hover` is what it says under the pointer."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": rounded(y),
        "line": {"color": colour, "width": 2, "shape": shape},
        "hovertemplate": hover,
    }


def axis(title: str, **more: Any) -> Figure:  # noqa: ANN401  a Plotly axis
    """Return an axis with a title."""
    return {"title": {"text": title, "standoff": 10}, **more}


def rounded(values: Any) -> list[float | None]:  # noqa: ANN401  numbers of any kind
    """Keep five digits: more would only swell the page. What is no number becomes a gap."""
    return [None if v is None or not math.isfinite(v) else float(f"{v:.5g}") for v in values]
