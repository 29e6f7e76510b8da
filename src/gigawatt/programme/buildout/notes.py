"""What a reader of a build-out must know to use it rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.programme.buildout.plan import ANNOUNCED, REST, TASKS, THERE
from gigawatt.programme.buildout.slip import learnt

if TYPE_CHECKING:
    from gigawatt.programme.buildout.simulate import BuildOut

__all__ = ["notes_of"]


def notes_of(build: BuildOut) -> list[str]:
    """Return the notes of a build-out, the weightiest first."""
    views = {phase.view for phase in build.phases if phase.name != REST}
    notes = []
    if ANNOUNCED in views:
        fit = learnt()["fits"]["all"]
        notes.append(
            f"Announced dates follow the reference class: how {fit['milestones']} announced "
            f"milestones of {fit['campuses']} large campuses moved between four copies of Epoch "
            "AI's tracker (CC BY 4.0), December 2025 to August 2026. It knows nothing of this "
            "campus but its dates and its power."
        )
    if TASKS in views:
        notes.append(
            "Dates follow from the tasks of the campus file; the reference class is shown beside "
            "them. Where it lies later, others with such dates were too hopeful as well."
        )
    if any(phase.name == REST for phase in build.phases):
        work = (
            f"whose tasks begin on {build.as_of} on land that the campus has, with the standard "
            "lead times"
            if TASKS not in views
            else "more, by the same tasks as the others"
        )
        notes.append(
            f"'{REST}' is power without a date. It is taken to be built as one phase {work}, if it "
            "is built at all: how often such plans are given up is not modelled."
        )
    if build.work is not None:
        notes.append(
            "Standard lead times are published ranges read as P10 to P90. Crews, slots and "
            "deliveries are short only where the campus file says so (buildout.means)."
        )
    rate = build.rate
    if rate.usd_per_accelerator_hour is not None:
        notes.append(
            f"A month is worth the phase's accelerator-hours at {rate.usd_per_accelerator_hour:g} "
            f"USD ({rate.basis})."
        )
    else:
        notes.append(
            "A month is worth the yearly cost of the phase's IT power over twelve "
            f"({rate.basis}): what its work must earn at the least."
        )
    if ANNOUNCED in views and any(phase.view == THERE for phase in build.phases):
        past = learnt()["re_estimates"]
        notes.append(
            f"Dates of the past are estimates too: of {past['milestones']} that lay in the past in "
            f"one copy, {past['moved']} moved in the next, {past['later']} of them to a later day, "
            f"by {past['median_days']:g} days in the median. They are no slips and in no fit; a "
            "phase that is there is taken to be there."
        )
    notes.append(f"Known on {build.as_of}: {build.as_of_source}. Power is facility power.")
    return notes
