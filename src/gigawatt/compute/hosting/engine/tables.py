"""The compiled latency model behind `TableLatency`, and how Python asks any model.

It reads what `latency` has packed.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.engine.jit import jit, kernel, pointer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["ask", "evaluate"]

_HEAD: Final = 7  # figures before the axes, in the order in which `latency` packs them


@jit
def _cell(params: Floats, begin: int, size: int, value: float) -> int:
    """Return the place of the last axis value below `value` that has one after it."""
    low, high = 0, size - 1
    while high - low > 1:
        middle = (low + high) >> 1
        if params[begin + middle] < value:
            low = middle
        else:
            high = middle
    return low


@jit
def _weight(params: Floats, begin: int, size: int, value: float, exact: bool) -> tuple[int, float]:
    """Return the cell of `value` and how far into it; NaN where an exact table ends."""
    low = _cell(params, begin, size, value)
    first, last = params[begin + low], params[begin + low + 1]
    if exact:
        if value > last:
            return low, np.nan
        return low, 0.0 if value <= first else 1.0
    return low, max(0.0, (value - first) / (last - first))


@jit
def _read(params: Floats, at: int, features: Floats) -> float:
    rows, columns, exact = int(params[at + 2]), int(params[at + 3]), params[at + 4] > 0
    values = at + _HEAD + rows + columns
    i, x = _weight(params, at + _HEAD, rows, features[int(params[at])], exact)
    if params[at + 1] < 0:
        return (1 - x) * params[values + i] + x * params[values + i + 1]
    begin = at + _HEAD + rows
    j, y = _weight(params, begin, columns, features[int(params[at + 1])], exact)
    one, two = values + i * columns + j, values + (i + 1) * columns + j
    lower = (1 - y) * params[one] + y * params[one + 1]
    upper = (1 - y) * params[two] + y * params[two + 1]
    return (1 - x) * lower + x * upper


def _evaluate(params: Floats, features: Floats, stage_s: Floats) -> None:
    stage_s[:] = 0.0
    at = 1
    for _ in range(int(params[0])):
        rows, columns, needs = int(params[at + 2]), int(params[at + 3]), int(params[at + 6])
        if needs < 0 or features[needs] > 0:
            seconds = _read(params, at, features)
            stage = int(params[at + 5])
            if stage < 0:
                stage_s += seconds
            else:
                stage_s[stage] += seconds
        at += _HEAD + rows + columns + rows * columns


evaluate = pointer(_evaluate, cache=True)


@kernel
def ask(function: Any, params: Floats, features: Floats, stage_s: Floats) -> None:  # noqa: ANN401
    """Call a latency model as the engine does."""
    function(params, features, stage_s)
