"""The hourly PUE goes through the plant's published points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.site.cooling import hourly_pue, worst_pue

YEAR = np.arange(8760)
SERIES = 11 - 13 * np.cos(2 * np.pi * YEAR / 8760) - 5 * np.cos(2 * np.pi * YEAR / 24)


@given(st.floats(1.0, 1.3), st.floats(0.001, 0.5), st.floats(0.001, 0.8), st.integers(0, 2**32 - 1))
def test_the_curve_keeps_best_mean_and_worst(best, up_to_mean, up_to_worst, seed):
    noise = np.random.default_rng(seed).normal(0, 3, YEAR.size)
    mean, worst = best + up_to_mean, best + up_to_mean + up_to_worst
    pue = hourly_pue(SERIES + noise, best, mean, worst)
    assert pue.min() == pytest.approx(best, abs=1e-9)
    assert pue.max() == pytest.approx(worst, abs=1e-9)
    assert pue.mean() == pytest.approx(mean, abs=2e-4)


def test_hotter_hours_never_have_less_overhead():
    pue = hourly_pue(SERIES, 1.05, 1.1, 1.35)
    assert np.all(np.diff(pue[np.argsort(SERIES)]) >= 0)


def test_a_constant_climate_has_the_mean():
    assert np.all(hourly_pue(np.full(24, 10.0), 1.05, 1.1, 1.35) == 1.1)


@pytest.mark.parametrize("points", [(0.9, 1.1, 1.2), (1.1, 1.05, 1.2), (1.1, 1.2, 1.15)])
def test_points_out_of_order_are_refused(points):
    with pytest.raises(ValueError, match="must rise"):
        hourly_pue(SERIES, *points)


def test_the_worst_hour_is_never_below_the_plants_own_spread():
    assert worst_pue(1.05, 1.1, 1.35) == 1.35
    assert worst_pue(1.05, 1.10, 1.02) == pytest.approx(1.15)
