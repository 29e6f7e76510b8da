r"""Times of products, attention and routed experts of one model from tables of measured kernels.

Products
    Tables span rows :math:`m`, columns :math:`n` and depth :math:`k`. A layer has those of queries,
    keys and values, of the output, of the two halves of a feed-forward block, and of the router;
    ranks cut :math:`n` of the first of a pair and :math:`k` of the second.

Attention
    Tables span heads, sequences and length for one number of key-value heads. Key-value heads of a
    sequence do not meet, so :math:`f` times as many with their heads are :math:`f` times as many
    sequences. Tokens of prompts that attend to :math:`c` others in the mean are those of whole
    prompts of :math:`2 c` tokens, or a share of one; beyond the longest prompt that was measured,
    where arithmetic binds, they keep its rate. A window that was not measured is a context that
    ends there.

Latent attention (MLA)
    Where the kernel alone was measured, products are added, those of the absorbed matrices among
    them. Others were measured as whole modules of DeepSeek-V3, with the products in it; then a step
    that both reads and answers reads their weights twice.

Experts
    Tables hold what the fullest rank takes for so many tokens of all ranks. The inner width of a
    rank is interpolated; hidden width, number of experts and experts of a token must be measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.measured.formats import (
    LATENT_KERNELS,
    LATENT_MODULES,
    expert_filter,
)
from gigawatt.compute.hosting.measured.tables import grid_of, measured_values
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.measured.formats import Formats
    from gigawatt.compute.hosting.measured.grid import Grid
    from gigawatt.compute.hosting.measured.tables import Filter, KernelTables
    from gigawatt.compute.hosting.step import Split, Work

    Floats = NDArray[np.float64]
    Numbers = float | NDArray[Any]

__all__ = ["ROUTING", "Kernels"]

ROUTING: Final = "power_law_1.01"
"""How tokens were routed to experts in the tables: by a power law, as real text is; there are
``power_law_1.2`` and ``balanced`` too."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """Measured kernels of one model.

    Parameters
    ----------
    dims : Dims
        The model.
    tables : KernelTables
        Where they are.
    formats : Formats
        In which formats.
    routing : str
        How tokens were routed to experts.
    """

    dims: Dims
    tables: KernelTables
    formats: Formats
    routing: str = ROUTING

    @property
    def note(self) -> str:
        """Which operators were measured, where, and in which formats."""
        formats = self.formats
        told = {
            "products": formats.products,
            "attention": (*formats.modules, f"{formats.cache} cache"),
            "experts": (*formats.experts, self.routing) if formats.experts else (),
        }
        listed = ", ".join(f"{name} ({', '.join(of)})" for name, of in told.items() if of)
        return f"kernels measured: {self.tables.described}: {listed}"

    def products_s(self, split: Split, work: Work) -> Floats:
        """Return the products of attention and dense blocks of all layers [s]."""
        dims, tp = self.dims, split.tp
        tokens = work.sequences + work.prompt_tokens

        def block(width: Numbers) -> Floats:
            first = self._product(tokens, (dims.ffn_matrices - 1.0) * width / tp, dims.hidden)
            return first + self._product(tokens, dims.hidden, width / tp)

        total = np.zeros(np.broadcast(tokens, tp).shape)
        if not self.formats.modules:
            total = total + dims.attention_layers * self._projections(split, work)
        if dims.dense_layers > 0:
            total = total + dims.dense_layers * block(dims.ffn)
        if dims.moe_layers > 0:
            router = self._product(tokens, dims.experts, dims.hidden, ("bfloat16",))
            total = total + dims.moe_layers * router
        if dims.moe_layers > 0 and dims.shared_experts > 0:
            total = total + dims.moe_layers * block(dims.shared_experts * dims.expert_ffn)
        return total

    def attention_s(self, split: Split, work: Work) -> Floats:
        """Return attention of all layers: decoding sequences and prompts [s]."""
        dims = self.dims
        if dims.mla > 0:
            return dims.attention_layers * self._latent(split, work)
        total = np.zeros(np.broadcast(split.tp, work.sequences, work.prompt_tokens).shape)
        if dims.global_layers > 0:
            total = total + dims.global_layers * self._grouped(split, work, 0.0)
        if dims.windowed_layers > 0:
            total = total + dims.windowed_layers * self._grouped(split, work, float(dims.window))
        return total

    def experts_s(self, split: Split, work: Work) -> Floats:
        """Return routed experts of all layers on the fullest rank [s]."""
        dims = self.dims
        tokens = (work.sequences + work.prompt_tokens) * split.attn_dp
        if not dims.moe_layers > 0:
            return np.zeros(np.broadcast(tokens, split.tp).shape)
        path = self.tables.needed("moe", "moe_perf")
        shape = expert_filter(dims, self.formats.experts, self.routing)

        def at(ep: float, rows: Floats, width: Floats) -> Floats:
            axes = ("num_tokens", "inter_size / moe_tp_size")
            grid = grid_of(path, axes, (*shape, ("moe_ep_size", ep)))
            unknown = np.full(rows.shape, np.nan)
            return _some(grid.in_parts, rows, width) if grid else unknown

        width = dims.expert_ffn * split.ep / split.ranks
        return dims.moe_layers * _each(at, split.ep, tokens, width)

    def _product(
        self, rows: Numbers, columns: Numbers, depth: Numbers, forms: tuple[str, ...] = ()
    ) -> Floats:
        where = (("gemm_dtype", forms or self.formats.products),)
        grid = _known(grid_of(self.tables.needed("gemm", "gemm_perf"), ("m", "n", "k"), where))
        return _some(grid.in_parts, rows, columns, depth)

    def _projections(self, split: Split, work: Work) -> Floats:
        """Return the products of attention in one layer [s]."""
        dims, tokens = self.dims, work.sequences + work.prompt_tokens
        heads = np.maximum(dims.heads / split.tp, 1.0)
        out = self._product(tokens, dims.hidden, heads * dims.value_dim)
        if dims.mla == 0:
            kv_heads = np.maximum(dims.kv_heads / split.tp, 1.0)
            width = (heads + kv_heads) * dims.score_dim + kv_heads * dims.value_dim
            return out + self._product(tokens, width, dims.hidden)
        narrow = self._product(tokens, dims.q_lora + dims.kv_lora + dims.rope_dim, dims.hidden)
        queries = dims.q_lora if dims.q_lora > 0 else dims.hidden
        wide = self._product(tokens, heads * dims.score_dim, queries)
        both = heads * (dims.nope_dim + dims.value_dim)
        read = self._product(work.prompt_tokens, both, dims.kv_lora)
        return out + narrow + wide + read + self._absorbed(heads, work.sequences)

    def _absorbed(self, heads: Numbers, sequences: Numbers) -> Floats:
        """Return the batched products into the latent space and out of it [s]."""
        path = self.tables.needed("mla_bmm", "mla_bmm_perf")
        total = np.zeros(np.broadcast(heads, sequences).shape)
        for name in ("mla_gen_pre", "mla_gen_post"):
            where = (("op_name", name), ("bmm_dtype", "bfloat16"))
            grid = _known(grid_of(path, ("num_tokens", "num_heads"), where))
            total = total + _some(grid.in_parts, sequences, heads)
        return total

    def _latent(self, split: Split, work: Work) -> Floats:
        """Return latent attention of one layer, with its products where modules were measured."""
        names = LATENT_MODULES if self.formats.modules else LATENT_KERNELS
        where: Filter = (("kv_cache_dtype", self.formats.cache),)
        if self.formats.modules:
            where = (*where, ("gemm_type", self.formats.modules))
        heads = np.maximum(self.dims.heads / split.tp, 1.0)
        decode, prompt = (
            _known(grid_of(self.tables.needed("mla", name), ("batch_size", "num_heads", axis),
                           where, sequences=True))
            for name, axis in zip(names, ("step", "isl"), strict=True)
        )  # fmt: skip
        answered = _answers(decode, heads, work.sequences, work.context)
        return answered + _prompts(prompt, heads, work.prompt_tokens, work.prompt_context)

    def _grouped(self, split: Split, work: Work, window: float) -> Floats:
        """Return attention with grouped queries in one layer [s]."""
        needed, dims = self.tables.needed, self.dims
        decode = needed("attention", "generation_attention_perf")
        prompt = needed("attention", "context_attention_perf")
        where = (("head_dim", float(dims.score_dim)), ("kv_cache_dtype", self.formats.cache))

        def at(tp: float, sequences: Floats, context: Floats, read: Floats, seen: Floats) -> Floats:
            heads = (max(float(dims.heads) / tp, 1.0), max(float(dims.kv_heads) / tp, 1.0))
            one, other = (
                _attention(path, axis, where, heads, window)
                for path, axis in ((decode, "step"), (prompt, "isl"))
            )
            answered = _answers(
                one.grid, one.heads, one.folds * sequences, np.minimum(context, one.ends)
            )
            return answered + _prompts(
                other.grid, other.heads, other.folds * read, np.minimum(seen, other.ends)
            )

        return _each(
            at, split.tp, work.sequences, work.context, work.prompt_tokens, work.prompt_context
        )


@dataclass(frozen=True, slots=True)
class _Attention:
    """A grid of attention; for one sequence of a step it has `folds`, with so many `heads`.

    Context `ends` where a window does that was not measured.
    """

    grid: Grid | None
    folds: float
    heads: float
    ends: float


@cache
def _attention(
    path: Path,
    length: str,
    where: Filter,
    heads: tuple[float, float],
    window: float,
) -> _Attention:
    """Return the grid with the most key-value heads that divide those of a rank."""
    known = window in measured_values(path, "window_size", where)
    ends = window if window and not known else np.inf
    where = (*where, ("window_size", window if known else 0.0))
    for held in reversed(measured_values(path, "num_key_value_heads", where)):
        folds = heads[1] / held
        axes = ("batch_size", "num_heads", length)
        grid = grid_of(path, axes, (*where, ("num_key_value_heads", held)), sequences=True)
        whole = folds == int(folds) or held == 1
        if grid and whole and grid.axes[1][0] <= heads[0] / folds <= grid.axes[1][-1]:
            return _Attention(grid, folds, heads[0] / folds, ends)
    return _Attention(None, 1.0, heads[0], ends)


def _answers(grid: Grid | None, heads: Numbers, sequences: Numbers, context: Numbers) -> Floats:
    """Return attention of one token of each sequence to its context [s]."""
    if grid is None:
        return np.where(np.greater(sequences, 0.0), np.nan, 0.0)
    return _some(grid.in_parts, sequences, heads, context)


def _prompts(grid: Grid | None, heads: Numbers, tokens: Numbers, seen: Numbers) -> Floats:
    """Return attention over prompts: whole ones, or a share of one [s]."""
    if grid is None:
        return np.where(np.greater(tokens, 0.0), np.nan, 0.0)
    # Without prompts the context may be anything, and is not looked for.
    length = np.where(np.greater(tokens, 0.0), np.maximum(2.0 * np.asarray(seen), 1.0), 1.0)
    longest = np.minimum(length, grid.axes[2][-1])
    # So many prompts of the length that is looked up have as much arithmetic.
    many = tokens / length * (length / longest) ** 2
    share = np.minimum(many, 1.0)
    total: Floats = share * grid.in_parts(np.maximum(many, 1.0), heads, longest)
    return total


def _some(answer: Callable[..., Floats], count: Numbers, *others: Numbers) -> Floats:
    """Return the time of so many, 0 where there are none."""
    return np.where(np.greater(count, 0.0), answer(count, *others), 0.0)


def _known(grid: Grid | None) -> Grid:
    """Return a grid, or raise where a table lacks a format that another of its operator has."""
    if grid is None:
        message = "a table of measured kernels lacks a format that another of its operator has"
        raise NotModelledError(message)
    return grid


def _each(answer: Callable[..., Floats], key: Numbers, *arrays: Numbers) -> Floats:
    """Return what a function of one key and arrays answers, for an array of keys."""
    keys, *others = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (key, *arrays)))
    found = np.empty(keys.shape)
    for value in np.unique(keys):
        here = keys == value
        found[here] = answer(float(value), *(one[here] for one in others))
    return found
