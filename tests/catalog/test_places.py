"""Climates, cooling plants, grids and states of the catalogue."""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict

import pytest

from gigawatt import catalog

BOOK = catalog.load()
CLIMATES = BOOK.entries("climate")
MONTH_FIELDS = ("temperature_c", "daily_range_c", "dew_point_c")
TMY3 = {
    "columbus-oh": "OH-Columbus_Port_Columbus_Intl_A.tmy3",
    "monroe-la": "LA-Monroe_Regional_Ap.tmy3",
}


def months_of(climate: str):
    return sorted(BOOK.where("month", climate=climate), key=lambda month: month.number("month"))


def test_there_are_at_least_eight_climates():
    assert len(CLIMATES) >= 8


@pytest.mark.parametrize("climate", [c.id for c in CLIMATES])
def test_a_climate_has_its_twelve_months(climate):
    months = months_of(climate)
    assert [m.number("month") for m in months] == list(range(1, 13))
    assert [m.id for m in months] == [f"{climate}@{i:02d}" for i in range(1, 13)]


@pytest.mark.parametrize("climate", [c.id for c in CLIMATES])
def test_mean_dew_points_lie_below_mean_temperatures(climate):
    for month in months_of(climate):
        assert month.number("dew_point_c") < month.number("temperature_c"), month.id


@pytest.mark.parametrize("climate", [c.id for c in CLIMATES])
def test_summers_are_warm_and_winters_cold(climate):
    temperature = [m.number("temperature_c") for m in months_of(climate)]
    # All stations lie north of the tropics: the warmest month is June, July or August.
    assert temperature.index(max(temperature)) in {5, 6, 7}
    assert temperature.index(min(temperature)) in {0, 1, 11}
    assert 8.0 < statistics.mean(temperature) < 28.0


@pytest.mark.parametrize("climate", [c.id for c in CLIMATES])
def test_utc_offset_fits_the_longitude(climate):
    entry = BOOK.get("climate", climate)
    # Standard time follows the sun within about an hour and a half.
    assert entry.number("utc_offset_h") == pytest.approx(
        entry.number("longitude_deg") / 15.0, abs=1.5
    )


def test_degree_days_of_monroe_and_shreveport_make_them_zone_3a():
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    for climate in ("monroe-la", "shreveport-la"):
        warm = sum(
            max(month.number("temperature_c") - 10.0, 0.0) * n
            for month, n in zip(months_of(climate), days, strict=True)
        )
        assert 2500.0 < warm <= 3500.0


@pytest.mark.parametrize("climate", TMY3)
def test_months_agree_with_the_weather_file(climate, shared):
    published = read_tmy3(shared / "weather" / TMY3[climate])
    for month in months_of(climate):
        for field in MONTH_FIELDS:
            expected = published[int(month.number("month"))][field]
            assert month.number(field) == pytest.approx(expected, abs=0.2), (month.id, field)


def read_tmy3(path):
    """Return the monthly means of a TMY3 file."""
    days = defaultdict(lambda: defaultdict(list))
    with path.open(newline="") as handle:
        next(handle)
        for row in csv.DictReader(handle):
            date = row["Date (MM/DD/YYYY)"]
            days[int(date[:2])][date].append(
                (float(row["Dry-bulb (C)"]), float(row["Dew-point (C)"]))
            )
    return {
        month: {
            "temperature_c": statistics.mean(t for hours in by_day.values() for t, _ in hours),
            "dew_point_c": statistics.mean(d for hours in by_day.values() for _, d in hours),
            "daily_range_c": statistics.mean(
                max(t for t, _ in hours) - min(t for t, _ in hours) for hours in by_day.values()
            ),
        }
        for month, by_day in days.items()
    }


def test_weather_file_holds_every_month(shared):
    assert sorted(read_tmy3(shared / "weather" / TMY3["monroe-la"])) == list(range(1, 13))


@pytest.mark.parametrize("plant", [p.id for p in BOOK.entries("plant")])
def test_best_hour_of_a_plant_is_no_worse_than_its_year(plant):
    entry = BOOK.get("plant", plant)
    assert 1.0 <= entry.number("pue_best") <= entry.number("pue")
    assert entry.id == f"{entry.text('plant')}@{entry.text('zone').lower()}"


