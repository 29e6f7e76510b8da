"""How often hardware fails, how slow the slowest is, and what a checkpoint and a restart cost.

Rates and published slowdowns are entries of the catalogue's kind ``reliability``. No single rate
fits all that is published: presets differ by a factor of ten, above all in what they count as a
failure.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.compute.bands import Estimate
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = float | Floats

__all__ = [
    "BYTES_PER_PARAMETER",
    "blocking_write_s",
    "checkpoint_bytes",
    "expected_slowdown",
    "failure_rate",
    "failures_per_s",
    "node_size",
    "published_slowdown",
    "restart_time_s",
    "transfer_time_s",
]

DAY_S: Final = 86_400.0

BYTES_PER_PARAMETER: Final = 2.0 + 4.0 + 4.0 + 4.0
"""BF16 weight, FP32 master weight and the two FP32 moments of Adam (Rajbhandari et al. 2020,
arXiv:1910.02054, section 3.1)."""


def failure_rate(preset: str) -> Estimate:
    """Return the failures of a node in a day as the catalogue's `preset` has them, with range.

    The entry's field `counts` says what is counted as a failure.

    Raises
    ------
    UnknownNameError
        If there is no such preset.
    NotModelledError
        If the entry states other things, but no rate.
    """
    entry = catalog.load().get("reliability", preset)
    if "failures_per_1000_node_days" not in entry:
        message = f"nobody published a failure rate of '{entry.id}'; choose another preset"
        raise NotModelledError(message)
    fact = entry["failures_per_1000_node_days"]
    low, high = fact.span
    return Estimate(fact.number / 1e3, low / 1e3, high / 1e3, 1, (fact.key,), fact.note)


def node_size(preset: str) -> float:
    """Return the accelerators of the node that the rate of `preset` holds for."""
    return catalog.load().get("reliability", preset).number("accelerators_per_node")


def failures_per_s(
    preset: str, accelerators: Numbers, accelerators_per_node: float | None = None
) -> Numbers:
    """Return the failures of a job on `accelerators`: its nodes times the preset's rate [1/s].

    A node has the preset's accelerators where `accelerators_per_node` is not given.

    Examples
    --------
    >>> round(1 / (failures_per_s("meta-rsc-1", 16_384) * 3600), 1)  # hours between failures
    1.8
    """
    per_node = node_size(preset) if accelerators_per_node is None else accelerators_per_node
    return accelerators / per_node * failure_rate(preset).value / DAY_S


def checkpoint_bytes(
    parameters: Numbers, bytes_per_parameter: Numbers = BYTES_PER_PARAMETER
) -> Numbers:
    """Return the size of a full training checkpoint [bytes].

    The default fits AdamW with BF16 weights: NVIDIA's published checkpoints of 8B to 405B models
    lie within 2 % of it, read as GiB.
    """
    return parameters * bytes_per_parameter


def transfer_time_s(size_bytes: Numbers, bandwidth_gb_per_s: Numbers) -> Numbers:
    """Return the time to write or read a checkpoint at the storage's whole bandwidth [s]."""
    return size_bytes / (bandwidth_gb_per_s * 1e9)


def blocking_write_s(
    size_bytes: Numbers, accelerators: Numbers, host_link_gb_per_s: Numbers
) -> Numbers:
    """Return the time for which an asynchronous checkpoint holds training up [s].

    Each accelerator copies its part to host memory and trains on; storage is written meanwhile.
    Checkpoints cannot then follow each other faster than `transfer_time_s` of the whole.
    """
    return size_bytes / accelerators / (host_link_gb_per_s * 1e9)


def restart_time_s(detect_s: Numbers, reschedule_s: Numbers, load_s: Numbers) -> Numbers:
    """Return the time from a failure to the next productive second: the sum of its parts [s]."""
    return detect_s + reschedule_s + load_s


def expected_slowdown(ranks: Numbers, variation: Numbers) -> Floats:
    r"""Return how much longer a synchronous step takes than one rank's mean step.

    A step ends with its slowest rank. Where the ranks' times vary independently and normally with a
    coefficient of variation :math:`c`, the mean slowdown of :math:`n` ranks is

    .. math:: 1 + c \int_{-\infty}^\infty x\,d\Phi(x)^n

    which grows with :math:`c \sqrt{2 \ln n}` (David and Nagaraja 2003, Order
    Statistics, section 4.5). Real slowness is rather that of the same few ranks at every step; see
    `published_slowdown`.

    Parameters
    ----------
    ranks : float or ndarray
        Ranks, or pipelines, that wait for each other; at least 1.
    variation : float or ndarray
        Standard deviation of a rank's time over its mean.

    Raises
    ------
    ValueError
        If there are no ranks or the variation is negative.

    Examples
    --------
    >>> round(float(expected_slowdown(2, 0.1)), 4)  # 1 + 0.1 / sqrt(pi)
    1.0564
    """
    n, c = np.asarray(ranks, dtype=np.float64), np.asarray(variation, dtype=np.float64)
    if not (np.all(n >= 1) and np.all(c >= 0)):
        message = "ranks must be >= 1 and variation >= 0"
        raise ValueError(message)
    x, log_cdf = _normal()
    # By parts, the integral is the upper end less the area under Phi^n, up to 1e-12 for n <= 1e7.
    powers = np.exp(n[..., np.newaxis] * log_cdf)
    inner = powers.sum(axis=-1) - (powers[..., 0] + powers[..., -1]) / 2
    return np.asarray(1.0 + c * np.maximum(x[-1] - inner * (x[1] - x[0]), 0.0))


def published_slowdown(quantile: Numbers, preset: str = "bytedance-stragglers") -> Floats:
    """Return the slowdown that `quantile` of the published training jobs stay below.

    ByteDance compared 3,079 jobs on 128 GPUs and more with what they would have taken had every
    rank been as fast as the mean (Lin et al. 2025, arXiv:2505.05713). Through the three published
    quantiles, the logarithm of the excess is joined by straight lines over the normal quantile, and
    carried on beyond them.

    Raises
    ------
    ValueError
        If a quantile does not lie in (0, 1).
    """
    q = np.asarray(quantile, dtype=np.float64)
    if not np.all((q > 0) & (q < 1)):
        message = f"quantile must lie in (0, 1). Got {quantile!r} instead."
        raise ValueError(message)
    entry = catalog.load().get("reliability", preset)
    # A job that wastes the part v of its time is slower by 1 / (1 - v).
    wasted = np.array([entry.number("wasted_p90"), entry.number("wasted_p99")])
    excess = np.log([0.1, *(1 / (1 - wasted) - 1)])
    x, log_cdf = _normal()
    known = np.interp([1 - entry.number("jobs_slowed_over_10pct"), 0.9, 0.99], np.exp(log_cdf), x)
    z = np.interp(q, np.exp(log_cdf), x)
    slopes = np.diff(excess) / np.diff(known)
    lower = excess[1] + slopes[0] * (z - known[1])
    upper = excess[1] + slopes[1] * (z - known[1])
    return np.asarray(1.0 + np.exp(np.where(z < known[1], lower, upper)))


@cache
def _normal() -> tuple[Floats, Floats]:
    """Return an even grid and the logarithm of the normal distribution function on it."""
    x = np.linspace(-9.0, 9.0, 901)
    root = math.sqrt(2.0)
    below = [math.log(math.erfc(-v / root) / 2) for v in x if v < 0]
    above = [math.log1p(-math.erfc(v / root) / 2) for v in x if v >= 0]
    return x, np.array(below + above)
