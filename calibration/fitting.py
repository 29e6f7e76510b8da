"""What both calibrations share: parameters laid out as arrays, and the fit itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import least_squares

from gigawatt.compute.learnt import Role, from_scale, parameter_name, to_scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_UNUSED = "none"


@dataclass
class Parameters:
    """All parameters of some rows on the scale on which they are fitted.

    `index` holds, for each role, the place of every row's parameter among the others.
    """

    names: list[str]
    prior: np.ndarray
    spread: np.ndarray
    caps: np.ndarray
    index: dict[str, np.ndarray]

    def values(self, scaled: np.ndarray) -> dict[str, np.ndarray]:
        """Return the value of each role for each row."""
        found = from_scale(scaled, self.caps)
        return {role: found[at] for role, at in self.index.items()}

    def named(self, scaled: np.ndarray) -> dict[str, float]:
        """Return the parameters by name, five digits each."""
        found = from_scale(scaled, self.caps).tolist()
        return {
            name: float(f"{value:.5g}")
            for name, value in sorted(zip(self.names, found, strict=True))
            if not name.endswith(f":{_UNUSED}")
        }


def lay_out(
    roles: Iterable[Role], settings: Sequence[Any], unused: Mapping[str, float]
) -> Parameters:
    """Return the parameters that `settings` need; `unused` holds values of roles without a part."""
    names: list[str] = []
    prior: list[float] = []
    spread: list[float] = []
    caps: list[float] = []
    index = {}
    for role in roles:
        column = []
        for setting in settings:
            key = role.key(setting)
            name = parameter_name(role.name, _UNUSED if key is None else key)
            if name not in names:
                names.append(name)
                expected = unused.get(role.name, 1e-12) if key is None else role.expected(key)
                caps.append(0.0 if key is None else role.cap)
                prior.append(to_scale(expected, caps[-1]))
                # On the log-odds scale the same relative doubt is wider.
                widen = 1.0 - expected / role.cap if caps[-1] else 1.0
                spread.append(1e-6 if key is None else role.spread / widen)
            column.append(names.index(name))
        index[role.name] = np.array(column)
    return Parameters(names, np.array(prior), np.array(spread), np.array(caps), index)


def fit(
    parameters: Parameters,
    errors: Callable[[np.ndarray], np.ndarray],
    weight: np.ndarray,
    start: np.ndarray,
    most: int,
) -> np.ndarray:
    """Return the scaled parameters that make the weighted errors small.

    Parameters
    ----------
    parameters : Parameters
        What is open, with its priors.
    errors : callable
        Errors of all measurements over their tolerance, from scaled parameters.
    weight : ndarray
        1 for a measurement that counts, 0 for one left out.
    start : ndarray
        Where to begin.
    most : int
        Evaluations of the Jacobian at most.
    """

    def residuals(scaled: np.ndarray) -> np.ndarray:
        off = errors(scaled)
        # Squares up to the tolerance, linear beyond it: outliers pull, but do not rule.
        bent = np.sign(off) * np.sqrt(2.0 * (np.sqrt(1.0 + off * off) - 1.0))
        prior = (scaled - parameters.prior) / parameters.spread
        return np.concatenate([bent * weight, prior])

    return least_squares(residuals, start, max_nfev=most).x


def summary(off: np.ndarray) -> dict[str, float]:
    """Return the errors in per cent of logarithmic errors."""
    ape = np.abs(np.expm1(off)) * 100.0
    return {
        "rows": len(ape),
        "mean": round(float(ape.mean()), 2),
        "median": round(float(np.median(ape)), 2),
        "p90": round(float(np.quantile(ape, 0.9)), 2),
    }


def quantiles(off: np.ndarray, groups: Sequence[Sequence[str]]) -> dict[str, list[float]]:
    """Return P10 and P90 of measured over predicted for each group with at least 15 rows.

    Parameters
    ----------
    off : ndarray
        Logarithm of predicted over measured.
    groups : sequence of sequence of str
        Groups that each row belongs to.
    """
    keys: dict[str, list[int]] = {}
    for i, names in enumerate(groups):
        for name in names:
            keys.setdefault(name, []).append(i)
    ratio = np.exp(-off)
    return {
        key: [len(rows), *np.quantile(ratio[rows], [0.1, 0.9]).round(4).tolist()]
        for key, rows in sorted(keys.items())
        if len(rows) >= 15
    }
