"""The compiled time of a step of an instance; it reads what `step_latency` has packed."""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.engine.jit import jit, pointer
from gigawatt.compute.hosting.engine.latency import (
    DECODE_CONTEXT,
    DECODES,
    PREFILL_PAIRS,
    PREFILL_TOKENS,
    PREFILLS,
    REPLICA,
    SAMPLES,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["evaluate"]

_HEAD: Final = 6
"""Figures before the tables: attention groups, tokens cached before each prompt, seconds of the
engine for a step and for a sequence, and launches: recorded, and those of a step with prompts."""


@jit
def _cell(params: Floats, begin: int, size: int, value: float) -> int:
    low, high = 0, size - 1
    while high - low > 1:
        middle = (low + high) >> 1
        if params[begin + middle] <= value:
            low = middle
        else:
            high = middle
    return low


@jit
def _line(params: Floats, at: int, value: float) -> float:
    """Read a table of one axis, straight between its points and beyond the last."""
    size = int(params[at])
    axis = at + 2
    i = _cell(params, axis, size, value)
    x = (value - params[axis + i]) / (params[axis + i + 1] - params[axis + i])
    v = axis + size + i
    return params[v] + x * (params[v + 1] - params[v])


@jit
def _plane(params: Floats, at: int, first: float, second: float) -> float:
    """Read a table of two axes in the same way."""
    rows, columns = int(params[at]), int(params[at + 1])
    one, two = at + 2, at + 2 + rows
    i, j = _cell(params, one, rows, first), _cell(params, two, columns, second)
    x = (first - params[one + i]) / (params[one + i + 1] - params[one + i])
    y = (second - params[two + j]) / (params[two + j + 1] - params[two + j])
    v = two + columns + i * columns + j
    lower = params[v] + y * (params[v + 1] - params[v])
    v += columns
    upper = params[v] + y * (params[v + 1] - params[v])
    return lower + x * (upper - lower)


@jit
def _after(params: Floats, at: int) -> int:
    """Return where the table behind the one at `at` begins; one with one axis has no columns."""
    rows, columns = int(params[at]), int(params[at + 1])
    return at + 2 + rows + columns + rows * max(columns, 1)


def _evaluate(params: Floats, x: Floats, stage_s: Floats) -> None:
    begin = 2 if x[REPLICA] < params[0] else int(params[1])
    groups, before = params[begin], params[begin + 1]
    decodes, prefills, read = x[DECODES], x[PREFILLS], x[PREFILL_TOKENS]
    # Groups work in step, so the fullest one counts; prompts are not cut over groups.
    held = np.ceil(decodes / groups)
    share = np.ceil(prefills / groups) / prefills if prefills > 0 else 0.0
    at = begin + _HEAD
    mixed = _after(params, at)
    busy = _line(params, mixed if read > 0 else at, held + read * share)
    at = _after(params, mixed)
    # Experts are shared by all groups and see the tokens of all of them.
    busy += _line(params, at, (decodes + read) / groups)
    at = _after(params, at)
    busy += _line(params, at, held + (x[SAMPLES] - decodes) * share)
    at = _after(params, at)
    if decodes > 0:
        busy += _plane(params, at, held, x[DECODE_CONTEXT] / decodes + before)
    at = _after(params, at)
    if read > 0:
        busy += _plane(params, at, read * share, x[PREFILL_PAIRS] / read + before)
    engine_s = params[begin + 2] + params[begin + 3] * decodes
    # Launches of a step with prompts run ahead of the accelerator, if they can.
    launch_s = max(params[begin + 4], params[begin + 5] - busy if read > 0 else 0.0)
    stage_s[:] = (busy + engine_s + launch_s) / stage_s.size


evaluate: Any = pointer(_evaluate, cache=True)
