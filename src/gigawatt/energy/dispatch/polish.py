"""An interior answer made exact: every rule kept to the last digit, nothing a hair off a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.dispatch.merit import fill

if TYPE_CHECKING:
    from gigawatt.energy.dispatch.build import Built
    from gigawatt.energy.program.form import HourlyProgram, Point
    from gigawatt.energy.system import Source, Storage, System

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["polish"]

_NOTHING: Final = 1e-6
"""A planned capacity below this part of the peak load is the solver's rest of none."""
_ROUNDING: Final = 1e-6  # of a limit on energy: no more is a breach
_ROUNDING_MW: Final = 1e-6  # and no less than this part of the peak load
_ROUNDING_SHARE: Final = 1e-7
_WORSE: Final = 1e-7  # of the cost: more than this, and charging and discharging at once has a use


def polish(system: System, built: Built, point: Point) -> tuple[Array, Array]:
    """Return series (V, T) and capacities (K,) that keep every rule, near an interior answer.

    What is stored and what plants with a ramp give is taken over. Charging and discharging follow
    from the stored energy, so that one of them is zero in every hour. The others then meet what is
    left in order of merit, which is exact, for nothing couples their hours but the limits on
    energy; where there are such limits, they keep their answer and meet the rest of it only.

    Where energy is worth less than nothing, for plants must run, a ramp asks for it or a minimum is
    to be taken, the program wastes it by charging and discharging at once. There it is left as it
    is.
    """
    value = built.program.objective(point.x, point.capacity)
    for exclusive, rounded in ((True, True), (True, False), (False, False)):
        found = _polished(system, built, point, exclusive=exclusive, rounded=rounded)
        if found is None:
            continue
        if built.program.objective(*found) <= value + _WORSE * max(abs(value), 1.0):
            return found
    return found if found is not None else (point.x, point.capacity)


def _polished(
    system: System, built: Built, point: Point, *, exclusive: bool, rounded: bool
) -> tuple[Array, Array] | None:
    """Return the answer made exact; None if plants with a ramp would have to leave theirs."""
    program = built.program
    k = np.clip(point.capacity, program.capacity_lower, program.capacity_upper)
    if rounded:
        least = _NOTHING * max(float(system.load_mw.max()), 1.0)
        k[(k < least) & (program.capacity_lower == 0.0) & (program.capital > 0.0)] = 0.0
    lower, upper = program.bounds(k)
    x = np.clip(point.x, lower, upper)
    of = built.series
    demands = _demands(system, built)
    for name, periods in demands.items():
        output = of[f"output {name}"]
        upper[output] = np.minimum(upper[output], k[periods])
        x[output] = np.minimum(x[output], upper[output])
    apart = (point.price[:, -1] >= 0.0) | exclusive
    for storage in system.storages:
        _exchange(storage, built, x, upper, apart)
    steady = _steady(system, built, lower, upper, x)
    flexible = [v for v in _giving(built) if v not in steady]
    if not any(row.any() for row in program.linking_by):
        x[flexible] = lower[flexible]
    elastic = [of[name] for name in ("surplus", "short") if name in of]
    x[elastic] = 0.0
    need = program.right[:, -1] - program.row_values(x)[:, -1]
    more, _ = fill(need, upper[flexible] - x[flexible], program.cost[flexible])
    x[flexible] += more
    less, left = fill(-need, x[flexible] - lower[flexible], -program.cost[flexible])
    x[flexible] -= less
    rounding = max(_ROUNDING_MW, _ROUNDING_SHARE * float(system.load_mw.max(initial=0.0)))
    if left.max(initial=0.0) > rounding:
        if "surplus" not in of:
            return None
        x[of["surplus"]] = left
    elif steady:
        # What is left is the rounding of the interior answer.
        less, _ = fill(left, x[steady] - lower[steady], -program.cost[steady])
        x[steady] -= less
    for place in elastic:
        x[place][x[place] <= rounding] = 0.0
    _follow(system, built, x, k, demands)
    return x, k


def _follow(system: System, built: Built, x: Array, k: Array, demands: dict[str, Any]) -> None:
    """Set what follows from the outputs: ramps, demands and the slacks of the linking rows."""
    for source in system.sources:
        output = x[built.series[f"output {source.name}"]]
        if source.ramp_per_hour is not None:
            x[built.series[f"change {source.name}"]] = np.diff(output, prepend=output[0])
        if f"running {source.name}" in built.series:
            _units(source, built, x)
        if source.name in demands:
            x[built.series[f"metered {source.name}"]] = output
            places = demands[source.name]
            for place in np.unique(places):
                peak = float(output[places == place].max())
                k[place] = max(source.least_demand_mw, peak)
    _slacks(built.program, x, k)


