"""Fit the parameters of the serving model to measured points and write its ``calibration.json``.

    uv run python calibration/fit_serving.py SERVING.csv

The rows are those of a table with the columns of ``gigawatt validate serving``: instances under a
constant number of requests. A row counts with its time per token, its time to the first token and,
offline, its throughput, each with its relative error: the measure in which the model is judged. Of
separate instances those that answer count with their time per token, a step that only decodes, at
the load that Little's law gives, and those that read with the prompts that pass them: they
must read more, the shorter the line of prompts. Where requests arrive at a stated rate, Little's
law gives the load too. What passing a request on takes is found last: it makes their time to
the first token right in the middle of relative errors. No other wait of prompts is fitted.
Points that differ in nothing stated, but half in time, are common (speculation, prefix caches), and
that measure leans to the faster. See ``fit_training.py`` for the method.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from fitting import Parameters, fit, lay_out, quantiles, summary  # beside this script

from gigawatt.compute.dims import Dims, stack_dims
from gigawatt.compute.hosting.calibration import Hardware, Server, hardware_of, server_from
from gigawatt.compute.hosting.disaggregated import answering
from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.parameters import ROLES
from gigawatt.compute.hosting.steady import CHUNK_TOKENS, Mix, steady_state
from gigawatt.compute.hosting.step import Split, Work, step_parts
from gigawatt.validation import serving_recipes, serving_rows
from gigawatt.validation.serving_arrivals import (
    ArrivalRow,
    at_rate,
    is_arrival,
    read_arrival_row,
)
from gigawatt.validation.serving_disaggregated import (
    DividedRow,
    divided,
    is_divided,
    read_divided_row,
)
from gigawatt.validation.serving_rows import MOST_SEQUENCES, ServingRow, read_serving_row
from gigawatt.validation.serving_steps import median_step_s
from gigawatt.validation.training import filled, read_table

TOLERANCE = {"tpot": 0.07, "ttft": 0.10, "rate": 0.10, "prompts": 0.02}
"""Relative error at which a measurement begins to count as an outlier."""
FOLDS = 10
OUTPUT = Path(__file__).parents[1] / "src/gigawatt/compute/hosting/calibration.json"


@dataclass(frozen=True)
class Point(ServingRow):
    """A row, or one kind of the instances of a divided system.

    `task` is ``both``, ``arrivals``, ``answers`` or ``reads``; an instance that reads must read
    `prompts_per_s` at least.
    """

    task: str = "both"
    prompts_per_s: float = 0.0


@dataclass
class Problem:
    """Everything that a prediction of all rows needs, with the parameters left open."""

    rows: list[Point]
    dims: Dims
    split: Split
    hardware: Hardware
    mix: Mix
    concurrency: np.ndarray
    places: np.ndarray
    together: np.ndarray
    median: np.ndarray
    task: np.ndarray
    output_spread: np.ndarray
    measured: dict[str, np.ndarray]
    parameters: Parameters


def pose(rows: list[Point]) -> Problem:
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
        drafted=np.array([r.drafted for r in rows]),
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
        task=np.array([r.task for r in rows]),
        output_spread=np.array([r.output_spread for r in rows]),
        measured={
            "tpot": np.array([r.tpot_s for r in rows]),
            "ttft": np.array([r.ttft_s for r in rows]),
            "rate": np.array([r.tokens_per_s_per_chip for r in rows]),
            "prompts": np.array([r.prompts_per_s for r in rows]),
        },
        parameters=lay_out(ROLES.values(), settings, {}),
    )


def predict(problem: Problem, scaled: np.ndarray) -> dict[str, np.ndarray]:
    """Return every row's time per token, time to the first token, tokens/s of a chip, and prompts.

    Rows that ask for different things are worked out apart, and those that draft, as that is slow.
    """
    server = server_from(problem.hardware, problem.parameters.values(scaled))
    known = server.together(problem.together)
    waves = np.where(np.isnan(problem.together), server.waves, known)
    mix = replace(problem.mix, accepted=server.gained(problem.mix.drafted))
    whole = (problem.dims, problem.split, replace(server, waves=waves), mix)
    found = {name: np.full(len(problem.rows), np.nan) for name in TOLERANCE}
    drafted, full = problem.mix.drafted > 0, np.isin(problem.task, ("both", "arrivals"))
    for drafts in (False, True):
        at = np.flatnonzero(full & (drafted == drafts))
        if at.size:
            machine, load = chosen(whole, at), problem.concurrency[at]
            state = steady_state(*machine, load, problem.places[at])
            found["tpot"][at], found["ttft"][at] = state.tpot_s, state.ttft_s
            found["rate"][at] = state.output_tokens_per_s / machine[1].accelerators
        at = np.flatnonzero((problem.task == "answers") & (drafted == drafts))
        if at.size:
            machine = chosen(whole, at)
            step_s = answering(*machine, problem.concurrency[at]).step_s
            found["tpot"][at] = step_s / machine[3].accepted
    at = np.flatnonzero(problem.median)
    if at.size:
        load = (problem.concurrency[at], problem.places[at], problem.output_spread[at])
        found["tpot"][at] = median_step_s(*chosen(whole, at), *load)
    at = np.flatnonzero(problem.task == "reads")
    if at.size:
        found["prompts"][at] = most_read(*chosen(whole, at))
    return found


def chosen(value: Any, at: np.ndarray) -> Any:  # noqa: ANN401  arrays, or what holds them
    """Return the rows `at` of every array in a value, however deep."""
    if isinstance(value, np.ndarray):
        return value[at] if value.shape else value
    if isinstance(value, tuple):
        return tuple(chosen(one, at) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in fields(value) if f.init]
        return replace(value, **{name: chosen(getattr(value, name), at) for name in names})
    return value


def most_read(dims: Dims, split: Split, server: Server, mix: Mix) -> np.ndarray:
    """Return the prompts that instances read in a second where every step is full."""
    held = np.maximum(CHUNK_TOKENS / mix.input_tokens, 1.0)
    chunk = np.minimum(mix.input_tokens, CHUNK_TOKENS)
    work = Work(
        sequences=0.0 * held,
        context=mix.context,
        prompt_tokens=held * chunk,
        prompt_context=0.5 * mix.input_tokens,
        speaking=held,
    )
    step_s = step_parts(dims, split, work, server.engine, server.fabric).total_s
    return held * split.attn_dp * split.pp * chunk / mix.input_tokens / step_s


def log_errors(problem: Problem, scaled: np.ndarray) -> dict[str, np.ndarray]:
    """Return the logarithm of predicted over measured, NaN where nothing was measured.

    Of the prompts that an instance reads the least is known, so only what falls short counts.
    """
    predicted = predict(problem, scaled)
    found = {
        name: np.where(measured > 0, np.log(predicted[name] / np.maximum(measured, 1e-12)), np.nan)
        for name, measured in problem.measured.items()
    }
    found["prompts"] = np.minimum(found["prompts"], 0.0)
    return found


def solve(problem: Problem, weight: np.ndarray, start: np.ndarray, most: int) -> np.ndarray:
    """Return the scaled parameters that fit the rows of weight 1."""

    def errors(scaled: np.ndarray) -> np.ndarray:
        off = log_errors(problem, scaled)
        return np.concatenate([np.nan_to_num(np.expm1(off[k]) / TOLERANCE[k]) for k in off])

    return fit(problem.parameters, errors, np.tile(weight, len(TOLERANCE)), start, most)


def _left_out(job: tuple[list[Point], np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    rows, labels, wanted, start = job
    problem = pose(rows)
    found = np.full((len(TOLERANCE), len(rows)), np.nan)
    for label in wanted:
        out = labels == label
        off = log_errors(problem, solve(problem, 1.0 - out, start, 4))
        found[:, out] = np.array([off[k][out] for k in off])
    return found


def cross_validate(
    problem: Problem, labels: np.ndarray, start: np.ndarray, workers: int
) -> np.ndarray:
    """Return each row's errors by a fit without the rows of its label."""
    every = np.unique(labels)
    jobs = [(problem.rows, labels, every[i::workers], start) for i in range(workers)]
    total = np.full((len(TOLERANCE), len(problem.rows)), np.nan)
    with ProcessPoolExecutor(workers) as pool:
        for part in pool.map(_left_out, jobs):
            total = np.where(np.isnan(total), part, total)
    return total


