"""Figures of what a campus's compute buys, and one HTML file that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.programme.capability.index import fit_index
from gigawatt.programme.limits import LIMITS
from gigawatt.results._style import SERIES, cycle, layout, shade, text
from gigawatt.results._traces import axis, line, rounded
from gigawatt.results.page import render_page

if TYPE_CHECKING:
    from gigawatt.programme.capability.rivals import Standing
    from gigawatt.twin.capability.runs import CampusCapability, RunCapability

__all__ = ["CAPABILITY_FIGURES", "capability_figures", "render"]

Figure = dict[str, Any]

CAPABILITY_FIGURES: Final = {
    "frontier": "Compute of companies over time, from the large AI campuses known",
    "index": "Index of benchmarks by training compute: models known, and this campus's",
    "limits": "Tokens that each means allows over those wanted, with P10–P90; below 1 it limits",
    "scores": "Its models as published, beside the best of the 18 months before: share solved in "
    "independent runs",
}
"""Captions of the figures, in the order of the page."""

_OWNERS: Final = 7
_SCORES: Final = {
    "gpqa_diamond": "GPQA diamond",
    "math_level_5": "MATH level 5",
    "otis_aime": "OTIS mock AIME",
    "frontiermath": "FrontierMath",
}


def capability_figures(found: CampusCapability) -> dict[str, Figure]:
    """Return the figures as plain dicts that Plotly reads."""
    figures = {
        "frontier": _frontier(found),
        "index": _index(found),
        "limits": _limits(found),
    }
    scored = [s for s in found.standings if any(k in r.scores for r in s.models for k in _SCORES)]
    if scored:
        figures["scores"] = _scores(scored[-1])
    return figures


def render(found: CampusCapability) -> str:
    """Return the page of a campus's capability."""
    figures = capability_figures(found)
    return render_page(
        "figures.html.j2",
        figures,
        title=f"{found.campus.name}: what its compute buys",
        brand="what compute buys",
        heading=found.campus.name,
        where=", ".join(run.name for run in found.runs),
        made=_asked(found),
        cards=[_card(run) for run in found.runs],
        answers=[],
        captions={name: CAPABILITY_FIGURES[name] for name in figures},
        notes=[
            "Compute of campuses: Epoch AI, AI Data Centers, CC BY 4.0. Dates to come slip.",
            "Index and scores: Epoch AI, CC BY 4.0; makers’ own scores are not shown here.",
        ],
    )


def _asked(found: CampusCapability) -> str:
    ask = found.ask
    parts = [f"a token seen {ask.most_epochs:g} times at most"]
    parts += [f"{100 * ask.web_share:g} % of the usable web"]
    parts += [] if ask.by is None else [f"done by {ask.by}"]
    parts += [] if ask.budget_usd is None else [f"for {ask.budget_usd / 1e6:,.4g} million USD"]
    return " · ".join(parts)


def _card(run: RunCapability) -> tuple[str, str, str]:
    limit = run.limits.binding
    held = "nothing limits it" if run.limits.enough else f"limited by {limit.name}"
    return (run.name, f"{run.loss.loss_nats:.2f} nats", f"{run.flop:.2g} FLOP; {held}")


def _frontier(found: CampusCapability) -> Figure:
    frontier = found.frontier
    days = [day.isoformat() for day in frontier.dates]
    rows = list(zip(frontier.owners, frontier.h100_equivalents / 1e6, strict=True))[:_OWNERS]
    data = [
        line(
            text(name), days, np.where(row > 0, row, np.nan), colour,
            f"{text(name)}: %{{y:,.3g}} million<extra></extra>",
        )
        for (name, row), colour in zip(rows, cycle(len(rows)), strict=True)
    ]  # fmt: skip
    shape = layout(
        height=420, xaxis=axis(""), yaxis=axis("Million H100 equivalents", rangemode="tozero")
    )
    return {"data": data, "layout": shape}


