"""Dispatch in merit order closes in every hour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gigawatt.energy.homes import homes_by_energy, homes_by_peak
from gigawatt.energy.supply import Offer, dispatch

HOURS = st.just(24)
POWER = arrays(np.float64, 24, elements=st.floats(0, 5000))


@given(
    POWER,
    st.lists(st.tuples(st.sampled_from(["solar", "combined-cycle", "nuclear"]), POWER), max_size=4),
)
def test_supply_equals_load_in_every_hour(load, sources):
    offers = [Offer(f"s{i}", kind, power) for i, (kind, power) in enumerate(sources)]
    given_mw, grid = dispatch(load, offers)
    assert np.sum([*given_mw.values(), grid], axis=0) == pytest.approx(load, abs=1e-6)
    assert grid.min() >= 0
    for offer in offers:
        assert np.all(given_mw[offer.name] <= offer.available_mw + 1e-9)


def test_what_costs_nothing_more_runs_first():
    load = np.array([100.0])
    gas = Offer("gas", "combined-cycle", np.array([80.0]))
    sun = Offer("sun", "solar", np.array([50.0]))
    given_mw, grid = dispatch(load, [gas, sun])
    assert (given_mw["sun"][0], given_mw["gas"][0], grid[0]) == (50.0, 50.0, 0.0)


def test_five_gigawatts_are_one_to_four_million_homes():
    assert homes_by_energy(5000 * 8760, 10_715) == pytest.approx(4.09e6, rel=0.01)
    assert homes_by_peak(5000, 5.0) == pytest.approx(1.0e6)
