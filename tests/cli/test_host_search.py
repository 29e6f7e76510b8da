"""What ``gigawatt host`` prints of percentiles, batching and separate instances."""

from __future__ import annotations

import json
import re

import pytest

ASKED = (
    "host", "llama-3.1-70b", "--chip", "h100", "--ttft", "2s", "--tpot", "40ms",
    "--input", "1000", "--output", "120", "--max-chips", "4",
)  # fmt: skip


def answer(cli, *args):
    result = cli(*args, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout, parse_constant=pytest.fail)


def test_percentiles_are_shown_with_their_errors(cli):
    found = answer(cli, *ASKED, "--percentile", "90")["best"]["simulated"]
    text = cli(*ASKED, "--percentile", "P90").stdout
    assert f"Simulated: {found['requests_per_s']:,.3g} requests/s with P90 in the limits" in text
    assert "per token within 40 ms in the P90" in text
    for name in ("mean", "p50", "p90", "p95", "p99"):
        assert re.search(rf"^  {name} +[\d.,]+ ± [\d.,]+ +[\d.,]+ ± [\d.,]+$", text, re.M), name
    assert found["tpot_ms"]["p90"]["value"] <= 40.0
    said = f"Arrivals Poisson, lengths all alike, {found['requests']:,} requests measured"
    assert said in " ".join(text.split())


def test_the_batching_shown_gives_the_same_again(cli):
    args = (*ASKED, "--chunk-tokens", "512", "--max-sequences", "16")
    shown = re.search(r"--split .*", cli(*args).stdout)[0]
    assert shown.endswith("--chunk-tokens 512 --max-sequences 16")
    again = answer(cli, *ASKED, *shown.split())["best"]
    assert again == answer(cli, *args)["best"]


def test_chunks_are_searched(cli):
    chunk = answer(cli, *ASKED, "--chunk-tokens", "search")["best"]["chunk_tokens"]
    assert chunk in (512, 1024, 2048, 4096, 8192, 16384)


def test_separate_instances_are_shown_beside_those_that_do_both(cli):
    found = answer(cli, *ASKED, "--disaggregated")["disaggregated"]
    text = " ".join(cli(*ASKED, "--disaggregated").stdout.split())
    verdict = "more" if found["gain"] > 0 else "less"
    assert f"Disaggregated: {abs(found['gain']):.0%} {verdict} than instances that do both" in text
    assert f"read prompts {found['best']['prefill_instances']} x " in text
    assert "sending the cache" in text
    assert "P per D" in text
    assert "Disaggregated" not in cli(*ASKED).stdout
    late = cli(*ASKED[:5], "9ms", *ASKED[6:], "--disaggregated")
    assert late.exit_code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--percentile 42", "expected one of 50, 90, 95, 99; found '42'"),
        ("--chunk-tokens many", "expected a whole number of at least 1 or 'search'"),
        ("--chunk-tokens 0", "expected a whole number of at least 1 or 'search'"),
        ("--max-sequences 0", "'--max-sequences'"),
        ("--burstiness -1", "'--burstiness'"),
        ("--percentile 90 --disaggregated", "leave percentile out"),
    ],
)
def test_bad_values_are_named(cli, options, said):
    result = cli(*ASKED, *options.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())
