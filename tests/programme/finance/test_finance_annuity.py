"""The yearly charge of capital."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.programme.finance import capital_recovery_factor, level_payment


@pytest.mark.parametrize(("life_years", "published"), [(3, 12.0), (5, 8.5), (7, 7.0)])
def test_epochs_cost_of_a_gigawatt_year_is_reproduced(life_years, published):
    # Epoch AI, May 2026: 38 B USD a GW of IT, 0.9 B USD a year to run, facility over 14 years.
    # The rate is the 6.58 % coupon of Hyperion's own bonds, not fitted to Epoch.
    compute = 26.113 * capital_recovery_factor(0.0658, life_years)
    facility = 11.769 * capital_recovery_factor(0.0658, 14)
    assert compute + facility + 0.9 == pytest.approx(published, rel=0.01)


@given(st.floats(0.0001, 0.3), st.floats(0.5, 40))
def test_payments_discounted_repay_the_capital(rate, years):
    charge = capital_recovery_factor(rate, years)
    worth = charge * (1 - (1 + rate) ** -years) / rate
    assert worth == pytest.approx(1.0, rel=1e-9)
    assert charge >= 1 / years


def test_without_interest_it_is_a_straight_line():
    assert capital_recovery_factor(0.0, 4) == 0.25


@pytest.mark.parametrize(("rate", "years"), [(0.05, 0), (-0.01, 5)])
def test_nonsense_is_refused(rate, years):
    with pytest.raises(ValueError, match="life must be positive"):
        capital_recovery_factor(rate, years)


@given(st.floats(0.001, 0.2), st.integers(1, 30), st.sampled_from([1, 2, 4, 12]))
def test_level_payments_of_a_year_repay_what_was_borrowed(rate, years, parts):
    each = level_payment(1.0, rate, years, parts) / parts
    worth = sum(each / (1 + rate / parts) ** k for k in range(1, years * parts + 1))
    assert worth == pytest.approx(1.0, rel=1e-9)
