"""Figures of a campus's money, and one HTML file that holds them for any browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.programme.finance.worth import present_value
from gigawatt.results._style import SERIES, layout, text
from gigawatt.results._traces import axis, rounded
from gigawatt.results.numbers import band, human, quantity
from gigawatt.results.page import render_page
from gigawatt.twin.cash.capital import BLOCKS
from gigawatt.twin.cash.notes import notes
from gigawatt.twin.cash.tornado import FACTORS
from gigawatt.twin.cash.words import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.twin.cash.plan import FinancePlan
    from gigawatt.twin.cash.tornado import Swing
    from gigawatt.twin.outcome import Headline

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["FINANCE_FIGURES", "finance_figures", "range_text", "render"]

Figure = dict[str, Any]

_BLUE, _ORANGE, _GREEN, _PINK, _RED, _SKY, _GREY = SERIES
_BLOCK: Final = {
    "servers": _BLUE,
    "network": _SKY,
    "electrical": _ORANGE,
    "mechanical": _GREEN,
    "shell": _PINK,
    "fit-out": _RED,
    "land": _GREY,
    "power supply": "#6B4C9A",
}
_ROW_PX: Final = 44

FINANCE_FIGURES: Final = {
    "waterfall": "Worth to the owner: what each part adds and takes, discounted",
    "years": "The owner's money year by year, and what he has had so far",
    "capital": "Capital by block and year",
    "tornado": "Worth with one input at an end of its range, everything else as it is",
}
"""Captions of the figures, in the order of the page."""


def finance_figures(plan: FinancePlan, swings: Sequence[Swing] = ()) -> dict[str, Figure]:
    """Return the figures that have something to show, as plain dicts that Plotly reads.

    Parameters
    ----------
    plan : FinancePlan
        The money of a campus.
    swings : sequence of Swing
        What one input at a time does to its worth.
    """
    found = {"waterfall": _waterfall(plan), "years": _years(plan), "capital": _capital(plan)}
    if swings:
        found["tornado"] = _tornado(plan, swings)
    return found


def render(plan: FinancePlan, swings: Sequence[Swing] = ()) -> str:
    """Return the page of a campus's money."""
    figures = finance_figures(plan, swings)
    answers = {head.name: head for head in plan.answers}
    first, last = int(plan.years[0]), int(plan.years[-1])
    return render_page(
        "figures.html.j2",
        figures,
        title=f"{plan.campus.name}, its money",
        brand="the money of a campus",
        heading=f"{plan.campus.name}, {first} to {last}",
        where=f"real US dollars of {plan.inputs.price_year}",
        made=f"{plan.flows.income.name} · {plan.campus.finance.financing.kind}",
        cards=_cards(answers),
        answers=[_answer(head) for head in plan.answers],
        captions={name: FINANCE_FIGURES[name] for name in figures},
        notes=notes(plan),
    )


def _cards(answers: Mapping[str, Headline]) -> list[tuple[str, str, str]]:
    """Return title, value and remark of the answers most asked for."""
    wanted = ("first_capital_usd", "usd_per_gw_year", "usd_per_accelerator_hour", "npv_usd", "irr",
              "payback_years")  # fmt: skip
    cards = []
    for name in wanted:
        head = answers.get(name)
        if head is not None and head.value is not None:
            span = band(head.low, head.high, head.unit)
            cards.append((head.label, quantity(head.value, head.unit, name), span or head.note))
    return cards


def _answer(head: Headline) -> dict[str, str]:
    value = "none" if head.value is None else quantity(head.value, head.unit, head.name)
    return {
        "name": head.name,
        "label": head.label,
        "value": value,
        "band": band(head.low, head.high, head.unit),
        "formula": head.formula,
        "note": head.note,
    }


def _parts(plan: FinancePlan) -> dict[str, Years]:
    """Return the parts that the owner's flow is the sum of."""
    flows, part = plan.flows, plan.flows.financed
    compute = [v for b, v in flows.capital_usd.items() if b in {"servers", "network"}]
    facility = [v for b, v in flows.capital_usd.items() if b not in {"servers", "network"}]
    zero = np.zeros(len(flows.years))
    running = flows.running_usd
    parts = {
        "Income": flows.income.usd,
        "Computers": -sum(compute, zero),
        "Facility and supply": -sum(facility, zero),
        "Electricity": -running["electricity"],
        "Other running": running["electricity"] - sum(running.values(), zero),
        "Joint venture": part.received_usd - part.rent_usd - part.contributed_usd,
        "Bonds": part.proceeds_usd - part.interest_usd - part.principal_usd,
        "Tax": -flows.tax_usd,
        "Left at the end": flows.at_end_usd,
    }
    return {name: usd for name, usd in parts.items() if usd.any()}


