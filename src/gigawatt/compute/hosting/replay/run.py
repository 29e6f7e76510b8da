"""Replay a trace of requests on instances whose steps take what the calibrated model says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.hosting.estimate import serving_bands
from gigawatt.compute.hosting.fleet.surface import rated_power_w
from gigawatt.compute.hosting.planning.plan import plan_hosting
from gigawatt.compute.hosting.replay.deployment import (
    BLOCK_TOKENS,
    CHUNK_TOKENS,
    Deployment,
    engine_asked,
)
from gigawatt.compute.hosting.replay.fewest import Trial, best_for_the_longest, fewest_accelerators
from gigawatt.compute.hosting.replay.goals import Goals, Runs
from gigawatt.compute.hosting.replay.report import Replay
from gigawatt.compute.hosting.replay.slower import simulate_slower
from gigawatt.compute.hosting.replay.spending import full_load, it_energy_j, spending_of
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.traces import read_trace
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gigawatt.compute.hosting.engine.config import EngineConfig
    from gigawatt.compute.hosting.planning.plan import HostingPlan
    from gigawatt.compute.hosting.replay.report import Spending
    from gigawatt.compute.hosting.requests import Trace
    from gigawatt.compute.hosting.traces import TraceFormat

    Says = Callable[[str], None]

__all__ = ["Replay", "replay_requests"]

_SPLITS: Final = 64  # that a plan may offer until one holds the longest request
_BUCKETS: Final = 2048  # of the timeline, until the last request comes
_LEAST_BUCKET_S: Final = 0.1
_SAYS_FROM: Final = 10_000  # requests of a trace above which progress is told


def replay_requests(  # noqa: PLR0913  each is a question of its own to the user
    model: str,
    chip: str,
    trace: str | Path | Trace,
    *,
    columns: TraceFormat | None = None,
    split: Mapping[str, int] | None = None,
    replicas: int | None = None,
    pools: tuple[int, int] | None = None,
    ttft_ms: float | None = None,
    tpot_ms: float | None = None,
    percentile: float = 99.0,
    sure: bool = False,
    policy: str = "vllm",
    router: str | None = None,
    chunk_tokens: int = CHUNK_TOKENS,
    max_sequences: int | None = None,
    prefix_cache: bool | None = None,
    accepted: float = 1.0,
    speed: float = 1.0,
    limit: int | None = None,
    weights: str | None = None,
    cache: str | None = None,
    software: str = "vllm",
    max_chips: int | None = None,
    usd_per_chip_hour: float | None = None,
    pue: float | None = None,
    seed: int = 0,
    progress: Says | None = None,
) -> Replay:
    """Play a trace through instances of a model, request by request.

    The engine simulation batches, pages, caches and routes as a serving engine does; the time of
    each batch is that of the step model calibrated on published measurements.

    Parameters
    ----------
    model : str
        A model of the catalogue, or the path of a Hugging Face ``config.json``.
    chip : str
        An accelerator of the catalogue.
    trace : path or Trace
        A file that `read_trace` reads, or requests in memory.
    columns : TraceFormat, optional
        Names of the file's columns, where it is of no known format.
    split : mapping, optional
        Fields of `Split`; by default one of the best that `plan_hosting` finds for the mean
        lengths: it holds the longest request, and keeps the limits for requests that never meet.
    replicas : int, optional
        Instances; by default as many as keep the percentile of each latency within its limit on
        the fewest accelerators.
    pools : tuple of int, optional
        Instances that only read prompts and instances that only answer, in place of `replicas`.
    ttft_ms, tpot_ms : float, optional
        Limits on the time to the first token and per further token of a request; None for none.
    percentile : float
        Percentile that keeps the limits where `replicas` are sought.
    sure : bool
        Let its P90 keep the limits too.
    policy : str
        How the engine batches: ``vllm``, ``sarathi``, ``orca`` or ``prefill-first``.
    router : str, optional
        ``round-robin``, ``least-requests``, ``least-tokens`` or ``prefix``; by default *prefix*
        with a prefix cache and *least-requests* without.
    chunk_tokens : int
        Tokens of a batch, of prompts and answers.
    max_sequences : int, optional
        Requests that run at once in an attention group; by default 1,024, or as many as
        `chunk_tokens` has room for.
    prefix_cache : bool, optional
        Keep the blocks of prompts; by default where the trace has their hashes.
    accepted : float
        Tokens that a sequence gains in a step: more than 1 with speculative decoding, of as many
        drafts as `accepted` has whole tokens.
    speed : float
        How much faster than recorded the requests come.
    limit : int, optional
        Play the first so many requests only.
    weights, cache, software, max_chips, usd_per_chip_hour, pue
        As in `plan_hosting`.
    seed : int
        Of what is drawn by chance: which drafts are accepted.
    progress : callable, optional
        Told in words what happens, where that may take a while.

    Returns
    -------
    Replay

    Raises
    ------
    InputError
        If the trace or an argument is wrong, the model or a request does not fit, or no number of
        instances keeps the limits.
    NotModelledError
        If a figure is needed that nobody published.

    Examples
    --------
    >>> from gigawatt.compute.hosting import arrivals
    >>> lengths = arrivals.fixed_lengths(100, 1000, 200)
    >>> trace = arrivals.synthetic(arrivals.poisson(100, 2.0), lengths)
    >>> found = replay_requests("llama-3.1-8b", "h100", trace, replicas=1, tpot_ms=50)
    >>> found.share_within_limits.value
    1.0
    """
    _check(
        {"ttft_ms": ttft_ms, "tpot_ms": tpot_ms, "speed": speed},
        {"replicas": replicas, "limit": limit, "chunk_tokens": chunk_tokens,
         "max_sequences": max_sequences, "accepted": accepted},
        percentile,
    )  # fmt: skip
    ttft_s, tpot_s = (np.inf if ms is None else ms / 1e3 for ms in (ttft_ms, tpot_ms))
    goals = Goals(ttft_s, tpot_s, percentile, sure)
    fleet = _fleet(replicas, pools, goals)
    engine = engine_asked(
        policy, router=router, chunk_tokens=chunk_tokens, max_sequences=max_sequences,
        accepted=accepted, seed=seed,
    )  # fmt: skip
    played = _played(trace, columns, limit, speed)
    says = progress if progress and len(played) >= _SAYS_FROM else _nothing
    says(f"{len(played):,} requests read")
    engine = _with_cache(engine, played, prefix_cache, router)
    stated = {
        "weights": weights, "cache": cache, "software": software, "accepted": accepted,
        "usd_per_chip_hour": usd_per_chip_hour, "pue": pue, "max_chips": max_chips,
    }  # fmt: skip
    plan, trials = _trials(model, chip, played, split, engine, goals, stated)
    if fleet is None:
        guesses = [_guess(plan, trial) for trial in trials]
        kind, count = fewest_accelerators(trials, guesses, says)
        fleet = (count, 0)
    else:
        kind = (best_for_the_longest(trials) if goals.stated else trials)[0].deployment
    says(f"playing them on {fleet[0]:,} instances: as predicted, faster and slower")
    chosen = kind.engine(*fleet)
    runs = _runs(kind, chosen, played)
    spending = _spending(kind, chosen, runs, usd_per_chip_hour, pue)
    return Replay(
        model=kind.arch.name,
        chip=kind.setting.chip.id,
        weights=plan.weights,
        cache=plan.cache,
        software=plan.software,
        split=kind.split,
        instances=fleet[0],
        prefill_instances=fleet[1],
        engine=chosen,
        goals=goals,
        runs=runs,
        spending=spending,
        notes=(*_notes(kind, chosen), *spending.notes),
    )


def _nothing(_: str) -> None:
    """Say nothing."""


def _check(
    above_zero: Mapping[str, float | None], at_least_one: Mapping[str, float | None],
    percentile: float,
) -> None:  # fmt: skip
    """Refuse numbers that mean nothing."""
    wrong = [
        f"{name} must be above 0; found {value:g}"
        for name, value in above_zero.items()
        if value is not None and not 0.0 < value < np.inf
    ]
    wrong += [
        f"{name} must be at least 1; found {value:g}"
        for name, value in at_least_one.items()
        if value is not None and not 1 <= value < np.inf
    ]
    if not 0.0 < percentile <= 100.0:
        wrong.append(f"percentile must be above 0 and at most 100; found {percentile:g}")
    if wrong:
        raise InputError("; ".join(wrong))


def _fleet(
    replicas: int | None, pools: tuple[int, int] | None, goals: Goals
) -> tuple[int, int] | None:
    """Return instances and those of them that only read prompts; None where they are sought."""
    if pools is not None:
        if replicas is not None:
            message = "instances are stated as replicas or as pools, not as both"
            raise InputError(message)
        if min(pools) < 1:
            message = f"pools need at least one instance each; found {pools}"
            raise InputError(message)
        return sum(pools), pools[0]
    if replicas is not None:
        return replicas, 0
    if not goals.stated:
        message = "state a limit (ttft_ms, tpot_ms) to find how many replicas keep it, or replicas"
        raise InputError(message)
    return None


def _played(
    trace: str | Path | Trace, columns: TraceFormat | None, limit: int | None, speed: float
) -> Trace:
    """Return the requests that are to be played."""
    found = read_trace(trace, columns) if isinstance(trace, str | Path) else trace
    found = found if limit is None else found.head(min(limit, len(found)))
    return replace(found, arrival_s=(found.arrival_s - found.arrival_s[0]) / speed)


def _with_cache(
    engine: EngineConfig, trace: Trace, wanted: bool | None, router: str | None
) -> EngineConfig:
    """Return the engine with a prefix cache where that is wanted and the trace has hashes."""
    has = trace.hash_tokens > 0
    if (wanted or router == "prefix") and not has:
        message = (
            "a prefix cache needs a trace with hashes of its prompts' blocks, as Mooncake's has"
        )
        raise InputError(message)
    kept = has if wanted is None else wanted
    if router == "prefix" and not kept:
        message = "the router 'prefix' needs the prefix cache"
        raise InputError(message)
    longest = int((trace.prompt_tokens + trace.output_tokens).max())
    return replace(
        engine,
        prefix_cache=kept,
        router=router or ("prefix" if kept else "least-requests"),
        longest_tokens=longest,
    )


def _trials(
    model: str, chip: str, trace: Trace, split: Mapping[str, int] | None, engine: EngineConfig,
    goals: Goals, stated: Mapping[str, str | float | None],
) -> tuple[HostingPlan, list[Trial]]:  # fmt: skip
    """Return the plan for the mean request, and those of its splits that hold the longest."""
    limits = {} if split else {"ttft_ms": goals.ttft_s * 1e3, "tpot_ms": goals.tpot_s * 1e3}
    asked: dict[str, Any] = {k: v for k, v in stated.items() if v is not None}
    asked |= {name: ms for name, ms in limits.items() if np.isfinite(ms)}
    plan = plan_hosting(
        model, chip, input_tokens=float(trace.prompt_tokens.mean()),
        output_tokens=float(trace.output_tokens.mean()), split=split, top=_SPLITS,
        sure=goals.sure and not split, **asked,
    )  # fmt: skip
    entry = catalog.load().get("chip", chip)
    setting = ServingSetting(entry, plan.weights, plan.cache, plan.software)
    arch, longest = architecture(model), engine.longest_tokens
    context = float(plan.mix.context)
    kinds = [Deployment(arch, setting, one.split, engine, context) for one in plan.instances]
    if fitting := [kind for kind in kinds if kind.holds(longest)]:
        return plan, [Trial(kind, trace, goals, *_errors(kind)) for kind in fitting]
    room = max(kind.group_blocks for kind in kinds) * BLOCK_TOKENS
    message = (
        f"the longest request has {longest:,} tokens, and beside {arch.name} in {plan.weights} on "
        f"{entry.id} at most {room:,} fit into an attention group of the best splits; more "
        "accelerators hold it (max_chips, split), or narrower formats"
    )
    raise InputError(message)


def _errors(kind: Deployment) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return P10 and P90 of measured over predicted: first token, and further tokens."""
    bands, _ = serving_bands(kind.arch, kind.setting, kind.machine[2])
    return bands["ttft"][:2], bands["tpot"][:2]


