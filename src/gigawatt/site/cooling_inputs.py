"""What a run of a cooling plant needs: its numbers, the weather and the load, as checked arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError, NotModelledError
from gigawatt.site.cooling_weather import (
    AIR_KJ_PER_KG_K,
    WATER_KJ_PER_KG_K,
    LoopWeather,
    air_side,
    loop_weather,
)
from gigawatt.site.psychrometrics import density_kg_per_m3

if TYPE_CHECKING:
    from gigawatt.site.cooling_plant import CoolingPlant, Loop
    from gigawatt.site.weather import Weather

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Steps = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["Load", "Pieces", "Rows", "read_load", "reuse_share"]

_GRAVITY_M_PER_S2: Final = 9.80665
_KIND: Final = {"none": 0.0, "dry": 1.0, "tower": 2.0, "water": 1.0, "air": 2.0}
_HALL_AIR_HUMIDITY: Final = 0.008  # kg/kg, for the density of hall air: 1 g/kg makes 0.06 %


@dataclass(frozen=True)
class Load:
    """What the halls want, (steps, halls) or (1, halls), and what they are built for."""

    it: Array
    loss: Array
    outside: Array
    reuse_share: Array
    design_it: Array
    design_loss: Array

    def part(self, steps: Steps) -> Load:
        """Return the load of some steps."""

        def picked(table: Array) -> Array:
            return table[steps] if table.shape[0] > 1 else table

        share = self.reuse_share[steps]
        loss, outside = picked(self.loss), picked(self.outside)
        return replace(self, it=self.it[steps], loss=loss, outside=outside, reuse_share=share)

    def scaled(self, share: Array) -> Load:
        """Return the load with IT power and losses at a share of it in each step."""
        wide = share[:, None]
        return replace(self, it=self.it * wide, loss=self.loss * wide, outside=self.outside * wide)


@dataclass(frozen=True)
class Rows:
    """What the kernel finds.

    Parameters
    ----------
    steps : ndarray (rows, steps)
        Sums over the halls, in the order of ``cooling_kernel.ROWS``.
    halls : ndarray (rows, halls)
        Sums over the steps, in the order of ``cooling_kernel.HALL_ROWS``.
    tables : ndarray (2, steps, halls) or (2, 0, 0)
        IT and cooling power of every hall in every step, if wanted.
    """

    steps: Array
    halls: Array
    tables: Array

    @property
    def facility_mw(self) -> Array:
        """Power at the meter."""
        return np.asarray(self.steps[:8].sum(axis=0))


@dataclass(frozen=True)
class Pieces:
    """What the kernel needs of plant and weather, as arrays."""

    weather: Array
    loops: tuple[Array, Array]
    plant: tuple[float, ...]
    numbers: tuple[tuple[float, ...], tuple[float, ...]]

    @classmethod
    def of(cls, plant: CoolingPlant, weather: Weather) -> Pieces:
        """Work out what the weather lets the plant do."""
        outside = air_side(plant, weather)
        first = loop_weather(plant.air_loop, weather, plant.latent_share)
        second, liquid = first, plant.liquid_loop
        if liquid is not None:
            second = loop_weather(liquid, weather, plant.latent_share)
        numbers = _loop_numbers(plant.air_loop), _loop_numbers(liquid or plant.air_loop)
        rows = np.vstack([outside.loop_share, outside.water_kg_per_kj])
        return cls(rows, (_rows(first), _rows(second)), _plant_numbers(plant, weather), numbers)

    def run(self, load: Load, *, by_hall: bool = False) -> Rows:
        """Return the rows of the kernel."""
        from gigawatt.site import cooling_kernel as kernel  # noqa: PLC0415  Numba is slow to import

        steps, halls = load.it.shape
        rows = Rows(
            np.zeros((len(kernel.ROWS), steps)),
            np.zeros((len(kernel.HALL_ROWS), halls)),
            np.empty((2, steps, halls) if by_hall else (2, 0, 0)),
        )
        kernel.run(
            load.it,
            load.loss,
            load.outside,
            load.reuse_share,
            self.weather,
            *self.loops,
            self.plant,
            *self.numbers,
            load.design_it,
            load.design_loss,
            rows.steps,
            rows.halls,
            rows.tables,
        )
        return rows

    def part(self, steps: Steps, ratio: int) -> Pieces:
        """Return the same for some steps only, one weather step to each."""

        def picked(rows: Array) -> Array:
            index = steps // ratio
            after = np.minimum(index + 1, rows.shape[1] - 1)
            part = steps % ratio / ratio
            return np.ascontiguousarray(rows[:, index] * (1.0 - part) + rows[:, after] * part)

        loops = picked(self.loops[0]), picked(self.loops[1])
        return Pieces(picked(self.weather), loops, self.plant, self.numbers)


def _rows(loop: LoopWeather) -> Array:
    """Return the loop's weather in the order of the kernel."""
    return np.vstack(
        [
            loop.ambient_c,
            loop.padded_c,
            loop.approach_factor,
            1.0 / loop.cop,
            loop.tower_kg_per_kj,
            loop.most_load,
        ]
    )


