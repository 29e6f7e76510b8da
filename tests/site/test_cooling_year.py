"""A plant under load: energy balance, affinity laws, limits, reuse, speed."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError
from gigawatt.site.cooling_designs import design_range
from gigawatt.site.cooling_plant import cooling_plant, sample_designs, sized_for
from gigawatt.site.cooling_year import simulate_cooling
from gigawatt.site.synthetic_weather import heat_wave, synthetic_year
from gigawatt.site.weather import Weather

BOOK = catalog.load()
NAMES = [entry.id for entry in BOOK.entries("cooling_plant")]
DESIGNS = {name: sample_designs(name, 5, seed=11) for name in NAMES}


def at(dry, dew, pressure=1e5):
    dry, dew, pressure = np.broadcast_arrays(*(np.asarray(v, float) for v in (dry, dew, pressure)))
    times = np.datetime64("2001-01-01", "h") + np.arange(dry.size)
    return Weather("made up", times, dry.ravel(), dew.ravel(), pressure.ravel())


@pytest.fixture(scope="module")
def year():
    months = BOOK.where("month", climate="monroe-la")
    return synthetic_year(BOOK.get("climate", "monroe-la"), months, seed=3)


steps = st.lists(
    st.tuples(st.floats(-35.0, 50.0), st.floats(0.0, 30.0), st.floats(0.0, 1.0)),
    min_size=2,
    max_size=6,
)


@settings(max_examples=100)
@given(
    name=st.sampled_from(NAMES),
    design=st.integers(0, 4),
    steps=steps,
    loss=st.floats(0.0, 0.3),
    limit=st.one_of(st.none(), st.floats(10.0, 200.0)),
    reuse=st.floats(0.0, 60.0),
    pressure=st.floats(7e4, 1.05e5),
)
def test_energy_in_is_heat_out(name, design, steps, loss, limit, reuse, pressure):
    """Of any plant, weather, load and limit: first law, and nothing below zero."""
    plant = DESIGNS[name][design]
    dry, depression, load = (np.array(column) for column in zip(*steps, strict=True))
    it = np.column_stack([load * 60.0, load[::-1] * 40.0])
    found = simulate_cooling(
        plant,
        at(dry, dry - depression, pressure),
        it,
        it * loss,
        outside_loss_mw=it * 0.01,
        design_it_mw=np.array([60.0, 40.0]),
        design_loss_mw=np.array([60.0, 40.0]) * loss,
        limit_mw=limit,
        reuse_mw=reuse if plant.liquid_loop else 0.0,
        by_hall=True,
    )
    assert found.by_hall_it_mw.sum(axis=1) == pytest.approx(found.it_mw, rel=1e-9, abs=1e-9)
    assert found.by_hall_cooling_mw.sum(axis=1) == pytest.approx(
        found.cooling_mw, rel=1e-9, abs=1e-9
    )
    assert found.by_hall_it_mw.sum(axis=0) == pytest.approx(found.hall_it_mwh, rel=1e-9, abs=1e-9)
    heat_in = found.it_mw + found.loss_mw + found.other_mw + found.cooling_mw
    assert found.heat_out_mw + found.reuse_mw == pytest.approx(heat_in, rel=1e-9, abs=1e-9)
    parts = (
        found.it_mw, found.loss_mw, found.outside_loss_mw, found.other_mw, found.hall_fan_mw,
        found.pump_mw, found.compressor_mw, found.rejection_fan_mw,
    )  # fmt: skip
    assert found.facility_mw == pytest.approx(sum(parts), rel=1e-12)
    for part in (*parts, found.evaporation_m3_per_h, found.blowdown_m3_per_h):
        assert (part >= 0.0).all()
    for cut in (found.curtailed_cooling_mw, found.curtailed_limit_mw):
        assert (cut >= -1e-9).all()
    wanted = found.it_mw + found.curtailed_cooling_mw + found.curtailed_limit_mw
    assert wanted == pytest.approx(it.sum(axis=1), rel=1e-9, abs=1e-9)
    assert found.hall_it_mwh.sum() == pytest.approx(found.it_mw.sum(), rel=1e-9, abs=1e-9)
    assert found.hall_cooling_mwh.sum() == pytest.approx(found.cooling_mw.sum(), rel=1e-9, abs=1e-9)
    # Heat is never carried by chillers twice, and they take work for it.
    assert (found.chiller_heat_mw <= heat_in + 1e-9).all()
    assert (found.compressor_mw <= found.chiller_heat_mw + 1e-9).all()
    if limit is not None:
        least = simulate_cooling(
            plant, at(dry, dry - depression, pressure), 0.0 * it, design_it_mw=[60.0, 40.0],
            design_loss_mw=np.array([60.0, 40.0]) * loss,
        )  # fmt: skip
        assert (found.facility_mw <= np.maximum(limit, least.facility_mw) * (1 + 1e-6)).all()


@pytest.mark.parametrize("name", NAMES)
def test_twice_the_campus_takes_twice_as_much(name, year):
    plant = cooling_plant(name)
    one = simulate_cooling(plant, year, 50.0, 3.0)
    two = simulate_cooling(plant, year, np.full((8760, 2), 50.0), 3.0)
    for field in ("facility_mw", "water_m3_per_h", "heat_out_mw", "curtailed_cooling_mw"):
        assert getattr(two, field) == pytest.approx(2.0 * getattr(one, field), rel=1e-9)
    assert two.margin == pytest.approx(one.margin)


def test_fans_and_pumps_follow_the_cube_of_the_flow():
    plant = replace(cooling_plant("google-tower"), least_fan_speed=0.01, other_share=0.0)
    plant = replace(plant, air_loop=replace(plant.air_loop, least_speed=0.01))
    loads = np.array([100.0, 50.0, 25.0])
    found = simulate_cooling(plant, at([5.0] * 3, [2.0] * 3), loads)
    assert found.hall_fan_mw / found.hall_fan_mw[0] == pytest.approx((loads / 100.0) ** 3)
    # Pumps carry the fans' heat too, which falls faster: a little less than the cube.
    ratio = found.pump_mw / found.pump_mw[0] / (loads / 100.0) ** 3
    assert ratio == pytest.approx(1.0, abs=0.05)


def test_fan_and_pump_power_by_hand():
    """100 MW through 12.2 K of air against 500 Pa at 0.775; water 7.5 K against 143.65 kPa."""
    plant = replace(cooling_plant("waterside-economiser"), air_rise_k=12.2, other_share=0.0)
    found = simulate_cooling(plant, at([10.0], [5.0], 101325.0), 100.0)
    flow_m3_per_s = 100e3 / (1.02 * 12.2) / 1.157  # kg/s over kg/m3 at 31 C
    assert found.hall_fan_mw[0] == pytest.approx(flow_m3_per_s * 500.0 / 0.775 / 1e6, rel=0.01)
    heat_kw = (100.0 + found.hall_fan_mw[0]) * 1e3
    loop = heat_kw / (4.186 * 7.5) / 1000.0 * 143650.0 / 0.7 / 1e6
    tower = heat_kw / (4.186 * 5.0) / 1000.0 * 208650.0 / 0.7 / 1e6
    assert found.pump_mw[0] == pytest.approx(loop + tower, rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_warmer_climate_never_takes_less_cooling_power(name, year):
    plant = cooling_plant(name)
    powers = [
        simulate_cooling(plant, year.warmer(k), 50.0, design_it_mw=50.0) for k in (0.0, 2.0, 4.0)
    ]
    pue = [found.mean_pue for found in powers]
    # Thinner air at the same pressure is the same to fans here; only humidification may fall.
    assert pue[0] <= pue[1] + 1e-4
    assert pue[1] <= pue[2] + 1e-4


def test_a_heat_wave_binds_a_plant_without_chillers(year):
    """Dry coolers of 10 K approach keep 40 C water up to 30 C of air; 45 C up to 35 C."""
    plant = cooling_plant("closed-loop-dry")
    loop = replace(plant.liquid_loop, chiller="none", supply_c=40.0, supply_max_c=45.0)
    plant = sized_for(replace(plant, liquid_loop=loop), wet_bulb_c=30.0, dry_bulb_c=42.0)
    loop = plant.liquid_loop
    hot = heat_wave(
        year, start="2001-07-20", days=4, peak_dry_bulb_c=42.0, dew_point_c=22.0,
        daily_range_k=10.0, utc_offset_h=-6.0,
    )  # fmt: skip
    found = simulate_cooling(plant, hot, 100.0, 5.0)
    binds = found.curtailed_cooling_mw > 1e-6
    assert np.array_equal(binds, hot.dry_bulb_c > 35.0 + 1e-9)
    assert np.array_equal(binds, found.margin < -1e-9)
    # At 42 C the water may lie 3 K above the air: three tenths of the design heat.
    assert found.curtailed_cooling_mw.max() == pytest.approx(70.0, abs=0.5)
    assert simulate_cooling(
        plant, hot, 30.0, 1.5, design_it_mw=100.0
    ).curtailed_cooling_mw.max() == (pytest.approx(0.0, abs=0.2))
    pads = replace(plant, liquid_loop=replace(loop, adiabatic_effectiveness=0.85))
    helped = simulate_cooling(pads, hot, 100.0, 5.0)
    assert helped.curtailed_cooling_mw.max() == pytest.approx(0.0, abs=1e-6)
    assert helped.water_m3 > 0.0 == found.water_m3


def test_pads_and_coldness_save_chillers():
    weather = at(np.linspace(-20.0, 45.0, 66), np.linspace(-25.0, 15.0, 66))
    dry = simulate_cooling(cooling_plant("closed-loop-dry"), weather, 100.0)
    wet = simulate_cooling(cooling_plant("closed-loop-adiabatic"), weather, 100.0)
    assert (wet.compressor_mw <= dry.compressor_mw + 1e-9).all()
    assert wet.trim_h < dry.trim_h
    assert (wet.water_m3_per_h[weather.dry_bulb_c < 5.0] == 0.0).all()
    warmer = replace(cooling_plant("closed-loop-dry").liquid_loop, supply_c=45.0)
    warm = replace(
        cooling_plant("closed-loop-dry"), liquid_loop=replace(warmer, chilled_water_c=45.0)
    )
    assert simulate_cooling(warm, weather, 100.0).compressor_mw.sum() < dry.compressor_mw.sum()


def test_more_liquid_saves_fans():
    weather = at([25.0], [15.0])
    plant = cooling_plant("closed-loop-dry")
    fans = [
        simulate_cooling(replace(plant, liquid_share=share), weather, 100.0).hall_fan_mw[0]
        for share in (0.3, 0.6, 0.9)
    ]
    assert fans[0] > fans[1] > fans[2]


def test_an_interconnection_limit_cuts_just_enough(year):
    plant = cooling_plant("waterside-economiser")
    it = np.column_stack([np.full(8760, 60.0), np.full(8760, 40.0)])
    free = simulate_cooling(plant, year, it, it * 0.06)
    limit = float(np.percentile(free.facility_mw, 90.0))
    held = simulate_cooling(plant, year, it, it * 0.06, limit_mw=limit)
    over = free.facility_mw > limit
    assert held.facility_mw[over] == pytest.approx(limit, rel=1e-9)
    assert held.facility_mw[~over] == pytest.approx(free.facility_mw[~over])
    assert (held.curtailed_limit_mw[over] > 0.0).all()
    assert (held.curtailed_limit_mw[~over] == 0.0).all()
    assert held.it_mw + held.curtailed_limit_mw == pytest.approx(100.0)
    assert held.hall_it_mwh.sum() == pytest.approx(held.it_mw.sum())


def test_heat_given_away_is_not_thrown_away():
    plant = cooling_plant("closed-loop-dry")
    weather = at([20.0, 20.0], [10.0, 10.0])
    none = simulate_cooling(plant, weather, 100.0, 4.0)
    some = simulate_cooling(plant, weather, 100.0, 4.0, reuse_mw=30.0, reuse_least_c=55.0)
    assert some.reuse_mw == pytest.approx(30.0)
    assert (some.rejection_fan_mw < none.rejection_fan_mw).all()
    all_of_it = simulate_cooling(plant, weather, 100.0, 4.0, reuse_mw=1e6)
    assert all_of_it.reuse_mw == pytest.approx(85.0)
    with pytest.raises(NotModelledError, match="takes a heat pump"):
        simulate_cooling(plant, weather, 100.0, reuse_mw=1.0, reuse_least_c=70.0)
    with pytest.raises(NotModelledError, match="no liquid loop"):
        simulate_cooling(cooling_plant("google-tower"), weather, 100.0, reuse_mw=1.0)


def test_minutes_between_hours_run_straight(year):
    plant = cooling_plant("meta-outside-air")
    hours = simulate_cooling(plant, year, 50.0)
    minutes = simulate_cooling(plant, year, np.full(8760 * 4, 50.0))
    assert minutes.step_h == 0.25
    assert minutes.facility_mw[::4] == pytest.approx(hours.facility_mw)
    assert minutes.mean_pue == pytest.approx(hours.mean_pue, rel=1e-3)
    assert minutes.water_m3 == pytest.approx(hours.water_m3, rel=0.02)


def test_a_dark_hall_takes_what_its_lights_take():
    found = simulate_cooling(
        cooling_plant("google-tower"), at([20.0], [10.0]), 0.0, design_it_mw=100.0
    )
    assert found.cooling_mw[0] == found.facility_mw[0] == 0.0
    assert found.pue[0] == np.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"it_mw": np.full(7, 1.0)}, "whole number of steps"),
        ({"it_mw": np.array([1.0, -1.0])}, "not negative"),
        ({"it_mw": np.array([1.0, np.nan])}, "finite"),
        ({"it_mw": np.array([1.0, 2.0]), "design_it_mw": 1.5}, "hall 0 wants 2 MW"),
        ({"it_mw": np.ones((2, 3)), "loss_mw": np.ones((2, 4))}, "do not fit"),
    ],
)
def test_loads_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        simulate_cooling(cooling_plant("google-tower"), at([20.0, 20.0], [10.0, 10.0]), **arguments)


def test_a_range_of_designs_is_in_order_and_repeats(year):
    found = design_range("waterside-economiser", year, count=12, seed=2)
    assert list(found.pue) == sorted(found.pue)
    assert list(found.wue_l_per_kwh) == sorted(found.wue_l_per_kwh)
    assert found == design_range("waterside-economiser", year, count=12, seed=2)
    more = design_range("waterside-economiser", year, count=12, seed=2, loss_ratio=0.2)
    assert more.pue[1] > found.pue[1]


def test_a_year_of_minutes_of_forty_halls_takes_a_second(year):
    """5 GW: the goal is 2 s for electrical chain and cooling together."""
    plant = cooling_plant("closed-loop-dry")
    rng = np.random.default_rng(0)
    it = 125.0 * (0.7 + 0.3 * rng.random((525600, 40)))
    loss = it[:1] * 0.05
    simulate_cooling(plant, year, 1.0)  # compiles
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        found = simulate_cooling(plant, year, it, loss, design_it_mw=125.0, design_loss_mw=6.25)
        best = min(best, time.process_time() - start)
    assert found.it_mw.size == 525600
    assert best < 1.2
