"""How announced dates slip: the model, its fit, and the backtest that the docs state."""

from __future__ import annotations

import csv
import datetime as dt
import importlib.util
import json
import math
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.errors import NotModelledError
from gigawatt.programme.buildout.slip import (
    Slip,
    expected_moves,
    learnt_slip,
    log_likelihood,
    milestone_days,
)
from gigawatt.programme.buildout.slip_fit import fit_slip
from gigawatt.programme.buildout.vintages import (
    THRESHOLDS_MW,
    Moves,
    Vintage,
    catalogue_vintages,
    columns_of,
    moves_between,
    pairs_of,
)
from gigawatt.validation.schedule_backtest import forecast_target, skill_of, training_moves

TARGET = dt.date(2026, 8, 20)
SEPTEMBER = dt.date(2026, 9, 24)
SLIP = Slip(2.0, 0.5, 0.5, 100.0, 1.0, 0.5, 0.02, 0.7, 83.0)


def stored():
    return json.loads(files("gigawatt.programme.buildout").joinpath("slip.json").read_text("utf-8"))


def test_vintages_of_the_catalogue_are_those_of_the_tracker(shared):
    published = {}
    with (shared / "facts/schedule_vintages.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = row["campus"], row["vintage"], int(row["threshold_facility_mw"])
            published[key] = (row["date_reached"], row["is_projection"])
    ours = {}
    for one in catalogue_vintages():
        for mw in THRESHOLDS_MW:
            day = one.reach.get(mw)
            ahead = "1" if day and day > one.day else "0"
            ours[one.campus, str(one.day), mw] = (str(day) if day else "", ahead)
    assert ours == published


def test_milestones_are_days_and_slips_are_kept_from_re_estimates():
    first = Vintage("A", dt.date(2026, 1, 1), {
        100: dt.date(2025, 6, 1), 250: dt.date(2026, 6, 1), 500: dt.date(2026, 6, 1),
        1000: dt.date(2027, 1, 1), 1500: dt.date(2028, 1, 1)})  # fmt: skip
    second = Vintage("A", dt.date(2026, 4, 1), {
        100: dt.date(2025, 9, 1), 250: dt.date(2026, 6, 1), 500: dt.date(2026, 6, 1),
        1000: dt.date(2027, 3, 1)})  # fmt: skip
    found = moves_between(first, second)
    assert [(m.size_mw, m.is_projection, m.shift_days) for m in found] == [
        (100, False, 92), (500, True, 0), (1000, True, 59)]  # fmt: skip
    assert columns_of(found).shift_days.tolist() == [0.0, 59.0]
    assert columns_of(found).review.tolist() == [0, 0]


def test_expected_moves_are_the_integral_of_the_rate():
    size = np.array([300.0])
    steps = np.linspace(0.2, 1.7, 200_001)
    middle = 0.5 * (steps[1:] + steps[:-1])
    rate = SLIP.rate_per_year * (0.3**SLIP.size_exponent) * middle**-SLIP.nearness
    whole = float((rate * np.diff(steps)).sum())
    found = expected_moves(SLIP, size, np.array([1.7]), np.array([0.2]))
    assert found[0] == pytest.approx(whole, rel=1e-6)


def test_likelihood_integrates_the_effect_of_a_review():
    moves = Moves(np.array([0, 0]), np.array([1000.0, 500.0]), np.array([1.0, 0.4]),
                  np.array([0.8, 0.1]), np.array([0.0, 60.0]))  # fmt: skip
    slip = replace(SLIP, evenness=2.0)
    lam = expected_moves(slip, moves.size_mw, moves.from_years, moves.to_years)
    effect = np.random.default_rng(0).gamma(2.0, 0.5, 2_000_000)
    off = (math.log(60.0) - math.log(slip.move_days)) / slip.move_spread
    length = math.exp(-0.5 * off**2) / (60.0 * slip.move_spread * math.sqrt(2.0 * math.pi))
    both = np.exp(-effect * lam[0]) * -np.expm1(-effect * lam[1]) * length * 0.98
    assert log_likelihood(slip, moves) == pytest.approx(math.log(both.mean()), abs=2e-3)


def test_a_fit_finds_the_parameters_that_made_the_moves():
    truth = replace(SLIP, learning=1.0, evenness=1.0, earlier_share=0.0)
    random = np.random.default_rng(0)
    reviews, each = 300, 4
    left = random.uniform(0.1, 2.0, (reviews, each))
    then = np.maximum(left - 83.0 / 365.25, 0.0)
    size = random.choice([100.0, 500.0, 1000.0, 2000.0], (reviews, each))
    effect = random.gamma(1.0, 1.0, (reviews, 1))
    lam = expected_moves(truth, size, left, then)
    moved = random.random((reviews, each)) < -np.expm1(-effect * lam)
    days = truth.move_days * np.exp(truth.move_spread * random.standard_normal((reviews, each)))
    review = np.repeat(np.arange(reviews), each)
    shifts = np.where(moved, days, 0.0)
    moves = Moves(review, size.ravel(), left.ravel(), then.ravel(), shifts.ravel())
    found = fit_slip(moves, review_days=83.0)
    for name in ("rate_per_year", "nearness", "size_exponent", "move_days", "move_spread"):
        assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=0.25), name
    assert found.evenness == pytest.approx(1.0, rel=0.4)


