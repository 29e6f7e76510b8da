"""A simulation of jobs as plain numbers and text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gigawatt.twin.cluster_run.account import STATES

if TYPE_CHECKING:
    from gigawatt.twin.cluster_run.account import Account
    from gigawatt.twin.cluster_run.result import JobsRun

__all__ = ["jobs_record", "ledger_rows"]


def jobs_record(found: JobsRun) -> dict[str, Any]:
    """Return the answer as plain numbers and text, for programs; None where there is no number."""
    return {
        "title": found.title,
        "about": found.about,
        "begin": None if found.begin is None else found.begin.isoformat(),
        "until_s": found.until_s,
        "policy": found.policy,
        "reliability": found.reliability,
        "accelerators": found.accelerators,
        "utilisation": found.utilisation,
        "goodput": found.goodput,
        "fragmentation": found.fragmentation,
        "ledger": ledger_rows(found.account),
        "delays": [
            {
                "class": d.name, "jobs": d.jobs, "started": d.started, "done": d.done,
                "mean_s": _number(d.mean_s), "median_s": _number(d.median_s),
                "p90_s": _number(d.p90_s),
            }
            for d in found.delays
        ],
        "reached": [
            {
                "class": r.name, "ettr": _number(r.ettr), "mttf_h": _number(r.mttf_h),
                "failures": r.failures, "preemptions": r.preemptions,
            }
            for r in found.reached
        ],
        "failures": found.failures,
        "skipped": dict(found.skipped),
        "parts": [
            {
                "name": part.name, "accelerators": part.run.cluster.accelerators,
                "left_out": part.left_out, "jobs": len(part.run.jobs), "until_s": part.run.until_s,
                "broken_promises": part.run.counts["broken_promises"],
                "ledger": ledger_rows(part.account),
            }
            for part in found.parts
        ],
        "notes": list(found.notes),
        "facts": list(found.facts),
    }  # fmt: skip


def ledger_rows(account: Account) -> list[dict[str, Any]]:
    """Return a row for each state of an accelerator, and their sum last."""
    total = max(account.total_s, 1)
    rows: list[dict[str, Any]] = []
    for state in STATES:
        seconds = account.of_state(state)
        rows.append({
            "state": state, "accelerator_hours": seconds / 3600.0, "share": seconds / total,
            "mwh": None if account.mwh is None else account.mwh[state],
            "usd": None if account.usd is None else account.usd[state],
            "by_class": {name: s / 3600.0 for name, s in account.seconds[state].items()},
        })  # fmt: skip
    whole = {
        key: None if any(row[key] is None for row in rows) else sum(row[key] for row in rows)
        for key in ("accelerator_hours", "share", "mwh", "usd")
    }
    return [*rows, {"state": "total", **whole, "by_class": {}}]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