def _steady(system: System, built: Built, lower: Array, upper: Array, x: Array) -> list[int]:
    """Return the outputs that keep their answer: a ramp or running units tie their hours."""
    found = []
    for source in system.sources:
        _within_units(source, built, lower, upper, x)
        if source.ramp_per_hour is not None or f"running {source.name}" in built.series:
            found.append(built.series[f"output {source.name}"])
    return found


def _within_units(source: Source, built: Built, lower: Array, upper: Array, x: Array) -> None:
    """Keep the output within what the running units give."""
    if f"running {source.name}" not in built.series:
        return
    of, output = built.series, built.series[f"output {source.name}"]
    running = x[of[f"running {source.name}"]]
    widths = [p for n, p in of.items() if n.startswith(f"part {source.name} ")]
    least = source.least_load * running
    size = max(source.capacity_mw or 0.0, 1e-12)
    most = least + running / size * sum((built.program.upper[p] for p in widths), 0.0)
    lower[output] = np.maximum(lower[output], least)
    upper[output] = np.minimum(upper[output], most)
    x[output] = np.clip(x[output], lower[output], upper[output])


def _units(source: Source, built: Built, x: Array) -> None:
    """Set starts, stops and the parts of the heat curve from running units and output."""
    of, name = built.series, source.name
    running, size = x[of[f"running {name}"]], max(source.capacity_mw or 0.0, 1e-12)
    change = np.diff(running, prepend=running[:1])
    x[of[f"start {name}"]] = np.maximum(change, 0.0)
    x[of[f"stop {name}"]] = np.maximum(-change, 0.0)
    above = x[of[f"output {name}"]] - source.least_load * running
    for i in range(sum(n.startswith(f"part {name} ") for n in of)):
        room = running / size * built.program.upper[of[f"part {name} {i}"]]
        part = np.clip(above, 0.0, room)
        x[of[f"part {name} {i}"]], x[of[f"slack {name} {i}"]] = part, room - part
        above = above - part


def _demands(system: System, built: Built) -> dict[str, Any]:
    """Return the place of the demand capacity of each hour, by metered source."""
    found = {}
    for source in system.sources:
        if source.demand_usd_per_mw > 0.0:
            places = [
                built.capacities[f"demand {source.name} {p}"]
                for p in range(int(system.periods.max()) + 1)
            ]
            found[source.name] = np.array(places)[system.periods]
    return found


def _giving(built: Built) -> list[int]:
    """Return the series that can meet load at once."""
    names = ("output ", "throttle ")
    return [v for n, v in built.series.items() if n.startswith(names) or n in ("unserved", "short")]


def _exchange(storage: Storage, built: Built, x: Array, upper: Array, apart: Flags) -> None:
    """Set charging and discharging to what the stored energy asks for, where they are apart."""
    charge, give, stored = (
        built.series[f"{what} {storage.name}"] for what in ("charge", "discharge", "stored")
    )
    energy = x[stored]
    change = energy - (1.0 - storage.loss_per_hour) * np.roll(energy, 1)
    # Rounding aside, the interior answer is within the power already.
    taken = np.minimum(np.maximum(change, 0.0) / storage.charge_efficiency, upper[charge])
    given = np.minimum(np.maximum(-change, 0.0) * storage.discharge_efficiency, upper[give])
    x[charge] = np.where(apart, taken, x[charge])
    x[give] = np.where(apart, given, x[give])


def _slacks(program: HourlyProgram, x: Array, k: Array) -> None:
    """Set the two slacks of each linking row: what it lacks, and what it has beyond."""
    for j, row in enumerate(program.linking_capacity):
        lack = int(np.flatnonzero((row == 1.0) & _only_in(program, j))[-1])
        beyond = int(np.flatnonzero((row == -1.0) & _only_in(program, j))[-1])
        k[[lack, beyond]] = 0.0
        off = float(program.linking_right[j] - (program.linking_by[j] * x).sum() - row @ k)
        if abs(off) > _ROUNDING * (1.0 + abs(program.linking_right[j])):
            k[lack], k[beyond] = max(off, 0.0), max(-off, 0.0)


def _only_in(program: HourlyProgram, j: int) -> Array:
    """Return which capacities bound no series and stand in row `j`: its slacks."""
    bounding = np.zeros(len(program.capacities), dtype=bool)
    for of in (program.lower_of, program.upper_of):
        used = np.unique(of)
        bounding[used[used >= 0]] = True
    slacks: Array = ~bounding & (program.linking_capacity[j] != 0.0)
    return slacks
