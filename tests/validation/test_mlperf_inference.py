"""MLPerf Inference submissions, held against published throughput and against laws."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.validation import mlperf_inference_rows, mlperf_tuning
from gigawatt.validation.mlperf_inference_rows import (
    COLUMNS,
    InferenceRow,
    inference_band,
    inference_residuals,
    predict_inference,
    read_inference_row,
)

# NVIDIA, MLPerf Inference v4.1, closed, 8 H100-SXM-80GB (logs; not official results).
SUBMITTED = {
    "round": "v4.1",
    "division": "closed",
    "submitter": "NVIDIA",
    "accelerator": "NVIDIA H100-SXM-80GB",
    "num_accel": "8",
    "model": "llama2-70b-99",
    "scenario": "Offline",
    "weight_dtype": "fp16",
    "tokens_per_s": "24524.9",
    "samples_per_s": "84.4792",
    "framework": "TensorRT 10.2.0, CUDA 12.4",
}
SERVER = {**SUBMITTED, "scenario": "Server", "tokens_per_s": "21605.79", "samples_per_s": "74.42"}


def _row(**changes):
    found = read_inference_row({**SUBMITTED, **changes})
    assert isinstance(found, InferenceRow), found
    return found


def test_a_row_becomes_model_system_and_mean_request():
    found = _row()
    assert found.serving.arch.name == "llama-2-70b"
    assert found.serving.setting.chip.id == "h100-sxm"
    assert found.serving.setting.software == "tensorrt-llm"
    assert found.serving.setting.year == pytest.approx(2024.58, abs=0.01)
    # Submissions state the format that the model came in; eight of these run in FP8.
    assert found.serving.setting.weights == "fp8"
    # The rules' reference length is 294.45 tokens, and at least 90 % of it must be written.
    assert found.serving.output_tokens == pytest.approx(294.45, rel=0.1)
    assert found.serving.tokens_per_s_per_chip == pytest.approx(24524.9 / 8)
    assert found.limits_s == (np.inf, np.inf)


def test_limits_are_those_of_the_rules():
    # inference_rules.adoc: conversational 2000 ms / 200 ms, interactive 450 ms / 40 ms.
    assert _row(scenario="Server").limits_s == (2.0, 0.2)
    assert _row(scenario="Interactive").limits_s == (0.45, 0.04)


def test_without_tokens_the_reference_length_stands_in():
    found = _row(tokens_per_s="")
    assert found.serving.output_tokens == 294.45
    assert found.serving.tokens_per_s_per_chip == pytest.approx(84.4792 * 294.45 / 8)


def test_formats_stated_and_expected():
    assert _row(weight_dtype="mxfp4").serving.setting.weights == "mxfp4"
    assert _row(accelerator="NVIDIA B200-SXM-180GB").serving.setting.weights == "fp4"
    assert _row(model="gpt-oss-120b").serving.setting.weights == "mxfp4"


def test_power_caps_and_suffixes_of_names():
    capped = _row(accelerator="AMD Instinct MI355X 288GB HBM3e (Power Cap 1000 W)", framework="x")
    assert capped.serving.setting.chip.id == "mi355x"
    assert capped.serving.setting.power_share == pytest.approx(1000 / 1400)
    assert capped.serving.setting.software == "vllm"
    assert (
        _row(accelerator="Virtualized NVIDIA H200-SXM-141GB").serving.setting.chip.id == "h200-sxm"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "qwen3-vl-235b-a22b"}, "no list of requests"),
        ({"model": "llama3_1-405b_pruned"}, "altered"),
        ({"accelerator": "N/A"}, "accelerator not in the catalogue"),
        ({"accelerator": "AMD MI300X (x8) and AMD MI355X (x8)"}, "several kinds"),
        ({"model": "mixtral-8x7b", "scenario": "Interactive"}, "scenario"),
        ({"scenario": "SingleStream"}, "scenario"),
        ({"scenario": "Server", "division": "open"}, "limits of its own"),
        ({"num_accel": ""}, "number of accelerators"),
        ({"tokens_per_s": "", "samples_per_s": ""}, "no throughput"),
        ({"tokens_per_s": "many"}, "tokens_per_s is not a number"),
        ({"round": "v9.9"}, "round"),
    ],
)
def test_rows_left_out_say_why(changes, reason):
    found = read_inference_row({**SUBMITTED, **changes})
    assert isinstance(found, str)
    assert reason in found


def test_published_throughput():
    offline, server = predict_inference([_row(), read_inference_row(SERVER)])
    assert offline == pytest.approx(24524.9 / 8, rel=0.2)
    assert server == pytest.approx(21605.79 / 8, rel=0.2)


def test_tighter_limits_never_give_more():
    rows = [_row(scenario=name) for name in ("Offline", "Server", "Interactive")]
    offline, server, interactive = predict_inference(rows)
    assert offline >= server >= interactive > 0


def test_a_limit_below_one_step_cannot_be_kept():
    row = replace(_row(scenario="Server"), limits_s=(2.0, 1e-6))
    assert np.isnan(predict_inference([row])).all()


def test_a_model_that_fits_nowhere_has_no_prediction():
    assert np.isnan(predict_inference([_row(model="llama3.1-405b", num_accel="1")])).all()


def test_rows_do_not_touch_each_other():
    rows = [_row(), _row(model="mixtral-8x7b"), _row(model="llama3.1-8b", num_accel="1")]
    alone = [predict_inference([row])[0] for row in rows]
    np.testing.assert_allclose(predict_inference(rows), alone, rtol=1e-12)


def test_more_hosts_side_by_side_serve_the_same_on_each_accelerator():
    one, ten = predict_inference([_row(), _row(num_accel="80")])
    assert ten == pytest.approx(one, rel=1e-12)


def test_beams_cost_less_than_requests_of_their_own():
    row = _row(model="gptj-99", tokens_per_s="", samples_per_s="300")
    searched, plain = predict_inference([row, replace(row, beams=1)])
    assert plain / row.beams < searched < plain


# Same benchmark, 8 accelerators: MLPerf Inference v4.1 and v5.1, closed, offline (logs; results not
# official).
NVL = {"accelerator": "NVIDIA H100-NVL-94GB", "tokens_per_s": "15875.8", "samples_per_s": "54.5"}
MI300X = {"accelerator": "AMD Instinct MI300X-NPS1-SPX-192GB-750W", "framework": "vLLM 0.4.3"}
MI325X = {"accelerator": "AMD Instinct MI325X 256GB HBM3e", "framework": "vLLM 0.9.0"}


def test_a_smaller_power_limit_costs_nearly_its_share():
    # 400 W for 0.84 of the peak of 700 W: 1984 tokens/s measured beside 3066.
    sxm, nvl = predict_inference([_row(), _row(**NVL)])
    assert nvl / sxm == pytest.approx(1984.5 / 3065.6, rel=0.25)
    assert nvl / sxm < 1670.5 / 1979.0


def test_the_same_chip_with_more_power_is_faster():
    # The same peak at 750 and at 1000 W; one round's software, so that power alone differs.
    low, high = predict_inference([_row(**MI300X), _row(**MI325X)])
    assert 1.05 < high / low < 1000 / 750


def test_a_power_cap_and_a_smaller_rated_power_cost_the_same():
    name = "AMD Instinct MI355X 288GB HBM3e"
    whole = _row(accelerator=name, framework="vLLM")
    capped = _row(accelerator=f"{name} (Power Cap 1000 W)", framework="vLLM")
    ratio = mlperf_tuning.watts_per_flops(capped.serving.setting) / mlperf_tuning.watts_per_flops(
        whole.serving.setting
    )
    assert ratio == pytest.approx(1000 / 1400)
    slow, fast = predict_inference([capped, whole])
    # MLPerf Inference v6.0, offline: 10,234 tokens/s under the cap beside 12,192 to 12,935.
    assert slow / fast == pytest.approx(10233.81 / 12500, rel=0.12)


def test_wider_experts_fill_the_multiplier_better():
    row = _row(model="mixtral-8x7b")
    values = mlperf_tuning.load()["values"]
    wide = {**values, "expert_width": values["expert_width"] / 4}

    def rate(known):
        cases = mlperf_inference_rows.cases_of([row], {})
        tuning = mlperf_tuning.tuned_values([row], known)
        return mlperf_inference_rows.best_rates(cases, tuning)[0][0]

    assert rate(wide) > rate(values)


def test_the_fullest_is_the_root_of_a_growing_function():
    roots, most = np.array([0.5, 3.0, 9.0, -1.0]), np.full(4, 7.0)
    held, kept = mlperf_inference_rows._fullest(lambda x: np.exp(x) - np.exp(roots), most)
    # The third is never reached, and nothing keeps the fourth.
    np.testing.assert_allclose(held[:3], [0.5, 3.0, 7.0], atol=2e-3)
    assert kept.tolist() == [True, True, True, False]


def test_every_tuned_value_has_a_role_and_stays_near_what_is_expected():
    for name, value in mlperf_tuning.load()["values"].items():
        role, _, key = name.partition(":")
        expected = mlperf_tuning.ROLES[role].expected(key)
        # None leaves the order of magnitude that physics gives it.
        assert expected / 4 < value < expected * 4, name


def test_bands_are_wider_where_nothing_alike_was_submitted():
    row = _row()
    low, high = inference_band(row)
    assert low < 1.0 < high
    far = replace(row, benchmark="nobody-submitted-this")
    below, above = inference_band(far)
    assert above / below > high / low


def test_benchmarks_of_the_catalogue_have_limits_that_tighten():
    for entry in catalog.load().entries("benchmark"):
        for name in ("ttft", "tpot"):
            if f"interactive_{name}_ms" in entry:
                server = entry.number(f"server_{name}_ms")
                assert entry.number(f"interactive_{name}_ms") < server


def test_no_rows():
    assert predict_inference([]).shape == (0,)


def test_a_table(tmp_path):
    path = tmp_path / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([SUBMITTED, SERVER, {**SUBMITTED, "accelerator": "N/A"}])
    rows, errors, skipped = inference_residuals(path)
    assert (len(rows), len(skipped)) == (2, 1)
    assert np.abs(errors).max() < 0.3


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        inference_residuals(tmp_path / "none.csv")


def test_all_submissions(shared):
    rows, errors, skipped = inference_residuals(shared / "measurements" / "mlperf_inference.csv")
    assert len(rows) >= 0.85 * (len(rows) + len(skipped))
    off = np.abs(np.expm1(errors))
    for scenario in ("offline", "server"):
        of = np.array([row.scenario == scenario for row in rows])
        assert np.nanmedian(off[of]) <= 0.15
    low, high = np.array([inference_band(row) for row in rows]).T
    inside = (low <= np.exp(-errors)) & (np.exp(-errors) <= high)
    assert 0.75 <= inside.mean() <= 0.87


def test_submissions_left_out_are_predicted_too():
    content = mlperf_tuning.load()
    assert content["systems_left_out"]["median"] <= 15.0
    # Whole accelerators and benchmarks left out: no row of either was seen.
    assert content["chips_left_out"]["median"] <= 20.0
    assert content["benchmarks_left_out"]["median"] <= 20.0
