r"""Power of an accelerator from the work it does each second.

.. math:: P = P_r \left[(p_0 + p_m m + p_c f + p_t t + p_u u)^{-k} + (c\,l)^{-k}\right]^{-1/k}

with the rating :math:`P_r`, shares of peak memory traffic :math:`m` and arithmetic :math:`f`,
whether it works with others (:math:`t`), and whether it scales narrow weights of experts block by
block (:math:`u`), which keeps its units busy however few the tokens. A byte of keys and values
weighs its own in :math:`m`. :math:`p_0` is power with the clocks up. The limit :math:`l`, 1 or a
cap, holds the mean at :math:`c\,l` by lowering the clock; :math:`k` says how sharply, as phases
above and below the limit share one mean. Between pieces of work the chip falls to its idle power.

Energy by byte moved and by operation on top of a constant is the usual form [1]_; that arithmetic
saturates the limit long before its peak was measured on A100 and H100 [2]_. Leakage rises with
temperature, but no measurement here states one, so that its mean is in :math:`p_0`.

References
----------
.. [1] S. Hong and H. Kim, "An integrated GPU power and performance model", ISCA 2010.
.. [2] P. Patel et al., "Characterizing power management opportunities for LLMs in the cloud",
       ASPLOS 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = float | NDArray[Any]

__all__ = ["ChipPower", "Work", "accelerator_power_w", "cap_effect", "step_time_under_cap"]

_CAP_EXPONENT: Final = 0.43
"""Exponent of the clock over power above what flows at any clock: median of six benchmarks of
MLPerf Inference on 8 x H200, each tuned to a rate at full power and to one under a cap (0.36 to
0.58; NVIDIA's configurations of rounds 4.1 and 5.0, `gigawatt.validation.power_mlperf.CAPS`).
Voltage that followed the clock would give 1/3, voltage that did not 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipPower:
    """One or many kinds of accelerator; each field a number or an array.

    Parameters
    ----------
    rated_w : float
        Thermal design power.
    idle, active, memory, cache, compute, together, unpack : float
        See `gigawatt.site.power.parameters.ROLES`; shares of the rating but `cache`.
    sharpness, ceiling : float
        How the limit bends the power.
    """

    rated_w: Numbers
    idle: Numbers
    active: Numbers
    memory: Numbers
    cache: Numbers
    compute: Numbers
    together: Numbers
    unpack: Numbers
    sharpness: Numbers
    ceiling: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an accelerator does in the mean; each field a number or an array.

    Parameters
    ----------
    flop_share : float
        Arithmetic over the dense peak of its number format.
    memory_share : float
        Traffic of weights and activations over the peak bandwidth.
    cache_share : float
        Traffic of keys and values, or of states, over the same.
    together : float
        1 where it works with other accelerators, else 0.
    unpack : float
        1 where it scales weights of experts block by block, else 0.
    busy : float
        Share of time with work; the rest is idle. The other fields are means over the busy time.
    """

    flop_share: Numbers = 0.0
    memory_share: Numbers = 0.0
    cache_share: Numbers = 0.0
    together: Numbers = 0.0
    unpack: Numbers = 0.0
    busy: Numbers = 1.0


def accelerator_power_w(chip: ChipPower, work: Work, cap_share: Numbers = 1.0) -> Numbers:
    """Return the mean power of an accelerator [W].

    Parameters
    ----------
    chip : ChipPower
        The accelerator (`gigawatt.site.power.calibration.chip_power`).
    work : Work
        What it does, with the throughput that it reaches under the cap.
    cap_share : float or ndarray
        Power limit over the rating.

    Raises
    ------
    InputError
        If a limit is not positive.

    Examples
    --------
    >>> from gigawatt.site.power.calibration import chip_power
    >>> float(accelerator_power_w(chip_power("h100-sxm"), Work(flop_share=0.45))) > 600
    True
    """
    if np.any(np.asarray(cap_share) <= 0.0):
        message = f"a power limit over the rating must be positive; found {cap_share}"
        raise InputError(message)
    wanted = (
        chip.active
        + chip.memory * (work.memory_share + chip.cache * work.cache_share)
        + chip.compute * work.flop_share
        + chip.together * work.together
        + chip.unpack * work.unpack
    )
    limit = chip.ceiling * np.minimum(cap_share, 1.0)
    bent = (wanted**-chip.sharpness + limit**-chip.sharpness) ** (-1.0 / chip.sharpness)
    idle = np.minimum(chip.idle, bent)
    power: Numbers = chip.rated_w * (work.busy * bent + (1.0 - work.busy) * idle)
    return power


def cap_effect(chip: ChipPower, cap_share: Numbers, drawn_share: Numbers = 1.0) -> Numbers:
    r"""Return the clock under a power cap over the clock without it.

    .. math:: c = \left(\frac{l - p_0}{d - p_0}\right)^{0.43}, \quad l < d

    with what flows at any clock :math:`p_0`, cap :math:`l` and power without the cap :math:`d`, all
    over the rating.

    Parameters
    ----------
    chip : ChipPower
        The accelerator.
    cap_share : float or ndarray
        Power limit over the rating.
    drawn_share : float or ndarray
        Power that the work would draw without the cap, over the rating.

    Raises
    ------
    InputError
        If the cap is below what flows at any clock.
    """
    cap, drawn = np.asarray(cap_share), np.asarray(drawn_share)
    if np.any((cap <= chip.active) & (cap < drawn)):
        message = (
            f"a cap must leave more than the {np.max(chip.active):.0%} of the rating that flow at "
            f"any clock; found {np.min(cap):.0%}"
        )
        raise InputError(message)
    room = np.maximum(drawn - chip.active, 1e-9)
    clock: Numbers = np.minimum(np.maximum(cap - chip.active, 0.0) / room, 1.0) ** _CAP_EXPONENT
    return clock


def step_time_under_cap(clock: Numbers, arithmetic_share: Numbers) -> Numbers:
    """Return the step time under a cap over the one without.

    Only what the clock drives slows down; memory and network have clocks of their own.

    Parameters
    ----------
    clock : float or ndarray
        From `cap_effect`.
    arithmetic_share : float or ndarray
        Share of the step that arithmetic takes without the cap.
    """
    return arithmetic_share / clock + 1.0 - arithmetic_share
