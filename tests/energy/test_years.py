"""Supply over years: the whole program in one, and what must hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from energy_oracle import oracle_system
from energy_reference import Plain, add_system
from energy_systems import systems
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from gigawatt.energy.dispatch.diagnose import InfeasibleError
from gigawatt.energy.expansion.dates import masked, standing_from
from gigawatt.energy.expansion.plan import UnboundedError, plan_supply
from gigawatt.energy.expansion.years import Build, plan_supply_over_years
from gigawatt.energy.system import Source, Storage, System
from gigawatt.errors import InputError

EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    phases=[Phase.generate],
)


def _begin(build, year, system):
    """Return the first hour of a year in which a part can stand: all of it, or half of 2028."""
    return round(182 / 366 * system.hours) if build.earliest == f"{year}-07-01" == HALF else 0


HALF = "2028-07-01"


def whole(years, builds, rate, firm_mw):
    """Return what scipy's linprog answers about all years in one program."""
    lp, order = Plain(), sorted(years)
    names = dict.fromkeys(p.name for y in order for p in years[y].planned)
    vintage = {}
    for name in names:
        build = builds.get(name, Build())
        for v in order:
            part = next(p for p in years[v].parts if p.name == name)
            if v < int(build.earliest[:4] or order[0]):
                continue
            stands = [y for y in order if v <= y < v + (build.life_years or 99)]
            cost = sum(
                (1 + rate) ** (order[0] - y) * part.capital_usd_per_mw_year * years[y].hours / 8760
                * (1.0 - (_begin(build, v, years[v]) / years[v].hours if y == v else 0.0))
                for y in stands
            )  # fmt: skip
            most = None if np.isinf(build.most_mw_per_year) else build.most_mw_per_year
            vintage[name, v] = (lp.variable(cost, 0.0, most), stands)
    for y in order:
        shared = {
            name: [(k, 1.0) for (n, _), (k, stands) in vintage.items() if n == name and y in stands]
            for name in names
        }
        for part in years[y].planned:
            terms = shared[part.name]
            if not np.isinf(part.most_mw):
                lp.below.append((terms, part.most_mw))
            lp.below.append(([(k, -a) for k, a in terms], -part.least_mw))
        begin = len(lp.cost)
        sources = tuple(
            masked(s, np.arange(years[y].hours) >= at)
            if (at := _begin(builds.get(s.name, Build()), y, years[y]))
            else s
            for s in years[y].sources
        )
        add_system(lp, replace(years[y], sources=sources), firm_mw, shared)
        for i in range(begin, len(lp.cost)):
            lp.cost[i] *= (1 + rate) ** (order[0] - y)
    return lp.solve()


def test_three_years_of_the_oracle_agree_with_highs_on_the_whole_program(shared):
    # Load grows, gas comes in mid-2028, wind is built slowly; storage and ramps bind.
    one = oracle_system(shared / "oracles" / "energy", hours=336)
    years = {2027 + i: replace(one, load_mw=one.load_mw * part)
             for i, part in enumerate((0.5, 0.8, 1.1))}  # fmt: skip
    builds = {
        "ccgt": Build(earliest=HALF),
        "wind": Build(most_mw_per_year=200.0),
        "battery": Build(life_years=2),
    }
    plan = plan_supply_over_years(years, builds, discount_rate=0.07)
    expected = whole(years, builds, 0.07, 0.0)
    assert plan.total_usd == pytest.approx(expected.fun, rel=1e-7)
    assert plan.gap < 1e-7
    assert plan.built_mw["wind"].max() == pytest.approx(200.0, rel=1e-6)
    assert sum(mw.sum() for mw in plan.built_mw.values()) > 500.0


@st.composite
def horizons(draw):
    """Draw up to four years of one system whose load, prices and capital change."""
    system = draw(systems(planned=True))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    years = {}
    for year in range(2027, 2027 + draw(st.integers(1, 4))):
        sources = tuple(
            replace(
                s,
                marginal_usd_per_mwh=np.asarray(s.marginal_usd_per_mwh) * random.uniform(0.5, 1.5),
                capital_usd_per_mw_year=s.capital_usd_per_mw_year * random.uniform(0.5, 1.5),
                least_mw=0.0,
            )
            for s in system.sources
        )
        storages = tuple(replace(s, least_mw=0.0) for s in system.storages)
        load = system.load_mw * random.uniform(0.3, 1.5)
        years[year] = replace(system, load_mw=load, sources=sources, storages=storages)
    builds = {
        part.name: Build(
            earliest=draw(
                st.sampled_from(["", "2026-07-01", "2028-01-01", "2029-01-01"])
                if isinstance(part, Storage)
                else st.sampled_from(["", "2028-01-01", HALF, "2029-01-01"])
            ),
            life_years=draw(st.sampled_from([None, 1, 2])),
            most_mw_per_year=draw(st.sampled_from([np.inf, 60.0])),
        )
        for part in system.planned
    }
    return years, builds


