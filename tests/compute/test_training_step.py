"""The step model: laws it must keep, whatever the parameters."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute import work
from gigawatt.compute.dims import dims_of, stack_dims
from gigawatt.compute.kernels import gemm_s, mean_attended_tokens
from gigawatt.compute.training import calibration
from gigawatt.compute.training.estimate import estimate_step
from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding
from gigawatt.compute.training.setting import Setting, peak_flops
from gigawatt.compute.training.stack import stack
from gigawatt.compute.training.step import step_time
from gigawatt.compute.training.traffic import layer_parameters

MODELS = (
    "llama-3.1-8b",
    "llama-3.1-405b",
    "deepseek-v3",
    "gpt-oss-120b",
    "nemotron-3-super-120b-a12b",
)
KNOWN = [m for m in MODELS if catalog.load().has("model", m)]
CHIPS = ("a100-sxm-80gb", "h100-sxm", "gb200-nvl72", "mi300x", "tpu-v5p", "vr200-nvl72")


def setting(chip="h100-sxm", precision="bf16", software="megatron@2025-06"):
    return Setting(catalog.load().get("chip", chip), precision, stack(software))


@st.composite
def layouts(draw):
    """Layouts that any of the models can take."""
    power = st.integers(0, 3).map(lambda n: 2**n)
    tp, pp, cp, dp = draw(power), draw(power), draw(st.sampled_from([1, 2])), draw(power)
    ranks = tp * cp * dp
    ep = draw(st.sampled_from([e for e in (1, 2, 4, 8) if ranks % e == 0]))
    return Layout(
        tp=tp,
        pp=pp,
        vpp=1 if pp == 1 else draw(st.sampled_from([1, 2])),
        cp=cp,
        ep=ep,
        etp=1,
        dp=dp,
        micro_batch=draw(st.sampled_from([1, 2, 4])),
        recompute=draw(st.sampled_from([0, 1, 2, 3])),
        sharding=draw(st.sampled_from([0, 1, 2])),
        shard=dp * cp,
    )


def seconds(model, layout, machine, seq_len=4096.0, batch=64.0):
    return float(step_time(dims_of(architecture(model)), layout, machine, seq_len, batch).total_s)


@given(layout=layouts(), model=st.sampled_from(KNOWN), chip=st.sampled_from(CHIPS))
@settings(max_examples=60, deadline=None)
def test_no_step_is_faster_than_the_peak(layout, model, chip):
    estimate = estimate_step(architecture(model), layout, setting(chip), 4096, 64)
    assert 0.0 < estimate.mfu < 1.0
    assert estimate.step_s.low < estimate.step_s.value < estimate.step_s.high


@given(layout=layouts(), model=st.sampled_from(KNOWN))
@settings(max_examples=40, deadline=None)
def test_the_parts_add_up_and_none_is_negative(layout, model):
    estimate = estimate_step(architecture(model), layout, setting(), 4096, 64)
    parts = estimate.seconds_by_part
    assert sum(parts.values()) == pytest.approx(estimate.step_s.value)
    assert min(parts.values()) >= 0.0


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("rates", "gemm_flops"),
        ("rates", "plain_gemm_flops"),
        ("rates", "attention_forward_flops"),
        ("rates", "attention_backward_flops"),
        ("rates", "memory_bytes_per_s"),
        ("fabric", "scale_up_bytes_per_s"),
        ("fabric", "scale_out_bytes_per_s"),
    ],
)
@given(layout=layouts(), model=st.sampled_from(KNOWN))
@settings(max_examples=25, deadline=None)
def test_faster_hardware_never_slows_a_step(place, field, layout, model):
    machine, _ = calibration.machine(setting())
    part = getattr(machine, place)
    faster = dataclasses.replace(part, **{field: 2.0 * getattr(part, field)})
    better = dataclasses.replace(machine, **{place: faster})
    assert seconds(model, layout, better) <= seconds(model, layout, machine) * (1 + 1e-12)


def test_arrays_answer_as_scalars_do():
    models = [architecture(m) for m in KNOWN]
    machine, _ = calibration.machine(setting())
    layout = Layout(
        tp=np.array([8, 4, 1, 1, 2][: len(models)]),
        dp=np.array([8, 16, 64, 64, 32][: len(models)]),
        ep=np.array([1, 1, 8, 8, 8][: len(models)]),
        shard=np.array([8, 16, 64, 64, 32][: len(models)]),
    )
    together = step_time(stack_dims(models), layout, machine, 4096.0, 256.0).total_s
    for i, model in enumerate(KNOWN):
        assert seconds(model, layout.take(i), machine, batch=256.0) == pytest.approx(together[i])


@pytest.mark.parametrize("model", KNOWN)
def test_parameters_of_layers_are_those_of_the_model(model):
    arch = architecture(model)
    common, routed = layer_parameters(dims_of(arch))
    tables = arch.vocab * arch.hidden * (1 if arch.tied else 2)
    count = arch.layers * (common + routed) + tables
    assert count == pytest.approx(work.total_parameters(arch), rel=0.005)


def test_recomputation_takes_longer_and_a_bubble_shrinks():
    machine, _ = calibration.machine(setting())
    base = Layout(tp=8, pp=8, dp=2, shard=2)
    again = dataclasses.replace(base, recompute=int(Recompute.FULL))
    ratio = seconds("llama-3.1-405b", again, machine) / seconds("llama-3.1-405b", base, machine)
    assert 1.2 < ratio < 1.4  # a third more arithmetic
    woven = dataclasses.replace(base, vpp=4)
    filled = dataclasses.replace(base, schedule=int(Schedule.ZERO_BUBBLE))
    for better in (woven, filled):
        assert seconds("llama-3.1-405b", better, machine) < seconds("llama-3.1-405b", base, machine)


def test_sharding_more_takes_no_less_traffic():
    machine, _ = calibration.machine(setting())
    plain = Layout(dp=64, sharding=int(Sharding.OPTIMIZER), shard=64)
    full = dataclasses.replace(plain, sharding=int(Sharding.FULL))
    assert seconds("llama-3.1-8b", full, machine) >= seconds("llama-3.1-8b", plain, machine)


@pytest.mark.parametrize("window", [0, 3, 8, 100])
@pytest.mark.parametrize("chunked", [0, 1])
def test_attended_tokens_are_those_of_the_closed_form(window, chunked):
    kind = "chunked" if chunked else "sliding"
    expected = work.mean_attended(24, min(window, 24) if window else 0, kind)
    assert float(mean_attended_tokens(24.0, float(window), float(chunked))) == pytest.approx(
        expected
    )


@given(
    m=st.integers(1, 10**5), n=st.integers(1, 10**5), k=st.integers(1, 10**5),
    groups=st.integers(1, 64),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_a_product_is_bounded_by_arithmetic_and_by_memory(m, n, k, groups):
    rates = calibration.machine(setting())[0].rates
    chip = catalog.load().get("chip", "h100-sxm")
    time_s = float(gemm_s(rates, float(m), float(n), float(k), groups=float(groups)))
    assert time_s >= 2.0 * m * n * k * groups / peak_flops(chip, "bf16")
    moved = 2.0 * groups * (m * k + k * n + m * n)
    assert time_s >= moved / (chip.number("hbm_gb_per_s") * 1e9)


def test_a_newer_release_is_faster_and_an_unmeasured_chip_says_so():
    arch, layout = architecture("deepseek-v3"), Layout(pp=4, ep=64, dp=64, shard=64)
    old = estimate_step(
        arch, layout, setting("gb200-nvl72", "mxfp8", "megatron@2025-06"), 4096, 4096
    )
    new = estimate_step(
        arch, layout, setting("gb200-nvl72", "mxfp8", "megatron@2026-08"), 4096, 4096
    )
    assert new.step_s.value < old.step_s.value
    rubin = estimate_step(arch, layout, setting("vr200-nvl72", "fp8"), 4096, 4096)
    assert any("extrapolated" in note for note in rubin.notes)
    width = rubin.step_s.high / rubin.step_s.low
    assert width > new.step_s.high / new.step_s.low
