"""Rows of MLPerf Training submissions: the step time and the minutes to the target predicted.

A row states benchmark, system, batch and, mostly, the layout. What it leaves open is filled in by
one rule for all rows:

- the format is the one stated; where none is, or several are, eight-bit floats, which submissions
  of the closed division on chips that have them use by default, else BF16;
- the software is that of the maker in the month of the submission;
- adapters (LoRA) have frozen weights, so that no weight gradients, sums or updates arise, and each
  sequence is one document of full length;
- nothing is recomputed, which is the software's default: the table does not say;
- a row without a tensor-parallel size does not state its layout and is left out. The planner cannot
  stand in: what frozen weights and their layers keep in memory is not modelled.

No parameter is fitted here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.training.convergence import (
    evaluation_stride,
    evaluation_time_s,
    minutes_to_target,
    samples_to_target,
)
from gigawatt.compute.training.estimate import estimate_step
from gigawatt.compute.training.layout import Layout
from gigawatt.compute.training.setting import Setting
from gigawatt.compute.training.stack import Stack, stack_for
from gigawatt.errors import NotModelledError
from gigawatt.validation.score import Prediction
from gigawatt.validation.skip import Skip
from gigawatt.validation.training_rows import Row, chip_of, layout_of, setting_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.catalog import Entry
    from gigawatt.compute.bands import Estimate

__all__ = ["COLUMNS", "Submission", "minutes_of", "mlperf_predictions", "read_submission"]

COLUMNS: Final = (
    "round", "submitter", "accelerator", "n_accelerators", "benchmark", "olympic_mean_min",
    "score_min", "global_batch", "TP", "PP", "CP", "micro_batch", "step_time_s",
)  # fmt: skip

_SUBMITTED: Final = {
    "v3.0": 2023 + 4 / 12, "v3.1": 2023 + 9 / 12, "v4.0": 2024 + 4 / 12, "v4.1": 2024 + 9 / 12,
    "v5.0": 2025 + 4 / 12, "v5.1": 2025 + 9 / 12,
}  # fmt: skip
"""When a round's results were submitted (May and October; MLCommons publishes a month later)."""

