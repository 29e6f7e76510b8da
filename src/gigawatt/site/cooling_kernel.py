"""The loop over steps and halls of a cooling plant, compiled.

Whatever depends on the weather alone comes in as arrays; here each hall's load meets it. Powers are
in MW, water in m³/h, temperatures in Celsius.
"""

# mypy: disable-error-code="no-any-return,untyped-decorator"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Numbers = tuple[float, ...]

__all__ = ["HALL_ROWS", "LOOP_NUMBERS", "LOOP_ROWS", "PLANT_NUMBERS", "ROWS", "run"]

LOOP_ROWS: Final = ("ambient", "padded", "factor", "inverse_cop", "tower_kg", "most_load")
"""Rows of a loop's weather."""

LOOP_NUMBERS: Final = (
    "supply", "range", "approach", "exchanger", "economiser", "chiller", "fan", "least_speed",
    "pump", "tower_pump", "pad_air",
)  # fmt: skip
"""Numbers of a loop; powers are over its design heat, `pad_air` is kg of air for each kJ."""

PLANT_NUMBERS: Final = ("liquid_share", "fan", "least_fan_speed", "cdu_pump", "other")
"""Numbers of a plant; `fan` is over the halls' air-borne design heat."""

ROWS: Final = (
    "it", "loss", "outside_loss", "hall_fan", "pump", "compressor", "rejection_fan", "other",
    "tower_water", "air_water", "pad_water", "tower_heat", "chiller_heat", "reuse", "heat_out",
    "curtailed", "margin",
)  # fmt: skip
"""Rows that `run` fills: sums over the halls, but for the margin, which is the smallest."""

HALL_ROWS: Final = ("it", "loss", "cooling", "curtailed")
"""Sums over the steps that `run` fills for each hall."""

_KG_PER_S_TO_M3_PER_H = 3.6
_MW_TO_KJ_PER_S = 1000.0
# Air that water evaporates into: kJ/kg/K, and heat of vaporisation at 0 C and per degree.
_AIR_CAPACITY, _VAPOUR, _VAPOUR_SLOPE = 1.02, 2501.0, -2.326
_ROUNDING = -1e-9  # a plant at its design load carries it


_FAST = {"contract", "reassoc", "arcp", "nsz", "nnan"}
_jit: Any = numba.njit(nogil=True, error_model="numpy", fastmath=_FAST)
_inline: Any = numba.njit(nogil=True, error_model="numpy", fastmath=_FAST, forceinline=True)


