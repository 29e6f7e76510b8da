"""Fit what MLPerf Inference submissions sustain beside public points; write ``mlperf.json``.

    uv run python calibration/fit_mlperf_inference.py MLPERF_INFERENCE.csv

It starts from the committed ``calibration.json``; repeat it whenever that one changes. Submissions
of the same benchmark on the same hardware count as one, with the root of their number. The layout
is the best for the parameters at hand, and chosen anew a few times.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from fitting import Parameters, fit, lay_out, quantiles, summary  # beside this script

from gigawatt.compute.learnt import to_scale
from gigawatt.validation import mlperf_tuning
from gigawatt.validation.mlperf_inference_rows import (
    Cases,
    InferenceRow,
    best_rates,
    cases_of,
    rates,
    read_inference_row,
)
from gigawatt.validation.training import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLERANCE = 0.12
"""Relative error at which a submission begins to count as an outlier."""
WORST = 2.0
"""Largest logarithmic error that counts: that of submissions whose limits no layout keeps."""
FOLDS = 8
OUTPUT = Path(__file__).parents[1] / "src/gigawatt/compute/hosting/mlperf.json"


@dataclass
class Problem:
    """Submissions of which each stands for all that are alike, with the parameters left open."""

    rows: list[InferenceRow]
    weight: np.ndarray
    watts: dict[str, float]
    parameters: Parameters


def usual_watts(rows: Sequence[InferenceRow]) -> dict[str, float]:
    """Return the watts to each FLOP/s of each generation and format: the mean logarithm."""
    found: dict[str, list[float]] = {}
    for row in rows:
        setting = row.serving.setting
        each = mlperf_tuning.watts_per_flops(setting)
        found.setdefault(mlperf_tuning.power_key(setting), []).append(each)
    return {key: float(f"{np.exp(np.log(v).mean()):.5g}") for key, v in sorted(found.items())}


def pose(rows: Sequence[InferenceRow], watts: dict[str, float]) -> Problem:
    """Take one of all submissions that are alike, the one of median throughput."""
    alike: dict[tuple[Any, ...], list[InferenceRow]] = {}
    for row in rows:
        s = row.serving.setting
        system = (s.chip.id, s.weights, s.software, s.year, s.power_share, row.accelerators)
        alike.setdefault((row.benchmark, row.scenario, *system), []).append(row)
    middle = [
        sorted(group, key=lambda r: r.serving.tokens_per_s_per_chip)[len(group) // 2]
        for group in alike.values()
    ]
    weight = np.sqrt([len(group) for group in alike.values()])
    return Problem(middle, weight, watts, lay_out(mlperf_tuning.ROLES.values(), middle, {}))


def log_errors(rows: Sequence[InferenceRow], predicted: np.ndarray) -> np.ndarray:
    """Return the logarithm of predicted over measured."""
    measured = np.array([row.serving.tokens_per_s_per_chip for row in rows])
    off: np.ndarray = np.clip(np.log(np.maximum(predicted, 1e-9) / measured), -WORST, WORST)
    return off


def solve(problem: Problem, known: dict[str, float], rounds: int) -> np.ndarray:
    """Return the scaled parameters that fit the submissions, from those that are `known`."""
    p = problem.parameters
    scaled = np.array(
        [
            to_scale(known[name], cap) if name in known else expected
            for name, cap, expected in zip(p.names, p.caps, p.prior, strict=True)
        ]
    )
    every = cases_of(problem.rows, problem.watts)
    for _ in range(rounds):
        _, ways = best_rates(every, problem.parameters.values(scaled))
        chosen = cases_of(problem.rows, problem.watts, ways)

        def errors(scaled: np.ndarray, chosen: Cases = chosen) -> np.ndarray:
            found = rates(chosen, problem.parameters.values(scaled))
            return log_errors(problem.rows, found) / TOLERANCE

        scaled = fit(problem.parameters, errors, problem.weight, scaled, 5)
    return scaled


def predict(
    rows: Sequence[InferenceRow], watts: dict[str, float], known: dict[str, float]
) -> np.ndarray:
    """Return the logarithmic errors of rows by named parameters."""
    found, _ = best_rates(cases_of(rows, watts), mlperf_tuning.tuned_values(rows, known))
    return log_errors(rows, found)


def left_out(
    rows: list[InferenceRow], labels: np.ndarray, watts: dict[str, float], start: dict[str, float]
) -> np.ndarray:
    """Return each row's error by a fit without the rows of its label."""
    found = np.full(len(rows), np.nan)
    for label in np.unique(labels):
        out = labels == label
        problem = pose([row for row, left in zip(rows, out, strict=True) if not left], watts)
        known = problem.parameters.named(solve(problem, start, 1))
        held = [row for row, left in zip(rows, out, strict=True) if left]
        found[out] = predict(held, watts, known)
    return found


def bands(rows: list[InferenceRow], off: np.ndarray, times: int = 1) -> dict[str, list[float]]:
    """Return the bands by kind of model and scenario."""
    groups = [("all", r.scenario, f"{r.serving.kind}|{r.scenario}") for r in rows] * times
    return quantiles(off, groups)


def main() -> None:
    """Fit, cross-validate, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("measurements", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    read = [read_inference_row(row, i) for i, row in enumerate(read_table(options.measurements))]
    rows = [row for row in read if isinstance(row, InferenceRow)]
    watts = usual_watts(rows)
    problem = pose(rows, watts)
    known = problem.parameters.named(solve(problem, {}, 4))
    systems = np.array([row.system for row in rows])
    names, place = np.unique(systems, return_inverse=True)
    folds = np.random.default_rng(0).integers(0, FOLDS, len(names))[place]
    chips = np.array([row.serving.setting.chip.id for row in rows])
    benchmarks = np.array([row.benchmark for row in rows])
    off = {
        "fitted": predict(rows, watts, known),
        "systems_left_out": left_out(rows, folds, watts, known),
        "chips_left_out": left_out(rows, chips, watts, known),
        "benchmarks_left_out": left_out(rows, benchmarks, watts, known),
    }
    far = np.concatenate([off["chips_left_out"], off["benchmarks_left_out"]])
    content = {
        "values": known,
        "watts_per_flops": watts,
        **{name: summary(errors) for name, errors in off.items()},
        "chips": sorted(set(chips.tolist())),
        "benchmarks": sorted(set(benchmarks.tolist())),
        "bands": {"near": bands(rows, off["systems_left_out"]), "far": bands(rows, far, 2)},
    }
    for name, errors in off.items():
        print(name, summary(errors), file=sys.stderr)
    options.output.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
