"""Limits on the latencies of requests, and the latencies of a trace with their bands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.hosting.engine.results import Requests

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = ["LATENCIES", "Band", "Goals", "Runs"]

LATENCIES: Final = ("ttft_s", "tpot_s", "e2e_s")
"""Latencies of a request."""


@dataclass(frozen=True, slots=True)
class Band:
    """A figure with its P10 and P90."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> Band:
        """Return the band times `factor`."""
        return Band(self.value * factor, self.low * factor, self.high * factor)

    def as_dict(self) -> dict[str, float | None]:
        """Return the three as numbers; None where there is none, as for no further token."""
        found = {"p10": self.low, "p50": self.value, "p90": self.high}
        return {name: v if np.isfinite(v) else None for name, v in found.items()}


@dataclass(frozen=True, slots=True)
class Goals:
    """Limits on the latencies of a request, and how many requests should keep them.

    Parameters
    ----------
    ttft_s, tpot_s : float
        Longest time to the first token and per further token [s]; infinite for no limit.
    percentile : float
        Percentile of each latency that keeps its limit where replicas are sought.
    sure : bool
        Whether its P90 does so too.
    """

    ttft_s: float = np.inf
    tpot_s: float = np.inf
    percentile: float = 99.0
    sure: bool = False

    @property
    def stated(self) -> bool:
        """Whether there is a limit at all."""
        return bool(np.isfinite([self.ttft_s, self.tpot_s]).any())

    def kept(self, ttft_s: Floats, tpot_s: Floats) -> Flags:
        """Return which requests keep the limits; answers of one token have no further ones."""
        late, slow = ttft_s > self.ttft_s, tpot_s > self.tpot_s
        return ~(late | slow)

    def excess(self, ttft_s: Floats, tpot_s: Floats) -> float:
        """Return the percentile of a latency over its limit, the larger of both."""
        pairs = ((ttft_s, self.ttft_s), (tpot_s[np.isfinite(tpot_s)], self.tpot_s))
        shares = [
            float(np.percentile(values, self.percentile)) / limit for values, limit in pairs
            if values.size
        ]  # fmt: skip
        return max(shares)


@dataclass(frozen=True)
class Runs:
    """The same trace on the central machine and on a faster and a slower one.

    The band of a request's latency is the wider of two: the central latency times the P10 and P90
    of measured over predicted, and the latency where every step is so much faster or slower, which
    tells what an error does to the queue.

    Parameters
    ----------
    central, fast, slow : Requests
        Steps as predicted, and times the P10 and P90 of the time per token.
    first, further : tuple of float
        P10 and P90 of measured over predicted: time to the first token, and per further token.
    """

    central: Requests
    fast: Requests
    slow: Requests
    first: tuple[float, float]
    further: tuple[float, float]

    @cached_property
    def latencies(self) -> dict[str, tuple[Floats, Floats, Floats]]:
        """P10, central value and P90 of each request's latencies [s]."""
        one = self.central
        low, high = (
            {
                "ttft_s": one.ttft_s * first,
                "tpot_s": one.tpot_s * further,
                "e2e_s": one.ttft_s * first + (one.e2e_s - one.ttft_s) * further,
            }
            for first, further in zip(self.first, self.further, strict=True)
        )
        return {
            name: (
                np.minimum(low[name], getattr(self.fast, name)),
                getattr(one, name),
                np.maximum(high[name], getattr(self.slow, name)),
            )
            for name in LATENCIES
        }
