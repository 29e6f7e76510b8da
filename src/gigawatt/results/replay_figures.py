"""Figures of a replay, and one HTML file that holds them for any browser, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.results._style import SERIES, layout, shade
from gigawatt.results._traces import axis, line, rounded
from gigawatt.results.numbers import human
from gigawatt.results.page import render_page

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.hosting.replay.run import Replay

    Floats = NDArray[np.float64]

__all__ = ["REPLAY_FIGURES", "percent", "render", "replay_figure"]

Figure = dict[str, Any]

_POINTS: Final = 600  # of a line over time, and of a distribution
_BLUE, _ORANGE, _GREEN, _PINK, _RED = SERIES[:5]
_UNITS: Final = (("h", 3600.0, 4 * 3600.0), ("min", 60.0, 5 * 60.0))

REPLAY_FIGURES: Final = {
    "requests": "Requests in progress, and waiting for a place",
    "memory": "KV cache that requests hold, and time at work",
    "tokens": "Tokens read and made",
    "ttft": "Time to the first token, over all requests",
    "tpot": "Time per further token, over all requests",
}
"""Captions of the figures, in the order of the page."""


def replay_figure(found: Replay, name: str) -> Figure:
    """Return a figure as a plain dict that Plotly reads.

    Parameters
    ----------
    found : Replay
        The replay.
    name : str
        One of `REPLAY_FIGURES`.
    """
    if name in ("ttft", "tpot"):
        return _distribution(found, name)
    return {"requests": _requests, "memory": _memory, "tokens": _tokens}[name](found)


def render(found: Replay) -> str:
    """Return the page of a replay.

    Parameters
    ----------
    found : Replay
        The replay.
    """
    where = (
        f"{found.instances:,} {'instance' if found.instances == 1 else 'instances'}, "
        f"{len(found.trace):,} requests, one by one"
    )
    engine = found.engine
    made = (
        f"{found.weights} weights · {found.cache} cache · {found.software} · "
        f"policy {engine.policy} · router {engine.router}"
    )
    return render_page(
        "figures.html.j2",
        {name: replay_figure(found, name) for name in REPLAY_FIGURES},
        title=f"{found.model} on {found.chip}: replay of a trace",
        brand="replay of a trace",
        heading=f"{found.model} on {found.accelerators:,} {found.chip}",
        where=where,
        made=made,
        cards=_cards(found),
        answers=(),
        captions=REPLAY_FIGURES,
        notes=found.notes,
    )


def _cards(found: Replay) -> list[tuple[str, str, str]]:
    """Return title, value and remark of the answers most asked for."""
    first, further = found.latency["ttft_s"], found.latency["tpot_s"]
    rate = found.output_tokens_per_s.value
    each = human(rate / found.accelerators, "tokens")
    cards = [
        ("Requests", f"{len(found.trace):,}", f"{found.requests_per_s.value:,.3g} a second"),
        ("Output", f"{human(rate, 'tokens')}/s", f"{each}/s an accelerator"),
        ("First token, P99", _ms(first["p99"].value), f"mean {_ms(first['mean'].value)}"),
        ("Per token, P99", _ms(further["p99"].value), f"mean {_ms(further['mean'].value)}"),
    ]
    if found.goals.stated:
        share = found.share_within_limits
        span = f"P10–P90 {percent(share.low)} to {percent(share.high)}"
        cards.append(("Within limits", percent(share.value), span))
    cost = found.spending.usd_per_million_output_tokens
    if cost is not None:
        cards.append(("A million tokens out", f"{cost.value:,.3g} USD", ""))
    return cards


def percent(share: float) -> str:
    """Return a share in per cent; nearly all is never told as all.

    Examples
    --------
    >>> percent(0.9999), percent(1.0)
    ('99.9 %', '100 %')
    """
    text = f"{100.0 * share:.1f}"
    if share < 1.0 and text == "100.0":
        text = "99.9"
    return f"{text.removesuffix('.0')} %"


def _ms(seconds: float) -> str:
    return "–" if np.isnan(seconds) else f"{1e3 * seconds:,.3g} ms"


def _over_time(found: Replay, *names: str) -> tuple[str, list[float | None], list[Floats]]:
    """Return the unit of time, the middles of buckets, and means of the timeline by pool."""
    timeline = found.requests.timeline
    count = timeline.begin_s.size
    step = -(-count // _POINTS)
    starts = np.arange(0, count, step)
    sizes = np.diff(np.append(starts, count))
    unit, size = next(
        ((unit, size) for unit, size, least in _UNITS if found.duration_s.value >= least),
        ("s", 1.0),
    )
    middle = timeline.begin_s[starts] + 0.5 * sizes * timeline.bucket_s
    means = [np.add.reduceat(getattr(timeline, name), starts, axis=1) / sizes for name in names]
    return unit, rounded(middle / size), means


def _requests(found: Replay) -> Figure:
    """Return requests admitted and queued over time."""
    unit, times, (running, waiting) = _over_time(found, "running", "waiting")
    data = [
        line(f"{what}{pool}", times, values[i], colours[i], "%{y:,.1f}")
        for what, values, colours in (
            ("In progress", running, (_BLUE, _GREEN)),
            ("Waiting", waiting, (_ORANGE, _PINK)),
        )
        for i, pool in enumerate(_pools(found))
    ]
    return _timed(data, unit, "Requests, all instances")


def _memory(found: Replay) -> Figure:
    """Return KV blocks held and time at work over time [%]."""
    unit, times, (held, busy) = _over_time(found, "kv_share", "utilisation")
    data = [
        line(f"{what}{pool}", times, 100.0 * values[i], colours[i], "%{y:.1f} %")
        for what, values, colours in (
            ("KV cache held", held, (_BLUE, _GREEN)),
            ("At work", busy, (_ORANGE, _PINK)),
        )
        for i, pool in enumerate(_pools(found))
    ]
    return _timed(data, unit, "Share [%]")


def _tokens(found: Replay) -> Figure:
    """Return tokens read and made over time, in two plots: they differ too much for one."""
    unit, times, (read, made) = _over_time(found, "prefill_tokens_per_s", "output_tokens_per_s")
    data = [
        {**line("Read", times, read.sum(axis=0), _BLUE, "%{y:,.0f} tokens/s"), "yaxis": "y2"},
        line("Made", times, made.sum(axis=0), _ORANGE, "%{y:,.0f} tokens/s"),
    ]
    shape = layout(
        xaxis={**axis(f"Time [{unit}]"), "anchor": "y"},
        yaxis=axis("Made [tokens/s]", domain=[0.0, 0.46], rangemode="tozero"),
        yaxis2=axis("Read [tokens/s]", domain=[0.54, 1.0], anchor="x", rangemode="tozero"),
    )
    return {"data": data, "layout": shape}


def _distribution(found: Replay, name: str) -> Figure:
    """Return the share of requests within each latency, with its band and the limit."""
    bounds = found.runs.latencies[f"{name}_s"]
    limit_s = {"ttft": found.goals.ttft_s, "tpot": found.goals.tpot_s}[name]
    low, central, high = (1e3 * v[np.isfinite(v)] for v in bounds)
    if not central.size:  # no answer has a second token
        return {"data": [], "layout": layout(xaxis=axis("Time [ms]"), yaxis=axis("Requests [%]"))}
    share = np.linspace(0.0, 100.0, min(_POINTS, central.size + 1))
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "type": "scatter"}
    curves = [rounded(np.percentile(values, share)) for values in (low, central, high)]
    height = rounded(share)
    # The edges of the band run up along its P10 and back along its P90.
    band = {
        **edge, "name": "P10–P90", "x": curves[0] + curves[2][::-1],
        "y": height + height[::-1], "fill": "toself", "fillcolor": shade(_BLUE, 0.2),
    }  # fmt: skip
    central_line = line("As predicted", curves[1], share, _BLUE, "%{x:,.4g} ms: %{y:.1f} %")
    data = [band, central_line]
    if np.isfinite(limit_s):
        at = float(f"{1e3 * limit_s:.5g}")
        limit = line("Limit", [at, at], [0.0, 100.0], _RED, f"{at:,g} ms")
        data.append({**limit, "line": {"color": _RED, "width": 2, "dash": "dot"}})
    return {
        "data": data,
        "layout": layout(
            hovermode="closest",
            xaxis=axis("Time [ms]", type="log", **_ticks(low.min(), high.max())),
            yaxis=axis("Requests [%]", range=[0, 100]),
        ),
    }


def _ticks(low: float, high: float) -> dict[str, Any]:
    """Return the ticks of an axis of logarithms: 1, 2 and 5 times powers of ten, each in full."""
    tens = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1.0)
    values = np.outer(10.0**tens, [1.0, 2.0, 5.0]).ravel()
    return {"tickvals": rounded(values), "ticktext": [f"{v:,g}" for v in values]}


def _pools(found: Replay) -> tuple[str, ...]:
    return (", reading", ", answering") if found.prefill_instances else ("",)


def _timed(data: list[Figure], unit: str, title: str) -> Figure:
    shape = layout(xaxis=axis(f"Time [{unit}]"), yaxis=axis(title, rangemode="tozero"))
    return {"data": data, "layout": shape}
