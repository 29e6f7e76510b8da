"""The money of a campus as text: the answer first, then capital, years and what moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.cli._text import dim, heading, table, wrap
from gigawatt.results.finance_figures import range_text
from gigawatt.results.numbers import band, human, quantity, share_text
from gigawatt.twin.cash.notes import notes
from gigawatt.twin.cash.words import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gigawatt.twin.cash.plan import FinancePlan
    from gigawatt.twin.cash.tornado import Swing
    from gigawatt.twin.outcome import Headline

__all__ = ["finance_text"]


def finance_text(plan: FinancePlan, swings: Sequence[Swing]) -> str:
    """Return what ``gigawatt finance`` prints."""
    return "\n\n".join(block for block in _blocks(plan, swings) if block)


def _blocks(plan: FinancePlan, swings: Sequence[Swing]) -> Iterable[str]:
    yield _answers(plan)
    yield _capital(plan)
    yield _years(plan)
    yield _venture(plan)
    yield _swings(plan, swings)
    yield _books(plan)
    lines = (wrap(f"- {one}", "  ") for one in notes(plan))
    yield "\n".join([heading("Notes"), *lines])


def _answers(plan: FinancePlan) -> str:
    first, last = plan.years[0], plan.years[-1]
    title = heading(f"{plan.campus.name}, its money from {first} to {last}")
    rows = [(head.label, _value(head), _beside(head)) for head in plan.answers]
    asked = f"{plan.flows.income.name}; paid for by {_paid_by(plan)}"
    priced = ", ".join(f"{k} {v:.4g}" for k, v in plan.flows.income.prices.items())
    said = dim("; ".join(p for p in (asked, priced) if p))
    return "\n".join([title, said, table(("", "", ""), rows, indent=2, folding=(2,))])


def _paid_by(plan: FinancePlan) -> str:
    inputs = plan.inputs
    if inputs.bonds is not None:
        return f"bonds, {percent(inputs.bonds.debt_share)}, and the owner"
    if inputs.venture is not None:
        owner = percent(1 - inputs.venture.investor_share)
        return f"a joint venture (owner {owner}) for the facility and the owner for the rest"
    return "the owner"


def _value(head: Headline) -> str:
    if head.value is None:
        return "–"
    return quantity(head.value, head.unit, head.name)


def _beside(head: Headline) -> str:
    span = band(head.low, head.high, head.unit, head.name)
    return "; ".join(part for part in (span, head.note) if part)


def _capital(plan: FinancePlan) -> str:
    blocks = {
        block: (
            sum(a.usd for a in plan.assets if a.block == block and not a.renewal),
            sum(a.usd for a in plan.assets if a.block == block and a.renewal),
        )
        for block in plan.flows.bought_usd
    }
    whole = sum(first for first, _ in blocks.values())
    firsts, renewed = ([v[i] for v in blocks.values()] for i in (0, 1))
    word, unit = _scale(max([*firsts, *renewed], default=0.0))
    rows = [
        (block, _under(first / unit), share_text(first, whole), _under(again / unit))
        for block, first, again in zip(blocks, firsts, renewed, strict=True)
    ]
    head = ("block", f"to build it, {word} USD", "share", f"renewals, {word} USD")
    return _titled("Capital by block", table(head, rows, right=(1, 2, 3), indent=2))


def _years(plan: FinancePlan) -> str:
    flows = plan.flows
    columns = {
        "capital": -sum(flows.capital_usd.values(), 0.0 * flows.levels),
        "running": -sum(flows.running_usd.values(), 0.0 * flows.levels),
        "income": flows.income.usd,
        "tax": -flows.tax_usd,
        "financing": flows.financed.flow_usd,
        "left": flows.at_end_usd,
        "owner": flows.owner_usd,
        "so far": flows.owner_usd.cumsum(),
    }
    kept = {n: v for n, v in columns.items() if v.any() or n in {"owner", "so far"}}
    return _by_year(plan, "Years", kept)


def _by_year(plan: FinancePlan, title: str, columns: dict[str, Any]) -> str:
    """Return columns of money by year, in billions or, where there are none, in millions."""
    most = max(float(abs(values).max()) for values in columns.values())
    word, unit = _scale(most)
    rows = [
        (str(year), *(_under(float(values[i]) / unit) for values in columns.values()))
        for i, year in enumerate(plan.years)
    ]
    right = tuple(range(1, len(columns) + 1))
    body = table(("year", *columns), rows, right=right, indent=2)
    return _titled(f"{title}, {word} USD of {plan.inputs.price_year}", body)


def _venture(plan: FinancePlan) -> str:
    """Return who pays what in a joint venture."""
    if plan.inputs.venture is None:
        return ""
    part = plan.flows.financed
    columns = {
        "owner pays in": part.contributed_usd,
        "owner's rent": part.rent_usd,
        "back to owner": part.received_usd,
        "to investor": part.investor_usd,
        "investor owes": part.investor_owed_usd,
    }
    return _by_year(plan, "Joint venture", columns)


def _scale(most: float) -> tuple[str, float]:
    return ("billion", 1e9) if most >= 1e9 else ("million", 1e6)


def _under(value: float) -> str:
    shown = f"{value:,.2f}"
    return "0" if shown in {"0.00", "-0.00"} else shown


def _swings(plan: FinancePlan, swings: Sequence[Swing]) -> str:
    if not swings:
        return ""
    rows = [
        (
            s.label + ("" if s.published else " (yours)"),
            range_text(s),
            human(s.npv_at_low_usd, "USD"),
            human(s.npv_at_high_usd, "USD"),
        )
        for s in swings
    ]
    title = f"Worth of {human(plan.npv_usd, 'USD')} with one input at an end of its range"
    head = ("input", "range", "at the low end", "at the high end")
    return _titled(title, table(head, rows, right=(2, 3), indent=2))


def _books(plan: FinancePlan) -> str:
    balances = plan.ledger.balances()
    off = plan.ledger.trial_balance()
    total = sum(value for value in balances.values() if value > 0.0)
    count = len(plan.ledger.entries)
    told = (
        f"{count:,} entries in {len(balances)} accounts; debits and credits of "
        f"{human(total, 'USD')} differ by {abs(off):.2f} USD"
    )
    return _titled("Books", wrap(told, "  "))


def _titled(title: str, body: str) -> str:
    return "\n".join([heading(title), body])
