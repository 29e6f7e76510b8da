r"""A fleet of serving instances over days and years: several services on one pool of accelerators.

In each step, in this order:

1. **Pool.** Of all accelerators some are out of order and some under maintenance.
2. **Scaling.** A service wants :math:`\lceil \lambda' (1 + h) / r \rceil` instances and its spares:
   :math:`\lambda'` is the demand last observed, :math:`h` the headroom, and :math:`r` the rate that
   one instance may take within its limits.
3. **Priority.** Services of a lower number take what they want first, in whole instances.
4. **Start-up.** What was not there all the time that starting takes is starting; whoever was there
   longest serves.
5. **Failures of instances.** One that loses a node starts anew elsewhere. Of :math:`m` ready
   instances a binomial number :math:`X` does so. Spares take over at once: with :math:`k` of them,
   :math:`E[(X - k)^+]` are missing.
6. **Load.** Requests are spread evenly over those that serve, up to :math:`r` each; the rest is
   turned away. Latency and power follow from the `Surface`.

Requests and accelerator-hours close: asked = served + unserved, and serving + starting + spare +
failed + maintenance + idle = all. Every step is computed at once; there is no loop over time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.compute.hosting.fleet.demand import NO_OUTAGES, Outages, expected_failed
from gigawatt.compute.hosting.fleet.run import FleetRun
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from gigawatt.compute.hosting.fleet.surface import Surface

    Floats = NDArray[np.float64]

__all__ = ["Pool", "Service", "simulate_fleet"]

_SECONDS: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A model that is served within limits on latency.

    Parameters
    ----------
    name : str
        What it is called.
    surface : Surface
        One instance.
    rate_per_s : float
        Requests that an instance takes at most, e.g. ``surface.most_within(1.0, 0.05)`` [1/s].
    priority : int
        Services of a lower number take accelerators first; equals in the order given.
    headroom : float
        What is kept ready above the demand last observed, as a share of it.
    spares : int
        Instances kept ready beyond that (N + k).
    least : int
        Instances that serve at any time.
    start_up_h : float
        From the decision until an instance serves: find accelerators, load, warm up [h].
    hold_h : float
        For how long an instance is kept after it was last needed [h].
    """

    name: str
    surface: Surface
    rate_per_s: float
    priority: int = 0
    headroom: float = 0.0
    spares: int = 0
    least: int = 0
    start_up_h: float = 0.0
    hold_h: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot serve."""
        if not 0 < self.rate_per_s <= self.surface.most_per_s * (1 + 1e-12):
            message = (
                f"{self.name}: rate_per_s must be above 0 and at most "
                f"{self.surface.most_per_s:g}, the most of an instance. Got {self.rate_per_s!r} "
                "instead; 0 means that not even a lone request keeps the limits."
            )
            raise InputError(message)
        for name in ("headroom", "spares", "least", "start_up_h", "hold_h"):
            if not 0 <= getattr(self, name) < np.inf:
                message = f"{self.name}: {name} must be a finite number >= 0"
                raise InputError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Accelerators that all services share.

    Parameters
    ----------
    accelerators : float or ndarray (steps,)
        How many there are.
    idle_w : float
        What one of them draws with nothing to do, all that serves it included [W].
    outages : Outages
        How nodes fail.
    maintenance_share : float
        Share of those in order that planned maintenance takes out.
    """

    accelerators: Any
    idle_w: float
    outages: Outages = NO_OUTAGES
    maintenance_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no pool."""
        if not (np.all(np.asarray(self.accelerators) >= 0) and 0 <= self.maintenance_share <= 1):
            message = "accelerators must be >= 0 and maintenance_share in [0, 1]"
            raise InputError(message)


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Instances of one service, before they are ready: needed for the load, wanted, and there."""

    needed: Floats
    wanted: Floats
    there: Floats


