"""The engine's view of a step is the step model, in whatever batch it is asked for."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.step import Split, Work, step_parts
from gigawatt.compute.hosting.step_latency import Instance, instance_latency

SPLITS = [
    ("llama-3.1-70b", Split(tp=4)),
    ("llama-3.1-70b", Split(tp=2, pp=2)),
    ("gpt-oss-120b", Split(tp=2, ep=2)),
    ("deepseek-v3", Split(tp=2, attn_dp=8, ep=16)),
]


def instance(model, split, chip="h200-sxm", before=0.0):
    server, _, _ = calibration.server(ServingSetting(catalog.load().get("chip", chip)))
    return Instance(dims_of(architecture(model)), split, server, before)


def by_model(one, **work):
    values = {f.name: np.float64(work.get(f.name, 0.0)) for f in fields(Work)}
    parts = step_parts(one.dims, one.split, Work(**values), one.server.engine, one.server.fabric)
    return float(parts.total_s)


@pytest.mark.parametrize(("model", "split"), SPLITS)
def test_batches_alike_in_every_group_take_what_the_model_says(model, split):
    """Random batches, the same in each attention group, so that the fullest is as the mean."""
    one, draws = instance(model, split, before=300.0), np.random.default_rng(0)
    latency, groups = instance_latency(one), int(split.attn_dp)
    for _ in range(200):
        decodes = int(draws.choice([0, 1, 7, 60, 500]))
        prompts = int(draws.choice([0, 1, 3]))
        if decodes + prompts == 0:
            continue
        context, each = draws.uniform(10, 20_000), int(draws.integers(1, 4000))
        told = latency.seconds(
            stages=int(split.pp),
            tokens=groups * (decodes + prompts * each),
            decodes=groups * decodes,
            decode_context=groups * decodes * context,
            prefills=groups * prompts,
            prefill_tokens=groups * prompts * each,
            prefill_pairs=groups * prompts * each * (each + 1) / 2,
            samples=groups * (decodes + prompts),
        )
        expected = by_model(
            one,
            sequences=decodes,
            context=context + 300.0,
            prompt_tokens=prompts * each,
            prompt_context=(each + 1) / 2 + 300.0,
            speaking=decodes + prompts,
        )
        assert told.sum() == pytest.approx(expected, rel=2e-2)
        assert told == pytest.approx(told[0])


def test_a_prompt_in_one_group_holds_up_the_others_but_shares_their_experts():
    one = instance("deepseek-v3", Split(tp=1, attn_dp=8, ep=8))
    latency = instance_latency(one)

    def read(prompts):
        return float(
            latency.seconds(
                tokens=2000 * prompts, prefills=prompts, prefill_tokens=2000 * prompts,
                prefill_pairs=prompts * 2000 * 1000.5, samples=prompts,
            )[0]
        )  # fmt: skip

    whole = by_model(one, prompt_tokens=2000, prompt_context=1000.5, speaking=1)
    assert read(8) == pytest.approx(whole, rel=1e-2)
    assert whole / 8 < read(1) < read(4) < whole
    assert read(9) > read(8) + 0.5 * (read(1) - 0.1 * whole)


def test_the_second_kind_of_replica_has_a_time_of_its_own():
    first, second = instance("llama-3.1-8b", Split()), instance("llama-3.1-8b", Split(tp=2))
    both = instance_latency(first, second, of_first=3)
    batch = {"tokens": 10, "decodes": 10, "decode_context": 10_000, "samples": 10}
    for replica, one in ((0, first), (2, first), (3, second), (9, second)):
        alone = instance_latency(one).seconds(**batch)
        assert both.seconds(replica=replica, **batch) == pytest.approx(alone)