@pytest.mark.parametrize(
    "plant", ["airside-adiabatic", "waterside-economiser", "closed-loop-dry", "air-cooled-chiller"]
)
def test_every_plant_has_figures_for_any_zone(plant):
    assert BOOK.has("plant", f"{plant}@any")


@pytest.mark.parametrize(
    ("plant", "pue", "wue"),
    [
        # Lei and Masanet (2022), 5th to 95th percentile, as printed with two decimals.
        ("airside-adiabatic@3a", (1.13, 1.25), (0.41, 1.15)),
        ("airside-adiabatic@4a", (1.11, 1.22), (0.27, 0.83)),
        ("airside-adiabatic@5a", (1.10, 1.21), (0.20, 0.71)),
        ("waterside-economiser@3a", (1.09, 1.21), (1.75, 2.62)),
        ("waterside-economiser@4a", (1.08, 1.20), (1.74, 2.61)),
        ("waterside-economiser@5a", (1.08, 1.20), (1.74, 2.61)),
        ("air-cooled-chiller@3a", (1.59, 2.10), (0.02, 0.10)),
        ("air-cooled-chiller@4a", (1.54, 1.99), (0.02, 0.10)),
        ("air-cooled-chiller@5a", (1.51, 1.92), (0.02, 0.10)),
    ],
)
def test_plants_carry_the_printed_ranges(plant, pue, wue):
    entry = BOOK.get("plant", plant)
    assert entry["pue"].span == pytest.approx(pue, abs=0.0051)
    assert entry["wue_l_per_kwh"].span == pytest.approx(wue, abs=0.0051)


def test_dry_coolers_use_no_water_and_cooling_towers_much():
    assert BOOK.get("plant", "closed-loop-dry@any").number("wue_l_per_kwh") == 0.0
    assert BOOK.get("plant", "waterside-economiser@any").number("wue_l_per_kwh") > 1.0


@pytest.mark.parametrize("grid", [g.id for g in BOOK.entries("grid")])
def test_grid_emissions_lie_between_hydropower_and_coal(grid):
    entry = BOOK.get("grid", grid)
    assert 50.0 < entry.number("co2_direct_kg_per_mwh") < 700.0
    if "co2_lifecycle_kg_per_mwh" in entry:
        # Different years and borders; still the life cycle is never far below the direct figure.
        low = 0.9 * entry.number("co2_direct_kg_per_mwh")
        assert entry.number("co2_lifecycle_kg_per_mwh") > low


def test_markets_publish_a_price():
    for grid in ("pjm", "miso", "ercot", "spp", "caiso", "nyiso", "isone"):
        assert 20.0 < BOOK.get("grid", grid).number("price_usd_per_mwh") < 60.0


def test_state_prices_are_those_of_the_energy_information_administration():
    for state, price in {"oh": 70.3, "la": 58.8, "tx": 66.0, "va": 89.2, "nm": 57.5}.items():
        assert BOOK.get("state", state).number("industrial_usd_per_mwh") == price


def test_states_with_campuses_are_there():
    wanted = "oh la tx tn wi ga in ms nm mi ne ia va az ok ut or nc pa nd ky sc al mn nv"
    assert [s for s in wanted.split() if not BOOK.has("state", s)] == []


def test_homes_in_the_south_use_more_than_in_california():
    use = {s.id: s.number("home_kwh_per_year") for s in BOOK.entries("state")}
    assert use["la"] > 1.3 * statistics.median(use.values()) > use["ca"]
    assert use["la"] == max(use.values())


@pytest.mark.parametrize(
    ("kind", "alias", "entry"),
    [
        ("climate", "Columbus", "columbus-oh"),
        ("grid", "Midcontinent ISO", "miso"),
        ("state", "Louisiana", "la"),
        ("state", "New Mexico", "nm"),
    ],
)
def test_places_answer_to_their_common_names(kind, alias, entry):
    assert BOOK.get(kind, alias).id == entry
