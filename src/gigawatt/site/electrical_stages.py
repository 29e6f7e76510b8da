r"""What a converter loses, and the chains of converters between the chips and the grid.

The loss of every converter is a polynomial of the power P that it delivers:

.. math:: P_{loss} = a\,S + b\,P + c\,P^2 / S

with S the rating of the units that are switched on. The first term is what magnetises cores and
drives controls, the second what switches and diodes lose, the third the heat of resistance
[1]_ [2]_. Redundancy changes nothing but S: more units share the load, so the fixed loss grows and
the resistive one falls.

References
----------
.. [1] J. L. Sawyer and N. Rasmussen, "Electrical efficiency modeling for data centers", APC white
   paper 113 (2007): no-load, proportional and square-law loss of power devices.
.. [2] IEC 60076-20 (2017): losses of transformers, and the peak efficiency index.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.catalog import Entry

__all__ = ["Chain", "Loss", "Stage", "chain", "loss_of", "spare_capacity"]

_POINTS: Final = {
    f"efficiency_{percent:02d}": percent / 100 for percent in (5, 10, 20, 25, 50, 75, 100)
}
"""Fields of the catalogue that state efficiency at a share of the rating."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss over the rating: ``fixed + proportional x + quadratic x**2`` at a share x of it.

    Parameters
    ----------
    fixed, proportional, quadratic : float
        None may be negative.
    """

    fixed: float
    proportional: float
    quadratic: float

    def __post_init__(self) -> None:
        if min(self.fixed, self.proportional, self.quadratic) < 0.0:
            message = f"no term of a loss may be negative; got {self}"
            raise InputError(message)

    def efficiency(self, share: float) -> float:
        """Return power delivered over power taken, at a share of the rating."""
        return share / (share + self.fixed + self.proportional * share + self.quadratic * share**2)


@dataclass(frozen=True, slots=True)
class Stage:
    """One conversion between the chips and the grid.

    Parameters
    ----------
    name : str
        Converter of the catalogue, or what the user calls it.
    kind : str
        Place in a chain: ``ups``, ``mv-lv``, ...
    loss : Loss
        Of the units that are switched on.
    spare : float
        Rating of the units that are switched on over the design load, at least 1.
    within_it : bool
        Whether the loss is part of IT power.
    inside : float
        Share of the loss whose heat the cooling of the halls must carry.
    auxiliary : bool
        Whether the cooling plant is fed from the output of this stage.
    facts : tuple of str
        Keys of the facts behind it.
    """

    name: str
    kind: str
    loss: Loss
    spare: float = 1.0
    within_it: bool = False
    inside: float = 1.0
    auxiliary: bool = False
    facts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.spare < 1.0 or not 0.0 <= self.inside <= 1.0:
            message = (
                f"stage '{self.name}': spare must be at least 1 and inside in [0, 1]; "
                f"got {self.spare}, {self.inside}"
            )
            raise InputError(message)


@dataclass(frozen=True, slots=True)
class Chain:
    """Stages from the chips to the point of interconnection, in this order.

    Parameters
    ----------
    name : str
        Topology.
    stages : tuple of Stage
        Those within IT power come first; at most one feeds the cooling plant.
    """

    name: str
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        within = [stage.within_it for stage in self.stages]
        if within != sorted(within, reverse=True) or sum(s.auxiliary for s in self.stages) > 1:
            message = (
                f"chain '{self.name}': stages within IT power must come first, and one stage at "
                "most can feed the cooling plant"
            )
            raise InputError(message)

    @property
    def facts(self) -> tuple[str, ...]:
        """Keys of the facts behind all stages."""
        return tuple(dict.fromkeys(key for stage in self.stages for key in stage.facts))

    def outside_it(self) -> Chain:
        """Return the stages between IT power and the grid."""
        return Chain(self.name, tuple(s for s in self.stages if not s.within_it))


def spare_capacity(redundancy: str, needed: int) -> float:
    """Return the rating that is switched on over the design load.

    Parameters
    ----------
    redundancy : str
        ``N``, ``N+1``, ``N+2`` (units beyond those needed, all sharing the load) or ``2N`` (two
        whole paths, each carrying half).
    needed : int
        Units that carry the design load.

    Examples
    --------
    >>> spare_capacity("N+1", 4), spare_capacity("2N", 4)
    (1.25, 2.0)
    """
    if redundancy == "2N":
        return 2.0
    head, _, more = redundancy.partition("+")
    if head != "N" or (more and not more.isdigit()) or needed < 1:
        message = f"redundancy must be N, N+1, N+2, ... or 2N of one unit or more; got {redundancy}"
        raise InputError(message)
    return (needed + int(more or 0)) / needed


def loss_of(entry: Entry, end: str = "value") -> Loss:
    r"""Return the loss of a converter of the catalogue.

    In this order, by what is published of it:

    1. losses of a transformer without load and at its rating: a and c are these over the rating;
    2. its peak efficiency index and the ratio r of the two losses: at its best load, the square
       root of r, both losses are equal, so :math:`1 / \eta - 1 = 2 c \sqrt r` and a = r c;
    3. ``(P + w) / efficiency``: a is w / efficiency over the rating, b is 1 / efficiency - 1;
    4. efficiencies at several loads: the non-negative a, b and c nearest to 1 / efficiency - 1;
    5. a loss of resistance alone, or one efficiency for every load.

    Parameters
    ----------
    entry : Entry
        Of the kind ``converter``.
    end : str
        ``value``, or ``low`` or ``high``: the end of the published ranges at which the loss is
        least or greatest. Where no range is published all three are the same.

    Raises
    ------
    InputError
        If `end` is none of the three.
    NotModelledError
        If nothing is published from which the loss follows.
    """
    if end not in ("low", "value", "high"):
        message = f"'end' must be low, value or high; got {end!r}"
        raise InputError(message)
    if "no_load_loss_w" in entry:
        rating_w = entry.number("rating_kw") * 1e3
        return Loss(
            _at(entry, "no_load_loss_w", end) / rating_w,
            0.0,
            _at(entry, "load_loss_w", end) / rating_w,
        )
    if "peak_efficiency" in entry:
        ratio = entry.number("no_load_to_load_loss")
        lost = 1.0 / _at(entry, "peak_efficiency", end) - 1.0
        full = lost / (2.0 * math.sqrt(ratio))
        return Loss(ratio * full, 0.0, full)
    if "efficiency" in entry:
        efficiency = _at(entry, "efficiency", end)
        offset = entry.number("offset_w", 0.0)
        rating_w = entry.number("rating_kw", 1.0) * 1e3
        return Loss(offset / efficiency / rating_w, 1.0 / efficiency - 1.0, 0.0)
    points = {s: _at(entry, field, end) for field, s in _POINTS.items() if field in entry}
    if points:
        return _nearest(points)
    if "resistive_loss" in entry:
        return Loss(0.0, 0.0, _at(entry, "resistive_loss", end))
    message = f"nothing is published of the losses of the converter '{entry.id}'"
    raise NotModelledError(message)


def _at(entry: Entry, field: str, end: str) -> float:
    """Return a figure, or that end of its range where the loss is low or high."""
    fact = entry[field]
    if end == "value":
        return fact.number
    low, high = fact.span
    return low if (end == "low") == ("loss" in field) else high


def _nearest(points: Mapping[float, float]) -> Loss:
    """Return the non-negative loss nearest to efficiencies by share of the rating.

    The three columns are few enough to try every subset: the best of those whose own least squares
    is non-negative is the constrained optimum.
    """
    share = np.array(list(points))
    lost = 1.0 / np.array(list(points.values())) - 1.0
    columns = np.stack([1.0 / share, np.ones_like(share), share], axis=1)
    best, error = np.zeros(3), float("inf")
    for size in range(1, min(3, len(points)) + 1):
        for chosen in combinations(range(3), size):
            part = columns[:, chosen]
            found = np.linalg.lstsq(part, lost, rcond=None)[0]
            residual = float(((part @ found - lost) ** 2).sum())
            if found.min() >= 0.0 and residual < error - 1e-15:
                best, error = np.zeros(3), residual
                best[list(chosen)] = found
    return Loss(*(float(value) for value in best))


def chain(
    topology: str,
    *,
    redundancy: Mapping[str, str] | None = None,
    point_of_load_efficiency: float | None = None,
    losses: str = "value",
) -> Chain:
    """Return a chain of the catalogue.

    Parameters
    ----------
    topology : str
        Entry of the kind ``topology``: ``ac-ups``, ``dc-800``, ...
    redundancy : mapping of str to str, optional
        Redundancy by kind of stage (``ups``, ``mv-lv``, ...) in place of the catalogue's.
    point_of_load_efficiency : float, optional
        Efficiency of the last conversion to the voltage of the chips (VRM), added as the first
        stage within IT power. Nobody publishes its curve, so there is no default.
    losses : str
        ``value``, ``low`` or ``high``: the end of the published ranges, as of `loss_of`.

    Raises
    ------
    InputError
        If the chain has no stage of a kind that `redundancy` names.
    """
    book = catalog.load()
    name = book.get("topology", topology).id
    rows = book.where("topology_stage", topology=name)
    stages = [_stage(row, losses) for row in sorted(rows, key=lambda r: r.number("position"))]
    needed = {s.kind: int(r.number("needed")) for s, r in zip(stages, rows, strict=True)}
    for kind, wanted in (redundancy or {}).items():
        if kind not in needed:
            message = f"topology '{name}' has no stage '{kind}'; it has {', '.join(needed)}"
            raise InputError(message)
        spare = spare_capacity(wanted, needed[kind])
        stages = [replace(s, spare=spare) if s.kind == kind else s for s in stages]
    if point_of_load_efficiency is not None:
        if not 0.0 < point_of_load_efficiency <= 1.0:
            message = f"an efficiency lies in (0, 1]; got {point_of_load_efficiency}"
            raise InputError(message)
        loss = Loss(0.0, 1.0 / point_of_load_efficiency - 1.0, 0.0)
        stages.insert(0, Stage("vrm", "point-of-load", loss, within_it=True))
    return Chain(name, tuple(stages))


def _stage(row: Entry, losses: str) -> Stage:
    converter = catalog.load().get("converter", row.text("converter"))
    return Stage(
        name=converter.id,
        kind=converter.text("stage"),
        loss=loss_of(converter, losses),
        spare=spare_capacity(row.text("redundancy"), int(row.number("needed"))),
        within_it=row.number("within_it") == 1.0,
        inside=row.number("inside"),
        auxiliary=row.number("auxiliary") == 1.0,
        facts=(*(f.key for f in converter), *(f.key for f in row)),
    )
