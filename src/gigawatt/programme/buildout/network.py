"""The tasks of a campus as a network: what must be done, in which order, with which means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.programme.buildout.durations import DAYS_PER_MONTH, LeadTime

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from gigawatt.catalog import Entry
    from gigawatt.spec.buildout import BuildTask, Means

__all__ = ["Network", "Task", "build_network", "standard_tasks"]

SUPPLY: Final = "Supply on site"
"""The standard task that only campuses with plants of their own have."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the network.

    Parameters
    ----------
    name : str
        Its name.
    phase : str
        Phase that it belongs to; empty where it is done once for the campus.
    lead : LeadTime
        How long it takes.
    after : tuple of int
        Places in the network of the tasks that must be done before; all come earlier.
    uses : str
        Shared means that it uses; empty for none.
    paced : bool
        Whether its length goes with the pace of the campus's building sites.
    it_mw : float
        IT power of its phase, in MW: what a delivery brings.
    not_before, begun, done : date or None
        Earliest first day; the days on which it was begun and done.
    basis : str
        Fact of the catalogue that its lead time comes from; empty where a file states it.
    """

    name: str
    phase: str
    lead: LeadTime
    after: tuple[int, ...]
    uses: str = ""
    paced: bool = False
    it_mw: float = 0.0
    not_before: dt.date | None = None
    begun: dt.date | None = None
    done: dt.date | None = None
    basis: str = ""

    @property
    def label(self) -> str:
        """Its name with its phase."""
        return f"{self.name}, {self.phase}" if self.phase else self.name


@dataclass(frozen=True, slots=True)
class Network:
    """Tasks in an order in which each comes after those it waits for.

    Parameters
    ----------
    tasks : tuple of Task
        The tasks; where they share means, an earlier one has them first.
    means : mapping of str to Means
        Shared means by name; one not named is not short.
    last : mapping of str to tuple of int
        For each phase, the tasks that nothing else of it waits for: when all are done, it is there.
    """

    tasks: tuple[Task, ...]
    means: Mapping[str, Means]
    last: Mapping[str, tuple[int, ...]]

    @property
    def labels(self) -> list[str]:
        """Names of the tasks, with their phase where there is more than one."""
        alone = len(self.last) == 1
        return [task.name if alone else task.label for task in self.tasks]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A task before it has a place in the network."""

    name: str
    lead: LeadTime
    after: tuple[str, ...]
    uses: str
    scope: str
    paced: bool
    basis: str
    change: BuildTask | None = None


def standard_tasks(technology: str | None = None, *, supply: bool = False) -> dict[str, _Plan]:
    """Return the catalogue's standard network.

    Parameters
    ----------
    technology : str, optional
        Technology of the plants that supply the campus; left out, it has none of its own.
    supply : bool
        Whether it has plants of its own all the same.
    """
    entries = [
        entry
        for entry in catalog.load().entries("task")
        if entry.text("name") != SUPPLY or supply or technology is not None
    ]
    names = {entry.id: entry.text("name") for entry in entries}
    found = {}
    for entry in entries:
        name = names[entry.id]
        lead, basis = _lead_of(entry, "days", 1.0)
        if name == SUPPLY and technology is not None:
            lead, basis = _technology_lead(technology)
        keys = [key.strip() for key in entry.text("after", "").split(";")]
        after = tuple(names[key] for key in keys if key in names)
        uses, paced = entry.text("uses", ""), entry.text("paced") == "yes"
        found[name] = _Plan(name, lead, after, uses, entry.text("scope"), paced, basis)
    return found


def _lead_of(entry: Entry, field: str, days: float) -> tuple[LeadTime, str]:
    fact = entry[field]
    low, high = fact.span
    return LeadTime(low * days, fact.number * days, high * days), fact.key


def _technology_lead(technology: str) -> tuple[LeadTime, str]:
    entry = catalog.load().get("technology", technology)
    if "lead_time_months" not in entry:
        message = f"the catalogue states no lead time of {technology}; state days for its task"
        raise InputError(message)
    return _lead_of(entry, "lead_time_months", DAYS_PER_MONTH)


def build_network(
    phases: Sequence[tuple[str, float]],
    changes: Sequence[BuildTask] = (),
    means: Sequence[Means] = (),
    *,
    standard: bool = True,
    technology: str | None = None,
) -> Network:
    """Return the network of a campus.

    Parameters
    ----------
    phases : sequence of (str, float)
        Name and IT power in MW of each phase, by priority.
    changes : sequence of BuildTask
        Tasks that differ from the standard network, or are added to it.
    means : sequence of Means
        Shared means.
    standard : bool
        Whether the catalogue's standard network is the base.
    technology : str, optional
        Technology of the campus's own plants.

    Raises
    ------
    InputError
        If a task waits for one that does not exist or for itself, names an unknown phase, or
        states no lead time.
    """
    supply = any(change.name == SUPPLY for change in changes)
    base = standard_tasks(technology, supply=supply) if standard else {}
    _check_phases(changes, [name for name, _ in phases])
    tasks: list[Task] = []
    places: dict[tuple[str, str], int] = {}
    campus = {name: plan for name, plan in _plans(base, changes, "").items() if _is_campus(plan)}
    _place(tasks, places, campus, "", 0.0)
    shared = len(tasks)
    for phase, it_mw in phases:
        plans = {n: p for n, p in _plans(base, changes, phase).items() if not _is_campus(p)}
        _place(tasks, places, plans, phase, it_mw)
    last = _ends(tasks, [name for name, _ in phases], shared)
    return Network(tuple(tasks), {one.name: one for one in means}, last)


