"""Read what a row of published reliability asks for: failures, effective time or a checkpoint."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from gigawatt import catalog

__all__ = ["Asked", "read_row"]

_NUMBER: Final = re.compile(r"^[<>~]?\s*(\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)\s*\+?$", re.I)
_RANGE: Final = re.compile(r"^(\d[\d,]*(?:\.\d+)?)\s*(?:-|–|to)\s*(\d[\d,]*(?:\.\d+)?)$")
_LENGTH: Final = re.compile(r"^(\d+(?:\.\d+)?)\s*(hour|day|week|month|year)s?$")
_PER_NODE: Final = re.compile(
    r"per\s+(1,?000)\s+(?:node|server|machine|host)s?[\s-]*(?:per\s+)?day"
)
_JOB: Final = re.compile(r"(\d[\d,]*)-(?:gpu|accelerator|chip)")
_EVENTS: Final = re.compile(r"\b(interruptions?|restarts?|failures?|faults?|recoveries|crashes)\b")
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_DAY: Final = rf"({'|'.join(_MONTHS)})[a-z]*\.?\s+(\d+)"
_DATED: Final = re.compile(rf"\b{_DAY}\s*(?:-|–|to)\s*{_DAY}")
_DAYS: Final = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}
_HOURS: Final = {
    "s": 1 / 3600, "second": 1 / 3600, "min": 1 / 60, "minute": 1 / 60, "h": 1.0, "hour": 1.0,
    "day": 24.0, "week": 168.0,
}  # fmt: skip
_BYTES: Final = {"gb": 1.0, "tb": 1e-3, "gib": 1e9 / 2**30, "tib": 1e9 / 2**40}
_HOST: Final = 8.0  # accelerators of a host, where neither the row nor the system says

_REMEDIES: Final = ("fault tolerant", "after", "before")
_REMEDIED: Final = "a remedy whose effect is not modelled"
_CANNOT: Final = (
    (("planned",), "planned work is not predicted"),
    (("interruption:", "cause"), "only one cluster published its causes, so none can be left out"),
    (("hardware", "gpu-related", "share "), "shares of causes: only one cluster published them"),
    (("cable", "ocs", "switch", "sdc"), "parts of a host or network are not told apart"),
    (("job failure", "gpu time in", "jobs analysed", "gpu jobs", "large-job", "sessions"),
     "about jobs of users, not about hardware"),
    (("utiliz", "utilis"), "no load is stated"),
    (("save time", "bandwidth", "checkpoint overhead", "restart load", "peak save", "profiled"),
     "the storage is not stated"),
    (_REMEDIES, _REMEDIED),
    (("lost", "loss", "replayed", "ideal", "longest", "total compute", "throughput", "slow"),
     "no model of this quantity"),
)  # fmt: skip
"""What is said by words of a metric that cannot be predicted; the first that fits."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a row asks for.

    Parameters
    ----------
    kind : str
        ``count`` or ``rate`` of failures, ``mttf``, ``ettr`` or ``checkpoint``.
    measured : float
        As published, in the row's unit.
    accelerators : float
        Accelerators that fail: of the system or job, or of the host that a rate holds for.
    factor : float
        From the model's unit to the row's.
    preset : str or None
        Entry of the catalogue's kind ``reliability`` that the row is about.
    model : str
        Model of a checkpoint.
    """

    kind: str
    measured: float
    accelerators: float
    factor: float
    preset: str | None
    model: str = ""


def read_row(row: dict[str, str]) -> Asked | str:
    """Return what a row asks for, or why it cannot be predicted."""
    metric, unit = row["metric"].casefold(), row["unit"].casefold().strip()
    measured = _value(row["value"])
    if measured is None or measured <= 0.0:
        return "the value is not a number above 0"
    book, system = catalog.load(), row["system"]
    preset = book.get("reliability", system).id if book.has("reliability", system) else None
    size = _accelerators(row["n_accel"], metric)
    if "checkpoint size" in metric:
        return _checkpoint(system, unit, measured, preset)
    if _is_effective(metric):
        return _effective(metric, unit, measured, size, preset)
    found = _rate(metric, unit, measured, size, preset) or _between(
        metric, unit, measured, size, preset
    )
    refused = next((why for words, why in _CANNOT if any(w in metric for w in words)), "")
    return found or refused or _counted(row, metric, unit, measured, size, preset)


def _effective(
    metric: str, unit: str, measured: float, size: float | None, preset: str | None
) -> Asked | str:
    """Return an effective time, or why it cannot be predicted."""
    if any(word in metric for word in _REMEDIES):
        return _REMEDIED
    if size is None:
        return "the number of accelerators is not stated"
    return Asked("ettr", measured, size, 100.0 if unit == "%" else 1.0, preset)


def _is_effective(metric: str) -> bool:
    words = ("effective training time", "ettr of", "goodput", "uptime", "time spent on")
    return any(word in metric for word in words)


def _checkpoint(system: str, unit: str, measured: float, preset: str | None) -> Asked | str:
    book = catalog.load()
    words = system.split()
    for first in range(len(words)):
        name = " ".join(words[first:])
        if book.has("model", name):
            if unit not in _BYTES:
                return "the size is not in bytes"
            model = book.get("model", name).id
            return Asked("checkpoint", measured, 0.0, _BYTES[unit], preset, model)
    return "the model is not in the catalogue"


def _rate(
    metric: str, unit: str, measured: float, size: float | None, preset: str | None
) -> Asked | None:
    """Return a rate of hosts, machines or accelerators, if the row is one."""
    if _PER_NODE.search(unit):
        return Asked("rate", measured, _host(preset), 1e3, preset)
    if unit == "% per day" and ("machine" in metric or "node" in metric):
        return Asked("rate", measured, _host(preset), 100.0, preset)
    if unit in ("machines/day", "nodes/day", "hosts/day") and size is not None:
        return Asked("count", measured, size, 1.0, preset)
    return None


def _between(
    metric: str, unit: str, measured: float, size: float | None, preset: str | None
) -> Asked | None:
    """Return a mean time between failures or to recover from one, if the row is one."""
    hours = _HOURS.get(unit.removesuffix("s") if len(unit) > 1 else unit)
    if "recovery time" in metric and hours is not None:
        return Asked("restart", measured, 1.0, 1 / (3600.0 * hours), preset)
    words = ("mttf", "mtbf", "mtbi", "time between failures", "failure interval", "time to failure")
    if not any(word in metric for word in words):
        return None
    if unit in ("gpu-days", "accelerator-days", "chip-days"):
        return Asked("mttf", measured, 1.0, 1.0, preset)
    if size is None:
        return None
    each = re.match(r"per (hour|day|week)", unit)
    if each:  # so many failures in that time
        return Asked("count", measured, size, _DAYS[each[1]], preset)
    return None if hours is None else Asked("mttf", measured, size, 24.0 / hours, preset)


def _counted(
    row: dict[str, str],
    metric: str,
    unit: str,
    measured: float,
    size: float | None,
    preset: str | None,
) -> Asked | str:
    """Return a count of failures over a time, or why there is none."""
    if not _EVENTS.search(metric) or (unit != "count" and not _EVENTS.search(unit)):
        return "no model of this quantity"
    if "total" in metric:
        return "planned work is not predicted"
    days = _days(row["period"].casefold().strip(), metric)
    if days is None:
        return "the length of the time is not stated"
    if size is None:
        return "the number of accelerators is not stated"
    return Asked("count", measured, size, days, preset)


def _days(period: str, metric: str) -> float | None:
    """Return the days that a metric names by two dates, else those of the row."""
    dates = _DATED.search(metric)
    if dates is None:
        length = _LENGTH.match(period)
        return None if length is None else float(length[1]) * _DAYS[length[2]]
    try:
        first, last = (
            dt.date(2021, _MONTHS.index(dates[i]) + 1, int(dates[i + 1])) for i in (1, 3)
        )
    except ValueError:  # no such day
        return None
    return float((last - first).days % 365)


def _value(text: str) -> float | None:
    """Return a number; a bound as itself, and a range as its geometric mean."""
    text = text.strip()
    found = _NUMBER.match(text)
    if found:
        return float(found[1].replace(",", ""))
    span = _RANGE.match(text)
    if span is None:
        return None
    low, high = (float(end.replace(",", "")) for end in span.groups())
    return float((low * high) ** 0.5)


def _accelerators(text: str, metric: str) -> float | None:
    """Return the accelerators of the job that a metric names, else of the row."""
    named = _JOB.search(metric)
    return (float(named[1].replace(",", "")) if named else _value(text)) or None


def _host(preset: str | None) -> float:
    """Return the accelerators of a host of a system."""
    if preset is None:
        return _HOST
    return catalog.load().get("reliability", preset).number("accelerators_per_node", _HOST)
