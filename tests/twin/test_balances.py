"""Whatever the campus, every watt-hour, accelerator-hour and dollar is accounted for once."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gigawatt.spec import Campus
from gigawatt.twin import simulate_campus
from gigawatt.twin.capacity import build_capacity
from gigawatt.twin.clock import Clock
from gigawatt.twin.hour import Limits
from gigawatt.twin.lineage import Lineage
from gigawatt.twin.plant import power_use, read_plant
from gigawatt.twin.schedule import run_schedule
from gigawatt.twin.speeds import learn_speeds

CHIPS = ("gb200-nvl72", "h100-sxm", "tpu-v7", "trainium2", "mi355x")


@st.composite
def campuses(draw):
    phases = []
    for i in range(draw(st.integers(0, 4))):
        it_mw = draw(st.floats(1, 2000))
        phases.append(
            {
                "name": f"P{i}",
                "date": dt.date(2026, 1, 1) + dt.timedelta(days=draw(st.integers(0, 500))),
                "it_mw": it_mw,
                "facility_mw": it_mw * draw(st.floats(1.0, 1.5)),
                "chips": [{"type": draw(st.sampled_from(CHIPS))}],
            }
        )
    sources = [
        {
            "name": f"S{i}",
            "technology": draw(st.sampled_from(["combined-cycle", "solar", "reciprocating"])),
            "capacity_mw": draw(st.floats(1, 1000)),
            "date": dt.date(2026, 6, 1),
            "connection": draw(st.sampled_from(["behind-the-meter", "contracted"])),
        }
        for i in range(draw(st.integers(0, 2)))
    ]
    limit = draw(st.one_of(st.none(), st.floats(1, 1000)))
    return Campus.model_validate(
        {
            "name": "Drawn",
            "site": {
                "place": "x",
                "state": "LA",
                "climate": draw(st.sampled_from(["monroe-la", "columbus-oh"])),
                "grid": "miso",
            },
            "horizon": {"start": dt.date(2026, 1, 1), "years": 1},
            "phases": phases,
            "cooling": {
                "plant": draw(st.sampled_from(["closed-loop-dry", "waterside-economiser"]))
            },
            "power": {"interconnection_mw": limit, "sources": sources},
            "programme": {
                "training_share": 0.4,
                "training": [
                    {"name": "A", "model": "llama-3.1-405b", "tokens": draw(st.floats(1e10, 1e14))},
                    {"name": "B", "model": "llama-4-scout", "tokens": 4e13},
                    {"name": "C", "model": "llama-3.1-8b", "tokens": 1e13, "share": 0.1},
                ],
                "services": [
                    {"name": "Full", "model": "llama-4-maverick", "share": 0.2},
                    {
                        "name": "Chat",
                        "model": "llama-3.1-70b",
                        "share": 0.2,
                        "users": draw(st.floats(1e3, 1e9)),
                        "growth_per_year": 0.5,
                        "peak_to_mean": draw(st.floats(1, 2)),
                    },
                ],
                "research": {"share": 0.05, "takes_idle": draw(st.booleans())},
            },
        }
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(campuses())
def test_the_ledgers_close(campus):
    found = simulate_campus(campus).tables
    hourly, yearly = found["hourly"], found["yearly"]

    energy = found["ledger_energy"]
    used = energy["mwh"][energy["side"] == "use"]
    supplied = energy["mwh"][energy["side"] == "supply"]
    assert used.min() >= -1e-6
    assert used.sum() == pytest.approx(supplied.sum(), rel=1e-9, abs=1e-6)
    assert used.sum() == pytest.approx(hourly["facility_mw"].sum(), rel=1e-9, abs=1e-6)
    assert yearly["facility_energy_mwh"].sum() == pytest.approx(used.sum(), rel=1e-9, abs=1e-6)
    assert found["supply"]["energy_mwh"].sum() == pytest.approx(used.sum(), rel=1e-9, abs=1e-6)

    hours = found["ledger_accelerator_hours"]["hours"]
    assert hours.min(initial=0.0) >= 0.0
    assert hours.sum() == pytest.approx(hourly["chips_installed"].sum(), rel=1e-9)
    runs, services = found["training_runs"], found["services"]
    account = found["ledger_accelerator_hours"]["account"]
    assert runs["accelerator_hours"].sum() == pytest.approx(
        hours[account == "training"].sum(), rel=1e-9, abs=1e-6
    )
    assert services["accelerator_hours"].sum() == pytest.approx(
        hours[account == "hosting"].sum(), rel=1e-9, abs=1e-6
    )

    money = found["ledger_money"]
    assert money["usd"].sum() == pytest.approx(yearly["total_cost_usd"].sum(), rel=1e-9, abs=1e-3)
    for activity, part in (("training", runs["cost_usd"]), ("hosting", services["cost_usd"])):
        assert part.sum() == pytest.approx(
            money["usd"][money["activity"] == activity].sum(), rel=1e-6, abs=1e-3
        )
    assert found["supply"]["cost_usd"].sum() == pytest.approx(
        money["usd"][money["account"] == "electricity"].sum(), rel=1e-9, abs=1e-3
    )
    assert found["supply"]["co2_t"].sum() == pytest.approx(
        hourly["co2_market_t"].sum(), rel=1e-9, abs=1e-6
    )
    fed = hourly["onsite_mw"] + hourly["contracted_mw"] + hourly["grid_mw"]
    assert fed == pytest.approx(hourly["facility_mw"], rel=1e-9, abs=1e-9)
    assert hourly["tokens_trained"].sum() == pytest.approx(runs["tokens_trained"].sum(), rel=1e-9)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(campuses())
def test_no_hour_exceeds_what_is_there(campus):
    found = simulate_campus(campus).tables
    hourly = found["hourly"]
    assert np.all(hourly["facility_mw"] <= hourly["interconnection_mw"])
    assert np.all(hourly["it_mw"] <= hourly["facility_mw"] + 1e-9)
    assert np.all(hourly["it_mw"] <= hourly["it_capacity_mw"] + 1e-9)
    assert hourly["facility_mw"] == pytest.approx(hourly["it_mw"] * hourly["pue"], rel=1e-9)
    assert np.all(hourly["grid_mw"] >= 0)
    assert np.all(hourly["pue"] >= 1)
    assert np.all(hourly["capped_mw"] >= -1e-9)
    parts = [hourly[c] for c in hourly if c.startswith("chips_") and c != "chips_installed"]
    assert np.sum(parts, axis=0) == pytest.approx(hourly["chips_installed"], rel=1e-12)
    assert min(float(p.min()) for p in parts) >= 0
    runs = found["training_runs"]
    assert np.all(runs["tokens_trained"] <= runs["tokens_planned"] * (1 + 1e-9))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(campuses())
def test_work_never_exceeds_what_its_accelerators_and_power_allow(campus):
    clock = Clock.of(campus.horizon)
    lineage = Lineage()
    capacity = build_capacity(campus, clock, lineage)
    speeds = learn_speeds(campus, clock, capacity, lineage)
    plant = read_plant(campus, clock, capacity, lineage)
    use = {a: v for a, (v, _, _) in power_use(lineage).items()}
    allowed = np.minimum(capacity.interconnection_mw / plant.pue, capacity.it_mw)
    limits = Limits(capacity.installed, capacity.rated_mw, allowed, use)
    schedule = run_schedule(campus, clock, speeds, limits)

    total = np.sum(list(schedule.shares.values()), axis=0)
    assert total == pytest.approx(np.ones(clock.hours), abs=1e-9)
    assert min(float(share.min()) for share in schedule.shares.values()) >= -1e-12
    assert np.all(schedule.speed <= 1 + 1e-12)
    # An hour that is all of one stretch has one speed: its work is share x rate x speed.
    whole = np.ones(clock.hours, dtype=bool)
    for result in schedule.runs:
        if result.end_hour is not None and result.end_hour < clock.hours:
            whole[int(result.end_hour)] = False
    for result in schedule.runs:
        most = result.share * speeds.runs[result.run.name].rate * schedule.speed
        assert result.tokens[whole] == pytest.approx(most[whole], rel=1e-9, abs=1e-3)
    for result in schedule.services:
        job = speeds.services[result.service.name]
        most = result.share * job.rate * schedule.speed
        assert np.all(result.requests[whole] <= most[whole] * (1 + 1e-9) + 1e-6)
        if job.demand is not None:
            asked = result.requests + result.unserved
            assert asked == pytest.approx(job.demand, rel=1e-6, abs=1e-6)
    # Power is that of the same shares at the same speed, unless accelerators are switched off.
    drawn = sum(
        capacity.rated_mw * s * (use["idle"] + schedule.speed * (use[a] - use["idle"]))
        for a, s in schedule.shares.items()
    )
    it_mw = np.sum(list(schedule.it_mw.values()), axis=0)
    assert it_mw[whole] == pytest.approx(np.minimum(drawn, allowed)[whole], rel=1e-6, abs=1e-9)
