"""The cooling plant in its climate, and the measured draw of each activity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.site.cooling import hourly_pue, worst_pue
from gigawatt.site.it_power import ACTIVITIES
from gigawatt.site.psychrometrics import wet_bulb_c
from gigawatt.site.weather import hourly_normals

if TYPE_CHECKING:
    from gigawatt.catalog import Entry
    from gigawatt.spec import Campus
    from gigawatt.twin.capacity import Capacity
    from gigawatt.twin.clock import Clock
    from gigawatt.twin.lineage import Lineage

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Plant", "plant_entry", "power_use", "pressure_pa", "read_plant"]

_NO_CLIMATE = "one yearly mean for every climate: none is published by climate for this plant"


@dataclass(frozen=True)
class Plant:
    """The cooling plant of a campus in its climate, hour by hour.

    Parameters
    ----------
    temperature_c, wet_bulb_c, pue : ndarray (hours,)
        Outside air and overhead.
    pue_band : tuple of float
        Low and high of the yearly mean PUE over its value.
    wue_l_per_kwh : float
        Water per unit of IT energy.
    wue_band : tuple of float
        Low and high of it.
    note : str
        What a reader must know of these figures.
    """

    temperature_c: Hours
    wet_bulb_c: Hours
    pue: Hours
    pue_band: tuple[float, float]
    wue_l_per_kwh: float
    wue_band: tuple[float, float]
    note: str


def read_plant(campus: Campus, clock: Clock, capacity: Capacity, lineage: Lineage) -> Plant:
    """Return the overhead of every hour from the climate and the plant's published figures."""
    book = catalog.load()
    climate = book.get("climate", campus.site.climate)
    months = sorted(book.where("month", climate=climate.id), key=lambda m: m.number("month"))
    temperature, dew_point = hourly_normals(months, clock.times, climate.number("utc_offset_h"))
    wet_bulb = wet_bulb_c(temperature, dew_point, pressure_pa(climate.number("elevation_m")))
    plant = plant_entry(campus.cooling.plant, climate.text("ashrae_zone"))
    stated = campus.cooling.pue
    mean = plant.number("pue") if stated is None else stated
    low, high = plant["pue"].span
    band = (low / plant.number("pue"), high / plant.number("pue")) if stated is None else (1.0, 1.0)
    best = min(plant.number("pue_best"), mean)
    design = capacity.facility_mw[-1:] / np.maximum(capacity.it_mw[-1:], 1e-9)
    worst = worst_pue(best, mean, float(design[0]) if capacity.it_mw[-1:].any() else mean)
    wue = campus.cooling.wue_l_per_kwh
    evaporative = plant.number("wue_l_per_kwh") > 0
    pue = hourly_pue(wet_bulb if evaporative else temperature, best, mean, worst)
    lineage.record(
        "pue",
        facts=[
            *([] if stated is not None else [plant["pue"].key]),
            plant["pue_best"].key,
            *(climate[f].key for f in ("utc_offset_h", "elevation_m", "ashrae_zone")),
            *(m[f].key for m in months for f in ("temperature_c", "daily_range_c", "dew_point_c")),
        ],
        inputs=["cooling", "site.climate"],
        after=["phases"],
    )
    lineage.record(
        "water", facts=[] if wue is not None else [plant["wue_l_per_kwh"].key], inputs=["cooling"]
    )
    fact = plant["wue_l_per_kwh"]
    return Plant(
        temperature,
        wet_bulb,
        pue,
        band,
        fact.number if wue is None else wue,
        fact.span if wue is None else (wue, wue),
        "" if stated is not None or plant.text("zone", "any") != "any" else _NO_CLIMATE,
    )


def power_use(lineage: Lineage) -> dict[str, tuple[float, float, float]]:
    """Return the measured share of the rating that each activity draws, with its band."""
    entry = catalog.load().get("rate", "power_use")
    lineage.record("power_use", facts=[entry[a].key for a in ACTIVITIES])
    return {a: (entry.number(a), *entry[a].span) for a in ACTIVITIES}


def plant_entry(plant: str, zone: str) -> Entry:
    """Return the plant's figures for a climate zone, or those for any zone."""
    book = catalog.load()
    name = f"{plant}@{zone.lower()}"
    return book.get("plant", name if book.has("plant", name) else f"{plant}@any")


def pressure_pa(elevation_m: float) -> float:
    """Return the pressure of the standard atmosphere (ASHRAE Fundamentals 2017, 1.1, eq. 3)."""
    return float(101325.0 * (1.0 - 2.25577e-5 * elevation_m) ** 5.2559)
