"""Measured kernels in place of modelled ones: interpolation, the rules around it, provenance.

The tables here are written by laws, so that every answer has a closed form. They have the columns
of the package ``aiconfigurator-core``; one test reads the package itself where it is installed.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from importlib.util import find_spec
from itertools import product
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.cli._app import app
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.estimate import estimate_serving
from gigawatt.compute.hosting.measured import tables as tables_module
from gigawatt.compute.hosting.measured.grid import Grid
from gigawatt.compute.hosting.measured.parts import measured_parts
from gigawatt.compute.hosting.measured.tables import grid_of, kernel_tables
from gigawatt.compute.hosting.planning.plan import plan_hosting
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.steady import Mix
from gigawatt.compute.hosting.step import Split, Work, step_parts
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PRODUCT_S = 1e-15  # a product takes this times its multiplications, attention and experts alike


def _write(path: Path, sizes: Mapping[str, list], law: Callable[..., float]) -> None:
    """Write a table whose times [s] follow a law of its numeric columns."""
    rows = [dict(zip(sizes, values, strict=True)) for values in product(*sizes.values())]
    for row in rows:
        row["latency"] = 1e3 * law(**{k: v for k, v in row.items() if not isinstance(v, str)})
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows)
    with duckdb.connect() as store:
        store.register("made", table)
        store.table("made").write_parquet(str(path))


def _tables(root: Path, engine: str = "vllm", version: str = "1.0.0") -> Path:
    """Write tables in which work alone takes time, under the name of an H100."""

    def path(operator: str, name: str) -> Path:
        return root / "h100_sxm" / operator / engine / version / f"{name}.parquet"

    sizes = [32.0, 1024.0, 65536.0]
    _write(
        path("gemm", "gemm_perf"),
        {"gemm_dtype": ["bfloat16", "fp8"], "m": [1.0, 64.0, 32768.0], "n": sizes, "k": sizes},
        lambda m, n, k: PRODUCT_S * m * n * k,
    )
    heads = {
        "num_heads": [1, 8, 64], "num_key_value_heads": [1, 2], "head_dim": [128],
        "kv_cache_dtype": ["bfloat16", "fp8"], "window_size": [0], "batch_size": [1, 64, 2048],
    }  # fmt: skip
    _write(
        path("attention", "generation_attention_perf"),
        heads | {"step": [1, 131071]},
        lambda num_heads, batch_size, step, **_: PRODUCT_S * num_heads * batch_size * step,
    )
    _write(
        path("attention", "context_attention_perf"),
        heads | {"isl": [1, 128, 16384]},
        lambda num_heads, batch_size, isl, **_: PRODUCT_S * num_heads * batch_size * isl**2,
    )
    _write(
        path("moe", "moe_perf"),
        {
            "moe_dtype": ["fp8_block"], "hidden_size": [4096], "inter_size": [1536], "topk": [8],
            "num_experts": [128], "moe_tp_size": [1, 2, 4], "moe_ep_size": [1, 8],
            "distribution": ["power_law_1.01"], "num_tokens": [1, 128, 16384],
        },
        lambda num_tokens, inter_size, moe_tp_size, moe_ep_size, **_: (
            PRODUCT_S * num_tokens * inter_size / moe_tp_size / moe_ep_size
        ),
    )  # fmt: skip
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _tables(tmp_path_factory.mktemp("kernels"))


def _setting(
    software: str = "vllm", chip: str = "h100-sxm", weights: str = "fp8"
) -> ServingSetting:
    return ServingSetting(catalog.load().get("chip", chip), weights, "fp8", software)


def _both(root: Path, model: str, split: Split, work: Work) -> tuple:
    """Return the modelled and the measured parts of one step."""
    arch, setting = architecture(model), _setting()
    server, _, _ = calibration.server(setting)
    asked = (dims_of(arch), split, work, server.engine, server.fabric)
    return step_parts(*asked), measured_parts(arch, setting, root=root)(*asked)


# --- interpolation ---------------------------------------------------------------------------


def test_points_of_the_grid_are_met_exactly() -> None:
    rng = np.random.default_rng(3)
    m, n = (one.ravel() for one in np.meshgrid([1.0, 3.0, 8.0, 33.0], [32.0, 96.0, 512.0]))
    seconds = rng.uniform(1e-6, 1e-3, m.shape)
    np.testing.assert_allclose(Grid.of_points([m, n], seconds).seconds(m, n), seconds, rtol=1e-12)


@given(st.floats(1.0, 32768.0), st.floats(32.0, 65536.0), st.floats(0.1, 2.0))
def test_between_points_every_power_of_a_size_is_met(m: float, n: float, power: float) -> None:
    axes = [np.geomspace(1.0, 32768.0, 5), np.geomspace(32.0, 65536.0, 4)]
    rows, columns = (one.ravel() for one in np.meshgrid(*axes, indexing="ij"))
    grid = Grid.of_points([rows, columns], 1e-9 * rows**power * columns)
    assert grid.seconds(m, n) == pytest.approx(1e-9 * m**power * n, rel=1e-9)


@given(st.lists(st.floats(0.0, 2.0), min_size=4, max_size=4), st.floats(1, 99), st.floats(1, 99))
def test_more_rows_never_take_less_where_none_measured_did(
    gains: list[float], one: float, other: float
) -> None:
    seconds = 1e-6 * np.exp(np.cumsum(gains))
    grid = Grid.of_points([np.array([1.0, 7.0, 20.0, 40.0])], seconds)
    few, many = sorted((one, other))
    assert grid.in_parts(few) <= grid.in_parts(many) * (1 + 1e-12)


def test_outside_what_was_measured_nothing_is_guessed() -> None:
    grid = Grid.of_points([[16, 16, 64], [1, 4, 1]], [1.0, 2.0, 3.0])
    assert grid.seconds(2.0, 0.5) == pytest.approx(1.0)  # a tile is computed whole
    assert np.isnan(grid.seconds(65.0, 1.0))
    assert np.isnan(grid.seconds(20.0, 2.0))  # the corner (64, 4) was not measured
    assert grid.seconds(20.0, 1.0) == pytest.approx(3.0 ** (np.log(20 / 16) / np.log(4)))


def test_more_rows_than_measured_are_cut_into_equal_parts() -> None:
    grid = Grid.of_points([[1, 100], [1, 1]], [1.0, 10.0])
    assert grid.in_parts(150.0, 1.0) == pytest.approx(2 * grid.seconds(75.0, 1.0))


def test_points_that_more_rows_beat_are_taken_out() -> None:
    grid = Grid.of_points([[1, 2, 4, 1, 4], [1, 1, 1, 9, 9]], [5.0, 2.0, 3.0, 8.0, 6.0]).rising()
    np.testing.assert_allclose(grid.seconds([1.0, 2.0, 4.0], 1.0), [2.0, 2.0, 3.0])
    np.testing.assert_allclose(grid.seconds([1.0, 2.0, 4.0], 9.0), 6.0)


def test_sequences_beyond_the_memory_take_in_proportion_at_lengths_that_were_measured() -> None:
    grid = Grid.of_points([[1, 2, 8, 1], [10, 10, 10, 99]], [1.0, 1.5, 4.0, 7.0])
    filled = grid.with_more_sequences()
    assert filled.seconds(8.0, 99.0) == pytest.approx(56.0)
    assert filled.seconds(8.0, 10.0) == pytest.approx(4.0)
    assert np.isnan(grid.seconds(8.0, 99.0))


# --- where tables are ------------------------------------------------------------------------


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_module, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"gigawatt\[kernels\]"):
        kernel_tables(_setting())


def test_a_chip_or_an_engine_that_was_not_measured_is_refused(root: Path) -> None:
    with pytest.raises(NotModelledError, match="there are: h100-sxm"):
        kernel_tables(_setting(chip="mi300x"), root)
    with pytest.raises(NotModelledError, match="of sglang on h100-sxm"):
        kernel_tables(_setting("sglang"), root)
    with pytest.raises(InputError, match=r"one of 1\.0\.0; found '2'"):
        kernel_tables(_setting(), root, version="2")


def test_the_fullest_version_counts_and_lends_from_older_ones_only(tmp_path: Path) -> None:
    _tables(tmp_path, version="0.9.0")
    law = {"gemm_dtype": ["bfloat16"], "m": [1.0], "n": [1.0], "k": [1.0]}
    for version, name in (("0.10.0rc2", "gemm"), ("0.10.0rc2", "extra"), ("0.8.0", "old")):
        path = tmp_path / "h100_sxm" / "gemm" / "vllm" / version / f"{name}_perf.parquet"
        _write(path, law, lambda **_: 1.0)
    found = kernel_tables(_setting(), tmp_path)
    assert found.version == "0.9.0"
    assert found.file("gemm", "extra_perf") is None
    old = found.file("gemm", "old_perf")
    assert old is not None
    assert old.parent.name == "0.8.0"
    newer = kernel_tables(_setting(), tmp_path, version="0.10.0rc2")
    moe = newer.file("moe", "moe_perf")
    assert moe is not None
    assert moe.parent.name == "0.9.0"


def test_of_competing_kernels_the_fastest_counts(tmp_path: Path) -> None:
    path = tmp_path / "gemm_perf.parquet"
    _write(path, {"gemm_dtype": ["fp8", "fp8_block"], "slow": [1, 2], "m": [1, 2]},
           lambda slow, m: 1e-6 * slow * m)  # fmt: skip
    grid = grid_of(path, ("m",), (("gemm_dtype", ("fp8", "fp8_block")),))
    assert grid is not None
    np.testing.assert_allclose(grid.seconds([1.0, 2.0]), [1e-6, 2e-6])
    assert grid_of(path, ("m",), (("gemm_dtype", ("nvfp4",)),)) is None


# --- operators -------------------------------------------------------------------------------


@pytest.mark.parametrize("tp", [1, 4, 8])
def test_products_take_the_multiplications_of_the_weights(root: Path, tp: int) -> None:
    work = Work(sequences=100.0, context=500.0)
    _, found = _both(root, "llama-3.1-70b", Split(tp=tp), work)
    arch = architecture("llama-3.1-70b")
    heads, dim = arch.heads, arch.score_dim
    layer = arch.hidden * dim * (2 * heads + 2 * arch.kv_heads) + 3 * arch.hidden * arch.ffn
    assert found.products_s == pytest.approx(PRODUCT_S * 100 * arch.layers * layer / tp)


@pytest.mark.parametrize("tp", [1, 2, 4, 8])
def test_attention_takes_its_heads_context_and_prompts(root: Path, tp: int) -> None:
    """With 8, 4, 2 and 1 key-value heads on a rank, where 1 and 2 were measured."""
    work = Work(sequences=40.0, context=3000.0, prompt_tokens=700.0, prompt_context=2500.0)
    _, found = _both(root, "llama-3.1-70b", Split(tp=tp), work)
    arch = architecture("llama-3.1-70b")
    # A prompt of 2 c tokens takes its square, so that each of its tokens takes 2 c.
    layer = arch.heads / tp * (40 * 3000 + 700 * 5000)
    assert found.attention_s == pytest.approx(PRODUCT_S * arch.layers * layer)


@pytest.mark.parametrize(("tokens", "seen"), [(8192, 4096), (64, 32), (4000, 30000), (9000, 50)])
def test_prompts_take_their_arithmetic_whole_cut_or_many(
    root: Path, tokens: float, seen: float
) -> None:
    work = Work(sequences=0.0, context=1.0, prompt_tokens=tokens, prompt_context=seen)
    _, found = _both(root, "llama-3.1-70b", Split(tp=8), work)
    arch = architecture("llama-3.1-70b")
    expected = PRODUCT_S * arch.layers * arch.heads / 8 * tokens * 2 * seen
    assert found.attention_s == pytest.approx(expected)


def test_models_with_experts_have_a_router_and_no_dense_blocks(root: Path) -> None:
    arch = architecture("qwen3-235b-a22b")
    _, found = _both(root, "qwen3-235b-a22b", Split(tp=4), Work(sequences=10.0, context=1.0))
    heads = 2 * arch.heads + 2 * arch.kv_heads
    layer = arch.hidden * (heads * arch.score_dim / 4 + arch.experts)
    assert found.products_s == pytest.approx(PRODUCT_S * 10 * arch.layers * layer)


def test_experts_take_all_tokens_and_the_width_of_a_rank(root: Path) -> None:
    arch = architecture("qwen3-235b-a22b")
    work = Work(sequences=50.0, context=500.0)
    law = PRODUCT_S * arch.moe_layers * arch.expert_ffn
    for split, share in (
        (Split(tp=4), 50 / 4),
        (Split(tp=8, ep=8), 50 / 8),
        (Split(tp=2, attn_dp=4, ep=8), 4 * 50 / 8),
    ):
        _, found = _both(root, "qwen3-235b-a22b", split, work)
        assert found.experts_s == pytest.approx(law * share)
    _, unknown = _both(root, "qwen3-235b-a22b", Split(tp=8, ep=4), work)
    assert np.isnan(unknown.experts_s)


def test_many_splits_and_loads_at_once_are_as_each_alone(root: Path) -> None:
    many = Split(tp=np.array([[1.0], [4.0], [8.0]]), ep=np.array([[1.0], [1.0], [8.0]]))
    loads = np.array([1.0, 33.0, 700.0])
    work = Work(sequences=loads, context=900.0, prompt_tokens=512.0, prompt_context=256.0)
    _, found = _both(root, "qwen3-235b-a22b", many, work)
    assert found.total_s.shape == (3, 3)
    for i, (tp, ep) in enumerate([(1, 1), (4, 1), (8, 8)]):
        for j, load in enumerate(loads):
            one = replace(work, sequences=float(load))
            _, alone = _both(root, "qwen3-235b-a22b", Split(tp=tp, ep=ep), one)
            assert found.total_s[i, j] == pytest.approx(alone.total_s, rel=1e-12)


def _latent(root: Path, names: tuple[str, str]) -> None:
    """Write tables of latent attention, as kernels or as modules."""
    folder = root / "h100_sxm" / "mla" / "vllm" / "1.0.0"
    common = {
        "kv_cache_dtype": ["fp8"], "gemm_type": ["fp8_block"], "num_heads": [1, 128],
        "batch_size": [1, 1024],
    }  # fmt: skip
    _write(
        folder / f"{names[0]}.parquet",
        common | {"step": [1, 131071]},
        lambda num_heads, batch_size, step: PRODUCT_S * num_heads * batch_size * step,
    )
    _write(
        folder / f"{names[1]}.parquet",
        common | {"isl": [1, 16384]},
        lambda num_heads, batch_size, isl: PRODUCT_S * num_heads * batch_size * isl**2,
    )
    _write(
        root / "h100_sxm" / "mla_bmm" / "vllm" / "1.0.0" / "mla_bmm_perf.parquet",
        {"op_name": ["mla_gen_pre", "mla_gen_post"], "bmm_dtype": ["bfloat16"],
         "num_tokens": [1, 16384], "num_heads": [1, 128]},
        lambda num_tokens, num_heads: PRODUCT_S * num_tokens * num_heads * 128 * 512,
    )  # fmt: skip
    _write(
        root / "h100_sxm" / "moe" / "vllm" / "1.0.0" / "moe_perf.parquet",
        {"moe_dtype": ["fp8_block"], "hidden_size": [7168], "inter_size": [2048], "topk": [8],
         "num_experts": [256], "moe_tp_size": [1, 8], "moe_ep_size": [1],
         "distribution": ["power_law_1.01"], "num_tokens": [1, 16384]},
        lambda num_tokens, **_: PRODUCT_S * num_tokens,
    )  # fmt: skip


def test_latent_attention_adds_its_products_unless_they_are_in_the_module(tmp_path: Path) -> None:
    work = Work(sequences=30.0, context=2000.0, prompt_tokens=1024.0, prompt_context=512.0)
    found = {}
    for names in (
        ("generation_mla_perf", "context_mla_perf"),
        ("mla_generation_module_perf", "mla_context_module_perf"),
    ):
        root = _tables(tmp_path / names[0])
        _latent(root, names)
        _, found[names[0]] = _both(root, "deepseek-v3", Split(tp=8), work)
    kernel, module = found.values()
    arch, heads = architecture("deepseek-v3"), 16
    attention = heads * (30 * 2000 + 1024 * 1024)
    assert kernel.attention_s == pytest.approx(PRODUCT_S * arch.layers * attention)
    assert module.attention_s == pytest.approx(kernel.attention_s)
    absorbed = 2 * 30 * heads * 128 * 512
    inside = 1054 * (7168 * (1536 + 512 + 64) + 1536 * heads * 192 + heads * 128 * 7168)
    inside += 1024 * 512 * heads * 256
    difference = PRODUCT_S * arch.layers * (inside + absorbed)
    assert kernel.products_s - module.products_s == pytest.approx(difference)


def test_what_no_table_holds_is_refused_with_its_reason(root: Path) -> None:
    for model, weights, reason in (
        ("mixtral-8x7b", "fp8", "experts in fp8 with .*num_experts 8.0.*not measured"),
        ("llama-3.1-70b", "fp4", "products in fp4: not measured; found bfloat16, fp8"),
        ("nemotron-h-56b", "fp8", "recurrent layers"),
        ("gpt-j-6b", "fp8", "heads of 256 .* was not measured; heads of 128 were"),
    ):
        arch = architecture(model)
        with pytest.raises(NotModelledError, match=reason):
            measured_parts(arch, _setting(weights=weights), root=root)


# --- the step --------------------------------------------------------------------------------


def test_the_rest_of_a_step_is_the_models(root: Path) -> None:
    work = Work(sequences=64.0, context=1500.0, speaking=64.0)
    modelled, found = _both(root, "qwen3-235b-a22b", Split(tp=8), work)
    for name in ("elementwise_s", "network_s", "head_s", "engine_s"):
        assert getattr(found, name) == getattr(modelled, name)
    # A recorded step launches nothing beside what the kernels hold.
    assert found.launch_s == 0.0
    parts = sum(float(getattr(found, f.name)) for f in fields(found))
    assert found.total_s == pytest.approx(parts)


def test_a_step_that_reads_is_never_shorter_than_its_launches(root: Path) -> None:
    arch = architecture("llama-3.1-8b")
    server, _, _ = calibration.server(_setting())
    work = Work(sequences=1.0, context=100.0, prompt_tokens=16.0, prompt_context=8.0, speaking=1.0)
    parts = measured_parts(arch, _setting(), root=root)
    found = parts(dims_of(arch), Split(), work, server.engine, server.fabric)
    least = arch.layers * server.engine.eager_layer_s + found.engine_s
    assert found.total_s == pytest.approx(least)


def test_the_note_says_whose_kernels_were_used(root: Path) -> None:
    note = measured_parts(architecture("qwen3-235b-a22b"), _setting(), root=root).note
    assert "h100_sxm, vllm 1.0.0" in note
    for told in ("products (fp8)", "attention (fp8 cache)", "experts (fp8_block, power_law_1.01)"):
        assert told in note


# --- plans and estimates ---------------------------------------------------------------------


@pytest.fixture
def installed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the tables stand where those of the package would."""
    monkeypatch.setattr(tables_module, "_installed", lambda: (root, "made-tables 1"))


