"""A cooling plant under load and weather: power, water, heat and what it cannot cool."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.site.cooling_inputs import Load, Pieces, Rows, read_load, reuse_share
from gigawatt.site.water import blowdown_m3_per_h, drift_m3_per_h

if TYPE_CHECKING:
    from gigawatt.site.cooling_plant import CoolingPlant
    from gigawatt.site.weather import Weather

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["CoolingYear", "simulate_cooling"]


@dataclass(frozen=True, eq=False)
class CoolingYear:
    """What a campus takes to stay cool, step by step and summed over its halls.

    ``facility_mw == it_mw + loss_mw + outside_loss_mw + other_mw + cooling_mw`` and
    ``heat_out_mw + reuse_mw == it_mw + loss_mw + other_mw + cooling_mw`` in every step.

    Parameters
    ----------
    step_h : float
        Length of a step.
    it_mw : ndarray (steps,)
        IT power that is served.
    loss_mw, outside_loss_mw : ndarray (steps,)
        Electrical losses that heat the halls, and others.
    hall_fan_mw, pump_mw, compressor_mw, rejection_fan_mw, other_mw : ndarray (steps,)
        Power of the plant's parts, and of lighting and the like.
    evaporation_m3_per_h, blowdown_m3_per_h, drift_m3_per_h : ndarray (steps,)
        Water that evaporates in towers, on pads and into hall air, that is bled, and that drifts.
    heat_out_mw, reuse_mw : ndarray (steps,)
        Heat given to the outside, and given away for use.
    chiller_heat_mw : ndarray (steps,)
        Heat that chillers remove.
    curtailed_cooling_mw, curtailed_limit_mw : ndarray (steps,)
        Wanted IT power that is not served because the plant, or the limit of the
        interconnection, doesn't allow it.
    margin : ndarray (steps,)
        Heat that the plant could carry over the heat wanted, less 1: the least of all halls and
        loops. Below 0 IT power is curtailed.
    hall_it_mwh, hall_cooling_mwh, hall_curtailed_mwh : ndarray (halls,)
        Sums over the steps; curtailed by the plant's capacity.
    by_hall_it_mw, by_hall_cooling_mw : ndarray (steps, halls) or None
        IT power served and power of fans, pumps and compressors, hall by hall, if asked for.
    """

    step_h: float
    it_mw: Array
    loss_mw: Array
    outside_loss_mw: Array
    hall_fan_mw: Array
    pump_mw: Array
    compressor_mw: Array
    rejection_fan_mw: Array
    other_mw: Array
    evaporation_m3_per_h: Array
    blowdown_m3_per_h: Array
    drift_m3_per_h: Array
    heat_out_mw: Array
    reuse_mw: Array
    chiller_heat_mw: Array
    curtailed_cooling_mw: Array
    curtailed_limit_mw: Array
    margin: Array
    hall_it_mwh: Array
    hall_cooling_mwh: Array
    hall_curtailed_mwh: Array
    by_hall_it_mw: Array | None = None
    by_hall_cooling_mw: Array | None = None

    @cached_property
    def cooling_mw(self) -> Array:
        """Power of fans, pumps and compressors."""
        return self.hall_fan_mw + self.pump_mw + self.compressor_mw + self.rejection_fan_mw

    @cached_property
    def facility_mw(self) -> Array:
        """Power at the meter."""
        loss = self.loss_mw + self.outside_loss_mw
        return self.it_mw + loss + self.other_mw + self.cooling_mw

    @cached_property
    def water_m3_per_h(self) -> Array:
        """Water taken in."""
        return self.evaporation_m3_per_h + self.blowdown_m3_per_h + self.drift_m3_per_h

    @cached_property
    def pue(self) -> Array:
        """Facility power over IT power in each step; infinite without IT power."""
        return _over(self.facility_mw, self.it_mw)

    @cached_property
    def wue_l_per_kwh(self) -> Array:
        """Water over IT energy in each step [L/kWh]; infinite without IT power."""
        return _over(self.water_m3_per_h, self.it_mw)

    @property
    def mean_pue(self) -> float:
        """Facility energy over IT energy."""
        return float(self.facility_mw.sum() / self.it_mw.sum())

    @property
    def mean_wue_l_per_kwh(self) -> float:
        """Water over IT energy [L/kWh]."""
        return float(self.water_m3_per_h.sum() / self.it_mw.sum())

    @property
    def trim_h(self) -> float:
        """Hours in which chillers work."""
        return float((self.chiller_heat_mw > 0.0).sum() * self.step_h)

    @property
    def water_m3(self) -> float:
        """Water taken in over all steps."""
        return float(self.water_m3_per_h.sum() * self.step_h)


def simulate_cooling(  # noqa: PLR0913  each is a question of its own
    plant: CoolingPlant,
    weather: Weather,
    it_mw: Array | float,
    loss_mw: Array | float = 0.0,
    *,
    outside_loss_mw: Array | float = 0.0,
    design_it_mw: Array | float | None = None,
    design_loss_mw: Array | float | None = None,
    limit_mw: Array | float | None = None,
    reuse_mw: Array | float = 0.0,
    reuse_least_c: float = -273.15,
    by_hall: bool = False,
) -> CoolingYear:
    """Run a cooling plant, one of the same kind for each hall, under weather and load.

    Parameters
    ----------
    plant : CoolingPlant
        What each hall has, in proportion to its design power.
    weather : Weather
        Outside air, in even steps.
    it_mw : ndarray (steps,), (steps, halls) or float
        IT power that the halls want [MW]. Its steps are those of the weather or a whole number of
        them to each (minutes to hours); the weather is then taken to run straight between.
    loss_mw, outside_loss_mw : ndarray (steps,), (steps, halls), (halls,) or float
        Electrical losses at that power [MW] whose heat the halls' air carries, and others. They
        fall with IT power when it is curtailed.
    design_it_mw, design_loss_mw : ndarray (halls,) or float, optional
        What the plant is built for; the most of each hall if left out.
    limit_mw : ndarray (steps,) or float, optional
        Limit on the power at the meter of all halls; above it all are cut by the same share.
    reuse_mw : ndarray (steps,) or float
        Heat wanted by a user nearby, taken from the liquid loop.
    reuse_least_c : float
        Temperature that this user needs [°C].
    by_hall : bool
        Whether to keep what every hall takes in every step, as an electrical chain wants it.

    Returns
    -------
    CoolingYear
        Sums over the halls.

    Raises
    ------
    InputError
        If shapes don't fit, or a power is negative or above its design.
    NotModelledError
        If heat is wanted warmer than the liquid loop returns, which takes a heat pump.

    Notes
    -----
    ======================  =======================================================================
    assumption              why
    ======================  =======================================================================
    fans and pumps cubed    affinity laws at constant efficiency; ducts and pipes resist with the
                            square of the flow, and static heads are left out
    approach ~ load         heat exchangers at full flow transfer by the temperature difference
    steady in each step     water and walls store minutes of heat; a step is at least as long
    supply setpoint held    no reset with load or weather
    N units run             spares stand still
    ======================  =======================================================================

    Examples
    --------
    >>> from gigawatt.site.cooling_plant import cooling_plant
    >>> times = np.arange("2027-01-01", "2027-01-02", dtype="datetime64[h]")
    >>> from gigawatt.site.weather import Weather
    >>> mild = Weather("a mild day", times, *(np.full(24, v) for v in (10.0, 5.0, 1e5)))
    >>> year = simulate_cooling(cooling_plant("closed-loop-dry"), mild, 100.0, 4.0)
    >>> bool(1.0 < year.mean_pue < 1.2 and year.mean_wue_l_per_kwh == 0.0)
    True
    """
    load = read_load(
        it_mw, loss_mw, outside_loss_mw, design_it_mw, design_loss_mw, weather.times.size
    )
    load = replace(load, reuse_share=reuse_share(plant, load.it, reuse_mw, reuse_least_c))
    pieces = Pieces.of(plant, weather)
    rows = pieces.run(load, by_hall=by_hall)
    limited = np.zeros(rows.steps.shape[1])
    if limit_mw is not None:
        limited = _limit(pieces, load, rows, limit_mw)
    return _year(plant, weather, rows, limited)


def _limit(pieces: Pieces, load: Load, rows: Rows, limit_mw: Array | float) -> Array:
    """Cut all halls by one share in the steps above the limit; return what is cut [MW].

    Bisection on the share: power at the meter rises with IT power, but not smoothly. `rows` are
    brought up to date.
    """
    steps = rows.steps.shape[1]
    limit = np.broadcast_to(np.asarray(limit_mw, np.float64), (steps,))
    over = np.flatnonzero(rows.facility_mw > limit * (1.0 + 1e-12))
    cut = np.zeros(steps)
    if not over.size:
        return cut
    part = pieces.part(over, steps // pieces.weather.shape[1])
    some, by_hall = load.part(over), rows.tables.size > 0
    before = part.run(some)
    low, high = np.zeros(over.size), np.ones(over.size)
    for _ in range(40):
        middle = (low + high) / 2.0
        above = part.run(some.scaled(middle)).facility_mw > limit[over]
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    now = part.run(some.scaled(low), by_hall=by_hall)
    cut[over] = rows.steps[0, over] - now.steps[0]
    # What the plant alone would have cut stays its own; the rest is the limit's.
    now.steps[15:] = rows.steps[15:, over]
    rows.steps[:, over] = now.steps
    rows.halls[:3] += now.halls[:3] - before.halls[:3]
    if by_hall:
        rows.tables[:, over] = now.tables
    return cut


def _year(plant: CoolingPlant, weather: Weather, rows: Rows, limited: Array) -> CoolingYear:
    out, halls = rows.steps, rows.halls
    steps = out.shape[1] // weather.times.size
    gaps = np.diff(weather.times[:2].astype("datetime64[s]")).astype(np.float64)
    step_h = float(gaps[0]) / 3600.0 / steps if gaps.size else 1.0
    towers = [loop for loop in plant.loops if loop.has_tower]
    fall = towers[0].tower_range_k if towers else 1.0
    drift = drift_m3_per_h(out[11], fall, plant.drift_share)
    # What moistens hall air is treated water that isn't bled.
    blowdown = blowdown_m3_per_h(out[8], plant.cycles, drift)
    blowdown += blowdown_m3_per_h(out[10], plant.cycles)
    return CoolingYear(
        step_h=step_h,
        it_mw=out[0],
        loss_mw=out[1],
        outside_loss_mw=out[2],
        hall_fan_mw=out[3],
        pump_mw=out[4],
        compressor_mw=out[5],
        rejection_fan_mw=out[6],
        other_mw=out[7],
        evaporation_m3_per_h=out[8] + out[9] + out[10],
        blowdown_m3_per_h=blowdown,
        drift_m3_per_h=drift,
        heat_out_mw=out[14],
        reuse_mw=out[13],
        chiller_heat_mw=out[12],
        curtailed_cooling_mw=out[15],
        curtailed_limit_mw=limited,
        margin=out[16],
        hall_it_mwh=halls[0] * step_h,
        hall_cooling_mwh=halls[2] * step_h,
        hall_curtailed_mwh=halls[3] * step_h,
        by_hall_it_mw=rows.tables[0] if rows.tables.size else None,
        by_hall_cooling_mw=rows.tables[1] if rows.tables.size else None,
    )


def _over(numerator: Array, denominator: Array) -> Array:
    return np.divide(
        numerator, denominator, out=np.full_like(numerator, np.inf), where=denominator > 0.0
    )
