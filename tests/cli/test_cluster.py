"""``gigawatt cluster``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path

import pytest

import gigawatt as gw
from gigawatt.cli import cluster
from gigawatt.results.cluster_figures import CLUSTER_FIGURES
from gigawatt.results.page import plotly_js
from gigawatt.results.parquet import read_table
from gigawatt.twin.cluster_run.simulate import simulate_jobs

pytestmark = pytest.mark.xdist_group("cluster")  # one process compiles the kernel

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "guides" / "cluster.md"
GLOSSARY = DOCS / "reference" / "glossary.md"

JOBS = """\
job,submit_s,accelerators,run_s
a,0,8,3600
b,10,16,1800
c,20,4,600
d,30,4,900
"""
BAD = """\
job,submit_s,accelerators,run_s
a,0,8,100
large,10,64,100
early,-5,8,100
never,15,8,nan
word,x,8,30
b,20,16,50
late,4,8,30
"""


@pytest.fixture
def jobs(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text(JOBS, encoding="utf-8")
    return path


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(BAD, encoding="utf-8")
    return path


def answer(cli, *args):
    result = cli("cluster", *args, "--format", "json", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout, parse_constant=pytest.fail)


# --- a trace


def test_a_trace_is_told_answer_first(cli, jobs):
    result = cli("cluster", jobs, "--accelerators", "16", "--quiet", "--chip", "h100")
    assert (result.exit_code, result.stderr) == (0, "")
    top, _, rest = result.stdout.partition("\nGoodput ledger")
    assert top.startswith("jobs.csv: jobs on 16 accelerators\n")
    for label in ("jobs", "utilisation", "goodput", "fragmentation", "stopped"):
        assert re.search(rf"^  {label}  ", top, re.MULTILINE), label
    # b waits for a's host until 3,600 s and then runs for half an hour; c and d wait behind it.
    assert "4, of which 4 are done" in top
    assert "105 min from the first arrival" in top
    for label in ("productive", "waiting", "idle", "total", "Jobs by class", "kWh", "USD"):
        assert label in rest, label


def test_json_sums_to_the_total(cli, jobs):
    found = answer(cli, jobs, "--accelerators", "16", "--chip", "h100", "--policy", "easy")
    total = found["ledger"][-1]
    assert total["state"] == "total"
    assert total["accelerator_hours"] == pytest.approx(16 * found["until_s"] / 3600)
    for key in ("accelerator_hours", "share", "mwh", "usd"):
        assert total[key] == pytest.approx(sum(row[key] for row in found["ledger"][:-1]))
    assert total["share"] == pytest.approx(1.0)
    productive = found["ledger"][0]
    assert productive["accelerator_hours"] == pytest.approx((8 + 8 + 4 / 6 + 1), rel=1e-12)


@pytest.mark.parametrize(
    ("policy", "starts"),
    [
        (("fifo",), {"a": 0, "b": 3600, "c": 5400, "d": 5400}),
        (("easy",), {"a": 0, "b": 3600, "c": 20, "d": 30}),
        (("fifo", "--backfill", "conservative"), {"a": 0, "b": 3600, "c": 20, "d": 30}),
    ],
)
def test_the_policy_decides_who_goes_first(cli, jobs, tmp_path, policy, starts):
    asked = ("--accelerators", "16", "--policy", *policy, "--jobs", "out.csv")
    assert cli("cluster", jobs, *asked).exit_code == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        assert {row["job"]: int(row["start_s"]) for row in csv.DictReader(file)} == starts


def test_the_standard_workload_format_and_gzip(cli, tmp_path):
    lines = ["; Version: 2.2", *(
        f"{i} {10 * i} -1 {600 * i} 8 -1 -1 8 {700 * i} -1 1 {i} 1 -1 -1 -1 -1 -1"
        for i in range(1, 4)
    )]  # fmt: skip
    path = tmp_path / "log.swf.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    found = answer(cli, path, "--accelerators", "8")
    assert found["delays"][0]["done"] == 3
    assert found["until_s"] == 600 * 6


def test_columns_of_one_s_own(cli, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("id,t,gpus,secs\na,0,8,60\n", encoding="utf-8")
    assert cli("cluster", path, "--accelerators", "8").exit_code == 2
    named = "job=id,submit=t,accelerators=gpus,run=secs"
    assert answer(cli, path, "--accelerators", "8", "--columns", named)["until_s"] == 60


def test_failures_and_checkpoints_reach_the_model(cli, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("job,submit_s,accelerators,run_s\na,0,1024,2000000\n", encoding="utf-8")
    asked = ("--accelerators", "1056", "--failures", "opt-175b", "--repair", "30 min")
    more = ("--checkpoint-interval", "1h", "--checkpoint-write", "60", "--restart", "10min")
    found = answer(cli, path, *asked, *more, "--detect", "1min", "--horizon", "20 days")
    ledger = {row["state"]: row["accelerator_hours"] for row in found["ledger"]}
    assert ledger["checkpoint"] / ledger["productive"] == pytest.approx(60 / 3600, rel=0.01)
    for state in ("recompute", "restart", "failed"):
        assert ledger[state] > 0, state
    struck = found["reached"][0]["failures"]
    assert struck == pytest.approx(20 * 128 * 15.6e-3, abs=3.5 * (20 * 128 * 15.6e-3) ** 0.5)
    assert found["failures"]["node"] >= struck


def test_checkpoints_go_to_tiers(cli, jobs):
    """Every ten minutes a write to memory; every second one, and the last, to storage as well.

    A host writes its 80 GB to memory in 40 s and to storage in 200 s; half a host in half of that.
    """
    asked = ("--accelerators", "16", "--checkpoint-gb", "10", "--checkpoint-interval", "10min")
    found = answer(cli, jobs, *asked, "--storage", "shared=0.8,link=0.4,near=2,every=2")
    ledger = {row["state"]: row["accelerator_hours"] * 3600 for row in found["ledger"]}
    a, b = 8 * (6 * 40 + 3 * 200), 16 * (3 * 40 + 2 * 200)
    c, d = 4 * (1 * 20 + 1 * 100), 4 * (2 * 20 + 1 * 100)
    assert ledger["checkpoint"] == pytest.approx(a + b + c + d)
    assert sum(v for k, v in ledger.items() if k != "total") == pytest.approx(ledger["total"])


def test_few_hours_are_not_told_as_none(cli, tmp_path):
    path = tmp_path / "short.csv"
    path.write_text("job,submit_s,accelerators,run_s\na,0,8,10\n", encoding="utf-8")
    shown = cli("cluster", path, "--accelerators", "16").stdout
    assert re.search(r"productive +0\.02 +50\.0 %", shown)


# --- bad traces: one clear error, or a counted skip


def test_a_bad_trace_is_one_error_that_names_the_lines(cli, bad):
    result = cli("cluster", bad, "--accelerators", "16")
    assert result.exit_code == 2
    assert result.stdout == ""
    for told in (
        "bad.csv:3: accelerators: expected at most 16, which the cluster has in service; found 64",
        "bad.csv:4: submit_s: expected a finite number >= 0; found '-5'",
        "bad.csv:5: run_s: expected a finite number >= 0; found 'nan'",
        "bad.csv:6: submit_s: expected a number; found 'x'",
        "bad.csv:8: submit_s: expected a time not before that of the job above; found one 16 s",
    ):
        assert told in result.stderr
    assert len(result.stderr.splitlines()) == 5


def test_spares_are_no_room_for_a_job(cli, jobs):
    result = cli("cluster", jobs, "--accelerators", "16", "--spares", "1")
    assert result.exit_code == 2
    assert "jobs.csv:3: accelerators: expected at most 8," in result.stderr


def test_bad_jobs_are_skipped_and_counted_by_choice(cli, bad):
    found = answer(cli, bad, "--accelerators", "16", "--on-bad", "skip")
    assert sum(found["skipped"].values()) == 5
    assert found["delays"][0]["jobs"] == 2
    text = cli("cluster", bad, "--accelerators", "16", "--on-bad", "skip").stdout
    assert "left out" in text
    for reason in ("submit_s is not", "run_s is not", "more accelerators", "arrives before"):
        assert reason in text


# --- a campus


def test_a_campus_runs_its_own_jobs(cli, small):
    asked = ("--horizon", "6h", "--failures", "meta-rsc-1", "--repair", "4h", "--at", "2027-03-01")
    result = cli("cluster", small, *asked)
    assert result.exit_code == 0
    assert "jobs on 4,752 gb200-nvl72" in result.stderr
    top = result.stdout.partition("\nGoodput ledger")[0]
    assert top.startswith("Small: jobs on 4,752 accelerators\n")
    assert "failures of meta-rsc-1; 6.00 h from 2027-03-01" in top
    for name in ("training", "hosting"):
        assert re.search(rf"^  {name}  ", result.stdout, re.MULTILINE), name
    assert re.search(r"run on [\d,]+ gb200-nvl72: a step of", result.stdout)


def test_json_of_a_campus_is_the_simulation(cli, small):
    found = simulate_jobs(gw.load(small), horizon_s=7200, seed=2)
    told = answer(cli, small, "--horizon", "2h", "--seed", "2")
    assert told == json.loads(json.dumps(found.as_dict()))
    whole = answer(cli, small, "--horizon", "2h", "--set", "phases[0].it_mw=20",
                   "--set", "phases[0].facility_mw=26")  # fmt: skip
    assert whole["accelerators"] > 1.9 * told["accelerators"]


def test_power_that_binds_switches_off_or_slows_down(cli, small):
    asked = (small, "--horizon", "2h", "--set", "power.interconnection_mw=4 MW")
    off = answer(cli, *asked)
    slow = answer(cli, *asked, "--power-cap", "slow")
    capped = {way: found["ledger"][-2] for way, found in (("off", off), ("slow", slow))}
    assert [row["state"] for row in capped.values()] == ["capped", "capped"]
    assert set(capped["off"]["by_class"]) == {"none"}
    assert "none" not in capped["slow"]["by_class"]
    assert capped["off"]["mwh"] == 0 < capped["slow"]["mwh"]
    assert any("all are slowed down" in note for note in slow["notes"])


# --- files


def test_jobs_are_written_as_csv_and_parquet(cli, jobs, tmp_path):
    for ending in ("csv", "parquet"):
        result = cli("cluster", jobs, "--accelerators", "16", "--jobs", f"out.{ending}")
        assert f"a row for each job is in out.{ending}" in result.stderr
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = read_table(tmp_path / "out.parquet")
    assert list(rows[0]) == list(table)
    assert table["job"].tolist() == ["a", "b", "c", "d"] == [row["job"] for row in rows]
    assert table["start_s"].tolist() == [int(row["start_s"]) for row in rows]


def test_a_window_is_written_for_perfetto(cli, jobs, tmp_path):
    window = ("--chrome-trace", "trace.json", "--from", "1h", "--to", "80 min")
    result = cli("cluster", jobs, "--accelerators", "16", *window)
    assert "bars for Perfetto" in result.stderr
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert [e["name"] for e in events if e["ph"] == "X"] == ["b"]


def test_the_page_holds_every_figure(cli, tmp_path):
    path = tmp_path / "many.csv"
    rows = [f"{i},{60 * i},{8 * (1 + i % 3)},{4000 + 100 * i}" for i in range(60)]
    path.write_text("job,submit_s,accelerators,run_s\n" + "\n".join(rows), encoding="utf-8")
    asked = ("--accelerators", "64", "--failures", "opt-175b", "--repair", "1h", "--chip", "h100")
    assert cli("cluster", path, *asked, "--figure", "page.html").exit_code == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8").replace(plotly_js(), "")
    for name in CLUSTER_FIGURES:
        assert f'data-figure="{name}"' in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "jobs on 64 accelerators" in text
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', text, re.DOTALL)[1])
    held = next(t for t in figures["occupancy"]["data"] if t["name"] == "Other")
    assert 0 < max(held["y"]) <= 64
    assert max(figures["queue"]["data"][-1]["y"]) > 1


def test_a_figure_that_says_nothing_is_left_out(cli, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("job,submit_s,accelerators,run_s\na,0,8,60\n", encoding="utf-8")
    assert cli("cluster", path, "--accelerators", "16", "--figure", "page.html").exit_code == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8").replace(plotly_js(), "")
    assert 'data-figure="occupancy"' in text
    assert 'data-figure="queue"' not in text
    assert "0.133 accelerator-hours" in text


# --- what is refused


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((), "--accelerators: expected how many"),
        (("--accelerators", "20"), "whole scale-up domains of 8 accelerators; 20"),
        (("--accelerators", "24", "--domain", "2"), "leave 8 over"),
        (("--accelerators", "48", "--pod", "4"), "whole pods of 4 domains"),
        (("--accelerators", "16", "--policy", "eas"), "'eas' is not one of"),
        (("--accelerators", "16", "--repair", "3 x"), "expected a time such as '30 min'"),
        (("--accelerators", "16", "--failures", "meta-rsc-1"), "--repair: expected for how long"),
        (("--accelerators", "16", "--repair", "4h"), "--repair needs --failures"),
        (("--accelerators", "16", "--detect", "1min"), "--detect needs --failures"),
        (("--accelerators", "16", "--crews", "2"), "--crews needs --failures"),
        (("--accelerators", "16", "--pool", "--failures", "meta-rsc-1"), "--failures needs hosts"),
        (("--accelerators", "16", "--pool", "--host-size", "4"), "--host-size needs hosts"),
        (("--accelerators", "16", "--spares", "2"), "--spares: expected fewer than the 2 hosts"),
        (("--accelerators", "16", "--horizon", "0"), "at least a second; found '0'"),
        (("--accelerators", "16", "--horizon", "1e30"), "to 3,000 years; found '1e30'"),
        (("--accelerators", "16", "--price", "nan"), "finite number; found 'nan'"),
        (("--accelerators", "16", "--depth", "3"), "--depth needs --backfill"),
        (("--accelerators", "16", "--checkpoint-write", "9"), "needs --checkpoint-interval"),
        (("--accelerators", "16", "--checkpoint-gb", "9"), "--checkpoint-gb needs --storage"),
        (("--accelerators", "16", "--storage", "shared=9,link=1"), "needs --checkpoint-gb and"),
        (("--accelerators", "16", "--storage", "shared=9"), "without link"),
        (("--accelerators", "16", "--storage", "shared=9,link=1,near=2"), "without every"),
        (("--accelerators", "16", "--storage", "shared=9,link=x"), "to float: 'x'"),
        (("--accelerators", "16", "--storage", "shared=0,link=1"), "must be above 0"),
        (("--accelerators", "16", "--power-cap", "slow"), "--power-cap goes with a campus"),
        (("--accelerators", "16", "--chip", "h1000"), "h1000"),
        (("--accelerators", "16", "--jobs", "jobs.txt"), "ends in .csv or .parquet"),
        (("--accelerators", "16", "--figure", "nowhere/x.html"), "nowhere does not exist"),
        (("--accelerators", "16", "--from", "1h"), "--from needs --chrome-trace"),
        (
            ("--accelerators", "16", "--chrome-trace", "x.json", "--from", "2h", "--to", "1h"),
            "--to: expected a time after --from, 7200 s; found 3600 s",
        ),
        (("--accelerators", "16", "--columns", "when=t"), "expected FIELD=NAME"),
        (("--accelerators", "16", "--at", "2027-01-01"), "--at goes with a campus"),
        (("--accelerators", "16", "--set", "name=x"), "--set goes with a campus"),
    ],
)
def test_what_is_wrong_is_told(cli, jobs, asked, told):
    result = cli("cluster", jobs, *asked)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--accelerators", "16"), "--accelerators goes with a trace"),
        (("--policy", "easy"), "--policy goes with a trace"),
        (("--at", "2031-01-01"), "within the horizon"),
        (("--failures", "meta-rsc-1"), "--repair: expected for how long"),
        (("--research", "helio"), "helios"),
    ],
)
def test_what_is_wrong_of_a_campus_is_told(cli, small, asked, told):
    result = cli("cluster", small, *asked)
    assert result.exit_code == 2
    assert told in result.stderr


# --- what the docs say


def test_the_glossary_has_every_key(cli, jobs, small):
    text = GLOSSARY.read_text(encoding="utf-8")
    section = text.partition("\n## Cluster\n")[2].partition("\n## ")[0]
    assert section
    found = answer(cli, jobs, "--accelerators", "16", "--chip", "h100")
    names = [
        *found, *found["ledger"][0], *found["delays"][0], *found["reached"][0], *found["parts"][0],
        *(row["state"] for row in found["ledger"]),
        *simulate_jobs(gw.load(small), horizon_s=3600).table().columns,
    ]  # fmt: skip
    assert [name for name in dict.fromkeys(names) if f"`{name}`" not in section] == []


def test_the_guide_names_only_options_that_exist():
    shown = set(re.findall(r"--[a-z][a-z-]+", GUIDE.read_text(encoding="utf-8")))
    known = {text for p in cluster.command.params for text in (*p.opts, *p.secondary_opts)}
    known |= {"--measurements", "--trace"}  # of gigawatt validate and gigawatt host
    assert shown <= known
