"""Published failures, effective times and checkpoints, each predicted without its own system."""

from __future__ import annotations

import csv

import pytest

from gigawatt import catalog
from gigawatt.cluster import Cluster, Component, Failures, Jobs, simulate_cluster
from gigawatt.compute.training.goodput import optimal_interval_s
from gigawatt.errors import InputError
from gigawatt.validation import validate
from gigawatt.validation.reliability import (
    checkpoint_gb,
    effective_time,
    failures_per_day,
    systems_of,
)
from gigawatt.validation.reliability_rows import read_row

COLUMNS = ("system", "metric", "value", "unit", "n_accel", "period")


def write(path, *rows, columns=COLUMNS):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def row(*values):
    return dict(zip(COLUMNS, values, strict=True))


def test_the_catalogue_s_own_figures():
    found, rows = validate("reliability")
    assert found["predicted"] == found["rows"] == len(rows) >= 20
    groups = found["groups"]
    # What the docs say of them, and no more.
    assert groups["checkpoint size"]["ape"]["median"] < 3
    assert groups["effective time"]["ape"]["median"] < 10
    assert groups["failures"]["ape"]["median"] < 60
    assert 65 <= found["coverage_p10_p90"] <= 95


def test_measured_elsewhere(shared):
    found, rows = validate("reliability", shared / "measurements" / "reliability.csv")
    assert found["rows"] == len(rows) == 108
    assert found["predicted"] >= 30
    assert sum(found["skipped"].values()) == found["rows"] - found["predicted"]
    assert 60 <= found["coverage_p10_p90"] <= 95
    named = {r.row: r for r in rows}
    llama = named["Llama 3 405B: unexpected interruptions"]
    assert llama.low < 419 < llama.high
    assert llama.predicted == pytest.approx(419, rel=0.35)


def test_no_system_is_predicted_from_itself():
    meta = systems_of("meta-rsc-1")
    assert meta == {"meta-rsc-1", "meta-rsc-2", "meta-rsc-1-jobs"}
    assert systems_of("opt-175b") == {"opt-175b"}
    facts = failures_per_day(meta).facts
    assert facts
    assert not any("meta-rsc" in key for key in facts)
    # Leaving out the highest rate lowers the others' median or leaves it; the lowest raises it.
    assert failures_per_day(frozenset(["opt-175b"])).value <= failures_per_day().value
    assert failures_per_day(frozenset(["google-tpu-v4"])).value >= failures_per_day().value


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        # Twice the accelerators fail twice as often, and a run of twice the time fails twice.
        (("new", "unexpected interruptions", "10", "count", "2000", "10 days"), 2000 * 10),
        (("new", "node failures", "10", "count", "4000", "10 days"), 4000 * 10),
        (("new", "node failures", "10", "count", "2000", "2 weeks"), 2000 * 14),
        (("new", "node failures Jan 3 - Jan 13", "10", "count", "2000", "x"), 2000 * 10),
        (("new", "failure rate", "2", "failures per 1000 node-days", "", ""), 8 * 1000),
        (("Google TPU v4 fleet", "machine failure rate", "1", "% per day", "", ""), 4 * 100),
        (("new", "machines lost per day", "2", "machines/day", "1024", ""), 1024),
    ],
)
def test_failures_are_in_proportion(tmp_path, asked, expected):
    _, (one,) = validate("reliability", write(tmp_path / "one.csv", asked))
    left = frozenset(["google-tpu-v4"]) if "Google" in asked[0] else frozenset()
    assert one.predicted == pytest.approx(expected * failures_per_day(left).value)
    assert one.low < one.predicted < one.high


def test_time_between_failures_is_the_inverse(tmp_path):
    path = write(
        tmp_path / "mttf.csv",
        ("new", "MTTF of 1024-GPU jobs", "7.9", "hours", "16384", ""),
        ("new", "time between failures", "18", "minutes", "1024", ""),
        ("new", "H100 MTBI", "2000-5000", "GPU-days", "", ""),
    )
    _, (hours, minutes, days) = validate("reliability", path)
    rate = failures_per_day().value
    assert hours.predicted == pytest.approx(24 / (1024 * rate))
    assert minutes.predicted == pytest.approx(60 * hours.predicted)
    assert days.predicted == pytest.approx(1 / rate)
    assert days.measured == pytest.approx((2000 * 5000) ** 0.5)
    assert hours.low < hours.predicted < hours.high


