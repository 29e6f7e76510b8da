"""Ten minutes of twenty jobs at 1 kHz, and a synchronous job held against grids' rules.

    uv run python benchmarks/waveform.py [--model llama-3.1-405b] [--chip gb200] [--count 16384]

The first part times the waveform (goal 1 s) and its measures. The second trains one model in step
on all accelerators and answers, for every specification of the catalogue: does it meet it
unsmoothed, and what is the least costly set of measures with which it does? Timing never decides a
test: this is for people.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.compute.training.plan import plan_training
from gigawatt.errors import NotModelledError
from gigawatt.site.power.calibration import chip_power, host_power
from gigawatt.site.waveform.job import Job
from gigawatt.site.waveform.least_cost import Levers, Plan, Prices, least_cost
from gigawatt.site.waveform.levels import training_levels
from gigawatt.site.waveform.measures import dynamic_range_mw, ramps, spectrum
from gigawatt.site.waveform.render import training_waveform
from gigawatt.site.waveform.specification import Connection, Verdict, check_waveform
from gigawatt.site.waveform.step import step_shape

if TYPE_CHECKING:
    from collections.abc import Callable


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="llama-3.1-405b")
    parser.add_argument("--chip", default="gb200")
    parser.add_argument("--server", default="gb200-nvl72")
    parser.add_argument("--count", type=int, default=16_384)
    parser.add_argument("--usd-per-mwh", type=float, default=50.0)
    parser.add_argument("--short-circuit-mva", type=float, default=10_000.0)
    return parser.parse_args()


def job_of(asked: argparse.Namespace) -> Job:
    """Return the best layout of the model as a job that has been running."""
    plan = plan_training(asked.model, chip=asked.chip, count=asked.count)
    best = plan.best
    shape = step_shape(best.parts, best.layout, plan.global_batch)
    busy = shape.micro_batches * (shape.forward_s + shape.backward_s)
    levels = training_levels(
        chip_power(asked.chip),
        host_power(asked.server),
        flop_share=best.mfu * shape.total_s / busy,
    )
    print(f"{asked.model} on {asked.count:,} {asked.chip}: {best.layout}")
    watts = f"{levels.forward_w:.0f} W busy, {levels.bubble_w:.0f} W waiting"
    print(f"step {shape.total_s:.2f} s, {watts}")
    return Job(
        name=asked.model,
        accelerators=asked.count,
        shape=shape,
        levels=levels,
        start_s=-100.0,
        checkpoint_every=max(round(300.0 / shape.total_s), 1),
        checkpoint_s=5.0,
    )


def timing(job: Job) -> None:
    """Time the waveform of twenty jobs and its measures."""
    jobs = [replace(job, name=str(i), start_s=-100.0 - 0.37 * i) for i in range(20)]
    wave = training_waveform(jobs, 600.0)  # compiles
    calls: dict[str, Callable[[], object]] = {
        "600 s at 1 kHz, 20 jobs": lambda: training_waveform(jobs, 600.0),
        "ramps": lambda: ramps(wave),
        "range within 5 s": lambda: dynamic_range_mw(wave, 5.0),
        "spectrum": lambda: spectrum(wave),
    }
    for name, call in calls.items():
        call()
        begun = time.perf_counter()
        call()
        print(f"{name:28s} {time.perf_counter() - begun:7.3f} s")


def told(verdict: Verdict) -> str:
    """Return the limits of a verdict in one line."""
    return "; ".join(
        f"{c.limit} {c.found:.3g} of {c.allowed:.3g} {c.unit}{'' if c.passed else ' (broken)'}"
        for c in verdict.checks
    )


def answer(job: Job, asked: argparse.Namespace) -> None:
    """Hold the job against every specification, as it is and with the least costly measures."""
    plain = training_waveform([job], 1200.0, rate_hz=200.0)
    contracted = plain.power_mw.max()
    at = Connection(contracted_mw=float(contracted), short_circuit_mva=asked.short_circuit_mva)
    prices = Prices(energy_usd_per_mwh=asked.usd_per_mwh)
    print(
        f"mean {plain.power_mw.mean():.1f} MW, from {plain.power_mw.min():.1f} to {contracted:.1f}"
    )
    for entry in catalog.load().entries("grid_specification"):
        print(f"\n{entry.id}: {told(check_waveform(plain, entry.id, at))}")
        begun = time.perf_counter()
        try:
            plans = least_cost([job], entry.id, at, prices, levers=Levers(), duration_s=1200.0)
        except NotModelledError as error:
            print(f"  {error}")
            continue
        print(
            f"  {len(plans)} sets judged in {time.perf_counter() - begun:.1f} s: {_set(plans[-1])}"
        )
        print(f"  {told(plans[-1].verdict)}")


def _set(plan: Plan) -> str:
    parts = [f"floor {plan.floor:.0%}"] if plan.floor else []
    parts += [
        f"{s.name} {s.power_mw:.1f} MW, {s.energy_mwh * 1e3:.1f} kWh, lag {s.follow_s} s"
        for s in plan.storages
    ]
    wasted = plan.floor_mwh_per_year + plan.lost_mwh_per_year
    outcome = "meets it" if plan.verdict.passed else "NONE MEETS IT, the last is"
    return (
        f"{outcome} with {', '.join(parts) or 'nothing'}"
        f"; {plan.usd_per_year:,.0f} USD and {wasted:,.0f} MWh a year"
    )


def main() -> None:
    """Time and answer."""
    asked = arguments()
    job = job_of(asked)
    timing(job)
    answer(job, asked)


if __name__ == "__main__":
    main()
