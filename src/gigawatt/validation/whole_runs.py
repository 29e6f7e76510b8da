r"""Accelerator-hours of whole training runs, from the step model and the share lost beside steps.

.. math:: H = \frac{D}{r\,s}

with :math:`D` the tokens of the run, :math:`r` the tokens that an accelerator trains on in an hour
of steps, and :math:`s` the *effective share*: what of the paid hours became steps as quick as
planned. Evaluations, failures, restarts, slow hosts, warm-up and experiments go off it, as does
what the people lost against the best layout. It is learnt from the published runs of the catalogue
themselves, always without the model that is predicted; nothing else is fitted here.

The layout is the planner's best among those people run: the common schedule (no zero bubble), no
tensor parallelism beyond a host, the optimizer or everything sharded, and a tenth of the memory
kept free, which allocators lose to fragments. Where the number of accelerators is not published it
is the smallest power of two that ends in 100 days at 40 % of the peak. None of this matters much: a
search without limits, all of the memory, or 50 or 200 days change the median error over the
catalogue's runs by two per cent at most, for the effective share is learnt under the same rules.

Where it fails: 8-billion-parameter Llama 3 models took two to three times the hours of their like
(their accelerators are not published), and DeepSeek-V3 fewer than the planner thinks possible with
public software. The runs are too few to tell dense models from mixtures of experts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.bands import from_points
from gigawatt.compute.dims import dims_of
from gigawatt.compute.history import published_runs, sequence_length
from gigawatt.compute.training import calibration
from gigawatt.compute.training.defaults import batch_of
from gigawatt.compute.training.estimate import capacity_gb, state_recipe
from gigawatt.compute.training.layout import Schedule, Sharding
from gigawatt.compute.training.limits import Limits
from gigawatt.compute.training.search import search
from gigawatt.compute.training.setting import Setting, peak_flops
from gigawatt.compute.training.stack import Stack, stack_for
from gigawatt.compute.work import training_flop_per_token
from gigawatt.errors import NotModelledError
from gigawatt.validation.score import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.catalog import Entry
    from gigawatt.compute.bands import Estimate

__all__ = ["COLUMNS", "Run", "effective_share", "run_predictions", "run_skipped", "step_hours"]

COLUMNS: Final = ("model", "tokens_T", "hardware", "accel_hours", "confidence")

_TRAINED_BEFORE_RELEASE: Final = 0.3
"""Years from the middle of a run to the release of its model. An assumption: half of a run of at
most 100 days and two months for what follows. 0 or 0.6 change the median error by a per cent."""

_FLASH_PUBLIC: Final = 2022.4
"""FlashAttention was published in May 2022 (arXiv:2205.14135). The papers of LLaMA, Pythia and MPT
say that they trained with such kernels, before Megatron-LM had them."""

_LONGEST_DAYS: Final = 100.0
_USUAL_SHARE: Final = 0.4
"""Share of the peak from which a number of accelerators is guessed: the steps of Llama 3.1 405B
reached 0.38 to 0.43 (arXiv:2407.21783, table 4)."""

_MEMORY_USED: Final = 0.9
"""Share of the memory that a usual layout fills. An assumption; with all of it the effective share
is 0.64 in place of 0.66."""

_USUAL: Final = Limits(
    tp=(1, 2, 4, 8),
    cp=(1, 2),
    sharding=(int(Sharding.OPTIMIZER), int(Sharding.FULL)),
    schedule=(int(Schedule.ONE_F_ONE_B),),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A whole training run.

    Parameters
    ----------
    model, chip : str
        Entries of the catalogue.
    tokens : float
        Tokens of the run.
    accelerators : int
        How many; 0 where not published.
    """

    model: str
    chip: str
    tokens: float
    accelerators: int = 0


@cache
def step_hours(run: Run) -> float:
    """Return the accelerator-hours of a run's steps alone, in the planner's best usual layout.

    Raises
    ------
    NotModelledError
        If no layout fits, or a figure is needed that nobody published.
    """
    book = catalog.load()
    model, chip = book.get("model", run.model), book.get("chip", run.chip)
    arch, seq_len = Architecture.from_entry(model), sequence_length(model.id)
    setting = Setting(chip, _precision(model), _stack(model, chip))
    flop = training_flop_per_token(arch, seq_len) * run.tokens
    count = run.accelerators or _plausible(flop / peak_flops(chip, setting.precision))
    batch, _ = batch_of(arch, model.id, chip, (count, seq_len, run.tokens))
    machine, _ = calibration.machine(setting)
    found = search(
        dims_of(arch),
        machine,
        accelerators=count,
        seq_len=seq_len,
        global_batch=batch,
        recipe=state_recipe(setting),
        hbm_gb=_MEMORY_USED * capacity_gb(setting),
        limits=_USUAL,
        top=1,
    )
    if not found.timed:
        message = f"no usual layout trains {model.id} on {count:,} x {chip.id}"
        raise NotModelledError(message)
    step_s = float(np.ravel(found.step.total_s)[0])
    return run.tokens / (batch * seq_len) * step_s * count / 3600.0


