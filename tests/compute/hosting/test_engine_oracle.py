"""The engine against Vidur's own run, with Vidur's kernel tables as the latency model."""

from __future__ import annotations

import csv
import gzip
import math

import numpy as np
import pytest

from gigawatt.compute.hosting.engine.config import EngineConfig
from gigawatt.compute.hosting.engine.latency import compiled
from gigawatt.compute.hosting.engine.simulate import simulate_requests
from gigawatt.compute.hosting.requests import Trace

MOST_TOKENS, MOST_BATCH, STEP = 4096, 128, 64
CONTEXTS = MOST_TOKENS // STEP + 1
BY_TOKENS = (
    "add", "input_layernorm", "post_attention_layernorm", "attn_pre_proj", "attn_post_proj",
    "attn_rope", "mlp_up_proj", "mlp_down_proj", "mlp_act",
)  # fmt: skip
LAUNCH_MS = 0.02


def vidur_time(params, x, stage_s):
    """Fill in Vidur's time of a batch; the tables stand one after another in `params`.

    Features: 0 tokens, 1 decodes, 3 their contexts, 4 prefills, 7 contexts of these rounded up to
    64, 8 squares of their chunks.
    """
    tokens, decodes = int(x[0]), int(x[1])
    at = (tokens + 7) // 8 * 8
    layer = params[at] + params[4097 + tokens]  # nine operators with all-reduces; saving of KV
    decode_table = 3 * 4097
    if decodes > 0:
        mean = int(x[3] // decodes)
        row = decode_table + (decodes - 1) * 65 + (mean + 63) // 64
        layer += params[row] * (1.1 if decodes > 1 else 1.0)
    prefill_table = decode_table + 128 * 65
    prefills = int(x[4])
    if prefills > 0:
        chunk = round(math.sqrt(x[8]))
        row = prefill_table + int(x[7]) // 64 * 4096 + chunk - 1
        layer += params[row] * (1.1 if prefills > 1 else 1.0)
    stages = stage_s.shape[0]
    for k in range(stages):
        stage_s[k] = layer * (80 // stages) * 1e-3
        if k < stages - 1:
            stage_s[k] += params[2 * 4097 + at] * 1e-3


@pytest.fixture(scope="module")
def vidur(shared):
    """Return Vidur's latency model."""
    folder = shared / "oracles" / "serving" / "kernel_tables"

    def column(name):
        with gzip.open(folder / f"{name}.csv.gz", "rt") as file:
            return np.array([float(row["prediction"]) for row in csv.DictReader(file)])

    def by_tokens(name):
        return np.concatenate([[np.nan], column(name)])

    operators = sum(by_tokens(name) for name in BY_TOKENS)
    operators += 2 * (by_tokens("all_reduce") + LAUNCH_MS)
    decode, prefill = column("attn_decode"), column("attn_prefill")
    assert decode.size == MOST_BATCH * CONTEXTS
    assert prefill.size == MOST_TOKENS * CONTEXTS
    saved, sent = by_tokens("attn_kv_cache_save"), by_tokens("send_recv")
    return compiled(vidur_time, np.concatenate([operators, saved, sent, decode, prefill]))


@pytest.fixture(scope="module")
def conversation(shared):
    """Return the thousand requests, clipped as Vidur clips them."""
    rows = np.loadtxt(shared / "oracles" / "serving" / "conv_1k.csv", delimiter=",", skiprows=1)
    trace = Trace(arrival_s=rows[:, 0], prompt_tokens=rows[:, 1], output_tokens=rows[:, 2])
    return trace.clipped(MOST_TOKENS)


def sarathi(**changes):
    return EngineConfig(
        policy="sarathi", token_budget=512, max_sequences=128, watermark=0.01, **changes
    )


@pytest.fixture(scope="module")
def run_b(vidur, conversation):
    engine = sarathi(replicas=8, kv_blocks=3328)
    return simulate_requests(conversation, engine, vidur, log_batches=True)


def assert_same_requests(found, path):
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.trace)
    order = np.argsort([int(row["Request Id"]) for row in rows])
    ttft = np.array([float(row["prefill_e2e_time"]) for row in rows])[order]
    e2e = np.array([float(row["request_e2e_time"]) for row in rows])[order]
    assert np.abs(found.ttft_s - ttft).max() < 1e-6
    assert np.abs(found.e2e_s - e2e).max() < 1e-6


def test_every_request_of_eight_replicas(run_b, shared):
    path = shared / "oracles" / "serving" / "B_sarathi_1k" / "request_metrics.csv"
    assert_same_requests(run_b, path)


def test_every_request_of_a_pipeline(vidur, conversation, shared):
    # Vidur plans memory for 63 requests of 4,096 tokens a stage.
    engine = sarathi(replicas=4, stages=2, kv_blocks=2 * 63 * MOST_TOKENS // 16)
    found = simulate_requests(conversation, engine, vidur)
    path = shared / "oracles" / "serving" / "A_1k" / "request_metrics.csv"
    assert_same_requests(found, path)


def test_nothing_changes_if_steps_are_skipped(vidur, conversation, run_b):
    found = simulate_requests(conversation, sarathi(replicas=8, kv_blocks=3328), vidur)
    assert (found.finish_s == run_b.finish_s).all()
    assert (found.first_token_s == run_b.first_token_s).all()
    assert (found.replicas["steps"] == run_b.replicas["steps"]).all()


def test_every_batch_in_time_and_composition(run_b, shared):
    path = shared / "oracles" / "serving" / "B_sarathi_1k" / "batches.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = list(csv.reader(file))[1:]
    log = run_b.batches
    assert len(rows) == log.begin_s.size
    ours = {}
    for k in range(log.begin_s.size):
        part = slice(log.start[k], log.start[k + 1])
        columns = (log.request, log.tokens, log.before, log.is_prefill)
        made = list(zip(*(column[part].tolist() for column in columns), strict=True))
        ours.setdefault(int(log.replica[k]), []).append((log.begin_s[k], log.end_s[k], made))
    theirs = {}
    for row in rows:
        items = [tuple(int(float(v)) for v in item.split(":")) for item in row[9].split()]
        theirs.setdefault(int(row[2]), []).append((float(row[0]), float(row[1]), items))
    assert ours.keys() == theirs.keys()
    for replica, expected in theirs.items():
        found = ours[replica]
        assert [f[2] for f in found] == [e[2] for e in expected]
        times = np.array([f[:2] for f in found]) - np.array([e[:2] for e in expected])
        assert np.abs(times).max() < 1e-6
