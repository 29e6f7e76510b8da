"""How far apart plants of one kind lie: PUE and water over the published ranges of their parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.site.cooling_plant import sample_designs, sized_for
from gigawatt.site.cooling_year import simulate_cooling

if TYPE_CHECKING:
    from gigawatt.site.weather import Weather

__all__ = ["DesignRange", "design_range"]


@dataclass(frozen=True, slots=True)
class DesignRange:
    """Percentiles over designs of a plant.

    Parameters
    ----------
    percentiles : tuple of float
        Which.
    pue, wue_l_per_kwh : tuple of float
        Yearly PUE and water over IT energy at each percentile.
    """

    percentiles: tuple[float, ...]
    pue: tuple[float, ...]
    wue_l_per_kwh: tuple[float, ...]


def design_range(
    name: str,
    weather: Weather,
    *,
    loss_ratio: float | None = None,
    count: int = 100,
    seed: int = 0,
    percentiles: tuple[float, ...] = (10.0, 50.0, 90.0),
) -> DesignRange:
    """Return PUE and water of designs drawn from the published ranges, in one climate.

    Each design is sized for the hottest hour of the weather and runs at full load.

    Parameters
    ----------
    name : str
        A cooling plant of the catalogue.
    weather : Weather
        A year.
    loss_ratio : float, optional
        Electrical losses over IT power; those of each design if left out.
    count, seed : int
        How many designs, and where the draws start.
    percentiles : tuple of float
        Which to return.
    """
    wet, dry = float(weather.wet_bulb_c.max()), float(weather.dry_bulb_c.max())
    found = np.empty((2, count))
    for number, design in enumerate(sample_designs(name, count, seed=seed)):
        plant = sized_for(design, wet_bulb_c=wet, dry_bulb_c=dry)
        loss = design.loss_ratio if loss_ratio is None else loss_ratio
        year = simulate_cooling(plant, weather, 1.0, loss)
        found[:, number] = year.mean_pue, year.mean_wue_l_per_kwh
    pue, wue = np.percentile(found, percentiles, axis=1).T
    return DesignRange(percentiles, tuple(map(float, pue)), tuple(map(float, wue)))
