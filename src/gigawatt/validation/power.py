"""Power predictions held against measurements: accelerators, servers, clusters and the wall.

The columns of the file say what it holds. Power is predicted from work and system, never from
power.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import GigawattError, InputError
from gigawatt.site.power.calibration import banded, load, values_of
from gigawatt.validation import power_mlperf, power_rows
from gigawatt.validation.power_cases import lay_out_cases, powers_w, setting_of
from gigawatt.validation.score import Prediction
from gigawatt.validation.skip import Skip
from gigawatt.validation.training import filled, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from gigawatt.validation.power_cases import Case

__all__ = ["power_table", "predict_cases", "read_cases"]

# What tells the tables apart, in the order in which they are looked for.
_POWER: Final = ("scope", "hardware", "workload", "stat", "power_w")
_CLUSTER: Final = ("system", "benchmark", "n_nodes", "p50_kw", "p95_kw")
_TRAINING: Final = ("system", "benchmark", "node_files", "mean_node_W")
_WALL: Final = ("system", "model", "scenario", "p50_w", "mean_w_whole_log")


def power_table(path: Path | None) -> list[Prediction]:
    """Return the predictions of a table of measured power.

    A row of a cluster counts with its median, its 95th percentile and mean stand beside; a wall log
    counts with its median, its mean and lowest second stand beside. Each row also stands beside by
    kind of work and generation.

    Parameters
    ----------
    path : Path, optional
        A CSV file; left out, the servers and clusters whose power the catalogue holds.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows, or has the columns of no such table.
    """
    rows = _catalogue() if path is None else read_cases(path)
    cases = [case for found in rows if not isinstance(found, str) for case in found]
    powers = iter(predict_cases(cases))
    predictions = []
    for index, found in enumerate(rows):
        if isinstance(found, str):
            predictions.append(Prediction(str(index), "", None, reason=found))
            continue
        for place, case in enumerate(found):
            predictions += _predictions(case, float(next(powers)), first=place == 0)
    return predictions


def read_cases(path: Path) -> list[list[Case] | str]:
    """Return the cases of each row of a table of power, or why the row is skipped.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows, or has the columns of no table of power.
    """
    table = read_table(path)
    if not table:
        message = f"{path}: no rows"
        raise InputError(message)
    if all(column in table[0] for column in _POWER):
        rows = filled(table, power_rows.COLUMNS)
        return [_power_row(row, i) for i, row in enumerate(rows)]
    if all(column in table[0] for column in _CLUSTER):
        rows = filled(table, power_mlperf.CLUSTER)
        return [power_mlperf.read_cluster_row(row, i) for i, row in enumerate(rows)]
    if all(column in table[0] for column in _TRAINING):
        rows = filled(table, power_mlperf.TRAINING)
        return [power_mlperf.read_training_row(row, i) for i, row in enumerate(rows)]
    if all(column in table[0] for column in _WALL):
        rows = filled(table, power_mlperf.WALL)
        return [power_mlperf.read_wall_row(row, i) for i, row in enumerate(rows)]
    message = (
        f"{path}: no table of power; expected the columns {', '.join(_POWER)} (power), "
        f"{', '.join(_TRAINING)} (runs of MLPerf Training), {', '.join(_CLUSTER)} (clusters) or "
        f"{', '.join(_WALL)} (wall power of MLPerf Inference); found {', '.join(table[0])}"
    )
    raise InputError(message)


def predict_cases(cases: Sequence[Case]) -> NDArray[np.float64]:
    """Return the power of cases for one accelerator [W], with the committed calibration."""
    if not cases:
        return np.array([])
    found = [values_of(setting_of(case))[0] for case in cases]
    names = {name for values in found for name in values}
    # A role without a part in a case, such as the host of an accelerator, never reaches its power.
    value = {name: np.array([values.get(name, 0.0) for values in found]) for name in names}
    absent = {"host_idle", "host_busy", "fans", "scaling", "start", "gap", "pauses", "swing"}
    zero = np.zeros(len(cases))
    value |= {name: zero for name in (*absent, "prompt") if name not in value}
    return powers_w(lay_out_cases(cases), value)


def _catalogue() -> list[list[Case] | str]:
    """Return the measured powers of the catalogue."""
    rows = [
        {
            **dict.fromkeys(power_rows.COLUMNS, ""),
            "scope": point.text("scope"),
            "hardware": point.text("hardware"),
            "num_gpus": str(point.number("accelerators")),
            "workload": point.text("workload"),
            "stat": point.text("statistic"),
            "power_w": str(point.number("power_w")),
            "paired_metric": point.text("metric", ""),
            "paired_value": str(point.number("rate", 0.0)),
        }
        for point in catalog.load().entries("power_point")
    ]
    return [_power_row(row, i) for i, row in enumerate(rows)]


def _power_row(row: dict[str, str], index: int) -> list[Case] | str:
    try:
        power_rows.refuse(row)
        if row["scope"].lower().startswith("gpu"):
            return [power_rows.accelerator_case(row, index)]
        return [power_mlperf.server_case(row, index)]
    except (Skip, GigawattError) as reason:
        return str(reason)


def _predictions(case: Case, power_w: float, *, first: bool) -> list[Prediction]:
    near = [case.subject, case.generation] in load()["neighbours"]
    known = values_of(setting_of(case))[1]
    count = case.accelerators
    found = banded(power_w * count, case.band, near=near, known=known)
    measured = case.measured_w * count

    def one(group: str, *, beside: bool) -> Prediction:
        return Prediction(
            case.id, group, measured, found.value, found.low, found.high, beside=beside
        )

    name = {"whole": "mean of the log", "run": "mean of the run", "p95": "95th percentile"}
    what = name.get(case.statistic, case.statistic)
    label = f"{case.group}, {case.kind}, {what}, {case.generation}"
    return [*([one(case.group, beside=False)] if first else []), one(label, beside=True)]
