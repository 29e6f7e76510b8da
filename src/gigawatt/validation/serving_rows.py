"""Rows of a table of measured serving points, read as inputs of the serving model.

Nothing is fitted here. A row gives model, system, split, formats, engine, request lengths and load;
where it leaves something unsaid the engine's own default stands in, or a published recipe, or the
row is skipped with a reason. This file reads what all kinds of row share, and rows of one instance
under a constant number of requests. The other kinds have files of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting.memory import sequences_that_fit, weight_gb
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.step import Split
from gigawatt.compute.network import check, fabric_of
from gigawatt.compute.work import active_parameters
from gigawatt.errors import GigawattError
from gigawatt.validation.serving_recipes import drafts
from gigawatt.validation.skip import Skip

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

__all__ = [
    "COLUMNS",
    "MOST_SEQUENCES",
    "ServingRow",
    "fits",
    "lengths",
    "number",
    "read_serving_row",
    "setting_of",
    "skip",
    "split_of",
    "subject",
    "together_share_of",
]

COLUMNS: Final = (
    "source_group", "source", "model", "precision", "hardware", "num_gpus", "tp", "pp", "ep",
    "attn_dp", "mode", "phase", "engine", "engine_version", "isl", "osl", "load", "concurrency",
    "request_rate", "batch_size", "out_tok_s_total", "out_tok_s_per_gpu", "ttft_ms", "ttft_stat",
    "tpot_ms", "tpot_stat", "e2e_latency_s", "date", "notes",
)  # fmt: skip

_ENGINES: Final = (
    ("sglang", "sglang"),
    ("vllm", "vllm"),
    ("trtllm", "tensorrt-llm"),
    ("tensorrt", "tensorrt-llm"),
)
_RELEASED: Final = {
    # engine and version that the columns state: year of its release
    ("tensorrt-llm", "0.9.0"): 2024.3, ("tensorrt-llm", "0.14.0"): 2024.8,
    ("tensorrt-llm", "0.17"): 2025.1, ("tensorrt-llm", "0.17.0"): 2025.1,
    ("tensorrt-llm", "1.0.0rc3"): 2025.5, ("tensorrt-llm", "v1.0"): 2025.7,
    ("vllm", "v0.10.0"): 2025.55, ("vllm", "0.11.2"): 2025.9, ("vllm", "0.12.0"): 2025.9,
    ("vllm", "0.15.1"): 2026.1, ("vllm", "0.16.0"): 2026.15, ("vllm", "0.17.0"): 2026.2,
    ("sglang", "0.5.1.post1"): 2025.65, ("sglang", "0.5.6.post2"): 2025.9,
    ("sglang", "0.5.8.post1"): 2026.1, ("sglang", "0.5.9"): 2026.15,
}  # fmt: skip
_DEFAULT_YEAR: Final = 2025.8
_MOST_OF_PEAK: Final = 0.75
"""Share of peak arithmetic above which no engine serves: of 614 published points with everything
asked at once, the best reaches 0.70 (Llama 3.1 8B in BF16 on an A100)."""
_SLOWEST_READING: Final = 10.0
"""Time that engines take to read all prompts at once, over that at peak, at most."""
_LONGEST_START_S: Final = 3.0
"""Longest time to a first token that is not reading [s]."""
MOST_SEQUENCES: Final = 2048
"""Sequences that TensorRT-LLM's benchmark keeps in progress at most."""
_SIGHT: Final = frozenset({"image-chat", "video-chat", "audio-chat"})


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
    median_step : bool
        Whether `tpot_s` is the median time between tokens, a step that prompts seldom share.
    output_spread : float
        Variance of the tokens of an answer over the square of their mean.
    drafted : float
        Tokens that are drafted for each sequence and step.
    together_share : float
        Share of requests that begin together with all others by the benchmark's rules, or NaN.
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
    median_step: bool = False
    output_spread: float = 0.0
    together_share: float = float("nan")
    drafted: float = 0.0


def skip(reason: str) -> NoReturn:
    """Raise the reason why a row cannot be predicted."""
    raise Skip(reason)


def read_serving_row(row: dict[str, str], position: int = 0) -> ServingRow | str:
    """Return the row as inputs of the serving model, or the reason why it is skipped."""
    try:
        return _read({**dict.fromkeys(COLUMNS, ""), **row}, position)
    except (Skip, GigawattError) as reason:
        return str(reason)


