"""What published sources say money comes to, held against the finance models.

Nothing is fitted to a row. Where a row rests on the same facts as the prediction it says so in its
group: capital per gigawatt is predicted from the price of accelerators and not from the published
totals, the joint venture from its bonds alone and not from its lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.programme.finance.annuity import level_payment
from gigawatt.programme.finance.ownership import Ownership, owned_usd_per_h, ownership
from gigawatt.programme.finance.stake import implied_valuation_usd
from gigawatt.programme.finance.venture import (
    investor_bonds_usd,
    published_venture,
    venture_schedule,
)
from gigawatt.validation.score import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gigawatt.programme.finance.venture import Venture

__all__ = ["build_usd_per_gw", "finance_table", "yearly_per_mw"]

_STATED: Final = ("capital", "capital-bernstein", "capital-nvidia", "capital-barclays",
                  "capital-full-stack")  # fmt: skip
_BUILT_WITH: Final = ("gb200-nvl72",)
_LIVES: Final = ((3.0, "high"), (5.0, "value"), (7.0, "low"))


def finance_table(path: Path | None) -> list[Prediction]:
    """Return the predictions of published figures of money.

    Parameters
    ----------
    path : Path, optional
        Must be left out: these are the catalogue's own figures.
    """
    if path is not None:
        message = "these are the catalogue's own figures; no file can take their place yet"
        raise InputError(message)
    return [*_capital(), *_ownership(), *_accelerator_hours(), *_venture(), *_stake()]


def build_usd_per_gw(chip: str) -> tuple[float, float, float]:
    """Return what a GW of IT power costs by the price of its accelerators, and its range.

    Accelerators that a GW feeds x price of one / their share of all capital (Bernstein, 39 %).
    """
    book = catalog.load()
    entry = book.get("chip", chip)
    share = book.get("rate", "capital-bernstein").number("gpu_share")
    count = 1e6 / entry.number("all_in_it_kw")
    price = entry["price_usd"]
    low, high = (count * end / share for end in price.span)
    return count * price.number / share, low, high


def _capital() -> Iterator[Prediction]:
    book = catalog.load()
    for chip in _BUILT_WITH:
        value, low, high = build_usd_per_gw(chip)
        for name in _STATED:
            stated = book.get("rate", name).number("all_in_usd_per_it_mw") * 1e3
            yield Prediction(
                f"{name}, GW of {chip}", "capital of a gigawatt", stated, value, low, high
            )


def yearly_per_mw(it_life_years: float | None = None) -> Ownership:
    """Return the yearly cost of a MW of IT power at the catalogue's rates."""
    book = catalog.load()
    capital, finance = book.get("rate", "capital"), book.get("rate", "finance")
    life = finance.number("it_life_years") if it_life_years is None else it_life_years
    return ownership(
        capital.number("compute_usd_per_it_mw"),
        capital.number("facility_usd_per_it_mw"),
        book.get("rate", "operations").number("operations_usd_per_it_mw_year"),
        rate=finance.number("discount_rate"),
        it_life_years=life,
        facility_life_years=finance.number("facility_life_years"),
    )


def _ownership() -> Iterator[Prediction]:
    """Yield the yearly cost of a gigawatt by life of computers, as Epoch AI published it."""
    fact = catalog.load().get("rate", "operations")["total_usd_per_it_mw_year"]
    published = {"low": fact.span[0], "value": fact.number, "high": fact.span[1]}
    for life, end in _LIVES:
        value = yearly_per_mw(life).total_usd * 1e3
        yield Prediction(
            f"GW-year, computers last {life:g} years",
            "owning a gigawatt for a year",
            published[end] * 1e3,
            value,
            *_band(value, life),
        )


def _accelerator_hours() -> Iterator[Prediction]:
    """Yield the cost of an accelerator-hour to its owner, by SemiAnalysis, for every chip.

    Every chip is taken to cost what its rated IT power does at the rate of a whole gigawatt.
    """
    yearly = yearly_per_mw()
    for entry in catalog.load().entries("chip"):
        if "own_usd_per_h" not in entry:
            continue
        kw = entry.number("all_in_it_kw")
        value = owned_usd_per_h(yearly, kw)
        group = "owning an accelerator for an hour"
        stated = entry.number("own_usd_per_h")
        yield Prediction(entry.id, group, stated, value, *_band(value, None))


def _band(value: float, life: float | None) -> tuple[float, float]:
    """Return a yearly cost at both ends of the published capital of a gigawatt."""
    whole = catalog.load().get("rate", "capital")["all_in_usd_per_it_mw"]
    yearly = yearly_per_mw(life)
    charged = (yearly.compute_usd + yearly.facility_usd) / yearly.total_usd
    low, high = (1.0 + charged * (end / whole.number - 1.0) for end in whole.span)
    return value * low, value * high


def _venture() -> Iterator[Prediction]:
    """Yield what follows from the bonds and the shares, against what the partners stated."""
    deal, venture = catalog.load().get("deal", "hyperion"), published_venture("hyperion")
    group, number = "joint venture of Hyperion", deal.number
    share, coupon = venture.investor_share, venture.coupon
    committed = float(venture_schedule(venture).committed_usd[0])
    # Rent is monthly or half-yearly, in advance or not: the band is level payments of a year at
    # its end and monthly ones.
    yearly, monthly = (venture.lease_years * _rent(venture, parts) for parts in (1, 12))
    yield Prediction("rent of the first term", group, number("initial_lease_usd"), committed,
                     min(yearly, monthly), max(yearly, monthly))  # fmt: skip
    built = venture.building_years
    bonds, most = (
        investor_bonds_usd(venture.development_usd, share, coupon, years)
        for years in (built, built + 1.0)  # rent begins within the year
    )
    yield Prediction("bonds sold", group, number("bond_usd"), bonds, bonds, most)
    paid_out = deal["owner_distribution_usd"]
    cash, most, least = (
        (number("owner_contribution_usd") - usd) * share / (1.0 - share)
        for usd in (paid_out.number, *paid_out.span)
    )
    yield Prediction(
        "investor's cash at closing", group, number("investor_contribution_usd"), cash, least, most
    )
    owed = number("bond_usd")
    yield Prediction("value guaranteed", group, number("guarantee_usd"), owed, owed,
                     owed * (1.0 + coupon / 2.0))  # fmt: skip


def _rent(venture: Venture, parts: int) -> float:
    paid = level_payment(venture.bond_usd, venture.coupon, venture.longest_lease_years, parts)
    return paid / venture.investor_share


def _stake() -> Iterator[Prediction]:
    for deal in catalog.load().entries("deal"):
        if "stake_usd" not in deal:
            continue
        value, low, high = (
            implied_valuation_usd(usd, deal.number("stake_share"))
            for usd in (deal.number("stake_usd"), *deal["stake_usd"].span)
        )
        yield Prediction(deal.id, "stakes", deal.number("valuation_usd"), value, low, high)
