"""Hugging Face configurations become the architectures of the catalogue."""

from __future__ import annotations

import json

import pytest

from gigawatt.catalog.architecture import architecture
from gigawatt.catalog.huggingface import SUPPORTED, from_config, read_config
from gigawatt.compute import work
from gigawatt.errors import InputError, NotModelledError, UnknownNameError

LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "tie_word_embeddings": False,
}
QWEN3 = {
    **LLAMA,
    "model_type": "qwen3",
    "hidden_size": 5120,
    "num_hidden_layers": 64,
    "num_attention_heads": 64,
    "head_dim": 128,
    "intermediate_size": 25600,
    "vocab_size": 151936,
    "use_sliding_window": False,
}
DEEPSEEK = {
    "model_type": "deepseek_v3",
    "hidden_size": 7168,
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 3,
    "moe_layer_freq": 1,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "topk_method": "noaux_tc",
    "num_nextn_predict_layers": 1,
    "vocab_size": 129280,
}
MAVERICK = {
    "model_type": "llama4",
    "text_config": {
        "model_type": "llama4_text",
        "hidden_size": 5120,
        "num_hidden_layers": 48,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": 8192,
        "intermediate_size_mlp": 16384,
        "num_local_experts": 128,
        "num_experts_per_tok": 1,
        "interleave_moe_layer_step": 2,
        "attention_chunk_size": 8192,
        "vocab_size": 202048,
    },
}
GPT_OSS = {
    "model_type": "gpt_oss",
    "hidden_size": 2880,
    "num_hidden_layers": 36,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "intermediate_size": 2880,
    "num_local_experts": 128,
    "num_experts_per_tok": 4,
    "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 18,
    "vocab_size": 201088,
}
GPT2 = {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024}
NEOX = {**LLAMA, "model_type": "gpt_neox", "num_hidden_layers": 36, "hidden_size": 5120}
NEOX |= {"num_attention_heads": 40, "intermediate_size": 20480, "vocab_size": 50688}
del NEOX["num_key_value_heads"]
MIXTRAL = {**LLAMA, "model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2}
MIXTRAL |= {"vocab_size": 32000, "sliding_window": None}
MOE = {**QWEN3, "model_type": "qwen3_moe", "num_hidden_layers": 94, "hidden_size": 4096}
MOE |= {"num_key_value_heads": 4, "num_experts": 128, "num_experts_per_tok": 8}
MOE |= {"moe_intermediate_size": 1536, "decoder_sparse_step": 1, "mlp_only_layers": []}
KIMI = {**DEEPSEEK, "model_type": "kimi_k2", "num_attention_heads": 64, "n_routed_experts": 384}
KIMI |= {"first_k_dense_replace": 1, "vocab_size": 163840, "num_nextn_predict_layers": 0}
GEMMA3 = {"model_type": "gemma3_text", "hidden_size": 3840, "num_hidden_layers": 48}
GEMMA3 |= {"intermediate_size": 15360, "num_attention_heads": 16, "num_key_value_heads": 8}
GEMMA3 |= {"sliding_window": 1024, "vocab_size": 262144}
OLMO2 = {**LLAMA, "model_type": "olmo2", "num_hidden_layers": 40, "hidden_size": 5120}
OLMO2 |= {"num_attention_heads": 40, "num_key_value_heads": 40, "intermediate_size": 13824}
OLMO2 |= {"vocab_size": 100352}
QWEN2 = {**LLAMA, "model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28}
QWEN2 |= {"num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944}
QWEN2 |= {"vocab_size": 152064}
MINIMAX = {**LLAMA, "model_type": "minimax_m2", "hidden_size": 3072, "num_hidden_layers": 62}
MINIMAX |= {"num_attention_heads": 48, "head_dim": 128, "intermediate_size": 1536}
MINIMAX |= {
    "num_mtp_modules": 3,
    "num_local_experts": 256,
    "num_experts_per_tok": 8,
    "vocab_size": 200064,
}
GLM = {**LLAMA, "model_type": "glm4_moe", "num_hidden_layers": 46, "num_attention_heads": 96}
GLM |= {"head_dim": 128, "intermediate_size": 10944, "n_routed_experts": 128, "vocab_size": 151552}
GLM |= {"num_experts_per_tok": 8, "n_shared_experts": 1, "moe_intermediate_size": 1408}
GLM |= {"first_k_dense_replace": 1, "attention_bias": True, "num_nextn_predict_layers": 1}
MISTRAL = {**LLAMA, "model_type": "mistral", "vocab_size": 32000, "sliding_window": 4096}
FALCON = {"model_type": "falcon", "hidden_size": 14848, "num_hidden_layers": 80}
FALCON |= {"num_attention_heads": 232, "num_kv_heads": 8, "new_decoder_architecture": True}
FALCON |= {"vocab_size": 65024, "bias": False, "tie_word_embeddings": False}
SMOLLM3 = {**LLAMA, "model_type": "smollm3", "hidden_size": 2048, "num_hidden_layers": 36}
SMOLLM3 |= {"num_attention_heads": 16, "num_key_value_heads": 4, "intermediate_size": 11008}
SMOLLM3 |= {"tie_word_embeddings": True}
V2_LITE = {**DEEPSEEK, "model_type": "deepseek_v2", "hidden_size": 2048, "num_hidden_layers": 27}
V2_LITE |= {"num_attention_heads": 16, "intermediate_size": 10944, "moe_intermediate_size": 1408}
V2_LITE |= {"n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6}
V2_LITE |= {"first_k_dense_replace": 1, "q_lora_rank": None, "topk_method": "greedy"}
V2_LITE |= {"num_nextn_predict_layers": 0, "vocab_size": 102400}
HYBRID = {"model_type": "nemotron_h", "vocab_size": 131072, "tie_word_embeddings": False}
HYBRID |= {"ssm_state_size": 128, "n_groups": 8, "conv_kernel": 4, "chunk_size": 128}
HYBRID |= {"head_dim": 128, "mamba_head_dim": 64}
NEMOTRON_H = {**HYBRID, "num_hidden_layers": 118, "hidden_size": 8192, "intermediate_size": 32768}
NEMOTRON_H |= {"num_attention_heads": 64, "num_key_value_heads": 8, "mamba_num_heads": 256}
NEMOTRON_H |= {"ssm_state_size": 256, "attention_head_dim": 128, "head_dim": None}
NEMOTRON_H |= {
    "hybrid_override_pattern": "M-M-M-M*-" + 9 * "M-M-M-M-M*-" + "M-M-M-M-M-",
}
NANO3 = {**HYBRID, "num_hidden_layers": 52, "hidden_size": 2688, "moe_intermediate_size": 1856}
NANO3 |= {"num_attention_heads": 32, "num_key_value_heads": 2, "mamba_num_heads": 64}
NANO3 |= {"n_routed_experts": 128, "num_experts_per_tok": 6, "intermediate_size": 1856}
NANO3 |= {"moe_shared_expert_intermediate_size": 3712}
NANO3 |= {"hybrid_override_pattern": "MEMEM*E" + 4 * "MEMEM*E" + "MEMEMEM*EMEMEMEME"}

SAME = {
    "llama-3.1-8b": LLAMA,
    "qwen3-32b": QWEN3,
    "deepseek-v3": DEEPSEEK,
    "llama-4-maverick": MAVERICK,
    "gpt-oss-120b": GPT_OSS,
    "gpt2": {**GPT2, "vocab_size": 50257},
    "pythia-12b": NEOX,
    "mixtral-8x7b": MIXTRAL,
    "qwen3-235b-a22b": MOE,
    "kimi-k2": KIMI,
    "gemma-3-12b": GEMMA3,
    "olmo-2-13b": OLMO2,
    "qwen2.5-7b": QWEN2,
    "minimax-m2.5": MINIMAX,
    "glm-4.5-air": GLM,
    "mistral-7b": MISTRAL,
    "falcon-180b": FALCON,
    "smollm3-3b": SMOLLM3,
    "deepseek-v2-lite": V2_LITE,
    "nemotron-h-56b": NEMOTRON_H,
    "nemotron-3-nano": NANO3,
}


@pytest.mark.parametrize("model", SAME)
def test_a_configuration_gives_the_catalogue_architecture(model, tmp_path):
    file = tmp_path / model / "config.json"
    file.parent.mkdir()
    file.write_text(json.dumps(SAME[model]), encoding="utf-8")
    read, stated = read_config(file), architecture(model)
    assert read.name == model
    assert work.total_parameters(read) == work.total_parameters(stated)
    assert work.active_parameters(read) == work.active_parameters(stated)
    for context in (1, 4096, 100_000):
        assert work.forward_flop_per_token(read, context) == work.forward_flop_per_token(
            stated, context
        )
    assert work.kv_bytes_per_token(read, 2) == work.kv_bytes_per_token(stated, 2)
    assert work.mtp_flop_per_token(read, 10) == work.mtp_flop_per_token(stated, 10)
    assert architecture(str(file)) == architecture(str(file.parent)) == read


@pytest.mark.parametrize("kind", ["gemma", "gemma2"])
def test_older_gemma_configurations(kind):
    dims = {**LLAMA, "model_type": kind, "head_dim": 256}
    del dims["tie_word_embeddings"]
    arch = from_config(dims)
    assert arch.tied
    assert arch.global_layers == (16 if kind == "gemma2" else 32)


def test_layers_may_be_spelled_out_and_experts_work_on_a_latent_width():
    names = {"M": "mamba", "*": "attention", "E": "moe"}
    spelled = dict(NANO3, layers_block_type=[names[k] for k in NANO3["hybrid_override_pattern"]])
    del spelled["hybrid_override_pattern"]
    assert from_config(spelled) == from_config(NANO3)
    latent = from_config({**NANO3, "moe_latent_size": 672, "num_nextn_predict_layers": 1})
    assert (latent.latent, latent.mtp_layers) == (672, 1)
    # Narrower experts by a quarter, less the projections in and out of each layer.
    saved = work.total_parameters(from_config(NANO3)) - work.total_parameters(latent)
    assert saved == 23 * (128 * 2 * (2688 - 672) * 1856 - 2 * 2688 * 672)


def test_every_supported_kind_is_tried_here():
    tried = {c.get("text_config", c)["model_type"] for c in SAME.values()}
    assert set(SUPPORTED) == tried | {"gemma", "gemma2", "gemma3"}


@pytest.mark.parametrize(
    "key", [k for k in LLAMA if k not in {"num_key_value_heads", "model_type"}]
)
def test_a_wrong_key_is_named_with_file_expectation_and_value(key, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**LLAMA, key: "many"}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_config(file)
    assert str(caught.value).startswith(f"{file}: {key}: expected ")
    assert str(caught.value).endswith('; found "many"')
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("config", SAME.values(), ids=list(SAME))
def test_a_missing_key_is_named(config):
    dims = dict(config.get("text_config", config))
    layers = "n_layer" if "n_layer" in dims else "num_hidden_layers"
    del dims[layers]
    with pytest.raises(InputError) as caught:
        from_config(dims, "here.json")
    expected = f"here.json: {layers}: expected a whole number of at least 1; found nothing"
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": None}, "x.json: model_type: expected a string; found null"),
        ({"hidden_size": 4097}, "x.json: hidden_size: expected a multiple of the 32 heads"),
        ({"num_key_value_heads": 5}, "x.json: kv_heads must divide the 32 heads; found 5"),
        ({"num_hidden_layers": True}, "x.json: num_hidden_layers: expected a whole number"),
        ({"num_hidden_layers": 1.5}, "x.json: num_hidden_layers: expected a whole number"),
        ({"vocab_size": -1}, "x.json: vocab_size: expected a whole number of at least 1; found -1"),
    ],
)
def test_dimensions_that_fit_no_model(change, message):
    with pytest.raises(InputError) as caught:
        from_config({**LLAMA, **change}, "x.json")
    assert str(caught.value).startswith(message)


def test_a_pattern_of_layers_must_be_known_and_whole():
    expected = "hybrid_override_pattern: expected mamba"
    for pattern in (51 * "M" + "X", 51 * "M"):
        with pytest.raises(InputError, match=expected):
            from_config({**NANO3, "hybrid_override_pattern": pattern})


def test_irregular_layers_are_refused():
    kinds = ["full_attention", "sliding_attention", "sliding_attention", "full_attention"]
    with pytest.raises(InputError, match="layer_types: expected full attention in every n-th"):
        from_config({**GPT_OSS, "layer_types": kinds})


@pytest.mark.parametrize(
    "config",
    [
        {**LLAMA, "model_type": "mamba2"},
        {**DEEPSEEK, "index_topk": 2048},
        {**QWEN3, "use_sliding_window": True},
        {**MOE, "mlp_only_layers": [3]},
        {**NANO3, "hybrid_override_pattern": 51 * "E" + "-"},
        {**NANO3, "moe_shared_expert_intermediate_size": 1000},
    ],
    ids=["state space", "learned index", "window", "odd layers", "mixed layers", "odd shared"],
)
def test_what_has_no_exact_description_is_refused(config):
    with pytest.raises(NotModelledError, match=r"x\.json: "):
        from_config(config, "x.json")


def test_files_that_are_no_configuration(tmp_path):
    with pytest.raises(InputError, match=r"expected a readable config\.json"):
        read_config(tmp_path / "absent.json")
    broken = tmp_path / "config.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="expected JSON"):
        read_config(tmp_path)
    broken.write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="expected a JSON object; found list"):
        read_config(tmp_path)


def test_an_unknown_name_suggests_a_known_one():
    with pytest.raises(UnknownNameError, match=r"did you mean llama-3\.1-8b"):
        architecture("llama-3.1-8bb")
