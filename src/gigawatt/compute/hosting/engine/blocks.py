"""KV blocks of a replica and its prefix cache.

A block is *used* while a request holds it, *idle* while only the prefix cache does, else free;
used + idle never exceeds the capacity. The cache is a table from the hash of a prompt's block to a
node with the number of its holders. A block that nobody holds any more becomes the most recently
used idle one, a prompt's last blocks first, so that the least recently used goes first and a prefix
outlives what hangs on it. This is how vLLM and SGLang do it; like SGLang's radix tree, two requests
that compute the same block at once keep one copy.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

import numpy as np

from gigawatt.compute.hosting.engine.columns import (
    BLOCKS,
    CAPACITY,
    DONE,
    EVICTIONS,
    FULL,
    HASHES,
    IDLE,
    LRU_FIRST,
    LRU_LAST,
    NODE_AFTER,
    NODE_BEFORE,
    NODE_HASH,
    NODE_HOLDERS,
    PEAK,
    SHARED,
    SPARE_NODE,
    TARGET,
    USED,
    Setup,
    State,
)
from gigawatt.compute.hosting.engine.jit import jit

__all__ = ["available", "blocks_for", "fits", "hits", "register", "release", "take", "take_hits"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, TAOCP 3, 6.4)
_HALF = np.uint64(32)


@jit
def blocks_for(c: Setup, tokens: int) -> int:
    """Return the blocks that hold `tokens`."""
    return (tokens + c.block_tokens - 1) // c.block_tokens


@jit
def available(s: State, r: int) -> int:
    """Return the blocks that replica `r` can still hand out, idle ones included."""
    return s.rep[r, CAPACITY] - s.rep[r, USED]


@jit
def _slot(s: State, key: int) -> int:
    mixed = (np.uint64(key) * _GOLDEN) >> _HALF
    return np.int64(mixed) & (s.table.shape[1] - 1)


@jit
def _find(s: State, r: int, key: int) -> int:
    """Return the place of `key` in the table, or where it would be put, as -1 - place."""
    mask = s.table.shape[1] - 1
    at = _slot(s, key)
    while s.table[r, at] >= 0:
        if s.cache[r, s.table[r, at], NODE_HASH] == key:
            return at
        at = (at + 1) & mask
    return -1 - at


@jit
def _remove(s: State, r: int, hole: int) -> None:
    """Empty a place of the table, moving later entries up so that none is cut off."""
    mask = s.table.shape[1] - 1
    at = hole
    while True:
        at = (at + 1) & mask
        node = s.table[r, at]
        if node < 0:
            break
        home = _slot(s, s.cache[r, node, NODE_HASH])
        if ((at - home) & mask) >= ((at - hole) & mask):
            s.table[r, hole] = node
            hole = at
    s.table[r, hole] = -1


@jit
def _unlink(s: State, r: int, node: int) -> None:
    before, after = s.cache[r, node, NODE_BEFORE], s.cache[r, node, NODE_AFTER]
    if before >= 0:
        s.cache[r, before, NODE_AFTER] = after
    else:
        s.rep[r, LRU_FIRST] = after
    if after >= 0:
        s.cache[r, after, NODE_BEFORE] = before
    else:
        s.rep[r, LRU_LAST] = before


@jit
def _append(s: State, r: int, node: int) -> None:
    last = s.rep[r, LRU_LAST]
    s.cache[r, node, NODE_BEFORE] = last
    s.cache[r, node, NODE_AFTER] = -1
    if last >= 0:
        s.cache[r, last, NODE_AFTER] = node
    else:
        s.rep[r, LRU_FIRST] = node
    s.rep[r, LRU_LAST] = node


@jit
def _evict(c: Setup, s: State, r: int) -> None:
    node = s.rep[r, LRU_FIRST]
    _unlink(s, r, node)
    _remove(s, r, _find(s, r, s.cache[r, node, NODE_HASH]))
    s.cache[r, node, NODE_AFTER] = s.rep[r, SPARE_NODE]
    s.rep[r, SPARE_NODE] = node
    s.rep[r, IDLE] -= c.hash_blocks
    s.rep[r, EVICTIONS] += 1


@jit
def take(c: Setup, s: State, r: int, count: int) -> None:
    """Use `count` more blocks, evicting idle ones as needed; they must be available."""
    s.rep[r, USED] += count
    while s.rep[r, USED] + s.rep[r, IDLE] > s.rep[r, CAPACITY]:
        _evict(c, s, r)
    s.rep[r, PEAK] = max(s.rep[r, PEAK], s.rep[r, USED])


@jit
def hits(c: Setup, s: State, r: int, i: int) -> tuple[int, int]:
    """Return how many leading hash blocks of request `i` are cached, and how many of them idle.

    At least one token is left to compute, as without it nothing can be sampled.
    """
    if c.hash_blocks == 0:
        return 0, 0
    most = min(s.req[i, FULL], (s.req[i, TARGET] - 1) // (c.hash_blocks * c.block_tokens))
    found, idle = 0, 0
    for k in range(most):
        at = _find(s, r, s.hashes[s.req[i, HASHES] + k])
        if at < 0:
            break
        found += 1
        if s.cache[r, s.table[r, at], NODE_HOLDERS] == 0:
            idle += 1
    return found, idle


@jit
def fits(c: Setup, s: State, r: int, blocks: int, found: int, idle: int, spare: int) -> bool:
    """Say whether `blocks` fit with `spare` left, where `found` hash blocks are there already."""
    return available(s, r) - (blocks - (found - idle) * c.hash_blocks) >= spare


@jit
def _hold(c: Setup, s: State, r: int, node: int) -> None:
    if s.cache[r, node, NODE_HOLDERS] == 0:
        _unlink(s, r, node)
        s.rep[r, IDLE] -= c.hash_blocks
        s.rep[r, USED] += c.hash_blocks
    s.cache[r, node, NODE_HOLDERS] += 1


@jit
def take_hits(c: Setup, s: State, r: int, i: int, found: int) -> None:
    """Let request `i` hold its first `found` hash blocks, which are cached."""
    for k in range(found):
        _hold(c, s, r, s.table[r, _find(s, r, s.hashes[s.req[i, HASHES] + k])])
    s.req[i, SHARED] = found
    s.req[i, BLOCKS] = found * c.hash_blocks
    s.rep[r, PEAK] = max(s.rep[r, PEAK], s.rep[r, USED])


@jit
def register(c: Setup, s: State, r: int, i: int) -> None:
    """Put the whole hash blocks that request `i` has computed into the cache."""
    if c.hash_blocks == 0:
        return
    computed = min(s.req[i, DONE], s.req[i, TARGET]) // (c.hash_blocks * c.block_tokens)
    for k in range(s.req[i, SHARED], min(s.req[i, FULL], computed)):
        key = s.hashes[s.req[i, HASHES] + k]
        at = _find(s, r, key)
        if at >= 0:  # another request computed the same at the same time: keep one copy
            _hold(c, s, r, s.table[r, at])
            s.rep[r, USED] -= c.hash_blocks
        else:
            node = s.rep[r, SPARE_NODE]
            s.rep[r, SPARE_NODE] = s.cache[r, node, NODE_AFTER]
            s.cache[r, node, NODE_HASH] = key
            s.cache[r, node, NODE_HOLDERS] = 1
            s.table[r, -1 - at] = node
        s.req[i, SHARED] = k + 1


@jit
def release(c: Setup, s: State, r: int, i: int) -> None:
    """Give back all blocks of request `i`; its hash blocks stay as idle ones."""
    s.rep[r, USED] -= s.req[i, BLOCKS] - s.req[i, SHARED] * c.hash_blocks
    for k in range(s.req[i, SHARED] - 1, -1, -1):
        node = s.table[r, _find(s, r, s.hashes[s.req[i, HASHES] + k])]
        s.cache[r, node, NODE_HOLDERS] -= 1
        if s.cache[r, node, NODE_HOLDERS] == 0:
            _append(s, r, node)
            s.rep[r, USED] -= c.hash_blocks
            s.rep[r, IDLE] += c.hash_blocks
    s.req[i, BLOCKS] = 0
    s.req[i, SHARED] = 0
