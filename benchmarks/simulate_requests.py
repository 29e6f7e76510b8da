"""How many requests a second the serving engine simulates, on one core.

    uv run python benchmarks/simulate_requests.py [--traces FOLDER]

With the Azure and Mooncake traces in FOLDER (``../shared/traces`` by default) it plays those, else
made-up ones of the same mean lengths. Each figure is the best of several runs in CPU time of a warm
process, beside the figures of peers, which were measured elsewhere on a machine of this kind. As a
shared machine is slower at some moments than at others, the time of a fixed loop of Python is
printed too. Timing never decides a test: this is for people.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gigawatt.compute.hosting.engine.config import EngineConfig
    from gigawatt.compute.hosting.engine.latency import Latency, TableLatency
    from gigawatt.compute.hosting.requests import Trace

    Floats = NDArray[np.float64]

REPEATS = 5
PEERS = (
    ("AISimulate 0.13, Azure conversation, 10,000 requests", 5_000, None),
    ("Vidur, the same", 178, 2_400),
)
# A 70B model in BF16 on four H100s: 141 GB of weights at 80 % of 13.4 TB/s, 141 GFLOP a token at
# 60 % of 3.96 PFLOP/s, 328 kB of KV a token, 2 ms of overhead a step. Plausible, not calibrated.
STEP_S, TOKEN_S, CONTEXT_S = 0.002 + 141e9 / 10.7e12, 141e9 / 2.4e15, 328e3 / 10.7e12
KV_BLOCKS = 30_000  # of 16 tokens: 150 GB
START = """
import time
begun = time.process_time()
from gigawatt.compute.hosting.arrivals import fixed_lengths, poisson, synthetic
from gigawatt.compute.hosting.engine.config import EngineConfig
from gigawatt.compute.hosting.engine.latency import Table, TableLatency
from gigawatt.compute.hosting.engine.simulate import simulate_requests
trace = synthetic(poisson(100, 5.0), fixed_lengths(100, 1000, 200))
step = TableLatency((Table(("tokens",), ([0, 1000],), [0.01, 0.05]),))
simulate_requests(trace, EngineConfig(kv_blocks=30_000), step)
print(time.process_time() - begun)
"""


def roofline(params: Floats, x: Floats, stage_s: Floats) -> None:
    """Fill `stage_s` with the larger of reading the weights and computing, and reading the KV."""
    compute = x[0] * params[1]
    stage_s[0] = max(params[0], compute) + (x[3] + x[6]) * params[2]


def traces(folder: Path) -> tuple[Trace, Trace]:
    """Return a conversation trace, and one whose prompts share blocks."""
    from gigawatt.compute.hosting.arrivals import lognormal_lengths, poisson, synthetic
    from gigawatt.compute.hosting.traces import read_trace

    if folder.is_dir():
        return (
            read_trace(folder / "azure_llm_2023_conv.csv"),
            read_trace(folder / "mooncake_fast25_conversation.jsonl"),
        )
    lengths = lognormal_lengths(19_366, (1155, 1), (211, 0.8))
    made_up = synthetic(poisson(19_366, 5.5), lengths)
    return made_up, made_up


def measured(name: str, trace: Trace, engine: EngineConfig, step: Latency | TableLatency) -> None:
    """Print requests and steps a second of CPU time."""
    from gigawatt.compute.hosting.engine.simulate import simulate_requests

    best = float("inf")
    for _ in range(REPEATS if len(trace) < 500_000 else 2):
        begun = time.process_time()
        found = simulate_requests(trace, engine, step)
        best = min(best, time.process_time() - begun)
    steps = found.replicas["steps"].sum()
    shown(name, len(trace) / best, steps / best)


def first_s() -> float:
    """Return the CPU seconds of imports and a small simulation in a process of its own."""
    # A machine told not to keep bytecode would compile every module at every start.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", START]
    return min(
        float(subprocess.run(command, check=True, capture_output=True, env=kept).stdout)
        for _ in range(REPEATS)
    )


def shown(name: str, requests_per_s: float, steps_per_s: float | None) -> None:
    """Print a row."""
    steps = f"{steps_per_s:12,.0f}" if steps_per_s else f"{'':12}"
    print(f"{name:62} {requests_per_s:10,.0f} {steps}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = Path(__file__).resolve().parents[2] / "shared" / "traces"
    parser.add_argument("--traces", type=Path, default=default)
    conversation, shared_prefixes = traces(parser.parse_args().traces)

    from gigawatt.compute.hosting.engine.config import EngineConfig
    from gigawatt.compute.hosting.engine.latency import compiled

    step = compiled(roofline, [STEP_S, TOKEN_S, CONTEXT_S])
    print(f"{'':62} {'requests/s':>10} {'steps/s':>12}")
    for peer in PEERS:
        shown(f"{peer[0]} (elsewhere)", peer[1], peer[2])
    for policy in ("vllm", "sarathi", "orca", "prefill-first"):
        engine = EngineConfig(replicas=4, kv_blocks=KV_BLOCKS, policy=policy)
        trace = conversation.head(10_000)
        measured(f"conversation, 10,000 requests, 4 replicas, {policy}", trace, engine, step)
    engine = EngineConfig(replicas=4, kv_blocks=KV_BLOCKS)
    for count in (100_000, 1_000_000):
        measured(f"the same, {count:,} requests, vllm", conversation.repeated(count), engine, step)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    busy = conversation.head(10_000).at_rate(40.0)
    measured("the same, 10,000 requests at 40 requests/s, vllm", busy, engine, step)
    split = EngineConfig(
        replicas=4, prefill_replicas=2, kv_blocks=KV_BLOCKS, transfer_s_per_token=1e-5
    )
    measured("the same, two replicas prefill, two decode", conversation.head(10_000), split, step)
    least = EngineConfig(replicas=64, kv_blocks=KV_BLOCKS, router="least-requests")
    many = conversation.repeated(100_000).at_rate(200.0)
    measured("100,000 requests at 200 requests/s, 64 replicas, least", many, least, step)
    caching = EngineConfig(
        replicas=4,
        kv_blocks=KV_BLOCKS,
        prefix_cache=shared_prefixes.hash_tokens > 0,
        router="prefix",
        token_budget=8192,
    )
    measured("Mooncake conversation, 4 replicas, prefix cache", shared_prefixes, caching, step)
    print(f"first simulation of a new process, imports included: {first_s():.2f} s of CPU")
    print(f"peak memory with 1,000,000 requests: {peak_mb:,.0f} MB")
    begun = time.process_time()
    sum(range(3_000_000))
    for number in range(3_000_000):
        _ = number
    print(f"six million steps of a loop of Python: {time.process_time() - begun:.2f} s of CPU")


if __name__ == "__main__":
    main()