def _waterfall(plan: FinancePlan) -> Figure:
    rate = plan.inputs["discount_rate"]
    worth = {name: present_value(usd, rate) / 1e9 for name, usd in _parts(plan).items()}
    total = sum(worth.values())
    names, values = [*worth, "Worth"], [*worth.values(), total]
    trace = {
        "type": "waterfall",
        "x": names,
        "y": rounded(values),
        "measure": [*["relative"] * len(worth), "total"],
        "text": [f"{value:,.1f}" for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "increasing": {"marker": {"color": _GREEN}},
        "decreasing": {"marker": {"color": _RED}},
        "totals": {"marker": {"color": _BLUE}},
        "connector": {"line": {"color": _GREY, "width": 1}},
        "hovertemplate": "%{x}: %{delta:.4~g} billion USD<extra></extra>",
    }
    shape = layout(
        height=440,
        hovermode="closest",
        showlegend=False,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        yaxis=axis(f"Worth in {plan.years[0]} [billion USD]", zeroline=True),
        xaxis=axis(""),
    )
    return {"data": [trace], "layout": shape}


def _years(plan: FinancePlan) -> Figure:
    colours = (_GREEN, _BLUE, _SKY, _ORANGE, _PINK, "#6B4C9A", "#B8860B", _RED, _GREY)
    names = ("Income", "Computers", "Facility and supply", "Electricity", "Other running",
             "Joint venture", "Bonds", "Tax", "Left at the end")  # fmt: skip
    colour = dict(zip(names, colours, strict=True))
    years = [int(year) for year in plan.years]
    data: list[Figure] = [
        _bar(name, years, usd, colour[name]) for name, usd in _parts(plan).items()
    ]
    data.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "Owner so far",
            "x": years,
            "y": rounded(np.cumsum(plan.flows.owner_usd) / 1e9),
            "line": {"color": "#888888", "width": 2},
            "marker": {"size": 5},
            "hovertemplate": "%{y:.4~g}",
        }
    )
    shape = layout(
        height=460,
        barmode="relative",
        xaxis=axis("Year", dtick=1 if len(years) <= 12 else 2, tickformat="d"),
        yaxis=axis(f"Billion USD of {plan.inputs.price_year}", zeroline=True),
    )
    return {"data": data, "layout": shape}


def _bar(name: str, years: list[int], usd: Years, colour: str) -> Figure:
    return {
        "type": "bar",
        "name": text(name),
        "x": years,
        "y": rounded(usd / 1e9),
        "marker": {"color": colour},
        "hovertemplate": "%{y:.4~g}",
    }


def _capital(plan: FinancePlan) -> Figure:
    years = [int(year) for year in plan.years]
    data = [
        _bar(block[:1].upper() + block[1:], years, plan.flows.bought_usd[block], _BLOCK[block])
        for block in BLOCKS
        if block in plan.flows.bought_usd
    ]
    shape = layout(
        height=420,
        barmode="stack",
        xaxis=axis("Year", dtick=1 if len(years) <= 12 else 2, tickformat="d"),
        yaxis=axis(f"Bought [billion USD of {plan.inputs.price_year}]"),
    )
    return {"data": data, "layout": shape}


def _tornado(plan: FinancePlan, swings: Sequence[Swing]) -> Figure:
    base = plan.npv_usd / 1e9
    rows = list(reversed(swings))
    labels = [f"{text(s.label)}<br>{text(range_text(s))}" for s in rows]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": labels,
            "base": [base] * len(rows),
            "x": rounded([usd / 1e9 - base for usd in values]),
            "customdata": [human(usd, "USD") for usd in values],
            "marker": {"color": colour},
            "hovertemplate": f"{name}: %{{customdata}}<extra></extra>",
        }
        for name, colour, values in (
            ("At the low end", _SKY, [s.npv_at_low_usd for s in rows]),
            ("At the high end", _ORANGE, [s.npv_at_high_usd for s in rows]),
        )
    ]
    shape = layout(
        height=150 + _ROW_PX * len(rows),
        barmode="overlay",
        hovermode="closest",
        xaxis=axis("Worth to the owner [billion USD]"),
        yaxis=axis(""),
        shapes=[
            {
                "type": "line",
                "x0": base,
                "x1": base,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": _GREY, "width": 1, "dash": "dot"},
            }
        ],
    )
    return {"data": data, "layout": shape}


def range_text(swing: Swing) -> str:
    """Return the range of an input as a reader sees it."""
    if swing.name in FACTORS:
        return f"{swing.low:.3g} to {swing.high:.3g} times"
    if swing.unit == "ratio":
        return f"{percent(swing.low, 1)} to {percent(swing.high, 1)}"
    return band(swing.low, swing.high, swing.unit)
