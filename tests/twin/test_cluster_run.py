"""Jobs of a campus on its accelerators: every accelerator-second is accounted for, once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

import gigawatt as gw
from gigawatt import catalog
from gigawatt.cluster import Cluster, Jobs, Storage
from gigawatt.cluster.kernel import columns as k
from gigawatt.cluster.policy import Policy
from gigawatt.errors import InputError, NotModelledError
from gigawatt.twin.cluster_run.account import ACTIVITY_OF, STATES, Tariff, account
from gigawatt.twin.cluster_run.choices import Choices
from gigawatt.twin.cluster_run.fleets import fleet_of
from gigawatt.twin.cluster_run.research import research_jobs
from gigawatt.twin.cluster_run.simulate import replay_jobs, simulate_jobs
from gigawatt.twin.cluster_run.timeline import held_per_step, waited_for, waiting_per_step

pytestmark = pytest.mark.xdist_group("cluster")  # one process compiles the kernel

CAMPUS = """\
gigawatt: 1
name: Small
site: {place: Richland Parish, state: LA, climate: monroe-la, grid: miso}
horizon: {start: 2027-01-01, years: 1}
phases:
  - {name: one, date: 2027-01-01, it_mw: 3, facility_mw: 4, chips: [{type: h100-sxm, count: 1024}]}
  - name: two
    date: 2027-06-01
    it_mw: 1.2
    facility_mw: 1.5
    chips: [{type: gb200-nvl72, count: 400}]
cooling: {plant: closed-loop-dry}
programme:
  training_share: 0.3
  training:
    - {name: first, model: llama-3.1-8b, tokens: 0.002 T}
    - {name: second, model: llama-3.1-8b, tokens: 0.03 T}
  services: [{name: chat, model: llama-3.1-8b, users: 40 million, share: 0.2}]
  research: {share: 0.2}
  data_processing: {share: 0.1}
