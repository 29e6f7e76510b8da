r"""The highest rate at which an instance keeps percentiles of its latencies, by simulation.

Users arrive by chance, and the slowest of them wait for each other. So requests are played through
the engine simulation one by one, with the step times of the model, and the rate is bisected until

.. math:: Q_p(t_{first}) \le T_{first}, \qquad Q_p(t_{tok}) \le T_{tok}

just hold, :math:`Q_p` being a percentile over requests. Every probe plays the same draws, its gaps
stretched to its rate, so that two rates differ by nothing but the rate (common random numbers
[1]_). The first third of the requests, while the instance fills, and the last eighth are left out.
The standard error of a percentile is that of its values in ten consecutive batches [1]_, which errs
on the safe side: over a whole simulation the rate is exact, over a batch of it by chance.

References
----------
.. [1] A. M. Law, "Simulation Modeling and Analysis", 5th edition, 2015, sections 11.2 and 9.5.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.step_latency import Instance, instance_latency
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.hosting.engine.latency import Latency
    from gigawatt.compute.hosting.engine.results import Requests
    from gigawatt.compute.hosting.planning.capacity import Limits
    from gigawatt.compute.hosting.requests import Trace
    from gigawatt.compute.hosting.steady import Mix

    Floats = NDArray[np.float64]

__all__ = ["PERCENTILES", "Arrivals", "Case", "Tail", "highest_rate", "play", "trace_of"]

PERCENTILES: Final = (50, 90, 95, 99)
"""Percentiles that are told, and that limits may be on."""

_FEWEST: Final = 4000
"""Requests of a probe at least."""
_BEYOND: Final = 80.0
"""The same that lie beyond the percentile."""
_TURNS: Final = 5.0
"""How often a probe fills the instance beside that, in requests over those in it at a time."""
_BATCHES: Final = 10
"""Consecutive parts of a probe whose percentiles say how far chance moves one."""
_FINISHED: Final = 0.97
"""Share of the arrivals that an instance must finish in the same time; else its line grows."""
_PRECISION: Final = 0.005
"""Relative width at which a bisection ends; chance moves the rate by more."""
_BLOCK_TOKENS: Final = 16
"""Tokens of a KV block: the default of vLLM."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How requests come and differ.

    Parameters
    ----------
    burstiness : float
        Coefficient of variation of the gaps between them: 1 is Poisson, above is bursty.
    length_variation : float
        That of the lengths of prompts and answers, which are lognormal; 0 where all are alike.
    seed : int
        Of the draws.
    """

    burstiness: float = 1.0
    length_variation: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One instance as the engine runs it.

    Parameters
    ----------
    instance : Instance
        Model, split and machine.
    mix : Mix
        The mean request.
    places : float
        Sequences of mean length that the memory of an attention group holds.
    chunk_tokens : float
        Tokens that a step of a group takes at most.
    most_sequences : float
        Cap on the sequences of a group.
    """

    instance: Instance
    mix: Mix
    places: float
    chunk_tokens: float
    most_sequences: float


@dataclass(frozen=True, slots=True)
class Tail:
    """An instance under requests that arrive by chance.

    Parameters
    ----------
    case : Case
        What was simulated.
    requests_per_s : float
        Rate at which they come, and are finished.
    concurrency : float
        Requests in it in the mean.
    ttft_s, tpot_s : dict of str to float
        Mean and percentiles over requests: ``mean``, ``p50``, ``p90``, ``p95``, ``p99`` [s].
    ttft_error_s, tpot_error_s : dict of str to float
        Their standard errors, of the simulation alone [s].
    requests : int
        Requests that they rest on.
    finished : float
        Requests finished over those that arrived in the same time.
    """

    case: Case
    requests_per_s: float
    concurrency: float
    ttft_s: dict[str, float]
    tpot_s: dict[str, float]
    ttft_error_s: dict[str, float]
    tpot_error_s: dict[str, float]
    requests: int
    finished: float

    @property
    def per_accelerator(self) -> float:
        """Requests per second of each accelerator."""
        return self.requests_per_s / float(self.case.instance.split.accelerators)

    def keeps(self, limits: Limits, percentile: int) -> bool:
        """Return whether a percentile of both latencies keeps the limits, and no line grows.

        The standard error of a percentile must fit within the limit too.
        """
        name = f"p{percentile}"
        first = self.ttft_s[name] + self.ttft_error_s[name]
        further = self.tpot_s[name] + self.tpot_error_s[name]
        late = first > limits.ttft_s or further > limits.tpot_s
        return not late and self.finished >= _FINISHED

    def as_dict(self) -> dict[str, Any]:
        """Return what was found as plain numbers, latencies in ms."""

        def told(values: dict[str, float], errors: dict[str, float]) -> dict[str, dict[str, float]]:
            return {n: {"value": 1e3 * v, "error": 1e3 * errors[n]} for n, v in values.items()}

        most = self.case.most_sequences
        return {
            "requests_per_s": self.requests_per_s,
            "concurrency": self.concurrency,
            "ttft_ms": told(self.ttft_s, self.ttft_error_s),
            "tpot_ms": told(self.tpot_s, self.tpot_error_s),
            "chunk_tokens": int(self.case.chunk_tokens),
            "max_sequences": int(most) if np.isfinite(most) else None,
            "requests": self.requests,
        }


