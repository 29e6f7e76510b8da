"""What in a campus deserves a second look: nothing here is wrong, yet hardly anybody means it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.twin.capacity import phase_counts
from gigawatt.twin.clock import Clock
from gigawatt.twin.plant import plant_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.spec import Campus

__all__ = ["advise"]

_FILLED = 0.5
_AMPLE = 1.5


def advise(campus: Campus) -> tuple[str, ...]:
    """Return what in a campus deserves a second look, one sentence each.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    """
    return (*_phases(campus), *_dates(campus), *_cooling(campus), *_sources(campus))


def _phases(campus: Campus) -> Iterator[str]:
    book = catalog.load()
    for i, phase in enumerate(campus.phases):
        counts = phase_counts(phase)
        rated_mw = 0.0
        for j, (lot, count) in enumerate(zip(phase.chips, counts, strict=True)):
            rated_mw += count * book.get("chip", lot.type).number("all_in_it_kw") / 1000.0
            if count == 0:
                yield (
                    f"phases[{i}].chips[{j}]: the other lots take all IT power of '{phase.name}', "
                    f"so no {lot.type} is added"
                )
        if rated_mw < _FILLED * phase.it_mw:
            yield (
                f"phases[{i}]: its accelerators are rated {rated_mw:,.1f} MW, "
                f"{100 * rated_mw / phase.it_mw:.0f} % of the {phase.it_mw:,.1f} MW of IT power; "
                "the facility is paid for in full"
            )


def _dates(campus: Campus) -> Iterator[str]:
    end = Clock.of(campus.horizon).end
    programme = campus.programme
    late = [
        *((f"phases[{i}]", p.name, p.date) for i, p in enumerate(campus.phases)),
        *((f"power.sources[{i}]", s.name, s.date) for i, s in enumerate(campus.power.sources)),
        *((f"programme.training[{i}]", r.name, r.start) for i, r in enumerate(programme.training)),
        *((f"programme.services[{i}]", s.name, s.start) for i, s in enumerate(programme.services)),
    ]
    for path, name, date in late:
        if date is not None and date >= end:
            yield f"{path}: '{name}' comes on {date}, after the horizon ends on {end}"


def _cooling(campus: Campus) -> Iterator[str]:
    climate = catalog.load().get("climate", campus.site.climate)
    plant = plant_entry(campus.cooling.plant, climate.text("ashrae_zone"))
    pue = campus.cooling.pue or plant.number("pue")
    for i, phase in enumerate(campus.phases):
        if pue * phase.it_mw > phase.facility_mw * (1 + 1e-9):
            yield (
                f"phases[{i}]: facility over IT power is {phase.facility_mw / phase.it_mw:.2f}, "
                f"less than the yearly mean PUE of {pue:.2f} of {campus.cooling.plant}; at full "
                "load IT power would be cut"
            )


def _sources(campus: Campus) -> Iterator[str]:
    most = sum(phase.facility_mw for phase in campus.phases)
    for i, source in enumerate(campus.power.sources):
        if most and source.capacity_mw > _AMPLE * most:
            yield (
                f"power.sources[{i}]: '{source.name}' has {source.capacity_mw:,.0f} MW, more than "
                f"the {most:,.0f} MW that the whole facility may draw; all of it is paid for"
            )
