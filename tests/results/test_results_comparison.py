"""Runs side by side."""

from __future__ import annotations

import json

import factory
import pytest

from gigawatt.errors import InputError
from gigawatt.results import compare, comparison_text


@pytest.fixture(scope="module")
def answer():
    return compare([factory.run(), factory.run(factory.campus("Empty Field", phases=False))])


def test_headlines_keep_their_order_and_units(answer) -> None:
    names = [h.name for h in factory.outcome().headlines]
    assert list(answer["headlines"]) == names
    assert answer["headlines"]["peak_facility_mw"]["unit"] == "MW"
    assert [run["campus"] for run in answer["runs"]] == ["Big River", "Empty Field"]


def test_change_is_against_the_first_where_both_are_numbers(answer) -> None:
    rows = answer["headlines"]
    assert rows["peak_facility_mw"]["change_percent"] == [0.0, -100.0]
    assert rows["first_gw_date"]["change_percent"] == [None, None]
    assert rows["first_gw_date"]["values"] == ["2026-05-01", None]


def test_nothing_is_divided_by_nought() -> None:
    empty = factory.run(factory.campus("Empty", phases=False))
    row = compare([empty, factory.run()])["headlines"]["peak_facility_mw"]
    assert row["values"][0] == 0.0
    assert row["change_percent"] == [None, None]


def test_a_headline_that_a_run_lacks_or_counts_otherwise_is_not_compared() -> None:
    one, two, three = factory.run(), factory.run(seed=1), factory.run(seed=2)
    del two.summary["headlines"]["co2_t"]
    three.summary["headlines"]["co2_t"]["unit"] = "kg"
    row = compare([one, two, three])["headlines"]["co2_t"]
    assert row["values"][1] is None
    assert row["unit"] is None
    assert row["change_percent"] == [None, None, None]


def longer(by: float = 2.0):
    """Return a run like the other, but of a later end and with larger numbers."""
    run = factory.run(seed=1)
    run.summary["horizon"]["end"] = "2030-01-01"
    for h in run.summary["headlines"].values():
        if isinstance(h["value"], float):
            h["value"] *= by
    return run


def test_sums_over_unlike_horizons_are_not_held_against_each_other() -> None:
    rows = compare([factory.run(), longer()])["headlines"]
    for name in ("co2_t", "training_tokens", "served_tokens", "total_cost_usd"):
        assert rows[name]["change_percent"] == [0.0, None], name
    assert rows["peak_facility_mw"]["change_percent"] == [0.0, pytest.approx(100.0)]
    assert rows["facility_energy_mwh_last_year"]["change_percent"][1] == pytest.approx(100.0)


def test_tokens_of_unlike_models_are_not_held_against_each_other() -> None:
    runs = [factory.run(seed=seed) for seed in range(3)]
    for run, model in zip(runs, ("Maverick", "Maverick", "Scout"), strict=True):
        run.summary["headlines"]["whole_campus_tokens_per_day"] = {
            "label": "Tokens a day", "group": "training", "value": 2e15, "unit": "tokens/day",
            "low": None, "high": None, "note": f"tokens of {model}",
        }  # fmt: skip
    answer = compare(runs)
    row = answer["headlines"]["whole_campus_tokens_per_day"]
    assert row["change_percent"] == [0.0, 0.0, None]
    assert row["notes"] == ["tokens of Maverick", "tokens of Maverick", "tokens of Scout"]
    assert "tokens of Scout" in comparison_text(answer, 120)


@pytest.mark.parametrize("by", [1.0, 1.004, 0.996])
def test_no_change_is_not_printed(by) -> None:
    assert "0 %)" not in comparison_text(compare([factory.run(), longer(by)]), 120)


def test_a_run_that_lacks_something_is_refused_with_its_version() -> None:
    old, odd = factory.run(), factory.run(seed=1)
    old.summary["gigawatt"] = "0.0.1"
    for h in old.summary["headlines"].values():
        del h["note"]
    del odd.summary["owner"]
    with pytest.raises(InputError) as caught:
        compare([factory.run(seed=2), old, odd])
    said = str(caught.value)
    assert f"{old.id} (version 0.0.1) lacks the note of its headlines" in said
    assert f"{odd.id} (version" in said
    assert "lacks owner" in said


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_any_number_of_runs_fits_any_width(count, width) -> None:
    runs = [factory.run(factory.campus(f"Campus {i}")) for i in range(count)]
    text = comparison_text(compare(runs), width)
    assert max(map(len, text.splitlines())) <= width
    assert all(f"Campus {i}" in text for i in range(count))
    assert text.count("899 MW") == count


def test_it_is_plain_json(answer) -> None:
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_no_runs_is_an_input_error() -> None:
    with pytest.raises(InputError, match="at least one"):
        compare([])
