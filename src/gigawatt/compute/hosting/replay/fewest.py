"""The fewest accelerators with which a trace keeps its limits, found by playing it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.hosting.engine.simulate import simulate_requests
from gigawatt.compute.hosting.replay.slower import simulate_slower
from gigawatt.compute.hosting.requests import Trace
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gigawatt.compute.hosting.engine.config import EngineConfig
    from gigawatt.compute.hosting.engine.results import Requests
    from gigawatt.compute.hosting.replay.deployment import Deployment
    from gigawatt.compute.hosting.replay.goals import Goals

__all__ = ["Trial", "best_for_the_longest", "fewest_accelerators"]

_MOST: Final = 4096  # instances that are tried before the search gives up
_APART_S: Final = 1e5  # between requests that shall never meet
_KINDS: Final = 8  # of instance that are played
_SAMPLE: Final = 2000  # requests of a trace on which many kinds of instance are tried


@dataclass(frozen=True, slots=True)
class Trial:
    """A trace, and what is asked of the instances that serve it.

    Parameters
    ----------
    deployment : Deployment
        Kind of instance.
    trace : Trace
        The requests.
    goals : Goals
        Limits, and the percentile that keeps them.
    first, further : tuple of float
        P10 and P90 of measured over predicted time to the first token and per further token; the
        P90 is read where it must keep the limits too.
    """

    deployment: Deployment
    trace: Trace
    goals: Goals
    first: tuple[float, float]
    further: tuple[float, float]

    @property
    def accelerators(self) -> int:
        """Accelerators of an instance."""
        return int(self.deployment.split.accelerators)

    def excess(self, trace: Trace, engine: EngineConfig) -> float:
        """Return the percentiles of a fleet over their limits, the larger; up to 1 they are kept.

        Parameters
        ----------
        trace : Trace
            What is played.
        engine : EngineConfig
            The fleet.
        """
        goals, latency = self.goals, self.deployment.latency
        found = simulate_requests(trace, engine, latency)
        central = goals.excess(found.ttft_s, found.tpot_s)
        if not goals.sure or central > 1.0:
            return central
        worst = simulate_slower(trace, engine, latency, self.further[1])
        return goals.excess(
            np.maximum(found.ttft_s * self.first[1], worst.ttft_s),
            np.maximum(found.tpot_s * self.further[1], worst.tpot_s),
        )


def best_for_the_longest(trials: Sequence[Trial], most: int = 1) -> list[Trial]:
    """Return the first kinds of instance that keep the limits for requests that never meet.

    Mean lengths, for which a plan is made, say little of the longest prompts. Where no kind keeps
    the limits, the one that comes nearest is returned: with a prefix cache, which is left out of
    this look, it still may.

    Parameters
    ----------
    trials : sequence of Trial
        Kinds of instance for the same trace, best first.
    most : int
        Kinds to return.
    """
    trace = trials[0].trace
    some = slice(None, None, -(-len(trace) // _SAMPLE))
    prompts, answers = trace.prompt_tokens[some], trace.output_tokens[some]
    times = _APART_S * np.arange(float(prompts.size))
    sample = Trace(arrival_s=times, prompt_tokens=prompts, output_tokens=answers)
    excess, found = [], []
    for trial in trials:
        plain = replace(trial.deployment.engine(1), prefix_cache=False, router="round-robin")
        excess.append(trial.excess(sample, plain))
        if excess[-1] <= 1.0:
            found.append(trial)
        if len(found) == most:
            break
    return found or [trials[int(np.argmin(excess))]]


def fewest_accelerators(
    trials: Sequence[Trial], guesses: Sequence[int], says: Callable[[str], None]
) -> tuple[Deployment, int]:
    """Return the kind of instance, and how many, that keep the limits on fewest accelerators.

    Kinds are tried in the order of the accelerators that the load should need. After the first,
    each is played once with one accelerator less than the best so far, and only if that keeps the
    limits its own fewest are looked for.

    Parameters
    ----------
    trials : sequence of Trial
        Kinds of instance for the same trace.
    guesses : sequence of int
        Instances of each that the mean load should need.
    says : callable
        Told of each number that is tried.

    Raises
    ------
    InputError
        If no number of instances keeps the limits.
    """
    wanted = [g * t.accelerators for t, g in zip(trials, guesses, strict=True)]
    order = sorted(range(len(trials)), key=wanted.__getitem__)
    guess = {id(trial): g for trial, g in zip(trials, guesses, strict=True)}
    first, *others = best_for_the_longest([trials[i] for i in order], _KINDS)
    best, count = first, _fewest(first, guess[id(first)], says)
    for trial in others:
        most = (best.accelerators * count - 1) // trial.accelerators
        if most and _enough(trial, most, says):
            best, count = trial, _between(trial, 0, most, says)
    return best.deployment, count


def _fewest(trial: Trial, guess: int, says: Callable[[str], None]) -> int:
    """Return the fewest instances of a kind that keep the limits, by doubling and bisection.

    More instances are taken to be no worse. With routers that look at load that holds but for
    chance near the limit.
    """
    trace, alone = trial.trace, trial.deployment.engine(1)
    apart = replace(trace, arrival_s=_APART_S * np.arange(float(len(trace))))
    if trial.excess(apart, alone) > 1.0:
        found = simulate_requests(apart, alone, trial.deployment.latency)
        raise InputError(_unreachable(trial, found))
    low, high = 0, min(guess, _MOST)
    while not _enough(trial, high, says):
        if high == _MOST:
            percentile = trial.goals.percentile
            message = f"not even {high:,} instances keep the limits in the P{percentile:g}"
            raise InputError(message)
        low, high = high, min(2 * high, _MOST)
    return _between(trial, low, high, says)


def _between(trial: Trial, low: int, high: int, says: Callable[[str], None]) -> int:
    """Return the fewest instances, more than `low`, where `high` are enough."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _enough(trial, middle, says) else (middle, high)
    return high


def _enough(trial: Trial, instances: int, says: Callable[[str], None]) -> bool:
    says(f"trying {instances:,} x {trial.accelerators:,} accelerators ({_degrees(trial)})")
    return trial.excess(trial.trace, trial.deployment.engine(instances)) <= 1.0


def _unreachable(trial: Trial, alone: Requests) -> str:
    """Say that the limits are not kept even where requests never meet."""
    goals, told = trial.goals, []
    for what, values, limit_s in (
        ("time to the first token", alone.ttft_s, goals.ttft_s),
        ("time per token", alone.tpot_s[np.isfinite(alone.tpot_s)], goals.tpot_s),
    ):
        if np.isfinite(limit_s) and values.size:
            ms = 1e3 * float(np.percentile(values, goals.percentile))
            told.append(f"{what} is {ms:,.4g} ms (limit {1e3 * limit_s:,g} ms)")
    sure = ", and its P90 must keep the limit too" if goals.sure else ""
    return (
        f"no number of instances with the split {_degrees(trial)} keeps the limits: for requests "
        f"that never meet, the P{goals.percentile:g} of the {' and of the '.join(told)}{sure}; "
        "state another split, other limits or a lower percentile"
    )


def _degrees(trial: Trial) -> str:
    split = trial.deployment.split
    many = {name: int(getattr(split, name)) for name in ("tp", "attn_dp", "pp", "ep")}
    return ",".join(f"{name}={n}" for name, n in many.items() if n > 1) or "tp=1"
