"""Published layouts: they make sense, and hold what the papers and the raw data hold."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.training.layout import Recompute, Sharding
from gigawatt.compute.training.published import published_at, published_layouts
from gigawatt.compute.work import training_flop_per_token

if TYPE_CHECKING:
    from pathlib import Path

BOOK = catalog.load()
LAYOUTS = BOOK.entries("layout")
NAMES = [entry.id for entry in LAYOUTS]
TIMED = [entry for entry in LAYOUTS if "step_time_s" in entry]


def read(entry):
    return next(p for p in published_layouts(entry.text("model")) if p.id == entry.id)


def test_there_are_layouts_of_many_models():
    assert len({entry.text("model") for entry in LAYOUTS}) >= 12
    assert len(TIMED) >= 25


@pytest.mark.parametrize("entry", LAYOUTS, ids=NAMES)
def test_degrees_divide_what_they_cut(entry):
    layout, arch = read(entry).layout, architecture(entry.text("model"))
    assert layout.accelerators == entry.number("accelerators")
    assert arch.heads % layout.tp == 0
    assert arch.layers >= layout.pp
    assert entry.number("seq_len") % layout.cp == 0
    assert entry.number("global_batch") % (layout.dp * layout.micro_batch) == 0
    assert layout.ep == 1 or arch.experts % layout.ep == 0
    assert (layout.tp * layout.cp * layout.dp) % (layout.ep * layout.etp) == 0


@pytest.mark.parametrize("entry", TIMED, ids=lambda entry: entry.id)
def test_no_step_is_quicker_than_its_chip(entry):
    arch, chip = architecture(entry.text("model")), BOOK.get("chip", entry.text("chip"))
    precision = "fp8" if entry.text("precision") == "fp8" else "bf16"
    tokens = entry.number("global_batch") * entry.number("seq_len")
    flop = training_flop_per_token(arch, entry.number("seq_len")) * tokens
    peak = chip.number(f"{precision}_tflops") * 1e12 * entry.number("accelerators")
    mfu = flop / entry.number("step_time_s") / peak
    assert 0.1 < mfu < 0.65
    if "published_mfu" in entry:
        # Definitions differ in how they count attention and the output head.
        assert (
            mfu == pytest.approx(entry.number("published_mfu"), rel=0.1) or entry["step_time_s"].low
        )


def test_llama_3_as_in_table_4():
    chip = BOOK.get("chip", "h100")
    for count, seq, dp, cp, batch in (
        (8192, 8192, 64, 1, 2048),
        (16384, 8192, 128, 1, 2048),
        (16384, 131072, 8, 16, 128),
    ):
        (one,) = published_at("llama-3.1-405b", chip, count, seq)
        layout = one.layout
        assert (layout.tp, layout.cp, layout.pp, layout.dp) == (8, cp, 16, dp)
        assert one.global_batch == batch
        assert one.global_batch * seq == 2**24  # 16 million tokens
        assert one.stated["sharding"] == Sharding.GRADIENTS
        assert {"vpp", "micro_batch"} <= set(one.unstated)
        low, high = one.span_s
        assert low < high == one.step_s


def test_what_nobody_published_is_not_stated():
    (falcon,) = published_layouts("falcon-180b")
    assert set(falcon.unstated) == {"vpp", "micro_batch", "recompute", "sharding"}
    assert falcon.step_s is None
    whole = BOOK.get("layout", "gpt-3-175b@selective-64")
    assert read(whole).unstated == ()
    assert read(whole).stated["recompute"] == Recompute.SELECTIVE


def test_a_path_or_an_unknown_model_has_none():
    assert published_layouts("config.json") == ()


def test_megatron_times_follow_from_days():
    # Table 2 of the paper also states the days that 300 billion tokens take.
    for count, days in ((384, 84), (768, 43), (1536, 23)):
        entry = BOOK.get("layout", f"gpt-3-175b@megatron-{count}")
        steps = 300e9 / (entry.number("global_batch") * entry.number("seq_len"))
        assert entry.number("step_time_s") * steps / 86400 == pytest.approx(days, rel=0.025)


def test_deepseek_time_follows_from_its_days():
    entry = BOOK.get("layout", "deepseek-v3@2048")
    steps = 1e12 / (entry.number("global_batch") * entry.number("seq_len"))
    assert entry.number("step_time_s") * steps / 86400 == pytest.approx(3.7, rel=0.02)


@pytest.mark.parametrize(
    ("row", "entry"),
    [
        ("T0626", "gpt-3-175b@selective-64"),
        ("T0628", "megatron-530b@selective-280"),
        ("T0630", "megatron-1t@selective-512"),
        ("T1150", "bloom-176b@384"),
        ("T1324", "mt-nlg-530b@3360"),
    ],
)
def test_times_equal_the_collected_rows(shared: Path, row, entry):
    with (shared / "measurements/training_steps.csv").open(encoding="utf-8", newline="") as file:
        found = next(r for r in csv.DictReader(file) if r["id"] == row)
    one = BOOK.get("layout", entry)
    assert float(found["step_time_s"]) == one.number("step_time_s")
    assert int(found["n_accel"]) == one.number("accelerators")
    assert int(found["global_batch"]) == one.number("global_batch")
    for column in ("TP", "PP"):
        if found[column]:
            assert int(found[column]) == one.number(column.lower())