@EXAMPLES
@given(horizons(), st.sampled_from([0.0, 0.08]), st.sampled_from([0.0, 20.0]))
def test_random_horizons_agree_with_the_whole_program(horizon, rate, firm_mw):
    years, builds = horizon
    expected = whole(years, builds, rate, firm_mw)
    if expected.status == 2:
        with pytest.raises(InputError):
            plan_supply_over_years(years, builds, discount_rate=rate, firm_mw=firm_mw)
        return
    assume(expected.status == 0)
    plan = plan_supply_over_years(years, builds, discount_rate=rate, firm_mw=firm_mw)
    assert plan.total_usd == pytest.approx(expected.fun, rel=1e-6, abs=1e-3)
    assert plan.lower_bound_usd <= expected.fun * (1 + 1e-9) + 1e-6
    assert plan.gap < 1e-6
    parts = sum(
        d * (run.total_usd + sum(capital[i] for capital in plan.capital_usd.values()))
        for i, (d, run) in enumerate(zip(plan.discount, plan.dispatch, strict=True))
    )
    assert plan.total_usd == pytest.approx(parts, rel=1e-12)
    for run in plan.dispatch:
        assert run.lower_bound_usd <= run.total_usd * (1 + 1e-7) + 1e-6
        supply = sum(run.output_mw.values()) + sum(run.throttled_mw.values()) + run.unserved_mw
        supply = supply + sum(run.discharge_mw.values()) - sum(run.charge_mw.values())
        assert supply == pytest.approx(run.system.load_mw, abs=1e-5)


def _year(load=100.0, hours=96, **terms):
    """A day that repeats, fed by gas, sun and a battery, all to be planned."""
    sun = np.clip(np.sin((np.arange(hours) % 24 - 6) / 12 * np.pi), 0, 1)
    sources = (
        Source(name="gas", marginal_usd_per_mwh=45.0, capital_usd_per_mw_year=1.8e5,
               co2_t_per_mwh=0.4),
        Source(name="sun", marginal_usd_per_mwh=0.0, capital_usd_per_mw_year=7e4,
               availability=sun),
    )  # fmt: skip
    battery = Storage(
        name="battery", energy_hours=4, charge_efficiency=0.92, discharge_efficiency=0.92,
        discharge_usd_per_mwh=0.5, capital_usd_per_mw_year=7.5e4,
    )  # fmt: skip
    system = System(load_mw=np.full(hours, load), sources=sources, storages=(battery,))
    return replace(system, **terms)


def _with(system, name, **terms):
    sources = tuple(replace(s, **terms) if s.name == name else s for s in system.sources)
    return replace(system, sources=sources)


def test_one_year_is_plan_supply():
    one, years = plan_supply(_year()), plan_supply_over_years({2030: _year()})
    assert years.total_usd == pytest.approx(one.total_usd, rel=1e-7)
    for name, mw in one.capacity_mw.items():
        assert years.capacity_mw[name][0] == pytest.approx(mw, rel=1e-4, abs=1e-3)


def test_equal_years_build_once_and_cost_alike():
    plan = plan_supply_over_years({y: _year() for y in range(2027, 2031)}, discount_rate=0.05)
    once = plan_supply(_year()).total_usd
    assert plan.cost_usd == pytest.approx(np.full(4, once), rel=1e-6)
    assert plan.total_usd == pytest.approx(once * sum(1.05**-y for y in range(4)), rel=1e-6)
    assert plan.built_mw["gas"][1:] == pytest.approx(np.zeros(3), abs=1e-2)


def test_what_stands_is_what_was_built_and_not_taken_down():
    years = {y: _year(60.0 + 20.0 * (y - 2027)) for y in range(2027, 2032)}
    plan = plan_supply_over_years(years, {"gas": Build(life_years=2)})
    built, stands = plan.built_mw["gas"], plan.capacity_mw["gas"]
    assert stands == pytest.approx(built + np.append(0.0, built[:-1]), abs=1e-9)
    assert plan.capacity_mw["sun"] == pytest.approx(np.cumsum(plan.built_mw["sun"]), abs=1e-9)
    rows = plan.rows()
    assert [row["year"] for row in rows] == list(years)
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(plan.total_usd, rel=1e-12)


