"""What a dispatch burns and emits: sums agree, storage is followed, the margin is the margin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from energy_systems import systems
from hypothesis import given, settings

from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.emissions import carbon_of_load, footprint, marginal_co2
from gigawatt.energy.system import Source, Storage, System

QUANTITIES = ("fuel_mmbtu", "co2_t", "upstream_co2_t", "nox_t", "water_m3")


def _with_all(system):
    """Return the system with every kind of emission, different for each source."""
    return replace(
        system,
        sources=tuple(
            replace(
                s, fuel=("gas", "sun")[i % 2], heat_mmbtu_per_mwh=6.0 + i, water_m3_per_mwh=0.5 * i,
                nox_kg_per_mwh=0.1 * (i + 1), upstream_co2_t_per_mwh=0.01 * (i + 1),
            )
            for i, s in enumerate(system.sources)
        ),
    )  # fmt: skip


@given(systems())
@settings(max_examples=30)
def test_sums_over_fuels_are_the_whole(system):
    found = dispatch(_with_all(system))
    one = footprint(found)
    for what in QUANTITIES:
        assert sum(one.by_fuel(what).values()) == pytest.approx(one.total(what))
    assert one.by_fuel("co2_t") == pytest.approx(found.co2_t_by_fuel)
    assert one.lifecycle_co2_t == pytest.approx(one.total("co2_t") + one.total("upstream_co2_t"))
    for i, source in enumerate(found.system.sources):
        energy = found.energy_mwh[source.name]
        assert one.fuel_mmbtu[source.name].sum() == pytest.approx((6.0 + i) * energy)
        assert one.nox_t[source.name].sum() == pytest.approx(1e-4 * (i + 1) * energy)


@given(systems())
@settings(max_examples=30)
def test_what_the_load_carries_is_what_is_emitted(system):
    found = dispatch(system)
    carried = carbon_of_load(found)
    used = float(carried.served_mw @ carried.co2_t_per_mwh) + carried.lost_co2_t
    assert used == pytest.approx(sum(found.co2_t.values()), rel=1e-5, abs=1e-3)
    assert 0.0 <= carried.matched_share <= 1.0 + 1e-9
    assert carried.co2_t_per_mwh.min() >= -1e-12


def _day(**terms):
    hours = np.arange(72)
    sun = np.clip(np.sin((hours % 24 - 6) / 12 * np.pi), 0.0, 1.0)
    return System(
        load_mw=np.full(72, 100.0),
        sources=(
            Source(name="sun", marginal_usd_per_mwh=0.0, capacity_mw=330.0, availability=sun),
            Source(name="gas", marginal_usd_per_mwh=40.0, capacity_mw=70.0, co2_t_per_mwh=0.35),
            Source(name="peaker", marginal_usd_per_mwh=80.0, capacity_mw=60.0, co2_t_per_mwh=0.55),
        ),
        storages=(
            Storage(name="battery", energy_hours=4.0, capacity_mw=50.0, charge_efficiency=0.9,
                    discharge_efficiency=0.9, discharge_usd_per_mwh=2.0),
        ),
        unserved_usd_per_mwh=5000.0, **terms,
    )  # fmt: skip


def test_the_margin_is_what_one_more_megawatt_emits():
    # Different costs in each hour leave no ties, at which the margin jumps.
    system = _day()
    jitter = np.random.default_rng(4).uniform(-3.0, 3.0, 72)
    gas = replace(system.sources[1], marginal_usd_per_mwh=40.0 + jitter)
    system = replace(system, sources=(system.sources[0], gas, system.sources[2]))
    found = dispatch(system)
    rate = marginal_co2(found)
    for hour in range(0, 72, 5):
        step = np.zeros(72)
        step[hour] = 0.2
        more, less = (
            sum(dispatch(replace(system, load_mw=system.load_mw + s)).co2_t.values())
            for s in (step, -step)
        )
        assert rate[hour] == pytest.approx((more - less) / 0.4, abs=2e-3)
    # In the sun nothing emits, at night the plant whose turn it is does, or the battery's refill.
    assert rate.min() == pytest.approx(0.0, abs=1e-4)
    assert rate.max() <= 0.55 / 0.81 + 1e-3


def test_without_storage_the_margin_is_the_price_setting_plant():
    gas = Source(name="gas", marginal_usd_per_mwh=40.0, capacity_mw=60.0, co2_t_per_mwh=0.35)
    grid = Source(name="grid", marginal_usd_per_mwh=70.0, capacity_mw=90.0, co2_t_per_mwh=0.5)
    load = np.array([30.0, 50.0, 80.0, 120.0])
    found = dispatch(System(load_mw=load, sources=(gas, grid)))
    assert marginal_co2(found) == pytest.approx([0.35, 0.35, 0.5, 0.5], abs=1e-4)
    capped = dispatch(System(load_mw=load, sources=(gas, grid), co2_usd_per_t=30.0))
    assert marginal_co2(capped) == pytest.approx([0.35, 0.35, 0.5, 0.5], abs=1e-4)


def test_matching_counts_the_hour_of_use():
    found = dispatch(_day())
    carried = carbon_of_load(found)
    clean = (found.energy_mwh["sun"] - found.spilt_mw.sum()) / found.system.load_mw.sum()
    # Batteries carry sunshine into the night, and lose some of it on the way.
    assert carried.matched_share < clean
    assert carried.matched_share == pytest.approx(
        (found.energy_mwh["sun"] - found.storage_loss_mw.sum()) / 7200.0, rel=1e-3
    )
    bare = dispatch(replace(_day(), storages=()))
    assert carbon_of_load(bare).matched_share < carried.matched_share
    # A grid that is clean in part counts for that part.
    grid = Source(name="grid", marginal_usd_per_mwh=10.0, capacity_mw=200.0, co2_t_per_mwh=0.4)
    bought = dispatch(System(load_mw=np.full(24, 100.0), sources=(grid,)))
    share = np.linspace(0.0, 1.0, 24)
    assert carbon_of_load(bought).matched_share == 0.0
    assert carbon_of_load(bought, {"grid": share}).matched_share == pytest.approx(0.5)
