"""The answers about money, each with its formula, range, facts and inputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gigawatt import catalog
from gigawatt.programme.finance.venture import investor_bonds_usd
from gigawatt.twin.cash.capital import FACILITY
from gigawatt.twin.cash.plan import plan_run
from gigawatt.twin.cash.unit_costs import UnitCosts, unit_costs
from gigawatt.twin.cash.words import percent
from gigawatt.twin.outcome import Headline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.twin.cash.plan import FinancePlan

__all__ = ["answer"]

_CAPITAL = ("compute_usd_per_it_mw", "facility_usd_per_it_mw")
_COST = (*_CAPITAL, "discount_rate", "it_life_years", "facility_life_years", "chip_price_trend",
         "other_usd_per_it_mw_year")  # fmt: skip
_AFTER = ("income_tax_rate", "loss_offset_share", "inflation")
_SAID = "range: published capital of a gigawatt, 30 to 60 billion USD"


def answer(plan: FinancePlan) -> tuple[Headline, ...]:
    """Return the answers about a campus's money, in the order a reader wants them."""
    return tuple(one for group in (_build, _cost, _units, _worth, _terms) for one in group(plan))


def _headline(  # noqa: PLR0913  the fields of a headline
    plan: FinancePlan,
    name: str,
    label: str,
    value: float | None,
    unit: str,
    formula: str,
    *,
    of: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
    band: tuple[float, float] | None = None,
    note: str = "",
) -> Headline:
    kept = None if value is None or not math.isfinite(value) else value
    low, high = (None, None) if band is None or kept is None else (min(band), max(band))
    facts = tuple(dict.fromkeys((*plan.inputs.facts(*of), *more)))
    said = tuple(k.path for n in of if (k := plan.inputs.known.get(n)) and not k.facts)
    return Headline(name, label, "money", kept, unit, low, high, formula, facts, said, note)


def _ends(plan: FinancePlan) -> tuple[FinancePlan, FinancePlan] | None:
    """Return the plan at both ends of the published capital of computers; None where stated."""
    known = plan.inputs.known["compute_usd_per_it_mw"]
    if known.low is None or known.high is None:
        return None
    low, high = (
        plan_run(plan.campus, plan.run, plan.inputs.replaced(compute_usd_per_it_mw=end))
        for end in (known.low, known.high)
    )
    return low, high


def _first_usd(plan: FinancePlan) -> float:
    return sum(a.usd for a in plan.assets if not a.renewal)


def _build(plan: FinancePlan) -> Iterator[Headline]:
    ends = _ends(plan)
    first = _first_usd(plan)
    whole = sum(float(usd.sum()) for usd in plan.flows.bought_usd.values())
    gw = sum(float(p) for p in plan.run.tables["phases"]["it_mw"]) / 1000.0
    per = first / gw if gw else None
    blocks = tuple(b["share"].key for b in plan.inputs.blocks)
    yield _headline(
        plan, "first_capital_usd", "Capital to build it", first, "USD",
        "rated power of the accelerators x capital of computers per MW + IT power x capital of the "
        "facility per MW + own power plants", of=_CAPITAL, more=blocks,
        band=(_first_usd(ends[0]), _first_usd(ends[1])) if ends else None,
        note=_SAID if ends else "",
    )  # fmt: skip
    yield _headline(
        plan, "capital_usd_per_gw", "The same for a GW of IT power", per, "USD",
        "capital to build it / IT power", of=_CAPITAL,
        band=(_first_usd(ends[0]) / gw, _first_usd(ends[1]) / gw) if ends and gw else None,
    )  # fmt: skip
    yield _headline(
        plan, "renewal_usd", "Renewals within these years", whole - first, "USD",
        "computers and plant bought again at the end of their life, as good as they were",
        of=(*_CAPITAL, "it_life_years", "facility_life_years", "chip_price_trend"),
        note=f"equal accelerators: {percent(plan.inputs['chip_price_trend'], 1, sign=True)} a year",
    )  # fmt: skip


