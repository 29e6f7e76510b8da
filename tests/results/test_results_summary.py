"""The summary as JSON and as text."""

from __future__ import annotations

import json

import factory
import pytest

from gigawatt.results import summary_text
from gigawatt.results.column_units import unit_of
from gigawatt.results.layout import TIED, columns


@pytest.fixture(scope="module")
def summary():
    return factory.run().summary


def test_it_is_plain_json(summary) -> None:
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_every_headline_carries_its_unit_and_what_it_rests_on(summary) -> None:
    for name, headline in summary["headlines"].items():
        assert headline["unit"], name
        assert set(headline["facts"]) <= set(summary["facts"])


def test_only_used_sources_are_listed_and_all_of_them(summary) -> None:
    assert {f["source"] for f in summary["facts"].values()} == set(summary["sources"])


def test_chips_and_power_by_date_are_running_totals(summary) -> None:
    assert summary["chips"] == [
        {"date": "2026-01-01", "chip": "gb200", "count": 260_000, "cumulative": 260_000},
        {"date": "2026-05-01", "chip": "gb300", "count": 260_000, "cumulative": 260_000},
    ]
    assert summary["power"] == [
        {"date": "2026-01-01", "it_mw": 500.0, "facility_mw": 580.0},
        {"date": "2026-05-01", "it_mw": 1000.0, "facility_mw": 1160.0},
    ]


def test_gaps_become_none_and_times_become_text(summary) -> None:
    first, second = summary["training_runs"]
    assert first["end"] == "2026-04-02T13:20:11Z"
    assert first["start"] == "2026-01-01T00:00:00Z"
    assert summary["phases"][0]["date"] == "2026-01-01"
    assert second["end"] is None
    assert second["tokens_per_s_per_chip"] is None


def test_ledgers_close(summary) -> None:
    ledgers = summary["ledgers"]
    assert ledgers["energy"]["use_total"] == pytest.approx(ledgers["energy"]["supply_total"])
    hours, money = ledgers["accelerator_hours"], ledgers["money"]
    assert hours["total"] == pytest.approx(hours["installed_total"])
    assert money["total"] == pytest.approx(money["yearly_total"])


def test_the_horizon_is_stated(summary) -> None:
    assert summary["horizon"] == {
        "start": "2026-01-01", "end": "2028-01-01", "years": 2, "hours": 17_520,
    }  # fmt: skip


def test_an_empty_campus_has_a_summary_too() -> None:
    summary = factory.run(factory.campus(phases=False)).summary
    assert summary["chips"] == summary["power"] == summary["phases"] == []
    assert "never: the phases come to 0 MW" in summary_text(summary, 100)


