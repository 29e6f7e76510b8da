"""The round of a solar plant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.energy.solar import solar_output

YEAR = np.arange("2027-01-01", "2028-01-01", dtype="datetime64[h]").astype("datetime64[s]")


@given(st.floats(-60, 60), st.floats(-180, 180), st.floats(0.01, 0.35))
def test_the_mean_is_the_capacity_factor(latitude, longitude, factor):
    output = solar_output(YEAR, latitude, longitude, factor)
    assert output.mean() == pytest.approx(factor, rel=1e-6)
    assert output.min() >= 0.0
    assert output.max() <= 1.0


def test_noon_is_at_local_noon_and_summer_is_brighter():
    columbus = solar_output(YEAR, 40.0, -83.0, 0.2).reshape(365, 24)
    mean_day = columbus.mean(axis=0)
    assert int(mean_day.argmax()) == 17  # 12 + 83 / 15 hours of UTC
    assert columbus[172].sum() > 1.8 * columbus[355].sum()
    assert mean_day[[4, 5, 6]].max() == 0.0


def test_south_of_the_equator_summer_is_in_january():
    output = solar_output(YEAR, -35.0, 150.0, 0.2).reshape(365, 24)
    assert output[5].sum() > output[180].sum()


def test_more_than_the_hours_of_day_is_refused():
    with pytest.raises(ValueError, match="more than the hours of day"):
        solar_output(YEAR, 40.0, -83.0, 0.6)
