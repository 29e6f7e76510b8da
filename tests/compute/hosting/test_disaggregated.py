"""Separate instances for reading and answering: queueing theory, the engine, laws, the plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gigawatt as gw
from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute import collectives
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.arrivals import fixed_lengths, poisson, synthetic
from gigawatt.compute.hosting.disaggregated import Reading, answering, reading, transfer_s
from gigawatt.compute.hosting.engine.config import EngineConfig
from gigawatt.compute.hosting.engine.simulate import simulate_requests
from gigawatt.compute.hosting.memory import cache_bytes_per_token
from gigawatt.compute.hosting.planning.capacity import Limits
from gigawatt.compute.hosting.planning.disaggregated_search import search_separate
from gigawatt.compute.hosting.planning.space import Room
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.steady import Mix
from gigawatt.compute.hosting.step import Split, Work, step_parts
from gigawatt.compute.hosting.step_latency import Instance, instance_latency

MIX = Mix(input_tokens=2000.0, output_tokens=300.0)


def machine(model="llama-3.1-70b", chip="h100-sxm"):
    setting = ServingSetting(catalog.load().get("chip", chip))
    server, hardware, _ = calibration.server(setting)
    room = Room(8, float(hardware.fabric.scale_up_chips), float(hardware.capacity_gb), (1.0, 1.0))
    return dims_of(architecture(model)), server, room


def constant(service_s, together=1.0):
    return Reading(np.array(together), np.full(9, service_s), np.array(1.0))


@pytest.mark.parametrize("load", [0.2, 0.5, 0.8, 0.95])
def test_one_prompt_to_a_step_is_m_d_1(load):
    waits, reads = constant(2.0).latency_s(load / 2.0)
    assert reads == pytest.approx(2.0)
    assert waits == pytest.approx(load * 2.0 / (2 * (1 - load)), rel=1e-9)


def test_a_step_that_takes_any_number_as_long_is_waited_for_by_half():
    """Of steps that always run an arrival finds half left; then its own takes all."""
    waits, reads = constant(2.0, together=1e6).latency_s(50.0)
    assert (waits, reads) == (pytest.approx(1.0, rel=1e-3), pytest.approx(2.0))


def test_more_than_every_step_holds_waits_for_ever():
    one = constant(2.0, together=4.0)
    assert one.most_per_s == pytest.approx(2.0)
    assert np.isinf(one.latency_s(2.0)).all()


@given(st.floats(0.05, 30.0))
@settings(max_examples=12, deadline=None)
def test_the_highest_rate_keeps_its_time_and_more_does_not(within):
    dims, server, _ = machine()
    one = reading(dims, Split(tp=4), server, MIX, 8192.0, np.inf)
    rate = one.highest_rate(within)
    waits, reads = one.latency_s(rate)
    if rate > 0:
        assert waits + reads <= within * (1 + 1e-9)
    if rate < 0.999 * one.most_per_s:
        assert sum(one.latency_s(rate * 1.001 + 1e-6)) > within


PAIRS = [
    ("llama-3.1-70b", "h100-sxm", Split(tp=4), Split(tp=8), 2000),
    ("llama-3.1-70b", "h100-sxm", Split(tp=2), Split(tp=8), 500),
    ("llama-3.1-70b", "h100-sxm", Split(tp=4), Split(tp=4), 20_000),
    ("deepseek-v3", "gb200", Split(attn_dp=8, ep=8), Split(attn_dp=16, ep=16), 2000),
]


@pytest.mark.parametrize(("model", "chip", "first", "second", "prompt"), PAIRS)
def test_the_engine_agrees(model, chip, first, second, prompt):
    """One instance that reads and one that answers, at 30, 60 and 85 % of the former."""
    dims, server, _ = machine(model, chip)
    mix = Mix(input_tokens=float(prompt), output_tokens=300.0)
    read = reading(dims, first, server, mix, 8192.0, np.inf)
    sent = float(transfer_s(dims, server.fabric, (first, second), prompt, 1.0))
    latency = instance_latency(
        Instance(dims, first, server), Instance(dims, second, server), of_first=1
    )
    groups = [int(first.attn_dp), int(second.attn_dp)]
    engine = EngineConfig(
        kv_blocks=10**7, replicas=2, prefill_replicas=1, transfer_s=sent,
        token_budget=[8192 * n for n in groups], max_sequences=[4096 * n for n in groups],
        first_token_at_decode=True, ingress_s=float(server.first_token_s),
    )  # fmt: skip
    count = 5000
    for load in (0.3, 0.6, 0.85):
        rate = load * float(read.most_per_s)
        trace = synthetic(poisson(count, rate, seed=1), fixed_lengths(count, prompt, 300))
        run = simulate_requests(trace, engine, latency)
        some = slice(count // 4, count - count // 8)
        waits, reads = read.latency_s(rate)
        ttft = float(server.first_token_s + waits + reads) + sent
        assert ttft == pytest.approx(run.ttft_s[some].mean(), rel=0.08 if load < 0.7 else 0.15)
        number = rate * (run.e2e_s - run.ttft_s)[some].mean()
        stay = float(answering(dims, second, server, mix, number).stay_s)
        assert stay / 299 == pytest.approx(run.tpot_s[some].mean(), rel=0.03)


def test_answering_is_the_step_of_decodes():
    dims, server, _ = machine()
    found = answering(dims, Split(tp=4), server, MIX, 64.0)
    work = Work(sequences=64.0, context=2150.0, speaking=64.0)
    step = step_parts(dims, Split(tp=4), work, server.engine, server.fabric).total_s
    assert found.step_s == pytest.approx(float(step))
    assert found.requests_per_s * found.stay_s == pytest.approx(64.0)
    drafts = answering(dims, Split(tp=4), server, replace(MIX, accepted=2.0), 64.0)
    assert drafts.stay_s == pytest.approx((0.5 + 299 / 2) * found.step_s)


def test_the_cache_is_sent_by_the_slower_side():
    dims, server, _ = machine()
    few, many = Split(tp=2), Split(tp=8)
    sent = transfer_s(dims, server.fabric, (few, many), 1000.0, 1.0)
    bytes_ = 1000.0 * float(cache_bytes_per_token(dims, few, 1.0))
    assert bytes_ == 1000 * 80 * 4 * 256  # layers, heads of each rank, numbers of keys and values
    assert sent == collectives.send_s(server.fabric, bytes_, 8.0)
    assert sent == transfer_s(dims, server.fabric, (many, few), 1000.0, 1.0)
    assert transfer_s(dims, server.fabric, (few, few), 1000.0, 1.0, 4.0) < sent


# --- the search


@pytest.fixture(scope="module")
def found():
    dims, server, room = machine()
    limits = Limits(1.0, 0.03)
    return dims, server, room, limits, search_separate(dims, server, MIX, limits, room, 8192.0)


def test_deployments_keep_their_limits_and_their_flow(found):
    dims, server, _, limits, told = found
    assert told.best
    for one in told.best:
        assert one.ttft_s <= limits.ttft_s * (1 + 1e-9)
        assert one.tpot_s <= limits.tpot_s * (1 + 1e-9)
        parts = one.queue_s + one.reading_s + one.transfer_s + one.first_step_s
        assert one.ttft_s == pytest.approx(parts + float(server.first_token_s))
        each = answering(dims, one.decode, server, MIX, one.concurrency)
        answered = one.decode_instances * float(each.requests_per_s)
        assert answered == pytest.approx(one.requests_per_s, rel=1e-6)
        read = reading(dims, one.prefill, server, MIX, 8192.0, np.inf)
        assert one.requests_per_s / one.prefill_instances < read.most_per_s
        waits, reads = read.latency_s(one.requests_per_s / one.prefill_instances)
        assert (float(waits), float(reads)) == pytest.approx((one.queue_s, one.reading_s))
        # One of the pools carries all that it can.
        assert max(one.prefill_load, one.decode_load) == pytest.approx(1.0)


def test_the_best_is_as_good_as_any_pair_tried_by_hand(found):
    """A grid of splits with tensor ranks only, each at its best concurrency and rate."""
    dims, server, _, limits, told = found
    best = 0.0
    for first in (2, 4, 8):
        read = reading(dims, Split(tp=first), server, MIX, 8192.0, np.inf)
        for second in (2, 4, 8):
            number = np.arange(1.0, 120.0)
            answers = answering(dims, Split(tp=second), server, MIX, number)
            sent = float(
                transfer_s(dims, server.fabric, (Split(tp=first), Split(tp=second)), 2000.0, 1.0)
            )
            left = limits.ttft_s - float(server.first_token_s) - sent - 1.5 * answers.step_s
            rate = read.highest_rate(left)
            cost = first / rate + second / answers.requests_per_s
            best = max(best, (300 / cost[answers.step_s <= limits.tpot_s]).max())
    # Whole numbers of instances may cost a little.
    assert told.best[0].per_accelerator > 0.95 * best


def test_no_point_of_the_front_is_beaten(found):
    *_, told = found
    user = np.array([point["tokens_per_s_per_user"] for point in told.front])
    chip = np.array([point["output_tokens_per_s_per_accelerator"] for point in told.front])
    assert (np.diff(user) < 0).all()
    assert (np.diff(chip) > 0).all()
    # Where those that answer are full; else their steps are shorter than at their most.
    full = [one for one in told.best if one.decode_load > 0.999]
    assert full
    for one in full:
        within = user >= 1.0 / one.tpot_s * (1 - 1e-3)
        assert chip[within].max() >= one.per_accelerator * (1 - 1e-3)


def test_looser_limits_never_give_less(found):
    dims, server, room, _, told = found
    for limits in (Limits(2.0, 0.03), Limits(1.0, 0.05), Limits()):
        looser = search_separate(dims, server, MIX, limits, room, 8192.0)
        top = max(one.per_accelerator for one in looser.best)
        assert top >= max(one.per_accelerator for one in told.best) * 0.98


def test_nothing_keeps_limits_that_are_too_tight(found):
    dims, server, room, *_ = found
    assert search_separate(dims, server, MIX, Limits(0.01, 0.03), room, 8192.0).best == ()


def test_the_plan_tells_which_is_better():
    told = gw.plan_hosting(
        "llama-3.1-70b", "h100", ttft_ms=1000, tpot_ms=30, input_tokens=2000, output_tokens=300,
        disaggregated=True,
    )  # fmt: skip
    separate, answer = told.separate, told.as_dict()["disaggregated"]
    best = separate.best
    assert separate.gain == pytest.approx(best.per_accelerator / separate.together - 1)
    assert answer["gain"] == separate.gain
    assert separate.ttft_s.low < best.ttft_s < separate.ttft_s.high
    assert answer["best"]["prefill_instances"] == best.prefill_instances
    assert len(answer["alternatives"]) == len(separate.found.best) - 1
    plain = gw.plan_hosting(
        "llama-3.1-70b", "h100", ttft_ms=1000, tpot_ms=30, input_tokens=2000, output_tokens=300
    )
    assert plain.separate is None
    assert plain.best == told.best
