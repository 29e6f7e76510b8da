"""Whether a campus's supply holds when its plants fail, on its islands and without the grid."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.energy.expansion.firmness import Fleet
from gigawatt.energy.expansion.reliability import exact_reliability
from gigawatt.energy.system import Source, System
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.energy.technologies import Technology
    from gigawatt.twin.energy_year.parts import Part
    from gigawatt.twin.energy_year.simulate import EnergyYear

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Firmness", "Holding", "firmness_of", "fleet_of"]


@dataclass(frozen=True)
class Holding:
    """How far a set of plants carries a load when units fail.

    Parameters
    ----------
    name : str
        The island, or what is looked at.
    peak_mw : float
        Highest load.
    installed_mw, firm_mw : float
        Capacity of all units; that left when the largest unit is out, and sun and wind give
        nothing.
    loss_of_load_h, unserved_mwh : float or None
        Expected hours in the year, and energy, that the plants do not carry; None where outages of
        a plant are not published.
    facts : tuple of str
        Keys of the facts.
    why : str
        Why there is no expectation.
    """

    name: str
    peak_mw: float
    installed_mw: float
    firm_mw: float
    loss_of_load_h: float | None
    unserved_mwh: float | None
    facts: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Firmness:
    """Whether supply holds.

    Parameters
    ----------
    islands : tuple of Holding
        Each island by itself: nothing else feeds it.
    alone : Holding or None
        The campus's other sources if the grid gave nothing; None where it has none.
    """

    islands: tuple[Holding, ...]
    alone: Holding | None


def firmness_of(energy: EnergyYear) -> Firmness:
    """Return how firm the supply of a year is.

    Outages of units are independent and alike all year; the table of their states is exact.
    """
    islands = [p for p in energy.parts if p.spec.islanded]
    others = [p for p in energy.parts if not p.spec.islanded and isinstance(p.part, Source)]
    held = tuple(_holding(p.name, [_whole(p)], energy.dispatch.output_mw[p.name]) for p in islands)
    connected = energy.load_mw - energy.island_load_mw
    alone = _holding("without the grid", others, connected) if others else None
    return Firmness(held, alone)


def fleet_of(tech: Technology, units: int | None = None) -> tuple[Fleet, tuple[str, ...]]:
    """Return the units of a technology and how they fail, with the facts on it.

    Parameters
    ----------
    tech : Technology
        The technology.
    units : int, optional
        Their number; by default it follows from their published size, or is one.

    Raises
    ------
    NotModelledError
        If no outages of the technology are published.
    """
    entry = catalog.load().get("technology", tech.id)
    fields = ["forced_outage_rate", "mean_repair_h"]
    missing = [f for f in fields if f not in entry]
    if missing:
        message = f"no {' and no '.join(missing)} is published for {tech.name}"
        raise NotModelledError(message)
    size = entry.number("unit_mw") if "unit_mw" in entry and units is None else 0.0
    fields += ["unit_mw"] if size else []
    rate, repair = (entry.number(f) for f in fields[:2])
    fleet = Fleet(
        forced_outage_rate=rate, mean_repair_h=repair, unit_mw=size,
        units=0 if size else units or 1,
    )  # fmt: skip
    return fleet, tuple(entry[f].key for f in fields)


def _whole(part: Part) -> Part:
    """Return an islanded part with all its units, free to give what they can."""
    assert isinstance(part.part, Source)  # noqa: S101  storage is never an island's only source
    free = replace(
        part.part,
        capacity_mw=part.spec.installed_mw or part.spec.capacity_mw,
        availability=(np.asarray(part.part.availability) > 0.0).astype(float),
        least_output=0.0,
    )
    return replace(part, part=free)


def _holding(name: str, parts: list[Part], load_mw: Hours) -> Holding:
    sources = [p.part for p in parts if isinstance(p.part, Source)]
    sizes = [(s.capacity_mw or 0.0) for s in sources]
    orders = [(p, size) for p, size in zip(parts, sizes, strict=True) if _follows(p)]
    units = [_unit_mw(p, size) for p, size in orders]
    firm = sum(size for _, size in orders) - max(units, default=0.0)
    fleets, keys = {}, list[str]()
    try:
        for part, _ in orders:
            fleets[part.name], more = fleet_of(part.tech, part.spec.units)
            keys += more
    except NotModelledError as error:
        return Holding(name, float(load_mw.max()), sum(sizes), firm, None, None, (), str(error))
    system = System(load_mw=load_mw, sources=tuple(sources), unserved_usd_per_mwh=1.0)
    hours, energy = exact_reliability(system, fleets)
    return Holding(
        name, float(load_mw.max()), sum(sizes), firm, hours, energy, tuple(dict.fromkeys(keys))
    )


def _unit_mw(part: Part, capacity_mw: float) -> float:
    """Return the size of a unit: as stated, as published of the technology, or all of it."""
    if part.spec.units:
        return capacity_mw / part.spec.units
    entry = catalog.load().get("technology", part.tech.id)
    if "unit_mw" not in entry or not capacity_mw:
        return capacity_mw
    return capacity_mw / max(math.ceil(capacity_mw / entry.number("unit_mw")), 1)


def _follows(part: Part) -> bool:
    """Return whether a plant gives when it is told to."""
    return part.tech.fuel not in {"sun", "wind"}
