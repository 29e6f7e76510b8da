"""The joint venture of Hyperion from its bonds, against what its partners filed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.programme.finance.stake import implied_valuation_usd
from gigawatt.programme.finance.venture import (
    investor_bonds_usd,
    published_venture,
    venture_schedule,
)
from gigawatt.programme.finance.worth import present_value

DEAL = catalog.load().get("deal", "hyperion")


@pytest.fixture(scope="module")
def venture():
    return published_venture("hyperion")


def test_rent_follows_from_the_bonds_alone(venture):
    # Form 10-K for 2025: 12.31 billion USD for the first four years.
    four = venture_schedule(venture).committed_usd[0]
    assert four == pytest.approx(12.31e9, rel=0.01)


def test_bonds_pay_the_share_and_the_interest_until_rent_comes_in(venture):
    needed = investor_bonds_usd(27e9, 0.8, venture.coupon, venture.building_years)
    assert needed == pytest.approx(27.3e9, rel=0.01)
    interest = venture_schedule(venture).building_interest_usd
    assert 0.8 * 27e9 + interest == pytest.approx(27.3e9, rel=0.01)


def test_closing_keeps_the_shares():
    # Form 10-Q: 4.3 billion of assets in, 2.55 out again; 7.0 billion in cash from the investor.
    net = DEAL.number("owner_contribution_usd") - DEAL.number("owner_distribution_usd")
    cash = DEAL.number("investor_contribution_usd")
    assert cash / (cash + net) == pytest.approx(DEAL.number("investor_share"), rel=0.01)


def test_who_pays_what_balances_every_year(venture):
    paid = venture_schedule(venture)
    np.testing.assert_allclose(paid.rent_usd, paid.to_owner_usd + paid.to_investor_usd)
    # All of the investor's rent goes to his bondholders: what he owes falls to nothing.
    np.testing.assert_allclose(paid.to_investor_usd, paid.interest_usd + paid.principal_usd)
    np.testing.assert_allclose(
        paid.owed_usd, venture.bond_usd - np.cumsum(paid.principal_usd), atol=1.0
    )
    assert paid.owed_usd[-1] == pytest.approx(0.0, abs=1.0)
    assert len(paid.rent_usd) == 20


def test_bondholders_earn_their_coupon(venture):
    yearly = dataclasses.replace(venture, building_years=0.0)
    paid = venture_schedule(yearly)
    service = paid.interest_usd + paid.principal_usd
    effective = (1 + venture.coupon / 2) ** 2 - 1
    # Half-yearly payments counted at the end of the year: worth a little less than the sum lent.
    assert present_value([0.0, *service], effective) == pytest.approx(venture.bond_usd, rel=0.02)


def test_the_guarantee_repays_the_bonds_as_long_as_it_holds(venture):
    paid = venture_schedule(venture)
    assert venture.threshold_usd(0) == 28e9
    assert (paid.threshold_usd[:16] >= paid.owed_usd[:16]).all()
    assert not paid.threshold_usd[16:].any()
    assert venture.guarantee_payment_usd(4, 10e9) == pytest.approx(venture.threshold_usd(4) - 10e9)
    assert venture.guarantee_payment_usd(4, 30e9) == 0.0
    assert venture.guarantee_payment_usd(17, 0.0) == 0.0


def test_only_the_current_term_is_owed_by_contract(venture):
    owed = venture_schedule(venture).committed_usd / venture.rent_usd
    np.testing.assert_allclose(owed, [4, 3, 2, 1] * 5)


def test_twice_the_venture_is_twice_the_money(venture):
    twice = dataclasses.replace(
        venture,
        development_usd=2 * venture.development_usd,
        bond_usd=2 * venture.bond_usd,
        guarantee_usd=2 * venture.guarantee_usd,
    )
    for one, other in zip(
        dataclasses.astuple(venture_schedule(venture)),
        dataclasses.astuple(venture_schedule(twice)),
        strict=True,
    ):
        np.testing.assert_allclose(2 * np.asarray(one), np.asarray(other), atol=1.0)


def test_interest_that_eats_the_loan_is_refused():
    with pytest.raises(ValueError, match="use up all"):
        investor_bonds_usd(1.0, 0.8, 0.1, 10.0)


def test_a_stake_values_the_whole():
    # Meta paid 14.3 billion USD for 49 % of Scale AI, reported as a value of about 29 billion.
    deal = catalog.load().get("deal", "scale-ai")
    value = implied_valuation_usd(deal.number("stake_usd"), deal.number("stake_share"))
    assert value == pytest.approx(deal.number("valuation_usd"), rel=0.01)
    with pytest.raises(ValueError, match=r"range \(0, 1\]"):
        implied_valuation_usd(1.0, 0.0)