def _guess(plan: HostingPlan, trial: Trial) -> int:
    """Return the instances of a kind that the mean load needs, by the plan."""
    trace, split = trial.trace, trial.deployment.split
    if trace.duration_s == 0.0:
        return 1
    one = next(one for one in plan.instances if one.split == split)
    load = float(trace.output_tokens.sum()) / trace.duration_s
    return max(int(np.ceil(load / one.output_tokens_per_s.value)), 1)


def _runs(kind: Deployment, engine: EngineConfig, trace: Trace) -> Runs:
    """Return the trace on the machine as predicted, and as much faster and slower as it may be."""
    first, further = _errors(kind)
    bucket_s = max(trace.duration_s / _BUCKETS, _LEAST_BUCKET_S)
    central, fast, slow = (
        simulate_slower(trace, engine, kind.latency, factor, bucket_s=bucket_s)
        for factor in (1.0, *further)
    )
    return Runs(central, fast, slow, first, further)


def _spending(
    kind: Deployment, engine: EngineConfig, runs: Runs, usd_per_chip_hour: float | None,
    pue: float | None,
) -> Spending:  # fmt: skip
    """Return what the fleet draws and costs over the trace."""
    chip, trace = kind.setting.chip, runs.central.trace
    many = int(kind.split.accelerators)
    energy_j = None
    if "all_in_it_kw" in chip:
        full = full_load(
            kind.latency, engine, float(trace.prompt_tokens.mean()),
            float(trace.output_tokens.mean()), kind.groups,
        )  # fmt: skip
        power_w = rated_power_w(chip)[:2]
        energy_j = [
            it_energy_j(one, engine, full, many, power_w)
            for one in (runs.central, runs.fast, runs.slow)
        ]
    return spending_of(
        chip, engine.replicas * many, runs, energy_j, usd_per_chip_hour=usd_per_chip_hour, pue=pue
    )


def _notes(kind: Deployment, engine: EngineConfig) -> list[str]:
    """Say what was assumed."""
    _, extrapolated = serving_bands(kind.arch, kind.setting, kind.machine[2])
    found = [
        *extrapolated,
        "bands: the errors on published mean latencies, and what they do to the queue",
    ]
    if kind.groups > 1:
        found.append(
            "requests are spread evenly over the attention groups of an instance, "
            + ("and a prefix that one of them caches is found by all" if engine.prefix_cache
               else "which work in step")
        )  # fmt: skip
    if engine.draft_tokens:
        found.append(
            f"{engine.draft_tokens} drafts a step, each accepted with a chance of "
            f"{engine.acceptance:.2f}; making and checking them takes no time here"
        )
    if engine.prefill_replicas:
        near = kind.near(engine.replicas)
        found.append(
            f"KV goes to the answering instance over the {'scale-up' if near else 'scale-out'} "
            "network, which then streams the first token too"
        )
    return found
