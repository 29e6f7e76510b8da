"""Search over layouts: the same as timing one layout after another, and laws of a best step."""

from __future__ import annotations

import functools
import itertools
import math
import runpy
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog.architecture import Architecture, architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.memory import STATE_RECIPES
from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding
from gigawatt.compute.training.limits import Limits
from gigawatt.compute.training.memory import training_memory, used_gb
from gigawatt.compute.training.search import MEMORY, Found, search
from gigawatt.compute.training.space import divisors
from gigawatt.compute.training.step import Machine, step_time
from gigawatt.errors import InputError

machine = runpy.run_path(str(Path(__file__).with_name("training_machine.py")))["machine"]

BF16 = STATE_RECIPES["bf16"]
FIELDS = [item.name for item in fields(Layout)]
DENSE = dims_of(
    Architecture(
        name="dense", layers=6, hidden=4096, heads=8, vocab=32000, kv_heads=2, head_dim=128,
        ffn=11008, gated=True,
    )
)  # fmt: skip
MOE = dims_of(
    Architecture(
        name="moe", layers=4, hidden=4096, heads=4, vocab=32000, kv_heads=4, head_dim=128,
        ffn=8192, gated=True, experts=6, active_experts=2, shared_experts=1, expert_ffn=2048,
        leading_dense=1, moe_every=1,
    )
)  # fmt: skip
SMALL = Limits(recompute=(0, 2), micro_batch=(1, 3))