def simulate_fleet(
    services: Sequence[Service],
    asked_per_s: ArrayLike,
    pool: Pool,
    *,
    step_h: float = 1.0,
    failed: ArrayLike | None = None,
    observed_steps: int = 1,
) -> FleetRun:
    """Return what the fleet serves, holds and draws in each step.

    Before the first step the demand is taken to have been that of the first.

    Parameters
    ----------
    services : sequence of Service
        What is served.
    asked_per_s : array_like (services, steps)
        Requests asked [1/s], e.g. of `demand_per_s`.
    pool : Pool
        Accelerators.
    step_h : float
        Length of a step [h].
    failed : array_like (steps,), optional
        Accelerators out of order, e.g. of `drawn_failed` or `failed_quantile`; the mean if not
        given.
    observed_steps : int
        Steps until demand is known to the scaler; 0 for perfect foresight of its mean.

    Raises
    ------
    InputError
        If the demand is negative or its shape is not that of the services.
    """
    asked = np.asarray(asked_per_s, float)
    if asked.ndim != 2 or len(asked) != len(services) or not len(services):
        message = (
            f"asked_per_s must have a row for each of {len(services)} services, at least one. "
            f"Got the shape {asked.shape}."
        )
        raise InputError(message)
    if not (np.isfinite(asked) & (asked >= 0)).all() or observed_steps < 0 or not step_h > 0:
        message = "asked_per_s must be finite and >= 0, observed_steps >= 0 and step_h above 0"
        raise InputError(message)
    total = np.broadcast_to(np.asarray(pool.accelerators, float), asked.shape[1:])
    out = expected_failed(total, pool.outages) if failed is None else np.asarray(failed, float)
    out = np.clip(np.broadcast_to(out, total.shape), 0.0, total)
    maintained = pool.maintenance_share * (total - out)
    seen = _earlier(asked, observed_steps)
    scaled, idle = _share_out(services, seen, total - out - maintained, step_h)
    each = [
        _serve(s, pool.outages, rate, held, step_h)
        for s, rate, held in zip(services, asked, scaled, strict=True)
    ]
    columns = {name: np.stack([row[name] for row in each]) for name in each[0]}
    return FleetRun(
        names=tuple(s.name for s in services),
        step_h=step_h,
        instance_accelerators=np.array([s.surface.accelerators for s in services]),
        input_tokens=np.array([s.surface.input_tokens for s in services]),
        output_tokens=np.array([s.surface.output_tokens for s in services]),
        asked=asked * (_SECONDS * step_h),
        failed=out,
        maintained=maintained,
        idle=idle,
        idle_power_w=idle * pool.idle_w,
        **columns,
    )


def _earlier(values: Floats, steps: int) -> Floats:
    """Return values of so many steps before; the first stands for all before it."""
    if not steps:
        return values
    lead = np.repeat(values[..., :1], steps, axis=-1)
    return np.concatenate([lead, values], axis=-1)[..., : values.shape[-1]]


def _windows(values: Floats, back: int) -> Floats:
    """Return, for each step, the values of it and of `back` steps before, on a new last axis."""
    lead = np.repeat(values[..., :1], back, axis=-1)
    padded = np.concatenate([lead, values], axis=-1)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, back + 1, axis=-1))


def _share_out(
    services: Sequence[Service], seen_per_s: Floats, available: Floats, step_h: float
) -> tuple[list[_Scaled], Floats]:
    """Return the instances of each service and the accelerators left, priority by priority."""
    free = available
    found: dict[int, _Scaled] = {}
    for i in sorted(range(len(services)), key=lambda i: services[i].priority):
        s = services[i]
        # A hair less, so that rounding never asks for an instance more.
        load = np.ceil(seen_per_s[i] * (1.0 + s.headroom) / s.rate_per_s - 1e-9)
        needed = np.maximum(load, s.least)
        needed = _windows(needed, int(np.ceil(s.hold_h / step_h - 1e-9))).max(axis=-1)
        wanted = needed + s.spares
        fitting = np.floor(np.maximum(free, 0.0) / s.surface.accelerators)
        there = np.minimum(wanted, fitting)
        found[i] = _Scaled(needed, wanted, there)
        free = free - there * s.surface.accelerators
    return [found[i] for i in range(len(services))], np.maximum(free, 0.0)


