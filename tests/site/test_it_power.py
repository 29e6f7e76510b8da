"""IT power by activity, and what a cap leaves of the speed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.site.it_power import it_power_mw, throttle


def test_power_is_rating_times_share_times_draw():
    rated = np.array([100.0, 200.0])
    shares = {"training": np.array([0.5, 1.0]), "idle": np.array([0.5, 0.0])}
    power = it_power_mw(rated, shares, {"training": 0.8, "idle": 0.2})
    assert power["training"].tolist() == [40.0, 160.0]
    assert power["idle"].tolist() == [10.0, 0.0]


@given(st.floats(1, 1000), st.floats(0, 1), st.floats(0, 1500))
def test_the_throttle_is_a_share_and_only_binds_above_the_limit(demand, idle, limit):
    floor = demand * idle
    kept = throttle(np.array([demand]), np.array([floor]), np.array([limit]))[0]
    assert 0.0 <= kept <= 1.0
    if limit >= demand:
        assert kept == 1.0
    if limit <= floor < demand:
        assert kept == 0.0


def test_half_the_dynamic_power_is_half_the_speed():
    assert throttle(np.array([100.0]), np.array([20.0]), np.array([60.0]))[0] == 0.5
