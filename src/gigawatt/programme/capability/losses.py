"""Losses that were measured, and how far a law of scaling is from them.

A token of another text and another tokenizer carries another amount of information. So a law is
multiplied by one number for each corpus, fitted on one family of models and held against the
others; see `docs/concepts/capability`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.programme.capability.laws import LAWS, loss_law

if TYPE_CHECKING:
    from gigawatt.programme.capability.laws import LossLaw

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["FITTED_FAMILY", "Losses", "PredictedLoss", "measured_losses", "predict_loss"]

FITTED_FAMILY: Final = "cerebras-gpt"
"""Whose losses set the scale of the Pile; those of all other families are predicted."""


@dataclass(frozen=True)
class Losses:
    """Measured losses beside a law's.

    Parameters
    ----------
    names, families : tuple of str
        Model and family of each.
    params, tokens, measured_nats, predicted_nats : ndarray (models,)
        What was measured, and the law times the scale of the corpus.
    scale : float
        Nats a token of this corpus over those of the law's own.
    """

    names: tuple[str, ...]
    families: tuple[str, ...]
    params: Array
    tokens: Array
    measured_nats: Array
    predicted_nats: Array
    scale: float

    @property
    def held_out(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which models had no part in the scale."""
        return np.array([f != FITTED_FAMILY for f in self.families])

    @property
    def error(self) -> Array:
        """Predicted over measured, less 1."""
        ratio: Array = self.predicted_nats / self.measured_nats - 1.0
        return ratio


def measured_losses(law: LossLaw | None = None) -> Losses:
    """Return the published losses on the Pile beside those of a law.

    The scale is the median ratio over the seven models of `FITTED_FAMILY`.
    """
    one = loss_law() if law is None else law
    entries = catalog.load().entries("published_loss")
    params = np.array([e.number("params") for e in entries])
    tokens = np.array([e.number("tokens") for e in entries])
    measured = np.array([e.number("loss_nats") for e in entries])
    families = tuple(e.text("family") for e in entries)
    own = np.array([f == FITTED_FAMILY for f in families])
    bare = one.loss_nats(params, tokens)
    scale = float(np.median(measured[own] / bare[own]))
    names = tuple(e.text("name") for e in entries)
    return Losses(names, families, params, tokens, measured, bare * scale, scale)


@dataclass(frozen=True)
class PredictedLoss:
    """A loss with its band.

    Parameters
    ----------
    loss_nats, low_nats, high_nats : float
        Median, P10 and P90, in nats a token.
    extrapolated : bool
        Whether size or tokens lie outside the runs that the law was fitted on.
    laws_nats : dict of str to float
        What each law says.
    """

    loss_nats: float
    low_nats: float
    high_nats: float
    extrapolated: bool
    laws_nats: dict[str, float]


def predict_loss(params: float, tokens: float) -> PredictedLoss:
    """Return the loss of a model, in nats a token of the law's own text (MassiveText).

    The band joins what the first law got wrong on the models held out (`measured_losses`) with the
    distance to the other laws: no residual is known at a thousand times the compute of the fit, and
    laws that agree inside it part outside.

    Parameters
    ----------
    params : float
        Parameters that a token meets: the active ones of a mixture of experts. Sparse models do
        better than that and worse than dense ones of all their parameters.
    tokens : float
        Tokens of training, each seen once.
    """
    by_law = {name: float(loss_law(name).loss_nats(params, tokens)) for name in LAWS}
    value = by_law[LAWS[0]]
    seen = measured_losses()
    errors = seen.error[seen.held_out]
    # Predicted is measured x (1 + error), so the truth is predicted / (1 + error).
    low, high = value / (1.0 + np.quantile(errors, (0.9, 0.1)))
    others = list(by_law.values())
    entry = catalog.load().get("scaling_law", LAWS[0])
    inside = entry.number("fitted_from_params") <= params <= entry.number(
        "fitted_to_params"
    ) and entry.number("fitted_from_tokens") <= tokens <= entry.number("fitted_to_tokens")
    return PredictedLoss(
        value, min(float(low), *others), max(float(high), *others), not inside, by_law
    )
