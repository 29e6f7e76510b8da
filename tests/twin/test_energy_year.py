"""A campus's supply over a year: balances, bill, emissions, firmness, files, and the plan."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gigawatt import catalog, spec
from gigawatt.energy.dispatch.run import dispatch
from gigawatt.energy.pypsa_export import to_pypsa
from gigawatt.energy.system import Source
from gigawatt.energy.tariffs import bill
from gigawatt.errors import InputError, NotModelledError, SpecError
from gigawatt.programme.finance import capital_recovery_factor
from gigawatt.twin.energy_year.money import exit_fees
from gigawatt.twin.energy_year.simulate import simulate_energy

SMALL = """\
gigawatt: 1
name: Small
site: {place: New Albany, state: OH, climate: columbus-oh, grid: pjm}
horizon: {start: 2027-01-01, years: 2}
phases:
  - {name: one, date: 2027-01-01, it_mw: 100, facility_mw: 130, chips: [{type: gb200}]}
cooling: {plant: closed-loop-dry}
power:
  sources:
    - {name: gas, technology: reciprocating, capacity_mw: 40, date: 2027-01-01, units: 10}
    - {name: store, technology: battery, capacity_mw: 20, date: 2027-01-01}
    - {name: sun, technology: solar, capacity_mw: 30, date: 2027-07-01, connection: contracted}
programme:
  training_share: 0.5
  training: [{name: run, model: llama-3.1-8b, tokens: 1 T}]
  services: [{name: chat, model: llama-3.1-70b, share: 0.3}]
