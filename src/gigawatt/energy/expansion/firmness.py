"""Whether supply holds when units fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.energy.dispatch.run import at_capacities, dispatch
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.energy.system import System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Adequacy", "Fleet", "adequacy", "firm_requirement", "outage_availability"]

_UNSERVED_MW = 1e-4


@dataclass(frozen=True)
class Fleet:
    """The units behind a source, and how they fail.

    Parameters
    ----------
    units : int
        Equal units.
    forced_outage_rate : float
        Part of the time that a unit is out, within [0, 1).
    mean_repair_h : float
        Mean length of an outage, at least an hour.
    """

    units: int
    forced_outage_rate: float
    mean_repair_h: float

    def __post_init__(self) -> None:
        if self.units < 1 or not 0.0 <= self.forced_outage_rate < 1.0 or self.mean_repair_h < 1.0:
            message = "a fleet needs units >= 1, 0 <= forced_outage_rate < 1, mean_repair_h >= 1"
            raise InputError(message)


@dataclass(frozen=True)
class Adequacy:
    """Unserved load over draws of outages.

    Parameters
    ----------
    loss_of_load_h, unserved_mwh : ndarray (draws,)
        Hours with unserved load and its energy, over the hours given.
    """

    loss_of_load_h: Array
    unserved_mwh: Array

    def quantiles(self) -> dict[str, tuple[float, float, float]]:
        """Return P10, P50 and P90 of both."""
        return {
            name: tuple(float(q) for q in np.quantile(values, (0.1, 0.5, 0.9)))  # type: ignore[misc]
            for name, values in (
                ("loss_of_load_h", self.loss_of_load_h),
                ("unserved_mwh", self.unserved_mwh),
            )
        }


def firm_requirement(peak_mw: float, units_mw: Sequence[float], spare: int) -> float:
    """Return the capacity that serves the peak with the largest units out: N + `spare`.

    Examples
    --------
    >>> firm_requirement(200.0, [50.0, 40.0, 40.0], 2)
    290.0
    """
    if spare > len(units_mw):
        message = f"{spare} units cannot be spare: there are {len(units_mw)}"
        raise InputError(message)
    return peak_mw + float(sum(sorted(units_mw, reverse=True)[:spare]))


def outage_availability(fleet: Fleet, hours: int, rng: np.random.Generator) -> Array:
    r"""Return the part of a fleet that is not out in each hour.

    Each unit is a two-state Markov chain [1]_: an hour of outage ends with probability
    :math:`\mu = 1 / \text{mean repair}`, an hour of service with
    :math:`\lambda = \mu\, q / (1 - q)`, so that a unit is out for the part :math:`q` of the time.
    It starts in its steady state.

    Raises
    ------
    InputError
        If outages of that length cannot fill that part of the time.

    References
    ----------
    .. [1] R. Billinton and R. N. Allan, Reliability Evaluation of Power Systems, Plenum 1996,
       section 2.2.
    """
    q, repair = fleet.forced_outage_rate, 1.0 / fleet.mean_repair_h
    fail = repair * q / (1.0 - q)
    if fail > 1.0:
        message = f"outages of {fleet.mean_repair_h:g} h cannot be {q:.0%} of the time"
        raise InputError(message)
    out = rng.random(fleet.units) < q
    drawn = rng.random((hours, fleet.units))
    available = np.empty(hours)
    for t in range(hours):
        available[t] = 1.0 - out.mean()
        out = np.where(out, drawn[t] >= repair, drawn[t] < fail)
    return available


def adequacy(
    system: System,
    fleets: Mapping[str, Fleet],
    *,
    draws: int,
    seed: int,
    capacity_mw: Mapping[str, float] | None = None,
) -> Adequacy:
    """Return how much load goes unserved when units fail, draw by draw.

    Each draw multiplies the availability of the named sources and dispatches the hours anew, with
    foresight of the outages: storage prepares for them, so the true loss is a little higher.

    Raises
    ------
    InputError
        If the system does not say what unserved load costs, or a name is unknown.
    """
    if system.unserved_usd_per_mwh is None:
        message = "state unserved_usd_per_mwh: with outages some load may go unserved"
        raise InputError(message)
    fixed = at_capacities(system, capacity_mw or {})
    unknown = set(fleets) - {s.name for s in fixed.sources}
    if unknown:
        message = f"the system has no source named {', '.join(sorted(unknown))}"
        raise InputError(message)
    rng = np.random.default_rng(seed)
    hours, energy = np.zeros(draws), np.zeros(draws)
    for draw in range(draws):
        sources = tuple(
            replace(
                s,
                availability=fixed.series(s.availability)
                * outage_availability(fleets[s.name], fixed.hours, rng),
            )
            if s.name in fleets
            else s
            for s in fixed.sources
        )
        found = dispatch(replace(fixed, sources=sources))
        hours[draw] = float((found.unserved_mw > _UNSERVED_MW).sum())
        energy[draw] = found.unserved_mwh
    return Adequacy(hours, energy)
