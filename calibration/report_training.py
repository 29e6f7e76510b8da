"""Write the page that shows how far the training-step model lies from measured steps.

    uv run python calibration/report_training.py STEPS.csv ROWS.csv --mlperf MLPERF.csv

ROWS.csv is what ``fit_training.py --rows`` wrote: each row's fit and its two cross-validated
predictions. A constant utilisation for each accelerator, recipe and kind of model, fitted on the
same rows, stands beside the model, as that is what one would otherwise use.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from fit_training import read  # beside this script

from gigawatt.compute.training.setting import peak_flops
from gigawatt.compute.work import training_flop_per_token
from gigawatt.validation.training_rows import Row, setting_of

if TYPE_CHECKING:
    from collections.abc import Callable

OUTPUT = Path(__file__).parents[1] / "docs/concepts/training-accuracy.md"
SCALES = ((8, "up to 8"), (64, "9 to 64"), (512, "65 to 512"), (10**9, "above 512"))

WORDS = """\
# How accurate the training-step model is

Each row of this page is a published training step: model, accelerator, count, batch, sequence and
layout as its source states them; only the time is predicted. Errors are absolute, in per cent of the
measured time. *Fitted* is the committed calibration on the rows it was fitted to; *rows left out*
predicts each row by a fit without a random tenth of the rows; *models left out* by a fit that never
saw any row of the row's model. *Constant utilisation* takes one share of the peak for each
accelerator, recipe and dense or mixture-of-experts models: what one would do without a model.

The fit has {parameters} parameters for {rows} rows, each with a physical meaning and a value expected
beforehand (`gigawatt.compute.training.parameters`); none depends on a model or a source. To repeat
it: `uv run python calibration/fit_training.py STEPS.csv --mlperf MLPERF.csv --rows rows.csv`, then
`uv run python calibration/report_training.py STEPS.csv rows.csv --mlperf MLPERF.csv`.
"""

DISCUSSION = """\
## Why the worst rows are the worst

- **Releases that were immature or broken.** DeepSeek-V3 on GB200 in a release of May 2025 took 2.4
  times what it took four months later in the same layout; GPT-OSS lost 40 % between two releases of
  one month. A software date cannot know that. They stay in the fit and in the bands.
- **Small micro-batches of small experts.** Where the host launches hundreds of small kernels for each
  layer, the time depends on whether graphs were captured, which the sources do not state. The model
  knows it by kind of system and date only.
- **Whether attention of a new kind has a fused kernel yet.** GPT-OSS has attention sinks; before
  kernels supported them its layers were slower than any model of shapes can say.
- **Unstated micro-batches and memory pressure.** TinyLlama states no micro-batch; the largest models
  that just fit run garbage collection and retries.
- **ZeRO over a thousand ranks** in InternEvo broadcasts parameters rank by rank, which scales worse
  than the ring assumed here.

## Where it must not be trusted

Accelerators without any measured step take the parameters of their forebear and a wider band; each
answer says so. Fine-tuning on packed short documents, hybrids with state-space layers, and systems of
more than 16,384 accelerators rest on few rows or none.
"""


def main() -> None:
    """Read both tables and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("steps", type=Path)
    parser.add_argument("--mlperf", type=Path)
    parser.add_argument("rows", type=Path)
    options = parser.parse_args()
    with options.rows.open(encoding="utf-8") as handle:
        predicted = {r["id"]: r for r in csv.DictReader(handle)}
    cases = [c for c in read(options.steps, options.mlperf) if c.id in predicted]
    errors = {
        "constant utilisation": _constant(cases),
        "fitted": _errors(cases, predicted, "fitted_s"),
        "rows left out": _errors(cases, predicted, "row_left_out_s"),
        "models left out": _errors(cases, predicted, "model_left_out_s"),
    }
    parts = [
        WORDS.format(rows=len(cases), parameters=_parameters()),
        "## Over all rows\n\n" + _overall(errors),
        *(
            f"## By {name}\n\n{_grouped(cases, errors, key)}"
            for name, key in (
                ("accelerator", lambda c: c.chip),
                ("recipe", lambda c: c.precision),
                ("number of accelerators", _scale),
                ("kind of model", lambda c: "dense" if c.kind == "dense" else "mixture of experts"),
                ("software", lambda c: c.stack.family.name),
            )
        ),
        "## The ten worst rows\n\n" + _worst(cases, errors["fitted"], predicted),
        DISCUSSION,
    ]
    OUTPUT.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def _parameters() -> int:
    from gigawatt.compute.training.calibration import load  # noqa: PLC0415

    return len(load()["values"])


def _errors(cases: list[Row], predicted: dict[str, dict[str, str]], column: str) -> np.ndarray:
    times = np.array([float(predicted[c.id][column]) for c in cases])
    return (times / np.array([c.measured_s for c in cases]) - 1.0) * 100.0


def _constant(cases: list[Row]) -> np.ndarray:
    ideal = []
    for case in cases:
        flop = training_flop_per_token(case.arch, case.seq_len) * case.seq_len * case.global_batch
        flop *= 1.0 if case.trained_share else 2.0 / 3.0
        peak = peak_flops(setting_of(case).chip, case.precision)
        ideal.append(flop / peak / case.accelerators)
    share = np.array(ideal) / np.array([c.measured_s for c in cases])
    groups = np.array([f"{c.chip} {c.precision} {c.kind}" for c in cases])
    typical = np.array([np.median(share[groups == group]) for group in groups])
    return (share / typical - 1.0) * 100.0


def _scale(case: Row) -> str:
    return next(name for most, name in SCALES if case.accelerators <= most)


def _overall(errors: dict[str, np.ndarray]) -> str:
    lines = ["| prediction | mean | median | P90 |", "|---|---|---|---|"]
    for name, off in errors.items():
        ape = np.abs(off)
        lines.append(
            f"| {name} | {ape.mean():.1f} % | {np.median(ape):.1f} % "
            f"| {np.quantile(ape, 0.9):.1f} % |"
        )
    return "\n".join(lines)


def _grouped(cases: list[Row], errors: dict[str, np.ndarray], key: Callable[[Row], str]) -> str:
    names = np.array([key(case) for case in cases])
    head = "| | rows | " + " | ".join(f"{n}: median, P90" for n in errors) + " |"
    lines = [head, "|---" * (len(errors) + 2) + "|"]
    order = [name for _, name in SCALES] if names[0] in dict(SCALES).values() else []
    for name in order or sorted(set(names.tolist())):
        own = names == name
        cells = []
        for off in errors.values():
            ape = np.abs(off[own])
            cells.append(f"{np.median(ape):.1f}, {np.quantile(ape, 0.9):.1f}")
        lines.append(f"| {name} | {own.sum()} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _worst(cases: list[Row], off: np.ndarray, predicted: dict[str, dict[str, str]]) -> str:
    lines = [
        "| model | accelerators | layout | recipe | software | measured | fitted | error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for i in np.argsort(-np.abs(off))[:10]:
        case, fitted = cases[i], float(predicted[cases[i].id]["fitted_s"])
        degrees = " ".join(
            f"{name}{case.layout[name]}"
            for name in ("tp", "pp", "cp", "ep", "dp")
            if case.layout[name] > 1
        )
        lines.append(
            f"| {case.model} | {case.accelerators} x {case.chip} | {degrees} | {case.precision} "
            f"| {case.stack.name} | {case.measured_s:.3g} s | {fitted:.3g} s | {off[i]:+.0f} % |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
