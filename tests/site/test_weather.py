"""Normal weather by the hour and the wet bulb."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.site.weather import hourly_normals, wet_bulb_c

SEA_LEVEL_PA = 101325.0
CLIMATES = [c.id for c in catalog.load().entries("climate")]


def months_of(climate):
    return catalog.load().where("month", climate=climate)


def local_year(year, utc_offset_h):
    """Return the UTC hours whose local standard times make up a calendar year."""
    local = np.arange(f"{year}-01-01T00", f"{year + 1}-01-01T00", dtype="datetime64[h]")
    return local.astype("datetime64[s]") - np.timedelta64(int(utc_offset_h * 3600), "s"), local


def by_month(local, values):
    month = local.astype("datetime64[M]").astype(int) % 12
    return np.array([values[month == m].mean() for m in range(12)])


def column(climate, field):
    months = sorted(months_of(climate), key=lambda m: m.number("month"))
    return np.array([m.number(field) for m in months])


@pytest.mark.parametrize("year", [2027, 2028])
@pytest.mark.parametrize("climate", CLIMATES)
def test_monthly_means_of_temperature_are_kept(climate, year):
    offset = catalog.load().get("climate", climate).number("utc_offset_h")
    times, local = local_year(year, offset)
    temperature, _ = hourly_normals(months_of(climate), times, offset)
    assert by_month(local, temperature) == pytest.approx(column(climate, "temperature_c"), abs=0.02)


@pytest.mark.parametrize("climate", CLIMATES)
def test_dew_point_loses_little_to_saturated_nights(climate):
    offset = catalog.load().get("climate", climate).number("utc_offset_h")
    times, local = local_year(2027, offset)
    temperature, dew_point = hourly_normals(months_of(climate), times, offset)
    assert (dew_point <= temperature).all()
    loss = column(climate, "dew_point_c") - by_month(local, dew_point)
    assert loss.min() > -0.02
    assert loss.max() < 0.8


@pytest.mark.parametrize("climate", CLIMATES)
def test_days_swing_by_the_mean_daily_range(climate):
    offset = catalog.load().get("climate", climate).number("utc_offset_h")
    times, local = local_year(2027, offset)
    temperature, _ = hourly_normals(months_of(climate), times, offset)
    swing = np.ptp(temperature.reshape(-1, 24), axis=1)
    expected = column(climate, "daily_range_c")
    assert by_month(local[::24], swing) == pytest.approx(expected, abs=0.5)


def test_warmest_hour_is_three_in_the_afternoon_by_local_time():
    times, local = local_year(2027, -5.0)
    temperature, _ = hourly_normals(months_of("columbus-oh"), times, -5.0)
    july = temperature[local.astype("datetime64[M]") == np.datetime64("2027-07")]
    assert july.reshape(-1, 24).mean(axis=0).argmax() == 15


def test_years_are_alike_and_months_join_smoothly():
    times = np.arange("2026-01-01", "2031-01-01", dtype="datetime64[h]")
    temperature, _ = hourly_normals(months_of("monroe-la"), times, -6.0)
    # February counts one month whether it has 28 days or 29, so leap years differ a little.
    assert temperature[8760 : 2 * 8760] == pytest.approx(temperature[:8760], abs=1e-9)
    # One hour never brings more than the diurnal swing allows: about 14.1 / 2 x 2 pi / 24 K.
    assert np.abs(np.diff(temperature)).max() < 2.2


def test_seconds_and_hours_and_any_order_of_months_give_the_same():
    hours = np.arange("2027-03-01", "2027-03-08", dtype="datetime64[h]")
    months = months_of("atlanta-ga")
    expected = hourly_normals(months, hours, -5.0)
    again = hourly_normals(months[::-1], hours.astype("datetime64[s]"), -5.0)
    assert np.array_equal(expected, again)


def test_half_hour_time_zones_shift_the_day():
    hours = np.arange("2027-07-01", "2027-07-02", np.timedelta64(30, "m"), dtype="datetime64[s]")
    temperature, _ = hourly_normals(months_of("abu-dhabi"), hours, 5.5)
    assert hours[temperature.argmax()] == np.datetime64("2027-07-01T09:30")


def test_months_must_be_the_twelve_of_a_year():
    months = months_of("columbus-oh")
    with pytest.raises(ValueError, match="twelve months"):
        hourly_normals(months[:11], np.array(["2027-01-01"], "datetime64[h]"), -5.0)
    with pytest.raises(ValueError, match="twelve months"):
        hourly_normals([*months[:11], months[0]], np.array(["2027-01-01"], "datetime64[h]"), -5.0)


@pytest.mark.parametrize(
    ("temperature", "dew_point", "pressure", "expected"),
    [
        # PsychroLib 2.5.0, GetTWetBulbFromTDewPoint: ASHRAE Fundamentals 2017, chapter 1.
        (30.0, 20.0, 101325.0, 22.9391),
        (40.0, 7.0, 101325.0, 19.8561),
        (50.0, 30.0, 101325.0, 33.8742),
        (35.0, -10.0, 84000.0, 12.6754),
        (20.0, 9.27, 101325.0, 13.7826),
        (0.5, -3.0, 101325.0, -1.0018),
        (3.0, -12.0, 86000.0, -2.6145),
        (-10.0, -15.0, 101325.0, -11.1862),
        (-20.0, -25.0, 97000.0, -20.6155),
    ],
)
def test_wet_bulb_agrees_with_the_published_relations(temperature, dew_point, pressure, expected):
    assert float(wet_bulb_c(temperature, dew_point, pressure)) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(
    ("temperature", "wet_bulb", "pressure", "humidity_ratio"),
    [
        # Points of PsychroLib's own tests, which it computed apart from its code.
        (30.0, 25.0, 95461.0, 0.0192281274241096),
        (-1.0, -5.0, 95461.0, 0.00120399819933844),
        # ASHRAE Fundamentals 2017, chapter 1, example 1: 40 and 20 degC give 0.0065 (off a chart).
        (40.0, 20.0, 101325.0, 0.0065),
    ],
)
def test_wet_bulb_of_published_humidity_ratios(temperature, wet_bulb, pressure, humidity_ratio):
    vapour = pressure * humidity_ratio / (0.621945 + humidity_ratio)
    found = wet_bulb_c(temperature, dew_point_of(vapour), pressure)
    assert float(found) == pytest.approx(wet_bulb, abs=0.12 if temperature == 40.0 else 0.01)


def dew_point_of(vapour_pa):
    """Return the dew point by bisection on the Hyland-Wexler pressure that the module uses."""
    from gigawatt.site.weather import _saturation_pa

    low, high = -60.0, 60.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        pressure = float(_saturation_pa(np.array([middle]))[0][0])
        low, high = (middle, high) if pressure < vapour_pa else (low, middle)
    return 0.5 * (low + high)


@pytest.mark.parametrize(
    ("celsius", "pascal"),
    [(-60.0, 1.08), (-20.0, 103.24), (-5.0, 401.74), (5.0, 872.6), (25.0, 3169.7), (50.0, 12351.3)],
)
def test_saturation_pressure_is_that_of_the_handbook(celsius, pascal):
    """ASHRAE Fundamentals 2017, chapter 1, table 3."""
    from gigawatt.site.weather import _saturation_pa

    assert float(_saturation_pa(np.array([celsius]))[0][0]) == pytest.approx(pascal, rel=2e-3)


@given(
    temperature=st.floats(-20.0, 50.0),
    depression=st.floats(0.0, 40.0),
    pressure=st.floats(70000.0, 105000.0),
)
def test_wet_bulb_lies_between_dew_point_and_dry_bulb(temperature, depression, pressure):
    dew_point = max(temperature - depression, -50.0)
    wet_bulb = float(wet_bulb_c(temperature, dew_point, pressure))
    assert dew_point <= wet_bulb <= temperature


@given(temperature=st.floats(12.0, 50.0), pressure=st.floats(70000.0, 105000.0))
def test_drier_air_has_a_lower_wet_bulb(temperature, pressure):
    # From 12 degC up and within 10 K of the dew point the wick stays clear of freezing.
    dew_point = np.linspace(temperature - 10.0, temperature, 30)
    wet_bulb = wet_bulb_c(temperature, dew_point, pressure)
    assert (np.diff(wet_bulb) > 0.0).all()


@given(temperature=st.floats(-20.0, 50.0))
def test_saturated_air_has_its_own_wet_bulb(temperature):
    assert float(wet_bulb_c(temperature, temperature, SEA_LEVEL_PA)) == temperature
    assert float(wet_bulb_c(temperature, temperature + 3.0, SEA_LEVEL_PA)) == temperature


def test_shapes_are_kept():
    temperature = np.array([[10.0, 20.0], [30.0, 40.0]])
    assert wet_bulb_c(temperature, 5.0, SEA_LEVEL_PA).shape == (2, 2)
    assert wet_bulb_c(20.0, 5.0, SEA_LEVEL_PA).shape == ()
