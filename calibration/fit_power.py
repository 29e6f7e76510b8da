"""Fit the parameters of the power model to measured power and write ``calibration.json``.

    uv run python calibration/fit_power.py POWER.csv TRAINING.csv CLUSTER.csv WALL.csv

The tables are those of ``gigawatt validate power``. Parameters are fitted together, by least squares
on the logarithm of the power, with the priors of `gigawatt.site.power.parameters` as further
residuals and a loss that grows only linearly for outliers. Two cross-validations give the residuals
that bands are learnt from: cases left out at random, and whole subjects (a model or benchmark, on
all hardware) left out. Takes about five minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from fitting import Parameters, fit, lay_out, quantiles, summary  # beside this script

from gigawatt.site.power.parameters import HOST_ROLES, ROLES, TASK_ROLES
from gigawatt.validation.power import read_cases
from gigawatt.validation.power_cases import lay_out_cases, powers_w, setting_of

if TYPE_CHECKING:
    from gigawatt.validation.power_cases import Case

TOLERANCE = 0.06
"""Relative error at which a case begins to count as an outlier."""
FOLDS = 10
OUTPUT = Path(__file__).parents[1] / "src/gigawatt/site/power/calibration.json"


class Problem:
    """All cases with the parameters left open."""

    def __init__(self, cases: list[Case]) -> None:
        self.cases = cases
        self.laid = lay_out_cases(cases)
        roles = (*ROLES.values(), *HOST_ROLES.values(), *TASK_ROLES.values())
        unused = {role.name: 0.01 for role in roles}
        self.parameters: Parameters = lay_out(roles, [setting_of(case) for case in cases], unused)
        self.measured = np.log([case.measured_w for case in cases])
        # Cases that repeat one measurement (runs of a benchmark on a system) count as its root.
        same = Counter(self._label(case) for case in cases)
        self.weight = np.array([same[self._label(case)] ** -0.25 for case in cases])

    @staticmethod
    def _label(case: Case) -> tuple[Any, ...]:
        if case.scope == "gpu":
            return (case.id,)
        return (case.subject, case.scope, case.statistic, case.accelerators, case.cooling)

    def predict(self, scaled: np.ndarray) -> np.ndarray:
        """Return the logarithm of every case's power."""
        return np.log(powers_w(self.laid, self.parameters.values(scaled)))

    def solve(self, used: np.ndarray, start: np.ndarray, most: int) -> np.ndarray:
        """Return the scaled parameters that fit the cases in use."""

        def errors(scaled: np.ndarray) -> np.ndarray:
            return (self.predict(scaled) - self.measured) / TOLERANCE

        return fit(self.parameters, errors, used * self.weight, start, most)

    def cross_validate(self, labels: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Return each case's prediction by a fit without the cases of its label."""
        found = np.full(len(self.cases), np.nan)
        for label in np.unique(labels):
            out = labels == label
            found[out] = self.predict(self.solve(1.0 * ~out, start, 8))[out]
        return found


def scores(problem: Problem, predicted: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the errors in per cent, by scope."""
    off = predicted - problem.measured
    groups = np.array([case.group for case in problem.cases])
    return {"all": summary(off)} | {
        str(name): summary(off[groups == name]) for name in np.unique(groups)
    }


def bands(problem: Problem, predicted: np.ndarray) -> dict[str, list[float]]:
    """Return P10 and P90 of measured over predicted, by scope and kind or statistic."""
    return quantiles(
        predicted - problem.measured, [(c.group.lower(), c.band) for c in problem.cases]
    )


def main() -> None:
    """Fit, cross-validate, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--quick", action="store_true", help="fit only, keep the bands")
    options = parser.parse_args()
    rows = [found for path in options.tables for found in read_cases(path)]
    problem = Problem([case for found in rows if not isinstance(found, str) for case in found])
    scaled = problem.solve(np.ones(len(problem.cases)), problem.parameters.prior, 60)
    fitted = problem.predict(scaled)
    print("fitted", json.dumps(scores(problem, fitted)), file=sys.stderr)
    content = json.loads(options.output.read_text()) if options.output.exists() else {}
    content["values"] = problem.parameters.named(scaled)
    content["fitted"] = scores(problem, fitted)
    content["neighbours"] = sorted({(c.subject, c.generation) for c in problem.cases})
    if not options.quick:
        folds = np.random.default_rng(0).integers(0, FOLDS, len(problem.cases))
        near = problem.cross_validate(folds, scaled)
        print("cases left out", json.dumps(scores(problem, near)), file=sys.stderr)
        subjects = np.array([case.subject for case in problem.cases])
        far = problem.cross_validate(subjects, scaled)
        print("subjects left out", json.dumps(scores(problem, far)), file=sys.stderr)
        content["cases_left_out"], content["subjects_left_out"] = (
            scores(problem, near),
            scores(problem, far),
        )
        content["bands"] = {"near": bands(problem, near), "far": bands(problem, far)}
    options.output.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
