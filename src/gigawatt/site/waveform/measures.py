r"""What grid operators ask of a waveform: ramps, range, spectrum.

The spectrum is that of the fluctuation, the waveform less its mean. With Hann's window w the
coefficient X(f) gives the amplitude of a sine as 2 |X| / sum(w), and the energy in a band is the
sum of |X|^2 over its frequencies, since by Parseval's theorem the sum over all is the energy of the
windowed fluctuation [1]_.

References
----------
.. [1] G. Heinzel, A. Ruediger, R. Schilling, "Spectrum and spectral density estimation by the
   discrete Fourier transform", Max-Planck-Institut fuer Gravitationsphysik, 2002, sections 8, 9.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from gigawatt.site.waveform.render import Waveform

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = [
    "Peak",
    "Ramps",
    "Spectrum",
    "dynamic_range_mw",
    "filtered",
    "metered",
    "ramps",
    "spectrum",
]


@dataclass(frozen=True, slots=True)
class Ramps:
    """The steepest rise and fall of a waveform.

    Parameters
    ----------
    up_mw_per_s, down_mw_per_s : float
        Both positive [MW/s].
    up_at_s, down_at_s : float
        Where each begins [s].
    """

    up_mw_per_s: float
    down_mw_per_s: float
    up_at_s: float
    down_at_s: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The strongest frequency of a band: amplitude [MW] and frequency [Hz]."""

    amplitude_mw: float
    frequency_hz: float


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Amplitudes of the fluctuation by frequency.

    Parameters
    ----------
    frequency_hz : ndarray (frequencies,)
        From above 0 to half the sampling rate [Hz].
    amplitude_mw : ndarray (frequencies,)
        Amplitude of a sine of that frequency [MW].
    """

    frequency_hz: Array
    amplitude_mw: Array

    def band_energy_share(self, low_hz: float, high_hz: float) -> float:
        """Return the share of the energy of the fluctuation that lies in a band; 0 of none.

        Raises
        ------
        NotModelledError
            If the band reaches beyond half the sampling rate, or below what the length resolves.
        """
        inside = self._band(low_hz, high_hz)
        energy = self.amplitude_mw**2
        total = float(energy.sum())
        return float(energy[inside].sum()) / total if total > 0.0 else 0.0

    def band_peak(self, low_hz: float, high_hz: float) -> Peak:
        """Return the strongest frequency of a band."""
        inside = self._band(low_hz, high_hz)
        at = int(np.argmax(np.where(inside, self.amplitude_mw, -1.0)))
        return Peak(float(self.amplitude_mw[at]), float(self.frequency_hz[at]))

    def _band(self, low_hz: float, high_hz: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
        least, most = self.frequency_hz[0], self.frequency_hz[-1]
        if not 2.0 * least <= low_hz < high_hz <= most:
            message = (
                f"a band of {low_hz} to {high_hz} Hz cannot be told from this waveform, which "
                f"resolves {2.0 * least:.3g} to {most:.3g} Hz: take it longer or sample it faster"
            )
            raise NotModelledError(message)
        inside: np.ndarray[Any, np.dtype[np.bool_]] = (self.frequency_hz >= low_hz) & (
            self.frequency_hz <= high_hz
        )
        return inside


def ramps(waveform: Waveform, window_s: float = 1.0) -> Ramps:
    r"""Return the steepest rise and fall over a window.

    .. math:: r = \max_t \frac{\bar P(t + w) - \bar P(t)}{w}

    between means over a sixtieth of the window: a second where ramps are counted by the minute, a
    cycle of the mains where they are counted by the second. A spike of milliseconds is no ramp.

    Parameters
    ----------
    waveform : Waveform
        Power.
    window_s : float
        Window w [s], rounded to whole samples.

    Raises
    ------
    InputError
        If the window is shorter than a sample or not shorter than the waveform.
    """
    count = _samples(waveform, window_s)
    power = _means(waveform.power_mw, count // 60)
    rise = power[count:] - power[:-count]
    up, down = int(np.argmax(rise)), int(np.argmin(rise))
    width = count * waveform.dt_s
    return Ramps(
        max(float(rise[up]), 0.0) / width,
        max(-float(rise[down]), 0.0) / width,
        up * waveform.dt_s,
        down * waveform.dt_s,
    )


def dynamic_range_mw(waveform: Waveform, window_s: float | None = None) -> float:
    """Return the greatest difference of power within a window, or of the whole waveform [MW].

    Parameters
    ----------
    waveform : Waveform
        Power.
    window_s : float, optional
        Window [s].
    """
    if window_s is None or window_s >= waveform.duration_s:
        return float(np.ptp(waveform.power_mw))
    window = _samples(waveform, window_s) + 1
    from gigawatt.site.waveform import kernels  # noqa: PLC0415  Numba is slow to import

    room = np.empty(window + 1), np.empty(window + 1)
    return float(kernels.sliding_range(waveform.power_mw, window, *room)[0])


def spectrum(waveform: Waveform) -> Spectrum:
    """Return the amplitudes of a waveform's fluctuation by frequency.

    Parameters
    ----------
    waveform : Waveform
        Power; its mean is taken off, and its ends are faded with Hann's window.
    """
    size = waveform.power_mw.size
    window = np.hanning(size + 1)[:-1]  # periodic, as the transform is
    # Taken off with the window's weight, so that nothing is left at frequency 0.
    mean = float(waveform.power_mw @ window) / window.sum()
    transform = np.fft.rfft((waveform.power_mw - mean) * window)
    amplitude = 2.0 * np.abs(transform) / window.sum()
    # What rounding leaves of a flat load is no fluctuation.
    amplitude[amplitude < 1e-10 * np.abs(waveform.power_mw).max()] = 0.0
    frequency = np.fft.rfftfreq(size, waveform.dt_s)
    return Spectrum(frequency[1:].astype(np.float64), amplitude[1:])


def filtered(waveform: Waveform, low_hz: float, high_hz: float) -> Waveform:
    """Return what of a waveform lies in a band, with every other frequency taken away.

    One period of the lowest frequency is cut off at both ends: what lies beyond them is not known,
    and the mirror image that stands for it would show there.

    Parameters
    ----------
    waveform : Waveform
        Power, at least four periods of the lowest frequency long.
    low_hz, high_hz : float
        Band [Hz].

    Raises
    ------
    NotModelledError
        If the waveform is too short or too coarse for the band.
    """
    spectrum(waveform).band_peak(low_hz, high_hz)  # refuses what cannot be told apart
    ends = round(1.0 / (low_hz * waveform.dt_s))
    if 4 * ends > waveform.power_mw.size:
        message = f"a filter from {low_hz} Hz needs {4.0 / low_hz:.0f} s or more of the waveform"
        raise NotModelledError(message)
    mirrored = np.concatenate([waveform.power_mw, waveform.power_mw[::-1]])
    transform = np.fft.rfft(mirrored)
    frequency = np.fft.rfftfreq(mirrored.size, waveform.dt_s)
    transform[(frequency < low_hz) | (frequency > high_hz)] = 0.0
    kept: Array = np.fft.irfft(transform, mirrored.size)[ends : waveform.power_mw.size - ends]
    return replace(waveform, power_mw=kept)


def metered(waveform: Waveform, interval_s: float, meters: int, seed: int = 0) -> Array:
    """Return what a sum of meters shows that report means, but not at the same instants.

    Each meter, on an equal part of the load, reports the mean since its last report; the sum at an
    instant takes the newest report of each. So a short dip comes out up to twice as wide and less
    deep than in means over the same interval.

    Parameters
    ----------
    waveform : Waveform
        Power of all.
    interval_s : float
        Between the reports of a meter [s].
    meters : int
        How many.
    seed : int
        Of the instants of their first reports.

    Returns
    -------
    ndarray (readings,)
        Power at every multiple of the interval, from twice the interval on [MW].
    """
    width = _samples(waveform, interval_s)
    total = np.concatenate([[0.0], np.cumsum(waveform.power_mw)])
    phases = np.random.default_rng(seed).integers(0, width, meters)
    ends = np.arange(2 * width, waveform.power_mw.size + 1, width)[:, None] - phases
    means: Array = (total[ends] - total[ends - width]) / width
    result: Array = means.mean(axis=1)
    return result


def _means(power: Array, count: int) -> Array:
    """Return the mean of every run of `count` samples."""
    if count < 2:
        return power
    total = np.concatenate([[0.0], np.cumsum(power)])
    means: Array = (total[count:] - total[:-count]) / count
    return means


def _samples(waveform: Waveform, window_s: float) -> int:
    count = round(window_s / waveform.dt_s)
    if count < 1 or count + count // 60 >= waveform.power_mw.size:
        message = (
            f"a window of {window_s} s does not fit a waveform of {waveform.duration_s} s in "
            f"samples of {waveform.dt_s} s"
        )
        raise InputError(message)
    return count
