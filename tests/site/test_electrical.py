"""The electrical chain: Frontier's published power, published efficiencies, and balances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError, UnknownNameError
from gigawatt.site import electrical
from gigawatt.site.electrical import Chain, Loss, Stage

BOOK = catalog.load()
TOPOLOGIES = [entry.id for entry in BOOK.entries("topology")]

# RAPS, config/frontier.yaml: watts of a node's parts idle and at their most; 74 racks of 128 nodes,
# 4 nodes and a switch to a rectifier, 25 coolant distribution units.
NODES, CDU_MW = 9472, 25 * 8473.47e-6
IDLE_W = 90 + 4 * 88 + 74.26 + 4 * 20 + 30
PEAK_W = 280 + 4 * 560 + 74.26 + 4 * 20 + 30
SWITCH_W = 250.0


def frontier(node_w: float) -> tuple[float, float]:
    """Return megawatts at the meter and lost when every node draws `node_w`."""
    stages = [BOOK.get("converter", name) for name in ("sivoc-frontier", "rectifier-frontier")]
    taken, lost = electrical.unit_losses(
        np.full(NODES, node_w),
        [electrical.loss_of(stage) for stage in stages],
        [stage.number("rating_kw") * 1e3 for stage in stages],
        [1, 4],
        [0.0, SWITCH_W],
    )
    return taken.sum() / 1e6 + CDU_MW, lost.sum() / 1e6


def test_frontier_draws_what_its_digital_twin_says():
    # Brewer et al., SC24 (arXiv:2410.05133), with the constants of RAPS: 7.31 MW idle, 28.23 MW at
    # most; over 183 days 16.9 MW and 1.14 MW (6.74 %) lost in the mean.
    assert frontier(IDLE_W)[0] == pytest.approx(7.31, rel=0.005)
    assert frontier(PEAK_W)[0] == pytest.approx(28.23, rel=0.005)
    low, high = IDLE_W, PEAK_W
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if frontier(middle)[0] < 16.9 else (low, middle)
    power, lost = frontier(low)
    assert lost == pytest.approx(1.14, rel=0.005)
    assert lost / power == pytest.approx(0.0674, rel=0.005)


def test_the_chain_of_the_catalogue_gives_frontier_too():
    rated = NODES * PEAK_W / 1e6
    switches = NODES / 4 * SWITCH_W / 1e6
    for node_w, expected in ((IDLE_W, 7.31), (PEAK_W, 28.23)):
        power = NODES * node_w / 1e6
        found = electrical.electrical_losses("frontier", power, rated, switches)
        assert found.grid_mw.item() + CDU_MW == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("entry", BOOK.entries("converter"), ids=lambda e: e.id)
def test_published_efficiencies_come_out(entry):
    loss = electrical.loss_of(entry)
    points = {
        int(name.rpartition("_")[2]) / 100: fact.number
        for name, fact in entry.facts.items()
        if name.startswith("efficiency_")
    }
    # Three terms cannot bend as the five floors of 80 PLUS do; two points are met exactly.
    room = 0.021 if len(points) > 3 else 1e-9
    for share, efficiency in points.items():
        assert loss.efficiency(share) == pytest.approx(efficiency, abs=room)
    if "peak_efficiency" in entry:
        shares = np.linspace(0.01, 1, 100_000)
        best = max(loss.efficiency(share) for share in shares[::50])
        assert best == pytest.approx(entry.number("peak_efficiency"), abs=1e-6)
    if "offset_w" in entry:
        # (P + w) / efficiency at half the rating.
        p = 0.5 * entry.number("rating_kw") * 1e3
        taken = (p + entry.number("offset_w")) / entry.number("efficiency")
        assert loss.efficiency(0.5) == pytest.approx(p / taken, rel=1e-12)


def test_800_v_dc_saves_up_to_five_per_cent():
    """NVIDIA states up to 5 % end to end for 800 V DC; both chains run from the racks here."""
    grid = {
        name: electrical.electrical_losses(name, 80.0, 100.0, at="chip").grid_mw.item()
        for name in ("ac-ups", "dc-800")
    }
    saved = 1.0 - grid["dc-800"] / grid["ac-ups"]
    assert 0.0 < saved < 0.08


POWER = st.floats(0.0, 100.0)


@given(
    topology=st.sampled_from([name for name in TOPOLOGIES if name != "frontier"]),
    it=arrays(np.float64, (5, 3), elements=POWER),
    auxiliary=arrays(np.float64, (5, 3), elements=st.floats(0.0, 30.0)),
    at=st.sampled_from(["it", "chip"]),
)
@settings(max_examples=60)
def test_energy_in_is_energy_out_and_the_inverse_goes_back(topology, it, auxiliary, at):
    found = electrical.electrical_losses(
        topology, it, 100.0, auxiliary, rated_auxiliary_mw=30.0, at=at
    )
    lost = found.inside_mw + found.outside_mw
    assert np.allclose(found.grid_mw, it + auxiliary + lost, rtol=1e-12, atol=1e-9)
    assert (found.inside_mw >= 0.0).all()
    assert (found.outside_mw >= 0.0).all()
    assert np.allclose(found.stage_mw.sum(axis=0), lost.mean(axis=0), rtol=1e-9, atol=1e-12)
    back = electrical.it_power_within(
        topology, found.grid_mw, 100.0, auxiliary, rated_auxiliary_mw=30.0, at=at
    )
    assert np.allclose(back, it, rtol=1e-9, atol=1e-7)


@given(it=st.floats(1.0, 90.0), step=st.floats(0.1, 10.0))
def test_more_it_power_takes_more_than_itself(it, step):
    grid = [
        electrical.electrical_losses("ac-ups", p, 100.0).grid_mw.item() for p in (it, it + step)
    ]
    assert grid[1] - grid[0] > step


@given(rated=st.floats(0.1, 1e4), share=st.floats(0.0, 1.0))
def test_efficiency_depends_on_the_share_of_the_rating_alone(rated, share):
    one = electrical.electrical_losses("dc-800", 100.0 * share, 100.0).grid_mw.item()
    other = electrical.electrical_losses("dc-800", rated * share, rated).grid_mw.item()
    assert other / rated == pytest.approx(one / 100.0, rel=1e-9)


def test_redundancy_costs_where_the_load_is_light_and_pays_where_resistance_rules():
    ups = Stage("u", "ups", Loss(0.01, 0.0, 0.0))
    copper = Stage("b", "busway", Loss(0.0, 0.0, 0.02))
    for stage, factor in ((ups, 2.0), (copper, 0.5)):
        plain, doubled = (
            electrical.electrical_losses(Chain("c", (s,)), 50.0, 100.0).inside_mw.item()
            for s in (stage, Stage(stage.name, stage.kind, stage.loss, spare=2.0))
        )
        assert doubled == pytest.approx(factor * plain)
    two_paths = electrical.chain("ac-ups", redundancy={"ups": "2N"})
    usual = electrical.chain("ac-ups")
    lost = [
        electrical.electrical_losses(c, 30.0, 100.0).inside_mw.item() for c in (usual, two_paths)
    ]
    assert lost[1] > lost[0]


def test_the_ends_of_published_ranges_bracket_the_losses():
    for name in TOPOLOGIES:
        low, value, high = (
            electrical.electrical_losses(
                electrical.chain(name, losses=end), 60.0, 100.0, at="chip"
            ).grid_mw.item()
            for end in ("low", "value", "high")
        )
        assert low <= value <= high
    assert low == value == high  # nothing about Frontier has a range
    with pytest.raises(InputError, match="low, value or high"):
        electrical.chain("dc-800", losses="best")


def test_ratings_may_differ_between_halls_of_equal_load():
    found = electrical.electrical_losses("ac-ups", 50.0, np.array([60.0, 100.0, 200.0]))
    assert found.grid_mw.shape == (1, 3)
    assert found.peak_load[0, 0] > found.peak_load[0, 2]
    with pytest.raises(InputError, match="ratings do not fit"):
        electrical.electrical_losses("ac-ups", np.ones((4, 2)), np.ones(3))


def test_halls_that_are_not_built_draw_nothing():
    found = electrical.electrical_losses("ac-ups", np.array([50.0, 0.0]), np.array([100.0, 0.0]))
    assert found.grid_mw[0, 1] == 0.0
    assert found.peak_load[:, 1].max() == 0.0
    idle = electrical.electrical_losses("ac-ups", 0.0, 100.0)
    assert idle.grid_mw.item() > 0.0  # what is switched on has losses without load


def test_overload_shows():
    found = electrical.electrical_losses("ac-ups", 200.0, 100.0)
    assert found.peak_load.max() > 1.0


def test_single_units_lose_more_where_their_load_is_uneven():
    loss, rating = Loss(0.01, 0.02, 0.05), 1000.0
    rng = np.random.default_rng(3)
    load = rng.uniform(0.0, rating, 4000)
    _, lost = electrical.unit_losses(load, [loss], [rating], [1])
    even = electrical.electrical_losses(
        Chain("c", (Stage("s", "psu", loss),)), load.sum() / 1e6, load.size * rating / 1e6
    )
    excess = lost.sum() / 1e6 - even.inside_mw.item()
    assert excess == pytest.approx(0.05 * load.var() / rating * load.size / 1e6, rel=1e-9)


def test_a_campus_limit_scales_all_halls_to_it():
    rng = np.random.default_rng(1)
    it = rng.uniform(20.0, 100.0, (500, 6))
    auxiliary = 0.1 * it
    limit = 380.0
    share = electrical.curtailed_share(
        "ac-ups", it, 100.0, limit, auxiliary, rated_auxiliary_mw=10.0
    )
    power = electrical.electrical_losses(
        "ac-ups", it * share[:, None], 100.0, auxiliary, rated_auxiliary_mw=10.0
    ).grid_mw.sum(axis=1)
    bound = share < 1.0
    assert 0.05 < bound.mean() < 0.95
    assert np.allclose(power[bound], limit, rtol=1e-9)
    assert (power[~bound] <= limit).all()
    varying = electrical.curtailed_share("ac-ups", it[0], 100.0, np.array([100.0, 1e4]))
    assert varying[0] < 1.0
    assert varying[1] == 1.0
    with pytest.raises(InputError, match="3 limits"):
        electrical.curtailed_share("ac-ups", it, 100.0, np.ones(3))
    none = electrical.curtailed_share("ac-ups", it[:1], 100.0, 1.0)
    assert none.item() == 0.0


def test_a_voltage_regulator_is_asked_for_and_counts_at_the_chip():
    path = electrical.chain("ac-ups", point_of_load_efficiency=0.9)
    chip = electrical.electrical_losses(path, 90.0, 100.0, at="chip").grid_mw.item()
    it = electrical.electrical_losses(path, 90.0, 100.0).grid_mw.item()
    assert chip > it * 1.1


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: electrical.chain("ac-upps"), UnknownNameError, "ac-ups"),
        (lambda: electrical.chain("dc-800", redundancy={"ups": "N"}), InputError, "no stage 'ups'"),
        (lambda: electrical.chain("dc-800", redundancy={"sst": "N-1"}), InputError, "redundancy"),
        (lambda: electrical.chain("dc-800", point_of_load_efficiency=1.5), InputError, r"\(0, 1\]"),
        (lambda: electrical.electrical_losses("ac-ups", -1.0, 1.0), InputError, "negative"),
        (lambda: electrical.electrical_losses("ac-ups", 1.0, -1.0), InputError, "negative"),
        (lambda: electrical.electrical_losses("ac-ups", 1.0, 1.0, at="gpu"), InputError, "'chip'"),
        (
            lambda: electrical.electrical_losses("ac-ups", np.ones((3, 2)), 1.0, np.ones((4, 2))),
            InputError,
            "do not fit",
        ),
        (lambda: Loss(-0.1, 0.0, 0.0), InputError, "negative"),
        (lambda: Stage("s", "ups", Loss(0, 0, 0), spare=0.5), InputError, "at least 1"),
        (
            lambda: electrical.electrical_losses(
                Chain("c", (Stage("s", "ups", Loss(0, 0, 0)),)), 1.0, 1.0, 1.0
            ),
            NotModelledError,
            "feed the cooling plant",
        ),
        (
            lambda: electrical.unit_losses(np.ones(5), [Loss(0, 0, 0)], [1.0], [2]),
            InputError,
            "5 units",
        ),
    ],
)
def test_wrong_questions_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_stages_within_it_come_first():
    loss = Loss(0.0, 0.01, 0.0)
    with pytest.raises(InputError, match="must come first"):
        Chain("c", (Stage("a", "ups", loss), Stage("b", "psu", loss, within_it=True)))
