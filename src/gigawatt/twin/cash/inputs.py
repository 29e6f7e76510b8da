"""Every number that the money rests on: the campus file's, or the catalogue's with its source."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError
from gigawatt.programme.finance.assets import TaxRule
from gigawatt.programme.finance.dollars import price_ratio
from gigawatt.programme.finance.venture import building_years
from gigawatt.twin.cash.words import percent

if TYPE_CHECKING:
    from gigawatt.catalog import Entry, Fact
    from gigawatt.spec import Campus

__all__ = ["BondTerms", "Inputs", "Known", "VentureTerms", "read_inputs"]

_WHOLE = 1e-6  # how far shares of a part may add up to something else than one


@dataclass(frozen=True, slots=True)
class Known:
    """A number with what it rests on.

    Parameters
    ----------
    value : float
        The number.
    path : str
        Where in the campus file it may be stated.
    facts : tuple of str
        Catalogue facts behind it; none where the user states it.
    low, high : float or None
        Published range.
    """

    value: float
    path: str
    facts: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class BondTerms:
    """Bonds that pay for a part of all capital."""

    debt_share: float
    coupon: float
    years: int


@dataclass(frozen=True, slots=True)
class VentureTerms:
    """A joint venture that builds the facility and lets it to its owner."""

    investor_share: float
    coupon: float
    years: int
    building_years: float
    lease_years: int
    guarantee_years: int
    guarantee_over_bonds: float


@dataclass(frozen=True, slots=True)
class Inputs:
    """Every number that the money of a campus rests on.

    Parameters
    ----------
    known : dict of str to Known
        By name, as in the campus file.
    blocks : tuple of Entry
        Blocks of capital.
    price_year : int
        Year of the dollars.
    tax : TaxRule
        How capital is deducted.
    losses, end_value : str
        As in the campus file.
    bonds : BondTerms or None
        Where bonds pay for capital.
    venture : VentureTerms or None
        Where a joint venture builds the facility.
    """

    known: dict[str, Known]
    blocks: tuple[Entry, ...]
    price_year: int
    tax: TaxRule
    losses: str
    end_value: str
    bonds: BondTerms | None
    venture: VentureTerms | None

    def __getitem__(self, name: str) -> float:
        """Return a number by its name."""
        return self.known[name].value

    def facts(self, *names: str) -> tuple[str, ...]:
        """Return the facts behind numbers; of all of them where none is named."""
        wanted = names or tuple(self.known)
        found = [f for name in wanted if name in self.known for f in self.known[name].facts]
        return tuple(dict.fromkeys(found))

    def replaced(self, **values: float) -> Inputs:
        """Return the inputs with other values of some numbers."""
        known = {
            n: dataclasses.replace(k, value=values[n]) if n in values else k
            for n, k in self.known.items()
        }
        return dataclasses.replace(self, known=known)


def read_inputs(campus: Campus) -> Inputs:
    """Return every number that the money of a campus rests on.

    Raises
    ------
    NotModelledError
        If the tax of its country is not published here and not stated.
    InputError
        If bonds are asked for without the part that they pay for.
    """
    book, said = catalog.load(), campus.finance
    law = book.get("tax_rule", "us-federal")
    known = {k.path.rpartition(".")[2]: k for k in (*_capital(campus), *_running(campus))}
    known["income_tax_rate"] = _tax_rate(campus, law)
    known["loss_offset_share"] = _fact(law["loss_offset_share"], "finance.losses")
    # Its range is of other owners' plants: nothing to vary.
    years = law["power_plant_years"]
    known["power_plant_years"] = Known(years.number, "finance.tax_depreciation", (years.key,))
    blocks = book.entries("capital_block")
    for part in ("facility", "compute"):
        total = sum(b.number("share") for b in blocks if b.text("part") == part)
        if abs(total - 1.0) > _WHOLE:
            message = f"blocks of the {part} add up to {total:g}, not 1"
            raise NotModelledError(message)
    rule = TaxRule(
        said.tax_depreciation,
        law.number("at_once_share"),
        law.number("at_once_longest_years"),
    )
    return Inputs(
        known,
        blocks,
        said.price_year,
        rule,
        said.losses,
        said.end_value,
        _bonds(campus),
        _venture(campus),
    )


def _capital(campus: Campus) -> list[Known]:
    book, said = catalog.load(), campus.finance
    capital, finance = book.get("rate", "capital"), book.get("rate", "finance")
    trend = book.get("chip_price_trend", said.chip_price_trend)["price_change_per_year"]
    compute = _stated(campus, "compute_usd_per_it_mw", capital["compute_usd_per_it_mw"])
    if said.compute_usd_per_it_mw is None:
        compute = _compute_range(campus, compute, capital)
    acre = book.get("rate", "construction")["acre_usd"]
    return [
        compute,
        _stated(campus, "facility_usd_per_it_mw", capital["facility_usd_per_it_mw"]),
        _stated(campus, "discount_rate", finance["discount_rate"]),
        _stated(campus, "it_life_years", finance["it_life_years"]),
        _stated(campus, "facility_life_years", finance["facility_life_years"]),
        _fact(trend, "finance.chip_price_trend"),
        Known(said.land_acres or 0.0, "finance.land_acres"),
        _stated(campus, "land_usd_per_acre", acre),
    ]


def _compute_range(campus: Campus, compute: Known, capital: Entry) -> Known:
    """Return the capital of computers with a range: the published all-in one less the facility.

    For computers alone none is published.
    """
    whole, facility = capital["all_in_usd_per_it_mw"], capital.number("facility_usd_per_it_mw")
    ratio = price_ratio(int(whole.date[:4]), campus.finance.price_year, campus.finance.inflation)
    low, high = ((end - facility) * ratio for end in whole.span)
    return dataclasses.replace(compute, facts=(*compute.facts, whole.key), low=low, high=high)


def _running(campus: Campus) -> list[Known]:
    book, said = catalog.load(), campus.finance
    other = book.get("rate", "operations")["other_usd_per_it_mw_year"]
    pay = book.get("pay", "data-centre-technician")["usd_per_job_year"]
    outlook = book.get("price_index", "us-outlook")["change_per_year"]
    return [
        _stated(campus, "other_usd_per_it_mw_year", other),
        Known(float(said.jobs or 0), "finance.jobs"),
        _stated(campus, "usd_per_job_year", pay),
        Known(said.water_usd_per_m3 or 0.0, "finance.water_usd_per_m3"),
        _stated(campus, "inflation", outlook),
    ]


def _tax_rate(campus: Campus, law: Entry) -> Known:
    if campus.finance.income_tax_rate is None and campus.site.country != "US":
        message = (
            f"no tax on income is published here for '{campus.site.country}'; "
            "state finance.income_tax_rate"
        )
        raise NotModelledError(message)
    return _stated(campus, "income_tax_rate", law["income_tax_rate"])


def _bonds(campus: Campus) -> BondTerms | None:
    terms = campus.finance.financing
    if terms.kind != "bonds":
        return None
    if terms.debt_share is None:
        message = (
            "finance.financing.debt_share: expected the part of capital that bonds pay for, such "
            "as 60 %; found nothing"
        )
        raise InputError(message)
    deal = _deal()
    return BondTerms(
        terms.debt_share,
        deal.number("coupon") if terms.coupon is None else terms.coupon,
        int(deal.number("longest_lease_years")) if terms.years is None else terms.years,
    )


def _venture(campus: Campus) -> VentureTerms | None:
    terms = campus.finance.financing
    if terms.kind != "joint-venture":
        return None
    deal = _deal()
    owner = terms.owner_share
    if owner is not None and owner >= 1.0:
        message = (
            "finance.financing.owner_share: expected a share below 1; found all of it "
            "(say equity instead)"
        )
        raise InputError(message)
    coupon = deal.number("coupon") if terms.coupon is None else terms.coupon
    building = building_years(deal)
    if coupon * building >= 1.0:
        message = (
            f"finance.financing.coupon: expected one below {percent(1.0 / building)}, as interest "
            f"until rent comes in, {building:.1f} years, is borrowed too; found {percent(coupon)}"
        )
        raise InputError(message)
    return VentureTerms(
        deal.number("investor_share") if owner is None else 1.0 - owner,
        coupon,
        int(deal.number("longest_lease_years")) if terms.years is None else terms.years,
        building,
        int(deal.number("lease_years")),
        int(deal.number("guarantee_years")),
        deal.number("guarantee_usd") / deal.number("bond_usd"),
    )


def _deal() -> Entry:
    return catalog.load().get("deal", "hyperion")


def _stated(campus: Campus, name: str, fact: Fact) -> Known:
    """Return what the campus file states, else the fact, its money in dollars of the price year."""
    value = getattr(campus.finance, name)
    path = f"finance.{name}"
    if value is not None:
        return Known(float(value), path)
    known = _fact(fact, path)
    return _in_prices_of(campus, known, fact) if fact.unit.startswith("USD") else known


def _in_prices_of(campus: Campus, known: Known, fact: Fact) -> Known:
    year, to_year = int(fact.date[:4]), campus.finance.price_year
    if year == to_year:
        return known
    ratio = price_ratio(year, to_year, campus.finance.inflation)
    ends = (None if end is None else end * ratio for end in (known.low, known.high))
    return Known(known.value * ratio, known.path, known.facts, *ends)


def _fact(fact: Fact, path: str) -> Known:
    return Known(fact.number, path, (fact.key,), fact.low, fact.high)
