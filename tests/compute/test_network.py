"""The network: published measurements of collectives, and laws that hold for every fabric."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.compute.collectives import (
    all_gather_s,
    all_reduce_s,
    all_to_all_s,
    reduce_scatter_s,
    send_s,
)
from gigawatt.compute.network import Fabric, check, fabric_of, members_together
from gigawatt.errors import NotModelledError

MIB, GIB = 2.0**20, 2.0**30
COLLECTIVES = (all_gather_s, reduce_scatter_s, all_reduce_s, all_to_all_s)
FULL_SIZES = [2.0**k for k in range(18)]


def fabric(name: str, **overrides: float) -> Fabric:
    return fabric_of(catalog.load().get("chip", name), **overrides)


def bus_gb_per_s(call, chip: str, message_bytes: float, size: int) -> float:
    """Return what nccl-tests call bus bandwidth (its ``doc/PERFORMANCE.md``)."""
    passes = 2 if call is all_reduce_s else 1
    time_s = float(call(fabric(chip), message_bytes, size, 1))
    return passes * (size - 1) / size * message_bytes / time_s / 1e9


@st.composite
def fabrics(draw: st.DrawFn) -> Fabric:
    """Draw any network whose levels get slower outwards and nest whole in one another."""
    domain = 2.0 ** draw(st.integers(0, 7))
    pod = domain * 2.0 ** draw(st.integers(0, 6))
    up = draw(st.floats(1e10, 2e12))
    torus = float(draw(st.sampled_from([0, 0, 2, 3])))
    out = up / draw(st.floats(12, 100) if torus else st.floats(2, 20))
    ends = draw(st.booleans())
    return Fabric(
        scale_up_chips=domain,
        scale_up_bytes_per_s=up,
        scale_up_efficiency=draw(st.floats(0.5, 1)),
        torus_dims=torus,
        in_network_reduction=draw(st.floats(0, 1)),
        scale_out_bytes_per_s=out,
        scale_out_efficiency=0.5,
        pod_chips=pod,
        oversubscription=draw(st.floats(1, 8)),
        campus_chips=pod * 2.0 ** draw(st.integers(0, 6)) if ends else np.inf,
        campus_bytes_per_s=out / draw(st.floats(2, 20)),
        campus_latency_s=draw(st.floats(0, 1e-3)),
        latency_growth=draw(st.floats(0, 5)),
    )


MESSAGES = st.floats(0, 1e12)
STRIDES = st.sampled_from([2.0**k for k in range(10)])


# Published measurements.


@pytest.mark.parametrize(
    ("chip", "size", "gb_per_s", "tolerance"),
    [
        # The peaks that the shares of peak come from: nccl-tests issue 212 (S. Jeaugey, 2024),
        # NCCL tuning.cc, S. Bekman's ml-engineering, CoreWeave's nccl-tests README.
        ("h100-sxm", 8, 480, 0.02),
        ("a100-sxm-80gb", 8, 235, 0.02),
        ("b200-sxm", 8, 839, 0.02),
        ("gb200-nvl72", 72, 847, 0.02),
        # What follows from them. Eight hosts: CoreWeave's README. Four: ml-engineering. Two, where
        # data cross once: nccl-tests PR 92 of CoreWeave (2026-05-26). DGX A100: NCCL issue 812.
        ("h100-sxm", 64, 387, 0.06),
        ("b200-sxm", 32, 377, 0.03),
        ("b200-sxm", 16, 690, 0.06),
        ("h100-sxm", 16, 441, 0.20),
        ("a100-sxm-80gb", 64, 192, 0.03),
        ("gb200-nvl72", 144, 810, 0.06),
        ("h800-sxm", 8, 215, 0.02),  # NCCL issue 1374 (2024-07-24)
    ],
)
def test_bus_bandwidth_of_large_all_reduces(chip, size, gb_per_s, tolerance):
    assert bus_gb_per_s(all_reduce_s, chip, 16 * GIB, size) == pytest.approx(
        gb_per_s, rel=tolerance
    )


@pytest.mark.parametrize(("call", "gb_per_s"), [(all_gather_s, 350), (reduce_scatter_s, 360)])
def test_bus_bandwidth_of_gathers_in_a_host(call, gb_per_s):
    # NCCL issue 1281 (2024-05-10), 8 H100.
    assert bus_gb_per_s(call, "h100-sxm", 8 * GIB, 8) == pytest.approx(gb_per_s, rel=0.06)


@pytest.mark.parametrize(
    ("mib", "bus"),
    [
        *((1 / 32, 3.20), (1 / 16, 6.26), (1 / 8, 12.40), (1 / 4, 24.63), (1 / 2, 48.30)),
        *((1, 72.45), (2, 91.48), (4, 139.97), (8, 182.03), (16, 242.45), (32, 298.44)),
        *((64, 369.82), (128, 411.21), (256, 442.27), (512, 455.82), (1024, 464.00)),
    ],
)
def test_all_reduce_of_any_size_in_a_host(mib, bus):
    # S. Bekman, ml-engineering, network/benchmarks (commit 0cc3de50), nccl-tests on 8 H200. Nothing
    # of the curve but its end went into the model: the latencies are those of NCCL's tuning tables.
    assert bus_gb_per_s(all_reduce_s, "h200-sxm", mib * MIB, 8) == pytest.approx(bus, rel=0.17)


@pytest.mark.parametrize(
    ("chip", "size", "gib", "time_us"),
    [
        *(("h100-sxm", 64, g, t) for g, t in ((0.5, 2984.6), (1, 5808), (2, 11163), (8, 43980))),
        *(("gb200-nvl72", 72, g, t) for g, t in ((0.5, 1806.7), (1, 3108.8), (2, 5589.1))),
        *(("gb200-nvl72", 144, g, t) for g, t in ((0.5, 2156.8), (1, 3574.4), (2, 6264))),
    ],
)
def test_all_reduces_of_racks_and_hosts(chip, size, gib, time_us):
    # CoreWeave, nccl-tests README (commit 01209011).
    time_s = all_reduce_s(fabric(chip), gib * GIB, size, 1)
    assert float(time_s) * 1e6 == pytest.approx(time_us, rel=0.20)


@pytest.mark.parametrize(("hosts", "gb_per_s"), [(2, 90), (4, 61)])
def test_all_to_all_between_hosts(hosts, gb_per_s):
    # DeepEP README (2026): bytes for each rank over time, local ones included, H100 with one
    # 400 Gbit/s port each. nccl-tests issue 130 gives the rule: N / (N - 1) of a port.
    time_s = all_to_all_s(fabric("h100-sxm"), GIB, 8 * hosts, 1)
    assert GIB / float(time_s) / 1e9 == pytest.approx(gb_per_s, rel=0.10)


def test_all_to_all_in_a_host():
    # DeepEP README: 726 to 740 GB/s on 8 Blackwell chips, local bytes included.
    time_s = all_to_all_s(fabric("b200-sxm"), GIB, 8, 1)
    assert GIB / float(time_s) / 1e9 == pytest.approx(733, rel=0.20)


def test_all_gather_on_a_torus():
    # J. Austin et al., "How to Scale Your Model", chapter 3: with all axes V / (W axes), where W is
    # what one axis carries both ways; v5e: 2 axes of 2 x 45 GB/s, of which 95 % were measured.
    time_s = float(all_gather_s(fabric("tpu-v5e"), 1e9, 256, 1))
    assert time_s == pytest.approx(1e9 / (2 * 2 * 45e9 * 0.95), rel=0.15)


# Laws.


@given(fabrics(), MESSAGES, STRIDES, st.integers(1, 5000))
def test_more_ranks_take_no_less(net, message, stride, size):
    for call in (all_gather_s, reduce_scatter_s, all_reduce_s):
        few, many = call(net, message, np.array([size, size + 1.0]), stride)
        assert many >= few * (1 - 1e-12)


@given(fabrics(), MESSAGES, STRIDES)
def test_twice_the_ranks_take_longer(net, message, stride):
    for call in COLLECTIVES:
        times_s = call(net, message, np.array(FULL_SIZES), stride)
        assert times_s[0] == 0
        assert np.all(np.diff(times_s) > 0)


@pytest.mark.parametrize("call", COLLECTIVES)
@pytest.mark.parametrize("chip", ["h100-sxm", "gb200-nvl72", "tpu-v5p"])
@pytest.mark.parametrize("message", [0.0, 1e3, 1e9])
def test_a_hundred_thousand_ranks_take_longer_than_two(call, chip, message):
    net = fabric(chip)
    assert call(net, message, 100_000, 1) > 2 * call(net, message, 2, 1)


@given(fabrics(), MESSAGES, STRIDES, st.integers(2, 100_000))
def test_never_faster_than_the_links(net, message, stride, size):
    least_s = message * (size - 1) / size / net.scale_up_bytes_per_s
    for call in (all_gather_s, reduce_scatter_s, all_reduce_s):
        assert call(net, message, size, stride) >= least_s
    both = net.scale_up_bytes_per_s + net.scale_out_bytes_per_s
    assert all_to_all_s(net, message, size, stride) >= message * (size - 1) / size / both


@given(fabrics(), MESSAGES, STRIDES, st.integers(1, 100_000), st.floats(1, 10))
def test_faster_links_never_take_longer(net, message, stride, size, faster):
    for name in ("scale_up_bytes_per_s", "scale_out_bytes_per_s", "campus_bytes_per_s"):
        better = dataclasses.replace(net, **{name: getattr(net, name) * faster})
        for call in COLLECTIVES:
            slow, fast = call(net, message, size, stride), call(better, message, size, stride)
            assert fast <= slow * (1 + 1e-12)
        assert send_s(better, message, size) <= send_s(net, message, size) * (1 + 1e-12)


@given(fabrics(), MESSAGES, STRIDES, st.integers(1, 100_000))
def test_narrower_pods_and_longer_ways_never_help(net, message, stride, size):
    wide = dataclasses.replace(net, oversubscription=1.0)
    near = dataclasses.replace(wide, campus_chips=np.inf)
    for call in COLLECTIVES:
        assert call(near, message, size, stride) <= call(wide, message, size, stride)
        assert call(wide, message, size, stride) <= call(net, message, size, stride)


@given(fabrics(), st.floats(0, 1e11), st.floats(1, 2), STRIDES, st.integers(1, 10_000))
def test_more_bytes_take_no_less(net, message, more, stride, size):
    for call in COLLECTIVES:
        assert call(net, message * more, size, stride) >= call(net, message, size, stride)


@given(fabrics(), st.floats(1e9, 1e12), st.integers(1, 17))
def test_large_gathers_take_no_less_with_wider_strides(net, message, power):
    # Trees through several domains have fewer steps than a ring in one: hence the small slack.
    switched = dataclasses.replace(net, torus_dims=0.0)
    times_s = all_gather_s(switched, message, 2.0**power, np.array([2.0**k for k in range(12)]))
    assert np.all(np.diff(times_s) >= -0.05 * times_s[:-1])


@given(fabrics(), MESSAGES)
def test_farther_ranks_take_no_less(net, message):
    slower_out = dataclasses.replace(net, scale_up_efficiency=1.0)
    times_s = send_s(slower_out, message, np.array([0.0, *FULL_SIZES]))
    assert times_s[0] == 0
    assert np.all(np.diff(times_s) >= -1e-12 * times_s[1:])


@given(
    st.lists(st.tuples(fabrics(), MESSAGES, STRIDES, st.integers(1, 9999)), min_size=2, max_size=3)
)
def test_arrays_are_what_each_of_their_cases_is(cases):
    names = [f.name for f in dataclasses.fields(Fabric) if f.init]
    stacked = Fabric(**{n: np.array([getattr(net, n) for net, *_ in cases]) for n in names})
    message, stride, size = (
        np.array(column, float) for column in list(zip(*cases, strict=True))[1:]
    )
    for call in COLLECTIVES:
        one_by_one = [call(*case[:2], case[3], case[2]) for case in cases]
        np.testing.assert_allclose(call(stacked, message, size, stride), one_by_one, rtol=1e-12)
    one_by_one = [send_s(net, sent, far) for net, sent, _, far in cases]
    np.testing.assert_allclose(send_s(stacked, message, size), one_by_one, rtol=1e-12)


# What the levels mean.


def test_members_of_a_group_in_a_domain():
    sizes, strides = np.array([8, 8, 8, 8, 2, 64]), np.array([1, 2, 8, 64, 1, 3])
    assert members_together(sizes, strides, 8.0).tolist() == [8, 4, 1, 1, 2, 2]
    assert members_together(8, 1, np.inf) == 8


def test_oversubscription_slows_what_leaves_a_pod():
    # Llama 3: pods of 3,072 chips with a seventh of the bandwidth between them (arXiv:2407.21783,
    # section 3.3.1).
    even = fabric("h100-sxm")
    llama = fabric("h100-sxm", pod_chips=3072.0, oversubscription=7.0)
    ring = {"message_bytes": 1e10, "size": 6144, "stride": 1}
    spread = {"message_bytes": 1e10, "size": 2, "stride": 3072}
    assert all_gather_s(llama, **ring) == all_gather_s(even, **ring)  # one host in 384 leaves
    assert all_gather_s(llama, **spread) == pytest.approx(
        7 * all_gather_s(even, **spread), rel=0.01
    )
    # Half of the ranks lie in the other pod, nearly all in another host.
    assert all_to_all_s(llama, **ring) == pytest.approx(3.5 * all_to_all_s(even, **ring), rel=0.05)


def test_a_campus_away_takes_its_bandwidth_and_latency():
    far = fabric("h100-sxm", campus_chips=1024.0, campus_bytes_per_s=1e9, campus_latency_s=1e-3)
    assert all_gather_s(far, 1e9, 2, 1024) == pytest.approx(0.5 + 1e-3, rel=0.01)
    assert all_to_all_s(far, 1e9, 2, 1024) == pytest.approx(0.5 + 1e-3, rel=0.01)
    assert send_s(far, 1e9, 1024) == pytest.approx(1 + 1e-3, rel=0.01)
    assert all_gather_s(far, 1e9, 1024, 1) == all_gather_s(fabric("h100-sxm"), 1e9, 1024, 1)


def test_a_torus_is_slower_than_switches_only_across_its_middle():
    torus = fabric("tpu-v4")
    switched = dataclasses.replace(torus, torus_dims=0.0)
    assert all_to_all_s(torus, 1e10, 4096, 1) > 10 * all_to_all_s(switched, 1e10, 4096, 1)
    assert all_gather_s(torus, 1e10, 4096, 1) < all_gather_s(switched, 1e10, 4096, 1)


def test_an_unknown_bandwidth_matters_only_where_it_is_needed():
    net = fabric("l40s")  # the catalogue has no network port for it
    check(net, np.array([1, 8]), 1)
    for call in COLLECTIVES:
        assert np.isfinite(call(net, 1e9, np.array([1.0, 8.0]), 1)).all()
        assert np.isnan(call(net, 1e9, 16, 1))
    with pytest.raises(
        NotModelledError, match=r"no scale-out .* 16 ranks .* scale_out_bytes_per_s"
    ):
        check(net, np.array([8, 16]), 1)
    check(fabric("l40s", scale_out_bytes_per_s=25e9), 16, 1)
    with pytest.raises(NotModelledError, match="no scale-up"):
        check(dataclasses.replace(net, scale_up_bytes_per_s=np.nan), 8, 1)


def test_every_chip_of_the_catalogue_has_a_fabric():
    for chip in catalog.load().entries("chip"):
        net = fabric_of(chip)
        assert net.scale_up_chips >= 1
        assert 0 < net.scale_up_efficiency <= 1
        assert (net.torus_dims > 0) == ("tpu" in chip.id or chip.id == "trainium2")
