"""What the kernel's arrays hold: names of their columns, and the arrays themselves.

Times are whole seconds, work is whole accelerator-seconds. A job that needs more than one node
takes whole nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Longs = NDArray[np.int64]
    Setup = Longs  # C_PLACES
    Ints = NDArray[np.int32]
    Words = NDArray[np.uint64]
    Floats = NDArray[np.float64]

VICTIMS: Final = 65_536  # places for corruptions that nobody has found yet
FOREVER: Final = 1 << 38  # a time that never comes [s], some 8,700 years
SHIFT: Final = 24  # a heap's key is a time above this many bits of a job's or node's number
MASK: Final = (1 << SHIFT) - 1

# Columns of `State.job`, one row a job. What is asked:
SUBMIT: Final = 0
SIZE: Final = 1  # accelerators
WORK_S: Final = 2  # productive seconds on SIZE accelerators
INTERVAL_S: Final = 3  # productive seconds between checkpoints; 0 without checkpoints
WRITE_S: Final = 4  # for which a checkpoint holds the job up
STARTUP_S: Final = 5  # from the first placement to the first productive second
COLD_S: Final = 6  # the same of a later placement
WARM_S: Final = 7  # from having replaced a lost node to the next productive second
INPROC_S: Final = 8  # the same where no node was lost
SPAN: Final = 9  # widest group the job may spread over
PRIORITY: Final = 10
TENANT: Final = 11
RANK: Final = 12  # place in the order of the queue
SLACK_S: Final = 13  # by which the scheduler thinks the job longer than it is
UNTIL_S: Final = 14  # a service ends at this time, whenever it started; -1 for other jobs
LEAST: Final = 15  # accelerators an elastic job can go on with; SIZE for a rigid one
PREEMPTIBLE: Final = 16
KEEPS_NODES: Final = 17  # 1: a failure leaves the job its other nodes; 0: it queues anew
GRACE_S: Final = 18  # a preempted job may write a checkpoint for so long
PATIENCE_S: Final = 19  # for which it holds its nodes while it waits for a lost one
# How it fares:
STATUS: Final = 20
SINCE: Final = 21  # when the present phase began
LEAD_S: Final = 22  # restart at the head of the present phase
PLAN_S: Final = 23  # productive seconds that the phase still needs
HELD: Final = 24  # accelerators allocated
USED: Final = 25  # of these, at work
SAVED: Final = 26  # work safe in a checkpoint
BEFORE: Final = 27  # SAVED before the checkpoint that a preempted job is writing
FIRST: Final = 28  # first slot, -1 without
START: Final = 29  # of the first placement, -1 before
END: Final = 30  # -1 before
EXPECTED: Final = 31  # when the scheduler thinks it gives its accelerators back
QUEUED: Final = 32  # when it was last queued
WAITED_S: Final = 33  # in the queue, all told
FAILURES: Final = 34
PREEMPTIONS: Final = 35
PLACEMENTS: Final = 36
SUSPECT: Final = 37  # SAVED before a corruption not yet found, -1 without
SUSPECT_LINK: Final = 38  # which corruption that is
LOST_NODE: Final = 39  # 1 while the last failure took a node
PRODUCTIVE: Final = 40  # accelerator-seconds of each kind
CHECKPOINT: Final = 41
RECOMPUTE: Final = 42
RESTART: Final = 43
WAITING: Final = 44
PADDING: Final = 45  # held by a job that does not need them
RESERVED_AT: Final = 46  # start that was first promised, -1 without
BROKEN_AT: Final = 47  # when a failure or a cap took nodes it was promised, -1 without
PLACED_AT: Final = 48  # since when it holds what it holds
PLAN_ROW: Final = 49  # 1 while it is in the plan of conservative backfill
END_PLACE: Final = 50  # place in the heap of next events, -1 if it is not there
KNOWN_PLACE: Final = 51  # place in the heap of expected ends
BY_RANK: Final = 52  # of row r: the job whose RANK is r
SLOWED: Final = 53  # accelerator-seconds lost to power caps that slow jobs down
JOB_COLUMNS: Final = 54

# Columns of `State.pace`, one row a job; there is one row in all where every job runs at full speed
# and has one tier of checkpoints that is its own. Speeds are in thousandths, `FULL` is all. A job
# has up to three tiers: each INTERVAL_S it writes to the nearest, for WRITE_S; each EVERY1-th of
# these writes is followed by one to the next tier, and each EVERY2-th by one to the last.
EVERY1: Final = 0
EVERY2: Final = 1  # a multiple of EVERY1
WRITE1_S: Final = 2
WRITE2_S: Final = 3
SURVIVES0: Final = 4  # widest failure that the nearest tier outlives, as a level
SURVIVES1: Final = 5
SHARED: Final = 6  # tier on storage that jobs share: 0 or 2, -1 for none
SHARE: Final = 7  # of that storage's bandwidth that the job takes when it writes alone
READ0_S: Final = 8  # to read each tier back
READ1_S: Final = 9
READ2_S: Final = 10
EFFICIENCY: Final = 11  # speed with fewer accelerators than SIZE, over that in proportion
# How it fares:
MIDDLE: Final = 12  # work safe in the second tier
TOP: Final = 13  # and in the last
RESTORE: Final = 14  # tier that the next phase reads, -1 for none
HALL_SPEED: Final = 15  # of the slowest hall it is in
SPEED: Final = 16
FLOW: Final = 17  # speed of writing to the shared storage, over that of writing alone
PRESENCE: Final = 18  # part of the shared storage it takes in the mean, in millionths
OFFSET_S: Final = 19  # of the phase that was over when it began, at its speeds
PASSED: Final = 20  # segments of the phase that were accounted for when it began
SEGMENT: Final = 21  # segment and stage in which it began
STAGE: Final = 22
PART: Final = 23  # of that stage that was done when it began, in thousandths of a second
PENDING_S: Final = 24  # spent in that segment before, and of that on writing
PENDING_WRITE_S: Final = 25
WIDTH: Final = 26  # class of SHARE: 0 above a half of the storage, 1 above a quarter, and so on
WRITE_TIME: Final = 27  # part of its time in which it writes, in millionths
PACE_COLUMNS: Final = 28

FULL: Final = 1000
MILLION: Final = 1_000_000

# `STAGE` of a segment.
WORKS: Final = 0
WRITES0: Final = 1
WRITES1: Final = 2
WRITES2: Final = 3

# `STATUS`.
COMING: Final = 0
WAITS: Final = 1
RUNS: Final = 2
HANGS: Final = 3  # has failed; nobody knows yet
HOLDS: Final = 4  # waits for a node, holding the others
SAVES: Final = 5  # preempted, writing a checkpoint
DONE: Final = 6
MISSED: Final = 7  # a service whose time was over before it could start

# Columns of `State.node`, one row a node.
FREE: Final = 0  # free accelerators, by view: now, and for jobs that outlast the reservation
FREE_LATER: Final = 1
CONDITION: Final = 2
BROKEN: Final = 3  # accelerators that are broken themselves while the node is down
RESERVED: Final = 4  # accelerators promised to the head of the queue
ROOM: Final = 5  # accelerators that others may use beyond the reservation's start
MARK: Final = 6  # scratch
# Lists, one entry a row:
PICKED_NODE: Final = 7  # nodes just chosen for a job
RESERVED_NODE: Final = 8
TOUCHED_NODE: Final = 9  # nodes whose second view was changed
SPARE_NODE: Final = 10
HOLDER: Final = 11  # jobs that wait for a node while they hold others
SHRUNK_JOB: Final = 12  # jobs that go on with fewer nodes
LEAST_FREE: Final = 13  # free accelerators of each node throughout a time
# Constant:
HALL_ROW: Final = 14  # rows of the node's hall and pod in `State.groups`
POD_ROW: Final = 15
NODE_COLUMNS: Final = 16  # 64 bytes, a line of the cache

# `CONDITION`.
UP: Final = 0
DOWN: Final = 1
SPARE: Final = 2
CAPPED: Final = 3

# Columns of `State.slot`: one row for each accelerator of each node, used by one job each.
SLOT_JOB: Final = 0
SLOT_COUNT: Final = 1
SLOT_NEXT: Final = 2  # next slot of the job
SLOT_COLUMNS: Final = 3

# Columns of `State.fault`, one row a failure, in order of time.
FAULT_AT: Final = 0
FAULT_LEVEL: Final = 1
FAULT_GROUP: Final = 2  # number of the node, rack, pod or hall
FAULT_UNIT: Final = 3  # accelerator of the node, for those that strike one job
FAULT_KIND: Final = 4
FAULT_BROKEN: Final = 5  # accelerators of each node that break; the others only stand still
FAULT_DETECT_S: Final = 6
FAULT_REPAIR_S: Final = 7
FAULT_PART: Final = 8  # 1 if the repair takes a spare part
FAULT_LINK: Final = 9  # joins a corruption and its detection
FAULT_CAUSE: Final = 10
FAULT_COLUMNS: Final = 11

# `FAULT_KIND`.
TAKES_DOWN: Final = 0
INTERRUPTS: Final = 1  # the job fails, the node does not
CORRUPTS: Final = 2  # nobody sees it
EXPOSES: Final = 3  # a corruption is found; the node is taken down
DRAINS: Final = 4  # planned: nodes are taken down, none is broken

# `SPAN` and the levels of groups; a rack matters to failures only.
CLUSTER: Final = 0
HALL: Final = 1
POD: Final = 2
DOMAIN: Final = 3
RACK: Final = 4
NODE: Final = 5
ONE_JOB: Final = 6  # a failure that takes no node

# Places of `State.now`.
CLOCK: Final = 0
ARRIVED: Final = 1
FINISHED: Final = 2
RUNNING: Final = 3  # jobs that hold accelerators
KNOWN: Final = 4  # entries of the heap of expected ends
REPAIRS: Final = 5
FAULT_NEXT: Final = 6
CAP_NEXT: Final = 7
FREE_ALL: Final = 8  # accelerators up and free
DEMAND: Final = 9  # accelerators that waiting jobs ask for
BROKEN_ALL: Final = 10
DRAINED_ALL: Final = 11
CAPPED_ALL: Final = 12
SPARE_ALL: Final = 13
FREED: Final = 14  # 1 if something became free since the queue was last looked through
HEAD: Final = 15  # job with the reservation, -1 without
SHADOW: Final = 16  # when it starts at the latest
ROOM_POOL: Final = 17  # accelerators of a pool that others may use beyond it
RESERVED_COUNT: Final = 18
STALE: Final = 19  # 1: the reservation can be had earlier; 2: it cannot be kept
HOLDERS: Final = 20
SHRUNK: Final = 21
SPARES: Final = 22  # nodes in the pool of hot spares
LOG_ROWS: Final = 23
PROMISES: Final = 24
ROWS: Final = 25  # of the plan of conservative backfill
PLANNED: Final = 26  # jobs in it
REPLAN: Final = 27
TOUCHED: Final = 28
PICKED: Final = 29
ENDS: Final = 30  # entries of the heap of events
STRUCK: Final = 31  # failures that hit a job
BROKEN_PROMISES: Final = 32
CORRUPTED: Final = 33  # jobs that ended with a corruption that nobody had found
QUEUE: Final = 34  # jobs that wait
LATEST: Final = 35  # first job that has not been looked at for backfill
NEXT_START: Final = 36  # when the next planned job starts
# Accelerator-seconds that no job holds:
LED_IDLE: Final = 37
LED_WAITING: Final = 38
LED_FAILED: Final = 39
LED_DRAINED: Final = 40
LED_CAPPED: Final = 41
TOO_MUCH: Final = 42  # accelerators that are known not to be free, by view
WRITING: Final = 44  # part of the shared storage taken in the mean, in millionths; may exceed all
BALANCED: Final = 45  # the same when all jobs were last looked at
LEAST_SPEED: Final = 46  # of any hall
REPACE: Final = 47  # 1 if the speed of a hall has changed
WRITERS: Final = 48  # jobs that write in the mean, of each WIDTH, in millionths
TAKEN: Final = 58  # and what they take of the storage
WIDTHS: Final = 10
NOW_PLACES: Final = 68


# Columns of `State.log`: one row for each time a job held accelerators.
LOG_JOB: Final = 0
LOG_BEGIN: Final = 1
LOG_END: Final = 2
LOG_HELD: Final = 3
LOG_NODE: Final = 4  # first node
LOG_WHY: Final = 5
LOG_COLUMNS: Final = 6

# `LOG_WHY`: what ended it.
BY_END: Final = 0
BY_FAILURE: Final = 1
BY_PREEMPTION: Final = 2
BY_RESIZING: Final = 3
BY_HORIZON: Final = 4

# Columns of `State.promise`: one row for each reservation made.
PROMISE_JOB: Final = 0
PROMISE_AT: Final = 1  # when it was made
PROMISE_START: Final = 2
PROMISE_WHY: Final = 3  # 0 first, 1 found an earlier one, 2 the one before was broken
PROMISE_COLUMNS: Final = 4

# What the kernel answers.
DONE_ALL: Final = 0
MORE_FAULTS: Final = 1
MORE_LOG: Final = 2
STUCK: Final = 3
NO_ROOM: Final = 4  # in the plan of conservative backfill
TOO_LATE: Final = 5

# Backfill.
STRICT: Final = 0
EASY: Final = 1
CONSERVATIVE: Final = 2

# Which group is preferred among those that a job fits into.
BEST_FIT: Final = 0
FIRST_FIT: Final = 1
WORST_FIT: Final = 2


# Places of `Setup`, all that does not change during a simulation.
C_JOBS: Final = 0
C_POOL: Final = 1  # 1: accelerators without nodes
C_ACCELERATORS: Final = 2
C_NODES: Final = 3
C_NODE_SIZE: Final = 4
C_DOMAIN_NODES: Final = 5
C_RACK_NODES: Final = 6
C_POD_NODES: Final = 7
C_HALL_NODES: Final = 8
C_HALLS: Final = 9
C_PODS: Final = 10
C_POD_ROW: Final = 11  # first row of the pods in `State.groups`
C_DOMAIN_ROW: Final = 12
C_WHOLE_ROW: Final = 13  # first row of domains by whole free nodes
C_FIT: Final = 14
C_BACKFILL: Final = 15
C_DEPTH: Final = 16  # waiting jobs that backfill looks at; 0 for all
C_PREEMPTS: Final = 17
C_FAIR: Final = 18
C_HALF_LIFE_S: Final = 19
C_QUOTAS: Final = 20
C_TWO_VIEWS: Final = 21
C_SPARE_NODES: Final = 22
C_PART_LEAD_S: Final = 23
C_HORIZON_S: Final = 24  # FOREVER without
C_FAULTS_UNTIL_S: Final = 25  # more failures are drawn at this time
C_LAST_FAULTS: Final = 26  # 1: nothing fails after
C_LIMIT_S: Final = 27
C_LOGGING: Final = 28
C_BITS1: Final = 29
C_BITS2: Final = 30
C_BITS3: Final = 31
C_LANES: Final = 32  # lists of waiting jobs: one for each tenant under fair share
C_CREWS: Final = 33
C_PARTS: Final = 34
C_CAPS: Final = 35
C_PLANNED: Final = 36  # most jobs in the plan of conservative backfill
C_PLAN_ROWS: Final = 37  # most rows of it; what each planned job has comes below
C_HALL_AT: Final = 38  # first row of each section of `State.table`
C_CAP_AT: Final = 39
C_CREW_AT: Final = 40
C_PART_AT: Final = 41
C_VICTIM_AT: Final = 42
C_PLAN_AT: Final = 43
C_PLANNED_AT: Final = 44
C_PACED: Final = 45  # 1: jobs have rows in `State.pace`
C_SHARED: Final = 46  # 1: jobs share storage
C_SLOWS: Final = 47  # 1: power caps slow jobs down
C_PLACES: Final = 48

# Columns of `State.tenant`, one row a tenant.
LANE_FROM: Final = 0  # its places in the order of the queue
LANE_TO: Final = 1
ORDER: Final = 2  # of row r: the tenant that comes at place r
QUOTA: Final = 3  # most accelerators at once
IN_USE: Final = 4
PROMISED: Final = 5
TENANT_COLUMNS: Final = 6

# Columns of `State.usage`, one row a tenant.
USAGE: Final = 0  # decayed accelerator-seconds
AS_OF: Final = 1  # when they were that
TENANT_SHARE: Final = 2
USAGE_COLUMNS: Final = 3

# Columns of the halls' section of `State.table`.
MUST_BE_OFF: Final = 0  # nodes
ARE_OFF: Final = 1
PACE: Final = 2  # speed of jobs in the hall
TABLE_COLUMNS: Final = 4

# Rows of `State.heap`: three heaps, two of scratch, and a list.
END_HEAP: Final = 0  # next event of each job that has one
KNOWN_HEAP: Final = 1  # when each job is expected to end
REPAIR_HEAP: Final = 2  # nodes to be repaired
WALK_HEAP: Final = 3
SCRATCH_HEAP: Final = 4
BACK_AT: Final = 5  # when each node that is down is back
HEAPS: Final = 6


class State(NamedTuple):
    """What changes. J jobs, N nodes, A accelerators of a node, G groups, T tenants.

    The kernel reads them by address, see `memory`.
    """

    job: Longs  # J x JOB_COLUMNS
    pace: Longs  # J x PACE_COLUMNS, or 1 x
    heap: Longs  # HEAPS x the larger of J and N
    node: Ints  # N x NODE_COLUMNS
    slot: Ints  # N A x SLOT_COLUMNS
    groups: Ints  # 2 x rows x free: nodes of each group by free accelerators, see `nodes.set_view`
    tenant: Longs  # T x TENANT_COLUMNS
    usage: Floats  # T x USAGE_COLUMNS
    bits: Words  # which places of the queue wait, in four levels
    table: Longs  # sections: halls, caps, crews, parts, victims, times of the plan, planned jobs
    plan: Ints  # rows x N free accelerators, then planned jobs x N accelerators
    fault: Longs  # failures x FAULT_COLUMNS
    log: Longs  # rows x LOG_COLUMNS
    promise: Longs  # rows x PROMISE_COLUMNS
    now: Longs  # NOW_PLACES