def _kernel(function: Callable[..., Any]) -> Any:  # noqa: ANN401  Numba's own type
    """Return `function` compiled at its first call and kept on disk where a folder allows it."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": _FAST}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder can be written to; it is then compiled in each process
        return numba.njit(**options)(function)


@_inline
def _speed(load: float, least: float) -> float:
    return min(max(load, least), 1.0) if load > 0.0 else 0.0


@_inline
def _loop(
    heat: float, design: float, per_design: float, now: Numbers, loop: Numbers
) -> tuple[float, ...]:
    """Return what a loop takes to carry `heat`.

    Powers of pumps, fans and compressors; heat of the chillers and of the towers; water in towers
    and on pads; heat that leaves the site.
    """
    supply, rise, approach, exchanger = loop[0], loop[1], loop[2], loop[3]
    economiser, chiller, least = loop[4], loop[5], loop[7]
    load = heat * per_design
    speed = _speed(load, least)
    pump = loop[8] * design * speed**3
    heat += pump
    full = approach * now[2] + exchanger  # the approach at design load
    reach = full * load
    # Pads cool the air just as far as the wanted water needs.
    ambient = min(now[0], max(supply - reach, now[1]))
    gap = supply + rise - ambient
    share = min(max(gap / (rise + reach), 0.0), 1.0) if economiser > 0.0 else 0.0
    # Full fans while the economiser falls short; else as little air as carries the heat.
    least_flow = min(max(load * (rise + full) / gap, least), 1.0)
    short = 1.0 if share > 0.0 or chiller == 0.0 else speed
    if economiser == 1.0 and share == 0.0 and chiller > 0.0:
        short = 0.0  # dry coolers stand still; the chillers have condensers of their own
    flow = least_flow if share == 1.0 else short
    if economiser == 0.0:
        flow = speed if chiller == 1.0 else 0.0  # air-cooled: the fans count in the efficiency
    flow = flow if load > 0.0 else 0.0
    fan = loop[6] * design * flow**3
    mechanical = heat * (1.0 - share) if chiller > 0.0 else 0.0
    compressor = mechanical * now[3]
    has_tower = economiser == 2.0 or chiller == 1.0
    tower_pump = loop[9] * design * speed**3 if has_tower else 0.0
    given = heat if economiser == 2.0 else mechanical
    tower_heat = given + compressor + tower_pump if has_tower else 0.0
    water = tower_heat * now[4] * _MW_TO_KJ_PER_S * _KG_PER_S_TO_M3_PER_H
    added = _AIR_CAPACITY * (now[0] - ambient) / (_VAPOUR + _VAPOUR_SLOPE * ambient)
    pads = flow * design * loop[10] * added * _MW_TO_KJ_PER_S * _KG_PER_S_TO_M3_PER_H
    out = heat + compressor + tower_pump + fan
    return pump + tower_pump, fan, compressor, mechanical, tower_heat, water, pads, out


@_inline
def _air_heat(
    share: float, it: float, loss: float, other: float, design: float, per: float, plant: Numbers
) -> tuple[float, float]:
    """Return the fan power and the air-borne heat of a hall at a share of its IT power."""
    heat = (1.0 - plant[0]) * it * share + loss * share + other
    speed = _speed(heat * per, plant[2])
    fan = plant[1] * design * speed**3
    return fan, heat + fan


@_jit
def _allowed(
    it: float, loss: float, other: float, design: float, per: float, plant: Numbers,
    most_air: float, most_liquid: float,
) -> float:  # fmt: skip
    """Return the share of IT power, with its losses, whose heat the loops can carry."""
    share = 1.0
    if plant[0] * it > most_liquid:
        share = most_liquid / (plant[0] * it)
    _, heat = _air_heat(share, it, loss, other, design, per, plant)
    if heat <= most_air:
        return share
    low, high = 0.0, share
    for _ in range(40):
        middle = 0.5 * (low + high)
        _, heat = _air_heat(middle, it, loss, other, design, per, plant)
        if heat > most_air:
            high = middle
        else:
            low = middle
    return low


@_inline
def _between(rows: Array, k: int, index: int, after: int, part: float) -> float:
    return rows[k, index] + part * (rows[k, after] - rows[k, index])


@_inline
def _now(rows: Array, index: int, after: int, part: float) -> Numbers:
    return (
        _between(rows, 0, index, after, part),
        _between(rows, 1, index, after, part),
        _between(rows, 2, index, after, part),
        _between(rows, 3, index, after, part),
        _between(rows, 4, index, after, part),
        _between(rows, 5, index, after, part),
    )


@_inline
def _most_loads(
    it: Array, loss: Array, other: Array, design: Array, per: Array, per_it: Array, plant: Numbers
) -> tuple[float, float]:
    """Return the largest loads of the air loops and liquid loops over their designs."""
    air = liquid = 0.0
    for h in range(it.size):
        _, heat = _air_heat(1.0, it[h], loss[h], other[h], design[h], per[h], plant)
        air = max(air, heat * per[h])
        liquid = max(liquid, it[h] * per_it[h])
    return air / (1.0 + plant[1]), liquid


@_jit
def _cut(  # noqa: PLR0913, PLR0917  compiled code takes arrays, not objects
    it: Array, loss: Array, other: Array, design: Array, per: Array, plant: Numbers,
    design_it: Array, most_air: float, most_liquid: float, shares: Array,
) -> None:  # fmt: skip
    """Fill in the share of its IT power that each hall may draw."""
    for h in range(it.size):
        shares[h] = _allowed(
            it[h], loss[h], other[h], design[h], per[h], plant,
            most_air * design[h] * (1.0 + plant[1]), most_liquid * plant[0] * design_it[h],
        )  # fmt: skip


@_jit
def _inverse(values: Array) -> Array:
    out = np.zeros(values.size)
    for h in range(values.size):
        if values[h] > 0.0:
            out[h] = 1.0 / values[h]
    return out


@_kernel
def run(  # noqa: PLR0913, PLR0915, PLR0917  compiled code takes arrays; sums stay in registers
    it: Array,
    loss: Array,
    outside_loss: Array,
    reuse_share: Array,
    weather: Array,
    air_loop_weather: Array,
    liquid_loop_weather: Array,
    plant: Numbers,
    air_loop: Numbers,
    liquid_loop: Numbers,
    design_it: Array,
    design_loss: Array,
    out: Array,
    halls_out: Array,
    tables: Array,
) -> None:
    """Fill `out` (rows, steps), `halls_out` (rows, halls) and `tables`.

    Parameters
    ----------
    it, loss, outside_loss : ndarray (steps, halls)
        Wanted IT power, losses that heat the halls and other losses; with one row if constant.
    reuse_share : ndarray (steps,)
        Share of the liquid loop's heat that is given away.
    weather : ndarray (2, weather steps)
        Share of the air-borne heat for the air loop, and kg of water for each kJ of that heat.
    air_loop_weather, liquid_loop_weather : ndarray (len(LOOP_ROWS), weather steps)
        What the loops can do. Between two weather steps straight lines hold.
    plant, air_loop, liquid_loop : tuple of float
        Numbers as listed above.
    design_it, design_loss : ndarray (halls,)
        What each hall is built for.
    tables : ndarray (2, steps, halls) or (2, 0, 0)
        Where the IT and cooling power of every hall in every step go, if wanted.
    """
    steps, halls = out.shape[1], design_it.size
    ratio = steps // weather.shape[1]
    last = weather.shape[1] - 1
    lossy, outside = loss.shape[0] > 1, outside_loss.shape[0] > 1
    other = plant[4] * design_it
    design = (1.0 - plant[0]) * design_it + design_loss + other
    per = _inverse(design)
    with_fans, with_cdu = 1.0 + plant[1], plant[0] * (1.0 + plant[3])
    per_air = per / with_fans
    per_it = _inverse(design_it)
    per_cdu = 1.0 / with_cdu if with_cdu > 0.0 else 0.0
    shares, power = np.ones(halls), np.ones(halls)
    detailed = tables.shape[1] > 0
    for t in range(steps):
        index = t // ratio
        part = (t - index * ratio) / ratio
        after = min(index + 1, last)
        to_loop = _between(weather, 0, index, after, part)
        moisture = _between(weather, 1, index, after, part)
        now_air = _now(air_loop_weather, index, after, part)
        now_liquid = _now(liquid_loop_weather, index, after, part)
        wanted, lost = it[t], loss[t if lossy else 0]
        lost_outside = outside_loss[t if outside else 0]
        reuse = reuse_share[t]
        load_air, load_liquid = _most_loads(wanted, lost, other, design, per, per_it, plant)
        most_air = now_air[5] / to_loop if to_loop > 0.0 else np.inf
        most_liquid = now_liquid[5] if plant[0] > 0.0 else np.inf
        margin = most_air / load_air - 1.0 if load_air > 0.0 else np.inf
        if load_liquid > 0.0:
            margin = min(margin, most_liquid / load_liquid - 1.0)
        out[16, t] = margin
        shares[:] = 1.0
        if margin < _ROUNDING:
            _cut(wanted, lost, other, design, per, plant, design_it, most_air, most_liquid, shares)
        # Sums over the halls stay in registers, and the loop without branches is vectorised.
        it_sum = loss_sum = outside_sum = fan_sum = pump_sum = compressor_sum = reject_sum = 0.0
        other_sum = water_sum = air_sum = pad_sum = tower_sum = chilled_sum = 0.0
        reuse_sum = gone_sum = wanted_sum = 0.0
        for h in range(halls):
            share = shares[h]
            served = share * wanted[h]
            fan, heat = _air_heat(share, wanted[h], lost[h], other[h], design[h], per[h], plant)
            pump, reject, compressor, chilled, tower, water, pads, gone = _loop(
                heat * to_loop, design[h] * with_fans, per_air[h], now_air, air_loop
            )
            gone += heat * (1.0 - to_loop)
            if plant[0] > 0.0:
                liquid = plant[0] * served
                speed = _speed(served * per_it[h], liquid_loop[7])
                cdu = plant[3] * plant[0] * design_it[h] * speed**3
                reused = reuse * liquid
                more = _loop(
                    liquid + cdu - reused, design_it[h] * with_cdu, per_it[h] * per_cdu,
                    now_liquid, liquid_loop,
                )  # fmt: skip
                pump += cdu + more[0]
                reject += more[1]
                compressor += more[2]
                chilled += more[3]
                tower += more[4]
                water += more[5]
                pads += more[6]
                gone += more[7]
                reuse_sum += reused
            it_sum += served
            loss_sum += share * lost[h]
            outside_sum += share * lost_outside[h]
            fan_sum += fan
            pump_sum += pump
            compressor_sum += compressor
            reject_sum += reject
            other_sum += other[h]
            water_sum += water
            air_sum += heat
            pad_sum += pads
            tower_sum += tower
            chilled_sum += chilled
            gone_sum += gone
            wanted_sum += wanted[h]
            halls_out[0, h] += served
            halls_out[1, h] += share * lost[h]
            power[h] = fan + pump + compressor + reject
            halls_out[2, h] += power[h]
            halls_out[3, h] += wanted[h] - served
        out[0, t] = it_sum
        out[1, t] = loss_sum
        out[2, t] = outside_sum
        out[3, t] = fan_sum
        out[4, t] = pump_sum
        out[5, t] = compressor_sum
        out[6, t] = reject_sum
        out[7, t] = other_sum
        out[8, t] = water_sum
        out[9, t] = air_sum * moisture * _MW_TO_KJ_PER_S * _KG_PER_S_TO_M3_PER_H
        out[10, t] = pad_sum
        out[11, t] = tower_sum
        out[12, t] = chilled_sum
        out[13, t] = reuse_sum
        out[14, t] = gone_sum
        out[15, t] = wanted_sum - it_sum
        if detailed:
            for h in range(halls):
                tables[0, t, h] = shares[h] * wanted[h]
                tables[1, t, h] = power[h]
