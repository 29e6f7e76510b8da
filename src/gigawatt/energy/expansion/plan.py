"""The least-cost capacities that feed a load."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gigawatt.energy.dispatch.build import BOX
from gigawatt.energy.dispatch.diagnose import answer
from gigawatt.energy.dispatch.run import dispatched
from gigawatt.energy.expansion.limits import last_unit_costs
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.energy.dispatch.build import Built
    from gigawatt.energy.dispatch.result import Dispatch
    from gigawatt.energy.program.form import Point
    from gigawatt.energy.system import System

__all__ = ["SupplyPlan", "UnboundedError", "plan_supply"]


class UnboundedError(InputError):
    """A capacity that earns more than it costs, without limit."""


@dataclass(frozen=True, eq=False)
class SupplyPlan:
    """The least-cost capacities, with their dispatch and a certificate.

    Parameters
    ----------
    capacity_mw : dict of str to float
        Every capacity, planned and fixed.
    capital_usd : dict of str to float
        Capital of the planned ones over the hours given: a year's for a year.
    dispatch : Dispatch
        How they run; its cost is the running cost.
    lower_bound_usd : float
        No plan costs less: certified by duality, whatever the solver did.
    last_unit : dict of str to float
        What the last unit of each limit costs: a tonne, a per cent, a m3; see `last_unit_costs`.
    """

    capacity_mw: Mapping[str, float]
    capital_usd: Mapping[str, float]
    dispatch: Dispatch
    lower_bound_usd: float
    last_unit: Mapping[str, float] = field(default_factory=dict)

    @property
    def total_usd(self) -> float:
        """Capital and running cost of this plan, which can be built and run as it is."""
        return float(sum(self.capital_usd.values())) + self.dispatch.total_usd

    @property
    def gap(self) -> float:
        """Part of the cost by which a better plan could undercut this one, at most."""
        return (self.total_usd - self.lower_bound_usd) / max(abs(self.total_usd), 1.0)


def plan_supply(system: System, *, firm_mw: float = 0.0, tolerance: float = 1e-8) -> SupplyPlan:
    """Return the capacities that feed a load at least cost over the hours given.

    Capacities and dispatch are one linear program, solved by an interior-point method whose linear
    algebra is decomposed: a band along time, with the capacities as its border. The answer is then
    made exact, so that its cost is an upper bound, and held against the lower bound that the prices
    certify.

    Parameters
    ----------
    system : System
        Sources and storages without a capacity are planned.
    firm_mw : float
        Firm capacity that all parts must have together, each by its `firm_share`: the peak load
        and its reserve.
    tolerance : float
        Relative gap at which the solver stops.

    Raises
    ------
    InputError
        If a rule cannot be kept, or a capacity would grow without limit; the message says which,
        by how much and where.
    """
    settled = _settled(system)
    built, point = answer(settled, firm_mw=firm_mw, tolerance=tolerance)
    _bounded(settled, built, point)
    result = dispatched(settled, built, point)
    program = built.program
    capital = {
        part.name: result.capacity_mw[part.name]
        * float(program.capital[built.capacities[part.name]])
        for part in settled.planned
    }
    # The certificate is of capital and running cost together.
    last = last_unit_costs(settled, built, point)
    return SupplyPlan(result.capacity_mw, capital, result, result.lower_bound_usd, last)


def _settled(system: System) -> System:
    """Return the system with capacities fixed that leave nothing to plan."""
    return replace(
        system,
        sources=tuple(
            replace(s, capacity_mw=s.least_mw)
            if s.capacity_mw is None and s.least_mw == s.most_mw
            else s
            for s in system.sources
        ),
        storages=tuple(
            replace(s, capacity_mw=s.least_mw)
            if s.capacity_mw is None and s.least_mw == s.most_mw
            else s
            for s in system.storages
        ),
    )


def _bounded(system: System, built: Built, point: Point) -> None:
    """Raise if a capacity without a limit ran into the box."""
    box = BOX * max(float(system.load_mw.max()), 1.0)
    grown = [
        part.name
        for part in system.planned
        if part.most_mw > box and point.capacity[built.capacities[part.name]] > 0.5 * box
    ]
    if grown:
        names = ", ".join(grown)
        message = (
            f"{names}: each further MW earns more than it costs, and nothing limits it (it grew to "
            f"{BOX:g} times the peak load); state most_mw, or look for a marginal cost below zero"
        )
        raise UnboundedError(message)
