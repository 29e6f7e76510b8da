"""A campus's training runs: what limits them, and how good what comes out will be."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.history import sequence_length
from gigawatt.compute.work import active_parameters, total_parameters
from gigawatt.errors import InputError, NotModelledError
from gigawatt.programme.capability.compute import (
    compute_frontier,
    compute_per_researcher,
    training_flop,
)
from gigawatt.programme.capability.index import predict_index
from gigawatt.programme.capability.laws import best_tokens, compute_optimal, overtraining
from gigawatt.programme.capability.losses import predict_loss
from gigawatt.programme.capability.rivals import rivals, standings
from gigawatt.programme.data_supply.stock import effective_tokens, token_stock
from gigawatt.programme.limits import Means, limits_of
from gigawatt.twin.simulate import simulate_campus

if TYPE_CHECKING:
    from gigawatt.programme.capability.compute import Frontier
    from gigawatt.programme.capability.index import PredictedIndex
    from gigawatt.programme.capability.laws import Optimum
    from gigawatt.programme.capability.losses import PredictedLoss
    from gigawatt.programme.capability.rivals import Rival, Standing
    from gigawatt.programme.limits import RunLimits
    from gigawatt.spec import Campus, TrainingRun

__all__ = ["Ask", "CampusCapability", "RunCapability", "assess_capability"]

_EPOCHS: Final = 4.0
"""Times that a token may be seen: up to four cost next to nothing (Muennighoff et al. 2023)."""


@dataclass(frozen=True)
class Ask:
    """What is asked of a campus's training.

    Parameters
    ----------
    by : date, optional
        Last day on which each run may end.
    budget_usd : float, optional
        Money for each run.
    web_share : float
        Part of the usable web that the company can collect.
    most_epochs : float
        How often a token may be seen.
    rivals : int
        Models to set beside each run.
    researchers : float, optional
        Researchers of the owner.
    """

    by: dt.date | None = None
    budget_usd: float | None = None
    web_share: float = 1.0
    most_epochs: float = _EPOCHS
    rivals: int = 8
    researchers: float | None = None


@dataclass(frozen=True)
class RunCapability:
    """A training run and what comes of it.

    Parameters
    ----------
    name, model : str
        As in the campus file.
    start, end : date
        First and last day in the twin; those of the horizon where it is not begun or not done.
    begun, finished : bool
        Whether it does any work, and whether it is done, within the horizon.
    tokens, params, active_params : float
        Tokens wanted; parameters; those that a token meets.
    flop : float
        Operations of the run, counted from the architecture.
    loss : PredictedLoss
        By the law of loss for dense models of the active parameters, at the worth of its tokens.
    optimum : Optimum
        The model that the same compute trains best.
    overtraining : float
        Tokens a parameter over those of the optimum.
    llama_tokens : float
        Best tokens at this compute by the law of Llama 3.
    index : PredictedIndex or None
        On the scale of benchmarks, were it released at its end; None where that is not known.
    index_note : str
        Why there is none.
    rivals : tuple of Rival
        The best models out by its end, of the last 18 months that are known.
    limits : RunLimits
        What limits it.
    epochs : float
        How often the unique tokens are seen, at the median stock.
    """

    name: str
    model: str
    start: dt.date
    end: dt.date
    begun: bool
    finished: bool
    tokens: float
    params: float
    active_params: float
    flop: float
    loss: PredictedLoss
    optimum: Optimum
    overtraining: float
    llama_tokens: float
    index: PredictedIndex | None
    index_note: str
    rivals: tuple[Rival, ...]
    limits: RunLimits
    epochs: float


@dataclass(frozen=True)
class CampusCapability:
    """What a campus's compute buys.

    Parameters
    ----------
    campus : Campus
        The campus.
    ask : Ask
        What was asked.
    runs : tuple of RunCapability
        In the order of the file.
    standings : tuple of Standing
        The models of the runs as they were published, beside the best others of that day.
    frontier : Frontier
        Compute of companies at the start of each year, to the last campus known.
    """

    campus: Campus
    ask: Ask
    runs: tuple[RunCapability, ...]
    standings: tuple[Standing, ...]
    frontier: Frontier

    @property
    def h100_equivalents_per_researcher(self) -> float | None:
        """Of the owner's campuses on the last day of the frontier; None where one is not known."""
        if self.ask.researchers is None or self.campus.owner not in self.frontier.owners:
            return None
        there = float(self.frontier.of(self.campus.owner)[-1])
        return compute_per_researcher(there, self.ask.researchers)