def _index(found: CampusCapability) -> Figure:
    fit = fit_index()
    shade_of = (fit.year - fit.year.min()) / max(float(np.ptp(fit.year)), 1e-9)
    known = {
        "type": "scatter",
        "mode": "markers",
        "name": "Models known",
        "x": rounded(fit.flop),
        "y": rounded(fit.index),
        "text": [text(n) for n in fit.names],
        "marker": {"color": [shade(SERIES[0], 0.25 + 0.7 * float(s)) for s in shade_of], "size": 8},
        "hovertemplate": "%{text}: %{y:.0f} at %{x:.2g} FLOP<extra></extra>",
    }
    span = np.geomspace(fit.flop.min(), 3.0 * fit.flop.max(), 50)
    data = [known]
    answered = [run for run in found.runs if run.index is not None]
    years = sorted({2024, 2026, *(run.end.year for run in answered[-1:])})
    for year, colour in zip(years, (SERIES[6], SERIES[2], SERIES[1]), strict=False):
        hover = f"released {year}: %{{y:.0f}}<extra></extra>"
        data.append(
            line(f"Released {year}", rounded(span), fit.index_at(span, year), colour, hover)
        )
    data += [
        _own(run, colour) for run, colour in zip(answered, cycle(len(answered), 3), strict=True)
    ]
    shape = layout(
        height=460,
        hovermode="closest",
        xaxis=axis("Training compute [FLOP]", type="log", exponentformat="power"),
        yaxis=axis("Epoch Capabilities Index"),
    )
    return {"data": data, "layout": shape}


def _own(run: RunCapability, colour: str) -> Figure:
    index = run.index
    assert index is not None  # noqa: S101  the caller chose those that have one
    return {
        "type": "scatter",
        "mode": "markers",
        "name": text(run.name),
        "x": [run.flop],
        "y": rounded([index.index]),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": rounded([index.high - index.index]),
            "arrayminus": rounded([index.index - index.low]),
            "color": colour,
        },
        "marker": {"color": colour, "size": 12, "symbol": "diamond"},
        "hovertemplate": f"{text(run.name)}, {run.end}: %{{y:.0f}}<extra></extra>",
    }


def _limits(found: CampusCapability) -> Figure:
    names = [text(run.name) for run in found.runs]
    kinds = [n for n in LIMITS if any(one.name == n for r in found.runs for one in r.limits.limits)]
    data = [
        _allowed(found, kind, names, colour)
        for kind, colour in zip(kinds, cycle(len(kinds)), strict=True)
    ]
    enough = {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1,
        "line": {"color": SERIES[4], "dash": "dot", "width": 2},
    }  # fmt: skip
    least = min((v for one in data for v in one["y"] if v), default=1.0)
    shape = layout(
        height=400,
        scattermode="group",
        hovermode="closest",
        xaxis=axis("", type="category"),
        shapes=[enough],
        yaxis=axis(
            "Tokens allowed over wanted",
            type="log",
            exponentformat="power",
            dtick=1,
            autorangeoptions={"include": [0.5 * min(least, 1.0), 2.0]},
        ),
    )
    return {"data": data, "layout": shape}


def _allowed(found: CampusCapability, kind: str, names: list[str], colour: str) -> Figure:
    bands = np.full((3, len(found.runs)), np.nan)
    for i, run in enumerate(found.runs):
        for limit in run.limits.limits:
            if limit.name == kind and limit.tokens[1] > 0:
                bands[:, i] = np.array(limit.tokens) / run.limits.wanted_tokens
    low, middle, high = bands
    return {
        "type": "scatter",
        "mode": "markers",
        "name": kind.capitalize(),
        "x": names,
        "y": rounded(middle),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": rounded(high - middle),
            "arrayminus": rounded(middle - low),
            "color": colour,
        },
        "marker": {"color": colour, "size": 12},
        "offsetgroup": kind,
        "hovertemplate": f"{kind}: %{{y:,.3g}} x the tokens wanted<extra></extra>",
    }


def _scores(one: Standing) -> Figure:
    shown = [r for r in (*one.models, *one.others) if any(s in r.scores for s in _SCORES)]
    data = [
        {
            "type": "bar",
            "name": label,
            "x": [text(r.name) for r in shown],
            "y": rounded([100.0 * r.scores.get(score, np.nan) for r in shown]),
            "marker": {"color": colour},
            "hovertemplate": f"%{{x}}, {label}: %{{y:.0f}} %<extra></extra>",
        }
        for (score, label), colour in zip(_SCORES.items(), cycle(len(_SCORES)), strict=True)
    ]
    shape = layout(
        height=420, barmode="group", xaxis=axis(""), yaxis=axis("Solved [%]", range=[0, 100])
    )
    return {"data": data, "layout": shape}
