r"""The step of an instance as a latency model of the engine simulation.

One replica of the engine is one whole instance. The model of a step (`step.step_parts`) is laid out
once in tables,

.. math:: T = f(m) + e(\bar m) + h(k) + a(D_g, \bar l) + b(P_g, \bar q) + c_0 + c\,D + l

with :math:`m` the tokens of the fullest attention group, :math:`\bar m` those of a mean one, which
the shared experts see, :math:`k` the tokens that pass the head, :math:`D` decoding sequences at a
mean context :math:`\bar l`, :math:`P_g` tokens of prompts that attend to :math:`\bar q` others in
the mean, and :math:`l` launches, which the rest hides in part where prompts are read. :math:`f` is
one function for steps that only decode, and another for those that read prompts.

Attention groups work in step: each layer waits for all of them at the experts. Sequences are spread
evenly over the groups, as routers of engines do, and a prompt is read by one of them, so that
:math:`\lceil P / g \rceil` of :math:`P` prompts are in the fullest of :math:`g` groups. Stages of a
pipeline take equal shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.engine.latency import Latency
from gigawatt.compute.hosting.step import Work, step_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.step import Split, StepParts

    Floats = NDArray[np.float64]

__all__ = ["Instance", "instance_latency"]

_FINE: Final = 64
"""Tokens up to which each number of them has a point of its own."""

_MOST_TOKENS: Final = 2.0**17
"""Last point of the axes of tokens; beyond, times go on in a straight line."""

_LONGEST: Final = 2.0**21
"""The same of contexts."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One kind of replica.

    Parameters
    ----------
    dims : Dims
        The model, one.
    split : Split
        How it is spread (whole numbers).
    server : Server
        Accelerator, network and software.
    before_tokens : float
        Tokens of each prompt that are in the prefix cache: they are not read, but seen.
    """

    dims: Dims
    split: Split
    server: Server
    before_tokens: float = 0.0


def instance_latency(
    first: Instance, second: Instance | None = None, *, of_first: int = 0
) -> Latency:
    """Return the time of a step of an instance, or of two kinds of them, for the engine.

    Parameters
    ----------
    first : Instance
        What every replica is, or the first of them.
    second : Instance, optional
        What the others are, such as those that decode.
    of_first : int
        Replicas of the first kind, where there are two.
    """
    from gigawatt.compute.hosting.step_kernel import evaluate  # noqa: PLC0415  loads Numba

    one = _packed(first)
    if second is None:
        return Latency(evaluate, np.concatenate([[np.inf, 0.0], one]))
    head = [float(of_first), 2.0 + len(one)]
    return Latency(evaluate, np.concatenate([head, one, _packed(second)]))


def _packed(one: Instance) -> Floats:
    """Lay out one instance: figures first, then tables in the order in which they are read."""
    groups = float(one.split.attn_dp)

    def parts(**work: Any) -> StepParts:  # noqa: ANN401  numbers or arrays
        names = ("sequences", "context", "prompt_tokens", "prompt_context", "speaking")
        values = np.broadcast_arrays(*(np.asarray(work.get(n, 0.0), float) for n in names))
        asked = Work(**dict(zip(names, values, strict=True)))
        return step_parts(one.dims, one.split, asked, one.server.engine, one.server.fabric)

    tokens = _axis(_MOST_TOKENS, 160)
    few, context = _axis(_MOST_TOKENS, 48), _contexts(float(one.dims.window))
    fed, gained, alone = parts(prompt_tokens=tokens), parts(sequences=tokens), parts()
    # Tokens go to their experts in another way where a step reads prompts.
    decoding, mixed = (p.products_s + p.elementwise_s + p.network_s for p in (gained, fed))
    seen = parts(sequences=few[:, None], context=context).attention_s
    read = parts(prompt_tokens=few[:, None], prompt_context=context).attention_s
    spoken = parts(speaking=tokens).head_s
    step_s = float(np.asarray(alone.engine_s))
    sequence_s = (float(np.asarray(parts(sequences=1.0).engine_s)) - step_s) / groups
    # With hardly a prompt all that hides launches is what a step takes at least.
    little = parts(prompt_tokens=1e-6)
    eager_s = float(np.asarray(little.total_s - little.engine_s))
    launches = (float(np.asarray(alone.launch_s)), eager_s)
    return np.concatenate(
        [
            [groups, one.before_tokens, step_s, sequence_s, *launches],
            _table((tokens,), decoding),
            _table((tokens,), mixed),
            _table((tokens,), fed.experts_s),
            _table((tokens,), spoken),
            _table((few, context), seen),
            _table((few, context), read),
        ]
    )


def _axis(most: float, points: int) -> Floats:
    """Return whole numbers from 0, each at first and then ever fewer."""
    coarse = np.geomspace(_FINE, most, points)
    return np.unique(np.rint(np.concatenate([np.arange(_FINE), coarse])))


def _contexts(window: float) -> Floats:
    """Return contexts; where a window ends the time has a bend, so it has a point there."""
    ends = [0.0, 1.0, *([window] if window > 0 else [])]
    return np.unique(np.concatenate([ends, np.geomspace(16.0, _LONGEST, 48)]))


def _table(axes: tuple[Floats, ...], seconds: Any) -> Floats:  # noqa: ANN401  float or array
    shape = tuple(axis.size for axis in axes)
    values = np.broadcast_to(np.asarray(seconds, float), shape)
    sizes = np.array([shape[0], shape[1] if len(shape) > 1 else 0], float)
    return np.concatenate([sizes, *axes, values.ravel()])
