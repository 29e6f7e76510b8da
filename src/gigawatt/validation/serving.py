"""Serving predictions held against measurements: latency and throughput, and MLPerf inference.

The columns of the file say what it holds. Points are predicted in the split and at the load that
the row states, each kind of load by a file of its own; MLPerf submissions state neither and are
predicted in the best split.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from math import isnan
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.estimate import estimate_serving, serving_bands
from gigawatt.compute.hosting.steady import Mix
from gigawatt.compute.hosting.step import Split
from gigawatt.errors import InputError
from gigawatt.validation import (
    mlperf_inference_rows,
    serving_arrivals,
    serving_batches,
    serving_disaggregated,
    serving_mlperf,
    serving_recipes,
    serving_rows,
)
from gigawatt.validation.score import Prediction
from gigawatt.validation.serving_steps import median_step_s
from gigawatt.validation.training import filled, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.estimate import ServingEstimate
    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.validation.serving_rows import ServingRow

    Row = dict[str, str]

__all__ = ["KINDS", "serving_table"]

_MLPERF: Final = ("model", "accelerator", "num_accel", "scenario", "tokens_per_s")
_POINTS: Final = ("model", "hardware", "isl", "osl", "ttft_ms", "tpot_ms")

_TPOT, _TTFT, _RATE, _WHOLE = (
    "time per token", "time to the first token", "throughput", "time of a batch",
)  # fmt: skip
_BANDED: Final = {_TPOT: "tpot", _TTFT: "ttft", _RATE: "rate", _WHOLE: "tpot"}
"""Band of the serving model that holds for a quantity where its kind of row has none of its own."""
KINDS: Final = ("disaggregated", "median step", "one batch", "arrivals")
"""Kinds of row whose bands rest on their own residuals, in ``serving_bands.json``."""


@dataclass(frozen=True, slots=True)
class _Quantity:
    """One number that a row states, with its prediction and the ends of its band."""

    name: str
    measured: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class _Point:
    """What was predicted of one row; `labels` are what it is grouped by."""

    id: str
    labels: tuple[str, ...]
    quantities: tuple[_Quantity, ...]


def serving_table(path: Path) -> list[Prediction]:
    """Return the predictions of a table of serving points or of MLPerf inference.

    A serving point counts with its time per token, or with its throughput or the time of its batch
    where that is all it states. Its other quantities, and each by whether reading and writing are
    divided, by engine, accelerator and precision, stand beside.

    Parameters
    ----------
    path : Path
        A CSV file.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows, or has the columns of neither.
    """
    rows = read_table(path)
    if not rows:
        message = f"{path}: no rows"
        raise InputError(message)
    if all(column in rows[0] for column in _MLPERF):
        table = filled(rows, mlperf_inference_rows.COLUMNS)
        return [one for one, _ in _submissions(table)]
    if all(column in rows[0] for column in _POINTS):
        return _points(serving_recipes.with_copies(filled(rows, serving_rows.COLUMNS)))
    message = (
        f"{path}: no table of serving; expected the columns {', '.join(_POINTS)} (serving points) "
        f"or {', '.join(_MLPERF)} (MLPerf inference); found {', '.join(rows[0])}"
    )
    raise InputError(message)


def _points(table: list[Row]) -> list[Prediction]:
    """Return the predictions of serving points, in the order of the table."""
    places = [i for i, row in enumerate(table) if serving_mlperf.is_submission(row)]
    filed = _submissions([serving_mlperf.as_submission(table[i]) for i in places])
    submitted = dict(zip(places, filed, strict=True))
    found: list[Prediction] = []
    for i, row in enumerate(table):
        name = row.get("id") or str(i)
        if i in submitted:
            found += _as_throughput(name, submitted[i])
            continue
        point = _predicted(row, i)
        if isinstance(point, str):
            found.append(Prediction(name, "", None, reason=point))
        else:
            found += _scored(point)
    return found


def _predicted(row: Row, position: int) -> _Point | str:
    """Return what is predicted of one row, or why nothing is."""
    kinds: tuple[tuple[Callable[[Row], bool], Callable[[Row, int], _Point | str]], ...] = (
        (serving_disaggregated.is_divided, _divided),
        (serving_batches.is_batch, _batch),
        (serving_arrivals.is_arrival, _arrivals),
        (lambda _: True, _constant),
    )
    read = next(read for holds, read in kinds if holds(row))
    try:
        return read(row, position)
    except InputError:
        return "not one request fits beside the weights"


def _scored(point: _Point) -> list[Prediction]:
    """Return a row's predictions: the first counts, the others stand beside it."""
    return [
        Prediction(
            point.id, group, q.measured, q.value, q.low, q.high, beside=i > 0 or group != q.name
        )
        for i, q in enumerate(point.quantities)
        for group in (q.name, *(f"{q.name}, {label}" for label in point.labels))
    ]


def _constant(row: Row, position: int) -> _Point | str:
    """Predict an instance under a constant number of requests."""
    case = serving_rows.read_serving_row(row, position)
    if isinstance(case, str):
        return case
    server, _, _ = calibration.server(case.setting)
    mix, split = _mix(case, server), Split(**case.split)
    found = estimate_serving(
        case.arch,
        case.setting,
        split,
        mix,
        case.concurrency or _all(case, mix),
        together_share=None if isnan(case.together_share) else case.together_share,
    )
    rate = found.output_tokens_per_s.scaled(1.0 / float(found.split.accelerators))
    labels = ("aggregated", *_labels(case.setting))
    if case.median_step:
        step = _median_step(case, found)
        stated = ((_TPOT, case.tpot_s, step), (_RATE, case.tokens_per_s_per_chip, rate.value))
        part = tuple(_own("median step", case.arch, case.setting, *one) for one in stated if one[1])
        return _Point(case.id, ("median step", *labels), part)
    quantities = (
        (_TPOT, case.tpot_s, found.tpot_s),
        (_RATE, case.tokens_per_s_per_chip, rate),
        (_TTFT, case.ttft_s, found.ttft_s),
    )
    return _Point(
        case.id,
        labels,
        tuple(_Quantity(n, m, e.value, e.low, e.high) for n, m, e in quantities if m > 0),
    )


