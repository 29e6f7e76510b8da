r"""From pieces of constant power to a waveform of even samples.

Every piece is two edges. An edge of dP at time t, a share f into sample k, changes the mean of that
sample by (1 - f) dP and of all later ones by dP, so the edges are added up once into a table of
differences and summed along it: no loop over samples and jobs, and energy is exact whatever the
sampling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError
from gigawatt.site.electrical import electrical_losses
from gigawatt.site.waveform.job import Job, job_segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.site.electrical import Chain
    from gigawatt.site.waveform.step import Segments

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Waveform", "at_grid", "rendered", "training_waveform"]


@dataclass(frozen=True, slots=True)
class Waveform:
    """Power over time in even samples.

    Parameters
    ----------
    power_mw : ndarray (samples,)
        Mean power of each sample [MW].
    dt_s : float
        Length of a sample [s].
    """

    power_mw: Array
    dt_s: float

    @property
    def time_s(self) -> Array:
        """Middle of each sample [s]."""
        middles: Array = (np.arange(self.power_mw.size, dtype=np.float64) + 0.5) * self.dt_s
        return middles

    @property
    def duration_s(self) -> float:
        """Length of the waveform [s]."""
        return self.power_mw.size * self.dt_s

    @property
    def energy_mwh(self) -> float:
        """Energy [MWh]."""
        return float(self.power_mw.sum()) * self.dt_s / 3600.0

    def resampled(self, interval_s: float) -> Waveform:
        """Return means over longer intervals, whole numbers of samples; a rest at the end is lost.

        Raises
        ------
        InputError
            If the interval is no multiple of the samples.
        """
        count = round(interval_s / self.dt_s)
        if count < 1 or abs(count * self.dt_s - interval_s) > 1e-9 * interval_s:
            message = f"{interval_s} s is no multiple of samples of {self.dt_s} s"
            raise InputError(message)
        whole = self.power_mw.size // count * count
        return Waveform(self.power_mw[:whole].reshape(-1, count).mean(axis=1), interval_s)


def training_waveform(
    jobs: Sequence[Job],
    duration_s: float,
    *,
    rate_hz: float = 1000.0,
    base_mw: float = 0.0,
    time_constant_s: float | None = None,
    synchronous: bool = True,
    seed: int = 0,
) -> Waveform:
    """Return the power of training jobs, sample by sample.

    Parameters
    ----------
    jobs : sequence of Job
        They share nothing but the meter.
    duration_s : float
        Length of the waveform [s].
    rate_hz : float
        Samples a second.
    base_mw : float
        Power of everything else, constant [MW].
    time_constant_s : float, optional
        First-order lag of the input of the power supplies behind what they deliver [s]; by default
        the time for which the capacitors of one carry full load (20 ms): what they hold smooths no
        longer than it lasts.
    synchronous : bool
        Whether jobs keep their own `start_s`. If not, each is shifted by a random part of its step.
    seed : int
        Of the shifts and of the scatter of step times.

    Returns
    -------
    Waveform
        [MW].

    Raises
    ------
    InputError
        If duration or rate are not positive.
    """
    if duration_s <= 0.0 or rate_hz <= 0.0 or duration_s * rate_hz < 1.0:
        message = f"a waveform needs a length and a rate; got {duration_s} s at {rate_hz} Hz"
        raise InputError(message)
    rng = np.random.default_rng(seed)
    shifted = [
        job if synchronous else replace(job, start_s=job.start_s - rng.random() * job.shape.total_s)
        for job in jobs
    ]
    idle_w = sum(job.levels.idle_w * job.accelerators for job in jobs)
    samples = round(duration_s * rate_hz)
    change = np.zeros(samples + 2)
    for job in shifted:
        _add(change, job_segments(job, duration_s, rng), rate_hz)
    power_w = np.cumsum(change[:samples]) + idle_w
    lag = _hold_up_s() if time_constant_s is None else time_constant_s
    if lag > 0.0:
        from gigawatt.site.waveform import kernels  # noqa: PLC0415  Numba is slow to import

        kernels.lag(power_w, 1.0 - math.exp(-1.0 / (rate_hz * lag)))
    return Waveform(power_w / 1e6 + base_mw, 1.0 / rate_hz)


def at_grid(
    waveform: Waveform, topology: Chain | str, rated_mw: float, auxiliary_mw: float = 0.0
) -> Waveform:
    """Return what the point of interconnection sees of a waveform of IT power.

    Parameters
    ----------
    waveform : Waveform
        IT power of the halls that share a chain.
    topology : Chain or str
        Conversions up to the grid (`gigawatt.site.electrical`).
    rated_mw : float
        IT power that the halls are built for [MW].
    auxiliary_mw : float
        Cooling plant and others, constant: they follow in minutes [MW].
    """
    losses = electrical_losses(
        topology,
        waveform.power_mw[:, None],
        rated_mw,
        auxiliary_mw,
        rated_auxiliary_mw=auxiliary_mw,
    )
    return Waveform(np.ascontiguousarray(losses.grid_mw[:, 0]), waveform.dt_s)


def rendered(segments: Segments, duration_s: float, rate_hz: float) -> Waveform:
    """Return the waveform of pieces of constant power [W]."""
    samples = round(duration_s * rate_hz)
    change = np.zeros(samples + 2)
    _add(change, segments, rate_hz)
    return Waveform(np.cumsum(change[:samples]) / 1e6, 1.0 / rate_hz)


def _add(change: Array, segments: Segments, rate_hz: float) -> None:
    """Add the edges of segments to a table of differences."""
    samples = change.size - 2
    for at_s, watts in ((segments.begin_s, segments.watts), (segments.end_s, -segments.watts)):
        place = np.clip(at_s * rate_hz, 0.0, samples)
        whole = place.astype(np.int64)
        part = place - whole
        change += np.bincount(whole, watts * (1.0 - part), change.size)
        change += np.bincount(whole + 1, watts * part, change.size)


def _hold_up_s() -> float:
    from gigawatt import catalog  # noqa: PLC0415

    return catalog.load().get("smoothing", "orv3-psu").number("hold_up_s")
