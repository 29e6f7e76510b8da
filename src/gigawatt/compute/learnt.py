"""Parameters that models learn from measurements: few, each with a physical meaning.

A parameter has a *role* (what it means, its prior and how sure that is) and a *key* (for which
generation of chips, number format or kind of software it holds). Where none was measured for a key,
that of a forebear stands in, or the value expected before any measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["FOREBEAR", "Role", "from_scale", "learnt_value", "parameter_name", "to_scale"]

FOREBEAR: Final = {
    "rubin": "blackwell",
    "blackwell": "hopper",
    "blackwell-workstation": "blackwell",
    "ada": "ampere",
    "hopper": "ampere",
    "cdna5": "cdna4",
    "cdna4": "cdna3",
    "cdna2": "cdna3",
    "tpu-v4": "tpu-v5p",
    "tpu-v3": "tpu-v5p",
    "trainium2": "trainium1",
    "trainium3": "trainium2",
    "gaudi3": "gaudi2",
}
"""Whose measurements stand in for a generation that has none."""


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of parameter.

    Parameters
    ----------
    name : str
        Its name.
    meaning : str
        What it is, with its unit.
    prior : float or callable
        Value expected before any measurement, or a function of the key.
    spread : float
        Standard deviation of its logarithm (of its log-odds where there is a `cap`).
    key : callable
        Function of a setting that returns for what the value holds: empty for all, None where the
        parameter has no part and is 0.
    cap : float
        Largest possible value; 0 where there is none.
    """

    name: str
    meaning: str
    prior: float | Callable[[str], float]
    spread: float
    key: Callable[[Any], str | None]
    cap: float = 0.0

    def expected(self, key: str) -> float:
        """Return the value expected for `key` before any measurement."""
        return self.prior(key) if callable(self.prior) else self.prior


def to_scale(value: float, cap: float) -> float:
    """Return a value on the scale on which it is fitted: logarithm, or log-odds below a cap."""
    return float(np.log(value / (cap - value)) if cap else np.log(value))


def from_scale(scaled: Floats, caps: Floats) -> Floats:
    """Return the values of scaled parameters."""
    bounded = caps / (1.0 + np.exp(-np.clip(scaled, -30.0, 30.0)))
    return np.where(caps > 0, bounded, np.exp(np.clip(scaled, -40.0, 40.0)))


def parameter_name(role: str, key: str) -> str:
    """Return the name of a parameter: its role, and for what it holds."""
    return f"{role}:{key}" if key else role


def learnt_value(known: Mapping[str, float], role: Role, key: str) -> tuple[float, bool]:
    """Return a parameter's value, and whether it was measured for this very key.

    Parameters
    ----------
    known : mapping of str to float
        Measured values by name.
    role : Role
        The kind of parameter.
    key : str
        For what it is wanted; a generation of chips comes first, before a bar.
    """
    name = parameter_name(role.name, key)
    if name in known:
        return known[name], True
    generation, _, rest = key.partition("|")
    while generation in FOREBEAR:
        generation = FOREBEAR[generation]
        name = parameter_name(role.name, f"{generation}|{rest}" if rest else generation)
        if name in known:
            return known[name], False
    return role.expected(key), False
