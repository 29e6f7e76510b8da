"""One hour of a campus: shares, speed and power that agree with one another.

Where the site cannot feed what the programme wants, what can wait goes first: research on
accelerators that nobody else needs. Only then do all jobs slow down together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.site.it_power import ACTIVITIES, it_power_mw

if TYPE_CHECKING:
    from gigawatt.spec import Campus
    from gigawatt.twin.speeds import Speeds

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Hour", "Limits", "solve_hours"]

_BISECTIONS = 40


@dataclass(frozen=True)
class Limits:
    """What the site allows in each hour.

    Parameters
    ----------
    installed, rated_mw : ndarray (hours,)
        Accelerators present and their all-in rated IT power.
    allowed_mw : ndarray (hours,)
        Most IT power that the site can feed and cool.
    drawn : dict of str to float
        Share of the rating drawn in each activity.
    """

    installed: Hours
    rated_mw: Hours
    allowed_mw: Hours
    drawn: dict[str, float]


@dataclass(frozen=True)
class Hour:
    """Hours solved together.

    Parameters
    ----------
    shares, it_mw : dict of str to ndarray (hours,)
        Share of the accelerators and IT power, by activity.
    wanted_mw : ndarray (hours,)
        IT power at full speed with nothing shed.
    speed : ndarray (hours,)
        Share of full speed of training and hosting.
    service_shares, requests, unserved : list of ndarray (hours,)
        Of each service; requests an hour.
    """

    shares: dict[str, Hours]
    it_mw: dict[str, Hours]
    wanted_mw: Hours
    speed: Hours
    service_shares: list[Hours]
    requests: list[Hours]
    unserved: list[Hours]


@dataclass(frozen=True)
class _Ask:
    """What the programme asks for in each hour, before power is looked at."""

    training: Hours
    research: float
    data_processing: float
    fills: bool
    needed: list[Hours | None]
    most: list[Hours]


def solve_hours(
    campus: Campus, part: slice, run_shares: dict[str, Hours], speeds: Speeds, limits: Limits
) -> Hour:
    """Return the hours of `part` for a given set of running jobs.

    Parameters
    ----------
    campus : Campus
        The campus.
    part : slice
        Hours to solve.
    run_shares : dict of str to ndarray (hours,)
        Share of the accelerators of each running training run.
    speeds : Speeds
        Rates of the whole campus.
    limits : Limits
        What the site allows.
    """
    rated, allowed, use = limits.rated_mw[part], limits.allowed_mw[part], limits.drawn
    ask = _ask(campus, part, run_shares, speeds, rated.size)
    speed: Hours = np.ones(rated.shape)
    shares, service_shares = _shares(ask, speed)
    wanted = _power(rated, shares, speed, use)
    shares = _shed(ask, shares, rated, wanted, allowed, use)
    over = _power(rated, shares, speed, use) > allowed * (1 + 1e-12)
    if over.any():
        speed[over] = _slow(_only(ask, over), rated[over], allowed[over], use)
        slowed, slowed_services = _shares(ask, speed)
        none_left = _shed(ask, slowed, rated, np.full_like(rated, np.inf), 0.0 * rated, use)
        shares = {a: np.where(over, none_left[a], shares[a]) for a in ACTIVITIES}
        service_shares = [
            np.where(over, new, old)
            for new, old in zip(slowed_services, service_shares, strict=True)
        ]
    drawn = _by_activity(rated, shares, speed, use)
    total: Hours = np.sum(list(drawn.values()), axis=0)
    # Below the idle floor accelerators are switched off: power falls with them, speed is nil.
    kept = np.divide(allowed, total, out=np.ones_like(total), where=total > allowed)
    work = [_work(campus, i, part, share, speed, speeds) for i, share in enumerate(service_shares)]
    return Hour(
        shares,
        {activity: power * kept for activity, power in drawn.items()},
        wanted,
        speed,
        service_shares,
        [requests for requests, _ in work],
        [unserved for _, unserved in work],
    )


def _ask(
    campus: Campus, part: slice, run_shares: dict[str, Hours], speeds: Speeds, hours: int
) -> _Ask:
    programme = campus.programme
    needed: list[Hours | None] = []
    most: list[Hours] = []
    for service in programme.services:
        job = speeds.services[service.name]
        rate, wanted = job.rate[part], job.demand
        most.append(np.where(job.fits[part] & (rate > 0), service.share, 0.0))
        needed.append(
            None
            if wanted is None
            else np.divide(wanted[part], rate, out=np.zeros_like(rate), where=rate > 0)
        )
    return _Ask(
        sum(run_shares.values(), np.zeros(hours)),
        programme.research.share if programme.research else 0.0,
        programme.data_processing.share if programme.data_processing else 0.0,
        bool(programme.research and programme.research.takes_idle),
        needed,
        most,
    )


def _only(ask: _Ask, hours: np.ndarray[Any, np.dtype[np.bool_]]) -> _Ask:
    """Return what is asked for in some of the hours."""
    return replace(
        ask,
        training=ask.training[hours],
        needed=[None if n is None else n[hours] for n in ask.needed],
        most=[m[hours] for m in ask.most],
    )


def _shares(ask: _Ask, speed: Hours) -> tuple[dict[str, Hours], list[Hours]]:
    """Return the shares at a given speed: a slower service needs more accelerators."""
    services = []
    for needed, most in zip(ask.needed, ask.most, strict=True):
        if needed is None:
            services.append(most)
        else:
            wanted = np.divide(needed, speed, out=np.full_like(needed, np.inf), where=speed > 0)
            services.append(np.minimum(np.where(needed > 0, wanted, 0.0), most))
    zero = 0.0 * speed
    shares = {
        "training": ask.training,
        "hosting": sum(services, zero),
        "research": zero + ask.research,
        "data_processing": zero + ask.data_processing,
    }
    left = np.maximum(1.0 - np.sum(list(shares.values()), axis=0), 0.0)
    if ask.fills:
        shares["research"] = shares["research"] + left
        left = zero
    shares["idle"] = left
    return shares, services


def _shed(
    ask: _Ask,
    shares: dict[str, Hours],
    rated: Hours,
    power: Hours,
    allowed: Hours,
    use: dict[str, float],
) -> dict[str, Hours]:
    """Return the shares with as much idle-time research stopped as the limit asks for."""
    filler = np.maximum(shares["research"] - ask.research, 0.0)
    each = rated * (use["research"] - use["idle"])
    if not ask.fills or use["research"] <= use["idle"]:
        return shares
    over = np.maximum(power - allowed, 0.0)
    stopped = np.minimum(np.divide(over, each, out=np.zeros_like(over), where=each > 0), filler)
    return {
        **shares,
        "research": shares["research"] - stopped,
        "idle": shares["idle"] + stopped,
    }


def _slow(ask: _Ask, rated: Hours, allowed: Hours, use: dict[str, float]) -> Hours:
    """Return the highest common speed at which the power fits, with the filler stopped."""
    low, high = np.zeros_like(rated), np.ones_like(rated)
    endless, nothing = np.full_like(rated, np.inf), 0.0 * rated
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        shares = _shed(ask, _shares(ask, middle)[0], rated, endless, nothing, use)
        fits = _power(rated, shares, middle, use) <= allowed
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return low


def _by_activity(
    rated: Hours, shares: dict[str, Hours], speed: Hours, use: dict[str, float]
) -> dict[str, Hours]:
    """Return the power of each activity: idle power, and the rest in proportion to the speed."""
    idle = it_power_mw(rated, shares, dict.fromkeys(shares, use["idle"]))
    full = it_power_mw(rated, shares, use)
    return {a: idle[a] + speed * (full[a] - idle[a]) for a in shares}


def _power(rated: Hours, shares: dict[str, Hours], speed: Hours, use: dict[str, float]) -> Hours:
    total: Hours = np.sum(list(_by_activity(rated, shares, speed, use).values()), axis=0)
    return total


def _work(
    campus: Campus, index: int, part: slice, share: Hours, speed: Hours, speeds: Speeds
) -> tuple[Hours, Hours]:
    """Return the requests served and not served in each hour."""
    job = speeds.services[campus.programme.services[index].name]
    can = share * job.rate[part] * speed
    wanted = job.demand
    if wanted is None:
        return can, 0.0 * can
    served = np.minimum(can, wanted[part])
    missed = wanted[part] - served
    # What binary fractions leave is no request.
    return served, np.where(missed > 1e-9 * wanted[part], missed, 0.0)
