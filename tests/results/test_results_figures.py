"""Figures are plain dicts, and what they draw is what the tables say."""

from __future__ import annotations

import itertools
import json

import factory
import numpy as np
import pytest

from gigawatt.results._style import SERIES, shade
from gigawatt.results.figures import FIGURES, figure


@pytest.fixture(scope="module")
def run():
    return factory.run()


def draw(run, name):
    return figure(name, run.summary, run.columns)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("phases", [True, False])
def test_every_figure_is_json_even_of_an_empty_campus(name, phases) -> None:
    made = factory.run(factory.campus(phases=phases))
    text = json.dumps(draw(made, name), allow_nan=False)
    assert len(text) < 200_000


@pytest.mark.parametrize("name", FIGURES)
def test_axes_say_what_they_show_and_make_room_for_it(run, name) -> None:
    layout = draw(run, name)["layout"]
    axes = {key: axis for key, axis in layout.items() if key[1:5] == "axis"}
    assert all(axis["automargin"] for axis in axes.values())
    numeric = [a for a in axes.values() if a.get("type") not in {"date", "category"}]
    assert all(axis["title"]["text"] for axis in numeric)


def test_the_daily_band_is_that_of_the_hours(run) -> None:
    low, high, mean, facility, it = draw(run, "power")["data"]
    hours = run.columns["hourly"]["facility_mw"].reshape(-1, 24)
    np.testing.assert_allclose(low["y"], hours.min(axis=1), rtol=1e-4)
    np.testing.assert_allclose(high["y"], hours.max(axis=1), rtol=1e-4)
    np.testing.assert_allclose(mean["y"], hours.mean(axis=1), rtol=1e-4)
    assert facility["y"] == [580.0, 1160.0, 1160.0]
    assert it["x"] == ["2026-01-01", "2026-05-01", "2028-01-01"]


def test_what_stood_before_the_horizon_is_there_from_its_start(run) -> None:
    summary = json.loads(json.dumps(run.summary))
    for row in (summary["power"][0], summary["chips"][0]):
        row["date"] = "2024-06-01"
    power = figure("power", summary, run.columns)["data"][-1]
    assert power["x"][0] == "2026-01-01"
    assert power["y"][0] == 500.0
    chips = figure("chips", summary, run.columns)["data"][0]
    assert (chips["x"][0], chips["y"][0]) == ("2026-01-01", 260_000.0)


def test_what_comes_after_the_horizon_is_not_drawn(run) -> None:
    summary = json.loads(json.dumps(run.summary))
    summary["power"][1]["date"] = summary["chips"][1]["date"] = "2030-06-01"
    power = figure("power", summary, run.columns)["data"][-1]
    assert power["y"] == [500.0, 500.0]
    chips = figure("chips", summary, run.columns)["data"]
    assert [trace["name"] for trace in chips] == ["gb200"]


def test_the_sankey_balances(run) -> None:
    link = draw(run, "energy")["data"][0]["link"]
    hub = max(link["source"])
    into = sum(v for v, t in zip(link["value"], link["target"], strict=True) if t == hub)
    out = sum(v for v, s in zip(link["value"], link["source"], strict=True) if s == hub)
    assert into == pytest.approx(out)
    assert into == pytest.approx(run.columns["hourly"]["facility_mw"].sum())


@pytest.mark.parametrize(
    ("name", "trace", "column", "scale"),
    [("tokens", 0, "tokens_trained", 1e12), ("tokens", 1, "tokens_served", 1e12),
     ("pue_water", 1, "water_m3", 1e3), ("accelerators", 0, "chips_training", 1e6)],
)  # fmt: skip
def test_months_sum_to_the_table(run, name, trace, column, scale) -> None:
    drawn = draw(run, name)["data"][trace]
    assert len(drawn["y"]) == 24
    assert sum(drawn["y"]) * scale == pytest.approx(run.columns["hourly"][column].sum(), rel=1e-4)


def test_costs_sum_to_the_ledger(run) -> None:
    total = run.summary["ledgers"]["money"]["total"] / 1e6
    for name in ("cost_by_year", "cost_by_activity"):
        drawn = sum(
            sum(trace["x"] if trace.get("orientation") == "h" else trace["y"])
            for trace in draw(run, name)["data"]
        )
        assert drawn == pytest.approx(total, rel=1e-4)


def test_homes_are_drawn_both_ways_with_formula_and_band(run) -> None:
    drawn = draw(run, "homes")
    energy, peak = drawn["data"]
    assert drawn["layout"]["xaxis"]["title"]["text"] == "Homes [thousand]"
    assert "error_x" not in energy
    assert peak["x"][0] + peak["error_x"]["array"][0] == pytest.approx(749.0, rel=1e-2)
    assert "energy of the mean US home" in energy["customdata"][0]


@pytest.mark.parametrize(
    ("factor", "unit"), [(1e-4, ""), (1.0, " [thousand]"), (10.0, " [million]")]
)
def test_homes_are_counted_in_a_unit_of_their_size(run, factor, unit) -> None:
    summary = json.loads(json.dumps(run.summary))
    for name in ("homes_by_energy", "homes_by_peak"):
        h = summary["headlines"][name]
        h.update({end: h[end] and factor * h[end] for end in ("value", "low", "high")})
    title = figure("homes", summary, run.columns)["layout"]["xaxis"]["title"]["text"]
    assert title == f"Homes{unit}"


def test_thin_flows_are_named_on_hovering_only(run) -> None:
    summary = json.loads(json.dumps(run.summary))
    ledger = summary["ledgers"]["energy"]
    ledger["supply"]["spare diesel"] = 1e-3 * ledger["supply_total"]
    drawn = figure("energy", summary, run.columns)
    node = drawn["data"][0]["node"]
    (spare,) = [i for i, said in enumerate(node["customdata"]) if said.startswith("spare diesel")]
    assert node["label"][spare] == ""
    assert all(node["label"][i] for i in range(spare))
    assert drawn["layout"]["annotations"][0]["text"].startswith("Campus, ")


def test_names_from_the_campus_are_shown_as_written(run) -> None:
    summary = json.loads(json.dumps(run.summary))
    supply = summary["ledgers"]["energy"]["supply"]
    supply["<b>bold</b>"] = supply.pop("gas plant")
    labels = figure("energy", summary, run.columns)["data"][0]["node"]["label"]
    assert any(label.startswith("&lt;b&gt;bold") for label in labels)


def test_the_palette_differs_in_lightness_too() -> None:
    """Neighbours in the order of use stay apart for readers who see no colour at all."""
    luminance = [
        sum(
            w * int(c[i : i + 2], 16) for w, i in zip((0.299, 0.587, 0.114), (1, 3, 5), strict=True)
        )
        for c in SERIES
    ]
    assert len(set(SERIES)) == len(SERIES)
    assert min(abs(a - b) for a, b in itertools.pairwise(luminance)) > 8
    assert shade("#0072B2", 0.5) == "rgba(0,114,178,0.5)"