def scores(problem: Problem, off: np.ndarray) -> dict[str, Any]:
    """Return the errors of each quantity."""
    found = {}
    for name, errors in zip(problem.measured, off, strict=True):
        for task in ("both", "arrivals", "answers", "reads"):
            known = errors[(problem.task == task) & ~np.isnan(errors)]
            if known.size:
                found[name if task == "both" else f"{name}, {task}"] = summary(known)
    return found


def bands(problem: Problem, off: np.ndarray) -> dict[str, Any]:
    """Return the bands of each quantity by kind of model and generation."""
    found = {}
    for name, errors in zip(problem.measured, off, strict=True):
        rows = np.flatnonzero(~np.isnan(errors) & (problem.task == "both"))
        if not rows.size:
            continue
        groups = []
        for i in rows:
            row = problem.rows[i]
            groups.append(("all", row.kind, f"{row.kind}|{row.setting.generation}"))
        found[name] = quantiles(errors[rows], groups)
    return found


def read(path: Path) -> tuple[list[Point], list[DividedRow]]:
    """Return the rows that can be predicted, and divided systems; the former have their parts."""
    found: list[Point] = []
    systems: list[DividedRow] = []
    table = filled(read_table(path), serving_rows.COLUMNS)
    for i, row in enumerate(serving_recipes.with_copies(table)):
        if is_arrival(row):
            found += arriving_points(read_arrival_row(row, i))
        elif not is_divided(row):
            one = read_serving_row(row, i)
            if isinstance(one, ServingRow):
                found.append(point_of(one))
        elif "DUPLICATE" not in row["notes"]:
            case = read_divided_row(row, i)
            if isinstance(case, DividedRow) and case.ttft_s and case.tpot_s:
                found += divided_points(case)
                systems.append(case)
    return found, systems


