r"""Serving points at a stated rate of requests.

Requests arrive at random, :math:`\lambda` a second, and the number in progress is what Little's law
makes of it: the concurrency :math:`c` at which an instance in steady state answers as many as
arrive,

.. math:: X(c) = \lambda, \qquad X(c) = \frac{c}{T(c)}

Throughput grows with the concurrency up to what the memory holds, so that the fixed point is found
by halving. Where not even that is enough, the queue grows without end and no steady state exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.steady import Mix, Steady, steady_state
from gigawatt.compute.hosting.step import Split
from gigawatt.validation.serving_rows import MOST_SEQUENCES, ServingRow, number, read_serving_row

__all__ = ["ArrivalRow", "at_rate", "is_arrival", "read_arrival_row"]

_HALVINGS: Final = 40


@dataclass(frozen=True, slots=True)
class ArrivalRow:
    """A serving point at a stated rate of requests.

    Parameters
    ----------
    serving : ServingRow
        Everything but the load; its concurrency is 0.
    requests_per_s : float
        That arrive at the instance.
    requests : float
        In the whole run; infinite where not stated.
    """

    serving: ServingRow
    requests_per_s: float
    requests: float


def is_arrival(row: dict[str, str]) -> bool:
    """Return whether a row states at which rate requests arrive, and not how many at a time."""
    stated = number(row, "request_rate") > 0 and not number(row, "concurrency")
    return stated and not row["load"].startswith("MLPerf") and "disaggregated" not in row["mode"]


def read_arrival_row(row: dict[str, str], position: int = 0) -> ArrivalRow | str:
    """Return the row as inputs of `at_rate`, or the reason why it is skipped."""
    # Everything but the load is read as of a row without one, as offline rows are.
    found = read_serving_row({**row, "load": "offline", "request_rate": ""}, position)
    if isinstance(found, str):
        return found
    # Of a run of few requests the throughput is that of its start and end too: latency counts.
    serving = replace(found, tokens_per_s_per_chip=0.0)
    count = re.search(r"(\d+) requests", row["load"])
    return ArrivalRow(serving, number(row, "request_rate"), float(count[1]) if count else np.inf)


def at_rate(row: ArrivalRow) -> Steady | None:
    """Return the steady state in which as many requests are answered as arrive, or None."""
    case = row.serving
    server, hardware, _ = calibration.server(case.setting)
    # Arrivals at random come in no waves.
    server = replace(server, waves=0.0)
    dims, split = dims_of(case.arch), Split(**case.split)
    mix = Mix(input_tokens=case.input_tokens, output_tokens=case.output_tokens)
    formats = (case.setting.weight_bytes, case.setting.cache_bytes)
    capacity = float(hardware.capacity_gb)
    places = float(sequences_that_fit(dims, split, formats, capacity, mix.context))
    most = min(min(places, MOST_SEQUENCES) * float(split.attn_dp), row.requests)
    if most < 1.0:
        return None

    def state(concurrency: float) -> Steady:
        return steady_state(dims, split, server, mix, concurrency, places)

    wanted = row.requests_per_s * case.output_tokens
    if float(state(most).output_tokens_per_s) < wanted:
        return None
    low, high = np.log(1e-3), np.log(most)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        enough = float(state(float(np.exp(middle))).output_tokens_per_s) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return state(float(np.exp(high)))
