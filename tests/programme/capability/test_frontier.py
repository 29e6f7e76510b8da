"""Who has how much compute: the sums of the campuses."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.programme.capability.compute import compute_frontier, compute_per_researcher

DATES = [dt.date(y, 1, 1) for y in range(2022, 2036)]


@pytest.mark.parametrize("by", ["users", "owner"])
def test_power_sums_to_that_of_all_campuses(by):
    frontier = compute_frontier(DATES, by=by)
    last = {}
    for phase in catalog.load().entries("phase"):
        key = phase.text("campus")
        if key not in last or phase.date("date") > last[key].date("date"):
            last[key] = phase
    total = sum(p.number("facility_mw") for p in last.values() if p.date("date") <= DATES[-1])
    assert frontier.facility_mw[:, -1].sum() == pytest.approx(total)
    assert (frontier.h100_equivalents >= 0).all()


def test_compute_is_the_same_however_it_is_shared_out():
    users, owners = compute_frontier(DATES), compute_frontier(DATES, by="owner")
    assert np.allclose(users.h100_equivalents.sum(axis=0), owners.h100_equivalents.sum(axis=0))
    assert users.h100_equivalents[:, -1].tolist() == sorted(
        users.h100_equivalents[:, -1], reverse=True
    )


def test_meta_grows_past_a_million_h100_equivalents():
    frontier = compute_frontier(DATES)
    meta = frontier.of("Meta")
    assert (np.diff(meta) >= 0).all()
    assert meta[-1] > 1e6
    assert not frontier.of("Nobody").any()
    assert compute_per_researcher(float(meta[-1]), 1000.0) == pytest.approx(meta[-1] / 1000.0)


def test_bad_questions_are_refused():
    with pytest.raises(InputError, match="by"):
        compute_frontier(DATES, by="country")
    with pytest.raises(InputError, match="researchers"):
        compute_per_researcher(1e6, 0.0)
