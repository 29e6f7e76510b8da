"""What stands on the campus in each hour: accelerators, IT power, the right to draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog

if TYPE_CHECKING:
    import datetime as dt

    from gigawatt.catalog import Entry
    from gigawatt.spec import Campus, Phase
    from gigawatt.twin.clock import Clock
    from gigawatt.twin.lineage import Lineage
    from gigawatt.twin.outcome import Table

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Capacity", "Lot", "build_capacity", "phase_counts", "phases_table"]


@dataclass(frozen=True)
class Lot:
    """Accelerators of one type that one phase brings."""

    phase: Phase
    chip: Entry
    count: int

    @property
    def date(self) -> dt.date:
        """The day they are there."""
        return self.phase.date

    @property
    def rated_mw(self) -> float:
        """All-in rated IT power."""
        return self.count * self.chip.number("all_in_it_kw") / 1000.0


@dataclass(frozen=True)
class Capacity:
    """What stands on the campus in each hour.

    Parameters
    ----------
    lots : tuple of Lot
        What each phase brings, by date.
    chips : dict of str to ndarray (hours,)
        Accelerators present, by type.
    rated_mw : ndarray (hours,)
        All-in rated IT power of the accelerators present.
    memory_gb : ndarray (hours,)
        Fast memory of the accelerators present.
    it_mw, facility_mw : ndarray (hours,)
        IT power and facility power that the phases were built for.
    interconnection_mw : ndarray (hours,)
        Most that the facility may draw.
    """

    lots: tuple[Lot, ...]
    chips: dict[str, Hours]
    rated_mw: Hours
    memory_gb: Hours
    it_mw: Hours
    facility_mw: Hours
    interconnection_mw: Hours

    @property
    def installed(self) -> Hours:
        """Accelerators present in each hour, of every type."""
        return np.sum(list(self.chips.values()), axis=0) if self.chips else 0.0 * self.rated_mw


def build_capacity(campus: Campus, clock: Clock, lineage: Lineage) -> Capacity:
    """Return what the phases bring, hour by hour.

    A phase within the horizon counts from the first hour of its day; one before it is there from
    the start; one after it is only listed.
    """
    book = catalog.load()
    lots = tuple(
        Lot(phase, book.get("chip", lot.type), count)
        for phase in sorted(campus.phases, key=lambda p: p.date)
        for lot, count in zip(phase.chips, phase_counts(phase), strict=True)
    )
    zero = np.zeros(clock.hours)
    chips: dict[str, Hours] = {}
    rated, memory = zero.copy(), zero.copy()
    for lot in lots:
        first = clock.hour_of(lot.date)
        chips.setdefault(lot.chip.id, zero.copy())[first:] += lot.count
        rated[first:] += lot.rated_mw
        memory[first:] += lot.count * lot.chip.number("hbm_gb")
    it_mw, facility_mw = zero.copy(), zero.copy()
    for phase in campus.phases:
        it_mw[clock.hour_of(phase.date) :] += phase.it_mw
        facility_mw[clock.hour_of(phase.date) :] += phase.facility_mw
    cap = campus.power.interconnection_mw
    limit = facility_mw if cap is None else np.minimum(facility_mw, cap)
    _record(campus, lots, lineage)
    return Capacity(lots, chips, rated, memory, it_mw, facility_mw, limit)


def phases_table(capacity: Capacity) -> Table:
    """Return the lots by date, with running totals."""
    lots = capacity.lots
    phases = [lot.phase for lot in lots]
    # A phase with two types of accelerator has two rows, which share its power by their rating.
    whole: dict[str, float] = {}
    for lot in lots:
        whole[lot.phase.name] = whole.get(lot.phase.name, 0.0) + lot.rated_mw
    first = [i == 0 or phases[i - 1] is not p for i, p in enumerate(phases)]
    part = [
        lot.rated_mw / whole[lot.phase.name] if whole[lot.phase.name] else float(leads)
        for lot, leads in zip(lots, first, strict=True)
    ]
    it_mw = np.array([p.it_mw * f for p, f in zip(phases, part, strict=True)])
    facility = np.array([p.facility_mw * f for p, f in zip(phases, part, strict=True)])
    return {
        "name": np.array([p.name for p in phases], dtype=object),
        "date": np.array([p.date.isoformat() for p in phases], dtype="datetime64[D]"),
        "chip": np.array([lot.chip.id for lot in lots], dtype=object),
        "chips": np.array([lot.count for lot in lots], dtype=np.int64),
        "it_mw": it_mw,
        "facility_mw": facility,
        "halls": np.array(
            [(p.halls or 0) if f else 0 for p, f in zip(phases, first, strict=True)], dtype=np.int64
        ),
        "cumulative_chips": np.cumsum([lot.count for lot in lots], dtype=np.int64),
        "cumulative_it_mw": np.cumsum(it_mw),
        "cumulative_facility_mw": np.cumsum(facility),
    }


def phase_counts(phase: Phase) -> list[int]:
    """Return the accelerators of each lot; a lot without a count fills the IT power left."""
    book = catalog.load()
    rated_kw = [book.get("chip", lot.type).number("all_in_it_kw") for lot in phase.chips]
    stated = sum(kw * (lot.count or 0) for kw, lot in zip(rated_kw, phase.chips, strict=True))
    left_kw = max(phase.it_mw * 1000.0 - stated, 0.0)
    return [
        lot.count if lot.count is not None else int(left_kw / kw + 1e-9)
        for kw, lot in zip(rated_kw, phase.chips, strict=True)
    ]


def _record(campus: Campus, lots: tuple[Lot, ...], lineage: Lineage) -> None:
    paths = [f"phases[{i}]" for i in range(len(campus.phases))]
    lineage.record("phases", inputs=[*paths, "horizon"])
    lineage.record(
        "rated_mw", facts=[lot.chip["all_in_it_kw"].key for lot in lots], after=["phases"]
    )
    lineage.record("chips", after=["rated_mw"])
    lineage.record("network", inputs=["network"], after=["chips"])
    lineage.record("memory", facts=[lot.chip["hbm_gb"].key for lot in lots], after=["chips"])
    cap = ["power.interconnection_mw"] if campus.power.interconnection_mw is not None else []
    known = campus.announced_maximum_mw is not None
    lineage.record("announced", inputs=["announced_maximum_mw"] if known else [])
    lineage.record("interconnection", inputs=cap, after=["phases"])
