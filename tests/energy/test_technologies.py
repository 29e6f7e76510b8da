"""Technologies from the catalogue, and what follows from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.energy.technologies import (
    ambient_availability,
    annual_capital,
    draw_lead_times,
    fuel_burn,
    marginal_cost,
    source_of,
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
    full = fuel_burn(CCGT, np.array([0.0, 100.0]), 100.0)
    assert full == pytest.approx([0.0, 622.6])
    with pytest.raises(NotModelledError, match="part load in 1 hours"):
        fuel_burn(CCGT, np.array([50.0]), 100.0)
    known = replace(CCGT, part_load=((0.5, 1.1), (1.0, 1.0)))
    assert fuel_burn(known, np.array([50.0, 75.0]), 100.0) == pytest.approx(
        [50.0 * 6.226 * 1.1, 75.0 * 6.226 * 1.05]
    )
    with pytest.raises(NotModelledError, match="no heat rate"):
        fuel_burn(technology("wind"), np.array([1.0]), 1.0)


def test_heat_takes_power_away():
    with pytest.raises(NotModelledError, match="state derate"):
        ambient_availability(CCGT, np.array([30.0]))
    hot = replace(CCGT, derate=(15.0, 0.005))
    left = ambient_availability(hot, np.array([0.0, 15.0, 35.0]))
    assert left == pytest.approx([1.0, 1.0, 0.9])


def test_lead_times_stay_in_the_published_range():
    draws = draw_lead_times(CCGT, 20_000, seed=1)
    assert draws.min() >= 36.0
    assert draws.max() <= 84.0
    # The mean of a triangle is that of its corners.
    assert draws.mean() == pytest.approx((36.0 + 60.0 + 84.0) / 3.0, abs=0.3)
    with pytest.raises(NotModelledError, match="no range of lead times"):
        draw_lead_times(technology("battery"), 1, seed=0)
