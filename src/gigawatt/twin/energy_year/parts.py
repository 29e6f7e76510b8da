"""What feeds a campus beside the grid: its sources as parts of a system, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.energy.hourly_file import read_hourly
from gigawatt.energy.solar import solar_output
from gigawatt.energy.supply import MUST_TAKE
from gigawatt.energy.system import Storage
from gigawatt.energy.technologies import (
    ambient_availability,
    annual_capital,
    source_of,
    storage_of,
    technology,
)
from gigawatt.energy.wear import Use, cell, wear_price
from gigawatt.twin.energy_year.grid import discount_rate, facility_life_years

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt import spec
    from gigawatt.energy.system import Source
    from gigawatt.energy.technologies import Technology
    from gigawatt.spec import Campus
    from gigawatt.twin.site_year.simulate import SiteYear

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["BATTERY_HOURS", "Part", "battery", "fuel_price", "parts_of", "profile", "proposed"]

BATTERY_HOURS: Final = 4.0
"""What the catalogue's battery holds: its name says so."""
_CONTRACT_PRICE: Final = {"solar": "solar_usd_per_mwh", "wind": "wind_usd_per_mwh"}


@dataclass(frozen=True, eq=False)
class Part:
    """One source of a campus.

    Parameters
    ----------
    spec : Source
        As the campus states it.
    tech : Technology
        What the catalogue knows of it.
    part : Source or Storage
        In the system that is dispatched.
    fixed_usd_per_year : float
        What it costs in a year however much it gives, but for what a tariff bills.
    fixed_told : str
        What that is, in words.
    facts : tuple of str
        Keys of the facts behind it.
    """

    spec: spec.Source
    tech: Technology
    part: Source | Storage
    fixed_usd_per_year: float
    fixed_told: str
    facts: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    @property
    def contracted(self) -> bool:
        """Whether it stands elsewhere and is bought from."""
        return self.spec.connection == "contracted"


def fuel_price() -> tuple[float, str]:
    """Return the price of natural gas [USD/MMBtu], and the key of the fact."""
    fact = catalog.load().get("rate", "fuel")["gas_usd_per_mmbtu"]
    return fact.number, fact.key


def proposed(campus: Campus) -> tuple[spec.Source, ...]:
    """Return what is proposed for a campus of the catalogue and not approved, as its sources.

    They are taken to stand from the first day of the horizon on.
    """
    from gigawatt.spec import Source as Stated  # noqa: PLC0415  pydantic is slow to import

    book = catalog.load()
    entry = next((e for e in book.entries("campus") if e.text("name") == campus.name), None)
    if entry is None:
        return ()
    return tuple(
        Stated(
            name=one.text("name"),
            technology=one.text("technology"),
            capacity_mw=one.number("capacity_mw"),
            date=campus.horizon.start,
            connection="contracted",
            units=int(one.number("units")),
        )
        for one in book.where("proposal", campus=entry.id)
    )


def parts_of(
    campus: Campus,
    sources: Sequence[spec.Source],
    site: SiteYear,
    *,
    island_load_mw: Hours,
    billed: set[str],
    commitment: bool = False,
) -> tuple[Part, ...]:
    """Return the sources that stand within the hours, as parts of a system.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    sources : sequence of Source
        Its sources, and those proposed.
    site : SiteYear
        The campus's year: its hours and its air.
    island_load_mw : ndarray (hours,)
        Load that islanded sources carry together.
    billed : set of str
        Contracted plants whose capital the tariff bills.
    commitment : bool
        Whether plants are to be switched on and off as whole units.
    """
    times = site.times
    there = [s for s in sources if _stands(s, times).any()]
    islands = sum(
        (s.capacity_mw * _stands(s, times) for s in there if s.islanded), np.zeros(times.size)
    )
    found = tuple(
        _part(
            campus, one, site,
            island_load_mw * one.capacity_mw / np.maximum(islands, 1e-9) if one.islanded else None,
            plants_billed=one.name in billed,
        )
        for one in there
    )  # fmt: skip
    return tuple(_switched(part) for part in found) if commitment else found


def _switched(part: Part) -> Part:
    """Return a part whose units are switched, where how they run is published."""
    least = part.tech.least_load
    if part.spec.islanded or part.tech.fuel != "natural gas" or isinstance(part.part, Storage):
        return part
    if least is None:
        return part
    units = replace(part.part, units=part.spec.units or 1, least_load=least)
    return replace(part, part=units)


def _stands(source: spec.Source, times: Times) -> Any:  # noqa: ANN401  an array of flags
    return times >= np.datetime64(source.date.isoformat())


