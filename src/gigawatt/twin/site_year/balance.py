"""Electrical chain and cooling plant in balance: each makes load for the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import NotModelledError
from gigawatt.site.cooling_year import CoolingYear, simulate_cooling
from gigawatt.site.electrical import Chain, Losses, electrical_losses

if TYPE_CHECKING:
    from gigawatt.site.cooling_plant import CoolingPlant
    from gigawatt.site.weather import Weather

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Balance", "balance"]

_MOST_ROUNDS: Final = 40
_CLOSE: Final = 1e-9  # of the design power: what a round may still change


@dataclass(frozen=True, eq=False)
class Balance:
    """A year in which losses and cooling agree.

    Parameters
    ----------
    cooling : CoolingYear
        Power, heat and water in every step. Its losses are those of the chain.
    losses : Losses
        Of the chain at that IT power and with that plant on it.
    stages_mw : dict of str to float
        Mean loss of each stage, by converter, from IT power to the grid.
    design_auxiliary_mw : float
        Most that the plant takes at the design load in the usual weather.
    """

    cooling: CoolingYear
    losses: Losses
    stages_mw: dict[str, float]
    design_auxiliary_mw: float


def balance(
    chain: Chain, plant: CoolingPlant, weather: Weather, wanted_mw: Hours, *,
    usual: Weather, design_it_mw: float, limit_mw: float,
) -> Balance:  # fmt: skip
    """Return the year in which the chain carries the plant and the plant cools the chain.

    The plant draws through the last stages of the chain, and part of the chain's losses heat the
    halls, so both are found in turn until neither changes. A round changes the next one by the
    product of a few per cent of losses and a few of cooling, so some rounds are enough. Losses of
    IT power that is cut are those of the chain at what is left, fixed losses included.

    Parameters
    ----------
    chain : Chain
        From IT power to the grid.
    plant : CoolingPlant
        Built for `design_it_mw`.
    weather : Weather
        In the steps of `wanted_mw`.
    wanted_mw : ndarray (steps,)
        IT power that is wanted, at most the design.
    usual : Weather
        In its hottest hour at the design load the plant takes the most that the chain is built for.
    design_it_mw, limit_mw : float
        IT power that all is built for, and the most at the point of interconnection.

    Raises
    ------
    NotModelledError
        If the limit does not even carry the halls without IT power.
    """
    path = chain.outside_it()
    design_aux = _design_auxiliary_mw(path, plant, usual, design_it_mw)
    design = electrical_losses(
        path, design_it_mw, design_it_mw, design_aux, rated_auxiliary_mw=design_aux
    )
    served, auxiliary = wanted_mw, np.full_like(wanted_mw, design_aux)
    for _ in range(_MOST_ROUNDS):
        losses = electrical_losses(
            path, served[:, None], design_it_mw, auxiliary[:, None], rated_auxiliary_mw=design_aux
        )
        # `simulate_cooling` scales losses with IT power; it is told those that become the chain's.
        scale = np.divide(wanted_mw, served, out=np.ones_like(served), where=served > 0.0)
        year = simulate_cooling(
            plant, weather, wanted_mw, losses.inside_mw[:, 0] * scale,
            outside_loss_mw=losses.outside_mw[:, 0] * scale, design_it_mw=design_it_mw,
            design_loss_mw=float(design.inside_mw[0, 0]), limit_mw=limit_mw,
        )  # fmt: skip
        change = max(
            float(np.abs(year.it_mw - served).max()),
            float(np.abs(year.cooling_mw + year.other_mw - auxiliary).max()),
        )
        served, auxiliary = year.it_mw, year.cooling_mw + year.other_mw
        if change <= _CLOSE * design_it_mw:
            break
    if (served <= 0.0).any() and (wanted_mw > 0.0).all():
        message = (
            f"{limit_mw:,.0f} MW at the point of interconnection do not carry the losses and the "
            "cooling of the halls without any IT power"
        )
        raise NotModelledError(message)
    names = [stage.name for stage in path.stages]
    stages = dict(zip(names, (float(mw) for mw in losses.stage_mw[:, 0]), strict=True))
    return Balance(year, losses, stages, design_aux)


def _design_auxiliary_mw(
    path: Chain, plant: CoolingPlant, weather: Weather, design_it_mw: float
) -> float:
    """Return the most that the plant takes at the design load."""
    auxiliary = 0.0
    for _ in range(2):  # the second round adds a few per mille
        losses = electrical_losses(
            path, design_it_mw, design_it_mw, auxiliary, rated_auxiliary_mw=auxiliary
        )
        year = simulate_cooling(plant, weather, design_it_mw, float(losses.inside_mw[0, 0]))
        auxiliary = float((year.cooling_mw + year.other_mw).max())
    return auxiliary
