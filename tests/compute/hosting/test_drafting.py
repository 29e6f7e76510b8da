"""Drafted tokens: what they gain, and what they cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.step import Split, Work, step_parts

BOOK = catalog.load()
DIMS = dims_of(Architecture.from_entry(BOOK.get("model", "deepseek-v3")))
SETTING = ServingSetting(BOOK.get("chip", "b200-sxm"), "fp8", "fp8", "tensorrt-llm")
SPLIT = Split(tp=8)


def _parts(server, **work):
    asked = Work(**{"sequences": 16.0, "context": 4000.0, "speaking": 16.0} | work)
    return step_parts(DIMS, SPLIT, asked, server.engine, server.fabric)


def test_drafts_gain_a_geometric_series():
    server, _, _ = calibration.server(SETTING)
    half = replace(server, acceptance=0.5)
    assert [float(half.gained(n)) for n in (0.0, 1.0, 2.0, 3.0)] == pytest.approx(
        [1.0, 1.5, 1.75, 1.875]
    )
    assert float(replace(server, acceptance=1.0).gained(3.0)) == pytest.approx(4.0, rel=1e-6)
    # DeepSeek-V3's report has 85 to 90 % of second tokens kept, of text that is no benchmark's.
    assert 0.6 < server.acceptance < 0.9


def test_a_step_with_drafts_is_one_of_more_tokens_and_the_drafting():
    server, _, _ = calibration.server(SETTING)
    plain, three = _parts(server), _parts(server, drafted=3.0)
    many = _parts(server, sequences=64.0, speaking=64.0)
    # Products and experts see four tokens of each sequence; its cache is read once.
    assert three.products_s == many.products_s
    assert three.experts_s == many.experts_s
    assert three.network_s == many.network_s
    assert plain.attention_s <= three.attention_s <= many.attention_s
    assert three.head_s == many.head_s
    assert three.launch_s == plain.launch_s
    # Each draft passes one of the layers, and the head.
    layers = plain.total_s - plain.head_s - plain.engine_s
    once = layers / DIMS.layers + plain.head_s
    assert three.drafts_s == pytest.approx(3.0 * once)
    assert plain.drafts_s == 0.0


def test_drafting_pays_where_steps_are_short_of_work():
    server, _, _ = calibration.server(SETTING)

    def gain(sequences: float) -> float:
        load = {"sequences": sequences, "speaking": sequences}
        plain, drafted = _parts(server, **load), _parts(server, **load, drafted=3.0)
        return float(plain.total_s / drafted.total_s * server.gained(3.0))

    # With few sequences drafts meet more experts, whose weights are read; with many they compute.
    assert min(gain(4.0), gain(64.0)) > 1.5
    assert gain(4096.0) < 1.2
    # No draft is kept, and its time is lost.
    none = replace(server, acceptance=0.0)
    assert float(none.gained(3.0)) == 1.0
