"""One campus over years: what stands there, what it does, draws and costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.twin.advice import advise
from gigawatt.twin.capacity import build_capacity
from gigawatt.twin.clock import Clock
from gigawatt.twin.headlines import headlines
from gigawatt.twin.hour import Limits
from gigawatt.twin.lineage import Lineage
from gigawatt.twin.money import account_money, read_rates
from gigawatt.twin.outcome import Outcome
from gigawatt.twin.plant import power_use, read_plant
from gigawatt.twin.schedule import run_schedule
from gigawatt.twin.speeds import learn_speeds
from gigawatt.twin.state import State
from gigawatt.twin.supply import supply_power
from gigawatt.twin.tables import tables

if TYPE_CHECKING:
    from gigawatt.spec import Campus
    from gigawatt.twin.capacity import Capacity
    from gigawatt.twin.plant import Plant

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["simulate_campus"]


def simulate_campus(campus: Campus, seed: int = 0) -> Outcome:
    """Simulate a campus hour by hour over its horizon.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    seed : int
        Seed of every draw of chance: those of the dates that the phases are likely to keep.

    Returns
    -------
    Outcome
        Headlines, tables, warnings and the facts behind them.

    Raises
    ------
    NotModelledError
        If the campus asks something that no published figure can answer.
    """
    timings: dict[str, float] = {}
    lineage = Lineage(_published(campus))
    clock = Clock.of(campus.horizon)
    with _timed(timings, "capacity"):
        capacity = build_capacity(campus, clock, lineage)
    with _timed(timings, "speeds"):
        speeds = learn_speeds(campus, clock, capacity, lineage)
    with _timed(timings, "weather and cooling"):
        plant = read_plant(campus, clock, capacity, lineage)
    with _timed(timings, "programme and power"):
        drawn = power_use(lineage)
        limits = _limits(capacity, plant, drawn)
        schedule, slow, fast = (
            run_schedule(campus, clock, s, limits) for s in (speeds, speeds.at(0), speeds.at(1))
        )
        it_mw: Hours = np.sum(list(schedule.it_mw.values()), axis=0)
        # The limit is a promise: what rounding adds to it is taken off again.
        facility_mw = np.minimum(it_mw * plant.pue, capacity.interconnection_mw)
    with _timed(timings, "supply"):
        supply = supply_power(campus, clock, facility_mw, lineage)
    with _timed(timings, "money"):
        rates = read_rates(campus, lineage)
        money = account_money(clock, capacity, schedule, supply, rates)
    state = State(
        campus, clock, capacity, speeds, plant, drawn, limits, schedule, slow, fast, facility_mw,
        supply, rates, money, lineage, seed,
    )  # fmt: skip
    with _timed(timings, "tables"):
        _join(lineage)
        found = tables(state)
        heads = headlines(state, found)
    facts = tuple(sorted({f for h in heads for f in h.facts}))
    return Outcome(campus, seed, heads, found, facts, advise(campus), timings)


def _limits(
    capacity: Capacity, plant: Plant, drawn: dict[str, tuple[float, float, float]]
) -> Limits:
    """Return the IT power allowed: what the interconnection feeds and the halls were built for."""
    return Limits(
        capacity.installed,
        capacity.rated_mw,
        np.minimum(capacity.interconnection_mw / plant.pue, capacity.it_mw),
        {activity: value for activity, (value, _, _) in drawn.items()},
    )


def _published(campus: Campus) -> dict[str, tuple[str, ...]]:
    """Return the facts that inputs come from; an entry's name stands for all its facts."""
    book = catalog.load()
    found: dict[str, tuple[str, ...]] = {}
    for basis in campus.facts:
        kind, name, *field = basis.fact.split("/")
        entry = book.get(kind, name)
        keys = (entry[field[0]].key,) if field else tuple(fact.key for fact in entry)
        found[basis.input] = found.get(basis.input, ()) + keys
    return found


def _join(lineage: Lineage) -> None:
    """Join the quantities that follow from one another."""
    lineage.record("demand")
    lineage.record("training", after=["training_speed"])
    lineage.record("serving", after=["serving_speed", "demand"])
    shares = ["programme.research", "programme.data_processing"]
    lineage.record("limits", after=["interconnection", "pue", "power_use"])
    lineage.record(
        "it_power",
        after=["rated_mw", "power_use", "limits", "training", "serving"],
        inputs=["horizon", *shares],
    )
    lineage.record("facility_power", after=["pue", "interconnection", "it_power"])
    lineage.record("water", after=["it_power"])
    lineage.record("co2", after=["sources", "facility_power"])
    lineage.record("electricity_cost", after=["price", "sources", "facility_power"])
    lineage.record("capital", after=["capital_rates", "rated_mw", "phases"])
    lineage.record("cost", after=["charges", "capital", "electricity_cost"], inputs=["horizon"])


class _timed:  # noqa: N801  reads as a statement
    """Add the wall time of a block to a table of timings."""

    def __init__(self, timings: dict[str, float], stage: str) -> None:
        self._timings, self._stage = timings, stage

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._timings[self._stage] = time.perf_counter() - self._begun
