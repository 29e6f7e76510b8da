"""Power predicted from work and system, held against measurements."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from gigawatt.errors import InputError
from gigawatt.site.power.calibration import load
from gigawatt.validation import score, validate
from gigawatt.validation.power import power_table, predict_cases, read_cases
from gigawatt.validation.power_mlperf import read_cluster_row, read_training_row, read_wall_row
from gigawatt.validation.power_rows import accelerator_case, server_of
from gigawatt.validation.skip import Skip

TABLES = {
    # table: scopes and least share of rows that must be predicted
    "power.csv": (("GPU", "node", "wall"), 0.9),
    "mlperf_training_power.csv": (("node",), 0.98),
    "mlperf_training_power_cluster.csv": (("node",), 1.0),
    "mlperf_inference_wallpower.csv": (("wall",), 0.95),
}


@pytest.mark.parametrize("name", TABLES)
def test_measured_power(shared, name):
    found, rows = validate("power", shared / "measurements" / name)
    scopes, share = TABLES[name]
    assert found["predicted"] >= share * found["rows"]
    assert sum(found["skipped"].values()) == found["rows"] - found["predicted"]
    for scope in scopes:
        ape = found["groups"][scope]["ape"]
        assert ape["median"] <= 10.0
        assert ape["p90"] <= 25.0
    assert all(r.low < r.predicted < r.high for r in rows if not r.reason)


def test_bands_hold_four_of_five(shared):
    tables = [validate("power", shared / "measurements" / name)[1] for name in TABLES]
    rows = [row for table in tables for row in table if not row.reason and not row.beside]
    for scope in ("GPU", "node", "wall"):
        part = [row for row in rows if row.group == scope]
        inside = np.mean([row.low <= row.measured <= row.high for row in part])
        assert 0.7 <= inside <= 0.92, scope


def test_models_and_benchmarks_that_the_fit_has_not_seen():
    left_out = load()["subjects_left_out"]
    assert left_out["all"]["rows"] > 1600
    for scope in ("GPU", "node", "wall"):
        assert left_out[scope]["median"] <= 10.0
        assert left_out[scope]["p90"] <= 25.0


def test_models_of_another_table(shared, tmp_path):
    # Power that stands beside serving points, of models that no row of the fit is about.
    folder = shared / "measurements"
    with (folder / "power.csv").open(encoding="utf-8") as handle:
        seen = {row["workload"].split()[0] for row in csv.DictReader(handle)}
    with (folder / "serving.csv").open(encoding="utf-8") as handle:
        points = [
            row
            for row in csv.DictReader(handle)
            if row["source_group"] == "ml_energy_v3"
            and row["gpu_power_w_total"]
            and row["model"] not in seen
        ]
    path = tmp_path / "power.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(
            ["scope", "hardware", "num_gpus", "workload", "stat", "power_w", "paired_metric",
             "paired_value"]
        )  # fmt: skip
        for row in points:
            task = row["notes"].split(";")[0].removeprefix("task=")
            work = f"{row['model']} {task} batch={row['batch_size']}"
            writer.writerow(
                ["GPUs only", row["hardware"], row["num_gpus"], work, "avg",
                 row["gpu_power_w_total"], "output tok/s", row["out_tok_s_total"]]
            )  # fmt: skip
    found, _ = validate("power", path)
    assert found["predicted"] > 100
    assert found["ape"]["median"] <= 10.0
    assert found["ape"]["p90"] <= 25.0
    assert 70.0 <= found["coverage_p10_p90"] <= 90.0


def test_512_accelerators_training_gpt_3(shared):
    trace = next((shared / "traces").glob("v4.0_smc-ac-power_64x*sum64nodes.csv"))
    with trace.open(encoding="utf-8") as handle:
        rows = list(csv.reader(handle))
    watts = np.array([float(row[-1]) for row in rows[1:]])
    row = {
        "system": "64xSMC-H100-SXM-80GB", "submitter": "smc-ac-power", "benchmark": "gpt3",
        "n_nodes": "64", "p50_kw": "1", "p95_kw": "1", "mean_kw": "1", "common_window_s": "3400",
    }  # fmt: skip
    median, p95, mean = predict_cases(read_cluster_row(row, 0)) * 512.0
    assert median == pytest.approx(np.median(watts), rel=0.1)
    assert p95 == pytest.approx(np.quantile(watts, 0.95), rel=0.1)
    assert mean == pytest.approx(watts.mean(), rel=0.1)


def test_power_is_never_read(shared, tmp_path):
    with (shared / "measurements" / "power.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))[::7]
    paths = [tmp_path / "as_measured.csv", tmp_path / "wrong.csv"]
    wrong = [
        {
            **row,
            "power_w": str(3.0 * float(row["power_w"] or 0.0)),
            "power_w_per_gpu": "1",
            "notes": row["notes"].replace("J/token=", "J/token=9"),
        }
        for row in rows
    ]
    for path, table in zip(paths, (rows, wrong), strict=True):
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, rows[0])
            writer.writeheader()
            writer.writerows(table)
    right, other = (power_table(path) for path in paths)
    assert [row.predicted for row in right] == [row.predicted for row in other]
    assert sum(row.predicted is not None for row in right) > 150


def test_servers_of_the_catalogue():
    found, rows = validate("power")
    assert found["predicted"] == found["rows"] == len([r for r in rows if not r.beside]) >= 9
    assert found["ape"]["median"] <= 10.0


@pytest.mark.parametrize(
    ("text", "chip", "cooling"),
    [
        ("SR680a_V3_B200SXMx8_TRT", "b200-sxm", "air"),
        ("SR780aV3-8xB200_SXM_180GB", "b200-sxm", "hybrid"),
        ("8xXE9680x8H100-SXM-80GB-POWER", "h100-sxm", "air"),
        ("64xSMC-H100-SXM-80GB", "h100-sxm", "liquid"),
        ("H200-SXM-141GBx8_TRT_MaxQ", "h200-sxm", "air"),
        ("DGX H100", "h100-sxm", "air"),
    ],
)
def test_servers_by_the_names_of_submissions(text, chip, cooling):
    found = server_of(text)
    assert (found.chip.id, found.cooling, found.accelerators) == (chip, cooling, 8.0)


def test_a_cap_explains_a_submission_tuned_for_efficiency():
    row = {
        "system": "H200-SXM-141GBx8_TRT_MaxQ", "model": "gptj-99", "scenario": "Offline",
        "p50_w": "4778", "min_w": "-1", "mean_w_whole_log": "4534", "n_1s_samples": "1182",
    }  # fmt: skip
    steady, whole = read_wall_row(row, 0)
    capped, mean = predict_cases([steady, whole])
    full = predict_cases([*read_wall_row({**row, "system": "H200-SXM-141GBx8_TRT"}, 0)])[0]
    assert steady.cap_share == 0.5
    assert mean < capped < 0.75 * full
    reason = read_wall_row({**row, "model": "a-benchmark-nobody-capped"}, 0)
    assert "cap that is not stated" in reason


def test_a_failed_sensor_is_skipped():
    row = {
        "system": "8xSMC-H100-SXM-80GB", "submitter": "smc-dc-power", "benchmark": "ssd",
        "node_files": "8", "mean_node_W": "5424", "min_node_sample_W": "-42",
    }  # fmt: skip
    assert "below zero" in read_training_row(row, 0)
    (case,) = read_training_row({**row, "min_node_sample_W": "2500"}, 0)
    assert (case.scope, case.accelerators, case.statistic) == ("dc", 64.0, "run")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hardware": "GPU 9000"}, "accelerator not in the catalogue"),
        ({"workload": "nobody/knows-9b gpqa batch=8"}, "architecture"),
        ({"workload": "Qwen/Qwen3-8B gpqa"}, "requests in progress"),
        ({"workload": "Qwen/Qwen3-8B batch=8"}, "length of requests"),
        ({"paired_value": ""}, "tokens a second not stated"),
        ({"paired_metric": "images/s"}, "diffusion model"),
        ({"workload": "DeepSeek-V4-Pro fp4 tp8 spec=mtp 8192/1024 conc=8"}, "unknown gain"),
        ({"power_w": ""}, "no power"),
        ({"scope": "GPU, normalised"}, "without a unit"),
        ({"stat": "model constant"}, "not a measurement"),
    ],
)
def test_what_cannot_be_predicted_says_why(tmp_path, change, reason):
    row = {
        "scope": "GPUs only", "hardware": "H100", "num_gpus": "1",
        "workload": "Qwen/Qwen3-8B gpqa batch=8", "stat": "avg", "power_w": "500",
        "paired_metric": "output tok/s", "paired_value": "800", "notes": "",
    }  # fmt: skip
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, row)
        writer.writeheader()
        writer.writerows([row, row | change])
    good, bad = read_cases(path)
    assert not isinstance(good, str)
    assert reason in bad
    assert score("power", power_table(path))["predicted"] == 1


def test_prompts_read_apart_are_shared_among_those_that_answer():
    row = {
        "hardware": "B200-SXM", "num_gpus": "40", "power_w": "26700",
        "workload": "DeepSeek-V4-Pro fp4 disagg P1xtp8ep8dpa/D4xtp8 spec=none 8192/1024 conc=64",
        "paired_metric": "output tok/s", "paired_value": "4116", "notes": "",
    }  # fmt: skip
    case = accelerator_case(row, 0)
    assert case.serving["accelerators"] == 10.0
    assert case.serving["sequences"] == 16.0
    assert case.serving["tokens_per_s"] == pytest.approx(1029.0)
    assert case.used_share == 1.0


def test_work_that_was_worked_out_from_the_power_is_no_work():
    # Energy of a token times tokens a second is the power that is asked for.
    row = {
        "hardware": "B200-SXM", "num_gpus": "8", "power_w": "5167.3", "scope": "GPU board",
        "workload": "DeepSeek-V4-Pro fp4 agg tp8ep8dpa spec=none 8192/1024 conc=64",
        "paired_metric": "J per output token (all GPUs)", "paired_value": "4.016292",
        "notes": "implied output tok/s/GPU = 160.8",
    }  # fmt: skip
    with pytest.raises(Skip, match="worked out from the power itself"):
        accelerator_case(row, 0)


def test_accelerators_that_stand_by_are_idle():
    row = {
        "hardware": "B200", "num_gpus": "8", "power_w": "2534", "notes": "",
        "workload": "openai/gpt-oss-120b vllm tp4 conc=64 1024/1024",
        "paired_metric": "output tok/s", "paired_value": "8295.8",
    }  # fmt: skip
    half = accelerator_case(row, 0)
    assert half.used_share == 0.5
    assert half.serving["accelerators"] == 4.0
    assert half.serving["block_scaled"] == 0.0
    hopper = accelerator_case(row | {"hardware": "H100"}, 0)
    assert hopper.serving["block_scaled"] == 1.0
    whole = accelerator_case(row | {"num_gpus": "4"}, 0)
    low, high = predict_cases([half, whole])
    assert low < high


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "scope,hardware,workload,stat,power_w\n"])
def test_a_table_of_something_else_is_refused(tmp_path, text):
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"no table of power|no rows"):
        validate("power", path)
