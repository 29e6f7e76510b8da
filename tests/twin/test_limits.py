"""What happens where power, batch, memory or dates set a limit."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.errors import NotModelledError
from gigawatt.spec import Horizon
from gigawatt.twin import advise, simulate_campus
from gigawatt.twin.clock import Clock

PHASE = {
    "name": "One",
    "date": dt.date(2027, 1, 1),
    "it_mw": 100.0,
    "facility_mw": 130.0,
    "chips": [{"type": "gb200-nvl72", "count": 40_000}],
}


def headline(outcome, name):
    return next(h for h in outcome.headlines if h.name == name)


def test_what_can_wait_is_shed_before_training_slows(campus):
    training = [{"name": "A", "model": "llama-3.1-405b", "tokens": 1e15}]
    limit = {"interconnection_mw": 56.0}
    results = {}
    for fills in (True, False):
        programme = {
            "training_share": 0.5,
            "training": training,
            "research": {"share": 0.0, "takes_idle": fills},
        }
        results[fills] = simulate_campus(campus(programme=programme, power=limit))
    trained = [o.tables["training_runs"]["tokens_trained"][0] for o in results.values()]
    assert trained[0] == pytest.approx(trained[1], rel=1e-9)
    assert headline(results[True], "capped_mwh").value > 0
    assert headline(results[False], "capped_mwh").value == pytest.approx(0.0, abs=1e-6)


def test_a_batch_spreads_over_so_many_accelerators_and_no_more(campus):
    least = catalog.load().get("rate", "scaling").number("least_tokens_per_chip_step")
    hours = {}
    for batch in (256, 2048, None):
        run = {"name": "A", "model": "llama-3.1-405b", "tokens": 1e12, "seq_len": 8192}
        programme = {"training_share": 0.5, "training": [{**run, "global_batch": batch}]}
        outcome = simulate_campus(campus(programme=programme))
        table = outcome.tables["training_runs"]
        hours[batch] = (table["end"][0] - table["start"][0]) / np.timedelta64(3600, "s")
        if batch == 256:
            most = outcome.tables["hourly"]["chips_training"].max()
            assert most == pytest.approx(256 * 8192 / least)
    assert hours[256] > 4 * hours[None]
    assert hours[2048] == hours[None]


def test_a_stated_capacity_factor_of_zero_gives_nothing(campus):
    source = {
        "name": "Sun", "technology": "solar", "capacity_mw": 200.0, "date": dt.date(2026, 1, 1),
        "connection": "contracted",
    }  # fmt: skip
    dark = simulate_campus(campus(power={"sources": [{**source, "capacity_factor": 0.0}]}))
    assert dark.tables["supply"]["energy_mwh"][0] == 0.0
    sunny = simulate_campus(campus(power={"sources": [{**source, "capacity_factor": 0.2}]}))
    hourly = sunny.tables["hourly"]
    local = (np.arange(8760) - 5) % 24
    assert hourly["contracted_mw"][local == 1].max() == 0.0
    assert hourly["contracted_mw"][local == 12].mean() > 0.9 * hourly["facility_mw"].mean() * 0.5
    assert hourly["onsite_mw"].sum() == 0.0


def test_contracts_count_only_where_they_are_asked_to(campus):
    source = {
        "name": "Gas", "technology": "combined-cycle", "capacity_mw": 500.0,
        "date": dt.date(2026, 1, 1),
    }  # fmt: skip
    grid = simulate_campus(campus())
    for connection in ("contracted", "behind-the-meter"):
        power = {"sources": [{**source, "connection": connection}]}
        fed = simulate_campus(campus(power=power))
        same = headline(fed, "co2_t").value == pytest.approx(headline(grid, "co2_t").value)
        assert same == (connection == "contracted")
        own = fed.tables["supply"]["co2_t"].sum()
        assert headline(fed, "co2_market_t").value == pytest.approx(own)


def test_storage_is_refused(campus):
    source = {
        "name": "Pack", "technology": "battery", "capacity_mw": 500.0, "date": dt.date(2026, 1, 1)
    }  # fmt: skip
    with pytest.raises(NotModelledError, match="storage is not modelled"):
        simulate_campus(campus(power={"sources": [source]}))


def test_a_year_that_starts_in_july_is_a_whole_year(campus):
    horizon = {"start": dt.date(2027, 7, 1), "years": 1}
    outcome = simulate_campus(campus(horizon=horizon))
    energy = outcome.tables["yearly"]["facility_energy_mwh"].sum()
    hours = outcome.tables["hourly"]["time"].size
    last = headline(outcome, "facility_energy_mwh_last_year")
    assert last.value == pytest.approx(energy * 8760 / hours, rel=0.01)
    assert headline(outcome, "yearly_cost_usd").value == pytest.approx(
        outcome.tables["yearly"]["total_cost_usd"].sum() * 8760 / hours, rel=0.01
    )


@pytest.mark.parametrize(
    ("start", "years", "end"),
    [
        (dt.date(2027, 1, 1), 5, dt.date(2032, 1, 1)),
        (dt.date(2028, 2, 29), 4, dt.date(2032, 2, 29)),
        (dt.date(2028, 2, 29), 1, dt.date(2029, 3, 1)),
    ],
)
def test_the_horizon_ends_on_the_same_day_of_the_year(start, years, end):
    clock = Clock.of(Horizon(start=start, years=years))
    assert clock.end == end
    assert clock.times.size == clock.hours == (end - start).days * 24
    assert str(clock.times[-1]) == f"{end - dt.timedelta(days=1)}T23:00:00"


def test_demand_begins_with_the_first_accelerators(campus):
    service = {"name": "Chat", "model": "llama-3.1-8b", "share": 0.9, "users": 1e5}
    late = {**PHASE, "date": dt.date(2027, 7, 1)}
    outcome = simulate_campus(campus(phases=[late], programme={"services": [service]}))
    assert headline(outcome, "unserved_tokens").value == 0.0
    assert headline(outcome, "served_tokens").value > 0


def test_two_types_of_accelerator_share_the_power_of_their_phase(campus):
    lots = [{"type": "gb200-nvl72", "count": 20_000}, {"type": "h100-sxm"}]
    outcome = simulate_campus(campus(phases=[{**PHASE, "chips": lots}]))
    phases = outcome.tables["phases"]
    assert phases["it_mw"].sum() == pytest.approx(100.0)
    assert phases["facility_mw"].sum() == pytest.approx(130.0)
    assert phases["it_mw"].min() > 0
    run = outcome.tables["training_runs"]
    assert run["chip"][0] == "gb200-nvl72 + h100-sxm"
    assert run["tokens_per_s_per_chip"][0] == pytest.approx(
        run["tokens_trained"][0] / run["accelerator_hours"][0] / 3600
    )


def test_capital_follows_the_accelerators(campus):
    few = {**PHASE, "chips": [{"type": "h100-sxm", "count": 1000}]}
    some = headline(simulate_campus(campus(phases=[few])), "capital_usd").value
    capital = catalog.load().get("rate", "capital")
    rated = catalog.load().get("chip", "h100-sxm").number("all_in_it_kw")
    assert some == pytest.approx(
        rated * capital.number("compute_usd_per_it_mw")
        + 100 * capital.number("facility_usd_per_it_mw")
    )


def test_advice_names_what_hardly_anybody_means(campus):
    assert advise(campus()) == ()
    odd = campus(
        phases=[
            {**PHASE, "chips": [{"type": "h100-sxm", "count": 1000}]},
            {**PHASE, "name": "Tight", "facility_mw": 100.0},
            {**PHASE, "name": "Late", "date": dt.date(2040, 1, 1)},
        ],
        power={
            "sources": [
                {"name": "Huge", "technology": "combined-cycle", "capacity_mw": 5000.0,
                 "date": dt.date(2027, 1, 1)}
            ]
        },
    )  # fmt: skip
    said = "\n".join(advise(odd))
    for words in ("rated 1.5 MW", "less than the yearly mean PUE", "after the horizon", "Huge"):
        assert words in said
    assert simulate_campus(odd).warnings == advise(odd)


def test_the_whole_campus_is_slowed_by_its_power_too(campus):
    name = "whole_campus_tokens_per_day"
    free = headline(simulate_campus(campus()), name).value
    tight = headline(simulate_campus(campus(power={"interconnection_mw": 40.0})), name).value
    assert 0 < tight < free


def test_bands_of_tokens_stay_within_demand_and_plan(campus):
    service = {"name": "Chat", "model": "llama-3.1-8b", "share": 0.9, "users": 1e5}
    outcome = simulate_campus(campus(programme={"services": [service]}))
    served = headline(outcome, "served_tokens")
    assert served.low == pytest.approx(served.value, rel=1e-9)
    assert served.high == pytest.approx(served.value, rel=1e-9)
    trained = headline(simulate_campus(campus()), "training_tokens")
    assert trained.low <= trained.value * (1 + 1e-9)
    assert trained.high <= 22e12 * (1 + 1e-9)


def test_runs_may_end_together_or_on_the_hour(campus):
    rate = simulate_campus(campus()).tables["training_runs"]["tokens_per_s_per_chip"][0]
    hour = rate * 3600 * 40_000 * 0.25
    model = {"model": "llama-4-maverick", "share": 0.25}
    training = [
        {"name": "A", "tokens": 10 * hour, **model},
        {"name": "B", "tokens": 10 * hour, **model},
        {"name": "C", "tokens": 0.001 * hour, **model},
    ]
    outcome = simulate_campus(campus(programme={"training": training}))
    runs = outcome.tables["training_runs"]
    ends = (runs["end"] - np.datetime64("2027-01-01", "s")) / np.timedelta64(1, "s")
    assert ends == pytest.approx([36_000, 36_000, 3.6], abs=1)
    assert runs["finished"].all()
    assert outcome.tables["hourly"]["chips_training"][10:].max() < 1.0
    trained = outcome.tables["hourly"]["tokens_trained"].sum()
    assert trained == pytest.approx(20.001 * hour, rel=1e-9)


def test_a_run_that_can_never_start_does_not_hold_up_the_queue(campus):
    small = {**PHASE, "it_mw": 0.05, "facility_mw": 0.07}
    small["chips"] = [{"type": "h100-sxm", "count": 32}]
    training = [
        {"name": "Huge", "model": "llama-3.1-405b", "tokens": 1e12},
        {"name": "Late", "model": "llama-3.1-8b", "tokens": 1e9, "start": dt.date(2030, 1, 1)},
        {"name": "Small", "model": "llama-3.1-8b", "tokens": 1e9},
    ]
    programme = {"training_share": 0.5, "training": training}
    outcome = simulate_campus(campus(phases=[small], programme=programme))
    assert outcome.tables["training_runs"]["finished"].tolist() == [False, False, True]
