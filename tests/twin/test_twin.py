"""The twin against what can be worked out by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.history import tokens_per_s_per_chip
from gigawatt.errors import NotModelledError
from gigawatt.spec import load, loads, template, template_names
from gigawatt.twin import simulate_campus

PHASE = {
    "name": "One",
    "date": dt.date(2027, 1, 1),
    "it_mw": 100.0,
    "facility_mw": 130.0,
    "chips": [{"type": "gb200-nvl72", "count": 40_000}],
}


def headline(outcome, name):
    return next(h for h in outcome.headlines if h.name == name)


def test_a_campus_with_no_phases_uses_nothing(campus):
    outcome = simulate_campus(campus(phases=[]))
    hourly = outcome.tables["hourly"]
    for column in ("facility_mw", "it_mw", "water_m3", "co2_t", "electricity_usd", "tokens_served"):
        assert hourly[column].sum() == 0.0
    assert outcome.tables["yearly"]["total_cost_usd"].sum() == 0.0
    assert headline(outcome, "first_gw_date").value is None
    assert headline(outcome, "mean_pue").value is None
    assert headline(outcome, "usd_per_accelerator_hour").value is None


@pytest.mark.parametrize("times", [2, 3])
def test_multiplying_every_phase_multiplies_energy(campus, times):
    larger = {
        **PHASE,
        "it_mw": 100.0 * times,
        "facility_mw": 130.0 * times,
        "chips": [{"type": "gb200-nvl72", "count": 40_000 * times}],
    }
    once = simulate_campus(campus()).tables["yearly"]
    more = simulate_campus(campus(phases=[larger])).tables["yearly"]
    # The training run ends sooner, and what follows it draws otherwise: leave training out.
    assert more["facility_energy_mwh"].sum() == pytest.approx(
        times * once["facility_energy_mwh"].sum(), rel=0.05
    )
    programme = {"services": [{"name": "Chat", "model": "llama-4-maverick", "share": 0.9}]}
    once = simulate_campus(campus(programme=programme)).tables["yearly"]
    more = simulate_campus(campus(phases=[larger], programme=programme)).tables["yearly"]
    for column in ("facility_energy_mwh", "water_m3", "co2_t", "total_cost_usd", "tokens_served"):
        assert more[column].sum() == pytest.approx(times * once[column].sum(), rel=1e-9)


def test_it_power_is_rating_times_measured_use(campus):
    programme = {"research": {"share": 1.0}}
    outcome = simulate_campus(campus(programme=programme))
    book = catalog.load()
    rated = 40_000 * book.get("chip", "gb200-nvl72").number("all_in_it_kw") / 1000
    use = book.get("rate", "power_use").number("research")
    assert outcome.tables["hourly"]["it_mw"] == pytest.approx(rated * use, rel=1e-12)


def test_a_training_run_takes_tokens_over_rate(campus):
    outcome = simulate_campus(campus())
    run = outcome.tables["training_runs"]
    rate = tokens_per_s_per_chip(
        architecture("llama-4-maverick"), catalog.load().get("chip", "gb200-nvl72"), "bf16", 8192
    )
    seconds = 22e12 / (rate.value * 20_000)
    end = np.datetime64("2027-01-01", "s") + np.timedelta64(round(seconds), "s")
    assert abs((run["end"][0] - end) / np.timedelta64(1, "s")) <= 1
    assert run["accelerator_hours"][0] == pytest.approx(20_000 * seconds / 3600, rel=1e-9)
    assert run["end_low"][0] < run["end"][0] < run["end_high"][0]


def test_queued_runs_follow_one_another(campus):
    programme = {
        "training_share": 0.5,
        "training": [
            {"name": "A", "model": "llama-3.1-8b", "tokens": 1e12},
            {"name": "B", "model": "llama-3.1-8b", "tokens": 1e12},
        ],
    }
    runs = simulate_campus(campus(programme=programme)).tables["training_runs"]
    lengths = runs["end"] - np.datetime64("2027-01-01", "s")
    assert lengths[1] / lengths[0] == pytest.approx(2.0, rel=1e-3)
    assert runs["accelerator_hours"][0] == pytest.approx(runs["accelerator_hours"][1], rel=1e-9)


def test_a_tight_interconnection_costs_tokens(campus):
    free = simulate_campus(campus())
    tight = simulate_campus(campus(power={"interconnection_mw": 30.0}))
    assert tight.tables["hourly"]["facility_mw"].max() <= 30.0
    assert headline(tight, "capped_mwh").value > 0
    assert headline(free, "capped_mwh").value == 0
    served = [o.tables["services"]["tokens_served"].sum() for o in (free, tight)]
    assert served[1] < 0.8 * served[0]


def test_demand_that_does_not_fit_is_reported_as_unserved(campus):
    service = {"name": "Chat", "model": "llama-3.1-405b", "share": 0.1, "users": 5e9}
    outcome = simulate_campus(campus(programme={"services": [service]}))
    table, hourly = outcome.tables["services"], outcome.tables["hourly"]
    wanted = table["tokens_served"][0] + table["tokens_unserved"][0]
    usage = catalog.load().get("rate", "usage")
    each = sum(usage.number(n) for n in ("input_tokens_per_request", "output_tokens_per_request"))
    assert wanted == pytest.approx(
        5e9 * usage.number("requests_per_user_day") * each * 365, rel=1e-9
    )
    assert table["tokens_unserved"][0] > 0
    assert hourly["chips_hosting"].max() == pytest.approx(4_000)


def test_small_demand_leaves_accelerators_to_research(campus):
    programme = {
        "services": [{"name": "Chat", "model": "llama-3.1-8b", "share": 0.5, "users": 1000}],
        "research": {"share": 0.0},
    }
    hourly = simulate_campus(campus(programme=programme)).tables["hourly"]
    assert hourly["chips_idle"].max() == 0
    assert hourly["chips_research"].min() > 39_000


def test_dates_of_the_first_gigawatt_and_of_the_maximum(campus):
    phases = [
        {**PHASE, "name": f"P{i}", "date": dt.date(2027 + i, 3, 1), "it_mw": 400.0,
         "facility_mw": 520.0, "chips": [{"type": "gb200-nvl72"}]}
        for i in range(3)
    ]  # fmt: skip
    outcome = simulate_campus(campus(phases=phases))
    assert headline(outcome, "first_gw_date").value == "2028-03-01"
    assert headline(outcome, "planned_maximum_mw").value == 1560.0
    assert headline(outcome, "planned_maximum_date").value == "2029-03-01"
    rated_kw = catalog.load().get("chip", "gb200-nvl72").number("all_in_it_kw")
    assert outcome.tables["phases"]["chips"].tolist() == [int(400e3 / rated_kw)] * 3


def test_every_headline_names_what_it_rests_on(campus):
    outcome = simulate_campus(campus())
    book = catalog.load()
    assert len({h.name for h in outcome.headlines}) == len(outcome.headlines)
    for item in outcome.headlines:
        assert item.formula
        assert item.inputs or item.facts
        for key in item.facts:
            assert book.fact(key).key == key
    behind = headline(outcome, "facility_energy_mwh").facts
    assert "chip/gb200-nvl72/all_in_it_kw" in behind
    assert "rate/power_use/training" in behind
    assert any(key.startswith("plant/") for key in behind)
    assert "chip/gb200-nvl72/fp8_tflops" in headline(outcome, "served_tokens").facts


def test_what_nobody_published_is_refused(campus):
    training = [{"name": "A", "model": "llama-3.1-8b", "tokens": 1e12, "precision": "fp4"}]
    with pytest.raises(NotModelledError, match="fp4"):
        simulate_campus(campus(programme={"training_share": 0.5, "training": training}))
    service = {"name": "Chat", "model": "llama-3.1-8b", "share": 0.5, "tpot_ms": 0.01}
    with pytest.raises(NotModelledError, match="time per output"):
        simulate_campus(campus(programme={"services": [service]}))


def test_the_same_campus_gives_the_same_numbers(campus):
    one, two = simulate_campus(campus()), simulate_campus(campus())
    assert one.headlines == two.headlines
    for name, table in one.tables.items():
        for column, values in table.items():
            assert np.array_equal(
                values, two.tables[name][column], equal_nan=values.dtype.kind in "fM"
            )


def test_a_model_too_large_for_its_share_never_runs_and_says_so(campus):
    phase = {**PHASE, "it_mw": 0.02, "facility_mw": 0.03}
    phase["chips"] = [{"type": "h100-sxm", "count": 8}]
    programme = {
        "training_share": 0.5,
        "training": [{"name": "Huge", "model": "llama-3.1-405b", "tokens": 1e12}],
        "services": [{"name": "Chat", "model": "deepseek-v3", "share": 0.5}],
    }
    outcome = simulate_campus(campus(phases=[phase], programme=programme))
    assert outcome.tables["training_runs"]["tokens_trained"].sum() == 0
    assert outcome.tables["services"]["tokens_served"].sum() == 0
    # 405.9 billion parameters of 16 bytes, and 671 billion of one byte.
    assert "Huge needs 6,49" in headline(outcome, "training_runs_finished").note
    assert "Chat needs 671 GB" in headline(outcome, "served_tokens").note


def test_five_gigawatts_announced_are_one_to_four_million_homes(campus):
    outcome = simulate_campus(campus(announced_maximum_mw=5000.0))
    by_energy = headline(outcome, "announced_homes_by_energy")
    by_peak = headline(outcome, "announced_homes_by_peak")
    assert by_energy.value == pytest.approx(4.09e6, rel=0.01)
    assert by_peak.low == pytest.approx(1.0e6)
    assert "rate/home/energy_kwh_per_year" in by_energy.facts
    assert "rate/home/peak_kw" in by_peak.facts
    assert all(
        h.name not in {"announced_homes_by_energy", "announced_homes_by_peak"}
        for h in simulate_campus(campus()).headlines
    )


def test_the_whole_campus_would_train_as_fast_as_its_accelerators_together(campus):
    outcome = simulate_campus(campus())
    rate = outcome.tables["training_runs"]["tokens_per_s_per_chip"][0]
    item = headline(outcome, "whole_campus_tokens_per_day")
    assert item.value == pytest.approx(rate * 40_000 * 86_400)
    assert item.low < item.value < item.high
    idle = simulate_campus(campus(programme={}))
    assert headline(idle, "whole_campus_tokens_per_day").value is None


@pytest.mark.parametrize("name", template_names())
def test_every_template_is_answered(name):
    outcome = simulate_campus(loads(template(name)))
    assert headline(outcome, "facility_energy_mwh").value > 0
    assert not outcome.warnings


@pytest.mark.parametrize("entry", catalog.load().entries("campus"), ids=lambda e: e.id)
def test_every_campus_of_the_catalogue_is_answered(entry):
    outcome = simulate_campus(load(entry.id))
    assert not outcome.warnings
    assert 1.0 < headline(outcome, "mean_pue").value < 1.5
    assert 0.3 < headline(outcome, "usd_per_accelerator_hour").value < 6
    assert 0.01 < headline(outcome, "usd_per_million_output_tokens").value < 5
