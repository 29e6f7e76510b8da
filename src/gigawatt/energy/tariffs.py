"""What a utility bills: each component by itself, and what leaving a contract costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Mapping

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]
    Series = float | Hours

__all__ = ["Bill", "Tariff", "bill", "exit_fee", "tariff"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tariff:
    """Prices and terms of a contract.

    Parameters
    ----------
    name : str
        Its name.
    energy_usd_per_mwh : float or ndarray (hours,)
        Price of energy.
    riders_usd_per_mwh : mapping of str to float
        Further charges on energy, by name.
    demand_usd_per_mw_month : float
        Charge on the demand billed in each billing period.
    least_demand_share : float
        Part of the contracted power that is billed at least, such as 0.85.
    ratchet_share : float
        Part of the highest demand of the periods before that is billed at least.
    capacity_usd_per_mw_month : float
        Charge on the demand of each billing period without a least: capacity of the region.
    least_take_share : float
        Part of the contracted power, in every hour, whose energy is to be taken over all hours.
    shortfall_usd_per_mwh : float
        What a MWh of it not taken costs.
    fixed_usd_per_month : float
        What each billing period costs whatever is taken.
    fixed_name : str
        What that is called on the bill.
    term_years, exit_after_years, exit_fee_years : float, optional
        Length of the contract; years after which the customer may leave; years of least charges
        that leaving costs. None where they are not published.
    """

    name: str
    energy_usd_per_mwh: Series = 0.0
    riders_usd_per_mwh: Mapping[str, float] = field(default_factory=dict)
    demand_usd_per_mw_month: float = 0.0
    least_demand_share: float = 0.0
    ratchet_share: float = 0.0
    capacity_usd_per_mw_month: float = 0.0
    least_take_share: float = 0.0
    shortfall_usd_per_mwh: float = 0.0
    fixed_usd_per_month: float = 0.0
    fixed_name: str = "fixed"
    term_years: float | None = None
    exit_after_years: float | None = None
    exit_fee_years: float | None = None

    def __post_init__(self) -> None:
        for name in ("least_demand_share", "ratchet_share", "least_take_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                message = f"{name} must be within [0, 1]; found {getattr(self, name):g}"
                raise InputError(message)
        for name in (
            "demand_usd_per_mw_month", "capacity_usd_per_mw_month", "shortfall_usd_per_mwh",
            "fixed_usd_per_month",
        ):  # fmt: skip
            if getattr(self, name) < 0.0:
                message = f"{name} must not be negative; found {getattr(self, name):g}"
                raise InputError(message)


@dataclass(frozen=True, eq=False)
class Bill:
    """A bill over the hours given.

    Parameters
    ----------
    parts_usd : dict of str to float
        By component; those that are nothing are left out.
    demand_mw, billed_mw : ndarray (periods,)
        Highest power of each billing period, and what is charged for.
    energy_mwh : float
        Energy taken.
    """

    parts_usd: Mapping[str, float]
    demand_mw: Hours
    billed_mw: Hours
    energy_mwh: float

    @property
    def total_usd(self) -> float:
        """Sum of the components."""
        return float(sum(self.parts_usd.values()))

    @property
    def usd_per_mwh(self) -> float:
        """The whole bill over the energy taken; not a number where none is taken."""
        return self.total_usd / self.energy_mwh if self.energy_mwh else float("nan")


def bill(
    terms: Tariff, drawn_mw: Hours, periods: Indices, *, contracted_mw: float | None = None
) -> Bill:
    r"""Return the bill for the power drawn in each hour.

    .. math::

        B = \sum_t (e_t + r)\,g_t + \sum_p d\,\max(\hat g_p,\ s_c C,\ s_r \max_{q<p} \hat g_q)
            + \sum_p (k\,\hat g_p + f) + m\,\max(s_t C T - \sum_t g_t,\ 0)

    with the highest power :math:`\hat g_p` of each billing period p and the contracted power C. The
    charge on demand is told in two parts: what was drawn, and what the least adds. A billing period
    that the hours cut short is billed whole.

    Parameters
    ----------
    terms : Tariff
        Prices and terms.
    drawn_mw : ndarray (hours,)
        Power from the utility.
    periods : ndarray of int (hours,)
        Billing period of each hour, from 0.
    contracted_mw : float, optional
        Contracted power; by default the highest drawn.

    Raises
    ------
    InputError
        If the power or the periods are not hourly series.
    """
    drawn = np.asarray(drawn_mw, dtype=float)
    if drawn.ndim != 1 or drawn.shape != np.shape(periods) or (drawn < 0.0).any():
        message = "drawn_mw and periods must be series of the same hours, none of it negative"
        raise InputError(message)
    contracted = float(drawn.max()) if contracted_mw is None else contracted_mw
    count = int(periods.max()) + 1
    demand = np.zeros(count)
    np.maximum.at(demand, periods, drawn)
    before = np.maximum.accumulate(np.concatenate([[0.0], demand[:-1]]))
    least = np.maximum(terms.least_demand_share * contracted, terms.ratchet_share * before)
    billed = np.maximum(demand, least)
    energy = float(drawn.sum())
    missed = max(terms.least_take_share * contracted * drawn.size - energy, 0.0)
    parts = {
        "energy": float((drawn * terms.energy_usd_per_mwh).sum()),
        **{name: energy * usd for name, usd in terms.riders_usd_per_mwh.items()},
        "demand": terms.demand_usd_per_mw_month * float(demand.sum()),
        "least demand": terms.demand_usd_per_mw_month * float((billed - demand).sum()),
        "capacity": terms.capacity_usd_per_mw_month * float(demand.sum()),
        "energy not taken": terms.shortfall_usd_per_mwh * missed,
        terms.fixed_name: terms.fixed_usd_per_month * count,
    }
    kept = {name: usd for name, usd in parts.items() if usd != 0.0}
    return Bill(kept, demand, billed, energy)


def exit_fee(terms: Tariff, contracted_mw: float, after_years: float) -> float:
    """Return what leaving the contract costs, USD.

    Before the customer may leave, the least charges up to that day are owed as well; never more is
    owed than the least charges of the rest of the term.

    Parameters
    ----------
    terms : Tariff
        Terms of the contract.
    contracted_mw : float
        Contracted power.
    after_years : float
        Years since the term began.

    Raises
    ------
    NotModelledError
        If the contract's exit fee is not published.
    """
    if terms.exit_fee_years is None or terms.term_years is None:
        message = f"{terms.name}: no exit fee is published"
        raise NotModelledError(message)
    if after_years < 0.0:
        message = f"after_years must not be negative; found {after_years:g}"
        raise InputError(message)
    least = 12.0 * terms.demand_usd_per_mw_month * terms.least_demand_share * contracted_mw
    a_year = least + 12.0 * terms.fixed_usd_per_month
    rest = max(terms.term_years - after_years, 0.0)
    held = max((terms.exit_after_years or 0.0) - after_years, 0.0)
    return a_year * min(held + terms.exit_fee_years, rest)


def tariff(
    name: str, *, energy_usd_per_mwh: Series = 0.0, capacity_usd_per_mw_year: float = 0.0,
    fixed_usd_per_year: float = 0.0,
) -> Tariff:  # fmt: skip
    """Return a published tariff of the catalogue, with the prices of the market beside it.

    Parameters
    ----------
    name : str
        Entry of the kind ``tariff``.
    energy_usd_per_mwh, capacity_usd_per_mw_year, fixed_usd_per_year : float or ndarray
        Prices that the tariff does not set: those of the market, and of plants built for it.

    Examples
    --------
    >>> tariff("aep-ohio-dct").least_demand_share
    0.85
    """
    entry = catalog.load().get("tariff", name)

    def number(key: str) -> float | None:
        return entry.number(key) if key in entry else None

    ramp = number("ramp_years") or 0.0
    term = number("term_years")
    return Tariff(
        name=f"{entry.text('utility')}: {entry.text('name')}",
        energy_usd_per_mwh=energy_usd_per_mwh,
        demand_usd_per_mw_month=(number("demand_usd_per_mw_year") or 0.0) / 12.0,
        least_demand_share=number("least_demand_share") or 0.0,
        capacity_usd_per_mw_month=capacity_usd_per_mw_year / 12.0,
        fixed_usd_per_month=fixed_usd_per_year / 12.0,
        fixed_name="capital of the plants built for it" if "plants_usd" in entry else "fixed",
        term_years=None if term is None else term + ramp,
        exit_after_years=number("exit_after_years"),
        exit_fee_years=number("exit_fee_years"),
    )
