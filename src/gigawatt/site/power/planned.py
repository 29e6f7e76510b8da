"""Power of what the planners of training and hosting predict, without any measurement of the work.

A training step spends its time in kernels, in the optimizer and waiting (for the network, the host,
other stages or the slowest accelerator); each has its power, and the mean is over the step. A
serving instance has a rate of tokens, from which its reads and arithmetic follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gigawatt.compute.dims import dims_of
from gigawatt.compute.work import matmul_parameters_per_token
from gigawatt.site.power.activity import phase_work
from gigawatt.site.power.calibration import banded, chip_power, measured
from gigawatt.site.power.chip import accelerator_power_w
from gigawatt.site.power.work import Peaks, Serving, serving_work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.bands import Estimate
    from gigawatt.compute.hosting.estimate import ServingEstimate
    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.compute.training.estimate import StepEstimate

    Numbers = float | NDArray[Any]

__all__ = ["StepPower", "serving_power", "step_power"]


@dataclass(frozen=True, slots=True)
class StepPower:
    """Power of an accelerator over a training step.

    Parameters
    ----------
    mean_w : Estimate
        Mean over the step, with P10 and P90.
    compute_w, update_w, waiting_w : float
        In kernels, in the optimizer, and while it waits.
    compute_share, update_share, waiting_share : float
        Shares of the step; they sum to 1.
    """

    mean_w: Estimate
    compute_w: float
    update_w: float
    waiting_w: float
    compute_share: float
    update_share: float
    waiting_share: float


def step_power(step: StepEstimate, chip: str, cap_share: float = 1.0) -> StepPower:
    """Return the power of an accelerator in a predicted training step.

    Parameters
    ----------
    step : StepEstimate
        From `gigawatt.compute.training.estimate.estimate_step`.
    chip : str
        Its chip in the catalogue.
    cap_share : float
        Power limit over the rating. The step is taken as it is: a step under a cap is predicted
        with the cap in its setting.

    Raises
    ------
    UnknownNameError
        If there is no such chip.
    InputError
        If the cap is not positive.
    """
    parts = step.seconds_by_part
    total = sum(parts.values())
    compute, update = parts["compute_s"] / total, parts["update_s"] / total
    waiting = 1.0 - compute - update
    power = chip_power(chip)

    def watts(phase: str) -> float:
        # All arithmetic of the step falls into its kernels.
        work = phase_work(phase, step.mfu / compute)
        return float(accelerator_power_w(power, work, cap_share))

    levels = watts("forward"), watts("optimizer"), watts("communication")
    mean = compute * levels[0] + update * levels[1] + waiting * levels[2]
    return StepPower(
        banded(mean, "node|steady", near=False, known=measured(chip)),
        *levels,
        compute_share=compute,
        update_share=update,
        waiting_share=waiting,
    )


def serving_power(
    arch: Architecture, setting: ServingSetting, found: ServingEstimate, cap_share: float = 1.0
) -> Estimate:
    """Return the mean power of an accelerator of a predicted serving instance, with its band [W].

    Parameters
    ----------
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats and engine.
    found : ServingEstimate
        From `gigawatt.compute.hosting.estimate.estimate_serving`.
    cap_share : float
        Power limit over the rating.

    Raises
    ------
    InputError
        If the cap is not positive.
    """
    chip = setting.chip
    four_bit = setting.weights in ("fp4", "mxfp4")
    serving = Serving(
        accelerators=float(found.split.accelerators),
        sequences=found.held,
        tokens_per_s=found.output_tokens_per_s.value,
        prompt_tokens=float(found.mix.input_tokens * (1.0 - found.mix.cached_share)),
        answer_tokens=float(found.mix.output_tokens),
        active_parameters=float(matmul_parameters_per_token(arch)),
        weight_bytes=setting.weight_bytes,
        cache_bytes=setting.cache_bytes,
        accepted=float(found.mix.accepted),
        block_scaled=float(four_bit and "fp4_tflops" not in chip),
    )
    peaks = Peaks(flops=setting.peak_flops, memory_bytes_per_s=chip.number("hbm_gb_per_s") * 1e9)
    work = serving_work(dims_of(arch), serving, peaks)
    power = float(accelerator_power_w(chip_power(chip.id), work, cap_share))
    return banded(power, "gpu|serving", near=False, known=measured(chip.id))