def effective_share(without: frozenset[str] = frozenset()) -> Estimate:
    """Return what of the hours of whole runs became steps as planned, with the band of a new run.

    Parameters
    ----------
    without : frozenset of str
        Models left out.
    """
    runs = [entry for entry in _shares() if entry[0] not in without]
    facts = [fact for _, _, some in runs for fact in some]
    return from_points([share for _, share, _ in runs], facts, f"{len(runs)} published runs")


@cache
def _shares() -> tuple[tuple[str, float, tuple[str, ...]], ...]:
    """Return model, effective share and facts of each published run that can be planned."""
    book = catalog.load()
    found = []
    for known in published_runs():
        entry = book.get("model", known.model)
        try:
            hours = step_hours(_of_catalogue(entry))
        except NotModelledError:
            continue
        found.append((known.model, hours / entry.number("train_chip_hours"), known.facts))
    return tuple(found)


def run_predictions(rows: Iterable[dict[str, str]] | None) -> list[Prediction]:
    """Return the accelerator-hours of each row of a table of runs, or of the catalogue's runs.

    Each is predicted from the effective shares of other models.
    """
    book = catalog.load()
    if rows is None:
        found = []
        for known in published_runs():
            entry = book.get("model", known.model)
            hours = entry.number("train_chip_hours")
            found.append(_predict(entry.text("name"), _of_catalogue(entry), hours))
        return found
    return [_row(row) for row in rows]


def run_skipped(row: dict[str, str]) -> str:
    """Return why a row of a table of whole runs cannot be predicted; empty where it can."""
    book = catalog.load()
    if not row["accel_hours"]:
        return "no accelerator-hours"
    if not row["tokens_T"]:
        return "no tokens"
    if row["confidence"] != "primary":
        return "hours are not a primary figure"
    if not book.has("model", row["model"]):
        return "architecture not public or not in the catalogue"
    if not book.has("chip", row["hardware"]):
        return "accelerator not in the catalogue"
    return ""


def _row(row: dict[str, str]) -> Prediction:
    if reason := run_skipped(row):
        return Prediction(row["model"], "", None, reason=reason)
    book = catalog.load()
    try:
        tokens, hours = float(row["tokens_T"]) * 1e12, float(row["accel_hours"])
        count = int(float(row.get("n_accel") or 0))
    except ValueError:
        return Prediction(row["model"], "", None, reason="a figure is not a number")
    model = book.get("model", row["model"]).id
    chip = book.get("chip", row["hardware"]).id
    return _predict(row["model"], Run(model, chip, tokens, count), hours)


def _predict(name: str, run: Run, measured: float) -> Prediction:
    group = catalog.load().get("model", run.model).text("kind")
    try:
        hours = step_hours(run)
    except NotModelledError:
        return Prediction(name, group, None, reason="no layout fits, or a figure is not published")
    share = effective_share(frozenset([run.model]))
    # A higher share is fewer hours: the ends of the band change places.
    ends = (hours / share.value, hours / share.high, hours / share.low)
    return Prediction(name, group, measured, *ends)


def _of_catalogue(entry: Entry) -> Run:
    count = int(entry.number("train_chips", 0))
    return Run(entry.id, entry.text("train_chip"), entry.number("train_tokens"), count)


def _precision(model: Entry) -> str:
    stated = model.text("train_precision", "bf16")
    return "bf16" if stated == "fp16" else stated


def _stack(model: Entry, chip: Entry) -> Stack:
    """Return the maker's usual software when the model was trained."""
    year, month = _published(model).split("-")[:2]
    trained = int(year) + (int(month) - 1) / 12 - _TRAINED_BEFORE_RELEASE
    found = stack_for(chip.text("vendor"), trained)
    if trained < _FLASH_PUBLIC:
        return found
    return Stack(found.family, max(trained, found.family.flash_since))


def _published(model: Entry) -> str:
    """Return when a model, or else its training, was published."""
    if "released" in model:
        return model.text("released")
    for field in ("train_chip_hours", "train_tokens"):
        if field in model:
            return model[field].date
    message = f"nothing says when {model.id} was trained"
    raise NotModelledError(message)


def _plausible(seconds: float) -> int:
    """Return how many accelerators do `seconds` of full speed within the longest usual time."""
    wanted = seconds / (_USUAL_SHARE * _LONGEST_DAYS * 86_400.0)
    doublings = max(0, int(np.ceil(np.log2(wanted))))
    return 1 << doublings
