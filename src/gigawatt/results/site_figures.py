"""Figures of a campus at the grid, and one HTML file that holds them for any browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import NotModelledError
from gigawatt.results._style import SERIES, layout, shade, text
from gigawatt.results._traces import axis, line, rounded
from gigawatt.results.numbers import band, quantity
from gigawatt.results.page import render_page
from gigawatt.site.waveform.measures import spectrum
from gigawatt.site.waveform.specification import specification
from gigawatt.twin.site_year.notes import notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.site.waveform.render import Waveform
    from gigawatt.twin.outcome import Headline
    from gigawatt.twin.site_year.event import EventOnSite
    from gigawatt.twin.site_year.job import JobOnGrid
    from gigawatt.twin.site_year.simulate import SiteYear

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["SITE_FIGURES", "render", "site_figures"]

Figure = dict[str, Any]

_POINTS: Final = 400
_SHOWN_S: Final = 60.0  # of a waveform, around a checkpoint
_WEEK_H: Final = 168
_BLUE, _ORANGE, _GREEN, _PINK, _RED, _SKY, _GREY = SERIES
_COOL: Final = "Cooling"
_PARTS: Final = {"IT": _BLUE, "Losses": _GREY, _COOL: _SKY, "Lighting and the like": _PINK}

SITE_FIGURES: Final = {
    "duration": "Load duration: facility power, hours in falling order",
    "worst_week": "Facility power through the week of the worst hour",
    "pue": "PUE by hour of the day and day of the year",
    "wue": "WUE by hour of the day and day of the year [L/kWh]",
    "waveform": "The synchronous job at the grid, around a checkpoint",
    "spectrum": "Its spectrum, and the band that the specification limits",
    "event": "The worst hour in an event of the grid: load that stays on the grid",
}
"""Captions of the figures, in the order of the page; those that say nothing are left out."""


def site_figures(site: SiteYear, event: EventOnSite | None = None) -> dict[str, Figure]:
    """Return the figures that have something to show, as plain dicts that Plotly reads.

    Parameters
    ----------
    site : SiteYear
        A site year.
    event : EventOnSite, optional
        An event of the grid that was played on it.
    """
    found = {
        "duration": _duration(site),
        "worst_week": _worst_week(site),
        "pue": _heat_map(site, site.pue, "PUE", 4),
    }
    if site.water_m3_per_h.any():
        found["wue"] = _heat_map(site, site.wue_l_per_kwh, "L/kWh", 3)
    job = _job(site)
    if job is not None:
        found |= {"waveform": _waveform(job), "spectrum": _spectrum(job)}
    if event is not None:
        found["event"] = _event(event)
    return found


def render(site: SiteYear, event: EventOnSite | None = None) -> str:
    """Return the page of a site year, and of an event of the grid that was played on it."""
    figures, chips = site_figures(site, event), site.installed.chips
    answers = {head.name: head for head in site.answers}
    return render_page(
        "figures.html.j2",
        figures,
        title=f"{site.campus.name} at the grid",
        brand="a campus at the grid",
        heading=f"{site.campus.name}, {site.installed.period}",
        where=", ".join(f"{count:,} {chip}" for chip, count in chips.items()),
        made=f"{site.topology} · {site.plant} · {site.weather.name}{_warmer(site)}",
        cards=_cards(answers),
        answers=[_answer(head) for head in site.answers],
        captions={name: SITE_FIGURES[name] for name in figures},
        notes=notes(site),
    )


def _warmer(site: SiteYear) -> str:
    return f", {site.warming_k:g} K warmer" if site.warming_k else ""


def _job(site: SiteYear) -> JobOnGrid | None:
    """Return the job, or None where none is asked for or none can be judged."""
    try:
        return site.job
    except NotModelledError:  # the answers say why
        return None


def _cards(answers: Mapping[str, Headline]) -> list[tuple[str, str, str]]:
    """Return title, value and remark of the answers most asked for."""
    worst, cut = answers["worst_hour_facility_mw"], answers["curtailed_h"]
    when = quantity(answers["worst_hour_time"].value, "time")
    span = f"P10–P90 {band(worst.low, worst.high, 'MW')}"
    peak = answers["worst_pue"].value
    water = answers["mean_wue_l_per_kwh"]
    cards = [
        ("Worst hour", quantity(worst.value, "MW"), f"{when}; {span}"),
        ("Mean PUE", f"{answers['mean_pue'].value:.3f}", f"at most {peak:.3f}"),
        ("Water of the year", quantity(answers["water_m3"].value, "m3"),
         f"{water.value:.2f} L/kWh in the mean" if water.value else answers["water_m3"].note),
        ("Curtailed", f"{cut.value:,.0f} h", cut.note),
    ]  # fmt: skip
    job = answers.get("job_meets_specification")
    if job is not None and job.value is not None:
        smoothed = answers["job_meets_specification_smoothed"]
        cards.append(("Job meets the specification", str(job.value), job.note))
        cards.append(("The same, smoothed", str(smoothed.value), smoothed.note))
    return cards


def _answer(head: Headline) -> dict[str, str]:
    value = "not answered" if head.value is None else quantity(head.value, head.unit, head.name)
    span = band(head.low, head.high, head.unit)
    return {
        "name": head.name,
        "label": head.label,
        "value": value,
        "band": f"P10–P90 {span}" if span else "",
        "formula": head.formula,
        "note": head.note,
    }


def _parts(site: SiteYear) -> dict[str, Hours]:
    parts = (site.it_mw, site.loss_mw, site.cooling_mw, site.auxiliary_mw)
    return {name: mw for name, mw in zip(_PARTS, parts, strict=True) if mw.any()}


def _duration(site: SiteYear) -> Figure:
    """Return facility power in falling order with the parts it has then, and the limit."""
    # Hours at the limit are alike to a rounding; among them those with the least IT come first.
    order = np.lexsort((site.it_mw, -np.round(site.facility_mw, 3)))
    groups = np.array_split(order, min(_POINTS, order.size))
    share = rounded(np.cumsum([100.0 * g.size / order.size for g in groups]))
    parts = {name: np.array([mw[g].mean() for g in groups]) for name, mw in _parts(site).items()}
    limit = site.installed.limit_mw
    data = [*_panels(parts, share), _dotted("Limit at the grid", [0.0, 100.0], [limit, limit])]
    shape = layout(
        height=520,
        xaxis={**axis("Share of the year [%]", range=[0, 100]), "anchor": "y2"},
        yaxis=axis("All [MW]", domain=[0.56, 1.0], rangemode="tozero"),
        yaxis2=axis("Beside IT [MW]", domain=[0.0, 0.46], anchor="x", rangemode="tozero"),
    )
    return {"data": data, "layout": shape}


def _worst_week(site: SiteYear) -> Figure:
    """Return the parts of facility power through the worst week, above the weather of it."""
    first = int(np.clip(site.worst_hour - _WEEK_H // 2, 0, site.times.size - _WEEK_H))
    week = slice(first, first + _WEEK_H)
    times = np.datetime_as_string(site.times[week], unit="m").tolist()
    data = _panels({name: mw[week] for name, mw in _parts(site).items()}, times)
    if (site.curtailed_mw[week] > 0.0).any():
        wanted = site.facility_mw + site.curtailed_mw
        data.append(_dotted("With the IT power wanted", times, wanted[week]))
    for name, values, colour in (
        ("Dry bulb", site.weather.dry_bulb_c, _ORANGE),
        ("Wet bulb", site.weather.wet_bulb_c, _GREEN),
    ):
        trace = line(name, times, values[week], colour, "%{y:.1f} °C")
        data.append({**trace, "yaxis": "y3"})
    shape = layout(
        height=640,
        xaxis={**axis("Time [UTC]", type="date"), "anchor": "y3"},
        yaxis=axis("All [MW]", domain=[0.68, 1.0], rangemode="tozero"),
        yaxis2=axis("Beside IT [MW]", domain=[0.32, 0.62], anchor="x", rangemode="tozero"),
        yaxis3=axis("Outside [°C]", domain=[0.0, 0.26], anchor="x"),
    )
    return {"data": data, "layout": shape}


def _panels(parts: Mapping[str, Hours], x: Any) -> list[Figure]:  # noqa: ANN401  numbers or times
    """Return all parts stacked, and those beside IT once more where they can be told apart."""
    data = [_stacked(name, x, mw) for name, mw in parts.items()]
    return data + [
        {**_stacked(name, x, mw), "yaxis": "y2", "stackgroup": "beside", "showlegend": False,
         "hoverinfo": "skip", "hovertemplate": None}
        for name, mw in parts.items() if name != "IT"
    ]  # fmt: skip


def _heat_map(site: SiteYear, values: Hours, name: str, places: int) -> Figure:
    """Return a quantity over hours of the day and days of the year, local standard time."""
    climate = catalog.load().get("climate", site.campus.site.climate)
    shift = round(climate.number("utc_offset_h"))
    # What runs over the end of the year in local time stands at its other end.
    local = np.roll(values, shift)
    days = local.size // 24
    table = local[: days * 24].reshape(days, 24).T
    finite = np.where(np.isfinite(table), table, np.nan)
    first = site.times[0].astype("datetime64[D]")
    dates = np.datetime_as_string(first + np.arange(days)).tolist()
    trace = {
        "type": "heatmap",
        "x": dates,
        "y": list(range(24)),
        "z": [[None if np.isnan(v) else round(float(v), places) for v in row] for row in finite],
        "colorscale": "Viridis",
        "colorbar": {"title": {"text": name, "side": "top"}, "thickness": 14, "outlinewidth": 0},
        "hovertemplate": f"%{{x|%-d %b}}, %{{y}} h: %{{z:.{places}f}}<extra></extra>",
    }
    shape = layout(
        height=330,
        hovermode="closest",
        xaxis=axis("Day", type="date", tickformat="%b", showgrid=False, dtick="M1"),
        yaxis=axis("Local hour", dtick=6, showgrid=False),
    )
    return {"data": [trace], "layout": shape}


def _waveform(job: JobOnGrid) -> Figure:
    """Return power at the grid for a minute around a checkpoint, as it is and smoothed."""
    plain = job.unsmoothed
    # The deepest dip is a checkpoint where there is one.
    at = float(plain.time_s[int(np.argmin(plain.power_mw))])
    begin = min(max(at - _SHOWN_S / 2.0, 0.0), plain.duration_s - _SHOWN_S)
    data = [_part_of(plain, begin, "As it is", _ORANGE)]
    if job.best is not None and job.best is not job.plans[0]:
        data.append(_part_of(job.best.waveform, begin, "Smoothed", _BLUE))
    shape = layout(xaxis=axis("Time [s]"), yaxis=axis("Power at the grid [MW]"))
    return {"data": data, "layout": shape}


def _event(event: EventOnSite) -> Figure:
    """Return the load on the grid through an event, with both kinds of protection."""
    times = rounded(event.counting.time_s)
    data = [
        line(name, times, ride.grid_mw.sum(axis=1), colour, "%{y:,.0f} MW", "hv")
        for name, ride, colour in (
            ("Protection that returns after each dip", event.patient, _BLUE),
            ("Protection that counts dips", event.counting, _RED),
        )
    ]
    shape = layout(xaxis=axis("Time [s]"), yaxis=axis("On the grid [MW]", rangemode="tozero"))
    return {"data": data, "layout": shape}


def _part_of(waveform: Waveform, begin_s: float, name: str, colour: str) -> Figure:
    first = int(begin_s / waveform.dt_s)
    count = int(_SHOWN_S / waveform.dt_s)
    every = max(count // (4 * _POINTS), 1)
    part = slice(first, first + count, every)
    times = rounded(waveform.time_s[part] - first * waveform.dt_s)
    return line(name, times, waveform.power_mw[part], colour, "%{y:,.2f} MW")


def _spectrum(job: JobOnGrid) -> Figure:
    """Return amplitudes by frequency, in bands of equal width on the axis, and the limited band."""
    shown = [("As it is", job.unsmoothed, _ORANGE)]
    if job.best is not None and job.best is not job.plans[0]:
        shown.append(("Smoothed", job.best.waveform, _BLUE))
    data, most = [], 0.0
    for name, waveform, colour in shown:
        where, amplitude = _banded(waveform)
        most = max(most, float(np.max(amplitude)))
        data.append(line(name, rounded(where), amplitude, colour, "%{y:.3g} MW"))
    limits = specification(job.question.specification)
    shape = layout(
        hovermode="x unified",
        xaxis=axis("Frequency [Hz]", type="log", tickvals=[0.01, 0.1, 1, 10],
                   ticktext=["0.01", "0.1", "1", "10"]),
        yaxis=axis("Amplitude [MW]", type="log", exponentformat="none",
                   range=[np.log10(most) - 5.0, np.log10(most) + 0.3], **_decades(most)),
    )  # fmt: skip
    if limits.band_low_hz is not None and limits.band_high_hz is not None:
        inside = {
            "type": "rect", "xref": "x", "yref": "paper", "x0": limits.band_low_hz,
            "x1": limits.band_high_hz, "y0": 0, "y1": 1, "line": {"width": 0},
            "fillcolor": shade(_RED, 0.12), "layer": "below",
        }  # fmt: skip
        shape["shapes"] = [inside]
        label = f"limited band, {limits.band_low_hz:g} to {limits.band_high_hz:g} Hz"
        key = {
            "type": "scatter", "mode": "markers", "name": label, "x": [None], "y": [None],
            "marker": {"symbol": "square", "size": 12, "color": shade(_RED, 0.3)},
            "hoverinfo": "skip",
        }  # fmt: skip
        data.append(key)
    return {"data": data, "layout": shape}


def _banded(waveform: Waveform) -> tuple[Hours, Hours]:
    """Return the root of summed squares of amplitudes in bands that are even on a log axis."""
    lines = spectrum(waveform)
    edges = np.geomspace(lines.frequency_hz[0] * 0.999, lines.frequency_hz[-1] * 1.001, 181)
    place = np.digitize(lines.frequency_hz, edges) - 1
    power = np.bincount(place, lines.amplitude_mw**2, edges.size - 1)
    filled = np.bincount(place, minlength=edges.size - 1) > 0
    middle: Hours = np.sqrt(edges[1:] * edges[:-1])
    return middle[filled], np.maximum(np.sqrt(power[filled]), 1e-9)


def _decades(most: float) -> Figure:
    top = int(np.ceil(np.log10(most)))
    powers = [10.0**k for k in range(top - 6, top + 1)]
    return {"tickvals": powers, "ticktext": [_in_full(v) for v in powers]}


def _in_full(value: float) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def _stacked(name: str, x: Any, y: Any) -> Figure:  # noqa: ANN401  numbers or times
    colour = _PARTS[name]
    trace = line(text(name), x, y, colour, "%{y:,.1f} MW")
    trace["line"]["width"] = 0.5
    return {**trace, "stackgroup": "parts", "fillcolor": shade(colour, 0.7)}


def _dotted(name: str, x: Any, y: Any) -> Figure:  # noqa: ANN401  numbers or times
    trace = line(name, x, y, _RED, "%{y:,.1f} MW")
    return {**trace, "line": {"color": _RED, "width": 2, "dash": "dot"}}