@pytest.mark.usefixtures("installed")
def test_an_estimate_takes_the_kernels_it_is_asked_to_and_says_so() -> None:
    arch, split = architecture("llama-3.1-70b"), Split(tp=4)
    mix = Mix(input_tokens=1000.0, output_tokens=300.0)
    modelled = estimate_serving(arch, _setting(), split, mix, 16.0)
    found = estimate_serving(arch, _setting(), split, mix, 16.0, kernels="measured")
    assert not any("kernels" in note for note in modelled.notes)
    told = "kernels measured: made-tables 1, h100_sxm, vllm 1.0.0: products (fp8)"
    assert any(note.startswith(told) for note in found.notes)
    assert "bands are those of the errors of the modelled" in found.tpot_s.note
    assert found.tpot_s.value != modelled.tpot_s.value
    # The latency rests on a step of the measured kernels alone.
    server, _, _ = calibration.server(_setting())
    parts = measured_parts(arch, _setting())
    work = Work(sequences=16.0, context=mix.context, speaking=16.0)
    step = parts(dims_of(arch), split, work, server.engine, server.fabric).total_s
    assert found.tpot_s.value > step


@pytest.mark.usefixtures("installed")
def test_a_load_beyond_the_tables_is_an_error_and_no_number() -> None:
    arch = architecture("qwen3-235b-a22b")
    mix = Mix(input_tokens=1000.0, output_tokens=300.0)
    with pytest.raises(NotModelledError, match="not measured with vllm on h100-sxm"):
        estimate_serving(arch, _setting(), Split(tp=8, ep=4), mix, 16.0, kernels="measured")
    with pytest.raises(InputError, match="kernels must be one of model, measured; found 'fast'"):
        estimate_serving(arch, _setting(), Split(tp=8), mix, 16.0, kernels="fast")


