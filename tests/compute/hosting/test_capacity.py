"""What an instance can serve: the same as trying everything, and laws of a best split."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import gigawatt as gw
from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture, architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting.calibration import hardware_of, server_from
from gigawatt.compute.hosting.capacity import Limits, search
from gigawatt.compute.hosting.memory import (
    USED_SHARE,
    cache_bytes_per_token,
    sequences_that_fit,
    weight_gb,
)
from gigawatt.compute.hosting.parameters import ROLES
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.space import Room, fewest_chips, splits
from gigawatt.compute.hosting.steady import Mix, steady_state
from gigawatt.compute.hosting.step import Split
from gigawatt.errors import InputError

EXPECTED = {name: role.expected("") for name, role in ROLES.items()}
"""What is expected before any measurement: the laws hold whatever the fit says."""

DENSE = dims_of(
    Architecture(
        name="dense", layers=6, hidden=8192, heads=12, vocab=32000, kv_heads=4, head_dim=128,
        ffn=24576,
    )
)  # fmt: skip
MOE = dims_of(
    Architecture(
        name="moe", layers=8, hidden=4096, heads=8, vocab=32000, kv_heads=4, head_dim=128,
        ffn=8192, experts=12, active_experts=2, shared_experts=1, expert_ffn=6144,
        leading_dense=1,
    )
)  # fmt: skip
MLA = dims_of(architecture("deepseek-v3"))
MODELS = {"dense": DENSE, "moe": MOE, "deepseek-v3": MLA}
MIX = Mix(input_tokens=3000.0, output_tokens=400.0, cached_share=0.25)
NAMES = [f.name for f in fields(Split)]


def setting(chip="h100-sxm"):
    return ServingSetting(catalog.load().get("chip", chip))


def hardware(chip="h100-sxm"):
    """Return one chip's facts, as plain floats."""
    many = hardware_of([setting(chip)])
    fabric = {
        f.name: float(np.asarray(getattr(many.fabric, f.name))[0])
        for f in fields(many.fabric)
        if f.init
    }
    plain = {f.name: float(np.asarray(getattr(many, f.name))[0]) for f in fields(many)
             if f.name != "fabric"}  # fmt: skip
    return replace(many, **plain, fabric=type(many.fabric)(**fabric))


def room(facts, chips):
    return Room(
        chips, facts.fabric.scale_up_chips, facts.capacity_gb,
        (facts.weight_bytes, facts.cache_bytes),
    )  # fmt: skip


def found(dims, limits, facts=None, chips=8, mix=MIX):
    facts = hardware() if facts is None else facts
    return search(dims, server_from(facts, EXPECTED), mix, limits, room(facts, chips))


def most(dims, limits, facts=None, chips=8, mix=MIX):
    """Return output tokens per second of each accelerator in the best split; 0 if there is none."""
    best = found(dims, limits, facts, chips, mix).best
    return float(best.per_accelerator[0]) if len(best) else 0.0


# --- everything is tried


