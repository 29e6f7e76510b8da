"""The best way to train a model on so many accelerators, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.network import check
from gigawatt.compute.training import calibration
from gigawatt.compute.training.defaults import batch_of, seq_len_of, stack_of, tokens_of
from gigawatt.compute.training.estimate import (
    StepEstimate,
    as_dict,
    capacity_gb,
    estimate_step,
    state_recipe,
)
from gigawatt.compute.training.export import one_layout
from gigawatt.compute.training.goodput import Faults, TimeToTrain, time_to_train
from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding
from gigawatt.compute.training.limits import Limits
from gigawatt.compute.training.published import Comparison, compare, published_at
from gigawatt.compute.training.reliability import (
    blocking_write_s,
    checkpoint_bytes,
    failure_rate,
    node_size,
    transfer_time_s,
)
from gigawatt.compute.training.search import search
from gigawatt.compute.training.setting import Setting
from gigawatt.compute.work import total_parameters
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.training.search import Found
    from gigawatt.compute.training.stack import Stack

__all__ = ["TrainingPlan", "plan_training"]

_HOST_LINK_GB_PER_S: Final = 25.0
"""What an accelerator copies to its host: four fifths of PCIe 4.0 x16 (31.5 GB/s)."""

_STORAGE_GB_PER_S: Final = 2000.0 / 16_384
"""What storage takes of each accelerator, all the time: 2 TB/s of the cluster that trained Llama 3
405B (arXiv:2407.21783, section 3.3.1). No checkpoint follows another sooner than it is written."""

_RELIABILITY: Final = "llama-3-405b"
_RESTART: Final = "meta-rsc-1"
"""Preset whose time from a failure to the next productive second stands in for those without."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The best layouts found, and what they promise.

    Parameters
    ----------
    model, chip, precision, stack : str
        What is trained, on what, in which recipe and with which software.
    seq_len, global_batch : int
        Tokens of a sequence and sequences of a step.
    layouts : tuple of StepEstimate
        The quickest, best first.
    front : tuple of dict
        Layouts that none beats in time, memory, accelerators or power without losing elsewhere.
    enumerated, timed : int
        Layouts looked at, and timed.
    rejected : dict of str to int
        How many others were dropped, by reason.
    published : tuple of Comparison
        Layouts that others published for this model at this scale, with our estimates of each.
    time : TimeToTrain or None
        The whole run; None without tokens.
    tokens : float or None
        Tokens of the run.
    reliability : str
        Preset of failures.
    notes : tuple of str
        What was assumed or is extrapolated.
    """

    model: str
    chip: str
    precision: str
    stack: str
    seq_len: int
    global_batch: int
    layouts: tuple[StepEstimate, ...]
    front: tuple[dict[str, Any], ...]
    enumerated: int
    timed: int
    rejected: dict[str, int]
    published: tuple[Comparison, ...]
    time: TimeToTrain | None
    tokens: float | None
    reliability: str
    notes: tuple[str, ...]

    @property
    def best(self) -> StepEstimate:
        """The quickest layout."""
        return self.layouts[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain numbers and text, for programs."""
        return {
            "model": self.model,
            "chip": self.chip,
            "precision": self.precision,
            "stack": self.stack,
            "seq_len": self.seq_len,
            "global_batch": self.global_batch,
            "best": as_dict(self.best),
            "alternatives": [as_dict(layout) for layout in self.layouts[1:]],
            "pareto": list(self.front),
            "search": {
                "enumerated": self.enumerated,
                "timed": self.timed,
                "rejected": dict(self.rejected),
            },
            "published": [comparison.as_dict() for comparison in self.published],
            "time_to_train": None if self.time is None else self._time(),
            "notes": list(self.notes),
        }

    def _time(self) -> dict[str, Any]:
        time = self.time
        assert time is not None  # noqa: S101  asked for only where there is one
        ledger = time.ledger
        return {
            "tokens": self.tokens,
            "reliability": self.reliability,
            "days": {"p10": time.days.low, "p50": time.days.value, "p90": time.days.high},
            "accelerator_hours": time.days.value * 24.0 * int(self.best.layout.accelerators),
            "steps": time.steps,
            "ettr": time.ettr,
            "checkpoint_interval_s": time.interval_s,
            "seconds": {
                "productive": float(ledger.productive_s),
                "checkpoint": float(ledger.checkpoint_s),
                "lost": float(ledger.lost_s),
                "restart": float(ledger.restart_s),
            },
            "failures": float(ledger.failures),
        }


