"""``gigawatt host``: what it prints, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import gigawatt as gw
from gigawatt.cli import host
from gigawatt.compute.hosting.setting import ENGINES, WEIGHTS
from gigawatt.compute.hosting.step import Split

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "plan-hosting.md"
ASKED = ("--ttft", "2s", "--tpot", "50ms", "--input", "1000", "--output", "500")
LLAMA = ("host", "llama-3.1-70b", "--chip", "h100", *ASKED)
LOAD = ("--requests-per-s", "200", "--spares", "1")


@pytest.fixture(scope="module")
def llama():
    return gw.plan_hosting(
        "llama-3.1-70b", "h100", ttft_ms=2000, tpot_ms=50, input_tokens=1000, output_tokens=500,
        requests_per_s=200, spares=1,
    )  # fmt: skip


def answer(cli, *args):
    result = cli(*args, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout, parse_constant=pytest.fail)


# --- the answer


def test_text_holds_the_answer_first(cli, llama):
    result = cli(*LLAMA, *LOAD, "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    top = result.stdout.partition("\nSplit\n")[0]
    many = int(llama.best.split.accelerators)
    assert top.startswith(f"llama-3.1-70b on {many} h100-sxm\n1,000 tokens in, 500 out; fp8")
    for label in ("output", "requests", "at a time", "time to first token", "time per token",
                  "memory", "power", "energy", "cost"):  # fmt: skip
        assert re.search(rf"^  {label}  ", top, re.MULTILINE), label
    assert f"{llama.best.concurrency:,.0f} requests" in top
    assert "limits" not in top
    for title in ("Fleet", "Best splits", "Speed for a user", "Notes"):
        assert f"\n{title}" in result.stdout


def test_json_is_the_plan(cli, llama):
    assert answer(cli, *LLAMA, *LOAD) == json.loads(json.dumps(llama.as_dict()))


def test_the_split_shown_gives_the_same_again(cli, llama):
    shown = re.search(r"--split \S+ --concurrency \d+", cli(*LLAMA).stdout)[0]
    again = answer(cli, *LLAMA, *shown.split())
    assert again["best"] == json.loads(json.dumps(llama.as_dict()))["best"]
    assert again["alternatives"] == again["pareto"] == []


def test_a_concurrency_beyond_the_limits_says_so(cli):
    text = cli(*LLAMA, "--split", "tp=8", "--concurrency", "5000").stdout
    assert "not kept at this concurrency" in text
    assert "waiting for memory" in text


def test_units_are_read(cli):
    plain = answer(cli, *LLAMA)
    same = ("--ttft", "2000", "--tpot", "0.05 s", "--input", "1 k", "--output", "500 tokens")
    assert answer(cli, "host", "llama-3.1-70b", "--chip", "h100", *same) == plain
    half, number = (answer(cli, *LLAMA, "--cached", share) for share in ("50%", "0.5"))
    assert half == number
    assert half["request"]["cached_share"] == 0.5


def test_without_limits_none_are_told(cli):
    args = ("host", "llama-3.1-8b", "--chip", "h100", "--input", "1000", "--output", "500")
    found = answer(cli, *args)
    assert found["limits"] == {"ttft_ms": None, "tpot_ms": None, "sure": False}
    assert "in the mean" not in cli(*args).stdout


def test_top_limits_the_list(cli):
    assert len(answer(cli, *LLAMA, "--top", "2")["alternatives"]) == 1
    assert "Best splits" not in cli(*LLAMA, "--top", "1").stdout


def test_a_price_of_ones_own_scales_the_cost(cli):
    def cost(usd):
        found = answer(cli, *LLAMA, "--usd-per-chip-hour", usd)
        return found["upkeep"]["usd_per_million_output_tokens"]["p50"]

    assert cost("4") == pytest.approx(2 * cost("2"))


def test_a_chip_without_a_price_costs_nothing_known(cli):
    args = ("host", "llama-3.1-8b", "--chip", "l40s", "--input", "1000", "--output", "500")
    assert "needs --usd-per-chip-hour" in cli(*args).stdout
    assert answer(cli, *args)["upkeep"]["usd_per_million_output_tokens"] is None


def test_a_configuration_of_hugging_face_is_a_model(cli, tmp_path):
    config = {
        "model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096,
        "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
        "vocab_size": 128256, "tie_word_embeddings": False,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    own = answer(cli, "host", "config.json", "--chip", "l40s", *ASKED)
    known = answer(cli, "host", "llama-3.1-8b", "--chip", "l40s", *ASKED)
    assert own["best"]["split"] == known["best"]["split"]
    assert own["best"]["tpot_ms"]["p50"] == pytest.approx(known["best"]["tpot_ms"]["p50"])


def test_words_of_the_options_are_those_of_the_model(cli):
    assert sorted(host._FIELDS) == sorted(Split.__slots__)
    text = " ".join(cli("host", "--help").stdout.split())
    assert all(name in text for name in (*WEIGHTS, *ENGINES))


# --- bad input


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("llama-3.1-405", "--chip", "h100", *ASKED), "did you mean llama-3.1-405b"),
        (("llama-3.1-8b", "--chip", "h101", *ASKED), "no chip named 'h101'"),
        (("none.json", "--chip", "h100", *ASKED), "none.json"),
        (("llama-3.1-8b", "--chip", "h100", "--input", "9"), "Missing option '--output'"),
        (("deepseek-v3", "--chip", "h100", *ASKED), "16 accelerators hold it"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(cli, args, said):
    result = cli("host", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--ttft soon", "'--ttft'"),
        ("--ttft 1us", "'us' is not a unit"),
        ("--ttft 1ms", "first token too late even for a single request"),
        ("--tpot 0.1ms", "tokens too slow even for a single request"),
        ("--input 0", "'--input': must be at least 1"),
        ("--cached 100%", "'--cached': must be at least 0 and at most 0.999"),
        ("--accepted 0.5", "'--accepted'"),
        ("--weights fp7", "weights must be one of bf16, fp8"),
        ("--kv-cache fp4", "cache must be one of bf16, fp8"),
        ("--software guess", "software must be one of vllm"),
        ("--max-chips 0", "'--max-chips'"),
        ("--split tp=3", "split: heads do not divide"),
        ("--split tp=x", "tp must be a whole number of at least 1; found 'x'"),
        ("--split dp=2", "a field of tp, attn_dp, pp, ep; found 'dp=2'"),
        ("--concurrency 8", "state the split too"),
        ("--requests-per-s 1 --tokens-per-s 1", "not in both"),
        ("--usd-per-chip-hour 0", "'--usd-per-chip-hour'"),
        ("--pue 0.9", "'--pue'"),
        ("--top 0", "'--top'"),
    ],
)
def test_bad_values_are_named(cli, options, said):
    result = cli(*LLAMA, *options.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())


# --- the guide


def keys(value, path=""):
    """Yield the paths of all that is in an answer, as the guide writes them."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from keys(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from keys(value[0], f"{path}[]")
    else:
        yield path.removesuffix("[]")


def test_the_guide_explains_every_key(llama):
    told = llama.as_dict()
    made = set(keys(told))
    # Alternatives are as the best, and a quantity with a band as any other.
    made = {key for key in made if not key.startswith("alternatives[].")} | {"alternatives"}
    made = {re.sub(r"^search\.rejected\..*", "search.rejected", key) for key in made}
    made = {re.sub(r"\.p\d0$", "", key) for key in made}
    made = {re.sub(r"\bsplit\..*", "split", key) for key in made}
    table = GUIDE.read_text(encoding="utf-8").partition("# Keys")[2].partition("\n#")[0]
    listed = {name.removesuffix("[]") for name in re.findall(r"^\| `([^`]+)` \|", table, re.M)}
    assert made == listed


def test_the_guide_uses_options_that_exist():
    text = GUIDE.read_text(encoding="utf-8")
    shown = set(re.findall(r"--[a-z][a-z-]+", text))
    known = {text for param in host.command.params for text in param.opts}
    assert shown <= known
