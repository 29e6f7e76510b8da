"""Build-outs of campuses: which view counts, power by month, tasks and what time is worth."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog, spec
from gigawatt.errors import InputError, NotModelledError
from gigawatt.programme.buildout.earlier import earlier_announcements
from gigawatt.programme.buildout.plan import ANNOUNCED, REST, TASKS, THERE
from gigawatt.programme.buildout.reach import first_days, power_by_day, reached_days
from gigawatt.programme.buildout.record import buildout_record, spread
from gigawatt.programme.buildout.simulate import simulate_buildout
from gigawatt.programme.buildout.worth import HOURS_PER_MONTH, month_usd, rate_of

FILE = """\
gigawatt: 1
name: Halls
site: {place: "Richland Parish, Louisiana", state: LA, climate: monroe-la, grid: miso}
horizon: {start: 2027-01-01, years: 5}
phases:
  - {name: Hall 1, date: 2029-06-01, it_mw: 500 MW, facility_mw: 600 MW,
     chips: [{type: gb300-nvl72, count: 100000}]}
  - {name: Hall 2, date: 2030-06-01, it_mw: 500 MW, facility_mw: 700 MW,
     chips: [{type: gb300-nvl72}]}
cooling: {plant: closed-loop-dry}
"""
WORK = """\
buildout:
  start: 2026-01-01
  means:
    - {name: fit-out crews, count: 1}
