r"""Rows of MLPerf Inference submissions: tokens a second of each accelerator predicted.

A row states benchmark, system and scenario. What it leaves open is filled in by one rule for all
rows:

- the mean answer is tokens over samples of the same run, else the length of the reference; the mean
  prompt that of the benchmark's list of requests;
- weights are in the format stated; where that is none or a wide one, which submissions state of the
  model they start from, in the narrowest that the accelerator multiplies;
- the layout is the one with the highest predicted throughput, as submitters tune theirs: instances
  of 1, 2, 4, ... accelerators, side by side.

Offline, all requests are there at once, and an instance takes as many as fit. In Server and
Interactive they arrive at random, and the most are taken that keep the limits. Those bind the 99th
percentile, the model gives means, and one ratio between the two stands for all rows:

.. math:: t_{first}(c) \le T_{first} / r_{first}, \qquad t_{tok}(c) \le T_{tok} / r_{tok}

The speed of the engine is not fitted here.

References
----------
.. [1] MLCommons, inference, ``loadgen/mlperf.conf`` (commit 001712e9).
.. [2] MLCommons, inference_policies, ``inference_rules.adoc`` (commit ff7edba5).
.. [3] OpenShift performance team, performance-dashboard, ``*/summaries``: lengths of all requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.dims import stack_dims
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.parameters import ROLES
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.steady import Mix, Steady, steady_state
from gigawatt.compute.hosting.step import Split
from gigawatt.compute.learnt import learnt_value
from gigawatt.errors import GigawattError
from gigawatt.validation.serving_rows import MOST_SEQUENCES, ServingRow
from gigawatt.validation.training import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gigawatt.catalog import Entry
    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server

    Floats = NDArray[np.float64]

__all__ = [
    "COLUMNS",
    "InferenceRow",
    "inference_residuals",
    "predict_inference",
    "read_inference_row",
    "scenario_factors",
]

COLUMNS: Final = (
    "round", "division", "submitter", "accelerator", "num_accel", "model", "scenario",
    "weight_dtype", "tokens_per_s", "samples_per_s", "framework",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Benchmark:
    """What a benchmark asks: model, mean request, limits of the 99th percentile.

    `server_s` and `interactive_s` are time to the first token and per further token [s]. Each
    request is followed as `beams` answers at a time, of which one is kept.
    """

    model: str
    input_tokens: float
    output_tokens: float
    server_s: tuple[float, float] | None = None
    interactive_s: tuple[float, float] | None = None
    beams: int = 1


_BENCHMARKS: Final = {
    # Limits: [2], of GPT-J [1]. Answers: reference lengths of [2], where a row leaves them out.
    # Prompts: means of samples of the lists of requests [3], with their 95 % intervals.
    # OpenOrca, 24,576 requests: 384 from four parts of the list, 219 to 249.
    "llama2-70b": _Benchmark("llama-2-70b", 234.0, 294.45, (2.0, 0.2), (0.45, 0.04)),
    # An open-division choice of model on the requests of Llama 2.
    "llama3.1-70b": _Benchmark("llama-3.1-70b", 234.0, 294.45, (2.0, 0.2), (0.45, 0.04)),
    # 8,313 requests (catalogue: 250 of them), 9,900.
    "llama3.1-405b": _Benchmark("llama-3.1-405b", 9900.0, 684.68, (6.0, 0.175), (4.5, 0.08)),
    # CNN/DailyMail, 13,368 requests (catalogue: 240 of them), 700 to 815; answers always of 128.
    "llama3.1-8b": _Benchmark("llama-3.1-8b", 760.0, 128.0, (2.0, 0.1), (0.5, 0.03)),
    # GSM8K with examples 665, OpenOrca 280, MBXP about 360: 15,000 requests, 160 from six parts.
    "mixtral-8x7b": _Benchmark("mixtral-8x7b", 430.0, 144.84, (2.0, 0.2)),
    # 4,388 requests: 200 of them, 760 to 880, with their answers.
    "deepseek-r1": _Benchmark("deepseek-r1", 820.0, 3800.0, (2.0, 0.08)),
    # ``perf_eval_ref``, 6,396 requests: 150 of them, 4,760 to 5,460. Answers: MLCommons, inference,
    # ``language/gpt-oss-120b/README.md`` (commit 2e1a6995).
    "gpt-oss-120b": _Benchmark("gpt-oss-120b", 5110.0, 1278.2, (3.0, 0.08), (2.0, 0.02)),
    # The articles of Llama 3.1 8B; 69 tokens, searched over four beams; 20 s for the whole answer.
    "gptj": _Benchmark("gpt-j-6b", 760.0, 69.0, (np.inf, 20.0 / 69.0), beams=4),
}

_SUBMITTED: Final = {"v4.1": 2024 + 7 / 12, "v5.1": 2025 + 7 / 12, "v6.0": 2026 + 1 / 12}
"""When a round's results were submitted; MLCommons publishes one or two months later."""

