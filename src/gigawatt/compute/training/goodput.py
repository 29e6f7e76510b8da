r"""Time lost to failures and checkpoints, and how long a whole run takes.

Failures strike one synchronous job as a Poisson process. A run does its work in segments:
`interval_s` of productive time, then `write_s` in which a checkpoint holds training up. A failure
throws the segment away, costs `restart_s`, and the segment starts afresh; a failure may also strike
while the job restarts. With :math:`L` the failures of the whole job per second,

.. math:: ETTR = \frac{L\,\Delta t\,e^{-L u_0}}{e^{L(\Delta t + w)} - 1}

is the part of the wall-clock time that is productive [1]_. It holds at any failure rate, where the
usual first-order form turns negative.

The model fails where failures come in bursts (one bad node requeued 35 times [2]_), where a restart
now and then takes hours, and where replicas go on without a failed one.

References
----------
.. [1] J. T. Daly, Future Generation Computer Systems 22 (2006), 303-312, equation 20.
.. [2] A. Kokolis et al., "Revisiting Reliability in Large-Scale Machine Learning Research
   Clusters", HPCA 2025, arXiv:2410.21680.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.bands import Estimate
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = float | Floats

__all__ = [
    "Faults",
    "Ledger",
    "TimeToTrain",
    "ettr",
    "ettr_at_optimum",
    "ledger",
    "optimal_interval_s",
    "time_to_train",
]

DAY_S: Final = 86_400.0
LEAST_ETTR: Final = 1e-3
Z90: Final = 1.2815515655446004  # 90th percentile of the standard normal distribution


def ettr(
    failures_per_s: Numbers, interval_s: Numbers, write_s: Numbers, restart_s: Numbers
) -> Floats:
    """Return the productive part of the wall-clock time (Daly 2006, equation 20).

    Arguments broadcast. The result lies in (0, 1] until it underflows, above some 700 failures in
    one segment.

    Parameters
    ----------
    failures_per_s : float or ndarray
        Failures of the whole job [1/s], see `reliability.failures_per_s`.
    interval_s : float or ndarray
        Productive time between checkpoints [s], above 0.
    write_s : float or ndarray
        Time for which a checkpoint holds training up [s].
    restart_s : float or ndarray
        Time from a failure to the next productive second [s].

    Raises
    ------
    ValueError
        If an argument is negative, or an interval 0 or not finite.

    Examples
    --------
    >>> round(float(ettr(1 / 3600, 600, 10, 300)), 3)
    0.83
    """
    rate, interval, write, restart = _checked(failures_per_s, interval_s, write_s, restart_s)
    # Written with x / (exp(x) - 1), which is 1 at x = 0 and never divides two tiny numbers.
    segment = interval + write
    result = interval / segment * _over_expm1(rate * segment) * np.exp(-rate * restart)
    return np.asarray(result)


def optimal_interval_s(failures_per_s: Numbers, write_s: Numbers) -> Floats:
    """Return the productive time between checkpoints that maximises `ettr` [s].

    It does not depend on the restart time. Without failures it is infinite, with a free checkpoint
    0. Young's first-order optimum sqrt(2 w / L) (Communications of the ACM 17, 1974) is its limit
    for rare failures; the exact one is that times 1 - sqrt(2 w L) / 3 + ..., as Daly's series says.
    """
    rate, _, write, _ = _checked(failures_per_s, 1.0, write_s, 0.0)
    lost, _ = _lost_at_optimum(rate * write)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(rate > 0, lost / rate, np.where(write > 0, np.inf, 0.0)))


def ettr_at_optimum(failures_per_s: Numbers, write_s: Numbers, restart_s: Numbers) -> Floats:
    """Return `ettr` at `optimal_interval_s`; also where that is 0 or infinite."""
    rate, _, write, restart = _checked(failures_per_s, 1.0, write_s, restart_s)
    _, kept = _lost_at_optimum(rate * write)
    return np.asarray(kept * np.exp(-rate * restart))


def _lost_at_optimum(a: Floats) -> tuple[Floats, Floats]:
    """Return x = L dt at the optimum and 1 - x, for a = L w."""
    # 1. With x = L dt, maximise f(x) = x / (exp(x + a) - 1).
    # 2. f'(x) = 0 where exp(x + a) - 1 = x exp(x + a), that is exp(-(x + a)) = 1 - x.
    # 3. Multiply by -exp(x - 1): (x - 1) exp(x - 1) = -exp(-1 - a).
    # 4. Lambert's W solves y exp(y) = z: x = 1 + W0(-exp(-1 - a)), on the branch with x >= 0.
    # 5. Step 2 put into f: exp(x + a) - 1 = x / (1 - x), so the best ETTR is (1 - x) exp(-L u0).
    z = -np.exp(-1.0 - a)
    # 6. Near a = 0, W0 in powers of p = sqrt(2 (1 + e z)) (Corless et al. 1996, equation 4.22).
    p = np.sqrt(-2.0 * np.expm1(-a))
    series = p * (1 - p * (1 / 3 - p * (11 / 72 - p * (43 / 540 - p * (769 / 17280)))))
    # 7. Elsewhere Halley's iteration, which triples the digits each time; z itself is a good start
    #    where failures are so frequent that W0 is small.
    near = p < 0.01
    w = np.where(near, -0.5, np.where(p < 1.0, series - 1.0, z * (1 - z * (1 - 1.5 * z))))
    for _ in range(5):
        error = w - z * np.exp(-w)
        w = w - error / (1.0 + w - error * (w + 2.0) / (2.0 * w + 2.0))
    lost = np.where(near, series, 1.0 + w)
    return lost, np.where(near, 1.0 - series, -w)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where the seconds of a run go, and how often it fails; each field may be an array.

    Parameters
    ----------
    productive_s : float or ndarray
        Steps that count.
    checkpoint_s : float or ndarray
        Training held up by checkpoints that were completed.
    lost_s : float or ndarray
        Steps and checkpoints that a failure threw away.
    restart_s : float or ndarray
        From each failure to the next productive second, restarts that failed included.
    failures : float or ndarray
        Expected number of failures.
    """

    productive_s: Numbers
    checkpoint_s: Numbers
    lost_s: Numbers
    restart_s: Numbers
    failures: Numbers

    @property
    def total_s(self) -> Numbers:
        """Wall-clock time: the sum of the four [s]."""
        return self.productive_s + self.checkpoint_s + self.lost_s + self.restart_s