def by_hand(dims, chips, domain):
    """Yield the splits that an engine can run, by plain loops."""
    heads, kv, experts = int(dims.heads), int(dims.kv_heads), max(int(dims.experts), 1)
    groups = chips if dims.experts or dims.mla else 1

    def allowed(degree, number):
        return number % degree == 0 or degree & (degree - 1) == 0

    for tp, attn_dp, pp, ep in itertools.product(
        range(1, min(chips, domain) + 1), range(1, groups + 1), range(1, chips + 1),
        range(1, chips + 1),
    ):  # fmt: skip
        ranks = tp * attn_dp
        if ranks * pp > chips or pp > dims.layers or not allowed(pp, int(dims.layers)):
            continue
        if heads % tp or (kv % tp and tp % kv) or not allowed(attn_dp, experts):
            continue
        if dims.dense_layers and dims.ffn % tp:
            continue
        if experts % ep or ranks % ep or (experts > 1 and dims.expert_ffn % (ranks // ep)):
            continue
        yield tp, attn_dp, pp, ep


@pytest.mark.parametrize(("name", "chips"), [("dense", 12), ("moe", 12), ("deepseek-v3", 32)])
def test_all_splits_are_there_once(name, chips):
    dims = MODELS[name]
    split, reasons = splits(dims, chips, 8.0)
    kept = ~np.logical_or.reduce(list(reasons.values()))
    made = [tuple(int(getattr(split, n)[i]) for n in NAMES) for i in np.flatnonzero(kept)]
    assert sorted(made) == sorted(by_hand(dims, chips, 8))


@pytest.mark.parametrize("name", ["dense", "moe"])
@pytest.mark.parametrize(
    "limits", [Limits(), Limits(0.3, 0.02), Limits(tpot_s=0.012), Limits(ttft_s=0.6)]
)
def test_the_best_is_that_of_trying_every_split_with_every_concurrency(name, limits):
    dims, facts = MODELS[name], replace(hardware(), capacity_gb=12.0)
    server = server_from(facts, EXPECTED)
    formats = (facts.weight_bytes, facts.cache_bytes)
    tried = {}
    for values in by_hand(dims, 8, 8):
        one = Split(**dict(zip(NAMES, values, strict=True)))
        # A stage of the pipeline may hold a layer more than another.
        fullest = replace(one, pp=dims.layers / np.ceil(dims.layers / one.pp))
        places = float(sequences_that_fit(dims, fullest, formats, 12.0, MIX.context))
        if places < 1.0:
            continue
        every = np.arange(1.0, np.floor(places * one.attn_dp) + 1.0)
        steady = steady_state(dims, one, server, MIX, every, places)
        within = (steady.ttft_s <= limits.ttft_s) & (steady.tpot_s <= limits.tpot_s)
        if within.any():
            rates = np.where(within, steady.output_tokens_per_s, 0.0) / one.accelerators
            tried[values] = (every[np.argmax(rates)], rates.max())
    best = found(dims, limits, facts).best
    assert len(tried) > 2
    assert {
        tuple(int(getattr(best.split, n)[i]) for n in NAMES): best.concurrency[i]
        for i in range(len(best))
    } == {values: concurrency for values, (concurrency, _) in tried.items()}
    rates = sorted((rate for _, rate in tried.values()), reverse=True)
    assert list(best.per_accelerator) == pytest.approx(rates)


def test_every_split_is_timed_or_counted_with_its_reason():
    facts = replace(hardware(), capacity_gb=20.0)
    limits = Limits(0.25, 0.008)
    told = found(MOE, limits, facts)
    late = {why: n for why, n in told.rejected.items() if "single request" in why}
    assert told.timed == len(told.best) + sum(late.values())
    assert told.enumerated == told.timed + sum(told.rejected.values()) - sum(late.values())
    assert all(told.rejected.values())


def test_a_bandwidth_that_nobody_publishes_is_a_reason():
    facts = hardware()
    facts = replace(facts, fabric=replace(facts.fabric, scale_out_bytes_per_s=np.nan))
    told = found(DENSE, Limits(), facts, chips=16)
    assert told.rejected["needs a bandwidth that nobody publishes"] > 0
    assert np.isfinite(told.best.per_accelerator).all()
    assert np.isfinite(told.front.per_accelerator).all()


# --- laws


@pytest.mark.parametrize("name", MODELS)
def test_memory_is_never_exceeded(name):
    dims, facts = MODELS[name], hardware("h200-sxm")
    best = found(dims, Limits(), facts, chips=16).best
    weights = weight_gb(dims, best.split, facts.weight_bytes)
    each = cache_bytes_per_token(dims, best.split, facts.cache_bytes) * MIX.context / 1e9
    used = weights + best.concurrency / best.split.attn_dp * each
    assert (used <= USED_SHARE * facts.capacity_gb).all()
    assert (best.concurrency >= 1).all()
    assert (best.concurrency == np.floor(best.concurrency)).all()


@pytest.mark.parametrize("name", MODELS)
def test_tensor_ranks_stay_in_their_domain_and_instances_within_the_most(name):
    best = found(MODELS[name], Limits(), hardware("h200-sxm"), chips=16).best
    assert best.split.tp.max() <= 8
    assert np.asarray(best.split.accelerators).max() <= 16
    if name == "dense":
        assert (best.split.attn_dp == 1).all()
        assert (best.split.ep == 1).all()


latencies = st.floats(0.005, 2.0)
factors = st.floats(1.0, 4.0)
small = settings(max_examples=40)


@small
@given(st.sampled_from(["dense", "moe"]), latencies, latencies, factors, factors)
def test_looser_limits_never_give_less(name, ttft, tpot, more_ttft, more_tpot):
    dims = MODELS[name]
    tight = most(dims, Limits(ttft, tpot))
    assert most(dims, Limits(ttft * more_ttft, tpot * more_tpot)) >= tight * (1 - 1e-12)


@small
@given(st.sampled_from(["dense", "moe"]), latencies, latencies, st.integers(1, 16))
def test_more_accelerators_never_give_less_of_each(name, ttft, tpot, chips):
    # A larger space holds the smaller one.
    dims, limits = MODELS[name], Limits(ttft, tpot)
    assert most(dims, limits, chips=chips + 1) >= most(dims, limits, chips=chips) * (1 - 1e-12)


@small
@given(
    st.sampled_from(["dense", "moe"]),
    st.sampled_from(["chip", "memory", "capacity", "link", "port"]),
    latencies,
    latencies,
    factors,
)
@example("moe", "memory", 0.3, 0.02, 2.0)
@example("dense", "memory", 1.0, 0.05, 3.0)
@example("moe", "link", 0.2, 0.02, 2.0)
def test_a_faster_part_never_serves_less(name, part, ttft, tpot, factor):
    dims, limits, facts = MODELS[name], Limits(ttft, tpot), hardware()
    faster = {
        "chip": {
            "peak_flops": facts.peak_flops * factor,
            "bf16_flops": facts.bf16_flops * factor,
        },
        "memory": {"memory_bytes_per_s": facts.memory_bytes_per_s * factor},
        "capacity": {"capacity_gb": facts.capacity_gb * factor},
        "link": {
            "fabric": replace(
                facts.fabric, scale_up_bytes_per_s=facts.fabric.scale_up_bytes_per_s * factor
            )
        },
        "port": {
            "fabric": replace(
                facts.fabric, scale_out_bytes_per_s=facts.fabric.scale_out_bytes_per_s * factor
            )
        },
    }[part]
    before = most(dims, limits, facts, chips=16)
    assert most(dims, limits, replace(facts, **faster), chips=16) >= before * (1 - 1e-9)


@small
@given(st.sampled_from(["dense", "moe"]), latencies, latencies, st.floats(0.0, 0.7))
def test_a_fuller_prefix_cache_never_serves_less(name, ttft, tpot, share):
    limits = Limits(ttft, tpot)
    cold, warm = (replace(MIX, cached_share=s) for s in (share, share + 0.25))
    dims = MODELS[name]
    assert most(dims, limits, mix=warm) >= most(dims, limits, mix=cold) * (1 - 1e-9)


@pytest.mark.parametrize("name", ["dense", "moe"])
def test_no_point_of_the_front_is_beaten(name):
    told = found(MODELS[name], Limits(ttft_s=2.0))
    user, chip = told.front.per_user, told.front.per_accelerator
    assert (np.diff(user) < 0).all()
    assert (np.diff(chip) > 0).all()
    for one_user, one_chip in zip(told.best.per_user, told.best.per_accelerator, strict=True):
        assert ((user >= one_user) & (chip >= one_chip)).any()
    assert chip[-1] == pytest.approx(told.best.per_accelerator[0])


@pytest.mark.parametrize("name", MODELS)
def test_fewest_accelerators_hold_the_model_and_half_do_not(name):
    dims, facts = MODELS[name], hardware()
    least = fewest_chips(dims, MIX, room(facts, 1), 1024)
    assert found(dims, Limits(), facts, chips=least).timed > 0
    if least > 1:
        assert found(dims, Limits(), facts, chips=least // 2).timed == 0
    assert fewest_chips(dims, replace(MIX, input_tokens=1e12), room(facts, 1), 64) is None


# --- the plan


ASKED = {"ttft_ms": 2000.0, "tpot_ms": 60.0, "input_tokens": 2000, "output_tokens": 500}


def plan(model="llama-3.1-70b", chip="h100", **more):
    return gw.plan_hosting(model, chip, **(ASKED | more))


def test_the_plan_keeps_its_limits():
    told = plan()
    assert all(told.within)
    assert all(one.ttft_s.value <= 2.0 and one.tpot_s.value <= 0.06 for one in told.instances)
    each = [one.output_tokens_per_s.value / one.split.accelerators for one in told.instances]
    assert each == sorted(each, reverse=True)
    assert told.requests_per_s.value == pytest.approx(each[0] * told.best.split.accelerators / 500)


def test_to_be_sure_the_p90_keeps_the_limits_too():
    told = plan(sure=True)
    assert told.best.ttft_s.high <= 2.0 * (1 + 1e-9)
    assert told.best.tpot_s.high <= 0.06 * (1 + 1e-9)
    rate = told.best.output_tokens_per_s.value / told.best.split.accelerators
    best = plan().best
    assert rate <= best.output_tokens_per_s.value / best.split.accelerators


def test_a_stated_split_is_that_of_the_search():
    best = plan().best
    stated = {name: getattr(best.split, name) for name in NAMES}
    again = plan(split=stated)
    assert (again.best.concurrency, again.best.tpot_s) == (best.concurrency, best.tpot_s)
    one_more = plan(split=stated, concurrency=int(best.concurrency) + 1)
    assert one_more.best.concurrency == best.concurrency + 1
    assert again.front == ()


def test_waiting_for_memory_is_told():
    told = plan(split={"tp": 8}, concurrency=100_000)
    assert told.within == (False,)
    assert told.best.held < 100_000
    assert told.best.ttft_s.value > 100.0


def test_energy_and_cost_follow_from_the_catalogue():
    told = plan(chip="gb200", pue=1.2, usd_per_chip_hour=3.0)
    many, rate = told.best.split.accelerators, told.best.output_tokens_per_s
    book = catalog.load()
    chip, use = book.get("chip", "gb200"), book.get("rate", "power_use")
    rated_w = many * chip.number("all_in_it_kw") * 1e3
    joules, usd = told.upkeep.joules_per_output_token, told.upkeep.usd_per_million_output_tokens
    assert joules.value == pytest.approx(rated_w * use.number("hosting") * 1.2 / rate.value)
    assert joules.low == pytest.approx(joules.value * rate.value / rate.high)
    assert usd.value == pytest.approx(many * 3.0 / 3600.0 / rate.value * 1e6)
    assert told.upkeep.usd_per_million_tokens.value == pytest.approx(usd.value * 500 / 2500)


def test_what_nobody_publishes_stays_empty():
    told = plan(chip="l40s", max_chips=8, ttft_ms=None)
    assert told.upkeep.usd_per_chip_hour is None
    assert told.upkeep.usd_per_million_output_tokens is None
    assert any("no price" in note for note in told.notes)


@pytest.mark.parametrize("spares", [0, 3])
def test_a_fleet_serves_its_load(spares):
    told = plan(requests_per_s=1234.0, spares=spares)
    fleet, rate = told.fleet, told.best.output_tokens_per_s
    assert fleet.instances * rate.value >= 1234.0 * 500
    assert (fleet.instances - 1) * rate.value < 1234.0 * 500
    assert fleet.fewest <= fleet.instances <= fleet.most
    assert fleet.accelerators == (fleet.instances + spares) * told.best.split.accelerators
    assert 0 < fleet.load <= 1
    assert fleet.usd_per_hour == fleet.accelerators * told.upkeep.usd_per_chip_hour
    same = plan(tokens_per_s=1234.0 * 500, spares=spares)
    assert same.fleet == fleet


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"model": "deepseek-v3"}, "16 accelerators hold it"),
        ({"ttft_ms": 0.1}, "first token too late even for a single request"),
        ({"tpot_ms": 0.1}, "tokens too slow even for a single request"),
        ({"split": {"tp": 3}}, "heads do not divide"),
        ({"split": {"heads": 3}}, "no field heads"),
        ({"split": {"tp": 0}}, "tp must be a whole number of at least 1; found 0"),
        ({"split": {"tp": 1}, "model": "llama-3.1-405b"}, "does not fit"),
        ({"concurrency": 4}, "state the split too"),
        ({"requests_per_s": 1.0, "tokens_per_s": 1.0}, "not in both"),
        ({"cached_share": 1.0}, "cached_share must be"),
        ({"output_tokens": 0}, "output_tokens must be above 0"),
        ({"weights": "fp7"}, "weights must be one of"),
    ],
)
def test_what_is_wrong_is_said(asked, said):
    with pytest.raises(InputError, match=said):
        plan(**asked)
