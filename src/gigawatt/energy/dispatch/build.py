"""A system written as an hourly program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.program.form import HourlyProgram
from gigawatt.energy.system import HOURS_PER_YEAR, Source, Storage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.energy.system import Series, System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["BOX", "Built", "Requirement", "build"]

BOX: Final = 1000.0
"""Planned capacities without a limit stay below this many times the peak load: a plan that wants
more has no optimum."""
_LEAST_UNIT: Final = 1e-5
_LEAP_YEAR: Final = 8784.0


@dataclass(frozen=True)
class Requirement:
    """A rule that can be broken at a price, so that an answer always exists.

    Parameters
    ----------
    kind : str
        ``unserved``, ``surplus``, ``take``, ``co2``, ``clean``, ``target`` or ``firm``.
    subject : str
        Whose rule: the name of a source, or empty.
    variable, capacity : int
        The series or the capacity that says how much it is broken; -1 for the other.
    unit : float
        What one of the capacity stands for, in means over the hours.
    """

    kind: str
    subject: str
    variable: int = -1
    capacity: int = -1
    unit: float = 1.0


@dataclass(frozen=True)
class Built:
    """A program and where to find what in it."""

    program: HourlyProgram
    series: Mapping[str, int]
    capacities: Mapping[str, int]
    requirements: tuple[Requirement, ...]


@dataclass
class _Builder:
    """Collects series, entries and rows; `program` puts them together."""

    system: System
    rows: tuple[str, ...]
    names: list[str] = field(default_factory=list)
    columns: dict[str, list[Array]] = field(
        default_factory=lambda: {k: [] for k in ("cost", "lower", "upper", "low", "high")}
    )
    places: dict[str, list[int]] = field(default_factory=lambda: {"low": [], "high": []})
    entries: list[tuple[int, int, int, Array]] = field(default_factory=list)
    wraps: list[tuple[int, int, int, int, float]] = field(default_factory=list)
    capacities: list[tuple[str, float, float, float]] = field(default_factory=list)
    linking: list[tuple[str, dict[int, Array], dict[int, float], float]] = field(
        default_factory=list
    )
    requirements: list[Requirement] = field(default_factory=list)

    def capacity(self, name: str, capital: float, least: float, most: float) -> int:
        self.capacities.append((name, capital, least, most))
        return len(self.capacities) - 1

    def add(
        self,
        name: str,
        cost: Series = 0.0,
        lower: Series = 0.0,
        upper: Series = 0.0,
        low: tuple[Series, Any] = (0.0, -1),
        high: tuple[Series, Any] = (0.0, -1),
    ) -> int:
        """Add a series with bounds `lower + low k` and `upper + high k`."""
        self.names.append(name)
        values = {"cost": cost, "lower": lower, "upper": upper, "low": low[0], "high": high[0]}
        for key, value in values.items():
            self.columns[key].append(self.system.series(value))
        self.places["low"].append(low[1])
        self.places["high"].append(high[1])
        return len(self.names) - 1

    def enter(self, series: int, row: str, coefficient: Series, lag: int = 0) -> None:
        value = self.system.series(coefficient)
        self.entries.append((series, self.rows.index(row), lag, value))

    def broken(
        self, kind: str, subject: str = "", *, variable: int = -1, capacity: int = -1
    ) -> None:
        self.requirements.append(Requirement(kind, subject, variable, capacity))

    def program(self, right: Array) -> HourlyProgram:
        hours, count = self.system.hours, len(self.capacities)
        of = {
            k: np.stack([np.broadcast_to(np.asarray(p, np.int64), (hours,)) for p in places])
            for k, places in self.places.items()
        }
        entries = sorted(self.entries, key=lambda e: e[0])
        wraps = np.array([w[:4] for w in self.wraps], dtype=np.int64).reshape(-1, 4)
        by = np.zeros((len(self.linking), len(self.names), hours))
        capacity_by = np.zeros((len(self.linking), count))
        for j, (_, series, capacities, _) in enumerate(self.linking):
            for v, value in series.items():
                by[j, v] = value / hours
            for k, number in capacities.items():
                capacity_by[j, k] = number
        return HourlyProgram(
            variables=tuple(self.names),
            rows=self.rows,
            capacities=tuple(c[0] for c in self.capacities),
            linking=tuple(link[0] for link in self.linking),
            cost=np.stack(self.columns["cost"]),
            lower=np.stack(self.columns["lower"]),
            upper=np.stack(self.columns["upper"]),
            lower_by=np.stack(self.columns["low"]),
            upper_by=np.stack(self.columns["high"]),
            lower_of=of["low"],
            upper_of=of["high"],
            entry_variable=np.array([e[0] for e in entries], dtype=np.int64),
            entry_row=np.array([e[1] for e in entries], dtype=np.int64),
            entry_lag=np.array([e[2] for e in entries], dtype=np.int64),
            entry_coefficient=np.stack([e[3] for e in entries]),
            wrap_variable=wraps[:, 0].copy(),
            wrap_hour=wraps[:, 1].copy(),
            wrap_row=wraps[:, 2].copy(),
            wrap_to=wraps[:, 3].copy(),
            wrap_coefficient=np.array([w[4] for w in self.wraps]),
            right=right,
            linking_by=by,
            linking_capacity=capacity_by,
            linking_right=np.array([link[3] for link in self.linking]),
            capital=np.array([c[1] for c in self.capacities]),
            capacity_lower=np.array([c[2] for c in self.capacities]),
            capacity_upper=np.array([c[3] for c in self.capacities]),
        )


def build(system: System, *, firm_mw: float = 0.0, dear: float = 10.0) -> Built:
    """Return the least-cost dispatch of a system, and the plan of its capacities, as a program.

    Rules that a system could be unable to keep are elastic: breaking them is possible and dearer
    than anything else, so the program always has an answer, and the answer says what was broken.

    Parameters
    ----------
    system : System
        The system.
    firm_mw : float
        Firm capacity that all parts must have together.
    dear : float
        What breaking a rule by a MWh costs, over the dearest thing that the system can buy.
    """
    ramped = [s for s in system.sources if s.ramp_per_hour is not None]
    metered = [s for s in system.sources if s.demand_usd_per_mw > 0.0]
    # The balance comes last in each hour: this order keeps the band narrowest.
    rows = (
        *(f"stored {s.name}" for s in system.storages),
        *(f"ramp {s.name}" for s in ramped),
        *(f"demand {s.name}" for s in metered),
        "balance",
    )
    builder = _Builder(system, rows)
    years = _years(system.hours)
    box = BOX * max(float(system.load_mw.max()), 1.0)
    capacities = {
        part.name: builder.capacity(
            part.name, part.capital_usd_per_mw_year * years, part.least_mw, min(part.most_mw, box)
        )
        for part in system.planned
    }
    penalty = dear * _dearest(system)
    for source in system.sources:
        _source(builder, source, capacities.get(source.name, -1), box, penalty)
    for storage in system.storages:
        _storage(builder, storage, capacities.get(storage.name, -1))
    for throttle in system.throttles:
        most = np.minimum(system.series(throttle.most_mw), system.load_mw)
        series = builder.add(f"throttle {throttle.name}", throttle.usd_per_mwh, upper=most)
        builder.enter(series, "balance", 1.0)
    _elastic(builder, penalty)
    _limits(builder, penalty, firm_mw, box)
    right = np.zeros((system.hours, len(rows)))
    right[:, -1] = system.load_mw
    program = builder.program(right)
    series_of = {name: i for i, name in enumerate(program.variables)}
    capacities_of = {name: i for i, name in enumerate(program.capacities)}
    return Built(program, series_of, capacities_of, tuple(builder.requirements))


def _years(hours: int) -> float:
    """Return how many years' capital the hours carry; a leap year carries one."""
    return 1.0 if hours == _LEAP_YEAR else hours / HOURS_PER_YEAR


