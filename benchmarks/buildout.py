"""How long 10,000 build-outs of a campus of five phases take, on one core.

    uv run python benchmarks/buildout.py [--samples 10000]

The campus has the standard network of tasks with shared crews and deliveries. The first figure is
all build-outs with dates, power by month and probabilities; the second adds what each task does,
which builds the campus three times more for each task that is ever critical. CPU time of a warm
process, the best of three. Timing decides no test: this is for people.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gigawatt.spec import Campus

CAMPUS = """
gigawatt: 1
name: Five halls
site: {place: "Richland Parish, Louisiana", state: LA, climate: monroe-la, grid: miso}
horizon: {start: 2027-01-01, years: 5}
phases:
%s
cooling: {plant: closed-loop-dry}
power:
  sources: [{name: Turbines, technology: aeroderivative, capacity_mw: 400 MW, date: 2029-01-01}]
buildout:
  start: 2026-01-01
  means:
    - {name: building crews, count: 2}
    - {name: fit-out crews, count: 1}
    - {name: turbine slots, count: 2}
    - {name: chip deliveries, it_mw_per_month: 60 MW}
"""
PHASE = (
    "  - {{name: Hall {n}, date: 20{year}-06-01, it_mw: 200 MW, facility_mw: 250 MW,"
    " chips: [{{type: vr200-nvl72}}]}}"
)
GOAL_S = 5.0
REPEATS = 3


def main() -> None:
    """Print both figures beside the goal."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=10_000)
    samples = parser.parse_args().samples
    from gigawatt.programme.buildout.simulate import simulate_buildout

    campus = _campus()

    def build() -> None:
        result = simulate_buildout(campus, samples=samples)
        _ = result.power_mw, result.reached(1000.0)

    def all_of_it() -> None:
        result = simulate_buildout(campus, samples=samples)
        _ = result.power_mw, result.tasks

    print(f"{samples:,} build-outs of five phases, {GOAL_S:g} s at most:")
    for name, work in (("dates and power by month", build), ("with every task", all_of_it)):
        print(f"  {name:28} {_best_s(work):6.2f} s")


def _campus() -> Campus:
    from gigawatt.spec import loads

    phases = (PHASE.format(n=i + 1, year=29 + i) for i in range(5))
    return loads(CAMPUS % "\n".join(phases))


def _best_s(work: Callable[[], None]) -> float:
    work()
    found = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


if __name__ == "__main__":
    main()
