"""How far predictions lie from measurements."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Prediction", "score"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row of measurements with what was predicted for it.

    Parameters
    ----------
    row : str
        Name of the row.
    group : str
        What it is grouped by in the report.
    measured : float or None
        The measurement, None where the row states none.
    predicted, low, high : float or None
        Median, P10 and P90 of the prediction; None where the row was skipped.
    reason : str
        Why it was skipped; empty where it was predicted.
    beside : bool
        Whether it is a second quantity of a row that has a prediction of its own: scored by group,
        but not in the totals.
    """

    row: str
    group: str
    measured: float | None
    predicted: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    beside: bool = False


def score(domain: str, rows: Sequence[Prediction]) -> dict[str, Any]:
    """Return errors, bias and coverage over the rows, and by group.

    Errors are absolute, in per cent of the measurement; the bias is the median of
    predicted / measured - 1, in per cent; coverage is the share of measurements within P10-P90.

    Parameters
    ----------
    domain : str
        What was predicted.
    rows : sequence of Prediction
        Predicted and skipped rows.

    Returns
    -------
    dict
        ``domain``, ``rows``, ``predicted``, ``skipped`` (reason to count), ``ape`` (mean, median,
        p90), ``bias``, ``coverage_p10_p90`` and ``groups``.
    """
    done = [r for r in rows if not r.reason]
    counted = [r for r in rows if not r.beside]
    skipped = Counter(r.reason for r in counted if r.reason)
    names = sorted({r.group for r in done})
    return {
        "domain": domain,
        "rows": len(counted),
        "predicted": len(counted) - sum(skipped.values()),
        "skipped": dict(sorted(skipped.items())),
        **_errors([r for r in counted if not r.reason]),
        "groups": {
            name: {"predicted": len(part), **_errors(part)}
            for name in names
            for part in [[r for r in done if r.group == name]]
        },
    }


def _errors(rows: Sequence[Prediction]) -> dict[str, Any]:
    if not rows:
        return {"ape": None, "bias": None, "coverage_p10_p90": None}
    measured = np.array([r.measured for r in rows], dtype=float)
    predicted = np.array([r.predicted for r in rows], dtype=float)
    low = np.array([r.low for r in rows], dtype=float)
    high = np.array([r.high for r in rows], dtype=float)
    off = (predicted / measured - 1.0) * 100.0
    ape = np.abs(off)
    return {
        "ape": {
            "mean": float(ape.mean()),
            "median": float(np.median(ape)),
            "p90": float(np.quantile(ape, 0.9)),
        },
        "bias": float(np.median(off)),
        "coverage_p10_p90": float(((low <= measured) & (measured <= high)).mean() * 100.0),
    }
