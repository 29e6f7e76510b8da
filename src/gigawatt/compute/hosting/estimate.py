"""One instance under a constant load: latency and throughput with their bands, and memory."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.bands import Estimate
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.measured.parts import unmeasured, with_kernels
from gigawatt.compute.hosting.memory import USED_SHARE, sequences_that_fit, weight_gb
from gigawatt.compute.hosting.steady import steady_state
from gigawatt.compute.network import check
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.compute.hosting.steady import Mix
    from gigawatt.compute.hosting.step import Split

__all__ = ["ServingEstimate", "as_dict", "estimate_serving", "serving_bands"]

_UNMEASURED_SPREAD: Final = 0.3
"""P90 of the logarithm by which a chip, format or engine without measurements may differ beyond the
band of models left out."""


@dataclass(frozen=True, slots=True)
class ServingEstimate:
    """What one instance serves.

    Parameters
    ----------
    split : Split
        How it spreads the model.
    mix : Mix
        The mean request.
    concurrency : float
        Requests in the instance at any time, those that wait included.
    ttft_s, tpot_s : Estimate
        Mean time to the first token and per further token, with P10 and P90 [s].
    output_tokens_per_s : Estimate
        Of the whole instance.
    held : float
        Sequences in progress; the rest waits for memory.
    places : float
        Sequences that the memory can hold.
    weight_gb, capacity_gb : float
        Weights on one accelerator and what engines may use of its memory [GB].
    notes : tuple of str
        What is extrapolated.
    """

    split: Split
    mix: Mix
    concurrency: float
    ttft_s: Estimate
    tpot_s: Estimate
    output_tokens_per_s: Estimate
    held: float
    places: float
    weight_gb: float
    capacity_gb: float
    notes: tuple[str, ...]


def estimate_serving(
    arch: Architecture,
    setting: ServingSetting,
    split: Split,
    mix: Mix,
    concurrency: float,
    *,
    together_share: float | None = None,
    kernels: str = "model",
) -> ServingEstimate:
    """Return latency and throughput of one instance in steady state.

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
    concurrency : float
        Requests in the instance at any time.
    together_share : float, optional
        Share of requests that a benchmark begins together with all others; by default all that
        arrive so as in the benchmarks that the model was fitted to.
    kernels : str
        ``model``, or ``measured`` for products, attention and experts from tables of measured
        kernels (extra ``kernels``).

    Raises
    ------
    InputError
        If not one request fits beside the weights.
    NotModelledError
        If a bandwidth is needed that nobody published, or a kernel that was not measured.
    """
    server, hardware, missing = calibration.server(setting)
    server, told = with_kernels(server, arch, setting, kernels)
    if together_share is not None:
        server = replace(server, waves=server.together(together_share))
    check(server.fabric, float(split.accelerators), 1.0)
    dims = dims_of(arch)
    formats = (setting.weight_bytes, setting.cache_bytes)
    capacity = float(hardware.capacity_gb)
    places = sequences_that_fit(dims, split, formats, capacity, mix.context)
    weights = float(weight_gb(dims, split, setting.weight_bytes))
    if places < 1.0:
        message = (
            f"{arch.name} in {setting.weights} takes {weights:,.0f} GB on each of "
            f"{int(split.accelerators)} {setting.chip.id}, and a request of "
            f"{mix.context:,.0f} tokens does not fit beside it in {USED_SHARE * capacity:,.0f} GB"
        )
        raise InputError(message)
    found = steady_state(dims, split, server, mix, float(concurrency), places)
    if told and np.isnan(float(found.tpot_s)):
        raise unmeasured(setting)
    bands, notes = serving_bands(arch, setting, missing)
    notes = (*notes, *told)
    facts = _facts(setting)

    def banded(value: Any, name: str) -> Estimate:  # noqa: ANN401  a number of any kind
        low, high, count = bands[name]
        middle = float(value)
        return Estimate(middle, middle * low, middle * high, int(count), facts, "; ".join(notes))

    return ServingEstimate(
        split=split,
        mix=mix,
        concurrency=float(concurrency),
        ttft_s=banded(found.ttft_s, "ttft"),
        tpot_s=banded(found.tpot_s, "tpot"),
        output_tokens_per_s=banded(found.output_tokens_per_s, "rate"),
        held=float(found.sequences * split.attn_dp),
        places=float(places * split.attn_dp),
        weight_gb=weights,
        capacity_gb=USED_SHARE * capacity,
        notes=notes,
    )


def serving_bands(
    arch: Architecture, setting: ServingSetting, missing: tuple[str, ...]
) -> tuple[dict[str, tuple[float, float, float]], tuple[str, ...]]:
    """Return P10, P90 of measured over predicted and their count, by quantity; and what is guessed.

    Quantities are ``tpot``, ``ttft`` and ``rate``. The bands are those of rows left out where this
    model was measured on the generation, and those of whole models left out where it was not.
    """
    known = calibration.load()
    near = [arch.name, setting.generation] in known["neighbours"]
    notes = []
    spread = 1.0
    if missing:
        notes.append(
            f"extrapolated: no measured serving on {setting.chip.id} with these formats; "
            f"{', '.join(missing)} taken from its forebear or expected"
        )
        spread = float(np.exp(_UNMEASURED_SPREAD))
    elif not near:
        notes.append(f"extrapolated: {arch.name} was not measured on {setting.generation}")
    found = {}
    for name, table in known["bands"]["near" if near and not missing else "far"].items():
        keys = (f"{arch.kind}|{setting.generation}", arch.kind, "all")
        count, low, high = next(table[key] for key in keys if key in table)
        found[name] = (low / spread, high * spread, count)
    return found, tuple(notes)


def _facts(setting: ServingSetting) -> tuple[str, ...]:
    named = (
        "bf16_tflops", "fp8_tflops", "fp4_tflops", "hbm_gb", "hbm_gb_per_s",
        "scale_up_chips", "scale_up_gb_per_s", "scale_out_gbit_per_s",
    )  # fmt: skip
    return tuple(setting.chip[name].key for name in named if name in setting.chip)


def as_dict(estimate: ServingEstimate) -> dict[str, Any]:
    """Return an estimate as plain numbers and text, for programs."""

    def band(found: Estimate, scale: float = 1.0) -> dict[str, float]:
        low, middle, high = found.low * scale, found.value * scale, found.high * scale
        return {"p10": low, "p50": middle, "p90": high}

    split = estimate.split
    return {
        "split": {f.name: int(getattr(split, f.name)) for f in fields(split)},
        "accelerators": int(split.accelerators),
        "concurrency": estimate.concurrency,
        "ttft_ms": band(estimate.ttft_s, 1e3),
        "tpot_ms": band(estimate.tpot_s, 1e3),
        "output_tokens_per_s": band(estimate.output_tokens_per_s),
        "sequences": {"in_progress": estimate.held, "most": estimate.places},
        "memory_gb": {"weights": estimate.weight_gb, "usable": estimate.capacity_gb},
        "notes": list(estimate.notes),
    }
