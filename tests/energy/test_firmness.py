"""Units that fail: outages in their steady state, and what goes unserved."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from gigawatt.energy.expansion.firmness import (
    Fleet,
    adequacy,
    firm_requirement,
    outage_availability,
)
from gigawatt.energy.system import Source, System
from gigawatt.errors import InputError


def test_outages_have_their_rate_and_their_length():
    fleet = Fleet(units=1, forced_outage_rate=0.1, mean_repair_h=20.0)
    available = outage_availability(fleet, 400_000, np.random.default_rng(0))
    out = available < 0.5
    assert out.mean() == pytest.approx(0.1, abs=0.01)
    ends = np.count_nonzero(out[:-1] & ~out[1:])
    assert out.sum() / ends == pytest.approx(20.0, rel=0.05)


def test_unserved_load_is_that_of_the_binomial():
    # Four units of 50 MW against 150 MW: load is lost when two or more are out.
    units, rate = 4, 0.1
    gas = Source(name="gas", marginal_usd_per_mwh=30.0, capacity_mw=200.0)
    system = System(load_mw=np.full(2000, 150.0), sources=(gas,), unserved_usd_per_mwh=5000.0)
    fleet = Fleet(units=units, forced_outage_rate=rate, mean_repair_h=3.0)
    found = adequacy(system, {"gas": fleet}, draws=8, seed=2)
    chance = {k: comb(units, k) * rate**k * (1 - rate) ** (units - k) for k in range(units + 1)}
    hours = 2000.0 * sum(p for k, p in chance.items() if k >= 2)
    energy = 2000.0 * sum(p * 50.0 * (k - 1) for k, p in chance.items() if k >= 2)
    assert found.loss_of_load_h.mean() == pytest.approx(hours, rel=0.1)
    assert found.unserved_mwh.mean() == pytest.approx(energy, rel=0.1)
    low, middle, high = found.quantiles()["loss_of_load_h"]
    assert low <= middle <= high


def test_spare_units_are_the_largest():
    assert firm_requirement(100.0, [10.0, 40.0, 20.0], 1) == 140.0
    with pytest.raises(InputError, match="cannot be spare"):
        firm_requirement(100.0, [10.0], 2)


def test_mistakes_are_named():
    with pytest.raises(InputError, match="a fleet needs"):
        Fleet(units=0, forced_outage_rate=0.1, mean_repair_h=5.0)
    with pytest.raises(InputError, match="cannot be 95%"):
        outage_availability(Fleet(1, 0.95, 1.0), 10, np.random.default_rng(0))
    gas = Source(name="gas", marginal_usd_per_mwh=30.0, capacity_mw=200.0)
    with pytest.raises(InputError, match="state unserved_usd_per_mwh"):
        adequacy(System(load_mw=np.ones(5), sources=(gas,)), {}, draws=1, seed=0)
