r"""The most that an instance can serve within limits on latency, over every way to spread a model.

Every split of a model over at most so many accelerators is looked at with a geometric row of
concurrencies, in one vectorised call of the steady state. Latency grows with concurrency, so that
bisection then finds, for all splits at once, the highest whole number of requests :math:`c` with

.. math:: t_{first}(c) \le T_{first}, \qquad t_{tok}(c) \le T_{tok}, \qquad c \le c_{memory}

or a lower one where fewer requests make more tokens: near saturation they only wait for each other.
The best split makes the most output tokens a second for each of its accelerators. Latencies are
means over requests, not percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.space import places_of, splits, taken
from gigawatt.compute.hosting.steady import Steady, steady_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.space import Room
    from gigawatt.compute.hosting.steady import Mix
    from gigawatt.compute.hosting.step import Split

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = [
    "Found",
    "Limits",
    "Points",
    "highest_concurrency",
    "search",
]

_GRID: Final = 33
"""Concurrencies of the row that brackets the bisection and feeds the Pareto front."""

_MEMORY: Final = "weights and one request do not fit in memory"
_BANDWIDTH: Final = "needs a bandwidth that nobody publishes"
_TTFT: Final = "first token too late even for a single request"
_TPOT: Final = "tokens too slow even for a single request"


@dataclass(frozen=True, slots=True)
class Limits:
    """Mean latencies that must be kept.

    Parameters
    ----------
    ttft_s, tpot_s : float
        Time to the first token and per further token [s]; infinite for no limit.
    """

    ttft_s: float = np.inf
    tpot_s: float = np.inf


@dataclass(frozen=True, slots=True)
class Points:
    """Instances in steady state, each field an array with one value for each.

    Parameters
    ----------
    split : Split
        How each spreads the model.
    concurrency : ndarray
        Requests in it at any time.
    steady : Steady
        Its latency and throughput.
    """

    split: Split
    concurrency: Floats
    steady: Steady

    @property
    def per_accelerator(self) -> Floats:
        """Output tokens per second of each accelerator."""
        rate: Floats = self.steady.output_tokens_per_s / np.asarray(self.split.accelerators)
        return rate

    @property
    def per_user(self) -> Floats:
        """Tokens per second that a reader sees, 1 / TPOT."""
        return np.asarray(1.0 / self.steady.tpot_s)

    def take(self, index: NDArray[np.int64] | Flags) -> Points:
        """Return the points at `index`."""
        return Points(taken(self.split, index), self.concurrency[index], taken(self.steady, index))

    def __len__(self) -> int:
        return len(self.concurrency)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Parameters
    ----------
    best : Points
        Each split that keeps the limits, at its highest concurrency, best first.
    front : Points
        Splits and concurrencies within the limit on the first token that no other beats in tokens
        per second per accelerator and per user at once, the fastest for a user first. The limit on
        the time per token doesn't hold here: it is one of the two axes.
    enumerated : int
        Splits looked at.
    timed : int
        Those whose latency was computed.
    rejected : dict of str to int
        How many others were dropped, by reason.
    """

    best: Points
    front: Points
    enumerated: int
    timed: int
    rejected: dict[str, int]


def search(dims: Dims, server: Server, mix: Mix, limits: Limits, room: Room) -> Found:
    """Return what every split serves within the limits, and the front.

    Parameters
    ----------
    dims : Dims
        The model.
    server : Server
        Accelerator, network and software.
    mix : Mix
        The mean request.
    limits : Limits
        Mean latencies that must be kept.
    room : Room
        Accelerators and their memory.

    Returns
    -------
    Found
        With nothing in `best` where no split keeps the limits.

    Notes
    -----
    No more requests are let in than the memory holds, nor than make more tokens: those beyond wait,
    which adds to the time to the first token and to nothing else.
    """
    every, reasons = splits(dims, room.chips, room.domain)
    rejected = {why: int(found.sum()) for why, found in reasons.items()}
    kept = taken(every, ~np.logical_or.reduce(list(reasons.values())))
    places = places_of(dims, kept, mix, room)
    fits = places >= 1.0
    rejected[_MEMORY] = int((~fits).sum())
    kept, places = taken(kept, fits), places[fits]
    best, row = highest_concurrency(dims, server, mix, limits, kept, places)
    rejected |= _too_slow(row, limits)
    best = _ranked(best.take(best.concurrency >= 1.0))
    return Found(
        best,
        _front(_joined(row, best), limits),
        len(np.asarray(every.tp)),
        len(places),
        {why: count for why, count in rejected.items() if count},
    )