"""


@pytest.fixture(scope="module")
def prometheus():
    return simulate_energy(spec.load("prometheus"))


@pytest.fixture(scope="module")
def hyperion():
    return simulate_energy(spec.load("hyperion"))


@pytest.fixture(scope="module")
def small():
    return simulate_energy(spec.loads(SMALL), year=2027)


@pytest.fixture(params=["prometheus", "hyperion", "small"])
def energy(request):
    return request.getfixturevalue(request.param)


def head(energy, name):
    return next(h for h in energy.answers if h.name == name)


# --- balances


def test_supply_is_load_and_charging_in_every_hour(energy):
    run = energy.dispatch
    given = sum(run.output_mw.values()) + sum(run.discharge_mw.values(), np.zeros(run.system.hours))
    relief = sum(run.throttled_mw.values()) + run.unserved_mw
    taken = energy.load_mw + sum(run.charge_mw.values(), np.zeros(run.system.hours))
    assert given + relief == pytest.approx(taken + run.spilt_mw, abs=1e-6)
    assert run.gap < 1e-6


def test_the_load_is_the_campus_at_the_meter(energy):
    assert energy.load_mw.tolist() == energy.site.facility_mw.tolist()
    assert head(energy, "energy_mwh").value == pytest.approx(energy.site.facility_mw.sum())


def test_cost_is_the_sum_of_its_parts_and_holds_the_bill(energy):
    assert energy.total_usd == pytest.approx(sum(energy.cost_usd.values()))
    assert head(energy, "supply_usd").value == pytest.approx(energy.total_usd)
    ours = {k: v for k, v in energy.cost_usd.items() if k.startswith("utility, ")}
    parts = {f"utility, {k}": v for k, v in energy.utility_bill.parts_usd.items() if abs(v) > 0.5}
    assert ours == pytest.approx(parts)


def test_emissions_are_the_sum_over_fuels(energy):
    run = energy.dispatch
    assert sum(run.co2_t_by_fuel.values()) == pytest.approx(energy.carbon.direct_t)
    burnt = sum(energy.carbon.fuel_mmbtu.values())
    gas_t = sum(run.co2_t[p.name] for p in energy.parts if p.tech.fuel == "natural gas")
    # 53.06 kg to the MMBtu is what the emission factors were made of.
    assert gas_t == pytest.approx(53.06e-3 * burnt, rel=2e-4)


def test_every_answer_names_facts_and_is_plain(energy):
    for one in energy.answers:
        assert one.facts, one.name
        assert all(catalog.load().fact(key).source.where for key in one.facts)
        if one.value is None:
            assert one.note, one.name
    assert json.loads(json.dumps(energy.as_dict(), allow_nan=False))["campus"] == energy.campus.name


def test_the_table_has_a_row_for_each_hour(energy):
    table = energy.table()
    assert {len(column) for column in table.values()} == {energy.times.size}
    assert table["grid [MW]"].tolist() == energy.grid_mw.tolist()


# --- Prometheus: islands and a minimum


def test_islands_follow_their_part_of_the_load(prometheus):
    run, limit = prometheus.dispatch, prometheus.site.installed.limit_mw
    for name in ("Socrates North", "Socrates South"):
        assert run.output_mw[name] == pytest.approx(prometheus.load_mw * 200.0 / limit, rel=1e-6)
    assert prometheus.import_mw == pytest.approx(limit - 400.0)
    assert (prometheus.grid_mw <= prometheus.import_mw + 1e-6).all()


def test_the_least_demand_is_billed(prometheus):
    bill_ = prometheus.utility_bill
    assert bill_.billed_mw == pytest.approx(np.full(12, 0.85 * prometheus.contracted_mw))
    assert bill_.demand_mw.max() < 0.85 * prometheus.contracted_mw
    again = bill(
        prometheus.grid.terms, prometheus.grid_mw, prometheus.system.periods,
        contracted_mw=prometheus.contracted_mw,
    )  # fmt: skip
    assert bill_.total_usd == pytest.approx(again.total_usd)
    fees = dict(exit_fees(prometheus))
    assert fees[12] == 0.0
    assert fees[6] == pytest.approx(3.0 * 0.85 * prometheus.contracted_mw * 89333.0)


def test_the_plant_beside_the_grid_runs_when_it_is_cheaper(prometheus):
    output = prometheus.dispatch.output_mw["Socrates the Younger"]
    price = prometheus.grid.price_usd_per_mwh
    cheap = prometheus.system.sources[-1].marginal_usd_per_mwh
    assert output[price < cheap - 1.0].max() == pytest.approx(0.0, abs=1e-3)
    full = prometheus.system.series(prometheus.system.sources[-1].availability) * 250.0
    dear = price > cheap + 1.0
    assert output[dear] == pytest.approx(full[dear], abs=1e-3)


def test_islands_hold_with_their_spare_units(prometheus):
    for island in prometheus.firmness.islands:
        assert island.installed_mw == 307.0
        assert island.firm_mw == pytest.approx(307.0 * 29 / 30)
        assert 0.0 <= island.loss_of_load_h < 1e-6
    assert prometheus.firmness.alone.loss_of_load_h == pytest.approx(8760.0)


def test_an_island_without_spare_units_is_short():
    bare = {"power.sources[0].installed_mw": "120 MW", "power.sources[0].units": "3"}
    found = simulate_energy(spec.load("prometheus", bare)).firmness
    one = next(h for h in found.islands if h.installed_mw == 120.0)
    # Three units of 40 MW for some 116 to 124 MW: short in every hour in which the load is above
    # what is there, which with one of them out is all of them.
    q = catalog.load().get("technology", "small-turbine").number("forced_outage_rate")
    assert one.loss_of_load_h >= 8760.0 * (1.0 - (1.0 - q) ** 3) - 1e-6
    assert one.loss_of_load_h <= 8760.0


def test_units_that_are_not_stated_have_the_published_size():
    (island,) = simulate_energy(spec.load("meta-bowling-green")).firmness.islands
    size = catalog.load().get("technology", "small-turbine").number("unit_mw")
    assert 350.0 - size <= island.firm_mw < 350.0


# --- Hyperion: plants under contract


def test_the_plants_built_for_it_are_paid_back_over_fifteen_years(hyperion):
    rate = catalog.load().get("rate", "finance").number("discount_rate")
    expected = 3.2e9 * capital_recovery_factor(rate, 15.0)
    paid = hyperion.cost_usd["utility, capital of the plants built for it"]
    assert paid == pytest.approx(expected)
    assert "no exit fee is published" in exit_fees(hyperion)


def test_before_they_stand_the_plants_cost_nothing_and_the_grid_gives_all():
    found = simulate_energy(spec.load("hyperion"), year=2028)
    # Two of them stand from the last day of the year on.
    assert found.grid_mw[:8760].tolist() == pytest.approx(found.load_mw[:8760].tolist())


def test_the_sun_is_paid_for_whole_and_taken_first(hyperion):
    market = catalog.load().get("rate", "market").number("solar_usd_per_mwh")
    name = "Solar power bought by Entergy Louisiana"
    factor = catalog.load().get("technology", "solar").number("capacity_factor")
    paid = hyperion.cost_usd[f"{name}, energy of the contract"]
    assert paid == pytest.approx(market * factor * 1500.0 * 8760.0, rel=1e-3)
    sun = next(s for s in hyperion.system.sources if s.name == name)
    could = np.minimum(np.asarray(sun.availability) * 1500.0, hyperion.load_mw)
    assert hyperion.dispatch.output_mw[name] == pytest.approx(could, abs=1e-3)
    assert hyperion.carbon.matched_share == pytest.approx(
        could.sum() / hyperion.load_mw.sum(), rel=1e-6
    )


def test_further_energy_emits_what_sets_the_price(hyperion):
    found = 1000.0 * hyperion.carbon.marginal_t_per_mwh
    gas = catalog.load().get("technology", "combined-cycle").number("co2_kg_per_mwh")
    on_gas = (hyperion.grid.price_usd_per_mwh > 40.0) & (
        hyperion.dispatch.output_mw["Franklin Farms Power Station 1"] > 1.0
    )
    assert np.median(found[on_gas]) == pytest.approx(gas, rel=1e-3)


def test_the_campus_as_announced_has_ten_gas_plants():
    found = simulate_energy(spec.load("hyperion"), announced=True)
    gas = sum(p.spec.capacity_mw for p in found.parts if p.tech.fuel == "natural gas")
    assert gas == 2262 + 5200
    assert sum(p.spec.units for p in found.parts if p.tech.fuel == "natural gas") == 10
    scale = 5000.0 / found.site.installed.limit_mw
    assert found.load_mw == pytest.approx(found.site.facility_mw * scale)
    assert "Seven further gas plants, capital" in found.cost_usd
    with pytest.raises(InputError, match="announces no more power"):
        simulate_energy(spec.loads(SMALL), announced=True)


# --- what can be asked


def test_a_price_of_carbon_moves_energy_to_what_emits_less(hyperion):
    priced = simulate_energy(spec.load("hyperion"), co2_usd_per_t=100.0)
    assert priced.carbon.direct_t < hyperion.carbon.direct_t
    assert priced.cost_usd["price of CO2"] == pytest.approx(100.0 * priced.carbon.direct_t)
    assert priced.total_usd == pytest.approx(sum(priced.cost_usd.values()))


def test_a_clean_share_is_kept_or_batch_work_gives_way(hyperion):
    share = 0.5
    kept = simulate_energy(spec.load("hyperion"), clean_share=share)
    dirty = kept.load_mw.sum() - kept.dispatch.output_mw[
        "Solar power bought by Entergy Louisiana"
    ].sum() - sum(mw.sum() for mw in kept.dispatch.throttled_mw.values())  # fmt: skip
    assert dirty <= (1.0 - share) * kept.load_mw.sum() * (1.0 + 1e-6)
    assert any("batch work gives way" in told for told in kept.warnings)
    assert not hyperion.warnings


def test_prices_of_a_file_are_billed(tmp_path, small):
    path = tmp_path / "prices.csv"
    prices = np.round(20.0 + 40.0 * np.random.default_rng(2).random(8760), 3)
    path.write_text("price\n" + "\n".join(map(str, prices)) + "\n", encoding="utf-8")
    found = simulate_energy(spec.loads(SMALL), year=2027, price=path)
    assert found.grid.price_usd_per_mwh.tolist() == prices.tolist()
    assert found.utility_bill.parts_usd["energy"] == pytest.approx(float(found.grid_mw @ prices))
    assert found.total_usd != pytest.approx(small.total_usd)
    path.write_text("price\nfree\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"prices\.csv:2: price: expected a number"):
        simulate_energy(spec.loads(SMALL), year=2027, price=path)


def test_a_battery_wears_and_never_does_both_at_once(small):
    run = small.dispatch
    both = np.minimum(run.charge_mw["store"], run.discharge_mw["store"])
    assert both.max() == pytest.approx(0.0, abs=1e-6)


def test_without_a_tariff_energy_costs_what_the_state_s_industry_pays(small):
    price = catalog.load().get("state", "oh").number("industrial_usd_per_mwh")
    assert set(small.grid.price_usd_per_mwh) == {price}
    assert list(small.utility_bill.parts_usd) == ["energy"]


def test_sources_stand_from_their_date_on(small):
    sun = small.dispatch.output_mw["sun"]
    first = int(np.argmax(small.times >= np.datetime64("2027-07-01")))
    assert not sun[:first].any()
    assert sun[first:].any()


def test_dispatch_is_the_optimum_of_its_system(small):
    assert dispatch(small.system).total_usd == pytest.approx(small.dispatch.total_usd, rel=1e-9)
    dearer = replace(
        small.system,
        sources=tuple(
            replace(s, capacity_mw=0.0) if s.name == "gas" else s for s in small.system.sources
        ),
    )
    assert dispatch(dearer).total_usd >= small.dispatch.total_usd - 1e-6


def test_twice_the_chips_use_twice_the_energy_at_about_the_same_price():
    double = SMALL.replace("it_mw: 100, facility_mw: 130", "it_mw: 200, facility_mw: 260")
    double = double.replace("capacity_mw: 40", "capacity_mw: 80")
    double = double.replace("capacity_mw: 20", "capacity_mw: 40")
    double = double.replace("capacity_mw: 30", "capacity_mw: 60")
    one, two = (simulate_energy(spec.loads(text), year=2027) for text in (SMALL, double))
    assert two.load_mw.sum() == pytest.approx(2.0 * one.load_mw.sum(), rel=1e-3)
    assert two.total_usd == pytest.approx(2.0 * one.total_usd, rel=1e-3)


def test_a_grid_without_prices_says_what_to_state():
    campus = {"site.grid": "tva", "site.state": "TN"}
    with pytest.raises(NotModelledError, match=r"no hourly prices are published for the grid"):
        simulate_energy(spec.load("prometheus", campus))
    campus |= {"power.price_usd_per_mwh": "50"}
    assert simulate_energy(spec.load("prometheus", campus)).total_usd > 0.0


def test_whole_units_start_and_cost_more(small):
    switched = simulate_energy(spec.loads(SMALL), year=2027, commitment=True)
    assert switched.dispatch.units.keys() == {"gas"}
    assert switched.dispatch.units["gas"].unit_mw == pytest.approx(4.0)
    assert switched.dispatch.gap < 0.01
    assert switched.total_usd >= small.total_usd * (1.0 - 1e-6)
    assert switched.total_usd == pytest.approx(sum(switched.cost_usd.values()))
    assert switched.carbon.marginal_t_per_mwh is None
    pytest.importorskip("pypsa", reason="the extra 'pypsa' is not installed")
    with pytest.raises(NotModelledError, match="gas: units that are switched on and off"):
        to_pypsa(switched.system)


# --- the plan


@pytest.fixture(scope="module")
def planned():
    text = SMALL.replace("years: 2", "years: 3").replace(
        "power:\n", "power:\n  grid_import_mw: 40\n  tariff: aep-ohio-dct\n"
    )
    return simulate_energy(spec.loads(text), year=2027, plan=True, loss_of_load_h=2.0)


def test_a_plan_is_certified_and_builds_no_sooner_than_it_can(planned):
    plan = planned.plan
    found = plan.over_years
    assert 0.0 <= found.gap < 1e-5
    assert found.years == (2027, 2028, 2029)
    for name, mw in found.built_mw.items():
        first = int(plan.earliest[name.removeprefix("new ")][:4])
        late = [y for y, built in zip(found.years, mw, strict=True) if built > 1e-3 and y < first]
        assert not late, name


def test_a_gigawatt_more_is_built_when_it_can_be(planned):
    rows = {row.year: row for row in planned.plan.extra}
    assert not rows[2027].possible
    able = [row for row in rows.values() if row.possible]
    assert able
    for row in able:
        # With 40 MW of grid at the most, a gigawatt is built whole.
        assert sum(row.built_mw.values()) > 900.0
        assert row.usd_per_mwh * 8.76e6 == pytest.approx(row.usd_per_year, rel=0.005)
        assert 30.0 < row.usd_per_mwh < 200.0


def test_a_loss_of_load_target_is_met(planned):
    reliable = planned.plan.reliable
    assert reliable.reliability.lolh_h <= 2.0
    assert reliable.firmness_usd >= -1e-6
    assert {p.name for p in reliable.plan.dispatch[0].system.parts} >= {"grid", "gas", "store"}
    assert all(isinstance(s, Source) for s in reliable.plan.dispatch[0].system.sources)
