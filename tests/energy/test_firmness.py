"""Units that fail, and load that goes unserved: against the table of outages, and the program."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
import pytest

from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.expansion.firmness import Fleet, firm_requirement, outage_availability
from gigawatt.energy.expansion.reliability import exact_reliability, simulate_reliability
from gigawatt.energy.expansion.reliable import meet_reliability
from gigawatt.energy.system import Source, Storage, System, Throttle
from gigawatt.errors import InputError, NotModelledError


def test_outages_have_their_rate_and_their_length():
    fleet = Fleet(units=1, forced_outage_rate=0.1, mean_repair_h=20.0)
    available = outage_availability(fleet, 400_000, 0)
    out = available < 0.5
    assert out.mean() == pytest.approx(0.1, abs=0.01)
    ends = np.count_nonzero(out[:-1] & ~out[1:])
    assert out.sum() / ends == pytest.approx(20.0, rel=0.05)


def test_outages_begin_in_their_steady_state():
    fleet = Fleet(units=1, forced_outage_rate=0.2, mean_repair_h=40.0)
    drawn = np.array([outage_availability(fleet, 30, [3, i]) for i in range(4000)])
    assert 1.0 - drawn.mean(axis=0) == pytest.approx(np.full(30, 0.2), abs=0.025)


def test_more_units_leave_the_first_ones_as_they_were():
    fleet = Fleet(unit_mw=50.0, forced_outage_rate=0.1, mean_repair_h=20.0)
    two = 2 * outage_availability(fleet, 500, 5, units=2)
    three = 3 * outage_availability(fleet, 500, 5, units=3)
    assert set(np.round(three - two, 9)) == {0.0, 1.0}
    assert (fleet.count(100.0), fleet.count(100.1), fleet.count(0.0)) == (2, 3, 1)


def test_times_give_the_rate():
    fleet = Fleet.of_times(900.0, 100.0, units=3)
    assert fleet.forced_outage_rate == pytest.approx(0.1)
    assert fleet.fails == pytest.approx(1 / 900)


def _two_fleets(hours=8760):
    """Units of two kinds, sun and a load that swings, as a system and its fleets."""
    t = np.arange(hours)
    sun = np.clip(np.sin((t % 24 - 6) / 12 * np.pi), 0, 1)
    system = System(
        load_mw=300.0 + 40.0 * np.sin(t / 24 * 2 * np.pi),
        sources=(
            Source(name="gas", marginal_usd_per_mwh=30.0, capacity_mw=320.0),
            Source(name="engines", marginal_usd_per_mwh=50.0, capacity_mw=60.0,
                   availability=1.0 - 0.1 * sun),
            Source(name="sun", marginal_usd_per_mwh=0.0, capacity_mw=50.0, availability=sun),
        ),
        unserved_usd_per_mwh=5000.0,
    )  # fmt: skip
    fleets = {
        "gas": Fleet(units=4, forced_outage_rate=0.05, mean_repair_h=40.0),
        "engines": Fleet(unit_mw=12.0, forced_outage_rate=0.08, mean_repair_h=10.0),
    }
    return system, fleets


def test_the_table_is_the_sum_over_all_states():
    system, fleets = _two_fleets(48)
    hours = energy = 0.0
    for i in range(5):
        for j in range(6):
            chance = comb(4, i) * 0.95**i * 0.05 ** (4 - i) * comb(5, j) * 0.92**j * 0.08 ** (5 - j)
            given = i * 80.0 + j * 12.0 * system.sources[1].availability
            short = np.maximum(system.load_mw - given - 50.0 * system.sources[2].availability, 0)
            hours += chance * (short > 0).sum()
            energy += chance * short.sum()
    assert exact_reliability(system, fleets) == pytest.approx((hours, energy), rel=1e-9)


def test_simulated_outages_agree_with_the_table():
    system, fleets = _two_fleets()
    hours, energy = exact_reliability(system, fleets)
    found = simulate_reliability(system, fleets, draws=300, seed=1)
    assert found.lolh_h == pytest.approx(hours, abs=4 * found.lolh_error_h)
    assert found.lolh_h == pytest.approx(hours, rel=0.05)
    assert found.eue_mwh == pytest.approx(energy, rel=0.05)
    low, middle, high = found.bands()["loss_of_load_h"]
    assert low < hours < high
    assert low <= middle <= high
    assert found.lole_days <= found.lolh_h <= 24.0 * found.lole_days


def test_a_throttle_takes_its_part_and_no_more():
    system, fleets = _two_fleets(2000)
    eased = replace(system, throttles=(Throttle(name="jobs", most_mw=30.0, usd_per_mwh=100.0),))
    hours, energy = exact_reliability(eased, fleets)
    found = simulate_reliability(eased, fleets, draws=200, seed=4)
    assert found.lolh_h == pytest.approx(hours, rel=0.15)
    assert found.eue_mwh == pytest.approx(energy, rel=0.15)
    bare = simulate_reliability(system, fleets, draws=200, seed=4)
    assert found.eue_mwh + found.throttled_mwh.mean() == pytest.approx(bare.eue_mwh, rel=1e-9)


def _with_stores(hours=240):
    system, fleets = _two_fleets(hours)
    stores = (
        Storage(name="short", energy_hours=1.0, capacity_mw=40.0, charge_efficiency=0.9,
                discharge_efficiency=0.9),
        Storage(name="long", energy_hours=8.0, capacity_mw=15.0, charge_efficiency=0.9,
                discharge_efficiency=0.9),
    )  # fmt: skip
    return replace(system, storages=stores), fleets


def test_riding_storage_leaves_no_more_unserved_than_foresight_does():
    # A shortage of a few hours amid plenty: what the exact program cannot serve with all it knows,
    # the rule without foresight leaves unserved, and no more.
    system, _ = _with_stores()
    for seed in range(6):
        random = np.random.default_rng(seed)
        up = np.ones(240)
        begin = 100 + int(random.integers(40))
        up[begin : begin + int(random.integers(3, 12))] = 1.0 - random.uniform(0.2, 0.5)
        sources = (replace(system.sources[0], availability=up), *system.sources[1:])
        one = replace(system, sources=sources)
        known = dispatch(one).unserved_mwh
        ridden = simulate_reliability(one, {}, draws=1, seed=0).eue_mwh
        assert ridden == pytest.approx(known, rel=1e-5, abs=1e-2)


def test_storage_never_adds_unserved_load():
    system, fleets = _with_stores(2000)
    bare = simulate_reliability(replace(system, storages=()), fleets, draws=20, seed=2)
    found = simulate_reliability(system, fleets, draws=20, seed=2)
    assert (found.unserved_mwh <= bare.unserved_mwh + 1e-9).all()
    assert found.eue_mwh < bare.eue_mwh


def _to_plan(hours=720, seed=0):
    random = np.random.default_rng(seed)
    load = 300.0 + 30.0 * np.sin(np.arange(hours) / 24 * 2 * np.pi) + random.normal(0, 5, hours)
    return System(
        load_mw=load,
        sources=(
            Source(name="base", marginal_usd_per_mwh=30.0, capital_usd_per_mw_year=2e5,
                   firm_share=0.95),
            Source(name="peak", marginal_usd_per_mwh=90.0, capital_usd_per_mw_year=1e5,
                   firm_share=0.92),
        ),
        unserved_usd_per_mwh=2000.0,
    )  # fmt: skip


FLEETS = {
    "base": Fleet(unit_mw=60.0, forced_outage_rate=0.05, mean_repair_h=50.0),
    "peak": Fleet(unit_mw=20.0, forced_outage_rate=0.08, mean_repair_h=20.0),
}


def test_a_target_is_met_and_no_less_firm_plan_meets_it():
    years = [_to_plan(seed=s) for s in (0, 1)]
    found = meet_reliability(years, FLEETS, most_lolh_h=1.0, draws=60, seed=3)
    assert found.reliability.lolh_h <= 1.0
    assert found.firm_mw > 0.0
    assert found.firmness_usd > 0.0
    assert found.trials[0].firm_mw == 0.0
    assert found.trials[0].lolh_h > 1.0
    below = [t for t in found.trials if t.firm_mw < found.firm_mw]
    assert all(t.lolh_h > 1.0 for t in below)
    assert found.firm_mw - below[-1].firm_mw <= 0.01 * max(y.load_mw.max() for y in years)
    assert found.firmness_usd == pytest.approx(
        found.plan.total_usd - found.trials[0].total_usd, rel=1e-12
    )
    # Capacities hold the requirement, and the table of outages agrees with the draws.
    firm = 0.95 * found.plan.capacity_mw["base"] + 0.92 * found.plan.capacity_mw["peak"]
    assert firm >= found.firm_mw * (1 - 1e-6)
    exact = [exact_reliability(y, FLEETS, capacity_mw=found.plan.capacity_mw)[0] for y in years]
    error = found.reliability.lolh_error_h
    assert found.reliability.lolh_h == pytest.approx(np.mean(exact), abs=4 * error)


def test_a_target_that_is_met_already_costs_nothing():
    found = meet_reliability(_to_plan(240), {}, most_lolh_h=50.0, draws=1, seed=0)
    assert found.firm_mw == 0.0
    assert found.firmness_usd == 0.0
    assert len(found.trials) == 1


def test_a_target_out_of_reach_is_said():
    system = _to_plan(240)
    sources = tuple(
        replace(s, availability=np.where(np.arange(240) == 50, 0.0, 1.0)) for s in system.sources
    )
    with pytest.raises(InputError, match=r"is missed with .* MW of firm capacity still"):
        meet_reliability(replace(system, sources=sources), FLEETS, most_lolh_h=0.5, draws=2, seed=0)


def test_spare_units_are_the_largest():
    assert firm_requirement(100.0, [10.0, 40.0, 20.0], 1) == 140.0
    with pytest.raises(InputError, match="cannot be spare"):
        firm_requirement(100.0, [10.0], 2)


def test_mistakes_are_named():
    with pytest.raises(InputError, match="either units >= 1 or unit_mw"):
        Fleet(units=0, forced_outage_rate=0.1, mean_repair_h=5.0)
    with pytest.raises(InputError, match="either units >= 1 or unit_mw"):
        Fleet(units=2, unit_mw=10.0, forced_outage_rate=0.1, mean_repair_h=5.0)
    with pytest.raises(InputError, match="found 1 and 5"):
        Fleet(units=2, forced_outage_rate=1.0, mean_repair_h=5.0)
    with pytest.raises(InputError, match="cannot be 95%"):
        Fleet(units=1, forced_outage_rate=0.95, mean_repair_h=1.0)
    with pytest.raises(InputError, match="times to failure"):
        Fleet.of_times(0.0, 10.0, units=1)
    with pytest.raises(InputError, match="how many units"):
        outage_availability(FLEETS["base"], 10, 0)
    system, fleets = _two_fleets(24)
    with pytest.raises(InputError, match="no source named coal"):
        simulate_reliability(system, {"coal": fleets["gas"]}, draws=1, seed=0)
    with pytest.raises(InputError, match="no capacity is stated for base, peak"):
        simulate_reliability(_to_plan(24), FLEETS, draws=1, seed=0)
    with pytest.raises(InputError, match="at least one weather year and one draw"):
        simulate_reliability(system, fleets, draws=0, seed=0)
    with pytest.raises(NotModelledError, match="knows no storage"):
        exact_reliability(*_with_stores(24))
