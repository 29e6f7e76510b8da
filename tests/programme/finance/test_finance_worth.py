"""What flows are worth: by hand, by law, and against NumPy's own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.programme.finance.worth import (
    discount_factors,
    internal_rate,
    payback_years,
    present_value,
    price_levels,
)

flows = st.lists(st.floats(-1e9, 1e9).filter(lambda v: v == 0 or abs(v) > 1e-3), min_size=1,
                 max_size=30)  # fmt: skip
rates = st.floats(-0.2, 0.5)


def test_worth_by_hand():
    # 100 now, 110 in a year and 121 in two, at ten per cent: three hundreds.
    assert present_value([100, 110, 121], 0.1) == pytest.approx(300)


@given(flows, rates)
def test_worth_is_a_sum_over_years(money, rate):
    by_hand = sum(value / (1 + rate) ** k for k, value in enumerate(money))
    assert present_value(money, rate) == pytest.approx(by_hand, rel=1e-9, abs=1e-3)


@given(flows, rates, st.floats(-5, 5))
def test_worth_scales_with_the_money(money, rate, factor):
    scaled = present_value([factor * v for v in money], rate)
    assert scaled == pytest.approx(factor * present_value(money, rate), rel=1e-9, abs=1e-3)


@given(flows, st.floats(0.0, 0.5))
def test_a_year_later_is_worth_less_by_the_rate(money, rate):
    later = present_value([0.0, *money], rate)
    assert later * (1 + rate) == pytest.approx(present_value(money, rate), rel=1e-9, abs=1e-3)


@given(flows, st.floats(0.0, 0.3), st.floats(-0.05, 0.2), st.integers(2020, 2030))
def test_real_and_nominal_agree(money, real, inflation, year):
    # Fisher: nominal money at the nominal rate is worth what real money at the real rate is.
    years = np.arange(year, year + len(money))
    levels = price_levels(years, year, inflation)
    nominal = (1 + real) * (1 + inflation) - 1
    assert present_value(np.array(money) * levels, nominal) == pytest.approx(
        present_value(money, real), rel=1e-9, abs=1e-3
    )


@given(st.floats(0.0, 0.2), st.integers(-20, 20))
def test_the_year_of_the_dollars_only_changes_the_unit(inflation, shift):
    years = np.arange(2026, 2040)
    here, there = (price_levels(years, y, inflation) for y in (2026, 2026 + shift))
    np.testing.assert_allclose(here / there, (1 + inflation) ** shift, rtol=1e-12)


def test_an_internal_rate_by_hand():
    assert internal_rate([-100, 0, 121]) == pytest.approx(0.1)


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=15), st.floats(0.0, 0.6))
def test_at_its_internal_rate_money_is_worth_nothing(income, rate):
    price = present_value([0.0, *income], rate)
    found = internal_rate([-price, *income])
    assert found == pytest.approx(rate, abs=1e-7)
    assert internal_rate([price, *(-v for v in income)]) == pytest.approx(rate, abs=1e-7)


@pytest.mark.parametrize("money", [[1, 2], [-1, -2], [0, 0], [-1, 5, -6], [1, -3, 2.5]])
def test_no_rate_is_given_where_there_is_none_or_more_than_one(money):
    # The fourth is worth nothing at 100 and at 200 per cent.
    assert internal_rate(money) is None


@pytest.mark.parametrize(
    ("money", "years"),
    [
        ([-100, 50, 50, 9], 3.0),
        ([-100, 150], 1 + 100 / 150),
        ([-10, 30, -40, 80], 3.25),
        ([-100, 10], None),
        ([10, 20], None),
    ],
)
def test_payback_counts_from_the_start_with_money_even_within_a_year(money, years):
    assert payback_years(money) == (years if years is None else pytest.approx(years))


def test_the_only_rate_above_zero_is_given():
    # Worth nothing at 10 per cent, and at -20 per cent: (1 - 1.1 x)(1 - 0.8 x), turned round.
    assert internal_rate([-1.0, 1.9, -0.88]) == pytest.approx(0.1)
    # Computers bought again: pays out, in, out, in.
    flows = [-100.0, 60.0, 60.0, -60.0, 60.0, 60.0]
    rate = internal_rate(flows)
    assert rate > 0.0
    assert present_value(flows, rate) == pytest.approx(0.0, abs=1e-6)


def test_a_rate_of_less_than_minus_one_is_refused():
    with pytest.raises(ValueError, match="above -1"):
        discount_factors(3, -1.0)
