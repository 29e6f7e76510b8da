"""What a cooling plant is made of: its air side, its water loops and its water treatment."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gigawatt.catalog import Entry

    _Values = Callable[[Entry, frozenset[str]], dict[str, Any]]

__all__ = ["CoolingPlant", "Loop", "cooling_plant", "sample_designs", "sized_for"]

_ECONOMISERS: Final = ("none", "dry", "tower")
_CHILLERS: Final = ("none", "water", "air")
_AIR_SIDES: Final = ("coil", "outside-air")


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop of facility water and what takes its heat away.

    Parameters
    ----------
    economiser : str
        ``dry``: coolers in the open air; ``tower``: open cooling towers; ``none``: chillers only.
    chiller : str
        ``water``: condensers cooled by towers; ``air``: by the open air; ``none``.
    supply_c, supply_max_c : float
        Water sent to the halls, as wanted and at most [°C]. Without chillers it may rise to the
        most before IT power has to fall.
    range_k : float
        Rise of the water in the halls.
    approach_k : float
        At design load and full fans, water from towers above the wet bulb, from dry coolers above
        the dry bulb.
    exchanger_approach_k : float
        What a heat exchanger between tower and loop adds.
    adiabatic_effectiveness : float
        Share of the way to the wet bulb that wetted pads cool the air of dry coolers; 0 without.
    design_ambient_c : float
        Wet bulb (towers) or dry bulb at which approach and chiller capacity hold.
    carnot_share : float
        Efficiency of the chillers over Carnot's between leaving chilled water and leaving
        condenser water or air; below 1.
    least_lift_k : float
        Smallest difference of these temperatures that the chillers work with.
    chilled_water_c : float
        What chillers make. Colder than `supply_c` where a plant mixes.
    chiller_capacity : float
        Capacity of all chillers at the design ambient, over the design heat of the loop.
    condenser_rise_k : float
        Rise of the condensers' water or air.
    pump_head_m, pump_efficiency : float
        Of the loop's pumps at design flow.
    tower_pump_head_m, tower_range_k : float
        Of the towers' pumps, and fall of the water in the towers.
    fan_share : float
        Power of the fans of towers or dry coolers at full speed over the design heat.
    air_rise_k : float
        Rise of the air through dry coolers at design, for the water that pads need.
    liquid_to_gas : float
        Water over air in the towers, kg/kg.
    least_speed : float
        Lowest speed of fans and pumps over full speed.
    """

    economiser: str
    chiller: str
    supply_c: float
    range_k: float
    approach_k: float
    pump_head_m: float
    pump_efficiency: float
    design_ambient_c: float
    fan_share: float
    supply_max_c: float = 99.0
    exchanger_approach_k: float = 0.0
    adiabatic_effectiveness: float = 0.0
    carnot_share: float = 0.5
    least_lift_k: float = 10.0
    chilled_water_c: float = 99.0
    chiller_capacity: float = 1.0
    condenser_rise_k: float = 5.0
    tower_pump_head_m: float = 0.0
    tower_range_k: float = 5.0
    air_rise_k: float = 10.0
    liquid_to_gas: float = 1.0
    least_speed: float = 0.2

    def __post_init__(self) -> None:
        """Refuse loops that no law of nature allows."""
        _one_of("economiser", self.economiser, _ECONOMISERS)
        _one_of("chiller", self.chiller, _CHILLERS)
        if self.economiser == self.chiller == "none":
            message = "a loop needs an economiser, chillers or both"
            raise InputError(message)
        if (self.economiser, self.chiller) in {("dry", "water"), ("tower", "air")}:
            # One approach and one design ambient cannot stand for two kinds of equipment.
            message = "dry coolers go with air-cooled chillers, towers with water-cooled ones"
            raise InputError(message)
        if not 0.0 < self.carnot_share < 1.0:
            message = (
                f"chillers reach a share of Carnot's efficiency in (0, 1); got {self.carnot_share}"
            )
            raise InputError(message)
        if self.supply_c > self.supply_max_c:
            message = f"supply_c {self.supply_c} lies above supply_max_c {self.supply_max_c}"
            raise InputError(message)
        _positive(self, "range_k", "approach_k", "tower_range_k", "air_rise_k", "liquid_to_gas")
        _positive(self, "pump_efficiency", "condenser_rise_k", "least_lift_k")

    @property
    def has_tower(self) -> bool:
        """Whether water evaporates in open towers."""
        return self.economiser == "tower" or self.chiller == "water"