def parts(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


def degrees_by_hand(dims, accelerators, seq_len, global_batch):
    """Yield all tp, pp, cp, dp, ep, etp."""
    experts = max(int(dims.experts), 1)
    for tp, cp, pp in itertools.product(
        parts(int(dims.heads)), parts(seq_len), range(1, int(dims.layers) + 1)
    ):
        dp, left = divmod(accelerators, tp * cp * pp)
        if left or dp == 0 or global_batch % dp:
            continue
        for ep, etp in itertools.product(parts(experts), {1, tp} if experts > 1 else {1}):
            if (tp * cp * dp) % (ep * etp) == 0:
                yield tp, pp, cp, dp, ep, etp


def shards_by_hand(pp, ranks, chips):
    """Return all kinds of sharding with the ranks they cut over; HSDP groups fit into `chips`."""
    halves = [(Sharding.OPTIMIZER, ranks), (Sharding.GRADIENTS, ranks)]
    shards = [(Sharding.NONE, 1), *halves[: 2 * (ranks > 1)]]
    if pp > 1:
        return shards
    groups = {ranks} | {max([n for n in parts(ranks) if n <= c], default=1) for c in chips}
    return shards + [(Sharding.FULL, n) for n in sorted(groups) if n > 1]


def by_hand(dims, accelerators, seq_len, global_batch, where: Machine):
    """Yield all layouts, by plain loops over whole numbers."""
    for tp, pp, cp, dp, ep, etp in degrees_by_hand(dims, accelerators, seq_len, global_batch):
        domains = (where.fabric.scale_up_chips / tp, where.fabric.pod_chips / tp)
        pipes = [(1, Schedule.ONE_F_ONE_B)]
        if pp > 1:
            pipes = [(v, Schedule.ONE_F_ONE_B) for v in parts(math.ceil(dims.layers / pp))]
            pipes.append((1, Schedule.ZERO_BUBBLE))
        for micro, (vpp, schedule), (sharding, shard), recompute in itertools.product(
            [n for n in parts(global_batch // dp) if n in SMALL.micro_batch],
            pipes,
            shards_by_hand(pp, dp * cp, domains),
            SMALL.recompute,
        ):
            rounds = global_batch // (dp * micro)
            if (vpp > 1 and rounds % pp) or (schedule == Schedule.ZERO_BUBBLE and rounds < pp):
                continue
            yield Layout(
                tp=tp, pp=pp, vpp=vpp, cp=cp, ep=ep, etp=etp, dp=dp, micro_batch=micro,
                recompute=recompute, sharding=sharding, shard=shard, schedule=schedule,
            )  # fmt: skip


def brute_force(dims, accelerators, seq_len, global_batch, where: Machine, hbm_gb: float):
    """Time one layout after another: (time, memory, layout) of those that fit, and how many are."""
    rows, count = [], 0
    for layout in by_hand(dims, accelerators, seq_len, global_batch, where):
        count += 1
        used = float(used_gb(training_memory(dims, layout, seq_len, global_batch, BF16)))
        if used <= hbm_gb:
            step = step_time(dims, layout, where, seq_len, global_batch)
            key = tuple(int(getattr(layout, name)) for name in FIELDS)
            rows.append((float(step.total_s), used, key))
    return sorted(rows), count


def run(dims, where: Machine, accelerators=16, **changes) -> Found:
    task = {"seq_len": 2048, "global_batch": 48, "recipe": BF16, "hbm_gb": 80.0, "limits": SMALL}
    return search(dims, where, accelerators=accelerators, **(task | changes))


def keys(layout: Layout) -> list[tuple[int, ...]]:
    return [tuple(row) for row in np.stack([getattr(layout, n) for n in FIELDS], axis=1).tolist()]


def front_of(rows):
    return [
        row
        for row in rows
        if not any(
            other[:2] != row[:2] and other[0] <= row[0] and other[1] <= row[1] for other in rows
        )
    ]


def assert_same(dims, accelerators, seq_len, global_batch, where, hbm_gb):
    """The whole ranking, the front and the counts agree with brute force."""
    rows, count = brute_force(dims, accelerators, seq_len, global_batch, where, hbm_gb)
    found = run(
        dims, where, accelerators, seq_len=seq_len, global_batch=global_batch, hbm_gb=hbm_gb,
        top=len(rows) + 5,
    )  # fmt: skip
    assert (found.timed, found.decided) == (len(rows), count)
    assert found.step.total_s == pytest.approx([row[0] for row in rows], rel=1e-12)
    # Times that differ by rounding alone may change places.
    times = {row[2]: row[0] for row in rows}
    assert sorted(keys(found.layout)) == sorted(times)
    assert [times[k] for k in keys(found.layout)] == pytest.approx(
        [row[0] for row in rows], rel=1e-12
    )
    expected = front_of(rows)
    assert found.front.step_s == pytest.approx(sorted({row[0] for row in expected}), rel=1e-12)
    assert found.front.used_gb == pytest.approx(
        sorted({row[1] for row in expected}, reverse=True), rel=1e-12
    )
    few = run(
        dims, where, accelerators, seq_len=seq_len, global_batch=global_batch, hbm_gb=hbm_gb, top=3
    )
    assert keys(few.layout) == keys(found.layout)[:3]


@pytest.mark.parametrize(
    ("dims", "accelerators", "hbm_gb", "fabric"),
    [
        (DENSE, 8, 80.0, {}),
        (DENSE, 24, 30.0, {"scale_up_chips": 4.0, "pod_chips": 12.0, "oversubscription": 3.0}),
        (MOE, 12, 80.0, {}),
        (MOE, 16, 40.0, {"scale_up_chips": 4.0}),
    ],
)
def test_is_brute_force(dims, accelerators, hbm_gb, fabric):
    assert_same(dims, accelerators, 12, 24, machine("h100-sxm", **fabric), hbm_gb)


@settings(max_examples=6)
@given(
    moe=st.booleans(),
    accelerators=st.sampled_from([8, 10, 12, 18, 30]),
    seq_len=st.sampled_from([6, 32, 125]),
    global_batch=st.sampled_from([6, 16, 30]),
    hbm_gb=st.sampled_from([14.0, 25.0, 80.0]),
    chip=st.sampled_from(["a100-80gb", "h100-sxm", "gb200"]),
)
def test_is_brute_force_anywhere(moe, accelerators, seq_len, global_batch, hbm_gb, chip):
    dims = MOE if moe else DENSE
    assert_same(dims, accelerators, seq_len, global_batch, machine(chip), hbm_gb)


def test_blocks_do_not_show(monkeypatch):
    whole = run(MOE, machine(), 24, top=50)
    monkeypatch.setattr("gigawatt.compute.training.space._BLOCK_LAYOUTS", 100)
    monkeypatch.setattr("gigawatt.compute.training.space._FEWEST_DEGREES", 3)
    monkeypatch.setattr("gigawatt.compute.training.space._CHOICES", 10)
    monkeypatch.setattr("gigawatt.compute.training.search._HELD", 20)
    seen: list[int] = []
    pieces = run(MOE, machine(), 24, top=50, progress=seen.append)
    assert keys(pieces.layout) == keys(whole.layout)
    assert keys(pieces.front.layout) == keys(whole.front.layout)
    assert pieces.rejected == whole.rejected
    assert len(seen) > 10
    assert seen == sorted(seen)
    assert seen[-1] == whole.decided


@pytest.mark.parametrize(
    ("model", "accelerators", "batch"),
    [("llama-3.1-405b", 24_576, 3072), ("llama-4-maverick", 100_000, 16_000)],
)
def test_every_layout_is_one(model, accelerators, batch):
    dims = dims_of(architecture(model))
    found = run(
        dims, machine(), accelerators, seq_len=8192, global_batch=batch, limits=Limits(), top=500
    )
    layout, front = found.layout, found.front.layout
    assert found.timed > 10_000
    for some in (layout, front):
        assert np.all(some.accelerators == accelerators)
        assert np.all(batch % (some.dp * some.micro_batch) == 0)
        assert np.all(dims.heads % some.tp == 0)
        assert np.all(some.pp <= dims.layers)
        rounds = some.micro_batches(batch)
        assert np.all((some.vpp == 1) | (rounds % some.pp == 0))
        assert np.all((some.schedule == Schedule.ONE_F_ONE_B) | (rounds >= some.pp))
        assert np.all(some.tp * some.cp * some.dp % (some.ep * some.etp) == 0)
        used = used_gb(training_memory(dims, some, 8192, batch, BF16))
        assert np.all(used <= 80.0)
    assert np.all(np.diff(found.step.total_s) >= 0)
    assert np.all(np.diff(found.front.step_s) > 0)
    assert np.all(np.diff(found.front.used_gb) < 0)
    assert found.front.step_s[0] == found.step.total_s[0]
    assert np.all(found.idle == 0)
    assert len(set(keys(layout))) == 500


def test_reasons_add_up():
    found = run(MOE, machine(), 48, hbm_gb=16.0, limits=Limits(tp=(2, 4, 5), pp=(1, 2, 6)))
    # Five tensor ranks for four heads; six stages for four layers.
    assert found.rejected["heads do not divide"] == 1
    assert found.rejected["more stages than layers"] == 1
    assert found.rejected[MEMORY] > 0
    assert found.enumerated == found.timed + sum(found.rejected.values())
    assert found.decided == found.timed + found.rejected[MEMORY]


def test_a_batch_that_does_not_divide():
    found = run(DENSE, machine(), 16, limits=Limits(tp=(2,), pp=(1,), cp=(1,)), global_batch=9)
    assert found.rejected == {"batch does not divide": 1}
    assert len(found.layout.tp) == 0
    assert found.timed == len(found.front.step_s) == 0


def test_nothing_fits():
    found = run(dims_of(architecture("llama-3.1-405b")), machine(), 8, limits=Limits())
    assert found.timed == 0
    assert found.rejected[MEMORY] == found.decided > 1000


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "tp": st.sampled_from([1, 2, 4]),
            "pp": st.sampled_from([1, 2, 4]),
            "vpp": st.sampled_from([1, 2]),
            "cp": st.sampled_from([1, 2]),
            "ep": st.sampled_from([1, 2, 3]),
            "etp": st.sampled_from([1, 2]),
            "dp": st.sampled_from([1, 2, 3, 6]),
            "micro_batch": st.sampled_from([1, 2, 4]),
            "recompute": st.sampled_from(list(Recompute)),
            "sharding": st.sampled_from(list(Sharding)),
            "schedule": st.sampled_from(list(Schedule)),
            "sequence_parallel": st.sampled_from([0, 1]),
        },
    )
)
@settings(max_examples=30)
def test_pinned_fields_hold(fixed):
    allowed = {"recompute": (0, 2), "micro_batch": (1, 2, 4)}
    pinned = {name: (value,) for name, value in fixed.items()}
    found = run(MOE, machine(), 24, limits=Limits(**(allowed | pinned)), top=10_000)
    assert len(found.step.total_s) == found.timed
    for name, value in fixed.items():
        assert np.all(getattr(found.layout, name) == value)
    if "sequence_parallel" in fixed or fixed.get("recompute", 0) not in {0, 2}:
        return
    wanted = [k for k in everything() if all(k[FIELDS.index(n)] == v for n, v in fixed.items())]
    assert sorted(wanted) == sorted(keys(found.layout))


