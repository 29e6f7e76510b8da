"""The best separate instances for reading and for answering, and how many of each.

What a request a second costs in accelerators of either kind depends on the other only through the
time that is left to read. So every split that answers, at every concurrency of a row and at the
most that the limit allows, is thinned to those that none beats in accelerators and in time of a
step; splits that read are thinned to those that are best for some time to read. Each pair of them
then gets what it leaves of the limit on the first token. Whole numbers of instances come as close
to the ratio of the flows as they can.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.disaggregated import (
    answering,
    most_answering,
    reading,
    transfer_s,
)
from gigawatt.compute.hosting.planning.capacity import MARGIN
from gigawatt.compute.hosting.planning.space import places_of, splits, taken
from gigawatt.compute.hosting.steady import Mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.disaggregated import Reading
    from gigawatt.compute.hosting.planning.capacity import Limits
    from gigawatt.compute.hosting.planning.space import Room
    from gigawatt.compute.hosting.step import Split

    Floats = NDArray[np.float64]

__all__ = ["Pools", "Separate", "search_separate"]

_GRID: Final = 25
"""Concurrencies of a row."""
_MOST_INSTANCES: Final = 16
"""Instances of a kind in one deployment."""
_BUDGETS: Final = 24
"""Times left to read for each of which the best way to read is a candidate."""


@dataclass(frozen=True, slots=True)
class Pools:
    """One deployment: so many instances that read, so many that answer.

    Parameters
    ----------
    prefill, decode : Split
        How an instance of each kind spreads the model (whole numbers).
    prefill_instances, decode_instances : int
        How many there are.
    requests_per_s : float
        Rate of the deployment.
    concurrency : float
        Requests that each decode instance answers at a time.
    queue_s, reading_s, transfer_s, first_step_s : float
        Parts of the time to the first token beside ingress: waiting for a prefill instance, being
        read, sending the cache, joining a step of answering and that step [s].
    ttft_s, tpot_s : float
        Mean time to the first token, and per further token [s].
    prefill_load, decode_load : float
        Rate over the most that the instances of a kind carry within the limits.
    output_tokens : float
        Of a request.
    chunk_tokens : float
        Tokens of prompts that a step of an attention group takes at most.
    """

    prefill: Split
    decode: Split
    prefill_instances: int
    decode_instances: int
    requests_per_s: float
    concurrency: float
    queue_s: float
    reading_s: float
    transfer_s: float
    first_step_s: float
    ttft_s: float
    tpot_s: float
    prefill_load: float
    decode_load: float
    output_tokens: float
    chunk_tokens: float

    @property
    def accelerators(self) -> int:
        """Accelerators of all instances."""
        first = self.prefill_instances * int(self.prefill.accelerators)
        return first + self.decode_instances * int(self.decode.accelerators)

    @property
    def output_tokens_per_s(self) -> float:
        """Output tokens per second of the deployment."""
        return self.requests_per_s * self.output_tokens

    @property
    def per_accelerator(self) -> float:
        """Output tokens per second of each accelerator."""
        return self.output_tokens_per_s / self.accelerators


@dataclass(frozen=True, slots=True)
class Separate:
    """What a search for separate instances found.

    Parameters
    ----------
    best : tuple of Pools
        Deployments within the limits, best first; empty if there are none.
    front : tuple of dict
        What none beats in tokens per second per accelerator and per user at once, within the limit
        on the first token, in the ideal ratio.
    """

    best: tuple[Pools, ...]
    front: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Question:
    dims: Dims
    server: Server
    mix: Mix
    limits: Limits
    room: Room
    chunk_tokens: float


def search_separate(
    dims: Dims,
    server: Server,
    mix: Mix,
    limits: Limits,
    room: Room,
    chunk_tokens: float,
    top: int = 5,
) -> Separate:
    """Return the best deployments of separate instances within limits on mean latencies.

    Parameters
    ----------
    dims, server, mix, limits : Dims, Server, Mix, Limits
        Model, machine, mean request and what must be kept.
    room : Room
        Accelerators of one instance at most, and their memory.
    chunk_tokens : float
        Tokens of prompts that a step of an attention group takes at most.
    top : int
        Deployments to return.
    """
    asked = _Question(dims, server, mix, limits, room, chunk_tokens)
    every, reasons = splits(dims, room.chips, room.domain)
    every = taken(every, ~np.logical_or.reduce(list(reasons.values())))
    readers, read = _best_readers(asked, *_readers(asked, every))
    answers, number = _answers(asked, every)
    if not len(number) or not len(read.together):
        return Separate((), ())
    found = answering(dims, answers, server, mix, number)
    cost = np.asarray(answers.accelerators / found.requests_per_s)
    step = np.asarray(found.step_s, dtype=float)
    some = _unbeaten(step, cost)
    answers, number, cost, step = taken(answers, some), number[some], cost[some], step[some]
    sent = transfer_s(
        dims,
        server.fabric,
        (taken(readers, np.s_[None, :]), taken(answers, np.s_[:, None])),
        mix.input_tokens,
        room.formats[1],
    )
    passed = server.first_token_s + server.hand_over_s
    left = limits.ttft_s - passed - 1.5 * step[:, None] - sent
    rate = np.nan_to_num(read.highest_rate(np.nan_to_num(left, nan=-1.0)))
    rate = np.minimum(rate, 1.0 / np.maximum(np.nan_to_num(sent), 1e-12))
    with np.errstate(divide="ignore"):
        total = np.asarray(readers.accelerators) / rate + cost[:, None]
    tpot = step / mix.accepted
    reader = np.argmin(total, axis=1)
    least = total[np.arange(len(reader)), reader]
    kept = np.isfinite(least)
    within = kept & (tpot <= limits.tpot_s)
    order = np.argsort(np.where(within, least, np.inf), kind="stable")[: int(within.sum())]
    best = [
        _whole_numbers(
            asked,
            (taken(readers, reader[i]), taken(answers, i)),
            taken(read, reader[i]),
            (rate[i, reader[i]], number[i]),
        )
        for i in order[: 4 * top]
    ]
    return Separate(
        tuple(_ranked(best)[:top]),
        _front(asked, (readers, answers), (reader, kept), (rate, number), least, tpot),
    )


def _readers(asked: _Question, every: Split) -> tuple[Split, Reading]:
    """Return the splits whose memory holds a prompt, as instances that read."""
    prompt = Mix(input_tokens=asked.mix.input_tokens, output_tokens=1.0)
    places = places_of(asked.dims, every, prompt, asked.room)
    fits = places >= 1.0
    kept = taken(every, fits)
    return kept, reading(
        asked.dims, kept, asked.server, asked.mix, asked.chunk_tokens, places[fits]
    )


def _best_readers(asked: _Question, every: Split, read: Reading) -> tuple[Split, Reading]:
    """Return the splits that read with the fewest accelerators within some time."""
    if not len(read.together):
        return every, read
    alone = read.step_s[..., 0]
    left = asked.limits.ttft_s - float(asked.server.first_token_s + asked.server.hand_over_s)
    within = np.array([np.inf])
    if np.isfinite(left):
        within = np.geomspace(min(float(np.nanmin(alone)), left), left, _BUDGETS)
    rate = np.nan_to_num(read.highest_rate(within[:, None]))
    some = np.unique(np.argmax(rate / np.asarray(every.accelerators), axis=1))
    return taken(every, some), taken(read, some)


def _answers(asked: _Question, every: Split) -> tuple[Split, Floats]:
    """Return splits and concurrencies worth a look: a row, and the most within the limit."""
    dims, server, mix, limits = asked.dims, asked.server, asked.mix, asked.limits
    places = places_of(dims, every, mix, asked.room)
    fits = places >= 1.0
    kept = taken(every, fits)
    most = np.floor(places[fits] * np.asarray(kept.attn_dp))
    row = np.floor(most[:, None] ** np.linspace(0.0, 1.0, _GRID) * (1.0 + 1e-12))
    longest = limits.tpot_s * np.asarray(mix.accepted, dtype=float)
    last = most_answering(dims, kept, server, mix, most, longest)
    number = np.concatenate((row, np.maximum(last, 1.0)[:, None]), axis=1)
    index = np.repeat(np.arange(len(most)), number.shape[1])
    return taken(kept, index), number.ravel()


def _unbeaten(first: Floats, second: Floats) -> NDArray[np.int64]:
    """Return which points none beats in two costs at once, by the first of them."""
    order = np.lexsort((second, first))
    order = order[np.isfinite(first[order] + second[order])]
    least = np.minimum.accumulate(np.concatenate(([np.inf], second[order])))[:-1]
    return order[second[order] < least]


def _whole_numbers(
    asked: _Question,
    pools: tuple[Split, Split],
    read: Reading,
    most: tuple[float, float],
) -> Pools:
    """Return the deployment of whole instances that serves most for each accelerator."""
    rate, number = most
    first, second = (_one(one) for one in pools)
    found = answering(asked.dims, second, asked.server, asked.mix, number)
    answered = float(found.requests_per_s)
    counts = np.arange(1.0, _MOST_INSTANCES + 1.0)
    p, d = (axis.ravel() for axis in np.meshgrid(counts, counts, indexing="ij"))
    chips = p * float(first.accelerators) + d * float(second.accelerators)
    flow = np.minimum(p * rate, d * answered)
    each = flow / chips
    step = np.floor(np.log(each / each.max()) / np.log1p(-MARGIN))
    at = np.lexsort((-each, chips, step))[0]
    return _state(asked, (first, second), read, (int(p[at]), int(d[at])), (rate, answered, number))


def _state(
    asked: _Question,
    pools: tuple[Split, Split],
    read: Reading,
    counts: tuple[int, int],
    most: tuple[float, float, float],
) -> Pools:
    """Return a deployment at the flow that both of its pools carry."""
    dims, server, mix = asked.dims, asked.server, asked.mix
    flow = min(counts[0] * most[0], counts[1] * most[1])
    chips = sum(n * float(one.accelerators) for n, one in zip(counts, pools, strict=True))
    waits, reads = (float(t) for t in read.latency_s(flow / counts[0]))
    sent = float(
        transfer_s(dims, server.fabric, pools, mix.input_tokens, asked.room.formats[1], chips)
        + server.hand_over_s
    )
    number = _number(asked, pools[1], flow / counts[1], most[2])
    step = float(answering(dims, pools[1], server, mix, number).step_s)
    begin = 1.5 * step
    return Pools(
        *pools,
        *counts,
        requests_per_s=float(flow),
        concurrency=number,
        queue_s=waits,
        reading_s=reads,
        transfer_s=sent,
        first_step_s=begin,
        ttft_s=float(server.first_token_s) + waits + reads + sent + begin,
        tpot_s=step / float(mix.accepted),
        prefill_load=float(flow / (counts[0] * most[0])),
        decode_load=float(flow / (counts[1] * most[1])),
        output_tokens=float(mix.output_tokens),
        chunk_tokens=asked.chunk_tokens,
    )


def _one(split: Split) -> Split:
    """Return a split of arrays without axes in whole numbers."""
    return type(split)(**{f.name: int(getattr(split, f.name)) for f in fields(split)})


def _number(asked: _Question, split: Split, rate: float, most: float) -> float:
    """Return how many requests of up to `most` an instance answers at a time at a rate."""
    low, high = 0.0, most
    for _ in range(4):  # each narrows by 64
        number = np.linspace(low, high, 65)
        found = answering(asked.dims, split, asked.server, asked.mix, number)
        enough = int(np.argmax(np.asarray(found.requests_per_s) >= rate * (1.0 - 1e-12)))
        low, high = float(number[max(enough - 1, 0)]), float(number[enough])
    return high


def _ranked(best: list[Pools]) -> list[Pools]:
    """Return deployments in steps of `MARGIN`, best first, and in each by accelerators; each once.

    Of one pair of splits only the best counts.
    """
    if not best:
        return []
    top = max(one.per_accelerator for one in best)

    def key(one: Pools) -> tuple[float, float, float]:
        step = np.floor(np.log(one.per_accelerator / top) / np.log1p(-MARGIN))
        return float(step), one.accelerators, -one.per_accelerator

    pairs: dict[tuple[Split, Split], Pools] = {}
    for one in sorted(best, key=key):
        pairs.setdefault((one.prefill, one.decode), one)
    return list(pairs.values())


def _front(
    asked: _Question,
    pools: tuple[Split, Split],
    readers: tuple[NDArray[np.int64], NDArray[np.bool_]],
    most: tuple[Floats, Floats],
    least: Floats,
    tpot: Floats,
) -> tuple[dict[str, Any], ...]:
    """Return what none beats in speed and output, as plain numbers, the fastest first."""
    reader, kept = readers
    rate, number = most
    answered = np.asarray(
        answering(asked.dims, pools[1], asked.server, asked.mix, number).requests_per_s
    )
    found = []
    for i in _unbeaten(tpot, np.where(kept, least, np.inf)):
        first, second = _one(taken(pools[0], reader[i])), _one(taken(pools[1], i))
        found.append(
            {
                "output_tokens_per_s_per_accelerator": float(asked.mix.output_tokens / least[i]),
                "tokens_per_s_per_user": float(1.0 / tpot[i]),
                "tpot_ms": float(1e3 * tpot[i]),
                "concurrency": int(number[i]),
                "prefill": {f.name: int(getattr(first, f.name)) for f in fields(first)},
                "decode": {f.name: int(getattr(second, f.name)) for f in fields(second)},
                "prefill_per_decode": float(answered[i] / rate[i, reader[i]]),
            }
        )
    return tuple(found)
