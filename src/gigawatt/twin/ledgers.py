"""The three ledgers: energy, accelerator-hours and money, each accounted for once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt.site.it_power import ACTIVITIES

if TYPE_CHECKING:
    from gigawatt.twin.outcome import Table
    from gigawatt.twin.state import State

__all__ = ["accelerator_ledger", "energy_ledger", "money_ledger"]


def energy_ledger(state: State) -> Table:
    """Return where the energy went and where it came from; both sides have the same total."""
    uses = [(f"IT: {a.replace('_', ' ')}", p.sum()) for a, p in state.schedule.it_mw.items()]
    overhead = (state.facility_mw - state.it_mw).sum()
    uses.append(("cooling and losses", overhead))
    sources = [(name, mw.sum()) for name, mw in state.supply.given_mw.items()]
    return {
        "side": np.array(["use"] * len(uses) + ["supply"] * len(sources), dtype=object),
        "account": np.array([name for name, _ in (*uses, *sources)], dtype=object),
        "mwh": np.array([mwh for _, mwh in (*uses, *sources)], dtype=float),
    }


def accelerator_ledger(state: State) -> Table:
    """Return what every accelerator-hour went to; the hours sum to those installed."""
    rows = [
        (activity, chip, float((count * state.schedule.shares[activity]).sum()))
        for chip, count in state.capacity.chips.items()
        for activity in ACTIVITIES
    ]
    return {
        "account": np.array([r[0] for r in rows], dtype=object),
        "chip": np.array([r[1] for r in rows], dtype=object),
        "hours": np.array([r[2] for r in rows], dtype=float),
    }


def money_ledger(state: State) -> Table:
    """Return what every dollar paid for and which activity it served."""
    rows = [(b, a, float(usd.sum())) for (b, a), usd in state.money.by_activity.items()]
    return {
        "account": np.array([r[0] for r in rows], dtype=object),
        "activity": np.array([r[1] for r in rows], dtype=object),
        "usd": np.array([r[2] for r in rows], dtype=float),
    }
