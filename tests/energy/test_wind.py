"""Wind power: the law of the winds, the published curve, and winds scaled to a capacity factor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.energy.wind import hub_wind, power_curve, wind_output
from gigawatt.errors import InputError

WINDS = np.random.default_rng(2).weibull(2.0, 8760) * 7.5


def test_the_curve_is_the_published_one():
    wind, power = power_curve()
    assert (wind[0], wind[-1]) == (3.0, 25.0)
    # NREL's composite of class II: points of the table, and rated power at 13 m/s.
    assert wind_output(np.array([6.0, 8.5, 13.0, 22.0])) == pytest.approx(
        [0.2329, 0.6543, 0.9998, 0.7454], abs=1e-4
    )
    assert wind_output(np.array([0.0, 2.9, 25.1])).tolist() == [0.0, 0.0, 0.0]
    assert power.max() <= 1.0
    # Power below the rated grows about with the cube of the wind: the coefficient of power is 0.4
    # to 0.5 in all of it.
    rising = (wind >= 4.0) & (wind <= 8.5)
    cube = power[rising] / wind[rising] ** 3
    assert cube.max() / cube.min() < 1.3
    with pytest.raises(InputError, match="no power curve named 'sail'"):
        power_curve("sail")


def test_it_blows_harder_higher_up():
    assert hub_wind(np.array([6.0]), 80.0, shear_exponent=0.2)[0] == pytest.approx(6.0 * 8.0**0.2)
    assert hub_wind(np.array([6.0]), 10.0)[0] == 6.0
    with pytest.raises(InputError, match="heights"):
        hub_wind(np.array([6.0]), 0.0)


@given(st.floats(0.05, 0.5), st.floats(0.0, 0.2))
def test_the_mean_is_the_capacity_factor(factor, losses):
    output = wind_output(WINDS, capacity_factor=factor, losses=losses)
    assert output.mean() == pytest.approx(factor, rel=1e-4)
    assert 0.0 <= output.min() <= output.max() <= 1.0 - losses + 1e-9


def test_more_than_the_winds_give_is_refused():
    with pytest.raises(InputError, match="cannot be reached: at most"):
        wind_output(WINDS, capacity_factor=0.95)
    with pytest.raises(InputError, match="losses"):
        wind_output(WINDS, losses=1.0)
