"""The waiting queue of a replica, and how a running request returns to it."""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

from gigawatt.compute.hosting.engine.blocks import release
from gigawatt.compute.hosting.engine.columns import (
    DONE,
    HEAD,
    NEXT,
    PREEMPTED,
    PREEMPTIONS,
    RUNNING,
    TAIL,
    TARGET,
    WAITING,
    Setup,
    State,
)
from gigawatt.compute.hosting.engine.jit import jit

__all__ = ["pop", "preempt", "push"]


@jit
def push(s: State, r: int, i: int) -> None:
    """Put request `i` at the end of the queue."""
    s.req[i, NEXT] = -1
    if s.rep[r, HEAD] < 0:
        s.rep[r, HEAD] = i
    else:
        s.req[s.rep[r, TAIL], NEXT] = i
    s.rep[r, TAIL] = i
    s.rep[r, WAITING] += 1


@jit
def _push_front(s: State, r: int, i: int) -> None:
    s.req[i, NEXT] = s.rep[r, HEAD]
    if s.rep[r, HEAD] < 0:
        s.rep[r, TAIL] = i
    s.rep[r, HEAD] = i
    s.rep[r, WAITING] += 1


@jit
def pop(s: State, r: int) -> int:
    """Take the first request of the queue, which must not be empty."""
    i = s.rep[r, HEAD]
    s.rep[r, HEAD] = s.req[i, NEXT]
    s.rep[r, WAITING] -= 1
    return i


@jit
def preempt(c: Setup, s: State, r: int, i: int) -> None:
    """Drop the KV of request `i` and put it first in the queue.

    What it has generated is kept, and prefilled together with its prompt later.
    """
    release(c, s, r, i)
    s.req[i, TARGET] = max(s.req[i, TARGET], s.req[i, DONE])
    s.req[i, DONE] = 0
    s.req[i, PREEMPTED] += 1
    s.rep[r, RUNNING] -= 1
    s.rep[r, PREEMPTIONS] += 1
    _push_front(s, r, i)
