"""Binary heaps of times: of jobs, which can be moved and taken out, and of nodes, which cannot.

A key is a time and a number in one integer, so that at equal times the lower number comes first.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import FOREVER, MASK, SHIFT
from gigawatt.cluster.kernel.jit import jit, part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Longs = NDArray[np.int64]

__all__ = ["drop", "place_job", "pop_least", "push_least", "top_time"]


@jit
def top_time(heap: Longs, row: int, count: int) -> int:
    """Return the earliest time of a heap, FOREVER if it is empty."""
    return heap[row, 0] >> SHIFT if count > 0 else FOREVER


@jit
def _rise(heap: Longs, row: int, job: Longs, column: int, i: int, key: int) -> None:
    while i > 0 and heap[row, (i - 1) >> 1] > key:
        up = (i - 1) >> 1
        heap[row, i] = heap[row, up]
        job[heap[row, i] & MASK, column] = i
        i = up
    heap[row, i] = key
    job[key & MASK, column] = i


@jit
def _sink(heap: Longs, row: int, job: Longs, column: int, count: int, i: int, key: int) -> None:
    while 2 * i + 1 < count:
        down = 2 * i + 1
        if down + 1 < count and heap[row, down + 1] < heap[row, down]:
            down += 1
        if heap[row, down] >= key:
            break
        heap[row, i] = heap[row, down]
        job[heap[row, i] & MASK, column] = i
        i = down
    heap[row, i] = key
    job[key & MASK, column] = i


@part
def place_job(heap: Longs, row: int, job: Longs, column: int, count: int, j: int, t: int) -> int:
    """Put job `j` in at time `t`, or move it there; return the heap's new size.

    The job keeps its place in the heap in the given column.
    """
    key = (t << SHIFT) | j
    i = job[j, column]
    if i < 0:
        _rise(heap, row, job, column, count, key)
        return count + 1
    if key < heap[row, i]:
        _rise(heap, row, job, column, i, key)
    else:
        _sink(heap, row, job, column, count, i, key)
    return count


@part
def drop(heap: Longs, row: int, job: Longs, column: int, count: int, j: int) -> int:
    """Take job `j` out, if it is in; return the heap's new size."""
    i = job[j, column]
    if i < 0:
        return count
    job[j, column] = -1
    count -= 1
    if i < count:
        key = heap[row, count]
        if i > 0 and heap[row, (i - 1) >> 1] > key:
            _rise(heap, row, job, column, i, key)
        else:
            _sink(heap, row, job, column, count, i, key)
    return count


@part
def push_least(heap: Longs, row: int, count: int, key: int) -> int:
    """Put `key` in; return the heap's new size."""
    i = count
    while i > 0 and heap[row, (i - 1) >> 1] > key:
        heap[row, i] = heap[row, (i - 1) >> 1]
        i = (i - 1) >> 1
    heap[row, i] = key
    return count + 1


@part
def pop_least(heap: Longs, row: int, count: int) -> int:
    """Take the least key out; return the heap's new size."""
    count -= 1
    key = heap[row, count]
    i = 0
    while 2 * i + 1 < count:
        down = 2 * i + 1
        if down + 1 < count and heap[row, down + 1] < heap[row, down]:
            down += 1
        if heap[row, down] >= key:
            break
        heap[row, i] = heap[row, down]
        i = down
    heap[row, i] = key
    return count
