"""What more load, limits and load that gives way cost: against plans made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from energy_reference import Plain, add_system

from gigawatt.energy.dispatch.diagnose import InfeasibleError
from gigawatt.energy.expansion.extra import LEAST_COST, Option, extra_load_cost
from gigawatt.energy.expansion.flexibility import value_of_flexibility
from gigawatt.energy.expansion.plan import plan_supply
from gigawatt.energy.expansion.weather_years import plan_supply_over_weather
from gigawatt.energy.system import Source, Storage, System
from gigawatt.errors import InputError

HOURS = 8760
SUN = np.clip(np.sin((np.arange(240) % 24 - 6) / 12 * np.pi), 0, 1)


def _standing(load=500.0, hours=240, grid_mw=600.0):
    grid = Source(name="grid", marginal_usd_per_mwh=40.0, capacity_mw=grid_mw, co2_t_per_mwh=0.4)
    return System(load_mw=np.full(hours, load), sources=(grid,))


GAS = Option(
    part=Source(name="gas", marginal_usd_per_mwh=30.0, capital_usd_per_mw_year=2e5,
                co2_t_per_mwh=0.35),
    earliest="2030-06-01",
    usd_per_mw=2e6,
)  # fmt: skip
ENGINES = Option(
    part=Source(name="engines", marginal_usd_per_mwh=60.0, capital_usd_per_mw_year=1.2e5),
    earliest="2028-01-01",
    usd_per_mw=1.6e6,
)
PANELS = Option(
    part=Source(name="sun", marginal_usd_per_mwh=0.0, capital_usd_per_mw_year=7e4,
                availability=SUN),
)  # fmt: skip
CELLS = Option(
    part=Storage(name="battery", energy_hours=8.0, charge_efficiency=0.92,
                 discharge_efficiency=0.92, discharge_usd_per_mwh=0.5,
                 capital_usd_per_mw_year=1.2e5),
)  # fmt: skip


def _by(rows):
    return {(row.year, row.mix): row for row in rows}


def test_an_extra_gigawatt_costs_what_its_plants_and_fuel_cost():
    rows = _by(extra_load_cost({2028: _standing(), 2031: _standing()}, (GAS, ENGINES)))
    gas = rows[2031, "gas"]
    # 100 MW of the grid are left; 900 MW are built. Gas is cheaper to run than the grid, so that
    # what is built runs in full.
    assert gas.built_mw["gas"] == pytest.approx(900.0, rel=1e-6)
    assert gas.capital_usd == pytest.approx(1.8e9, rel=1e-6)
    expected = 900.0 * 2e5 + HOURS * (900.0 * 30.0 + 100.0 * 40.0)
    assert gas.usd_per_year == pytest.approx(expected, rel=1e-6)
    assert gas.usd_per_mwh == pytest.approx(expected / (1000.0 * HOURS), rel=1e-6)
    assert gas.co2_t_per_year == pytest.approx(HOURS * (900.0 * 0.35 + 100.0 * 0.4), rel=1e-6)
    engines = rows[2028, "engines"]
    assert engines.usd_per_year == pytest.approx(
        900.0 * 1.2e5 + HOURS * (900.0 * 60.0 + 100.0 * 40.0), rel=1e-6
    )
    assert rows[2031, LEAST_COST].usd_per_year <= min(
        gas.usd_per_year, rows[2031, "engines"].usd_per_year
    ) * (1 + 1e-9)


def test_what_cannot_be_there_says_why():
    rows = _by(extra_load_cost({2027: _standing(), 2028: _standing()}, (GAS, ENGINES)))
    late = rows[2027, "gas"]
    assert not late.possible
    assert late.usd_per_year is None
    assert late.why_not == "gas cannot be in service before 2030-06-01"
    both = rows[2027, LEAST_COST].why_not
    assert "gas cannot" in both
    assert "engines cannot be in service before 2028-01-01" in both
    assert "where the load is 1,500 MW and all sources together can give 600 MW" in both
    least = rows[2028, LEAST_COST]
    assert least.possible
    assert set(least.built_mw) == {"engines"}
    assert rows[2027, "gas"].row()["why_not"]


def test_a_mix_that_nights_defeat_says_so_and_one_with_storage_works():
    mixes = {"sun": ("sun",), "sun and battery": ("sun", "battery")}
    rows = _by(extra_load_cost({2028: _standing()}, (PANELS, CELLS), mixes=mixes))
    assert "the load cannot be served in" in rows[2028, "sun"].why_not
    both = rows[2028, "sun and battery"]
    assert both.possible
    assert both.built_mw["battery"] > 100.0
    assert both.capital_usd is None  # no overnight cost is stated
    assert both.usd_per_year == pytest.approx(rows[2028, LEAST_COST].usd_per_year, rel=1e-6)


def test_room_that_is_left_costs_energy_alone():
    rows = extra_load_cost({2028: _standing()}, (GAS,), extra_mw=80.0)
    least = _by(rows)[2028, LEAST_COST]
    assert least.usd_per_mwh == pytest.approx(40.0, rel=1e-6)  # nothing can be built, or need be
    assert not least.built_mw
    roomy = _by(extra_load_cost({2032: _standing()}, (ENGINES,), extra_mw=80.0))[2032, LEAST_COST]
    assert roomy.usd_per_mwh == pytest.approx(40.0, rel=1e-6)
    assert roomy.built_mw["engines"] == pytest.approx(0.0, abs=1e-2)


def test_no_more_goes_unserved_than_before_and_a_reserve_is_built():
    short = replace(_standing(load=700.0), unserved_usd_per_mwh=5000.0)
    rows = _by(extra_load_cost({2028: short}, (ENGINES,), reserve=0.1))
    found = rows[2028, "engines"]
    assert found.built_mw["engines"] == pytest.approx(1100.0, rel=1e-5)
    # The reserve also serves the 100 MW that went unserved before.
    saved = 100.0 * (5000.0 - 60.0)
    expected = 1100.0 * 1.2e5 + HOURS * (1000.0 * 60.0 - saved)
    assert found.usd_per_year == pytest.approx(expected, rel=1e-5)


def test_an_option_is_built_beside_what_stands_of_its_name():
    one = _by(extra_load_cost({2032: _standing()}, (_named(ENGINES, name="grid"),)))[2032, "grid"]
    other = _by(extra_load_cost({2032: _standing()}, (ENGINES,)))[2032, "engines"]
    assert one.usd_per_year == pytest.approx(other.usd_per_year, rel=1e-9)
    assert one.built_mw["grid"] == pytest.approx(other.built_mw["engines"], rel=1e-9)


def _named(option, **terms):
    return replace(option, part=replace(option.part, **terms))


def test_mistakes_of_extra_load_are_named():
    with pytest.raises(InputError, match="extra_mw must be above zero"):
        extra_load_cost({2028: _standing()}, (GAS,), extra_mw=0.0)
    with pytest.raises(InputError, match="earliest is a day such as"):
        extra_load_cost({2028: _standing()}, (replace(GAS, earliest="June 2030"),))
    with pytest.raises(InputError, match="names 'coal', which is no option"):
        extra_load_cost({2028: _standing()}, (GAS,), mixes={"black": ("coal",)})
    unsized = replace(_standing(), sources=(replace(GAS.part, name="grid"),))
    with pytest.raises(InputError, match="2028: state the capacity of grid"):
        extra_load_cost({2028: unsized}, (GAS,))
    with pytest.raises(InputError, match="an option has no capacity_mw"):
        extra_load_cost({2028: _standing()}, (_named(GAS, capacity_mw=5.0),))


def _limited(**terms):
    random = np.random.default_rng(11)
    system = System(
        load_mw=80.0 + 20.0 * SUN + 40.0 * (np.arange(240) == 100),
        sources=(
            Source(name="gas", marginal_usd_per_mwh=35.0, capital_usd_per_mw_year=1.2e5,
                   co2_t_per_mwh=0.4, water_m3_per_mwh=1.2),
            Source(name="air-cooled gas", marginal_usd_per_mwh=40.0, capital_usd_per_mw_year=1.5e5,
                   co2_t_per_mwh=0.42),
            Source(name="wind", marginal_usd_per_mwh=0.0, capital_usd_per_mw_year=1.6e5,
                   availability=random.uniform(0.05, 0.7, 240)),
        ),
        storages=(
            Storage(name="battery", energy_hours=4.0, charge_efficiency=0.92,
                    discharge_efficiency=0.92, discharge_usd_per_mwh=0.5,
                    capital_usd_per_mw_year=8e4),
        ),
        unserved_usd_per_mwh=2000.0,
    )  # fmt: skip
    return replace(system, **terms)


@pytest.mark.parametrize(
    ("limit", "key", "name"),
    [
        ("co2_most_t", "co2_usd_per_t", "co2"),
        ("water_most_m3", "water_usd_per_m3", "water"),
        ("unserved_most_mwh", "unserved_usd_per_mwh", "unserved"),
        ("clean_share", "clean_usd_per_percent", "clean"),
    ],
)
def test_the_last_unit_of_a_limit_costs_what_the_next_plan_says(limit, key, name):
    free = plan_supply(_limited())
    water = 1.2 * free.dispatch.energy_mwh["gas"]
    most = {
        "co2": 0.7 * sum(free.dispatch.co2_t.values()),
        "water": 0.5 * water,
        "unserved": 0.5 * free.dispatch.unserved_mwh,
        "clean": 0.6,
    }[name]
    assert most > 0.0
    step = 0.01 * most * (1.0 if name == "clean" else -1.0)

    def held(value):
        return plan_supply(_limited(**{limit: value}), tolerance=1e-9)

    here, tighter, looser = held(most), held(most + step), held(most - step)
    assert here.total_usd > free.total_usd
    each = abs(step) * (100.0 if name == "clean" else 1.0)
    price = here.last_unit[key]
    # Cost is convex in the limit: its slope lies between those of the two sides.
    assert price * each <= (tighter.total_usd - here.total_usd) * (1 + 1e-3) + 1e-2
    assert price * each >= (here.total_usd - looser.total_usd) * (1 - 1e-3) - 1e-2
    assert price > 0.0


def test_firm_capacity_and_slack_limits_have_their_price():
    # A further MW of firm capacity is one of the cheapest, which never runs.
    standby = Source(name="standby", marginal_usd_per_mwh=900.0, capital_usd_per_mw_year=3e4,
                     firm_share=0.9)  # fmt: skip
    system = _limited()
    system = replace(system, sources=(*system.sources, standby))
    plan = plan_supply(system, firm_mw=400.0)
    each = 3e4 * 240 / 8760 / 0.9
    assert plan.last_unit["firm_usd_per_mw"] == pytest.approx(each, rel=1e-4)
    loose = plan_supply(_limited(co2_most_t=1e6))
    assert loose.last_unit["co2_usd_per_t"] == pytest.approx(0.0, abs=1e-3)


def test_weather_years_agree_with_the_whole_program():
    random = np.random.default_rng(3)
    years = [
        replace(
            _limited(),
            load_mw=random.uniform(60.0, 100.0, 240),
            sources=tuple(
                replace(s, availability=random.uniform(0.0, 0.8, 240)) if s.name == "wind" else s
                for s in _limited().sources
            ),
        )
        for _ in range(3)
    ]
    lp = Plain()
    shared = {
        p.name: [(lp.variable(p.capital_usd_per_mw_year * 240 / 8760), 1.0)]
        for p in years[0].planned
    }
    for year in years:
        begin = len(lp.cost)
        add_system(lp, year, 90.0, shared)
        for i in range(begin, len(lp.cost)):
            lp.cost[i] /= 3.0
    plan = plan_supply_over_weather(years, firm_mw=90.0)
    assert plan.total_usd == pytest.approx(lp.solve().fun, rel=1e-6)
    assert 0.0 <= plan.gap + 1e-12 < 1e-6
    assert plan.last_unit[0]["firm_usd_per_mw"] >= 0.0
    one = plan_supply_over_weather(years[:1])
    assert one.total_usd == pytest.approx(plan_supply(years[0]).total_usd, rel=1e-7)
    with pytest.raises(InputError, match="weather year 1 differs"):
        plan_supply_over_weather([years[0], _limited(sources=years[0].sources[:2])])
    with pytest.raises(InputError, match="at least one weather year"):
        plan_supply_over_weather([])
    easy = replace(_limited(sources=years[0].sources[:2]), storages=())
    hard = replace(easy, co2_most_t=1.0, unserved_usd_per_mwh=None)
    with pytest.raises(InfeasibleError, match="weather year 1: emissions cannot be held"):
        plan_supply_over_weather([easy, hard])


def test_flexible_load_saves_what_the_plan_then_leaves_unbuilt():
    # One peak of 30 MW in one hour: cheaper not to draw than to build for.
    load = np.full(240, 100.0)
    load[100] = 130.0
    gas = Source(name="gas", marginal_usd_per_mwh=40.0, capital_usd_per_mw_year=1e5)
    system = System(load_mw=load, sources=(gas,))
    none, some, all_of_it = value_of_flexibility(system, (0.0, 0.1, 0.5), usd_per_mwh=200.0)
    assert none.saved_usd_per_year == pytest.approx(0.0, abs=1.0)
    a_mw = 1e5 * 240 / 8760
    assert some.saved_mw["gas"] == pytest.approx(13.0, rel=1e-6)
    assert some.throttled_h == 1
    assert some.throttled_mwh == pytest.approx(13.0, rel=1e-5)
    share = 240 / 8760
    assert some.saved_usd_per_year == pytest.approx(13.0 * (a_mw - 160.0) / share, rel=1e-5)
    assert some.saved_capital_usd_per_year == pytest.approx(13.0 * 1e5, rel=1e-5)
    assert all_of_it.saved_mw["gas"] == pytest.approx(30.0, rel=1e-5)
    assert all_of_it.saved_usd_per_year >= some.saved_usd_per_year
    assert some.usd_per_mw_year == pytest.approx(some.saved_usd_per_year / 13.0, rel=1e-9)
    firm = value_of_flexibility(system, (0.2,), usd_per_mwh=200.0, firm_mw=150.0)[0]
    assert firm.saved_mw["gas"] == pytest.approx(26.0, rel=1e-5)
    with pytest.raises(InputError, match="shares lie within"):
        value_of_flexibility(system, (1.5,), usd_per_mwh=10.0)
    with pytest.raises(InputError, match="plans nothing"):
        value_of_flexibility(_standing(), (0.1,), usd_per_mwh=10.0)
