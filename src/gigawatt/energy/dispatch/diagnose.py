"""The optimum of a system, or in words why it has none: which rule, by how much, in which hours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.dispatch.build import build
from gigawatt.energy.program.interior import solve
from gigawatt.errors import GigawattError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.energy.dispatch.build import Built, Requirement
    from gigawatt.energy.program.form import HourlyProgram, Point
    from gigawatt.energy.system import System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["DEAR", "InfeasibleError", "answer", "broken_rules", "least_breach"]

_SMALL: Final = 1e-5  # of the peak load; the interior answer is not nearer to zero
DEAR: Final = (10.0, 100.0, 1e3, 1e4)  # no dearer than is needed: it costs digits
_SERVICE: Final = 100.0  # serving the load goes before any limit, so that answers are unique
_HOURS_NAMED: Final = 5
_CAPS: Final = {
    "co2": ("emissions", "t", "co2_most_t", "add sources without emissions"),
    "water": ("water", "m3", "water_most_m3", "add sources that need none"),
    "nox": ("nitrogen oxides", "t", "nox_most_t", "add sources that emit none"),
}


class InfeasibleError(InputError):
    """Rules that cannot all be kept; the message names them, by how much and in which hours."""


def answer(
    system: System,
    *,
    firm_mw: float = 0.0,
    tolerance: float = 1e-8,
    units: Mapping[str, Array | None] | None = None,
) -> tuple[Built, Point]:
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
    for dear in DEAR:
        built = build(system, firm_mw=firm_mw, dear=dear, units=units)
        point = solve(built.program, tolerance)
        if not broken_rules(system, built, point, size):
            return built, point
        breaches = broken_rules(system, built, solve(least_breach(built), tolerance), size)
        if breaches:
            raise InfeasibleError("\n".join(breaches))
    message = "breaking a rule came out cheaper than keeping it; please report this system"
    raise GigawattError(message)


def least_breach(built: Built) -> HourlyProgram:
    """Return the program that counts nothing but breaches."""
    program = built.program
    cost, capital = np.zeros_like(program.cost), np.zeros_like(program.capital)
    for one in built.requirements:
        if one.variable >= 0:
            cost[one.variable] = _SERVICE
        else:
            capital[one.capacity] = program.hours * one.unit
    return replace(program, cost=cost, capital=capital)


def broken_rules(system: System, built: Built, point: Point, size: float) -> list[str]:
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
    able = sum(_able(built, upper, s.name, worst) for s in system.sources)
    where = f"{len(hours)} hour{'s' if len(hours) > 1 else ''} ({_named(hours)})"
    most = f"at most {series[worst]:,.4g} MW, in hour {worst}"
    if one.kind == "unserved":
        return (
            f"the load cannot be served in {where}: {series.sum():,.4g} MWh are missing, {most}, "
            f"where the load is {system.load_mw[worst]:,.5g} MW and all sources together can give "
            f"{able:,.5g} MW; add capacity, storage or a throttle, or state unserved_usd_per_mwh"
            + "".join(_too_big(system, built, worst))
        )
    return (
        f"plants that must run give more than is needed in {where}: {series.sum():,.4g} MWh have "
        f"nowhere to go, {most}, where the load is {system.load_mw[worst]:,.5g} MW; lower "
        "least_output or add storage"
    )


def _able(built: Built, upper: Array, name: str, hour: int) -> float:
    """Return what a source can give in an hour, its units being as they are."""
    running = built.series.get(f"running {name}")
    output = float(upper[built.series[f"output {name}"], hour])
    return output if running is None else min(output, float(upper[running, hour]))


def _too_big(system: System, built: Built, hour: int) -> list[str]:
    """Say which units cannot run so low."""
    load = float(system.load_mw[hour])
    return [
        f"; a unit of {s.name} gives at least {least:,.5g} MW"
        for s in system.sources
        if f"running {s.name}" in built.series
        and (least := s.least_load * (s.capacity_mw or 0.0) / s.units) > load
    ]


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
    if one.kind in _CAPS:
        what, unit, key, advice = _CAPS[one.kind]
        return (
            f"{what} cannot be held to {getattr(system, key):,.5g} {unit}: at least "
            f"{amount:,.4g} {unit} more over the {system.hours} hours; raise {key} or {advice}"
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
