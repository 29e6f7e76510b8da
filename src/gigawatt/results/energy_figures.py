"""Figures of a campus's supply, and one HTML file that holds them for any browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.results._style import SERIES, layout, shade, text
from gigawatt.results._traces import axis, line, rounded
from gigawatt.results.numbers import band, human, quantity
from gigawatt.results.page import render_page
from gigawatt.twin.energy_year.notes import notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.twin.energy_year.simulate import EnergyYear
    from gigawatt.twin.outcome import Headline

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["ENERGY_FIGURES", "energy_figures", "render"]

Figure = dict[str, Any]

_POINTS: Final = 400
_WEEK_H: Final = 168
_BLUE, _ORANGE, _GREEN, _PINK, _RED, _SKY, _GREY = SERIES
_BY_FUEL: Final = {"grid": _GREY, "sun": _ORANGE, "wind": _SKY, "uranium": _PINK}
_GAS: Final = (_BLUE, _SKY, _GREEN, _PINK)

ENERGY_FIGURES: Final = {
    "winter": "Who gives, hour by hour: a week in January",
    "summer": "Who gives, hour by hour: a week in July",
    "duration": "Power of each source, its hours in falling order",
    "waterfall": "What a year of supply costs, component by component",
    "expansion": "The least-cost supply over the years: what stands, and the energy it gives",
    "extra": "A gigawatt more in every hour: what its energy costs, by year",
}
"""Captions of the figures, in the order of the page; those that say nothing are left out."""


def energy_figures(energy: EnergyYear) -> dict[str, Figure]:
    """Return the figures that have something to show, as plain dicts that Plotly reads.

    Parameters
    ----------
    energy : EnergyYear
        A year of supply.
    """
    colours = _colours(energy)
    found = {
        "winter": _week(energy, 1, colours),
        "summer": _week(energy, 7, colours),
        "duration": _duration(energy, colours),
        "waterfall": _waterfall(energy),
    }
    if energy.plan is not None:
        found["expansion"] = _expansion(energy, colours)
        if any(row.possible for row in energy.plan.extra):
            found["extra"] = _extra(energy)
    return found


def render(energy: EnergyYear) -> str:
    """Return the page of a year of supply."""
    figures = energy_figures(energy)
    answers = {head.name: head for head in energy.answers}
    return render_page(
        "figures.html.j2",
        figures,
        title=f"{energy.campus.name} and its supply",
        brand="a campus and its supply",
        heading=f"{energy.campus.name}, {energy.site.installed.period}",
        where=energy.grid.terms.name,
        made=f"{energy.grid.price_told} · {energy.grid.carbon_told}",
        cards=_cards(energy, answers),
        answers=[_answer(head) for head in energy.answers],
        captions={name: ENERGY_FIGURES[name] for name in figures},
        notes=notes(energy),
    )


def _cards(energy: EnergyYear, answers: Mapping[str, Headline]) -> list[tuple[str, str, str]]:
    """Return title, value and remark of the answers most asked for."""
    cost, each = answers["supply_usd"], answers["supply_usd_per_mwh"]
    used, clean = answers["energy_mwh"], answers["matched_share"]
    homes, peak = answers["homes_by_energy"], answers["homes_by_peak"]
    lost = answers["unserved_mwh"]
    span = band(cost.low, cost.high, cost.unit)
    return [
        ("Energy of the year", _said(used), f"P10–P90 {band(used.low, used.high, 'MWh')}"),
        ("Cost of supply", _said(cost), f"{_said(each)}{f'; P10–P90 {span}' if span else ''}"),
        ("Direct CO2", human(energy.carbon.direct_t / 1e6, "Mt"),
         f"{human(energy.carbon.location_t / 1e6, 'Mt')} location-based"),
        ("Clean in the same hour", _said(clean), "the grid's own left out"),
        ("Not served", _said(lost), lost.note),
        ("In homes", _said(homes), f"by yearly energy; {_said(peak)} by peak"),
    ]  # fmt: skip


def _said(head: Headline) -> str:
    return quantity(head.value, head.unit, head.name)


def _answer(head: Headline) -> dict[str, str]:
    span = band(head.low, head.high, head.unit)
    return {
        "name": head.name,
        "label": head.label,
        "value": "not answered" if head.value is None else _said(head),
        "band": f"P10–P90 {span}" if span else "",
        "formula": head.formula,
        "note": head.note,
    }


def _colours(energy: EnergyYear) -> dict[str, str]:
    """Return the colour of each part, the same in every figure; what burns gas goes in turn."""
    names = [*energy.system.parts]
    if energy.plan is not None:
        names += [p for run in energy.plan.over_years.dispatch for p in run.system.parts]
    found: dict[str, str] = {}
    turn = 0
    for part in names:
        if part.name in found:
            continue
        fuel = getattr(part, "fuel", "stored")
        if fuel in _BY_FUEL:
            found[part.name] = _BY_FUEL[fuel]
        else:
            found[part.name] = _GAS[turn % len(_GAS)]
            turn += 1
    return found


def _outputs(energy: EnergyYear) -> dict[str, Hours]:
    """Return what each source gives; those that rest least lie at the bottom."""
    run = energy.dispatch
    given = {name: mw for name, mw in run.output_mw.items() if mw.any()}
    given |= {name: mw for name, mw in run.discharge_mw.items() if mw.any()}
    return dict(sorted(given.items(), key=lambda item: float(item[1].std() / item[1].mean())))


def _week(energy: EnergyYear, month: int, colours: Mapping[str, str]) -> Figure:
    """Return who gives in the second week of a month, above the price of the grid."""
    months = energy.times.astype("datetime64[M]").astype(np.int64) % 12 + 1
    first = int(np.argmax(months == month)) + _WEEK_H
    week = slice(first, first + _WEEK_H)
    times = np.datetime_as_string(energy.times[week], unit="m").tolist()
    data = [_stacked(name, times, mw[week], colours[name]) for name, mw in _outputs(energy).items()]
    data.append(_load(times, energy.load_mw[week]))
    price = line("Price of the grid", times, energy.grid.price_usd_per_mwh[week], _RED,
                 "%{y:,.0f} USD/MWh")  # fmt: skip
    data.append({**price, "yaxis": "y2"})
    shape = layout(
        height=470,
        xaxis={**axis("Time [UTC]", type="date"), "anchor": "y2"},
        yaxis=axis("Power [MW]", domain=[0.34, 1.0], rangemode="tozero"),
        yaxis2=axis("Grid [USD/MWh]", domain=[0.0, 0.26], anchor="x", rangemode="tozero"),
    )
    return {"data": data, "layout": shape}


def _duration(energy: EnergyYear, colours: Mapping[str, str]) -> Figure:
    """Return each source's power in falling order of its own hours."""
    share = rounded(np.linspace(0.0, 100.0, _POINTS))
    at = np.linspace(0, energy.times.size - 1, _POINTS).astype(np.int64)
    data = [
        line(text(name), share, np.sort(mw)[::-1][at], colours[name], "%{y:,.0f} MW")
        for name, mw in _outputs(energy).items()
    ]
    load = np.sort(energy.load_mw)[::-1][at]
    data.append(_load(share, load))
    shape = layout(
        height=420,
        xaxis=axis("Share of the year [%]", range=[0, 100]),
        yaxis=axis("Power [MW]", rangemode="tozero"),
    )
    return {"data": data, "layout": shape}


