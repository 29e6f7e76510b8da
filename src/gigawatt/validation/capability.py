"""Published losses and indices of models held against laws of scaling.

Losses: one scale for the corpus comes from one family of models, which is left out here. Indices:
each model is predicted by a fit without it. Bands are quantiles of the errors of the other rows.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import GigawattError
from gigawatt.programme.capability.index import fit_index, predict_index
from gigawatt.programme.capability.losses import measured_losses
from gigawatt.validation.score import Prediction
from gigawatt.validation.training import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["capability_table"]

_BAND: Final = (0.1, 0.9)
_COLUMNS: Final = ("model", "training_flop", "released", "capability_index")


def capability_table(path: Path | None) -> list[Prediction]:
    """Return the predictions of published losses on the Pile and of Epoch AI's index.

    Parameters
    ----------
    path : Path, optional
        A CSV file with a row for each model: ``model``, ``training_flop``, ``released``
        (YYYY-MM-DD) and ``capability_index``. Left out, the losses and indices of the catalogue.
    """
    if path is not None:
        return [_row(row) for row in read_table(path, _COLUMNS)]
    return [*_losses(), *_indices()]


def _losses() -> Iterator[Prediction]:
    seen = measured_losses()
    kept = np.flatnonzero(seen.held_out)
    for at in kept:
        others = seen.error[kept[kept != at]]
        predicted = float(seen.predicted_nats[at])
        low, high = predicted / (1.0 + np.quantile(others, _BAND[::-1]))
        measured = float(seen.measured_nats[at])
        yield Prediction(
            seen.names[at], "loss on the Pile", measured, predicted, float(low), float(high)
        )


def _indices() -> Iterator[Prediction]:
    fit = fit_index()
    for at, name in enumerate(fit.names):
        others = np.delete(fit.residual, at)
        predicted = float(fit.index[at] - fit.residual[at])
        low, middle, high = predicted + np.quantile(others, (_BAND[0], 0.5, _BAND[1]))
        yield Prediction(
            name,
            "capability index",
            float(fit.index[at]),
            float(middle),
            float(low),
            float(high),
        )


def _row(row: dict[str, str]) -> Prediction:
    name = row["model"]
    try:
        flop, measured = float(row["training_flop"]), float(row["capability_index"])
        found = predict_index(flop, dt.date.fromisoformat(row["released"]))
    except (GigawattError, ValueError) as error:
        return Prediction(name, "", None, reason=str(error))
    return Prediction(name, "capability index", measured, found.index, found.low, found.high)
