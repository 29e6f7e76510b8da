"""Failure rates and training targets: derived ones by hand, and the raw data behind them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from gigawatt import catalog

if TYPE_CHECKING:
    from pathlib import Path

    from gigawatt.catalog import Catalog

RATE = "failures_per_1000_node_days"


@pytest.fixture(scope="module")
def cat() -> Catalog:
    return catalog.load()


def published(shared: Path, system: str, metric: str) -> float:
    with (shared / "measurements/reliability.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (row["system"], row["metric"]) == (system, metric):
                return float(row["value"])
    message = f"no {metric} of {system}"
    raise AssertionError(message)


def test_counted_rates_follow_from_their_counts(cat: Catalog) -> None:
    for entry in cat.entries("reliability"):
        if "failures" in entry:
            nodes = entry.number("accelerators") / entry.number("accelerators_per_node")
            rate = entry.number("failures") / nodes / entry.number("days") * 1000
            assert entry.number(RATE) == pytest.approx(rate, rel=2e-3)


def test_rates_lie_within_a_factor_of_thirty(cat: Catalog) -> None:
    rates = [e.number(RATE) for e in cat.entries("reliability") if RATE in e]
    assert len(rates) >= 9
    assert max(rates) / min(rates) < 30


def test_a_rate_names_its_node(cat: Catalog) -> None:
    assert all("accelerators_per_node" in e for e in cat.entries("reliability") if RATE in e)


def test_every_benchmark_has_a_target(cat: Catalog) -> None:
    names = {entry.id for entry in cat.entries("target")}
    assert names == {"gpt3", "llama31_405b", "llama2_70b_lora", "llama31_8b"}
    assert cat.get("target", "Llama31-405B").text("model") == "llama-3.1-405b"


def test_facts_equal_the_collected_figures(cat: Catalog, shared: Path) -> None:
    rsc = "Meta RSC-1/RSC-2"

    def rate(name: str) -> float:
        return cat.get("reliability", name).number(RATE)

    assert rate("meta-rsc-1") == published(shared, rsc, "failure rate RSC-1")
    assert rate("meta-rsc-2") == published(shared, rsc, "failure rate RSC-2")
    jobs = cat.get("reliability", "meta-rsc-1-jobs")
    assert jobs.number("mttf_h") == published(shared, rsc, "MTTF of 1024-GPU jobs")
    assert jobs[RATE].low == pytest.approx(
        1000 / published(shared, rsc, "MTTF of 8-GPU jobs"), abs=0.01
    )
    llama = cat.get("reliability", "llama-3-405b")
    assert llama.number("failures") == published(shared, "Llama 3 405B", "unexpected interruptions")
    opt = published(shared, "OPT-175B", "machines lost per day") / 128 * 1000
    assert rate("opt-175b") == pytest.approx(opt, abs=0.05)
    tpu = published(shared, "Google TPU v4 fleet", "machine failure rate")
    assert rate("google-tpu-v4") == pytest.approx(10 * tpu)
    fleet = cat.get("reliability", "meta-ft-hsdp")
    assert fleet.number(RATE) == published(shared, "Meta FT-HSDP", "interruptions")
    between = published(shared, "Meta FT-HSDP", "time between failures")
    assert fleet.number("mttf_h") * 60 == pytest.approx(between)
    b200 = cat.get("reliability", "lablup-b200")
    assert b200.number("failures") == published(
        shared, "Lablup 504x B200", "XID-identified GPU failures"
    )
