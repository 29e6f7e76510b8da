"""The money of a campus as plain numbers and text, for programs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.twin.cash.plan import FinancePlan
    from gigawatt.twin.cash.tornado import Swing

__all__ = ["finance_record"]


def finance_record(plan: FinancePlan, swings: Sequence[Swing]) -> dict[str, Any]:
    """Return what ``gigawatt finance --format json`` prints; the glossary has its keys.

    Parameters
    ----------
    plan : FinancePlan
        The campus.
    swings : sequence of Swing
        What one input at a time does to its worth.
    """
    flows = plan.flows
    return {
        "campus": plan.campus.name,
        "price_year": plan.inputs.price_year,
        "discount_rate": plan.inputs["discount_rate"],
        "inflation": plan.inputs["inflation"],
        "income": flows.income.name,
        "prices": flows.income.prices,
        "financing": plan.campus.finance.financing.kind,
        "answers": {
            head.name: {
                "label": head.label,
                "value": head.value,
                "unit": head.unit,
                "low": head.low,
                "high": head.high,
                "formula": head.formula,
                "note": head.note,
                "facts": list(head.facts),
                "inputs": list(head.inputs),
            }
            for head in plan.answers
        },
        "capital_usd": {block: [float(v) for v in usd] for block, usd in flows.bought_usd.items()},
        "years": {name: values.tolist() for name, values in plan.table().items()},
        "swings": [dataclasses.asdict(swing) for swing in swings],
        "accounts": plan.ledger.balances(),
    }
