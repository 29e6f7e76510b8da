"""The catalogue's campuses: their phases, their power plants and the technologies behind them."""

from __future__ import annotations

import csv
import datetime as dt
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from gigawatt import catalog

if TYPE_CHECKING:
    from pathlib import Path

    from gigawatt.catalog import Entry

CATALOG = catalog.load()
CAMPUSES = [entry.id for entry in CATALOG.entries("campus")]

# Name of each campus in the table of published facts, where our name does not follow from it.
TRACKED = {
    "amazon-new-carlisle": "Anthropic-Amazon New Carlisle",
    "amazon-madison": "Amazon Madison Mega Site",
    "aws-berwick": "AWS Berwick",
    "coreweave-denton": "CoreWeave Denton TX",
    "coreweave-helios": "Coreweave Helios",
    "fairwater-atlanta": "Microsoft Fairwater Atlanta",
    "fairwater-wisconsin": "Microsoft Fairwater Wisconsin",
    "google-council-bluffs": "Google Council Bluffs (East)",
    "google-pryor": "Google Pryor (North)",
    "qts-cedar-rapids": "QTS Cedar Rapids",
    "stargate-uae": "OpenAI Stargate UAE",
}
STEP = re.compile(r"(\d{4}-\d\d-\d\d):(\d+)IT/(\d+)F")

Step = tuple[dt.date, float, float]


def path_of(campus: str) -> list[Step]:
    """Return date, IT and facility power of each phase, in the order of the table."""
    phases = CATALOG.where("phase", campus=campus)
    return [(p.date("date"), p.number("it_mw"), p.number("facility_mw")) for p in phases]


@pytest.mark.parametrize(
    ("alias", "campus"),
    [
        ("prometheus", "meta-prometheus"),
        ("Hyperion", "meta-hyperion"),
        ("abilene", "stargate-abilene"),
        ("colossus", "colossus-1"),
        ("Colossus 2", "colossus-2"),
        ("fairwater", "fairwater-wisconsin"),
        ("fairwater-atlanta", "fairwater-atlanta"),
        ("new-carlisle", "amazon-new-carlisle"),
        ("Project Rainier", "amazon-new-carlisle"),
        ("google-columbus", "google-columbus"),
    ],
)
def test_known_campuses_answer_to_their_usual_names(alias, campus):
    assert CATALOG.get("campus", alias).id == campus


def test_there_are_twenty_campuses_of_many_owners():
    owners = {CATALOG.get("campus", name).text("owner") for name in CAMPUSES}
    assert len(CAMPUSES) >= 20
    assert {"Meta", "Oracle", "SpaceXAI", "Microsoft", "Amazon", "Google", "G42"} <= owners


@pytest.mark.parametrize("campus", CAMPUSES)
def test_a_campus_only_grows(campus):
    path = path_of(campus)
    assert path, "a campus without phases has nothing to simulate"
    for date, it_mw, facility_mw in path:
        assert 0 < it_mw <= facility_mw <= 1.6 * it_mw, date
    for (day, it_mw, facility_mw), (later, more_it, more_facility) in pairwise(path):
        assert day < later
        assert it_mw < more_it
        assert facility_mw < more_facility


@pytest.mark.parametrize("campus", CAMPUSES)
def test_the_plan_covers_the_dated_phases(campus):
    planned = CATALOG.get("campus", campus)["planned_facility_mw"]
    last_mw = path_of(campus)[-1][2]
    assert last_mw <= planned.number + 0.5
    if planned.number > last_mw + 0.5:
        assert planned.low == last_mw, "what no phase reaches must show as a range"


@pytest.mark.parametrize("phase", CATALOG.entries("phase"), ids=lambda phase: phase.id)
def test_a_phase_is_named_by_campus_and_date(phase):
    assert phase.id == f"{phase.text('campus')}@{phase.date('date')}"


def added_kw_per_chip(phase: Entry) -> float:
    """Return the IT power that a phase adds for each chip it adds."""
    before = [it for day, it, _ in path_of(phase.text("campus")) if day < phase.date("date")]
    added_mw = phase.number("it_mw") - (before[-1] if before else 0.0)
    return added_mw * 1000 / phase.number("chips_added")


@pytest.mark.parametrize(
    "phase",
    [phase for phase in CATALOG.entries("phase") if "chips_added" in phase],
    ids=lambda phase: phase.id,
)
def test_chips_fit_the_power_of_their_phase(phase):
    rated_kw = CATALOG.get("chip", phase.text("chip")).number("all_in_it_kw")
    # The tracker mostly multiplies chips by a rating too: agreement here is no measurement.
    assert 0.95 < rated_kw / added_kw_per_chip(phase) < 1.08


