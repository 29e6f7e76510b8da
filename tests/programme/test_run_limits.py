"""What limits a training run, and by how much."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.errors import InputError
from gigawatt.programme.limits import LIMITS, Means, limits_of

MEANS = Means((0.8e6, 1e6, 1.2e6), chip_hours=20e6)


def test_a_run_short_of_text_is_limited_by_data():
    means = replace(MEANS, unique_tokens=(1e12, 2e12, 4e12), most_epochs=4.0)
    found = limits_of(10e12, means)
    assert found.binding.name == "data"
    assert found.binding.tokens == (4e12, 8e12, 16e12)
    assert found.reached_share == pytest.approx(0.8)
    assert found.binding.lacks == "2 trillion tokens"


def test_a_run_short_of_chips_is_limited_by_compute():
    means = replace(MEANS, unique_tokens=(20e12, 50e12, 90e12))
    found = limits_of(30e12, means)
    assert found.binding.name == "compute"
    assert found.binding.lacks == "10 million accelerator-hours"
    assert found.reached_share == pytest.approx(20.0 / 30.0)


def test_a_date_and_a_budget_can_bind():
    late = limits_of(15e12, replace(MEANS, chip_hours_by_date=6e6))
    assert late.binding.name == "date"
    assert late.binding.lacks == "9 million accelerator-hours"
    poor = limits_of(15e12, replace(MEANS, budget_usd=9e6, usd_per_chip_hour=3.0))
    assert poor.binding.name == "money"
    assert poor.binding.lacks == "36 million USD"


def test_a_run_that_never_works_is_limited_by_compute_and_by_nothing_else():
    means = Means(None, 0.0, None, (1e12, 2e12, 3e12), budget_usd=1e6)
    found = limits_of(1e12, means)
    assert [limit.name for limit in found.limits] == ["compute", "data"]
    assert found.reached_share == 0.0
    assert "before the end of the horizon" in found.binding.lacks


def test_what_lacks_is_said_without_exponents():
    found = limits_of(5e21, replace(MEANS, unique_tokens=(1e12, 1e12, 1e12)))
    assert found.binding.lacks == "5,000,000,000 trillion tokens"


def test_enough_of_everything_limits_nothing():
    found = limits_of(10e12, MEANS)
    assert found.enough
    assert found.reached_share == 1.0
    assert found.binding.lacks == ""


@given(
    wanted=st.floats(1e9, 1e16),
    hours=st.floats(1e3, 1e10),
    unique=st.floats(1e9, 1e16),
    budget=st.floats(1e3, 1e12),
)
def test_limits_stand_in_order_and_lack_only_where_short(wanted, hours, unique, budget):
    means = Means(
        (0.5e6, 1e6, 2e6),
        hours,
        hours / 2,
        (unique / 2, unique, unique * 2),
        4.0,
        budget,
        2.5,
    )
    found = limits_of(wanted, means)
    assert sorted(limit.name for limit in found.limits) == sorted(LIMITS)
    allowed = [limit.tokens[1] for limit in found.limits]
    assert allowed == sorted(allowed)
    for limit in found.limits:
        assert limit.tokens[0] <= limit.tokens[1] <= limit.tokens[2]
        assert bool(limit.lacks) == (limit.tokens[1] < wanted * (1.0 - 1e-12)) or limit.tokens[
            1
        ] == pytest.approx(wanted)


@pytest.mark.parametrize(
    "bad",
    [
        {"chip_hours": -1.0},
        {"most_epochs": 0.5},
        {"most_epochs": float("inf")},
        {"most_epochs": float("nan")},
        {"budget_usd": -1.0},
        {"tokens_per_chip_hour": (2.0, 1.0, 3.0)},
    ],
)
def test_values_that_make_no_sense_are_refused(bad):
    with pytest.raises(InputError):
        limits_of(1e12, replace(MEANS, **bad))
