r"""Short-term flicker severity of the voltage that a varying load causes.

A load that varies by dP against a grid of short-circuit power S moves the voltage by

.. math:: d = \frac{\Delta P \cos\psi + \Delta Q \sin\psi}{S}

with psi the angle of the grid's impedance [2]_. The relative voltage change goes through blocks 2
to 5 of the flickermeter [1]_: the eye and lamp filter, squaring, a memory of 300 ms, and the
statistics of ten minutes:

.. math:: P_{st} = \sqrt{0.0314 P_{0.1} + 0.0525 P_{1s} + 0.0657 P_{3s} + 0.28 P_{10s}
                         + 0.08 P_{50s}}

The meter works on a carrier of 50 or 60 Hz; here its envelope is given, so the demodulator is left
out: squaring a carrier with a small modulation d gives 2 d plus twice the line frequency, which the
next filter removes.

References
----------
.. [1] IEC 61000-4-15:2010, blocks 2 to 5 and tables 1 to 5: coefficients of the filters, the
   reference of 8.8 Hz that gives 1, and rectangular changes that give Pst = 1.
.. [2] IEC/TR 61000-3-7:2008, annex A: voltage change of a fluctuating installation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["flicker_pst", "voltage_change"]


class _Lamp(NamedTuple):
    """Coefficients of the weighting filter, corner of the low-pass and the reference change."""

    gain: float
    damping_hz: float
    corners_hz: tuple[float, float, float, float]
    low_pass_hz: float
    reference_pp: float


# Table 1 and clause 5.6 (low-pass); tables 1a and 1b (sinusoidal 8.8 Hz, peak to peak over mean).
_LAMPS: Final = {
    (230, 50): _Lamp(1.74802, 4.05981, (9.15494, 2.27979, 1.22535, 21.9), 35.0, 0.0025),
    (120, 60): _Lamp(1.6357, 4.167375, (9.077169, 2.939902, 1.394468, 17.31512), 42.0, 0.00321),
}
_HIGH_PASS_HZ: Final = 0.05
_MEMORY_S: Final = 0.3
_SETTLE_S: Final = 30.0  # the high-pass forgets the start within three of its time constants
_LEAST_RATE_HZ: Final = 200.0

# Share of time for which the flicker level is exceeded, %, and its weight (clause 5.7.2). Smoothed
# ones are means of their neighbours.
_EXCEEDED: Final = (
    (0.0314, (0.1,)),
    (0.0525, (0.7, 1.0, 1.5)),
    (0.0657, (2.2, 3.0, 4.0)),
    (0.28, (6.0, 8.0, 10.0, 13.0, 17.0)),
    (0.08, (30.0, 50.0, 80.0)),
)


def voltage_change(
    power_mw: Array, short_circuit_mva: float, *, x_over_r: float, power_factor: float = 1.0
) -> Array:
    r"""Return the relative change of voltage that power causes.

    Parameters
    ----------
    power_mw : ndarray (samples,)
        Power at the point of interconnection [MW].
    short_circuit_mva : float
        Short-circuit power of the grid there [MVA].
    x_over_r : float
        Reactance of the grid over its resistance: about 10 and more at high voltage.
    power_factor : float
        Of the load, lagging; power supplies with correction are near 1.

    Returns
    -------
    ndarray (samples,)
        Voltage drop over the nominal voltage.

    Raises
    ------
    InputError
        If the grid has no short-circuit power or the power factor is not in (0, 1].
    """
    if short_circuit_mva <= 0.0 or x_over_r < 0.0 or not 0.0 < power_factor <= 1.0:
        message = (
            "flicker needs a short-circuit power above 0, X/R of at least 0 and a power factor in "
            f"(0, 1]; got {short_circuit_mva}, {x_over_r}, {power_factor}"
        )
        raise InputError(message)
    angle = math.atan(x_over_r)
    reactive = math.tan(math.acos(power_factor))
    change: Array = power_mw * (math.cos(angle) + reactive * math.sin(angle)) / short_circuit_mva
    return change


def flicker_pst(change: Array, rate_hz: float, *, lamp_v: int = 120, line_hz: int = 60) -> float:
    """Return the short-term flicker severity of relative voltage changes.

    Parameters
    ----------
    change : ndarray (samples,)
        Voltage over its nominal (any constant may be left out), ten minutes or more; longer ones
        are judged by their worst ten minutes.
    rate_hz : float
        Samples a second, at least 200.
    lamp_v, line_hz : int
        The lamp that the meter mimics: 120 V and 60 Hz, or 230 V and 50 Hz.

    Returns
    -------
    float
        Pst; 1 annoys half of all people.

    Raises
    ------
    NotModelledError
        If the waveform is shorter than the ten minutes that the standard asks for, or sampled too
        slowly.

    Examples
    --------
    Seven rectangular changes a minute of 1.695 % are the limit for a 120 V lamp:

    >>> t = np.arange(0, 660, 0.005)
    >>> change = 0.01695 * (np.floor(t / (60 / 7)) % 2)
    >>> round(flicker_pst(change, 200.0), 1)
    1.0
    """
    lamp = _LAMPS.get((lamp_v, line_hz))
    if lamp is None:
        message = f"no lamp of {lamp_v} V at {line_hz} Hz; known: {sorted(_LAMPS)}"
        raise NotModelledError(message)
    samples = round(600.0 * rate_hz)
    if rate_hz < _LEAST_RATE_HZ or change.size < samples:
        message = (
            f"Pst needs ten minutes at {_LEAST_RATE_HZ:.0f} Hz or more; got "
            f"{change.size / rate_hz:.0f} s at {rate_hz:.0f} Hz"
        )
        raise NotModelledError(message)
    level = _level(change, rate_hz, lamp)
    starts = range(0, max(level.size - samples, 0) + 1, samples)
    return max(_severity(level[start : start + samples]) for start in starts)


def _level(change: Array, rate_hz: float, lamp: _Lamp) -> Array:
    """Return the instantaneous flicker level of every sample (output of block 4)."""
    from scipy import signal  # type: ignore[import-untyped]  # noqa: PLC0415  slow to load

    # The start is continued backwards, mirrored, so that the filters have settled when it begins.
    before = change[1 : 1 + min(round(_SETTLE_S * rate_hz), change.size - 1)][::-1]
    seen = np.concatenate([before, change]) - change.mean()
    high = signal.butter(1, _HIGH_PASS_HZ, "highpass", fs=rate_hz, output="sos")
    filters = [high]
    if lamp.low_pass_hz < 0.45 * rate_hz:
        filters.append(signal.butter(6, lamp.low_pass_hz, "lowpass", fs=rate_hz, output="sos"))
    for one in filters:
        seen = signal.sosfilt(one, seen)
    seen = signal.lfilter(*_weighting(lamp, rate_hz), seen)
    share = 1.0 - math.exp(-1.0 / (_MEMORY_S * rate_hz))
    level = signal.lfilter([share], [1.0, share - 1.0], seen**2) / _reference(lamp)
    result: Array = level[before.size :]
    return result


def _weighting(lamp: _Lamp, rate_hz: float) -> tuple[Array, Array]:
    """Return the digital eye and lamp filter."""
    from scipy import signal  # noqa: PLC0415  slow to import

    numerator, denominator = _analogue(lamp)
    found: tuple[Array, Array] = signal.bilinear(numerator, denominator, rate_hz)
    return found


def _analogue(lamp: _Lamp) -> tuple[Any, Any]:
    damping = 2.0 * math.pi * lamp.damping_hz
    w1, w2, w3, w4 = (2.0 * math.pi * f for f in lamp.corners_hz)
    numerator = lamp.gain * w1 * np.polymul([1.0, 0.0], [1.0 / w2, 1.0])
    lowered = np.polymul([1.0 / w3, 1.0], [1.0 / w4, 1.0])
    denominator = np.polymul([1.0, 2.0 * damping, w1**2], lowered)
    return numerator, denominator


def _reference(lamp: _Lamp) -> float:
    """Return the mean square of the weighted reference, which makes the level 1."""
    s = 2j * math.pi * 8.8
    numerator, denominator = _analogue(lamp)
    gain = abs(np.polyval(numerator, s) / np.polyval(denominator, s))
    high = abs(s / (s + 2.0 * math.pi * _HIGH_PASS_HZ))
    low = 1.0 / math.sqrt(1.0 + (8.8 / lamp.low_pass_hz) ** 12)
    amplitude = 0.5 * lamp.reference_pp * gain * high * low
    return float(0.5 * amplitude**2) * _PEAK


_PEAK: Final = 1.0 + 1.0 / math.sqrt(1.0 + (2.0 * 2.0 * math.pi * 8.8 * _MEMORY_S) ** 2)
"""The reference gives a peak of 1; squared, 8.8 Hz ripples at twice that behind the memory."""


def _severity(level: Array) -> float:
    total = 0.0
    for weight, shares in _EXCEEDED:
        exceeded = np.percentile(level, [100.0 - share for share in shares])
        total += weight * float(np.mean(exceeded))
    return math.sqrt(total)