def _dearest(system: System) -> float:
    """Return the highest price that stands in a system, USD/MWh; a capacity serves one hour."""
    costs = [float(np.abs(system.cost_of(s)).max()) for s in system.sources]
    costs += [float(np.abs(system.series(t.usd_per_mwh)).max()) for t in system.throttles]
    costs += [s.demand_usd_per_mw for s in system.sources]
    # A MW that is built for one hour alone puts its capital on that hour.
    years = _years(system.hours)
    costs += [years * part.capital_usd_per_mw_year for part in system.planned]
    costs.append(system.unserved_usd_per_mwh or 0.0)
    return max(100.0, *costs)


def _source(builder: _Builder, source: Source, k: int, box: float, penalty: float) -> None:
    system = builder.system
    available, least = system.series(source.availability), system.series(source.least_output)
    cost = system.cost_of(source)
    fixed = 0.0 if source.capacity_mw is None else source.capacity_mw
    planned_least = k if np.any(least) else -1
    output = builder.add(
        f"output {source.name}", cost, lower=least * fixed, upper=available * fixed,
        low=(least, planned_least), high=(available, k),
    )  # fmt: skip
    builder.enter(output, "balance", 1.0)
    if source.ramp_per_hour is not None:
        after_first = np.ones(system.hours)
        after_first[0] = 0.0
        reach = source.ramp_per_hour * after_first
        change = builder.add(
            f"change {source.name}", lower=-reach * fixed, upper=reach * fixed,
            low=(-reach, k), high=(reach, k),
        )  # fmt: skip
        row = f"ramp {source.name}"
        builder.enter(output, row, after_first)
        builder.enter(output, row, -1.0, lag=1)
        builder.enter(change, row, -after_first)
    if source.demand_usd_per_mw > 0.0:
        _demand(builder, source, output, box)
    if source.least_energy_mwh > 0.0:
        _take(builder, source, output, box, penalty)