"""


def build(text=FILE, overrides=None, **asked):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "halls.yaml"
        path.write_text(text, encoding="utf-8")
        campus = spec.load(path, overrides or {})
    return simulate_buildout(campus, **{"samples": 1000, **asked})


@pytest.fixture(scope="module")
def prometheus():
    return simulate_buildout(spec.load("prometheus"), samples=4000)


def test_each_phase_has_the_view_that_its_plan_allows(prometheus):
    assert {phase.view for phase in build().phases} == {ANNOUNCED}
    assert {phase.view for phase in build(FILE + WORK).phases} == {TASKS}
    there = [p.announced <= prometheus.as_of for p in prometheus.phases]
    assert [p.view == THERE for p in prometheus.phases] == there
    hyperion = simulate_buildout(spec.load("hyperion"), samples=100)
    assert [(p.name, p.view) for p in hyperion.phases][1:] == [(REST, TASKS)]


def test_day_known_is_that_of_the_newest_fact(prometheus):
    assert prometheus.as_of == dt.date(2026, 9, 24)
    assert build().as_of == dt.date(2027, 1, 1)
    assert build(FILE + WORK).as_of == dt.date(2026, 1, 1)
    assert build(as_of=dt.date(2026, 5, 5)).as_of == dt.date(2026, 5, 5)


def test_phases_come_to_the_power_of_the_campus(prometheus):
    campus = catalog.load().get("campus", "prometheus")
    assert prometheus.total_mw == pytest.approx(campus.number("planned_facility_mw"))
    hyperion = simulate_buildout(spec.load("hyperion"), samples=100)
    assert hyperion.total_mw == pytest.approx(5000.0)
    assert prometheus.power_mw[:, -1] == pytest.approx([prometheus.total_mw] * 3, rel=0.2)


@pytest.mark.parametrize("text", [FILE, FILE + WORK])
def test_percentiles_rise_and_power_never_falls(text):
    found = build(text)
    low, mid, high = found.power_mw
    assert (low <= mid).all()
    assert (mid <= high).all()
    assert (np.diff(found.power_mw, axis=1) >= 0.0).all()
    for days in found.days:
        assert spread(days) == sorted(spread(days))


@pytest.mark.parametrize("text", [FILE, FILE + WORK])
def test_seed_decides_on_everything(text):
    one, same, other = build(text, seed=3), build(text, seed=3), build(text, seed=4)
    assert buildout_record(one) == buildout_record(same)
    assert not np.array_equal(one.days, other.days)


@pytest.mark.parametrize("shift", [-400, 1, 250])
def test_all_dates_shifted_shift_all_results(shift):
    day = dt.timedelta(shift)
    moved = {
        "phases[0].date": str(dt.date(2029, 6, 1) + day),
        "phases[1].date": str(dt.date(2030, 6, 1) + day),
    }
    known = dt.date(2027, 1, 1)
    first, second = build(as_of=known), build(overrides=moved, as_of=known + day)
    assert np.array_equal(first.days, second.days)
    assert second.date(100.0) == first.date(100.0) + day
    by = dt.date(2030, 1, 1)
    assert first.probability(600, by) == second.probability(600, by + day)


def test_crews_hold_up_and_more_of_them_do_not():
    one, two = build(FILE + WORK), build(FILE + WORK, {"buildout.means[0].count": "2"})
    assert (two.days <= one.days + 1e-9).all()
    assert (two.days[1] < one.days[1]).any()


def test_both_views_are_shown_where_there_are_tasks():
    phase = buildout_record(build(FILE + WORK))["phases"][0]
    assert phase["view"] == TASKS
    announced_only = buildout_record(build(as_of=dt.date(2026, 1, 1)))["phases"][0]
    assert phase["reference_class"]["p50"] == announced_only["p50"]
    assert phase["p50"] != announced_only["p50"]


def test_tasks_shorter_by_a_day_gain_what_is_said():
    found = build(FILE + WORK, samples=4000)
    by_name = {one.task: one for one in found.tasks}
    land = by_name["Land"]
    # Everything waits for the land: it is always critical, and a day of it is a day of the median.
    assert land.criticality == 1.0
    assert land.gained_days_per_day == pytest.approx(1.0)
    worth = sum(month_usd(found.rate, phase)[0] for phase in found.phases)
    assert land.usd_per_day == pytest.approx(worth / 30.436875)
    sooner = {"buildout.tasks": "[{name: Land, days: 264, low_days: 173, high_days: 355}]"}
    shifted = build(FILE + WORK, sooner, samples=4000)
    gained = np.median(found.reached(1000.0)) - np.median(shifted.reached(1000.0))
    assert gained == pytest.approx(10.0, abs=1.0)


def test_criticality_follows_gains():
    found = build(FILE + WORK, samples=4000)
    for one in found.tasks:
        assert -0.05 <= one.gained_days_per_day <= 1.001
        assert one.target_days_low <= one.target_days_high + 1e-9
        assert one.p10_days <= one.p50_days <= one.p90_days


def test_month_is_worth_accelerator_hours_or_the_yearly_cost():
    phase = build().phases[0]
    rent = rate_of(3.0)
    assert month_usd(rent, phase)[0] == pytest.approx(100_000 * HOURS_PER_MONTH * 3.0)
    cost = catalog.load().fact("rate/operations/total_usd_per_it_mw_year")
    assert month_usd(rate_of(), phase)[0] == pytest.approx(500.0 * cost.number / 12.0)
    low, high = month_usd(rate_of(), phase)[1:]
    assert (low, high) == pytest.approx([500.0 * end / 12.0 for end in cost.span])


def test_rent_of_the_file_counts_unless_another_is_asked_for():
    rent = {"finance.revenue.usd_per_accelerator_hour": "2.5"}
    assert build(overrides=rent).rate.usd_per_accelerator_hour == 2.5
    asked = build(overrides=rent, usd_per_accelerator_hour=4.0)
    assert (asked.rate.usd_per_accelerator_hour, asked.rate.basis) == (4.0, "as asked")


def test_a_lot_without_a_count_fills_the_power():
    kw = catalog.load().get("chip", "gb300-nvl72").number("all_in_it_kw")
    assert build().phases[1].accelerators == int(500e3 / kw)


def test_prometheus_and_its_gigawatt_in_2026(prometheus):
    """The tracker of August 2026 left it open; that of September announced 15 April 2027."""
    end = dt.date(2026, 12, 31)
    earlier = earlier_announcements(prometheus.campus, 1000.0, end, 4000, 0)
    assert [str(one.announced) for one in earlier] == [
        "2026-05-28", "2026-08-26", "2026-10-01", "2026-10-30"]  # fmt: skip
    chances = [one.probability for one in earlier]
    assert all(0.3 < chance < 0.7 for chance in chances)
    assert prometheus.announced_day(1000.0) == dt.date(2027, 4, 15)
    assert prometheus.probability(1000.0, end) < 0.02
    assert prometheus.probability(1000.0, dt.date(2028, 12, 31)) > 0.6


def test_hyperion_at_five_gigawatts_rests_on_tasks():
    hyperion = simulate_buildout(spec.load("hyperion"), samples=4000, target_mw=5000.0)
    years = [hyperion.probability(5000.0, dt.date(y, 12, 31)) for y in range(2027, 2045)]
    assert years == sorted(years)
    assert years[0] == 0.0  # a combined-cycle plant ordered in September 2026 is not there
    assert years[-1] > 0.95
    assert hyperion.announced_day(5000.0) is None
    supply = next(t for t in hyperion.work.network.tasks if t.name == "Supply on site")
    assert supply.basis == "technology/combined-cycle/lead_time_months"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1, max_size=6),
       st.integers(1, 60))  # fmt: skip
def test_a_power_is_reached_when_that_much_is_there(phases, target):
    days = np.array([[float(day)] for day, _ in phases])
    mw = [float(power) for _, power in phases]
    found = reached_days(days, mw, float(target))[0]
    each = [day for day in range(51) if sum(p for d, p in phases if d <= day) >= target]
    assert found == (each[0] if each else np.inf)
    if each:
        assert power_by_day(days, mw, np.array([found]))[0, 0] >= target


def test_campus_with_likely_dates_is_a_campus_again(prometheus):
    likely = prometheus.dated(0.5)
    assert len(likely.phases) == len(prometheus.campus.phases)
    for one, phase, days in zip(likely.phases, prometheus.phases, prometheus.days, strict=True):
        assert one.facility_mw == phase.facility_mw
        assert one.date == prometheus.date(spread(days)[1])
    assert spec.loads(spec.to_yaml(likely)) == likely
    hyperion = simulate_buildout(spec.load("hyperion"), samples=100).dated(0.9)
    assert [phase.name for phase in hyperion.phases] == [
        "Phase 1: nine buildings of the first phase"
    ]


def test_first_days_of_months_run_on_over_the_year():
    found = first_days(dt.date(2026, 11, 15), dt.date(2027, 1, 2))
    assert found == [dt.date(2026, 12, 1), dt.date(2027, 1, 1), dt.date(2027, 2, 1)]


def test_what_cannot_be_built_out():
    with pytest.raises(NotModelledError, match="has no phase"):
        build(FILE, {"phases": "[]"})
    with pytest.raises(InputError, match="samples: expected a number from 10"):
        build(samples=3)
    with pytest.raises(InputError, match=r"buildout\.start: expected a first day of work"):
        build(FILE, {"buildout.tasks": "[{name: Land, days: 3}]"})
    with pytest.raises(InputError, match=r"buildout\.start: .* as buildout\.means are stated"):
        build(FILE, {"buildout.means": "[{name: fit-out crews, count: 2}]"})
    for wrong in (-1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="target_mw: expected a finite number above 0"):
            build(target_mw=wrong)


def test_tasks_of_a_campus_that_is_there_are_no_mistake():
    there = {"buildout.start": "2026-01-01", "buildout.tasks": "[{name: Land, done: 2026-02-01}]"}
    found = build(FILE, there, as_of=dt.date(2060, 1, 1))
    assert {phase.view for phase in found.phases} == {"there"}
    assert found.probability(100.0, dt.date(2060, 1, 1)) == 1.0


def test_a_power_beyond_the_plan_is_never_reached():
    found = build(target_mw=5000.0)
    assert np.isinf(found.reached(5000.0)).all()
    assert found.probability(5000.0, dt.date(2099, 1, 1)) == 0.0
    assert buildout_record(found)["target"]["p50"] is None
