"""What a program over hours is put together with: series, entries, rows and capacities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.program.form import HourlyProgram

if TYPE_CHECKING:
    from gigawatt.energy.system import Series, System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["BOX", "Builder", "Requirement", "at_most"]

BOX: Final = 1000.0
"""Planned capacities without a limit stay below this many times the peak load: a plan that wants
more has no optimum."""
_LEAST_UNIT: Final = 1e-5


@dataclass(frozen=True)
class Requirement:
    """A rule that can be broken at a price, so that an answer always exists.

    Parameters
    ----------
    kind : str
        ``unserved``, ``surplus``, ``take``, ``co2``, ``water``, ``nox``, ``clean``, ``target`` or
        ``firm``.
    subject : str
        Whose rule: the name of a source, or empty.
    variable, capacity : int
        The series or the capacity that says how much it is broken; -1 for the other.
    unit : float
        What one of the capacity stands for, in means over the hours.
    """

    kind: str
    subject: str
    variable: int = -1
    capacity: int = -1
    unit: float = 1.0


@dataclass
class Builder:
    """Collects series, entries and rows; `program` puts them together."""

    system: System
    rows: tuple[str, ...]
    names: list[str] = field(default_factory=list)
    columns: dict[str, list[Array]] = field(
        default_factory=lambda: {k: [] for k in ("cost", "lower", "upper", "low", "high")}
    )
    places: dict[str, list[int]] = field(default_factory=lambda: {"low": [], "high": []})
    entries: list[tuple[int, int, int, Array]] = field(default_factory=list)
    wraps: list[tuple[int, int, int, int, float]] = field(default_factory=list)
    capacities: list[tuple[str, float, float, float]] = field(default_factory=list)
    linking: list[tuple[str, dict[int, Array], dict[int, float], float]] = field(
        default_factory=list
    )
    requirements: list[Requirement] = field(default_factory=list)

    def capacity(self, name: str, capital: float, least: float, most: float) -> int:
        """Add a capacity with its price and limits; return its place."""
        self.capacities.append((name, capital, least, most))
        return len(self.capacities) - 1

    def add(
        self,
        name: str,
        cost: Series = 0.0,
        lower: Series = 0.0,
        upper: Series = 0.0,
        low: tuple[Series, Any] = (0.0, -1),
        high: tuple[Series, Any] = (0.0, -1),
    ) -> int:
        """Add a series with bounds `lower + low k` and `upper + high k`."""
        self.names.append(name)
        values = {"cost": cost, "lower": lower, "upper": upper, "low": low[0], "high": high[0]}
        for key, value in values.items():
            self.columns[key].append(self.system.series(value))
        self.places["low"].append(low[1])
        self.places["high"].append(high[1])
        return len(self.names) - 1

    def enter(self, series: int, row: str, coefficient: Series, lag: int = 0) -> None:
        """Put a series into a row, of its hour or of the next."""
        value = self.system.series(coefficient)
        self.entries.append((series, self.rows.index(row), lag, value))

    def broken(
        self, kind: str, subject: str = "", *, variable: int = -1, capacity: int = -1
    ) -> None:
        """Note a rule that the program may break."""
        self.requirements.append(Requirement(kind, subject, variable, capacity))

    def program(self, right: Array) -> HourlyProgram:
        """Return what was added as a program with the right-hand sides (T, M)."""
        hours, count = self.system.hours, len(self.capacities)
        of = {
            k: np.stack([np.broadcast_to(np.asarray(p, np.int64), (hours,)) for p in places])
            for k, places in self.places.items()
        }
        entries = sorted(self.entries, key=lambda e: e[0])
        wraps = np.array([w[:4] for w in self.wraps], dtype=np.int64).reshape(-1, 4)
        by = np.zeros((len(self.linking), len(self.names), hours))
        capacity_by = np.zeros((len(self.linking), count))
        for j, (_, series, capacities, _) in enumerate(self.linking):
            for v, value in series.items():
                by[j, v] = value / hours
            for k, number in capacities.items():
                capacity_by[j, k] = number
        return HourlyProgram(
            variables=tuple(self.names),
            rows=self.rows,
            capacities=tuple(c[0] for c in self.capacities),
            linking=tuple(link[0] for link in self.linking),
            cost=np.stack(self.columns["cost"]),
            lower=np.stack(self.columns["lower"]),
            upper=np.stack(self.columns["upper"]),
            lower_by=np.stack(self.columns["low"]),
            upper_by=np.stack(self.columns["high"]),
            lower_of=of["low"],
            upper_of=of["high"],
            entry_variable=np.array([e[0] for e in entries], dtype=np.int64),
            entry_row=np.array([e[1] for e in entries], dtype=np.int64),
            entry_lag=np.array([e[2] for e in entries], dtype=np.int64),
            entry_coefficient=np.stack([e[3] for e in entries]),
            wrap_variable=wraps[:, 0].copy(),
            wrap_hour=wraps[:, 1].copy(),
            wrap_row=wraps[:, 2].copy(),
            wrap_to=wraps[:, 3].copy(),
            wrap_coefficient=np.array([w[4] for w in self.wraps]),
            right=right,
            linking_by=by,
            linking_capacity=capacity_by,
            linking_right=np.array([link[3] for link in self.linking]),
            capital=np.array([c[1] for c in self.capacities]),
            capacity_lower=np.array([c[2] for c in self.capacities]),
            capacity_upper=np.array([c[3] for c in self.capacities]),
        )


def at_most(
    builder: Builder, kind: str, series: dict[int, Array], most: float, penalty: float
) -> None:
    """Limit a mean over the hours; tight limits are counted in small units, to be seen at all."""
    hours, peak = builder.system.hours, max(float(builder.system.load_mw.max()), 1.0)
    unit = min(max(most / peak, _LEAST_UNIT), 1.0)
    below = builder.capacity(f"below {kind}", 0.0, 0.0, max(most / unit, _LEAST_UNIT))
    size = max((float(np.abs(v).max()) for v in series.values()), default=1.0)
    over = builder.capacity(
        f"over {kind}", penalty * hours * unit, 0.0, BOX * max(size, _LEAST_UNIT) * peak / unit
    )
    row = {v: value / unit for v, value in series.items()}
    builder.linking.append((kind, row, {below: 1.0, over: -1.0}, most / unit))
    builder.requirements.append(Requirement(kind, "", capacity=over, unit=unit))
