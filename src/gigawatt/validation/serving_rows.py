"""Rows of a table of measured serving points, read as inputs of the serving model.

Nothing is fitted here. A row gives model, system, split, formats, engine, request lengths and load;
where it leaves something unsaid the engine's own default stands in, or the row is skipped with a
reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting.memory import weight_gb
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.step import Split
from gigawatt.compute.network import check, fabric_of
from gigawatt.compute.work import active_parameters
from gigawatt.errors import GigawattError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

__all__ = ["COLUMNS", "MOST_SEQUENCES", "ServingRow", "read_serving_row"]

COLUMNS: Final = (
    "model", "precision", "hardware", "num_gpus", "tp", "pp", "ep", "attn_dp", "mode", "engine",
    "isl", "osl", "load", "concurrency", "batch_size", "ttft_ms", "tpot_ms", "out_tok_s_per_gpu",
)  # fmt: skip

_ENGINES: Final = (
    ("sglang", "sglang"),
    ("vllm", "vllm"),
    ("trtllm", "tensorrt-llm"),
    ("tensorrt", "tensorrt-llm"),
)
_RELEASED: Final = {
    # version that the column states: year of its release
    "1.0.0rc3": 2025.5, "v1.0": 2025.7, "0.17": 2025.1, "0.17.0": 2025.1, "0.9.0": 2024.3,
    "0.14.0": 2024.8, "0.12.0": 2025.9, "0.11.2": 2025.9, "0.5.1.post1": 2025.65,
    "0.5.6.post2": 2025.9,
}  # fmt: skip
_DEFAULT_YEAR: Final = 2025.8
_MOST_OF_PEAK: Final = 0.5
"""Share of peak arithmetic above which no engine serves: training, without any of its steps bound
by memory, reaches this (see the pages on training)."""
_SLOWEST_READING: Final = 10.0
"""Time that engines take to read all prompts at once, over that at peak, at most."""
_LONGEST_START_S: Final = 3.0
"""Longest time to a first token that is not reading [s]."""
MOST_SEQUENCES: Final = 2048
"""Sequences that TensorRT-LLM's benchmark keeps in progress at most."""


@dataclass(frozen=True, slots=True)
class ServingRow:
    """One measured serving point with everything the serving model asks for.

    Parameters
    ----------
    id, model, kind, group : str
        Names.
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats, engine.
    split : dict of str to int
        Keyword arguments of `Split`.
    input_tokens, output_tokens : float
        Mean request.
    concurrency : float
        Requests at a time; 0 where as many as fit (offline).
    ttft_s, tpot_s, tokens_per_s_per_chip : float
        Measured; 0 where the row does not state it.
    """

    id: str
    model: str
    kind: str
    group: str
    arch: Architecture
    setting: ServingSetting
    split: dict[str, int]
    input_tokens: float
    output_tokens: float
    concurrency: float
    ttft_s: float
    tpot_s: float
    tokens_per_s_per_chip: float


class _Skip(Exception):  # noqa: N818  it is a reason, not an error
    """The row cannot be predicted; the message says why."""


def read_serving_row(row: dict[str, str], number: int = 0) -> ServingRow | str:
    """Return the row as inputs of the serving model, or the reason why it is skipped."""
    try:
        return _read(row, number)
    except _Skip as reason:
        return str(reason)
    except GigawattError as error:
        return str(error)


def _read(row: dict[str, str], number: int) -> ServingRow:
    if "disaggregated" in (row.get("mode") or ""):
        _skip("disaggregated: numbers of prefill and decode workers not modelled in steady state")
    if "likely contains errors" in (row.get("notes") or ""):
        _skip("likely contains errors by its own note")
    if "spec=" in (row.get("notes") or ""):
        _skip("speculative decoding whose acceptance is not stated")
    if "likely multi-node" in (row.get("notes") or ""):
        _skip("recorded layout is doubtful by its own note")
    arch, chip = _subject(row)
    setting = _setting(row, chip)
    split = _split(row, arch)
    isl, osl = _lengths(row)
    offline = "offline" in (row.get("load") or "")
    concurrency = 0.0 if offline else _concurrency(row, split)
    ttft, tpot = _number(row, "ttft_ms") / 1e3, _number(row, "tpot_ms") / 1e3
    rate = _number(row, "out_tok_s_per_gpu") if offline or not tpot else 0.0
    if not (ttft or tpot or rate):
        _skip("no latency and no throughput")
    if osl <= 1:
        _skip("one output token: a prompt timed inside the process, not a service")
    _possible(arch, setting, split, (isl, osl, concurrency, ttft, tpot))
    stated = row.get("ttft_stat", ""), row.get("tpot_stat", "")
    if "p99" in stated:
        _skip("only the 99th percentile of latency is stated")
    return ServingRow(
        id=row.get("id") or str(number),
        model=row["model"],
        kind=arch.kind,
        group=f"{setting.software} {setting.chip.id}",
        arch=arch,
        setting=setting,
        split=split,
        input_tokens=isl,
        output_tokens=osl,
        concurrency=concurrency,
        ttft_s=ttft,
        tpot_s=tpot,
        tokens_per_s_per_chip=rate,
    )


