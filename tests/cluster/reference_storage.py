"""Jobs that write to one storage, each write played with an equal share of the bandwidth."""

from __future__ import annotations

import numpy as np


def fair_rates(links, total):
    """Return the rates of those that write: no more than its link, the rest in equal parts."""
    rates = np.zeros(len(links))
    open_ = np.ones(len(links), dtype=bool)
    while open_.any():
        part = (total - rates[~open_].sum()) / open_.sum()
        narrow = open_ & (links <= part)
        if not narrow.any():
            rates[open_] = part
            return rates
        rates[narrow] = links[narrow]
        open_ &= ~narrow
    return rates


def mean_write_s(interval_s, gb, links, total, begin_s, until_s):
    """Return the mean seconds of a write of each job; all work, then write, again and again."""
    jobs = len(interval_s)
    left = np.asarray(begin_s, dtype=float) + interval_s  # of work, or gigabytes of a write
    writes = np.zeros(jobs, dtype=bool)
    spent, count = np.zeros(jobs), np.zeros(jobs)
    t = 0.0
    while t < until_s:
        rates = np.ones(jobs)
        if writes.any():
            rates[writes] = fair_rates(links[writes], total)
        step = (left / rates).min()
        t += step
        left -= step * rates
        spent[writes] += step
        over = left <= 1e-9 * step + 1e-9
        count += over & writes
        left[over & writes] = interval_s[over & writes]
        left[over & ~writes] = gb[over & ~writes]
        writes ^= over
    return spent / count