def test_too_few_moves_are_no_reference_class():
    moves = Moves(np.arange(9), np.full(9, 500.0), np.ones(9), np.full(9, 0.8), np.zeros(9))
    with pytest.raises(NotModelledError, match="at least 6 dates that moved; found 0"):
        fit_slip(moves, review_days=83.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1, 2000), min_size=1, max_size=4, unique=True), st.integers(0, 99))
def test_percentiles_rise_and_only_pulled_in_dates_come_early(days, seed):
    draw = np.random.default_rng
    drawn = milestone_days(SLIP, days, [500.0] * len(days), 500, draw(seed))
    low, mid, high = np.quantile(drawn, (0.1, 0.5, 0.9), axis=1)
    assert (low <= mid).all()
    assert (mid <= high).all()
    never_early = replace(SLIP, earlier_share=0.0)
    later = milestone_days(never_early, days, [500.0] * len(days), 500, draw(seed))
    assert (later >= np.array(days)[:, None]).all()
    assert np.isfinite(drawn).all()


def test_what_was_reached_is_certain_and_what_shares_a_day_shares_its_fate():
    drawn = milestone_days(
        SLIP, [-50.0, 0.0, 100.0, 100.0], [1, 2, 3, 4], 200, np.random.default_rng(0)
    )
    assert (drawn[0] == -50.0).all()
    assert (drawn[1] == 0.0).all()
    assert (drawn[2] == drawn[3]).all()


def test_dates_known_sooner_have_moved_less():
    args = ([300.0], [1000.0], 4000)
    spread = [
        np.quantile(milestone_days(SLIP, *args, np.random.default_rng(0), known_after_days=d), 0.9)
        for d in (30.0, 200.0, 2000.0)
    ]
    assert spread == sorted(spread)


def test_backtest_on_august_holds_what_the_docs_state():
    """Trained on the vintages before August 2026 only."""
    skill = skill_of(forecast_target(learnt_slip("before-2026-08"), catalogue_vintages(), TARGET))
    assert skill.forecasts == 122
    assert 0.70 <= skill.coverage <= 0.90
    assert skill.error_days < 0.96 * skill.announced_error_days
    assert skill.crps_days < 0.80 * skill.announced_error_days
    assert asdict(skill) == pytest.approx(stored()["backtest_2026_08"]["all"], abs=1e-3)


def test_fit_before_august_is_what_the_file_states():
    moves = columns_of(training_moves(catalogue_vintages(), TARGET))
    fitted = fit_slip(moves, review_days=83.0)
    assert asdict(fitted) == pytest.approx(asdict(learnt_slip("before-2026-08")), rel=1e-2)


def test_september_which_no_fit_has_seen_is_closer_than_as_announced():
    """The release of 24 September 2026 stands in the catalogue's phases, not in its vintages."""
    book, later = catalog.load(), []
    for entry in book.where("schedule_vintage"):
        if entry.date("vintage") != TARGET or "campus" not in entry:
            continue
        path = book.where("phase", campus=entry.text("campus"))
        if max((p["date"].date for p in path), default="") != str(SEPTEMBER):
            continue
        reach = {mw: [p.date("date") for p in path if p.number("facility_mw") >= mw]
                 for mw in THRESHOLDS_MW}  # fmt: skip
        later.append(
            Vintage(entry.text("name"), SEPTEMBER, {k: min(v) for k, v in reach.items() if v})
        )
    assert len(later) >= 8
    skill = skill_of(forecast_target(learnt_slip(), [*catalogue_vintages(), *later], SEPTEMBER))
    assert skill.forecasts >= 90
    assert skill.coverage >= 0.7
    assert skill.error_days < skill.announced_error_days


def test_left_out_campuses_are_forecast_as_well():
    skill = stored()["left_out_campuses"]["2026-08-20"]
    assert 0.70 <= skill["coverage"] <= 0.90
    assert skill["error_days"] < skill["announced_error_days"]


def test_building_times_are_those_of_the_chain_of_standard_tasks():
    """Lead times of other sources, held against 51 building sites of the tracker."""
    pace = stored()["pace"]
    assert pace["sites"] == len(catalog.load().entries("construction"))
    assert pace["chain_days"][1] == pytest.approx(pace["measured_days"][1], rel=0.05)


def test_pairs_are_of_one_campus_and_in_order():
    for first, second in pairs_of(catalogue_vintages()):
        assert first.campus == second.campus
        assert first.day < second.day


def test_calibration_script_writes_what_the_package_reads():
    script = Path(__file__).parents[3] / "calibration/fit_slip.py"
    place = importlib.util.spec_from_file_location("fit_slip_script", script)
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    assert module.OUTPUT.read_text("utf-8") == json.dumps(stored(), indent=2) + "\n"
    again = module._re_estimates(training_moves(catalogue_vintages(), dt.date.max))
    assert again == stored()["re_estimates"]
    assert module._pace() == stored()["pace"]
