"""Technologies from the catalogue, and what follows from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.energy.system import System
from gigawatt.energy.technologies import (
    ambient_availability,
    annual_capital,
    draw_lead_times,
    fuel_burn,
    marginal_cost,
    source_of,
    storage_of,
    technology,
)
from gigawatt.errors import InputError, NotModelledError, UnknownNameError

CCGT = technology("ccgt")


def test_every_technology_of_the_catalogue_can_be_read():
    for entry in catalog.load().entries("technology"):
        found = technology(entry.id)
        assert found.fuel
        assert annual_capital(found, 0.07, 20.0) > 0.0
        assert marginal_cost(found, 4.0) >= 0.0


def test_a_combined_cycle_on_gas_at_four_dollars():
    # EIA's 6,226 Btu/kWh and 3.57 USD/MWh (AEO2026, table 3).
    assert marginal_cost(CCGT, 4.0) == pytest.approx(6.226 * 4.0 + 3.57)
    with pytest.raises(InputError, match="state its price"):
        marginal_cost(CCGT)
    with pytest.raises(UnknownNameError):
        technology("perpetuum mobile")


def test_the_annuity_pays_the_capital_back():
    yearly = annual_capital(CCGT, 0.08, 25.0)
    worth = sum(yearly / 1.08**year for year in range(1, 26))
    assert worth == pytest.approx(CCGT.capital_usd_per_kw * 1000.0)
    assert annual_capital(CCGT, 0.0, 25.0) == pytest.approx(CCGT.capital_usd_per_kw * 40.0)


def test_a_source_carries_cost_and_emissions():
    source = source_of(CCGT, discount_rate=0.07, life_years=25.0, fuel_usd_per_mmbtu=3.0)
    assert source.capacity_mw is None
    assert source.co2_t_per_mwh == pytest.approx(0.3304)
    assert source.fuel == "natural gas"


def test_part_load_burns_more_and_is_refused_where_unknown():
    # Buttler et al. (2015): at half load 0.88775 of the efficiency at full load.
    assert fuel_burn(CCGT, np.array([0.0, 50.0, 100.0]), 100.0) == pytest.approx(
        [0.0, 50.0 * 6.226 / 0.88775, 622.6], rel=1e-4
    )
    bare = replace(CCGT, part_load=())
    assert fuel_burn(bare, np.array([0.0, 100.0]), 100.0) == pytest.approx([0.0, 622.6])
    with pytest.raises(NotModelledError, match="part load in 1 hours"):
        fuel_burn(bare, np.array([50.0]), 100.0)
    with pytest.raises(NotModelledError, match="no heat rate"):
        fuel_burn(technology("wind"), np.array([1.0]), 1.0)


def test_an_open_turbine_loses_more_at_part_load_than_an_engine():
    half = {
        name: fuel_burn(tech, np.array([50.0]), 100.0)[0] / (50.0 * tech.heat_rate_btu_per_kwh)
        for name, tech in (
            (name, technology(name)) for name in ("ccgt", "ocgt", "reciprocating", "small-turbine")
        )
    }
    assert half["reciprocating"] < half["ccgt"] < half["ocgt"]
    assert half["small-turbine"] == pytest.approx(half["ocgt"])


def test_heat_takes_power_away():
    with pytest.raises(NotModelledError, match="state derate"):
        ambient_availability(CCGT, np.array([30.0]))
    # A published chart: 0.83 of the power at 40 C.
    left = ambient_availability(technology("ocgt"), np.array([0.0, 15.0, 40.0]))
    assert left == pytest.approx([1.0, 1.0, 0.83])
    hot = replace(CCGT, derate=(15.0, 0.005))
    assert ambient_availability(hot, np.array([35.0])) == pytest.approx([0.9])


def test_a_source_with_units_carries_starts_and_part_load():
    source = source_of(CCGT, discount_rate=0.07, life_years=25.0, fuel_usd_per_mmbtu=4.0, units=3,
                       capacity_mw=2262.0)  # fmt: skip
    assert (source.units, source.least_load) == (3, 0.45)
    assert (source.least_up_h, source.least_down_h) == (4, 2)
    assert source.part_load[-1] == (1.0, 1.0)
    assert source.fuel_usd_per_mwh == pytest.approx(6.226 * 4.0)
    # 81 USD of wear and 9 MMBtu a MW, whose carbon is that of gas: 53.06 kg/MMBtu.
    assert source.start_usd_per_mw == pytest.approx(81.0 + 9.0 * 4.0)
    assert source.start_co2_t_per_mw == pytest.approx(9.0 * 0.05306, rel=1e-3)
    assert source.heat_mmbtu_per_mwh == pytest.approx(6.226)
    assert source.nox_kg_per_mwh == pytest.approx(6.226 * 0.0363)
    assert source.ramp_per_hour is None
    with pytest.raises(NotModelledError, match="no least load"):
        source_of(technology("wind"), discount_rate=0.07, life_years=25.0, units=2)


def test_every_source_can_be_made_and_the_lives_are_those_of_the_panel():
    for entry in catalog.load().entries("technology"):
        tech = technology(entry.id)
        source = source_of(tech, discount_rate=0.07, life_years=25.0, fuel_usd_per_mmbtu=4.0,
                           capacity_mw=10.0)  # fmt: skip
        System(load_mw=np.ones(3), sources=(source,))
    # IPCC 2014: 490 g/kWh for gas, whose plants emitted 370 from the stack; 12, 11 and 48.
    per_stack = CCGT.upstream_co2_t_per_mwh / CCGT.co2_t_per_mwh
    assert per_stack == pytest.approx(120.0 / 370.0, rel=1e-3)
    lives = [technology(n).upstream_co2_t_per_mwh for n in ("nuclear", "wind", "solar")]
    assert lives == pytest.approx([0.012, 0.011, 0.048])


def test_a_battery_is_a_store():
    battery = technology("battery")
    store = storage_of(battery, discount_rate=0.07, life_years=15.0, energy_hours=4.0,
                       discharge_usd_per_mwh=18.0)  # fmt: skip
    assert store.charge_efficiency * store.discharge_efficiency == pytest.approx(0.85)
    assert store.capital_usd_per_mw_year == annual_capital(battery, 0.07, 15.0)
    with pytest.raises(NotModelledError, match="no round-trip"):
        storage_of(CCGT, discount_rate=0.07, life_years=15.0, energy_hours=4.0,
                   discharge_usd_per_mwh=0.0)  # fmt: skip


def test_lead_times_stay_in_the_published_range():
    draws = draw_lead_times(CCGT, 20_000, seed=1)
    assert draws.min() >= 36.0
    assert draws.max() <= 84.0
    # The mean of a triangle is that of its corners.
    assert draws.mean() == pytest.approx((36.0 + 60.0 + 84.0) / 3.0, abs=0.3)
    with pytest.raises(NotModelledError, match="no range of lead times"):
        draw_lead_times(technology("battery"), 1, seed=0)