def _ends(tasks: Sequence[Task], phases: Sequence[str], shared: int) -> dict[str, tuple[int, ...]]:
    """Return the tasks that end each phase: those of it, and of the campus, that none waits for."""
    waited = {earlier for task in tasks for earlier in task.after}
    open_ = [i for i in range(len(tasks)) if i not in waited]
    last = {}
    for phase in phases:
        own = any(task.phase == phase for task in tasks)
        ends = [i for i in open_ if tasks[i].phase in {"", phase}]
        last[phase] = tuple(ends if own else range(shared))
        if not last[phase]:
            message = f"buildout.tasks: expected a task that brings '{phase}'; found none"
            raise InputError(message)
    return last


def _is_campus(plan: _Plan) -> bool:
    return plan.scope == "campus"


def _check_phases(changes: Sequence[BuildTask], phases: Sequence[str]) -> None:
    for i, change in enumerate(changes):
        if change.phase is not None and change.phase not in phases:
            message = (
                f"buildout.tasks[{i}].phase: expected one of {', '.join(phases) or 'no phase'}; "
                f"found '{change.phase}'"
            )
            raise InputError(message)


def _plans(base: Mapping[str, _Plan], changes: Sequence[BuildTask], phase: str) -> dict[str, _Plan]:
    """Return the tasks of a phase (or of the campus), changes applied; later changes win."""
    plans = dict(base)
    for i, change in enumerate(changes):
        if change.phase in {None, phase}:
            plans[change.name] = _changed(plans.get(change.name), change, i)
        if change.phase == phase and _is_campus(plans[change.name]):
            message = (
                f"buildout.tasks[{i}].phase: expected none, as '{change.name}' is done once for "
                f"the campus; found '{phase}'"
            )
            raise InputError(message)
    return plans


def _changed(old: _Plan | None, change: BuildTask, number: int) -> _Plan:
    where = f"buildout.tasks[{number}]"
    lead, basis = (old.lead, old.basis) if old else (None, "")
    if change.technology is not None:
        lead, basis = _technology_lead(change.technology)
    elif change.days is not None:
        low = change.days if change.low_days is None else change.low_days
        high = change.days if change.high_days is None else change.high_days
        lead, basis = LeadTime(low, change.days, high), ""
    elif change.done is not None and lead is None:
        lead = LeadTime(0.0, 0.0, 0.0)
    if lead is None:
        message = f"{where}.days: expected a lead time of '{change.name}'; found nothing"
        raise InputError(message)
    after = change.after if change.after is not None else old.after if old else ()
    uses = change.uses if change.uses is not None else old.uses if old else ""
    scope = change.scope or (old.scope if old else "phase")
    before = old.change if old else None
    return _Plan(change.name, lead, after, uses, scope, old.paced if old else False, basis,
                 _merged(before, change))  # fmt: skip


def _merged(old: BuildTask | None, new: BuildTask) -> BuildTask:
    if old is None:
        return new
    days = ("not_before", "begun", "done")
    kept = {name: getattr(new, name) or getattr(old, name) for name in days}
    return new.model_copy(update=kept)


def _place(
    tasks: list[Task],
    places: dict[tuple[str, str], int],
    plans: Mapping[str, _Plan],
    phase: str,
    it_mw: float,
) -> None:
    """Append the tasks of a phase, each after those it waits for, else in the order given."""
    left = dict(plans)
    while left:
        ready = next((p for p in left.values() if not any(n in left for n in p.after)), None)
        if ready is None:
            message = f"buildout.tasks: tasks wait for each other in a circle: {', '.join(left)}"
            raise InputError(message)
        del left[ready.name]
        after = tuple(_found(places, phase, name, ready) for name in ready.after)
        change = ready.change
        places[phase, ready.name] = len(tasks)
        tasks.append(
            Task(
                ready.name, phase, ready.lead, after, ready.uses, ready.paced, it_mw,
                change.not_before if change else None,
                change.begun if change else None,
                change.done if change else None,
                ready.basis,
            )
        )  # fmt: skip


def _found(places: Mapping[tuple[str, str], int], phase: str, name: str, plan: _Plan) -> int:
    for key in ((phase, name), ("", name)):
        if key in places:
            return places[key]
    known = ", ".join(dict.fromkeys(n for p, n in places if p in {"", phase}))
    message = (
        f"buildout.tasks: '{plan.name}' waits for '{name}', which is no task of "
        f"{phase or 'the campus'} (there are {known or 'none'})"
    )
    raise InputError(message)
