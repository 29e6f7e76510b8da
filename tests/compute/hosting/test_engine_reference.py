"""The compiled engine against a slow and plain one, and laws that hold for every policy."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gigawatt.compute.hosting.engine.config import POLICIES, ROUTERS, EngineConfig
from gigawatt.compute.hosting.engine.latency import Table, TableLatency
from gigawatt.compute.hosting.engine.simulate import simulate_requests
from gigawatt.compute.hosting.requests import Trace

reference = runpy.run_path(str(Path(__file__).with_name("engine_reference.py")))["simulate"]

BLOCK, HASH_TOKENS = 4, 8
# Uneven on purpose, so that a mistake in any feature moves every later time.
STEP = TableLatency(
    (
        Table(("tokens",), ([0, 10, 100],), [0.01, 0.013, 0.05]),
        Table(("decodes", "decode_context"), ([0, 40], [0, 900]), [[0, 0.003], [0.001, 0.011]]),
        Table(("prefill_pairs",), ([0, 1000],), [0.0, 0.017]),
        Table(("prefill_context_rounded",), ([0, 500],), [0.0, 0.0071]),
        Table(("prefill_square",), ([0, 500],), [0.0, 0.0037]),
        Table(("prefill_context",), ([0, 500],), [0.0, 0.0057]),
        Table(("samples", "replica"), ([0, 10], [0, 4]), [[0.0, 0.0011], [0.0023, 0.0013]]),
        Table(("prefills",), ([0, 10],), [0.0, 0.00091], stage=0),
        Table(("decode_tokens",), ([0, 10],), [0.0, 0.00047], needs="decodes"),
    )
)


@st.composite
def traces(draw):
    n = draw(st.integers(1, 25))
    gaps = draw(st.lists(st.sampled_from([0.0, 0.001, 0.02, 0.3]), min_size=n, max_size=n))
    prompt = draw(st.lists(st.integers(1, 60), min_size=n, max_size=n))
    output = draw(st.lists(st.integers(1, 25), min_size=n, max_size=n))
    # A prompt goes on from one of a few families, so prefixes are shared.
    hashes, start = [], [0]
    for tokens in prompt:
        family, cut = draw(st.integers(0, 2)), draw(st.integers(0, 8))
        blocks = -(-tokens // HASH_TOKENS)
        own = 1000 * (len(start) + 10)
        hashes += [family * 100 + k if k < cut else own + k for k in range(blocks)]
        start.append(len(hashes))
    return Trace(
        arrival_s=np.cumsum(gaps),
        prompt_tokens=prompt,
        output_tokens=output,
        hashes=hashes,
        hash_start=start,
        hash_tokens=HASH_TOKENS,
    )


@st.composite
def engines(draw):
    replicas = draw(st.integers(1, 4))
    cap = draw(st.integers(1, 9))
    drafts = draw(st.sampled_from([0, 0, 2]))
    split = draw(st.integers(0, replicas - 1)) if draw(st.booleans()) else 0
    return EngineConfig(
        replicas=replicas,
        policy=draw(st.sampled_from(sorted(POLICIES))),
        router=draw(st.sampled_from(ROUTERS)),
        kv_blocks=draw(st.integers(26, 70)),
        token_budget=cap * (1 + drafts) + draw(st.integers(0, 30)),
        max_sequences=cap,
        block_tokens=BLOCK,
        watermark=draw(st.sampled_from([0.0, 0.05])),
        stages=draw(st.integers(1, 3)),
        prefix_cache=draw(st.booleans()),
        prefill_replicas=split,
        transfer_s=draw(st.sampled_from([0.0, 0.004])),
        transfer_s_per_token=draw(st.sampled_from([0.0, 0.0003])),
        first_token_at_decode=draw(st.booleans()),
        ready_s=[draw(st.sampled_from([0.0, 0.0, 0.5])) for _ in range(replicas)],
        tokenizer_s=draw(st.sampled_from([0.0, 0.002])),
        tokenizer_s_per_token=draw(st.sampled_from([0.0, 0.001])),
        dispatch_s=draw(st.sampled_from([0.0, 0.005])),
        draft_tokens=drafts,
        accepted_per_step=draw(st.sampled_from([0.0, 1.7])) if drafts else 0.0,
        acceptance=0.6 if drafts else 0.0,
        longest_tokens=draw(st.sampled_from([0, 90])),
        context_granularity=draw(st.sampled_from([1, 16])),
        prefix_share=draw(st.sampled_from([0.0, 0.3])),
        balance_requests=3,
        balance_ratio=1.1,
        seed=7,
    )


many = settings(max_examples=100, suppress_health_check=list(HealthCheck), print_blob=True)


@many
@given(traces(), engines())
def test_it_equals_the_plain_engine(trace, engine):
    expected = reference(trace, engine, STEP.model())
    found = simulate_requests(trace, engine, STEP, log_batches=True)
    jobs = expected.jobs
    assert found.replica.tolist() == [job.replica for job in jobs]
    assert found.prefill_replica.tolist() == [job.origin for job in jobs]
    assert found.preemptions.tolist() == [job.preempted for job in jobs]
    assert found.cached_tokens.tolist() == [job.cached for job in jobs]
    near = {"rel": 1e-9, "abs": 1e-9}
    assert found.scheduled_s == pytest.approx([job.scheduled for job in jobs], **near)
    assert found.first_token_s == pytest.approx([job.first for job in jobs], **near)
    assert found.finish_s == pytest.approx([job.finish for job in jobs], **near)
    peaks = [replica.peak for replica in expected.replicas]
    assert found.replicas["peak_kv_blocks"].tolist() == peaks
    assert sorted(composition(found.batches)) == sorted(
        (replica, items) for _, _, replica, items in expected.log
    )


@many
@given(traces(), engines())
def test_skipping_steps_changes_nothing(trace, engine):
    slow = simulate_requests(trace, engine, STEP, log_batches=True)
    fast = simulate_requests(trace, engine, STEP)
    for name in ("scheduled_s", "first_token_s", "finish_s", "sent_s", "replica", "preemptions"):
        np.testing.assert_array_equal(getattr(slow, name), getattr(fast, name))
    for name, values in slow.replicas.items():
        np.testing.assert_allclose(fast.replicas[name], values, rtol=1e-12)
    for name in ("utilisation", "kv_share", "running", "output_tokens_per_s"):
        one, two = getattr(slow.timeline, name), getattr(fast.timeline, name)
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


@many
@given(traces(), engines())
def test_every_token_is_made_once_within_memory(trace, engine):
    found = simulate_requests(trace, engine, STEP, log_batches=True)
    assert np.isfinite(found.finish_s).all()  # nothing starves
    assert found.replicas["output_tokens"].sum() == trace.output_tokens.sum()
    assert (found.replicas["peak_kv_blocks"] <= engine.each("kv_blocks")).all()
    assert (found.timeline.kv_share <= 1 + 1e-9).all()
    assert (found.timeline.utilisation <= 1 + 1e-9).all()
    assert (trace.arrival_s <= found.scheduled_s).all()
    assert (found.scheduled_s < found.first_token_s).all()
    assert (found.first_token_s <= found.finish_s).all()
    log = found.batches
    prefill = np.bincount(log.request, log.tokens * log.is_prefill, len(trace))
    calm = found.preemptions == 0
    expected = trace.prompt_tokens - found.cached_tokens
    assert (prefill[calm] == expected[calm]).all()
    # What a preempted request has computed is lost, unless the cache keeps its blocks.
    least = np.ones(len(trace)) if engine.prefix_cache else expected + 1
    assert (prefill[~calm] >= least[~calm]).all()
    assert found.replicas["prefill_tokens"].sum() == prefill.sum()


@many
@given(traces(), engines())
def test_the_same_seed_gives_the_same(trace, engine):
    one, two = (simulate_requests(trace, engine, STEP) for _ in range(2))
    np.testing.assert_array_equal(one.finish_s, two.finish_s)
    np.testing.assert_array_equal(one.first_token_s, two.first_token_s)


@many
@given(traces(), engines())
def test_first_come_is_first_served(trace, engine):
    found = simulate_requests(trace, engine, STEP)
    for replica in range(engine.replicas):
        here = np.flatnonzero(found.prefill_replica == replica)
        here = here[np.argsort(found.routed_s[here], kind="stable")]
        assert (np.diff(found.scheduled_s[here]) >= 0).all()


def composition(log):
    for k in range(log.begin_s.size):
        part = slice(log.start[k], log.start[k + 1])
        columns = (log.request, log.tokens, log.before, log.is_prefill)
        items = zip(*(column[part].tolist() for column in columns), strict=True)
        yield int(log.replica[k]), list(items)
