"""What a reader must know of the money of a campus, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.programme.dates import decimal_year
from gigawatt.twin.cash.tornado import unranged
from gigawatt.twin.cash.words import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.twin.cash.plan import FinancePlan

__all__ = ["notes"]

_WORDS = {
    "discount_rate": "the discount rate",
    "facility_life_years": "the life of the facility",
    "other_usd_per_it_mw_year": "running cost beside energy",
    "inflation": "inflation",
    "electricity": "the price of power",
}


def notes(plan: FinancePlan) -> list[str]:
    """Return the notes that belong to a plan."""
    return list(_notes(plan))


def _notes(plan: FinancePlan) -> Iterator[str]:
    said, inputs = plan.campus.finance, plan.inputs
    yield (
        f"All money is in real US dollars of {inputs.price_year}; coupons and tax are nominal, at "
        f"{percent(inputs['inflation'], 1)} inflation a year. Money of a year counts as paid "
        "together."
    )
    trend = catalog.load().get("chip_price_trend", said.chip_price_trend)
    yield (
        f"Computers are renewed after {inputs['it_life_years']:g} years and the facility after "
        f"{inputs['facility_life_years']:g}, each as good as before; {trend.text('name').lower()} "
        f"({percent(trend.number('price_change_per_year'), 1, sign=True)} a year)."
    )
    if said.discount_rate is None:
        yield (
            "The discount rate is the coupon of Hyperion's bonds, a nominal cost of debt; owners "
            "ask for more. State finance.discount_rate."
        )
    before = [p for p in plan.campus.phases if p.date < plan.campus.horizon.start]
    if before:
        start = decimal_year(plan.campus.horizon.start)
        usd = sum(a.usd for a in plan.assets if a.bought < start and not a.renewal)
        yield f"Bought before the first year and counted in it: {usd / 1e9:.3g} billion USD."
    yield from _kept_within(plan)
    if inputs.venture is not None:
        yield (
            "The joint venture repays its bonds in level payments over its longest lease; what "
            "rent is due after these years is not counted."
        )
    if inputs.end_value == "book":
        yield (
            f"What is left at the end counts at its book value, "
            f"{plan.flows.whole_left_usd / 1e9:.3g} billion USD."
        )
    open_ = [_WORDS[name] for name in unranged(plan)]
    if open_:
        yield f"No range is published of {', '.join(open_)}; --vary takes one."


def _kept_within(plan: FinancePlan) -> Iterator[str]:
    said = plan.campus.finance
    within = [
        name
        for name, stated in (
            ("pay (finance.jobs)", said.jobs),
            ("water (finance.water_usd_per_m3)", said.water_usd_per_m3),
        )
        if stated is None
    ]
    if within:
        yield f"Within 'maintenance and other', unless stated: {' and '.join(within)}."
    if said.land_acres is None:
        yield "Land stays in the shell, whose published share includes it; finance.land_acres."
