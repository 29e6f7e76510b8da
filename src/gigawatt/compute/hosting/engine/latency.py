"""How long a batch takes: the plug between the engine and any model of a system.

The engine knows nothing of chips. It describes a batch by the figures of `FEATURES` and asks a
compiled function for the seconds of each pipeline stage::

    function(params, features, stage_s)   # three float64 arrays; writes stage_s

The kernel calls it through a pointer (about ten nanoseconds), so it need not be compiled again for
another model; all data of the model stand in `params`. `compiled` makes such a model from a Python
function that Numba can compile. `TableLatency` is one ready-made: a sum of tables over one or two
features, interpolated or looked up exactly, for those who have measured times and no formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["FEATURES", "Latency", "Table", "TableLatency", "compiled"]

FEATURES: Final = (
    "tokens",  # tokens fed by the whole batch
    "decodes",  # requests that decode
    "decode_tokens",  # tokens they feed: one each, more with drafts
    "decode_context",  # sum of their contexts, the fed token included
    "prefills",  # requests that prefill
    "prefill_tokens",  # prompt tokens fed
    "prefill_context",  # sum over prefills of tokens already in the KV cache
    "prefill_context_rounded",  # the same, each rounded up to `EngineConfig.context_granularity`
    "prefill_square",  # sum over prefills of the square of the tokens fed
    "prefill_pairs",  # pairs of query and key under a causal mask: sum of n (before + (n + 1) / 2)
    "samples",  # requests that yield a token: decodes and last chunks of prefills
    "replica",  # number of the replica, for fleets of several kinds
)
TOKENS: Final = 0
DECODES: Final = 1
DECODE_TOKENS: Final = 2
DECODE_CONTEXT: Final = 3
PREFILLS: Final = 4
PREFILL_TOKENS: Final = 5
PREFILL_CONTEXT: Final = 6
PREFILL_CONTEXT_ROUNDED: Final = 7
PREFILL_SQUARE: Final = 8
PREFILL_PAIRS: Final = 9
SAMPLES: Final = 10
REPLICA: Final = 11


@dataclass(frozen=True, slots=True)
class Latency:
    """A compiled latency model.

    Parameters
    ----------
    function : compiled function
        Takes `params`, the features and an array for the seconds of each stage; see `compiled`.
    params : array of float64
        Whatever the function needs.
    """

    function: Any
    params: NDArray[np.float64]

    def seconds(self, stages: int = 1, **features: float) -> NDArray[np.float64]:
        """Return the seconds of each stage for one batch; features not named are 0 [s].

        Examples
        --------
        >>> table = Table(("tokens",), ([0, 100],), [0.01, 0.02])
        >>> TableLatency((table,)).model().seconds(tokens=50)
        array([0.015])
        """
        from gigawatt.compute.hosting.engine.tables import ask  # noqa: PLC0415  loads Numba

        unknown = sorted(set(features) - set(FEATURES))
        if unknown:
            message = f"features must be of {', '.join(FEATURES)}. Got {unknown[0]!r} instead."
            raise InputError(message)
        values = np.array([features.get(name, 0.0) for name in FEATURES], float)
        stage_s = np.zeros(stages)
        ask(self.function, self.params, values, stage_s)
        return stage_s


def compiled(
    function: Callable[..., None], params: ArrayLike = (), *, cache: bool = False
) -> Latency:
    """Return a latency model from a Python function that Numba can compile.

    Parameters
    ----------
    function : function
        Of `params`, features (in the order of `FEATURES`) and `stage_s`, which it fills [s]. Time
        to hand activations to the next stage belongs to the stage that sends.
    params : array_like of float
        Handed to it as it is. Data must come this way; arrays of the enclosing scope would be
        frozen into the code.
    cache : bool
        Keep the compiled function on disk, beside its source.
    """
    from gigawatt.compute.hosting.engine.jit import pointer  # noqa: PLC0415  loads Numba

    return Latency(pointer(function, cache=cache), np.array(params, np.float64).ravel())


@dataclass(frozen=True, slots=True)
class Table:
    """Seconds over one or two features of a batch.

    Parameters
    ----------
    features : tuple of str
        One or two of `FEATURES`.
    axes : tuple of array_like
        Ascending values of each feature, at least two each.
    seconds : array_like
        Time at each of them, in the shape of the axes [s].
    exact : bool
        Look up the next value at or above instead of interpolating. Times beyond the last value
        are extrapolated along the last two if interpolated, and an error if looked up.
    stage : int
        Pipeline stage that it adds to; -1 for each of them.
    needs : str
        The table counts only where this feature is above 0; empty for always.
    """

    features: tuple[str, ...]
    axes: tuple[ArrayLike, ...]
    seconds: ArrayLike
    exact: bool = False
    stage: int = -1
    needs: str = ""


@dataclass(frozen=True, slots=True)
class TableLatency:
    """The time of a stage as a sum of tables.

    Parameters
    ----------
    tables : sequence of Table
        All are added up.
    """

    tables: Sequence[Table]

    def model(self) -> Latency:
        """Return the compiled model.

        Raises
        ------
        InputError
            If an axis does not ascend, or a shape or the name of a feature is wrong.
        """
        from gigawatt.compute.hosting.engine.tables import evaluate  # noqa: PLC0415  loads Numba

        packed = [np.array([len(self.tables)], float)]
        packed += [_pack(table) for table in self.tables]
        return Latency(evaluate, np.concatenate(packed))


def _pack(table: Table) -> NDArray[np.float64]:
    """Lay a table out as header, axes and values; a second axis that is not there has one value."""
    names = (*table.features, *((table.needs,) if table.needs else ()))
    for name in names:
        if name not in FEATURES:
            message = f"features must be of {', '.join(FEATURES)}. Got {name!r} instead."
            raise InputError(message)
    if len(table.features) not in {1, 2} or len(table.axes) != len(table.features):
        message = f"a table must have one or two features, each with an axis. Got {table.features}."
        raise InputError(message)
    axes = [np.asarray(axis, float) for axis in table.axes]
    values = np.asarray(table.seconds, float)
    for name, axis in zip(table.features, axes, strict=True):
        if axis.ndim != 1 or axis.size < 2 or not (np.diff(axis) > 0).all():
            message = f"the axis of {name} must be at least two ascending values. Got {axis}."
            raise InputError(message)
    shape = tuple(axis.size for axis in axes)
    if values.shape != shape or not (np.isfinite(values) & (values >= 0)).all():
        message = f"seconds must be {shape} finite values >= 0. Got shape {values.shape}."
        raise InputError(message)
    places = [FEATURES.index(name) for name in table.features]
    second = axes[1] if len(axes) > 1 else np.zeros(1)
    head = [
        places[0],
        places[1] if len(places) > 1 else -1,
        axes[0].size,
        second.size,
        float(table.exact),
        table.stage,
        FEATURES.index(table.needs) if table.needs else -1,
    ]
    return np.concatenate([np.array(head, float), axes[0], second, values.ravel()])
