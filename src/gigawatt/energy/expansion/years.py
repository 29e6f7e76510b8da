"""What to build when: the least-cost supply of a load that grows over years."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.energy.dispatch.build import years_of_capital
from gigawatt.energy.dispatch.run import at_capacities
from gigawatt.energy.expansion.blocks import Block, Decision, Limit
from gigawatt.energy.expansion.dates import hour_of, masked
from gigawatt.energy.expansion.joint import plan_jointly
from gigawatt.energy.system import Source
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gigawatt.energy.dispatch.result import Dispatch
    from gigawatt.energy.system import Storage, System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Build", "SupplyOverYears", "plan_supply_over_years"]


@dataclass(frozen=True, kw_only=True)
class Build:
    """When, how fast and for how long a part can be built.

    Parameters
    ----------
    earliest : str
        First possible day of service, ISO 8601: the day of the order and the lead time, see
        `earliest_service`. Empty: from the first year on.
    life_years : int, optional
        Years after which a vintage is taken down; None where it outlasts the horizon.
    most_mw_per_year : float
        What can be added in one year.
    """

    earliest: str = ""
    life_years: int | None = None
    most_mw_per_year: float = np.inf

    def __post_init__(self) -> None:
        problems = []
        if self.earliest:
            try:
                dt.date.fromisoformat(self.earliest)
            except ValueError:
                problems.append(f"earliest is a day such as 2029-07-01; found '{self.earliest}'")
        if self.life_years is not None and self.life_years < 1:
            problems.append(f"life_years must be at least 1; found {self.life_years}")
        if self.most_mw_per_year < 0.0:
            problems.append(f"most_mw_per_year must not be negative; found {self.most_mw_per_year}")
        if problems:
            raise InputError("\n".join(problems))


@dataclass(frozen=True, eq=False)
class SupplyOverYears:
    """What is built in which year at least cost, with each year's dispatch and a certificate.

    Money of a year is as spent in it; `total_usd` and `lower_bound_usd` are discounted to the first
    year.

    Parameters
    ----------
    years : tuple of int
        The years.
    discount : ndarray (Y,)
        What a dollar of each year is worth in the first.
    built_mw : dict of str to ndarray (Y,)
        What comes into service in each year, by part.
    capacity_mw : dict of str to ndarray (Y,)
        What stands in each year, given and built.
    capital_usd : dict of str to ndarray (Y,)
        Yearly capital of what was built, in each year in which it is charged.
    dispatch : tuple of Dispatch
        By year.
    lower_bound_usd : float
        No plan costs less, discounted: certified by duality.
    last_unit : tuple of dict
        By year, what the last unit of each limit costs in that year; see `last_unit_costs`.
    short_usd_per_mw : dict of str to ndarray (Y,)
        What a further MW built in a year costs over what it saves, discounted, over the horizon;
        about zero for what is built, not a number where it cannot be.
    """

    years: tuple[int, ...]
    discount: Array
    built_mw: Mapping[str, Array]
    capacity_mw: Mapping[str, Array]
    capital_usd: Mapping[str, Array]
    dispatch: tuple[Dispatch, ...]
    lower_bound_usd: float
    last_unit: tuple[Mapping[str, float], ...]
    short_usd_per_mw: Mapping[str, Array] = field(default_factory=dict)

    @property
    def running_usd(self) -> Array:
        """Running cost of each year (Y,)."""
        return np.array([run.total_usd for run in self.dispatch])

    @property
    def cost_usd(self) -> Array:
        """Capital and running cost of each year (Y,)."""
        cost: Array = self.running_usd + sum(self.capital_usd.values(), np.zeros(len(self.years)))
        return cost

    @property
    def total_usd(self) -> float:
        """Discounted cost of all years."""
        return float(self.discount @ self.cost_usd)

    @property
    def gap(self) -> float:
        """Part of the cost by which a better plan could undercut this one, at most."""
        return (self.total_usd - self.lower_bound_usd) / max(abs(self.total_usd), 1.0)

    def standing(self) -> dict[int, System]:
        """Return each year's system with what stands in it: the base of `extra_load_cost`.

        A battery that came into service within a year counts for all of it.
        """
        return {
            year: at_capacities(run.system, run.capacity_mw)
            for year, run in zip(self.years, self.dispatch, strict=True)
        }

    def rows(self) -> list[dict[str, float]]:
        """Return a row for each year: what is built and stands, energy, emissions, money."""
        out = []
        for y, (year, run) in enumerate(zip(self.years, self.dispatch, strict=True)):
            row: dict[str, float] = {"year": year, "peak_mw": float(run.system.load_mw.max())}
            row["load_mwh"] = float(run.system.load_mw.sum())
            row |= {f"built_mw {name}": float(mw[y]) for name, mw in self.built_mw.items()}
            row |= {f"capacity_mw {name}": float(mw[y]) for name, mw in self.capacity_mw.items()}
            row |= {f"energy_mwh {name}": mwh for name, mwh in run.energy_mwh.items()}
            row |= {
                "unserved_mwh": run.unserved_mwh,
                "co2_t": sum(run.co2_t.values()),
                "capital_usd": float(self.cost_usd[y] - run.total_usd),
                "running_usd": run.total_usd,
                "cost_usd": float(self.cost_usd[y]),
            }
            out.append(row)
        return out


def plan_supply_over_years(
    years: Mapping[int, System],
    builds: Mapping[str, Build] | None = None,
    *,
    discount_rate: float = 0.0,
    firm_mw: Mapping[int, float] | float = 0.0,
    tolerance: float = 1e-8,
) -> SupplyOverYears:
    r"""Return what to build in which year so that all years together cost least.

    Capacities of all years, their vintages and the dispatch of every hour are one linear program.
    Years meet only in what has been built, so that each is a block of its own, and the blocks are
    joined through the vintages: what stands of a part in year :math:`y` is

    .. math:: K_{y} = \sum_{v \le y < v + n} b_v , \qquad b_v \ge 0 ,

    with :math:`b_v` built in year :math:`v` and :math:`n` its life. A MW built in :math:`v` is
    charged the yearly capital of that year's system in each year in which it stands within the
    horizon, so that a life beyond the horizon needs no residual value.

    Parameters
    ----------
    years : mapping of int to System
        The system of each year, years following each other. Parts without a capacity are planned;
        such a part is in every year from its first on. Its `capital_usd_per_mw_year` may differ by
        year: it is that of the vintage. Its `least_mw` and `most_mw` limit what stands.
    builds : mapping of str to Build
        When parts can be built, by name; a part not named can be from the first year on. A vintage
        serves from the first hour of its year; the first one from `earliest`.
    discount_rate : float
        Real rate; money is discounted to the first year.
    firm_mw : float or mapping of int to float
        Firm capacity needed, of every year or by year.
    tolerance : float
        Relative gap at which the solver stops.

    Raises
    ------
    InputError
        If the input does not fit together, a rule cannot be kept in some year, or a capacity would
        grow without limit; the message says which, by how much and where.
    """
    builds = builds or {}
    order = _checked(years, builds, discount_rate)
    discount = np.array([(1.0 + discount_rate) ** -(y - order[0]) for y in order])
    vintages = list(_vintages(years, builds, discount))
    limits = list(_limits(years, vintages))
    blocks = [
        _block(years, builds, y, float(d), firm_mw) for y, d in zip(order, discount, strict=True)
    ]
    found = plan_jointly(blocks, [v.decision for v in vintages], limits, tolerance=tolerance)
    names = list(dict.fromkeys(v.part for v in vintages))
    built, capital, short = (
        {name: np.full(len(order), empty) for name in names} for empty in (0.0, 0.0, np.nan)
    )
    for v, mw, lacks in zip(vintages, found.decision_mw, found.short_usd_per_mw, strict=True):
        built[v.part][v.index] = mw
        short[v.part][v.index] = lacks
        capital[v.part] += mw * v.usd_per_mw
    everywhere = list(dict.fromkeys(name for run in found.dispatch for name in run.capacity_mw))
    return SupplyOverYears(
        years=tuple(order),
        discount=discount,
        built_mw=built,
        capacity_mw={
            name: np.array([run.capacity_mw.get(name, 0.0) for run in found.dispatch])
            for name in everywhere
        },
        capital_usd=capital,
        dispatch=found.dispatch,
        lower_bound_usd=found.lower_bound_usd,
        last_unit=found.last_unit,
        short_usd_per_mw=short,
    )


@dataclass(frozen=True, eq=False)
class _Vintage:
    """What is built of a part in a year, and what a MW of it is charged in each year (Y,)."""

    part: str
    index: int
    usd_per_mw: Array
    decision: Decision


def _vintages(
    years: Mapping[int, System], builds: Mapping[str, Build], discount: Array
) -> Iterable[_Vintage]:
    order = sorted(years)
    for name in _planned(years):
        build = builds.get(name, Build())
        first = _first(build, order[0])
        for i, year in enumerate(order):
            part = _part(years[year], name)
            if part is None or year < first:
                continue
            stands = np.array([float(j >= i) for j in range(len(order))])
            if build.life_years is not None:
                stands[i + build.life_years :] = 0.0
            if build.most_mw_per_year == 0.0 or _forbidden(years, name, stands):
                continue
            usd = np.array([
                part.capital_usd_per_mw_year * years_of_capital(years[y].hours) for y in order
            ])  # fmt: skip
            charged = stands * usd
            charged[i] *= _share(build, year, years[year].hours)
            cost = float(discount @ charged)
            yield _Vintage(name, i, charged, Decision(name, cost, stands, build.most_mw_per_year))


def _forbidden(years: Mapping[int, System], name: str, stands: Array) -> bool:
    """Return whether nothing of a part may stand in a year in which a vintage would."""
    parts = (_part(years[year], name) for year in sorted(years))
    return any(
        stand and part is not None and part.most_mw == 0.0
        for part, stand in zip(parts, stands, strict=True)
    )


def _limits(years: Mapping[int, System], vintages: Sequence[_Vintage]) -> Iterable[Limit]:
    """Yield the limits on what stands; raise where they cannot be kept."""
    order, problems = sorted(years), []
    for name in _planned(years):
        mine = [v for v in vintages if v.part == name]
        for i, year in enumerate(order):
            part = _part(years[year], name)
            if part is None:
                continue
            able = sum(v.decision.most_mw for v in mine if v.decision.stands[i])
            if part.least_mw > able:
                problems.append(
                    f"{year}: at least {part.least_mw:,.5g} MW of {name} must stand, and at most "
                    f"{able:,.5g} MW can have been built by then"
                )
            standing = any(v.decision.stands[i] for v in mine)
            if standing and (part.least_mw > 0.0 or part.most_mw < able):
                yield Limit(name, i, part.least_mw, part.most_mw)
        problems += _shrinking(years, name, mine)
    if problems:
        raise InputError("\n".join(problems))


def _shrinking(
    years: Mapping[int, System], name: str, vintages: Sequence[_Vintage]
) -> Iterable[str]:
    """Yield where less may stand than must have been built before and still stands."""
    order = sorted(years)
    for i, year in enumerate(order):
        part = _part(years[year], name)
        if part is None:
            continue
        for j in range(i + 1, len(order)):
            later = _part(years[order[j]], name)
            stay = all(v.decision.stands[j] for v in vintages if v.decision.stands[i])
            if later is not None and stay and later.most_mw < part.least_mw:
                yield (
                    f"{name}: at least {part.least_mw:,.5g} MW must stand in {year} and still do "
                    f"in {order[j]}, where most_mw allows {later.most_mw:,.5g} MW"
                )


def _block(
    years: Mapping[int, System],
    builds: Mapping[str, Build],
    year: int,
    weight: float,
    firm_mw: Mapping[int, float] | float,
) -> Block:
    """Return the block of a year: parts stand from their first day on."""
    system, masks, late = years[year], {}, []
    sources = list(system.sources)
    for part in system.planned:
        build = builds.get(part.name, Build())
        first = _first(build, year)
        if first > year:
            late.append(f"{part.name} cannot be in service before {build.earliest}")
        if not build.earliest or first != year:
            continue
        mask = np.arange(system.hours) >= hour_of(build.earliest, year, system.hours)
        if isinstance(part, Source):
            sources[sources.index(part)] = masked(part, mask)
        else:
            masks[part.name] = mask.astype(float)
    firm = firm_mw if isinstance(firm_mw, (int, float)) else firm_mw.get(year, 0.0)
    return Block(
        label=str(year),
        system=replace(system, sources=tuple(sources)),
        weight=weight,
        firm_mw=float(firm),
        masks=masks,
        why="; ".join(late),
    )


def _share(build: Build, year: int, hours: int) -> float:
    """Return the part of a year in which a vintage of that year stands."""
    if not build.earliest or _first(build, year) != year:
        return 1.0
    return 1.0 - hour_of(build.earliest, year, hours) / hours


def _first(build: Build, year: int) -> int:
    """Return the first year in which something can stand; the given one where nothing is stated."""
    return dt.date.fromisoformat(build.earliest).year if build.earliest else year


def _planned(years: Mapping[int, System]) -> list[str]:
    return list(dict.fromkeys(p.name for y in sorted(years) for p in years[y].planned))


def _part(system: System, name: str) -> Source | Storage | None:
    return next((p for p in system.planned if p.name == name), None)


def _checked(
    years: Mapping[int, System], builds: Mapping[str, Build], discount_rate: float
) -> list[int]:
    """Return the years in order; raise with every mistake found."""
    order, problems = sorted(years), []
    if not order or order != list(range(order[0], order[-1] + 1)):
        problems.append(f"years must follow each other; found {order}")
    if discount_rate <= -1.0:
        problems.append(f"discount_rate must be above -1; found {discount_rate:g}")
    planned = _planned(years)
    problems += [
        f"a build is stated for '{name}', which no year plans; planned: {planned}"
        for name in sorted(set(builds) - set(planned))
    ]
    for name in planned:
        at = [y for y in order if _part(years[y], name) is not None]
        missing = [y for y in order if y > at[0] and y not in at]
        if missing:
            problems.append(f"{name} is planned from {at[0]} on, but not in {missing[0]}")
        if any(p.name == name for y in order if y < at[0] for p in years[y].parts):
            problems.append(f"{name} has a capacity before {at[0]} and is planned from then on")
    if problems:
        raise InputError("\n".join(problems))
    return order
