r"""Tokens a second of MLPerf Inference submissions, predicted.

A submission states benchmark, system and scenario (`mlperf_submissions`). The layout is the one
with the highest predicted throughput, as submitters tune theirs: instances of 1, 2, 4, ...
accelerators, side by side.

Offline, all requests are there at once, and an instance takes as many as fit. In Server and
Interactive they arrive at random, and the most are taken that keep the limits. Those bind the 99th
percentile, the model gives means, and one ratio between the two stands for all rows:

.. math:: t_{first}(c) \le T_{first} / r_{first}, \qquad t_{tok}(c) \le T_{tok} / r_{tok}

The engine is that of the serving model, tuned as `mlperf_tuning` tells.

References
----------
.. [1] MLCommons, inference_policies, ``inference_rules.adoc`` (commit ff7edba5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.dims import stack_dims
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.parameters import ROLES
from gigawatt.compute.hosting.steady import Mix, Steady, steady_state
from gigawatt.compute.hosting.step import Split
from gigawatt.compute.learnt import learnt_value
from gigawatt.validation import mlperf_tuning
from gigawatt.validation.mlperf_submissions import COLUMNS, InferenceRow, read_inference_row
from gigawatt.validation.mlperf_tuning import inference_band
from gigawatt.validation.serving_rows import MOST_SEQUENCES
from gigawatt.validation.training import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Hardware, Server
    from gigawatt.compute.hosting.setting import ServingSetting

    Floats = NDArray[np.float64]

__all__ = [
    "COLUMNS",
    "Cases",
    "InferenceRow",
    "best_rates",
    "cases_of",
    "inference_band",
    "inference_residuals",
    "predict_inference",
    "rates",
    "read_inference_row",
]

_TAIL: Final = (2.1, 1.11)
"""99th percentile over mean of the time to the first token and per token: medians of the rows that
state both, 361 (P10 to P90 1.7 to 3.3) and 166 (1.06 to 1.28). Halves of them give 2.07 and 2.19,
1.11 and 1.12."""
_HALVINGS: Final = 7
_NOTHING: Final = 1e-12
"""Latency over a limit that counts as none, where there is no limit."""
_TENSOR_RANKS: Final = 8
"""Most tensor ranks: a host's accelerators."""
_LAUNCHES: Final = ("eager_layer", "eager_latent")
"""Parameters of the engine that are launches without a graph."""
_REFERENCE_YEAR: Final = 2025.5
"""Year at which a generation's products are stated; no choice of it changes a prediction."""


def inference_residuals(path: Path) -> tuple[list[InferenceRow], Floats, list[str]]:
    """Return the rows of a table that could be read, their errors, and why the others could not.

    Errors are the logarithm of predicted over measured tokens a second, NaN where no layout keeps
    the limits.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    read = [read_inference_row(row, i) for i, row in enumerate(read_table(path))]
    rows = [row for row in read if isinstance(row, InferenceRow)]
    measured = np.array([row.serving.tokens_per_s_per_chip for row in rows])
    errors = np.log(predict_inference(rows) / measured)
    return rows, errors, [row for row in read if isinstance(row, str)]


def predict_inference(rows: Sequence[InferenceRow]) -> Floats:
    """Return the tokens a second of each accelerator; NaN where no layout keeps the limits.

    Parameters
    ----------
    rows : sequence of InferenceRow
        Submissions.

    Returns
    -------
    ndarray
        One value a row.
    """
    if not rows:
        return np.zeros(0)
    tuning = mlperf_tuning.load()
    cases = cases_of(rows, tuning["watts_per_flops"])
    found, _ = best_rates(cases, mlperf_tuning.tuned_values(rows, tuning["values"]))
    return np.where(found > 0, found, np.nan)


@dataclass(frozen=True, slots=True)
class Cases:
    """Submissions, each in one or several layouts, as arrays over all of those.

    Parameters
    ----------
    row : ndarray of int
        Number of the submission.
    ways : ndarray
        Tensor ranks, attention groups and expert groups.
    dims, split, hardware, mix, places : Dims, Split, Hardware, Mix, ndarray
        Inputs of the serving model.
    engine : dict of str to ndarray
        Its learnt values.
    watts : ndarray
        Watts to each FLOP/s over those of the generation's submissions.
    limits_s : ndarray
        Longest mean time to the first token, and per further token.
    random : ndarray of bool
        Whether requests arrive at random.
    beams, instances : ndarray
        Answers followed for each request, and instances for each accelerator.
    """

    row: NDArray[np.int64]
    ways: Floats
    dims: Dims
    split: Split
    hardware: Hardware
    mix: Mix
    places: Floats
    engine: dict[str, Floats]
    watts: Floats
    limits_s: Floats
    random: NDArray[np.bool_]
    beams: Floats
    instances: Floats


def cases_of(
    rows: Sequence[InferenceRow], watts_per_flops: Mapping[str, float], ways: Floats | None = None
) -> Cases:
    """Lay out submissions as arrays.

    Parameters
    ----------
    rows : sequence of InferenceRow
        Submissions.
    watts_per_flops : mapping of str to float
        What the submissions of a generation have, by `mlperf_tuning.power_key`.
    ways : ndarray, optional
        Tensor ranks, attention groups and expert groups of each; left out, every way to spread it.
    """
    if ways is None:
        pairs = [(i, way) for i, row in enumerate(rows) for way in _splits(row)]
    else:
        pairs = [(i, tuple(way)) for i, way in enumerate(ways.tolist())]
    index = np.array([i for i, _ in pairs])
    spread = np.array([way for _, way in pairs], dtype=float)
    split = Split(tp=spread[:, 0], attn_dp=spread[:, 1], ep=spread[:, 2])
    each = [rows[i] for i in index]
    serving, settings = [row.serving for row in each], [row.serving.setting for row in each]
    hardware, dims = calibration.hardware_of(settings), stack_dims([s.arch for s in serving])
    beams = np.array([float(row.beams) for row in each])
    mix = Mix(
        # The beams of a request share its prompt: each bears its part of reading and keeping it.
        input_tokens=np.array([s.input_tokens for s in serving]) / beams,
        output_tokens=np.array([s.output_tokens for s in serving]),
    )
    formats = (hardware.weight_bytes, hardware.cache_bytes)
    places = sequences_that_fit(dims, split, formats, hardware.capacity_gb, mix.context)
    own = np.array([mlperf_tuning.watts_per_flops(s) for s in settings])
    usual = np.array([watts_per_flops.get(mlperf_tuning.power_key(s), np.nan) for s in settings])
    count = np.array([row.accelerators for row in each])
    return Cases(
        row=index,
        ways=spread,
        dims=dims,
        split=split,
        hardware=hardware,
        mix=mix,
        places=np.asarray(places),
        engine=_engine(settings),
        watts=np.where(np.isnan(usual), 1.0, own / usual),
        limits_s=np.array([row.limits_s for row in each]) / np.array(_TAIL),
        random=np.array([row.scenario != "offline" for row in each]),
        beams=beams,
        instances=np.floor(count / np.asarray(split.accelerators)) / count,
    )


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


def _engine(settings: Sequence[ServingSetting]) -> dict[str, Floats]:
    known = calibration.load()["values"]
    return {
        role.name: np.array([learnt_value(known, role, role.key(s) or "")[0] for s in settings])
        for role in ROLES.values()
    }


def best_rates(cases: Cases, tuning: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return each submission's highest rate over its layouts, and that layout.

    Parameters
    ----------
    cases : Cases
        Submissions, numbered from 0, in all their layouts.
    tuning : mapping of str to ndarray
        Value of each role of `mlperf_tuning` for each submission.

    Returns
    -------
    tuple of ndarray
        Tokens a second of each accelerator, minus infinity where none keeps the limits; and rows of
        tensor ranks, attention groups and expert groups.
    """
    found = rates(cases, tuning)
    best = np.full(cases.row[-1] + 1, -np.inf)
    np.maximum.at(best, cases.row, found)
    first = np.unique(cases.row[found == best[cases.row]], return_index=True)[1]
    return best, cases.ways[found == best[cases.row]][first]


