"""Fit of the slip model: maximum likelihood with weak priors on what the data say little about."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import NotModelledError
from gigawatt.programme.buildout.slip import Slip, log_likelihood

if TYPE_CHECKING:
    from gigawatt.programme.buildout.vintages import Moves

__all__ = ["FEWEST_MOVES", "fit_slip"]

FEWEST_MOVES: Final = 6
"""Moves that a fit needs; the model has six parameters."""

_START: Final = np.array([0.3, 0.0, math.log(90.0), 0.0, 0.0, 0.0])
# Mean and standard deviation of the log-odds of the nearness (0.5), of the logarithms of the spread
# (1) and of the evenness (1), and of the size exponent (0): wide, chosen before the fit.
_PRIOR: Final = ((1, 0.0, 1.0), (3, 0.0, 0.7), (4, 0.0, 1.0), (5, 0.0, 0.5))


def fit_slip(moves: Moves, *, learning: float = 1.0, review_days: float) -> Slip:
    """Return the parameters that make observed moves most likely.

    The probability of an earlier date is estimated by Jeffreys' rule, (n + 1/2) / (N + 1), so that
    it is never none.

    Parameters
    ----------
    moves : Moves
        Slips of several campuses.
    learning : float
        Rate of further moves over that of the move before: two vintages say nothing of it, so it
        is not fitted here.
    review_days : float
        Mean distance of the vintages, in days.

    Raises
    ------
    NotModelledError
        If fewer than `FEWEST_MOVES` dates moved.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]  # noqa: PLC0415  slow

    moved = int((moves.shift_days != 0.0).sum())
    if moved < FEWEST_MOVES:
        message = f"a fit of slips needs at least {FEWEST_MOVES} dates that moved; found {moved}"
        raise NotModelledError(message)
    earlier = (float((moves.shift_days < 0.0).sum()) + 0.5) / (moved + 1.0)

    def cost(x: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        prior = sum(0.5 * ((x[i] - mean) / spread) ** 2 for i, mean, spread in _PRIOR)
        return float(prior) - log_likelihood(_slip(x, earlier, learning, review_days), moves)

    options = {"maxiter": 6000, "maxfev": 6000, "xatol": 1e-5, "fatol": 1e-7}
    best = minimize(cost, _START, method="Nelder-Mead", options=options)
    best = minimize(cost, best.x, method="Nelder-Mead", options=options)  # a fresh simplex
    return _slip(best.x, earlier, learning, review_days)


def _slip(
    x: np.ndarray[Any, np.dtype[np.float64]], earlier: float, learning: float, review_days: float
) -> Slip:
    return Slip(
        rate_per_year=math.exp(x[0]),
        nearness=1.0 / (1.0 + math.exp(-x[1])),
        move_days=math.exp(x[2]),
        move_spread=math.exp(x[3]),
        evenness=math.exp(x[4]),
        size_exponent=float(x[5]),
        earlier_share=earlier,
        learning=learning,
        review_days=review_days,
    )
