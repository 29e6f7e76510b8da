"""What weather lets a plant do: laws of thermodynamics and hand calculations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.site import psychrometrics as air
from gigawatt.site.cooling_plant import cooling_plant
from gigawatt.site.cooling_weather import (
    air_side,
    chiller_cop,
    loop_weather,
    tower_approach_factor,
    tower_water_kg_per_kj,
)
from gigawatt.site.weather import Weather

PRESSURE_PA = 1e5
LOOPS = [
    (entry.id, loop)
    for entry in catalog.load().entries("cooling_plant")
    for loop in cooling_plant(entry.id).loops
]
CHILLERS = [(name, loop) for name, loop in LOOPS if loop.chiller != "none"]


def at(dry, dew):
    """Return weather of the given hours."""
    dry, dew = np.broadcast_arrays(np.asarray(dry, float), np.asarray(dew, float))
    times = np.datetime64("2001-01-01", "h") + np.arange(dry.size)
    return Weather("made up", times, dry.ravel(), dew.ravel(), np.full(dry.size, PRESSURE_PA))


@pytest.mark.parametrize(("name", "loop"), CHILLERS)
@given(dry=st.floats(-30.0, 50.0), depression=st.floats(0.0, 30.0))
def test_no_chiller_beats_carnot(name, loop, dry, depression):
    """Between the water it makes and the condenser water or air as it leaves."""
    del name
    weather = at([dry], [dry - depression])
    approach = loop.approach_k * np.ones(1)
    cop = chiller_cop(loop, weather.dry_bulb_c, weather.wet_bulb_c, approach)[0]
    inlet = weather.wet_bulb_c[0] + approach[0] if loop.chiller == "water" else dry
    lift = inlet + loop.condenser_rise_k - loop.chilled_water_c
    assert cop > 0.0
    if lift > 0.0:
        assert cop < (loop.chilled_water_c + 273.15) / lift


def test_chillers_reach_the_rated_points_that_they_stand_on():
    """ASHRAE 90.1-2022: 5.33 at 7 and 35 C, 2.99 with air of 35 C."""
    water = cooling_plant("waterside-economiser").air_loop
    found = chiller_cop(water, np.array([35.0]), np.array([25.25]), np.array([4.75]))
    assert found[0] == pytest.approx(5.33, rel=0.01)
    loop = replace(cooling_plant("meta-outside-air").air_loop, chilled_water_c=7.0)
    found = chiller_cop(loop, np.array([35.0]), np.array([25.0]), np.array([0.0]))
    assert found[0] == pytest.approx(2.99, rel=0.01)


def test_an_approach_widens_in_the_cold():
    """CTI curves: from 24 C of wet bulb to 10 C it grows by 1.5 to 2 at the same heat."""
    loop = cooling_plant("waterside-economiser").air_loop
    wet = np.linspace(-15.0, 32.0, 48)
    factor = tower_approach_factor(loop, wet, np.full(wet.shape, PRESSURE_PA))
    assert (np.diff(factor) < 0.0).all()
    assert np.interp(24.0, wet, factor) == pytest.approx(1.0, abs=1e-6)
    assert 1.5 < np.interp(10.0, wet, factor) < 2.0


@given(st.floats(-20.0, 42.0), st.floats(0.0, 25.0), st.floats(0.3, 3.0))
def test_a_tower_evaporates_less_than_its_heat_unless_the_air_is_hot(dry, depression, ratio):
    loop = replace(cooling_plant("google-tower").air_loop, liquid_to_gas=ratio)
    weather = at([dry], [dry - depression])
    kg = tower_water_kg_per_kj(loop, weather, None)[0]
    outlet = (
        air.enthalpy_kj_per_kg(dry, weather.humidity_ratio) + ratio * 4.186 * loop.tower_range_k
    )
    outlet_c = air.saturated_temperature_c(outlet, PRESSURE_PA)
    latent = kg * 2501.0
    # In air of 42 C it also takes up heat of the air: 1.25 g for each kJ, at the most.
    assert 0.0 < kg < 1.3 / 1000.0
    # All the heat leaves as vapour only where the air leaves no warmer than it came.
    assert (latent > 1.0) <= (outlet_c[0] < dry + 2.0)


def test_a_latent_share_of_one_is_the_heat_of_vaporisation():
    loop = cooling_plant("waterside-economiser").air_loop
    weather = at([25.0], [18.0])
    kg = tower_water_kg_per_kj(loop, weather, 1.0)[0]
    assert kg == pytest.approx(1.0 / 2435.0, rel=0.005)  # steam tables: 2435 kJ/kg at 28 C


def test_outside_air_does_what_the_table_says():
    plant = replace(
        cooling_plant("airside-adiabatic"),
        dew_point_min_c=-10.0,
        dew_point_max_c=18.0,
        humidity_max=0.8,
        adiabatic_effectiveness=0.85,
        supply_air_c=27.0,
        supply_air_min_c=15.0,
        air_rise_k=15.0,
    )
    names = ["mild", "cold", "cold and dry", "hot and dry", "humid", "damp", "desert"]
    weather = at(
        [20.0, 0.0, -15.0, 35.0, 30.0, 20.0, 45.0], [10.0, -3.0, -20.0, 5.0, 25.0, 19.0, 12.0]
    )
    side = air_side(plant, weather)
    share = dict(zip(names, side.loop_share, strict=True))
    water = dict(zip(names, side.water_kg_per_kj, strict=True))
    assert share["mild"] == share["cold"] == share["cold and dry"] == share["hot and dry"] == 0.0
    assert share["humid"] == share["damp"] == 1.0
    assert 0.0 < share["desert"] < 1.0
    assert water["mild"] == water["cold"] == water["humid"] == 0.0
    # Cold and dry: half of the air is from outside (15 K of 45 K), moistened to -10 C dew point.
    dry, moist = (float(air.humidity_ratio_at_dew_point(t, PRESSURE_PA)) for t in (-20.0, -10.0))
    assert water["cold and dry"] == pytest.approx((moist - dry) * 15.0 / 45.0 / (1.02 * 15.0))
    # Hot and dry: 8 K of cooling at 1.02 kJ/kg/K takes about 8.1 / 2,480 kg of water.
    assert water["hot and dry"] * 1.02 * 15.0 == pytest.approx(8.0 * 1.016 / 2480.0, rel=0.01)


def test_mixing_with_return_air_dries_cool_damp_air():
    weather = at([18.0], [17.0])
    refused = cooling_plant("airside-adiabatic")
    assert air_side(refused, weather).loop_share[0] == 1.0
    mixed = replace(refused, mixed_wet_bulb_c=60.0)
    assert air_side(mixed, weather).loop_share[0] == 0.0


@pytest.mark.parametrize(("name", "loop"), LOOPS)
def test_hotter_and_more_humid_air_never_helps(name, loop):
    del name
    weather = at(np.linspace(-10.0, 45.0, 56), np.linspace(-15.0, 29.0, 56))
    found = loop_weather(loop, weather, None)
    assert (np.diff(found.most_load) <= 1e-12).all()
    assert (np.diff(found.chiller_capacity) <= 1e-12).all()
    assert (np.diff(1.0 / found.cop) >= -1e-12).all()
    assert (found.padded_c <= weather.dry_bulb_c).all()
    assert (found.padded_c >= weather.wet_bulb_c - 1e-9).all()


@pytest.mark.parametrize(("name", "loop"), LOOPS)
def test_the_most_load_is_what_economiser_and_chillers_carry(name, loop):
    """Put the load back into the split between them: the chillers are just full, or it is 1."""
    del name
    weather = at(np.linspace(-10.0, 50.0, 61), np.linspace(-15.0, 30.0, 61))
    for capacity in (0.1, 0.4, 1.0):
        some = replace(loop, chiller_capacity=capacity)
        found = loop_weather(some, weather, None)
        load = found.most_load
        reach = (some.approach_k * found.approach_factor + some.exchanger_approach_k) * load
        gap = some.supply_c + some.range_k - found.padded_c
        share = np.clip(gap / (some.range_k + reach), 0.0, 1.0)
        share = share if some.economiser != "none" else 0.0 * share
        rest = load * (1.0 - share)
        assert (rest <= found.chiller_capacity * (1.0 + 1e-9) + 1e-12).all()
        below = load < 1.0 - 1e-9
        assert rest[below] == pytest.approx(found.chiller_capacity[below], abs=1e-9)
