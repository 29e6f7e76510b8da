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
from gigawatt.compute.training.estimate import (
    StepEstimate,
    as_dict,
    capacity_gb,
    estimate_step,
    state_recipe,
)
from gigawatt.compute.training.goodput import Faults, TimeToTrain, time_to_train
from gigawatt.compute.training.layout import Layout
from gigawatt.compute.training.published import PublishedLayout, published_layouts
from gigawatt.compute.training.reliability import (
    blocking_write_s,
    checkpoint_bytes,
    failure_rate,
    node_size,
)
from gigawatt.compute.training.search import search
from gigawatt.compute.training.setting import Setting
from gigawatt.compute.training.space import Limits
from gigawatt.compute.training.stack import FAMILIES, Stack, stack, stack_for
from gigawatt.compute.work import active_parameters, matmul_parameters_per_token, total_parameters
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.training.search import Found

__all__ = ["TrainingPlan", "optimal_batch_tokens", "plan_training", "stack_of"]

_TOKENS_PER_PARAMETER: Final = 20.0
"""Tokens for each parameter at which compute is best spent (Hoffmann et al. 2022,
arXiv:2203.15556, table 3); only for the default batch of a model without published tokens."""

_HOST_LINK_GB_PER_S: Final = 25.0
"""What an accelerator copies to its host: four fifths of PCIe 4.0 x16 (31.5 GB/s)."""

_DEFAULT_SEQ_LEN: Final = 8192
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
    published : tuple of (PublishedLayout, StepEstimate)
        Layouts that others published for this model at this scale, with our estimate of each.
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
    published: tuple[tuple[PublishedLayout, StepEstimate], ...]
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
            "published": [
                {"source": p.source, "measured_step_s": p.step_s, **as_dict(estimate)}
                for p, estimate in self.published
            ],
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
    length = seq_len or _seq_len(model)
    tokens = tokens or _tokens(model)
    if global_batch is None:
        global_batch = _default_batch(arch, tokens, length, count)
        notes.append(
            f"global batch not stated: {global_batch:,} sequences, the DeepSeek law's optimum "
            "rounded so that it divides"
        )
    setting = Setting(entry, precision, stack_of(software, entry), power_share)
    found = _search(
        arch, setting, (count, length, global_batch), _limits(fixed, idle), top, progress
    )
    if not found.timed:
        raise InputError(_nothing_fits(arch, setting, count, found))
    layouts = tuple(
        estimate_step(arch, _one(found.layout, i), setting, length, global_batch)
        for i in range(len(found.idle))
    )
    best = layouts[0]
    notes += best.notes
    time = None
    if tokens:
        time = _time(arch, best, (tokens, global_batch, length), reliability, restart_s, seed)
    published = tuple(
        (p, estimate_step(arch, p.layout, setting, p.seq_len, p.global_batch))
        for p in published_layouts(model)
        if p.chip == entry.id and p.seq_len == length and p.accelerators == count
    )
    return TrainingPlan(
        arch.name, entry.id, precision, setting.stack.name, length, global_batch, layouts,
        _front(found), found.enumerated, found.timed, found.rejected, published, time, tokens,
        reliability, tuple(notes),
    )  # fmt: skip


def stack_of(text: str, chip: catalog.Entry) -> Stack:
    """Return the software that a user named: ``today``, a year, or ``family@YYYY-MM``."""
    newest = float(calibration.load()["newest_year"])
    vendor = chip.text("vendor")
    if text == "today":
        return stack_for(vendor, newest)
    if "@" in text:
        return stack(text)
    if text in FAMILIES:
        return Stack(FAMILIES[text], newest)
    try:
        return stack_for(vendor, float(text))
    except ValueError:
        message = f"software must be 'today', a year or family@YYYY-MM; found '{text}'"
        raise InputError(message) from None


def optimal_batch_tokens(arch: Architecture, tokens: float) -> float:
    r"""Return the tokens of a step that train best: :math:`B = 0.2920\,C^{0.3271}`.

    :math:`C` is the compute of the run [FLOP]; the law was fitted from 1e17 to 2e19 FLOP and held
    for DeepSeek's models of 7 and 67 billion parameters (arXiv:2401.02954, section 3.1).
    """
    return 0.2920 * (6.0 * matmul_parameters_per_token(arch) * tokens) ** 0.3271


def _default_batch(arch: Architecture, tokens: float | None, seq_len: int, count: int) -> int:
    spent = tokens or _TOKENS_PER_PARAMETER * active_parameters(arch)
    wanted = max(1.0, optimal_batch_tokens(arch, spent) / seq_len)
    odd = count
    while odd % 2 == 0:
        odd //= 2
    # Data parallelism must be able to use the odd part of the count.
    factors = [d for d in range(1, odd + 1) if odd % d == 0 and d <= 4 * wanted]
    factor = max(factors)
    return int(factor * 2 ** max(0, round(np.log2(wanted / factor))))


def _seq_len(model: str) -> int:
    book = catalog.load()
    if not book.has("model", model):
        return _DEFAULT_SEQ_LEN
    return int(book.get("model", model).number("train_seq_len", _DEFAULT_SEQ_LEN))


def _tokens(model: str) -> float | None:
    book = catalog.load()
    if book.has("model", model) and "train_tokens" in (entry := book.get("model", model)):
        return entry.number("train_tokens")
    return None


def _limits(fixed: Mapping[str, int] | None, idle: float) -> Limits:
    pinned = Limits.fixed(fixed or {})
    values = {f.name: getattr(pinned, f.name) for f in fields(Limits)}
    return Limits(**{**values, "idle": idle})


def _search(  # noqa: PLR0913
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
    reasons = "; ".join(f"{n:,} {why}" for why, n in sorted(found.rejected.items()))
    return (
        f"no layout trains {arch.name} on {count:,} x {setting.chip.id} "
        f"({capacity_gb(setting):.0f} GB each): {reasons}. Use more accelerators, a batch that "
        "divides, or fewer fixed fields"
    )


def _one(layouts: Layout, index: int) -> Layout:
    return Layout(
        **{f.name: int(np.asarray(getattr(layouts, f.name))[index]) for f in fields(Layout)}
    )


def _front(found: Found) -> tuple[dict[str, Any], ...]:
    front = found.front
    return tuple(
        {
            "step_time_s": float(front.step_s[i]),
            "used_gb": float(front.used_gb[i]),
            "accelerators": int(front.accelerators[i]),
            "layout": {f.name: int(getattr(_one(front.layout, i), f.name)) for f in fields(Layout)},
        }
        for i in range(len(front.step_s))
    )


def _time(  # noqa: PLR0913
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
    faults = Faults(
        nodes=count / node_size(preset),
        rate=failure_rate(preset),
        write_s=float(
            blocking_write_s(checkpoint_bytes(total_parameters(arch)), count, _HOST_LINK_GB_PER_S)
        ),
        restart_s=restart_s,
    )
    tokens, global_batch, seq_len = size
    return time_to_train(tokens, global_batch, seq_len, best.step_s, faults, seed=seed)
