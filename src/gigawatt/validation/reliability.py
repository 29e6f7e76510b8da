r"""Published failures, effective time and checkpoints held against what others published.

Every row is predicted without its own system. Failures follow from the median rate of an
accelerator over the other systems of the catalogue; what counts as a failure differs between them,
which is most of the band. Effective time is the exact one of `compute.training.goodput` at the best
checkpoint interval, with restarts and saving as others published them. A full checkpoint has 14
bytes a parameter, times the median of what other models' have over that.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.bands import Estimate, from_points
from gigawatt.compute.training.goodput import Z90, ettr_at_optimum
from gigawatt.compute.training.reliability import checkpoint_bytes
from gigawatt.compute.work import total_parameters
from gigawatt.errors import NotModelledError
from gigawatt.validation.reliability_rows import Asked, read_row
from gigawatt.validation.score import Prediction
from gigawatt.validation.training import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from gigawatt.catalog import Entry
    from gigawatt.compute.bands import Estimate as Band

    Floats = NDArray[np.float64]

__all__ = ["checkpoint_gb", "effective_time", "failures_per_day", "reliability_table", "systems_of"]

_COLUMNS: Final = ("system", "metric", "value", "unit", "n_accel", "period")
_DAY_S: Final = 86_400.0
_DRAWS: Final = 4096
_RATE: Final = "failures_per_1000_node_days"


def reliability_table(path: Path | None) -> list[Prediction]:
    """Return the predictions of published failure rates, effective times and checkpoints.

    Parameters
    ----------
    path : Path, optional
        A CSV file with the columns ``system``, ``metric``, ``value``, ``unit``, ``n_accel`` and
        ``period``. Left out, the catalogue's kinds ``reliability`` and ``checkpoint``.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows or lacks a column.
    """
    if path is None:
        return list(_catalogue())
    return [_row(row) for row in read_table(path, _COLUMNS)]


def failures_per_day(without: frozenset[str] = frozenset()) -> Estimate:
    """Return the failures of an accelerator in a day over the systems of the catalogue.

    Presets of one operator count once, with their geometric mean.

    Parameters
    ----------
    without : frozenset of str
        Presets left out.
    """
    rates: dict[str, list[float]] = {}
    facts = []
    for entry in catalog.load().entries("reliability"):
        if _RATE in entry and entry.id not in without:
            rate = entry.number(_RATE) / 1e3 / entry.number("accelerators_per_node")
            rates.setdefault(entry.text("system", entry.id), []).append(rate)
            facts.append(entry[_RATE].key)
    means = [float(np.exp(np.log(values).mean())) for values in rates.values()]
    return from_points(means, facts, f"{len(means)} published systems")


def effective_time(
    accelerators: float, without: frozenset[str] = frozenset(), seed: int = 0
) -> Estimate:
    """Return the productive part of the time of one synchronous job, P10 and P90 by chance.

    Rate of failures and time of a restart are drawn from what other systems published.

    Parameters
    ----------
    accelerators : float
        Accelerators of the job.
    without : frozenset of str
        Presets left out.
    seed : int
        Of the draws.

    Raises
    ------
    NotModelledError
        If no other system published a restart, or a saving of a checkpoint.
    """
    rate, restart = failures_per_day(without), _restart_s(without)
    write_s = _write_s()
    z = np.random.default_rng(seed).standard_normal((2, _DRAWS))
    rates, restarts = _drawn(rate, z[0]), _drawn(restart, z[1])
    found = ettr_at_optimum(rates * accelerators / _DAY_S, write_s, restarts)
    middle = ettr_at_optimum(rate.value * accelerators / _DAY_S, write_s, restart.value)
    low, high = np.quantile(found, (0.1, 0.9))
    return Estimate(float(middle), float(low), float(high), rate.points, rate.facts, rate.note)


def checkpoint_gb(model: str, without: frozenset[str] = frozenset()) -> Estimate:
    """Return the size of a full training checkpoint [GB], as other models' compare with theirs.

    Parameters
    ----------
    model : str
        Model of the catalogue.
    without : frozenset of str
        Models left out.
    """
    ratios, facts = [], []
    for name, size, key in _checkpoints():
        if name not in without:
            ratios.append(size / _full_gb(name))
            facts.append(key)
    return from_points(ratios, facts).scaled(_full_gb(model))


def systems_of(preset: str) -> frozenset[str]:
    """Return the presets that must be left out with one: those of its operator."""
    book = catalog.load()
    entry = book.get("reliability", preset)
    name = entry.text("system", entry.id)
    return frozenset(e.id for e in book.entries("reliability") if e.text("system", e.id) == name)


def _catalogue() -> Iterator[Prediction]:
    for entry in catalog.load().entries("reliability"):
        own = systems_of(entry.id)
        if _RATE in entry:
            per_day = failures_per_day(own).scaled(1e3 * entry.number("accelerators_per_node"))
            yield _against(f"{entry.id}, failures", "failures", entry.number(_RATE), per_day)
        if "mttf_h" in entry and _RATE not in entry:
            yield _against(f"{entry.id}, MTTF", "failures", entry.number("mttf_h"), _mttf_h(entry))
        if "ettr" in entry:
            name, count = f"{entry.id}, effective time", entry.number("accelerators")
            try:
                found = effective_time(count, own)
            except NotModelledError as error:
                yield Prediction(name, "", None, reason=str(error))
                continue
            yield _against(name, "effective time", entry.number("ettr"), found)
    for name, size, _ in _checkpoints():
        found = checkpoint_gb(name, frozenset([name]))
        yield _against(f"{name}, checkpoint", "checkpoint size", size, found)


def _mttf_h(entry: Entry) -> Band:
    return _inverse(failures_per_day(systems_of(entry.id)), 24.0 / entry.number("accelerators"))


def _row(row: dict[str, str]) -> Prediction:
    """Predict one row of a file."""
    name = f"{row['system']}: {row['metric']}"
    asked = read_row(row)
    if isinstance(asked, str):
        return Prediction(name, "", None, reason=asked)
    found = _answer(asked)
    return _against(name, _GROUPS[asked.kind], asked.measured, found)


_GROUPS: Final = {
    "count": "failures", "rate": "failures", "mttf": "failures", "ettr": "effective time",
    "checkpoint": "checkpoint size", "restart": "restart",
}  # fmt: skip


def _answer(asked: Asked) -> Band:
    own = frozenset() if asked.preset is None else systems_of(asked.preset)
    if asked.kind == "checkpoint":
        return checkpoint_gb(asked.model, frozenset([asked.model])).scaled(asked.factor)
    if asked.kind == "ettr":
        return effective_time(asked.accelerators, own).scaled(asked.factor)
    if asked.kind == "restart":
        return _restart_s(own).scaled(asked.factor)
    rate = failures_per_day(own)
    if asked.kind == "mttf":
        return _inverse(rate, asked.factor / asked.accelerators)
    return rate.scaled(asked.accelerators * asked.factor)


def _inverse(rate: Band, numerator: float) -> Estimate:
    """Return a numerator over a rate: the ends of the band change places."""
    return Estimate(
        numerator / rate.value, numerator / rate.high, numerator / rate.low, rate.points, rate.facts
    )


def _against(name: str, group: str, measured: float, found: Band) -> Prediction:
    return Prediction(name, group, measured, found.value, found.low, found.high)


def _drawn(band: Band, z: Floats) -> Floats:
    """Return draws that are log-normal below and above the median, with its P10 and P90."""
    below, above = np.log(band.value / band.low), np.log(band.high / band.value)
    return np.asarray(band.value * np.exp(z / Z90 * np.where(z < 0, below, above)))


def _restart_s(without: frozenset[str]) -> Estimate:
    """Return the time of a restart: the geometric mean of others, and the span they published."""
    middles, ends, facts = [], [], []
    for entry in catalog.load().entries("reliability"):
        if "restart_min" in entry and entry.id not in without:
            fact = entry["restart_min"]
            middles.append(fact.number)
            ends += [fact.number, *fact.span]
            facts.append(fact.key)
    if not middles:
        message = "no other system published the time of a restart"
        raise NotModelledError(message)
    mean = float(np.exp(np.log(middles).mean()))
    span = 60.0 * min(ends), 60.0 * max(ends)
    return Estimate(60.0 * mean, *span, len(middles), tuple(facts))


@cache
def _write_s() -> float:
    """Return for how long saving a checkpoint holds a job up: the mean of what was published."""
    times = [
        e.number("checkpoint_write_s")
        for e in catalog.load().entries("reliability")
        if "checkpoint_write_s" in e
    ]
    return float(np.mean(times))


@cache
def _checkpoints() -> tuple[tuple[str, float, str], ...]:
    """Return model, size [GB] and fact of each published checkpoint."""
    return tuple(
        (e.text("model"), e.number("size_gb"), e["size_gb"].key)
        for e in catalog.load().entries("checkpoint")
    )


def _full_gb(model: str) -> float:
    arch = Architecture.from_entry(catalog.load().get("model", model))
    return float(checkpoint_bytes(total_parameters(arch))) / 1e9