def assess_capability(campus: Campus, ask: Ask | None = None) -> CampusCapability:
    """Return what a campus's training runs are limited by and how good they will be.

    Speeds, dates and costs are those of the twin (`gigawatt run`); the stock of text, the law of
    loss, the index and the rivals those of `gigawatt.programme`.

    Raises
    ------
    InputError
        If the campus trains nothing.
    """
    wanted = Ask() if ask is None else ask
    if not campus.programme.training:
        message = f"{campus.name} trains nothing: programme.training is empty"
        raise InputError(message)
    outcome = simulate_campus(campus)
    table, hourly = outcome.tables["training_runs"], outcome.tables["hourly"]
    runs = tuple(
        _run(campus, run, {c: v[i] for c, v in table.items()}, hourly, wanted)
        for i, run in enumerate(campus.programme.training)
    )
    models = [run.model for run in campus.programme.training]
    return CampusCapability(
        campus, wanted, runs, standings(models, count=wanted.rivals), compute_frontier(_years())
    )


def _years() -> list[dt.date]:
    """Return the starts of the years from before the first campus to after the last phase."""
    days = [phase.date("date") for phase in catalog.load().entries("phase")]
    return [dt.date(y, 1, 1) for y in range(min(days).year, max(days).year + 2)]


def _run(
    campus: Campus, run: TrainingRun, row: dict[str, Any], hourly: dict[str, Any], ask: Ask
) -> RunCapability:
    arch = architecture(run.model)
    finished, begun = bool(row["finished"]), not np.isnat(row["start"])
    horizon_end = _day(hourly["time"][-1])
    start = _day(row["start"]) if begun else campus.horizon.start
    end = _day(row["end"]) if finished else horizon_end
    flop = training_flop(run.model, run.tokens, run.seq_len)
    active = float(active_parameters(arch))
    stock = token_stock(start, share=ask.web_share)
    unique = stock.unique_quantiles()
    worth = float(effective_tokens(min(unique[1], run.tokens), run.tokens))
    try:
        index, why = predict_index(flop, end), ""
    except NotModelledError as error:
        index, why = None, str(error)
    limits = limits_of(run.tokens, _means(campus, run, row, hourly, ask, unique))
    return RunCapability(
        run.name, run.model, start, end, begun, finished, run.tokens, float(total_parameters(arch)),
        active, flop, predict_loss(active, worth), compute_optimal(flop),
        overtraining(active, run.tokens),
        best_tokens(flop), index, why, rivals(end, count=ask.rivals), limits,
        max(run.tokens / unique[1], 1.0),
    )  # fmt: skip


def _means(
    campus: Campus,
    run: TrainingRun,
    row: dict[str, Any],
    hourly: dict[str, Any],
    ask: Ask,
    unique: tuple[float, float, float],
) -> Means:
    hours = float(row["accelerator_hours"])
    if not hours:
        return Means(None, 0.0, None, unique, ask.most_epochs, ask.budget_usd)
    share = campus.programme.training_share if run.share is None else run.share
    chips = np.asarray(hourly["chips_installed"], dtype=float) * (share or 0.0)
    if run.global_batch is not None:
        # A batch can be spread over so many accelerators and no more, as in the twin.
        least = catalog.load().get("rate", "scaling").number("least_tokens_per_chip_step")
        most = run.global_batch * sequence_length(run.model, run.seq_len) / least
        chips = np.minimum(chips, most)
    time = np.asarray(hourly["time"])
    begun = time >= row["start"].astype("datetime64[h]")
    in_time = begun if ask.by is None else begun & (time.astype("datetime64[D]") <= ask.by)
    per_s = (
        "tokens_per_s_per_chip_low", "tokens_per_s_per_chip", "tokens_per_s_per_chip_high",
    )  # fmt: skip
    low, middle, high = (float(row[c]) * 3600.0 for c in per_s)
    return Means(
        (low, middle, high), float(chips[begun].sum()),
        None if ask.by is None else float(chips[in_time].sum()),
        unique, ask.most_epochs, ask.budget_usd, float(row["cost_usd"]) / hours,
    )  # fmt: skip


def _day(moment: np.datetime64) -> dt.date:
    return dt.date.fromisoformat(np.datetime_as_string(moment, unit="D"))
