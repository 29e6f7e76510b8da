"""The tables of a run, drawn from the hourly state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.twin.capacity import phases_table
from gigawatt.twin.ledgers import accelerator_ledger, energy_ledger, money_ledger
from gigawatt.twin.money import BLOCKS

if TYPE_CHECKING:
    from gigawatt.twin.outcome import Table
    from gigawatt.twin.programme import RunResult, ServiceResult
    from gigawatt.twin.simulate import State

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["tables"]

_YEARLY_SUMS = (
    "facility_energy_mwh",
    "it_energy_mwh",
    "overhead_energy_mwh",
    "water_m3",
    "co2_t",
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
        "phases": phases_table(state.campus, state.capacity),
        "yearly": _yearly(state, hourly),
        "training_runs": _training_runs(state),
        "services": _services(state),
        "supply": _supply(state),
        "ledger_energy": energy_ledger(state),
        "ledger_accelerator_hours": accelerator_ledger(state),
        "ledger_money": money_ledger(state),
    }


def _hourly(state: State) -> Table:
    installed = state.capacity.installed
    grid = state.supply.given_mw["grid"]
    it_total = state.draw.it_total_mw
    return {
        "time": state.clock.times,
        "chips_installed": installed,
        **{f"chips_{a}": installed * share for a, share in state.shares.items()},
        "it_capacity_mw": state.capacity.it_mw,
        "it_mw": it_total,
        "pue": state.plant.pue,
        "facility_mw": state.draw.facility_mw,
        "interconnection_mw": state.capacity.interconnection_mw,
        "onsite_mw": state.draw.facility_mw - grid,
        "grid_mw": grid,
        "capped_mw": state.draw.capped_mw,
        # L/kWh is m3/MWh, and the step is one hour.
        "water_m3": it_total * state.plant.wue_l_per_kwh,
        "co2_t": np.sum(list(state.supply.co2_t.values()), axis=0),
        "electricity_usd": state.money.blocks["electricity"],
        "tokens_trained": _total(state, (r.tokens for r in state.runs)),
        "tokens_served": _total(state, (_tokens(s) * s.requests for s in state.services)),
        "tokens_unserved": _total(state, (_tokens(s) * s.unserved for s in state.services)),
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
    for phase, usd in zip(state.campus.phases, state.money.capital_usd, strict=True):
        if state.clock.start <= phase.date < state.clock.end:
            capital[np.searchsorted(names, phase.date.year)] += usd
    it, facility = sums["it_energy_mwh"], sums["facility_energy_mwh"]
    total = sum(
        (sums[n] for n in sums if n.endswith("_usd")),
        np.zeros(len(names)),
    )
    return {
        "year": names,
        "hours": hours,
        **sums,
        "mean_pue": np.divide(facility, it, out=np.full(len(names), np.nan), where=it > 0),
        "peak_facility_mw": peak,
        "load_factor": np.divide(facility, hours * peak, out=np.zeros(len(names)), where=peak > 0),
        "capital_usd": capital,
        "total_cost_usd": total,
    }


def _training_runs(state: State) -> Table:
    rows = [_training_row(state, result) for result in state.runs]
    columns = (
        "name", "model", "chip", "precision", "start", "end", "end_low", "end_high",
        "tokens_planned", "tokens_trained", "finished", "accelerator_hours",
        "tokens_per_s_per_chip", "tokens_per_s_per_chip_low", "tokens_per_s_per_chip_high",
        "published_runs", "basis", "memory_gb", "cost_usd",
    )  # fmt: skip
    return _columns(rows, columns, times=("start", "end", "end_low", "end_high"))


def _training_row(state: State, result: RunResult) -> dict[str, Any]:
    run = result.run
    chip, rate = _main_rate(state, run.name)
    hours = float((state.capacity.installed * result.share).sum())
    trained = float(result.tokens.sum())
    start = result.start_hour
    end = result.end_hour
    low, high = state.speeds.bands[run.name]
    # A slower campus takes longer in proportion: the band of the end follows that of the rate.
    late = None if end is None or start is None else start + (end - start) / low
    early = None if end is None or start is None else start + (end - start) / high
    return {
        "name": run.name,
        "model": run.model,
        "chip": chip,
        "precision": run.precision,
        "start": _time(state, None if start is None else float(start)),
        "end": _time(state, end),
        "end_low": _time(state, early),
        "end_high": _time(state, late),
        "tokens_planned": run.tokens,
        "tokens_trained": trained,
        "finished": end is not None,
        "accelerator_hours": hours,
        "tokens_per_s_per_chip": rate[0],
        "tokens_per_s_per_chip_low": rate[1],
        "tokens_per_s_per_chip_high": rate[2],
        "published_runs": rate[3],
        "basis": rate[4],
        "memory_gb": state.speeds.memory_gb[run.name],
        "cost_usd": _cost(state, "training", result.share),
    }


def _services(state: State) -> Table:
    rows = [_service_row(state, result) for result in state.services]
    columns = (
        "name", "model", "chip", "precision", "requests_served", "tokens_served",
        "tokens_unserved", "output_tokens_served", "accelerator_hours",
        "tokens_per_s_per_chip", "tokens_per_s_per_chip_low", "tokens_per_s_per_chip_high",
        "published_points", "basis", "memory_gb", "peak_chips", "cost_usd",
        "usd_per_million_tokens", "usd_per_million_tokens_low", "usd_per_million_tokens_high",
        "usd_per_million_output_tokens",
    )  # fmt: skip
    return _columns(rows, columns)


def _service_row(state: State, result: ServiceResult) -> dict[str, Any]:
    service = result.service
    chip, rate = _main_rate(state, service.name)
    each = _tokens(result)
    served = float(result.requests.sum())
    cost = _cost(state, "hosting", result.share)
    low, high = state.speeds.bands[service.name]
    per_million = cost / (served * each) * 1e6 if served > 0 else float("nan")
    chips = state.capacity.installed * result.share
    output = served * result.mix.output_tokens
    return {
        "name": service.name,
        "model": service.model,
        "chip": chip,
        "precision": service.precision,
        "requests_served": served,
        "tokens_served": served * each,
        "tokens_unserved": float(result.unserved.sum()) * each,
        "output_tokens_served": output,
        "accelerator_hours": float(chips.sum()),
        "tokens_per_s_per_chip": rate[0] * each,
        "tokens_per_s_per_chip_low": rate[1] * each,
        "tokens_per_s_per_chip_high": rate[2] * each,
        "published_points": rate[3],
        "basis": rate[4],
        "memory_gb": state.speeds.memory_gb[service.name],
        "peak_chips": float(chips.max(initial=0.0)),
        "cost_usd": cost,
        "usd_per_million_tokens": per_million,
        "usd_per_million_tokens_low": per_million / high,
        "usd_per_million_tokens_high": per_million / low,
        "usd_per_million_output_tokens": cost / output * 1e6 if output > 0 else float("nan"),
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
    of = state.shares[activity]
    part = np.divide(share, of, out=np.zeros_like(share), where=of > 0)
    usd = sum((state.money.by_activity[block, activity] for block in BLOCKS), np.zeros_like(share))
    return float((part * usd).sum())


def _main_rate(state: State, name: str) -> tuple[str, tuple[float, float, float, int, str]]:
    """Return the most numerous type of accelerator and the rate of one of it, with its band."""
    found = state.speeds.estimates[name]
    if not found:
        return "", (float("nan"), float("nan"), float("nan"), 0, "no accelerators")
    chip = max(found, key=lambda c: float(state.capacity.chips[c][-1]))
    estimate = found[chip]
    return chip, (estimate.value, estimate.low, estimate.high, estimate.points, estimate.note)


def _tokens(result: ServiceResult) -> float:
    return result.mix.input_tokens + result.mix.output_tokens


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