def _read(row: dict[str, str], position: int) -> ServingRow:
    _one_instance(row)
    _doubtful(row)
    arch, chip = subject(row)
    setting = setting_of(row, chip)
    split = _layout(row, arch)
    drafted = drafts(
        arch, setting, row["engine_version"], row["date"], grouped=split["attn_dp"] > 1
    )
    if len(drafted) > 1:
        skip("published both with and without speculative decoding")
    isl, osl = lengths(row)
    offline = "offline" in row["load"]
    concurrency = 0.0 if offline else _concurrency(row, split)
    ttft, tpot = number(row, "ttft_ms") / 1e3, number(row, "tpot_ms") / 1e3
    median = row["tpot_stat"] == "median ITL"
    rate = number(row, "out_tok_s_per_gpu") if offline or median or not tpot else 0.0
    if not (ttft or tpot or rate):
        skip("no latency and no throughput")
    if "p99" in (row["ttft_stat"], row["tpot_stat"]):
        skip("only the 99th percentile of latency is stated")
    fits(arch, setting, Split(**split))
    _possible(arch, setting, split, (isl, osl, concurrency, ttft, tpot))
    return ServingRow(
        id=row.get("id") or str(position),
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
        median_step=median,
        output_spread=_spread(row),
        together_share=together_share_of(row),
        drafted=sum(drafted),
    )


def together_share_of(row: dict[str, str]) -> float:
    """Return the share of requests that begin at once, as far as the benchmark's rules say it.

    InferenceX sends ten requests for each place, so that a tenth finds all others at the start
    (``--num-prompts`` in its ``benchmark_lib.sh``). AIConfigurator's list dates just the points
    that it took from there. ML.ENERGY measures in steady state.
    """
    if "steady state" in row["load"]:
        return 0.0
    if "inferencex" in row["source_group"] or ("aiconfig" in row["source_group"] and row["date"]):
        return 0.1
    return float("nan")


def _one_instance(row: dict[str, str]) -> None:
    """Skip what is no instance under a constant number of requests."""
    if "disaggregated" in row["mode"]:
        skip("disaggregated")
    if row["load"].startswith("MLPerf"):
        skip("a submission to MLPerf")
    if row["load"] == "static batch" and not number(row, "out_tok_s_per_gpu"):
        skip("one batch, timed alone")
    if number(row, "request_rate"):
        skip("requests arrive at a stated rate")


def _doubtful(row: dict[str, str]) -> None:
    """Skip rows that say themselves that something is wrong or missing."""
    if "likely contains errors" in row["notes"]:
        skip("likely contains errors by its own note")
    if re.search(r"spec=|\bMTP", row["notes"]):
        skip("speculative decoding whose acceptance is not stated")
    if "likely multi-node" in row["notes"]:
        skip("recorded layout is doubtful by its own note")


def fits(arch: Architecture, setting: ServingSetting, split: Split) -> None:
    """Skip a split whose network is unknown, or whose weights do not fit the memory."""
    check(fabric_of(setting.chip), float(split.accelerators), 1.0)
    capacity = setting.chip.number("hbm_gb") * 2**30 / 1e9
    if weight_gb(dims_of(arch), split, setting.weight_bytes) > capacity:
        skip("the weights are larger than the memory of the stated accelerators")


def _possible(
    arch: Architecture,
    setting: ServingSetting,
    split: dict[str, int],
    stated: tuple[float, float, float, float, float],
) -> None:
    """Skip a row that contradicts the hardware, whatever the model predicts."""
    isl, osl, concurrency, ttft, tpot = stated
    if not (ttft and tpot and concurrency):
        return
    # Little's law gives the requests each second, and they the arithmetic of reading the prompts.
    rate = concurrency / (ttft + osl * tpot)
    flop = 2.0 * active_parameters(arch) * (isl + osl)
    if rate * flop > _MOST_OF_PEAK * setting.peak_flops * float(Split(**split).accelerators):
        skip("prompts read faster than the accelerators compute: a prefix cache is not stated")
    read_s = concurrency * 2.0 * active_parameters(arch) * isl / setting.peak_flops
    ready = _SLOWEST_READING * read_s / float(Split(**split).accelerators) + _LONGEST_START_S
    if ttft > max(ready, 0.5 * osl * tpot) and _holds_all(arch, setting, split, stated):
        skip("requests wait although the memory holds them: a cap on those in progress not stated")


def _holds_all(
    arch: Architecture,
    setting: ServingSetting,
    split: dict[str, int],
    stated: tuple[float, float, float, float, float],
) -> bool:
    """Return whether all requests find a place at once, with the whole of their answers."""
    isl, osl, concurrency = stated[:3]
    formats = (setting.weight_bytes, setting.cache_bytes)
    capacity = setting.chip.number("hbm_gb") * 2**30 / 1e9
    places = sequences_that_fit(dims_of(arch), Split(**split), formats, capacity, isl + osl)
    return float(places) * split["attn_dp"] >= concurrency


