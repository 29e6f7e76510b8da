"""What it trains and what it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.twin.headlines._make import Band, Maker, times
from gigawatt.twin.tables import tokens_per_request

if TYPE_CHECKING:
    from gigawatt.twin.outcome import Headline, Table
    from gigawatt.twin.schedule import Schedule
    from gigawatt.twin.speeds import Job
    from gigawatt.twin.state import State

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["hosting", "training"]


def training(state: State, found: dict[str, Table]) -> list[Headline]:
    """Return what it can train, and by when."""
    make, runs = Maker(state, "training"), found["training_runs"]
    ends = runs["end"][runs["finished"]]
    last = str(ends.max()) + "Z" if ends.size else None
    whole, band, note = _whole_campus(state)
    after = ("training", "limits")
    return [
        make("whole_campus_tokens_per_day", "Tokens a day, were the whole campus to train", whole,
             "tokens/day",
             "accelerators at the end x peak x run utilisation / FLOP per token of the first run, "
             "slowed where the power does not suffice", *after, band=band, note=note),
        make("training_tokens", "Tokens trained", float(runs["tokens_trained"].sum()), "tokens",
             "accelerators x peak x run utilisation / FLOP per token, until each run's tokens",
             *after, band=(_trained(state.slow), _trained(state.fast)),
             note=_speed_note(runs, "utilisation of whole published runs, losses included")),
        make("training_runs_finished", "Training runs finished", float(runs["finished"].sum()),
             "runs", "runs whose tokens are all trained within the horizon", *after,
             note=_too_large(state, state.speeds.runs)),
        make("training_last_end", "End of the last finished run", last, "time",
             "time at which its tokens are trained", *after,
             note="" if last else "no run finishes within the horizon"),
    ]  # fmt: skip


def _trained(schedule: Schedule) -> float:
    return sum(
        r.run.tokens if r.end_hour is not None else float(r.tokens.sum()) for r in schedule.runs
    )


def _whole_campus(state: State) -> tuple[float | None, Band, str]:
    """Return the tokens a day of the first run's model on every accelerator, and its model."""
    if not state.campus.programme.training:
        return None, (None, None), "no training run is planned"
    first = state.campus.programme.training[0]
    job, book = state.speeds.runs[first.name], catalog.load()
    known = book.has("model", first.model)
    name = book.get("model", first.model).text("name") if known else first.model
    if state.capacity.memory_gb[-1] < job.memory_gb:
        return None, (None, None), f"the whole campus cannot hold {name}"
    part, _ = state.clock.last_year()
    limits = state.limits
    idle = limits.rated_mw[part] * limits.drawn["idle"]
    above = np.maximum(limits.rated_mw[part] * limits.drawn["training"] - idle, 1e-12)
    speed = np.clip((limits.allowed_mw[part] - idle) / above, 0.0, 1.0)
    value = float(job.rate[-1]) * 24.0 * float(speed.mean())
    return value, times(value, job.band), f"tokens of {name}"


def hosting(state: State, found: dict[str, Table]) -> list[Headline]:
    """Return what it can serve."""
    make, services = Maker(state, "hosting"), found["services"]
    after = ("serving", "limits")
    chat = catalog.load().get("rate", "usage")["messages_per_day"]
    last_day = [float(r.requests[-24:].sum()) for r in state.schedule.services]
    busy = any(job.demand is None for job in state.speeds.services.values())
    full = "saturated services are counted at full load, day and night" if busy else ""
    return [
        make("served_tokens", "Tokens served, input and output",
             float(services["tokens_served"].sum()), "tokens",
             "accelerators x peak x serving utilisation / FLOP of a request, up to the demand",
             *after, band=(_served(state, state.slow), _served(state, state.fast)),
             note=_speed_note(services, _too_large(state, state.speeds.services), full)),
        make("unserved_tokens", "Tokens asked for but not served",
             float(services["tokens_unserved"].sum()), "tokens",
             "demand - tokens served, where the demand is stated", *after),
        make("requests_last_day", "Requests served on the last day", sum(last_day), "requests",
             "requests of all services in the last 24 hours", *after, facts=(chat,),
             note=f"ChatGPT answered {chat.number / 1e9:.1f} billion a day in {chat.date}"),
    ]  # fmt: skip


def _served(state: State, schedule: Schedule) -> float:
    return sum(
        float(r.requests.sum()) * tokens_per_request(state, r.service.name)
        for r in schedule.services
    )


def _speed_note(table: Table, *said: str) -> str:
    """Return the notes of a group, with what its speeds were extrapolated to."""
    found = {part.strip() for basis in table["basis"] for part in str(basis).split(";")}
    return "; ".join([s for s in said if s] + sorted(f for f in found if "extrapolated" in f))


def _too_large(state: State, jobs: dict[str, Job]) -> str:
    """Return which models never fit the memory of their share."""
    return "; ".join(
        f"{name} needs {job.memory_gb:,.0f} GB, more than its share ever holds"
        for name, job in jobs.items()
        if state.capacity.installed.any() and not job.fits.any()
    )
