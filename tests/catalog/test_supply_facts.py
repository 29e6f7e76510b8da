"""Tariffs, prices and proposed plants: figures that hang together, and against the site facts."""

from __future__ import annotations

import re

import pytest

from gigawatt import catalog

CATALOG = catalog.load()


def test_ten_gas_plants_would_feed_hyperion():
    gas = [
        p.number("capacity_mw")
        for p in CATALOG.where("supply", campus="meta-hyperion", technology="combined-cycle")
    ]
    (proposed,) = CATALOG.where("proposal", campus="meta-hyperion")
    assert len(gas) + proposed.number("units") == 10
    # The Union of Concerned Scientists says about 7.5 GW of all ten.
    assert sum(gas) + proposed.number("capacity_mw") == pytest.approx(7500.0, rel=0.01)


def test_the_plants_of_the_contract_are_the_three_approved():
    entry = CATALOG.get("tariff", "entergy-louisiana-meta")
    plants = CATALOG.where("supply", campus="meta-hyperion", technology="combined-cycle")
    assert entry.number("plants_mw") == sum(p.number("capacity_mw") for p in plants)
    assert entry.number("plants_usd") / entry.number("plants_mw") / 1e3 == pytest.approx(
        1415, abs=1
    )


def test_site_facts_agree(shared):
    text = (shared / "facts" / "site_facts.md").read_text(encoding="utf-8")
    least, years = re.search(
        r"AEP Ohio tariff >25 MW, (\d+) % minimum for up to (\d+)", text
    ).groups()
    entry = CATALOG.get("tariff", "aep-ohio-dct")
    assert entry.number("least_demand_share") == float(least) / 100.0
    assert entry.number("ramp_years") + entry.number("term_years") == float(years)
    assert entry.number("least_mw") == 25.0
    spare = re.search(r"about (\d+) MW of units for a firm (\d+) MW", text)
    for name in ("north", "south"):
        plant = CATALOG.get("supply", f"meta-prometheus@socrates-{name}")
        assert plant.number("installed_mw") == float(spare[1])
        assert plant.number("capacity_mw") == float(spare[2])
        assert plant.text("islanded") == "yes"
    mean, low, high = map(
        float, re.search(r"PJM hourly 2024 mean (\d+), p5–p95 (\d+)–(\d+)", text).groups()
    )
    price = CATALOG.get("grid_price", "pjm")
    found = [price.number(f"co2_{p}_kg_per_mwh") for p in ("mean", "p5", "p95")]
    assert found == [mean, low, high]


def test_capacity_prices_follow_from_the_auctions():
    pjm = CATALOG.get("grid_price", "pjm").number("capacity_usd_per_mw_year")
    assert pjm == pytest.approx(333.44 * 365)
    south = CATALOG.get("grid_price", "miso-south").number("capacity_usd_per_mw_year")
    assert south == pytest.approx(666.5 * 92 + 74.09 * 91 + 33.2 * 90 + 69.88 * 92)
    # GDS Associates says about 6.5 USD a kW and month of the region.
    assert CATALOG.get("grid_price", "miso").number(
        "capacity_usd_per_mw_year"
    ) / 12e3 == pytest.approx(6.5, abs=0.1)


def test_the_shape_of_the_day_has_a_geometric_mean_of_one():
    hours = CATALOG.entries("price_hour")
    assert [h.number("hour") for h in hours] == list(range(24))
    for season in ("winter", "summer"):
        product = 1.0
        for hour in hours:
            product *= hour.number(season)
        assert product ** (1.0 / 24.0) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("campus", ["meta-prometheus", "meta-hyperion"])
def test_campuses_name_their_tariff(campus):
    assert CATALOG.has("tariff", CATALOG.get("campus", campus).text("tariff"))
