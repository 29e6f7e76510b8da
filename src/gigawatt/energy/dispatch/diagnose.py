"""The optimum of a system, or in words why it has none: which rule, by how much, in which hours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.dispatch.build import build
from gigawatt.energy.program.interior import solve
from gigawatt.errors import GigawattError, InputError

if TYPE_CHECKING:
    from gigawatt.energy.dispatch.build import Built, Requirement
    from gigawatt.energy.program.form import HourlyProgram, Point
    from gigawatt.energy.system import System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["InfeasibleError", "answer"]

_SMALL: Final = 1e-5  # of the peak load; the interior answer is not nearer to zero
_DEAR: Final = (10.0, 100.0, 1e3, 1e4)  # no dearer than is needed: it costs digits
_SERVICE: Final = 100.0  # serving the load goes before any limit, so that answers are unique
_HOURS_NAMED: Final = 5


class InfeasibleError(InputError):
    """Rules that cannot all be kept; the message names them, by how much and in which hours."""


def answer(system: System, *, firm_mw: float = 0.0, tolerance: float = 1e-8) -> tuple[Built, Point]:
    """Return a system as a program with its optimum, in which every rule is kept.

    Where the optimum breaks a rule, a second program asks for as little breach as possible whatever
    it costs. If some breach is needed, its answer is what the message says; if none is, breaking
    was too cheap, and is made dearer.

    Raises
    ------
    InfeasibleError
        If the rules cannot all be kept.
    """
    size = max(float(system.load_mw.max()), 1.0)
    for dear in _DEAR:
        built = build(system, firm_mw=firm_mw, dear=dear)
        point = solve(built.program, tolerance)
        if not _broken(system, built, point, size):
            return built, point
        breaches = _broken(system, built, solve(_least_breach(built), tolerance), size)
        if breaches:
            raise InfeasibleError("\n".join(breaches))
    message = "breaking a rule came out cheaper than keeping it; please report this system"
    raise GigawattError(message)


def _least_breach(built: Built) -> HourlyProgram:
    """Return the program that counts nothing but breaches."""
    program = built.program
    cost, capital = np.zeros_like(program.cost), np.zeros_like(program.capital)
    for one in built.requirements:
        if one.variable >= 0:
            cost[one.variable] = _SERVICE
        else:
            capital[one.capacity] = program.hours * one.unit
    return replace(program, cost=cost, capital=capital)


def _broken(system: System, built: Built, point: Point, size: float) -> list[str]:
    """Return what is broken, in words."""
    found = []
    for one in built.requirements:
        if one.variable >= 0:
            series = np.where(point.x[one.variable] > _SMALL * size, point.x[one.variable], 0.0)
            if series.any():
                found.append(_hourly(system, built, one, series))
        elif point.capacity[one.capacity] > _SMALL * size:
            found.append(_total(system, one, one.unit * float(point.capacity[one.capacity])))
    return found


def _hourly(system: System, built: Built, one: Requirement, series: Array) -> str:
    """Say in which hours a balance fails, and what could have been given in the worst."""
    hours = np.flatnonzero(series)
    worst = int(series.argmax())
    _, upper = built.program.bounds(built.program.capacity_upper)
    able = sum(float(upper[built.series[f"output {s.name}"], worst]) for s in system.sources)
    where = f"{len(hours)} hour{'s' if len(hours) > 1 else ''} ({_named(hours)})"
    most = f"at most {series[worst]:,.4g} MW, in hour {worst}"
    if one.kind == "unserved":
        return (
            f"the load cannot be served in {where}: {series.sum():,.4g} MWh are missing, {most}, "
            f"where the load is {system.load_mw[worst]:,.5g} MW and all sources together can give "
            f"{able:,.5g} MW; add capacity, storage or a throttle, or state unserved_usd_per_mwh"
        )
    return (
        f"plants that must run give more than is needed in {where}: {series.sum():,.4g} MWh have "
        f"nowhere to go, {most}, where the load is {system.load_mw[worst]:,.5g} MW; lower "
        "least_output or add storage"
    )


def _total(system: System, one: Requirement, value: float) -> str:
    """Say by how much a limit over all hours fails."""
    amount = value * system.hours
    if one.kind == "take":
        source = next(s for s in system.sources if s.name == one.subject)
        return (
            f"{one.subject}: the minimum take of {source.least_energy_mwh:,.5g} MWh cannot be "
            f"used: {amount:,.4g} MWh are too many over the {system.hours} hours; lower it, or "
            "state shortfall_usd_per_mwh"
        )
    if one.kind == "co2":
        return (
            f"emissions cannot be held to {system.co2_most_t:,.5g} t: at least {amount:,.4g} t "
            f"more over the {system.hours} hours; raise co2_most_t or add sources without emissions"
        )
    if one.kind == "clean":
        return (
            f"a clean share of {system.clean_share:.2%} cannot be reached: sources with emissions "
            f"must give at least {amount:,.4g} MWh more over the {system.hours} hours"
        )
    if one.kind == "target":
        return (
            f"unserved load cannot be held to {system.unserved_most_mwh:,.5g} MWh: at least "
            f"{amount:,.4g} MWh more go unserved over the {system.hours} hours; add capacity"
        )
    return (
        f"the firm capacity falls short by {value:,.4g} MW: nothing more may be built; raise "
        "most_mw of a source, or ask for less"
    )


def _named(hours: Any) -> str:  # noqa: ANN401  an array of indices
    """Name the hours: all of a few, or the first ones and the last."""
    if len(hours) <= _HOURS_NAMED:
        return ", ".join(str(h) for h in hours)
    first = ", ".join(str(h) for h in hours[: _HOURS_NAMED - 1])
    return f"{first} ... {hours[-1]}"
