"""The work on a campus: its network of tasks, built many times over."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.programme.buildout.network import build_network
from gigawatt.programme.buildout.reach import reached_days
from gigawatt.programme.buildout.schedule import draw_durations, run_schedule
from gigawatt.programme.buildout.slip import learnt
from gigawatt.spec.buildout import BuildTask

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from gigawatt.programme.buildout.network import Network
    from gigawatt.programme.buildout.plan import PlannedPhase
    from gigawatt.programme.buildout.schedule import Draws, Schedule
    from gigawatt.spec.campus import Campus

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Work", "simulate_work", "site_pace"]

_LAND: Final = "Land"


@dataclass(frozen=True)
class Work:
    """Build-outs of a network.

    Parameters
    ----------
    network : Network
        The tasks.
    phases : tuple of PlannedPhase
        The phases that they bring.
    start, as_of : date
        First day of work, and the day known.
    draws : Draws
        Lead times.
    schedule : Schedule
        When each task begins and is done.
    ahead_mw : float
        Facility power of the target that other phases bring before, in MW.
    target_mw : float
        Facility power that counts.
    """

    network: Network
    phases: tuple[PlannedPhase, ...]
    start: dt.date
    as_of: dt.date
    draws: Draws
    schedule: Schedule
    ahead_mw: float
    target_mw: float

    @cached_property
    def phase_days(self) -> Array:
        """When each phase is there (phases, samples), in days from the day known."""
        return self.schedule.phase_days(self.network)

    @property
    def goal_mw(self) -> float:
        """Facility power that these phases must bring for the target; all of it if that is less."""
        total = sum(phase.facility_mw for phase in self.phases)
        left = self.target_mw - self.ahead_mw
        return min(left, total) if left > 0.0 else total

    def target_days(self, phase_days: Array) -> Array:
        """Return when the goal is reached (samples,), in days from the day known."""
        return reached_days(phase_days, [p.facility_mw for p in self.phases], self.goal_mw)

    def target_ends(self) -> list[tuple[int, ...]]:
        """Return, for each build-out, the tasks that complete the phase that reaches the goal."""
        days = self.phase_days
        reached = self.target_days(days)
        deciding = np.isclose(days, reached[None, :]).argmax(axis=0)
        ends = list(self.network.last.values())
        return [ends[i] for i in deciding]


def site_pace() -> float:
    """Return the spread of the pace of building sites: standard deviation of its logarithm.

    Fitted by ``calibration/fit_slip.py`` to the time from first work to first operation of the
    building sites in the catalogue's kind ``construction``.
    """
    return float(learnt()["pace"]["spread"])


def simulate_work(
    campus: Campus,
    phases: Sequence[PlannedPhase],
    as_of: dt.date,
    samples: int,
    random: np.random.Generator,
    *,
    ahead_mw: float,
    target_mw: float,
) -> Work:
    """Build the phases of a campus many times.

    Parameters
    ----------
    campus : Campus
        The campus; its `buildout` says what differs from the standard network.
    phases : sequence of PlannedPhase
        The phases, by priority.
    as_of : date
        The day known.
    samples : int
        Build-outs.
    random : Generator
        Source of chance.
    ahead_mw : float
        Facility power that is there, or comes by other phases, in MW.
    target_mw : float
        Facility power that counts, in MW.
    """
    plan = campus.buildout
    undated = all(phase.announced is None for phase in phases)
    # What is announced for a campus without a date is built on the land that it has.
    owned = [BuildTask(name=_LAND, done=as_of)] if undated and plan.standard is not False else []
    names = {phase.name for phase in phases}
    network = build_network(
        [(phase.name, phase.it_mw) for phase in phases],
        [*owned, *(one for one in plan.tasks if one.phase is None or one.phase in names)],
        plan.means,
        standard=plan.standard is not False,
        technology=_technology(campus, undated=undated),
    )
    start = plan.start or as_of
    draws = draw_durations(network, as_of, samples, random, site_pace())
    schedule = run_schedule(network, draws.days, start, as_of)
    return Work(network, tuple(phases), start, as_of, draws, schedule, ahead_mw, target_mw)


def _technology(campus: Campus, *, undated: bool) -> str | None:
    """Return the technology of the largest plant that burns fuel for the campus alone.

    Power that is announced without a date waits for plants of the kind that supply the rest, on
    site or by contract; dated phases only for those on site.
    """
    book = catalog.load()
    plants = [
        source
        for source in campus.power.sources
        if (undated or source.connection == "behind-the-meter")
        and "heat_rate_btu_per_kwh" in book.get("technology", source.technology)
    ]
    return max(plants, key=lambda one: one.capacity_mw).technology if plants else None
