"""The grid that a campus draws on: hourly price and carbon, and the tariff it is billed under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.energy.hourly_file import read_hourly
from gigawatt.energy.series import (
    carbon_statistics,
    price_entry,
    price_statistics,
    synthetic_series,
)
from gigawatt.energy.tariffs import Tariff, tariff
from gigawatt.errors import NotModelledError
from gigawatt.programme.finance import capital_recovery_factor
from gigawatt.twin.lineage import Lineage
from gigawatt.twin.supply import grid_price_usd_per_mwh

if TYPE_CHECKING:
    from pathlib import Path

    from gigawatt.catalog import Entry
    from gigawatt.spec import Campus

    Hours = np.ndarray[Any, np.dtype[np.float64]]
    Times = np.ndarray[Any, np.dtype[np.datetime64]]

__all__ = ["GridPower", "discount_rate", "facility_life_years", "read_grid"]

_KG_PER_T: Final = 1000.0
_PRICE_BOUNDS: Final = (-1000.0, 20000.0)
_CARBON_BOUNDS: Final = (0.0, 5000.0)


@dataclass(frozen=True, eq=False)
class GridPower:
    """What the grid gives, at what price and on what terms.

    Parameters
    ----------
    price_usd_per_mwh, co2_t_per_mwh : ndarray (hours,)
        Energy price and direct emissions by hour.
    upstream_co2_t_per_mwh : float
        What the life cycle adds.
    terms : Tariff
        Terms of the bill.
    tariff_entry : Entry or None
        The published tariff, where one is named.
    price_told, carbon_told : str
        Where price and carbon come from, in words.
    facts : dict of str to tuple of str
        Keys of the facts behind ``price``, ``carbon`` and ``tariff``.
    """

    price_usd_per_mwh: Hours
    co2_t_per_mwh: Hours
    upstream_co2_t_per_mwh: float
    terms: Tariff
    tariff_entry: Entry | None
    price_told: str
    carbon_told: str
    facts: dict[str, tuple[str, ...]]


def read_grid(
    campus: Campus, times: Times, *, price: str | Path | None, plants_mw: float, seed: int
) -> GridPower:
    """Return the grid of a campus in the hours of a year.

    Parameters
    ----------
    campus : Campus
        The campus as read.
    times : ndarray of datetime64 (hours,)
        Hours, UTC.
    price : path, optional
        A file of hourly prices, in place of what the campus states.
    plants_mw : float
        Capacity that stands of the plants built for the campus, whose capital a contract may have
        it pay back.
    seed : int
        Of synthetic series.
    """
    told, prices, keys = _price(campus, times, price, seed)
    carbon_told, carbon, carbon_keys = _carbon(campus, times, seed)
    lifecycle = _lifecycle(campus)
    terms, entry, tariff_keys = _terms(campus, prices, plants_mw)
    return GridPower(
        prices, carbon, lifecycle[0], terms, entry, told, carbon_told,
        {
            "price": tuple(keys),
            "carbon": (*carbon_keys, *lifecycle[1]),
            "tariff": tuple(tariff_keys),
        },
    )  # fmt: skip


def discount_rate(campus: Campus) -> float:
    """Return the campus's own discount rate, or the catalogue's."""
    stated = campus.finance.discount_rate
    fact = catalog.load().get("rate", "finance")["discount_rate"]
    return fact.number if stated is None else stated


def facility_life_years(campus: Campus) -> float:
    """Return the campus's own life of plants, or the catalogue's."""
    stated = campus.finance.facility_life_years
    fact = catalog.load().get("rate", "finance")["facility_life_years"]
    return fact.number if stated is None else stated


def _price(
    campus: Campus, times: Times, given: str | Path | None, seed: int
) -> tuple[str, Hours, list[str]]:
    """Return the hourly price: of a file, stated, of the market, or of the state's industry."""
    power = campus.power
    file = given or power.price_file
    if file is not None:
        low, high = _PRICE_BOUNDS
        return f"prices of {file}", read_hourly(file, times, low=low, high=high), []
    if power.price_usd_per_mwh is not None:
        flat = np.full(times.size, power.price_usd_per_mwh)
        return f"{power.price_usd_per_mwh:g} USD/MWh in every hour, as stated", flat, []
    if power.tariff is not None:
        found = price_statistics(campus.site.grid, campus.site.state)
        drawn = synthetic_series(found, times, utc_offset_h=_offset_h(campus), seed=seed)
        return f"day-ahead prices of {found.part} as in 2025, year {seed}", drawn, [*found.facts]
    lineage = Lineage()
    flat_price = grid_price_usd_per_mwh(campus, lineage)
    told = f"{flat_price:g} USD/MWh in every hour, all in: what the state's industry pays"
    return told, np.full(times.size, flat_price), [*lineage.facts("price")]


