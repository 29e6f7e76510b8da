"""Figures of a campus's money say what the plan says."""

from __future__ import annotations

import html
import json

import numpy as np
import pytest

from gigawatt import spec
from gigawatt.results.finance_figures import FINANCE_FIGURES, finance_figures, render
from gigawatt.twin.cash.plan import plan_finance

CAMPUS = """\
gigawatt: 1
name: Small <one>
site: {place: Richland Parish, state: LA, climate: monroe-la, grid: miso}
horizon: {start: 2027-01-01, years: 1}
phases:
  - {name: one, date: 2027-01-01, it_mw: 10, facility_mw: 13, chips: [{type: gb200}]}
cooling: {plant: closed-loop-dry}
programme: {research: {share: 1}}
"""


@pytest.fixture(scope="module")
def plan():
    return plan_finance(spec.loads(CAMPUS), years=8, price="rent", financing="joint-venture")


@pytest.fixture(scope="module")
def figures(plan):
    return finance_figures(plan, plan.swings)


def test_all_figures_are_there_and_plain(figures):
    assert list(figures) == list(FINANCE_FIGURES)
    json.dumps(figures, allow_nan=False)


def test_the_waterfall_ends_at_the_worth(figures, plan):
    trace = figures["waterfall"]["data"][0]
    assert sum(trace["y"][:-1]) == pytest.approx(trace["y"][-1], rel=1e-3)
    assert trace["y"][-1] == pytest.approx(plan.npv_usd / 1e9, rel=1e-4)


def test_bars_of_a_year_add_up_to_the_owners_flow(figures, plan):
    bars = [t["y"] for t in figures["years"]["data"] if t["type"] == "bar"]
    np.testing.assert_allclose(np.sum(bars, axis=0), plan.flows.owner_usd / 1e9, atol=1e-4)
    line = figures["years"]["data"][-1]
    assert line["y"][-1] == pytest.approx(plan.flows.owner_usd.sum() / 1e9, rel=1e-3)


def test_capital_is_stacked_by_block(figures, plan):
    bars = figures["capital"]["data"]
    whole = sum(sum(t["y"]) for t in bars)
    bought = sum(v.sum() for v in plan.flows.bought_usd.values())
    assert whole == pytest.approx(bought / 1e9, rel=1e-3)


def test_the_tornado_has_the_widest_on_top(figures, plan):
    low, high = figures["tornado"]["data"]
    widths = [abs(a - b) for a, b in zip(low["x"], high["x"], strict=True)]
    assert widths == sorted(widths)
    assert low["base"][0] == pytest.approx(plan.npv_usd / 1e9)


def test_the_page_holds_everything(plan):
    page = render(plan, plan.swings)
    assert "Small &lt;one&gt;" in page
    for caption in FINANCE_FIGURES.values():
        assert html.escape(caption, quote=False).replace("'", "&#39;") in page