def test_a_plant_serves_from_its_first_day():
    # Gas can be there from mid-2028 on; before that the grid is all there is.
    def year(load):
        grid = Source(name="grid", marginal_usd_per_mwh=90.0, capacity_mw=100.0)
        gas = Source(name="gas", marginal_usd_per_mwh=30.0, capital_usd_per_mw_year=1e5)
        return System(load_mw=np.full(120, load), sources=(grid, gas))

    builds = {"gas": Build(earliest="2028-07-02")}
    plan = plan_supply_over_years({2027: year(90.0), 2028: year(90.0), 2029: year(90.0)}, builds)
    assert plan.built_mw["gas"] == pytest.approx([0.0, 90.0, 0.0], abs=1e-3)
    gas = plan.dispatch[1].output_mw["gas"]
    assert not gas[:60].any()
    assert gas[60:] == pytest.approx(np.full(60, 90.0), rel=1e-6)
    charged = 90.0 * 1e5 * 120 / 8760
    assert plan.capital_usd["gas"] == pytest.approx([0.0, charged / 2, charged], rel=1e-5)
    assert np.isnan(plan.short_usd_per_mw["gas"][0])


def test_a_battery_serves_from_its_first_day():
    price = np.where(np.arange(96) % 24 < 12, 5.0, 400.0)
    grid = Source(name="grid", capacity_mw=150.0, marginal_usd_per_mwh=price)
    years = {y: replace(_year(), sources=(grid,)) for y in (2027, 2028)}
    plan = plan_supply_over_years(years, {"battery": Build(earliest="2027-07-02")})
    assert plan.built_mw["battery"][0] > 1.0
    run = plan.dispatch[0]
    assert not run.discharge_mw["battery"][:48].any()
    assert run.discharge_mw["battery"][48:].any()


def test_what_may_not_be_built_is_not():
    years = {y: replace(_year(), unserved_usd_per_mwh=900.0) for y in (2027, 2028)}
    none = plan_supply_over_years(years, {"gas": Build(most_mw_per_year=0.0)})
    assert not none.capacity_mw["gas"].any()
    # Nothing may stand in 2028, and what is built lasts.
    years[2028] = _with(years[2028], "gas", most_mw=0.0)
    assert not plan_supply_over_years(years).capacity_mw["gas"].any()
    lasting = plan_supply_over_years(years, {"gas": Build(life_years=1)})
    assert lasting.capacity_mw["gas"][0] > 10.0
    assert lasting.capacity_mw["gas"][1] == 0.0


def test_years_without_load_or_choice():
    idle = plan_supply_over_years({2027: _year(0.0), 2028: _year(50.0)})
    assert idle.cost_usd[0] == pytest.approx(0.0, abs=1e-3)
    grid = Source(name="grid", marginal_usd_per_mwh=5.0, capacity_mw=60.0)
    fixed = System(load_mw=np.full(48, 50.0), sources=(grid,))
    plan = plan_supply_over_years({2027: fixed, 2028: fixed}, discount_rate=1.0)
    assert plan.total_usd == pytest.approx(1.5 * 48 * 50.0 * 5.0, rel=1e-9)
    assert not plan.built_mw


def test_a_year_that_nothing_can_serve_says_why():
    years = {y: _year() for y in (2027, 2028)}
    builds = {"gas": Build(earliest="2028-03-01"), "battery": Build(earliest="2028-01-01")}
    with pytest.raises(InfeasibleError) as caught:
        plan_supply_over_years(years, builds)
    text = str(caught.value)
    assert "2027: the load cannot be served in" in text
    assert "2027: gas cannot be in service before 2028-03-01; battery cannot" in text
    assert "2028:" not in text  # by then the battery carries the nights