def ledger(
    productive_s: Numbers,
    failures_per_s: Numbers,
    interval_s: Numbers,
    write_s: Numbers,
    restart_s: Numbers,
) -> Ledger:
    """Return the expected seconds of each kind in a run with `productive_s` of productive time.

    Their sum is ``productive_s / ettr(...)``. Arguments as in `ettr`.
    """
    rate, interval, write, restart = _checked(failures_per_s, interval_s, write_s, restart_s)
    segment = interval + write
    with np.errstate(over="ignore"):
        # 1. A segment of length s succeeds with probability exp(-L s): exp(L s) - 1 attempts fail.
        failed = np.expm1(rate * segment)
        # 2. The attempts take (exp(L s) - 1) / L together, of which the last one, s, is kept.
        lost = segment * _expm1_excess(rate * segment)
        # 3. A restart must itself last u0 without a failure: (exp(L u0) - 1) / L in the mean.
        recovery = restart * (1.0 + _expm1_excess(rate * restart))
        # 4. Each failed attempt and each failed restart is a failure.
        failures = failed * np.exp(rate * restart)
    segments = productive_s / interval
    return Ledger(
        productive_s + np.zeros_like(segment),
        segments * write,
        segments * lost,
        segments * failed * recovery,
        segments * failures,
    )


