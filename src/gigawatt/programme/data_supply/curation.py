"""What it takes to make raw text into training tokens."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError

__all__ = ["Curated", "Passed", "Stage", "curate", "stage_of"]


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
    tokens_per_cpu_hour : float or None
        Tokens that go in, for an hour of a core of an ordinary processor; None where it takes none.
    usd_per_cpu_hour : float
        Price of such an hour.
    """

    name: str
    kept_share: float = 1.0
    tokens_per_chip_hour: float | None = None
    chip: str | None = None
    tokens_per_cpu_hour: float | None = None
    usd_per_cpu_hour: float = 0.0


@dataclass(frozen=True)
class Passed:
    """What went through a stage.

    Parameters
    ----------
    tokens_in, tokens_out : float
        Tokens before and after it.
    chip_hours, cpu_hours : float
        Hours of accelerators and of ordinary processors that it took.
    """

    tokens_in: float
    tokens_out: float
    chip_hours: float
    cpu_hours: float


@dataclass(frozen=True)
class Curated:
    """What a chain of stages gives and takes.

    Parameters
    ----------
    tokens_in, tokens_out : float
        Raw tokens, and tokens to train on.
    by_stage : dict of str to Passed
        What went through each stage.
    chip_hours, cpu_hours : float
        Hours of accelerators and of ordinary processors in all.
    cost_usd : float
        Of both, at the prices given.
    """

    tokens_in: float
    tokens_out: float
    by_stage: dict[str, Passed]
    chip_hours: float
    cpu_hours: float
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
    chips, cpus = (
        entry.number("tokens") / entry.number(field) if field in entry else None
        for field in ("chip_hours", "cpu_hours")
    )
    chip = entry.text("chip") if "chip" in entry else None
    usd = entry.number("usd_per_cpu_hour") if "usd_per_cpu_hour" in entry else 0.0
    return Stage(entry.text("name"), share, chips, chip, cpus, usd)


def curate(
    raw_tokens: float, stages: tuple[Stage, ...], *, usd_per_chip_hour: float = 0.0
) -> Curated:
    """Return what comes out of a chain of stages, one after another, and what it takes.

    Extracting text from pages is before the first stage: nobody published what it takes.

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
    tokens, cost = raw_tokens, 0.0
    by_stage: dict[str, Passed] = {}
    for stage in stages:
        if not 0.0 < stage.kept_share <= 1.0:
            message = (
                f"{stage.name}: kept_share must be above 0, at most 1; found {stage.kept_share:g}"
            )
            raise InputError(message)
        chips = tokens / stage.tokens_per_chip_hour if stage.tokens_per_chip_hour else 0.0
        cpus = tokens / stage.tokens_per_cpu_hour if stage.tokens_per_cpu_hour else 0.0
        by_stage[stage.name] = Passed(tokens, tokens * stage.kept_share, chips, cpus)
        tokens *= stage.kept_share
        cost += chips * usd_per_chip_hour + cpus * stage.usd_per_cpu_hour
    chip_hours = sum(passed.chip_hours for passed in by_stage.values())
    cpu_hours = sum(passed.cpu_hours for passed in by_stage.values())
    return Curated(raw_tokens, tokens, by_stage, chip_hours, cpu_hours, cost)
