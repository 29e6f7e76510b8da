"""Figures of jobs on a cluster, and one HTML file that holds them for any browser."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.results._style import ACTIVITY, SERIES, layout, name_of, shade, text
from gigawatt.results._traces import axis, line, rounded
from gigawatt.results.numbers import human, share_text
from gigawatt.results.page import render_page
from gigawatt.twin.cluster_run.account import STATES
from gigawatt.twin.cluster_run.record import ledger_rows
from gigawatt.twin.cluster_run.timeline import (
    failures_per_step,
    held_per_step,
    waiting_per_step,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gigawatt.twin.cluster_run.result import JobsRun

__all__ = ["CLUSTER_FIGURES", "cluster_figures", "render"]

Figure = dict[str, Any]

_POINTS: Final = 300
_BARS: Final = 60
_MANY: Final = 100.0  # hours, shown whole
_CAUSES: Final = 6  # shown one by one; the rest are one colour
_BLUE, _ORANGE, _GREEN, _PINK, _RED, _SKY, _GREY = SERIES
_COLOUR: Final = {
    "training": ACTIVITY["training"],
    "research": ACTIVITY["research"],
    "rl": _SKY,
    "data": ACTIVITY["data_processing"],
    "hosting": ACTIVITY["hosting"],
    "other": _BLUE,
}
_STATE: Final = {
    "productive": _BLUE,
    "checkpoint": _SKY,
    "recompute": _RED,
    "restart": _ORANGE,
    "waiting": _PINK,
    "idle": _GREY,
    "failed": _RED,
    "drained": _ORANGE,
    "capped": _GREEN,
}
_ALPHA: Final = {"failed": 0.55, "drained": 0.55}
_UNITS: Final = (("days", 86_400.0, 4 * 86_400.0), ("h", 3600.0, 4 * 3600.0), ("min", 60.0, 300.0))

CLUSTER_FIGURES: Final = {
    "occupancy": "Accelerators that jobs hold, by class",
    "queue": "Accelerators that the queue waits for, and jobs in it",
    "failures": "Failures by cause, whether a job was there or not",
    "ledger": "Where the accelerator-hours of each class go",
    "lost": "What is not productive",
}
"""Captions of the figures, in the order of the page; those that say nothing are left out."""


def cluster_figures(found: JobsRun) -> dict[str, Figure]:
    """Return the figures that have something to show, as plain dicts that Plotly reads.

    Parameters
    ----------
    found : JobsRun
        Simulated with its log.
    """
    figures = {"occupancy": _occupancy(found)}
    queue = _queue(found)
    if max(queue["data"][-1]["y"]) > 0:
        figures["queue"] = queue
    if found.failures:
        figures["failures"] = _failures(found)
    figures["ledger"] = _ledger(found)
    if found.account.of_state("productive") < found.account.total_s:
        figures["lost"] = _lost(found)
    return figures


def render(found: JobsRun) -> str:
    """Return the page of a simulation of jobs."""
    figures = cluster_figures(found)
    begin = f"from {found.begin:%-d %B %Y}" if found.begin else "from the first arrival"
    return render_page(
        "figures.html.j2",
        figures,
        title=f"{found.title}: jobs on a cluster",
        brand="jobs on a cluster",
        heading=f"{found.title}: jobs on {found.accelerators:,} accelerators",
        where=found.about,
        made=f"{begin}, {_length(found.until_s)} · {found.policy}",
        cards=_cards(found),
        answers=[_answer(row) for row in ledger_rows(found.account) if row["accelerator_hours"]],
        captions={name: CLUSTER_FIGURES[name] for name in figures},
        notes=found.notes,
    )


def _cards(found: JobsRun) -> list[tuple[str, str, str]]:
    """Return title, value and remark of the answers most asked for."""
    every, delays = found.reached[0], found.delays
    jobs, done = sum(d.jobs for d in delays), sum(d.done for d in delays)
    slowest = max(delays, key=lambda d: d.p90_s if d.started else 0.0)
    queue = f"of {slowest.name}; median {_length(slowest.median_s)}"
    cards = [
        ("Jobs", f"{jobs:,}", f"{done:,} done"),
        ("Utilisation", _share(found.utilisation), "of accelerator-hours held by jobs"),
        ("Goodput", _share(found.goodput), "of what jobs held was productive"),
        ("Queue, P90", _length(slowest.p90_s), queue),
        ("Stopped by failures", f"{every.failures:,}", f"{every.preemptions:,} times for others"),
    ]
    usd = found.account.usd
    if usd is not None:
        lost = human(sum(usd.values()) - usd["productive"], "USD")
        cards.append(("Cost", human(sum(usd.values()), "USD"), f"{lost} of it not productive"))
    return cards


def _answer(row: Mapping[str, Any]) -> dict[str, str]:
    extra = [
        human(row[key], unit)
        for key, unit in (("mwh", "MWh"), ("usd", "USD"))
        if row[key] is not None
    ]
    classes = ", ".join(
        f"{name} {share_text(hours, row['accelerator_hours'])}"
        for name, hours in row["by_class"].items()
        if name != "none"
    )
    return {
        "name": row["state"],
        "label": name_of(row["state"]),
        "value": share_text(row["share"], 1.0),
        "band": "",
        "formula": f"{_count(row['accelerator_hours'])} accelerator-hours"
        + "".join(f", {one}" for one in extra),
        "note": classes,
    }


def _edges(found: JobsRun, count: int) -> NDArray[np.int64]:
    whole = max(found.until_s, 1)
    return np.unique(np.linspace(0, whole, min(count, whole) + 1).astype(np.int64))


def _times(found: JobsRun, edges: NDArray[np.int64]) -> tuple[list[Any], Figure]:
    """Return the middle of each step and the axis: dates where the begin has one."""
    middle = (edges[1:] + edges[:-1]) / 2.0
    if found.begin is not None:
        start = dt.datetime.combine(found.begin, dt.time())
        shown = [(start + dt.timedelta(seconds=float(s))).isoformat() for s in middle]
        return shown, axis("Time [UTC]", type="date")
    unit, size = next(((u, s) for u, s, least in _UNITS if found.until_s >= least), ("s", 1.0))
    return list(rounded(middle / size)), axis(f"Time [{unit}]")


def _occupancy(found: JobsRun) -> Figure:
    edges = _edges(found, _POINTS)
    times, below = _times(found, edges)
    data = [
        _stacked(name, times, level, "%{y:,.0f}")
        for name, level in held_per_step(found, edges).items()
    ]
    most = [found.accelerators] * len(times)
    trace = line("All", times, most, _RED, "%{y:,.0f}")
    data.append({**trace, "line": {"color": _RED, "width": 2, "dash": "dot"}})
    shape = layout(xaxis=below, yaxis=axis("Accelerators", rangemode="tozero"))
    return {"data": data, "layout": shape}


def _queue(found: JobsRun) -> Figure:
    """Return the accelerators waited for by class above the jobs in the queue."""
    edges = _edges(found, _POINTS)
    times, below = _times(found, edges)
    jobs, levels = waiting_per_step(found, edges)
    data = [_stacked(name, times, np.maximum(level, 0.0), "%{y:,.0f}")
            for name, level in levels.items() if level.max() > 0]  # fmt: skip
    trace = line("Jobs in the queue", times, np.maximum(jobs, 0.0), _GREY, "%{y:,.1f}")
    data.append({**trace, "yaxis": "y2"})
    shape = layout(
        height=460,
        xaxis={**below, "anchor": "y2"},
        yaxis=axis("Accelerators waited for", domain=[0.42, 1.0], rangemode="tozero"),
        yaxis2=axis("Jobs", domain=[0.0, 0.32], anchor="x", rangemode="tozero"),
    )
    return {"data": data, "layout": shape}


def _failures(found: JobsRun) -> Figure:
    edges = _edges(found, _BARS)
    times, below = _times(found, edges)
    counts = failures_per_step(found, edges)
    names = list(counts)
    shown = {name: counts[name] for name in names[:_CAUSES]}
    if names[_CAUSES:]:
        rest = np.sum([counts[name] for name in names[_CAUSES:]], axis=0)
        shown[f"{len(names) - _CAUSES} other causes"] = rest
    data = [
        {
            "type": "bar", "name": text(name), "x": times, "y": [int(v) for v in values],
            "marker": {"color": SERIES[i % len(SERIES)]}, "hovertemplate": "%{y:,}",
        }
        for i, (name, values) in enumerate(shown.items())
    ]  # fmt: skip
    shape = layout(barmode="stack", bargap=0.1, xaxis=below, yaxis=axis("Failures"))
    return {"data": data, "layout": shape}


def _ledger(found: JobsRun) -> Figure:
    """Return shares of the time in which each class held accelerators, and of all of it."""
    account = found.account
    groups = {name_of(name): [name] for name in account.classes}
    data = []
    for state in STATES:
        parts = [account.of_class(names[0], state) for names in groups.values()]
        every = account.of_state(state)
        if not every:
            continue
        wholes = [account.of_class(names[0]) for names in groups.values()]
        shares = [100.0 * p / w for p, w in zip(parts, wholes, strict=True)]
        data.append({
            "type": "bar", "orientation": "h", "name": name_of(state),
            "y": [*groups, "All accelerators"],
            "x": rounded([*shares, 100.0 * every / account.total_s]),
            "marker": {"color": shade(_STATE[state], _ALPHA.get(state, 1.0))},
            "hovertemplate": "%{x:.3g} %",
        })  # fmt: skip
    shape = layout(
        barmode="stack",
        height=120 + 46 * (len(groups) + 1),
        hovermode="y unified",
        xaxis=axis("Share of the accelerator-hours [%]", range=[0, 100]),
        yaxis=axis("", autorange="reversed"),
    )
    return {"data": data, "layout": shape}


def _lost(found: JobsRun) -> Figure:
    """Return the states that are not productive, on an axis of their own."""
    account = found.account
    rows = [(s, account.of_state(s)) for s in STATES if s != "productive" and account.of_state(s)]
    rows.sort(key=lambda row: row[1])
    trace = {
        "type": "bar", "orientation": "h", "showlegend": False,
        "y": [name_of(state) for state, _ in rows],
        "x": rounded([seconds / 3600.0 for _, seconds in rows]),
        "marker": {"color": [_STATE[state] for state, _ in rows]},
        "text": [share_text(seconds, account.total_s) for _, seconds in rows],
        "textposition": "outside", "cliponaxis": False,
        "hovertemplate": "%{x:,.0f} h<extra></extra>",
    }  # fmt: skip
    shape = layout(
        height=90 + 42 * len(rows),
        hovermode="closest",
        xaxis=axis("Accelerator-hours", rangemode="tozero"),
        yaxis=axis(""),
    )
    shape["margin"] = {**shape["margin"], "r": 60}
    return {"data": [trace], "layout": shape}


def _stacked(name: str, x: list[Any], y: Any, hover: str) -> Figure:  # noqa: ANN401  numbers
    colour = _COLOUR[name]
    trace = line(name_of(name), x, y, colour, hover)
    trace["line"]["width"] = 0.5
    return {**trace, "stackgroup": "parts", "fillcolor": shade(colour, 0.7)}


def _count(hours: float) -> str:
    """Return hours whole, or with three digits where that would hide them."""
    return f"{hours:,.0f}" if hours >= _MANY else f"{hours:.3g}"


def _share(part: float) -> str:
    """Return a part in per cent; nearly all is never told as all."""
    shown = share_text(part, 1.0)
    return "> 99.9 %" if part < 1.0 and shown == "100.0 %" else shown


def _length(seconds: float) -> str:
    if not np.isfinite(seconds):
        return "–"
    for unit, size, least in (("d", 86_400.0, 172_800.0), ("h", 3600.0, 7200.0),
                              ("min", 60.0, 120.0)):  # fmt: skip
        if seconds >= least:
            return f"{seconds / size:,.3g} {unit}"
    return f"{seconds:,.3g} s"
