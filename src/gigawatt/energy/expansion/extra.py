"""What a further gigawatt of load would cost, year by year, with what can be there by then."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.energy.dispatch.build import years_of_capital
from gigawatt.energy.dispatch.diagnose import InfeasibleError
from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.expansion.plan import plan_supply
from gigawatt.energy.system import Source
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.energy.dispatch.result import Dispatch
    from gigawatt.energy.system import Storage, System

__all__ = ["LEAST_COST", "ExtraCost", "Option", "extra_load_cost"]

LEAST_COST: Final = "least cost"
"""Name of the mix of all that can be there, with what room is left."""
_NOTHING_MW: Final = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Option:
    """What may be built for the extra load.

    Parameters
    ----------
    part : Source or Storage
        Without a capacity. Where something of its name stands, it is built beside that.
    earliest : str
        First possible day of service, ISO 8601; empty: any.
    usd_per_mw : float, optional
        Overnight cost; None where it is not known, and the capital of a mix with it is not either.
    """

    part: Source | Storage
    earliest: str = ""
    usd_per_mw: float | None = None


@dataclass(frozen=True, eq=False)
class ExtraCost:
    """What the extra load costs in a year, by a mix; None where the mix cannot serve it.

    Parameters
    ----------
    year : int
        The year, with the extra load from its first hour on.
    mix : str
        Name of the mix.
    why_not : str
        Why it is impossible; empty where it is possible.
    built_mw : dict of str to float
        What is built for it.
    usd_per_year : float or None
        Cost over that of the year without the extra load, capital's yearly charge included.
    usd_per_mwh : float or None
        The same over the energy of the extra load.
    capital_usd : float or None
        Overnight cost of what is built.
    co2_t_per_year : float or None
        Emissions over those of the year without it.
    """

    year: int
    mix: str
    why_not: str = ""
    built_mw: Mapping[str, float] = field(default_factory=dict)
    usd_per_year: float | None = None
    usd_per_mwh: float | None = None
    capital_usd: float | None = None
    co2_t_per_year: float | None = None

    @property
    def possible(self) -> bool:
        """Whether the mix can serve the extra load in that year."""
        return not self.why_not

    def row(self) -> dict[str, object]:
        """Return a flat row of a table."""
        return {
            "year": self.year,
            "mix": self.mix,
            "usd_per_year": self.usd_per_year,
            "usd_per_mwh": self.usd_per_mwh,
            "capital_usd": self.capital_usd,
            "co2_t_per_year": self.co2_t_per_year,
            **{f"built_mw {name}": mw for name, mw in self.built_mw.items()},
            "why_not": self.why_not,
        }


def extra_load_cost(
    years: Mapping[int, System],
    options: Sequence[Option],
    *,
    extra_mw: float = 1000.0,
    mixes: Mapping[str, Sequence[str]] | None = None,
    reserve: float | None = None,
    tolerance: float = 1e-7,
) -> tuple[ExtraCost, ...]:
    """Return what a constant extra load, served in every hour, would cost in each year.

    For each year and mix the least-cost supply of the year's load and the extra load is planned
    around what stands, and the year's own cost is taken off. An option counts for a year if it can
    be in service on its first day. No more load goes unserved than without the extra.

    Parameters
    ----------
    years : mapping of int to System
        What stands in each year, all capacities given: for a plan, the years' dispatches have it.
        Room left in it serves the extra load too.
    options : sequence of Option
        What may be built.
    extra_mw : float
        The extra load.
    mixes : mapping of str to sequence of str, optional
        Names of options by mix. Left out: each option alone. `LEAST_COST`, of all options, is
        always added.
    reserve : float, optional
        Part by which what is built must exceed the extra load in firm capacity; None for no rule.
    tolerance : float
        Relative gap of each plan.

    Raises
    ------
    InputError
        If capacities are missing, a name is used twice, or a mix names what is no option.
    """
    names = [o.part.name for o in options]
    mixes = {**(mixes or {name: (name,) for name in names}), LEAST_COST: names}
    _check(years, options, mixes, extra_mw)
    rows: list[ExtraCost] = []
    known: dict[tuple[int, str, tuple[str, ...]], ExtraCost] = {}
    for year in sorted(years):
        system = years[year]
        for mix, chosen in mixes.items():
            late, there = _there(year, [o for o in options if o.part.name in chosen])
            if late and mix != LEAST_COST:
                rows.append(ExtraCost(year, mix, "; ".join(late)))
                continue
            # Years that share a system and what can be there share their answer.
            key = (id(system), mix, tuple(o.part.name for o in there))
            if key not in known:
                known[key] = _cost(year, mix, system, there, extra_mw, reserve, tolerance)
            found = replace(known[key], year=year)
            if found.why_not and late:
                found = replace(found, why_not="; ".join([*late, found.why_not]))
            rows.append(found)
    return tuple(rows)


def _check(
    years: Mapping[int, System],
    options: Sequence[Option],
    mixes: Mapping[str, Sequence[str]],
    extra_mw: float,
) -> None:
    problems, names = [], [o.part.name for o in options]
    if extra_mw <= 0.0:
        problems.append(f"extra_mw must be above zero; found {extra_mw:g}")
    for option in options:
        try:
            dt.date.fromisoformat(option.earliest or "2000-01-01")
        except ValueError:
            problems.append(
                f"{option.part.name}: earliest is a day such as 2029-07-01; found "
                f"'{option.earliest}'"
            )
    problems += [
        f"{o.part.name}: an option has no capacity_mw, it is planned"
        for o in options
        if o.part.capacity_mw is not None
    ]
    for year, system in years.items():
        if system.planned:
            missing = ", ".join(p.name for p in system.planned)
            problems.append(f"{year}: state the capacity of {missing}")
    problems += [
        f"mix '{mix}' names '{name}', which is no option; options: {names}"
        for mix, chosen in mixes.items()
        for name in chosen
        if name not in names
    ]
    if problems:
        raise InputError("\n".join(dict.fromkeys(problems)))


def _there(year: int, options: Sequence[Option]) -> tuple[list[str], list[Option]]:
    """Return in words which options are not in service on a year's first day, and the others."""
    first = dt.date(year, 1, 1)
    there = [o for o in options if not o.earliest or dt.date.fromisoformat(o.earliest) <= first]
    late = [
        f"{o.part.name} cannot be in service before {o.earliest}" for o in options if o not in there
    ]
    return late, there


