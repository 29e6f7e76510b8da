"""A system written as an hourly program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.dispatch.builder import BOX, Builder, Requirement, at_most
from gigawatt.energy.dispatch.units import add_units, by_heat, unit_rows
from gigawatt.energy.system import HOURS_PER_YEAR, Source, Storage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.energy.program.form import HourlyProgram
    from gigawatt.energy.system import Hours, System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["BOX", "Built", "Requirement", "build", "years_of_capital"]

_LEAP_YEAR: Final = 8784.0
_LEAST_AVAILABILITY: Final = 1e-9  # less is the rounding of none, such as a sine at sunset


@dataclass(frozen=True)
class Built:
    """A program and where to find what in it."""

    program: HourlyProgram
    series: Mapping[str, int]
    capacities: Mapping[str, int]
    requirements: tuple[Requirement, ...]


def build(
    system: System,
    *,
    firm_mw: float = 0.0,
    dear: float = 10.0,
    units: Mapping[str, Hours | None] | None = None,
) -> Built:
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
    units : mapping of str to ndarray (hours,) or None, optional
        Running capacity of the sources whose units are switched on and off; None leaves it open.
    """
    switched = units or {}
    ramped = [s for s in system.sources if s.ramp_per_hour is not None]
    metered = [s for s in system.sources if s.demand_usd_per_mw > 0.0]
    # The balance comes last in each hour: this order keeps the band narrowest.
    rows = (
        *(f"stored {s.name}" for s in system.storages),
        *(f"ramp {s.name}" for s in ramped),
        *(f"demand {s.name}" for s in metered),
        *(row for s in system.sources if s.name in switched for row in unit_rows(s)),
        "balance",
    )
    builder = Builder(system, rows)
    years = years_of_capital(system.hours)
    box = BOX * max(float(system.load_mw.max()), 1.0)
    capacities = {
        part.name: builder.capacity(
            part.name, part.capital_usd_per_mw_year * years, part.least_mw, min(part.most_mw, box)
        )
        for part in system.planned
    }
    penalty = dear * _dearest(system)
    for source in system.sources:
        _source(builder, source, capacities.get(source.name, -1), box, penalty, switched)
    for storage in system.storages:
        _storage(builder, storage, capacities.get(storage.name, -1))
    for throttle in system.throttles:
        most = np.minimum(system.series(throttle.most_mw), system.load_mw)
        series = builder.add(f"throttle {throttle.name}", throttle.usd_per_mwh, upper=most)
        builder.enter(series, "balance", 1.0)
    _elastic(builder, penalty, switched)
    _limits(builder, penalty, firm_mw, box, switched)
    right = np.zeros((system.hours, len(rows)))
    right[:, -1] = system.load_mw
    program = builder.program(right)
    series_of = {name: i for i, name in enumerate(program.variables)}
    capacities_of = {name: i for i, name in enumerate(program.capacities)}
    return Built(program, series_of, capacities_of, tuple(builder.requirements))


def years_of_capital(hours: int) -> float:
    """Return how many years' capital the hours carry; a leap year carries one."""
    return 1.0 if hours == _LEAP_YEAR else hours / HOURS_PER_YEAR


def _dearest(system: System) -> float:
    """Return the highest price that stands in a system, USD/MWh; a capacity serves one hour."""
    costs = [float(np.abs(system.cost_of(s)).max()) for s in system.sources]
    costs += [float(np.abs(system.series(t.usd_per_mwh)).max()) for t in system.throttles]
    costs += [s.demand_usd_per_mw for s in system.sources]
    # A MW that is built for one hour alone puts its capital on that hour.
    years = years_of_capital(system.hours)
    costs += [years * part.capital_usd_per_mw_year for part in system.planned]
    costs += [s.exit_usd_per_mw for s in system.sources]
    costs.append(system.unserved_usd_per_mwh or 0.0)
    return max(100.0, *costs)


