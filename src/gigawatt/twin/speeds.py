"""How fast the whole campus would be at each training run and service, and what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture, dimension_facts
from gigawatt.compute.history import sequence_length, tokens_per_s_per_chip
from gigawatt.compute.memory import training_state_gb, weights_gb
from gigawatt.compute.serving import Mix, requests_per_s_per_chip

if TYPE_CHECKING:
    from collections.abc import Callable

    from gigawatt.compute.bands import Estimate
    from gigawatt.spec import Campus, Service, TrainingRun
    from gigawatt.twin.capacity import Capacity
    from gigawatt.twin.clock import Clock
    from gigawatt.twin.lineage import Lineage

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Job", "Speeds", "learn_speeds"]

_NO_MIX: Final = Mix(1.0, 1.0)


@dataclass(frozen=True)
class Job:
    """A training run or a service, were it to have the whole campus.

    Parameters
    ----------
    rate : ndarray (hours,)
        Tokens trained, or requests served, an hour.
    fits : ndarray of bool (hours,)
        Whether its share of the accelerators can hold the model together.
    band : tuple of float
        Low and high of the rate over its value.
    by_chip : dict of str to Estimate
        Rate per accelerator and second, by type.
    memory_gb : float
        Memory that the model needs at the least.
    most_chips : float or None
        Accelerators over which the batch of a training run can be spread.
    mix : Mix
        Mean request of a service.
    demand : ndarray (hours,) or None
        Requests an hour asked of a service; None where it is saturated.
    """

    rate: Hours
    fits: np.ndarray[Any, np.dtype[np.bool_]]
    band: tuple[float, float]
    by_chip: dict[str, Estimate]
    memory_gb: float
    most_chips: float | None = None
    mix: Mix = _NO_MIX
    demand: Hours | None = None


@dataclass(frozen=True)
class Speeds:
    """Every training run and service, by name."""

    runs: dict[str, Job]
    services: dict[str, Job]

    def at(self, end: int) -> Speeds:
        """Return the speeds at the low (0) or high (1) end of their bands."""
        return Speeds(
            {n: replace(j, rate=j.rate * j.band[end]) for n, j in self.runs.items()},
            {n: replace(j, rate=j.rate * j.band[end]) for n, j in self.services.items()},
        )


def learn_speeds(campus: Campus, clock: Clock, capacity: Capacity, lineage: Lineage) -> Speeds:
    """Return how fast the campus would be at each run and service with all its accelerators."""
    lineage.record("training_speed", after=["memory"], inputs=["horizon"])
    lineage.record("serving_speed", after=["memory"], inputs=["horizon"])
    programme = campus.programme
    return Speeds(
        {
            run.name: _run(campus, run, capacity, lineage, f"programme.training[{i}]")
            for i, run in enumerate(programme.training)
        },
        {
            service.name: _service(service, clock, capacity, lineage, f"programme.services[{i}]")
            for i, service in enumerate(programme.services)
        },
    )


def _run(campus: Campus, run: TrainingRun, capacity: Capacity, lineage: Lineage, path: str) -> Job:
    model = architecture(run.model)
    seq_len = sequence_length(run.model, run.seq_len)
    found = _by_chip(
        capacity, lambda chip: tokens_per_s_per_chip(model, chip, run.precision, seq_len)
    )
    share = campus.programme.training_share if run.share is None else run.share
    queued = ["programme.training_share"] if run.share is None else []
    most = None
    if run.global_batch is not None:
        least = catalog.load().get("rate", "scaling")["least_tokens_per_chip_step"]
        most = run.global_batch * seq_len / least.number
        lineage.record("training_speed", facts=[least.key])
    _note(lineage, "training_speed", [path, *queued], found, run.model)
    needed = training_state_gb(model)
    rate, band = _campus_rate(capacity, found)
    return Job(rate, capacity.memory_gb * (share or 0.0) >= needed, band, found, needed, most)


def _service(
    service: Service, clock: Clock, capacity: Capacity, lineage: Lineage, path: str
) -> Job:
    model = architecture(service.model)
    mix, usage = _mix(service)
    limits = (service.ttft_ms, service.tpot_ms)
    found = _by_chip(
        capacity, lambda chip: requests_per_s_per_chip(model, chip, service.precision, limits, mix)
    )
    _note(lineage, "serving_speed", [path], found, service.model)
    lineage.record("serving_speed", facts=usage)
    demand, facts = _demand(service, clock, mix)
    lineage.record("demand", facts=facts, inputs=[path])
    there = (clock.years_since(service.start or clock.start) >= 0) & (capacity.installed > 0)
    needed = weights_gb(model, service.precision)
    rate, band = _campus_rate(capacity, found)
    return Job(
        rate,
        there & (capacity.memory_gb * service.share >= needed),
        band,
        found,
        needed,
        mix=mix,
        demand=None if demand is None else np.where(there, demand, 0.0),
    )


def _by_chip(capacity: Capacity, rate: Callable[[Any], Estimate]) -> dict[str, Estimate]:
    book = catalog.load()
    return {chip: rate(book.get("chip", chip)) for chip in capacity.chips}


def _campus_rate(
    capacity: Capacity, found: dict[str, Estimate]
) -> tuple[Hours, tuple[float, float]]:
    rate = 0.0 * capacity.rated_mw
    for chip, estimate in found.items():
        rate = rate + capacity.chips[chip] * estimate.value * 3600.0
    if not found:
        return rate, (1.0, 1.0)
    any_one = next(iter(found.values()))
    return rate, (any_one.low / any_one.value, any_one.high / any_one.value)


def _mix(service: Service) -> tuple[Mix, list[str]]:
    usage = catalog.load().get("rate", "usage")
    facts = []
    lengths = []
    for stated, name in (
        (service.input_tokens, "input_tokens_per_request"),
        (service.output_tokens, "output_tokens_per_request"),
    ):
        if stated is None:
            facts.append(usage[name].key)
        lengths.append(usage.number(name) if stated is None else stated)
    return Mix(*lengths), facts


def _demand(service: Service, clock: Clock, mix: Mix) -> tuple[Hours | None, list[str]]:
    """Return the requests wanted in each hour, or None for a saturated service."""
    usage = catalog.load().get("rate", "usage")
    facts = []
    if service.users is not None:
        a_day = service.requests_per_user_day
        if a_day is None:
            a_day = usage.number("requests_per_user_day")
            facts.append(usage["requests_per_user_day"].key)
        daily = service.users * a_day
    elif service.tokens_per_day is not None:
        daily = service.tokens_per_day / (mix.input_tokens + mix.output_tokens)
    else:
        return None, facts
    peak = service.peak_to_mean
    if peak is None:
        peak = usage.number("peak_to_mean")
        facts.append(usage["peak_to_mean"].key)
    hour = np.arange(clock.hours) % 24
    shape = 1.0 + (peak - 1.0) * np.cos(2 * np.pi * (hour - service.peak_hour) / 24.0)
    years = clock.years_since(service.start or clock.start)
    growth = (1.0 + service.growth_per_year) ** np.maximum(years, 0.0)
    return daily / 24.0 * shape * growth, facts


def _note(
    lineage: Lineage, quantity: str, paths: list[str], found: dict[str, Estimate], model: str
) -> None:
    facts = [f for e in found.values() for f in e.facts]
    if catalog.load().has("model", model):
        entry = catalog.load().get("model", model)
        facts += dimension_facts(entry)
        if "train_seq_len" in entry:
            facts.append(entry["train_seq_len"].key)
    lineage.record(quantity, facts=facts, inputs=paths)
