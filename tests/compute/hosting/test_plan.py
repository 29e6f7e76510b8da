"""The plan of hosting: what it promises follows from the search, and what is wrong is said."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import gigawatt as gw
from gigawatt import catalog
from gigawatt.compute.hosting.planning.capacity import MARGIN
from gigawatt.compute.hosting.step import Split
from gigawatt.errors import InputError

NAMES = [f.name for f in fields(Split)]
ASKED = {"ttft_ms": 2000.0, "tpot_ms": 60.0, "input_tokens": 2000, "output_tokens": 500}


def plan(model="llama-3.1-70b", chip="h100", **more):
    return gw.plan_hosting(model, chip, **(ASKED | more))


def test_the_plan_keeps_its_limits():
    told = plan()
    assert all(told.within)
    assert all(one.ttft_s.value <= 2.0 and one.tpot_s.value <= 0.06 for one in told.instances)
    each = [one.output_tokens_per_s.value / one.split.accelerators for one in told.instances]
    assert each[0] >= max(each) * (1 - MARGIN)
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


def test_batching_is_as_stated():
    told = plan(chunk_tokens=1024, max_sequences=20)
    assert told.chunk_tokens == (1024,) * len(told.instances)
    assert all(one.concurrency <= 20 * one.split.attn_dp for one in told.instances)
    assert all(one.places <= 20 * one.split.attn_dp for one in told.instances)
    wide = plan(chunk_tokens=None)
    assert wide.as_dict()["best"]["chunk_tokens"] == wide.chunk_tokens[0]
    rate = [
        one.best.output_tokens_per_s.value / one.best.split.accelerators for one in (plan(), wide)
    ]
    assert rate[1] >= rate[0] * (1 - MARGIN)


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
        ({"chunk_tokens": 0}, "chunk_tokens must be a whole number of at least 1; found 0"),
        ({"max_sequences": 1.5}, "max_sequences must be a whole number"),
        ({"percentile": 42}, "percentile must be one of 50, 90, 95, 99; found 42"),
        ({"percentile": 90, "ttft_ms": None, "tpot_ms": None}, "a percentile needs a limit"),
        ({"percentile": 90, "split": {"tp": 4}, "concurrency": 9}, "leave concurrency out"),
        ({"percentile": 90, "disaggregated": True}, "leave percentile out"),
    ],
)
def test_what_is_wrong_is_said(asked, said):
    with pytest.raises(InputError, match=said):
        plan(**asked)


# --- the guide


def listed(title):
    """Return the keys of the table behind a line of the guide."""
    guide = Path(__file__).resolve().parents[3] / "docs" / "guides" / "plan-hosting.md"
    table = guide.read_text(encoding="utf-8").partition(title)[2].strip().partition("\n\n")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", table, re.M))


def test_the_guide_explains_what_a_simulation_says():
    told = plan(percentile=90, max_chips=2).as_dict()["best"]["simulated"]
    assert set(told) == listed("Of `best.simulated`, with a percentile:")


def test_the_guide_explains_separate_instances():
    told = plan(disaggregated=True, max_chips=4).as_dict()["disaggregated"]
    made = {f"best.{name}" for name in told["best"]}
    made |= {f"pareto[].{name}" for name in told["pareto"][0]}
    made |= {"alternatives[]", "gain", "together_output_tokens_per_s_per_accelerator"}
    assert made == listed("Of `disaggregated`:")
    assert set(told) == {name.partition(".")[0].removesuffix("[]") for name in made}