def _waterfall(energy: EnergyYear) -> Figure:
    costs = energy.cost_usd
    names = [text(_broken(name)) for name in costs]
    values = [usd / 1e6 for usd in costs.values()]
    trace = {
        "type": "waterfall",
        "x": [*names, "all"],
        "y": [*rounded(values), 0.0],
        "measure": [*("relative" for _ in values), "total"],
        "text": [*(f"{v:,.0f}" for v in values), f"{sum(values):,.0f}"],
        "textposition": "outside",
        "cliponaxis": False,
        "increasing": {"marker": {"color": _BLUE}},
        "decreasing": {"marker": {"color": _GREEN}},
        "totals": {"marker": {"color": _GREY}},
        "connector": {"line": {"width": 1, "color": _GREY}},
        "hovertemplate": "%{x}: %{text} million USD<extra></extra>",
    }
    shape = layout(
        height=480, hovermode="closest", showlegend=False,
        xaxis=axis("", tickangle=-30),
        yaxis=axis("Million USD a year", rangemode="tozero"),
    )  # fmt: skip
    return {"data": [trace], "layout": shape}


def _broken(name: str) -> str:
    """Return the name of a component without the words that say who owns it, cut where long."""
    short = name.replace("utility, ", "").replace(", fuel and running", ", fuel")
    return short if len(short) <= 34 else f"{short[:33]}…"