@pytest.mark.parametrize("width", [40, 50, 80, 100, 120])
def test_no_line_is_longer_than_asked_for(summary, width) -> None:
    lines = summary_text(summary, width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any(line != line.rstrip() for line in lines)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_every_answer_is_there_whole_at_any_width(summary, width) -> None:
    words = " ".join(summary_text(summary, width).split())
    for shown in ("899 MW", "1 May 2026", "3,120 T tokens", "18.6 billion USD", "1.13",
                  "243,000 to 749,000 homes", "0.0600 to 0.200 USD/M tokens"):  # fmt: skip
        assert shown in words


def test_text_has_no_colour_codes_and_headings_in_order(summary) -> None:
    text = summary_text(summary, 100)
    assert "\x1b" not in text
    heads = [
        "Capacity",
        "Power",
        "Energy, water and carbon",
        "Training",
        "Hosting",
        "Money",
        "Homes",
    ]
    places = [text.index(f"\n{head}\n") for head in heads]
    assert places == sorted(places)


def test_columns_line_up_and_none_is_nothing() -> None:
    assert columns([("a", "1"), ("bb", "10")], 80, right=(1,)) == ["  a    1", "  bb  10"]
    assert columns([], 80) == []


def test_words_fold_and_numbers_do_not() -> None:
    rows = [("a name of words", f"1.25{TIED}GW"), ("b", "3")]
    drawn = columns(rows, 20, right=(1,))
    assert drawn == ["  a name of  1.25 GW", "  words", "  b                3"]
    assert columns(rows, 10, right=(1,))[0].endswith("1.25 GW"), "too wide, yet whole"


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_no_number_of_a_table_is_cut_at_any_width(width) -> None:
    summary = factory.run().summary
    for row in summary["training_runs"]:
        row["name"] = f"a run with a name of many words, {row['name']} of all"
    text = summary_text(summary, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    for shown in ("3,100 T tokens", "22.0 T tokens", "2 Apr 2026", "44.0 billion USD", "0.100"):
        assert shown in words
    assert ("llama-4-maverick" in words) or width < 100


def test_supply_and_activities_are_shown_with_their_shares(summary) -> None:
    lines = [" ".join(line.split()) for line in summary_text(summary, 100).splitlines()]
    grid = next(line for line in lines if line.startswith("Grid grid interconnection"))
    assert grid.endswith("TWh 75.0 %")
    assert any(line.startswith("Research ") and line.endswith(" 15.0 %") for line in lines)


def test_what_a_speed_rests_on_is_said_once_and_quietly(summary) -> None:
    summary = json.loads(json.dumps(summary))
    for row in summary["training_runs"]:
        row["basis"] = "7 published runs"
    quiet: list[str] = []

    def dim(line: str) -> str:
        quiet.append(line.strip())
        return line

    text = summary_text(summary, 100, dim=dim)
    assert quiet[0] == "speed of first, second: 7 published runs"
    assert text.count("7 published runs") == 1


def test_a_band_that_reads_as_its_value_is_not_printed(summary) -> None:
    summary = json.loads(json.dumps(summary))
    h = summary["headlines"]["training_tokens"]
    h.update(low=h["value"] * 0.9999, high=h["value"])
    assert summary_text(summary, 100).count("3,120 T tokens") == 1


def test_warnings_are_kept(summary) -> None:
    assert summary["warnings"] == []
    assert factory.run(warnings=("too few chips",)).summary["warnings"] == ["too few chips"]


def test_every_column_of_every_table_has_a_unit(summary) -> None:
    tables = factory.outcome().tables
    assert {name: list(columns) for name, columns in summary["units"].items()} == {
        name: list(table) for name, table in tables.items()
    }
    units = summary["units"]
    assert units["hourly"]["time"] == units["training_runs"]["end_high"] == "time"
    assert units["phases"]["date"] == "date"
    assert units["training_runs"]["finished"] == "boolean"
    assert units["ledger_energy"] == {"side": "text", "account": "text", "mwh": "MWh"}


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("peak_facility_mw", "MW"),
        ("facility_energy_mwh", "MWh"),
        ("it_mw_high", "MW"),
        ("electricity_usd", "USD"),
        ("usd_per_million_tokens_low", "USD/Mtoken"),
        ("water_m3", "m3"),
        ("co2_t", "t"),
        ("tokens_served", "tokens"),
        ("output_tokens_served", "tokens"),
        ("tokens_per_s_per_chip_high", "tokens/s"),
        ("chips_training", "chips"),
        ("cumulative_chips", "chips"),
        ("accelerator_hours", "h"),
        ("mean_pue", "ratio"),
        ("load_factor", "ratio"),
        ("wet_bulb_c", "C"),
        ("memory_gb", "GB"),
        ("halls", "1"),
        ("published_runs", "1"),
    ],
)
def test_a_columns_unit_is_in_its_name(column, unit) -> None:
    assert unit_of(column) == unit


def test_numbers_are_free_of_what_binary_fractions_leave() -> None:
    made = factory.outcome()
    made.tables["training_runs"]["tokens_trained"][0] = 15_600_000_000_000.021
    row = factory.from_outcome(made, "a: 1", factory.facts().__getitem__).summary["training_runs"][
        0
    ]
    assert row["tokens_trained"] == 15.6e12
