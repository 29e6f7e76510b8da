"""The quick order of merit: exact where it should be, refused where it cannot be."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from energy_oracle import oracle_system

from gigawatt.energy.dispatch.merit import order_of_merit
from gigawatt.energy.dispatch.run import at_capacities, dispatch
from gigawatt.energy.system import Source, System, Throttle
from gigawatt.errors import InputError, NotModelledError

LOAD = np.random.default_rng(3).uniform(20.0, 130.0, 200)
CHEAP = Source(name="a", marginal_usd_per_mwh=np.linspace(10.0, 90.0, 200), capacity_mw=60.0)
DEAR = Source(name="b", marginal_usd_per_mwh=50.0, capacity_mw=40.0,
              availability=np.linspace(0.2, 1.0, 200))  # fmt: skip
SYSTEM = System(
    load_mw=LOAD, sources=(CHEAP, DEAR), unserved_usd_per_mwh=900.0,
    throttles=(Throttle(name="jobs", most_mw=10.0, usd_per_mwh=70.0),),
)  # fmt: skip


def test_many_cases_are_the_cases_one_by_one():
    loads = np.stack([LOAD, 0.5 * LOAD, 1.3 * LOAD])
    found = order_of_merit(SYSTEM, loads)
    assert found.output_mw.shape == (4, 3, 200)
    assert found.output_mw.sum(axis=0) == pytest.approx(loads)
    for i, load in enumerate(loads):
        exact = dispatch(replace(SYSTEM, load_mw=load))
        assert found.cost_usd[i] == pytest.approx(exact.total_usd, rel=1e-8)
        assert order_of_merit(SYSTEM, load).cost_usd == pytest.approx(found.cost_usd[i])


def test_its_error_on_the_oracle_is_as_stated(shared):
    folder = shared / "oracles" / "energy"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    system = at_capacities(oracle_system(folder), expected["capacity_mw"])
    exact = dispatch(system).total_usd
    assert order_of_merit(system).cost_usd / exact - 1.0 == pytest.approx(0.022, abs=0.002)


def test_what_couples_the_hours_is_refused():
    metered = replace(CHEAP, demand_usd_per_mw=100.0)
    with pytest.raises(NotModelledError, match="couple the hours"):
        order_of_merit(replace(SYSTEM, sources=(metered, DEAR)))
    with pytest.raises(NotModelledError, match="couple the hours"):
        order_of_merit(replace(SYSTEM, co2_most_t=5.0))
    with pytest.raises(InputError, match="every capacity"):
        order_of_merit(replace(SYSTEM, sources=(replace(CHEAP, capacity_mw=None), DEAR)))
