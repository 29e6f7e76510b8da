"""Fit the parameters of the training-step model to measured steps and write ``calibration.json``.

    uv run python calibration/fit_training.py STEPS.csv --mlperf MLPERF.csv

The rows are those of tables with the columns of ``gigawatt validate training``; of the MLPerf table
only the benchmarks whose step times the first table does not hold. Parameters are
fitted together, by least squares on the logarithm of the step time, with the priors of
`gigawatt.compute.training.parameters.ROLES` as further residuals and a loss that grows only
linearly for outliers. Two cross-validations give the residuals that bands are learnt from: rows
left out at random (a configuration close to a measured one), and whole models left out (a model
nobody measured). Takes about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from fitting import Parameters, fit, lay_out, quantiles, summary  # beside this script

from gigawatt.compute.dims import Dims, stack_dims
from gigawatt.compute.network import fabric_of
from gigawatt.compute.training.calibration import hardware_of, machine_from
from gigawatt.compute.training.layout import Layout
from gigawatt.compute.training.parameters import ROLES
from gigawatt.compute.training.step import step_time
from gigawatt.validation.mlperf_rows import read_submission
from gigawatt.validation.training_rows import Row, read_row, setting_of

TOLERANCE = 0.06
"""Relative error at which a row begins to count as an outlier."""
FOLDS = 10
MLPERF = ("llama2_70b_lora", "llama31_8b")
OUTPUT = Path(__file__).parents[1] / "src/gigawatt/compute/training/calibration.json"


@dataclass
class Problem:
    """Everything that a prediction of all rows needs, with the parameters left open."""

    rows: list[Row]
    dims: Dims
    layout: Layout
    hardware: Any
    seq_len: np.ndarray
    global_batch: np.ndarray
    measured: np.ndarray
    parameters: Parameters


def pose(rows: list[Row]) -> Problem:
    """Lay out rows and parameters as arrays."""
    settings = [setting_of(row) for row in rows]
    return Problem(
        rows=rows,
        dims=stack_dims([row.arch for row in rows]),
        layout=Layout(**{k: np.array([r.layout[k] for r in rows]) for k in rows[0].layout}),
        hardware=hardware_of(settings),
        seq_len=np.array([float(row.seq_len) for row in rows]),
        global_batch=np.array([float(row.global_batch) for row in rows]),
        measured=np.log([row.measured_s for row in rows]),
        parameters=lay_out(ROLES.values(), settings, {"chip": 1.0}),
    )


def predict(problem: Problem, scaled: np.ndarray) -> np.ndarray:
    """Return the logarithm of every row's step time."""
    machine = machine_from(problem.hardware, problem.parameters.values(scaled))
    step = step_time(problem.dims, problem.layout, machine, problem.seq_len, problem.global_batch)
    return np.log(step.total_s)


def solve(problem: Problem, weight: np.ndarray, start: np.ndarray, most: int) -> np.ndarray:
    """Return the scaled parameters that fit the rows of weight 1."""

    def errors(scaled: np.ndarray) -> np.ndarray:
        return (predict(problem, scaled) - problem.measured) / TOLERANCE

    return fit(problem.parameters, errors, weight, start, most)