def _loop_numbers(loop: Loop) -> tuple[float, ...]:
    """Return the loop's numbers in the order of the kernel."""
    heat = WATER_KJ_PER_KG_K * loop.range_k
    tower_heat = WATER_KJ_PER_KG_K * loop.tower_range_k
    # Power of a pump: m g H / efficiency, for m = Q / (c dT); g H in J/kg, c dT in kJ/kg.
    lift = _GRAVITY_M_PER_S2 / loop.pump_efficiency / 1000.0
    return (
        loop.supply_c,
        loop.range_k,
        loop.approach_k,
        loop.exchanger_approach_k,
        _KIND[loop.economiser],
        _KIND[loop.chiller],
        loop.fan_share,
        loop.least_speed,
        lift * loop.pump_head_m / heat,
        lift * loop.tower_pump_head_m / tower_heat,
        1.0 / (AIR_KJ_PER_KG_K * loop.air_rise_k),
    )


def _plant_numbers(plant: CoolingPlant, weather: Weather) -> tuple[float, ...]:
    """Return the plant's numbers in the order of the kernel."""
    pressure = float(weather.pressure_pa.mean())
    density = float(density_kg_per_m3(plant.supply_air_c, _HALL_AIR_HUMIDITY, pressure))
    # Power of a fan: V dp / efficiency, for V = Q / (density c dT).
    carried = density * AIR_KJ_PER_KG_K * 1000.0 * plant.air_rise_k
    fan = plant.fan_pressure_pa / plant.fan_efficiency / carried
    return (
        plant.liquid_share,
        fan,
        plant.least_fan_speed,
        plant.cdu_pump_share,
        plant.other_share,
    )


def read_load(
    it_mw: Array | float,
    loss_mw: Array | float,
    outside_loss_mw: Array | float,
    design_it_mw: Array | float | None,
    design_loss_mw: Array | float | None,
    weather_steps: int,
) -> Load:
    """Return the load as tables, checked.

    Raises
    ------
    InputError
        If shapes don't fit, or a power is negative or above its design.
    """
    it = _table(it_mw, weather_steps)
    loss, outside = _row(loss_mw, it.shape), _row(outside_loss_mw, it.shape)
    design_it = _design(it, design_it_mw)
    _check(it, loss, design_it, weather_steps)
    nothing = np.zeros(it.shape[0])
    return Load(it, loss, outside, nothing, design_it, _design(loss, design_loss_mw))


def _table(it_mw: Array | float, weather_steps: int) -> Array:
    """Return IT power as (steps, halls)."""
    it = np.asarray(it_mw, np.float64)
    if it.ndim == 0:
        it = np.full(weather_steps, float(it))
    return np.ascontiguousarray(it[:, None] if it.ndim == 1 else it)


def _row(values: Array | float, shape: tuple[int, ...]) -> Array:
    """Return losses as (steps, halls), or (1, halls) where they don't change."""
    table = np.asarray(values, np.float64)
    if table.ndim == 1:
        table = table[:, None] if table.size == shape[0] != shape[1] else table[None, :]
    try:
        wide = np.broadcast_to(table, (table.shape[0] if table.ndim == 2 else 1, shape[1]))
        np.broadcast_shapes(wide.shape, shape)
    except ValueError as error:
        message = f"losses of shape {table.shape} do not fit IT power of shape {shape}"
        raise InputError(message) from error
    return np.ascontiguousarray(wide)


def _design(power: Array, stated: Array | float | None) -> Array:
    if stated is None:
        return np.asarray(power.max(axis=0))
    wide = np.broadcast_to(np.asarray(stated, np.float64), power.shape[1:])
    return np.ascontiguousarray(wide)


def _check(it: Array, loss: Array, design_it: Array, weather_steps: int) -> None:
    if it.ndim != 2 or not it.size or it.shape[0] % weather_steps:
        message = (
            f"IT power of shape {it.shape} needs a whole number of steps to each of the "
            f"{weather_steps} steps of the weather"
        )
        raise InputError(message)
    least, most = it.min(axis=0), it.max(axis=0)
    if not (least.min() >= 0.0 and loss.min() >= 0.0 and np.isfinite(most).all()):
        message = "IT power and losses must be finite and not negative"
        raise InputError(message)
    if (most > design_it * (1.0 + 1e-9)).any():
        hall = int(np.argmax(most - design_it))
        message = (
            f"hall {hall} wants {most[hall]:.6g} MW of IT power, more than the "
            f"{design_it[hall]:.6g} MW that its plant is built for"
        )
        raise InputError(message)


def reuse_share(
    plant: CoolingPlant,
    it: Array,
    reuse_mw: Array | float,
    reuse_least_c: float,
) -> Array:
    """Return the share of the liquid loop's heat that a user takes in each step."""
    wanted = np.broadcast_to(np.asarray(reuse_mw, np.float64), it.shape[:1])
    if not wanted.any():
        return np.zeros(it.shape[0])
    loop = plant.liquid_loop
    if loop is None or loop.supply_c + loop.range_k < reuse_least_c:
        back = "no liquid loop" if loop is None else f"{loop.supply_c + loop.range_k:.1f} °C"
        message = f"heat at {reuse_least_c} °C takes a heat pump: {plant.name} returns {back}"
        raise NotModelledError(message)
    heat = plant.liquid_share * it.sum(axis=1)
    share = np.divide(wanted, heat, out=np.zeros_like(heat), where=heat > 0.0)
    return np.asarray(np.clip(share, 0.0, 1.0))
