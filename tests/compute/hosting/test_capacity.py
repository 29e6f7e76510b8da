"""What an instance can serve: the same as trying everything, and laws of a best split."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture, architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting.calibration import hardware_of, server_from
from gigawatt.compute.hosting.memory import (
    USED_SHARE,
    cache_bytes_per_token,
    sequences_that_fit,
    weight_gb,
)
from gigawatt.compute.hosting.parameters import ROLES
from gigawatt.compute.hosting.planning.capacity import MARGIN, Limits, search
from gigawatt.compute.hosting.planning.question import one_split
from gigawatt.compute.hosting.planning.space import Room, fewest_chips, splits
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.steady import Mix, steady_state
from gigawatt.compute.hosting.step import Split

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
    """Return the most output tokens per second of each accelerator; 0 if there are none."""
    best = found(dims, limits, facts, chips, mix).best
    return float(best.per_accelerator.max()) if len(best) else 0.0


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
    rates = sorted(rate for _, rate in tried.values())
    assert sorted(best.per_accelerator) == pytest.approx(rates)


@pytest.mark.parametrize("name", MODELS)
def test_less_than_a_hundredth_is_not_worth_an_accelerator(name):
    best = found(MODELS[name], Limits(tpot_s=0.05), hardware("h200-sxm"), chips=16).best
    rate, chips = best.per_accelerator, np.asarray(best.split.accelerators)
    close = rate >= rate.max() * (1 - MARGIN)
    assert close[0]
    assert chips[0] == chips[close].min()
    assert rate[0] == rate[close & (chips == chips[0])].max()
    # The order goes on so: nothing stands behind what it beats by more than the margin.
    later = np.maximum.accumulate(rate[::-1])[::-1]
    assert (rate >= later * (1 - MARGIN) * (1 - 1e-12)).all()


def test_each_split_gets_its_best_chunk():
    dims, facts, limits = MODELS["moe"], hardware(), Limits(1.0, 0.008)
    server, chunks = server_from(facts, EXPECTED), (8192.0, 512.0, 2048.0)
    told = search(dims, server, MIX, limits, room(facts, 8), chunks)
    alone = [search(dims, server, MIX, limits, room(facts, 8), (chunk,)) for chunk in chunks]
    rates = [
        {one_split(f.best.split, i): f.best.per_accelerator[i] for i in range(len(f.best))}
        for f in alone
    ]
    assert told.timed == alone[0].timed
    chosen = {one_split(told.best.split, i): i for i in range(len(told.best))}
    assert set(chosen) == set().union(*rates)
    for split, i in chosen.items():
        rate, chunk = told.best.per_accelerator[i], told.best.chunk_tokens[i]
        assert rate == rates[chunks.index(chunk)][split]
        each = [some.get(split, 0.0) for some in rates]
        assert rate >= max(each) * (1 - MARGIN)
        if chunk != chunks[0]:
            assert each[0] < max(each) * (1 - MARGIN)
    assert len({*told.best.chunk_tokens}) > 1


@pytest.mark.parametrize("cap", [1, 5, 40])
def test_a_cap_on_sequences_holds_and_costs_nothing_where_fewer_are_let_in(cap):
    dims, facts, limits = MODELS["moe"], hardware(), Limits(tpot_s=0.05)
    server = server_from(facts, EXPECTED)
    free = search(dims, server, MIX, limits, room(facts, 8)).best
    capped = search(
        dims, server, MIX, limits, replace(room(facts, 8), most_sequences=float(cap))
    ).best
    assert (capped.concurrency <= cap * capped.split.attn_dp).all()
    before = {one_split(free.split, i): free.concurrency[i] for i in range(len(free))}
    after = {one_split(capped.split, i): capped.concurrency[i] for i in range(len(capped))}
    assert set(before) == set(after)
    for split, number in before.items():
        assert after[split] == min(number, cap * split.attn_dp)


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
    assert told.rejected["needs a bandwidth or a kernel that nobody published"] > 0
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
    assert chip[-1] == pytest.approx(told.best.per_accelerator.max())


@pytest.mark.parametrize("name", MODELS)
def test_fewest_accelerators_hold_the_model_and_half_do_not(name):
    dims, facts = MODELS[name], hardware()
    least = fewest_chips(dims, MIX, room(facts, 1), 1024)
    assert found(dims, Limits(), facts, chips=least).timed > 0
    if least > 1:
        assert found(dims, Limits(), facts, chips=least // 2).timed == 0
    assert fewest_chips(dims, replace(MIX, input_tokens=1e12), room(facts, 1), 64) is None
