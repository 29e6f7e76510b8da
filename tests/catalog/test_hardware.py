"""Chips and systems: published numbers, sane orderings, names that measurements use."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from gigawatt import catalog

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = catalog.load()
CHIPS = CATALOG.entries("chip")
SYSTEMS = CATALOG.entries("system")

# The peak ratios that Epoch AI publishes: server over GPU, and IT over server.
IT_OVER_SERVER = 1.14
IT_OVER_TDP = 1.53 * IT_OVER_SERVER

PUBLISHED = [
    ("a100-sxm-80gb", "bf16_tflops", 312.0),
    ("a100-sxm-80gb", "hbm_gb_per_s", 2039.0),
    ("h100-sxm", "bf16_tflops", 989.4),
    ("h100-sxm", "hbm_gb_per_s", 3350.0),
    ("h100-sxm", "scale_up_gb_per_s", 900.0),
    ("h100-sxm", "scale_out_gbit_per_s", 400.0),
    ("h100-sxm", "all_in_it_kw", 1.4535),
    ("h800-sxm", "scale_up_gb_per_s", 400.0),
    ("h200-sxm", "hbm_gb", 141.0),
    ("b200-sxm", "fp4_tflops", 9000.0),
    ("gb200-nvl72", "scale_up_chips", 72.0),
    ("gb200-nvl72", "all_in_it_kw", 2.09),
    ("mi300x", "hbm_gb", 192.0),
    ("mi355x", "bf16_tflops", 2516.6),
    ("tpu-v5p", "bf16_tflops", 459.0),
    ("tpu-v7", "scale_up_chips", 9216.0),
    ("trainium2", "scale_up_chips", 64.0),
    ("gaudi3", "scale_out_gbit_per_s", 600.0),
    ("gaudi2", "scale_out_gbit_per_s", 300.0),
    ("h100-sxm-96gb", "hbm_gb_per_s", 2400.0),
    ("h100-sxm", "sm_count", 132.0),
    ("b300-sxm", "sm_count", 148.0),
    ("gb300-nvl72", "sm_count", 152.0),
]

# Chips that published training steps ran on, and those that plans name next.
TRAINERS = (
    "v100-sxm", "a100-sxm-40gb", "a100-sxm-80gb", "h100-sxm", "h100-sxm-96gb", "h200-sxm",
    "h800-sxm", "b200-sxm", "gb200-nvl72", "b300-sxm", "gb300-nvl72", "vr200-nvl72", "mi300x",
    "mi325x", "mi350x", "mi355x", "tpu-v3", "tpu-v4", "tpu-v5e", "tpu-v5p", "tpu-v6e", "tpu-v7",
    "trainium1", "trainium2", "trainium3", "gaudi2", "gaudi3",
)  # fmt: skip
# No figure of the network between its pods is published.
NO_SCALE_OUT = {"tpu-v3"}

# 16-bit operations that one unit makes in a clock, and the boost clock [MHz]: vendors' data sheets.
CLOCKED = [
    ("v100-sxm", 1024, 1530),
    ("a100-sxm-80gb", 2048, 1410),
    ("h100-sxm", 4096, 1830),
    ("mi300x", 2048, 2100),
    ("mi325x", 2048, 2100),
    ("mi350x", 4096, 2200),
    ("mi355x", 4096, 2400),
]

# Names that mean no chip of the catalogue, no single chip, or a chip run below its rating.
UNRESOLVED = {
    "",
    "N/A",
    "B200 (power limited)",
    "H100 (Alps GH200)",
    "NVIDIA GeForce RTX 4090",
    "NVIDIA H200-SXM-141GB (MaxQ)",
    "NVIDIA Jetson AGX Orin 64G",
    "NVIDIA RTX PRO 4500 Blackwell",
    "AMD Instinct MI355X 288GB HBM3e (Power Cap 1000 W)",
}

MEASUREMENTS = [
    ("training_steps.csv", "hardware"),
    ("training_runs.csv", "hardware"),
    ("serving.csv", "hardware"),
    ("mlperf_training.csv", "accelerator"),
    ("mlperf_inference.csv", "accelerator"),
    ("power.csv", "hardware"),
]


def test_there_are_enough_chips_and_systems() -> None:
    assert len(CHIPS) >= 27
    assert len(SYSTEMS) >= 20


@pytest.mark.parametrize(("chip", "field", "value"), PUBLISHED)
def test_published_number(chip: str, field: str, value: float) -> None:
    assert CATALOG.get("chip", chip).number(field) == value


@pytest.mark.parametrize("chip", TRAINERS)
def test_chips_to_train_on_state_their_networks(chip: str) -> None:
    entry = CATALOG.get("chip", chip)
    assert {"scale_up_chips", "scale_up_gb_per_s"} <= entry.facts.keys()
    assert ("scale_out_gbit_per_s" in entry) == (chip not in NO_SCALE_OUT)
    # Gbit/s in one direction against GB/s in both.
    out_gb_per_s = entry.number("scale_out_gbit_per_s", 1.0) / 8.0 * 2.0
    assert out_gb_per_s < entry.number("scale_up_gb_per_s")
    gpu = entry.text("vendor") in {"NVIDIA", "AMD"}
    assert ("sm_count" in entry) == gpu


@pytest.mark.parametrize(("chip", "flop_per_clock", "boost_mhz"), CLOCKED)
def test_units_times_clock_give_the_peak(chip: str, flop_per_clock: int, boost_mhz: int) -> None:
    entry = CATALOG.get("chip", chip)
    peak_tflops = entry.number("sm_count") * flop_per_clock * boost_mhz * 1e6 / 1e12
    assert entry.number("bf16_tflops") == pytest.approx(peak_tflops, rel=0.005)


@pytest.mark.parametrize("chip", CHIPS, ids=lambda entry: entry.id)
def test_a_narrower_format_is_never_slower(chip: catalog.Entry) -> None:
    bf16 = chip.number("bf16_tflops")
    fp8 = chip.number("fp8_tflops", bf16)
    assert bf16 <= fp8 <= chip.number("fp4_tflops", fp8)


@pytest.mark.parametrize("chip", CHIPS, ids=lambda entry: entry.id)
def test_all_in_power_covers_the_chip(chip: catalog.Entry) -> None:
    all_in_w = chip["all_in_it_kw"].number * 1000.0
    if "tdp_w" not in chip:
        assert chip.id == "mi455x"  # known only by its rack
        return
    ratio = all_in_w / chip.number("tdp_w")
    assert 1.0 < ratio < 2.5


def test_power_derived_by_ratio_follows_the_stated_formula() -> None:
    derived = [c for c in CHIPS if c["all_in_it_kw"].source.id == "epoch-gpu-power-share-2025"]
    assert len(derived) >= 10
    for chip in derived:
        expected_kw = chip.number("tdp_w") / 1000.0 * IT_OVER_TDP
        fact = chip["all_in_it_kw"]
        assert fact.number == pytest.approx(expected_kw, abs=6e-4), chip.id
        assert fact.basis == "derived"
        assert "1.53" in fact.note


@pytest.mark.parametrize(
    "system", [s for s in SYSTEMS if {"system_kw", "rack_kw"} & s.facts.keys()], ids=lambda s: s.id
)
def test_rated_power_is_the_nameplate_of_the_system_with_the_network(
    system: catalog.Entry,
) -> None:
    nameplate_kw = system.number("system_kw", 0.0) or system.number("rack_kw")
    per_chip_kw = nameplate_kw / system.number("chips_per_scale_up_domain")
    fact = CATALOG.get("chip", system.text("chip"))["all_in_it_kw"]
    assert fact.number == pytest.approx(per_chip_kw * IT_OVER_SERVER, abs=6e-4)
    assert "x 1.14" in fact.note


def test_chips_of_one_server_have_one_rated_power() -> None:
    for chip, twin in (("h800-sxm", "h100-sxm"), ("a100-sxm-40gb", "a100-sxm-80gb")):
        rated_kw = CATALOG.get("chip", twin).number("all_in_it_kw")
        assert CATALOG.get("chip", chip).number("all_in_it_kw") == rated_kw


@pytest.mark.parametrize("chip", CHIPS, ids=lambda entry: entry.id)
def test_memory_and_compute_are_of_one_order(chip: catalog.Entry) -> None:
    # BF16 operations per byte of memory traffic: from 37 (H20) to 863 (MTIA v2, on LPDDR5).
    intensity = chip.number("bf16_tflops") * 1e12 / (chip.number("hbm_gb_per_s") * 1e9)
    assert 30.0 < intensity < 1000.0


@pytest.mark.parametrize("chip", CHIPS, ids=lambda entry: entry.id)
def test_prices_are_ordered(chip: catalog.Entry) -> None:
    if {"own_usd_per_h", "rent_usd_per_h"} <= chip.facts.keys():
        assert chip.number("own_usd_per_h") <= chip["rent_usd_per_h"].span[1] or (
            "below the owner cost" in chip["rent_usd_per_h"].note
        )
    if "price_usd" in chip:
        assert 1000.0 < chip.number("price_usd") < 100_000.0


def test_chip_and_system_point_at_each_other() -> None:
    linked = [c for c in CHIPS if "system" in c]
    assert len(linked) == len(SYSTEMS)
    for chip in linked:
        assert CATALOG.get("system", chip.text("system")).text("chip") == chip.id


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda entry: entry.id)
def test_system_agrees_with_its_chip(system: catalog.Entry) -> None:
    chip = CATALOG.get("chip", system.text("chip"))
    assert system.number("chips_per_scale_up_domain") == chip.number("scale_up_chips")
    assert system.number("chips_per_host", 1.0) <= system.number("chips_per_scale_up_domain")
    assert system.text("cooling", "air") in {"air", "liquid", "hybrid"}


@pytest.mark.parametrize("system", [s for s in SYSTEMS if "rack_kw" in s], ids=lambda s: s.id)
def test_a_rack_draws_more_than_its_chips_and_no_more_than_their_all_in_power(
    system: catalog.Entry,
) -> None:
    chip = CATALOG.get("chip", system.text("chip"))
    chips = system.number("chips_per_rack")
    assert chip.number("tdp_w", 0.0) / 1000.0 * chips < system.number("rack_kw")
    assert system.number("rack_kw") <= chip["all_in_it_kw"].span[1] * chips + 1e-9


@pytest.mark.parametrize(
    ("name", "chip"),
    [
        ("H100", "h100-sxm"),
        ("b200", "b200-sxm"),
        ("GB200", "gb200-nvl72"),
        ("DGX-GB200", "gb200-nvl72"),
        ("NVIDIA B200-SXM-180GB", "b200-sxm"),
        ("MI300X-192GB 750W", "mi300x"),
        ("TPU v5p", "tpu-v5p"),
        ("Ironwood", "tpu-v7"),
        ("Rubin", "vr200-nvl72"),
        ("Ascend 910C", "ascend-910c"),
        ("DGX A100", "a100-sxm-40gb"),
    ],
)
def test_alias(name: str, chip: str) -> None:
    assert CATALOG.get("chip", name).id == chip


@pytest.mark.parametrize("name", sorted(UNRESOLVED - {""}))
def test_a_name_that_means_no_one_chip_stays_unresolved(name: str) -> None:
    assert not CATALOG.has("chip", name)


@pytest.mark.parametrize(("file", "column"), MEASUREMENTS)
def test_measured_hardware_resolves(shared: Path, file: str, column: str) -> None:
    with (shared / "measurements" / file).open(encoding="utf-8", newline="") as handle:
        names = Counter(row[column] for row in csv.DictReader(handle))
    known = sum(count for name, count in names.items() if CATALOG.has("chip", name))
    missing = {name for name in names if not CATALOG.has("chip", name)}
    assert known >= 0.9 * names.total(), missing
    # What stays unresolved is known by name: mixtures, Arc cards, and the list above.
    assert {n for n in missing if " and " not in n and "), " not in n and "Arc" not in n} <= (
        UNRESOLVED
    )