_FORMATS: Final = {"fp8": "fp8", "fp4": "fp4", "mxfp4": "mxfp4", "int4": "int4", "uint4": "int4"}
_ENGINES: Final = {
    "sglang": "sglang", "tensorrt": "tensorrt-llm", "vllm": "vllm", "llmboost": "vllm",
}  # fmt: skip
_MAKER: Final = {"NVIDIA": "tensorrt-llm", "AMD": "vllm"}
"""Engine of the maker's own implementation, which its partners submit too."""

_TAIL: Final = (2.1, 1.11)
"""99th percentile over mean of the time to the first token and per token: medians of the rows that
state both, 361 (P10 to P90 1.7 to 3.3) and 166 (1.06 to 1.28). Halves of them give 2.07 and 2.19,
1.11 and 1.12."""
_HALVINGS: Final = 24
_TENSOR_RANKS: Final = 8
"""Most tensor ranks: a host's accelerators."""


@dataclass(frozen=True, slots=True)
class InferenceRow:
    """One submission as inputs of the serving model.

    Parameters
    ----------
    serving : ServingRow
        Model, setting, lengths and measured rate. Its split is empty, as none is stated.
    benchmark, scenario : str
        ``offline``, ``server`` or ``interactive`` of a benchmark.
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
    accelerators: int
    limits_s: tuple[float, float]
    beams: int


class _Skip(Exception):  # noqa: N818  it is a reason, not an error
    """The row cannot be predicted; the message says why."""


def inference_residuals(
    path: Path, factors: Mapping[str, float] | None = None
) -> tuple[list[InferenceRow], Floats, list[str]]:
    """Return the rows of a table that could be read, their errors, and why the others could not.

    Errors are the logarithm of predicted over measured tokens a second, NaN where no layout keeps
    the limits. Factors are those of `predict_inference`.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    read = [read_inference_row(row, i) for i, row in enumerate(read_table(path))]
    rows = [row for row in read if isinstance(row, InferenceRow)]
    measured = np.array([row.serving.tokens_per_s_per_chip for row in rows])
    errors = np.log(predict_inference(rows, factors) / measured)
    return rows, errors, [row for row in read if isinstance(row, str)]


def scenario_factors(
    rows: Sequence[InferenceRow], log_errors: Floats, remainder: int = 0
) -> dict[str, float]:
    """Return measured over predicted by scenario, the median of every second row of each.

    A submission is tuned by its maker, its offline run has a start and an end in which instances
    are not full, and random arrivals leave gaps: one factor a scenario stands for all of that. The
    rows of the other `remainder` (0 or 1) can judge.
    """
    names = np.array([row.scenario for row in rows])
    parts = {str(name): np.flatnonzero(names == name)[remainder::2] for name in np.unique(names)}
    return {name: float(np.exp(-np.nanmedian(log_errors[part]))) for name, part in parts.items()}


