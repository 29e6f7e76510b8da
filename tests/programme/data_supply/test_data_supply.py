"""Text to train on: the published stock, the worth of repeats, curation, and what is lacking."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError, UnknownNameError
from gigawatt.programme.data_supply.answer import plan_data
from gigawatt.programme.data_supply.curation import Stage, curate, stage_of
from gigawatt.programme.data_supply.stock import (
    effective_tokens,
    epochs_for,
    text_sets,
    token_stock,
)
from gigawatt.programme.data_supply.synthetic import synthesise

TOKENS = st.floats(8.0, 17.0).map(lambda p: 10.0**p)


def test_stock_is_the_published_one():
    stock = token_stock(dt.date(2024, 1, 1))
    published = catalog.load().get("token_source", "public-text").number("effective_tokens")
    assert np.median(stock.effective_tokens) == pytest.approx(published, rel=0.15)
    # The code's own draws: 322 trillion, 66 to 1,689 in 95 %; quality alone: 102, 22 to 502.
    for drawn, low, middle, high in (
        (stock.effective_tokens, 66e12, 322e12, 1689e12),
        (stock.unique_tokens, 22e12, 102e12, 502e12),
    ):
        found = np.quantile(drawn, (0.025, 0.5, 0.975))
        assert found == pytest.approx([low, middle, high], rel=0.1)


def test_stock_grows_and_shrinks_with_the_share():
    early, late = token_stock(dt.date(2024, 1, 1)), token_stock(dt.date(2030, 1, 1))
    assert np.median(late.unique_tokens) > np.median(early.unique_tokens)
    tenth = token_stock(dt.date(2024, 1, 1), share=0.1)
    assert np.allclose(tenth.unique_tokens, 0.1 * early.unique_tokens)
    assert early.chance_of(1e12) > early.chance_of(1e14) > early.chance_of(1e16)
    for bad in ({"when": dt.date(1990, 1, 1)}, {"when": dt.date(2026, 1, 1), "share": 0.0}):
        with pytest.raises(InputError):
            token_stock(**bad)


@given(unique=TOKENS, times=st.floats(1.0, 30.0))
def test_repeats_are_worth_less_and_never_nothing(unique, times):
    worth = float(effective_tokens(unique, unique * times))
    assert unique * (1.0 - 1e-9) <= worth <= unique * times * (1.0 + 1e-9)


@given(unique=TOKENS, times=st.floats(1.0, 12.0))
def test_epochs_are_the_inverse_of_the_worth(unique, times):
    epochs = epochs_for(unique, unique * times)
    assert float(effective_tokens(unique, unique * epochs)) == pytest.approx(unique * times)


def test_some_needs_no_number_of_repeats_meets():
    assert epochs_for(1e12, 100e12) == float("inf")
    assert epochs_for(1e12, 5e11) == 1.0


def test_four_epochs_cost_next_to_nothing():
    assert float(effective_tokens(1e12, 4e12)) > 0.9 * 4e12


@given(
    raw=TOKENS,
    shares=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5),
    rate=st.floats(1e6, 1e12),
)
def test_every_token_of_a_chain_is_kept_or_dropped_once(raw, shares, rate):
    stages = tuple(Stage(f"stage {i}", s, rate, "h100-sxm") for i, s in enumerate(shares))
    found = curate(raw, stages, usd_per_chip_hour=3.0)
    before = raw
    for passed in found.by_stage.values():
        assert passed.tokens_in == pytest.approx(before)
        assert passed.chip_hours == pytest.approx(passed.tokens_in / rate)
        before = passed.tokens_out
    assert found.tokens_out == pytest.approx(raw * np.prod(shares))
    assert found.cost_usd == pytest.approx(3.0 * found.chip_hours)
    assert found.days(10.0) == pytest.approx(found.chip_hours / 240.0)


def test_published_stages_take_what_was_published():
    found = curate(15e12, (stage_of("quality-classifier"),))
    assert found.chip_hours == pytest.approx(6000.0)
    assert found.tokens_out == pytest.approx(1.3e12, rel=0.01)
    with pytest.raises(NotModelledError, match="kept_share"):
        stage_of("fuzzy-deduplication")
    with pytest.raises(InputError, match="kept_share"):
        curate(1e12, (Stage("nothing left", 0.0),))


def test_written_tokens_take_time_in_proportion():
    one = synthesise("llama-3.1-70b", "h100-sxm", 1e12)
    half = synthesise("llama-3.1-70b", "h100-sxm", 1e12, kept_share=0.5)
    assert half.chip_hours == pytest.approx(2.0 * one.chip_hours)
    assert one.chip_hours_low < one.chip_hours < one.chip_hours_high
    rate = one.tokens_per_s_per_chip.value
    assert one.chip_hours * 3600.0 * rate == pytest.approx(1e12)


def test_a_run_with_enough_text_lacks_nothing_and_a_larger_one_does():
    few = plan_data(15e12, when=dt.date(2026, 1, 1))
    assert few.lacking_tokens == 0.0
    assert few.epochs == 1.0
    assert few.synthetic is None
    many = plan_data(1e15, when=dt.date(2026, 1, 1), share=0.1, writer="llama-3.1-70b")
    assert many.lacking_tokens > 0.0
    assert many.epochs == many.most_epochs
    assert many.synthetic is not None
    # What the web gives and what is written make up the whole.
    from_web = many.curated.tokens_out * many.epochs
    assert from_web + many.synthetic.tokens == pytest.approx(1e15)
    assert many.record()["lacking_tokens"] == many.lacking_tokens
    with pytest.raises(InputError, match="duplicates"):
        plan_data(1e12, when=dt.date(2026, 1, 1), deduplicated_share=0.1)
    for bad in ({"tokens": float("nan")}, {"most_epochs": float("inf")}, {"most_epochs": 0.5}):
        with pytest.raises(InputError, match="most_epochs"):
            plan_data(**{"tokens": 1e12, "when": dt.date(2026, 1, 1), **bad})
    for wrong in ({"writer": "nobody-9"}, {"chip": "no-chip"}):  # also where nothing is written
        with pytest.raises(UnknownNameError):
            plan_data(1e12, when=dt.date(2026, 1, 1), **wrong)


def test_rules_take_the_published_hours_of_ordinary_processors():
    # Dolma: 200 TB on 192 virtual cores in 5 days, at 122 hours a TB.
    stage = stage_of("rule-filters", kept_share=0.5)
    tokens = 200 * catalog.load().get("curation", "rule-filters").number("tokens")
    found = curate(tokens, (stage,))
    assert found.chip_hours == 0.0
    assert found.cpu_hours / 192.0 / 24.0 == pytest.approx(5.0, rel=0.1)
    assert found.cost_usd == pytest.approx(found.cpu_hours * 7.344 / 192.0)


def test_part_left_without_duplicates_is_that_of_fineweb():
    plan = plan_data(15e12, when=dt.date(2026, 1, 1))
    rules, duplicates = plan.curated.by_stage.values()
    assert duplicates.tokens_out / duplicates.tokens_in == pytest.approx(20.0 / 36.0, rel=1e-3)
    assert rules.cpu_hours > 0.0
    assert duplicates.tokens_out == pytest.approx(15e12)


def test_quality_costs_tokens_and_accelerators():
    every, best = (
        plan_data(15e12, when=dt.date(2026, 1, 1), quality_share=q) for q in (None, 0.087)
    )
    assert best.unique_tokens == pytest.approx([0.087 * v for v in every.unique_tokens])
    assert best.epochs > every.epochs
    assert best.chance_once < every.chance_once
    assert best.curated.tokens_out * best.epochs == pytest.approx(15e12)
    classified = list(best.curated.by_stage.values())[-1]
    assert classified.chip_hours == pytest.approx(classified.tokens_in / 15e12 * 6000.0)


def test_published_sets_come_from_more_than_the_web():
    sets = text_sets()
    assert {one.medium for one in sets} == {"web", "code", "books", "papers", "speech"}
    largest = {one.medium: one.tokens for one in reversed(sets)}
    assert largest["code"] == pytest.approx(0.9e12)  # StarCoder2
    assert largest["books"] == pytest.approx(242e9)  # Harvard Library
    # None of them exceeds the raw stock that they were taken from.
    raw = catalog.load().get("token_source", "indexed-web").number("raw_tokens")
    assert all(one.tokens < raw for one in sets)
