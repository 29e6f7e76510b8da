"""Models of the catalogue, and the names of published measurements."""

from __future__ import annotations

import pytest

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture, architecture
from gigawatt.compute import work

MODELS = catalog.load().entries("model")
TRAINED = [m for m in MODELS if "train_chip_hours" in m]

COUNTED = {
    "total_params_b": work.total_parameters,
    "active_params_b": work.active_parameters,
    "matmul_params_b": work.matmul_parameters_per_token,
}

_HYBRID = "linear or compressed attention, which is not modelled"
_VISION = "a vision or audio encoder does part of the work, which is not modelled"
_UNSTATED = "the dimensions are not published, or only in part"
_CUT = "a cut-down version whose number of layers differs from row to row or is not stated"
_SEVERAL = "several shapes go by this one name"

LEFT_OUT = {
    "10T Mixtral-like MoE (64e top2)": "its vocabulary is not published",
    "700B Mixtral-like MoE (16e top2)": _SEVERAL,
    "900B dense": "its vocabulary is not published",
    "BLOOM-proto 178B": _UNSTATED,
    "BLOOM-proto 182B": _SEVERAL,
    "BLOOM-proto 183B": "its number of layers is not published",
    "BLOOM-proto 18B": _UNSTATED,
    "BLOOM-proto 191B": _UNSTATED,
    "BLOOM-proto 194B": _UNSTATED,
    "BLOOM-proto 195B": _SEVERAL,
    "BLOOM-proto 200B": "its number of layers is not published",
    "BLOOM-proto 203B": _UNSTATED,
    "BLOOM-proto 205B": "its number of layers is not published",
    "BLOOM-proto 206B": _UNSTATED,
    "DeepSeek-V3.2": "a learned index picks the tokens attended to, which is not modelled",
    "DeepSeek-V4 Flash (16 of N layers)": _HYBRID,
    "DeepSeekV4 Flash": _HYBRID,
    "GLM-130B": "the prefix is attended to both ways, which causal counts understate",
    "GPT (weak scaling max point)": _UNSTATED,
    "GPT 119B": "its dimensions stand only in an image",
    "GPT 291B": "its dimensions stand only in an image",
    "GPT 314B": "its dimensions stand only in an image",
    "GPT 32B": "its dimensions stand only in an image",
    "GPT 462B": "its dimensions stand only in an image",
    "GPT 7.1B": "its dimensions stand only in an image",
    "GPT-2 arch 1.4B": "no configuration of this size is published beside the benchmark",
    "GPT-2 arch 13B": "no configuration of this size is published beside the benchmark",
    "GPT-2 arch 65B": "no configuration of this size is published beside the benchmark",
    "GPT-2 arch 750M": "no configuration of this size is published beside the benchmark",
    "GShard-600B": "an encoder-decoder, which is not modelled",
    "Gopher 280B": "relative positions with matrices of their own, which are not modelled",
    "Grok 1 314b (proxy)": _CUT,
    "Llama 2 7B (decoder count per config)": _CUT,
    "Llama 3.1 405b (proxy)": _CUT,
    "MaxText 1160B": _UNSTATED,
    "MaxText 22B": "the published script does not give the size in its name",
    "MaxText 52B": "the published script does not give the size in its name",
    "Meena 2.6B": "an evolved transformer with convolutions, which is not modelled",
    "Qwen/Qwen3-Omni-30B-A3B-Instruct": _VISION,
    "Qwen/Qwen3-VL-235B-A22B-Instruct": _VISION,
    "Qwen/Qwen3-VL-235B-A22B-Instruct-FP8": _VISION,
    "Qwen/Qwen3-VL-30B-A3B-Instruct": _VISION,
    "Qwen/Qwen3-VL-32B-Instruct": _VISION,
    "Qwen/Qwen3-VL-8B-Instruct": _VISION,
    "Switch-1500B": "an encoder-decoder, which is not modelled",
    "T5-11B": "an encoder-decoder, which is not modelled",
    "Wan 2.1 14B (video DiT)": "a video diffusion model",
    "gemma4-26b": "global layers of another head width with shared keys and values",
    "gemma4-2b": "global layers of another head width with shared keys and values",
    "gemma4-31b": "global layers of another head width with shared keys and values",
    "gemma4-4b": "global layers of another head width with shared keys and values",
    "llama3_1-405b_pruned": "which parts were pruned is not published",
    "nvidia/NVIDIA-Nemotron-Nano-12B-v2-VL-BF16": _VISION,
    "qwen3-vl-235b-a22b": _VISION,
    "wan2.1-14b": "a video diffusion model",
    "~1T MoE (Qwen3/Qwen3-Next production)": _UNSTATED,
}


