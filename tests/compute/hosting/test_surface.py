"""The surface of an instance: queueing theory, its own laws, the engine, measured power."""

from __future__ import annotations

import csv
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.fleet.surface import (
    LOAD_EXPONENT,
    VariedMix,
    hosting_surface,
    open_loop,
    rated_power_w,
)
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.steady import Mix
from gigawatt.compute.hosting.step import Split
from gigawatt.compute.hosting.step_latency import Instance, instance_latency
from gigawatt.errors import InputError

POWER = (100.0, 500.0, 0.5)
MIX = Mix(input_tokens=1024, output_tokens=128)


def setting(chip="h100-sxm"):
    return ServingSetting(catalog.load().get("chip", chip))


@pytest.fixture(scope="module")
def surface():
    return hosting_surface(
        architecture("llama-3.1-8b"), setting(), Split(), MIX, most_sequences=128
    )


def erlang_c(servers, load):
    """Return the chance to wait in M/M/c, from its textbook sum."""
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last)


@pytest.mark.parametrize("servers", [1, 2, 7, 20])
def test_places_that_do_not_disturb_each_other_are_m_m_c(servers):
    stay = 3.0
    held = np.arange(1.0, servers + 1)
    rate, number, ttft, tpot, _ = open_loop(
        held, (np.full(servers, stay), np.full(servers, 1.0)), 11.0, POWER
    )
    for r, n, first, further in list(zip(rate, number, ttft, tpot, strict=True))[1:]:
        wait = erlang_c(servers, r * stay) * stay / (servers - r * stay)
        assert n == pytest.approx(r * (stay + wait), rel=1e-9)
        assert first == pytest.approx(1.0 + wait, rel=1e-9)
        assert further == pytest.approx(0.2, rel=1e-9)


def test_one_place_draws_by_its_load():
    rate, _, _, _, power = open_loop(np.ones(1), (np.ones(1), np.ones(1)), 2.0, POWER)
    assert power == pytest.approx(100.0 + 400.0 * rate)


def test_little_holds(surface):
    some = surface.rate_per_s > 0
    stay = surface.ttft_s + (surface.output_tokens - 1.0) * surface.tpot_s
    assert surface.concurrency[some] == pytest.approx((surface.rate_per_s * stay)[some], rel=1e-6)


def test_columns_ascend(surface):
    assert (np.diff(surface.rate_per_s) > 0).all()
    assert (np.diff(surface.concurrency) > 0).all()
    for column in (surface.ttft_s, surface.tpot_s, surface.it_power_w):
        assert (np.diff(column) >= -1e-9).all()


@given(st.floats(0.0, 1.0))
def test_both_ways_agree(surface, part):
    rate = part * surface.most_per_s
    assert surface.rate_at(surface.at(rate).concurrency) == pytest.approx(rate, abs=1e-9)


def test_arrays_and_numbers_agree(surface):
    rates = np.linspace(0.0, 1.5 * surface.most_per_s, 7)
    many = surface.at(rates)
    assert [float(surface.at(r).ttft_s) for r in rates] == list(many.ttft_s)


@given(st.floats(0.02, 3.0), st.floats(0.002, 0.2))
def test_the_highest_rate_within_limits_is_that(surface, ttft_s, tpot_s):
    most = surface.most_within(ttft_s, tpot_s)
    at, beyond = surface.at(most), surface.at(most * (1 + 1e-6) + 1e-9)
    if most > 0:
        assert at.ttft_s <= ttft_s * (1 + 1e-9)
        assert at.tpot_s <= tpot_s * (1 + 1e-9)
    if most < surface.most_per_s:
        assert beyond.ttft_s > ttft_s or beyond.tpot_s > tpot_s


def test_power_lies_between_idle_and_hosting(surface):
    idle, full, rated = rated_power_w(setting().chip)
    assert surface.idle_w == idle
    assert surface.rated_w == rated
    assert surface.it_power_w[0] == pytest.approx(idle, rel=1e-3)
    assert (surface.it_power_w <= full).all()


