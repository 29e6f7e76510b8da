"""Terms of contracts, limits of permits, and load that can move or give way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.energy.dispatch.diagnose import InfeasibleError
from gigawatt.energy.dispatch.merit import order_of_merit
from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.expansion.plan import plan_supply
from gigawatt.energy.system import Source, Storage, System, Throttle
from gigawatt.errors import InputError, NotModelledError

LOAD = np.array([50.0, 80.0, 120.0, 60.0])


def _gas(**terms):
    return Source(name="gas", marginal_usd_per_mwh=10.0, capacity_mw=100.0, **terms)


def _grid(**terms):
    # 400 USD a MW over these four hours.
    return Source(name="grid", marginal_usd_per_mwh=50.0, most_mw=200.0,
                  capital_usd_per_mw_year=100.0 * 8760.0, **terms)  # fmt: skip


@given(st.floats(1.0, 800.0))
def test_a_contract_is_left_where_its_fee_is_less_than_keeping_it(fee):
    plan = plan_supply(System(load_mw=LOAD, sources=(_grid(exit_usd_per_mw=fee), _gas())))
    # 20 MW are needed in the third hour; the rest of 200 MW is kept only if leaving costs more.
    left = 180.0 if fee < 400.0 else 0.0
    if abs(fee - 400.0) > 1.0:
        assert plan.capacity_mw["grid"] == pytest.approx(200.0 - left, abs=1e-3)
        assert plan.dispatch.cost_usd["exit fee grid"] == pytest.approx(fee * left, abs=0.1)
    assert plan.total_usd == pytest.approx(
        400.0 * (200.0 - left) + fee * left + 50.0 * 20.0 + 10.0 * 290.0, rel=1e-3
    )
    assert plan.gap < 1e-6


def test_at_a_fixed_capacity_the_fee_is_that_of_what_is_given_up():
    system = System(load_mw=LOAD, sources=(_grid(exit_usd_per_mw=70.0), _gas()))
    found = dispatch(system, {"grid": 60.0})
    assert found.cost_usd["exit fee grid"] == pytest.approx(70.0 * 140.0)
    assert dispatch(system, {"grid": 200.0}).cost_usd["exit fee grid"] == pytest.approx(0.0)
    assert 0.0 <= found.gap < 1e-7
    with pytest.raises(InputError, match="exit_usd_per_mw must not be negative and needs most_mw"):
        replace(system, sources=(replace(system.sources[0], most_mw=np.inf), _gas()))


def test_a_permit_says_by_how_much_it_is_too_tight():
    system = System(load_mw=LOAD, sources=(_gas(water_m3_per_mwh=2.0, nox_kg_per_mwh=0.5), _grid()))
    with pytest.raises(InfeasibleError) as caught:
        dispatch(replace(system, water_most_m3=200.0), {"grid": 20.0})
    # 310 MWh less the grid's 80 MWh must come from the gas plant.
    assert "water cannot be held to 200 m3: at least 260 m3 more" in str(caught.value)
    with pytest.raises(InfeasibleError, match=r"nitrogen oxides cannot be held to 0.1 t: at least 0.015 t"):  # fmt: skip  # noqa: E501
        dispatch(replace(system, nox_most_t=0.1), {"grid": 20.0})
    kept = dispatch(replace(system, water_most_m3=500.0), {"grid": 20.0})
    assert kept.energy_mwh["gas"] * 2.0 <= 500.0 * (1.0 + 1e-5)
    assert kept.total_usd > dispatch(system, {"grid": 20.0}).total_usd
    with pytest.raises(NotModelledError, match="couple the hours"):
        order_of_merit(replace(system, water_most_m3=500.0, unserved_usd_per_mwh=1e3,
                               sources=(system.sources[0],)))  # fmt: skip


@given(st.floats(5.0, 150.0))
def test_training_gives_way_where_its_tokens_are_worth_less_than_power(worth):
    # Tokens lost for a MWh times their price is what a throttled MWh costs.
    price = np.array([20.0, 60.0, 100.0, 140.0])
    grid = Source(name="grid", marginal_usd_per_mwh=price, capacity_mw=100.0)
    training = Throttle(name="training", most_mw=30.0, usd_per_mwh=worth)
    found = dispatch(System(load_mw=np.full(4, 80.0), sources=(grid,), throttles=(training,)))
    expected = np.where(price > worth, 30.0, 0.0)
    clear = np.abs(price - worth) > 0.1
    assert found.throttled_mw["training"][clear] == pytest.approx(expected[clear], abs=1e-5)
    assert found.cost_usd["training"] == pytest.approx(
        worth * found.throttled_mw["training"].sum(), rel=1e-6, abs=1e-6
    )


def test_jobs_that_wait_run_when_power_is_cheap_and_all_run():
    hours = np.arange(48)
    price = np.where(hours % 24 < 8, 20.0, 70.0)
    grid = Source(name="grid", marginal_usd_per_mwh=price, capacity_mw=200.0)
    # Batch jobs of up to 25 MW that can wait or be brought forward: a store without losses.
    jobs = Storage(name="jobs", energy_hours=8.0, capacity_mw=25.0)
    rigid = System(load_mw=np.full(48, 100.0), sources=(grid,))
    found = dispatch(replace(rigid, storages=(jobs,)))
    drawn = found.output_mw["grid"]
    assert drawn.sum() == pytest.approx(100.0 * 48, rel=1e-9)  # nothing is lost
    assert drawn[hours % 24 < 8] == pytest.approx(125.0, abs=1e-4)
    # 8 hours of 25 MW a day move from 70 to 20 USD.
    saved = dispatch(rigid).total_usd - found.total_usd
    assert saved == pytest.approx(2 * 8 * 25.0 * 50.0, rel=1e-5)
    assert found.storage_loss_mw.sum() == pytest.approx(0.0, abs=1e-5)


def test_highs_prints_nothing(capfd):
    from gigawatt.energy.dispatch.build import build
    from gigawatt.energy.program.monolithic import solve_monolithic

    program = build(System(load_mw=LOAD, sources=(_gas(),), unserved_usd_per_mwh=900.0)).program
    point = solve_monolithic(program)
    assert program.objective(point.x, point.capacity) == pytest.approx(10.0 * 290.0 + 900.0 * 20.0)
    assert capfd.readouterr().out == ""
