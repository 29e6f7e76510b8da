r"""Batches that are timed alone: from prompts to the last token, and one prompt to its first token.

All :math:`b` prompts of a static batch are read first, in steps of as many tokens as the engine
takes; then all answers are written together:

.. math:: T = \sum_{chunks} t_{read} + (o - 1)\,t_{decode}(b)

Nothing queues and nothing passes a network on its way to the engine, so that neither the wait nor
the dispatch of a service are added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.steady import CHUNK_TOKENS
from gigawatt.compute.hosting.step import Split, Work, step_parts
from gigawatt.errors import GigawattError
from gigawatt.validation.serving_rows import (
    COLUMNS,
    fits,
    lengths,
    number,
    setting_of,
    skip,
    split_of,
    subject,
)
from gigawatt.validation.skip import Skip

if TYPE_CHECKING:
    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.hosting.setting import ServingSetting

__all__ = ["BatchRow", "batch_s", "is_batch", "read_batch_row"]


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch that was timed alone.

    Parameters
    ----------
    id : str
        Name.
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats, engine.
    split : dict of str to int
        Keyword arguments of `Split`.
    input_tokens, output_tokens : float
        Of each request.
    batch : float
        Requests.
    measured_s : float
        From the prompts to the last token; to the first one where `output_tokens` is 1.
    """

    id: str
    arch: Architecture
    setting: ServingSetting
    split: dict[str, int]
    input_tokens: float
    output_tokens: float
    batch: float
    measured_s: float


def is_batch(row: dict[str, str]) -> bool:
    """Return whether a row states the time of one batch, not a throughput."""
    return row["load"] == "static batch" and not number(row, "out_tok_s_per_gpu")


def read_batch_row(row: dict[str, str], position: int = 0) -> BatchRow | str:
    """Return the row as inputs of `batch_s`, or the reason why it is skipped."""
    try:
        return _read({**dict.fromkeys(COLUMNS, ""), **row}, position)
    except (Skip, GigawattError) as reason:
        return str(reason)


def _read(row: dict[str, str], position: int) -> BatchRow:
    arch, chip = subject(row)
    setting = setting_of(row, chip)
    count, tp, pp, ep, groups = (
        int(number(row, c)) for c in ("num_gpus", "tp", "pp", "ep", "attn_dp")
    )
    split = split_of(arch, (count, tp, pp, ep, groups))
    fits(arch, setting, Split(**split))
    isl, osl = lengths(row)
    first, whole = number(row, "ttft_ms") / 1e3, number(row, "e2e_latency_s")
    measured = whole or (first if osl <= 1.0 else 0.0)
    return BatchRow(
        id=row.get("id") or str(position),
        arch=arch,
        setting=setting,
        split=split,
        input_tokens=isl,
        output_tokens=osl,
        batch=number(row, "batch_size") or skip("size of the batch not stated"),
        measured_s=measured or skip("no time of the batch"),
    )


def batch_s(row: BatchRow) -> float:
    """Return the time of a batch that an instance has for itself [s]."""
    server, _, _ = calibration.server(row.setting)
    dims, split = dims_of(row.arch), Split(**row.split)
    each = row.batch / split.attn_dp
    prompts = each * row.input_tokens
    chunks = np.ceil(prompts / CHUNK_TOKENS)
    read = Work(
        sequences=0.0,
        context=0.0,
        prompt_tokens=prompts / chunks,
        prompt_context=0.5 * row.input_tokens,
        speaking=each / chunks,
    )
    write = Work(sequences=each, context=row.input_tokens + 0.5 * row.output_tokens, speaking=each)
    reading, writing = (
        step_parts(dims, split, work, server.engine, server.fabric).total_s
        for work in (read, write)
    )
    return float(chunks * reading + (row.output_tokens - 1.0) * writing)
