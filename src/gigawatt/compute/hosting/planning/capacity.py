r"""The most that an instance can serve within limits on latency, over every way to spread a model.

Every split of a model over at most so many accelerators is looked at with a geometric row of
concurrencies, in one vectorised call of the steady state. Latency grows with concurrency, so that
bisection then finds, for all splits at once, the highest whole number of requests :math:`c` with

.. math:: t_{first}(c) \le T_{first}, \qquad t_{tok}(c) \le T_{tok}, \qquad c \le c_{memory}

or a lower one where fewer requests make more tokens: near saturation they only wait for each other.
The best split makes the most output tokens a second for each of its accelerators; of those within
1 % of it, the one with the fewest accelerators is best. Latencies are means over requests;
`percentiles` goes on from here to those of the slowest.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.planning.space import places_of, splits, taken
from gigawatt.compute.hosting.steady import CHUNK_TOKENS, Steady, steady_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.planning.space import Room
    from gigawatt.compute.hosting.steady import Mix
    from gigawatt.compute.hosting.step import Split

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = [
    "MARGIN",
    "Found",
    "Limits",
    "Points",
    "favourite",
    "highest_concurrency",
    "search",
]

_GRID: Final = 33
"""Concurrencies of the row that brackets the bisection and feeds the Pareto front."""

MARGIN: Final = 0.01
"""Share of throughput that is not worth an accelerator: it is far below what the model errs by."""

_MEMORY: Final = "weights and one request do not fit in memory"
_BANDWIDTH: Final = "needs a bandwidth or a kernel that nobody published"
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
    chunk_tokens : ndarray
        Tokens of prompts that a step takes at most.
    """

    split: Split
    concurrency: Floats
    steady: Steady
    chunk_tokens: Floats

    @property
    def per_accelerator(self) -> Floats:
        """Output tokens per second of each accelerator."""
        rate: Floats = self.steady.output_tokens_per_s / np.asarray(self.split.accelerators)
        return rate

    @property
    def per_user(self) -> Floats:
        """Tokens per second that a reader sees, 1 / TPOT."""
        # An answer of one token has no time per further token.
        return np.asarray(1.0 / np.maximum(self.steady.tpot_s, 1e-9))

    def take(self, index: NDArray[np.int64] | Flags) -> Points:
        """Return the points at `index`."""
        return Points(
            taken(self.split, index),
            self.concurrency[index],
            taken(self.steady, index),
            self.chunk_tokens[index],
        )

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


def search(
    dims: Dims,
    server: Server,
    mix: Mix,
    limits: Limits,
    room: Room,
    chunks: tuple[float, ...] = (CHUNK_TOKENS,),
) -> Found:
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
        Accelerators, their memory, and the cap on sequences.
    chunks : tuple of float
        Tokens of prompts that a step may take at most: each is tried with each split. A split takes
        the first unless another serves more by over 1 %.

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
    tried = [
        highest_concurrency(dims, server, mix, limits, kept, places, chunk) for chunk in chunks
    ]
    rejected |= _too_slow([row for _, row in tried], limits)
    best = favourite([one for one, _ in tried])
    best = _ranked(best.take(best.concurrency >= 1.0))
    return Found(
        best,
        _front(_joined([row for _, row in tried], best), limits),
        len(np.asarray(every.tp)),
        len(places),
        {why: count for why, count in rejected.items() if count},
    )


