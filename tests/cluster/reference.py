"""Slow, obvious schedulers to hold the kernel against. They know nothing of its data structures."""

from __future__ import annotations

import numpy as np
from reference_job import SlowJob, SlowTiers

from gigawatt.cluster.kernel import columns as k


def pool_starts(submit, run, size, capacity, policy):
    """Return the start of each job on one pool: fifo, sjf or easy, by the textbook."""
    jobs = range(len(submit))
    start = {}
    times = set(submit)
    while times:
        t = min(times)
        times.remove(t)
        waiting = [j for j in jobs if submit[j] <= t and j not in start]
        if policy == "sjf":
            waiting.sort(key=lambda j: (run[j], j))
        running = [(start[j] + run[j], j) for j in start if start[j] + run[j] > t]
        free = capacity - sum(size[j] for _, j in running)
        begun = []
        while waiting and size[waiting[0]] <= free:
            begun.append(waiting.pop(0))
            free -= size[begun[-1]]
        if policy == "easy" and waiting:
            running += [(t + run[j], j) for j in begun]
            begun += early(t, running, waiting, free, run, size)
        for j in begun:
            start[j] = t
            times.add(t + run[j])
    return [start[j] for j in jobs]


def early(t, running, waiting, free, run, size):
    """Return the jobs that EASY starts before the head of the queue."""
    need = size[waiting[0]]
    have = free
    for end, j in sorted(running):
        have += size[j]
        if have >= need:
            shadow = end
            break
    spare = free + sum(size[j] for end, j in running if end <= shadow) - need
    begun = []
    for j in waiting[1:]:
        outlasts = t + run[j] > shadow
        if size[j] <= free and (not outlasts or size[j] <= spare):
            free -= size[j]
            spare -= size[j] if outlasts else 0
            begun.append(j)
    return begun


def conservative_starts(submit, run, size, capacity):
    """Return the starts under conservative backfill with exact run times.

    Each job, in order, gets the earliest time from which it fits beside all before it.
    """
    length = max(submit) + sum(run) + 1
    used = np.zeros(length, dtype=int)
    starts = []
    for s, r, g in zip(submit, run, size, strict=True):
        t = s
        while (used[t : t + r] + g > capacity).any():
            t += 1
        used[t : t + r] += g
        starts.append(t)
    return starts


