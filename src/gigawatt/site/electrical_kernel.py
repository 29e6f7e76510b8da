"""The loops over hours, halls and stages, compiled."""

# mypy: disable-error-code="no-any-return,untyped-decorator"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["forward", "inverse", "kernel", "tree"]


def kernel(function: Callable[..., Any]) -> Any:  # noqa: ANN401  Numba's own type
    """Return `function` compiled at its first call and kept on disk where a folder allows it."""
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "reassoc"},
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder can be written to; it is then compiled in each process
        return numba.njit(**options)(function)


@kernel
def forward(
    it: Array, auxiliary: Array, coefficients: Array, inside: Array, feeds: Flags, out: Array
) -> tuple[Array, Array]:
    """Fill `out` (3, times, halls) with grid power, heat inside and heat outside.

    `coefficients` is (3, stages, halls): MW, -, 1/MW. Returns the sum of losses and the greatest
    power delivered, both (stages, halls).
    """
    times, halls = out.shape[1:]
    stages = inside.size
    lost = np.zeros((stages, halls))
    most = np.zeros((stages, halls))
    row = 1 if it.shape[0] > 1 else 0
    also = 1 if auxiliary.shape[0] > 1 else 0
    power = np.empty(halls)
    for t in range(times):
        for h in range(halls):
            power[h] = it[t * row, h]
            out[1, t, h] = 0.0
            out[2, t, h] = 0.0
        # Stage by stage over all halls: the inner loop has no branch, so it is vectorised.
        for k in range(stages):
            if feeds[k]:
                for h in range(halls):
                    power[h] += auxiliary[t * also, h]
            share = inside[k]
            for h in range(halls):
                p = power[h]
                loss = (
                    coefficients[0, k, h] + (coefficients[1, k, h] + coefficients[2, k, h] * p) * p
                )
                lost[k, h] += loss
                most[k, h] = max(most[k, h], p)
                out[1, t, h] += share * loss
                out[2, t, h] += (1.0 - share) * loss
                power[h] = p + loss
        for h in range(halls):
            out[0, t, h] = power[h]
    return lost, most


@kernel
def inverse(grid: Array, auxiliary: Array, coefficients: Array, feeds: Flags, out: Array) -> None:
    """Fill `out` (times, halls) with the IT power that leaves `grid` at the grid, never below 0."""
    times, halls = out.shape
    row = 1 if grid.shape[0] > 1 else 0
    also = 1 if auxiliary.shape[0] > 1 else 0
    for t in range(times):
        for h in range(halls):
            p = grid[t * row, h]
            for k in range(feeds.size - 1, -1, -1):
                a, b, c = coefficients[:, k, h]
                rest = p - a
                if rest <= 0.0:
                    p = 0.0
                    break
                # c q^2 + (1 + b) q = rest, in the form that loses no digits where c is small.
                linear = 1.0 + b
                p = 2.0 * rest / (linear + np.sqrt(linear * linear + 4.0 * c * rest))
                if feeds[k]:
                    p -= auxiliary[t * also, h]
                    if p <= 0.0:
                        p = 0.0
                        break
            out[t, h] = p


@kernel
def tree(load: Array, fan_in: Array, coefficients: Array, extra: Array) -> tuple[Array, Array]:
    """Return the input of every unit of the last stage, and the loss of each stage.

    Unit i of stage k carries units ``i fan_in[k]`` to ``(i + 1) fan_in[k] - 1`` of the stage below,
    and `extra` [k]; `coefficients` is (stages, 3).
    """
    losses = np.zeros(fan_in.size)
    below = load
    for k in range(fan_in.size):
        group = int(fan_in[k])
        power = np.empty(below.size // group)
        a, b, c, more = coefficients[k, 0], coefficients[k, 1], coefficients[k, 2], extra[k]
        total = 0.0
        if group == 1:  # told apart, as only then the loop is vectorised
            for i in range(power.size):
                p = more + below[i]
                loss = a + (b + c * p) * p
                total += loss
                power[i] = p + loss
        else:
            groups = below.reshape(power.size, group)
            for i in range(power.size):
                p = more
                for j in range(group):
                    p += groups[i, j]
                loss = a + (b + c * p) * p
                total += loss
                power[i] = p + loss
        losses[k] = total
        below = power
    return below, losses