def _demand(builder: _Builder, source: Source, output: int, box: float) -> None:
    """Charge the highest output of each period: the demand is a capacity that bounds it."""
    periods = builder.system.periods
    demand = np.array(
        [
            builder.capacity(
                f"demand {source.name} {p}", source.demand_usd_per_mw, source.least_demand_mw, box
            )
            for p in range(int(periods.max()) + 1)
        ]
    )
    metered = builder.add(f"metered {source.name}", high=(1.0, demand[periods]))
    builder.enter(output, f"demand {source.name}", 1.0)
    builder.enter(metered, f"demand {source.name}", -1.0)


def _take(builder: _Builder, source: Source, output: int, box: float, penalty: float) -> None:
    """Ask for a minimum take; what is missed is paid for."""
    hours, price = builder.system.hours, source.shortfall_usd_per_mwh
    usd = penalty if price is None else price
    most = source.least_energy_mwh / hours
    missed = builder.capacity(f"missed {source.name}", usd * hours, 0.0, most)
    beyond = builder.capacity(f"beyond {source.name}", 0.0, 0.0, box)
    row = (f"take {source.name}", {output: np.ones(hours)}, {missed: 1.0, beyond: -1.0}, most)
    builder.linking.append(row)
    if price is None:
        builder.broken("take", source.name, capacity=missed)


def _storage(builder: _Builder, storage: Storage, k: int) -> None:
    hours = builder.system.hours
    power = 0.0 if storage.capacity_mw is None else storage.capacity_mw
    name, row = storage.name, f"stored {storage.name}"
    charge = builder.add(f"charge {name}", upper=power, high=(1.0, k))
    give = builder.add(
        f"discharge {name}", storage.discharge_usd_per_mwh, upper=power, high=(1.0, k)
    )
    stored = builder.add(
        f"stored {name}", upper=power * storage.energy_hours, high=(storage.energy_hours, k)
    )
    kept = 1.0 - storage.loss_per_hour
    builder.enter(charge, "balance", -1.0)
    builder.enter(give, "balance", 1.0)
    builder.enter(charge, row, -storage.charge_efficiency)
    builder.enter(give, row, 1.0 / storage.discharge_efficiency)
    if hours == 1:
        # What it ends with is what it began with.
        builder.enter(stored, row, storage.loss_per_hour)
        return
    builder.enter(stored, row, 1.0)
    builder.enter(stored, row, -kept, lag=1)
    builder.wraps.append((stored, hours - 1, builder.rows.index(row), 0, -kept))


