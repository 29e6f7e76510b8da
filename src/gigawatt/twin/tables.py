"""The tables of a run, drawn from the hourly state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.twin.capacity import phases_table
from gigawatt.twin.ledgers import accelerator_ledger, energy_ledger, money_ledger
from gigawatt.twin.money import BLOCKS

if TYPE_CHECKING:
    from gigawatt.twin.outcome import Table
    from gigawatt.twin.schedule import RunResult, ServiceResult
    from gigawatt.twin.speeds import Job
    from gigawatt.twin.state import State

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["tables", "tokens_per_request"]

_YEARLY_SUMS = (
    "facility_energy_mwh",
    "it_energy_mwh",
    "overhead_energy_mwh",
    "water_m3",
    "co2_t",
    "co2_market_t",
    "electricity_usd",
    "compute_capital_charge_usd",
    "facility_capital_charge_usd",
    "operations_usd",
    "tokens_trained",
    "tokens_served",
)


def tables(state: State) -> dict[str, Table]:
    """Return every table of the run, by name."""
    hourly = _hourly(state)
    return {
        "hourly": hourly,
        "phases": phases_table(state.capacity),
        "yearly": _yearly(state, hourly),
        "training_runs": _training_runs(state),
        "services": _services(state),
        "supply": _supply(state),
        "ledger_energy": energy_ledger(state),
        "ledger_accelerator_hours": accelerator_ledger(state),
        "ledger_money": money_ledger(state),
    }


def _hourly(state: State) -> Table:
    installed, supply, schedule = state.capacity.installed, state.supply, state.schedule
    each = [tokens_per_request(state, r.service.name) for r in schedule.services]
    return {
        "time": state.clock.times,
        "chips_installed": installed,
        **{f"chips_{a}": installed * share for a, share in schedule.shares.items()},
        "it_capacity_mw": state.capacity.it_mw,
        "it_mw": state.it_mw,
        "pue": state.plant.pue,
        "facility_mw": state.facility_mw,
        "interconnection_mw": state.capacity.interconnection_mw,
        "onsite_mw": supply.through("behind-the-meter"),
        "contracted_mw": supply.through("contracted"),
        "grid_mw": supply.given_mw["grid"],
        # Rounding of shares may leave a microwatt that nobody missed.
        "capped_mw": np.maximum(schedule.wanted_mw - state.it_mw, 0.0),
        # L/kWh is m3/MWh, and the step is one hour.
        "water_m3": state.it_mw * state.plant.wue_l_per_kwh,
        "co2_t": supply.location_co2_t,
        "co2_market_t": np.sum(list(supply.co2_t.values()), axis=0),
        "electricity_usd": state.money.blocks["electricity"],
        "tokens_trained": _total(state, (r.tokens for r in schedule.runs)),
        "tokens_served": _total(
            state, (n * r.requests for n, r in zip(each, schedule.services, strict=True))
        ),
        "tokens_unserved": _total(
            state, (n * r.unserved for n, r in zip(each, schedule.services, strict=True))
        ),
        "temperature_c": state.plant.temperature_c,
        "wet_bulb_c": state.plant.wet_bulb_c,
    }


def _yearly(state: State, hourly: Table) -> Table:
    years = state.clock.years
    names, where = np.unique(years, return_inverse=True)
    hours = np.bincount(where)
    blocks = state.money.blocks
    columns = {
        "facility_energy_mwh": hourly["facility_mw"],
        "it_energy_mwh": hourly["it_mw"],
        "overhead_energy_mwh": hourly["facility_mw"] - hourly["it_mw"],
        "compute_capital_charge_usd": blocks["compute capital"],
        "facility_capital_charge_usd": blocks["facility capital"],
        "operations_usd": blocks["operations"],
        **{n: hourly[n] for n in _YEARLY_SUMS if n in hourly},
    }
    sums = {n: np.bincount(where, weights=columns[n]) for n in _YEARLY_SUMS}
    peak = np.array([hourly["facility_mw"][where == i].max() for i in range(len(names))])
    capital = np.zeros(len(names))
    for phase in state.campus.phases:
        if state.clock.start <= phase.date < state.clock.end:
            capital[np.searchsorted(names, phase.date.year)] += state.money.capital_usd[phase.name]
    it, facility = sums["it_energy_mwh"], sums["facility_energy_mwh"]
    costs = (sums[n] for n in sums if n.endswith("_usd"))
    return {
        "year": names,
        "hours": hours,
        **sums,
        "mean_pue": np.divide(facility, it, out=np.full(len(names), np.nan), where=it > 0),
        "peak_facility_mw": peak,
        "load_factor": np.divide(facility, hours * peak, out=np.zeros(len(names)), where=peak > 0),
        "capital_usd": capital,
        "total_cost_usd": sum(costs, np.zeros(len(names))),
    }


def _training_runs(state: State) -> Table:
    columns = (
        "name", "model", "chip", "precision", "start", "end", "end_low", "end_high",
        "tokens_planned", "tokens_trained", "finished", "accelerator_hours",
        "tokens_per_s_per_chip", "tokens_per_s_per_chip_low", "tokens_per_s_per_chip_high",
        "published_runs", "basis", "memory_gb", "cost_usd",
    )  # fmt: skip
    rows = [
        _training_row(state, central, state.slow.runs[i].end_hour, state.fast.runs[i].end_hour)
        for i, central in enumerate(state.schedule.runs)
    ]
    return _columns(rows, columns, times=("start", "end", "end_low", "end_high"))


def _training_row(
    state: State, result: RunResult, late: float | None, early: float | None
) -> dict[str, Any]:
    run, job = result.run, state.speeds.runs[result.run.name]
    hours = float((state.capacity.installed * result.share).sum())
    trained = float(result.tokens.sum())
    rate = trained / hours / 3600.0 if hours else float("nan")
    return {
        "name": run.name,
        "model": run.model,
        "precision": run.precision,
        "start": _time(state, result.start_hour),
        "end": _time(state, result.end_hour),
        "end_low": _time(state, early),
        "end_high": _time(state, late),
        "tokens_planned": run.tokens,
        "tokens_trained": run.tokens if result.end_hour is not None else trained,
        "finished": result.end_hour is not None,
        "accelerator_hours": hours,
        **_rates(rate, job.band),
        **_learnt(state, job, result.share, "published_runs"),
        "memory_gb": job.memory_gb,
        "cost_usd": _cost(state, "training", result.share),
    }


def _services(state: State) -> Table:
    columns = (
        "name", "model", "chip", "precision", "requests_served", "tokens_served",
        "tokens_unserved", "output_tokens_served", "accelerator_hours",
        "tokens_per_s_per_chip", "tokens_per_s_per_chip_low", "tokens_per_s_per_chip_high",
        "published_points", "basis", "memory_gb", "peak_chips", "cost_usd",
        "usd_per_million_tokens", "usd_per_million_tokens_low",
        "usd_per_million_tokens_high", "usd_per_million_output_tokens",
    )  # fmt: skip
    return _columns([_service_row(state, result) for result in state.schedule.services], columns)


def _service_row(state: State, result: ServiceResult) -> dict[str, Any]:
    service, job = result.service, state.speeds.services[result.service.name]
    each = tokens_per_request(state, service.name)
    served = float(result.requests.sum())
    chips = state.capacity.installed * result.share
    hours = float(chips.sum())
    cost = _cost(state, "hosting", result.share)
    low, high = job.band
    per_million = cost / (served * each) * 1e6 if served > 0 else float("nan")
    output = served * job.mix.output_tokens
    return {
        "name": service.name,
        "model": service.model,
        "precision": service.precision,
        "requests_served": served,
        "tokens_served": served * each,
        "tokens_unserved": float(result.unserved.sum()) * each,
        "output_tokens_served": output,
        "accelerator_hours": hours,
        **_rates(served * each / hours / 3600.0 if hours else float("nan"), job.band),
        **_learnt(state, job, result.share, "published_points"),
        "memory_gb": job.memory_gb,
        "peak_chips": float(chips.max(initial=0.0)),
        "cost_usd": cost,
        "usd_per_million_tokens": per_million,
        "usd_per_million_tokens_low": per_million / high,
        "usd_per_million_tokens_high": per_million / low,
        "usd_per_million_output_tokens": cost / output * 1e6 if output > 0 else float("nan"),
    }


def _rates(rate: float, band: tuple[float, float]) -> dict[str, float]:
    """Return the mean rate of the accelerators that were used, with its band."""
    return {
        "tokens_per_s_per_chip": rate,
        "tokens_per_s_per_chip_low": rate * band[0],
        "tokens_per_s_per_chip_high": rate * band[1],
    }


def _learnt(state: State, job: Job, share: Hours, points: str) -> dict[str, Any]:
    """Return the types of accelerator that a job used and what its rate was learnt from."""
    used = [c for c, n in state.capacity.chips.items() if float((n * share).sum()) > 0]
    notes = dict.fromkeys(
        part.strip() for chip in used for part in job.by_chip[chip].note.split(";")
    )
    return {
        "chip": " + ".join(used),
        points: job.by_chip[used[0]].points if used else 0,
        "basis": "; ".join(notes) if used else "never runs",
    }


def _supply(state: State) -> Table:
    supply = state.supply
    facts: dict[str, tuple[str, str, float]] = {
        s.name: (s.technology, s.connection, s.capacity_mw) for s in supply.sources
    }
    largest = float(state.capacity.interconnection_mw.max(initial=0.0))
    facts["grid"] = ("grid", "interconnection", largest)
    names = list(supply.given_mw)
    return {
        "name": np.array(names, dtype=object),
        "technology": np.array([facts[n][0] for n in names], dtype=object),
        "connection": np.array([facts[n][1] for n in names], dtype=object),
        "capacity_mw": np.array([facts[n][2] for n in names], dtype=float),
        "energy_mwh": np.array([supply.given_mw[n].sum() for n in names]),
        "co2_t": np.array([supply.co2_t[n].sum() for n in names]),
        "cost_usd": np.array([supply.cost_usd[n].sum() for n in names]),
    }


def _cost(state: State, activity: str, share: Hours) -> float:
    """Return what one part of an activity costs: its part of the accelerators in it, by hour."""
    of = state.schedule.shares[activity]
    part = np.divide(share, of, out=np.zeros_like(share), where=of > 0)
    usd = sum((state.money.by_activity[block, activity] for block in BLOCKS), np.zeros_like(share))
    return float((part * usd).sum())


def tokens_per_request(state: State, service: str) -> float:
    """Return the tokens of the mean request of a service, input and output."""
    mix = state.speeds.services[service].mix
    return mix.input_tokens + mix.output_tokens


def _total(state: State, parts: Any) -> Hours:  # noqa: ANN401  any iterable of hourly arrays
    return sum(parts, np.zeros(state.clock.hours))


def _time(state: State, hour: float | None) -> np.datetime64:
    if hour is None:
        return np.datetime64("NaT", "s")
    start = np.datetime64(state.clock.start.isoformat(), "s")
    result: np.datetime64 = start + np.timedelta64(round(hour * 3600.0), "s")
    return result


def _columns(
    rows: list[dict[str, Any]], names: tuple[str, ...], times: tuple[str, ...] = ()
) -> Table:
    text = {"name", "model", "chip", "precision", "basis"}
    found: Table = {}
    for name in names:
        values = [row[name] for row in rows]
        if name in times:
            found[name] = np.array(values, dtype="datetime64[s]")
        elif name in text:
            found[name] = np.array(values, dtype=object)
        elif name == "finished":
            found[name] = np.array(values, dtype=bool)
        elif name.startswith("published_"):
            found[name] = np.array(values, dtype=np.int64)
        else:
            found[name] = np.array(values, dtype=float)
    return found
