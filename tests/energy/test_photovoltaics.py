"""Solar power against pvlib, another implementation of the same published models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.energy.photovoltaics import (
    Panels,
    Sunshine,
    pv_output,
    sun_position,
    sunshine_of,
)
from gigawatt.errors import InputError
from gigawatt.site.weather_files import read_weather

pytestmark = pytest.mark.filterwarnings("ignore:DatetimeIndex.dayofyear")  # in pvlib

HOURS = np.arange("2027-01-01T00:30", "2028-01-01T00:30", dtype="datetime64[h]")
TIMES = HOURS.astype("datetime64[s]") + np.timedelta64(30, "m")


def clear_year(latitude, longitude):
    """Return a year of light that a thin haze lets through, with the air's daily round."""
    height, _ = sun_position(TIMES, latitude, longitude)
    up = np.maximum(np.sin(np.radians(height)), 0.0)
    direct = np.where(up > 0.02, 950.0 * np.exp(-0.12 / np.maximum(up, 0.02)), 0.0)
    diffuse = 110.0 * np.sqrt(up)
    air = 15.0 + 10.0 * np.sin(2.0 * np.pi * np.arange(8760) / 8760.0 - 1.5)
    wind = 3.0 + np.sin(np.arange(8760) / 7.0)
    return Sunshine(TIMES, direct * up + diffuse, direct, diffuse, air, wind)


def by_pvlib(panels, sun, latitude, longitude):
    pd, pvlib = pytest.importorskip("pandas"), pytest.importorskip("pvlib")
    times = pd.DatetimeIndex(sun.times, tz="UTC")
    place = pvlib.solarposition.get_solarposition(times, latitude, longitude)
    tilt, azimuth = panels.tilt_deg, panels.azimuth_deg
    if panels.tracking:
        turned = pvlib.tracking.singleaxis(
            place.zenith, place.azimuth, 0, 0, panels.most_tilt_deg, True, panels.ground_cover
        )
        tilt, azimuth = turned.surface_tilt.fillna(0), turned.surface_azimuth.fillna(0)
    light = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, place.zenith, place.azimuth,
        sun.direct_w_per_m2, sun.global_w_per_m2, sun.diffuse_w_per_m2,
        dni_extra=pvlib.irradiance.get_extra_radiation(times), model="haydavies",
        albedo=panels.albedo,
    )  # fmt: skip
    slant = pvlib.iam.ashrae(pvlib.irradiance.aoi(tilt, azimuth, place.zenith, place.azimuth))
    poa = (light.poa_direct * slant + light.poa_diffuse).fillna(0)
    warmth = pvlib.temperature.faiman(poa, sun.dry_bulb_c, sun.wind_m_per_s)
    power = pvlib.pvsystem.pvwatts_dc(poa, warmth, panels.dc_over_ac, panels.per_k)
    power *= 1.0 - panels.losses
    output = pvlib.inverter.pvwatts(power, 1.0 / panels.inverter, panels.inverter)
    return output.fillna(0).to_numpy(), place


@pytest.mark.parametrize(
    "panels",
    [Panels(), Panels(tracking=False), Panels(tracking=False, tilt_deg=35, azimuth_deg=90)],
)
@pytest.mark.parametrize(("latitude", "longitude"), [(40.0, -83.0), (-33.0, 151.0)])
def test_it_is_what_pvlib_has(panels, latitude, longitude):
    sun = clear_year(latitude, longitude)
    expected, place = by_pvlib(panels, sun, latitude, longitude)
    found = pv_output(panels, sun, latitude, longitude)
    height, _ = sun_position(TIMES, latitude, longitude)
    assert np.abs(height - place.elevation).max() < 0.02
    assert found.mean() == pytest.approx(expected.mean(), rel=2e-3)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.005


def test_measured_years(shared):
    # Another calculation for trackers of the same two stations came to 0.209 and 0.238.
    for name, factor in (("OH-Columbus_Port_Columbus_Intl_A", 0.209), ("LA-Monroe_Regional_Ap", 0.238)):  # fmt: skip  # noqa: E501
        weather, station = read_weather(shared / "weather" / f"{name}.tmy3")
        sun = sunshine_of(weather)
        output = pv_output(Panels(), sun, station.latitude_deg, station.longitude_deg)
        assert output.mean() == pytest.approx(factor, rel=0.06)
        assert (output.min(), output.max()) == (0.0, pytest.approx(1.0, abs=0.05))
        expected, _ = by_pvlib(Panels(), sun, station.latitude_deg, station.longitude_deg)
        assert output.mean() == pytest.approx(expected.mean(), rel=1e-3)


def test_heat_and_losses_take_power_away():
    sun = clear_year(35.0, -100.0)
    base = pv_output(Panels(), sun, 35.0, -100.0)
    warmer = replace(sun, dry_bulb_c=sun.dry_bulb_c + 20.0)
    assert pv_output(Panels(), warmer, 35.0, -100.0).mean() < base.mean()
    assert pv_output(Panels(losses=0.3), sun, 35.0, -100.0).mean() < base.mean()
    assert pv_output(Panels(dc_over_ac=1.0), sun, 35.0, -100.0).max() < base.max()
    with pytest.raises(InputError, match="dc_over_ac"):
        pv_output(Panels(dc_over_ac=0.0), sun, 35.0, -100.0)


def test_weather_without_light_is_refused(shared):
    weather, _ = read_weather(shared / "weather" / "OH-Columbus_Port_Columbus_Intl_A.tmy3")
    with pytest.raises(InputError, match="needs dni_w_per_m2 in every hour; found none"):
        sunshine_of(replace(weather, dni_w_per_m2=None))
    gone = weather.ghi_w_per_m2.copy()
    gone[:3] = np.nan
    with pytest.raises(InputError, match="needs ghi_w_per_m2 in every hour; found 3 hours without"):
        sunshine_of(replace(weather, ghi_w_per_m2=gone))