def test_requests_that_differ_take_longer(surface):
    mix = VariedMix(input_tokens=1024, output_tokens=128, input_variation=1.0, output_variation=1.0)
    varied = hosting_surface(
        architecture("llama-3.1-8b"), setting(), Split(), mix, most_sequences=128
    )
    rate = 0.8 * varied.most_per_s
    assert varied.at(rate).ttft_s > surface.at(rate).ttft_s
    assert varied.at(rate).tpot_s > surface.at(rate).tpot_s


def test_more_places_never_serve_less(surface):
    larger = hosting_surface(
        architecture("llama-3.1-8b"), setting(), Split(), MIX, most_sequences=256
    )
    assert larger.most_per_s >= surface.most_per_s


def test_a_model_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="not one request"):
        hosting_surface(architecture("llama-3.1-405b"), setting(), Split(), MIX)


def test_the_engine_agrees():
    """Poisson arrivals at three loads, request by request, with the same times of a step."""
    from gigawatt.compute.hosting import arrivals
    from gigawatt.compute.hosting.engine.config import EngineConfig
    from gigawatt.compute.hosting.engine.simulate import simulate_requests

    arch, on, split, most = architecture("llama-3.1-8b"), setting(), Split(), 64
    server, _, _ = calibration.server(on)
    found = hosting_surface(arch, on, split, MIX, most_sequences=most)
    engine = EngineConfig(
        kv_blocks=100_000, max_sequences=most, token_budget=8192, ingress_s=server.first_token_s
    )
    count = 3000
    lengths = arrivals.fixed_lengths(count, int(MIX.input_tokens), int(MIX.output_tokens))
    latency = instance_latency(Instance(dims_of(arch), split, server))
    for share in (0.3, 0.6, 0.85):
        rate = share * found.most_per_s
        trace = arrivals.synthetic(arrivals.poisson(count, rate, seed=1), lengths)
        run = simulate_requests(trace, engine, latency)
        steady = slice(count // 4, None)
        ttft_s = run.ttft_s[steady].mean()
        tpot_s = (run.e2e_s - run.ttft_s)[steady].mean() / (MIX.output_tokens - 1)
        assert float(found.at(rate).ttft_s) == pytest.approx(ttft_s, rel=0.10)
        assert float(found.at(rate).tpot_s) == pytest.approx(tpot_s, rel=0.10)


def test_the_exponent_of_power_is_that_of_the_measurements(shared):
    """Power of accelerators over batch size; the highest throughput of a curve is full load."""
    curves = {}
    with (shared / "measurements" / "power.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            told = re.search(r"output tok/s/GPU = ([\d.]+)", row["notes"])
            if row["source_group"] == "ml_energy_v3_llm" and row["paired_metric"] == "output tok/s":
                rate = float(row["paired_value"])
            elif row["source_group"] == "inferencex_powerx_v2" and told:
                rate = float(told[1])
            else:
                continue
            name = re.sub(r" (batch|conc)=.*", "", row["workload"])
            key = (row["source_group"], row["hardware"], row["num_gpus"], name)
            curves.setdefault(key, []).append((rate, float(row["power_w"])))
    points = []
    for curve in curves.values():
        if len(curve) >= 4:
            top = max(curve)
            points += [(r / top[0], p / top[1]) for r, p in curve if r < top[0]]
    x, measured = np.array(points).T
    use = catalog.load().get("rate", "power_use")
    idle = use.number("idle") / use.number("hosting")

    def error(exponent):
        return np.abs(idle + (1 - idle) * x**exponent - measured).mean()

    tried = np.arange(0.05, 1.0, 0.01)
    best = tried[np.argmin([error(a) for a in tried])]
    assert best == pytest.approx(LOAD_EXPONENT, abs=0.011)
    assert error(LOAD_EXPONENT) < error(1.0) / 2
