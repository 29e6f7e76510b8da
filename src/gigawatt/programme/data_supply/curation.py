"""What it takes to make raw text into training tokens."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError

__all__ = ["Curated", "Stage", "curate", "stage_of"]


@dataclass(frozen=True)
class Stage:
    """A step of curation.

    Parameters
    ----------
    name : str
        What it is called.
    kept_share : float
        Part of the tokens that come out, in (0, 1].
    tokens_per_chip_hour : float or None
        Tokens that go in, for an hour of an accelerator; None where it takes none.
    chip : str or None
        The accelerator.
    """

    name: str
    kept_share: float = 1.0
    tokens_per_chip_hour: float | None = None
    chip: str | None = None


@dataclass(frozen=True)
class Curated:
    """What a chain of stages gives and takes.

    Parameters
    ----------
    tokens_in, tokens_out : float
        Raw tokens, and tokens to train on.
    by_stage : dict of str to (float, float, float)
        Tokens in, tokens out and accelerator-hours of each stage.
    chip_hours : float
        Accelerator-hours in all.
    cost_usd : float
        At the price given.
    """

    tokens_in: float
    tokens_out: float
    by_stage: dict[str, tuple[float, float, float]]
    chip_hours: float
    cost_usd: float

    def days(self, chips: float) -> float:
        """Return how long it takes on so many accelerators."""
        if not chips > 0:
            message = f"chips must be above 0; found {chips:g}"
            raise InputError(message)
        return self.chip_hours / chips / 24.0


def stage_of(name: str, *, kept_share: float | None = None) -> Stage:
    """Return a published step of curation.

    Parameters
    ----------
    name : str
        Entry of the catalogue's kind ``curation``.
    kept_share : float, optional
        Part of the tokens that come out. It depends on the text, so a step that states none needs
        it here.

    Raises
    ------
    NotModelledError
        If no share is stated anywhere.
    """
    entry = catalog.load().get("curation", name)
    if kept_share is None and "kept_share" not in entry:
        message = f"{entry.text('name')}: no part that comes out is published; state kept_share"
        raise NotModelledError(message)
    share = entry.number("kept_share") if kept_share is None else kept_share
    rate = entry.number("tokens") / entry.number("chip_hours") if "chip_hours" in entry else None
    return Stage(entry.text("name"), share, rate, entry.text("chip") if "chip" in entry else None)


def curate(
    raw_tokens: float, stages: tuple[Stage, ...], *, usd_per_chip_hour: float = 0.0
) -> Curated:
    """Return what comes out of a chain of stages, one after another, and what it takes.

    Accelerators only: nobody published what extracting text and the rules before it take of
    ordinary processors, so these must be added by who knows them.

    Parameters
    ----------
    raw_tokens : float
        Tokens that go into the first stage.
    stages : tuple of Stage
        In their order.
    usd_per_chip_hour : float
        Price of an hour of the accelerators.
    """
    if not raw_tokens > 0:
        message = f"raw_tokens must be above 0; found {raw_tokens:g}"
        raise InputError(message)
    tokens, hours = raw_tokens, 0.0
    by_stage: dict[str, tuple[float, float, float]] = {}
    for stage in stages:
        if not 0.0 < stage.kept_share <= 1.0:
            message = (
                f"{stage.name}: kept_share must be above 0, at most 1; found {stage.kept_share:g}"
            )
            raise InputError(message)
        taken = tokens / stage.tokens_per_chip_hour if stage.tokens_per_chip_hour else 0.0
        by_stage[stage.name] = (tokens, tokens * stage.kept_share, taken)
        tokens, hours = tokens * stage.kept_share, hours + taken
    return Curated(raw_tokens, tokens, by_stage, hours, hours * usd_per_chip_hour)