def highest_concurrency(
    dims: Dims,
    server: Server,
    mix: Mix,
    limits: Limits,
    split: Split,
    places: Floats,
    chunk_tokens: float = CHUNK_TOKENS,
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
    chunk_tokens : float
        Tokens of prompts that a step takes at most.

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
    steady = steady_state(dims, wide, server, mix, tried, places[:, None], chunk_tokens)
    row = Points(wide, tried, steady, np.full(tried.shape, chunk_tokens))

    def at(concurrency: Floats) -> Steady:
        some = np.maximum(concurrency, 1.0)
        return steady_state(dims, split, server, mix, some, places, chunk_tokens)

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
    return Points(split, low, _whole(at(low), low.shape), np.full(low.shape, chunk_tokens)), row


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
    # NaN, of a bandwidth or a kernel that nobody published, keeps nothing.
    return np.asarray((found.ttft_s <= limits.ttft_s) & (found.tpot_s <= limits.tpot_s))


def _too_slow(rows: list[Points], limits: Limits) -> dict[str, int]:
    """Return how many splits keep the limits with no request at all, whatever the chunk."""
    ttft, tpot = (
        np.min([np.asarray(getattr(row.steady, name))[:, 0] for row in rows], axis=0)
        for name in ("ttft_s", "tpot_s")
    )
    unknown = np.isnan(ttft) | np.isnan(tpot)
    late = ttft > limits.ttft_s
    return {
        _BANDWIDTH: int(unknown.sum()),
        _TTFT: int((late & ~unknown).sum()),
        _TPOT: int(((tpot > limits.tpot_s) & ~late & ~unknown).sum()),
    }


def favourite(tried: list[Points]) -> Points:
    """Return each split with its best chunk: the first, unless another gains more than `MARGIN`.

    Parameters
    ----------
    tried : list of Points
        The same splits, with one chunk in each.
    """
    rates = np.array([np.where(one.concurrency >= 1.0, one.per_accelerator, 0.0) for one in tried])
    rates[0] /= 1.0 - MARGIN
    place = np.argmax(rates, axis=0) * rates.shape[1] + np.arange(rates.shape[1])
    return _stacked(tried).take(place)


def _ranked(points: Points) -> Points:
    """Return the points in steps of `MARGIN`, best first, and in each by accelerators.

    Of splits that serve as much, one with fewer accelerators fails and grows in smaller parts.
    """
    if not len(points):
        return points
    rate = points.per_accelerator
    step = np.floor(np.log(rate / rate.max()) / np.log1p(-MARGIN))
    keys = (points.steady.ttft_s, -rate, points.split.accelerators, step)
    return points.take(np.lexsort([np.asarray(key) for key in keys]))


def _front(points: Points, limits: Limits) -> Points:
    """Return the points that no other beats per accelerator and per user at once."""
    points = points.take(np.asarray(points.steady.ttft_s <= limits.ttft_s))
    keys = (points.split.accelerators, -points.per_accelerator, -points.per_user)
    points = points.take(np.lexsort([np.asarray(key) for key in keys]))
    before = np.maximum.accumulate(np.concatenate(([0.0], points.per_accelerator)))[:-1]
    return points.take(points.per_accelerator > before)


def _joined(rows: list[Points], best: Points) -> Points:
    """Return the points of the rows of each split, and the best of each, in one list."""
    flat = [
        Points(
            _whole(row.split, row.concurrency.shape),
            row.concurrency.ravel(),
            _whole(row.steady, row.concurrency.shape),
            row.chunk_tokens.ravel(),
        )
        for row in rows
    ]
    return _stacked([*flat, best])


def _stacked(many: list[Points]) -> Points:
    """Return points one after another."""
    return Points(
        _after([one.split for one in many]),
        np.concatenate([one.concurrency for one in many]),
        _after([one.steady for one in many]),
        np.concatenate([one.chunk_tokens for one in many]),
    )


def _after(records: list[Any]) -> Any:  # noqa: ANN401  of Split or of Steady
    """Return records of arrays as one."""
    return type(records[0])(
        **{
            f.name: np.concatenate([getattr(one, f.name) for one in records])
            for f in fields(records[0])
        }
    )


def _whole(record: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401  Split or Steady
    """Return a record whose arrays all have the shape, made flat."""
    return type(record)(
        **{f.name: np.broadcast_to(getattr(record, f.name), shape).ravel() for f in fields(record)}
    )
