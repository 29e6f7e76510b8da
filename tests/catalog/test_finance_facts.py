"""Facts of money: shares that add up, deals that agree with themselves."""

from __future__ import annotations

import itertools

import pytest

from gigawatt import catalog

BOOK = catalog.load()


@pytest.mark.parametrize("part", ["facility", "compute"])
def test_blocks_share_all_of_their_part(part):
    blocks = BOOK.where("capital_block", part=part)
    assert sum(b.number("share") for b in blocks) == pytest.approx(1.0)
    # The published ranges leave room for one another.
    low, high = (sum(b["share"].span[i] for b in blocks) for i in (0, 1))
    assert low <= 1.0 <= high


def test_electrical_and_mechanical_agree_with_another_survey():
    # Cushman & Wakefield 2025: critical capacity 53 %, shell and site 31 % of construction.
    share = {b.id: b.number("share") for b in BOOK.entries("capital_block")}
    assert share["electrical"] + share["mechanical"] == pytest.approx(0.53, abs=0.08)


def test_hyperions_shares_terms_and_dates_agree():
    deal = BOOK.get("deal", "hyperion")
    assert deal.date("rent_from") > deal.date("date")
    assert deal.number("longest_lease_years") % deal.number("lease_years") == 0
    years = deal.date("maturity").year - deal.date("rent_from").year
    assert years == deal.number("longest_lease_years")
    assert deal.number("guarantee_usd") > deal.number("bond_usd") > 0.8 * 27e9


def test_prices_rose_every_year():
    index = [e.number("index") for e in BOOK.entries("price_index") if "index" in e]
    assert len(index) >= 11
    assert all(1.0 < b / a < 1.09 for a, b in itertools.pairwise(index))


def test_halving_times_are_those_of_the_source():
    # Twice the performance for the dollar in 2.07 years, 95 % interval 1.54 to 3.13.
    fact = BOOK.get("chip_price_trend", "epoch-2022")["price_change_per_year"]
    assert fact.number == pytest.approx(0.5 ** (1 / 2.07) - 1, abs=0.001)
    assert fact.low == pytest.approx(0.5 ** (1 / 1.54) - 1, abs=0.001)
    assert fact.high == pytest.approx(0.5 ** (1 / 3.13) - 1, abs=0.001)
