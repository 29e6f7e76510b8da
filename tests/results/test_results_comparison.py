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
