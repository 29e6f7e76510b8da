"""``gigawatt host --trace``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest

import gigawatt as gw
from gigawatt.cli import _replay, host
from gigawatt.compute.hosting.engine.config import POLICIES, ROUTERS
from gigawatt.compute.hosting.replay.run import replay_requests
from gigawatt.results import replay_figures
from gigawatt.results.page import plotly_js

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "guides" / "replay-a-trace.md"
COUNT = 120


@pytest.fixture
def trace(tmp_path):
    """Return a small file of requests in the names of the glossary."""
    draw = np.random.default_rng(0)
    arrival_s = np.cumsum(draw.exponential(0.2, COUNT))
    rows = zip(
        arrival_s.round(3), draw.integers(200, 2000, COUNT), draw.integers(20, 300, COUNT),
        strict=True,
    )  # fmt: skip
    path = tmp_path / "requests.csv"
    lines = ["arrival_s,prompt_tokens,output_tokens", *(f"{t},{p},{o}" for t, p, o in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def asked(trace):
    limits = ("--ttft", "500ms", "--tpot", "30ms")
    return ("host", "llama-3.1-8b", "--chip", "h100", "--trace", trace, *limits)


def answer(cli, *args):
    result = cli(*args, "--format", "json", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout, parse_constant=pytest.fail)


# --- the answer


def test_text_holds_the_answer_first(cli, asked):
    result = cli(*asked, "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    top = result.stdout.partition("\nLatency")[0]
    assert top.startswith("llama-3.1-8b on 1 h100-sxm, request by request\n")
    assert "first token within 500 ms and per token within 30 ms in the P99" in top
    for label in ("requests", "instances", "output", "input", "within limits", "goodput", "memory",
                  "busy", "power", "energy", "cost"):  # fmt: skip
        assert re.search(rf"^  {label}  ", top, re.MULTILINE), label
    assert f"{COUNT} in " in top
    for label in ("time to first token [ms]", "time per token [ms]", "whole answer [s]"):
        assert label in result.stdout
    assert "\nNotes\n" in result.stdout


def test_json_is_the_replay(cli, asked, trace):
    found = gw.replay_requests("llama-3.1-8b", "h100", trace, ttft_ms=500, tpot_ms=30)
    assert answer(cli, *asked) == json.loads(json.dumps(found.as_dict()))
    assert isinstance(found, gw.Replay)


def test_the_split_shown_gives_the_same_again(cli, asked):
    shown = re.search(r"--split \S+ --replicas \d+", cli(*asked).stdout)[0]
    assert answer(cli, *asked, *shown.split()) == answer(cli, *asked)


def test_options_reach_the_engine(cli, asked):
    found = answer(
        cli, *asked, "--split", "tp=2", "--pools", "1:2", "--policy", "sarathi",
        "--router", "least-tokens", "--chunk-tokens", "1024", "--max-sequences", "64", "--speed",
        "2", "--limit", "50", "--percentile", "90", "--no-prefix-cache", "--seed", "3",
    )  # fmt: skip
    assert (found["instances"], found["prefill_instances"], found["accelerators"]) == (3, 1, 6)
    assert found["trace"]["requests"] == 50
    assert found["limits"]["percentile"] == 90
    engine = found["engine"]
    assert (engine["policy"], engine["router"]) == ("sarathi", "least-tokens")
    assert (engine["chunk_tokens"], engine["max_sequences"]) == (1024, 64)
    assert (engine["prefix_cache"], engine["seed"]) == (False, 3)


def test_progress_is_told_of_long_traces_only(cli, asked, trace, tmp_path):
    assert cli(*asked).stderr == ""
    head, *rows = trace.read_text(encoding="utf-8").splitlines()
    step = float(rows[-1].partition(",")[0]) + 1.0
    long = tmp_path / "long.csv"
    with long.open("w", encoding="utf-8") as file:
        print(head, file=file)
        for turn in range(10_000 // COUNT + 1):
            for row in rows:
                time, _, rest = row.partition(",")
                print(f"{float(time) + turn * step:.3f},{rest}", file=file)
    args = [long if arg == trace else arg for arg in asked]
    told = cli(*args).stderr
    assert "requests read" in told
    assert "trying 1 x 1 accelerators (tp=1)" in told
    assert cli(*args, "--quiet").stderr == ""


def test_no_limit_needs_replicas(cli, trace):
    args = ("host", "llama-3.1-8b", "--chip", "h100", "--trace", trace)
    assert "state a limit" in cli(*args).stderr
    text = cli(*args, "--replicas", "2").stdout
    assert "within limits" not in text
    assert "2 of 1 accelerator each" in text
    assert answer(cli, *args, "--replicas", "2")["share_within_limits"] is None


# --- the files


def test_a_row_for_each_request_as_csv(cli, asked, trace, tmp_path):
    out = tmp_path / "out.csv"
    result = cli(*asked, "--requests", out)
    assert result.exit_code == 0
    assert str(out) in result.stderr
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with trace.open(encoding="utf-8", newline="") as file:
        given = list(csv.DictReader(file))
    assert len(rows) == len(given) == COUNT
    for row, request in zip(rows, given, strict=True):
        assert row["prompt_tokens"] == request["prompt_tokens"]
        assert row["output_tokens"] == request["output_tokens"]
        assert float(row["e2e_s"]) >= float(row["ttft_s"]) > 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "requests.csv"]


def test_a_row_for_each_request_as_parquet(cli, asked, tmp_path):
    from gigawatt.results.parquet import read_table

    cli(*asked, "--requests", tmp_path / "out.csv")
    assert cli(*asked, "--requests", tmp_path / "out.parquet").exit_code == 0
    table = read_table(tmp_path / "out.parquet")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(table) == list(rows[0])
    assert table["finish_s"] == pytest.approx([float(row["finish_s"]) for row in rows], abs=1e-6)
    assert table["within_limits"].dtype == bool
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_an_old_file_stays_where_the_new_one_fails(cli, asked, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("old", encoding="utf-8")
    assert cli(*asked, "--policy", "fifo", "--requests", out).exit_code == 2
    assert out.read_text(encoding="utf-8") == "old"
    assert cli(*asked, "--requests", out).exit_code == 0
    assert out.read_text(encoding="utf-8") != "old"


def test_the_page_holds_the_figures(cli, asked, trace, tmp_path):
    out = tmp_path / "page.html"
    assert cli(*asked, "--figure", out).exit_code == 0
    page = out.read_text(encoding="utf-8")
    own = page.replace(plotly_js(), "")
    assert len(own) < len(page)
    assert not re.search(r"https?:", own)
    told = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.S)
    figures = json.loads(told[1], parse_constant=pytest.fail)
    assert list(figures) == list(replay_figures.REPLAY_FIGURES)
    for name in figures:
        assert f'data-figure="{name}"' in page
    found = replay_requests("llama-3.1-8b", "h100", trace, ttft_ms=500, tpot_ms=30)
    ttft = {line["name"]: line for line in figures["ttft"]["data"]}
    assert ttft["Limit"]["x"] == [500.0, 500.0]
    middle = np.interp(50.0, ttft["As predicted"]["y"], ttft["As predicted"]["x"])
    assert middle == pytest.approx(1e3 * found.latency["ttft_s"]["p50"].value, rel=0.02)
    # Tokens made, over their buckets, are those of the trace.
    made = next(line for line in figures["tokens"]["data"] if line["name"] == "Made")
    step_s = made["x"][1] - made["x"][0]
    assert sum(made["y"]) * step_s == pytest.approx(found.trace.output_tokens.sum(), rel=1e-3)


def test_pools_have_lines_of_their_own(trace):
    found = replay_requests("llama-3.1-8b", "h100", trace, pools=(1, 1), split={"tp": 1})
    names = [line["name"] for line in replay_figures.replay_figure(found, "requests")["data"]]
    assert names == [
        "In progress, reading", "In progress, answering", "Waiting, reading", "Waiting, answering"
    ]  # fmt: skip


# --- files of other formats


def test_columns_are_named(cli, trace, asked, tmp_path):
    rows = trace.read_text(encoding="utf-8").splitlines()[1:]
    other = tmp_path / "other.csv"
    with other.open("w", encoding="utf-8") as file:
        print("when,in,out", file=file)
        for row in rows:
            time, rest = row.split(",", 1)
            print(f"{1e3 * float(time):.0f},{rest}", file=file)
    args = [other if arg == trace else arg for arg in asked]
    named = ("--columns", "arrival=when,prompt=in,output=out,time=ms")
    assert answer(cli, *args, *named)["trace"] == answer(cli, *asked)["trace"]
    assert "the columns of a known format" in cli(*args).stderr


@pytest.mark.parametrize("speed", [1, 4])
def test_recorded_traces(cli, shared, speed):
    args = ("host", "llama-3.1-70b", "--chip", "h100", "--replicas", "4", "--limit", "500")
    found = answer(
        cli, *args, "--trace", shared / "traces" / "azure_llm_2023_code.csv", "--speed", speed
    )
    assert found["trace"]["requests"] == 500
    cached = answer(cli, *args, "--trace", shared / "traces" / "mooncake_fast25_conversation.jsonl")
    assert cached["engine"]["prefix_cache"]
    assert 0.0 < cached["cached_share"] < 1.0


# --- bad input


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2.5,soon,10", "requests.csv:3: prompt_tokens: expected a whole number of tokens >= 1"),
        ("2.5,10,0", "requests.csv:3: output_tokens: expected a whole number of tokens >= 1"),
        ("later,10,10", "requests.csv:3: arrival_s: expected a time in s; found 'later'"),
        ("0.5,10,10", "requests.csv:3: arrival_s: expected a time not before the line above"),
    ],
)
def test_mistakes_of_the_file_have_their_line(cli, trace, asked, row, said):
    trace.write_text(f"arrival_s,prompt_tokens,output_tokens\n1,10,10\n{row}\n", encoding="utf-8")
    result = cli(*asked)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--input 1000", "--input is not used with --trace"),
        ("--requests-per-s 3", "--requests-per-s is not used with --trace"),
        ("--concurrency 3", "--concurrency is not used with --trace"),
        ("--disaggregated", "--disaggregated is not used with --trace"),
        ("--chunk-tokens search", "--chunk-tokens must be a number with --trace"),
        ("--replicas 0", "'--replicas'"),
        ("--pools 2", "'--pools': expected two numbers of instances such as 2:4; found '2'"),
        ("--pools 1:1 --replicas 2", "not as both"),
        ("--percentile 98", "'--percentile'"),
        ("--policy fifo", "policy must be one of vllm"),
        ("--router dice", "router must be one of round-robin"),
        ("--prefix-cache", "needs a trace with hashes"),
        ("--speed 0", "'--speed'"),
        ("--columns when=t", "a field of arrival, prompt, output, time; found 'when=t'"),
        ("--requests out.xlsx", "ends in .csv or .parquet"),
        ("--requests none/out.csv", "the folder none does not exist"),
        ("--figure out.png", "ends in .html"),
        ("--tpot 0.1ms", "tokens too slow even for a single request"),
    ],
)
def test_bad_values_are_named(cli, asked, options, said):
    result = cli(*asked, *options.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())


@pytest.mark.parametrize("option", ["--replicas 2", "--speed 2", "--requests out.csv"])
def test_options_of_a_replay_need_a_trace(cli, option):
    args = ("host", "llama-3.1-8b", "--chip", "h100", "--input", "9", "--output", "9")
    result = cli(*args, *option.split())
    assert result.exit_code == 2
    assert f"{option.split()[0]} needs --trace" in result.stderr


def test_without_a_trace_lengths_are_needed(cli):
    result = cli("host", "llama-3.1-8b", "--chip", "h100", "--output", "9")
    assert result.exit_code == 2
    assert "Missing option '--input'" in result.stderr
    assert "--trace" in result.stderr


def test_a_file_that_is_not_there(cli, asked, trace):
    trace.unlink()
    result = cli(*asked)
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


# --- the words


def test_options_are_those_of_the_function():
    known = set(inspect.signature(replay_requests).parameters)
    passed = {*_replay._NAMES, *_replay._SHARED, "chunk_tokens", "percentile"}
    assert passed == known - {"model", "chip", "trace", "progress"}
    text = " ".join(param.help for param in host.command.params if getattr(param, "help", None))
    assert all(name in text for name in (*POLICIES, *ROUTERS))


def keys(value, path=""):
    """Yield the paths of all that is in an answer, as the guide writes them."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from keys(inner, f"{path}.{name}" if path else name)
    else:
        yield path


