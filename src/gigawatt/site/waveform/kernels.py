"""Loops along a waveform that depend on what came before, compiled."""

# mypy: disable-error-code="no-any-return,untyped-decorator"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.site.electrical_kernel import kernel

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["lag", "sliding_range", "store"]


@kernel
def lag(power: Array, share: float) -> None:
    """Replace `power` by its first-order lag, from its first value on."""
    state = power[0]
    for i in range(power.size):
        state += share * (power[i] - state)
        power[i] = state


@kernel
def sliding_range(power: Array, window: int, high: Array, low: Array) -> tuple[float, int]:
    """Return the greatest difference within `window` samples, and where the window ends.

    `high` and `low` are room for `window` + 1 places each: queues of samples that can still be the
    greatest or the least, in order of time.
    """
    size = window + 1
    best, at = 0.0, 0
    high_first = high_count = low_first = low_count = 0
    for i in range(power.size):
        p = power[i]
        while high_count and power[int(high[(high_first + high_count - 1) % size])] <= p:
            high_count -= 1
        high[(high_first + high_count) % size] = i
        high_count += 1
        while low_count and power[int(low[(low_first + low_count - 1) % size])] >= p:
            low_count -= 1
        low[(low_first + low_count) % size] = i
        low_count += 1
        if high[high_first] <= i - window:
            high_first = (high_first + 1) % size
            high_count -= 1
        if low[low_first] <= i - window:
            low_first = (low_first + 1) % size
            low_count -= 1
        span = power[int(high[high_first])] - power[int(low[low_first])]
        if span > best:
            best, at = span, i
    return best, at


@kernel
def store(  # noqa: PLR0913, PLR0917  the state of one storage, and its limits
    load: Array,
    dt_s: float,
    power_mw: float,
    energy_mj: float,
    one_way: float,
    follow: float,
    recover: float,
    start_mw: float,
    respond: float,
    grid: Array,
    held: Array,
) -> float:
    """Fill `grid` with the power left after storage and `held` with its energy [MJ].

    What the grid shall give follows the load with a lag (`follow`, a share of a sample) from
    `start_mw` on, plus a pull that brings the storage back to half full (`recover`, 1/s). The
    storage answers with a lag of its own (`respond`). Returns the energy lost [MJ].
    """
    target, given = start_mw, load[0] - start_mw  # it has been at work before
    content = 0.5 * energy_mj
    lost = 0.0
    for i in range(load.size):
        target += follow * (load[i] - target)
        wanted = target + recover * (0.5 * energy_mj - content)
        given += respond * (load[i] - wanted - given)  # positive: the storage gives
        flow = min(max(given, -power_mw), power_mw)
        if flow >= 0.0:
            flow = min(flow, content * one_way / dt_s)
            content -= flow * dt_s / one_way
            lost += flow * dt_s * (1.0 / one_way - 1.0)
        else:
            flow = max(flow, -(energy_mj - content) / (one_way * dt_s))
            content -= flow * dt_s * one_way
            lost -= flow * dt_s * (1.0 - one_way)
        grid[i] = load[i] - flow
        held[i] = content
    return lost