class SlowCluster:
    """A cluster under strict FIFO with failures, tiers and slow halls, played second by second."""

    def __init__(self, cluster, rows, faults, caps=(), tiers=None):
        self.c = cluster
        self.faults = faults.tolist()
        self.free = [cluster.accelerators_per_node] * cluster.nodes
        self.back = {}
        self.slot = {}  # of each job on each node
        self.broken = {}
        self.ledger = dict.fromkeys(
            (
                "productive",
                "checkpoint",
                "recompute",
                "restart",
                "waiting",
                "idle",
                "failed",
                "drained",
                "capped",
            ),
            0,
        )
        self.caps = sorted((cap.at_s, cap.hall, round(1000 * cap.speed)) for cap in caps)
        self.speeds = [1000] * cluster.halls
        self.jobs = []
        for i, r in enumerate(rows):
            row = dict(zip(rows.dtype.names, r, strict=True))
            mine = tiers[i] if tiers else SlowTiers(write=(row["checkpoint_write_s"],))
            self.jobs.append(SlowJob(i, row, mine, self.ledger))

    def whole(self, group):
        return [n for n in group if self.free[n] == self.c.accelerators_per_node]

    def groups(self, width):
        return [range(first, first + width) for first in range(0, self.c.nodes, width)]

    def pick(self, size):
        """Return the nodes by the documented rule, None if there are not enough."""
        a = self.c.accelerators_per_node
        hall, pod, domain = self.c.hall_nodes, self.c.pod_nodes, self.c.nodes_per_domain
        if size <= a:
            fitting = [n for n in range(self.c.nodes) if self.free[n] >= size]
            if not fitting:
                return None
            least = min(self.free[n] for n in fitting)
            group = range(self.c.nodes)
            for width in (hall, pod, domain):
                holding = [
                    g
                    for g in self.groups(width)
                    if set(g) <= set(group) and any(self.free[n] == least for n in g)
                ]
                group = min(holding, key=lambda g: (len(self.whole(g)), g[0]))
            return {next(n for n in group if self.free[n] == least): size}
        need = -(-size // a)
        for width, level in ((domain, 3), (pod, 2), (hall, 1)):
            enough = [g for g in self.groups(width) if len(self.whole(g)) >= need]
            if enough:
                group = min(enough, key=lambda g: (len(self.whole(g)), *self.above(g, level)))
                return dict.fromkeys(self.fill(group, need, level), a)
        if len(self.whole(range(self.c.nodes))) < need:
            return None
        return dict.fromkeys(self.fill(range(self.c.nodes), need, 0), a)

    def above(self, group, level):
        """Return what settles ties between groups: for domains, how full their hall and pod are."""
        first = group[0]
        if level < 3:
            return (first,)
        keys = []
        for width in (self.c.hall_nodes, self.c.pod_nodes):
            begin = first - first % width
            keys += [len(self.whole(range(begin, begin + width))), begin]
        return (*keys, first)

    def fill(self, group, need, level):
        """Return `need` whole nodes of a group: its tightest child, else its emptiest ones first.

        Level 0 is the cluster, 1 a hall, 2 a pod, 3 a domain.
        """
        widths = [self.c.hall_nodes, self.c.pod_nodes]
        if self.c.nodes_per_domain > 1:
            widths.append(self.c.nodes_per_domain)
        below = widths[level:]
        if not below:
            return self.whole(group)[:need]
        children = [g for g in self.groups(below[0]) if set(g) <= set(group)]
        children.sort(key=lambda g: (-len(self.whole(g)), g[0]))
        found = []
        while need > len(found):
            rest = need - len(found)
            enough = [g for g in children if len(self.whole(g)) >= rest]
            if enough:
                child = min(enough, key=lambda g: (len(self.whole(g)), g[0]))
                return found + self.fill(child, rest, level + 1)
            child = children.pop(0)
            found += self.fill(child, len(self.whole(child)), level + 1)
        return found

    def release(self, job):
        for n, count in job.nodes.items():
            self.free[n] += count
        job.nodes = {}

    def speed(self, job):
        return min(self.speeds[n // self.c.hall_nodes] for n in job.nodes)

    def play(self):
        """Return start and end of each job."""
        t = 0
        while any(j.state != "done" for j in self.jobs):
            self.moment(t)
            if all(j.state == "done" for j in self.jobs):
                break
            self.second()
            t += 1
        self.until = t
        return [j.start for j in self.jobs], [j.end for j in self.jobs]

    def moment(self, t):
        changed = True
        while changed:
            changed = self.ends(t)
            for n in sorted(n for n, back in self.back.items() if back <= t):
                del self.back[n]
                del self.broken[n]
                self.free[n] = self.c.accelerators_per_node
            while self.faults and self.faults[0][k.FAULT_AT] <= t:
                self.fail(self.faults.pop(0), t)
                changed = True
            while self.caps and self.caps[0][0] <= t:
                self.cap(t)
            for job in self.jobs:
                if job.state == "coming" and job.row["submit_s"] <= t:
                    job.state = "waiting"
            self.schedule(t)

    def cap(self, t):
        """Change the speeds of halls; a service's work so far is rounded down."""
        running = [j for j in self.jobs if j.state == "running"]
        before = [self.speed(j) for j in running]
        while self.caps and self.caps[0][0] <= t:
            _, hall, speed = self.caps.pop(0)
            self.speeds[hall] = speed
        for job, speed in zip(running, before, strict=True):
            if job.service and self.speed(job) != speed:
                job.book("productive", job.done // 1000)

    def ends(self, t):
        changed = False
        for job in self.jobs:
            over = job.service and job.row["until_s"] <= t
            if job.state == "running" and (over or (job.left == 0 and job.complete)):
                if job.service:
                    job.stop()
                job.state, job.end = "done", t
                self.release(job)
                changed = True
            elif job.state == "waiting" and over:
                job.state, job.end = "done", t
                changed = True
            elif job.state == "hanging" and job.left == 0:
                changed = True
                if not job.row["keeps_nodes"] or not job.nodes or job.lost_node:
                    self.release(job)
                    job.requeue()
                else:
                    job.begin(job.row["inprocess_restart_s"])
        return changed

    def fail(self, fault, t):
        a, n = self.c.accelerators_per_node, fault[k.FAULT_GROUP]
        if fault[k.FAULT_KIND] == k.INTERRUPTS:
            unit = fault[k.FAULT_UNIT]
            for job in self.at(n):
                unit -= job.nodes[n]
                if unit < 0:
                    if job.state == "running":
                        job.strike(k.ONE_JOB, fault[k.FAULT_DETECT_S])
                    return
            return
        back = t + fault[k.FAULT_DETECT_S] + fault[k.FAULT_REPAIR_S]
        if n in self.back:
            return  # what is down cannot fail again
        for job in self.at(n):
            job.strike(k.NODE, fault[k.FAULT_DETECT_S])
            job.lost_node = True
            del job.nodes[n]
        self.free[n] = 0
        self.back[n], self.broken[n] = back, fault[k.FAULT_BROKEN]
        assert fault[k.FAULT_BROKEN] <= a

    def at(self, n):
        """Return the jobs on a node in the order of its slots."""
        return sorted(
            (j for j in self.jobs if n in j.nodes), key=lambda j: self.slot[(j.number, n)]
        )

    def schedule(self, t):
        for job in self.jobs:
            if job.state != "waiting":
                continue
            nodes = self.pick(job.row["accelerators"])
            if nodes is None:
                return
            for n, count in nodes.items():
                taken = {self.slot[(j.number, n)] for j in self.jobs if n in j.nodes}
                self.slot[(job.number, n)] = next(i for i in range(99) if i not in taken)
                self.free[n] -= count
            job.nodes = nodes
            job.begin(job.row["startup_s"] if job.placements == 0 else job.row["cold_restart_s"])
            job.placements += 1
            job.start = t if job.start < 0 else job.start

    def second(self):
        """Let one second pass."""
        book = self.ledger
        wanted = sum(j.row["accelerators"] for j in self.jobs if j.state == "waiting")
        free = sum(self.free)
        book["waiting"] += min(free, wanted)
        book["idle"] += free - min(free, wanted)
        for n in self.broken:
            book["failed"] += self.broken[n]
            book["drained"] += self.c.accelerators_per_node - self.broken[n]
        for job in self.jobs:
            if job.state == "hanging":
                book["restart"] += job.held
                job.left -= 1
            elif job.state == "running":
                job.second(self.speed(job))
