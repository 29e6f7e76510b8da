"""Goodput: the exponential form, its optimum, its ledger, and what was published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.compute.bands import Estimate
from gigawatt.compute.training.goodput import (
    Faults,
    ettr,
    ettr_at_optimum,
    ledger,
    optimal_interval_s,
    time_to_train,
)
from gigawatt.compute.training.reliability import (
    blocking_write_s,
    checkpoint_bytes,
    expected_slowdown,
    failure_rate,
    failures_per_s,
    published_slowdown,
    restart_time_s,
    transfer_time_s,
)
from gigawatt.errors import NotModelledError

RATES = st.floats(1e-12, 1e-2)
TIMES = st.floats(1.0, 5e3)
COSTS = st.floats(0.0, 3e3)
GIB = 2.0**30


def replay(rate, interval, write, restart, segments, rng):
    """Return the seconds of each kind of one run, failure by failure."""
    spent = {"lost": 0.0, "restart": 0.0, "failures": 0}
    for _ in range(segments):
        while (until := rng.exponential(1 / rate)) < interval + write:
            spent["lost"] += until
            spent["failures"] += 1
            while (until := rng.exponential(1 / rate)) < restart:
                spent["restart"] += until
                spent["failures"] += 1
            spent["restart"] += restart
    return spent


def test_a_replay_of_single_failures_agrees() -> None:
    rate, interval, write, restart, segments = 1 / 1000, 400.0, 50.0, 300.0, 20_000
    spent = replay(rate, interval, write, restart, segments, np.random.default_rng(1))
    expected = ledger(segments * interval, rate, interval, write, restart)
    assert spent["lost"] == pytest.approx(expected.lost_s, rel=0.03)
    assert spent["restart"] == pytest.approx(expected.restart_s, rel=0.03)
    assert spent["failures"] == pytest.approx(expected.failures, rel=0.03)


@given(RATES, TIMES, COSTS, COSTS)
def test_the_ledger_closes_on_the_exponential_form(rate, interval, write, restart) -> None:
    part = ettr(rate, interval, write, restart)
    assert 0 <= part <= 1
    book = ledger(1e6, rate, interval, write, restart)
    if part > 1e-9:
        assert book.total_s == pytest.approx(1e6 / part, rel=1e-9)
        assert book.failures == pytest.approx(rate * book.total_s, rel=1e-9, abs=1e-12)
    parts = (book.productive_s, book.checkpoint_s, book.lost_s, book.restart_s)
    assert sum(parts) == book.total_s
    assert min(parts) >= 0


@given(st.floats(1e-9, 1e-3), st.floats(1e-2, 3e3), st.floats(0.3, 3.0), COSTS)
def test_no_interval_beats_the_optimum(rate, write, factor, restart) -> None:
    best = optimal_interval_s(rate, write)
    top = ettr_at_optimum(rate, write, restart)
    assert ettr(rate, best, write, restart) == pytest.approx(top, rel=1e-9)
    assert ettr(rate, best * factor, write, restart) <= top * (1 + 1e-12)


def test_the_optimum_solves_its_equation_at_every_scale() -> None:
    a = np.logspace(-18, 2, 401)  # failures for each checkpoint write
    x = optimal_interval_s(1.0, a)
    kept = ettr_at_optimum(1.0, a, 0.0)
    # 1 - x = exp(-(x + a)), written so that small x keep their digits.
    small = a < 1e-3
    assert np.allclose(-np.expm1(-(x + a)), x, rtol=1e-8, atol=0)
    assert np.allclose(np.log(kept[~small]), -(x + a)[~small], rtol=1e-12, atol=0)
    assert np.all(np.diff(x) >= 0)


def test_young_and_daly_are_its_limits() -> None:
    rate, write = 1e-6, 10.0  # 11.6 days between failures
    young = np.sqrt(2 * write / rate)
    # Daly 2006, equation 37: sqrt(2 d M) (1 + sqrt(d / 2M) / 3 + d / 18M) - d.
    x = rate * write / 2
    daly = young * (1 + np.sqrt(x) / 3 + x / 9) - write
    assert optimal_interval_s(rate, write) == pytest.approx(young, rel=5e-3)
    assert optimal_interval_s(rate, write) == pytest.approx(daly, rel=1e-7)
    # At a failure for every other write Young's interval is far too long.
    assert optimal_interval_s(1 / 3600, 1800.0) < 0.8 * np.sqrt(2 * 1800 * 3600)


def test_limits() -> None:
    assert ettr(0.0, 600.0, 60.0, 1e9) == 600 / 660
    assert optimal_interval_s(0.0, 60.0) == np.inf
    assert ettr_at_optimum(0.0, 60.0, 300.0) == 1
    assert optimal_interval_s(1e-4, 0.0) == 0
    assert ettr_at_optimum(1e-4, 0.0, 300.0) == pytest.approx(np.exp(-0.03))
    assert ettr(1.0, 1e4, 0.0, 0.0) == 0  # 10,000 failures a segment: never done, no overflow
    assert ettr(np.full((3, 1), 1e-5), np.full(4, 600.0), 0.0, 0.0).shape == (3, 4)


@pytest.mark.parametrize("bad", [(-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, -1, 1), (1, 1, 1, -1)])
def test_impossible_arguments_are_refused(bad) -> None:
    with pytest.raises(ValueError, match="Got"):
        ettr(*map(float, bad))


@pytest.mark.parametrize(
    ("preset", "accelerators", "hours", "rel"),
    [  # arXiv:2410.21680: two projections from the node rate, and two jobs as measured
        ("meta-rsc-1", 16_384, 1.8, 0.01),
        ("meta-rsc-1", 131_072, 0.23, 0.03),
        ("meta-rsc-1-jobs", 1_024, 7.9, 0.001),
        ("meta-rsc-1-jobs", 8, 47.7 * 24, 0.15),
        ("llama-3-405b", 16_384, 54 * 24 / 419, 0.001),  # arXiv:2407.21783, table 5
    ],
)
def test_published_times_to_failure(preset, accelerators, hours, rel) -> None:
    assert 1 / failures_per_s(preset, accelerators) / 3600 == pytest.approx(hours, rel=rel)


def test_no_one_rate_fits_all() -> None:
    # The node rate makes a 1,024-accelerator job of the same cluster last 3.7 times too long.
    assert 1 / failures_per_s("meta-rsc-1", 1024) / 3600 == pytest.approx(3.65 * 7.9, rel=0.01)
    # 18 minutes at 100,000 accelerators and 2.3 failures per 1000 node-days are both in one paper.
    minutes = 1 / failures_per_s("meta-ft-hsdp", 100_000) / 60
    assert minutes == pytest.approx(50, rel=0.01)
    assert minutes * 2.3 / (failure_rate("meta-ft-hsdp").high * 1e3) == pytest.approx(18, rel=0.01)


def test_a_preset_without_a_rate_says_so() -> None:
    with pytest.raises(NotModelledError, match="megascale"):
        failure_rate("MegaScale")


def test_published_productive_parts() -> None:
    minute, day = 60.0, 86_400.0
    # Meta, arXiv:2410.21680: 16,000 accelerators of RSC-1, free checkpoints every 5 minutes: 0.93.
    rsc = failures_per_s("meta-rsc-1", 16_000)
    assert ettr(rsc, 5 * minute, 0.0, 5 * minute) == pytest.approx(0.93, abs=0.01)
    # Above 0.9 with 2,048 to 4,096 accelerators and a checkpoint every hour.
    hourly = ettr(failures_per_s("meta-rsc-1", np.array([2048.0, 4096.0])), 3600.0, 0.0, 300.0)
    assert hourly == pytest.approx([0.96, 0.92], abs=0.01)
    # 12,000 accelerators reach 0.9 where a checkpoint holds training up for some 10 s.
    large = ettr_at_optimum(failures_per_s("meta-rsc-1", 12_000), 10.0, 5 * minute)
    assert large == pytest.approx(0.9, abs=0.03)
    # 100,000 with RSC-2's rate reach 0.9 where interval and restart are about 2 minutes.
    huge = ettr(failures_per_s("meta-rsc-2", 100_000), 2 * minute, 0.0, 2 * minute)
    assert huge == pytest.approx(0.9, abs=0.05)
    # Llama 3 405B: above 0.9; storage sustains 2 TB/s (section 3.3.1), 10 minutes to restart.
    write = transfer_time_s(checkpoint_bytes(405.85e9), 2000.0)
    assert ettr_at_optimum(failures_per_s("llama-3-405b", 16_384), write, 10 * minute) > 0.9
    # MegaScale: above 0.9 with 100 restarts in three weeks or more, each 25 minutes at most.
    assert ettr(100 / (21 * day), 5 * minute, 0.0, 22.5 * minute) > 0.9
    # 0.44 on 100,000: one failure in 18 minutes, 10 to restart; half a minute a checkpoint fits.
    assert ettr_at_optimum(1 / (18 * minute), 30.0, 10 * minute) == pytest.approx(0.44, abs=0.02)


def test_checkpoint_sizes() -> None:
    # NVIDIA dgxc-benchmarking v25.04.02 (in its GB, which are GiB), BLOOM's chronicles.
    parameters = np.array([8.03e9, 70.55e9, 405.85e9, 176.25e9])
    published = np.array([105.0, 920.0, 5200.0, 2.3 * 1000])
    assert checkpoint_bytes(parameters) / GIB == pytest.approx(published, rel=0.02)
    # BLOOM wrote its own in 40 s: 62 GB/s of storage.
    assert transfer_time_s(checkpoint_bytes(176.25e9), 62.0) == pytest.approx(40, rel=0.02)


def test_an_asynchronous_checkpoint_blocks_only_while_it_is_copied() -> None:
    size = checkpoint_bytes(405.85e9)
    assert blocking_write_s(size, 16_384, 25.0) == pytest.approx(size / 16_384 / 25e9)
    assert blocking_write_s(size, 16_384, 25.0) < transfer_time_s(size, 2000.0) / 100
    assert restart_time_s(60.0, 120.0, transfer_time_s(size, 200.0)) == pytest.approx(
        208.4, abs=0.1
    )


def test_slowdown_of_the_slowest() -> None:
    # Means of the largest of n standard normals: Harter 1961, Biometrika 48, table 1.
    n = np.array([1, 2, 3, 10, 100])
    means = [0.0, 0.56419, 0.84628, 1.53875, 2.50759]
    assert expected_slowdown(n, 1.0) - 1 == pytest.approx(means, abs=1e-5)
    assert expected_slowdown(1e6, 0.01) - 1 == pytest.approx(0.0486, abs=1e-3)
    assert np.all(expected_slowdown(np.array([1.0, 1e5]), 0.0) == 1)
    with pytest.raises(ValueError, match="ranks"):
        expected_slowdown(0, 0.1)


def test_published_slowdowns() -> None:
    # arXiv:2505.05713: 42.5 % of jobs slowed by over 10 %; 10 % waste 21.3 % and 1 % waste 45 %.
    slow = published_slowdown(np.array([0.575, 0.9, 0.99]))
    assert slow == pytest.approx([1.1, 1 / 0.787, 1 / 0.55], rel=1e-4)
    # 10.4 % of accelerator-hours were wasted in all; here jobs count alike, whatever their size.
    wasted = 1 - 1 / published_slowdown((np.arange(2000) + 0.5) / 2000)
    assert wasted.mean() == pytest.approx(0.104, abs=0.02)


LLAMA = {"tokens": 15.6e12, "global_batch": 2048, "seq_len": 8192}
STEP = Estimate(6.0, 5.5, 6.8, 10, ("chip/h100-sxm/bf16_tflops",))


def faults(preset="llama-3-405b", **changes) -> Faults:
    base = {"nodes": 2048.0, "rate": failure_rate(preset), "write_s": 3.0, "restart_s": 600.0}
    return Faults(**(base | changes))


def test_time_to_train_closes_and_repeats() -> None:
    run = time_to_train(**LLAMA, step_s=STEP, faults=faults())
    assert run == time_to_train(**LLAMA, step_s=STEP, faults=faults())
    assert run.steps == np.ceil(15.6e12 / (2048 * 8192))
    assert run.ledger.productive_s == run.steps * 6.0
    assert run.days.value == pytest.approx(run.ledger.total_s / 86_400, rel=0.01)
    assert run.days.low < run.days.value < run.days.high
    # The step time's band is by far the widest: the days have it too.
    assert run.days.high / run.days.value == pytest.approx(6.8 / 6.0, rel=0.02)
    assert run.days.low / run.days.value == pytest.approx(5.5 / 6.0, rel=0.02)
    assert 0.9 < run.ettr < 0.95
    assert run.interval_s % 6.0 == 0
    # As many failures a day as Llama 3 405B saw: 419 in 54 days.
    days = run.ledger.total_s / 86_400
    assert run.ledger.failures / days == pytest.approx(419 / 54, rel=1e-3)
    assert run.days.facts == (*STEP.facts, *failure_rate("llama-3-405b").facts)


def test_chance_alone_spreads_a_short_run() -> None:
    sure = Estimate(6.0, 6.0, 6.0, 2, ())
    rate = Estimate(0.02, 0.02, 0.02, 2, ())
    plan = faults(rate=rate, interval_s=1200.0)
    run = time_to_train(2048 * 8192 * 4000.0, 2048, 8192, sure, plan, draws=20_000)
    rng = np.random.default_rng(3)
    per_s = 2048 * 0.02 / 86_400
    segments = round(4000 * 6 / 1200)
    hours = [
        24_000
        + segments * 3.0
        + sum(list(replay(per_s, 1200.0, 3.0, 600.0, segments, rng).values())[:2])
        for _ in range(4000)
    ]
    low, high = np.quantile(hours, (0.1, 0.9)) / 86_400
    assert run.days.low == pytest.approx(low, rel=0.02)
    assert run.days.high == pytest.approx(high, rel=0.02)


def test_worse_hardware_takes_longer() -> None:
    days = [
        time_to_train(**LLAMA, step_s=STEP, faults=plan).days.value
        for plan in (
            faults(rate=Estimate(0.0, 0.0, 0.0, 1, ())),
            faults("meta-rsc-2"),
            faults("meta-rsc-1"),
            faults("meta-rsc-1-jobs"),
            faults("meta-rsc-1-jobs", restart_s=1200.0),
            faults("meta-rsc-1-jobs", restart_s=1200.0, write_s=60.0),
            faults("meta-rsc-1-jobs", restart_s=1200.0, write_s=60.0, interval_s=7200.0),
        )
    ]
    assert days == sorted(days)
    assert days[0] == pytest.approx(np.ceil(15.6e12 / (2048 * 8192)) * 6 / 86_400, rel=0.01)


def test_storage_bounds_how_often_checkpoints_come() -> None:
    free = faults(write_s=0.0)
    assert time_to_train(**LLAMA, step_s=STEP, faults=free).interval_s == 6.0
    bound = faults(write_s=0.0, shortest_interval_s=100.0)
    assert time_to_train(**LLAMA, step_s=STEP, faults=bound).interval_s == pytest.approx(100, abs=6)
    with pytest.raises(ValueError, match="above 0"):
        time_to_train(0.0, 2048, 8192, STEP, free)


def test_a_run_that_never_ends_is_refused() -> None:
    hopeless = faults(nodes=1e8, interval_s=3600.0)
    with pytest.raises(NotModelledError, match="never end"):
        time_to_train(**LLAMA, step_s=STEP, faults=hopeless)