def _serve(
    service: Service, outages: Outages, asked_per_s: Floats, held: _Scaled, step_h: float
) -> dict[str, Floats]:
    """Return what one service does: instances by state, requests, latency and power."""
    part, ready = _ready(held.there, service.start_up_h / step_h)
    # All that is ready takes part where the load of the step needs more than was foreseen.
    load = np.ceil(asked_per_s / service.rate_per_s - 1e-9)
    busy = np.minimum(np.maximum(held.needed, load), ready)
    again = _restarting_share(service, outages)
    serving = busy - _missing(ready, ready - busy, again)
    restarting = ready * again
    rate = np.minimum(asked_per_s, serving * service.rate_per_s)
    each = np.divide(rate, serving, out=np.zeros_like(rate), where=serving > 0)
    at = service.surface.at(each)
    served = (part * rate).sum(axis=0)
    starting = held.there - (part * (ready - restarting)).sum(axis=0)
    spare = (part * (ready - restarting - serving)).sum(axis=0)
    power = (part * serving * at.it_power_w).sum(axis=0)

    def mean(latency_s: Floats) -> Floats:
        told = (part * rate * latency_s).sum(axis=0)
        nothing = np.full_like(served, np.nan)
        return np.asarray(np.divide(told, served, out=nothing, where=served > 0))

    return {
        "served": served * (_SECONDS * step_h),
        "wanted": held.wanted,
        "there": held.there,
        "serving": (part * serving).sum(axis=0),
        "starting": starting,
        "spare": spare,
        "ttft_s": mean(at.ttft_s),
        "tpot_s": mean(at.tpot_s),
        "service_power_w": power + (starting + spare) * service.surface.idle_w,
    }


def _ready(there: Floats, start_up_steps: float) -> tuple[Floats, Floats]:
    """Return shares of a step, and the instances ready in them, on a new first axis.

    Those that were there through the whole start-up are ready, so what counts is the least of the
    steps back to its begin. Where start-up ends within a step, that step has two parts.
    """
    whole = int(start_up_steps + 1e-9)
    rest = max(start_up_steps - whole, 0.0)
    part = np.array([[rest], [1.0 - rest]])
    windows = _windows(there, whole + 1)
    return part, np.stack([windows.min(axis=-1), windows[..., 1:].min(axis=-1)])


def _restarting_share(service: Service, outages: Outages) -> float:
    """Return the share of the ready instances that start anew after the failure of a node."""
    nodes = np.ceil(service.surface.accelerators / outages.node_accelerators)
    load = nodes * outages.failures_per_h * service.start_up_h
    return float(load / (1.0 + load))


def _missing(ready: Floats, spares: Floats, share: float) -> Floats:
    r"""Return the instances that spares do not make up for, in the mean.

    .. math:: E[(X - k)^+] = m x\,P(B_{m-1, x} \ge k) - k\,P(B_{m, x} \ge k + 1)
    """
    if share == 0.0:
        return 0.0 * ready
    from scipy.special import bdtrc  # type: ignore[import-untyped]  # noqa: PLC0415  slow to load

    # With as many spares as instances nothing can be missing, and the function is undefined.
    some = spares < ready
    m = np.where(some, ready, 1.0).astype(np.int64)
    k = np.where(some, spares, 0.0)
    reached = np.where(k > 0, bdtrc(np.maximum(k - 1.0, 0.0), np.maximum(m - 1, 1), share), 1.0)
    lost = m * share * reached - k * bdtrc(k, m, share)
    most = np.minimum(ready - spares, ready * share)
    return np.asarray(np.where(some, np.clip(lost, 0.0, most), 0.0))
