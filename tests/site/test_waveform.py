"""Waveforms of jobs: energy is exact, the pipeline's bubbles are where they belong."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.training.defaults import stack_of
from gigawatt.compute.training.estimate import estimate_step
from gigawatt.compute.training.layout import Layout
from gigawatt.compute.training.setting import Setting
from gigawatt.errors import InputError
from gigawatt.site.electrical import electrical_losses
from gigawatt.site.waveform.job import Crash, Job
from gigawatt.site.waveform.measures import dynamic_range_mw, ramps, spectrum
from gigawatt.site.waveform.render import Waveform, at_grid, rendered, training_waveform
from gigawatt.site.waveform.step import (
    Levels,
    Segments,
    StepShape,
    pipeline_segments,
    step_shape,
)

LEVELS = Levels(
    forward_w=1000.0,
    backward_w=1100.0,
    communication_w=500.0,
    bubble_w=400.0,
    update_w=800.0,
    fixed_w=350.0,
    checkpoint_w=320.0,
    idle_w=300.0,
)
SHAPE = StepShape(
    forward_s=0.05,
    backward_s=0.1,
    micro_batches=32,
    stages=8,
    parts=2,
    inside_share=0.1,
    host_share=0.01,
    gradient_s=0.3,
    update_s=0.1,
    fixed_s=0.1,
    jitter_s=0.1,
)
JOB = Job(name="j", accelerators=4096, shape=SHAPE, levels=LEVELS)
SHAPES = st.builds(
    StepShape,
    forward_s=st.floats(0.01, 0.2),
    backward_s=st.floats(0.01, 0.4),
    micro_batches=st.integers(1, 20),
    stages=st.integers(1, 12),
    parts=st.floats(0.5, 4.0),
    inside_share=st.floats(0.0, 0.4),
    host_share=st.floats(0.0, 0.2),
    gradient_s=st.floats(0.0, 0.5),
    update_s=st.floats(0.0, 0.5),
    fixed_s=st.floats(0.0, 0.5),
    jitter_s=st.floats(0.0, 0.1),
)


def test_the_shape_has_the_time_of_the_step_model():
    arch = architecture("llama-3.1-405b")
    chip = catalog.load().get("chip", "h100-sxm")
    setting = Setting(chip, "bf16", stack_of("today", chip))
    layout = Layout(tp=8, pp=16, vpp=8, dp=128)
    found = estimate_step(arch, layout, setting, 8192, 2048)
    shape = step_shape(found.parts, layout, 2048)
    assert shape.total_s == pytest.approx(found.step_s.value, rel=1e-9)
    bubble = (shape.stages - 1) * (shape.forward_s + shape.backward_s) / shape.parts
    assert bubble == pytest.approx(float(found.parts.bubble_s), rel=1e-9)
    measured = step_shape(found.parts, layout, 2048, step_s=10.0)
    assert measured.total_s == pytest.approx(10.0, rel=1e-9)


@given(shape=SHAPES, accelerators=st.integers(1, 5000))
@settings(max_examples=60)
def test_every_accelerator_does_one_thing_at_a_time(shape, accelerators):
    """With 1 W for everything, the job draws its number of accelerators all the time."""
    even = Levels(**{f.name: 1.0 for f in fields(Levels)})
    segments = pipeline_segments(shape, even, accelerators)
    assert segments.begin_s.min() >= -1e-12
    assert segments.end_s.max() <= shape.total_s * (1 + 1e-12)
    energy = ((segments.end_s - segments.begin_s) * segments.watts).sum()
    assert energy == pytest.approx(accelerators * shape.total_s, rel=1e-9)
    wave = rendered(segments, shape.total_s * 0.999, 100.0 / shape.total_s)
    assert np.allclose(wave.power_mw * 1e6, accelerators, rtol=1e-9)


@given(shape=SHAPES)
@settings(max_examples=60)
def test_bubbles_and_waits_have_the_length_that_the_model_says(shape):
    """Only bubbles draw power: their energy is that of the idle stages, jitter stretches all."""
    nothing = {f.name: 0.0 for f in fields(Levels)}
    bubble = Levels(**{**nothing, "bubble_w": 1.0})
    begin, end, watts = pipeline_segments(replace(shape, jitter_s=0.0), bubble, 1000)
    idle = (shape.stages - 1) * (shape.forward_s + shape.backward_s) / shape.parts
    assert ((end - begin) * watts).sum() == pytest.approx(1000 * idle, rel=1e-9, abs=1e-6)
    waiting = Levels(**{**nothing, "communication_w": 1.0})
    plain = replace(shape, inside_share=0.0)
    begin, end, watts = pipeline_segments(plain, waiting, 1000)
    expected = shape.jitter_s + shape.gradient_s
    assert ((end - begin) * watts).sum() == pytest.approx(1000 * expected, rel=1e-9, abs=1e-6)


def test_stages_start_and_end_one_after_the_other():
    wave = rendered(pipeline_segments(replace(SHAPE, jitter_s=0.0), LEVELS, 8000), 6.0, 1000.0)
    first = wave.power_mw[: round(8 * SHAPE.forward_s / SHAPE.parts * 1000)]
    stairs = np.unique(first.round(6))
    assert stairs.size == SHAPE.stages
    assert (np.diff(first) >= -1e-12).all()
    idle_mw = 7000 * LEVELS.bubble_w / 1e6
    assert stairs[0] == pytest.approx(wave.power_mw.max() / 8 + idle_mw, rel=1e-6)


@given(rate=st.floats(3.0, 700.0))
@settings(max_examples=30)
def test_energy_does_not_depend_on_the_sampling(rate):
    job = replace(JOB, checkpoint_every=3, checkpoint_s=1.234)
    duration = round(30.0 * rate) / rate
    exact = training_waveform([job], duration, rate_hz=rate, time_constant_s=0.0)
    fine = training_waveform([job], duration, rate_hz=rate * 7, time_constant_s=0.0)
    assert exact.energy_mwh == pytest.approx(fine.energy_mwh, rel=1e-9)
    assert exact.energy_mwh == pytest.approx(fine.resampled(7 * fine.dt_s).energy_mwh, rel=1e-9)


def test_energy_is_that_of_the_steps():
    steps = 4
    wave = training_waveform(
        [JOB], steps * SHAPE.total_s, rate_hz=1000.0 / SHAPE.total_s, time_constant_s=0.0
    )
    assert wave.energy_mwh * 3.6e9 == pytest.approx(steps * JOB.step_energy_j, rel=1e-9)


def test_the_input_of_the_supplies_lags_and_loses_nothing():
    sharp = training_waveform([JOB], 60.0, time_constant_s=0.0)
    lagged = training_waveform([JOB], 60.0)
    hold_up = catalog.load().get("smoothing", "orv3-psu").number("hold_up_s")
    assert lagged.energy_mwh == pytest.approx(sharp.energy_mwh, rel=1e-3)
    lines = [spectrum(w) for w in (sharp, lagged)]
    where = int(np.argmin(np.abs(lines[0].frequency_hz - 10.0)))
    passed = (
        lines[1].amplitude_mw[where - 50 : where + 50]
        / lines[0].amplitude_mw[where - 50 : where + 50]
    )
    expected = 1.0 / np.sqrt(1.0 + (2 * np.pi * 10.0 * hold_up) ** 2)
    assert np.median(passed) == pytest.approx(expected, rel=0.05)


def test_the_grid_sees_the_waveform_and_its_losses():
    wave = training_waveform([JOB], 20.0, rate_hz=100.0)
    seen = at_grid(wave, "ac-ups", 6.0, 0.5)
    lost = electrical_losses("ac-ups", wave.power_mw[:, None], 6.0, 0.5, rated_auxiliary_mw=0.5)
    assert np.array_equal(seen.power_mw, lost.grid_mw[:, 0])
    assert np.ptp(seen.power_mw) > np.ptp(wave.power_mw)  # losses swing with the load


def test_a_large_site_ramps_as_the_one_that_was_measured():
    """NERC's task force measured a block of an AI training site ramping at 1.9 per unit a second.

    For about 250 ms, so by half of its power (white paper on large loads, July 2025). A synchronous
    job whose accelerators all come back from a checkpoint within a quarter second does that too.
    """
    job = replace(JOB, start_s=-100.0, checkpoint_every=5, checkpoint_s=5.0)
    wave = training_waveform([job], 120.0)
    per_unit = ramps(wave, 0.25).up_mw_per_s / wave.power_mw.max()
    assert 0.5 < per_unit < 4.0


def test_jobs_in_step_swing_together_and_others_cancel():
    jobs = [replace(JOB, name=str(i)) for i in range(16)]
    one = training_waveform(jobs[:1], 120.0, rate_hz=100.0)
    together = training_waveform(jobs, 120.0, rate_hz=100.0)
    apart = training_waveform(jobs, 120.0, rate_hz=100.0, synchronous=False, seed=4)
    assert np.allclose(together.power_mw, 16 * one.power_mw)
    assert apart.power_mw.std() < 0.5 * together.power_mw.std()
    assert apart.power_mw.mean() == pytest.approx(together.power_mw.mean(), rel=0.01)
    again = training_waveform(jobs, 120.0, rate_hz=100.0, synchronous=False, seed=4)
    assert np.array_equal(apart.power_mw, again.power_mw)


def test_a_crash_drops_all_to_idle_and_work_comes_back():
    job = replace(JOB, start_s=-100.0, crashes=(Crash(20.0, 30.0),))
    wave = training_waveform([job], 80.0, time_constant_s=0.0)
    idle = JOB.accelerators * LEVELS.idle_w / 1e6
    between = (wave.time_s > 20.01) & (wave.time_s < 49.99)
    assert np.allclose(wave.power_mw[between], idle)
    assert wave.power_mw[wave.time_s < 19.9].min() > idle * 1.05
    assert wave.power_mw[wave.time_s > 51].min() > idle * 1.05
    # Energy of the stretches before and after, one sample of a millisecond aside.
    fall = ramps(wave, 0.01)
    assert fall.down_mw_per_s > 100.0


def test_a_spread_start_ramps_gently():
    steep = training_waveform([replace(JOB, start_s=10.0)], 100.0, rate_hz=100.0)
    spread = training_waveform([replace(JOB, start_s=10.0, start_ramp_s=60.0)], 69.0, rate_hz=100.0)
    assert ramps(spread).up_mw_per_s < 0.05 * ramps(steep).up_mw_per_s
    assert spread.power_mw[:900].max() == pytest.approx(4096 * 300e-6)


def test_checkpoints_and_evaluations_come_when_they_should():
    job = replace(
        JOB, checkpoint_every=4, checkpoint_s=5.0, evaluate_every=6, evaluation_s=8.0,
        evaluation_gap_s=1.0, evaluation_busy_s=5.0,
    )  # fmt: skip
    wave = training_waveform([job], 12 * SHAPE.total_s + 3 * 5.0 + 2 * 8.0, time_constant_s=0.0)
    stopped = np.isclose(wave.power_mw, 4096 * LEVELS.checkpoint_w * 1e-6)
    begins = wave.time_s[1:][stopped[1:] & ~stopped[:-1]]
    t = SHAPE.total_s
    assert np.allclose(begins, [4 * t, 8 * t + 5 + 8, 12 * t + 2 * 5 + 8], atol=0.002)
    assert stopped.sum() * wave.dt_s == pytest.approx(15.0, abs=0.02)


def test_a_job_that_has_long_been_running_is_the_same_as_one_round_before():
    job = replace(
        JOB, checkpoint_every=4, checkpoint_s=5.0, evaluate_every=6, evaluation_s=8.0,
        start_s=-12 * SHAPE.total_s - 15.0 - 16.0 + 3.3,
    )  # fmt: skip
    rounds = 12 * SHAPE.total_s + 15.0 + 16.0
    old = training_waveform([replace(job, start_s=job.start_s - 1e5 * rounds)], 60.0)
    assert np.allclose(old.power_mw, training_waveform([job], 60.0).power_mw, atol=0.02)
    crashed = replace(job, start_s=-1e6, crashes=(Crash(-500.0, 600.0),))
    idle = training_waveform([crashed], 60.0).power_mw
    assert np.allclose(idle, JOB.accelerators * LEVELS.idle_w / 1e6)


def test_step_times_that_scatter_blur_the_lines():
    steady = training_waveform([JOB], 600.0, rate_hz=50.0)
    blurred = training_waveform([replace(JOB, step_scatter=0.2)], 600.0, rate_hz=50.0)
    line = 1.0 / SHAPE.total_s
    peaks = [spectrum(w).band_peak(0.9 * line, 1.1 * line).amplitude_mw for w in (steady, blurred)]
    assert peaks[1] < 0.7 * peaks[0]


@given(
    power=st.lists(st.floats(0.0, 100.0), min_size=3, max_size=60),
    window=st.integers(1, 20),
)
def test_ramps_and_ranges_are_those_of_every_window(power, window):
    wave = Waveform(np.array(power), 1.0)
    window = min(window, len(power) - 1)
    found = ramps(wave, float(window))
    pairs = [b - a for a, b in zip(power, power[window:], strict=False)]
    assert found.up_mw_per_s == pytest.approx(max(*pairs, 0.0) / window)
    assert found.down_mw_per_s == pytest.approx(max(*(-p for p in pairs), 0.0) / window)
    spans = [
        max(power[i : i + window + 1]) - min(power[i : i + window + 1])
        for i in range(len(power) - window)
    ]
    assert dynamic_range_mw(wave, float(window)) == pytest.approx(max(spans))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: training_waveform([JOB], 0.0), "a length"),
        (lambda: replace(LEVELS, idle_w=-1.0), "negative"),
        (lambda: replace(SHAPE, micro_batches=0), "whole counts"),
        (lambda: replace(JOB, accelerators=0), "1 or more"),
        (lambda: replace(JOB, crashes=(Crash(5.0, 1.0), Crash(2.0, 1.0))), "in order"),
        (lambda: training_waveform([JOB], 10.0).resampled(0.00171), "no multiple"),
        (lambda: ramps(training_waveform([JOB], 1.0), 2.0), "does not fit"),
        (
            lambda: training_waveform([replace(JOB, shape=replace(SHAPE, forward_s=1e-9,
                backward_s=1e-9, gradient_s=0.0, update_s=0.0, fixed_s=0.0, jitter_s=0.0))], 600.0),
            "too many",
        ),
    ],
)  # fmt: skip
def test_wrong_questions_are_refused(call, text):
    with pytest.raises(InputError, match=text):
        call()


def test_segments_shift():
    moved = Segments(np.zeros(1), np.ones(1), np.ones(1)).shifted(2.0)
    assert (moved.begin_s.item(), moved.end_s.item()) == (2.0, 3.0)
