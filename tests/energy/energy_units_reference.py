"""Units one by one, on or off in each hour, written out plainly for scipy's milp."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp


class Plain:
    """A mixed-integer program put together one variable and one row at a time."""

    def __init__(self):
        self.cost, self.low, self.high, self.whole, self.rows = [], [], [], [], []

    def variable(self, cost=0.0, low=0.0, high=np.inf, *, whole=False):
        self.cost.append(cost)
        self.low.append(low)
        self.high.append(high)
        self.whole.append(int(whole))
        return len(self.cost) - 1

    def row(self, terms, low, high):
        self.rows.append((terms, low, high))

    def solve(self):
        a = np.zeros((len(self.rows), len(self.cost)))
        for i, (terms, _, _) in enumerate(self.rows):
            for j, value in terms:
                a[i, j] += value
        limits = LinearConstraint(a, [r[1] for r in self.rows], [r[2] for r in self.rows])
        found = milp(
            self.cost, constraints=limits, bounds=Bounds(self.low, self.high),
            integrality=self.whole, options={"mip_rel_gap": 1e-9},
        )  # fmt: skip
        assert found.status == 0
        return found


def _heat(curve, load):
    """Return the heat at a load: on the line through the two points about it, or the lowest two."""
    if len(curve) == 1:
        return load
    at = next((i for i in range(1, len(curve)) if load <= curve[i][0]), len(curve) - 1)
    (a, ra), (b, rb) = curve[at - 1], curve[at]
    return a * ra + (load - a) * (b * rb - a * ra) / (b - a)


def _unit(lp, system, source, size, balance):
    """Add one unit: it runs or not, and gives between its least load and all."""
    hours = system.hours
    points = [p for p in (source.part_load or ((1.0, 1.0),)) if p[0] > source.least_load]
    loads = [source.least_load, *(p[0] for p in points)]
    heats = [_heat(source.part_load or ((1.0, 1.0),), load) for load in loads]
    fuel = system.series(source.fuel_usd_per_mwh) + system.co2_usd_per_t * system.series(
        source.co2_t_per_mwh
    )
    other = system.series(source.marginal_usd_per_mwh) - system.series(source.fuel_usd_per_mwh)
    start_price = source.start_usd_per_mw + system.co2_usd_per_t * source.start_co2_t_per_mw
    on = [lp.variable(0.0, 0.0, 1.0, whole=True) for _ in range(hours)]
    start = [lp.variable(start_price * size, 0.0, 1.0 if t else 0.0) for t in range(hours)]
    stop = [lp.variable(0.0, 0.0, 1.0 if t else 0.0) for t in range(hours)]
    for t in range(hours):
        # Weights on the points of the heat curve make output and heat: convex, so no order needed.
        weights = [
            lp.variable(size * (fuel[t] * h + other[t] * load))
            for load, h in zip(loads, heats, strict=True)
        ]
        lp.row([*((w, 1.0) for w in weights), (on[t], -1.0)], 0.0, 0.0)
        balance[t] += [(w, size * load) for w, load in zip(weights, loads, strict=True)]
        if t:
            change = [(on[t], 1.0), (on[t - 1], -1.0), (start[t], -1.0), (stop[t], 1.0)]
            lp.row(change, 0.0, 0.0)
        up = range(max(t - source.least_up_h + 1, 0), t + 1)
        lp.row([*((start[s], 1.0) for s in up), (on[t], -1.0)], -np.inf, 0.0)
        down = range(max(t - source.least_down_h + 1, 0), t + 1)
        lp.row([*((stop[s], 1.0) for s in down), (on[t], 1.0)], -np.inf, 1.0)


def least_cost_of_units(system):
    """Return the least cost of a system whose sources all have units, or none, and its stores."""
    lp, hours = Plain(), system.hours
    balance = [[] for _ in range(hours)]
    for source in system.sources:
        if source.units:
            for _ in range(source.units):
                _unit(lp, system, source, source.capacity_mw / source.units, balance)
            continue
        price, most = system.cost_of(source), system.series(source.availability)
        for t in range(hours):
            balance[t].append((lp.variable(price[t], 0.0, most[t] * source.capacity_mw), 1.0))
    for storage in system.storages:
        power, energy = storage.capacity_mw, storage.capacity_mw * storage.energy_hours
        charge = [lp.variable(0.0, 0.0, power) for _ in range(hours)]
        give = [lp.variable(storage.discharge_usd_per_mwh, 0.0, power) for _ in range(hours)]
        stored = [lp.variable(0.0, 0.0, energy) for _ in range(hours)]
        for t in range(hours):
            balance[t] += [(charge[t], -1.0), (give[t], 1.0)]
            row = [
                (stored[t], 1.0),
                (stored[t - 1], -1.0),
                (charge[t], -storage.charge_efficiency),
                (give[t], 1.0 / storage.discharge_efficiency),
            ]
            lp.row(row, 0.0, 0.0)
    for t in range(hours):
        balance[t].append((lp.variable(system.unserved_usd_per_mwh, 0.0, system.load_mw[t]), 1.0))
        lp.row(balance[t], system.load_mw[t], system.load_mw[t])
    return lp.solve().fun