def _more(system: System, base: Dispatch, extra_mw: float) -> System:
    """Return a system with the extra load, in which no more goes unserved than before."""
    load = system.load_mw + extra_mw
    if base.unserved_mwh <= _NOTHING_MW:
        return replace(system, load_mw=load, unserved_usd_per_mwh=None, unserved_most_mwh=np.inf)
    return replace(system, load_mw=load, unserved_most_mwh=base.unserved_mwh)


def _cost(
    year: int,
    mix: str,
    system: System,
    options: Sequence[Option],
    extra_mw: float,
    reserve: float | None,
    tolerance: float,
) -> ExtraCost:
    """Return what the extra load costs with these options, or why they cannot serve it."""
    base = dispatch(system, tolerance=tolerance)
    taken = {p.name for p in system.parts}
    named = {
        o.part.name: f"further {o.part.name}" if o.part.name in taken else o.part.name
        for o in options
    }
    parts = [replace(o.part, name=named[o.part.name]) for o in options]
    more = _more(system, base, extra_mw)
    more = replace(
        more,
        sources=(*more.sources, *(p for p in parts if isinstance(p, Source))),
        storages=(*more.storages, *(p for p in parts if not isinstance(p, Source))),
    )
    firm = 0.0
    if reserve is not None:
        stands = sum(p.firm_share * (p.capacity_mw or 0.0) for p in system.parts)
        firm = stands + (1.0 + reserve) * extra_mw
    try:
        plan = plan_supply(more, firm_mw=firm, tolerance=tolerance)
    except InfeasibleError as error:
        return ExtraCost(year, mix, str(error).splitlines()[0])
    built = {name: plan.capacity_mw[inside] for name, inside in named.items()}
    usd_per_mw = {o.part.name: o.usd_per_mw for o in options}
    capital: float | None = 0.0
    for name, mw in built.items():
        if mw > _NOTHING_MW and capital is not None:
            each = usd_per_mw[name]
            capital = None if each is None else capital + each * mw
    share = years_of_capital(system.hours)
    usd = (plan.total_usd - base.total_usd) / share
    emitted = sum(plan.dispatch.co2_t.values()) - sum(base.co2_t.values())
    return ExtraCost(
        year=year,
        mix=mix,
        built_mw=built,
        usd_per_year=usd,
        usd_per_mwh=usd * share / (extra_mw * system.hours),
        capital_usd=capital,
        co2_t_per_year=emitted / share,
    )
