"""Hourly prices and carbon: levels and quantiles of synthetic years, and files that are read."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.energy.hourly_file import read_hourly
from gigawatt.energy.series import (
    carbon_statistics,
    price_entry,
    price_statistics,
    synthetic_series,
)
from gigawatt.errors import InputError, NotModelledError, SpecError

YEAR = np.arange("2029-01-01", "2030-01-01", dtype="datetime64[h]")
LEAP = np.arange("2028-01-01", "2029-01-01", dtype="datetime64[h]")
REGIONS = [("pjm", "OH", -5.0), ("miso", "LA", -6.0), ("miso", "IL", -6.0), ("ercot", "TX", -6.0)]


@pytest.fixture(params=REGIONS, ids=lambda r: f"{r[0]}-{r[1]}")
def region(request):
    grid, state, offset = request.param
    found = price_statistics(grid, state)
    return found, synthetic_series(found, YEAR, utc_offset_h=offset, seed=3), offset


# --- synthetic years


def test_level_and_quantiles_are_the_published_ones(region):
    published, prices, _ = region
    assert prices.mean() == pytest.approx(published.mean, rel=0.005)
    inner = published.probabilities[1:-1]
    assert np.quantile(prices, inner) == pytest.approx(published.quantiles[1:-1], rel=0.005)
    assert published.quantiles[0] <= prices.min()
    # The highest hour of a year lies between the last quantile and the highest published.
    assert published.quantiles[-2] < prices.max() <= published.quantiles[-1]


def test_months_have_their_means(region):
    published, prices, offset = region
    local = YEAR + np.timedelta64(int(60 * offset), "m")
    month = local.astype("datetime64[M]").astype(int) % 12
    means = np.array([prices[month == m].mean() for m in range(12)])
    assert means == pytest.approx(published.months, rel=0.01)


def test_days_peak_in_summer_afternoons_and_winter_mornings(region):
    _, prices, offset = region
    local = YEAR + np.timedelta64(int(60 * offset), "m")
    month = local.astype("datetime64[M]").astype(int) % 12 + 1
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    by_hour = {
        m: np.array([np.median(prices[(month == m) & (hour == h)]) for h in range(24)])
        for m in (1, 7)
    }
    assert by_hour[7].argmax() in range(14, 18)
    assert by_hour[1][7] > by_hour[1][[3, 13]].max()


def test_prices_stay_from_hour_to_hour(region):
    _, prices, _ = region
    ranks = prices.argsort().argsort()
    assert np.corrcoef(ranks[1:], ranks[:-1])[0, 1] > 0.85


def test_a_seed_gives_one_year_and_another_another(region):
    published, prices, offset = region
    again = synthetic_series(published, YEAR, utc_offset_h=offset, seed=3)
    other = synthetic_series(published, YEAR, utc_offset_h=offset, seed=4)
    assert again.tolist() == prices.tolist()
    ranks = [one.argsort().argsort() for one in (other, prices)]
    assert 0.1 < np.corrcoef(*ranks)[0, 1] < 0.95
    assert sorted(other) == pytest.approx(sorted(prices))


def test_leap_years_have_every_hour():
    prices = synthetic_series(price_statistics("pjm"), LEAP, utc_offset_h=-5.0)
    assert prices.shape == (8784,)
    assert np.isfinite(prices).all()


def test_carbon_has_its_mean_and_spread():
    found = carbon_statistics("pjm", 321.0)
    hours = synthetic_series(found, YEAR, utc_offset_h=-5.0)
    assert hours.mean() == pytest.approx(321.0, rel=0.005)
    entry = price_entry("pjm")
    low, high = (entry.number(f"co2_{p}_kg_per_mwh") for p in ("p5", "p95"))
    # The published quantiles lie 52 below the mean and 73 above it; a normal spread is even.
    assert np.quantile(hours, 0.95) - np.quantile(hours, 0.05) == pytest.approx(
        high - low, rel=0.02
    )
    assert carbon_statistics("miso", 410.0) is None


def test_louisiana_is_in_the_south_of_miso():
    assert price_entry("miso", "LA").id == "miso-south"
    assert price_entry("miso", "IN").id == price_entry("miso").id == "miso"
    with pytest.raises(NotModelledError, match=r"'tva'; state power\.price_file"):
        price_entry("tva")


@pytest.mark.parametrize("entry", catalog.load().entries("grid_price"), ids=lambda e: e.id)
def test_published_statistics_agree_with_each_other(entry):
    names = ("lowest", "p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "highest")
    quantiles = [entry.number(f"{name}_usd_per_mwh") for name in names]
    assert quantiles == sorted(quantiles)
    found = price_statistics(entry.text("grid"), entry.text("states", "").split(";")[0] or None)
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    assert float(days @ found.months) / 365.0 == pytest.approx(found.mean, rel=0.002)


def test_the_spread_of_the_south_is_that_of_the_indiana_hub():
    book = catalog.load()
    north, south = (book.get("grid_price", name) for name in ("miso", "miso-south"))
    ratio = south.number("mean_usd_per_mwh") / north.number("mean_usd_per_mwh")
    for name in ("p5_usd_per_mwh", "p50_usd_per_mwh", "p99_usd_per_mwh"):
        assert south.number(name) == pytest.approx(ratio * north.number(name), abs=0.005)


# --- files


def write(tmp_path, lines):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_column_of_values_stands_for_the_year(tmp_path):
    values = np.round(np.random.default_rng(0).uniform(10, 90, 8760), 3)
    path = write(tmp_path, ["usd_per_mwh", *map(str, values)])
    assert read_hourly(path, YEAR).tolist() == values.tolist()
    leap = read_hourly(path, LEAP)
    # 29 February takes the values of the 28th; all after it follow.
    assert leap[59 * 24 : 60 * 24].tolist() == leap[58 * 24 : 59 * 24].tolist()
    assert leap[60 * 24 :].tolist() == values[59 * 24 :].tolist()


def test_times_of_another_year_stand_for_this_one(tmp_path):
    values = np.arange(8784.0)
    rows = [f"{t}:00Z,{v}" for t, v in zip(LEAP, values, strict=True)]
    path = write(tmp_path, ["time,price", *rows])
    found = read_hourly(path, YEAR)
    assert found[: 58 * 24].tolist() == values[: 58 * 24].tolist()
    assert found[59 * 24 :].tolist() == values[60 * 24 :].tolist()


def test_every_wrong_value_is_named_with_line_and_column(tmp_path):
    rows = ["30"] * 8760
    rows[4], rows[99], rows[200] = "thirty", "-5", ""
    path = write(tmp_path, ["price", *rows])
    # An empty line is passed over, so an hour is missing as well once the others are right.
    with pytest.raises(SpecError) as caught:
        read_hourly(path, YEAR, low=0.0, high=1000.0)
    told = str(caught.value)
    assert f"{path}:6: price: expected a number from 0 to 1000; found 'thirty'" in told
    assert f"{path}:101: price" in told


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["a,b,c", "1,2,3"], ":1: header: expected a first line with one column of values"),
        ([], ":1: header"),
        (["price", *["1"] * 10], "8,750 hours without one"),
        (["time,price", "2029-01-01T00:30,1"], ":2: time: expected a whole hour"),
        (
            ["time,price", "2029-01-01T00:00,1", "2029-01-01T02:00,1"],
            ":3: time: expected one hour after another",
        ),
    ],
)
def test_files_that_cannot_be_used_say_why(tmp_path, lines, told):
    with pytest.raises(SpecError) as caught:
        read_hourly(write(tmp_path, lines), YEAR)
    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be read: No such file"):
        read_hourly(tmp_path / "nowhere.csv", YEAR)
