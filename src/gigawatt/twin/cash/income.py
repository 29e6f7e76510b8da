"""What the computing earns: rent of accelerators, sale of tokens, or a price within the company."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError
from gigawatt.programme.finance.dollars import price_ratio
from gigawatt.programme.finance.worth import present_value, price_levels

if TYPE_CHECKING:
    import numpy as np

    from gigawatt.spec import Campus
    from gigawatt.twin.cash.activity import Activity
    from gigawatt.twin.cash.inputs import Inputs

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Income", "earn"]


@dataclass(frozen=True)
class Income:
    """What the computing earns in each year, in real US dollars.

    Parameters
    ----------
    name : str
        What is sold.
    usd : ndarray (years,)
        Earned.
    facts : tuple of str
        Catalogue facts behind the price.
    prices : dict of str to float
        Price at the price year: by chip in USD an hour, or of a million tokens.
    low, high : float
        Published range of the price over its value, 1 where it is stated.
    """

    name: str
    usd: Years
    facts: tuple[str, ...]
    prices: dict[str, float]
    low: float = 1.0
    high: float = 1.0


def earn(campus: Campus, activity: Activity, inputs: Inputs, cost_usd: Years) -> Income:
    """Return what the computing earns.

    Parameters
    ----------
    campus : Campus
        Its file says who pays.
    activity : Activity
        What there is to sell.
    inputs : Inputs
        Rates.
    cost_usd : ndarray (years,)
        Capital and running cost, less what is left at the end: what a transfer price rests on.

    Raises
    ------
    NotModelledError
        If no rent is published for a chip and none is stated.
    InputError
        If tokens are to be sold at no stated price.
    """
    said = campus.finance.revenue
    change = said.change_per_year
    if change is None:
        change = inputs["chip_price_trend"] if said.market == "rent" else 0.0
    levels = price_levels(activity.years, inputs.price_year, change)
    if said.market == "rent":
        return _rent(campus, activity, levels)
    if said.market == "tokens":
        return _tokens(campus, activity, levels)
    if said.market == "transfer":
        return _transfer(campus, activity, inputs, cost_usd)
    return Income("nothing is sold", 0.0 * activity.hours, (), {})


def _rent(campus: Campus, activity: Activity, levels: Years) -> Income:
    stated, book = campus.finance.revenue.usd_per_accelerator_hour, catalog.load()
    prices, facts = {}, []
    usd, least, most = 0.0 * activity.hours, 0.0, 0.0
    for chip, hours in activity.installed_h.items():
        used = float((hours * activity.used_share * levels).sum())
        if stated is not None:
            price, span = stated, (stated, stated)
        else:
            entry = book.get("chip", chip)
            if "rent_usd_per_h" not in entry:
                message = (
                    f"no rent is published for {entry.text('name')}; state "
                    "finance.revenue.usd_per_accelerator_hour, such as --price rent=4.5"
                )
                raise NotModelledError(message)
            fact = entry["rent_usd_per_h"]
            ratio = price_ratio(
                int(fact.date[:4]), campus.finance.price_year, campus.finance.inflation
            )
            price, span = fact.number * ratio, (fact.span[0] * ratio, fact.span[1] * ratio)
            facts.append(fact.key)
        prices[chip] = price
        usd = usd + hours * activity.used_share * levels * price
        least, most = least + used * span[0], most + used * span[1]
    total = float(usd.sum())
    low, high = (least / total, most / total) if total else (1.0, 1.0)
    return Income("rent of accelerators", usd, tuple(facts), prices, low, high)


def _tokens(campus: Campus, activity: Activity, levels: Years) -> Income:
    price = campus.finance.revenue.usd_per_million_tokens
    if price is None:
        message = (
            "finance.revenue.usd_per_million_tokens: expected the price of a million tokens "
            "served, such as --price tokens=0.5; found nothing"
        )
        raise InputError(message)
    usd = activity.tokens_served / 1e6 * price * levels
    return Income("sale of tokens", usd, (), {"USD/Mtoken": price})


def _transfer(campus: Campus, activity: Activity, inputs: Inputs, cost_usd: Years) -> Income:
    """Return the price of an hour in use that pays for all cost, with a margin."""
    rate = inputs["discount_rate"]
    hours = present_value(activity.used_hours, rate)
    cost = present_value(cost_usd, rate)
    margin = campus.finance.revenue.margin
    price = cost / hours * (1.0 + margin) if hours else 0.0
    usd = activity.used_hours * price
    return Income("transfer price", usd, (), {"all accelerators": price})