"""
ROUGH = {"reliability": "opt-175b", "repair_s": 7200.0, "detect_s": 60.0, "spares": 1}


@pytest.fixture(scope="module")
def campus():
    return gw.loads(CAMPUS)


@pytest.fixture(scope="module")
def rough(campus):
    return simulate_jobs(campus, horizon_s=43_200, seed=5, research_scale=4, **ROUGH)


# --- the ledger


@pytest.mark.parametrize(
    ("horizon_s", "seed", "day", "options"),
    [
        (43_200, 0, None, {}),
        (43_200, 1, None, ROUGH),
        (100_001, 2, dt.date(2027, 3, 1), ROUGH | {"checkpoint_interval_s": 600}),
        (7_200, 3, dt.date(2027, 9, 1), ROUGH | {"reliability": "meta-rsc-1-jobs", "crews": 1}),
    ],
)
def test_every_accelerator_second_is_accounted_once(campus, horizon_s, seed, day, options):
    found = simulate_jobs(
        campus, horizon_s=horizon_s, seed=seed, day=day, research_scale=4, **options
    )
    chips = 1024 if day == dt.date(2027, 3, 1) else 1424
    assert sum(part.run.cluster.accelerators + part.left_out for part in found.parts) == chips
    whole = found.account
    assert whole.total_s == found.accelerators * horizon_s
    for part in found.parts:
        run, one = part.run, part.account
        assert one.total_s == run.cluster.accelerators * horizon_s
        # What jobs held by the ledger is what the log says they held, second by second.
        held = sum(one.of_class(name) for name in one.classes)
        log = run.held
        spans = (log[:, k.LOG_END] - log[:, k.LOG_BEGIN]) * log[:, k.LOG_HELD]
        assert held == spans.sum()
        # In money and energy nothing is lost or counted twice.
        table, tariff = run.job_table(), part.tariff
        hours = one.total_s / 3600.0
        busy = {
            name: table.loc[table["class"] == name, [f"{s}_accelerator_s" for s in
                  ("productive", "checkpoint", "recompute", "restart")]].to_numpy().sum() / 3600.0
            for name in one.classes
        }  # fmt: skip
        off = (run.ledger.failed + run.ledger.capped - run.slowed) / 3600.0
        still = hours - off - sum(busy.values())
        mwh = (sum(h * tariff.busy_kw[n] for n, h in busy.items()) + still * tariff.idle_kw) / 1e3
        assert sum(one.mwh.values()) == pytest.approx(mwh, rel=1e-12)
        usd = hours * tariff.usd_per_hour + mwh * tariff.usd_per_mwh
        assert sum(one.usd.values()) == pytest.approx(usd, rel=1e-12)
    for states in (whole.mwh, whole.usd):
        assert set(states) == set(STATES)
    assert sum(whole.usd.values()) == pytest.approx(
        sum(sum(part.account.usd.values()) for part in found.parts)
    )


def test_the_ledger_of_a_trace_in_money_and_energy():
    jobs = Jobs.of(submit_s=[0, 0], accelerators=[8, 8], work_s=[3600, 1800], kind="training")
    found = replay_jobs(jobs, Cluster(), chip="h100-sxm", usd_per_chip_hour=2.0)
    assert found.until_s == 5400
    assert sum(found.account.usd.values()) == pytest.approx(8 * 1.5 * 2.0)
    power = found.parts[0].tariff.busy_kw["training"]
    assert 0.7 < power < 1.45  # an H100 at work with its part of the server and the network
    assert sum(found.account.mwh.values()) == pytest.approx(8 * 1.5 * power / 1e3)


def test_without_a_chip_or_a_price_nothing_is_said_of_them():
    jobs = Jobs.of(submit_s=0, accelerators=8, work_s=60)
    found = replay_jobs(jobs, Cluster())
    assert found.account.mwh is None
    assert found.account.usd is None
    assert found.as_dict()["ledger"][-1]["usd"] is None
    priced = replay_jobs(jobs, Cluster(), usd_per_chip_hour=3.0)
    assert sum(priced.account.usd.values()) == pytest.approx(8 / 60 * 3.0)


def test_what_is_broken_draws_nothing():
    jobs = Jobs.of(submit_s=0, accelerators=8, work_s=100)
    run = replay_jobs(jobs, Cluster()).parts[0].run
    tariff = Tariff(busy_kw=dict.fromkeys(ACTIVITY_OF, 1.0), idle_kw=0.5)
    broken = replace(run, ledger=replace(run.ledger, failed=3600, idle=7200))
    found = account(broken, tariff)
    assert found.mwh["failed"] == 0.0
    assert found.mwh["idle"] == pytest.approx(2 * 0.5 / 1e3)


# --- the programme


def test_services_hold_what_their_users_ask_for(campus):
    found = simulate_jobs(campus, horizon_s=86_400, research_scale=4)
    for part in found.parts:
        rows = part.run.jobs.rows
        hosting = rows[rows["kind"] == 4]
        assert len(hosting) > 0
        wanted = ((hosting["until_s"] - hosting["submit_s"]) * hosting["accelerators"]).sum()
        assert part.account.of_class("hosting", "productive") == wanted
        levels = np.array(
            [hosting["accelerators"][(hosting["submit_s"] <= t) & (hosting["until_s"] > t)].sum()
             for t in range(0, 86_400, 3600)]
        )  # fmt: skip
        # The catalogue's day has its peak well above its mean, at eight in the evening.
        assert levels[20] == levels.max()
        assert levels.max() > 1.2 * levels.mean()
        assert levels.max() <= 0.2 * part.run.cluster.accelerators + hosting["accelerators"].max()


def test_training_keeps_to_its_share_and_its_queue_is_never_empty(campus):
    found = simulate_jobs(campus, horizon_s=86_400, research_scale=4)
    edges = np.arange(0, 86_401, 600)
    held = held_per_step(found, edges)["training"]
    size = found.accelerators
    assert held.max() <= 0.3 * size
    assert held[1:].min() > 0.2 * size
    first = found.parts[0].run.jobs
    names = [n for n, kind in zip(first.names, first.rows["kind"], strict=True) if kind == 0]
    assert names[:3] == ["first", "second", "first"]
    other = found.parts[1].run.jobs
    assert other.names[int(np.flatnonzero(other.rows["kind"] == 0)[0])] == "second"


def test_research_takes_what_is_idle_or_keeps_to_its_share(campus):
    free = simulate_jobs(campus, horizon_s=86_400, research_scale=1, day=dt.date(2027, 2, 1))
    bound = gw.loads(CAMPUS.replace("research: {share: 0.2}",
                                    "research: {share: 0.2, takes_idle: false}"))  # fmt: skip
    kept = simulate_jobs(bound, horizon_s=86_400, research_scale=1, day=dt.date(2027, 2, 1))
    edges = np.arange(0, 86_401, 600)
    assert held_per_step(kept, edges)["research"].max() <= 0.2 * 1024
    assert free.account.of_class("research") > 1.3 * kept.account.of_class("research")
    assert kept.account.of_class("data", "productive") == pytest.approx(
        0.1 * 1024 * 86_400, rel=8 / 102
    )


def test_research_is_in_the_steady_state_from_the_first_second():
    fleet = fleet_of("h100-sxm", 2**16)
    share, horizon = 0.5, 86_400
    made = [
        research_jobs(share, fleet, Choices(restart_s=0, research_scale=1), horizon,
                      np.random.default_rng(seed)).jobs.rows
        for seed in range(2)
    ]  # fmt: skip
    for rows in made:
        for at in (0, horizon // 2, horizon - 1):
            there = (rows["submit_s"] <= at) & (rows["submit_s"] + rows["work_s"] > at)
            asked = rows["accelerators"][there].sum() / fleet.cluster.accelerators
            assert asked == pytest.approx(share, rel=0.17)


def test_too_many_research_jobs_are_refused():
    with pytest.raises(NotModelledError, match="million jobs"):
        research_jobs(1.0, fleet_of("h100-sxm", 2**20), Choices(restart_s=0, research_scale=1),
                      10 * 86_400, np.random.default_rng(0))  # fmt: skip


def test_what_fits_no_accelerators_is_left_out_and_said():
    large = gw.loads(
        CAMPUS.replace("name: second, model: llama-3.1-8b", "name: second, model: deepseek-v3")
        .replace("count: 1024", "count: 64").replace("it_mw: 3,", "it_mw: 0.2,")
    )  # fmt: skip
    found = simulate_jobs(large, day=dt.date(2027, 2, 1), horizon_s=7200)
    assert any(note.startswith("second is left out") for note in found.notes)
    run = found.parts[0].run
    names = {n for n, kind in zip(run.jobs.names, run.jobs.rows["kind"], strict=True) if kind == 0}
    assert names == {"first"}
    assert found.account.total_s == 64 * 7200


def test_every_fact_behind_the_answer_is_in_the_catalogue(rough):
    book = catalog.load()
    assert len(rough.facts) == len(set(rough.facts)) > 20
    for key in rough.facts:
        kind, name, field = key.split("/")
        assert book.get(kind, name)[field].key == key
    expected = {
        "reliability/opt-175b/failures_per_1000_node_days",
        "reliability/meta-rsc-1/restart_min",
        "workload/seren/run_mean_s",
        "chip/h100-sxm/bf16_tflops",
        "rate/capital/compute_usd_per_it_mw",
    }
    assert expected <= set(rough.facts)


def test_a_small_connection_switches_hosts_off():
    tight = gw.loads(CAMPUS + "power: {interconnection_mw: 1.2}\n")
    free = simulate_jobs(gw.loads(CAMPUS), horizon_s=21_600, research_scale=4)
    found = simulate_jobs(tight, horizon_s=21_600, research_scale=4)
    assert free.account.of_state("capped") == 0
    assert found.account.total_s == free.account.total_s
    capped = found.account.of_state("capped") / found.account.total_s
    kw = [p.tariff.busy_kw["training"] * p.run.cluster.accelerators for p in found.parts]
    # At least as many as the connection cannot feed at a PUE of one.
    assert capped > 1.0 - 1200 / sum(kw) - 0.02
    assert any("power binds" in note for note in found.notes)
    assert found.account.mwh["capped"] == 0.0


def test_a_small_connection_slows_all_down():
    tight = gw.loads(CAMPUS + "power: {interconnection_mw: 1.2}\n")
    found = simulate_jobs(tight, horizon_s=21_600, research_scale=4, power_cap="slow")
    free = simulate_jobs(gw.loads(CAMPUS), horizon_s=21_600, research_scale=4)
    assert found.account.total_s == free.account.total_s
    for part in found.parts:
        one, run = part.account, part.run
        assert one.of_state("capped") == run.slowed > 0
        spans = (run.held[:, k.LOG_END] - run.held[:, k.LOG_BEGIN]) * run.held[:, k.LOG_HELD]
        assert sum(one.of_class(name) for name in one.classes) == spans.sum()
        assert one.mwh["capped"] == pytest.approx(run.slowed / 3600 * part.tariff.idle_kw / 1e3)
    # Slow jobs draw what the connection gives, less cooling and losses, and never more.
    mean_mw = sum(found.account.mwh.values()) / 6.0
    assert 0.7 < mean_mw < 1.2
    work = found.account.of_state("productive") / free.account.of_state("productive")
    assert work < 1.0 - found.account.of_state("capped") / found.account.total_s + 0.05
    assert any("slowed down" in note for note in found.notes)


def test_checkpoints_of_a_campus_go_to_its_storage(campus):
    """The interval is the best for the time of a write: Young's, as failures are rare."""
    storage = Storage(shared_gb_s=20.0, node_link_gb_s=5.0)
    asked = {"horizon_s": 7_200, "research_scale": 4, "day": dt.date(2027, 3, 1)}
    found = simulate_jobs(campus, storage=storage, **asked)
    jobs = found.parts[0].run.jobs.rows
    run = jobs[jobs["kind"] == 0][0]
    assert run["checkpoint_gb"] == pytest.approx(8.03 * 14, rel=0.01)
    write_s = round(run["checkpoint_gb"] / 20.0)
    rate = catalog.load().get("reliability", "llama-3-405b")
    per_s = rate.number("failures_per_1000_node_days") / 1e3 / 86_400
    young = (2 * write_s / (per_s * run["accelerators"] / 8)) ** 0.5
    assert run["checkpoint_interval_s"] == pytest.approx(young, rel=0.02)
    written = found.account.of_class("training", "checkpoint")
    assert written == pytest.approx(
        found.account.of_class("training", "productive") * write_s / run["checkpoint_interval_s"],
        rel=0.6,
    )


