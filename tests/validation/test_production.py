"""DeepSeek's own service and profiles, held against the step model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gigawatt import catalog
from gigawatt.compute.hosting.step import Work, step_parts
from gigawatt.errors import NotModelledError
from gigawatt.validation.production import fullest_rank, predict_unit, step_s, unit_of

READS, WRITES = "deepseek-v3@h800-sxm@prefill-2025-02", "deepseek-v3@h800-sxm@decode-2025-02"
PROFILES = (
    "deepseek-v3@h800-sxm@prefill-profile",
    "deepseek-v3@h800-sxm@decode-profile",
    "deepseek-v3@h100-sxm@prefill-sglang",
)


def _entry(name):
    return catalog.load().get("deployment", name)


@pytest.mark.parametrize("name", [READS, WRITES])
def test_the_service_is_within_a_quarter_of_what_was_published(name):
    # 73.7k tokens read with cache hits, or 14.8k written, a second and node of 8.
    entry = _entry(name)
    assert predict_unit(entry) == pytest.approx(entry.number("tokens_per_s_per_chip"), rel=0.25)


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_of_single_steps_are_of_the_right_size(name):
    # Prompts of a step come out a quarter to a third too slow: see the page on serving.
    entry = _entry(name)
    assert predict_unit(entry) == pytest.approx(entry.number("tokens_per_s_per_chip"), rel=0.4)


def test_published_figures_of_the_service_agree_with_each_other():
    # A day's 608 and 168 billion tokens over the nodes that do so many a second are the nodes that
    # were occupied: 226.75.
    day_s = 86400.0
    per_node = [8.0 * _entry(name).number("tokens_per_s_per_chip") for name in (READS, WRITES)]
    nodes = [tokens / day_s / rate for tokens, rate in zip((608e9, 168e9), per_node, strict=True)]
    assert sum(nodes) == pytest.approx(226.75, rel=0.01)
    # Cache before a written token: the request and half of the answer.
    asked = _entry(READS).number("input_tokens")
    assert asked + 0.5 * asked * 168 / 608 == pytest.approx(4989, rel=0.01)


def test_overlap_takes_the_longer_of_computing_and_sending():
    unit = unit_of(_entry(WRITES))
    half = Work(sequences=44.0, context=4989.0, speaking=44.0)
    engine, fabric = unit.server.engine, unit.server.fabric
    parts = step_parts(unit.dims, unit.split, half, engine, fabric)
    taken = step_s(unit, half)
    assert taken >= 2.0 * parts.network_s
    # Neither hides behind nothing: all in a row would take longer.
    host = 0.5 * engine.step_s + engine.sequence_s * half.sequences
    assert taken < 2.0 * (parts.total_s - parts.engine_s + host)
    # A network that is never in the way leaves the computing.
    fast = replace(fabric, scale_up_bytes_per_s=1e15, scale_out_bytes_per_s=1e15)
    quick = replace(unit, server=replace(unit.server, fabric=fast))
    assert step_s(quick, half) <= taken * (1 + 1e-9)


def test_kernels_that_send_leave_the_rest_of_the_multiprocessors():
    # DeepEP: 24 of the 132 of an H800 while requests are read, none while answers are written.
    assert unit_of(_entry(READS)).computing == pytest.approx(1 - 24 / 132)
    assert unit_of(_entry(WRITES)).computing == 1.0


def test_uneven_experts_slow_the_unit_on_which_they_were_measured_as_measured():
    entry = _entry("deepseek-v3@h100-sxm@prefill-sglang")
    even = unit_of(entry)
    uneven = unit_of(entry, fullest=fullest_rank())
    half = Work(
        sequences=0.0, context=0.0, prompt_tokens=8192.0, prompt_context=2048.0, speaking=2.0
    )
    # CloudMatrix384, table 2: 7,417 tokens/s evenly loaded, 6,288 by real requests.
    assert step_s(uneven, half) / step_s(even, half) == pytest.approx(7417 / 6288, rel=0.05)


def test_a_faster_speed_for_users_leaves_fewer_tokens():
    entry = _entry(WRITES)
    name = "tokens_per_s_per_user"
    faster = replace(entry, facts={**entry.facts, name: replace(entry[name], value=30.0)})
    assert predict_unit(faster) < predict_unit(entry)


def test_a_unit_that_says_neither_sequences_nor_speed_is_refused():
    entry = _entry(WRITES)
    facts = {name: fact for name, fact in entry.facts.items() if name != "tokens_per_s_per_user"}
    with pytest.raises(NotModelledError, match="neither sequences nor the speed"):
        predict_unit(replace(entry, facts=facts))
