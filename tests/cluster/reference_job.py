"""One job, second by second: work, writes to each tier, what a failure leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

from gigawatt.cluster.kernel import columns as k


@dataclass
class SlowTiers:
    """Seconds to write to and read from each tier, how often, and the widest failure outlived."""

    write: tuple
    read: tuple = (0,)
    every: tuple = (1,)  # in segments
    survives: tuple = (k.CLUSTER,)


@dataclass
class SlowJob:
    """A job with a ledger to write to."""

    number: int
    row: dict
    tiers: SlowTiers
    ledger: dict
    state: str = "coming"
    nodes: dict = field(default_factory=dict)  # accelerators by node
    left: int = 0  # seconds of restart or hang left
    safe: list = field(default_factory=list)  # productive seconds that are safe, by tier
    restore: int = -1  # tier to read before it goes on
    segments: int = 0  # done since it last began
    done: int = 0  # of the present segment, in thousandths of a second
    placed: int = 0  # seconds it took so far
    due: list = field(default_factory=list)  # tiers that are still to be written to
    writing: int = 0  # seconds of the present write
    written: int = 0  # of all writes not in the ledger
    lost_node: bool = False
    placements: int = 0
    start: int = -1
    end: int = -1

    def __post_init__(self):
        self.safe = [0] * len(self.tiers.write)
        self.size = self.row["accelerators"]
        self.service = self.row["until_s"] >= 0

    @property
    def held(self):
        return sum(self.nodes.values())

    @property
    def length(self):
        left = self.row["work_s"] - self.safe[0]
        interval = self.row["checkpoint_interval_s"]
        return min(left, interval) if interval > 0 else left

    @property
    def last(self):
        return self.safe[0] + self.length == self.row["work_s"]

    @property
    def complete(self):
        return not self.service and self.safe[0] == self.row["work_s"] and not self.due

    def begin(self, lead):
        if self.restore >= 0 and self.safe[0] > 0:
            lead += self.tiers.read[self.restore]
        self.restore = -1
        self.state, self.left, self.segments = "running", lead, 0

    def book(self, kind, done):
        """Enter the time at work; what it took longer than at full speed is capped."""
        self.ledger[kind] += done * self.size
        self.ledger["capped"] += (self.placed - done) * self.size
        self.placed = self.done = 0

    def book_writes(self, kind):
        self.ledger[kind] += self.written * self.size
        self.written = self.writing = 0

    def second(self, speed):
        """Let one second pass."""
        self.ledger["idle"] += self.held - self.size
        if self.left > 0:
            self.ledger["restart"] += self.size
            self.left -= 1
        elif self.due:
            self.written += 1
            self.writing += 1
            self.write()
        else:
            self.placed += 1
            self.done += speed
            if not self.service and self.done >= self.length * 1000:
                self.worked()

    def worked(self):
        """Begin to write at the end of a segment."""
        if self.row["checkpoint_interval_s"] == 0:
            self.safe = [self.row["work_s"]]
            self.book("productive", self.row["work_s"])
            return
        top = len(self.tiers.write) - 1
        self.due = [
            tier
            for tier, every in enumerate(self.tiers.every)
            if (self.segments + 1) % every == 0 or (tier == top and self.last)
        ]
        self.write()

    def write(self):
        """End the writes whose time is over."""
        last, length = self.last and self.placed > 0, self.length
        while self.due and self.writing >= self.tiers.write[self.due[0]]:
            tier = self.due.pop(0)
            self.writing = 0
            if not last:
                if tier == 0:
                    self.book("productive", length)
                    self.safe[0] += length
                self.safe[tier] = self.safe[0]
                self.book_writes("checkpoint")
        if self.due:
            return
        self.segments += 1
        if last:
            self.book("productive", length)
            self.book_writes("checkpoint")
            self.safe = [self.row["work_s"]] * len(self.safe)

    def stop(self):
        """Lose what is not safe anywhere."""
        if self.service:
            self.book("productive", self.done // 1000)
        elif not self.due:
            self.book("recompute", min(self.done // 1000, self.length))
        elif self.placed > 0:  # not safe in any tier yet, or the last segment
            self.book("recompute", self.length)
            self.book_writes("recompute")
        else:
            self.book_writes("checkpoint")
        self.due = []

    def fall_back(self, tier):
        """Go back to what a tier has."""
        lost = self.safe[0] - self.safe[tier]
        self.ledger["productive"] -= lost * self.size
        self.ledger["recompute"] += lost * self.size
        self.safe = [min(work, self.safe[tier]) for work in self.safe]
        self.restore = max(self.restore, tier)

    def strike(self, level, detect_s):
        """Fail, with all nodes still there."""
        levels = self.tiers.survives
        tier = next(i for i, widest in enumerate(levels) if level >= widest)
        if self.state == "hanging":
            self.fall_back(tier)
        elif self.state == "running":
            self.stop()
            self.fall_back(tier)
            self.state, self.left, self.lost_node = "hanging", detect_s, False

    def requeue(self):
        self.fall_back(len(self.safe) - 1)
        self.state = "waiting"
