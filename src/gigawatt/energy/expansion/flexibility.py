"""What it is worth that part of the load can give way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gigawatt.energy.dispatch.build import years_of_capital
from gigawatt.energy.expansion.plan import plan_supply
from gigawatt.energy.system import Throttle
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.energy.expansion.plan import SupplyPlan
    from gigawatt.energy.system import System

__all__ = ["FlexibleLoad", "value_of_flexibility"]

_NAME = "flexible load"


@dataclass(frozen=True, eq=False)
class FlexibleLoad:
    """What a share of the load that can give way does to the least-cost plan.

    Parameters
    ----------
    share : float
        Part of the load that can give way in each hour.
    saved_mw : dict of str to float
        Planned capacity that is no longer built, by part; negative where more is.
    saved_usd_per_year : float
        What the plan costs less, what the load that gives way is paid included.
    saved_capital_usd_per_year : float
        Yearly capital of the plan without it, less that with it.
    throttled_mwh, throttled_h : float
        Energy not drawn, and hours in which load gives way, over the hours given.
    usd_per_mw_year : float
        Saved over the most that can give way: what a MW of flexible load is worth.
    plan : SupplyPlan
        The plan with it.
    """

    share: float
    saved_mw: Mapping[str, float]
    saved_usd_per_year: float
    saved_capital_usd_per_year: float
    throttled_mwh: float
    throttled_h: int
    usd_per_mw_year: float
    plan: SupplyPlan


def value_of_flexibility(
    system: System,
    shares: Sequence[float],
    *,
    usd_per_mwh: float,
    firm_mw: float = 0.0,
    tolerance: float = 1e-8,
) -> tuple[FlexibleLoad, ...]:
    """Return what shares of the load that give way at a price are worth to the plan.

    The plan is made without and with a throttle of that share of each hour's load. Load that can
    give way needs no firm capacity, so the firm requirement is lower by its share of the peak.

    Parameters
    ----------
    system : System
        With something to plan.
    shares : sequence of float
        Within [0, 1].
    usd_per_mwh : float
        What a MWh not drawn costs: the worth of the tokens lost.
    firm_mw : float
        Firm requirement without flexible load.
    tolerance : float
        Relative gap of each plan.

    Raises
    ------
    InputError
        If a share is out of range or nothing is planned.
    """
    wrong = [s for s in shares if not 0.0 <= s <= 1.0]
    if wrong or not system.planned:
        message = (
            f"shares lie within [0, 1]; found {wrong}" if wrong else "the system plans nothing"
        )
        raise InputError(message)
    rigid = plan_supply(system, firm_mw=firm_mw, tolerance=tolerance)
    return tuple(_valued(system, rigid, share, usd_per_mwh, firm_mw, tolerance) for share in shares)


def _valued(
    system: System,
    rigid: SupplyPlan,
    share: float,
    usd_per_mwh: float,
    firm_mw: float,
    tolerance: float,
) -> FlexibleLoad:
    throttle = Throttle(name=_NAME, most_mw=share * system.load_mw, usd_per_mwh=usd_per_mwh)
    flexible = replace(system, throttles=(*system.throttles, throttle))
    most = share * float(system.load_mw.max())
    plan = plan_supply(flexible, firm_mw=max(firm_mw - most, 0.0), tolerance=tolerance)
    years = years_of_capital(system.hours)
    saved = (rigid.total_usd - plan.total_usd) / years
    taken = plan.dispatch.throttled_mw[_NAME]
    capital = sum(rigid.capital_usd.values()) - sum(plan.capital_usd.values())
    return FlexibleLoad(
        share=share,
        saved_mw={
            part.name: rigid.capacity_mw[part.name] - plan.capacity_mw[part.name]
            for part in system.planned
        },
        saved_usd_per_year=saved,
        saved_capital_usd_per_year=capital / years,
        throttled_mwh=float(taken.sum()),
        throttled_h=int((taken > 1e-6 * max(most, 1.0)).sum()),
        usd_per_mw_year=saved / most if most else 0.0,
        plan=plan,
    )
