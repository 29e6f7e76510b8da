"""Power of the chips and systems of the catalogue by what they are doing.

Presets for every chip and system: phases of a training step, reading and answering in a serving
engine, and the activities of a campus. All follow from the same model of chip and host; what an
activity does is stated here once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError
from gigawatt.site.it_power import ACTIVITIES
from gigawatt.site.power.calibration import chip_of, chip_power, host_power
from gigawatt.site.power.chip import Work, accelerator_power_w
from gigawatt.site.power.host import node_power_w
from gigawatt.site.power.work import TYPICAL_MFU

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gigawatt.site.power.host import NodePower

    Numbers = float | NDArray[Any]

__all__ = [
    "ACTIVITY_WORK",
    "PHASES",
    "activity_power",
    "activity_power_w",
    "hosting_work",
    "phase_power_w",
    "phase_work",
]

_LIGHT_SHARE: Final = 0.06
"""Arithmetic over peak of batch work with small models, which waits for the host most of the time.
With it a server of 8 B200 draws 0.52 of its nameplate; Whisper in MLPerf Inference drew 0.53."""

PHASES: Final = (
    "forward", "backward", "communication", "bubble", "optimizer", "checkpoint", "idle",
)  # fmt: skip
"""What an accelerator does within a training run."""

_WAITING: Final = 0.18
"""Share of a training step without arithmetic: about the median of nine layouts of Llama 3.1, GPT-3
and DeepSeek-V3 on H100, B200 and GB200, by the step model (0.06 to 0.54)."""
_TRAINING: Final = (
    (1.0 - _WAITING, Work(flop_share=TYPICAL_MFU / (1.0 - _WAITING), together=1.0)),
    (_WAITING, Work(together=1.0)),
)

ACTIVITY_WORK: Final[Mapping[str, tuple[tuple[float, Work], ...]]] = {
    "training": _TRAINING,
    # About the mean of Llama 3.1 70B, gpt-oss-120b and DeepSeek-V3 at 32 to 256 requests of 2,000
    # and 500 tokens, by the model of hosting.
    "hosting": ((1.0, Work(flop_share=0.1, memory_share=0.2, cache_share=0.03, together=1.0)),),
    "research": _TRAINING,
    "data_processing": ((1.0, Work(flop_share=_LIGHT_SHARE, memory_share=0.1)),),
    "idle": ((1.0, Work(busy=0.0)),),
}
"""Work of an accelerator in each activity of a campus, by shares of the time."""

_HOST_WORK: Final = {"idle": 0.0}


def phase_work(phase: str, mfu: Numbers = TYPICAL_MFU) -> Work:
    """Return what an accelerator does in a phase of a training run.

    Parameters
    ----------
    phase : str
        One of `PHASES`.
    mfu : float or ndarray
        Arithmetic over peak while it computes; backward computes as hard as forward.

    Raises
    ------
    InputError
        If there is no such phase.
    """
    if phase not in PHASES:
        message = f"a phase must be one of {', '.join(PHASES)}; found '{phase}'"
        raise InputError(message)
    if phase in ("forward", "backward"):
        return Work(flop_share=mfu, together=1.0)
    if phase == "optimizer":
        return Work(memory_share=0.8, together=1.0)  # states stream through memory once
    if phase == "idle":
        return Work(busy=0.0)
    if phase == "checkpoint":
        return Work()  # the host copies; the chip holds its clocks
    return Work(together=1.0)  # kernels of communication spin while they wait


def phase_power_w(
    chip: str, phase: str, mfu: Numbers = TYPICAL_MFU, cap_share: Numbers = 1.0
) -> Numbers:
    """Return the power of an accelerator in a phase of a training run [W].

    Parameters
    ----------
    chip : str
        A chip of the catalogue.
    phase : str
        One of `PHASES`.
    mfu : float or ndarray
        Arithmetic over peak while it computes.
    cap_share : float or ndarray
        Power limit over the rating.

    Raises
    ------
    InputError
        If there is no such phase.
    UnknownNameError
        If there is no such chip.

    Examples
    --------
    >>> bool(phase_power_w("h100-sxm", "forward") > 4 * phase_power_w("h100-sxm", "bubble"))
    True
    """
    return accelerator_power_w(chip_power(chip), phase_work(phase, mfu), cap_share)


def hosting_work(utilisation: Numbers, *, prefill_share: Numbers = 0.15) -> Work:
    """Return what an accelerator of a serving fleet does.

    Parameters
    ----------
    utilisation : float or ndarray
        Share of time with requests, 0 to 1.
    prefill_share : float or ndarray
        Share of that time in which prompts are read, at 0.4 of the peak. Answering moves weights
        at 0.235 of the memory's peak, keys and values at 0.035, and computes at 0.05 of the peak.
        With the default, the mean work is that of `ACTIVITY_WORK`.

    Raises
    ------
    InputError
        If a share lies outside 0 to 1.
    """
    for name, share in (("utilisation", utilisation), ("prefill_share", prefill_share)):
        if np.any((np.asarray(share) < 0.0) | (np.asarray(share) > 1.0)):
            message = f"{name} must lie in the range [0, 1]; found {share}"
            raise InputError(message)
    decode = 1.0 - prefill_share
    return Work(
        flop_share=0.4 * prefill_share + 0.05 * decode,
        memory_share=0.235 * decode,
        cache_share=0.035 * decode,
        together=1.0,
        busy=utilisation,
    )


def activity_power_w(system: str, activity: str, cap_share: Numbers = 1.0) -> NodePower:
    """Return the power of one accelerator with its share of the server in an activity [W].

    Parameters
    ----------
    system : str
        A system of the catalogue, or a chip in its usual system.
    activity : str
        One of `gigawatt.site.it_power.ACTIVITIES`.
    cap_share : float or ndarray
        Power limit of the accelerators over their rating.

    Raises
    ------
    InputError
        If there is no such activity.
    UnknownNameError
        If there is no such system.
    """
    if activity not in ACTIVITY_WORK:
        message = f"an activity must be one of {', '.join(ACTIVITIES)}; found '{activity}'"
        raise InputError(message)
    chip = chip_power(chip_of(system))
    accelerator = sum(
        share * accelerator_power_w(chip, work, cap_share)
        for share, work in ACTIVITY_WORK[activity]
    )
    return node_power_w(host_power(system), accelerator, _HOST_WORK.get(activity, 1.0))


def activity_power(system: str) -> dict[str, float]:
    """Return what a server draws at the wall in each activity over its nameplate.

    Parameters
    ----------
    system : str
        A system of the catalogue, or a chip in its usual system.

    Raises
    ------
    UnknownNameError
        If there is no such system.

    Examples
    --------
    >>> shares = activity_power("dgx-h100")
    >>> 0.6 < shares["training"] < 0.85 and 0.15 < shares["idle"] < 0.3
    True
    """
    rated = host_power(system).rated_w
    return {
        activity: float(activity_power_w(system, activity).ac_w / rated) for activity in ACTIVITIES
    }