def rates(cases: Cases, tuning: Mapping[str, Floats]) -> Floats:
    """Return tokens a second of each accelerator, with the most sequences that keep the limits.

    Parameters are those of `best_rates`; minus infinity where nothing keeps them.
    """
    value = {name: values[cases.row] for name, values in tuning.items()}
    server = _server(cases, value)
    # A beam search takes more steps than its answer has tokens, and its limit is of the answer.
    longer = np.where(cases.beams > 1, value["beams"], 1.0)
    mix = replace(cases.mix, output_tokens=cases.mix.output_tokens * longer)
    limits = cases.limits_s / np.stack([np.ones_like(longer), longer], axis=1)

    def at(sequences: Floats) -> Steady:
        asked = sequences * cases.split.attn_dp
        return steady_state(cases.dims, cases.split, server, mix, asked, cases.places)

    def excess(log_sequences: Floats) -> Floats:
        found = at(np.exp(log_sequences))
        late = np.maximum(found.ttft_s / limits[:, 0], found.tpot_s / limits[:, 1])
        logarithm: Floats = np.log(np.maximum(late, _NOTHING))
        return logarithm

    most = np.maximum(np.minimum(cases.places, MOST_SEQUENCES), 1.0)
    held, kept = _fullest(excess, np.log(most))
    steady = at(np.exp(held))
    answers = steady.output_tokens_per_s / longer / cases.beams * cases.instances
    answers = answers * np.where(cases.random, value["arrivals"], 1.0)
    return np.where((cases.places >= 1.0) & kept, answers, -np.inf)


def _fullest(excess: Callable[[Floats], Floats], most: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the largest values up to `most` where a growing function is at most 0.

    The second array tells where there is one of at least 0. The range is halved a few times, and
    the function taken as straight in what remains: its root then moves smoothly with parameters.
    """
    low, high = np.zeros_like(most), most.copy()
    below, above = excess(low), excess(high)
    whole, kept = above <= 0.0, below <= 0.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        found = excess(middle)
        fits = found <= 0.0
        low, below = np.where(fits, middle, low), np.where(fits, found, below)
        high, above = np.where(fits, high, middle), np.where(fits, above, found)
    share = np.clip(below / np.where(above > below, below - above, -1.0), 0.0, 1.0)
    return np.where(whole, most, low + share * (high - low)), kept


def _server(cases: Cases, value: Mapping[str, Any]) -> Server:
    engine = cases.engine
    gain = value["products"] * value["yearly"] ** (cases.hardware.year - _REFERENCE_YEAR)
    width = np.maximum(cases.dims.expert_ffn, 1.0)
    idle = (1.0 / np.minimum(engine["expert_gemm"], 1.0) - 1.0) * value["expert_width"] / width
    tuned = {
        **engine,
        **{name: v * value["launches"] for name, v in engine.items() if name in _LAUNCHES},
        "gemm": np.minimum(engine["gemm"] * gain, ROLES["gemm"].cap),
        "expert_gemm": np.minimum(value["experts"] / (1.0 + idle), ROLES["expert_gemm"].cap),
        # LoadGen's arrivals are a Poisson process, so that none come in waves [1].
        "waves": np.zeros_like(engine["waves"]),
    }
    clock = cases.watts ** value["power"]
    return calibration.server_from(replace(cases.hardware, clock=clock), tuned)