def _median_step(case: ServingRow, found: ServingEstimate) -> float:
    server, _, _ = calibration.server(case.setting)
    places = found.places / float(found.split.attn_dp)
    load = (found.concurrency, places, case.output_spread)
    return float(median_step_s(dims_of(case.arch), found.split, server, found.mix, *load))


def _divided(row: Row, position: int) -> _Point | str:
    """Predict a system that reads prompts on other instances than it answers on."""
    case = serving_disaggregated.read_divided_row(row, position)
    if isinstance(case, str):
        return case
    found = serving_disaggregated.divided(case)
    if found is None:
        return "not one request fits beside the weights"
    stated = ((_TPOT, case.tpot_s, found.tpot_s), (_TTFT, case.ttft_s, found.ttft_s))
    part = tuple(_own("disaggregated", case.arch, case.setting, *one) for one in stated if one[1])
    return _Point(case.id, ("disaggregated", *_labels(case.setting)), part)


def _batch(row: Row, position: int) -> _Point | str:
    """Predict the time of a batch that is timed alone."""
    case = serving_batches.read_batch_row(row, position)
    if isinstance(case, str):
        return case
    value = serving_batches.batch_s(case)
    part = _own("one batch", case.arch, case.setting, _WHOLE, case.measured_s, value)
    return _Point(case.id, ("one batch", "aggregated", *_labels(case.setting)), (part,))


def _arrivals(row: Row, position: int) -> _Point | str:
    """Predict an instance at which requests arrive at a stated rate."""
    case = serving_arrivals.read_arrival_row(row, position)
    if isinstance(case, str):
        return case
    found, serving = serving_arrivals.at_rate(case), case.serving
    if found is None:
        return "more requests arrive than are answered: the queue never settles"
    stated = (
        (_TPOT, serving.tpot_s, float(found.tpot_s)),
        (_TTFT, serving.ttft_s, float(found.ttft_s)),
    )
    part = tuple(_own("arrivals", serving.arch, serving.setting, *one) for one in stated if one[1])
    return _Point(serving.id, ("arrivals", "aggregated", *_labels(serving.setting)), part)


def _labels(setting: ServingSetting) -> tuple[str, ...]:
    return setting.software, setting.chip.id, setting.weights


def _own(
    kind: str,
    arch: Architecture,
    setting: ServingSetting,
    name: str,
    measured: float,
    value: float,
) -> _Quantity:
    """Return a quantity with the band of its kind of row, or that of the serving model."""
    own = _kind_bands().get(kind, {}).get(name)
    if own is None:
        _, _, missing = calibration.server(setting)
        bands, _ = serving_bands(arch, setting, missing)
        low, high, _ = bands[_BANDED[name]]
    else:
        _, low, high = own
    return _Quantity(name, measured, value, value * low, value * high)


@cache
def _kind_bands() -> dict[str, dict[str, tuple[float, float, float]]]:
    """Return count, P10 and P90 of measured over predicted by kind of row and quantity."""
    text = files("gigawatt.validation").joinpath("serving_bands.json").read_text("utf-8")
    found: dict[str, dict[str, tuple[float, float, float]]] = json.loads(text)
    return found


def _mix(case: ServingRow, server: Server) -> Mix:
    return Mix(
        input_tokens=case.input_tokens,
        output_tokens=case.output_tokens,
        accepted=float(server.gained(case.drafted)),
        drafted=case.drafted,
    )


def _all(case: ServingRow, mix: Mix) -> float:
    """Return the sequences that an engine keeps in progress when everything is asked at once."""
    probe = estimate_serving(case.arch, case.setting, Split(**case.split), mix, 1.0)
    return min(probe.places, serving_rows.MOST_SEQUENCES * case.split["attn_dp"])


def _submissions(table: list[Row]) -> list[tuple[Prediction, tuple[str, ...]]]:
    """Return the prediction of each MLPerf submission, tokens/s of an accelerator, and labels."""
    read = [mlperf_inference_rows.read_inference_row(row, i) for i, row in enumerate(table)]
    cases = [case for case in read if not isinstance(case, str)]
    rates = iter(mlperf_inference_rows.predict_inference(cases).tolist())
    found: list[tuple[Prediction, tuple[str, ...]]] = []
    for i, case in enumerate(read):
        if isinstance(case, str):
            found.append((Prediction(str(i), "", None, reason=case), ()))
            continue
        rate, group = next(rates), f"{case.benchmark}, {case.scenario}"
        if not np.isfinite(rate):
            reason = "no layout keeps the limits"
            found.append((Prediction(str(i), group, None, reason=reason), ()))
            continue
        low, high = mlperf_inference_rows.inference_band(case)
        measured = case.serving.tokens_per_s_per_chip
        one = Prediction(str(i), group, measured, rate, rate * low, rate * high)
        found.append((one, ("mlperf", *_labels(case.serving.setting))))
    return found


def _as_throughput(name: str, found: tuple[Prediction, tuple[str, ...]]) -> list[Prediction]:
    """Return the prediction of a submission as a throughput of a table of serving points."""
    one, labels = found
    whole = replace(one, row=name, group=_RATE)
    return [whole, *(replace(whole, group=f"{_RATE}, {label}", beside=True) for label in labels)]