def read_inference_row(row: dict[str, str], number: int = 0) -> InferenceRow | str:
    """Return the row as inputs of the serving model, or the reason why it is skipped."""
    try:
        return _read({**dict.fromkeys(COLUMNS, ""), **row}, number)
    except (_Skip, GigawattError) as reason:
        return str(reason)


def _read(row: dict[str, str], number: int) -> InferenceRow:
    name, scenario = _benchmark(row["model"]), row["scenario"].lower()
    asked = _BENCHMARKS[name]
    none = (np.inf, np.inf)
    known = {"offline": none, "server": asked.server_s, "interactive": asked.interactive_s}
    limits = known.get(scenario)
    if limits is None:
        _skip("scenario not modelled, or with speculative decoding of unknown gain")
    if row["division"] == "open" and scenario != "offline":
        _skip("open division, which sets limits of its own")
    setting = _setting(row, name)
    count = int(_number(row, "num_accel")) or _skip("number of accelerators not stated")
    samples, tokens = _number(row, "samples_per_s"), _number(row, "tokens_per_s")
    answer = tokens / samples if tokens and samples else asked.output_tokens
    rate = tokens or samples * answer
    if not rate:
        _skip("no throughput")
    arch = Architecture.from_entry(catalog.load().get("model", asked.model))
    serving = ServingRow(
        id=row.get("id", str(number)),
        model=asked.model,
        kind=arch.kind,
        group=f"{name}, {scenario}",
        arch=arch,
        setting=setting,
        split={},
        input_tokens=asked.input_tokens,
        output_tokens=answer,
        concurrency=0.0,
        ttft_s=_number(row, "ttft_mean_ms") / 1e3,
        tpot_s=_number(row, "tpot_mean_ms") / 1e3,
        tokens_per_s_per_chip=rate / count,
    )
    return InferenceRow(serving, name, scenario, count, limits, asked.beams)


def _skip(reason: str) -> NoReturn:
    raise _Skip(reason)


def _number(row: dict[str, str], column: str) -> float:
    text = row.get(column) or ""
    try:
        return float(text) if text else 0.0
    except ValueError:
        _skip(f"{column} is not a number")


def _benchmark(model: str) -> str:
    name = model.lower().replace("_", ".")
    if "pruned" in name or "finetuned" in name:
        _skip("a model altered for the submission")
    base = re.sub(r"(-99(\.9)?|-edge|-fp8.*)$", "", name)
    if base not in _BENCHMARKS:
        _skip("no list of requests or no architecture of this benchmark is known")
    return base


def _setting(row: dict[str, str], benchmark: str) -> ServingSetting:
    chip, share = _chip(row["accelerator"])
    text = row["framework"].lower()
    engine = next((name for sign, name in _ENGINES.items() if sign in text), "")
    engine = engine or _MAKER.get(chip.text("vendor"), "") or _skip("engine not known")
    narrowest = "fp4" if "fp4_tflops" in chip else "fp8"
    published = "mxfp4" if benchmark == "gpt-oss-120b" else ""
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


def predict_inference(
    rows: Sequence[InferenceRow], factors: Mapping[str, float] | None = None
) -> Floats:
    """Return the tokens a second of each accelerator; NaN where no layout keeps the limits.

    Parameters
    ----------
    rows : sequence of InferenceRow
        Submissions.
    factors : mapping of str to float, optional
        What to multiply the throughput of each scenario by (`scenario_factors`); left out, nothing.

    Returns
    -------
    ndarray
        One value a row.
    """
    if not rows:
        return np.zeros(0)
    pairs = [(i, ways) for i, row in enumerate(rows) for ways in _splits(row)]
    index = np.array([i for i, _ in pairs])
    tp, groups, ep = np.array([ways for _, ways in pairs], dtype=float).T
    split = Split(tp=tp, attn_dp=groups, ep=ep)
    count = np.array([row.accelerators for row in rows])[index]
    instances = np.floor(count / split.accelerators)
    best = np.full(len(rows), -np.inf)
    each = _rates(_cases([rows[i] for i in index], split)) * instances / count
    np.maximum.at(best, index, each)
    share = np.array([(factors or {}).get(row.scenario, 1.0) / row.beams for row in rows])
    return np.where(best > 0, best * share, np.nan)


