r"""Instances that only read prompts and others that only answer, with the cache sent between them.

**Reading.** A step of an instance that reads takes :math:`T(k)` for :math:`k` of at most :math:`b`
prompts, and each of its :math:`S` pipeline stages :math:`1 / S` of that. Prompts that arrive during
a step are read in the next. With rate :math:`\lambda`, :math:`m = \lambda E` prompts to a step of
mean length :math:`E` and a chance :math:`e^{-m}` that none comes, the next has :math:`m + e^{-m}`
with a variance :math:`v`, and

.. math:: E = \frac{1}{S}\,\overline{T}(m + e^{-m}, v), \quad
          v = m + e^{-m} - 2 m e^{-m} - e^{-2m} + \lambda^2 \sigma^2, \quad
          T_b = E + \frac{\sigma^2}{E}, \quad B = \frac{E}{E + e^{-m} / \lambda}

:math:`\overline{T}(k, v)` is the mean of :math:`T` over a number with that mean and variance, and
:math:`\sigma^2` the variance of a step. :math:`T_b` is the step into which a prompt falls in the
mean, and :math:`B` the chance that it falls into one. It waits for the rest of that step, and
shares its own with the :math:`h` that fell into the same. Where the line is longer than a step it
is that of constant service [1]_:

.. math:: t_{read} = (1 - B)\,T(1) + B\,\overline{T}(1 + h, h), \quad
          h = \min(\lambda T_b, b - 1), \\
          t_{wait} = \max\Bigl(\tfrac12 B\,T_b, \; \frac{\lambda s^2}{2 (1 - \lambda s)}
          - \tfrac12 \bigl(t_{read} - T(1)\bigr)\Bigr), \quad s = \frac{T(b)}{b S}

**Sending.** Every accelerator sends its part of the cache of the prompt, and every one of the other
instance receives its own: the larger of both takes the time. Nothing is sent while a prompt is
still being read, which some engines do.

**Answering.** A step takes :math:`a(n)` with :math:`n` requests, of which each stays for
:math:`(\tfrac12 + (n_{out} - 1) / g)\,a`, with :math:`g` tokens gained in a step. The user sees the
first token with the first step of answering,

.. math:: t_{first} = t_0 + t_{wait} + t_{read} + t_{send} + \tfrac32 a, \qquad t_{tok} = a / g

**Flow.** What :math:`P` instances read is what :math:`D` others answer: :math:`P \lambda_P = D
\lambda_D`. For each of them alone the cost of a request a second is its accelerators over its rate,
so a deployment in the best ratio serves :math:`1 / (N_P / \lambda_P + N_D / \lambda_D)` requests a
second for each accelerator.

References
----------
.. [1] L. Kleinrock, "Queueing Systems", volume 1, 1975: M/D/1.
.. [2] Y. Zhong et al., "DistServe", OSDI 2024, arXiv:2401.09670: separate instances, their ratio.
.. [3] R. Qin et al., "Mooncake", FAST 2025, arXiv:2407.00079: sending the cache.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute import collectives
from gigawatt.compute.hosting.memory import cache_bytes_per_token, state_bytes_per_sequence
from gigawatt.compute.hosting.step import Work, step_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.steady import Mix
    from gigawatt.compute.hosting.step import Split, StepParts
    from gigawatt.compute.network import Fabric

    Floats = NDArray[np.float64]
    Numbers = float | NDArray[Any]

__all__ = ["Answering", "Reading", "answering", "most_answering", "reading", "transfer_s"]

_ROUNDS: Final = 16  # of a fixed point that contracts
_HALVINGS: Final = 17  # of a bisection
_POINTS: Final = 9  # of the table of a step over the prompts in it
_BUSIEST: Final = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class Reading:
    """Instances that only read prompts; arrays over them.

    Parameters
    ----------
    together : ndarray (...)
        Prompts that a step holds at most.
    step_s : ndarray (..., 9)
        Time of a step with 1 to `together` prompts, in equal ratios [s].
    stages : ndarray (...)
        Pipeline stages, each of which has a step of its own under way.
    """

    together: Floats
    step_s: Floats
    stages: Floats

    @property
    def most_per_s(self) -> Floats:
        """Rate at which every step is full [1/s]."""
        found: Floats = self.together * self.stages / self.step_s[..., -1]
        return found

    def _step(self, prompts: Floats) -> Floats:
        """Return the time of a step with so many prompts, straight between those of the table."""
        last = self.step_s.shape[-1] - 1
        growth = np.maximum(np.log(self.together) / last, 1e-9)
        held = np.clip(prompts, 1.0, self.together)
        low = np.clip((np.log(held) / growth).astype(np.int64), 0, last - 1)
        table = np.broadcast_to(self.step_s, (*low.shape, last + 1))
        begin, end = (np.take_along_axis(table, low[..., None] + k, -1)[..., 0] for k in (0, 1))
        first = np.exp(growth * low)
        found: Floats = begin + (held / first - 1.0) / np.expm1(growth) * (end - begin)
        return found

    def _mean(self, prompts: Floats, variance: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of a stage's time over as many prompts as chance brings.

        Two numbers of prompts, at least 1, with the same mean and variance stand for all.
        """
        less = np.maximum(np.minimum(np.sqrt(variance), prompts - 1.0), 1e-9)
        more = variance / less
        share = less / (less + more)
        high, low = self._step(prompts + more), self._step(prompts - less)
        mean = (share * high + (1.0 - share) * low) / self.stages
        return mean, share * (1.0 - share) * ((high - low) / self.stages) ** 2

    def latency_s(self, rate_per_s: Numbers) -> tuple[Floats, Floats]:
        """Return how long a prompt waits and is read in the mean [s]; infinite from `most_per_s`.

        Parameters
        ----------
        rate_per_s : float or ndarray
            Prompts that arrive by chance at each instance.
        """
        rate = np.maximum(np.asarray(rate_per_s, dtype=float), 1e-12)
        step = self.step_s[..., 0] / self.stages + 0.0 * rate
        spread = 0.0 * step
        for _ in range(_ROUNDS):
            found = rate * step
            none = np.exp(-found)
            # Variance of the prompts of a step: by chance, and as steps differ in length.
            varied = np.maximum(found + none - 2.0 * found * none - none**2, 0.0)
            step, spread = self._mean(found + none, varied + rate**2 * spread)
        biased = step + spread / step
        busy = step / (step + np.exp(-rate * step) / rate)
        others = np.minimum(rate * biased, self.together - 1.0)
        shared = self._mean(1.0 + others, others)[0] * self.stages
        reads = (1.0 - busy) * self.step_s[..., 0] + busy * shared
        load = np.minimum(rate / self.most_per_s, _BUSIEST)
        line = load / self.most_per_s / (2.0 * (1.0 - load))
        waits = np.maximum(0.5 * busy * biased, line - 0.5 * (reads - self.step_s[..., 0]))
        over = np.greater_equal(rate, self.most_per_s)
        return np.where(over, np.inf, waits), np.where(over, np.inf, reads)

    def highest_rate(self, within_s: Numbers) -> Floats:
        """Return the highest rate at which waiting and reading keep within a time [1/s].

        Parameters
        ----------
        within_s : float or ndarray
            Time for both; 0 comes back where a prompt alone takes longer.
        """
        low = np.zeros(np.broadcast_shapes(self.together.shape, np.shape(within_s)))
        high = low + self.most_per_s
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            waits, reads = self.latency_s(middle)
            kept = np.less_equal(waits + reads, within_s)
            low, high = np.where(kept, middle, low), np.where(kept, high, middle)
        return low


