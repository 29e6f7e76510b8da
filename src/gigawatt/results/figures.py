"""Figures of a run, as plain dicts that Plotly reads; Plotly itself is never imported here.

Each builder takes the summary and the tables and returns ``{"data": [...], "layout": {...}}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.results._sankey import sankey
from gigawatt.results._style import (
    ACCOUNT,
    ACTIVITY,
    FORM,
    SERIES,
    cycle,
    label,
    layout,
    shade,
    text,
)
from gigawatt.results._traces import axis, line, rounded
from gigawatt.results.numbers import quantity
from gigawatt.results.tables import UnknownPartError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gigawatt.twin.outcome import Table

__all__ = ["FIGURES", "figure"]

Figure = dict[str, Any]
Summary = dict[str, Any]


def figure(name: str, summary: Summary, tables: Mapping[str, Table]) -> Figure:
    """Return a figure by name.

    Parameters
    ----------
    name : str
        One of `FIGURES`.
    summary : dict
        Summary of the run.
    tables : mapping of str to Table
        Tables of the run.

    Raises
    ------
    UnknownPartError
        If there is no such figure.
    """
    if name not in _BUILDERS:
        raise UnknownPartError(name, "figure", _BUILDERS)
    return _BUILDERS[name](summary, tables)


def _power(summary: Summary, tables: Mapping[str, Table]) -> Figure:
    """Capacity in steps, with the facility's power as it swings within each day."""
    hourly = tables["hourly"]
    days, low, mean, high = _bins(hourly["time"], hourly["facility_mw"], _bin_hours(summary))
    capacity = _steps(summary, ("it_mw", "facility_mw"))
    band = {"x": days, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    colour = FORM["facility"]
    data: list[dict[str, Any]] = [
        {**band, "y": low, "showlegend": False},
        {
            **band,
            "y": high,
            "fill": "tonexty",
            "fillcolor": shade(colour, 0.3),
            "name": "Within the day",
        },
        line("Facility power, daily mean", days, mean, colour, "%{y:,.0f} MW"),
        {
            **line(
                "Facility capacity",
                capacity["date"],
                capacity["facility_mw"],
                colour,
                "%{y:,.0f} MW",
                "hv",
            ),
            "line": {"color": colour, "width": 2, "shape": "hv", "dash": "dot"},
        },
        line("IT capacity", capacity["date"], capacity["it_mw"], FORM["it"], "%{y:,.0f} MW", "hv"),
    ]
    for trace in data:
        trace["type"] = "scatter"
    return {
        "data": data,
        "layout": layout(xaxis=_date_axis(summary), yaxis=axis("Power [MW]", rangemode="tozero")),
    }


def _chips(summary: Summary, _: Mapping[str, Table]) -> Figure:
    """Accelerators installed, by type."""
    start, end = summary["horizon"]["start"], summary["horizon"]["end"]
    within = [row for row in summary["chips"] if row["date"] < end]
    types = list(dict.fromkeys(row["chip"] for row in within))
    dates = sorted({max(row["date"], start) for row in within} | {start, end})
    data = []
    for chip, colour in zip(types, cycle(len(types)), strict=True):
        rows = [row for row in within if row["chip"] == chip]
        counts = [sum(r["count"] for r in rows if max(r["date"], start) <= day) for day in dates]
        trace = line(text(chip), dates, counts, colour, "%{y:,.0f}", "hv")
        data.append({**trace, "stackgroup": "chips", "fillcolor": shade(colour, 0.5)})
    axes = {"xaxis": _date_axis(summary), "yaxis": axis("Accelerators installed")}
    return {"data": data, "layout": layout(showlegend=True, **axes)}


def _energy(summary: Summary, _: Mapping[str, Table]) -> Figure:
    """Where the energy of the horizon comes from, and where it goes."""
    return sankey(summary["ledgers"]["energy"])


def _tokens(summary: Summary, tables: Mapping[str, Table]) -> Figure:
    """Tokens trained and tokens served in each month; the two differ too much for one axis."""
    hourly = tables["hourly"]
    months, (trained, served) = _monthly(hourly, "tokens_trained", "tokens_served")
    data = [
        _bar("Trained", months, trained / 1e12, FORM["training"], "%{y:,.3g} T tokens", "y2"),
        _bar("Served", months, served / 1e12, FORM["hosting"], "%{y:,.3g} T tokens", "y"),
    ]
    return {"data": data, "layout": _two_rows(summary, "Served [T tokens]", "Trained [T tokens]")}


def _cost_by_year(summary: Summary, _: Mapping[str, Table]) -> Figure:
    """Cost of each year, by what it is paid for."""
    blocks = {
        "compute capital": "compute_capital_charge_usd",
        "facility capital": "facility_capital_charge_usd",
        "electricity": "electricity_usd",
        "operations": "operations_usd",
    }
    years = [str(row["year"]) for row in summary["yearly"]]
    data = [
        _bar(label(block), years, _millions(summary["yearly"], column), ACCOUNT[block], _MUSD)
        for block, column in blocks.items()
    ]
    axes = {"xaxis": axis("Year", type="category"), "yaxis": axis(_money_title(summary))}
    return {"data": data, "layout": layout(barmode="stack", **axes)}


def _cost_by_activity(summary: Summary, _: Mapping[str, Table]) -> Figure:
    """Cost of the whole horizon, by the activity it was paid for."""
    accounts = summary["ledgers"]["money"]["accounts"]
    activities = list(dict.fromkeys(a for by in accounts.values() for a in by))
    names = [label(a) for a in activities]
    data = []
    for account, by in accounts.items():
        bar = _bar(label(account), [], [], ACCOUNT.get(account, SERIES[-1]), _MUSD_ACROSS)
        millions = rounded([by.get(a, 0.0) / 1e6 for a in activities])
        data.append({**bar, "orientation": "h", "y": names, "x": millions})
    # Bars that lie leave each activity's name a line of its own, however narrow the page.
    axes = {
        "xaxis": axis(_money_title(summary), rangemode="tozero", nticks=6),
        "yaxis": {"type": "category", "autorange": "reversed"},
    }
    return {"data": data, "layout": layout(barmode="stack", hovermode="y unified", **axes)}


def _homes(summary: Summary, _: Mapping[str, Table]) -> Figure:
    """Homes that the same supply would carry, counted each way, with their bands."""
    heads = summary["headlines"]
    shown = {n: heads[n] for n in _HOMES if n in heads and heads[n]["value"] is not None}
    most = max((h["high"] or h["value"] for h in shown.values()), default=0.0)
    word, size = next((step for step in _SIZES if most >= step[1]), ("", 1.0))
    data = [_homes_bar(name, h, size) for name, h in shown.items()]
    axes = {
        "xaxis": axis(f"Homes [{word}]" if word else "Homes", rangemode="tozero", nticks=6),
        "yaxis": {"type": "category", "autorange": "reversed"},
    }
    more = {"hovermode": "closest", "showlegend": False, "bargap": 0.4}
    return {"data": data, "layout": layout(height=110 + 70 * max(1, len(data)), **more, **axes)}


def _homes_bar(name: str, h: dict[str, Any], size: float) -> Figure:
    """Return the bar of one accounting; its formula shows on hovering."""
    way = f"{_HOMES[name]}<br>{quantity(h['value'], 'homes')}"
    bar: Figure = {
        "type": "bar",
        "orientation": "h",
        "y": [way],
        "x": rounded([h["value"] / size]),
        "marker": {"color": FORM["hosting" if "peak" in name else "training"]},
        "customdata": [text(f"{h['label']}: {h['formula']}")],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    if h["low"] is not None and h["high"] is not None:
        up, down = (h["high"] - h["value"]) / size, (h["value"] - h["low"]) / size
        ends = {"array": rounded([up]), "arrayminus": rounded([down])}
        bar["error_x"] = {"type": "data", "symmetric": False, **ends}
    return bar


def _pue_water(summary: Summary, tables: Mapping[str, Table]) -> Figure:
    """Yearly round of the cooling: PUE weighted by energy, and water, in each month."""
    months, (facility, it, water) = _monthly(tables["hourly"], "facility_mw", "it_mw", "water_m3")
    pue = [f / i if i > 0 else None for f, i in zip(facility, it, strict=True)]
    trace = line("PUE", months, pue, FORM["facility"], "%{y:.3f}")
    if not water.any():  # a closed loop: an empty panel would look like a fault
        axes = {"xaxis": _date_axis(summary), "yaxis": axis("PUE [1]; no water is used")}
        return {"data": [{**trace, "mode": "lines+markers"}], "layout": layout(**axes)}
    data = [
        {**trace, "yaxis": "y2", "mode": "lines+markers"},
        _bar("Water", months, water / 1e3, FORM["water"], "%{y:,.3g} thousand m³", "y"),
    ]
    return {"data": data, "layout": _two_rows(summary, "Water [1000 m³]", "PUE [1]")}


def _accelerators(summary: Summary, tables: Mapping[str, Table]) -> Figure:
    """Accelerator-hours of each month, by activity."""
    columns = [f"chips_{activity}" for activity in ACTIVITY]
    months, sums = _monthly(tables["hourly"], *columns)
    data = []
    for activity, hours in zip(ACTIVITY, sums, strict=True):
        colour = ACTIVITY[activity]
        data.append(_bar(label(activity), months, hours / 1e6, colour, "%{y:,.3g} million h"))
    axes = {"xaxis": _date_axis(summary), "yaxis": axis("Accelerator-hours a month [million]")}
    return {"data": data, "layout": layout(barmode="stack", bargap=0.08, **axes)}


_BUILDERS: Final[dict[str, Callable[[Summary, Mapping[str, Table]], Figure]]] = {
    "power": _power,
    "chips": _chips,
    "energy": _energy,
    "pue_water": _pue_water,
    "accelerators": _accelerators,
    "tokens": _tokens,
    "cost_by_year": _cost_by_year,
    "cost_by_activity": _cost_by_activity,
    "homes": _homes,
}

FIGURES: Final = tuple(_BUILDERS)
"""Names of the figures, in the order of the report."""

_HOMES: Final = {
    "homes_by_energy": "By yearly energy",
    "homes_by_energy_in_state": "By energy, in the state",
    "homes_by_peak": "By coincident peak",
}
_MUSD: Final = "%{y:,.0f} million USD"
_MUSD_ACROSS: Final = "%{x:,.0f} million USD"
_SIZES: Final = (("million", 1e6), ("thousand", 1e3))


def _bar(name: str, x: Any, y: Any, colour: str, hover: str, yaxis: str = "y") -> Figure:  # noqa: ANN401
    return {
        "type": "bar",
        "name": name,
        **({"xperiod": "M1", "xperiodalignment": "middle"} if "-" in str(x[:1]) else {}),
        "x": x,
        "y": rounded(y),
        "yaxis": yaxis,
        "marker": {"color": colour, "line": {"width": 0}},
        "hovertemplate": hover,
    }


def _date_axis(summary: Summary) -> dict[str, Any]:
    return {"type": "date", "range": [summary["horizon"]["start"], summary["horizon"]["end"]]}


def _two_rows(summary: Summary, below: str, above: str) -> dict[str, Any]:
    """Return a layout of two plots above one another on one time axis."""
    return layout(
        xaxis={**_date_axis(summary), "anchor": "y"},
        yaxis=axis(below, domain=[0.0, 0.46]),
        yaxis2=axis(above, domain=[0.54, 1.0], anchor="x"),
    )


def _money_title(summary: Summary) -> str:
    return f"Cost [million USD of {summary['price_year']}]"


def _millions(rows: list[dict[str, Any]], column: str) -> list[float]:
    return [row[column] / 1e6 for row in rows]


def _bin_hours(summary: Summary) -> int:
    """Return a day for each point, or a week where the horizon is long."""
    return 24 if summary["horizon"]["years"] <= 10 else 168


def _bins(
    time: np.ndarray[Any, Any], values: np.ndarray[Any, Any], hours: int
) -> tuple[list[str], list[float | None], list[float | None], list[float | None]]:
    starts = np.arange(0, len(values), hours)
    counts = np.diff(np.append(starts, len(values)))
    mean = np.add.reduceat(values, starts) / counts
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    days = np.datetime_as_string(time[starts].astype("datetime64[D]")).tolist()
    return days, rounded(low), rounded(mean), rounded(high)


def _steps(summary: Summary, columns: tuple[str, ...]) -> dict[str, list[Any]]:
    """Return the running capacity over the horizon; what was there before stands at its start."""
    start, end = summary["horizon"]["start"], summary["horizon"]["end"]
    rows = [r for r in summary["power"] if r["date"] < end]
    before = [r for r in rows if r["date"] <= start]
    first = before[-1] if before else dict.fromkeys(columns, 0.0)
    path = [{**first, "date": start}, *(r for r in rows if r["date"] > start)]
    path.append({**path[-1], "date": end})
    return {name: [row[name] for row in path] for name in ("date", *columns)}


def _monthly(hourly: Table, *columns: str) -> tuple[list[str], list[np.ndarray[Any, Any]]]:
    """Return the months of the table and the sum of each column over them."""
    months = hourly["time"].astype("datetime64[M]")
    starts = np.flatnonzero(np.append(True, months[1:] != months[:-1]))
    sums = [np.add.reduceat(np.asarray(hourly[name], dtype=float), starts) for name in columns]
    return np.datetime_as_string(months[starts].astype("datetime64[D]")).tolist(), sums
