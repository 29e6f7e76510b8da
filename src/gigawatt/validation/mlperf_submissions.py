"""Rows of MLPerf Inference submissions, read as inputs of the serving model.

Nothing is fitted here. A row states benchmark, system and scenario; the benchmark's model, mean
request and limits stand in the catalogue (kind ``benchmark``). What a row leaves open is filled in
by one rule for all rows:

- the mean answer is tokens over samples of the same run, else the length of the reference;
- weights are in the format stated; where that is none or a wide one, which submissions state of the
  model they start from, in the narrowest that the accelerator multiplies;
- the engine is the one stated, else that of the accelerator's maker.

References
----------
.. [1] MLCommons, inference_policies, ``inference_rules.adoc`` (commit ff7edba5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.errors import GigawattError
from gigawatt.validation.serving_rows import ServingRow

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

__all__ = ["COLUMNS", "InferenceRow", "read_inference_row"]

COLUMNS: Final = (
    "round", "division", "submitter", "accelerator", "num_accel", "model", "scenario",
    "weight_dtype", "tokens_per_s", "samples_per_s", "framework",
)  # fmt: skip

_SUBMITTED: Final = {
    "v4.0": 2024 + 1 / 12, "v4.1": 2024 + 7 / 12, "v5.0": 2025 + 1 / 12, "v5.1": 2025 + 7 / 12,
    "v6.0": 2026 + 1 / 12, "v6.1": 2026 + 7 / 12,
}  # fmt: skip
"""When a round's results were submitted; MLCommons publishes one or two months later."""

_FORMATS: Final = {"fp8": "fp8", "fp4": "fp4", "mxfp4": "mxfp4", "int4": "int4", "uint4": "int4"}
_ENGINES: Final = {
    "sglang": "sglang", "tensorrt": "tensorrt-llm", "vllm": "vllm", "llmboost": "vllm",
}  # fmt: skip
_MAKER: Final = {"NVIDIA": "tensorrt-llm", "AMD": "vllm"}
"""Engine of the maker's own implementation, which its partners submit too."""


@dataclass(frozen=True, slots=True)
class InferenceRow:
    """One submission as inputs of the serving model.

    Parameters
    ----------
    serving : ServingRow
        Model, setting, lengths and measured rate. Its split is empty, as none is stated.
    benchmark, scenario : str
        ``offline``, ``server`` or ``interactive`` of a benchmark.
    system : str
        Submitter and system.
    accelerators : int
        In the whole system.
    limits_s : tuple of float
        99th percentile of the time to the first token and per further token; infinite offline.
    beams : int
        Answers followed for each request.
    """

    serving: ServingRow
    benchmark: str
    scenario: str
    system: str
    accelerators: int
    limits_s: tuple[float, float]
    beams: int


class _Skip(Exception):  # noqa: N818  it is a reason, not an error
    """The row cannot be predicted; the message says why."""


def read_inference_row(row: dict[str, str], number: int = 0) -> InferenceRow | str:
    """Return the row as inputs of the serving model, or the reason why it is skipped."""
    try:
        return _read({**dict.fromkeys(COLUMNS, ""), **row}, number)
    except (_Skip, GigawattError) as reason:
        return str(reason)


def _read(row: dict[str, str], number: int) -> InferenceRow:
    benchmark, scenario = _benchmark(row["model"]), row["scenario"].lower()
    limits = _limits(benchmark, scenario)
    if row["division"] == "open" and scenario != "offline":
        _skip("open division, which sets limits of its own")
    setting = _setting(row, benchmark)
    count = int(_number(row, "num_accel")) or _skip("number of accelerators not stated")
    samples, tokens = _number(row, "samples_per_s"), _number(row, "tokens_per_s")
    answer = tokens / samples if tokens and samples else benchmark.number("output_tokens")
    rate = tokens or samples * answer
    if not rate:
        _skip("no throughput")
    arch = Architecture.from_entry(catalog.load().get("model", benchmark.text("model")))
    serving = ServingRow(
        id=row.get("id", str(number)),
        model=arch.name,
        kind=arch.kind,
        group=f"{benchmark.id}, {scenario}",
        arch=arch,
        setting=setting,
        split={},
        input_tokens=benchmark.number("input_tokens"),
        output_tokens=answer,
        concurrency=0.0,
        ttft_s=_number(row, "ttft_mean_ms") / 1e3,
        tpot_s=_number(row, "tpot_mean_ms") / 1e3,
        tokens_per_s_per_chip=rate / count,
    )
    system = f"{row['submitter']} {row.get('system', '')}"
    beams = int(benchmark.number("beams", 1.0))
    return InferenceRow(serving, benchmark.id, scenario, system, count, limits, beams)


def _skip(reason: str) -> NoReturn:
    raise _Skip(reason)


def _number(row: dict[str, str], column: str) -> float:
    text = row.get(column) or ""
    try:
        return float(text) if text else 0.0
    except ValueError:
        _skip(f"{column} is not a number")


def _benchmark(model: str) -> Entry:
    name = model.lower().replace("_", ".")
    if "pruned" in name or "finetuned" in name:
        _skip("a model altered for the submission")
    base = re.sub(r"(-99(\.9)?|-edge|-fp8.*)$", "", name)
    if not catalog.load().has("benchmark", base):
        _skip("no list of requests or no architecture of this benchmark is known")
    return catalog.load().get("benchmark", base)


def _limits(benchmark: Entry, scenario: str) -> tuple[float, float]:
    """Return the limits of the 99th percentile [s]."""
    if scenario == "offline":
        return np.inf, np.inf
    first, further = (f"{scenario}_{quantity}_ms" for quantity in ("ttft", "tpot"))
    if scenario not in ("server", "interactive") or further not in benchmark:
        _skip("scenario not modelled, or with speculative decoding of unknown gain")
    return benchmark.number(first, np.inf) / 1e3, benchmark.number(further) / 1e3


def _setting(row: dict[str, str], benchmark: Entry) -> ServingSetting:
    chip, share = _chip(row["accelerator"])
    text = row["framework"].lower()
    engine = next((name for sign, name in _ENGINES.items() if sign in text), "")
    engine = engine or _MAKER.get(chip.text("vendor"), "") or _skip("engine not known")
    narrowest = "fp4" if "fp4_tflops" in chip else "fp8"
    # The one benchmark whose model is published in four bits.
    published = "mxfp4" if benchmark.text("model").startswith("gpt-oss") else ""
    weights = published or _FORMATS.get(row["weight_dtype"].lower(), narrowest)
    year = _SUBMITTED.get(row["round"]) or _skip("round not known")
    return ServingSetting(chip, weights, "fp8", engine, year, share)


def _chip(name: str) -> tuple[Entry, float]:
    """Return the accelerator of the catalogue, and its power limit over the rated power."""
    book = catalog.load()
    if len(re.findall(r"MI3\d\dX|[BH]\d00", name)) > 1:
        _skip("several kinds of accelerator")
    plain = name.removeprefix("Virtualized ")
    if found := re.search(r"MI3\d\dX", name):
        plain = found[0]
    if not book.has("chip", plain):
        _skip("accelerator not in the catalogue")
    chip = book.get("chip", plain)
    cap = re.search(r"Power Cap (\d+) W", name)
    return chip, float(cap[1]) / chip.number("tdp_w") if cap else 1.0
