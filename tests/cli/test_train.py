"""``gigawatt train``: what it prints, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import gigawatt as gw
from gigawatt.cli._train_options import FIELDS, WORDS, layout_fields
from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding
from gigawatt.errors import InputError

GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "reference" / "glossary.md"
SMALL = ("train", "llama-3.1-8b", "--chip", "h100", "--count", "64", "--batch", "512")
LLAMA = ("train", "llama-3.1-405b", "--chip", "h100", "--count", "16384")
WORDED = {"recompute": Recompute, "sharding": Sharding, "schedule": Schedule}


@pytest.fixture(scope="module")
def llama():
    return gw.plan_training("llama-3.1-405b", chip="h100", count=16384)


def rows(text, title):
    """Return the lines under a heading, up to the next empty line."""
    return text.partition(title)[2].partition("\n\n")[0].splitlines()[1:]


# --- the answer


def test_text_holds_the_answer_first(cli, llama):
    result = cli(*LLAMA, "--quiet")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    top = result.stdout.partition("\nLayout\n")[0]
    assert top.startswith(
        "llama-3.1-405b on 16,384 h100-sxm\n2,048 sequences of 8,192 tokens, bf16"
    )
    for label in ("step time", "throughput", "model FLOP", "memory", "time to train", "goodput"):
        assert label in top
    assert f"{100 * llama.best.mfu:.1f} %" in top


def test_parts_of_the_step_add_up_in_the_text_and_in_the_plan(cli, llama):
    shown = rows(cli(*LLAMA).stdout, "Where the time of a step goes")[1:]
    numbers = [float(re.findall(r"[\d,.]+", line)[-2].replace(",", "")) for line in shown]
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=len(numbers))
    parts = llama.best.seconds_by_part
    assert sum(parts.values()) == pytest.approx(llama.best.step_s.value)
    assert numbers[-1] == pytest.approx(1e3 * llama.best.step_s.value, abs=1)


def test_parts_of_the_memory_add_up(cli):
    shown = rows(cli(*SMALL).stdout, "Memory of the fullest accelerator")[1:]
    held = [float(line.split()[-1]) for line in shown]
    assert sum(held[:-2]) == pytest.approx(held[-2], abs=0.06 * len(held))


def test_the_best_is_the_quickest_and_fits(llama):
    times = [layout.step_s.value for layout in llama.layouts]
    assert times == sorted(times)
    assert all(layout.fits for layout in llama.layouts)
    assert all(int(layout.layout.accelerators) == 16384 for layout in llama.layouts)
    assert len({str(layout.layout) for layout in llama.layouts}) == len(times) == 5


def test_the_front_trades_time_for_memory(llama):
    times = [point["step_time_s"] for point in llama.front]
    memory = [point["used_gb"] for point in llama.front]
    assert times == sorted(times)
    assert memory == sorted(memory, reverse=True)
    assert times[0] == pytest.approx(llama.best.step_s.value)


@pytest.mark.parametrize(("seq", "name", "tokens"), [("8192", "8K", 2048), ("131072", "128K", 128)])
def test_llama_3_is_compared_with_its_published_layout(cli, seq, name, tokens):
    text = cli(*LLAMA, "--seq", seq).stdout
    block = text.partition(f"Published: Llama 3.1 405B, {name} context on 16,384")[2]
    assert "tp=8,pp=16," in block
    assert "sharding=gradients" in block
    for label in ("measured", "predicted as it was run", "in the plan's setting", "tokens/s"):
        assert label in block
    assert f"{tokens:,} sequences" in text


def test_a_published_layout_is_never_quicker_than_the_plan(llama):
    # The plan's search holds it, in the same precision and with the same software.
    for one in llama.published:
        assert one.published.global_batch == llama.global_batch
        assert one.now.step_s.value >= llama.best.step_s.value


def test_json_is_the_plan(cli, llama):
    shown = json.loads(cli(*LLAMA, "--format", "json").stdout, parse_constant=pytest.fail)
    assert shown == json.loads(json.dumps(llama.as_dict()))


def test_the_same_seed_gives_the_same_days(cli):
    def answer(seed):
        return json.loads(cli(*SMALL, "--format", "json", "--seed", seed).stdout)

    assert answer("3") == answer("3")
    assert answer("3")["time_to_train"]["days"] != answer("4")["time_to_train"]["days"]


def test_twice_the_tokens_take_twice_as_long(cli):
    def days(tokens):
        found = cli(*SMALL, "--format", "json", "--tokens", tokens)
        return json.loads(found.stdout)["time_to_train"]["days"]["p50"]

    assert days("2 T") == pytest.approx(2 * days("1 T"), rel=0.02)


def test_less_power_and_older_software_are_no_quicker(cli):
    def step(*options):
        return json.loads(cli(*SMALL, "--format", "json", *options).stdout)["best"]["step_time_s"]

    assert step("--power-share", "60 %")["p50"] >= step()["p50"]
    assert step("--software", "2023")["p50"] > step()["p50"]


def test_a_model_without_published_tokens_asks_for_them(cli):
    text = cli("train", "megatron-1t", "--chip", "b200", "--count", "512").stdout
    assert "needs --tokens" in text


# --- narrowing


def test_fixed_fields_hold_for_every_layout(cli):
    asked = ("--fix", "tp=4", "--fix", "recompute=full,sharding=full", "--format", "json")
    shown = json.loads(cli(*SMALL, *asked).stdout)
    for one in (shown["best"], *shown["alternatives"]):
        layout = one["layout"]
        assert (layout["tp"], layout["recompute"], layout["sharding"]) == (4, 2, 3)


def test_a_stated_layout_is_estimated_and_comes_back(cli):
    stated = "tp=2,pp=4,vpp=2,micro_batch=2,recompute=full"
    text = cli(*SMALL, "--layout", stated).stdout
    shown = re.search(r"--layout (\S+)", text)[1]
    assert layout_fields(None, None, shown) == layout_fields(None, None, f"{stated},dp=8")
    assert "Best layouts" not in text
    assert text == cli(*SMALL, "--layout", shown).stdout


def test_a_stated_layout_that_does_not_fit_says_so(cli):
    text = cli("train", "llama-3.1-70b", "--chip", "h100", "--count", "64", "--layout", "tp=1",
               "--batch", "64").stdout  # fmt: skip
    assert "GB: does not fit" in text


def test_the_search_finds_no_less_than_the_layout_stated(cli):
    def step(*options):
        return json.loads(cli(*SMALL, "--format", "json", *options).stdout)["best"]["step_time_s"]

    assert step()["p50"] <= step("--layout", "tp=4,micro_batch=2")["p50"]


def test_option_words_are_those_of_the_layout():
    assert sorted(FIELDS) == sorted(Layout.__slots__)
    for name, kind in WORDED.items():
        assert len(WORDS[name]) == len(kind)
        if name != "schedule":
            assert [word.upper() for word in WORDS[name]] == [member.name for member in kind]


# --- launch flags


def test_flags_are_all_that_is_printed(cli):
    result = cli(*SMALL, "--flags", "megatron", "--quiet")
    assert result.stderr == ""
    line = result.stdout.strip()
    assert "\n" not in line
    assert "torchrun --nnodes 8 " in line
    assert "--global-batch-size 512 " in line


def test_torchtitan_gets_a_fully_sharded_layout(cli):
    tomllib = pytest.importorskip("tomllib")
    result = cli(*SMALL, "--flags", "torchtitan")
    assert "fully sharded" in result.stderr
    config = tomllib.loads(result.stdout)
    degrees = config["parallelism"]
    ranks = degrees["data_parallel_replicate_degree"] * degrees["data_parallel_shard_degree"]
    cut = degrees["tensor_parallel_degree"] * degrees["context_parallel_degree"]
    assert ranks * cut * degrees["pipeline_parallel_degree"] == 64
    assert config["training"]["global_batch_size"] == 512


# --- bad input


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("llama-3.1-405", "--chip", "h100", "--count", "8"), "did you mean llama-3.1-405b"),
        (("llama-3.1-8b", "--chip", "h101", "--count", "8"), "no chip named 'h101'"),
        (("llama-3.1-8b", "--chip", "h100", "--count", "0"), "'--count'"),
        (("llama-3.1-8b", "--chip", "h100"), "Missing option '--count'"),
        (("none.json", "--chip", "h100", "--count", "8"), "none.json"),
        (("llama-3.1-405b", "--chip", "h100", "--count", "8"), "does not fit in memory ("),
    ],
)
def test_what_is_wrong_is_said_in_one_line(cli, args, said):
    result = cli("train", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--precision", "fp4", "--precision must be one of bf16, fp8"),
        ("--precision", "nvfp4", "h100-sxm computes in, bf16, fp8"),
        ("--tokens", "lots", "'--tokens'"),
        ("--fix", "tp=some", "tp must be a whole number of at least 1; found 'some'"),
        ("--fix", "recompute=half", "one of none, selective, full, operators; found 'half'"),
        ("--fix", "gpus=8", "'--fix': expected FIELD=VALUE"),
        ("--fix", "dp=7", "batch does not divide (1)"),
        ("--layout", "tp=3", "layout: tp * pp * cp * dp must be 64; found 63"),
        ("--layout", "tp=8,dp=4", "layout: tp * pp * cp * dp must be 64; found 32"),
        ("--layout", "dp=64,micro_batch=3", "layout: 64 ranks with micro-batches of 3"),
        ("--layout", "tp=64", "64 ranks do not divide the 32 heads"),
        ("--software", "tomorrow", "software must be 'today'"),
        ("--software", "gigatron@2025-01", "found 'gigatron@2025-01'"),
        ("--reliability", "perfect", "no reliability named 'perfect'"),
        ("--power-share", "120 %", "at most 1; found '120 %'"),
        ("--idle", "-1", "at least 0"),
        ("--top", "0", "'--top'"),
    ],
)
def test_bad_values_name_their_option(cli, option, value, said):
    result = cli(*SMALL, option, value)
    assert (result.exit_code, result.stdout) == (2, ""), result.stdout
    assert said in result.stderr


def test_fix_and_layout_exclude_each_other(cli):
    result = cli(*SMALL, "--fix", "tp=2", "--layout", "tp=2")
    assert result.exit_code == 2
    assert "leave one out" in result.stderr


def test_the_same_errors_in_python():
    with pytest.raises(InputError, match="no field heads"):
        gw.plan_training("llama-3.1-8b", chip="h100", count=64, fixed={"heads": 1})
    with pytest.raises(InputError, match="no field heads"):
        gw.plan_training("llama-3.1-8b", chip="h100", count=64, layout={"heads": 1})


# --- the glossary


def keys(value, path=""):
    """Yield the paths of all that is in an answer, as the glossary writes them."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from keys(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from keys(value[0], f"{path}[]")
    else:
        yield path


def test_the_glossary_has_every_key_of_the_answer(llama):
    text = GLOSSARY.read_text(encoding="utf-8")

    def listed(title):
        body = text.partition(f"# {title}\n")[2].partition("\n#")[0]
        return {name.removesuffix("[]") for name in re.findall(r"^\| `([^`]+)` \|", body, re.M)}

    plan, step, layout = (listed(f"Training {part}") for part in ("plan", "step", "layout"))
    answer = llama.as_dict()
    made = {key.removesuffix("[]") for key in keys(answer)}
    steps = ("best", "alternatives[]", "published[].as_run", "published[].as_planned")
    for start in steps:
        inside = {key.removeprefix(f"{start}.") for key in made if key.startswith(f"{start}.")}
        made -= {f"{start}.{key}" for key in inside}
        made.add(start.removesuffix("[]"))
        laid = {key.removeprefix("layout.") for key in inside if key.startswith("layout.")}
        assert laid == layout
        assert {key for key in inside if not key.startswith("layout.")} | {"layout"} == step
    made = {re.sub(r"^(search\.rejected|pareto\[\]\.layout)\..*", r"\1", key) for key in made}
    groups = {"published", "pareto", "time_to_train"}
    assert made == plan - groups
