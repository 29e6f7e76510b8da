"""The memory that a model needs at the least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt.compute.work import total_parameters

if TYPE_CHECKING:
    from gigawatt.catalog.architecture import Architecture

__all__ = ["training_state_gb", "weights_gb"]

_STATE_BYTES: Final = 16
_WEIGHT_BYTES: Final = {"bf16": 2.0, "fp8": 1.0, "fp4": 0.5}


def training_state_gb(architecture: Architecture) -> float:
    """Return the memory of parameters, gradients and optimizer while training.

    Sixteen bytes a parameter with Adam in mixed precision: 2 for the parameter, 2 for the gradient,
    and 4 each for the master copy and the two moments [1]_. Sharded over all accelerators of the
    run this is the least they must hold together; activations come on top.

    References
    ----------
    .. [1] S. Rajbhandari et al., "ZeRO: Memory optimizations toward training trillion parameter
       models", SC20 (2020), section 3.1.

    Returns
    -------
    float
        GB (1e9 bytes).
    """
    return total_parameters(architecture) * _STATE_BYTES / 1e9


def weights_gb(architecture: Architecture, precision: str) -> float:
    """Return the memory of a served model's weights; the cache of keys and values comes on top.

    Parameters
    ----------
    architecture : Architecture
        The model.
    precision : str
        Precision of the weights.

    Returns
    -------
    float
        GB (1e9 bytes).
    """
    return total_parameters(architecture) * _WEIGHT_BYTES[precision] / 1e9
