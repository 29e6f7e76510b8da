"""Our networks, solved by PyPSA, give our objective; what it has no word for is named."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from gigawatt import spec
from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.expansion.plan import plan_supply
from gigawatt.energy.pypsa_export import to_pypsa, write_pypsa
from gigawatt.energy.system import Source, Storage, System, Throttle
from gigawatt.errors import InputError, NotModelledError
from gigawatt.twin.energy_year.simulate import simulate_energy

pypsa = pytest.importorskip("pypsa", reason="the extra 'pypsa' is not installed")

WEEKS = 3
HOURS = 168 * WEEKS

pytestmark = [
    pytest.mark.filterwarnings("ignore:::pypsa"),
    pytest.mark.filterwarnings("ignore:::linopy"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def cut(system, first=0, hours=HOURS):
    """Return the hours of a system from `first` on."""
    part = slice(first, first + hours)

    def shorter(value):
        return value[part] if np.ndim(value) else value

    periods = system.periods[part]
    return replace(
        system,
        load_mw=system.load_mw[part],
        sources=tuple(
            replace(
                s,
                marginal_usd_per_mwh=shorter(s.marginal_usd_per_mwh),
                availability=shorter(s.availability),
                least_output=shorter(s.least_output),
                co2_t_per_mwh=shorter(s.co2_t_per_mwh),
            )
            for s in system.sources
        ),
        throttles=tuple(
            replace(t, most_mw=shorter(t.most_mw), usd_per_mwh=shorter(t.usd_per_mwh))
            for t in system.throttles
        ),
        billing_period=periods - periods[0],
    )


def built_example():
    """Return a campus to be planned, with all that the export can say."""
    hour = np.arange(HOURS)
    rng = np.random.default_rng(5)
    return System(
        load_mw=900.0 + 60.0 * np.sin(hour / 24 * 2 * np.pi),
        sources=(
            Source(
                name="grid",
                marginal_usd_per_mwh=40.0 + 30.0 * rng.random(HOURS),
                capacity_mw=700.0,
                demand_usd_per_mw=7444.0,
                least_demand_mw=500.0,
                co2_t_per_mwh=0.329,
                water_m3_per_mwh=1.2,
                fuel="grid",
            ),
            Source(
                name="gas",
                marginal_usd_per_mwh=27.0,
                ramp_per_hour=0.2,
                capital_usd_per_mw_year=185_000.0,
                co2_t_per_mwh=0.33,
                least_output=0.1,
                nox_kg_per_mwh=0.3,
                fuel="natural gas",
            ),
            Source(
                name="sun",
                marginal_usd_per_mwh=0.0,
                availability=np.clip(np.sin((hour % 24 - 6) / 12 * np.pi), 0.0, 1.0),
                capital_usd_per_mw_year=70_000.0,
                most_mw=2500.0,
            ),
            Source(
                name="reactor",
                marginal_usd_per_mwh=60.0,
                capacity_mw=150.0,
                least_energy_mwh=100.0 * HOURS,
            ),
        ),
        storages=(
            Storage(
                name="battery",
                energy_hours=4.0,
                charge_efficiency=0.92,
                discharge_efficiency=0.92,
                loss_per_hour=0.0005,
                discharge_usd_per_mwh=3.0,
                capital_usd_per_mw_year=75_000.0,
            ),
        ),
        throttles=(Throttle(name="batch work", most_mw=150.0, usd_per_mwh=700.0),),
        unserved_usd_per_mwh=10_000.0,
        unserved_most_mwh=20.0,
        co2_usd_per_t=25.0,
        co2_most_t=0.22 * 900.0 * HOURS,
        water_most_m3=0.6 * 900.0 * HOURS,
        clean_share=0.25,
        billing_period=hour // 168,
    )


def solved(network):
    status, condition = network.optimize(log_to_console=False, include_objective_constant=False)
    assert (status, condition) == ("ok", "optimal")
    return network.objective


@pytest.mark.parametrize("name", ["hyperion", "prometheus"])
def test_a_campus_solved_by_pypsa_costs_what_we_say(name):
    system = cut(simulate_energy(spec.load(name)).system, first=24 * 20)
    ours = dispatch(system)
    assert solved(to_pypsa(system)) == pytest.approx(ours.total_usd, rel=1e-6)


def test_a_plan_solved_by_pypsa_has_our_cost_and_capacities():
    system = built_example()
    ours = plan_supply(system)
    network = to_pypsa(system)
    assert solved(network) == pytest.approx(ours.total_usd, rel=1e-6)
    found = network.generators.p_nom_opt
    assert found["gas"] == pytest.approx(ours.capacity_mw["gas"], rel=1e-3, abs=0.1)
    battery = network.storage_units.p_nom_opt["battery"]
    assert battery == pytest.approx(ours.capacity_mw["battery"], rel=1e-3, abs=0.1)


def test_a_file_is_read_back_as_the_same_network(tmp_path):
    system = cut(simulate_energy(spec.load("prometheus")).system, hours=168)
    path = tmp_path / "prometheus.nc"
    write_pypsa(system, path, start="2030-01-01T00:00")
    network = pypsa.Network(str(path))
    assert len(network.snapshots) == 168
    assert set(network.generators.index) >= {"grid", "Socrates North", "batch work", "unserved"}
    assert solved(network) == pytest.approx(dispatch(system).total_usd, rel=1e-6)


def test_capacities_can_be_given():
    system = built_example()
    plan = plan_supply(system)
    network = to_pypsa(system, plan.capacity_mw)
    assert not network.generators.p_nom_extendable.any()
    assert network.generators.p_nom["gas"] == pytest.approx(plan.capacity_mw["gas"])


def small(**more):
    grid = Source(name="grid", marginal_usd_per_mwh=40.0, capacity_mw=10.0)
    return System(load_mw=np.full(24, 5.0), sources=(replace(grid, **more),))


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (
            {"least_energy_mwh": 50.0, "shortfall_usd_per_mwh": 3.0},
            "grid: a minimum take whose shortfall is paid for",
        ),
        ({"exit_usd_per_mw": 5.0, "capacity_mw": None, "most_mw": 9.0}, "grid: an exit fee"),
    ],
)
def test_what_pypsa_has_no_word_for_is_named(terms, told):
    with pytest.raises(NotModelledError, match="PyPSA cannot express this") as caught:
        to_pypsa(small(**terms))
    assert told in str(caught.value)


def test_a_cap_needs_factors_that_do_not_change():
    system = small(co2_t_per_mwh=np.linspace(0.2, 0.4, 24))
    assert to_pypsa(system) is not None
    with pytest.raises(NotModelledError, match="a limit on co2 with a factor that changes"):
        to_pypsa(replace(system, co2_most_t=30.0))


def test_without_the_extra_the_way_to_it_is_shown(monkeypatch):
    monkeypatch.setitem(sys.modules, "pypsa", None)
    with pytest.raises(InputError, match="install gigawatt with the extra 'pypsa'"):
        to_pypsa(small())
