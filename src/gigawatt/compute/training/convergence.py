r"""Samples and minutes to the quality target of MLPerf Training's language models.

A larger batch needs more samples in all [1]_:

.. math:: E(B) = E_{min} (1 + B / B_{crit})

The loss is only looked at every :math:`g` samples, a whole number of steps, so that a run stops
:math:`g / 2` too late in the mean. Parameters, learnt from the logs of submissions and the
reference runs, are entries of the catalogue's kind ``target``.

Where it fails: a learning rate that was not tuned for the batch (a LoRA run of 32 sequences needs a
fifth more), batches far beyond those learnt from (`covers`), and the official score, which scales
lucky runs up to the reference and is up to a sixth longer than the run's own time. Precision is
taken to change nothing.

References
----------
.. [1] S. McCandlish et al., "An Empirical Model of Large-Batch Training", arXiv:1812.06162,
   section 2.3: the trade-off of steps and samples, (S/S_min - 1) (E/E_min - 1) = 1 with E = B S.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gigawatt import catalog

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.catalog import Entry

    Floats = NDArray[np.float64]
    Numbers = float | Floats

__all__ = [
    "Range",
    "covers",
    "evaluation_stride",
    "evaluation_time_s",
    "fit_target",
    "minutes_to_target",
    "samples_to_target",
]


class Range(NamedTuple):
    """A value with its P10 and P90, each a float or an array."""

    value: Floats
    low: Floats
    high: Floats


def samples_to_target(benchmark: str, global_batch: Numbers) -> Range:
    """Return the sequences that a run trains on until it meets its quality target.

    Parameters
    ----------
    benchmark : str
        ``gpt3``, ``llama31_405b``, ``llama2_70b_lora`` or ``llama31_8b``.
    global_batch : float or ndarray
        Sequences in a step.

    Returns
    -------
    Range
        Mean of the runs, and P10 and P90 of a submission's median run [sequences].

    Raises
    ------
    UnknownNameError
        If there is no such benchmark.
    ValueError
        If a batch is below 1.
    """
    target = _target(benchmark)
    batch = np.asarray(global_batch, dtype=np.float64)
    stride = evaluation_stride(target.number("evaluation_interval"), batch)
    needed = target.number("samples_min") * (1 + batch / target.number("critical_batch"))
    value = needed + stride / 2
    low, high = target["samples_scatter"].span
    return Range(value, value * low, value * high)


def minutes_to_target(
    benchmark: str,
    global_batch: Numbers,
    step_time_s: Numbers,
    eval_time_s: Numbers | None = None,
) -> Range:
    """Return the minutes from the start of a run to its quality target, initialisation apart.

    The time of the steps and of the evaluations between them, the first few of which the rules
    let a run leave out.

    Parameters
    ----------
    benchmark, global_batch
        As in `samples_to_target`.
    step_time_s : float or ndarray
        Time of a training step [s].
    eval_time_s : float or ndarray, optional
        Time of one evaluation [s]; `evaluation_time_s` where not given.
    """
    target = _target(benchmark)
    batch = np.asarray(global_batch, dtype=np.float64)
    step = np.asarray(step_time_s, dtype=np.float64)
    look = evaluation_time_s(benchmark, batch, step) if eval_time_s is None else eval_time_s
    stride = evaluation_stride(target.number("evaluation_interval"), batch)
    skipped = target.number("evaluations_skipped")

    def minutes(samples: Floats) -> Floats:
        looks = np.maximum(samples / stride - skipped, 0.0)
        return np.asarray((samples / batch * step + looks * look) / 60.0)

    return Range(*(minutes(samples) for samples in samples_to_target(benchmark, batch)))


def evaluation_time_s(benchmark: str, global_batch: Numbers, step_time_s: Numbers) -> Floats:
    r"""Return the time of one evaluation, as a multiple of the time of a training sequence [s].

    An evaluation is a forward pass: a third of the FLOP of training on a sequence, or half of it
    where LoRA spares the weight gradients. :math:`n` sequences should thus take the time of
    :math:`n/3` or :math:`n/2` in training; the catalogue holds the number that the logs show. At
    strong scaling an evaluation of few sequences takes up to twice as long.
    """
    cost = _target(benchmark).number("evaluation_cost")
    return np.asarray(cost / np.asarray(global_batch, dtype=np.float64) * step_time_s)


def evaluation_stride(interval: Numbers, global_batch: Numbers) -> Floats:
    """Return the sequences between evaluations: `interval` rounded up to whole steps."""
    batch = np.asarray(global_batch, dtype=np.float64)
    if not np.all(batch >= 1):
        message = f"global_batch must be >= 1. Got {global_batch!r} instead."
        raise ValueError(message)
    return np.asarray(np.ceil(interval / batch) * batch)


def covers(benchmark: str, global_batch: Numbers) -> NDArray[np.bool_]:
    """Return whether the batch lies between the smallest and the largest that was learnt from."""
    low, high = _target(benchmark)["batch"].span
    batch = np.asarray(global_batch, dtype=np.float64)
    return np.asarray((batch >= low) & (batch <= high))


def fit_target(
    global_batch: Floats, samples: Floats, interval: float, weight: Floats
) -> tuple[float, float]:
    """Return the `samples_min` and `critical_batch` that fit logged runs best.

    Least squares of the relative error, which is linear in E_min and E_min / B_crit.

    Parameters
    ----------
    global_batch, samples, weight : ndarray
        Batch, sequences at the end and weight of each run.
    interval : float
        Sequences between evaluations, before rounding to whole steps.
    """
    late = evaluation_stride(interval, global_batch) / 2
    rows = np.stack([1 / samples, global_batch / samples], axis=-1)
    scale = np.sqrt(weight)
    fitted = np.linalg.lstsq(rows * scale[:, None], (1 - late / samples) * scale, rcond=None)[0]
    return float(fitted[0]), float(fitted[0] / fitted[1])


def _target(benchmark: str) -> Entry:
    return catalog.load().get("target", benchmark)
