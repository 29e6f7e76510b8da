"""Where the money of each year comes from and where it goes, in real US dollars.

The owner's flow of a year is what is earned, less running cost, less capital, less tax, and what
financing brings less what it takes; in the last year also what is then left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.programme.finance.assets import (
    book_depreciation,
    purchases,
    tax_deductions,
)
from gigawatt.programme.finance.tax import income_tax
from gigawatt.programme.finance.worth import price_levels
from gigawatt.twin.cash.capital import BLOCKS, FACILITY
from gigawatt.twin.cash.financing import borrow, found_venture, no_financing
from gigawatt.twin.cash.income import Income, earn
from gigawatt.twin.clock import HOURS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.programme.finance.assets import Asset
    from gigawatt.spec import Campus
    from gigawatt.twin.cash.activity import Activity
    from gigawatt.twin.cash.financing import Financed
    from gigawatt.twin.cash.inputs import Inputs

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Flows", "flow_money"]


@dataclass(frozen=True)
class Flows:
    """The money of a campus by year, in real US dollars of one year.

    Parameters
    ----------
    years : ndarray (years,) of int
        Calendar years.
    levels : ndarray (years,)
        Price level of each over that of the real dollars.
    bought_usd : dict of str to ndarray (years,)
        Everything bought, by block, whoever pays.
    capital_usd : dict of str to ndarray (years,)
        Bought by the owner, by block.
    written_usd : dict of str to ndarray (years,)
        Depreciation of what the owner bought, by block.
    left_usd : dict of str to float
        Its book value at the end, by block.
    running_usd : dict of str to ndarray (years,)
        Running cost by kind.
    income : Income
        What is earned.
    financed : Financed
        Bonds or joint venture.
    end_usd : float
        What is left at the end, as it is counted.
    tax_usd : ndarray (years,)
        Tax; negative where losses are offset.
    unused_losses_usd : float
        Losses left to carry at the end.
    """

    years: np.ndarray[Any, np.dtype[np.int64]]
    levels: Years
    bought_usd: dict[str, Years]
    capital_usd: dict[str, Years]
    written_usd: dict[str, Years]
    left_usd: dict[str, float]
    running_usd: dict[str, Years]
    income: Income
    financed: Financed
    end_usd: float
    tax_usd: Years
    unused_losses_usd: float

    @property
    def at_end_usd(self) -> Years:
        """What is left at the end, in the last year."""
        flow = np.zeros(len(self.years))
        flow[-1] = self.end_usd
        return flow

    @property
    def before_tax_usd(self) -> Years:
        """Flow before financing and tax, as if the owner paid for everything."""
        earned: Years = self.income.usd - self.cost_usd
        return earned

    @property
    def cost_usd(self) -> Years:
        """Everything bought and run, less what is left at the end, whoever pays."""
        flow: Years = _sum(self.bought_usd, self.years) + _sum(self.running_usd, self.years)
        flow[-1] -= self.whole_left_usd
        return flow

    @property
    def whole_left_usd(self) -> float:
        """What is left at the end of everything bought, whoever owns it."""
        return self.end_usd + self.financed.others_end_usd

    @property
    def owner_usd(self) -> Years:
        """What the owner gets, less what he pays."""
        flow: Years = (
            self.income.usd
            - _sum(self.running_usd, self.years)
            - _sum(self.capital_usd, self.years)
            - self.tax_usd
            + self.financed.flow_usd
            + self.at_end_usd
        )
        return flow


def flow_money(
    campus: Campus,
    activity: Activity,
    assets: Sequence[Asset],
    inputs: Inputs,
    *,
    energy_factor: float = 1.0,
    price_factor: float = 1.0,
) -> Flows:
    """Return the money of a campus by year.

    Parameters
    ----------
    campus : Campus
        The campus.
    activity : Activity
        What it does in each year.
    assets : sequence of Asset
        What is bought.
    inputs : Inputs
        Rates.
    energy_factor, price_factor : float
        Cost of energy and price of what is sold, over those of the run.
    """
    years = activity.years
    levels = price_levels(years, inputs.price_year, inputs["inflation"])
    blocks = {b: [a for a in assets if a.block == b] for b in BLOCKS}
    bought = {b: purchases(some, years.astype(float)) for b, some in blocks.items() if some}
    financed, owned = _finance(blocks, bought, activity, levels, inputs)
    running = _running(activity, inputs, energy_factor)
    kept = inputs.end_value == "book"
    written, left = _written(owned, activity)
    end = sum(left.values()) * kept + financed.end_usd * kept
    others = financed.others_end_usd * kept
    financed = financed.ending(others)
    cost = _sum(bought, years) + _sum(running, years)
    cost[-1] -= end + others
    income = earn(campus, activity, inputs, cost)
    income = Income(
        income.name, income.usd * price_factor, income.facts, income.prices, income.low, income.high
    )
    owned_all = [a for some in owned.values() for a in some]
    tax, unused = _tax(income, running, owned_all, end, levels, years, inputs, financed)
    return Flows(
        years,
        levels,
        bought,
        {b: purchases(some, years.astype(float)) for b, some in owned.items()},
        written,
        left,
        running,
        income,
        financed,
        end,
        tax,
        unused,
    )


def _finance(
    blocks: dict[str, list[Asset]],
    bought: dict[str, Years],
    activity: Activity,
    levels: Years,
    inputs: Inputs,
) -> tuple[Financed, dict[str, list[Asset]]]:
    """Return the financing, and what the owner buys himself."""
    owned, years = {b: some for b, some in blocks.items() if some}, activity.years
    if inputs.venture is not None:
        built = [a for b in FACILITY for a in blocks[b] if not a.renewal]
        own = {b: [a for a in some if a not in built] for b, some in owned.items()}
        venture = found_venture(built, years, levels, inputs.venture, inputs.tax, activity.end)
        return venture, {b: some for b, some in own.items() if some}
    if inputs.bonds is not None:
        return borrow(_sum(bought, years), levels, inputs.bonds), owned
    return no_financing(len(years)), owned


def _running(activity: Activity, inputs: Inputs, energy_factor: float) -> dict[str, Years]:
    """Return running cost by kind.

    Pay and water are parts of the published other running cost; where the campus file states
    them, they stand by themselves and the rest is what remains of it.
    """
    part = activity.hours / HOURS_PER_YEAR
    stands = np.minimum(activity.it_mw_years, 1.0) > 0.0
    other = activity.it_mw_years * inputs["other_usd_per_it_mw_year"]
    staff = inputs["jobs"] * inputs["usd_per_job_year"] * part * stands
    water = activity.water_m3 * inputs["water_usd_per_m3"]
    return {
        "electricity": activity.electricity_usd * energy_factor,
        "staff": staff,
        "water": water,
        "maintenance and other": np.maximum(other - staff - water, 0.0),
    }


def _written(
    owned: dict[str, list[Asset]], activity: Activity
) -> tuple[dict[str, Years], dict[str, float]]:
    written, left, years = {}, {}, activity.years.astype(float)
    for block, some in owned.items():
        written[block], left[block] = book_depreciation(some, years, activity.end)
    return written, left


def _tax(
    income: Income,
    running: dict[str, Years],
    owned: list[Asset],
    end_usd: float,
    levels: Years,
    years: np.ndarray[Any, np.dtype[np.int64]],
    inputs: Inputs,
    financed: Financed,
) -> tuple[Years, float]:
    """Return the tax of each year in real money; it is due on nominal income."""
    deducted, basis = tax_deductions(owned, years.astype(float), levels, inputs.tax)
    taxable = (income.usd - _sum(running, years)) * levels - deducted - financed.deducted_usd
    # What is left at the end is sold; tax is on what it brings over what was not yet deducted.
    taxable[-1] += end_usd * levels[-1] - basis - financed.basis_usd
    tax, left = income_tax(
        taxable,
        inputs["income_tax_rate"],
        losses=inputs.losses,
        offset_share=inputs["loss_offset_share"],
    )
    return tax / levels, float(left[-1] / levels[-1])


def _sum(parts: dict[str, Years], years: np.ndarray[Any, np.dtype[np.int64]]) -> Years:
    total: Years = np.zeros(len(years))
    for values in parts.values():
        total = total + values
    return total
