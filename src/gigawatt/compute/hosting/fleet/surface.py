r"""Latency and power of one serving instance over the load that users offer it.

`steady_state` answers for a constant number of requests :math:`n`. By Little's law an instance
that holds :math:`n` finishes :math:`\mu_n = n / (t_{first} + (n_{out} - 1)\,t_{tok})` a second.
Users do not keep a number constant: they arrive by chance, at a rate :math:`\lambda`. The number
in the instance is then a birth-death chain with

.. math:: p_n = p_0 \prod_{k=1}^{n} \frac{\lambda}{\mu_k}, \qquad
          p_{N+j} = p_N \left(\frac{\lambda}{\mu_N}\right)^{j}

for :math:`N` places: sequences share the engine, and those beyond the places wait in line. Where
the engine is shared, the chain holds whatever the distribution of lengths is [1]_; the line is that
of exponential ones. Latency is the mean over what arriving requests find, and the residence is
:math:`E[n] / \lambda`, so Little's law holds exactly.

**First tokens.** Prompts that arrive during a step are read in the next one. With :math:`d` a step
that only decodes and :math:`p` what a prompt adds to it, a step after one of length :math:`T` takes
:math:`d + p K`, with :math:`K` Poisson of mean :math:`\lambda T`. Hence, with
:math:`\varphi = \lambda p` and :math:`v` the coefficient of variation of prompts,

.. math:: E[T] = \frac{d}{1 - \varphi}, \quad
          T_b = E[T] + \frac{\lambda p^2 (1 + v^2)}{1 - \varphi^2}, \quad
          t_{first} = t_0 + \tfrac12 T_b + E[d + p K']

as an arrival falls into a step of length :math:`T_b` in the mean, waits for half of it, and shares
the next with others: :math:`K'` is one more than a Poisson number of mean :math:`\lambda T_b`.
:math:`p` is the mean over these, as prompts read together share what a step takes in any case. It
holds up all who are being answered. Attention groups work in step: a step takes as long as that of
the fullest of :math:`g` groups, which has :math:`K / g + (g - 1) / 2g` prompts in the mean or one,
while the experts of all share the tokens of all.

**Power.** At constant load, power lies between that of an idle server and that at full load [2]_,

.. math:: P(n) = P_{idle} + (P_{full} - P_{idle})\,(\mu_n / \mu_N)^{a}

and an instance without a request draws :math:`P_{idle}`.

References
----------
.. [1] F. P. Kelly, *Reversibility and Stochastic Networks* (1979), section 3.3: symmetric queues
       are insensitive to the distribution of service.
.. [2] ML.ENERGY leaderboard v3 and SemiAnalysis InferenceX PowerX: power of accelerators at one
       batch size after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.steady import Mix, steady_state
from gigawatt.compute.hosting.step import Work, step_parts
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gigawatt.catalog import Entry
    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.compute.hosting.step import Split, StepParts

    Floats = NDArray[np.float64]

    Numbers = float | NDArray[Any]

__all__ = [
    "LOAD_EXPONENT",
    "Load",
    "Surface",
    "VariedMix",
    "hosting_surface",
    "open_loop",
    "rated_power_w",
]

LOAD_EXPONENT: Final = 0.18
"""How power grows with throughput: least mean absolute error over 493 points on 71 curves of power
over batch size on H100 and B200, with the catalogue's idle power. Four points of five are met
within -14 % to +19 %; a straight line is 26 % too low in the median. A test fits it again."""

_GRID: Final = 256  # concurrencies at which the step model is asked; in between, straight lines
_LOADS: Final = np.concatenate(
    [[0.0], np.geomspace(1e-4, 0.1, 16), np.linspace(0.12, 0.96, 43), [0.975, 0.985, 0.99, 0.995]]
)  # shares of the most that the instance can finish; at 1 the line never ends
_ROUNDS: Final = 6  # of the number of prompts in a step, until it no longer changes
_BUSIEST: Final = 0.99  # part of a step that prompts take at most; the chain saturates before
_CELLS: Final = 4_000_000  # of the chain at a time, which bounds the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class VariedMix(Mix):
    """The mean request of many that differ.

    Parameters
    ----------
    input_variation, output_variation : float
        Coefficient of variation of the lengths of prompts and of answers: 0 where all are alike, 1
        for exponential ones.
    """

    input_variation: Numbers = 0.0
    output_variation: Numbers = 0.0

    @property
    def context(self) -> Numbers:
        """Tokens before a decoded one in the mean: long answers have more of them and last."""
        half = 0.5 * self.output_tokens * (1.0 + self.output_variation**2)
        return self.input_tokens + half


@dataclass(frozen=True, slots=True)
class Load:
    """An instance at given loads; each a float or an array over them.

    Parameters
    ----------
    concurrency : float or ndarray
        Requests in the instance in the mean, those in line included.
    ttft_s, tpot_s : float or ndarray
        Mean time to the first token and per further token [s].
    it_power_w : float or ndarray
        All-in IT power of the instance [W].
    """

    concurrency: Any
    ttft_s: Any
    tpot_s: Any
    it_power_w: Any


@dataclass(frozen=True, slots=True)
class Surface:
    """Throughput, latency and power of one instance; arrays over ascending loads.

    Parameters
    ----------
    rate_per_s : ndarray (loads,)
        Requests offered and finished, from 0 to nearly the most [1/s].
    concurrency, ttft_s, tpot_s, it_power_w : ndarray (loads,)
        As in `Load`.
    accelerators : float
        Accelerators of the instance.
    idle_w, rated_w : float
        All-in IT power of the instance with nothing to do, and its nameplate [W].
    input_tokens, output_tokens : float
        Of the mean request.
    places : float
        Sequences that the instance can work on at a time.
    """

    rate_per_s: Floats
    concurrency: Floats
    ttft_s: Floats
    tpot_s: Floats
    it_power_w: Floats
    accelerators: float
    idle_w: float
    rated_w: float
    input_tokens: float
    output_tokens: float
    places: float

    @property
    def most_per_s(self) -> float:
        """Highest rate that the surface answers for [1/s]."""
        return float(self.rate_per_s[-1])

    def at(self, rate_per_s: ArrayLike) -> Load:
        """Return the instance at `rate_per_s`; rates above `most_per_s` count as that."""
        rate = np.asarray(rate_per_s, float)
        columns = (self.concurrency, self.ttft_s, self.tpot_s, self.it_power_w)
        return Load(*(np.interp(rate, self.rate_per_s, column) for column in columns))

    def rate_at(self, concurrency: ArrayLike) -> Any:  # noqa: ANN401  float or array
        """Return the rate at which so many requests are in the instance in the mean [1/s]."""
        return np.interp(np.asarray(concurrency, float), self.concurrency, self.rate_per_s)

    def most_within(self, ttft_s: float = np.inf, tpot_s: float = np.inf) -> float:
        """Return the highest rate whose mean latencies keep within limits [1/s].

        0 where not even a single request at a time does.

        Parameters
        ----------
        ttft_s, tpot_s : float
            Limits on the mean time to the first token and per further token [s].
        """
        rates = [_last_within(self.rate_per_s, self.ttft_s, ttft_s)]
        rates.append(_last_within(self.rate_per_s, self.tpot_s, tpot_s))
        return min(rates)


def _last_within(rate_per_s: Floats, latency_s: Floats, limit_s: float) -> float:
    """Return the highest rate before a latency, which never falls, passes its limit."""
    within = int(np.searchsorted(latency_s, limit_s, side="right"))
    if within == 0:
        return 0.0
    if within == latency_s.size:
        return float(rate_per_s[-1])
    low, high = within - 1, within
    part = (limit_s - latency_s[low]) / (latency_s[high] - latency_s[low])
    return float(rate_per_s[low] + part * (rate_per_s[high] - rate_per_s[low]))


def hosting_surface(
    arch: Architecture,
    setting: ServingSetting,
    split: Split,
    mix: Mix,
    *,
    most_sequences: float = np.inf,
    load_exponent: float = LOAD_EXPONENT,
) -> Surface:
    """Return the surface of one instance of a model.

    Parameters
    ----------
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats and engine.
    split : Split
        One split (whole numbers).
    mix : Mix
        The mean request.
    most_sequences : float
        Cap of the engine on the sequences of each attention group, where it has one.
    load_exponent : float
        How power grows with throughput.

    Raises
    ------
    InputError
        If not one request fits beside the weights.
    """
    server, hardware, _ = calibration.server(setting)
    # Users do not arrive together as the clients of a benchmark do.
    server = replace(server, waves=0.0)
    dims = dims_of(arch)
    formats = (setting.weight_bytes, setting.cache_bytes)
    fitting = float(sequences_that_fit(dims, split, formats, hardware.capacity_gb, mix.context))
    groups = float(split.attn_dp)
    places = np.floor(min(fitting, most_sequences) * groups)
    if places < groups:
        message = (
            f"not one request of {mix.context:,.0f} tokens fits beside {arch.name} in "
            f"{setting.weights} on {int(split.accelerators)} {setting.chip.id}"
        )
        raise InputError(message)
    held = np.unique(np.rint(np.geomspace(1.0, places, _GRID)))
    curves = _by_number(dims, split, server, mix, held)
    accelerators = float(split.accelerators)
    idle, full, rated = (accelerators * w for w in rated_power_w(setting.chip))
    answers = float(mix.output_tokens)
    found = open_loop(held, curves, answers, (idle, full * setting.power_share, load_exponent))
    return Surface(*found, accelerators, idle, rated, float(mix.input_tokens), answers, places)


def _by_number(
    dims: Dims, split: Split, server: Server, mix: Mix, held: Floats
) -> tuple[Floats, Floats]:
    """Return residence and mean TTFT with so many requests that arrive by chance [s]."""
    steady = steady_state(dims, split, server, mix, held, np.inf)
    residence = np.asarray(steady.ttft_s + (mix.output_tokens - 1.0) * steady.tpot_s)
    groups = float(split.attn_dp)
    group = held / groups
    read = mix.input_tokens * (1.0 - mix.cached_share)
    spread = 1.0 + getattr(mix, "input_variation", 0.0) ** 2
    before = mix.input_tokens - read

    def parts(prompts: Numbers, longer: float = 1.0) -> StepParts:
        """Return a step of which each group reads so many prompts."""
        work = Work(
            sequences=group,
            context=mix.context,
            prompt_tokens=read * prompts,
            prompt_context=before + 0.5 * read * longer,
            speaking=np.maximum(group, 1.0),
        )
        return step_parts(dims, split, work, server.engine, server.fabric)

    decode = np.asarray(parts(0.0 * group).total_s)

    def step_s(prompts: Floats) -> Floats:
        """Return a step with so many prompts: that of the fullest group, with the experts of all.

        Most tokens are of long prompts, in which they see more.
        """
        share = prompts / groups
        fullest = parts(np.maximum(share + 0.5 * (1.0 - 1.0 / groups), 1.0), spread)
        shared = parts(share, spread).experts_s
        return np.asarray(fullest.total_s - fullest.experts_s + shared)

    # The steady state has all groups read at the same time, each prompt by itself.
    own = residence - group * (np.asarray(parts(1.0 + 0.0 * group).total_s) - decode)
    biased, others, shared_s = decode, 0.0 * group, decode
    stay = residence
    for _ in range(_ROUNDS):
        # One more than a Poisson number, by two numbers with the same mean and variance.
        less = np.maximum(np.minimum(np.sqrt(others), others), 1e-9)
        more = others / less
        chance = less / (less + more)
        many, few = step_s(1.0 + others + more), step_s(1.0 + others - less)
        shared_s = chance * many + (1.0 - chance) * few
        added = chance * (many - decode) / (1.0 + others + more)
        added = added + (1.0 - chance) * (few - decode) / (1.0 + others - less)
        stay = own + np.maximum(held, 1.0) * added
        rate = held / stay
        busy = np.minimum(rate * added, _BUSIEST)
        biased = decode / (1.0 - busy) + rate * added**2 * spread / (1.0 - busy**2)
        others = rate * biased
    return stay, server.first_token_s + 0.5 * biased + shared_s


def rated_power_w(chip: Entry) -> tuple[float, float, float]:
    """Return what one accelerator and all that serves it draw: idle, hosting at full load, rated.

    The nameplate times the measured shares of the catalogue's rate ``power_use``, as in the twin.
    """
    use = catalog.load().get("rate", "power_use")
    rated = chip.number("all_in_it_kw") * 1e3
    return rated * use.number("idle"), rated * use.number("hosting"), rated


def open_loop(
    held: Floats,
    latency_s: tuple[Floats, Floats],
    output_tokens: float,
    power: tuple[float, float, float],
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return rate, concurrency, TTFT, TPOT and power over offered loads.

    Parameters
    ----------
    held : ndarray (n,)
        Ascending whole numbers of requests from 1 to the places.
    latency_s : tuple of ndarray (n,)
        Mean residence and mean TTFT with that many requests [s].
    output_tokens : float
        Of the mean request.
    power : tuple of float
        Idle and full power [W], and the exponent between them.

    Returns
    -------
    tuple of ndarray (loads,)
        Requests a second [1/s], requests in the instance, TTFT [s], TPOT [s], IT power [W].
    """
    rate = held / latency_s[0]
    # An engine takes no more sequences than it finishes fastest with.
    last = int(np.argmax(rate)) + 1
    count = np.arange(1.0, held[last - 1] + 1.0)
    finished = np.interp(count, held[:last], rate[:last])
    first = np.maximum.accumulate(np.interp(count, held[:last], latency_s[1][:last]))
    idle, full, exponent = power
    drawn = idle + (full - idle) * (finished / finished[-1]) ** exponent
    offered = _LOADS * finished[-1]
    rows = max(_CELLS // count.size, 1)
    parts = [
        _mixed(offered[i : i + rows], finished, first, np.concatenate([[idle], drawn]))
        for i in range(0, offered.size, rows)
    ]
    residence, ttft, watts = (np.concatenate(each) for each in zip(*parts, strict=True))
    further = max(output_tokens - 1.0, 1.0)
    tpot = np.maximum.accumulate(np.maximum(residence - ttft, 0.0) / further)
    return offered, offered * residence, np.maximum.accumulate(ttft), tpot, watts


def _mixed(
    offered: Floats, finished: Floats, first: Floats, drawn: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return residence, TTFT and power in the mean over the chain, by offered load."""
    # An empty instance is the limit of a load of nearly nothing.
    rate = np.maximum(offered, 1e-9 * finished[-1])[:, np.newaxis]
    count = np.arange(finished.size + 1.0)
    log_weight = count * np.log(rate) - np.concatenate([[0.0], np.cumsum(np.log(finished))])
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    ratio = rate[:, 0] / finished[-1]
    full = weight[:, -1]
    # All in line weigh full x ratio / (1 - ratio), and stand at 1 / (1 - ratio) in the mean.
    line = full * ratio / (1.0 - ratio)
    total = weight.sum(axis=1) + line
    places = finished.size
    number = (weight @ count + line * (places + 1.0 / (1.0 - ratio))) / total
    waiting = line / (1.0 - ratio) / total / rate[:, 0]
    # Who finds n becomes the one more; who finds the instance full begins when a place is free.
    begun = (weight[:, :-1] @ first + (full + line) * first[-1]) / total
    watts = (weight @ drawn + line * drawn[-1]) / total
    return number / rate[:, 0], begun + waiting, watts
