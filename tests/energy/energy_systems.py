"""Random small systems, with every kind of rule."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from gigawatt.energy.system import Source, Storage, System, Throttle


def _capacity(draw, *, planned):
    if planned and draw(st.booleans()):
        most = draw(st.sampled_from([np.inf, 80.0, 300.0]))
        return {
            "capital_usd_per_mw_year": draw(st.floats(1e3, 4e5)),
            "most_mw": most,
            "least_mw": draw(st.sampled_from([0.0, 10.0])),
        }
    return {"capacity_mw": draw(st.floats(5.0, 120.0))}


@st.composite
def systems(draw, *, planned=False, hard=False):  # noqa: C901
    """Draw a system of at most 30 hours; one that is not hard can always be kept."""
    hours = draw(st.integers(1, 30))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def series(low, high):
        if draw(st.booleans()):
            return float(random.uniform(low, high))
        return random.uniform(low, high, hours)

    sources = []
    for i in range(draw(st.integers(1, 4))):
        available = series(0.0, 1.0) if draw(st.booleans()) else 1.0
        terms = {}
        if draw(st.booleans()):
            terms["ramp_per_hour"] = draw(st.floats(0.05, 1.0))
        if draw(st.booleans()):
            terms["co2_t_per_mwh"] = series(0.1, 1.0)
        if draw(st.integers(0, 3)) == 0:
            terms["demand_usd_per_mw"] = draw(st.floats(10.0, 2e3))
            terms["least_demand_mw"] = draw(st.sampled_from([0.0, 30.0]))
        if draw(st.integers(0, 3)) == 0:
            terms["least_energy_mwh"] = draw(st.floats(1.0, 50.0 * hours))
            if not hard or draw(st.booleans()):
                terms["shortfall_usd_per_mwh"] = draw(st.floats(1.0, 60.0))
        if hard and draw(st.integers(0, 3)) == 0:
            terms["least_output"] = 0.3 * np.asarray(available)
            terms.pop("ramp_per_hour", None)
        sources.append(
            Source(
                name=f"s{i}",
                marginal_usd_per_mwh=series(0.0, 100.0),
                availability=available,
                firm_share=draw(st.floats(0.0, 1.0)),
                **_capacity(draw, planned=planned),
                **terms,
            )
        )
    storages = [
        Storage(
            name=f"b{i}",
            energy_hours=draw(st.floats(0.5, 8.0)),
            charge_efficiency=draw(st.floats(0.7, 1.0)),
            discharge_efficiency=draw(st.floats(0.7, 1.0)),
            loss_per_hour=draw(st.sampled_from([0.0, 0.01])),
            discharge_usd_per_mwh=draw(st.sampled_from([0.5, 5.0])),
            **_capacity(draw, planned=planned),
        )
        for i in range(draw(st.integers(0, 2)))
    ]
    throttles = [
        Throttle(name="jobs", most_mw=series(0.0, 30.0), usd_per_mwh=series(20.0, 500.0))
        for _ in range(draw(st.integers(0, 1)))
    ]
    limits = {}
    if hard and draw(st.booleans()):
        limits["co2_most_t"] = draw(st.floats(1.0, 20.0)) * hours
    if hard and draw(st.integers(0, 2)) == 0:
        limits["clean_share"] = draw(st.floats(0.1, 0.6))
    served = hard and draw(st.booleans())
    if hard and not served and draw(st.booleans()):
        limits["unserved_most_mwh"] = draw(st.floats(0.0, 20.0)) * hours
    return System(
        load_mw=random.uniform(20.0, 150.0, hours),
        sources=tuple(sources),
        storages=tuple(storages),
        throttles=tuple(throttles),
        unserved_usd_per_mwh=None if served else 5000.0,
        co2_usd_per_t=draw(st.sampled_from([0.0, 50.0])),
        billing_period=np.arange(hours) // 10 if draw(st.booleans()) else None,
        **limits,
    )