@dataclass(frozen=True, slots=True)
class CoolingPlant:
    """A cooling plant: how the halls give up their heat and where it goes.

    Parameters
    ----------
    name : str
        What it is.
    air_side : str
        ``coil``: hall air circulates through coils of the air loop; ``outside-air``: outside air
        passes through the halls, and the air loop helps when it is too warm or too humid.
    air_loop : Loop
        Water loop of the coils.
    liquid_loop : Loop or None
        Water loop of the liquid-cooled chips.
    liquid_share : float
        Share of IT power that liquid takes at the chips.
    supply_air_c : float
        Air at the servers: the setpoint of coils, and the warmest that outside air may be.
    supply_air_min_c : float
        Outside air below this is mixed with return air.
    air_rise_k : float
        Rise of the air in the servers.
    fan_pressure_pa, fan_efficiency : float
        Of the hall fans at design flow.
    least_fan_speed : float
        Lowest speed of the hall fans.
    dew_point_max_c, dew_point_min_c, humidity_max : float
        Limits on outside air at the servers; relative humidity 0 to 1.
    mixed_wet_bulb_c : float
        Outside air above `humidity_max`, but with a wet bulb up to this, is warmed with return air
        until it is drier. Above this it is refused.
    adiabatic_effectiveness : float
        Share of the way to the wet bulb that misting or pads cool outside air; 0 without.
    sensible_share : float
        Sensible heat over all heat at the coils; the rest condenses there and is humidified again.
    cdu_pump_share : float
        Power of the pumps between chips and liquid loop over the heat they carry at design.
    other_share : float
        Lighting and the like over the design IT power.
    cycles : float
        Cycles of concentration of the water that is bled.
    drift_share : float
        Droplets lost over the water that circulates in towers.
    latent_share : float or None
        Share of the towers' heat that leaves as vapour; None: from the state of the air.
    loss_ratio : float
        Electrical losses over IT power behind the published figures of this plant; not used here.
    """

    name: str
    air_side: str
    air_loop: Loop
    supply_air_c: float
    air_rise_k: float
    fan_pressure_pa: float
    fan_efficiency: float
    supply_air_min_c: float = -60.0
    liquid_loop: Loop | None = None
    liquid_share: float = 0.0
    least_fan_speed: float = 0.2
    dew_point_max_c: float = 60.0
    dew_point_min_c: float = -60.0
    humidity_max: float = 1.0
    mixed_wet_bulb_c: float = 60.0
    adiabatic_effectiveness: float = 0.0
    sensible_share: float = 1.0
    cdu_pump_share: float = 0.0
    other_share: float = 0.0
    cycles: float = 5.0
    drift_share: float = 0.0
    latent_share: float | None = None
    loss_ratio: float = 0.0

    def __post_init__(self) -> None:
        """Refuse plants that can't be."""
        _one_of("air_side", self.air_side, _AIR_SIDES)
        _positive(self, "air_rise_k", "fan_efficiency", "sensible_share")
        if not 0.0 <= self.liquid_share <= 1.0 or (self.liquid_share > 0.0) != bool(
            self.liquid_loop
        ):
            message = f"{self.name}: a liquid share in (0, 1] and a liquid loop go together"
            raise InputError(message)
        if self.cycles <= 1.0:
            message = f"{self.name}: cycles of concentration must exceed 1; got {self.cycles}"
            raise InputError(message)
        if self.supply_air_min_c > self.supply_air_c:
            message = f"{self.name}: supply_air_min_c lies above supply_air_c"
            raise InputError(message)

    @property
    def loops(self) -> tuple[Loop, ...]:
        """The loops there are: air, and liquid if any."""
        return (self.air_loop,) if self.liquid_loop is None else (self.air_loop, self.liquid_loop)


