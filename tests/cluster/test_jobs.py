"""Jobs, readers, generators and writers."""

from __future__ import annotations

import gzip
import json

import duckdb
import numpy as np
import pytest

from gigawatt.cluster import (
    Cluster,
    Jobs,
    Policy,
    Workload,
    generate_jobs,
    hosting_fleet,
    published_workload,
    read_csv,
    read_swf,
    simulate_cluster,
    write_chrome_trace,
    write_parquet,
)
from gigawatt.errors import InputError, SpecError

CLUSTER = Cluster(domains_per_pod=4)

BAD = {
    "arrives before": {"submit_s": [0, 50, 20, 60]},
    "more accelerators": {"accelerators": [1, 33, 8, 8]},
    "time is negative": {"submit_s": [-5, 0, 1, 2]},
    "takes no time": {"work_s": [10, 0, 10, 10]},
    "not finite": {"work_s": [10, np.nan, 10, 10]},
    "needs no accelerators": {"accelerators": [1, -4, 8, 8]},
    "shrinks": {"least_accelerators": [-1, 0, -1, -1]},
    "tenant": {"tenant": [0, 0, -1, 0]},
    "too long": {"work_s": [10, 1e15, 10, 10]},
    "span has": {"accelerators": [1, 16, 8, 8], "span": "domain"},
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_job_is_an_error_or_is_counted(reason):
    columns = {"submit_s": [0, 1, 2, 3], "accelerators": [1, 8, 8, 8], "work_s": [10, 10, 10, 10]}
    jobs = Jobs.of(**(columns | BAD[reason]))
    with pytest.raises(InputError, match=f"1 of 4 jobs.*{reason}.*skip"):
        simulate_cluster(CLUSTER, jobs)
    run = simulate_cluster(CLUSTER, jobs, on_bad="skip")
    assert sum(run.jobs.skipped.values()) == 1
    assert reason in next(iter(run.jobs.skipped))
    assert len(run.jobs) == run.done.sum() == 3
    assert run.summary()["skipped"] == run.jobs.skipped
    assert len(run.job_table()) == 3


def test_columns_must_be_known_and_of_one_length():
    with pytest.raises(InputError, match="no column colour"):
        Jobs.of(submit_s=0, accelerators=1, work_s=1, colour=3)
    with pytest.raises(InputError, match="one length"):
        Jobs.of(submit_s=[0, 1], accelerators=[1, 1, 1], work_s=1)
    with pytest.raises(InputError, match="need the column work_s"):
        Jobs.of(submit_s=0, accelerators=1)
    with pytest.raises(InputError, match="kind must be one of training"):
        Jobs.of(submit_s=0, accelerators=1, work_s=1, kind="play")


def test_no_jobs_are_no_trouble():
    run = simulate_cluster(CLUSTER, hosting_fleet([0], 8), horizon_s=100)
    assert run.ledger.idle == run.ledger.total == 3_200


def test_a_fleet_is_there_when_it_is_wanted():
    wanted = [2, 4, 3, 0, 1]
    run = simulate_cluster(CLUSTER, hosting_fleet(wanted, 8), policy="easy")
    assert run.occupancy_table()["hosting"].tolist() == [8.0 * n for n in wanted]
    assert run.ledger.productive == 8 * 3600 * sum(wanted)


def test_a_service_that_never_starts_is_missed():
    jobs = Jobs.of(submit_s=0, accelerators=32, work_s=9_000).joined(
        hosting_fleet([1, 1], 8, begin_s=10)
    )
    run = simulate_cluster(CLUSTER, jobs)
    assert run.job_table()["state"].tolist() == ["done", "missed"]
    assert run.ledger.total == run.until_s * 32


SWF = """; Version: 2.2
1 100 5 600 8 -1 -1 16 900 -1 1 7 1 -1 1 -1 -1 -1
2 160 0 60 4 -1 -1 -1 -1 -1 1 8 1 -1 1 -1 -1 -1
3 170 0 abc 4 -1 -1 4 -1 -1 1 8 1 -1 1 -1 -1 -1
4 180 0 60
"""


def test_the_standard_workload_format(tmp_path):
    path = tmp_path / "trace.swf.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(SWF)
    with pytest.raises(SpecError) as caught:
        read_swf(path)
    places = [(p.line, p.path) for p in caught.value.problems]
    assert places == [(4, "field 4 (run time)"), (5, "line")]
    jobs = read_swf(path, on_bad="skip")
    assert jobs.rows["submit_s"].tolist() == [0, 60]
    assert jobs.rows["accelerators"].tolist() == [16, 4]
    assert jobs.rows["limit_s"].tolist() == [900, -1]
    assert jobs.rows["tenant"].tolist() == [0, 1]
    assert sum(jobs.skipped.values()) == 2


def test_csv_files_are_told_by_their_header(tmp_path):
    helios = tmp_path / "helios.csv"
    helios.write_text(
        "job_id,user,vc,gpu_num,cpu_num,state,submit_time,start_time,end_time,duration\n"
        "a,u,vc1,8,64,COMPLETED,2020-05-01 00:00:10,,,3600\n"
        "b,u,vc2,0,4,COMPLETED,2020-05-01 00:00:20,,,60\n"
        "c,u,vc2,1,4,FAILED,2020-05-01 00:01:10,,,60\n",
        encoding="utf-8",
    )
    jobs = read_csv(helios)
    assert jobs.rows[["submit_s", "accelerators", "work_s", "tenant"]].tolist() == [
        (0, 8, 3600, 0),
        (60, 1, 60, 1),
    ]
    assert jobs.names == ["a", "c"]
    assert jobs.skipped == {"it asks for no accelerators": 1}
    other = tmp_path / "other.csv"
    other.write_text("when,what\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.csv:1: header: expected .*; found when, what"):
        read_csv(other)
    with pytest.raises(InputError, match="cannot be read"):
        read_csv(tmp_path / "nothing.csv")


HEADER = "job,submit_s,accelerators,run_s\n"


@pytest.mark.parametrize(
    ("row", "told", "reason"),
    [
        ("x,9,8,10", "submit_s: expected a time not before that of the job above; found one 1 s",
         "arrives before"),
        ("x,-5,8,10", "submit_s: expected a finite number >= 0; found '-5'", "submit_s is not"),
        ("x,11,2.5,10", "accelerators: expected a whole number; found '2.5'", "a whole number"),
        ("x,11,17,10", "accelerators: expected at most 16,", "more accelerators"),
        ("x,11,8,0.4", "run_s: expected at least a second; found 0.4", "takes no time"),
        ("x,11,8,1e30", "run_s: expected at most", "run_s is not at most"),
        ("x,11,8,inf", "run_s: expected a finite number >= 0; found 'inf'", "run_s is not"),
        ("x,11,8,", "run_s: expected a number; found nothing", "run_s is not a number"),
        ("x,11", "accelerators: expected a number; found nothing", "accelerators is not"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_simulated_is_told_with_its_line(tmp_path, row, told, reason):
    path = tmp_path / "jobs.csv"
    path.write_text(f"{HEADER}a,0,8,10\nb,10,16,10\n{row}\nc,20,8,5\n", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_csv(path, accelerators=16)
    assert f"jobs.csv:4: {told}" in str(caught.value)
    assert len(caught.value.problems) == 1
    jobs = read_csv(path, accelerators=16, on_bad="skip")
    assert jobs.names == ["a", "b", "c"]
    assert [(reason in why, count) for why, count in jobs.skipped.items()] == [(True, 1)]


def test_many_mistakes_are_counted_beyond_the_first(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text(HEADER + "x,y,8,10\n" * 50, encoding="utf-8")
    with pytest.raises(SpecError, match="and 30 more") as caught:
        read_csv(path)
    assert len(caught.value.problems) == 20
    with pytest.raises(InputError, match="found 50 x submit_s is not a number"):
        read_csv(path, on_bad="skip")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", b"", "header: expected job, .*; found nothing"),
        ("x.csv", HEADER.encode(), "expected jobs on accelerators; found none"),
        ("x.swf", b"; Version: 2.2\n", "expected jobs on accelerators; found none"),
        ("x.csv", b"\xff\xfe\x00", "x.csv cannot be read: .*utf-8"),
        ("x.csv.gz", b"job", "x.csv.gz cannot be read: Not a gzipped file"),
        (
            "x.swf.gz",
            gzip.compress(SWF.encode(), mtime=0)[:60],
            "x.swf.gz cannot be read: Compressed",
        ),
    ],
)
def test_a_file_that_is_none_is_one_error(tmp_path, name, content, told):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        (read_csv if ".csv" in name else read_swf)(path)


def test_marks_of_spreadsheets_are_no_part_of_a_file(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_bytes(b"\xef\xbb\xbf" + HEADER.replace("\n", "\r\n").encode() + b"a,0,8,10\r\n")
    assert read_csv(path).names == ["a"]


def test_openb_and_philly(shared):
    pods = read_csv(shared / "traces/alibaba_gpu_v2023_openb_pod_list_default.csv", on_bad="skip")
    assert len(pods) + sum(pods.skipped.values()) == 8152
    assert pods.rows["accelerators"].max() == 8
    run = simulate_cluster(Cluster(domains_per_pod=777), pods, policy="easy", on_bad="skip")
    assert run.done.all()
    philly = read_csv(shared / "oracles/scheduling/philly_pool.csv.gz")
    assert len(philly) == 82_247


@pytest.mark.parametrize("name", ["seren", "kalos", "philly", "helios"])
def test_generated_jobs_have_the_published_means(name):
    known = published_workload(name)
    jobs = generate_jobs(known, Cluster(domains_per_pod=2048), 200_000, load=0.8, seed=5)
    size, run = jobs.rows["accelerators"], jobs.rows["work_s"]
    chances = known.size_chances
    spread = np.sqrt(chances @ known.sizes**2.0 - (chances @ known.sizes) ** 2)
    assert chances @ known.sizes == pytest.approx(known.accelerators_mean, rel=1e-6)
    assert size.mean() == pytest.approx(
        known.accelerators_mean, abs=4 * spread / np.sqrt(len(size))
    )
    assert np.median(run) == pytest.approx(known.run_median_s, rel=0.04)
    tail = np.sqrt(np.expm1(known.run_sigma**2)) * known.run_mean_s
    assert run.mean() == pytest.approx(known.run_mean_s, abs=5 * tail / np.sqrt(len(run)))
    offered = float((size * run).sum()) / (2048 * 8 * jobs.rows["submit_s"][-1])
    assert offered == pytest.approx(0.8, rel=1e-3)


def test_distributions_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="median"):
        Workload(run_mean_s=10, run_median_s=20, accelerators_mean=2, accelerators_max=8)
    with pytest.raises(InputError, match="accelerators_mean"):
        Workload(run_mean_s=20, run_median_s=10, accelerators_mean=9, accelerators_max=8)


@pytest.fixture(scope="module")
def run():
    jobs = generate_jobs(published_workload("seren"), CLUSTER, 300, load=0.9, kind="research")
    return simulate_cluster(CLUSTER, jobs, policy="easy")


def test_a_chrome_trace_has_what_ran_in_the_window(run, tmp_path):
    begin, end = run.until_s // 4, run.until_s // 2
    path = tmp_path / "trace.json"
    count = write_chrome_trace(run, path, begin_s=begin, end_s=end)
    bars = [
        e for e in json.loads(path.read_text(encoding="utf-8"))["traceEvents"] if e["ph"] == "X"
    ]
    inside = (run.start_s < end) & (run.end_s > begin)
    assert count == len(bars) == inside.sum() > 0
    total = sum(e["dur"] / 1e6 * e["args"]["accelerators"] for e in bars)
    assert total == (run.jobs.rows["work_s"] * held(run))[inside].sum()
    with pytest.raises(InputError, match="window"):
        write_chrome_trace(run, path, begin_s=5, end_s=5)


def held(run):
    size = run.jobs.rows["accelerators"]
    return np.where(size > 8, -(-size // 8) * 8, size)


def test_parquet_holds_the_tables(run, tmp_path):
    files = write_parquet(run, tmp_path / "out")
    assert [f.stem for f in files] == ["jobs", "queue", "segments", "promises", "occupancy"]
    with duckdb.connect() as connection:
        jobs = connection.read_parquet(str(files[0]))
        assert len(jobs) == 300
        assert jobs.sum("productive_accelerator_s").fetchall() == [(run.ledger.productive,)]


def test_occupancy_is_what_jobs_held(run):
    table = run.occupancy_table(step_s=600)
    assert (table["research"] * 600).sum() == pytest.approx(
        (run.jobs.rows["work_s"] * held(run)).sum()
    )


def test_policies_have_names():
    assert Policy.named("easy") == Policy(backfill="easy")
    with pytest.raises(InputError, match="Did you mean 'easy'"):
        Policy.named("eazy")
    with pytest.raises(InputError, match="order must be one of"):
        Policy(order="lifo")
    with pytest.raises(InputError, match="whole number"):
        Cluster(halls=0)
