r"""An engine under a constant number of requests: first token, next tokens, throughput.

While one request is answered, every other of the :math:`n` in progress is read once and answered in
turn. So the time of one request, from start to end, is

.. math:: T = t_0 + s\,d + n\,p

with :math:`s` steps of answering, :math:`d` a step that only decodes, and :math:`p` what reading
one prompt adds to the steps it shares. It divides into the time to the first token,

.. math:: t_{first} = t_0 + \tfrac12 d + r + w\,\tfrac{n - 1}{2}\,p
          + (1 - w)\,\frac{\rho}{2\,(1 - \rho)}\,p, \qquad \rho = \frac{n\,p}{T}

and the rest, spread over the other tokens. Pipeline stages work on as many groups of sequences, and
:math:`n` is those of one group. :math:`r` is the steps that read the prompt, :math:`w`
the share of requests that arrive together with all others, as at the start of a benchmark; the
others find a queue of prompts as at any server with constant service [1]_. Requests beyond what the
memory holds wait for a place.

References
----------
.. [1] L. Kleinrock, "Queueing Systems", volume 1, 1975: M/D/1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.step import Work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.step import Split

    Numbers = float | NDArray[Any]

__all__ = ["Mix", "Steady", "steady_state"]


CHUNK_TOKENS: Final = 8192.0
"""Tokens of prompts that a step takes at most: the default of vLLM's ``max_num_batched_tokens`` for
servers and of TensorRT-LLM's ``max_num_tokens``, and of SGLang's ``chunked_prefill_size`` on large
accelerators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """The mean request.

    Parameters
    ----------
    input_tokens, output_tokens : float
        Tokens of the prompt and of the answer.
    cached_share : float
        Share of the prompt found in the prefix cache.
    accepted : float
        Tokens that a sequence gains in a step: 1, or more with speculative decoding.
    drafted : float
        Tokens that are drafted for each sequence and step, and take their time.
    """

    input_tokens: Numbers
    output_tokens: Numbers
    cached_share: Numbers = 0.0
    accepted: Numbers = 1.0
    drafted: Numbers = 0.0

    @property
    def context(self) -> Numbers:
        """Tokens before a decoded one in the mean."""
        return self.input_tokens + 0.5 * self.output_tokens


@dataclass(frozen=True, slots=True)
class Steady:
    """An instance in steady state.

    Parameters
    ----------
    ttft_s, tpot_s : float or ndarray
        Mean time to the first token and per further token.
    output_tokens_per_s : float or ndarray
        Of the whole instance.
    sequences : float or ndarray
        In progress in each attention group; the rest waits.
    queued_s : float or ndarray
        Part of `ttft_s` that is waiting for memory.
    """

    ttft_s: Numbers
    tpot_s: Numbers
    output_tokens_per_s: Numbers
    sequences: Numbers
    queued_s: Numbers


def steady_state(
    dims: Dims,
    split: Split,
    server: Server,
    mix: Mix,
    concurrency: Numbers,
    places: Numbers,
    chunk_tokens: Numbers = CHUNK_TOKENS,
) -> Steady:
    """Return the steady state of an instance with so many requests at a time.

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
        Sequences that each attention group can hold (`memory.sequences_that_fit`).
    chunk_tokens : float or ndarray
        Tokens of prompts that a step takes at most.
    """
    asked = concurrency / split.attn_dp
    held = np.maximum(np.minimum(asked, places), 1e-9)
    # As many groups of sequences as stages are under way, each in a stage of its own.
    together = np.maximum(held / split.pp, np.minimum(held, 1.0))
    prompt = mix.input_tokens * (1.0 - mix.cached_share)
    chunk = np.minimum(prompt, chunk_tokens)
    chunks = prompt / np.maximum(chunk, 1e-9)
    seen = mix.input_tokens * mix.cached_share + 0.5 * prompt

    def seconds(prompt_tokens: Numbers) -> Numbers:
        work = Work(
            sequences=together,
            context=mix.context,
            prompt_tokens=prompt_tokens,
            prompt_context=seen,
            speaking=np.maximum(together, 1.0),
            drafted=mix.drafted,
        )
        return server.parts(dims, split, work, server.engine, server.fabric).total_s

    decode = seconds(0.0 * together)
    reading = seconds(chunk + 0.0 * together)
    added = chunks * (reading - decode)
    decoding = (mix.output_tokens - 1.0) / mix.accepted * decode
    own = server.first_token_s + (0.5 + chunks) * decode + decoding
    whole = own + np.maximum(together, 1.0) * added
    # A prompt keeps the reading busy for what it adds and its share of the step that it joins.
    joined = np.maximum(chunk_tokens / np.maximum(prompt, 1e-9), 1.0)
    held_up = added + chunks * decode / joined
    busy = np.minimum(together * held_up / whole, 1.0)
    queue = np.minimum(busy / (2.0 * np.maximum(1.0 - busy, 1e-3)), 0.5 * together)
    burst = np.maximum(together - 1.0, 0.0) / 2.0
    before = server.waves * burst + (1.0 - server.waves) * queue
    # What remains after the first token is never less than the decoding itself.
    whole = whole + before * (held_up - added)
    first = server.first_token_s + 0.5 * decode + chunks * reading + before * held_up
    first = np.minimum(first, whole - decoding)
    tpot = (whole - first) / np.maximum(mix.output_tokens - 1.0, 1.0)
    queued = np.maximum(asked / held - 1.0, 0.0) * whole
    rate = held * split.attn_dp * mix.output_tokens / whole
    return Steady(first + queued, tpot, rate, held, queued)
