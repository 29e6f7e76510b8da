"""Write-offs against the tables of IRS Publication 946, and against laws of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.programme.finance.assets import (
    Asset,
    TaxRule,
    book_depreciation,
    purchases,
    renewals,
    tax_deductions,
)
from gigawatt.programme.finance.depreciation import (
    macrs_shares,
    real_property_shares,
    straight_line_shares,
    tax_shares,
)

# IRS Publication 946, table A-1 (half-year convention), in per cent.
TABLE_A1 = {
    3: (33.33, 44.45, 14.81, 7.41),
    5: (20.00, 32.00, 19.20, 11.52, 11.52, 5.76),
    7: (14.29, 24.49, 17.49, 12.49, 8.93, 8.92, 8.93, 4.46),
    15: (5.00, 9.50, 8.55, 7.70, 6.93, 6.23, 5.90, 5.90, 5.91, 5.90, 5.91, 5.90, 5.91, 5.90, 5.91,
         2.95),
}  # fmt: skip
RULE = TaxRule("macrs", 1.0, 20.0)
YEARS = np.arange(2026, 2046, dtype=float)


@pytest.mark.parametrize("years", TABLE_A1)
def test_tax_tables_are_those_of_the_law(years):
    np.testing.assert_allclose(100 * macrs_shares(years), TABLE_A1[years], atol=0.011)


@pytest.mark.parametrize("years", [3, 5, 7, 10, 15, 20])
def test_tax_tables_write_off_everything(years):
    assert macrs_shares(years).sum() == pytest.approx(1.0, abs=1e-12)
    assert len(macrs_shares(years)) == years + 1


def test_a_building_is_written_off_from_the_middle_of_its_month():
    # Table A-7a: 2.564 % a year; December 0.107 % in the first.
    shares = real_property_shares(12)
    assert 100 * shares[0] == pytest.approx(0.107, abs=0.001)
    np.testing.assert_allclose(100 * shares[1:39], 2.564, atol=0.001)
    assert shares.sum() == pytest.approx(1.0)


def test_equipment_is_deducted_at_once_and_a_building_is_not():
    law = {"method": "bonus", "at_once_share": 1.0, "at_once_longest": 20.0}
    assert tax_shares(5, 6, **law)[0] == 1.0
    assert tax_shares(39, 6, **law)[0] < 0.02
    half = tax_shares(5, 6, **{**law, "at_once_share": 0.4})
    assert half[0] == pytest.approx(0.4 + 0.6 * 0.2)


@given(st.floats(2020, 2050), st.floats(0.5, 40))
def test_an_even_write_off_adds_up_and_never_exceeds_its_rate(bought, life):
    shares = straight_line_shares(bought, life, np.arange(2015, 2100))
    assert shares.sum() == pytest.approx(1.0)
    assert shares.max() <= 1.0 / life + 1e-9
    assert shares.min() >= 0.0


@given(st.floats(2026, 2040), st.floats(0.6, 30), st.floats(1, 1e9), st.floats(-0.5, 0.5))
def test_books_lose_no_dollar(bought, life, usd, change):
    assets = renewals(Asset("servers", bought, usd, life, 5), 2046.0, change)
    written, left = book_depreciation(assets, YEARS)
    assert written.sum() + left == pytest.approx(purchases(assets, YEARS).sum(), rel=1e-9)
    assert left >= 0.0


@given(
    st.floats(2026, 2040),
    st.floats(0.6, 30),
    st.floats(0.0, 0.1),
    st.sampled_from(["macrs", "bonus", "straight-line"]),
    st.sampled_from([5, 15, 39]),
)
def test_tax_loses_no_dollar(bought, life, inflation, method, tax_years):
    assets = renewals(Asset("servers", bought, 1e6, life, tax_years), 2046.0)
    levels = (1 + inflation) ** (YEARS - 2026)
    deducted, basis = tax_deductions(assets, YEARS, levels, TaxRule(method, 1.0, 20.0))
    paid = (purchases(assets, YEARS) * levels).sum()
    assert deducted.sum() + basis == pytest.approx(paid, rel=1e-9)
    assert deducted.min() >= -1e-6


def test_renewals_come_at_the_end_of_life_at_the_price_of_equal_performance():
    found = renewals(Asset("servers", 2027.0, 100.0, 5.5, 5), 2040.0, -0.3)
    assert [a.bought for a in found] == [2027.0, 2032.5, 2038.0]
    assert [a.renewal for a in found] == [0, 1, 2]
    assert found[1].usd == pytest.approx(100 * 0.7**5.5)
    assert len(renewals(Asset("servers", 2027.0, 1.0, 5.5, 5), 2032.5)) == 1


def test_what_was_bought_before_is_paid_and_worn_in_the_first_year():
    old = Asset("servers", 2024.0, 100.0, 4.0, 5)
    assert purchases([old], YEARS)[0] == 100.0
    written, left = book_depreciation([old], YEARS)
    assert written[:3].tolist() == [75.0, 25.0, 0.0]
    assert left == 0.0


def test_land_is_kept():
    land = Asset("land", 2027.2, 50.0, math.inf, 0)
    assert renewals(land, 2100.0) == (land,)
    assert book_depreciation([land], YEARS)[1] == 50.0
    deducted, basis = tax_deductions([land], YEARS, np.ones(20), RULE)
    assert not deducted.any()
    assert basis == 50.0


def test_what_is_replaced_is_deducted_in_full():
    worn = Asset("servers", 2026.0, 90.0, 3.0, 5)
    deducted, basis = tax_deductions([worn], YEARS, np.ones(20), RULE)
    assert deducted.sum() == pytest.approx(90.0)
    assert not deducted[4:].any()
    assert basis == 0.0


def test_what_is_left_is_deducted_in_the_year_of_the_replacement():
    # Bought late in 2028 for five and a half years: its replacement is bought in 2034.
    shell = Asset("shell", 2028.9, 100.0, 5.5, 39.0)
    years = np.arange(2028, 2040, dtype=float)
    rule = TaxRule("bonus", 1.0, 20.0)
    deducted, basis = tax_deductions([shell], years, np.ones(len(years)), rule)
    assert renewals(shell, 2040.0)[1].year == 2034
    assert np.flatnonzero(deducted > 50.0).tolist() == [2034 - 2028]
    assert deducted.sum() == pytest.approx(100.0)
    assert basis == 0.0


def test_write_offs_end_with_the_time_looked_at():
    asset = Asset("servers", 2027.5, 100.0, 5.0, 5.0)
    written, left = book_depreciation([asset], np.arange(2027, 2030, dtype=float), 2029.25)
    assert written.tolist() == pytest.approx([10.0, 20.0, 5.0])
    assert left == pytest.approx(65.0)


def test_a_class_that_the_law_does_not_know_is_refused():
    with pytest.raises(ValueError, match="no property of 4 years"):
        macrs_shares(4)