def _splits(row: InferenceRow) -> list[tuple[int, int, int]]:
    """Return ways to spread the model as tensor ranks, attention groups and expert groups."""
    chip, arch = row.serving.setting.chip, row.serving.arch
    domain = int(chip.number("scale_up_chips")) if "scale_up_chips" in chip else 1
    most = min(row.accelerators, max(domain, _TENSOR_RANKS))
    sizes = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= most]
    found = {(n, 1, 1) for n in sizes if n <= _TENSOR_RANKS}
    spread = [n for n in sizes if arch.experts and arch.experts % n == 0]
    found |= {(n, 1, n) for n in spread if n <= _TENSOR_RANKS} | {(1, n, n) for n in spread}
    return sorted(found)


@dataclass(frozen=True, slots=True)
class _Cases:
    """Submissions, each in one layout, as arrays; limits are of means."""

    dims: Dims
    split: Split
    server: Server
    mix: Mix
    places: Floats
    ttft_s: Floats
    tpot_s: Floats

    def at(self, sequences: Floats) -> Steady:
        """Return the steady state with so many sequences in each attention group."""
        asked = sequences * self.split.attn_dp
        return steady_state(self.dims, self.split, self.server, self.mix, asked, self.places)

    def keeps(self, sequences: Floats) -> NDArray[np.bool_]:
        """Return where the mean latencies with so many sequences are short enough."""
        found = self.at(sequences)
        kept: NDArray[np.bool_] = (found.ttft_s <= self.ttft_s) & (found.tpot_s <= self.tpot_s)
        return kept


def _cases(rows: Sequence[InferenceRow], split: Split) -> _Cases:
    serving, settings = [r.serving for r in rows], [r.serving.setting for r in rows]
    hardware = calibration.hardware_of(settings)
    server = calibration.server_from(hardware, _values(settings))
    beams = np.array([row.beams for row in rows])
    mix = Mix(
        # The beams of a request share its prompt: each bears its part of reading and keeping it.
        input_tokens=np.array([s.input_tokens for s in serving]) / beams,
        output_tokens=np.array([s.output_tokens for s in serving]),
    )
    dims = stack_dims([s.arch for s in serving])
    formats = (hardware.weight_bytes, hardware.cache_bytes)
    places = sequences_that_fit(dims, split, formats, hardware.capacity_gb, mix.context)
    limits = np.array([row.limits_s for row in rows]) / np.array(_TAIL)
    # LoadGen's arrivals are a Poisson process, so that none come in waves [2].
    server = replace(server, waves=0.0)
    return _Cases(dims, split, server, mix, np.asarray(places), limits[:, 0], limits[:, 1])


def _values(settings: Sequence[ServingSetting]) -> dict[str, Any]:
    known = calibration.load()["values"]
    return {
        role.name: np.array([learnt_value(known, role, role.key(s) or "")[0] for s in settings])
        for role in ROLES.values()
    }


def _rates(cases: _Cases) -> Floats:
    """Return tokens a second of an instance with the most sequences that keep the limits."""
    most = np.maximum(np.minimum(cases.places, MOST_SEQUENCES), 1.0)
    low, high = np.zeros_like(most), np.log(most)
    # Latency grows with the number of sequences: halve the range of its logarithm.
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        kept = cases.keeps(np.exp(middle))
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    held = np.where(cases.keeps(most), most, np.exp(low))
    possible = (cases.places >= 1.0) & cases.keeps(held)
    return np.where(possible, cases.at(held).output_tokens_per_s, -np.inf)
