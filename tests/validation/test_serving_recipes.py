"""What published recipes and earlier rows add to serving points that do not say it."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.validation.serving_disaggregated import DividedRow, divided, read_divided_row
from gigawatt.validation.serving_recipes import with_copies
from gigawatt.validation.serving_rows import read_serving_row

# AIConfigurator's list: DeepSeek-R1 in FP4 on GB200, numbers of instances not stated. InferenceX's
# recipe gpt1_gen4_tep8_batch32_eplb0_mtp0 has one reader of 4 and four writers of 8.
SILENT = {
    "model": "deepseek-ai/DeepSeek-R1",
    "precision": "fp4",
    "hardware": "GB200 NVL72",
    "num_gpus": "",
    "tp": "P4/D8",
    "pp": "P1/D1",
    "ep": "P4/D4",
    "attn_dp": "P1/D1",
    "mode": "disaggregated",
    "engine": "trtllm",
    "isl": "1024",
    "osl": "1024",
    "concurrency": "96",
    "batch_size": "P/D x workers P/D",
    "ttft_ms": "311",
    "tpot_ms": "10.06",
    "date": "2026-03-23",
    "notes": "",
}
# The same engine alone, on eight B200: image 1.2.0rc6.post3 was published with drafts only.
ALONE = {
    "model": "deepseek-ai/DeepSeek-R1",
    "precision": "fp8",
    "hardware": "B200-SXM",
    "num_gpus": "8",
    "tp": "8",
    "ep": "1",
    "engine": "trtllm",
    "engine_version": "1.2.0rc6.post3",
    "isl": "1024",
    "osl": "1024",
    "concurrency": "16",
    "ttft_ms": "200",
    "tpot_ms": "6",
    "date": "2026-02-05",
}


def _read(**changes) -> DividedRow:
    found = read_divided_row({**SILENT, **changes})
    assert isinstance(found, DividedRow), found
    return found


def test_a_recipe_says_how_many_there_are_and_how_they_spread_the_model():
    row = _read()
    assert (row.readers, row.writers, row.drafted) == (1, 4, 0.0)
    assert row.reading == {"tp": 1, "attn_dp": 4, "pp": 1, "ep": 4}
    assert row.writing == {"tp": 8, "attn_dp": 1, "pp": 1, "ep": 8}
    assert divided(row).tpot_s == pytest.approx(row.tpot_s, rel=0.35)


def test_latencies_do_not_choose_the_recipe():
    assert _read(ttft_ms="1", tpot_ms="1").writers == _read().writers
    # Recipes are those of an architecture, whatever its weights are called.
    assert _read(model="deepseek-ai/DeepSeek-V3").writers == 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"concurrency": "97"}, "workers not stated"),
        ({"isl": "2048"}, "workers not stated"),
        ({"tp": "P8/D8"}, "workers not stated"),
        ({"precision": "bf16"}, "workers not stated"),
        # Twelve requests at a time were published with drafts and without.
        ({"concurrency": "12"}, "differ"),
        # One wave on H200 by SGLang: two recipes without drafts and two with, of unknown number.
        (
            {"hardware": "H200-SXM-141GB", "precision": "fp8", "engine": "sglang",
             "tp": "P8/D8", "concurrency": "64"},
            "differ",
        ),
    ],
)  # fmt: skip
def test_rows_that_no_recipe_settles_say_so(change, reason):
    assert reason in read_divided_row({**SILENT, **change})


def test_drafted_tokens_come_with_the_recipe_and_make_answers_faster():
    row = _read(isl="8192", concurrency="24", tpot_ms="4.2")
    assert row.drafted == 3.0
    found = divided(row)
    assert found.tpot_s == pytest.approx(row.tpot_s, rel=0.35)
    plain = divided(_read(isl="8192", concurrency="44", tpot_ms="8.8"))
    assert found.tpot_s < plain.tpot_s


def test_single_instances_draft_where_their_image_was_published_so():
    assert read_serving_row(ALONE).drafted == 3.0
    # With groups of attention they draft one.
    grouped = {**ALONE, "tp": "1", "attn_dp": "8", "ep": "8"}
    assert read_serving_row(grouped).drafted == 1.0
    assert read_serving_row({**ALONE, "engine_version": "1.2.0rc6.post2"}).drafted == 0.0
    assert read_serving_row({**ALONE, "engine_version": "1.3.0"}).drafted == 0.0
    both = {**ALONE, "engine_version": "1.1.0rc2.post2", "date": "2026-01-14"}
    assert "both with and without" in read_serving_row(both)
    assert read_serving_row({**both, "date": "2025-12-15"}).drafted == 0.0


def test_a_copy_takes_the_layout_of_the_row_that_it_repeats():
    first = {
        **SILENT, "num_gpus": "36", "tp": "P1/D8", "ep": "P4/D8", "attn_dp": "P4/D1",
        "batch_size": "P1/D24 x workers P1/D4",
    }  # fmt: skip
    copy = {**SILENT, "notes": "[DUPLICATE of an earlier row] counts missing"}
    other = {**copy, "tpot_ms": "5"}
    _, found, left = with_copies([first, copy, other])
    assert (found["num_gpus"], found["batch_size"]) == ("36", "P1/D24 x workers P1/D4")
    assert read_divided_row(found).writers == 4
    # Not a copy of it, as it was measured otherwise; nor is a row that does not call itself one.
    assert left == other
    assert with_copies([first, SILENT])[1] == SILENT


def test_every_recipe_is_whole():
    from gigawatt.validation import serving_recipes

    recipes = [one for found in serving_recipes._recipes().values() for _, one in found]
    assert len(recipes) > 500
    for recipe in recipes:
        assert recipe.readers >= 1
        assert recipe.writers >= 1
        assert np.isnan(recipe.drafted) or recipe.drafted in (0.0, 1.0, 2.0, 3.0)
        for layout in recipe.layouts:
            assert layout["tp"] * layout["attn_dp"] in (1, 2, 4, 8, 16, 24, 32, 48)
