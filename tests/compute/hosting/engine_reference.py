"""The serving engine once more, slow and plain: lists, dictionaries, every sum taken anew.

Written from the rules in the docs of the engine, sharing no code with it. Load with
``runpy.run_path``: tests are no package.
"""

from __future__ import annotations

from collections import OrderedDict
from math import floor, inf

FLAGS = {  # chunked, admit_first, reserve, spare, budgeted
    "vllm": (True, False, "chunk", False, True),
    "sarathi": (True, False, "prompt", True, True),
    "orca": (False, False, "all", False, False),
    "prefill-first": (False, True, "prompt", True, True),
}


class Job:
    def __init__(self, number, arrival, prompt, output, hashes):
        self.number, self.arrival, self.prompt, self.output = number, arrival, prompt, output
        self.hashes, self.total = hashes, prompt + output
        self.target, self.done = prompt, 0
        self.private = 0  # blocks of its own
        self.held = []  # hashes of blocks that it holds together with others
        self.preempted = self.cached = self.steps = 0
        self.scheduled = self.first = self.finish = None
        self.replica = self.origin = None

    @property
    def decoding(self):
        return self.done > self.target


class Replica:
    def __init__(self, number, config, hash_blocks):
        self.number, self.config, self.m = number, config, hash_blocks
        self.capacity = int(config.each("kv_blocks")[number])
        self.cap = int(config.each("max_sequences")[number])
        self.budget = int(config.each("token_budget")[number])
        self.ready_s = float(config.each("ready_s")[number])
        self.queue, self.ready, self.flying, self.sending = [], [], [], []
        self.holders = {}  # hash: how many hold it
        self.idle = OrderedDict()  # hashes that nobody holds, least recently used first
        self.free_s = [0.0] * config.stages
        self.link_s = 0.0
        self.routed = []
        self.running = set()
        self.peak = 0

    # -- memory
    def used(self):
        jobs = list(self.running) + [job for _, job in self.sending]
        held = {h for job in jobs for h in job.held}
        return sum(job.private for job in jobs) + len(held) * self.m

    def available(self):
        return self.capacity - self.used()

    def trim(self):
        while self.used() + len(self.idle) * self.m > self.capacity:
            self.idle.popitem(last=False)
        self.peak = max(self.peak, self.used())
        assert self.used() <= self.capacity

    def hold(self, job, h):
        self.idle.pop(h, None)
        self.holders[h] = self.holders.get(h, 0) + 1
        job.held.append(h)

    def known(self, h):
        return h in self.idle or self.holders.get(h, 0) > 0

    def found(self, job):
        if not self.m:
            return []
        size = self.m * self.config.block_tokens
        most = min(job.prompt // size, len(job.hashes), (job.target - 1) // size)
        hits = []
        for h in job.hashes[:most]:
            if not self.known(h):
                break
            hits.append(h)
        return hits

    def register(self, job):
        if not self.m:
            return
        size = self.m * self.config.block_tokens
        whole = min(job.done, job.target, job.prompt) // size
        for h in job.hashes[len(job.held) : whole]:
            job.private -= self.m
            self.hold(job, h)

    def release(self, job):
        for h in reversed(job.held):
            self.holders[h] -= 1
            if self.holders[h] == 0:
                self.idle[h] = None
        job.held, job.private = [], 0

    def blocks(self, tokens):
        return -(-tokens // self.config.block_tokens)

    # -- batches
    def preempt(self, job):
        self.running.discard(job)
        self.release(job)
        job.target, job.done = max(job.target, job.done), 0
        job.preempted += 1
        self.queue.insert(0, job)

    def form(self, now):
        chunked, admit_first, reserve, spare, budgeted = FLAGS[self.config.policy]
        width = 1 + self.config.draft_tokens
        most = max(self.cap // self.config.stages, 1)
        budget = self.budget if budgeted else inf
        self.join(reserve, width)
        if admit_first:
            batch = self.admit(now, [], most, budget, chunked, reserve)
            if batch:
                return batch
        batch, rest, queue = [], self.ready, len(self.queue)
        self.ready, prefills = [], []
        while rest and len(batch) < most:
            job = rest.pop(0)
            if not job.decoding:
                prefills.append(job)
            elif self.room(job, self.blocks(job.done + width - 1), spare, rest):
                batch.append((job, width))
        for job in prefills:
            tokens = min(job.target - job.done, budget - sum(n for _, n in batch))
            if tokens <= 0 or len(batch) >= most:
                self.ready.append(job)
            elif self.room(job, self.blocks(job.done + tokens), False, rest):
                batch.append((job, tokens))
        self.ready = sorted(self.ready + rest, key=lambda job: job.order)
        if len(self.queue) == queue and not admit_first:
            batch = self.admit(now, batch, most, budget, chunked, reserve)
        return batch

    def room(self, job, blocks, spare, rest):
        need = blocks - job.private - len(job.held) * self.m
        while need > 0 or spare:
            if self.available() >= max(need, 1 if spare else 0):
                break
            if not rest:
                self.preempt(job)
                return False
            self.preempt(rest.pop())
        job.private += max(need, 0)
        self.trim()
        return True

    def admit(self, now, batch, most, budget, chunked, reserve):  # noqa: C901
        while self.queue and len(batch) < most and len(self.running) < self.cap:
            job = self.queue[0]
            if job.decoding:
                break
            hits = self.found(job)
            cached = len(hits) * self.m * self.config.block_tokens
            left = budget - sum(n for _, n in batch)
            tokens = job.target - cached
            if tokens > left:
                if chunked:
                    tokens = left
                elif batch:
                    break
            if tokens <= 0:
                break
            hold = {
                "chunk": cached + tokens,
                "prompt": job.target,
                "all": max(job.total, self.config.longest_tokens),
            }[reserve]
            new = self.blocks(hold) - len(hits) * self.m
            woken = sum(h in self.idle for h in hits) * self.m
            watermark = floor(self.config.watermark * self.capacity)
            if self.available() - new - woken < watermark:
                break
            self.queue.pop(0)
            self.running.add(job)
            for h in hits:
                self.hold(job, h)
            job.private = new
            self.trim()
            job.done = cached
            if not job.preempted:
                job.cached = cached
            if job.scheduled is None:
                job.scheduled = now
            batch.append((job, tokens))
        return batch

    def join(self, reserve, width):
        while self.queue and self.queue[0].decoding and len(self.running) < self.cap:
            job = self.queue[0]
            tokens = job.done + width - 1
            if reserve == "all":
                tokens = max(job.total, self.config.longest_tokens, tokens)
            if self.available() - self.blocks(tokens) < len(self.running):
                return
            self.queue.pop(0)
            self.running.add(job)
            job.private = self.blocks(tokens)
            self.trim()
            self.ready.append(job)

    def start(self, now, latency, log):
        if now < self.ready_s:
            return
        while len(self.flying) < self.config.stages:
            batch = self.form(now)
            if not batch:
                return
            stages = latency.seconds(self.config.stages, **features(batch, self))
            at = now
            begin = max(now, self.free_s[0])
            for k, seconds in enumerate(stages):
                at = max(at, self.free_s[k]) + seconds
                self.free_s[k] = at
            self.flying.append((at, batch))
            items = [(j.number, n, j.done, int(not j.decoding)) for j, n in batch]
            log.append((begin, at, self.number, items))


def features(batch, replica):
    config = replica.config
    decodes = [job for job, _ in batch if job.decoding]
    prefills = [(job, n) for job, n in batch if not job.decoding]
    grain = config.context_granularity
    width = 1 + config.draft_tokens
    return {
        "tokens": sum(n for _, n in batch),
        "decodes": len(decodes),
        "decode_tokens": len(decodes) * width,
        "decode_context": sum(job.done for job in decodes),
        "prefills": len(prefills),
        "prefill_tokens": sum(n for _, n in prefills),
        "prefill_context": sum(job.done for job, _ in prefills),
        "prefill_context_rounded": sum(-(-job.done // grain) * grain for job, _ in prefills),
        "prefill_square": sum(n * n for _, n in prefills),
        "prefill_pairs": sum(job.done + k + 1 for job, n in prefills for k in range(n)),
        "samples": len(decodes) + sum(job.done + n == job.target for job, n in prefills),
        "replica": replica.number,
    }


def drawn(config, job):
    """Return the tokens that a step with drafts yields."""
    if config.accepted_per_step:
        share = round(config.accepted_per_step * 10**6)
        job.steps += 1
        return job.steps * share // 10**6 - (job.steps - 1) * share // 10**6
    word = 2**64
    x = (config.seed + job.order * 0x9E3779B97F4A7C15 + job.done * 0xD1B54A32D192ED03) % word
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % word
    x = (x ^ x >> 27) * 0x94D049BB133111EB % word
    u = (((x ^ x >> 31) >> 11) + 1) / (2**53 + 1)
    accepted = 0
    while accepted < config.draft_tokens and u < config.acceptance ** (accepted + 1):
        accepted += 1
    return 1 + accepted


class Fleet:
    def __init__(self, trace, config, latency):
        self.config, self.latency = config, latency
        m = trace.hash_tokens // config.block_tokens if config.prefix_cache else 0
        self.replicas = [Replica(k, config, m) for k in range(config.replicas)]
        self.turns = [0, 0]
        self.jobs = []
        for k in range(len(trace)):
            at = trace.arrival_s[k] + config.ingress_s + config.tokenizer_s
            at += config.tokenizer_s_per_token * trace.prompt_tokens[k]
            hashes = trace.hashes[trace.hash_start[k] : trace.hash_start[k + 1]].tolist()
            job = Job(k, at, int(trace.prompt_tokens[k]), int(trace.output_tokens[k]), hashes)
            self.jobs.append(job)
        self.arriving = sorted(self.jobs, key=lambda job: job.arrival)
        for order, job in enumerate(self.arriving):
            job.order = order
        self.moving = []
        self.log = []

    def pool(self, which):
        first = self.config.pools[0]
        return self.replicas[first:] if which else self.replicas[:first]

    def route(self, job, now, which):
        pool = self.pool(which)
        open_now = [r for r in pool if r.ready_s <= now]
        if self.config.router == "round-robin":
            for _ in pool:
                replica = pool[self.turns[which]]
                self.turns[which] = (self.turns[which] + 1) % len(pool)
                if replica in open_now:
                    return replica
        if not open_now:
            return min(pool, key=lambda r: r.ready_s)
        if self.config.router == "prefix" and not which:
            loads = [len(r.routed) for r in open_now]
            gap = max(loads) - min(loads)
            uneven = max(loads) > self.config.balance_ratio * min(loads)
            cached = max(len(r.found(job)) * r.m for r in open_now) * self.config.block_tokens
            enough = cached > self.config.prefix_share * job.prompt
            if enough and not (gap > self.config.balance_requests and uneven):
                return min(open_now, key=lambda r: (-len(r.found(job)), len(r.routed)))
        if self.config.router == "least-tokens":
            return min(open_now, key=lambda r: sum(j.total for j in r.routed))
        return min(open_now, key=lambda r: len(r.routed))

    def arrival(self):
        if not self.arriving:
            return inf
        return max(self.arriving[0].arrival, min(r.ready_s for r in self.pool(0)))

    def times(self, now):
        yield self.arrival()
        if self.moving:
            yield self.moving[0][0]
        for r in self.replicas:
            if r.flying:
                yield r.flying[0][0]
            if r.sending:
                yield r.sending[0][0]
            if r.queue and r.ready_s > now:
                yield r.ready_s

    def run(self):
        now, left = -1.0, len(self.jobs)
        while left:
            now = min(self.times(now))
            assert now < inf, "stuck"
            touched = set()  # only what happens to a replica makes it look for work
            for r in self.replicas:
                if r.queue and r.ready_s == now:
                    touched.add(r.number)
                while r.flying and r.flying[0][0] <= now:
                    left -= self.end(r, now)
                    touched.add(r.number)
                while r.sending and r.sending[0][0] <= now:
                    touched |= {r.number, self.hand_over(r, now)}
            while self.arrival() <= now:
                job = self.arriving.pop(0)
                replica = self.route(job, now, 0)
                job.replica = job.origin = replica.number
                replica.routed.append(job)
                self.moving.append((now + self.config.dispatch_s, job))
            while self.moving and self.moving[0][0] <= now:
                job = self.moving.pop(0)[1]
                self.replicas[job.replica].queue.append(job)
                touched.add(job.replica)
            for number in sorted(touched):
                self.replicas[number].start(now, self.latency, self.log)
        return self

    def end(self, r, now):
        finished = 0
        for job, n in r.flying.pop(0)[1]:
            if job.decoding:
                made = drawn(self.config, job) if self.config.draft_tokens else 1
                job.done = min(job.done + made, job.total)
            else:
                job.done += n
                r.register(job)
                if job.done == job.target:
                    job.done += 1
                    job.first = now if job.first is None else job.first
            if job.done >= job.total:
                job.finish = now
                r.running.discard(job)
                r.release(job)
                r.routed.remove(job)
                finished += 1
            elif job.decoding and self.config.prefill_replicas > r.number:
                r.link_s = max(now, r.link_s) + self.config.transfer_s
                r.link_s += self.config.transfer_s_per_token * job.target
                r.running.discard(job)
                r.sending.append((r.link_s, job))
            else:
                r.ready.append(job)
        return finished

    def hand_over(self, r, now):
        job = r.sending.pop(0)[1]
        r.release(job)
        r.routed.remove(job)
        if self.config.first_token_at_decode:
            job.first = now
        to = self.route(job, now, 1)
        job.replica = to.number
        to.routed.append(job)
        to.queue.append(job)
        return to.number


def simulate(trace, config, latency):  # the fleet after the last request
    return Fleet(trace, config, latency).run()