def _possible(
    arch: Architecture,
    setting: ServingSetting,
    split: dict[str, int],
    stated: tuple[float, float, float, float, float],
) -> None:
    """Skip a row that contradicts itself or the hardware, whatever the model predicts."""
    spread, dims = Split(**split), dims_of(arch)
    check(fabric_of(setting.chip), float(spread.accelerators), 1.0)
    capacity = setting.chip.number("hbm_gb") * 2**30 / 1e9
    if weight_gb(dims, spread, setting.weight_bytes) > capacity:
        _skip("the weights are larger than the memory of the stated accelerators")
    isl, osl, concurrency, ttft, tpot = stated
    if not (ttft and tpot and concurrency):
        return
    # Little's law gives the requests each second, and they the arithmetic of reading the prompts.
    rate = concurrency / (ttft + osl * tpot)
    flop = 2.0 * active_parameters(arch) * (isl + osl)
    if rate * flop > _MOST_OF_PEAK * setting.peak_flops * float(spread.accelerators):
        _skip("prompts read faster than the accelerators compute: a prefix cache is not stated")
    read_s = concurrency * 2.0 * active_parameters(arch) * isl / setting.peak_flops
    slowest = _SLOWEST_READING * read_s / float(spread.accelerators) + _LONGEST_START_S
    if ttft > slowest:
        _skip("first tokens waited for something that is not stated: a cap, or a cold start")


def _skip(reason: str) -> NoReturn:
    raise _Skip(reason)


def _number(row: dict[str, str], column: str) -> float:
    text = row.get(column) or ""
    try:
        return float(text) if text else 0.0
    except ValueError:
        return 0.0


def _subject(row: dict[str, str]) -> tuple[Architecture, Entry]:
    book = catalog.load()
    if not book.has("model", row["model"]):
        _skip("architecture not public or not in the catalogue")
    if not book.has("chip", row["hardware"]):
        _skip("accelerator not in the catalogue")
    entry = book.get("model", row["model"])
    return Architecture.from_entry(entry), book.get("chip", row["hardware"])


def _setting(row: dict[str, str], chip: Entry) -> ServingSetting:
    engine = (row.get("engine") or "").lower()
    software = next((name for sign, name in _ENGINES if sign in engine), "")
    if not software:
        _skip("engine not known")
    text = (row.get("precision") or "bf16").lower()
    weights = next(
        (
            fmt
            for sign, fmt in (
                ("mxfp4", "mxfp4"), ("fp4", "fp4"), ("int4", "int4"), ("fp8", "fp8"),
                ("int8", "int8"), ("bf16", "bf16"), ("bfloat16", "bf16"), ("fp16", "bf16"),
            )
            if sign in text
        ),
        "",
    )  # fmt: skip
    if not weights:
        _skip("precision not known")
    cache = "bf16" if weights == "bf16" else "fp8"
    return ServingSetting(chip, weights, cache, software, _year(row))


def _year(row: dict[str, str]) -> float:
    date = (row.get("date") or "").replace("-", "")
    if found := re.match(r"(\d{4})(\d\d)", date):
        return int(found[1]) + (int(found[2]) - 1) / 12.0
    return _RELEASED.get(row.get("engine_version") or "", _DEFAULT_YEAR)


def _split(row: dict[str, str], arch: Architecture) -> dict[str, int]:
    count, tp, pp, ep, groups = (
        int(_number(row, c)) for c in ("num_gpus", "tp", "pp", "ep", "attn_dp")
    )
    tp, pp, ep, groups = max(tp, 1), max(pp, 1), max(ep, 1), max(groups, 1)
    if "FIXED num_gpus" in (row.get("notes") or ""):
        tp, groups = count, 1  # its expert groups lie over the tensor-parallel ranks
    count = count or tp * groups * pp
    if tp * groups * pp != count and groups == tp == count // pp:
        tp = 1  # as many groups as ranks: each has a rank of its own
    if tp * groups * pp != count and tp == 1:
        tp = count // (groups * pp)  # experts are spread over all, attention is too
    if tp * groups * pp != count:
        _skip("stated degrees of parallelism do not multiply to the count")
    if arch.kind == "dense":
        ep = 1
    if (tp * groups) % ep:
        _skip("expert groups do not divide the ranks")
    return {"tp": tp, "attn_dp": groups, "pp": pp, "ep": ep}


def _lengths(row: dict[str, str]) -> tuple[float, float]:
    isl, osl = _number(row, "isl"), _number(row, "osl")
    if not isl:
        _skip("length of the prompts not stated")
    if not osl:
        _skip("length of the answers not stated")
    return isl, osl


def _concurrency(row: dict[str, str], split: dict[str, int]) -> float:
    batch = _number(row, "batch_size")
    asked = _number(row, "concurrency") or batch * split["attn_dp"]
    return asked or _skip("number of concurrent requests not stated")