def _cost(plan: FinancePlan) -> Iterator[Headline]:
    ends, costs = _ends(plan), unit_costs(plan)
    outer = [unit_costs(end) for end in ends] if ends else []
    band = (outer[0].usd_per_gw_year, outer[1].usd_per_gw_year) if outer else None
    yield _headline(
        plan, "running_usd_per_gw_year", "Running a GW of IT power for a year",
        costs.running_usd_per_gw_year, "USD/yr", "electricity + staff + water + maintenance and "
        "other, over the IT power built for", of=("other_usd_per_it_mw_year",),
        note=f"the year {costs.year}",
    )  # fmt: skip
    yield _headline(
        plan, "usd_per_gw_year", "Owning a GW of IT power for a year", costs.usd_per_gw_year,
        "USD/yr", "sum of capital x r / (1 - (1 + r)^-life) + running cost, over the IT power",
        of=_COST, more=("rate/operations/total_usd_per_it_mw_year",), band=band,
        note=f"the year {costs.year}; published: 7 to 12 billion USD a year with lives of 7 to 3 "
        "years",
    )  # fmt: skip


def _units(plan: FinancePlan) -> Iterator[Headline]:
    ends, costs = _ends(plan), unit_costs(plan)
    outer = [unit_costs(end) for end in ends] if ends else []

    def band(field: str) -> tuple[float, float] | None:
        return (getattr(outer[0], field), getattr(outer[1], field)) if outer else None

    yield _headline(
        plan, "usd_per_accelerator_hour", "Cost of an accelerator for an hour",
        costs.usd_per_accelerator_hour, "USD/h", "PV(capital + running - what is left) / "
        "PV(accelerator-hours installed)", of=_COST, band=band("usd_per_accelerator_hour"),
        note=_rents(plan),
    )  # fmt: skip
    yield _headline(
        plan, "usd_per_used_hour", "The same for an hour in use, the price that pays for it all",
        costs.usd_per_used_hour, "USD/h", "PV(capital + running - what is left) / "
        "PV(accelerator-hours in use)", of=_COST, band=band("usd_per_used_hour"),
        note="before tax",
    )  # fmt: skip
    yield from _made(plan, costs)


def _rents(plan: FinancePlan) -> str:
    """Return the published rents of the campus's accelerators."""
    told = []
    for chip in plan.activity.installed_h:
        entry = catalog.load().get("chip", chip)
        if "rent_usd_per_h" in entry:
            low, high = entry["rent_usd_per_h"].span
            span = f"{low:g} to {high:g}" if low < high else f"{low:g}"
            told.append(f"{entry.text('name')} rents for {span} USD an hour")
        elif "own_usd_per_h" in entry:
            own = entry.number("own_usd_per_h")
            told.append(f"{entry.text('name')}: {own:g} USD an hour by SemiAnalysis, no rent known")
        else:
            told.append(f"no rent of {entry.text('name')} is published")
    return "; ".join(told)


def _made(plan: FinancePlan, costs: UnitCosts) -> Iterator[Headline]:
    finished = plan.run.tables["training_runs"]["finished"]
    for i, (name, usd) in enumerate(costs.runs_usd.items()):
        yield _headline(
            plan, f"training_usd[{name}]", f"Training {name}", usd, "USD",
            "accelerator-hours of the run x cost of an accelerator for an hour", of=_COST,
            note="" if finished[i] else "not finished within these years",
        )  # fmt: skip
    for name, usd in costs.usd_per_million_tokens.items():
        yield _headline(
            plan, f"usd_per_million_tokens[{name}]", f"A million tokens of {name}", usd,
            "USD/Mtoken", "accelerator-hours of the service x cost of an hour / tokens served, "
            "input and output", of=_COST,
        )  # fmt: skip


def _worth(plan: FinancePlan) -> Iterator[Headline]:
    sold = bool(plan.flows.income.usd.any())
    more = plan.flows.income.facts
    over = (
        f"{plan.years[0]} to {plan.years[-1]}, at {percent(plan.inputs['discount_rate'], 2)} real"
    )
    yield _headline(
        plan, "npv_usd", "Worth to the owner" if sold else "Worth of all that the owner pays",
        plan.npv_usd, "USD", "sum of (income - running cost - capital - tax + financing + what is "
        "left) / (1 + r)^k, k = 0, 1, ... years", of=(*_COST, *_AFTER), more=more, note=over,
    )  # fmt: skip
    if sold:
        yield _headline(
            plan, "irr", "Internal rate of return", plan.irr, "ratio",
            "the discount rate at which the worth is nothing", of=(*_COST, *_AFTER), more=more,
            note="real" if plan.irr is not None else _no_rate(plan),
        )  # fmt: skip
        yield _headline(
            plan, "payback_years", "Years until the owner has his money back", plan.payback_years,
            "years", "undiscounted", of=(*_COST, *_AFTER), more=more,
            note="" if plan.payback_years is not None else _no_payback(plan),
        )  # fmt: skip
    yield _headline(
        plan, "tax_usd", "Tax on income, all years", float(plan.flows.tax_usd.sum()), "USD",
        "rate x (nominal income - deductions - interest and rent), in real USD", of=_AFTER,
        note=f"{plan.flows.unused_losses_usd / 1e9:.3g} billion USD of losses are left to carry"
        if plan.flows.unused_losses_usd else "",
    )  # fmt: skip


