"""Capacities that serve several weather years at least mean cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.energy.dispatch.build import years_of_capital
from gigawatt.energy.expansion.blocks import Block, Decision, Limit
from gigawatt.energy.expansion.joint import plan_jointly
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.energy.dispatch.result import Dispatch
    from gigawatt.energy.system import System

__all__ = ["WeatherPlan", "plan_supply_over_weather"]


@dataclass(frozen=True, eq=False)
class WeatherPlan:
    """One set of capacities for several weather years, with each year's dispatch.

    Parameters
    ----------
    capacity_mw : dict of str to float
        Every capacity, planned and fixed.
    capital_usd : dict of str to float
        Capital of the planned ones over the hours of one weather year.
    dispatch : tuple of Dispatch
        By weather year.
    lower_bound_usd : float
        No plan costs less on the mean: certified by duality.
    last_unit : tuple of dict
        By weather year, what the last unit of each limit costs.
    """

    capacity_mw: Mapping[str, float]
    capital_usd: Mapping[str, float]
    dispatch: tuple[Dispatch, ...]
    lower_bound_usd: float
    last_unit: tuple[Mapping[str, float], ...]

    @property
    def total_usd(self) -> float:
        """Capital and mean running cost of a weather year."""
        running = float(np.mean([run.total_usd for run in self.dispatch]))
        return float(sum(self.capital_usd.values())) + running

    @property
    def gap(self) -> float:
        """Part of the cost by which a better plan could undercut this one, at most."""
        return (self.total_usd - self.lower_bound_usd) / max(abs(self.total_usd), 1.0)


def plan_supply_over_weather(
    systems: Sequence[System], *, firm_mw: float = 0.0, tolerance: float = 1e-8
) -> WeatherPlan:
    """Return the capacities that serve weather years at least mean cost.

    Every weather year keeps every rule. The years are equally likely.

    Parameters
    ----------
    systems : sequence of System
        The same parts with the same limits and capital in each; loads, availabilities and prices
        differ.
    firm_mw : float
        Firm capacity that all parts must have together.
    tolerance : float
        Relative gap at which the solver stops.

    Raises
    ------
    InputError
        If the systems do not plan the same parts, a rule cannot be kept in a weather year, or a
        capacity would grow without limit.
    """
    first = _alike(systems)
    count = len(systems)
    years = years_of_capital(first.hours)
    decisions = [
        Decision(
            part.name,
            part.capital_usd_per_mw_year * years,
            np.ones(count),
            part.most_mw,
        )
        for part in first.planned
        if part.most_mw > 0.0
    ]
    limits = [
        Limit(part.name, 0, part.least_mw, part.most_mw)
        for part in first.planned
        if part.least_mw > 0.0
    ]
    blocks = [
        Block(f"weather year {i}" if count > 1 else "", system, 1.0 / count, firm_mw)
        for i, system in enumerate(systems)
    ]
    found = plan_jointly(blocks, decisions, limits, tolerance=tolerance)
    return WeatherPlan(
        capacity_mw=found.dispatch[0].capacity_mw,
        capital_usd={
            d.part: d.usd_per_mw * float(mw)
            for d, mw in zip(decisions, found.decision_mw, strict=True)
        },
        dispatch=found.dispatch,
        lower_bound_usd=found.lower_bound_usd,
        last_unit=found.last_unit,
    )


def _alike(systems: Sequence[System]) -> System:
    """Return the first system; raise where another plans other parts."""
    if not systems:
        message = "state at least one weather year"
        raise InputError(message)

    def terms(system: System) -> list[tuple[str, float, float, float]]:
        return [(p.name, p.least_mw, p.most_mw, p.capital_usd_per_mw_year) for p in system.planned]

    first = systems[0]
    for i, other in enumerate(systems[1:], 1):
        if terms(other) != terms(first) or other.hours != first.hours:
            message = (
                "weather years must plan the same parts with the same limits and capital over as "
                f"many hours; weather year {i} differs: {terms(other)} over {other.hours} hours, "
                f"the first has {terms(first)} over {first.hours}"
            )
            raise InputError(message)
    return first
