"""What the kernel writes down: sums over buckets of time, and batches if asked to.

Buckets have a fixed number and a width that doubles when time runs past the last, so a simulation
of any length needs the same memory.
"""

from __future__ import annotations

from gigawatt.compute.hosting.engine.columns import (
    BUCKET_COLUMNS,
    BUCKET_KV,
    BUCKET_RUNNING,
    BUCKET_S,
    BUCKET_WAITING,
    DONE,
    FED,
    LOG_ITEMS,
    LOG_ROWS,
    RUNNING,
    SEEN_S,
    TARGET,
    USED,
    WAITING,
    WHO,
    State,
)
from gigawatt.compute.hosting.engine.jit import jit

__all__ = ["log_batch", "occupy", "spend"]


@jit
def _widen(s: State, t: float) -> None:
    """Double the width of the buckets until `t` lies in one."""
    pools, count, _ = s.buckets.shape
    while t >= s.now_f[BUCKET_S] * count:
        for p in range(pools):
            for k in range(count):
                for j in range(BUCKET_COLUMNS):
                    pair = 0.0
                    if 2 * k < count:
                        pair = s.buckets[p, 2 * k, j] + s.buckets[p, 2 * k + 1, j]
                    s.buckets[p, k, j] = pair
        s.now_f[BUCKET_S] *= 2.0


@jit
def spend(
    s: State, r: int, begin: float, end: float, column: int, weight: float, first_pool: int
) -> None:
    """Spread `weight` a second over the buckets from `begin` to `end`; all of it if they agree."""
    if weight == 0.0:
        return
    if end >= s.now_f[BUCKET_S] * s.buckets.shape[1]:
        _widen(s, end)
    width = s.now_f[BUCKET_S]
    pool = 0 if r < first_pool else 1
    k, last = int(begin / width), int(end / width)
    if end == begin:
        s.buckets[pool, k, column] += weight
        return
    if k == last:
        s.buckets[pool, k, column] += weight * (end - begin)
        return
    s.buckets[pool, k, column] += weight * ((k + 1) * width - begin)
    for j in range(k + 1, last):
        s.buckets[pool, j, column] += weight * width
    s.buckets[pool, last, column] += weight * (end - last * width)


@jit
def occupy(s: State, r: int, t: float, first_pool: int) -> None:
    """Sum up what replica `r` has held and kept waiting since it was last looked at."""
    begin = s.clock[r, SEEN_S]
    if t <= begin:
        return
    s.clock[r, SEEN_S] = t
    if s.rep[r, USED] > 0:
        spend(s, r, begin, t, BUCKET_KV, float(s.rep[r, USED]), first_pool)
        spend(s, r, begin, t, BUCKET_RUNNING, float(s.rep[r, RUNNING]), first_pool)
    if s.rep[r, WAITING] > 0:
        spend(s, r, begin, t, BUCKET_WAITING, float(s.rep[r, WAITING]), first_pool)


@jit
def log_batch(s: State, r: int, b: int, begin: float, end: float) -> None:
    """Write down when a batch runs and what it is made of; the caller has seen that it fits."""
    row, item, n = s.now_i[LOG_ROWS], s.now_i[LOG_ITEMS], s.batch_size[r, b]
    s.log_s[row, 0] = begin
    s.log_s[row, 1] = end
    s.log_rows[row, 0] = r
    s.log_rows[row, 1] = n
    for k in range(n):
        i = s.batch[r, b, k, WHO]
        s.log_items[item + k, 0] = i
        s.log_items[item + k, 1] = s.batch[r, b, k, FED]
        s.log_items[item + k, 2] = s.req[i, DONE]
        s.log_items[item + k, 3] = s.req[i, DONE] < s.req[i, TARGET]
    s.now_i[LOG_ROWS] += 1
    s.now_i[LOG_ITEMS] += n
