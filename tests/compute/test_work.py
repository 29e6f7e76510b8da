"""Parameters, FLOP and cache bytes: published numbers, hand counts and laws that always hold."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.catalog.architecture import Architecture, architecture
from gigawatt.compute import work
from gigawatt.compute.dims import dims_of, stack_dims
from gigawatt.errors import InputError

TINY = Architecture(
    layers=2, hidden=8, heads=2, kv_heads=1, head_dim=4, ffn=16, vocab=10, name="tiny"
)
WIDTHS = st.sampled_from([8, 16, 64, 128])


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Draw a dense or MoE model with plain, windowed or latent attention."""
    heads = draw(st.sampled_from([2, 4, 8]))
    dims = {
        "layers": draw(st.integers(1, 12)),
        "hidden": draw(WIDTHS),
        "heads": heads,
        "vocab": draw(st.integers(10, 1000)),
        "ffn": draw(WIDTHS),
        "gated": draw(st.booleans()),
        "tied": draw(st.booleans()),
    }
    if draw(st.booleans()):
        dims |= {"kv_lora": 8, "nope_dim": 4, "rope_dim": 2, "v_dim": 6}
        dims |= {"q_lora": draw(st.sampled_from([0, 16]))}
    else:
        dims |= {"kv_heads": draw(st.sampled_from([1, 2])), "head_dim": draw(WIDTHS)}
    if draw(st.booleans()):
        experts = draw(st.integers(1, 8))
        dims |= {"experts": experts, "active_experts": draw(st.integers(1, experts))}
        dims |= {"expert_ffn": draw(WIDTHS), "shared_experts": draw(st.integers(0, 2))}
        dims |= {"leading_dense": draw(st.integers(0, 1)), "moe_every": draw(st.integers(1, 2))}
        dims |= {"latent": draw(st.sampled_from([0, 4]))}
    if draw(st.booleans()):
        dims |= {"window": draw(st.integers(1, 64)), "global_every": draw(st.integers(0, 3))}
    if draw(st.booleans()):
        dims |= {"ssm_layers": draw(st.integers(1, dims["layers"])), "ssm_chunk": 32}
        dims |= {"ssm_heads": 4, "ssm_head_dim": 8, "ssm_state": 16, "ssm_groups": 2, "ssm_conv": 4}
        if draw(st.booleans()):  # one block a layer: as many more layers hold a feed-forward block
            dims |= {"layers": 2 * dims["layers"], "ffn_only_layers": dims["layers"]}
    return Architecture(**dims)


@given(architectures())
def test_more_layers_take_more_work(arch):
    deeper = dataclasses.replace(arch, layers=arch.layers + arch.moe_every)
    assert work.total_parameters(deeper) > work.total_parameters(arch)
    assert work.forward_flop_per_token(deeper, 100) > work.forward_flop_per_token(arch, 100)


@given(architectures())
def test_active_never_exceeds_total(arch):
    active = work.active_parameters(arch)
    assert active <= work.total_parameters(arch)
    assert (active == work.total_parameters(arch)) == (
        arch.moe_layers == 0 or arch.active_experts == arch.experts
    )


@given(architectures(), st.integers(1, 500), st.integers(0, 500))
def test_longer_context_never_takes_less(arch, tokens, more):
    assert work.forward_flop_per_token(arch, tokens + more) >= work.forward_flop_per_token(
        arch, tokens
    )
    assert work.decode_flop_per_token(arch, tokens + more) >= work.decode_flop_per_token(
        arch, tokens
    )
    assert work.kv_bytes_per_sequence(arch, tokens + more, 2) >= work.kv_bytes_per_sequence(
        arch, tokens, 2
    )


@given(architectures(), st.integers(1, 500))
def test_training_is_three_forward_passes(arch, tokens):
    expected = pytest.approx(3 * work.forward_flop_per_token(arch, tokens), rel=1e-12)
    assert work.training_flop_per_token(arch, tokens) == expected


@given(architectures(), st.integers(1, 500))
def test_window_saves_work(arch, tokens):
    everything = dataclasses.replace(arch, window=0, global_every=0)
    assert work.forward_flop_per_token(arch, tokens) <= work.forward_flop_per_token(
        everything, tokens
    )
    state = work.kv_bytes_per_sequence(arch, 0, 2)
    kept = work.kv_bytes_per_sequence(arch, tokens, 2) - state
    assert kept <= tokens * work.kv_bytes_per_token(arch, 2)


@given(st.integers(1, 300), st.integers(1, 100), st.sampled_from(["sliding", "chunked"]))
def test_mean_attended_is_the_mean_of_what_each_token_sees(tokens, window, kind):
    seen = [min(i + 1, window) if kind == "sliding" else i % window + 1 for i in range(tokens)]
    expected = pytest.approx(sum(seen) / tokens, rel=1e-12)
    assert work.mean_attended(tokens, window, kind) == expected


