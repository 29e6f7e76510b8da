"""What a campus announces, as phases whose dates can be simulated."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gigawatt import catalog

if TYPE_CHECKING:
    from gigawatt.spec.campus import Campus, Phase

__all__ = ["ANNOUNCED", "REST", "TASKS", "THERE", "PlannedPhase", "day_known", "plan_of"]

THERE: Final = "there"
"""View of a phase that is there on the day known."""
ANNOUNCED: Final = "reference class"
"""View of a phase with an announced date: what became of others announced alike."""
TASKS: Final = "tasks"
"""View of a phase whose work is simulated task by task."""

REST: Final = "Announced, undated"
"""Name of the power that is announced beyond the dated phases."""
_LEAST_REST: Final = 0.05
# Of what is dated; less than that is a source that counts a campus anew, not a plan for more.


@dataclass(frozen=True, slots=True)
class PlannedPhase:
    """A phase of the build-out.

    Parameters
    ----------
    name : str
        Its name.
    announced : date or None
        The date announced for it; None for power without a date.
    it_mw, facility_mw : float
        Power that it adds, in MW.
    accelerators : int
        Accelerators that it adds; 0 where the plan names none.
    view : str
        How its date is found: `THERE`, `ANNOUNCED` or `TASKS`.
    """

    name: str
    announced: dt.date | None
    it_mw: float
    facility_mw: float
    accelerators: int
    view: str


def day_known(campus: Campus, as_of: dt.date | None) -> tuple[dt.date, str]:
    """Return the day up to which a campus is known, and where that comes from.

    The first of: what is asked for, the file, the newest fact that a phase comes from, the first
    day of work, the first day simulated.
    """
    if as_of is not None:
        return as_of, "as asked"
    if campus.buildout.as_of is not None:
        return campus.buildout.as_of, "the campus file"
    days = [
        dt.date.fromisoformat(fact.date)
        for entry in _phase_entries(campus)
        for fact in (entry["date"],)
        if len(fact.date) == len("2026-09-24")
    ]
    if days:
        return max(days), "the catalogue"
    if campus.buildout.start is not None:
        return campus.buildout.start, "the first day of work"
    return campus.horizon.start, "the first day simulated; state buildout.as_of for another"


def _phase_entries(campus: Campus) -> list[catalog.Entry]:
    keys = [basis.fact.split("/")[1] for basis in campus.facts if basis.fact.startswith("phase/")]
    return [catalog.load().get("phase", key) for key in dict.fromkeys(keys)]


def plan_of(campus: Campus, as_of: dt.date) -> list[PlannedPhase]:
    """Return the phases of a campus, and what is announced beyond them without a date.

    A phase whose date has come is there. Where the file states work (`buildout.start`), the others
    follow from their tasks, else from the reference class. Power without a date has nothing but
    tasks to go by.
    """
    view = ANNOUNCED if campus.buildout.start is None else TASKS
    found = [
        PlannedPhase(
            phase.name, phase.date, phase.it_mw, phase.facility_mw, _accelerators(phase),
            THERE if phase.date <= as_of else view,
        )
        for phase in campus.phases
    ]  # fmt: skip
    dated = sum(phase.facility_mw for phase in found)
    rest = (campus.announced_maximum_mw or 0.0) - dated
    if dated and rest >= _LEAST_REST * dated:
        share = rest / dated
        it_mw = share * sum(phase.it_mw for phase in found)
        lots = campus.phases[-1].chips
        kw = catalog.load().get("chip", lots[-1].type).number("all_in_it_kw")
        found.append(PlannedPhase(REST, None, it_mw, rest, int(it_mw * 1e3 / kw), TASKS))
    return found


def _accelerators(phase: Phase) -> int:
    """Return the accelerators of a phase; a lot without a count fills the IT power left."""
    book = catalog.load()
    rated = [(lot, book.get("chip", lot.type).number("all_in_it_kw")) for lot in phase.chips]
    left_kw = phase.it_mw * 1e3 - sum(kw * (lot.count or 0) for lot, kw in rated)
    return sum(
        int(max(left_kw, 0.0) / kw + 1e-9) if lot.count is None else lot.count for lot, kw in rated
    )
