"""Serving predictions held against measurements: latency and throughput, and MLPerf inference.

The columns of the file say what it holds. Points are predicted in the split and at the load that
the row states; MLPerf submissions state neither and are predicted in the best split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.estimate import estimate_serving, serving_bands
from gigawatt.compute.hosting.steady import Mix
from gigawatt.compute.hosting.step import Split
from gigawatt.errors import InputError
from gigawatt.validation import mlperf_inference_rows, serving_rows
from gigawatt.validation.score import Prediction
from gigawatt.validation.training import filled, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from gigawatt.compute.bands import Estimate
    from gigawatt.validation.serving_rows import ServingRow

__all__ = ["serving_table"]

_MLPERF: Final = ("model", "accelerator", "num_accel", "scenario", "tokens_per_s")
_POINTS: Final = ("model", "hardware", "isl", "osl", "ttft_ms", "tpot_ms")


def serving_table(path: Path) -> list[Prediction]:
    """Return the predictions of a table of serving points or of MLPerf inference.

    A serving point counts with its time per token, or with its throughput where that is all it
    states. Its time to the first token, and each quantity by engine and generation, stand beside.

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
        return _submissions(filled(rows, mlperf_inference_rows.COLUMNS))
    if all(column in rows[0] for column in _POINTS):
        table = filled(rows, serving_rows.COLUMNS)
        return [found for i, row in enumerate(table) for found in _point(row, i)]
    message = (
        f"{path}: no table of serving; expected the columns {', '.join(_POINTS)} (serving points) "
        f"or {', '.join(_MLPERF)} (MLPerf inference); found {', '.join(rows[0])}"
    )
    raise InputError(message)


def _point(row: dict[str, str], number: int) -> list[Prediction]:
    case = serving_rows.read_serving_row(row, number)
    if isinstance(case, str):
        return [Prediction(row.get("id") or str(number), "", None, reason=case)]
    try:
        found = estimate_serving(
            case.arch, case.setting, Split(**case.split), _mix(case), case.concurrency or _all(case)
        )
    except InputError:
        reason = "not one request fits beside the weights"
        return [Prediction(case.id, case.group, None, reason=reason)]
    rate = found.output_tokens_per_s.scaled(1.0 / float(found.split.accelerators))
    quantities = (
        ("time per token", case.tpot_s, found.tpot_s),
        ("throughput", case.tokens_per_s_per_chip, rate),
        ("time to the first token", case.ttft_s, found.ttft_s),
    )
    where = f"{case.setting.software}, {case.setting.generation}"
    stated = [(name, measured, guess) for name, measured, guess in quantities if measured > 0]
    return [
        prediction
        for i, (name, measured, guess) in enumerate(stated)
        for prediction in (
            _prediction(case.id, name, measured, guess, beside=i > 0),
            _prediction(case.id, f"{name}, {where}", measured, guess, beside=True),
        )
    ]


def _mix(case: ServingRow) -> Mix:
    return Mix(input_tokens=case.input_tokens, output_tokens=case.output_tokens)


def _all(case: ServingRow) -> float:
    """Return the sequences that an engine keeps in progress when everything is asked at once."""
    probe = estimate_serving(case.arch, case.setting, Split(**case.split), _mix(case), 1.0)
    return min(probe.places, serving_rows.MOST_SEQUENCES * case.split["attn_dp"])


def _prediction(
    row: str, group: str, measured: float, guess: Estimate, *, beside: bool
) -> Prediction:
    return Prediction(row, group, measured, guess.value, guess.low, guess.high, beside=beside)


def _submissions(table: list[dict[str, str]]) -> list[Prediction]:
    """Return the predictions of MLPerf submissions: tokens/s of an accelerator."""
    read = [mlperf_inference_rows.read_inference_row(row, i) for i, row in enumerate(table)]
    cases = [case for case in read if not isinstance(case, str)]
    rates = iter(mlperf_inference_rows.predict_inference(cases).tolist())
    found = []
    for i, case in enumerate(read):
        if isinstance(case, str):
            found.append(Prediction(str(i), "", None, reason=case))
            continue
        rate, group = next(rates), f"{case.benchmark}, {case.scenario}"
        if not np.isfinite(rate):
            reason = "no layout keeps the limits"
            found.append(Prediction(str(i), group, None, reason=reason))
            continue
        serving = case.serving
        _, _, missing = calibration.server(serving.setting)
        bands, _ = serving_bands(serving.arch, serving.setting, missing)
        low, high, _ = bands["rate"]
        measured = serving.tokens_per_s_per_chip
        found.append(Prediction(str(i), group, measured, rate, rate * low, rate * high))
    return found