@pytest.mark.parametrize(
    ("campus", "date"),
    [
        ("amazon-new-carlisle", "2026-03-23"),
        ("colossus-2", "2026-06-15"),
        ("stargate-abilene", "2026-11-01"),
        ("meta-prometheus", "2027-04-15"),
        ("qts-cedar-rapids", "2027-11-15"),
        ("meta-hyperion", "2028-01-01"),
        ("fairwater-wisconsin", "2028-05-13"),
    ],
)
def test_first_gigawatt(campus, date):
    first = next(day for day, _, facility_mw in path_of(campus) if facility_mw >= 1000)
    assert first == dt.date.fromisoformat(date)


def test_hyperion_states_both_its_first_phase_and_its_ambition():
    planned = CATALOG.get("campus", "hyperion")["planned_facility_mw"]
    assert (planned.number, planned.low, planned.basis) == (5000, 2203, "reported")
    assert path_of("meta-hyperion") == [(dt.date(2028, 1, 1), 1632, 2203)]


def test_prometheus_tells_that_its_date_slipped():
    assert "slipped" in CATALOG.get("phase", "meta-prometheus@2027-04-15")["date"].note


def _tracked(shared: Path) -> dict[str, dict[str, str]]:
    table = shared / "facts" / "campuses.csv"
    if not table.is_file():
        pytest.skip("../shared/facts/campuses.csv is not on this machine")
    with table.open(encoding="utf-8", newline="") as handle:
        return {row["campus"]: row for row in csv.DictReader(handle)}


def _tracker_name(campus: str) -> str:
    words = campus.replace("-", " ").title()
    words = f"OpenAI {words}" if campus.startswith("stargate") else words
    return TRACKED.get(campus, words)


@pytest.mark.parametrize("campus", CAMPUSES)
def test_phases_follow_the_tracker(campus, shared):
    row = _tracked(shared)[_tracker_name(campus)]
    steps = {
        dt.date.fromisoformat(day): (float(it_mw), float(facility_mw))
        for day, it_mw, facility_mw in STEP.findall(row["mw_path"])
    }
    path = path_of(campus)
    for day, it_mw, facility_mw in path:
        assert (it_mw, facility_mw) == pytest.approx(steps[day], abs=0.51)
    assert path[-1][1] == pytest.approx(float(row["planned_it_mw"]), abs=0.51)
    assert path[-1][2] == pytest.approx(float(row["planned_facility_mw"]), abs=0.51)
    # Steps that we leave out must bring no IT power that a later phase of ours does not have.
    assert max(it_mw for it_mw, _ in steps.values()) <= path[-1][1] + 0.51


def test_the_power_plants_of_prometheus_and_hyperion():
    def total_mw(campus: str, connection: str) -> float:
        plants = CATALOG.where("supply", campus=campus, connection=connection)
        return sum(plant.number("capacity_mw") for plant in plants)

    assert total_mw("meta-prometheus", "behind-the-meter") == 650
    assert total_mw("meta-hyperion", "contracted") == 2262 + 1500


@pytest.mark.parametrize("plant", CATALOG.entries("supply"), ids=lambda plant: plant.id)
def test_a_power_plant_serves_a_campus_and_has_a_technology(plant):
    campus = plant.text("campus")
    assert plant.id.startswith(f"{campus}@")
    assert CATALOG.has("campus", campus)
    assert CATALOG.has("technology", plant.text("technology"))
    assert plant.text("connection") in {"behind-the-meter", "contracted"}


@pytest.mark.parametrize("technology", CATALOG.entries("technology"), ids=lambda t: t.id)
def test_carbon_follows_from_the_heat_rate(technology):
    carbon = technology.number("co2_kg_per_mwh")
    if technology.text("fuel") == "natural gas":
        heat_rate = technology.number("heat_rate_btu_per_kwh")
        assert carbon == pytest.approx(heat_rate * 53.06 / 1000, abs=0.06)
    else:
        assert carbon == 0


def test_small_turbines_burn_more_than_large_ones_and_feed_socrates():
    burns = {t.id: t.number("heat_rate_btu_per_kwh", 0.0) for t in CATALOG.entries("technology")}
    assert burns["small-turbine"] > burns["aeroderivative"] > burns["open-cycle"]
    plants = CATALOG.where("supply", technology="small-turbine")
    assert {"meta-prometheus@socrates-south", "meta-prometheus@socrates-north"} <= {
        plant.id for plant in plants
    }


def test_every_technology_of_the_design_is_there():
    names = {technology.id for technology in CATALOG.entries("technology")}
    gas = {"combined-cycle", "open-cycle", "aeroderivative", "small-turbine"}
    gas |= {"reciprocating", "fuel-cell"}
    assert gas | {"nuclear", "smr", "solar", "wind", "battery", "geothermal"} <= names


@pytest.mark.parametrize("name", ["nuclear", "smr", "solar", "wind", "geothermal"])
def test_plants_that_run_when_they_can_have_a_capacity_factor(name):
    assert 0 < CATALOG.get("technology", name).number("capacity_factor") < 1


def test_references_hold_in_the_whole_catalogue():
    assert CATALOG.check() > 0
