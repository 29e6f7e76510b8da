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
from scipy.optimize import least_squares

from gigawatt.compute.dims import Dims, stack_dims
from gigawatt.compute.learnt import from_scale, parameter_name, to_scale
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
    names: list[str]
    prior: np.ndarray
    spread: np.ndarray
    caps: np.ndarray
    index: dict[str, np.ndarray]


def pose(rows: list[Row]) -> Problem:
    """Lay out rows and parameters as arrays."""
    settings = [setting_of(row) for row in rows]
    names: list[str] = []
    prior: list[float] = []
    spread: list[float] = []
    caps: list[float] = []
    index = {}
    for role in ROLES.values():
        column = []
        for setting in settings:
            key = role.key(setting)
            name = parameter_name(role.name, "none" if key is None else key)
            if name not in names:
                names.append(name)
                fixed = 1.0 if role.name == "chip" else 1e-12
                expected = fixed if key is None else role.expected(key)
                caps.append(0.0 if key is None else role.cap)
                prior.append(to_scale(expected, caps[-1]))
                # On the log-odds scale the same relative doubt is wider.
                widen = 1.0 - expected / role.cap if caps[-1] else 1.0
                spread.append(1e-6 if key is None else role.spread / widen)
            column.append(names.index(name))
        index[role.name] = np.array(column)
    return Problem(
        rows=rows,
        dims=stack_dims([row.arch for row in rows]),
        layout=Layout(**{k: np.array([r.layout[k] for r in rows]) for k in rows[0].layout}),
        hardware=hardware_of(settings),
        seq_len=np.array([float(row.seq_len) for row in rows]),
        global_batch=np.array([float(row.global_batch) for row in rows]),
        measured=np.log([row.measured_s for row in rows]),
        names=names,
        prior=np.array(prior),
        spread=np.array(spread),
        caps=np.array(caps),
        index=index,
    )


def predict(problem: Problem, scaled: np.ndarray) -> np.ndarray:
    """Return the logarithm of every row's step time."""
    values = from_scale(scaled, problem.caps)
    machine = machine_from(problem.hardware, {r: values[i] for r, i in problem.index.items()})
    step = step_time(problem.dims, problem.layout, machine, problem.seq_len, problem.global_batch)
    return np.log(step.total_s)


def fit(problem: Problem, weight: np.ndarray, start: np.ndarray, most: int) -> np.ndarray:
    """Return the scaled parameters that fit the rows of weight 1."""

    def residuals(scaled: np.ndarray) -> np.ndarray:
        off = (predict(problem, scaled) - problem.measured) / TOLERANCE
        # Squares up to the tolerance, linear beyond it.
        bent = np.sign(off) * np.sqrt(2.0 * (np.sqrt(1.0 + off * off) - 1.0))
        return np.concatenate([bent * weight, (scaled - problem.prior) / problem.spread])

    return least_squares(residuals, start, max_nfev=most).x


def _left_out(job: tuple[list[Row], np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    rows, labels, wanted, start = job
    problem = pose(rows)
    found = np.full(len(rows), np.nan)
    for label in wanted:
        out = labels == label
        found[out] = predict(problem, fit(problem, 1.0 - out, start, 8))[out]
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
    ratio = np.exp(problem.measured - predicted)
    keys: dict[str, list[int]] = {}
    for i, row in enumerate(problem.rows):
        generation = setting_of(row).generation
        for key in ("all", row.kind, f"{row.kind}|{generation}"):
            keys.setdefault(key, []).append(i)
    return {
        key: [len(rows), *np.quantile(ratio[rows], [0.1, 0.9]).round(4).tolist()]
        for key, rows in sorted(keys.items())
        if len(rows) >= 15
    }


def summary(problem: Problem, predicted: np.ndarray) -> dict[str, float]:
    """Return the errors in per cent."""
    ape = np.abs(np.expm1(predicted - problem.measured)) * 100.0
    return {
        "rows": len(ape),
        "mean": round(float(ape.mean()), 2),
        "median": round(float(np.median(ape)), 2),
        "p90": round(float(np.quantile(ape, 0.9)), 2),
    }


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
    scaled = fit(problem, np.ones(len(problem.rows)), problem.prior, 60)
    fitted = predict(problem, scaled)
    print("fitted", summary(problem, fitted), file=sys.stderr)
    values = from_scale(scaled, problem.caps)
    content = json.loads(options.output.read_text()) if options.output.exists() else {}
    content["values"] = {
        name: float(f"{value:.5g}")
        for name, value in sorted(zip(problem.names, values.tolist(), strict=True))
        if not name.endswith(":none")
    }
    content["fitted"] = summary(problem, fitted)
    content["neighbours"] = neighbours(problem.rows)
    content["newest_year"] = round(max(row.stack.year for row in problem.rows), 3)
    if not options.quick:
        folds = np.random.default_rng(0).integers(0, FOLDS, len(problem.rows))
        near = cross_validate(problem, folds, scaled, options.workers)
        print("rows left out", summary(problem, near), file=sys.stderr)
        models = np.array([row.arch.name for row in problem.rows])
        far = cross_validate(problem, models, scaled, options.workers)
        print("models left out", summary(problem, far), file=sys.stderr)
        content["rows_left_out"] = summary(problem, near)
        content["models_left_out"] = summary(problem, far)
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
