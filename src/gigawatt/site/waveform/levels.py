"""Power by activity of one accelerator, from the models of chip and host."""

from __future__ import annotations

from gigawatt.errors import InputError
from gigawatt.site.power.chip import ChipPower, Work, accelerator_power_w
from gigawatt.site.power.host import HostPower, node_power_w
from gigawatt.site.waveform.step import Levels

__all__ = ["training_levels"]


def training_levels(
    chip: ChipPower,
    host: HostPower,
    *,
    flop_share: float,
    memory_share: float = 0.0,
    cap_share: float = 1.0,
) -> Levels:
    """Return the power of a training accelerator with its share of the server, at the wall.

    Parameters
    ----------
    chip : ChipPower
        Accelerator (`gigawatt.site.power.calibration.chip_power`).
    host : HostPower
        Server (`gigawatt.site.power.calibration.host_power`).
    flop_share, memory_share : float
        Arithmetic and memory traffic while kernels run, over their peaks.
    cap_share : float
        Power limit over the rating.

    Returns
    -------
    Levels
        Forward and backward alike: both are matrix products. Whoever waits for others keeps a
        kernel spinning with the clocks up; the optimizer reads and writes memory at its peak; a
        checkpoint copies, which the accelerator hardly notices.

    Raises
    ------
    InputError
        If a share is negative.
    """
    if min(flop_share, memory_share) < 0.0:
        message = f"shares of peaks must not be negative; got {flop_share}, {memory_share}"
        raise InputError(message)

    def watts(work: Work, busy: float = 1.0) -> float:
        return float(node_power_w(host, accelerator_power_w(chip, work, cap_share), busy).ac_w)

    kernels = watts(Work(flop_share=flop_share, memory_share=memory_share, together=1.0))
    waiting = watts(Work())
    return Levels(
        forward_w=kernels,
        backward_w=kernels,
        communication_w=watts(Work(together=1.0)),
        bubble_w=waiting,
        update_w=watts(Work(memory_share=1.0)),
        fixed_w=waiting,
        checkpoint_w=waiting,
        idle_w=watts(Work(busy=0.0), 0.0),
    )
