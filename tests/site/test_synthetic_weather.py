"""Synthetic years against typical years, and heat waves."""

from __future__ import annotations

import numpy as np
import psychrolib
import pytest

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.site.psychrometrics import standard_pressure_pa
from gigawatt.site.synthetic_weather import heat_wave, synthetic_year
from gigawatt.site.weather_files import read_tmy3

BOOK = catalog.load()
CLIMATES = [c.id for c in BOOK.entries("climate")]
FILES = {
    "columbus-oh": "OH-Columbus_Port_Columbus_Intl_A.tmy3",
    "monroe-la": "LA-Monroe_Regional_Ap.tmy3",
}
SEEDS = range(12)


def made(name, **settings):
    return synthetic_year(BOOK.get("climate", name), BOOK.where("month", climate=name), **settings)


def persistence(values, hours):
    return np.corrcoef(values[:-hours], values[hours:])[0, 1]


@pytest.mark.parametrize("name", FILES)
def test_synthetic_years_are_like_the_typical_year(name, shared):
    """The errors that the docstring and the docs state."""
    real, _ = read_tmy3(shared / "weather" / FILES[name])
    years = [made(name, seed=seed) for seed in SEEDS]

    def error(measure):
        return np.mean([measure(year) for year in years]) - measure(real)

    assert abs(error(lambda w: w.dry_bulb_c.mean())) < 0.05
    assert abs(error(lambda w: w.wet_bulb_c.mean())) < 0.1
    assert abs(error(lambda w: w.dew_point_c.mean())) < 0.05
    for percentile in (1, 99):
        assert abs(error(lambda w, p=percentile: np.percentile(w.dry_bulb_c, p))) < 1.0
        assert abs(error(lambda w, p=percentile: np.percentile(w.wet_bulb_c, p))) < 1.0
    assert abs(error(lambda w: persistence(w.dry_bulb_c, 1))) < 0.006
    assert abs(error(lambda w: persistence(w.dry_bulb_c, 24))) < 0.04
    assert abs(error(lambda w: persistence(w.wet_bulb_c, 1))) < 0.01
    assert abs(error(lambda w: persistence(w.wet_bulb_c, 24))) < 0.04


@pytest.mark.parametrize("name", CLIMATES)
def test_every_month_keeps_its_means(name):
    climate = BOOK.get("climate", name)
    year = made(name, seed=1)
    local = year.times + np.timedelta64(round(climate.number("utc_offset_h") * 3600), "s")
    month = local.astype("datetime64[M]").astype(int) % 12
    for entry in BOOK.where("month", climate=name):
        inside = month == int(entry.number("month")) - 1
        days = year.dry_bulb_c[inside].reshape(-1, 24)
        assert days.mean() == pytest.approx(entry.number("temperature_c"), abs=0.03)
        assert year.dew_point_c[inside].mean() == pytest.approx(
            entry.number("dew_point_c"), abs=0.1
        )
        ratio = np.ptp(days, axis=1).mean() / entry.number("daily_range_c")
        # In cold months fronts alone make a wider range than the table's, as the docs say.
        assert 0.97 < ratio < (1.1 if entry.number("temperature_c") > 8.0 else 1.8)


@pytest.mark.parametrize("name", CLIMATES)
def test_air_is_never_more_than_saturated_and_never_absurd(name):
    year = made(name, seed=2)
    assert (year.dew_point_c <= year.dry_bulb_c).all()
    assert (year.dew_point_c <= year.wet_bulb_c + 1e-6).all()
    assert year.dew_point_c.max() < 33.0
    height = BOOK.get("climate", name).number("elevation_m")
    assert year.pressure_pa[0] == pytest.approx(float(standard_pressure_pa(height)))


def test_a_seed_is_a_year():
    assert np.array_equal(
        made("monroe-la", seed=4).dry_bulb_c, made("monroe-la", seed=4).dry_bulb_c
    )
    other = made("monroe-la", seed=5).dry_bulb_c
    assert not np.allclose(made("monroe-la", seed=4).dry_bulb_c, other)
    leap = made("monroe-la", seed=4, year=2028)
    assert leap.times.size == 8784


def test_a_heat_wave_is_a_run_of_design_days():
    year = made("monroe-la", seed=0)
    hot = heat_wave(
        year, start="2001-07-15", days=3, peak_dry_bulb_c=41.0, dew_point_c=24.0,
        daily_range_k=11.0, utc_offset_h=-6.0,
    )  # fmt: skip
    local = hot.times + np.timedelta64(-6 * 3600, "s")
    inside = (local >= np.datetime64("2001-07-15")) & (local < np.datetime64("2001-07-18"))
    assert np.array_equal(hot.dry_bulb_c[~inside], year.dry_bulb_c[~inside])
    days = hot.dry_bulb_c[inside].reshape(3, 24)
    assert days.max(axis=1) == pytest.approx(41.0)
    assert days.min(axis=1) == pytest.approx(30.0)
    # Hottest at 14 and 15 o'clock, coolest at 5: ASHRAE Fundamentals 2009, chapter 14, table 6.
    assert set(np.flatnonzero(days[0] == 41.0)) == {14, 15}
    assert days[0].argmin() == 5
    assert (hot.dew_point_c[inside] == 24.0).all()
    psychrolib.SetUnitSystem(psychrolib.SI)
    wet = psychrolib.GetTWetBulbFromTDewPoint(41.0, 24.0, float(hot.pressure_pa[0]))
    assert hot.wet_bulb_c[inside].max() == pytest.approx(wet, abs=0.002)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": 0}, "at least 1 day"),
        ({"dew_point_c": 45.0}, "dew point up to its peak"),
        ({"start": "2050-01-01"}, "has no step"),
    ],
)
def test_heat_waves_that_cannot_be_are_refused(change, message):
    settings = {
        "start": "2001-07-15", "days": 2, "peak_dry_bulb_c": 40.0, "dew_point_c": 24.0,
        "daily_range_k": 11.0, "utc_offset_h": -6.0,
    }  # fmt: skip
    with pytest.raises(InputError, match=message):
        heat_wave(made("monroe-la"), **{**settings, **change})
