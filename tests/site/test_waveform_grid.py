"""Spectrum, flicker, specifications and smoothing against closed forms and standards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError, UnknownNameError
from gigawatt.site.waveform.flicker import flicker_pst, voltage_change
from gigawatt.site.waveform.job import Job
from gigawatt.site.waveform.least_cost import Levers, Prices, least_cost
from gigawatt.site.waveform.measures import (
    dynamic_range_mw,
    filtered,
    metered,
    ramps,
    spectrum,
)
from gigawatt.site.waveform.render import Waveform, training_waveform
from gigawatt.site.waveform.smoothing import (
    Storage,
    floored,
    sized,
    smooth,
    storage,
    yearly_usd,
)
from gigawatt.site.waveform.specification import (
    Connection,
    Specification,
    check_waveform,
    specification,
)
from gigawatt.site.waveform.step import Levels, StepShape

# IEC 61000-4-15:2010, table 5: rectangular voltage changes [%] a minute that give Pst = 1.
PST_ONE = {
    (120, 60): {1: 3.166, 2: 2.568, 7: 1.695, 39: 1.044, 110: 0.841, 1620: 0.547},
    (230, 50): {1: 2.715, 2: 2.191, 7: 1.450, 39: 0.894, 110: 0.722, 1620: 0.407},
}
JOB = Job(
    name="j",
    accelerators=16_384,
    shape=StepShape(
        forward_s=0.05, backward_s=0.1, micro_batches=16, stages=8, parts=2, gradient_s=0.4,
        fixed_s=0.2,
    ),
    levels=Levels(
        forward_w=1200.0, backward_w=1200.0, communication_w=600.0, bubble_w=500.0,
        update_w=900.0, fixed_w=450.0, checkpoint_w=450.0, idle_w=350.0,
    ),
    start_s=-7.3,
)  # fmt: skip
STRICT = Specification(
    name="strict",
    ramp_up_mw_per_s=2.0,
    ramp_down_mw_per_s=2.0,
    dynamic_range_share=0.1,
    band_low_hz=0.1,
    band_high_hz=20.0,
    band_amplitude_share=0.01,
)
CONNECTION = Connection(contracted_mw=25.0, short_circuit_mva=2000.0)
PRICES = Prices(energy_usd_per_mwh=50.0)
LEVERS = Levers(
    floors=(0.0, 0.6, 0.8), rack_follow_s=(0.0, 2.0, 10.0), battery_follow_s=(0.0, 20.0)
)


def sine(amplitude: float, hz: float, mean: float = 10.0, seconds: float = 600.0) -> Waveform:
    t = (np.arange(round(seconds * 200)) + 0.5) / 200
    return Waveform(mean + amplitude * np.sin(2 * np.pi * hz * t), 1 / 200)


@given(amplitude=st.floats(0.1, 5.0), hz=st.floats(0.5, 30.0))
@settings(max_examples=30)
def test_a_sine_has_its_own_amplitude_and_frequency(amplitude, hz):
    peak = spectrum(sine(amplitude, hz)).band_peak(0.1, 50.0)
    # Between two lines of 1/600 Hz Hann's window shows at least 85 %.
    assert 0.84 * amplitude <= peak.amplitude_mw <= amplitude * 1.001
    assert peak.frequency_hz == pytest.approx(hz, abs=1 / 600)


def test_a_square_wave_has_the_harmonics_of_fourier():
    wave = sine(1.0, 0.5)
    square = Waveform(np.sign(wave.power_mw - 10.0), wave.dt_s)
    lines = spectrum(square)
    for n in (1, 3, 5):
        found = lines.band_peak(0.5 * n - 0.1, 0.5 * n + 0.1).amplitude_mw
        assert found == pytest.approx(4 / np.pi / n, rel=0.01)
    # Energy above the first harmonic: 1 - 8 / pi^2.
    assert lines.band_energy_share(1.0, 99.0) == pytest.approx(1 - 8 / np.pi**2, abs=0.005)


def test_energy_is_split_between_bands():
    one, other = sine(3.0, 0.5), sine(4.0, 40.0)
    both = Waveform(one.power_mw + other.power_mw, one.dt_s)
    assert spectrum(both).band_energy_share(0.1, 20.0) == pytest.approx(9 / 25, rel=0.001)
    assert spectrum(Waveform(np.full(1000, 5.0), 0.01)).band_energy_share(0.5, 2.0) == 0.0


def test_a_band_that_the_waveform_cannot_resolve_is_refused():
    short = Waveform(np.arange(100.0), 0.01)
    for band in ((0.1, 20.0), (3.0, 90.0)):
        with pytest.raises(NotModelledError, match="longer or sample it faster"):
            spectrum(short).band_energy_share(*band)


@pytest.mark.parametrize(
    ("lamp", "changes", "percent"),
    [(lamp, changes, d) for lamp, table in PST_ONE.items() for changes, d in table.items()],
)
def test_flicker_is_one_where_the_standard_says(lamp, changes, percent):
    rate = 1000.0
    t = np.arange(round(600 * rate)) / rate
    change = percent / 100 * (np.floor(t * changes / 60 + 0.3) % 2)
    # The standard allows 5 %.
    assert flicker_pst(change, rate, lamp_v=lamp[0], line_hz=lamp[1]) == pytest.approx(1, abs=0.015)


def test_flicker_grows_with_the_change_and_needs_ten_minutes():
    wave = sine(1.0, 8.8)
    change = voltage_change(wave.power_mw, 1000.0, x_over_r=0.0)
    assert change == pytest.approx(wave.power_mw / 1000.0)
    once = flicker_pst(change, 200.0)
    assert flicker_pst(3 * change, 200.0) == pytest.approx(3 * once, rel=1e-9)
    # 8.8 Hz of 0.321 % peak to peak is the reference: level 1, so Pst = sqrt(0.5096).
    reference = flicker_pst(change / 0.002 * 0.00321, 200.0)
    assert reference == pytest.approx(np.sqrt(0.5096), rel=0.02)
    stiff = voltage_change(wave.power_mw, 1000.0, x_over_r=10.0)
    assert np.ptp(stiff) == pytest.approx(np.ptp(change) / np.sqrt(101.0))
    for bad in (change[:1000], change):
        with pytest.raises(NotModelledError, match="ten minutes"):
            flicker_pst(bad, 200.0 if bad.size < 2000 else 100.0)
    with pytest.raises(NotModelledError, match="no lamp"):
        flicker_pst(change, 200.0, lamp_v=100)
    with pytest.raises(InputError, match="short-circuit"):
        voltage_change(change, 0.0, x_over_r=1.0)


def test_meters_out_of_step_widen_a_dip():
    power = np.full(20_000, 100.0)
    power[5_000:5_200] = 0.0  # two seconds at 100 Hz
    shown = metered(Waveform(power, 0.01), 2.0, 500)
    together = Waveform(power, 0.01).resampled(2.0).power_mw
    assert together.min() == 0.0
    assert 0.0 < shown.min() < 60.0
    assert (100.0 - shown).sum() == pytest.approx((100.0 - together).sum(), rel=1e-6)
    assert (shown < 99.0).sum() > (together < 99.0).sum()


def test_published_specifications_are_checked_with_amounts():
    wave = training_waveform([JOB], 600.0, rate_hz=200.0)
    band = check_waveform(wave, "choukse-2025", CONNECTION)
    assert [c.limit for c in band.checks] == ["energy in 0.1 to 20 Hz"]
    assert not band.passed
    assert band.checks[0].excess == pytest.approx(band.checks[0].found - 0.2)
    flicker = check_waveform(wave, "iec-61000-3-7-hv", CONNECTION)
    assert flicker.passed
    weak = check_waveform(wave, "iec-61000-3-7-hv", replace(CONNECTION, short_circuit_mva=30.0))
    assert not weak.passed
    assert specification("choukse-2025").band_high_hz == 20.0


def test_every_limit_is_checked():
    wave = training_waveform([JOB], 600.0, rate_hz=200.0)
    limits = replace(
        STRICT,
        ramp_up_share_per_min=1.0,
        ramp_down_share_per_min=1.0,
        dynamic_range_mw=100.0,
        band_energy_share=0.5,
        pst=1.0,
    )
    found = check_waveform(wave, limits, CONNECTION)
    assert len(found.checks) == 9
    by_name = {(c.limit, c.unit): c for c in found.checks}
    assert by_name["dynamic range", "MW"].found == pytest.approx(np.ptp(wave.power_mw))
    assert by_name["ramp up", "MW/s"].found == pytest.approx(ramps(wave).up_mw_per_s)
    assert not found.passed


def test_what_cannot_be_checked_is_refused():
    wave = training_waveform([JOB], 600.0, rate_hz=200.0)
    with pytest.raises(InputError, match="short-circuit power"):
        check_waveform(wave, "iec-61000-3-7-hv", Connection(contracted_mw=25.0))
    with pytest.raises(InputError, match="limits nothing"):
        check_waveform(wave, Specification(name="none"), CONNECTION)
    with pytest.raises(InputError, match="does not say which"):
        Specification(name="x", band_energy_share=0.2)
    with pytest.raises(UnknownNameError):
        specification("nobody")


@given(
    hz=st.floats(0.05, 5.0),
    follow=st.floats(0.2, 20.0),
    response=st.sampled_from([0.0, 0.05, 1.0]),
)
@settings(max_examples=25)
def test_storage_lets_through_what_its_lag_says(hz, follow, response):
    wave = sine(2.0, hz, seconds=1200.0)
    free = Storage(
        name="s",
        power_mw=1e6,
        energy_mwh=1e6,
        round_trip_efficiency=1.0,
        follow_s=follow,
        response_s=response,
    )
    behind = smooth(wave, [free]).waveform.power_mw[wave.power_mw.size // 2 :]
    # The transfer function of the three equations of the module.
    s, tau = 2j * np.pi * hz, follow
    pull = 10.0 * tau
    lagged = 1.0 / (1.0 + s * tau)
    # What is asked: P - g + x / T, with x the content above half and s x = -(P - P_grid).
    # What is given lags it by r: (P - P_grid) (1 + r / (s T)) = r (P - g).
    r = 1.0 / (1.0 + s * response)
    through = 1.0 - r * (1.0 - lagged) / (1.0 + r / (s * pull))
    # Samples of 5 ms answer half a sample early.
    early = 2 * np.pi * hz * 0.5 * wave.dt_s
    assert np.ptp(behind) / 4.0 == pytest.approx(abs(through), rel=0.03, abs=2e-3 + 1.2 * early)


def test_storage_keeps_its_books_and_its_limits():
    wave = training_waveform([JOB], 600.0, rate_hz=200.0)
    for power, energy in ((3.0, 0.004), (1e3, 1e3), (0.0, 1.0), (5.0, 0.0)):
        one = replace(storage("site-battery", follow_s=10.0), power_mw=power, energy_mwh=energy)
        found = smooth(wave, [one])
        held = found.held_mwh[0]
        given_back = 0.5 * energy - held[-1]
        assert found.waveform.energy_mwh + given_back == pytest.approx(
            wave.energy_mwh + found.lost_mwh[0], rel=1e-9
        )
        assert held.min() >= -1e-12
        assert held.max() <= energy * (1 + 1e-12)
        assert np.abs(wave.power_mw - found.waveform.power_mw).max() <= power * (1 + 1e-9)
    assert np.array_equal(found.waveform.power_mw, wave.power_mw)


def test_sized_storage_is_just_enough():
    wave = training_waveform([JOB], 600.0, rate_hz=200.0)
    one = sized(wave, storage("rack-storage", follow_s=2.0))
    enough = smooth(wave, [one]).waveform.power_mw
    boundless = smooth(wave, [replace(one, power_mw=1e6, energy_mwh=1e3)]).waveform.power_mw
    assert np.allclose(enough, boundless, atol=1e-5)
    small = smooth(wave, [replace(one, energy_mwh=0.3 * one.energy_mwh)]).waveform
    assert dynamic_range_mw(small) > np.ptp(enough) * 1.05


def test_a_floor_costs_the_energy_that_it_fills_in():
    wave = training_waveform([JOB], 600.0, rate_hz=200.0, time_constant_s=0.0)
    for share in (0.3, 0.7, 1.0):
        held = training_waveform(floored([JOB], share), 600.0, rate_hz=200.0, time_constant_s=0.0)
        least = share * JOB.levels.most_w * JOB.accelerators / 1e6
        assert held.power_mw.min() >= least * (1 - 1e-9)
        # At least the dips of the whole cluster are filled; stages that dip alone come on top.
        filled = np.maximum(wave.power_mw, least).sum() * wave.dt_s / 3600
        assert held.energy_mwh >= filled * (1 - 1e-9)
    assert np.ptp(held.power_mw) < 1e-9
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        floored([JOB], 1.2)


def test_the_annuity_pays_the_capital_back():
    one = replace(storage("site-battery", follow_s=1.0), power_mw=2.0, energy_mwh=3.0)
    assert one.capital_usd == pytest.approx(1e3 * (2 * 288 + 3 * 165))
    yearly = yearly_usd(one, 0.07)
    worth = sum(yearly / 1.07**n for n in range(1, 11))
    assert worth == pytest.approx(one.capital_usd)
    assert yearly_usd(one, 0.0) == pytest.approx(one.capital_usd / 10)
    assert yearly_usd(replace(one, power_mw=0.0, energy_mwh=0.0), 0.07) == 0.0


def test_the_cheapest_set_that_is_allowed_comes_last_and_no_cheaper_one_is():
    plans = least_cost([JOB], STRICT, CONNECTION, PRICES, levers=LEVERS)
    assert plans[-1].verdict.passed
    assert not any(plan.verdict.passed for plan in plans[:-1])
    costs = [plan.usd_per_year for plan in plans]
    assert costs == sorted(costs)
    assert costs[0] == 0.0
    looser = replace(STRICT, dynamic_range_share=0.5, band_amplitude_share=0.05,
                     ramp_up_mw_per_s=50.0, ramp_down_mw_per_s=50.0)  # fmt: skip
    easier = least_cost([JOB], looser, CONNECTION, PRICES, levers=LEVERS)[-1]
    assert easier.usd_per_year <= costs[-1]
    found = plans[-1]
    exact = training_waveform(floored([JOB], found.floor), 600.0, rate_hz=1000.0)
    fine = check_waveform(smooth(exact, found.storages).waveform, STRICT, CONNECTION)
    # Storage sized on samples of 5 ms is a little small for those of 1 ms.
    assert all(check.found <= 1.1 * check.allowed for check in fine.checks)


def test_a_spread_start_is_found_where_it_is_the_cheapest():
    job = replace(JOB, start_s=50.0)
    limits = Specification(name="start", ramp_up_mw_per_s=0.4)
    levers = Levers(
        floors=(0.99,), rack_follow_s=(0.0,), battery_follow_s=(0.0,), start_ramps_s=(0.0, 120.0)
    )
    prices = Prices(energy_usd_per_mwh=0.0, accelerator_usd_per_h=2.0, starts_per_year=100.0)
    plans = least_cost([job], limits, CONNECTION, prices, levers=levers)
    assert [plan.start_ramp_s for plan in plans] == [0.0, 120.0]
    assert plans[-1].verdict.passed
    assert plans[-1].delay_accelerator_h_per_year == pytest.approx(16_384 * 100 * 120 / 3600)
    assert plans[-1].step_time_share == pytest.approx(100 * 120 / 3600 / 8760)


def test_where_nothing_helps_all_plans_are_listed():
    impossible = Specification(name="no", dynamic_range_mw=0.0)
    levers = Levers(floors=(0.0, 0.5), rack_follow_s=(0.0,), battery_follow_s=(0.0, 5.0))
    plans = least_cost([JOB], impossible, CONNECTION, PRICES, levers=levers)
    assert len(plans) == 4
    assert not plans[-1].verdict.passed
    with pytest.raises(InputError, match="at least one setting"):
        least_cost([JOB], impossible, CONNECTION, PRICES, levers=Levers(floors=()))


def test_wrong_storage_is_refused():
    for change in ({"power_mw": -1.0}, {"round_trip_efficiency": 0.0}, {"follow_s": 0.0}):
        with pytest.raises(InputError, match="storage 'site-battery'"):
            replace(storage("site-battery", follow_s=1.0), **change)


def test_rack_capacitors_hold_what_a_quick_lag_needs():
    """GB300's shelves hold 65 J an accelerator: enough for lags below about a tenth second."""
    held = catalog.load().get("smoothing", "gb300-power-shelf").number("energy_j_per_accelerator")
    wave = training_waveform([JOB], 120.0, rate_hz=1000.0)
    need = {
        lag: sized(wave, storage("rack-storage", follow_s=lag)).energy_mwh * 3.6e9 / 16_384
        for lag in (0.02, 0.5)
    }
    assert need[0.02] < held < need[0.5]


