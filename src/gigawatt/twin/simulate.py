"""One campus over years: what stands there, what it does, draws and costs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.site.it_power import ACTIVITIES
from gigawatt.twin.capacity import Capacity, build_capacity
from gigawatt.twin.clock import Clock
from gigawatt.twin.headlines import headlines
from gigawatt.twin.lineage import Lineage
from gigawatt.twin.money import Money, Rates, account_money, read_rates
from gigawatt.twin.outcome import Outcome
from gigawatt.twin.power import (
    Draw,
    Plant,
    Supply,
    draw_power,
    power_use,
    read_plant,
    supply_power,
)
from gigawatt.twin.programme import (
    RunResult,
    ServiceResult,
    Speeds,
    learn_speeds,
    serve,
    train,
)
from gigawatt.twin.tables import tables

if TYPE_CHECKING:
    from gigawatt.spec import Campus

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["State", "simulate_campus"]

_MOST_PASSES = 20


@dataclass(frozen=True)
class State:
    """Everything a campus comes to, hour by hour, before it is put into tables."""

    campus: Campus
    clock: Clock
    capacity: Capacity
    speeds: Speeds
    plant: Plant
    drawn: dict[str, tuple[float, float, float]]
    shares: dict[str, Hours]
    runs: list[RunResult]
    services: list[ServiceResult]
    draw: Draw
    supply: Supply
    rates: Rates
    money: Money
    lineage: Lineage


def simulate_campus(campus: Campus, seed: int = 0) -> Outcome:
    """Simulate a campus hour by hour over its horizon.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    seed : int
        Seed of every draw of chance. This first form draws none; the seed is kept with the run so
        that later ones reproduce.

    Returns
    -------
    Outcome
        Headlines, tables and the facts behind them.

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
        speeds = learn_speeds(campus, capacity, lineage)
    with _timed(timings, "weather and cooling"):
        plant = read_plant(campus, clock, capacity, lineage)
    with _timed(timings, "programme and power"):
        drawn = power_use(lineage)
        shares, runs, services, draw = _settle(
            campus, clock, capacity, speeds, plant, lineage, drawn
        )
    with _timed(timings, "supply"):
        supply = supply_power(campus, clock, draw.facility_mw, lineage)
    with _timed(timings, "money"):
        rates = read_rates(campus, lineage)
        money = account_money(campus, clock, capacity, shares, draw, supply, rates)
    state = State(
        campus, clock, capacity, speeds, plant, drawn, shares, runs, services, draw, supply,
        rates, money, lineage,
    )  # fmt: skip
    with _timed(timings, "tables"):
        _record(lineage)
        found = tables(state)
        heads = headlines(state, found)
    facts = tuple(sorted({f for h in heads for f in h.facts}))
    return Outcome(campus, seed, heads, found, facts, timings)


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


def _settle(
    campus: Campus,
    clock: Clock,
    capacity: Capacity,
    speeds: Speeds,
    plant: Plant,
    lineage: Lineage,
    drawn: dict[str, tuple[float, float, float]],
) -> tuple[dict[str, Hours], list[RunResult], list[ServiceResult], Draw]:
    """Return shares and power that agree with each other.

    The cap on power slows the work, and slower work takes accelerators for longer, which changes
    the power. The two are brought together by repetition, which ends at once where the cap does
    not bind.
    """
    use = {activity: value for activity, (value, _, _) in drawn.items()}
    throttle = np.ones(clock.hours)
    for _ in range(_MOST_PASSES):
        services = serve(campus, clock, speeds, throttle, lineage)
        runs = train(campus, clock, speeds, throttle)
        shares = _shares(campus, clock, runs, services)
        draw = draw_power(capacity, shares, plant.pue, use)
        if np.allclose(draw.throttle, throttle, rtol=0, atol=1e-9):
            break
        throttle = draw.throttle
    return shares, runs, services, draw


def _shares(
    campus: Campus, clock: Clock, runs: list[RunResult], services: list[ServiceResult]
) -> dict[str, Hours]:
    """Return the share of the accelerators in each activity; they sum to 1 in every hour."""
    zero = np.zeros(clock.hours)
    research, data = campus.programme.research, campus.programme.data_processing
    shares = {
        "training": sum((r.share for r in runs), zero),
        "hosting": sum((s.share for s in services), zero),
        "research": zero + (research.share if research else 0.0),
        "data_processing": zero + (data.share if data else 0.0),
    }
    left = np.maximum(1.0 - np.sum(list(shares.values()), axis=0), 0.0)
    if research and research.takes_idle:
        shares["research"] = shares["research"] + left
        left = zero
    shares["idle"] = left
    return {activity: shares[activity] for activity in ACTIVITIES}


def _record(lineage: Lineage) -> None:
    """Join the quantities that follow from one another."""
    lineage.record("it_power", after=["rated_mw", "power_use", "serving"], inputs=["programme"])
    lineage.record("facility_power", after=["it_power", "pue", "interconnection"])
    lineage.record("water", after=["it_power"])
    lineage.record("co2", after=["facility_power"])
    lineage.record("electricity_cost", after=["price", "facility_power"])
    lineage.record("capital", after=["rates", "phases"])
    lineage.record("cost", after=["capital", "electricity_cost"])
    lineage.record("tokens_trained", after=["training_speed"])
    lineage.record("tokens_served", after=["serving"])


class _timed:  # noqa: N801  reads as a statement
    """Add the wall time of a block to a table of timings."""

    def __init__(self, timings: dict[str, float], stage: str) -> None:
        self._timings, self._stage = timings, stage

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._timings[self._stage] = time.perf_counter() - self._begun