# --- what is said of it


def test_failures_strike_as_often_as_published(campus):
    found = simulate_jobs(
        campus, horizon_s=20 * 86_400, day=dt.date(2027, 2, 1), research_scale=64,
        reliability="opt-175b", repair_s=600.0, seed=3,
    )  # fmt: skip
    expected = 128 * 20 * 15.6e-3  # nodes, days, failures of a node in a day
    assert sum(found.failures.values()) == pytest.approx(expected, abs=4 * expected**0.5)
    struck = found.reached[0].failures
    assert 0 < struck <= 9 * sum(found.failures.values())


def test_the_same_seed_gives_the_same_answer(campus, rough):
    again = simulate_jobs(campus, horizon_s=43_200, seed=5, research_scale=4, **ROUGH)
    assert again.as_dict() == rough.as_dict()
    other = simulate_jobs(campus, horizon_s=43_200, seed=6, research_scale=4, **ROUGH)
    assert other.as_dict() != rough.as_dict()


def test_times_in_the_queue_are_those_of_the_kernel(rough):
    for part in rough.parts:
        job, begin, end = waited_for(part.run)
        assert (end >= begin).all()
        waited = np.zeros(len(part.run.jobs), dtype=np.int64)
        np.add.at(waited, job, end - begin)
        # The kernel counts a time in the queue once it is over.
        settled = part.run.done
        assert (waited[settled] == part.run.queue_s[settled]).all()
    edges = np.linspace(0, rough.until_s, 7).astype(np.int64)
    jobs, levels = waiting_per_step(rough, edges)
    total = sum(float((e - b).sum()) for _, b, e in (waited_for(p.run) for p in rough.parts))
    assert (jobs * np.diff(edges)).sum() == pytest.approx(total)
    assert sum(level.min() for level in levels.values()) > -1e-6


