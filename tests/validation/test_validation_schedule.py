"""``gigawatt validate schedule``: forecasts of the last vintage by a fit that has not seen it."""

from __future__ import annotations

import pytest

from gigawatt.errors import InputError
from gigawatt.validation import validate

HEAD = "campus,threshold_facility_mw,vintage,date_reached\n"


def test_published_vintages_and_the_catalogue_agree(shared):
    ours, rows = validate("schedule")
    published, same = validate("schedule", shared / "facts/schedule_vintages.csv")
    assert sorted(map(repr, rows)) == sorted(map(repr, same))
    assert ours == published
    assert ours["predicted"] == 122
    assert 70.0 <= ours["coverage_p10_p90"] <= 90.0
    announced = ours["groups"]["as announced"]
    assert announced["predicted"] == ours["predicted"]
    assert ours["ape"]["mean"] < announced["ape"]["mean"]


def test_other_campuses_are_forecast_by_those_of_the_catalogue(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        HEAD + "Mine,500,2026-05-23,2026-09-01\nMine,500,2026-08-20,2026-11-01\n"
        "Mine,1000,2026-05-23,2027-09-01\nMine,1000,2026-08-20,\n",
        encoding="utf-8",
    )
    found, rows = validate("schedule", path)
    assert found["rows"] == 2
    assert found["skipped"] == {"no longer planned in the last vintage": 1}
    first = next(row for row in rows if not row.reason)
    assert first.measured == 162.0  # 23 May to 1 November
    assert first.low <= first.predicted <= first.high


def test_files_that_cannot_be_used(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("campus,vintage\nA,2026-05-23\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column threshold_facility_mw, date_reached"):
        validate("schedule", path)
    path.write_text(HEAD + "A,500,2026-05-23,soon\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: expected dates and a power; found .*soon"):
        validate("schedule", path)
    path.write_text(HEAD + "A,500,2026-05-23,2026-09-01\n", encoding="utf-8")
    with pytest.raises(InputError, match="expected two vintages or more; found 1"):
        validate("schedule", path)
