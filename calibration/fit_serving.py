"""Fit the parameters of the serving model to measured points and write its ``calibration.json``.

    uv run python calibration/fit_serving.py SERVING.csv

The rows are those of a table with the columns of ``gigawatt validate serving``: instances under a
constant number of requests. A row counts with its time per token, its time to the first token and,
offline, its throughput, each with its relative error: the measure in which the model is judged.
Points that differ in nothing stated, but half in time, are common (speculation, prefix caches), and
that measure leans to the faster. See ``fit_training.py`` for the method.
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
from gigawatt.compute.hosting.calibration import Hardware, hardware_of, server_from
from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.parameters import ROLES
from gigawatt.compute.hosting.steady import Mix, steady_state
from gigawatt.compute.hosting.step import Split
from gigawatt.validation.serving_rows import MOST_SEQUENCES, ServingRow, read_serving_row
from gigawatt.validation.serving_steps import median_step_s

TOLERANCE = {"tpot": 0.07, "ttft": 0.15, "rate": 0.10}
"""Relative error at which a measurement begins to count as an outlier."""
FOLDS = 10
OUTPUT = Path(__file__).parents[1] / "src/gigawatt/compute/hosting/calibration.json"


@dataclass
class Problem:
    """Everything that a prediction of all rows needs, with the parameters left open."""

    rows: list[ServingRow]
    dims: Dims
    split: Split
    hardware: Hardware
    mix: Mix
    concurrency: np.ndarray
    places: np.ndarray
    together: np.ndarray
    median: np.ndarray
    output_spread: np.ndarray
    measured: dict[str, np.ndarray]
    parameters: Parameters


def pose(rows: list[ServingRow]) -> Problem:
    """Lay out rows and parameters as arrays."""
    settings = [row.setting for row in rows]
    dims = stack_dims([row.arch for row in rows])
    split = Split(
        **{k: np.array([float(r.split[k]) for r in rows]) for k in ("tp", "attn_dp", "pp", "ep")}
    )
    hardware = hardware_of(settings)
    mix = Mix(
        input_tokens=np.array([r.input_tokens for r in rows]),
        output_tokens=np.array([r.output_tokens for r in rows]),
    )
    formats = (hardware.weight_bytes, hardware.cache_bytes)
    places = sequences_that_fit(dims, split, formats, hardware.capacity_gb, mix.context)
    asked = np.array([r.concurrency for r in rows])
    offline = np.minimum(places, MOST_SEQUENCES) * split.attn_dp
    return Problem(
        rows=rows,
        dims=dims,
        split=split,
        hardware=hardware,
        mix=mix,
        concurrency=np.where(asked > 0, asked, offline),
        places=np.maximum(places, 1.0),
        together=np.array([r.together_share for r in rows]),
        median=np.array([r.median_step for r in rows]),
        output_spread=np.array([r.output_spread for r in rows]),
        measured={
            "tpot": np.array([r.tpot_s for r in rows]),
            "ttft": np.array([r.ttft_s for r in rows]),
            "rate": np.array([r.tokens_per_s_per_chip for r in rows]),
        },
        parameters=lay_out(ROLES.values(), settings, {}),
    )


def predict(problem: Problem, scaled: np.ndarray) -> dict[str, np.ndarray]:
    """Return every row's time per token, time to the first token and tokens/s of a chip."""
    server = server_from(problem.hardware, problem.parameters.values(scaled))
    waves = np.where(np.isnan(problem.together), server.waves, problem.together)
    machine = (problem.dims, problem.split, replace(server, waves=waves), problem.mix)
    found = steady_state(*machine, problem.concurrency, problem.places)
    step_s = median_step_s(*machine, problem.concurrency, problem.places, problem.output_spread)
    rate = found.output_tokens_per_s / problem.split.accelerators
    tpot = np.where(problem.median, step_s, found.tpot_s)
    return {"tpot": tpot, "ttft": found.ttft_s, "rate": rate}