def profile(
    tech: str, campus: Campus, times: Times, factor: float | None
) -> tuple[Hours, list[str]]:
    """Return the hourly output over capacity of a technology, and the facts behind it."""
    book = catalog.load()
    entry = book.get("technology", tech)
    keys: list[str] = []
    if factor is None and tech in MUST_TAKE:
        keys.append(entry["capacity_factor"].key)
        factor = entry.number("capacity_factor")
    if tech != "solar" or factor is None:
        return np.full(times.size, 1.0 if factor is None else factor), keys
    climate = book.get("climate", campus.site.climate)
    place = (climate["latitude_deg"], climate["longitude_deg"])
    keys += [fact.key for fact in place]
    return solar_output(times, place[0].number, place[1].number, factor), keys


def _part(
    campus: Campus, stated: spec.Source, site: SiteYear, island_mw: Hours | None, *,
    plants_billed: bool,
) -> Part:  # fmt: skip
    tech, times = technology(stated.technology), site.times
    entry = catalog.load().get("technology", tech.id)
    there = _stands(stated, times).astype(float)
    keys = [fact.key for fact in entry]
    rate, life = discount_rate(campus), facility_life_years(campus)
    if tech.id == "battery":
        return _battery(stated, tech, rate, life, keys)
    if stated.profile_file is not None:
        output = read_hourly(stated.profile_file, times, low=0.0, high=1.0)
    else:
        output, more = profile(tech.id, campus, times, stated.capacity_factor)
        keys += more
    if tech.derate is not None and not stated.islanded:
        # What an island's plants can give is stated as firm: the heat is in it.
        output = output * ambient_availability(tech, site.weather.dry_bulb_c)
    gas, gas_key = fuel_price()
    burns = tech.fuel == "natural gas"
    keys += [gas_key] if burns else []
    source = source_of(
        tech, discount_rate=rate, life_years=life, fuel_usd_per_mmbtu=gas if burns else None,
        name=stated.name, capacity_mw=stated.capacity_mw, availability=output * there,
    )  # fmt: skip
    if island_mw is not None:
        held = np.minimum(island_mw / stated.capacity_mw, output * there)
        source = replace(source, availability=held, least_output=held)
    source, fixed, told, further = _cost(
        stated,
        tech,
        source,
        rate=rate,
        life=life,
        stands=float(there.mean()),
        plants_billed=plants_billed,
    )
    return Part(stated, tech, source, fixed, told, (*keys, *further))


def _cost(
    stated: spec.Source, tech: Technology, source: Source, *, rate: float, life: float,
    stands: float, plants_billed: bool,
) -> tuple[Source, float, str, list[str]]:  # fmt: skip
    """Return the source at what its next MWh costs, and what it costs in a year in any case.

    A contract for the output of sun, wind or a reactor pays for all that they make, so that the
    next MWh costs nothing; one for a plant that follows orders pays for what is taken.
    """
    available = float(np.mean(source.availability)) * 8760.0 * stated.capacity_mw
    if stated.connection == "contracted":
        price, told, keys = stated.price_usd_per_mwh, "energy of the contract", list[str]()
        if price is None and tech.id in _CONTRACT_PRICE:
            fact = catalog.load().get("rate", "market")[_CONTRACT_PRICE[tech.id]]
            price, keys = fact.number, [fact.key]
        if price is not None and tech.id in MUST_TAKE:
            return replace(source, marginal_usd_per_mwh=0.0), price * available, told, keys
        if price is not None:
            return replace(source, marginal_usd_per_mwh=price), 0.0, "", keys
        if plants_billed and tech.id not in MUST_TAKE:
            return source, 0.0, "", []
    capital = annual_capital(tech, rate, life) * (stated.installed_mw or stated.capacity_mw)
    return source, capital * stands, "capital", []


def _battery(
    stated: spec.Source, tech: Technology, rate: float, life: float, keys: list[str]
) -> Part:
    storage = battery(tech, rate, life, name=stated.name)
    fixed = storage.capital_usd_per_mw_year * stated.capacity_mw
    return Part(
        stated, tech, replace(storage, capacity_mw=stated.capacity_mw), fixed, "capital",
        tuple(keys),
    )  # fmt: skip


def battery(tech: Technology, rate: float, life: float, *, name: str) -> Storage:
    """Return the catalogue's battery, to be planned; a MWh given wears it by a daily cycle's part.

    The price of what wears is that of the battery's power and energy together.
    """
    per_kwh = (tech.capital_usd_per_kw or 0.0) / BATTERY_HOURS
    wear = wear_price(cell(), Use(cycles_per_year=365.0), per_kwh)
    return storage_of(
        tech, discount_rate=rate, life_years=life, energy_hours=BATTERY_HOURS,
        discharge_usd_per_mwh=wear, name=name,
    )  # fmt: skip