@pytest.mark.usefixtures("installed")
def test_a_plan_searches_with_measured_kernels_and_drops_what_was_not_measured() -> None:
    asked = {"chip": "h100-sxm", "tpot_ms": 50, "input_tokens": 1000, "output_tokens": 300}
    plan = plan_hosting("qwen3-235b-a22b", kernels="measured", **asked)
    assert plan.best.split.ep in (1, 8)
    assert plan.rejected["needs a bandwidth or a kernel that nobody published"] > 0
    assert any(note.startswith("kernels measured: made-tables 1") for note in plan.notes)
    with pytest.raises(NotModelledError, match="not measured"):
        plan_hosting("qwen3-235b-a22b", kernels="measured", split={"tp": 8, "ep": 4}, **asked)
    with pytest.raises(InputError, match="leave percentile and disaggregated out"):
        plan_hosting("qwen3-235b-a22b", kernels="measured", percentile=99, **asked)


@pytest.mark.usefixtures("installed")
def test_the_command_takes_kernels_and_refuses_them_for_a_trace(tmp_path: Path) -> None:
    asked = ["host", "llama-3.1-70b", "--chip", "h100", "--kernels", "measured"]
    lengths = ["--input", "1000", "--output", "200", "--format", "json"]
    found = CliRunner().invoke(app, [*asked, *lengths])
    assert found.exit_code == 0, found.stderr
    assert any("made-tables 1, h100_sxm" in note for note in json.loads(found.stdout)["notes"])
    trace = tmp_path / "trace.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n", encoding="utf-8")
    refused = CliRunner().invoke(app, [*asked, "--trace", str(trace)])
    assert refused.exit_code == 2
    assert "--kernels" in refused.stderr


