"""Ageing of batteries, and a price of wear that is consistent with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.system import Source, Storage, System
from gigawatt.energy.wear import (
    Use,
    anode_potential,
    cell,
    fade,
    life_years,
    use_of,
    wear_price,
)
from gigawatt.errors import InputError

CELL = cell()
DAILY = Use(cycles_per_year=365.0)


def test_the_potential_of_the_anode_is_the_published_one():
    # B. Xu et al. (2018) and NREL's models normalise by 0.123 V at half charge.
    assert anode_potential(0.5) == pytest.approx(0.123, abs=5e-4)
    assert np.all(np.diff(anode_potential(np.linspace(0.0, 1.0, 50))) < 0.0)


def test_time_alone_and_cycles_alone():
    calendar, cycles = fade(CELL, replace(DAILY, cycles_per_year=0.0), np.array([1.0, 4.0]))
    assert cycles.tolist() == [0.0, 0.0]
    # The model's power of time, 0.526.
    assert calendar[1] / calendar[0] == pytest.approx(4.0**0.526)
    _, many = fade(CELL, DAILY, np.array([1.0, 4.0]))
    assert many[1] / many[0] == pytest.approx(4.0**0.828)


@given(st.floats(50.0, 700.0), st.floats(10.0, 40.0), st.floats(0.1, 0.9))
def test_the_price_of_wear_pays_for_what_cycling_wore(cycles, warmth, charge):
    use = Use(cycles_per_year=cycles, temperature_c=warmth, charge=charge)
    years = life_years(CELL, use, 0.7)
    calendar, by_cycle = fade(CELL, use, years)
    if years < 99.0:
        assert float(calendar + by_cycle) == pytest.approx(0.3, rel=1e-9)
    # A kWh of battery gives `cycles` kWh a year at the price; over its life that is the part of
    # its own price that cycling wore.
    paid = wear_price(CELL, use, 200.0) / 1000.0 * cycles * years
    assert paid == pytest.approx(200.0 * float(by_cycle / (calendar + by_cycle)), rel=1e-9)


def test_warmth_and_a_full_battery_age():
    idle = Use(cycles_per_year=0.0)
    warm, cool = (float(fade(CELL, replace(idle, temperature_c=c), 10.0)[0]) for c in (35.0, 15.0))
    assert warm > 1.5 * cool
    full, low = (float(fade(CELL, replace(idle, charge=c), 10.0)[0]) for c in (0.95, 0.2))
    assert full > low
    assert wear_price(CELL, idle, 200.0) == 0.0
    # A cycle a day to 70 % takes one to three decades: what is warranted for such cells.
    assert 10.0 < life_years(CELL, DAILY) < 30.0


def test_a_dispatch_says_how_its_battery_is_used():
    hours = np.arange(240)
    price = np.where(hours % 24 < 12, 20.0, 80.0)
    grid = Source(name="grid", marginal_usd_per_mwh=price, capacity_mw=300.0)
    store = Storage(name="battery", energy_hours=4.0, capacity_mw=50.0, charge_efficiency=0.92,
                    discharge_efficiency=0.92, discharge_usd_per_mwh=5.0)  # fmt: skip
    found = dispatch(System(load_mw=np.full(240, 100.0), sources=(grid,), storages=(store,)))
    use = use_of(found, "battery")
    # One full cycle a day, and 365 a year.
    assert use.cycles_per_year == pytest.approx(365.0, rel=1e-3)
    assert use.depth == pytest.approx(1.0, abs=1e-3)
    assert 0.0 < use.c_rate <= 0.26  # four hours at full power, or slower where that is as good
    # A dearer wear than the spread stops it.
    dear = replace(store, discharge_usd_per_mwh=70.0)
    idle = dispatch(System(load_mw=np.full(240, 100.0), sources=(grid,), storages=(dear,)))
    assert use_of(idle, "battery").cycles_per_year == pytest.approx(0.0, abs=1e-3)
    with pytest.raises(InputError, match="no storage named 'cell'"):
        use_of(found, "cell")


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="charge and depth"):
        fade(CELL, replace(DAILY, charge=1.5), 1.0)
    with pytest.raises(InputError, match="end_of_life"):
        life_years(CELL, DAILY, 1.0)
