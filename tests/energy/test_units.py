"""Units switched on and off: against scipy's milp unit by unit, and what must hold."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from energy_units_reference import least_cost_of_units
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.energy.dispatch import commitment
from gigawatt.energy.dispatch.diagnose import InfeasibleError
from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.dispatch.units import heat_curve, heat_of, relative_heat
from gigawatt.energy.emissions import footprint, marginal_co2
from gigawatt.energy.system import Source, Storage, System
from gigawatt.errors import InputError, NotModelledError

CURVE = ((0.5, 1.1), (0.75, 1.02), (1.0, 1.0))  # heat over loads is convex


@st.composite
def fleets(draw):
    """Draw a day or less of a plant or two with a few units each."""
    hours = draw(st.integers(4, 16))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sources = []
    for i in range(draw(st.integers(1, 2))):
        fuel = draw(st.floats(10.0, 50.0))
        sources.append(
            Source(
                name=f"s{i}",
                marginal_usd_per_mwh=fuel + draw(st.floats(0.0, 10.0)),
                fuel_usd_per_mwh=fuel,
                capacity_mw=draw(st.floats(60.0, 140.0)),
                units=draw(st.integers(1, 3)),
                least_load=draw(st.sampled_from([0.0, 0.4, 0.5, 0.6])),
                part_load=draw(st.sampled_from([(), CURVE])),
                start_usd_per_mw=draw(st.sampled_from([0.0, 20.0, 80.0])),
                start_co2_t_per_mw=draw(st.sampled_from([0.0, 0.5])),
                co2_t_per_mwh=draw(st.floats(0.0, 0.5)),
                least_up_h=draw(st.integers(1, 4)),
                least_down_h=draw(st.integers(1, 4)),
            )
        )
    storages = ()
    if draw(st.booleans()):
        storages = (Storage(name="b", energy_hours=2.0, capacity_mw=15.0, charge_efficiency=0.9,
                            discharge_efficiency=0.9, discharge_usd_per_mwh=1.0),)  # fmt: skip
    grid = Source(name="grid", marginal_usd_per_mwh=random.uniform(20.0, 90.0, hours),
                  capacity_mw=draw(st.floats(20.0, 60.0)))  # fmt: skip
    return System(
        load_mw=random.uniform(40.0, 130.0, hours), sources=(*sources, grid), storages=storages,
        unserved_usd_per_mwh=3000.0, co2_usd_per_t=draw(st.sampled_from([0.0, 40.0])),
    )  # fmt: skip


@given(fleets())
@settings(max_examples=12)
def test_the_cost_is_that_of_every_unit_by_itself(system):
    expected = least_cost_of_units(system)
    found = dispatch(system, commitment=True, gap=1e-7)
    tolerance = 1e-5 * expected + 1e-2
    assert found.total_usd == pytest.approx(expected, abs=tolerance)
    # No schedule undercuts the bound, and no schedule undercuts the dispatch without units.
    assert found.lower_bound_usd <= expected + tolerance
    assert dispatch(system).total_usd <= found.total_usd + tolerance


@given(fleets())
@settings(max_examples=12)
def test_short_windows_bound_the_cost_from_both_sides(system):
    expected = least_cost_of_units(system)
    with patch.multiple(commitment, _WINDOW_H=4, _AHEAD_H=3, _WEEK_H=5):
        found = dispatch(system, commitment=True, gap=1e-7)
    tolerance = 1e-5 * expected + 1e-2
    assert found.lower_bound_usd <= expected + tolerance
    assert found.total_usd >= expected - tolerance


@given(fleets())
@settings(max_examples=12)
def test_the_schedule_keeps_its_rules_and_the_books_close(system):
    found = dispatch(system, commitment=True)
    supply = sum((*found.output_mw.values(), *found.discharge_mw.values()), found.unserved_mw)
    drawn = system.load_mw + sum(found.charge_mw.values(), np.zeros(system.hours)) + found.spilt_mw
    assert supply == pytest.approx(drawn, abs=1e-6)
    assert found.total_usd == pytest.approx(sum(found.cost_usd.values()))
    for source in (s for s in system.sources if s.units):
        one, output = found.units[source.name], found.output_mw[source.name]
        assert one.running == pytest.approx(np.round(one.running))
        assert 0.0 <= one.running.min() <= one.running.max() <= source.units
        least = one.running * one.unit_mw * source.least_load
        assert np.all(output >= least - 1e-6)
        assert np.all(output <= one.running * one.unit_mw + 1e-6)
        change = np.diff(one.running, prepend=one.running[:1])
        assert one.started == pytest.approx(np.maximum(change, 0.0))
        for t in range(system.hours):
            up = one.started[max(t - source.least_up_h + 1, 0) : t + 1].sum()
            stopped = np.maximum(-change, 0.0)[max(t - source.least_down_h + 1, 0) : t + 1].sum()
            assert up <= one.running[t] + 1e-9
            assert stopped <= source.units - one.running[t] + 1e-9
        # Running cost and starts add up from the schedule.
        heat = system.series(source.fuel_usd_per_mwh)
        carbon = system.co2_usd_per_t * system.series(source.co2_t_per_mwh)
        other = system.series(source.marginal_usd_per_mwh) - heat
        cost = float(one.heat_mwh @ (heat + carbon) + output @ other)
        assert found.cost_usd[source.name] == pytest.approx(cost, rel=1e-6, abs=1e-3)
        start = source.start_usd_per_mw + system.co2_usd_per_t * source.start_co2_t_per_mw
        assert found.cost_usd[f"starts {source.name}"] == pytest.approx(
            one.started.sum() * one.unit_mw * start, rel=1e-6, abs=1e-3
        )
        burnt = float(one.heat_mwh.sum()) * source.co2_t_per_mwh
        burnt += one.started.sum() * one.unit_mw * source.start_co2_t_per_mw
        assert found.co2_t[source.name] == pytest.approx(burnt)


def _plant(**terms):
    base = {"name": "gas", "marginal_usd_per_mwh": 30.0, "fuel_usd_per_mwh": 30.0,
            "capacity_mw": 300.0, "units": 3, "least_load": 0.5, "part_load": CURVE}  # fmt: skip
    return Source(**(base | terms))


def _eight_days(**terms):
    hours = np.arange(192)
    load = 180.0 + 90.0 * np.sin(hours * 2.0 * np.pi / 24.0)
    grid = Source(name="grid", marginal_usd_per_mwh=60.0, capacity_mw=120.0,
                  demand_usd_per_mw=500.0)  # fmt: skip
    return System(load_mw=load, sources=(_plant(**terms), grid), unserved_usd_per_mwh=5e3)


def test_several_windows_join_with_a_small_certified_gap():
    system = _eight_days(start_usd_per_mw=60.0, least_up_h=6, least_down_h=5)
    found = dispatch(system, commitment=True)
    assert 0.0 <= found.gap < 0.01
    one = found.units["gas"]
    stopped = np.maximum(-np.diff(one.running, prepend=one.running[:1]), 0.0)
    for t in range(192):  # least times hold across windows too
        assert one.started[max(t - 5, 0) : t + 1].sum() <= one.running[t] + 1e-9
        assert stopped[max(t - 4, 0) : t + 1].sum() <= 3 - one.running[t] + 1e-9
    dearer = dispatch(_eight_days(start_usd_per_mw=600.0), commitment=True)
    cheaper = dispatch(_eight_days(start_usd_per_mw=0.0), commitment=True)
    assert dearer.units["gas"].started.sum() < cheaper.units["gas"].started.sum()


def test_a_limit_on_emissions_counts_part_load_and_starts():
    system = _eight_days(co2_t_per_mwh=0.4, start_co2_t_per_mw=0.3)
    free = dispatch(system, commitment=True)
    emitted = sum(free.co2_t.values())
    assert emitted > 0.4 * free.energy_mwh["gas"] * 1.005  # more than at full load
    capped = dispatch(replace(system, co2_most_t=0.95 * emitted), commitment=True)
    assert sum(capped.co2_t.values()) <= 0.95 * emitted * (1.0 + 1e-5)
    assert capped.total_usd > free.total_usd
    print_of = footprint(capped)
    assert print_of.total("co2_t") == pytest.approx(sum(capped.co2_t.values()))


def test_the_heat_curve_is_the_lower_hull_of_the_points():
    loads, heats = heat_curve(_plant())
    assert loads.tolist() == [0.5, 0.75, 1.0]
    assert heats == pytest.approx([0.55, 0.765, 1.0])
    # A point above the line between its neighbours is left out; what the hull leaves out is small.
    bent = _plant(part_load=((0.5, 1.1), (0.75, 1.09), (1.0, 1.0)))
    assert heat_curve(bent)[0].tolist() == [0.5, 1.0]
    # Below the lowest point the line goes on: a Wärtsilä 20V34SG at 30 % load takes 45.7 / 34.4 of
    # the heat rate at full load, and the points at 40 and 50 % foretell it to 2 %.
    engine = ((0.4, 45.7 / 37.9), (0.5, 45.7 / 40.7), (1.0, 1.0))
    assert relative_heat(engine, np.array([0.3]))[0] == pytest.approx(0.3 * 45.7 / 34.4, rel=0.02)
    burnt = heat_of(_plant(), np.array([200.0, 100.0, 0.0]), np.array([200.0, 50.0, 0.0]))
    assert burnt == pytest.approx([200.0, 55.0, 0.0])


def test_units_without_room_stand_still():
    weak = np.ones(192)
    weak[100:120] = 0.45  # below the least load
    found = dispatch(_eight_days(availability=weak), commitment=True)
    assert not found.units["gas"].running[100:120].any()
    assert found.units["gas"].running[[99, 120]].min() > 0


def test_what_cannot_be_is_said():
    system = _eight_days()
    small = System(load_mw=np.full(4, 20.0), sources=(_plant(),))
    with pytest.raises(
        InfeasibleError, match=r"load is 20 MW .* a unit of gas gives at least 50 MW"
    ):
        dispatch(small, commitment=True)
    none = replace(system, sources=(system.sources[1],))
    with pytest.raises(InputError, match="no source has units"):
        dispatch(none, commitment=True)
    with pytest.raises(InputError, match="part_load must rise from above 0"):
        _eight_days(part_load=((0.5, 1.1), (0.9, 1.0)))
    with pytest.raises(InputError, match=r"least_load must be within \[0, 1\]; found 1.5"):
        _eight_days(least_load=1.5)
    with pytest.raises(NotModelledError, match="marginal emissions of whole units"):
        marginal_co2(dispatch(_eight_days(), commitment=True))
