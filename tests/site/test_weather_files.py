"""Readers of weather files against pvlib and against broken files."""

from __future__ import annotations

import numpy as np
import pvlib
import pytest

from gigawatt import catalog
from gigawatt.errors import InputError, SpecError
from gigawatt.site.weather_files import read_epw, read_tmy3, read_weather

FILES = {
    "columbus-oh": "OH-Columbus_Port_Columbus_Intl_A.tmy3",
    "monroe-la": "LA-Monroe_Regional_Ap.tmy3",
}
EPW_HEADER = """LOCATION,Nowhere,OH,USA,made up,123456,39.98,-82.88,-5.0,247.0
DESIGN CONDITIONS,0
TYPICAL/EXTREME PERIODS,0
GROUND TEMPERATURES,0
HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0
COMMENTS 1,
COMMENTS 2,
DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31
"""
TMY3_COLUMNS = (
    "Date (MM/DD/YYYY),Time (HH:MM),GHI (W/m^2),DNI (W/m^2),DHI (W/m^2),Dry-bulb (C),"
    "Dew-point (C),Pressure (mbar),Wspd (m/s)"
)


@pytest.fixture(params=FILES)
def station(request, shared):
    return request.param, shared / "weather" / FILES[request.param]


def epw_lines(hours=8760):
    rng = np.random.default_rng(3)
    lines = []
    for hour in range(hours):
        day = np.datetime64("2001-01-01") + np.timedelta64(hour // 24, "D")
        year, month, date = str(day).split("-")
        dry = round(float(rng.uniform(-10.0, 35.0)), 1)
        dew = round(dry - float(rng.uniform(0.0, 10.0)), 1)
        flags = "?9?9?9?9E0?9?9?9?9?9?9?9?9?9?9?9?9?9?9?9*9*9?9?9?9"
        numbers = [dry, dew, 50, 98000 + hour % 500, 0, 0, 300, hour % 700, hour % 800, hour % 100]
        numbers += [9999, 9999, 9999, 9999, 180, round(float(rng.uniform(0, 12)), 1)]
        rest = [5, 5, 16.1, 77777, 9, 999999999, 150, 0.05, 0, 88, 0.2, 0.0, 1.0]
        cells = [year, int(month), int(date), hour % 24 + 1, 0, flags, *numbers, *rest]
        lines.append(",".join(str(cell) for cell in cells))
    return lines


def write(path, *parts):
    path.write_text("\n".join([*parts, ""]), encoding="utf-8")
    return path


def tmy3_lines(hours=8760):
    return [f"01/01/2000,01:00,1,2,3,{10 + n % 9},{n % 9},990,2.5" for n in range(hours)]


def tmy3(path, lines, columns=TMY3_COLUMNS):
    return write(path, '722486,"NOWHERE AP",LA,-6.0,32.517,-92.033,40', columns, *lines)


def test_tmy3_is_read_as_by_pvlib(station):
    name, path = station
    weather, place = read_tmy3(path)
    table, meta = pvlib.iotools.read_tmy3(path, map_variables=True)
    columns = {
        "dry_bulb_c": "temp_air",
        "dew_point_c": "temp_dew",
        "ghi_w_per_m2": "ghi",
        "dni_w_per_m2": "dni",
        "dhi_w_per_m2": "dhi",
        "wind_m_per_s": "wind_speed",
    }
    for field, column in columns.items():
        assert getattr(weather, field) == pytest.approx(table[column].to_numpy()), field
    # Pressure stands in mbar in the file.
    pressure = table["pressure"].to_numpy()
    scale = 100.0 if pressure.max() < 2000.0 else 1.0
    assert weather.pressure_pa == pytest.approx(pressure * scale)
    assert (place.latitude_deg, place.utc_offset_h) == (meta["latitude"], meta["TZ"])
    climate = catalog.load().get("climate", name)
    assert place.elevation_m == pytest.approx(climate.number("elevation_m"))


def test_tmy3_gives_the_monthly_means_of_the_catalogue(station):
    name, path = station
    weather, place = read_tmy3(path)
    local = weather.times + np.timedelta64(int(place.utc_offset_h * 3600), "s")
    month = local.astype("datetime64[M]").astype(int) % 12
    for entry in catalog.load().where("month", climate=name):
        inside = month == int(entry.number("month")) - 1
        assert weather.dry_bulb_c[inside].mean() == pytest.approx(
            entry.number("temperature_c"), abs=0.006
        )
        assert weather.dew_point_c[inside].mean() == pytest.approx(
            entry.number("dew_point_c"), abs=0.006
        )


def test_epw_is_read_as_by_pvlib(tmp_path):
    path = write(tmp_path / "nowhere.epw", EPW_HEADER.rstrip(), *epw_lines())
    weather, place = read_weather(path)
    table, meta = pvlib.iotools.read_epw(path)
    columns = {
        "dry_bulb_c": "temp_air",
        "dew_point_c": "temp_dew",
        "pressure_pa": "atmospheric_pressure",
        "ghi_w_per_m2": "ghi",
        "dni_w_per_m2": "dni",
        "dhi_w_per_m2": "dhi",
        "wind_m_per_s": "wind_speed",
    }
    for field, column in columns.items():
        assert getattr(weather, field) == pytest.approx(table[column].to_numpy()), field
    assert (place.latitude_deg, place.elevation_m) == (meta["latitude"], meta["altitude"])
    # The row of the hour that ends at 1 o'clock local time, five hours behind UTC.
    assert weather.times[0] == np.datetime64("2001-01-01T05:00")


def test_epw_leaves_out_29_february(tmp_path):
    lines = epw_lines()
    leap = lines[: 59 * 24] + ["2000,2,29" + line[9:] for line in lines[:24]] + lines[59 * 24 :]
    path = write(tmp_path / "leap.epw", EPW_HEADER.rstrip(), *leap)
    whole, _ = read_epw(write(tmp_path / "year.epw", EPW_HEADER.rstrip(), *lines))
    found, _ = read_epw(path)
    assert np.array_equal(found.dry_bulb_c, whole.dry_bulb_c)


def test_missing_sun_and_wind_are_nan_and_missing_air_is_an_error(tmp_path):
    lines = tmy3_lines()
    lines[5] = "01/01/2000,06:00,-9900,2,3,10,5,990,-9900"
    weather, _ = read_tmy3(tmy3(tmp_path / "gaps.tmy3", lines))
    assert np.isnan(weather.ghi_w_per_m2[5])
    assert np.isnan(weather.wind_m_per_s[5])
    assert np.isfinite(weather.ghi_w_per_m2).sum() == 8759
    lines[7] = "01/01/2000,08:00,1,2,3,-9900,5,990,2"
    with pytest.raises(SpecError, match=r"gaps.tmy3:10: Dry-bulb \(C\): expected a number from"):
        read_tmy3(tmy3(tmp_path / "gaps.tmy3", lines))


def test_every_wrong_value_is_named_with_its_line(tmp_path):
    lines = tmy3_lines()
    lines[0] = "01/01/2000,01:00,1,2,3,warm,5,990,2"
    lines[99] = "01/01/2000,04:00,1,2,3,10,5,99,2"
    lines[200] = "01/01/2000,04:00,1,2"
    with pytest.raises(SpecError) as caught:
        read_tmy3(tmy3(tmp_path / "bad.tmy3", lines))
    text = str(caught.value)
    assert "bad.tmy3:3: Dry-bulb (C): expected a number; found 'warm'" in text
    assert "bad.tmy3:102: Pressure (mbar): expected a number from 500 to 1100; found 99" in text
    assert "bad.tmy3:203: Dew-point (C): expected a number; found ''" in text


def test_a_file_full_of_errors_names_only_the_first(tmp_path):
    lines = ["01/01/2000,01:00,1,2,3,warm,5,990,2"] * 8760
    with pytest.raises(SpecError) as caught:
        read_tmy3(tmy3(tmp_path / "bad.tmy3", lines))
    assert len(caught.value.problems) == 21
    assert "8740 more" in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "lines", "message"),
    [
        (TMY3_COLUMNS.replace("Wspd", "Wind"), tmy3_lines(), r":2: Wspd \(m/s\): expected this"),
        (TMY3_COLUMNS, tmy3_lines(100), ":3: rows: expected 8760 hours; found 100"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, columns, lines, message):
    with pytest.raises(SpecError, match=message):
        read_tmy3(tmy3(tmp_path / "odd.tmy3", lines, columns))


def test_headers_that_do_not_say_where_are_refused(tmp_path):
    path = write(tmp_path / "odd.tmy3", "722486,NOWHERE,LA,x,y,-92,40", TMY3_COLUMNS)
    with pytest.raises(SpecError, match=r"odd.tmy3:1: latitude_deg: expected a number; found 'y'"):
        read_tmy3(path)
    with pytest.raises(SpecError, match="header: expected station number"):
        read_tmy3(write(tmp_path / "empty.tmy3", "", TMY3_COLUMNS))


def test_epw_of_another_form_is_refused(tmp_path):
    header = EPW_HEADER.rstrip()
    with pytest.raises(SpecError, match="expected the word LOCATION"):
        read_epw(write(tmp_path / "a.epw", header.replace("LOCATION", "PLACE")))
    with pytest.raises(SpecError, match=r"a\.epw:8: DATA PERIODS: expected 1 record an hour"):
        read_epw(write(tmp_path / "a.epw", header.replace("PERIODS,1,1", "PERIODS,1,4")))
    with pytest.raises(SpecError, match="expected a line DATA PERIODS"):
        read_epw(write(tmp_path / "a.epw", header.split("DATA PERIODS", maxsplit=1)[0].rstrip()))


def test_files_that_are_not_there_or_not_weather(tmp_path):
    with pytest.raises(InputError, match="cannot read the weather file"):
        read_tmy3(tmp_path / "none.tmy3")
    with pytest.raises(InputError, match="expected a weather file ending in"):
        read_weather(tmp_path / "weather.txt")
