"""One input at a time over its published range."""

from __future__ import annotations

import pytest

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.twin.cash.plan import plan_finance
from gigawatt.twin.cash.record import finance_record
from gigawatt.twin.cash.tornado import swing_inputs, unranged


@pytest.fixture(scope="module")
def plan(campus):
    return plan_finance(campus(), years=12, price="rent")


def test_ranges_are_the_published_ones(plan):
    swings = {s.name: s for s in plan.swings}
    rate = catalog.load().get("rate", "finance")["it_life_years"]
    assert (swings["it_life_years"].low, swings["it_life_years"].high) == rate.span
    facility = catalog.load().get("rate", "capital")["facility_usd_per_it_mw"]
    found = swings["facility_usd_per_it_mw"]
    assert (found.low, found.high) == facility.span
    rent = catalog.load().get("chip", "gb200-nvl72")["rent_usd_per_h"]
    assert swings["price"].high == pytest.approx(rent.span[1] / rent.number)
    widths = [s.width_usd for s in plan.swings]
    assert widths == sorted(widths, reverse=True)


def test_dear_capital_is_worth_less_and_long_lives_and_rents_more(plan):
    swings = {s.name: s for s in plan.swings}
    for name in ("compute_usd_per_it_mw", "facility_usd_per_it_mw"):
        assert swings[name].npv_at_low_usd > plan.npv_usd > swings[name].npv_at_high_usd
    assert swings["it_life_years"].npv_at_low_usd < swings["it_life_years"].npv_at_high_usd
    # The published rent is the low end of its own range.
    assert swings["price"].npv_at_low_usd == pytest.approx(plan.npv_usd)
    assert swings["price"].npv_at_high_usd > plan.npv_usd


def test_an_end_is_a_plan_of_its_own(plan, campus):
    swing = next(s for s in plan.swings if s.name == "facility_usd_per_it_mw")
    said = campus(finance={"facility_usd_per_it_mw": swing.high})
    again = plan_finance(said, years=12, price="rent")
    assert swing.npv_at_high_usd == pytest.approx(again.npv_usd)


def test_ranges_of_ones_own(plan):
    swings = swing_inputs(plan, {"discount_rate": (0.04, 0.1), "electricity": (0.5, 2.0)})
    own = {s.name: s for s in swings if not s.published}
    assert set(own) == {"discount_rate", "electricity"}
    assert own["electricity"].npv_at_low_usd > plan.npv_usd > own["electricity"].npv_at_high_usd
    assert "discount_rate" in unranged(plan)
    with pytest.raises(InputError, match="did you mean discount_rate"):
        swing_inputs(plan, {"discount_rat": (0.0, 1.0)})


def test_the_answers_name_what_they_rest_on(plan):
    known = {f.key for kind in catalog.load().kinds for e in catalog.load().entries(kind)
             for f in e}  # fmt: skip
    for head in plan.answers:
        assert set(head.facts) <= known
        assert head.formula
    worth = next(a for a in plan.answers if a.name == "npv_usd")
    assert "chip/gb200-nvl72/rent_usd_per_h" in worth.facts
    assert "tax_rule/us-federal/income_tax_rate" in worth.facts


def test_the_record_is_plain(plan):
    import json

    record = json.loads(json.dumps(finance_record(plan, plan.swings), allow_nan=False))
    assert record["answers"]["npv_usd"]["value"] == pytest.approx(plan.npv_usd)
    assert sum(record["accounts"].values()) == pytest.approx(0.0, abs=10.0)
    assert len(record["years"]["owner_flow_usd"]) == 12
    assert sum(map(sum, record["capital_usd"].values())) == pytest.approx(
        sum(v.sum() for v in plan.flows.bought_usd.values())
    )
