"""The compiled loop that rides storage through the hours, without looking ahead."""

# ruff: noqa: PLR0913, PLR0917
# mypy: disable-error-code="no-any-return,untyped-decorator"
# Compiled loops take arrays one by one; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.energy.program.band import kernel

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["ride"]


@kernel
def _shared_out(wanted: float, room: Array, start: Array, slope: Array, out: Array) -> float:
    """Fill `out` with `clip(start + slope z, 0, room)` at the level z where it sums to `wanted`.

    Slopes have one sign. Returns what no room was found for.
    """
    total = room.sum()
    if total <= wanted:
        out[:] = room
        return wanted - total
    low, high = 0.0, 1.0
    # Levels run between those at which nothing and everything is taken.
    bottom, top = 1e300, -1e300
    for i in range(room.size):
        if room[i] > 0.0:
            one, other = -start[i] / slope[i], (room[i] - start[i]) / slope[i]
            bottom, top = min(bottom, one, other), max(top, one, other)
    rising = slope[0] > 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        part = middle if rising else 1.0 - middle
        level = bottom + part * (top - bottom)
        given = 0.0
        for i in range(room.size):
            out[i] = min(max(start[i] + slope[i] * level, 0.0), room[i])
            given += out[i]
        if given < wanted:
            low = middle
        else:
            high = middle
    return 0.0


@kernel
def ride(
    margin: Array,
    throttle: Array,
    power: Array,
    energy: Array,
    kept: Array,
    charged: Array,
    drawn: Array,
    unserved: Array,
    throttled: Array,
) -> None:
    """Fill unserved and throttled load (T,) for a margin of supply over load (T,).

    Stores (S,) start full: `power`, `energy`, the part `kept` from hour to hour, and the
    efficiencies of charging and drawing. Where supply falls short, load is throttled first, then
    stores give, the one that lasts longest first; a surplus fills the one that lasts least.
    """
    stored = energy.copy()
    part, room = np.zeros_like(power), np.zeros_like(power)
    for t in range(margin.size):
        stored *= kept
        if margin[t] >= 0.0:
            if power.size and margin[t] > 0.0:
                for i in range(power.size):
                    room[i] = min(power[i], (energy[i] - stored[i]) / charged[i])
                both = charged * drawn
                _shared_out(margin[t], room, -stored / charged, power / both, part)
                stored += charged * part
            continue
        need = -margin[t]
        throttled[t] = min(need, throttle[t])
        need -= throttled[t]
        if power.size and need > 0.0:
            able = stored * drawn
            for i in range(power.size):
                room[i] = min(power[i], able[i])
            need = _shared_out(need, room, able, -power, part)
            stored -= part / drawn
        unserved[t] = need
