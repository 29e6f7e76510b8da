"""What one unit costs: a gigawatt for a year, an accelerator for an hour, a model, a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.programme.finance.annuity import capital_recovery_factor
from gigawatt.programme.finance.worth import present_value

if TYPE_CHECKING:
    from gigawatt.twin.cash.plan import FinancePlan

__all__ = ["UnitCosts", "unit_costs"]


@dataclass(frozen=True)
class UnitCosts:
    """What one unit costs, before tax and financing, in real US dollars.

    Parameters
    ----------
    year : int
        Last whole calendar year, which the yearly cost is of.
    usd_per_gw_year : float
        Charges on what stands then, and running cost, for each GW of IT power.
    capital_usd_per_gw_year, running_usd_per_gw_year : float
        Its two parts.
    usd_per_accelerator_hour, usd_per_used_hour : float
        Worth of all cost over the discounted hours installed, and in use.
    runs_usd : dict of str to float
        Cost of each training run: its hours at the price of an hour installed.
    usd_per_million_tokens : dict of str to float
        Cost of a million tokens of each service, input and output.
    """

    year: int
    usd_per_gw_year: float
    capital_usd_per_gw_year: float
    running_usd_per_gw_year: float
    usd_per_accelerator_hour: float
    usd_per_used_hour: float
    runs_usd: dict[str, float]
    usd_per_million_tokens: dict[str, float]


def unit_costs(plan: FinancePlan) -> UnitCosts:
    """Return what one unit costs.

    Notes
    -----
    The cost of an hour is levelised: ``PV(cost) / PV(hours)`` at the discount rate (Short et al.,
    NREL/TP-462-5173, 1995, equation 4-6). That of a year charges each asset that stands then by
    the capital recovery factor of its life.
    """
    rate, activity = plan.inputs["discount_rate"], plan.activity
    cost = present_value(plan.flows.cost_usd, rate)
    hour = _over(cost, present_value(activity.chip_hours, rate))
    used = _over(cost, present_value(activity.used_hours, rate))
    at = _last_whole(plan)
    gw = float(activity.it_mw_years[at]) / 1000.0
    capital = _over(_charge(plan, int(plan.years[at])), gw)
    running = _over(float(sum(usd[at] for usd in plan.flows.running_usd.values())), gw)
    runs, services = plan.run.tables["training_runs"], plan.run.tables["services"]
    return UnitCosts(
        int(plan.years[at]),
        capital + running,
        capital,
        running,
        hour,
        used,
        {
            str(n): float(h) * hour
            for n, h in zip(runs["name"], runs["accelerator_hours"], strict=True)
        },
        {
            str(n): _over(float(h) * hour, float(t)) * 1e6
            for n, h, t in zip(
                services["name"],
                services["accelerator_hours"],
                services["tokens_served"],
                strict=True,
            )
        },
    )


def _last_whole(plan: FinancePlan) -> int:
    """Return the index of the last whole calendar year, or of the fullest where none is whole."""
    hours = plan.activity.hours
    whole = np.flatnonzero(hours >= 8760.0)
    return int(whole[-1]) if whole.size else int(np.argmax(hours))


def _charge(plan: FinancePlan, year: int) -> float:
    """Return the yearly charge on everything that stands in the middle of a year."""
    rate, middle, total = plan.inputs["discount_rate"], year + 0.5, 0.0
    for asset in plan.assets:
        if not asset.bought <= middle < asset.bought + asset.life_years:
            continue
        forever = np.isinf(asset.life_years)
        total += asset.usd * (rate if forever else capital_recovery_factor(rate, asset.life_years))
    return total


def _over(value: float, divisor: float) -> float:
    return value / divisor if divisor else float("nan")