def trace_of(mix: Mix, arrivals: Arrivals, percentile: int, concurrency: float) -> Trace:
    """Return requests at one a second, as many as a percentile needs.

    Parameters
    ----------
    mix : Mix
        The mean request; only what is not cached is read.
    arrivals : Arrivals
        How requests come and differ.
    percentile : int
        Percentile in question.
    concurrency : float
        Requests that are in an instance at a time, about.
    """
    from gigawatt.compute.hosting import arrivals as draw  # noqa: PLC0415  only where it is played

    beyond = _BEYOND / (1.0 - percentile / 100.0)
    count = int(max(_FEWEST, beyond) + _TURNS * concurrency)
    prompt = max(float(mix.input_tokens) * (1.0 - float(mix.cached_share)), 1.0)
    output, varied = max(float(mix.output_tokens), 1.0), arrivals.length_variation
    lengths = draw.fixed_lengths(count, round(prompt), round(output))
    if varied > 0:
        lengths = draw.lognormal_lengths(
            count, (prompt, varied), (output, varied), seed=arrivals.seed + 1
        )
    gaps = draw.gamma(count, 1.0, arrivals.burstiness, seed=arrivals.seed)
    return draw.synthetic(gaps, lengths)


def play(case: Case, latency: Latency, trace: Trace) -> Requests:
    """Return a trace played through one instance.

    Parameters
    ----------
    case : Case
        The instance.
    latency : Latency
        Its steps (`step_latency.instance_latency`).
    trace : Trace
        Requests at the rate in question.

    Raises
    ------
    InputError
        If a request never fits into the memory.
    """
    from gigawatt.compute.hosting.engine.config import EngineConfig  # noqa: PLC0415
    from gigawatt.compute.hosting.engine.simulate import simulate_requests  # noqa: PLC0415

    split, mix = case.instance.split, case.mix
    groups = int(split.attn_dp)
    drafts = int(np.ceil(float(mix.accepted) - 1.0))
    budget = int(case.chunk_tokens) * groups
    most = min(case.most_sequences * groups, budget // (1 + drafts), len(trace))
    # What is cached takes memory too, but the engine does not know of it.
    tokens = case.places * groups * (float(mix.context) - case.instance.before_tokens)
    engine = EngineConfig(
        kv_blocks=max(int(tokens // _BLOCK_TOKENS), 1),
        token_budget=budget,
        max_sequences=max(int(most), 1),
        block_tokens=_BLOCK_TOKENS,
        stages=int(split.pp),
        ingress_s=float(case.instance.server.first_token_s),
        draft_tokens=drafts,
        accepted_per_step=float(mix.accepted) if drafts else 0.0,
    )
    return simulate_requests(trace, engine, latency)


def measured(case: Case, run: Requests) -> Tail:
    """Return what a simulation says of an instance, without its begin and end."""
    count = len(run.trace)
    begin, end = count // 3, count - count // 8
    arrival = run.trace.arrival_s
    inside = (run.finish_s >= arrival[begin]) & (run.finish_s < arrival[end - 1])
    rate = (count - 1) / run.trace.duration_s
    ttft, tpot = run.ttft_s[begin:end], run.tpot_s[begin:end]
    (first, first_error), (further, further_error) = _told(ttft), _told(np.nan_to_num(tpot))
    return Tail(
        case,
        float(rate),
        float(rate * run.e2e_s[begin:end].mean()),  # Little's law
        first,
        further,
        first_error,
        further_error,
        end - begin,
        float(inside.sum() / (end - 1 - begin)),
    )


def _told(values: Floats) -> tuple[dict[str, float], dict[str, float]]:
    """Return mean and percentiles of a latency, and their standard errors."""
    parts = np.array_split(values, _BATCHES)
    told, errors = {}, {}
    for name, q in (("mean", None), *((f"p{q}", q) for q in PERCENTILES)):
        whole, *each = (
            float(some.mean() if q is None else np.percentile(some, q)) for some in (values, *parts)
        )
        told[name], errors[name] = whole, float(np.std(each, ddof=1) / np.sqrt(_BATCHES))
    return told, errors


def highest_rate(
    case: Case,
    arrivals: Arrivals,
    limits: Limits,
    percentile: int,
    most_per_s: float,
    *,
    at_least_per_s: float = 0.0,
    concurrency: float = 0.0,
) -> Tail | None:
    """Return an instance at the highest rate at which a percentile of its latencies keeps limits.

    Parameters
    ----------
    case : Case
        The instance.
    arrivals : Arrivals
        How requests come and differ.
    limits : Limits
        Limits on the percentile.
    percentile : int
        One of `PERCENTILES`.
    most_per_s : float
        Rate that it cannot finish [1/s].
    at_least_per_s : float
        Rate that is tried first; below it nothing is of interest [1/s].
    concurrency : float
        Requests that it has at a time at the most, about.

    Returns
    -------
    Tail or None
        None where not even a hundredth of `most_per_s`, or `at_least_per_s`, keeps the limits.
    """
    latency = instance_latency(case.instance)
    trace = trace_of(case.mix, arrivals, percentile, concurrency)

    def at(rate: float) -> Tail:
        return measured(case, play(case, latency, trace.at_rate(rate)))

    low = max(at_least_per_s, 0.01 * most_per_s)
    if low >= most_per_s:
        return None
    try:
        best = at(low)
    except InputError:  # a request that never fits
        return None
    if not best.keeps(limits, percentile):
        return None
    high = most_per_s
    while high / low - 1.0 > _PRECISION:
        middle = 0.5 * (low + high)
        found = at(middle)
        if found.keeps(limits, percentile):
            low, best = middle, found
        else:
            high = middle
    return best
