"""How the programme takes the accelerators: services, training runs, research, the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture, architecture
from gigawatt.compute.memory import training_state_gb, weights_gb
from gigawatt.compute.serving import Mix, requests_per_s_per_chip
from gigawatt.compute.training import tokens_per_s_per_chip

if TYPE_CHECKING:
    from collections.abc import Callable

    from gigawatt.compute.bands import Estimate
    from gigawatt.spec import Campus, Service, TrainingRun
    from gigawatt.twin.capacity import Capacity
    from gigawatt.twin.clock import Clock
    from gigawatt.twin.lineage import Lineage

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["RunResult", "ServiceResult", "Speeds", "learn_speeds", "serve", "train"]


@dataclass(frozen=True)
class Speeds:
    """Rate of the whole campus for each run and service, were it to have every accelerator.

    Parameters
    ----------
    training : dict of str to ndarray (hours,)
        Tokens an hour, by training run.
    serving : dict of str to ndarray (hours,)
        Requests an hour, by service.
    bands : dict of str to tuple of float
        Low and high over the central rate, by run or service.
    estimates : dict of str to dict of str to Estimate
        Rate per accelerator by type, by run or service.
    mixes : dict of str to Mix
        Mean request, by service.
    memory_gb : dict of str to float
        Memory that the model needs at the least, by run or service.
    """

    training: dict[str, Hours]
    serving: dict[str, Hours]
    bands: dict[str, tuple[float, float]]
    estimates: dict[str, dict[str, Estimate]]
    mixes: dict[str, Mix]
    memory_gb: dict[str, float]


@dataclass(frozen=True)
class RunResult:
    """What became of a training run: its part of the campus and its tokens, hour by hour."""

    run: TrainingRun
    share: Hours
    tokens: Hours
    start_hour: int | None
    end_hour: float | None


@dataclass(frozen=True)
class ServiceResult:
    """What became of a service: its part of the campus and its requests, hour by hour."""

    service: Service
    share: Hours
    requests: Hours
    unserved: Hours
    mix: Mix = field(repr=False)


def learn_speeds(campus: Campus, capacity: Capacity, lineage: Lineage) -> Speeds:
    """Return how fast the campus would be at each run and service with all its accelerators.

    Where the accelerators of its share cannot hold the model together, the speed is zero.
    """
    training: dict[str, Hours] = {}
    serving: dict[str, Hours] = {}
    bands: dict[str, tuple[float, float]] = {}
    estimates: dict[str, dict[str, Estimate]] = {}
    mixes: dict[str, Mix] = {}
    memory_gb: dict[str, float] = {}
    lineage.record("training_speed", after=["memory"])
    lineage.record("serving_speed", after=["memory"])
    for i, run in enumerate(campus.programme.training):
        model = architecture(run.model)
        found = _by_chip(capacity, _trainer(run, model))
        rate, bands[run.name] = _campus_rate(capacity, found)
        memory_gb[run.name] = training_state_gb(model)
        share = campus.programme.training_share if run.share is None else run.share
        held = capacity.memory_gb * (share or 0.0)
        training[run.name] = np.where(held >= memory_gb[run.name], rate, 0.0)
        estimates[run.name] = found
        _note(lineage, "training_speed", f"programme.training[{i}]", found)
    for i, service in enumerate(campus.programme.services):
        model = architecture(service.model)
        mix, usage = _mix(service)
        found = _by_chip(capacity, _server(service, model, mix))
        rate, bands[service.name] = _campus_rate(capacity, found)
        memory_gb[service.name] = weights_gb(model, service.precision)
        held = capacity.memory_gb * service.share
        serving[service.name] = np.where(held >= memory_gb[service.name], rate, 0.0)
        estimates[service.name] = found
        mixes[service.name] = mix
        _note(lineage, "serving_speed", f"programme.services[{i}]", found)
        lineage.record("serving_speed", facts=usage)
    return Speeds(training, serving, bands, estimates, mixes, memory_gb)


def serve(
    campus: Campus, clock: Clock, speeds: Speeds, throttle: Hours, lineage: Lineage
) -> list[ServiceResult]:
    """Return what each service is asked for, gets and serves.

    A service takes the accelerators that its demand of the hour needs, up to its share. One that
    states no demand is saturated: it always has more work than its share can do.
    """
    results = []
    lineage.record("serving", after=["serving_speed"])
    for service in campus.programme.services:
        speed = speeds.serving[service.name] * throttle
        present = clock.years_since(service.start or clock.start) >= 0
        most = np.where(present, service.share, 0.0)
        wanted, facts = _demand(service, clock, speeds.mixes[service.name])
        lineage.record("serving", facts=facts)
        if wanted is None:
            share = np.where(speed > 0, most, 0.0)
            results.append(
                ServiceResult(
                    service, share, share * speed, 0.0 * share, speeds.mixes[service.name]
                )
            )
            continue
        wanted = np.where(present, wanted, 0.0)
        needed = np.divide(wanted, speed, out=np.zeros_like(speed), where=speed > 0)
        share = np.minimum(needed, most)
        served = share * speed
        results.append(
            ServiceResult(
                service, share, served, np.maximum(wanted - served, 0.0), speeds.mixes[service.name]
            )
        )
    return results


def train(campus: Campus, clock: Clock, speeds: Speeds, throttle: Hours) -> list[RunResult]:
    """Return when each training run has which part of the campus.

    Runs with a share of their own go side by side; the others follow one another in the order of
    the file, each with the whole training share.
    """
    programme = campus.programme
    free = np.ones(clock.hours)
    results = []
    for run in programme.training:
        queued = run.share is None
        share = programme.training_share if queued else run.share
        room = free if queued else np.ones(clock.hours)
        first = clock.hour_of(run.start) if run.start else 0
        room = np.where(np.arange(clock.hours) >= first, room, 0.0)
        speed = speeds.training[run.name] * throttle * (share or 0.0)
        used = _until(room, speed, run.tokens)
        if queued:
            free = free - used
        results.append(_run_result(run, used, speed, share or 0.0, room))
    return results


def _until(room: Hours, speed: Hours, tokens: float) -> Hours:
    """Return the part of each hour that a run uses until its tokens are trained."""
    done = np.cumsum(room * speed)
    before = np.concatenate(([0.0], done[:-1]))
    left = np.maximum(tokens - before, 0.0)
    needed = np.divide(left, speed, out=np.full_like(speed, np.inf), where=speed > 0)
    return np.where(speed > 0, np.minimum(room, needed), 0.0)


def _run_result(
    run: TrainingRun, used: Hours, speed: Hours, share: float, room: Hours
) -> RunResult:
    tokens = used * speed
    busy = np.flatnonzero(used > 0)
    finished = tokens.sum() >= run.tokens * (1 - 1e-9)
    end = None
    if finished and busy.size:
        last = int(busy[-1])
        # What of the hour another run took first comes before this run's part of it.
        end = last + (1.0 - float(room[last])) + float(used[last])
    return RunResult(run, used * share, tokens, int(busy[0]) if busy.size else None, end)


def _by_chip(capacity: Capacity, rate: Callable[[Any], Estimate]) -> dict[str, Estimate]:
    book = catalog.load()
    return {chip: rate(book.get("chip", chip)) for chip in capacity.chips}


def _trainer(run: TrainingRun, model: Architecture) -> Callable[[Any], Estimate]:
    return lambda chip: tokens_per_s_per_chip(model, chip, run.precision, run.seq_len)


def _server(service: Service, model: Architecture, mix: Mix) -> Callable[[Any], Estimate]:
    return lambda chip: requests_per_s_per_chip(
        model, chip, service.precision, service.tpot_ms, mix
    )


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


def _note(lineage: Lineage, quantity: str, path: str, found: dict[str, Estimate]) -> None:
    lineage.record(quantity, facts=[f for e in found.values() for f in e.facts], inputs=[path])
