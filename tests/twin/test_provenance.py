"""A headline names every fact it rests on: change the fact, and only those that name it move."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gigawatt import catalog
from gigawatt.compute.history import published_runs
from gigawatt.compute.serving import serving_points
from gigawatt.spec import load
from gigawatt.twin import simulate_campus

FACTS = (
    "chip/gb300-nvl72/all_in_it_kw",
    "chip/gb300-nvl72/bf16_tflops",
    "chip/gb300-nvl72/scale_out_gbit_per_s",
    "climate/columbus-oh/utc_offset_h",
    "grid/pjm/co2_direct_kg_per_mwh",
    "model/llama-4-maverick/hidden",
    "model/llama-4-scout/train_tokens",
    "model/llama-3.1-405b/head_dim",
    "model/pythia-1.4b/ffn",
    "model/gpt-oss-120b/vocab",
    "model/llama-4-scout/train_chip_hours",
    "model/pythia-1.4b/train_chip_hours",
    "month/columbus-oh@07/temperature_c",
    "plant/closed-loop-dry@any/pue",
    "plant/closed-loop-dry@any/pue_best",
    "rate/capital/compute_usd_per_it_mw",
    "rate/capital/facility_usd_per_it_mw",
    "rate/finance/discount_rate",
    "rate/finance/it_life_years",
    "rate/fuel/gas_usd_per_mmbtu",
    "rate/home/energy_kwh_per_year",
    "rate/home/peak_kw",
    "rate/operations/other_usd_per_it_mw_year",
    "rate/power_use/hosting",
    "rate/power_use/training",
    "rate/usage/output_tokens_per_request",
    "state/oh/home_kwh_per_year",
    "state/oh/industrial_usd_per_mwh",
    "technology/small-turbine/capital_usd_per_kw",
    "technology/small-turbine/co2_kg_per_mwh",
    "technology/small-turbine/heat_rate_btu_per_kwh",
)


@pytest.fixture
def change():
    """Return a function that makes one fact of the catalogue larger, and undo it afterwards."""
    undo = []

    def apply(key, factor):
        kind, name, field = key.split("/")
        facts = catalog.load().get(kind, name).facts
        old = facts[field]
        undo.append((facts, field, old))
        # The range moves with the value, so that bands move with it too.
        ends = {
            e: None if getattr(old, e) is None else getattr(old, e) * factor
            for e in ("low", "high")
        }
        facts[field] = replace(old, value=old.value * factor, **ends)
        _forget()

    yield apply
    for facts, field, old in undo:
        facts[field] = old
    _forget()


def _forget():
    published_runs.cache_clear()
    serving_points.cache_clear()


@pytest.fixture(scope="module")
def before():
    return {h.name: h for h in simulate_campus(load("prometheus")).headlines}


@pytest.mark.parametrize("key", FACTS)
def test_what_moves_with_a_fact_names_it(key, change, before):
    campus = load("prometheus")
    change(key, 1.02)
    moved = [
        h.name
        for h in simulate_campus(campus).headlines
        if (h.value, h.low, h.high)
        != (before[h.name].value, before[h.name].low, before[h.name].high)
    ]
    assert moved
    silent = [name for name in moved if key not in before[name].facts]
    assert not silent


def test_every_band_holds_its_value():
    for entry in catalog.load().entries("campus"):
        for h in simulate_campus(load(entry.id)).headlines:
            if isinstance(h.value, float) and h.low is not None and h.high is not None:
                slack = 1e-9 * max(abs(h.value), 1.0)
                assert h.low <= h.value + slack, (entry.id, h.name)
                assert h.value <= h.high + slack, (entry.id, h.name)
