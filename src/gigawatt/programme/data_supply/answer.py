"""Whether there is enough text for a run, and what it takes to make it ready."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.errors import InputError
from gigawatt.programme.data_supply.curation import curate, stage_of
from gigawatt.programme.data_supply.stock import effective_tokens, token_stock, usable_share
from gigawatt.programme.data_supply.synthetic import synthesise

if TYPE_CHECKING:
    import datetime as dt

    from gigawatt.programme.data_supply.curation import Curated, Stage
    from gigawatt.programme.data_supply.synthetic import Synthetic

__all__ = ["DataSupply", "plan_data"]


def _notes() -> tuple[str, ...]:
    book = catalog.load()
    kept = book.get("curation", "fineweb-deduplication")["kept_share"]
    more = book.get("token_source", "multimodal-stock")["effective_tokens"]
    within, across = 100.0 * kept.span[1], 100.0 * kept.span[0]
    low, high = (v / 1e12 for v in more.span)
    return (
        (
            "The rules keep as much as, with the part left by removing duplicates (--keep), makes "
            f"the usable share of the stock. FineWeb kept {within:.0f} % within each crawl; across "
            f"all of them {across:.0f} %."
        ),
        (
            "Nobody published what extracting text from pages takes of ordinary processors, so it "
            "is not in the hours."
        ),
        (
            "With images, video and sound the stock may be worth "
            f"{low:,.0f} to {high:,.0f} trillion tokens (Epoch AI); here only text is counted."
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
    notes : tuple of str
        What is in these numbers, and what is not.
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
    notes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return plain numbers and text, for programs."""
        made = self.synthetic
        return {
            "tokens": self.tokens,
            "when": self.when.isoformat(),
            "most_epochs": self.most_epochs,
            "unique_tokens": dict(zip(("p10", "p50", "p90"), self.unique_tokens, strict=True)),
            "epochs": self.epochs,
            "effective_tokens": self.effective_tokens,
            "chance_seen_once": self.chance_once,
            "chance_repeated": self.chance_repeated,
            "lacking_tokens": self.lacking_tokens,
            "curation": [
                {"stage": name, **asdict(passed)} for name, passed in self.curated.by_stage.items()
            ],
            "curation_chip_hours": self.curated.chip_hours,
            "curation_cpu_hours": self.curated.cpu_hours,
            "usd_per_chip_hour": self.usd_per_chip_hour,
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
    deduplicated_share: float | None = None,
    quality_share: float | None = None,
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
    deduplicated_share : float, optional
        Part of the text that is left without duplicates; that of FineWeb where not given.
    quality_share : float, optional
        Part of the usable text that a classifier of quality keeps; none runs where not given.
    writer : str, optional
        Model that writes what is lacking.
    chip : str
        Accelerator on which it writes.
    accepted : float
        Part of the written text that passes the checks.
    seed : int
        Of the draws of the stock.
    """
    if not 0.0 < tokens < math.inf or not 1.0 <= most_epochs < math.inf:
        message = (
            f"tokens must be above 0 and most_epochs 1 or more; found {tokens:g}, {most_epochs:g}"
        )
        raise InputError(message)
    catalog.load().get("chip", chip)
    if writer is not None:
        architecture(writer)  # a wrong name is said also where nothing is to be written
    stages = _stages(deduplicated_share, quality_share)
    kept = math.prod(stage.kept_share for stage in stages)
    stock = token_stock(when, share=share * (quality_share or 1.0), seed=seed)
    low, middle, high = stock.unique_quantiles()
    epochs = min(max(tokens / middle, 1.0), most_epochs)
    lacking = max(tokens - middle * most_epochs, 0.0)
    from_web = (tokens - lacking) / epochs
    price = catalog.load().get("rate", "market").number("h100_index_usd_per_h")
    made = None
    if writer is not None and lacking:
        made = synthesise(writer, chip, lacking, kept_share=accepted)
    return DataSupply(
        tokens, when, (low, middle, high), epochs, most_epochs,
        float(effective_tokens(from_web, tokens - lacking)) + lacking * (made is not None),
        stock.chance_of(tokens), stock.chance_of(tokens / most_epochs), lacking,
        curate(from_web / kept, stages, usd_per_chip_hour=price), price, writer, chip, made,
        _notes(),
    )  # fmt: skip


def _stages(deduplicated: float | None, quality: float | None) -> tuple[Stage, ...]:
    """Return rules, removal of duplicates and, where asked for, a classifier of quality."""
    usable = usable_share()
    left = deduplicated
    if left is None:
        left = catalog.load().get("curation", "fineweb-deduplication").number("kept_share")
    if not usable <= left <= 1.0:
        message = (
            f"the part left without duplicates must be at least {usable:.3g}, the usable share of "
            f"the stock, and at most 1; found {left:g}"
        )
        raise InputError(message)
    stages = (
        stage_of("rule-filters", kept_share=usable / left),
        stage_of("fuzzy-deduplication", kept_share=left),
    )
    if quality is None:
        return stages
    return (*stages, stage_of("quality-classifier", kept_share=quality))