def highest_concurrency(
    dims: Dims, server: Server, mix: Mix, limits: Limits, split: Split, places: Floats
) -> tuple[Points, Points]:
    """Return each split at the highest useful concurrency that keeps the limits, by bisection.

    Parameters
    ----------
    dims, server, mix, limits : Dims, Server, Mix, Limits
        Model, machine, mean request and what must be kept.
    split : Split
        Arrays over the splits.
    places : ndarray
        Sequences that each attention group can hold, at least 1.

    Returns
    -------
    best : Points
        One for each split; its concurrency is 0 where a single request is too slow.
    row : Points
        The concurrencies tried first, with arrays of shape (splits, row).
    """
    most = np.floor(places * split.attn_dp)
    steps = np.linspace(0.0, 1.0, _GRID)
    tried = np.floor(most[:, None] ** steps * (1.0 + 1e-12))
    wide = taken(split, np.s_[:, None])
    row = Points(wide, tried, steady_state(dims, wide, server, mix, tried, places[:, None]))

    def at(concurrency: Floats) -> Steady:
        return steady_state(dims, split, server, mix, np.maximum(concurrency, 1.0), places)

    good = np.logical_and.accumulate(_keeps(row.steady, limits), axis=1)
    kept = good.sum(axis=1)
    ends = np.concatenate((np.zeros_like(most)[:, None], tried, most[:, None] + 1.0), axis=1)
    every = np.arange(len(most))
    low, high = ends[every, kept], np.where(kept > 0, ends[every, kept + 1], 1.0)
    while np.any(high - low > 1.0):
        middle = np.floor((low + high) / 2.0)
        better = _keeps(at(middle), limits) | (middle <= low)
        low, high = np.where(better, middle, low), np.where(better, high, middle)
    low = _most_productive(at, row, good, low)
    return Points(split, low, _whole(at(low), low.shape)), row


def _most_productive(
    at: Callable[[Floats], Steady], row: Points, good: Flags, most: Floats
) -> Floats:
    """Return the concurrency up to `most` with the highest throughput.

    Near saturation, where requests only wait for each other, more of them may make a little less.
    """
    rate = np.where(good, row.steady.output_tokens_per_s, 0.0)
    top = np.argmax(rate, axis=1)
    every, last = np.arange(len(top)), rate.shape[1] - 1
    low = np.minimum(row.concurrency[every, np.maximum(top - 1, 0)], most)
    high = np.minimum(row.concurrency[every, np.minimum(top + 1, last)], most)
    while np.any(high > low):
        middle = np.floor((low + high) / 2.0)
        rises = np.less(at(middle).output_tokens_per_s, at(middle + 1.0).output_tokens_per_s)
        rises &= middle < high
        low, high = np.where(rises, middle + 1.0, low), np.where(rises, high, middle)
    least = np.less(at(most).output_tokens_per_s, at(low).output_tokens_per_s)
    return np.where(least, low, most)


def _keeps(found: Steady, limits: Limits) -> Flags:
    # NaN, of a bandwidth that nobody publishes, keeps nothing.
    return np.asarray((found.ttft_s <= limits.ttft_s) & (found.tpot_s <= limits.tpot_s))


def _too_slow(row: Points, limits: Limits) -> dict[str, int]:
    """Return how many splits keep the limits with no request at all, by reason."""
    ttft, tpot = (np.asarray(t)[:, 0] for t in (row.steady.ttft_s, row.steady.tpot_s))
    unknown = np.isnan(ttft) | np.isnan(tpot)
    late = ttft > limits.ttft_s
    return {
        _BANDWIDTH: int(unknown.sum()),
        _TTFT: int((late & ~unknown).sum()),
        _TPOT: int(((tpot > limits.tpot_s) & ~late & ~unknown).sum()),
    }


def _ranked(points: Points) -> Points:
    # Of splits that serve as much, one with fewer accelerators fails and grows in smaller parts.
    keys = (points.steady.ttft_s, points.split.accelerators, -points.per_accelerator)
    return points.take(np.lexsort([np.asarray(key) for key in keys]))


def _front(points: Points, limits: Limits) -> Points:
    """Return the points that no other beats per accelerator and per user at once."""
    points = points.take(np.asarray(points.steady.ttft_s <= limits.ttft_s))
    keys = (points.split.accelerators, -points.per_accelerator, -points.per_user)
    points = points.take(np.lexsort([np.asarray(key) for key in keys]))
    before = np.maximum.accumulate(np.concatenate(([0.0], points.per_accelerator)))[:-1]
    return points.take(points.per_accelerator > before)


def _joined(row: Points, best: Points) -> Points:
    """Return the points of the row of each split, and the best of each, in one list."""
    shape = row.concurrency.shape
    return Points(
        _after(_whole(row.split, shape), best.split),
        np.concatenate((row.concurrency.ravel(), best.concurrency)),
        _after(_whole(row.steady, shape), best.steady),
    )


def _after(first: Any, second: Any) -> Any:  # noqa: ANN401  two of Split or of Steady
    """Return two records of arrays as one."""
    return type(first)(
        **{
            f.name: np.concatenate((getattr(first, f.name), getattr(second, f.name)))
            for f in fields(first)
        }
    )


def _whole(record: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401  Split or Steady
    """Return a record whose arrays all have the shape, made flat."""
    return type(record)(
        **{f.name: np.broadcast_to(getattr(record, f.name), shape).ravel() for f in fields(record)}
    )