def test_delays_and_effective_time_by_class(rough):
    delays = {d.name: d for d in rough.delays}
    table = rough.table()
    for name, one in delays.items():
        rows = table[table["class"] == name]
        began = rows[rows["start_s"] >= 0]
        assert (one.jobs, one.started) == (len(rows), len(began))
        assert one.median_s == pytest.approx(np.median(began["queue_s"]))
        assert one.p90_s == pytest.approx(np.percentile(began["queue_s"], 90))
    every = rough.reached[0]
    assert every.name == "all"
    assert every.failures == table["failures"].sum() > 0
    training = next(r for r in rough.reached if r.name == "training")
    assert 0.5 < training.ettr < 1.0


def test_fragmentation_of_several_fleets_is_that_of_all(rough):
    free = sum(
        p.run.ledger.waiting + p.run.ledger.idle
        - int(p.run.fate[:, [k.WAITING, k.PADDING]].sum())
        for p in rough.parts
    )  # fmt: skip
    unused = sum(p.run.ledger.waiting - int(p.run.fate[:, k.WAITING].sum()) for p in rough.parts)
    assert rough.fragmentation == pytest.approx(unused / free)


# --- what is refused


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"day": dt.date(2026, 1, 1)}, "within the horizon"),
        ({"day": dt.date(2027, 12, 31), "horizon_s": 3 * 86_400}, "within the horizon"),
        ({"reliability": "meta-rsc-1"}, "no default"),
        ({"repair_s": 60.0}, "need failures"),
        ({"reliability": "megascale", "repair_s": 60.0}, "nobody published a failure rate"),
        ({"reliability": "meta-rsc1", "repair_s": 60.0}, "meta-rsc-1"),
        ({"research": "helio"}, "helios"),
        ({"spares": 128}, "fewer than the 128 hosts of 1,024 x h100-sxm; found 128"),
        ({"spares": -1}, "found -1"),
        ({"horizon_s": 0}, "horizon_s must be a number of at least 1. Got 0"),
        ({"research_scale": 0}, "research_scale must be a number of at least 1"),
        ({"checkpoint_interval_s": -5}, "checkpoint_interval_s must be"),
        ({"power_cap": "low"}, "power_cap must be one of off, slow"),
    ],
)
def test_what_makes_no_sense_is_told(campus, options, told):
    with pytest.raises((InputError, NotModelledError), match=told):
        simulate_jobs(campus, **options)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["checkpoint_gb", "usd_per_chip_hour"])
def test_numbers_of_a_trace_that_make_no_sense_are_told(name, value):
    jobs = Jobs.of(submit_s=[0], accelerators=8, work_s=10)
    with pytest.raises(InputError, match=f"{name} must be a number of at least 0"):
        replay_jobs(jobs, Cluster(), **{name: value})


def test_a_campus_with_nothing_to_do_is_refused():
    idle = gw.loads(CAMPUS.partition("programme:")[0])
    with pytest.raises(InputError, match="nothing to do"):
        simulate_jobs(idle)


def test_a_policy_is_told_in_words():
    jobs = Jobs.of(submit_s=0, accelerators=8, work_s=60)
    told = replay_jobs(jobs, Cluster(), policy=Policy(order="sjf", backfill="easy")).policy
    assert told == "sjf with easy backfill"
