"""Who has how much compute, when; and how much a training run takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.history import sequence_length
from gigawatt.compute.work import training_flop_per_token
from gigawatt.errors import InputError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from gigawatt.catalog._facts import Entry

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = [
    "Frontier",
    "compute_frontier",
    "compute_per_researcher",
    "training_flop",
]

REFERENCE_CHIP: Final = "h100-sxm"
"""Chip by whose dense BF16 peak others are counted."""

_OWNER_END: Final = (";", ",", "(")


def training_flop(model: str, tokens: float, seq_len: int | None = None) -> float:
    """Return the operations of a pre-training run: those of the model, without recomputation.

    Counted from the architecture (`gigawatt.compute.work`), so attention and the experts that a
    token meets are in it; 6 x parameters x tokens leaves the attention out.

    Parameters
    ----------
    model : str
        Model of the catalogue, or the path of a Hugging Face config.json.
    tokens : float
        Tokens of training.
    seq_len : int, optional
        Tokens of a sequence; the model's own where it is known.
    """
    if not tokens > 0:
        message = f"tokens must be above 0; found {tokens:g}"
        raise InputError(message)
    arch = architecture(model)
    return float(training_flop_per_token(arch, sequence_length(model, seq_len)) * tokens)


@dataclass(frozen=True)
class Frontier:
    """Compute of owners over time, in H100 equivalents.

    Parameters
    ----------
    dates : tuple of date
        The days.
    owners : tuple of str
        From the most on the last day to the least.
    h100_equivalents : ndarray (owners, dates)
        Dense BF16 peak of all accelerators at their campuses over that of an H100.
    facility_mw : ndarray (owners, dates)
        Facility power of these campuses.
    derived : int
        Phases that state no number of accelerators: as many as their IT power feeds are counted.
    """

    dates: tuple[dt.date, ...]
    owners: tuple[str, ...]
    h100_equivalents: Array
    facility_mw: Array
    derived: int

    def of(self, owner: str) -> Array:
        """Return one owner's H100 equivalents (dates,); zero where it has no campus."""
        if owner not in self.owners:
            return np.zeros(len(self.dates))
        row: Array = self.h100_equivalents[self.owners.index(owner)]
        return row


def _owner(campus: Entry, by: str) -> str:
    name = campus.text(by, campus.text("owner"))
    cut = min((name.index(sign) for sign in _OWNER_END if sign in name), default=len(name))
    return name[:cut].strip()


def compute_frontier(dates: Sequence[dt.date], *, by: str = "users") -> Frontier:
    """Return who has how much compute on given days, from the campuses of the catalogue.

    The catalogue holds the largest AI campuses, not all: what a company rents elsewhere or has in
    older halls is not in it. Dates to come are announced or estimated, and slip
    (`gigawatt buildout`).

    Parameters
    ----------
    dates : sequence of date
        Days in rising order.
    by : str
        ``"users"``: who computes there (the first named); ``"owner"``: who built it.
    """
    if by not in ("users", "owner"):
        message = f"by: expected 'users' or 'owner'; found '{by}'"
        raise InputError(message)
    book = catalog.load()
    reference = book.get("chip", REFERENCE_CHIP).number("bf16_tflops")
    owners = {c.id: _owner(c, by) for c in book.entries("campus")}
    names = sorted(set(owners.values()))
    days = np.array([d.toordinal() for d in dates])
    flops, power = np.zeros((len(names), len(days))), np.zeros((len(names), len(days)))
    latest: dict[str, tuple[float, float]] = {}
    derived = 0
    phases = sorted(book.entries("phase"), key=lambda p: (p.text("campus"), p.date("date")))
    for phase in phases:
        campus = phase.text("campus")
        row = names.index(owners[campus])
        there = days >= phase.date("date").toordinal()
        # Power of a phase is the campus's on that day; its step is what the phase adds.
        facility, it = phase.number("facility_mw"), phase.number("it_mw")
        before = latest.get(campus, (0.0, 0.0))
        latest[campus] = (facility, it)
        power[row] += there * (facility - before[0])
        chip = book.get("chip", phase.text("chip"))
        fed = max(it - before[1], 0.0) * 1000.0 / chip.number("all_in_it_kw")
        derived += "chips_added" not in phase
        flops[row] += there * phase.number("chips_added", fed) * chip.number("bf16_tflops")
    order = np.argsort(-flops[:, -1], kind="stable")
    return Frontier(
        tuple(dates),
        tuple(names[i] for i in order),
        flops[order] / reference,
        power[order],
        derived,
    )


def compute_per_researcher(h100_equivalents: float, researchers: float) -> float:
    """Return H100 equivalents a researcher.

    Companies publish no head counts of researchers that could be compared, so the number is the
    user's to state.
    """
    if not researchers > 0:
        message = f"researchers must be above 0; found {researchers:g}"
        raise InputError(message)
    return h100_equivalents / researchers
