"""IT power by activity."""

from __future__ import annotations

import numpy as np

from gigawatt.site.it_power import it_power_mw


def test_power_is_rating_times_share_times_draw():
    rated = np.array([100.0, 200.0])
    shares = {"training": np.array([0.5, 1.0]), "idle": np.array([0.5, 0.0])}
    power = it_power_mw(rated, shares, {"training": 0.8, "idle": 0.2})
    assert power["training"].tolist() == [40.0, 160.0]
    assert power["idle"].tolist() == [10.0, 0.0]
