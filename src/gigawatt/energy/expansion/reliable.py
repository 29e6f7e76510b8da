"""Capacities that meet a loss-of-load target, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gigawatt.energy.expansion.reliability import simulate_reliability
from gigawatt.energy.expansion.weather_years import plan_supply_over_weather
from gigawatt.energy.system import System
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.energy.expansion.firmness import Fleet
    from gigawatt.energy.expansion.reliability import Reliability
    from gigawatt.energy.expansion.weather_years import WeatherPlan

__all__ = ["ReliablePlan", "Trial", "meet_reliability"]

_STEP: Final = 0.1  # of the peak load, between trials that miss the target
_MOST: Final = 3.0  # times the peak load: more firm capacity than this will not help either


@dataclass(frozen=True)
class Trial:
    """One plan on the way: its firm requirement, what goes wrong with it, and its cost."""

    firm_mw: float
    lolh_h: float
    eue_mwh: float
    total_usd: float


@dataclass(frozen=True, eq=False)
class ReliablePlan:
    """The cheapest plan found that meets a loss-of-load target.

    Parameters
    ----------
    plan : WeatherPlan
        Its capacities and dispatch.
    reliability : Reliability
        What goes unserved with it when units fail.
    firm_mw : float
        Firm requirement that it took; 0 where none was needed.
    firmness_usd : float
        What it costs over the plan without a firm requirement, in a weather year.
    trials : tuple of Trial
        All plans looked at, by rising firm requirement.
    """

    plan: WeatherPlan
    reliability: Reliability
    firm_mw: float
    firmness_usd: float
    trials: tuple[Trial, ...]


def meet_reliability(
    systems: System | Sequence[System],
    fleets: Mapping[str, Fleet],
    *,
    most_lolh_h: float,
    draws: int,
    seed: int,
    within: float = 0.01,
    tolerance: float = 1e-7,
) -> ReliablePlan:
    """Return the least-cost plan whose units may fail and that still meets a loss-of-load target.

    The least-cost plan is made without outages, then tried with them. While load goes unserved in
    more hours than allowed, the plan must have more firm capacity, counted by `firm_share`, until
    it holds; the requirement is then narrowed down between the last that failed and the first that
    held. What is cheapest to make firm is thus chosen by the plan, and what that is worth is found
    by simulation.

    Parameters
    ----------
    systems : System or sequence of System
        One for each weather year; parts without a capacity are planned.
    fleets : mapping of str to Fleet
        Units of the sources that can fail; those of planned sources by `unit_mw`.
    most_lolh_h : float
        Hours with unserved load allowed in a weather year, on the mean over weather and draws.
    draws, seed : int
        As of `simulate_reliability`. With few draws a target of less than an hour is judged by
        chance: `lolh_error_h` of the result says how sure it is.
    within : float
        Part of the peak load to which the firm requirement is narrowed down.
    tolerance : float
        Relative gap of each plan.

    Raises
    ------
    InputError
        If no firm requirement up to three times the peak load meets the target, or a plan has no
        answer.
    """
    given = [systems] if isinstance(systems, System) else list(systems)
    peak = max(float(s.load_mw.max()) for s in given)
    tried: dict[float, tuple[Trial, WeatherPlan, Reliability]] = {}

    def holds(firm: float) -> bool:
        plan = plan_supply_over_weather(given, firm_mw=firm, tolerance=tolerance)
        found = simulate_reliability(
            given, fleets, draws=draws, seed=seed, capacity_mw=plan.capacity_mw
        )
        tried[firm] = (Trial(firm, found.lolh_h, found.eue_mwh, plan.total_usd), plan, found)
        return found.lolh_h <= most_lolh_h

    firm = 0.0
    if not holds(0.0):
        low, firm = 0.0, peak
        while not holds(firm):
            low, firm = firm, firm + _STEP * peak
            if firm > _MOST * peak:
                raise InputError(_missed(tried[low][0], given[0], most_lolh_h))
        while firm - low > within * peak:
            middle = 0.5 * (low + firm)
            low, firm = (low, middle) if holds(middle) else (middle, firm)
    trial, plan, found = tried[firm]
    return ReliablePlan(
        plan=plan,
        reliability=found,
        firm_mw=firm,
        firmness_usd=trial.total_usd - tried[0.0][0].total_usd,
        trials=tuple(tried[f][0] for f in sorted(tried)),
    )


def _missed(last: Trial, system: System, most_lolh_h: float) -> str:
    shares = ", ".join(f"{p.name} {p.firm_share:g}" for p in system.parts)
    return (
        f"a target of {most_lolh_h:g} h of unserved load is missed with {last.firm_mw:,.5g} MW of "
        f"firm capacity still: {last.lolh_h:,.3g} h, {last.eue_mwh:,.3g} MWh. Firm shares are "
        f"{shares}: lower those that do not hold when needed, or raise most_mw of what does"
    )
