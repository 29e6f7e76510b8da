"""Percentiles under arrivals by chance: queueing theory, laws of the highest rate, the plan."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import gigawatt as gw
from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.planning.capacity import Limits
from gigawatt.compute.hosting.planning.percentiles import (
    Arrivals,
    Case,
    highest_rate,
    measured,
    play,
    trace_of,
)
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.steady import Mix
from gigawatt.compute.hosting.step import Split
from gigawatt.compute.hosting.step_latency import Instance, instance_latency
from gigawatt.errors import InputError

MIX = Mix(input_tokens=500, output_tokens=40)
POISSON = Arrivals()


def case(mix=MIX, most=1.0, split=None, places=1e4, chunk=8192.0):
    server, _, _ = calibration.server(ServingSetting(catalog.load().get("chip", "h100-sxm")))
    before = float(mix.input_tokens * mix.cached_share)
    one = Instance(dims_of(architecture("llama-3.1-8b")), split or Split(), server, before)
    return Case(one, mix, places, chunk, most)


def at(one, rate, arrivals=POISSON, percentile=99):
    trace = trace_of(one.mix, arrivals, percentile, 0.0).at_rate(rate)
    return measured(one, play(one, instance_latency(one.instance), trace))


def waits_longer(load, service_s, wait_s):
    """Return the chance to wait longer in M/D/1 (Erlang 1909), from its finite sum."""
    rate, steps = load / service_s, math.floor(wait_s / service_s)
    terms = [
        (rate * (k * service_s - wait_s)) ** k
        / math.factorial(k)
        * math.exp(-rate * (k * service_s - wait_s))
        for k in range(steps + 1)
    ]
    return 1.0 - (1.0 - load) * math.fsum(terms)


@pytest.fixture(scope="module")
def alone():
    """Return an instance that takes one request at a time: M/D/1, with its service time [s]."""
    one = case()
    quiet = at(one, 0.01)
    first = quiet.ttft_s["p50"]
    return one, first + 39 * quiet.tpot_s["p50"] - one.instance.server.first_token_s, first


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_one_at_a_time_waits_as_in_m_d_1(alone, load):
    one, stay, first = alone
    told = at(one, load / stay)
    assert told.tpot_s["p99"] == pytest.approx(told.tpot_s["p50"])
    for q in (50, 90, 95, 99):
        value = max(told.ttft_s[f"p{q}"] - first, 0.0)
        error = 3.5 * told.ttft_error_s[f"p{q}"] + 1e-9
        # All wait for at least nothing, the share of the load for more than that.
        most = 1.0 if value < 1e-9 else waits_longer(load, stay, max(value - error, 0.0))
        assert waits_longer(load, stay, value + error) <= 1 - q / 100 <= most
    mean = load * stay / (2 * (1 - load))
    assert abs(told.ttft_s["mean"] - first - mean) < 4 * told.ttft_error_s["mean"]


def test_the_highest_rate_is_that_of_m_d_1(alone):
    one, stay, first = alone
    limits = Limits(ttft_s=first + 2.5 * stay)
    loads = np.linspace(0.3, 0.95, 500)
    late = np.array([waits_longer(load, stay, 2.5 * stay) for load in loads])
    expected = loads[np.searchsorted(late, 0.1)] / stay
    found = highest_rate(one, POISSON, limits, 90, 1.2 / stay)
    # A little less, as the standard error fits within the limit too.
    assert 0.92 * expected < found.requests_per_s < 1.02 * expected
    assert found.keeps(limits, 90)
    # The same draws at a slightly higher rate do not keep the limit.
    assert not at(one, 1.01 * found.requests_per_s, percentile=90).keeps(limits, 90)


def rate(percentile, limits, arrivals=POISSON, **more):
    one = case(**({"most": 64.0} | more))
    found = highest_rate(one, arrivals, limits, percentile, 120.0)
    return 0.0 if found is None else found.requests_per_s


def test_laws_of_the_highest_rate():
    limits = Limits(0.2, 0.012)
    middle = rate(90, limits)
    assert middle > 0
    assert rate(99, limits) <= middle
    assert rate(50, limits) >= middle
    assert rate(90, Limits(0.15, 0.011)) <= middle <= rate(90, Limits(0.3, 0.014))
    # A burst of prompts is read in fewer steps, so those who are answered wait less often for it.
    first = Limits(ttft_s=0.08)
    assert rate(90, first, Arrivals(burstiness=2.0)) < rate(90, first)
    assert rate(90, limits, Arrivals(length_variation=1.0)) < middle
    assert rate(90, limits) == middle
    assert rate(90, Limits(ttft_s=1e-4)) == 0
    assert rate(90, Limits(1e9, 1e9), Arrivals(), most=1.0) < rate(90, Limits(1e9, 1e9))


def test_what_is_cached_is_not_read_and_accepted_drafts_save_steps():
    mix = Mix(input_tokens=5000, output_tokens=40)
    base = at(case(mix, most=64.0), 5.0)
    cached = at(case(replace(mix, cached_share=0.8), most=64.0), 5.0)
    faster = at(case(replace(mix, accepted=1.6), most=64.0), 5.0)
    assert cached.ttft_s["mean"] < base.ttft_s["mean"]
    assert faster.tpot_s["mean"] < base.tpot_s["mean"] / 1.4


def test_the_error_told_is_no_less_than_that_of_other_draws():
    """It may be more: over a whole simulation the rate is exact, over a batch of it by chance."""
    one = case(most=64.0)
    told = [at(one, 25.0, Arrivals(seed=s), 90) for s in range(12)]
    for name in ("p50", "p90"):
        spread = np.std([t.tpot_s[name] for t in told], ddof=1)
        said = np.mean([t.tpot_error_s[name] for t in told])
        assert 0.6 < said / spread < 6.0


def test_a_request_that_never_fits_is_no_answer():
    assert highest_rate(case(places=0.5, most=4.0), POISSON, Limits(1.0, 1.0), 90, 10.0) is None


# --- the plan


ASKED = {
    "ttft_ms": 1500.0, "tpot_ms": 30.0, "input_tokens": 1000, "output_tokens": 120, "max_chips": 4,
}  # fmt: skip


def plan(**more):
    return gw.plan_hosting("llama-3.1-70b", "h100", **(ASKED | more))


def test_a_plan_keeps_its_percentile_and_serves_less_than_one_of_means():
    told, means = plan(percentile=90), plan()
    tail, best = told.tails[0], told.best
    assert tail.ttft_s["p90"] <= 1.5
    assert tail.tpot_s["p90"] <= 0.03
    assert told.requests_per_s.value == pytest.approx(tail.requests_per_s)
    assert best.ttft_s.value == pytest.approx(tail.ttft_s["mean"])
    assert best.tpot_s.low < best.tpot_s.value < best.tpot_s.high
    each = [p.requests_per_s.value / p.best.split.accelerators for p in (told, means)]
    assert 0.3 * each[1] < each[0] < each[1]
    answer = told.as_dict()
    assert answer["best"]["simulated"]["requests_per_s"] == tail.requests_per_s
    come = {"percentile": 90, "burstiness": 1.0, "length_variation": 0.0, "seed": 0}
    assert answer["arrivals"] == come
    assert means.as_dict()["arrivals"] is None
    assert means.as_dict()["best"]["simulated"] is None


def test_the_batching_of_a_plan_gives_its_rate_again():
    told = plan(percentile=95)
    case_, split = told.tails[0].case, told.best.split
    cap = case_.most_sequences
    again = plan(
        percentile=95,
        split={name: getattr(split, name) for name in ("tp", "attn_dp", "pp", "ep")},
        max_sequences=int(cap) if math.isfinite(cap) else None,
    )
    assert again.requests_per_s.value == pytest.approx(told.requests_per_s.value, rel=0.01)


def test_limits_that_nothing_keeps_by_chance():
    with pytest.raises(InputError, match=r"single request|no split keeps P99"):
        plan(percentile=99, ttft_ms=60.0)