def number(row: dict[str, str], column: str) -> float:
    """Return a column as a number, 0 where it is empty or none."""
    text = row.get(column) or ""
    try:
        return float(text) if text else 0.0
    except ValueError:
        return 0.0


def subject(row: dict[str, str]) -> tuple[Architecture, Entry]:
    """Return the model and the accelerator that the row names."""
    book = catalog.load()
    if not book.has("model", row["model"]):
        skip("architecture not public or not in the catalogue")
    if not book.has("chip", row["hardware"]):
        skip("accelerator not in the catalogue")
    entry = book.get("model", row["model"])
    return Architecture.from_entry(entry), book.get("chip", row["hardware"])


def setting_of(row: dict[str, str], chip: Entry) -> ServingSetting:
    """Return formats, engine and date that the row states."""
    engine = row["engine"].lower()
    software = next((name for sign, name in _ENGINES if sign in engine), "")
    if not software:
        skip("engine not known")
    text = (row["precision"] or "bf16").lower()
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
        skip("precision not known")
    # ML.ENERGY leaves vLLM its default, keys and values in the format of the activations.
    plain = weights == "bf16" or "ml-energy" in row["source"]
    return ServingSetting(chip, weights, "bf16" if plain else "fp8", software, _year(row, software))


def _year(row: dict[str, str], software: str) -> float:
    date = row["date"].replace("-", "")
    if found := re.match(r"(\d{4})(\d\d)", date):
        return int(found[1]) + (int(found[2]) - 1) / 12.0
    return _RELEASED.get((software, row["engine_version"]), _DEFAULT_YEAR)


def _layout(row: dict[str, str], arch: Architecture) -> dict[str, int]:
    count, tp, pp, ep, groups = (
        int(number(row, c)) for c in ("num_gpus", "tp", "pp", "ep", "attn_dp")
    )
    if "FIXED num_gpus" in row["notes"]:
        # Groups of experts or of attention lie over the tensor-parallel ranks, of which there are
        # as many as accelerators. The column of experts has the product of both.
        tp, groups, ep = (1, count, count) if groups > 1 else (count, 1, ep)
    return split_of(arch, (count, tp, pp, ep, groups))


def split_of(arch: Architecture, stated: tuple[int, int, int, int, int]) -> dict[str, int]:
    """Return the keyword arguments of `Split` from what a row states.

    Parameters
    ----------
    arch : Architecture
        The model.
    stated : tuple of int
        Accelerators of an instance, its ranks of attention, stages, groups of experts and groups of
        attention; 0 where not stated.
    """
    count = stated[0]
    tp, pp, ep, groups = (max(n, 1) for n in stated[1:])
    count = count or tp * groups * pp
    if tp * groups * pp != count and groups == tp == count // pp:
        tp = 1  # as many groups as ranks: each has a rank of its own
    if tp * groups * pp != count and tp == 1:
        tp = count // (groups * pp)  # experts are spread over all, attention is too
    if tp * groups * pp != count:
        skip("stated degrees of parallelism do not multiply to the count")
    if arch.kind == "dense":
        ep = 1
    if (tp * groups) % ep:
        skip("expert groups do not divide the ranks")
    return {"tp": tp, "attn_dp": groups, "pp": pp, "ep": ep}


def lengths(row: dict[str, str]) -> tuple[float, float]:
    """Return the mean tokens of prompts and answers."""
    isl, osl = number(row, "isl"), number(row, "osl")
    if not isl and _task(row):
        isl = _published_length(_task(row))
    if not isl:
        skip("length of the prompts not stated")
    if not osl:
        skip("length of the answers not stated")
    return isl, osl


def _task(row: dict[str, str]) -> str:
    """Return the name of the list of requests that a row was measured with."""
    found = re.search(r"task=([\w-]+)", row["notes"])
    return found[1] if found else ""


def _spread(row: dict[str, str]) -> float:
    book, task = catalog.load(), _task(row)
    known = book.get("dataset", task) if book.has("dataset", task) else None
    return known.number("output_spread", 0.0) if known else 0.0


def _published_length(task: str) -> float:
    """Return the mean prompt of a named list of requests."""
    if task in _SIGHT:
        skip("number of tokens that images or videos become not stated")
    book = catalog.load()
    if not book.has("dataset", task):
        skip("length of the prompts of this task not published")
    return book.get("dataset", task).number("input_tokens")


def _concurrency(row: dict[str, str], split: dict[str, int]) -> float:
    batch = number(row, "batch_size")
    if "max_num_seqs" in row["load"] and batch:
        return batch  # the mean in progress; what is asked beyond waits and is not measured
    asked = number(row, "concurrency") or batch * split["attn_dp"]
    return asked or skip("number of concurrent requests not stated")
