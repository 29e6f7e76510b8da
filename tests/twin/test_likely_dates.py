"""The dates in the answer of a run that the phases are likely to keep."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt import spec
from gigawatt.programme.buildout.simulate import simulate_buildout
from gigawatt.twin.simulate import simulate_campus


@pytest.fixture(scope="module")
def hyperion():
    """Return a campus of one dated phase, with more power announced without a date."""
    return spec.load("hyperion", {"horizon.years": "1"})


def headlines(campus):
    return {head.name: head for head in simulate_campus(campus).headlines}


def test_power_without_a_date_is_no_part_of_the_planned_maximum(hyperion):
    found = headlines(hyperion)["likely_maximum_date"]
    build = simulate_buildout(hyperion, samples=2000, seed=0)
    assert len(build.phases) == len(hyperion.phases) + 1  # the last has no date
    low, middle, high = (
        build.date(day).isoformat()
        for day in np.quantile(build.days[0], (0.1, 0.5, 0.9), method="inverted_cdf")
    )
    assert (found.low, found.value, found.high) == (low, middle, high)
    assert found.note.startswith("announced for 2028-01-01")


def test_the_first_gigawatt_counts_whatever_brings_it(hyperion):
    found = headlines(hyperion)
    first, last = found["likely_first_gw_date"], found["likely_maximum_date"]
    assert first.low <= first.value <= first.high
    assert first.high < last.high  # where the dated phase slips for long, the other is there before


def test_a_campus_below_a_gigawatt_has_no_likely_date_of_one(campus):
    found = headlines(campus())
    assert found["likely_first_gw_date"].value is None
    assert found["likely_first_gw_date"].note.startswith("never: ")
    assert found["likely_maximum_date"].value is not None
