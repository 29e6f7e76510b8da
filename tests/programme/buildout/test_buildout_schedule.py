"""The task network: order, shared means, critical path, lead times."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.errors import InputError
from gigawatt.programme.buildout.durations import LeadTime
from gigawatt.programme.buildout.network import build_network, standard_tasks
from gigawatt.programme.buildout.schedule import critical_tasks, draw_durations, run_schedule
from gigawatt.spec.buildout import BuildTask, Means

TODAY = dt.date(2026, 1, 1)
PHASES = [(f"Hall {n}", 100.0 * n) for n in (1, 2, 3)]
SHARED = ("building crews", "fit-out crews", "commissioning crews")
lead_days = st.floats(1.0, 1000.0)


def own(name: str, days: float, *after: str, **more: object) -> BuildTask:
    return BuildTask(name=name, days=days, after=after, **more)


def built(network, days=None, seed=0, samples=200):
    draws = draw_durations(network, TODAY, samples, np.random.default_rng(seed), 0.3)
    return run_schedule(network, draws.days if days is None else days, TODAY, TODAY)


def crews(count: int) -> list[Means]:
    return [Means(name=name, count=count) for name in SHARED]


def test_certain_tasks_add_up_along_the_longest_path():
    network = build_network(
        [("Hall", 100.0)],
        [own("a", 10), own("b", 20, "a"), own("c", 50, "a"), own("d", 5, "b", "c")],
        standard=False,
    )
    schedule = built(network)
    assert [task.name for task in network.tasks] == ["a", "b", "c", "d"]
    assert schedule.end[:, 0].tolist() == [10, 30, 60, 65]
    critical = critical_tasks(schedule, [network.last["Hall"]] * 200)
    assert critical[:, 0].tolist() == [True, False, True, True]
    assert schedule.phase_days(network).tolist() == [[65.0] * 200]


def test_one_crew_serves_phases_one_after_another_in_their_order():
    network = build_network(
        [("A", 1.0), ("B", 1.0), ("C", 1.0)],
        [own("lay", 30, uses="crew")],
        [Means(name="crew", count=1)],
        standard=False,
    )
    assert built(network).phase_days(network)[:, 0].tolist() == [30, 60, 90]
    schedule = built(network)
    # The last phase waits for both before it, so that all three lie on its path.
    assert critical_tasks(schedule, [network.last["C"]] * 200).all()


def test_deliveries_follow_one_another_at_their_rate():
    monthly = [Means(name="lorries", it_mw_per_month=100)]
    network = build_network(PHASES, [own("chips", 20, uses="lorries")], monthly, standard=False)
    month = 30.436875
    # 100, 200 and 300 MW at 100 MW a month: the first has its month of deliveries, not its lead
    # time, to wait for.
    assert built(network).phase_days(network)[:, 0] == pytest.approx(
        [20, 20 + 2 * month, 20 + 5 * month]
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_a_task_never_begins_before_all_that_it_waits_for(seed, count):
    network = build_network(PHASES, means=crews(count))
    schedule = built(network, seed=seed)
    for i, task in enumerate(network.tasks):
        for earlier in task.after:
            assert (schedule.begin[i] >= schedule.end[earlier]).all()
    assert (schedule.end >= schedule.begin).all()
    assert (schedule.begin >= 0.0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_more_crews_are_never_later(seed, count):
    fewer, more = (
        built(build_network(PHASES, means=crews(n)), seed=seed) for n in (count, count + 1)
    )
    free = built(build_network(PHASES), seed=seed)
    assert (more.end <= fewer.end + 1e-9).all()
    assert (free.end <= more.end + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 17), st.floats(0.0, 500.0))
def test_a_shorter_task_is_never_later(seed, place, shorter):
    network = build_network(PHASES, means=crews(1))
    days = draw_durations(network, TODAY, 50, np.random.default_rng(seed), 0.3).days
    less = days.copy()
    less[place] = np.maximum(days[place] - shorter, 0.0)
    before, after = built(network, days), built(network, less)
    assert (after.end <= before.end + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(-2000, 2000))
def test_all_dates_shifted_shift_all_results(seed, shift):
    changes = [BuildTask(name="Shell", not_before=TODAY + dt.timedelta(400))]
    later = [BuildTask(name="Shell", not_before=TODAY + dt.timedelta(400 + shift))]
    day = TODAY + dt.timedelta(shift)
    one, other = build_network(PHASES, changes), build_network(PHASES, later)
    draws = [draw_durations(n, t, 50, np.random.default_rng(seed), 0.3).days
             for n, t in ((one, TODAY), (other, day))]  # fmt: skip
    first = run_schedule(one, draws[0], TODAY, TODAY)
    second = run_schedule(other, draws[1], day, day)
    assert np.array_equal(first.end, second.end)  # counted from the day known in each


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_critical_path_is_as_long_as_the_build_out(seed):
    network = build_network(PHASES, means=crews(1))
    draws = draw_durations(network, TODAY, 100, np.random.default_rng(seed), 0.3)
    schedule = built(network, draws.days)
    everything = tuple(i for ends in network.last.values() for i in ends)
    critical = critical_tasks(schedule, [everything] * 100)
    last = schedule.end[list(everything)].max(axis=0)
    assert (critical * draws.days).sum(axis=0) == pytest.approx(last)


@given(lead_days, st.floats(1.0, 4.0), st.floats(1.0, 4.0))
def test_draws_have_the_percentiles_they_were_given(middle, below, above):
    lead = LeadTime(middle / below, middle, middle * above)
    drawn = lead.at(np.random.default_rng(0).standard_normal(40_000))
    wanted = [lead.p10_days, lead.p50_days, lead.p90_days]
    assert np.quantile(drawn, (0.1, 0.5, 0.9)) == pytest.approx(wanted, rel=0.04)


@given(lead_days, st.floats(1.1, 4.0), st.floats(0.0, 5.0))
def test_a_begun_task_takes_at_least_what_it_has_taken(middle, width, part):
    lead = LeadTime(middle / width, middle, middle * width)
    z = np.random.default_rng(1).standard_normal(2000)
    elapsed = np.full(2000, part * middle)
    left = lead.beyond(z, elapsed)
    assert np.isfinite(left).all()
    assert (left >= elapsed - 1e-9).all()
    # What is known to take longer is never expected to be done sooner.
    assert np.median(left) >= np.median(lead.at(z)) - 1e-6 * middle


def test_a_begun_task_is_the_distribution_cut_off():
    lead = LeadTime(50.0, 100.0, 300.0)
    random = np.random.default_rng(2)
    cut = lead.at(random.standard_normal(400_000))
    cut = cut[cut > 120.0]
    drawn = lead.beyond(random.standard_normal(100_000), np.full(100_000, 120.0))
    for q in (0.1, 0.5, 0.9):
        assert np.quantile(drawn, q) == pytest.approx(np.quantile(cut, q), rel=0.02)


def test_done_and_begun_tasks_count_from_their_days():
    changes = [
        BuildTask(name="a", days=100, done=TODAY - dt.timedelta(30)),
        BuildTask(name="b", days=100, after=("a",), begun=TODAY - dt.timedelta(20)),
    ]
    network = build_network([("Hall", 1.0)], changes, standard=False)
    assert built(network).end[:, 0].tolist() == [-30, 80]


def test_what_is_announced_to_be_done_later_is_refused():
    changes = [BuildTask(name="a", days=100, done=TODAY + dt.timedelta(1))]
    network = build_network([("Hall", 1.0)], changes, standard=False)
    with pytest.raises(InputError, match="to be done by 2026-01-01"):
        built(network)


def test_standard_network_names_the_fact_of_each_lead_time():
    for name, plan in standard_tasks("combined-cycle").items():
        assert plan.basis.startswith(("task/", "technology/")), name
    assert "Supply on site" not in standard_tasks()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (own("a", 1, "b"), "waits for 'b', which is no task of Hall 1"),
        (own("a", 1, "a"), "wait for each other in a circle: a"),
        (BuildTask(name="a"), "expected a lead time of 'a'"),
        (own("a", 1, phase="Hall 9"), "expected one of Hall 1, Hall 2, Hall 3; found 'Hall 9'"),
    ],
)
def test_networks_that_contradict_themselves(change, message):
    with pytest.raises(InputError, match=message):
        build_network(PHASES, [change], standard=False)


def test_a_task_of_the_campus_cannot_be_changed_in_one_phase():
    with pytest.raises(InputError, match="done once for the campus; found 'Hall 1'"):
        build_network(PHASES, [BuildTask(name="Land", phase="Hall 1", days=1)])


def test_a_task_of_the_campus_that_none_waits_for_ends_every_phase():
    network = build_network(PHASES, [own("Water main", 9000, scope="campus")])
    assert (built(network).phase_days(network) >= 9000.0).all()


def test_plants_that_only_the_file_knows_of_have_the_standard_place():
    change = BuildTask(name="Supply on site", technology="battery")
    network = build_network([("Hall", 1.0)], [change])
    names = [task.name for task in network.tasks]
    supply, last = (network.tasks[names.index(n)] for n in ("Supply on site", "Commissioning"))
    assert [names[i] for i in supply.after] == ["Land"]
    assert names.index("Supply on site") in last.after
    assert supply.basis == "technology/battery/lead_time_months"


def test_a_phase_that_nothing_brings_is_refused():
    with pytest.raises(InputError, match="expected a task that brings 'Hall 1'; found none"):
        build_network(PHASES, standard=False)


def test_lead_times_must_rise():
    with pytest.raises(InputError, match="0 <= low_days <= days <= high_days"):
        LeadTime(2.0, 1.0, 3.0)