def _no_rate(plan: FinancePlan) -> str:
    """Return why there is no internal rate."""
    flows = plan.flows.owner_usd
    changes = np.count_nonzero(np.diff(np.sign(flows[flows != 0.0])))
    if changes > 1:
        return "the flows change sign more than once: there is no one rate above zero"
    return "next to nothing comes back" if changes else "the flows never change sign"


def _no_payback(plan: FinancePlan) -> str:
    """Return why there is no time until the money is back."""
    spent = (plan.flows.owner_usd.cumsum() < 0.0).any()
    return "he is still out of pocket at the end" if spent else "he never puts money in"


def _terms(plan: FinancePlan) -> Iterator[Headline]:
    part, more = plan.flows.financed, _deal_facts(plan, "coupon")
    if plan.inputs.bonds is not None:
        terms = plan.inputs.bonds
        yield _headline(
            plan, "borrowed_usd", "Borrowed", float(part.proceeds_usd.sum()), "USD",
            "part of capital that bonds pay for x everything bought", of=_CAPITAL,
            more=more,
            note=f"{percent(terms.coupon, 2)} nominal, {terms.years} years",
        )  # fmt: skip
        yield _headline(
            plan, "interest_usd", "Interest, all years", float(part.interest_usd.sum()), "USD",
            "of level payments, in real USD", of=_CAPITAL, more=more,
        )  # fmt: skip
    if plan.inputs.venture is not None:
        yield from _of_venture(plan)


def _deal_facts(plan: FinancePlan, *fields: str) -> tuple[str, ...]:
    """Return the facts of Hyperion's deal that stand where the campus file states nothing."""
    deal, said = catalog.load().get("deal", "hyperion"), plan.campus.finance.financing
    stated = {
        "investor_share": said.owner_share,
        "coupon": said.coupon,
        "longest_lease_years": said.years,
    }
    return tuple(deal[field].key for field in fields if stated[field] is None)


def _of_venture(plan: FinancePlan) -> Iterator[Headline]:
    terms, part = plan.inputs.venture, plan.flows.financed
    deal = catalog.load().get("deal", "hyperion")
    if terms is None:
        return
    more = _deal_facts(plan, "investor_share", "coupon", "longest_lease_years")
    year = int(part.rent_usd.argmax())
    yield _headline(
        plan, "venture_rent_usd_per_year", "Rent of the facility, highest year",
        float(part.rent_usd[year]), "USD/yr",
        "level payment on what the investor borrows / his share", of=_CAPITAL, more=more,
        note=f"the year {plan.years[year]}; the owner gets back "
        f"{percent(1 - terms.investor_share)} of it",
    )  # fmt: skip
    yield _headline(
        plan, "investor_owed_usd", "Owed by the investor at the end of a year, at most",
        float(part.investor_owed_usd.max()), "USD",
        "his share of building / (1 - coupon x years until rent), less what is repaid",
        of=_CAPITAL, more=more,
    )  # fmt: skip
    bonds = sum(
        investor_bonds_usd(a.usd, terms.investor_share, terms.coupon, terms.building_years)
        for a in plan.assets
        if a.block in FACILITY and not a.renewal
    )
    yield _headline(
        plan, "guaranteed_usd", "Value that the owner guarantees at the start",
        bonds * terms.guarantee_over_bonds, "USD",
        "what the investor borrows x value guaranteed over bonds at Hyperion", of=_CAPITAL,
        more=(deal["guarantee_usd"].key, deal["bond_usd"].key),
        note=f"for {terms.guarantee_years} years, falling as the bonds are repaid",
    )  # fmt: skip
