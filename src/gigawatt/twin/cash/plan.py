"""The money of a campus over years, from one run of the campus."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError
from gigawatt.programme.finance.worth import internal_rate, payback_years, present_value
from gigawatt.twin.cash.activity import read_activity
from gigawatt.twin.cash.books import keep_books
from gigawatt.twin.cash.capital import BLOCKS, buy_all
from gigawatt.twin.cash.flows import flow_money
from gigawatt.twin.cash.inputs import read_inputs
from gigawatt.twin.simulate import simulate_campus

if TYPE_CHECKING:
    from gigawatt.programme.finance.assets import Asset
    from gigawatt.programme.finance.ledger import Ledger
    from gigawatt.spec import Campus
    from gigawatt.twin.cash.activity import Activity
    from gigawatt.twin.cash.flows import Flows
    from gigawatt.twin.cash.inputs import Inputs
    from gigawatt.twin.cash.tornado import Swing
    from gigawatt.twin.outcome import Headline, Outcome, Table

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["DEFAULT_YEARS", "FinancePlan", "plan_finance", "plan_run"]

DEFAULT_YEARS: Final = 20
"""Years looked at: those of Hyperion's longest lease, in which its bonds are repaid."""

_MOST_YEARS: Final = 30


@dataclass(frozen=True)
class FinancePlan:
    """The money of a campus over years.

    Parameters
    ----------
    campus : Campus
        As read, over the years looked at.
    run : Outcome
        What it does in them.
    inputs : Inputs
        Every number that the money rests on.
    activity : Activity
        What it does in each year.
    assets : tuple of Asset
        What is bought.
    flows : Flows
        Its money in each year, in real US dollars of `inputs.price_year`.
    """

    campus: Campus
    run: Outcome
    inputs: Inputs
    activity: Activity
    assets: tuple[Asset, ...]
    flows: Flows

    @property
    def years(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Calendar years."""
        return self.flows.years

    @property
    def npv_usd(self) -> float:
        """Worth of the owner's flows at the start, at the discount rate."""
        return present_value(self.flows.owner_usd, self.inputs["discount_rate"])

    @property
    def irr(self) -> float | None:
        """Discount rate at which they are worth nothing; None where there is no one such rate."""
        return internal_rate(self.flows.owner_usd)

    @property
    def payback_years(self) -> float | None:
        """Years until the owner has back what he paid; None where he never has."""
        return payback_years(self.flows.owner_usd)

    @cached_property
    def ledger(self) -> Ledger:
        """Every dollar by year and block, from account to account."""
        return keep_books(self.flows)

    @cached_property
    def swings(self) -> tuple[Swing, ...]:
        """What the worth is at both ends of each input's published range, widest first."""
        from gigawatt.twin.cash.tornado import swing_inputs  # noqa: PLC0415  it plans again

        return swing_inputs(self)

    @cached_property
    def answers(self) -> tuple[Headline, ...]:
        """The answers, in the order a reader wants them."""
        from gigawatt.twin.cash.answers import answer  # noqa: PLC0415  it reads the plan

        return answer(self)

    def table(self) -> Table:
        """Return the money of each year as columns, in real US dollars and, last, nominal ones.

        Depreciation is that of the books; it moves no cash.
        """
        flows, part = self.flows, self.flows.financed
        return {
            "year": flows.years,
            "price_level": flows.levels,
            **{f"{_column(b)}_capital_usd": _or_zero(flows.capital_usd, b, self) for b in BLOCKS},
            **{f"{_column(k)}_usd": usd for k, usd in flows.running_usd.items()},
            "depreciation_usd": sum(flows.written_usd.values(), part.written_usd),
            "income_usd": flows.income.usd,
            "tax_usd": flows.tax_usd,
            "bond_proceeds_usd": part.proceeds_usd,
            "interest_usd": part.interest_usd,
            "principal_usd": part.principal_usd,
            "venture_contribution_usd": part.contributed_usd,
            "venture_rent_usd": part.rent_usd,
            "venture_received_usd": part.received_usd,
            "investor_received_usd": part.investor_usd,
            "investor_owed_usd": part.investor_owed_usd,
            "end_value_usd": flows.at_end_usd,
            "owner_flow_usd": flows.owner_usd,
            "owner_flow_nominal_usd": flows.owner_usd * flows.levels,
        }


def plan_finance(
    campus: Campus,
    *,
    years: int = DEFAULT_YEARS,
    price: str | None = None,
    financing: str | None = None,
) -> FinancePlan:
    """Return what a campus costs and earns over years, and what that is worth.

    Parameters
    ----------
    campus : Campus
        The campus, as `load` reads it.
    years : int
        Years looked at from the start of its horizon, 1 to 30.
    price : str, optional
        Who pays for the computing, in place of the file's ``finance.revenue``: ``none``, ``rent``
        (published), ``rent=2.5`` (USD an accelerator-hour), ``tokens=0.5`` (USD a million) or
        ``transfer=10 %`` (margin over cost).
    financing : str, optional
        Who pays for what is built, in place of ``finance.financing``: ``equity``, ``bonds=60 %``
        or ``joint-venture``.

    Returns
    -------
    FinancePlan
        Its money by year and block, books, answers and what they rest on.

    Raises
    ------
    InputError
        If a value is out of range or does not fit the others.
    NotModelledError
        If the campus asks something that no published figure can answer.

    Notes
    -----
    The worth of the owner's flows is ``sum(flow / (1 + r)^k)`` over years k = 0, 1, ... in real US
    dollars of ``finance.price_year``. What a phase bought before the horizon counts as bought in
    its first year.
    """
    asked = _asked(campus, years, price, financing)
    run = simulate_campus(asked)
    return plan_run(asked, run, read_inputs(asked))


def plan_run(
    campus: Campus,
    run: Outcome,
    inputs: Inputs,
    *,
    energy_factor: float = 1.0,
    price_factor: float = 1.0,
) -> FinancePlan:
    """Return the money of a run that is there, with any inputs.

    Parameters
    ----------
    campus : Campus
        The campus over the years of the run.
    run : Outcome
        What it does.
    inputs : Inputs
        Every number that the money rests on.
    energy_factor, price_factor : float
        Cost of energy and price of what is sold, over those of the run and the inputs.
    """
    # What the run charged for own plants was at the campus's own rates, whatever `inputs` says.
    activity = read_activity(campus, run, read_inputs(campus))
    assets = buy_all(campus, run.tables["phases"], inputs, activity.end)
    flows = flow_money(
        campus, activity, assets, inputs, energy_factor=energy_factor, price_factor=price_factor
    )
    return FinancePlan(campus, run, inputs, activity, assets, flows)


def _asked(campus: Campus, years: int, price: str | None, financing: str | None) -> Campus:
    """Return the campus over other years, with another price or financing."""
    from gigawatt.twin.cash.asked import read_financing, read_price  # noqa: PLC0415  for few

    if not 1 <= years <= _MOST_YEARS:
        message = f"years: expected 1 to {_MOST_YEARS}; found {years}"
        raise InputError(message)
    said: dict[str, Any] = {}
    if price is not None:
        said["revenue"] = read_price(price, campus.finance.revenue)
    if financing is not None:
        said["financing"] = read_financing(financing, campus.finance.financing)
    finance = campus.finance.model_copy(update=said)
    horizon = campus.horizon.model_copy(update={"years": years})
    return campus.model_copy(update={"finance": finance, "horizon": horizon})


def _column(name: str) -> str:
    return name.replace("-", "_").replace(" ", "_")


def _or_zero(parts: dict[str, Years], name: str, plan: FinancePlan) -> Years:
    zero: Years = np.zeros(len(plan.years))
    return parts.get(name, zero)
