"""Power from the chips to the point of interconnection, and what is lost on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError, NotModelledError
from gigawatt.site.electrical_stages import Chain, Loss, Stage, chain, loss_of, spare_capacity

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Numbers = float | Array

__all__ = [
    "Chain",
    "Loss",
    "Losses",
    "Stage",
    "chain",
    "curtailed_share",
    "electrical_losses",
    "it_power_within",
    "loss_of",
    "spare_capacity",
    "unit_losses",
]


@dataclass(frozen=True, slots=True)
class Losses:
    """Power at the grid and where the difference to IT power stays.

    ``grid_mw == it_mw + auxiliary_mw + inside_mw + outside_mw`` in every step.

    Parameters
    ----------
    grid_mw : ndarray (times, halls)
        Power taken at the point of interconnection [MW].
    inside_mw, outside_mw : ndarray (times, halls)
        Losses whose heat the cooling of the halls carries, and other losses [MW].
    stage_mw : ndarray (stages, halls)
        Mean loss of each stage [MW].
    peak_load : ndarray (stages, halls)
        Greatest load of each stage over the rating of its units; above 1 it is overloaded. 0 where
        a hall has no rating.
    """

    grid_mw: Array
    inside_mw: Array
    outside_mw: Array
    stage_mw: Array
    peak_load: Array


def electrical_losses(
    topology: Chain | str,
    it_mw: Numbers,
    rated_mw: Numbers,
    auxiliary_mw: Numbers = 0.0,
    *,
    rated_auxiliary_mw: Numbers = 0.0,
    at: str = "it",
) -> Losses:
    r"""Return the power at the point of interconnection and the losses on the way.

    .. math:: P_{k+1} = P_k + a_k S_k + b_k P_k + c_k P_k^2 / S_k

    from the chips (or where IT power is measured) stage by stage to the grid. S is the design load
    that reaches the stage times its spare capacity.

    Parameters
    ----------
    topology : Chain or str
        A chain, or a topology of the catalogue.
    it_mw : float or ndarray (times, halls), (halls,)
        IT power of each hall in each step [MW].
    rated_mw : float or ndarray (halls,)
        IT power that each hall is built for [MW].
    auxiliary_mw : float or ndarray (times, halls), (halls,)
        Power of the cooling plant and other loads that join at the stage of the chain which feeds
        them [MW].
    rated_auxiliary_mw : float or ndarray (halls,)
        The most that these loads take by design [MW]; the stages above are built for it too.
    at : str
        ``it``: `it_mw` is IT power, as meters at the servers or racks see it. ``chip``: it is the
        power of the chips themselves, and the stages within IT power count too.

    Returns
    -------
    Losses
        In the shape (times, halls).

    Raises
    ------
    InputError
        If shapes do not fit, or a power is negative.

    Notes
    -----
    The units of a stage are taken to share its load evenly. With a quadratic term uneven shares
    lose more: by c times the variance of the share. `unit_losses` takes every unit apart.

    Examples
    --------
    >>> losses = electrical_losses("ac-ups", 80.0, 100.0)
    >>> round(float(losses.grid_mw[0, 0]), 1)
    84.6
    """
    path = _path(topology, at)
    it, auxiliary, halls = _tables(it_mw, auxiliary_mw, rated_mw, rated_auxiliary_mw)
    coefficients, ratings = _coefficients(path, rated_mw, rated_auxiliary_mw, halls)
    if it.min(initial=0.0) < 0.0 or auxiliary.min(initial=0.0) < 0.0:
        message = "IT power and auxiliary power must not be negative"
        raise InputError(message)
    feeds = _feeds(path, auxiliary)
    times = max(it.shape[0], auxiliary.shape[0])
    out = np.empty((3, times, halls))
    from gigawatt.site import electrical_kernel  # noqa: PLC0415  Numba is slow to import

    inside = np.array([stage.inside for stage in path.stages])
    lost, most = electrical_kernel.forward(it, auxiliary, coefficients, inside, feeds, out)
    load = np.divide(most, ratings, out=np.zeros_like(most), where=ratings > 0.0)
    return Losses(out[0], out[1], out[2], lost / max(times, 1), load)


def it_power_within(
    topology: Chain | str,
    grid_mw: Numbers,
    rated_mw: Numbers,
    auxiliary_mw: Numbers = 0.0,
    *,
    rated_auxiliary_mw: Numbers = 0.0,
    at: str = "it",
) -> Array:
    """Return the most IT power that each hall may draw for a limit on its grid power.

    The exact inverse of `electrical_losses`; 0 where the limit does not cover the auxiliary loads
    and the fixed losses.

    Parameters
    ----------
    topology, rated_mw, auxiliary_mw, rated_auxiliary_mw, at
        As of `electrical_losses`.
    grid_mw : float or ndarray (times, halls), (halls,)
        Limit of each hall [MW].

    Returns
    -------
    ndarray (times, halls)
        IT power [MW]; what the ratings allow is not considered (`Losses.peak_load`).
    """
    path = _path(topology, at)
    grid, auxiliary, halls = _tables(grid_mw, auxiliary_mw, rated_mw, rated_auxiliary_mw)
    coefficients, _ = _coefficients(path, rated_mw, rated_auxiliary_mw, halls)
    out = np.empty((max(grid.shape[0], auxiliary.shape[0]), halls))
    from gigawatt.site import electrical_kernel  # noqa: PLC0415  Numba is slow to import

    electrical_kernel.inverse(grid, auxiliary, coefficients, _feeds(path, auxiliary), out)
    return out


def curtailed_share(
    topology: Chain | str,
    it_mw: Numbers,
    rated_mw: Numbers,
    limit_mw: Numbers,
    auxiliary_mw: Numbers = 0.0,
    *,
    rated_auxiliary_mw: Numbers = 0.0,
) -> Array:
    """Return the share of their IT power that all halls may draw together within a campus limit.

    Parameters
    ----------
    topology, it_mw, rated_mw, auxiliary_mw, rated_auxiliary_mw
        As of `electrical_losses`.
    limit_mw : float or ndarray (times,)
        Limit on the sum of the halls at the point of interconnection [MW].

    Returns
    -------
    ndarray (times,)
        1 where the limit does not bind, else the share at which the sum equals it; 0 where even
        without IT power the campus takes more.
    """
    wanted = electrical_losses(
        topology, it_mw, rated_mw, auxiliary_mw, rated_auxiliary_mw=rated_auxiliary_mw
    )
    limit = np.atleast_1d(np.asarray(limit_mw, np.float64))
    total = wanted.grid_mw.sum(axis=1)
    if limit.size > 1 and total.size == 1:
        total = np.broadcast_to(total, limit.shape)
    if limit.size not in (1, total.size):
        message = f"{limit.size} limits do not fit {total.size} steps"
        raise InputError(message)
    limit = np.broadcast_to(limit, total.shape)
    share: Array = np.ones_like(total)
    tight = np.flatnonzero(total > limit)
    if tight.size:
        shape = (total.size, wanted.grid_mw.shape[1])
        it = np.broadcast_to(np.asarray(it_mw, np.float64), shape)[tight]
        auxiliary = np.broadcast_to(np.asarray(auxiliary_mw, np.float64), shape)[tight]
        share[tight] = _scaled(
            topology, it, rated_mw, limit[tight], auxiliary, rated_auxiliary_mw, total[tight]
        )
    return share


def _scaled(
    topology: Chain | str,
    it: Array,
    rated: Numbers,
    limit: Array,
    auxiliary: Array,
    rated_auxiliary: Numbers,
    full: Array,
) -> Array:
    """Return the share at which grid power meets the limit.

    Grid power is convex in the share, so secants through the last point and share 1 rise towards
    the root from below and never pass it.
    """

    def grid(share: Array) -> Array:
        losses = electrical_losses(
            topology, it * share[:, None], rated, auxiliary, rated_auxiliary_mw=rated_auxiliary
        )
        summed: Array = losses.grid_mw.sum(axis=1)
        return summed

    share = np.zeros_like(full)
    at_zero = power = grid(share)
    for _ in range(8):
        slope = (full - power) / np.maximum(1.0 - share, 1e-12)
        share = np.clip(share + (limit - power) / slope, 0.0, 1.0)
        power = grid(share)
    result: Array = np.where(limit <= at_zero, 0.0, share)
    return result


def unit_losses(
    load_w: Array,
    losses: Sequence[Loss],
    rating_w: Sequence[float],
    fan_in: Sequence[int],
    extra_w: Sequence[float] | None = None,
) -> tuple[Array, Array]:
    """Return the power that single converters take, each with a load of its own.

    Parameters
    ----------
    load_w : ndarray (units,)
        Power that each unit of the first stage delivers [W].
    losses : sequence of Loss
        Of the units of each stage.
    rating_w : sequence of float
        Rating of one unit of each stage [W].
    fan_in : sequence of int
        Units of the stage below (or loads) that one unit carries; the first is mostly 1.
    extra_w : sequence of float, optional
        Other load on each unit of the stage [W].

    Returns
    -------
    input_w : ndarray (units of the last stage,)
        Power each takes [W].
    stage_w : ndarray (stages,)
        Loss of all units of each stage [W].

    Raises
    ------
    InputError
        If units cannot be told off evenly.

    Examples
    --------
    Four loads of 1 kW on converters that lose 2 %, two of them on a rectifier that loses 3 %:

    >>> taken, lost = unit_losses(
    ...     np.full(4, 1000.0), [Loss(0, 0.02, 0), Loss(0, 0.03, 0)], [1e3, 2e3], [1, 2]
    ... )
    >>> taken.round(1), lost.round(1)
    (array([2101.2, 2101.2]), array([ 80. , 122.4]))
    """
    units = load_w.size
    for group in fan_in:
        if group < 1 or units % group:
            message = f"{units} units cannot be carried {group} by {group}"
            raise InputError(message)
        units //= group
    rows = [
        (loss.fixed * rating, loss.proportional, loss.quadratic / rating)
        for loss, rating in zip(losses, rating_w, strict=True)
    ]
    from gigawatt.site import electrical_kernel  # noqa: PLC0415  Numba is slow to import

    extra = np.zeros(len(rows)) if extra_w is None else np.asarray(extra_w, np.float64)
    groups = np.asarray(fan_in, np.float64)
    load = np.ascontiguousarray(load_w, np.float64)
    taken, lost = electrical_kernel.tree(load, groups, np.array(rows), extra)
    return taken, lost


def _path(topology: Chain | str, at: str) -> Chain:
    path = chain(topology) if isinstance(topology, str) else topology
    if at not in ("it", "chip"):
        message = f"'at' must be 'it' or 'chip'; got {at!r}"
        raise InputError(message)
    return path.outside_it() if at == "it" else path


def _tables(main: Numbers, auxiliary: Numbers, *rated: Numbers) -> tuple[Array, Array, int]:
    """Return both as tables of times by halls, one row where they do not change."""
    tables = []
    for values in (main, auxiliary):
        array = np.asarray(values, np.float64)
        if array.ndim > 2:
            message = f"power must be a number, (halls,) or (times, halls); got {array.shape}"
            raise InputError(message)
        tables.append(np.ascontiguousarray(np.atleast_2d(array)))
    halls = max(*(table.shape[1] for table in tables), *(np.size(one) for one in rated))
    times = {table.shape[0] for table in tables} - {1}
    widths = {*(table.shape[1] for table in tables), *(np.size(one) for one in rated)} - {1}
    if len(times) > 1 or len(widths) > 1:
        message = (
            f"shapes {tables[0].shape} and {tables[1].shape} do not fit (times, halls), or the "
            "ratings do not fit the halls"
        )
        raise InputError(message)
    full = [np.ascontiguousarray(np.broadcast_to(t, (t.shape[0], halls))) for t in tables]
    return full[0], full[1], halls


def _feeds(path: Chain, auxiliary: Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    feeds = np.array([stage.auxiliary for stage in path.stages], dtype=np.bool_)
    if not feeds.any() and auxiliary.any():
        message = f"no stage of '{path.name}' is said to feed the cooling plant"
        raise NotModelledError(message)
    return feeds


def _coefficients(
    path: Chain, rated_mw: Numbers, rated_auxiliary_mw: Numbers, halls: int
) -> tuple[Array, Array]:
    """Return a S, b and c / S as (3, stages, halls), and the ratings (stages, halls)."""
    design = np.array(np.broadcast_to(np.asarray(rated_mw, np.float64), (halls,)))
    auxiliary = np.broadcast_to(np.asarray(rated_auxiliary_mw, np.float64), (halls,))
    if design.min() < 0.0 or auxiliary.min() < 0.0:
        message = "rated power must not be negative"
        raise InputError(message)
    table = np.zeros((3, len(path.stages), halls))
    ratings = np.zeros((len(path.stages), halls))
    for k, stage in enumerate(path.stages):
        design = design + (auxiliary if stage.auxiliary else 0.0)
        rating = ratings[k] = design * stage.spare
        per_mw = np.divide(1.0, rating, out=np.zeros(halls), where=rating > 0.0)
        table[0, k] = stage.loss.fixed * rating
        table[1, k] = stage.loss.proportional
        table[2, k] = stage.loss.quadratic * per_mw
        design = design + table[0, k] + (table[1, k] + table[2, k] * design) * design
    return table, ratings