def cooling_plant(name: str) -> CoolingPlant:
    """Return a cooling plant of the catalogue.

    Raises
    ------
    UnknownNameError
        If the catalogue has none of that name.

    Examples
    --------
    >>> cooling_plant("waterside-economiser").air_loop.economiser
    'tower'
    """
    return _plant(catalog.load().get("cooling_plant", name), _values)


def sample_designs(name: str, count: int, *, seed: int = 0) -> list[CoolingPlant]:
    """Return designs of a plant of the catalogue, drawn evenly from the published ranges.

    Each figure with a range is drawn on its own, as in the publication behind most of them [1]_.

    Parameters
    ----------
    name : str
        A cooling plant of the catalogue.
    count : int
        How many.
    seed : int
        Starts the draws.

    References
    ----------
    .. [1] N. Lei and E. Masanet, Resources, Conservation and Recycling 182, 106323 (2022).
    """
    rng = np.random.default_rng(seed)

    def drawn(entry: Entry, known: frozenset[str]) -> dict[str, Any]:
        values = _values(entry, known)
        for field, value in values.items():
            if isinstance(value, float):
                low, high = entry[field].span
                values[field] = float(rng.uniform(low, high))
        return values

    entry = catalog.load().get("cooling_plant", name)
    return [_plant(entry, drawn) for _ in range(count)]


def sized_for(plant: CoolingPlant, *, wet_bulb_c: float, dry_bulb_c: float) -> CoolingPlant:
    """Return the plant with towers and chillers sized for the given extremes of a site.

    Towers keep their approach and chillers their capacity up to these; presets are sized for the
    standard rating conditions.
    """

    def sized(loop: Loop) -> Loop:
        return replace(loop, design_ambient_c=wet_bulb_c if loop.has_tower else dry_bulb_c)

    liquid = None if plant.liquid_loop is None else sized(plant.liquid_loop)
    return replace(plant, air_loop=sized(plant.air_loop), liquid_loop=liquid)


_PLANT_FIELDS: Final = frozenset(f.name for f in fields(CoolingPlant)) - {"air_loop", "liquid_loop"}
_LOOP_FIELDS: Final = frozenset(f.name for f in fields(Loop))


def _values(entry: Entry, known: frozenset[str]) -> dict[str, Any]:
    """Return the facts of an entry that are fields of the class, by name."""
    return {name: fact.value for name, fact in entry.facts.items() if name in known}


def _plant(entry: Entry, values_of: _Values) -> CoolingPlant:
    """Build a plant from its entry and those of its loops."""
    loops: dict[str, Loop] = {}
    own = values_of(entry, _PLANT_FIELDS)
    for one in catalog.load().where("cooling_loop", plant=entry.id):
        values = values_of(one, _LOOP_FIELDS | {"coil_effectiveness"})
        effectiveness = values.pop("coil_effectiveness", None)
        if effectiveness is not None:
            # A coil of effectiveness e cools the air by e (return air - supply water).
            return_c = own["supply_air_c"] + own["air_rise_k"]
            values["supply_c"] = return_c - own["air_rise_k"] / effectiveness
        values.setdefault("chilled_water_c", values["supply_c"])
        loops[one.text("circuit")] = Loop(**values)
    return CoolingPlant(**own, air_loop=loops["air"], liquid_loop=loops.get("liquid"))


def _one_of(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        message = f"{field} must be one of {', '.join(known)}; got '{value}'"
        raise InputError(message)


def _positive(thing: object, *names: str) -> None:
    for name in names:
        if not getattr(thing, name) > 0.0:
            message = f"{name} must be above 0; got {getattr(thing, name)}"
            raise InputError(message)
