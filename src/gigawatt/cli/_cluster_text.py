"""A simulation of jobs as text: the answer first, then where the accelerator-hours went."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gigawatt.cli._host_text import digits
from gigawatt.cli._text import dim, heading, table, wrap
from gigawatt.results.numbers import scaled, share_text
from gigawatt.twin.cluster_run.record import ledger_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.twin.cluster_run.result import JobsRun

__all__ = ["cluster_text", "length_text"]

_MANY_HOURS: Final = 1000.0  # shown whole
_CAUSES: Final = 12  # shown one by one; the rest are counted together


def cluster_text(found: JobsRun) -> str:
    """Return what ``gigawatt cluster`` prints."""
    return "\n\n".join(block for block in _blocks(found) if block)


def _blocks(found: JobsRun) -> Iterable[str]:
    yield _headline(found)
    yield _ledger(found)
    yield _delays(found)
    yield _failures(found)
    lines = (wrap(f"- {one}", "  ") for one in found.notes)
    yield "\n".join([heading("Notes"), *lines])


def _headline(found: JobsRun) -> str:
    delays = found.delays
    jobs, done = sum(d.jobs for d in delays), sum(d.done for d in delays)
    rows = [
        ("jobs", f"{jobs:,}, of which {done:,} are done"),
        ("utilisation", f"{_percent(found.utilisation)} of all accelerator-hours held by jobs"),
        ("goodput", f"{_percent(found.goodput)} of what jobs held was productive"),
        ("fragmentation", _fragmentation(found)),
        ("stopped", _stopped(found)),
    ]
    if found.skipped:
        told = "; ".join(f"{count:,} x {reason}" for reason, count in found.skipped.items())
        rows.append(("left out", told))
    span = f"{length_text(found.until_s)} from {found.begin or 'the first arrival'}"
    return "\n".join(
        [
            heading(f"{found.title}: jobs on {found.accelerators:,} accelerators"),
            dim(f"{found.about}; {span}"),
            table(("", ""), rows, indent=2, folding=(1,)),
        ]
    )


def _fragmentation(found: JobsRun) -> str:
    waiting = found.account.of_state("waiting")
    if not waiting:
        return "none: no job waited beside free accelerators"
    return f"{_percent(found.fragmentation)} of the free accelerators were of no use to the queue"


def _stopped(found: JobsRun) -> str:
    every = found.reached[0]
    promises = sum(part.run.counts["broken_promises"] for part in found.parts)
    broken = f", {promises:,} reservations broken" if promises else ""
    return f"{every.failures:,} times by failures, {every.preemptions:,} times for others{broken}"


def _ledger(found: JobsRun) -> str:
    rows = ledger_rows(found.account)
    columns = {
        "accelerator-hours": _hours_of([row["accelerator_hours"] for row in rows]),
        "share": [share_text(row["share"], 1.0) for row in rows],
    }
    for key, unit in (("mwh", "MWh"), ("usd", "USD")):
        if rows[-1][key] is not None:
            shown, values = scaled([row[key] for row in rows], unit)
            columns[shown] = [_small(value) for value in values]
    head = ("what became of it", *columns)
    body = [
        (row["state"], *cells)
        for row, *cells in zip(rows, *columns.values(), strict=True)
        if row["accelerator_hours"] or row["state"] == "total"
    ]
    right = range(1, len(head))
    return _titled("Goodput ledger", table(head, body, right=right, indent=2))


def _hours_of(hours: list[float]) -> list[str]:
    """Return a column whose small values are neither hidden nor told as nothing."""
    places, least = (0, "< 1") if hours[-1] >= _MANY_HOURS else (2, "< 0.01")
    shown = [f"{value:,.{places}f}" for value in hours]
    return [
        least if value and not text.strip("0.") else text
        for text, value in zip(shown, hours, strict=True)
    ]


def _delays(found: JobsRun) -> str:
    reached = {r.name: r for r in found.reached}
    head = ("class", "jobs", "done", "queue median", "mean", "P90", "ETTR", "MTTF")
    rows = [
        (
            d.name, f"{d.jobs:,}", f"{d.done:,}", length_text(d.median_s), length_text(d.mean_s),
            length_text(d.p90_s), _percent(reached[d.name].ettr), _hours(reached[d.name].mttf_h),
        )
        for d in found.delays
    ]  # fmt: skip
    return _titled("Jobs by class", table(head, rows, right=range(1, len(head)), indent=2))


def _failures(found: JobsRun) -> str:
    causes = found.failures
    if not causes:
        return ""
    shown = list(causes.items())[:_CAUSES]
    rest = sum(causes.values()) - sum(count for _, count in shown)
    rows = [(name, f"{count:,}") for name, count in shown]
    if rest:
        rows.append((f"{len(causes) - _CAUSES} other causes", f"{rest:,}"))
    rows.append(("all", f"{sum(causes.values()):,}"))
    head = ("cause, whether a job was there or not", "failures")
    return _titled("What failed", table(head, rows, right=(1,), indent=2))


def _titled(title: str, body: str) -> str:
    return "\n".join([heading(title), body])


def _small(shown: str) -> str:
    """Return a number of a column; one that its unit would hide is told as small."""
    return "< 0.01" if "e-" in shown else shown


def _percent(share: float) -> str:
    if not math.isfinite(share):
        return "–"
    text = f"{100.0 * share:.1f} %"
    if text == "0.0 %" and share > 0.0:
        return "< 0.1 %"
    return "> 99.9 %" if share < 1.0 and text == "100.0 %" else text


def _hours(hours: float) -> str:
    return "none failed" if math.isinf(hours) else f"{digits(hours)} h"


def length_text(seconds: float) -> str:
    """Return a length of time in its natural unit.

    Examples
    --------
    >>> length_text(90.0), length_text(7200.0), length_text(0.0)
    ('90.0 s', '2.00 h', '0 s')
    """
    if not math.isfinite(seconds):
        return "–"
    for unit, size, least in (("d", 86_400.0, 172_800.0), ("h", 3600.0, 7200.0),
                              ("min", 60.0, 120.0)):  # fmt: skip
        if seconds >= least:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds)} s" if seconds else "0 s"
