"""Training predictions held against measurements: steps, MLPerf time to train, whole runs.

The columns of the file say what it holds. Steps are predicted in the layout that the row states,
with the committed calibration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.compute.training.estimate import estimate_step
from gigawatt.compute.training.layout import Layout
from gigawatt.validation.score import Prediction
from gigawatt.validation.training_rows import Row, read_row, setting_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def training_steps(rows: Iterable[dict[str, str]]) -> list[Prediction]:
    """Return the prediction of the step time of each row, or why it was skipped."""
    found = []
    for row in rows:
        case = read_row(row)
        if isinstance(case, str):
            group = row.get("hw_class") or row.get("hardware") or ""
            found.append(Prediction(row.get("id", ""), group, None, reason=case))
        else:
            found.append(predict_row(case))
    return found


def predict_row(case: Row) -> Prediction:
    """Return the prediction of one row's step time [s]."""
    estimate = estimate_step(
        case.arch, Layout(**case.layout), setting_of(case), case.seq_len, case.global_batch
    )
    step = estimate.step_s
    return Prediction(case.id, case.group, case.measured_s, step.value, step.low, step.high)
