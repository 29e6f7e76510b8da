"""Salts in and out of a basin balance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.errors import InputError
from gigawatt.site.water import blowdown_m3_per_h, drift_m3_per_h


@given(st.floats(1e-6, 1e4), st.floats(1.1, 50.0), st.floats(0.0, 10.0))
def test_salts_leave_as_fast_as_they_come(evaporation, cycles, drift):
    blowdown = float(blowdown_m3_per_h(np.array(evaporation), cycles, drift))
    makeup = evaporation + blowdown + drift
    # One unit of salt in each m3 taken in, `cycles` in each bled or drifting.
    if blowdown > 0.0:
        assert cycles * (blowdown + drift) == pytest.approx(makeup)
    else:
        assert cycles * drift >= makeup * (1.0 - 1e-9)


def test_drift_is_a_share_of_the_water_that_circulates():
    # 100 MW at 5 K: 4,778 kg/s, 17,200 m3/h.
    assert float(drift_m3_per_h(np.array(100.0), 5.0, 1.0)) == pytest.approx(17200, rel=1e-3)


def test_water_that_concentrates_nothing_is_refused():
    with pytest.raises(InputError, match="must exceed 1"):
        blowdown_m3_per_h(np.array(1.0), 1.0)
