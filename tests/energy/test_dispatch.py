"""Dispatch agrees with scipy's linprog, and its books close."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from energy_reference import least_cost
from energy_systems import systems
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.energy.dispatch.build import build
from gigawatt.energy.dispatch.diagnose import InfeasibleError
from gigawatt.energy.dispatch.merit import fill
from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.expansion.plan import UnboundedError, plan_supply
from gigawatt.energy.program.bounds import lower_bound
from gigawatt.energy.program.interior import NotConvergedError, solve
from gigawatt.energy.system import Source, Storage, System, Throttle, billing_months
from gigawatt.errors import InputError


@given(systems())
@settings(max_examples=40)
def test_the_cost_is_that_of_linprog(system):
    found = dispatch(system)
    expected = least_cost(system)
    assert expected.status == 0
    assert found.total_usd == pytest.approx(expected.fun, rel=1e-6, abs=1e-3)
    assert found.lower_bound_usd == pytest.approx(expected.fun, rel=1e-6, abs=1e-3)


@given(systems(planned=True))
@settings(max_examples=40)
def test_the_plan_is_that_of_linprog(system):
    firm = 60.0
    expected = least_cost(system, firm_mw=firm)
    if expected.status == 2:
        with pytest.raises(InfeasibleError):
            plan_supply(system, firm_mw=firm)
        return
    assert expected.status == 0
    found = plan_supply(system, firm_mw=firm)
    assert found.total_usd == pytest.approx(expected.fun, rel=1e-6, abs=1e-2)
    assert found.lower_bound_usd == pytest.approx(expected.fun, rel=1e-6, abs=1e-2)


@given(systems(planned=True, hard=True))
@settings(max_examples=40)
def test_what_cannot_be_kept_is_what_linprog_finds_infeasible(system):
    expected = least_cost(system)
    if expected.status == 2:
        with pytest.raises(InfeasibleError, match=r"MWh|MW| t more|unserved"):
            plan_supply(system)
    else:
        found = plan_supply(system)
        assert found.total_usd == pytest.approx(expected.fun, rel=1e-6, abs=1e-2)


@given(systems())
@settings(max_examples=40)
def test_the_books_close(system):
    found = dispatch(system)
    zero = np.zeros(system.hours)
    supply = sum((*found.output_mw.values(), *found.discharge_mw.values()), zero)
    relief = sum(found.throttled_mw.values(), found.unserved_mw)
    drawn = system.load_mw + sum(found.charge_mw.values(), zero) + found.spilt_mw
    close = 1e-6 + 1e-7 * system.load_mw.max()  # what the polish takes for rounding
    assert supply + relief == pytest.approx(drawn, abs=close)
    # The same with storage as losses and what stays in it.
    stays = sum((s - np.roll(s, 1) for s in found.stored_mwh.values()), zero)
    output = sum(found.output_mw.values(), zero)
    assert output + relief == pytest.approx(
        system.load_mw + found.storage_loss_mw + stays + found.spilt_mw, abs=close
    )
    assert found.total_usd == pytest.approx(sum(found.cost_usd.values()))
    assert sum(found.co2_t_by_fuel.values()) == pytest.approx(sum(found.co2_t.values()))
    for storage in system.storages:
        charge, give = found.charge_mw[storage.name], found.discharge_mw[storage.name]
        stored = found.stored_mwh[storage.name]
        # At once only where energy is worth less than nothing: a minimum take, a ramp to come.
        worthless = found.price_usd_per_mwh < 0.0
        assert not (charge * give)[~worthless].any()
        assert found.wasted_hours <= worthless.sum()
        assert max(charge.max(), give.max()) <= storage.capacity_mw
        assert 0.0 <= stored.min() <= stored.max() <= storage.capacity_mw * storage.energy_hours
        kept = (1 - storage.loss_per_hour) * np.roll(stored, 1)
        gain = charge * storage.charge_efficiency - give / storage.discharge_efficiency
        assert stored == pytest.approx(kept + gain, abs=1e-6)
    for source in system.sources:
        output = found.output_mw[source.name]
        assert output.min() >= 0.0
        assert np.all(output <= source.capacity_mw * system.series(source.availability) + 1e-9)
        if source.ramp_per_hour is not None:
            reach = source.ramp_per_hour * source.capacity_mw
            assert np.abs(np.diff(output)).max(initial=0.0) <= reach + 2.0 * close


def test_a_ramp_to_come_makes_energy_worthless_and_a_store_wastes_it():
    # To give more in the second hour the plant must give more than is needed in the first.
    plant = Source(name="plant", marginal_usd_per_mwh=20.0, capacity_mw=34.0, ramp_per_hour=0.25)
    store = Storage(name="store", energy_hours=0.5, capacity_mw=5.0, charge_efficiency=0.75,
                    discharge_usd_per_mwh=0.5)  # fmt: skip
    system = System(load_mw=np.array([22.0, 120.0, 140.0]), sources=(plant,), storages=(store,),
                    unserved_usd_per_mwh=5000.0)  # fmt: skip
    found = dispatch(system)
    assert found.total_usd == pytest.approx(least_cost(system).fun, rel=1e-6)
    assert found.price_usd_per_mwh[0] < 0.0
    assert found.output_mw["plant"][0] > 22.0
    both = np.minimum(found.charge_mw["store"], found.discharge_mw["store"])
    assert both[0] > 0.0
    assert both[1:].tolist() == [0.0, 0.0]


@given(systems())
@settings(max_examples=30)
def test_without_ties_between_hours_the_order_of_merit_is_exact(system):
    free = [
        Source(
            name=s.name, marginal_usd_per_mwh=s.marginal_usd_per_mwh, capacity_mw=s.capacity_mw,
            availability=s.availability, co2_t_per_mwh=s.co2_t_per_mwh,
        )
        for s in system.sources
    ]  # fmt: skip
    plain = System(
        load_mw=system.load_mw, sources=tuple(free), unserved_usd_per_mwh=5000.0,
        co2_usd_per_t=system.co2_usd_per_t,
    )  # fmt: skip
    cost = np.stack([plain.cost_of(s) for s in free])
    room = np.stack([plain.series(s.availability) * s.capacity_mw for s in free])
    taken, left = fill(plain.load_mw, room, cost)
    total = (cost * taken).sum() + 5000.0 * left.sum()
    assert dispatch(plain).total_usd == pytest.approx(total, rel=1e-9)


@given(systems(planned=True), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_any_prices_certify_a_bound(system, seed):
    expected = least_cost(system)
    assert expected.status == 0
    program = build(system).program
    random = np.random.default_rng(seed)
    price = random.normal(30.0, 60.0, program.right.shape)
    linking = random.normal(0.0, 20.0, len(program.linking)) * system.hours
    assert lower_bound(program, price, linking) <= expected.fun + 1e-6 * abs(expected.fun)


def test_the_solver_says_when_it_falls_short():
    program = build(System(load_mw=LOAD, sources=(_gas(capacity_mw=200.0),))).program
    impossible = replace(program, right=program.right + 1e9, upper=np.minimum(program.upper, 1.0))
    with pytest.raises(NotConvergedError, match="found only to"):
        solve(impossible)


def _gas(**terms):
    return Source(name="gas", marginal_usd_per_mwh=40.0, **terms)


LOAD = np.array([50.0, 80.0, 120.0, 60.0])


def test_missing_power_is_named_with_its_hours():
    system = System(load_mw=LOAD, sources=(_gas(capacity_mw=70.0),))
    with pytest.raises(InfeasibleError) as caught:
        dispatch(system)
    text = str(caught.value)
    assert "2 hours (1, 2)" in text
    assert "60 MWh are missing" in text
    assert "at most 50 MW, in hour 2" in text


def test_a_ramp_that_is_too_slow_is_seen():
    system = System(load_mw=LOAD, sources=(_gas(capacity_mw=200.0, ramp_per_hour=0.1),))
    with pytest.raises(InfeasibleError, match="the load cannot be served in"):
        dispatch(system)


def test_plants_that_must_run_are_named():
    system = System(load_mw=LOAD, sources=(_gas(capacity_mw=100.0, least_output=0.7),),
                    unserved_usd_per_mwh=1e4)  # fmt: skip
    with pytest.raises(InfeasibleError) as caught:
        dispatch(system)
    assert "30 MWh have nowhere to go, at most 20 MW, in hour 0" in str(caught.value)


def test_a_limit_on_emissions_says_by_how_much():
    system = System(
        load_mw=LOAD, sources=(_gas(capacity_mw=200.0, co2_t_per_mwh=0.5),), co2_most_t=100.0
    )
    with pytest.raises(InfeasibleError, match=r"held to 100 t: at least 55 t more"):
        dispatch(system)


def test_a_clean_share_says_by_how_much():
    system = System(
        load_mw=LOAD, sources=(_gas(capacity_mw=200.0, co2_t_per_mwh=0.5),), clean_share=0.5
    )
    with pytest.raises(InfeasibleError, match=r"50.00% cannot be reached.* 155 MWh more"):
        dispatch(system)


def test_a_minimum_take_that_nobody_can_use():
    system = System(load_mw=LOAD, sources=(_gas(capacity_mw=200.0, least_energy_mwh=400.0),))
    with pytest.raises(InfeasibleError, match=r"gas: the minimum take of 400 MWh.* 90 MWh are too"):
        dispatch(system)


def test_a_reliability_target_says_by_how_much():
    system = System(load_mw=LOAD, sources=(_gas(capacity_mw=70.0),),
                    unserved_usd_per_mwh=1e3, unserved_most_mwh=20.0)  # fmt: skip
    with pytest.raises(InfeasibleError, match=r"held to 20 MWh: at least 40 MWh more"):
        dispatch(system)
    with pytest.raises(InputError, match="state unserved_usd_per_mwh too"):
        replace(system, unserved_usd_per_mwh=None)


def test_months_are_billing_periods():
    months = billing_months("2027-01-01T00:00", 8760)
    assert np.bincount(months).tolist() == [
        24 * d for d in (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    ]


def test_firm_capacity_that_may_not_be_built():
    system = System(load_mw=LOAD, sources=(_gas(most_mw=150.0, capital_usd_per_mw_year=1e5),))
    with pytest.raises(InfeasibleError, match=r"firm capacity falls short by 50 MW"):
        plan_supply(system, firm_mw=200.0)


def test_a_capacity_that_pays_for_itself_without_limit():
    # Paid to take power, it would build batteries to waste it in.
    paid = Source(name="grid", marginal_usd_per_mwh=-50.0, capital_usd_per_mw_year=10.0)
    waste = Storage(name="battery", energy_hours=2.0, charge_efficiency=0.5,
                    discharge_efficiency=0.5, capital_usd_per_mw_year=10.0)  # fmt: skip
    with pytest.raises(UnboundedError, match=r"grid, battery: each further MW earns more"):
        plan_supply(System(load_mw=LOAD, sources=(paid,), storages=(waste,)))


def test_a_missing_capacity_is_asked_for():
    with pytest.raises(InputError, match="no capacity is stated for gas"):
        dispatch(System(load_mw=LOAD, sources=(_gas(),)))


def test_mistakes_are_all_named_at_once():
    with pytest.raises(InputError) as caught:
        System(
            load_mw=LOAD,
            sources=(_gas(capacity_mw=-1.0), _gas(capacity_mw=1.0, availability=np.ones(3))),
        )
    text = str(caught.value)
    assert "'gas' is used more than once" in text
    assert "capacity_mw must be finite and not negative" in text
    assert "availability must have 4 hours" in text


def test_a_throttle_gives_way_when_power_is_dearer():
    throttle = Throttle(name="training", most_mw=30.0, usd_per_mwh=60.0)
    dear = Source(name="peaker", marginal_usd_per_mwh=100.0, capacity_mw=100.0)
    found = dispatch(
        System(load_mw=LOAD, sources=(_gas(capacity_mw=70.0), dear), throttles=(throttle,))
    )
    assert found.throttled_mw["training"].tolist() == [0.0, 10.0, 30.0, 0.0]
    assert found.output_mw["peaker"].tolist() == [0.0, 0.0, 20.0, 0.0]
    assert found.price_usd_per_mwh == pytest.approx([40.0, 60.0, 100.0, 40.0], abs=1e-3)


def test_the_demand_charge_is_on_the_peak_of_each_period():
    grid = Source(name="grid", marginal_usd_per_mwh=10.0, capacity_mw=200.0,
                  demand_usd_per_mw=1000.0, least_demand_mw=90.0)  # fmt: skip
    system = System(load_mw=LOAD, sources=(grid,), billing_period=np.array([0, 0, 1, 1]))
    found = dispatch(system)
    assert found.demand_mw["grid"].tolist() == [90.0, 120.0]
    assert found.cost_usd["demand charge grid"] == pytest.approx(210_000.0)
    assert found.total_usd == pytest.approx(210_000.0 + 10.0 * LOAD.sum())
