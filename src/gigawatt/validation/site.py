"""Published PUE, water and power of sites held against the cooling plants and the chain.

Nothing was fitted to a row: plants are made of published ranges of their parts, the chain of
published constants. A plant's band is that of designs drawn from these ranges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import GigawattError, InputError
from gigawatt.site.cooling_designs import design_range
from gigawatt.site.cooling_plant import cooling_plant, sized_for
from gigawatt.site.cooling_year import simulate_cooling
from gigawatt.site.electrical import chain, loss_of, unit_losses
from gigawatt.site.synthetic_weather import synthetic_year
from gigawatt.site.weather_files import read_weather
from gigawatt.validation.score import Prediction
from gigawatt.validation.training import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gigawatt.catalog import Entry
    from gigawatt.site.weather import Weather

__all__ = ["site_table"]

_TABLE: Final = ("airside-adiabatic", "waterside-economiser", "air-cooled-chiller")
_QUANTITIES: Final = {"pue": "PUE", "wue_l_per_kwh": "WUE"}
_DESIGNS: Final = 20
_PLACES: Final = ("climate", "weather")


def site_table(path: Path | None) -> list[Prediction]:
    """Return the predictions of published yearly PUE and water, and of Frontier's power.

    Parameters
    ----------
    path : Path, optional
        A CSV file with a row for each site: ``plant``, ``climate`` of the catalogue or
        ``weather`` (a TMY3 or EPW file, from the folder of the CSV file on), and ``pue`` or
        ``wue_l_per_kwh`` or both. Left out, the table of Lei and Masanet (2022) for every climate
        of the catalogue, and the sites that it holds.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows or lacks a column.
    """
    if path is not None:
        return [one for row in _rows(path) for one in _row(row, path)]
    return [*_published(), *(one for entry in _points() for one in _point(entry))]


def _points() -> tuple[Entry, ...]:
    return catalog.load().entries("site_point")


def _published() -> Iterator[Prediction]:
    """Yield the table of Lei and Masanet at every climate of the catalogue with a zone of it."""
    book = catalog.load()
    for climate in book.entries("climate"):
        air = _air(climate.id)
        for plant in _TABLE:
            name = f"{plant}@{climate.text('ashrae_zone').lower()}"
            if book.has("plant", name):
                figures = book.get("plant", name)
                measured = {field: figures.number(field) for field in _QUANTITIES}
                yield from _cooled(f"{name} in {climate.id}", plant, plant, air, measured)


def _point(entry: Entry) -> Iterator[Prediction]:
    if "topology" in entry:
        yield _frontier(entry)
        return
    measured = {field: entry.number(field) for field in _QUANTITIES if field in entry}
    air = _air(entry.text("climate"))
    yield from _cooled(entry.id, entry.text("plant"), "operators", air, measured)


def _cooled(
    row: str, plant: str, group: str, air: Weather, measured: dict[str, float]
) -> Iterator[Prediction]:
    """Yield PUE and water of a plant at full load, built for the hottest hour of its weather."""
    wet, dry = float(air.wet_bulb_c.max()), float(air.dry_bulb_c.max())
    built = sized_for(cooling_plant(plant), wet_bulb_c=wet, dry_bulb_c=dry)
    year = simulate_cooling(built, air, 1.0, built.loss_ratio)
    spread = design_range(plant, air, count=_DESIGNS, percentiles=(10.0, 90.0))
    found = {
        "pue": (year.mean_pue, spread.pue),
        "wue_l_per_kwh": (year.mean_wue_l_per_kwh, spread.wue_l_per_kwh),
    }
    for place, (field, value) in enumerate(measured.items()):
        middle, (low, high) = found[field]
        name = f"{_QUANTITIES[field]}, {group}"
        band = min(low, middle), max(high, middle)
        yield Prediction(row, name, value, middle, *band, beside=place > 0)


def _frontier(entry: Entry) -> Prediction:
    """Return power at the meter from the nodes', or what is lost from power at the meter.

    Every converter for itself, as the constants are stated: one for each node, one rectifier for
    the nodes of a switch.
    """
    number = entry.number
    names = [stage.name for stage in chain(entry.text("topology")).stages]
    stages = [catalog.load().get("converter", name) for name in names]
    losses = [loss_of(stage) for stage in stages]
    ratings = [stage.number("rating_kw") * 1e3 for stage in stages]
    fan_in, extra = [1, int(number("nodes_per_switch"))], [0.0, number("switch_w")]

    def grid(node_w: float) -> tuple[float, float]:
        load = np.full(int(number("nodes")), node_w)
        taken, lost = unit_losses(load, losses, ratings, fan_in, extra)
        return float(taken.sum()) / 1e6 + number("auxiliary_mw"), float(lost.sum()) / 1e6

    what, measured = "power", number("facility_mw")
    if "loss_mw" in entry:
        what, target, measured = "losses", measured, number("loss_mw")
        low, high = 0.0, number("node_rated_w")
        for _ in range(50):
            middle = (low + high) / 2.0
            low, high = (middle, high) if grid(middle)[0] < target else (low, middle)
        value = grid(low)[1]
    else:
        value = grid(number("node_w"))[0]
    # Constants without a range: the band is the value.
    return Prediction(entry.id, f"{what}, chain", measured, value, value, value)


def _air(climate: str) -> Weather:
    book = catalog.load()
    entry = book.get("climate", climate)
    return synthetic_year(entry, book.where("month", climate=entry.id))


def _rows(path: Path) -> list[dict[str, str]]:
    rows = read_table(path)
    columns = set(rows[0]) if rows else set()
    if "plant" not in columns or not columns & set(_PLACES) or not columns & set(_QUANTITIES):
        message = (
            f"{path}: no rows, or no columns plant, climate or weather, and pue or wue_l_per_kwh"
        )
        raise InputError(message)
    return rows


def _row(row: dict[str, Any], path: Path) -> list[Prediction]:
    """Return the predictions of a row of a file, or why it is skipped."""
    name = row.get("id") or f"{row['plant']} in {row.get('weather') or row.get('climate')}"
    try:
        measured = {q: float(row[q]) for q in _QUANTITIES if row.get(q)}
        if row.get("weather"):
            air = read_weather(path.parent / row["weather"])[0]
        else:
            air = _air(row.get("climate", ""))
        found = list(_cooled(name, row["plant"], row["plant"], air, measured))
    except (GigawattError, ValueError) as error:
        return [Prediction(name, row["plant"], None, reason=str(error))]
    if not found or not all(np.isfinite(one.measured or np.nan) for one in found):
        return [Prediction(name, row["plant"], None, reason="no PUE and no water stated")]
    return found
