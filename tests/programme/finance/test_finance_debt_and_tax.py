"""Bonds are repaid, losses are used once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.programme.finance.debt import bond_schedule
from gigawatt.programme.finance.tax import income_tax
from gigawatt.programme.finance.worth import present_value


@given(st.floats(0.0, 0.2), st.integers(1, 30), st.integers(0, 5), st.sampled_from([1, 2, 12]))
def test_a_bond_is_repaid_in_level_payments(rate, years, first, parts):
    bond = bond_schedule(1000.0, rate, years, interest_only_years=first, payments_per_year=parts)
    assert bond.principal_usd.sum() == pytest.approx(1000.0)
    assert bond.owed_usd[-1] == pytest.approx(0.0, abs=1e-6)
    assert not bond.principal_usd[:first].any()
    np.testing.assert_allclose(bond.service_usd[first:], bond.service_usd[-1], rtol=1e-9)
    np.testing.assert_allclose(bond.interest_usd[:first], 1000.0 * rate, atol=1e-12)


@given(st.floats(0.001, 0.2), st.integers(1, 30), st.integers(0, 5))
def test_at_its_coupon_a_bond_is_worth_what_it_brought(rate, years, first):
    bond = bond_schedule(1.0, rate, years, interest_only_years=first, payments_per_year=1)
    assert present_value([0.0, *bond.service_usd], rate) == pytest.approx(1.0)


def test_losses_offset_at_once_are_a_negative_tax():
    tax, left = income_tax([-100, 50], 0.21, losses="offset")
    assert tax.tolist() == pytest.approx([-21.0, 10.5])
    assert not left.any()


def test_losses_carried_cover_four_fifths_of_later_income():
    tax, left = income_tax([-100, 50, 200], 0.21, losses="carried", offset_share=0.8)
    assert tax.tolist() == pytest.approx([0.0, 0.21 * 10, 0.21 * 140])
    assert left.tolist() == pytest.approx([100.0, 60.0, 0.0])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0, 1))
def test_no_loss_is_used_twice(income, share):
    tax, left = income_tax(income, 1.0, losses="carried", offset_share=share)
    losses = sum(max(-v, 0.0) for v in income)
    used = sum(max(v, 0.0) for v in income) - tax.sum()
    assert used + left[-1] == pytest.approx(losses, abs=1e-3)
    assert (tax >= -1e-9).all()
    assert (left >= -1e-9).all()
