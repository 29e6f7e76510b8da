"""Dispatch a system at least cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.energy.dispatch.commitment import committed_sources, schedule_bound, unit_schedule
from gigawatt.energy.dispatch.diagnose import answer
from gigawatt.energy.dispatch.polish import polish
from gigawatt.energy.dispatch.result import Dispatch, Units
from gigawatt.energy.dispatch.units import heat_of
from gigawatt.energy.program.bounds import lower_bound
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.energy.dispatch.build import Built
    from gigawatt.energy.program.form import Point
    from gigawatt.energy.system import System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["at_capacities", "dispatch", "dispatched"]


def dispatch(
    system: System,
    capacity_mw: Mapping[str, float] | None = None,
    *,
    tolerance: float = 1e-8,
    commitment: bool = False,
    gap: float = 2e-3,
) -> Dispatch:
    """Return the least-cost dispatch of a system whose capacities are fixed.

    An exact linear program over all hours: storage is cyclic, ramps bind between neighbouring
    hours, and demand charges and limits on energy are part of it.

    With `commitment` the units of sources that state `units` are switched on and off: starts, least
    loads, heat at part load, least times up and down. The schedule is found window by window, the
    rest dispatched exactly for it, and the answer's `gap` is certified: no schedule is cheaper than
    `lower_bound_usd`.

    Parameters
    ----------
    system : System
        The system.
    capacity_mw : mapping of str to float, optional
        Capacities by name, in place of those of the system.
    tolerance : float
        Relative gap at which the solver stops.
    commitment : bool
        Whether units are switched on and off.
    gap : float
        With `commitment`: relative gap at which the search in each window stops; the answer says
        its own.

    Raises
    ------
    InputError
        If a capacity is missing, or a rule cannot be kept: the message says which, by how much and
        in which hours.
    """
    fixed = at_capacities(system, capacity_mw or {})
    if fixed.planned:
        names = ", ".join(part.name for part in fixed.planned)
        message = f"no capacity is stated for {names}; state capacity_mw, or plan with plan_supply"
        raise InputError(message)
    if commitment:
        return _committed(fixed, tolerance, gap)
    built, point = answer(fixed, tolerance=tolerance)
    return dispatched(fixed, built, point)


def _committed(system: System, tolerance: float, gap: float) -> Dispatch:
    """Relax, find a schedule of whole units, dispatch all else for it."""
    names = [s.name for s in committed_sources(system)]
    open_built, open_point = answer(system, tolerance=tolerance, units=dict.fromkeys(names))
    running = unit_schedule(system, open_built, open_point, gap)
    built, point = answer(system, tolerance=tolerance, units=running)
    found = dispatched(system, built, point)
    units = {}
    for source in committed_sources(system):
        size = max((source.capacity_mw or 0.0) / source.units, 1e-12)
        on = running[source.name]
        count = np.round(on / size)
        started = np.maximum(np.diff(count, prepend=count[:1]), 0.0)
        heat = heat_of(source, on, found.output_mw[source.name])
        units[source.name] = Units(count, started, heat, size)
    bound = schedule_bound(system, open_built, open_point, gap)
    return replace(found, units=units, lower_bound_usd=bound)


def at_capacities(system: System, capacity_mw: Mapping[str, float]) -> System:
    """Return the system with the given capacities fixed."""
    known = [part.name for part in system.parts]
    for name in capacity_mw:
        if name not in known:
            message = f"the system has no source or storage named '{name}'; it has {known}"
            raise InputError(message)
    return replace(
        system,
        sources=tuple(
            replace(s, capacity_mw=float(capacity_mw[s.name])) if s.name in capacity_mw else s
            for s in system.sources
        ),
        storages=tuple(
            replace(s, capacity_mw=float(capacity_mw[s.name])) if s.name in capacity_mw else s
            for s in system.storages
        ),
    )


def dispatched(system: System, built: Built, point: Point) -> Dispatch:
    """Return the answer to a built program, made exact, as a dispatch."""
    x, k = polish(system, built, point)
    of = built.series
    none = np.zeros(system.hours)
    unserved = sum((x[of[n]] for n in ("unserved", "short") if n in of), none)
    return Dispatch(
        system=system,
        capacity_mw={
            p.name: float(k[built.capacities[p.name]]) if p.capacity_mw is None else p.capacity_mw
            for p in system.parts
        },
        output_mw={s.name: x[of[f"output {s.name}"]] for s in system.sources},
        charge_mw={s.name: x[of[f"charge {s.name}"]] for s in system.storages},
        discharge_mw={s.name: x[of[f"discharge {s.name}"]] for s in system.storages},
        stored_mwh={s.name: x[of[f"stored {s.name}"]] for s in system.storages},
        throttled_mw={t.name: x[of[f"throttle {t.name}"]] for t in system.throttles},
        unserved_mw=unserved,
        spilt_mw=x[of["surplus"]] if "surplus" in of else none,
        price_usd_per_mwh=point.price[:, -1],
        cost_usd=_costs(system, built, x, k),
        lower_bound_usd=lower_bound(built.program, point.price, point.linking_price),
        demand_mw={
            s.name: k[[i for n, i in built.capacities.items() if n.startswith(f"demand {s.name} ")]]
            for s in system.sources
            if s.demand_usd_per_mw > 0.0
        },
    )


def _costs(system: System, built: Built, x: Array, k: Array) -> dict[str, float]:
    """Return the running cost by part; planned capacities' capital is not in it."""
    program = built.program
    by_series = (program.cost * x).sum(axis=1)
    costs: dict[str, float] = {}
    for name, place in built.series.items():
        kind, _, subject = name.partition(" ")
        if kind in ("output", "discharge", "throttle"):
            costs[subject] = float(by_series[place])
        elif kind in ("running", "part"):
            # What the heat of running units costs, on top of what their output costs.
            subject = subject if kind == "running" else subject.rpartition(" ")[0]
            costs[subject] += float(by_series[place])
        elif kind == "start":
            costs[f"starts {subject}"] = float(by_series[place])
        elif kind in ("unserved", "short", "surplus"):
            costs[kind] = float(by_series[place])
    planned = {part.name for part in system.planned}
    for name, place in built.capacities.items():
        kind, _, subject = name.partition(" ")
        if name in planned or kind in ("below", "beyond"):
            continue
        label = f"demand charge {subject.rpartition(' ')[0]}" if kind == "demand" else name
        label = f"exit fee {subject}" if kind == "exit" else label
        costs[label] = costs.get(label, 0.0) + float(program.capital[place] * k[place])
    return costs