def reading(
    dims: Dims, split: Split, server: Server, mix: Mix, chunk_tokens: Numbers, places: Numbers
) -> Reading:
    """Return instances that only read prompts.

    Parameters
    ----------
    dims, split : Dims, Split
        Model and how each instance spreads it.
    server : Server
        Accelerator, network and software.
    mix : Mix
        The mean request.
    chunk_tokens : float or ndarray
        Tokens of prompts that a step of an attention group takes at most.
    places : float or ndarray
        Prompts that the memory of a group holds.

    Notes
    -----
    A prompt is read by one attention group, and a step takes as long as the fullest group: of
    :math:`g` groups with :math:`k` prompts it has :math:`k / g + (g - 1) / 2g` in the mean, or one,
    and never more than a step takes.
    The experts of all groups share the tokens of all. A prompt longer than a chunk takes several
    steps in a row, which count as one.
    """
    prompt = mix.input_tokens * (1.0 - mix.cached_share)
    before = mix.input_tokens - prompt
    chunk = np.minimum(prompt, chunk_tokens)
    chunks = prompt / np.maximum(chunk, 1e-9)
    groups, stages = (np.asarray(n, dtype=float) for n in (split.attn_dp, split.pp))

    def parts(prompts: Floats) -> StepParts:
        """Return the parts of a step of which each group reads so many prompts."""
        tokens = prompts * chunk
        work = Work(
            sequences=0.0 * tokens,
            context=mix.context,
            prompt_tokens=tokens,
            prompt_context=before + 0.5 * prompt,
            speaking=prompts / chunks,
        )
        wide = replace(split, **{f.name: _wide(getattr(split, f.name)) for f in fields(split)})
        return step_parts(dims, wide, work, server.engine, server.fabric)

    held = np.clip(chunk_tokens / np.maximum(prompt, 1e-9), 1.0, np.maximum(places, 1.0))
    together = np.asarray(held * groups, dtype=float)
    prompts = together[..., None] ** np.linspace(0.0, 1.0, _POINTS)
    share = prompts / _wide(groups)
    most = np.maximum(share + 0.5 * (1.0 - 1.0 / _wide(groups)), 1.0)
    fullest = parts(np.minimum(most, np.maximum(_wide(held), 1.0)))
    step = np.asarray(fullest.total_s - fullest.experts_s + parts(share).experts_s)
    # Chunks follow each other through the stages of a pipeline.
    through = 1.0 + (chunks - 1.0) / _wide(stages)
    return Reading(together, np.maximum.accumulate(step * through, axis=-1), stages)