def test_hand_count_of_a_tiny_model():
    # Attention: query 8x8, key and value 8x4 each, output 8x8; block: three of 8x16; norms 2x8.
    layer = 64 + 2 * 32 + 64 + 3 * 128 + 16
    assert work.total_parameters(TINY) == 2 * 80 + 8 + 2 * layer
    matmul = 80 + 2 * (layer - 16)
    assert work.matmul_parameters_per_token(TINY) == matmul
    # 5 tokens of 9 in the mean; scores and values of 2 heads of 4: 2 x 2 x 8 FLOP for each.
    assert work.forward_flop_per_token(TINY, 9) == 2 * matmul + 2 * 5 * 32
    assert work.decode_flop_per_token(TINY, 9) == 2 * matmul + 2 * 9 * 32
    assert work.kv_bytes_per_token(TINY, 2) == 2 * 2 * 4 * 2


def test_hand_count_of_a_tiny_state_space_model():
    # Three layers of one block each: a mixer of 2 heads of 4 with 1 group and a state of 3, a
    # block of experts that work on 2 numbers in place of 8, and attention.
    arch = Architecture(
        name="tiny", layers=3, hidden=8, heads=2, kv_heads=1, head_dim=4, vocab=10, gated=False,
        norms_per_layer=1, experts=4, active_experts=1, shared_experts=1, expert_ffn=16, latent=2,
        ssm_layers=1, ffn_only_layers=1, ssm_heads=2, ssm_head_dim=4, ssm_state=3, ssm_groups=1,
        ssm_conv=4, ssm_chunk=5,
    )  # fmt: skip
    # In: gate and values of 8, 3 each to write and read, 2 steps; out 8x8. The convolution sees 4
    # tokens of 14 channels, with a bias; 3 numbers a head; a norm over 8.
    projections = 8 * (8 + 8 + 3 + 3 + 2) + 64
    mixer = projections + 14 * 5 + 6 + 8
    outside_experts = 4 * 8 + 2 * 8 * 2 + 2 * 8 * 16
    attention = 64 + 2 * 32 + 64
    expert = 2 * 2 * 16
    rest = 2 * 80 + 8 + 3 * 8 + attention
    assert work.total_parameters(arch) == rest + mixer + outside_experts + 4 * expert
    assert work.active_parameters(arch) == rest + mixer + outside_experts + expert
    matmul = 80 + attention + projections + outside_experts + expert
    assert work.matmul_parameters_per_token(arch) == matmul
    # Chunks of 5: scores of 3 and what they weigh, 8; then the state of 8 x 3 written and read.
    scan = 2 * (5 * (3 + 8) + 2 * 24)
    assert work.scan_flop_per_token(arch, 9) == scan
    assert work.forward_flop_per_token(arch, 9) == 2 * matmul + 2 * 5 * 16 + scan
    assert work.decode_flop_per_token(arch, 9) == 2 * matmul + 2 * 9 * 16 + 2 * 2 * 24
    assert work.kv_bytes_per_token(arch, 2) == 2 * 2 * 4
    assert work.kv_bytes_per_sequence(arch, 9, 2) == 9 * 16 + 2 * (24 + 3 * 14)


def test_a_scan_is_the_attention_of_its_chunk_where_all_widths_agree():
    """Dao and Gu (2024), section 6.3: state and head width equal to the chunk make O(T N^2)."""
    arch = Architecture(
        layers=1, hidden=8, heads=1, kv_heads=1, head_dim=8, vocab=8, ffn=8, ssm_layers=1,
        ssm_heads=1, ssm_head_dim=64, ssm_state=64, ssm_groups=1, ssm_conv=4, ssm_chunk=64,
    )  # fmt: skip
    assert work.scan_flop_per_token(arch, 4096) == 2 * 4 * 64**2


def test_published_weights_of_nemotron_3_ultra():
    """The BF16 weights take 1,121 GB: the model and one multi-token-prediction module."""
    arch = architecture("nemotron-3-ultra")
    one_block = dataclasses.replace(arch, layers=2, ssm_layers=0, ffn_only_layers=1)
    tables = 2 * arch.vocab * arch.hidden
    module = work.total_parameters(one_block) - tables + 2 * arch.hidden**2
    assert 2 * (work.total_parameters(arch) + module) == pytest.approx(1121e9, rel=0.001)


def test_published_utilisation_of_megascale_moe():
    """Table 3: 272.9 thousand tokens/s on 240 H800 of 989 TFLOP/s are 32.48 % of their peak."""
    flop = work.training_flop_per_token(architecture("megascale-moe-352b"), 8192)
    assert flop * 272.9e3 / (240 * 989e12) == pytest.approx(0.3248, abs=2e-4)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        # Counted from the released weights by their authors (model cards).
        ("bloom-176b", 176_247_271_424),
        ("bloomberggpt-50b", 50_558_868_480),
        ("gpt2", 124_439_808),
        ("gpt2-xl", 1_557_611_200),
        ("pythia-70m", 70_426_624),
        ("pythia-12b", 11_846_072_320),
        # The benchmark's own column NumParams.
        ("mpt-3b", 2_651_837_440),
        ("mpt-30b", 29_975_214_080),
        ("mpt-70b", 64_862_437_376),
    ],
)
def test_counts_are_exact_to_the_parameter(name, count):
    assert work.total_parameters(architecture(name)) == count


