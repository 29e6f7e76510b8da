"""A campus in a published event of the grid: who leaves, on what they live, what is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError
from gigawatt.site.grid_events.loads import Group, tolerance
from gigawatt.site.grid_events.ride_through import (
    Reconnection,
    RideThrough,
    published_dips,
    ride_through,
)

if TYPE_CHECKING:
    from gigawatt.twin.site_year.simulate import SiteYear

__all__ = ["EventOnSite", "Protection", "play_event"]

_BACKED: Final = frozenset({"ac-ups", "ac-ups-eco", "ac-rack-shelf", "dc-400-sidecar", "dc-800"})
_AFTER_S: Final = 120.0  # how long the answer goes on after the last dip
_SWITCHED_BACK_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How a campus lives through dips; none of it is published for a campus, so it is asked.

    Parameters
    ----------
    ups_minutes : float
        For how long batteries carry the halls.
    return_s, walk_in_s : float
        From the end of a dip until the halls take power from the grid again, and over which they
        come back.
    cooling_restart_s : float
        From the stop of the cooling plant until it works again.
    """

    ups_minutes: float = 5.0
    return_s: float = 10.0
    walk_in_s: float = 20.0
    cooling_restart_s: float = 60.0

    def __post_init__(self) -> None:
        if min(self.ups_minutes, self.return_s, self.walk_in_s, self.cooling_restart_s) < 0.0:
            message = f"no time of a protection may be negative; got {self}"
            raise InputError(message)


@dataclass(frozen=True, eq=False)
class EventOnSite:
    """The worst hour of a campus in a published event, with protection that counts dips or not.

    Parameters
    ----------
    name, title : str
        Entry of the catalogue and what it was.
    load_mw : float
        Facility power when it begins.
    counting, patient : RideThrough
        With UPS that stay off the grid after as many dips as in the event, and with UPS that
        return after each. Groups: halls, cooling.
    """

    name: str
    title: str
    load_mw: float
    counting: RideThrough
    patient: RideThrough


def play_event(site: SiteYear, event: str, protection: Protection | None = None) -> EventOnSite:
    """Play a published event of the grid on the worst hour of a campus.

    The halls, with the losses before them, go to battery at the threshold of a UPS; the cooling
    plant has none and stops where semiconductor equipment by SEMI F47 may.

    Parameters
    ----------
    site : SiteYear
        A site year.
    event : str
        Of the catalogue (kind ``grid_event``).
    protection : Protection, optional
        Times of UPS and cooling.

    Raises
    ------
    UnknownNameError
        If there is no such event.
    NotModelledError
        If the topology has no batteries between the halls and the grid.
    """
    entry = catalog.load().get("grid_event", event)
    if site.topology not in _BACKED:
        message = f"nothing is published of what '{site.topology}' does in a dip: it has no battery"
        raise NotModelledError(message)
    asked = protection or Protection()
    hour = site.worst_hour
    plant_mw = float((site.cooling_mw + site.auxiliary_mw)[hour])
    halls_mw = float(site.facility_mw[hour]) - plant_mw
    dips = published_dips(entry.id)

    def play(count_limit: int) -> RideThrough:
        halls = Group(
            name="halls", load_mw=halls_mw, tolerance=tolerance("ups-transfer"),
            battery_mwh=halls_mw * asked.ups_minutes / 60.0, return_s=asked.return_s,
            walk_in_s=asked.walk_in_s, count_limit=count_limit,
            count_window_s=entry.number("count_window_s"),
        )  # fmt: skip
        plant = Group(
            name="cooling", load_mw=plant_mw, tolerance=tolerance("semi-f47"),
            restart_s=asked.cooling_restart_s, priority=1,
        )  # fmt: skip
        return ride_through(
            dips, [halls, plant], Reconnection(_SWITCHED_BACK_S, 0.0),
            duration_s=entry.number("span_s") + _AFTER_S,
        )  # fmt: skip

    counting, patient = play(int(entry.number("count_limit"))), play(0)
    load_mw = halls_mw + plant_mw
    return EventOnSite(entry.id, entry.text("name"), load_mw, counting, patient)