_ADAPTERS: Final = "lora_rank"
_STEP: Final = "step time"


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission as inputs of the step model.

    Parameters
    ----------
    benchmark : str
        Entry of the catalogue's kind ``target``.
    step : Row
        Model, system and layout; `Row.measured_s` is NaN where no step time was logged.
    minutes : float or None
        Time to train: the mean of the runs without the best and the worst, else the score.
    """

    benchmark: str
    step: Row
    minutes: float | None


def mlperf_predictions(rows: Iterable[dict[str, str]]) -> list[Prediction]:
    """Return the minutes to the target of each row, and beside them the step times.

    Rows that cannot be predicted come once, with the reason.
    """
    minutes, steps = [], []
    for row in rows:
        name = " ".join(row.get(c) or "" for c in ("round", "submitter", "accelerator"))
        name = f"{name} x{row.get('n_accelerators')} {row['benchmark']}"
        group = row["benchmark"]
        found = read_submission(row)
        if isinstance(found, str):
            minutes.append(Prediction(name, group, None, reason=found))
            continue
        try:
            step = _step_s(found.step)
        except NotModelledError:
            reason = "a figure of the accelerator that the step needs is not published"
            minutes.append(Prediction(name, group, None, reason=reason))
            continue
        if found.minutes is None:
            minutes.append(Prediction(name, group, None, reason="no minutes"))
        else:
            low, mid, high = minutes_of(found.benchmark, found.step.global_batch, step)
            minutes.append(Prediction(name, group, found.minutes, mid, low, high))
        measured = found.step.measured_s
        if not np.isnan(measured):
            steps.append(
                Prediction(
                    name,
                    f"{group}, {_STEP}",
                    measured,
                    step.value,
                    step.low,
                    step.high,
                    beside=True,
                )
            )
    return minutes + steps


def minutes_of(benchmark: str, global_batch: int, step_s: Estimate) -> tuple[float, float, float]:
    """Return P10, median and P90 of the minutes to a benchmark's target.

    The spread of the step time, that of the samples to the target and that of the evaluations,
    weighted with their share of the time, are combined as independent log-normals.
    """
    middle = float(minutes_to_target(benchmark, global_batch, step_s.value).value)
    target = catalog.load().get("target", benchmark)
    samples = samples_to_target(benchmark, global_batch)
    stride = evaluation_stride(target.number("evaluation_interval"), global_batch)
    looks = max(float(samples.value / stride) - target.number("evaluations_skipped"), 0.0)
    look_s = float(evaluation_time_s(benchmark, global_batch, step_s.value))
    share = looks * look_s / 60.0 / middle
    cost = target["evaluation_cost"]
    ends = []
    for side, sign in ((0, -1.0), (1, 1.0)):
        parts = (
            np.log((step_s.low, step_s.high)[side] / step_s.value),
            np.log((samples.low, samples.high)[side] / samples.value),
            share * np.log(cost.span[side] / cost.number),
        )
        ends.append(middle * float(np.exp(sign * np.sqrt(np.sum(np.square(parts))))))
    return ends[0], middle, ends[1]


def read_submission(row: dict[str, str]) -> Submission | str:
    """Return the row as inputs of the step model, or the reason why it is skipped."""
    try:
        return _read(row)
    except (Skip, NotModelledError) as reason:
        return str(reason)


def _read(row: dict[str, str]) -> Submission:
    book = catalog.load()
    benchmark = row["benchmark"]
    if not book.has("target", benchmark):
        message = "benchmark without a known target"
        raise Skip(message)
    target = book.get("target", benchmark)
    arch = _architecture(target)
    row = {**row, "hardware": row["accelerator"]}
    chip = chip_of(row)
    entry = book.get("chip", chip)
    stack = _stack(row, entry)
    # The length is the benchmark's own, whatever the table says.
    n, seq_len = _whole(row, "n_accelerators"), int(target.number("seq_len"))
    setting = Setting(
        entry, _precision(row, entry), stack, trained_share=0.0 if _ADAPTERS in target else 1.0
    )
    if not row.get("TP"):
        message = "layout not stated"
        raise Skip(message)
    layout, batch = layout_of(row, arch, stack, (n, seq_len, chip))
    step = Row(
        id=row.get("system") or benchmark,
        model=target.text("model"),
        kind=arch.kind,
        chip=chip,
        group=benchmark,
        arch=arch,
        stack=stack,
        precision=setting.precision,
        layout=layout,
        seq_len=seq_len,
        global_batch=batch,
        accelerators=n,
        measured_s=_number(row, "step_time_s") or float("nan"),
        trained_share=setting.trained_share,
    )
    minutes = _number(row, "olympic_mean_min") or _number(row, "score_min")
    return Submission(target.id, step, minutes or None)


def _step_s(step: Row) -> Estimate:
    layout = Layout(**step.layout)
    setting = setting_of(step)
    return estimate_step(step.arch, layout, setting, step.seq_len, step.global_batch).step_s


def _architecture(target: Entry) -> Architecture:
    arch = Architecture.from_entry(catalog.load().get("model", target.text("model")))
    return replace(arch, vocab=int(target.number("vocab"))) if "vocab" in target else arch


def _stack(row: dict[str, str], chip: Entry) -> Stack:
    if row["round"] not in _SUBMITTED:
        message = "round of unknown date"
        raise Skip(message)
    return stack_for(chip.text("vendor"), _SUBMITTED[row["round"]])


def _precision(row: dict[str, str], chip: Entry) -> str:
    stated = (row.get("precision_from_config") or "").lower()
    known = {"nvfp4": "nvfp4", "mxfp8": "mxfp8", "bf16": "bf16", "fp8": "fp8", "int8": "int8"}
    return known.get(stated, "fp8" if "fp8_tflops" in chip else "bf16")


def _whole(row: dict[str, str], column: str) -> int:
    value = int(_number(row, column))
    if value < 1:
        message = f"{column} not stated"
        raise Skip(message)
    return value


def _number(row: dict[str, str], column: str) -> float:
    text = row.get(column) or ""
    try:
        return float(text) if text else 0.0
    except ValueError:
        message = f"{column} is not a number"
        raise Skip(message) from None
