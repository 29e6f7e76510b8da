"""Simulate a trace of requests on a fleet of replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.engine import columns
from gigawatt.compute.hosting.engine.latency import FEATURES, Latency, TableLatency
from gigawatt.compute.hosting.engine.results import Batches, Requests, timeline
from gigawatt.errors import GigawattError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.hosting.engine.config import EngineConfig
    from gigawatt.compute.hosting.requests import Trace

    Ints = NDArray[np.int64]

__all__ = ["simulate_requests"]

_BUCKETS: Final = 4096  # of the timeline
_LOG_ROWS: Final = 20_000  # batches logged between two looks of Python


def simulate_requests(
    trace: Trace,
    engine: EngineConfig,
    latency: Latency | TableLatency,
    *,
    log_batches: bool = False,
    bucket_s: float = 1.0,
) -> Requests:
    """Play a trace through an engine, event by event.

    Parameters
    ----------
    trace : Trace
        Requests, of a file or made up.
    engine : EngineConfig
        Replicas, policy, memory, routing and delays.
    latency : Latency or TableLatency
        How long a batch takes.
    log_batches : bool
        Keep every batch and what it was made of.
    bucket_s : float
        Width of the timeline's buckets; doubled as often as a long simulation needs [s].

    Returns
    -------
    Requests
        Times of every request, counters of every replica, timeline.

    Raises
    ------
    InputError
        If a request can never fit into the memory of a replica, the trace lacks the hashes that a
        prefix cache needs, or the latency model gives a negative or infinite time.

    Examples
    --------
    >>> from gigawatt.compute.hosting.engine.config import EngineConfig
    >>> from gigawatt.compute.hosting.engine.latency import Table
    >>> from gigawatt.compute.hosting.requests import Trace
    >>> trace = Trace(
    ...     arrival_s=np.array([0.0]), prompt_tokens=np.array([100]), output_tokens=np.array([3])
    ... )
    >>> step = TableLatency((Table(("tokens",), ([0, 100],), [0.01, 0.02]),))
    >>> simulate_requests(trace, EngineConfig(kv_blocks=100), step).e2e_s.round(4)
    array([0.0402])
    """
    from gigawatt.compute.hosting.engine.kernel import advance  # noqa: PLC0415  loads Numba

    model = latency.model() if isinstance(latency, TableLatency) else latency
    if not 0 < bucket_s < np.inf:
        message = f"bucket_s must be a finite float above 0. Got {bucket_s!r} instead."
        raise InputError(message)
    hash_tokens = _hash_tokens(trace, engine)
    _check_fit(trace, engine)
    order, routed_s = _routing_order(trace, engine)
    setup = engine.setup(hash_tokens, logging=log_batches)
    state = _state(trace, engine, model, order, routed_s, hash_tokens, bucket_s, log_batches)
    logs: list[tuple[Any, ...]] = []
    while True:
        answer = advance(setup, state, model.function)
        if log_batches:
            logs.append(_drain(state))
        if answer == columns.DONE_ALL:
            break
        _complain(answer, state)
    return _results(trace, engine, state, order, _batches(logs, order) if log_batches else None)


def _hash_tokens(trace: Trace, engine: EngineConfig) -> int:
    """Return the tokens of a hash block, 0 without a prefix cache."""
    if not engine.prefix_cache:
        return 0
    if not trace.hash_tokens:
        message = (
            "prefix_cache needs a trace with hashes of its prompts' blocks, as Mooncake's has."
        )
        raise InputError(message)
    if trace.hash_tokens % engine.block_tokens:
        message = (
            f"block_tokens must divide the {trace.hash_tokens} tokens of a hashed block. "
            f"Got {engine.block_tokens} instead."
        )
        raise InputError(message)
    return trace.hash_tokens


def _check_fit(trace: Trace, engine: EngineConfig) -> None:
    """Refuse requests that no replica could ever finish."""
    kv_blocks = engine.each("kv_blocks")
    room = int((kv_blocks - np.floor(engine.watermark * kv_blocks)).min())
    tokens = trace.prompt_tokens + trace.output_tokens + engine.draft_tokens
    if engine.flags.reserve == columns.RESERVE_ALL:
        tokens = np.maximum(tokens, engine.longest_tokens)
    # A block more than it needs, as some policies want one spare.
    blocks = -(-tokens // engine.block_tokens) + int(engine.flags.spare_block)
    over = np.flatnonzero(blocks > room)
    if over.size:
        first = int(over[0])
        message = (
            f"every request must fit into the KV memory of a replica, {room} blocks of "
            f"{engine.block_tokens} tokens. {over.size} do not; the first is request {first} with "
            f"{trace.prompt_tokens[first]} + {trace.output_tokens[first]} tokens "
            f"({blocks[first]} blocks). Raise kv_blocks or clip the trace."
        )
        raise InputError(message)


def _routing_order(trace: Trace, engine: EngineConfig) -> tuple[Ints, NDArray[np.float64]]:
    """Return the requests in the order in which they reach the router, and when they do."""
    routed_s = trace.arrival_s + engine.ingress_s + engine.tokenizer_s
    routed_s += engine.tokenizer_s_per_token * trace.prompt_tokens
    order = np.argsort(routed_s, kind="stable")
    return order, np.ascontiguousarray(routed_s[order])


def _request_rows(trace: Trace, order: Ints, hash_tokens: int) -> NDArray[np.int32]:
    req = np.zeros((len(trace), columns.REQUEST_COLUMNS), np.int32)
    prompt = trace.prompt_tokens[order]
    req[:, columns.PROMPT] = req[:, columns.TARGET] = prompt
    req[:, columns.TOTAL] = prompt + trace.output_tokens[order]
    req[:, columns.NEXT] = -1
    if hash_tokens:
        known = np.diff(trace.hash_start)[order]
        req[:, columns.FULL] = np.minimum(prompt // hash_tokens, known)
    return req


def _hashes(trace: Trace, order: Ints, hash_tokens: int) -> tuple[Ints, Ints]:
    """Return the hashes in routing order, and where each prompt's begin."""
    if not hash_tokens:
        return np.zeros(1, np.int64), np.zeros(len(trace), np.int64)
    spans = np.diff(trace.hash_start)[order]
    start = np.concatenate([[0], np.cumsum(spans)]).astype(np.int64)
    within = np.arange(start[-1]) - np.repeat(start[:-1], spans)
    return trace.hashes[np.repeat(trace.hash_start[:-1][order], spans) + within], start[:-1]