def _wide(values: Numbers) -> Floats:
    """Return numbers with an axis for a table behind them."""
    return np.asarray(values, dtype=float)[..., None]


@dataclass(frozen=True, slots=True)
class Answering:
    """Instances that only answer; each field a float or an array over them.

    Parameters
    ----------
    step_s : float or ndarray
        Time of a step [s].
    stay_s : float or ndarray
        From the arrival of a request's cache to its last token [s].
    requests_per_s : float or ndarray
        Finished by each instance [1/s].
    """

    step_s: Numbers
    stay_s: Numbers
    requests_per_s: Numbers


def answering(
    dims: Dims, split: Split, server: Server, mix: Mix, concurrency: Numbers
) -> Answering:
    """Return instances that only answer so many requests at a time.

    Parameters
    ----------
    dims, split : Dims, Split
        Model and how each instance spreads it.
    server : Server
        Accelerator, network and software.
    mix : Mix
        The mean request.
    concurrency : float or ndarray
        Requests of each instance in the mean.
    """
    held = np.maximum(concurrency / split.attn_dp, 1e-9)
    together = np.maximum(held / split.pp, np.minimum(held, 1.0))
    zero = 0.0 * together
    work = Work(
        sequences=together,
        context=mix.context,
        prompt_tokens=zero,
        prompt_context=zero,
        speaking=np.maximum(together, 1.0),
        drafted=mix.drafted,
    )
    step = step_parts(dims, split, work, server.engine, server.fabric).total_s
    stay = (0.5 + np.maximum(mix.output_tokens - 1.0, 0.0) / mix.accepted) * step
    return Answering(step, stay, concurrency / stay)


def most_answering(
    dims: Dims, split: Split, server: Server, mix: Mix, most: Numbers, step_s: Numbers
) -> Numbers:
    """Return the most whole requests up to `most` whose step keeps within `step_s`; 0 for none.

    Parameters
    ----------
    dims, split, server, mix : Dims, Split, Server, Mix
        As in `answering`.
    most : float or ndarray
        Requests that the memory holds.
    step_s : float or ndarray
        Longest step [s].
    """
    low, high = 0.0 * most, np.floor(most) + 1.0
    while np.any(high - low > 1.0):
        middle = np.floor(0.5 * (low + high))
        found = answering(dims, split, server, mix, np.maximum(middle, 1.0))
        kept = np.less_equal(found.step_s, step_s) & (middle > low)
        ended = middle <= low
        low, high = np.where(kept, middle, low), np.where(kept | ended, high, middle)
    return low


def transfer_s(
    dims: Dims,
    fabric: Fabric,
    pools: tuple[Split, Split],
    tokens: Numbers,
    cache_bytes: Numbers,
    accelerators: Numbers = np.inf,
) -> Numbers:
    """Return how long the cache of a prompt takes from one instance to another [s].

    Parameters
    ----------
    dims : Dims
        The model.
    fabric : Fabric
        Network.
    pools : tuple of Split
        How those that read, and those that answer, spread the model.
    tokens : float or ndarray
        Tokens of the prompt, those that were cached included.
    cache_bytes : float or ndarray
        Bytes of a cached number.
    accelerators : float or ndarray
        Of all instances together: where a scale-up domain holds them, nothing leaves it.
    """
    first, second = (
        tokens * cache_bytes_per_token(dims, one, cache_bytes) + state_bytes_per_sequence(dims, one)
        for one in pools
    )
    sent = np.maximum(first, second)
    inside = collectives.send_s(replace(fabric, scale_up_chips=np.inf), sent, 1.0)
    outside = collectives.send_s(fabric, sent, fabric.scale_up_chips)
    return np.where(np.less_equal(accelerators, fabric.scale_up_chips), inside, outside)
