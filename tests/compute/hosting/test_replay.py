"""A replayed trace: its tokens, its clock, its limits, its memory, its power and its price."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import arrivals, calibration
from gigawatt.compute.hosting.engine.config import EngineConfig
from gigawatt.compute.hosting.engine.latency import Table, TableLatency
from gigawatt.compute.hosting.engine.simulate import simulate_requests
from gigawatt.compute.hosting.estimate import serving_bands
from gigawatt.compute.hosting.fleet.surface import rated_power_w
from gigawatt.compute.hosting.planning.plan import plan_hosting
from gigawatt.compute.hosting.replay.deployment import Deployment, engine_asked
from gigawatt.compute.hosting.replay.goals import Goals
from gigawatt.compute.hosting.replay.run import replay_requests
from gigawatt.compute.hosting.replay.slower import simulate_slower
from gigawatt.compute.hosting.replay.spending import full_load, it_energy_j
from gigawatt.compute.hosting.requests import Trace
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.step import Split, Work, step_parts
from gigawatt.errors import InputError

MODEL, CHIP = "llama-3.1-8b", "h100-sxm"


def steady(count, rate, prompt=1000, output=200, seed=1):
    lengths = arrivals.fixed_lengths(count, prompt, output)
    return arrivals.synthetic(arrivals.poisson(count, rate, seed=seed), lengths)


def varied(count, rate, seed=1):
    lengths = arrivals.lognormal_lengths(count, (1000, 1.0), (200, 0.8), seed=seed)
    return arrivals.synthetic(arrivals.poisson(count, rate, seed=seed), lengths)


def setting(chip=CHIP, **more):
    return ServingSetting(catalog.load().get("chip", chip), **more)


@pytest.fixture(scope="module")
def busy():
    """Return an instance under a load that it carries."""
    return replay_requests(
        MODEL, CHIP, varied(2000, 12.0), replicas=1, split={"tp": 1}, ttft_ms=60, tpot_ms=15
    )


# --- tokens and time


def test_every_token_is_there_once(busy):
    table, trace = busy.table(), busy.trace
    assert len(table) == len(trace)
    assert table["prompt_tokens"].sum() == trace.prompt_tokens.sum()
    assert table["output_tokens"].sum() == trace.output_tokens.sum()
    # The engine counts what it made and read on its own.
    assert busy.requests.replicas["output_tokens"].sum() == trace.output_tokens.sum()
    assert busy.requests.replicas["prefill_tokens"].sum() == trace.prompt_tokens.sum()
    line = busy.requests.timeline
    made = (line.output_tokens_per_s * line.bucket_s).sum()
    assert made == pytest.approx(trace.output_tokens.sum(), rel=1e-9)


def test_times_of_a_request_follow_each_other(busy):
    table = busy.table()
    assert (table["arrival_s"] < table["scheduled_s"]).all()
    assert (table["scheduled_s"] < table["first_token_s"]).all()
    assert (table["first_token_s"] <= table["finish_s"]).all()
    further = (table["output_tokens"] - 1) * table["tpot_s"].fillna(0.0)
    assert (table["ttft_s"] + further - table["e2e_s"]).abs().max() < 1e-9


def test_a_lone_request_takes_what_the_step_model_says():
    """By hand: one step reads the prompt, and each further token takes a step of its own."""
    prompt, output, split = 1500, 40, Split(tp=2)
    trace = Trace(
        arrival_s=np.zeros(1), prompt_tokens=np.array([prompt]), output_tokens=np.array([output])
    )
    found = replay_requests(MODEL, CHIP, trace, replicas=1, split={"tp": 2})
    server, _, _ = calibration.server(setting())
    dims = dims_of(architecture(MODEL))

    def step_s(**work):
        whole = {"sequences": 0.0, "context": 1.0, "speaking": 1.0, **work}
        parts = step_parts(dims, split, Work(**whole), server.engine, server.fabric)
        return float(parts.total_s)

    reading = step_s(prompt_tokens=float(prompt), prompt_context=0.5 * (prompt + 1))
    decoding = sum(step_s(sequences=1.0, context=prompt + k) for k in range(1, output))
    first = float(server.first_token_s) + reading
    assert found.requests.ttft_s[0] == pytest.approx(first, rel=2e-3)
    assert found.requests.e2e_s[0] == pytest.approx(first + decoding, rel=2e-3)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.6])
def test_a_slower_machine_is_one_with_longer_steps(factor):
    """The change of clock against tables whose seconds are multiplied."""
    trace, tokens = varied(400, 6.0), np.array([0.0, 100.0, 8192.0])
    seconds = np.array([0.010, 0.012, 0.300])
    engine = EngineConfig(
        kv_blocks=4000, replicas=2, max_sequences=64, ingress_s=0.03, egress_s=0.01,
        tokenizer_s_per_token=1e-6, router="least-requests",
    )  # fmt: skip
    latency = TableLatency((Table(("tokens",), (tokens,), seconds),)).model()
    longer = TableLatency((Table(("tokens",), (tokens,), factor * seconds),)).model()
    found = simulate_slower(trace, engine, latency, factor)
    told = simulate_requests(trace, engine, longer)
    for name in ("scheduled_s", "first_token_s", "finish_s", "ttft_s", "tpot_s"):
        np.testing.assert_allclose(getattr(found, name), getattr(told, name), rtol=1e-9)
    for name, values in told.replicas.items():
        np.testing.assert_allclose(found.replicas[name], values, rtol=1e-9)
    made = (found.timeline.output_tokens_per_s * found.timeline.bucket_s).sum()
    assert made == pytest.approx(trace.output_tokens.sum(), rel=1e-9)


def test_speed_and_limit_change_the_trace():
    trace = steady(200, 4.0)
    found = replay_requests(
        MODEL, CHIP, trace, replicas=1, split={"tp": 1}, speed=4.0, limit=50
    ).trace
    assert len(found) == 50
    np.testing.assert_allclose(found.arrival_s, (trace.arrival_s[:50] - trace.arrival_s[0]) / 4)


# --- limits and bands


def test_shares_and_percentiles_are_those_of_the_table(busy):
    table = busy.table()
    kept = (table["ttft_s"] <= 0.06) & ~(table["tpot_s"] > 0.015)
    assert 0.0 < kept.mean() < 1.0
    assert (table["within_limits"] == kept).all()
    assert busy.share_within_limits.value == pytest.approx(kept.mean())
    span = table["finish_s"].max() - table["arrival_s"].min()
    assert busy.goodput_requests_per_s.value == pytest.approx(kept.sum() / span)
    good = table["output_tokens"][kept].sum() / span
    assert busy.goodput_tokens_per_s.value == pytest.approx(good)
    assert busy.latency["ttft_s"]["p95"].value == pytest.approx(table["ttft_s"].quantile(0.95))
    assert busy.latency["tpot_s"]["mean"].value == pytest.approx(table["tpot_s"].mean())
    assert busy.output_tokens_per_s.value == pytest.approx(table["output_tokens"].sum() / span)


def test_bands_hold_the_errors_of_the_calibration(busy):
    bands, _ = serving_bands(architecture(MODEL), setting(), ())
    for name, key in (("ttft_s", "ttft"), ("tpot_s", "tpot")):
        low, high, _ = bands[key]
        for band in busy.latency[name].values():
            assert band.low <= band.value * low * (1 + 1e-9)
            assert band.high >= band.value * high * (1 - 1e-9)
    share = busy.share_within_limits
    assert share.low <= share.value <= share.high


def test_an_error_of_the_steps_is_more_near_saturation():
    """Where the line grows, a slower machine is later by more than its steps are longer."""
    bands, _ = serving_bands(architecture(MODEL), setting(), ())
    most = plan_hosting(MODEL, CHIP, input_tokens=1000, output_tokens=200, split={"tp": 1})

    def late(share):
        trace = steady(2000, share * most.requests_per_s.value)
        found = replay_requests(MODEL, CHIP, trace, replicas=1, split={"tp": 1})
        one = found.latency["ttft_s"]["p99"]
        return one.high / one.value

    assert late(0.05) == pytest.approx(bands["ttft"][1], rel=0.05)
    assert late(1.0) > 1.5 * bands["ttft"][1]


def test_a_plan_at_a_percentile_holds_in_a_replay():
    """The rate that a plan finds by its own draws keeps its limit for other draws too."""
    plan = plan_hosting(
        MODEL, CHIP, input_tokens=1000, output_tokens=200, split={"tp": 1}, percentile=99,
        tpot_ms=20, max_sequences=512,
    )  # fmt: skip
    tail = plan.tails[0]
    trace = steady(6000, tail.requests_per_s, seed=7)
    found = replay_requests(
        MODEL, CHIP, trace, replicas=1, split={"tp": 1}, max_sequences=512, tpot_ms=20
    )
    assert found.latency["tpot_s"]["p99"].value <= 0.020
    for at in ("mean", "p50", "p99"):
        assert found.latency["tpot_s"][at].value == pytest.approx(tail.tpot_s[at], rel=0.12), at
        assert found.latency["ttft_s"][at].value == pytest.approx(tail.ttft_s[at], rel=0.12), at


@pytest.mark.parametrize("sure", [False, True])
def test_the_fewest_instances_keep_the_limits_and_one_less_does_not(sure):
    asked = {"ttft_ms": 400, "tpot_ms": 12, "split": {"tp": 1}}
    trace = varied(1500, 40.0)
    found = replay_requests(MODEL, CHIP, trace, sure=sure, **asked)

    def kept(replicas):
        one = replay_requests(MODEL, CHIP, trace, replicas=replicas, **asked)
        names = {"ttft_s": 0.4, "tpot_s": 0.012}
        bands = {name: one.latency[name]["p99"] for name in names}
        return all((bands[n].high if sure else bands[n].value) <= s for n, s in names.items())

    assert found.instances > 1
    assert kept(found.instances)
    assert not kept(found.instances - 1)


def test_a_lower_percentile_needs_no_more_instances():
    asked = {"ttft_ms": 300, "tpot_ms": 12, "split": {"tp": 1}}
    many = [
        replay_requests(MODEL, CHIP, varied(1500, 40.0), percentile=p, **asked).instances
        for p in (50, 90, 99)
    ]
    assert many == sorted(many)


def test_answers_of_one_token_have_no_further_ones():
    found = replay_requests(
        MODEL, CHIP, steady(100, 2.0, output=1), replicas=1, split={"tp": 1}, tpot_ms=1
    )
    assert np.isnan(found.latency["tpot_s"]["p99"].value)
    assert found.share_within_limits.value == 1.0
    assert found.as_dict()["tpot_ms"]["p99"] == {"p10": None, "p50": None, "p90": None}
    assert Goals(tpot_s=0.001).excess(np.ones(3), np.full(3, np.nan)) == 0.0


# --- memory, caches, pools


def test_memory_is_never_more_than_there_is():
    """A small accelerator with long answers: requests are preempted, and none loses a token."""
    trace = steady(300, 50.0, prompt=500, output=3000)
    found = replay_requests(
        MODEL, "l40s", trace, replicas=1, split={"tp": 1}, weights="bf16", cache="bf16"
    )
    assert found.preemptions > 0
    assert 0.9 < found.kv_peak_share <= 1.0
    assert (found.requests.timeline.kv_share <= 1.0 + 1e-9).all()
    assert found.requests.replicas["output_tokens"].sum() == trace.output_tokens.sum()


def test_a_group_holds_what_its_memory_holds():
    """By hand, Llama 3.1 8B in FP8 on an H100: 80 GiB, 95 % used, 3 GB of activations."""
    kind = Deployment(architecture(MODEL), setting(), Split(), engine_asked("vllm"), 1100.0)
    tables_gb = 2 * 2 * 128256 * 4096 / 1e9
    layers_gb = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336) / 1e9
    free = 0.95 * 80 * 2**30 / 1e9 - tables_gb - layers_gb - 3.0
    token_bytes = 32 * 2 * 8 * 128
    assert kind.group_blocks * 16 == pytest.approx(free * 1e9 / token_bytes, rel=1e-3)


def test_recurrent_layers_keep_a_state_for_each_request():
    """By hand, Nemotron-H 56B: 54 layers with 256 heads of 64 x 256 numbers in FP32."""
    arch = architecture("nemotron-h-56b")
    assert (arch.ssm_heads, arch.ssm_head_dim, arch.ssm_state) == (256, 64, 256)
    kinds = [
        Deployment(arch, setting(), Split(tp=8), engine_asked("vllm"), context)
        for context in (1000.0, 50_000.0)
    ]
    places = [kind.group_blocks * 16 / kind.context_tokens for kind in kinds]
    state_gb = arch.ssm_layers * 256 * 64 * 256 * 4 / 8 / 1e9
    # A key-value head of 128 on each accelerator, in FP8.
    cached_gb = [arch.attention_layers * 2 * 128 * n / 1e9 for n in (1000.0, 50_000.0)]
    used = [n * (state_gb + gb) for n, gb in zip(places, cached_gb, strict=True)]
    assert used[0] == pytest.approx(used[1], rel=0.02)
    assert kinds[0].engine(1).max_sequences <= used[0] / state_gb


def test_prompts_seen_before_are_found():
    """Requests that never meet and share a prompt: all whole blocks but the first time."""
    count, blocks, prompt = 20, 12, 12 * 512 + 1
    trace = Trace(
        arrival_s=100.0 * np.arange(count),
        prompt_tokens=np.full(count, prompt),
        output_tokens=np.full(count, 10),
        hashes=np.tile(np.arange(blocks), count),
        hash_start=blocks * np.arange(count + 1),
        hash_tokens=512,
    )
    asked = {"replicas": 1, "split": {"tp": 1}}
    found = replay_requests(MODEL, CHIP, trace, **asked)
    assert found.engine.router == "prefix"
    assert found.cached_share == pytest.approx((prompt - 1) * (count - 1) / (prompt * count))
    without = replay_requests(MODEL, CHIP, trace, prefix_cache=False, **asked)
    assert without.cached_share == 0.0
    assert (without.requests.ttft_s[1:] > found.requests.ttft_s[1:]).all()
    assert without.requests.ttft_s[0] == pytest.approx(found.requests.ttft_s[0])


def test_pools_send_the_cache_over_the_published_network():
    """Lone requests on separate hosts: the first token is later by passing the request on."""
    trace = Trace(
        arrival_s=np.zeros(1), prompt_tokens=np.array([8000]), output_tokens=np.array([50])
    )
    together = replay_requests(MODEL, CHIP, trace, replicas=1, split={"tp": 8})
    apart = replay_requests(MODEL, CHIP, trace, pools=(1, 1), split={"tp": 8})
    assert (apart.instances, apart.prefill_instances, apart.accelerators) == (2, 1, 16)
    # One key-value head of 128 in FP8 on each of 8 accelerators, over 400 Gbit/s each.
    sent_s = 8000 * 32 * 2 * 128 / (400e9 / 8)
    later = float(apart.requests.ttft_s[0] - together.requests.ttft_s[0])
    server, _, _ = calibration.server(setting())
    over_s = later - float(server.hand_over_s)
    assert sent_s < over_s < 1.5 * sent_s + 50e-6
    table = apart.table()
    assert (table["prefill_instance"][0], table["instance"][0]) == (0, 1)


def test_pools_lose_nothing():
    trace = varied(600, 12.0)
    found = replay_requests(MODEL, CHIP, trace, pools=(1, 2), split={"tp": 1})
    assert found.requests.replicas["output_tokens"].sum() == trace.output_tokens.sum()
    assert set(found.table()["prefill_instance"]) == {0}
    assert set(found.table()["instance"]) == {1, 2}


def test_groups_share_an_instance():
    trace = steady(200, 2.0)
    found = replay_requests(
        "deepseek-v3", "h200", trace, replicas=2, split={"attn_dp": 8, "ep": 8}, tpot_ms=100
    )
    assert (found.engine.replicas, found.accelerators) == (2, 16)
    assert found.engine.token_budget == 8 * 8192
    assert any("attention groups" in note for note in found.notes)
    assert found.requests.replicas["output_tokens"].sum() == trace.output_tokens.sum()


def test_drafts_yield_what_is_asked():
    trace = steady(300, 2.0, output=400)
    asked = {"replicas": 1, "split": {"tp": 1}}
    plain = replay_requests(MODEL, CHIP, trace, **asked)
    drafted, again, other = (
        replay_requests(MODEL, CHIP, trace, accepted=1.8, seed=seed, **asked) for seed in (0, 0, 1)
    )
    ratio = plain.latency["tpot_s"]["mean"].value / drafted.latency["tpot_s"]["mean"].value
    assert ratio == pytest.approx(1.8, rel=0.05)
    assert (drafted.requests.finish_s == again.requests.finish_s).all()
    assert (drafted.requests.finish_s != other.requests.finish_s).any()


@pytest.mark.parametrize("policy", ["vllm", "sarathi", "orca", "prefill-first"])
def test_every_policy_serves_all(policy):
    trace = varied(400, 8.0)
    found = replay_requests(MODEL, CHIP, trace, replicas=2, split={"tp": 1}, policy=policy)
    assert found.requests.replicas["output_tokens"].sum() == trace.output_tokens.sum()
    assert np.isfinite(found.requests.finish_s).all()


def test_the_split_holds_the_longest_request():
    """For the mean one accelerator is best; a prompt of 600,000 tokens needs more."""
    trace = steady(200, 2.0)
    long = replace(trace, prompt_tokens=np.append(trace.prompt_tokens[:-1], 600_000))
    asked = {"replicas": 1, "weights": "bf16", "cache": "bf16"}
    assert replay_requests(MODEL, CHIP, trace, **asked).split.tp == 1
    found = replay_requests(MODEL, CHIP, long, **asked)
    assert int(found.split.accelerators) > 1
    with pytest.raises(InputError, match="longest request has 600,200 tokens"):
        replay_requests(MODEL, CHIP, long, split={"tp": 1}, **asked)


def test_the_split_reads_the_longest_prompts_in_time():
    """One accelerator is best for the mean, but too slow for prompts in the P99."""
    trace = steady(400, 2.0)
    prompts = trace.prompt_tokens.copy()
    prompts[::20] = 60_000
    long = replace(trace, prompt_tokens=prompts)
    asked = {"tpot_ms": 30}
    free = replay_requests(MODEL, CHIP, long, ttft_ms=30_000, **asked)
    found = replay_requests(MODEL, CHIP, long, ttft_ms=1500, **asked)
    assert int(found.split.tp) > int(free.split.tp)
    assert found.latency["ttft_s"]["p99"].value <= 1.5


# --- power and price


def energy_j(trace, power_w=(100.0, 500.0)):
    kind = Deployment(
        architecture(MODEL), setting(), Split(), engine_asked("vllm", max_sequences=64), 1100.0
    )
    engine = kind.engine(1)
    found = simulate_requests(trace, engine, kind.latency)
    full = full_load(
        kind.latency, engine, float(trace.prompt_tokens.mean()), float(trace.output_tokens.mean())
    )
    return it_energy_j(found, engine, full, 1.0, power_w), found.end_s


def test_an_instance_that_is_full_draws_what_full_ones_do():
    energy, took_s = energy_j(steady(2000, 1000.0))
    assert energy / took_s == pytest.approx(500.0, rel=0.03)


def test_an_instance_that_waits_draws_what_idle_ones_do():
    energy, took_s = energy_j(steady(20, 0.001))
    assert energy / took_s == pytest.approx(100.0, rel=0.01)


def test_energy_and_cost_are_those_of_all_accelerators():
    trace = varied(1000, 5.0)
    found = replay_requests(
        MODEL, CHIP, trace, replicas=3, split={"tp": 2}, usd_per_chip_hour=2.0, pue=1.25
    )
    one, tokens, took = found.spending, int(trace.output_tokens.sum()), found.duration_s.value
    assert found.accelerators == 6
    usd = 6 * 2.0 * took / 3600 / tokens * 1e6
    assert one.usd_per_million_output_tokens.value == pytest.approx(usd)
    idle, full, rated = rated_power_w(setting().chip)
    assert one.rated_it_kw == pytest.approx(6 * rated / 1e3)
    assert 6 * idle / 1e3 < one.it_kw < 6 * full / 1e3
    assert one.facility_kw == pytest.approx(1.25 * one.it_kw)
    joules = one.facility_kw * 1e3 * took / tokens
    assert one.joules_per_output_token.value == pytest.approx(joules)
    assert one.joules_per_output_token.low <= joules <= one.joules_per_output_token.high


# --- what is refused


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "state a limit"),
        ({"replicas": 0}, "replicas must be at least 1"),
        ({"replicas": 1, "pools": (1, 1)}, "not as both"),
        ({"pools": (0, 1)}, "at least one instance each"),
        ({"replicas": 1, "speed": 0.0}, "speed must be above 0"),
        ({"replicas": 1, "percentile": 101}, "percentile must be above 0 and at most 100"),
        ({"replicas": 1, "policy": "fifo"}, "policy must be one of vllm, sarathi"),
        ({"replicas": 1, "router": "random"}, "router must be one of round-robin"),
        ({"replicas": 1, "prefix_cache": True}, "hashes of its prompts' blocks"),
        ({"replicas": 1, "router": "prefix"}, "hashes of its prompts' blocks"),
        ({"replicas": 1, "chunk_tokens": 64, "max_sequences": 128}, "room for a token of each of"),
        ({"ttft_ms": 1, "split": {"tp": 1}}, "requests that never meet"),
        ({"replicas": 1, "split": {"tp": 3}}, "heads do not divide"),
    ],
)
def test_what_means_nothing_is_refused(asked, said):
    with pytest.raises(InputError, match=said):
        replay_requests(MODEL, CHIP, steady(20, 1.0), **asked)


# --- recorded traces


def test_the_azure_conversation(shared):
    """All requests of an hour: as the trace says, and none lost."""
    file = shared / "traces" / "azure_llm_2023_conv.csv"
    found = replay_requests("llama-3.1-70b", CHIP, file, ttft_ms=2000, tpot_ms=100)
    table = found.table()
    assert len(table) == 19_366
    assert table["prompt_tokens"].sum() == found.trace.prompt_tokens.sum() == 22_361_870
    assert table["output_tokens"].sum() == found.trace.output_tokens.sum() == 4_088_665
    assert table["output_tokens"].sum() == found.requests.replicas["output_tokens"].sum()
    # Who is preempted is read again.
    read = found.requests.replicas["prefill_tokens"].sum()
    assert read == 22_361_870 if not found.preemptions else read > 22_361_870
    assert found.latency["ttft_s"]["p99"].value <= 2.0
    assert found.latency["tpot_s"]["p99"].value <= 0.1
    assert found.requests_per_s.value == pytest.approx(19_366 / 3501.7, rel=0.02)


def test_the_mooncake_conversation(shared):
    """Prompts share blocks: no more are found than an endless cache would hold."""
    file = shared / "traces" / "mooncake_fast25_conversation.jsonl"
    found = replay_requests("deepseek-v3", "h200", file, replicas=8, split={"tp": 8}, limit=3000)
    trace = found.trace
    seen, shared_tokens = set(), 0
    for i in range(len(trace)):
        hashes = trace.hashes[trace.hash_start[i] : trace.hash_start[i + 1]]
        whole = hashes[: (trace.prompt_tokens[i] - 1) // 512]
        shared_tokens += 512 * sum(1 for h in whole if h in seen)
        seen.update(hashes.tolist())
    most = shared_tokens / trace.prompt_tokens.sum()
    assert 0.5 * most < found.cached_share <= most
    read = found.requests.replicas["prefill_tokens"].sum()
    assert read + found.requests.cached_tokens.sum() == trace.prompt_tokens.sum()