@functools.cache
def everything():
    limits = Limits(recompute=(0, 2), micro_batch=(1, 2, 4))
    return keys(run(MOE, machine(), 24, limits=limits, top=100_000).layout)


def test_pinned_shards():
    found = run(DENSE, machine(), 16, limits=Limits(shard=(8,), sharding=(Sharding.FULL,)))
    assert set(found.layout.shard) == {8}


def best_s(dims, where: Machine, accelerators=32, **changes) -> float:
    found = run(dims, where, accelerators, limits=Limits(idle=1.0), top=1, **changes)
    return float(found.step.total_s[0])


@pytest.mark.parametrize("dims", [DENSE, MOE])
def test_more_accelerators_are_no_slower(dims):
    # A layout may leave some unused, so that what was best stays possible.
    times = [best_s(dims, machine(), count) for count in (8, 12, 20, 31, 64)]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("dims", [DENSE, MOE])
def test_better_machines_are_no_slower(dims):
    plain = best_s(dims, machine())
    assert best_s(dims, machine(speed=1.5)) <= plain
    assert best_s(dims, machine(), hbm_gb=120.0) <= plain <= best_s(dims, machine(), hbm_gb=40.0)
    assert best_s(dims, machine(scale_up_bytes_per_s=9e11)) <= plain
    assert best_s(dims, machine(scale_out_bytes_per_s=1e11)) <= plain
    assert best_s(dims, machine(scale_out_latency_s=1e-6)) <= plain


