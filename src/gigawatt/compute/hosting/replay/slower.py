r"""Play a trace on a machine whose steps take longer by a factor.

Let every step take :math:`f` times as long. Then all that happens is what happens on the machine
as it is, to requests that come at :math:`t / f`, with the clock running :math:`f` times as fast. So
the same compiled times of a step answer for every :math:`f`. Delays outside the steps (ingress,
transfers) stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gigawatt.compute.hosting.engine.simulate import simulate_requests

if TYPE_CHECKING:
    from gigawatt.compute.hosting.engine.config import EngineConfig
    from gigawatt.compute.hosting.engine.latency import Latency
    from gigawatt.compute.hosting.engine.results import Requests, Timeline
    from gigawatt.compute.hosting.requests import Trace

__all__ = ["simulate_slower"]

_DELAYS: Final = (
    "transfer_s", "transfer_s_per_token", "ingress_s", "tokenizer_s", "tokenizer_s_per_token",
    "dispatch_s", "egress_s",
)  # fmt: skip
_TIMES: Final = ("routed_s", "scheduled_s", "first_token_s", "finish_s", "sent_s")


def simulate_slower(
    trace: Trace,
    engine: EngineConfig,
    latency: Latency,
    factor: float,
    *,
    bucket_s: float = 1.0,
) -> Requests:
    """Return a trace played with all steps longer by a factor.

    Parameters
    ----------
    trace : Trace
        Requests.
    engine : EngineConfig
        Replicas, policy, memory, routing and delays; all replicas ready from the start.
    latency : Latency
        Time of a batch.
    factor : float
        On that time; below 1 for a faster machine.
    bucket_s : float
        Width of the timeline's buckets [s].
    """
    if factor == 1.0:
        return simulate_requests(trace, engine, latency, bucket_s=bucket_s)
    quick = replace(engine, **{name: getattr(engine, name) / factor for name in _DELAYS})
    sooner = replace(trace, arrival_s=trace.arrival_s / factor)
    found = simulate_requests(sooner, quick, latency, bucket_s=bucket_s / factor)
    times = {name: getattr(found, name) * factor for name in _TIMES}
    counters = {**found.replicas, "busy_s": found.replicas["busy_s"] * factor}
    line = _slowed(found.timeline, factor)
    return replace(found, trace=trace, replicas=counters, timeline=line, **times)


def _slowed(line: Timeline, factor: float) -> Timeline:
    return replace(
        line,
        begin_s=line.begin_s * factor,
        bucket_s=line.bucket_s * factor,
        prefill_tokens_per_s=line.prefill_tokens_per_s / factor,
        output_tokens_per_s=line.output_tokens_per_s / factor,
    )
