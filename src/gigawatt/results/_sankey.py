"""The flow of energy from its sources through the campus to its uses."""

from __future__ import annotations

import textwrap
from typing import Any, Final

from gigawatt.results._style import ACTIVITY, FORM, cycle, label, layout, shade, text
from gigawatt.results.numbers import human, share_text

__all__ = ["sankey"]

_HUB_COLOUR: Final = "#8A9099"
_LEAST_LABELLED: Final = 0.01  # of the whole: thinner flows say what they are on hovering
_LABEL_WIDTH: Final = 20  # signs in a line: on a phone, both sides must fit
_LINE_PX: Final = 17
_PAD_PX: Final = 30
_LEAST_PX: Final = 380


def sankey(ledger: dict[str, Any]) -> dict[str, Any]:
    """Return the figure of an energy ledger.

    Parameters
    ----------
    ledger : dict
        Supply and use by account in MWh, and their totals.
    """
    supply = [(_source(name), mwh) for name, mwh in ledger["supply"].items() if mwh > 0]
    uses = [(name, mwh) for name, mwh in ledger["use"].items() if mwh > 0]
    hub, total = len(supply), ledger["supply_total"]
    nodes = [*supply, ("Campus", total), *((label(name), mwh) for name, mwh in uses)]
    colours = [*cycle(hub, skip=3), _HUB_COLOUR, *(_use_colour(name) for name, _ in uses)]
    labels = [_label(name, mwh, total) for name, mwh in nodes]
    labels[hub] = ""  # it stands above the figure, where no flow's label can meet it
    trace = {
        "type": "sankey",
        "arrangement": "snap",
        "node": {
            "label": labels,
            "customdata": [f"{name}<br>{_amount(mwh, total)}" for name, mwh in nodes],
            "color": colours,
            "pad": _PAD_PX,
            "thickness": 16,
            "line": {"width": 0},
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        "link": _links(nodes, hub, colours, total),
    }
    above = {
        "text": f"Campus, {human(total, 'MWh')}",
        "x": 0.5,
        "y": 1.0,
        "xref": "paper",
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": 8,
        "showarrow": False,
    }
    more = {"hovermode": "closest", "annotations": [above], "height": _height(labels, hub)}
    margin = {"l": 8, "r": 8, "t": 40, "b": 28}  # labels of thin nodes stand out beyond them
    return {"data": [trace], "layout": layout(margin=margin, **more)}


def _source(name: str) -> str:
    return label(name) if name == "grid" else text(name)


def _links(
    nodes: list[tuple[str, float]], hub: int, colours: list[str], total: float
) -> dict[str, Any]:
    ends = [i for i in range(len(nodes)) if i != hub]
    return {
        "source": [min(i, hub) for i in ends],
        "target": [max(i, hub) for i in ends],
        "value": [nodes[i][1] for i in ends],
        "color": [shade(colours[i], 0.35) for i in ends],
        "customdata": [f"{nodes[i][0]}<br>{_amount(nodes[i][1], total)}" for i in ends],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _label(name: str, mwh: float, total: float) -> str:
    if mwh < _LEAST_LABELLED * total:
        return ""
    return "<br>".join([*textwrap.wrap(name, _LABEL_WIDTH), human(mwh, "MWh")])


def _amount(mwh: float, total: float) -> str:
    return f"{human(mwh, 'MWh')}, {share_text(mwh, total)}"


def _height(labels: list[str], hub: int) -> int:
    """Return a height at which the labels of the fuller side stand clear of one another."""

    def needed(side: list[str]) -> int:
        return sum(_LINE_PX * (1 + one.count("<br>")) + _PAD_PX for one in side)

    return max(_LEAST_PX, needed(labels[:hub]), needed(labels[hub + 1 :]))


def _use_colour(account: str) -> str:
    """Return the colour of a use of energy: that of its activity, or that of the overhead."""
    return ACTIVITY.get(account.removeprefix("IT: ").replace(" ", "_"), FORM["facility"])
