r"""Units that only read or only write, as DeepSeek publishes them of its own service.

A unit has attention on every accelerator and experts spread over all. It works on two halves of a
batch in turn: while one computes, the tokens of the other travel to their experts and back [1]_
[2]_. With :math:`C` the computing and :math:`N` the communication of one half,

.. math:: T = 2\,\max(C, N)

is the time of a step. While they read, kernels that send occupy some of the multiprocessors, so
that computing has the others; while they write, none [3]_. Each accelerator has a scheduler of its
own, so that sequences of others cost it nothing. The engine is in-house; SGLang, which took up the
kernels that it published, stands for it, with each overhead at the least of any measured engine.

Redundant experts and three balancers spread the load [1]_, and profiles have it even [2]_. What
real requests leave uneven was measured on a unit alike [4]_: with :math:`g` the gain of an even
load there, and experts a share :math:`s` of its step, the fullest rank has

.. math:: 1 + (g - 1) / s

of the mean load.

A unit that writes holds as many sequences as leave its users their published speed. What a unit
that reads can do is a bound: a mean over a day has idle times, and none are published.

References
----------
.. [1] DeepSeek, "DeepSeek-V3/R1 inference system overview" (2025-03-01).
.. [2] DeepSeek, profile-data, ``README.md`` (commit ae7fc078).
.. [3] DeepSeek, DeepEP, ``docs/legacy.md`` (commit 0297fc80): 24 multiprocessors in the example for
   reading, none in that for writing.
.. [4] P. Zuo et al., "Serving large language models on Huawei CloudMatrix384", arXiv:2506.12708,
   table 2: SGLang with experts loaded by real requests, and evenly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.setting import ServingSetting
from gigawatt.compute.hosting.step import Split, Work, step_parts
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry
    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Hardware, Server

__all__ = ["Unit", "fullest_rank", "predict_unit", "step_s", "unit_of"]

_SENDING_MULTIPROCESSORS: Final = 24
"""Multiprocessors that send while requests are read [3]_."""
_HALVINGS: Final = 40
_ENGINE: Final = "sglang"
"""The measured engine that took up the kernels which DeepSeek published."""
_OVERHEADS: Final = frozenset(
    {
        "layer", "expert_layer", "latent_layer", "eager_layer", "eager_latent", "step", "sequence",
        "collective",
    }
)  # fmt: skip
"""Parameters that are overheads of an engine."""
_TOKENS_PER_STEP: Final = 16384.0
"""Tokens that an accelerator reads in a step [2]_: the profile has the settings of the service."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that only reads or only writes.

    Parameters
    ----------
    dims, split : Dims, Split
        Model with as many experts as are held, and how it is spread.
    server, hardware : Server, Hardware
        Accelerator, network and software.
    computing : float
        Share of the multiprocessors that compute.
    reads : bool
        Whether it reads requests or writes answers.
    """

    dims: Dims
    split: Split
    server: Server
    hardware: Hardware
    computing: float
    reads: bool


def unit_of(entry: Entry, software: str = _ENGINE, fullest: float = 1.0) -> Unit:
    """Return a unit of the catalogue.

    Parameters
    ----------
    entry : Entry
        Of kind ``deployment``.
    software : str
        Measured engine that stands for the one in use; its overheads are the least of any.
    fullest : float
        Load of the fullest rank of experts over the mean.
    """
    book = catalog.load()
    chip = book.get("chip", entry.text("chip"))
    arch = Architecture.from_entry(book.get("model", entry.text("model")))
    # Products in FP8; attention and its cache in BF16.
    date = entry.date("date")
    setting = ServingSetting(chip, "fp8", "bf16", software, date.year + (date.month - 1) / 12)
    server, hardware, _ = calibration.server(setting, _least_overheads())
    chips, reads = entry.number("chips"), entry.text("phase") == "prefill"
    return Unit(
        dims=replace(dims_of(arch), experts=entry.number("expert_slots")),
        split=Split(tp=1.0, attn_dp=chips, ep=chips),
        server=replace(server, engine=replace(server.engine, imbalance=fullest)),
        hardware=hardware,
        computing=1.0 - reads * _SENDING_MULTIPROCESSORS / chip.number("sm_count"),
        reads=reads,
    )


@cache
def _least_overheads() -> dict[str, float]:
    """Return the parameters with each overhead at the least of any measured engine."""
    known: dict[str, float] = calibration.load()["values"]
    least: dict[str, float] = {}
    for name, value in known.items():
        role = name.partition(":")[0]
        least[role] = min(value, least.get(role, value))
    return {
        name: least[role] if (role := name.partition(":")[0]) in _OVERHEADS else value
        for name, value in known.items()
    }


def step_s(unit: Unit, half: Work) -> float:
    """Return the time of a step of two halves that overlap [s].

    Parameters
    ----------
    unit : Unit
        What works.
    half : Work
        What one half of the step does on each accelerator.
    """
    computing, sending, _ = _half(unit, half)
    return 2.0 * max(computing, sending)


def _half(unit: Unit, half: Work) -> tuple[float, float, float]:
    """Return the seconds that a half computes and sends, and those of computing for experts."""
    engine = unit.server.engine
    parts = step_parts(unit.dims, unit.split, half, engine, unit.server.fabric)
    host = 0.5 * engine.step_s + engine.sequence_s * half.sequences
    device = (parts.total_s - parts.network_s - parts.engine_s) / unit.computing
    return float(device + host), float(parts.network_s), float(parts.experts_s / unit.computing)


def fullest_rank(software: str = _ENGINE) -> float:
    """Return the load of the fullest rank of experts over the mean, under real requests [4]_."""
    entry = catalog.load().get("deployment", "deepseek-v3@h100-sxm@prefill-sglang")
    gain = entry.number("tokens_per_s_per_chip") / entry.number("uneven_tokens_per_s_per_chip")
    unit = unit_of(entry, software)
    computing, sending, experts = _half(unit, _reading(entry))
    return 1.0 + (gain - 1.0) * max(computing, sending) / experts


def predict_unit(entry: Entry, software: str = _ENGINE) -> float:
    """Return the tokens a second of each accelerator of a unit of the catalogue.

    They are those read, with the ones found in the cache, or those written.

    Raises
    ------
    NotModelledError
        If the entry says neither how many sequences a unit writes nor how fast users are served.
    """
    even = entry.text("scope") == "profile"
    unit = unit_of(entry, software, 1.0 if even else fullest_rank(software))
    if unit.reads:
        return _tokens(entry) / step_s(unit, _reading(entry)) / (1.0 - entry.number("cache_hit"))
    context = entry.number("context")
    if "sequences" in entry:
        count = entry.number("sequences")
        return count / step_s(unit, _writing(count, context))
    if "tokens_per_s_per_user" not in entry:
        message = f"{entry.id}: neither sequences nor the speed of users is published"
        raise NotModelledError(message)
    count = _sequences(unit, context, 1.0 / entry.number("tokens_per_s_per_user"))
    return count / step_s(unit, _writing(count, context))


def _tokens(entry: Entry) -> float:
    return entry.number("tokens_per_step", _TOKENS_PER_STEP)


def _reading(entry: Entry) -> Work:
    """Return half of a step that reads as many tokens as are not in the cache."""
    asked, hit = entry.number("input_tokens"), entry.number("cache_hit")
    new, tokens = asked * (1.0 - hit), 0.5 * _tokens(entry)
    return Work(
        sequences=0.0,
        context=0.0,
        prompt_tokens=tokens,
        # Each new token sees all that was cached and half of the new ones.
        prompt_context=asked * hit + 0.5 * new,
        speaking=tokens / new,
    )


def _writing(sequences: float, context: float) -> Work:
    return Work(sequences=0.5 * sequences, context=context, speaking=0.5 * sequences)


def _sequences(unit: Unit, context: float, longest_s: float) -> float:
    """Return the most sequences that an accelerator holds with steps of at most `longest_s`."""
    hardware = unit.hardware
    formats = (hardware.weight_bytes, hardware.cache_bytes)
    most = sequences_that_fit(unit.dims, unit.split, formats, hardware.capacity_gb, context)
    low, high = 0.0, float(most)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        fits = step_s(unit, _writing(middle, context)) <= longest_s
        low, high = (middle, high) if fits else (low, middle)
    return low
