"""Whether there is enough text for a run, and what it takes to make it ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.programme.data_supply.curation import curate, stage_of
from gigawatt.programme.data_supply.stock import effective_tokens, token_stock, usable_share
from gigawatt.programme.data_supply.synthetic import synthesise

if TYPE_CHECKING:
    import datetime as dt

    from gigawatt.programme.data_supply.curation import Curated
    from gigawatt.programme.data_supply.synthetic import Synthetic

__all__ = ["DataSupply", "plan_data"]

_NOTES = (
    (
        "Extracting text from pages and the rules before the classifier run on ordinary processors; "
        "nobody published what they take in all, so it is not in the hours."
    ),
    (
        "The part left without duplicates is the user's (--keep); the classifier keeps as much of it "
        "as makes the usable share of the stock. That of FineWeb-Edu keeps 8.7 %."
    ),
)


@dataclass(frozen=True)
class DataSupply:
    """Text for a training run.

    Parameters
    ----------
    tokens : float
        Tokens to train on.
    when : date
        When the text is collected.
    unique_tokens : tuple of float
        P10, median and P90 of what there is.
    epochs : float
        How often each token is seen, at the median.
    most_epochs : float
        How often it may be.
    effective_tokens : float
        Worth of the run's tokens in tokens seen once.
    chance_once, chance_repeated : float
        Probability that there are enough, each seen once, and as often as allowed.
    lacking_tokens : float
        Tokens that are not there at the median, however often seen; 0 where there are enough.
    curated : Curated
        From raw text to the tokens that the run takes from the web.
    usd_per_chip_hour : float
        Price of an H100-hour, of the index of rents.
    writer, chip : str or None
        Model that writes what is lacking, and its accelerator.
    synthetic : Synthetic or None
        What that takes; None where nobody writes or nothing is lacking.
    """

    tokens: float
    when: dt.date
    unique_tokens: tuple[float, float, float]
    epochs: float
    most_epochs: float
    effective_tokens: float
    chance_once: float
    chance_repeated: float
    lacking_tokens: float
    curated: Curated
    usd_per_chip_hour: float
    writer: str | None
    chip: str
    synthetic: Synthetic | None
    notes: tuple[str, ...] = _NOTES

    def record(self) -> dict[str, Any]:
        """Return plain numbers and text, for programs."""
        made = self.synthetic
        return {
            "tokens": self.tokens,
            "when": self.when.isoformat(),
            "unique_tokens": dict(zip(("p10", "p50", "p90"), self.unique_tokens, strict=True)),
            "epochs": self.epochs,
            "effective_tokens": self.effective_tokens,
            "chance_seen_once": self.chance_once,
            "chance_repeated": self.chance_repeated,
            "lacking_tokens": self.lacking_tokens,
            "curation": [
                {"stage": name, "tokens_in": a, "tokens_out": b, "chip_hours": hours}
                for name, (a, b, hours) in self.curated.by_stage.items()
            ],
            "curation_chip_hours": self.curated.chip_hours,
            "curation_usd": self.curated.cost_usd,
            "synthetic": None
            if made is None
            else {
                "model": self.writer,
                "chip": self.chip,
                "tokens": made.tokens,
                "chip_hours": made.chip_hours,
                "chip_hours_p10": made.chip_hours_low,
                "chip_hours_p90": made.chip_hours_high,
            },
            "notes": list(self.notes),
        }


def plan_data(  # noqa: PLR0913  what a user may choose
    tokens: float,
    *,
    when: dt.date,
    share: float = 1.0,
    most_epochs: float = 4.0,
    deduplicated_share: float = 0.5,
    writer: str | None = None,
    chip: str = "h100-sxm",
    accepted: float = 1.0,
    seed: int = 0,
) -> DataSupply:
    """Return whether there is enough text for a run, and what it takes.

    Parameters
    ----------
    tokens : float
        Tokens to train on.
    when : date
        When the text is collected.
    share : float
        Part of the usable web that can be collected.
    most_epochs : float
        How often a token may be seen.
    deduplicated_share : float
        Part of the raw text that is left without duplicates.
    writer : str, optional
        Model that writes what is lacking.
    chip : str
        Accelerator on which it writes.
    accepted : float
        Part of the written text that passes the checks.
    seed : int
        Of the draws of the stock.
    """
    stock = token_stock(when, share=share, seed=seed)
    low, middle, high = stock.unique_quantiles()
    epochs = min(max(tokens / middle, 1.0), most_epochs)
    lacking = max(tokens - middle * most_epochs, 0.0)
    from_web = (tokens - lacking) / epochs
    usable = usable_share()
    if deduplicated_share < usable:
        message = (
            f"the part left without duplicates must be at least {usable:.3g}, the usable share of "
            f"the stock; found {deduplicated_share:g}"
        )
        raise InputError(message)
    stages = (
        stage_of("fuzzy-deduplication", kept_share=deduplicated_share),
        stage_of("quality-classifier", kept_share=usable / deduplicated_share),
    )
    price = catalog.load().get("rate", "market").number("h100_index_usd_per_h")
    made = None
    if writer is not None and lacking:
        made = synthesise(writer, chip, lacking, kept_share=accepted)
    return DataSupply(
        tokens, when, (low, middle, high), epochs, most_epochs,
        float(effective_tokens(from_web, tokens - lacking)) + lacking * (made is not None),
        stock.chance_of(tokens), stock.chance_of(tokens / most_epochs), lacking,
        curate(from_web / usable, stages, usd_per_chip_hour=price), price, writer, chip, made,
    )  # fmt: skip
