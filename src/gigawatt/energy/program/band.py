"""The compiled loops that solve a band matrix with a border."""

# mypy: disable-error-code="no-any-return,untyped-decorator"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["band_product", "border_dots", "border_take", "factor", "kernel", "schur", "solve"]
__all__ += ["solve_one"]


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
def factor(band: Array) -> None:
    """Replace a positive definite band matrix by its Cholesky factor, inverse diagonal inside.

    Rows that are empty or follow from earlier ones get a zero: their unknown does not move.
    """
    n, width = band.shape
    for i in range(n):
        whole = band[i, 0]
        for d in range(min(width - 1, i), -1, -1):
            j = i - d
            value = band[i, d]
            for p in range(max(i - width + 1, 0), j):
                value -= band[i, i - p] * band[j, j - p]
            if d > 0:
                band[i, d] = value * band[j, 0]
            elif value <= 1e-20 * whole or value <= 1e-300:
                band[i, 0] = 0.0
            else:
                band[i, 0] = 1.0 / np.sqrt(value)


@kernel
def solve(band: Array, right: Array) -> None:  # noqa: C901  a loop in a loop, twice
    """Solve in place for every column of `right` (n, columns), the band being factored."""
    n, width = band.shape
    columns = right.shape[1]
    for i in range(n):
        for d in range(1, min(width - 1, i) + 1):
            share = band[i, d]
            if share != 0.0:
                for c in range(columns):
                    right[i, c] -= share * right[i - d, c]
        for c in range(columns):
            right[i, c] *= band[i, 0]
    for i in range(n - 1, -1, -1):
        for c in range(columns):
            right[i, c] *= band[i, 0]
        for d in range(1, min(width - 1, i) + 1):
            share = band[i, d]
            if share != 0.0:
                for c in range(columns):
                    right[i - d, c] -= share * right[i, c]


@kernel
def solve_one(band: Array, right: Array) -> None:
    """Solve in place for one right-hand side (n,)."""
    n, width = band.shape
    for i in range(n):
        value = right[i]
        for d in range(1, min(width - 1, i) + 1):
            value -= band[i, d] * right[i - d]
        right[i] = value * band[i, 0]
    for i in range(n - 1, -1, -1):
        value = right[i] * band[i, 0]
        right[i] = value
        for d in range(1, min(width - 1, i) + 1):
            right[i - d] -= band[i, d] * value


@kernel
def band_product(band: Array, y: Array, out: Array) -> None:
    """Fill `out` (n,) with the product of a symmetric band matrix, not factored, and `y`."""
    n, width = band.shape
    for i in range(n):
        value = band[i, 0] * y[i]
        for d in range(1, min(width - 1, i) + 1):
            value += band[i, d] * y[i - d]
            out[i - d] += band[i, d] * y[i]
        out[i] = value


@kernel
def border_dots(columns: Array, y: Array, out: Array) -> None:
    """Add `columns' y` to `out`. BLAS would start threads, which cost more than they save."""
    for i in range(columns.shape[0]):
        for c in range(columns.shape[1]):
            out[c] += columns[i, c] * y[i]


@kernel
def border_take(columns: Array, q: Array, out: Array) -> None:
    """Take `columns q` from `out`."""
    for i in range(columns.shape[0]):
        for c in range(columns.shape[1]):
            out[i] -= columns[i, c] * q[c]


@kernel
def schur(columns: Array, solved: Array, out: Array) -> None:
    """Take `columns' solved` from the symmetric matrix `out`."""
    for i in range(columns.shape[0]):
        for c in range(columns.shape[1]):
            if columns[i, c] != 0.0:
                for d in range(columns.shape[1]):
                    out[c, d] -= columns[i, c] * solved[i, d]
