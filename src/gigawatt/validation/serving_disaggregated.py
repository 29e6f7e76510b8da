r"""Serving points of instances that divide reading prompts from writing answers.

:math:`c` requests are under way at any time, :math:`q` of which are being answered. What readers
and writers do at a rate of requests is in `gigawatt.compute.hosting.disaggregated`; here both work
at the rate at which as many requests come back as are sent anew,

.. math:: q + X(q)\,(t_{wait} + t_{read} + t_{send}) = c

with :math:`X(q)` the requests that the writers finish in a second. Every term grows with :math:`q`,
so that there is one solution. A share of the requests comes with all others at once, as at the
start of a benchmark, and waits for half of them to be read. Requests beyond the batches that the
writing instances were given, or that their memory holds, wait for a place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration, disaggregated
from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.steady import CHUNK_TOKENS, Mix
from gigawatt.compute.hosting.step import Split
from gigawatt.errors import GigawattError
from gigawatt.validation import serving_recipes
from gigawatt.validation.serving_rows import (
    COLUMNS,
    fits,
    lengths,
    number,
    setting_of,
    skip,
    split_of,
    subject,
    together_share_of,
)
from gigawatt.validation.skip import Skip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.hosting.setting import ServingSetting

__all__ = ["Divided", "DividedRow", "divided", "is_divided", "read_divided_row"]

_ROUNDS: Final = 4
_TRIED: Final = 24
"""Numbers of answered requests that are tried at once, in each round between the last two."""


@dataclass(frozen=True, slots=True)
class DividedRow:
    """One measured point of a system that reads and writes on different instances.

    Parameters
    ----------
    id : str
        Name.
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats, engine.
    readers, writers : int
        Instances that read prompts and that write answers.
    reading, writing : dict of str to int
        How each of them spreads the model: keyword arguments of `Split`.
    batch : float
        Sequences that each attention group of a writing instance takes at most; 0 where not stated.
    input_tokens, output_tokens : float
        Mean request.
    concurrency : float
        Requests at a time in the whole system.
    ttft_s, tpot_s : float
        Measured; 0 where the row does not state it.
    together_share : float
        Share of requests that arrive together with all others; NaN where the benchmark's rules do
        not say it, and it is as in those that the model was fitted to.
    drafted : float
        Tokens that are drafted for each sequence and step.
    """

    id: str
    arch: Architecture
    setting: ServingSetting
    readers: int
    writers: int
    reading: dict[str, int]
    writing: dict[str, int]
    batch: float
    input_tokens: float
    output_tokens: float
    concurrency: float
    ttft_s: float
    tpot_s: float
    together_share: float = float("nan")
    drafted: float = 0.0


@dataclass(frozen=True, slots=True)
class Divided:
    """A divided system in steady state: mean latencies, answered tokens a second, and loads.

    `answering` is the sequences of each attention group of a writing instance, `busy` the share of
    time in which readers read.
    """

    ttft_s: float
    tpot_s: float
    output_tokens_per_s: float
    answering: float
    busy: float


def is_divided(row: dict[str, str]) -> bool:
    """Return whether a row is of a system that divides reading from writing."""
    return "disaggregated" in row["mode"]


def read_divided_row(row: dict[str, str], position: int = 0) -> DividedRow | str:
    """Return the row as inputs of `divided`, or the reason why it is skipped."""
    try:
        return _read({**dict.fromkeys(COLUMNS, ""), **row}, position)
    except (Skip, GigawattError) as reason:
        return str(reason)


def _read(row: dict[str, str], position: int) -> DividedRow:
    if row["phase"]:
        skip("one phase of a divided system alone")
    arch, chip = subject(row)
    setting = setting_of(row, chip)
    isl, osl = lengths(row)
    batches, _, workers = row["batch_size"].partition(" x workers ")
    counts, each = _pair(workers), _pair(batches)
    reading, writing = (_layout(row, arch, which) for which in (0, 1))
    if counts and each and all(counts):
        used = counts[0] * Split(**reading).accelerators + counts[1] * Split(**writing).accelerators
        if number(row, "num_gpus") not in (0, used):
            skip("stated degrees of parallelism do not multiply to the count")
        places, drafted = float(each[1] * writing["attn_dp"] * counts[1]), 0.0
    else:
        load = (isl, osl), number(row, "concurrency")
        recipe = _recipe(arch, setting, *load, (Split(**reading), Split(**writing)))
        counts, each, places = (recipe.readers, recipe.writers), (0, 0), load[1]
        reading, writing = recipe.layouts
        drafted = recipe.drafted
    for split in (reading, writing):
        fits(arch, setting, Split(**split))
    return DividedRow(
        id=row.get("id") or str(position),
        arch=arch,
        setting=setting,
        readers=counts[0],
        writers=counts[1],
        reading=reading,
        writing=writing,
        batch=float(each[1]),
        input_tokens=isl,
        output_tokens=osl,
        concurrency=number(row, "concurrency") or places,
        ttft_s=number(row, "ttft_ms") / 1e3,
        tpot_s=number(row, "tpot_ms") / 1e3,
        together_share=together_share_of(row),
        drafted=drafted,
    )


def _recipe(
    arch: Architecture,
    setting: ServingSetting,
    tokens: tuple[float, float],
    concurrency: float,
    splits: tuple[Split, Split],
) -> serving_recipes.Recipe:
    """Return the published recipe of a row that does not state its numbers of instances."""
    sizes = (int(splits[0].accelerators), int(splits[1].accelerators))
    found = set(serving_recipes.fitting(arch, setting, tokens, concurrency, sizes))
    if not found:
        skip("numbers of prefill and decode workers not stated")
    if len(found) > 1:
        skip("published recipes of this point differ in workers or in speculative decoding")
    recipe = found.pop()
    if np.isnan(recipe.drafted):
        skip("speculative decoding by a number of tokens that is not stated")
    return recipe


def _pair(text: str) -> tuple[int, int] | None:
    """Return the two numbers of a text such as ``P4/D16``."""
    found = re.fullmatch(r"P(\d+)/D(\d+)", text.strip())
    return (int(found[1]), int(found[2])) if found else None


def _layout(row: dict[str, str], arch: Architecture, which: int) -> dict[str, int]:
    pairs = {name: _pair(row[name]) for name in ("tp", "pp", "ep", "attn_dp")}
    tp, pp, ep, groups = (pair[which] if pair else 0 for pair in pairs.values())
    return split_of(arch, (0, tp, pp, ep, groups))


def divided(row: DividedRow, values: Mapping[str, float] | None = None) -> Divided | None:
    """Return the steady state of a divided system, None where not one request fits.

    `values` are the parameters by name; by default those of ``calibration.json``.
    """
    server, hardware, _ = calibration.server(row.setting, values)
    dims, reading, writing = dims_of(row.arch), Split(**row.reading), Split(**row.writing)
    mix = Mix(
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        accepted=float(server.gained(row.drafted)),
        drafted=row.drafted,
    )
    formats = (row.setting.weight_bytes, row.setting.cache_bytes)
    capacity = float(hardware.capacity_gb)

    def fit(split: Split, tokens: float) -> float:
        return float(sequences_that_fit(dims, split, formats, capacity, tokens))

    groups = float(writing.attn_dp * row.writers)
    places = min(fit(writing, float(mix.context)), row.batch or np.inf) * groups
    prompts = fit(reading, row.input_tokens)
    if min(places / groups, prompts) < 1.0:
        return None
    readers = disaggregated.reading(dims, reading, server, mix, CHUNK_TOKENS, prompts)
    whole = float(row.readers * reading.accelerators + row.writers * writing.accelerators)
    send = float(
        disaggregated.transfer_s(
            dims, server.fabric, (reading, writing), row.input_tokens, formats[1], whole
        )
        + server.hand_over_s
    )
    asked = min(row.concurrency, places)

    def under_way(answered: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the requests in the whole system where so many are being answered."""
        found = disaggregated.answering(dims, writing, server, mix, answered / row.writers)
        rate = np.asarray(found.requests_per_s) * row.writers
        waits, reads = readers.latency_s(rate / row.readers)
        total: NDArray[np.float64] = answered + rate * (waits + reads + send)
        return total

    low, high = 0.0, asked
    for _ in range(_ROUNDS):
        tried = np.linspace(low, high, _TRIED + 1)[1:]
        fit_in = int(np.count_nonzero(under_way(tried) <= asked))
        low, high = (low, *tried)[fit_in], tried[min(fit_in, _TRIED - 1)]
    found = disaggregated.answering(dims, writing, server, mix, max(low, 1e-9) / row.writers)
    rate, step = float(found.requests_per_s) * row.writers, float(found.step_s)
    # Those that are not being answered are on their way to it.
    before = (asked - low) / rate
    most = float(readers.most_per_s)
    burst = 0.5 * max(asked / row.readers - 1.0, 0.0) / most
    known = row.together_share
    waves = float(server.waves if np.isnan(known) else server.together(known))
    # A wave waits for the half of it that is read before; the others as in `before`.
    first = float(server.first_token_s) + before + 1.5 * step
    first += waves * max(burst - (before - send), 0.0)
    # What does not find a place waits for one of those under way to end.
    queued = (row.concurrency - asked) / rate
    return Divided(
        ttft_s=first + queued,
        tpot_s=step / float(mix.accepted),
        output_tokens_per_s=rate * row.output_tokens,
        answering=low / groups,
        busy=rate / row.readers / most,
    )