def _deviation_s(
    productive_s: Floats, rate: Floats, interval_s: Floats, write_s: float, restart_s: float
) -> Floats:
    """Return the standard deviation of the wall-clock time of one run [s]."""
    segment = interval_s + write_s
    x = np.maximum(rate * segment, 1e-12)
    failed = np.expm1(x)
    # 1. Time into a segment at which it fails: an exponential cut off at the segment's end. Its
    #    mean is s (1/x - 1/(exp(x) - 1)), its variance s^2 (1/x^2 - 1/(4 sinh^2(x/2))); both
    #    cancel for small x, where the first terms of their series stand in.
    small = x < 1e-3
    mean = segment * np.where(small, 0.5 - x / 12, 1 / x - 1 / failed)
    spread = segment**2 * np.where(small, 1 / 12, 1 / x**2 - 1 / (2 * np.sinh(x / 2)) ** 2)
    # 2. A restart that may fail takes (exp(b) - 1) / L in the mean, b = L u0; its variance is
    #    u0^2 (exp(2b) - 1 - 2 b exp(b)) / b^2.
    b = np.maximum(rate * restart_s, 1e-12)
    recovery = restart_s * np.expm1(b) / b
    exact = (np.expm1(2 * b) - 2 * b * np.exp(b)) / b**2
    recovery_spread = restart_s**2 * np.where(b < 1e-3, b / 3, exact)
    # 3. The failures of a segment are geometric, with variance failed (1 + failed).
    variance = failed * (spread + recovery_spread) + failed * (1 + failed) * (mean + recovery) ** 2
    return np.asarray(np.sqrt(productive_s / interval_s * variance))


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often a run is interrupted, and what each interruption and checkpoint costs.

    Parameters
    ----------
    nodes : float
        Nodes of the job, as the rate counts them.
    rate : Estimate
        Failures of a node in a day with their P10 and P90, see `reliability.failure_rate`.
    write_s : float
        Time for which a checkpoint holds training up.
    restart_s : float
        Time from a failure to the next productive second.
    interval_s : float, optional
        Productive time between checkpoints; the best, in whole steps, where not given.
    shortest_interval_s : float
        Least time between checkpoints, such as the time storage takes to write one.
    """

    nodes: float
    rate: Estimate
    write_s: float
    restart_s: float
    interval_s: float | None = None
    shortest_interval_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TimeToTrain:
    """How long a run takes.

    Parameters
    ----------
    days : Estimate
        Median wall-clock time with P10 and P90.
    steps : float
        Optimizer steps.
    interval_s : float
        Productive time between checkpoints.
    ledger : Ledger
        Expected seconds and failures at the central step time and failure rate.
    """

    days: Estimate
    steps: float
    interval_s: float
    ledger: Ledger

    @property
    def ettr(self) -> float:
        """Productive part of the expected wall-clock time."""
        return float(self.ledger.productive_s / self.ledger.total_s)


def time_to_train(
    tokens: float,
    global_batch: int,
    seq_len: int,
    step_s: Estimate,
    faults: Faults,
    *,
    slowdown: float = 1.0,
    seed: int = 0,
    draws: int = 4096,
) -> TimeToTrain:
    """Return how long a run on `tokens` takes, as a distribution.

    Step time and failure rate are drawn once for a run, each log-normal with its own spread below
    and above the median. Chance in when failures strike comes on top, normally distributed with
    the exact variance of the process that `ettr` describes. The checkpoint interval is set once,
    for the medians.

    Parameters
    ----------
    tokens : float
        Tokens to train on.
    global_batch : int
        Sequences in a step.
    seq_len : int
        Tokens of a sequence.
    step_s : Estimate
        Time of a step without failures [s], P10 and P90 as `low` and `high`.
    faults : Faults
        Failures, checkpoints and restarts.
    slowdown : float
        Stragglers, where `step_s` leaves them out (see `reliability.expected_slowdown`).
    seed, draws : int
        Seed and number of draws; the same seed gives the same answer.

    Returns
    -------
    TimeToTrain
        Days, steps, checkpoint interval and ledger.

    Raises
    ------
    ValueError
        If an argument is not positive.
    NotModelledError
        If less than a thousandth of the time would be productive.
    """
    if not min(tokens, global_batch, seq_len, step_s.low, slowdown) > 0:
        message = "tokens, batch, sequence, step time and slowdown must be above 0"
        raise ValueError(message)
    steps = float(np.ceil(tokens / (global_batch * seq_len)))
    work_s = steps * step_s.value * slowdown
    rate = faults.nodes * faults.rate.value / DAY_S
    interval_s = _interval_s(faults, rate, step_s.value * slowdown, work_s)
    central = ledger(work_s, rate, interval_s, faults.write_s, faults.restart_s)
    if not work_s > LEAST_ETTR * central.total_s:
        message = "the run would never end: it fails faster than it can restart and checkpoint"
        raise NotModelledError(message)
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((3, draws))
    work = work_s * _two_piece(step_s, z[0])
    rates = rate * _two_piece(faults.rate, z[1])
    # Checkpoints come after a number of steps, so a slower step stretches the interval.
    interval = interval_s * work / work_s
    mean = np.asarray(ledger(work, rates, interval, faults.write_s, faults.restart_s).total_s)
    chance = _deviation_s(work, rates, interval, faults.write_s, faults.restart_s)
    days = np.maximum(mean + z[2] * chance, work) / DAY_S
    low, mid, high = np.quantile(days, (0.1, 0.5, 0.9))
    facts = tuple(dict.fromkeys((*step_s.facts, *faults.rate.facts)))
    band = Estimate(float(mid), float(low), float(high), step_s.points, facts, step_s.note)
    return TimeToTrain(band, steps, interval_s, central)


def _interval_s(faults: Faults, rate: float, step_s: float, work_s: float) -> float:
    """Return the productive time between checkpoints: whole steps, at most the run."""
    wanted = faults.interval_s
    if wanted is None:
        best = float(optimal_interval_s(rate, faults.write_s))
        wanted = max(best, faults.shortest_interval_s)
    return min(max(round(min(wanted, work_s) / step_s), 1) * step_s, work_s)


def _two_piece(band: Estimate, z: Floats) -> Floats:
    """Return draws over the median: log-normal, with P10 and P90 where `band` has them."""
    if band.value <= 0:
        return np.ones_like(z)
    below, above = np.log(band.value / band.low), np.log(band.high / band.value)
    return np.asarray(np.exp(z * np.where(z < 0, below, above) / Z90))


def _checked(
    rate: Numbers, interval: Numbers, write: Numbers, restart: Numbers
) -> tuple[Floats, ...]:
    """Return the arguments as arrays; ValueError where one makes no sense."""
    named = {"failures_per_s": rate, "write_s": write, "restart_s": restart}
    for name, value in named.items():
        if not np.all(np.asarray(value) >= 0):
            message = f"{name} must be >= 0. Got {value!r} instead."
            raise ValueError(message)
    if not np.all((np.asarray(interval) > 0) & np.isfinite(interval)):
        message = f"interval_s must be above 0 and finite. Got {interval!r} instead."
        raise ValueError(message)
    return tuple(np.asarray(v, dtype=np.float64) for v in (rate, interval, write, restart))


def _over_expm1(x: Floats) -> Floats:
    """Return x / (exp(x) - 1), 1 at 0, without overflow."""
    safe = np.maximum(x, 1e-300)
    return np.where(x > 0, safe * np.exp(-safe) / -np.expm1(-safe), 1.0)


def _expm1_excess(x: Floats) -> Floats:
    """Return (exp(x) - 1) / x - 1, by its series where the difference would cancel."""
    series = x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5)))
    safe = np.maximum(x, 1e-3)
    return np.where(x < 1e-3, series, np.expm1(safe) / safe - 1.0)