def test_idle_accelerators_are_stated():
    # 48 sequences over 7 accelerators: one must stay idle.
    found = run(DENSE, machine(), 7, limits=Limits(idle=0.2))
    assert np.all(found.layout.accelerators + found.idle == 7)
    assert set(found.idle) == {1}
    assert run(DENSE, machine(), 7, limits=Limits(tp=(1,), cp=(1,), pp=(1,))).timed == 0


def test_several_counts_share_a_front():
    counts = [8, 16, 32]
    found = run(DENSE, machine(), counts)
    assert set(found.front.accelerators) == set(counts)
    alone = [run(DENSE, machine(), n).step.total_s[0] for n in counts]
    for count, time_s in zip(counts, alone, strict=True):
        assert found.front.step_s[found.front.accelerators == count].min() == time_s
    assert found.step.total_s[0] == min(alone)
    assert np.all(found.layout.accelerators + found.idle == 32)


def test_power_is_an_objective():
    def power(layout, step):
        return layout.accelerators * (0.5 + 0.5 * step.compute_s / step.total_s)

    found = run(DENSE, machine(), [8, 16], power=power)
    front = found.front
    expected = power(front.layout, step_time(DENSE, front.layout, machine(), 2048, 48))
    assert front.power == pytest.approx(expected)
    points = np.stack([front.step_s, front.used_gb, front.accelerators, front.power], axis=1)
    worse = np.all(points[:, None] >= points, axis=2) & np.any(points[:, None] > points, axis=2)
    assert not worse.any()
    assert len(points) > len(run(DENSE, machine(), [8, 16]).front.step_s)


def test_ties_take_the_first_layout():
    # With flash attention nothing tells selective recomputation from none.
    found = run(DENSE, machine(), 16, limits=Limits(recompute=(0, 1), sharding=(1,)), top=2)
    assert found.step.total_s[0] == found.step.total_s[1]
    assert found.layout.recompute.tolist() == [0, 1]
    assert set(found.front.layout.recompute) == {0}


def test_each_cut_of_a_layer_is_timed_once(monkeypatch):
    calls = []
    from gigawatt.compute.training import search as module

    original = module.block_time

    def counted(dims, layout, *rest):
        calls.append(len(layout.tp))
        return original(dims, layout, *rest)

    monkeypatch.setattr(module, "block_time", counted)
    found = run(MOE, machine(), 24, top=100_000)
    cuts = {tuple(k[FIELDS.index(n)] for n in ("tp", "cp", "ep", "etp", "micro_batch"))
            for k in keys(found.layout)}  # fmt: skip
    assert sum(calls) == len(cuts) < found.timed / 10


@pytest.mark.parametrize("wrong", [{"accelerators": 0}, {"seq_len": 0}, {"top": 0}])
def test_counts_must_be_positive(wrong):
    with pytest.raises(InputError, match="at least 1"):
        run(DENSE, machine(), **wrong)


def test_limits_are_checked():
    with pytest.raises(InputError, match="tp"):
        Limits(tp=())
    with pytest.raises(InputError, match="idle"):
        Limits(idle=1.5)
    with pytest.raises(InputError, match="width"):
        Limits.fixed({"width": 3})
    assert replace(Limits(), tp=(8,)) == Limits.fixed({"tp": 8})


@given(st.integers(min_value=1, max_value=5000))
def test_divisors(number):
    assert divisors(number).tolist() == [n for n in range(1, number + 1) if number % n == 0]