def test_years_far_from_their_rules_are_named():
    # Nothing can be built, and next to nothing of the load is served.
    random = np.random.default_rng(5)
    small = Source(name="small", marginal_usd_per_mwh=random.uniform(30.0, 130.0, 21),
                   capacity_mw=5.0, demand_usd_per_mw=267.0, least_demand_mw=30.0,
                   ramp_per_hour=0.7)  # fmt: skip
    years = {
        2027 + i: System(
            load_mw=random.uniform(40.0, 220.0, 21) * part,
            sources=(small,),
            unserved_usd_per_mwh=5000.0,
            unserved_most_mwh=0.0,
            clean_share=0.1,
        )
        for i, part in enumerate((1.0, 0.5, 0.9))
    }
    with pytest.raises(InfeasibleError, match="2027: unserved load cannot be held to 0 MWh"):
        plan_supply_over_years(years)


def test_mistakes_are_named():
    with pytest.raises(InputError, match="years must follow each other"):
        plan_supply_over_years({2027: _year(), 2029: _year()})
    with pytest.raises(InputError, match="'coal', which no year plans"):
        plan_supply_over_years({2027: _year()}, {"coal": Build()})
    with pytest.raises(InputError, match="not in 2028"):
        plan_supply_over_years({2027: _year(), 2028: replace(_year(), storages=())})
    with pytest.raises(InputError, match="has a capacity before 2028"):
        plan_supply_over_years({2027: _with(_year(), "gas", capacity_mw=50.0), 2028: _year()})
    with pytest.raises(InputError, match="at most 10 MW can have been built"):
        plan_supply_over_years(
            {2027: _with(_year(), "gas", least_mw=20.0)}, {"gas": Build(most_mw_per_year=10.0)}
        )
    years = {
        2027: _with(_year(), "gas", least_mw=150.0),
        2028: _with(_year(), "gas", most_mw=120.0),
    }
    with pytest.raises(InputError, match="still do in 2028, where most_mw allows 120 MW"):
        plan_supply_over_years(years)
    dump = Storage(name="dump", energy_hours=1e4, capacity_mw=1e6, loss_per_hour=0.5)
    paid = replace(_with(_year(), "sun", marginal_usd_per_mwh=-40.0), storages=(dump,))
    with pytest.raises(UnboundedError, match="sun: each further MW earns"):
        plan_supply_over_years({2027: paid})
    with pytest.raises(InputError, match="earliest is a day"):
        Build(earliest="soon")


@settings(EXAMPLES, max_examples=8)
@given(st.integers(0, 10_000))
def test_more_load_never_costs_less_and_a_cap_never_lowers_cost(seed):
    random = np.random.default_rng(seed)
    loads = random.uniform(40.0, 120.0, 3)
    years = {2027 + i: _year(load, 48) for i, load in enumerate(loads)}
    plan = plan_supply_over_years(years)
    i = int(random.integers(3))
    more = {**years, 2027 + i: _year(loads[i] * 1.1, 48)}
    assert plan_supply_over_years(more).total_usd >= plan.lower_bound_usd
    emitted = sum(plan.dispatch[i].co2_t.values())
    capped = {**years, 2027 + i: replace(years[2027 + i], co2_most_t=0.7 * emitted)}
    held = plan_supply_over_years(capped)
    assert held.total_usd >= plan.lower_bound_usd
    assert sum(held.dispatch[i].co2_t.values()) <= 0.7 * emitted * (1 + 1e-5)


def test_a_plant_of_given_dates_stands_between_them():
    plant = Source(name="old", marginal_usd_per_mwh=20.0, capacity_mw=10.0, least_output=0.2)
    year = standing_from(plant, 2027, 8760, "2027-02-01", "2027-12-30")
    assert np.flatnonzero(year.availability)[[0, -1]].tolist() == [31 * 24, 364 * 24 - 1]
    assert not np.any(year.least_output[: 31 * 24])
    assert standing_from(plant, 2028, 8784, "2027-02-01") is plant
    assert not np.any(standing_from(plant, 2026, 8760, "2027-02-01").availability)


def test_the_last_tonne_costs_what_the_next_plan_says():
    def cost(cap):
        years = {2027: _year(80.0), 2028: replace(_year(), co2_most_t=cap)}
        return plan_supply_over_years(years, discount_rate=0.1)

    free = plan_supply_over_years({2027: _year(80.0), 2028: _year()}, discount_rate=0.1)
    cap = 0.8 * sum(free.dispatch[1].co2_t.values())
    held, less = cost(cap), cost(cap - 1.0)
    price = held.last_unit[1]["co2_usd_per_t"]
    assert price > 1.0
    assert (less.total_usd - held.total_usd) * 1.1 == pytest.approx(price, rel=1e-2)
    assert all(a >= 0 for pair in pairwise(free.built_mw["gas"]) for a in pair)