def _source(
    builder: Builder,
    source: Source,
    k: int,
    box: float,
    penalty: float,
    switched: Mapping[str, Hours | None],
) -> None:
    system = builder.system
    stands = system.series(source.availability) > _LEAST_AVAILABILITY
    available = np.where(stands, system.series(source.availability), 0.0)
    least = np.where(stands, system.series(source.least_output), 0.0)
    cost = system.cost_of(source)
    fixed = 0.0 if source.capacity_mw is None else source.capacity_mw
    if source.name in switched:
        # Fuel and emissions go with the heat that the units take.
        cost = system.series(source.marginal_usd_per_mwh) - system.series(source.fuel_usd_per_mwh)
    planned_least = k if np.any(least) else -1
    output = builder.add(
        f"output {source.name}", cost, lower=least * fixed, upper=available * fixed,
        low=(least, planned_least), high=(available, k),
    )  # fmt: skip
    builder.enter(output, "balance", 1.0)
    if source.name in switched:
        add_units(builder, source, output, switched[source.name])
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
    if source.exit_usd_per_mw > 0.0:
        _exit(builder, source, k, box)


def _demand(builder: Builder, source: Source, output: int, box: float) -> None:
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


def _take(builder: Builder, source: Source, output: int, box: float, penalty: float) -> None:
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


def _exit(builder: Builder, source: Source, k: int, box: float) -> None:
    """Charge what of the contracted power is given up."""
    given_up = builder.capacity(f"exit {source.name}", source.exit_usd_per_mw, 0.0, source.most_mw)
    beyond = builder.capacity(f"beyond exit {source.name}", 0.0, 0.0, box)
    kept: dict[int, float] = {} if k < 0 else {k: 1.0}
    left = source.most_mw - (source.capacity_mw or 0.0)
    capacities = {**kept, given_up: 1.0, beyond: -1.0}
    builder.linking.append((f"exit {source.name}", {}, capacities, left))


def _storage(builder: Builder, storage: Storage, k: int) -> None:
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


def _elastic(builder: Builder, penalty: float, switched: Mapping[str, Hours | None]) -> None:
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
    must_run = [s for s in system.sources if np.any(s.least_output) or s.name in switched]
    if must_run:
        size = max(float(load.max()), *(s.capacity_mw or 0.0 for s in must_run), 1.0)
        series = builder.add("surplus", penalty, upper=BOX * size)
        builder.enter(series, "balance", -1.0)
        builder.broken("surplus", variable=series)


def _limits(
    builder: Builder,
    penalty: float,
    firm_mw: float,
    box: float,
    switched: Mapping[str, Hours | None],
) -> None:
    """Add the limits on emissions and energy, and the firm capacity."""
    system = builder.system
    outputs = {s.name: builder.names.index(f"output {s.name}") for s in system.sources}
    emitting = [s for s in system.sources if np.any(s.co2_t_per_mwh)]
    for kind, most, per_mwh in system.caps:
        if np.isfinite(most):
            row: dict[int, Array] = {
                outputs[name]: value for name, value in per_mwh.items() if value.any()
            }
            for source in system.sources if kind != "water" else ():
                if source.name in switched and row.pop(outputs[source.name], None) is not None:
                    row |= by_heat(builder, source, per_mwh[source.name])
                    if kind == "co2":
                        start = np.full(system.hours, source.start_co2_t_per_mw)
                        row[builder.names.index(f"start {source.name}")] = start
            at_most(builder, kind, row, most / system.hours, penalty)
    if system.clean_share > 0.0:
        given = {outputs[s.name]: np.ones(system.hours) for s in emitting}
        most = (1.0 - system.clean_share) * float(system.load_mw.mean())
        at_most(builder, "clean", given, most, penalty)
    if np.isfinite(system.unserved_most_mwh):
        lost = {builder.names.index("unserved"): np.ones(system.hours)}
        at_most(builder, "target", lost, system.unserved_most_mwh / system.hours, penalty)
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
