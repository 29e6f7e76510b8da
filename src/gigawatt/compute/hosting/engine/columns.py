"""Names of the kernel's arrays and of their columns.

Every quantity of the kernel lives in an array; a row is a request or a replica, a column is named
here. A row of a request is 64 bytes, one line of a processor's cache, as it is used as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]
    Ints = NDArray[np.int32]
    Model = Callable[[Floats, Floats, Floats], None]  # params, features, seconds of each stage

# Columns of `State.req`, one row a request.
TARGET: Final = 0  # tokens to prefill: the prompt, after a preemption also what was generated
TOTAL: Final = 1  # tokens of prompt and output
DONE: Final = 2  # tokens processed; a finished prefill also counts the token that it sampled
BLOCKS: Final = 3  # KV blocks held
SHARED: Final = 4  # leading hash blocks among them, which other requests may hold too
NEXT: Final = 5  # the request behind it in its queue, or -1
PREEMPTED: Final = 6  # how often it was preempted
CACHED: Final = 7  # prompt tokens found in the prefix cache when first admitted
REPLICA: Final = 8  # replica that runs it now
PREFILLED_BY: Final = 9  # replica that it was first routed to
CREDIT: Final = 10  # millionths of a token that speculative steps have earned
FULL: Final = 11  # whole hash blocks of the prompt
PROMPT: Final = 12  # tokens of the prompt as it arrived
HASHES: Final = 13  # where its hashes begin
REQUEST_COLUMNS: Final = 16

# Columns of `State.times`, one row a request.
ROUTED_S: Final = 0  # reaches the router; ascending
SCHEDULED_S: Final = 1  # first in a batch
FIRST_S: Final = 2  # first token
SENT_S: Final = 3  # on its replica; later, its KV on the decode replica
FINISH_S: Final = 4
TIME_COLUMNS: Final = 5

# Last axis of `State.batch`.
WHO: Final = 0  # request
FED: Final = 1  # tokens fed

# Columns of `State.rep`, one row a replica.
CAPACITY: Final = 0  # KV blocks
USED: Final = 1  # KV blocks that requests hold
IDLE: Final = 2  # KV blocks that only the prefix cache holds; evicted when needed
PEAK: Final = 3  # most blocks used at once
HEAD: Final = 4  # first and last of the waiting queue, and its length
TAIL: Final = 5
WAITING: Final = 6
READY: Final = 7  # running requests that are in no batch in flight
FLYING: Final = 8  # batches in flight
OLDEST: Final = 9  # place of the oldest of them in the ring of batches
RUNNING: Final = 10  # requests admitted and not finished
ROUTED: Final = 11  # requests routed here and not finished, and their tokens
ROUTED_TOKENS: Final = 12
MOST_RUNNING: Final = 13  # cap on running requests, and on those of one batch
MOST_BATCH: Final = 14
BUDGET: Final = 15  # tokens of one batch
STEPS: Final = 16  # counters
PREEMPTIONS: Final = 17
EVICTIONS: Final = 18
PREFILL_TOKENS: Final = 19
OUTPUT_TOKENS: Final = 20
LRU_FIRST: Final = 21  # least and most recently used idle node of the prefix cache
LRU_LAST: Final = 22
SPARE_NODE: Final = 23  # head of the list of unused nodes
SENDING: Final = 24  # first and last request whose KV is being sent to a decode replica
SENDING_LAST: Final = 25
TOUCHED: Final = 26  # 1 while it waits to be scheduled in this instant
WATERMARK: Final = 27  # KV blocks that an admission must leave free
REPLICA_COLUMNS: Final = 28

# Columns of `State.clock`, one row a replica.
READY_S: Final = 0  # accepts work from here on
BUSY_S: Final = 1  # stage-seconds of work
LINK_S: Final = 2  # its link for KV is free from here on
SEEN_S: Final = 3  # occupancy has been summed up to here
CLOCK_COLUMNS: Final = 4

# Columns of `State.cache`, one row a node of a replica's prefix cache.
NODE_HASH: Final = 0
NODE_HOLDERS: Final = 1
NODE_BEFORE: Final = 2
NODE_AFTER: Final = 3
NODE_COLUMNS: Final = 4

# Places of `State.now_i` and `State.now_f`.
ARRIVED: Final = 0  # requests that have reached the router
DELIVERED: Final = 1  # requests that have reached their replica
FINISHED: Final = 2
TURN: Final = 3  # next replica of the round robin: of the first pool, of the decode pool
TURN_DECODE: Final = 4
TOUCHED_COUNT: Final = 5
LOG_ROWS: Final = 6
LOG_ITEMS: Final = 7
FAULT: Final = 8
NOW_INTS: Final = 9
NOW_S: Final = 0
BUCKET_S: Final = 1
NOW_FLOATS: Final = 2

# Last axis of `State.buckets`.
BUCKET_BUSY: Final = 0  # stage-seconds of work, over the number of stages
BUCKET_KV: Final = 1  # block-seconds held by requests
BUCKET_RUNNING: Final = 2  # request-seconds admitted
BUCKET_WAITING: Final = 3  # request-seconds queued at a replica
BUCKET_PREFILL: Final = 4  # prompt tokens computed
BUCKET_OUTPUT: Final = 5  # tokens generated
BUCKET_COLUMNS: Final = 6

# What the kernel answers.
DONE_ALL: Final = 0
LOG_FULL: Final = 1
STUCK: Final = 2
BAD_LATENCY: Final = 3

# Routers.
ROUND_ROBIN: Final = 0
LEAST_REQUESTS: Final = 1
LEAST_TOKENS: Final = 2
PREFIX: Final = 3

# What an admission reserves.
RESERVE_CHUNK: Final = 0
RESERVE_PROMPT: Final = 1
RESERVE_ALL: Final = 2

MILLION: Final = 1_000_000


class Setup(NamedTuple):
    """What does not change during a simulation."""

    stages: int
    prefill_replicas: int  # replicas of the first pool; all of them unless disaggregated
    disaggregated: bool
    router: int
    chunked: bool
    admit_first: bool
    reserve: int
    spare_block: bool
    block_tokens: int
    hash_blocks: int  # KV blocks of one hash block; 0 without a prefix cache
    reserve_tokens: int
    granularity: int
    width: int  # tokens a decode feeds in one step: one and its drafts
    emit_millionths: int  # tokens a step yields; 0 where drawn by chance
    acceptance: float
    seed: int
    dispatch_s: float
    transfer_s: float
    transfer_s_per_token: float
    first_at_decode: bool
    prefix_share: float
    balance_requests: int
    balance_ratio: float
    skip_ahead: bool
    logging: bool


class State(NamedTuple):
    """What changes. N requests, R replicas, S stages, Q requests a batch, P nodes of a tree."""

    req: Ints  # N x REQUEST_COLUMNS
    times: Floats  # N x TIME_COLUMNS
    hashes: Longs  # hash blocks of all prompts, one after another
    rep: Longs  # R x REPLICA_COLUMNS
    clock: Floats  # R x CLOCK_COLUMNS
    ready: Longs  # R x Q, running requests in no batch, in order of service
    batch: Longs  # R x S x Q x 2, the batches in flight
    batch_size: Longs  # R x S
    batch_end_s: Floats  # R x S
    stage_free_s: Floats  # R x S
    partial: Longs  # Q, scratch
    phases: Longs  # block_tokens, scratch
    tree: Floats  # 2 P, time of the next event below each node
    touched: Longs  # R
    cache: Longs  # R x nodes x NODE_COLUMNS
    table: Longs  # R x slots of the hash table
    features: Floats
    stage_s: Floats  # S
    params: Floats  # of the latency model
    buckets: Floats  # pools x buckets x BUCKET_COLUMNS
    log_s: Floats  # rows x 2, begin and end
    log_rows: Ints  # rows x 6
    log_items: Ints  # items x 4
    now_i: Longs
    now_f: Floats
