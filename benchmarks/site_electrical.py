"""Electrical losses beside RAPS, and a year of a 5 GW campus in minutes.

    uv run python benchmarks/site_electrical.py

RAPS takes 1.76 ms for the losses of Frontier's 9,472 nodes on a two-core machine of the same kind;
here it is the same question: a power for every node, converters and rectifiers one by one. The year
is 525,600 minutes of 40 halls. Timing never decides a test: this is for people.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from gigawatt import catalog
from gigawatt.site import electrical

if TYPE_CHECKING:
    from collections.abc import Callable

RAPS_S = 1.76e-3


def best(call: Callable[[], object], rounds: int, repeats: int) -> float:
    """Return the seconds of the quickest round, a call."""
    call()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(repeats):
            call()
        times.append((time.perf_counter() - begun) / repeats)
    return min(times)


def frontier() -> None:
    """Time the losses of 9,472 nodes, each with a power of its own."""
    book = catalog.load()
    stages = [book.get("converter", name) for name in ("sivoc-frontier", "rectifier-frontier")]
    losses = [electrical.loss_of(stage) for stage in stages]
    ratings = [stage.number("rating_kw") * 1e3 for stage in stages]
    nodes = np.random.default_rng(0).uniform(626.0, 2704.0, 9472)
    taken = best(
        lambda: electrical.unit_losses(nodes, losses, ratings, [1, 4], [0.0, 250.0]), 30, 200
    )
    print(f"9,472 nodes            {taken * 1e6:8.1f} us   RAPS / this = {RAPS_S / taken:.0f}")


def year() -> None:
    """Time a year of one-minute steps of 40 halls of 125 MW, losses and their inverse."""
    it = np.random.default_rng(0).uniform(50.0, 125.0, (525_600, 40))
    cooling = 0.1 * it
    for name in ("ac-ups", "dc-800"):
        path = electrical.chain(name)
        found = []

        def losses(path: electrical.Chain = path, found: list[object] = found) -> None:
            found[:] = [
                electrical.electrical_losses(path, it, 125.0, cooling, rated_auxiliary_mw=12.5)
            ]

        print(f"year, {name:10s}       {best(losses, 3, 1):8.2f} s")
    grid = found[0].grid_mw
    taken = best(
        lambda: electrical.it_power_within(path, grid, 125.0, cooling, rated_auxiliary_mw=12.5),
        2,
        1,
    )
    print(f"year, inverse          {taken:8.2f} s")


if __name__ == "__main__":
    frontier()
    year()
