"""Power of predicted steps and instances, against measured power of the same work."""

from __future__ import annotations

import pytest

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.hosting.estimate import estimate_serving
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.steady import Mix
from gigawatt.compute.hosting.step import Split
from gigawatt.compute.training.estimate import estimate_step
from gigawatt.compute.training.layout import Layout
from gigawatt.compute.training.setting import Setting
from gigawatt.compute.training.stack import stack
from gigawatt.site.power.calibration import chip_power, host_power
from gigawatt.site.power.host import node_power_w
from gigawatt.site.power.planned import serving_power, step_power

BOOK = catalog.load()


def _step(**change):
    layout = {"tp": 4, "pp": 8, "vpp": 6, "dp": 16, "micro_batch": 2, "recompute": 0, "shard": 16}
    setting = Setting(BOOK.get("chip", "h100-sxm"), "fp8", stack("megatron@2024-05"))
    return estimate_step(
        architecture("gpt-3-175b"), Layout(**(layout | change)), setting, 2048, 2048
    )


def test_gpt_3_on_512_accelerators_draws_what_was_logged():
    # 7.03 kW a server of 8 at the wall, median over 64 servers immersed in a liquid: MLPerf
    # Training v4.0, Sustainable Metal Cloud. The same host in air adds its fans.
    found = step_power(_step(), "h100-sxm")
    node = node_power_w(host_power("dgx-h100"), found.mean_w.value)
    wall = 8.0 * float(node.ac_w - node.fans_w)
    assert wall == pytest.approx(7030.0, rel=0.1)


def test_shares_of_a_step_add_up_and_the_mean_lies_between_its_phases():
    found = step_power(_step(), "h100-sxm")
    assert found.compute_share + found.update_share + found.waiting_share == pytest.approx(1.0)
    assert found.waiting_w < found.mean_w.value < found.compute_w < chip_power("h100-sxm").rated_w
    assert found.mean_w.low < found.mean_w.value < found.mean_w.high


def test_more_stages_without_more_batch_wait_more_and_draw_less():
    few, many = _step(), _step(pp=32, vpp=1, dp=4, shard=4)
    assert many.parts.bubble_s > few.parts.bubble_s
    busy, idle = step_power(few, "h100-sxm"), step_power(many, "h100-sxm")
    assert idle.waiting_share > busy.waiting_share
    assert idle.mean_w.value < busy.mean_w.value


def test_deepseek_r1_on_eight_b200_draws_what_was_measured():
    # SGLang, FP4, 1,024 tokens in and out: board power in SemiAnalysis InferenceX (Together AI).
    # Neither the rate of tokens nor the power is an input.
    measured_w = {16: 425.0, 64: 509.2, 128: 557.7, 256: 546.2}
    setting = ServingSetting(BOOK.get("chip", "b200-sxm"), "fp4", "fp8", "sglang", 2025.75)
    arch, mix = architecture("deepseek-r1"), Mix(input_tokens=1024, output_tokens=1024)
    powers = [
        serving_power(
            arch, setting, estimate_serving(arch, setting, Split(tp=8), mix, float(count))
        )
        for count in measured_w
    ]
    off = [abs(p.value / m - 1.0) for p, m in zip(powers, measured_w.values(), strict=True)]
    assert sorted(off)[1] < 0.15
    assert max(off) < 0.3
    assert all(p.low < p.value < p.high for p in powers)


def test_a_fuller_instance_draws_more_and_a_cap_holds():
    setting = ServingSetting(BOOK.get("chip", "h100-sxm"), "fp8", "fp8", "vllm")
    arch, mix = architecture("llama-3.1-70b"), Mix(input_tokens=1000, output_tokens=500)
    powers = [
        serving_power(arch, setting, estimate_serving(arch, setting, Split(tp=4), mix, n)).value
        for n in (1.0, 16.0, 64.0, 256.0)
    ]
    assert powers == sorted(powers)
    full = estimate_serving(arch, setting, Split(tp=4), mix, 256.0)
    assert serving_power(arch, setting, full, cap_share=0.5).value < 350.0
