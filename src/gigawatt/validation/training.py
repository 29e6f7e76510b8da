"""Training predictions held against measurements: steps, MLPerf time to train, whole runs.

The columns of the file say what it holds. Steps are predicted in the layout that the row states,
with the committed calibration; whole runs in the planner's best.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from gigawatt.compute.training.estimate import estimate_step
from gigawatt.compute.training.layout import Layout
from gigawatt.errors import InputError, NotModelledError
from gigawatt.validation import mlperf_rows, training_rows, whole_runs
from gigawatt.validation.score import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gigawatt.validation.training_rows import Row

__all__ = ["filled", "predict_row", "predict_table", "read_table", "training_steps"]

# What tells the tables apart, in the order in which they are looked for: tables of steps and of
# MLPerf share columns.
_MLPERF = ("benchmark", "accelerator", "n_accelerators", "global_batch")
_STEPS = ("model", "hardware", "seq_len", "step_time_s")
_RUNS = ("model", "hardware", "tokens_T", "accel_hours")


def predict_table(path: Path | None) -> list[Prediction]:
    """Return the prediction of each row of a table of steps, of MLPerf or of whole runs.

    Parameters
    ----------
    path : Path, optional
        A CSV file; left out, the whole runs of the catalogue.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows, or has the columns of none of the three.
    """
    if path is None:
        return whole_runs.run_predictions(None)
    rows = read_table(path)
    if not rows:
        message = f"{path}: no rows"
        raise InputError(message)
    if all(column in rows[0] for column in _MLPERF):
        return mlperf_rows.mlperf_predictions(filled(rows, mlperf_rows.COLUMNS))
    if all(column in rows[0] for column in _STEPS):
        return training_steps(filled(rows, training_rows.COLUMNS))
    if all(column in rows[0] for column in _RUNS):
        return whole_runs.run_predictions(filled(rows, whole_runs.COLUMNS))
    message = (
        f"{path}: no table of training; expected the columns {', '.join(_STEPS)} (training steps), "
        f"{', '.join(_MLPERF)} (MLPerf) or {', '.join(_RUNS)} (whole runs); "
        f"found {', '.join(rows[0])}"
    )
    raise InputError(message)


def read_table(path: Path, columns: Iterable[str] = ()) -> list[dict[str, str]]:
    """Return the rows of a CSV file, empty text where a row is too short.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks rows or one of the columns asked for.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read as text: {error}"
        raise InputError(message) from None
    rows = csv.DictReader(text.splitlines(keepends=True))
    found = [{k: v or "" for k, v in row.items() if k is not None} for row in rows]
    missing = [c for c in columns if not found or c not in found[0]]
    if missing:
        message = f"{path}: no rows, or no column {', '.join(missing)}"
        raise InputError(message)
    return found


def training_steps(rows: Iterable[dict[str, str]]) -> list[Prediction]:
    """Return the prediction of the step time of each row, or why it was skipped."""
    found = []
    for row in rows:
        case = training_rows.read_row(row)
        if isinstance(case, str):
            group = row.get("hw_class") or row.get("hardware") or ""
            found.append(Prediction(row.get("id", ""), group, None, reason=case))
        else:
            found.append(predict_row(case))
    return found


def predict_row(case: Row) -> Prediction:
    """Return the prediction of one row's step time [s]."""
    try:
        step = estimate_step(
            case.arch,
            Layout(**case.layout),
            training_rows.setting_of(case),
            case.seq_len,
            case.global_batch,
        ).step_s
    except NotModelledError:
        reason = "a figure of the accelerator that the step needs is not published"
        return Prediction(case.id, case.group, None, reason=reason)
    return Prediction(case.id, case.group, case.measured_s, step.value, step.low, step.high)


def filled(rows: list[dict[str, str]], columns: Iterable[str]) -> list[dict[str, str]]:
    """Return the rows with empty text in those of `columns` that the table lacks."""
    empty = dict.fromkeys(columns, "")
    return [{**empty, **row} for row in rows]