def _expansion(energy: EnergyYear, colours: Mapping[str, str]) -> Figure:
    """Return what stands in each year, above the energy that it gives."""
    assert energy.plan is not None  # noqa: S101  asked for above
    found = energy.plan.over_years
    years = [str(year) for year in found.years]
    data: list[Figure] = []
    for name, mw in found.capacity_mw.items():
        energies = [run.energy_mwh.get(name, 0.0) / 1e6 for run in found.dispatch]
        if not mw.any():
            continue
        bar = {
            "type": "bar", "name": text(name), "x": years,
            "marker": {"color": shade(colours[name], 0.8)}, "legendgroup": name,
        }  # fmt: skip
        data.append({**bar, "y": rounded(mw), "hovertemplate": "%{y:,.0f} MW"})
        data.append({
            **bar, "y": rounded(energies), "yaxis": "y2", "showlegend": False,
            "hovertemplate": "%{y:,.2f} TWh",
        })  # fmt: skip
    peaks = [float(run.system.load_mw.max()) for run in found.dispatch]
    data.append({**_load(years, peaks), "name": "Highest load"})
    shape = layout(
        height=560, barmode="stack",
        xaxis={**axis("Year", type="category"), "anchor": "y2"},
        yaxis=axis("Stands at its end [MW]", domain=[0.56, 1.0], rangemode="tozero"),
        yaxis2=axis("Gives [TWh]", domain=[0.0, 0.46], anchor="x", rangemode="tozero"),
    )  # fmt: skip
    return {"data": data, "layout": shape}


def _extra(energy: EnergyYear) -> Figure:
    assert energy.plan is not None  # noqa: S101  asked for above
    rows = energy.plan.extra
    years = [str(row.year) for row in rows]
    trace = {
        "type": "bar", "x": years, "y": rounded([row.usd_per_mwh for row in rows]),
        "marker": {"color": _BLUE},
        "text": ["not possible" if not row.possible else f"{row.usd_per_mwh:,.1f}" for row in rows],
        "textposition": "outside", "cliponaxis": False,
        "hovertemplate": "%{x}: %{text} USD/MWh<extra></extra>",
    }  # fmt: skip
    notes_at = [
        {"x": place, "y": 0, "text": "not possible", "showarrow": False, "yshift": 12}
        for place, row in enumerate(rows)
        if not row.possible
    ]
    shape = layout(
        height=340, hovermode="closest", showlegend=False, annotations=notes_at,
        xaxis=axis("Year", type="category", categoryarray=years, categoryorder="array"),
        yaxis=axis("USD/MWh", rangemode="tozero"),
    )  # fmt: skip
    return {"data": [trace], "layout": shape}


def _stacked(name: str, x: Any, y: Any, colour: str) -> Figure:  # noqa: ANN401  numbers or times
    trace = line(text(name), x, y, colour, "%{y:,.0f} MW")
    trace["line"]["width"] = 0.5
    return {**trace, "stackgroup": "sources", "fillcolor": shade(colour, 0.7)}


def _load(x: Any, y: Any) -> Figure:  # noqa: ANN401  numbers or times
    trace = line("Load", x, y, _RED, "%{y:,.0f} MW")
    return {**trace, "line": {"color": _RED, "width": 2, "dash": "dot"}}
