"""Published PUE, water and power of sites, by a model that was fitted to none of them."""

from __future__ import annotations

import csv

import pytest

from gigawatt.errors import InputError
from gigawatt.validation import validate
from gigawatt.validation.site import site_table


@pytest.fixture(scope="module")
def built_in():
    return validate("site")


def test_yearly_pue_by_climate_and_plant(built_in):
    scored, _ = built_in
    assert scored["rows"] == scored["predicted"] >= 40
    assert scored["ape"]["median"] < 2.0
    assert scored["ape"]["p90"] < 5.0
    groups = scored["groups"]
    assert groups["PUE, waterside-economiser"]["ape"]["mean"] < 1.0
    assert groups["PUE, airside-adiabatic"]["ape"]["mean"] < 3.0
    assert groups["PUE, air-cooled-chiller"]["ape"]["mean"] < 5.0
    assert groups["WUE, waterside-economiser"]["ape"]["mean"] < 5.0


def test_operators_run_as_they_say(built_in):
    _, rows = built_in
    found = {r.row: r for r in rows if r.group == "PUE, operators"}
    assert set(found) == {"meta-fleet-2023", "meta-buildings-2021", "google-central-ohio"}
    for row in found.values():
        assert row.predicted == pytest.approx(row.measured, abs=0.03)
        assert row.low <= row.predicted <= row.high


def test_frontier_through_the_chain(built_in):
    _, rows = built_in
    found = {r.row: r for r in rows if r.row.startswith("frontier")}
    assert {r.measured for r in found.values()} == {7.31, 28.23, 1.14}
    for row in found.values():
        assert row.predicted == pytest.approx(row.measured, rel=0.005)


def write(path, columns, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def test_a_file_of_one_s_own(tmp_path):
    path = write(
        tmp_path / "sites.csv", ["plant", "climate", "pue", "wue_l_per_kwh"],
        ["waterside-economiser", "columbus-oh", "1.139", "2.17"],
        ["waterside-economiser", "columbus-oh", "", "2.17"],
        ["closed-loop-wet", "columbus-oh", "1.1", ""],
        ["waterside-economiser", "atlantis", "1.1", ""],
        ["waterside-economiser", "columbus-oh", "", ""],
        ["waterside-economiser", "columbus-oh", "low", ""],
    )  # fmt: skip
    scored, rows = validate("site", path)
    assert (scored["rows"], scored["predicted"]) == (6, 2)
    first, beside, water = rows[:3]
    assert first.predicted == pytest.approx(1.139, abs=0.01)
    assert (beside.beside, water.beside) == (True, False)
    assert beside.predicted == water.predicted
    reasons = " ".join(r.reason for r in rows[3:])
    for told in ("closed-loop-wet", "atlantis", "no PUE and no water", "could not convert"):
        assert told in reasons


def test_typical_years_give_what_the_normals_give(tmp_path, shared):
    """Columbus and Monroe from their TMY3 files, against the table by climate zone."""
    files = {"OH-Columbus_Port_Columbus_Intl_A.tmy3": 1.1393, "LA-Monroe_Regional_Ap.tmy3": 1.1509}
    places = [shared / "weather" / name for name in files]
    rows = [
        ["waterside-economiser", place, pue]
        for place, pue in zip(places, files.values(), strict=True)
    ]
    path = write(tmp_path / "sites.csv", ["plant", "weather", "pue"], *rows)
    for one in site_table(path):
        assert one.predicted == pytest.approx(one.measured, abs=0.03)
        assert one.low <= one.measured <= one.high


@pytest.mark.parametrize(
    "columns", [["plant", "climate"], ["plant", "pue"], ["climate", "pue"], []]
)
def test_a_table_of_something_else_is_refused(tmp_path, columns):
    path = write(tmp_path / "sites.csv", columns, ["x"] * len(columns))
    with pytest.raises(InputError, match="no columns plant"):
        validate("site", path)
