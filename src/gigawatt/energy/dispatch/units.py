"""Units of a plant that are switched on and off, as part of a program over hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.energy.dispatch.builder import Builder
    from gigawatt.energy.system import Hours, Series, Source, System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["add_units", "by_heat", "heat_curve", "heat_of", "relative_heat", "unit_rows"]


def relative_heat(part_load: tuple[tuple[float, float], ...], load: Array) -> Array:
    """Return the heat that a running unit takes at a load, both over those at full load.

    Straight lines join the points of the heat burnt, not of the heat rate, and the first goes on
    below the lowest point: the Willans line of an engine or turbine, with its heat at no load.

    Examples
    --------
    >>> relative_heat(((0.5, 1.25), (1.0, 1.0)), np.array([0.25, 0.5])).tolist()
    [0.4375, 0.625]
    """
    loads, relative = np.array(part_load or ((1.0, 1.0),), dtype=float).T
    heat = loads * relative
    if len(loads) > 1:
        at_none = heat[0] - loads[0] * (heat[1] - heat[0]) / (loads[1] - loads[0])
        loads, heat = np.append(0.0, loads), np.append(max(at_none, 0.0), heat)
    else:
        loads, heat = np.append(0.0, loads), np.append(0.0, heat)
    found: Array = np.interp(load, loads, heat)
    return found


def heat_curve(source: Source) -> tuple[Array, Array]:
    """Return loads of a running unit and the heat it takes at them, both over those at full load.

    The heat is the lower convex hull of `part_load`, from `least_load` to 1: where the curve bends
    down, several units take no more than its hull if some give much and some little.

    Examples
    --------
    >>> from gigawatt.energy.system import Source
    >>> gas = Source(name="gas", marginal_usd_per_mwh=30.0, least_load=0.5,
    ...              part_load=((0.5, 1.2), (1.0, 1.0)))
    >>> [a.tolist() for a in heat_curve(gas)]
    [[0.5, 1.0], [0.6, 1.0]]
    """
    least = source.least_load
    above = [load for load, _ in source.part_load or ((1.0, 1.0),) if load > least]
    x = np.array([least, *above] if least < 1.0 else [1.0])
    y = relative_heat(source.part_load, x)
    kept: list[int] = []
    for i in range(len(x)):
        while len(kept) > 1 and _above(x, y, kept[-2], kept[-1], i):
            kept.pop()
        kept.append(i)
    return x[kept], y[kept]


def _above(x: Array, y: Array, a: int, b: int, c: int) -> bool:
    """Return whether point b lies on or above the line from a to c."""
    return bool((y[b] - y[a]) * (x[c] - x[a]) >= (y[c] - y[a]) * (x[b] - x[a]))


def unit_rows(source: Source) -> tuple[str, ...]:
    """Return the rows of an hour that the units of a source need."""
    parts = len(heat_curve(source)[0]) - 1
    name = source.name
    return (f"units {name}", f"output {name}", *(f"part {name} {i}" for i in range(parts)))


def add_units(builder: Builder, source: Source, output: int, running_mw: Hours | None) -> None:
    r"""Add the units of a source whose output is a series already.

    With the running capacity :math:`u`, what starts :math:`v` and stops :math:`w`, and the output
    above the least in parts :math:`y_s` of rising slope of the heat curve,

    .. math:: u_t - u_{t-1} = v_t - w_t, \qquad g_t = m u_t + \sum_s y_{st}, \qquad
        0 \le y_{st} \le (l_{s+1} - l_s)\, u_t .

    Parameters
    ----------
    builder : Builder
        Takes the series and rows.
    source : Source
        With a capacity and units.
    output : int
        Its output among the series.
    running_mw : ndarray (hours,), optional
        Capacity of the units that run; None leaves it open, and not to whole units.
    """
    system, name, size = builder.system, source.name, source.capacity_mw
    if size is None:
        message = f"{name}: units are switched on and off only at a stated capacity_mw"
        raise InputError(message)
    loads, heats = heat_curve(source)
    available = system.series(source.availability)
    usd = system.series(source.fuel_usd_per_mwh) + _carbon(system, source.co2_t_per_mwh)
    after_first = np.ones(system.hours)
    after_first[0] = 0.0
    runs = (available >= source.least_load) & (available > 0.0)
    can: Hours = np.where(runs, size, 0.0)
    low, high = (np.zeros(system.hours), can) if running_mw is None else (running_mw, running_mw)
    running = builder.add(f"running {name}", usd * heats[0], lower=low, upper=high)
    price = source.start_usd_per_mw + system.co2_usd_per_t * source.start_co2_t_per_mw
    start = builder.add(f"start {name}", price, upper=size * after_first)
    stop = builder.add(f"stop {name}", upper=size * after_first)
    row = f"units {name}"
    builder.enter(running, row, after_first)
    builder.enter(running, row, -1.0, lag=1)
    builder.enter(start, row, -after_first)
    builder.enter(stop, row, after_first)
    builder.enter(output, f"output {name}", 1.0)
    builder.enter(running, f"output {name}", -loads[0])
    for i, (slope, width) in enumerate(_parts(loads, heats, available)):
        part = builder.add(f"part {name} {i}", usd * slope, upper=size * width)
        slack = builder.add(f"slack {name} {i}", upper=size * width)
        builder.enter(part, f"output {name}", -1.0)
        builder.enter(part, f"part {name} {i}", 1.0)
        builder.enter(slack, f"part {name} {i}", 1.0)
        builder.enter(running, f"part {name} {i}", -width)


def _carbon(system: System, co2_t_per_mwh: Series) -> Hours:
    return system.co2_usd_per_t * system.series(co2_t_per_mwh)


def _parts(loads: Array, heats: Array, available: Hours) -> list[tuple[float, Hours]]:
    """Return slope and width of each part of the heat curve, the width by hour."""
    found = []
    for i in range(len(loads) - 1):
        slope = float((heats[i + 1] - heats[i]) / (loads[i + 1] - loads[i]))
        width = np.clip(np.minimum(available, loads[i + 1]) - loads[i], 0.0, None)
        found.append((slope, width))
    return found


def by_heat(builder: Builder, source: Source, per_mwh: Hours) -> dict[int, Array]:
    """Return what each series adds to a sum that grows with the heat burnt, as coefficients."""
    loads, heats = heat_curve(source)
    names = builder.names
    row = {names.index(f"running {source.name}"): per_mwh * heats[0]}
    for i, slope in enumerate(np.diff(heats) / np.diff(loads)):
        row[names.index(f"part {source.name} {i}")] = per_mwh * slope
    return row


def heat_of(source: Source, running_mw: Hours, output_mw: Hours) -> Hours:
    """Return the heat burnt in each hour, in MWh that the same heat would give at full load."""
    loads, heats = heat_curve(source)
    share = output_mw / np.where(running_mw > 0.0, running_mw, 1.0)
    heat: Hours = np.where(running_mw > 0.0, running_mw * np.interp(share, loads, heats), 0.0)
    return heat
