"""Tokens that a model writes: what they take of accelerators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.serving import Mix, requests_per_s_per_chip
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.compute.bands import Estimate

__all__ = ["Synthetic", "synthesise"]

_NO_LIMIT = (1e9, 1e9)


@dataclass(frozen=True)
class Synthetic:
    """What a set of written tokens takes.

    Parameters
    ----------
    tokens, kept_share : float
        Tokens wanted, and the part of the written ones that is kept.
    tokens_per_s_per_chip : Estimate
        Tokens written a second by one accelerator.
    chip_hours, chip_hours_low, chip_hours_high : float
        Accelerator-hours: at the median rate, and at P90 and P10 of it.
    """

    tokens: float
    kept_share: float
    tokens_per_s_per_chip: Estimate
    chip_hours: float
    chip_hours_low: float
    chip_hours_high: float


def synthesise(
    model: str,
    chip: str,
    tokens: float,
    *,
    input_tokens: float = 1000.0,
    output_tokens: float = 1000.0,
    kept_share: float = 1.0,
    precision: str = "fp8",
) -> Synthetic:
    """Return the accelerator-hours in which a model writes tokens, without a limit on latency.

    The rate is that of published serving points in the loosest class (`gigawatt.compute.serving`).

    Parameters
    ----------
    model, chip : str
        Model that writes, and accelerator.
    tokens : float
        Tokens to be kept.
    input_tokens, output_tokens : float
        Mean prompt, and mean answer.
    kept_share : float
        Part of the answers that passes the checks, in (0, 1].
    precision : str
        Number format of the matrix products.
    """
    if not tokens > 0 or not 0.0 < kept_share <= 1.0:
        message = (
            f"tokens must be above 0 and kept_share in (0, 1]; found {tokens:g}, {kept_share:g}"
        )
        raise InputError(message)
    mix = Mix(input_tokens, output_tokens)
    rate = requests_per_s_per_chip(
        architecture(model), catalog.load().get("chip", chip), precision, _NO_LIMIT, mix
    )
    written = rate.scaled(output_tokens)
    seconds = tokens / kept_share
    hours = [seconds / r / 3600.0 for r in (written.value, written.high, written.low)]
    return Synthetic(tokens, kept_share, written, *hours)
