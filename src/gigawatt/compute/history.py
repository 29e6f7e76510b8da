"""How fast accelerators train, learnt from whole published runs.

A published run states its tokens, its accelerator and its accelerator-hours; with the model's FLOP
per token that gives the share of the peak that became training, failures, restarts and
evaluations included. That share, the *run utilisation*, is what a new run is planned with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture, dimension_facts
from gigawatt.compute.bands import Estimate, from_points
from gigawatt.compute.peak import peak
from gigawatt.compute.work import training_flop_per_token
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

__all__ = [
    "PublishedRun",
    "published_runs",
    "run_utilisation",
    "sequence_length",
    "tokens_per_s_per_chip",
    "unmeasured",
]

_FIELDS = ("train_tokens", "train_chip", "train_chip_hours", "train_precision", "train_seq_len")
DEFAULT_SEQ_LEN = 8192
"""Sequence length assumed where neither the run nor the model's recipe states one: Llama 3's."""


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """One whole training run as published, with the utilisation that follows."""

    model: str
    chip: str
    kind: str
    precision: str
    utilisation: float
    facts: tuple[str, ...]


@cache
def published_runs() -> tuple[PublishedRun, ...]:
    """Return every whole run of the catalogue that states what its utilisation needs.

    Runs whose hours are themselves estimates are left out: they would measure the estimator.
    """
    entries = catalog.load().entries("model")
    return tuple(
        _published(entry)
        for entry in entries
        if all(field in entry for field in _FIELDS)
        and entry["train_chip_hours"].basis not in {"estimate", "assumption"}
    )


def run_utilisation(kind: str, precision: str, without: frozenset[str] = frozenset()) -> Estimate:
    """Return the run utilisation to plan a run with, and its band.

    Runs of the same kind of model and the same precision are pooled: the published runs are too
    few to tell chips apart, and the band says so.

    Parameters
    ----------
    kind : str
        ``dense`` or ``moe``.
    precision : str
        Precision of the matrix products; the utilisation is of that precision's peak.
    without : frozenset of str
        Models left out, for cross-validation.

    Raises
    ------
    NotModelledError
        If no run in that precision is published.
    """
    runs = [r for r in published_runs() if r.precision == precision and r.model not in without]
    alike = [r for r in runs if r.kind == kind]
    if len(alike) >= 2:
        return _estimate(alike, f"{len(alike)} published {kind} runs in {precision}")
    if not runs:
        message = (
            f"no whole training run in {precision} is published with its accelerator-hours; "
            "plan with bf16 or fp8"
        )
        raise NotModelledError(message)
    return _borrowed(runs, kind, precision, without)


def sequence_length(model: str, stated: int | None = None) -> int:
    """Return the sequence length to train a model at: as stated, else that of its own recipe.

    Parameters
    ----------
    model : str
        A catalogue name, or a path of a ``config.json``, which states no recipe.
    stated : int, optional
        Length that the run states.
    """
    if stated is not None:
        return stated
    book = catalog.load()
    if book.has("model", model):
        return int(book.get("model", model).number("train_seq_len", DEFAULT_SEQ_LEN))
    return DEFAULT_SEQ_LEN


def tokens_per_s_per_chip(
    architecture: Architecture, chip: Entry, precision: str, seq_len: int
) -> Estimate:
    """Return the training rate of one accelerator in tokens/s, losses of the whole run included.

    rate = peak x run utilisation / training FLOP per token.
    """
    rate = peak(chip, precision)
    flop = training_flop_per_token(architecture, seq_len)
    found = run_utilisation(architecture.kind, precision)
    estimate = found.scaled(rate.number * 1e12 / flop)
    return replace(
        estimate,
        facts=(rate.key, *estimate.facts),
        note=estimate.note + unmeasured(chip, {run.chip for run in published_runs()}, "run"),
    )


def unmeasured(chip: Entry, measured: set[str], what: str) -> str:
    """Return words that say so where nothing was measured on `chip`, else nothing."""
    return "" if chip.id in measured else f"; extrapolated: no published {what} on {chip.id}"


def _published(entry: Entry) -> PublishedRun:
    chip = catalog.load().get("chip", entry.text("train_chip"))
    precision = entry.text("train_precision")
    top = peak(chip, "bf16" if precision == "fp16" else precision)
    flop = training_flop_per_token(
        Architecture.from_entry(entry), int(entry.number("train_seq_len"))
    ) * entry.number("train_tokens")
    share = flop / (entry.number("train_chip_hours") * 3600.0 * top.number * 1e12)
    facts = (top.key, *(entry[field].key for field in _FIELDS), *dimension_facts(entry))
    # FP16 and BF16 share one peak and one kind of unit on every chip that has both.
    kept = "bf16" if precision == "fp16" else precision
    return PublishedRun(entry.id, chip.id, entry.text("kind"), kept, share, facts)


def _estimate(runs: list[PublishedRun], note: str) -> Estimate:
    return from_points([r.utilisation for r in runs], [f for r in runs for f in r.facts], note)


def _borrowed(
    runs: list[PublishedRun], kind: str, precision: str, without: frozenset[str]
) -> Estimate:
    """Return the mean of too few runs, with the spread of the well-known precision borrowed."""
    value = sum(r.utilisation for r in runs) / len(runs)
    known = run_utilisation(kind, "bf16", without) if precision != "bf16" else None
    if known is None:
        message = f"fewer than two published {kind} runs in {precision}"
        raise NotModelledError(message)
    kinds = sorted({r.kind for r in runs})
    other = "" if kinds == [kind] else f" of {' and '.join(kinds)} models, none of {kind} ones"
    return Estimate(
        value,
        value * known.low / known.value,
        value * known.high / known.value,
        len(runs),
        tuple(dict.fromkeys([*(f for r in runs for f in r.facts), *known.facts])),
        f"extrapolated: {len(runs)} published run(s) in {precision}{other}; "
        f"the band is that of {known.points} {kind} runs in bf16",
    )