def test_a_filter_keeps_its_band_and_the_rest_goes():
    slow, inside, fast = sine(5.0, 0.02), sine(3.0, 1.0, mean=0.0), sine(4.0, 80.0, mean=0.0)
    both = Waveform(slow.power_mw + inside.power_mw + fast.power_mw, slow.dt_s)
    kept = filtered(both, 0.1, 55.0)
    assert kept.power_mw.size == both.power_mw.size - 2 * 2000
    assert np.allclose(kept.power_mw, inside.power_mw[2000:-2000], atol=0.1)
    limits = Specification(
        name="f", filtered_range_mw=5.9, band_low_hz=0.1, band_high_hz=55.0, range_window_s=5.0
    )
    check = check_waveform(both, limits, CONNECTION).checks[0]
    assert check.found == pytest.approx(6.0, rel=0.03)
    assert not check.passed


@pytest.mark.parametrize("entry", catalog.load().entries("grid_specification"), ids=lambda e: e.id)
def test_every_published_specification_can_be_checked(entry):
    wave = training_waveform([JOB], 700.0, rate_hz=200.0)
    flat = Waveform(np.full(wave.power_mw.size, 20.0), wave.dt_s)
    assert check_waveform(flat, entry.id, CONNECTION).passed
    swings = Waveform(20.0 + 1000.0 * (wave.power_mw - wave.power_mw.mean()), wave.dt_s)
    assert not check_waveform(swings, entry.id, replace(CONNECTION, short_circuit_mva=200.0)).passed


def test_what_meets_the_rules_as_it_is_needs_nothing():
    loose = Specification(name="loose", dynamic_range_mw=1000.0)
    plans = least_cost([JOB], loose, CONNECTION, PRICES)
    assert len(plans) == 1
    assert (plans[0].storages, plans[0].floor, plans[0].usd_per_year) == ((), 0.0, 0.0)