def _replica_rows(engine: EngineConfig) -> Ints:
    rep = np.zeros((engine.replicas, columns.REPLICA_COLUMNS), np.int64)
    rep[:, columns.CAPACITY] = engine.each("kv_blocks")
    rep[:, columns.WATERMARK] = np.floor(engine.watermark * engine.each("kv_blocks"))
    rep[:, columns.MOST_RUNNING] = engine.each("max_sequences")
    rep[:, columns.MOST_BATCH] = np.maximum(engine.each("max_sequences") // engine.stages, 1)
    rep[:, columns.BUDGET] = engine.budget_tokens()
    for column in ("HEAD", "TAIL", "LRU_FIRST", "LRU_LAST", "SENDING", "SENDING_LAST"):
        rep[:, getattr(columns, column)] = -1
    return rep


def _cache(engine: EngineConfig, hash_tokens: int) -> tuple[Ints, Ints]:
    """Return empty prefix caches: nodes, all in the list of spare ones, and hash tables."""
    nodes = 1
    if hash_tokens:
        nodes += int(engine.each("kv_blocks").max()) * engine.block_tokens // hash_tokens
    cache = np.full((engine.replicas, nodes, columns.NODE_COLUMNS), -1, np.int64)
    cache[:, :, columns.NODE_AFTER] = np.append(np.arange(1, nodes), -1)
    slots = 1 << (2 * nodes).bit_length()
    return cache, np.full((engine.replicas, slots), -1, np.int64)


def _state(
    trace: Trace,
    engine: EngineConfig,
    model: Latency,
    order: Ints,
    routed_s: NDArray[np.float64],
    hash_tokens: int,
    bucket_s: float,
    log_batches: bool,
) -> columns.State:
    """Return the kernel's arrays before the first event."""
    n, replicas, stages = len(trace), engine.replicas, engine.stages
    most = int(engine.each("max_sequences").max())
    req = _request_rows(trace, order, hash_tokens)
    hashes, req[:, columns.HASHES] = _hashes(trace, order, hash_tokens)
    times = np.full((n, columns.TIME_COLUMNS), np.nan)
    times[:, columns.ROUTED_S] = routed_s
    cache, table = _cache(engine, hash_tokens)
    clock = np.zeros((replicas, columns.CLOCK_COLUMNS))
    clock[:, columns.READY_S] = engine.each("ready_s")
    leaves = 1 << max(replicas - 1, 1).bit_length()
    rows = max(_LOG_ROWS, replicas * stages) if log_batches else 1
    items = replicas * stages * most + 16 * rows if log_batches else 1
    now_f = np.zeros(columns.NOW_FLOATS)
    now_f[columns.BUCKET_S] = bucket_s
    return columns.State(
        req=req,
        times=times,
        hashes=hashes,
        rep=_replica_rows(engine),
        clock=clock,
        ready=np.zeros((replicas, most), np.int64),
        batch=np.zeros((replicas, stages, most, 2), np.int64),
        batch_size=np.zeros((replicas, stages), np.int64),
        batch_end_s=np.zeros((replicas, stages)),
        stage_free_s=np.zeros((replicas, stages)),
        partial=np.zeros(most, np.int64),
        phases=np.zeros(engine.block_tokens, np.int64),
        tree=np.full(2 * leaves, np.inf),
        touched=np.zeros(replicas, np.int64),
        cache=cache,
        table=table,
        features=np.zeros(len(FEATURES)),
        stage_s=np.zeros(stages),
        params=model.params,
        buckets=np.zeros((2 if engine.prefill_replicas else 1, _BUCKETS, columns.BUCKET_COLUMNS)),
        log_s=np.zeros((rows, 2)),
        log_rows=np.zeros((rows, 2), np.int32),
        log_items=np.zeros((items, 4), np.int32),
        now_i=np.zeros(columns.NOW_INTS, np.int64),
        now_f=now_f,
    )


def _complain(answer: int, state: columns.State) -> None:
    """Raise what the kernel has found wrong, if anything."""
    if answer == columns.BAD_LATENCY:
        batch = ", ".join(
            f"{name}={value:g}"
            for name, value in zip(FEATURES, state.features, strict=True)
            if value
        )
        message = (
            "the latency model must give finite seconds >= 0 for every batch. Got "
            f"{state.stage_s.tolist()} for a batch of {batch}."
        )
        raise InputError(message)
    if answer == columns.STUCK:
        finished = int(state.now_i[columns.FINISHED])
        message = (
            f"the engine stopped at {state.now_f[columns.NOW_S]:.6g} s with {finished} of "
            f"{state.req.shape[0]} requests finished: a waiting request can never be admitted."
        )
        raise GigawattError(message)


def _drain(state: columns.State) -> tuple[Any, ...]:
    """Take what has been logged out of the kernel's arrays."""
    rows, items = int(state.now_i[columns.LOG_ROWS]), int(state.now_i[columns.LOG_ITEMS])
    state.now_i[[columns.LOG_ROWS, columns.LOG_ITEMS]] = 0
    return (
        state.log_s[:rows].copy(),
        state.log_rows[:rows].copy(),
        state.log_items[:items].copy(),
    )


def _batches(logs: list[tuple[Any, ...]], order: Ints) -> Batches:
    times = np.concatenate([log[0] for log in logs])
    rows = np.concatenate([log[1] for log in logs]).astype(np.int64)
    items = np.concatenate([log[2] for log in logs]).astype(np.int64)
    return Batches(
        begin_s=times[:, 0],
        end_s=times[:, 1],
        replica=rows[:, 0],
        size=rows[:, 1],
        start=np.concatenate([[0], np.cumsum(rows[:, 1])]),
        request=order[items[:, 0]],
        tokens=items[:, 1],
        before=items[:, 2],
        is_prefill=items[:, 3],
    )


def _results(
    trace: Trace,
    engine: EngineConfig,
    state: columns.State,
    order: Ints,
    batches: Batches | None,
) -> Requests:
    """Return the kernel's arrays in the order of the trace."""
    place = np.empty_like(order)
    place[order] = np.arange(order.size)

    def column(number: int) -> Ints:
        values: Ints = state.req[place, number].astype(np.int64)
        return values

    sent = column(columns.REPLICA) != column(columns.PREFILLED_BY)
    return Requests(
        trace=trace,
        routed_s=state.times[place, columns.ROUTED_S],
        scheduled_s=state.times[place, columns.SCHEDULED_S],
        first_token_s=state.times[place, columns.FIRST_S] + engine.egress_s,
        finish_s=state.times[place, columns.FINISH_S] + engine.egress_s,
        sent_s=np.where(sent, state.times[place, columns.SENT_S], np.nan),
        replica=column(columns.REPLICA),
        prefill_replica=column(columns.PREFILLED_BY),
        preemptions=column(columns.PREEMPTED),
        cached_tokens=column(columns.CACHED),
        replicas=_counters(state),
        timeline=timeline(state, engine.pools, float(state.times[:, columns.FINISH_S].max())),
        batches=batches,
    )


def _counters(state: columns.State) -> dict[str, NDArray[np.float64]]:
    named = {
        "steps": columns.STEPS,
        "preemptions": columns.PREEMPTIONS,
        "evictions": columns.EVICTIONS,
        "peak_kv_blocks": columns.PEAK,
        "prefill_tokens": columns.PREFILL_TOKENS,
        "output_tokens": columns.OUTPUT_TOKENS,
    }
    counters = {name: state.rep[:, number].astype(float) for name, number in named.items()}
    counters["busy_s"] = state.clock[:, columns.BUSY_S] / state.stage_s.size
    return counters
