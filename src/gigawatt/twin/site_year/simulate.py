"""A year of a campus at the meter: power, water, heat and what binds, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.site.cooling_plant import cooling_plant, sized_for
from gigawatt.site.electrical import chain
from gigawatt.twin.site_year.balance import Balance, balance
from gigawatt.twin.site_year.conditions import read_conditions, with_heat_wave
from gigawatt.twin.site_year.installed import Installed, it_power, read_installed
from gigawatt.twin.site_year.job import JobOnGrid, JobQuestion, judge_job

if TYPE_CHECKING:
    from pathlib import Path

    from gigawatt.site.weather import Weather
    from gigawatt.spec import Campus
    from gigawatt.twin.outcome import Headline, Table

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["DEFAULT_TOPOLOGY", "SiteYear", "simulate_site"]

DEFAULT_TOPOLOGY: Final = "ac-ups"
"""Halls behind double-conversion UPS: what is built most, and what loses most."""

_JOB: Final = JobQuestion()


@dataclass(frozen=True, eq=False)
class SiteYear:
    """A campus over a year of weather, hour by hour.

    ``facility_mw == it_mw + loss_mw + cooling_mw + auxiliary_mw`` in every hour.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    installed : Installed
        Accelerators at the end of the year, and what they do.
    topology, plant : str
        Electrical chain and cooling plant.
    weather : Weather
        Outside air, in the hours of the year.
    synthetic : bool
        Whether it is made of the climate's normals.
    warming_k : float
        By which the weather is warmer than it was.
    heat_wave : bool
        Whether a heat wave is in it.
    seed : int
        Of the weather.
    wanted_mw : ndarray (hours,)
        IT power that the programme wants.
    band : tuple of float
        P10 and P90 of IT power over its value.
    balance : Balance
        Losses and cooling.
    question : JobQuestion or None
        Synchronous job that is held against a specification.
    """

    campus: Campus
    installed: Installed
    topology: str
    plant: str
    weather: Weather
    synthetic: bool
    warming_k: float
    heat_wave: bool
    seed: int
    wanted_mw: Hours
    band: tuple[float, float]
    balance: Balance
    question: JobQuestion | None

    @property
    def times(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Start of each hour, UTC."""
        return self.installed.times

    @property
    def it_mw(self) -> Hours:
        """IT power that is served."""
        return self.balance.cooling.it_mw

    @property
    def facility_mw(self) -> Hours:
        """Power at the point of interconnection."""
        return self.balance.cooling.facility_mw

    @property
    def loss_mw(self) -> Hours:
        """Electrical losses between IT power and the grid."""
        year = self.balance.cooling
        return year.loss_mw + year.outside_loss_mw

    @property
    def cooling_mw(self) -> Hours:
        """Power of fans, pumps and compressors."""
        return self.balance.cooling.cooling_mw

    @property
    def auxiliary_mw(self) -> Hours:
        """Power of lighting and the like."""
        return self.balance.cooling.other_mw

    @property
    def pue(self) -> Hours:
        """Facility over IT power."""
        return self.balance.cooling.pue

    @property
    def wue_l_per_kwh(self) -> Hours:
        """Water over IT energy [L/kWh]."""
        return self.balance.cooling.wue_l_per_kwh

    @property
    def water_m3_per_h(self) -> Hours:
        """Water taken in."""
        return self.balance.cooling.water_m3_per_h

    @property
    def curtailed_mw(self) -> Hours:
        """IT power that is wanted and not served, whatever binds."""
        return self.wanted_mw - self.it_mw

    @property
    def worst_hour(self) -> int:
        """Hour with the highest facility power; where a limit holds that, the most curtailed."""
        cut = self.balance.cooling.curtailed_limit_mw
        return int(np.argmax(cut if cut.any() else self.facility_mw))

    @cached_property
    def job(self) -> JobOnGrid | None:
        """A synchronous job on this campus against the specification; None if none is asked for."""
        return None if self.question is None else judge_job(self, self.question)

    @cached_property
    def answers(self) -> tuple[Headline, ...]:
        """The questions that a site is asked, answered."""
        from gigawatt.twin.site_year.answers import answers  # noqa: PLC0415  it needs this class

        return answers(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What in the answer deserves a second look."""
        from gigawatt.twin.site_year.notes import warnings  # noqa: PLC0415  it needs this class

        return warnings(self)

    def as_dict(self) -> dict[str, Any]:
        """Return the year as plain numbers and text, for programs."""
        from gigawatt.twin.site_year.record import site_record  # noqa: PLC0415

        return site_record(self)

    def table(self) -> Table:
        """Return a row for each hour."""
        year = self.balance.cooling
        return {
            "time": self.times,
            "temperature_c": self.weather.dry_bulb_c,
            "wet_bulb_c": self.weather.wet_bulb_c,
            "wanted_it_mw": self.wanted_mw,
            "it_mw": self.it_mw,
            "loss_mw": self.loss_mw,
            "cooling_mw": self.cooling_mw,
            "auxiliary_mw": self.auxiliary_mw,
            "facility_mw": self.facility_mw,
            "pue": self.pue,
            "water_m3": self.water_m3_per_h,
            "curtailed_cooling_mw": year.curtailed_cooling_mw,
            "curtailed_limit_mw": year.curtailed_limit_mw,
            "cooling_margin": year.margin,
        }


def simulate_site(  # noqa: PLR0913  each is a question of its own
    campus: Campus,
    *,
    year: int | None = None,
    weather: str | Path | None = None,
    topology: str | None = None,
    plant: str | None = None,
    warming_k: float = 0.0,
    heat_wave: bool = False,
    job: JobQuestion | None = _JOB,
    seed: int = 0,
) -> SiteYear:
    """Play a year of weather on a campus: power at the grid, water, and what binds.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    year : int, optional
        A calendar year of its horizon; what stands at its end is taken to stand all year long. By
        default the last whole year.
    weather : str or path, optional
        A TMY3 or EPW file; by default, and for ``"synthetic"``, a seeded year from the normals of
        the campus's climate.
    topology : str, optional
        Electrical chain of the catalogue (kind ``topology``); `DEFAULT_TOPOLOGY` by default.
    plant : str, optional
        Cooling plant of the catalogue (kind ``cooling_plant``); the campus's own by default.
    warming_k : float
        Added to every dry bulb, at the same relative humidity.
    heat_wave : bool
        Whether six days as hot as the hottest of twenty years come in the hottest month.
    job : JobQuestion or None
        Synchronous training job that is held against a specification of the grid when its answer is
        first asked for: 16,384 accelerators by default.
    seed : int
        Of the synthetic year.

    Returns
    -------
    SiteYear
        Hours, answers and the job's waveform.

    Raises
    ------
    InputError
        If the year, the weather or the campus cannot be used.
    UnknownNameError
        If the catalogue holds no such topology, plant or specification.

    Notes
    -----
    The plant is built for the hottest hour of the weather as it is before warming and heat wave,
    and for the IT power of the halls. Yearly PUE and water that the campus file states are not
    used: here they are answers.

    Examples
    --------
    >>> from gigawatt.spec import load
    >>> found = simulate_site(load("hyperion"), job=None)
    >>> bool(1.05 < found.facility_mw.sum() / found.it_mw.sum() < 1.3)
    True
    """
    from gigawatt import catalog  # noqa: PLC0415  read only once it runs

    if job is not None:
        catalog.load().get("grid_specification", job.specification)
    built = chain(topology or DEFAULT_TOPOLOGY)
    chosen = cooling_plant(plant or campus.cooling.plant)
    installed = read_installed(campus, year)
    usual = read_conditions(campus.site.climate, installed.times, weather, seed)
    chosen = sized_for(
        chosen, wet_bulb_c=float(usual.wet_bulb_c.max()), dry_bulb_c=float(usual.dry_bulb_c.max())
    )
    air = with_heat_wave(usual, campus.site.climate) if heat_wave else usual
    air = air.warmer(warming_k) if warming_k else air
    wanted, band = it_power(installed, built)
    found = balance(
        built, chosen, air, wanted, usual=usual,
        design_it_mw=installed.it_capacity_mw, limit_mw=installed.limit_mw,
    )  # fmt: skip
    return SiteYear(
        campus, installed, built.name, plant or campus.cooling.plant, air,
        weather in (None, "synthetic"), warming_k, heat_wave,
        seed, wanted, band, found, job,
    )  # fmt: skip
