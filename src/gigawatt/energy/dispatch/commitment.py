"""Which units run in which hour: whole numbers, window by window, with a certified gap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.program.bounds import lower_bound
from gigawatt.energy.program.window import priced_constant, relaxed_window, window
from gigawatt.errors import GigawattError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.energy.dispatch.build import Built
    from gigawatt.energy.program.form import HourlyProgram, Point
    from gigawatt.energy.system import Source, System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["committed_sources", "schedule_bound", "unit_schedule"]

_WINDOW_H: Final = 120
_AHEAD_H: Final = 24
"""Hours solved beyond those that are kept, so that the end of a window does not matter much."""
_WEEK_H: Final = 168
_FEASIBLE: Final = 2  # of HiGHS's states of a solution
_MOST_S: Final = 20.0  # a window that takes longer keeps the best that was found


class _NoScheduleError(GigawattError):
    """No schedule of whole units was found that keeps the rules of a window."""


def committed_sources(system: System) -> tuple[Source, ...]:
    """Return the sources whose units are to be switched.

    Raises
    ------
    InputError
        If there is none.
    """
    found = tuple(s for s in system.sources if s.units)
    if not found:
        message = "no source has units to switch on and off; state units, at least 1, of a source"
        raise InputError(message)
    return found


def unit_schedule(system: System, built: Built, point: Point, gap: float) -> dict[str, Array]:
    """Return the running capacity of each committed source in each hour, in whole units, MW.

    The year is cut into windows. Each is a mixed-integer program (HiGHS) that begins where the one
    before ended; what the hours beyond it, demand charges and limits over all hours are worth to it
    comes from the prices of the relaxed answer. Least times up and down hold across windows.

    Parameters
    ----------
    system : System
        The system.
    built, point : Built, Point
        Its program with units left open, and its answer.
    gap : float
        Relative gap at which each window stops.
    """
    try:
        return _windows(system, built, _strict(built), point, gap)
    except _NoScheduleError:
        # Some rule cannot be kept in whole units: the dispatch that follows says which.
        return _windows(system, built, built.program, point, gap)


def _strict(built: Built) -> HourlyProgram:
    """Return the program with the rules of an hour kept: no surplus, and no load lost unpriced."""
    upper = built.program.upper.copy()
    for one in built.requirements:
        if one.variable >= 0:
            upper[one.variable] = 0.0
    return replace(built.program, upper=upper)


def _windows(
    system: System, built: Built, program: HourlyProgram, point: Point, gap: float
) -> dict[str, Array]:
    """Return the running capacity of each source, window by window."""
    x, k, hours = point.x.copy(), point.capacity.copy(), program.hours
    places = {s.name: built.series[f"running {s.name}"] for s in committed_sources(system)}
    for at in range(0, hours, _WINDOW_H):
        keep = min(at + _WINDOW_H, hours)
        part = window(program, point, at, min(keep + _AHEAD_H, hours), x[:, at - 1], k)
        pasts = {s.name: _history(s, x[places[s.name], :at]) for s in committed_sources(system)}
        x[:, at:keep] = _solved(part, built, pasts, system, gap)[:, : keep - at]
        of, metered = program.upper_of[:, at:keep], program.upper_of[:, at:keep] >= 0
        np.maximum.at(k, of[metered], x[:, at:keep][metered])
    return {name: x[place] for name, place in places.items()}


def _unit_mw(source: Source) -> float:
    return float(source.capacity_mw or 0.0) / source.units


@dataclass(frozen=True)
class _Past:
    """Units that started and stopped in the hours before a window, the latest last."""

    started: Array
    stopped: Array


def _history(source: Source, running_mw: Array) -> _Past:
    """Return what started and stopped in the hours so far; in the first nothing does."""
    count = np.round(running_mw / max(_unit_mw(source), 1e-12))
    change = np.diff(count, prepend=count[:1])
    return _Past(np.maximum(change, 0.0), np.maximum(-change, 0.0))


def _solver(
    part: HourlyProgram, built: Built, system: System, pasts: Mapping[str, _Past], gap: float
) -> Any:  # noqa: ANN401  HiGHS has no types
    """Return HiGHS with a window in whole units; what they count comes after all other columns."""
    import highspy as untyped  # noqa: PLC0415  heavy, and needed here only

    from gigawatt.energy.program.monolithic import lp_model, quiet_solver  # noqa: PLC0415  it too

    highspy: Any = untyped
    solver = quiet_solver(highspy)
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("time_limit", _MOST_S)
    solver.passModel(lp_model(part, highspy))
    nothing = _Past(np.zeros(0), np.zeros(0))
    for source in committed_sources(system):
        past = pasts.get(source.name, nothing)
        _whole_units(solver, highspy, part.hours, built, source, past)
    return solver


def _solved(
    part: HourlyProgram, built: Built, pasts: Mapping[str, _Past], system: System, gap: float
) -> Array:
    """Return the series (V, hours) of a window in whole units."""
    solver = _solver(part, built, system, pasts, gap)
    solver.run()
    if solver.getInfo().primal_solution_status != _FEASIBLE:
        message = f"no schedule of units was found in {_MOST_S:g} s; please report this system"
        raise _NoScheduleError(message)
    values = np.array(solver.getSolution().col_value)
    series = values[: part.cost.size].reshape(part.cost.shape)
    first = part.cost.size + len(part.capacities)
    for i, source in enumerate(committed_sources(system)):
        count = np.round(values[first + i * part.hours : first + (i + 1) * part.hours])
        series[built.series[f"running {source.name}"]] = np.abs(count) * _unit_mw(source)
    return series


def _whole_units(
    solver: Any,  # noqa: ANN401  HiGHS has no types
    highspy: Any,  # noqa: ANN401
    hours: int,
    built: Built,
    source: Source,
    past: _Past,
) -> None:
    """Add the number of running units of each hour, and the least times up and down."""
    unit, first = _unit_mw(source), solver.getNumCol()
    running, start, stop = (
        built.series[f"{what} {source.name}"] * hours for what in ("running", "start", "stop")
    )
    solver.addVars(hours, np.zeros(hours), np.full(hours, float(source.units)))
    places = np.arange(first, first + hours, dtype=np.int32)
    solver.changeColsIntegrality(hours, places, np.full(hours, highspy.HighsVarType.kInteger))
    for t in range(hours):
        _row(solver, 0.0, 0.0, {running + t: 1.0, first + t: -unit})
        for events, least, earlier, sign, most in (
            (start, source.least_up_h, past.started, -unit, 0.0),
            (stop, source.least_down_h, past.stopped, unit, unit * source.units),
        ):
            if least == 1:
                continue
            since = max(t - least + 1, 0)
            reach = max(least - 1 - t, 0)  # hours before the window
            gone = unit * float(earlier[len(earlier) - reach :].sum()) if reach else 0.0
            terms = {events + s: 1.0 for s in range(since, t + 1)}
            _row(solver, -highspy.kHighsInf, most - gone, {**terms, first + t: sign})


def _row(solver: Any, low: float, high: float, terms: Mapping[int, float]) -> None:  # noqa: ANN401
    places = np.fromiter(terms, dtype=np.int32)
    solver.addRow(low, high, len(terms), places, np.fromiter(terms.values(), dtype=float))


def schedule_bound(system: System, built: Built, point: Point, gap: float) -> float:
    """Return a cost that no schedule of whole units can undercut, in USD.

    Weeks without ties, each priced as the relaxed answer has it (Lagrangian relaxation), are
    mixed-integer programs whose own bounds add up to one of the year. The better of this and the
    bound of the relaxed program counts.

    Parameters
    ----------
    system, built, point : System, Built, Point
        As of `unit_schedule`.
    gap : float
        Relative gap at which the bound of a week is good enough.
    """
    program = _strict(built)
    total = priced_constant(program, point)
    for at in range(0, program.hours, _WEEK_H):
        part = relaxed_window(program, point, at, min(at + _WEEK_H, program.hours))
        solver = _solver(part, built, system, {}, gap)
        # Cuts at the root do nearly all there is to do for a bound; no schedule is looked for.
        solver.setOptionValue("mip_heuristic_effort", 0.0)
        solver.setOptionValue("mip_max_nodes", 1)
        solver.run()
        total += float(solver.getInfo().mip_dual_bound)
    relaxed = lower_bound(built.program, point.price, point.linking_price)
    return max(relaxed, total) if np.isfinite(total) else relaxed
