"""What the weather lets a cooling plant do, step by step, whatever the load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.site import psychrometrics as air

if TYPE_CHECKING:
    from gigawatt.site.cooling_plant import CoolingPlant, Loop
    from gigawatt.site.weather import Weather

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = [
    "AIR_KJ_PER_KG_K",
    "WATER_KJ_PER_KG_K",
    "AirSide",
    "LoopWeather",
    "air_side",
    "chiller_cop",
    "loop_weather",
    "tower_approach_factor",
    "tower_water_kg_per_kj",
]

WATER_KJ_PER_KG_K: Final = 4.186
AIR_KJ_PER_KG_K: Final = 1.02  # moist air of about 8 g/kg: 1.006 + 1.86 W
_ZERO_CELSIUS_K: Final = 273.15
_FREEZING_C: Final = 0.0
_COLDEST_CONDENSER_C: Final = 13.0
_VAPORISATION_KJ_PER_KG: Final = (2501.0, 2.381)  # at 0 C, and less for each degree


@dataclass(frozen=True)
class LoopWeather:
    """What a loop can do in each step.

    Parameters
    ----------
    ambient_c : ndarray (steps,)
        What the economiser works against: dry bulb or wet bulb.
    padded_c : ndarray (steps,)
        The coolest air behind wetted pads; `ambient_c` without pads.
    approach_factor : ndarray (steps,)
        Approach over that at the design ambient.
    cop : ndarray (steps,)
        Coefficient of performance of the chillers; infinite without.
    chiller_capacity : ndarray (steps,)
        Capacity of the chillers over the design heat; 0 without.
    tower_kg_per_kj : ndarray (steps,)
        Water that evaporates for each kJ given to towers.
    most_load : ndarray (steps,)
        Largest heat over the design heat that keeps the water at its limit.
    """

    ambient_c: Hours
    padded_c: Hours
    approach_factor: Hours
    cop: Hours
    chiller_capacity: Hours
    tower_kg_per_kj: Hours
    most_load: Hours


@dataclass(frozen=True)
class AirSide:
    """What outside air can do in each step.

    Parameters
    ----------
    loop_share : ndarray (steps,)
        Share of the halls' air-borne heat that the air loop has to take.
    water_kg_per_kj : ndarray (steps,)
        Water evaporated into the air for each kJ of the halls' air-borne heat.
    """

    loop_share: Hours
    water_kg_per_kj: Hours


def chiller_cop(loop: Loop, dry_bulb_c: Hours, wet_bulb_c: Hours, approach_k: Hours) -> Hours:
    r"""Return heat removed over electric power of the chillers.

    .. math:: \mathrm{COP} = \varepsilon \frac{T_e}{T_c - T_e}, \qquad
              T_c - T_e \ge \Delta T_\mathrm{least}

    T_e is the chilled water made and T_c the condensers' water or air as it leaves, in kelvin: the
    wet bulb plus the approach of the towers, or the dry bulb, plus the rise in the condensers.
    Condensers are kept from getting colder than 13 °C at their inlet.

    Parameters
    ----------
    loop : Loop
        With chillers.
    dry_bulb_c, wet_bulb_c : ndarray (steps,)
        Outside air [°C].
    approach_k : ndarray (steps,)
        Approach of the towers [K]; not used by air-cooled chillers.

    Returns
    -------
    ndarray (steps,)
        Below Carnot's between the same temperatures.

    References
    ----------
    Share of Carnot, least lift and the coldest condenser are facts of the catalogue and of the
    Modelica Buildings Library (Buildings.Templates.Data.Defaults, Buildings.Fluid.Chillers.Data).
    """
    inlet = wet_bulb_c + approach_k if loop.chiller == "water" else dry_bulb_c
    inlet = np.maximum(inlet, _COLDEST_CONDENSER_C)
    lift = inlet + loop.condenser_rise_k - loop.chilled_water_c
    kelvin = loop.chilled_water_c + _ZERO_CELSIUS_K
    return np.asarray(loop.carnot_share * kelvin / np.maximum(lift, loop.least_lift_k))


def tower_approach_factor(loop: Loop, wet_bulb_c: Hours, pressure_pa: Hours) -> Hours:
    r"""Return the approach of a tower over that at its design wet bulb, at the same heat.

    .. math:: \frac{a(T_w)}{a_d} =
              \frac{h_s(T_d + a_d + r) - h_s(T_d)}{h_s(T_w + a_d + r) - h_s(T_w)}

    Heat leaves by the difference in enthalpy between air saturated at the water's temperature and
    the air that comes in (Merkel). Cold air holds little vapour, so the same heat needs a wider
    approach.

    Parameters
    ----------
    loop : Loop
        With towers.
    wet_bulb_c, pressure_pa : ndarray (steps,)
        Outside air.

    References
    ----------
    F. Merkel, "Verdunstungskühlung", VDI-Zeitschrift 70 (1926); ASHRAE Handbook - HVAC Systems and
    Equipment (2016), chapter 40.
    """
    reach = loop.approach_k + loop.tower_range_k

    def potential(wet_bulb: Hours) -> Hours:
        return _saturated_kj_per_kg(wet_bulb + reach, pressure_pa) - _saturated_kj_per_kg(
            wet_bulb, pressure_pa
        )

    design = potential(np.full(1, loop.design_ambient_c))
    return np.asarray(design / potential(wet_bulb_c))


def tower_water_kg_per_kj(
    loop: Loop, weather: Weather, latent_share: float | None, flow: Hours | float = 1.0
) -> Hours:
    """Return the water that evaporates in a tower for each kJ of heat.

    With a latent share, that share of the heat over the heat of vaporisation. Without, the heat and
    the vapour that the air takes up until it leaves saturated (mass and energy balance): in winter
    cold air is warmed and much of the heat leaves without vapour.

    Parameters
    ----------
    loop : Loop
        With towers.
    weather : Weather
        Outside air.
    latent_share : float or None
        Share of the heat that leaves as vapour.
    flow : ndarray (steps,) or float
        Air over that at full fans; less air for the same heat leaves warmer and wetter.
    """
    if latent_share is not None:
        water_c = weather.wet_bulb_c + loop.approach_k + loop.tower_range_k / 2.0
        at_zero, per_k = _VAPORISATION_KJ_PER_KG
        return np.asarray(latent_share / (at_zero - per_k * water_c))
    taken = loop.liquid_to_gas * WATER_KJ_PER_KG_K * loop.tower_range_k / flow
    inlet = air.enthalpy_kj_per_kg(weather.dry_bulb_c, weather.humidity_ratio)
    outlet_c = air.saturated_temperature_c(inlet + taken, weather.pressure_pa)
    vapour = air.humidity_ratio(outlet_c, 1.0, weather.pressure_pa) - weather.humidity_ratio
    return np.maximum(vapour / taken, 0.0)


def loop_weather(loop: Loop, weather: Weather, latent_share: float | None) -> LoopWeather:
    """Return what a loop can do in each step of the weather.

    Parameters
    ----------
    loop : Loop
        Its parts.
    weather : Weather
        Outside air.
    latent_share : float or None
        As of `CoolingPlant`.
    """
    dry, wet = weather.dry_bulb_c, weather.wet_bulb_c
    ambient = wet if loop.economiser == "tower" else dry
    padded = dry - loop.adiabatic_effectiveness * (dry - wet)
    pads = loop.economiser == "dry" and loop.adiabatic_effectiveness > 0.0
    padded = np.where(dry > _FREEZING_C, padded, dry) if pads else ambient
    factor = np.ones_like(dry)
    if loop.has_tower:
        factor = tower_approach_factor(loop, wet, weather.pressure_pa)
    approach = loop.approach_k * factor
    cop = np.full_like(dry, np.inf)
    capacity = np.zeros_like(dry)
    if loop.chiller != "none":
        cop = chiller_cop(loop, dry, wet, approach)
        design = np.full(1, loop.design_ambient_c)
        rated = chiller_cop(loop, design, design, np.full(1, loop.approach_k))
        # The motors take no more power than at the design ambient, the evaporators no more heat.
        capacity = loop.chiller_capacity * np.minimum(cop / rated, 1.0)
    tower = np.zeros_like(dry)
    if loop.has_tower:
        flow = (loop.range_k + approach) / np.maximum(loop.supply_c + loop.range_k - wet, 1e-6)
        least = loop.least_speed if loop.economiser == "tower" else 1.0
        flow = np.clip(flow, least, 1.0)
        tower = tower_water_kg_per_kj(loop, weather, latent_share, flow)
    reach = approach + loop.exchanger_approach_k
    most = _most_load(loop, padded, reach, capacity)
    return LoopWeather(ambient, padded, factor, cop, capacity, tower, most)


def _most_load(loop: Loop, ambient_c: Hours, approach_k: Hours, capacity: Hours) -> Hours:
    """Return the largest load, at most 1, that the loop carries without water above its limit.

    Without chillers the water may warm to `supply_max_c`, where the approach is approach x load.
    With them the economiser takes the share g / (range + approach x load), with g the return water
    less the ambient, and the chillers the rest; at their capacity c this is the positive root of

        approach x^2 + (range - g - c approach) x - c range = 0.
    """
    if loop.chiller == "none":
        return np.clip((loop.supply_max_c - ambient_c) / approach_k, 0.0, 1.0)
    if loop.economiser == "none":
        return np.minimum(capacity, 1.0)
    gap = np.maximum(loop.supply_c + loop.range_k - ambient_c, 0.0)
    linear = loop.range_k - gap - capacity * approach_k
    root = np.sqrt(linear**2 + 4.0 * approach_k * capacity * loop.range_k)
    return np.clip((root - linear) / (2.0 * approach_k), 0.0, 1.0)


def air_side(plant: CoolingPlant, weather: Weather) -> AirSide:
    r"""Return what outside air does for the halls in each step.

    =======================  =================================================================
    outside air              what happens
    =======================  =================================================================
    more humid than allowed  dampers shut; the air loop takes all heat
    colder than the least    mixed with return air: a share of outside air goes in
    drier than allowed       water evaporates into it up to the least dew point
    warmer than the most     water evaporates, along the wet-bulb line, down to the most or as
                             far as pads and humidity allow; coils take the rest
    =======================  =================================================================

    Parameters
    ----------
    plant : CoolingPlant
        Of either air side; coils take all heat and only replace what condenses on them.
    weather : Weather
        Outside air.
    """
    if plant.air_side == "coil":
        at_zero, per_k = _VAPORISATION_KJ_PER_KG
        latent = (1.0 / plant.sensible_share - 1.0) / (at_zero - per_k * plant.supply_air_c)
        return AirSide(np.ones_like(weather.dry_bulb_c), np.full_like(weather.dry_bulb_c, latent))
    dry, humid, pressure = weather.dry_bulb_c, weather.humidity_ratio, weather.pressure_pa
    warmest, rise = plant.supply_air_c, plant.air_rise_k
    # Cool air above the limit of relative humidity falls below it when return air warms it, which
    # is mixed in anyway where the air is colder than the least.
    mixed = weather.wet_bulb_c <= plant.mixed_wet_bulb_c
    mixed |= dry < plant.supply_air_min_c
    at = np.where(mixed, warmest, np.minimum(dry, warmest))
    most = np.minimum(
        air.humidity_ratio(at, plant.humidity_max, pressure),
        air.humidity_ratio_at_dew_point(plant.dew_point_max_c, pressure),
    )
    least = air.humidity_ratio_at_dew_point(plant.dew_point_min_c, pressure)
    moist = humid > most

    wettest_c = air.wet_bulb_line_c(most, weather.wet_bulb_c, pressure)
    reach_c = dry - plant.adiabatic_effectiveness * (dry - weather.wet_bulb_c)
    cooled_c = np.minimum(np.maximum(np.maximum(reach_c, wettest_c), warmest), dry)
    after = air.humidity_ratio_at_wet_bulb(cooled_c, weather.wet_bulb_c, pressure)
    hot = dry > warmest
    share = np.where(hot, np.minimum((cooled_c - warmest) / rise, 1.0), 0.0)
    share = np.where(moist, 1.0, share)

    supply = np.clip(dry, plant.supply_air_min_c, warmest)
    outside = np.where(share < 1.0, rise / np.maximum(supply + rise - dry, rise), 0.0)
    added = np.where(hot, after - humid, np.maximum(least - humid, 0.0))
    water = outside * np.maximum(added, 0.0) / (AIR_KJ_PER_KG_K * rise)
    return AirSide(share, water)


def _saturated_kj_per_kg(temperature_c: Hours, pressure_pa: Hours) -> Hours:
    """Return the enthalpy of saturated air."""
    return air.enthalpy_kj_per_kg(
        temperature_c, air.humidity_ratio(temperature_c, 1.0, pressure_pa)
    )
