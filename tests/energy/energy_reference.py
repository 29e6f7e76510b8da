"""The same question written out plainly for scipy, to hold the solver of the package against."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array


class Plain:
    """A linear program put together one variable and one row at a time."""

    def __init__(self):
        self.cost, self.bounds, self.equal, self.below = [], [], [], []

    def variable(self, cost=0.0, low=0.0, high=None):
        self.cost.append(cost)
        self.bounds.append((low, high))
        return len(self.cost) - 1

    def solve(self):
        def matrix(rows):
            terms = [(i, j, value) for i, (row, _) in enumerate(rows) for j, value in row]
            i, j, value = zip(*terms, strict=True) if terms else ((), (), ())
            out = coo_array((value, (i, j)), shape=(len(rows), len(self.cost))).tocsr()
            return out, np.array([right for _, right in rows])

        a, b = matrix(self.equal)
        g, h = matrix(self.below)
        return linprog(
            self.cost, A_ub=g if len(h) else None, b_ub=h if len(h) else None,
            A_eq=a, b_eq=b, bounds=self.bounds, method="highs",
        )  # fmt: skip


def _capacity(lp, part, hours, shared):
    """Return a capacity as terms and a constant."""
    if part.name in shared:
        return shared[part.name], 0.0
    if part.capacity_mw is not None:
        return [], part.capacity_mw
    high = None if np.isinf(part.most_mw) else part.most_mw
    price = part.capital_usd_per_mw_year * hours / 8760
    return [(lp.variable(price, part.least_mw, high), 1.0)], 0.0


def least_cost(system, firm_mw=0.0):
    """Return what scipy's linprog answers about a system."""
    lp = Plain()
    add_system(lp, system, firm_mw)
    return lp.solve()


def add_system(lp, system, firm_mw=0.0, shared=None):  # noqa: C901, PLR0912, PLR0915  rule by rule
    """Add a system; capacities in `shared` are sums of variables that stand already."""
    hours, shared = system.hours, shared or {}
    balance = [[] for _ in range(hours)]
    co2, emitting, firm, standing = [], [], [], 0.0
    for source in system.sources:
        terms, fixed = _capacity(lp, source, hours, shared)
        firm += [(k, -source.firm_share * a) for k, a in terms]
        standing += source.firm_share * fixed
        price, available = system.cost_of(source), system.series(source.availability)
        least, emitted = system.series(source.least_output), system.series(source.co2_t_per_mwh)
        output = [lp.variable(price[t]) for t in range(hours)]
        peaks = [
            lp.variable(source.demand_usd_per_mw, source.least_demand_mw)
            for _ in range(int(system.periods.max()) + 1)
        ]
        for t, x in enumerate(output):
            balance[t].append((x, 1.0))
            lp.below.append(
                ([(x, 1.0), *((k, -a * available[t]) for k, a in terms)], available[t] * fixed)
            )
            lp.below.append(
                ([(x, -1.0), *((k, a * least[t]) for k, a in terms)], -least[t] * fixed)
            )
            lp.below.append(([(x, 1.0), (peaks[system.periods[t]], -1.0)], 0.0))
            co2.append((x, emitted[t]))
            if emitted.any():
                emitting.append((x, 1.0))
        if source.ramp_per_hour is not None:
            r = source.ramp_per_hour
            for a, b in pairwise(output):
                for sign in (1.0, -1.0):
                    row = [(b, sign), (a, -sign), *((k, -r * w) for k, w in terms)]
                    lp.below.append((row, r * fixed))
        if source.least_energy_mwh:
            row = [(x, -1.0) for x in output]
            if source.shortfall_usd_per_mwh is not None:
                row.append((lp.variable(source.shortfall_usd_per_mwh), -1.0))
            lp.below.append((row, -source.least_energy_mwh))
    for storage in system.storages:
        terms, fixed = _capacity(lp, storage, hours, shared)
        firm += [(k, -storage.firm_share * a) for k, a in terms]
        standing += storage.firm_share * fixed
        charge = [lp.variable() for _ in range(hours)]
        give = [lp.variable(storage.discharge_usd_per_mwh) for _ in range(hours)]
        stored = [lp.variable() for _ in range(hours)]
        for t in range(hours):
            balance[t] += [(charge[t], -1.0), (give[t], 1.0)]
            for x, size in ((charge, 1.0), (give, 1.0), (stored, storage.energy_hours)):
                row = [(x[t], 1.0), *((k, -size * a) for k, a in terms)]
                lp.below.append((row, size * fixed))
            row = [
                (stored[t], 1.0),
                (stored[t - 1], storage.loss_per_hour - 1.0),
                (charge[t], -storage.charge_efficiency),
                (give[t], 1.0 / storage.discharge_efficiency),
            ]
            lp.equal.append((row, 0.0))
    for throttle in system.throttles:
        price, most = system.series(throttle.usd_per_mwh), system.series(throttle.most_mw)
        for t in range(hours):
            high = min(most[t], system.load_mw[t])
            balance[t].append((lp.variable(price[t], 0.0, high), 1.0))
    lost = []
    for t in range(hours):
        if system.unserved_usd_per_mwh is not None:
            most = min(system.load_mw[t], system.unserved_most_mw)
            lost.append((lp.variable(system.unserved_usd_per_mwh, 0.0, most), 1.0))
            balance[t].append(lost[-1])
        lp.equal.append((balance[t], system.load_mw[t]))
    if np.isfinite(system.co2_most_t):
        lp.below.append((co2, system.co2_most_t))
    if np.isfinite(system.unserved_most_mwh):
        lp.below.append((lost, system.unserved_most_mwh))
    if system.clean_share:
        lp.below.append((emitting, (1.0 - system.clean_share) * system.load_mw.sum()))
    if firm_mw:
        lp.below.append((firm, standing - firm_mw))