def test_effective_time_falls_with_the_size_of_a_job():
    found = [effective_time(n) for n in (1_000, 10_000, 100_000)]
    assert found[0].value > found[1].value > found[2].value
    for one in found:
        assert 0 < one.low < one.value < one.high < 1
    # Two restarts were published at five minutes and ten; a band must hold both.
    assert found[2].high - found[2].low > 0.2


@pytest.mark.xdist_group("cluster")
def test_the_simulation_gives_the_effective_time_that_is_predicted():
    """The same rate, saving and restart, second by second: 54 days of 16,384 accelerators."""
    rate = failures_per_day().value * 16_384 / 86_400
    restart_s = 60 * (5 * 10 * 25) ** (1 / 3)  # what Meta and ByteDance published, in minutes
    interval = int(optimal_interval_s(rate, 40.0))
    cluster = Cluster(domains_per_pod=2048)
    jobs = Jobs.of(
        submit_s=0, accelerators=16_384, work_s=10**8, keeps_nodes=1,
        checkpoint_interval_s=interval, checkpoint_write_s=40, inprocess_restart_s=restart_s,
    )  # fmt: skip
    per_day = failures_per_day().value * 8
    failing = Failures(components=(Component(name="x", per_day=per_day, effect="interrupts"),))
    run = simulate_cluster(
        cluster, jobs, failures=failing, horizon_s=200 * 86_400, log=False, seed=1
    )
    predicted = effective_time(16_384).value
    spread = 2 * (1 - predicted) / run.counts["failures"] ** 0.5
    assert run.counts["failures"] > 800
    assert run.ettr[0] == pytest.approx(predicted, abs=3 * spread)


def test_a_checkpoint_is_that_of_other_models():
    # 14 bytes a parameter, as NVIDIA's and BLOOM's have it; OPT-175B kept less.
    found = checkpoint_gb("llama-3.1-405b", frozenset(["llama-3.1-405b"]))
    assert found.value == pytest.approx(5200, rel=0.03)
    assert all("llama-3.1-405b" not in key for key in found.facts)
    assert len(found.facts) == len(catalog.load().entries("checkpoint")) - 1


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("x", "planned interruptions", "47", "count", "16384", "54 days"), "planned"),
        (("x", "interruptions total", "466", "count", "16384", "54 days"), "planned"),
        (("x", "unexpected interruption: NIC", "7", "count", "16384", "54 days"), "causes"),
        (("x", "ICI cable failure rate", "0.005", "% per day", "", ""), "parts of a host"),
        (("x", "RSC-1 utilization", "83", "%", "16384", ""), "no load"),
        (("x", "GPU job failure rate", "0.3", "fraction", "", ""), "jobs of users"),
        (("x", "checkpoint save time", "40", "s", "384", ""), "storage"),
        (("x", "restarts over weeks", ">100", "count", "10000", "several weeks"), "length of"),
        (("x", "effective training time", "90", "%", "many pods", ""), "accelerators is not"),
        (("x", "effective training time, fault tolerant", "80", "%", "9", ""), "remedy"),
        (("x", "failures", "none", "count", "9", "9 days"), "not a number"),
        (("x", "failures", "7", "count", "0", "9 days"), "accelerators is not"),
        (("x", "MTTF", "7", "h", "0", ""), "no model"),
        (("x", "failures feb 30 to mar 2", "7", "count", "9", ""), "length of"),
        (("x", "checkpoint size", "1", "TB", "", ""), "not in the catalogue"),
        (("x", "weather", "3", "C", "", ""), "no model"),
    ],
)
def test_what_cannot_be_predicted_says_why(asked, told):
    assert told in read_row(row(*asked))


@pytest.mark.parametrize(("columns", "rows"), [(("system", "metric"), [("a", "b")]), (COLUMNS, [])])
def test_a_table_of_something_else_is_refused(tmp_path, columns, rows):
    path = write(tmp_path / "x.csv", *rows, columns=columns)
    with pytest.raises(InputError, match=r"no column|no rows"):
        validate("reliability", path)