def test_there_are_at_least_forty_models():
    assert len(MODELS) >= 40


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.id)
def test_every_model_has_an_architecture_of_the_stated_kind(model):
    arch = Architecture.from_entry(model)
    assert arch.kind == model.text("kind")
    assert architecture(model.id) == arch


@pytest.mark.parametrize(
    ("model", "field"),
    [
        pytest.param(model, field, id=f"{model.id} {field}")
        for model in MODELS
        for field in COUNTED
        if field in model
    ],
)
def test_computed_parameters_match_the_published_count(model, field):
    computed = COUNTED[field](Architecture.from_entry(model)) / 1e9
    assert computed == pytest.approx(model.number(field), rel=0.01)


def test_most_models_state_a_published_count():
    assert sum("total_params_b" in model for model in MODELS) >= 60


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.id)
def test_yes_and_no_are_the_only_answers(model):
    answers = {"gated", "tied", "ffn_bias", "router_bias", "head_bias", "norm_bias"}
    assert {model.text(field) for field in answers if field in model} <= {"yes", "no"}


@pytest.mark.parametrize("model", TRAINED, ids=lambda m: m.id)
def test_a_training_run_is_stated_as_a_whole(model):
    for field in ("train_tokens", "train_chip", "train_precision", "train_seq_len"):
        assert field in model, f"{model.id} states chip-hours without {field}"
    assert model.text("train_precision") in {"bf16", "fp16", "fp8"}


# Dense 16-bit FLOP/s that each accelerator's maker states; DeepSeek-V3 ran its products in FP8.
PEAK_TFLOPS = {
    "a100-sxm-40gb": 312,
    "a100-sxm-80gb": 312,
    "h100-sxm": 989,
    "h800-sxm": 989,
    "tpu-v4": 275,
    "v100-sxm": 125,
}


@pytest.mark.parametrize("model", TRAINED, ids=lambda m: m.id)
def test_training_runs_imply_a_possible_utilisation(model):
    flop = model.number("train_tokens") * work.training_flop_per_token(
        Architecture.from_entry(model), model.number("train_seq_len")
    )
    capable = model.number("train_chip_hours") * 3600 * PEAK_TFLOPS[model.text("train_chip")] * 1e12
    assert 0.05 < flop / capable < 0.65


def test_llama_4_model_card_is_kept():
    scout, maverick = (catalog.load().get("model", f"llama-4-{n}") for n in ("scout", "maverick"))
    assert scout.number("train_chip_hours") == 5.0e6
    assert maverick.number("train_chip_hours") == 2.38e6
    assert (scout.number("train_tokens"), maverick.number("train_tokens")) == (40e12, 22e12)


def test_names_of_the_published_measurements_resolve(shared):
    lines = (shared / "measurements" / "model_names.txt").read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if line.strip()]
    missing = [name for name in names if not catalog.load().has("model", name)]
    assert len(missing) <= 0.25 * len(names), missing
    assert all(LEFT_OUT.get(name) for name in missing), set(missing) - set(LEFT_OUT)
    assert set(LEFT_OUT) == set(missing), "a name resolves now: take it off the list"


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ("meta-llama/Llama-3.1-405B-Instruct-FP8", "llama-3.1-405b"),
        ("llama2-70b-99.9", "llama-2-70b"),
        ("DeepSeekV3 (w/ MTP)", "deepseek-v3"),
        ("nvidia/Qwen3-32B-NVFP4", "qwen3-32b"),
        ("gptj-99", "gpt-j-6b"),
        ("LLAMA 2 70B", "llama-2-70b"),
        ("Nemotron_3_Super", "nemotron-3-super"),
        ("llama31_405b", "llama-3.1-405b"),
    ],
)
def test_aliases(written, model):
    assert catalog.load().get("model", written).id == model
