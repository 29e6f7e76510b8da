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
    from gigawatt.cluster.kernel.columns import State

__all__ = ["drop", "place_job", "pop_least", "push_least", "top_time"]


@jit
def top_time(s: State, row: int, count: int) -> int:
    """Return the earliest time of a heap, FOREVER if it is empty."""
    return s.heap[row, 0] >> SHIFT if count > 0 else FOREVER


@jit
def _rise(s: State, row: int, column: int, i: int, key: int) -> None:
    while i > 0 and s.heap[row, (i - 1) >> 1] > key:
        up = (i - 1) >> 1
        s.heap[row, i] = s.heap[row, up]
        s.job[s.heap[row, i] & MASK, column] = i
        i = up
    s.heap[row, i] = key
    s.job[key & MASK, column] = i


@jit
def _sink(s: State, row: int, column: int, count: int, i: int, key: int) -> None:
    while 2 * i + 1 < count:
        down = 2 * i + 1
        if down + 1 < count and s.heap[row, down + 1] < s.heap[row, down]:
            down += 1
        if s.heap[row, down] >= key:
            break
        s.heap[row, i] = s.heap[row, down]
        s.job[s.heap[row, i] & MASK, column] = i
        i = down
    s.heap[row, i] = key
    s.job[key & MASK, column] = i


@part
def place_job(s: State, row: int, column: int, count: int, j: int, t: int) -> int:
    """Put job `j` in at time `t`, or move it there; return the heap's new size.

    The job keeps its place in the heap in the given column.
    """
    key = (t << SHIFT) | j
    i = s.job[j, column]
    if i < 0:
        _rise(s, row, column, count, key)
        return count + 1
    if key < s.heap[row, i]:
        _rise(s, row, column, i, key)
    else:
        _sink(s, row, column, count, i, key)
    return count


@part
def drop(s: State, row: int, column: int, count: int, j: int) -> int:
    """Take job `j` out, if it is in; return the heap's new size."""
    i = s.job[j, column]
    if i < 0:
        return count
    s.job[j, column] = -1
    count -= 1
    if i < count:
        key = s.heap[row, count]
        if i > 0 and s.heap[row, (i - 1) >> 1] > key:
            _rise(s, row, column, i, key)
        else:
            _sink(s, row, column, count, i, key)
    return count


@part
def push_least(s: State, row: int, count: int, key: int) -> int:
    """Put `key` in; return the heap's new size."""
    i = count
    while i > 0 and s.heap[row, (i - 1) >> 1] > key:
        s.heap[row, i] = s.heap[row, (i - 1) >> 1]
        i = (i - 1) >> 1
    s.heap[row, i] = key
    return count + 1


@part
def pop_least(s: State, row: int, count: int) -> int:
    """Take the least key out; return the heap's new size."""
    count -= 1
    key = s.heap[row, count]
    i = 0
    while 2 * i + 1 < count:
        down = 2 * i + 1
        if down + 1 < count and s.heap[row, down + 1] < s.heap[row, down]:
            down += 1
        if s.heap[row, down] >= key:
            break
        s.heap[row, i] = s.heap[row, down]
        i = down
    s.heap[row, i] = key
    return count
