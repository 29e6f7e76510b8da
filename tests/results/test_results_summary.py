"""The summary as JSON and as text."""

from __future__ import annotations

import json

import factory
import pytest

from gigawatt.results import summary_text
from gigawatt.results.text import columns


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
    assert first["end"] == "2026-04-02T13:20:11"
    assert first["start"] == "2026-01-01"
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
    assert columns([("long enough",)], 8) == ["  long …"]
