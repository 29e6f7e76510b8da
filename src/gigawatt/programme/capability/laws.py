"""Laws of scaling: the loss that a model of a size reaches on so many tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = [
    "FLOP_PER_PARAMETER_TOKEN",
    "LAWS",
    "LossLaw",
    "Optimum",
    "best_tokens",
    "compute_optimal",
    "loss_law",
    "overtraining",
]

FLOP_PER_PARAMETER_TOKEN: Final = 6.0
"""Operations of a parameter for a token of training: two forward, four backward (Kaplan 2020)."""

LAWS: Final = ("besiroglu-2024", "hoffmann-2022")
"""The laws of loss, the one that is used first; the others show how far laws disagree."""


@dataclass(frozen=True)
class LossLaw:
    r"""A law of loss.

    .. math:: L(N, D) = E + A N^{-a} + B D^{-b}

    Parameters
    ----------
    id, name : str
        As in the catalogue.
    irreducible_nats : float
        E, in nats a token of the text the law was fitted on.
    parameter_coefficient, token_coefficient : float
        A and B.
    parameter_exponent, token_exponent : float
        a and b.
    """

    id: str
    name: str
    irreducible_nats: float
    parameter_coefficient: float
    token_coefficient: float
    parameter_exponent: float
    token_exponent: float

    def loss_nats(self, params: Array | float, tokens: Array | float) -> Array:
        """Return the loss of models of `params` parameters after `tokens`, of any shapes."""
        n, d = np.asarray(params, dtype=np.float64), np.asarray(tokens, dtype=np.float64)
        if np.any(n <= 0) or np.any(d <= 0):
            message = "parameters and tokens must be above 0"
            raise InputError(message)
        by_size = self.parameter_coefficient * n**-self.parameter_exponent
        by_tokens = self.token_coefficient * d**-self.token_exponent
        loss: Array = self.irreducible_nats + by_size + by_tokens
        return loss


def loss_law(name: str = LAWS[0]) -> LossLaw:
    """Return a law of loss of the catalogue.

    Raises
    ------
    UnknownNameError
        If the catalogue has no such law.
    InputError
        If the law says how many tokens are best, and nothing of the loss.
    """
    entry = catalog.load().get("scaling_law", name)
    if entry.text("form") != "loss":
        losses = ", ".join(LAWS)
        message = f"'{entry.id}' is no law of loss; expected one of {losses}"
        raise InputError(message)
    fields = (
        "irreducible_nats",
        "parameter_coefficient",
        "token_coefficient",
        "parameter_exponent",
        "token_exponent",
    )
    return LossLaw(entry.id, entry.text("name"), *(entry.number(f) for f in fields))


@dataclass(frozen=True)
class Optimum:
    """The model that a budget trains best.

    Parameters
    ----------
    flop, params, tokens : float
        Budget, parameters and tokens.
    loss_nats : float
        Its loss, in nats a token of the law's own text.
    """

    flop: float
    params: float
    tokens: float
    loss_nats: float


def compute_optimal(flop: float, law: LossLaw | None = None) -> Optimum:
    r"""Return the size and the tokens of least loss at a budget of training compute.

    With C = 6 N D, the least of L is where

    .. math:: N = G (C / 6)^{b / (a + b)}, \quad D = (C / 6) / N, \quad
              G = \left(\frac{a A}{b B}\right)^{1 / (a + b)}

    Parameters
    ----------
    flop : float
        Floating-point operations.
    law : LossLaw, optional
        The first of `LAWS`, where not given.

    Notes
    -----
    Hoffmann et al., Training compute-optimal large language models (2022), equation 4.

    Examples
    --------
    >>> best = compute_optimal(3.8e25)
    >>> round(best.tokens / best.params)
    25
    """
    if not flop > 0:
        message = f"training compute must be above 0 FLOP; found {flop:g}"
        raise InputError(message)
    one = loss_law() if law is None else law
    a, b = one.parameter_exponent, one.token_exponent
    ratio = (a * one.parameter_coefficient) / (b * one.token_coefficient)
    pairs = flop / FLOP_PER_PARAMETER_TOKEN
    params = ratio ** (1.0 / (a + b)) * pairs ** (b / (a + b))
    tokens = pairs / params
    return Optimum(flop, params, tokens, float(one.loss_nats(params, tokens)))


def best_tokens(flop: float, law: str = "llama-3") -> float:
    """Return the best number of tokens at a budget, by a law that states only that.

    Notes
    -----
    Tokens grow with a power of the compute. Llama 3's constants are printed with two digits and
    miss its own flagship by a third, so its law goes through the flagship: 16.55 trillion tokens at
    3.8e25 FLOP, exponent 0.53 (Llama 3, section 3.2.1).
    """
    entry = catalog.load().get("scaling_law", law)
    if "tokens_exponent" not in entry:
        message = f"'{entry.id}' is a law of loss; compute_optimal() answers for it"
        raise InputError(message)
    exponent = entry.number("tokens_exponent")
    if "flagship_flop" in entry:
        scale = flop / entry.number("flagship_flop")
        return float(entry.number("flagship_tokens") * scale**exponent)
    return float(entry.number("tokens_coefficient") * flop**exponent)


def overtraining(params: float, tokens: float, law: LossLaw | None = None) -> float:
    """Return tokens a parameter over the best ratio at the same compute.

    Above 1 the model is smaller than its compute would make it: dearer to train for its loss, and
    cheaper to serve.
    """
    best = compute_optimal(FLOP_PER_PARAMETER_TOKEN * params * tokens, law)
    return float((tokens / params) / (best.tokens / best.params))
