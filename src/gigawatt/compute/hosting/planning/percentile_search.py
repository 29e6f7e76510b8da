"""The best split and batching under requests that arrive by chance, each tried by simulation.

The steady search names the candidates: the best splits within the limits on means, and within
tighter ones, as a high percentile keeps a limit only where the mean lies well below it. Each is
simulated, the best then with several caps on its sequences and several chunks. One that does not
beat the best so far at its rate is dropped after that one probe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.hosting.planning.capacity import MARGIN, Limits, highest_concurrency, search
from gigawatt.compute.hosting.planning.percentiles import Case, highest_rate
from gigawatt.compute.hosting.planning.question import one_split
from gigawatt.compute.hosting.planning.space import places_of
from gigawatt.compute.hosting.step_latency import Instance
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gigawatt.compute.hosting.planning.capacity import Points
    from gigawatt.compute.hosting.planning.percentiles import Arrivals, Tail
    from gigawatt.compute.hosting.planning.question import Question

__all__ = ["Simulated", "simulate_best"]

_TIGHTER: Final = (1.0, 0.5, 0.25)
"""Shares of the limits within which candidates are looked for."""
_EACH: Final = 2
"""Candidates of each."""
_CAN_NOT: Final = 1.3
"""Over the throughput of the steady model: no simulation finishes so much."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was found by simulation.

    Parameters
    ----------
    tails : tuple of Tail
        Instances at the highest rate within the limits, best first; each split once.
    splits : int
        Splits that were simulated.
    """

    tails: tuple[Tail, ...]
    splits: int


def simulate_best(
    question: Question,
    percentile: int,
    arrivals: Arrivals,
    stated: Points | None = None,
) -> Simulated:
    """Return the best instances whose percentile keeps the limits.

    Parameters
    ----------
    question : Question
        Model, machine, request, limits, and the chunks and caps that may be used.
    percentile : int
        Percentile that the limits are on.
    arrivals : Arrivals
        How requests come and differ.
    stated : Points, optional
        Look at this split only.

    Raises
    ------
    InputError
        If nothing keeps the limits.
    """
    points = list(_candidates(question) if stated is None else _each(stated))
    tails: list[Tail] = []
    for point in points:
        batching = (question.chunks[0], _caps(question, point)[0])
        _try(question, percentile, arrivals, point, batching, tails)
    if tails:
        point = _point_of(points, tails[-1])
        for cap in _caps(question, point)[1:]:
            _try(question, percentile, arrivals, point, (question.chunks[0], cap), tails)
        for chunk in question.chunks[1:]:
            batching = (chunk, tails[-1].case.most_sequences)
            _try(question, percentile, arrivals, point, batching, tails)
    if not tails:
        message = (
            f"no split keeps P{percentile} of its latencies within the limits: "
            f"{len(points)} were simulated, the best within limits on the means"
        )
        raise InputError(message)
    return Simulated(tuple(_distinct(reversed(tails))), len(points))


def _candidates(question: Question) -> Iterable[Points]:
    """Yield splits worth a simulation, the most promising first, each once."""
    server, limits = replace(question.machine[0], waves=0.0), question.limits
    seen = set()
    for share in _TIGHTER:
        tight = Limits(share * limits.ttft_s, share * limits.tpot_s)
        found = search(
            question.dims, server, question.mix, tight, question.room, question.chunks[:1]
        )
        # The steady model takes attention groups to read at the same time; a simulation does not,
        # so that one group may turn out better than it says.
        alone = np.asarray(found.best.split.attn_dp) == 1
        some = np.arange(len(found.best)) < _EACH
        some |= alone & (np.cumsum(alone) == 1)
        for point in _each(found.best.take(some)):
            key = one_split(point.split, 0)
            if key not in seen:
                seen.add(key)
                yield point


def _each(points: Points) -> Iterable[Points]:
    for i in range(len(points)):
        yield points.take(np.array([i]))


def _caps(question: Question, point: Points) -> Sequence[float]:
    """Return caps on the sequences of a group: powers of two about those of the steady state."""
    if question.most_sequences is not None:
        return (float(question.most_sequences),)
    about = max(float(point.concurrency[0]) / one_split(point.split, 0).attn_dp, 1.0)
    power = float(np.ceil(np.log2(about)))
    # One that is never reached lets all in that the memory holds.
    return (2.0**power, 2.0 ** (power - 1.0), np.inf) if power > 0 else (1.0, np.inf)


def _try(
    question: Question,
    percentile: int,
    arrivals: Arrivals,
    point: Points,
    batching: tuple[float, float],
    tails: list[Tail],
) -> None:
    """Add what a candidate serves if it is better than the last of `tails`."""
    dims, mix, (chunk, cap) = question.dims, question.mix, batching
    server = question.machine[0]
    split = point.split
    memory = replace(question.room, most_sequences=np.inf)
    places = places_of(dims, split, mix, memory)
    most = min(cap, float(places[0]))
    free, _ = highest_concurrency(
        dims, replace(server, waves=0.0), mix, Limits(), split, np.array([most]), chunk
    )
    accelerators = float(np.asarray(split.accelerators)[0])
    least = 0.0
    if tails:
        fewer = accelerators < float(tails[-1].case.instance.split.accelerators)
        margin = -MARGIN if fewer else MARGIN
        least = tails[-1].per_accelerator * accelerators * (1.0 + margin)
    before = float(mix.input_tokens) * float(mix.cached_share)
    found = highest_rate(
        Case(
            Instance(dims, one_split(split, 0), server, before), mix, float(places[0]), chunk, cap
        ),
        arrivals,
        question.limits,
        percentile,
        _CAN_NOT * float(np.asarray(free.steady.output_tokens_per_s)[0]) / float(mix.output_tokens),
        at_least_per_s=least,
        concurrency=float(point.concurrency[0]),
    )
    if found is not None:
        tails.append(found)


def _distinct(tails: Iterable[Tail]) -> Iterable[Tail]:
    seen = set()
    for tail in tails:
        key = tail.case.instance.split
        if key not in seen:
            seen.add(key)
            yield tail


def _point_of(points: Sequence[Points], tail: Tail) -> Points:
    return next(p for p in points if one_split(p.split, 0) == tail.case.instance.split)
