"""Prefix cache, split pools, start-up, delays and drafts: cases to be worked out by hand."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from gigawatt.compute.hosting.arrivals import fixed_lengths, lognormal_lengths, poisson, synthetic
from gigawatt.compute.hosting.engine.config import EngineConfig
from gigawatt.compute.hosting.engine.latency import Table, TableLatency, compiled
from gigawatt.compute.hosting.engine.simulate import simulate_requests
from gigawatt.compute.hosting.requests import Trace
from gigawatt.compute.hosting.traces import read_trace
from gigawatt.errors import InputError

STEP_S, TOKEN_S = 0.01, 1e-4
STEP = TableLatency((Table(("tokens",), ([0, 1000],), [STEP_S, STEP_S + 1000 * TOKEN_S]),))


def run(trace, **changes):
    config = {"kv_blocks": 10_000, "token_budget": 4096, "max_sequences": 64, **changes}
    return simulate_requests(trace, EngineConfig(**config), STEP)


def one(prompt=100, output=3, count=1, gap_s=100.0):
    return synthetic(np.arange(count) * gap_s, fixed_lengths(count, prompt, output))


def batch_s(tokens):
    return STEP_S + tokens * TOKEN_S


# -- prefix cache


@pytest.fixture(scope="module")
def mooncake(shared):
    return read_trace(shared / "traces" / "mooncake_fast25_conversation.jsonl")


def spread(trace, gap_s=1e4):
    """Return the same requests so far apart that each is done before the next."""
    changed = {"arrival_s": np.arange(len(trace)) * gap_s, "output_tokens": np.ones(len(trace))}
    names = ("prompt_tokens", "hashes", "hash_start", "hash_tokens")
    return Trace(**changed, **{name: getattr(trace, name) for name in names})


def lru_hits(trace, capacity_blocks):
    """Return cached tokens of each request, run one after another, by the plainest LRU."""
    cache, answer, size = OrderedDict(), [], trace.hash_tokens
    for k in range(len(trace)):
        hashes = trace.hashes[trace.hash_start[k] : trace.hash_start[k + 1]].tolist()
        prompt = int(trace.prompt_tokens[k])
        found = 0
        for h in hashes[: min(prompt // size, (prompt - 1) // size)]:
            if h not in cache:
                break
            found += 1
        answer.append(found * size)
        held = hashes[: prompt // size]
        for h in held[:found]:
            cache.pop(h)
        rest = -(-prompt // size) - found
        while cache and len(cache) + found + rest > capacity_blocks:
            cache.popitem(last=False)
        for h in held:  # computed anew although a later part of the prompt may still be there
            cache.pop(h, None)
        for h in reversed(held):
            cache[h] = None
    return answer


@pytest.mark.parametrize("blocks", [400, 3000, 200_000])
def test_hits_are_those_of_a_plain_lru(mooncake, blocks):
    trace = spread(mooncake.head(3000))
    found = run(trace, kv_blocks=blocks, block_tokens=512, prefix_cache=True, token_budget=10**6)
    assert found.cached_tokens.tolist() == lru_hits(trace, blocks)
    assert found.cached_tokens.any()


def test_a_larger_cache_hits_more(mooncake):
    trace = mooncake.head(2000)
    shares = [
        run(trace, kv_blocks=blocks, block_tokens=512, prefix_cache=True).summary()["cached_share"]
        for blocks in (500, 2000, 100_000)
    ]
    assert shares[0] < shares[1] < shares[2]


def test_the_prefix_router_hits_more_than_round_robin(mooncake):
    trace = mooncake.head(2000)
    config = {"kv_blocks": 2000, "block_tokens": 512, "prefix_cache": True, "replicas": 4}
    by_turn = run(trace, **config).cached_tokens.sum()
    assert run(trace, router="prefix", **config).cached_tokens.sum() > 1.5 * by_turn


def test_a_cached_prompt_computes_only_the_rest():
    trace = Trace(
        arrival_s=[0, 100],
        prompt_tokens=[1024, 1024],
        output_tokens=[1, 1],
        hashes=[1, 2, 1, 2],
        hash_start=[0, 2, 4],
        hash_tokens=512,
    )
    found = run(trace, prefix_cache=True)
    assert found.cached_tokens.tolist() == [0, 512]  # the last block is left to sample from
    assert found.ttft_s == pytest.approx([batch_s(1024), batch_s(512)])


# -- time


def test_the_delays_of_a_user_add_up():
    delays = {"ingress_s": 0.5, "tokenizer_s": 0.25, "dispatch_s": 0.125, "egress_s": 0.0625}
    found = run(one(), tokenizer_s_per_token=0.01, **delays)
    assert found.ttft_s == pytest.approx([0.9375 + 1.0 + batch_s(100)])
    assert found.e2e_s == pytest.approx(found.ttft_s + 2 * batch_s(1))
    assert found.tpot_s == pytest.approx([batch_s(1)])
    assert found.queue_s == pytest.approx([0.125])


def test_nothing_runs_before_a_replica_is_ready():
    found = run(one(count=3, gap_s=1.0), replicas=2, ready_s=[7.0, 5.0])
    assert found.scheduled_s == pytest.approx([5.0, 5.0 + batch_s(100), 5.0 + batch_s(100)], abs=1)
    assert (found.replica == 1).all()
    assert found.scheduled_s.min() == 5.0


def test_a_new_replica_takes_its_share():
    found = run(one(count=20, gap_s=1.0), replicas=2, ready_s=[0.0, 10.0])
    assert (found.replica[:10] == 0).all()
    assert set(found.replica[10:]) == {0, 1}


def test_a_pipeline_works_on_several_batches_at_once():
    stage = compiled(two_stages)
    trace = one(prompt=10, output=50, count=2, gap_s=0.005)
    config = {"kv_blocks": 1000, "max_sequences": 2, "stages": 2}
    both = simulate_requests(trace, EngineConfig(**config), stage)
    alone = simulate_requests(trace.head(1), EngineConfig(**config), stage)
    # The second comes while the first stage is busy, waits for it, and is never in the way again.
    assert both.e2e_s == pytest.approx(alone.e2e_s[0] + np.array([0, 0.005]))


def two_stages(_params, _features, stage_s):
    stage_s[:] = 0.01


def test_drafts_shorten_the_answer():
    plain = run(one(output=101))
    mean = run(one(output=101), draft_tokens=3, accepted_per_step=2.5)
    assert mean.e2e_s[0] - mean.ttft_s[0] == pytest.approx(40 * batch_s(4))
    assert plain.e2e_s[0] - plain.ttft_s[0] == pytest.approx(100 * batch_s(1))


def test_drafts_by_chance_have_the_mean_of_theory():
    chance, drafts, output = 0.7, 3, 20_001
    found = run(one(output=output), draft_tokens=drafts, acceptance=chance, seed=5)
    steps = (found.e2e_s[0] - found.ttft_s[0]) / batch_s(1 + drafts)
    # Leviathan et al. 2023, equation 1
    expected = (1 - chance ** (drafts + 1)) / (1 - chance)
    assert (output - 1) / steps == pytest.approx(expected, rel=0.02)
    other = run(one(output=output), draft_tokens=drafts, acceptance=chance, seed=6)
    assert other.e2e_s[0] != found.e2e_s[0]


# -- split pools


def test_a_split_fleet_sends_every_context_once():
    n = 2000
    trace = synthetic(poisson(n, 20.0, seed=1), lognormal_lengths(n, (300, 1), (40, 1), seed=2))
    found = run(trace, replicas=5, prefill_replicas=2, transfer_s=0.003, transfer_s_per_token=1e-5)
    assert (found.prefill_replica < 2).all()
    sent = trace.output_tokens > 1
    assert (np.isfinite(found.sent_s) == sent).all()
    assert (found.replica[sent] >= 2).all()
    least = 0.003 + 1e-5 * trace.prompt_tokens
    assert (found.sent_s - found.first_token_s >= least - 1e-9)[sent].all()
    assert (found.finish_s > found.sent_s)[sent].all()
    fed, made = found.replicas["prefill_tokens"], found.replicas["output_tokens"]
    assert fed.sum() == fed[:2].sum() == trace.prompt_tokens.sum()
    assert made[:2].sum() == n
    assert made.sum() == trace.output_tokens.sum()


def test_sending_takes_its_time_and_the_user_may_wait_for_it():
    split = {"replicas": 2, "prefill_replicas": 1, "transfer_s": 0.5, "transfer_s_per_token": 0.01}
    found = run(one(), **split)
    assert found.ttft_s == pytest.approx([batch_s(100)])
    assert found.e2e_s == pytest.approx([batch_s(100) + 1.5 + 2 * batch_s(1)])
    late = run(one(), first_token_at_decode=True, **split)
    assert late.ttft_s == pytest.approx([batch_s(100) + 1.5])


# -- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy": "fifo"}, "policy must be one of vllm"),
        ({"router": "random"}, "router must be one of round-robin"),
        ({"replicas": 0}, "replicas must be an int >= 1"),
        ({"prefill_replicas": 1}, "prefill_replicas must be"),
        ({"watermark": 1.0}, "watermark must be"),
        ({"token_budget": 8}, "token_budget must be at least a token"),
        ({"ready_s": [0.0, 1.0]}, "one value or one for each of 1 replicas"),
        ({"draft_tokens": 1, "accepted_per_step": 2.5}, "accepted_per_step must be"),
        ({"transfer_s": -1.0}, "transfer_s must be"),
        ({"kv_blocks": 0}, "kv_blocks must be"),
        ({"kv_blocks": 6}, "the first is request 0 with 100 \\+ 3 tokens"),
        ({"prefix_cache": True}, "needs a trace with hashes"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        run(one(), **changes)


def test_a_prefix_cache_needs_blocks_that_divide_the_hashed_ones():
    trace = Trace(
        arrival_s=[0], prompt_tokens=[9], output_tokens=[1], hashes=[1], hash_start=[0, 1],
        hash_tokens=9,
    )  # fmt: skip
    with pytest.raises(InputError, match="block_tokens must divide the 9 tokens"):
        run(trace, prefix_cache=True)


def bad_time(_params, features, stage_s):
    stage_s[0] = 1.0 - features[0]


def test_a_latency_below_zero_is_an_error_that_shows_the_batch():
    engine = EngineConfig(kv_blocks=100, token_budget=512)
    with pytest.raises(InputError, match="tokens=100, prefills=1"):
        simulate_requests(one(), engine, compiled(bad_time))


# -- tables


def test_tables_interpolate_and_look_up():
    line = Table(("tokens",), ([0, 10, 30],), [1.0, 2.0, 6.0])
    model = TableLatency((line,)).model()
    assert [model.seconds(tokens=t)[0] for t in (0, 5, 10, 20, 40)] == [1, 1.5, 2, 4, 8]
    model = TableLatency((Table(("tokens",), ([0, 10, 30],), [1.0, 2.0, 6.0], exact=True),)).model()
    assert [model.seconds(tokens=t)[0] for t in (0, 5, 10, 20, 30)] == [1, 2, 2, 6, 6]
    assert np.isnan(model.seconds(tokens=31)[0])


def test_a_table_of_two_features_is_bilinear():
    plane = Table(("tokens", "decodes"), ([0, 2], [0, 4]), [[0, 8], [2, 14]])
    model = TableLatency((plane, Table(("tokens",), ([0, 1],), [1, 1], stage=1))).model()
    assert model.seconds(2, tokens=1, decodes=1) == pytest.approx([3.5, 4.5])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (Table(("token",), ([0, 1],), [0, 1]), "features must be of"),
        (Table(("tokens",), ([1, 0],), [0, 1]), "at least two ascending values"),
        (Table(("tokens",), ([0, 1],), [0, -1]), "finite values >= 0"),
        (Table(("tokens",), ([0, 1],), [0, 1, 2]), "Got shape \\(3,\\)"),
        (Table(("tokens", "decodes"), ([0, 1],), [0, 1]), "one or two features"),
    ],
)
def test_a_broken_table_is_refused(table, message):
    with pytest.raises(InputError, match=message):
        TableLatency((table,)).model()


def test_a_summary_and_a_table_of_requests():
    found = run(one(count=10))
    summary = found.summary()
    assert summary["ttft_p50_s"] == pytest.approx(batch_s(100))
    assert summary["tpot_p99_s"] == pytest.approx(batch_s(1))
    assert summary["output_tokens_per_s"] == pytest.approx(30 / found.end_s)
    assert len(found.table()) == 10
    busy = found.timeline.utilisation.sum() * found.timeline.bucket_s
    assert busy == pytest.approx(found.replicas["busy_s"].sum())


def test_the_timeline_widens_to_hold_a_long_simulation():
    found = run(one(count=3, gap_s=40_000.0))
    assert found.timeline.bucket_s == 32.0
    made = found.timeline.output_tokens_per_s.sum() * found.timeline.bucket_s
    assert made == pytest.approx(9)
