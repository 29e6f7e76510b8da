"""Power of chips and servers: laws, published maxima, and caps of other people's submissions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.errors import InputError, UnknownNameError
from gigawatt.site.it_power import ACTIVITIES
from gigawatt.site.power.activity import (
    PHASES,
    activity_power,
    activity_power_w,
    hosting_work,
    phase_power_w,
)
from gigawatt.site.power.calibration import (
    banded,
    chip_power,
    host_power,
    measured,
    network_power_w,
)
from gigawatt.site.power.chip import Work, accelerator_power_w, cap_effect, step_time_under_cap
from gigawatt.site.power.host import node_power_w, psu_loss_share
from gigawatt.validation.power_mlperf import CAPS

CHIPS = [chip.id for chip in catalog.load().entries("chip")]
SYSTEMS = [system.id for system in catalog.load().entries("system")]
SHARE = st.floats(0.0, 1.0)


@given(SHARE, SHARE, SHARE, SHARE)
def test_more_work_draws_more_and_never_more_than_the_rating(flop, memory, more, busy):
    chip = chip_power("h100-sxm")
    less = Work(flop_share=flop, memory_share=memory, busy=busy)
    greater = Work(
        flop_share=min(flop + more, 1.0), memory_share=min(memory + more, 1.0), busy=busy
    )
    low, high = accelerator_power_w(chip, less), accelerator_power_w(chip, greater)
    assert low <= high + 1e-9
    assert chip.rated_w * chip.idle - 1e-9 <= low
    assert high <= chip.rated_w


@given(SHARE, SHARE, st.floats(0.3, 1.0))
def test_a_cap_holds(flop, memory, cap):
    chip = chip_power("b200-sxm")
    power = accelerator_power_w(chip, Work(flop_share=flop, memory_share=memory), cap)
    assert power <= cap * chip.rated_w


@pytest.mark.parametrize("cap", [0.0, -0.5])
def test_a_cap_is_positive(cap):
    with pytest.raises(InputError, match="must be positive"):
        accelerator_power_w(chip_power("h100-sxm"), Work(), cap)


def test_clocks_under_caps_are_those_that_nvidia_tuned_to():
    # Rates that NVIDIA's submissions expect under a cap over those at full power; 8 x H200.
    chip = chip_power("h200-sxm")
    stated = [cap for cap in CAPS.values() if np.isfinite(cap.full_rate)]
    rates = np.array([cap.capped_rate / cap.full_rate for cap in stated])
    clocks = np.array([float(cap_effect(chip, cap.limit_w / 700.0)) for cap in stated])
    off = np.abs(clocks / rates - 1.0)
    assert len(stated) == 6
    assert np.median(off) < 0.05
    assert off.max() < 0.1


def test_a_cap_above_the_draw_changes_nothing_and_one_below_the_floor_is_refused():
    chip = chip_power("h100-sxm")
    assert cap_effect(chip, 0.9, drawn_share=0.8) == 1.0
    with pytest.raises(InputError, match="any clock"):
        cap_effect(chip, 0.1)
    clocks = cap_effect(chip, np.array([0.4, 0.6, 0.8, 1.0]))
    assert np.all(np.diff(clocks) > 0.0)
    assert step_time_under_cap(0.8, 0.5) == pytest.approx(1.125)
    assert step_time_under_cap(0.8, 0.0) == 1.0


@pytest.mark.parametrize(("load", "efficiency"), [(0.1, 0.9), (0.2, 0.94), (0.5, 0.96), (1, 0.91)])
def test_supplies_are_as_certified(load, efficiency):
    # CLEAResult, 80 PLUS Titanium, 230 V internal redundant.
    assert load / (load + psu_loss_share(load)) == pytest.approx(efficiency, abs=1e-12)


def test_supplies_lose_something_without_load_and_ever_more_with_it():
    losses = psu_loss_share(np.linspace(0.0, 1.0, 101))
    assert losses[0] > 0.0
    assert np.all(np.diff(losses) > 0.0)


def test_a_dgx_h100_draws_what_was_observed():
    # 8.4 kW were the most under training (Latif et al., arXiv:2412.08602), 7.75 kW intensive work
    # (Newkirk et al., arXiv:2506.14551), both of 8 H100.
    host = host_power("dgx-h100")
    most = 8.0 * float(node_power_w(host, phase_power_w("h100-sxm", "forward")).ac_w)
    mean = 8.0 * float(activity_power_w("dgx-h100", "training").ac_w)
    assert most == pytest.approx(8400.0, rel=0.05)
    assert mean == pytest.approx(7750.0, rel=0.05)


def test_parts_add_up_and_losses_come_last():
    node = node_power_w(host_power("dgx-b200"), np.linspace(100.0, 1000.0, 19))
    np.testing.assert_allclose(node.dc_w, node.accelerator_w + node.host_w + node.fans_w)
    np.testing.assert_allclose(node.ac_w - node.dc_w, node.psu_loss_w)
    assert np.all(node.psu_loss_w > 0.0)
    assert np.all(np.diff(node.fans_w) >= 0.0)


def test_a_server_in_liquid_has_next_to_no_fans():
    air, liquid = (activity_power_w(s, "training") for s in ("dgx-b300", "gb300-nvl72"))
    assert liquid.fans_w / liquid.dc_w < 0.25 * air.fans_w / air.dc_w


@pytest.mark.parametrize("name", CHIPS)
def test_every_chip_has_a_preset(name):
    chip = chip_power(name)
    phases = {phase: float(phase_power_w(name, phase)) for phase in PHASES}
    assert phases["idle"] < phases["checkpoint"] < phases["communication"] < phases["forward"]
    assert phases["bubble"] == phases["communication"] < phases["optimizer"]
    assert phases["forward"] < chip.rated_w


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_has_a_preset_below_its_nameplate(name):
    shares = activity_power(name)
    assert tuple(shares) == ACTIVITIES
    assert 0.05 < shares["idle"] < shares["data_processing"] < shares["hosting"]
    assert shares["hosting"] < 1.1 * shares["training"] < 1.0


def test_activities_agree_with_published_shares_of_nameplates():
    # `gigawatt catalog rate power_use`: measured shares with their ranges, by whole servers.
    stated = catalog.load().get("rate", "power_use")
    for system in ("dgx-h100", "dgx-b200"):
        found = activity_power(system)
        # Nobody measured research apart; it counts as training here.
        for activity in ("training", "hosting", "data_processing", "idle"):
            low, high = stated[activity].span
            # The readings of training are partly behind the power supplies, which lose 4 %.
            assert low <= found[activity] <= 1.04 * high, activity


def test_a_cap_lowers_an_activity():
    full = activity_power_w("dgx-h100", "training").ac_w
    capped = activity_power_w("dgx-h100", "training", cap_share=0.6).ac_w
    assert capped < 0.8 * full


def test_a_fleet_without_requests_idles_and_a_full_one_does_not():
    chip = chip_power("h100-sxm")
    load = np.linspace(0.0, 1.0, 5)
    power = accelerator_power_w(chip, hosting_work(load))
    assert power[0] == pytest.approx(chip.rated_w * chip.idle)
    np.testing.assert_allclose(np.diff(power), power[1] - power[0])
    reading = accelerator_power_w(chip, hosting_work(1.0, prefill_share=1.0))
    writing = accelerator_power_w(chip, hosting_work(1.0, prefill_share=0.0))
    assert reading > writing
    with pytest.raises(InputError, match="range"):
        hosting_work(1.5)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError):
        chip_power("h100-sxn")
    with pytest.raises(UnknownNameError):
        host_power("dgx-z80")
    with pytest.raises(InputError, match="phase"):
        phase_power_w("h100-sxm", "sideward")
    with pytest.raises(InputError, match="activity"):
        activity_power_w("dgx-h100", "sleeping")


def test_a_generation_without_measurements_says_so_and_has_a_wider_band():
    assert measured("h200-sxm")
    assert not measured("tpu-v5p")
    known = banded(1000.0, "gpu|serving", near=False)
    guess = banded(1000.0, "gpu|serving", near=False, known=False)
    assert guess.low < known.low < known.value < known.high < guess.high
    assert "extrapolated" in guess.note
    assert not known.note


def test_the_network_is_part_of_what_is_provided_beside_the_servers():
    # Epoch AI: IT power is 1.14 of server power, network and storage together.
    for name in ("dgx-h100", "dgx-b200", "gb200-nvl72"):
        assert 0.05 < network_power_w(name) / float(host_power(name).rated_w) < 0.14
    assert 512 * network_power_w("h100-sxm") == pytest.approx(59570.0, rel=0.01)
