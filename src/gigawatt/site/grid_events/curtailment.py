"""The grid asks for less, with notice: which loads fall, how fast, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Call", "Curtailment", "Flexible", "curtail"]


@dataclass(frozen=True, slots=True)
class Call:
    """What the grid asks for.

    Parameters
    ----------
    at_s, notice_s : float
        When it calls, and how long until the campus must be at its limit [s].
    limit_mw : float
        The most that the campus may draw from then on [MW].
    duration_s : float
        How long [s].
    """

    at_s: float
    notice_s: float
    limit_mw: float
    duration_s: float

    def __post_init__(self) -> None:
        if min(self.notice_s, self.limit_mw, self.duration_s) < 0.0:
            message = f"a call has notice, limit and duration from 0 on; got {self}"
            raise InputError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flexible:
    """Load that can give way.

    Parameters
    ----------
    name : str
        What to call it.
    load_mw, least_mw : float
        Its power, and what it keeps at the least [MW].
    fall_mw_per_s, rise_mw_per_s : float
        How fast it can fall and come back: power caps act within seconds, jobs that must write a
        checkpoint first do not [MW/s].
    delay_s : float
        From the call until it begins to fall: writing a checkpoint, moving requests away [s].
    order : int
        0 falls first and comes back last.
    """

    name: str
    load_mw: float
    least_mw: float
    fall_mw_per_s: float
    rise_mw_per_s: float
    delay_s: float = 0.0
    order: int = 0

    def __post_init__(self) -> None:
        if (
            not 0.0 <= self.least_mw <= self.load_mw
            or min(self.fall_mw_per_s, self.rise_mw_per_s) <= 0.0
            or self.delay_s < 0.0
        ):
            message = (
                f"load '{self.name}': 0 <= least <= load, ramps above 0 and a delay from 0 on; "
                f"got {self}"
            )
            raise InputError(message)


@dataclass(frozen=True, slots=True)
class Curtailment:
    """How the campus answers a call.

    Parameters
    ----------
    time_s : ndarray (times,)
        Instants [s].
    power_mw : ndarray (times, loads)
        Power of each load [MW].
    limit_mw : ndarray (times,)
        What the grid allows; infinite outside the call [MW].
    curtailed_mwh : ndarray (loads,)
        Energy that each gave up.
    met_at_s : float
        When the campus came under the limit for good; infinite if never.
    excess_mwh : float
        Energy drawn above the limit.
    """

    time_s: Array
    power_mw: Array
    limit_mw: Array
    curtailed_mwh: Array
    met_at_s: float
    excess_mwh: float

    @property
    def kept(self) -> bool:
        """Whether the limit was kept from the end of the notice on."""
        return self.excess_mwh == 0.0


def curtail(
    call: Call, loads: Sequence[Flexible], *, until_s: float, step_s: float = 1.0
) -> Curtailment:
    """Return how loads fall on call and come back.

    Loads fall in order, each as far as it must, as late as their delays and ramps allow to be at
    the limit when the notice ends: power is not given up earlier than needed. If all together are
    too slow, they fall as soon as they can. They come back from the end of the call on.

    Parameters
    ----------
    call : Call
        What is asked.
    loads : sequence of Flexible
        Loads of the campus, those that never fall included.
    until_s, step_s : float
        End and resolution of the answer [s].

    Raises
    ------
    InputError
        If the times are not positive.
    """
    if step_s <= 0.0 or until_s < step_s:
        message = f"an answer has a length and a step; got {until_s} s in steps of {step_s} s"
        raise InputError(message)
    time = np.arange(round(until_s / step_s), dtype=np.float64) * step_s
    power = np.empty((time.size, len(loads)))
    need = max(sum(load.load_mw for load in loads) - call.limit_mw, 0.0)
    due, over = call.at_s + call.notice_s, call.at_s + call.notice_s + call.duration_s
    places = sorted(range(len(loads)), key=lambda i: (loads[i].order, i))
    for i in places:
        load = loads[i]
        cut = min(need, load.load_mw - load.least_mw)
        need -= cut
        begin = max(call.at_s + load.delay_s, due - cut / load.fall_mw_per_s)
        falling = np.clip((time - begin) * load.fall_mw_per_s, 0.0, cut)
        rising = np.clip((time - over) * load.rise_mw_per_s, 0.0, cut)
        power[:, i] = load.load_mw - np.maximum(falling - rising, 0.0)
    limit = np.where((time >= due) & (time < over), call.limit_mw, np.inf)
    excess = np.maximum(power.sum(axis=1) - limit, 0.0)
    excess[excess < 1e-9 * max(call.limit_mw, 1.0)] = 0.0
    full = np.array([load.load_mw for load in loads])
    broken = np.flatnonzero(excess)
    met = due if not broken.size else float(time[broken[-1]]) + step_s
    if need > 0.0 and call.duration_s > 0.0:
        met = float("inf")
    return Curtailment(
        time,
        power,
        limit,
        (full - power).sum(axis=0) * step_s / 3600.0,
        met,
        float(excess.sum()) * step_s / 3600.0,
    )
