"""Bills: the sum of their parts, least charges, and what leaving costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.energy.system import billing_months
from gigawatt.energy.tariffs import Tariff, bill, exit_fee, tariff
from gigawatt.errors import InputError, NotModelledError

MONTHS = billing_months("2029-01-01T00:00", 8760)
SHARE = st.floats(0.0, 1.0)
USD = st.floats(0.0, 1e4)


@st.composite
def cases(draw):
    """Draw a tariff, a load and its contract."""
    hours = draw(st.integers(1, 200))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    terms = Tariff(
        name="drawn",
        energy_usd_per_mwh=rng.uniform(-20.0, 200.0, hours),
        riders_usd_per_mwh={"rider": draw(st.floats(-5.0, 20.0))},
        demand_usd_per_mw_month=draw(USD),
        least_demand_share=draw(SHARE),
        ratchet_share=draw(SHARE),
        capacity_usd_per_mw_month=draw(USD),
        least_take_share=draw(SHARE),
        shortfall_usd_per_mwh=draw(USD),
        fixed_usd_per_month=draw(USD),
    )
    drawn = rng.uniform(0.0, draw(st.floats(0.1, 2000.0)), hours)
    periods = np.arange(hours) // draw(st.integers(1, 60))
    return terms, drawn, periods, draw(st.floats(0.0, 2500.0))


@settings(max_examples=150)
@given(cases())
def test_a_bill_is_the_sum_of_its_parts_and_each_follows_its_formula(case):
    terms, drawn, periods, contracted = case
    found = bill(terms, drawn, periods, contracted_mw=contracted)
    assert found.total_usd == pytest.approx(sum(found.parts_usd.values()))
    peaks = [drawn[periods == p].max() for p in range(periods.max() + 1)]
    billed = [
        max(
            peak,
            terms.least_demand_share * contracted,
            terms.ratchet_share * max(peaks[:p], default=0.0),
        )
        for p, peak in enumerate(peaks)
    ]
    energy = drawn.sum()
    expected = (
        drawn @ terms.energy_usd_per_mwh
        + energy * terms.riders_usd_per_mwh["rider"]
        + terms.demand_usd_per_mw_month * sum(billed)
        + terms.capacity_usd_per_mw_month * sum(peaks)
        + terms.fixed_usd_per_month * len(peaks)
        + terms.shortfall_usd_per_mwh
        * max(terms.least_take_share * contracted * drawn.size - energy, 0.0)
    )
    assert found.total_usd == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert (found.billed_mw >= found.demand_mw - 1e-9).all()
    kept = {"demand", "least demand", "capacity", "energy not taken", "fixed"}
    assert all(found.parts_usd[name] > 0.0 for name in kept & found.parts_usd.keys())


@given(cases(), st.floats(0.1, 10.0))
def test_twice_the_campus_has_twice_the_bill(case, scale):
    terms, drawn, periods, contracted = case
    one = bill(terms, drawn, periods, contracted_mw=contracted)
    more = bill(terms, drawn * scale, periods, contracted_mw=contracted * scale)
    fixed = terms.fixed_usd_per_month * (periods.max() + 1)
    assert more.total_usd - fixed == pytest.approx(scale * (one.total_usd - fixed), abs=1e-3)


def test_eighty_five_per_cent_are_billed_whatever_is_drawn():
    terms = tariff("aep-ohio-dct", energy_usd_per_mwh=40.0)
    idle = bill(terms, np.full(8760, 100.0), MONTHS, contracted_mw=1000.0)
    assert idle.billed_mw == pytest.approx(np.full(12, 850.0))
    assert idle.parts_usd["demand"] + idle.parts_usd["least demand"] == pytest.approx(
        850.0 * 89333.0
    )
    full = bill(terms, np.full(8760, 900.0), MONTHS, contracted_mw=1000.0)
    assert "least demand" not in full.parts_usd
    # 40.2 million USD a year for the 450 MW of the published example.
    example = bill(terms, np.full(8760, 450.0), MONTHS)
    assert example.parts_usd["demand"] == pytest.approx(40.2e6, rel=1e-4)


def test_leaving_costs_three_years_of_least_charges_and_never_more_than_the_rest():
    terms = tariff("aep-ohio-dct")
    assert terms.term_years == 12.0
    yearly = 0.85 * 1000.0 * 89333.0
    assert exit_fee(terms, 1000.0, 6.0) == pytest.approx(3.0 * yearly)
    assert exit_fee(terms, 1000.0, 2.0) == pytest.approx((3.0 + 3.0) * yearly)
    assert exit_fee(terms, 1000.0, 11.0) == pytest.approx(yearly)
    assert exit_fee(terms, 1000.0, 12.0) == 0.0
    fees = [exit_fee(terms, 1000.0, float(y)) for y in range(13)]
    assert fees == sorted(fees, reverse=True)


def test_a_contract_without_a_published_fee_has_none():
    terms = tariff("entergy-louisiana-meta", fixed_usd_per_year=1e6)
    assert terms.term_years == 15.0
    with pytest.raises(NotModelledError, match="no exit fee is published"):
        exit_fee(terms, 2000.0, 3.0)


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"least_demand_share": 1.2}, "least_demand_share must be within"),
        ({"ratchet_share": -0.1}, "ratchet_share must be within"),
        ({"demand_usd_per_mw_month": -1.0}, "demand_usd_per_mw_month must not be negative"),
    ],
)
def test_terms_that_cannot_be_are_refused(terms, told):
    with pytest.raises(InputError, match=told):
        Tariff(name="wrong", **terms)


def test_a_bill_needs_hours():
    with pytest.raises(InputError, match="series of the same hours"):
        bill(Tariff(name="any"), np.array([1.0, -1.0]), np.array([0, 0]))
    with pytest.raises(InputError, match="after_years"):
        exit_fee(tariff("aep-ohio-dct"), 1.0, -1.0)


@pytest.mark.parametrize("entry", catalog.load().entries("tariff"), ids=lambda e: e.id)
def test_published_tariffs_can_be_billed(entry):
    assert entry.text("energy") in {"market", "plants"}
    terms = tariff(entry.id, energy_usd_per_mwh=30.0)
    assert bill(terms, np.full(8760, 500.0), MONTHS).total_usd >= 500.0 * 8760 * 30.0