def test_gpt3_matches_the_megatron_formula():
    """Narayanan et al. (2021), equation 2: 12 l h^2 (1 + 13/(12 h) + (V + s)/(12 l h))."""
    layers, hidden, vocab, positions = 96, 12288, 51200, 2048
    formula = (
        12
        * layers
        * hidden**2
        * (1 + 13 / (12 * hidden) + (vocab + positions) / (12 * layers * hidden))
    )
    arch = dataclasses.replace(architecture("gpt-3-175b"), vocab=vocab, positions=positions)
    # The equation leaves out the last normalisation: two numbers for each of the hidden width.
    assert work.total_parameters(arch) == pytest.approx(formula + 2 * hidden, abs=1)


def test_published_cache_sizes():
    # Llama 3.1 70B: 80 layers, 8 heads of 128, keys and values, 2 bytes: 320 KiB a token.
    assert work.kv_bytes_per_token(architecture("llama-3.1-70b"), 2) == 320 * 1024
    # DeepSeek-V2, table 1: MLA caches 9/2 head widths a layer.
    arch = architecture("deepseek-v2")
    assert work.kv_bytes_per_token(arch, 1) == 4.5 * 128 * arch.layers


def test_decode_with_latent_attention_works_on_the_compressed_widths():
    arch = architecture("deepseek-v3")
    step = work.decode_flop_per_token(arch, 1001) - work.decode_flop_per_token(arch, 1000)
    assert step == 61 * 2 * 128 * (512 + 64 + 512)
    prefill = work.forward_flop_per_token(arch, 1001) - work.forward_flop_per_token(arch, 999)
    assert prefill == pytest.approx(61 * 2 * 128 * (128 + 64 + 128))


def test_multi_token_prediction_of_deepseek_v3():
    """The weight notes count 2.4 billion active parameters, embedding (0.93 billion) included."""
    arch = architecture("deepseek-v3")
    matrices = work.mtp_flop_per_token(arch, 0) / 2
    assert matrices + arch.vocab * arch.hidden == pytest.approx(2.4e9, rel=0.08)
    assert work.mtp_flop_per_token(architecture("llama-3-8b"), 4096) == 0


def test_windows_of_released_models():
    gemma = architecture("gemma-3-27b")
    assert (gemma.global_layers, gemma.windowed_layers) == (10, 52)
    scout = architecture("llama-4-scout")
    assert (scout.global_layers, scout.windowed_layers) == (12, 36)
    maverick = architecture("llama-4-maverick")
    assert (maverick.moe_layers, maverick.dense_layers) == (24, 24)
    deepseek = architecture("deepseek-v3")
    assert (deepseek.moe_layers, deepseek.dense_layers) == (58, 3)
    nano = architecture("nemotron-3-nano")
    assert (nano.attention_layers, nano.ssm_layers, nano.moe_layers) == (6, 23, 23)
    assert (nano.dense_layers, nano.global_layers, nano.windowed_layers) == (0, 6, 0)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gemma-3-27b", "deepseek-v3", "nemotron-3-super"])
def test_dimensions_as_numbers_agree_with_the_architecture(name):
    arch = architecture(name)
    dims = dims_of(arch)
    assert dims.attention_layers == arch.attention_layers
    assert dims.ffn_layers == arch.ffn_layers
    blocks = dims.attention_layers + dims.ssm_layers + dims.ffn_layers
    assert blocks == arch.layers * arch.norms_per_layer or arch.norms_per_layer == 4
    stacked = stack_dims([TINY, arch])
    assert stacked.take(1) == dims
    assert stacked.attention_layers.tolist() == [2, arch.attention_layers]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "layers must be at least 1; found 0"),
        ({"kv_heads": 3}, "kv_heads must divide the 2 heads; found 3"),
        ({"experts": 4, "active_experts": 5}, "active_experts must lie between 1 and 4; found 5"),
        ({"experts": 4, "active_experts": 1}, "experts need expert_ffn"),
        ({"ffn": 0}, "dense layers need ffn"),
        ({"ffn": -1}, "ffn must not be negative; found -1"),
        ({"leading_dense": 9}, "leading_dense must lie between 0 and 2; found 9"),
        ({"qk_norm": "some"}, "qk_norm must be one of none, head, full; found 'some'"),
        ({"latent": 8}, "latent is a width of experts, and there are none"),
        ({"ssm_layers": 1}, "state-space layers need every ssm_ width"),
        ({"ssm_heads": 3, "ssm_groups": 2}, "ssm_groups must divide the 3 state-space heads"),
        ({"ffn_only_layers": 3}, "ssm_layers and ffn_only_layers must not exceed the layers, 2"),
        ({"kv_lora": 8}, "MLA needs the widths of its heads"),
    ],
)
def test_impossible_dimensions_are_refused(change, message):
    with pytest.raises(InputError, match="tiny: ") as caught:
        dataclasses.replace(TINY, **change)
    assert message in str(caught.value)
