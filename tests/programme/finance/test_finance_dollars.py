"""Dollars of one year in those of another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.errors import NotModelledError
from gigawatt.programme.finance.dollars import in_dollars_of, price_ratio

years = st.integers(2015, 2050)


def test_published_inflation_of_2022():
    # U.S. Bureau of Labor Statistics: prices rose by 8.0 per cent on average in 2022.
    assert price_ratio(2021, 2022) == pytest.approx(1.080, abs=0.0005)


@given(years, years, years)
def test_the_way_between_years_does_not_matter(one, two, three):
    there = price_ratio(one, two) * price_ratio(two, three)
    assert there == pytest.approx(price_ratio(one, three))
    assert price_ratio(one, one) == 1.0


def test_the_outlook_or_ones_own_after_the_last_year_known():
    assert price_ratio(2025, 2027) == pytest.approx(1.02**2)
    assert price_ratio(2025, 2027, 0.05) == pytest.approx(1.05**2)
    assert price_ratio(2020, 2021, 0.05) == price_ratio(2020, 2021)


def test_a_fact_carries_its_year():
    fact = catalog.load().get("rate", "construction")["acre_usd"]
    assert fact.date.startswith("2024")
    assert in_dollars_of(fact, 2025) == pytest.approx(244_000 * 321.943 / 313.689)


def test_before_the_first_year_known_nothing_is_said():
    with pytest.raises(NotModelledError, match="no price level is held for 1999"):
        price_ratio(1999, 2026)
