"""A fleet: its ledgers close, failures agree with replays, scaling is late by what it should be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.compute.hosting.fleet.demand import (
    NO_OUTAGES,
    Outages,
    demand_per_s,
    drawn_failed,
    expected_failed,
    failed_quantile,
    failures_of,
)
from gigawatt.compute.hosting.fleet.simulate import Pool, Service, _missing, simulate_fleet
from gigawatt.compute.hosting.fleet.surface import Surface
from gigawatt.errors import InputError

WATCHED = Outages(failures_per_h=2e-3, repair_h=30.0, node_accelerators=4)


def surface(accelerators=8.0, most=10.0):
    rate = np.linspace(0.0, most, 11)
    ttft, tpot = 0.1 + 0.1 * rate / most, 0.01 + 0.02 * rate / most
    return Surface(
        rate_per_s=rate,
        concurrency=rate * (ttft + 99 * tpot),
        ttft_s=ttft,
        tpot_s=tpot,
        it_power_w=accelerators * (400.0 + 900.0 * rate / most),
        accelerators=accelerators,
        idle_w=400.0 * accelerators,
        rated_w=2000.0 * accelerators,
        input_tokens=1000.0,
        output_tokens=100.0,
        places=64.0,
    )


def service(name="chat", accelerators=8.0, **changes):
    return Service(name=name, surface=surface(accelerators), **{"rate_per_s": 8.0, **changes})


def pool(accelerators=1000.0, **changes):
    return Pool(accelerators=accelerators, idle_w=400.0, **changes)


services = st.builds(
    service,
    accelerators=st.sampled_from([1.0, 8.0, 72.0]),
    rate_per_s=st.floats(0.1, 10.0),
    priority=st.integers(0, 2),
    headroom=st.floats(0.0, 1.0),
    spares=st.integers(0, 3),
    least=st.integers(0, 3),
    start_up_h=st.floats(0.0, 4.0),
    hold_h=st.floats(0.0, 5.0),
)


@settings(max_examples=150)
@given(
    st.lists(services, min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
    st.floats(0.0, 5000.0),
    st.floats(0.0, 0.2),
    st.floats(0.0, 1.0),
    st.sampled_from([0.25, 1.0]),
)
def test_every_ledger_closes(offered, seed, accelerators, maintenance, drawn, step_h):
    rng = np.random.default_rng(seed)
    asked = rng.exponential(200.0, (len(offered), 40)) * rng.integers(0, 2, (len(offered), 40))
    there = accelerators * rng.uniform(0.5, 1.0, 40)
    failed = None if drawn < 0.5 else drawn_failed(there, WATCHED, steps=40, step_h=step_h)
    held = pool(there, outages=WATCHED, maintenance_share=maintenance)
    run = simulate_fleet(offered, asked, held, step_h=step_h, failed=failed)
    assert run.asked == pytest.approx(asked * 3600 * step_h)
    assert run.served + run.unserved == pytest.approx(run.asked, rel=1e-12)
    parts = (run.serving, run.starting, run.spare)
    assert sum(parts) == pytest.approx(run.there, rel=1e-12, abs=1e-9)
    everything = run.accelerators.sum(axis=0) + run.failed + run.maintained + run.idle
    assert everything == pytest.approx(there, rel=1e-12, abs=1e-9)
    total = sum(run.accelerator_hours().values())
    assert total == pytest.approx(there.sum() * step_h, rel=1e-12, abs=1e-9)
    for least in (*parts, run.unserved, run.idle, run.served, run.wanted - run.there):
        assert (least >= -1e-9 * (1 + np.abs(least).max())).all()
    limit = np.array([s.rate_per_s for s in offered])[:, np.newaxis]
    assert (run.served <= run.serving * limit * 3600 * step_h * (1 + 1e-9) + 1e-9).all()
    rated = np.array([s.surface.rated_w for s in offered])[:, np.newaxis]
    assert (run.service_power_w <= run.there * rated + 1e-6).all()


def test_steady_demand_is_served_within_the_limits():
    run = simulate_fleet([service()], np.full((1, 48), 80.0), pool())
    assert (run.there == 10).all()
    assert run.served == pytest.approx(run.asked)
    assert run.ttft_s == pytest.approx(0.18)
    assert run.tpot_s == pytest.approx(0.026)
    assert run.service_power_w == pytest.approx(80 * (400.0 + 720.0))
    assert run.energy_per_output_token_j == pytest.approx(80 * 1120.0 / 8000.0)
    assert run.it_power_w == pytest.approx(80 * 1120.0 + 920 * 400.0)


@pytest.mark.parametrize(
    ("start_up_h", "missed"), [(0.0, 1.0), (0.5, 1.5), (1.0, 2.0), (2.25, 3.25)]
)
def test_a_jump_is_met_as_late_as_observing_and_starting_take(start_up_h, missed):
    asked = np.where(np.arange(24) < 8, 80.0, 160.0)[np.newaxis]
    run = simulate_fleet([service(start_up_h=start_up_h)], asked, pool())
    assert run.unserved.sum() == pytest.approx(missed * 80.0 * 3600)


def test_perfect_foresight_misses_nothing():
    asked = 80.0 + 70.0 * np.sin(np.arange(100))[np.newaxis]
    run = simulate_fleet([service()], asked, pool(), observed_steps=0)
    assert np.abs(run.unserved).max() < 1e-6


def test_headroom_covers_what_grows_meanwhile():
    asked = 100.0 * 1.1 ** np.arange(20)[np.newaxis]
    late = simulate_fleet([service()], asked, pool(1e6))
    ready = simulate_fleet([service(headroom=0.21, start_up_h=1.0)], asked, pool(1e6))
    assert late.unserved.sum() > 0
    assert ready.unserved.sum() == pytest.approx(0.0, abs=1e-6)


def test_instances_are_kept_for_as_long_as_asked():
    asked = np.where(np.arange(12) == 4, 80.0, 8.0)[np.newaxis]
    run = simulate_fleet([service(hold_h=3.0)], asked, pool())
    assert list(run.there[0]) == [1, 1, 1, 1, 1, 10, 10, 10, 10, 1, 1, 1]


def test_who_comes_first_is_served_whole_and_the_next_what_is_left():
    asked = np.full((2, 6), 80.0)
    first, second = service("a", priority=1), service("b", priority=0)
    run = simulate_fleet([first, second], asked, pool(100.0))
    assert (run.there == [[2] * 6, [10] * 6]).all()
    assert run.unserved[1] == pytest.approx(0.0)
    assert run.idle == pytest.approx(4.0)
    assert run.served[0] == pytest.approx(2 * 8.0 * 3600)


def test_equal_priority_goes_by_order():
    run = simulate_fleet([service("a"), service("b")], np.full((2, 3), 80.0), pool(100.0))
    assert (run.there[:, 0] == [10, 2]).all()


@given(st.integers(1, 60), st.integers(0, 6), st.floats(0.001, 0.5))
def test_what_spares_do_not_make_up_for_is_the_mean_of_a_binomial(ready, spares, share):
    chances = np.ones(1)
    for _ in range(ready):
        chances = np.convolve(chances, [1 - share, share])
    expected = chances @ np.maximum(np.arange(ready + 1.0) - spares, 0.0)
    found = _missing(np.array([float(ready)]), np.array([min(float(spares), ready)]), share)
    assert found[0] == pytest.approx(expected, abs=1e-9)


def test_a_spare_saves_what_failures_would_cost():
    often = Outages(failures_per_h=0.01, repair_h=0.0, node_accelerators=4)
    asked = np.full((1, 10), 80.0)
    lost = [
        simulate_fleet(
            [service(spares=k, start_up_h=0.5)], asked, pool(outages=often)
        ).unserved.sum()
        for k in range(3)
    ]
    assert lost[0] > 10 * lost[1] > 100 * lost[2] >= 0


def test_no_failures_no_difference():
    asked = demand_per_s(48, 1e6, 3.0, swing=0.4)[np.newaxis]
    plain = simulate_fleet([service(start_up_h=0.5)], asked, pool())
    never = Outages(failures_per_h=0.0, repair_h=9.0, node_accelerators=4)
    assert (plain.served == simulate_fleet(
        [service(start_up_h=0.5)], asked, pool(outages=never)
    ).served).all()  # fmt: skip


def test_twice_the_demand_and_accelerators_are_twice_the_energy():
    asked = demand_per_s(72, [1e7], [3.0], swing=0.3)
    one = simulate_fleet([service()], asked, pool(1e4))
    two = simulate_fleet([service()], 2 * asked, pool(2e4))
    assert two.it_power_w.sum() == pytest.approx(2 * one.it_power_w.sum(), rel=0.01)


def test_the_mean_out_of_order_agrees_with_a_drawn_history():
    drawn = drawn_failed(4000.0, WATCHED, steps=100_000, seed=3)
    assert drawn.mean() == pytest.approx(expected_failed(4000.0, WATCHED), rel=0.01)
    # Repairs overlap from hour to hour: the history is no noise.
    assert np.corrcoef(drawn[:-1], drawn[1:])[0, 1] > 0.9


def test_the_band_of_failures_holds_a_drawn_history():
    low, high = failed_quantile(4000.0, WATCHED, [0.1, 0.9])
    drawn = drawn_failed(4000.0, WATCHED, steps=100_000, seed=4)
    assert np.mean((drawn >= low) & (drawn <= high)) == pytest.approx(0.8, abs=0.05)


@given(st.integers(1, 400), st.floats(0.01, 0.99))
def test_the_band_is_the_binomial_one(nodes, quantile):
    chances = np.ones(1)
    for _ in range(nodes):
        chances = np.convolve(chances, [1 - WATCHED.out_share, WATCHED.out_share])
    down = int(failed_quantile(nodes * 4.0, WATCHED, quantile) / 4)
    assert chances[: down + 1].sum() >= quantile - 1e-9
    assert chances[:down].sum() <= quantile + 1e-9


def test_a_history_depends_on_its_seed_alone():
    first, again = (drawn_failed(4000.0, WATCHED, steps=99, seed=5) for _ in range(2))
    assert (first == again).all()
    assert (first != drawn_failed(4000.0, WATCHED, steps=99, seed=6)).any()


def test_published_rates_are_those_of_the_catalogue():
    found = failures_of("llama-3-405b", 24.0)
    assert found.failures_per_h * 24 == pytest.approx(419 / (16384 / 8) / 54, rel=0.01)
    assert failures_of("llama-3-405b", 24.0, 4).node_accelerators == 4


@given(st.floats(0.0, 1.0), st.floats(0.0, 24.0), st.sampled_from([0.25, 1.0, 3.0]))
def test_a_day_holds_its_requests_however_it_is_cut(swing, peak, step_h):
    rate = demand_per_s(24, 1e6, 3.5, swing=swing, peak_hour=peak, step_h=step_h)
    assert rate.sum() * step_h * 3600 == pytest.approx(3.5e6)
    assert (rate >= -1e-9).all()


def test_demand_peaks_when_told_and_grows_as_told():
    day = demand_per_s(24, 1e6, 3.5, swing=0.5, peak_hour=15.5)
    assert day.argmax() == 15
    years = demand_per_s(2 * 8760, [1e6, 2e6], 3.5, swing=0.2, growth_per_year=[0.5, 0.0])
    assert years[0, 8760:].sum() == pytest.approx(1.5 * years[0, :8760].sum())
    assert years[1, 8760:].sum() == pytest.approx(years[1, :8760].sum())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: service(rate_per_s=0.0),
        lambda: service(rate_per_s=11.0),
        lambda: service(spares=-1),
        lambda: pool(-1.0),
        lambda: pool(maintenance_share=2.0),
        lambda: Outages(failures_per_h=-1.0, repair_h=1.0, node_accelerators=1),
        lambda: Outages(failures_per_h=1.0, repair_h=1.0, node_accelerators=0),
        lambda: demand_per_s(24, 1.0, 1.0, swing=2.0),
        lambda: demand_per_s(24, 1.0, 1.0, step_h=5.0),
        lambda: failed_quantile(100.0, WATCHED, 1.0),
        lambda: simulate_fleet([], np.ones((0, 3)), pool()),
        lambda: simulate_fleet([service()], np.ones((2, 3)), pool()),
        lambda: simulate_fleet([service()], -np.ones((1, 3)), pool()),
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()


def test_nothing_out_of_order_without_outages():
    assert failed_quantile(100.0, NO_OUTAGES, 0.9) == 0.0
    assert (drawn_failed(100.0, NO_OUTAGES, steps=3) == 0.0).all()
