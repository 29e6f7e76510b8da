"""What a site is asked most, answered from a year at the meter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import NotModelledError
from gigawatt.twin.outcome import Headline
from gigawatt.twin.site_year.facts import facts_by_group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.site.waveform.least_cost import Plan
    from gigawatt.site.waveform.specification import Verdict
    from gigawatt.twin.site_year.simulate import SiteYear

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["PARTS", "answers", "breakdown", "measures", "series", "verdict_text"]

PARTS: Final = (
    "IT", "electrical losses", "hall fans", "pumps", "compressors", "fans outdoors",
    "lighting and the like",
)  # fmt: skip
"""Parts of facility power."""

_HAPPENS_MW: Final = 1e-6
"""Power below which nothing is said to be curtailed: a watt."""


def answers(site: SiteYear) -> tuple[Headline, ...]:
    """Return worst hour, energy, PUE, water, curtailment, margins and the job on the grid."""
    found = (*_power(site), *_overhead(site), *_water(site), *_limits(site), *_grid(site))
    behind = facts_by_group(site)
    return tuple(replace(head, facts=behind[head.group]) for head in found)


def breakdown(site: SiteYear, hour: int) -> dict[str, float]:
    """Return what the facility power of an hour is made of [MW]; it sums to it."""
    return {name: float(mw[hour]) for name, mw in zip(PARTS, series(site), strict=True)}


def _power(site: SiteYear) -> Iterator[Headline]:
    hour, facility = site.worst_hour, site.facility_mw
    low, high = _band(site)
    yield Headline(
        "worst_hour_facility_mw", "Facility power of the worst hour", "power",
        float(facility[hour]), "MW", float(low[hour]), float(high[hour]),
        formula="IT power + electrical losses + cooling + lighting and the like, at its highest",
        note=_why(site, hour),
    )  # fmt: skip
    when = np.datetime_as_string(site.times[hour], unit="s")
    yield Headline("worst_hour_time", "Worst hour", "power", str(when), "time")
    for name, label, unit, of in (
        ("mean_facility_mw", "Mean facility power", "MW", np.mean),
        ("facility_energy_mwh", "Energy of the year", "MWh", np.sum),
    ):
        value, least, most = (float(of(mw)) for mw in (facility, low, high))
        yield Headline(name, label, "power", value, unit, least, most)


def _band(site: SiteYear) -> tuple[Hours, Hours]:
    """Return P10 and P90 of facility power: that of the servers, which all else follows.

    The limit holds in both; what it cuts off the median is put back before the band is taken.
    """
    served = np.maximum(site.it_mw, np.finfo(float).tiny)
    wanted = served + site.balance.cooling.curtailed_limit_mw
    free = site.facility_mw * wanted / served
    low, high = (np.minimum(free * end, site.installed.limit_mw) for end in site.band)
    return np.minimum(low, site.facility_mw), np.maximum(high, site.facility_mw)


def _why(site: SiteYear, hour: int) -> str:
    """Return what lifts the worst hour above the mean one."""
    air = site.weather
    parts = breakdown(site, hour)
    over = {
        name: value - float(np.mean(mw))
        for (name, value), mw in zip(parts.items(), series(site), strict=True)
    }
    total = sum(over.values())
    lifted = sorted(over.items(), key=lambda item: -item[1])
    told = ", ".join(f"{name} {mw:+,.1f}" for name, mw in lifted if abs(mw) >= 0.05 * abs(total))
    at = f"{air.dry_bulb_c[hour]:.1f} °C outside, wet bulb {air.wet_bulb_c[hour]:.1f} °C"
    cut = float(site.balance.cooling.curtailed_limit_mw[hour])
    if cut > _HAPPENS_MW:
        return f"{at}; held at the limit, for which {cut:,.1f} MW of IT power are given up"
    return f"{at}; {total:+,.1f} MW against the mean hour: {told or 'nothing stands out'}"


def series(site: SiteYear) -> tuple[Hours, ...]:
    """Return the parts of `breakdown` in every hour [MW]."""
    year = site.balance.cooling
    return (
        year.it_mw, site.loss_mw, year.hall_fan_mw, year.pump_mw, year.compressor_mw,
        year.rejection_fan_mw, year.other_mw,
    )  # fmt: skip


def _overhead(site: SiteYear) -> Iterator[Headline]:
    year = site.balance.cooling
    yield Headline(
        "mean_pue", "Mean PUE", "overhead", year.mean_pue, "ratio",
        formula="facility energy over IT energy",
    )  # fmt: skip
    hour = int(np.argmax(year.pue))
    yield Headline(
        "worst_pue", "Worst PUE of an hour", "overhead", float(year.pue[hour]), "ratio",
        note=f"{site.weather.dry_bulb_c[hour]:.1f} °C outside",
    )  # fmt: skip
    yield Headline(
        "trim_h", "Hours with chillers at work", "overhead", year.trim_h, "h",
        note="none are installed" if not year.chiller_heat_mw.any() else "",
    )  # fmt: skip


def _water(site: SiteYear) -> Iterator[Headline]:
    year = site.balance.cooling
    closed = "" if year.water_m3 > 0.0 else "the plant evaporates no water"
    yield Headline(
        "water_m3", "Water of the year", "water", year.water_m3, "m3",
        formula="evaporated + bled + drifted", note=closed,
    )  # fmt: skip
    wue = year.mean_wue_l_per_kwh
    yield Headline(
        "mean_wue_l_per_kwh", "Mean WUE", "water", wue, "L/kWh", formula="water over IT energy"
    )
    worst = float(year.wue_l_per_kwh.max())
    yield Headline("worst_wue_l_per_kwh", "Worst WUE of an hour", "water", worst, "L/kWh")


def _limits(site: SiteYear) -> Iterator[Headline]:
    cut, year = site.curtailed_mw, site.balance.cooling
    hours = int((cut > _HAPPENS_MW).sum())
    reasons = {
        "the cooling plant": year.curtailed_cooling_mw,
        "the point of interconnection": year.curtailed_limit_mw,
    }
    told = [
        f"{name} {float(mw.sum()):,.0f} MWh in {int((mw > _HAPPENS_MW).sum()):,} h, "
        f"at most {float(mw.max()):,.1f} MW"
        for name, mw in reasons.items()
        if (mw > _HAPPENS_MW).any()
    ]
    yield Headline(
        "curtailed_h", "Hours of curtailment", "limits", float(hours), "h",
        note="; ".join(told) or "all IT power that is wanted is served",
    )  # fmt: skip
    energy = float(cut.sum()) if hours else 0.0
    yield Headline("curtailed_mwh", "IT energy curtailed", "limits", energy, "MWh")
    yield Headline(
        "least_cooling_margin", "Least margin of the cooling plant", "limits",
        float(year.margin.min()), "ratio",
        formula="heat that the plant could carry over the heat wanted, less 1",
    )  # fmt: skip
    limit = site.installed.limit_mw
    left = limit - float(site.facility_mw.max())
    yield Headline(
        "least_interconnection_margin_mw", "Least margin at the point of interconnection",
        "limits",
        left if left > _HAPPENS_MW else 0.0, "MW",
        formula=f"limit of {limit:,.0f} MW less the worst hour",
    )  # fmt: skip


def _grid(site: SiteYear) -> Iterator[Headline]:
    names = ("job_meets_specification", "job_meets_specification_smoothed")
    labels = ("A synchronous job meets the grid's specification", "The same, smoothed")
    if site.question is None:
        return
    try:
        job = site.job
    except NotModelledError as error:
        for name, label in zip(names, labels, strict=True):
            yield Headline(name, label, "grid", None, "", note=str(error))
        return
    assert job is not None  # noqa: S101  asked for above
    asked = f"{job.question.accelerators:,} {job.chip} training {job.run} against "
    yield Headline(
        names[0], labels[0], "grid", "yes" if job.verdict.passed else "no", "",
        formula=asked + job.question.specification, note=verdict_text(job.verdict),
    )  # fmt: skip
    best = job.best
    yield Headline(
        names[1], labels[1], "grid", "no" if best is None else "yes", "",
        formula=f"the least costly of {len(job.plans):,} sets of measures that were judged",
        note=f"none of {len(job.plans):,} sets of measures meets it" if best is None
        else measures(best),
    )  # fmt: skip
    if best is not None:
        yield Headline(
            "smoothing_usd_per_year", "Cost of smoothing", "grid", best.usd_per_year, "USD/yr",
            formula=f"capital as an annuity, energy at {job.energy_usd_per_mwh:,.1f} USD/MWh",
        )  # fmt: skip


def verdict_text(verdict: Verdict) -> str:
    """Return each limit with what was found."""
    return "; ".join(
        f"{check.limit} {_amount(check.found, check.unit)}, allowed "
        f"{_amount(check.allowed, check.unit)}{'' if check.passed else ' (broken)'}"
        for check in verdict.checks
    )


def _amount(value: float, unit: str) -> str:
    if unit.startswith("of "):
        return f"{100.0 * value:.3g} % {unit}"
    return f"{value:.3g} {unit}".rstrip()


def measures(plan: Plan) -> str:
    """Return a set of measures in words.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> measures(SimpleNamespace(floor=0.0, start_ramp_s=0.0, storages=()))
    'nothing is needed'
    """
    parts = [f"a power floor of {100.0 * plan.floor:.0f} %"] if plan.floor else []
    parts += [
        f"{one.name.replace('-', ' ')} of {one.power_mw:.1f} MW and "
        f"{1e3 * one.energy_mwh:,.0f} kWh with a lag of {one.follow_s:g} s"
        for one in plan.storages
    ]
    return " and ".join(parts) or "nothing is needed"
