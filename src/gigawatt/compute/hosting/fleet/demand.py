r"""What users ask of a service in each hour, and which accelerators are out of order.

**Demand.** Users times requests a day, a cosine over the day, growth over the years:

.. math:: r(t) = \frac{u\,q}{86400}\,\bigl(1 + a \cos(2\pi (t - t_{peak}) / 24)\bigr)\,(1 + g)^{t}

as the twin takes it; each step holds the mean of the cosine over itself, so that the requests of a
day do not depend on how finely it is cut.

**Outages.** Nodes fail by themselves at a rate :math:`f` and take :math:`D` to repair. The part of
them that is out is :math:`u = D / (D + 1/f)` in the mean [1]_, and of :math:`M` nodes a binomial
number. Where a history is drawn, failures are a Poisson process and repairs last exponential times:
an infinite-server queue, as each node has somebody to repair it.

References
----------
.. [1] R. Barlow and F. Proschan, *Mathematical Theory of Reliability* (1965), chapter 3:
       availability of a component that alternates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.training.reliability import failure_rate, node_size
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "NO_OUTAGES",
    "Outages",
    "demand_per_s",
    "drawn_failed",
    "expected_failed",
    "failed_quantile",
    "failures_of",
]

_DAY_H: Final = 24.0
_YEAR_H: Final = 8760.0
_WARM_UP: Final = 20.0  # repair times before the first step, after which outages are steady


def demand_per_s(
    hours: int,
    users: ArrayLike,
    requests_per_user_day: ArrayLike,
    *,
    swing: ArrayLike = 0.0,
    peak_hour: ArrayLike = 0.0,
    growth_per_year: ArrayLike = 0.0,
    step_h: float = 1.0,
) -> Floats:
    """Return the requests asked in each step, by service [1/s].

    Arguments broadcast over services; a column is added for the steps.

    Parameters
    ----------
    hours : int
        Length of the time looked at.
    users, requests_per_user_day : float or array_like (services,)
        Users at the start, and what each asks in a day.
    swing : float or array_like (services,)
        The rate goes from (1 - swing) to (1 + swing) times the mean of the day; in [0, 1].
    peak_hour : float or array_like (services,)
        Hour of the day, counted from the start, at which it is highest.
    growth_per_year : float or array_like (services,)
        Growth of users in a year of 8,760 hours; 0.5 is half as many again.
    step_h : float
        Length of a step [h]; divides `hours`.

    Returns
    -------
    ndarray (steps,) or (services, steps)
        Mean rate in each step.

    Raises
    ------
    InputError
        If a number is out of range or the steps do not divide the hours.

    Examples
    --------
    >>> demand_per_s(24, 86400.0, 1.0, swing=0.5, peak_hour=15, step_h=6).round(2)
    array([0.55, 1.  , 1.45, 1.  ])
    """
    steps = round(hours / step_h)
    if steps < 1 or not np.isclose(steps * step_h, hours):
        message = f"step_h must divide hours, {hours}. Got {step_h!r} instead."
        raise InputError(message)
    named = (users, requests_per_user_day, swing, peak_hour, growth_per_year)
    u, q, a, peak, g = (np.asarray(v, float)[..., np.newaxis] for v in named)
    if not (np.all(u >= 0) and np.all(q >= 0) and np.all((a >= 0) & (a <= 1)) and np.all(g > -1)):
        message = "users and requests must be >= 0, swing in [0, 1] and growth_per_year above -1"
        raise InputError(message)
    begin = np.arange(steps) * step_h
    wave = 2.0 * np.pi / _DAY_H
    up = np.sin(wave * (begin + step_h - peak)) - np.sin(wave * (begin - peak))
    shape = 1.0 + a * up / (wave * step_h)
    grown = (1.0 + g) ** ((begin + 0.5 * step_h) / _YEAR_H)
    return np.asarray(u * q / 86_400.0 * shape * grown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outages:
    """How nodes fail and are repaired.

    Parameters
    ----------
    failures_per_h : float
        Of one node [1/h].
    repair_h : float
        Until a failed node serves again [h]. The catalogue holds no published mean.
    node_accelerators : int
        Accelerators that a failure takes out.
    """

    failures_per_h: float
    repair_h: float
    node_accelerators: int

    def __post_init__(self) -> None:
        """Refuse what is no rate or time."""
        if not (0 <= self.failures_per_h < np.inf and 0 <= self.repair_h < np.inf):
            message = "failures_per_h and repair_h must be finite numbers >= 0"
            raise InputError(message)
        if self.node_accelerators < 1:
            message = f"node_accelerators must be >= 1. Got {self.node_accelerators!r} instead."
            raise InputError(message)

    @property
    def out_share(self) -> float:
        """Share of the nodes that is out of order in the mean."""
        load = self.failures_per_h * self.repair_h
        return load / (1.0 + load)


NO_OUTAGES: Final = Outages(failures_per_h=0.0, repair_h=0.0, node_accelerators=1)
"""Nothing ever fails."""


def failures_of(preset: str, repair_h: float, accelerators_per_node: int | None = None) -> Outages:
    """Return outages at a rate published in the catalogue's kind ``reliability``.

    Parameters
    ----------
    preset : str
        Whose failures.
    repair_h : float
        Until a failed node serves again [h].
    accelerators_per_node : int, optional
        Of your nodes, which are taken to fail as often as those that were watched.

    Examples
    --------
    >>> round(failures_of("lablup-b200", 24.0).out_share, 5)
    0.00288
    """
    per_node = node_size(preset) if accelerators_per_node is None else accelerators_per_node
    return Outages(
        failures_per_h=failure_rate(preset).value / _DAY_H,
        repair_h=repair_h,
        node_accelerators=int(per_node),
    )


def expected_failed(accelerators: ArrayLike, outages: Outages) -> Floats:
    """Return the accelerators out of order in the mean."""
    return np.asarray(accelerators, float) * outages.out_share


def failed_quantile(accelerators: ArrayLike, outages: Outages, quantile: ArrayLike) -> Floats:
    """Return the accelerators that no more than are out of order in `quantile` of the time.

    Exact for a binomial number of nodes; a fraction of a node counts as one.

    Examples
    --------
    >>> watched = Outages(failures_per_h=1 / 1000, repair_h=24.0, node_accelerators=8)
    >>> failed_quantile(8000, watched, [0.1, 0.9])
    array([136., 240.])
    """
    from scipy.special import bdtrik  # type: ignore[import-untyped]  # noqa: PLC0415  slow to load

    nodes = np.ceil(np.asarray(accelerators, float) / outages.node_accelerators)
    q = np.asarray(quantile, float)
    if not np.all((q > 0) & (q < 1)):
        message = f"quantile must lie in (0, 1). Got {quantile!r} instead."
        raise InputError(message)
    if outages.out_share == 0.0:
        return np.asarray(0.0 * (nodes * q))
    # The function is undefined where no failure at all is already more likely than the quantile.
    below: Any = (1.0 - outages.out_share) ** nodes >= q
    found = np.ceil(bdtrik(np.where(below, 0.5, q), np.maximum(nodes, 1.0), outages.out_share))
    failed = np.where(below, 0.0, found) * outages.node_accelerators
    return np.asarray(np.minimum(failed, accelerators))


def drawn_failed(
    accelerators: ArrayLike, outages: Outages, *, steps: int, step_h: float = 1.0, seed: int = 0
) -> Floats:
    """Return one drawn history of accelerators out of order, as the mean over each step.

    Parameters
    ----------
    accelerators : float or array_like (steps,)
        Accelerators there are.
    outages : Outages
        How nodes fail.
    steps : int
        Steps of the history.
    step_h : float
        Length of one [h].
    seed : int
        Of the draws.
    """
    there = np.broadcast_to(np.asarray(accelerators, float), (steps,))
    if outages.out_share == 0.0:
        return np.zeros(steps)
    nodes = float(there.max(initial=0.0)) / outages.node_accelerators
    rng = np.random.default_rng(seed)
    before, end = _WARM_UP * outages.repair_h, steps * step_h
    # Nodes that are out cannot fail: the rate is that of the ones in order, in the mean.
    rate = nodes * outages.failures_per_h * (1.0 - outages.out_share)
    count = int(rng.poisson(rate * (before + end)))
    begin = rng.uniform(-before, end, count)
    until = np.minimum(begin + rng.exponential(outages.repair_h, count), end)
    begin = np.maximum(begin, 0.0)
    kept = until > begin
    down_h = _integral(until[kept], steps, step_h) - _integral(begin[kept], steps, step_h)
    failed = down_h / step_h * outages.node_accelerators
    # A pool that grows has its share of the failures of the whole.
    part = np.divide(there, there.max(initial=0.0), out=np.zeros(steps), where=there > 0)
    return np.asarray(np.minimum(failed * part, there))


def _integral(time_h: Floats, steps: int, step_h: float) -> Floats:
    """Return, for each step, the hours of it that lie before each of the times, summed."""
    place = np.minimum((time_h / step_h).astype(np.int64), steps - 1)
    inside = np.bincount(place, time_h - place * step_h, steps)
    after = np.bincount(place, minlength=steps)
    whole = after.sum() - np.cumsum(after)
    return np.asarray(inside + whole * step_h)