def _offset_h(campus: Campus) -> float:
    return catalog.load().get("climate", campus.site.climate).number("utc_offset_h")


def _carbon(campus: Campus, times: Times, seed: int) -> tuple[str, Hours, list[str]]:
    power = campus.power
    if power.co2_file is not None:
        low, high = _CARBON_BOUNDS
        kg = read_hourly(power.co2_file, times, low=low, high=high)
        return f"intensities of {power.co2_file}", kg / _KG_PER_T, []
    if power.co2_kg_per_mwh is not None:
        kg = np.full(times.size, power.co2_kg_per_mwh)
        return f"{power.co2_kg_per_mwh:g} kg/MWh in every hour, as stated", kg / _KG_PER_T, []
    fact = catalog.load().get("grid", campus.site.grid)["co2_direct_kg_per_mwh"]
    found = carbon_statistics(campus.site.grid, fact.number)
    if found is None:
        flat = np.full(times.size, fact.number / _KG_PER_T)
        return (
            f"{fact.number:g} kg/MWh in every hour: no hourly spread is published",
            flat,
            [fact.key],
        )
    # The weather of prices is not that of carbon: a seed of its own keeps them apart.
    drawn = synthetic_series(found, times, utc_offset_h=_offset_h(campus), seed=seed + 1_000_003)
    told = f"hourly intensities of mean {fact.number:g} kg/MWh, spread as in 2024"
    return told, drawn / _KG_PER_T, [fact.key, *found.facts]


def _lifecycle(campus: Campus) -> tuple[float, list[str]]:
    """Return what the life cycle adds to the grid's emissions; nothing where none is published."""
    entry = catalog.load().get("grid", campus.site.grid)
    if "co2_lifecycle_kg_per_mwh" not in entry:
        return 0.0, []
    fact = entry["co2_lifecycle_kg_per_mwh"]
    direct = entry["co2_direct_kg_per_mwh"].number
    return max(fact.number - direct, 0.0) / _KG_PER_T, [fact.key]


def _terms(
    campus: Campus, prices: Hours, plants_mw: float
) -> tuple[Tariff, Entry | None, list[str]]:
    name = campus.power.tariff
    if name is None:
        return Tariff(name="energy alone", energy_usd_per_mwh=prices), None, []
    entry = catalog.load().get("tariff", name)
    keys = [fact.key for fact in entry]
    capacity = 0.0
    if entry.text("energy") == "market":
        market = _capacity_market(campus)
        if market is not None:
            capacity = market["capacity_usd_per_mw_year"].number
            keys.append(market["capacity_usd_per_mw_year"].key)
            if "capacity_obligation" in market:
                capacity *= market["capacity_obligation"].number
                keys.append(market["capacity_obligation"].key)
    fixed = 0.0
    if "plants_usd" in entry and plants_mw > 0.0:
        charge = capital_recovery_factor(discount_rate(campus), entry.number("term_years"))
        fixed = entry.number("plants_usd") * charge * plants_mw / entry.number("plants_mw")
    terms = tariff(
        name, energy_usd_per_mwh=prices, capacity_usd_per_mw_year=capacity,
        fixed_usd_per_year=fixed,
    )  # fmt: skip
    return terms, entry, keys


def _capacity_market(campus: Campus) -> Entry | None:
    """Return the entry with the region's price of capacity, None where there is no auction."""
    try:
        entry = price_entry(campus.site.grid, campus.site.state)
    except NotModelledError:
        return None
    return entry if "capacity_usd_per_mw_year" in entry else None