def _left_out(job: tuple[list[Row], np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    rows, labels, wanted, start = job
    problem = pose(rows)
    found = np.full(len(rows), np.nan)
    for label in wanted:
        out = labels == label
        found[out] = predict(problem, solve(problem, 1.0 - out, start, 8))[out]
    return found


def cross_validate(
    problem: Problem, labels: np.ndarray, start: np.ndarray, workers: int
) -> np.ndarray:
    """Return each row's prediction by a fit without the rows of its label."""
    every = np.unique(labels)
    jobs = [(problem.rows, labels, every[i::workers], start) for i in range(workers)]
    with ProcessPoolExecutor(workers) as pool:
        parts = list(pool.map(_left_out, jobs))
    return np.nanmax(np.array(parts), axis=0)


def bands(problem: Problem, predicted: np.ndarray) -> dict[str, Any]:
    """Return P10 and P90 of measured over predicted, by kind of model and generation."""
    groups = [("all", row.kind, f"{row.kind}|{setting_of(row).generation}") for row in problem.rows]
    return quantiles(predicted - problem.measured, groups)


def score(problem: Problem, predicted: np.ndarray) -> dict[str, float]:
    """Return the errors in per cent."""
    return summary(predicted - problem.measured)


def neighbours(rows: list[Row]) -> list[list[Any]]:
    """Return what was measured: generation, recipe, kind and active parameters in billions."""
    from gigawatt.compute.work import active_parameters  # noqa: PLC0415

    found = {
        (
            setting_of(row).generation,
            row.precision,
            row.kind,
            float(f"{active_parameters(row.arch) / 1e9:.2g}"),
        )
        for row in rows
    }
    return [list(key) for key in sorted(found)]


def read(steps: Path, mlperf: Path | None = None) -> list[Row]:
    """Return the rows that can be predicted."""
    with steps.open(encoding="utf-8") as handle:
        found = [read_row(row) for row in csv.DictReader(handle)]
    if mlperf is not None:
        with mlperf.open(encoding="utf-8") as handle:
            found += [_logged(row, i) for i, row in enumerate(csv.DictReader(handle))]
    return [row for row in found if isinstance(row, Row)]


def _logged(row: dict[str, str], number: int) -> Row | None:
    """Return the logged step of an MLPerf row that the table of steps does not hold."""
    if row["benchmark"] not in MLPERF:
        return None
    found = read_submission(row)
    if isinstance(found, str) or np.isnan(found.step.measured_s):
        return None
    fabric = fabric_of(setting_of(found.step).chip)
    alone = found.step.accelerators <= fabric.scale_up_chips
    if np.isnan(fabric.scale_out_bytes_per_s) and not alone:
        return None
    return replace(found.step, id=f"mlperf-{number}")


def main() -> None:
    """Fit, cross-validate, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("steps", type=Path)
    parser.add_argument("--mlperf", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--rows", type=Path, help="write each row's predictions as CSV")
    parser.add_argument("--quick", action="store_true", help="fit only, keep the bands")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    problem = pose(read(options.steps, options.mlperf))
    scaled = solve(problem, np.ones(len(problem.rows)), problem.parameters.prior, 60)
    fitted = predict(problem, scaled)
    print("fitted", score(problem, fitted), file=sys.stderr)
    content = json.loads(options.output.read_text()) if options.output.exists() else {}
    content["values"] = problem.parameters.named(scaled)
    content["fitted"] = score(problem, fitted)
    content["neighbours"] = neighbours(problem.rows)
    content["newest_year"] = round(max(row.stack.year for row in problem.rows), 3)
    if not options.quick:
        folds = np.random.default_rng(0).integers(0, FOLDS, len(problem.rows))
        near = cross_validate(problem, folds, scaled, options.workers)
        print("rows left out", score(problem, near), file=sys.stderr)
        models = np.array([row.arch.name for row in problem.rows])
        far = cross_validate(problem, models, scaled, options.workers)
        print("models left out", score(problem, far), file=sys.stderr)
        content["rows_left_out"] = score(problem, near)
        content["models_left_out"] = score(problem, far)
        content["bands"] = {"near": bands(problem, near), "far": bands(problem, far)}
        if options.rows:
            write_rows(options.rows, problem, (fitted, near, far))
    options.output.write_text(json.dumps(content, indent=1) + "\n")


def write_rows(path: Path, problem: Problem, predicted: tuple[np.ndarray, ...]) -> None:
    """Write each row's measured and predicted step times."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["id", "measured_s", "fitted_s", "row_left_out_s", "model_left_out_s"])
        for i, row in enumerate(problem.rows):
            times = [f"{np.exp(p[i]):.5g}" for p in predicted]
            writer.writerow([row.id, row.measured_s, *times])


if __name__ == "__main__":
    main()
