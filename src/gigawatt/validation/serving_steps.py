r"""The median time between two tokens, as inputs of the serving model.

Some benchmarks state the median of the times between tokens, not the mean. It is one step, and the
steps that read prompts are rarer than those that only decode, where requests are few and answers
long: of :math:`n` sequences that write :math:`o` tokens each, :math:`k = n / o` begin in a step in
the mean. They begin at random, so that the median step reads about

.. math:: m = \lfloor k + \tfrac13 - \tfrac{1}{50 k} \rfloor

prompts, the median of a Poisson distribution [1]_.

Where answers differ in length, the longer ones are in progress more often. A sequence in progress
has in the mean :math:`\tfrac12 o\,(1 + v)` tokens of its answer behind it, with :math:`v` the
variance of the lengths over the square of their mean [2]_.

References
----------
.. [1] K. P. Choi, "On the medians of gamma distributions and an equation of Ramanujan",
   Proceedings of the American Mathematical Society 121 (1994): the median lies between
   k - ln 2 and k + 1/3.
.. [2] L. Kleinrock, "Queueing Systems", volume 1, 1975, section 5.2: residual life.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.compute.hosting.steady import CHUNK_TOKENS
from gigawatt.compute.hosting.step import Work, step_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.steady import Mix
    from gigawatt.compute.hosting.step import Split

    Numbers = float | NDArray[Any]

__all__ = ["median_step_s"]


def median_step_s(
    dims: Dims,
    split: Split,
    server: Server,
    mix: Mix,
    concurrency: Numbers,
    places: Numbers,
    output_spread: Numbers = 0.0,
) -> Numbers:
    """Return the median time between two tokens of an answer.

    Parameters
    ----------
    dims, split : Dims, Split
        Model and how it is spread.
    server : Server
        Accelerator, network and software.
    mix : Mix
        The mean request.
    concurrency : float or ndarray
        Requests in the instance at any time.
    places : float or ndarray
        Sequences that each attention group can hold.
    output_spread : float or ndarray
        Variance of the tokens of an answer over the square of their mean.
    """
    held = np.maximum(np.minimum(concurrency / split.attn_dp, places), 1e-9)
    together = np.maximum(held / split.pp, np.minimum(held, 1.0))
    begun = together / mix.output_tokens
    prompts = np.maximum(np.floor(begun + 1.0 / 3.0 - 0.02 / begun), 0.0)
    read = np.minimum(prompts * mix.input_tokens * (1.0 - mix.cached_share), CHUNK_TOKENS)
    work = Work(
        sequences=together,
        context=mix.input_tokens + 0.5 * mix.output_tokens * (1.0 + output_spread),
        prompt_tokens=read,
        prompt_context=0.5 * mix.input_tokens,
        speaking=together,
    )
    return step_parts(dims, split, work, server.engine, server.fabric).total_s
