"""What flows of money over years are worth: present value, internal rate, payback, price levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Years = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["discount_factors", "internal_rate", "payback_years", "present_value", "price_levels"]

# Between which an internal rate is looked for, and how often the bracket is halved.
_LOWEST, _HIGHEST, _HALVINGS = -0.9, 1000.0, 100
_REAL = 1e-9  # imaginary part of a root over its size, below which it is real


def discount_factors(count: int, rate: float) -> Years:
    """Return what a dollar of each year is worth in the first: 1, 1 / (1 + r), ...

    Raises
    ------
    ValueError
        If the rate is -1 or less.
    """
    if rate <= -1.0:
        message = f"a yearly rate must lie above -1; got {rate}"
        raise ValueError(message)
    factors: Years = (1.0 + rate) ** -np.arange(count, dtype=float)
    return factors


def present_value(flows_usd: ArrayLike, rate: float) -> float:
    r"""Return the worth of yearly flows in the first year's money.

    .. math:: \sum_{k=0}^{n-1} \frac{F_k}{(1 + r)^k}

    All money of a year counts as paid together, that of the first year undiscounted.

    Parameters
    ----------
    flows_usd : array-like (years,)
        What comes in, less what goes out, in each year.
    rate : float
        Yearly discount rate: real for real money, nominal for nominal money.

    Notes
    -----
    Short et al., NREL/TP-462-5173 (1995), equation 2-4.

    Examples
    --------
    >>> round(present_value([-100.0, 60.0, 60.0], 0.1), 4)
    4.1322
    """
    flows = np.asarray(flows_usd, dtype=float)
    return float(flows @ discount_factors(flows.size, rate))


def internal_rate(flows_usd: ArrayLike) -> float | None:
    """Return the discount rate at which the flows are worth nothing, None where there is no one.

    Flows that change sign once have one rate, which may lie below zero. Others may have several:
    then the rate is given if it is the only one above zero, and not otherwise.

    Parameters
    ----------
    flows_usd : array-like (years,)
        What comes in, less what goes out, in each year.

    Notes
    -----
    Worth is a polynomial in ``x = 1 / (1 + r)``; by Descartes' rule it has one positive root where
    its coefficients change sign once. Elsewhere all its roots are found.

    Examples
    --------
    >>> round(internal_rate([-100.0, 60.0, 60.0]), 4)
    0.1307
    >>> internal_rate([-1.0, 5.0, -6.0]) is None  # worth nothing at 100 and at 200 per cent
    True
    """
    flows = np.asarray(flows_usd, dtype=float)
    changes = np.count_nonzero(np.diff(np.sign(flows[flows != 0.0])))
    if changes == 1:
        return _between(flows, _LOWEST, _HIGHEST)
    if not changes:
        return None
    roots = np.polynomial.polynomial.polyroots(np.trim_zeros(flows, "b") / np.abs(flows).max())
    real = roots.real[np.abs(roots.imag) < _REAL * np.abs(roots)]
    above = real[(real > 0.0) & (real < 1.0)]
    return float(1.0 / above[0] - 1.0) if above.size == 1 else None


def _between(flows: Years, low: float, high: float) -> float | None:
    """Return the rate between two at which worth changes sign, None where it doesn't."""
    sign = np.sign(present_value(flows, low))
    if sign * present_value(flows, high) > 0.0:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if sign * present_value(flows, middle) > 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def payback_years(flows_usd: ArrayLike) -> float | None:
    """Return the years until what came in has paid for what went out, undiscounted.

    Within the year in which it happens money is taken to come evenly. None where it never does, or
    where nothing was paid out.

    Examples
    --------
    >>> payback_years([-100.0, 40.0, 40.0, 40.0])
    3.5
    """
    flows = np.asarray(flows_usd, dtype=float)
    total = np.cumsum(flows)
    below = np.flatnonzero(total < 0.0)
    if not below.size or below[-1] == flows.size - 1:
        return None
    last = int(below[-1])
    return float(last + 1 - total[last] / flows[last + 1])


def price_levels(years: ArrayLike, price_year: int, inflation: float) -> Years:
    """Return the price level of each year over that of `price_year`.

    Real money of `price_year` times the level is nominal money of the year.

    Examples
    --------
    >>> price_levels([2026, 2028], 2026, 0.02).tolist()
    [1.0, 1.0404]
    """
    levels: Years = (1.0 + inflation) ** (np.asarray(years, dtype=float) - price_year)
    return levels