def log_errors(problem: Problem, scaled: np.ndarray) -> dict[str, np.ndarray]:
    """Return the logarithm of predicted over measured, NaN where nothing was measured."""
    predicted = predict(problem, scaled)
    return {
        name: np.where(measured > 0, np.log(predicted[name] / np.maximum(measured, 1e-12)), np.nan)
        for name, measured in problem.measured.items()
    }


def solve(problem: Problem, weight: np.ndarray, start: np.ndarray, most: int) -> np.ndarray:
    """Return the scaled parameters that fit the rows of weight 1."""

    def errors(scaled: np.ndarray) -> np.ndarray:
        off = log_errors(problem, scaled)
        return np.concatenate([np.nan_to_num(np.expm1(off[k]) / TOLERANCE[k]) for k in off])

    return fit(problem.parameters, errors, np.tile(weight, 3), start, most)


def _left_out(job: tuple[list[ServingRow], np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    rows, labels, wanted, start = job
    problem = pose(rows)
    found = np.full((3, len(rows)), np.nan)
    for label in wanted:
        out = labels == label
        off = log_errors(problem, solve(problem, 1.0 - out, start, 6))
        found[:, out] = np.array([off[k][out] for k in off])
    return found


def cross_validate(
    problem: Problem, labels: np.ndarray, start: np.ndarray, workers: int
) -> np.ndarray:
    """Return each row's errors by a fit without the rows of its label."""
    every = np.unique(labels)
    jobs = [(problem.rows, labels, every[i::workers], start) for i in range(workers)]
    total = np.full((3, len(problem.rows)), np.nan)
    with ProcessPoolExecutor(workers) as pool:
        for part in pool.map(_left_out, jobs):
            total = np.where(np.isnan(total), part, total)
    return total


def scores(problem: Problem, off: np.ndarray) -> dict[str, Any]:
    """Return the errors of each quantity."""
    return {k: summary(e[~np.isnan(e)]) for k, e in zip(problem.measured, off, strict=True)}


def bands(problem: Problem, off: np.ndarray) -> dict[str, Any]:
    """Return the bands of each quantity by kind of model and generation."""
    found = {}
    for name, errors in zip(problem.measured, off, strict=True):
        rows = [i for i in range(len(problem.rows)) if not np.isnan(errors[i])]
        groups = []
        for i in rows:
            row = problem.rows[i]
            groups.append(("all", row.kind, f"{row.kind}|{row.setting.generation}"))
        found[name] = quantiles(errors[rows], groups)
    return found


def read(path: Path) -> list[ServingRow]:
    """Return the rows that can be predicted."""
    with path.open(encoding="utf-8") as handle:
        found = [read_serving_row(row, i) for i, row in enumerate(csv.DictReader(handle))]
    return [row for row in found if isinstance(row, ServingRow)]


def main() -> None:
    """Fit, cross-validate, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("measurements", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--quick", action="store_true", help="fit only, keep the bands")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    problem = pose(read(options.measurements))
    scaled = solve(problem, np.ones(len(problem.rows)), problem.parameters.prior, 40)
    fitted = np.array(list(log_errors(problem, scaled).values()))
    print("fitted", scores(problem, fitted), file=sys.stderr)
    content = json.loads(options.output.read_text()) if options.output.exists() else {}
    content["values"] = problem.parameters.named(scaled)
    content["fitted"] = scores(problem, fitted)
    met = {(row.arch.name, row.setting.generation) for row in problem.rows}
    content["neighbours"] = sorted(list(pair) for pair in met)
    content["newest_year"] = round(max(row.setting.year for row in problem.rows), 3)
    if not options.quick:
        folds = np.random.default_rng(0).integers(0, FOLDS, len(problem.rows))
        near = cross_validate(problem, folds, scaled, options.workers)
        print("rows left out", scores(problem, near), file=sys.stderr)
        models = np.array([row.arch.name for row in problem.rows])
        far = cross_validate(problem, models, scaled, options.workers)
        print("models left out", scores(problem, far), file=sys.stderr)
        content["rows_left_out"] = scores(problem, near)
        content["models_left_out"] = scores(problem, far)
        content["bands"] = {"near": bands(problem, near), "far": bands(problem, far)}
    options.output.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
