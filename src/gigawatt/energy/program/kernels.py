"""The loops of the interior-point solver over hours and series, compiled.

Arrays of series are (T, V), hour by hour, so that one pass over the hours finds all it needs close
together. `entries` is (first, row, lag, coefficient): entries of variable v are first[v] to
first[v + 1] - 1; `wraps` is (variable, hour, row, hour of the row, coefficient). `kind` tells what
bounds a variable has: 0 for one that cannot move, 1 for a lower bound, 2 for both. Capacity -1
stands for none: it finds the last place of an array, which is kept for that.
"""

# ruff: noqa: C901, PLR0912, PLR0913, PLR0917
# Compiled loops take arrays one by one and do all that an hour needs in one pass.

# mypy: disable-error-code="no-any-return,untyped-decorator"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.energy.program.band import kernel

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]
    Kinds = np.ndarray[Any, np.dtype[np.int8]]
    Entries = tuple[Indices, Indices, Indices, Array]
    Wraps = tuple[Indices, Indices, Indices, Indices, Array]
    Pair = tuple[Array, Array]
    Short = np.ndarray[Any, np.dtype[np.int16]]
    Places = tuple[Short, Short]

__all__ = ["aims", "directions", "form", "multiply", "remaining", "residuals", "step"]


@kernel
def multiply(x: Array, entries: Entries, wraps: Wraps, out: Array) -> None:
    """Add `A x` to `out` (T, M)."""
    first, row, lag, coefficient = entries
    hours = x.shape[0]
    for t in range(hours):
        for v in range(x.shape[1]):
            for e in range(first[v], first[v + 1]):
                if t + lag[e] < hours:
                    out[t + lag[e], row[e]] += coefficient[t, e] * x[t, v]
    for w in range(wraps[0].size):
        out[wraps[3][w], wraps[2][w]] += wraps[4][w] * x[wraps[1][w], wraps[0][w]]


@kernel
def residuals(
    cost: Array,
    kind: Kinds,
    y: Array,
    slack: Pair,
    dual: Pair,
    by: Pair,
    of: Places,
    entries: Entries,
    wraps: Wraps,
    out: Array,
    sums: Array,
) -> float:
    """Fill `out` (T, V) with `cost - A' y` less the duals, and `sums` with the duals by capacity.

    Returns the sum of slacks times duals. `cost` holds the linking rows' part already.
    """
    first, row, lag, coefficient = entries
    hours = cost.shape[0]
    product = 0.0
    for t in range(hours):
        for v in range(cost.shape[1]):
            if kind[t, v] == 0:
                out[t, v] = 0.0
                continue
            value = cost[t, v] - dual[0][t, v]
            for e in range(first[v], first[v + 1]):
                if t + lag[e] < hours:
                    value -= coefficient[t, e] * y[t + lag[e], row[e]]
            product += dual[0][t, v] * slack[0][t, v]
            if kind[t, v] == 2:
                value += dual[1][t, v]
                product += dual[1][t, v] * slack[1][t, v]
            out[t, v] = value
            if sums.size > 1:
                sums[of[0][t, v]] += dual[0][t, v] * by[0][t, v]
                sums[of[1][t, v]] -= dual[1][t, v] * by[1][t, v]
    for w in range(wraps[0].size):
        if kind[wraps[1][w], wraps[0][w]] != 0:
            out[wraps[1][w], wraps[0][w]] -= wraps[4][w] * y[wraps[3][w], wraps[2][w]]
    return product


@kernel
def form(
    kind: Kinds,
    slack: Pair,
    dual: Pair,
    by: Pair,
    of: Places,
    entries: Entries,
    wraps: Wraps,
    inverse: Pair,
    weight: Array,
    band: Array,
    columns: Array,
    inner: Array,
) -> None:
    """Form the linear system of a step; variables of the wraps stay out of the band.

    Fills `weight` and the slacks' `inverse` (T, V), adds `A weight A'` to `band` (T, M, M + 1;
    lower half by distance), the capacities' columns to `columns` (T, M, K and more) and their own
    matrix to `inner` (K + 1, K + 1).
    """
    first, row, lag, coefficient = entries
    hours, series = weight.shape
    m = band.shape[1]
    for w in range(wraps[0].size):
        weight[wraps[1][w], wraps[0][w]] = -1.0
    for t in range(hours):
        for v in range(series):
            apart = weight[t, v] < 0.0
            if kind[t, v] == 0:
                weight[t, v] = 0.0
                continue
            inverse[0][t, v] = 1.0 / slack[0][t, v]
            low, high = dual[0][t, v] * inverse[0][t, v], 0.0
            if kind[t, v] == 2:
                inverse[1][t, v] = 1.0 / slack[1][t, v]
                high = dual[1][t, v] * inverse[1][t, v]
            share = 1.0 / (low + high)
            weight[t, v] = share
            i, j, by_low, by_high = -1, -1, 0.0, 0.0
            if inner.shape[0] > 1:
                i, j = of[0][t, v], of[1][t, v]
                by_low, by_high = by[0][t, v], by[1][t, v]
            for e in range(first[v], first[v + 1]):
                if t + lag[e] >= hours:
                    continue
                part = coefficient[t, e] * share
                if i >= 0:
                    columns[t + lag[e], row[e], i] += part * low * by_low
                if j >= 0:
                    columns[t + lag[e], row[e], j] += part * high * by_high
                if apart:
                    continue
                here = lag[e] * m + row[e]
                for g in range(first[v], e + 1):
                    if t + lag[g] >= hours:
                        continue
                    there = lag[g] * m + row[g]
                    if here >= there:
                        band[t + lag[e], row[e], here - there] += part * coefficient[t, g]
                    else:
                        band[t + lag[g], row[g], there - here] += part * coefficient[t, g]
            if i >= 0 or j >= 0:
                # One bound alone leaves nothing once x is gone; both leave their parallel sum.
                stiff = low * high * share
                inner[i, i] += stiff * by_low * by_low
                inner[j, j] += stiff * by_high * by_high
                inner[i, j] -= stiff * by_low * by_high
                inner[j, i] -= stiff * by_low * by_high
    for w in range(wraps[0].size):
        v, t = wraps[0][w], wraps[1][w]
        if kind[t, v] == 0:
            continue
        part = wraps[4][w] * weight[t, v]
        for side in range(kind[t, v]):
            if of[side][t, v] >= 0:
                theta = dual[side][t, v] / slack[side][t, v]
                columns[wraps[3][w], wraps[2][w], of[side][t, v]] += part * theta * by[side][t, v]


