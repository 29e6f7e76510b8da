"""Make up traces: when requests arrive and how long they are.

Arrivals and lengths are drawn apart, each from a seed, and put together by `synthetic`. All times
are in seconds and all rates in requests per second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.hosting.requests import Trace
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "bursts",
    "diurnal",
    "empirical_lengths",
    "fixed_lengths",
    "gamma",
    "lognormal_lengths",
    "poisson",
    "synthetic",
]

_DAY_S: Final = 86_400.0


def _positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        message = f"{name} must be a finite number above 0. Got {value!r} instead."
        raise InputError(message)


def _counted(count: int) -> None:
    if count < 1:
        message = f"count must be an int >= 1. Got {count!r} instead."
        raise InputError(message)


def poisson(count: int, requests_per_s: float, *, seed: int = 0) -> Floats:
    """Return arrivals of independent users: gaps are exponential [s].

    Examples
    --------
    >>> poisson(3, 2.0, seed=1).round(3)
    array([0.   , 0.537, 0.691])
    """
    return gamma(count, requests_per_s, 1.0, seed=seed)


def gamma(count: int, requests_per_s: float, variation: float, *, seed: int = 0) -> Floats:
    """Return arrivals whose gaps follow a Gamma distribution [s].

    Parameters
    ----------
    count : int
        Requests.
    requests_per_s : float
        Mean rate.
    variation : float
        Coefficient of variation of the gaps: 1 is Poisson, above is bursty, 0 is evenly spaced.
    seed : int
        Of the draws.
    """
    _counted(count)
    _positive("requests_per_s", requests_per_s)
    if not 0 <= variation < np.inf:
        message = f"variation must be a finite number >= 0. Got {variation!r} instead."
        raise InputError(message)
    if variation == 0:
        return np.arange(count) / requests_per_s
    shape = variation**-2
    draws = np.random.default_rng(seed).gamma(shape, 1 / shape, count - 1)
    return np.concatenate([[0.0], np.cumsum(draws)]) / requests_per_s


def diurnal(
    count: int,
    requests_per_s: float,
    swing: float,
    *,
    period_s: float = _DAY_S,
    peak_s: float = _DAY_S * 5 / 8,
    seed: int = 0,
) -> Floats:
    """Return Poisson arrivals whose rate follows a cosine over the day [s].

    Parameters
    ----------
    count : int
        Requests.
    requests_per_s : float
        Mean rate over a period.
    swing : float
        The rate goes from (1 - swing) to (1 + swing) times the mean; in [0, 1].
    period_s, peak_s : float
        Length of a period, and when in it the rate is highest [s].
    seed : int
        Of the draws.

    Notes
    -----
    A Poisson process of unit rate, mapped through the inverse of the rate's integral (Lewis and
    Shedler 1979), so no draw is thrown away.
    """
    _positive("requests_per_s", requests_per_s)
    _positive("period_s", period_s)
    if not 0 <= swing <= 1:
        message = f"swing must be a float in the range [0, 1]. Got {swing!r} instead."
        raise InputError(message)
    wave = 2 * np.pi / period_s

    def expected(time_s: Floats) -> Floats:
        moved = np.sin(wave * (time_s - peak_s)) + np.sin(wave * peak_s)
        answer: Floats = time_s + swing / wave * moved
        return answer

    return _mapped(poisson(count, 1.0, seed=seed) / requests_per_s, expected, period_s)


def bursts(
    count: int,
    requests_per_s: float,
    factor: float,
    *,
    every_s: float,
    length_s: float,
    seed: int = 0,
) -> Floats:
    """Return Poisson arrivals with a burst at regular times [s].

    Parameters
    ----------
    count : int
        Requests.
    requests_per_s : float
        Rate between bursts.
    factor : float
        Rate within a burst over that.
    every_s, length_s : float
        From the begin of a burst to that of the next, and how long each lasts [s]. The first begins
        after the first quiet time.
    seed : int
        Of the draws.
    """
    for name, value in (("requests_per_s", requests_per_s), ("factor", factor)):
        _positive(name, value)
    if not 0 < length_s < every_s < np.inf:
        message = f"0 < length_s < every_s must hold. Got {length_s!r} and {every_s!r} instead."
        raise InputError(message)
    quiet_s = every_s - length_s
    whole = quiet_s + factor * length_s

    def expected(time_s: Floats) -> Floats:
        periods = np.floor(time_s / every_s)
        within = time_s - periods * every_s
        return periods * whole + within + (factor - 1) * np.maximum(within - quiet_s, 0)

    units = poisson(count, 1.0, seed=seed) / requests_per_s
    return _mapped(units, expected, every_s)


def _mapped(units: Floats, expected: Callable[[Floats], Floats], period_s: float) -> Floats:
    """Return the times at which `expected`, which ascends, reaches `units`, by bisection."""
    per_period = float(expected(np.array([period_s]))[0])
    low = np.floor(units / per_period) * period_s
    high = low + period_s
    for _ in range(60):  # halves a period down to the spacing of floats
        middle = 0.5 * (low + high)
        below = expected(middle) < units
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.maximum.accumulate(high)


def fixed_lengths(count: int, prompt_tokens: int, output_tokens: int) -> tuple[Ints, Ints]:
    """Return prompts and outputs that are all as long [tokens]."""
    _counted(count)
    return np.full(count, prompt_tokens), np.full(count, output_tokens)


def lognormal_lengths(
    count: int,
    prompt: tuple[float, float],
    output: tuple[float, float],
    *,
    most_tokens: int = 2**20,
    seed: int = 0,
) -> tuple[Ints, Ints]:
    """Return lengths that are lognormal [tokens].

    Parameters
    ----------
    count : int
        Requests.
    prompt, output : tuple of float
        Mean [tokens] and coefficient of variation of each.
    most_tokens : int
        Longer ones are cut to this.
    seed : int
        Of the draws.

    Notes
    -----
    With mean m and coefficient of variation v, the logarithm has variance ln(1 + v²) and mean
    ln m minus half of it.
    """
    _counted(count)
    draws = np.random.default_rng(seed).standard_normal((2, count))
    lengths = []
    for name, (mean, variation), normal in zip(
        ("prompt", "output"), (prompt, output), draws, strict=True
    ):
        _positive(f"the mean of {name}", mean)
        variance = np.log1p(variation**2)
        values = np.exp(np.log(mean) - variance / 2 + np.sqrt(variance) * normal)
        lengths.append(np.clip(np.rint(values), 1, most_tokens).astype(np.int64))
    return lengths[0], lengths[1]


def empirical_lengths(
    count: int,
    shares: ArrayLike,
    prompt_quantiles: ArrayLike,
    output_quantiles: ArrayLike,
    *,
    seed: int = 0,
) -> tuple[Ints, Ints]:
    """Return lengths drawn from quantiles, straight lines between them [tokens].

    Parameters
    ----------
    count : int
        Requests.
    shares : array_like
        Ascending shares from 0 to 1.
    prompt_quantiles, output_quantiles : array_like
        Lengths below which each share lies [tokens]. Prompt and output are drawn apart.
    seed : int
        Of the draws.
    """
    _counted(count)
    share = np.asarray(shares, float)
    if share.ndim != 1 or share[0] != 0 or share[-1] != 1 or not (np.diff(share) > 0).all():
        message = f"shares must ascend from 0 to 1. Got {share} instead."
        raise InputError(message)
    draws = np.random.default_rng(seed).random((2, count))
    lengths = []
    for name, quantiles, uniform in zip(
        ("prompt_quantiles", "output_quantiles"),
        (prompt_quantiles, output_quantiles),
        draws,
        strict=True,
    ):
        values = np.asarray(quantiles, float)
        if values.shape != share.shape or (np.diff(values) < 0).any() or values[0] < 1:
            message = f"{name} must ascend from at least 1, one for each share. Got {values}."
            raise InputError(message)
        lengths.append(np.rint(np.interp(uniform, share, values)).astype(np.int64))
    return lengths[0], lengths[1]


def synthetic(arrival_s: ArrayLike, lengths: tuple[ArrayLike, ArrayLike]) -> Trace:
    """Return a trace of arrivals [s] and lengths of prompts and outputs [tokens].

    Examples
    --------
    >>> trace = synthetic(poisson(100, 5.0), fixed_lengths(100, 1000, 200))
    >>> len(trace), int(trace.prompt_tokens.sum())
    (100, 100000)
    """
    return Trace(
        arrival_s=np.asarray(arrival_s, float),
        prompt_tokens=np.asarray(lengths[0]),
        output_tokens=np.asarray(lengths[1]),
    )
