"""The places of the queue that wait, as bits: four levels, each bit of a level a word below it.

Adding, removing and finding the next place each take four steps, however long the queue is.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt.cluster.kernel.columns import C_BITS1, C_BITS2, C_BITS3
from gigawatt.cluster.kernel.jit import jit, part

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["add", "next_place", "remove"]

# The lowest bit times de Bruijn's sequence has its number in the upper six bits (Leiserson, Prokop
# and Randall, "Using de Bruijn sequences to index a 1 in a computer word", 1998).
_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
_PLACES = np.zeros(64, dtype=np.int64)
for _k in range(64):
    _PLACES[((1 << _k) * int(_SEQUENCE) & (1 << 64) - 1) >> 58] = _k

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_ALL = np.uint64((1 << 64) - 1)
_TOP = np.uint64(58)


@jit
def _lowest(word: np.uint64) -> int:
    return _PLACES[np.int64(((word & (~word + _ONE)) * _SEQUENCE) >> _TOP)]


@jit
def _bit(place: int) -> np.uint64:
    return _ONE << np.uint64(place & 63)


@part
def add(c: Setup, s: State, place: int) -> None:
    """Set the bit of `place`."""
    s.bits[place >> 6] |= _bit(place)
    s.bits[c[C_BITS1] + (place >> 12)] |= _bit(place >> 6)
    s.bits[c[C_BITS2] + (place >> 18)] |= _bit(place >> 12)
    s.bits[c[C_BITS3] + (place >> 24)] |= _bit(place >> 18)


@part
def remove(c: Setup, s: State, place: int) -> None:
    """Clear the bit of `place`."""
    s.bits[place >> 6] &= ~_bit(place)
    if s.bits[place >> 6] != _ZERO:
        return
    s.bits[c[C_BITS1] + (place >> 12)] &= ~_bit(place >> 6)
    if s.bits[c[C_BITS1] + (place >> 12)] != _ZERO:
        return
    s.bits[c[C_BITS2] + (place >> 18)] &= ~_bit(place >> 12)
    if s.bits[c[C_BITS2] + (place >> 18)] == _ZERO:
        s.bits[c[C_BITS3] + (place >> 24)] &= ~_bit(place >> 18)


@jit
def _above(word: np.uint64, place: int) -> np.uint64:
    """Return the bits of `word` at and above `place`, counted in its 64."""
    return word & (_ALL << np.uint64(place & 63))


@part
def next_place(c: Setup, s: State, place: int, end: int) -> int:
    """Return the first place at or after `place` whose bit is set; `end` if none is before it."""
    if place >= end:
        return end
    word = _above(s.bits[place >> 6], place)
    if word != _ZERO:
        return min(end, ((place >> 6) << 6) + _lowest(word))
    up = (place >> 6) + 1
    found = _climb(c, s, up)
    return end if found < 0 else min(end, (found << 6) + _lowest(s.bits[found]))


@jit
def _climb(c: Setup, s: State, up: int) -> int:
    """Return the first word at or after `up` of the lowest level that is not empty; -1 if none."""
    if up >= c[C_BITS1]:
        return -1
    word = _above(s.bits[c[C_BITS1] + (up >> 6)], up)
    if word != _ZERO:
        return ((up >> 6) << 6) + _lowest(word)
    up = (up >> 6) + 1
    if up >= c[C_BITS2] - c[C_BITS1]:
        return -1
    word = _above(s.bits[c[C_BITS2] + (up >> 6)], up)
    if word == _ZERO:
        up = (up >> 6) + 1
        if up >= c[C_BITS3] - c[C_BITS2]:
            return -1
        word = _above(s.bits[c[C_BITS3] + (up >> 6)], up)
        if word == _ZERO:
            return -1
        up = ((up >> 6) << 6) + _lowest(word)
        word = s.bits[c[C_BITS2] + up]
        up <<= 6
    middle = ((up >> 6) << 6) + _lowest(word)
    return (middle << 6) + _lowest(s.bits[c[C_BITS1] + middle])