def _elastic(builder: _Builder, penalty: float) -> None:
    """Let load go unserved, and let a surplus be spilt where plants must run."""
    system = builder.system
    load = system.load_mw
    if system.unserved_usd_per_mwh is not None:
        most = np.minimum(load, system.unserved_most_mw)
        series = builder.add("unserved", system.unserved_usd_per_mwh, upper=most)
        builder.enter(series, "balance", 1.0)
    if system.unserved_usd_per_mwh is None or system.unserved_most_mw < float(load.max()):
        series = builder.add("short", penalty, upper=load)
        builder.enter(series, "balance", 1.0)
        builder.broken("unserved", variable=series)
    must_run = [s for s in system.sources if np.any(s.least_output)]
    if must_run:
        size = max(float(load.max()), *(s.capacity_mw or 0.0 for s in must_run), 1.0)
        series = builder.add("surplus", penalty, upper=BOX * size)
        builder.enter(series, "balance", -1.0)
        builder.broken("surplus", variable=series)


def _limits(builder: _Builder, penalty: float, firm_mw: float, box: float) -> None:
    """Add the limits on emissions and energy, and the firm capacity."""
    system = builder.system
    outputs = {s.name: builder.names.index(f"output {s.name}") for s in system.sources}
    emitting = [s for s in system.sources if np.any(s.co2_t_per_mwh)]
    if np.isfinite(system.co2_most_t):
        emitted = {outputs[s.name]: system.series(s.co2_t_per_mwh) for s in emitting}
        _at_most(builder, "co2", emitted, system.co2_most_t / system.hours, penalty)
    if system.clean_share > 0.0:
        given = {outputs[s.name]: np.ones(system.hours) for s in emitting}
        most = (1.0 - system.clean_share) * float(system.load_mw.mean())
        _at_most(builder, "clean", given, most, penalty)
    if np.isfinite(system.unserved_most_mwh):
        lost = {builder.names.index("unserved"): np.ones(system.hours)}
        _at_most(builder, "target", lost, system.unserved_most_mwh / system.hours, penalty)
    if firm_mw > 0.0:
        names = [c[0] for c in builder.capacities]
        parts: dict[int, float] = {
            names.index(p.name): p.firm_share for p in system.planned if p.firm_share
        }
        stands = sum(
            p.firm_share * p.capacity_mw for p in system.parts if p.capacity_mw is not None
        )
        missing = builder.capacity("missing firm", penalty * system.hours, 0.0, firm_mw)
        beyond = builder.capacity("beyond firm", 0.0, 0.0, box)
        builder.linking.append(
            ("firm", {}, {**parts, missing: 1.0, beyond: -1.0}, firm_mw - stands)
        )
        builder.broken("firm", capacity=missing)


def _at_most(
    builder: _Builder, kind: str, series: dict[int, Array], most: float, penalty: float
) -> None:
    """Limit a mean over the hours; tight limits are counted in small units, to be seen at all."""
    hours, peak = builder.system.hours, max(float(builder.system.load_mw.max()), 1.0)
    unit = min(max(most / peak, _LEAST_UNIT), 1.0)
    below = builder.capacity(f"below {kind}", 0.0, 0.0, max(most / unit, _LEAST_UNIT))
    size = max((float(np.abs(v).max()) for v in series.values()), default=1.0)
    over = builder.capacity(
        f"over {kind}", penalty * hours * unit, 0.0, BOX * max(size, _LEAST_UNIT) * peak / unit
    )
    row = {v: value / unit for v, value in series.items()}
    builder.linking.append((kind, row, {below: 1.0, over: -1.0}, most / unit))
    builder.requirements.append(Requirement(kind, "", capacity=over, unit=unit))
