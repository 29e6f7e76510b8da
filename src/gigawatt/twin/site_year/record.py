"""A site year as plain numbers and text, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import NotModelledError
from gigawatt.site.it_power import ACTIVITIES
from gigawatt.twin.site_year.answers import breakdown

if TYPE_CHECKING:
    from gigawatt.site.grid_events.ride_through import RideThrough
    from gigawatt.site.waveform.least_cost import Plan
    from gigawatt.site.waveform.specification import Verdict
    from gigawatt.twin.site_year.event import EventOnSite
    from gigawatt.twin.site_year.job import JobOnGrid
    from gigawatt.twin.site_year.simulate import SiteYear

__all__ = ["site_record"]


def site_record(site: SiteYear, event: EventOnSite | None = None) -> dict[str, Any]:
    """Return what ``gigawatt site --format json`` prints; the glossary has its keys.

    Parameters
    ----------
    site : SiteYear
        A site year.
    event : EventOnSite, optional
        An event of the grid that was played on it.
    """
    installed, air = site.installed, site.weather
    return {
        "campus": site.campus.name,
        "period": installed.period,
        "hours": int(site.times.size),
        "topology": site.topology,
        "plant": site.plant,
        "weather": air.name,
        "warming_k": site.warming_k,
        "heat_wave": site.heat_wave,
        "seed": site.seed,
        "chips": installed.chips,
        "rated_mw": installed.rated_mw,
        "it_capacity_mw": installed.it_capacity_mw,
        "interconnection_mw": installed.limit_mw,
        "activity_shares": {a: float(installed.shares[a].mean()) for a in ACTIVITIES},
        "answers": {
            head.name: {
                "label": head.label, "group": head.group, "value": head.value, "unit": head.unit,
                "low": head.low, "high": head.high, "formula": head.formula, "note": head.note,
            }
            for head in site.answers
        },
        "worst_hour_mw": breakdown(site, site.worst_hour),
        "loss_by_stage_mw": site.balance.stages_mw,
        "job": _job(site),
        "event": None if event is None else _event(event),
        "facts": sorted({key for head in site.answers for key in head.facts}),
    }  # fmt: skip


def _job(site: SiteYear) -> dict[str, Any] | None:
    try:
        job = site.job
    except NotModelledError:  # the answers say why
        return None
    return None if job is None else _judged(job)


def _judged(job: JobOnGrid) -> dict[str, Any]:
    power = job.unsmoothed.power_mw
    return {
        "run": job.run,
        "model": job.model,
        "chip": job.chip,
        "accelerators": job.question.accelerators,
        "specification": job.question.specification,
        "step_s": job.step_s,
        "checkpoint_every_s": job.question.checkpoint_every_s,
        "checkpoint_s": job.question.checkpoint_s,
        "contracted_mw": job.contracted_mw,
        "mean_mw": float(power.mean()),
        "low_mw": float(power.min()),
        "high_mw": float(power.max()),
        "unsmoothed": _verdict(job.verdict),
        "smoothed": None if job.best is None else _plan(job.best),
        "sets_judged": len(job.plans),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "passed": verdict.passed,
        "limits": [
            {"limit": c.limit, "allowed": c.allowed, "found": c.found, "unit": c.unit}
            for c in verdict.checks
        ],
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "power_floor": plan.floor,
        "storages": [
            {
                "name": s.name, "power_mw": s.power_mw, "energy_mwh": s.energy_mwh,
                "follow_s": s.follow_s,
            }
            for s in plan.storages
        ],
        "wasted_mwh_per_year": plan.floor_mwh_per_year + plan.lost_mwh_per_year,
        "usd_per_year": plan.usd_per_year,
        **_verdict(plan.verdict),
    }  # fmt: skip


def _event(event: EventOnSite) -> dict[str, Any]:
    return {
        "name": event.name,
        "title": event.title,
        "load_mw": event.load_mw,
        "counting": _ridden(event.counting),
        "patient": _ridden(event.patient),
    }


def _ridden(ride: RideThrough) -> dict[str, Any]:
    step_h = float(ride.time_s[1] - ride.time_s[0]) / 3600.0
    return {
        "most_off_grid_mw": float(ride.off_grid_mw.max()),
        "off_grid_at_end_mw": float(ride.off_grid_mw[-1]),
        "halls_left_at_dip": int(ride.left_at_dip[0]),
        "battery_mwh": float(ride.battery_mwh.sum()),
        "lost_mwh": float(np.sum(ride.lost_mw) * step_h),
    }