@kernel
def aims(
    kind: Kinds,
    weight: Array,
    inverse: Pair,
    dual: Pair,
    moved: tuple[Pair, Pair],
    centre: float,
    second: float,
    by: Pair,
    of: Places,
    residual: Array,
    rho: Array,
    part: Array,
    sums: Array,
) -> None:
    """Fill the right-hand side `rho` of the series, `part = weight rho`, and both by capacity.

    The products of slacks and duals are to become `centre`, less `second` times the products of
    the moves of the step before.
    """
    for t in range(weight.shape[0]):
        for v in range(weight.shape[1]):
            if kind[t, v] == 0:
                rho[t, v] = part[t, v] = 0.0
                continue
            want = centre - second * moved[0][0][t, v] * moved[1][0][t, v]
            aim = want * inverse[0][t, v] - dual[0][t, v]
            value = aim - residual[t, v]
            other = 0.0
            if kind[t, v] == 2:
                want = centre - second * moved[0][1][t, v] * moved[1][1][t, v]
                other = want * inverse[1][t, v] - dual[1][t, v]
                value -= other
            rho[t, v] = value
            share = weight[t, v] * value
            part[t, v] = share
            if sums.size == 1:
                continue
            i, j = of[0][t, v], of[1][t, v]
            if i >= 0:
                sums[i] += (dual[0][t, v] * inverse[0][t, v] * share - aim) * by[0][t, v]
            if j >= 0:
                sums[j] += (dual[1][t, v] * inverse[1][t, v] * share + other) * by[1][t, v]


@kernel
def directions(
    kind: Kinds,
    weight: Array,
    rho: Array,
    slack: Pair,
    inverse: Pair,
    dual: Pair,
    moved: tuple[Pair, Pair],
    centre: float,
    second: float,
    by: Pair,
    of: Places,
    dy: Array,
    dk: Array,
    entries: Entries,
    wraps: Wraps,
    dx: Array,
) -> tuple[float, float]:
    """Fill the moves of x, slacks and duals; return the longest steps that keep signs.

    `moved` holds the moves of the slacks and duals of the step before and takes the new ones.
    """
    first, row, lag, coefficient = entries
    hours = weight.shape[0]
    for w in range(wraps[0].size):
        rho[wraps[1][w], wraps[0][w]] += wraps[4][w] * dy[wraps[3][w], wraps[2][w]]
    primal, prices = 1e300, 1e300
    for t in range(hours):
        for v in range(weight.shape[1]):
            if kind[t, v] == 0:
                continue
            value = rho[t, v]
            for e in range(first[v], first[v + 1]):
                if t + lag[e] < hours:
                    value += coefficient[t, e] * dy[t + lag[e], row[e]]
            bottom, top = 0.0, 0.0
            if dk.size > 1:
                bottom = by[0][t, v] * dk[of[0][t, v]]
                top = by[1][t, v] * dk[of[1][t, v]]
            both = kind[t, v] == 2
            theta = dual[0][t, v] * inverse[0][t, v]
            theta_top = dual[1][t, v] * inverse[1][t, v] if both else 0.0
            move = weight[t, v] * (value + theta * bottom + theta_top * top)
            dx[t, v] = move
            want = centre - second * moved[0][0][t, v] * moved[1][0][t, v]
            ds = move - bottom
            dz = want * inverse[0][t, v] - dual[0][t, v] - theta * ds
            moved[0][0][t, v], moved[1][0][t, v] = ds, dz
            # Few are the nearest so far, so few divide.
            if -ds * primal > slack[0][t, v]:
                primal = -slack[0][t, v] / ds
            if -dz * prices > dual[0][t, v]:
                prices = -dual[0][t, v] / dz
            if both:
                want = centre - second * moved[0][1][t, v] * moved[1][1][t, v]
                ds = top - move
                dz = want * inverse[1][t, v] - dual[1][t, v] - theta_top * ds
                moved[0][1][t, v], moved[1][1][t, v] = ds, dz
                if -ds * primal > slack[1][t, v]:
                    primal = -slack[1][t, v] / ds
                if -dz * prices > dual[1][t, v]:
                    prices = -dual[1][t, v] / dz
    return primal, prices


@kernel
def remaining(
    slack: Pair, dual: Pair, moved: tuple[Pair, Pair], primal: float, prices: float
) -> float:
    """Return the sum of slacks times duals after steps of the given lengths."""
    total = 0.0
    for side in range(2):
        a, da, z, dz = slack[side], moved[0][side], dual[side], moved[1][side]
        for t in range(a.shape[0]):
            for v in range(a.shape[1]):
                total += (a[t, v] + primal * da[t, v]) * (z[t, v] + prices * dz[t, v])
    return total


@kernel
def step(length: float, values: Array, changes: Array) -> None:
    """Add `length` times the changes to the values, in place."""
    for t in range(values.shape[0]):
        for v in range(values.shape[1]):
            values[t, v] += length * changes[t, v]