def point_of(row: ServingRow) -> Point:
    """Return a row as a point of the fit."""
    return Point(**{f.name: getattr(row, f.name) for f in fields(row)})


def arriving_points(case: ArrivalRow | str) -> list[Point]:
    """Return an instance at which requests arrive by chance, at the load of Little's law."""
    if isinstance(case, str) or at_rate(case) is None:
        return []
    row = case.serving
    load = case.requests_per_s * (row.ttft_s + row.output_tokens * row.tpot_s)
    return [replace(point_of(row), concurrency=load, together_share=0.0, task="arrivals")]


def divided_points(case: DividedRow) -> list[Point]:
    """Return an instance that answers and one that reads, at the load that Little's law gives."""
    answer_s = case.output_tokens * case.tpot_s
    whole_s = case.ttft_s + answer_s
    common: dict[str, Any] = {
        "id": case.id,
        "model": case.arch.name,
        "kind": case.arch.kind,
        "group": f"{case.setting.software} {case.setting.chip.id}",
        "arch": case.arch,
        "setting": case.setting,
        "input_tokens": case.input_tokens,
        "output_tokens": case.output_tokens,
        "drafted": case.drafted,
        "ttft_s": 0.0,
        "tokens_per_s_per_chip": 0.0,
    }
    answered = case.concurrency * answer_s / whole_s / case.writers
    passed = case.concurrency / whole_s / case.readers
    # A line of n prompts at a server with constant service keeps it busy for so much of the time.
    line = passed * case.ttft_s
    prompts = passed / (np.sqrt(line * line + 2.0 * line) - line)
    writer = {"split": case.writing, "concurrency": answered, "tpot_s": case.tpot_s}
    reader = {"split": case.reading, "concurrency": 1.0, "tpot_s": 0.0, "prompts_per_s": prompts}
    return [
        Point(**common, **writer, task="answers"),
        Point(**common, **reader, task="reads"),
    ]


def hand_overs(cases: list[DividedRow], values: dict[str, float]) -> dict[str, float]:
    """Return what handing a request over takes with each engine [s].

    The sum of relative errors is least at a median of what is missing, weighted by one over what
    was measured.
    """
    free = {k: (1e-9 if k.startswith("hand_over:") else v) for k, v in values.items()}
    missing: dict[str, list[tuple[float, float]]] = {}
    for case in cases:
        found = divided(case, free)
        if found is not None and case.ttft_s:
            one = (case.ttft_s - found.ttft_s, 1.0 / case.ttft_s)
            missing.setdefault(case.setting.software, []).append(one)
    result = {}
    for software, pairs in missing.items():
        gap, weight = np.array(sorted(pairs)).T
        middle = np.searchsorted(np.cumsum(weight), 0.5 * weight.sum())
        result[f"hand_over:{software}"] = float(f"{max(gap[middle], 1e-4):.5g}")
    return result


def main() -> None:
    """Fit, cross-validate, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("measurements", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--quick", action="store_true", help="fit only, keep the bands")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    rows, systems = read(options.measurements)
    problem = pose(rows)
    scaled = solve(problem, np.ones(len(problem.rows)), problem.parameters.prior, 40)
    fitted = np.array(list(log_errors(problem, scaled).values()))
    print("fitted", scores(problem, fitted), file=sys.stderr)
    content = json.loads(options.output.read_text()) if options.output.exists() else {}
    content["values"] = problem.parameters.named(scaled)
    content["values"] |= hand_overs(systems, content["values"])
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