@pytest.mark.skipif(
    find_spec("aiconfigurator_core") is None, reason="the extra 'kernels' is not installed"
)
@pytest.mark.parametrize("software", ["vllm", "sglang", "tensorrt-llm"])
@pytest.mark.parametrize("weights", ["bf16", "fp8"])
def test_no_product_of_the_package_is_faster_than_the_accelerator(
    software: str, weights: str
) -> None:
    setting = _setting(software, weights=weights)
    parts = measured_parts(architecture("llama-3.1-70b"), setting)
    path = parts.kernels.tables.needed("gemm", "gemm_perf")
    forms = parts.kernels.formats.products
    grid = grid_of(path, ("m", "n", "k"), (("gemm_dtype", forms),))
    assert grid is not None
    m, n, k = np.meshgrid(*grid.axes, indexing="ij")
    # Small weights may stay in the cache of the chip, but arithmetic has no way around its peak.
    assert np.nanmax(2.0 * m * n * k / np.exp(grid.logs) / setting.peak_flops) < 1.0


@pytest.mark.skipif(
    find_spec("aiconfigurator_core") is None, reason="the extra 'kernels' is not installed"
)
def test_the_package_answers_for_a_dense_model_one_with_experts_and_latent_attention() -> None:
    for model, software in (
        ("llama-3.1-70b", "vllm"),
        ("qwen3-235b-a22b", "sglang"),
        ("deepseek-v3", "tensorrt-llm"),
        ("deepseek-v3", "vllm"),
    ):
        setting = _setting(software, "b200-sxm")
        server, _, _ = calibration.server(setting)
        parts = measured_parts(architecture(model), setting)
        loads = np.array([1.0, 8.0, 64.0])
        work = Work(sequences=loads, context=2000.0, speaking=loads)
        dims = dims_of(architecture(model))
        found = parts(dims, Split(tp=8), work, server.engine, server.fabric).total_s
        assert (found > 1e-3).all()
        assert (found < 0.1).all()
        assert (np.diff(found) > 0.0).all()
