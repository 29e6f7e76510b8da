"""Least-cost supply: the published oracle, HiGHS on the whole program, and what must hold."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from energy_oracle import oracle_system

from gigawatt.energy.dispatch.build import build
from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.expansion.plan import plan_supply
from gigawatt.energy.program.bounds import lower_bound
from gigawatt.energy.program.interior import solve
from gigawatt.energy.program.monolithic import solve_monolithic
from gigawatt.energy.system import Source, Storage, System, Throttle


@pytest.fixture(scope="module")
def oracle(shared):
    folder = shared / "oracles" / "energy"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    system = oracle_system(folder)
    return system, expected, plan_supply(system)


def test_the_oracle_comes_out_with_a_certificate(oracle):
    _, expected, plan = oracle
    known = expected["objective_usd_per_year"]
    assert plan.lower_bound_usd <= known * (1 + 1e-9)
    assert plan.total_usd >= known * (1 - 1e-9)
    assert plan.total_usd == pytest.approx(known, rel=1e-7)
    assert plan.gap < 1e-7
    for name, capacity in expected["capacity_mw"].items():
        assert plan.capacity_mw[name] == pytest.approx(capacity, rel=0.02, abs=0.05)


def test_the_oracle_is_fast(oracle):
    # Compiled by now; timing on a busy machine is no measurement, so the goal is held loosely.
    system, _, plan = oracle
    begun = time.process_time()
    plan_supply(system)
    assert time.process_time() - begun < 10.0
    begun = time.process_time()
    dispatch(system, plan.capacity_mw)
    assert time.process_time() - begun < 3.0


def test_the_planned_capacities_dispatch_to_the_planned_cost(oracle):
    system, _, plan = oracle
    run = dispatch(system, plan.capacity_mw)
    assert run.total_usd == pytest.approx(plan.dispatch.total_usd, rel=1e-7)
    supply = sum(run.output_mw.values()) + sum(run.discharge_mw.values()) + run.unserved_mw
    assert supply == pytest.approx(system.load_mw + sum(run.charge_mw.values()), abs=1e-6)
    assert run.wasted_hours == 0
    assert set(run.co2_t_by_fuel) == {
        "grid", "natural gas", "nuclear", "solar", "wind"
    }  # fmt: skip


def test_no_capacity_nearby_is_cheaper(oracle):
    system, _, plan = oracle
    price = {p.name: p.capital_usd_per_mw_year for p in system.planned}
    for name in ("ccgt", "solar", "battery"):
        for factor in (0.95, 1.05):
            capacity = {**plan.capacity_mw, name: plan.capacity_mw[name] * factor}
            capital = sum(price[n] * capacity[n] for n in price)
            assert capital + dispatch(system, capacity).total_usd >= plan.lower_bound_usd


def test_six_weeks_agree_with_highs_on_the_whole_program(shared):
    system = oracle_system(shared / "oracles" / "energy", hours=1008)
    program = build(system).program
    own, whole = solve(program), solve_monolithic(program)
    value = program.objective(whole.x, whole.capacity)
    assert program.objective(own.x, own.capacity) == pytest.approx(value, rel=1e-7)
    assert lower_bound(program, own.price, own.linking_price) == pytest.approx(value, rel=1e-7)
    assert plan_supply(system).total_usd == pytest.approx(value, rel=1e-7)


def _wave(hours, base, swing):
    return base + swing * np.sin(np.arange(hours) * 2 * np.pi / 24.0)


def test_twice_the_campus_costs_twice_as_much():
    gas = Source(name="gas", marginal_usd_per_mwh=40.0, capital_usd_per_mw_year=1e5,
                 ramp_per_hour=0.2)  # fmt: skip
    sun = Source(name="sun", marginal_usd_per_mwh=0.0, capital_usd_per_mw_year=6e4,
                 availability=np.clip(_wave(240, -0.2, 1.0), 0.0, 1.0))  # fmt: skip
    one = plan_supply(System(load_mw=_wave(240, 100.0, 20.0), sources=(gas, sun)))
    two = plan_supply(System(load_mw=_wave(240, 200.0, 40.0), sources=(gas, sun)))
    assert two.total_usd == pytest.approx(2.0 * one.total_usd, rel=1e-6)


def test_a_dearer_carbon_price_never_emits_more():
    gas = Source(name="gas", marginal_usd_per_mwh=30.0, capital_usd_per_mw_year=1e5,
                 co2_t_per_mwh=0.4)  # fmt: skip
    wind = Source(name="wind", marginal_usd_per_mwh=0.0, capital_usd_per_mw_year=1.4e5,
                  availability=np.random.default_rng(1).uniform(0.0, 0.7, 500))  # fmt: skip
    emitted = [
        sum(
            plan_supply(
                System(load_mw=np.full(500, 100.0), sources=(gas, wind), co2_usd_per_t=price)
            ).dispatch.co2_t.values()
        )
        for price in (0.0, 50.0, 150.0, 500.0)
    ]
    assert emitted == sorted(emitted, reverse=True)
    assert emitted[-1] < 0.9 * emitted[0]


def test_a_cap_binds_and_its_shadow_price_reproduces_it():
    gas = Source(name="gas", marginal_usd_per_mwh=30.0, capital_usd_per_mw_year=1e5,
                 co2_t_per_mwh=0.4)  # fmt: skip
    wind = Source(name="wind", marginal_usd_per_mwh=0.0, capital_usd_per_mw_year=1.4e5,
                  availability=np.random.default_rng(1).uniform(0.1, 0.7, 300))  # fmt: skip
    load = np.full(300, 100.0)
    cap = 6000.0
    capped = plan_supply(System(load_mw=load, sources=(gas, wind), co2_most_t=cap))
    assert sum(capped.dispatch.co2_t.values()) == pytest.approx(cap, rel=1e-5)
    free = plan_supply(System(load_mw=load, sources=(gas, wind)))
    assert free.total_usd < capped.total_usd


def test_a_season_with_every_term_is_certified():
    hours, random = 2016, np.random.default_rng(5)
    gust = np.clip(np.cumsum(random.normal(0.0, 0.06, hours)) % 2.0 - 1.0, -1.0, 1.0) ** 2
    system = System(
        load_mw=_wave(hours, 900.0, 60.0) + random.normal(0.0, 15.0, hours),
        sources=(
            Source(name="grid", marginal_usd_per_mwh=_wave(hours, 45.0, 15.0), co2_t_per_mwh=0.4,
                   capital_usd_per_mw_year=6e4, most_mw=700.0, demand_usd_per_mw=8e3,
                   least_demand_mw=250.0, least_energy_mwh=4e5, shortfall_usd_per_mwh=20.0),
            Source(name="gas", marginal_usd_per_mwh=40.0, co2_t_per_mwh=0.37, ramp_per_hour=0.3,
                   capital_usd_per_mw_year=1.8e5),
            Source(name="nuclear", marginal_usd_per_mwh=30.0, capacity_mw=150.0, least_output=0.7),
            Source(name="wind", marginal_usd_per_mwh=0.0, availability=gust,
                   capital_usd_per_mw_year=1.4e5, most_mw=2000.0),
        ),
        storages=(
            Storage(name="battery", energy_hours=4.0, charge_efficiency=0.92,
                    discharge_efficiency=0.92, discharge_usd_per_mwh=0.5,
                    capital_usd_per_mw_year=7.5e4),
            Storage(name="jobs", energy_hours=6.0, capacity_mw=40.0),
        ),
        throttles=(Throttle(name="training", most_mw=200.0, usd_per_mwh=110.0),),
        unserved_usd_per_mwh=1e4, unserved_most_mwh=50.0, co2_usd_per_t=20.0, co2_most_t=3e5,
        clean_share=0.5, billing_period=np.arange(hours) // 672,
    )  # fmt: skip
    plan = plan_supply(system, firm_mw=1200.0)
    assert 0.0 <= plan.gap < 1e-6
    run = plan.dispatch
    assert run.unserved_mwh <= 50.0 * (1 + 1e-5)
    assert sum(run.co2_t.values()) <= 3e5 * (1 + 1e-5)
    emitting = run.output_mw["grid"].sum() + run.output_mw["gas"].sum()
    assert emitting <= 0.5 * system.load_mw.sum() * (1 + 1e-5)
    assert run.demand_mw["grid"].shape == (3,)
    assert sum(plan.capacity_mw.values()) >= 1200.0 * (1 - 1e-6)


def test_firm_capacity_is_held():
    gas = Source(name="gas", marginal_usd_per_mwh=30.0, capital_usd_per_mw_year=1e5)
    grid = Source(name="grid", marginal_usd_per_mwh=20.0, capacity_mw=100.0, firm_share=0.5)
    system = System(load_mw=np.full(48, 90.0), sources=(gas, grid))
    assert plan_supply(system).capacity_mw["gas"] == pytest.approx(0.0, abs=1e-3)
    assert plan_supply(system, firm_mw=120.0).capacity_mw["gas"] == pytest.approx(70.0, rel=1e-6)
