"""Weather: normals by the hour, its rules, warming and other times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.site import psychrometrics
from gigawatt.site.weather import Weather, hourly_normals

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


def year_of_weather(year=2001):
    times = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[h]")
    hour = np.arange(times.size)
    dry = (
        10.0 + 15.0 * np.sin(hour * 2.0 * np.pi / times.size) + 5.0 * np.sin(hour / 24 * 2 * np.pi)
    )
    return Weather("made up", times, dry, dry - 5.0, np.full(dry.shape, 1e5))


def test_warmer_air_keeps_its_relative_humidity():
    now = year_of_weather()
    later = now.warmer(2.5)
    assert later.dry_bulb_c == pytest.approx(now.dry_bulb_c + 2.5)
    above = now.dew_point_c > 3.0  # over ice saturation is another curve
    humidity = [
        psychrometrics.relative_humidity(w.dry_bulb_c, w.humidity_ratio, w.pressure_pa)[above]
        for w in (now, later)
    ]
    assert humidity[1] == pytest.approx(humidity[0], rel=1e-6)
    assert (later.wet_bulb_c > now.wet_bulb_c).all()
    assert now.warmer(0.0).dew_point_c == pytest.approx(now.dew_point_c, abs=1e-9)


def test_a_typical_year_holds_for_any_year_and_minute():
    weather = year_of_weather()
    same = weather.at(weather.times)
    assert same.dry_bulb_c == pytest.approx(weather.dry_bulb_c)
    later = weather.at(np.arange("2031-07-01", "2031-07-02", dtype="datetime64[h]"))
    day = 181 * 24
    assert later.dry_bulb_c == pytest.approx(weather.dry_bulb_c[day : day + 24])
    half = weather.at(np.array(["2031-07-01T00:30"], "datetime64[m]"))
    assert half.dry_bulb_c[0] == pytest.approx(weather.dry_bulb_c[day : day + 2].mean())


def test_29_february_is_like_the_day_before():
    weather = year_of_weather()
    leap = weather.at(np.arange("2028-02-28", "2028-03-02", dtype="datetime64[h]"))
    assert leap.dry_bulb_c[:24] == pytest.approx(leap.dry_bulb_c[24:48])
    first_of_march = (31 + 28) * 24
    assert leap.dry_bulb_c[48:] == pytest.approx(
        weather.dry_bulb_c[first_of_march : first_of_march + 24]
    )


def test_a_leap_year_serves_other_years():
    leap = year_of_weather(2028)
    found = leap.at(year_of_weather().times)
    assert found.dry_bulb_c[: 59 * 24] == pytest.approx(leap.dry_bulb_c[: 59 * 24])
    assert found.dry_bulb_c[59 * 24 :] == pytest.approx(leap.dry_bulb_c[60 * 24 :])


def test_part_of_a_year_does_not_stand_for_all_of_it():
    weather = year_of_weather()
    part = Weather("June", *(getattr(weather, f)[:720] for f in (
        "times", "dry_bulb_c", "dew_point_c", "pressure_pa"
    )))  # fmt: skip
    with pytest.raises(InputError, match="don't make up a year"):
        part.at(weather.times)


def test_weather_that_cannot_be_is_refused():
    good = year_of_weather()
    broken = good.dry_bulb_c.copy()
    broken[7] = np.nan
    with pytest.raises(InputError, match="dry_bulb_c must be finite"):
        replace(good, dry_bulb_c=broken)
    with pytest.raises(InputError, match="times must rise"):
        replace(good, times=good.times[::-1])
    with pytest.raises(InputError, match="wind_m_per_s has"):
        replace(good, wind_m_per_s=np.zeros(3))


def test_dew_points_above_the_dry_bulb_count_as_saturation():
    good = year_of_weather()
    foggy = replace(good, dew_point_c=good.dry_bulb_c + 1.0)
    assert np.array_equal(foggy.dew_point_c, good.dry_bulb_c)
    assert foggy.wet_bulb_c == pytest.approx(good.dry_bulb_c, abs=1e-3)