def plan_training(  # noqa: PLR0913  each is a question of its own to the user
    model: str,
    *,
    chip: str,
    count: int,
    global_batch: int | None = None,
    seq_len: int | None = None,
    precision: str = "bf16",
    tokens: float | None = None,
    software: str = "today",
    fixed: Mapping[str, int] | None = None,
    layout: Mapping[str, int] | None = None,
    top: int = 5,
    reliability: str = _RELIABILITY,
    restart_s: float | None = None,
    power_share: float = 1.0,
    idle: float = 0.0,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> TrainingPlan:
    """Find the best way to train a model on `count` accelerators, and how long it takes.

    Every layout is looked at: tensor, pipeline, context, expert and data parallelism, micro-batch,
    recomputation, sharding and schedule. The step time is that of a model calibrated on published
    measurements; its band is that of its errors on rows it had not seen.

    Parameters
    ----------
    model : str
        A model of the catalogue, or the path of a Hugging Face ``config.json``.
    chip : str
        An accelerator of the catalogue.
    count : int
        How many of them.
    global_batch : int, optional
        Sequences of a step; by default that of `optimal_batch_tokens`, rounded so that it divides.
    seq_len : int, optional
        Tokens of a sequence; by default that of the model's own recipe, else 8,192.
    precision : str
        Recipe of the matrix products: ``bf16``, ``fp8``, ``mxfp8``, ``nvfp4``, ...
    tokens : float, optional
        Tokens of the run; by default those the model was trained on, where published.
    software : str
        ``today`` (the newest release measured), a year, or ``family@YYYY-MM``.
    fixed : mapping, optional
        Fields of `Layout` that may have one value only.
    layout : mapping, optional
        Fields of `Layout`: estimate this one in place of searching, whether it fits or not.
        Data parallelism follows from `count`; what else is not named is as in `Layout`.
    top : int
        Layouts to return.
    reliability : str
        Failures of the run: an entry of the catalogue's kind ``reliability``.
    restart_s : float, optional
        Time from a failure to the next productive second.
    power_share : float
        Power limit over the rated power of the accelerators.
    idle : float
        Share of the accelerators that may stay unused.
    seed : int
        For the distribution of the time to train.
    progress : callable, optional
        Called with the number of layouts decided on so far.

    Returns
    -------
    TrainingPlan

    Raises
    ------
    InputError
        If an argument is wrong, or no layout fits.
    NotModelledError
        If a figure is needed that nobody published.
    """
    arch, entry = architecture(model), catalog.load().get("chip", chip)
    notes: list[str] = []
    length = seq_len or seq_len_of(model)
    tokens = tokens or tokens_of(model)
    if global_batch is None:
        global_batch, why = batch_of(arch, model, entry, (count, length, tokens))
        notes.append(why)
    setting = Setting(entry, precision, stack_of(software, entry), power_share)
    size = (length, global_batch)
    if layout is None:
        found = _search(arch, setting, (count, *size), _limits(fixed, idle, setting), top, progress)
        if not found.timed:
            raise InputError(_nothing_fits(arch, setting, count, found))
        chosen = [_one(found.layout, i) for i in range(len(found.idle))]
        front = _front(found, entry.number("all_in_it_kw"))
        looked_at = (front, found.enumerated, found.timed, found.rejected)
    else:
        chosen, looked_at = [_stated(arch, layout, count, size)], ((), 1, 1, {})
    layouts = tuple(estimate_step(arch, one, setting, *size) for one in chosen)
    best = layouts[0]
    notes += best.notes
    time = None
    if tokens:
        time = _time(arch, best, (tokens, global_batch, length), reliability, restart_s, seed)
    published = tuple(compare(arch, p, setting) for p in published_at(model, entry, count, length))
    return TrainingPlan(
        arch.name, entry.id, precision, setting.stack.name, length, global_batch, layouts,
        *looked_at, published, time, tokens, reliability, tuple(notes),
    )  # fmt: skip


def _limits(fixed: Mapping[str, int] | None, idle: float, setting: Setting) -> Limits:
    pinned = Limits.fixed(fixed or {})
    stated = {f.name: v for f in fields(Limits) if (v := getattr(pinned, f.name)) is not None}
    return Limits(**{**_possible(setting.stack), **stated, "idle": idle})


def _possible(software: Stack) -> dict[str, tuple[int, ...]]:
    """Return what a kind of software can do; a user may still fix anything else."""
    if software.family.name not in ("megatron", "deepspeed"):
        return {"recompute": (Recompute.NONE, Recompute.FULL, Recompute.OPERATORS)}
    # One kernel of attention keeps no scores: recomputing them is what it does anyway.
    scores = () if software.flash else (Recompute.SELECTIVE,)
    return {
        "recompute": (Recompute.NONE, *scores, Recompute.FULL),
        "sharding": (Sharding.NONE, Sharding.OPTIMIZER, Sharding.FULL),
        "schedule": (Schedule.ONE_F_ONE_B,),
    }


def _stated(
    arch: Architecture, stated: Mapping[str, int], count: int, size: tuple[int, int]
) -> Layout:
    """Return the layout that a user stated, once it is known to make sense."""
    Limits.fixed(stated)  # knows the names
    seq_len, global_batch = size
    used = int(np.prod([max(int(stated.get(name, 1)), 1) for name in ("tp", "pp", "cp")]))
    dp = int(stated.get("dp", count // used))
    if used * dp != count:
        message = f"layout: tp * pp * cp * dp must be {count:,}; found {used * dp:,}"
        raise InputError(message)
    whole = {"dp": dp, "shard": dp * int(stated.get("cp", 1)), **stated}
    if whole.get("sharding") == Sharding.NONE:
        whole["shard"] = 1
    try:
        layout = one_layout(arch, Layout(**whole), global_batch)
    except InputError as error:
        message = f"layout: {error}"
        raise InputError(message) from error
    unfit = {
        f"{layout.tp} ranks do not divide the {arch.heads} heads": arch.heads % layout.tp > 0,
        f"{layout.cp} ranks do not divide {seq_len} tokens": seq_len % layout.cp > 0,
    }
    if any(unfit.values()):
        message = f"layout: {'; '.join(text for text, holds in unfit.items() if holds)}"
        raise InputError(message)
    return layout


def _search(
    arch: Architecture,
    setting: Setting,
    size: tuple[int, int, int],
    limits: Limits,
    top: int,
    progress: Callable[[int], None] | None,
) -> Found:
    count, seq_len, global_batch = size
    machine, _ = calibration.machine(setting)
    check(machine.fabric, float(count), 1.0)
    return search(
        dims_of(arch),
        machine,
        accelerators=count,
        seq_len=seq_len,
        global_batch=global_batch,
        recipe=state_recipe(setting),
        hbm_gb=capacity_gb(setting),
        limits=limits,
        top=top,
        progress=progress,
    )


def _nothing_fits(arch: Architecture, setting: Setting, count: int, found: Found) -> str:
    counted = sorted(found.rejected.items(), key=lambda item: -item[1])
    reasons = "; ".join(f"{why} ({n:,})" for why, n in counted)
    return (
        f"no layout trains {arch.name} on {count:,} x {setting.chip.id} "
        f"({capacity_gb(setting):.0f} GB each). Choices rejected: {reasons}. Use more "
        "accelerators, a batch that divides, or fewer fixed fields"
    )


def _one(layouts: Layout, index: int) -> Layout:
    return Layout(
        **{f.name: int(np.asarray(getattr(layouts, f.name))[index]) for f in fields(Layout)}
    )


def _front(found: Found, rated_kw: float) -> tuple[dict[str, Any], ...]:
    front = found.front
    return tuple(
        {
            "step_time_s": float(front.step_s[i]),
            "used_gb": float(front.used_gb[i]),
            "accelerators": int(front.accelerators[i]),
            "rated_it_mw": int(front.accelerators[i]) * rated_kw / 1e3,
            "layout": {f.name: int(getattr(_one(front.layout, i), f.name)) for f in fields(Layout)},
        }
        for i in range(len(front.step_s))
    )


def _time(
    arch: Architecture,
    best: StepEstimate,
    size: tuple[float, int, int],
    preset: str,
    restart_s: float | None,
    seed: int,
) -> TimeToTrain:
    count = int(best.layout.accelerators)
    book = catalog.load()
    entry = book.get("reliability", preset)
    if restart_s is None:
        usual = book.get("reliability", _RESTART).number("restart_min")
        restart_s = 60.0 * entry.number("restart_min", usual)
    size_bytes = checkpoint_bytes(total_parameters(arch))
    faults = Faults(
        nodes=count / node_size(preset),
        rate=failure_rate(preset),
        write_s=float(blocking_write_s(size_bytes, count, _HOST_LINK_GB_PER_S)),
        restart_s=restart_s,
        shortest_interval_s=float(transfer_time_s(size_bytes, count * _STORAGE_GB_PER_S)),
    )
    tokens, global_batch, seq_len = size
    return time_to_train(tokens, global_batch, seq_len, best.step_s, faults, seed=seed)
