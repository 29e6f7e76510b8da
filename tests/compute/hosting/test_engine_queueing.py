"""The engine as a queue: waiting times that theory knows exactly.

A replica that runs one request at a time, each in one batch, is a single server. Poisson arrivals
then make an M/G/1 queue, whose mean wait is that of Pollaczek and Khinchine. Deterministic service
keeps the order of service cyclic, so round robin over c replicas is the M/D/c queue (Crommelin).
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from gigawatt.compute.hosting.arrivals import (
    fixed_lengths,
    lognormal_lengths,
    poisson,
    synthetic,
)
from gigawatt.compute.hosting.engine.config import EngineConfig
from gigawatt.compute.hosting.engine.latency import Table, TableLatency
from gigawatt.compute.hosting.engine.simulate import simulate_requests

TOKEN_S = 1e-3
SERVICE = TableLatency((Table(("tokens",), ([0, 1000],), [0, 1000 * TOKEN_S]),))
WARM = 0.05  # share of the requests left out, as the queue begins empty
BATCHES = 40


def waits(arrival_s, lengths, replicas=1, **changes):
    engine = EngineConfig(
        kv_blocks=10**6,
        replicas=replicas,
        max_sequences=1,
        token_budget=10**6,
        **{"policy": "vllm", **changes},
    )
    queue_s = simulate_requests(synthetic(arrival_s, lengths), engine, SERVICE).queue_s
    return queue_s[int(WARM * queue_s.size) :]


def mean_and_error(values):
    """Return the mean and its standard error from means of batches, as waits are correlated."""
    means = [part.mean() for part in np.array_split(values, BATCHES)]
    return np.mean(means), np.std(means, ddof=1) / math.sqrt(BATCHES)


def wait_of_m_d_c(servers, load, service_s):
    """Return the mean wait of M/D/c by the series of Crommelin (1932)."""
    total = 0.0
    for i in range(1, 4000):
        a = i * servers * load
        k = np.arange(i * servers, i * servers + 400)
        logs = -a + k * math.log(a) - np.array([math.lgamma(n + 1) for n in k])
        p = np.exp(logs)
        term = p.sum() - p[1:].sum() / load
        total += term
        if i > 50 and abs(term) < 1e-9:
            break
    return service_s * total


@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("policy", ["vllm", "sarathi", "orca", "prefill-first"])
def test_deterministic_service_is_m_d_1(load, policy):
    n, service_s = 400_000, 100 * TOKEN_S
    found, error = mean_and_error(
        waits(poisson(n, load / service_s, seed=3), fixed_lengths(n, 100, 1), policy=policy)
    )
    expected = service_s * load / (2 * (1 - load))
    assert found == pytest.approx(expected, abs=4 * error)
    assert error < 0.1 * expected


@pytest.mark.parametrize("load", [0.5, 0.9])
def test_spread_service_is_m_g_1(load):
    n, mean = 400_000, 500.0
    prompt, output = lognormal_lengths(n, (mean, 0.8), (1, 0), most_tokens=10**6, seed=5)
    service_s = prompt * TOKEN_S
    rate = load / service_s.mean()
    found, error = mean_and_error(waits(poisson(n, rate, seed=6), (prompt, output)))
    expected = rate * np.mean(service_s**2) / (2 * (1 - load))
    assert found == pytest.approx(expected, abs=4 * error)
    assert error < 0.1 * expected


@pytest.mark.parametrize(("servers", "load"), [(2, 0.8), (4, 0.9), (8, 0.95)])
def test_round_robin_over_replicas_is_m_d_c(servers, load):
    n, service_s = 400_000, 100 * TOKEN_S
    rate = servers * load / service_s
    found, error = mean_and_error(
        waits(poisson(n, rate, seed=9), fixed_lengths(n, 100, 1), replicas=servers)
    )
    expected = wait_of_m_d_c(servers, load, service_s)
    assert found == pytest.approx(expected, abs=4 * error)
    assert error < 0.1 * expected


def test_the_series_for_many_servers_gives_the_known_one_for_one():
    assert wait_of_m_d_c(1, 0.8, 1.0) == pytest.approx(0.8 / (2 * 0.2), rel=1e-6)


@pytest.mark.parametrize("router", ["least-requests", "least-tokens"])
def test_a_router_that_looks_beats_one_that_does_not(router):
    n = 100_000
    lengths = lognormal_lengths(n, (500, 1.5), (1, 0), seed=2)
    arrival_s = poisson(n, 4 * 0.85 / (lengths[0].mean() * TOKEN_S), seed=4)
    blind = waits(arrival_s, lengths, replicas=4).mean()
    assert waits(arrival_s, lengths, replicas=4, router=router).mean() < 0.7 * blind


def test_idle_replicas_serve_at_once():
    queue_s = waits(np.arange(100) * 10.0, fixed_lengths(100, 100, 1))
    assert (queue_s == 0).all()