def test_the_glossary_has_every_key_and_column(trace):
    found = replay_requests("llama-3.1-8b", "h100", trace, ttft_ms=500, tpot_ms=30)
    made = {re.sub(r"\.p\d0$", "", key) for key in keys(found.as_dict())}
    made = {re.sub(r"\.(mean|p\d+)$", "", key) for key in made}
    made = {re.sub(r"^split\..*", "split", key) for key in made}
    text = (DOCS / "reference" / "glossary.md").read_text(encoding="utf-8")

    def listed(title):
        body = re.split(rf"^##+ {title}$", text, flags=re.M)[1].partition("\n#")[0]
        return [name.removesuffix("[]") for name in re.findall(r"^\| `([^`]+)` \|", body, re.M)]

    assert made == set(listed("Replay of a trace"))
    assert list(found.columns()) == listed("Requests of a replay")
    assert list(found.table()) == list(found.columns())


def test_the_guide_uses_options_that_exist():
    shown = set(re.findall(r"--[a-z][a-z-]+", GUIDE.read_text(encoding="utf-8")))
    known = {text for p in host.command.params for text in (*p.opts, *p.secondary_opts)}
    assert shown <= known


def test_the_example_of_the_guide_gives_what_it_shows(cli, tmp_path):
    """Its file and its command; figures follow the calibration, so only their places are held."""
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", text, re.S)
    rows = next(block for block in blocks if block.startswith("arrival_s,"))
    (tmp_path / "requests.csv").write_text(rows, encoding="utf-8")
    command = next(block for block in blocks if "--trace requests.csv" in block)
    shown = next(block for block in blocks if "request by request" in block)
    result = cli(*command.split()[1:])
    assert result.exit_code == 0, result.stderr

    def shape(answer):
        plain = re.sub(r"\d[\d,.]*", "#", answer.partition("\nSplit")[0])
        plain = re.sub(r"# \(P10–P90 # to #\)", "#", plain)  # a band may shrink to nothing
        return [" ".join(line.split()) for line in plain.splitlines() if line.strip()]

    assert shape(shown) == shape(result.stdout)
