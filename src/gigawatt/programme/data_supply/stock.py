"""How many tokens there are to train on, and what repeating them is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError

if TYPE_CHECKING:
    import datetime as dt

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = [
    "Stock",
    "TextSet",
    "effective_tokens",
    "epochs_for",
    "text_sets",
    "token_stock",
    "usable_share",
]

STOCK: Final = "indexed-web"
_STOCK_YEAR: Final = 2024.0
_NORMAL_95: Final = 1.959964
_SAMPLES: Final = 20_000
_YEARS: Final = (2020.0, 2040.0)


@dataclass(frozen=True)
class Stock:
    """Tokens of the web, by draws.

    Parameters
    ----------
    year : float
        When.
    unique_tokens : ndarray (draws,)
        Tokens left by filters for quality and duplicates.
    effective_tokens : ndarray (draws,)
        Their worth in tokens seen once, when repeated as often as pays.
    """

    year: float
    unique_tokens: Array
    effective_tokens: Array

    def unique_quantiles(self) -> tuple[float, float, float]:
        """Return P10, P50 and P90 of the unique tokens."""
        low, middle, high = np.quantile(self.unique_tokens, (0.1, 0.5, 0.9))
        return float(low), float(middle), float(high)

    def chance_of(self, tokens: float, *, repeated: bool = False) -> float:
        """Return the probability that there are so many tokens."""
        drawn = self.effective_tokens if repeated else self.unique_tokens
        return float(np.mean(drawn >= tokens))


@dataclass(frozen=True)
class TextSet:
    """A published set of text: a part of the stock, never added to it.

    Parameters
    ----------
    name, medium : str
        What it is called, and what it was made of: web, code, books, papers or speech.
    tokens : float
        Its tokens; for some sets words, of which there are fewer.
    note : str
        What else is known of the number.
    """

    name: str
    medium: str
    tokens: float
    note: str


def text_sets() -> tuple[TextSet, ...]:
    """Return the published sets, by medium and from the largest: what others made of the stock."""
    book = catalog.load().entries("token_source")
    found = [
        TextSet(
            e.text("name"), e.text("medium"), e.number("unique_tokens"), e["unique_tokens"].note
        )
        for e in book
        if e.text("kind") == "set"
    ]
    first = {medium: i for i, medium in enumerate(dict.fromkeys(s.medium for s in found))}
    return tuple(sorted(found, key=lambda s: (first[s.medium], -s.tokens)))


def _drawn(field: str, normal: Array) -> Array:
    """Return draws of a positive figure whose published range holds 95 %."""
    low, high = catalog.load().get("token_source", STOCK)[field].span
    spread = np.log(high / low) / (2.0 * _NORMAL_95)
    value: Array = np.sqrt(low * high) * np.exp(spread * normal)
    return value


def usable_share() -> float:
    """Return the middle of the published part of raw text that is fit for training."""
    low, high = catalog.load().get("token_source", STOCK)["usable_share"].span
    return float(np.sqrt(low * high))


def token_stock(when: dt.date, *, share: float = 1.0, seed: int = 0) -> Stock:
    """Return the tokens of the indexed web that are fit for training on a day.

    stock = raw tokens x usable share x (1 + growth)^years, each a log-normal whose published range
    holds 95 %; the middle of a range is its geometric one. At 2024 this gives the published
    quality- and repetition-adjusted stock of 322 trillion, 66 to 1,689 (Epoch AI), which is the
    same computation with other shapes.

    Parameters
    ----------
    when : date
        The day, from 2020 to 2040.
    share : float
        Part of the usable web that one company can and may collect, in (0, 1]. Nobody publishes
        it; 1 is the most there is.
    seed : int
        Of the draws.

    Raises
    ------
    InputError
        If the day or the share lies outside.
    """
    year = when.year + (when.timetuple().tm_yday - 1) / 365.25
    if not _YEARS[0] <= year <= _YEARS[1]:
        message = f"the stock of text is known about 2024; expected 2020 to 2040, found {when}"
        raise InputError(message)
    if not 0.0 < share <= 1.0:
        message = f"share: expected a part of the web above 0 and at most 1; found {share:g}"
        raise InputError(message)
    normal = np.random.default_rng(seed).standard_normal((4, _SAMPLES))
    raw = _drawn("raw_tokens", normal[0])
    usable = np.minimum(_drawn("usable_share", normal[1]), 1.0)
    gain = np.maximum(_drawn("repetition_gain", normal[2]), 1.0)
    growth = _drawn("growth_per_year", normal[3])
    unique = raw * usable * share * (1.0 + growth) ** (year - _STOCK_YEAR)
    return Stock(year, unique, unique * gain)


def effective_tokens(unique_tokens: Array | float, tokens: Array | float) -> Array:
    r"""Return the worth of a run's tokens in tokens seen once.

    .. math:: D' = U + U R^* (1 - e^{-R / R^*}), \quad R = D / U - 1

    Parameters
    ----------
    unique_tokens, tokens : float or ndarray
        U, what there is, and D, what is trained on; of any shapes.

    Notes
    -----
    Muennighoff et al., Scaling data-constrained language models (2023), equation 5 and appendix A.

    Examples
    --------
    >>> float(effective_tokens(1e12, 1e12)) / 1e12
    1.0
    >>> round(float(effective_tokens(1e12, 4e12)) / 1e12, 2)
    3.73
    """
    constant = catalog.load().get("token_source", "repetition").number("repetition_constant")
    unique = np.minimum(unique_tokens, tokens)
    repeats = np.asarray(tokens, dtype=np.float64) / unique - 1.0
    worth: Array = unique * (1.0 + constant * (1.0 - np.exp(-repeats / constant)))
    return worth


def epochs_for(unique_tokens: float, wanted_tokens: float) -> float:
    """Return how often the unique tokens must be seen to be worth the wanted ones; inf if never.

    The inverse of `effective_tokens`: 1 where there is enough.
    """
    if wanted_tokens <= unique_tokens:
        return 1.0
    constant = catalog.load().get("token_source", "repetition").number("repetition_constant")
    left = 1.0 - (wanted_tokens / unique_tokens - 1.0) / constant
    return float(1.0 - constant * np.log(left)) if left > 0 else float("inf")
