"""A year at the meter: books that close, limits that hold, and answers that follow."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from scipy.stats import gumbel_r

import gigawatt as gw
from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError, UnknownNameError
from gigawatt.site.cooling_plant import cooling_plant, sized_for
from gigawatt.site.electrical import chain, it_power_within
from gigawatt.site.synthetic_weather import synthetic_year
from gigawatt.twin.site_year.answers import breakdown, measures
from gigawatt.twin.site_year.balance import balance
from gigawatt.twin.site_year.conditions import return_level
from gigawatt.twin.site_year.event import Protection, play_event
from gigawatt.twin.site_year.job import JobQuestion
from gigawatt.twin.site_year.simulate import simulate_site

BOOK = catalog.load()
TOPOLOGIES = [entry.id for entry in BOOK.entries("topology")]
PLANTS = ["closed-loop-dry", "waterside-economiser", "airside-adiabatic", "google-tower"]


def phase(**changes):
    one = {
        "name": "One", "date": dt.date(2027, 1, 1), "it_mw": 100.0, "facility_mw": 130.0,
        "chips": [{"type": "gb200-nvl72", "count": 40_000}],
    }  # fmt: skip
    return {**one, **changes}


@pytest.fixture(scope="module")
def site(campus):
    return simulate_site(campus())


def value(site, name):
    return next(head for head in site.answers if head.name == name).value


# --- books that close


@pytest.mark.parametrize("limit", [None, 60.0])
@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_energy_closes_in_every_hour(campus, topology, plant, limit):
    power = {} if limit is None else {"power": {"interconnection_mw": limit}}
    found = simulate_site(campus(**power), topology=topology, plant=plant, job=None)
    year = found.balance.cooling
    total = found.it_mw + found.loss_mw + found.cooling_mw + found.auxiliary_mw
    assert np.allclose(found.facility_mw, total, rtol=1e-12)
    # What the chain says it takes from the grid is the same, though it was found otherwise.
    assert np.allclose(found.facility_mw, found.balance.losses.grid_mw[:, 0], rtol=1e-7)
    heat = year.it_mw + year.loss_mw + year.other_mw + year.cooling_mw
    assert np.allclose(year.heat_out_mw, heat, rtol=1e-9)
    wanted = found.it_mw + year.curtailed_cooling_mw + year.curtailed_limit_mw
    assert np.allclose(found.wanted_mw, wanted, rtol=1e-9)
    assert sum(found.balance.stages_mw.values()) == pytest.approx(found.loss_mw.mean(), rel=1e-7)
    worst = found.worst_hour
    parts = breakdown(found, worst)
    assert sum(parts.values()) == pytest.approx(found.facility_mw[worst], rel=1e-12)
    assert all(mw >= 0.0 for mw in parts.values())


def test_twice_the_campus_takes_twice_the_power(campus, site):
    twice = phase(it_mw=200.0, facility_mw=260.0, chips=[{"type": "gb200-nvl72", "count": 80_000}])
    double = simulate_site(campus(phases=[twice]))
    assert np.allclose(double.facility_mw, 2.0 * site.facility_mw, rtol=1e-9)
    assert np.allclose(double.pue, site.pue, rtol=1e-9)


def test_activities_share_all_accelerators(site):
    shares = site.installed.shares
    assert np.allclose(sum(shares.values()), 1.0)
    assert np.allclose(shares["training"], 0.5)
    assert np.allclose(shares["data_processing"], 0.05)


def test_servers_draw_between_idle_and_their_rating(site):
    # A GB200 rack idles below a third of its nameplate, and no activity reaches it.
    assert (site.wanted_mw < site.installed.rated_mw).all()
    assert (site.wanted_mw > 0.3 * site.installed.rated_mw).all()


def test_users_give_the_day_its_shape(campus):
    service = {"name": "Chat", "model": "llama-4-maverick", "users": 3e9, "share": 0.8}
    programme = {"services": [service], "research": {"share": 0.0, "takes_idle": False}}
    found = simulate_site(campus(programme=programme), job=None)
    by_hour = found.wanted_mw[: 364 * 24].reshape(-1, 24).mean(axis=0)
    assert by_hour.argmax() == 20
    assert by_hour.max() > 1.05 * by_hour.min()


# --- what binds


def test_the_limit_holds_and_takes_no_more_than_it_must(campus):
    limit = 62.0
    found = simulate_site(campus(power={"interconnection_mw": limit}), job=None)
    cut = found.balance.cooling.curtailed_limit_mw
    tight = cut > 1e-6
    assert tight.any()
    assert found.facility_mw.max() <= limit * (1 + 1e-9)
    # Chillers start with a small step, so an hour may end just below it.
    assert np.allclose(found.facility_mw[tight], limit, rtol=1e-4)
    assert np.median(found.facility_mw[tight]) == pytest.approx(limit, rel=1e-9)
    # The chain's exact inverse gives the same IT power beside the plant's power.
    plant = (found.cooling_mw + found.auxiliary_mw)[tight]
    allowed = it_power_within(
        "ac-ups", found.facility_mw[tight][:, None], 100.0, plant[:, None],
        rated_auxiliary_mw=found.balance.design_auxiliary_mw,
    )  # fmt: skip
    assert np.allclose(found.it_mw[tight], allowed[:, 0], rtol=1e-7)
    assert value(found, "curtailed_h") == tight.sum()
    assert value(found, "curtailed_mwh") == pytest.approx(cut.sum())


def test_a_tighter_limit_cuts_more(campus):
    cut = [
        value(simulate_site(campus(power={"interconnection_mw": mw}), job=None), "curtailed_mwh")
        for mw in (90.0, 70.0, 62.0, 58.0)
    ]
    assert cut[0] == 0.0
    assert cut == sorted(cut)
    assert cut[-1] > 1.5 * cut[-2]


def test_a_limit_below_what_empty_halls_take_is_said(campus):
    with pytest.raises(NotModelledError, match="do not carry"):
        simulate_site(campus(power={"interconnection_mw": 0.5}), job=None)


def test_a_plant_that_runs_out_of_cold_cuts_it_power(campus):
    """At full load, in far hotter weather than the plant was built for."""
    air = simulate_site(campus(), job=None).weather
    plant = sized_for(
        cooling_plant("closed-loop-dry"), wet_bulb_c=air.wet_bulb_c.max(),
        dry_bulb_c=air.dry_bulb_c.max(),
    )  # fmt: skip
    full = np.full(air.times.size, 100.0)
    found = balance(
        chain("ac-ups"), plant, air.warmer(8.0), full,
        usual=air, design_it_mw=100.0, limit_mw=1e3,
    )  # fmt: skip
    year = found.cooling
    cut = year.curtailed_cooling_mw
    assert ((cut > 1e-9) == (year.margin < -1e-9)).all()
    assert 0 < (cut > 1e-9).sum() < cut.size / 10
    # Only in hours hotter than those it was built for.
    assert (air.dry_bulb_c[cut > 1e-9] + 8.0).min() > air.dry_bulb_c.max()
    assert np.allclose(year.it_mw, full - cut)
    assert np.allclose(year.facility_mw, found.losses.grid_mw[:, 0], rtol=1e-7)


# --- weather


def test_heat_costs_power(campus, site):
    warm = simulate_site(campus(), warming_k=3.0, job=None)
    wave = simulate_site(campus(), heat_wave=True, job=None)
    assert np.allclose(warm.weather.dry_bulb_c, site.weather.dry_bulb_c + 3.0)
    for hot in (warm, wave):
        assert hot.facility_mw.max() > site.facility_mw.max()
        assert hot.facility_mw.sum() > site.facility_mw.sum()
    peak, _ = return_level("columbus-oh")
    assert wave.weather.dry_bulb_c.max() == pytest.approx(
        max(peak, site.weather.dry_bulb_c.max()), abs=0.01
    )
    # Six days of it in July, and nothing else has changed.
    other = wave.weather.dry_bulb_c != site.weather.dry_bulb_c
    assert other.sum() <= 6 * 24
    assert set(np.unique(site.times[other].astype("datetime64[M]").astype(int) % 12)) == {6}


def test_return_levels_are_those_of_gumbels_distribution():
    """ASHRAE's formula is Gumbel's distribution fitted by its moments."""
    entry, months = BOOK.get("climate", "columbus-oh"), BOOK.where("month", climate="columbus-oh")
    top = [synthetic_year(entry, months, seed=seed).dry_bulb_c.max() for seed in range(30)]
    scale = np.std(top, ddof=1) * np.sqrt(6.0) / np.pi
    loc = np.mean(top) - np.euler_gamma * scale
    for years in (5, 20, 50):
        expected = gumbel_r.ppf(1.0 - 1.0 / years, loc, scale)
        assert return_level("columbus-oh", years)[0] == pytest.approx(expected, abs=1e-3)


def test_a_file_takes_the_place_of_the_normals(campus, shared):
    path = shared / "weather" / "OH-Columbus_Port_Columbus_Intl_A.tmy3"
    found = simulate_site(campus(), weather=path, job=None)
    assert "COLUMBUS" in found.weather.name.upper()
    assert found.times.size == found.weather.times.size == 8760
    usual = simulate_site(campus(), job=None)
    # Mean temperature and PUE of the typical year are those of the normals.
    assert found.weather.dry_bulb_c.mean() == pytest.approx(
        usual.weather.dry_bulb_c.mean(), abs=0.3
    )
    assert found.balance.cooling.mean_pue == pytest.approx(usual.balance.cooling.mean_pue, abs=0.01)


def test_seeds_give_other_weather_and_the_same_seed_the_same(campus):
    one, same, other = (simulate_site(campus(), seed=s, job=None) for s in (1, 1, 2))
    assert np.array_equal(one.facility_mw, same.facility_mw)
    assert not np.array_equal(one.facility_mw, other.facility_mw)
    # Per cent from year to year; the worst hour a little more.
    assert one.facility_mw.mean() == pytest.approx(other.facility_mw.mean(), rel=0.01)


# --- the year, and names


def test_what_stands_at_the_end_of_the_year_counts():
    prometheus = gw.load("prometheus")
    early, late = (simulate_site(prometheus, year=y, job=None) for y in (2027, 2028))
    assert early.installed.chips["gb200-nvl72"] == late.installed.chips["gb200-nvl72"]
    assert early.installed.chips["gb300-nvl72"] < late.installed.chips["gb300-nvl72"]
    assert early.installed.limit_mw == pytest.approx(1128.0)
    assert late.installed.limit_mw == pytest.approx(1328.0)
    assert (late.times.size, late.times[0]) == (8784, np.datetime64("2028-01-01"))


@pytest.mark.parametrize("year", [2026, 2028, 1990])
def test_a_year_outside_the_horizon_is_refused(campus, year):
    with pytest.raises(InputError, match="2027-01-01 to 2028-01-01"):
        simulate_site(campus(), year=year)


def test_an_empty_campus_is_refused(campus):
    with pytest.raises(InputError, match="no accelerators"):
        simulate_site(campus(phases=[]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"topology": "ac-upss"},
        {"plant": "closed-loop-wet"},
        {"job": JobQuestion(specification="choukse-2024")},
    ],
)
def test_unknown_names_are_told(campus, wrong):
    with pytest.raises(UnknownNameError):
        simulate_site(campus(), **wrong)


# --- the job


@pytest.fixture(scope="module")
def large(campus):
    """Return a campus that trains a dense model, which moves in step."""
    training = [{"name": "Dense", "model": "llama-3.1-405b", "tokens": 15e12, "share": 0.5}]
    return simulate_site(campus(programme={"training": training, "research": {"share": 0.5}}))


def test_the_job_swings_and_the_cheapest_measures_calm_it(large):
    job = large.job
    power = job.unsmoothed.power_mw
    # The campus draws its mean beside the job's own swings.
    assert power.mean() == pytest.approx(large.facility_mw.mean(), rel=0.02)
    swing = power.max() - power.min()
    rated = 16_384 * BOOK.get("chip", "gb200").number("all_in_it_kw") / 1e3
    assert 0.2 * rated < swing < rated
    assert not job.verdict.passed
    assert job.best.verdict.passed
    costs = [plan.usd_per_year for plan in job.plans]
    assert costs == sorted(costs)
    assert (value(large, "job_meets_specification"), costs[0]) == ("no", 0.0)
    assert value(large, "job_meets_specification_smoothed") == "yes"
    assert value(large, "smoothing_usd_per_year") == costs[-1]
    assert np.ptp(job.best.waveform.power_mw) < 0.8 * swing
    assert measures(job.plans[0]) == "nothing is needed"
    assert measures(job.best) != "nothing is needed"


def test_where_no_measure_helps_that_is_the_answer(campus):
    """A ripple whose energy lies in the band alone breaks a share of it at any size."""
    found = simulate_site(campus(), job=JobQuestion(checkpoint_s=0.0))
    assert found.job.best is None
    assert value(found, "job_meets_specification_smoothed") == "no"


def test_chain_losses_widen_the_swing(campus):
    swings = [
        np.ptp(simulate_site(campus(), topology=name).job.unsmoothed.power_mw)
        for name in ("ac-rack-shelf", "ac-ups")
    ]
    assert 1.005 * swings[0] < swings[1] < 1.1 * swings[0]


def test_a_job_that_cannot_be_is_an_answer_without_a_value(campus):
    found = simulate_site(campus(), job=JobQuestion(accelerators=60_000))
    head = next(h for h in found.answers if h.name == "job_meets_specification")
    assert head.value is None
    assert "40,000 gb200-nvl72" in head.note
    idle = simulate_site(campus(programme={"research": {"share": 1.0}}))
    with pytest.raises(NotModelledError, match="trains nothing"):
        _ = idle.job
    assert simulate_site(campus(), job=None).job is None


# --- an event


def test_protection_that_counts_stays_away(site):
    event = play_event(site, "virginia-2024-07-10")
    worst = site.facility_mw[site.worst_hour]
    for ride in (event.counting, event.patient):
        total = ride.grid_mw + ride.battery_mw + ride.generator_mw + ride.lost_mw
        assert np.allclose(total.sum(axis=1), worst)
    assert event.counting.left_at_dip[0] == 3
    assert event.patient.left_at_dip[0] == 0
    assert event.counting.off_grid_mw[-1] > 0.8 * worst
    assert event.patient.off_grid_mw[-1] == 0.0


def test_batteries_that_are_too_small_lose_it_work(site):
    empty = play_event(site, "virginia-2024-07-10", Protection(ups_minutes=0.05))
    assert empty.patient.lost_mw[:, 0].sum() > 0.0
    with pytest.raises(NotModelledError, match="no battery"):
        play_event(simulate_site(site.campus, topology="frontier", job=None), "virginia-2024-07-10")
    with pytest.raises(InputError, match="negative"):
        Protection(ups_minutes=-1.0)


# --- the answers


def test_bands_hold_the_value_and_the_limit(campus, site):
    tight = simulate_site(campus(power={"interconnection_mw": 62.0}), job=None)
    for found in (site, tight):
        for name in ("worst_hour_facility_mw", "mean_facility_mw", "facility_energy_mwh"):
            head = next(h for h in found.answers if h.name == name)
            assert head.low <= head.value <= head.high
        worst = next(h for h in found.answers if h.name == "worst_hour_facility_mw")
        assert worst.high <= found.installed.limit_mw * (1 + 1e-9)
    assert "held at the limit" in next(iter(tight.answers)).note


def test_answers_name_the_facts_they_rest_on(campus, site, shared):
    facts = {head.name: set(head.facts) for head in site.answers}
    power = facts["worst_hour_facility_mw"]
    for key in (
        "chip/gb200-nvl72/all_in_it_kw", "cooling_plant/closed-loop-dry/supply_air_c",
        "climate/columbus-oh/elevation_m",
    ):  # fmt: skip
        assert key in power, key
    assert any(key.startswith("converter/ups-double-conversion/") for key in power)
    assert any(key.startswith("month/") for key in power)
    assert any(key.startswith("smoothing/") for key in facts["job_meets_specification"])
    for key in set().union(*facts.values()):
        kind, name, field = key.split("/")
        assert BOOK.get(kind, name)[field].key == key
    path = shared / "weather" / "OH-Columbus_Port_Columbus_Intl_A.tmy3"
    filed = simulate_site(campus(), weather=path, job=None).answers[0].facts
    assert not any(key.startswith("month/") for key in filed)


def test_the_worst_hour_is_explained(site):
    head = next(iter(site.answers))
    assert "°C outside" in head.note
    assert "compressors +" in head.note


def test_a_campus_of_towers_says_what_it_drinks(campus):
    found = simulate_site(campus(), plant="waterside-economiser", job=None)
    water = value(found, "water_m3")
    assert water == pytest.approx(found.table()["water_m3"].sum())
    # Published for this plant in this climate: 1.74 to 2.61 L/kWh.
    assert 1.74 < value(found, "mean_wue_l_per_kwh") < 2.61
    assert water / 1e3 == pytest.approx(
        value(found, "mean_wue_l_per_kwh") * found.it_mw.sum() / 1e3, rel=1e-9
    )


def test_stated_overheads_are_not_used_and_said_so(campus):
    cooling = {"plant": "closed-loop-dry", "pue": 1.5, "wue_l_per_kwh": 1.0}
    found = simulate_site(campus(cooling=cooling), job=None)
    assert found.balance.cooling.mean_pue < 1.2
    assert sum("not used here" in warning for warning in found.warnings) == 2


@pytest.mark.parametrize("name", ["prometheus", "hyperion"])
def test_both_campuses_answer_everything(name):
    """Figures that the published design of each site must hold against the model."""
    found = gw.simulate_site(gw.load(name))
    answers = {head.name: head.value for head in found.answers}
    assert None not in answers.values()
    assert answers["worst_hour_facility_mw"] < found.installed.limit_mw
    assert answers["curtailed_h"] == 0
    # Closed loops with dry coolers take no water in operation (Meta).
    assert answers["water_m3"] == 0.0
    assert 1.03 < answers["mean_pue"] < answers["worst_pue"] < 1.35
